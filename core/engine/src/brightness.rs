//! In which range of brightness a title is shown.

use telecine_model::{Rendition, Track, TrackKind};

use crate::input::Capabilities;
use crate::select::is_decodable;

/// What is said of no range is of this one.
const STANDARD: &str = "SDR";

/// How well a display shows something: the better the less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Brightness {
    /// In the range that has so high a place in its list.
    Shown(usize),
    /// As well as the device can.
    Unshown,
}

impl Brightness {
    pub(crate) fn is_shown(self) -> bool {
        self != Self::Unshown
    }
}

fn rank(rendition: &Rendition, capabilities: &Capabilities) -> Brightness {
    let range = rendition.video_range.as_deref().unwrap_or(STANDARD);
    let ranges = capabilities.hdr.as_deref().unwrap_or_default();
    match ranges.iter().position(|shown| shown == range) {
        Some(place) => Brightness::Shown(place),
        None if range == STANDARD => Brightness::Shown(ranges.len()),
        None => Brightness::Unshown,
    }
}

/// How well a display shows the best of a track, of what it decodes.
pub(crate) fn rank_of_track(track: &Track, capabilities: &Capabilities) -> Brightness {
    let decoded = track.renditions.iter().filter(|rendition| is_decodable(rendition, capabilities));
    decoded.map(|rendition| rank(rendition, capabilities)).min().unwrap_or(Brightness::Unshown)
}

/// Whether a display shows the range of a rendition.
pub(crate) fn shows(rendition: &Rendition, capabilities: &Capabilities) -> bool {
    rank(rendition, capabilities).is_shown()
}

/// A range whose lowest rendition takes so many times what another's does is no ladder: a slow line could not play it.
const MOST_TIMES: u64 = 4;

/// Keeps of a picture's renditions those of one range: the one that is shown best, of the ranges with something that `suits`
/// best (the less the better), and with something low enough for a slow line.
pub(crate) fn keep_one_range(
    track: &Track,
    usable: &mut Vec<usize>,
    capabilities: &Capabilities,
    suits: impl Fn(&Rendition) -> u8,
) {
    if track.kind != TrackKind::Video {
        return;
    }
    let rendition = |i: &usize| track.renditions.get(*i);
    let Some(best) = usable.iter().filter_map(rendition).map(&suits).min() else { return };
    let suiting = || usable.iter().filter_map(rendition).filter(|rendition| suits(rendition) == best);
    let lowest = suiting().map(|rendition| rendition.bandwidth).min().unwrap_or_default();
    let within = |rendition: &&Rendition| rendition.bandwidth <= lowest.saturating_mul(MOST_TIMES);
    let range = suiting().filter(within).map(|rendition| rank(rendition, capabilities)).min();
    usable.retain(|i| track.renditions.get(*i).map(|rendition| rank(rendition, capabilities)) == range);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Constraints, Preferences};
    use crate::select::{cap, ladder, select};
    use telecine_abr::Cap;
    use telecine_model::{Codec, Period};

    const BOTH: &[(u64, u32, &str, Option<&str>)] = &[
        (1_000, 540, "avc1.64001f", None),
        (3_000, 1080, "avc1.640028", Some("SDR")),
        (2_000, 1080, "hvc1.2.4.L120.90", Some("HLG")),
        (2_500, 1080, "hvc1.2.4.L120.90", Some("PQ")),
        (9_000, 2160, "hvc1.2.4.L150.90", Some("PQ")),
    ];

    fn track(id: &str, renditions: &[(u64, u32, &str, Option<&str>)]) -> Track {
        let mut track = Track::new(id, TrackKind::Video);
        for (i, (bandwidth, height, codec, range)) in renditions.iter().enumerate() {
            let mut rendition = Rendition::new(i.to_string(), *bandwidth);
            rendition.height = Some(*height);
            rendition.codecs = Codec::parse_list(codec);
            rendition.video_range = range.map(str::to_owned);
            track.renditions.push(rendition);
        }
        track
    }

    fn display(hdr: Option<&[&str]>) -> Capabilities {
        Capabilities {
            hdr: hdr.map(|ranges| ranges.iter().map(ToString::to_string).collect()),
            ..Capabilities::default()
        }
    }

    fn ladder_on(hdr: Option<&[&str]>, constraints: &Constraints, preferences: &Preferences) -> Vec<usize> {
        let steps = ladder(&track("v", BOTH), &display(hdr), constraints, preferences, None, None);
        steps.iter().map(|step| step.rendition).collect()
    }

    #[test]
    fn a_ladder_is_of_the_best_range_that_the_display_shows_and_of_no_other() {
        let on = |hdr: Option<&[&str]>| ladder_on(hdr, &Constraints::default(), &Preferences::default());
        assert_eq!(on(None), [0, 1], "nobody knows");
        assert_eq!(on(Some(&[])), [0, 1]);
        assert_eq!(on(Some(&["PQ", "HLG"])), [3, 4]);
        assert_eq!(on(Some(&["HLG"])), [2]);
    }

    #[test]
    fn what_is_shown_best_fits_the_constraints_too() {
        let small = Constraints { max_height: Some(720), ..Constraints::default() };
        assert_eq!(ladder_on(Some(&["PQ"]), &small, &Preferences::default()), [0]);
    }

    #[test]
    fn a_codec_that_was_wished_for_comes_before_brightness() {
        let old = Preferences { codecs: vec!["avc1".to_owned()], ..Preferences::default() };
        assert_eq!(ladder_on(Some(&["PQ"]), &Constraints::default(), &old), [0, 1]);
    }

    #[test]
    fn of_a_wished_codec_the_range_is_taken_that_is_shown_best_and_fits_the_constraints() {
        let hevc: &[(u64, u32, &str, Option<&str>)] = &[
            (2_500, 2160, "hvc1.2.4.L150.90", Some("PQ")),
            (1_000, 1080, "hvc1.1.6.L93.90", None),
            (1_200, 1080, "hvc1.2.4.L120.90", Some("HLG")),
        ];
        let wish = Preferences { codecs: vec!["hvc1".to_owned()], ..Preferences::default() };
        let on = |limits: &Constraints| {
            let steps = ladder(&track("v", hevc), &display(Some(&["PQ", "HLG"])), limits, &wish, None, None);
            steps.iter().map(|step| step.rendition).collect::<Vec<_>>()
        };
        assert_eq!(on(&Constraints::default()), [0]);
        assert_eq!(on(&Constraints { max_height: Some(1080), ..Constraints::default() }), [2]);
    }

    #[test]
    fn a_range_that_has_high_levels_alone_is_no_ladder() {
        let lonely: &[(u64, u32, &str, Option<&str>)] = &[
            (1_000, 540, "hvc1.1.6.L93.90", None),
            (3_000, 1080, "hvc1.1.6.L120.90", None),
            (9_000, 2160, "hvc1.2.4.L150.90", Some("PQ")),
        ];
        let device = display(Some(&["PQ"]));
        let steps = ladder(&track("v", lonely), &device, &Constraints::default(), &Preferences::default(), None, None);
        assert_eq!(steps.iter().map(|step| step.rendition).collect::<Vec<_>>(), [0, 1]);
    }

    #[test]
    fn a_title_in_a_range_that_is_not_shown_plays_all_the_same() {
        let bright = track("v", &BOTH[3..]);
        for hdr in [None, Some(&[][..]), Some(&["HLG"])] {
            let steps = ladder(&bright, &display(hdr), &Constraints::default(), &Preferences::default(), None, None);
            assert_eq!(steps.len(), 2, "{hdr:?}");
        }
    }

    #[test]
    fn a_set_that_is_not_shown_gives_way_to_one_that_is_though_the_title_prefers_it() {
        let dark = track("dark", &BOTH[..2]);
        let mut bright = track("bright", &BOTH[3..]);
        bright.selection_priority = 5;
        let period = Period { tracks: vec![bright, dark], ..Period::default() };
        let on = |hdr: Option<&[&str]>| {
            let selected =
                select(&period, TrackKind::Video, &Preferences::default(), &display(hdr), None, None, |_| false);
            selected.map(|selected| period.tracks[selected.track].id.clone())
        };
        assert_eq!(on(None).as_deref(), Some("dark"));
        assert_eq!(on(Some(&["HLG"])).as_deref(), Some("dark"));
        assert_eq!(on(Some(&["PQ"])).as_deref(), Some("bright"));
    }

    #[test]
    fn a_codec_that_was_wished_for_comes_before_brightness_among_sets_too() {
        let period =
            Period { tracks: vec![track("bright", &BOTH[3..]), track("dark", &BOTH[..2])], ..Period::default() };
        let old = Preferences { codecs: vec!["avc1".to_owned()], ..Preferences::default() };
        let selected = select(&period, TrackKind::Video, &old, &display(Some(&["PQ"])), None, None, |_| false);
        assert_eq!(selected.map(|selected| selected.track), Some(1));
    }

    #[test]
    fn the_display_is_named_where_it_keeps_from_a_higher_level() {
        let (track, device) = (track("v", BOTH), display(Some(&[])));
        let limits = Constraints::default();
        let steps = ladder(&track, &device, &limits, &Preferences::default(), None, None);
        let top = steps.last().expect("a ladder");
        assert_eq!(cap(&track, top, &device, &limits), Some((4, Cap::Device)));
    }
}
