//! The speeds that are allowed and that the device can do.

use super::{RateBounds, Speeds};

/// Normal speed.
pub(crate) const NORMAL: u32 = 1000;
/// How much a smooth device varies where nobody says more.
const SMOOTH: u32 = 30;
/// How far the steps of a device may be from normal speed where nobody says.
const STEPPED: u32 = 100;
/// Whatever a manifest says, speech stays speech.
const SLOWEST: u32 = 500;
const FASTEST: u32 = 2000;
/// A smooth speed changes by no less than this, and differs by no less from normal.
pub(crate) const QUANTUM: u32 = 5;

/// The speeds at hand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Range<'a> {
    speeds: Speeds<'a>,
    slowest: u32,
    fastest: u32,
}

impl<'a> Range<'a> {
    pub(crate) fn new(bounds: RateBounds, speeds: Speeds<'a>) -> Self {
        let usual = match speeds {
            Speeds::Smooth => SMOOTH,
            Speeds::Steps(_) => STEPPED,
            Speeds::Fixed => 0,
        };
        Self {
            speeds,
            slowest: bounds.min_milli.unwrap_or(NORMAL - usual).clamp(SLOWEST, NORMAL),
            fastest: bounds.max_milli.unwrap_or(NORMAL + usual).clamp(NORMAL, FASTEST),
        }
    }

    pub(crate) fn is_stepped(&self) -> bool {
        matches!(self.speeds, Speeds::Steps(_))
    }

    /// Whether a speed may be kept.
    pub(crate) fn allows(&self, rate: u32) -> bool {
        let within = (self.slowest..=self.fastest).contains(&rate);
        rate == NORMAL
            || match self.speeds {
                Speeds::Smooth => within,
                Speeds::Steps(steps) => within && steps.contains(&rate),
                Speeds::Fixed => false,
            }
    }

    fn steps(&self) -> impl Iterator<Item = u32> + '_ {
        let steps = match self.speeds {
            Speeds::Steps(steps) => steps,
            _ => &[],
        };
        steps.iter().copied().filter(|step| (self.slowest..=self.fastest).contains(step))
    }

    pub(crate) fn can_go_faster(&self) -> bool {
        match self.speeds {
            Speeds::Smooth => self.fastest > NORMAL,
            Speeds::Steps(_) => self.steps().any(|step| step > NORMAL),
            Speeds::Fixed => false,
        }
    }

    /// The fastest speed: normal where there is none above.
    pub(crate) fn most(&self) -> u32 {
        match self.speeds {
            Speeds::Smooth => self.fastest,
            Speeds::Steps(_) => self.steps().max().unwrap_or(NORMAL).max(NORMAL),
            Speeds::Fixed => NORMAL,
        }
    }

    pub(crate) fn can_go_slower(&self) -> bool {
        match self.speeds {
            Speeds::Smooth => self.slowest < NORMAL,
            Speeds::Steps(_) => self.steps().any(|step| step < NORMAL),
            Speeds::Fixed => false,
        }
    }

    /// The speed for so many thousandths more than normal, above normal if there is one at all.
    pub(crate) fn faster(&self, by: u32, now: u32) -> u32 {
        let wanted = NORMAL.saturating_add(by);
        if self.is_stepped() {
            let above = || self.steps().filter(|step| *step > NORMAL);
            let within = above().filter(|step| *step <= wanted).max();
            return within.or_else(|| above().min()).unwrap_or(NORMAL);
        }
        let held = now > NORMAL && now <= self.fastest && wanted.min(self.fastest).abs_diff(now) < QUANTUM;
        if held {
            now
        } else {
            (NORMAL + round(by).max(QUANTUM)).min(self.fastest)
        }
    }

    /// The speed for so many thousandths less than normal, below normal if there is one at all.
    pub(crate) fn slower(&self, by: u32, now: u32) -> u32 {
        let wanted = NORMAL.saturating_sub(by);
        if self.is_stepped() {
            let below = || self.steps().filter(|step| *step < NORMAL);
            let within = below().filter(|step| *step >= wanted).min();
            return within.or_else(|| below().max()).unwrap_or(NORMAL);
        }
        let held = now < NORMAL && now >= self.slowest && wanted.max(self.slowest).abs_diff(now) < QUANTUM;
        if held {
            now
        } else {
            NORMAL.saturating_sub(round(by).max(QUANTUM)).max(self.slowest)
        }
    }
}

/// To whole quanta, of what no speed exceeds.
fn round(by: u32) -> u32 {
    by.min(FASTEST) / QUANTUM * QUANTUM
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(min: Option<u32>, max: Option<u32>, speeds: Speeds<'_>) -> Range<'_> {
        Range::new(RateBounds { min_milli: min, max_milli: max }, speeds)
    }

    #[test]
    fn where_nobody_says_more_a_smooth_speed_varies_by_three_percent() {
        let usual = range(None, None, Speeds::Smooth);
        assert_eq!((usual.slower(500, 1000), usual.faster(500, 1000)), (970, 1030));
        let wide = range(Some(900), Some(1100), Speeds::Smooth);
        assert_eq!((wide.slower(500, 1000), wide.faster(500, 1000)), (900, 1100));
        assert_eq!(wide.faster(52, 1000), 1050);
        assert_eq!(wide.faster(1, 1000), 1005, "a speed that nobody notices is none");
        assert!(!range(Some(1000), Some(1000), Speeds::Smooth).can_go_faster());
    }

    #[test]
    fn a_speed_is_held_until_a_different_one_is_worth_a_change() {
        let wide = range(None, Some(1100), Speeds::Smooth);
        assert_eq!(wide.faster(46, 1050), 1050);
        assert_eq!(wide.faster(44, 1050), 1040);
    }

    #[test]
    fn steps_are_taken_from_the_list_and_within_the_bounds() {
        let steps = [1000, 1050, 900, 1250, 950];
        let usual = range(None, None, Speeds::Steps(&steps));
        assert_eq!((usual.faster(5, 1000), usual.faster(500, 1000)), (1050, 1050));
        assert_eq!((usual.slower(5, 1000), usual.slower(500, 1000)), (950, 900));
        assert_eq!(range(None, Some(1300), Speeds::Steps(&steps)).faster(260, 1000), 1250);
        assert!(!range(None, Some(1030), Speeds::Steps(&steps)).can_go_faster());
        assert!(!range(None, None, Speeds::Steps(&[1000, 1050])).can_go_slower());
    }
}
