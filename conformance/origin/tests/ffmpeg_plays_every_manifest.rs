//! ffmpeg's demuxers, which share nothing with this crate, read every kind of manifest to its end.

mod support;

use support::{origin, packets};

const MINUTE_OF_FRAMES: usize = 1500;

/// A minute of the title from a manifest: every frame once, evenly spaced; sound without a gap.
async fn a_minute_plays(path: &str, audio_frames: usize) {
    let origin = origin().await;
    let url = origin.url() + path;
    let (video, audio) = tokio::task::spawn_blocking(move || (packets(&url, "v:0"), packets(&url, "a:0")))
        .await
        .expect("ffprobe runs");
    let (Some(mut video), Some(audio)) = (video, audio) else { return };
    assert_eq!(video.len(), MINUTE_OF_FRAMES, "{path}");
    assert!(video.windows(2).all(|w| w[1].dts - w[0].dts == 3600), "{path}: decode times step by one frame");
    video.sort_by_key(|p| p.pts);
    assert!(video.windows(2).all(|w| w[1].pts - w[0].pts == 3600), "{path}: pictures step by one frame");
    assert_eq!(audio.len(), audio_frames, "{path}");
    assert!(audio.windows(2).all(|w| w[1].pts - w[0].pts == 1024), "{path}: sound is continuous");
    assert!(origin.log().iter().all(|entry| entry.status < 400), "{path}");
    origin.stop().await;
}

// 60 s are two repetitions of 1125 AAC frames and six segments of 93 + 94 + 94 + 94 + 93 + 94.
const MINUTE_OF_SOUND: usize = 2 * 1125 + 562;

macro_rules! plays {
    ($($name:ident: $path:literal;)*) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            a_minute_plays($path, MINUTE_OF_SOUND).await;
        })*
    };
}

plays! {
    numbers_with_a_duration: "/dash/dur_60/demo/number.mpd";
    times_from_a_timeline: "/dash/dur_60/demo/time.mpd";
    numbers_from_a_timeline: "/dash/dur_60/demo/timeline-number.mpd";
    a_list: "/dash/dur_60/demo/list.mpd";
    one_file_with_an_index: "/dash/dur_60/demo/ondemand.mpd";
    one_file_with_a_hierarchical_index: "/dash/dur_60/sidx_2/demo/ondemand.mpd";
    two_base_urls: "/dash/dur_60/bases_2/demo/time.mpd";
    numbers_from_elsewhere: "/dash/dur_60/snr_77/demo/number.mpd";
}
