//! From one annotation format to another, with nothing lost unsaid.
//!
//! [`FORMATS`] lists what is understood. [`read`] finds out which of them a file is in; [`fit`] brings
//! records to what a format can hold and counts what that costs, as [`Loss`]es; [`write()`] writes what
//! was fitted, so that reading it gives the same records again. What a format must have and the data
//! lack is an error that names the option by which a person supplies it; nothing is made up.
//!
//! ```
//! use omnivale_dataset::convert::{Format, fit, write};
//! use omnivale_dataset::json_lines;
//!
//! let line = r#"{"id": "a", "timestamps": [[0, 2.5]], "sentences": ["Rain."], "scores": [0.9]}"#;
//! let mut records = json_lines::read(line.as_bytes(), "a.jsonl")?;
//! let target = Format::named("webvtt").expect("a format of that name");
//!
//! let losses = fit(&mut records, target)?;
//! assert_eq!(losses[0].to_string(), "the score of 1 event");
//!
//! let mut file = Vec::new();
//! write(&mut file, &records, target)?;
//! assert_eq!(file, b"WEBVTT\n\n1\n00:00:00.000 --> 00:00:02.500\nRain.\n");
//! # Ok::<(), omnivale_dataset::DatasetError>(())
//! ```
//!
//! Not here: dialogues, which are made of timelines by [`dialogue`](crate::dialogue) and cannot be
//! turned back.

mod file;
mod file_name;
mod fit;
mod folder;
mod format;
mod guess;
mod input;
mod loss;
mod registry;
mod supply;

pub use file::{Collection, read, read_as, write, write_folder};
pub use file_name::{escape, unescape};
pub use fit::fit;
pub use format::{Ends, Format, Hold, Holds, Tiers};
pub use guess::{guess, guess_target};
pub use loss::{Kind, Loss};
pub use registry::FORMATS;
pub use supply::{Supplies, read_durations, read_labels};

#[cfg(test)]
mod tests;
