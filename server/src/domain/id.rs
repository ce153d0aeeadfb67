//! Generation of ids and codes.
//!
//! Ids for machines are a prefix and a UUID v7 in 26 characters of lower-case Crockford base32, the layout of `TypeID`
//! (<https://github.com/jetify-com/typeid/tree/main/spec>). They sort by the millisecond of their creation and carry 74
//! random bits. Codes for people are short, random and upper-case, without letters that look like digits.

use jiff::Timestamp;
use rand::{Rng, RngExt};
use uuid::Builder;

use super::time::to_millis;

/// The prefix of every lead id.
pub const LEAD_PREFIX: &str = "lead_";

/// What every ticket id begins with.
pub const TICKET_PREFIX: &str = "ticket_";

const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const UPPER_ALPHANUMERIC: &[u8; 36] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const LOWER_ALPHANUMERIC: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
/// 50 bits: in a workspace of a million leads, one new code in a billion is taken.
const UNIQUE_CODE_LENGTH: usize = 10;

/// A new lead id: `lead_01jhmr6k20fwsr8m1q6b9t2kze`.
///
/// ```
/// use konektor_server::domain::id;
/// let id = id::lead("2025-01-15T10:30:00Z".parse()?, &mut rand::rng());
/// assert!(id.starts_with("lead_01jhmr6k"));
/// # Ok::<(), jiff::Error>(())
/// ```
pub fn lead(now: Timestamp, rng: &mut (impl Rng + ?Sized)) -> String {
    time_ordered(LEAD_PREFIX, now, rng)
}

/// A new workspace id: `ws_…`.
pub fn workspace(now: Timestamp, rng: &mut (impl Rng + ?Sized)) -> String {
    time_ordered("ws_", now, rng)
}

/// A new ticket id: `ticket_…`.
pub fn ticket(now: Timestamp, rng: &mut (impl Rng + ?Sized)) -> String {
    time_ordered(TICKET_PREFIX, now, rng)
}

/// A new unique code of a lead, `KNK-7ZQ4M0X2RD`. It is random, so the store has to check that no lead has it.
pub fn unique_code(rng: &mut (impl Rng + ?Sized)) -> String {
    format!("KNK-{}", random_text(CROCKFORD, UNIQUE_CODE_LENGTH, rng))
}

/// Whether a text has the shape of a [`unique_code`], which says nothing about a person.
#[must_use]
pub fn is_unique_code(text: &str) -> bool {
    text.strip_prefix("KNK-").is_some_and(|code| {
        code.len() == UNIQUE_CODE_LENGTH && code.bytes().all(|byte| CROCKFORD.contains(&byte))
    })
}

/// The unique code of a synthetic lead, `KNK-7ZQ4M0X2RD8K`: the lowest 60 bits of a number. It is two characters longer
/// than a [`unique_code`], so that the two never collide.
#[must_use]
pub fn synthetic_unique_code(number: u64) -> String {
    let digits = (0..12)
        .rev()
        .map(|place| char::from(CROCKFORD[((number >> (5 * place)) & 31) as usize]));
    "KNK-".chars().chain(digits).collect()
}

/// A new tracking code of a workspace: `KNK-abc123`.
pub fn tracking_code(rng: &mut (impl Rng + ?Sized)) -> String {
    format!("KNK-{}", random_text(LOWER_ALPHANUMERIC, 6, rng))
}

/// A new reference of a ticket, which a person can read out: `A1B2C-3D4E`.
pub fn ticket_ref(rng: &mut (impl Rng + ?Sized)) -> String {
    let (head, tail) = (
        random_text(UPPER_ALPHANUMERIC, 5, rng),
        random_text(UPPER_ALPHANUMERIC, 4, rng),
    );
    format!("{head}-{tail}")
}

fn time_ordered(prefix: &str, now: Timestamp, rng: &mut (impl Rng + ?Sized)) -> String {
    let mut random = [0; 10];
    rng.fill_bytes(&mut random);
    let millis = u64::try_from(to_millis(now)).unwrap_or(0);
    let bits = Builder::from_unix_timestamp_millis(millis, &random)
        .into_uuid()
        .as_u128();
    let suffix = (0..26).rev().map(|place| {
        let digit = CROCKFORD[((bits >> (5 * place)) & 31) as usize];
        char::from(digit.to_ascii_lowercase())
    });
    prefix.chars().chain(suffix).collect()
}

fn random_text(alphabet: &[u8], length: usize, rng: &mut (impl Rng + ?Sized)) -> String {
    (0..length)
        .map(|_| char::from(alphabet[rng.random_range(0..alphabet.len())]))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::StdRng};

    use super::super::time::from_millis;
    use super::*;

    fn is_made_of(text: &str, prefix: &str, allowed: impl Fn(char) -> bool) -> bool {
        text.strip_prefix(prefix)
            .is_some_and(|rest| rest.chars().all(allowed))
    }

    #[test]
    fn ids_are_a_prefix_and_letters_and_digits() {
        let (now, mut rng) = (from_millis(1_736_937_000_000), StdRng::seed_from_u64(1));
        let lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        assert!(is_made_of(&lead(now, &mut rng), "lead_", lower));
        assert!(is_made_of(&workspace(now, &mut rng), "ws_", lower));
        assert!(is_made_of(&ticket(now, &mut rng), "ticket_", lower));
    }

    /// Randomness that is known.
    struct Fixed([u8; 10]);
    impl rand::TryRng for Fixed {
        type Error = std::convert::Infallible;
        fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
            Ok(0)
        }
        fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
            Ok(0)
        }
        fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Self::Error> {
            to.copy_from_slice(&self.0);
            Ok(())
        }
    }

    #[test]
    fn an_id_is_a_type_id() {
        // From the valid vectors of the TypeID specification: the bits of this UUID, this suffix.
        let uuid: u128 = 0x0188_9c89_df6b_7f1c_a388_9139_6ec3_14bc;
        let random: [u8; 16] = uuid.to_be_bytes();
        let tail: [u8; 10] = random[6..].try_into().expect("ten bytes");
        let millis = i64::try_from(uuid >> 80).expect("48 bits");
        let id = time_ordered("", from_millis(millis), &mut Fixed(tail));
        assert_eq!(id, "01h2e8kqvbfwea724h75qc655w");
    }

    #[test]
    fn codes_have_their_shapes() {
        let mut rng = StdRng::seed_from_u64(2);
        let upper = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
        for _ in 0..200 {
            let code = unique_code(&mut rng);
            assert!(
                is_made_of(&code, "KNK-", |c| upper(c) && !"ILOU".contains(c)) && code.len() == 14,
                "{code}"
            );
            assert!(is_unique_code(&code) && !is_unique_code(&code[..13]));
            let tracking = tracking_code(&mut rng);
            assert!(is_made_of(&tracking, "KNK-", |c| c.is_ascii_lowercase()
                || c.is_ascii_digit()));
            assert_eq!(tracking.len(), 10);
            let reference = ticket_ref(&mut rng);
            let parts: Vec<_> = reference.split('-').map(str::len).collect();
            assert!(
                parts == [5, 4] && reference.chars().all(|c| c == '-' || upper(c)),
                "{reference}"
            );
        }
    }

    #[test]
    fn ids_of_one_millisecond_differ() {
        let (now, mut rng) = (from_millis(1), StdRng::seed_from_u64(3));
        let ids: BTreeSet<_> = (0..1_000).map(|_| lead(now, &mut rng)).collect();
        assert_eq!(ids.len(), 1_000);
    }

    proptest! {
        #[test]
        fn ids_sort_by_the_time_they_were_made(a in 0..100_000_000_000_000_i64, gap in 1..100_000_000_000_000_i64) {
            let b = a + gap;
            let mut rng = StdRng::seed_from_u64(4);
            prop_assert!(lead(from_millis(a), &mut rng) < lead(from_millis(b), &mut rng));
        }
    }
}
