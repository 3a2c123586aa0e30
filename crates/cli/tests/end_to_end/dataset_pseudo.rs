//! Pseudo-untrimmed videos out of captioned clips.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use omnivale_dataset::npy::{self, Dtype, Rows};
use serde_json::{Value, json};

use crate::support::{code, expect, json, omnivale, run, stderr, text};

const PLACES: [&str; 7] = ["street", "kitchen", "stage", "field", "garage", "forest", "beach"];
const DOERS: [&str; 5] = ["dog", "violinist", "engine", "choir", "carpenter"];

/// `count` clips of 10 s on five topics, as VALOR publishes them.
fn valor(count: usize) -> Value {
    let clip = |number: usize| {
        let (doer, place) = (DOERS[number % 5], PLACES[number / 5 % 7]);
        json!({"video_id": format!("clip{number}"),
               "desc": format!("The {doer} and one more {doer} in a {place}, take {}.", number / 35)})
    };
    (0..count).map(clip).collect()
}

struct Corpus {
    root: tempfile::TempDir,
}

impl Corpus {
    fn new(clips: &Value) -> Corpus {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("clips.json"), clips.to_string()).unwrap();
        let config = "[pseudo.clusters]\nsize = 20\n[pseudo.embedding]\ndimensions = 8\n";
        fs::write(root.path().join("small.toml"), config).unwrap();
        Corpus { root }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn command(&self, out: &str, more: &[&str]) -> Command {
        let mut command = omnivale();
        command.args(["dataset", "pseudo"]).arg(self.path("clips.json"));
        command.arg("-o").arg(self.path(out)).arg("--config").arg(self.path("small.toml"));
        command.args(more).arg("--json");
        command
    }

    fn run(&self, out: &str, more: &[&str]) -> Output {
        self.command(out, more).output().expect("the binary starts")
    }
}

fn summary(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn as_many_videos_as_asked_for_with_events_that_tile_them() {
    let corpus = Corpus::new(&valor(140));
    let output = corpus.run("out.json", &["--records"]);
    expect(&output, 0);
    let found = summary(&output);
    assert_eq!(found["videos"]["drawn"], 499, "140 times 3.565: {found}");
    assert_eq!(found["notes"]["assumed_length"], 140);

    let dialogues = json(&corpus.path("out.json"));
    let annotations = json(&corpus.path("out.annotations.json"));
    let records = json(&corpus.path("out.records.json"));
    let dialogues = dialogues.as_array().unwrap();
    assert_eq!(dialogues.len(), 499);
    for dialogue in dialogues {
        let meta = &dialogue["meta"];
        let scales: Vec<f64> =
            meta["scale"].as_array().unwrap().iter().map(|s| s.as_f64().unwrap()).collect();
        // The published loader: int(scale * 10) rows, one per second.
        let total: i64 = scales.iter().map(|scale| (scale * 10.0) as i64).sum();
        assert_eq!(meta["duration"].as_f64(), Some(total as f64));
        assert!((2..=8).contains(&scales.len()));
        let id = dialogue["id"].as_str().unwrap();
        let spans = annotations[id]["timestamps"].as_array().unwrap();
        let mut end = json!(0.0);
        for (span, record) in spans.iter().zip(records[id].as_array().unwrap()) {
            assert_eq!((&span[0], &record["timestamps"]), (&end, span));
            end = span[1].clone();
        }
        assert_eq!((spans.len(), end.as_f64()), (scales.len(), Some(total as f64)));
    }
    let manifest = json(&corpus.path("out.json.manifest.json"));
    assert_eq!(manifest["inputs"][0]["name"], "clips.json");
    assert_eq!(manifest["outputs"][2]["name"], "out.records.json");
    assert_eq!(manifest["configuration"]["pseudo"]["similarity_min"].as_f64(), Some(0.3));
    // What was written is what the other dataset commands read.
    expect(&run(&["dataset", "stats", text(&corpus.path("out.annotations.json"))]), 0);
}

#[test]
fn a_seed_decides_and_the_number_of_threads_does_not() {
    let corpus = Corpus::new(&valor(120));
    let bytes = |threads: &str, seed: &str| {
        let mut command = corpus.command("out.json", &["--count", "200", "--seed", seed]);
        expect(&command.env("RAYON_NUM_THREADS", threads).output().unwrap(), 0);
        ["out.json", "out.annotations.json", "out.json.manifest.json"]
            .map(|name| fs::read(corpus.path(name)).unwrap())
    };
    let one = bytes("1", "5");
    assert!(one == bytes("4", "5"));
    assert!(one[1] != bytes("4", "6")[1]);
}

#[test]
fn embeddings_of_any_model_can_be_given() {
    let corpus = Corpus::new(&valor(60));
    // Two clips are alike if their numbers have the same remainder by three: not what they say.
    let values = (0..60).flat_map(|at| {
        let near = 0.3 + at as f32 / 100.0;
        [[1.0, 0.0, 0.0, near], [0.0, 1.0, 0.0, near], [0.0, 0.0, 1.0, near]][at % 3]
    });
    let rows = Rows { rows: 60, width: 4, dtype: Dtype::F32, values: values.collect() };
    let path = corpus.path("rows.npy");
    npy::write_file(&path, &rows, Dtype::F32).unwrap();
    let config =
        "[pseudo]\nsimilarity_min = 0.7\nsimilarity_max = 0.9999\n[pseudo.clusters]\nsize = 15\n";
    fs::write(corpus.path("small.toml"), config).unwrap();
    let output = corpus.run("out.json", &["--embeddings", text(&path), "--count", "50"]);
    expect(&output, 0);
    for dialogue in json(&corpus.path("out.json")).as_array().unwrap() {
        let clips = dialogue["meta"]["sub_videos"].as_array().unwrap();
        let kind = |id: &Value| id.as_str().unwrap()[4..].parse::<usize>().unwrap() % 3;
        assert!(clips.iter().all(|clip| kind(clip) == kind(&clips[0])), "{clips:?}");
    }

    let short = Rows { rows: 59, values: rows.values[4..].to_vec(), ..rows };
    npy::write_file(&path, &short, Dtype::F32).unwrap();
    let output = corpus.run("out.json", &["--embeddings", text(&path)]);
    expect(&output, 1);
    assert!(stderr(&output).contains("59 rows") && stderr(&output).contains("60 clips"));
}

#[test]
fn features_are_assembled_and_missing_ones_declared() {
    let corpus = Corpus::new(&valor(60));
    for (folder, height, width) in [("v", 100, 6), ("a", 1, 4)] {
        fs::create_dir(corpus.path(folder)).unwrap();
        for clip in (0..60).filter(|clip| clip % 10 != 9) {
            // Each value says which clip it is from; none is zero.
            let values = vec![clip as f32 + 1.0; height * width];
            let rows = Rows { rows: height, width, dtype: Dtype::F16, values };
            let path = corpus.path(folder).join(format!("clip{clip}.npy"));
            npy::write_file(&path, &rows, Dtype::F16).unwrap();
        }
    }
    let (v, a, out) = (corpus.path("v"), corpus.path("a"), corpus.path("rows"));
    let base = ["--features", text(&v), "--audio-features", text(&a), "--features-out", text(&out)];
    let output = corpus.run("out.json", &[&base[..], &["--count", "40"]].concat());
    expect(&output, 0);
    let found = summary(&output);
    assert_eq!((&found["left_out"]["without_features"], &found["clips"]), (&json!(6), &json!(54)));
    assert_eq!(found["features"][0]["clips_of_zeros"], 0);
    for dialogue in json(&corpus.path("out.json")).as_array().unwrap() {
        let name = format!("{}.npy", dialogue["id"].as_str().unwrap());
        let pictures = npy::read_file(&out.join("visual").join(&name)).unwrap();
        let sounds = npy::read_file(&out.join("audio").join(&name)).unwrap();
        assert_eq!((pictures.rows, pictures.width, pictures.dtype), (75, 6, Dtype::F16));
        assert_eq!((sounds.rows, sounds.width, sounds.dtype), (25, 4, Dtype::F32));
        let clips = dialogue["meta"]["sub_videos"].as_array().unwrap();
        let number = |clip: &Value| clip.as_str().unwrap()[4..].parse::<f32>().unwrap() + 1.0;
        assert_eq!(pictures.values[0], number(&clips[0]));
        assert_eq!(sounds.values[sounds.values.len() - 1], number(&clips[clips.len() - 1]));
    }

    let output = corpus.run("out.json", &[&base[..], &["--missing", "zero"]].concat());
    expect(&output, 0);
    let found = summary(&output);
    assert_eq!(found["clips"], 60);
    assert!(found["features"][0]["clips_of_zeros"].as_u64().unwrap() > 0, "{found}");
    assert!(found["features"][1]["videos_with_zeros"].as_u64().unwrap() > 0, "{found}");
}

#[test]
fn what_cannot_be_done_is_said_and_nothing_is_written() {
    let corpus = Corpus::new(&json!([{"video_id": "a", "desc": "One."}]));
    let output = corpus.run("out.json", &[]);
    expect(&output, 1);
    assert!(
        stderr(&output).contains("no pseudo video can be made of 1 clips"),
        "{}",
        stderr(&output)
    );
    expect(&corpus.run("clips.json", &[]), 2);
    expect(&corpus.run("out.json", &["--render", "videos"]), 2);
    expect(&corpus.run("out.json", &["--features", "x"]), 2);
    fs::write(corpus.path("small.toml"), "[pseudo]\nclips_min = 1\n").unwrap();
    let output = corpus.run("out.json", &[]);
    expect(&output, 2);
    assert!(stderr(&output).contains("at least 2 for `pseudo.clips_min`"), "{}", stderr(&output));
    assert!(!corpus.path("out.json").exists());
}

#[test]
fn fewer_videos_than_asked_for_is_not_success() {
    // Every caption is the same, but for one pair.
    let mut clips = valor(2);
    let more = clips.as_array().unwrap()[0].clone();
    let list = clips.as_array_mut().unwrap();
    list.extend((0..20).map(|number| {
        let mut clip = more.clone();
        clip["video_id"] = json!(format!("same{number}"));
        clip
    }));
    let corpus = Corpus::new(&clips);
    let config = "[pseudo]\nsimilarity_min = -1.0\n[pseudo.embedding]\ndimensions = 8\n";
    fs::write(corpus.path("small.toml"), config).unwrap();
    let output = corpus.run("out.json", &["--count", "3000"]);
    let found = summary(&output);
    assert!(found["videos"]["drawn"].as_u64() < Some(3000), "{found}");
    assert_eq!(code(&output), 3);
    assert!(found["videos"]["repeats"].as_u64() > Some(0));
}

fn ffmpeg(arguments: &[&str], target: &Path) {
    let mut command = Command::new("ffmpeg");
    let status = command.args(["-v", "error", "-y"]).args(arguments).arg(target).status();
    assert!(status.expect("scripts/setup.sh installs ffmpeg").success(), "{arguments:?}");
}

/// Four clips of 2 s in plain colours far from each other, one without sound, in sizes and rates of their own, and one
/// that is described but not there.
fn colours() -> Corpus {
    let mut clips = serde_json::Map::new();
    let entry = |colour: &str| {
        json!({"duration": 2.0, "timestamps": [[0, 2]],
               "sentences": [format!("A {colour} wall and a {colour} floor with a steady tone in the hall.")]})
    };
    for colour in ["red", "white", "black", "gray", "gone"] {
        clips.insert(colour.to_owned(), entry(colour));
    }
    let corpus = Corpus::new(&Value::Object(clips));
    let config = "[pseudo]\nscale_max = 1.5\n[pseudo.embedding]\ncaptions_min = 1\n\
                  [pseudo.render]\nwidth = 128\nheight = 96\npreset = \"ultrafast\"\n";
    fs::write(corpus.path("small.toml"), config).unwrap();
    fs::create_dir(corpus.path("clips")).unwrap();
    for (colour, size, rate) in [
        ("red", "160x120", 25),
        ("white", "96x96", 30),
        ("black", "128x72", 10),
        ("gray", "64x48", 25),
    ] {
        let picture = format!("color=c={colour}:s={size}:r={rate}:d=2");
        let mut arguments = vec!["-f", "lavfi", "-i", &picture];
        if colour != "white" {
            arguments.extend(["-f", "lavfi", "-i", "sine=f=440:d=2:r=22050", "-c:a", "aac"]);
        }
        arguments.extend(["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]);
        // As VALOR names its clips.
        ffmpeg(&arguments, &corpus.path("clips").join(format!("{colour}_30.000_32.000.mp4")));
    }
    corpus
}

impl Corpus {
    fn render(&self, more: &[&str]) -> Command {
        let (videos, clips) = (self.path("videos"), self.path("clips"));
        let base =
            ["--render", text(&videos), "--clips", text(&clips), "--count", "3", "--jobs", "2"];
        self.command("out.json", &[&base[..], more].concat())
    }
}

#[test]
fn rendered_videos_have_their_events_where_the_annotations_say() {
    let corpus = colours();
    let output = corpus.render(&[]).output().unwrap();
    expect(&output, 0);
    let found = summary(&output);
    assert_eq!(found["left_out"]["without_file"], 1);
    assert_eq!(
        (&found["rendered"]["rendered"], &found["rendered"]["finished"]),
        (&json!(3), &json!(0))
    );
    for (id, annotation) in json(&corpus.path("out.annotations.json")).as_object().unwrap() {
        let video = corpus.path("videos").join(format!("{id}.mp4"));
        let output = run(&["detect", "scenes", text(&video), "--min-scene-len", "0", "--json"]);
        expect(&output, 0);
        let scenes: Value = serde_json::from_slice(&output.stdout).unwrap();
        let cuts: Vec<f64> = scenes["cuts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|c| c["seconds"].as_f64().unwrap())
            .collect();
        let spans = annotation["timestamps"].as_array().unwrap();
        let starts: Vec<f64> = spans[1..].iter().map(|span| span[0].as_f64().unwrap()).collect();
        assert_eq!(cuts.len(), starts.len(), "{id}: {cuts:?}, planned {starts:?}");
        assert!(cuts.iter().zip(&starts).all(|(cut, start)| (cut - start).abs() <= 0.04));
        let end = scenes["scenes"].as_array().unwrap().last().unwrap()["end"].as_f64().unwrap();
        assert!((end - annotation["duration"].as_f64().unwrap()).abs() <= 0.04, "{id}: {end}");
    }
}

#[test]
fn finished_videos_are_not_rendered_again_unless_something_changed() {
    let corpus = colours();
    expect(&corpus.render(&[]).output().unwrap(), 0);
    let videos = || {
        let mut files: Vec<(PathBuf, Vec<u8>)> = fs::read_dir(corpus.path("videos"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_file())
            .map(|path| (path.clone(), fs::read(path).unwrap()))
            .collect();
        files.sort();
        files
    };
    let before = videos();
    assert_eq!(before.len(), 3, "{:?}", before.iter().map(|(path, _)| path).collect::<Vec<_>>());
    let again = corpus.render(&[]).output().unwrap();
    expect(&again, 0);
    assert_eq!(summary(&again)["rendered"]["finished"], 3);

    // A lost file comes back byte for byte; a cut one too.
    fs::remove_file(&before[0].0).unwrap();
    fs::write(&before[1].0, &before[1].1[..100]).unwrap();
    let again = corpus.render(&[]).output().unwrap();
    assert_eq!(summary(&again)["rendered"]["rendered"], 2);
    assert!(before == videos());

    // A clip that is no video any more: its videos fail and keep their files, the others are done.
    let red = corpus.path("clips/red_30.000_32.000.mp4");
    fs::write(&red, b"not a video").unwrap();
    let output = corpus.render(&[]).output().unwrap();
    expect(&output, 3);
    let found = &summary(&output)["rendered"];
    let failed = found["failed"].as_array().unwrap();
    assert!(!failed.is_empty() && failed.len() as u64 + found["finished"].as_u64().unwrap() == 3);
    assert!(stderr(&output).contains("red_30.000_32.000.mp4"), "{}", stderr(&output));
    assert!(before == videos());
}

#[cfg(unix)]
#[test]
fn an_interrupted_rendering_leaves_whole_videos_and_goes_on() {
    let corpus = colours();
    let mut child = corpus
        .render(&["--limit", "3"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let videos = corpus.path("videos");
    // The folder is made just before the first rendering starts.
    while !videos.exists() && child.try_wait().unwrap().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let ended = child.wait().unwrap().code();
    // On a very fast machine everything was done before the signal came.
    assert!(matches!(ended, Some(0 | 1)), "{ended:?}");
    let left = fs::read_dir(&videos).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(left.into_iter().all(|name| !name.to_string_lossy().starts_with(".part-")));
    let output = corpus.render(&["--limit", "3"]).output().unwrap();
    expect(&output, 0);
    let found = &summary(&output)["rendered"];
    assert_eq!(found["rendered"].as_u64().unwrap() + found["finished"].as_u64().unwrap(), 3);
}
