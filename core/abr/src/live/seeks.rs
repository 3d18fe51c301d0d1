//! When to move the playhead, and when not to again.

use std::time::Duration;

use telecine_model::Timestamp;

/// The latency has to be beyond the bound for so long.
const SUSTAINED: Duration = Duration::from_secs(2);
/// Between a seek and the next; it doubles.
const FIRST_WAIT: Duration = Duration::from_secs(10);
/// Within the bound for so long, a seek has helped.
const HELPED: Duration = Duration::from_secs(30);
/// Seeks after which none is tried any more as long as none has helped: the clock is wrong, or the
/// edge is not where it should be.
const IN_VAIN: u32 = 3;

/// The seeks for latency.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seeks {
    beyond: Option<Timestamp>,
    within: Option<Timestamp>,
    last: Option<Timestamp>,
    /// Since one helped.
    tried: u32,
}

/// Whether the playhead is to be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Yes.
    Now,
    /// Not yet sure.
    Watching,
    /// In so long.
    After(Duration),
    /// Not any more, after so many.
    InVain(u32),
}

impl Seeks {
    /// The latency is within the bound.
    pub(crate) fn within(&mut self, now: Timestamp) {
        self.beyond = None;
        let since = *self.within.get_or_insert(now);
        if now.since(since) >= HELPED {
            self.tried = 0;
        }
    }

    /// The latency is beyond the bound; `lasts` says that it will go on to be, whatever is read next.
    pub(crate) fn beyond(&mut self, now: Timestamp, lasts: bool) -> Verdict {
        self.within = None;
        let since = *self.beyond.get_or_insert(now);
        if !lasts && now.since(since) < SUSTAINED {
            return Verdict::Watching;
        }
        if self.tried >= IN_VAIN {
            return Verdict::InVain(self.tried);
        }
        if let Some(last) = self.last {
            let wait = FIRST_WAIT * (1 << self.tried.min(IN_VAIN));
            let left = wait.saturating_sub(now.since(last));
            if !left.is_zero() {
                return Verdict::After(left);
            }
        }
        self.last = Some(now);
        self.tried += 1;
        self.beyond = None;
        Verdict::Now
    }

    /// Playback does not run: time counts for nothing.
    pub(crate) fn interrupt(&mut self) {
        self.beyond = None;
        self.within = None;
    }
}
