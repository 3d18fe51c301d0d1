//! From what a player says while it plays to the report.

use std::collections::{BTreeMap, BTreeSet};

use telecine_engine::telemetry::QoeSummary;
use telecine_engine::{Decision, DecisionKind, Event, InterstitialPhase, Snapshot, StallCause, State, TrackStats};
use telecine_model::protection::KeyId;
use telecine_model::{Error, MediaTime, Presentation, Timestamp, TrackKind};

use super::bounded::{thinned, Ends, Look, Pace};
use super::{
    Bitrate, Breaks, Bytes, DecisionEntry, Height, Jumps, Latency, LeftOut, Note, Outcome, Quality, Report, Requests,
    Rung, Seeks, Setup, Stall, Stalls, Tally, TrackEntry,
};
use crate::document::{passed, secs, ErrorEntry, WarningEntry};

/// What lies further behind the playhead than this is not looked at again: longer than buffers, and than most windows of
/// live titles.
const BEHIND: MediaTime = MediaTime::from_secs(6 * 3600);

/// Takes notes during a session.
pub(crate) struct Collector {
    url: String,
    setup: Setup,
    tally: Tally,
    protocol: Option<String>,
    live: bool,
    duration: Option<MediaTime>,
    start: Option<MediaTime>,
    state: State,
    decisions: Ends<DecisionEntry>,
    key_systems: bool,
    pace: Pace,
    latencies: Vec<(f64, f64)>,
    speeds: Ends<(f64, f64)>,
    buffer: Vec<(f64, f64)>,
    buffers: BTreeMap<String, Vec<(f64, f64)>>,
    throughput: Vec<(f64, u64)>,
    received: Vec<(f64, u64)>,
    position: MediaTime,
    errors: Ends<ErrorEntry>,
    fatal: Option<Error>,
    stalled: Ends<Stall>,
    stall_is_open: bool,
    quality: Ends<Quality>,
    played_tracks: Vec<(TrackKind, String)>,
    warnings: Vec<WarningEntry>,
    notes: Vec<Note>,
    jumps: Jumps,
    /// The next decision of a place to go to is what somebody asked for.
    asked: bool,
    breaks: Breaks,
    /// Since when one of them is played.
    in_break: Option<Timestamp>,
}

/// What playback needed for protected media.
#[derive(Debug)]
pub(crate) struct Protection {
    /// There were protected samples.
    pub(crate) samples: bool,
    /// A key system was opened, for what was played or would have come.
    pub(crate) asked: bool,
    /// Keys that were given and that no media named.
    pub(crate) unseen: BTreeSet<KeyId>,
}

/// What only the end of a session knows.
pub(crate) struct Session<'a> {
    pub(crate) now: Timestamp,
    pub(crate) presentation: Option<&'a Presentation>,
    pub(crate) qoe: QoeSummary,
    pub(crate) tracks: Vec<TrackStats>,
    pub(crate) action_hash: u64,
}

impl Collector {
    /// Notes of a session that is about to start. The tally is that of its sink.
    pub(crate) fn new(url: &str, setup: Setup, tally: Tally) -> Self {
        Self {
            url: telecine_model::uri::without_secrets(url),
            setup,
            tally,
            protocol: None,
            live: false,
            duration: None,
            start: None,
            state: State::Idle,
            decisions: Ends::default(),
            key_systems: false,
            pace: Pace::default(),
            latencies: Vec::new(),
            speeds: Ends::default(),
            buffer: Vec::new(),
            buffers: BTreeMap::new(),
            throughput: Vec::new(),
            received: Vec::new(),
            position: MediaTime::ZERO,
            errors: Ends::default(),
            fatal: None,
            stalled: Ends::default(),
            stall_is_open: false,
            quality: Ends::default(),
            played_tracks: Vec::new(),
            warnings: Vec::new(),
            notes: Vec::new(),
            jumps: Jumps::default(),
            asked: false,
            breaks: Breaks::default(),
            in_break: None,
        }
    }

    /// Whether the title is known.
    pub(crate) fn is_loaded(&self) -> bool {
        self.protocol.is_some()
    }

    /// Whether the title was live when it was loaded.
    pub(crate) fn is_live(&self) -> bool {
        self.live
    }

    /// Where playback is to stop that is to stop at `until`: of a live title, that far from where it began.
    pub(crate) fn end(&self, until: MediaTime) -> MediaTime {
        // A player may be further than what it has told so far.
        match (self.is_loaded(), self.live, self.start) {
            (true, true, Some(start)) => start + until,
            (false, _, _) | (true, true, None) => MediaTime::MAX,
            (true, false, _) => until,
        }
    }

    /// Notes what whoever started the session should know.
    pub(crate) fn note(&mut self, note: Note) {
        self.notes.push(note);
    }

    /// The player's state, as far as it was told.
    pub(crate) fn state(&self) -> State {
        self.state
    }

    /// The error that ended playback.
    pub(crate) fn fatal(&self) -> Option<&Error> {
        self.fatal.as_ref()
    }

    /// What playback needed for protected media.
    pub(crate) fn protection(&self) -> Protection {
        Protection { samples: self.tally.was_protected(), asked: self.key_systems, unseen: self.tally.unseen() }
    }

    /// Notes an event.
    pub(crate) fn event(&mut self, event: &Event) {
        match event {
            Event::State { state, .. } => self.state = *state,
            Event::Loaded { protocol, live, duration, warnings, .. } => {
                self.protocol = Some(protocol.clone());
                self.live = *live;
                self.duration = duration.filter(|_| !*live);
                self.warnings = warnings.iter().map(WarningEntry::from).collect();
            }
            Event::MediaWarning { warning, .. } => {
                let entry = WarningEntry::from(warning);
                match self.warnings.iter_mut().find(|known| known.is_of(&entry)) {
                    Some(known) => *known = entry,
                    None => self.warnings.push(entry),
                }
            }
            // It was live, and is not any more.
            Event::LiveEnded { duration, .. } => self.duration = Some(*duration),
            Event::Started { position, .. } => {
                self.start.get_or_insert(*position);
            }
            Event::Selected { kind, track: Some(track), .. } => {
                let played = (*kind, track.clone());
                if !self.played_tracks.contains(&played) {
                    self.played_tracks.push(played);
                }
            }
            Event::Quality { at, kind, rendition, bitrate, height } => self.quality.push(Quality {
                t_s: at.as_secs_f64(),
                kind: kind.name(),
                rendition: rendition.clone(),
                bitrate_bps: declared(*bitrate),
                height: *height,
            }),
            Event::StallStarted { at, position, cause } => {
                self.stall_is_open = true;
                self.stalled.push(Stall {
                    t_s: at.as_secs_f64(),
                    duration_s: 0.0,
                    position_s: secs(*position),
                    cause: stall_cause(*cause),
                });
            }
            Event::StallEnded { at, stood_us } => self.close_stall(*at, Some(*stood_us)),
            Event::Decision(decision) => {
                self.key_systems |= decision.what == DecisionKind::KeySystem;
                self.jump(decision);
                self.decisions.push(DecisionEntry {
                    t_s: decision.at.as_secs_f64(),
                    kind: decision_kind(decision.what),
                    from: decision.from.clone(),
                    to: decision.to.clone(),
                    why: decision.why.clone(),
                    candidates: decision.candidates.clone(),
                    position_s: secs(decision.position),
                    track: decision.kind.map(TrackKind::name),
                    bitrate_bps: None,
                });
            }
            Event::SeekStarted { .. } => self.asked = true,
            Event::Interstitial { at, phase, .. } => match phase {
                InterstitialPhase::Started { .. } => {
                    self.breaks.count += 1;
                    self.end_break(*at);
                    self.in_break = Some(*at);
                }
                InterstitialPhase::Failed { .. } => self.breaks.failed += 1,
                InterstitialPhase::Ended { .. } => self.end_break(*at),
                _ => {}
            },
            Event::Error { at, error } => {
                self.errors.push(ErrorEntry::new(error, Some(at.as_secs_f64())));
                if error.is_fatal() {
                    self.fatal = Some(error.clone());
                }
            }
            _ => {}
        }
    }

    /// Notes how things stand, and how many bytes came so far.
    pub(crate) fn sample(&mut self, at: Timestamp, snapshot: &Snapshot, received: u64) {
        let t = at.as_secs_f64();
        self.position = self.position.max(snapshot.position);
        // What is far behind the playhead is not fetched again.
        self.tally.settle(self.position - BEHIND);
        let speed = f64::from(snapshot.rate_milli) / 1e3;
        if self.speeds.last_mut().is_none_or(|last| last.1 != speed) {
            self.speeds.push((t, speed));
        }
        let look = self.pace.look();
        if look == Look::Passed {
            return;
        }
        self.received.push((t, received));
        if let Some(latency) = snapshot.edge.as_ref().and_then(|edge| edge.latency) {
            self.latencies.push((t, secs(latency)));
        }
        let mut least = None;
        for stream in &snapshot.streams {
            let ahead = secs(stream.buffered);
            self.buffers.entry(stream.kind.name().to_owned()).or_default().push((t, ahead));
            if matches!(stream.kind, TrackKind::Video | TrackKind::Audio) {
                least = Some(least.map_or(ahead, |least: f64| least.min(ahead)));
            }
        }
        self.buffer.push((t, least.unwrap_or(0.0)));
        if let Some(bps) = snapshot.throughput {
            self.throughput.push((t, bps));
        }
        if look == Look::Thins {
            self.buffers.values_mut().chain([&mut self.buffer, &mut self.latencies]).for_each(thinned);
            [&mut self.throughput, &mut self.received].into_iter().for_each(thinned);
        }
    }

    fn end_break(&mut self, at: Timestamp) {
        if let Some(since) = self.in_break.take() {
            self.breaks.total_s += passed(at.since(since)) - self.stood_since(since, at);
        }
    }

    /// For how long the stall that is open has lasted since `since`, in seconds.
    fn stood_since(&self, since: Timestamp, at: Timestamp) -> f64 {
        let open = self.stalled.last().filter(|_| self.stall_is_open);
        open.map_or(0.0, |stall| at.as_secs_f64() - stall.t_s.max(since.as_secs_f64()))
    }

    /// Counts a place that the playhead was moved to without anybody asking for it.
    fn jump(&mut self, decision: &Decision) {
        let gap = match decision.what {
            DecisionKind::Gap => true,
            DecisionKind::Seek => false,
            _ => return,
        };
        // The event that it was asked for comes right before the decision.
        let asked = !gap && std::mem::take(&mut self.asked);
        // What is decided before playback began is where it begins.
        if asked || self.start.is_none() || decision.from == decision.to {
            return;
        }
        let place = |text: &Option<String>| text.as_ref()?.split(' ').next()?.parse::<f64>().ok();
        self.jumps.count += 1;
        self.jumps.over_gaps += u64::from(gap);
        self.jumps.to_edge += u64::from(!gap && self.live);
        if let Some((from, to)) = place(&decision.from).zip(place(&decision.to)).filter(|(from, to)| to > from) {
            // Places are told to the millisecond.
            self.jumps.skipped_s = ((self.jumps.skipped_s + to - from) * 1e3).round() / 1e3;
        }
    }

    fn close_stall(&mut self, at: Timestamp, stood_us: Option<u64>) {
        if let Some(since) = self.in_break {
            self.breaks.total_s -= self.stood_since(since, at);
        }
        if let Some(stall) = self.stalled.last_mut().filter(|_| self.stall_is_open) {
            stall.duration_s = stood_us.map_or(at.as_secs_f64() - stall.t_s, |stood| stood as f64 / 1e6);
        }
        self.stall_is_open = false;
    }

    /// The report.
    pub(crate) fn finish(mut self, session: &Session<'_>) -> Report {
        self.end_break(session.now);
        self.close_stall(session.now, None);
        let ladder = ladder(session.presentation, &self.played_tracks, &self.tally);
        let (mut decisions, decisions_left_out) = self.decisions.into_parts();
        let (errors, errors_left_out) = self.errors.into_parts();
        let (stalled, stalled_left_out) = self.stalled.into_parts();
        let (quality, quality_left_out) = self.quality.into_parts();
        let (speeds, speeds_left_out) = self.speeds.into_parts();
        for decision in &mut decisions {
            let named = |rung: &&Rung| {
                Some(&rung.rendition) == decision.to.as_ref() && decision.track.is_none_or(|kind| kind == rung.kind)
            };
            decision.bitrate_bps = ladder.iter().find(named).and_then(Rung::rate);
        }
        let until = if self.state == State::Ended { MediaTime::MAX } else { self.position };
        let mean = |kind| Some((self.tally.mean(kind, until)?, kind));
        let mean = mean(TrackKind::Video).or_else(|| mean(TrackKind::Audio));
        let qoe = &session.qoe;
        let mut tracks: Vec<TrackEntry> = session.tracks.iter().map(track_entry).collect();
        tracks.sort_by_key(|track| ["video", "audio", "text"].iter().position(|kind| *kind == track.kind));
        let outcome = match (&self.fatal, self.state) {
            (Some(_), _) | (None, State::Failed) => Outcome::Failed,
            (None, State::Ended) => Outcome::Ended,
            (None, _) => Outcome::Stopped,
        };
        Report {
            telecine: env!("CARGO_PKG_VERSION"),
            url: self.url,
            protocol: self.protocol,
            live: self.live,
            outcome,
            error: self.fatal.as_ref().map(|error| ErrorEntry::new(error, None)),
            startup_s: qoe.startup.map(passed),
            played_s: passed(qoe.played),
            wall_s: session.now.as_secs_f64(),
            duration_s: self.duration.map(secs),
            start_s: self.start.map(secs),
            stalls: Stalls {
                count: qoe.stalls,
                total_s: passed(qoe.stalled),
                ratio: qoe.stall_ratio_micro as f64 / 1e6,
            },
            seeks: Seeks {
                count: qoe.seeks,
                mean_s: (qoe.seeks > 0).then(|| passed(qoe.seek_time) / qoe.seeks as f64),
            },
            jumps: self.jumps,
            breaks: self.breaks,
            bitrate: Bitrate {
                mean_bps: mean.map(|(rate, _)| rate),
                of: mean.map(|(_, kind)| kind.name()),
                declared_mean_bps: qoe.mean_bitrate.and_then(declared),
                switches: qoe.switches_up + qoe.switches_down,
                up: qoe.switches_up,
                down: qoe.switches_down,
            },
            height: Height { mean: qoe.mean_height_milli.map(|milli| milli as f64 / 1e3) },
            latency: qoe.latency.as_ref().map(|latency| Latency {
                mean_s: passed(latency.mean),
                p95_s: passed(latency.p95),
                target_s: passed(latency.target),
                followed: latency.followed,
            }),
            bytes: Bytes {
                fetched: qoe.bytes_fetched,
                media: qoe.bytes_media,
                wasted: qoe.bytes_wasted,
                replaced: qoe.bytes_replaced,
                segments_replaced: qoe.segments_replaced,
                skipped: qoe.bytes_skipped,
            },
            requests: Requests {
                total: qoe.requests,
                failed: qoe.requests_failed,
                cancelled: qoe.requests_cancelled,
                by_pathway: qoe.by_pathway.clone(),
            },
            tracks,
            decisions,
            buffer: self.buffer,
            throughput: self.throughput,
            received: self.received,
            errors,
            latencies: self.latencies,
            speeds,
            left_out: LeftOut {
                decisions: decisions_left_out,
                errors: errors_left_out,
                stalled: stalled_left_out,
                quality: quality_left_out,
                speeds: speeds_left_out,
            },
            buffers: self.buffers,
            stalled,
            quality,
            ladder,
            warnings: self.warnings,
            notes: self.notes,
            setup: self.setup,
            action_hash: format!("{:016x}", session.action_hash),
        }
    }
}

/// A bitrate that a manifest declares. The engine has zero where it declares none.
fn declared(bitrate: u64) -> Option<u64> {
    (bitrate > 0).then_some(bitrate)
}

/// The renditions of the tracks that were played, each once, lowest first.
fn ladder(presentation: Option<&Presentation>, played: &[(TrackKind, String)], tally: &Tally) -> Vec<Rung> {
    let tracks = presentation.into_iter().flat_map(|title| &title.periods).flat_map(|period| &period.tracks);
    let mut rungs: Vec<Rung> = Vec::new();
    for track in tracks.filter(|track| played.iter().any(|(kind, id)| *kind == track.kind && *id == track.id)) {
        for rendition in &track.renditions {
            if !rungs.iter().any(|rung| rung.rendition == rendition.id && rung.kind == track.kind.name()) {
                rungs.push(Rung {
                    kind: track.kind.name(),
                    rendition: rendition.id.clone(),
                    bitrate_bps: declared(rendition.bandwidth),
                    measured_bps: tally.of_rendition(track.kind, &rendition.id),
                    height: rendition.height,
                });
            }
        }
    }
    rungs.sort_by_key(Rung::rate);
    rungs
}

fn track_entry(track: &TrackStats) -> TrackEntry {
    TrackEntry {
        kind: track.kind.name(),
        id: track.id.clone(),
        codec: track.codec.clone(),
        samples: track.samples,
        duration_s: secs(track.duration),
        first_pts_s: track.first_pts.map(secs),
        last_pts_s: track.last_pts.map(secs),
        gaps: track.gaps,
        decoded: track.decoded,
        decode_errors: track.decode_errors,
    }
}

/// The name of a kind of decision, as documents write it.
pub(crate) fn decision_kind(kind: DecisionKind) -> String {
    name(&kind)
}

fn stall_cause(cause: StallCause) -> String {
    name(&cause)
}

/// A unit variant as serde names it.
fn name(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}
