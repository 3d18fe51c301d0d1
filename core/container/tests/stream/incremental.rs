//! Bytes may arrive in any split, and are copied as little as can be.

use crate::support::*;
use bytes::Bytes;
use proptest::prelude::*;
use telecine_container::StreamUnit;

/// A unit without the way its bytes were cut.
fn joined(units: Vec<StreamUnit>) -> Vec<StreamUnit> {
    units
        .into_iter()
        .map(|unit| match unit {
            StreamUnit::Fragment(mut fragment) => {
                fragment.data = vec![fragment.data.concat().into()];
                StreamUnit::Fragment(fragment)
            }
            other => other,
        })
        .collect()
}

fn all() -> Vec<String> {
    STREAMS.iter().map(|name| format!("{name}.ts")).chain(PACKED.iter().map(|name| (*name).to_owned())).collect()
}

#[test]
fn one_byte_at_a_time_gives_the_same_units() {
    for name in all() {
        let file = data(&name);
        let bytes = (0..file.len()).map(|at| file.slice(at..at + 1));
        let units = segment(&mut reader(), bytes).expect("valid");
        assert_eq!(joined(units), joined(read(file.clone())), "{name}");
    }
}

proptest! {
    #[test]
    fn any_split_gives_the_same_units(name in proptest::sample::select(all()), mut cuts in proptest::collection::vec(0usize..30_000, 0..40)) {
        let file = data(&name);
        cuts.retain(|cut| *cut <= file.len());
        cuts.push(file.len());
        cuts.sort_unstable();
        let mut from = 0;
        let pieces: Vec<Bytes> = cuts.iter().map(|to| file.slice(std::mem::replace(&mut from, *to)..*to)).collect();
        let units = segment(&mut reader(), pieces).expect("valid");
        prop_assert_eq!(joined(units), joined(read(file)));
    }

    #[test]
    fn damage_is_found_in_the_same_way_in_any_split(
        name in proptest::sample::select(all()),
        seed in proptest::collection::vec((0usize..26_000, any::<u8>()), 1..60),
        mut cuts in proptest::collection::vec(0usize..26_000, 0..20),
    ) {
        let mut file = data(&name).to_vec();
        for (at, byte) in seed {
            let at = at % file.len();
            file[at] = byte;
        }
        let file = Bytes::from(file);
        cuts.retain(|cut| *cut <= file.len());
        cuts.push(file.len());
        cuts.sort_unstable();
        let mut from = 0;
        let pieces: Vec<Bytes> = cuts.iter().map(|to| file.slice(std::mem::replace(&mut from, *to)..*to)).collect();
        let (mut one, mut other) = (reader(), reader());
        let whole = segment(&mut one, [file]);
        prop_assert_eq!(segment(&mut other, pieces).map(joined), whole.map(joined));
    }
}

#[test]
fn media_comes_out_before_the_segment_is_complete() {
    let file = data("avc_aac.ts");
    let mut reader = reader();
    let mut units = Vec::new();
    reader.push(file.slice(..file.len() * 2 / 3));
    drain(&mut reader, &mut units).expect("valid");
    let early: usize = fragments(&units).iter().map(|fragment| fragment.tracks[0].samples.len()).sum();
    assert!(early >= 24, "{early} of 50 pictures");
}

#[test]
fn video_is_copied_once_and_packed_audio_not_at_all() {
    let file = data("avc_aac.ts");
    let mut reader = reader();
    segment(&mut reader, [file.clone()]).expect("valid");
    let counters = reader.counters();
    assert_eq!(counters.bytes, file.len() as u64);
    assert!(counters.copied < counters.bytes, "{counters:?}");

    let file = data("packed_aac.aac");
    let inside = file.as_ptr_range();
    let units = read(file.clone());
    let samples: usize = fragments(&units).iter().map(|fragment| fragment.tracks[0].samples.len()).sum();
    assert!(samples > 40);
    for fragment in fragments(&units) {
        assert_eq!(fragment.data.len(), 1 + fragment.tracks[0].samples.len());
        assert!(fragment.data[1..].iter().all(|piece| inside.contains(&piece.as_ptr())));
    }
}

#[test]
fn pictures_of_a_fragment_lie_in_one_piece() {
    for fragment in fragments(&read(data("avc_aac.ts"))) {
        let sound = fragment.tracks.get(1).map_or(0, |part| part.samples.len());
        assert_eq!(fragment.data.len(), 1 + 1 + sound);
    }
}
