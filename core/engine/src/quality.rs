//! Quality that is known, beside what it takes: no bits are spent for what nobody sees.
//!
//! Where a manifest says how good its renditions are, a level that is dearer than another and hardly better is left out before
//! any rule sees the ladder. Unlike the [caps](crate::caps) this takes nothing that could be needed: where the cheaper one
//! fails, the dearer one is there.

use telecine_model::{DeclaredQuality, TrackKind};

use crate::engine::Engine;
use crate::select::Step;
use crate::stream::Stream;

/// What is better by less than this share of the best is no better: on the scale of VMAF, whose best is 100, less than one.
const SEEN_PERCENT: u64 = 1;

impl Engine {
    /// The ladder of a stream as it is to be chosen from: what is [usable](Engine::usable_steps) and worth its bits. `keep` stays
    /// in any case: what is fetched already.
    pub(crate) fn steps_to_choose_from(&self, stream: &Stream, keep: Option<usize>) -> Vec<Step> {
        let mut steps = self.usable_steps(stream);
        if stream.kind == TrackKind::Video && steps.len() > 1 {
            let worth = self.which_are_worth_their_bits(stream, &steps);
            let mut worth = worth.into_iter();
            steps.retain(|step| worth.next().unwrap_or(true) || Some(step.rendition) == keep);
        }
        steps
    }

    /// For each of a ladder's steps whether it is better than all that are cheaper.
    pub(crate) fn which_are_worth_their_bits(&self, stream: &Stream, steps: &[Step]) -> Vec<bool> {
        let declared = |step: &Step| self.rendition(stream.reference(step.rendition))?.quality;
        worth_their_bits(&steps.iter().map(declared).collect::<Vec<_>>())
    }
}

/// For each quality of an ascending ladder whether it is better than all before it. Where one of them is not known, or they are
/// told in different ways, all are.
fn worth_their_bits(declared: &[Option<DeclaredQuality>]) -> Vec<bool> {
    use DeclaredQuality::{Ranking, Score};
    let scores: Option<Vec<u64>> =
        declared.iter().map(|quality| quality.and_then(DeclaredQuality::score_milli)).collect();
    if let Some(scores) = scores {
        let best = scores.iter().copied().max().unwrap_or(0);
        let seen = (best / 100).saturating_mul(SEEN_PERCENT).max(1);
        return better_than_before(&scores, |score, before| score >= before.saturating_add(seen));
    }
    let ranks: Option<Vec<u64>> = declared
        .iter()
        .map(|quality| match quality {
            Some(Ranking(rank)) => Some(*rank),
            Some(Score(_)) | None => None,
        })
        .collect();
    // Of places in an order nobody knows how far they are apart.
    ranks.map_or(vec![true; declared.len()], |ranks| better_than_before(&ranks, |rank, before| rank < before))
}

/// Which values are better than the best before them; the first is.
fn better_than_before(values: &[u64], better: impl Fn(u64, u64) -> bool) -> Vec<bool> {
    let mut best: Option<u64> = None;
    let mut keeps = |value: &u64| {
        let keep = best.is_none_or(|best| better(*value, best));
        if keep {
            best = Some(*value);
        }
        keep
    };
    values.iter().map(&mut keeps).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use DeclaredQuality::{Ranking, Score};

    fn kept(declared: &[Option<DeclaredQuality>]) -> Vec<usize> {
        let worth = worth_their_bits(declared);
        (0..declared.len()).filter(|level| worth[*level]).collect()
    }

    fn scores(vmaf: &[f64]) -> Vec<Option<DeclaredQuality>> {
        vmaf.iter().map(|vmaf| Some(Score((vmaf * 1000.0) as u64))).collect()
    }

    #[test]
    fn under_one_vmaf_more_is_not_worth_a_bit() {
        assert_eq!(kept(&scores(&[40.0, 70.0, 94.5, 95.0])), [0, 1, 2]);
        assert_eq!(kept(&scores(&[40.0, 70.0, 94.0, 95.5])), [0, 1, 2, 3]);
        // Two small steps are one that is seen.
        assert_eq!(kept(&scores(&[40.0, 94.0, 94.6, 95.2])), [0, 1, 3]);
    }

    #[test]
    fn a_dearer_level_that_is_worse_is_left_out() {
        assert_eq!(kept(&scores(&[40.0, 80.0, 75.0, 90.0])), [0, 1, 3]);
        assert_eq!(kept(&[Some(Ranking(3)), Some(Ranking(1)), Some(Ranking(2)), Some(Ranking(1))]), [0, 1]);
    }

    #[test]
    fn scores_of_another_scale_are_held_against_their_best() {
        assert_eq!(kept(&scores(&[0.4, 0.7, 0.945, 0.95])), [0, 1, 2]);
        assert_eq!(kept(&scores(&[1.0, 2.0, 3.0, 4.0])), [0, 1, 2, 3], "places as scores");
        assert_eq!(kept(&[Some(Ranking(12)), Some(Ranking(11)), Some(Ranking(10)), Some(Ranking(0))]), [0, 1, 2, 3]);
    }

    #[test]
    fn what_is_known_of_some_alone_takes_nothing_away() {
        assert_eq!(kept(&[Some(Score(9000)), None, Some(Score(9000))]), [0, 1, 2]);
        assert_eq!(kept(&[Some(Score(9000)), Some(Ranking(1)), Some(Score(9000))]), [0, 1, 2]);
        assert_eq!(kept(&[None, None]), [0, 1]);
        assert_eq!(kept(&scores(&[0.0, 0.0])), [0], "nothing is better than nothing");
        assert!(kept(&[]).is_empty());
    }
}
