//! Media segment tags: rfc8216bis 4.4.4 (H047–H067).

#![allow(clippy::expect_used, clippy::panic)]

mod hls_support;

use hls_support::*;
use telecine_model::datetime::parse_date_time;
use telecine_model::protection::KeyMethod;
use telecine_model::{ByteRange, ErrorCode, MediaTime, Segment, Timescale};

fn segments(body: &str) -> Vec<Segment> {
    let playlist = clean_media(&around(body));
    let table = &playlist.index.table;
    (table.first_number()..table.end_number()).map(|number| playlist.index.get(number).expect("listed")).collect()
}

fn range(offset: u64, length: u64) -> Option<ByteRange> {
    Some(ByteRange { offset, length })
}

#[test]
fn h047_durations_are_exact_decimals_or_integers() {
    let playlist =
        clean_media(&around("#EXTINF:3.97667,\na.ts\n#EXTINF:4,A title, with commas\nb.ts\n#EXTINF:.5,\nc.ts"));
    assert_eq!(playlist.index.table.timescale(), Timescale::NANOS);
    let spans: Vec<_> = playlist.index.table.iter().map(|span| (span.start, span.duration)).collect();
    assert_eq!(spans, [(0, 3_976_670_000), (3_976_670_000, 4_000_000_000), (7_976_670_000, 500_000_000)]);
}

#[test]
fn h047_a_segment_of_no_duration_has_a_time_in_which_it_is_asked_for() {
    let playlist = media(around("#EXTINF:0,\na.ts\n#EXTINF:4,\nb.ts"));
    let first = playlist.index.get(playlist.index.number_at(MediaTime::ZERO).expect("a segment")).expect("there");
    assert_eq!(
        (first.uri.ends_with("a.ts"), playlist.info.warnings.iter().any(|warning| warning.rule == "H047")),
        (true, true)
    );
    assert_eq!(playlist.index.table.len(), 2);
}

#[test]
fn h047_a_segment_without_a_duration_lasts_the_target_duration() {
    let playlist = as_media(tolerated(&around("a.ts"), "H047", ErrorCode::ManifestMissing));
    assert_eq!(playlist.duration(), MediaTime::from_secs(4));
    refused("#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:1\na.ts\n", "H047", ErrorCode::ManifestMissing);
    let wrong = as_media(tolerated(&around("#EXTINF:-1,\na.ts"), "H047", ErrorCode::ManifestSyntax));
    assert_eq!(wrong.duration(), MediaTime::from_secs(4));
}

#[test]
fn h048_a_byte_range_without_an_offset_goes_on_in_the_same_resource() {
    let body = "#EXTINF:4,\n#EXT-X-BYTERANGE:100@50\na.ts\n#EXTINF:4,\n#EXT-X-BYTERANGE:30\na.ts\n#EXTINF:4,\n#EXT-X-BYTERANGE:20@1000\na.ts\n#EXTINF:4,\nb.ts";
    let expected = [range(50, 100), range(150, 30), range(1000, 20), None];
    let ranges: Vec<_> = segments(body).iter().map(|segment| segment.byte_range).collect();
    assert_eq!(ranges, expected);
    // The same is known without a segment being made.
    let index = clean_media(&around(body)).index;
    let first = index.table.first_number();
    assert_eq!((first..first + 4).map(|number| index.byte_range_of(number)).collect::<Vec<_>>(), expected);
    assert_eq!(index.byte_range_of(first + 4), None);
}

#[test]
fn h048_a_byte_range_without_an_offset_that_follows_nothing_fails() {
    for body in [
        "#EXTINF:4,\n#EXT-X-BYTERANGE:100\na.ts",
        "#EXTINF:4,\n#EXT-X-BYTERANGE:100@0\na.ts\n#EXTINF:4,\n#EXT-X-BYTERANGE:30\nb.ts",
        "#EXTINF:4,\na.ts\n#EXTINF:4,\n#EXT-X-BYTERANGE:30\na.ts",
    ] {
        let playlist = as_media(tolerated(&around(body), "H048", ErrorCode::ManifestMissing));
        let last = playlist.index.get(playlist.index.table.end_number() - 1).expect("listed");
        assert_eq!(last.byte_range.map(|range| range.offset), Some(0));
    }
    for wrong in ["x", "1@x", "-1@0", "18446744073709551615@1", ""] {
        refused(around(&format!("#EXT-X-BYTERANGE:{wrong}\n#EXTINF:4,\na.ts")), "H048", ErrorCode::ManifestSyntax);
    }
}

#[test]
fn h049_a_discontinuity_is_between_two_segments() {
    let listed = segments("#EXTINF:4,\na.ts\n#EXT-X-DISCONTINUITY\n#EXTINF:4,\nb.ts\n#EXTINF:4,\nc.ts");
    assert_eq!(listed.iter().map(|segment| segment.discontinuity).collect::<Vec<_>>(), [0, 1, 1]);
}

/// Key formats and URIs in force at each segment.
fn keys(body: &str) -> Vec<Vec<(String, String)>> {
    let key = |key: &telecine_model::protection::Key| (key.key_format.clone(), key.uri.clone().unwrap_or_default());
    segments(body).iter().map(|segment| segment.keys.iter().map(key).collect()).collect()
}

#[test]
fn h050_a_key_holds_until_the_next_of_its_format_or_none() {
    let widevine = "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"w1\",KEYFORMAT=\"w\"";
    let found = keys(&format!(
        "#EXTINF:4,\n0.ts\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"i1\"\n{widevine}\n#EXTINF:4,\n1.ts\n\
         #EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"i2\"\n#EXTINF:4,\n2.ts\n#EXTINF:4,\n3.ts\n#EXT-X-KEY:METHOD=NONE\n#EXTINF:4,\n4.ts"
    ));
    let pair = |format: &str, uri: &str| (format.to_owned(), uri.to_owned());
    assert_eq!(
        found,
        [
            vec![],
            vec![pair("identity", "i1"), pair("w", "w1")],
            vec![pair("identity", "i2"), pair("w", "w1")],
            vec![pair("identity", "i2"), pair("w", "w1")],
            vec![],
        ]
    );
}

#[test]
fn h050_a_map_carries_the_keys_before_it() {
    let listed = segments(
        "#EXT-X-MAP:URI=\"clear.mp4\"\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"k\"\n#EXTINF:4,\na.m4s\n#EXT-X-MAP:URI=\"i.mp4\"\n#EXTINF:4,\nb.m4s",
    );
    let counts: Vec<usize> = listed.iter().map(|s| s.init.as_ref().expect("mapped").keys.len()).collect();
    assert_eq!(counts, [0, 1]);
}

#[test]
fn h050_a_key_without_method_fails_in_both_modes() {
    refused(around("#EXT-X-KEY:URI=\"k\"\n#EXTINF:4,\na.ts"), "H050", ErrorCode::ManifestMissing);
    tolerated(&around("#EXT-X-KEY:METHOD=AES-128\n#EXTINF:4,\na.ts"), "H050", ErrorCode::ManifestMissing);
}

#[test]
fn h051_none_stands_alone() {
    let text = around("#EXT-X-KEY:METHOD=NONE,URI=\"k\"\n#EXTINF:4,\na.ts");
    let playlist = as_media(tolerated(&text, "H051", ErrorCode::ManifestContradiction));
    assert!(playlist.index.get(0).expect("listed").keys.is_empty());
}

#[test]
fn h052_an_iv_is_explicit_or_absent() {
    let listed = segments(
        "#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXTINF:4,\na.ts\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=0x00000000000000000000000000000009\n#EXTINF:4,\nb.ts",
    );
    assert_eq!(listed[0].keys[0].iv, None, "it follows from the media sequence number");
    assert_eq!(listed[1].keys[0].iv.map(u128::from_be_bytes), Some(9));
}

#[test]
fn h053_h054_gcm_and_ctr_have_no_iv_attribute() {
    for (method, rule) in [("AES-256-GCM", "H053"), ("SAMPLE-AES-CTR", "H054")] {
        let text = around(&format!("#EXT-X-KEY:METHOD={method},URI=\"k\",IV=0x01\n#EXTINF:4,\na.ts"));
        let playlist = as_media(tolerated(&text, rule, ErrorCode::ManifestContradiction));
        let key = &playlist.index.get(0).expect("listed").keys[0];
        assert_eq!((key.method.name(), key.iv), (method, None));
    }
}

#[test]
fn h055_h056_formats_default_and_unknown_ones_are_left_to_the_player() {
    let listed = segments(
        "#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"x\",KEYFORMAT=\"com.example\",KEYFORMATVERSIONS=\"1/2\"\n#EXTINF:4,\na.ts",
    );
    let formats: Vec<_> =
        listed[0].keys.iter().map(|key| (key.key_format.as_str(), key.key_format_versions.as_str())).collect();
    assert_eq!(formats, [("identity", "1"), ("com.example", "1/2")]);
}

#[test]
fn h057_an_unknown_method_is_kept_so_that_nothing_is_taken_for_clear() {
    let listed = segments("#EXT-X-KEY:METHOD=ROT-13,URI=\"k\"\n#EXTINF:4,\na.ts");
    assert_eq!(listed[0].keys[0].method, KeyMethod::Other("ROT-13".into()));
}

#[test]
fn h058_a_map_holds_until_the_next() {
    let listed = segments(
        "#EXTINF:4,\n0.ts\n#EXT-X-MAP:URI=\"i.mp4\",BYTERANGE=\"600@20\"\n#EXTINF:4,\n1.m4s\n#EXT-X-DISCONTINUITY\n#EXTINF:4,\n2.m4s\n#EXT-X-MAP:URI=\"j.mp4\"\n#EXTINF:4,\n3.m4s",
    );
    let maps: Vec<_> =
        listed.iter().map(|segment| segment.init.as_ref().map(|map| (map.uri.as_str(), map.byte_range))).collect();
    let first = Some(("i.mp4", range(20, 600)));
    assert_eq!(maps, [None, first, first, Some(("j.mp4", None))]);
}

#[test]
fn h058_a_map_has_a_uri_an_offset_and_an_iv_if_encrypted() {
    tolerated(&around("#EXT-X-MAP:BYTERANGE=\"1@0\"\n#EXTINF:4,\na"), "H058", ErrorCode::ManifestMissing);
    tolerated(&around("#EXT-X-MAP:URI=\"i\",BYTERANGE=\"600\"\n#EXTINF:4,\na"), "H058", ErrorCode::ManifestSyntax);
    refused(around("#EXT-X-MAP:URI=\"i\",BYTERANGE=\"x\"\n#EXTINF:4,\na"), "H058", ErrorCode::ManifestSyntax);
    let encrypted = "#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXT-X-MAP:URI=\"i\"\n#EXTINF:4,\na";
    tolerated(&around(encrypted), "H058", ErrorCode::ManifestContradiction);
}

#[test]
fn h059_a_date_applies_to_the_next_segment_and_is_utc_without_a_zone() {
    for (written, means) in [
        ("2026-05-01T10:00:00.250+02:00", "2026-05-01T08:00:00.250Z"),
        ("2026-05-01T08:00:00.25", "2026-05-01T08:00:00.250Z"),
    ] {
        let listed = segments(&format!("#EXTINF:4,\na.ts\n#EXT-X-PROGRAM-DATE-TIME:{written}\n#EXTINF:4,\nb.ts"));
        assert_eq!(listed[1].program_date_time, parse_date_time(means));
    }
    tolerated(&around("#EXT-X-PROGRAM-DATE-TIME:now\n#EXTINF:4,\na"), "H059", ErrorCode::ManifestSyntax);
}

#[test]
fn h060_of_overlapping_times_the_later_segment_wins() {
    let listed = segments(
        "#EXT-X-PROGRAM-DATE-TIME:2026-05-01T00:00:00Z\n#EXTINF:4,\na.ts\n#EXT-X-PROGRAM-DATE-TIME:2026-05-01T00:00:03.5Z\n#EXTINF:4,\nb.ts\n#EXTINF:4,\nc.ts",
    );
    let times: Vec<_> = listed.iter().map(|segment| segment.program_date_time).collect();
    let expected = ["00:00:00Z", "00:00:03.500Z", "00:00:07.500Z"];
    assert_eq!(times, expected.map(|time| parse_date_time(&format!("2026-05-01T{time}"))));
}

#[test]
fn h061_times_are_carried_backward_and_forward() {
    let listed = segments(
        "#EXTINF:4,\na.ts\n#EXTINF:3,\nb.ts\n#EXT-X-PROGRAM-DATE-TIME:2026-05-01T00:00:07Z\n#EXTINF:4,\nc.ts\n#EXTINF:4,\nd.ts",
    );
    let times: Vec<_> = listed.iter().map(|segment| segment.program_date_time).collect();
    let expected = ["00:00:00Z", "00:00:04Z", "00:00:07Z", "00:00:11Z"];
    assert_eq!(times, expected.map(|time| parse_date_time(&format!("2026-05-01T{time}"))));
}

#[test]
fn dates_on_each_segment_of_a_regular_list_cost_one_anchor_a_block() {
    let mut body = String::new();
    for i in 0..900 {
        let millis = i * 2_002;
        body.push_str(&format!(
            "#EXT-X-PROGRAM-DATE-TIME:2026-05-01T00:{:02}:{:02}.{:03}Z\n#EXTINF:2.002,\n{i}.ts\n",
            millis / 60_000,
            millis / 1000 % 60,
            millis % 1000
        ));
    }
    let playlist = clean_media(&around(body.trim_end()));
    assert_eq!(playlist.index.program_date_time.len(), 4, "one for each 256 segments");
    assert_eq!(playlist.index.wall_time_of(899), parse_date_time("2026-05-01T00:29:59.798Z"));
}

#[test]
fn content_that_repeats_with_the_same_date_keeps_both_anchors() {
    let again = "#EXT-X-PROGRAM-DATE-TIME:2026-05-01T00:00:00Z\n#EXTINF:4,\na.ts";
    let listed = segments(&format!("{again}\n#EXT-X-DISCONTINUITY\n{again}"));
    assert_eq!(listed[0].program_date_time, listed[1].program_date_time);
}

#[test]
fn h062_gaps_are_marked() {
    let listed =
        segments("#EXTINF:4,\na.ts\n#EXT-X-GAP\n#EXTINF:4,\nb.ts\n#EXTINF:4,\n#EXT-X-GAP\nc.ts\n#EXTINF:4,\nd.ts");
    assert_eq!(listed.iter().map(|segment| segment.gap).collect::<Vec<_>>(), [false, true, true, false]);
}

#[test]
fn h063_bitrates_hold_until_the_next_but_not_for_byte_ranges() {
    let listed = segments(
        "#EXTINF:4,\na.ts\n#EXT-X-BITRATE:2500\n#EXTINF:4,\nb.ts\n#EXTINF:4,\n#EXT-X-BYTERANGE:9@0\nc.ts\n#EXTINF:4,\nd.ts\n#EXT-X-BITRATE:800\n#EXTINF:4,\ne.ts",
    );
    assert_eq!(
        listed.iter().map(|segment| segment.bitrate).collect::<Vec<_>>(),
        [None, Some(2_500_000), None, Some(2_500_000), Some(800_000)]
    );
    tolerated(&around("#EXT-X-BITRATE:x\n#EXTINF:4,\na"), "H063", ErrorCode::ManifestSyntax);
}

/// A low-latency playlist with a part target of one second.
fn low_latency(body: &str) -> String {
    live(&format!(
        "#EXT-X-PART-INF:PART-TARGET=1.0\n#EXT-X-SERVER-CONTROL:PART-HOLD-BACK=3.0,CAN-BLOCK-RELOAD=YES\n#EXT-X-MEDIA-SEQUENCE:10\n{body}"
    ))
}

#[test]
fn h064_parts_belong_to_the_segment_behind_them_and_the_last_ones_to_a_growing_one() {
    let playlist = clean_media(&low_latency(
        "#EXTINF:4,\n10.mp4\n#EXT-X-PART:DURATION=1,URI=\"11.0\",INDEPENDENT=YES\n#EXT-X-PART:DURATION=1,URI=\"11.1\"\n#EXTINF:2,\n11.mp4\n#EXT-X-PART:DURATION=0.5,URI=\"12.0\",GAP=YES",
    ));
    let parts: Vec<_> = playlist
        .index
        .parts
        .iter()
        .map(|segment| (segment.number, segment.parts.iter().map(|part| part.uri.as_str()).collect::<Vec<_>>()))
        .collect();
    assert_eq!(parts, [(11, vec!["11.0", "11.1"]), (12, vec!["12.0"])]);
    assert_eq!(playlist.index.table.end_number(), 12);
    assert!(playlist.index.parts[1].parts[0].gap);
    assert_eq!(playlist.index.parts[1].parts[0].duration, MediaTime::from_millis(500));
}

#[test]
fn h064_a_part_needs_uri_and_duration_within_bounds() {
    for wrong in ["DURATION=1", "URI=\"p\""] {
        tolerated(&low_latency(&format!("#EXT-X-PART:{wrong}")), "H064", ErrorCode::ManifestMissing);
    }
    let two =
        |first: &str| low_latency(&format!("#EXT-X-PART:{first}\n#EXT-X-PART:DURATION=0.2,URI=\"q\"\n#EXTINF:1,\na"));
    tolerated(&two("URI=\"p\",DURATION=1.001"), "H064", ErrorCode::ManifestContradiction);
    tolerated(&two("URI=\"p\",DURATION=0.849"), "H064", ErrorCode::ManifestContradiction);
    clean(&two("URI=\"p\",DURATION=0.85"));
    clean(&two("URI=\"p\",DURATION=0.3,INDEPENDENT=YES"));
    clean(&two("URI=\"p\",DURATION=0.3,GAP=YES"));
}

#[test]
fn h065_a_parts_byte_range_goes_on_in_the_same_resource() {
    let playlist = clean_media(&low_latency(
        "#EXT-X-PART:DURATION=1,URI=\"a\",BYTERANGE=\"100@0\"\n#EXT-X-PART:DURATION=1,URI=\"a\",BYTERANGE=\"50\"\n#EXTINF:2,\na\n#EXT-X-PART:DURATION=1,URI=\"b\",BYTERANGE=\"70@30\"",
    ));
    let ranges: Vec<_> =
        playlist.index.parts.iter().flat_map(|segment| segment.parts.iter().map(|part| part.byte_range)).collect();
    assert_eq!(ranges, [range(0, 100), range(100, 50), range(30, 70)]);
    for wrong in [
        "#EXT-X-PART:DURATION=1,URI=\"a\",BYTERANGE=\"100\"",
        "#EXT-X-PART:DURATION=1,URI=\"a\",BYTERANGE=\"9@0\"\n#EXTINF:1,\na\n#EXT-X-PART:DURATION=1,URI=\"a\",BYTERANGE=\"9\"",
    ] {
        tolerated(&low_latency(wrong), "H065", ErrorCode::ManifestMissing);
    }
}

#[test]
fn h066_tags_of_the_segment_stand_in_front_of_its_parts() {
    let good = low_latency(
        "#EXTINF:4,\na\n#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"i\"\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"k\"\n#EXT-X-PROGRAM-DATE-TIME:2026-05-01T00:00:00Z\n#EXT-X-PART:DURATION=1,URI=\"p\"",
    );
    let index = clean_media(&good).index;
    assert_eq!(index.discontinuity.get(11), Some(&1));
    assert_eq!(index.init.get(11).and_then(|map| map.as_ref()).map(|map| map.uri.as_str()), Some("i"));
    assert_eq!(index.keys.get(11).map(|keys| keys.len()), Some(1));
    assert_eq!(index.program_date_time.get(11).copied(), parse_date_time("2026-05-01T00:00:00Z"));
    for tag in [
        "#EXT-X-DISCONTINUITY",
        "#EXT-X-MAP:URI=\"i\"",
        "#EXT-X-KEY:METHOD=NONE",
        "#EXT-X-PROGRAM-DATE-TIME:2026-05-01T00:00:00Z",
    ] {
        let text = low_latency(&format!("#EXT-X-PART:DURATION=1,URI=\"p\"\n{tag}\n#EXTINF:1,\na"));
        tolerated(&text, "H066", ErrorCode::ManifestContradiction);
    }
}

#[test]
fn h067_independent_parts_are_marked() {
    let playlist = clean_media(&low_latency(
        "#EXT-X-PART:DURATION=1,URI=\"p\",INDEPENDENT=YES\n#EXT-X-PART:DURATION=1,URI=\"q\",INDEPENDENT=NO",
    ));
    let marks: Vec<bool> = playlist.index.parts[0].parts.iter().map(|part| part.independent).collect();
    assert_eq!(marks, [true, false]);
}

#[test]
fn h076_what_trailing_tags_say_holds_for_the_part_that_is_hinted() {
    let index = clean_media(&low_latency(
        "#EXTINF:4,\na\n#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"new\"\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p\"",
    ))
    .index;
    assert_eq!(index.discontinuity.get(11), Some(&1));
    assert_eq!(index.init.get(11).and_then(|map| map.as_ref()).map(|map| map.uri.as_str()), Some("new"));
    assert_eq!(index.discontinuity.get(10).copied().unwrap_or(0), 0);
}
