//! A few pictures of a file without decoding the others: the same to the bit as among all of them.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use omnivale_media::{Chosen, Decoded, Flow, Request, Sink, Source, Survey, Surveyed};
use omnivale_timeline::{PictureView, Pixels, SamplesView, Time};

use crate::recorder::{ALL, fixture};
use crate::reference_media;

/// A picture as far as two can differ: number, time, size, display size, every pixel.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    index: u64,
    time: Time,
    size: (u32, u32),
    display: (u32, u32),
    pixels: u64,
}

#[derive(Default)]
struct Album {
    /// The numbers of pictures whose pixels are looked at, rising; all if there are none.
    only: Vec<usize>,
    pictures: Vec<Seen>,
    speech: DefaultHasher,
    native: DefaultHasher,
    passed: Vec<Time>,
}

impl Album {
    fn sound(&self) -> (u64, u64) {
        (self.speech.finish(), self.native.finish())
    }
}

fn add(samples: &SamplesView<'_>, hasher: &mut DefaultHasher) {
    for sample in samples.data {
        sample.to_bits().hash(hasher);
    }
}

impl Sink for Album {
    fn picture(&mut self, picture: &PictureView<'_>) -> Flow {
        let mut hasher = DefaultHasher::new();
        let (width, height) = (picture.width as usize, picture.height as usize);
        let looked_at =
            self.only.is_empty() || self.only.binary_search(&(picture.index as usize)).is_ok();
        match picture.pixels {
            _ if !looked_at => {}
            Pixels::Yuv420 { y, u, v, matrix, range } => {
                format!("{matrix:?} {range:?}").hash(&mut hasher);
                (0..height).for_each(|row| y.row(row)[..width].hash(&mut hasher));
                for plane in [u, v] {
                    let width = width.div_ceil(2);
                    (0..height / 2).for_each(|row| plane.row(row)[..width].hash(&mut hasher));
                }
            }
            Pixels::Bgr24(plane) => {
                (0..height).for_each(|row| plane.row(row)[..3 * width].hash(&mut hasher));
            }
        }
        self.pictures.push(Seen {
            index: picture.index,
            time: picture.time,
            size: (picture.width, picture.height),
            display: picture.display,
            pixels: hasher.finish(),
        });
        Flow::Continue
    }

    fn passed(&mut self, time: Time) -> Flow {
        self.passed.push(time);
        Flow::Continue
    }

    fn speech_samples(&mut self, samples: &SamplesView<'_>) -> Flow {
        add(samples, &mut self.speech);
        Flow::Continue
    }

    fn native_samples(&mut self, samples: &SamplesView<'_>) -> Flow {
        add(samples, &mut self.native);
        Flow::Continue
    }
}

fn survey(source: &Source) -> Result<Survey, &'static str> {
    match source.survey(&mut |_| Flow::Continue).unwrap() {
        Surveyed::Known(survey) => Ok(survey),
        Surveyed::Unsure(reason) => Err(reason),
        Surveyed::Stopped => panic!("nobody stops it"),
    }
}

fn all(source: &Source, only: Vec<usize>) -> (Decoded, Album) {
    let mut album = Album { only, ..Album::default() };
    (source.decode(&ALL, &mut album).unwrap(), album)
}

fn chosen(
    source: &Source,
    survey: &Survey,
    wanted: &[usize],
    threads: usize,
) -> Option<(Chosen, Album)> {
    let mut album = Album::default();
    let request = Request { threads, ..ALL };
    let chosen = source.decode_chosen(&request, survey, wanted, &mut album).unwrap();
    Some((chosen?, album))
}

/// `count` numbers below `below`, evenly spread, first and last included.
fn spread(count: usize, below: usize) -> Vec<usize> {
    let mut wanted: Vec<usize> =
        (0..count).map(|n| n * (below - 1) / count.saturating_sub(1).max(1)).collect();
    wanted.dedup();
    wanted
}

/// How chosen pictures of a file fare beside all of them.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// The survey says why it is none.
    Unsure(&'static str),
    /// Some pictures have damage that the survey does not see.
    Damaged,
    /// Decoding met what the survey had not seen.
    Doubted,
    /// All were the same; so many pictures were decoded for one of so many.
    Same(u64, usize),
}

fn compare(path: &Path) -> Found {
    let source = Source::open(path).unwrap();
    let survey = match survey(&source) {
        Ok(survey) => survey,
        Err(reason) => return Found::Unsure(reason),
    };
    let count = survey.pictures();
    let mut sets: Vec<Vec<usize>> = [1, 5, 100].map(|n| spread(n, count)).into();
    sets.push(vec![count * 2 / 3]);
    sets.push((count / 3..count.min(count / 3 + 7)).collect());
    let mut only = sets.concat();
    only.sort_unstable();
    let (decoded, album) = all(&source, only);
    if !decoded.damage.is_empty() {
        return Found::Damaged;
    }
    let (mut doubted, mut for_one) = (false, 0);
    for (place, wanted) in sets.iter().enumerate() {
        let threads = 1 + place % 3;
        let Some((found, few)) = chosen(&source, &survey, wanted, threads) else {
            doubted = true;
            continue;
        };
        let expected: Vec<Seen> = wanted.iter().map(|&n| album.pictures[n].clone()).collect();
        assert_eq!(few.pictures, expected, "{}: {wanted:?}", path.display());
        assert_eq!(few.sound(), album.sound(), "{}", path.display());
        assert_eq!(found.decoded, decoded, "{}", path.display());
        assert!(found.pictures <= count as u64);
        assert_eq!(few.passed.len(), count);
        if *wanted == [count * 2 / 3] {
            for_one = found.pictures;
        }
    }
    if doubted { Found::Doubted } else { Found::Same(for_one, count) }
}

fn media(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = (fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| Source::open(path).is_ok_and(|source| source.probe().video.is_some()))
        .collect();
    files.sort();
    files
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

#[test]
fn chosen_pictures_of_the_fixtures_are_those_among_all() {
    let found: Vec<String> = (media(&fixture("")).iter())
        .map(|path| match compare(path) {
            Found::Unsure(reason) => format!("{}: {reason}", name(path)),
            Found::Same(for_one, count) => format!("{}: {for_one} of {count}", name(path)),
            found => format!("{}: {found:?}", name(path)),
        })
        .collect();
    insta::assert_snapshot!(found.join("\n"), @r"
    anamorphic.mp4: 7 of 10
    delayed.mp4: 5 of 10
    hidden.webm: 11 of 60
    hidden_av1.mkv: 11 of 60
    joined.mp4: the codec's parameters change
    late.ts: packets of its container need not be whole pictures
    live.mkv: 5 of 10
    long.mp4: 1 of 600
    odd.webm: 7 of 10
    open_gop.mkv: 6 of 60
    rotated.mp4: 5 of 10
    size_change.h264: packets of its container need not be whole pictures
    subtitles.mkv: 10 of 20
    subtitles.mp4: 10 of 20
    ten_bit.mp4: 6 of 10
    trimmed.mp4: some pictures are not to be shown
    truncated.mp4: a packet is damaged
    two_of_each.mp4: 6 of 10
    vfr.mp4: 21 of 30
    ");
}

#[test]
fn chosen_pictures_of_the_reference_media_are_those_among_all() {
    let Some(folder) = reference_media::folder() else { return };
    let mut few = 0;
    for path in ["real", "synth"].iter().flat_map(|name| media(&folder.join(name))) {
        let found = compare(&path);
        eprintln!("{}: {found:?}", name(&path));
        let damaged = ["synth_bitrot.mp4", "synth_truncated.mp4"].contains(&name(&path).as_str());
        assert!(!damaged || matches!(found, Found::Unsure(_)), "{}", path.display());
        assert_ne!(found, Found::Doubted, "{}", path.display());
        few += usize::from(matches!(found, Found::Same(decoded, all) if decoded * 10 < all as u64));
    }
    assert!(few >= 5, "of {few} clips less than a tenth had to be decoded");
}

#[test]
fn few_pictures_of_a_long_clip_are_decoded() {
    let source = Source::open(&fixture("long.mp4")).unwrap();
    let survey = survey(&source).unwrap();
    assert_eq!(survey.pictures(), 600);
    // The first of a group needs no other; the last one before it, those of its group that others
    // refer to.
    let decoded = |wanted: &[usize]| chosen(&source, &survey, wanted, 1).unwrap().0.pictures;
    assert_eq!(decoded(&[]), 0);
    assert_eq!(decoded(&[0, 50, 300, 550]), 4);
    assert!((5..50).contains(&decoded(&[349])), "{}", decoded(&[349]));
    assert_eq!(decoded(&(0..600).collect::<Vec<_>>()), 600);
}

#[test]
fn a_survey_can_be_ended_and_so_can_the_pass_over_it() {
    let source = Source::open(&fixture("long.mp4")).unwrap();
    let mut told = 0;
    let surveyed = source.survey(&mut |_| {
        told += 1;
        if told < 2 { Flow::Continue } else { Flow::Stop }
    });
    assert!(matches!(surveyed.unwrap(), Surveyed::Stopped));
    assert_eq!(told, 2);

    struct Impatient(usize);
    impl Sink for Impatient {
        fn passed(&mut self, _: Time) -> Flow {
            self.0 += 1;
            if self.0 < 10 { Flow::Continue } else { Flow::Stop }
        }
    }
    let survey = survey(&source).unwrap();
    let mut sink = Impatient(0);
    let request = Request { speech_samples: false, native_samples: false, ..ALL };
    let ended = source.decode_chosen(&request, &survey, &[599], &mut sink).unwrap().unwrap();
    assert!(ended.decoded.stopped);
    assert_eq!((sink.0, ended.pictures), (10, 0));
}

#[test]
fn another_file_than_was_surveyed_is_noticed() {
    let survey = survey(&Source::open(&fixture("long.mp4")).unwrap()).unwrap();
    let other = Source::open(&fixture("vfr.mp4")).unwrap();
    assert!(chosen(&other, &survey, &[3], 1).is_none());
    let keyframes = Request { keyframes_only: true, ..ALL };
    let same = Source::open(&fixture("long.mp4")).unwrap();
    let found = same.decode_chosen(&keyframes, &survey, &[3], &mut Album::default());
    assert!(found.unwrap().is_none());
}

/// Whatever is wrong inside a file: what is lent for sound is sound, or void.
#[test]
fn damage_in_a_picture_that_is_decoded_makes_all_void() {
    let whole = fs::read(fixture("long.mp4")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.mp4");
    let (mut void, mut sound) = (0, 0);
    for place in (0..40).map(|n| whole.len() / 2 + n * 97) {
        let mut bytes = whole.clone();
        bytes[place..place + 3].fill(0x5a);
        fs::write(&path, bytes).unwrap();
        let Ok(source) = Source::open(&path) else { continue };
        let Ok(survey) = survey(&source) else { continue };
        let (decoded, album) = all(&source, Vec::new());
        let all: Vec<usize> = (0..survey.pictures()).collect();
        match chosen(&source, &survey, &all, 1) {
            Some((found, few)) => {
                sound += 1;
                assert_eq!((found.decoded, few.pictures), (decoded, album.pictures), "{place}");
            }
            None => {
                void += 1;
                assert!(!decoded.damage.is_empty(), "{place}");
            }
        }
    }
    assert!(void > 5 && sound > 5, "{void} void, {sound} sound");
}
