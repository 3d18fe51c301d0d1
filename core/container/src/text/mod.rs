//! Captions and subtitles of every kind to [`Cue`](telecine_model::Cue)s.
//!
//! | module | source |
//! |---|---|
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

mod color;
pub mod webvtt;
pub mod wvtt;
