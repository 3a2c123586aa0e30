//! Random choices that depend on nothing but the seed, the video and what is chosen.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// A number for one purpose and one video: the key by which videos are ranked, and the seed of their
/// choices. Adding a video to a collection, or a choice to a video, leaves all other numbers as they
/// were.
pub(super) fn key(seed: u64, purpose: &str, id: &str) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    // The purpose ends at the first zero byte, so that no two pairs run together.
    hasher.update(purpose.as_bytes()).update(&[0]).update(id.as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    u64::from_le_bytes(first)
}

/// A generator for one purpose and one video.
pub(super) fn rng(seed: u64, purpose: &str, id: &str) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(key(seed, purpose, id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seed_purpose_and_video_all_matter() {
        let keys = [key(0, "a", "b"), key(1, "a", "b"), key(0, "c", "b"), key(0, "a", "d")];
        for (index, one) in keys.iter().enumerate() {
            assert!(!keys[index + 1..].contains(one));
        }
        assert_ne!(key(0, "ab", "c"), key(0, "a", "bc"));
        assert_eq!(key(7, "a", "b"), key(7, "a", "b"));
    }
}
