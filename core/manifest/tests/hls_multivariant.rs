//! Multivariant playlists: rfc8216bis 4.4.6 (H080–H101, HX04, HX05, HX07, HX16, HX17).

#![allow(clippy::expect_used, clippy::panic)]

mod hls_support;

use hls_support::*;
use telecine_manifest::hls::Mode;
use telecine_model::protection::KeyMethod;
use telecine_model::{Codec, DeclaredQuality, ErrorCode, Presentation, Rendition, Segments, TrackKind};

/// A playlist of these variants (attributes behind the bandwidth), `head` in front of them.
fn playlist(head: &str, variants: &[&str]) -> String {
    let mut text = format!("#EXTM3U\n#EXT-X-VERSION:13\n{head}\n");
    for (i, attributes) in variants.iter().enumerate() {
        text.push_str(&format!("#EXT-X-STREAM-INF:BANDWIDTH={}{attributes}\nv{i}.m3u8\n", (i + 1) * 1000));
    }
    text
}

fn one(attributes: &str) -> Rendition {
    let presentation = clean_multivariant(&playlist("", &[&format!(",{attributes}")]));
    tracks(&presentation)[0].renditions[0].clone()
}

fn codecs(rendition: &Rendition) -> Vec<String> {
    rendition.codecs.iter().map(Codec::to_string).collect()
}

#[test]
fn every_variant_is_a_rendition_of_the_picture_in_order() {
    let presentation = clean_multivariant(&playlist(
        "",
        &[
            ",AVERAGE-BANDWIDTH=900,CODECS=\"avc1.64001f,mp4a.40.2\",RESOLUTION=1280x720,FRAME-RATE=23.976,VIDEO-RANGE=SDR",
            ",STABLE-VARIANT-ID=\"v-2\",SCORE=3.25,PATHWAY-ID=\"CDN-B\",SUPPLEMENTAL-CODECS=\"dvh1.08.07/db4h\"",
        ],
    ));
    assert_eq!(presentation.version.as_deref(), Some("13"));
    let period = &presentation.periods[0];
    assert_eq!((period.id.as_str(), period.tracks.len()), ("0", 1));
    let track = &period.tracks[0];
    assert_eq!((track.kind, track.default), (TrackKind::Video, true));
    let [first, second] = track.renditions.as_slice() else { panic!("two renditions") };
    assert_eq!(first.uri.as_deref(), Some("https://a.example/live/v0.m3u8"));
    assert_eq!((first.bandwidth, first.average_bandwidth), (1000, Some(900)));
    assert_eq!(codecs(first), ["avc1.64001f", "mp4a.40.2"]);
    assert_eq!((first.width, first.height, first.frame_rate), (Some(1280), Some(720), Some((24_000, 1001))));
    assert_eq!(first.video_range.as_deref(), Some("SDR"));
    assert_eq!(first.segments, Segments::Unloaded);
    assert_eq!((second.id.as_str(), second.quality), ("v-2", Some(DeclaredQuality::Score(3250))));
    assert_eq!(second.supplemental_codecs.as_deref(), Some("dvh1.08.07/db4h"));
    assert_ne!(first.id, second.id);
}

#[test]
fn a_playlist_of_sound_only_is_an_audio_track() {
    let presentation = clean_multivariant(&playlist("", &[",CODECS=\"mp4a.40.2\"", ",CODECS=\"ec-3\""]));
    assert_eq!(tracks(&presentation)[0].kind, TrackKind::Audio);
    for picture in [",RESOLUTION=640x360", ",FRAME-RATE=25", ",CODECS=\"avc1.42c01e\"", ""] {
        let presentation = clean_multivariant(&playlist("", &[",CODECS=\"mp4a.40.2\"", picture]));
        assert_eq!(tracks(&presentation)[0].kind, TrackKind::Video, "{picture}");
    }
}

const AUDIO: &str = "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"lo\",NAME=\"English\",LANGUAGE=\"en\",DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"2\",URI=\"lo/en.m3u8\"\n\
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"lo\",NAME=\"Deutsch\",LANGUAGE=\"de\",AUTOSELECT=YES,CHANNELS=\"2\",URI=\"lo/de.m3u8\"\n\
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"hi\",NAME=\"English\",LANGUAGE=\"en\",DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"2\",STABLE-RENDITION-ID=\"en-hi\",URI=\"hi/en.m3u8\"\n\
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"hi\",NAME=\"Deutsch\",LANGUAGE=\"de\",AUTOSELECT=YES,CHANNELS=\"2\"";

#[test]
fn the_same_name_in_several_groups_is_one_track_with_a_rendition_each() {
    let presentation = clean_multivariant(&playlist(
        AUDIO,
        &[
            ",CODECS=\"avc1.42c01e,mp4a.40.5\",AUDIO=\"lo\"",
            ",CODECS=\"avc1.640028,mp4a.40.2\",AUDIO=\"hi\"",
            ",CODECS=\"hvc1.2.4.L123,mp4a.40.2,wvtt\",AUDIO=\"hi\"",
        ],
    ));
    let [_, english, german] = tracks(&presentation) else { panic!("three tracks") };
    assert_eq!((english.kind, english.name.as_deref()), (TrackKind::Audio, Some("English")));
    assert_eq!(english.language.as_ref().map(ToString::to_string).as_deref(), Some("en"));
    assert!(english.default && english.autoselect && !german.default && german.autoselect);
    assert_eq!((english.channels, english.channel_layout.as_deref()), (Some(2), Some("2")));
    let [low, high] = english.renditions.as_slice() else { panic!("two renditions") };
    assert_eq!(low.uri.as_deref(), Some("https://a.example/live/lo/en.m3u8"));
    assert_eq!((low.groups.audio.as_deref(), low.bandwidth), (Some("lo"), 0));
    assert_eq!((codecs(low), codecs(high)), (vec!["mp4a.40.5".to_owned()], vec!["mp4a.40.2".to_owned()]));
    assert_eq!(high.id, "en-hi");
    assert_eq!(german.renditions[1].uri, None, "the media is in the variants");
    assert_ne!(english.id, german.id);
}

#[test]
fn what_differs_in_channels_or_characteristics_is_another_track() {
    let media = |more: &str| format!("#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"g\",NAME=\"{more}\",URI=\"u\"");
    let head = [
        media("A\",CHANNELS=\"2"),
        media("A\",CHANNELS=\"6").replace("\"g\"", "\"h\""),
        media("A\",CHANNELS=\"2\",CHARACTERISTICS=\"public.accessibility.describes-video").replace("\"g\"", "\"i\""),
    ]
    .join("\n");
    let presentation = clean_multivariant(&playlist(&head, &[""]));
    let ids: std::collections::BTreeSet<_> = tracks(&presentation).iter().map(|track| &track.id).collect();
    assert_eq!((tracks(&presentation).len(), ids.len()), (4, 4));
}

#[test]
fn characteristics_become_roles_and_are_kept_as_written() {
    let head = "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"AD\",CHARACTERISTICS=\"public.accessibility.describes-video,com.example.x\",URI=\"u\"\n\
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"SDH\",CHARACTERISTICS=\"public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound\",URI=\"u\"\n\
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"Easy\",CHARACTERISTICS=\"public.easy-to-read\",URI=\"u\"\n\
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"Plain\",URI=\"u\"\n\
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"Signs\",FORCED=YES,AUTOSELECT=YES,URI=\"u\"";
    let presentation = clean_multivariant(&playlist(head, &[""]));
    let roles: Vec<_> = tracks(&presentation)[1..].iter().map(|track| track.roles.join("+")).collect();
    assert_eq!(roles, ["description", "caption", "easyreader", "subtitle", "forced-subtitle"]);
    let schemes: Vec<_> = tracks(&presentation)[1].accessibility.iter().map(|d| d.scheme.as_str()).collect();
    assert_eq!(schemes, ["public.accessibility.describes-video", "com.example.x"]);
    assert!(tracks(&presentation)[5].forced);
}

#[test]
fn h080_media_needs_type_group_and_name() {
    for wrong in [
        "GROUP-ID=\"g\",NAME=\"n\"",
        "TYPE=AUDIO,NAME=\"n\"",
        "TYPE=AUDIO,GROUP-ID=\"g\"",
        "TYPE=CLOSED-CAPTIONS,GROUP-ID=\"g\",NAME=\"n\"",
    ] {
        tolerated(&variants(&format!("#EXT-X-MEDIA:{wrong}")), "H080", ErrorCode::ManifestMissing);
    }
    let with_uri = "#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"g\",NAME=\"n\",INSTREAM-ID=\"CC1\",URI=\"u\"";
    tolerated(&variants(with_uri), "H080", ErrorCode::ManifestContradiction);
}

#[test]
fn h081_subtitles_need_a_uri_and_others_may_be_in_the_variants() {
    tolerated(&variants("#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"g\",NAME=\"n\""), "H081", ErrorCode::ManifestMissing);
    let presentation = clean_multivariant(&variants("#EXT-X-MEDIA:TYPE=VIDEO,GROUP-ID=\"g\",NAME=\"Stands\""));
    let angle = &tracks(&presentation)[1];
    assert_eq!((angle.kind, angle.renditions[0].uri.as_ref()), (TrackKind::Video, None));
    assert_eq!(angle.renditions[0].groups.video.as_deref(), Some("g"));
}

#[test]
fn h082_default_implies_autoselect_and_forced_is_for_subtitles() {
    let media = |more: &str| variants(&format!("#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"g\",NAME=\"n\",{more}"));
    let presentation = clean_multivariant(&media("DEFAULT=YES"));
    assert!(tracks(&presentation)[1].autoselect);
    let presentation =
        as_multivariant(tolerated(&media("DEFAULT=YES,AUTOSELECT=NO"), "H082", ErrorCode::ManifestContradiction));
    assert!(tracks(&presentation)[1].autoselect);
    tolerated(&media("FORCED=NO"), "H082", ErrorCode::ManifestContradiction);
}

#[test]
fn h083_captions_name_their_channel() {
    let media = |id: &str| {
        variants(&format!(
            "#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"cc\",NAME=\"n\",LANGUAGE=\"en\",INSTREAM-ID=\"{id}\""
        ))
    };
    for id in ["CC1", "CC4", "SERVICE1", "SERVICE63"] {
        let presentation = clean_multivariant(&media(id));
        let track = &tracks(&presentation)[1];
        assert_eq!((track.kind, track.in_stream_id.as_deref()), (TrackKind::Text, Some(id)));
        assert_eq!(track.renditions[0].groups.closed_captions.as_deref(), Some("cc"));
        assert_eq!((track.roles.join("+").as_str(), track.renditions[0].uri.as_ref()), ("caption", None));
    }
    for id in ["CC5", "SERVICE0", "SERVICE64", "x"] {
        tolerated(&media(id), "H083", ErrorCode::ManifestSyntax);
    }
}

#[test]
fn h083_what_other_types_are_in_costs_them_nothing() {
    for kind in ["AUDIO", "VIDEO"] {
        let head =
            format!("#EXT-X-MEDIA:TYPE={kind},GROUP-ID=\"g\",NAME=\"n\",INSTREAM-ID=\"no such stream\",URI=\"u.m3u8\"");
        let presentation = clean_multivariant(&variants(&head));
        let track = &tracks(&presentation)[1];
        assert_eq!(track.in_stream_id.as_deref(), Some("no such stream"), "{kind}");
        assert_eq!(track.renditions[0].uri.as_deref(), Some("https://a.example/live/u.m3u8"), "{kind}");
    }
}

#[test]
fn h084_hx04_channels_begin_with_a_count_and_are_kept_as_written() {
    for (written, count) in [("6", Some(6)), ("16/JOC/IMMERSIVE", Some(16)), ("2/3OA/BINAURAL", Some(2)), ("x", None)] {
        let head = format!("#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"g\",NAME=\"n\",CHANNELS=\"{written}\"");
        let presentation = clean_multivariant(&variants(&head));
        let track = &tracks(&presentation)[1];
        assert_eq!((track.channels, track.channel_layout.as_deref()), (count, Some(written)));
        assert_eq!(track.renditions[0].channels, count);
    }
}

#[test]
fn h085_a_group_has_unique_names_and_one_default() {
    let media = |name: &str| format!("#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"g\",NAME=\"{name}\",DEFAULT=YES,URI=\"u\"");
    let text = variants(&[media("A"), media("B")].join("\n"));
    tolerated(&text, "H085", ErrorCode::ManifestContradiction);
    let text = variants(&[media("A"), media("A").replace("DEFAULT=YES", "DEFAULT=NO")].join("\n"));
    let presentation = as_multivariant(tolerated(&text, "H085", ErrorCode::ManifestContradiction));
    assert_eq!(tracks(&presentation).len(), 3, "both can be chosen");
    assert_ne!(tracks(&presentation)[1].id, tracks(&presentation)[2].id);
}

#[test]
fn h086_stable_ids_are_of_a_few_characters() {
    assert_eq!(one("STABLE-VARIANT-ID=\"aZ0+/=.-_\"").id, "aZ0+/=.-_");
    let text = playlist("", &[",STABLE-VARIANT-ID=\"a b\""]);
    tolerated(&text, "H086", ErrorCode::ManifestSyntax);
}

#[test]
fn h087_a_variant_needs_a_bandwidth_and_a_uri_line() {
    let text = "#EXTM3U\n#EXT-X-STREAM-INF:AVERAGE-BANDWIDTH=5\nv.m3u8\n";
    let presentation = as_multivariant(tolerated(text, "H087", ErrorCode::ManifestMissing));
    assert_eq!(tracks(&presentation)[0].renditions[0].bandwidth, 0);
    for text in [
        "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=5\n",
        "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=5\n#EXT-X-STREAM-INF:BANDWIDTH=6\nv.m3u8\n",
    ] {
        tolerated(text, "H087", ErrorCode::ManifestMissing);
    }
    let text = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=5\n# a comment\n\nv.m3u8\nstray.m3u8\n";
    let playlist = read(text, Mode::Strict).expect("readable");
    assert_eq!(rules(&playlist), ["H087"]);
    assert_eq!(tracks(&as_multivariant(playlist))[0].renditions.len(), 1);
}

#[test]
fn h087_a_group_that_a_variant_names_exists() {
    for group in ["AUDIO", "VIDEO", "SUBTITLES", "CLOSED-CAPTIONS"] {
        let text = playlist("", &[&format!(",{group}=\"nowhere\"")]);
        tolerated(&text, "H087", ErrorCode::ManifestMissing);
    }
}

#[test]
fn h088_h090_h092_h093_h094_selection_hints_are_read_as_written() {
    let rendition = one("SCORE=10.5,HDCP-LEVEL=TYPE-1,ALLOWED-CPC=\"com.example:A/B\",VIDEO-RANGE=NEW,SUPPLEMENTAL-CODECS=\"dvh1.08.07/db1p\"");
    assert_eq!(rendition.quality, Some(DeclaredQuality::Score(10_500)));
    assert_eq!(rendition.hdcp_level.as_deref(), Some("TYPE-1"));
    assert_eq!(rendition.allowed_cpc.as_deref(), Some("com.example:A/B"));
    assert_eq!(rendition.video_range.as_deref(), Some("NEW"));
    assert_eq!(rendition.supplemental_codecs.as_deref(), Some("dvh1.08.07/db1p"));
    let plain = one("X-NOTHING=1");
    assert_eq!((plain.quality, plain.hdcp_level, plain.video_range), (None, None, None));
}

#[test]
fn h089_missing_codecs_are_unknown_not_wrong() {
    let rendition = one("RESOLUTION=640x360");
    assert!(rendition.codecs.is_empty());
}

#[test]
fn h091_resolution_is_the_size_to_show() {
    let rendition = one("RESOLUTION=1920x800");
    assert_eq!((rendition.width, rendition.height), (Some(1920), Some(800)));
}

#[test]
fn h095_hx05_an_unknown_video_layout_costs_the_variant_and_its_uri() {
    for layout in ["CH-STEREO", "CH-STEREO,CH-MONO", "CH-STEREO/PROJ-HEQU,PROJ-RECT"] {
        assert_eq!(one(&format!("REQ-VIDEO-LAYOUT=\"{layout}\"")).video_layout.as_deref(), Some(layout));
    }
    let text = playlist("", &[",REQ-VIDEO-LAYOUT=\"CH-STEREO/PROJ-SPHERE\"", ""]);
    let playlist = read(text, Mode::Strict).expect("readable");
    assert_eq!(rules(&playlist), ["H095"]);
    let presentation = as_multivariant(playlist);
    let uris: Vec<_> = tracks(&presentation)[0].renditions.iter().filter_map(|r| r.uri.as_deref()).collect();
    assert_eq!(uris, ["https://a.example/live/v1.m3u8"]);
}

#[test]
fn h096_no_captions_are_said_on_all_variants() {
    let presentation = clean_multivariant(&playlist("", &[",CLOSED-CAPTIONS=NONE", ",CLOSED-CAPTIONS=NONE"]));
    assert_eq!(tracks(&presentation)[0].renditions[0].groups.closed_captions.as_deref(), Some("NONE"));
    let text = playlist("", &[",CLOSED-CAPTIONS=NONE", ""]);
    tolerated(&text, "H096", ErrorCode::ManifestContradiction);
}

#[test]
fn h097_without_a_pathway_it_is_the_dot() {
    assert_eq!(one("X-NOTHING=1").pathway.as_deref(), Some("."));
    assert_eq!(one("PATHWAY-ID=\"CDN-A\"").pathway.as_deref(), Some("CDN-A"));
}

#[test]
fn h098_i_frames_are_a_track_for_trick_play() {
    let head = "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=500,URI=\"i/360.m3u8\",RESOLUTION=640x360,CODECS=\"avc1.42c01e\"";
    let presentation = clean_multivariant(&playlist(head, &[",RESOLUTION=640x360"]));
    let [main, trick] = tracks(&presentation) else { panic!("two tracks") };
    assert_eq!((trick.kind, trick.trick_mode_for.as_slice()), (TrackKind::Video, std::slice::from_ref(&main.id)));
    let rendition = &trick.renditions[0];
    assert!(rendition.key_frames_only && !trick.default);
    assert_eq!(rendition.uri.as_deref(), Some("https://a.example/live/i/360.m3u8"));
    tolerated(&variants("#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1"), "H098", ErrorCode::ManifestMissing);
    tolerated(&variants("#EXT-X-I-FRAME-STREAM-INF:URI=\"i\""), "H098", ErrorCode::ManifestMissing);
}

#[test]
fn h099_session_data_is_a_value_or_a_place() {
    let presentation = clean_multivariant(&variants(
        "#EXT-X-SESSION-DATA:DATA-ID=\"com.example.title\",VALUE=\"Title\",LANGUAGE=\"en\",FORMAT=RAW\n\
         #EXT-X-SESSION-DATA:DATA-ID=\"com.example.title\",VALUE=\"Titel\",LANGUAGE=\"de\"\n\
         #EXT-X-SESSION-DATA:DATA-ID=\"com.example.more\",URI=\"more.json\"\n\
         #EXT-X-SESSION-DATA:DATA-ID=\"com.example.raw\",URI=\"raw.bin\",FORMAT=RAW",
    ));
    let data = &presentation.session_data;
    assert_eq!(data[0].value.as_deref(), Some("Title"));
    assert_eq!(data[0].format, "JSON", "a format without a URI says nothing");
    assert_eq!(data[1].language.as_deref(), Some("de"));
    assert_eq!(data[2].uri.as_deref(), Some("https://a.example/live/more.json"));
    assert_eq!((data[2].format.as_str(), data[3].format.as_str()), ("JSON", "RAW"));
    tolerated(&variants("#EXT-X-SESSION-DATA:VALUE=\"v\""), "H099", ErrorCode::ManifestMissing);
    for wrong in ["VALUE=\"v\",URI=\"u\"", "LANGUAGE=\"en\""] {
        let text = variants(&format!("#EXT-X-SESSION-DATA:DATA-ID=\"d\",{wrong}"));
        tolerated(&text, "H099", ErrorCode::ManifestContradiction);
    }
    let twice =
        variants("#EXT-X-SESSION-DATA:DATA-ID=\"d\",VALUE=\"1\"\n#EXT-X-SESSION-DATA:DATA-ID=\"d\",VALUE=\"2\"");
    let presentation = as_multivariant(tolerated(&twice, "H099", ErrorCode::ManifestContradiction));
    assert_eq!(presentation.session_data[0].value.as_deref(), Some("1"));
}

#[test]
fn hx16_hx17_localised_names_and_media_settings_are_session_data() {
    for id in ["_hls.localized-rendition-names", "_hls.media-presentation-settings"] {
        let head = format!("#EXT-X-SESSION-DATA:DATA-ID=\"{id}\",URI=\"n.json\"");
        assert_eq!(clean_multivariant(&variants(&head)).session_data[0].id, id);
    }
}

#[test]
fn h100_session_keys_protect_every_variant() {
    let presentation = clean_multivariant(&playlist(
        "#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI=\"skd://asset\",KEYFORMAT=\"com.apple.streamingkeydelivery\",KEYFORMATVERSIONS=\"1\"\n\
         #EXT-X-SESSION-KEY:METHOD=SAMPLE-AES-CTR,URI=\"data:text/plain;base64,AAAAOHBzc2g=\",KEYFORMAT=\"urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed\"\n\
         #EXT-X-SESSION-KEY:METHOD=AES-128,URI=\"../key\"",
        &["", ""],
    ));
    assert_eq!(presentation.session_keys[0].method, KeyMethod::SampleAes);
    assert_eq!(presentation.session_keys[2].uri.as_deref(), Some("https://a.example/key"));
    for rendition in &tracks(&presentation)[0].renditions {
        let [fairplay, widevine, identity] = rendition.protection.as_slice() else { panic!("three systems") };
        assert_eq!((fairplay.scheme.as_str(), fairplay.uri.as_deref()), ("SAMPLE-AES", Some("skd://asset")));
        assert_eq!(fairplay.key_format.as_deref(), Some("com.apple.streamingkeydelivery"));
        assert_eq!(widevine.system.as_deref(), Some("edef8ba9-79d6-4ace-a3c8-27dcd51d21ed"));
        assert_eq!(widevine.pssh.as_deref(), Some("AAAAOHBzc2g="));
        assert_eq!(identity.key_format.as_deref(), Some("identity"));
    }
    tolerated(&variants("#EXT-X-SESSION-KEY:METHOD=NONE"), "H100", ErrorCode::ManifestContradiction);
}

#[test]
fn hx07_a_session_key_stands_once() {
    let key = "#EXT-X-SESSION-KEY:METHOD=AES-128,URI=\"k\"";
    let text = variants(&format!("{key}\n{key}"));
    let presentation = as_multivariant(tolerated(&text, "HX07", ErrorCode::ManifestContradiction));
    assert_eq!(presentation.session_keys.len(), 1);
}

#[test]
fn h101_steering_has_a_server_and_maybe_a_first_pathway() {
    let steering = |attributes: &str| {
        clean_multivariant(&variants(&format!("#EXT-X-CONTENT-STEERING:{attributes}"))).steering.expect("given")
    };
    let plain = steering("SERVER-URI=\"/steer?a=1\",PATHWAY-ID=\"CDN-A\"");
    assert_eq!((plain.uri.as_str(), plain.initial.join("+").as_str()), ("https://a.example/steer?a=1", "CDN-A"));
    let data = "data:application/json,{\"a\":\"x/../y\"}".replace('"', "'");
    assert_eq!(steering(&format!("SERVER-URI=\"{data}\"")).uri, data);
    tolerated(&variants("#EXT-X-CONTENT-STEERING:PATHWAY-ID=\"a\""), "H101", ErrorCode::ManifestMissing);
    let tag = "#EXT-X-CONTENT-STEERING:SERVER-URI=\"s\"";
    tolerated(&variants(&format!("{tag}\n{tag}")), "H101", ErrorCode::ManifestContradiction);
}

#[test]
fn a_media_playlist_fills_in_what_the_presentation_lacks() {
    let mut presentation: Presentation = clean_multivariant(&variants(""));
    assert!(!presentation.live && presentation.duration.is_none());
    clean_media(&around("#EXTINF:4,\na.ts\n#EXTINF:2.5,\nb.ts")).apply_to(&mut presentation);
    let seconds = telecine_model::MediaTime::from_millis(6500);
    assert_eq!((presentation.live, presentation.duration), (false, Some(seconds)));
    assert_eq!(presentation.periods[0].duration, Some(seconds));
    clean_media(&live("#EXTINF:4,\na.ts")).apply_to(&mut presentation);
    assert_eq!((presentation.live, presentation.duration), (true, None));
    assert_eq!(presentation.target_duration, Some(telecine_model::MediaTime::from_secs(4)));
}

#[test]
fn a_media_playlist_alone_is_a_presentation_of_one_rendition() {
    let playlist = clean_media(&around(
        "#EXT-X-BITRATE:500\n#EXT-X-KEY:METHOD=AES-128,URI=\"k1\"\n#EXTINF:4,\na.aac\n#EXT-X-KEY:METHOD=AES-128,URI=\"k2\"\n#EXTINF:4,\nb.aac",
    ));
    let presentation = playlist.clone().into_presentation();
    let track = &tracks(&presentation)[0];
    assert_eq!((track.kind, track.renditions.len()), (TrackKind::Audio, 1));
    let rendition = &track.renditions[0];
    assert_eq!((rendition.bandwidth, rendition.uri.as_deref()), (500_000, Some(BASE)));
    assert_eq!(rendition.protection.len(), 1, "rotated keys are one protection");
    assert_eq!(rendition.segments.known(), Some(&playlist.index));
    let muxed = clean_media(&around("#EXTINF:4,\na.ts")).into_presentation();
    assert_eq!(tracks(&muxed)[0].kind, TrackKind::Video);
}
