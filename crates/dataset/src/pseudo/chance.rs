//! Random numbers that depend on what they are for, never on which thread asks.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// The numbers for the `index`-th thing of one `purpose` under the user's `seed`.
pub(super) fn stream(seed: u64, purpose: &str, index: u64) -> ChaCha8Rng {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes()).update(&index.to_le_bytes()).update(purpose.as_bytes());
    let mut word = [0; 8];
    word.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    ChaCha8Rng::seed_from_u64(u64::from_le_bytes(word))
}
