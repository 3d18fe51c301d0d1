//! Manifests, initialisation sections and fragments say which keys are needed, all in one type.

#![allow(clippy::expect_used, clippy::panic)] // These are tests.

mod common;

use common::{base64, kid, packager, AUDIO, VIDEO};
use telecine_drm::system::{IdentityKey, InitDataKind, KeyRequirement, Pssh};
use telecine_drm::KeyUrl;
use telecine_model::protection::{Key, KeyMethod, KeyRef, KeySystem, Protection, Scheme, SystemId};
use telecine_model::{ErrorCode, Limits};

fn limits() -> Limits {
    Limits::default()
}

const BASE: &str = "https://cdn.example/title/v/main.m3u8";

fn dash(system: &str, name: &str) -> Protection {
    Protection {
        scheme: "cenc".to_owned(),
        system: Some(system.to_owned()),
        default_kid: Some(kid(VIDEO.0)),
        pssh: (!name.is_empty()).then(|| base64(&packager(name))),
        ..Protection::default()
    }
}

fn tag(method: KeyMethod, format: &str, uri: &str) -> Key {
    Key {
        method,
        uri: Some(uri.to_owned()),
        iv: None,
        key_format: format.to_owned(),
        key_format_versions: "1".to_owned(),
    }
}

fn data_uri(kind: &str, bytes: &[u8]) -> String {
    format!("data:{kind};base64,{}", base64(bytes))
}

const WIDEVINE: &str = "edef8ba9-79d6-4ace-a3c8-27dcd51d21ed";
const PLAYREADY: &str = "9a04f079-9840-4286-ab92-e65be0885f95";
const COMMON: &str = "1077efec-c0b2-4d02-ace3-3c1e52e2fb4b";
const CLEARKEY: &str = "e2719d58-a985-b3c9-781a-b030af78d30e";

fn boxes(names: &[&str]) -> Vec<Pssh> {
    names.iter().flat_map(|name| Pssh::parse_all(&packager(name), &limits()).expect("a box")).collect()
}

/// What the MPD of the packager's `cenc` variant says of the video.
fn packaged_mpd() -> KeyRequirement {
    let mut playready = dash(PLAYREADY, "cenc_video_playready");
    playready.pro = Some(base64(&packager("cenc_video_playready")[32..]));
    let all = [dash(COMMON, "cenc_video_common"), playready, dash(WIDEVINE, "cenc_video_widevine")];
    KeyRequirement::from_protections(&all, &limits()).expect("protected")
}

#[test]
fn an_mpd_offers_each_system_its_own_box() {
    let requirement = packaged_mpd();
    assert_eq!((requirement.scheme, &requirement.key_ids[..]), (Some(Scheme::Cenc), &[kid(VIDEO.0)][..]));
    assert_eq!(requirement.faults, []);
    let systems: Vec<_> = requirement.offers.iter().map(|offer| offer.system).collect();
    assert_eq!(systems, [KeySystem::ClearKey, KeySystem::PlayReady, KeySystem::Widevine]);
    for (system, name) in [
        (KeySystem::ClearKey, "cenc_video_common"),
        (KeySystem::PlayReady, "cenc_video_playready"),
        (KeySystem::Widevine, "cenc_video_widevine"),
    ] {
        let data = requirement.offer(system).expect("an offer").init_data.expect("initialisation data");
        assert_eq!((data.kind, data.bytes), (InitDataKind::Cenc, packager(name)), "{system}");
        assert_eq!(requirement.keys(system), [KeyRef::Kid(kid(VIDEO.0))]);
    }
    let widevine = requirement.offer(KeySystem::Widevine).expect("an offer");
    assert_eq!(widevine.key_ids, [kid(AUDIO.0), kid(VIDEO.0)]);
}

#[test]
fn without_descriptors_a_rendition_is_clear() {
    assert_eq!(KeyRequirement::from_protections(&[], &limits()), None);
    assert_eq!(KeyRequirement::from_keys(&[], BASE, None, &limits()), None);
}

#[test]
fn licence_and_certificate_urls_of_an_mpd_are_kept() {
    let clearkey = Protection { uri: Some("https://l.example/ck".to_owned()), ..dash(CLEARKEY, "") };
    let widevine = Protection {
        uri: Some("https://l.example/wv".to_owned()),
        certificate_uri: Some("https://l.example/cert".to_owned()),
        authorization_uri: Some("https://l.example/auth".to_owned()),
        robustness: Some("HW_SECURE_ALL".to_owned()),
        ..dash(WIDEVINE, "")
    };
    let requirement = KeyRequirement::from_protections(&[clearkey, widevine], &limits()).expect("protected");
    let offer = requirement.offer(KeySystem::Widevine).expect("an offer");
    assert_eq!(offer.licence_url.as_ref().map(KeyUrl::as_str), Some("https://l.example/wv"));
    assert_eq!(offer.certificate_url.as_ref().map(KeyUrl::as_str), Some("https://l.example/cert"));
    assert_eq!(offer.authorization_url.as_ref().map(KeyUrl::as_str), Some("https://l.example/auth"));
    assert_eq!(offer.robustness.as_deref(), Some("HW_SECURE_ALL"));
    assert!(offer.init_data.is_none(), "only the media has it");
    // ClearKey makes its own from the default key.
    let offer = requirement.offer(KeySystem::ClearKey).expect("an offer");
    assert_eq!(offer.licence_url.as_ref().map(KeyUrl::as_str), Some("https://l.example/ck"));
    assert_eq!(offer.init_data.map(|data| data.kind), Some(InitDataKind::KeyIds));
}

#[test]
fn the_scheme_alone_is_enough_for_an_application_that_has_the_keys() {
    let only = Protection { system: None, ..dash("", "") };
    let requirement = KeyRequirement::from_protections(&[only], &limits()).expect("protected");
    assert!(requirement.offers.is_empty());
    let offer = requirement.offer(KeySystem::ClearKey).expect("keys are named");
    assert_eq!(offer.key_ids, [kid(VIDEO.0)]);
    assert_eq!(requirement.offer(KeySystem::Widevine), None);
}

#[test]
fn a_playready_object_without_its_box_is_put_into_one() {
    let object = packager("cenc_video_playready").slice(32..);
    let protection = Protection { pro: Some(base64(&object)), ..dash(PLAYREADY, "") };
    let requirement = KeyRequirement::from_protections(&[protection], &limits()).expect("protected");
    let data = requirement.offer(KeySystem::PlayReady).expect("an offer").init_data.expect("data");
    assert_eq!(data.bytes, packager("cenc_video_playready"));
}

#[test]
fn key_tags_of_a_playlist_offer_each_system() {
    let sample = || KeyMethod::SampleAesCtr;
    let playready = data_uri("text/plain;charset=UTF-16", &packager("cenc_video_playready")[32..]);
    let widevine = data_uri("text/plain", &packager("cenc_video_widevine"));
    let tags = [
        tag(sample(), "com.microsoft.playready", &playready),
        tag(sample(), &format!("urn:uuid:{WIDEVINE}"), &widevine),
    ];
    let requirement = KeyRequirement::from_keys(&tags, BASE, Some(kid(VIDEO.0)), &limits()).expect("protected");
    assert_eq!((requirement.scheme, requirement.faults.len()), (Some(Scheme::Cenc), 0));
    assert_eq!(requirement.method, Some(KeyMethod::SampleAesCtr));
    for (system, name) in [(KeySystem::PlayReady, "cenc_video_playready"), (KeySystem::Widevine, "cenc_video_widevine")]
    {
        let offer = requirement.offer(system).expect("an offer");
        assert_eq!(offer.init_data.expect("data").bytes, packager(name));
        assert!(offer.key_ids.contains(&kid(VIDEO.0)));
    }
}

#[test]
fn a_key_tag_of_the_common_system_brings_its_boxes_and_no_key_file() {
    let common = Pssh::new(SystemId::COMMON, vec![kid(VIDEO.0)], bytes::Bytes::new());
    let format = format!("urn:uuid:{}", SystemId::COMMON);
    let tags = [tag(KeyMethod::SampleAes, &format, &data_uri("text/plain", common.raw()))];
    let requirement = KeyRequirement::from_keys(&tags, BASE, None, &limits()).expect("protected");
    assert_eq!(requirement.faults, []);
    let offer = requirement.offer(KeySystem::ClearKey).expect("an offer");
    assert_eq!((offer.identity, &offer.key_ids[..]), (None, &[kid(VIDEO.0)][..]));
    assert_eq!(&offer.init_data.expect("data").bytes, common.raw());
}

#[test]
fn session_keys_of_a_playlist_say_the_same_as_its_key_tags() {
    let uri = data_uri("text/plain", &packager("cbcs_video_widevine"));
    let format = format!("urn:uuid:{WIDEVINE}");
    let from_tag = KeyRequirement::from_keys(&[tag(KeyMethod::SampleAes, &format, &uri)], BASE, None, &limits());
    let session_key = Protection {
        scheme: "SAMPLE-AES".to_owned(),
        system: Some(WIDEVINE.to_owned()),
        key_format: Some(format),
        pssh: uri.split_once(',').map(|(_, payload)| payload.to_owned()),
        uri: Some(uri),
        ..Protection::default()
    };
    assert_eq!(KeyRequirement::from_protections(&[session_key], &limits()), from_tag);
}

#[test]
fn a_fairplay_key_is_named_by_its_uri_until_the_media_names_it() {
    let tags = [tag(KeyMethod::SampleAes, "com.apple.streamingkeydelivery", "skd://asset-1")];
    let mut requirement = KeyRequirement::from_keys(&tags, BASE, None, &limits()).expect("protected");
    let data = requirement.offer(KeySystem::FairPlay).expect("an offer").init_data.expect("data");
    assert_eq!((data.kind, &data.bytes[..]), (InitDataKind::Skd, &b"skd://asset-1"[..]));
    assert_eq!(requirement.keys(KeySystem::FairPlay), [KeyRef::Uri("skd://asset-1".into())]);
    requirement.add_init(Some(Scheme::Cbcs), Some(kid(VIDEO.0)), &[], &limits());
    assert_eq!(requirement.keys(KeySystem::FairPlay), [KeyRef::Kid(kid(VIDEO.0))]);
}

#[test]
fn an_identity_key_is_named_by_where_it_is() {
    let tags = [tag(KeyMethod::Aes128, "identity", "../keys/1.key?t=x")];
    let requirement = KeyRequirement::from_keys(&tags, BASE, None, &limits()).expect("protected");
    let url = "https://cdn.example/title/keys/1.key?t=x";
    assert_eq!(requirement.keys(KeySystem::ClearKey), [KeyRef::Uri(url.into())]);
    let data = requirement.offer(KeySystem::ClearKey).expect("an offer").init_data.expect("data");
    assert_eq!((data.kind, &data.bytes[..]), (InitDataKind::KeyUri, url.as_bytes()));
    assert!(!requirement.is_undecided());
}

fn packaged_identity(payload: &str) -> KeyRequirement {
    let uri = data_uri("text/plain", &common::hex(payload));
    let tags = [tag(KeyMethod::SampleAes, "identity", &uri)];
    KeyRequirement::from_keys(&tags, BASE, None, &limits()).expect("protected")
}

#[test]
fn sixteen_bytes_in_a_data_uri_are_the_key_identifier_if_the_media_names_it() {
    let mut requirement = packaged_identity(VIDEO.0);
    assert!(requirement.is_undecided());
    assert!(matches!(requirement.offers[0].identity, Some(IdentityKey::Undecided(_))));
    requirement.add_init(Some(Scheme::Cbcs), Some(kid(VIDEO.0)), &[], &limits());
    assert!(!requirement.is_undecided());
    let offer = requirement.offer(KeySystem::ClearKey).expect("an offer");
    assert_eq!((offer.identity, offer.key_ids), (None, vec![kid(VIDEO.0)]));
    assert_eq!(offer.init_data.map(|data| data.kind), Some(InitDataKind::KeyIds));
    assert_eq!(requirement.keys(KeySystem::ClearKey), [KeyRef::Kid(kid(VIDEO.0))]);
}

#[test]
fn a_box_of_the_media_that_names_more_keys_is_what_a_licence_is_asked_with() {
    // The packager with a key for each rendition: the tag names one, the box of each track all.
    let mut requirement = packaged_identity(VIDEO.0);
    let common = Pssh::new(SystemId::COMMON, vec![kid(AUDIO.0), kid(VIDEO.0)], Default::default());
    requirement.add_init(Some(Scheme::Cbcs), Some(kid(VIDEO.0)), &[common], &limits());
    let data = requirement.offer(KeySystem::ClearKey).expect("an offer").init_data.expect("data");
    assert_eq!((data.kind, data.key_ids(&limits())), (InitDataKind::Cenc, vec![kid(AUDIO.0), kid(VIDEO.0)]));
    // One that does not name it is of no use to it.
    let mut requirement = packaged_identity(VIDEO.0);
    let other = Pssh::new(SystemId::COMMON, vec![kid(AUDIO.0)], Default::default());
    requirement.add_init(Some(Scheme::Cbcs), Some(kid(VIDEO.0)), &[other], &limits());
    let data = requirement.offer(KeySystem::ClearKey).expect("an offer").init_data.expect("data");
    assert_eq!((data.kind, data.key_ids(&limits())), (InitDataKind::KeyIds, vec![kid(VIDEO.0)]));
}

#[test]
fn clearkey_is_offered_for_the_keys_that_other_systems_data_names() {
    let uri = data_uri("text/plain", &packager("cenc_video_widevine"));
    let format = format!("urn:uuid:{WIDEVINE}");
    let requirement = KeyRequirement::from_keys(&[tag(KeyMethod::SampleAesCtr, &format, &uri)], BASE, None, &limits());
    let requirement = requirement.expect("protected");
    assert!(requirement.key_ids.is_empty());
    let named = requirement.offer(KeySystem::Widevine).expect("an offer").key_ids;
    let offer = requirement.offer(KeySystem::ClearKey).expect("an offer");
    assert!(named.contains(&kid(VIDEO.0)));
    assert_eq!((offer.init_data.expect("data").key_ids(&limits()), offer.key_ids), (named.clone(), named));
}

#[test]
fn sixteen_bytes_in_a_data_uri_are_the_key_if_the_media_names_another_one_or_none() {
    for media in [Some(kid(AUDIO.0)), None] {
        let mut requirement = packaged_identity(VIDEO.1);
        requirement.decide_identity(media, &limits());
        let offer = requirement.offer(KeySystem::ClearKey).expect("an offer");
        assert!(matches!(offer.identity, Some(IdentityKey::Uri(_))));
        assert_eq!(offer.init_data.map(|data| data.kind), Some(InitDataKind::KeyUri));
    }
    // Whole segments name no keys: there it is the key from the start.
    let uri = data_uri("text/plain", &common::hex(VIDEO.1));
    let tags = [tag(KeyMethod::Aes128, "identity", &uri)];
    assert!(!KeyRequirement::from_keys(&tags, BASE, None, &limits()).expect("protected").is_undecided());
}

#[test]
fn the_first_hls_signalling_of_widevine_becomes_a_box() {
    let json = format!("{{\"provider\":\"p\",\"content_id\":\"dGl0bGU=\",\"key_ids\":[\"{}\"]}}", VIDEO.0);
    let tags = [tag(KeyMethod::SampleAesCtr, "com.widevine", &data_uri("text/plain", json.as_bytes()))];
    let requirement = KeyRequirement::from_keys(&tags, BASE, None, &limits()).expect("protected");
    let offer = requirement.offer(KeySystem::Widevine).expect("an offer");
    assert_eq!(offer.key_ids, [kid(VIDEO.0)]);
    assert_eq!(offer.init_data.expect("data").key_ids(&limits()), [kid(VIDEO.0)]);
}

#[test]
fn an_initialisation_section_adds_what_the_manifest_does_not_say() {
    let mut requirement = KeyRequirement::default();
    let all = boxes(&["cenc_video_common", "cenc_video_playready", "cenc_video_widevine"]);
    requirement.add_init(Some(Scheme::Cenc), Some(kid(VIDEO.0)), &all, &limits());
    let offers = |requirement: &KeyRequirement| {
        let mut offers = requirement.offers.clone();
        offers.sort_by_key(|offer| offer.system);
        offers
    };
    assert_eq!(offers(&requirement), offers(&packaged_mpd()));
}

#[test]
fn the_manifests_box_comes_before_the_medias() {
    let mut requirement = packaged_mpd();
    requirement.add_init(None, Some(kid(AUDIO.0)), &boxes(&["rotation_2_widevine"]), &limits());
    let offer = requirement.offer(KeySystem::Widevine).expect("an offer");
    assert_eq!(offer.init_data.expect("data").bytes, packager("cenc_video_widevine"));
    assert_eq!(requirement.key_ids, [kid(VIDEO.0), kid(AUDIO.0)]);
    assert_eq!(offer.key_ids.len(), 3, "the media's box adds its key");
}

#[test]
fn boxes_of_a_fragment_are_a_requirement_of_their_own() {
    let rotated = boxes(&["rotation_2_common", "rotation_2_widevine", "rotation_2_widevine"]);
    let next = kid("112233445566778899aabbccddeeff00");
    let requirement = KeyRequirement::from_boxes(&rotated, Some(Scheme::Cbcs), &[next], &limits());
    let offer = requirement.offer(KeySystem::Widevine).expect("an offer");
    assert_eq!(offer.init_data.expect("data").bytes, packager("rotation_2_widevine"), "the same box twice is one");
    assert_eq!((offer.key_ids, requirement.key_ids), (vec![next], vec![next]));
}

#[test]
fn what_cannot_be_read_spoils_only_its_own_system() {
    let broken = Protection { pssh: Some("!".to_owned()), ..dash(WIDEVINE, "") };
    let all = [broken, dash(PLAYREADY, "cenc_video_playready")];
    let requirement = KeyRequirement::from_protections(&all, &limits()).expect("protected");
    assert_eq!(requirement.faults.len(), 1);
    assert_eq!(requirement.faults[0].code(), ErrorCode::InitDataInvalid);
    assert!(requirement.offer(KeySystem::Widevine).is_some_and(|offer| offer.init_data.is_none()));
    assert!(requirement.offer(KeySystem::PlayReady).is_some_and(|offer| offer.init_data.is_some()));
}

#[test]
fn a_box_of_another_system_than_its_descriptor_is_no_box() {
    let all = [dash(WIDEVINE, "cenc_video_playready")];
    let requirement = KeyRequirement::from_protections(&all, &limits()).expect("protected");
    assert!(requirement.offer(KeySystem::Widevine).is_some_and(|offer| offer.init_data.is_none()));
    assert_eq!(requirement.faults.len(), 1);
}

#[test]
fn h055_h057_unknown_formats_and_methods_offer_nothing() {
    let tags = [
        tag(KeyMethod::SampleAes, "com.example.unknown", "https://k.example/"),
        tag(KeyMethod::Other("SAMPLE-NEW".to_owned()), "identity", "https://k.example/"),
    ];
    let requirement = KeyRequirement::from_keys(&tags, BASE, None, &limits()).expect("protected");
    assert!(requirement.offers.is_empty());
    assert_eq!(requirement.faults.len(), 2);
}
