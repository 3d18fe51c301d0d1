#![no_main]
//! What key systems bring along, of any bytes: PSSH boxes, Widevine's message, PlayReady's object and
//! header, ClearKey's JSON, `data:` URIs; and requirements made of them.

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use telecine_drm::system::clearkey::{key_ids_from_json, request_from_json, Licence};
use telecine_drm::system::fairplay::SkdUri;
use telecine_drm::system::playready::{KeyMessage, PlayReadyObject, WrmHeader};
use telecine_drm::system::widevine::WidevineData;
use telecine_drm::system::{base64_bytes, DataUri, InitData, KeyRequirement, Pssh};
use telecine_drm::ContentKey;
use telecine_model::protection::{Key, KeyId, KeyMethod, KeySystem, Protection};
use telecine_model::Limits;

fuzz_target!(|data: &[u8]| {
    let limits = Limits::default();
    let bytes = Bytes::copy_from_slice(data);
    let text = String::from_utf8_lossy(data);

    if let Ok(boxes) = Pssh::parse_all(&bytes, &limits) {
        let raw: usize = boxes.iter().map(|pssh| pssh.raw().len()).sum();
        assert!(raw <= data.len());
        for pssh in &boxes {
            assert!(pssh.key_ids(&limits).len() <= limits.key_ids);
            let again = Pssh::new(pssh.system, pssh.kids.clone(), pssh.data.clone());
            assert_eq!(Pssh::parse_all(again.raw(), &limits).expect("what is written is read").len(), 1);
        }
        let _ = InitData::of_boxes(&boxes).key_ids(&limits);
        let requirement = KeyRequirement::from_boxes(&boxes, None, &[KeyId([1; 16])], &limits);
        KeySystem::KNOWN.iter().for_each(|system| drop(requirement.offer(*system)));
    }
    if let Ok(message) = WidevineData::parse(&bytes, &limits) {
        assert_eq!(WidevineData::parse(&message.to_bytes(), &limits).expect("what is written is read"), message);
    }
    let _ = WidevineData::from_hls_json(data, &limits);
    if let Ok(object) = PlayReadyObject::parse(&bytes, &limits) {
        let _ = object.header(&limits);
    }
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for header in [WrmHeader::parse(data, &limits), WrmHeader::parse(&utf16, &limits)].into_iter().flatten() {
        for key in &header.kids {
            let _ = key.matches(&ContentKey::new([7; 16]));
        }
    }
    let _ = KeyMessage::unwrap(data, &limits);
    let _ = request_from_json(data, &limits);
    let _ = key_ids_from_json(data, &limits);
    if let Ok(licence) = Licence::parse(data, &limits) {
        let again = Licence::parse(&licence.to_json(), &limits).expect("what is written is read");
        assert_eq!(again.keys.len(), licence.keys.len());
    }
    let _ = SkdUri::parse(&text);
    let _ = base64_bytes(&text, 1000);
    if let Ok(uri) = DataUri::parse(&text, 1000) {
        assert!(uri.bytes.len() <= 1000);
    }

    // The same text as manifests have it.
    let protection = Protection {
        system: Some(KeySystem::PlayReady.system_id().to_string()),
        pssh: Some(text.clone().into_owned()),
        pro: Some(text.clone().into_owned()),
        uri: Some(text.clone().into_owned()),
        ..Protection::default()
    };
    let _ = KeyRequirement::from_protections(&[protection], &limits);
    for format in ["identity", "com.apple.streamingkeydelivery", "com.microsoft.playready", "com.widevine", &text] {
        let key = Key {
            method: KeyMethod::SampleAes,
            uri: Some(text.clone().into_owned()),
            iv: None,
            key_format: format.to_owned(),
            key_format_versions: "1".to_owned(),
        };
        if let Some(mut requirement) = KeyRequirement::from_keys(&[key], "https://a.example/", None, &limits) {
            requirement.decide_identity(Some(KeyId([1; 16])), &limits);
            assert!(!requirement.is_undecided());
        }
    }
});
