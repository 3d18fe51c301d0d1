//! HLS playlists, read back by m3u8-rs and checked against what is behind them.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use m3u8_rs::{AlternativeMediaType, MasterPlaylist, MediaPlaylist, MediaPlaylistType};
use support::segment::{decode_time, top_boxes};
use support::{bytes, get, library, text};
use telecine_origin::{respond, Request};

fn multivariant(path: &str) -> MasterPlaylist {
    m3u8_rs::parse_master_playlist_res(&bytes(path)).expect("a multivariant playlist")
}

fn media(path: &str) -> MediaPlaylist {
    m3u8_rs::parse_media_playlist_res(&bytes(path)).expect("a media playlist")
}

/// A reference, resolved against the playlist it stands in.
fn beside(playlist: &str, uri: &str) -> String {
    format!("{}/{uri}", playlist.rsplit_once('/').expect("a path").0)
}

#[test]
fn the_multivariant_playlist_offers_four_pictures_two_sounds_and_two_texts() {
    let playlist = multivariant("/hls/demo/main.m3u8");
    assert!(playlist.independent_segments);
    let (iframes, variants): (Vec<_>, Vec<_>) = playlist.variants.iter().partition(|v| v.is_i_frame);
    let sizes: Vec<_> = variants.iter().filter_map(|v| v.resolution).map(|r| (r.width, r.height)).collect();
    assert_eq!(sizes, [(320, 180), (640, 360), (854, 480), (1280, 720)]);
    assert!(variants.windows(2).all(|w| w[0].bandwidth < w[1].bandwidth));
    for variant in &variants {
        let codecs = variant.codecs.as_deref().expect("codecs");
        assert!(codecs.starts_with("avc1.") && codecs.ends_with(",mp4a.40.2"), "{codecs}");
        assert_eq!(variant.frame_rate, Some(25.0));
        assert_eq!((variant.audio.as_deref(), variant.subtitles.as_deref()), (Some("audio"), Some("subtitles")));
        assert!(variant.average_bandwidth < Some(variant.bandwidth));
    }
    assert_eq!(iframes.len(), 4);
    let group = |kind: AlternativeMediaType| -> Vec<_> {
        let of_kind = playlist.alternatives.iter().filter(|a| a.media_type == kind);
        of_kind.map(|a| (a.language.as_deref().unwrap_or_default(), a.name.as_str(), a.default)).collect()
    };
    assert_eq!(group(AlternativeMediaType::Audio), [("en", "English", true), ("fr", "Français", false)]);
    assert_eq!(group(AlternativeMediaType::Subtitles), [("en", "English", false), ("fr", "Français", false)]);
}

#[test]
fn every_playlist_and_every_segment_it_names_exists() {
    for main in ["/hls/dur_30/demo/main.m3u8", "/hls/dur_30/bytes_1/snr_4/disc_4/demo/main.m3u8"] {
        let playlist = multivariant(main);
        let variants = playlist.variants.iter().map(|v| v.uri.clone());
        for uri in variants.chain(playlist.alternatives.iter().filter_map(|a| a.uri.clone())) {
            let path = beside(main, &uri);
            for segment in media(&path).segments {
                let map = segment.map.map(|map| (map.uri, map.byte_range));
                for (uri, range) in map.into_iter().chain([(segment.uri, segment.byte_range)]) {
                    let (target, range) =
                        (beside(&path, &uri), range.map(|r| (r.offset.expect("an offset"), r.length)));
                    let header = range.map(|(offset, length)| format!("bytes={offset}-{}", offset + length - 1));
                    let request = Request { range: header.as_deref(), ..Request::get(&target) };
                    let response = respond(&library(), &request);
                    assert_eq!(response.status, if range.is_some() { 206 } else { 200 }, "{target}");
                    assert!(range.is_none_or(|(_, length)| response.body.len() == length), "{target}");
                }
            }
        }
    }
}

#[test]
fn a_media_playlist_is_complete_and_its_durations_are_exact() {
    let playlist = media("/hls/dur_60/demo/a-en.m3u8");
    assert_eq!((playlist.version, playlist.target_duration), (Some(7), 2));
    assert_eq!((playlist.playlist_type.clone(), playlist.end_list), (Some(MediaPlaylistType::Vod), true));
    assert_eq!(playlist.segments.len(), 30);
    // 93 and 94 frames of 1024/48000 s.
    let lines = text("/hls/dur_60/demo/a-en.m3u8");
    let durations: Vec<_> = lines.lines().filter_map(|line| line.strip_prefix("#EXTINF:")).collect();
    assert_eq!(durations[..5], ["1.984000,", "2.005333,", "2.005333,", "2.005333,", "1.984000,"]);
    assert!(playlist.segments.iter().skip(1).all(|s| s.map.is_none()), "one map at the start");
    assert!(lines.contains("#EXT-X-INDEPENDENT-SEGMENTS\n"));
}

#[test]
fn byte_ranges_are_the_segments_in_one_file() {
    let playlist = media("/hls/dur_60/bytes_1/demo/v180.m3u8");
    let file = bytes("/hls/dur_60/bytes_1/demo/v180.mp4");
    for (n, segment) in playlist.segments.iter().enumerate() {
        let range = segment.byte_range.as_ref().expect("a byte range");
        let from = range.offset.expect("an offset") as usize;
        let part = &file[from..from + range.length as usize];
        assert!(part == bytes(&format!("/hls/dur_60/demo/v180/{n}.m4s")), "segment {n}");
    }
}

#[test]
fn a_discontinuity_is_announced_in_every_rendition_at_the_same_segments() {
    for id in ["v180", "v720", "a-en", "v360.iframes"] {
        let playlist = media(&format!("/hls/dur_24/disc_5/demo/{id}.m3u8"));
        let breaks: Vec<_> = (0..12).filter(|n| playlist.segments[*n].discontinuity).collect();
        assert_eq!(breaks, [5, 10], "{id}");
        assert!(breaks.iter().all(|n| playlist.segments[*n].map.is_some()), "{id}: the map is there again");
    }
    // Text has its own segments, none across a break: 6 s and the 4 s to the next break, then 4 s to the end.
    let playlist = media("/hls/dur_24/disc_5/demo/t-en.m3u8");
    let text: Vec<_> = playlist.segments.iter().map(|s| (s.duration as u32, s.discontinuity)).collect();
    assert_eq!(text, [(6, false), (4, false), (6, true), (4, false), (4, true)]);
}

#[test]
fn a_gap_is_marked_and_not_served() {
    let lines = text("/hls/gap_3/demo/v180.m3u8");
    assert_eq!(lines.matches("#EXT-X-GAP\n").count(), 1);
    assert!(lines.contains("#EXT-X-GAP\n#EXTINF:2.000000,\nv180/3.m4s\n"), "{lines}");
    assert_eq!(get("/hls/gap_3/demo/v180/3.m4s").status, 404);
    assert_eq!(get("/hls/gap_3/demo/v180/4.m4s").status, 200);
}

#[test]
fn numbers_can_start_anywhere() {
    let playlist = media("/hls/snr_40/demo/v180.m3u8");
    assert_eq!((playlist.media_sequence, playlist.segments[0].uri.as_str()), (40, "v180/40.m4s"));
    assert_eq!(decode_time(&bytes("/hls/snr_40/demo/v180/41.m4s")), 180_000);
    assert_eq!(get("/hls/snr_40/demo/v180/39.m4s").status, 404);
}

#[test]
fn an_iframe_is_the_fragment_up_to_the_end_of_its_first_picture() {
    let playlist = media("/hls/dur_60/demo/v180.iframes.m3u8");
    assert!(playlist.i_frames_only && playlist.segments.len() == 30);
    let file = bytes("/hls/dur_60/demo/v180.mp4");
    for segment in &playlist.segments {
        let range = segment.byte_range.as_ref().expect("a byte range");
        let from = range.offset.expect("an offset") as usize;
        let moof =
            top_boxes(&file[from..from + u32::from_be_bytes(file[from..from + 4].try_into().expect("4")) as usize]);
        assert_eq!(moof[0].0, "moof");
        // The NAL units of the first access unit (lengths of four bytes) end where the range does; one is an IDR picture.
        let mut at = from + moof[0].1 + 8;
        let end = from + range.length as usize;
        let mut types = Vec::new();
        while at < end {
            types.push(file[at + 4] & 0x1f);
            at += 4 + u32::from_be_bytes(file[at..at + 4].try_into().expect("4")) as usize;
        }
        assert_eq!(at, end);
        assert!(types.contains(&5), "{types:?}");
    }
}

#[test]
fn cues_of_a_stretched_title_are_at_their_times() {
    let first = text("/hls/dur_60/demo/t-en/0.vtt");
    assert!(first.starts_with("WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n"), "{first}");
    // 24 s later, the first cue again, with another number: segment 4 covers 24 s to 30 s.
    let again = text("/hls/dur_60/demo/t-en/4.vtt");
    assert!(again.contains("\n13\n00:00:24.000 --> 00:00:25.900 align:center\n"), "{again}");
    assert!(!again.contains("00:00:31"), "{again}");
    assert_eq!(get("/hls/dur_60/demo/t-en/10.vtt").status, 404);
    // The whole file has each cue once: twelve, twelve, and the six that start in the last 12 s; the last is cut short.
    let all = text("/hls/dur_60/demo/t-en.vtt");
    assert_eq!(all.matches(" --> ").count(), 30);
    assert!(all.contains("\n30\n00:00:59.000 --> 00:01:00.000 size:60%\n"), "{all}");
    assert!(!all.contains("X-TIMESTAMP-MAP"));
}

#[test]
fn text_is_tied_to_the_media_times() {
    // MPEGTS is the media time, in 90 kHz ticks, of the cue time LOCAL.
    let shifted = text("/hls/pto_900000/demo/t-en/1.vtt");
    assert!(shifted.contains("MPEGTS:1440000,LOCAL:00:00:06.000\n"), "{shifted}");
    // After a discontinuity at 10 s the pictures restart at 0.016 s (the sound is that much earlier).
    let restarted = text("/hls/disc_5/demo/t-en/2.vtt");
    assert!(restarted.contains("MPEGTS:1440,LOCAL:00:00:10.000\n"), "{restarted}");
    assert_eq!(decode_time(&bytes("/hls/disc_5/demo/v180/5.m4s")), 1440);
}
