//! ClearKey in software, for real: requests, licences, keys.

use super::*;
use common::{kid, AUDIO, VIDEO};
use telecine_drm::clearkey::ClearKeyCdm;
use telecine_drm::session::{Cdm, Header};
use telecine_drm::system::clearkey::request_from_json;
use telecine_drm::{decrypt_sample, CipherBackend, ContentKey, SoftwareAes};
use telecine_model::protection::{Key, KeyMethod, SampleEncryption};
use telecine_model::ErrorCode;

type Software = Rig<ClearKeyCdm>;

const KEYS: &str = "https://licence.example/ck";

fn given() -> [(KeyId, [u8; 16]); 2] {
    [VIDEO, AUDIO].map(|(id, key)| (kid(id), common::hex(key).try_into().expect("16 bytes")))
}

/// A title with the packager's common box.
fn title() -> KeyRequirement {
    let limits = Limits::default();
    let boxes = Pssh::parse_all(&common::packager("cenc_video_common"), &limits).expect("a box");
    KeyRequirement::from_boxes(&boxes, Some(Scheme::Cenc), &[kid(VIDEO.0)], &limits)
}

fn software(cdm: ClearKeyCdm, requirement: &KeyRequirement, wish: SystemPreference) -> Software {
    let device = DrmCapabilities { systems: vec![SystemCapability::software_clearkey()] };
    let wishes = DrmPreferences { systems: [(KeySystem::ClearKey, wish)].into(), ..DrmPreferences::default() };
    let need = Need { requirement, kind: TrackKind::Video };
    let mut world = Rig::new(cdm, SessionPolicy::default(), 3);
    world.sessions.start(choose(&[need], &device, &wishes).expect("a choice"), world.now);
    world.sessions.require(requirement, When::Now, world.now);
    world
}

fn from_server() -> SystemPreference {
    SystemPreference { licence_urls: vec![KEYS.into()], ..SystemPreference::default() }
}

fn state(world: &Software, id: &str) -> Availability {
    world.sessions.availability(&[KeyRef::Kid(kid(id))])
}

#[test]
fn one_request_brings_the_keys_of_the_common_box_into_the_store() {
    let mut world = software(ClearKeyCdm::new(&Limits::default()), &title(), from_server());
    world.server.reply(KEYS, Reply::ClearKeys(given().to_vec()));
    world.run_for(seconds(1));
    assert_eq!((state(&world, VIDEO.0), state(&world, AUDIO.0)), (Availability::Playable, Availability::Playable));
    let (_, request) = &world.server.requests[0];
    let body = request.body.as_ref().expect("a body").expose();
    // As Chromium writes it for the same title (drm-and-media.md, 4.5).
    assert_eq!(body, br#"{"kids":["EREiM0RVZneImaq7zN3u_w","ABEiM0RVZneImaq7zN3u_w"],"type":"temporary"}"#);
    assert_eq!(request_from_json(body, &Limits::default()).expect("a request").0.len(), 2);
    let content_type = request.headers.iter().find(|header| header.name == "Content-Type").map(Header::value);
    assert_eq!(content_type, Some("application/json"));
    let key = world.cdm.keys().content_key(&KeyRef::Kid(kid(VIDEO.0))).expect("a key");
    assert_eq!(key.expose(), &given()[0].1);
}

#[test]
fn a_key_from_a_licence_decrypts() {
    // NIST SP 800-38A, F.5.1: the first block in counter mode.
    let (id, key) = ([9; 16], "2b7e151628aed2a6abf7158809cf4f3c");
    let requirement = KeyRequirement::from_boxes(&[], Some(Scheme::Cenc), &[KeyId(id)], &Limits::default());
    let mut world = software(ClearKeyCdm::new(&Limits::default()), &requirement, from_server());
    world.server.reply(KEYS, Reply::ClearKeys(vec![(KeyId(id), common::hex(key).try_into().expect("16 bytes"))]));
    world.run_for(seconds(1));
    let key = world.cdm.keys().content_key(&KeyRef::Kid(KeyId(id))).expect("a key");
    let mut sample = common::hex("874d6191b620e3261bef6864990db6ce");
    let encryption = SampleEncryption {
        scheme: Scheme::Cenc,
        kid: KeyId(id),
        iv: common::hex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff").try_into().expect("16 bytes"),
        crypt_blocks: 0,
        skip_blocks: 0,
        subsamples: &[],
    };
    let cipher = SoftwareAes.open(&key).expect("a key");
    decrypt_sample(&*cipher, &encryption, &mut sample).expect("it decrypts");
    assert_eq!(sample, common::hex("6bc1bee22e409f96e93d7e117393172a"));
}

#[test]
fn keys_that_the_application_gives_need_no_request() {
    let mut cdm = ClearKeyCdm::new(&Limits::default());
    given().iter().for_each(|(kid, key)| cdm.give(*kid, &ContentKey::new(*key)));
    let wish = SystemPreference { given_keys: cdm.keys().given().collect(), ..SystemPreference::default() };
    let mut world = software(cdm, &title(), wish);
    world.run_for(seconds(1));
    assert_eq!(state(&world, VIDEO.0), Availability::Playable);
    assert!(world.server.requests.is_empty());
}

#[test]
fn only_the_keys_that_are_missing_are_asked_for() {
    let mut cdm = ClearKeyCdm::new(&Limits::default());
    cdm.give(kid(AUDIO.0), &ContentKey::new(given()[1].1));
    let mut world = software(cdm, &title(), from_server());
    world.server.reply(KEYS, Reply::ClearKeys(given().to_vec()));
    world.run_for(seconds(1));
    let body = world.server.requests[0].1.body.clone().expect("a body");
    assert_eq!(request_from_json(body.expose(), &Limits::default()).expect("a request").0, [kid(VIDEO.0)]);
    assert_eq!((state(&world, VIDEO.0), state(&world, AUDIO.0)), (Availability::Playable, Availability::Playable));
}

#[test]
fn a_key_that_the_server_does_not_give_is_missed() {
    let mut world = software(ClearKeyCdm::new(&Limits::default()), &title(), from_server());
    world.server.reply(KEYS, Reply::ClearKeys(given()[..1].to_vec()));
    world.run_for(seconds(1));
    assert_eq!(state(&world, VIDEO.0), Availability::Playable);
    assert_eq!(state(&world, AUDIO.0), Availability::Gone(ErrorCode::KeyNotInLicence));
}

#[test]
fn what_is_no_licence_is_refused() {
    for answer in [&b"{}"[..], b"{\"keys\":[]}", b"not json", &[0xff; 40]] {
        let mut world = software(ClearKeyCdm::new(&Limits::default()), &title(), from_server());
        world.server.reply(KEYS, Reply::Bytes(answer.to_vec()));
        world.run_for(seconds(1));
        assert_eq!(state(&world, VIDEO.0), Availability::Gone(ErrorCode::LicenceInvalid));
        assert!(world.cdm.keys().is_empty());
    }
}

fn identity(uri: &str, method: KeyMethod) -> (KeyRequirement, KeyRef) {
    let tag = Key {
        method,
        uri: Some(uri.to_owned()),
        iv: None,
        key_format: "identity".to_owned(),
        key_format_versions: "1".to_owned(),
    };
    let requirement = KeyRequirement::from_keys(&[tag], "https://cdn.example/v/a.m3u8", None, &Limits::default());
    let requirement = requirement.expect("protected");
    let name = requirement.keys(KeySystem::ClearKey).remove(0);
    (requirement, name)
}

#[test]
fn a_key_file_is_got_and_found_by_its_uri() {
    let (requirement, name) = identity("key.bin", KeyMethod::Aes128);
    let mut world = software(ClearKeyCdm::new(&Limits::default()), &requirement, SystemPreference::default());
    world.server.reply("https://cdn.example/v/key.bin", Reply::Bytes(b"0123456789abcdef".to_vec()));
    world.run_for(seconds(1));
    let (_, request) = &world.server.requests[0];
    assert_eq!((request.kind, request.body.is_none(), request.headers.len()), (RequestKind::Key, true, 0));
    assert_eq!(world.sessions.availability(std::slice::from_ref(&name)), Availability::Playable);
    assert_eq!(world.cdm.keys().content_key(&name).expect("a key").expose(), b"0123456789abcdef");
}

#[test]
fn hx08_a_key_file_of_another_length_is_a_typed_error() {
    for length in [0, 15, 17, 33] {
        let (requirement, name) = identity("key.bin", KeyMethod::Aes128);
        let mut world = software(ClearKeyCdm::new(&Limits::default()), &requirement, SystemPreference::default());
        world.server.reply("https://cdn.example/v/key.bin", Reply::Bytes(vec![7; length]));
        world.run_for(seconds(1));
        assert_eq!(world.sessions.availability(&[name]), Availability::Gone(ErrorCode::LicenceInvalid), "{length}");
    }
}

#[test]
fn a_key_for_aes_256_has_32_bytes_and_is_no_content_key() {
    let (requirement, name) = identity("key.bin", KeyMethod::Aes256Gcm);
    let mut world = software(ClearKeyCdm::new(&Limits::default()), &requirement, SystemPreference::default());
    world.server.reply("https://cdn.example/v/key.bin", Reply::Bytes(vec![7; 32]));
    world.run_for(seconds(1));
    assert_eq!(world.sessions.availability(std::slice::from_ref(&name)), Availability::Playable);
    assert_eq!(world.cdm.keys().bytes(&name).map(|bytes| bytes.len()), Some(32));
    assert!(world.cdm.keys().content_key(&name).is_none());
}

#[test]
fn a_key_inside_a_data_uri_needs_no_request() {
    let uri = format!("data:;base64,{}", common::base64(b"0123456789abcdef"));
    let (requirement, name) = identity(&uri, KeyMethod::Aes128);
    let mut world = software(ClearKeyCdm::new(&Limits::default()), &requirement, SystemPreference::default());
    world.run_for(seconds(1));
    assert!(world.server.requests.is_empty());
    assert_eq!(world.cdm.keys().content_key(&name).expect("a key").expose(), b"0123456789abcdef");
}

#[test]
fn a_refused_key_file_says_that_the_viewer_may_not() {
    let (requirement, name) = identity("key.bin", KeyMethod::Aes128);
    let mut world = software(ClearKeyCdm::new(&Limits::default()), &requirement, SystemPreference::default());
    world.server.reply("https://cdn.example/v/key.bin", Reply::Status(403, None));
    world.run_for(seconds(1));
    assert_eq!(world.sessions.availability(&[name]), Availability::Gone(ErrorCode::NotEntitled));
}

#[test]
fn keys_are_wiped_with_the_last_session_that_has_them() {
    let mut world = software(ClearKeyCdm::new(&Limits::default()), &title(), from_server());
    world.server.reply(KEYS, Reply::ClearKeys(given().to_vec()));
    world.run_for(seconds(1));
    // Another session for one of the keys: it has it at once.
    let second = telecine_drm::session::SessionId(99);
    world.cdm.execute(CdmCommand::Create { session: second, kind: Default::default() }, world.now);
    let init_data = telecine_drm::system::InitData::of_key_ids(&[kid(VIDEO.0)]);
    world.cdm.execute(CdmCommand::GenerateRequest { session: second, init_data }, world.now);
    assert_eq!(world.cdm.keys().len(), 2);
    world.sessions.stop(world.now);
    world.run_for(seconds(1));
    assert_eq!(world.cdm.keys().len(), 1);
    world.cdm.execute(CdmCommand::Close { session: second }, world.now);
    assert!(world.cdm.keys().is_empty());
}

#[test]
fn a_key_of_the_application_stays_and_stands_before_a_servers() {
    let mut cdm = ClearKeyCdm::new(&Limits::default());
    cdm.give(kid(AUDIO.0), &ContentKey::new([1; 16]));
    let mut world = software(cdm, &title(), from_server());
    world.server.reply(
        KEYS,
        Reply::Bytes(
            telecine_drm::system::clearkey::Licence {
                keys: given().iter().map(|(kid, key)| (*kid, ContentKey::new(*key))).collect(),
                kind: Default::default(),
            }
            .to_json(),
        ),
    );
    world.run_for(seconds(1));
    world.sessions.stop(world.now);
    world.run_for(seconds(1));
    let key = world.cdm.keys().content_key(&KeyRef::Kid(kid(AUDIO.0))).expect("it stays");
    assert_eq!((key.expose(), world.cdm.keys().len()), (&[1; 16], 1));
}
