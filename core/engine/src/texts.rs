//! Stand-alone texts: files and segments of subtitles, taken whole.

use bytes::Bytes;
use telecine_model::{Error, MediaTime, TrackKind};

use crate::action::{Append, Format, Payload, SinkCommand, TrackConfig};
use crate::buffer::Item;
use crate::cues::Text;
use crate::engine::Engine;
use crate::keys::{Configured, Opened};
use crate::media::{MediaFact, TextFact};
use crate::stream::{Lost, SegmentFetch, Stream};

/// What a text turned out to be.
#[derive(Debug, Default)]
pub(crate) struct ReadText {
    /// What it says about its own time; None if it cannot be read.
    fact: Option<TextFact>,
    /// Its cues. None in a replay, which has no text.
    text: Option<Text>,
}

impl Engine {
    /// What the times of a stand-alone text file count from.
    fn text_origin(&self, period: usize) -> MediaTime {
        let presentation = self.title.presentation.as_ref().filter(|_| self.is_dash());
        presentation.and_then(|p| p.periods.get(period)).map_or(MediaTime::ZERO, |period| period.start)
    }

    /// A text is complete, and the key to it is there.
    pub(crate) fn finish_text(&mut self, kind: TrackKind) {
        let fetch = self.streams.get(&kind).and_then(|stream| stream.fetch.as_ref());
        if fetch.is_none_or(|fetch| fetch.read) {
            return;
        }
        if let Err(error) = self.open_text(kind) {
            return self.replace_segment(kind, error, Vec::new());
        }
        self.release_text(kind);
    }

    /// Decrypts a text, if it is encrypted whole, and reads it.
    fn open_text(&mut self, kind: TrackKind) -> Result<(), Error> {
        let Some(fetch) = self.streams.get_mut(&kind).and_then(|stream| stream.fetch.as_mut()) else { return Ok(()) };
        let lock = fetch.cover.lock().cloned();
        let (number, start, reference) = (fetch.number, fetch.start, fetch.rendition);
        let bytes = std::mem::take(&mut fetch.text);
        let recorded = match (&lock, self.recorded.as_mut()) {
            (Some(_), Some(recorded)) => Some(recorded.take_opened(kind, false).unwrap_or_default()),
            (None, Some(_)) => Some(self.late.take().unwrap_or_default()),
            (_, None) => None,
        };
        let mut read = ReadText::default();
        let mut outcome = Ok(bytes);
        match recorded {
            // A replay has no text, and knows what was in it.
            Some(facts) => {
                for fact in facts {
                    match fact {
                        MediaFact::Broken(error) => outcome = Err(error),
                        MediaFact::Text(fact) => read.fact = Some(fact),
                        _ => {}
                    }
                }
            }
            None => {
                if let (Some(lock), Ok(bytes)) = (&lock, &mut outcome) {
                    let sealed = Bytes::from(std::mem::take(bytes));
                    outcome = self.title.key_files.open(lock, number).and_then(|decryptor| {
                        let Some(mut decryptor) = decryptor else { return Ok(Vec::new()) };
                        let mut clear = decryptor.push(sealed)?.to_vec();
                        decryptor.finish()?.iter().for_each(|part| clear.extend_from_slice(part));
                        Ok(clear)
                    });
                }
                let mut facts = Vec::new();
                match &outcome {
                    Ok(clear) if clear.is_empty() => {}
                    Ok(clear) => match Text::parse(clear, &self.config.limits) {
                        Ok(mut text) => {
                            for warning in text.take_warnings() {
                                self.tolerate(kind, reference, number, warning);
                            }
                            facts.push(MediaFact::Text(text.fact()));
                            read = ReadText { fact: Some(text.fact()), text: Some(text) };
                        }
                        Err(error) => self.tell_text_fault(error.fact("time", start)),
                    },
                    Err(error) => facts.push(MediaFact::Broken(error.clone())),
                }
                match lock {
                    Some(_) => self.findings.opened.push(Opened { kind, init: false, facts }),
                    None => self.facts.get_or_insert_default().extend(facts),
                }
            }
        }
        let clear = outcome?;
        if let Some(fetch) = self.streams.get_mut(&kind).and_then(|stream| stream.fetch.as_mut()) {
            fetch.text = clear;
            fetch.read_text = read;
            fetch.read = true;
        }
        Ok(())
    }

    /// Hands on a text that was read, once it is known where on the timeline it belongs.
    pub(crate) fn release_text(&mut self, kind: TrackKind) {
        let Some(stream) = self.streams.get(&kind) else { return };
        let Some(fetch) = stream.fetch.as_ref().filter(|fetch| fetch.format == Format::WebVtt && fetch.read) else {
            return;
        };
        let Some(offset) = self.text_offset(fetch) else { return };
        let Some(mut stream) = self.streams.remove(&kind) else { return };
        if let Some(mut fetch) = stream.fetch.take() {
            if let Some(text) = fetch.read_text.text.take() {
                self.add_cues(fetch.rendition.period, text.into_cues(offset));
            }
            self.append_text(&mut stream, fetch, offset);
        }
        self.streams.insert(kind, stream);
    }

    /// What is added to the times of a text. None while the media that it goes with is still to come.
    ///
    /// Times in DASH count from the period's start (D100). Those of HLS go with the media of their discontinuity
    /// domain, through their `X-TIMESTAMP-MAP` (rfc8216bis, 3.1.4).
    fn text_offset(&self, fetch: &SegmentFetch) -> Option<MediaTime> {
        if self.is_dash() {
            return Some(self.text_origin(fetch.rendition.period));
        }
        let Some(fact) = fetch.read_text.fact else { return Some(MediaTime::ZERO) };
        let segment = fetch.start..fetch.end;
        match self.title.offsets.get(&fetch.discontinuity) {
            Some(offset) => Some(fact.shift(*offset, segment)),
            None if fact.follows_media() && self.awaits_media(fetch) => None,
            // There is no media in its domain: nobody can tell better than by what was before.
            None => {
                let before = self.title.offsets.range(..fetch.discontinuity).next_back();
                Some(fact.shift(before.map_or(MediaTime::ZERO, |(_, offset)| *offset), segment))
            }
        }
    }

    /// Whether picture or sound will come to where a text is.
    fn awaits_media(&self, fetch: &SegmentFetch) -> bool {
        self.streams.values().any(|stream| {
            let comes = stream.is_essential() && !stream.absent && !stream.ended;
            comes && stream.period <= fetch.rendition.period && stream.next_time(self.needed_from(stream)) < fetch.end
        })
    }

    fn append_text(&mut self, stream: &mut Stream, fetch: SegmentFetch, offset: MediaTime) {
        let kind = stream.kind;
        let rendition = self.rendition(fetch.rendition).map(|r| r.id.clone()).unwrap_or_default();
        if stream.configured.as_ref().is_none_or(|configured| configured.rendition != fetch.rendition) {
            stream.configured = Some(Configured::of(&fetch, false));
            stream.outputs = vec![kind];
            let track = self.track(stream.period, stream.track).map(|t| t.id.clone()).unwrap_or_default();
            self.sink(SinkCommand::Configure(Box::new(TrackConfig {
                kind,
                track,
                rendition: rendition.clone(),
                codec: "wvtt".to_owned(),
                format: Format::WebVtt,
                init: None,
                track_id: 0,
            })));
        }
        let window = self.window(fetch.rendition.period);
        let cursor = fetch.cursor();
        let payload = if fetch.text.is_empty() { Payload::None } else { Payload::Text(Bytes::from(fetch.text)) };
        self.sink(SinkCommand::Append(Box::new(Append {
            kind,
            load: fetch.load,
            rendition,
            segment: fetch.number,
            start: fetch.start,
            end: fetch.end,
            offset,
            window,
            show_from: None,
            discontinuity: std::mem::take(&mut stream.broken_off),
            samples: 0,
            bytes: fetch.bytes,
            payload,
        })));
        let item = Item::silence(fetch.start, fetch.end, fetch.rendition.period);
        stream.buffer.put(Item { rendition: fetch.rendition.rendition, bytes: fetch.bytes, ..item });
        stream.cursor = Some(cursor);
        stream.lost = Lost::default();
        stream.trouble_since = None;
    }
}
