//! Everything visual that one pass over the pictures measures.

use omnivale_timeline::{Duration, FeatureTrack, Modality, PictureView, Time, TimeGrid};
use serde::{Deserialize, Serialize};

use crate::coarse::Coarse;
use crate::descriptor::{VISUAL_WIDTH, descriptor};
use crate::downscale::Downscaler;
use crate::look::Look;
use crate::motion::MotionSample;
use crate::scene_meter::SceneMeter;
use crate::scene_score::SceneScore;
use crate::small_picture::{Sampling, SmallPicture, small_size};

/// Settings of [`PictureMeter`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PictureMeterConfig {
    /// How pixels are read.
    pub sampling: Sampling,
    /// Time between descriptor rows and looks, in seconds.
    pub row_interval_s: Duration,
    /// Time between the pictures that motion is measured on, in seconds.
    pub motion_interval_s: Duration,
    /// Content score from which on the frame and the one before it get descriptor rows of their own.
    pub likely_cut: f64,
}

/// What stays of a clip's pictures once its pixels are gone: about 3 kB per second at 30 pictures a second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PictureTrack {
    /// Width and height as shown, of the first picture; zeros without any.
    pub display: (u32, u32),
    /// One entry per decoded picture, in order.
    pub scores: Vec<SceneScore>,
    /// Weight-free descriptors of unit length: about two per second, the first and the last picture,
    /// and the two pictures around each likely cut.
    pub rows: FeatureTrack,
    /// The look of the same pictures, one per row.
    pub looks: Vec<Look>,
    /// Motion between pictures a fraction of a second apart, never across a likely cut.
    pub motion: Vec<MotionSample>,
}

/// Likely cuts that get rows of their own: so many at once, then so many per second. Noise and
/// flicker, where every frame looks like a cut, would fill the memory otherwise.
const CUT_BURST: f64 = 8.0;
const CUTS_PER_SECOND: f64 = 2.0;

/// Measures pictures pushed one after the other. Memory grows only by the facts of [`PictureTrack`];
/// of the pictures themselves two small ones are kept.
#[derive(Debug)]
pub struct PictureMeter {
    config: PictureMeterConfig,
    downscaler: Downscaler,
    meter: SceneMeter,
    size: Option<(usize, usize)>,
    display: (u32, u32),
    current: SmallPicture,
    before: SmallPicture,
    scores: Vec<SceneScore>,
    times: Vec<Time>,
    values: Vec<f32>,
    looks: Vec<Look>,
    next_row: Option<Time>,
    cut_credit: f64,
    motion: Vec<MotionSample>,
    next_motion: Option<Time>,
    /// The last two coarse pictures that motion was measured on, the later one first, and its time.
    coarse: [Coarse; 2],
    coarse_time: Option<Time>,
    row_coarse: Coarse,
}

impl PictureMeter {
    /// A meter.
    pub fn new(config: &PictureMeterConfig) -> PictureMeter {
        PictureMeter {
            config: *config,
            downscaler: Downscaler::new(config.sampling),
            meter: SceneMeter::new(None, None),
            size: None,
            display: (0, 0),
            current: SmallPicture::default(),
            before: SmallPicture::default(),
            scores: Vec::new(),
            times: Vec::new(),
            values: Vec::new(),
            looks: Vec::new(),
            next_row: None,
            cut_credit: CUT_BURST,
            motion: Vec::new(),
            next_motion: None,
            coarse: Default::default(),
            coarse_time: None,
            row_coarse: Coarse::default(),
        }
    }

    /// Takes the next picture. One of another size than the first is scaled to the first one's small size.
    pub fn push(&mut self, view: &PictureView<'_>) {
        if self.size.is_none() {
            self.display = view.display;
        }
        let size = *self.size.get_or_insert_with(|| small_size(view.width, view.height));
        std::mem::swap(&mut self.current, &mut self.before);
        self.downscaler.downscale_to(view, size, &mut self.current);
        let score = self.meter.push(&self.current).score;
        let elapsed = self.scores.last().map_or(0.0, |last| score.time.since(last.time).seconds());
        self.scores.push(score);
        self.cut_credit = (self.cut_credit + elapsed * CUTS_PER_SECOND).min(CUT_BURST);
        let cut = score.content >= self.config.likely_cut;
        if cut && self.cut_credit >= 1.0 {
            self.cut_credit -= 1.0;
            self.row_before();
            self.row();
        } else if self.next_row.is_none_or(|next| score.time >= next) {
            self.row();
        }
        self.measure_motion(score.time, cut);
    }

    /// The score of the picture pushed last.
    pub fn last_score(&self) -> Option<&SceneScore> {
        self.scores.last()
    }

    /// What was measured.
    pub fn finish(mut self) -> PictureTrack {
        if !self.scores.is_empty() {
            self.row();
        }
        let grid = TimeGrid::Sampled(self.times);
        let rows = FeatureTrack::new(Modality::Visual, grid, VISUAL_WIDTH, self.values)
            .expect("every row is pushed with its time");
        PictureTrack {
            display: self.display,
            scores: self.scores,
            rows,
            looks: self.looks,
            motion: self.motion,
        }
    }

    /// Adds the row of the current picture, unless it has one.
    fn row(&mut self) {
        if self.times.last().is_some_and(|last| *last >= self.current.time) {
            return;
        }
        let time = self.current.time;
        self.next_row = Some(following(self.next_row, time, self.config.row_interval_s));
        self.row_coarse.fill(&self.current);
        let hsv = self.meter.hsv();
        self.times.push(time);
        self.values.extend(descriptor(&self.current, hsv, &self.row_coarse));
        self.looks.push(Look::of(&self.current, hsv));
    }

    /// Adds the row of the picture before the current one, unless it has one.
    fn row_before(&mut self) {
        let known = self.times.last().is_some_and(|last| *last >= self.before.time);
        if known || self.scores.len() < 2 || self.before.time >= self.current.time {
            return;
        }
        self.row_coarse.fill(&self.before);
        let hsv = self.meter.hsv_before();
        self.times.push(self.before.time);
        self.values.extend(descriptor(&self.before, hsv, &self.row_coarse));
        self.looks.push(Look::of(&self.before, hsv));
    }

    fn measure_motion(&mut self, time: Time, cut: bool) {
        if !cut && self.next_motion.is_some_and(|next| time < next) {
            return;
        }
        self.next_motion = Some(following(self.next_motion, time, self.config.motion_interval_s));
        self.coarse.swap(0, 1);
        let [later, earlier] = &mut self.coarse;
        later.fill(&self.current);
        if let Some(last) = self.coarse_time
            && !cut
            && time > last
        {
            self.motion.extend(MotionSample::between(earlier, later, time, time.since(last)));
        }
        self.coarse_time = Some(time);
    }
}

/// When the next sample is due: on the beat where there is one, else an interval from now.
fn following(due: Option<Time>, now: Time, interval: Duration) -> Time {
    let next = due.unwrap_or(now) + interval;
    if next > now && due.is_none_or(|due| due <= now) { next } else { now + interval }
}

#[cfg(test)]
mod tests {
    use omnivale_timeline::{Pixels, Plane};

    use super::*;

    fn config() -> PictureMeterConfig {
        PictureMeterConfig {
            sampling: Sampling::Exact,
            row_interval_s: Duration::from_millis(500),
            motion_interval_s: Duration::from_millis(200),
            likely_cut: 15.0,
        }
    }

    /// Pushes grey pictures of those levels, 25 per second.
    fn measure(levels: impl IntoIterator<Item = u8>) -> PictureTrack {
        let mut meter = PictureMeter::new(&config());
        for (index, level) in levels.into_iter().enumerate() {
            let data = vec![level; 3 * 320 * 180];
            meter.push(&PictureView {
                time: Time::from_millis(40 * index as i64),
                index: index as u64,
                width: 320,
                height: 180,
                display: (320, 180),
                pixels: Pixels::Bgr24(Plane { data: &data, stride: 960 }),
            });
        }
        meter.finish()
    }

    fn row_millis(track: &PictureTrack) -> Vec<i64> {
        let TimeGrid::Sampled(times) = track.rows.grid() else { panic!("rows are sampled") };
        times.iter().map(|time| time.micros() / 1000).collect()
    }

    #[test]
    fn rows_come_at_their_interval_and_around_cuts() {
        let track = measure((0..50).map(|frame| if frame < 30 { 40 } else { 200 }));
        assert_eq!(track.scores.len(), 50);
        // Every half second as far as frames allow, 1160 and 1200 around the cut, and the last frame.
        assert_eq!(row_millis(&track), [0, 520, 1000, 1160, 1200, 1720, 1960]);
        assert_eq!(track.looks.len(), track.rows.grid().rows());
        assert!((track.looks[3].brightness - 40.0 / 255.0).abs() < 1e-3);
        assert!((track.looks[4].brightness - 200.0 / 255.0).abs() < 1e-3);
    }

    #[test]
    fn motion_does_not_cross_a_cut() {
        let track = measure((0..50).map(|frame| if frame < 30 { 40 } else { 200 }));
        assert!(track.motion.iter().all(|sample| sample.change == 0.0), "{:?}", track.motion);
        assert!((8..=10).contains(&track.motion.len()), "{}", track.motion.len());
    }

    #[test]
    fn flicker_does_not_fill_the_memory() {
        let track = measure((0..250).map(|frame| if frame % 2 == 0 { 40 } else { 200 }));
        // Ten seconds: 20 on the beat, 2 for each of 8 + 20 cuts.
        assert!(track.looks.len() <= 20 + 2 * 28 + 2, "{}", track.looks.len());
    }

    #[test]
    fn nothing_in_nothing_out() {
        let track = measure([]);
        assert_eq!((track.scores.len(), track.rows.grid().rows()), (0, 0));
    }
}
