//! Prompts, tokens, labels and cutting: `conversation/cases.json`, exact.

use omnivale_llm::conversation::{LengthLimit, Template, Token, TrainingSample, Turn, tokens};
use omnivale_llm::tokenizer::{AfterSpecial, TokenId, Tokenizer};
use serde::Deserialize;

use crate::support::{golden, json};

#[derive(Deserialize)]
struct Case {
    name: String,
    legacy: bool,
    model_max_length: Option<usize>,
    #[serde(default)]
    conversation: Vec<Said>,
    prompt: String,
    input_ids: Vec<i64>,
    labels: Option<Vec<i64>>,
    printed: Option<String>,
}

#[derive(Deserialize)]
struct Said {
    from: String,
    value: String,
}

fn published(tokens: &[Token]) -> Vec<i64> {
    tokens.iter().map(|token| token.published()).collect()
}

fn label(label: &Option<TokenId>) -> i64 {
    label.map_or(-100, i64::from)
}

#[test]
fn golden_conversations_give_the_published_prompts_tokens_and_labels() {
    let Some(folder) = golden("conversation") else { return };
    let cases: Vec<Case> = json(&folder.join("cases.json"));
    assert!(!cases.is_empty());
    for case in cases {
        let rule = if case.legacy { AfterSpecial::Prefix } else { AfterSpecial::Stripped };
        let tokenizer = Tokenizer::from_model_file(&folder.join("tokenizer.model"), rule).unwrap();
        let (Some(most), Some(labels)) = (case.model_max_length, &case.labels) else {
            let ids = published(&tokens(&tokenizer, &case.prompt));
            assert_eq!(ids, case.input_ids, "{}", case.name);
            continue;
        };
        let turn = |said: &Said| match said.from.as_str() {
            "human" => Turn::user(&said.value),
            _ => Turn::assistant(&said.value),
        };
        let turns: Vec<Turn> = case.conversation.iter().map(turn).collect();
        let template =
            if case.name.starts_with("plain") { Template::Plain } else { Template::VicunaV1 };
        let limit = LengthLimit::published(most);
        let sample = TrainingSample::new(&tokenizer, template, &turns, limit).unwrap();
        // The fixture's prompt is the one before cutting; what was cut shows in the ids.
        assert_eq!(template.prompt(&turns).unwrap(), case.prompt, "{}", case.name);
        let cut = case.printed.as_ref().is_some_and(|printed| printed.contains("****"));
        assert_eq!(sample.dropped > 0, cut, "{}", case.name);
        assert_eq!(published(&sample.tokens), case.input_ids, "{}", case.name);
        let own: Vec<i64> = sample.labels.iter().map(label).collect();
        assert_eq!(&own, labels, "{}", case.name);
        let warned = case.printed.is_some_and(|printed| printed.contains("mismatch"));
        assert_eq!(sample.mismatch.is_some(), warned, "{}", case.name);
    }
}

#[test]
fn golden_tokens_give_back_their_text() {
    let Some(folder) = golden("conversation") else { return };
    let file = folder.join("tokenizer.model");
    let tokenizer = Tokenizer::from_model_file(&file, AfterSpecial::Prefix).unwrap();
    let cases: Vec<Case> = json(&folder.join("cases.json"));
    for said in cases.iter().flat_map(|case| &case.conversation) {
        assert_eq!(tokenizer.decode(&tokenizer.encode(&said.value)), said.value);
    }
    let other = "Ænima 日本語 🐕\t— ok";
    assert_eq!(tokenizer.decode(&tokenizer.encode(other)), other);
}

#[test]
fn golden_inference_prompt_is_made_of_one_open_round() {
    let Some(folder) = golden("conversation") else { return };
    let cases: Vec<Case> = json(&folder.join("cases.json"));
    for case in cases.iter().filter(|case| case.labels.is_none()) {
        let asked = case.prompt.split("USER: ").nth(1).unwrap();
        let asked = asked.strip_suffix(" ASSISTANT:").unwrap();
        let prompt = Template::VicunaV1.prompt(&[Turn::user(asked)]).unwrap();
        assert_eq!(prompt, case.prompt);
    }
}
