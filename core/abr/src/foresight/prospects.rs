//! Candidates, compared by what they lead to.

use super::solving::Solving;
use super::values::{expect, Coming, Download, Terms, Title, Values};
use crate::outlook::Outlook;
use crate::published::{Buffered, InFlight, Replacing, Scene};

/// The spreads that are told apart, in ascending order.
const SPREADS: [f64; 7] = [0.06, 0.10, 0.15, 0.22, 0.32, 0.46, 0.65];
/// Steps that a question takes towards worths that are not solved yet: few enough that it is answered in some dozens of
/// microseconds, many enough that they are there after three or four segments even where nothing is asked between.
const STEPS_AT_ONCE: usize = 4;
/// The spread that is reckoned with, as a share of the typical error. Some of that is a segment's own.
const SPREAD_SHARE: f64 = 0.58;
/// To fetch something again has to be worth so much more, in seconds of stall.
const REPLACING_MARGIN: f64 = 0.012;
/// With each further segment of what is fetched again the rate is taken for lower by so much of its spread.
const LATER: f64 = 0.3;
/// To give a request up has to be worth so much more, in seconds of stall.
pub(super) const MARGIN: f64 = 0.02;
/// The same for one that was made in the place of another: who gives up again and again gets nothing.
pub(super) const MARGIN_AGAIN: f64 = 0.5;

/// The worth of a title's states, solved for each spread that is met, from when it is met for the first time.
#[derive(Debug, Default)]
pub(super) struct Prospects {
    /// Where the sizes of segments are known, and where they are not: at a live edge, and while lists come, that changes from one
    /// question to the next.
    tables: [Option<Tables>; 2],
}

#[derive(Debug)]
struct Tables {
    terms: Terms,
    of: [Table; SPREADS.len()],
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
    /// Media that it has more than others, or less.
    pub(super) longer_s: f64,
}

impl<'a> Moment<'a> {
    /// That of a scene in the midst of playback.
    pub(super) fn of(scene: &'a Scene<'a>, last: usize, outlook: Outlook) -> Self {
        Self {
            last: Some(last.min(scene.ladder.top())),
            outlook,
            scene,
            wait_price: 1.0,
            lead_in_s: 0.0,
            longer_s: 0.0,
        }
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
            longer_s: self.longer_s,
        }
    }

    fn title(&self) -> Title<'a> {
        let Scene { ladder, segment_ms, capacity_ms, .. } = *self.scene;
        Title { ladder, segment_ms, capacity_ms, size_error: self.outlook.size_error }
    }

    fn buffer_s(&self) -> f64 {
        (self.scene.buffer_ms / 1000.0).max(0.0)
    }
}

/// The worths for one of the spreads.
#[derive(Debug, Default)]
enum Table {
    /// That spread was not met.
    #[default]
    Unmet,
    Coming(Box<Solving>),
    Solved(Values),
}

impl Table {
    fn solved(&self) -> Option<&Values> {
        match self {
            Self::Solved(values) => Some(values),
            Self::Unmet | Self::Coming(_) => None,
        }
    }

    /// Solved, from where it is.
    fn finish(self, terms: &Terms, spread: f64) -> Values {
        match self {
            Self::Unmet => Solving::begin(terms, spread).finish(),
            Self::Coming(solving) => solving.finish(),
            Self::Solved(values) => values,
        }
    }

    /// A step nearer to being solved.
    fn advance(&mut self, terms: &Terms, spread: f64) {
        *self = match std::mem::take(self) {
            Self::Unmet => Self::Coming(Box::new(Solving::begin(terms, spread))),
            Self::Coming(solving) => solving.step().map_or_else(Self::Coming, Self::Solved),
            solved @ Self::Solved(_) => solved,
        };
    }
}

impl Tables {
    fn new(title: &Title<'_>) -> Self {
        Self { terms: Terms::new(title), of: Default::default() }
    }

    /// Brings the worths for a spread some steps nearer. The first that are asked for are solved at once, and so are those that no
    /// neighbour can stand in for: what is careful for the doubt of a start would be careful for seconds after it has gone.
    fn step(&mut self, class: usize) -> Option<()> {
        let neighbour =
            self.of.iter().enumerate().any(|(of, table)| of.abs_diff(class) <= 1 && table.solved().is_some());
        let (table, spread) = (self.of.get_mut(class)?, *SPREADS.get(class)?);
        match neighbour {
            false => *table = Table::Solved(std::mem::take(table).finish(&self.terms, spread)),
            true => (0..STEPS_AT_ONCE).for_each(|_| table.advance(&self.terms, spread)),
        }
        Some(())
    }

    /// The worths for a spread; until they are solved, those for the nearest that are, the wider of two.
    fn nearest(&self, class: usize) -> Option<&Values> {
        let solved = self.of.iter().enumerate().filter_map(|(of, table)| Some((of, table.solved()?)));
        solved.rev().min_by_key(|(of, _)| of.abs_diff(class)).map(|(_, values)| values)
    }
}

/// A moment, and the worths and chances by which it is judged.
struct Judge<'a> {
    terms: &'a Terms,
    values: &'a Values,
    moment: &'a Moment<'a>,
    coming: [Coming; 4],
}

impl<'a> Judge<'a> {
    /// What it leads to if that is downloaded next.
    fn next(&self, next: &Download) -> f64 {
        let after = self.values.after(self.terms, self.moment.buffer_s(), &self.coming, next);
        let change = self.moment.last.map_or(0.0, |last| self.terms.change(last, next.level));
        self.terms.segment_of(next.level, next.longer_s) - change + after
    }
}

impl Prospects {
    fn judge<'a>(&'a mut self, moment: &'a Moment<'a>) -> Option<Judge<'a>> {
        let title = moment.title();
        let kept = self.tables.get_mut(usize::from(title.size_error > 0.0))?;
        let known = kept.take().filter(|tables| tables.terms.serve(&title));
        let tables = kept.insert(known.unwrap_or_else(|| Tables::new(&title)));
        tables.step(moment.outlook.class())?;
        let values = tables.nearest(moment.outlook.class())?;
        let coming = values.coming(moment.outlook.log_rate);
        Some(Judge { terms: &tables.terms, values, moment, coming })
    }

    /// What each level leads to for the segment that is asked about, in seconds of stall.
    pub(super) fn worths(&mut self, moment: &Moment<'_>, worths: &mut Vec<f64>) {
        worths.clear();
        let Some(judge) = self.judge(moment) else { return };
        worths.extend((0..moment.scene.ladder.len()).map(|level| judge.next(&moment.anew(level))));
    }

    /// The level to give the request under way up for, if any: where to begin a smaller segment anew is worth more than
    /// to wait for the rest.
    pub(super) fn instead(&mut self, moment: &Moment<'_>, in_flight: &InFlight, margin: f64) -> Option<usize> {
        let rest = in_flight.rest();
        let judge = self.judge(moment)?;
        let goes_on = judge.next(&Download { kbit: rest / 1000.0, latency_s: 0.0, ..moment.anew(in_flight.level) });
        let mut best = (None, goes_on + margin);
        for level in 0..in_flight.level {
            let anew = moment.anew(level);
            // What is no smaller than the rest saves nothing; a list that has to come first may make a lower level dearer than the next.
            if anew.kbit >= rest / 1000.0 {
                continue;
            }
            let worth = judge.next(&anew);
            if worth > best.1 {
                best = (Some(level), worth);
            }
        }
        best.0
    }

    /// The buffered segment that to fetch again is worth more than to go on, if any: the first of those from some place on that
    /// are raised to a level one after the other. What waits is planned from the front, as what is played first has to come
    /// first, and only all of it together brings no change more.
    pub(super) fn again(&mut self, moment: &Moment<'_>, buffered: &Buffered<'_>, turn: Turn) -> Option<Replacing> {
        let ladder = moment.scene.ladder;
        let Judge { terms, values, coming, .. } = self.judge(moment)?;
        let slower = libm::exp(LATER * moment.outlook.spread());
        let (buffer_s, log_rate) = (moment.buffer_s(), moment.outlook.log_rate);
        let mut best = (None, values.at(buffer_s, log_rate, moment.last?) + REPLACING_MARGIN);
        for (place, old) in buffered.levels.iter().enumerate().skip(1) {
            if buffered.due_ms(moment.scene, place) < turn.nearest_share * moment.scene.capacity_ms {
                continue;
            }
            for level in old + 1..=ladder.top() {
                let plan = Plan { place, level, margin_s: turn.margin_s, slower };
                let worth = expect(&coming, |coming| {
                    let (gain, takes_s, last) = plan.comes_to(terms, moment, buffered, coming.seconds_per_kbit);
                    gain + values.when(coming, (buffer_s - takes_s).max(0.0), last)
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
    /// How much longer each further segment takes for its size: at a later rate that is known less well.
    slower: f64,
}

impl Plan {
    /// What is gained if a kilobit takes so long at first, how long all of it takes, and the level of the last segment then.
    fn comes_to(
        &self,
        terms: &Terms,
        moment: &Moment<'_>,
        buffered: &Buffered<'_>,
        mut seconds_per_kbit: f64,
    ) -> (f64, f64, usize) {
        let scene = moment.scene;
        let before = buffered.levels.get(self.place.saturating_sub(1)).copied().unwrap_or(self.level);
        let (mut gain, mut takes_s, mut late) = (0.0, 0.0, false);
        // The level of the segment before, as it is and as it is planned.
        let (mut was, mut is) = (before, before);
        for (place, old) in buffered.levels.iter().copied().enumerate().skip(self.place) {
            let mut new = old;
            if old < self.level && !late {
                let bits = buffered.bits(scene, place, self.level);
                let there_s = takes_s + moment.outlook.latency_s + bits / 1000.0 * seconds_per_kbit;
                let due_s = buffered.due_ms(scene, place) / 1000.0 - self.margin_s;
                seconds_per_kbit *= self.slower;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::published::Ladder;

    #[test]
    fn the_wider_the_error_the_wider_the_spread() {
        let spread =
            |typical_error: f64| Outlook { log_rate: 0.0, typical_error, size_error: 0.0, latency_s: 0.0 }.spread();
        assert_eq!((spread(0.0), spread(0.2), spread(9.0)), (0.06, 0.1, 0.65));
    }

    #[test]
    fn another_spread_is_solved_step_by_step_while_its_neighbour_stands_in() {
        let ladder = Ladder::new([300.0, 1_000.0, 3_000.0]).expect("a ladder");
        let scene = Scene {
            ladder: &ladder,
            segment_ms: 4_000.0,
            buffer_ms: 9_000.0,
            capacity_ms: 30_000.0,
            network: None,
            outlook: None,
            behind: 3,
            ahead: None,
            sizes: &[],
        };
        let worths = |prospects: &mut Prospects, typical_error: f64| {
            let mut worths = Vec::new();
            let outlook = Outlook { log_rate: 7.5, typical_error, size_error: 0.0, latency_s: 0.05 };
            prospects.worths(&Moment::of(&scene, 1, outlook), &mut worths);
            worths
        };
        let alone = |typical_error: f64| worths(&mut Prospects::default(), typical_error);
        let (narrow, wider, wide) = (alone(0.1), alone(0.18), alone(1.0));
        assert_ne!(narrow, wider);
        let mut prospects = Prospects::default();
        assert_eq!(worths(&mut prospects, 0.1), narrow, "the first at once");
        let steps = (0..99).take_while(|_| worths(&mut prospects, 0.18) == narrow).count();
        assert!((2..8).contains(&steps), "{steps}");
        assert_eq!(worths(&mut prospects, 0.18), wider);
        assert_eq!(worths(&mut prospects, 1.0), wide, "what none is near to at once");
        assert_eq!(worths(&mut prospects, 0.1), narrow, "what was solved stays");
    }
}
