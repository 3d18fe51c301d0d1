//! The committed media, and the way from them to clear samples.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use telecine_container::{Fragment, InitSegment, IsoReader, Unit};
use telecine_drm::{ContentKey, SampleDecryptor};
use telecine_model::protection::KeyId;
use telecine_model::{Error, Limits};

/// A file of `conformance/media/golden`.
pub(crate) fn golden(name: &str) -> Bytes {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../conformance/media/golden").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).into()
}

/// Key id and key of video, and of sound where it has its own.
const VIDEO: (u128, u128) = (0x00112233445566778899aabbccddeeff, 0x0123456789abcdef0123456789abcdef);
const SOUND: (u128, u128) = (0x11112233445566778899aabbccddeeff, 0x1123456789abcdef0123456789abcdef);

/// The id of the key of video in a period of rotation: the packager turns id and key left by a byte each time.
pub(crate) fn kid(period: u32) -> KeyId {
    KeyId(VIDEO.0.rotate_left(8 * period).to_be_bytes())
}

/// All keys of the committed media.
pub(crate) fn decryptor() -> SampleDecryptor {
    let mut decryptor = SampleDecryptor::default();
    let mut insert = |(kid, key): (u128, u128)| {
        decryptor.insert(KeyId(kid.to_be_bytes()), &ContentKey::new(key.to_be_bytes())).expect("a key");
    };
    insert(SOUND);
    for period in 0..8 {
        insert((VIDEO.0.rotate_left(8 * period), VIDEO.1.rotate_left(8 * period)));
    }
    decryptor
}

/// Initialisation segment and fragments of a track that arrives in pieces.
pub(crate) fn read(pieces: impl IntoIterator<Item = Bytes>) -> (Arc<InitSegment>, Vec<Fragment>) {
    read_with(None, pieces)
}

/// The same, of media whose initialisation segment was read elsewhere.
pub(crate) fn read_with(
    given: Option<Arc<InitSegment>>,
    pieces: impl IntoIterator<Item = Bytes>,
) -> (Arc<InitSegment>, Vec<Fragment>) {
    let mut reader = IsoReader::new(&Limits::default());
    if let Some(init) = &given {
        reader.set_init(init.clone());
    }
    let mut init = given;
    let mut fragments = Vec::new();
    let mut drain = |reader: &mut IsoReader| {
        while let Some(unit) = reader.poll().expect("valid") {
            match unit {
                Unit::Init(found) => init = Some(found),
                Unit::Fragment(fragment) => fragments.push(fragment),
                _ => {}
            }
        }
    };
    for piece in pieces {
        reader.push(piece);
        drain(&mut reader);
    }
    reader.finish().expect("complete");
    drain(&mut reader);
    (init.expect("there is a moov"), fragments)
}

/// The bytes of every sample.
pub(crate) fn samples(fragments: &[Fragment]) -> Vec<Bytes> {
    let of = |fragment: &Fragment| -> Vec<Bytes> {
        let samples = fragment.tracks.iter().flat_map(|track| &track.samples);
        samples.map(|sample| fragment.sample(sample).expect("inside")).collect()
    };
    fragments.iter().flat_map(of).collect()
}

/// Makes a fragment clear; gives the bytes that were copied.
pub(crate) fn clear(init: &InitSegment, fragment: &mut Fragment, decryptor: &SampleDecryptor) -> Result<u64, Error> {
    let encryption = fragment.encryption(init)?;
    decryptor.require(encryption.key_ids())?;
    fragment.decrypt_with(&encryption, |how, sample| decryptor.decrypt(how, sample))
}

/// Pieces of a file, of their own each.
pub(crate) fn cut(data: &Bytes, cuts: &[usize]) -> Vec<Bytes> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (data.len() + 1)).chain([0, data.len()]).collect();
    cuts.sort_unstable();
    cuts.windows(2).map(|cut| Bytes::copy_from_slice(&data[cut[0]..cut[1]])).collect()
}

/// Makes a whole track clear, and makes sure that it equals `wanted` and reads as a clear one.
pub(crate) fn check(name: &str, pieces: Vec<Bytes>, wanted: &[Bytes]) {
    let (init, mut fragments) = read(pieces);
    let decryptor = decryptor();
    for fragment in &mut fragments {
        let size = fragment.size;
        clear(&init, fragment, &decryptor).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(fragment.data.iter().map(Bytes::len).sum::<usize>() as u64, size, "{name}");
    }
    assert!(samples(&fragments) == wanted, "{name}: other samples than in the clear");
    // What a decoder or Media Source gets: the same bytes, of a track that knows no protection.
    let mut output = vec![init.cleared().data];
    output.extend(fragments.iter().flat_map(|fragment| fragment.data.clone()));
    let (again, others) = read(output);
    assert!(again.tracks.iter().all(|track| track.encryption.is_none()) && again.pssh.is_empty(), "{name}");
    for fragment in &others {
        assert!(fragment.encryption(&again).expect("valid").is_clear(), "{name}");
    }
    assert!(samples(&others) == wanted, "{name}: clear output reads differently");
}
