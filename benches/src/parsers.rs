//! Ours and the Rust peers, behind one face.
//!
//! Each gets the bytes as they come from a network and gives back what it would keep for a player; what a
//! parser needs in between (text out of bytes, for instance) is part of its time.

use std::ops::ControlFlow;

use quick_m3u8::config::ParsingOptionsBuilder;
use quick_m3u8::tag::KnownTag;
use quick_m3u8::{HlsLine, Reader};
use telecine_manifest::{dash, hls};
use telecine_model::{Limits, Presentation};

use crate::inputs::Language;

/// What a parser made of a manifest.
pub trait Parsed {
    /// Segments that it knows of. In an MPD, those of the first representation of every adaptation set:
    /// what the manifest writes down, not what players multiply.
    fn segments(&self) -> u64;
}

/// A parser that is measured.
#[derive(Clone, Copy, Debug)]
pub struct Parser {
    /// Name in tables.
    pub name: &'static str,
    /// False for a tokeniser that borrows from its input and builds nothing.
    pub retains: bool,
    /// Parses a manifest that is known to be good.
    pub parse: fn(&[u8]) -> Box<dyn Parsed>,
}

const URL: &str = "https://cdn.example/vod/manifest";

/// The parsers of a language, ours first.
pub fn of(language: Language) -> &'static [Parser] {
    match language {
        Language::Hls => &[
            Parser { name: "telecine", retains: true, parse: telecine_hls },
            Parser { name: "m3u8-rs", retains: true, parse: m3u8_rs },
            Parser { name: "quick-m3u8 (tokens only)", retains: false, parse: quick_m3u8 },
        ],
        Language::Dash => &[
            Parser { name: "telecine", retains: true, parse: telecine_dash },
            Parser { name: "dash-mpd-core", retains: true, parse: dash_mpd_core },
        ],
    }
}

/// Ours.
pub fn ours(language: Language) -> Parser {
    of(language)[0]
}

/// A parser that cannot read a benchmark's own manifest has measured nothing: there is no result to go on with.
#[allow(clippy::panic)]
fn refused(parser: &str, why: impl std::fmt::Display) -> ! {
    panic!("{parser} refused a manifest that is measured with: {why}")
}

fn telecine_hls(bytes: &[u8]) -> Box<dyn Parsed> {
    let limits = Limits::default();
    let context =
        hls::Context { uri: URL, requested_uri: URL, imports: None, mode: hls::Mode::Compat, limits: &limits };
    match hls::parse(bytes, &context) {
        Ok(hls::Playlist::Media(playlist)) => playlist,
        Ok(hls::Playlist::Multivariant(_)) => refused("telecine", "not a media playlist"),
        Err(error) => refused("telecine", error),
    }
}

impl Parsed for hls::MediaPlaylist {
    fn segments(&self) -> u64 {
        self.index.table.len()
    }
}

fn telecine_dash(bytes: &[u8]) -> Box<dyn Parsed> {
    let limits = Limits::default();
    match dash::parse(bytes, &dash::Context { uri: URL, limits: &limits }) {
        Ok(mpd) => Box::new(mpd.presentation),
        Err(error) => refused("telecine", error),
    }
}

impl Parsed for Presentation {
    fn segments(&self) -> u64 {
        let tracks = self.periods.iter().flat_map(|period| &period.tracks);
        tracks.filter_map(|track| track.renditions.first()?.segments.known()).map(|index| index.table.len()).sum()
    }
}

fn m3u8_rs(bytes: &[u8]) -> Box<dyn Parsed> {
    match m3u8_rs::parse_playlist_res(bytes) {
        Ok(m3u8_rs::Playlist::MediaPlaylist(playlist)) => Box::new(playlist),
        Ok(m3u8_rs::Playlist::MasterPlaylist(_)) => refused("m3u8-rs", "not a media playlist"),
        Err(_) => refused("m3u8-rs", "a parse error"),
    }
}

impl Parsed for m3u8_rs::MediaPlaylist {
    fn segments(&self) -> u64 {
        self.segments.len() as u64
    }
}

/// Lines that were told apart, and nothing kept of them.
struct Tokens(u64);

fn quick_m3u8(bytes: &[u8]) -> Box<dyn Parsed> {
    let options = ParsingOptionsBuilder::new().with_parsing_for_all_tags().build();
    let mut reader = Reader::from_bytes(bytes, options);
    let mut segments = 0;
    let mut line = || match reader.read_line() {
        Ok(Some(HlsLine::Uri(uri))) => {
            std::hint::black_box(uri);
            segments += 1;
            ControlFlow::Continue(())
        }
        Ok(Some(HlsLine::KnownTag(KnownTag::Hls(tag)))) => {
            std::hint::black_box(tag);
            ControlFlow::Continue(())
        }
        Ok(Some(_)) => ControlFlow::Continue(()),
        Ok(None) => ControlFlow::Break(()),
        Err(error) => refused("quick-m3u8", error),
    };
    while line().is_continue() {}
    Box::new(Tokens(segments))
}

impl Parsed for Tokens {
    fn segments(&self) -> u64 {
        self.0
    }
}

fn dash_mpd_core(bytes: &[u8]) -> Box<dyn Parsed> {
    let text = std::str::from_utf8(bytes).unwrap_or_else(|error| refused("dash-mpd-core", error));
    match dash_mpd_core::parse(text) {
        Ok(mpd) => Box::new(mpd),
        Err(error) => refused("dash-mpd-core", error),
    }
}

impl Parsed for dash_mpd_core::MPD {
    fn segments(&self) -> u64 {
        let sets = self.periods.iter().flat_map(|period| &period.adaptations);
        sets.filter_map(|set| set.SegmentTemplate.as_ref()?.SegmentTimeline.as_ref())
            .map(|timeline| timeline.segments.len() as u64)
            .sum()
    }
}
