//! Why a level was chosen, in a form that travels.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One reason of a choice. Bitrates in bits a second, media times in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// The ladder has one rung, as it is or as constraints left it.
    OnlyChoice,
    /// The ladder has several rungs and no steps: all of them take the same bitrate.
    AllAlike {
        /// Of every level.
        bitrate: u64,
    },
    /// The rule takes the lowest level whatever happens.
    AlwaysLowest,
    /// Nothing is known of the network, so the lowest level.
    NothingMeasured,
    /// At the start nothing can stall: the highest level that the estimate carries, or the lowest if it carries none.
    StartFast {
        /// Of the level.
        bitrate: u64,
        /// What the estimate carries.
        allowed: u64,
        /// Whether the estimate rests on measurements; else it is assumed.
        measured: bool,
    },
    /// The highest level that the estimate carries with a margin, or the lowest if it carries none.
    FitsThroughput {
        /// Of the level.
        bitrate: u64,
        /// What the estimate carries with the margin.
        allowed: u64,
        /// Whether the estimate rests on measurements; else it is assumed.
        measured: bool,
    },
    /// The buffer is worth most with this level (BOLA).
    BolaScore {
        /// Of the level.
        bitrate: u64,
        /// Media ahead of the playhead.
        buffer_ms: i64,
        /// Virtual buffer that stands for trust in the network.
        placeholder_ms: i64,
    },
    /// The buffer would allow more, but the network does not sustain it.
    UpBlockedByThroughput {
        /// Of the level that the buffer would allow.
        wanted: u64,
        /// What the estimate carries.
        allowed: u64,
    },
    /// The estimate would allow more, but the buffer is not yet long enough for it.
    UpBlockedByBuffer {
        /// Of the level that the estimate would allow.
        wanted: u64,
        /// Media ahead of the playhead.
        buffer_ms: i64,
    },
    /// The buffer still carries the level before, although it shrinks.
    Held {
        /// Of the level.
        bitrate: u64,
        /// Media ahead of the playhead.
        buffer_ms: i64,
    },
    /// A higher level could empty the buffer before its segment is there.
    BufferLow {
        /// Media ahead of the playhead.
        buffer_ms: i64,
        /// Of the level that would have been chosen.
        wanted: u64,
        /// Bits that surely arrive in time.
        safe_bits: u64,
    },
    /// The buffer is longer than the level needs, and the next one up is not sustained.
    BufferAmple {
        /// Pause before the request.
        wait_ms: i64,
    },
    /// The segment in flight would take far longer than it plays.
    FinishesTooLate {
        /// Projected duration of the whole request.
        projected_ms: i64,
        /// What is tolerated.
        limit_ms: i64,
    },
    /// The buffer would be empty before the segment in flight is there.
    WouldEmptyBuffer {
        /// Time that the rest of the segment needs.
        needed_ms: i64,
        /// Media ahead of the playhead.
        buffer_ms: i64,
    },
    /// A smaller segment serves the buffer better than the rest of the one in flight.
    RestCostsMore {
        /// Bits that are still to come.
        rest_bits: u64,
        /// Bits of the smaller segment.
        instead_bits: u64,
    },
    /// The first step of the plan that is worth most if the network carries what is forecast.
    BestPlan {
        /// Of the level.
        bitrate: u64,
        /// Segments that the plan covers.
        segments: u32,
        /// Bits a second that the plan counts on.
        forecast: u64,
    },
    /// The level that the length of the buffer stands for.
    BufferMap {
        /// Of the level.
        bitrate: u64,
        /// Media ahead of the playhead.
        buffer_ms: i64,
    },
    /// The ladder was cut before the rule saw it.
    Capped {
        /// By what.
        by: Cap,
    },
    /// What is worth most in the end, by what may come of the network's rate.
    BestOutlook {
        /// Of the level.
        bitrate: u64,
        /// Media ahead of the playhead.
        buffer_ms: i64,
        /// Bits a second that the network is believed to carry now.
        believed: u64,
        /// How far that moves from segment to segment.
        spread_percent: u32,
    },
    /// What waits in the buffer is fetched again, as the network carries more than when it was.
    BetterAgain {
        /// Of the level that it has.
        from: u64,
        /// Of the level that is fetched.
        bitrate: u64,
        /// Until it is played.
        due_ms: i64,
    },
    /// Another level was weighed against the chosen one.
    WorthLess {
        /// Of that level.
        bitrate: u64,
        /// By how much it was worth less, as a stall that is worth as much.
        by_ms: i64,
    },
}

/// What can cut a ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cap {
    /// The application's greatest height.
    MaxHeight,
    /// The application's greatest bitrate.
    MaxBitrate,
    /// The application named what is to be played.
    Named,
    /// What the decoder or display can do.
    Device,
    /// What the server asks for (CMSD `mb`).
    Server,
    /// What the viewer wants to spend.
    DataSaver,
    /// Pictures of higher levels were not shown in time.
    DroppedFrames,
    /// The device is hot, or saves its battery.
    Power,
    /// What is to be seen of it, which is no more than of what takes less.
    Quality,
    /// It cannot be had: it failed, or its keys are not there.
    Unavailable,
}

impl Cap {
    /// In a word or two.
    pub fn word(self) -> &'static str {
        match self {
            Self::MaxHeight => "height",
            Self::MaxBitrate => "bitrate",
            Self::Named => "named",
            Self::Device => "device",
            Self::Server => "server",
            Self::DataSaver => "data saver",
            Self::DroppedFrames => "dropped frames",
            Self::Power => "power",
            Self::Quality => "no better",
            Self::Unavailable => "not to be had",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::OnlyChoice => f.write_str("there is only one level to choose from"),
            Self::AllAlike { bitrate } => write!(f, "all levels take {}", kbps(bitrate)),
            Self::AlwaysLowest => f.write_str("the rule always takes the lowest level"),
            Self::NothingMeasured => f.write_str("nothing is known of the network yet"),
            Self::StartFast { bitrate, allowed, measured } | Self::FitsThroughput { bitrate, allowed, measured }
                if bitrate > allowed =>
            {
                let carries = if measured { "carries" } else { "is assumed to carry" };
                write!(f, "even the lowest level takes {}, and the network {carries} {}", kbps(bitrate), kbps(allowed))
            }
            Self::StartFast { bitrate, allowed, measured } => {
                let carries = if measured { "carries" } else { "is assumed to carry" };
                write!(f, "start with {} as the network {carries} {}", kbps(bitrate), kbps(allowed))
            }
            Self::FitsThroughput { bitrate, allowed, measured } => {
                let assumed = if measured { "" } else { "assumed " };
                write!(f, "{} fits into {} of {assumed}throughput", kbps(bitrate), kbps(allowed))
            }
            Self::BolaScore { bitrate, buffer_ms, placeholder_ms: 0 } => {
                write!(f, "{} serves {} of buffer best", kbps(bitrate), secs(buffer_ms))
            }
            Self::BolaScore { bitrate, buffer_ms, placeholder_ms } => write!(
                f,
                "{} serves {} of buffer and {} of trust best",
                kbps(bitrate),
                secs(buffer_ms),
                secs(placeholder_ms)
            ),
            Self::UpBlockedByThroughput { wanted, allowed } => {
                write!(f, "{} is more than the {} that the network carries", kbps(wanted), kbps(allowed))
            }
            Self::UpBlockedByBuffer { wanted, buffer_ms } => {
                write!(f, "{} of buffer is too short for {}", secs(buffer_ms), kbps(wanted))
            }
            Self::Held { bitrate, buffer_ms } => {
                write!(f, "{} of buffer still carries {}", secs(buffer_ms), kbps(bitrate))
            }
            Self::BufferLow { buffer_ms, wanted, safe_bits } => write!(
                f,
                "{} of buffer is too short for {}: only {} kbit surely arrive in time",
                secs(buffer_ms),
                kbps(wanted),
                safe_bits / 1000
            ),
            Self::BufferAmple { wait_ms } => write!(f, "the buffer is ample: wait {}", secs(wait_ms)),
            Self::FinishesTooLate { projected_ms, limit_ms } => {
                write!(f, "the segment would take {}, more than {}", secs(projected_ms), secs(limit_ms))
            }
            Self::WouldEmptyBuffer { needed_ms, buffer_ms } => {
                write!(f, "the rest of the segment needs {} and the buffer lasts {}", secs(needed_ms), secs(buffer_ms))
            }
            Self::RestCostsMore { rest_bits, instead_bits } => write!(
                f,
                "{} kbit instead of the {} kbit to come keep the buffer alive",
                instead_bits / 1000,
                rest_bits / 1000
            ),
            Self::BestPlan { bitrate, segments, forecast } => {
                write!(f, "{} begins the best plan for {segments} segments at {}", kbps(bitrate), kbps(forecast))
            }
            Self::BufferMap { bitrate, buffer_ms } => {
                write!(f, "{} of buffer stand for {}", secs(buffer_ms), kbps(bitrate))
            }
            Self::BestOutlook { bitrate, buffer_ms, believed, spread_percent } => write!(
                f,
                "{} serves {} of buffer best at {} give or take {spread_percent} %",
                kbps(bitrate),
                secs(buffer_ms),
                kbps(believed)
            ),
            Self::BetterAgain { from, bitrate, due_ms } => write!(
                f,
                "{} instead of {} can be there in the {} until it is played",
                kbps(bitrate),
                kbps(from),
                secs(due_ms)
            ),
            Self::WorthLess { bitrate, by_ms } => {
                write!(f, "{} would be worse, by as much as {} of stall", kbps(bitrate), hundredths(by_ms))
            }
            Self::Capped { by } => write!(f, "higher levels are excluded by {by}"),
        }
    }
}

impl fmt::Display for Cap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MaxHeight => "the greatest height allowed",
            Self::MaxBitrate => "the greatest bitrate allowed",
            Self::Named => "the choice of the application",
            Self::Device => "what the device can show",
            Self::Server => "the server, which asks for no more",
            Self::DataSaver => "what may be spent",
            Self::DroppedFrames => "pictures that the device dropped",
            Self::Power => "the device, which is to be spared",
            Self::Quality => "their quality, which is hardly better",
            Self::Unavailable => "what failed of them",
        })
    }
}

/// A bitrate for people. Integers only: the text is part of recordings.
fn kbps(bits_per_second: u64) -> String {
    format!("{} kbit/s", bits_per_second / 1000)
}

pub(crate) fn secs(ms: i64) -> String {
    let tenths = ms.unsigned_abs() / 100;
    let sign = if ms < 0 && tenths > 0 { "-" } else { "" };
    format!("{sign}{}.{} s", tenths / 10, tenths % 10)
}

fn hundredths(ms: i64) -> String {
    let hundredths = ms.unsigned_abs() / 10;
    let sign = if ms < 0 && hundredths > 0 { "-" } else { "" };
    format!("{sign}{}.{:02} s", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_reads_as_a_short_sentence() {
        let low = Reason::BufferLow { buffer_ms: 1_950, wanted: 3_000_000, safe_bits: 2_500_000 };
        assert_eq!(
            low.to_string(),
            "1.9 s of buffer is too short for 3000 kbit/s: only 2500 kbit surely arrive in time"
        );
        let start = |bitrate, measured| Reason::StartFast { bitrate, allowed: 900_000, measured }.to_string();
        assert_eq!(start(800_000, true), "start with 800 kbit/s as the network carries 900 kbit/s");
        assert_eq!(start(800_000, false), "start with 800 kbit/s as the network is assumed to carry 900 kbit/s");
        assert_eq!(start(950_000, true), "even the lowest level takes 950 kbit/s, and the network carries 900 kbit/s");
        let capped = Reason::Capped { by: Cap::MaxHeight };
        assert_eq!(capped.to_string(), "higher levels are excluded by the greatest height allowed");
        assert_eq!(secs(-40), "0.0 s");
        assert_eq!(secs(i64::MIN).len(), "-9223372036854775.8 s".len());
    }
}
