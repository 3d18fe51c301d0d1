//! Media that no decoder can take ends in a typed error, never in a hang.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;

use bytes::Bytes;
use support::{Media, Stage};
use telecine_container::DecoderConfig;
use telecine_engine::{SinkCommand, SinkReport};
use telecine_model::{ErrorCode, TrackKind};

/// Plays a track and gives the failure.
fn failure(media: &Media) -> (ErrorCode, String) {
    let mut stage = Stage::new();
    stage.load(media);
    stage.command(SinkCommand::Play);
    failure_of(&mut stage)
}

fn failure_of(stage: &mut Stage) -> (ErrorCode, String) {
    let failed = |report: &SinkReport| match report {
        SinkReport::Failed { code, message } => Some((*code, message.clone())),
        _ => None,
    };
    let mut found = None;
    stage.run_until("a failure", |stage| {
        found = stage.reports.iter().find_map(failed);
        found.is_some()
    });
    found.expect("just seen")
}

/// The track with its decoder configuration changed.
fn with_config(media: &Media, change: impl FnOnce(&mut DecoderConfig)) -> Media {
    let mut init = (*media.init).clone();
    change(&mut init.tracks[0].descriptions[0].config);
    Media { init: Arc::new(init), ..media.clone() }
}

/// The track with the payload of every sample changed.
fn with_samples(media: &Media, change: impl Fn(&mut [u8])) -> Media {
    let broken = media.fragments.iter().map(|fragment| {
        let mut fragment = (**fragment).clone();
        let mut data = fragment.data.concat();
        for sample in &fragment.tracks[0].samples {
            change(&mut data[sample.offset as usize..(sample.offset + u64::from(sample.size)) as usize]);
        }
        fragment.data = vec![Bytes::from(data)];
        Arc::new(fragment)
    });
    Media { fragments: broken.collect(), ..media.clone() }
}

#[test]
fn a_garbled_decoder_configuration_is_a_decoding_failure() {
    let media = with_config(&Media::demo("v180.mp4"), |config| {
        if let DecoderConfig::Avc { record, .. } = config {
            *record = record.iter().enumerate().map(|(at, byte)| if at < 5 { *byte } else { byte ^ 0x5a }).collect();
        }
    });
    let (code, message) = failure(&media);
    assert_eq!(code, ErrorCode::DecodeFailed, "{message}");
}

#[test]
fn garbled_samples_are_a_decoding_failure() {
    // Lengths of NAL units stay, what is in them does not.
    let media = with_samples(&Media::demo("v180.mp4"), |sample| {
        sample.iter_mut().skip(4).for_each(|byte| *byte = 0xff);
    });
    let (code, message) = failure(&media);
    assert_eq!(code, ErrorCode::DecodeFailed, "{message}");
}

#[test]
fn samples_that_become_noise_in_the_middle_are_a_decoding_failure() {
    let (good, noise) = (Media::demo("v180.mp4"), with_samples(&Media::demo("v180.mp4"), |sample| sample.fill(0xa5)));
    let mut stage = Stage::new();
    stage.command(SinkCommand::SetRate(4000));
    stage.command(good.configuration());
    stage.append(&good, 0);
    for index in 1..6 {
        stage.append(&noise, index);
    }
    stage.command(SinkCommand::Play);
    let (code, message) = failure_of(&mut stage);
    assert_eq!(code, ErrorCode::DecodeFailed, "{message}");
}

#[test]
fn a_title_too_short_to_wait_for_fails_at_its_end() {
    let media = with_samples(&Media::demo("v180.mp4"), |sample| sample.fill(0xa5));
    let media = Media { fragments: media.fragments[..1].to_vec(), ..media };
    let (code, message) = failure(&media);
    assert_eq!(code, ErrorCode::DecodeFailed, "{message}");
}

#[test]
fn a_codec_without_a_decoder_is_unsupported() {
    let media = with_config(&Media::demo("v180.mp4"), |config| *config = DecoderConfig::Other);
    let (code, message) = failure(&media);
    assert_eq!(code, ErrorCode::CodecUnsupported);
    assert!(message.contains("avc1.4d400d"), "{message}");
}

#[test]
fn a_damaged_picture_is_counted_and_the_rest_is_shown() {
    let media = Media::demo("a-en.mp4");
    let victims = [30, 31, 60];
    let mut fragment = (*media.fragments[0]).clone();
    let mut data = fragment.data.concat();
    for index in victims {
        let sample = &fragment.tracks[0].samples[index];
        data[sample.offset as usize..(sample.offset + u64::from(sample.size)) as usize].fill(0xff);
    }
    fragment.data = vec![Bytes::from(data)];
    let media = Media { fragments: vec![Arc::new(fragment)], ..media };
    let mut stage = Stage::new();
    stage.load(&media);
    stage.command(SinkCommand::Play);
    stage.run_to_the_end();
    let stats = stage.stats(TrackKind::Audio);
    assert_eq!((stats.samples, stats.decoded + stats.decode_errors), (93, 93));
    assert!((1..=4).contains(&stats.decode_errors), "{stats:?}");
}
