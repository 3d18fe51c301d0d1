//! Text of every kind to cues on the presentation's timeline.

use std::ops::Range;
use std::sync::Arc;

use telecine_container::text::webvtt::{self, CueClock, WebVtt};
use telecine_container::text::wvtt::WebVttTrack;
use telecine_container::text::{cea, ttml};
use telecine_container::{DecoderConfig, Fragment, InitSegment, TrackInfo};
use telecine_model::{Cue, Error, Limits, MediaTime, TrackKind};

use crate::buffer::SEAM;

/// Where a text file or segment belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextPlace {
    /// Its time zero is here (a period's start).
    Origin(MediaTime),
    /// HLS: it goes with media that this is added to.
    Media(MediaTime),
}

/// Reads a text file or a segment of one: WebVTT, or TTML.
pub(super) fn text(
    bytes: &[u8],
    place: TextPlace,
    segment: Range<MediaTime>,
    limits: &Limits,
) -> Result<Vec<Cue>, Error> {
    if is_xml(bytes) {
        let origin = match place {
            TextPlace::Origin(origin) => origin,
            TextPlace::Media(_) => MediaTime::ZERO,
        };
        return Ok(ttml::parse(bytes, limits)?.into_cues(origin));
    }
    let text = webvtt::parse(bytes, limits)?;
    let clock = match place {
        TextPlace::Origin(origin) => CueClock::At(origin),
        TextPlace::Media(offset) => media_clock(&text, offset, segment),
    };
    Ok(text.into_cues(clock))
}

fn is_xml(bytes: &[u8]) -> bool {
    // Of UTF-16 every other byte is zero; byte order marks are beyond ASCII.
    let mut letters =
        bytes.iter().take(64).filter(|byte| !byte.is_ascii_whitespace() && byte.is_ascii() && **byte != 0);
    letters.next() == Some(&b'<')
}

/// Without `X-TIMESTAMP-MAP` the time zero of a segment is that of the media (rfc8216bis, 3.1.4). Many
/// packagers leave it out and mean the presentation's; which of the two it is shows where the first cue comes to lie:
/// inside of its segment.
fn media_clock(text: &WebVtt, offset: MediaTime, segment: Range<MediaTime>) -> CueClock {
    let media = CueClock::Media { offset, near: segment.start };
    let Some(first) =
        text.cues.first().filter(|_| text.timestamp_map.is_none() && offset.abs_diff(MediaTime::ZERO) > SEAM)
    else {
        return media;
    };
    let outside =
        |start: MediaTime, end: MediaTime| (segment.start - end).max(start - segment.end).max(MediaTime::ZERO);
    let of_media = outside(first.start + offset, first.end + offset);
    let of_presentation = outside(first.start, first.end);
    match of_presentation <= of_media {
        true => CueClock::At(MediaTime::ZERO),
        false => media,
    }
}

/// Reads the text tracks of fragments; keeps what their initialisation section says.
#[derive(Debug, Default)]
pub(super) struct TextTracks {
    webvtt: Option<(Arc<InitSegment>, u32, WebVttTrack)>,
}

impl TextTracks {
    /// The cues of a fragment's text tracks, `offset` later than in their container. Faults are those of single
    /// samples.
    pub(super) fn read(
        &mut self,
        init: &Arc<InitSegment>,
        fragment: &Fragment,
        offset: MediaTime,
        limits: &Limits,
    ) -> (Vec<Cue>, Option<Error>) {
        let (mut cues, mut fault) = (Vec::new(), None);
        for part in &fragment.tracks {
            let track = init.track(part.track_id).filter(|track| track.kind == TrackKind::Text);
            let Some(track) = track.filter(|track| track.encryption.is_none()) else { continue };
            for sample in &part.samples {
                let pts = track.presentation_time(sample.pts());
                let time = |ticks: i64| MediaTime::from_ticks(ticks, track.timescale);
                let due = time(pts)..time(pts.saturating_add(sample.duration.into()));
                let Some(data) = fragment.sample(sample).filter(|data| !data.is_empty()) else { continue };
                match self.sample(init, track, &data, due, offset, limits) {
                    Ok(found) => cues.extend(found),
                    Err(error) => fault = fault.or(Some(error)),
                }
            }
        }
        (cues, fault)
    }

    fn sample(
        &mut self,
        init: &Arc<InitSegment>,
        track: &TrackInfo,
        data: &[u8],
        due: Range<MediaTime>,
        offset: MediaTime,
        limits: &Limits,
    ) -> Result<Vec<Cue>, Error> {
        match &track.config {
            DecoderConfig::Ttml { .. } => Ok(ttml::parse(data, limits)?.into_sample_cues(due, offset)),
            DecoderConfig::WebVtt { header } => {
                let reader = match &self.webvtt {
                    Some((known, id, reader)) if Arc::ptr_eq(known, init) && *id == track.id => reader,
                    _ => {
                        let reader = WebVttTrack::new(header, limits)?;
                        &self.webvtt.insert((Arc::clone(init), track.id, reader)).2
                    }
                };
                reader.sample(data, due.start + offset..due.end + offset)
            }
            _ => Ok(Vec::new()),
        }
    }
}

/// Gives `each` the caption triplets of a fragment's pictures and when they are shown, in the container's time.
/// Samples that arrived in several pieces are copied for it; their media is not otherwise touched.
pub(super) fn captions(init: &InitSegment, fragment: &Fragment, mut each: impl FnMut(MediaTime, &[u8])) {
    for part in &fragment.tracks {
        let track = init.track(part.track_id).filter(|track| track.kind == TrackKind::Video);
        let Some(track) = track.filter(|track| track.encryption.is_none()) else { continue };
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

    fn starts(bytes: &str, place: TextPlace, segment: Range<i64>) -> Vec<i64> {
        let segment = secs(segment.start)..secs(segment.end);
        let cues = text(bytes.as_bytes(), place, segment, &Limits::default()).expect("text");
        cues.iter().map(|cue| cue.start.as_millis()).collect()
    }

    const MAPPED: &str = "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:900000\n\n00:21.000 --> 00:22.000\nx\n";
    const PLAIN: &str = "WEBVTT\n\n00:21.000 --> 00:22.000\nx\n";
    const TTML: &str =
        "<tt xmlns=\"http://www.w3.org/ns/ttml\"><body><div><p begin=\"1s\" dur=\"1s\">x</p></div></body></tt>";

    #[test]
    fn segments_of_hls_follow_the_media_through_their_map() {
        // The media starts at ten seconds of its clock, and so says the map.
        assert_eq!(starts(MAPPED, TextPlace::Media(secs(-10)), 20..24), [21_000]);
        // The media starts at a hundred seconds: the map is about another clock, ninety seconds off.
        assert_eq!(starts(MAPPED, TextPlace::Media(secs(-100)), 20..24), [-69_000]);
    }

    #[test]
    fn without_a_map_cues_are_where_they_lie_in_their_segment() {
        assert_eq!(starts(PLAIN, TextPlace::Media(secs(-10)), 8..12), [11_000], "by the media's clock");
        assert_eq!(starts(PLAIN, TextPlace::Media(secs(-10)), 20..24), [21_000], "by the presentation's");
        assert_eq!(starts(PLAIN, TextPlace::Media(secs(0)), 0..4), [21_000]);
    }

    #[test]
    fn files_count_from_the_start_of_their_period_whatever_their_kind() {
        assert_eq!(starts(MAPPED, TextPlace::Origin(secs(60)), 60..90), [81_000]);
        assert_eq!(starts(TTML, TextPlace::Origin(secs(60)), 60..90), [61_000]);
        assert_eq!(starts(&format!("\u{feff}\n {TTML}"), TextPlace::Media(secs(-10)), 0..4), [1000]);
    }
}
