//! Small pieces of English: choices between wordings, articles, numbers, lists, sentences.

/// Picks among wordings that mean the same: by content, not by chance, so that the same event always
/// reads the same and neighbours read differently.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    state: u64,
}

impl Choice {
    /// From what names the event: the video's id, the modality, the event's position.
    pub(super) fn new(video: &str, modality: &str, index: usize) -> Choice {
        // FNV-1a; each part ends with a zero byte, which none can hold.
        let bytes = video.bytes().chain([0]).chain(modality.bytes()).chain([0]);
        let bytes = bytes.chain((index as u64).to_le_bytes());
        let state = bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        });
        Choice { state }
    }

    /// The next number below `count`, which must not be zero (SplitMix64).
    pub(super) fn below(&mut self, count: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % count as u64) as usize
    }

    /// One of `wordings`, which must not be empty.
    pub(super) fn of<'a>(&mut self, wordings: &[&'a str]) -> &'a str {
        wordings[self.below(wordings.len())]
    }

    /// True once in `n` times.
    pub(super) fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

/// `phrase` behind `a` or `an`.
pub(super) fn with_article(phrase: &str) -> String {
    let vowel = phrase.starts_with(['a', 'e', 'i', 'o', 'u']) && !phrase.starts_with("one");
    format!("{} {phrase}", if vowel { "an" } else { "a" })
}

/// `one` to `twelve` in letters, larger numbers in digits.
pub(super) fn number(n: usize) -> String {
    const WORDS: [&str; 13] = [
        "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
        "eleven", "twelve",
    ];
    WORDS.get(n).map_or_else(|| n.to_string(), |word| (*word).to_owned())
}

/// `one cut`, `two cuts`.
pub(super) fn count(n: usize, one: &str, many: &str) -> String {
    format!("{} {}", number(n), if n == 1 { one } else { many })
}

/// A length of time as a person would say it: to the second, to five seconds from twenty on, then
/// to the minute.
pub(super) fn about(seconds: f64) -> String {
    let seconds = if seconds.is_finite() { seconds.clamp(0.0, 1e9) } else { 0.0 };
    let whole =
        if seconds < 20.0 { seconds.round() } else { (seconds / 5.0).round() * 5.0 } as usize;
    match whole {
        0 => "less than a second".to_owned(),
        1 => "about a second".to_owned(),
        2..60 => format!("about {} seconds", number(whole)),
        60..90 => "about a minute".to_owned(),
        _ => format!("about {} minutes", number((seconds / 60.0).round() as usize)),
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn list<S: AsRef<str>>(items: &[S]) -> String {
    match items {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [front @ .., last] => {
            let front: Vec<&str> = front.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", front.join(", "), last.as_ref())
        }
    }
}

/// `main`, with each tail behind a comma.
pub(super) fn with_tails<S: AsRef<str>>(main: String, tails: &[S]) -> String {
    tails.iter().fold(main, |sentence, tail| format!("{sentence}, {}", tail.as_ref()))
}

/// A clause as a sentence: a capital in front, a full stop behind.
pub(super) fn sentence(clause: &str) -> String {
    let mut letters = clause.chars();
    match letters.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), letters.as_str()),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn articles_numbers_and_lists() {
        assert_eq!(with_article("orange view"), "an orange view");
        assert_eq!(with_article("grey view"), "a grey view");
        assert_eq!(count(1, "cut", "cuts"), "one cut");
        assert_eq!(count(13, "cut", "cuts"), "13 cuts");
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
        assert_eq!(sentence("élan"), "Élan.");
    }

    #[test]
    fn lengths_are_rounded_as_a_person_would() {
        let said: Vec<String> =
            [0.3, 1.2, 4.4, 23.0, 58.0, 80.0, 100.0, 610.0, f64::NAN].map(about).into();
        let expected = [
            "less than a second",
            "about a second",
            "about four seconds",
            "about 25 seconds",
            "about a minute",
            "about a minute",
            "about two minutes",
            "about ten minutes",
            "less than a second",
        ];
        assert_eq!(said, expected);
    }

    #[test]
    fn choices_repeat_for_the_same_event_and_differ_between_events() {
        let picks = |index| {
            let mut choice = Choice::new("video", "visual", index);
            [choice.below(1000), choice.below(1000), choice.below(1000)]
        };
        assert_eq!(picks(0), picks(0));
        assert_ne!(picks(0), picks(1));
    }
}
