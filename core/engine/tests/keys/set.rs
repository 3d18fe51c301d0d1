//! The packager's whole set (`make media-set`) on a device with a commercial key system, which is a scripted double:
//! what names that system is passed to it as the packager wrote it, byte for byte, and nothing is decrypted here.
//!
//! `make test-set` names the set in `TELECINE_MEDIA_SET`, and in `TELECINE_SET_RESULTS` a folder for what has passed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde_json::Value;
use telecine_drm::testing::{CdmScript, DoubleLicence, ScriptedCdm};
use telecine_engine::{Config, Engine, FetchRequest};
use telecine_model::protection::{KeyId, KeyStatus};
use telecine_model::{Timestamp, TrackKind};
use telecine_virtual::{Fetched, Outcome, Response, Session, Source};

use crate::sink::keeping;
use crate::world::{with_widevine, SERVER};

/// Files of a variant under `https://title.example/`, and the licence server of the double.
struct Packaged {
    folder: PathBuf,
    licence: DoubleLicence,
}

impl Source for Packaged {
    fn fetch(&mut self, request: &FetchRequest) -> Fetched {
        if request.url == SERVER {
            return Response::new(200, SERVER, self.licence.to_bytes()).into();
        }
        let name = request.url.strip_prefix("https://title.example/").unwrap_or("nothing");
        match std::fs::read(self.folder.join(name)) {
            Ok(bytes) => Response::new(200, &request.url, bytes).into(),
            Err(_) => Response::new(404, &request.url, "").into(),
        }
    }
}

/// Bytes of samples by kind.
type Samples = BTreeMap<TrackKind, Vec<u8>>;

/// What the packager wrote into the `mdat` boxes of a source's segments.
fn media_data(folder: &Path) -> Vec<u8> {
    let mut out = Vec::new();
    for number in 1.. {
        let Ok(segment) = std::fs::read(folder.join(format!("{number}.m4s"))) else { break };
        let mut at = 0;
        while at < segment.len() {
            let size = u32::from_be_bytes(segment[at..at + 4].try_into().expect("four bytes")) as usize;
            if &segment[at + 4..at + 8] == b"mdat" {
                out.extend_from_slice(&segment[at + 8..at + size]);
            }
            at += size.max(8);
        }
    }
    out
}

fn kid(hex: &str) -> KeyId {
    KeyId::parse(hex).expect("an identifier")
}

/// Plays a manifest to its end; what the sink got.
fn play(folder: &Path, manifest: &str, keys: &[KeyId], low: bool) -> Samples {
    let licence =
        DoubleLicence { keys: keys.iter().map(|kid| (*kid, KeyStatus::Usable)).collect(), ..DoubleLicence::default() };
    let mut config = Config::default();
    if low {
        config.constraints.max_height = Some(180);
        config.preferences.audio_languages = vec!["fr".to_owned()];
    }
    let mut engine = Engine::new(config);
    engine.set_keys(with_widevine());
    let (sink, shelf) = keeping();
    let source = Packaged { folder: folder.to_owned(), licence };
    let mut session = Session::with_engine(engine, source, Timestamp::ZERO)
        .sink(sink)
        .cdm(ScriptedCdm::new(CdmScript::default()))
        .network("rate=8Mbps,rtt=40ms".parse().expect("a network"))
        .play(format!("https://title.example/{manifest}"));
    let place = || format!("{}/{manifest}", folder.display());
    assert_eq!(session.run(None), Outcome::Ended, "{}: {:?}", place(), session.events());
    let kept = shelf.get();
    assert!(!kept.tracks.is_empty() && kept.tracks.iter().all(|protected| *protected), "{}: protected tracks", place());
    let mut samples = Samples::new();
    for (kind, bytes) in &kept.samples {
        samples.entry(*kind).or_default().extend_from_slice(bytes);
    }
    samples
}

#[test]
#[ignore = "needs the packager's set: make test-set"]
fn what_names_the_key_system_of_the_device_is_passed_to_it_as_it_is() {
    let out = PathBuf::from(std::env::var_os("TELECINE_MEDIA_SET").expect("TELECINE_MEDIA_SET names a folder"));
    let listed: Value = serde_json::from_slice(&std::fs::read(out.join("set.json")).expect("a list")).expect("JSON");
    let mut passed = BTreeSet::new();
    // Those that the packager made with boxes of Widevine, and clear lead has its own rules.
    for name in ["cenc", "cbcs", "cbcs-rotation-in-band", "hevc-cbcs", "vp9-cenc", "av1-cbcs"] {
        let variants = listed["variants"].as_array().expect("variants");
        let variant = variants.iter().find(|variant| variant["name"] == name).expect("made");
        let folder = out.join("set").join(name);
        let keys: Vec<KeyId> = variant["keys"]
            .as_array()
            .expect("keys")
            .iter()
            .map(|key| kid(key["kid"].as_str().expect("text")))
            .collect();
        let sources: BTreeMap<&str, Bytes> = variant["tracks"]
            .as_array()
            .expect("tracks")
            .iter()
            .map(|track| track["source"].as_str().expect("text"))
            .map(|source| (source, media_data(&folder.join(source)).into()))
            .collect();
        for manifest in variant["manifests"].as_array().expect("manifests") {
            let manifest = manifest.as_str().expect("text").rsplit('/').next().expect("a name");
            for low in [true, false] {
                let found = play(&folder, manifest, &keys, low);
                assert_eq!(found.keys().copied().collect::<Vec<_>>(), [TrackKind::Video, TrackKind::Audio], "{name}");
                for (kind, bytes) in found {
                    let source = sources.iter().find(|(_, wanted)| ***wanted == bytes[..]);
                    let (source, _) =
                        source.unwrap_or_else(|| panic!("{name}/{manifest}: other {kind:?} than packaged"));
                    passed.insert(format!("{name} {source}"));
                }
            }
        }
    }
    assert!(passed.len() > 12, "{passed:?}");
    if let Some(folder) = std::env::var_os("TELECINE_SET_RESULTS") {
        let lines = passed.into_iter().collect::<Vec<_>>().join("\n");
        std::fs::write(Path::new(&folder).join("passed.txt"), lines + "\n").expect("written");
    }
}
