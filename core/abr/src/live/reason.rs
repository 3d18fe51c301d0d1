//! Why a speed or a target was chosen, in a form that travels.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::reason::secs;

/// One reason of what is done about the latency. Times in milliseconds, speeds in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LiveReason {
    /// The playhead does not move, so it is at no speed.
    NotPlaying,
    /// The latency is as wanted, or nearly.
    OnTarget {
        /// Of the playhead.
        latency_ms: i64,
        /// As wanted.
        target_ms: i64,
    },
    /// The playhead is late, so it goes faster.
    CatchingUp {
        /// Of the playhead.
        latency_ms: i64,
        /// As wanted.
        target_ms: i64,
    },
    /// The playhead is too near to the edge, so it goes slower.
    FallingBack {
        /// Of the playhead.
        latency_ms: i64,
        /// As wanted.
        target_ms: i64,
    },
    /// The buffer is nearly empty and the playhead is not late, so it goes slower.
    SparingBuffer {
        /// Media ahead of the playhead.
        buffer_ms: i64,
        /// What there should be.
        least_ms: i64,
    },
    /// The playhead is late, but the buffer is too short to go faster.
    BufferTooShort {
        /// Media ahead of the playhead.
        buffer_ms: i64,
        /// What there should be.
        least_ms: i64,
    },
    /// The playhead is ahead of what is wanted, but the buffer is long: slowing down gains nothing.
    BufferLongEnough {
        /// Media ahead of the playhead.
        buffer_ms: i64,
    },
    /// Neither the device nor the bounds have a speed that would help.
    NoSuchSpeed,
    /// The speed was turned the other way only a moment ago.
    TurnedLately {
        /// Until it may be turned again.
        wait_ms: i64,
    },
    /// The playhead is later than allowed.
    TooLate {
        /// Of the playhead.
        latency_ms: i64,
        /// What is allowed.
        max_ms: i64,
    },
    /// The playhead was moved for that a moment ago.
    SoughtLately {
        /// Until it may be moved again.
        wait_ms: i64,
    },
    /// The playhead was moved for that and was as late afterwards.
    SeeksDoNotHelp {
        /// How often.
        seeks: u32,
    },
    /// The line is slower than what is watched: wherever the playhead is moved, it would soon be as late.
    LineTooSlow,
    /// The application wants this latency.
    TargetOfApp {
        /// As wanted.
        target_ms: i64,
    },
    /// The manifest wants this latency.
    TargetOfManifest {
        /// As wanted.
        target_ms: i64,
    },
    /// The server wants the playhead held back so far.
    TargetOfHoldBack {
        /// As wanted.
        target_ms: i64,
    },
    /// Nobody said what is wanted, so as many segments as is usual.
    TargetOfSegments {
        /// As wanted.
        target_ms: i64,
        /// So many.
        segments: u32,
    },
    /// Less is not allowed.
    RaisedToMinimum {
        /// What is allowed.
        min_ms: i64,
    },
    /// More is not allowed.
    CutToMaximum {
        /// What is allowed.
        max_ms: i64,
    },
    /// Playback stalled, so a little more than what was asked for; it goes with time.
    BackedOff {
        /// What is added now.
        extra_ms: i64,
    },
}

impl fmt::Display for LiveReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NotPlaying => f.write_str("playback does not run"),
            Self::OnTarget { latency_ms, target_ms } => {
                write!(f, "{} behind live is near the target of {}", hundredths(latency_ms), hundredths(target_ms))
            }
            Self::CatchingUp { latency_ms, target_ms } => {
                write!(f, "{} behind live is more than the target of {}", hundredths(latency_ms), hundredths(target_ms))
            }
            Self::FallingBack { latency_ms, target_ms } => {
                write!(f, "{} behind live is less than the target of {}", hundredths(latency_ms), hundredths(target_ms))
            }
            Self::SparingBuffer { buffer_ms, least_ms } => {
                write!(f, "only {} of buffer are left of {}", hundredths(buffer_ms), hundredths(least_ms))
            }
            Self::BufferTooShort { buffer_ms, least_ms } => write!(
                f,
                "{} of buffer is too short to go faster: {} should stay",
                hundredths(buffer_ms),
                hundredths(least_ms)
            ),
            Self::BufferLongEnough { buffer_ms } => {
                write!(f, "with {} of buffer there is nothing to gain by going slower", secs(buffer_ms))
            }
            Self::NoSuchSpeed => f.write_str("no speed that would help is allowed and within reach of the device"),
            Self::TurnedLately { wait_ms } => {
                write!(f, "the speed was turned lately: the next turn is in {}", secs(wait_ms))
            }
            Self::TooLate { latency_ms, max_ms } => {
                write!(f, "{} behind live is more than the {} allowed", secs(latency_ms), secs(max_ms))
            }
            Self::SoughtLately { wait_ms } => {
                write!(f, "the playhead was moved for it lately: the next time is in {}", secs(wait_ms))
            }
            Self::LineTooSlow => {
                f.write_str("the line is slower than what is watched: to move the playhead gains nothing")
            }
            Self::SeeksDoNotHelp { seeks } => write!(f, "the playhead was moved for it {seeks} times in vain"),
            Self::TargetOfApp { target_ms } => write!(f, "the application wants {}", hundredths(target_ms)),
            Self::TargetOfManifest { target_ms } => write!(f, "the manifest wants {}", hundredths(target_ms)),
            Self::TargetOfHoldBack { target_ms } => write!(f, "the server holds back {}", hundredths(target_ms)),
            Self::TargetOfSegments { target_ms, segments } => {
                write!(f, "nothing is said: {segments} segments are {}", hundredths(target_ms))
            }
            Self::RaisedToMinimum { min_ms } => write!(f, "at least {} is required", hundredths(min_ms)),
            Self::CutToMaximum { max_ms } => write!(f, "at most {} is allowed", hundredths(max_ms)),
            Self::BackedOff { extra_ms } => write!(f, "{} more for the sake of a recent stall", hundredths(extra_ms)),
        }
    }
}

/// Where tenths of a second are too coarse.
fn hundredths(ms: i64) -> String {
    let all = ms.unsigned_abs() / 10;
    let sign = if ms < 0 && all > 0 { "-" } else { "" };
    format!("{sign}{}.{:02} s", all / 100, all % 100)
}
