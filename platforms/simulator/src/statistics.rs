//! How sure a difference is.

use serde::Serialize;

/// Samples that are drawn for an interval.
const DRAWS: usize = 2_000;

/// A mean and the interval in which it lies in 95 of 100 cases.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// The mean.
    pub mean: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// The mean of values, with the interval that drawing from them again and again gives (the percentile
    /// bootstrap). Values of the same traces for two rules are compared by the interval of their
    /// differences. The draws are the same in every run for the same seed. None for no values.
    pub fn of_mean(values: &[f64], seed: u64) -> Option<Self> {
        if values.is_empty() {
            return None;
        }
        let mean = |sum: f64| sum / values.len() as f64;
        let mut chance = Chance(seed);
        let mut means: Vec<f64> =
            (0..DRAWS).map(|_| mean((0..values.len()).map(|_| values[chance.below(values.len())]).sum())).collect();
        means.sort_by(f64::total_cmp);
        let at = |share: f64| means[((DRAWS - 1) as f64 * share + 0.5) as usize];
        Some(Self { mean: mean(values.iter().sum()), low: at(0.025), high: at(0.975) })
    }
}

/// The sequence of splitmix64: every 64-bit number once.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// An index below `end`: the high half of a product, which is even enough for what is drawn here.
    fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.next()) * end as u128) >> 64) as usize
    }
}

/// What a rule got of what could be had: nothing is what the lowest level gets, one is the optimum. A ratio of
/// sums, so that a trace on which nothing can be had does not outweigh the others (abr.md 4.4). Each item is
/// the score of the rule, of the lowest level, and of the optimum. None where nothing can be had on any.
pub fn normalised(scores: impl IntoIterator<Item = (f64, f64, f64)>) -> Option<f64> {
    let (got, had) = scores
        .into_iter()
        .fold((0.0, 0.0), |(got, had), (rule, lowest, optimum)| (got + (rule - lowest), had + (optimum - lowest)));
    (had > 0.0).then(|| got / had)
}
