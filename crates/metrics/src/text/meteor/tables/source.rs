//! METEOR's own files, as they are in its archive, into sorted arrays.

use std::collections::HashMap;
use std::io::BufRead;

use super::sorted::{Rows, Sequences, Strings};
use super::{Paraphrases, Prefixes, Tables};

/// Marks an abbreviation that keeps its full stop only before digits.
const NUMERIC_ONLY: &str = "#NUMERIC_ONLY#";
/// Longest line of the paraphrase table that is read, in bytes; the longest real one has 121.
const LINE: u64 = 64 * 1024;

/// The texts of METEOR's small tables.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Sources<'a> {
    /// `function/english.words`: one a line.
    pub(in super::super) function_words: &'a str,
    /// `nonbreaking/english.prefixes`: one a line, comments, a mark for some.
    pub(in super::super) prefixes: &'a str,
    /// `synonym/english.exceptions`: a line with the base, a line with its irregular forms.
    pub(in super::super) exceptions: &'a str,
    /// `synonym/english.synsets`: a line with the word, a line with its synset numbers.
    pub(in super::super) synsets: &'a str,
}

impl Tables {
    /// Sorts the sources into tables; `paraphrases` has three lines an entry: probability (not used),
    /// phrase, paraphrase.
    ///
    /// # Errors
    /// What is wrong, with the line where there is one.
    pub(in super::super) fn build(
        sources: &Sources<'_>,
        paraphrases: impl BufRead,
    ) -> Result<Tables, String> {
        let mut synset_rows: Vec<(&str, &str)> = pairs(sources.synsets).collect();
        // The last entry of a word is the one that counts; the real table has each once.
        synset_rows.reverse();
        synset_rows.sort_by_key(|(word, _)| *word);
        synset_rows.dedup_by_key(|(word, _)| *word);
        let synset_words = Strings::sorted(synset_rows.iter().map(|(word, _)| *word));
        let mut synsets = Rows::default();
        for (word, numbers) in synset_rows {
            let numbers: Result<Vec<u32>, _> = numbers.split_whitespace().map(str::parse).collect();
            synsets.push(numbers.map_err(|_| format!("the synsets of `{word}` are not numbers"))?);
        }

        let mut forms: Vec<(&str, Option<usize>)> = pairs(sources.exceptions)
            .flat_map(|(base, forms)| {
                let base = synset_words.find(base);
                forms.split_whitespace().map(move |form| (form, base))
            })
            .collect();
        forms.sort_by_key(|(form, _)| *form);
        let exceptions = Strings::sorted(forms.iter().map(|(form, _)| *form));
        let mut exception_bases = Rows::default();
        for same in forms.chunk_by(|(a, _), (b, _)| a == b) {
            exception_bases.push(same.iter().filter_map(|(_, base)| base.map(|at| at as u32)));
        }

        let (phrase_words, paraphrases) = read_paraphrases(paraphrases)?;
        Ok(Tables {
            function_words: Strings::sorted(sources.function_words.lines()),
            prefixes: Prefixes::parse(sources.prefixes),
            exceptions,
            exception_bases,
            synset_words,
            synsets,
            phrase_words,
            paraphrases,
        })
    }
}

impl Prefixes {
    /// Reads the list: one abbreviation a line, `#` starts a comment.
    pub(in super::super) fn parse(text: &str) -> Prefixes {
        let (mut any, mut before_number) = (Vec::new(), Vec::new());
        for line in text.split('\n') {
            let mut words = line.split_whitespace();
            match (words.next(), words.next()) {
                (Some(word), _) if word.starts_with('#') => {}
                (Some(word), Some(NUMERIC_ONLY)) => before_number.push(word),
                (Some(word), _) => any.push(word),
                (None, _) => {}
            }
        }
        Prefixes { any: Strings::sorted(any), before_number: Strings::sorted(before_number) }
    }
}

/// Lines two by two; a last line alone is left out.
fn pairs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut lines = text.split('\n');
    std::iter::from_fn(move || Some((lines.next()?, lines.next()?)))
}

/// Numbers in the order the words were first met, and what was read in those numbers.
#[derive(Default)]
struct Collected {
    words: HashMap<String, u16>,
    phrases: HashMap<Box<[u16]>, u32>,
    /// Per entry of the table: its phrase and where its paraphrase starts in `stream`.
    entries: Vec<(u32, u32)>,
    stream: Vec<u16>,
}

fn read_paraphrases(mut table: impl BufRead) -> Result<(Strings, Paraphrases), String> {
    let mut read = Collected::default();
    let (mut line, mut phrase) = (Vec::new(), Vec::new());
    let mut number = 0_u64;
    while next_line(&mut table, &mut line, &mut number)? {
        let mut words_of = |missing: &str| {
            if !next_line(&mut table, &mut line, &mut number)? {
                return Err(format!("it ends at line {number}, before the {missing} of an entry"));
            }
            numbered(&mut read.words, &line).map_err(|problem| format!("line {number}: {problem}"))
        };
        phrase.clear();
        phrase.extend(words_of("phrase")?);
        let paraphrase = words_of("paraphrase")?;
        if phrase.is_empty() || paraphrase.is_empty() {
            return Err(format!("line {number}: an entry without words"));
        }
        let next = read.phrases.len() as u32;
        let phrase = match read.phrases.get(phrase.as_slice()) {
            Some(known) => *known,
            None => *read.phrases.entry(phrase.as_slice().into()).or_insert(next),
        };
        let start = u32::try_from(read.stream.len()).map_err(|_| "it is too long".to_owned())?;
        read.entries.push((phrase, start));
        read.stream.push(paraphrase.len() as u16);
        read.stream.extend(paraphrase);
    }
    Ok(read.sorted())
}

/// Reads a line without its end; `false` at the end of the table.
fn next_line(
    table: &mut impl BufRead,
    line: &mut Vec<u8>,
    number: &mut u64,
) -> Result<bool, String> {
    line.clear();
    *number += 1;
    let mut bounded = std::io::Read::take(&mut *table, LINE);
    let length = bounded.read_until(b'\n', line).map_err(|e| format!("line {number}: {e}"))?;
    if length as u64 == LINE {
        return Err(format!("line {number} is longer than {LINE} bytes"));
    }
    Ok(length > 0)
}

/// The numbers of a line's words; new words get the next number.
fn numbered(words: &mut HashMap<String, u16>, line: &[u8]) -> Result<Vec<u16>, String> {
    let line = std::str::from_utf8(line).map_err(|_| "it is not UTF-8".to_owned())?;
    let mut numbers = Vec::new();
    for word in line.split_whitespace() {
        let number = match words.get(word) {
            Some(number) => *number,
            None => {
                let next = u16::try_from(words.len())
                    .map_err(|_| "more different words than the cache can number".to_owned())?;
                words.insert(word.to_owned(), next);
                next
            }
        };
        numbers.push(number);
    }
    Ok(numbers)
}

impl Collected {
    /// Renumbers by the sorted vocabulary and puts each phrase's paraphrases together, in the order read.
    fn sorted(mut self) -> (Strings, Paraphrases) {
        let mut words: Vec<(String, u16)> = self.words.drain().collect();
        words.sort_unstable();
        let mut renumbered = vec![0_u16; words.len()];
        for (place, (_, number)) in words.iter().enumerate() {
            renumbered[usize::from(*number)] = place as u16;
        }
        let vocabulary = Strings::sorted(words.iter().map(|(word, _)| word.as_str()));
        let renumber = |word: &u16| renumbered[usize::from(*word)];

        let mut order: Vec<(Vec<u16>, u32)> = self
            .phrases
            .drain()
            .map(|(phrase, number)| (phrase.iter().map(renumber).collect(), number))
            .collect();
        order.sort_unstable();
        let mut rank = vec![0_u32; order.len()];
        let mut phrases = Sequences::default();
        for (place, (phrase, number)) in order.iter().enumerate() {
            phrases.push(phrase);
            rank[*number as usize] = place as u32;
        }

        for (phrase, _) in &mut self.entries {
            *phrase = rank[*phrase as usize];
        }
        self.entries.sort_by_key(|(phrase, _)| *phrase);
        let mut starts = vec![0];
        let mut stream = Vec::with_capacity(self.stream.len());
        for same in self.entries.chunk_by(|(a, _), (b, _)| a == b) {
            for (_, start) in same {
                let start = *start as usize;
                let length = self.stream[start];
                stream.push(length);
                let words = &self.stream[start + 1..start + 1 + usize::from(length)];
                stream.extend(words.iter().map(renumber));
            }
            starts.push(stream.len() as u32);
        }
        let first = Paraphrases::index(&phrases, vocabulary.len());
        (vocabulary, Paraphrases { phrases, first, starts, stream })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::small;
    use super::*;

    const EMPTY: Sources<'_> =
        Sources { function_words: "", prefixes: "", exceptions: "", synsets: "" };

    fn problem(sources: &Sources<'_>, paraphrases: &[u8]) -> String {
        Tables::build(sources, paraphrases).unwrap_err()
    }

    #[test]
    fn damaged_sources_are_named_with_their_line() {
        assert_eq!(
            problem(&EMPTY, b"0.5\na b\n"),
            "it ends at line 3, before the paraphrase of an entry"
        );
        assert_eq!(problem(&EMPTY, b"0.5\na\n\n"), "line 3: an entry without words");
        assert_eq!(problem(&EMPTY, b"0.5\n\xff\na\n"), "line 2: it is not UTF-8");
        let synsets = Sources { synsets: "dog\ncat\n", ..EMPTY };
        assert_eq!(problem(&synsets, b""), "the synsets of `dog` are not numbers");
        let long = [b"0.5\n".as_slice(), &b"x".repeat(LINE as usize + 1)].concat();
        assert_eq!(problem(&EMPTY, &long), format!("line 2 is longer than {LINE} bytes"));
    }

    #[test]
    fn more_words_than_the_numbers_reach_are_refused() {
        let many: String = (0..70_000).map(|n| format!("0\nw{n}\nx\n")).collect();
        assert!(problem(&EMPTY, many.as_bytes()).contains("more different words"));
    }

    #[test]
    fn a_phrase_met_again_keeps_the_order_of_the_table() {
        let tables = Tables::build(&EMPTY, "0\nb\nc\n0\na\nc\n0\nb\na\n".as_bytes()).unwrap();
        let b = tables.phrase_word("b");
        let (_, phrase) = tables.paraphrases().starting(&[b]).next().unwrap();
        let found: Vec<&str> = tables
            .paraphrases()
            .of(phrase)
            .map(|words| tables.phrase_words.get(usize::from(words[0])))
            .collect();
        assert_eq!(found, ["c", "a"]);
    }

    #[test]
    fn irregular_forms_know_their_bases() {
        let tables = small();
        let run = tables.synset_word("run").unwrap();
        assert_eq!(tables.exception("ran"), Some([run].as_slice()));
        assert_eq!(tables.exception("running"), Some([run].as_slice()));
        assert_eq!(tables.exception("run"), None);
        assert_eq!(tables.synsets(run), [21]);
    }
}
