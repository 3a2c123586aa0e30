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
        match picture.pixels {
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

fn all(source: &Source) -> (Decoded, Album) {
    let mut album = Album::default();
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
    /// All were the same; so many pictures were decoded for five of so many.
    Same(u64, usize),
}

fn compare(path: &Path) -> Found {
    let source = Source::open(path).unwrap();
    let survey = match survey(&source) {
        Ok(survey) => survey,
        Err(reason) => return Found::Unsure(reason),
    };
    let (decoded, album) = all(&source);
    if !decoded.damage.is_empty() {
        return Found::Damaged;
    }
    let count = survey.pictures();
    let mut doubted = false;
    let mut for_five = 0;
    let mut sets: Vec<Vec<usize>> = [1, 2, 5, 12, 100, count].map(|n| spread(n, count)).into();
    sets.push(Vec::new());
    sets.push(vec![count / 2]);
    sets.push((count / 3..count.min(count / 3 + 7)).collect());
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
        if wanted.len() == 5 {
            for_five = found.pictures;
        }
    }
    if doubted { Found::Doubted } else { Found::Same(for_five, count) }
}

fn media(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = (fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| Source::open(path).is_ok_and(|source| source.probe().video.is_some()))
        .collect();
    files.sort();
    files
}

#[test]
fn chosen_pictures_of_the_fixtures_are_those_among_all() {
    for path in media(&fixture("")) {
        eprintln!("{}: {:?}", path.display(), compare(&path));
    }
}

#[test]
fn chosen_pictures_of_the_reference_media_are_those_among_all() {
    let Some(folder) = reference_media::folder() else { return };
    for path in ["real", "synth"].iter().flat_map(|name| media(&folder.join(name))) {
        eprintln!("{}: {:?}", path.display(), compare(&path));
    }
}
