//! What is not to be exceeded beside the application's constraints: what servers ask for, what the viewer wants to spend, what
//! the device shows in time and what it is to be spared. Every rule sees a ladder that is cut by them already.

use std::time::Duration;

use telecine_abr::{Cap, Estimate};
use telecine_delivery::{RequestClass, ServerHints};
use telecine_model::{uri, ErrorCode, SortedMap, Timestamp, TrackKind};

use crate::engine::Engine;
use crate::event::State;
use crate::input::{Pressure, ResponseHead};
use crate::requests::{Purpose, Request};
use crate::select::Step;
use crate::stream::{RenditionRef, Stream};

/// What a server asked for is forgotten when it was not heard again for so long.
const ASKED_FOR: Duration = Duration::from_secs(60);
/// Servers that are remembered.
const MOST_SERVERS: usize = 16;
/// The assumption on a line is moved by what a server believes of it to so many times as much or as little at most.
const MOST_MOVED: u64 = 2;
/// So many pictures say whether they are shown in time, and this share of them, in hundredths, is too many that are not.
const ENOUGH_FRAMES: u32 = 125;
const TOO_MANY_PERCENT: u32 = 15;
/// What was not shown in time is left out for so long, twice as long each time, up to sixteen times.
const LEFT_OUT: Duration = Duration::from_secs(60);
const MOST_DOUBLINGS: u32 = 4;
/// A line on which nobody answers is believed to carry half of what it did after so long, up to four times over.
const DOUBTED_AFTER: Duration = Duration::from_secs(3);
const MOST_DOUBT: u32 = 4;
/// A buffer of so many hundredths of its goal is healthy, and one of so many seconds at least.
const HEALTHY_PERCENT: i64 = 60;
const HEALTHY_S: i64 = 10;
/// Less than this, in hundredths of the bitrate, would be no pace to keep a buffer by.
const LEAST_PACE_PERCENT: u32 = 110;

/// What is not to be exceeded.
#[derive(Debug, Default)]
pub(crate) struct Caps {
    /// How much the device is to be spared.
    pub(crate) pressure: Pressure,
    /// The most bits a second that servers asked for, by host, and when they did last.
    servers: SortedMap<String, (u64, Timestamp)>,
    /// What a server believed of the line before anything was measured, and when.
    told: Option<(u64, Timestamp)>,
    frames: Frames,
}

/// Which pictures are not shown in time.
#[derive(Debug, Default)]
struct Frames {
    of: Option<RenditionRef>,
    due: u32,
    dropped: u32,
    /// From this bitrate on levels are left out, until then.
    left_out: Option<(u64, Timestamp)>,
    times: u32,
}

impl Engine {
    /// Notes what a server tells with an answer.
    pub(crate) fn heed_server(&mut self, head: &ResponseHead) {
        let Some(request) = self.requests.get(head.id).filter(|_| !head.cmsd.is_empty()) else { return };
        let of_media = request.fetch.class == RequestClass::Segment;
        let hints = ServerHints::read(head.cmsd.iter().map(String::as_str));
        let host = uri::host(&head.url).to_owned();
        let now = self.now;
        let servers = &mut self.caps.servers;
        servers.retain(|_, (_, at)| now.since(*at) < ASKED_FOR);
        match hints.max_bitrate {
            Some(bits) if servers.len() < MOST_SERVERS || servers.contains_key(&host) => {
                servers.insert(host, (bits, now));
            }
            // It asks for nothing any more.
            None if of_media => {
                servers.remove(&host);
            }
            _ => {}
        }
        self.caps.told = hints.throughput.map(|bits| (bits, now)).or(self.caps.told);
    }

    /// What is assumed of the line before anything was measured: what is remembered or the application says, moved a little by
    /// what the server believes, which may be wrong by any factor.
    pub(crate) fn assumed_throughput(&self) -> u64 {
        let own = self.remembered_throughput().unwrap_or(self.config.initial_throughput);
        let fresh = self.caps.told.filter(|(_, at)| self.now.since(*at) < ASKED_FOR);
        let told = fresh.map(|(told, _)| told.clamp(own / MOST_MOVED, own.saturating_mul(MOST_MOVED)));
        told.unwrap_or(own).max(1)
    }

    /// What servers believed was of the network before.
    pub(crate) fn forget_what_was_told(&mut self) {
        self.caps.told = None;
    }

    /// Notes that a request failed for want of any answer.
    pub(crate) fn note_silence(&mut self, request: &Request, code: ErrorCode) {
        use ErrorCode::{ConnectFailed, ConnectionLost, DnsFailed, Timeout};
        if !matches!(code, Timeout | ConnectFailed | ConnectionLost | DnsFailed) {
            return;
        }
        let answered = self.requests.last_answer;
        let before = self.requests.silent_since();
        let since = answered.map_or(request.started, |answer| answer.max(request.started));
        self.requests.silent_since = Some(before.map_or(since, |before| before.min(since)));
    }

    /// What is believed of the network while nobody answers: less with each second of it.
    pub(crate) fn in_doubt(&self, estimate: Estimate) -> Estimate {
        let Some(silent) = self.requests.silent_since().map(|since| self.now.since(since)) else { return estimate };
        let halvings = silent.as_millis() / DOUBTED_AFTER.as_millis();
        let halvings = u32::try_from(halvings).unwrap_or(u32::MAX).min(MOST_DOUBT);
        let less = |bits: u64| (bits >> halvings).max(1);
        let forecast = estimate
            .forecast
            .map(|forecast| telecine_abr::Forecast { bits_per_second: less(forecast.bits_per_second), ..forecast });
        Estimate { bits_per_second: less(estimate.bits_per_second), low: less(estimate.low), forecast, ..estimate }
    }

    /// The sink tells how many pictures were due, and how many of those were not shown in time.
    pub(crate) fn on_frames(&mut self, due: u32, dropped: u32) {
        let Some(shown) = self.streams.get(&TrackKind::Video).and_then(|stream| stream.shown) else { return };
        let bitrate = self.rendition(shown).map(|rendition| rendition.bandwidth);
        let frames = &mut self.caps.frames;
        if frames.of != Some(shown) {
            (frames.of, frames.due, frames.dropped) = (Some(shown), 0, 0);
        }
        frames.due = frames.due.saturating_add(due);
        frames.dropped = frames.dropped.saturating_add(dropped);
        if frames.due < ENOUGH_FRAMES {
            return;
        }
        let too_many = u64::from(frames.dropped) * 100 > u64::from(frames.due) * u64::from(TOO_MANY_PERCENT);
        (frames.due, frames.dropped) = (0, 0);
        let Some(bitrate) = bitrate.filter(|_| too_many) else { return };
        // What is left out already is in the buffer yet: that it is dropped is no news.
        if frames.left_out.is_some_and(|(least, until)| self.now < until && bitrate >= least) {
            return;
        }
        let until = self.now + LEFT_OUT.saturating_mul(1 << frames.times.min(MOST_DOUBLINGS));
        frames.left_out = Some((bitrate, until));
        frames.times = frames.times.saturating_add(1);
    }

    /// Takes away what exceeds a cap; something is left.
    pub(crate) fn keep_within_caps(&self, stream: &Stream, steps: &mut Vec<Step>) {
        if !self.leads(stream.kind) || steps.len() < 2 {
            return;
        }
        let left = self.data_left(stream);
        let lowest = steps.first().cloned();
        steps.retain(|step| self.exceeds(stream, step, left).is_none());
        if steps.is_empty() {
            steps.extend(lowest);
        }
    }

    /// For each of a ladder's steps what it exceeds.
    pub(crate) fn exceeded(&self, stream: &Stream, steps: &[Step]) -> Vec<Option<Cap>> {
        let left = self.data_left(stream);
        let exceeds = |step: &Step| self.exceeds(stream, step, left).filter(|_| self.leads(stream.kind));
        steps.iter().map(exceeds).collect()
    }

    /// What a step exceeds. `left` is what may be spent on the next segment, in bits.
    fn exceeds(&self, stream: &Stream, step: &Step, left: Option<u64>) -> Option<Cap> {
        if self.asked_for_at_most(stream, step).is_some_and(|most| step.bitrate > most) {
            return Some(Cap::Server);
        }
        if left.is_some_and(|left| self.bits_of(stream, step.bitrate) > left) {
            return Some(Cap::DataSaver);
        }
        let shows = stream.kind == TrackKind::Video;
        if shows && self.caps.frames.left_out.is_some_and(|(least, until)| self.now < until && step.bitrate >= least) {
            return Some(Cap::DroppedFrames);
        }
        let height = self.rendition(stream.reference(step.rendition)).and_then(|rendition| rendition.height);
        let taller = self.caps.pressure.max_height().zip(height).is_some_and(|(most, height)| height > most);
        taller.then_some(Cap::Power)
    }

    /// The most that the server asked for which would be asked for the next segment of a step (CTA-5006, `mb`). Where that is not
    /// known yet, the least that any asked for.
    fn asked_for_at_most(&self, stream: &Stream, step: &Step) -> Option<u64> {
        let asked = || self.caps.servers.iter().filter(|(_, (_, at))| self.now.since(*at) < ASKED_FOR);
        let least = asked().map(|(_, (bits, _))| *bits).min()?;
        let next = stream.next_time(self.needed_from(stream));
        match self.media_place(stream.reference(step.rendition), next) {
            Some(url) => asked().find(|(host, _)| host.as_str() == uri::host(&url)).map(|(_, (bits, _))| *bits),
            None => Some(least),
        }
    }

    fn bits_of(&self, stream: &Stream, bitrate: u64) -> u64 {
        let millis = u64::try_from(self.segment_duration(stream).as_millis()).unwrap_or(0);
        bitrate.saturating_mul(millis) / 1000
    }

    /// What the data saver leaves for the next segment of the picture, in bits: the share of all that is watched and waits
    /// to be, less what was fetched for it and what the other tracks take.
    fn data_left(&self, stream: &Stream) -> Option<u64> {
        let saver = self.config.data_saver?;
        let ahead = stream.ahead(self.needed_from(stream)) + self.segment_duration(stream);
        let media = self.qoe.played(self.now).saturating_add(ahead.to_duration());
        let hour = u128::from(saver.bytes_per_hour) * 8 * media.as_millis() / 3_600_000;
        let spent =
            u128::from(self.qoe.bytes_fetched()) * 8 + u128::from(self.bits_of(stream, self.beside(stream.kind)));
        Some(u64::try_from(hour.saturating_sub(spent)).unwrap_or(u64::MAX))
    }

    /// How fast a request is to be read at most: one of the best there is, behind a healthy buffer.
    pub(crate) fn pace(&self, purpose: &Purpose) -> Option<u64> {
        let percent = self.config.pace_percent?.max(LEAST_PACE_PERCENT);
        let Purpose::Segment(kind) = purpose else { return None };
        let stream = self.streams.get(kind).filter(|stream| self.leads(stream.kind))?;
        let fetch = stream.fetch.as_ref()?;
        let steps = self.steps_to_choose_from(stream, None);
        let top = steps.last().filter(|top| top.rendition == fetch.rendition.rendition)?;
        let ahead = stream.ahead(self.position()).as_millis();
        let goal = self.goal_of(stream, false).ahead.as_millis();
        let healthy = ahead >= HEALTHY_S * 1000 && ahead >= goal / 100 * HEALTHY_PERCENT;
        let fits = self.playback.state == State::Playing && !self.plays_low_latency() && !stream.again.is(fetch);
        let rate = u64::from(self.playback.rate_milli);
        (healthy && fits).then(|| ((top.bitrate / 1000).saturating_mul(rate) / 100).saturating_mul(u64::from(percent)))
    }
}
