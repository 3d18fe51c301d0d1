//! The demo title of the conformance suite, where it has been made.

use bytes::Bytes;
use serde_json::Value;
use telecine_container::{CmafChecker, IsoReader, Unit};
use telecine_model::Limits;

fn demo(name: &str) -> Option<Bytes> {
    let path = format!("{}/../../conformance/media/demo/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).ok().map(Bytes::from)
}

#[test]
fn the_demo_title_is_what_its_maker_wrote_down_and_clean_cmaf() {
    let Some(title) = demo("title.json") else { return };
    let title: Value = serde_json::from_slice(&title).expect("JSON");
    for rendition in title["renditions"].as_array().expect("a list") {
        let Some(file) = rendition["file"].as_str().filter(|file| file.ends_with(".mp4")).and_then(demo) else {
            continue;
        };
        let mut reader = IsoReader::new(&Limits::default());
        let mut checker = CmafChecker::new();
        let (mut samples, mut sizes, mut end) = (0, Vec::new(), 0);
        // As a network hands it over.
        for piece in file.chunks(16 * 1024) {
            reader.push(file.slice_ref(piece));
            while let Some(unit) = reader.poll().expect("valid") {
                assert_eq!(checker.check(&unit), [], "{}", rendition["file"]);
                match unit {
                    Unit::Init(init) => {
                        let track = &init.tracks[0];
                        assert_eq!(rendition["codec"], track.codec.to_string());
                        assert_eq!(rendition["timescale"], track.timescale.get());
                        if let Some(width) = rendition["width"].as_u64() {
                            assert_eq!(track.width.map(u64::from), Some(width));
                        }
                    }
                    Unit::Fragment(fragment) => {
                        samples += fragment.tracks[0].samples.len() as u64;
                        sizes.push(Value::from(fragment.size));
                        end = fragment.tracks[0].end_decode_time();
                        assert_eq!(fragment.data.iter().map(Bytes::len).sum::<usize>() as u64, fragment.size);
                    }
                    _ => {}
                }
            }
        }
        reader.finish().expect("complete");
        assert_eq!(rendition["segment_bytes"], Value::from(sizes), "{}", rendition["file"]);
        if let Some(frames) = rendition["frames"].as_u64() {
            assert_eq!(samples, frames);
        }
        assert!(end > 0);
    }
}
