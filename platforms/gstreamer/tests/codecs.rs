//! Every codec that the sink says it decodes, it decodes. ffmpeg makes the media.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::path::Path;
use std::process::Command;

use support::{frame_time, Media, Stage};
use telecine_engine::{Sink, SinkCommand};
use telecine_gstreamer::GstSink;
use telecine_model::{MediaTime, TrackKind};

/// Two seconds of a test picture at 25 frames a second, or of a tone at 48 kHz, in fragments of one.
fn encode(name: &str, encoder: &str) -> Media {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}.mp4", std::process::id()));
    let picture = "testsrc=size=128x96:rate=25:duration=2";
    let tone = "sine=frequency=440:sample_rate=48000:duration=2";
    let fragments = "+frag_keyframe+empty_moov+default_base_moof+delay_moov";
    let status = Command::new("ffmpeg")
        .args(["-loglevel", "error", "-y", "-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", tone])
        .args(["-frag_duration", "1000000"])
        .args(encoder.split(' '))
        .args(["-ac", "2", "-strict", "-2", "-movflags", fragments, "-use_editlist", "0"])
        .arg(&path)
        .status()
        .expect("ffmpeg is installed");
    assert!(status.success(), "{name}: ffmpeg has {encoder}");
    let bytes = std::fs::read(&path).expect("ffmpeg wrote it");
    std::fs::remove_file(&path).expect("it is there");
    Media::read(name, bytes.into())
}

/// Plays all of it and gives its statistics.
fn decode(media: &Media) -> telecine_engine::TrackStats {
    let mut sink = GstSink::builder().headless().build().expect("GStreamer is there");
    let codec = media.init.tracks[0].codec.to_string();
    let told = sink.capabilities().codecs.iter().any(|prefix| codec.starts_with(prefix));
    assert!(told, "{}: {codec} is not in {:?}", media.name, sink.capabilities().codecs);
    sink.command(SinkCommand::SetRate(4000), telecine_model::Timestamp::ZERO);
    let mut stage = Stage::with(sink);
    stage.load(media);
    stage.command(SinkCommand::Play);
    stage.run_to_the_end();
    stage.stats(media.kind)
}

#[test]
fn every_video_codec_is_decoded() {
    for (name, encoder) in [
        ("hevc", "-an -c:v libx265 -tag:v hvc1 -x265-params log-level=none:keyint=25:bframes=2"),
        ("hevc-in-band", "-an -c:v libx265 -tag:v hev1 -x265-params log-level=none:keyint=25"),
        ("vp9", "-an -c:v libvpx-vp9 -deadline realtime -g 25"),
        ("av1", "-an -c:v libaom-av1 -cpu-used 8 -usage realtime -g 25"),
    ] {
        let stats = decode(&encode(name, encoder));
        assert_eq!((stats.samples, stats.decoded, stats.decode_errors), (50, 50, 0), "{name}");
    }
}

#[test]
fn every_audio_codec_is_decoded() {
    for (name, encoder) in [
        ("aac", "-vn -c:a aac"),
        ("mp3", "-vn -c:a libmp3lame"),
        ("ac3", "-vn -c:a ac3"),
        ("eac3", "-vn -c:a eac3"),
        ("opus", "-vn -c:a libopus"),
        ("flac", "-vn -c:a flac"),
        ("alac", "-vn -c:a alac"),
    ] {
        let stats = decode(&encode(name, encoder));
        assert!(stats.samples > 15, "{name}: {stats:?}");
        assert_eq!(stats.decoded + stats.decode_errors, stats.samples, "{name}");
        // A decoder may keep the first or last sample for itself, being priming.
        assert!(stats.decode_errors <= 1, "{name}: {stats:?}");
    }
}

#[test]
fn chunks_of_a_segment_between_which_something_is_removed_lose_no_picture() {
    // Chunks of a fifth of a second end between a picture and those that are shown before it.
    let media = encode("chunks", "-an -c:v libx264 -bf 2 -b_strategy 0 -g 50 -sc_threshold 0 -frag_duration 200000");
    assert!(media.fragments.len() >= 9, "{}", media.fragments.len());
    let mut stage = Stage::new();
    stage.command(media.configuration());
    for index in 0..media.fragments.len() {
        stage.append(&media, index);
        let (from, to) = (MediaTime::MIN, MediaTime::ZERO);
        stage.command(SinkCommand::Remove { kind: TrackKind::Video, from, to });
    }
    stage.command(SinkCommand::EndOfStream { kind: TrackKind::Video });
    stage.command(SinkCommand::Play);
    stage.run_to_the_end();
    let stats = stage.stats(TrackKind::Video);
    assert_eq!((stats.samples, stats.decoded, stats.decode_errors), (50, 50, 0));
}

#[test]
fn another_codec_takes_over_without_a_seam() {
    let (avc, vp9) =
        (Media::demo("v180.mp4"), encode("vp9-in-between", "-an -c:v libvpx-vp9 -deadline realtime -g 25"));
    let at = MediaTime::from_secs(2);
    let mut stage = Stage::new();
    stage.command(avc.configuration());
    stage.append(&avc, 0);
    stage.command(vp9.configuration());
    for index in 0..vp9.fragments.len() {
        stage.command(SinkCommand::Append(Box::new(vp9.append(index, at))));
    }
    stage.command(avc.configuration());
    stage.append(&avc, 2);
    stage.command(SinkCommand::EndOfStream { kind: TrackKind::Video });
    stage.command(SinkCommand::Play);
    stage.run_to_the_end();
    let shown = stage.shown();
    assert_eq!(shown.iter().map(|shown| shown.pts).collect::<Vec<_>>(), (0..150).map(frame_time).collect::<Vec<_>>());
    for (index, shown) in shown.iter().enumerate() {
        let expected = if (50..100).contains(&index) { None } else { Some((0, index as u32)) };
        assert_eq!(shown.strip, expected);
    }
    let stats = stage.stats(TrackKind::Video);
    assert_eq!((stats.samples, stats.decoded, stats.decode_errors, stats.gaps), (150, 150, 0, 0));
}
