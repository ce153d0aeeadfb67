//! Addresses of callers: the allowlist of a key, and which addresses the throttle counts together.

use std::{fmt, net::IpAddr, str::FromStr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use thiserror::Error;

/// The addresses that a key may be used from. An empty list allows all.
///
/// ```
/// use konektor_server::domain::address::Allowlist;
/// let office = Allowlist::parse(["203.0.113.7", "2001:db8::/32"])?;
/// assert!(office.permits("::ffff:203.0.113.7".parse()?));
/// assert!(!office.permits("203.0.113.8".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Allowlist(Vec<IpNet>);

/// An entry of an allowlist that is neither an address nor a range.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{entry:?} is neither an IP address nor a CIDR range such as 203.0.113.0/24 or 2001:db8::/32"
)]
pub struct AddressError {
    /// The entry as it was given.
    pub entry: String,
}

impl Allowlist {
    /// Reads a list of addresses and CIDR ranges, v4 and v6.
    pub fn parse<S: AsRef<str>>(
        entries: impl IntoIterator<Item = S>,
    ) -> Result<Self, AddressError> {
        entries
            .into_iter()
            .map(|entry| range(entry.as_ref()))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether a caller from this address may pass.
    #[must_use]
    pub fn permits(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.is_empty() || self.0.iter().any(|range| range.contains(&address))
    }

    /// Whether the list has no entry, and so allows all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The entries as ranges. Parsed again, they are the same list.
    pub fn ranges(&self) -> impl Iterator<Item = IpNet> {
        self.0.iter().copied()
    }
}

impl fmt::Display for Allowlist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ranges: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&ranges.join(","))
    }
}

/// Reads what Display writes: entries separated by commas; an empty text is an empty list.
impl FromStr for Allowlist {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if text.is_empty() {
            Ok(Self::default())
        } else {
            Self::parse(text.split(','))
        }
    }
}

/// The unit that failures are counted for: an IPv4 address, or an IPv6 /64, which is what one customer has.
#[must_use]
pub fn throttle_key(address: IpAddr) -> IpNet {
    let address = IpNet::from(address.to_canonical());
    match address {
        IpNet::V4(_) => address,
        IpNet::V6(v6) => {
            Ipv6Net::new(v6.addr(), 64).map_or(address, |network| network.trunc().into())
        }
    }
}

/// Reads an address or a CIDR range; IPv4 written as IPv6 is IPv4.
pub fn range(entry: &str) -> Result<IpNet, AddressError> {
    let entry = entry.trim();
    let range = entry
        .parse::<IpNet>()
        .or_else(|_| entry.parse::<IpAddr>().map(IpNet::from));
    range
        .map(|range| unmapped(range).trunc())
        .map_err(|_| AddressError {
            entry: entry.to_owned(),
        })
}

/// A range of IPv4 addresses written as IPv6 (`::ffff:203.0.113.0/120`) as the IPv4 range.
fn unmapped(range: IpNet) -> IpNet {
    let (IpAddr::V4(address), Some(length)) = (
        range.addr().to_canonical(),
        range.prefix_len().checked_sub(96),
    ) else {
        return range;
    };
    Ipv4Net::new(address, length).map_or(range, IpNet::V4)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn permits(entries: &[&str], address: &str) -> bool {
        Allowlist::parse(entries)
            .expect("a list")
            .permits(address.parse().expect("an address"))
    }

    #[test]
    fn addresses_and_ranges_of_both_families_permit_what_they_hold() {
        assert!(permits(&["203.0.113.7"], "203.0.113.7"));
        assert!(!permits(&["203.0.113.7"], "203.0.113.8"));
        assert!(permits(&["203.0.113.77/24"], "203.0.113.1"));
        assert!(permits(&["2001:db8::/32"], "2001:db8:ffff::1"));
        assert!(!permits(&["2001:db8::/32"], "2001:db9::1"));
        assert!(permits(&["192.0.2.1", " 2001:db8::1 "], "2001:db8::1"));
    }

    #[test]
    fn mapped_addresses_are_ipv4_on_both_sides() {
        assert!(permits(&["203.0.113.0/24"], "::ffff:203.0.113.7"));
        assert!(permits(&["::ffff:203.0.113.0/120"], "203.0.113.7"));
        assert!(permits(&["::ffff:203.0.113.7"], "203.0.113.7"));
        assert!(!permits(&["::/0"], "203.0.113.7"));
        assert!(!permits(&["0.0.0.0/0"], "2001:db8::1"));
    }

    #[test]
    fn an_empty_list_permits_all() {
        assert!(permits(&[], "203.0.113.7"));
    }

    #[test]
    fn an_entry_that_is_none_is_named() {
        for entry in [
            "",
            "example.com",
            "203.0.113.0/33",
            "203.0.113",
            "fe80::1%eth0",
            "2001:db8::/129",
            "010.0.0.1",
        ] {
            let error = Allowlist::parse(["203.0.113.7", entry]).expect_err(entry);
            assert!(error.to_string().contains(&format!("{entry:?}")), "{error}");
        }
        assert!("203.0.113.7,".parse::<Allowlist>().is_err());
    }

    #[test]
    fn the_throttle_counts_an_ipv4_address_or_an_ipv6_network() {
        let key = |text: &str| throttle_key(text.parse().expect("an address"));
        assert_eq!(key("::ffff:203.0.113.7"), key("203.0.113.7"));
        assert_ne!(key("203.0.113.8"), key("203.0.113.7"));
        assert_eq!(key("2001:db8::1"), key("2001:db8::ffff:0:0:1"));
        assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
    }

    proptest! {
        #[test]
        fn a_list_reads_back_as_itself(v4 in any::<(u32, u8)>(), v6 in any::<(u128, u8)>(), more in any::<bool>()) {
            let v4 = format!("{}/{}", std::net::Ipv4Addr::from(v4.0), v4.1 % 33);
            let v6 = format!("{}/{}", std::net::Ipv6Addr::from(v6.0), v6.1 % 129);
            let entries = if more { vec![v4, v6] } else { vec![] };
            let list = Allowlist::parse(entries).expect("a list");
            prop_assert_eq!(list.to_string().parse(), Ok(list));
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = text.parse::<Allowlist>();
        }
    }
}
