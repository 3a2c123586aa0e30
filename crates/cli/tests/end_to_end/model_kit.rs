//! A tiny model, videos, annotations and features to ask about.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use omnivale_dataset::npy::{self, Dtype, Rows};

use crate::support::{expect, omnivale, run, text, tiny};

/// Widths of the features, small so that tests are quick.
pub(crate) const WIDTHS: [(&str, usize); 3] = [("visual", 24), ("audio", 16), ("speech", 20)];

/// A folder with a model, features of three videos, and their annotations.
pub(crate) struct Kit {
    pub(crate) root: tempfile::TempDir,
}

/// Three videos; the second has no sound, the third nobody who speaks.
const ANNOTATIONS: &str = r#"{
    "one": {"duration": 100, "timestamps": [[0, 50], [50, 100], [10, 12.5]],
            "sentences": ["A dog runs over the wet grass.", " A woman sings on the stage. ", "Rain."]},
    "two": {"duration": 20.5, "timestamps": [[2, 6]], "sentences": ["Rain falls on a street."]},
    "three": {"duration": 61, "timestamps": [[2, 60], [3, 4]], "sentences": ["A car passes by.", "A man speaks."]}
}"#;

impl Kit {
    /// LongVALE's recipe, in f32.
    pub(crate) fn new() -> Kit {
        Kit::of(&[])
    }

    /// With further arguments of `model init`.
    pub(crate) fn of(arguments: &[&str]) -> Kit {
        let root = tempfile::tempdir().expect("a folder");
        let kit = Kit { root };
        let model = kit.path("model");
        let widths = ["--visual-width", "24", "--audio-width", "16", "--speech-width", "20"];
        let init = [&["model", "init", "-o", text(&model)][..], &widths, arguments].concat();
        expect(&run(&init), 0);
        fs::write(kit.path("gt.json"), ANNOTATIONS).expect("a file");
        for (video, kinds) in
            [("one", &[12, 3, 2][..]), ("two", &[12]), ("three", &[12, 5]), ("nine", &[12, 3, 2])]
        {
            for ((kind, width), rows) in WIDTHS.iter().zip(kinds) {
                kit.features(kind, video, *rows, *width, |row, at| {
                    ((row * 7 + at * 3 + video.len()) % 11) as f32 / 11.0 - 0.4
                });
            }
        }
        kit
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Writes a feature file.
    pub(crate) fn features(
        &self,
        kind: &str,
        video: &str,
        rows: usize,
        width: usize,
        value: impl Fn(usize, usize) -> f32,
    ) {
        let folder = self.path("features").join(kind);
        fs::create_dir_all(&folder).expect("a folder");
        let values = (0..rows * width).map(|it| value(it / width, it % width)).collect();
        let rows = Rows { rows, width, dtype: Dtype::F32, values };
        let file = fs::File::create(folder.join(format!("{video}.npy"))).expect("a file");
        npy::write(file, &rows, Dtype::F32).expect("rows can be written");
    }

    /// `predict` with short answers, and these arguments.
    pub(crate) fn predict(&self, log: &str, arguments: &[&str]) -> Output {
        let (gt, features, model, log) =
            (self.path("gt.json"), self.path("features"), self.path("model"), self.path(log));
        let mut command = omnivale();
        command.args(["predict", "--annotations", text(&gt), "--features", text(&features)]);
        command.args(["--model", text(&model), "-o", text(&log), "--max-tokens", "9"]);
        command.args(arguments).output().expect("the binary starts")
    }

    /// A command about the tiny clip called `nine`, with these arguments after the video.
    pub(crate) fn about(&self, command: &str, arguments: &[&str]) -> Command {
        let video = self.path("nine.wav");
        if !video.exists() {
            fs::copy(tiny("nine.wav"), &video).expect("a fixture can be copied");
        }
        let mut binary = omnivale();
        binary.arg(command).arg(video).args(arguments);
        binary.arg("--model").arg(self.path("model"));
        binary.arg("--features").arg(self.path("features"));
        binary
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("the file is there and is text")
    }
}

/// Replaces the base model's weights by ones that say one sentence, whatever is asked: each piece has its own number
/// in the residual stream, nothing is added to it, and the head has at each piece's number the piece that follows.
///
/// The pieces after `:`, which every prompt ends in, must all differ.
pub(crate) fn says(kit: &Kit, sentence: &str) {
    use omnivale_llm::llama::Config;
    use omnivale_llm::tokenizer::Tokenizer;
    let base = kit.path("model/vicuna-7b-v1.5");
    let tokenizer = Tokenizer::from_folder(&base).expect("it was just made");
    let config = Config::from_file(&base.join("config.json")).expect("it was just made");
    let mut pieces = tokenizer.encode("ASSISTANT:");
    let colon = pieces.pop().expect("a text has pieces");
    let mut chain = vec![colon];
    chain.extend(&tokenizer.encode(sentence)[1..]);
    chain.push(tokenizer.end());
    // A second space is said by its byte: what follows it is another piece.
    let space = tokenizer.encode(" 0")[1];
    for again in chain.iter_mut().filter(|id| **id == space).skip(1) {
        *again = 3 + u32::from(b' ');
    }
    let distinct: std::collections::BTreeSet<&u32> = chain.iter().collect();
    assert_eq!(distinct.len(), chain.len(), "a piece follows two others: {chain:?}");
    let (vocabulary, width) = (config.vocab_size, config.hidden_size);
    assert!(chain.len() < width, "the model is too narrow for the sentence");
    let mut embed = vec![0f32; vocabulary * width];
    let mut head = vec![0f32; vocabulary * width];
    for row in 0..vocabulary {
        embed[row * width + width - 1] = 1.0;
    }
    for (place, pair) in chain.windows(2).enumerate() {
        let from = pair[0] as usize * width;
        embed[from..from + width].fill(0.0);
        embed[from + place] = 1.0;
        head[pair[1] as usize * width + place] = 1.0;
    }
    let tensors: Vec<(String, Vec<usize>, Vec<f32>)> = config
        .tensors()
        .into_iter()
        .map(|(name, shape)| {
            let count = shape.iter().product();
            let values = match name.as_str() {
                "model.embed_tokens.weight" => embed.clone(),
                "lm_head.weight" => head.clone(),
                _ if shape.len() == 1 => vec![1.0; count],
                _ => vec![0.0; count],
            };
            (name, shape, values)
        })
        .collect();
    fs::write(base.join("model.safetensors"), safetensors(&tensors)).expect("a file");
    // Stages would add to what must stay zero.
    let manifest = kit.read("model/model.toml");
    let lines: Vec<&str> = manifest.lines().filter(|line| !line.starts_with("stages")).collect();
    let stages = "stages = []".to_owned();
    let text = [lines.as_slice(), &[stages.as_str()]].concat().join("\n");
    fs::write(kit.path("model/model.toml"), text).expect("a file");
}

/// A safetensors file of f32 tensors.
pub(crate) fn safetensors(tensors: &[(String, Vec<usize>, Vec<f32>)]) -> Vec<u8> {
    let mut header = serde_json::Map::new();
    let mut bytes = Vec::new();
    for (name, shape, values) in tensors {
        let begin = bytes.len();
        bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        let entry = serde_json::json!({"dtype": "F32", "shape": shape, "data_offsets": [begin, bytes.len()]});
        header.insert(name.clone(), entry);
    }
    let header = serde_json::Value::Object(header).to_string();
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &bytes].concat()
}

/// Every file below a folder with its bytes.
pub(crate) fn files(folder: &Path) -> std::collections::BTreeMap<String, Vec<u8>> {
    crate::support::contents(folder)
}
