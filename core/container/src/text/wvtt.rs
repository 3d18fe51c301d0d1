//! WebVTT in MP4 (ISO/IEC 14496-30, clause 6): each sample holds the cues that are shown while it is
//! due.
//!
//! A cue that spans samples is in each of them; a [`CueStore`](telecine_model::CueStore) makes one of
//! the pieces.
//!
//! ```no_run
//! use telecine_container::text::wvtt::WebVttTrack;
//! use telecine_container::{DecoderConfig, Fragment, TrackInfo};
//! use telecine_model::{CueStore, Error, Limits, MediaTime};
//!
//! fn read(track: &TrackInfo, fragment: &Fragment, offset: MediaTime, store: &mut CueStore) -> Result<(), Error> {
//!     let limits = Limits::default();
//!     let DecoderConfig::WebVtt { header } = &track.config else { return Ok(()) };
//!     let texts = WebVttTrack::new(header, &limits)?;
//!     let mut changes = Vec::new();
//!     for sample in fragment.tracks.iter().flat_map(|part| &part.samples) {
//!         let pts = track.presentation_time(sample.pts());
//!         let time = |ticks| MediaTime::from_ticks(ticks, track.timescale) + offset;
//!         let due = time(pts)..time(pts + i64::from(sample.duration));
//!         let data = fragment.sample(sample).unwrap_or_default();
//!         for cue in texts.sample(&data, due)? {
//!             store.insert(cue, &mut changes);
//!         }
//!     }
//!     Ok(())
//! }
//! ```

use std::ops::Range;

use telecine_model::cue::{Cue, Node};
use telecine_model::{Error, ErrorCode, Limits, MediaTime, Place, Warning};

use super::webvtt::{clip, clock, Context};

/// A `wvtt` track: reads its samples.
#[derive(Clone, Debug)]
pub struct WebVttTrack {
    context: Context,
    warnings: Vec<Warning>,
    limits: Limits,
}

impl WebVttTrack {
    /// A track whose `vttC` box holds `header` ([`DecoderConfig::WebVtt`](crate::DecoderConfig)):
    /// regions and styles of all cues. An empty one is taken for `WEBVTT` alone.
    ///
    /// # Errors
    /// `TextSyntax` if the header does not begin as WebVTT does; `ContainerLimit` if it is too large.
    pub fn new(header: &[u8], limits: &Limits) -> Result<Self, Error> {
        // Some writers end it with a zero.
        let header = header.strip_suffix(b"\0").unwrap_or(header);
        let (context, warnings) = match header.is_empty() {
            true => Default::default(),
            false => super::webvtt::header(header, limits)?,
        };
        Ok(Self { context, warnings, limits: limits.clone() })
    }

    /// What was left out or mended in the header: rules T102 and T105.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The cues of one sample that is due at these times of the title. Each lasts as long as the
    /// sample.
    ///
    /// # Errors
    /// `ContainerSyntax` if a box is broken; `ContainerLimit` beyond [`Limits::text_bytes`],
    /// [`Limits::cues`] or [`Limits::cue_nodes`].
    pub fn sample(&self, data: &[u8], due: Range<MediaTime>) -> Result<Vec<Cue>, Error> {
        self.sample_with(data, due, |_| ())
    }

    /// The cues of one sample as [`sample`](Self::sample) gives them; `warn` gets settings that were left out (T102),
    /// at most [`Limits::side_items`] of them.
    ///
    /// # Errors
    /// Those of [`sample`](Self::sample).
    pub fn sample_with(
        &self,
        data: &[u8],
        due: Range<MediaTime>,
        mut warn: impl FnMut(Warning),
    ) -> Result<Vec<Cue>, Error> {
        if data.len() > self.limits.text_bytes {
            return Err(beyond("a WebVTT sample is larger than the limit", 0));
        }
        let (mut budget, mut untold) = (self.limits.cue_nodes, self.limits.side_items);
        // Two bytes are a setting, and a warning is a hundred times larger.
        let mut warn = |offset: usize, setting: &str| {
            if let Some(left) = untold.checked_sub(1) {
                untold = left;
                let place = Place::Box { path: "vttc/sttg".to_owned(), offset: offset as u64 };
                warn(Warning::new("T102", place, format!("a setting of a cue was ignored: {}", clip(setting))));
            }
        };
        let mut cues = Vec::new();
        for part in Boxes::of(data, "") {
            let part = part?;
            // `vtte` says that nothing is shown, `vtta` is a note.
            if part.kind != b"vttc" {
                continue;
            }
            if cues.len() >= self.limits.cues {
                return Err(beyond("more cues in a sample than the limit", part.offset));
            }
            match self.cue(&part, &due, &mut budget, &mut warn)? {
                Some(cue) => cues.push(cue),
                None => return Err(beyond("more texts and spans in a sample than the limit", part.offset)),
            }
        }
        Ok(cues)
    }

    fn cue(
        &self,
        part: &Part<'_>,
        due: &Range<MediaTime>,
        budget: &mut usize,
        warn: &mut impl FnMut(usize, &str),
    ) -> Result<Option<Cue>, Error> {
        let (mut id, mut settings, mut payload, mut current) = (String::new(), String::new(), String::new(), None);
        for inside in Boxes::of(part.body, "vttc/") {
            let inside = inside?;
            let text = || String::from_utf8_lossy(inside.body.strip_suffix(b"\0").unwrap_or(inside.body)).into_owned();
            match inside.kind {
                b"iden" => id = text(),
                b"sttg" => settings = text(),
                b"payl" => payload = text(),
                b"ctim" => current = clock::collect(&text()).map(|(time, _)| time),
                // `vsid` tells pieces of equal cues apart; equal cues that touch look the same as one.
                _ => {}
            }
        }
        if payload.contains(['\r', '\0']) {
            payload = payload.replace("\r\n", "\n").replace('\r', "\n").replace('\0', "\u{fffd}");
        }
        let cue = self.context.cue((due.start, due.end), &id, &settings, &payload, (&self.limits, budget), |setting| {
            warn(part.offset, setting);
        });
        Ok(cue.map(|mut cue| {
            if let Some(current) = current {
                // What the cue's own clock says at the start of the sample.
                move_times(&mut cue.text, due.start - current);
            }
            cue
        }))
    }
}

/// Moves times inside a cue, to the millisecond: each sample states the clock anew, rounded, and the
/// pieces of a cue have to stay equal.
fn move_times(nodes: &mut [Node], by: MediaTime) {
    for node in nodes {
        match node {
            Node::Time(time) => {
                let half = MediaTime::from_micros(500);
                *time = MediaTime::from_millis((*time + by + half).as_millis());
            }
            Node::Span(span) => move_times(&mut span.children, by),
            _ => {}
        }
    }
}

fn beyond(message: &str, offset: usize) -> Error {
    Error::new(ErrorCode::ContainerLimit, message).at(Place::Byte(offset as u64))
}

/// A box inside a sample.
struct Part<'a> {
    kind: &'a [u8; 4],
    body: &'a [u8],
    /// Of the box, in the sample or the box around it.
    offset: usize,
}

/// The boxes of a sample, one behind the other.
struct Boxes<'a> {
    data: &'a [u8],
    at: usize,
    /// Path of the box around them.
    inside: &'static str,
}

impl<'a> Boxes<'a> {
    fn of(data: &'a [u8], inside: &'static str) -> Self {
        Self { data, at: 0, inside }
    }

    fn read(&self) -> Result<(Part<'a>, usize), &'static str> {
        let rest = self.data.get(self.at..).unwrap_or_default();
        let (size, kind) = match (rest.first_chunk(), rest.get(4..).and_then(<[u8]>::first_chunk::<4>)) {
            (Some(size), Some(kind)) => (u32::from_be_bytes(*size) as usize, kind),
            _ => return Err("bytes behind the last box are no box"),
        };
        if size < 8 {
            return Err("the size of the box is smaller than its header");
        }
        match rest.get(8..size) {
            Some(body) => Ok((Part { kind, body, offset: self.at }, self.at + size)),
            None => Err("the box is larger than what holds it"),
        }
    }
}

impl<'a> Iterator for Boxes<'a> {
    type Item = Result<Part<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.data.len() {
            return None;
        }
        match self.read() {
            Ok((part, next)) => {
                self.at = next;
                Some(Ok(part))
            }
            Err(message) => {
                let kind = self.data.get(self.at + 4..self.at + 8).unwrap_or_default().escape_ascii();
                let place = Place::Box { path: format!("{}{kind}", self.inside), offset: self.at as u64 };
                self.at = self.data.len();
                Some(Err(Error::new(ErrorCode::ContainerSyntax, message).at(place)))
            }
        }
    }
}
