//! The order in which CPython goes through a set of strings.
//!
//! The published scorers keep video ids in sets and tokenise captions in the order the set gives them.
//! As the tokens of a caption can depend on the next one, that order is part of the numbers: on the
//! full recorded set it moves METEOR by 7e-6 of 100. Python draws a new order for each run unless
//! PYTHONHASHSEED is set; this is the order of PYTHONHASHSEED=0 under CPython 3.11 and later, whose
//! string hash is SipHash-1-3 (PEP 456) and whose sets probe ten places in a row before they jump.

/// Places of `ids` in the order of `set(ids)` once it was merged into an empty set, as `eval_dvc`
/// collects its videos.
pub(super) fn merged(ids: &[&str]) -> Vec<usize> {
    let collected = Set::of(ids, 0..ids.len());
    let mut merged = Set::empty();
    if collected.used * 5 >= merged.mask() * 3 {
        merged = Set::sized(collected.used * 2);
    }
    if merged.slots.len() == collected.slots.len() {
        return collected.places().collect();
    }
    for (hash, place) in collected.entries() {
        merged.insert(hash, place);
    }
    merged.places().collect()
}

/// Places of `ids` in the order of `set(a) & set(b)`, where both are these ids and `b` has them in
/// this order, as SODA collects its videos.
pub(super) fn intersected(ids: &[&str]) -> Vec<usize> {
    let order: Vec<usize> = Set::of(ids, 0..ids.len()).places().collect();
    Set::of(ids, order).places().collect()
}

/// Places probed in a row after the first, if the table is long enough.
const IN_A_ROW: usize = 9;
const SMALLEST: usize = 8;

/// An open-addressing table like CPython's, of hashes and what they stand for. Nothing is ever removed
/// from it, and nothing is added twice.
struct Set {
    slots: Vec<Option<(u64, usize)>>,
    used: usize,
}

impl Set {
    fn empty() -> Set {
        Set { slots: vec![None; SMALLEST], used: 0 }
    }

    /// With the least power of two of slots that is above `least`.
    fn sized(least: usize) -> Set {
        let mut size = SMALLEST;
        while size <= least {
            size *= 2;
        }
        Set { slots: vec![None; size], used: 0 }
    }

    /// Adds the ids at `places` one after the other, growing as CPython does.
    fn of(ids: &[&str], places: impl IntoIterator<Item = usize>) -> Set {
        let mut set = Set::empty();
        for place in places {
            set.insert(hash(ids[place]), place);
            if set.used * 5 >= set.mask() * 3 {
                let factor = if set.used > 50_000 { 2 } else { 4 };
                let mut larger = Set::sized(set.used * factor);
                for (hash, place) in set.entries() {
                    larger.insert(hash, place);
                }
                set = larger;
            }
        }
        set
    }

    fn mask(&self) -> usize {
        self.slots.len() - 1
    }

    fn insert(&mut self, hash: u64, place: usize) {
        let mask = self.mask();
        let mut perturb = hash;
        let mut at = hash as usize & mask;
        loop {
            let row = if at + IN_A_ROW <= mask { at..=at + IN_A_ROW } else { at..=at };
            if let Some(free) = row.into_iter().find(|at| self.slots[*at].is_none()) {
                self.slots[free] = Some((hash, place));
                self.used += 1;
                return;
            }
            perturb >>= 5;
            at = at.wrapping_mul(5).wrapping_add(1).wrapping_add(perturb as usize) & mask;
        }
    }

    fn entries(&self) -> impl Iterator<Item = (u64, usize)> {
        self.slots.iter().copied().flatten()
    }

    fn places(&self) -> impl Iterator<Item = usize> {
        self.entries().map(|(_, place)| place)
    }
}

/// CPython's hash of a string, with a key of zeros. The bytes are those of the narrowest of the three
/// forms in which it keeps strings.
fn hash(text: &str) -> u64 {
    let widest = text.chars().map(u32::from).max().unwrap_or(0);
    let bytes: Vec<u8> = match widest {
        0..=0xff => text.chars().map(|c| u32::from(c) as u8).collect(),
        0x100..=0xffff => text.chars().flat_map(|c| (u32::from(c) as u16).to_le_bytes()).collect(),
        _ => text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect(),
    };
    if bytes.is_empty() {
        return 0;
    }
    match siphash(&bytes) {
        // -1 is how CPython reports an error.
        u64::MAX => u64::MAX - 1,
        hash => hash,
    }
}

/// SipHash-1-3 with a key of zeros (Aumasson and Bernstein 2012).
fn siphash(bytes: &[u8]) -> u64 {
    let mut v: [u64; 4] = [
        0x736f_6d65_7073_6575,
        0x646f_7261_6e64_6f6d,
        0x6c79_6765_6e65_7261,
        0x7465_6462_7974_6573,
    ];
    let mut words = bytes.chunks_exact(8);
    for word in words.by_ref() {
        absorb(&mut v, word.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)));
    }
    let rest = words.remainder().iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
    absorb(&mut v, (bytes.len() as u64) << 56 | rest);
    v[2] ^= 0xff;
    for _ in 0..3 {
        round(&mut v);
    }
    v[0] ^ v[1] ^ v[2] ^ v[3]
}

fn absorb(v: &mut [u64; 4], word: u64) {
    v[3] ^= word;
    round(v);
    v[0] ^= word;
}

fn round(v: &mut [u64; 4]) {
    v[0] = v[0].wrapping_add(v[1]);
    v[2] = v[2].wrapping_add(v[3]);
    v[1] = v[1].rotate_left(13) ^ v[0];
    v[3] = v[3].rotate_left(16) ^ v[2];
    v[0] = v[0].rotate_left(32);
    v[2] = v[2].wrapping_add(v[1]);
    v[0] = v[0].wrapping_add(v[3]);
    v[1] = v[1].rotate_left(17) ^ v[2];
    v[3] = v[3].rotate_left(21) ^ v[0];
    v[2] = v[2].rotate_left(32);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers are what `PYTHONHASHSEED=0 python3.11` prints for `hash(text) & (2**64 - 1)`.
    #[test]
    fn hashes_are_cpythons() {
        for (text, expected) in [
            ("", 0),
            ("a", 4644417185603328019),
            ("abcdefgh", 4574395652268504554),
            ("AbCdEfGhIjK", 3565899292836865762),
            ("é", 6047309291227476195),
            ("東京", 4917279066023976722),
            ("𝄞", 7849220833259879855),
        ] {
            assert_eq!(hash(text), expected, "{text}");
        }
    }

    /// The numbers are what it prints for `sum(i * x.index(v) for i, v in enumerate(s))`, where `x` is
    /// the list of ids and `s` the set.
    #[test]
    fn orders_are_cpythons() {
        let check = |count: usize, of_merged: usize, of_intersected: usize| {
            let ids: Vec<String> = (0..count).map(|i| format!("video{i}")).collect();
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            let sum =
                |order: Vec<usize>| order.iter().enumerate().map(|(i, v)| i * v).sum::<usize>();
            assert_eq!(sum(merged(&ids)), of_merged, "{count} merged");
            assert_eq!(sum(intersected(&ids)), of_intersected, "{count} intersected");
        };
        check(100, 247786, 243350);
        check(1171, 405413668, 401103443);
        assert_eq!(merged(&[]), [0usize; 0]);
    }
}
