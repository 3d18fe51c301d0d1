//! The way from one engine to the sink: its own timeline laid onto the sink's.

use std::collections::VecDeque;

use telecine_model::{MediaTime, SortedSet, TrackKind};

use crate::action::{Append, LoadId, SinkCommand, TrackConfig};
use crate::input::{RequestId, SinkReport};

/// Bits of a number that are an engine's own; those above tell whose it is.
const OWN_BITS: u32 = 48;

/// Whether what an engine tells the sink gets there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gate {
    /// At once.
    Open,
    /// When it is opened.
    Held,
    /// Never: somebody else plays.
    Shut,
}

/// What one engine tells the sink, and hears of it.
#[derive(Debug)]
pub(super) struct Line {
    /// Tells its requests and loads from those of others; zero is the title's own.
    pub(super) serial: u64,
    /// What is added to the engine's times to get the sink's.
    pub(super) delta: MediaTime,
    pub(super) gate: Gate,
    pub(super) held: VecDeque<SinkCommand>,
    /// Nothing of it is shown before this, in the sink's time: something else is.
    from: MediaTime,
    /// Kinds of which something was handed on since it was opened.
    pub(super) kinds: SortedSet<TrackKind>,
    /// What its tracks are called before, for the sink to tell them from others.
    prefix: String,
}

impl Line {
    pub(super) fn new(serial: u64, gate: Gate, prefix: String) -> Self {
        Self {
            serial,
            delta: MediaTime::ZERO,
            gate,
            held: VecDeque::new(),
            from: MediaTime::MIN,
            kinds: SortedSet::new(),
            prefix,
        }
    }

    /// Lets through what comes from now on, `at` in the sink's time being `from` in the engine's.
    pub(super) fn open(&mut self, from: MediaTime, at: MediaTime) {
        self.delta = at - from;
        self.from = at;
        self.gate = Gate::Open;
        self.kinds.clear();
    }

    /// Lets everything through as it is.
    pub(super) fn open_wide(&mut self) {
        self.open(MediaTime::ZERO, MediaTime::ZERO);
        self.from = MediaTime::MIN;
    }

    pub(super) fn shut(&mut self) {
        self.gate = Gate::Shut;
        self.held.clear();
    }

    /// Whether something that is held is media, or says that there is none.
    pub(super) fn holds_media(&self) -> bool {
        self.held.iter().any(|command| matches!(command, SinkCommand::Append(_) | SinkCommand::Silence { .. }))
    }

    pub(super) fn outer_time(&self, time: MediaTime) -> MediaTime {
        shift(time, self.delta)
    }

    pub(super) fn inner_time(&self, time: MediaTime) -> MediaTime {
        shift(time, MediaTime::ZERO - self.delta)
    }

    pub(super) fn outer_request(&self, id: RequestId) -> RequestId {
        RequestId(self.serial << OWN_BITS | id.0)
    }

    /// Whose request it is, and what that calls it.
    pub(super) fn inner_request(id: RequestId) -> (u64, RequestId) {
        (id.0 >> OWN_BITS, RequestId(id.0 & ((1 << OWN_BITS) - 1)))
    }

    /// Whose loading it is.
    pub(super) fn owner(load: LoadId) -> u64 {
        load.0 >> OWN_BITS
    }

    /// A command as the sink is to have it.
    pub(super) fn outward(&mut self, command: SinkCommand) -> SinkCommand {
        match command {
            SinkCommand::Configure(config) if !self.prefix.is_empty() => {
                let track = format!("{}/{}", self.prefix, config.track);
                SinkCommand::Configure(Box::new(TrackConfig { track, ..*config }))
            }
            SinkCommand::Append(append) => SinkCommand::Append(self.append(*append)),
            SinkCommand::Remove { kind, from, to } => {
                // What others have there is none of its business.
                let from = self.outer_time(from).max(self.from);
                SinkCommand::Remove { kind, from, to: self.outer_time(to) }
            }
            SinkCommand::Silence { kind, from, to } => {
                self.kinds.insert(kind);
                SinkCommand::Silence { kind, from: self.outer_time(from).max(self.from), to: self.outer_time(to) }
            }
            SinkCommand::Seek(time) => SinkCommand::Seek(self.outer_time(time)),
            SinkCommand::Jump(time) => SinkCommand::Jump(self.outer_time(time)),
            other => other,
        }
    }

    fn append(&mut self, append: Append) -> Box<Append> {
        let first = self.kinds.insert(append.kind) && self.from > MediaTime::MIN;
        Box::new(Append {
            load: LoadId(self.serial << OWN_BITS | append.load.0),
            start: self.outer_time(append.start),
            end: self.outer_time(append.end),
            offset: append.offset + self.delta,
            window: (self.outer_time(append.window.0).max(self.from), self.outer_time(append.window.1)),
            show_from: append.show_from.map(|time| self.outer_time(time)),
            discontinuity: append.discontinuity || first,
            ..append
        })
    }

    /// A report as the engine is to have it.
    pub(super) fn inward(&self, report: SinkReport) -> SinkReport {
        match report {
            SinkReport::Position { position, advancing } => {
                SinkReport::Position { position: self.inner_time(position.max(self.from)), advancing }
            }
            SinkReport::Starved { position } => {
                SinkReport::Starved { position: self.inner_time(position.max(self.from)) }
            }
            SinkReport::Seeked { position } => SinkReport::Seeked { position: self.inner_time(position) },
            SinkReport::Evicted { kind, from, to } => {
                SinkReport::Evicted { kind, from: self.inner_time(from), to: self.inner_time(to) }
            }
            SinkReport::Full { kind, load } => SinkReport::Full { kind, load: LoadId(load.0 & ((1 << OWN_BITS) - 1)) },
            other => other,
        }
    }
}

/// Times without a bound stay so.
fn shift(time: MediaTime, by: MediaTime) -> MediaTime {
    if time == MediaTime::MIN || time == MediaTime::MAX {
        return time;
    }
    time + by
}

#[cfg(test)]
#[allow(clippy::panic)] // These are tests.
mod tests {
    use super::*;

    fn secs(seconds: i64) -> MediaTime {
        MediaTime::from_secs(seconds)
    }

    #[test]
    fn times_are_laid_onto_the_sinks_and_back() {
        let mut line = Line::new(3, Gate::Held, "ad".to_owned());
        line.open(secs(10), secs(100));
        let remove = SinkCommand::Remove { kind: TrackKind::Video, from: MediaTime::MIN, to: secs(12) };
        let SinkCommand::Remove { from, to, .. } = line.outward(remove) else { panic!("a removal") };
        assert_eq!((from, to), (secs(100), secs(102)), "what lies before it is another's");
        let report = line.inward(SinkReport::Position { position: secs(104), advancing: true });
        assert_eq!(report, SinkReport::Position { position: secs(14), advancing: true });
        let early = line.inward(SinkReport::Starved { position: secs(99) });
        assert_eq!(early, SinkReport::Starved { position: secs(10) }, "a sink may be a little behind");
    }

    #[test]
    fn requests_of_different_engines_are_told_apart() {
        let line = Line::new(5, Gate::Open, String::new());
        assert_eq!(Line::inner_request(line.outer_request(RequestId(7))), (5, RequestId(7)));
        assert_eq!(Line::new(0, Gate::Open, String::new()).outer_request(RequestId(7)), RequestId(7));
    }
}
