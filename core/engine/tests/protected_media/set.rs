//! The packager's whole set (`make media-set`): every segment of everything that is protected becomes the one of the
//! clear packaging, byte for byte, however its bytes arrive.
//!
//! `make test-set` names the set in `TELECINE_MEDIA_SET`, and in `TELECINE_SET_RESULTS` a folder for what has passed:
//! the table of the README is written from that.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::support::*;
use bytes::Bytes;
use serde_json::Value;
use telecine_container::{InitSegment, SampleAes, StreamOptions, StreamReader, StreamUnit};
use telecine_drm::{implicit_iv, ContentKey, SampleDecryptor, SegmentDecryptor, SegmentKey, SoftwareAes};
use telecine_model::protection::{KeyId, KeyMethod};
use telecine_model::Limits;

/// Sizes of the pieces that bytes arrive in: one, a few, parts and multiples of blocks and packets, and all at once.
const PIECES: [usize; 7] = [1, 7, 16, 188, 1001, 65_536, usize::MAX];

/// Single bytes are for the beginning of a title: they take long.
const SINGLE_BYTES_UP_TO: usize = 1;

struct Set {
    root: PathBuf,
    variants: Vec<Value>,
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}"))
}

fn hex<const N: usize>(text: &str) -> [u8; N] {
    assert_eq!(text.len(), 2 * N, "{text}");
    std::array::from_fn(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).expect("hexadecimal digits"))
}

fn read_file(path: &Path) -> Bytes {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).into()
}

impl Set {
    fn open() -> Self {
        let out = PathBuf::from(std::env::var_os("TELECINE_MEDIA_SET").expect("TELECINE_MEDIA_SET names a folder"));
        let listed: Value = serde_json::from_slice(&read_file(&out.join("set.json"))).expect("JSON");
        let variants = listed["variants"].as_array().expect("variants").clone();
        Self { root: out.join("set"), variants }
    }

    fn protected(&self) -> impl Iterator<Item = &Value> {
        self.variants.iter().filter(|variant| !variant["protection"].is_null())
    }

    /// Segments of a source of a variant, in their order.
    fn segments(&self, variant: &str, source: &str) -> Vec<Bytes> {
        let own = self.root.join(variant).join(source);
        let folder = if own.is_dir() { own } else { self.root.join(variant) };
        let mut numbered: Vec<(u32, PathBuf)> = std::fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
            .map(|entry| entry.expect("an entry").path())
            .filter_map(|path| Some((path.file_stem()?.to_str()?.parse().ok()?, path)))
            .collect();
        numbered.sort();
        assert!(numbered.len() > 5, "{}", folder.display());
        numbered.iter().map(|(_, path)| read_file(path)).collect()
    }

    fn init(&self, variant: &str, source: &str) -> Bytes {
        read_file(&self.root.join(variant).join(source).join("init.mp4"))
    }

    fn is_fragmented(&self, variant: &str, source: &str) -> bool {
        self.root.join(variant).join(source).join("init.mp4").exists()
    }
}

fn keys(variant: &Value) -> SampleDecryptor {
    let mut decryptor = SampleDecryptor::default();
    for key in variant["keys"].as_array().expect("keys") {
        decryptor.insert(KeyId(hex(text(key, "kid"))), &ContentKey::new(hex(text(key, "key")))).expect("a key");
    }
    decryptor
}

/// The payloads of a segment's `mdat` boxes: no reader of ours is needed to find them.
fn media_data(segment: &[u8]) -> Vec<u8> {
    let (mut at, mut out) = (0, Vec::new());
    while at < segment.len() {
        let size = u32::from_be_bytes(segment[at..at + 4].try_into().expect("four bytes")) as usize;
        assert!(size >= 8 && at + size <= segment.len(), "a box of {size} bytes at {at}");
        if &segment[at + 4..at + 8] == b"mdat" {
            out.extend_from_slice(&segment[at + 8..at + size]);
        }
        at += size;
    }
    out
}

fn pieces(data: &Bytes, size: usize) -> Vec<Bytes> {
    data.chunks(size.min(data.len())).map(Bytes::copy_from_slice).collect()
}

/// Sizes for a segment by its number.
fn sizes(number: usize) -> impl Iterator<Item = usize> {
    PIECES.into_iter().filter(move |size| *size > 1 || number < SINGLE_BYTES_UP_TO)
}

/// Each segment of fMP4 by itself, with its initialisation section.
fn fragments(set: &Set, variant: &Value, source: &str) {
    let (name, twin) = (text(variant, "name"), text(variant, "clear"));
    let (init, _) = read([set.init(name, source)]);
    let decryptor = keys(variant);
    let clear_ones = set.segments(twin, source);
    let segments = set.segments(name, source);
    assert_eq!(segments.len(), clear_ones.len(), "{name} {source}");
    let mut changed = false;
    for (number, (segment, wanted)) in segments.iter().zip(&clear_ones).enumerate() {
        let wanted = media_data(wanted);
        changed |= media_data(segment) != wanted;
        for size in sizes(number) {
            let (_, found) = read_with(Some(init.clone()), pieces(segment, size));
            let mut out = Vec::new();
            for mut fragment in found {
                clear(&init, &mut fragment, &decryptor).unwrap_or_else(|error| panic!("{name} {source}: {error}"));
                fragment.data.iter().for_each(|piece| out.extend_from_slice(piece));
            }
            assert!(media_data(&out) == wanted, "{name} {source}: segment {number} in pieces of {size} bytes");
        }
    }
    assert!(changed, "{name} {source}: nothing was encrypted");
}

/// Samples of a segment of a stream that arrives in pieces.
fn stream(data: &Bytes, size: usize, protection: Option<(SampleAes, &SampleDecryptor)>) -> Vec<Bytes> {
    let mut reader = StreamReader::new(&StreamOptions::default(), &Limits::default());
    reader.set_protection(protection.map(|(how, _)| how));
    let (mut init, mut fragments): (Option<Arc<InitSegment>>, Vec<_>) = (None, Vec::new());
    let mut drain = |reader: &mut StreamReader| {
        while let Some(unit) = reader.poll().expect("valid") {
            match unit {
                StreamUnit::Init(found) => init = Some(found),
                StreamUnit::Fragment(mut fragment) => {
                    if let (Some((_, keys)), Some(init)) = (protection, &init) {
                        clear(init, &mut fragment, keys).expect("decrypts");
                    }
                    fragments.push(fragment);
                }
                _ => {}
            }
        }
    };
    for piece in pieces(data, size) {
        reader.push(piece);
        drain(&mut reader);
    }
    reader.finish().expect("complete");
    drain(&mut reader);
    samples(&fragments)
}

/// Each segment of a stream by itself: the last access unit has no successor there. That the reader takes the right
/// samples out of the clear one is proven elsewhere (core/container/tests/stream, conformance/suite/set/clear.py).
fn sample_aes(set: &Set, variant: &Value, source: &str) {
    let (name, twin) = (text(variant, "name"), text(variant, "clear"));
    let key = &variant["keys"][0];
    let how = SampleAes { key_id: KeyId(hex(text(key, "kid"))), iv: hex(text(variant, "iv")) };
    let decryptor = keys(variant);
    let segments = set.segments(name, source);
    let clear_ones = set.segments(twin, source);
    assert_eq!(segments.len(), clear_ones.len(), "{name} {source}");
    for (number, (segment, wanted)) in segments.iter().zip(&clear_ones).enumerate() {
        let wanted = stream(wanted, usize::MAX, None);
        assert!(wanted.len() > 50, "{name} {source}: {} samples", wanted.len());
        for size in sizes(number) {
            let found = stream(segment, size, Some((how, &decryptor)));
            assert_eq!(found.len(), wanted.len(), "{name} {source}: segment {number} in pieces of {size} bytes");
            let other = found.iter().zip(&wanted).position(|(found, wanted)| found != wanted);
            assert_eq!(other, None, "{name} {source}: a sample of segment {number} in pieces of {size} bytes");
        }
    }
}

/// The value of an attribute of a tag.
fn attribute<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let value = line.split_once(&format!("{name}="))?.1;
    Some(value.split(',').next()?.trim_matches('"'))
}

/// Segments that are encrypted whole, as their playlist says.
fn whole_segments(set: &Set, variant: &Value) {
    let (name, twin) = (text(variant, "name"), text(variant, "clear"));
    let folder = set.root.join(name);
    let playlist = String::from_utf8(read_file(&folder.join("main.m3u8")).to_vec()).expect("text");
    let (twin, source) = twin.split_once('/').unwrap_or((twin, ""));
    let clear_ones = set.segments(twin, source);
    let open = |key: &SegmentKey, iv: Option<[u8; 16]>, sequence: u64, data: &Bytes, size: usize| {
        let iv = iv.or(Some(implicit_iv(sequence)));
        let mut decryptor =
            SegmentDecryptor::new(&SoftwareAes, &KeyMethod::Aes128, key, iv, sequence).expect("a decryptor");
        let mut out = Vec::new();
        for piece in pieces(data, size) {
            out.extend_from_slice(&decryptor.push(piece).expect("decrypts"));
        }
        decryptor.finish().expect("padded").iter().for_each(|piece| out.extend_from_slice(piece));
        out
    };
    let (mut key, mut iv, mut range, mut sequence, mut number) = (None, None, None, 0, 0);
    for line in playlist.lines() {
        if let Some(first) = line.strip_prefix("#EXT-X-MEDIA-SEQUENCE:") {
            sequence = first.parse().expect("a number");
        } else if line.starts_with("#EXT-X-KEY") {
            let file = read_file(&folder.join(attribute(line, "URI").expect("a URI")));
            key = Some(SegmentKey::from_file(&KeyMethod::Aes128, &file).expect("a key"));
            iv = attribute(line, "IV").map(|iv| hex(&iv[2..]));
        } else if let (true, Some(key)) = (line.starts_with("#EXT-X-MAP"), &key) {
            let data = read_file(&folder.join(attribute(line, "URI").expect("a URI")));
            for size in PIECES {
                assert!(open(key, iv, 0, &data, size) == set.init(twin, source), "{name}: the initialisation section");
            }
        } else if let Some(bytes) = line.strip_prefix("#EXT-X-BYTERANGE:") {
            let (length, offset) = bytes.split_once('@').expect("an offset");
            range = Some((offset.parse::<usize>().expect("a number"), length.parse::<usize>().expect("a number")));
        } else if !line.is_empty() && !line.starts_with('#') {
            let file = read_file(&folder.join(line));
            let data = range.map_or(file.clone(), |(offset, length)| file.slice(offset..offset + length));
            let key = key.as_ref().expect("a key");
            for size in sizes(number) {
                let found = open(key, iv, sequence + number as u64, &data, size);
                assert!(found == clear_ones[number], "{name}: segment {number} in pieces of {size} bytes");
            }
            number += 1;
        }
    }
    assert_eq!(number, clear_ones.len(), "{name}");
}

#[test]
#[ignore = "needs the packager's set: make test-set"]
fn every_segment_of_the_set_becomes_its_clear_one_in_any_split() {
    let set = Set::open();
    let mut passed = String::new();
    for variant in set.protected() {
        let name = text(variant, "name");
        if text(variant, "protection") == "AES-128" {
            whole_segments(&set, variant);
        }
        for track in variant["tracks"].as_array().expect("tracks") {
            let source = text(track, "source");
            match (text(variant, "protection"), set.is_fragmented(name, source)) {
                ("AES-128", _) => {}
                (_, true) => fragments(&set, variant, source),
                ("SAMPLE-AES", false) => sample_aes(&set, variant, source),
                (other, _) => panic!("{name}: {other}"),
            }
            writeln!(passed, "{name} {source}").expect("memory");
        }
    }
    assert!(passed.lines().count() > 40, "{passed}");
    if let Some(folder) = std::env::var_os("TELECINE_SET_RESULTS") {
        std::fs::write(Path::new(&folder).join("decrypted.txt"), passed).expect("written");
    }
}
