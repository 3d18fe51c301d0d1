//! Values were read from the playlists by hand.

use crate::common::{file_url, folder, has_fields, has_the_fields_of_inspect, telecine, telecine_in, tracks};
use serde_json::{json, Value};

const MAIN: &str = r#"#EXTM3U
#EXT-X-VERSION:6
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-CONTENT-STEERING:SERVER-URI="/steer?v=1",PATHWAY-ID="A"
#EXT-X-SESSION-DATA:DATA-ID="com.example.title",VALUE="A Title",LANGUAGE="en"
#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI="skd://key",KEYFORMAT="com.apple.streamingkeydelivery",KEYFORMATVERSIONS="1"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="aac",NAME="English",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="en.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="aac",NAME="Français",LANGUAGE="fr",AUTOSELECT=YES,CHANNELS="6",URI="fr.m3u8"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subs",NAME="Forced",LANGUAGE="en",AUTOSELECT=YES,FORCED=YES,URI="subs.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=1280000,AVERAGE-BANDWIDTH=1000000,CODECS="avc1.4d401f,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=29.970,VIDEO-RANGE=SDR,SCORE=2.5,AUDIO="aac",SUBTITLES="subs",PATHWAY-ID="A"
hd.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=400000,CODECS="avc1.42c00d,mp4a.40.2",RESOLUTION=416x234,AUDIO="aac",SUBTITLES="subs",PATHWAY-ID="A"
sd.m3u8
"#;

fn child(seconds: &[&str]) -> String {
    let mut text = "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:6\n#EXT-X-PLAYLIST-TYPE:VOD\n".to_owned();
    for (place, duration) in seconds.iter().enumerate() {
        text.push_str(&format!("#EXTINF:{duration},\n{place}.ts\n"));
    }
    text + "#EXT-X-ENDLIST\n"
}

fn title() -> tempfile::TempDir {
    let picture = child(&["6.006", "5.5", "3"]);
    folder(&[
        ("main.m3u8", MAIN),
        ("hd.m3u8", &picture),
        ("sd.m3u8", &picture),
        ("en.m3u8", &child(&["6", "6", "2.5"])),
        ("fr.m3u8", &child(&["6", "6", "2.5"])),
        ("subs.m3u8", &child(&["14.5"]).replace(":6\n#EXT-X-PLAY", ":15\n#EXT-X-PLAY")),
    ])
}

#[test]
fn tracks_and_renditions_carry_what_the_playlist_says() {
    let folder = title();
    let document = telecine_in(folder.path(), ["inspect", "main.m3u8", "--json"]).ok();
    has_the_fields_of_inspect(&document);
    assert_eq!(document["kind"], "multivariant");
    assert_eq!(document["version"], 6);
    assert_eq!(document["live"], false);
    assert_eq!(document["duration_s"], 14.506);
    assert_eq!(document["steering"], json!({"uri": file_url_root("/steer?v=1"), "pathway": "A"}));
    assert_eq!(document["session_data"][0]["id"], "com.example.title");
    assert_eq!(document["session_data"][0]["value"], "A Title");
    assert_eq!(
        document["session_keys"],
        json!([{"method": "SAMPLE-AES", "uri": "skd://key", "iv": null, "key_format": "com.apple.streamingkeydelivery"}])
    );
    let video = tracks(&document["periods"][0], "video");
    assert_eq!(video.len(), 1, "{video:#?}");
    has_fields(
        video[0],
        &["id", "kind", "language", "name", "roles", "default", "autoselect", "forced", "channels", "renditions"],
    );
    let renditions = video[0]["renditions"].as_array().unwrap();
    assert_eq!(renditions.len(), 2);
    let hd = renditions.iter().find(|rendition| rendition["height"] == 720).unwrap();
    for (field, value) in [
        ("uri", json!(file_url(&folder, "hd.m3u8"))),
        ("bandwidth", json!(1_280_000)),
        ("average_bandwidth", json!(1_000_000)),
        ("codecs", json!("avc1.4d401f,mp4a.40.2")),
        ("width", json!(1280)),
        ("frame_rate", json!(29.97)),
        ("video_range", json!("SDR")),
        ("score", json!(2.5)),
        ("pathway", json!("A")),
        ("segment_count", json!(3)),
        ("segments", json!([])),
    ] {
        assert_eq!(hd[field], value, "{field}");
    }
    let sd = renditions.iter().find(|rendition| rendition["height"] == 234).unwrap();
    for field in ["average_bandwidth", "frame_rate", "score"] {
        assert_eq!(sd[field], Value::Null, "{field}");
    }
    let audio = tracks(&document["periods"][0], "audio");
    let french = audio.iter().find(|track| track["language"] == "fr").unwrap();
    assert_eq!((&french["name"], &french["channels"]), (&json!("Français"), &json!(6)));
    assert_eq!((&french["default"], &french["autoselect"]), (&json!(false), &json!(true)));
    assert_eq!(french["renditions"][0]["uri"], file_url(&folder, "fr.m3u8"));
    for rendition in audio.iter().map(|track| &track["renditions"][0]) {
        assert_eq!(rendition["bandwidth"], Value::Null, "EXT-X-MEDIA has no BANDWIDTH: unknown is not 0");
    }
    let text = tracks(&document["periods"][0], "text");
    assert_eq!((text.len(), &text[0]["forced"]), (1, &json!(true)));
}

fn file_url_root(path: &str) -> String {
    format!("file://{path}")
}

#[test]
fn segments_are_listed_on_request_with_absolute_urls() {
    let folder = title();
    let document = telecine_in(folder.path(), ["inspect", "main.m3u8", "--segments", "--json"]).ok();
    let segments = &tracks(&document["periods"][0], "video")[0]["renditions"][0]["segments"];
    assert_eq!(segments.as_array().unwrap().len(), 3);
    assert_eq!(segments[1]["start_s"], 6.006);
    assert_eq!(segments[1]["duration_s"], 5.5);
    assert_eq!(segments[1]["uri"], file_url(&folder, "1.ts"));
    assert_eq!(segments[1]["number"], 1);
}

#[test]
fn shallow_fetches_no_child() {
    let folder = folder(&[("main.m3u8", MAIN)]);
    let file = folder.path().join("main.m3u8");
    let shallow = ["inspect", file.to_str().unwrap(), "--shallow", "--base", "https://a.example/t/main.m3u8", "--json"];
    let document = telecine(shallow).ok();
    let rendition = &tracks(&document["periods"][0], "video")[0]["renditions"][0];
    assert_eq!(rendition["uri"], "https://a.example/t/hd.m3u8");
    assert_eq!(rendition["segment_count"], Value::Null);
    assert_eq!(document["duration_s"], Value::Null);
}

#[test]
fn a_child_that_is_not_there_fails_the_inspection_and_is_named() {
    let folder = folder(&[("main.m3u8", MAIN)]);
    let run = telecine_in(folder.path(), ["inspect", "main.m3u8", "--json"]);
    assert_eq!((run.code, run.stdout.as_str()), (4, ""));
    assert!(run.stderr.contains("hd.m3u8"), "{}", run.stderr);
}
