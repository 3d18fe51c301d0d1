//! How the worth of states is found.

use super::values::{range, Coming, Grid, Terms, Values, BUFFERS, LEFT_OVER, MOST_RATES, RATE_STEP, ROW};

/// A table of worths on its way, solved backwards from the last segment that is reckoned (value iteration, Bellman 1957).
///
/// What a download comes to does not change from step to step, and is reckoned once: from one rate, if one of the outcomes
/// comes, a segment of a level takes the same time whatever the buffer, so that all buffers that outlast it move by the
/// same number of places, and those that do not end at the same one. A step is then a few sums over rows, in single
/// precision and without a branch for each state. It is a bounded piece of work, and the next can come later.
#[derive(Clone, Debug)]
pub(super) struct Solving {
    values: Values,
    /// What `values` become in the next step.
    next: Vec<f32>,
    /// What segments are worth in themselves less the stalls that are to be expected, by rate, level and buffer.
    gains: Vec<[f32; BUFFERS]>,
    /// Where downloads lead, by rate and level.
    ways: Vec<[Way; 4]>,
    /// Where the buffer is when it ran dry in a download: the place below a segment, and how far between it and the next.
    refilled: (usize, f32),
    /// Prices of the changes between neighbours, from the lowest level on.
    changes: Vec<f32>,
    /// Steps to come.
    left: usize,
}

/// Where a download of a segment of nominal size from one of the rates leads, if one of the outcomes comes.
#[derive(Clone, Copy, Debug, Default)]
struct Way {
    /// The row of the level at the lower of the two rates that the rate is between then.
    row: usize,
    /// The share of that row, and of the one at the higher rate; both together the outcome's chance.
    slower: f32,
    faster: f32,
    /// So many places, from the empty buffer on, are too little for it: the buffer runs dry.
    dry: usize,
    /// Where the first of the others ends, and how far between that place and the next.
    leads_to: usize,
    more: f32,
}

impl Solving {
    /// At the last segment: what buffer is left is worth a little.
    pub(super) fn begin(terms: &Terms, spread: f64) -> Self {
        let (low, high) = range(terms.ladder());
        let len = (libm::ceil((high - low) / RATE_STEP) as usize + 1).clamp(2, MOST_RATES);
        let rates = Grid { first: low, step: RATE_STEP, len };
        let buffers = Grid { first: 0.0, step: terms.room_s() / (BUFFERS - 1) as f64, len: BUFFERS };
        let levels = terms.ladder().len();
        let row = (0..ROW).map(|buffer| (LEFT_OVER * buffers.at(buffer.min(BUFFERS - 1))) as f32);
        let row: Vec<f32> = row.collect();
        let worth: Vec<f32> = row.iter().copied().cycle().take(len * levels * ROW).collect();
        let (place, more) = buffers.find(terms.segment_s());
        let mut solving = Self {
            next: worth.clone(),
            values: Values { buffers, rates, levels, outcomes: terms.outcomes(spread), worth },
            gains: Vec::with_capacity(len * levels),
            ways: Vec::with_capacity(len * levels),
            refilled: (place, more as f32),
            changes: (1..levels).map(|level| terms.change(level - 1, level) as f32).collect(),
            left: terms.steps(spread),
        };
        (0..len).for_each(|rate| solving.foresee(terms, rate));
        solving
    }

    /// What downloads from a rate come to.
    fn foresee(&mut self, terms: &Terms, rate: usize) {
        let Values { buffers, levels, .. } = &self.values;
        let coming = self.values.coming(self.values.rates.at(rate));
        for level in 0..*levels {
            let kbit = terms.ladder().kbps(level) * terms.segment_s();
            let mut gains = [terms.segment(level); BUFFERS];
            let ways = coming.map(|Coming { seconds_per_kbit, rate: (below, faster), chance }| {
                let takes_s = kbit * seconds_per_kbit;
                let dry = (libm::ceil(takes_s / buffers.step) as usize).min(BUFFERS);
                for (place, gain) in gains.iter_mut().enumerate().take(dry) {
                    *gain -= chance * terms.download(buffers.at(place), takes_s).0;
                }
                let (leads_to, more) = buffers.find(buffers.at(dry) - takes_s + terms.segment_s());
                Way {
                    row: below * levels + level,
                    slower: (chance * (1.0 - faster)) as f32,
                    faster: (chance * faster) as f32,
                    dry,
                    leads_to,
                    more: more as f32,
                }
            });
            self.gains.push(gains.map(|gain| gain as f32));
            self.ways.push(ways);
        }
    }

    /// One segment more; the worths once there are none.
    pub(super) fn step(mut self: Box<Self>) -> Result<Values, Box<Self>> {
        let levels = self.values.levels;
        let rates = self.next.chunks_exact_mut(levels * ROW);
        let foreseen = self.gains.chunks_exact(levels).zip(self.ways.chunks_exact(levels));
        for (rows, (gains, ways)) in rates.zip(foreseen) {
            for ((row, gains), ways) in rows.chunks_exact_mut(ROW).zip(gains).zip(ways) {
                let mut worth = *gains;
                ways.iter().for_each(|way| way.lead(&self.values, self.refilled, &mut worth));
                if let Some((row, _)) = row.split_first_chunk_mut() {
                    *row = worth;
                }
            }
            change_for_the_better(rows, &self.changes);
        }
        std::mem::swap(&mut self.values.worth, &mut self.next);
        self.left = self.left.saturating_sub(1);
        match self.left {
            0 => Ok(self.values),
            _ => Err(self),
        }
    }

    /// All that is left.
    pub(super) fn finish(self) -> Values {
        let mut solving = Box::new(self);
        loop {
            solving = match solving.step() {
                Ok(values) => return values,
                Err(solving) => solving,
            };
        }
    }
}

impl Way {
    /// Adds, buffer by buffer, what is to be expected where it leads.
    fn lead(&self, values: &Values, (refilled, more): (usize, f32), worth: &mut [f32; BUFFERS]) {
        let row = |row: usize| values.worth.get(row * ROW..(row + 1) * ROW).unwrap_or_default();
        let (slower, faster) = (row(self.row), row(self.row + values.levels));
        let (dry, wet) = worth.split_at_mut(self.dry);
        let mean = |row: &[f32]| row[refilled] * (1.0 - more) + row[refilled + 1] * more;
        let refilled = self.slower * mean(slower) + self.faster * mean(faster);
        dry.iter_mut().for_each(|worth| *worth += refilled);
        let places = self.leads_to..self.leads_to + wet.len();
        let next = self.leads_to + 1..self.leads_to + 1 + wet.len();
        let (slow_less, slow_more) = (self.slower * (1.0 - self.more), self.slower * self.more);
        let (fast_less, fast_more) = (self.faster * (1.0 - self.more), self.faster * self.more);
        let slower = slower[places.clone()].iter().zip(&slower[next.clone()]);
        let faster = faster[places].iter().zip(&faster[next]);
        for ((worth, slow), fast) in wet.iter_mut().zip(slower).zip(faster) {
            *worth += slow_less * slow.0 + slow_more * slow.1 + (fast_less * fast.0 + fast_more * fast.1);
        }
    }
}

/// From what it is worth to come to each level to what it is worth to come from each: the best of all levels less the
/// change. Prices add up along the ladder, so that it is enough to look at neighbours, once up and once down.
fn change_for_the_better(rows: &mut [f32], changes: &[f32]) {
    let better = |worth: &mut f32, than: f32| {
        if than > *worth {
            *worth = than;
        }
    };
    let upper = |level: usize| (level + 1) * ROW;
    for (level, change) in changes.iter().enumerate() {
        let (below, above) = rows.split_at_mut(upper(level));
        let below = &below[level * ROW..][..BUFFERS];
        above.iter_mut().zip(below).for_each(|(worth, from)| better(worth, from - change));
    }
    for (level, change) in changes.iter().enumerate().rev() {
        let (below, above) = rows.split_at_mut(upper(level));
        let below = &mut below[level * ROW..][..BUFFERS];
        below.iter_mut().zip(&*above).for_each(|(worth, from)| better(worth, from - change));
    }
    for row in rows.chunks_exact_mut(ROW) {
        let (row, behind) = row.split_at_mut(BUFFERS);
        behind.fill(row.last().copied().unwrap_or_default());
    }
}

#[cfg(test)]
#[allow(clippy::panic)] // What goes wrong here fails the test that asked for it.
mod tests {
    use super::super::values::tests::{terms, unknown_sizes};
    use super::*;

    /// The same by the definition, state by state, each download reckoned where it is met.
    fn by_definition(terms: &Terms, spread: f64, like: &Values) -> Vec<f64> {
        let Values { buffers, rates, levels, outcomes, .. } = like;
        let mut worth: Vec<f64> =
            (0..rates.len * levels * BUFFERS).map(|at| LEFT_OVER * buffers.at(at % BUFFERS)).collect();
        for _ in 0..terms.steps(spread) {
            let of = |buffer_s: f64, log: f64, level: usize| {
                let ((buffer, more), (rate, faster)) = (buffers.find(buffer_s), rates.find(log));
                let worth = |rate: usize, buffer: usize| worth[(rate * levels + level) * BUFFERS + buffer];
                let low = worth(rate, buffer) * (1.0 - more) + worth(rate, buffer + 1) * more;
                let high = worth(rate + 1, buffer) * (1.0 - more) + worth(rate + 1, buffer + 1) * more;
                low * (1.0 - faster) + high * faster
            };
            let one = |at: usize| {
                let (rate, last, buffer) = (at / BUFFERS / levels, at / BUFFERS % levels, at % BUFFERS);
                let to = |level: usize| {
                    let expected = outcomes.iter().map(|outcome| {
                        let kbit = terms.ladder().kbps(level) * terms.segment_s();
                        let takes_s = kbit / libm::exp(rates.at(rate) + outcome.by);
                        let (stall, buffer_s) = terms.download(buffers.at(buffer), takes_s);
                        outcome.chance * (of(buffer_s, rates.at(rate) + outcome.then, level) - stall)
                    });
                    terms.segment(level) - terms.change(last, level) + expected.sum::<f64>()
                };
                (0..*levels).map(to).fold(f64::MIN, f64::max)
            };
            worth = (0..worth.len()).map(one).collect();
        }
        worth
    }

    #[test]
    fn whole_rows_come_to_what_each_state_is_worth_by_itself() {
        let on_demand = terms(&[235.0, 375.0, 750.0, 1_750.0, 3_000.0], 3_000.0, 25_000.0);
        let live = terms(&[1_000.0, 4_000.0, 40_000.0], 3_000.0, 10_000.0);
        let no_room_for_two = terms(&[300.0, 300.0, 3_000.0], 10_000.0, 20_000.0);
        let short = terms(&[500.0, 5_000.0], 1_000.0, 30_000.0);
        let sizes = unknown_sizes(&[300.0, 1_000.0, 3_000.0], 3_000.0, 25_000.0);
        for (terms, spread) in [
            (on_demand, 0.15),
            (live, 0.46),
            (no_room_for_two, 0.06),
            (short, 0.65),
            (sizes.clone(), 0.06),
            (sizes, 0.1),
        ] {
            let values = Solving::begin(&terms, spread).finish();
            for (at, worth) in by_definition(&terms, spread, &values).into_iter().enumerate() {
                let found = f64::from(values.worth[at / BUFFERS * ROW + at % BUFFERS]);
                assert!((found - worth).abs() <= 1e-4 * worth.abs().max(1.0), "{at}: {found} for {worth}, {terms:?}");
            }
        }
    }

    #[test]
    fn it_takes_a_step_for_each_segment_that_is_reckoned_ahead() {
        let terms = terms(&[300.0, 3_000.0], 4_000.0, 30_000.0);
        let mut solving = Box::new(Solving::begin(&terms, 0.1));
        for _ in 1..terms.steps(0.1) {
            let Err(more) = solving.step() else { panic!("done too early") };
            solving = more;
        }
        assert!(solving.step().is_ok());
    }
}
