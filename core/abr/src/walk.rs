//! The network's rate as a walk by chance: where it is believed to be, and how far it moves.

/// In so many seconds of transfer half of what was believed before is forgotten...
const HALF_LIFE_S: f64 = 1.21;
/// ... and a segment counts for so many at least: small ones say as much of the network as of themselves.
const LEAST_WEIGHT_S: f64 = 2.45;
/// What is smaller than this, in bits, counts for less than a segment, in proportion: sound, a part.
const SEGMENT_BITS: f64 = 500_000.0;
/// What is left of an error's weight after one more.
const ERRORS_KEEP: f64 = 0.98;
/// The same of what was wrong lately...
const LATELY_KEEP: f64 = 0.6;
/// ... which begins as what is usual, for so many errors...
const LATELY_WEIGHT: f64 = 1.85;
/// ... and so much of what it is beyond that counts: lines are calm for long and then are not, so one that has just surprised will
/// again. In the calm between less than the usual is to be feared.
const LATELY_COUNTS: f64 = 0.38;
const CALM: f64 = 0.885;
/// The typical error before anything is known, and for how many it counts: as on a moving phone.
const FIRST_ERROR: f64 = 0.21;
const FIRST_WEIGHT: f64 = 3.7;
/// How far the logarithm of one host's rate is off what another's says of it, typically: the line to the viewer is mostly the
/// narrowest place, but not always.
const HOSTS_DIFFER: f64 = 0.5;
/// No error counts for more than this: what comes after an outage says nothing of the usual.
const MOST_ERROR: f64 = 2.0;

/// Where the logarithm of the rate in kbit/s is believed to be, and how far it moves from one segment to the next, by how
/// wrong the beliefs before were.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Walk {
    log: Option<f64>,
    usual: Errors,
    lately: Errors,
    /// How much of it is another's: 1 at first where it was lent, less with each transfer of its own.
    lent: f64,
}

/// A sum of errors of which the older count less and less.
#[derive(Clone, Copy, Debug, Default)]
struct Errors {
    sum: f64,
    weight: f64,
}

impl Errors {
    /// One more, of so much of a segment; of those before `keep` is kept for each segment.
    fn add(&mut self, error: f64, share: f64, keep: f64) {
        let kept = libm::pow(keep, share);
        self.sum = self.sum * kept + share * error;
        self.weight = self.weight * kept + share;
    }

    /// Their mean with one that was believed before, for so many errors.
    fn mean(&self, before: f64, weight: f64) -> f64 {
        (self.sum + weight * before) / (self.weight + weight)
    }

    fn mixed(&self, kept: f64, other: &Self) -> Self {
        let mixed = |own: f64, others: f64| others + kept * (own - others);
        Self { sum: mixed(self.sum, other.sum), weight: mixed(self.weight, other.weight) }
    }
}

/// One transfer's word on the rate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heard {
    /// In kbit/s.
    pub(crate) kbps: f64,
    /// The time in which it was seen, in seconds.
    pub(crate) seconds: f64,
    /// How much of a segment's word it is, from 0 to 1.
    pub(crate) share: f64,
    /// It was given up: of that it is known that it was slow, and not by how much it was fast.
    pub(crate) given_up: bool,
}

/// How much of a segment's word a transfer of so many bits is.
pub(crate) fn share(bits: f64) -> f64 {
    (bits / SEGMENT_BITS).min(1.0)
}

impl Walk {
    /// The logarithm of the rate in kbit/s; None before anything has come.
    pub(crate) fn log(&self) -> Option<f64> {
        self.log
    }

    /// The same; before anything has come that of `kbps`, from now on.
    pub(crate) fn log_or(&mut self, kbps: f64) -> f64 {
        *self.log.get_or_insert_with(|| libm::log(kbps.max(1e-3)))
    }

    /// What was found out amid a transfer.
    pub(crate) fn believe(&mut self, log: f64) {
        self.log = Some(log);
    }

    /// A transfer, or a piece of one, says something.
    pub(crate) fn hear(&mut self, heard: &Heard) {
        let seen = libm::log(heard.kbps.max(1e-3));
        let Some(believed) = self.log else {
            self.log = Some(seen);
            return;
        };
        let share = heard.share;
        if !heard.given_up || seen < believed {
            let error = (seen - believed).abs().min(MOST_ERROR);
            self.usual.add(error, share, ERRORS_KEEP);
            self.lately.add(error, share, LATELY_KEEP);
        }
        let keep = libm::pow(0.5, heard.seconds.max(LEAST_WEIGHT_S * share) / HALF_LIFE_S);
        self.log = Some(seen + keep * (believed - seen));
        self.lent *= keep;
    }

    /// What another walk may begin with that nothing is known of yet: believed to be at `log`, and to move as this one does.
    pub(crate) fn lent(&self, log: f64) -> Self {
        Self { log: Some(log), lent: 1.0, ..*self }
    }

    /// Of this walk only `kept` (0 to 1) is worth anything any more; the rest is `other`'s.
    pub(crate) fn fade(&mut self, kept: f64, other: &Self) {
        let mixed = |own: f64, others: f64| others + kept * (own - others);
        self.log = match (self.log, other.log) {
            (Some(own), Some(others)) => Some(mixed(own, others)),
            (own, others) => own.or(others),
        };
        self.usual = self.usual.mixed(kept, &other.usual);
        self.lately = self.lately.mixed(kept, &other.lately);
        self.lent = mixed(self.lent, other.lent);
    }

    /// How far the logarithm is off on average, from one transfer to the next, whatever it was lately: for the world of the
    /// published rules, where a transfer is told of when it is over.
    pub(crate) fn usual_error(&self) -> f64 {
        self.usual.mean(FIRST_ERROR, FIRST_WEIGHT)
    }

    /// How far the logarithm is off, typically, from one transfer to the next.
    pub(crate) fn typical_error(&self) -> f64 {
        let usual = self.usual_error();
        let beyond = (self.lately.mean(usual, LATELY_WEIGHT) - usual).max(0.0);
        let own = CALM * usual + LATELY_COUNTS * beyond;
        if self.lent > 0.0 {
            let lent = self.lent * HOSTS_DIFFER;
            return libm::sqrt(own * own + lent * lent);
        }
        own
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(kbps: f64, seconds: f64) -> Heard {
        Heard { kbps, seconds, share: share(kbps * 1000.0 * seconds), given_up: false }
    }

    fn after(kbps: &[f64]) -> Walk {
        let mut walk = Walk::default();
        (0..40).for_each(|n| walk.hear(&heard(kbps[n % kbps.len()], 1.0)));
        walk
    }

    #[test]
    fn a_rate_that_keeps_still_is_trusted_and_one_that_jumps_is_not() {
        assert!(after(&[3000.0]).typical_error() < 0.08);
        assert!(after(&[3000.0, 1000.0]).typical_error() > 0.5);
        assert!((Walk::default().typical_error() - CALM * FIRST_ERROR).abs() < 1e-9, "before anything is known");
    }

    #[test]
    fn a_rate_that_fell_is_trusted_less_until_it_has_kept_still_for_some_segments() {
        let mut walk = after(&[4000.0]);
        let calm = walk.typical_error();
        walk.hear(&heard(800.0, 3.0));
        let surprised = walk.typical_error();
        assert!(surprised > 5.0 * calm, "{surprised} after {calm}");
        (0..12).for_each(|_| walk.hear(&heard(800.0, 3.0)));
        assert!(walk.typical_error() < surprised / 3.0, "{} after {surprised}", walk.typical_error());
    }

    #[test]
    fn the_rate_is_followed_within_two_segments() {
        let mut walk = Walk::default();
        walk.hear(&heard(4000.0, 2.0));
        (0..2).for_each(|_| walk.hear(&heard(1000.0, 2.0)));
        let kbps = walk.log().map_or(0.0, libm::exp);
        assert!((1000.0..1500.0).contains(&kbps), "{kbps}");
    }

    #[test]
    fn a_little_sound_says_little() {
        let mut walk = after(&[4000.0]);
        let before = walk.typical_error();
        walk.hear(&Heard { kbps: 1000.0, seconds: 0.05, share: share(50_000.0), given_up: false });
        let kbps = walk.log().map_or(0.0, libm::exp);
        assert!(kbps > 3200.0 && walk.typical_error() < before + 0.02, "{kbps}, {}", walk.typical_error());
    }

    #[test]
    fn what_was_given_up_is_no_surprise_when_it_was_fast() {
        let mut walk = after(&[4000.0]);
        let before = walk.typical_error();
        walk.hear(&Heard { given_up: true, ..heard(8000.0, 1.0) });
        assert_eq!(walk.typical_error(), before);
        walk.hear(&Heard { given_up: true, ..heard(500.0, 1.0) });
        assert!(walk.typical_error() > before);
    }
}
