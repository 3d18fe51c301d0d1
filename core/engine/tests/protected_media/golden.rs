//! Every scheme as the packager writes it.

use crate::support::*;
use bytes::Bytes;
use proptest::prelude::*;
use telecine_drm::{ContentKey, SampleDecryptor};
use telecine_model::protection::KeyId;
use telecine_model::ErrorCode;

/// Every protected track, and its clear one.
const TRACKS: [&str; 21] = [
    "cenc.v",
    "cenc.a",
    "cbcs.v",
    "cbcs.a",
    "cens.v",
    "cens.a",
    "cbc1.v",
    "cbc1.a",
    "cens-5-5.v",
    "cens-5-5.a",
    "cbcs-5-5.v",
    "cbcs-5-5.a",
    "wrap.v",
    "wrap.a",
    "clear-lead.v",
    "clear-lead.a",
    "rotation.v",
    "rotation.a",
    "rotation-in-band.v",
    "rotation-in-band.a",
    "ffmpeg.v",
];

fn clear_samples(track: &str) -> Vec<Bytes> {
    let kind = track.rsplit('.').next().expect("a kind");
    samples(&read([golden(&format!("clear.{kind}.mp4"))]).1)
}

fn file(track: &str) -> Bytes {
    golden(&format!("{track}.mp4"))
}

#[test]
fn every_track_becomes_its_clear_one() {
    for track in TRACKS {
        let wanted = clear_samples(track);
        assert!(wanted.len() > 90, "{track}");
        check(track, vec![file(track)], &wanted);
    }
}

#[test]
fn the_encrypted_samples_are_not_the_clear_ones() {
    for track in TRACKS {
        assert!(samples(&read([file(track)]).1) != clear_samples(track), "{track}");
    }
}

#[test]
fn a_segment_that_nobody_else_holds_is_decrypted_without_a_copy() {
    let (init, fragments) = read([file("cenc.v")]);
    for fragment in fragments {
        let segment = fragment.slice(0..fragment.size).expect("all");
        let (_, again) = read_with(Some(init.clone()), [Bytes::copy_from_slice(&segment)]);
        let mut fragment = again.into_iter().next().expect("a fragment");
        assert_eq!(clear(&init, &mut fragment, &decryptor()).expect("decrypts"), 0);
    }
}

#[test]
fn a_clear_lead_passes_untouched_and_what_follows_is_protected() {
    // Trap 7.
    let (init, mut fragments) = read([file("clear-lead.v")]);
    assert_eq!(init.tracks[0].descriptions.len(), 2);
    let protected: Vec<bool> =
        fragments.iter().map(|fragment| !fragment.encryption(&init).expect("valid").is_clear()).collect();
    assert_eq!(protected, [false, true]);
    // No key is needed for the lead.
    let before = fragments[0].data.clone();
    assert_eq!(clear(&init, &mut fragments[0], &SampleDecryptor::default()).expect("clear"), 0);
    assert_eq!(fragments[0].data, before);
}

#[test]
fn rotated_keys_are_named_by_each_fragment() {
    // Traps 3, 4 and 15.
    for track in ["rotation.v", "rotation-in-band.a"] {
        let (init, fragments) = read([file(track)]);
        let encryption = init.tracks[0].encryption.as_ref().expect("protected");
        assert_eq!(encryption.default_kid, KeyId([0; 16]), "{track}: a key of the track that is none");
        let kids: Vec<_> =
            fragments.iter().map(|fragment| fragment.encryption(&init).expect("valid").key_ids().to_vec()).collect();
        // Periods of a second: the second segment begins in the second or third.
        assert!(kids[0] == [kid(0)] && (kids[1] == [kid(1)] || kids[1] == [kid(2)]), "{track}: {kids:?}");
        // A new `pssh` in the media announces it.
        assert!(!fragments[0].pssh.is_empty() && fragments[0].pssh != fragments[1].pssh, "{track}");
    }
}

#[test]
fn a_missing_key_is_an_error_that_names_it_and_changes_nothing() {
    let (init, fragments) = read([file("cenc.v")]);
    let mut fragment = fragments[1].clone();
    let mut decryptor = decryptor();
    assert!(decryptor.remove(&kid(0)));
    let error = clear(&init, &mut fragment, &decryptor).expect_err("no key");
    assert_eq!((error.code(), error.facts()["kid"].as_str()), (ErrorCode::KeyUnavailable, &*kid(0).to_string()));
    assert_eq!(fragment, fragments[1]);
}

#[test]
fn a_wrong_key_gives_rubbish_of_the_right_sizes_and_never_the_sample() {
    for track in TRACKS {
        let (init, mut fragments) = read([file(track)]);
        let wanted = clear_samples(track);
        let mut wrong = SampleDecryptor::default();
        decryptor().key_ids().for_each(|kid| wrong.insert(*kid, &ContentKey::new([0x77; 16])).expect("a key"));
        for fragment in &mut fragments {
            clear(&init, fragment, &wrong).expect("nobody can tell");
        }
        let found = samples(&fragments);
        assert!(found.iter().map(Bytes::len).eq(wanted.iter().map(Bytes::len)), "{track}");
        assert!(found != wanted, "{track}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_split_of_the_input_gives_the_same(
        which in 0..TRACKS.len(),
        cuts in proptest::collection::vec(any::<usize>(), 0..30),
    ) {
        let track = TRACKS[which];
        check(track, cut(&file(track), &cuts), &clear_samples(track));
    }

    /// Damaged input is an error, or samples of the right sizes.
    #[test]
    fn damage_never_panics(
        which in 0..TRACKS.len(),
        damage in proptest::collection::vec((0usize..6000, any::<u8>()), 1..6),
    ) {
        let mut bytes = file(TRACKS[which]).to_vec();
        for (at, value) in damage {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
        }
        let mut reader = telecine_container::IsoReader::new(&telecine_model::Limits::default());
        reader.push(bytes.into());
        let mut init = None;
        while let Ok(Some(unit)) = reader.poll() {
            match (unit, &init) {
                (telecine_container::Unit::Init(found), _) => init = Some(found),
                (telecine_container::Unit::Fragment(mut fragment), Some(init)) => {
                    let size = fragment.size;
                    if clear(init, &mut fragment, &decryptor()).is_ok() {
                        prop_assert_eq!(fragment.data.iter().map(Bytes::len).sum::<usize>() as u64, size);
                    }
                }
                _ => {}
            }
        }
    }
}
