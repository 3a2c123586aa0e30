//! Which WordNet synsets a word may stand for, by METEOR's rules of morphology.

use super::tables::Tables;

/// Endings and what takes their place, tried in this order; the first base WordNet knows is taken.
/// Two pairs stand twice in METEOR's own list, without effect, and once here. Its rule for words in
/// `-ful` has no effect either: no such word has one of these endings.
const ENDINGS: [(&str, &str); 18] = [
    ("s", ""),
    ("ses", "s"),
    ("xes", "x"),
    ("zes", "z"),
    ("ches", "ch"),
    ("shes", "sh"),
    ("men", "man"),
    ("ies", "y"),
    ("es", "e"),
    ("es", ""),
    ("ed", "e"),
    ("ed", ""),
    ("ing", "e"),
    ("ing", ""),
    ("er", ""),
    ("est", ""),
    ("er", "e"),
    ("est", "e"),
];

/// The synsets of a word and of its base, sorted, each once. An irregular form has the bases WordNet
/// lists for it; any other word has the first base that an ending of [`ENDINGS`] leads to.
pub(super) fn synsets(word: &str, tables: &Tables) -> Vec<u32> {
    let own = tables.synset_word(word);
    let mut found: Vec<u32> =
        own.into_iter().flat_map(|own| tables.synsets(own)).copied().collect();
    match tables.exception(word) {
        Some(bases) => found.extend(bases.iter().flat_map(|base| tables.synsets(*base))),
        None => {
            found.extend(regular_base(word, tables).into_iter().flat_map(|b| tables.synsets(b)))
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Words in `-ss` and of one or two letters have no base but themselves.
fn regular_base(word: &str, tables: &Tables) -> Option<u32> {
    if word.ends_with("ss") || word.chars().nth(2).is_none() {
        return None;
    }
    ENDINGS.iter().find_map(|(ending, instead)| {
        let base = word.strip_suffix(ending)?;
        tables.synset_word(&[base, instead].concat())
    })
}

#[cfg(test)]
mod tests {
    use super::super::tables::Sources;
    use super::*;

    fn tables() -> Tables {
        let sources = Sources {
            function_words: "",
            prefixes: "",
            exceptions: "leaf\nleaves\nleave\nleaves\nunlisted\noddly\n",
            synsets: "box\n1\nlady\n2\nladie\n3\nbake\n4\nbak\n5\nglass\n6\ngla\n7\nleaf\n8 9\n\
                      leave\n9 10\nleaves\n11\nas\n12\nodd\n13\nfireman\n14\n",
        };
        Tables::build(&sources, [].as_slice()).unwrap()
    }

    #[test]
    fn the_first_known_base_in_the_order_of_the_endings_is_taken() {
        let of = |word| synsets(word, &tables());
        assert_eq!(of("box"), [1]);
        assert_eq!(of("boxes"), [1]);
        // "s" comes first and "ladie" happens to be a word here.
        assert_eq!(of("ladies"), [3]);
        assert_eq!(of("baked"), [4]);
        assert_eq!(of("baking"), [4]);
        assert_eq!(of("firemen"), [14]);
        assert_eq!(of("unknown"), []);
    }

    #[test]
    fn words_in_ss_and_short_words_are_their_own_base() {
        assert_eq!(synsets("glass", &tables()), [6]);
        assert_eq!(synsets("as", &tables()), [12]);
        assert_eq!(synsets("és", &tables()), []);
    }

    #[test]
    fn irregular_forms_have_all_their_bases_and_their_own_synsets() {
        assert_eq!(synsets("leaves", &tables()), [8, 9, 10, 11]);
        // Listed as irregular with a base WordNet lacks: the endings are not tried.
        assert_eq!(synsets("oddly", &tables()), []);
    }
}
