//! Features of raw video, made when they are needed and kept in the user's cache folder.
//!
//! A file of the cache is named by what its rows depend on: the video's bytes, the encoder's files, the choices and
//! the version of the extraction. It holds what `omnivale features` would write, and a video that has nothing for an
//! encoder has a file without rows.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::Context;
use candle_core::Device;
use omnivale_dataset::npy::{self, Dtype, Rows};
use omnivale_encoders::Precision;
use omnivale_encoders::features::{Effort, Encoders, Kind, Options, Place, VERSION, extract_from};
use omnivale_media::{Flow, Source};
use omnivale_timeline::Modality;

use super::features::VideoRows;
use super::identity;
use super::load::VideoModel;
use super::manifest::Recipe;
use super::progress::Progress;
use crate::args::{VideoArgs, cache_folder};
use crate::device;
use crate::exit::usage;
use crate::output;

/// The encoders of a model, not opened yet.
pub(crate) struct Extraction {
    places: BTreeMap<Kind, Place>,
    precision: Precision,
    device: Device,
    /// The cache; `None` if it is not to be used.
    cache: Option<PathBuf>,
}

impl Extraction {
    /// What the arguments name, else the model's own encoders.
    ///
    /// # Errors
    /// If there is no encoder at all, or one that is named is missing.
    pub(crate) fn of(args: &VideoArgs, model: &VideoModel) -> anyhow::Result<Self> {
        let own = &model.parts.encoders;
        let sound = match model.parts.recipe {
            Recipe::Longvale => Kind::Audio,
            Recipe::Avicuna => Kind::Clap,
        };
        let named = [
            (Kind::Visual, args.visual_weights.as_ref().or(own.visual.as_ref())),
            (sound, args.audio_weights.as_ref().or(own.audio.as_ref())),
            (Kind::Speech, args.speech_weights.as_ref().or(own.speech.as_ref())),
        ];
        let mut places = BTreeMap::new();
        for (kind, name) in named {
            if let (Some(name), Some(_)) = (name, model.width(kind.modality())) {
                places.insert(kind, Place::find(name)?);
            }
        }
        if places.is_empty() {
            return Err(usage(
                "nothing makes features of the video: name the encoders under [encoders] in the model's model.toml, \
                 or with --visual-weights, --audio-weights and --speech-weights, or give feature files with --features",
            ));
        }
        let cache = if args.no_cache { None } else { cache_folder() };
        let device = model.device.clone();
        Ok(Self { places, precision: args.encoder_precision.into(), device, cache })
    }

    /// The rows of a video, from the cache or made now.
    ///
    /// # Errors
    /// If the video cannot be decoded, or an encoder cannot be used.
    pub(crate) fn rows(&self, video: &Path) -> anyhow::Result<VideoRows> {
        let options = Options::default();
        let mut keys = BTreeMap::new();
        if self.cache.is_some() {
            let bytes = digest_of(video)?;
            for (kind, place) in &self.places {
                let encoder = identity::digest(&place.files()?)?;
                let (options, version) = (options.words(*kind), VERSION.to_string());
                let precision = format!("{}{}", self.precision, device::mark(&self.device));
                let parts = [kind.name(), &bytes, &encoder, &options, &precision, &version];
                keys.insert(*kind, blake3::hash(parts.join("\n").as_bytes()).to_hex().to_string());
            }
        }
        let file =
            |kind: &Kind| Some(self.cache.as_ref()?.join(format!("{}.npy", keys.get(kind)?)));
        let mut found: BTreeMap<Kind, Rows> = BTreeMap::new();
        for kind in self.places.keys() {
            // A file that cannot be read is made again.
            if let Some(rows) = file(kind).and_then(|path| npy::read_file(&path).ok()) {
                found.insert(*kind, rows);
            }
        }
        let missing: BTreeMap<Kind, Place> = self
            .places
            .iter()
            .filter(|(kind, _)| !found.contains_key(kind))
            .map(|(kind, place)| (*kind, place.clone()))
            .collect();
        if !missing.is_empty() {
            for (kind, rows) in made(video, &missing, (self.precision, &self.device), &options)? {
                let rows = self.keep(file(&kind), kind, &rows)?;
                found.insert(kind, rows);
            }
        }
        let by_modality: BTreeMap<Modality, Rows> = found
            .into_iter()
            .filter(|(_, rows)| rows.rows > 0)
            .map(|(kind, rows)| (kind.modality(), rows))
            .collect();
        Ok(by_modality)
    }

    /// Puts rows into the cache, and gives them as they come out of it: the first run then answers as later ones.
    fn keep(&self, path: Option<PathBuf>, kind: Kind, rows: &Rows) -> anyhow::Result<Rows> {
        let mut bytes = Vec::new();
        npy::write(&mut bytes, rows, rows.dtype)?;
        if let Some(path) = path {
            let made =
                path.parent().map_or(Ok(()), fs::create_dir_all).map_err(anyhow::Error::from);
            let written = made.and_then(|()| output::file(&path, |out| out.write_all(&bytes)));
            if let Err(error) = written {
                eprintln!("warning: the features are not kept: {error}");
            }
        }
        let length = bytes.len() as u64;
        Ok(npy::read(bytes.as_slice(), length, &format!("the {} features", kind.name()))?)
    }
}

/// Rows of each kind, in the precision that the published files have.
fn made(
    video: &Path,
    places: &BTreeMap<Kind, Place>,
    (precision, device): (Precision, &Device),
    options: &Options,
) -> anyhow::Result<BTreeMap<Kind, Rows>> {
    // A file that is none is told of before weights are read.
    let source = Source::open(video)?;
    let names: Vec<&str> = places.keys().map(|kind| kind.name()).collect();
    eprintln!("making {} features of {}", names.join(", "), video.display());
    let encoders = Encoders::open_on(places, precision, device)?;
    let progress = Progress::new(source.probe().duration);
    let watch = |done| {
        progress.advanced(done);
        Flow::Continue
    };
    let found = extract_from(&source, &encoders, options, Effort::default(), &watch);
    progress.end();
    let found = found?.with_context(|| format!("{} could not be decoded", video.display()))?;
    for damage in &found.damage {
        eprintln!("warning: {}: {damage}", video.display());
    }
    let rows = |kind: Kind| {
        let dtype = if kind == Kind::Visual { Dtype::F16 } else { Dtype::F32 };
        let none = Rows { rows: 0, width: 1, dtype, values: Vec::new() };
        found.track(kind).map_or(none, |track| Rows {
            rows: track.grid().rows(),
            width: track.width(),
            dtype,
            values: track.values().to_vec(),
        })
    };
    Ok(places.keys().map(|kind| (*kind, rows(*kind))).collect())
}

fn digest_of(video: &Path) -> anyhow::Result<String> {
    let mut hasher = blake3::Hasher::new();
    let read = File::open(video).and_then(|file| hasher.update_reader(file).map(|_| ()));
    read.with_context(|| format!("cannot read {}", video.display()))?;
    Ok(hasher.finalize().to_hex().to_string())
}
