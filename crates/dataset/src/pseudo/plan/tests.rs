//! That draws are what they should be.

use super::*;
use crate::config::Config;
use crate::pseudo::clips::Clip;
use crate::pseudo::cluster::cluster;
use crate::pseudo::embed::{LatentSemantics, SentenceEmbedder};
use proptest::prelude::*;

const THINGS: [&str; 6] = ["dog", "violin", "engine", "river", "crowd", "kettle"];

/// Clips about six things, each caption a little different from the others.
fn clips(count: usize) -> Vec<Clip> {
    let clip = |number: usize| Clip {
        id: format!("clip{number}"),
        caption: format!(
            "A {0} and the {0} near place{1} with colour{2}.",
            THINGS[number % 6],
            number / 6 % 7,
            number / 6 % 11
        ),
        duration: Duration::from_millis(10_000),
    };
    (0..count).map(clip).collect()
}

fn config() -> PseudoConfig {
    let mut config = Config::default().pseudo;
    config.clusters.size = 12;
    config.embedding.dimensions = 12;
    config
}

fn planned(clips: &[Clip], config: &PseudoConfig, count: usize, seed: u64) -> Plan {
    let texts: Vec<&str> = clips.iter().map(|clip| clip.caption.as_str()).collect();
    let embedder = LatentSemantics { config: config.embedding.clone(), seed };
    let embeddings = embedder.embed(&texts).unwrap();
    let clusters = cluster(&embeddings, &config.clusters, config.clips_min, seed);
    plan(clips, &embeddings, &clusters, config, count, seed)
}

#[test]
fn as_many_videos_as_asked_for_of_two_to_eight_clips() {
    let plan = planned(&clips(240), &config(), 855, 1);
    assert_eq!((plan.videos.len(), plan.tally.drawn), (855, 855));
    for size in 2..=8 {
        assert!(plan.tally.clips[&size] > 20, "{:?}", plan.tally.clips);
    }
    // Tenths from 0.5 to 2, the two ends half as often as the others.
    assert_eq!(plan.tally.scales.len(), 16, "{:?}", plan.tally.scales);
    assert!(plan.tally.scales["0.5"] * 3 < plan.tally.scales["1.3"] * 2);
    assert_eq!(plan.videos[7].id, "pseudo-000007");
}

#[test]
fn clips_come_from_one_cluster_and_fit_together() {
    let (clips, config) = (clips(240), config());
    let plan = planned(&clips, &config, 300, 1);
    for video in &plan.videos {
        let mut chosen: Vec<u32> = video.parts.iter().map(|part| part.clip).collect();
        chosen.sort_unstable();
        assert!(chosen.windows(2).all(|pair| pair[0] != pair[1]), "a clip twice: {video:?}");
        let thing = |clip: u32| clips[clip as usize].caption.split(' ').nth(1).unwrap().to_owned();
        assert!(chosen.iter().all(|&clip| thing(clip) == thing(chosen[0])), "{video:?}");
    }
}

#[test]
fn the_seed_decides_and_the_number_of_threads_does_not() {
    let (clips, config) = (clips(180), config());
    let with = |threads, seed| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| planned(&clips, &config, 400, seed))
    };
    assert_eq!(with(1, 3), with(4, 3));
    assert_ne!(with(4, 3).videos, with(4, 4).videos);
}

#[test]
fn captions_that_say_the_same_never_meet() {
    let mut clips = clips(60);
    for clip in &mut clips {
        clip.caption = THINGS[0].to_owned();
    }
    let plan = planned(&clips, &config(), 50, 1);
    assert_eq!(plan.tally.drawn, 0);
    assert!(plan.tally.repeats > 0 && plan.tally.given_up == 50, "{:?}", plan.tally);
}

#[test]
fn captions_without_anything_in_common_never_meet() {
    let clips: Vec<Clip> = clips(60)
        .into_iter()
        .enumerate()
        .map(|(at, clip)| Clip { caption: format!("a{} b{} c{}", at, at / 2, at / 3), ..clip })
        .collect();
    let mut config = config();
    config.embedding.dimensions = 60;
    config.similarity_min = 0.2;
    let texts: Vec<&str> = clips.iter().map(|clip| clip.caption.as_str()).collect();
    let embedder = LatentSemantics { config: config.embedding.clone(), seed: 1 };
    let embeddings = embedder.embed(&texts).unwrap();
    let plan = planned(&clips, &config, 100, 1);
    for video in &plan.videos {
        for (at, a) in video.parts.iter().enumerate() {
            for b in &video.parts[..at] {
                assert!(embeddings.cosine(a.clip as usize, b.clip as usize) > 0.19);
            }
        }
    }
    assert!(plan.tally.incoherent > 0, "{:?}", plan.tally);
}

#[test]
fn lengths_are_those_of_the_loader() {
    let ten = Duration::from_millis(10_000);
    // Python's int(scale * 10) for every tenth.
    for tenths in 1u64..=100 {
        let scale = tenths as f64 / 10.0;
        assert_eq!(part_length(ten, scale), Duration::from_millis(tenths * 1000));
    }
    assert_eq!(part_length(ten, 1.63), Duration::from_millis(16_000));
    assert_eq!(part_length(Duration::from_millis(7_300), 0.1), Duration::from_millis(1000));
    // And the scale that is written makes the loader give the same length for any clip.
    for seconds in 1..5000u64 {
        let scale = loader_scale(Duration::from_millis(seconds * 1000));
        assert_eq!((scale * 10.0).trunc() as u64, seconds);
    }
}

#[test]
fn noise_comes_as_often_as_configured() {
    let mut config = config();
    assert!(planned(&clips(60), &config, 40, 1).videos.iter().all(|video| video.noise.is_none()));
    config.noise.share = 0.5;
    let plan = planned(&clips(60), &config, 400, 1);
    let noises: Vec<Noise> = plan.videos.iter().filter_map(|video| video.noise).collect();
    assert!((140..260).contains(&noises.len()), "{}", noises.len());
    assert!(noises.iter().all(|noise| (-45.0..=-25.0).contains(&noise.level)));
}

proptest! {
    #[test]
    fn shares_add_up_and_follow_the_weights(
        count in 0usize..5000, weights in prop::collection::vec(0u64..300, 0..40)
    ) {
        let shares = deal(count, &weights);
        let total: u64 = weights.iter().sum();
        prop_assert_eq!(shares.iter().sum::<usize>(), if total == 0 { 0 } else { count });
        for (share, weight) in shares.iter().zip(&weights) {
            let exact = count as f64 * *weight as f64 / total.max(1) as f64;
            prop_assert!((*share as f64 - exact).abs() <= 1.0);
        }
    }

    #[test]
    fn events_tile_the_pseudo_video(parts in prop::collection::vec((0u32..5, 1u64..40), 1..9)) {
        let clips = clips(5);
        let part = |&(clip, seconds): &(u32, u64)| Part {
            clip, scale: 1.0, length: Duration::from_millis(seconds * 1000)
        };
        let video = PseudoVideo {
            id: "x".to_owned(),
            cluster: 0,
            parts: parts.iter().map(part).collect(),
            noise: None,
        };
        let events = video.events(&clips);
        prop_assert_eq!(events[0].span.start, Time::ZERO);
        for pair in events.windows(2) {
            prop_assert_eq!(pair[0].span.end(), pair[1].span.start);
        }
        prop_assert_eq!(events[events.len() - 1].span.end(), video.duration().as_time());
        for (event, (clip, seconds)) in events.iter().zip(&parts) {
            prop_assert_eq!(&event.text, &clips[*clip as usize].caption);
            prop_assert_eq!(event.span.duration, Duration::from_millis(seconds * 1000));
        }
    }

    #[test]
    fn a_draw_is_without_replacement(size in 1usize..9, more in 0u32..6, seed in any::<u64>()) {
        let members: Vec<u32> = (100..100 + size as u32 + more).collect();
        let mut chosen = choose(&members, size, &mut chance::stream(seed, "test", 0));
        prop_assert_eq!(chosen.len(), size);
        chosen.sort_unstable();
        chosen.dedup();
        prop_assert_eq!(chosen.len(), size);
        prop_assert!(chosen.iter().all(|clip| members.contains(clip)));
    }
}
