//! The rules as they were published, in the arithmetic of their authors.
//!
//! A comparison with published figures is worth what the peer's copy is worth. These rules reckon
//! as the authors' simulator does (UMass-LIDS/sabre, the constants of abr.md 2): in floating-point
//! milliseconds and bits, term by term in the published order, so that a decision at a threshold
//! falls the same way. They are [`SceneRule`]s. The simulator's faithful mode runs them as they are; [`Playable`] makes a
//! [`BitrateRule`](crate::BitrateRule) of any of them, for the real player.
//!
//! Units throughout: bits, milliseconds, and so kbit/s for bits a millisecond.

mod bba;
mod bola;
mod bola_e;
mod dynamic;
mod ladder;
pub(crate) mod mpc;
mod playable;
mod throughput;

pub use bba::Bba;
pub use bola::{Bola, Horizon};
pub use bola_e::BolaE;
pub use dynamic::{Dynamic, DynamicDash};
pub use ladder::Ladder;
pub use mpc::{Mpc, Prediction, Sizes};
pub use playable::Playable;
pub use throughput::Throughput;

use crate::outlook::Outlook;

/// What a rule sees before a request, and during it.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The title's bitrates.
    pub ladder: &'a Ladder,
    /// Media in a segment.
    pub segment_ms: f64,
    /// Media ahead of the playhead.
    pub buffer_ms: f64,
    /// Media that the buffer takes at most.
    pub capacity_ms: f64,
    /// What the network is believed to do; None before anything is known.
    pub network: Option<Network>,
    /// What a player's estimator believes beside that; None where a rule has to find out by what it fetched. The published
    /// rules know of no such thing.
    pub outlook: Option<Outlook>,
    /// Segments before the one that is asked about, since the start or the last seek.
    pub behind: usize,
    /// Segments from the one that is asked about to the end, where there is one.
    pub ahead: Option<usize>,
    /// Bits of the segments from the one that is asked about on, level by level, segment by segment, as
    /// far as they are known.
    pub sizes: &'a [f64],
}

impl Scene<'_> {
    /// Bits of a segment so many after the one that is asked about: its size where known, else what
    /// the bitrate promises.
    pub fn bits(&self, ahead: usize, level: usize) -> f64 {
        match self.sizes.get(ahead * self.ladder.len() + level) {
            Some(bits) => *bits,
            None => self.ladder.kbps(level) * self.segment_ms,
        }
    }
}

/// What waits in the buffer, and may be fetched again at another level.
#[derive(Clone, Copy, Debug)]
pub struct Buffered<'a> {
    /// Levels of its segments, the one that plays first.
    pub levels: &'a [usize],
    /// How much of the first one was played, in segments.
    pub begun: f64,
    /// Bits of the segments from the first one on, as in [`Scene::sizes`].
    pub sizes: &'a [f64],
}

impl Buffered<'_> {
    /// Bits of the segment at a place: its size where known, else what the bitrate promises.
    pub(crate) fn bits(&self, scene: &Scene<'_>, place: usize, level: usize) -> f64 {
        match self.sizes.get(place * scene.ladder.len() + level) {
            Some(bits) => *bits,
            None => scene.ladder.kbps(level) * scene.segment_ms,
        }
    }

    /// Until a place is played, in milliseconds.
    pub(crate) fn due_ms(&self, scene: &Scene<'_>, place: usize) -> f64 {
        (place as f64 - self.begun) * scene.segment_ms
    }
}

/// A segment that is to be fetched again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replacing {
    /// Its place among what is buffered, from the one that plays on.
    pub place: usize,
    /// The level it is wanted at.
    pub level: usize,
}

/// What the network is believed to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Network {
    /// Rate once bits flow.
    pub kbps: f64,
    /// From a request to its first bit.
    pub latency_ms: f64,
}

impl Network {
    /// The highest level whose segments arrive in the time that they play, the lowest if none does.
    pub(crate) fn highest_level(self, scene: &Scene<'_>) -> usize {
        let segment = scene.segment_ms;
        let arrives = |level: usize| self.latency_ms + segment * scene.ladder.kbps(level) / self.kbps <= segment;
        (1..scene.ladder.len()).take_while(|level| arrives(*level)).count()
    }

    /// The same network with only a share of its rate.
    pub(crate) fn share(self, share: f64) -> Self {
        Self { kbps: self.kbps * share, ..self }
    }
}

/// What to request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decision {
    /// Level of the ladder.
    pub level: usize,
    /// Pause before the request.
    pub wait_ms: f64,
    /// What the decision rests on.
    pub why: Why,
}

impl Decision {
    /// A level to be requested at once.
    pub(crate) fn at_once(level: usize, why: Why) -> Self {
        Self { level, wait_ms: 0.0, why }
    }
}

/// What a decision rests on.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Why {
    /// Nothing is known of the network.
    NothingKnown,
    /// The start: what the network carries.
    Start,
    /// What the network carries.
    Throughput,
    /// What the buffer is worth, with so much placeholder.
    Buffer {
        /// Virtual buffer that was added to the real one.
        placeholder_ms: f64,
    },
    /// The buffer wanted another level, and the network does not sustain it.
    Unsustained {
        /// The level that the buffer wanted.
        wanted: usize,
    },
    /// More than this might not arrive before the buffer is empty.
    ShortBuffer {
        /// The level that would have been taken.
        wanted: usize,
        /// Bits that were reckoned to arrive in time.
        safe_bits: f64,
    },
    /// The best plan for the next segments at a forecast rate.
    Plan {
        /// Segments that were planned.
        segments: usize,
        /// The forecast.
        kbps: f64,
    },
    /// What is worth most in the end, by what may come of the rate.
    Outlook {
        /// The rate as it is believed to be.
        kbps: f64,
        /// How far it moves from segment to segment, as a logarithm.
        spread: f64,
    },
    /// The rate that a map from the buffer gives.
    Map,
    /// The rule takes this level whatever happens.
    Fixed,
}

/// A segment whose download ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fetched {
    /// Its level.
    pub level: usize,
    /// Bits that arrived.
    pub bits: f64,
    /// From the request to the end.
    pub took_ms: f64,
    /// How it ended.
    pub end: End,
    /// It takes the place of a segment that was buffered already.
    pub replaces: bool,
}

/// How a download ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The whole segment is there.
    Complete,
    /// It was given up for another level; None for good, as a replacement is.
    GivenUp(Option<usize>),
}

/// The request under way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InFlight {
    /// Its level.
    pub level: usize,
    /// Bits of the whole segment.
    pub size: f64,
    /// Bits that arrived.
    pub received: f64,
    /// Since the request.
    pub elapsed_ms: f64,
    /// From the request to its first bit.
    pub latency_ms: f64,
    /// Bits that the line carried for other tracks since that, beyond what these take on average; never less than none. The
    /// published rules know of none.
    pub beside: f64,
}

impl InFlight {
    /// Bits of the same segment at another level, in proportion to the bitrates.
    pub(crate) fn size_at(&self, level: usize, ladder: &Ladder) -> f64 {
        self.size * ladder.kbps(level) / ladder.kbps(self.level)
    }

    /// Bits still to come.
    pub(crate) fn rest(&self) -> f64 {
        self.size - self.received
    }
}

/// A bitrate rule in the small world of the authors' simulator, where a [`Scene`] is all that is known. The published rules are
/// such, and so is Telecine's own in that world, [`ForesightAlone`](crate::ForesightAlone).
///
/// Asked before each request but a session's first, which is of the lowest level whatever the rule.
pub trait SceneRule: Send {
    /// The level of the next segment.
    fn choose(&mut self, scene: &Scene<'_>) -> Decision;

    /// A segment to fetch again before the next one, if any. Only a rule that weighs replacement itself has an
    /// answer; the published ones leave it to the player.
    fn replace(&mut self, _scene: &Scene<'_>, _buffered: &Buffered<'_>) -> Option<Replacing> {
        None
    }

    /// The player waited so long because the buffer was full.
    fn on_full_buffer(&mut self, _waited_ms: f64) {}

    /// A download ended; the scene's buffer holds what came of it.
    fn on_fetched(&mut self, _scene: &Scene<'_>, _fetched: &Fetched) {}

    /// The level to give the request under way up for, if any. Asked as bits arrive.
    fn give_up(&mut self, _scene: &Scene<'_>, _in_flight: &InFlight) -> Option<usize> {
        None
    }

    /// The playhead was moved out of the buffer.
    fn on_seek(&mut self) {}
}

/// Always the lowest level: where measurements count from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lowest;

impl SceneRule for Lowest {
    fn choose(&mut self, _scene: &Scene<'_>) -> Decision {
        Decision::at_once(0, Why::Fixed)
    }
}
