//! Arguments of `omnivale ask`, `ground`, `describe` and `chat`.

use std::path::PathBuf;

use clap::Args;
use omnivale_timeline::{Span, Time};

use super::{
    AnswerArgs, EncoderPrecision, FeatureFolderArgs, MODEL_HELP, ModelArgs, QueriesChoice,
};

/// Which video.
#[derive(Debug, Args)]
pub(crate) struct VideoArgs {
    /// The video
    pub(crate) video: PathBuf,
    /// Folder with the video's features as files named after it, instead of making them
    #[arg(long, value_name = "DIR", help_heading = "Features")]
    pub(crate) features: Option<PathBuf>,
    /// CLIP, instead of what model.toml names: a file, a folder, or its name in the Hugging Face cache
    #[arg(long, value_name = "PATH", help_heading = "Features", conflicts_with = "features")]
    pub(crate) visual_weights: Option<String>,
    /// BEATs (AVicuna: CLAP), in the same way
    #[arg(long, value_name = "PATH", help_heading = "Features", conflicts_with = "features")]
    pub(crate) audio_weights: Option<String>,
    /// Whisper, in the same way
    #[arg(long, value_name = "PATH", help_heading = "Features", conflicts_with = "features")]
    pub(crate) speech_weights: Option<String>,
    /// The numbers that these multiply with
    #[arg(
        long,
        value_enum,
        help_heading = "Features",
        conflicts_with = "features",
        default_value_t = EncoderPrecision::F32
    )]
    pub(crate) encoder_precision: EncoderPrecision,
    /// Make features again, and do not keep them
    #[arg(long, help_heading = "Features")]
    pub(crate) no_cache: bool,
    #[command(flatten)]
    pub(crate) folders: FeatureFolderArgs,
}

/// Ask a model a question about a video
///
/// Features of the video are made by the encoders that model.toml names and kept in the user's cache
/// folder (XDG_CACHE_HOME/omnivale), so that the next question about it is answered at once. The
/// answer appears as it is generated. The models say times as hundredths of the video's length
/// (`From 12 to 34`); what they mean on the clock is listed below the answer.
#[derive(Debug, Args)]
#[command(after_help = format!("Examples:\n  \
    omnivale ask talk.mp4 'When does the dog bark?' --model longvale-llm\n  \
    omnivale ask talk.mp4 'What is she holding?' --model longvale-llm --json\n  \
    omnivale ask talk.mp4 'Is there music?' --model m --features features    from features/visual/talk.npy, ...\n\n{MODEL_HELP}"))]
pub(crate) struct AskArgs {
    #[command(flatten)]
    pub(crate) video: VideoArgs,
    /// The question
    pub(crate) question: String,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    #[command(flatten)]
    pub(crate) answers: AnswerArgs,
}

/// Find when something happens in a video
///
/// Asks the question that the model was trained with, and prints the spans of the answer.
#[derive(Debug, Args)]
#[command(after_help = format!("Examples:\n  \
    omnivale ground talk.mp4 'a dog barks' --model longvale-llm\n  \
    omnivale ground talk.mp4 'the crowd cheers' --model longvale-llm --json\n\n{MODEL_HELP}"))]
pub(crate) struct GroundArgs {
    #[command(flatten)]
    pub(crate) video: VideoArgs,
    /// What to look for
    pub(crate) text: String,
    /// Wording of the question
    #[arg(long, value_enum, default_value_t = QueriesChoice::Released)]
    pub(crate) queries: QueriesChoice,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    #[command(flatten)]
    pub(crate) answers: AnswerArgs,
}

/// Describe a video as a timeline of events, or one part of it
///
/// Events appear as they are generated, one line each: start, end, what happens.
#[derive(Debug, Args)]
#[command(after_help = format!("Examples:\n  \
    omnivale describe talk.mp4 --model longvale-llm\n  \
    omnivale describe talk.mp4 --model longvale-llm --span 1:20-1:45\n  \
    omnivale describe talk.mp4 --model longvale-llm --json\n\n{MODEL_HELP}"))]
pub(crate) struct DescribeArgs {
    #[command(flatten)]
    pub(crate) video: VideoArgs,
    /// Describe what happens from A to B alone, in seconds or as a clock shows it
    #[arg(long, value_name = "A-B", value_parser = span)]
    pub(crate) span: Option<Span>,
    /// Wording of the question
    #[arg(long, value_enum, default_value_t = QueriesChoice::Released)]
    pub(crate) queries: QueriesChoice,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    #[command(flatten)]
    pub(crate) answers: AnswerArgs,
}

/// Talk with a model about a video
///
/// Each line of standard input is a turn of the conversation; the model remembers what was said. On a
/// terminal there is a prompt, otherwise only answers are printed.
#[derive(Debug, Args)]
#[command(after_help = format!("Examples:\n  \
    omnivale chat talk.mp4 --model longvale-llm\n  \
    printf 'What happens?\\nAnd then?\\n' | omnivale chat talk.mp4 --model longvale-llm\n\n\
    /help lists the commands, /reset forgets what was said, /quit ends.\n\n{MODEL_HELP}"))]
pub(crate) struct ChatArgs {
    #[command(flatten)]
    pub(crate) video: VideoArgs,
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    #[command(flatten)]
    pub(crate) answers: AnswerArgs,
}

/// `1:20-1:45` or `80-105.5`.
fn span(text: &str) -> Result<Span, String> {
    let expected = || "expected start and end, such as 1:20-1:45 or 80-105.5".to_owned();
    let (start, end) = text.split_once(['-', '–']).ok_or_else(expected)?;
    let (start, end) = (instant(start).ok_or_else(expected)?, instant(end).ok_or_else(expected)?);
    Span::between(start, end)
        .ok()
        .filter(|span| !span.is_empty())
        .ok_or_else(|| "the end must be after the start".to_owned())
}

/// Seconds, minutes and seconds, or hours, minutes and seconds.
fn instant(text: &str) -> Option<Time> {
    let mut seconds = 0.0;
    let parts: Vec<&str> = text.trim().split(':').collect();
    if parts.len() > 3 {
        return None;
    }
    for (index, part) in parts.iter().enumerate() {
        let is_number = part.starts_with(|it: char| it.is_ascii_digit())
            && part.bytes().all(|it| it.is_ascii_digit() || it == b'.');
        let value: f64 = part.parse().ok().filter(|_| is_number)?;
        let is_first = index == 0;
        let is_last = index + 1 == parts.len();
        if (!is_first && value >= 60.0) || (!is_last && value.fract() != 0.0) {
            return None;
        }
        seconds = seconds * 60.0 + value;
    }
    Time::from_seconds(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_written_in_seconds_or_as_a_clock_shows_it() {
        let seconds = |text| span(text).map(|it| (it.start.seconds(), it.end().seconds()));
        assert_eq!(seconds("1:20-1:45"), Ok((80.0, 105.0)));
        assert_eq!(seconds("80 - 105.5"), Ok((80.0, 105.5)));
        assert_eq!(seconds("59:59.5–1:00:00"), Ok((3599.5, 3600.0)));
        for wrong in [
            "",
            "5",
            "5-",
            "-5-6",
            "5-5",
            "6-5",
            "1:60-2:00",
            "1.5:00-2:00",
            "a-b",
            "1:2:3:4-5",
            "inf-nan",
        ] {
            assert!(span(wrong).is_err(), "{wrong}");
        }
    }
}
