//! Questions about one video.

use std::io::Write;
use std::process::{Output, Stdio};

use serde_json::Value;

use crate::model_kit::{Kit, says};
use crate::support::{expect, stderr, stdout};

fn done(kit: &Kit, command: &str, arguments: &[&str]) -> Output {
    let output = kit.about(command, arguments).output().unwrap();
    expect(&output, 0);
    output
}

fn chat(kit: &Kit, lines: &str, arguments: &[&str]) -> Output {
    let mut command = kit.about("chat", arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// A model that says one sentence, and a clip of which it says it.
fn kit() -> Kit {
    let kit = Kit::of(&["--hidden", "64"]);
    says(&kit, "From 05 to 49, ab");
    kit
}

#[test]
fn an_answer_is_shown_with_its_times_on_the_clock() {
    let kit = kit();
    let seconds = |part: f64| part * duration(&kit) / 100.0;
    let clock = |part: f64| format!("00:{:04.1}", seconds(part));
    let output = done(&kit, "ask", &["When is it?"]);
    let expected = format!("From 05 to 49, ab\n{} – {}  ab\n", clock(5.0), clock(49.0));
    assert_eq!(stdout(&output), expected);
    assert_eq!(stderr(&output), "");
    let output = done(&kit, "ground", &["a dog barks"]);
    assert_eq!(stdout(&output), format!("{} – {}\n", clock(5.0), clock(49.0)));
    let output = done(&kit, "describe", &[]);
    assert_eq!(stdout(&output), format!("{} – {}  ab\n", clock(5.0), clock(49.0)));
    let output = done(&kit, "describe", &["--span", "0-0:00.2"]);
    assert_eq!(stdout(&output), "00:00.0 – 00:00.2  From 05 to 49, ab\n");
}

/// Seconds of the clip, as the binary says.
fn duration(kit: &Kit) -> f64 {
    let output = done(kit, "ask", &["What?", "--json"]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    document["duration"].as_f64().unwrap()
}

#[test]
fn json_has_the_answer_and_its_events() {
    let kit = kit();
    for (command, arguments, question) in [
        ("ask", &["When is it?", "--json"][..], "When is it?"),
        ("ground", &["a dog barks", "--json"], "a dog barks"),
        ("describe", &["--json"], "Could you please detail"),
        ("describe", &["--json", "--span", "0-0.2"], "Can you describe what occurred from 00 to"),
    ] {
        let output = done(&kit, command, arguments);
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(document["question"].as_str().unwrap().starts_with(question), "{document}");
        assert_eq!(document["answer"], "From 05 to 49, ab");
        assert!(document["seconds"].as_f64().unwrap() > 0.0);
        let events = document["events"].as_array().unwrap();
        assert_eq!(events.len(), 1, "{document}");
        assert!(events[0]["end"].as_f64() > events[0]["start"].as_f64());
        assert!(!events[0]["text"].as_str().unwrap().is_empty());
    }
}

#[test]
fn a_conversation_remembers_and_forgets() {
    let kit = Kit::new();
    let short = ["--max-tokens", "12"];
    let ask = |lines: &str| {
        let output = chat(&kit, lines, &short);
        expect(&output, 0);
        stdout(&output)
    };
    let first = ask("What happens?\n");
    let both = ask("What happens?\n\nAnd then?\n");
    let begun = both.strip_prefix(&first).unwrap();
    let again = ask("What happens?\n/reset\n/help\n/nonsense\nWhat happens?\n/quit\nAnd then?\n");
    assert_eq!(again, first.repeat(2));
    let second_alone = ask("And then?\n");
    assert_ne!(begun, second_alone, "what was said before counts");
    // The first turn is asked as `ask` asks.
    let asked = done(&kit, "ask", &["What happens?", "--max-tokens", "12"]);
    assert_eq!(stdout(&asked), first);
    let output = chat(&kit, "/help\n/nonsense\n", &short);
    assert!(stderr(&output).contains("/reset") && stderr(&output).contains("no command /nonsense"));
    assert_eq!(stdout(&output), "");
}

#[test]
fn a_conversation_that_is_too_long_can_be_reset() {
    let kit = kit();
    let config = kit.path("model/vicuna-7b-v1.5/config.json");
    let text = std::fs::read_to_string(&config).unwrap();
    let shorter =
        text.replace("\"max_position_embeddings\": 4096", "\"max_position_embeddings\": 230");
    assert_ne!(shorter, text);
    std::fs::write(&config, shorter).unwrap();
    let long = "and then ".repeat(60);
    let output = chat(&kit, &format!("What?\n{long}\n/reset\nWhat?\n"), &[]);
    expect(&output, 3);
    assert_eq!(stdout(&output).matches("From 05 to 49, ab").count(), 2);
    assert!(stderr(&output).contains("at most 230 positions"), "{}", stderr(&output));
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let kit = Kit::new();
    let fails = |command: &str, arguments: &[&str], code: i32, part: &str| {
        let output = kit.about(command, arguments).output().unwrap();
        expect(&output, code);
        assert!(stderr(&output).contains(part), "{}", stderr(&output));
        assert!(output.stdout.is_empty());
    };
    fails("ask", &[" "], 2, "there is nothing to ask");
    fails("ask", &["What is <video>?"], 2, "may not contain <video>");
    fails("describe", &["--span", "5"], 2, "expected start and end");
    fails("describe", &["--span", "0-1:00:00"], 2, "after the video's end");
    fails("ask", &["What?", "--temperature", "1"], 2, "--sample");
    for kind in ["visual", "audio", "speech"] {
        std::fs::remove_file(kit.path(&format!("features/{kind}/nine.npy"))).unwrap();
        if kind != "speech" {
            let output = kit.about("ask", &["What?"]).output().unwrap();
            expect(&output, 0);
            assert!(stderr(&output).contains(&format!("the video has no {kind} features")));
        }
    }
    fails("ask", &["What?"], 1, "there is no nine.npy");
}

#[test]
fn features_of_raw_video_are_made_once_and_kept() {
    let kit = Kit::of(&["--encoders"]);
    let cache = kit.path("cache");
    let ask = |arguments: &[&str]| {
        let mut command = crate::support::omnivale();
        command.arg("ask").arg(crate::support::tiny("two_of_each.mp4")).arg("What happens?");
        command.arg("--model").arg(kit.path("model")).args(["--max-tokens", "8"]);
        command.env("XDG_CACHE_HOME", &cache).args(arguments).output().unwrap()
    };
    let first = ask(&[]);
    expect(&first, 0);
    assert!(stderr(&first).contains("making visual, audio, speech features"), "{}", stderr(&first));
    let kept = std::fs::read_dir(cache.join("omnivale/features")).unwrap().count();
    assert_eq!(kept, 3);
    let second = ask(&[]);
    expect(&second, 0);
    assert!(!stderr(&second).contains("making"), "{}", stderr(&second));
    assert_eq!(stdout(&second), stdout(&first));
    let without = ask(&["--no-cache"]);
    expect(&without, 0);
    assert_eq!(stdout(&without), stdout(&first));
    let manifest = kit.read("model/model.toml");
    std::fs::remove_file(kit.path("model/model.toml")).unwrap();
    let recognised = ask(&[]);
    expect(&recognised, 0);
    assert!(!stderr(&recognised).contains("making"), "{}", stderr(&recognised));
    let clip = "clip-vit-large-patch14";
    let inside = kit.path(&format!("model/encoders/{clip}"));
    std::fs::rename(&inside, kit.path(&format!("model/{clip}"))).unwrap();
    let beside = ask(&[]);
    expect(&beside, 0);
    assert_eq!(stdout(&beside), stdout(&first), "CLIP's folder is not taken for the base model");
    std::fs::rename(kit.path(&format!("model/{clip}")), &inside).unwrap();
    let at = manifest.find("[encoders]").unwrap();
    std::fs::write(kit.path("model/model.toml"), &manifest[..at]).unwrap();
    let none = ask(&[]);
    expect(&none, 2);
    assert!(stderr(&none).contains("nothing makes features of the video"), "{}", stderr(&none));
}

#[test]
fn avicuna_hears_raw_video_through_clap() {
    let kit = Kit::of(&["--recipe", "avicuna", "--encoders"]);
    let out = kit.path("features");
    let clap = kit.path("model/encoders/clap-htsat-fused");
    let video = crate::support::sample();
    let mut command = crate::support::omnivale();
    command.args(["features", "clap"]).arg(&video).arg("-o").arg(&out).arg("--weights").arg(clap);
    expect(&command.output().unwrap(), 0);
    let rows = omnivale_dataset::npy::read_file(&out.join("omnivale-sample.npy")).unwrap();
    assert_eq!(rows.width, 16);
    for row in rows.values.chunks(rows.width) {
        let length: f32 = row.iter().map(|value| value * value).sum();
        assert!((length - 1.0).abs() < 1e-4, "rows are of unit length, not {length}");
    }
    let mut command = crate::support::omnivale();
    command.arg("ask").arg(&video).arg("What happens?").arg("--model").arg(kit.path("model"));
    command.args(["--max-tokens", "8", "--no-cache"]);
    let asked = command.output().unwrap();
    expect(&asked, 0);
    assert!(stderr(&asked).contains("making visual, clap features"), "{}", stderr(&asked));
    assert!(!stdout(&asked).is_empty());
}
