//! Clips joined into one video file, by the program `ffmpeg`.
//!
//! Everything else in this crate uses libav's libraries, which are there wherever this program runs.
//! Rendering needs filters and encoders that they need not have, so here, and nowhere else, `ffmpeg`
//! itself is started. It gets its arguments as a list, never through a shell, and names of files as
//! `file:` addresses, so that no name is taken for an option or a network address.
//!
//! Pictures and sound of a clip are stretched by the same factor and keep their offset. Each clip is
//! cut or continued (last picture, silence) to its exact length, so that joints fall on the picture
//! and the sample where they were planned. The same clips, form and version of `ffmpeg` give the same
//! bytes: one thread per stage, no times, no version strings.

mod graph;
mod process;
mod stretch;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use omnivale_timeline::Duration;

use crate::{MediaError, Source};
use graph::{Graph, Input};
pub use stretch::Stretch;

/// Clips to play one after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Montage {
    /// The clips, in order.
    pub clips: Vec<MontageClip>,
    /// Noise under the sound of all.
    pub noise: Option<BackgroundNoise>,
}

/// One clip of a [`Montage`].
#[derive(Debug, Clone, PartialEq)]
pub struct MontageClip {
    /// The file.
    pub path: PathBuf,
    /// What its time is multiplied with: 2 plays at half the speed. Above 0.
    pub scale: f64,
    /// How long it plays: what is longer after stretching is cut, what is shorter is continued with
    /// its last picture and silence.
    pub length: Duration,
}

/// Noise under the sound.
#[derive(Debug, Clone, PartialEq)]
pub struct BackgroundNoise {
    /// ffmpeg's name of the colour: `white`, `pink`, `brown`.
    pub colour: &'static str,
    /// Peak level, dB of full scale.
    pub level: f64,
    /// Seed of its samples.
    pub seed: u32,
}

/// How the rendered file looks and sounds: H.264 and AAC in MP4.
#[derive(Debug, Clone, PartialEq)]
pub struct Form {
    /// Pixels across, even; pictures of another shape get bars.
    pub width: u32,
    /// Pixels down, even.
    pub height: u32,
    /// Pictures per second.
    pub frame_rate: u32,
    /// Samples per second, in stereo.
    pub sample_rate: u32,
    /// x264's constant rate factor.
    pub crf: u32,
    /// x264's preset.
    pub preset: String,
    /// Bits of sound per second.
    pub audio_bitrate: u32,
}

/// A file that was rendered.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// Length of its pictures as the finished file declares it.
    pub duration: Duration,
    /// Clips without sound, for which silence was put in.
    pub silent: Vec<PathBuf>,
}

/// Why a montage was not rendered. Nothing is left behind.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// There is no `ffmpeg`.
    #[error("cannot start `ffmpeg`; rendering needs it (Debian, Ubuntu: apt-get install ffmpeg)")]
    NoProgram {
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A clip cannot be used.
    #[error("a clip cannot be used")]
    Clip {
        /// Why.
        #[from]
        source: MediaError,
    },
    /// A clip with sound only.
    #[error("{} has no pictures; leave the clip out", path.display())]
    NoPictures {
        /// The clip.
        path: PathBuf,
    },
    /// There are no clips, or their lengths or factors cannot be meant.
    #[error("cannot join the clips: {what}")]
    Montage {
        /// What is wrong.
        what: String,
    },
    /// `ffmpeg` gave up.
    #[error("ffmpeg could not render {} ({ending}); its last words:\n{words}", out.display())]
    Program {
        /// The file that was asked for.
        out: PathBuf,
        /// How it ended.
        ending: String,
        /// The last lines it wrote.
        words: String,
    },
    /// `ffmpeg` was content, but the file is not as long as planned.
    #[error("{} came out {found} long, not {planned}; one of its clips is probably damaged", out.display())]
    Length {
        /// The file that was asked for.
        out: PathBuf,
        /// The length of the montage.
        planned: Duration,
        /// The length of the file.
        found: Duration,
    },
    /// The file cannot be written.
    #[error("cannot write {}", out.display())]
    Write {
        /// The file that was asked for.
        out: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The caller asked to stop.
    #[error("stopped")]
    Stopped,
}

/// The installed `ffmpeg`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renderer {
    version: String,
    stretch: Stretch,
}

impl Renderer {
    /// Asks the `ffmpeg` on the path for its version, and whether it has the better of the two filters
    /// for [stretching](Stretch) sound.
    ///
    /// # Errors
    /// [`RenderError::NoProgram`].
    pub fn find() -> Result<Renderer, RenderError> {
        let version = process::version()?;
        let has_rubberband = process::has_filter("rubberband")?;
        let stretch = if has_rubberband { Stretch::Rubberband } else { Stretch::Tempo };
        Ok(Renderer { version, stretch })
    }

    /// The same, stretching sound in this way, which `ffmpeg` must have.
    pub fn stretching(self, stretch: Stretch) -> Renderer {
        Renderer { stretch, ..self }
    }

    /// How sound is stretched.
    pub fn stretch(&self) -> Stretch {
        self.stretch
    }

    /// Its version, such as `5.1.9-0+deb12u1`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Renders to `out`, over what is there, once everything is done and measured; until then a file
    /// with a name of its own lies beside it. `stop` is looked at all the time.
    ///
    /// # Errors
    /// [`RenderError`]; `out` is then as it was.
    pub fn render(
        &self,
        montage: &Montage,
        form: &Form,
        out: &Path,
        stop: &AtomicBool,
    ) -> Result<Rendered, RenderError> {
        let (mut inputs, mut silent) = (Vec::new(), Vec::new());
        for clip in &montage.clips {
            let source = Source::open(&clip.path)?;
            let probe = source.probe();
            let Some(video) = &probe.video else {
                return Err(RenderError::NoPictures { path: clip.path.clone() });
            };
            let sound = probe.audio.as_ref().map(|audio| audio.stream);
            if sound.is_none() {
                silent.push(clip.path.clone());
            }
            inputs.push(Input { clip, pictures: video.stream, sound });
        }
        let graph = Graph::new(&inputs, montage.noise.as_ref(), form, self.stretch)?;

        let write = |source| RenderError::Write { out: out.to_owned(), source };
        let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty());
        let temporary = tempfile::Builder::new()
            .prefix(".part-")
            .suffix(".mp4")
            .tempfile_in(folder.unwrap_or(Path::new(".")))
            .map_err(write)?
            .into_temp_path();
        process::run(&graph, form, &temporary, out, stop)?;

        let duration = measured(&temporary)?;
        let planned: Duration = montage.clips.iter().map(|clip| clip.length).sum();
        let frame = Duration::from_micros(1_000_000 / u64::from(form.frame_rate));
        if duration.as_time().distance(planned.as_time()) > frame {
            return Err(RenderError::Length { out: out.to_owned(), planned, found: duration });
        }
        let finished = (|| {
            let file = File::open(&temporary)?;
            readable_by_all(&file)?;
            file.sync_all()
        })();
        finished.map_err(write)?;
        temporary.persist(out).map_err(|error| write(error.error))?;
        Ok(Rendered { duration, silent })
    }
}

/// The length of the finished file's pictures. The container's is that of the sound, which AAC fills
/// up to whole packets.
fn measured(path: &Path) -> Result<Duration, RenderError> {
    let source = Source::open(path)?;
    let probe = source.probe();
    let pictures = probe.video.as_ref().and_then(|video| probe.streams.get(video.stream));
    Ok(pictures.and_then(|stream| stream.duration).unwrap_or(probe.duration))
}

/// As any other new file; temporary ones are otherwise for their owner only.
#[cfg(unix)]
fn readable_by_all(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable_by_all(_: &File) -> io::Result<()> {
    Ok(())
}
