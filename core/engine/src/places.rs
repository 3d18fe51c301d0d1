//! Where in a title an error is: the URL without its secrets, the rendition, the segment.

use telecine_model::{Error, Place, TrackKind, Warning};

use crate::engine::Engine;
use crate::requests::{Purpose, Request};
use crate::stream::{RenditionRef, SegmentFetch};

impl Engine {
    /// An error of something of the title: what does not know its URL is about the title as a whole.
    pub(crate) fn in_title(&self, error: Error) -> Error {
        match error.facts().contains_key("url") || self.title.url.is_empty() {
            true => error,
            false => error.fact("url", self.outbox.secrets.shown(&self.title.url)),
        }
    }

    /// An error of a rendition.
    pub(crate) fn in_rendition(&self, error: Error, kind: TrackKind, reference: RenditionRef) -> Error {
        let error = match error.facts().contains_key("kind") {
            true => error,
            false => error.fact("kind", kind.name()),
        };
        match self.rendition(reference) {
            Some(rendition) => error.fact("rendition", &rendition.id),
            None => error,
        }
    }

    /// An error of a segment that is fetched, or of the initialisation section that it needs.
    pub(crate) fn in_segment(&self, error: Error, kind: TrackKind, fetch: &SegmentFetch, init: bool) -> Error {
        let error = self.in_rendition(error, kind, fetch.rendition);
        let error = error.fact("segment", fetch.number).fact("time", fetch.start);
        if error.facts().contains_key("url") {
            return error;
        }
        // A request that is under way knows where it was sent on to.
        let request = if init { fetch.init_request } else { fetch.request };
        let asked = request.and_then(|id| self.requests.get(id)).map(|request| request.url().to_owned());
        match asked.or_else(|| self.media_url(fetch, init)) {
            Some(url) => error.fact("url", self.outbox.secrets.shown(&url)),
            None => error,
        }
    }

    /// An error of what was asked for: where, as what, how often, and for which media.
    pub(crate) fn of_request(&self, error: Error, request: &Request) -> Error {
        let error = error
            .fact("url", self.outbox.secrets.shown(request.url()))
            .fact("class", request.fetch.class.name())
            .fact("attempt", request.fetch.attempt + 1);
        let fetch = |kind: &TrackKind| self.streams.get(kind).and_then(|stream| stream.fetch.as_ref());
        match (&request.purpose, request.fetch.kind) {
            (Purpose::Playlist(reference) | Purpose::Index(reference), Some(kind)) => {
                self.in_rendition(error, kind, *reference)
            }
            (Purpose::Segment(kind) | Purpose::Init(kind, _), _) => match fetch(kind) {
                Some(fetch) => self.in_segment(error, *kind, fetch, false),
                None => error,
            },
            _ => error,
        }
    }

    /// A warning about one of several playlists: its place is in that one.
    pub(crate) fn located(&self, warning: &Warning, request: &Request) -> Warning {
        let place = format!("{} of {}", warning.place, self.outbox.secrets.shown(request.url()));
        Warning { place: Place::Path(place), ..warning.clone() }
    }

    fn media_url(&self, fetch: &SegmentFetch, init: bool) -> Option<String> {
        let segment = self.rendition(fetch.rendition)?.segments.known()?.get(fetch.number)?;
        let reference = if init { segment.init?.uri.to_string() } else { segment.reference };
        Some(self.on_good_base(fetch.rendition, &reference))
    }
}
