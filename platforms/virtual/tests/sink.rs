//! The null sink, from outside: what it reports when, and what it counts.

#![allow(clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;
use telecine_container::{InitSegment, IsoReader, Unit};
use telecine_engine::{
    Append, Capabilities, Format, LoadId, Payload, Sink, SinkCommand, SinkReport, TrackConfig, TrackStats,
};
use telecine_model::{Limits, MediaTime, Timestamp, TrackKind};
use telecine_virtual::testing::SyntheticTitle;
use telecine_virtual::{Fetched, ModelSink};

const VIDEO: TrackKind = TrackKind::Video;
const AUDIO: TrackKind = TrackKind::Audio;
const TEXT: TrackKind = TrackKind::Text;

fn ms(millis: i64) -> MediaTime {
    MediaTime::from_millis(millis)
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn configure(kind: TrackKind, track: &str, init: Option<Arc<InitSegment>>) -> SinkCommand {
    SinkCommand::Configure(Box::new(TrackConfig {
        kind,
        track: track.to_owned(),
        rendition: format!("{track}-1"),
        codec: "avc1.4d4028".to_owned(),
        format: Format::Cmaf,
        init,
        track_id: 1,
    }))
}

/// Media as a replay has it: times and counts, 25 samples a second, 1,000 bytes a sample.
fn media(kind: TrackKind, start: i64, end: i64) -> Append {
    let samples = u32::try_from((end - start) / 40).expect("fits");
    Append {
        kind,
        rendition: "r".to_owned(),
        // Each second of media is a loading of its own.
        load: LoadId(u64::try_from(start / 1000).expect("not negative")),
        segment: 0,
        start: ms(start),
        end: ms(end),
        offset: MediaTime::ZERO,
        window: (MediaTime::ZERO, MediaTime::MAX),
        show_from: None,
        discontinuity: false,
        samples,
        bytes: u64::from(samples) * 1000,
        payload: Payload::None,
    }
}

fn append(kind: TrackKind, start: i64, end: i64) -> SinkCommand {
    SinkCommand::Append(Box::new(media(kind, start, end)))
}

/// Lets time pass until `end` and gives every report with its time in milliseconds.
fn pass(sink: &mut ModelSink, end: u64) -> Vec<(u64, SinkReport)> {
    let mut reports = Vec::new();
    while let Some(now) = sink.deadline().filter(|now| *now <= at(end)) {
        while let Some(report) = sink.poll(now) {
            reports.push((now.as_micros() / 1000, report));
        }
    }
    reports
}

fn position(millis: i64, advancing: bool) -> SinkReport {
    SinkReport::Position { position: ms(millis), advancing }
}

/// A sink with two seconds of picture and sound, playing.
fn playing() -> ModelSink {
    let mut sink = ModelSink::default();
    for kind in [VIDEO, AUDIO] {
        sink.command(configure(kind, kind.name(), None), at(0));
        sink.command(append(kind, 0, 2000), at(0));
    }
    sink.command(SinkCommand::Play, at(0));
    sink
}

fn stats(sink: &ModelSink, kind: TrackKind) -> TrackStats {
    sink.tracks().into_iter().find(|track| track.kind == kind).expect("configured")
}

#[test]
fn the_playhead_runs_with_the_clock_and_reports_four_times_a_second() {
    let mut sink = playing();
    let reports = pass(&mut sink, 700);
    assert_eq!(reports, [(0, position(0, true)), (250, position(250, true)), (500, position(500, true))]);
    assert_eq!(sink.position(at(612)), ms(612));
}

#[test]
fn reports_fall_on_multiples_of_a_quarter_second_whenever_playback_began() {
    let mut sink = playing();
    sink.command(SinkCommand::Pause, at(0));
    sink.command(SinkCommand::Play, at(130));
    let reports = pass(&mut sink, 500);
    assert_eq!(reports[reports.len() - 2..], [(250, position(120, true)), (500, position(370, true))]);
}

#[test]
fn the_rate_scales_the_way() {
    let mut sink = playing();
    sink.command(SinkCommand::SetRate(1500), at(100));
    assert_eq!(sink.position(at(300)), ms(400));
    // 1,900 ms are left at 100 ms: 1,266.67 ms at one and a half.
    let starved = pass(&mut sink, 2000).pop();
    assert_eq!(starved, Some((1366, SinkReport::Starved { position: ms(2000) })));
}

#[test]
fn it_starves_where_the_shorter_of_sound_and_picture_ends_and_goes_on_by_itself() {
    let mut sink = playing();
    sink.command(append(VIDEO, 2000, 4000), at(500));
    let reports = pass(&mut sink, 2500);
    assert_eq!(reports.last(), Some(&(2000, SinkReport::Starved { position: ms(2000) })));
    assert_eq!(sink.position(at(2500)), ms(2000));
    sink.command(append(AUDIO, 2000, 3000), at(2500));
    assert_eq!(pass(&mut sink, 2750), [(2500, position(2000, true)), (2750, position(2250, true))]);
}

#[test]
fn a_pause_holds_the_playhead() {
    let mut sink = playing();
    pass(&mut sink, 300);
    sink.command(SinkCommand::Pause, at(333));
    assert_eq!(pass(&mut sink, 5000), [(333, position(333, false))]);
    assert_eq!(sink.position(at(5000)), ms(333));
}

#[test]
fn it_ends_when_every_kind_has_ended() {
    let mut sink = playing();
    sink.command(SinkCommand::EndOfStream { kind: VIDEO }, at(0));
    sink.command(append(AUDIO, 2000, 2400), at(0));
    sink.command(SinkCommand::EndOfStream { kind: AUDIO }, at(0));
    let reports = pass(&mut sink, 9000);
    assert_eq!(reports[reports.len() - 2..], [(2400, position(2400, false)), (2400, SinkReport::Ended)]);
    assert_eq!(reports.iter().filter(|(_, report)| *report == SinkReport::Ended).count(), 1);
}

#[test]
fn a_kind_that_ended_does_not_hold_up_the_other() {
    let mut sink = playing();
    sink.command(append(VIDEO, 2000, 3000), at(0));
    sink.command(SinkCommand::EndOfStream { kind: AUDIO }, at(0));
    assert_eq!(pass(&mut sink, 9000).last(), Some(&(3000, SinkReport::Starved { position: ms(3000) })));
}

#[test]
fn a_disabled_kind_is_waited_for_no_longer() {
    let mut sink = playing();
    sink.command(append(VIDEO, 2000, 3000), at(0));
    sink.command(SinkCommand::Disable { kind: AUDIO }, at(100));
    assert_eq!(pass(&mut sink, 9000).last(), Some(&(3000, SinkReport::Starved { position: ms(3000) })));
}

#[test]
fn seams_of_two_frames_are_played_over_and_holes_are_not() {
    let mut sink = playing();
    for kind in [VIDEO, AUDIO] {
        sink.command(append(kind, 2080, 3080), at(0));
        sink.command(append(kind, 3200, 4000), at(0));
    }
    assert_eq!(pass(&mut sink, 9000).last(), Some(&(3080, SinkReport::Starved { position: ms(3080) })));
    assert_eq!(sink.buffered(VIDEO), [(ms(0), ms(3080)), (ms(3200), ms(4000))]);
    assert_eq!(stats(&sink, VIDEO).gaps, 2, "both holes are longer than a frame of 40 ms");
}

#[test]
fn a_seek_keeps_the_buffer_only_with_random_access() {
    for random_access in [true, false] {
        let mut sink = ModelSink::new(Capabilities { random_access, ..Capabilities::default() });
        sink.command(configure(VIDEO, "v", None), at(0));
        sink.command(append(VIDEO, 0, 2000), at(0));
        sink.command(SinkCommand::Play, at(0));
        pass(&mut sink, 100);
        sink.command(SinkCommand::Seek(ms(1500)), at(100));
        let reports = pass(&mut sink, 200);
        assert_eq!(reports[0], (100, SinkReport::Seeked { position: ms(1500) }));
        assert_eq!(sink.buffered(VIDEO).is_empty(), !random_access);
        assert_eq!(sink.is_advancing(), random_access);
        // Nothing was there to be starved of.
        assert!(!reports.iter().any(|(_, report)| matches!(report, SinkReport::Starved { .. })));
    }
}

#[test]
fn more_than_it_holds_is_refused_and_counts_nothing() {
    let mut sink = ModelSink::new(Capabilities { max_bytes: Some(60_000), ..Capabilities::default() });
    sink.command(configure(VIDEO, "v", None), at(0));
    sink.command(append(VIDEO, 0, 2000), at(0));
    sink.command(append(VIDEO, 2000, 4000), at(0));
    assert_eq!(sink.poll(at(0)), Some(SinkReport::Full { kind: VIDEO, load: LoadId(2) }));
    assert_eq!(stats(&sink, VIDEO).samples, 50);
    // Half of the span gives back half of its bytes.
    sink.command(SinkCommand::Remove { kind: VIDEO, from: ms(0), to: ms(1000) }, at(0));
    sink.command(append(VIDEO, 2000, 3000), at(0));
    assert_eq!(sink.poll(at(0)), None);
    assert_eq!(sink.buffered(VIDEO), [(ms(1000), ms(3000))]);
}

#[test]
fn what_was_removed_under_the_playhead_is_missed_at_once() {
    let mut sink = playing();
    pass(&mut sink, 500);
    sink.command(SinkCommand::Remove { kind: AUDIO, from: ms(400), to: ms(2000) }, at(500));
    assert_eq!(pass(&mut sink, 600), [(500, SinkReport::Starved { position: ms(500) })]);
}

#[test]
fn samples_of_another_rendition_count_again_and_repeated_ones_do_not() {
    let mut sink = ModelSink::default();
    sink.command(configure(VIDEO, "v", None), at(0));
    sink.command(append(VIDEO, 0, 2000), at(0));
    sink.command(append(VIDEO, 0, 2000), at(0));
    assert_eq!(stats(&sink, VIDEO).samples, 50);
    let mut better = media(VIDEO, 1000, 2000);
    better.rendition = "better".to_owned();
    sink.command(SinkCommand::Append(Box::new(better)), at(0));
    let stats = stats(&sink, VIDEO);
    assert_eq!((stats.samples, stats.duration, stats.gaps), (75, ms(3000), 0));
    assert_eq!(sink.buffered(VIDEO), [(ms(0), ms(2000))]);
}

/// The initialisation section of a rendition and one fragment of it.
fn fragment(rendition: &str) -> (Arc<InitSegment>, Payload) {
    let mut title = SyntheticTitle::new(MediaTime::from_secs(8)).segments_of(ms(4000));
    let mut bytes = Vec::new();
    for name in ["init.mp4", "1.m4s"] {
        match title.get(&format!("{rendition}/{name}")) {
            Fetched::Response(response) => bytes.push(response.body),
            Fetched::Failure(failure) => panic!("{failure:?}"),
        }
    }
    let mut reader = IsoReader::new(&Limits::default());
    let (mut init, mut payload) = (None, Payload::None);
    for bytes in bytes {
        reader.push(bytes);
        reader.finish().expect("whole");
        while let Some(unit) = reader.poll().expect("valid") {
            match unit {
                Unit::Init(found) => init = Some(found),
                Unit::Fragment(found) => payload = Payload::Fragment(Arc::new(found)),
                _ => {}
            }
        }
    }
    (init.expect("init"), payload)
}

#[test]
fn every_sample_is_timed_with_offset_and_window_applied() {
    let (init, payload) = fragment("a0");
    let mut sink = ModelSink::default();
    sink.command(configure(AUDIO, "a", Some(init)), at(0));
    let mut media = media(AUDIO, 14_000, 16_000);
    media.payload = payload;
    media.offset = ms(10_000);
    media.window = (ms(14_000), ms(16_000));
    sink.command(SinkCommand::Append(Box::new(media)), at(0));
    // By hand: frames of 1,024 samples at 48 kHz that begin from 4 s (frame 188, 4.0107 s) to before
    // 6 s (frame 281, 5.9947 s).
    let stats = stats(&sink, AUDIO);
    let frame =
        |index: i64| MediaTime::from_ticks(index * 1024, telecine_model::Timescale::new(48_000).expect("not 0"));
    assert_eq!(stats.samples, 94);
    assert_eq!(stats.first_pts, Some(frame(188) + ms(10_000)));
    assert_eq!(stats.last_pts, Some(frame(281) + ms(10_000)));
    assert_eq!(stats.duration, frame(94));
    assert_eq!(sink.buffered(AUDIO), [(frame(188) + ms(10_000), frame(282) + ms(10_000))]);
}

/// Gaps that are counted in a second of pictures, of which each comes in a fragment of its own in the order of decoding,
/// without those that are left out.
fn gaps_without(left_out: &[usize]) -> u64 {
    let (init, Payload::Fragment(whole)) = fragment("v0") else { panic!("pictures") };
    let mut sink = ModelSink::default();
    sink.command(configure(VIDEO, "v", Some(init)), at(0));
    for index in (0..24).filter(|index| !left_out.contains(index)) {
        let mut single = (*whole).clone();
        let track = &mut single.tracks[0];
        let mut picture = track.samples[index];
        // The second of four is shown last, one picture late: so are all.
        let later = [1, 3, 0, 0][index % 4];
        picture.cts_offset = later * i32::try_from(picture.duration).expect("short");
        track.samples = vec![picture];
        let mut media = media(VIDEO, 4_000, 8_000);
        media.payload = Payload::Fragment(Arc::new(single));
        media.samples = 1;
        sink.command(SinkCommand::Append(Box::new(media)), at(0));
    }
    assert_eq!(stats(&sink, VIDEO).samples, 24 - left_out.len() as u64);
    stats(&sink, VIDEO).gaps
}

#[test]
fn pictures_in_fragments_of_their_own_have_no_gaps_though_they_come_in_decoding_order() {
    assert_eq!(gaps_without(&[]), 0);
    assert_eq!(gaps_without(&[8, 9, 10, 11]), 1);
}

#[test]
fn cues_are_counted_once_though_segments_repeat_them() {
    let mut sink = ModelSink::default();
    sink.command(configure(TEXT, "t", None), at(0));
    let first = "WEBVTT\n\n00:01.000 --> 00:02.000\nA\n\n00:03.000 --> 00:05.000\nB\n";
    let second = "WEBVTT\n\n00:03.000 --> 00:05.000\nB\n\n00:06.000 --> 00:07.000\nC\n";
    for (start, text) in [(0, first), (4000, second)] {
        let mut text_media = media(TEXT, start, start + 4000);
        text_media.payload = Payload::Text(Bytes::from_static(text.as_bytes()));
        sink.command(SinkCommand::Append(Box::new(text_media)), at(0));
    }
    let stats = stats(&sink, TEXT);
    assert_eq!((stats.samples, stats.first_pts, stats.last_pts), (3, Some(ms(1000)), Some(ms(6000))));
    assert_eq!(stats.duration, ms(4000));
}

#[test]
fn subtitles_hold_nothing_up_and_do_not_start_anything() {
    let mut sink = ModelSink::default();
    sink.command(configure(TEXT, "t", None), at(0));
    sink.command(append(TEXT, 0, 4000), at(0));
    sink.command(SinkCommand::Play, at(0));
    assert_eq!(pass(&mut sink, 1000), []);
    sink.command(configure(VIDEO, "v", None), at(1000));
    sink.command(append(VIDEO, 0, 8000), at(1000));
    assert_eq!(pass(&mut sink, 7000).last(), Some(&(7000, position(6000, true))));
}

#[test]
fn statistics_are_kept_per_track_and_survive_a_stop() {
    let mut sink = playing();
    sink.command(configure(AUDIO, "french", None), at(0));
    sink.command(append(AUDIO, 0, 1000), at(0));
    sink.command(SinkCommand::Stop, at(0));
    let counts: Vec<_> = sink.tracks().into_iter().map(|track| (track.id, track.samples)).collect();
    assert_eq!(counts, [("video".to_owned(), 50), ("audio".to_owned(), 50), ("french".to_owned(), 25)]);
    assert_eq!(sink.deadline(), None);
}

fn any_time() -> impl Strategy<Value = MediaTime> {
    prop_oneof![
        8 => (-1000i64..20_000).prop_map(ms),
        1 => any::<i64>().prop_map(MediaTime::from_units),
        1 => prop_oneof![Just(MediaTime::MIN), Just(MediaTime::MAX)],
    ]
}

fn any_command() -> impl Strategy<Value = SinkCommand> {
    let kind = || prop_oneof![Just(VIDEO), Just(AUDIO), Just(TEXT)];
    let appended = (kind(), any_time(), any_time(), any_time(), any_time(), 0u32..2000, any::<u64>());
    prop_oneof![
        1 => kind().prop_map(|kind| configure(kind, kind.name(), None)),
        4 => appended.prop_map(|(kind, start, end, from, to, samples, bytes)| {
            let append = Append { start, end, window: (from, to), samples, bytes, ..media(kind, 0, 0) };
            SinkCommand::Append(Box::new(append))
        }),
        4 => (kind(), 0i64..20_000).prop_map(|(kind, start)| append(kind, start, start + 2000)),
        1 => (kind(), any_time(), any_time()).prop_map(|(kind, from, to)| SinkCommand::Remove { kind, from, to }),
        1 => kind().prop_map(|kind| SinkCommand::EndOfStream { kind }),
        1 => kind().prop_map(|kind| SinkCommand::Disable { kind }),
        1 => any_time().prop_map(SinkCommand::Seek),
        1 => any::<u32>().prop_map(SinkCommand::SetRate),
        2 => Just(SinkCommand::Play),
        1 => Just(SinkCommand::Pause),
        1 => Just(SinkCommand::Stop),
    ]
}

proptest! {
    /// Whatever it is told, time passes: it never panics and never asks to be polled for ever.
    #[test]
    fn any_commands_are_survived(commands in prop::collection::vec((any_command(), 0u64..3000), 1..60)) {
        let mut sink = ModelSink::default();
        let mut now = 0;
        for (command, wait) in commands {
            sink.command(command, at(now));
            now += wait;
            let mut polls = 0;
            while let Some(deadline) = sink.deadline().filter(|deadline| *deadline <= at(now)) {
                while sink.poll(deadline).is_some() {}
                polls += 1;
                prop_assert!(polls < 1000);
            }
            let buffered = sink.buffered(VIDEO);
            prop_assert!(buffered.iter().all(|(start, end)| start < end));
            prop_assert!(buffered.windows(2).all(|pair| pair[0].1 < pair[1].0));
        }
    }
}
