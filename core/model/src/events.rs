//! Things that happen at a media time: date ranges and event streams.

use std::collections::BTreeMap;

use crate::time::{MediaTime, Timescale, WallTime};

/// `EXT-X-DATERANGE` (rfc8216bis 4.4.5.1), tags of one id consolidated.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DateRange {
    /// `ID`.
    pub id: String,
    /// `CLASS`.
    pub class: Option<String>,
    /// `START-DATE`.
    pub start: WallTime,
    /// `CUE`: `PRE`, `POST`, `ONCE`.
    pub cue: Vec<String>,
    /// `END-DATE`, given or following from the duration.
    pub end: Option<WallTime>,
    /// `DURATION`.
    pub duration: Option<MediaTime>,
    /// `PLANNED-DURATION`.
    pub planned_duration: Option<MediaTime>,
    /// `END-ON-NEXT`.
    pub end_on_next: bool,
    /// `SCTE35-CMD`, `SCTE35-OUT`, `SCTE35-IN`, hexadecimal as written.
    pub scte35: BTreeMap<String, String>,
    /// `X-` attributes as written, quotes removed (interstitials among them).
    pub client: BTreeMap<String, String>,
}

/// `EventStream` of a DASH period.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct EventStream {
    /// `@schemeIdUri`.
    pub scheme: String,
    /// `@value`.
    pub value: Option<String>,
    /// `@timescale`; None is one tick a second.
    pub timescale: Option<Timescale>,
    /// In order of the manifest.
    pub events: Vec<Event>,
}

/// One event with exact media times.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Event {
    /// `@id`.
    pub id: Option<u64>,
    /// Presentation time.
    pub start: MediaTime,
    /// Duration; None if unknown.
    pub duration: Option<MediaTime>,
    /// `@messageData` or the element's content, as written (XML kept as text).
    pub message: String,
    /// `@contentEncoding` is `base64`.
    pub base64: bool,
}
