//! The key system, its certificate, provisioning.

use super::*;
use telecine_drm::session::{CdmEvent, CdmFailure, CdmFailureKind, KeyInput, KeyResponse, MessageKind};
use telecine_drm::system::{Certificate, CertificateUse};
use telecine_drm::testing::CdmOperation;
use telecine_model::ErrorCode;

const CERTIFICATE: &str = "https://licence.example/cert";

fn with_certificate(certificate: Option<Certificate>, use_of_it: CertificateUse) -> Choice {
    let mut choice = choice(vec![SystemCapability { certificate: use_of_it, ..capability() }], false);
    choice.plans[0].certificate = certificate;
    choice
}

#[test]
fn the_key_system_is_opened_before_anything_is_required() {
    let mut world = world(CdmScript::default(), usable(&[1]));
    world.run_for(seconds(1));
    assert!(matches!(world.cdm.commands[..], [(_, CdmCommand::Access { .. })]));
    assert!(matches!(world.reports[..], [(_, KeyReport::Access { system: KeySystem::Widevine, .. })]));
}

#[test]
fn the_levels_are_asked_for_the_strongest_first() {
    let mut capability = capability();
    capability.video_robustness = ["HW_SECURE_ALL", ""].map(str::to_owned).to_vec();
    let mut world = world_with(CdmScript::default(), usable(&[1]), choice(vec![capability], false));
    world.run_for(seconds(1));
    let CdmCommand::Access { video_robustness, .. } = &world.cdm.commands[0].1 else { panic!("no access") };
    assert_eq!(video_robustness[..], ["HW_SECURE_ALL", ""]);
    let (_, KeyReport::Access { video_robustness, .. }) = &world.reports[0] else { panic!("no report") };
    assert_eq!(video_robustness, "HW_SECURE_ALL");
}

#[test]
fn a_refused_key_system_gives_way_to_the_next_of_the_choice() {
    let playready = SystemCapability::new(KeySystem::PlayReady, "com.microsoft.playready.recommendation");
    let mut world = world_with(CdmScript::default(), usable(&[1]), choice(vec![capability(), playready], false));
    world.cdm.fail_next(CdmOperation::Access, CdmFailureKind::NotSupported);
    world.ask(&[1]);
    world.run_for(seconds(2));
    assert_eq!(world.sessions.system(), Some(KeySystem::PlayReady));
    assert_eq!(world.availability(&[1]), Availability::Playable);
    let errors = world.errors();
    assert_eq!((errors.len(), errors[0].code()), (1, ErrorCode::KeySystemUnavailable));
    assert!(!errors[0].is_fatal());
}

#[test]
fn when_the_last_key_system_is_refused_nothing_protected_can_be_played() {
    let mut world = world(CdmScript::default(), usable(&[1]));
    world.cdm.fail_next(CdmOperation::Access, CdmFailureKind::Denied);
    world.ask(&[1]);
    world.run_for(seconds(2));
    assert_eq!(world.availability(&[1]), Availability::Gone(ErrorCode::KeySystemUnavailable));
    let error = world.sessions.failure().expect("no system is left");
    assert_eq!((error.code(), error.is_fatal()), (ErrorCode::KeySystemUnavailable, true));
    assert_eq!(world.availability(&[]), Availability::Playable, "what is clear plays on");
}

#[test]
fn a_key_system_that_does_not_open_in_time_is_given_up() {
    let mut world = world(CdmScript::default(), usable(&[1]));
    world.cdm.hang_next(CdmOperation::Access);
    world.run_for(seconds(14));
    assert!(world.sessions.failure().is_none());
    world.run_for(seconds(2));
    assert!(world.sessions.failure().is_some());
}

#[test]
fn the_certificate_of_the_application_is_set_before_the_first_session() {
    let certificate = Some(Certificate::Bytes(Bytes::from_static(b"certificate")));
    let choice = with_certificate(certificate, CertificateUse::Required);
    let mut world = world_with(CdmScript::default(), usable(&[1]), choice);
    world.ask(&[1]);
    world.run_for(seconds(2));
    let names: Vec<&str> = world.cdm.commands.iter().map(|(_, command)| name(command)).collect();
    assert_eq!(names, ["Access", "SetCertificate", "Create", "GenerateRequest", "Update"]);
}

fn name(command: &CdmCommand) -> &'static str {
    match command {
        CdmCommand::Access { .. } => "Access",
        CdmCommand::SetCertificate { .. } => "SetCertificate",
        CdmCommand::Provision { .. } => "Provision",
        CdmCommand::FinishProvisioning { .. } => "FinishProvisioning",
        CdmCommand::Create { .. } => "Create",
        CdmCommand::GenerateRequest { .. } => "GenerateRequest",
        CdmCommand::Update { .. } => "Update",
        _ => "other",
    }
}

#[test]
fn the_certificate_is_fetched_from_where_the_content_says_with_a_second_try() {
    let choice = with_certificate(Some(Certificate::Url(CERTIFICATE.into())), CertificateUse::Required);
    let mut world = world_with(CdmScript::default(), usable(&[1]), choice);
    world.server.reply(CERTIFICATE, Reply::Status(503, None)).reply(CERTIFICATE, Reply::Bytes(b"certificate".to_vec()));
    world.ask(&[1]);
    world.run_for(seconds(5));
    assert_eq!(world.availability(&[1]), Availability::Playable);
    let fetched: Vec<_> = world.server.requests.iter().map(|(_, request)| request.kind).collect();
    assert_eq!(fetched[..2], [RequestKind::Certificate; 2]);
    assert!(world.server.requests[0].1.body.is_none(), "it is got, not posted");
}

#[test]
fn without_the_certificate_that_it_needs_a_key_system_is_given_up() {
    let none = with_certificate(None, CertificateUse::Required);
    let missing = with_certificate(Some(Certificate::Url(CERTIFICATE.into())), CertificateUse::Required);
    for choice in [none, missing] {
        let mut world = world_with(CdmScript::default(), usable(&[1]), choice);
        world.run_for(seconds(5));
        assert_eq!(world.sessions.failure().map(Error::code), Some(ErrorCode::CertificateFailed));
    }
}

#[test]
fn without_a_certificate_that_it_may_do_without_playback_goes_on() {
    let choice = with_certificate(Some(Certificate::Url(CERTIFICATE.into())), CertificateUse::Optional);
    let mut world = world_with(CdmScript::default(), usable(&[1]), choice);
    world.ask(&[1]);
    world.run_for(seconds(5));
    assert_eq!(world.availability(&[1]), Availability::Playable);
    assert_eq!(world.errors()[0].code(), ErrorCode::CertificateFailed);
    assert!(!world.errors()[0].is_fatal());
}

#[test]
fn a_certificate_that_the_key_system_refuses_is_an_error_of_its_own() {
    let choice = with_certificate(Some(Certificate::Bytes(Bytes::from_static(b"x"))), CertificateUse::Required);
    let mut world = world_with(CdmScript::default(), usable(&[1]), choice);
    world.cdm.fail_next(CdmOperation::Certificate, CdmFailureKind::InvalidData);
    world.run_for(seconds(2));
    assert_eq!(world.sessions.failure().map(Error::code), Some(ErrorCode::CertificateFailed));
}

#[test]
fn a_key_system_may_ask_for_the_certificate_in_its_first_message() {
    let script = CdmScript { asks_for_certificate: true, ..CdmScript::default() };
    let mut world = world(script, usable(&[1]));
    world.server.clear(SERVER).reply(SERVER, Reply::Bytes(b"certificate".to_vec()));
    world.server.reply(SERVER, Reply::Licence(usable(&[1])));
    world.ask(&[1]);
    world.run_for(seconds(2));
    assert_eq!(world.availability(&[1]), Availability::Playable);
    assert_eq!(world.licence_requests().len(), 2, "one message led to the next");
}

#[test]
fn a_device_that_is_not_provisioned_is_and_then_opens_its_session() {
    let url = "https://provision.example/";
    let script = CdmScript { provisioned: false, provisioning_url: Some(url.into()), ..CdmScript::default() };
    let mut world = world(script, usable(&[1]));
    world.server.reply(url, Reply::Bytes(b"certificate".to_vec()));
    world.ask(&[1]);
    world.ask(&[2]);
    world.run_for(seconds(3));
    assert_eq!(world.availability(&[1]), Availability::Playable);
    let provisionings = world.server.requests.iter().filter(|(_, request)| request.kind == RequestKind::Provisioning);
    assert_eq!(provisionings.count(), 1, "two sessions, one provisioning");
}

#[test]
fn provisioning_that_fails_is_an_error_of_its_own() {
    let url = "https://provision.example/";
    let script = CdmScript { provisioned: false, provisioning_url: Some(url.into()), ..CdmScript::default() };
    let mut world = world(script, usable(&[1]));
    world.server.reply(url, Reply::Status(400, None));
    world.ask(&[1]);
    world.run_for(seconds(3));
    assert_eq!(world.availability(&[1]), Availability::Gone(ErrorCode::ProvisioningFailed));
}

#[test]
fn a_device_that_is_never_provisioned_enough_is_given_up() {
    let mut world = world(CdmScript::default(), usable(&[1]));
    for _ in 0..5 {
        world.cdm.fail_next(CdmOperation::Create, CdmFailureKind::NotProvisioned);
    }
    world.ask(&[1]);
    world.run_for(seconds(3));
    assert_eq!(world.availability(&[1]), Availability::Gone(ErrorCode::ProvisioningFailed));
    let provisionings =
        world.cdm.commands.iter().filter(|(_, command)| matches!(command, CdmCommand::Provision { .. }));
    assert_eq!(provisionings.count(), 2);
}

#[test]
fn a_session_may_be_individualised_by_a_message_to_another_server() {
    let url = "https://individual.example/";
    let script = CdmScript { individualises_at: Some(url.into()), ..CdmScript::default() };
    let mut world = world(script, usable(&[1]));
    world.server.reply(url, Reply::Bytes(b"individual".to_vec()));
    world.ask(&[1]);
    world.run_for(seconds(3));
    assert_eq!(world.availability(&[1]), Availability::Playable);
    let (_, first) = &world.server.requests[0];
    assert_eq!(first.kind, RequestKind::Message(MessageKind::IndividualisationRequest));
    assert_eq!(first.url.as_str(), url);
}

#[test]
fn a_broken_key_system_is_opened_once_more_and_its_sessions_with_it() {
    let mut world = world(CdmScript::default(), usable(&[1, 2]));
    world.ask(&[1]);
    world.ask(&[2]);
    world.run_for(seconds(2));
    world.cdm.lose(None, telecine_drm::session::CloseReason::InternalError, world.now);
    world.run_for(seconds(2));
    assert_eq!(world.availability(&[1, 2]), Availability::Playable);
    let opened = world.cdm.commands.iter().filter(|(_, command)| matches!(command, CdmCommand::Access { .. })).count();
    assert_eq!(opened, 2);
    world.cdm.lose(None, telecine_drm::session::CloseReason::InternalError, world.now);
    world.run_for(seconds(2));
    assert_eq!(world.sessions.failure().map(Error::code), Some(ErrorCode::CdmFailed), "twice is too often");
}

#[test]
fn another_choice_for_another_title_begins_anew() {
    let mut world = world(CdmScript::default(), usable(&[1]));
    world.ask(&[1]);
    world.run_for(seconds(2));
    world.sessions.stop(world.now);
    world.run_for(seconds(1));
    assert!(world.cdm.open().is_empty());
    world.sessions.start(choice(vec![capability()], false), world.now);
    world.ask(&[1]);
    world.run_for(seconds(2));
    assert_eq!(world.availability(&[1]), Availability::Playable);
    assert_eq!(world.licence_requests().len(), 2);
}

#[test]
fn a_certificate_is_given_up_with_its_title_and_a_late_one_is_not_looked_at() {
    let choice = with_certificate(Some(Certificate::Url(CERTIFICATE.into())), CertificateUse::Required);
    let mut world = world_with(CdmScript::default(), usable(&[1]), choice);
    world.server.reply(CERTIFICATE, Reply::Silence);
    world.ask(&[1]);
    world.run_for(seconds(1));
    let asked = world.server.requests[0].1.id;
    world.sessions.stop(world.now);
    world.run_for(seconds(0));
    assert_eq!(world.cancelled, [asked]);
    let late = Ok(KeyResponse::ok(b"certificate".to_vec()));
    world.sessions.handle(KeyInput::Answer { request: asked, answer: late }, world.now);
    world.run_for(seconds(60));
    assert!(!world.cdm.commands.iter().any(|(_, command)| matches!(command, CdmCommand::SetCertificate { .. })));
    assert_eq!((world.server.requests.len(), world.sessions.deadline()), (1, None));
    assert!(world.errors().is_empty() && world.sessions.failure().is_none());
}

#[test]
fn a_certificate_that_waits_for_its_next_try_is_not_asked_for_when_the_title_is_over() {
    let choice = with_certificate(Some(Certificate::Url(CERTIFICATE.into())), CertificateUse::Required);
    let mut world = world_with(CdmScript::default(), usable(&[1]), choice);
    world.server.reply(CERTIFICATE, Reply::Status(503, None));
    world.run_for(Duration::from_millis(200));
    assert_eq!((world.server.requests.len(), world.errors().len()), (1, 1), "it failed once");
    world.sessions.stop(world.now);
    world.run_for(seconds(60));
    assert_eq!(world.server.requests.len(), 1);
}

#[test]
fn provisioning_is_given_up_with_its_title_and_a_late_answer_is_not_looked_at() {
    let url = "https://provision.example/";
    let script = CdmScript { provisioned: false, provisioning_url: Some(url.into()), ..CdmScript::default() };
    let mut world = world(script, usable(&[1]));
    world.server.reply(url, Reply::Silence);
    world.ask(&[1]);
    world.run_for(seconds(1));
    let (_, asked) = world.server.requests[0].clone();
    assert_eq!(asked.kind, RequestKind::Provisioning);
    world.sessions.stop(world.now);
    world.run_for(seconds(0));
    assert_eq!(world.cancelled, [asked.id]);
    let late = Ok(KeyResponse::ok(b"certificate".to_vec()));
    world.sessions.handle(KeyInput::Answer { request: asked.id, answer: late }, world.now);
    world.run_for(seconds(60));
    assert!(!world.cdm.commands.iter().any(|(_, command)| matches!(command, CdmCommand::FinishProvisioning { .. })));
    assert_eq!((world.server.requests.len(), world.sessions.deadline()), (1, None));
    assert!(world.errors().is_empty() && world.sessions.failure().is_none());
}

#[test]
fn what_was_given_up_with_a_title_is_asked_for_anew_with_the_next() {
    let certificate = || with_certificate(Some(Certificate::Url(CERTIFICATE.into())), CertificateUse::Required);
    let mut world = world_with(CdmScript::default(), usable(&[1]), certificate());
    world.server.reply(CERTIFICATE, Reply::Silence).reply(CERTIFICATE, Reply::Bytes(b"certificate".to_vec()));
    world.ask(&[1]);
    world.run_for(seconds(1));
    world.sessions.stop(world.now);
    world.run_for(seconds(1));
    world.sessions.start(certificate(), world.now);
    world.ask(&[1]);
    world.run_for(seconds(2));
    assert_eq!(world.availability(&[1]), Availability::Playable);
}

fn playready() -> SystemCapability {
    SystemCapability::new(KeySystem::PlayReady, "com.microsoft.playready.recommendation")
}

/// A key system that needs the certificate, which is there, and a device that is not provisioned.
fn with_everything(capability: SystemCapability) -> Choice {
    let mut choice = choice(vec![SystemCapability { certificate: CertificateUse::Required, ..capability }], false);
    choice.plans[0].certificate = Some(Certificate::Bytes(Bytes::from_static(b"certificate")));
    choice
}

/// Every answer that a command of no session may have, with success or without.
fn answers(command: &CdmCommand, granted: bool) -> Vec<CdmEvent> {
    let failure = || CdmFailure::new(CdmFailureKind::Denied, "late");
    let done = || if granted { Ok(()) } else { Err(failure()) };
    match command {
        CdmCommand::Access { id, .. } => {
            vec![CdmEvent::Access { id: *id, answer: done().map(|()| Default::default()) }]
        }
        CdmCommand::SetCertificate { id, .. } => vec![CdmEvent::Certificate { id: *id, answer: done() }],
        CdmCommand::Provision { id } => {
            let request =
                CdmEvent::ProvisionRequest { id: *id, url: "https://late.example/".into(), body: vec![1].into() };
            vec![request, CdmEvent::Provisioned { id: *id, answer: done() }]
        }
        _ => Vec::new(),
    }
}

/// A key system that does not answer a command before it is left for Widevine, and answers it from then on, again
/// and again.
fn left_in(operation: CdmOperation, before: SystemCapability, stop: bool, granted: bool) -> World {
    let script = CdmScript { provisioned: false, ..CdmScript::default() };
    let mut world = world_with(script, usable(&[1]), with_everything(before));
    world.cdm.hang_next(operation);
    world.ask(&[1]);
    world.run_for(seconds(1));
    assert_eq!(world.availability(&[1]), Availability::Waiting, "{operation:?} hangs");
    let command = world.cdm.commands.last().expect("a command").1.clone();
    if stop {
        world.sessions.stop(world.now);
    }
    world.sessions.start(with_everything(capability()), world.now);
    for step in 0..100 {
        for event in answers(&command, granted) {
            world.cdm.send(event, world.now + Duration::from_millis(5 * step));
        }
    }
    world
}

const BEFORE_SESSIONS: [CdmOperation; 3] = [CdmOperation::Access, CdmOperation::Certificate, CdmOperation::Provision];

#[test]
fn a_late_refusal_of_the_key_system_before_does_not_cost_a_title_its_own() {
    for operation in BEFORE_SESSIONS {
        // Another key system; or the same, for the next title.
        for (before, stop) in [(playready(), false), (playready(), true), (capability(), true)] {
            let mut world = left_in(operation, before, stop, false);
            world.ask(&[1]);
            world.run_for(seconds(2));
            assert_eq!(world.sessions.system(), Some(KeySystem::Widevine), "{operation:?}");
            assert_eq!(world.availability(&[1]), Availability::Playable, "{operation:?}");
            assert!(world.errors().is_empty(), "{operation:?}: {:?}", world.errors());
            let kinds: Vec<_> = world.server.requests.iter().map(|(_, request)| request.kind).collect();
            assert!(!kinds.contains(&RequestKind::Provisioning), "{operation:?}: that was asked of another");
        }
    }
}

#[test]
fn a_late_grant_of_the_key_system_before_does_not_stand_for_the_answer_of_the_next() {
    for operation in BEFORE_SESSIONS {
        for stop in [false, true] {
            let mut world = left_in(operation, playready(), stop, true);
            world.cdm.hang_next(operation);
            world.ask(&[1]);
            world.run_for(seconds(2));
            assert_eq!(world.availability(&[1]), Availability::Waiting, "{operation:?}");
            assert!(world.licence_requests().is_empty(), "{operation:?}");
            world.run_for(seconds(20));
            assert!(world.sessions.failure().is_some(), "{operation:?}: it never answers");
        }
    }
}

#[test]
fn a_key_system_that_answers_after_it_was_given_up_is_not_looked_at() {
    for denied in [true, false] {
        let mut world = world_with(CdmScript::default(), usable(&[1]), choice(vec![playready(), capability()], false));
        // PlayReady reacts after it was given up, and while Widevine is still being opened.
        world.cdm.script.latency = seconds(16);
        if denied {
            world.cdm.fail_next(CdmOperation::Access, CdmFailureKind::Denied);
        }
        world.run_for(seconds(14));
        world.cdm.script.latency = seconds(3);
        world.ask(&[1]);
        world.run_for(seconds(30));
        let opened = world.reports.iter().filter(|(_, report)| matches!(report, KeyReport::Access { .. }));
        let opened: Vec<_> = opened.map(|(at, _)| at.since(Timestamp::ZERO).as_secs()).collect();
        assert_eq!(opened, [1 + 15 + 3], "denied: {denied}");
        assert_eq!(world.availability(&[1]), Availability::Playable);
        let codes: Vec<_> = world.errors().iter().map(Error::code).collect();
        assert_eq!(codes, [ErrorCode::KeySystemUnavailable], "PlayReady was given up, and that is all");
    }
}
