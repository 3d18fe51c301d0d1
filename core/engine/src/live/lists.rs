//! What is asked of lists besides their text: whether they have changed, how old copies are, whether they agree.

use std::time::Duration;

use telecine_manifest::hls::MediaPlaylist;
use telecine_model::presentation::PlaylistInfo;
use telecine_model::{Place, TrackKind, Warning};

use super::clock::Answered;
use super::directives::{self, Directives};
use super::{parts, HELD_LONGER};
use crate::action::{FetchRequest, Validators};
use crate::engine::Engine;
use crate::requests::{Purpose, Request};
use crate::stream::RenditionRef;

/// Lists whose versions are told apart. Nobody plays more at a time.
const MOST_VALIDATORS: usize = 64;

/// A playlist is asked for again at once so often at most, to get past caches that give old ones.
const MOST_TUNING: u32 = 3;

impl Engine {
    /// A list came that is what is known from now on.
    pub(crate) fn note_validators(&mut self, request: &Request) {
        let known = &mut self.title.live.validators;
        let validators = request.validators();
        if validators.is_empty() || (known.len() >= MOST_VALIDATORS && !known.contains_key(&request.fetch.url)) {
            known.remove(&request.fetch.url);
            return;
        }
        known.insert(request.fetch.url.clone(), validators);
    }

    /// What of a list at a URL is known, for a request that is answered only if that has changed.
    pub(super) fn known_of(&self, url: &str) -> Validators {
        let known = self.title.live.validators.get(url).filter(|_| self.config.live.conditional);
        known.cloned().unwrap_or_default()
    }

    /// A list is as it was (304).
    pub(crate) fn on_unmodified(&mut self, request: &Request) {
        match request.purpose {
            Purpose::Playlist(reference) => self.on_same_playlist(reference, request),
            Purpose::Refresh => self.on_same_mpd(Answered::of(request, self.now)),
            _ => {}
        }
    }

    /// A playlist that is loaded for the first time may be an old copy of a cache's: what to ask for at once in its place
    /// (H134).
    pub(crate) fn tune_in(
        &mut self,
        reference: RenditionRef,
        playlist: &MediaPlaylist,
        request: &Request,
    ) -> Option<FetchRequest> {
        let info = &playlist.info;
        let blocks = self.config.live.low_latency && parts::blocks(info);
        let age = Answered::of(request, self.now).age_s.filter(|_| blocks)?;
        let behind = directives::stale_by(info, age)?;
        let url = self.rendition(reference)?.uri.clone()?;
        let url = Directives::for_next(info, &playlist.index).later(info, behind).appended(&url);
        self.check_reference(&url).ok()?;
        let times = self.title.live.tuned_in.entry(reference).or_default();
        *times += 1;
        let held = info.target_duration.mul_ratio(3, 1).to_duration() + HELD_LONGER;
        let head_timeout: Duration = request.fetch.head_timeout.max(held);
        (*times <= MOST_TUNING).then(|| FetchRequest { url, head_timeout, ..request.fetch.clone() })
    }

    /// The playlists of one title say the same of these things; where they do not, that is told, and each is followed as it
    /// is (HX12).
    pub(crate) fn check_agreement(&mut self, reference: RenditionRef, playlist: &MediaPlaylist, request: &Request) {
        let kind = request.fetch.kind.unwrap_or(TrackKind::Video);
        let is_compared = |other: &&RenditionRef| **other != reference;
        let others = self.title.playlists.iter().filter(|(other, info)| is_compared(other) && !info.i_frames_only);
        let Some((other, known)) = others.min_by_key(|(other, _)| **other).filter(|_| !playlist.info.i_frames_only)
        else {
            return;
        };
        let dated = |reference: RenditionRef| self.index_of(reference).map(|index| !index.program_date_time.is_empty());
        let dates = [dated(*other).unwrap_or(false), !playlist.index.program_date_time.is_empty()];
        let beside = self.track(other.period, other.track).map(|track| track.kind);
        let is_text = kind == TrackKind::Text || beside == Some(TrackKind::Text);
        let found = differences(known, &playlist.info, is_text, dates);
        let place = Place::Path(self.outbox.secrets.shown(request.url()));
        let number = playlist.index.table.first_number();
        for what in found {
            let message = format!("{what} is not that of the title's other playlists");
            self.tolerate(kind, reference, number, Warning::new("HX12", place.clone(), message));
        }
    }
}

/// In what two playlists of a title differ that ought not to.
fn differences(a: &PlaylistInfo, b: &PlaylistInfo, is_text: bool, dates: [bool; 2]) -> Vec<&'static str> {
    let goes_on = a.goes_on() || b.goes_on();
    // Subtitles of titles with an end may be cut in another way.
    let target = a.target_duration != b.target_duration && (goes_on || !is_text);
    let parts = a.part_target.is_some() && b.part_target.is_some();
    let control = |info: &PlaylistInfo| {
        let control = info.server_control.clone().unwrap_or_default();
        // Who has no parts has nothing to say of them.
        let part_hold_back = control.part_hold_back.filter(|_| parts);
        (
            control.can_skip_until,
            control.can_skip_date_ranges,
            control.hold_back,
            control.can_block_reload,
            part_hold_back,
        )
    };
    let checks = [
        (target, "the target duration"),
        (a.playlist_type != b.playlist_type, "the playlist type"),
        (goes_on && control(a) != control(b), "the server control"),
        (goes_on && dates[0] != dates[1], "whether there are dates"),
    ];
    checks.into_iter().filter_map(|(differs, what)| differs.then_some(what)).collect()
}
