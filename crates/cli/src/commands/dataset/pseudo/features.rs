//! The feature rows of pseudo videos.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use anyhow::Context;
use omnivale_dataset::DatasetError;
use omnivale_dataset::npy::{self, Dtype, Rows};
use omnivale_dataset::pseudo::AssemblyConfig;
use omnivale_dataset::pseudo::assemble::{self, ClipRows};
use omnivale_dataset::pseudo::clips::Clip;
use omnivale_dataset::pseudo::plan::{Plan, PseudoVideo};
use rayon::prelude::*;
use serde::Serialize;

use super::folder::Folder;
use crate::args::{FeatureArgs, MissingChoice};
use crate::exit::usage;

/// Where rows come from and where they go; nothing if no features were asked for.
pub(super) struct Sources {
    kinds: Vec<Kind>,
    zeros: bool,
}

/// Rows of pictures or of sound.
struct Kind {
    name: &'static str,
    folder: Folder,
    out: PathBuf,
    width: usize,
    assemble: fn(&[ClipRows<'_>], usize, &AssemblyConfig) -> Result<Rows, DatasetError>,
}

/// What was written.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Assembled {
    kind: &'static str,
    /// Pseudo videos with a file.
    pub(super) videos: usize,
    /// Clips without a file, for which rows of zeros were written.
    pub(super) clips_of_zeros: usize,
    /// Pseudo videos that hold such a clip.
    pub(super) videos_with_zeros: usize,
}

impl Assembled {
    pub(super) fn text(&self) -> String {
        let zeros = match self.clips_of_zeros {
            0 => String::new(),
            clips => format!(
                "; {clips} clips have no file, {} videos have rows of zeros in their place",
                self.videos_with_zeros
            ),
        };
        format!("features: {} files of {} rows{zeros}\n", self.videos, self.kind)
    }
}

impl Sources {
    pub(super) fn open(args: &FeatureArgs, clips: &[Clip]) -> anyhow::Result<Sources> {
        let zeros = args.missing == MissingChoice::Zero;
        let Some(out) = &args.features_out else { return Ok(Sources { kinds: Vec::new(), zeros }) };
        let mut kinds = Vec::new();
        type Assemble = fn(&[ClipRows<'_>], usize, &AssemblyConfig) -> Result<Rows, DatasetError>;
        let asked: [(_, _, Assemble); 2] = [
            ("visual", &args.visual, assemble::pictures),
            ("audio", &args.audio, assemble::sounds),
        ];
        for (name, path, assemble) in asked {
            let Some(path) = path else { continue };
            let folder = Folder::open(path, &["npy"])?;
            let Some(first) = clips.iter().find_map(|clip| folder.find(&clip.id)) else {
                return Err(usage(format!(
                    "the folder {} has no file for any of the clips; files are named after clips, \
                     such as {}.npy",
                    path.display(),
                    clips.first().map_or("ID", |clip| &clip.id)
                )));
            };
            let width = npy::read_header_file(first)?.width;
            kinds.push(Kind { name, folder, out: out.join(name), width, assemble });
        }
        if kinds.is_empty() {
            return Err(usage("--features-out needs --features, --audio-features or both"));
        }
        Ok(Sources { kinds, zeros })
    }

    /// Whether the clip can be used as far as features go.
    pub(super) fn has(&self, id: &str) -> bool {
        self.zeros || self.kinds.iter().all(|kind| kind.folder.find(id).is_some())
    }

    /// Writes the rows of every video. Goes cluster by cluster, so that each clip is read once and
    /// memory holds the clips of one cluster per thread.
    pub(super) fn assemble(
        &self,
        plan: &Plan,
        clips: &[Clip],
        config: &AssemblyConfig,
        stop: &AtomicBool,
    ) -> anyhow::Result<Vec<Assembled>> {
        let mut clusters: BTreeMap<u32, Vec<&PseudoVideo>> = BTreeMap::new();
        for video in &plan.videos {
            clusters.entry(video.cluster).or_default().push(video);
        }
        let clusters: Vec<Vec<&PseudoVideo>> = clusters.into_values().collect();
        self.kinds
            .iter()
            .map(|kind| {
                fs::create_dir_all(&kind.out)
                    .with_context(|| format!("cannot make the folder {}", kind.out.display()))?;
                let (zero_clips, zero_videos) = (AtomicUsize::new(0), AtomicUsize::new(0));
                clusters.par_iter().try_for_each(|videos| {
                    let (clips, videos) = kind.cluster(videos, clips, config, stop)?;
                    zero_clips.fetch_add(clips, Ordering::Relaxed);
                    zero_videos.fetch_add(videos, Ordering::Relaxed);
                    anyhow::Ok(())
                })?;
                Ok(Assembled {
                    kind: kind.name,
                    videos: plan.videos.len(),
                    clips_of_zeros: zero_clips.into_inner(),
                    videos_with_zeros: zero_videos.into_inner(),
                })
            })
            .collect()
    }
}

impl Kind {
    /// The videos of one cluster; gives how many of its clips and videos have rows of zeros.
    fn cluster(
        &self,
        videos: &[&PseudoVideo],
        clips: &[Clip],
        config: &AssemblyConfig,
        stop: &AtomicBool,
    ) -> anyhow::Result<(usize, usize)> {
        let mut loaded: BTreeMap<u32, Option<Rows>> = BTreeMap::new();
        let mut videos_with_zeros = 0;
        for video in videos {
            if stop.load(Ordering::SeqCst) {
                anyhow::bail!("stopped; the feature files written so far are whole");
            }
            for part in &video.parts {
                if let std::collections::btree_map::Entry::Vacant(place) = loaded.entry(part.clip) {
                    let file = self.folder.find(&clips[part.clip as usize].id);
                    place.insert(file.map(npy::read_file).transpose()?);
                }
            }
            let rows: Vec<ClipRows<'_>> = video
                .parts
                .iter()
                .map(|part| ClipRows {
                    rows: loaded.get(&part.clip).and_then(Option::as_ref),
                    seconds: (part.length.micros() / 1_000_000) as usize,
                })
                .collect();
            videos_with_zeros += usize::from(rows.iter().any(|clip| clip.rows.is_none()));
            let made = (self.assemble)(&rows, self.width, config).with_context(|| {
                format!("the {} rows of {} cannot be made", self.name, video.id)
            })?;
            write(&self.out.join(format!("{}.npy", video.id)), &made, made.dtype)?;
        }
        Ok((loaded.values().filter(|rows| rows.is_none()).count(), videos_with_zeros))
    }
}

/// As [`output::file`](crate::output::file), but left to the system to bring to the disk: waiting for
/// that hundreds of thousands of times would take hours, and lost files can be made again.
fn write(path: &Path, rows: &Rows, dtype: Dtype) -> anyhow::Result<()> {
    let mut bytes = Vec::new();
    npy::write(&mut bytes, rows, dtype)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let written =
        tempfile::Builder::new().prefix(".part-").tempfile_in(folder).and_then(|mut file| {
            file.write_all(&bytes)?;
            Ok(file.persist(path)?)
        });
    written.map(drop).with_context(|| format!("cannot write {}", path.display()))
}
