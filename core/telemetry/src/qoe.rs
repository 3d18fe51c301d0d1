//! The partition of a session's time.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use telecine_model::Timestamp;

use crate::latency::{Latency, LatencySummary};
use crate::quality::Quality;

/// What a session's time is spent on. Exactly one at any instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum QoeState {
    /// Nothing is played or about to be.
    Idle,
    /// From the wish to play to the first moving picture.
    Joining,
    /// The playhead moves.
    Playing,
    /// The viewer holds it.
    Paused,
    /// The viewer waits after a seek.
    Seeking,
    /// The viewer waits because media is missing.
    Rebuffering,
    /// Played to the end.
    Ended,
    /// Ended by an error.
    Failed,
}

/// Counts a session's quality of experience.
///
/// Time comes in with every call; the identity "durations of all states add up to the time since
/// the start" always holds.
#[derive(Clone, Debug)]
pub struct Qoe {
    started: Timestamp,
    state: QoeState,
    since: Timestamp,
    spent: BTreeMap<QoeState, Duration>,
    startup: Option<Duration>,
    joined: bool,
    stalls: u64,
    seeks: u64,
    seek_time: Duration,
    quality: Quality,
    latency: Latency,
    requests: Requests,
    by_pathway: BTreeMap<String, u64>,
    bytes: Bytes,
    replaced: u64,
}

/// Pathways that are counted apart.
const MAX_PATHWAYS: usize = 64;

/// Requests of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
struct Requests {
    total: u64,
    failed: u64,
    cancelled: u64,
}

/// Bytes of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
struct Bytes {
    fetched: u64,
    media: u64,
    wasted: u64,
    replaced: u64,
}

/// What a session was like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct QoeSummary {
    /// State at the moment of the summary.
    pub state: QoeState,
    /// From the wish to play to the first moving picture; None if there was none (CTA-2066 initial
    /// startup time).
    pub startup: Option<Duration>,
    /// Time in which the playhead moved.
    pub played: Duration,
    /// Time held by the viewer.
    pub paused: Duration,
    /// Stalls after the start, seeks excepted.
    pub stalls: u64,
    /// Their total length.
    pub stalled: Duration,
    /// Stalled time in millionths of played and waited time (joining, seeking, stalling).
    pub stall_ratio_micro: u64,
    /// Seeks that came to their end.
    pub seeks: u64,
    /// Total time from seek to picture.
    pub seek_time: Duration,
    /// Mean declared bits a second at the playhead.
    pub mean_bitrate: Option<u64>,
    /// Mean picture height in thousandths of a line.
    pub mean_height_milli: Option<u64>,
    /// Switches to a higher bitrate, at the playhead.
    pub switches_up: u64,
    /// Switches to a lower bitrate, at the playhead.
    pub switches_down: u64,
    /// How far behind the present a live title was watched; None where nothing live was.
    pub latency: Option<LatencySummary>,
    /// Bytes that came over the network, those read past included.
    pub bytes_fetched: u64,
    /// Of those, bytes of media segments.
    pub bytes_media: u64,
    /// Of those, bytes that were never played: cancelled, failed, dropped from the buffer or read past.
    pub bytes_wasted: u64,
    /// Of those, bytes that waited in the buffer and gave way to the same in a higher rendition.
    pub bytes_replaced: u64,
    /// Segments that did.
    pub segments_replaced: u64,
    /// Of the wasted bytes, those that were read past because a server ignores byte ranges ([`QoeSummary::read_past`]).
    pub bytes_skipped: u64,
    /// Requests made.
    pub requests: u64,
    /// Of those, failed.
    pub requests_failed: u64,
    /// Of those, cancelled.
    pub requests_cancelled: u64,
    /// Requests made to each pathway, where it was told.
    pub by_pathway: BTreeMap<String, u64>,
    /// Time spent in each state that there was. Adds up to `elapsed`.
    pub states: BTreeMap<QoeState, Duration>,
    /// Time since the start.
    pub elapsed: Duration,
}

impl QoeSummary {
    /// Adds bytes that the host read past to get at a part of a file, because a server ignores byte ranges. Only the
    /// host knows them. They are of media files, and nobody played them.
    #[must_use]
    pub fn read_past(mut self, bytes: u64) -> Self {
        for count in [&mut self.bytes_fetched, &mut self.bytes_media, &mut self.bytes_wasted, &mut self.bytes_skipped] {
            *count = count.saturating_add(bytes);
        }
        self
    }
}

impl Qoe {
    /// A session that starts now, idle.
    pub fn new(now: Timestamp) -> Self {
        Self {
            started: now,
            state: QoeState::Idle,
            since: now,
            spent: BTreeMap::new(),
            startup: None,
            joined: false,
            stalls: 0,
            seeks: 0,
            seek_time: Duration::ZERO,
            quality: Quality::default(),
            latency: Latency::default(),
            requests: Requests::default(),
            by_pathway: BTreeMap::new(),
            bytes: Bytes::default(),
            replaced: 0,
        }
    }

    /// Goes to another state (or stays). What a viewer waits for before the first picture is
    /// joining, and after a seek seeking: neither becomes a stall (telemetry.md 9.2).
    pub fn transition(&mut self, state: QoeState, now: Timestamp) {
        self.account(now);
        let waits_already = matches!(self.state, QoeState::Joining | QoeState::Seeking);
        if state == self.state || (state == QoeState::Rebuffering && waits_already) {
            return;
        }
        match state {
            QoeState::Joining => self.joined = true,
            QoeState::Playing if self.startup.is_none() && self.joined => {
                self.startup = Some(self.spent(QoeState::Joining));
            }
            QoeState::Rebuffering => self.stalls += 1,
            _ => {}
        }
        match state {
            QoeState::Playing => self.latency.moves(now),
            _ => self.latency.stands(now),
        }
        self.state = state;
    }

    /// What was taken for playing for so long was standing still: a stall that is known only now.
    pub fn stood(&mut self, span: Duration, now: Timestamp) {
        self.account(now);
        let playing = self.spent.entry(QoeState::Playing).or_default();
        let span = span.min(*playing);
        *playing -= span;
        *self.spent.entry(QoeState::Rebuffering).or_default() += span;
        self.stalls += 1;
        self.latency.stood(span, now);
    }

    /// Another rendition is at the playhead: declared bits a second, picture height.
    pub fn quality(&mut self, bitrate: u64, height: Option<u32>, now: Timestamp) {
        self.account(now);
        self.quality.change(bitrate, height);
    }

    /// What is shown was made so long ago, and was to be so long ago, if the edge is `followed` and the viewer does not watch
    /// what is past on purpose. Told now and then while a live title plays: how often does not matter.
    pub fn latency(&mut self, latency: Duration, target: Duration, followed: bool, now: Timestamp) {
        self.latency.read(latency, target, followed, now);
    }

    /// A seek came to its end after so long.
    pub fn seeked(&mut self, took: Duration) {
        self.seeks += 1;
        self.seek_time = self.seek_time.saturating_add(took);
    }

    /// A request was made.
    pub fn request_started(&mut self) {
        self.requests.total += 1;
    }

    /// The request was made to this pathway (a CDN, a service location). Names come from manifests:
    /// those beyond a number that no service has are counted together as `other`.
    pub fn request_by(&mut self, pathway: &str) {
        let known = self.by_pathway.contains_key(pathway) || self.by_pathway.len() < MAX_PATHWAYS;
        let name = if known { pathway } else { "other" };
        *self.by_pathway.entry(name.to_owned()).or_default() += 1;
    }

    /// A request failed.
    pub fn request_failed(&mut self) {
        self.requests.failed += 1;
    }

    /// A request was cancelled.
    pub fn request_cancelled(&mut self) {
        self.requests.cancelled += 1;
    }

    /// Bytes arrived.
    pub fn fetched(&mut self, bytes: u64) {
        self.bytes.fetched = self.bytes.fetched.saturating_add(bytes);
    }

    /// Bytes that arrived were of a media segment.
    pub fn media(&mut self, bytes: u64) {
        self.bytes.media = self.bytes.media.saturating_add(bytes);
    }

    /// Bytes that arrived will never be played.
    pub fn wasted(&mut self, bytes: u64) {
        self.bytes.wasted = self.bytes.wasted.saturating_add(bytes);
    }

    /// A segment that waited gave way to the same in a higher rendition. Its bytes are to be told as wasted too.
    pub fn replaced(&mut self, bytes: u64) {
        self.replaced = self.replaced.saturating_add(1);
        self.bytes.replaced = self.bytes.replaced.saturating_add(bytes);
    }

    /// Bytes that came, of everything.
    pub fn bytes_fetched(&self) -> u64 {
        self.bytes.fetched
    }

    /// How long was played, up to `now`.
    pub fn played(&self, now: Timestamp) -> Duration {
        let since = if self.state == QoeState::Playing { now.since(self.since) } else { Duration::ZERO };
        self.spent(QoeState::Playing).saturating_add(since)
    }

    /// What the session was like so far.
    pub fn summary(&self, now: Timestamp) -> QoeSummary {
        let mut upto = self.clone();
        upto.account(now);
        let spent = |state| upto.spent.get(&state).copied().unwrap_or_default();
        let stalled = spent(QoeState::Rebuffering);
        let base = spent(QoeState::Playing) + spent(QoeState::Joining) + spent(QoeState::Seeking) + stalled;
        let ratio = (stalled.as_micros() * 1_000_000).checked_div(base.as_micros()).unwrap_or(0);
        let (switches_up, switches_down) = upto.quality.switches();
        QoeSummary {
            state: upto.state,
            startup: upto.startup,
            played: spent(QoeState::Playing),
            paused: spent(QoeState::Paused),
            stalls: upto.stalls,
            stalled,
            stall_ratio_micro: u64::try_from(ratio).unwrap_or(u64::MAX),
            seeks: upto.seeks,
            seek_time: upto.seek_time,
            mean_bitrate: upto.quality.mean_bitrate(),
            mean_height_milli: upto.quality.mean_height_milli(),
            switches_up,
            switches_down,
            latency: upto.latency.summary(now),
            bytes_fetched: upto.bytes.fetched,
            bytes_media: upto.bytes.media,
            bytes_wasted: upto.bytes.wasted,
            bytes_replaced: upto.bytes.replaced,
            segments_replaced: upto.replaced,
            bytes_skipped: 0,
            requests: upto.requests.total,
            requests_failed: upto.requests.failed,
            requests_cancelled: upto.requests.cancelled,
            by_pathway: upto.by_pathway,
            states: upto.spent,
            elapsed: upto.since.since(upto.started),
        }
    }

    /// Time spent in a state so far, the current one included up to the last call.
    pub fn spent(&self, state: QoeState) -> Duration {
        self.spent.get(&state).copied().unwrap_or_default()
    }

    /// Books the time since the last call on the current state.
    fn account(&mut self, now: Timestamp) {
        let span = now.since(self.since);
        self.since = self.since.max(now);
        let spent = self.spent.entry(self.state).or_default();
        *spent = spent.saturating_add(span);
        if self.state == QoeState::Playing {
            self.quality.play(span);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn a_session_that_never_starts_has_no_startup_time() {
        let mut qoe = Qoe::new(at(0));
        qoe.transition(QoeState::Joining, at(10));
        qoe.transition(QoeState::Failed, at(500));
        let summary = qoe.summary(at(600));
        assert_eq!((summary.startup, summary.played, summary.stalls), (None, Duration::ZERO, 0));
    }

    #[test]
    fn startup_is_the_time_that_somebody_waited() {
        let mut qoe = Qoe::new(at(0));
        qoe.transition(QoeState::Joining, at(0));
        qoe.transition(QoeState::Idle, at(200));
        qoe.transition(QoeState::Joining, at(9000));
        qoe.transition(QoeState::Playing, at(9100));
        assert_eq!(qoe.summary(at(9500)).startup, Some(Duration::from_millis(300)));
    }

    #[test]
    fn a_stall_that_is_known_afterwards_is_no_time_played() {
        let mut qoe = Qoe::new(at(0));
        qoe.transition(QoeState::Playing, at(0));
        qoe.stood(Duration::from_secs(3), at(10_000));
        let summary = qoe.summary(at(12_000));
        assert_eq!((summary.stalls, summary.stalled), (1, Duration::from_secs(3)));
        assert_eq!((summary.played, summary.elapsed), (Duration::from_secs(9), Duration::from_secs(12)));
    }

    #[test]
    fn startup_is_taken_once_and_rejoining_after_a_seek_is_not_startup() {
        let mut qoe = Qoe::new(at(0));
        qoe.transition(QoeState::Joining, at(0));
        qoe.transition(QoeState::Playing, at(300));
        qoe.transition(QoeState::Seeking, at(1000));
        qoe.transition(QoeState::Playing, at(1900));
        assert_eq!(qoe.summary(at(2000)).startup, Some(Duration::from_millis(300)));
    }

    /// telemetry.md 9.2: buffering inside a seek stays part of the seek.
    #[test]
    fn waiting_for_the_start_or_a_seek_is_no_stall() {
        let mut qoe = Qoe::new(at(0));
        qoe.transition(QoeState::Joining, at(0));
        qoe.transition(QoeState::Rebuffering, at(200));
        qoe.transition(QoeState::Playing, at(500));
        qoe.transition(QoeState::Seeking, at(1000));
        qoe.transition(QoeState::Rebuffering, at(1100));
        qoe.transition(QoeState::Playing, at(1900));
        let summary = qoe.summary(at(2000));
        assert_eq!((summary.stalls, summary.stalled), (0, Duration::ZERO));
        assert_eq!(summary.startup, Some(Duration::from_millis(500)));
        assert_eq!(summary.states.get(&QoeState::Seeking), Some(&Duration::from_millis(900)));
    }

    #[test]
    fn requests_are_counted_by_pathway_and_hostile_names_together() {
        let mut qoe = Qoe::new(at(0));
        for pathway in ["cdn-a", "cdn-b", "cdn-a"] {
            qoe.request_by(pathway);
        }
        for number in 0..1000 {
            qoe.request_by(&format!("p{number}"));
        }
        let counted = qoe.summary(at(0)).by_pathway;
        assert_eq!((counted.get("cdn-a"), counted.get("cdn-b")), (Some(&2), Some(&1)));
        assert!(counted.len() <= MAX_PATHWAYS + 1);
        assert_eq!(counted.values().sum::<u64>(), 1003);
    }

    #[test]
    fn an_open_stall_counts_up_to_the_summary() {
        let mut qoe = Qoe::new(at(0));
        qoe.transition(QoeState::Playing, at(0));
        qoe.transition(QoeState::Rebuffering, at(1000));
        let summary = qoe.summary(at(1300));
        assert_eq!((summary.stalls, summary.stalled), (1, Duration::from_millis(300)));
        assert_eq!(summary.state, QoeState::Rebuffering);
    }

    #[test]
    fn mean_bitrate_is_weighted_by_played_time_only() {
        let mut qoe = Qoe::new(at(0));
        qoe.transition(QoeState::Playing, at(0));
        qoe.quality(1000, Some(180), at(0));
        qoe.transition(QoeState::Paused, at(1000));
        qoe.transition(QoeState::Playing, at(9000));
        qoe.quality(4000, Some(720), at(9000));
        let summary = qoe.summary(at(11_000));
        assert_eq!(summary.mean_bitrate, Some(3000));
        assert_eq!(summary.mean_height_milli, Some(540_000));
        assert_eq!((summary.switches_up, summary.switches_down), (1, 0));
    }

    #[test]
    fn the_stall_ratio_is_over_played_and_waited_time() {
        let mut qoe = Qoe::new(at(0));
        qoe.transition(QoeState::Joining, at(0));
        qoe.transition(QoeState::Playing, at(1000));
        qoe.transition(QoeState::Rebuffering, at(8000));
        qoe.transition(QoeState::Playing, at(10_000));
        assert_eq!(qoe.summary(at(10_000)).stall_ratio_micro, 200_000);
    }

    proptest! {
        #[test]
        fn the_states_partition_the_session(steps in proptest::collection::vec((0u8..8, 0u64..10_000), 0..50)) {
            const ALL: [QoeState; 8] = [
                QoeState::Idle, QoeState::Joining, QoeState::Playing, QoeState::Paused,
                QoeState::Seeking, QoeState::Rebuffering, QoeState::Ended, QoeState::Failed,
            ];
            let mut qoe = Qoe::new(at(5));
            let mut now = 5;
            for (state, after) in steps {
                now += after;
                qoe.transition(ALL[usize::from(state)], at(now));
                let total: Duration = ALL.iter().map(|state| qoe.spent(*state)).sum();
                prop_assert_eq!(total, Duration::from_millis(now - 5));
                let summary = qoe.summary(at(now + 7));
                prop_assert_eq!(summary.states.values().sum::<Duration>(), summary.elapsed);
                prop_assert_eq!(summary.elapsed, total + Duration::from_millis(7));
            }
        }
    }
}
