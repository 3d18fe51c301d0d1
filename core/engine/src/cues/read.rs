//! Text of every kind to cues on the presentation's timeline.

use std::ops::Range;
use std::sync::Arc;

use telecine_container::text::cea;
use telecine_container::text::ttml::{self, Ttml};
use telecine_container::text::webvtt::{self, CueClock, TimestampMap, WebVtt};
use telecine_container::text::wvtt::WebVttTrack;
use telecine_container::{DecoderConfig, Fragment, InitSegment, TrackInfo};
use telecine_model::{Cue, Error, Limits, MediaTime, TrackKind, Warning};

use crate::buffer::SEAM;
use crate::media::TextFact;

/// A text file or a segment of one.
#[derive(Debug)]
pub(crate) enum Text {
    WebVtt(WebVtt),
    Ttml(Ttml),
}

impl Text {
    pub(crate) fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, Error> {
        match is_xml(bytes) {
            true => ttml::parse(bytes, limits).map(Self::Ttml),
            false => webvtt::parse(bytes, limits).map(Self::WebVtt),
        }
    }

    /// What was tolerated in it.
    pub(crate) fn take_warnings(&mut self) -> Vec<Warning> {
        std::mem::take(match self {
            Self::WebVtt(text) => &mut text.warnings,
            Self::Ttml(text) => &mut text.warnings,
        })
    }

    /// What it says about its own time.
    pub(crate) fn fact(&self) -> TextFact {
        match self {
            Self::WebVtt(text) => TextFact::WebVtt {
                map: text.timestamp_map.map(|map| (map.mpegts, map.local)),
                first: text.cues.first().map(|cue| (cue.start, cue.end)),
            },
            Self::Ttml(_) => TextFact::Ttml,
        }
    }

    /// Its cues, so much later than it says.
    pub(crate) fn into_cues(self, offset: MediaTime) -> Vec<Cue> {
        match self {
            Self::WebVtt(text) => text.into_cues(CueClock::At(offset)),
            Self::Ttml(text) => text.into_cues(offset),
        }
    }
}

fn is_xml(bytes: &[u8]) -> bool {
    // Of UTF-16 every other byte is zero; byte order marks are beyond ASCII.
    let mut letters =
        bytes.iter().take(64).filter(|byte| !byte.is_ascii_whitespace() && byte.is_ascii() && **byte != 0);
    letters.next() == Some(&b'<')
}

impl TextFact {
    /// Whether its times are those of the media that it goes with, and not the presentation's.
    pub(crate) fn follows_media(&self) -> bool {
        matches!(self, Self::WebVtt { .. })
    }

    /// HLS: what is added to its times, where `offset` is added to those of the media.
    pub(crate) fn shift(self, offset: MediaTime, segment: Range<MediaTime>) -> MediaTime {
        let Self::WebVtt { map, first } = self else { return MediaTime::ZERO };
        let clock = CueClock::Media { offset, near: segment.start };
        let by_media = || {
            let map = map.map(|(mpegts, local)| TimestampMap { mpegts, local });
            clock.shift(map, first.map_or(MediaTime::ZERO, |(start, _)| start))
        };
        // Without `X-TIMESTAMP-MAP` the time zero of a segment is that of the media (rfc8216bis, 3.1.4). Many
        // packagers leave it out and mean the presentation's; which of the two it is shows where the first cue comes
        // to lie: inside of its segment.
        let Some((start, end)) = first.filter(|_| map.is_none() && offset.abs_diff(MediaTime::ZERO) > SEAM) else {
            return by_media();
        };
        let outside =
            |start: MediaTime, end: MediaTime| (segment.start - end).max(start - segment.end).max(MediaTime::ZERO);
        match outside(start, end) <= outside(start + offset, end + offset) {
            true => MediaTime::ZERO,
            false => by_media(),
        }
    }
}

/// What was found in a fragment's text tracks.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) cues: Vec<Cue>,
    pub(super) warnings: Vec<Warning>,
    /// The first sample that cannot be read says why.
    pub(super) fault: Option<Error>,
}

/// A sample of a text track.
struct Sample<'a> {
    init: &'a Arc<InitSegment>,
    track: &'a TrackInfo,
    data: &'a [u8],
    /// When it is due in its container, which the presentation has `offset` later.
    due: Range<MediaTime>,
    offset: MediaTime,
}

/// Reads the text tracks of fragments; keeps what their initialisation section says.
#[derive(Debug, Default)]
pub(super) struct TextTracks {
    webvtt: Option<(Arc<InitSegment>, u32, WebVttTrack)>,
}

impl TextTracks {
    /// The cues of a fragment's text tracks, `offset` later than in their container.
    pub(super) fn read(
        &mut self,
        init: &Arc<InitSegment>,
        fragment: &Fragment,
        offset: MediaTime,
        limits: &Limits,
    ) -> Found {
        let mut found = Found::default();
        for part in &fragment.tracks {
            let track = init.track(part.track_id).filter(|track| track.kind == TrackKind::Text);
            let Some(track) = track else { continue };
            for sample in &part.samples {
                let Some(data) = fragment.sample(sample).filter(|data| !data.is_empty()) else { continue };
                let pts = track.presentation_time(sample.pts());
                let time = |ticks: i64| MediaTime::from_ticks(ticks, track.timescale);
                let due = time(pts)..time(pts.saturating_add(sample.duration.into()));
                let sample = Sample { init, track, data: &data, due, offset };
                match self.sample(sample, limits, &mut found.warnings) {
                    Ok(cues) => found.cues.extend(cues),
                    Err(error) => found.fault = found.fault.or(Some(error)),
                }
            }
        }
        found
    }

    /// The cues of a sample. Warnings are appended to those of the samples before it, within `limits`.
    fn sample(&mut self, sample: Sample<'_>, limits: &Limits, warnings: &mut Vec<Warning>) -> Result<Vec<Cue>, Error> {
        let Sample { init, track, data, due, offset } = sample;
        let room = limits.side_items.saturating_sub(warnings.len());
        match &track.config {
            DecoderConfig::Ttml { .. } => {
                let mut text = ttml::parse(data, limits)?;
                warnings.extend(text.warnings.drain(..).take(room));
                Ok(text.into_sample_cues(due, offset))
            }
            DecoderConfig::WebVtt { header } => {
                let reader = match &self.webvtt {
                    Some((known, id, reader)) if Arc::ptr_eq(known, init) && *id == track.id => reader,
                    _ => {
                        let reader = WebVttTrack::new(header, limits)?;
                        warnings.extend(reader.warnings().iter().take(room).cloned());
                        &self.webvtt.insert((Arc::clone(init), track.id, reader)).2
                    }
                };
                reader.sample_with(data, due.start + offset..due.end + offset, |warning| {
                    if warnings.len() < limits.side_items {
                        warnings.push(warning);
                    }
                })
            }
            _ => Ok(Vec::new()),
        }
    }
}

/// Gives `each` the caption triplets of a fragment's pictures and when they are shown, in the container's time.
/// Samples that arrived in several pieces are copied for it; their media is not otherwise touched. They have to be
/// clear, whatever their track was before.
pub(super) fn captions(init: &InitSegment, fragment: &Fragment, mut each: impl FnMut(MediaTime, &[u8])) {
    for part in &fragment.tracks {
        let track = init.track(part.track_id).filter(|track| track.kind == TrackKind::Video);
        let Some(track) = track else { continue };
        if !matches!(track.config, DecoderConfig::Avc { .. } | DecoderConfig::Hevc { .. }) {
            continue;
        }
        for sample in &part.samples {
            let Some(data) = fragment.sample(sample) else { continue };
            let time = MediaTime::from_ticks(track.presentation_time(sample.pts()), track.timescale);
            cea::sei::cc_data(&track.config, &data, |triplets| each(time, triplets));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(seconds: i64) -> MediaTime {
        MediaTime::from_secs(seconds)
    }

    fn starts(bytes: &str, offset: MediaTime, segment: Range<i64>) -> Vec<i64> {
        let text = Text::parse(bytes.as_bytes(), &Limits::default()).expect("text");
        let shift = text.fact().shift(offset, secs(segment.start)..secs(segment.end));
        text.into_cues(shift).iter().map(|cue| cue.start.as_millis()).collect()
    }

    const MAPPED: &str = "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:900000\n\n00:21.000 --> 00:22.000\nx\n";
    const PLAIN: &str = "WEBVTT\n\n00:21.000 --> 00:22.000\nx\n";
    const TTML: &str =
        "<tt xmlns=\"http://www.w3.org/ns/ttml\"><body><div><p begin=\"1s\" dur=\"1s\">x</p></div></body></tt>";

    #[test]
    fn segments_of_hls_follow_the_media_through_their_map() {
        // The media starts at ten seconds of its clock, and so says the map.
        assert_eq!(starts(MAPPED, secs(-10), 20..24), [21_000]);
        // The media starts at a hundred seconds: the map is about another clock, ninety seconds off.
        assert_eq!(starts(MAPPED, secs(-100), 20..24), [-69_000]);
    }

    #[test]
    fn without_a_map_cues_are_where_they_lie_in_their_segment() {
        assert_eq!(starts(PLAIN, secs(-10), 8..12), [11_000], "by the media's clock");
        assert_eq!(starts(PLAIN, secs(-10), 20..24), [21_000], "by the presentation's");
        assert_eq!(starts(PLAIN, secs(0), 0..4), [21_000]);
    }

    #[test]
    fn the_clock_of_the_media_may_wrap_between_a_text_and_its_segment() {
        let text = |mpegts: u64| {
            format!("WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:{mpegts}\n\n00:21.000 --> 00:22.000\nx\n")
        };
        // The media began ten seconds before its clock wrapped, and is unrolled.
        let began =
            MediaTime::from_ticks((1 << 33) - 900_000, telecine_model::Timescale::new(90_000).expect("not zero"));
        assert_eq!(starts(&text((1 << 33) - 900_000), MediaTime::ZERO - began, 20..24), [21_000], "said before it");
        assert_eq!(starts(&text(0), MediaTime::ZERO - began, 28..32), [31_000], "and behind it");
    }

    #[test]
    fn ttml_says_the_time_of_the_presentation() {
        assert_eq!(starts(&format!("\u{feff}\n {TTML}"), secs(-10), 0..4), [1000]);
    }
}
