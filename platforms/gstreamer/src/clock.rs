//! Media times as GStreamer times and back.

use gstreamer as gst;
use telecine_model::{MediaTime, Timescale};

/// A GStreamer time cannot be negative; a media time can: priming and the leading pictures of an
/// open GOP lie before the start of a title. So the timeline is shifted by a day.
const ORIGIN: MediaTime = MediaTime::from_secs(24 * 3600);

/// `time` on GStreamer's timeline, always an even number of nanoseconds; None if it lies more than
/// a day before the start.
pub(crate) fn to_gst(time: MediaTime) -> Option<gst::ClockTime> {
    let nanos = u64::try_from((time + ORIGIN).to_ticks(Timescale::NANOS)).ok()?;
    Some(gst::ClockTime::from_nseconds(nanos & !1))
}

/// A media time from GStreamer's timeline, right to two nanoseconds.
pub(crate) fn from_gst(time: gst::ClockTime) -> MediaTime {
    let nanos = i64::try_from(time.nseconds()).unwrap_or(i64::MAX);
    MediaTime::from_nanos(nanos) - ORIGIN
}

/// A span; negative ones give zero.
pub(crate) fn span(time: MediaTime) -> gst::ClockTime {
    gst::ClockTime::from_nseconds(u64::try_from(time.to_ticks(Timescale::NANOS)).unwrap_or(0))
}

/// The stamp of a picture that is decoded and not shown: it goes to the last microseconds before
/// `shown`, the first time that is shown again, the earlier the greater its `distance` (ten seconds
/// are as good as more).
///
/// A decoder puts pictures in order by their content, not by these stamps, so the stamp may say
/// something else: every time from [`to_gst`] is even, this one is odd ([`is_hidden`]). Stamps of
/// neighbours differ, since parsers take a repeated one for a missing one; and they ascend, since
/// decoders mend those that do not. GStreamer's own mark, `DECODE_ONLY`, is lost in its H.264
/// parser and decoder.
pub(crate) fn hidden_before(shown: gst::ClockTime, distance: MediaTime) -> gst::ClockTime {
    let steps = distance.as_millis().clamp(0, 10_000).unsigned_abs();
    gst::ClockTime::from_nseconds(shown.nseconds().saturating_sub(1 + 2 * steps) | 1)
}

/// Whether a picture carries a stamp of [`hidden_before`].
pub(crate) fn is_hidden(stamp: gst::ClockTime) -> bool {
    stamp.nseconds() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_at_25_per_second_are_exact_both_ways() {
        for frame in -3..1000 {
            let time = MediaTime::from_millis(frame * 40);
            assert_eq!(from_gst(to_gst(time).expect("within a day")), time);
        }
    }

    #[test]
    fn times_that_are_no_whole_nanosecond_are_right_to_two() {
        let scale = Timescale::new(24_000).expect("not zero");
        for frame in 0..1000 {
            let time = MediaTime::from_ticks(frame * 1001, scale);
            let back = from_gst(to_gst(time).expect("within a day"));
            assert!(back.abs_diff(time) <= MediaTime::from_nanos(2), "{frame}");
        }
    }

    #[test]
    fn a_hidden_stamp_is_told_from_every_shown_one() {
        for units in 0..100_000 {
            let shown = to_gst(MediaTime::from_units(units)).expect("within a day");
            assert!(!is_hidden(shown));
            let hidden = hidden_before(shown, MediaTime::from_millis(units));
            assert!(is_hidden(hidden) && hidden < shown);
        }
    }

    #[test]
    fn hidden_stamps_keep_the_order_of_their_pictures() {
        let shown = to_gst(MediaTime::from_secs(4)).expect("within a day");
        let stamps: Vec<_> =
            (0..250).map(|frame| hidden_before(shown, MediaTime::from_millis(10_000 - 40 * frame))).collect();
        assert!(stamps.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn absurd_times_have_no_place() {
        assert_eq!(to_gst(MediaTime::MIN), None);
        assert!(to_gst(MediaTime::MAX).is_some());
    }
}
