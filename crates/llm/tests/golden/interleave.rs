//! AVicuna's order and numbers of rows: `text/avti.json` and `text/avicuna_resample.json`, exact.

use omnivale_llm::interleave::{Budget, Placement, audio_positions, audio_rows, video_rows};
use serde::Deserialize;
use serde_json::Value;

use crate::support::{golden, json};

#[derive(Deserialize)]
struct Order {
    n_video: usize,
    n_audio: usize,
    audio_positions: Vec<usize>,
    fits: bool,
}

#[derive(Deserialize)]
struct Resampling {
    audio_repeat: Vec<Audio>,
    video_sample: Vec<Video>,
}

#[derive(Deserialize)]
struct Audio {
    rows_in: usize,
    target: usize,
    source_row_of_each_output: Vec<usize>,
}

#[derive(Deserialize)]
struct Video {
    rows_in: usize,
    target: usize,
    /// A row's number, or "zero".
    source_row: Vec<Value>,
}

#[test]
fn golden_audio_rows_stand_where_the_reference_puts_them() {
    let Some(file) = golden("text/avti.json") else { return };
    for case in json::<Vec<Order>>(&file) {
        let budget = Budget { video: case.n_video, audio: case.n_audio };
        let found = audio_positions(budget, Placement::Published);
        if case.fits {
            assert_eq!(found.unwrap(), case.audio_positions, "{budget:?}");
        } else {
            assert!(found.is_err(), "{budget:?}");
            assert!(case.audio_positions.len() < case.n_audio);
        }
    }
}

#[test]
fn golden_rows_are_repeated_and_chosen_as_the_reference_does() {
    let Some(file) = golden("text/avicuna_resample.json") else { return };
    let cases: Resampling = json(&file);
    for case in cases.audio_repeat {
        let found = audio_rows(case.rows_in, case.target);
        assert_eq!(found, case.source_row_of_each_output, "{} rows", case.rows_in);
    }
    for case in cases.video_sample {
        let found: Vec<Value> = video_rows(case.rows_in, case.target)
            .into_iter()
            .map(|row| row.map_or_else(|| "zero".into(), Value::from))
            .collect();
        assert_eq!(found, case.source_row, "{} rows", case.rows_in);
    }
}
