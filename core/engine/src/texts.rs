//! Stand-alone texts: files of subtitles, taken whole.

use bytes::Bytes;
use telecine_model::{Error, MediaTime, Protocol, TrackKind};

use crate::action::{Append, Format, Payload, SinkCommand, TrackConfig};
use crate::buffer::Item;
use crate::engine::Engine;
use crate::keys::{Configured, Opened};
use crate::media::MediaFact;

impl Engine {
    /// What the times of a stand-alone text file count from.
    pub(crate) fn text_origin(&self, period: usize) -> MediaTime {
        let presentation = self.title.presentation.as_ref().filter(|p| p.protocol == Protocol::Dash);
        presentation.and_then(|p| p.periods.get(period)).map_or(MediaTime::ZERO, |period| period.start)
    }

    pub(crate) fn finish_text(&mut self, kind: TrackKind) {
        if let Err(error) = self.unlock_text(kind) {
            return self.replace_segment(kind, error, Vec::new());
        }
        let Some(mut stream) = self.streams.remove(&kind) else {
            return;
        };
        if let Some(fetch) = stream.fetch.take() {
            self.read_text(&fetch);
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
            let payload = if fetch.text.is_empty() { Payload::None } else { Payload::Text(Bytes::from(fetch.text)) };
            self.sink(SinkCommand::Append(Box::new(Append {
                kind,
                load: fetch.load,
                rendition,
                segment: fetch.number,
                start: fetch.start,
                end: fetch.end,
                // Times in a stand-alone file count from the period's start (D100); those of HLS
                // segments from the presentation's.
                offset: self.text_origin(fetch.rendition.period),
                window,
                show_from: None,
                discontinuity: std::mem::take(&mut stream.broken_off),
                samples: 0,
                bytes: fetch.bytes,
                payload,
            })));
            let item = Item::silence(fetch.start, fetch.end, fetch.rendition.period);
            stream.buffer.put(Item { rendition: fetch.rendition.rendition, bytes: fetch.bytes, ..item });
            stream.cursor = Some((fetch.rendition, fetch.number));
            stream.failures = 0;
            stream.trouble_since = None;
        }
        self.streams.insert(kind, stream);
    }

    /// Decrypts a text that is encrypted whole.
    pub(crate) fn unlock_text(&mut self, kind: TrackKind) -> Result<(), Error> {
        let Some(fetch) = self.streams.get_mut(&kind).and_then(|stream| stream.fetch.as_mut()) else { return Ok(()) };
        let Some(lock) = fetch.cover.lock() else { return Ok(()) };
        if let Some(facts) = self.recorded.as_mut().map(|recorded| recorded.take_opened(kind, false)) {
            // A replay has no text, and knows whether it could be decrypted.
            let broken = facts.unwrap_or_default().into_iter().find_map(|fact| match fact {
                MediaFact::Broken(error) => Some(error),
                _ => None,
            });
            return broken.map_or(Ok(()), Err);
        }
        let text = Bytes::from(std::mem::take(&mut fetch.text));
        let clear = self.title.key_files.open(lock, fetch.number).and_then(|decryptor| {
            let Some(mut decryptor) = decryptor else { return Ok(Vec::new()) };
            let mut clear = decryptor.push(text)?.to_vec();
            decryptor.finish()?.iter().for_each(|part| clear.extend_from_slice(part));
            Ok(clear)
        });
        match clear {
            Ok(clear) => {
                fetch.text = clear;
                Ok(())
            }
            Err(error) => {
                let facts = vec![MediaFact::Broken(error.clone())];
                self.findings.opened.push(Opened { kind, init: false, facts });
                Err(error)
            }
        }
    }
}
