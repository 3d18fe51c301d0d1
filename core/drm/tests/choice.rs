//! Which key system is chosen, and why.

#![allow(clippy::expect_used, clippy::panic)] // These are tests.

mod common;

use bytes::Bytes;
use common::{kid, AUDIO, VIDEO};
use telecine_drm::system::{
    choose, Certificate, Choice, DrmCapabilities, DrmPreferences, HdcpVersion, KeyRequirement, Need, Pssh,
    SystemCapability, SystemPreference,
};
use telecine_model::protection::{KeySystem, Protection, Scheme};
use telecine_model::{ErrorCode, Limits, TrackKind};

use KeySystem::{ClearKey, FairPlay, PlayReady, Widevine};

fn title(systems: &[KeySystem]) -> KeyRequirement {
    let boxes: Vec<_> = systems
        .iter()
        .map(|system| Pssh::new(system.system_id(), vec![kid(VIDEO.0)], Bytes::from_static(b"data")))
        .collect();
    KeyRequirement::from_boxes(&boxes, Some(Scheme::Cenc), &[kid(VIDEO.0)], &Limits::default())
}

fn video(requirement: &KeyRequirement) -> Need<'_> {
    Need { requirement, kind: TrackKind::Video }
}

fn device(systems: &[KeySystem]) -> DrmCapabilities {
    let system = |system: &KeySystem| match system {
        ClearKey => SystemCapability::software_clearkey(),
        other => SystemCapability::new(*other, other.eme_names()[0]),
    };
    DrmCapabilities { systems: systems.iter().map(system).collect() }
}

fn with_server(systems: &[KeySystem]) -> DrmPreferences {
    let wish = |system: &KeySystem| SystemPreference {
        licence_urls: vec![format!("https://l.example/{system}").into()],
        ..SystemPreference::default()
    };
    DrmPreferences { systems: systems.iter().map(|s| (*s, wish(s))).collect(), ..DrmPreferences::default() }
}

fn order(choice: &Choice) -> Vec<KeySystem> {
    choice.plans.iter().map(|plan| plan.system()).collect()
}

#[test]
fn what_the_content_and_the_device_have_in_common_is_chosen() {
    let title = title(&[PlayReady, Widevine]);
    let wishes = with_server(&[Widevine, PlayReady, FairPlay]);
    let choice = choose(&[video(&title)], &device(&[FairPlay, Widevine]), &wishes).expect("a choice");
    assert_eq!(order(&choice), [Widevine]);
    assert_eq!(choice.refused.len(), 1);
    assert_eq!(choice.refused[0].to_string(), "FairPlay: the content has nothing for it");
}

#[test]
fn the_applications_order_decides_first_and_the_others_follow() {
    let title = title(&[PlayReady, Widevine]);
    let mut wishes = with_server(&[Widevine, PlayReady]);
    let both = device(&[Widevine, PlayReady]);
    for wanted in [Widevine, PlayReady] {
        wishes.order = vec![wanted];
        let choice = choose(&[video(&title)], &both, &wishes).expect("a choice");
        assert_eq!((order(&choice)[0], choice.plans.len()), (wanted, 2));
        assert_eq!(choice.plans[0].reasons[0], "number 1 in the application's order");
    }
}

#[test]
fn a_system_that_the_application_does_not_want_is_not_used() {
    let title = title(&[PlayReady, Widevine]);
    let mut wishes = with_server(&[PlayReady]);
    wishes.systems.insert(Widevine, SystemPreference { never: true, ..SystemPreference::default() });
    let choice = choose(&[video(&title)], &device(&[Widevine, PlayReady]), &wishes).expect("a choice");
    assert_eq!(order(&choice), [PlayReady]);
}

#[test]
fn the_strongest_level_comes_first_and_the_empty_one_last() {
    let title = title(&[Widevine]);
    let mut device = device(&[Widevine]);
    device.systems[0].video_robustness =
        ["", "SW_SECURE_CRYPTO", "HW_SECURE_ALL", "SW_SECURE_DECODE"].map(str::to_owned).to_vec();
    let choice = choose(&[video(&title)], &device, &with_server(&[Widevine])).expect("a choice");
    let levels = &choice.plans[0].capability.video_robustness;
    assert_eq!(levels[..], ["HW_SECURE_ALL", "SW_SECURE_DECODE", "SW_SECURE_CRYPTO", ""]);
}

#[test]
fn levels_below_what_the_application_requires_are_not_asked_for() {
    let title = title(&[Widevine]);
    let mut device = device(&[Widevine]);
    device.systems[0].video_robustness = ["HW_SECURE_ALL", "SW_SECURE_DECODE", ""].map(str::to_owned).to_vec();
    let mut wishes = with_server(&[Widevine]);
    let wish = wishes.systems.get_mut(&Widevine).expect("a wish");
    wish.video_robustness = Some("HW_SECURE_CRYPTO".to_owned());
    let choice = choose(&[video(&title)], &device, &wishes).expect("a choice");
    assert_eq!(choice.plans[0].capability.video_robustness, ["HW_SECURE_ALL"]);

    device.systems[0].video_robustness = vec!["SW_SECURE_DECODE".to_owned()];
    let error = choose(&[video(&title)], &device, &wishes).expect_err("too weak");
    assert_eq!(error.code(), ErrorCode::KeySystemUnavailable);
    assert_eq!(error.facts()["Widevine"], "the application asks for video robustness HW_SECURE_CRYPTO");
}

#[test]
fn a_system_with_hardware_comes_before_one_without() {
    let title = title(&[PlayReady, Widevine]);
    let mut device = device(&[PlayReady, Widevine]);
    device.systems[0].video_robustness = vec!["2000".to_owned()];
    device.systems[1].video_robustness = vec!["HW_SECURE_ALL".to_owned()];
    let choice = choose(&[video(&title)], &device, &with_server(&[Widevine, PlayReady])).expect("a choice");
    assert_eq!(order(&choice), [Widevine, PlayReady]);
}

#[test]
fn a_system_whose_licence_server_is_known_comes_before_one_whose_is_not() {
    let title = title(&[PlayReady, Widevine]);
    let choice =
        choose(&[video(&title)], &device(&[PlayReady, Widevine]), &with_server(&[Widevine])).expect("a choice");
    assert_eq!(order(&choice), [Widevine, PlayReady]);
    assert!(choice.plans[1].reasons.contains(&"no licence server is known yet".to_owned()));
}

#[test]
fn a_system_that_does_not_decrypt_the_scheme_is_refused() {
    let mut title = title(&[Widevine]);
    title.scheme = Some(Scheme::Cbc1);
    let error = choose(&[video(&title)], &device(&[Widevine]), &with_server(&[Widevine])).expect_err("cbc1");
    assert_eq!(error.facts()["Widevine"], "it does not decrypt cbc1");
}

#[test]
fn renditions_that_a_system_cannot_play_leave_it_the_others() {
    let (plain, mut strict) = (title(&[Widevine]), title(&[Widevine]));
    strict.offers[0].robustness = Some("HW_SECURE_ALL".to_owned());
    let mut device = device(&[Widevine]);
    device.systems[0].video_robustness = vec!["SW_SECURE_DECODE".to_owned()];
    let needs = [video(&plain), video(&strict)];
    let choice = choose(&needs, &device, &with_server(&[Widevine])).expect("a choice");
    let plan = &choice.plans[0];
    assert_eq!(plan.serves(needs[0], None), Ok(()));
    assert_eq!(plan.serves(needs[1], None), Err("the content asks for robustness HW_SECURE_ALL".to_owned()));
    assert!(plan.reasons.contains(&"serves 1 of 2 renditions".to_owned()));
}

#[test]
fn a_system_without_any_rendition_of_a_kind_is_refused() {
    let (picture, sound) = (title(&[Widevine, PlayReady]), title(&[PlayReady]));
    let needs = [video(&picture), Need { requirement: &sound, kind: TrackKind::Audio }];
    let wishes = with_server(&[Widevine, PlayReady]);
    let choice = choose(&needs, &device(&[Widevine, PlayReady]), &wishes).expect("a choice");
    assert_eq!(order(&choice), [PlayReady]);
}

#[test]
fn h092_a_rendition_that_demands_more_hdcp_than_there_is_leaves_the_ladder() {
    let title = title(&[Widevine]);
    let mut device = device(&[Widevine]);
    device.systems[0].hdcp = Some(HdcpVersion::V1_4);
    let choice = choose(&[video(&title)], &device, &with_server(&[Widevine])).expect("a choice");
    let plan = &choice.plans[0];
    assert_eq!(plan.serves(video(&title), Some("TYPE-0")), Ok(()));
    assert_eq!(plan.serves(video(&title), Some("NONE")), Ok(()));
    let reason = plan.serves(video(&title), Some("TYPE-1")).expect_err("1.4 is not enough");
    assert_eq!(reason, "the outputs offer HDCP 1.4, the rendition demands 2.2");
}

#[test]
fn stored_licences_need_a_system_that_stores() {
    let title = title(&[Widevine, PlayReady]);
    let mut device = device(&[Widevine, PlayReady]);
    device.systems[1].persistent = true;
    let wishes = DrmPreferences { persistent: true, ..with_server(&[Widevine, PlayReady]) };
    let choice = choose(&[video(&title)], &device, &wishes).expect("a choice");
    assert_eq!(order(&choice), [PlayReady]);
    assert!(choice.plans[0].persistent);
}

#[test]
fn keys_of_the_application_come_first_unless_it_says_otherwise() {
    let title = title(&[Widevine]);
    let mut wishes = with_server(&[Widevine]);
    let given = SystemPreference { given_keys: vec![kid(VIDEO.0), kid(AUDIO.0)], ..SystemPreference::default() };
    wishes.systems.insert(ClearKey, given);
    let both = device(&[Widevine, ClearKey]);
    assert_eq!(order(&choose(&[video(&title)], &both, &wishes).expect("a choice")), [ClearKey, Widevine]);
    wishes.order = vec![Widevine];
    assert_eq!(order(&choose(&[video(&title)], &both, &wishes).expect("a choice")), [Widevine, ClearKey]);
}

#[test]
fn clearkey_without_the_key_and_without_a_server_is_refused() {
    let title = title(&[Widevine]);
    let mut wishes = DrmPreferences::default();
    let other = SystemPreference { given_keys: vec![kid(AUDIO.0)], ..SystemPreference::default() };
    wishes.systems.insert(ClearKey, other);
    let error = choose(&[video(&title)], &device(&[ClearKey]), &wishes).expect_err("no key");
    assert_eq!(error.message(), "the content is for Widevine, and the device can use none of it");
    assert_eq!(error.facts()["ClearKey"], "there is neither a key nor a licence server for it");
}

#[test]
fn a_key_uri_needs_the_software_key_system() {
    let key = Protection {
        scheme: "AES-128".to_owned(),
        key_format: Some("identity".to_owned()),
        uri: Some("https://k.example/1.key".to_owned()),
        ..Protection::default()
    };
    let title = KeyRequirement::from_protections(&[key], &Limits::default()).expect("protected");
    let wishes = DrmPreferences::default();
    let choice = choose(&[video(&title)], &device(&[ClearKey]), &wishes).expect("a choice");
    assert_eq!(order(&choice), [ClearKey]);
    let browser = DrmCapabilities { systems: vec![SystemCapability::new(ClearKey, "org.w3.clearkey")] };
    assert!(choose(&[video(&title)], &browser, &wishes).is_err());
}

#[test]
fn a_certificate_of_the_application_comes_before_that_of_the_content() {
    let mut title = title(&[Widevine]);
    title.offers[0].certificate_url = Some("https://l.example/content".into());
    let mut wishes = with_server(&[Widevine]);
    let choice = choose(&[video(&title)], &device(&[Widevine]), &wishes).expect("a choice");
    assert_eq!(choice.plans[0].certificate, Some(Certificate::Url("https://l.example/content".into())));
    let own = Certificate::Bytes(Bytes::from_static(b"DER"));
    wishes.systems.get_mut(&Widevine).expect("a wish").certificate = Some(own.clone());
    let choice = choose(&[video(&title)], &device(&[Widevine]), &wishes).expect("a choice");
    assert_eq!(choice.plans[0].certificate, Some(own));
}

#[test]
fn a_title_that_names_no_system_says_so() {
    let title = KeyRequirement { scheme: Some(Scheme::Cenc), ..KeyRequirement::default() };
    let error = choose(&[video(&title)], &device(&[Widevine]), &DrmPreferences::default()).expect_err("nothing");
    assert_eq!(error.message(), "the content is protected and names no key system");
}

#[test]
fn clearkey_with_a_server_of_the_application_takes_titles_that_name_no_keys_or_only_to_other_systems() {
    let rotates = KeyRequirement { scheme: Some(Scheme::Cbcs), ..KeyRequirement::default() };
    let of_others = KeyRequirement { key_ids: Vec::new(), ..title(&[PlayReady, Widevine]) };
    let software = device(&[ClearKey]);
    for title in [&rotates, &of_others] {
        let choice = choose(&[video(title)], &software, &with_server(&[ClearKey])).expect("the media names them");
        assert_eq!(order(&choice), [ClearKey]);
        assert!(choose(&[video(title)], &software, &DrmPreferences::default()).is_err());
    }
    // What the title does say has to fit.
    let browser = DrmCapabilities { systems: vec![SystemCapability::new(ClearKey, "org.w3.clearkey")] };
    let cens = KeyRequirement { scheme: Some(Scheme::Cens), ..KeyRequirement::default() };
    assert!(choose(&[video(&cens)], &browser, &with_server(&[ClearKey])).is_err());
}
