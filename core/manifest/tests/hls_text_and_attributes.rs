//! Playlist files and attribute lists: rfc8216bis 4, 4.1, 4.2, 6.3.1 (H002–H016, H019, H102–H106).

#![allow(clippy::expect_used, clippy::panic)]

mod hls_support;

use hls_support::*;
use telecine_manifest::hls::{Mode, Playlist};
use telecine_model::{DeclaredQuality, ErrorCode, MediaTime, Place};

#[test]
fn h002_strict_fails_where_compat_warns() {
    let text = around("#EXTINF:4\na.ts");
    let playlist = as_media(tolerated(&text, "H047", ErrorCode::ManifestSyntax));
    assert_eq!(playlist.info.warnings[0].place, Place::Line(4));
    assert_eq!(uris(&playlist), ["https://a.example/live/a.ts"]);
}

#[test]
fn h003_a_byte_order_mark_is_a_fault_and_is_skipped() {
    let text = format!("\u{FEFF}{}", around("#EXTINF:4,\na.ts"));
    tolerated(&text, "H003", ErrorCode::ManifestEncoding);
}

#[test]
fn h003_bytes_that_are_not_utf_8_are_a_fault_and_are_replaced() {
    let text = [live("#EXTINF:4,Fran").trim_end().as_bytes(), b"\xE7ais\na.ts\n"].concat();
    let error = read(&text, Mode::Strict).expect_err("not UTF-8");
    assert_eq!((error.code(), error.place()), (ErrorCode::ManifestEncoding, Some(&Place::Line(4))));
    assert!(warned(&media(&text).info.warnings, "H003"));
}

#[test]
fn h004_control_characters_are_a_fault_and_are_left_out() {
    for bad in ["\0", "\x1B", "\u{7F}", "\u{85}", "\t"] {
        let text = around(&format!("#EXTINF:4,\na{bad}.ts"));
        let playlist = as_media(tolerated(&text, "H004", ErrorCode::ManifestSyntax));
        assert_eq!(uris(&playlist), ["https://a.example/live/a.ts"], "{bad:?}");
        assert_eq!(playlist.info.warnings[0].place, Place::Line(5));
    }
}

#[test]
fn h005_both_line_ends_blank_lines_and_comments_are_fine() {
    let text = around("\n# a comment\n#extinf:9,\n#EXTINF:4,\na.ts").replace('\n', "\r\n");
    assert_eq!(uris(&clean_media(&text)), ["https://a.example/live/a.ts"]);
}

#[test]
fn h005_a_last_line_without_an_end_counts() {
    assert_eq!(uris(&clean_media(&around("#EXTINF:4,\na.ts").replace("#EXT-X-ENDLIST\n", "#EXT-X-ENDLIST"))).len(), 1);
}

#[test]
fn h005_a_carriage_return_alone_ends_a_line_in_compat() {
    let text = around("#EXTINF:4,\na.ts").replace('\n', "\r");
    assert_eq!(uris(&as_media(tolerated(&text, "H005", ErrorCode::ManifestSyntax))).len(), 1);
}

#[test]
fn h006_h046_h079_tags_of_both_kinds_do_not_mix() {
    let media_first = around("#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8");
    refused(media_first, "H079", ErrorCode::ManifestContradiction);
    let multivariant_first = variants("").replace("v.m3u8", "v.m3u8\n#EXTINF:4,");
    let error = refused(multivariant_first, "H046", ErrorCode::ManifestContradiction);
    assert_eq!(error.place(), Some(&Place::Line(6)));
}

#[test]
fn h007_a_playlist_of_neither_kind_is_an_empty_multivariant_one() {
    let presentation = clean_multivariant("#EXTM3U\n#EXT-X-VERSION:6\n");
    assert!(presentation.periods.len() == 1 && tracks(&presentation).is_empty());
}

#[test]
fn h007_a_media_playlist_without_segments_is_valid_and_empty() {
    let playlist = clean_media(&live("#EXT-X-MEDIA-SEQUENCE:7"));
    assert!(playlist.index.table.is_empty());
    assert_eq!(playlist.index.table.end_number(), 7);
}

#[test]
fn h008_references_resolve_against_the_playlists_own_url() {
    let playlist =
        clean_media(&around("#EXTINF:4,\n../x/a.ts?q=~%2F+=\n#EXTINF:4,\n/b.ts\n#EXTINF:4,\nhttp://c.example/c.ts"));
    assert_eq!(
        uris(&playlist),
        ["https://a.example/x/a.ts?q=~%2F+=", "https://a.example/b.ts", "http://c.example/c.ts"]
    );
}

#[test]
fn h019_the_first_line_is_extm3u() {
    tolerated("\n#EXTM3U\n#EXT-X-VERSION:4\n", "H019", ErrorCode::ManifestSyntax);
    tolerated("#EXTM3U x=y\n", "H019", ErrorCode::ManifestSyntax);
    refused("#EXT-X-VERSION:4\n#EXTM3U\n", "H019", ErrorCode::NotAManifest);
}

#[test]
fn what_is_no_playlist_is_named() {
    for (bytes, word) in [
        (&b""[..], "empty"),
        (b" \n ", "empty"),
        (b"<!DOCTYPE html><html>", "HTML"),
        (b"<HTML>", "HTML"),
        (b"<?xml version=\"1.0\"?>\n<!-- x --><MPD xmlns=\"u\">", "DASH"),
        (b"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>", "XML"),
        (b"{\"error\": 1}", "JSON"),
        (b"\x1F\x8B\x08\0", "gzip"),
        (b"\xFF\xFE#\0E\0", "UTF-16"),
        (b"\0\0\0\x18ftypiso6", "media"),
        (b"hello", "#EXTM3U"),
    ] {
        let error = read(bytes, Mode::Compat).expect_err("no playlist");
        assert_eq!(error.code(), ErrorCode::NotAManifest);
        assert!(error.message().contains(word), "{error}");
    }
}

#[test]
fn hx01_white_space_around_a_line_is_a_fault() {
    let text = around("#EXTINF:4,\n  a.ts ");
    assert_eq!(uris(&as_media(tolerated(&text, "HX01", ErrorCode::ManifestSyntax))), ["https://a.example/live/a.ts"]);
    clean(&around("#EXTINF:4,a title \na.ts"));
}

#[test]
fn an_error_names_the_url_without_its_secrets() {
    let error = read(around("#EXT-X-STREAM-INF:"), Mode::Compat).expect_err("mixed");
    let url = &error.facts()["url"];
    assert!(url.starts_with("https://a.example/live/main.m3u8?token=~"), "{url}");
}

/// A variant with these attributes behind its bandwidth.
fn variant(attributes: &str) -> String {
    format!("#EXTM3U\n#EXT-X-VERSION:12\n#EXT-X-STREAM-INF:BANDWIDTH=1000,{attributes}\nv.m3u8\n")
}

#[test]
fn h009_white_space_and_pieces_without_a_value_are_faults() {
    for attributes in [
        "SCORE=1.5, FRAME-RATE=25",
        "SCORE = 1.5,FRAME-RATE=25",
        "SCORE=1.5 ,FRAME-RATE=25",
        "SCORE=1.5,oops,FRAME-RATE=25",
        "SCORE=1.5,lower=1,FRAME-RATE=25",
        "SCORE=1.5,NAME=\"a\"b,FRAME-RATE=25",
        "SCORE=1.5,EMPTY=,FRAME-RATE=25",
    ] {
        let presentation = as_multivariant(tolerated(&variant(attributes), "H009", ErrorCode::ManifestSyntax));
        let rendition = &tracks(&presentation)[0].renditions[0];
        assert_eq!(
            (rendition.quality, rendition.frame_rate),
            (Some(DeclaredQuality::Score(1500)), Some((25, 1))),
            "{attributes}"
        );
    }
}

#[test]
fn h010_integers_reach_to_the_last_of_64_bits() {
    let presentation = clean_multivariant(&variant("AVERAGE-BANDWIDTH=18446744073709551615"));
    assert_eq!(tracks(&presentation)[0].renditions[0].average_bandwidth, Some(u64::MAX));
    for wrong in ["18446744073709551616", "-1", "+1", "1.0", "x"] {
        let text = variant(&format!("AVERAGE-BANDWIDTH={wrong}"));
        let presentation = as_multivariant(tolerated(&text, "H010", ErrorCode::ManifestSyntax));
        assert_eq!(tracks(&presentation)[0].renditions[0].average_bandwidth, None);
    }
}

#[test]
fn h011_hexadecimal_sequences_have_a_prefix_and_upper_case_digits() {
    let key = |iv| around(&format!("#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV={iv}\n#EXTINF:4,\na.ts"));
    for iv in ["0x0102030405060708090A0B0C0D0E0F10", "0X102030405060708090A0B0C0D0E0F10"] {
        let playlist = clean_media(&key(iv));
        let iv = playlist.index.get(0).expect("listed").keys[0].iv.expect("given");
        assert_eq!(iv, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
    }
    let lower = as_media(tolerated(&key("0xab"), "H011", ErrorCode::ManifestSyntax));
    assert_eq!(lower.index.get(0).expect("listed").keys[0].iv.expect("given")[15], 0xAB);
    for wrong in ["0xGG", "12", "0x", "0x102030405060708090A0B0C0D0E0F1011"] {
        refused(key(wrong), "H011", ErrorCode::ManifestSyntax);
    }
}

#[test]
fn h012_decimals_are_positional_only() {
    for wrong in ["1e3", "-1", "inf", "NaN", "1,5"] {
        let text = variant(&format!("SCORE={wrong}"));
        let playlist = read(&text, Mode::Compat).expect("read on");
        let rules = rules(&playlist);
        assert!(rules.contains(&"H012".into()) || wrong == "1,5", "{wrong}: {rules:?}");
    }
}

#[test]
fn h013_quoted_strings_hold_commas_and_are_not_empty() {
    let presentation = clean_multivariant(&variants("#EXT-X-SESSION-DATA:DATA-ID=\"a,b=c\",VALUE=\"\""));
    assert_eq!(presentation.session_data[0].id, "a,b=c");
    assert_eq!(presentation.session_data[0].value.as_deref(), Some(""));
    for wrong in ["ALLOWED-CPC=\"\"", "ALLOWED-CPC=x", "HDCP-LEVEL=\"NONE\"", "ALLOWED-CPC=\"open"] {
        tolerated(&variant(wrong), "H013", ErrorCode::ManifestSyntax);
    }
}

#[test]
fn h014_unknown_members_of_a_list_are_ignored() {
    let playlist = clean_media(&around(
        "#EXT-X-PROGRAM-DATE-TIME:2026-05-01T00:00:00Z\n#EXT-X-DATERANGE:ID=\"a\",START-DATE=\"2026-05-01T00:00:00Z\",CUE=\"NEW,ONCE,PRE\"\n#EXTINF:4,\na.ts",
    ));
    assert_eq!(playlist.info.date_ranges[0].cue, ["ONCE", "PRE"]);
}

#[test]
fn h015_resolutions_are_two_integers() {
    let presentation = clean_multivariant(&variant("RESOLUTION=1920x1080"));
    let rendition = &tracks(&presentation)[0].renditions[0];
    assert_eq!((rendition.width, rendition.height), (Some(1920), Some(1080)));
    for wrong in ["1920", "1920X1080", "x", "1920x99999999999"] {
        tolerated(&variant(&format!("RESOLUTION={wrong}")), "H015", ErrorCode::ManifestSyntax);
    }
}

#[test]
fn h016_a_name_given_twice_is_refused_or_the_first_counts() {
    let text = variant("SCORE=1,SCORE=2");
    let presentation = as_multivariant(tolerated(&text, "H016", ErrorCode::ManifestContradiction));
    assert_eq!(tracks(&presentation)[0].renditions[0].quality, Some(DeclaredQuality::Score(1000)));
}

#[test]
fn h102_unknown_tags_are_ignored_and_kept() {
    let playlist = clean_media(&around("#EXT-X-CUE-OUT:30\n#EXTINF:4,\na.ts\n#EXT-OTHER"));
    let unknown: Vec<_> = playlist.info.unknown_tags.iter().map(|tag| (tag.line, tag.text.as_str())).collect();
    assert_eq!(unknown, [(4, "#EXT-X-CUE-OUT:30"), (7, "#EXT-OTHER")]);
    assert_eq!(clean_multivariant(&variants("#EXT-X-NEW")).unknown_tags.len(), 1);
}

#[test]
fn h103_an_unknown_requirement_costs_the_tag_and_h106_its_uri() {
    for mode in [Mode::Strict, Mode::Compat] {
        let playlist = read(variant("REQ-SMELL=YES"), mode).expect("readable");
        assert!(rules(&playlist).contains(&"H103".to_owned()));
        assert!(tracks(&as_multivariant(playlist)).is_empty());
    }
}

#[test]
fn h104_other_unknown_attributes_are_ignored() {
    let presentation = clean_multivariant(&variant("PROGRAM-ID=1,X-NEW=\"a,b\""));
    assert_eq!(tracks(&presentation)[0].renditions.len(), 1);
}

#[test]
fn h105_an_unknown_value_of_a_known_attribute_costs_the_tag() {
    for (body, left) in [
        ("#EXT-X-MEDIA:TYPE=SMELL,GROUP-ID=\"g\",NAME=\"n\"", 1),
        ("#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"g\",NAME=\"n\",DEFAULT=MAYBE", 1),
        ("#EXT-X-STREAM-INF:BANDWIDTH=1,HDCP-LEVEL=TYPE-9\nignored.m3u8", 1),
    ] {
        let playlist = read(variants(body), Mode::Strict).expect("readable");
        assert_eq!(rules(&playlist), ["H105"], "{body}");
        let presentation = as_multivariant(playlist);
        assert_eq!(tracks(&presentation).len(), left);
        assert_eq!(tracks(&presentation)[0].renditions.len(), 1);
    }
    let playlist = read(around("#EXT-X-PLAYLIST-TYPE:NEW\n#EXTINF:4,\na.ts"), Mode::Strict).expect("readable");
    assert_eq!(rules(&playlist), ["H105"]);
}

#[test]
fn faults_that_repeat_are_told_some_times_and_then_counted() {
    let mut body = String::new();
    for i in 0..500 {
        body.push_str(&format!("#EXTINF:4\n{i}.ts\n"));
    }
    let Playlist::Media(playlist) = read(around(body.trim_end()), Mode::Compat).expect("readable") else {
        panic!("a media playlist");
    };
    assert_eq!(playlist.info.warnings.len(), 21);
    assert!(playlist.info.warnings[20].message.starts_with("480 more"));
    assert_eq!(playlist.duration(), MediaTime::from_secs(2000));
}
