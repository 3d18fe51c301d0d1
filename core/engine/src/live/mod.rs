//! Titles that go on: playlists that are loaded again and again, and what follows from what they bring.

mod absent;
mod align;
mod clock;
mod dash;
mod directives;
mod drought;
mod edge;
mod failing;
mod follow;
mod hanging;
mod late;
mod lateness;
mod lists;
mod mpd;
mod parts;
mod reload;
mod stale;
mod unanswered;
mod versions;
mod wanted;
mod window;

use std::time::Duration;

use telecine_delivery::{parse_retry_after, RequestClass};
use telecine_manifest::hls::{MediaPlaylist, Refresh};
use telecine_manifest::reads;
use telecine_model::clock::WallClock;
use telecine_model::presentation::{PlaylistInfo, PreloadHint};
use telecine_model::{
    Error, ErrorCode, Handling, MediaTime, Protocol, SegmentIndex, Segments, SortedMap, Timestamp, TrackKind,
};

use self::align::{origin_beside, End};
pub(crate) use self::clock::Answered;
use self::dash::DashLive;
pub(crate) use self::dash::Edge;
use self::directives::Directives;
use self::edge::LiveEdge;
use self::follow::Following;
pub use self::follow::LiveSnapshot;
use self::hanging::Hung;
use self::late::Late;
pub(crate) use self::parts::{Reach, OPEN_END};
use self::reload::{Load, Reload};
use self::versions::Refreshing;
use crate::action::Validators;
use crate::buffer::SEAM;
use crate::engine::Engine;
use crate::event::Event;
use crate::media::FragmentTrack;
use crate::requests::{Purpose, Request};
use crate::stream::{RenditionRef, Stream};
use crate::timer::Timer;

/// Playlists are put beside each other within a few segments, be there no dates.
const FARTHEST: MediaTime = MediaTime::from_secs(60);

/// Playlists that are not played any more are kept for so long, or as long as the window: what is switched to and fro
/// between goes on from where it was.
const KEPT_UNPLAYED: Duration = Duration::from_secs(60);

/// How much longer than a server may hold a request its answer is waited for.
const HELD_LONGER: Duration = Duration::from_secs(2);

/// Segments of the longest kind that are listed and not fetched, beyond which a list has no hurry.
const LISTED_AHEAD: i64 = 2;

/// What is known of a title that goes on, or did when it was loaded.
#[derive(Default)]
pub(crate) struct Live {
    reloads: SortedMap<RenditionRef, Reload>,
    /// Hints that were followed in vain: the last one, and how many in a row.
    refused_hints: SortedMap<RenditionRef, (PreloadHint, u32)>,
    edge: LiveEdge,
    /// How late segments come.
    late: Late,
    /// The world's clock, as answers tell it.
    clock: WallClock,
    pub(crate) following: Following,
    /// What is known of an MPD that goes on.
    dash: Option<DashLive>,
    /// The answer that brought the manifest.
    pub(crate) answered: Answered,
    /// Its text, where it was one MPD without remote elements.
    text: Option<bytes::Bytes>,
    /// A newer version of it that is being read.
    refreshing: Option<Refreshing>,
    /// Chance, so that not all viewers ask at once.
    jitter: u64,
    /// Media said that the known MPD holds no longer.
    expired: bool,
    /// By what newer versions of lists can be told from those that are known, by the URLs that they are asked for at.
    validators: SortedMap<String, Validators>,
    /// Where what the window left behind ends: what of one kind goes on there goes on there in all.
    overtaken_to: Option<MediaTime>,
    /// The media of each kind that hung last.
    hung: SortedMap<TrackKind, Hung>,
    /// How often playlists were asked for again at once, because a cache gave old ones.
    tuned_in: SortedMap<RenditionRef, u32>,
}

impl Live {
    /// Whether the title was live when its first playlist came: its playlists begin anywhere.
    pub(crate) fn is_some(&self) -> bool {
        reads(Protocol::Hls) && !self.reloads.is_empty()
    }

    /// Whether an MPD goes on, or did when it was loaded.
    pub(crate) fn is_dash(&self) -> bool {
        self.dash.is_some()
    }

    /// The manifest came, by this request.
    pub(crate) fn note_answer(&mut self, request: &Request, now: Timestamp) {
        self.answered = Answered::of(request, now);
    }

    /// Media said, in the input before the next, that the known MPD holds no longer.
    pub(crate) fn note_expiry(&mut self, expired: bool) {
        self.expired |= expired;
    }

    /// Nothing that was asked for comes any more. A title that was played to its end may go on nevertheless.
    pub(crate) fn note_all_cancelled(&mut self, now: Timestamp) {
        self.refreshing = None;
        if let Some(dash) = &mut self.dash {
            dash.refresh.on_cancelled(now);
            dash.sync.on_cancelled(now);
        }
    }

    /// Whether the server of a playlist holds requests, as far as it has shown.
    fn may_block(&self, reference: RenditionRef) -> bool {
        self.reloads.get(&reference).is_none_or(Reload::may_block)
    }
}

impl Engine {
    /// Whether more segments of a rendition may be announced.
    pub(crate) fn goes_on(&self, reference: RenditionRef) -> bool {
        reads(Protocol::Hls) && self.title.playlists.get(&reference).is_some_and(PlaylistInfo::goes_on)
    }

    /// Whether a rendition's playlist is known and goes on: a load of it is another one.
    pub(crate) fn is_reload(&self, reference: RenditionRef) -> bool {
        self.goes_on(reference) && self.index_of(reference).is_some()
    }

    /// How long a request is not made again at least: no playlist of a live title is asked for faster because it could
    /// not be had (6.3.4).
    pub(crate) fn least_reload_wait(&self, purpose: &Purpose) -> Duration {
        let live = self.title.presentation.as_ref().filter(|presentation| presentation.live);
        let half = || Some(live?.target_duration?.mul_ratio(1, 2).to_duration());
        half().filter(|_| matches!(purpose, Purpose::Playlist(_))).unwrap_or(Duration::ZERO)
    }

    /// A playlist came for the first time, by a load that began at `started` and whose answer is so many seconds
    /// old: puts it on the title's timeline.
    pub(crate) fn place_playlist(
        &mut self,
        reference: RenditionRef,
        playlist: &mut MediaPlaylist,
        started: Timestamp,
        age: Option<u64>,
    ) {
        let blocks = self.config.live.low_latency && parts::blocks(&playlist.info);
        if self.title.live.is_some() {
            if let Some(known) = self.freshest() {
                playlist.index.origin = origin_beside(&playlist.index, known);
            }
        } else if !playlist.info.goes_on() {
            return;
        }
        let mut reload = Reload::first(started);
        reload.note_age(age);
        reload.on_changed(started, self.now, last_duration(&playlist.index), blocks);
        self.title.live.reloads.insert(reference, reload);
    }

    /// The playlist that was loaded last: the one to put others beside.
    fn freshest(&self) -> Option<&SegmentIndex> {
        self.index_of(self.freshest_reference()?)
    }

    fn freshest_reference(&self) -> Option<RenditionRef> {
        let known = self.title.live.reloads.iter().rev().filter(|(reference, _)| self.index_of(**reference).is_some());
        known.max_by_key(|(_, reload)| reload.due()).map(|(reference, _)| *reference)
    }

    pub(crate) fn index_of(&self, reference: RenditionRef) -> Option<&SegmentIndex> {
        self.rendition(reference).and_then(|rendition| rendition.segments.known())
    }

    /// Renditions whose playlists are played, or are to be: no others are loaded (H111, H120).
    fn followed(&self) -> Vec<(TrackKind, RenditionRef)> {
        let streams = self.streams.values().filter(|stream| !stream.absent);
        let played = |stream: &Stream| {
            let played = stream.rendition.map(|rendition| stream.reference(rendition));
            let renditions = played.into_iter().chain(stream.awaits.filter(|awaited| Some(*awaited) != played));
            renditions.map(|reference| (stream.kind, reference)).collect::<Vec<_>>()
        };
        streams.flat_map(played).filter(|(_, reference)| self.goes_on(*reference)).collect()
    }

    /// Loads the playlists that are due, and sets a timer for those that will be.
    pub(crate) fn follow_playlists(&mut self) {
        if !self.title.live.is_some() {
            return;
        }
        let mut next: Option<Timestamp> = None;
        for (kind, reference) in self.followed() {
            let Some(due) = self.reload_due(reference) else { continue };
            if self.requests.has(&Purpose::Playlist(reference)) {
                continue;
            }
            if due > self.now {
                next = Some(next.map_or(due, |next| next.min(due)));
                continue;
            }
            if let Err(error) = self.load_again(kind, reference) {
                self.replace_rendition(reference, error, Vec::new());
            }
        }
        match next {
            Some(next) => self.timers.set(Timer::Reload, next),
            None => self.timers.clear(Timer::Reload),
        }
    }

    /// When a playlist is to be loaded again. A server that holds requests is asked at once, unless more of what is listed
    /// is to be fetched than a line that keeps up leaves there: each part's list would take the line from it.
    fn reload_due(&self, reference: RenditionRef) -> Option<Timestamp> {
        let reload = self.title.live.reloads.get(&reference)?;
        let target = self.title.playlists.get(&reference)?.target_duration;
        let edge = self.index_of(reference).and_then(SegmentIndex::edge);
        let mut fetched =
            self.streams.values().filter(|stream| stream.rendition.map(|of| stream.reference(of)) == Some(reference));
        let behind = |stream: &Stream| {
            edge.is_some_and(|edge| {
                edge - stream.next_time(self.needed_from(stream)) > target.mul_ratio(LISTED_AHEAD, 1)
            })
        };
        let unhurried = reload.loaded() + target.to_duration();
        Some(if fetched.all(behind) && !self.keeps_up() { reload.due().max(unhurried) } else { reload.due() })
    }

    fn load_again(&mut self, kind: TrackKind, reference: RenditionRef) -> Result<(), Error> {
        let Some(url) = self.rendition(reference).and_then(|rendition| rendition.uri.clone()) else { return Ok(()) };
        let directives = self.directives(reference);
        let target = self.title.playlists.get(&reference).map_or(MediaTime::ZERO, |info| info.target_duration);
        let url = directives.appended(&url);
        self.check_reference(&url)?;
        let mut request = self.request(RequestClass::Playlist, Some(kind), url, None);
        if directives.blocks() {
            // A request is held for three target durations at most (6.2.5.2).
            request.head_timeout = target.mul_ratio(3, 1).to_duration() + HELD_LONGER;
        }
        if directives == Directives::default() {
            request.known = self.known_of(&request.url);
        }
        let now = self.now;
        if let Some(reload) = self.title.live.reloads.get_mut(&reference) {
            reload.on_asked(directives, now);
        }
        self.send(request, Purpose::Playlist(reference));
        Ok(())
    }

    /// For how long a server asks to be left alone that could not answer for a list: no longer than there is media to play,
    /// but a target duration at least. A little longer by chance, so that not all come back at once.
    pub(crate) fn asked_to_wait(&mut self, request: &Request) -> Option<Duration> {
        let head = request.head.as_ref().filter(|head| !head.is_success())?;
        let asked = parse_retry_after(head.retry_after.as_deref()?, head.date)?;
        let position = self.position();
        let essential = self.streams.values().filter(|stream| stream.is_essential() && !stream.absent);
        let ahead = essential.map(|stream| stream.ahead(position)).min().unwrap_or_default();
        let target = self.title.presentation.as_ref().and_then(|presentation| presentation.target_duration);
        let most = self.real(ahead).max(target.map_or(Duration::from_secs(2), MediaTime::to_duration));
        let jitter = u32::try_from(self.rng.next_u64() % 100).unwrap_or(0);
        Some(asked.min(most) + asked.min(most) / 1000 * jitter)
    }

    /// A playlist that is known came again.
    pub(crate) fn on_reload(&mut self, reference: RenditionRef, request: &Request, newer: MediaPlaylist) {
        let started = request.started;
        let age = Answered::of(request, self.now).age_s;
        let Some(info) = self.title.playlists.remove(&reference) else { return };
        let segments = self.rendition_mut(reference).map(|rendition| std::mem::take(&mut rendition.segments));
        let Some(Segments::Known(index)) = segments else { return };
        let text = self.title.texts.remove(&reference).unwrap_or_default();
        let mut known = MediaPlaylist { info, index: *index, text };
        let end = End::of(&known.index);
        let target = newer.info.target_duration;
        let merged = known.refresh(newer);
        if let (Ok(Refresh::Gap(_)), Some(end)) = (&merged, &end) {
            // What was lost is thought to be as long as the longest segment; dates know it.
            known.index.origin += end.correction(&known.index).unwrap_or_default();
        }
        if let (Ok(Refresh::Reset), Some(end)) = (&merged, &end) {
            known.index.origin = end.origin_behind(&known.index);
        }
        if matches!(merged, Ok(Refresh::Older | Refresh::NeedsFull) | Err(_)) {
            self.title.live.validators.remove(&request.fetch.url);
        } else {
            self.note_validators(request);
        }
        let answered = Answered::of(request, self.now);
        let blocks = self.config.live.low_latency && parts::blocks(&known.info);
        self.title.playlists.insert(reference, known.info);
        self.title.texts.insert(reference, known.text);
        self.set_segments(reference, known.index);
        self.note_profile(reference, request.fetch.kind.unwrap_or(TrackKind::Video), false);
        let draw = self.rng.next_u64();
        let parts = self.plays_parts(reference);
        let polled = target.mul_ratio(1, 2);
        let last = self.index_of(reference).map_or(MediaTime::ZERO, last_duration);
        // Parts come sooner than segments do: they are polled for as what does not change is.
        let last = if parts { last.min(polled) } else { last };
        let Some(reload) = self.title.live.reloads.get_mut(&reference) else { return };
        reload.note_age(age);
        reload.failing.answered();
        let blocks = blocks && reload.may_block();
        match merged {
            Ok(Refresh::Updated | Refresh::Appended(_) | Refresh::Gap(_)) => {
                // One whose list went on all the while says nothing of others.
                let stood = reload.stood_for() >= polled.to_duration();
                reload.on_changed(started, self.now, last, blocks);
                self.see_edge(reference, answered);
                self.settle_hints(reference);
                if stood {
                    self.end_drought(reference);
                }
                self.forget_unplayed();
                self.learn_date_ranges(reference);
                self.settle_end();
            }
            Ok(Refresh::Reset) => {
                reload.on_changed(started, self.now, last, blocks);
                self.see_edge(reference, answered);
                self.begin_anew(reference, request);
            }
            Ok(Refresh::NeedsFull) => reload.whole_at_once(self.now),
            Ok(outcome) => {
                if outcome == Refresh::Unchanged {
                    reload.on_same(started);
                }
                reload.on_not_held();
                reload.on_unchanged(started, self.now, target, draw);
                self.look_for_staleness(reference, Load::Answered { started });
            }
            Err(error) => {
                // H119: it is not used; who serves the title elsewhere may know better.
                reload.on_unchanged(started, self.now, target, draw);
                self.go_elsewhere(reference, error);
            }
        }
    }

    /// A playlist is as it was, its server says.
    fn on_same_playlist(&mut self, reference: RenditionRef, request: &Request) {
        let target = self.title.playlists.get(&reference).map_or(MediaTime::ZERO, |info| info.target_duration);
        let draw = self.rng.next_u64();
        let Some(reload) = self.title.live.reloads.get_mut(&reference) else { return };
        reload.on_same(request.started);
        reload.failing.answered();
        reload.on_unchanged(request.started, self.now, target, draw);
        self.look_for_staleness(reference, Load::Answered { started: request.started });
    }

    /// Forgets playlists that have not been played for so long that nothing of them is of use.
    fn forget_unplayed(&mut self) {
        let followed = self.followed();
        let window = self.seekable().map_or(MediaTime::ZERO, |(from, to)| to - from);
        let kept = window.to_duration().max(KEPT_UNPLAYED);
        let now = self.now;
        let is_old = |(reference, reload): &(&RenditionRef, &Reload)| {
            now.since(reload.loaded()) > kept && followed.iter().all(|(_, followed)| followed != *reference)
        };
        let old: Vec<RenditionRef> = self.title.live.reloads.iter().filter(is_old).map(|(old, _)| *old).collect();
        for old in old {
            self.forget_playlist(old);
        }
    }

    fn forget_playlist(&mut self, reference: RenditionRef) {
        self.title.live.reloads.remove(&reference);
        self.title.live.refused_hints.remove(&reference);
        self.title.live.tuned_in.remove(&reference);
        self.title.playlists.remove(&reference);
        self.title.texts.remove(&reference);
        if let Some(rendition) = self.rendition_mut(reference) {
            rendition.segments = Segments::Unloaded;
        }
    }

    /// A playlist that is known could not be had again. Nothing is asked for faster because of that (6.3.4).
    pub(crate) fn on_reload_failed(&mut self, reference: RenditionRef, request: &Request, error: Error) {
        let target = self.title.playlists.get(&reference).map_or(MediaTime::ZERO, |info| info.target_duration);
        let draw = self.rng.next_u64();
        let asked = self.asked_to_wait(request);
        let now = self.now;
        let Some(reload) = self.title.live.reloads.get_mut(&reference) else { return };
        reload.failing.failed(request.started, &error);
        // A request that hung has waited already.
        let waited = request.started.max(self.now - target.mul_ratio(1, 2).to_duration());
        // What the network kept away says nothing of the server (H127: it refuses with 400, or gives up with 503).
        if request.head.as_ref().is_some_and(|head| matches!(head.status, 400 | 503)) {
            reload.on_not_held();
        }
        reload.on_unchanged(waited, now, target, draw);
        if let Some(asked) = asked {
            reload.not_before(now + asked);
        }
        self.report(error.recovered(Handling::Retried));
        // What was asked for while the line was down says nothing once it is back: it is asked for again first.
        if self.requests.back.is_none_or(|back| back <= request.started) {
            self.look_for_staleness(reference, Load::Failed);
        }
    }

    /// The server started over: the numbers begin anew, and with them the times of the media.
    fn begin_anew(&mut self, reference: RenditionRef, request: &Request) {
        let message = "the playlist has begun anew: its server has started over";
        let error =
            Error::new(ErrorCode::ManifestRewound, message).fact("url", self.outbox.secrets.shown(request.url()));
        self.report(error.fact("rule", "HX09").recovered(Handling::Replaced));
        // Domains are numbered anew too: what was found of their times is no longer true.
        self.title.offsets.clear();
        let others: Vec<RenditionRef> =
            self.title.live.reloads.keys().copied().filter(|other| *other != reference).collect();
        for other in others {
            self.forget_playlist(other);
        }
        let kinds: Vec<TrackKind> = self.streams.keys().copied().collect();
        for kind in kinds {
            self.drop_fetch(kind);
            self.drop_torn(kind);
            if let Some(stream) = self.streams.get_mut(&kind) {
                stream.fetch_elsewhere();
                stream.discontinuity = None;
                stream.anchored = None;
                stream.demuxer = None;
            }
        }
    }

    /// Once nothing that is played goes on, the title has an end.
    fn settle_end(&mut self) {
        let streams = self.streams.values().filter(|stream| !stream.absent);
        let played = streams.filter_map(|stream| Some(stream.reference(stream.rendition?)));
        let played: Vec<RenditionRef> = played.collect();
        if !self.is_live() || played.is_empty() || played.iter().any(|reference| self.goes_on(*reference)) {
            return;
        }
        let duration = played.iter().filter_map(|reference| self.index_of(*reference)?.end()).max();
        let Some(duration) = duration else { return };
        if let Some(presentation) = &mut self.title.presentation {
            presentation.live = false;
            presentation.duration = Some(duration);
            if let [period] = presentation.periods.as_mut_slice() {
                period.duration = Some(duration);
            }
        }
        self.emit(Event::LiveEnded { at: self.now, duration });
    }

    /// How far behind the end of a playlist playback begins (H043).
    pub(crate) fn hold_back(&self) -> MediaTime {
        let played = self.title.playlists.iter().filter(|(_, info)| info.goes_on());
        let longest = played.map(|(reference, info)| {
            if let Some(parts) = self.part_hold_back(*reference) {
                return parts;
            }
            let said = info.server_control.as_ref().and_then(|control| control.hold_back);
            // Less than three target durations is against the rules; but who says it is told, and has his reasons.
            let said = said.unwrap_or(info.target_duration.mul_ratio(3, 1)).max(info.target_duration);
            // Half of it makes up for media that come later than they are listed.
            let late = self.title.live.late.by(false, self.now) - said.mul_ratio(1, 2);
            said + late.max(MediaTime::ZERO)
        });
        longest.max().unwrap_or_default()
    }

    /// The span of the title that can be played now: from what all that is played still lists to as near to the live
    /// edge as may be (H112). None unless the title goes on.
    pub(crate) fn seekable(&self) -> Option<(MediaTime, MediaTime)> {
        if let Some(window) = self.live_window() {
            return Some((window.start, window.live));
        }
        if !self.is_live() {
            return None;
        }
        let streams = self.streams.values().filter(|stream| stream.is_essential() && !stream.absent);
        let played = streams.filter_map(|stream| self.index_of(stream.reference(stream.rendition?)));
        let parts = self.title.playlists.keys().any(|reference| self.plays_parts(*reference));
        let span = |index: &SegmentIndex| index.start().zip(if parts { index.edge() } else { index.end() });
        let spans: Vec<(MediaTime, MediaTime)> = played.filter_map(span).collect();
        let known = || self.freshest().and_then(span);
        let from = spans.iter().map(|(start, _)| *start).max().or_else(|| Some(known()?.0))?;
        let to = spans.iter().map(|(_, end)| *end).min().or_else(|| Some(known()?.1))?;
        Some((from, (to - self.hold_back()).max(from)))
    }

    /// Lets the times of a live playlist follow its media: durations are rounded and dates are not exact, and what they
    /// are off adds up over hours. True if the segment turns out to be another one than is needed: it is dropped, and the
    /// right one is looked for again.
    pub(crate) fn follow_media(&mut self, kind: TrackKind, found: &[FragmentTrack]) -> bool {
        if !self.title.live.is_some() {
            return false;
        }
        let Some(stream) = self.streams.get(&kind) else { return false };
        let Some(fetch) = stream.fetch.as_ref().filter(|fetch| fetch.appended == 0 && fetch.muxed == 0) else {
            return false;
        };
        let reference = fetch.rendition;
        let Some(start) = self.own_start(stream, fetch, found) else { return false };
        let Some(offset) = self.agreed_offset(stream, fetch, start) else { return false };
        let by = start + offset - (fetch.start - stream.shift.unwrap_or_default());
        // What is missing between a segment and the one that it follows is missing: that is no matter of the playlist's times.
        // Nor are timestamps that lead far away.
        let follows = stream.follows(reference, fetch.number, fetch.part);
        let most = if follows { SEAM } else { FARTHEST };
        // Where pictures are coded in another order than they are shown in, a part in mid-segment begins a little earlier.
        if fetch.part.is_some_and(|part| part > 0) && by.abs_diff(MediaTime::ZERO) <= SEAM {
            return false;
        }
        if by == MediaTime::ZERO || by.abs_diff(MediaTime::ZERO) > most {
            return false;
        }
        let needed = stream.next_time(self.needed_from(stream));
        let wrong = fetch.start + by > needed + SEAM || fetch.end + by <= needed + SEAM;
        let misses = by.abs_diff(MediaTime::ZERO) > SEAM && wrong && !stream.followed_media;
        if let Some(Segments::Known(index)) = self.rendition_mut(reference).map(|rendition| &mut rendition.segments) {
            index.origin += by;
        }
        if self.leader() == Some(reference) {
            self.title.live.edge.shift(by);
        }
        if let Some(stream) = self.streams.get_mut(&kind) {
            stream.followed_media |= misses;
            if let Some(fetch) = &mut stream.fetch {
                fetch.start += by;
                fetch.end += by;
            }
        }
        if misses {
            self.drop_fetch(kind);
            self.drop_torn(kind);
        }
        misses
    }
}

/// Duration of the segment that is listed last.
fn last_duration(index: &SegmentIndex) -> MediaTime {
    index.table.last_span().map_or(MediaTime::ZERO, |span| {
        MediaTime::from_ticks(i64::try_from(span.duration).unwrap_or(i64::MAX), index.table.timescale())
    })
}
