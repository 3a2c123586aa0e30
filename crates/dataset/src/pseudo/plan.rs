//! Which clips follow each other in which pseudo video, and how long each of them lasts.
//!
//! PU-VALOR draws clips from one cluster of captions, puts them into a random order, gives each its
//! own temporal scale, and joins them; the captions become events that tile the video. Videos are
//! dealt to clusters by size, so that each clip is used about equally often. A draw whose captions do
//! not belong together, or say the same twice, is drawn again; where that does not help, the video
//! goes to another cluster. Each video has its own random numbers.

use std::collections::BTreeMap;

use omnivale_timeline::{Caption, Duration, Span, Time};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::Serialize;

use super::chance;
use super::clips::Clip;
use super::cluster::Clusters;
use super::config::{NoiseKind, PseudoConfig};
use super::embed::Embeddings;

/// Times that videos without a coherent draw are dealt to other clusters.
const DEALS: usize = 8;

/// The pseudo videos and how they came about.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The videos, in random order.
    pub videos: Vec<PseudoVideo>,
    /// Counts.
    pub tally: Tally,
}

/// Clips that play one after the other as if they were one untrimmed video.
#[derive(Debug, Clone, PartialEq)]
pub struct PseudoVideo {
    /// Its id: `pseudo-000000` and so on, in the plan's order.
    pub id: String,
    /// The number of the cluster all its clips are from.
    pub cluster: u32,
    /// The clips, in the order they play.
    pub parts: Vec<Part>,
    /// Noise under the sound when rendered.
    pub noise: Option<Noise>,
}

/// One clip in a pseudo video.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    /// The number of the clip in the list of clips.
    pub clip: u32,
    /// What the clip's time is multiplied with: 2 plays it at half speed.
    pub scale: f64,
    /// How long it lasts; see [`part_length`].
    pub length: Duration,
}

/// Background noise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Noise {
    /// Colour.
    pub kind: NoiseKind,
    /// Peak level, dB of full scale.
    pub level: f64,
    /// Seed of its samples.
    pub seed: u32,
}

/// What was drawn and what was thrown away.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Videos asked for.
    pub wanted: usize,
    /// Videos drawn.
    pub drawn: usize,
    /// Draws refused because two captions have too little in common.
    pub incoherent: u64,
    /// Draws refused because a clip, or what is said of it, comes twice.
    pub repeats: u64,
    /// Videos that had no good draw in one cluster and were dealt to another.
    pub given_up: u64,
    /// Videos by number of clips.
    pub clips: BTreeMap<usize, u64>,
    /// Clips by scale, as it is printed.
    pub scales: BTreeMap<String, u64>,
}

/// How long a clip of `duration` lasts at `scale`: their product cut to whole seconds, at least one.
///
/// AVicuna's loader gives a 10 s clip int(scale · 10) rows, one per second, so the rows and the time
/// tokens agree only if lengths are whole seconds. The same rule serves clips of other lengths; see
/// [`loader_scale`].
pub fn part_length(duration: Duration, scale: f64) -> Duration {
    let seconds = (scale * duration.seconds()).trunc().clamp(1.0, 1e9);
    Duration::from_millis(seconds as u64 * 1000)
}

/// What `meta.scale` has to say so that AVicuna's loader, which takes every clip for 10 s long, gives
/// it `length`: tens of seconds. For a clip of 10 s that is its temporal scale.
pub fn loader_scale(length: Duration) -> f64 {
    length.seconds() / 10.0
}

impl PseudoVideo {
    /// Length: that of all parts.
    pub fn duration(&self) -> Duration {
        self.parts.iter().map(|part| part.length).sum()
    }

    /// When each part plays; they tile the video.
    pub fn spans(&self) -> impl Iterator<Item = Span> + '_ {
        let mut start = Time::ZERO;
        self.parts.iter().map(move |part| {
            let span = Span::new(start, part.length);
            start = span.end();
            span
        })
    }

    /// The captions of the parts as events of the video.
    ///
    /// # Panics
    /// If `clips` are not those the plan was made of.
    pub fn events(&self, clips: &[Clip]) -> Vec<Caption> {
        let caption = |part: &Part| clips[part.clip as usize].caption.trim().to_owned();
        let spans = self.spans().zip(&self.parts);
        spans.map(|(span, part)| Caption { span, text: caption(part) }).collect()
    }
}

/// Draws `count` videos, or as many as the clusters give.
///
/// `embeddings` has one row per clip, and `config` has been checked.
pub fn plan(
    clips: &[Clip],
    embeddings: &Embeddings,
    clusters: &Clusters,
    config: &PseudoConfig,
    count: usize,
    seed: u64,
) -> Plan {
    let maker = Maker { clips, embeddings, config };
    let mut tally = Tally { wanted: count, ..Tally::default() };
    let mut videos: Vec<(u64, Draft)> = Vec::with_capacity(count.min(1 << 24));
    let mut weights: Vec<u64> = clusters.groups.iter().map(|group| group.len() as u64).collect();
    let mut number = 0u64;
    for _ in 0..DEALS {
        let missing = count - videos.len();
        if missing == 0 {
            break;
        }
        let dealt: Vec<(u64, u32)> = deal(missing, &weights)
            .into_iter()
            .enumerate()
            .flat_map(|(cluster, share)| std::iter::repeat_n(cluster as u32, share))
            .zip(number..)
            .map(|(cluster, number)| (number, cluster))
            .collect();
        number += dealt.len() as u64;
        let tried: Vec<Tried> = dealt
            .par_iter()
            .map(|&(number, cluster)| {
                let mut chance = chance::stream(seed, "draw", number);
                maker.draw(cluster, &clusters.groups[cluster as usize], &mut chance)
            })
            .collect();
        weights.fill(0);
        for ((_, cluster), tried) in dealt.into_iter().zip(tried) {
            tally.incoherent += tried.incoherent;
            tally.repeats += tried.repeats;
            match tried.draft {
                None => tally.given_up += 1,
                Some(draft) => {
                    weights[cluster as usize] += 1;
                    let place = chance::stream(seed, "order", videos.len() as u64).random();
                    videos.push((place, draft));
                }
            }
        }
    }
    // A random order, so that the first videos are a sample of all.
    videos.sort_by_key(|(place, _)| *place);
    let videos: Vec<PseudoVideo> = videos
        .into_iter()
        .enumerate()
        .map(|(number, (_, Draft { cluster, parts, noise }))| PseudoVideo {
            id: format!("pseudo-{number:06}"),
            cluster,
            parts,
            noise,
        })
        .collect();
    tally.drawn = videos.len();
    for video in &videos {
        *tally.clips.entry(video.parts.len()).or_default() += 1;
        for part in &video.parts {
            *tally.scales.entry(format!("{:?}", part.scale)).or_default() += 1;
        }
    }
    Plan { videos, tally }
}

/// Divides `count` by weight: whole shares, then one more to the largest remainders, the first of
/// equals first. Nothing is dealt where all weights are zero.
fn deal(count: usize, weights: &[u64]) -> Vec<usize> {
    let total: u128 = weights.iter().map(|&weight| u128::from(weight)).sum();
    if total == 0 {
        return vec![0; weights.len()];
    }
    let share = |weight: u64| (count as u128 * u128::from(weight)).div_euclid(total) as usize;
    let mut shares: Vec<usize> = weights.iter().map(|&weight| share(weight)).collect();
    let left = count - shares.iter().sum::<usize>();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|&at| std::cmp::Reverse(count as u128 * u128::from(weights[at]) % total));
    order[..left].iter().for_each(|&at| shares[at] += 1);
    shares
}

struct Draft {
    cluster: u32,
    parts: Vec<Part>,
    noise: Option<Noise>,
}

#[derive(Default)]
struct Tried {
    draft: Option<Draft>,
    incoherent: u64,
    repeats: u64,
}

/// Why clips do not make a video.
enum Refusal {
    Incoherent,
    Repeat,
}

struct Maker<'a> {
    clips: &'a [Clip],
    embeddings: &'a Embeddings,
    config: &'a PseudoConfig,
}

impl Maker<'_> {
    /// One video out of a cluster. The number of clips is drawn once, so that quality control does
    /// not prefer short videos.
    fn draw(&self, cluster: u32, members: &[u32], chance: &mut ChaCha8Rng) -> Tried {
        let config = self.config;
        let size = chance.random_range(config.clips_min..=config.clips_max).min(members.len());
        let mut tried = Tried::default();
        for _ in 0..config.tries {
            let chosen = choose(members, size, chance);
            match self.judge(&chosen) {
                Err(Refusal::Incoherent) => tried.incoherent += 1,
                Err(Refusal::Repeat) => tried.repeats += 1,
                Ok(()) => {
                    let parts = chosen.into_iter().map(|clip| self.part(clip, chance)).collect();
                    let noise = self.noise(chance);
                    tried.draft = Some(Draft { cluster, parts, noise });
                    break;
                }
            }
        }
        tried
    }

    /// Quality control of a sequence: every two captions have enough in common, and not too much.
    fn judge(&self, chosen: &[u32]) -> Result<(), Refusal> {
        for (at, &a) in chosen.iter().enumerate() {
            for &b in &chosen[..at] {
                let (a, b) = (a as usize, b as usize);
                let cosine = f64::from(self.embeddings.cosine(a, b));
                if self.clips[a].id == self.clips[b].id || cosine > self.config.similarity_max {
                    return Err(Refusal::Repeat);
                }
                if cosine < self.config.similarity_min {
                    return Err(Refusal::Incoherent);
                }
            }
        }
        Ok(())
    }

    fn part(&self, clip: u32, chance: &mut ChaCha8Rng) -> Part {
        let (config, steps) = (self.config, f64::from(self.config.scale_steps));
        let scale = chance.random_range(config.scale_min..=config.scale_max);
        let scale = ((scale * steps).round() / steps).max(1.0 / steps);
        Part { clip, scale, length: part_length(self.clips[clip as usize].duration, scale) }
    }

    fn noise(&self, chance: &mut ChaCha8Rng) -> Option<Noise> {
        let config = &self.config.noise;
        chance.random_bool(config.share).then(|| Noise {
            kind: config.kinds[chance.random_range(0..config.kinds.len())],
            level: (chance.random_range(config.level_min..=config.level_max) * 10.0).round() / 10.0,
            seed: chance.random(),
        })
    }
}

/// `size` different members in random order, each such sequence equally likely.
fn choose(members: &[u32], size: usize, chance: &mut ChaCha8Rng) -> Vec<u32> {
    let mut places: Vec<usize> = Vec::with_capacity(size);
    while places.len() < size {
        let place = chance.random_range(0..members.len());
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places.into_iter().map(|place| members[place]).collect()
}

#[cfg(test)]
mod tests;
