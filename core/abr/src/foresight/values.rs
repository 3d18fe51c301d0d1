//! What a state of playback is worth.

use crate::published::Ladder;

/// Media that is reckoned ahead, in seconds, and in segments at least and at most.
const HORIZON_S: f64 = 39.5;
/// The same on a line that keeps still. That the rate falls far is reckoned with for each segment anew, which over the longer one
/// is a chance of one in three: too much there, and what is played low for it is never needed.
const HORIZON_STILL_S: f64 = 21.5;
/// A line whose rate moves by no more than this from one segment to the next, as a logarithm, keeps still. What falls far
/// there comes back, and does not stay as it does where a phone moves away.
const STILL: f64 = 0.08;
const LEAST_STEPS: usize = 5;
const MOST_STEPS: usize = 80;
/// By how many spreads rates rise and fall.
const NEAR: f64 = 1.3;
/// The chance that the rate falls far, by how many spreads it does then, and how far at least, as a logarithm.
const FAR: f64 = 0.035;
const FAR_SPREADS: f64 = 2.8;
const LEAST_FAR: f64 = 0.6;
/// How much of a typical error of sizes is reckoned with, as it is of rates.
const SIZES_SHARE: f64 = 0.58;
/// To expect too much costs more than to expect too little.
const LOWER: f64 = 0.024;
/// Media of the segments that all of this is reckoned by, in seconds: in a shorter one less happens.
const USUAL_SEGMENT_S: f64 = 3.0;
/// More buffer than this, in seconds, is as good as this.
const MOST_BUFFER_S: f64 = 40.0;
/// Places of the buffer that are told apart.
pub(super) const BUFFERS: usize = 24;
/// Places of a row of worths: behind the last buffer its worth again, for what a segment more comes to. There is room
/// for one segment at least, so that it comes to no more than that.
pub(super) const ROW: usize = 2 * BUFFERS;
/// How far rates that are told apart lie from each other, as logarithms.
pub(super) const RATE_STEP: f64 = 0.3;
/// Most of them: a ladder from a kilobit to a terabit.
pub(super) const MOST_RATES: usize = 100;
/// Worth of a second of buffer behind the last segment that is reckoned.
pub(super) const LEFT_OVER: f64 = 0.0077;
/// Price of a change from the lowest level to the highest, in seconds of stall.
const CHANGE: f64 = 1.11;
/// Media at the highest level that is worth one second of stall, in seconds (3 in QoE_lin of segments of 3 s, abr.md 4.3).
const MEDIA_PER_STALL_S: f64 = 4.15;
/// What a stall costs however short it is, in seconds of it; in proportion below what everybody notices.
const STALL: f64 = 0.5;
const NOTICED_S: f64 = 0.25;
/// Where the quality of levels is not known: how much of a level's worth is what is seen of it (as the logarithm of the
/// bitrate, Q1 of abr.md 4.2); the rest is in proportion to the bitrate (QoE_lin, abr.md 4.3).
const SEEN_SHARE: f64 = 0.32;
/// A stall costs for so many seconds at most: afterwards nothing that was chosen matters.
const LONGEST_STALL_S: f64 = 60.0;

/// A title and its player, as far as worth depends on them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Title<'a> {
    pub(super) ladder: &'a Ladder,
    pub(super) segment_ms: f64,
    /// What the buffer takes.
    pub(super) capacity_ms: f64,
    /// How far the logarithm of a segment's size is off, each by itself.
    pub(super) size_error: f64,
}

/// What a title and its player come to.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Terms {
    ladder: Ladder,
    /// To 1 for the highest, by level.
    utilities: Vec<f64>,
    segment_s: f64,
    capacity_s: f64,
    size_error: f64,
}

impl Terms {
    pub(super) fn new(title: &Title<'_>) -> Self {
        let (ladder, size_error) = (title.ladder, title.size_error);
        let (segment_s, capacity_s) = Self::lengths(title);
        let top = ladder.kbps(ladder.top());
        let range = ladder.log(ladder.top()) - ladder.log(0);
        let seen = |level: usize| if range > 0.0 { (ladder.log(level) - ladder.log(0)) / range } else { 1.0 };
        let by_bitrate = |level: usize| (1.0 - SEEN_SHARE) * ladder.kbps(level) / top + SEEN_SHARE * seen(level);
        let utility = |level: usize| ladder.quality(level).unwrap_or_else(|| by_bitrate(level));
        let utilities = (0..ladder.len()).map(utility).collect();
        Self { ladder: ladder.clone(), utilities, segment_s, capacity_s, size_error }
    }

    /// Whether they still serve. Live segments are never equally long, and neither is what a live buffer can take: small
    /// differences make no other terms.
    pub(super) fn serve(&self, title: &Title<'_>) -> bool {
        let (segment_s, capacity_s) = Self::lengths(title);
        let near = |one: f64, other: f64, by: f64| (one - other).abs() <= (by * other).max(0.25);
        let lengths = near(segment_s, self.segment_s, 0.05) && near(capacity_s, self.capacity_s, 0.1);
        lengths && self.size_error == title.size_error && self.ladder == *title.ladder
    }

    /// Of a segment and of the buffer, in quarters of a second.
    fn lengths(&Title { segment_ms, capacity_ms, .. }: &Title<'_>) -> (f64, f64) {
        let quarters = |ms: f64, most: f64| (libm::round(ms / 250.0) / 4.0).clamp(0.25, most);
        let segment_s = quarters(segment_ms, 60.0);
        // Where there is room for no more than one, every download would begin with nothing.
        (segment_s, quarters(capacity_ms, MOST_BUFFER_S).max(2.0 * segment_s))
    }

    pub(super) fn ladder(&self) -> &Ladder {
        &self.ladder
    }

    pub(super) fn segment_s(&self) -> f64 {
        self.segment_s
    }

    /// With more buffer than this a request waits: its segment has no room.
    pub(super) fn room_s(&self) -> f64 {
        self.capacity_s - self.segment_s
    }

    fn utility(&self, level: usize) -> f64 {
        self.utilities.get(level).copied().unwrap_or(1.0)
    }

    /// Price of a change of level.
    pub(super) fn change(&self, from: usize, to: usize) -> f64 {
        CHANGE * (self.utility(to) - self.utility(from)).abs()
    }

    /// Worth of a segment in itself.
    pub(super) fn segment(&self, level: usize) -> f64 {
        self.segment_of(level, 0.0)
    }

    /// The same of one that is longer, or shorter, by so many seconds.
    pub(super) fn segment_of(&self, level: usize, longer_s: f64) -> f64 {
        self.utility(level) * (self.segment_s + longer_s).max(0.0) / MEDIA_PER_STALL_S
    }

    /// How much of what happens from one usual segment to the next happens from one of these to the next.
    fn share(&self) -> f64 {
        (self.segment_s / USUAL_SEGMENT_S).min(1.0)
    }

    /// What comes of a download of so many seconds: the price of the stall, and the buffer with the segment. One stall goes over many
    /// segments where they are short.
    pub(super) fn download(&self, buffer_s: f64, takes_s: f64) -> (f64, f64) {
        let stall_s = (takes_s - buffer_s).clamp(0.0, LONGEST_STALL_S);
        let stall = stall_s + STALL * self.share() * (stall_s / NOTICED_S).min(1.0);
        (stall, ((buffer_s - takes_s).max(0.0) + self.segment_s).min(self.capacity_s))
    }

    /// What may come of the rate with a spread.
    pub(super) fn outcomes(&self, spread: f64) -> [Outcome; 4] {
        outcomes(spread, self.size_error, self.share())
    }

    /// How many segments are reckoned ahead where the rate has a spread.
    pub(super) fn steps(&self, spread: f64) -> usize {
        let horizon_s = if spread <= STILL { HORIZON_STILL_S } else { HORIZON_S };
        ((horizon_s / self.segment_s) as usize).clamp(LEAST_STEPS, MOST_STEPS)
    }
}

/// One thing that may come of the rate, with so much of the chance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Outcome {
    /// The next download is as if the logarithm of the rate had moved by so much.
    pub(super) by: f64,
    /// By how much it has moved afterwards.
    pub(super) then: f64,
    pub(super) chance: f64,
}

/// One of the outcomes from some rate on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coming {
    pub(super) seconds_per_kbit: f64,
    /// Between which two rates that are told apart it is then, and how far.
    pub(super) rate: (usize, f64),
    pub(super) chance: f64,
}

/// The mean of something over what may come.
pub(super) fn expect(coming: &[Coming; 4], of: impl Fn(&Coming) -> f64) -> f64 {
    coming.iter().map(|coming| coming.chance * of(coming)).sum()
}

/// What may come of the rate with a spread: it stays, rises or falls, all a little [`LOWER`]; and now and then it falls far,
/// however still it was. A segment takes longer or shorter by its size too where that is off, and the rate is what it was. Segments that
/// are a share of usual ones have that share of all chances, and of a walk its root.
fn outcomes(spread: f64, size_error: f64, share: f64) -> [Outcome; 4] {
    let of_size = SIZES_SHARE * size_error;
    let both = libm::sqrt(spread * spread + of_size * of_size);
    let (far, walk) = (FAR * share, spread * libm::sqrt(share));
    let near = 1.0 - far;
    let nearby = |spreads: f64, chance: f64| Outcome {
        by: spreads * both - LOWER,
        then: spreads * walk - LOWER * share,
        chance: chance * near,
    };
    let fall = (FAR_SPREADS * both).max(LEAST_FAR);
    let stays = if spread <= STILL { 0.0 } else { fall };
    let falls = Outcome { by: -fall, then: -stays, chance: far };
    [nearby(-NEAR, 0.25), nearby(0.0, 0.5), nearby(NEAR, 0.25), falls]
}

/// The logarithms of rates that matter for a ladder: from hardly anything of its lowest level to more than enough for
/// its highest.
pub(super) fn range(ladder: &Ladder) -> (f64, f64) {
    (libm::log(0.1 * ladder.kbps(0)), libm::log(3.0 * ladder.kbps(ladder.top())))
}

/// Equal steps from a first place on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    pub(super) first: f64,
    pub(super) step: f64,
    pub(super) len: usize,
}

impl Grid {
    pub(super) fn at(&self, place: usize) -> f64 {
        self.first + self.step * place as f64
    }

    /// The place below, and how far between it and the next; at the ends the ends.
    pub(super) fn find(&self, value: f64) -> (usize, f64) {
        let steps = ((value - self.first) / self.step).clamp(0.0, (self.len - 1) as f64);
        let below = (steps as usize).min(self.len - 2);
        (below, steps - below as f64)
    }
}

/// What is downloaded next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Download {
    /// The level that the last segment has afterwards.
    pub(super) level: usize,
    pub(super) kbit: f64,
    /// From the request to the first bit.
    pub(super) latency_s: f64,
    /// What a second costs in which nothing plays for want of it: 1 is a stall's price.
    pub(super) wait_price: f64,
    /// Media in it that is not played.
    pub(super) lead_in_s: f64,
    /// Media in it beyond that of a segment of the terms; negative where it is shorter.
    pub(super) longer_s: f64,
}

/// The worth of each state under the best choices from there on, for one spread of the rate: what the buffer holds, of
/// which level the last segment is, what the rate is believed to be. See [`Solving`] for where it comes from.
#[derive(Clone, Debug)]
pub(super) struct Values {
    /// Up to what leaves room for a segment: with more, the next request waits, and comes to the same.
    pub(super) buffers: Grid,
    pub(super) rates: Grid,
    pub(super) levels: usize,
    pub(super) outcomes: [Outcome; 4],
    /// By rate, level, and buffer: rows of [`ROW`].
    pub(super) worth: Vec<f32>,
}

impl Values {
    /// What may come of a rate.
    pub(super) fn coming(&self, log_rate: f64) -> [Coming; 4] {
        self.outcomes.map(|Outcome { by, then, chance }| Coming {
            seconds_per_kbit: 1.0 / libm::exp(log_rate + by),
            rate: self.rates.find(log_rate + then),
            chance,
        })
    }

    /// What is to be expected after a download that begins with a buffer, of what may come of the rate.
    pub(super) fn after(&self, terms: &Terms, buffer_s: f64, coming: &[Coming; 4], next: &Download) -> f64 {
        expect(coming, |coming| {
            let (stall, buffer) = terms.download(buffer_s, next.latency_s + next.kbit * coming.seconds_per_kbit);
            self.when(coming, (buffer + next.longer_s - next.lead_in_s).max(0.0), next.level) - next.wait_price * stall
        })
    }

    /// The worth of a state when that has come: a buffer in seconds, the level of the last segment.
    pub(super) fn when(&self, coming: &Coming, buffer_s: f64, level: usize) -> f64 {
        self.between(self.buffers.find(buffer_s), coming.rate, level)
    }

    /// The worth of a state: a buffer in seconds, the logarithm of a rate, the level of the last segment.
    pub(super) fn at(&self, buffer_s: f64, log_rate: f64, level: usize) -> f64 {
        self.between(self.buffers.find(buffer_s), self.rates.find(log_rate), level)
    }

    /// Between the states that are told apart.
    fn between(&self, (buffer, more): (usize, f64), (rate, faster): (usize, f64), level: usize) -> f64 {
        let worth = |rate: usize, buffer: usize| f64::from(self.worth[(rate * self.levels + level) * ROW + buffer]);
        let of_rate = |rate: usize| worth(rate, buffer) * (1.0 - more) + worth(rate, buffer + 1) * more;
        of_rate(rate) * (1.0 - faster) + of_rate(rate + 1) * faster
    }
}

#[cfg(test)]
#[allow(clippy::panic)] // What goes wrong here fails the test that asked for it.
pub(super) mod tests {
    use super::super::solving::Solving;
    use super::*;

    /// Of a ladder in kbit/s; also for the tests of the solver.
    pub(in super::super) fn terms(kbps: &[f64], segment_ms: f64, capacity_ms: f64) -> Terms {
        let Some(ladder) = Ladder::new(kbps.iter().copied()) else { panic!("{kbps:?} is no ladder") };
        Terms::new(&Title { ladder: &ladder, segment_ms, capacity_ms, size_error: 0.0 })
    }

    /// The same where the sizes of segments are not known.
    pub(in super::super) fn unknown_sizes(kbps: &[f64], segment_ms: f64, capacity_ms: f64) -> Terms {
        Terms { size_error: 0.2, ..terms(kbps, segment_ms, capacity_ms) }
    }

    const KBPS: &[f64] = &[300.0, 1_000.0, 3_000.0];

    #[test]
    fn more_buffer_and_more_rate_are_never_worth_less() {
        let terms = terms(KBPS, 3_000.0, 24_000.0);
        let values = Solving::begin(&terms, 0.22).finish();
        for level in 0..3 {
            for step in 0..20 {
                let (buffer, log) = (f64::from(step), 5.0 + 0.2 * f64::from(step));
                assert!(values.at(buffer + 1.0, 7.0, level) >= values.at(buffer, 7.0, level) - 1e-6);
                assert!(values.at(8.0, log + 0.2, level) >= values.at(8.0, log, level) - 1e-6);
            }
        }
    }

    #[test]
    fn with_all_the_rate_in_the_world_the_highest_level_is_worth_its_media() {
        let terms = terms(KBPS, 3_000.0, 24_000.0);
        let values = Solving::begin(&terms, 0.06).finish();
        // Less what the last download takes of the buffer.
        let all = terms.steps(0.06) as f64 * 3.0 / MEDIA_PER_STALL_S + LEFT_OVER * 24.0;
        assert!((values.at(21.0, 9.0, 2) - all).abs() < 0.1, "{} of {all}", values.at(21.0, 9.0, 2));
    }

    #[test]
    fn segments_of_hardly_another_length_are_the_same_to_it() {
        let terms = terms(KBPS, 2_000.0, 30_000.0);
        let title = Title { ladder: &terms.ladder, segment_ms: 2_000.0, capacity_ms: 30_000.0, size_error: 0.0 };
        assert!(terms.serve(&Title { segment_ms: 2_090.0, capacity_ms: 29_500.0, ..title }));
        assert!(!terms.serve(&Title { segment_ms: 4_000.0, ..title }));
        assert!(!terms.serve(&Title { capacity_ms: 20_000.0, ..title }));
        assert!(!terms.serve(&Title { size_error: 0.2, ..title }));
    }

    #[test]
    fn what_may_come_is_certain_to_come_in_one_of_the_ways() {
        let sum: f64 = outcomes(0.3, 0.1, 0.5).iter().map(|outcome| outcome.chance).sum();
        assert!((sum - 1.0).abs() < 1e-12);
    }

    #[test]
    fn what_falls_far_comes_back_on_a_line_that_keeps_still_and_stays_on_one_that_moves() {
        let [.., still] = outcomes(0.06, 0.0, 1.0);
        let [.., moving] = outcomes(0.15, 0.0, 1.0);
        assert_eq!((still.by, still.then), (-LEAST_FAR, 0.0));
        assert_eq!(moving.by, moving.then);
    }

    #[test]
    fn sizes_that_are_not_known_move_downloads_and_not_the_rate() {
        let (known, unknown) = (outcomes(0.15, 0.0, 1.0), outcomes(0.15, 0.2, 1.0));
        assert!(unknown[0].by < known[0].by - 0.02 && unknown[2].by > known[2].by + 0.02);
        assert_eq!((unknown[0].then, unknown[2].then), (known[0].then, known[2].then));
    }

    #[test]
    fn a_minute_of_short_segments_holds_no_more_falls_than_one_of_long_ones() {
        let falls_a_minute = |segment_ms: f64| {
            let [.., falls] = terms(KBPS, segment_ms, 24_000.0).outcomes(0.22);
            falls.chance * 60_000.0 / segment_ms
        };
        assert!((falls_a_minute(500.0) - falls_a_minute(3_000.0)).abs() < 1e-9);
        assert!((falls_a_minute(1_000.0) - falls_a_minute(3_000.0)).abs() < 1e-9);
    }

    #[test]
    fn the_rate_goes_as_far_in_six_short_segments_as_in_one_usual_one() {
        let variance = |segment_ms: f64| {
            let outcomes = terms(KBPS, segment_ms, 24_000.0).outcomes(0.22);
            let [low, middle, high, _] = outcomes.map(|outcome| outcome.then);
            let mean = 0.25 * low + 0.5 * middle + 0.25 * high;
            0.25 * (low - mean).powi(2) + 0.5 * (middle - mean).powi(2) + 0.25 * (high - mean).powi(2)
        };
        assert!((6.0 * variance(500.0) - variance(3_000.0)).abs() < 1e-9);
    }
}
