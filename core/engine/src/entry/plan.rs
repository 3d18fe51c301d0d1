//! From which byte on a segment is asked for.

use telecine_model::presentation::Resync;
use telecine_model::{MediaTime, Segment, Timescale};

/// Less media than this is not worth what may go wrong, nor are fewer bytes.
const LEAST_TIME: MediaTime = MediaTime::from_secs(1);
const LEAST_BYTES: u64 = 32 << 10;

/// Places that are further apart are none that anybody meant.
const LONGEST_DISTANCE: MediaTime = MediaTime::from_secs(30);

/// What is looked through for a chunk, beside what is announced.
const LEAST_REACH: u64 = 256 << 10;
const LONGEST_REACH: u64 = 16 << 20;

/// From where on a segment is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// Bytes of it that are left out.
    pub(super) skipped: u64,
    /// In how many behind those a chunk has to begin.
    pub(super) reach: u64,
}

/// How many bits a second a segment has, as far as that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rate {
    /// Some of it was seen.
    Seen(u64),
    /// Others of its rendition, or its size.
    Known(u64),
    /// What the manifest says. That is the highest that it ever is (5.3.5.2).
    Declared(u64),
}

impl Rate {
    /// What it surely has: a scene may be quiet.
    fn least(self) -> u64 {
        match self {
            Self::Seen(rate) => rate / 8 * 7,
            Self::Known(rate) => rate / 4 * 3,
            Self::Declared(rate) => rate / 2,
        }
    }
}

/// The places where decoding can begin, and how far apart they are: those of stream access points of types 1 and 2, from
/// which on everything can be decoded, that can be told in the bytes.
pub(super) fn places(resync: &[Resync], timescale: Timescale) -> Option<(MediaTime, &Resync)> {
    let usable = resync.iter().filter(|point| point.marker && matches!(point.kind, 1 | 2));
    let distances = usable.filter_map(|point| {
        let ticks = i64::try_from(point.max_distance_ticks?).ok()?;
        Some((MediaTime::from_ticks(ticks, timescale), point))
    });
    let sane = distances.filter(|(distance, _)| *distance > MediaTime::ZERO && *distance <= LONGEST_DISTANCE);
    sane.min_by_key(|(distance, _)| *distance)
}

/// Bytes of so long at so many bits a second.
fn bytes_of(time: MediaTime, bits_per_second: u64) -> u64 {
    bytes_of_share(u64::try_from(time.as_micros()).unwrap_or(0), bits_per_second)
}

/// Bytes of a share of the bandwidth, in millionths of a second of it.
fn bytes_of_share(micro: u64, bandwidth: u64) -> u64 {
    u64::try_from(u128::from(micro) * u128::from(bandwidth) / 8_000_000).unwrap_or(u64::MAX)
}

/// From where on a segment is asked for if media is needed from `wanted` on. None if it had better be fetched whole.
pub(super) fn plan(
    (distance, point): (MediaTime, &Resync),
    bandwidth: u64,
    segment: &Segment,
    wanted: MediaTime,
    rate: Rate,
) -> Option<Plan> {
    // A place lies no further than this before what is wanted.
    let before = wanted - segment.start - distance;
    if before < LEAST_TIME || wanted >= segment.end() {
        return None;
    }
    // So many lie in front of it at least, each so many bytes behind the one before.
    let count = u64::try_from(before.as_micros() / distance.as_micros().max(1)).unwrap_or(0);
    let announced = point.min_index_micro.map_or(0, |least| bytes_of_share(least, bandwidth).saturating_mul(count));
    let skipped = bytes_of(before, rate.least()).max(announced);
    let fits = segment.byte_range.is_none_or(|range| skipped < range.length);
    let far = point.max_index_micro.map_or(bytes_of(distance, bandwidth), |most| bytes_of_share(most, bandwidth));
    let reach = far.saturating_mul(2).clamp(LEAST_REACH, LONGEST_REACH);
    (skipped >= LEAST_BYTES && fits).then_some(Plan { skipped, reach })
}

/// Bits a second of so many bytes in so long; None where it would be none.
pub(super) fn rate(bytes: u64, time: MediaTime) -> Option<u64> {
    let micros = u128::try_from(time.as_micros()).ok().filter(|micros| *micros > 0)?;
    u64::try_from(u128::from(bytes) * 8_000_000 / micros).ok().filter(|rate| *rate > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use telecine_model::ByteRange;

    fn secs(s: i64) -> MediaTime {
        MediaTime::from_secs(s)
    }

    fn point(kind: u32, ticks: u64, marker: bool) -> Resync {
        Resync { kind, max_distance_ticks: Some(ticks), max_index_micro: None, min_index_micro: None, marker }
    }

    /// A segment of eight seconds.
    fn segment(byte_range: Option<ByteRange>) -> Segment {
        Segment {
            number: 1,
            part: None,
            start: secs(100),
            duration: secs(8),
            ticks: 0,
            uri: String::new(),
            reference: String::new(),
            byte_range,
            init: None,
            discontinuity: 0,
            gap: false,
            keys: [].into(),
            bitrate: None,
            program_date_time: None,
        }
    }

    /// Bytes that are left out of a segment of 800 kbit/s with a place every two seconds.
    fn skipped(wanted: MediaTime, rate: Rate) -> Option<u64> {
        let point = point(1, 2, true);
        plan((secs(2), &point), 800_000, &segment(None), wanted, rate).map(|plan| plan.skipped)
    }

    #[test]
    fn only_places_that_decoding_can_begin_at_and_that_can_be_told_are_used() {
        let scale = Timescale::SECONDS;
        let all = [point(0, 1, true), point(3, 1, true), point(2, 1, false), point(2, 4, true), point(1, 3, true)];
        assert_eq!(places(&all, scale).map(|(distance, point)| (distance, point.kind)), Some((secs(3), 1)));
        assert!(places(&all[..3], scale).is_none());
        for absurd in [0, 31, u64::MAX] {
            assert!(places(&[point(1, absurd, true)], scale).is_none(), "{absurd}");
        }
        assert!(places(&[Resync { max_distance_ticks: None, ..point(1, 1, true) }], scale).is_none());
    }

    #[test]
    fn a_segment_is_entered_a_distance_before_the_place_by_less_than_it_surely_has() {
        // Of the five seconds in front of the place three are surely in front of a key frame before it: at half of what is
        // declared, three quarters of what is known, seven eighths of what was seen.
        assert_eq!(skipped(secs(105), Rate::Declared(800_000)), Some(150_000));
        assert_eq!(skipped(secs(105), Rate::Known(800_000)), Some(225_000));
        assert_eq!(skipped(secs(105), Rate::Seen(800_000)), Some(262_500));
    }

    #[test]
    fn what_is_not_worth_it_is_fetched_from_the_start() {
        let rate = Rate::Known(800_000);
        assert_eq!(skipped(secs(100), rate), None);
        assert_eq!(skipped(secs(103) - MediaTime::from_millis(1), rate), None, "less than a second");
        assert!(skipped(secs(103), rate).is_some());
        assert_eq!(skipped(secs(103), Rate::Known(300_000)), None, "few bytes");
        assert_eq!(skipped(secs(108), rate), None, "another segment's");
        assert_eq!(skipped(secs(99), rate), None);
        assert_eq!(skipped(secs(105), Rate::Declared(0)), None);
    }

    #[test]
    fn no_fewer_bytes_are_left_out_than_the_announced_least() {
        let least = Resync { min_index_micro: Some(1_500_000), ..point(1, 2, true) };
        let skipped = |wanted| {
            plan((secs(2), &least), 800_000, &segment(None), wanted, Rate::Declared(800_000)).map(|plan| plan.skipped)
        };
        // Three seconds hold one place at least, each has 1.5 seconds of the bandwidth: as many as the estimate.
        assert_eq!(skipped(secs(105)), Some(150_000));
        // Five hold two.
        assert_eq!(skipped(secs(107)), Some(300_000));
    }

    #[test]
    fn it_is_looked_for_as_far_as_places_are_apart_and_not_without_bounds() {
        let reach = |point: Resync| {
            let plan = plan((secs(2), &point), 8_000_000, &segment(None), secs(105), Rate::Declared(8_000_000));
            plan.expect("a plan").reach
        };
        assert_eq!(reach(point(1, 2, true)), 4_000_000, "twice two seconds");
        assert_eq!(reach(Resync { max_index_micro: Some(500_000), ..point(1, 2, true) }), 1_000_000);
        assert_eq!(reach(Resync { max_index_micro: Some(1), ..point(1, 2, true) }), LEAST_REACH);
        assert_eq!(reach(Resync { max_index_micro: Some(u64::MAX), ..point(1, 2, true) }), LONGEST_REACH);
    }

    #[test]
    fn of_a_file_of_many_segments_only_the_segments_own_bytes_are_asked_for() {
        let point = point(1, 2, true);
        let plan = |length| {
            let segment = segment(Some(ByteRange { offset: 5_000, length }));
            plan((secs(2), &point), 800_000, &segment, secs(105), Rate::Declared(800_000))
        };
        assert!(plan(800_000).is_some());
        assert_eq!(plan(150_000), None, "shorter than what would be left out");
    }
}
