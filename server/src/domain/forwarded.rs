//! The address of a client behind proxies.
//!
//! Each proxy appends the address that it was called from to `Forwarded` (RFC 7239) or `X-Forwarded-For`, so the
//! headers are read from the right: trusted proxies are skipped, and the first other hop is the client. Everything left
//! of it was written by the client itself.

use std::{net::IpAddr, str};

use ipnet::IpNet;

/// The proxies whose headers are trusted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrustedProxies(Vec<IpNet>);

/// The lines of both headers, in the order of arrival.
#[derive(Debug, Clone, Default)]
pub struct Forwarding<'a> {
    /// The lines of `Forwarded`.
    pub forwarded: Vec<&'a [u8]>,
    /// The lines of `X-Forwarded-For`.
    pub x_forwarded_for: Vec<&'a [u8]>,
}

/// The origin of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// The other end of the connection.
    pub peer: IpAddr,
    /// The client; `None` if trusted proxies do not name it or do not agree.
    pub client: Option<IpAddr>,
}

impl Origin {
    /// The address that the throttle counts: the client's, or that of the proxy that does not name it.
    #[must_use]
    pub fn counted(&self) -> IpAddr {
        self.client.unwrap_or(self.peer)
    }
}

impl From<Vec<IpNet>> for TrustedProxies {
    fn from(ranges: Vec<IpNet>) -> Self {
        Self(ranges)
    }
}

impl TrustedProxies {
    /// The origin of a request that this peer sent with these headers.
    ///
    /// ```
    /// use konektor_server::domain::forwarded::{Forwarding, TrustedProxies};
    /// let proxies = TrustedProxies::from(vec!["10.0.0.0/8".parse()?]);
    /// let headers = Forwarding { x_forwarded_for: vec![b"192.0.2.1, 203.0.113.7"], ..Forwarding::default() };
    /// let origin = proxies.origin("10.0.0.1".parse()?, &headers);
    /// assert_eq!(origin.client, Some("203.0.113.7".parse()?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn origin(&self, peer: IpAddr, headers: &Forwarding) -> Origin {
        let peer = peer.to_canonical();
        let client = if self.trusts(peer) {
            self.behind(peer, headers)
        } else {
            Some(peer)
        };
        Origin { peer, client }
    }

    /// The client of a trusted proxy. A proxy that writes one of the headers may forward the other as the client sent
    /// it, so the two must agree.
    fn behind(&self, peer: IpAddr, headers: &Forwarding) -> Option<IpAddr> {
        let (new, old) = (&headers.forwarded, &headers.x_forwarded_for);
        match (new.is_empty(), old.is_empty()) {
            (true, true) => Some(peer),
            (false, true) => self.first_untrusted(new, element_address),
            (true, false) => self.first_untrusted(old, node_address),
            (false, false) => self
                .first_untrusted(new, element_address)
                .filter(|client| self.first_untrusted(old, node_address) == Some(*client)),
        }
    }

    /// The first hop from the right that is no trusted proxy; the last one when all are.
    fn first_untrusted(
        &self,
        lines: &[&[u8]],
        address: impl Fn(&str) -> Option<IpAddr>,
    ) -> Option<IpAddr> {
        // A quoted text with a comma in it is split into two malformed elements. No address has one.
        let hops = lines
            .iter()
            .rev()
            .flat_map(|line| line.rsplit(|&byte| byte == b','));
        let mut last = None;
        for hop in hops {
            let hop = address(str::from_utf8(hop).ok()?.trim_matches([' ', '\t']))?.to_canonical();
            if !self.trusts(hop) {
                return Some(hop);
            }
            last = Some(hop);
        }
        last
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|range| range.contains(&address))
    }
}

/// The address of one element of `Forwarded`, `for=192.0.2.60;proto=http`; `None` unless the whole element is well
/// formed.
fn element_address(element: &str) -> Option<IpAddr> {
    let mut address = None;
    for pair in element.split(';') {
        let (name, value) = pair.trim_matches([' ', '\t']).split_once('=')?;
        let value = plain(value)?;
        if name.eq_ignore_ascii_case("for") && address.replace(node_address(value)?).is_some() {
            return None;
        }
    }
    address
}

/// A value without its quotes; None when it is empty or still has a character that needs quotes or an escape.
fn plain(value: &str) -> Option<&str> {
    let value = match value.strip_prefix('"') {
        Some(quoted) => quoted.strip_suffix('"')?,
        None => value,
    };
    let odd = |c: char| c == '"' || c == '\\' || c.is_whitespace() || c.is_control();
    (!value.is_empty() && !value.contains(odd)).then_some(value)
}

/// `192.0.2.60`, `192.0.2.60:4711`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:4711`; `None` for everything else,
/// including `unknown` and names that a proxy makes up, such as `_hidden`.
fn node_address(node: &str) -> Option<IpAddr> {
    if let Ok(address) = node.parse() {
        return Some(address);
    }
    let (address, port) = if let Some(bracketed) = node.strip_prefix('[') {
        let (address, rest) = bracketed.split_once(']')?;
        (IpAddr::V6(address.parse().ok()?), rest)
    } else {
        let (address, port) = node.split_at_checked(node.find(':')?)?;
        (IpAddr::V4(address.parse().ok()?), port)
    };
    (port.is_empty() || is_port(port)).then_some(address)
}

/// Whether the text is `:4711` or `:_hidden`. RFC 7239 calls both a port.
fn is_port(text: &str) -> bool {
    let Some(port) = text.strip_prefix(':') else {
        return false;
    };
    match port.strip_prefix('_') {
        Some(name) => {
            let known = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
            !name.is_empty() && name.bytes().all(known)
        }
        None => port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use proptest::prelude::*;

    use super::*;

    const PROXY: &str = "10.0.0.1";

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn proxies() -> TrustedProxies {
        let ranges = ["10.0.0.0/8", "2001:db8:ffff::/48"];
        TrustedProxies::from(ranges.map(|range| range.parse().expect("a range")).to_vec())
    }

    fn forwarded<'a>(lines: &[&'a str]) -> Forwarding<'a> {
        Forwarding {
            forwarded: lines.iter().map(|line| line.as_bytes()).collect(),
            x_forwarded_for: Vec::new(),
        }
    }

    fn x_forwarded_for<'a>(lines: &[&'a str]) -> Forwarding<'a> {
        Forwarding {
            forwarded: Vec::new(),
            x_forwarded_for: lines.iter().map(|line| line.as_bytes()).collect(),
        }
    }

    /// The client of the proxy, empty when it is not known.
    fn client(headers: &Forwarding) -> String {
        let origin = proxies().origin(address(PROXY), headers);
        origin
            .client
            .map_or(String::new(), |client| client.to_string())
    }

    #[test]
    fn the_first_hop_from_the_right_that_is_no_trusted_proxy_is_the_client() {
        for (line, expected) in [
            ("203.0.113.7", "203.0.113.7"),
            ("192.0.2.1, 203.0.113.7", "203.0.113.7"),
            ("192.0.2.1, 203.0.113.7, 10.9.9.9", "203.0.113.7"),
            ("203.0.113.7,10.9.9.9,\t10.0.0.2 ", "203.0.113.7"),
            ("nonsense, 203.0.113.7", "203.0.113.7"),
            ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
            ("203.0.113.7:4711", "203.0.113.7"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("203.0.113.7, 2001:db8:ffff::1", "203.0.113.7"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("203.0.113.7, [::ffff:10.0.0.2]:80", "203.0.113.7"),
        ] {
            assert_eq!(client(&x_forwarded_for(&[line])), expected, "{line}");
        }
        for (line, expected) in [
            ("for=203.0.113.7", "203.0.113.7"),
            ("For=203.0.113.7;proto=https;by=10.0.0.1", "203.0.113.7"),
            ("proto=https; for=\"203.0.113.7:4711\"", "203.0.113.7"),
            ("for=\"[2001:db8::1]:4711\"", "2001:db8::1"),
            (
                "for=\"[2001:db8::1]\";host=\"crm.example.com:443\"",
                "2001:db8::1",
            ),
            ("for=\"203.0.113.7:_port\"", "203.0.113.7"),
            (
                "for=192.0.2.1, for=203.0.113.7, for=10.0.0.2",
                "203.0.113.7",
            ),
            ("for=\", for=203.0.113.7", "203.0.113.7"),
        ] {
            assert_eq!(client(&forwarded(&[line])), expected, "{line}");
        }
    }

    #[test]
    fn a_hop_that_cannot_be_read_leaves_no_address() {
        for line in [
            "",
            "unknown",
            "_hidden",
            "203.0.113.7,",
            "203.0.113.7, unknown, 10.0.0.2",
            "203.0.113",
            "203.0.113.07",
            "203.0.113.7:",
            "203.0.113.7:99999",
            "203.0.113.7:+80",
            "203.0.113.7:80:80",
            "2001:db8::1%eth0",
            "[2001:db8::1",
            "[203.0.113.7]",
            "[2001:db8::1]80",
            "203.0.113.7 192.0.2.1",
            "\"203.0.113.7\"",
            "for=203.0.113.7",
        ] {
            assert_eq!(client(&x_forwarded_for(&[line])), "", "{line}");
        }
        for line in [
            "",
            "203.0.113.7",
            "for=",
            "for=unknown",
            "for=_hidden",
            "for=\"203.0.113.7",
            "for=203.0.113.7\"",
            "for=\"203.0.113.7\\\"",
            "for=203.0.113.7;",
            "for=203.0.113.7;proto",
            "for=203.0.113.7;for=192.0.2.1",
            "proto=https",
            "for=203.0.113.7, proto=https",
            "for=192.0.2.1;host=\"a, for=203.0.113.7\"",
            "for=192.0.2.1;host=\"a, for=203.0.113.7;x=\\\"b\"",
        ] {
            assert_eq!(client(&forwarded(&[line])), "", "{line}");
        }
    }

    #[test]
    fn several_lines_are_one_in_their_order() {
        let lines = ["192.0.2.1", "203.0.113.7", "10.0.0.3, 10.0.0.2"];
        assert_eq!(client(&x_forwarded_for(&lines)), "203.0.113.7");
        let lines = ["for=203.0.113.7", "for=192.0.2.1"];
        assert_eq!(client(&forwarded(&lines)), "192.0.2.1");
    }

    #[test]
    fn the_two_headers_have_to_agree() {
        let both = |new: &'static str, old: &'static str| {
            client(&Forwarding {
                forwarded: vec![new.as_bytes()],
                x_forwarded_for: vec![old.as_bytes()],
            })
        };
        assert_eq!(both("for=203.0.113.7", "203.0.113.7"), "203.0.113.7");
        assert_eq!(both("for=203.0.113.7", "192.0.2.1"), "");
        assert_eq!(both("for=unknown", "203.0.113.7"), "");
        assert_eq!(both("for=203.0.113.7", "unknown"), "");
        assert_eq!(both("for=unknown", "unknown"), "");
    }

    #[test]
    fn a_proxy_that_forwards_nothing_is_the_client_itself() {
        assert_eq!(client(&Forwarding::default()), PROXY);
        let mapped = proxies().origin(address("::ffff:10.0.0.1"), &x_forwarded_for(&["192.0.2.1"]));
        assert_eq!(mapped.client, Some(address("192.0.2.1")));
    }

    #[test]
    fn the_throttle_counts_the_proxy_when_the_client_is_not_known() {
        let counted = |line| {
            let headers = x_forwarded_for(&[line]);
            proxies().origin(address(PROXY), &headers).counted()
        };
        assert_eq!(counted("unknown"), address(PROXY));
        assert_eq!(counted("203.0.113.7"), address("203.0.113.7"));
    }

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            any::<Vec<u8>>(),
            "[for=;,:\"\\\\. \t0-9a-f\\[\\]_]{0,60}".prop_map(String::into_bytes),
        ]
    }

    fn any_address() -> impl Strategy<Value = IpAddr> {
        prop_oneof![
            any::<u32>().prop_map(|bits| Ipv4Addr::from(bits).into()),
            any::<u128>().prop_map(|bits| Ipv6Addr::from(bits).into()),
        ]
    }

    /// Both headers, each with up to two lines.
    fn any_lines() -> impl Strategy<Value = [Vec<Vec<u8>>; 2]> {
        let lines = || prop::collection::vec(bytes(), 0..3);
        [lines(), lines()]
    }

    fn headers([new, old]: &[Vec<Vec<u8>>; 2]) -> Forwarding<'_> {
        Forwarding {
            forwarded: new.iter().map(Vec::as_slice).collect(),
            x_forwarded_for: old.iter().map(Vec::as_slice).collect(),
        }
    }

    proptest! {
        #[test]
        fn no_header_panics(peer in any_address(), lines in any_lines()) {
            let everybody = TrustedProxies::from(vec![
                "0.0.0.0/0".parse().expect("a range"),
                "::/0".parse().expect("a range"),
            ]);
            let _ = everybody.origin(peer, &headers(&lines));
            let _ = proxies().origin(address(PROXY), &headers(&lines));
        }

        #[test]
        fn what_an_untrusted_peer_forwards_never_matters(peer in any_address(), lines in any_lines()) {
            prop_assume!(!proxies().trusts(peer.to_canonical()));
            let origin = proxies().origin(peer, &headers(&lines));
            prop_assert_eq!(origin.client, Some(peer.to_canonical()));
            let nobody = TrustedProxies::default().origin(peer, &headers(&lines));
            prop_assert_eq!(nobody, origin);
        }

        #[test]
        fn what_stands_left_of_the_clients_own_hop_never_matters(
            left in bytes(),
            hop in any_address(),
            behind in 0..3_usize,
            own_line in any::<bool>(),
            port in any::<Option<u16>>(),
        ) {
            prop_assume!(!proxies().trusts(hop.to_canonical()));
            let port = port.map_or(String::new(), |port| format!(":{port}"));
            let node = match hop {
                IpAddr::V4(hop) => format!("{hop}{port}"),
                IpAddr::V6(hop) => format!("[{hop}]{port}"),
            };
            for new in [true, false] {
                let (own, proxy) = if new {
                    (format!("for=\"{node}\""), ", for=10.0.0.2")
                } else {
                    (node.clone(), ", 10.0.0.2")
                };
                let own = format!("{own}{}", proxy.repeat(behind)).into_bytes();
                let lines = if own_line {
                    vec![left.clone(), own]
                } else {
                    vec![[left.as_slice(), b", ", own.as_slice()].concat()]
                };
                let lines = if new { [lines, Vec::new()] } else { [Vec::new(), lines] };
                let origin = proxies().origin(address(PROXY), &headers(&lines));
                prop_assert_eq!(origin.client, Some(hop.to_canonical()));
            }
        }
    }
}
