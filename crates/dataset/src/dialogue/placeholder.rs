//! Names of placeholders: `<s0>`, `<e0>`, `<s1>`, ...

use std::ops::Range;

/// Which end of an event a placeholder stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Edge {
    Start,
    End,
}

/// A placeholder by edge and number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Placeholder {
    pub(super) edge: Edge,
    pub(super) number: u32,
}

impl Placeholder {
    pub(super) const fn start(number: u32) -> Placeholder {
        Placeholder { edge: Edge::Start, number }
    }

    pub(super) const fn end(number: u32) -> Placeholder {
        Placeholder { edge: Edge::End, number }
    }

    /// From `<s12>`; nothing for what is spelled otherwise, `<s012>` included: it would be a second
    /// name for the same place.
    pub(super) fn parse(name: &str) -> Option<Placeholder> {
        let inside = name.strip_prefix('<')?.strip_suffix('>')?;
        let (edge, digits) = match inside.split_at_checked(1)? {
            ("s", digits) => (Edge::Start, digits),
            ("e", digits) => (Edge::End, digits),
            _ => return None,
        };
        let padded = digits.len() > 1 && digits.starts_with('0');
        let plain = !padded && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number = digits.parse().ok().filter(|_| plain)?;
        Some(Placeholder { edge, number })
    }
}

impl std::fmt::Display for Placeholder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let edge = match self.edge {
            Edge::Start => 's',
            Edge::End => 'e',
        };
        write!(f, "<{edge}{}>", self.number)
    }
}

/// Everything in `text` that is meant as a placeholder, with where it is: `<`, `s` or `e`, and
/// something other than letters up to `>`. That takes in the likes of `<s?>`, which models copy
/// from the instruction they were given, and leaves the likes of `<em>` alone.
pub(super) fn candidates(text: &str) -> impl Iterator<Item = (Range<usize>, &str)> {
    text.match_indices('<').filter_map(|(start, _)| {
        let rest = &text[start..];
        let end = rest.find('>')? + 1;
        let inside = &rest[1..end - 1];
        let tail = inside.strip_prefix(['s', 'e'])?;
        let short = tail.len() <= 12 && !tail.contains(|c: char| c.is_alphabetic() || c == '<');
        short.then(|| (start..start + end, &rest[..end]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_plain_names_are_placeholders() {
        assert_eq!(Placeholder::parse("<s0>"), Some(Placeholder::start(0)));
        assert_eq!(Placeholder::parse("<e10>"), Some(Placeholder::end(10)));
        for name in ["<s01>", "<s>", "<s+1>", "s1", "<S1>", "<s1", "<é1>", "<s99999999999>", ""] {
            assert_eq!(Placeholder::parse(name), None, "{name}");
        }
    }

    #[test]
    fn what_is_meant_as_a_placeholder_is_found() {
        let text = "<video>\nFrom <s0> to <e10>, <em>loud</em>, a < b, <s?> and <e 1> but not <s";
        let found: Vec<&str> = candidates(text).map(|(_, name)| name).collect();
        assert_eq!(found, ["<s0>", "<e10>", "<s?>", "<e 1>"]);
    }

    proptest! {
        #[test]
        fn every_placeholder_reads_back(number in any::<u32>(), start in any::<bool>()) {
            let edge = if start { Edge::Start } else { Edge::End };
            let placeholder = Placeholder { edge, number };
            prop_assert_eq!(Placeholder::parse(&placeholder.to_string()), Some(placeholder));
        }
    }
}
