//! Tags of the whole playlist: rfc8216bis 4.4.1 to 4.4.3 and 8 (H020–H045, H139).

#![allow(clippy::expect_used, clippy::panic)]

mod hls_support;

use hls_support::*;
use telecine_manifest::hls::Mode;
use telecine_model::presentation::{PlaylistType, StartPoint};
use telecine_model::{ErrorCode, MediaTime};

const ONE: &str = "#EXTINF:4,\na.ts";

#[test]
fn h020_a_second_version_fails_or_the_highest_counts() {
    let text = around(&format!("#EXT-X-VERSION:3\n{ONE}"));
    assert_eq!(as_media(tolerated(&text, "H020", ErrorCode::ManifestContradiction)).info.version, 13);
}

#[test]
fn h021_versions_1_to_13_are_understood_and_no_other() {
    for version in 1..=13 {
        let text = format!("#EXTM3U\n#EXT-X-VERSION:{version}\n#EXT-X-TARGETDURATION:4\n{ONE}\n");
        assert_eq!(clean_media(&text).info.version, version);
    }
    assert_eq!(clean_media(&format!("#EXTM3U\n#EXT-X-TARGETDURATION:4\n{ONE}\n")).info.version, 1);
    for version in ["14", "99999999999"] {
        let text = format!("#EXTM3U\n#EXT-X-VERSION:{version}\n#EXT-X-TARGETDURATION:4\n{ONE}\n");
        refused(text, "H021", ErrorCode::ManifestVersion);
    }
}

#[test]
fn h022_shared_tags_stand_once() {
    for tag in ["#EXT-X-INDEPENDENT-SEGMENTS", "#EXT-X-START:TIME-OFFSET=1"] {
        let text = variants(&format!("{tag}\n{tag}"));
        tolerated(&text, "H022", ErrorCode::ManifestContradiction);
    }
}

#[test]
fn h023_independent_segments_of_the_multivariant_playlist_hold_for_all() {
    let presentation = clean_multivariant(&variants(
        "#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"g\",NAME=\"n\",URI=\"a.m3u8\"",
    ));
    assert!(presentation.independent_segments);
    let mut renditions = tracks(&presentation).iter().flat_map(|track| &track.renditions);
    assert!(renditions.all(|rendition| rendition.independent_segments));
    assert!(clean_media(&around(&format!("#EXT-X-INDEPENDENT-SEGMENTS\n{ONE}"))).info.independent_segments);
}

#[test]
fn h024_h025_a_start_is_an_offset_from_either_end_and_may_be_precise() {
    let start = |attributes: &str| clean_multivariant(&variants(&format!("#EXT-X-START:{attributes}"))).start;
    let point = |millis, precise| Some(StartPoint { offset: MediaTime::from_millis(millis), precise });
    assert_eq!(start("TIME-OFFSET=12.5,PRECISE=YES"), point(12_500, true));
    assert_eq!(start("TIME-OFFSET=-3,PRECISE=NO"), point(-3_000, false));
    assert_eq!(start("TIME-OFFSET=0"), point(0, false));
    tolerated(&variants("#EXT-X-START:PRECISE=YES"), "H024", ErrorCode::ManifestMissing);
}

#[test]
fn h023_the_multivariant_playlists_start_is_the_stronger() {
    let mut presentation = clean_multivariant(&variants("#EXT-X-START:TIME-OFFSET=7"));
    let playlist = clean_media(&around(&format!("#EXT-X-START:TIME-OFFSET=9\n{ONE}")));
    playlist.apply_to(&mut presentation);
    assert_eq!(presentation.start.map(|start| start.offset), Some(MediaTime::from_secs(7)));
}

#[test]
fn h031_media_playlist_tags_stand_once() {
    for tag in [
        "#EXT-X-TARGETDURATION:9",
        "#EXT-X-MEDIA-SEQUENCE:1\n#EXT-X-MEDIA-SEQUENCE:2",
        "#EXT-X-DISCONTINUITY-SEQUENCE:1\n#EXT-X-DISCONTINUITY-SEQUENCE:1",
        "#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-PLAYLIST-TYPE:VOD",
        "#EXT-X-I-FRAMES-ONLY\n#EXT-X-I-FRAMES-ONLY",
        "#EXT-X-PART-INF:PART-TARGET=1\n#EXT-X-PART-INF:PART-TARGET=1\n#EXT-X-SERVER-CONTROL:PART-HOLD-BACK=3",
        "#EXT-X-SERVER-CONTROL:HOLD-BACK=12\n#EXT-X-SERVER-CONTROL:HOLD-BACK=12",
        "#EXT-X-ENDLIST",
    ] {
        let text = around(&format!("{tag}\n{ONE}"));
        tolerated(&text, "H031", ErrorCode::ManifestContradiction);
    }
}

#[test]
fn h032_the_target_duration_is_there_and_at_least_one() {
    let missing = "#EXTM3U\n#EXT-X-VERSION:6\n#EXTINF:3.2,\na.ts\n#EXTINF:4.1,\nb.ts\n";
    let playlist = as_media(tolerated(missing, "H032", ErrorCode::ManifestMissing));
    assert_eq!(playlist.info.target_duration, MediaTime::from_secs(5));
    let zero = format!("#EXTM3U\n#EXT-X-TARGETDURATION:0\n{ONE}\n");
    assert_eq!(
        as_media(tolerated(&zero, "H032", ErrorCode::ManifestSyntax)).info.target_duration,
        MediaTime::from_secs(4)
    );
    let decimal = format!("#EXTM3U\n#EXT-X-TARGETDURATION:3.5\n{ONE}\n");
    assert_eq!(
        as_media(tolerated(&decimal, "H032", ErrorCode::ManifestSyntax)).info.target_duration,
        MediaTime::from_secs(4)
    );
}

#[test]
fn h032_durations_round_to_at_most_the_target_from_version_6_and_are_plain_before() {
    let text = |version, duration| {
        format!(
            "#EXTM3U\n#EXT-X-VERSION:{version}\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\na.ts\n#EXTINF:{duration},\nb.ts\n"
        )
    };
    clean(&text(6, "4.499999"));
    let error = tolerated(&text(6, "4.5"), "H032", ErrorCode::ManifestContradiction);
    assert_eq!(warnings(&error)[0].place, telecine_model::Place::Line(7));
    clean(&text(5, "4.0"));
    tolerated(&text(5, "4.001"), "H032", ErrorCode::ManifestContradiction);
}

#[test]
fn h033_media_sequence_numbers_the_first_segment_and_is_zero_unless_given() {
    let playlist = clean_media(&live(&format!("#EXT-X-MEDIA-SEQUENCE:4294967296\n{ONE}")));
    assert_eq!(playlist.index.table.first_number(), 1 << 32);
    assert!(playlist.info.has_media_sequence);
    let without = clean_media(&live(ONE));
    assert!(without.index.table.first_number() == 0 && !without.info.has_media_sequence);
    let late = live(&format!("{ONE}\n#EXT-X-MEDIA-SEQUENCE:5"));
    let playlist = as_media(tolerated(&late, "H033", ErrorCode::ManifestContradiction));
    assert_eq!(playlist.index.table.first_number(), 0);
}

#[test]
fn h035_discontinuity_sequence_stands_in_front() {
    for body in [
        format!("{ONE}\n#EXT-X-DISCONTINUITY-SEQUENCE:5"),
        format!("#EXT-X-DISCONTINUITY\n#EXT-X-DISCONTINUITY-SEQUENCE:5\n{ONE}"),
    ] {
        tolerated(&live(&body), "H035", ErrorCode::ManifestContradiction);
    }
}

#[test]
fn h036_the_discontinuity_sequence_number_counts_on_from_the_tag() {
    let playlist = clean_media(&live(
        "#EXT-X-MEDIA-SEQUENCE:100\n#EXT-X-DISCONTINUITY-SEQUENCE:7\n#EXTINF:4,\na.ts\n#EXT-X-DISCONTINUITY\n\
         #EXTINF:4,\nb.ts\n#EXTINF:4,\nc.ts\n#EXT-X-DISCONTINUITY\n#EXTINF:4,\nd.ts",
    ));
    let numbers: Vec<u64> = (100..104).map(|n| playlist.index.get(n).expect("listed").discontinuity).collect();
    assert_eq!(numbers, [7, 8, 8, 9]);
    let first = clean_media(&live("#EXT-X-DISCONTINUITY\n#EXTINF:4,\na.ts"));
    assert_eq!(first.index.get(0).expect("listed").discontinuity, 1);
}

#[test]
fn h037_the_end_may_stand_anywhere() {
    let playlist = clean_media(&live(&format!("#EXT-X-ENDLIST\n{ONE}")));
    assert!(playlist.info.ended && !playlist.is_live());
    assert!(clean_media(&live(ONE)).is_live());
}

#[test]
fn h038_types_are_vod_and_event() {
    let of = |name: &str| clean_media(&live(&format!("#EXT-X-PLAYLIST-TYPE:{name}\n{ONE}")));
    assert_eq!(of("EVENT").info.playlist_type, Some(PlaylistType::Event));
    assert!(of("EVENT").is_live());
    let vod = clean_media(&around(&format!("#EXT-X-PLAYLIST-TYPE:VOD\n{ONE}")));
    assert_eq!(vod.info.playlist_type, Some(PlaylistType::Vod));
    assert!(!vod.is_live());
}

#[test]
fn h038_a_playlist_of_type_vod_without_an_end_is_complete_and_warned_of() {
    let text = live(&format!("#EXT-X-PLAYLIST-TYPE:VOD\n{ONE}"));
    for mode in [Mode::Strict, Mode::Compat] {
        let playlist = as_media(read(&text, mode).expect("a playlist"));
        assert!(!playlist.is_live());
        let [warning] = playlist.info.warnings.as_slice() else { panic!("{:?}", playlist.info.warnings) };
        assert_eq!(warning.rule, "H038");
        assert_eq!(warning.place, telecine_model::Place::Line(text.lines().count() as u64), "the end of the playlist");
        assert!(warning.message.contains("EXT-X-ENDLIST"), "{warning}");
    }
}

#[test]
fn h039_i_frame_playlists_say_so() {
    let playlist = clean_media(&around(
        "#EXT-X-I-FRAMES-ONLY\n#EXTINF:2.5,\n#EXT-X-BYTERANGE:1000@564\na.ts\n#EXTINF:1.5,\n#EXT-X-BYTERANGE:800@90000\na.ts",
    ));
    assert!(playlist.info.i_frames_only);
    let presentation = playlist.into_presentation();
    assert!(tracks(&presentation)[0].renditions[0].key_frames_only);
}

/// A low-latency playlist with this server control.
fn control(attributes: &str) -> String {
    live(&format!("#EXT-X-PART-INF:PART-TARGET=1\n#EXT-X-SERVER-CONTROL:{attributes}\n{ONE}"))
}

#[test]
fn h040_parts_need_a_part_target() {
    let text = live("#EXT-X-SERVER-CONTROL:PART-HOLD-BACK=3\n#EXT-X-PART:URI=\"p\",DURATION=0.5");
    let playlist = as_media(tolerated(&text, "H040", ErrorCode::ManifestMissing));
    assert_eq!(playlist.info.part_target, Some(MediaTime::from_millis(500)));
    let empty = live(&format!("#EXT-X-PART-INF:X=1\n{ONE}"));
    tolerated(&empty, "H040", ErrorCode::ManifestMissing);
}

#[test]
fn h041_to_h045_server_control_is_read_exactly() {
    let playlist = clean_media(&control(
        "CAN-SKIP-UNTIL=24.0,CAN-SKIP-DATERANGES=YES,HOLD-BACK=12,PART-HOLD-BACK=3.003,CAN-BLOCK-RELOAD=YES",
    ));
    let control = playlist.info.server_control.expect("given");
    assert_eq!(control.can_skip_until, Some(MediaTime::from_secs(24)));
    assert_eq!(control.hold_back, Some(MediaTime::from_secs(12)));
    assert_eq!(control.part_hold_back, Some(MediaTime::from_millis(3003)));
    assert!(control.can_skip_date_ranges && control.can_block_reload);
}

#[test]
fn h041_the_skip_boundary_is_six_target_durations() {
    tolerated(&control("CAN-SKIP-UNTIL=23.9,PART-HOLD-BACK=3"), "H041", ErrorCode::ManifestContradiction);
}

#[test]
fn h042_date_ranges_are_skipped_only_with_segments() {
    let text = control("CAN-SKIP-DATERANGES=YES,PART-HOLD-BACK=3");
    let playlist = as_media(tolerated(&text, "H042", ErrorCode::ManifestContradiction));
    assert!(!playlist.info.server_control.expect("given").can_skip_date_ranges);
}

#[test]
fn h043_the_hold_back_is_three_target_durations() {
    tolerated(&control("HOLD-BACK=11,PART-HOLD-BACK=3"), "H043", ErrorCode::ManifestContradiction);
}

#[test]
fn h044_the_part_hold_back_is_there_and_two_part_targets() {
    tolerated(&control("HOLD-BACK=12"), "H044", ErrorCode::ManifestMissing);
    tolerated(&control("PART-HOLD-BACK=1.9"), "H044", ErrorCode::ManifestContradiction);
    tolerated(&live(&format!("#EXT-X-PART-INF:PART-TARGET=1\n{ONE}")), "H044", ErrorCode::ManifestMissing);
    let short = read(control("PART-HOLD-BACK=2.5"), Mode::Strict).expect("only a recommendation");
    assert_eq!(rules(&short), ["H044"]);
}

#[test]
fn h045_blocking_is_off_unless_said() {
    let playlist = clean_media(&control("PART-HOLD-BACK=3"));
    assert!(!playlist.info.server_control.expect("given").can_block_reload);
}

enum Kind {
    Media,
    Multivariant,
}

#[test]
fn h139_a_feature_above_the_declared_version_is_a_warning_in_both_modes() {
    for (required, kind, body) in [
        (2, Kind::Media, "#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=0x01\n#EXTINF:4,\na.ts"),
        (3, Kind::Media, "#EXTINF:4.0,\na.ts"),
        (4, Kind::Media, "#EXTINF:4,\n#EXT-X-BYTERANGE:1@0\na.ts"),
        (4, Kind::Media, "#EXT-X-I-FRAMES-ONLY\n#EXTINF:4,\na.ts"),
        (5, Kind::Media, "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"k\"\n#EXTINF:4,\na.ts"),
        (5, Kind::Media, "#EXT-X-KEY:METHOD=AES-128,URI=\"k\",KEYFORMAT=\"identity\"\n#EXTINF:4,\na.ts"),
        (5, Kind::Media, "#EXT-X-KEY:METHOD=AES-128,URI=\"k\",KEYFORMATVERSIONS=\"1\"\n#EXTINF:4,\na.ts"),
        (5, Kind::Media, "#EXT-X-I-FRAMES-ONLY\n#EXT-X-MAP:URI=\"i\"\n#EXTINF:4,\na.ts"),
        (6, Kind::Media, "#EXT-X-MAP:URI=\"i\"\n#EXTINF:4,\na.ts"),
        (7, Kind::Multivariant, "#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"c\",NAME=\"n\",INSTREAM-ID=\"SERVICE1\""),
        (8, Kind::Multivariant, "#EXT-X-DEFINE:NAME=\"a\",VALUE=\"b\""),
        (9, Kind::Media, "#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n#EXTINF:4,\na.ts"),
        (10, Kind::Media, "#EXT-X-SKIP:SKIPPED-SEGMENTS=3,RECENTLY-REMOVED-DATERANGES=\"\"\n#EXTINF:4,\na.ts"),
        (11, Kind::Multivariant, "#EXT-X-DEFINE:QUERYPARAM=\"token\""),
        (12, Kind::Multivariant, "#EXT-X-STREAM-INF:BANDWIDTH=1,REQ-VIDEO-LAYOUT=\"CH-MONO\"\nx.m3u8"),
        (13, Kind::Multivariant, "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"n\",INSTREAM-ID=\"1\""),
    ] {
        let text = |version| match kind {
            Kind::Media => format!("#EXTM3U\n#EXT-X-VERSION:{version}\n#EXT-X-TARGETDURATION:9\n{body}\n"),
            Kind::Multivariant => {
                format!("#EXTM3U\n#EXT-X-VERSION:{version}\n{body}\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8\n")
            }
        };
        clean(&text(required));
        let playlist = read(text(required - 1), Mode::Strict).expect("not fatal");
        assert!(
            warnings(&playlist).iter().any(|w| w.rule == "H139" && w.message.contains(&format!("VERSION {required},"))),
            "{required}: {:?}",
            warnings(&playlist)
        );
    }
}
