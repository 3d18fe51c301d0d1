//! Initialisation sections: fetched, opened, kept as long as they are of use.

use telecine_model::{Error, ErrorCode, SortedSet, TrackKind};

use crate::engine::Engine;
use crate::input::Body;
use crate::keys::Opened;
use crate::media::{MediaFact, MediaReader, Piece};
use crate::requests::Request;
use crate::stream::{Init, InitKey, SegmentFetch, Stream};

/// Initialisation sections kept at a time: more than any ladder has.
const INITS: usize = 64;

impl Engine {
    /// What a segment's media is to be read by: the initialisation section that the manifest names, or the
    /// one that came in the segments themselves.
    pub(crate) fn init_of<'a>(&'a self, stream: &'a Stream, fetch: &SegmentFetch) -> Option<&'a Init> {
        let own = stream.own_init.as_ref().filter(|(rendition, _)| *rendition == fetch.rendition);
        match &fetch.init {
            Some(key) => self.title.inits.get(key),
            None => own.map(|(_, init)| init),
        }
    }

    /// Whether there is something that what is fetched for a kind can be read by.
    pub(crate) fn has_init(&self, kind: TrackKind) -> bool {
        let stream = self.streams.get(&kind);
        stream.is_some_and(|stream| stream.fetch.as_ref().is_some_and(|fetch| self.init_of(stream, fetch).is_some()))
    }

    /// An initialisation section is complete.
    pub(crate) fn on_init(&mut self, kind: TrackKind, key: InitKey, request: Request) {
        if self.is_sealed(kind, &key) {
            let Some(fetch) = self.streams.get_mut(&kind).and_then(|stream| stream.fetch.as_mut()) else { return };
            fetch.init_request = None;
            fetch.sealed_init = Some(Body::Bytes(request.body.into()));
            return self.open_early(kind);
        }
        if !self.take_init(kind, &key, request.pieces) {
            return;
        }
        let Some(fetch) = self.streams.get_mut(&kind).and_then(|stream| stream.fetch.as_mut()) else {
            return;
        };
        if fetch.init.as_ref() == Some(&key) {
            fetch.init_request = None;
            self.open_early(kind);
        }
    }

    /// Whether the initialisation section of what is fetched for a kind is encrypted whole.
    pub(crate) fn is_sealed(&self, kind: TrackKind, key: &InitKey) -> bool {
        let fetch = self.streams.get(&kind).and_then(|stream| stream.fetch.as_ref());
        fetch.is_some_and(|fetch| fetch.init.as_ref() == Some(key) && fetch.init_cover.lock().is_some())
    }

    /// Reads an initialisation section that waited for its key.
    pub(crate) fn open_init(&mut self, kind: TrackKind) {
        let Some(fetch) = self.streams.get_mut(&kind).and_then(|stream| stream.fetch.as_mut()) else { return };
        let (Some(lock), Some(key)) = (fetch.init_cover.lock(), fetch.init.clone()) else { return };
        if fetch.sealed_init.is_none() || !self.title.key_files.opens(lock) {
            return;
        }
        let opened = self.title.key_files.open(lock, fetch.number);
        let Some(body) = fetch.sealed_init.take() else { return };
        let decryptor = match opened {
            Ok(decryptor) => decryptor,
            Err(error) => return self.replace_unkeyed(kind, error),
        };
        let recorded = self.recorded.as_mut().map(|recorded| recorded.take_opened(kind, true).unwrap_or_default());
        let pieces = match recorded {
            Some(facts) => MediaReader::new(&self.config.limits, None).push(Body::Recorded { len: 0, facts }),
            None => {
                let mut reader = MediaReader::new(&self.config.limits, None).decrypting(decryptor);
                let mut pieces = reader.push(body);
                pieces.extend(reader.finish());
                pieces
            }
        };
        let facts = pieces.iter().map(|piece| piece.fact.clone()).collect();
        self.findings.opened.push(Opened { kind, init: true, facts });
        self.take_init(kind, &key, pieces);
    }

    /// Takes what was found in an initialisation section; false if that is of no use.
    pub(crate) fn take_init(&mut self, kind: TrackKind, key: &InitKey, pieces: Vec<Piece>) -> bool {
        let mut found = None;
        for piece in pieces {
            match piece.fact {
                MediaFact::Init(tracks) => found = Some(Init { tracks, segment: piece.init }),
                MediaFact::Broken(error) => {
                    self.replace_broken(kind, error, true);
                    return false;
                }
                _ => {}
            }
        }
        let Some(init) = found else {
            let error = Error::new(ErrorCode::InitMissing, "the initialisation section holds none");
            self.replace_broken(kind, error, true);
            return false;
        };
        if let Some(error) = self.undecodable(kind, &init.tracks) {
            self.leave_undecodable(kind, error);
            return false;
        }
        self.forget_inits();
        self.title.inits.insert(key.clone(), init);
        true
    }

    /// A title of many initialisation sections (an hour of stitched advertisements) is not kept whole: what is not
    /// in use is fetched again if it is needed again.
    pub(crate) fn forget_inits(&mut self) {
        if self.title.inits.len() < INITS {
            return;
        }
        let mut used = SortedSet::new();
        for stream in self.streams.values() {
            used.extend(stream.fetch.as_ref().and_then(|fetch| fetch.init.clone()));
            used.extend(stream.configured.as_ref().and_then(|configured| configured.init.clone()));
        }
        self.title.inits.retain(|key, _| used.contains(key));
    }
}
