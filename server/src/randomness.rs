//! The source of random ids, codes and keys, which tests can seed.

use std::{convert::Infallible, sync::Arc};

use parking_lot::Mutex;
use rand::{Rng, SeedableRng, TryCryptoRng, TryRng, rngs::ChaCha20Rng};
use uuid::{Builder, Uuid};

/// A source of random ids, codes and keys. Clones draw from the same source.
///
/// Nonces and data keys do not come from here. The vault always uses the operating system's generator, because a seed
/// that is used twice would repeat nonces, which breaks AES-GCM.
#[derive(Debug, Clone)]
pub struct Randomness(Source);

#[derive(Debug, Clone)]
enum Source {
    System,
    Seeded(Arc<Mutex<ChaCha20Rng>>),
}

impl Randomness {
    /// The generator of each thread, which is seeded by the operating system.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// Draws the same values for the same seed. For tests only: whoever knows the seed knows every key.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        let generator = ChaCha20Rng::seed_from_u64(seed);
        Self(Source::Seeded(Arc::new(Mutex::new(generator))))
    }

    /// The generator to draw from.
    #[must_use]
    pub fn rng(&self) -> Self {
        self.clone()
    }

    /// A random UUID (version 4).
    #[must_use]
    pub fn uuid(&self) -> Uuid {
        let mut bytes = [0; 16];
        self.rng().fill_bytes(&mut bytes);
        Builder::from_random_bytes(bytes).into_uuid()
    }

    #[expect(clippy::disallowed_methods, reason = "the only module that may use it")]
    fn with<T>(&mut self, draw: impl FnOnce(&mut dyn Rng) -> T) -> T {
        match &self.0 {
            Source::System => draw(&mut rand::rng()),
            Source::Seeded(generator) => draw(&mut *generator.lock()),
        }
    }
}

impl TryRng for Randomness {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.with(|rng| rng.next_u32()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.with(|rng| rng.next_u64()))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.with(|rng| rng.fill_bytes(bytes));
        Ok(())
    }
}

impl TryCryptoRng for Randomness {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_draws_the_same_and_clones_draw_on() {
        let (one, other) = (Randomness::seeded(1), Randomness::seeded(1));
        let first = one.uuid();
        assert_eq!(first, other.uuid());
        assert_ne!(first, one.clone().uuid());
        assert_ne!(first, Randomness::seeded(2).uuid());
        assert_eq!(first.get_version_num(), 4);
    }
}
