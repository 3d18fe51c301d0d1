//! Lists in which nothing new has come for too long: what they say is not taken for true for ever, another rendition may have
//! a server that is better off, and what nobody continues ends (H108, H118).

use telecine_model::{Error, ErrorCode, Handling, MediaTime};

use super::failing::patience;
use super::reload::Load;
use crate::engine::Engine;
use crate::stream::{RenditionRef, Stream};

/// Renditions that were left because their lists stood still make the next one stay twice as long each, up to so many.
const MOST_PATIENT: usize = 5;

impl Engine {
    /// Whether all that a playlist lists is to be taken for gone: nobody has said for as long as it is long what there is,
    /// and what was removed since stays for no longer than that (H108).
    pub(crate) fn is_outdated(&self, reference: RenditionRef) -> bool {
        let Some(reload) = self.title.live.reloads.get(&reference).filter(|_| self.goes_on(reference)) else {
            return false;
        };
        // Without numbers nothing is ever removed; nor is it of an EVENT.
        let info = self.title.playlists.get(&reference);
        let slides = info.is_some_and(|info| info.has_media_sequence && info.playlist_type.is_none());
        let span = self.index_of(reference).and_then(|index| Some(index.end()? - index.start()?));
        slides && span.is_some_and(|span| reload.unlisted_for(self.now) > span.to_duration())
    }

    /// Nothing new came with a load: too long already?
    pub(super) fn look_for_staleness(&mut self, reference: RenditionRef, load: Load) {
        let target = self.title.playlists.get(&reference).map_or(MediaTime::ZERO, |info| info.target_duration);
        let lost = self.config.live.stale_after;
        // Where the list that was taken instead stands still as well it is the source of both, and to go on down the ladder
        // would cost the picture for nothing: each further one is left after twice as long.
        let patient = 1_i64 << self.left_though_known(reference).count().min(MOST_PATIENT);
        let Some(reload) = self.title.live.reloads.get_mut(&reference) else { return };
        let still = reload.in_vain_for(self.now);
        let unchanged = reload.seen_unchanged_for(load, self.now);
        let becomes = reload.becomes_stale(unchanged, target.mul_ratio(patient, 1));
        let dead = self.requests.is_dead_for_most_of(still, self.now);
        let given_up = !lost.is_zero() && still >= patience(lost, dead).max(target.mul_ratio(3, 2).to_duration());
        if !becomes && !given_up {
            return;
        }
        let error = match becomes {
            true => {
                let message = format!("nothing new has been in the playlist for {} s", unchanged.as_secs());
                Error::new(ErrorCode::ManifestStale, message).fact("rule", "H118")
            }
            false => reload.failing.verdict("playlist", still, dead, self.now),
        };
        let url = self.title.playlists.get(&reference).map(|info| self.outbox.secrets.shown(&info.uri));
        let error = error.fact("url", url.unwrap_or_default());
        match becomes {
            true => self.go_elsewhere(reference, error),
            false => self.end_stale(reference, error),
        }
    }

    /// A playlist's server is impaired: another rendition, if there is one; else it goes on to be asked.
    pub(super) fn go_elsewhere(&mut self, reference: RenditionRef, error: Error) {
        let of_track = |stream: &&Stream| (stream.period, stream.track) == (reference.period, reference.track);
        let stream = self.streams.values().find(of_track);
        let others =
            |stream: &Stream| self.usable_steps(stream).iter().any(|step| step.rendition != reference.rendition);
        if stream.is_some_and(others) {
            return self.replace_rendition(reference, error, Vec::new());
        }
        let error = match stream.map(|stream| stream.kind) {
            Some(kind) => self.in_rendition(error, kind, reference),
            None => error,
        };
        self.report(error.recovered(Handling::Retried));
    }

    /// Nothing new has come for so long that nothing will. What there is is played to its end.
    fn end_stale(&mut self, reference: RenditionRef, error: Error) {
        let of_track = |stream: &&Stream| (stream.period, stream.track) == (reference.period, reference.track);
        let Some(stream) = self.streams.values().find(of_track).filter(|stream| !stream.ended) else { return };
        let kind = stream.kind;
        let essential = stream.is_essential();
        match essential {
            true if stream.at_edge => self.cut_short(kind, error),
            true => {}
            false => {
                self.report(error.recovered(Handling::Skipped));
                self.disable(kind);
            }
        }
    }
}
