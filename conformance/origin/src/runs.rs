//! Where media times begin anew or jump: HLS tells it by discontinuities, DASH by periods.

use crate::options::Format;
use crate::programme::{start, Programme};
use crate::title::{Ticks, Track};

/// Runs of segments between two cuts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Runs {
    step: Step,
    kind: Kind,
}

/// How long a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// So many segments of the reference rendition.
    Segments(u64),
    /// Run `n` begins with the first of them at or behind `n * ms / parts`.
    Time { ms: u64, parts: u64 },
}

/// What happens to media times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// They go on.
    Plain,
    /// Each run begins at 0.
    Restart,
    /// Those of every other run lie an hour later.
    Hour,
}

/// By how much media times jump in breaks.
const HOUR: u64 = 3600;

impl Programme<'_> {
    /// Where it is cut, if it is.
    fn runs(&self) -> Option<Runs> {
        let live = self.options.live.as_ref().filter(|_| self.edge.is_some());
        let every = |seconds, kind| Runs { step: Step::Time { ms: seconds * 1000, parts: 1 }, kind };
        match live {
            Some(live) if live.restart.is_some() => live.restart.map(|seconds| every(seconds, Kind::Restart)),
            Some(live) if live.break_every.is_some() => live.break_every.map(|seconds| every(seconds, Kind::Hour)),
            _ if self.format == Format::Hls => {
                let size = self.options.discontinuity?.get();
                Some(Runs { step: Step::Segments(size), kind: Kind::Restart })
            }
            Some(_) => {
                let parts = self.options.periods?;
                Some(Runs { step: Step::Time { ms: HOUR * 1000, parts }, kind: Kind::Plain })
            }
            None => None,
        }
    }

    /// Whether it is cut somewhere.
    pub(crate) fn is_cut(&self) -> bool {
        self.runs().is_some()
    }

    /// Whether the last period is announced longer than it will be.
    pub(crate) fn ends_early(&self) -> bool {
        self.is_cut() && self.options.live.as_ref().is_some_and(|live| live.ends_early)
    }

    /// Whether the same media time comes more than once.
    pub(crate) fn repeats_times(&self) -> bool {
        self.runs().is_some_and(|runs| runs.kind != Kind::Plain)
    }

    /// The first reference segment of a run.
    pub(crate) fn run_start(&self, run: u64) -> u64 {
        match self.runs().map(|runs| runs.step) {
            Some(Step::Segments(size)) => run.saturating_mul(size),
            Some(Step::Time { ms, parts }) => {
                let ticks = u64::try_from(u128::from(run) * u128::from(ms) / u128::from(parts)).unwrap_or(u64::MAX);
                self.reference_from(Ticks { ticks, timescale: 1000 })
            }
            None => 0,
        }
    }

    /// The first reference segment that starts at a time or behind it.
    fn reference_from(&self, time: Ticks) -> u64 {
        let reference = self.title.reference();
        let ticks = time.ceil_in(reference.timescale);
        let each = reference.fragments.len() as u64;
        let from = ticks / reference.period * each;
        from + (from..from + each).take_while(|n| start(reference, *n) < ticks).count() as u64
    }

    /// The run that a segment of a rendition belongs to.
    pub(crate) fn run(&self, track: &Track, n: u64) -> Option<u64> {
        // Renditions with the boundaries of the reference are the rule: then number or time decide.
        let near = match self.runs()?.step {
            Step::Segments(size) => n / size,
            Step::Time { ms, parts } => {
                let at = Ticks { ticks: start(track, n), timescale: track.timescale }.floor_in(1000);
                u64::try_from(u128::from(at) * u128::from(parts) / u128::from(ms)).unwrap_or(u64::MAX)
            }
        };
        (near.saturating_sub(1)..=near.saturating_add(1))
            .rev()
            .find(|run| self.first_of_run(track, *run) <= n)
            .or(Some(0))
    }

    /// The first segment of a rendition in a run.
    pub(crate) fn first_of_run(&self, track: &Track, run: u64) -> u64 {
        // Of what goes on, runs do not depend on how far it is.
        let end = if self.edge.is_some() { u64::MAX } else { self.count() };
        self.first_from(track, self.run_start(run).min(end))
    }

    /// How far media times lie before and behind those of a title that is not cut, in a run. Where they begin anew they
    /// do so that the earliest segment of any rendition starts at 0.
    pub(crate) fn shift(&self, run: u64) -> (Ticks, Ticks) {
        let none = Ticks { ticks: 0, timescale: 1 };
        match self.runs().map(|runs| runs.kind) {
            Some(Kind::Restart) => {
                let starts = self.title.tracks.iter().map(|track| Ticks {
                    ticks: start(track, self.first_of_run(track, run)),
                    timescale: track.timescale,
                });
                (starts.min_by(|a, b| a.compare(*b)).unwrap_or(none), none)
            }
            Some(Kind::Hour) if run % 2 == 1 => (none, Ticks { ticks: HOUR, timescale: 1 }),
            _ => (none, none),
        }
    }
}
