//! Licence requests, their answers and their failures.

use super::*;
use telecine_drm::session::{CdmEvent, CdmFailureKind, Header, KeyInput, KeyResponse, MessageKind};
use telecine_drm::testing::CdmOperation;
use telecine_model::ErrorCode;

#[test]
fn a_required_key_becomes_usable_after_one_request() {
    let mut world = world(CdmScript::default(), usable(&[1]));
    assert_eq!(world.availability(&[1]), Availability::Unasked);
    world.ask(&[1]);
    assert_eq!(world.availability(&[1]), Availability::Waiting);
    world.run_for(seconds(1));
    assert_eq!(world.availability(&[1]), Availability::Playable);
    let (_, request) = &world.server.requests[0];
    assert_eq!((world.server.requests.len(), request.url.as_str(), request.attempt), (1, SERVER, 0));
    assert_eq!(request.kind, RequestKind::Message(MessageKind::LicenceRequest));
    assert_eq!(request.body.as_ref().map(|body| body.len()), Some(b"challenge 1 license-request".len()));
}

#[test]
fn the_manifest_warms_sessions_up_before_media_arrives() {
    let mut world = world(CdmScript::default(), usable(&[1]));
    // From the manifest; then the initialisation sections of video and audio; then every segment.
    for _ in 0..20 {
        world.ask(&[1]);
        world.run_for(Duration::from_millis(50));
    }
    assert_eq!((world.created(), world.licence_requests().len()), (1, 1));
}

#[test]
fn one_session_serves_renditions_whose_initialisation_data_names_all_keys() {
    let mut world = world(CdmScript::default(), usable(&[1, 2]));
    world.ask(&[1, 2]);
    // The audio's own requirement names one of them.
    world.ask(&[2]);
    world.run_for(seconds(1));
    assert_eq!(world.created(), 1);
    assert_eq!(world.availability(&[2]), Availability::Playable);
}

#[test]
fn distinct_initialisation_data_have_sessions_of_their_own() {
    let mut world = world(CdmScript::default(), usable(&[1, 2]));
    world.ask(&[1]);
    world.ask(&[2]);
    world.run_for(seconds(1));
    assert_eq!((world.created(), world.cdm.open().len()), (2, 2));
}

#[test]
fn what_is_required_before_the_choice_is_made_is_opened_after_it() {
    let mut world = Rig::new(ScriptedCdm::new(CdmScript::default()), SessionPolicy::default(), 1);
    world.server.reply(SERVER, Reply::Licence(usable(&[1])));
    world.ask(&[1]);
    world.ask(&[1]);
    world.run_for(seconds(1));
    assert!(world.cdm.commands.is_empty());
    world.sessions.start(choice(vec![capability()], false), world.now);
    world.run_for(seconds(1));
    assert_eq!((world.availability(&[1]), world.created()), (Availability::Playable, 1));
}

#[test]
fn h5xx_and_timeouts_are_tried_again_after_growing_pauses() {
    let mut world = world(CdmScript::default(), usable(&[1]));
    world.server.clear(SERVER);
    world.server.reply(SERVER, Reply::Status(500, None)).reply(SERVER, Reply::Broken(ErrorCode::ConnectionLost));
    world.server.reply(SERVER, Reply::Status(503, None)).reply(SERVER, Reply::Licence(usable(&[1])));
    world.ask(&[1]);
    world.run_for(seconds(20));
    assert_eq!(world.availability(&[1]), Availability::Playable);
    let at = world.licence_requests();
    let pauses: Vec<_> = at.windows(2).map(|pair| pair[1].since(pair[0]).as_millis()).collect();
    // Half a second, one, two; half of each is drawn; a tenth for the answer.
    assert_eq!(pauses.len(), 3);
    for (pause, span) in pauses.iter().zip([500, 1000, 2000]) {
        assert!((span / 2 + 100..=span + 101).contains(pause), "{pauses:?}");
    }
    assert!(world.errors().iter().all(|error| error.code() == ErrorCode::LicenceFailed && !error.is_fatal()));
}

#[test]
fn tries_end_and_the_error_says_what_was_tried() {
    let mut world = world(CdmScript::default(), usable(&[1]));
    world.server.clear(SERVER).reply(SERVER, Reply::Status(502, None));
    world.ask(&[1]);
    world.run_for(seconds(30));
    assert_eq!(world.availability(&[1]), Availability::Gone(ErrorCode::LicenceFailed));
    assert_eq!(world.licence_requests().len(), 4);
    let judgement = world.sessions.judge([&names(&[1])[..]]);
    let error = judgement.error.expect("nothing is left");
    assert_eq!((error.facts()["status"].as_str(), error.facts()["attempts"].as_str()), ("502", "4"));
    assert!(!error.to_string().contains("secret"), "{error}");
}

#[test]
fn a_viewer_who_may_not_is_told_so_at_once() {
    for status in [401, 402, 403] {
        let mut world = world(CdmScript::default(), usable(&[1]));
        world.server.clear(SERVER).reply(SERVER, Reply::Status(status, None));
        world.ask(&[1]);
        world.run_for(seconds(30));
        assert_eq!(world.availability(&[1]), Availability::Gone(ErrorCode::NotEntitled), "{status}");
        assert_eq!(world.licence_requests().len(), 1);
    }
}

#[test]
fn a_place_where_it_may_not_be_shown_and_a_refused_request_are_errors_of_their_own() {
    for (status, code) in
        [(451, ErrorCode::GeoBlocked), (400, ErrorCode::LicenceRefused), (404, ErrorCode::LicenceRefused)]
    {
        let mut world = world(CdmScript::default(), usable(&[1]));
        world.server.clear(SERVER).reply(SERVER, Reply::Status(status, None));
        world.ask(&[1]);
        world.run_for(seconds(30));
        assert_eq!(world.availability(&[1]), Availability::Gone(code), "{status}");
        assert_eq!(world.licence_requests().len(), 1);
    }
}

#[test]
fn a_failed_key_is_asked_for_again_only_when_the_application_says_so() {
    let mut world = world(CdmScript::default(), usable(&[1]));
    world.server.clear(SERVER).reply(SERVER, Reply::Status(403, None)).reply(SERVER, Reply::Licence(usable(&[1])));
    world.ask(&[1]);
    world.run_for(seconds(5));
    for _ in 0..10 {
        world.ask(&[1]);
        world.run_for(seconds(60));
    }
    assert_eq!(world.licence_requests().len(), 1);
    world.sessions.forget_failures(world.now);
    world.ask(&[1]);
    world.run_for(seconds(5));
    assert_eq!(world.availability(&[1]), Availability::Playable);
}

#[test]
fn retry_after_is_waited_for_up_to_a_bound() {
    let mut patient = world(CdmScript::default(), usable(&[1]));
    patient.server.clear(SERVER).reply(SERVER, Reply::Status(429, Some(seconds(12))));
    patient.server.reply(SERVER, Reply::Licence(usable(&[1])));
    patient.ask(&[1]);
    patient.run_for(seconds(30));
    let at = patient.licence_requests();
    assert!(at[1].since(at[0]) >= seconds(12), "{at:?}");
    assert_eq!(patient.availability(&[1]), Availability::Playable);

    let mut hopeless = world(CdmScript::default(), usable(&[1]));
    hopeless.server.clear(SERVER).reply(SERVER, Reply::Status(503, Some(seconds(3600))));
    hopeless.ask(&[1]);
    hopeless.run_for(seconds(30));
    assert_eq!(hopeless.availability(&[1]), Availability::Gone(ErrorCode::LicenceFailed));
}

#[test]
fn f31_another_licence_server_is_asked_within_two_seconds() {
    let second = "https://licence2.example/wv";
    let mut choice = choice(vec![capability()], false);
    choice.plans[0].licence_urls.push(second.into());
    let mut world = world_with(CdmScript::default(), usable(&[1]), choice);
    world.server.clear(SERVER).reply(SERVER, Reply::Broken(ErrorCode::ConnectFailed));
    world.server.reply(second, Reply::Licence(usable(&[1])));
    world.ask(&[1]);
    world.run_for(seconds(2));
    assert_eq!(world.availability(&[1]), Availability::Playable);
    assert_eq!(world.server.requests[1].1.url.as_str(), second);
}

#[test]
fn a_request_without_an_answer_is_given_up_and_made_again() {
    let mut world = world(CdmScript::default(), usable(&[1]));
    world.server.clear(SERVER).reply(SERVER, Reply::Silence).reply(SERVER, Reply::Licence(usable(&[1])));
    world.ask(&[1]);
    world.run_for(seconds(19));
    assert_eq!(world.licence_requests().len(), 1);
    world.run_for(seconds(5));
    assert_eq!(world.cancelled, [world.server.requests[0].1.id]);
    assert_eq!(world.availability(&[1]), Availability::Playable);
}

#[test]
fn the_retries_of_a_title_have_a_budget() {
    let mut world = world(CdmScript::default(), usable(&[1]));
    world.server.clear(SERVER).reply(SERVER, Reply::Status(500, None));
    for number in 1..=15 {
        world.ask(&[number]);
        world.run_for(seconds(30));
    }
    // Fifteen first tries, and twenty further ones in all.
    assert_eq!(world.licence_requests().len(), 15 + 20);
}

#[test]
fn a_licence_that_the_key_system_refuses_is_an_error_of_its_own() {
    let mut world = world(CdmScript::default(), usable(&[1]));
    world.server.clear(SERVER).reply(SERVER, Reply::Bytes(b"<html>Welcome!</html>".to_vec()));
    world.ask(&[1]);
    world.run_for(seconds(5));
    assert_eq!(world.availability(&[1]), Availability::Gone(ErrorCode::LicenceInvalid));
    assert!(world.cdm.open().is_empty(), "the session is closed");
}

#[test]
fn an_answer_beyond_all_measure_does_not_reach_the_key_system() {
    let mut world = world(CdmScript::default(), usable(&[1]));
    world.server.clear(SERVER).reply(SERVER, Reply::Bytes(vec![0; 5 << 20]));
    world.ask(&[1]);
    world.run_for(seconds(5));
    assert_eq!(world.availability(&[1]), Availability::Gone(ErrorCode::LicenceInvalid));
    assert!(!world.cdm.commands.iter().any(|(_, command)| matches!(command, CdmCommand::Update { .. })));
}

#[test]
fn failures_of_the_key_system_are_told_apart() {
    for (operation, kind, code) in [
        (CdmOperation::Generate, CdmFailureKind::InvalidData, ErrorCode::InitDataInvalid),
        (CdmOperation::Generate, CdmFailureKind::NotSupported, ErrorCode::CdmFailed),
        (CdmOperation::Update, CdmFailureKind::InvalidData, ErrorCode::LicenceInvalid),
        (CdmOperation::Update, CdmFailureKind::Denied, ErrorCode::LicenceRefused),
        (CdmOperation::Create, CdmFailureKind::Internal, ErrorCode::CdmFailed),
        (CdmOperation::Create, CdmFailureKind::Quota, ErrorCode::SessionLimit),
    ] {
        let mut world = world(CdmScript::default(), usable(&[1]));
        world.cdm.fail_next(operation, kind);
        world.ask(&[1]);
        world.run_for(seconds(5));
        assert_eq!(world.availability(&[1]), Availability::Gone(code), "{operation:?} {kind:?}");
    }
}

#[test]
fn a_passing_failure_of_the_key_system_is_tried_again() {
    let mut world = world(CdmScript::default(), usable(&[1]));
    world.cdm.fail_next(CdmOperation::Create, CdmFailureKind::Transient);
    world.cdm.fail_next(CdmOperation::Generate, CdmFailureKind::Transient);
    world.ask(&[1]);
    world.run_for(seconds(5));
    assert_eq!(world.availability(&[1]), Availability::Playable);
    assert_eq!(world.created(), 3);
}

#[test]
fn a_key_system_that_does_not_react_is_not_waited_for_for_ever() {
    for operation in [CdmOperation::Create, CdmOperation::Generate, CdmOperation::Update] {
        let mut world = world(CdmScript::default(), usable(&[1]));
        world.cdm.hang_next(operation);
        world.ask(&[1]);
        world.run_for(seconds(14));
        assert_eq!(world.availability(&[1]), Availability::Waiting, "{operation:?}");
        world.run_for(seconds(3));
        assert_eq!(world.availability(&[1]), Availability::Gone(ErrorCode::CdmFailed), "{operation:?}");
    }
}

#[test]
fn without_a_licence_url_the_key_system_may_know_one() {
    let mut choice = choice(vec![capability()], false);
    choice.plans[0].licence_urls.clear();
    let own = "https://default.example/";
    let script = CdmScript { own_url: Some(own.into()), ..CdmScript::default() };
    let mut knows = world_with(script, usable(&[1]), choice.clone());
    knows.server.reply(own, Reply::Licence(usable(&[1])));
    knows.ask(&[1]);
    knows.run_for(seconds(2));
    assert_eq!(knows.availability(&[1]), Availability::Playable);

    let mut does_not = world_with(CdmScript::default(), usable(&[1]), choice);
    does_not.ask(&[1]);
    does_not.run_for(seconds(2));
    assert_eq!(does_not.availability(&[1]), Availability::Gone(ErrorCode::KeyUnavailable));
}

#[test]
fn the_contents_licence_url_is_used_unless_the_application_has_one() {
    let mut choice = choice(vec![capability()], false);
    choice.plans[0].licence_urls.clear();
    let mut world = world_with(CdmScript::default(), usable(&[1]), choice);
    let mut title = requirement(&[1]);
    title.offers[0].licence_url = Some("https://content.example/l".into());
    world.sessions.require(&title, When::Now, world.now);
    world.run_for(seconds(1));
    assert_eq!(world.server.requests[0].1.url.as_str(), "https://content.example/l");
}

#[test]
fn the_applications_headers_go_with_every_request_and_replace_the_usual_ones() {
    let mut choice = choice(vec![capability()], false);
    choice.plans[0].headers =
        vec![Header::new("Authorization", "Bearer secret"), Header::new("content-type", "application/x-own")];
    let mut world = world_with(CdmScript::default(), usable(&[1]), choice);
    world.ask(&[1]);
    world.run_for(seconds(1));
    let headers = &world.server.requests[0].1.headers;
    let found: Vec<_> = headers.iter().map(|header| (header.name.as_str(), header.value())).collect();
    assert_eq!(found, [("Authorization", "Bearer secret"), ("content-type", "application/x-own")]);
}

#[test]
fn a_wrapped_playready_challenge_is_unwrapped_and_a_bare_one_has_the_usual_headers() {
    let playready = SystemCapability::new(KeySystem::PlayReady, "com.microsoft.playready");
    let wrapped = "<PlayReadyKeyMessage><LicenseAcquisition><Challenge>PHNvYXA+</Challenge><HttpHeaders><HttpHeader>\
                   <name>SOAPAction</name><value>\"x\"</value></HttpHeader></HttpHeaders></LicenseAcquisition></PlayReadyKeyMessage>";
    for (message, posted, action) in [
        (wrapped.to_owned(), &b"<soap>"[..], "\"x\""),
        ("<soap>".to_owned(), b"<soap>", "\"http://schemas.microsoft.com/DRM/2007/03/protocols/AcquireLicense\""),
    ] {
        let mut world = world_with(CdmScript::default(), usable(&[1]), choice(vec![playready.clone()], false));
        world.cdm.hang_next(CdmOperation::Generate);
        world.ask(&[1]);
        world.run_for(seconds(1));
        let (session, kind) = (world.cdm.open()[0], MessageKind::LicenceRequest);
        let message = CdmEvent::Message { session, kind, body: message.into(), url: None };
        world.sessions.handle(KeyInput::Cdm(message), world.now);
        world.drain();
        let request = &world.server.requests[0].1;
        assert_eq!(request.body.as_ref().map(|body| body.expose()), Some(posted));
        let found = request.headers.iter().find(|header| header.name == "SOAPAction").map(Header::value);
        assert_eq!(found, Some(action));
    }
}

#[test]
fn late_answers_and_late_news_of_closed_sessions_change_nothing() {
    let mut world = world(CdmScript::default(), usable(&[1]));
    world.server.clear(SERVER).reply(SERVER, Reply::Silence).reply(SERVER, Reply::Licence(usable(&[1])));
    world.ask(&[1]);
    world.run_for(seconds(1));
    let late = world.server.requests[0].1.id;
    let session = world.cdm.open()[0];
    world.run_for(seconds(25));
    assert_eq!(world.availability(&[1]), Availability::Playable);
    let before = (world.reports.len(), world.cdm.commands.len());
    let answer = Ok(KeyResponse::ok(b"late".to_vec()));
    world.sessions.handle(KeyInput::Answer { request: late, answer }, world.now);
    world.run_for(seconds(1));
    assert_eq!((world.reports.len(), world.cdm.commands.len()), before);

    world.sessions.stop(world.now);
    world.run_for(seconds(1));
    let commands = world.cdm.commands.len();
    for event in [
        CdmEvent::KeyStatuses { session, statuses: vec![] },
        CdmEvent::Message { session, kind: MessageKind::LicenceRenewal, body: vec![1].into(), url: None },
        CdmEvent::Updated { session },
        CdmEvent::Expiration { session, left: Some(seconds(1)) },
    ] {
        world.sessions.handle(KeyInput::Cdm(event), world.now);
    }
    world.run_for(seconds(60));
    assert_eq!((world.cdm.commands.len(), world.sessions.deadline()), (commands, None));
}

#[test]
fn a_key_system_that_floods_with_messages_is_stopped() {
    let mut world = world(CdmScript::default(), usable(&[1]));
    world.server.clear(SERVER).reply(SERVER, Reply::Silence);
    world.ask(&[1]);
    world.run_for(seconds(1));
    let session = world.cdm.open()[0];
    for _ in 0..100 {
        let message = CdmEvent::Message { session, kind: MessageKind::LicenceRequest, body: vec![1].into(), url: None };
        world.cdm.send(message, world.now);
    }
    world.run_for(seconds(1));
    assert_eq!(world.availability(&[1]), Availability::Gone(ErrorCode::CdmFailed));
    assert!(world.server.requests.len() <= 8);
    assert_eq!(world.cancelled.len(), world.server.requests.len(), "nothing is waited for any more");
}

#[test]
fn the_report_of_an_answer_has_latency_and_sizes() {
    let mut world = world(CdmScript::default(), usable(&[1]));
    world.server.clear(SERVER).reply(SERVER, Reply::Status(500, None)).reply(SERVER, Reply::Licence(usable(&[1])));
    world.ask(&[1]);
    world.run_for(seconds(5));
    let answered = world.reports.iter().find_map(|(_, report)| match report {
        KeyReport::Answered { latency, attempts, challenge_bytes, response_bytes, .. } => {
            Some((*latency, *attempts, *challenge_bytes, *response_bytes))
        }
        _ => None,
    });
    let (latency, attempts, challenge, response) = answered.expect("an answer");
    let at = world.licence_requests();
    assert_eq!(latency, at[1].since(at[0]) + world.server.latency, "from the first try to the answer");
    assert_eq!((attempts, challenge, response), (2, 27, usable(&[1]).to_bytes().len()));
}

#[test]
fn players_that_failed_together_do_not_come_back_together() {
    let mut pauses = std::collections::BTreeSet::new();
    for seed in 0..20 {
        let mut world = Rig::new(ScriptedCdm::new(CdmScript::default()), SessionPolicy::default(), seed);
        world.server.reply(SERVER, Reply::Status(503, None));
        world.sessions.start(choice(vec![capability()], false), world.now);
        world.ask(&[1]);
        world.run_for(seconds(2));
        let at = world.licence_requests();
        pauses.insert(at[1].since(at[0]));
    }
    assert!(pauses.len() > 15, "{pauses:?}");
}
