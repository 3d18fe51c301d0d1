//! Captions and subtitles of every kind to [`Cue`](telecine_model::Cue)s.
//!
//! | module | source |
//! |---|---|
//! | [`cea`] | CEA-608 and CEA-708 captions inside of video |
//! | [`ttml`] | TTML documents: files, and samples of `stpp` tracks |
//! | [`webvtt`] | WebVTT files and segments of HLS |
//! | [`wvtt`] | WebVTT in MP4 |
//!
//! Faults that can be tolerated are warnings with these rules:
//!
//! | rule | about |
//! |---|---|
//! | T101 | WebVTT: the times of a cue are not valid; it is left out |
//! | T102 | WebVTT: a setting of a cue or region is not valid or unknown; it is left out |
//! | T103 | WebVTT: `X-TIMESTAMP-MAP` is not valid, or not in the header |
//! | T104 | WebVTT: a cue ends before it starts |
//! | T105 | bytes that are not UTF-8 were replaced |
//! | T201 | TTML: a time or a parameter of times is not valid; it is left out |
//! | T202 | TTML: an entity or document type declaration; it is never expanded |
//! | T203 | TTML: a reference to a style or region that is not there |
//! | T204 | TTML: a style is not valid; it is left out |
//! | T205 | TTML: subtitles that are images; they are not shown |
//! | T206 | TTML: a parameter is not valid or not supported |

pub mod cea;
mod color;
pub mod ttml;
pub mod webvtt;
pub mod wvtt;
