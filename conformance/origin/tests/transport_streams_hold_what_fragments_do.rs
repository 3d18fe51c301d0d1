//! Transport streams and packed audio, clear and encrypted, as ffmpeg reads them; counters as the standard asks.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeMap;

use support::{bytes, ffmpeg, get, origin, text};

/// Hashes of what ffmpeg finds in a stream of a playlist: of its packets, or of its pictures when they are decoded.
async fn hashes(path: &str, stream: &str, decoded: bool) -> Option<Vec<String>> {
    let origin = origin().await;
    let (url, map) = (origin.url() + path, format!("0:{stream}"));
    let read = move || {
        let copied = ["-i", &url, "-map", &map, "-c", "copy", "-f", "framemd5", "-"];
        let arguments: Vec<_> = copied.into_iter().filter(|word| !decoded || !matches!(*word, "-c" | "copy")).collect();
        ffmpeg("ffmpeg", &arguments, "")
    };
    let found = tokio::task::spawn_blocking(read).await.expect("ffmpeg runs");
    origin.stop().await;
    let hash = |line: &str| line.rsplit(',').next().map(|hash| hash.trim().to_owned());
    found.map(|text| text.lines().filter(|line| !line.starts_with('#')).filter_map(hash).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pictures_and_sound_are_those_of_the_fragments() {
    let pictures = hashes("/hls/demo/v180.m3u8", "v", true).await;
    let sound = hashes("/hls/demo/a-en.m3u8", "a", true).await;
    assert!(pictures.as_ref().is_none_or(|found| found.len() == 600));
    for (path, has_sound) in [
        ("/hls/ts_muxed/demo/v180.m3u8", true),
        ("/hls/ts_demuxed/bytes_1/demo/v180.m3u8", false),
        ("/hls/ts_muxed/prot_aes128/krot_3/lead_2/demo/v180.m3u8", true),
        ("/hls/ts_muxed/prot_aes128/iv_implicit/demo/v180.m3u8", true),
    ] {
        assert!(hashes(path, "v", true).await == pictures, "{path}");
        if has_sound {
            // Decoded, as frames of a transport stream have headers of their own.
            assert!(hashes(path, "a", true).await == sound, "{path}");
        }
    }
    for packaging in ["ts_demuxed", "ts_packed", "ts_packed/prot_aes128", "ts_demuxed/prot_sampleaes"] {
        let path = format!("/hls/{packaging}/demo/a-en.m3u8");
        assert!(hashes(&path, "a", true).await == sound, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ffmpeg_decrypts_access_units_as_far_as_it_does() {
    let clear = hashes("/hls/ts_muxed/demo/v360.m3u8", "v", false).await;
    let protected = hashes("/hls/ts_muxed/prot_sampleaes/demo/v360.m3u8", "v", false).await;
    if let (Some(clear), Some(protected)) = (clear, protected) {
        // ffmpeg 5.1 leaves the end of the stream encrypted.
        let differ: Vec<_> = (0..clear.len()).filter(|n| clear[*n] != protected[*n]).collect();
        assert_eq!((clear.len(), protected.len()), (600, 600));
        assert!(differ.iter().all(|n| *n >= 598) && !differ.is_empty(), "{differ:?}");
    }
}

/// PID, start of a unit, counter.
fn packets(stream: &[u8]) -> Vec<(u16, bool, u8)> {
    assert_eq!(stream.len() % 188, 0);
    let packet = |packet: &[u8]| {
        assert_eq!(packet[0], 0x47);
        assert_ne!(packet[3] & 0x10, 0, "each has a payload");
        (u16::from(packet[1] & 0x1f) << 8 | u16::from(packet[2]), packet[1] & 0x40 != 0, packet[3] & 15)
    };
    stream.chunks(188).map(packet).collect()
}

#[test]
fn counters_go_on_from_any_segment_to_the_next() {
    for path in ["ts_muxed/demo/v720", "ts_demuxed/demo/a-fr", "ts_demuxed/prot_sampleaes/demo/v180"] {
        let mut next: BTreeMap<u16, u8> = BTreeMap::new();
        for n in [0, 1, 2, 3] {
            for (pid, _, counter) in packets(&bytes(&format!("/hls/{path}/{n}.ts"))) {
                let expected = next.insert(pid, (counter + 1) % 16);
                assert!(expected.is_none_or(|expected| expected == counter), "{path} {n} {pid:#x}");
            }
        }
        assert_eq!(next.len(), if path.contains("muxed/demo/v720") { 4 } else { 3 });
    }
}

#[test]
fn what_is_encrypted_says_so_in_the_table_of_the_programme() {
    let stream = |options: &str| bytes(&format!("/hls/{options}/demo/v180/0.ts"));
    let (clear, protected) = (stream("ts_muxed"), stream("ts_muxed/prot_sampleaes"));
    let table = |stream: &[u8]| stream[188..376].to_vec();
    let has = |table: &[u8], what: &[u8]| table.windows(what.len()).any(|window| window == what);
    assert!(has(&table(&clear), &[0x1b, 0xe1, 0x00]) && has(&table(&clear), &[0x0f, 0xe1, 0x01]));
    let table = table(&protected);
    assert!(has(&table, &[0xdb, 0xe1, 0x00]) && has(&table, &[0xcf, 0xe1, 0x01]));
    assert!(has(&table, b"\x0f\x04zavc") && has(&table, b"\x0f\x04aacd") && has(&table, b"apadzaac"));
    let packed = bytes("/hls/ts_packed/prot_sampleaes/demo/a-en/1.aac");
    assert!(packed.starts_with(b"ID3") && has(&packed[..300], b"com.apple.streaming.audioDescription\0zaac"));
}

#[test]
fn playlists_of_transport_streams_name_no_initialisation_and_their_text_is_as_late_as_they_are() {
    let playlist = text("/hls/ts_muxed/snr_3/demo/v180.m3u8");
    assert!(playlist.contains("\nv180/3.ts\n") && !playlist.contains("EXT-X-MAP"));
    assert!(text("/hls/ts_packed/demo/a-en.m3u8").contains("\na-en/0.aac\n"));
    let main = text("/hls/ts_muxed/demo/main.m3u8");
    assert!(!main.contains("TYPE=AUDIO") && !main.contains("I-FRAME") && main.contains("mp4a.40.2"));
    assert!(text("/hls/ts_demuxed/demo/t-en/0.vtt").contains("MPEGTS:900000,"));
    assert!(text("/hls/demo/t-en/0.vtt").contains("MPEGTS:0,"));
    for refused in [
        "/dash/ts_muxed/demo/time.mpd",
        "/hls/prot_sampleaes/demo/main.m3u8",
        "/hls/ts_muxed/prot_cbcs/demo/main.m3u8",
        "/hls/ts_other/demo/main.m3u8",
        "/hls/ts_muxed/bytes_1/dur_601/demo/main.m3u8",
    ] {
        assert_eq!(get(refused).status, 400, "{refused}");
    }
    for absent in
        ["ts_muxed/demo/v180/0.m4s", "ts_muxed/demo/v180/init.mp4", "demo/v180/0.ts", "ts_packed/demo/a-en/0.ts"]
    {
        assert_eq!(get(&format!("/hls/{absent}")).status, 404, "{absent}");
    }
}
