//! Counting a file while it is read.

use std::fs::File;
use std::num::NonZero;
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::{Counter, Statistics, VideoFacts, Words};
use crate::DatasetError;
use crate::longvale::{self, Entry};

/// Entries that go to another thread together: enough that handing over costs nothing.
const BATCH: usize = 64;
/// Threads that count words; more would wait for the one that reads.
const MOST_THREADS: usize = 4;

/// A collection counted.
#[derive(Debug, Clone)]
pub struct Counted {
    /// Its numbers.
    pub statistics: Statistics,
    /// The words of its captions.
    pub words: Words,
}

/// Counts the LongVALE file at `path` as it is read: this thread reads and counts, others count the
/// words of what has been read. Memory holds a few batches of videos and every different word once.
///
/// # Errors
/// As [`longvale::for_each`], and [`DatasetError::Read`].
pub fn count_file(path: &Path) -> Result<Counted, DatasetError> {
    let file =
        File::open(path).map_err(|source| DatasetError::Read { path: path.to_owned(), source })?;
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS);
    let (sender, receiver) = sync_channel::<Vec<Entry>>(2 * threads);
    let receiver = Mutex::new(receiver);
    let mut counter = Counter::default();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| words_of(&receiver))).collect();
        let mut batch = Vec::with_capacity(BATCH);
        let outcome = longvale::for_each(file, &path.display().to_string(), |entry| {
            counter.add(&VideoFacts::from(&entry));
            batch.push(entry);
            if batch.len() == BATCH {
                let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH));
                // The receiver lives as long as this scope.
                let _ = sender.send(full);
            }
        });
        let _ = sender.send(batch);
        drop(sender);
        let mut words = Words::default();
        for worker in workers {
            match worker.join() {
                Ok(part) => words.merge(part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        outcome?;
        Ok(Counted { statistics: counter.finish(), words })
    })
}

/// The words of every batch that comes, until no more will.
fn words_of(batches: &Mutex<Receiver<Vec<Entry>>>) -> Words {
    let mut words = Words::default();
    loop {
        let next = batches.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(batch) = next else { return words };
        for event in batch.iter().flat_map(|entry| &entry.events) {
            words.add(&event.text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use omnivale_timeline::{Caption, Duration, Span, Time};

    #[test]
    fn a_file_counts_like_its_entries_one_by_one() {
        let entries: Vec<Entry> = (0u32..300)
            .map(|index| Entry {
                id: format!("v{index}"),
                duration: Duration::from_millis(60_000 + u64::from(index)),
                events: vec![Caption {
                    span: Span::until(Time::ZERO, Time::from_millis(10_000)),
                    text: format!("A dog barks word{} times.", index % 7),
                }],
            })
            .collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        longvale::write(File::create(&path).unwrap(), &entries).unwrap();

        let counted = count_file(&path).unwrap();
        assert_eq!(counted.statistics, Statistics::of(entries.iter().map(VideoFacts::from)));
        let top: Vec<(String, usize)> =
            counted.words.top(4).into_iter().map(|one| (one.word, one.count)).collect();
        let pair = |word: &str, count| (word.to_owned(), count);
        assert_eq!(
            top,
            [pair("barks", 300), pair("dog", 300), pair("times", 300), pair("word0", 43)]
        );
    }

    #[test]
    fn an_error_ends_the_threads_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        std::fs::write(&path, r#"{"a": 3}"#).unwrap();
        assert!(matches!(count_file(&path), Err(DatasetError::Shape { .. })));
        assert!(matches!(count_file(&folder.path().join("b")), Err(DatasetError::Read { .. })));
    }
}
