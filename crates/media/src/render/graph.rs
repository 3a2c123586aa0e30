//! The filters that stretch, fit and join the clips, as `ffmpeg` reads them.

use std::fmt::Write as _;
use std::path::Path;

use omnivale_timeline::Duration;

use super::{BackgroundNoise, Form, MontageClip, RenderError, Stretch};

/// Clips per file; each is an open file of `ffmpeg`.
const CLIPS_MAX: usize = 256;

/// A clip and which of its streams are used.
#[derive(Debug)]
pub(super) struct Input<'a> {
    pub(super) clip: &'a MontageClip,
    /// Index of the video stream in the file.
    pub(super) pictures: usize,
    /// Index of the audio stream in the file, if it has one.
    pub(super) sound: Option<usize>,
}

/// What `ffmpeg` is told: the files, and what to do with their streams. The result is `[v]` and `[a]`.
#[derive(Debug)]
pub(super) struct Graph<'a> {
    pub(super) files: Vec<&'a Path>,
    pub(super) filters: String,
}

impl<'a> Graph<'a> {
    pub(super) fn new(
        inputs: &[Input<'a>],
        noise: Option<&BackgroundNoise>,
        form: &Form,
        stretch: Stretch,
    ) -> Result<Graph<'a>, RenderError> {
        let refuse = |what: String| Err(RenderError::Montage { what });
        if inputs.is_empty() || inputs.len() > CLIPS_MAX {
            return refuse(format!("{} of them, where 1 to {CLIPS_MAX} can be", inputs.len()));
        }
        let mut filters = String::new();
        let mut end = Duration::ZERO;
        for (number, input) in inputs.iter().enumerate() {
            let (clip, start) = (input.clip, end);
            if !(0.01..=100.0).contains(&clip.scale) {
                return refuse(format!("a factor of {}, where 0.01 to 100 can be", clip.scale));
            }
            end += clip.length;
            // Joints are rounded, not lengths, so that rounding does not add up.
            let between = |rate: u32| ticks(end, rate) - ticks(start, rate);
            let (frames, samples) = (between(form.frame_rate), between(form.sample_rate));
            if frames == 0 {
                return refuse(format!("a length of {}, less than one picture", clip.length));
            }
            let pictures = pictures(clip, frames, form);
            let sound = match input.sound {
                Some(_) => sound(clip, samples, form, stretch),
                None => silence(samples, form),
            };
            let source = input.sound.map_or(String::new(), |index| format!("[{number}:{index}]"));
            // Writing to a String cannot fail.
            let _ = write!(filters, "[{number}:{}]{pictures}[v{number}];", input.pictures);
            let _ = write!(filters, "{source}{sound}[a{number}];");
        }
        for number in 0..inputs.len() {
            let _ = write!(filters, "[v{number}][a{number}]");
        }
        let joined = if noise.is_some() { "clean" } else { "a" };
        let _ = write!(filters, "concat=n={}:v=1:a=1[v][{joined}]", inputs.len());
        if let Some(noise) = noise {
            let _ = write!(
                filters,
                ";anoisesrc=color={}:amplitude={:.6}:seed={}:sample_rate={},\
                 aformat=sample_fmts=fltp:channel_layouts=stereo[noise];\
                 [clean][noise]amix=inputs=2:duration=first:normalize=0[a]",
                noise.colour,
                10f64.powf(noise.level / 20.0).min(1.0),
                noise.seed,
                form.sample_rate,
            );
        }
        let files = inputs.iter().map(|input| input.clip.path.as_path()).collect();
        Ok(Graph { files, filters })
    }
}

/// How many ticks of `rate` per second lie before `time`, rounded.
fn ticks(time: Duration, rate: u32) -> u64 {
    let micros = u128::from(time.micros()) * u128::from(rate);
    ((micros + 500_000) / 1_000_000) as u64
}

/// The pictures of one clip: stretched, at the common rate from zero on, fitted into the common size,
/// continued with the last and cut to `frames`.
fn pictures(clip: &MontageClip, frames: u64, form: &Form) -> String {
    let Form { width, height, frame_rate, .. } = form;
    format!(
        "setpts={scale}*PTS,fps={frame_rate}:start_time=0,\
         scale=w=trunc(iw*sar/2)*2:h=ih,setsar=1,\
         scale=w={width}:h={height}:force_original_aspect_ratio=decrease:force_divisible_by=2,\
         pad=w={width}:h={height}:x=(ow-iw)/2:y=(oh-ih)/2,setsar=1,format=yuv420p,\
         tpad=stop_mode=clone:stop=-1,trim=end_frame={frames}",
        scale = clip.scale,
    )
}

/// The sound of one clip: from zero on at the common rate, stretched at the same pitch, continued with
/// silence and cut to `samples`.
fn sound(clip: &MontageClip, samples: u64, form: &Form, stretch: Stretch) -> String {
    let rate = form.sample_rate;
    format!(
        "aresample={rate}:async=1:first_pts=0,aformat=sample_fmts=fltp:channel_layouts=stereo,\
         {}apad,atrim=end_sample={samples}",
        stretch.filters(clip.scale, rate),
    )
}

/// What a clip without sound gets.
fn silence(samples: u64, form: &Form) -> String {
    let rate = form.sample_rate;
    format!("anullsrc=sample_rate={rate}:channel_layout=stereo,atrim=end_sample={samples}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn form() -> Form {
        Form {
            width: 64,
            height: 36,
            frame_rate: 30,
            sample_rate: 8000,
            crf: 23,
            preset: "veryfast".to_owned(),
            audio_bitrate: 64_000,
        }
    }

    fn clip(scale: f64, millis: u64) -> MontageClip {
        MontageClip { path: "x".into(), scale, length: Duration::from_millis(millis) }
    }

    #[test]
    fn clips_are_stretched_together_and_cut_exactly() {
        let (a, b) = (clip(2.0, 1000), clip(0.4, 500));
        let inputs = [
            Input { clip: &a, pictures: 1, sound: Some(0) },
            Input { clip: &b, pictures: 0, sound: None },
        ];
        let noise = BackgroundNoise { colour: "pink", level: -20.0, seed: 7 };
        let graph = Graph::new(&inputs, Some(&noise), &form(), Stretch::Tempo).unwrap();
        insta::assert_snapshot!(graph.filters.replace(';', ";\n"), @r"
        [0:1]setpts=2*PTS,fps=30:start_time=0,scale=w=trunc(iw*sar/2)*2:h=ih,setsar=1,scale=w=64:h=36:force_original_aspect_ratio=decrease:force_divisible_by=2,pad=w=64:h=36:x=(ow-iw)/2:y=(oh-ih)/2,setsar=1,format=yuv420p,tpad=stop_mode=clone:stop=-1,trim=end_frame=30[v0];
        [0:0]aresample=8000:async=1:first_pts=0,aformat=sample_fmts=fltp:channel_layouts=stereo,adelay=delays=204S:all=1,atempo=0.5,apad,atrim=end_sample=8000[a0];
        [1:0]setpts=0.4*PTS,fps=30:start_time=0,scale=w=trunc(iw*sar/2)*2:h=ih,setsar=1,scale=w=64:h=36:force_original_aspect_ratio=decrease:force_divisible_by=2,pad=w=64:h=36:x=(ow-iw)/2:y=(oh-ih)/2,setsar=1,format=yuv420p,tpad=stop_mode=clone:stop=-1,trim=end_frame=15[v1];
        anullsrc=sample_rate=8000:channel_layout=stereo,atrim=end_sample=4000[a1];
        [v0][a0][v1][a1]concat=n=2:v=1:a=1[v][clean];
        anoisesrc=color=pink:amplitude=0.100000:seed=7:sample_rate=8000,aformat=sample_fmts=fltp:channel_layouts=stereo[noise];
        [clean][noise]amix=inputs=2:duration=first:normalize=0[a]
        ");
    }

    #[test]
    fn what_cannot_be_joined_is_refused() {
        let refused = |clip: MontageClip| {
            Graph::new(
                &[Input { clip: &clip, pictures: 0, sound: None }],
                None,
                &form(),
                Stretch::Tempo,
            )
            .unwrap_err()
            .to_string()
        };
        assert!(refused(clip(0.0, 1000)).contains("a factor of 0"));
        assert!(refused(clip(f64::NAN, 1000)).contains("a factor of NaN"));
        assert!(refused(clip(1.0, 1)).contains("less than one picture"));
        assert!(Graph::new(&[], None, &form(), Stretch::Tempo).is_err());
    }

    proptest! {
        #[test]
        fn pictures_of_all_clips_add_up(lengths in prop::collection::vec(40u64..3000, 1..20)) {
            let mut end = Duration::ZERO;
            let mut frames = 0;
            for length in &lengths {
                let start = end;
                end += Duration::from_millis(*length);
                frames += ticks(end, 30) - ticks(start, 30);
            }
            prop_assert_eq!(frames, ticks(end, 30));
        }
    }
}
