//! Which kinds of tracks share a source buffer, and what type it has. Kinds that come in one initialisation are muxed: they
//! are one buffer to Media Source, and two to the engine.

use std::sync::Arc;

use telecine_engine::container::{Fragment, InitSegment};
use telecine_engine::TrackConfig;
use telecine_model::TrackKind;

use crate::schema::kind_number;

/// A source buffer.
#[derive(Debug)]
struct Source {
    /// Its number: that of the kind that it began with.
    number: u8,
    init: Arc<InitSegment>,
    /// What it carries for the engine. There may be more in it: Media Source is to know of all.
    kinds: Vec<TrackKind>,
    /// Nothing follows for these.
    ended: Vec<TrackKind>,
    /// The fragment that was appended last: of a muxed one each kind tells.
    last: Option<Arc<Fragment>>,
}

impl Source {
    fn carries(&self, kind: TrackKind) -> bool {
        self.kinds.contains(&kind)
    }
}

/// As Media Source names what this begins: every track of it, as browsers refuse those that they were not told of.
fn mime(init: &InitSegment) -> String {
    let played = || init.tracks.iter().filter(|track| is_played(track.kind));
    let main = if played().any(|track| track.kind == TrackKind::Video) { "video" } else { "audio" };
    let codecs: Vec<String> = played().map(|track| track.codec.to_string()).collect();
    format!("{main}/mp4; codecs=\"{}\"", codecs.join(","))
}

/// What to do about a configuration.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Configured {
    pub(crate) source: u8,
    pub(crate) mime: String,
}

/// All source buffers of a title.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    sources: Vec<Source>,
    /// Kinds that were chosen. Chromium makes no source buffer any more once it has been given bytes.
    chosen: Vec<TrackKind>,
    open: bool,
    /// Media Source was told that nothing follows.
    over: bool,
}

/// What Media Source plays. Texts are drawn from events.
fn is_played(kind: TrackKind) -> bool {
    matches!(kind, TrackKind::Video | TrackKind::Audio)
}

impl Sources {
    /// A kind is played, or is not.
    pub(crate) fn choose(&mut self, kind: TrackKind, played: bool) {
        self.chosen.retain(|own| *own != kind);
        if played && is_played(kind) {
            self.chosen.push(kind);
        }
    }

    /// A kind has a configuration. None if it is nothing for Media Source, or what its source buffer has already.
    pub(crate) fn configure(&mut self, config: &TrackConfig) -> Option<Configured> {
        let kind = config.kind;
        let init = config.init.as_ref().filter(|_| is_played(kind))?;
        if let Some(muxed) = self.sources.iter().position(|source| Arc::ptr_eq(&source.init, init)) {
            // It may have had a source buffer of its own.
            self.sources.iter_mut().for_each(|source| source.kinds.retain(|own| *own != kind));
            self.sources.get_mut(muxed)?.kinds.push(kind);
            return None;
        }
        let source = match self.sources.iter().position(|source| source.carries(kind)) {
            Some(place) => self.sources.get_mut(place)?,
            None => {
                let number = kind_number(kind);
                let (kinds, ended) = (Vec::new(), Vec::new());
                self.sources.push(Source { number, init: Arc::clone(init), kinds, ended, last: None });
                self.sources.last_mut()?
            }
        };
        // What else it carries says so again, with the same initialisation.
        source.kinds = vec![kind];
        source.init = Arc::clone(init);
        Some(Configured { source: source.number, mime: mime(init) })
    }

    /// Every kind that was chosen has its configuration. True once.
    pub(crate) fn opens(&mut self) -> bool {
        let opens =
            !self.open && !self.sources.is_empty() && self.chosen.iter().all(|kind| self.source(*kind).is_some());
        self.open |= opens;
        opens
    }

    /// The number of the source buffer of a kind.
    pub(crate) fn source(&self, kind: TrackKind) -> Option<u8> {
        self.sources.iter().find(|source| source.carries(kind)).map(|source| source.number)
    }

    /// Media of a kind: for which source buffer. None if that has it already, or if it is for none. The end holds all the same:
    /// what comes behind it takes the place of something before it.
    pub(crate) fn append(&mut self, kind: TrackKind, fragment: &Arc<Fragment>) -> Option<u8> {
        let source = self.sources.iter_mut().find(|source| source.carries(kind))?;
        let muxed = source.kinds.len() > 1;
        if muxed && source.last.as_ref().is_some_and(|last| Arc::ptr_eq(last, fragment)) {
            return None;
        }
        source.last = muxed.then(|| Arc::clone(fragment));
        Some(source.number)
    }

    /// Nothing follows for a kind. True if that holds for all now, and was not said.
    pub(crate) fn end(&mut self, kind: TrackKind) -> bool {
        if let Some(source) = self.sources.iter_mut().find(|source| source.carries(kind)) {
            source.ended.retain(|own| *own != kind);
            source.ended.push(kind);
        }
        let whole = |source: &Source| source.kinds.iter().all(|kind| source.ended.contains(kind));
        let over = !self.sources.is_empty() && self.sources.iter().all(whole);
        over && !std::mem::replace(&mut self.over, over)
    }

    /// The playhead is moved: ends are told anew.
    pub(crate) fn seek(&mut self) {
        self.over = false;
        self.sources.iter_mut().for_each(|source| source.ended.clear());
    }

    /// A kind is not played any more: the source buffer that goes with it, if it carries nothing else.
    pub(crate) fn disable(&mut self, kind: TrackKind) -> Option<u8> {
        self.choose(kind, false);
        let place = self.sources.iter().position(|source| source.carries(kind))?;
        let source = self.sources.get_mut(place)?;
        if source.kinds.len() > 1 {
            source.kinds.retain(|own| *own != kind);
            return None;
        }
        Some(self.sources.remove(place).number)
    }

    /// Playback is over.
    pub(crate) fn stop(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use telecine_engine::container::iso::{IsoReader, Unit};
    use telecine_engine::Format;
    use telecine_model::Limits;

    /// The initialisation of a file of the demo title.
    fn init(file: &str) -> Arc<InitSegment> {
        let path = format!("{}/../../conformance/media/demo/{file}.mp4", env!("CARGO_MANIFEST_DIR"));
        let mut reader = IsoReader::new(&Limits::default());
        reader.push(std::fs::read(path).expect("the demo title is there").into());
        match reader.poll() {
            Ok(Some(Unit::Init(init))) => init,
            other => panic!("no initialisation first: {other:?}"),
        }
    }

    fn config(kind: TrackKind, init: &Arc<InitSegment>) -> TrackConfig {
        TrackConfig {
            kind,
            track: String::new(),
            rendition: String::new(),
            codec: String::new(),
            format: Format::Cmaf,
            init: Some(Arc::clone(init)),
            track_id: 1,
        }
    }

    #[test]
    fn sources_open_when_each_chosen_kind_has_its_configuration() {
        let mut sources = Sources::default();
        sources.choose(TrackKind::Video, true);
        sources.choose(TrackKind::Audio, true);
        sources.choose(TrackKind::Text, true);
        let (picture, sound) = (init("v360"), init("a-en"));
        let first = sources.configure(&config(TrackKind::Video, &picture)).expect("a source");
        assert_eq!((first.source, sources.opens()), (0, false));
        assert!(first.mime.starts_with("video/mp4; codecs=\"avc1.") && !first.mime.contains(','), "{}", first.mime);
        let second = sources.configure(&config(TrackKind::Audio, &sound)).expect("a source");
        assert_eq!((second.source, sources.opens()), (1, true));
        let again = sources.configure(&config(TrackKind::Video, &init("v720"))).expect("a source");
        assert_eq!((again.source, sources.opens()), (0, false));
    }

    #[test]
    fn what_is_muxed_is_one_source_and_is_appended_once() {
        let mut sources = Sources::default();
        sources.choose(TrackKind::Video, true);
        let mut both = InitSegment::clone(&init("v360"));
        both.tracks.extend(init("a-en").tracks.iter().cloned());
        let init = Arc::new(both);
        let first = sources.configure(&config(TrackKind::Video, &init)).expect("a source");
        assert!(first.mime.starts_with("video/mp4; codecs=\"avc1."), "{}", first.mime);
        assert!(first.mime.ends_with(",mp4a.40.2\""), "{}", first.mime);
        sources.choose(TrackKind::Audio, true);
        assert!(!sources.opens());
        assert_eq!(sources.configure(&config(TrackKind::Audio, &init)), None);
        assert!(sources.opens());
        assert_eq!(sources.source(TrackKind::Audio), Some(0));
        let fragment = Arc::default();
        assert_eq!(sources.append(TrackKind::Video, &fragment), Some(0));
        assert_eq!(sources.append(TrackKind::Audio, &fragment), None);
        assert!(!sources.end(TrackKind::Video));
        assert!(sources.end(TrackKind::Audio));
        assert!(!sources.end(TrackKind::Audio), "once");
    }

    #[test]
    fn the_end_holds_until_the_next_seek() {
        let mut sources = Sources::default();
        sources.configure(&config(TrackKind::Audio, &init("a-en")));
        assert!(sources.end(TrackKind::Audio));
        assert_eq!(sources.append(TrackKind::Audio, &Arc::default()), Some(1));
        assert!(!sources.end(TrackKind::Audio));
        sources.seek();
        assert!(sources.end(TrackKind::Audio));
    }
}
