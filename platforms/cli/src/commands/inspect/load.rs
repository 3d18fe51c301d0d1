//! A manifest with everything that it leads to: media playlists, remote elements, segment indexes.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use telecine_container::{IsoReader, SegmentIndexBox, Unit};
use telecine_engine::RequestClass;
use telecine_engine::{index_from_sidx, nested_ranges, whole_resource};
use telecine_manifest::hls::Playlist;
use telecine_manifest::{dash, hls, sniff};
use telecine_model::presentation::PlaylistInfo;
use telecine_model::segments::SegmentIndexSource;
use telecine_model::{
    uri, ByteRange, Error, ErrorCode, Limits, Place, Presentation, Protocol, Rendition, SegmentIndex, Segments, Track,
    TrackKind, Warning,
};
use telecine_virtual::Source;

use crate::fetch::{Fetcher, Resource};

/// Which sort of manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Multivariant,
    Media,
    Mpd,
}

/// How far to go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Depth {
    /// Fetch media playlists.
    pub(crate) playlists: bool,
    /// Fetch segment indexes.
    pub(crate) indexes: bool,
}

/// A manifest and what was loaded with it.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) kind: Kind,
    pub(crate) presentation: Presentation,
    /// The media playlist that speaks for the title where a multivariant playlist does not: that of
    /// the first picture, else the first of all.
    pub(crate) playlist: Option<PlaylistInfo>,
    pub(crate) warnings: Vec<Warning>,
}

/// Reads what `manifest` holds; `base` is what its references are relative to.
///
/// # Errors
/// Those of the parsers and of the network. One media playlist or index that cannot be had fails
/// the whole: whoever inspects wants to know.
pub(crate) fn load<S: Source>(
    fetcher: &mut Fetcher<S>,
    manifest: Resource,
    base: Option<&str>,
    depth: Depth,
) -> Result<Loaded, Error> {
    let base = base.unwrap_or(&manifest.url).to_owned();
    match sniff(&manifest.body) {
        Some(Protocol::Dash) => load_mpd(fetcher, &base, manifest.body, depth),
        // Text of neither kind goes to the HLS parser too: its error says what the text looks like.
        Some(Protocol::Hls) | None => load_hls(fetcher, &base, &manifest.body, depth),
    }
}

fn load_hls<S: Source>(fetcher: &mut Fetcher<S>, base: &str, body: &Bytes, depth: Depth) -> Result<Loaded, Error> {
    match parse_playlist(body, base, base, None)? {
        Playlist::Media(playlist) => {
            let info = playlist.info.clone();
            let presentation = playlist.into_presentation();
            Ok(Loaded {
                kind: Kind::Media,
                warnings: presentation.warnings.clone(),
                presentation,
                playlist: Some(info),
            })
        }
        Playlist::Multivariant(presentation) => {
            let mut loaded = Loaded {
                kind: Kind::Multivariant,
                warnings: presentation.warnings.clone(),
                presentation: *presentation,
                playlist: None,
            };
            if depth.playlists {
                loaded.load_playlists(fetcher)?;
            }
            Ok(loaded)
        }
    }
}

impl Loaded {
    fn load_playlists<S: Source>(&mut self, fetcher: &mut Fetcher<S>) -> Result<(), Error> {
        // Variants with different sound share their media playlist.
        let mut known: HashMap<String, SegmentIndex> = HashMap::new();
        for (url, of) in playlist_urls(&self.presentation) {
            let here = |error: Error| of.about(error);
            let resource = fetcher.get(RequestClass::Playlist, &url, None).map_err(here)?;
            let parsed = parse_playlist(&resource.body, &resource.url, &url, Some(&self.presentation));
            let playlist = match parsed.map_err(here)? {
                Playlist::Media(playlist) => *playlist,
                Playlist::Multivariant(_) => {
                    let message = "a variant leads to a multivariant playlist";
                    return Err(here(
                        Error::new(ErrorCode::ManifestContradiction, message)
                            .fact("url", uri::without_secrets(&resource.url)),
                    ));
                }
            };
            if self.playlist.is_none() {
                playlist.apply_to(&mut self.presentation);
                self.playlist = Some(playlist.info.clone());
            }
            // Lines are those of this playlist, not of the one that was named.
            let shown = uri::without_secrets(&resource.url);
            let within =
                |warning: Warning| Warning { place: Place::Path(format!("{} of {shown}", warning.place)), ..warning };
            self.warnings.extend(playlist.info.warnings.into_iter().map(within));
            known.insert(url, playlist.index);
        }
        for rendition in renditions(&mut self.presentation) {
            if let Some(index) = rendition.uri.as_ref().and_then(|url| known.get(url)) {
                rendition.segments = Segments::Known(Box::new(index.clone()));
            }
        }
        Ok(())
    }
}

fn parse_playlist(body: &[u8], url: &str, requested: &str, parent: Option<&Presentation>) -> Result<Playlist, Error> {
    hls::parse(
        body,
        &hls::Context {
            uri: url,
            requested_uri: requested,
            imports: parent.map(|parent| &parent.define),
            mode: hls::Mode::Compat,
            limits: &Limits::default(),
        },
    )
}

/// The rendition that something was fetched for, as the player's errors name it.
struct Of {
    kind: TrackKind,
    rendition: String,
}

impl Of {
    fn about(&self, error: Error) -> Error {
        error.fact("kind", self.kind.name()).fact("rendition", &self.rendition)
    }
}

/// Media playlists, each once, those of pictures first, with the first rendition that each is of.
fn playlist_urls(presentation: &Presentation) -> Vec<(String, Of)> {
    let mut tracks: Vec<&Track> = presentation.periods.iter().flat_map(|period| &period.tracks).collect();
    tracks.sort_by_key(|track| (track.kind, !track.trick_mode_for.is_empty()));
    let mut seen = HashSet::new();
    tracks
        .into_iter()
        .flat_map(|track| track.renditions.iter().map(|rendition| (track.kind, rendition)))
        .filter_map(|(kind, rendition)| Some((rendition.uri.clone()?, Of { kind, rendition: rendition.id.clone() })))
        .filter(|(url, _)| seen.insert(url.clone()))
        .collect()
}

fn renditions(presentation: &mut Presentation) -> impl Iterator<Item = &mut Rendition> {
    presentation.periods.iter_mut().flat_map(|period| &mut period.tracks).flat_map(|track| &mut track.renditions)
}

fn load_mpd<S: Source>(fetcher: &mut Fetcher<S>, base: &str, body: Bytes, depth: Depth) -> Result<Loaded, Error> {
    let limits = Limits::default();
    let mut text = body;
    let mut unresolved = Vec::new();
    let mut presentation = loop {
        let mpd = dash::parse(&text, &dash::Context { uri: base, limits: &limits })?;
        if mpd.remote.is_empty() {
            break mpd.presentation;
        }
        let mut resolved = Vec::new();
        for element in mpd.remote {
            // What cannot be had drops the link and keeps the element's own content (D070). The parser
            // warns that it is so; why it is so is known only here.
            let body = match fetcher.get(RequestClass::Manifest, &element.uri, None) {
                Ok(resource) => Some(resource.body.to_vec()),
                Err(error) => {
                    unresolved.push(Warning::new("D070", Place::Path(element.element.clone()), error.to_string()));
                    None
                }
            };
            resolved.push((element, body));
        }
        text = Bytes::from(dash::splice(&text, &resolved)?);
    };
    if depth.indexes {
        for track in presentation.periods.iter_mut().flat_map(|period| &mut period.tracks) {
            for rendition in &mut track.renditions {
                if let Segments::Indexed(source) = &rendition.segments {
                    let of = Of { kind: track.kind, rendition: rendition.id.clone() };
                    let index = load_index(fetcher, source).map_err(|error| of.about(error))?;
                    rendition.segments = Segments::Known(Box::new(index));
                }
            }
        }
    }
    let mut warnings = presentation.warnings.clone();
    warnings.extend(unresolved);
    Ok(Loaded { kind: Kind::Mpd, warnings, presentation, playlist: None })
}

/// The segments of an indexed resource, hierarchical indexes followed.
fn load_index<S: Source>(fetcher: &mut Fetcher<S>, source: &SegmentIndexSource) -> Result<SegmentIndex, Error> {
    let Some(range) = source.index_range else {
        return whole_resource(source);
    };
    let url = source.resolve(&source.uri);
    let mut boxes = Vec::new();
    let mut level = vec![range];
    for _ in 0..Limits::default().indirections {
        let mut next = Vec::new();
        for range in level {
            let read = read_index(fetcher, &url, range)?;
            next.extend(read.iter().flat_map(nested_ranges));
            boxes.extend(read);
        }
        if next.is_empty() {
            return index_from_sidx(source, &boxes).map_err(|error| error.fact("url", uri::without_secrets(&url)));
        }
        level = next;
    }
    Err(Error::new(ErrorCode::IndexInvalid, "the segment index is nested deeper than the limit")
        .fact("url", uri::without_secrets(&url)))
}

fn read_index<S: Source>(fetcher: &mut Fetcher<S>, url: &str, range: ByteRange) -> Result<Vec<SegmentIndexBox>, Error> {
    let about = |error: Error| error.fact("url", uri::without_secrets(url));
    let resource = fetcher.get(RequestClass::Index, url, Some(range))?;
    let mut reader = IsoReader::new(&Limits::default());
    reader.set_offset(range.offset);
    reader.push(resource.body);
    let mut boxes = Vec::new();
    while let Some(unit) = reader.poll().map_err(about)? {
        if let Unit::Index(index) = unit {
            boxes.push(index);
        }
    }
    if boxes.is_empty() {
        return Err(about(Error::new(ErrorCode::IndexInvalid, "there is no segment index in the index range")));
    }
    Ok(boxes)
}
