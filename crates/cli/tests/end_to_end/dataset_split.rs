//! A collection is divided: nothing is lost, nothing that belongs together is parted, and what is
//! added later moves nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{code, expect, json as read_json, run, stderr, stdout, text};

/// Sixty videos of three lengths, two from each source, with a field that no reader knows.
fn collection(from: usize, to: usize) -> String {
    let entry = |index: usize| {
        let (spans, texts) = ([[0.0, 10.1234], [12.0, 20.0]], ["A dog.", " A <cat>. "]);
        let events = 1 + index % 2;
        let entry = json!({
            "duration": 40.5 + 60.0 * (index % 3) as f64,
            "timestamps": spans[..events],
            "sentences": texts[..events],
            "channel": format!("c{}", index / 2),
        });
        format!("\"v{}_{}\": {entry}", index / 2, index % 2)
    };
    let entries: Vec<String> = (from..to).rev().map(entry).collect();
    format!("{{{}}}", entries.join(",\n"))
}

/// Writes a collection and divides it; gives the part of each video.
fn divided(folder: &Path, content: &str, more: &[&str]) -> BTreeMap<String, String> {
    let (file, out) = (folder.join("all.json"), folder.join("parts"));
    fs::write(&file, content).unwrap();
    let output = run(&[&["dataset", "split", text(&file), "-o", text(&out)], more].concat());
    expect(&output, 0);
    let mut parts = BTreeMap::new();
    for part in ["train", "val", "test"] {
        let path = out.join(format!("{part}.json"));
        if path.exists() {
            for id in read_json(&path).as_object().unwrap().keys() {
                assert_eq!(parts.insert(id.clone(), part.to_owned()), None, "{id} is in two parts");
            }
        }
    }
    parts
}

#[test]
fn every_video_is_in_one_part_as_it_was_and_in_order() {
    let root = tempfile::tempdir().unwrap();
    let content = collection(0, 60);
    let parts = divided(root.path(), &content, &["--test", "0.25"]);
    let all: Value = serde_json::from_str(&content).unwrap();
    let all = all.as_object().unwrap();
    assert!(parts.keys().eq(all.keys().collect::<std::collections::BTreeSet<_>>()));
    for part in ["train", "test"] {
        let written = read_json(&root.path().join(format!("parts/{part}.json")));
        let written = written.as_object().unwrap();
        assert!(!written.is_empty());
        for (id, entry) in written {
            assert_eq!(entry, &all[id]);
        }
        let expected: Vec<&String> = all.keys().filter(|id| parts[*id] == part).collect();
        assert!(written.keys().eq(expected), "the order of the file is kept");
    }
    let manifest = read_json(&root.path().join("parts/train.json.manifest.json"));
    assert_eq!(manifest["command"], "dataset split");
    assert_eq!(manifest["configuration"]["parts"]["test"], 0.25);
    assert_eq!(manifest["outputs"][1]["name"], "test.json");
    let videos = |part: &str| manifest["counts"]["parts"][part]["videos"].as_u64().unwrap();
    assert_eq!(videos("train") + videos("test"), 60);
}

#[test]
fn what_is_added_moves_nothing_and_the_seed_decides() {
    let root = tempfile::tempdir().unwrap();
    let before = divided(root.path(), &collection(20, 50), &["--test", "0.3"]);
    let after = divided(root.path(), &collection(0, 60), &["--test", "0.3"]);
    assert!(before.iter().all(|(id, part)| after[id] == *part));
    let other = divided(root.path(), &collection(0, 60), &["--test", "0.3", "--seed", "1"]);
    assert_ne!(after, other);
}

#[test]
fn exact_shares_are_met_and_the_same_bytes_come_again() {
    let root = tempfile::tempdir().unwrap();
    let more = ["--parts", "train=0.7,val=0.2,test=0.1", "--exact"];
    let parts = divided(root.path(), &collection(0, 60), &more);
    let count = |part: &str| parts.values().filter(|one| *one == part).count();
    assert_eq!((count("train"), count("val"), count("test")), (42, 12, 6));
    let names = ["train.json", "val.json", "test.json", "train.json.manifest.json"];
    let bytes = || names.map(|name| fs::read(root.path().join("parts").join(name)).unwrap());
    let first = bytes();
    divided(root.path(), &collection(0, 60), &more);
    assert!(first == bytes());
}

#[test]
fn an_earlier_division_is_kept_while_new_videos_meet_the_shares() {
    let root = tempfile::tempdir().unwrap();
    let parts = ["--parts", "train=0.7,val=0.2,test=0.1"];
    let before = divided(root.path(), &collection(0, 30), &[&parts[..], &["--exact"]].concat());
    let earlier = root.path().join("earlier");
    fs::rename(root.path().join("parts"), &earlier).unwrap();
    let more = [&parts[..], &["--keep", text(&earlier), "--seed", "5"]].concat();
    // Two videos are gone and thirty came.
    let after = divided(root.path(), &collection(2, 60), &more);
    let stays = |(id, part): (&String, &String)| after.get(id).is_none_or(|now| now == part);
    assert!(before.iter().all(stays));
    let count = |part: &str| after.values().filter(|one| *one == part).count();
    assert_eq!((count("train"), count("val"), count("test")), (40, 12, 6));
    let manifest = read_json(&root.path().join("parts/train.json.manifest.json"));
    assert_eq!(manifest["inputs"].as_array().unwrap().len(), 4, "the earlier parts are inputs");

    // Groups that the earlier parts divide cannot be kept together.
    let file = root.path().join("all.json");
    let out = root.path().join("other");
    let args = ["dataset", "split", text(&file), "-o", text(&out), "--group-prefix", "_"];
    let output = run(&[&args[..], &more].concat());
    expect(&output, 1);
    assert!(stderr(&output).contains("a group that only this part has"), "{}", stderr(&output));
    assert!(!out.exists());
}

#[test]
fn sources_stay_together_however_they_are_named() {
    let root = tempfile::tempdir().unwrap();
    let csv = root.path().join("groups.csv");
    let lines: Vec<String> =
        (0..60).map(|index| format!("v{}_{},c{}", index / 2, index % 2, index / 2)).collect();
    fs::write(&csv, format!("id,group\n{}\n", lines.join("\n"))).unwrap();
    let together = |parts: &BTreeMap<String, String>| {
        (0..30).all(|source| parts[&format!("v{source}_0")] == parts[&format!("v{source}_1")])
    };
    let content = collection(0, 60);
    assert!(!together(&divided(root.path(), &content, &["--test", "0.5"])));
    for exact in [&[][..], &["--exact"]] {
        let of = |grouping: &[&str]| {
            divided(root.path(), &content, &[&["--test", "0.5"], grouping, exact].concat())
        };
        let by_csv = of(&["--groups", text(&csv)]);
        assert!(together(&by_csv));
        assert_eq!(by_csv, of(&["--group-by", "channel"]));
        assert!(together(&of(&["--group-prefix", "_"])));
    }
}

#[test]
fn a_report_shows_parts_and_their_distance() {
    let root = tempfile::tempdir().unwrap();
    let (file, out) = (root.path().join("all.json"), root.path().join("parts"));
    fs::write(&file, collection(0, 60)).unwrap();
    let html = root.path().join("split.html");
    let base = ["dataset", "split", text(&file), "-o", text(&out), "--exact", "--test", "0.2"];
    let output = run(&[&base[..], &["--html", text(&html), "--group-prefix", "_"]].concat());
    expect(&output, 0);
    let shown = stdout(&output).replace(text(root.path()), "ROOT");
    insta::assert_snapshot!(shown, @r"
                                                     train                     test
    videos                                              48                       12
    share asked for                                80.00 %                  20.00 %
    share                                          80.00 %                  20.00 %
    events                                              72                       18
    hours                                              1.3                      0.3
    distance of lengths            0.000 (0.184 by chance)  0.000 (0.184 by chance)
    distance of numbers of events  0.000 (0.000 by chance)  0.000 (0.000 by chance)

    Length of a video, seconds
                      train                               test
      30 to 60           16   33.3 %  ▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪        4   33.3 %  ▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪
      60 to 90            0    0.0 %                          0    0.0 %
      90 to 120          16   33.3 %  ▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪        4   33.3 %  ▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪
      120 to 150          0    0.0 %                          0    0.0 %
      150 to 180         16   33.3 %  ▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪        4   33.3 %  ▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪

    Events of a video
                      train                               test
      1 to 3             48  100.0 %  ▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪       12  100.0 %  ▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪

    Each stratum divided in the shares asked for; adding videos moves some others (seed 0). 60 videos in 30 groups that are never divided.
    Distance: total variation between a part and all others together, the share of the videos that would have to be in another bin for both to be the same (0 the same, 1 nothing in common). By chance: what a random part of this size comes to on average.

    ROOT/parts/train.json
    ROOT/parts/test.json
    ROOT/parts/train.json.manifest.json
    ");
    let page = fs::read_to_string(&html).unwrap();
    for part in ["Division of all.json", "by chance", "<title>test, 90 to 120: ", "total variation"]
    {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("http") && !page.contains("<script"));
    let output = run(&[&base[..], &["--json"]].concat());
    expect(&output, 0);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["parts"][1]["videos"], 12);
    assert_eq!(found["parts"][1]["likeness_of_durations"]["total_variation"], 0.0);
}

#[test]
fn what_cannot_be_meant_is_refused_and_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let (file, out) = (root.path().join("train.json"), root.path().join("parts"));
    fs::write(&file, collection(0, 6)).unwrap();
    let csv = root.path().join("groups.csv");
    fs::write(&csv, "other,a\n").unwrap();
    let base = ["dataset", "split", text(&file), "-o", text(&out)];
    for (more, part) in [
        (&["--test", "1.5"][..], "must lie between 0 and 1, found 1.5"),
        (&["--parts", "a=0.5,b=0.6"], "must add up to 1"),
        (&["--parts", "../a=0.5,b=0.5"], "cannot name a part"),
        (&["--test", "0.5", "--parts", "a=0.5,b=0.5"], "cannot be used with"),
        (&["--groups", text(&csv), "--group-by", "channel"], "cannot be used with"),
        (&["--groups", text(&csv)], "is given a group"),
        (&["--group-by", "chanel"], "is given a group"),
        (&["--group-prefix", ""], "needs a character"),
        (&["-o", text(root.path())], "cannot be used multiple times"),
    ] {
        let output = run(&[&base[..], more].concat());
        expect(&output, 2);
        assert!(stderr(&output).contains(part), "{}", stderr(&output));
    }
    let output = run(&["dataset", "split", text(&file), "-o", text(root.path())]);
    expect(&output, 2);
    assert!(stderr(&output).contains("would be written over"), "{}", stderr(&output));
    let output = run(&["dataset", "split", text(root.path()), "-o", text(&out)]);
    expect(&output, 2);
    let config = root.path().join("mine.toml");
    fs::write(&config, "[split]\nevent_edges = [5, 3]\n").unwrap();
    let output = run(&[&base[..], &["--config", text(&config)]].concat());
    expect(&output, 2);
    assert!(stderr(&output).contains("`split.event_edges` must"), "{}", stderr(&output));

    fs::write(&csv, "v0_0,a,b\n").unwrap();
    let output = run(&[&base[..], &["--groups", text(&csv)]].concat());
    expect(&output, 1);
    assert!(stderr(&output).contains("line 1: expected two fields"), "{}", stderr(&output));
    fs::write(&file, "{\"v\": 3}").unwrap();
    let output = run(&base);
    expect(&output, 1);
    assert!(stderr(&output).contains("expected an object"), "{}", stderr(&output));
    assert!(!out.exists());
}

#[test]
fn an_empty_part_is_said() {
    let root = tempfile::tempdir().unwrap();
    let (file, out) = (root.path().join("all.json"), root.path().join("parts"));
    fs::write(&file, "{}").unwrap();
    let output = run(&["dataset", "split", text(&file), "-o", text(&out)]);
    assert_eq!(code(&output), 0);
    assert!(stderr(&output).contains("test holds no video; --exact"), "{}", stderr(&output));
    assert_eq!(read_json(&out.join("test.json")), json!({}));
}

#[test]
fn the_help_is_written_for_a_person() {
    insta::assert_snapshot!(stdout(&run(&["dataset", "split", "--help"])), @r"
    Divide a collection into training and test parts

    Which part a video goes to depends on the seed, the shares and its name alone, so that adding videos
    later moves none that are there; shares are met as well as chance meets them. With --exact each
    stratum of length and number of events is divided in the shares asked for, and adding videos moves
    some others, unless --keep names the earlier parts. What comes from one source can be kept together.
    Entries are written as they stand in the file, fields of your own included, in its order.

    Usage: omnivale dataset split [OPTIONS] --output <DIR> <FILE>

    Arguments:
      <FILE>
              The collection, in LongVALE's layout

    Options:
      -o, --output <DIR>
              Folder for the parts; it is made if it is not there

      -v, --verbose...
              Say more on standard error; twice for everything, libav's messages included

          --test <SHARE>
              Share of the videos in the test part [default: 0.1392, LongVALE's]

          --parts <NAME=SHARE,...>
              Parts by name and share, instead of train and test

          --exact
              Divide each stratum in exactly these shares

          --keep <DIR>
              Divide as with --exact, but leave every video that this folder's parts have where it is

          --seed <N>
              Another seed, another division
              
              [default: 0]

          --groups <FILE.csv>
              Keep together what this CSV file of id,group gives one group

          --group-by <FIELD>
              Keep together what has the same value in this field of its entry

          --group-prefix <CHARS>
              Keep together ids that are the same up to the last of these characters

          --config <FILE>
              Configuration file; `[split]` counts here (see `omnivale config`)

          --html <FILE.html>
              Write a report with figures to this HTML file

          --json
              Print one JSON document

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

    Examples:
      omnivale dataset split annotations.json -o parts
      omnivale dataset split annotations.json -o parts --exact --test 0.1392 --html split.html
      omnivale dataset split more.json -o parts2 --keep parts            old videos stay
      omnivale dataset split all.json -o parts --parts train=0.8,val=0.1,test=0.1 --seed 7
      omnivale dataset split all.json -o parts --groups channels.csv      lines of id,group
      omnivale dataset split all.json -o parts --group-prefix _          talk_0030, talk_0060: talk

    The distance that is printed is the total variation distance between a part and all others
    together: the share of videos that would have to be in another bin for both to be the same.
    DIR holds NAME.json for each part and a manifest of what they were made from.
    ");
}
