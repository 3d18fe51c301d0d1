//! What subtitles hold: files of WebVTT and TTML, and text tracks in MP4.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use serde::Serialize;
use telecine_container::text::ttml;
use telecine_container::text::webvtt::{self, CueClock};
use telecine_container::text::wvtt::WebVttTrack;
use telecine_container::{Container, DecoderConfig, TrackInfo};
use telecine_model::cue::{Node, SpanKind};
use telecine_model::{Cue, CueStore, Error, ErrorCode, Limits, MediaTime, Place, TrackKind, Warning};

use crate::document::secs;
use crate::fetch::unreadable;
use crate::media::{container_name, Input};
use crate::output;

/// Subtitles of a file or of a track.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct TextEntry {
    /// Null for a file of its own.
    track: Option<u32>,
    /// `webvtt` or `ttml`.
    format: &'static str,
    /// Each once, though samples of a track repeat it.
    cues: usize,
    /// Languages that the track, the document or spans of text name.
    languages: BTreeSet<String>,
    /// Names of the regions that cues are in.
    regions: BTreeSet<String>,
    /// When the first cue appears; of a file in its own time.
    first_s: Option<f64>,
    /// When the last one disappears; null too if nothing ends it.
    last_s: Option<f64>,
    /// HLS: `X-TIMESTAMP-MAP` of a segment.
    timestamp_map: Option<MapEntry>,
    /// The first sample that cannot be read says why.
    error: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct MapEntry {
    /// Ticks of 90 kHz
    mpegts: u64,
    /// that are this time of the text.
    local_s: f64,
}

/// Takes the cues of one source.
struct Gathering {
    store: CueStore,
    languages: BTreeSet<String>,
    regions: BTreeSet<String>,
    names: usize,
}

impl Gathering {
    fn new(limits: &Limits) -> Self {
        let (languages, regions) = Default::default();
        Self { store: CueStore::new(limits), languages, regions, names: limits.side_items }
    }

    fn take(&mut self, cues: Vec<Cue>) {
        let mut changes = Vec::new();
        for cue in cues {
            // What is too many to be listed is no list.
            if let Some(region) = cue.region.as_ref().filter(|_| self.regions.len() < self.names) {
                self.regions.insert(region.id.clone());
            }
            self.name_languages(&cue.text);
            self.store.insert(cue, &mut changes);
            changes.clear();
        }
    }

    fn name_languages(&mut self, nodes: &[Node]) {
        for node in nodes {
            let Node::Span(span) = node else { continue };
            if let SpanKind::Language(tag) = &span.kind {
                self.name(tag);
            }
            self.name_languages(&span.children);
        }
    }

    fn name(&mut self, language: &str) {
        if self.languages.len() < self.names {
            self.languages.insert(language.to_owned());
        }
    }

    fn entry(self, track: Option<u32>, format: &'static str) -> TextEntry {
        let last = self.store.iter().map(|(_, cue)| cue.end).max();
        TextEntry {
            track,
            format,
            cues: self.store.len(),
            languages: self.languages,
            regions: self.regions,
            first_s: self.store.iter().next().map(|(_, cue)| secs(cue.start)),
            last_s: last.filter(|end| *end != Cue::OPEN_END).map(secs),
            timestamp_map: None,
            error: None,
        }
    }
}

/// A file of subtitles.
///
/// # Errors
/// `InvalidArgument` for what cannot be read, `ContainerLimit` if it is too large, `TextSyntax` for what is broken.
pub(super) fn file(path: &Path, container: Container, limits: &Limits) -> Result<(TextEntry, Vec<Warning>), Error> {
    let mut bytes = Vec::new();
    let mut input = Input::open(path)?;
    while let Some(piece) = input.next()? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > limits.text_bytes {
            // The readers say the same, but the file may be without an end.
            return Err(Error::new(ErrorCode::ContainerLimit, "the subtitle text is larger than the limit"));
        }
    }
    let mut found = Gathering::new(limits);
    let name = container_name(container);
    match container {
        Container::Ttml => {
            let text = ttml::parse(&bytes, limits)?;
            if let Some(language) = &text.language {
                found.name(&language.to_string());
            }
            found.take(text.cues);
            Ok((found.entry(None, name), text.warnings))
        }
        _ => {
            let mut text = webvtt::parse(&bytes, limits)?;
            let (map, warnings) = (text.timestamp_map, std::mem::take(&mut text.warnings));
            found.take(text.into_cues(CueClock::At(MediaTime::ZERO)));
            let map = map.map(|map| MapEntry { mpegts: map.mpegts, local_s: secs(map.local) });
            Ok((TextEntry { timestamp_map: map, ..found.entry(None, name) }, warnings))
        }
    }
}

/// The text tracks of an MP4 file, sample by sample.
#[derive(Default)]
pub(super) struct TextTracks {
    tracks: BTreeMap<u32, TextTrack>,
    pub(super) warnings: Vec<Warning>,
}

struct TextTrack {
    found: Gathering,
    webvtt: Option<WebVttTrack>,
    error: Option<Error>,
}

impl TextTracks {
    /// Whether the samples of a track are wanted.
    pub(super) fn wants(track: &TrackInfo) -> bool {
        track.kind == TrackKind::Text
            && matches!(track.config, DecoderConfig::Ttml { .. } | DecoderConfig::WebVtt { .. })
    }

    /// Takes a sample, in clear, or why it could not be read; with its presentation time and duration in ticks of the
    /// track.
    pub(super) fn take(
        &mut self,
        track: &TrackInfo,
        pts: i64,
        duration: u32,
        data: Result<&[u8], Error>,
        limits: &Limits,
    ) {
        let state = self.tracks.entry(track.id).or_insert_with(|| {
            let mut found = Gathering::new(limits);
            if let Some(language) = &track.language {
                found.name(&language.to_string());
            }
            TextTrack { found, webvtt: None, error: None }
        });
        let pts = track.presentation_time(pts);
        let time = |ticks: i64| MediaTime::from_ticks(ticks, track.timescale);
        let due = time(pts)..time(pts.saturating_add(duration.into()));
        let data = match data {
            Ok([]) => return,
            Ok(data) => data,
            Err(error) => {
                state.error = state.error.take().or(Some(error.fact("time", time(pts))));
                return;
            }
        };
        let warnings = &mut self.warnings;
        let room = limits.side_items.saturating_sub(warnings.len());
        let read = match &track.config {
            DecoderConfig::Ttml { .. } => ttml::parse(data, limits).map(|mut text| {
                warnings.extend(text.warnings.drain(..).take(room));
                if let Some(language) = &text.language {
                    state.found.name(&language.to_string());
                }
                text.into_sample_cues(due, MediaTime::ZERO)
            }),
            DecoderConfig::WebVtt { header } => {
                let reader = match state.webvtt.take() {
                    Some(reader) => Ok(reader),
                    None => WebVttTrack::new(header, limits).inspect(|reader| {
                        warnings.extend(reader.warnings().iter().take(room).cloned());
                    }),
                };
                reader.and_then(|reader| {
                    let cues = reader.sample_with(data, due, |warning| {
                        if warnings.len() < limits.side_items {
                            warnings.push(warning);
                        }
                    });
                    state.webvtt = Some(reader);
                    cues
                })
            }
            _ => Ok(Vec::new()),
        };
        match read {
            Ok(cues) => state.found.take(cues),
            Err(error) => state.error = state.error.take().or(Some(error.fact("time", time(pts)))),
        }
    }

    /// What they hold, by track.
    pub(super) fn entries(self, tracks: &[TrackInfo]) -> Vec<TextEntry> {
        let format = |id: u32| match tracks.iter().find(|track| track.id == id).map(|track| &track.config) {
            Some(DecoderConfig::Ttml { .. }) => "ttml",
            _ => "webvtt",
        };
        let entry = |(id, track): (u32, TextTrack)| {
            let error = track.error.map(|error| error.to_string());
            TextEntry { error, ..track.found.entry(Some(id), format(id)) }
        };
        self.tracks.into_iter().map(entry).collect()
    }
}

/// Reads the bytes of the samples of text tracks that a `moov` lists. `each` gets `ContainerLimit` for a sample that is
/// too large to be read, `ContainerTruncated` for one that the file ends in.
///
/// # Errors
/// `InvalidArgument` if the file cannot be read.
pub(super) fn listed(
    path: &Path,
    samples: impl Iterator<Item = (u64, u32)>,
    limits: &Limits,
    mut each: impl FnMut(usize, Result<&[u8], Error>),
) -> Result<(), Error> {
    use io::{Read as _, Seek as _};
    let failed = |error: io::Error| unreadable(path, &error);
    let mut file = std::fs::File::open(path).map_err(failed)?;
    let mut data = Vec::new();
    for (index, (offset, size)) in samples.enumerate() {
        data.clear();
        let wrong = |code, message: String| Err(Error::new(code, message).at(Place::Byte(offset)));
        if size as usize > limits.text_bytes {
            let message =
                format!("a subtitle sample of {size} bytes is larger than the limit of {}", limits.text_bytes);
            each(index, wrong(ErrorCode::ContainerLimit, message));
            continue;
        }
        file.seek(io::SeekFrom::Start(offset)).map_err(failed)?;
        let read = (&mut file).take(size.into()).read_to_end(&mut data).map_err(failed)?;
        each(
            index,
            match read < size as usize {
                true => wrong(
                    ErrorCode::ContainerTruncated,
                    format!("the file ends {} bytes too early", size as usize - read),
                ),
                false => Ok(&data),
            },
        );
    }
    Ok(())
}

/// The entry as a line.
pub(super) fn line(entry: &TextEntry, out: &mut dyn io::Write) -> io::Result<()> {
    match entry.track {
        Some(track) => write!(out, "track {track} ")?,
        None => write!(out, "text ")?,
    }
    write!(out, "{}: {} cue{}", entry.format, entry.cues, if entry.cues == 1 { "" } else { "s" })?;
    match (entry.first_s, entry.last_s) {
        (Some(first), Some(last)) => write!(out, ", {first:.3} to {last:.3} s")?,
        (Some(first), None) => write!(out, ", from {first:.3} s on")?,
        _ => {}
    }
    for (name, values) in [("language", &entry.languages), ("region", &entry.regions)] {
        if !values.is_empty() {
            let plural = if values.len() == 1 { "" } else { "s" };
            let all: Vec<String> = values.iter().map(|value| output::plain(value)).collect();
            write!(out, ", {name}{plural} {}", all.join(" "))?;
        }
    }
    if let Some(map) = &entry.timestamp_map {
        write!(out, ", {:.3} s is MPEG-TS {}", map.local_s, map.mpegts)?;
    }
    if let Some(error) = &entry.error {
        write!(out, ", {}", output::plain(error))?;
    }
    writeln!(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_that_are_too_large_or_not_whole_are_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a");
        std::fs::write(&path, b"0123456789").expect("written");
        let mut limits = Limits::default();
        limits.text_bytes = 4;
        let mut told = Vec::new();
        let samples = [(2, 3), (0, 5), (8, 4), (20, 1), (4, 0)];
        let read = listed(&path, samples.into_iter(), &limits, |index, data| {
            told.push((index, data.map(<[u8]>::to_vec).map_err(|error| error.code())));
        });
        assert_eq!(read, Ok(()));
        let (limit, short) = (Err(ErrorCode::ContainerLimit), Err(ErrorCode::ContainerTruncated));
        assert_eq!(told, [(0, Ok(b"234".to_vec())), (1, limit), (2, short.clone()), (3, short), (4, Ok(Vec::new()))]);
    }
}
