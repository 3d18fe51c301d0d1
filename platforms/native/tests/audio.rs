//! Sound: every sample decoded once, to the frame.
#![cfg(feature = "audio")]
#![allow(clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;
use telecine::audio::{AudioSink, Discard, WavFile};
use telecine::{BlockingSource, Command, Config, ErrorCode, Fetcher, MediaTime, Sink, TrackKind, TrackStats};
use telecine_container::{Fragment, InitSegment, IsoReader, Unit};
use telecine_engine::{Append, Format, LoadId, Payload, SinkCommand, SinkReport, TrackConfig};
use telecine_model::{Limits, Timestamp};
use telecine_origin::{Origin, OriginConfig};
use telecine_virtual::{Outcome, Session};

const NOW: Timestamp = Timestamp::ZERO;

fn read(bytes: &'static [u8]) -> (Arc<InitSegment>, Vec<Arc<Fragment>>) {
    let mut reader = IsoReader::new(&Limits::default());
    reader.push(Bytes::from_static(bytes));
    let (mut init, mut fragments) = (None, Vec::new());
    let mut take = |reader: &mut IsoReader| {
        while let Some(unit) = reader.poll().expect("valid") {
            match unit {
                Unit::Init(found) => init = Some(found),
                Unit::Fragment(found) => fragments.push(Arc::new(found)),
                _ => {}
            }
        }
    };
    take(&mut reader);
    reader.finish().expect("whole");
    take(&mut reader);
    (init.expect("an initialisation section"), fragments)
}

fn configure(init: &Arc<InitSegment>) -> SinkCommand {
    SinkCommand::Configure(Box::new(TrackConfig {
        kind: TrackKind::Audio,
        track: "sound".to_owned(),
        rendition: "r".to_owned(),
        codec: init.tracks[0].codec.to_string(),
        format: Format::Cmaf,
        init: Some(Arc::clone(init)),
        track_id: init.tracks[0].id,
    }))
}

/// A fragment at its own times, of a presentation that lasts half a second.
fn append(fragment: &Arc<Fragment>, show_from: Option<MediaTime>) -> SinkCommand {
    SinkCommand::Append(Box::new(Append {
        kind: TrackKind::Audio,
        rendition: "r".to_owned(),
        load: LoadId::default(),
        segment: 0,
        start: MediaTime::ZERO,
        end: MediaTime::from_millis(500),
        offset: MediaTime::ZERO,
        window: (MediaTime::ZERO, MediaTime::from_millis(500)),
        show_from,
        discontinuity: false,
        samples: 0,
        bytes: fragment.size,
        payload: Payload::Fragment(Arc::clone(fragment)),
    }))
}

/// Lets a sink do all that it wants to do at once.
fn drain(sink: &mut AudioSink) -> Vec<SinkReport> {
    let mut reports = Vec::new();
    while sink.deadline().is_some_and(|deadline| deadline <= NOW) {
        reports.extend(std::iter::from_fn(|| sink.poll(NOW)));
    }
    reports
}

fn sound(sink: &dyn Sink) -> TrackStats {
    sink.tracks().into_iter().find(|track| track.kind == TrackKind::Audio).expect("a track")
}

/// Decodes a file into a WAV file and gives its samples.
fn decode(bytes: &'static [u8], show_from: Option<MediaTime>) -> (hound::WavSpec, Vec<f32>, TrackStats, u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("out.wav");
    let (init, fragments) = read(bytes);
    let mut sink = AudioSink::new(WavFile::new(&path));
    let counter = sink.counter();
    sink.command(configure(&init), NOW);
    for fragment in &fragments {
        sink.command(append(fragment, show_from), NOW);
    }
    assert_eq!(drain(&mut sink), []);
    let stats = sound(&sink);
    sink.command(SinkCommand::Stop, NOW);
    assert_eq!(drain(&mut sink), []);
    let (spec, samples) = wav(&path);
    (spec, samples, stats, counter.frames())
}

fn wav(path: &Path) -> (hound::WavSpec, Vec<f32>) {
    let reader = hound::WavReader::open(path).expect("a WAV file");
    (reader.spec(), reader.into_samples::<f32>().map(|sample| sample.expect("a sample")).collect())
}

/// What the lossless files were made from: 8,000 frames of two channels.
fn original() -> Vec<i32> {
    (0..8000i32).map(|index| ((index * 37) % 4096 - 2048) * 8).flat_map(|left| [left, (-left).div_euclid(2)]).collect()
}

#[test]
fn lossless_sound_comes_out_as_it_went_in() {
    for (bytes, count) in [(&include_bytes!("media/flac.mp4")[..], 7), (&include_bytes!("media/alac.mp4")[..], 2)] {
        let (spec, samples, stats, frames) = decode(bytes, None);
        assert_eq!((spec.sample_rate, spec.channels, frames), (16_000, 2, 8_000));
        assert_eq!((stats.samples, stats.decoded, stats.decode_errors), (count, count, 0));
        let samples: Vec<i32> = samples.iter().map(|sample| (sample * 32_768.0) as i32).collect();
        assert!(samples == original(), "{}", stats.codec);
    }
}

#[test]
fn what_is_before_the_point_to_show_from_is_cut_off_to_the_frame() {
    // 100 ms are 1,600 frames.
    let (_, samples, stats, frames) = decode(include_bytes!("media/flac.mp4"), Some(MediaTime::from_millis(100)));
    let samples: Vec<i32> = samples.iter().map(|sample| (sample * 32_768.0) as i32).collect();
    assert!(samples == original()[3200..]);
    assert_eq!((frames, stats.decoded), (8_000, 7), "decoded, but not heard");
}

#[test]
fn encoder_delay_is_decoded_and_not_heard() {
    // The edit list starts 1,105 frames into the sound, so of the first of 21 samples 47 frames belong
    // to the presentation; half a second is 22,050 frames.
    let (spec, samples, stats, _) = decode(include_bytes!("media/mp3.mp4"), None);
    assert_eq!((spec.sample_rate, samples.len()), (44_100, 2 * 22_050));
    assert_eq!((stats.samples, stats.decoded, stats.decode_errors), (21, 21, 0));
    // A sine of 440 Hz crosses zero 440 times in half a second, but for the silence of the encoder.
    let left: Vec<f32> = samples.iter().step_by(2).copied().collect();
    let crossings = left.windows(2).filter(|pair| pair[0].signum() != pair[1].signum()).count();
    assert!((438..=442).contains(&crossings), "{crossings}");
}

#[test]
fn a_sample_that_the_decoder_refuses_counts_and_becomes_silence() {
    let (init, fragments) = read(include_bytes!("media/flac.mp4"));
    let mut broken = Fragment::clone(&fragments[0]);
    broken.data = vec![Bytes::from(vec![0; usize::try_from(broken.size).expect("small")])];
    let count = broken.tracks[0].samples.len() as u64;
    let mut sink = AudioSink::new(Discard);
    sink.command(configure(&init), NOW);
    sink.command(append(&Arc::new(broken), None), NOW);
    drain(&mut sink);
    let stats = sound(&sink);
    assert_eq!((stats.samples, stats.decoded, stats.decode_errors), (count, 0, count));
}

/// How strong a tone is in some sound.
#[cfg(feature = "dolby")]
fn amplitude(sound: &[f32], hertz: f64) -> f64 {
    let turn = std::f64::consts::TAU * hertz / 48_000.0;
    let (mut across, mut up) = (0.0, 0.0);
    for (at, sample) in sound.iter().enumerate() {
        let angle = turn * at as f64;
        across += f64::from(*sample) * angle.cos();
        up += f64::from(*sample) * angle.sin();
    }
    2.0 * across.hypot(up) / sound.len() as f64
}

/// ffmpeg made them from six tones, each on a speaker of its own, a quarter of full scale.
#[cfg(feature = "dolby")]
#[test]
fn every_channel_of_dolby_sound_comes_from_its_speaker() {
    // Left, right, centre, low frequencies, left and right behind: the order of a WAV file.
    let tones = [400.0, 800.0, 1200.0, 60.0, 1600.0, 2000.0];
    for (bytes, count, frames) in [
        (&include_bytes!("media/ac3.mp4")[..], 15, 23_040),
        (include_bytes!("media/eac3.mp4"), 15, 23_040),
        // Two frames of three blocks in each sample.
        (include_bytes!("media/eac3_two_frames.mp4"), 8, 12_288),
    ] {
        let (spec, samples, stats, decoded) = decode(bytes, None);
        let name = &stats.codec;
        assert_eq!((spec.sample_rate, spec.channels), (48_000, 6), "{name}");
        assert_eq!((stats.samples, stats.decoded, stats.decode_errors), (count, count, 0), "{name}");
        assert_eq!(decoded, frames, "{name}");
        for (channel, own) in tones.into_iter().enumerate() {
            // Away from both ends, where the transform has half of it; 0.15 s are whole turns of each tone.
            let heard: Vec<f32> = samples.iter().skip(channel).step_by(6).skip(2_400).take(7_200).copied().collect();
            assert_eq!(heard.len(), 7_200, "{name}");
            for tone in tones {
                let (strength, wanted) = (amplitude(&heard, tone), if tone == own { 0.25 } else { 0.0 });
                assert!((strength - wanted).abs() < 0.01, "{name}, channel {channel}: {tone} Hz has {strength}");
            }
        }
    }
}

#[cfg(feature = "dolby")]
#[test]
fn a_frame_of_dolby_sound_that_is_damaged_anywhere_is_silence() {
    for bytes in [
        &include_bytes!("media/ac3.mp4")[..],
        include_bytes!("media/eac3.mp4"),
        include_bytes!("media/eac3_two_frames.mp4"),
    ] {
        let (init, fragments) = read(bytes);
        let whole = fragments[0].data.concat();
        let samples = &fragments[0].tracks[0].samples;
        let count = samples.len() as u64;
        for (damaged, sample) in samples.iter().enumerate() {
            // From the first to the last quarter of it.
            let within = 7 + (sample.size as usize - 20) * damaged / samples.len();
            let offset = usize::try_from(sample.offset).expect("small") + within;
            let mut data = whole.clone();
            data[offset] ^= 0x10;
            let mut fragment = Fragment::clone(&fragments[0]);
            fragment.data = vec![Bytes::from(data)];
            let mut sink = AudioSink::new(Discard);
            sink.command(configure(&init), NOW);
            sink.command(append(&Arc::new(fragment), None), NOW);
            drain(&mut sink);
            let stats = sound(&sink);
            assert_eq!((stats.decoded, stats.decode_errors), (count - 1, 1), "{}, frame {damaged}", stats.codec);
        }
    }
}

/// The checksum with which a frame of E-AC-3 ends (ATSC A/52, 7.10.1: x^16 + x^15 + x^2 + 1, from the third byte on).
#[cfg(feature = "dolby")]
fn checksum(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |sum, byte| {
        (0..8).rev().fold(sum, |sum, bit| {
            let carry = (sum >> 15) ^ u16::from(byte >> bit & 1);
            (sum << 1) ^ if carry == 1 { 0x8005 } else { 0 }
        })
    })
}

#[cfg(feature = "dolby")]
#[test]
fn of_several_programmes_of_dolby_sound_the_first_is_heard() {
    let (init, fragments) = read(include_bytes!("media/eac3.mp4"));
    let whole = fragments[0].data.concat();
    let mut fragment = Fragment::clone(&fragments[0]);
    let mut data: Vec<u8> = Vec::new();
    for sample in &mut fragment.tracks[0].samples {
        let start = usize::try_from(sample.offset).expect("small");
        let first = &whole[start..start + sample.size as usize];
        // The same once more as another programme, and all of its sound loud: the fields are the same, its
        // coefficients are not.
        let mut second = first.to_vec();
        second[2] |= 1 << 3;
        let end = second.len() - 2;
        second[end - 600..end].iter_mut().for_each(|byte| *byte ^= 0x5a);
        let sum = checksum(&second[2..end]);
        second[end..].copy_from_slice(&sum.to_be_bytes());
        sample.offset = data.len() as u64;
        sample.size *= 2;
        data.extend_from_slice(first);
        data.extend_from_slice(&second);
    }
    fragment.size = data.len() as u64;
    fragment.data = vec![Bytes::from(data)];
    let folder = tempfile::tempdir().expect("a folder");
    let heard = |name: &str, fragment: &Arc<Fragment>| {
        let path = folder.path().join(name);
        let mut sink = AudioSink::new(WavFile::new(&path));
        sink.command(configure(&init), NOW);
        sink.command(append(fragment, None), NOW);
        drain(&mut sink);
        assert_eq!((sound(&sink).decoded, sound(&sink).decode_errors), (15, 0), "{name}");
        sink.command(SinkCommand::Stop, NOW);
        drain(&mut sink);
        wav(&path).1
    };
    assert!(heard("two.wav", &Arc::new(fragment)) == heard("one.wav", &fragments[0]));
}

#[test]
fn a_codec_without_a_decoder_is_a_typed_failure() {
    let (init, fragments) = read(include_bytes!("media/flac.mp4"));
    let mut opus = InitSegment::clone(&init);
    opus.tracks[0].config = telecine_container::DecoderConfig::Opus { record: Bytes::new() };
    let mut sink = AudioSink::default();
    sink.command(configure(&Arc::new(opus)), NOW);
    sink.command(append(&fragments[0], None), NOW);
    let reports = drain(&mut sink);
    assert!(matches!(&reports[..], [SinkReport::Failed { code: ErrorCode::CodecUnsupported, .. }, ..]), "{reports:?}");
}

#[test]
fn a_file_that_cannot_be_written_is_a_typed_failure() {
    let folder = tempfile::tempdir().expect("a folder");
    let (init, fragments) = read(include_bytes!("media/flac.mp4"));
    let mut sink = AudioSink::new(WavFile::new(folder.path().join("missing/out.wav")));
    sink.command(configure(&init), NOW);
    sink.command(append(&fragments[0], None), NOW);
    let reports = drain(&mut sink);
    assert!(matches!(&reports[..], [SinkReport::Failed { code: ErrorCode::SinkFailed, .. }, ..]), "{reports:?}");
}

#[test]
fn a_seek_drops_what_waits_and_starts_the_decoder_afresh() {
    let (init, fragments) = read(include_bytes!("media/flac.mp4"));
    let mut sink = AudioSink::new(Discard);
    let counter = sink.counter();
    sink.command(configure(&init), NOW);
    sink.command(append(&fragments[0], None), NOW);
    sink.command(SinkCommand::Seek(MediaTime::ZERO), NOW);
    drain(&mut sink);
    assert_eq!(counter.frames(), 0);
    for fragment in &fragments {
        sink.command(append(fragment, None), NOW);
    }
    drain(&mut sink);
    assert_eq!(counter.frames(), 8_000, "the configuration is still in force");
}

/// Plays a title of the origin in virtual time and gives the sound's samples and statistics.
fn play(path: &str, script: &[(u64, Command)]) -> (Vec<f32>, Vec<TrackStats>, u64) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let address = "127.0.0.1:0".parse().expect("an address");
    let origin = runtime.block_on(Origin::start(address, OriginConfig::default())).expect("an origin");
    let url = origin.url() + path;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("title.wav");
    let sink = AudioSink::new(WavFile::new(&file));
    let counter = sink.counter();
    let fetcher = Fetcher::new(&[]).expect("a fetcher");
    let source = BlockingSource::new(fetcher, url.as_str()).expect("a runtime");
    let mut session = Session::new(Config::default(), source).sink(sink).play(url);
    for (millis, command) in script {
        session.schedule(Timestamp::from_millis(*millis), command.clone());
    }
    assert_eq!(session.run(None), Outcome::Ended, "{:?}", session.events());
    let tracks = session.sink_ref().tracks();
    (wav(&file).1, tracks, counter.frames())
}

#[test]
fn a_title_of_24_seconds_decodes_its_1125_frames_exactly() {
    for path in ["/hls/demo/main.m3u8", "/dash/demo/time.mpd"] {
        let (samples, tracks, frames) = play(path, &[]);
        let stats = tracks.iter().find(|track| track.kind == TrackKind::Audio).expect("sound");
        assert_eq!((stats.samples, stats.decoded, stats.decode_errors, stats.gaps), (1125, 1125, 0, 0), "{path}");
        assert_eq!((frames, samples.len()), (1125 * 1024, 2 * 1125 * 1024), "{path}");
        // Root mean square of the left channel over each four seconds, in ten-thousandths, of what
        // ffmpeg's decoder makes of the same file.
        for (seconds, expected) in samples.chunks(2 * 4 * 48_000).zip([310.0, 330.0, 301.0, 327.0, 311.0, 309.0]) {
            let left = seconds.iter().step_by(2);
            let square = left.clone().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / left.count() as f64;
            assert!((square.sqrt() * 1e4 - expected).abs() <= 1.0, "{} and {expected}", square.sqrt() * 1e4);
        }
        let pictures = tracks.iter().filter(|track| track.kind == TrackKind::Video).map(|track| track.samples);
        assert_eq!(pictures.sum::<u64>(), 600, "pictures are counted, not decoded");
    }
}

#[test]
fn a_seek_leaves_out_what_it_jumps_over() {
    let target = MediaTime::from_secs(20);
    let (samples, tracks, _) = play("/hls/demo/main.m3u8", &[(300, Command::Seek(target))]);
    let stats = tracks.iter().find(|track| track.kind == TrackKind::Audio).expect("sound");
    assert_eq!((stats.decoded, stats.decode_errors, stats.gaps), (stats.samples, 0, 0));
    assert!(stats.samples < 1125 && stats.last_pts > Some(MediaTime::from_millis(23_970)));
    // All that was decoded is heard, but for the part of a frame before the target.
    let (decoded, heard) = (stats.decoded * 1024, samples.len() as u64 / 2);
    assert!(heard <= decoded && heard + 1024 > decoded, "{heard} of {decoded}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    /// Whatever bytes a decoder gets, each sample is decoded or refused.
    #[test]
    fn broken_samples_are_survived(
        file in 0usize..4,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
    ) {
        let files = [
            &include_bytes!("media/flac.mp4")[..],
            include_bytes!("media/alac.mp4"),
            include_bytes!("media/mp3.mp4"),
            include_bytes!("../../../conformance/media/demo/a-en.mp4"),
        ];
        let (init, fragments) = read(files[file]);
        let mut broken = Fragment::clone(&fragments[0]);
        let media = usize::try_from(broken.media[0].start).expect("small");
        let mut bytes = broken.data.concat();
        for (index, value) in changes {
            let at = media + index.index(bytes.len() - media);
            bytes[at] = value;
        }
        broken.data = vec![Bytes::from(bytes)];
        let count = broken.tracks[0].samples.len() as u64;
        let mut sink = AudioSink::default();
        sink.command(configure(&init), NOW);
        let SinkCommand::Append(mut append) = append(&Arc::new(broken), None) else { unreachable!() };
        append.window = (MediaTime::MIN, MediaTime::MAX);
        sink.command(SinkCommand::Append(append), NOW);
        drain(&mut sink);
        let stats = sound(&sink);
        prop_assert_eq!(stats.decoded + stats.decode_errors, count);
    }
}
