//! A word cloud: the same words always lie in the same places.

use std::fmt::Write;

use omnivale_dataset::stats::WordCount;

use crate::commands::dataset::markup::escaped;

const WIDTH: i64 = 560;
const HEIGHT: i64 = 300;
/// Distance between the places that are tried.
const STEP: i64 = 4;
/// Smallest and largest letters.
const SIZES: (f64, f64) = (11.0, 46.0);
/// Free space around a word.
const MARGIN: i64 = 4;

/// A word in its place: the box that its letters stay in.
struct Placed<'a> {
    word: &'a WordCount,
    size: f64,
    left: i64,
    top: i64,
    width: i64,
    height: i64,
}

/// Draws the words, the most frequent first, each as near to the middle as there is room; those for
/// which there is none are left out.
pub(super) fn cloud(words: &[WordCount], class: &str, page: &mut String) {
    let placed = place(words);
    let most: Vec<&str> = words.iter().take(10).map(|one| one.word.as_str()).collect();
    let _ = write!(
        page,
        "<svg class=\"cloud\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         aria-label=\"Word cloud; most frequent: {}\">",
        escaped(&most.join(", ")),
    );
    for one in &placed {
        // `textLength` holds the letters inside the box, whatever font the reader has.
        let _ = write!(
            page,
            "<g><title>{word}: {count}</title><text x=\"{}\" y=\"{:.1}\" textLength=\"{}\" \
             lengthAdjust=\"spacingAndGlyphs\" class=\"{class}\" \
             style=\"font-size:{:.1}px;opacity:{:.2}\">{word}</text></g>",
            one.left,
            one.top as f64 + one.size * 0.8,
            one.width,
            one.size,
            0.6 + 0.4 * (one.size - SIZES.0) / (SIZES.1 - SIZES.0),
            word = escaped(&one.word.word),
            count = one.word.count,
        );
    }
    page.push_str("</svg>");
}

fn place(words: &[WordCount]) -> Vec<Placed<'_>> {
    let most = words.first().map_or(1, |one| one.count.max(1)) as f64;
    let places = places();
    let mut placed: Vec<Placed<'_>> = Vec::new();
    for word in words {
        // The area of a word, not its height, is what the eye compares.
        let share = (word.count as f64 / most).sqrt();
        let size = (SIZES.1 * share).max(SIZES.0);
        let (width, height) = ((advance(&word.word) * size).ceil() as i64, size.ceil() as i64);
        let fits = |(x, y): &&(i64, i64)| {
            let (left, top) = (x - width / 2, y - height / 2);
            left >= 0
                && top >= 0
                && left + width <= WIDTH
                && top + height <= HEIGHT
                && placed.iter().all(|other| {
                    left >= other.left + other.width + MARGIN
                        || other.left >= left + width + MARGIN
                        || top >= other.top + other.height + MARGIN
                        || other.top >= top + height + MARGIN
                })
        };
        if let Some((x, y)) = places.iter().find(fits) {
            let (left, top) = (x - width / 2, y - height / 2);
            placed.push(Placed { word, size, left, top, width, height });
        }
    }
    placed
}

/// Middles of words from the middle of the drawing outwards, in rings of its own proportions.
fn places() -> Vec<(i64, i64)> {
    let columns = (0..=WIDTH / STEP).map(|column| column * STEP);
    let mut places: Vec<(i64, i64)> =
        columns.flat_map(|x| (0..=HEIGHT / STEP).map(move |row| (x, row * STEP))).collect();
    places.sort_by_key(|(x, y)| {
        let (dx, dy) = ((x - WIDTH / 2) * HEIGHT, (y - HEIGHT / 2) * WIDTH);
        (dx * dx + dy * dy, *y, *x)
    });
    places
}

/// Width of a bold word in multiples of its size: about that of common sans-serif fonts.
fn advance(word: &str) -> f64 {
    word.chars()
        .map(|c| match c {
            'i' | 'j' | 'l' | '\'' => 0.30,
            'f' | 't' | 'r' => 0.40,
            'm' | 'w' => 0.88,
            c if c.is_ascii() => 0.60,
            // Wide scripts fill the square.
            c if u32::from(c) >= 0x2e80 => 1.0,
            _ => 0.65,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(count: usize) -> Vec<WordCount> {
        (0..count)
            .map(|rank| WordCount {
                word: format!("word{}", "x".repeat(rank % 9)),
                count: 900 / (rank + 1),
            })
            .collect()
    }

    #[test]
    fn words_do_not_overlap_and_stay_inside() {
        let words = words(80);
        let placed = place(&words);
        assert!(placed.len() > 50, "{}", placed.len());
        for (index, one) in placed.iter().enumerate() {
            assert!(one.left >= 0 && one.top >= 0);
            assert!(one.left + one.width <= WIDTH && one.top + one.height <= HEIGHT);
            for other in &placed[..index] {
                let apart = one.left >= other.left + other.width
                    || other.left >= one.left + one.width
                    || one.top >= other.top + other.height
                    || other.top >= one.top + one.height;
                assert!(apart, "{} and {}", one.word.word, other.word.word);
            }
        }
        assert!(placed.windows(2).all(|pair| pair[0].size >= pair[1].size));
    }

    #[test]
    fn a_word_that_does_not_fit_is_left_out_and_nothing_is_mark_up() {
        let long = WordCount { word: "x".repeat(500), count: 3 };
        let script = WordCount { word: "<script>".to_owned(), count: 2 };
        let mut page = String::new();
        cloud(&[long, script], "c0", &mut page);
        assert!(!page.contains("<script>") && page.contains(">&lt;script&gt;</text>"), "{page}");
        assert_eq!(page.matches("<text").count(), 1);
        cloud(&[], "c0", &mut page);
    }
}
