//! Question answering scored by a judge: a language model that compares an answer with the right one.
//!
//! The scheme is that of Video-ChatGPT: the judge says whether the answer is right and gives it 0 to 5
//! points; accuracy is the share of right answers, and the score is the mean of the points. The prompt
//! is in our own words. Another judge, or another prompt, gives other numbers: a [`QaReport`] names its
//! judge, and reports of different judges do not compare.
//!
//! Nothing here talks to a judge: build prompts, get replies however you like, keep them, aggregate.

/// A question, its right answer and what the model said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QaItem<'a> {
    /// The question.
    pub question: &'a str,
    /// The right answer.
    pub answer: &'a str,
    /// What the model said.
    pub prediction: &'a str,
}

/// What a judge is asked: a system text and a user text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgePrompt {
    /// Who the judge is.
    pub system: String,
    /// What it is to judge.
    pub user: String,
}

/// The prompt for one item.
pub fn judge_prompt(item: QaItem<'_>) -> JudgePrompt {
    JudgePrompt {
        system: "You judge answers to questions about a video. Compare the given answer with the \
                 correct one. What counts is whether it means the same; other words for the same \
                 thing are right."
            .to_owned(),
        user: format!(
            "Question: {}\nCorrect answer: {}\nGiven answer: {}\n\nReply with a Python dictionary and \
             nothing else: 'pred' is 'yes' if the given answer is right and 'no' if not, 'score' is \
             a whole number from 0 (wrong) to 5 (says the same). Example: {{'pred': 'yes', 'score': 4}}",
            item.question, item.answer, item.prediction
        ),
    }
}

/// What a judge said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the answer is right, if the reply says yes or no.
    pub is_right: Option<bool>,
    /// Points, usually 0 to 5. Decimals are cut off, as in the published script: 4.8 is 4.
    pub points: i64,
}

/// Reads a reply: the values of `pred` and `score` wherever they stand, in Python's or JSON's quotes or
/// in none. As in the published script a `pred` that contains "yes", in any case, is right, else one
/// that contains "no" is wrong. `None` without a `score` that is a number.
pub fn parse_verdict(reply: &str) -> Option<Verdict> {
    let score = value_of(reply, "score")?;
    let number: f64 = score.trim_matches(|c: char| !c.is_ascii_digit() && c != '-').parse().ok()?;
    let pred = value_of(reply, "pred").unwrap_or_default().to_lowercase();
    let is_right = match (pred.contains("yes"), pred.contains("no")) {
        (true, _) => Some(true),
        (false, true) => Some(false),
        (false, false) => None,
    };
    Some(Verdict { is_right, points: number.trunc() as i64 })
}

/// What follows `key` and a colon or an equals sign, up to the end of the value.
fn value_of<'a>(reply: &'a str, key: &str) -> Option<&'a str> {
    let mut from = 0;
    while let Some(found) = reply[from..].find(key) {
        let after = &reply[from + found + key.len()..];
        let rest = after.trim_start_matches(['\'', '"', '`', '*']).trim_start();
        if let Some(value) = rest.strip_prefix([':', '=']) {
            let end = value.find([',', '}', '\n', ';']).unwrap_or(value.len());
            return Some(value[..end].trim());
        }
        from += found + key.len();
    }
    None
}

/// The scores of many answers.
#[derive(Debug, Clone, PartialEq)]
pub struct QaReport {
    /// Who judged: the model's name and version.
    pub judge: String,
    /// Share of right answers among those that were called right or wrong, 0 to 1.
    pub accuracy: Option<f64>,
    /// Mean points of the replies that could be read.
    pub mean_score: Option<f64>,
    /// Replies.
    pub replies: usize,
    /// Replies without points. They are left out of both scores; the published script asks again until
    /// there are none.
    pub unparsed: usize,
    /// Replies with points that say neither yes nor no. They are left out of the accuracy.
    pub undecided: usize,
}

/// Aggregates stored replies of one judge.
pub fn aggregate<'a>(judge: &str, replies: impl IntoIterator<Item = &'a str>) -> QaReport {
    let verdicts: Vec<Option<Verdict>> = replies.into_iter().map(parse_verdict).collect();
    let read: Vec<Verdict> = verdicts.iter().copied().flatten().collect();
    let decided: Vec<bool> = read.iter().filter_map(|verdict| verdict.is_right).collect();
    let share = |part: f64, whole: usize| (whole > 0).then(|| part / whole as f64);
    let right = decided.iter().filter(|right| **right).count();
    let points = read.iter().map(|verdict| verdict.points as f64).sum();
    QaReport {
        judge: judge.to_owned(),
        accuracy: share(right as f64, decided.len()),
        mean_score: share(points, read.len()),
        replies: verdicts.len(),
        unparsed: verdicts.len() - read.len(),
        undecided: read.len() - decided.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn replies_in_many_forms() {
        let right = |points| Some(Verdict { is_right: Some(true), points });
        for (reply, expected) in [
            ("{'pred': 'yes', 'score': 4}", right(4)),
            ("{\"pred\": \"Yes\", \"score\": 4.8}", right(4)),
            ("Here it is:\n```python\n{'pred': 'yes',\n 'score': '5'}\n```", right(5)),
            ("pred: yes\nscore: 3", right(3)),
            ("{'score': 0, 'pred': 'no'}", Some(Verdict { is_right: Some(false), points: 0 })),
            ("{'pred': 'maybe', 'score': 2}", Some(Verdict { is_right: None, points: 2 })),
            ("{'score': 2}", Some(Verdict { is_right: None, points: 2 })),
            ("{'pred': 'yes'}", None),
            ("{'pred': 'yes', 'score': 'high'}", None),
            ("", None),
        ] {
            assert_eq!(parse_verdict(reply), expected, "{reply}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_counted() {
        let replies =
            ["{'pred': 'yes', 'score': 5}", "{'pred': 'no', 'score': 2}", "{'score': 2}", "hm"];
        let report = aggregate("judge-1", replies);
        // 1 of 2 decided; (5 + 2 + 2) / 3.
        assert_eq!((report.accuracy, report.mean_score), (Some(0.5), Some(3.0)));
        assert_eq!((report.replies, report.unparsed, report.undecided), (4, 1, 1));
        assert_eq!(aggregate("judge-1", []).accuracy, None);
    }

    #[test]
    fn the_prompt_holds_all_three_texts() {
        let item = QaItem { question: "Who sings?", answer: "a woman", prediction: "a {lady}" };
        let prompt = judge_prompt(item);
        for part in [item.question, item.answer, item.prediction, "'pred'", "'score'"] {
            assert!(prompt.user.contains(part), "{part}");
        }
    }

    proptest! {
        #[test]
        fn any_reply_can_be_read(reply in any::<String>(), tail in "(pred|score|[:='\"{},é0-9. -])*") {
            parse_verdict(&reply);
            parse_verdict(&tail);
        }
    }
}
