//! Figures as SVG.

use std::fmt::Write;

use super::figures::{Figure, Shape, percent};
use super::markup::{colour, escaped};

/// Width of every drawing, in its own units; the page scales it.
const WIDTH: f64 = 560.0;

/// Draws a figure; `columns` names the collections that its series belong to.
pub(super) fn draw(
    figure: &Figure,
    columns: &[String],
    published: Option<usize>,
    page: &mut String,
) {
    match figure.shape {
        Shape::Histogram => histogram(figure, columns, published, page),
        Shape::Categories => categories(figure, columns, published, page),
    }
}

/// The drawing's first elements: what a screen reader says instead of it.
fn begin(figure: &Figure, columns: &[String], height: f64, page: &mut String) {
    let _ = write!(
        page,
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}\">",
        escaped(&summary(figure, columns))
    );
}

/// One sentence per series: where most of it lies.
fn summary(figure: &Figure, columns: &[String]) -> String {
    let mut text = format!("{}.", figure.title);
    for series in &figure.series {
        let most = series.shares.iter().copied().fold(0.0, f64::max);
        if let Some(row) = series.shares.iter().position(|share| *share == most) {
            let (name, row_name) = (&columns[series.column], &figure.rows[row]);
            let _ = write!(text, " {name}: most in {row_name}, {}.", percent(most));
        }
    }
    text
}

/// Columns over bins; the height is the share.
fn histogram(figure: &Figure, columns: &[String], published: Option<usize>, page: &mut String) {
    const TOP: f64 = 8.0;
    const HEIGHT: f64 = 170.0;
    const LEFT: f64 = 42.0;
    /// Width of a bin's name with some room, for eleven pixels.
    const NAME: f64 = 58.0;
    begin(figure, columns, TOP + HEIGHT + 24.0, page);
    let most = figure.series.iter().flat_map(|series| &series.shares).copied().fold(0.0, f64::max);
    let step = tick(most);
    let full = (most / step).ceil().max(1.0) * step;
    let y = |share: f64| TOP + HEIGHT * (1.0 - share / full);
    for line in 0..=((full / step).round() as u32) {
        let share = f64::from(line) * step;
        let (at, class) = (y(share), if line == 0 { "axis" } else { "grid" });
        let _ = write!(
            page,
            "<line class=\"{class}\" x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{} %</text>",
            LEFT - 6.0,
            at + 4.0,
            (share * 1000.0).round() / 10.0,
        );
    }
    let bin = (WIDTH - LEFT) / figure.rows.len() as f64;
    let every = (NAME / bin).ceil().max(1.0) as usize;
    let width = (bin * 0.84).min(80.0);
    let bar = width / figure.series.len().max(1) as f64;
    for (row, name) in figure.rows.iter().enumerate() {
        let middle = LEFT + bin * (row as f64 + 0.5);
        for (place, series) in figure.series.iter().enumerate() {
            let top = y(series.shares[row]);
            let left = middle - width / 2.0 + bar * place as f64;
            let tall = TOP + HEIGHT - top;
            titled_bar(
                figure,
                (row, place),
                columns,
                published,
                &format!("x=\"{left:.1}\" y=\"{top:.1}\" width=\"{bar:.1}\" height=\"{tall:.1}\""),
                page,
            );
        }
        if row % every == 0 {
            let (at, anchor) = match middle + NAME / 2.0 > WIDTH {
                true => (WIDTH, "end"),
                false => (middle, "middle"),
            };
            let _ = write!(
                page,
                "<text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>",
                TOP + HEIGHT + 16.0,
                escaped(&short(name)),
            );
        }
    }
    page.push_str("</svg>");
}

/// A bin's name as it fits under its column: `≤ 30`, `30–60`, `> 600`.
fn short(name: &str) -> String {
    match (name.strip_prefix("up to "), name.strip_prefix("over ")) {
        (Some(edge), _) => format!("≤ {edge}"),
        (_, Some(edge)) => format!("> {edge}"),
        _ => name.replace(" to ", "–"),
    }
}

/// Bars beside the names of the categories; the length is the share.
fn categories(figure: &Figure, columns: &[String], published: Option<usize>, page: &mut String) {
    const LEFT: f64 = 140.0;
    const BAR: f64 = 13.0;
    const GAP: f64 = 9.0;
    /// For the value at the end of the longest bar.
    const RIGHT: f64 = 110.0;
    let row_height = BAR * figure.series.len() as f64 + GAP;
    begin(figure, columns, row_height * figure.rows.len() as f64 + 2.0, page);
    let most = figure.series.iter().flat_map(|series| &series.shares).copied().fold(0.0, f64::max);
    for (row, name) in figure.rows.iter().enumerate() {
        let top = row_height * row as f64 + GAP / 2.0;
        let middle = top + BAR * figure.series.len() as f64 / 2.0 + 4.0;
        let _ = write!(
            page,
            "<text x=\"{:.1}\" y=\"{middle:.1}\" text-anchor=\"end\">{}</text>",
            LEFT - 8.0,
            escaped(name),
        );
        for (place, series) in figure.series.iter().enumerate() {
            let share = series.shares[row];
            let width = if most > 0.0 { share / most * (WIDTH - LEFT - RIGHT) } else { 0.0 };
            let at = top + BAR * place as f64;
            titled_bar(
                figure,
                (row, place),
                columns,
                published,
                &format!(
                    "x=\"{LEFT}\" y=\"{at:.1}\" width=\"{width:.1}\" height=\"{:.1}\"",
                    BAR - 1.0
                ),
                page,
            );
            let _ = write!(
                page,
                "<text class=\"value\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                LEFT + width + 6.0,
                at + 10.0,
                escaped(&series.value(row)),
            );
        }
    }
    page.push_str("</svg>");
}

/// A rectangle that says what it stands for under the pointer.
fn titled_bar(
    figure: &Figure,
    (row, place): (usize, usize),
    columns: &[String],
    published: Option<usize>,
    extent: &str,
    page: &mut String,
) {
    let series = &figure.series[place];
    let _ = write!(
        page,
        "<g><title>{}, {}: {}</title><rect class=\"{}\" {extent}/></g>",
        escaped(&columns[series.column]),
        escaped(&figure.rows[row]),
        escaped(&series.value(row)),
        colour(series.column, published),
    );
}

/// A round distance between lines, so that there are three to six of them.
fn tick(most: f64) -> f64 {
    const STEPS: [f64; 10] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5];
    STEPS.into_iter().find(|step| most / step <= 5.0).unwrap_or(0.5)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::dataset::figures::Series;

    fn drawn(shape: Shape) -> String {
        let figure = Figure {
            title: "A & B".to_owned(),
            shape,
            rows: vec!["<up to 3".to_owned(), "3 to 5".to_owned()],
            series: vec![
                Series::of(0, vec![1, 3], 4),
                Series { column: 1, counts: None, shares: vec![0.0, 0.0] },
            ],
            note: None,
        };
        let mut page = String::new();
        draw(&figure, &["a.json".to_owned(), "paper".to_owned()], Some(1), &mut page);
        page
    }

    #[test]
    fn bars_say_their_exact_values_and_nothing_becomes_mark_up() {
        for shape in [Shape::Histogram, Shape::Categories] {
            let page = drawn(shape);
            assert!(page.contains("<title>a.json, 3 to 5: 3 (75.0 %)</title>"), "{page}");
            assert!(page.contains("paper, &lt;up to 3: 0.0 %"), "{page}");
            assert!(page.contains("A &amp; B. a.json: most in 3 to 5, 75.0 %."), "{page}");
            assert!(!page.contains("NaN") && !page.contains("inf"), "{page}");
        }
    }

    #[test]
    fn lines_are_round_and_few() {
        for most in [0.0004, 0.003, 0.07, 0.31, 0.6, 1.0] {
            assert!(most / tick(most) <= 5.0);
        }
        assert_eq!(tick(0.31), 0.1);
    }
}
