//! ffmpeg's demuxers, which share nothing with this crate, read every kind of manifest to its end.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use support::{ffmpeg, origin, packets};

const MINUTE_OF_FRAMES: usize = 1500;

/// A minute of the title from a manifest: every frame once, evenly spaced; sound without a gap.
async fn a_minute_plays(path: &str, audio_frames: usize, complaint: &str) {
    let origin = origin().await;
    let (url, expected) = (origin.url() + path, complaint.to_owned());
    let probe = move || (packets(&url, "v:0", &expected), packets(&url, "a:0", &expected));
    let (video, audio) = tokio::task::spawn_blocking(probe).await.expect("ffprobe runs");
    let (Some(mut video), Some(audio)) = (video, audio) else {
        return;
    };
    assert_eq!(video.len(), MINUTE_OF_FRAMES, "{path}");
    assert!(video.windows(2).all(|w| w[1].dts - w[0].dts == 3600), "{path}: decode times step by one frame");
    video.sort_by_key(|p| p.pts);
    assert!(video.windows(2).all(|w| w[1].pts - w[0].pts == 3600), "{path}: pictures step by one frame");
    assert_eq!(audio.len(), audio_frames, "{path}");
    assert!(audio.windows(2).all(|w| w[1].pts - w[0].pts == 1024), "{path}: sound is continuous");
    let failed: Vec<_> = origin.log().into_iter().filter(|entry| entry.status >= 400).map(|entry| entry.path).collect();
    if complaint.is_empty() {
        assert_eq!(failed, Vec::<String>::new(), "{path}");
    }
    origin.stop().await;
}

// 60 s are two repetitions of 1125 AAC frames and six segments of 93 + 94 + 94 + 94 + 93 + 94.
const MINUTE_OF_SOUND: usize = 2 * 1125 + 562;

macro_rules! plays {
    ($($name:ident: $path:literal $complaint:expr;)*) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            a_minute_plays($path, MINUTE_OF_SOUND, $complaint).await;
        })*
    };
}

/// With `@duration`, ffmpeg 5.1 asks for one segment more than there are, and complains that it is not
/// there: its last number is rounded up, then included.
const ONE_TOO_MANY: &str = "Error when loading first fragment of playlist";

plays! {
    hls: "/hls/dur_60/demo/main.m3u8" "";
    hls_with_byte_ranges: "/hls/dur_60/bytes_1/demo/main.m3u8" "";
    hls_that_starts_at_ten_seconds: "/hls/dur_60/pto_900000/snr_3/demo/main.m3u8" "";
    numbers_with_a_duration: "/dash/dur_60/demo/number.mpd" ONE_TOO_MANY;
    numbers_from_elsewhere: "/dash/dur_60/snr_77/demo/number.mpd" ONE_TOO_MANY;
    times_from_a_timeline: "/dash/dur_60/demo/time.mpd" "";
    times_that_start_at_ten_seconds: "/dash/dur_60/pto_900000/demo/time.mpd" "";
    numbers_from_a_timeline: "/dash/dur_60/demo/timeline-number.mpd" "";
    a_list: "/dash/dur_60/demo/list.mpd" "";
    one_file_with_an_index: "/dash/dur_60/demo/ondemand.mpd" "";
    two_base_urls: "/dash/dur_60/bases_2/demo/time.mpd" "";
    redirects: "/dash/dur_60/redir_3/demo/time.mpd" "";
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_frame_of_every_rendition_decodes_across_repetitions() {
    let origin = origin().await;
    for id in ["v180", "a-fr"] {
        let url = format!("{}/hls/dur_60/demo/{id}.m3u8", origin.url());
        let decode = move || {
            ffmpeg("ffprobe", &["-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0", &url], "")
        };
        let Some(frames) = tokio::task::spawn_blocking(decode).await.expect("ffprobe runs") else {
            return;
        };
        let expected = if id == "v180" { MINUTE_OF_FRAMES } else { MINUTE_OF_SOUND };
        // A program and its stream: ffprobe lists the number twice.
        assert!(
            frames.lines().filter(|line| !line.is_empty()).all(|line| line == expected.to_string()),
            "{id}: {frames}"
        );
    }
    origin.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subtitles_are_read_to_the_end() {
    let origin = origin().await;
    for path in ["/hls/dur_60/demo/t-fr.m3u8", "/dash/dur_60/demo/t-fr.vtt"] {
        let url = origin.url() + path;
        let probe = move || ffmpeg("ffprobe", &["-show_entries", "packet=pts_time", "-of", "csv=p=0", &url], "");
        let Some(times) = tokio::task::spawn_blocking(probe).await.expect("ffprobe runs") else {
            return;
        };
        let times: Vec<f64> = times.lines().filter_map(|line| line.trim_end_matches(',').parse().ok()).collect();
        assert!(times.len() >= 30, "{path}: {times:?}");
        assert!(times.iter().all(|time| (0.0..60.0).contains(time)), "{path}: {times:?}");
    }
    origin.stop().await;
}
