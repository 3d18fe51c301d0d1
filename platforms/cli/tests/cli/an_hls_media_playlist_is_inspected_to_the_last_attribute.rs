//! Every value below was read from the playlist by hand.

use crate::common::{folder, telecine};
use serde_json::json;

const PLAYLIST: &str = r#"#EXTM3U
#EXT-X-VERSION:9
#EXT-X-TARGETDURATION:4
#EXT-X-MEDIA-SEQUENCE:100
#EXT-X-DISCONTINUITY-SEQUENCE:7
#EXT-X-START:TIME-OFFSET=-8.5,PRECISE=YES
#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=24.0,HOLD-BACK=12.0,PART-HOLD-BACK=3.0,CAN-BLOCK-RELOAD=YES
#EXT-X-PART-INF:PART-TARGET=1.0
#EXT-X-DEFINE:NAME="place",VALUE="media"
#EXT-X-MAP:URI="init.mp4",BYTERANGE="720@0"
#EXT-X-PROGRAM-DATE-TIME:2026-11-23T05:45:36.500Z
#EXT-X-DATERANGE:ID="ad-1",CLASS="x.ads",START-DATE="2026-11-23T05:45:38Z",DURATION=10.5,SCTE35-OUT=0xFC30,X-NOTE="hello"
#EXT-X-BITRATE:800
#EXTINF:3.996,
#EXT-X-BYTERANGE:1000@720
all.mp4
#EXTINF:4.004,
#EXT-X-BYTERANGE:2000
all.mp4
#EXT-X-DISCONTINUITY
#EXT-X-MAP:URI="init-2.mp4"
#EXT-X-KEY:METHOD=AES-128,URI="../keys/1.bin",IV=0x000102030405060708090a0b0c0d0e0f
#EXTINF:2,
{$place}/102.m4s
#EXT-X-KEY:METHOD=NONE
#EXT-X-GAP
#EXTINF:1.5,
gone.m4s
#EXT-X-PART:DURATION=1.0,URI="104.0.m4s",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.5,URI="104.m4s",BYTERANGE="50@10"
#EXTINF:1.5,
104.m4s
#EXT-X-PART:DURATION=1.0,URI="105.0.m4s",GAP=YES
"#;

#[test]
fn every_field_of_the_contract_has_its_value() {
    let folder = folder(&[("live.m3u8", PLAYLIST)]);
    let file = folder.path().join("live.m3u8");
    let base = "https://cdn.example/a/b/live.m3u8";
    let run = telecine(["inspect", file.to_str().unwrap(), "--base", base, "--segments", "--json"]);
    let document = run.ok();
    for (field, value) in [
        ("protocol", json!("hls")),
        ("kind", json!("media")),
        ("version", json!(9)),
        ("live", json!(true)),
        ("low_latency", json!(true)),
        ("duration_s", json!(null)),
        ("target_duration_s", json!(4.0)),
        ("steering", json!(null)),
        ("session_data", json!([])),
        ("session_keys", json!([])),
        ("define", json!({"place": "media"})),
        ("start", json!({"time_offset_s": -8.5, "precise": true})),
        (
            "server_control",
            json!({"can_skip_until_s": 24.0, "can_skip_date_ranges": false, "hold_back_s": 12.0,
                   "part_hold_back_s": 3.0, "can_block_reload": true}),
        ),
        (
            "date_ranges",
            json!([{"id": "ad-1", "class": "x.ads", "start_date": "2026-11-23T05:45:38.000Z", "cue": [],
                    "end_date": "2026-11-23T05:45:48.500Z", "duration_s": 10.5, "planned_duration_s": null,
                    "end_on_next": false, "scte35": {"SCTE35-OUT": "0xFC30"}, "client": {"X-NOTE": "hello"}}]),
        ),
    ] {
        assert_eq!(document[field], value, "{field}");
    }
    assert_eq!(document["periods"].as_array().unwrap().len(), 1);
    let tracks = document["periods"][0]["tracks"].as_array().unwrap();
    assert_eq!(tracks.len(), 1);
    let rendition = &tracks[0]["renditions"][0];
    assert_eq!(rendition["bandwidth"], json!(800_000), "the highest EXT-X-BITRATE");
    assert_eq!(
        rendition["protection"],
        json!([{"scheme": "AES-128", "system": null, "key_format": "identity", "default_kid": null,
                "uri": "https://cdn.example/a/keys/1.bin", "pssh": null}])
    );
    let first_init = json!({"uri": "https://cdn.example/a/b/init.mp4", "byte_range": {"offset": 0, "length": 720}});
    let second_init = json!({"uri": "https://cdn.example/a/b/init-2.mp4", "byte_range": null});
    let key = json!({"method": "AES-128", "uri": "https://cdn.example/a/keys/1.bin",
                     "iv": "0x000102030405060708090a0b0c0d0e0f", "key_format": "identity"});
    let segments = json!([
        {"number": 100, "start_s": 0.0, "duration_s": 3.996, "uri": "https://cdn.example/a/b/all.mp4",
         "byte_range": {"offset": 720, "length": 1000}, "init": first_init, "discontinuity": 7, "gap": false,
         "program_date_time": "2026-11-23T05:45:36.500Z", "key": null, "bitrate": null, "parts": []},
        {"number": 101, "start_s": 3.996, "duration_s": 4.004, "uri": "https://cdn.example/a/b/all.mp4",
         "byte_range": {"offset": 1720, "length": 2000}, "init": first_init, "discontinuity": 7, "gap": false,
         "program_date_time": "2026-11-23T05:45:40.496Z", "key": null, "bitrate": null, "parts": []},
        {"number": 102, "start_s": 8.0, "duration_s": 2.0, "uri": "https://cdn.example/a/b/media/102.m4s",
         "byte_range": null, "init": second_init, "discontinuity": 8, "gap": false,
         "program_date_time": "2026-11-23T05:45:44.500Z", "key": key, "bitrate": 800_000, "parts": []},
        {"number": 103, "start_s": 10.0, "duration_s": 1.5, "uri": "https://cdn.example/a/b/gone.m4s",
         "byte_range": null, "init": second_init, "discontinuity": 8, "gap": true,
         "program_date_time": "2026-11-23T05:45:46.500Z", "key": null, "bitrate": 800_000, "parts": []},
        {"number": 104, "start_s": 11.5, "duration_s": 1.5, "uri": "https://cdn.example/a/b/104.m4s",
         "byte_range": null, "init": second_init, "discontinuity": 8, "gap": false,
         "program_date_time": "2026-11-23T05:45:48.000Z", "key": null, "bitrate": 800_000, "parts": [
            {"duration_s": 1.0, "uri": "https://cdn.example/a/b/104.0.m4s", "byte_range": null,
             "independent": true, "gap": false},
            {"duration_s": 0.5, "uri": "https://cdn.example/a/b/104.m4s", "byte_range": {"offset": 10, "length": 50},
             "independent": false, "gap": false}]},
    ]);
    for (found, expected) in rendition["segments"].as_array().unwrap().iter().zip(segments.as_array().unwrap()) {
        assert_eq!(found, expected);
    }
    assert_eq!(rendition["segments"].as_array().unwrap().len(), 5);
    assert_eq!(rendition["growing"]["number"], 105);
    assert_eq!(rendition["growing"]["parts"][0]["gap"], true);
}

#[test]
fn a_bandwidth_that_no_playlist_says_is_null() {
    let folder = folder(&[("vod.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\na.ts\n#EXT-X-ENDLIST\n")]);
    let file = folder.path().join("vod.m3u8");
    let document = telecine(["inspect", file.to_str().unwrap(), "--json"]).ok();
    let rendition = &document["periods"][0]["tracks"][0]["renditions"][0];
    assert_eq!((&rendition["bandwidth"], &rendition["average_bandwidth"]), (&json!(null), &json!(null)));
}
