//! Abbreviations and fixed words, by what the lexer does with the full stop after them.
//!
//! The lists of abbreviations are sorted. They hold what English treebank text abbreviates; all are compared without regard to
//! case except where a capital is asked for because the small word is a word ("Miss.", "Ill.").

/// Which class of abbreviation a word followed by a full stop is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Abbreviation {
    /// Keeps its stop; one more stop is put out where a sentence starts after it.
    MayEndSentence,
    /// Keeps its stop always.
    Always,
    /// Keeps its stop only before a number.
    BeforeNumber,
}

/// Months, days, states, companies, names' endings.
const MAY_END_SENTENCE: &[&str] = &[
    "al", "ala", "apr", "ariz", "assn", "aug", "bancorp", "bhd", "blvd", "bros", "calif", "co",
    "colo", "conn", "corp", "cos", "ct", "dak", "dec", "dept", "ed.d", "esq", "est", "etc", "ext",
    "feb", "fla", "fri", "ga", "inc", "ind", "intl", "jan", "jr", "jul", "jun", "kan", "kans",
    "ky", "ltd", "mar", "md", "mich", "minn", "mo", "mon", "mont", "neb", "nev", "nov", "oct",
    "okla", "penn", "ph.d", "plc", "ppty", "pptys", "pte", "pty", "ptys", "rd", "rt", "sep",
    "sept", "seq", "sq", "sr", "sys", "tel", "tenn", "thu", "thurs", "tue", "tues", "univ", "va",
    "vt", "wed", "wis", "wisc", "wyo",
];

/// As [`MAY_END_SENTENCE`], with a capital first letter.
const MAY_END_SENTENCE_CAPITAL: &[&str] =
    &["Ark", "Az", "Del", "Ill", "La", "Mass", "Miss", "Ore", "Pa", "Tex", "Wash"];

/// Titles, and words that are never a sentence's last.
const ALWAYS: &[&str] = &[
    "adj", "adm", "adv", "alex", "assoc", "asst", "atty", "attys", "ave", "brig", "capt", "cf",
    "cie", "cmdr", "col", "comdr", "cpl", "det", "dr", "drs", "ens", "ft", "gen", "gov", "govs",
    "hon", "insp", "jos", "lieut", "lt", "maj", "messrs", "mlle", "mme", "mr", "mrs", "ms", "msgr",
    "mt", "pfc", "pres", "prof", "profs", "pvt", "rep", "reps", "rev", "sen", "sens", "sfc", "sgt",
    "spc", "st", "ste", "supt", "supts", "treas", "vs", "wm",
];

/// Words that a number follows.
const BEFORE_NUMBER: &[&str] =
    &["approx", "art", "bldg", "ca", "fig", "figs", "no", "nos", "op", "pp", "prop"];

/// No abbreviation of the lists is longer.
pub(super) const LONGEST_ABBREVIATION: usize = 7;

/// The class of `word` (without its full stop), if it is an abbreviation of the lists.
pub(super) fn classify(word: &str) -> Option<Abbreviation> {
    if word.len() > LONGEST_ABBREVIATION || !word.is_ascii() {
        return None;
    }
    let lower = word.to_ascii_lowercase();
    let has = |list: &[&str]| list.binary_search(&lower.as_str()).is_ok();
    if has(MAY_END_SENTENCE)
        || MAY_END_SENTENCE_CAPITAL.iter().any(|&known| {
            known.eq_ignore_ascii_case(word) && word.starts_with(|c: char| c.is_ascii_uppercase())
        })
    {
        return Some(Abbreviation::MayEndSentence);
    }
    if has(ALWAYS) {
        return Some(Abbreviation::Always);
    }
    has(BEFORE_NUMBER).then_some(Abbreviation::BeforeNumber)
}

/// Words that begin a sentence after an acronym or an initial. They count only when written
/// with a capital and followed by a space.
const SENTENCE_STARTS: &[&str] = &[
    "A",
    "About",
    "According",
    "Additionally",
    "After",
    "An",
    "As",
    "At",
    "But",
    "Earlier",
    "He",
    "Her",
    "Here",
    "However",
    "If",
    "In",
    "It",
    "Last",
    "Many",
    "More",
    "Mr.",
    "Ms.",
    "Now",
    "Once",
    "One",
    "Other",
    "Our",
    "She",
    "Since",
    "So",
    "Some",
    "Such",
    "That",
    "The",
    "Their",
    "Then",
    "There",
    "These",
    "They",
    "This",
    "We",
    "When",
    "While",
    "What",
    "Yet",
    "You",
];

/// More characters than any of them has.
pub(super) const LONGEST_SENTENCE_START: usize = 13;

/// Whether `word` is one of the words that show a sentence's start.
pub(super) fn starts_sentence(word: &str) -> bool {
    SENTENCE_STARTS.contains(&word)
}

/// Words with an apostrophe that are one token; `'` stands for either apostrophe. Longest match
/// decides, so "'em" is also taken out of "'embark".
pub(super) const KEPT_WITH_APOSTROPHE: &[&str] = &[
    "'n",
    "'n'",
    "'em",
    "'til",
    "'till",
    "'cause",
    "l'",
    "d'",
    "j'",
    "o'o",
    "ol'",
    "dunkin'",
    "somethin'",
    "c'mon",
    "e'er",
    "s'mores",
    "ev'ry",
    "li'l",
    "nat'l",
    "nor'easter",
    "diff'rent",
    "c'est",
    "cap'n",
    "cont'd",
];

/// Words taken apart: the whole word and the length of its first part.
pub(super) const TAKEN_APART: &[(&str, usize)] = &[
    ("cannot", 3),
    ("gonna", 3),
    ("gotta", 3),
    ("wanna", 3),
    ("lemme", 3),
    ("gimme", 3),
    ("'tis", 2),
    ("'twas", 2),
];

/// Whether `word`, of letters only, is one of them.
pub(super) fn is_taken_apart(word: &str) -> bool {
    TAKEN_APART.iter().any(|(whole, _)| whole.eq_ignore_ascii_case(word))
}

/// Words that the general rules would take apart.
pub(super) const KEPT_WHOLE: &[&str] = &[
    "-lrb-", "-rrb-", "-lcb-", "-rcb-", "-lsb-", "-rsb-", "pro-", "anti-", "c.d.s", "s&p-500",
    "s&ls", "c++", "c#", "f#",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn abbreviations_are_sorted_short_and_lower_case() {
        for list in [MAY_END_SENTENCE, ALWAYS, BEFORE_NUMBER] {
            assert!(list.is_sorted());
            assert!(list.iter().all(|word| word.len() <= LONGEST_ABBREVIATION));
            assert!(list.iter().all(|word| !word.contains(|c: char| c.is_ascii_uppercase())));
        }
    }

    #[test]
    fn some_abbreviations_need_their_capital() {
        assert_eq!(classify("Ill"), Some(Abbreviation::MayEndSentence));
        assert_eq!(classify("ill"), None);
        assert_eq!(classify("INC"), Some(Abbreviation::MayEndSentence));
        assert_eq!(classify("dr"), Some(Abbreviation::Always));
        assert_eq!(classify("Fig"), Some(Abbreviation::BeforeNumber));
        assert_eq!(classify("yard"), None);
    }
}
