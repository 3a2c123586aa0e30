//! Distributions of several collections side by side, as text; `charts` draws them.

use std::fmt::Write;

use omnivale_dataset::stats::Bin;

/// Longest bar of a text figure, in characters.
const BAR: usize = 16;

/// How a figure is drawn on a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Bins of a number: columns.
    Histogram,
    /// Categories: horizontal bars.
    Categories,
}

/// One distribution in each of several collections.
#[derive(Debug, Clone)]
pub(super) struct Figure {
    /// What is counted, with its unit: `Length of a video, seconds`.
    pub(super) title: String,
    pub(super) shape: Shape,
    /// The bins or categories by name.
    pub(super) rows: Vec<String>,
    /// One per collection that has the distribution.
    pub(super) series: Vec<Series>,
    /// What to know about it.
    pub(super) note: Option<String>,
}

/// One collection's part of a figure.
#[derive(Debug, Clone)]
pub(super) struct Series {
    /// Which collection: its place among all, which decides about its colour.
    pub(super) column: usize,
    /// Videos, events or captions in each row; absent where only shares are known.
    pub(super) counts: Option<Vec<usize>>,
    /// Share of each row, 0 to 1.
    pub(super) shares: Vec<f64>,
}

impl Series {
    /// Counts, and their shares of `all`.
    pub(super) fn of(column: usize, counts: Vec<usize>, all: usize) -> Series {
        let share = |count: &usize| if all > 0 { *count as f64 / all as f64 } else { 0.0 };
        Series { column, shares: counts.iter().map(share).collect(), counts: Some(counts) }
    }

    /// The row's value in words: `1,234 (5.6 %)`.
    pub(super) fn value(&self, row: usize) -> String {
        let share = percent(self.shares[row]);
        match &self.counts {
            Some(counts) => format!("{} ({share})", thousands(counts[row])),
            None => share,
        }
    }
}

impl Figure {
    /// The same bins in several collections, from the first to the last that holds anything in any
    /// of them. `None` where none does.
    pub(super) fn histogram(
        title: &str,
        name: fn(&Bin) -> String,
        columns: &[(usize, &[Bin])],
    ) -> Option<Figure> {
        let filled = |row: usize| columns.iter().any(|(_, bins)| bins[row].count > 0);
        let rows = columns.first().map_or(0, |(_, bins)| bins.len());
        let first = (0..rows).find(|row| filled(*row))?;
        let last = (0..rows).rfind(|row| filled(*row))?;
        let (_, bins) = columns.first()?;
        let series = columns.iter().map(|(column, bins)| {
            let all = bins.iter().map(|bin| bin.count).sum();
            Series::of(*column, bins[first..=last].iter().map(|bin| bin.count).collect(), all)
        });
        Some(Figure {
            title: title.to_owned(),
            shape: Shape::Histogram,
            rows: bins[first..=last].iter().map(name).collect(),
            series: series.collect(),
            note: None,
        })
    }

    /// The figure as lines of text, `columns` naming all collections.
    pub(super) fn text(&self, columns: &[String]) -> String {
        let widest =
            self.rows.iter().map(|row| row.chars().count()).max().unwrap_or_default().max(12);
        let cells: Vec<Vec<String>> = self
            .series
            .iter()
            .map(|series| {
                let most = series.shares.iter().copied().fold(0.0, f64::max);
                let cell = |row: usize| {
                    let share = series.shares[row];
                    let length = if most > 0.0 { share / most * BAR as f64 } else { 0.0 };
                    // Something is never drawn as nothing.
                    let length = (length.round() as usize).max(usize::from(share > 0.0));
                    let count = series.counts.as_ref().map(|counts| thousands(counts[row]));
                    let count = count.unwrap_or_default();
                    format!("{count:>9}{:>9}  {:<BAR$}", percent(share), "▪".repeat(length))
                };
                (0..self.rows.len()).map(cell).collect()
            })
            .collect();
        let mut text = format!("\n{}\n", self.title);
        if self.series.len() > 1 {
            let mut line = format!("  {:widest$}", "");
            for series in &self.series {
                let name = shortened(&columns[series.column], 30);
                let _ = write!(line, "    {name:<w$}", w = 16 + BAR);
            }
            let _ = writeln!(text, "{}", line.trim_end());
        }
        for (row, name) in self.rows.iter().enumerate() {
            let values: String = cells.iter().map(|column| column[row].as_str()).collect();
            let _ = writeln!(text, "{}", format!("  {name:<widest$}{values}").trim_end());
        }
        if let Some(note) = &self.note {
            let _ = writeln!(text, "  {note}");
        }
        text
    }
}

/// `1,234,567`.
pub(super) fn thousands(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `12.3 %`.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// At most `most` characters, the last an ellipsis where some are left out.
pub(super) fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        let shown: Vec<String> = [0, 999, 1_000, 105_730, 1_234_567].map(thousands).into();
        assert_eq!(shown, ["0", "999", "1,000", "105,730", "1,234,567"]);
    }

    #[test]
    fn empty_ends_are_left_out_and_small_counts_seen() {
        let bin = |above, up_to, count| Bin { above, up_to, count };
        let first = [
            bin(0.0, Some(30.0), 0),
            bin(30.0, Some(60.0), 1),
            bin(60.0, Some(90.0), 0),
            bin(90.0, None, 0),
        ];
        let mut second = first;
        (second[1].count, second[2].count) = (1_000, 1);
        let figure =
            Figure::histogram("Length, seconds", Bin::name, &[(0, &first), (1, &second)]).unwrap();
        let names = ["one.json".to_owned(), "another-with-a-long-name.json".to_owned()];
        insta::assert_snapshot!(figure.text(&names), @"

        Length, seconds
                          one.json                            another-with-a-long-name.json
          30 to 60            1  100.0 %  ▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪    1,000   99.9 %  ▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪
          60 to 90            0    0.0 %                          1    0.1 %  ▪
        ");
        assert!(Figure::histogram("x", Bin::name, &[(0, &first[..1])]).is_none());
    }
}
