//! From the name of a file to what it consists of.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::body::Part;
use crate::dash::{self, Addressing};
use crate::fault::Class;
use crate::hls;
use crate::live::NEVER;
use crate::media_type;
use crate::options::{Format, Target};
use crate::programme::{fragment, start, Programme};
use crate::single;
use crate::title::chunk::Chunk;
use crate::title::{Text, Track};

/// A file of a title, whole and unharmed.
pub(crate) struct Resource {
    pub(crate) class: Class,
    pub(crate) content_type: &'static str,
    /// The id of the rendition, empty for a manifest; of a plain file its path.
    pub(crate) rendition: String,
    /// Which of the two.
    pub(crate) names: Names,
    pub(crate) parts: Vec<Part>,
    /// The segments in it: number in the title, and bytes.
    pub(crate) segments: Vec<(u64, Range<u64>)>,
    /// Whether the title says that it is not there.
    pub(crate) gap: bool,
    /// The pieces of what is being made, and how many milliseconds later each is there. Empty of what is there.
    pub(crate) pieces: Vec<(Range<u64>, u64)>,
    /// Whether it can be asked for only up to the first piece that is not there: the one that was hinted at.
    pub(crate) hinted: bool,
}

/// What names a rendition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Names {
    /// Its id in the title.
    Id,
    /// The path of the file.
    Path,
}

impl Resource {
    pub(crate) fn new(class: Class, content_type: &'static str, rendition: &str, parts: Vec<Part>) -> Self {
        let rendition = rendition.to_owned();
        Self {
            class,
            content_type,
            rendition,
            names: Names::Id,
            parts,
            segments: Vec::new(),
            gap: false,
            pieces: Vec::new(),
            hinted: false,
        }
    }

    pub(crate) fn text(class: Class, extension: &str, rendition: &str, text: String) -> Self {
        Self::new(class, media_type(extension), rendition, vec![Part::Bytes(Bytes::from(text))])
    }

    pub(crate) fn length(&self) -> u64 {
        self.parts.iter().map(Part::len).sum()
    }

    /// How many milliseconds later the byte at a position is there.
    pub(crate) fn wait(&self, at: u64) -> u64 {
        self.pieces.iter().find(|(bytes, _)| bytes.contains(&at)).map_or(0, |(_, wait)| *wait)
    }

    /// Up to where it can be asked for.
    pub(crate) fn askable(&self) -> u64 {
        let hint = self.pieces.iter().find(|(_, wait)| *wait > 0).filter(|_| self.hinted);
        hint.map_or(u64::MAX, |(bytes, _)| bytes.end)
    }

    /// The first segment of the cycle (of so many seconds of the title) that segment `n` lies in, by its middle.
    pub(crate) fn first_in_cycle(&self, programme: &Programme<'_>, n: u64, seconds: u64) -> u64 {
        let track = programme.title.tracks.iter().find(|track| track.id == self.rendition);
        let (middle, timescale): (Box<dyn Fn(u64) -> u64>, u32) = match track {
            Some(track) => (Box::new(|n| 2 * start(track, n) + fragment(track, n).duration), track.timescale),
            None => {
                let segments = programme.text_segments();
                let middle = move |n: u64| {
                    let range = segments.get(n as usize).cloned().unwrap_or_default();
                    programme.boundary(range.start).ticks + programme.boundary(range.end).ticks
                };
                (Box::new(middle), programme.length().timescale)
            }
        };
        let cycle = |n: u64| middle(n) / (2 * u64::from(timescale) * seconds);
        (0..n).rev().find(|before| cycle(*before) != cycle(n)).map_or(0, |before| before + 1)
    }
}

/// The file that a target names, and the base URL it came by.
pub(crate) fn resource(programme: &Programme<'_>, format: Format, target: &Target) -> Option<(Option<u64>, Resource)> {
    let (base, file) = base_url(programme, &target.file);
    let (directory, name) = match file.rsplit_once('/') {
        Some((directory, name)) => (Some(directory), name),
        None => (None, file),
    };
    let (stem, extension) = name.rsplit_once('.')?;
    let found = match (directory, extension) {
        (None, "m3u8") if format == Format::Hls => playlist(programme, stem),
        (None, "mpd") if format == Format::Dash => {
            let addressing = Addressing::read(stem)?;
            if programme.edge.is_some() && !addressing.can_go_on() {
                return None;
            }
            let text = dash::mpd(programme, addressing);
            Some(Resource::text(Class::Manifest, "mpd", "", text))
        }
        (None, "xml") if format == Format::Dash => {
            let (stem, index) = stem.split_once(".period")?;
            let index = index.parse().ok().filter(|index| programme.periods(true).contains(index))?;
            let text = dash::remote_period(programme, Addressing::read(stem)?, index);
            Some(Resource::text(Class::Manifest, "xml", "", text))
        }
        (None, "json") if format == Format::Hls && stem == "assets" && programme.edge.is_none() => {
            let text = hls::asset_list(programme);
            Some(Resource::text(Class::Manifest, "json", "", text))
        }
        (None, "mp4" | "ts" | "aac") if programme.edge.is_some() => None,
        (None, "mp4" | "ts" | "aac") => single_file(programme, stem, extension),
        (None, "vtt") if programme.edge.is_none() => {
            let (id, range) = period(programme, stem)?;
            let text = find_text(programme, id)?;
            let resource = Resource::text(Class::Text, "vtt", id, programme.text_file(text, &range));
            Some(Resource { segments: vec![(0, 0..resource.length())], ..resource })
        }
        (Some(id), _) => in_rendition(programme, format, id, stem, extension),
        _ => None,
    };
    Some((base, found?))
}

/// The MPD that a patch leads to, by the name of the patch.
pub(crate) fn patched(programme: &Programme<'_>, file: &str) -> Option<Addressing> {
    let (_, file) = base_url(programme, file);
    Addressing::read(file.strip_suffix(".mpp")?).filter(|addressing| addressing.can_go_on())
}

/// `bu<n>/` before a file, where there are several base URLs.
fn base_url<'f>(programme: &Programme<'_>, file: &'f str) -> (Option<u64>, &'f str) {
    let split = file.strip_prefix("bu").and_then(|rest| rest.split_once('/'));
    match split.and_then(|(base, rest)| Some((base.parse::<u64>().ok()?, rest))) {
        Some((base, rest)) if base < programme.options.bases && programme.options.bases > 1 => (Some(base), rest),
        _ => (None, file),
    }
}

/// The rendition whose media playlist a file is, or whose segments those of a text are; and whether it comes in parts.
pub(crate) fn playlist_of<'a>(programme: &Programme<'a>, file: &str) -> Option<(&'a Arc<Track>, bool)> {
    let id = file.strip_suffix(".m3u8")?;
    let text = || find_text(programme, id).and(programme.title.tracks.first());
    find(programme, id).map(|track| (track, true)).or_else(|| text().map(|track| (track, false)))
}

fn find<'a>(programme: &Programme<'a>, id: &str) -> Option<&'a Arc<Track>> {
    programme.title.tracks.iter().find(|track| track.id == id)
}

fn find_text<'a>(programme: &Programme<'a>, id: &str) -> Option<&'a Arc<Text>> {
    programme.texts().iter().find(|text| text.id == id)
}

fn class(track: &Track) -> Class {
    if track.is_video() {
        Class::Video
    } else {
        Class::Audio
    }
}

fn mp4(track: &Track) -> &'static str {
    if track.is_video() {
        "video/mp4"
    } else {
        "audio/mp4"
    }
}

/// The content type of segments.
fn media(programme: &Programme<'_>, track: &Track) -> &'static str {
    programme.options.packaging.map_or_else(|| mp4(track), |packaging| packaging.content_type(track))
}

fn playlist(programme: &Programme<'_>, stem: &str) -> Option<Resource> {
    let (rendition, text) = if stem == "main" {
        ("", hls::multivariant(programme))
    } else if let Some(track) = find(programme, stem) {
        (stem, hls::media(programme, track))
    } else if let Some(text) = find_text(programme, stem) {
        (stem, hls::text(programme, &text.id))
    } else {
        let id = stem.strip_suffix(".iframes")?;
        let track = find(programme, id).filter(|track| track.is_video() && programme.has_iframes())?;
        (id, hls::iframe_playlist(programme, track))
    };
    Some(Resource::text(Class::Manifest, "m3u8", rendition, text))
}

/// The reference segments of the period that a whole file belongs to: `<id>`, or `<id>.p<n>` where there are several.
fn period<'s>(programme: &Programme<'_>, stem: &'s str) -> Option<(&'s str, Range<u64>)> {
    match stem.rsplit_once(".p").and_then(|(id, index)| Some((id, index.parse::<u64>().ok()?))) {
        Some((id, index)) => programme.periods(true).contains(&index).then(|| (id, programme.period(index))),
        None => Some((stem, 0..programme.count())),
    }
}

fn single_file(programme: &Programme<'_>, stem: &str, extension: &str) -> Option<Resource> {
    let (id, range) = period(programme, stem)?;
    let track = find(programme, id).filter(|track| programme.file_extension(track) == extension)?;
    let layout = single::layout(programme, track, programme.within(track, &range));
    let segments = layout.segments.clone();
    let parts = single::parts(layout, |n| programme.stored(track, n));
    Some(Resource { segments, ..Resource::new(class(track), media(programme, track), id, parts) })
}

/// The files of one rendition: `init.mp4`, `<number>.m4s`, `t<time>.m4s`, `<number>.vtt`, `<number>.jpg`.
fn in_rendition(programme: &Programme<'_>, format: Format, id: &str, stem: &str, extension: &str) -> Option<Resource> {
    if extension == "jpg" && id == "thumbs" {
        let tiles = programme.tiles()?;
        let image = stem.parse::<u64>().ok().filter(|n| programme.tile_images().contains(n))?;
        let resource = Resource::new(Class::Image, media_type("jpg"), id, vec![Part::Bytes(tiles.image.clone())]);
        return Some(Resource { segments: vec![(image, 0..tiles.image.len() as u64)], ..resource });
    }
    if extension == "vtt" {
        let text = find_text(programme, id)?;
        let n = match programme.title.tracks.first().filter(|_| programme.edge.is_some()) {
            Some(reference) => programme.numbered(reference, stem.parse().ok()?)?,
            None => stem.parse::<u64>().ok()?.checked_sub(programme.options.first_number)?,
        };
        let resource = Resource::text(Class::Text, "vtt", id, programme.text_segment(text, &programme.text_range(n)?));
        return Some(Resource { segments: vec![(n, 0..resource.length())], ..resource });
    }
    let track = find(programme, id)?;
    if (stem, extension) == ("init", "mp4") && programme.options.packaging.is_none() {
        return Some(Resource::new(Class::Init, mp4(track), id, vec![programme.stored_init(track)]));
    }
    let stem = match stem.split_once('.') {
        Some((n, k)) => return part(programme, track, n.parse().ok()?, k.parse().ok()?, extension),
        None => stem,
    };
    let (period, stem) = match stem.strip_prefix('p').and_then(|stem| stem.split_once('-')) {
        Some((period, stem)) => (Some(period.parse().ok()?), stem),
        None => (None, stem),
    };
    let n = match stem.strip_prefix('t') {
        Some(time) if format == Format::Dash => programme.at_media_time(track, time.parse().ok()?, period),
        _ if period.is_some() || stem.starts_with('t') => None,
        _ => stem.parse::<u64>().ok().and_then(|number| programme.numbered(track, number)),
    };
    let n = n.filter(|_| extension == programme.extension(track))?;
    // The parts of HLS lie in their segment before it is whole.
    let hinted = is_hinted(programme, track, n) && !programme.options.live.as_ref().is_some_and(|live| live.part_files);
    if !hinted && !programme.has_segment(track, n) {
        return None;
    }
    let part = programme.stored(track, n);
    let length = part.len();
    let resource = Resource::new(class(track), media(programme, track), id, vec![part]);
    let pieces = waits(programme, track, n);
    Some(Resource { segments: vec![(n, 0..length)], gap: programme.is_gap(n), pieces, hinted, ..resource })
}

/// Whether a segment is the one whose next part is hinted at.
fn is_hinted(programme: &Programme<'_>, track: &Track, n: u64) -> bool {
    let parts = programme.options.live.as_ref().is_some_and(|live| live.parts.is_some());
    programme
        .edge
        .filter(|_| parts)
        .is_some_and(|edge| n == edge.ended(track) && !edge.over && edge.due(track, n) != NEVER)
}

/// The pieces of a segment and how much later each is there; nothing if all are.
fn waits(programme: &Programme<'_>, track: &Arc<Track>, n: u64) -> Vec<(Range<u64>, u64)> {
    let Some(edge) = programme.edge.filter(|edge| edge.piece_ms.is_some() && edge.due(track, n) > edge.elapsed_ms)
    else {
        return Vec::new();
    };
    let wait = |piece: &Chunk| edge.piece_due(track, n, piece.end()).saturating_sub(edge.elapsed_ms);
    programme.piece_ranges(track, n).into_iter().zip(edge.pieces(track, n).iter().map(wait)).collect()
}

/// Part `k` of a segment as a file of its own: there when it is complete, and to be asked for when it is the next.
fn part(programme: &Programme<'_>, track: &Arc<Track>, number: u64, k: usize, extension: &str) -> Option<Resource> {
    let n = programme.numbered(track, number)?;
    let edge = programme.edge.filter(|_| programme.options.live.as_ref().is_some_and(|live| live.part_files))?;
    let pieces = edge.pieces(track, n);
    let piece = pieces.get(k).filter(|_| extension == programme.extension(track) && edge.piece_ms.is_some())?;
    let next = is_hinted(programme, track, n) && k <= edge.pieces_there(track, n);
    if !next && !(programme.has_segment(track, n)) {
        return None;
    }
    let bytes = programme.piece(track, n, k, piece);
    let wait = edge.piece_due(track, n, piece.end()).saturating_sub(edge.elapsed_ms);
    let resource = Resource::new(class(track), media(programme, track), &track.id, vec![Part::Chunks(bytes.into())]);
    let length = resource.length();
    let pieces = if wait > 0 { vec![(0..length, wait)] } else { Vec::new() };
    Some(Resource { segments: vec![(n, 0..length)], gap: programme.is_gap(n), pieces, ..resource })
}
