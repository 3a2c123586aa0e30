//! CLIP's and CLAP's vectors brought into one space (Wang et al. 2023, C-MCR, arXiv:2305.14381).
//!
//! Two projectors out of one file, `clap_clip.pt`: `Head_A` takes CLAP's vectors (sounds), `Head_B` those of CLIP
//! ViT-B/32 (pictures and sentences). Fields are named as in the checkpoint.

use std::path::Path;

use candle_core::{DType, Device, Result as TensorResult, Tensor};

use crate::EncoderError;
use crate::clap::BatchNorm;
use crate::layers::{Linear, unit_rows};
use omnivale_weights::{View, Weights};

/// Widest vectors that are taken for real.
const WIDEST: usize = 1 << 16;

/// Both projectors.
#[derive(Debug)]
pub struct Cmcr {
    head_a: Head,
    head_b: Head,
}

/// `Head_A` or `Head_B`.
#[derive(Debug)]
struct Head {
    net1: Half,
    net2: Half,
    /// Width of the vectors it takes.
    input: usize,
    /// Width of the vectors it gives.
    output: usize,
}

/// `net1` or `net2`: a linear layer, then a normalisation by the statistics of training.
#[derive(Debug)]
struct Half {
    linear: Linear,
    norm: BatchNorm,
}

impl Cmcr {
    /// Opens `clap_clip.pt`, or its tensors under the same names as safetensors.
    ///
    /// # Errors
    /// When the file is missing, damaged, or has other tensors than the two projectors.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, EncoderError> {
        Self::open_on(path, &Device::Cpu)
    }

    /// [`Cmcr::open`] on a device of the caller's choice.
    ///
    /// # Errors
    /// As there.
    pub fn open_on(path: impl AsRef<Path>, device: &Device) -> Result<Self, EncoderError> {
        let weights = Weights::open(path)?;
        // The published file is the bare dictionary; one that was saved in training has it inside.
        let wrapped = weights.names().all(|name| name.starts_with("state_dict."));
        let view = weights.view(DType::F32).on(device);
        let (view, outer) =
            if wrapped { (view.at("state_dict"), "state_dict.") } else { (view, "") };
        let head = |name: &str| Head::load(&weights, &view, outer, name);
        let loaded = Self { head_a: head("Head_A")?, head_b: head("Head_B")? };
        view.finish()?;
        if loaded.head_a.output != loaded.head_b.output {
            let (a, b) = (loaded.head_a.output, loaded.head_b.output);
            return Err(EncoderError::Config {
                path: weights.path().to_owned(),
                found: format!(
                    "Head_A gives vectors of {a} values and Head_B of {b}; one space was expected"
                ),
            });
        }
        Ok(loaded)
    }

    /// Values of a vector of CLAP's that [`sounds`](Self::sounds) takes.
    #[must_use]
    pub fn sound_width(&self) -> usize {
        self.head_a.input
    }

    /// Values of a vector of CLIP's that [`pictures`](Self::pictures) takes.
    #[must_use]
    pub fn picture_width(&self) -> usize {
        self.head_b.input
    }

    /// Values of a vector of the common space.
    #[must_use]
    pub fn width(&self) -> usize {
        self.head_a.output
    }

    /// CLAP's vectors of sounds, `[rows, sound_width]`, to rows of unit length, `[rows, width]`. The rows are brought
    /// to unit length first, as both trunks' are in the reference.
    ///
    /// # Errors
    /// When the rows have another width.
    pub fn sounds(&self, rows: &Tensor) -> Result<Tensor, EncoderError> {
        self.head_a.forward(rows)
    }

    /// CLIP's vectors of pictures or sentences, `[rows, picture_width]`, to rows of unit length, `[rows, width]`.
    ///
    /// # Errors
    /// When the rows have another width.
    pub fn pictures(&self, rows: &Tensor) -> Result<Tensor, EncoderError> {
        self.head_b.forward(rows)
    }
}

impl Head {
    /// The widths are those of the file: nothing else tells them.
    fn load(
        weights: &Weights,
        view: &View<'_>,
        outer: &str,
        name: &str,
    ) -> Result<Self, EncoderError> {
        let shape = |half: &str, published: [usize; 2]| {
            let shape = weights.shape(&format!("{outer}{name}.{half}.0.weight"));
            match shape {
                Some([output, input])
                    if (1..=WIDEST).contains(output) && (1..=WIDEST).contains(input) =>
                {
                    [*output, *input]
                }
                _ => published,
            }
        };
        let [inner, input] = shape("net1", [1024, 512]);
        let [output, _] = shape("net2", [512, inner]);
        let view = view.at(name);
        Ok(Self {
            net1: Half::load(&view.at("net1"), input, inner)?,
            net2: Half::load(&view.at("net2"), inner, output)?,
            input,
            output,
        })
    }

    fn forward(&self, rows: &Tensor) -> Result<Tensor, EncoderError> {
        if !matches!(rows.dims(), [_, width] if *width == self.input) {
            return Err(EncoderError::Input {
                model: "C-MCR",
                expected: format!("vectors of [rows, {}]", self.input),
                found: format!("{:?}", rows.dims()),
            });
        }
        let rows = unit_rows(&rows.to_device(self.net1.norm.device())?)?;
        let inner = self.net1.forward(&rows)?.relu()?;
        Ok(unit_rows(&self.net2.forward(&inner)?)?)
    }
}

impl Half {
    fn load(view: &View<'_>, input: usize, output: usize) -> Result<Self, EncoderError> {
        Ok(Self {
            linear: Linear::load(&view.at(0), input, output)?,
            norm: BatchNorm::load(&view.at(1), output)?,
        })
    }

    /// `[rows, in]` to `[rows, out]`.
    fn forward(&self, x: &Tensor) -> TensorResult<Tensor> {
        self.norm.forward(&self.linear.forward(&x.unsqueeze(0)?)?.squeeze(0)?)
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use tempfile::TempDir;

    use super::*;
    use crate::fixtures::safetensors;

    /// Two projectors of 2 to 3 to 2 values.
    ///
    /// `Head_A` is the identity but for its normalisations: the first halves and adds one, the second doubles the
    /// second value. `Head_B` is the same with its two values exchanged at the end.
    fn file(prefix: &str, leave_out: &str) -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let path = folder.path().join("clap_clip.safetensors");
        let eye: &[f32] = &[1., 0., 0., 1., 0., 0.];
        let mut tensors: Vec<(String, Vec<usize>, Vec<f32>)> = Vec::new();
        for head in ["Head_A", "Head_B"] {
            let mut add = |name: &str, shape: &[usize], values: &[f32]| {
                let name = format!("{prefix}{head}.{name}");
                if !name.ends_with(leave_out) || leave_out.is_empty() {
                    tensors.push((name, shape.to_vec(), values.to_vec()));
                }
            };
            add("net1.0.weight", &[3, 2], eye);
            add("net1.0.bias", &[3], &[0., 0., 0.]);
            add("net1.1.weight", &[3], &[1., 1., 1.]);
            add("net1.1.bias", &[3], &[1., 1., 1.]);
            add("net1.1.running_mean", &[3], &[0., 0., 0.]);
            add("net1.1.running_var", &[3], &[4., 4., 4.]);
            add("net1.1.num_batches_tracked", &[], &[7.]);
            let second =
                if head == "Head_A" { [1., 0., 0., 0., 1., 0.] } else { [0., 1., 0., 1., 0., 0.] };
            add("net2.0.weight", &[2, 3], &second);
            add("net2.0.bias", &[2], &[0., 0.]);
            add("net2.1.weight", &[2], &[1., 2.]);
            add("net2.1.bias", &[2], &[0., 0.]);
            add("net2.1.running_mean", &[2], &[0., 0.]);
            add("net2.1.running_var", &[2], &[1., 1.]);
        }
        let all: Vec<(&str, &[usize], &[f32])> = tensors
            .iter()
            .map(|(name, shape, values)| (name.as_str(), shape.as_slice(), values.as_slice()))
            .collect();
        std::fs::write(&path, safetensors(&all)).expect("the folder takes it");
        (folder, path)
    }

    fn row(tensor: &Tensor) -> Vec<f32> {
        tensor.flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn each_head_is_two_layers_with_their_normalisations() {
        for prefix in ["", "state_dict."] {
            let (_folder, path) = file(prefix, "");
            let heads = Cmcr::open(path).unwrap();
            assert_eq!((heads.sound_width(), heads.picture_width(), heads.width()), (2, 2, 2));
            // (3, -4) is (0.6, -0.8) at unit length, then (0.3, -0.4) + 1, doubled second: (1.3, 1.2).
            let rows = Tensor::new(&[[3f32, -4.]], &Device::Cpu).unwrap();
            let length = (1.3f32 * 1.3 + 1.2 * 1.2).sqrt();
            let sound = row(&heads.sounds(&rows).unwrap());
            assert!((sound[0] - 1.3 / length).abs() < 1e-5, "{sound:?}");
            assert!((sound[1] - 1.2 / length).abs() < 1e-5, "{sound:?}");
            // The other head: (0.6, 1.3 * 2).
            let length = (0.6f32 * 0.6 + 2.6 * 2.6).sqrt();
            let picture = row(&heads.pictures(&rows).unwrap());
            assert!((picture[0] - 0.6 / length).abs() < 1e-5, "{picture:?}");
            assert!((picture[1] - 2.6 / length).abs() < 1e-5, "{picture:?}");
        }
    }

    #[test]
    fn what_is_negative_between_the_layers_counts_as_nothing() {
        let (_folder, path) = file("", "");
        let heads = Cmcr::open(path).unwrap();
        // -1 halved plus one is 0.5; there is nothing negative left before ReLU but of larger negatives.
        let rows = Tensor::new(&[[-1f32, 0.]], &Device::Cpu).unwrap();
        let length = (0.5f32 * 0.5 + 4.0).sqrt();
        let sound = row(&heads.sounds(&rows).unwrap());
        assert!((sound[0] - 0.5 / length).abs() < 1e-5, "{sound:?}");
    }

    #[test]
    fn a_missing_tensor_is_named() {
        let (_folder, path) = file("", "Head_B.net2.1.running_var");
        let message = Cmcr::open(path).unwrap_err().to_string();
        assert!(message.contains("Head_B.net2.1.running_var"), "{message}");
    }

    #[test]
    fn vectors_of_another_width_are_refused() {
        let (_folder, path) = file("", "");
        let rows = Tensor::zeros((1, 3), DType::F32, &Device::Cpu).unwrap();
        let message = Cmcr::open(path).unwrap().sounds(&rows).unwrap_err().to_string();
        assert_eq!(message, "C-MCR takes vectors of [rows, 2], but was given [1, 3]");
    }
}
