//! What a bitrate rule sees, and what it answers.

use std::time::Duration;

use telecine_model::{MediaTime, Timestamp};

use crate::estimate::Estimate;
use crate::reason::Reason;

/// One rung of the ladder, as far as a rule may choose it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// Index in the caller's own ladder, untouched by rules.
    pub rendition: usize,
    /// Declared bits a second.
    pub bitrate: u64,
    /// Picture height in pixels.
    pub height: Option<u32>,
    /// Declared quality in thousandths (`SCORE`, `@qualityRanking`); higher is better.
    pub score: Option<u64>,
    /// Bytes of the segment that is asked about, where known from an index or a size model.
    pub next_size: Option<u64>,
    /// Bytes that it is likely to take where that is not known: what the level's segments take of what it declares, and what
    /// this one takes at other levels.
    pub expected_size: Option<u64>,
    /// Its list or index is there; else that has to be fetched before its first segment can be asked for.
    pub listed: bool,
}

impl Level {
    /// Bits of a segment of so many seconds: its real size where known, else what it is likely to be,
    /// else what the bitrate promises.
    pub(crate) fn segment_bits(&self, seconds: f64) -> f64 {
        match self.next_size.or(self.expected_size) {
            Some(bytes) => bytes as f64 * 8.0,
            None => self.rate() * seconds,
        }
    }

    /// The bitrate as a number that may be divided by.
    pub(crate) fn rate(&self) -> f64 {
        self.bitrate.max(1) as f64
    }
}

/// Everything that a rule may base a choice on. Rules keep no clock and no ladder of their own.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Now.
    pub now: Timestamp,
    /// Ascending by bitrate, constraints already applied, never empty.
    pub levels: &'a [Level],
    /// Index in `levels` of the segment requested last for this track, finished or not. None at
    /// the start, and when constraints took that level away.
    pub current: Option<usize>,
    /// Media ahead of the playhead.
    pub buffer: MediaTime,
    /// Media that the player wants ahead of the playhead at most.
    pub buffer_goal: MediaTime,
    /// Media in the segment that is asked about.
    pub segment_duration: MediaTime,
    /// Media in a segment of the track on average: what is planned beyond the one that is asked about is made up of such.
    pub usual_duration: MediaTime,
    /// What the network is believed to do; None before anything is known.
    pub estimate: Option<Estimate>,
    /// Playback speed in thousandths; 0 counts as 1000.
    pub rate_milli: u32,
    /// First choice of the session or after a seek: nothing plays yet.
    pub starting: bool,
    /// Segments become available as time passes.
    pub live: bool,
    /// Media from the segment that is asked about to the end, where there is one.
    pub remaining: Option<MediaTime>,
    /// Media of the segment that is asked about which lies before the playhead, as at a start in its midst: it is fetched and
    /// not played.
    pub lead_in: MediaTime,
    /// Bits a second of media that other tracks of the title take from the same line: sound beside the picture.
    pub aside: u64,
}

impl Context<'_> {
    /// The level at an index, clamped into the ladder; None only for an empty ladder.
    pub(crate) fn level(&self, index: usize) -> Option<&Level> {
        self.levels.get(index).or(self.levels.last())
    }

    /// The bitrate at an index, for reasons.
    pub(crate) fn bitrate(&self, index: usize) -> u64 {
        self.level(index).map_or(0, |level| level.bitrate)
    }

    /// Index of the highest level.
    pub(crate) fn top(&self) -> usize {
        self.levels.len().saturating_sub(1)
    }

    /// Playback speed. Rules reckon in media time: at double speed the network delivers half as
    /// many bits for each second of media, and a millisecond of waiting costs two of buffer.
    pub(crate) fn speed(&self) -> f64 {
        match self.rate_milli {
            0 => 1.0,
            milli => f64::from(milli) / 1000.0,
        }
    }
}

/// Media seconds. The division is correctly rounded everywhere (IEEE 754), so decisions are equal
/// on every platform.
pub(crate) fn seconds(time: MediaTime) -> f64 {
    time.as_secs_f64()
}

/// Media milliseconds from media seconds, for reasons; absurd values saturate.
pub(crate) fn millis(seconds: f64) -> i64 {
    (seconds * 1000.0) as i64
}

/// What to request, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Index in [`Context::levels`].
    pub level: usize,
    /// Pause this long before the request; the choice holds then.
    pub wait: Option<Duration>,
    /// Why, strongest first.
    pub reasons: Vec<Reason>,
    /// By how much less each level of the ladder is worth than this one, as a stall that is worth as much, in milliseconds;
    /// empty where the rule does not reckon so.
    pub less_ms: Vec<i64>,
}

impl Choice {
    /// A choice for one reason.
    pub fn new(level: usize, reason: Reason) -> Self {
        Self { level, wait: None, reasons: vec![reason], less_ms: Vec::new() }
    }

    /// What stays where a ladder has no steps, and nothing is to be weighed.
    pub(crate) fn without_steps(ctx: &Context<'_>) -> Self {
        let level = ctx.current.unwrap_or(0).min(ctx.top());
        let reason = match ctx.levels.len() {
            0 | 1 => Reason::OnlyChoice,
            _ => Reason::AllAlike { bitrate: ctx.bitrate(level) },
        };
        Self::new(level, reason)
    }
}

/// A segment that was downloaded and appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Downloaded {
    /// Index in [`Context::levels`].
    pub level: usize,
    /// Bytes of its body.
    pub bytes: u64,
    /// Media in it.
    pub duration: MediaTime,
    /// From the request to the last byte.
    pub took: Duration,
}

/// How far the request in flight is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Index in [`Context::levels`].
    pub level: usize,
    /// Bytes received.
    pub bytes: u64,
    /// Bytes that there will be, where known.
    pub total: Option<u64>,
    /// When the request was made.
    pub requested: Timestamp,
    /// When the first byte of the body arrived.
    pub first_byte: Option<Timestamp>,
    /// It comes as its source makes it: how fast it comes says nothing of the network.
    pub paced: bool,
    /// Media ahead of the playhead that came of it, and that is fetched again where it is left.
    pub fetched_again: MediaTime,
    /// Bytes that other requests got from the same server since its first byte: what they took of the line, it had not.
    pub beside: u64,
}

/// A segment that waits in the buffer whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Index in [`Context::levels`].
    pub level: usize,
    /// From the playhead to its start; below zero while it plays.
    pub due: MediaTime,
}

/// A segment that is to be fetched again at a higher level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Again {
    /// Index among what waits.
    pub place: usize,
    /// Index in [`Context::levels`].
    pub level: usize,
    /// Why.
    pub reason: Reason,
}

/// Chooses the level of each segment of one track.
///
/// A rule is asked once before each request ([`BitrateRule::choose`]), told of each segment that
/// was appended, and asked now and then whether the request in flight should be given up. It owns
/// no clock and draws no chance: the same calls give the same answers on every platform.
pub trait BitrateRule: Send {
    /// The name under which [`crate::rule_by_name`] knows it.
    fn name(&self) -> &'static str;

    /// The level of the next segment.
    fn choose(&mut self, ctx: &Context<'_>) -> Choice;

    /// Which segment to fetch again before the next one is requested, of those that `waiting` has: whole ones, from the one that
    /// plays on, as they follow each other (fast switching: what was buffered on a slow network need not be seen on a fast one). Asked where the
    /// next segment would be requested, or its request waits for room; the caller drops what has not come when its turn
    /// to be played has.
    fn again(&mut self, _ctx: &Context<'_>, _waiting: &[Waiting]) -> Option<Again> {
        None
    }

    /// A segment was downloaded and appended; the buffer of `ctx` holds it already.
    fn on_downloaded(&mut self, _ctx: &Context<'_>, _downloaded: &Downloaded) {}

    /// Whether to cancel the request in flight and request another level of the same segment at
    /// once. The caller must do so if the answer is `Some`.
    fn should_abandon(&mut self, _ctx: &Context<'_>, _progress: &Progress) -> Option<Choice> {
        None
    }

    /// The playhead was moved out of the buffer; the next choice is a starting one.
    fn on_seek(&mut self) {}

    /// Playback stood for want of media.
    fn on_stall(&mut self) {}
}
