//! What rates are to be expected.

use crate::published::Ladder;

/// In so many seconds of transfer half of what was believed before is forgotten...
const HALF_LIFE_S: f64 = 1.6;
/// ... and a segment counts for so many at least: small ones say as much of the network as of themselves.
const LEAST_WEIGHT_S: f64 = 1.9;
/// What is left of an error's weight after one more.
const ERRORS_KEEP: f64 = 0.89;
/// The typical error before anything is known, and for how many it counts: as on a moving phone.
const FIRST_ERROR: f64 = 0.2;
const FIRST_WEIGHT: f64 = 3.0;
/// No error counts for more than this: what comes after an outage says nothing of the usual.
const MOST_ERROR: f64 = 2.0;
/// The spread that is reckoned with, as a share of the typical error. Some of that is a segment's own.
const SPREAD_SHARE: f64 = 0.68;
/// Below this, in kbit, a transfer says nothing.
const LEAST_BITS: f64 = 10_000.0;

/// The spreads that are told apart, in ascending order.
pub(super) const SPREADS: [f64; 7] = [0.06, 0.10, 0.15, 0.22, 0.32, 0.46, 0.65];

/// The rate as a walk by chance: where its logarithm is believed to be, and how far it moves from one segment to the
/// next, by how wrong the beliefs before were.
#[derive(Clone, Debug, Default)]
pub(super) struct Outlook {
    log: Option<f64>,
    errors: f64,
    weight: f64,
}

/// One thing that may come of the rate: its logarithm moves by so much, with so much of the chance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Outcome {
    pub(super) by: f64,
    pub(super) chance: f64,
}

/// What may come of the rate with a spread: it stays, rises or falls; and now and then it falls far. The middle one is a
/// little below: to expect too much costs more than to expect too little.
pub(super) fn outcomes(spread: f64) -> [Outcome; 4] {
    const FAR: f64 = 0.043;
    let near = 1.0 - FAR;
    [(-1.3, 0.25 * near), (0.0, 0.5 * near), (1.3, 0.25 * near), (-2.5, FAR)]
        .map(|(spreads, chance)| Outcome { by: spreads * spread - 0.02, chance })
}

impl Outlook {
    /// The logarithm of the rate in kbit/s; before anything has come that of `kbps`.
    pub(super) fn log_or(&mut self, kbps: f64) -> f64 {
        *self.log.get_or_insert_with(|| libm::log(kbps.max(1e-3)))
    }

    /// What was found out amid a transfer.
    pub(super) fn believe(&mut self, log: f64) {
        self.log = Some(log);
    }

    /// Bits came in so many milliseconds, all of a segment or not.
    pub(super) fn learn(&mut self, bits: f64, ms: f64, complete: bool) {
        if bits < LEAST_BITS {
            return;
        }
        let seen = libm::log(bits / ms.max(1.0));
        let Some(believed) = self.log else {
            self.log = Some(seen);
            return;
        };
        // Of what was given up it is known that it was slow.
        if complete || seen < believed {
            self.errors = self.errors * ERRORS_KEEP + (seen - believed).abs().min(MOST_ERROR);
            self.weight = self.weight * ERRORS_KEEP + 1.0;
        }
        let keep = libm::pow(0.5, (ms / 1000.0).max(LEAST_WEIGHT_S) / HALF_LIFE_S);
        self.log = Some(seen + keep * (believed - seen));
    }

    /// Which of [`SPREADS`] is nearest to how far the rate moves.
    pub(super) fn spread(&self) -> usize {
        let typical = (self.errors + FIRST_WEIGHT * FIRST_ERROR) / (self.weight + FIRST_WEIGHT);
        let spread = SPREAD_SHARE * typical;
        // Between two the geometric mean decides.
        SPREADS.windows(2).take_while(|pair| spread * spread > pair[0] * pair[1]).count()
    }
}

/// The logarithms of rates that matter for a ladder: from hardly anything of its lowest level to more than enough for
/// its highest.
pub(super) fn range(ladder: &Ladder) -> (f64, f64) {
    (libm::log(0.1 * ladder.kbps(0)), libm::log(3.0 * ladder.kbps(ladder.top())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_come_is_certain_to_come_in_one_of_the_ways() {
        let sum: f64 = outcomes(0.3).iter().map(|outcome| outcome.chance).sum();
        assert!((sum - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_rate_that_keeps_still_is_trusted_and_one_that_jumps_is_not() {
        let spread = |rates: &[f64]| {
            let mut outlook = Outlook::default();
            (0..40).for_each(|n| outlook.learn(rates[n % rates.len()] * 1000.0, 1000.0, true));
            SPREADS[outlook.spread()]
        };
        assert_eq!(spread(&[3000.0]), 0.06);
        assert!(spread(&[3000.0, 1000.0]) >= 0.46);
        assert_eq!(SPREADS[Outlook::default().spread()], 0.15, "before anything is known");
    }

    #[test]
    fn the_rate_is_followed_within_two_segments() {
        let mut outlook = Outlook::default();
        outlook.learn(8e6, 2000.0, true);
        (0..2).for_each(|_| outlook.learn(2e6, 2000.0, true));
        let kbps = libm::exp(outlook.log_or(1.0));
        assert!((1000.0..1500.0).contains(&kbps), "{kbps}");
        outlook.learn(9_999.0, 1.0, true);
        assert_eq!(libm::exp(outlook.log_or(1.0)), kbps, "next to nothing says nothing");
    }
}
