//! Requests of a title that goes on which hang: the line is well, others are answered, and nothing more comes of this one.
//!
//! The timeouts of the transport (`EngineConfig::head_timeout`, `idle_timeout`) are for lines that are down, and longer than what a
//! live title has buffered. A request that was overtaken, by one that was made after the last of it came, is not the line's: its
//! segment is asked for once more while there is left to play as much as another request takes, in another rendition if there is
//! one, since what hangs is often one object of a cache. The first request stands beside it (`unanswered`, a hedged request), and if
//! neither is answered in time the segment is left out. A viewer misses what it shows and does not stand for a minute.

use std::time::Duration;

use telecine_model::{Error, ErrorCode, MediaTime, Timestamp, TrackKind};

use super::parts;
use crate::action::Action;
use crate::buffer::SEAM;
use crate::engine::Engine;
use crate::input::RequestId;
use crate::requests::{Purpose, Request};
use crate::timer::Timer;

/// An answer that takes no longer than this does not hang.
const LEAST: Duration = Duration::from_millis(1500);
/// Nor one that takes no longer than so many times what answers usually take.
const USUAL: u32 = 4;

/// What is answered so soon was asked for over a line that is well.
const PROMPT: Duration = Duration::from_secs(1);
/// So long before there is nothing left to play another request is made for it,
const FOR_ANOTHER: Duration = Duration::from_millis(2500);
/// and so long before that it is left out, for what follows to come.
const FOR_THE_NEXT: Duration = Duration::from_secs(1);
/// Servers that are slow to answer are not to be asked for ever in vain: behind what was left out it is waited twice as long each
/// time, so many times, and for lists this share of the time for which they have been asked for in vain.
const MOST_PATIENT: u32 = 3;
const SHARE: u32 = 3;
/// What is due sooner than this is due.
const SOON: Duration = Duration::from_millis(10);

/// Media that hung, and how often in a row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hung {
    /// Where in the title it ends.
    end: MediaTime,
    times: u32,
}

impl Engine {
    /// A request was made, or waited for: sees to it that it is looked after.
    pub(crate) fn expect_answers(&mut self) {
        if !self.is_live() {
            return;
        }
        let dues = self.requests.active.values().filter_map(|request| self.hangs_from(request));
        // What is due already waits for something to overtake it.
        match dues.filter(|wait| *wait > SOON).min() {
            Some(wait) => self.timers.set(Timer::Hanging, self.now + wait),
            None => self.timers.clear(Timer::Hanging),
        }
    }

    /// A request that was made at a time was answered, whole or so that it flows. A line that carries nothing may bring heads.
    pub(crate) fn note_answered(&mut self, started: Timestamp) {
        self.requests.note_answer(self.now);
        // A line that has gone slow brings what is small before what is large; that one stands is no wonder there.
        let prompt = self.now.since(started) <= PROMPT.max(self.estimate().ttfb * 2);
        if prompt && self.requests.asked_last_of_answered < Some(started) {
            self.requests.asked_last_of_answered = Some(started);
            if self.is_live() {
                // What it has overtaken is looked at.
                self.timers.set(Timer::Hanging, self.now);
            }
        }
    }

    /// Gives up what hangs.
    pub(crate) fn give_up_hanging(&mut self) {
        // Nothing is lost where a list is asked for again: it need not be overtaken if nothing else could overtake it.
        let stands = |request: &&Request| matches!(request.purpose, Purpose::Unanswered(_));
        let alone = self.requests.active.values().filter(|request| !stands(request)).nth(1).is_none();
        let hangs = |request: &Request| {
            let overtaken = self.requests.asked_last_of_answered > Some(request.heard);
            let given_up = overtaken || (alone && self.is_answered_at_once(&request.purpose));
            given_up && self.hangs_from(request).is_some_and(|wait| wait <= SOON)
        };
        let hanging: Vec<RequestId> =
            self.requests.active.iter().filter(|(_, request)| hangs(request)).map(|(id, _)| *id).collect();
        for id in hanging {
            // What was replaced together with another is gone by now.
            if let Some(request) = self.requests.active.remove(&id) {
                self.on_hung(request);
            }
        }
        self.ask_whether_anybody_answers();
        self.expect_answers();
    }

    /// Of a title whose MPD names all by numbers nothing may be under way but what hangs: then the MPD is asked for, once.
    fn ask_whether_anybody_answers(&mut self) {
        let due = |request: &&Request| self.hangs_from(request).is_some_and(|wait| wait <= SOON);
        let Some(last) = self.requests.active.values().filter(due).map(|request| request.heard).max() else { return };
        let under_way = self.requests.active.values().any(|request| request.started > last);
        let answered = self.requests.asked_last_of_answered > Some(last);
        if let Some(dash) = self.title.live.dash.as_mut().filter(|_| !under_way && !answered) {
            dash.refresh.probe(self.now);
        }
    }

    /// In how long a request that nothing more comes of is taken to hang, if it is overtaken. None is never.
    fn hangs_from(&self, request: &Request) -> Option<Duration> {
        let (mut before, mut least) = (FOR_ANOTHER, LEAST);
        let (spare, due) = match request.purpose {
            Purpose::Segment(kind) | Purpose::Init(kind, _) => {
                // Who does not follow the edge has time: nothing is lost by waiting.
                if !self.title.live.following.live {
                    return None;
                }
                let times = self.hung_before(kind);
                if times > 0 {
                    before = FOR_THE_NEXT;
                    least *= 1 << (times - 1).min(MOST_PATIENT);
                }
                (self.spare(&request.purpose), self.is_made_in(kind))
            }
            Purpose::Playlist(reference) if self.is_reload(reference) => {
                let info = self.title.playlists.get(&reference);
                // 6.2.5.2: a request is held until there is more.
                let held = info.filter(|info| parts::blocks(info)).map(|info| info.target_duration);
                let in_vain = self.title.live.reloads.get(&reference).map(|reload| reload.in_vain_for(self.now));
                least = least.max(in_vain.unwrap_or_default() / SHARE);
                (self.spare_of_all(), held.map_or(Duration::ZERO, MediaTime::to_duration))
            }
            Purpose::Refresh | Purpose::Patch => {
                let dash = self.title.live.dash.as_ref();
                least = least.max(dash.map(|dash| dash.refresh.failing_for(self.now)).unwrap_or_default() / SHARE);
                (self.spare_of_all(), Duration::ZERO)
            }
            _ => return None,
        };
        let waited = self.now.since(request.heard);
        let borne = (spare + waited).saturating_sub(before);
        let least = least.max(self.estimate().ttfb * USUAL).min(self.config.head_timeout.max(LEAST));
        Some((borne.max(least) + due).saturating_sub(waited))
    }

    /// Whether what is asked for is a newer version of a list, and not held back until there is one.
    fn is_answered_at_once(&self, purpose: &Purpose) -> bool {
        match purpose {
            Purpose::Playlist(reference) => {
                self.is_reload(*reference) && !self.title.playlists.get(reference).is_some_and(parts::blocks)
            }
            Purpose::Refresh | Purpose::Patch => true,
            _ => false,
        }
    }

    /// How long all that is played goes on.
    fn spare_of_all(&self) -> Duration {
        let played = self.streams.values().filter(|stream| stream.is_essential() && !stream.absent);
        played.map(|stream| self.spare(&Purpose::Segment(stream.kind))).min().unwrap_or_default()
    }

    /// In how long what a stream is fetching is made, if it comes as it is made.
    fn is_made_in(&self, kind: TrackKind) -> Duration {
        let Some(fetch) = self.streams.get(&kind).and_then(|stream| stream.fetch.as_ref()) else {
            return Duration::ZERO;
        };
        if fetch.hinted.is_some() || fetch.open.is_some() {
            return self.granularity().to_duration();
        }
        let chunks = self.index_of(fetch.rendition).is_some_and(|index| !index.availability_complete);
        match self.produced_now().filter(|_| chunks) {
            Some((now, _)) => (fetch.end + self.may_be_late() - now).max(MediaTime::ZERO).to_duration(),
            None => Duration::ZERO,
        }
    }

    fn on_hung(&mut self, mut request: Request) {
        let waited = self.now.since(request.heard).as_millis();
        let overtaken = self.requests.asked_last_of_answered > Some(request.heard);
        let others = if overtaken { ", while what was asked for later was answered" } else { "" };
        let message = format!("nothing more of it in {waited} ms{others}");
        let error = Error::new(ErrorCode::Timeout, message);
        if let Some(kind) = self.may_stand(&request).filter(|kind| self.hung_before(*kind) == 0) {
            self.note_hung(kind);
            return self.let_stand(kind, request, error);
        }
        self.outbox.push(Action::Cancel(request.fetch.id));
        if let Purpose::Segment(kind) | Purpose::Init(kind, _) = request.purpose {
            request.hung = (!self.fetches_again(kind)).then(|| self.note_hung(kind)).flatten();
        }
        self.on_failure(request, error);
    }

    /// How often in a row what a stream is fetching, and what came before it, hung.
    fn hung_before(&self, kind: TrackKind) -> u32 {
        let fetch = self.streams.get(&kind).and_then(|stream| stream.fetch.as_ref());
        let hung = self.title.live.hung.get(&kind).zip(fetch);
        let adjoins = hung.filter(|(hung, fetch)| fetch.start <= hung.end + SEAM && hung.end <= fetch.end + SEAM);
        adjoins.map_or(0, |(hung, _)| hung.times)
    }

    /// The same, with this time.
    fn note_hung(&mut self, kind: TrackKind) -> Option<u32> {
        let times = self.hung_before(kind).saturating_add(1);
        let end = self.streams.get(&kind)?.fetch.as_ref()?.end;
        self.title.live.hung.insert(kind, Hung { end, times });
        Some(times)
    }

    /// What a stream is fetching hung, in other renditions too as far as was tried: none of it is asked for again. Of a
    /// segment whose parts are listed all that is listed is left out.
    pub(crate) fn leave_out_hanging(&mut self, kind: TrackKind, error: Error, why: Vec<String>) {
        let fetch = self.streams.get(&kind).and_then(|stream| stream.fetch.as_ref());
        let listed = fetch.filter(|fetch| fetch.part.is_some()).and_then(|fetch| {
            let index = self.index_of(fetch.rendition)?;
            let whole = index.span_of(fetch.number).map(|(_, end)| end);
            let last = u32::try_from(index.parts_of(fetch.number).len()).ok().and_then(|parts| parts.checked_sub(1));
            whole.or_else(|| Some(index.part(fetch.number, last?)?.end()))
        });
        self.drop_unanswered(kind);
        let Some(stream) = self.streams.get_mut(&kind) else { return };
        stream.avoid.extend(stream.ladder.iter().flat_map(|step| step.candidates()));
        if let Some(fetch) = stream.fetch.as_mut() {
            fetch.end = listed.map_or(fetch.end, |end| end.max(fetch.end));
            if let Some(hung) = self.title.live.hung.get_mut(&kind) {
                hung.end = hung.end.max(fetch.end);
            }
        }
        self.replace_segment(kind, error, why);
    }
}
