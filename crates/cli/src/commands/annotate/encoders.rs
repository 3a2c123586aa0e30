//! The learned encoders of `annotate`: models in the shape that the pipeline takes.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Context;
use candle_core::{Device, Tensor};
use omnivale_annotate::config::Config;
use omnivale_annotate::embed::{
    AudioEmbedder, CommonSpace, EmbedError, Encoder, Encoders, EncodersConfig, VisualEmbedder,
};
use omnivale_encoders::clip::preprocess::{Antialias, Preprocess};
use omnivale_encoders::{ClapAudio, ClipVision, Cmcr, EncoderError, Precision};
use omnivale_signal::packed_bgr;
use omnivale_timeline::{Duration, PictureView};
use omnivale_weights::{Cache, WEIGHT_FILES, read_small, weight_map};

use crate::args::AnnotateArgs;
use crate::device::mark;
use crate::exit::usage;

/// Shortest time between rows that makes sense.
const SHORTEST_STEP: Duration = Duration::from_millis(100);

/// Puts what the command line says in the place of the configuration's.
pub(super) fn choose(config: &mut EncodersConfig, args: &AnnotateArgs) {
    let flags = [
        (&mut config.clip, &args.clip),
        (&mut config.clap, &args.clap),
        (&mut config.cmcr, &args.cmcr),
    ];
    for (slot, flag) in flags {
        if let Some(flag) = flag {
            slot.clone_from(flag);
        }
    }
}

/// The models of a run.
#[derive(Default)]
pub(super) struct Models {
    clip: Option<Named<Clip>>,
    clap: Option<Named<ClapAudio>>,
    cmcr: Option<Named<Cmcr>>,
}

impl Models {
    /// Opens what the configuration names, to compute on `device`.
    ///
    /// # Errors
    /// When a model cannot be used, or those that are named do not fit each other.
    pub(super) fn open(config: &Config, device: &Device) -> anyhow::Result<Models> {
        let EncodersConfig { clip, clap, cmcr } = &config.encoders;
        if !cmcr.is_empty() && (clip.is_empty() || clap.is_empty()) {
            return Err(usage(
                "C-MCR compares the vectors of CLIP with those of CLAP: give --clip and --clap, too",
            ));
        }
        check(config)?;
        let place = |given: &str| (!given.is_empty()).then(|| Place::of(given)).transpose();
        let (clip, clap, cmcr) = (place(clip)?, place(clap)?, place(cmcr)?);
        let clip = clip.map(|place| Named::open(&place, "CLIP (--clip)", device, open_clip));
        let clap = clap.map(|place| Named::open(&place, "CLAP (--clap)", device, open_clap));
        let cmcr = cmcr.map(|place| Named::open(&place, "C-MCR (--cmcr)", device, open_cmcr));
        let models =
            Models { clip: clip.transpose()?, clap: clap.transpose()?, cmcr: cmcr.transpose()? };
        models.fit()?;
        Ok(models)
    }

    /// Whether C-MCR takes what the other two give.
    fn fit(&self) -> anyhow::Result<()> {
        let (Some(clip), Some(clap), Some(cmcr)) = (&self.clip, &self.clap, &self.cmcr) else {
            return Ok(());
        };
        let (seen, heard) = (cmcr.model.picture_width(), cmcr.model.sound_width());
        let pairs = [
            ("pictures", seen, &clip.name, clip.width, "CLIP ViT-B/32"),
            ("sounds", heard, &clap.name, clap.width, "the fused CLAP"),
        ];
        for (of, takes, name, gives, right) in pairs {
            if takes != gives {
                return Err(usage(format!(
                    "{} takes vectors of {of} of {takes} values, but {name} gives {gives}; it was made for {right}",
                    cmcr.name
                )));
            }
        }
        Ok(())
    }

    /// As the pipeline takes them.
    pub(super) fn encoders(&self) -> Encoders<'_> {
        Encoders {
            visual: self.clip.as_ref().map(|clip| clip as &dyn VisualEmbedder),
            audio: self.clap.as_ref().map(|clap| clap as &dyn AudioEmbedder),
            common: self.cmcr.as_ref().map(|cmcr| cmcr as &dyn CommonSpace),
        }
    }
}

/// Steps that would ask a model about every picture or sample, or about none, are mistakes.
fn check(config: &Config) -> anyhow::Result<()> {
    let segment = config.filter.consistency_segment_s;
    let steps = [
        ("visual.clip.interval_s", config.visual.clip.interval_s),
        ("audio.clap.row_s", config.audio.clap.row_s),
        ("filter.consistency_segment_s", Duration::from_seconds(segment).unwrap_or(Duration::ZERO)),
    ];
    match steps.iter().find(|(_, step)| *step < SHORTEST_STEP) {
        Some((key, _)) => Err(usage(format!(
            "the configuration has a bad value for `{key}`: expected at least 0.1 seconds"
        ))),
        None => Ok(()),
    }
}

/// Where a model is, and what it is called.
struct Place {
    path: PathBuf,
    name: String,
}

impl Place {
    /// A path if there is something there, else a name in the Hugging Face cache.
    fn of(given: &str) -> anyhow::Result<Place> {
        let direct = Path::new(given);
        let path = match direct.exists() {
            true => direct.to_owned(),
            false => Cache::of_environment()
                .folder(given)
                .with_context(|| format!("cannot use the model {given}"))?,
        };
        let name = direct.file_name().unwrap_or(direct.as_os_str()).to_string_lossy();
        Ok(Place { path, name: name.into_owned() })
    }

    /// The files that decide what the model gives: its weights, and `config.json` of a folder.
    fn files(&self) -> anyhow::Result<Vec<PathBuf>> {
        if !self.path.is_dir() {
            return Ok(vec![self.path.clone()]);
        }
        let mut files = vec![self.path.join("config.json")];
        let weights = WEIGHT_FILES.iter().map(|name| self.path.join(name));
        for file in weights.filter(|file| file.is_file()).take(1) {
            if file.extension().is_some_and(|extension| extension == "json")
                && let Ok(map) = weight_map(&read_small(&file)?)
            {
                let mut parts: Vec<&String> = map.values().collect();
                parts.sort();
                parts.dedup();
                files.extend(parts.into_iter().map(|part| self.path.join(part)));
            }
            files.push(file);
        }
        Ok(files)
    }

    /// The hash of those files, as text.
    fn hash(&self) -> anyhow::Result<String> {
        let mut hasher = blake3::Hasher::new();
        for file in self.files()? {
            let failed = || format!("cannot read {}", file.display());
            let mut one = blake3::Hasher::new();
            one.update_reader(File::open(&file).with_context(failed)?).with_context(failed)?;
            hasher.update(one.finalize().as_bytes());
        }
        Ok(hasher.finalize().to_hex().to_string())
    }
}

/// A model with what the pipeline wants to know of it.
struct Named<M> {
    model: M,
    name: String,
    /// Of its files, and where it computes if not on the processor.
    hash: String,
    /// Values of one of its rows.
    width: usize,
}

impl<M> Named<M> {
    /// Opens a model with `open`, which also tells the width of its rows, then hashes its files: what is no model is
    /// not hashed.
    fn open(
        place: &Place,
        what: &str,
        device: &Device,
        open: impl FnOnce(&Path, &Device) -> Result<(M, usize), EncoderError>,
    ) -> anyhow::Result<Named<M>> {
        let failed = || format!("cannot use {} as {what}", place.path.display());
        let (model, width) = open(&place.path, device).with_context(failed)?;
        let hash = place.hash()? + mark(device);
        Ok(Named { model, name: place.name.clone(), hash, width })
    }

    /// Whatever went wrong in the model, with its name.
    fn failed(&self, error: impl Into<EncoderError>) -> EmbedError {
        EmbedError { encoder: self.name.clone(), source: Box::new(error.into()) }
    }

    /// A tensor's values, row after row.
    fn values(&self, rows: Result<Tensor, EncoderError>) -> Result<Vec<f32>, EmbedError> {
        let flat = rows.and_then(|rows| Ok(rows.flatten_all()?.to_vec1()?));
        flat.map_err(|error| self.failed(error))
    }
}

impl<M: Send + Sync> Encoder for Named<M> {
    fn name(&self) -> &str {
        &self.name
    }

    fn identity(&self) -> &str {
        &self.hash
    }

    fn width(&self) -> usize {
        self.width
    }
}

/// CLIP's picture tower, and how it takes pictures.
struct Clip {
    tower: ClipVision,
    preprocess: Preprocess,
}

fn open_clip(path: &Path, device: &Device) -> Result<(Clip, usize), EncoderError> {
    let tower = ClipVision::open_on(path, Precision::F32, device)?;
    let width = tower.width();
    // All pixels count, as in CLIP's own preprocessing: nothing here has to equal published features.
    let preprocess = Preprocess { side: tower.image_size(), antialias: Antialias::On };
    Ok((Clip { tower, preprocess }, width))
}

impl VisualEmbedder for Named<Clip> {
    fn prepare(&self, picture: &PictureView<'_>) -> Vec<f32> {
        let mut bgr = Vec::new();
        packed_bgr(picture, &mut bgr);
        let (height, width) = (picture.height as usize, picture.width as usize);
        self.model.preprocess.apply(height, width, |channel, row, column| {
            bgr[(row * width + column) * 3 + 2 - channel]
        })
    }

    fn embed(&self, pictures: &[Vec<f32>]) -> Result<Vec<f32>, EmbedError> {
        let side = self.model.preprocess.side;
        let shape = (pictures.len(), 3, side, side);
        let pixels = Tensor::from_vec(pictures.concat(), shape, &Device::Cpu);
        let pixels = pixels.map_err(|error| self.failed(error))?;
        let mut rows = self.values(self.model.tower.forward(&pixels))?;
        rows.chunks_exact_mut(self.width).for_each(to_unit_length);
        Ok(rows)
    }
}

fn to_unit_length(row: &mut [f32]) {
    let norm = row.iter().map(|value| value * value).sum::<f32>().sqrt();
    row.iter_mut().for_each(|value| *value /= norm.max(1e-12));
}

fn open_clap(path: &Path, device: &Device) -> Result<(ClapAudio, usize), EncoderError> {
    let tower = ClapAudio::open_on(path, Precision::F32, device)?;
    let width = tower.width();
    Ok((tower, width))
}

impl AudioEmbedder for Named<ClapAudio> {
    fn embed(&self, clips: &[Vec<f32>]) -> Result<Vec<f32>, EmbedError> {
        self.values(self.model.embed(clips))
    }
}

fn open_cmcr(path: &Path, device: &Device) -> Result<(Cmcr, usize), EncoderError> {
    let heads = Cmcr::open_on(path, device)?;
    let width = heads.width();
    Ok((heads, width))
}

impl Named<Cmcr> {
    /// Rows of a width as a tensor.
    fn tensor(&self, rows: &[f32], width: usize) -> Result<Tensor, EmbedError> {
        let shape = (rows.len() / width.max(1), width);
        Tensor::from_slice(rows, shape, &Device::Cpu).map_err(|error| self.failed(error))
    }
}

impl CommonSpace for Named<Cmcr> {
    fn pictures(&self, rows: &[f32]) -> Result<Vec<f32>, EmbedError> {
        let rows = self.tensor(rows, self.model.picture_width())?;
        self.values(self.model.pictures(&rows))
    }

    fn sounds(&self, rows: &[f32]) -> Result<Vec<f32>, EmbedError> {
        let rows = self.tensor(rows, self.model.sound_width())?;
        self.values(self.model.sounds(&rows))
    }
}
