//! What one session of playback was like: the document of `--report`, and the page of `--html`.

mod bounded;
mod collect;
mod html;
mod plots;
mod tally;
mod timeline;

pub(crate) use collect::{decision_kind, Collector, Protection, Session};
pub(crate) use html::page;
pub(crate) use tally::Tally;

use std::collections::BTreeMap;

use serde::Serialize;
use telecine_engine::abr::Candidate;
use telecine_model::{Error, ErrorCode};

use crate::document::ErrorEntry;

/// The document of `telecine play --report`. Fields are only ever added to it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    /// Version of this program.
    pub(crate) telecine: &'static str,
    pub(crate) url: String,
    /// `hls` or `dash`; null if no manifest could be read.
    pub(crate) protocol: Option<String>,
    pub(crate) live: bool,
    pub(crate) outcome: Outcome,
    /// The error that ended playback.
    pub(crate) error: Option<ErrorEntry>,
    /// From loading to the first moving picture; null if there was none.
    pub(crate) startup_s: Option<f64>,
    pub(crate) played_s: f64,
    /// On the session's own clock, which with `--clock virtual` is a model.
    pub(crate) wall_s: f64,
    pub(crate) duration_s: Option<f64>,
    /// Where in the title playback began: what was asked for, within the title. Null if it did not.
    pub(crate) start_s: Option<f64>,
    pub(crate) stalls: Stalls,
    pub(crate) seeks: Seeks,
    pub(crate) jumps: Jumps,
    pub(crate) breaks: Breaks,
    pub(crate) bitrate: Bitrate,
    pub(crate) height: Height,
    pub(crate) latency: Option<Latency>,
    pub(crate) bytes: Bytes,
    pub(crate) requests: Requests,
    pub(crate) tracks: Vec<TrackEntry>,
    pub(crate) decisions: Vec<DecisionEntry>,
    /// Media ahead of the playhead that can be played: the least of picture and sound.
    pub(crate) buffer: Vec<(f64, f64)>,
    /// Estimate of the network's throughput in bits a second.
    pub(crate) throughput: Vec<(f64, u64)>,
    /// Bytes that had come over the network by then.
    pub(crate) received: Vec<(f64, u64)>,
    /// Recovered ones too, in order.
    pub(crate) errors: Vec<ErrorEntry>,

    /// Of a live title: how old what is shown was.
    pub(crate) latencies: Vec<(f64, f64)>,
    /// Playback speed, wherever it changed.
    pub(crate) speeds: Vec<(f64, f64)>,
    /// What a long session has too much of: entries from the middle of each list that are not in this report.
    pub(crate) left_out: LeftOut,

    /// Media ahead of the playhead by kind of track.
    pub(crate) buffers: BTreeMap<String, Vec<(f64, f64)>>,
    /// Every stall.
    pub(crate) stalled: Vec<Stall>,
    /// What was on screen from when on.
    pub(crate) quality: Vec<Quality>,
    /// What the engine could choose between: the renditions of the tracks that were played.
    pub(crate) ladder: Vec<Rung>,
    pub(crate) warnings: Vec<crate::document::WarningEntry>,
    /// Wishes that the title cannot fulfil, and what else is not as it may seem.
    pub(crate) notes: Vec<Note>,
    pub(crate) setup: Setup,
    /// Hash of the engine's actions, in hexadecimal: equal sessions have equal hashes.
    pub(crate) action_hash: String,
}

/// How playback ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    /// Played to the end.
    Ended,
    /// By `--until`, or by the person in front of it.
    Stopped,
    /// By an error.
    Failed,
}

impl Outcome {
    /// The word of the contract.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
        }
    }
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Stalls {
    pub(crate) count: u64,
    pub(crate) total_s: f64,
    /// Share of stalls in the time played and waited.
    pub(crate) ratio: f64,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Seeks {
    pub(crate) count: u64,
    pub(crate) mean_s: Option<f64>,
}

/// Places that the playhead was moved to without anybody asking for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Jumps {
    /// All of them, be they forward or back.
    pub(crate) count: u64,
    /// Of those, to be nearer to the live edge, or away from what is not there yet.
    pub(crate) to_edge: u64,
    /// Of those, over media that is missing, or has left the window of a live title.
    pub(crate) over_gaps: u64,
    /// Media of the title that was left out by them.
    pub(crate) skipped_s: f64,
}

/// What was played in the middle of the title, before or behind it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Breaks {
    /// Those that began.
    pub(crate) count: u64,
    /// For how long the title was held for them, without the stalls in them.
    pub(crate) total_s: f64,
    /// What could not be played of them, and was left out: assets, and whole breaks.
    pub(crate) failed: u64,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Bitrate {
    /// Of what was played, measured from its bytes: of the picture, or of the sound where there is no picture.
    pub(crate) mean_bps: Option<u64>,
    /// Which of the two: `video` or `audio`.
    pub(crate) of: Option<&'static str>,
    /// Mean of the peaks that the manifest declares for it, weighted by time; null if it declares none.
    pub(crate) declared_mean_bps: Option<u64>,
    pub(crate) switches: u64,
    pub(crate) up: u64,
    pub(crate) down: u64,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Height {
    pub(crate) mean: Option<f64>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Latency {
    /// Over the time that the playhead moved.
    pub(crate) mean_s: f64,
    /// What it kept within for 95 % of that time, to a hundredth of a second, or to a thousandth of itself beyond 20 s.
    pub(crate) p95_s: f64,
    /// What was aimed at last; in the past, what would have been.
    pub(crate) target_s: f64,
    /// Whether it is of the time that the edge was followed; else it never was, and what is past was watched on purpose.
    pub(crate) followed: bool,
}

/// How many entries are missing from the middle of lists that became too long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct LeftOut {
    pub(crate) decisions: u64,
    pub(crate) errors: u64,
    pub(crate) stalled: u64,
    pub(crate) quality: u64,
    pub(crate) speeds: u64,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Bytes {
    /// Everything that came over the network.
    pub(crate) fetched: u64,
    /// Of that, media that reached the sink.
    pub(crate) media: u64,
    /// Of that, what was fetched and never played.
    pub(crate) wasted: u64,
    /// Of that, what waited in the buffer and gave way to the same in a higher rendition.
    pub(crate) replaced: u64,
    /// Segments that did.
    pub(crate) segments_replaced: u64,
    /// Of what was wasted, what was read past because a server ignores byte ranges.
    pub(crate) skipped: u64,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Requests {
    pub(crate) total: u64,
    pub(crate) failed: u64,
    pub(crate) cancelled: u64,
    pub(crate) by_pathway: BTreeMap<String, u64>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct TrackEntry {
    pub(crate) kind: &'static str,
    pub(crate) id: String,
    pub(crate) codec: String,
    pub(crate) samples: u64,
    pub(crate) duration_s: f64,
    pub(crate) first_pts_s: Option<f64>,
    pub(crate) last_pts_s: Option<f64>,
    pub(crate) gaps: u64,
    pub(crate) decoded: u64,
    pub(crate) decode_errors: u64,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct DecisionEntry {
    pub(crate) t_s: f64,
    /// `bitrate`, `pathway`, `abandon`, `seek`, `rate`, `track`, `retry`, `skip`, `gap`.
    pub(crate) kind: String,
    pub(crate) from: Option<String>,
    pub(crate) to: Option<String>,
    /// Strongest reason first.
    pub(crate) why: Vec<String>,
    /// Where a rendition was chosen: what from, ascending.
    pub(crate) candidates: Vec<Candidate>,
    /// Playhead at that time.
    pub(crate) position_s: f64,
    /// Kind of the track that it is about.
    pub(crate) track: Option<&'static str>,
    /// Of the rendition in `to`, where it is one: declared, else measured.
    pub(crate) bitrate_bps: Option<u64>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Stall {
    pub(crate) t_s: f64,
    pub(crate) duration_s: f64,
    pub(crate) position_s: f64,
    pub(crate) cause: String,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Quality {
    pub(crate) t_s: f64,
    pub(crate) kind: &'static str,
    pub(crate) rendition: String,
    /// Declared peak; null where the manifest declares none.
    pub(crate) bitrate_bps: Option<u64>,
    pub(crate) height: Option<u32>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Rung {
    pub(crate) kind: &'static str,
    pub(crate) rendition: String,
    /// Declared peak; null where the manifest declares none.
    pub(crate) bitrate_bps: Option<u64>,
    /// Measured from what came of it; null if nothing did.
    pub(crate) measured_bps: Option<u64>,
    pub(crate) height: Option<u32>,
}

impl Rung {
    /// What is known of its bitrate: declared, else measured.
    pub(crate) fn rate(&self) -> Option<u64> {
        self.bitrate_bps.or(self.measured_bps)
    }

    /// What a person calls it.
    pub(crate) fn name(&self) -> String {
        self.height.map_or_else(|| self.rendition.clone(), |height| format!("{height}p"))
    }
}

/// Something that whoever started the session should know. It goes on standard error too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Note {
    /// The option that it is about, as it was written.
    pub(crate) about: String,
    pub(crate) message: String,
}

impl Note {
    pub(crate) fn new(about: impl Into<String>, message: impl Into<String>) -> Self {
        Self { about: about.into(), message: message.into() }
    }
}

/// How the session was set up: what a reader needs to compare two reports.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Setup {
    pub(crate) sink: &'static str,
    pub(crate) clock: &'static str,
    pub(crate) abr: String,
    /// Where in the title playback was to begin; null leaves it to the title.
    pub(crate) start_s: Option<f64>,
    /// Shaping of the embedded origin's network.
    pub(crate) network: Option<String>,
}

impl Report {
    /// The session in one sentence for people.
    pub(crate) fn headline(&self) -> String {
        if let Some((start, end)) = self.start_behind_end().filter(|_| self.startup_s.is_none()) {
            let (start, end) = (seconds(start), seconds(end));
            return format!("Nothing to play: the start at {start} is not before the title's end at {end}.");
        }
        let end = match (self.outcome, &self.error) {
            (Outcome::Ended, _) => "Played to the end".to_owned(),
            (Outcome::Stopped, _) => format!("Stopped after playing {}", seconds(self.played_s)),
            // What was played is not how long one waited for it.
            (Outcome::Failed, error) => format!(
                "Failed{} after playing {} ({} since the start)",
                error.as_ref().map_or(String::new(), |error| format!(" with {}", error.name)),
                seconds(self.played_s),
                seconds(self.wall_s)
            ),
        };
        let mut parts = vec![end];
        if let Some(startup) = self.startup_s {
            parts.push(format!("started in {}", seconds(startup)));
            parts.push(match self.stalls.count {
                0 => "no stalls".to_owned(),
                1 => format!("one stall of {}", seconds(self.stalls.total_s)),
                count => format!("{count} stalls, {} in all", seconds(self.stalls.total_s)),
            });
        }
        match self.jumps.count {
            0 => {}
            1 => parts.push(format!("one jump over {}", seconds(self.jumps.skipped_s))),
            count => parts.push(format!("{count} jumps over {}", seconds(self.jumps.skipped_s))),
        }
        match self.breaks.count {
            0 => {}
            1 => parts.push(format!("one break of {}", seconds(self.breaks.total_s))),
            count => parts.push(format!("{count} breaks of {} in all", seconds(self.breaks.total_s))),
        }
        if let Some(latency) = &self.latency {
            let aim = match latency.followed {
                true => format!("aiming at {}", seconds(latency.target_s)),
                false => "not following it".to_owned(),
            };
            parts.push(format!(
                "{} behind the live edge on average (95 % within {}, {aim})",
                seconds(latency.mean_s),
                seconds(latency.p95_s)
            ));
        }
        if let (Some(mean), Some(kind)) = (self.bitrate.mean_bps, self.bitrate.of) {
            parts.push(format!("{kind} at {} on average", bits(mean)));
        }
        let refused = |track: &&TrackEntry| track.decode_errors > 0;
        parts.extend(self.tracks.iter().filter(refused).map(|track| {
            let all = track.decoded + track.decode_errors;
            format!(
                "{} of {all} samples of {} could not be decoded (damaged, or a wrong key)",
                track.decode_errors, track.kind
            )
        }));
        format!("{}.", parts.join(", "))
    }
}

impl Report {
    /// A session that was to start where its title has nothing more has failed, by how it was called: the engine puts
    /// the playhead at the end and is done at once, which is not what anybody asked for.
    pub(crate) fn refuse_start(&mut self) -> Option<Error> {
        let (start, end) = self.start_behind_end().filter(|_| self.outcome == Outcome::Ended)?;
        let (start, end) = (seconds(start), seconds(end));
        let message = format!("--start {start} is not before the title's end at {end}: nothing was played");
        let error = Error::new(ErrorCode::InvalidArgument, message);
        let entry = ErrorEntry::new(&error, Some(self.wall_s));
        self.outcome = Outcome::Failed;
        self.errors.push(entry.clone());
        self.error = Some(entry);
        Some(error)
    }

    /// The start that was asked for and the title's end, if it has nothing there.
    fn start_behind_end(&self) -> Option<(f64, f64)> {
        self.setup.start_s.zip(self.duration_s).filter(|(start, end)| start >= end)
    }
}

/// A span for people: `0.42 s`, `59.4 s`, `12 min 03 s`.
pub(crate) fn seconds(seconds: f64) -> String {
    if seconds < 10.0 {
        format!("{seconds:.2} s")
    } else if seconds < 100.0 {
        format!("{seconds:.1} s")
    } else {
        let whole = seconds.round() as u64;
        match (whole / 3600, whole / 60 % 60, whole % 60) {
            (0, minutes, seconds) => format!("{minutes} min {seconds:02} s"),
            (hours, minutes, _) => format!("{hours} h {minutes:02} min"),
        }
    }
}

/// A bitrate for people: `420 kbit/s`, `2.41 Mbit/s`.
pub(crate) fn bits(bps: u64) -> String {
    match bps {
        0..1_000 => format!("{bps} bit/s"),
        1_000..1_000_000 => format!("{:.0} kbit/s", bps as f64 / 1e3),
        1_000_000..10_000_000 => format!("{:.2} Mbit/s", bps as f64 / 1e6),
        10_000_000..1_000_000_000 => format!("{:.1} Mbit/s", bps as f64 / 1e6),
        _ => format!("{:.2} Gbit/s", bps as f64 / 1e9),
    }
}

/// A size for people: `812 kB`, `5.6 MB`.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.0} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.2} GB", bytes as f64 / 1e9),
    }
}
