//! Bins, means and medians.

use serde::{Deserialize, Serialize};

/// One bar of a histogram: values above `above` and up to `up_to`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// The bin begins above this; the first bin of all takes whatever is not above its end.
    pub above: f64,
    /// The bin ends with this; absent for the last one.
    pub up_to: Option<f64>,
    /// Videos, or events, in it.
    pub count: usize,
}

impl Bin {
    /// The bin's name where values are measured: `up to 30`, `30 to 60`, `over 600`.
    pub fn name(&self) -> String {
        match self.up_to {
            Some(up_to) if self.above >= up_to => format!("up to {up_to}"),
            Some(up_to) if self.above == 0.0 => format!("up to {up_to}"),
            Some(up_to) => format!("{} to {up_to}", self.above),
            None => format!("over {}", self.above),
        }
    }

    /// The bin's name where values are whole numbers: `0`, `1 to 3`, `over 37`.
    pub fn whole_name(&self) -> String {
        match self.up_to {
            Some(up_to) if self.above + 1.0 >= up_to => up_to.to_string(),
            Some(up_to) => format!("{} to {up_to}", self.above + 1.0),
            None => format!("over {}", self.above),
        }
    }
}

/// Bins, and the mean of what went into them.
#[derive(Debug, Clone)]
pub(crate) struct Histogram {
    pub(crate) bins: Vec<Bin>,
    pub(crate) values: Mean,
}

/// `first`, `first + step`, ... up to `last`.
pub(crate) fn steps(first: f64, step: f64, last: f64) -> impl Iterator<Item = f64> {
    (0..).map(move |i| first + step * f64::from(i)).take_while(move |edge| *edge <= last)
}

impl Histogram {
    /// Bins that end with each of `edges`, ascending, and one for everything above.
    pub(crate) fn new(edges: impl IntoIterator<Item = f64>) -> Histogram {
        let mut bins = Vec::new();
        let mut above = 0.0;
        for edge in edges {
            bins.push(Bin { above, up_to: Some(edge), count: 0 });
            above = edge;
        }
        bins.push(Bin { above, up_to: None, count: 0 });
        Histogram { bins, values: Mean::default() }
    }

    pub(crate) fn steps(first: f64, step: f64, last: f64) -> Histogram {
        Histogram::new(steps(first, step, last))
    }

    pub(crate) fn add(&mut self, value: f64) {
        self.values.add(value);
        let bin = bin_of(&self.bins, value);
        self.bins[bin].count += 1;
    }
}

/// The index of the bin that `value` falls into; an edge belongs to the bin below it.
fn bin_of(bins: &[Bin], value: f64) -> usize {
    bins.partition_point(|bin| bin.up_to.is_some_and(|edge| value > edge))
}

/// A running mean.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Mean {
    sum: f64,
    pub(crate) count: usize,
}

impl Mean {
    pub(crate) fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1;
    }

    pub(crate) fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}

/// The middle value, or the mean of the two in the middle.
pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(values[middle]),
        _ => Some((values[middle - 1] + values[middle]) / 2.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_has_one_bin_and_an_edge_belongs_to_the_one_below() {
        let mut histogram = Histogram::new([0.0, 3.0, 5.0]);
        for value in [-1.0, 0.0, 0.5, 3.0, 3.1, 5.0, 5.1, 1e300] {
            histogram.add(value);
        }
        let counts: Vec<usize> = histogram.bins.iter().map(|bin| bin.count).collect();
        assert_eq!(counts, [2, 2, 2, 2]);
    }

    #[test]
    fn bins_are_named_for_a_person() {
        let names = |bins: &[Bin], name: fn(&Bin) -> String| -> Vec<String> {
            bins.iter().map(name).collect()
        };
        let measured = Histogram::new([1.0, 10.0, 30.0]).bins;
        assert_eq!(names(&measured, Bin::name), ["up to 1", "1 to 10", "10 to 30", "over 30"]);
        let whole = Histogram::new([0.0, 3.0, 4.0, 6.0]).bins;
        assert_eq!(names(&whole, Bin::whole_name), ["0", "1 to 3", "4", "5 to 6", "over 6"]);
    }

    #[test]
    fn the_median_of_an_even_number_lies_between_the_two_in_the_middle() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![9.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![9.0, 1.0, 2.0, 4.0]), Some(3.0));
    }
}
