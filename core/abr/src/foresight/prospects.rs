//! Candidates, compared by what they lead to.

use super::values::{Download, Terms, Values};
use crate::published::{Buffered, InFlight, Replacing, Scene};

/// The spreads that are told apart, in ascending order.
const SPREADS: [f64; 7] = [0.06, 0.10, 0.15, 0.22, 0.32, 0.46, 0.65];
/// The spread that is reckoned with, as a share of the typical error. Some of that is a segment's own.
const SPREAD_SHARE: f64 = 0.58;
/// To fetch something again has to be worth so much more, in seconds of stall.
const REPLACING_MARGIN: f64 = 0.003;
/// With each further segment of what is fetched again the rate is taken for lower by so much of its spread.
const LATER: f64 = 0.3;
/// To give a request up has to be worth so much more, in seconds of stall.
pub(super) const MARGIN: f64 = 0.02;
/// The same for one that was made in the place of another: who gives up again and again gets nothing.
pub(super) const MARGIN_AGAIN: f64 = 0.5;

/// The worth of a title's states, solved for each spread that is met, when it is met for the first time.
#[derive(Debug, Default)]
pub(super) struct Prospects {
    tables: Option<Tables>,
}

#[derive(Debug)]
struct Tables {
    terms: Terms,
    of: [Option<Values>; SPREADS.len()],
}

/// What the network is believed to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Outlook {
    /// The logarithm of the rate in kbit/s.
    pub(super) log_rate: f64,
    /// How far that is off, typically.
    pub(super) typical_error: f64,
    /// From a request to its first bit, in seconds.
    pub(super) latency_s: f64,
}

impl Outlook {
    /// Which of [`SPREADS`] is nearest to how far the rate moves.
    fn class(&self) -> usize {
        let spread = SPREAD_SHARE * self.typical_error;
        // Between two the geometric mean decides.
        SPREADS.windows(2).take_while(|pair| spread * spread > pair[0] * pair[1]).count()
    }

    /// How far the rate moves, of what is told apart.
    pub(super) fn spread(&self) -> f64 {
        SPREADS.get(self.class()).copied().unwrap_or(1.0)
    }
}

/// What is asked about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment<'a> {
    /// Level of the segment before; None where there is none, and so no change from it.
    pub(super) last: Option<usize>,
    pub(super) outlook: Outlook,
    pub(super) scene: &'a Scene<'a>,
    /// What a second costs in which nothing plays: 1 is a stall's price.
    pub(super) wait_price: f64,
    /// Media of the segment that is asked about which is not played.
    pub(super) lead_in_s: f64,
}

impl<'a> Moment<'a> {
    /// That of a scene in the midst of playback.
    pub(super) fn of(scene: &'a Scene<'a>, last: usize, outlook: Outlook) -> Self {
        Self { last: Some(last.min(scene.ladder.top())), outlook, scene, wait_price: 1.0, lead_in_s: 0.0 }
    }

    /// The segment that is asked about, requested now.
    fn anew(&self, level: usize) -> Download {
        let kbit = self.scene.bits(0, level) / 1000.0;
        Download {
            level,
            kbit,
            latency_s: self.outlook.latency_s,
            wait_price: self.wait_price,
            lead_in_s: self.lead_in_s,
        }
    }

    fn buffer_s(&self) -> f64 {
        (self.scene.buffer_ms / 1000.0).max(0.0)
    }
}

impl Prospects {
    fn of(&mut self, moment: &Moment<'_>) -> Option<(&Terms, &Values)> {
        let scene = moment.scene;
        let serve = |tables: &Tables| tables.terms.serve(scene.ladder, scene.segment_ms, scene.capacity_ms);
        let known = self.tables.take().filter(serve);
        let solve =
            || Tables { terms: Terms::new(scene.ladder, scene.segment_ms, scene.capacity_ms), of: Default::default() };
        let Tables { terms, of } = self.tables.insert(known.unwrap_or_else(solve));
        let values = of.get_mut(moment.outlook.class())?;
        let spread = moment.outlook.spread();
        Some((terms, values.get_or_insert_with(|| Values::solve(terms, spread))))
    }

    /// What each level leads to for the segment that is asked about, in seconds of stall.
    pub(super) fn worths(&mut self, moment: &Moment<'_>, worths: &mut Vec<f64>) {
        worths.clear();
        let Some((terms, values)) = self.of(moment) else { return };
        worths.extend((0..moment.scene.ladder.len()).map(|level| terms.next(values, moment, &moment.anew(level))));
    }

    /// The level to give the request under way up for, if any: where to begin a smaller segment anew is worth more than
    /// to wait for the rest.
    pub(super) fn instead(&mut self, moment: &Moment<'_>, in_flight: &InFlight, margin: f64) -> Option<usize> {
        let rest = in_flight.rest();
        let (terms, values) = self.of(moment)?;
        let goes_on = terms.next(
            values,
            moment,
            &Download { kbit: rest / 1000.0, latency_s: 0.0, ..moment.anew(in_flight.level) },
        );
        let mut best = (None, goes_on + margin);
        for level in 0..in_flight.level {
            let anew = moment.anew(level);
            // What is no smaller than the rest saves nothing.
            if anew.kbit >= rest / 1000.0 {
                break;
            }
            let worth = terms.next(values, moment, &anew);
            if worth > best.1 {
                best = (Some(level), worth);
            }
        }
        best.0
    }

    /// The buffered segment that to fetch again is worth more than to go on, if any: the first of those from some place on that
    /// are raised to a level one after the other. What waits is planned from the front, as what is played first has to come
    /// first, and only all of it together brings no change more.
    ///
    pub(super) fn again(&mut self, moment: &Moment<'_>, buffered: &Buffered<'_>, turn: Turn) -> Option<Replacing> {
        let ladder = moment.scene.ladder;
        let (terms, values) = self.of(moment)?;
        let (buffer_s, log_rate) = (moment.buffer_s(), moment.outlook.log_rate);
        let mut best = (None, values.at(buffer_s, log_rate, moment.last?) + REPLACING_MARGIN);
        for (place, old) in buffered.levels.iter().enumerate().skip(1) {
            if buffered.due_ms(moment.scene, place) < turn.nearest_share * moment.scene.capacity_ms {
                continue;
            }
            for level in old + 1..=ladder.top() {
                let plan = Plan { place, level, margin_s: turn.margin_s };
                let worth = values.expect(log_rate, |log| {
                    let (gain, takes_s, last) = plan.comes_to(terms, moment, buffered, log);
                    gain + values.at((buffer_s - takes_s).max(0.0), log, last)
                });
                if worth > best.1 {
                    best = (Some(Replacing { place, level }), worth);
                }
            }
        }
        best.0
    }
}

/// When it is too late to fetch something again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    /// So long before its turn what has not come is given up.
    pub(super) margin_s: f64,
    /// What is due so soon is not begun, as a share of what the buffer takes.
    pub(super) nearest_share: f64,
}

/// To raise all that waits from a place on to a level.
#[derive(Clone, Copy, Debug)]
struct Plan {
    place: usize,
    level: usize,
    margin_s: f64,
}

impl Plan {
    /// What is gained if the rate is that, how long it takes, and the level of the last segment then.
    fn comes_to(
        &self,
        terms: &Terms,
        moment: &Moment<'_>,
        buffered: &Buffered<'_>,
        log_rate: f64,
    ) -> (f64, f64, usize) {
        let scene = moment.scene;
        let before = buffered.levels.get(self.place.saturating_sub(1)).copied().unwrap_or(self.level);
        let (mut gain, mut takes_s, mut late) = (0.0, 0.0, false);
        // The level of the segment before, as it is and as it is planned.
        let (mut was, mut is) = (before, before);
        // What is fetched later is fetched at a rate that is known less well.
        let mut log_rate = log_rate;
        for (place, old) in buffered.levels.iter().copied().enumerate().skip(self.place) {
            let mut new = old;
            if old < self.level && !late {
                let bits = buffered.bits(scene, place, self.level);
                let there_s = takes_s + moment.outlook.latency_s + bits / 1000.0 / libm::exp(log_rate);
                let due_s = buffered.due_ms(scene, place) / 1000.0 - self.margin_s;
                log_rate -= LATER * moment.outlook.spread();
                // What is late is given up when its turn has come, and so is the plan.
                late = there_s >= due_s;
                takes_s = if late { due_s.max(takes_s) } else { there_s };
                new = if late { old } else { self.level };
            }
            gain += terms.segment(new) - terms.segment(old) + terms.change(was, old) - terms.change(is, new);
            (was, is) = (old, new);
        }
        (gain, takes_s, is)
    }
}

impl Terms {
    /// What it leads to if that is downloaded next.
    fn next(&self, values: &Values, moment: &Moment<'_>, next: &Download) -> f64 {
        let after = values.after(self, moment.buffer_s(), moment.outlook.log_rate, next);
        self.segment(next.level) - moment.last.map_or(0.0, |last| self.change(last, next.level)) + after
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wider_the_error_the_wider_the_spread() {
        let spread = |typical_error: f64| Outlook { log_rate: 0.0, typical_error, latency_s: 0.0 }.spread();
        assert_eq!((spread(0.0), spread(0.2), spread(9.0)), (0.06, 0.1, 0.65));
    }
}
