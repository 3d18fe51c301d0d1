//! Transport streams and packed audio: what is reported is what the player makes of them.

use std::path::Path;
use std::sync::Arc;

use telecine_container::{AudioSelection, Container, InitSegment, StreamOptions, StreamReader, StreamUnit};
use telecine_model::{Error, ErrorCode, Limits};

use super::{Found, Input, Means, Scan};

pub(super) fn scan(path: &Path, container: Container, means: &Means<'_>, limits: &Limits) -> Result<Scan, Error> {
    let mut options = StreamOptions::default();
    options.audio = AudioSelection::All;
    options.captions = false;
    let mut reader = StreamReader::new(&options, limits);
    // A transport stream says which of its streams are protected, packed audio does not.
    if container == Container::MpegTs || means.iv.is_some() {
        reader.set_protection(Some(means.keys.sample_aes(means.iv.unwrap_or_default())));
    }
    // With a vector that nobody gave, keys are of no use.
    let (none, usable) = (super::Keys::default(), means.iv.is_some());
    let keys = if usable { &means.keys } else { &none };
    let mut this = Stream { found: Found::default(), last: None, metadata: Vec::new(), warnings: Vec::new() };
    let mut input = Input::open(path)?;
    while let Some(piece) = input.next()? {
        reader.push(piece);
        this.drain(&mut reader, keys, limits)?;
    }
    let ended = reader.finish();
    this.drain(&mut reader, keys, limits)?;
    ended?;
    let Stream { mut found, last, metadata, warnings } = this;
    let Some(init) = found.init.take().or(last) else {
        return Err(Error::new(ErrorCode::ContainerSyntax, "there is nothing in it that can be played"));
    };
    let samples = init.tracks.iter().map(|track| found.samples.remove(&track.id).unwrap_or_default()).collect();
    Ok(Scan {
        container,
        init,
        samples,
        events: Vec::new(),
        pssh: Vec::new(),
        key_ids: found.key_ids,
        metadata,
        texts: Vec::new(),
        warnings,
    })
}

struct Stream {
    found: Found,
    last: Option<Arc<InitSegment>>,
    metadata: Vec<telecine_container::TimedMetadata>,
    warnings: Vec<telecine_model::Warning>,
}

impl Stream {
    fn drain(&mut self, reader: &mut StreamReader, keys: &super::Keys, limits: &Limits) -> Result<(), Error> {
        while let Some(unit) = reader.poll()? {
            match unit {
                StreamUnit::Init(init) => {
                    // What is reported is the one with the most tracks, of several the first.
                    if self.found.init.as_ref().is_none_or(|known| known.tracks.len() < init.tracks.len()) {
                        self.found.init = Some(Arc::clone(&init));
                    }
                    self.last = Some(init);
                }
                StreamUnit::Fragment(fragment) => {
                    let last = self.last.clone();
                    self.found.add_fragment(fragment, last.as_deref(), keys, limits)?;
                }
                StreamUnit::Metadata(metadata) if self.metadata.len() < limits.side_items => {
                    self.metadata.push(metadata);
                }
                StreamUnit::Warning(warning) => self.warnings.push(warning),
                _ => {}
            }
        }
        Ok(())
    }
}
