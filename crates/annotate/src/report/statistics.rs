//! Totals and histograms as the index page draws them.

use serde::Serialize;

use super::facts;

/// What is said about all videos together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Statistics {
    /// Headline figures, in the order in which they are shown.
    pub totals: Vec<Total>,
    /// Distributions, in the order in which they are shown.
    pub histograms: Vec<Histogram>,
}

/// One headline figure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Total {
    /// What it counts (`events per video`).
    pub name: String,
    /// The figure with its unit, as it is shown.
    pub value: String,
}

/// One distribution.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    /// What is counted, with its unit (`length of an event, seconds`).
    pub title: String,
    /// The bins, in order.
    pub bars: Vec<Bar>,
}

/// One bin of a histogram.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    /// The bin's name (`10 to 30 s`).
    pub name: String,
    /// How many fell into it.
    pub count: u64,
}

/// A histogram with the lengths of its bars.
#[derive(Debug, Serialize)]
pub(super) struct Chart {
    title: String,
    bars: Vec<Drawn>,
}

#[derive(Debug, Serialize)]
struct Drawn {
    name: String,
    count: String,
    share: String,
    percent: f64,
}

impl Chart {
    /// Bars are as long as their share of the largest.
    pub(super) fn new(histogram: &Histogram) -> Chart {
        let largest = histogram.bars.iter().map(|bar| bar.count).max().unwrap_or(0).max(1);
        let all = histogram.bars.iter().map(|bar| bar.count).sum::<u64>().max(1);
        let bars = histogram
            .bars
            .iter()
            .map(|bar| Drawn {
                name: bar.name.clone(),
                count: facts::thousands(usize::try_from(bar.count).unwrap_or(usize::MAX)),
                share: format!("{} %", facts::short(100.0 * bar.count as f64 / all as f64)),
                percent: (1000.0 * bar.count as f64 / largest as f64).round() / 10.0,
            })
            .collect();
        Chart { title: histogram.title.clone(), bars }
    }
}
