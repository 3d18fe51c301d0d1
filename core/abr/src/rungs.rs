//! The ladder of a question, as rules that reckon with one keep it.

use crate::published::Ladder;
use crate::rule::Level;

/// A ladder that is built anew where levels change.
#[derive(Debug, Default)]
pub(crate) struct Rungs {
    /// Declared bitrates and scores of the ladder.
    declared: Vec<(u64, Option<u64>)>,
    ladder: Option<Ladder>,
}

impl Rungs {
    /// The ladder of these levels; None where it has no steps, and nothing is to be chosen.
    pub(crate) fn of(&mut self, levels: &[Level]) -> Option<&Ladder> {
        let declared = || levels.iter().map(|level| (level.bitrate, level.score));
        if !self.declared.iter().copied().eq(declared()) {
            self.declared.clear();
            self.declared.extend(declared());
            let ladder = Ladder::new(levels.iter().map(|level| level.rate() / 1000.0));
            let scores: Option<Vec<u64>> = levels.iter().map(|level| level.score).collect();
            self.ladder = ladder.map(|ladder| match scores {
                Some(scores) => ladder.with_quality(&scores),
                None => ladder,
            });
        }
        self.ladder.as_ref().filter(|ladder| ladder.has_steps())
    }
}
