//! The questions that LongVALE's models are evaluated with, word for word.

use super::PLACEHOLDER;

/// Which wording is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuerySet {
    /// The released evaluation script's, with its spelling.
    Released,
    /// The paper's, for the model after instruction tuning.
    Paper,
}

impl QuerySet {
    /// The user's turn that asks for all events of a video (dense captioning).
    #[must_use]
    pub fn captioning(self) -> String {
        let asked = "Could you please detail the events that took place during different time \
                     segments in the video? List the events in the format: From xx to xx, event1.";
        let rest = match self {
            Self::Released => " \n From xx to xx, event2. \n ...",
            Self::Paper => " From xx to xx, event2...",
        };
        format!("{PLACEHOLDER}\n {asked}{rest}")
    }

    /// The user's turn that asks when an event happens (grounding); `sentence` is its caption, which
    /// is asked as [`event_sentence`] makes it.
    #[must_use]
    pub fn grounding(self, sentence: &str) -> String {
        let event = event_sentence(sentence);
        let query = match self {
            Self::Released => format!(
                "At which time interval can we find {event} taking place in the video? \
                 Give the timestamps in the fromat: From xx to xx."
            ),
            Self::Paper => format!(
                "During which frames does {event} occur in the video? \
                 Give the timestamps in the format: From xx to xx."
            ),
        };
        format!("{PLACEHOLDER}\n{query}")
    }

    /// The user's turn that asks what happens from one time token to another (segment captioning).
    #[must_use]
    pub fn segment_captioning(self, start: u8, end: u8) -> String {
        // Both sources have the same words.
        format!(
            "{PLACEHOLDER}\n Can you describe what occurred from {start:02} to {end:02} in the video? \
             Please give the event description directly."
        )
    }
}

/// A caption as it is asked for: trimmed, in lower case, without one full stop at its end.
#[must_use]
pub fn event_sentence(caption: &str) -> String {
    let lower = caption.trim().to_lowercase();
    lower.strip_suffix('.').map_or_else(|| lower.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn released_questions_have_their_spaces_newlines_and_spelling() {
        let released = QuerySet::Released;
        insta::assert_debug_snapshot!(
            [
                released.captioning(),
                released.grounding(" A dog barks. "),
                released.segment_captioning(3, 17),
            ],
            @r#"
        [
            "<video>\n Could you please detail the events that took place during different time segments in the video? List the events in the format: From xx to xx, event1. \n From xx to xx, event2. \n ...",
            "<video>\nAt which time interval can we find a dog barks taking place in the video? Give the timestamps in the fromat: From xx to xx.",
            "<video>\n Can you describe what occurred from 03 to 17 in the video? Please give the event description directly.",
        ]
        "#
        );
    }

    #[test]
    fn the_papers_questions_are_on_one_line() {
        let paper = QuerySet::Paper;
        insta::assert_debug_snapshot!(
            [paper.captioning(), paper.grounding("Two DOGS bark.."), paper.segment_captioning(0, 99)],
            @r#"
        [
            "<video>\n Could you please detail the events that took place during different time segments in the video? List the events in the format: From xx to xx, event1. From xx to xx, event2...",
            "<video>\nDuring which frames does two dogs bark. occur in the video? Give the timestamps in the format: From xx to xx.",
            "<video>\n Can you describe what occurred from 00 to 99 in the video? Please give the event description directly.",
        ]
        "#
        );
    }
}
