//! Random bytes for session ids, nonces and initialisation vectors.

use chacha20::ChaCha12Rng;
use chacha20::rand_core::{Rng, SeedableRng};

/// A generator for one client or one simulated BMC. Seeded by the caller: this room asks no system.
pub struct Random(ChaCha12Rng);

impl Random {
    /// From a seed that nobody can guess; the same seed gives the same bytes.
    #[must_use]
    pub fn new(seed: [u8; 32]) -> Random {
        Random(ChaCha12Rng::from_seed(seed))
    }

    /// Fresh bytes.
    #[must_use]
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    /// A session id: any number but 0, which stands for "no session" (section 13.6).
    #[must_use]
    pub fn session_id(&mut self) -> u32 {
        self.0.next_u32().max(1)
    }

    /// A number below `end`, for jitter; `end` must not be 0.
    #[must_use]
    pub fn below(&mut self, end: u32) -> u32 {
        u32::try_from((u64::from(self.0.next_u32()) * u64::from(end)) >> 32).unwrap_or(0)
    }
}

impl std::fmt::Debug for Random {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Random")
    }
}
