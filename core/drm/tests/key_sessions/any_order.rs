//! Whatever a key system and servers do, in any order: no panic, no flood, no busy loop, no stuck request.

use std::collections::BTreeSet;

use super::*;
use proptest::prelude::*;
use telecine_drm::session::{
    Access, CdmEvent, CdmFailure, CdmFailureKind, CloseReason, CommandId, KeyAction, KeyInput, KeyResponse,
    KeySessions, MessageKind, RequestId, SessionId, StoredLicence,
};
use telecine_drm::system::{Certificate, CertificateUse};
use telecine_model::protection::KeyStatus;
use telecine_model::ErrorCode;

/// Something that happens; numbers are taken modulo what there is.
#[derive(Clone, Debug)]
enum Step {
    Require(u8, Option<u32>),
    Use(u8),
    Load(u8),
    Release(u8),
    Event(u8, u8, u8),
    Answer(u8, u16),
    Broken(u8),
    Wait(u32),
    Forget,
    Stop,
    Start(bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1_u8..6, prop::option::of(0_u32..100_000)).prop_map(|(key, by)| Step::Require(key, by)),
        2 => (0_u8..6).prop_map(Step::Use),
        1 => (0_u8..3).prop_map(Step::Load),
        1 => (0_u8..3).prop_map(Step::Release),
        12 => (any::<u8>(), any::<u8>(), any::<u8>()).prop_map(|(session, event, detail)| Step::Event(session, event, detail)),
        6 => (any::<u8>(), prop_oneof![Just(200_u16), Just(200), Just(403), Just(500)]).prop_map(|(request, status)| Step::Answer(request, status)),
        1 => any::<u8>().prop_map(Step::Broken),
        6 => (0_u32..40_000).prop_map(Step::Wait),
        1 => Just(Step::Forget),
        1 => Just(Step::Stop),
        1 => any::<bool>().prop_map(Step::Start),
    ]
}

#[derive(Default)]
struct Seen {
    sessions: Vec<SessionId>,
    /// Commands of no session.
    commands: Vec<CommandId>,
    requests: Vec<RequestId>,
    /// Those that are neither answered nor given up.
    open: BTreeSet<RequestId>,
    sent: usize,
    created: usize,
}

fn event(session: SessionId, id: CommandId, event: u8, detail: u8) -> CdmEvent {
    let kinds = [
        CdmFailureKind::NotSupported,
        CdmFailureKind::InvalidData,
        CdmFailureKind::Quota,
        CdmFailureKind::NotProvisioned,
        CdmFailureKind::Denied,
        CdmFailureKind::Transient,
        CdmFailureKind::Internal,
    ];
    let failure = CdmFailure::new(kinds[usize::from(detail) % kinds.len()], "x");
    let fine = !detail.is_multiple_of(4);
    match event % 17 {
        0 | 1 => CdmEvent::Created { session },
        2 | 3 => {
            let kinds = [
                MessageKind::LicenceRequest,
                MessageKind::LicenceRenewal,
                MessageKind::LicenceRelease,
                MessageKind::IndividualisationRequest,
            ];
            CdmEvent::Message { session, kind: kinds[usize::from(detail) % 4], body: vec![1].into(), url: None }
        }
        4 | 5 => CdmEvent::Updated { session },
        6..=8 => {
            let status = KeyStatus::ALL[usize::from(detail) % 8];
            let key = KeyRef::Kid(key(detail % 5 + 1));
            CdmEvent::KeyStatuses { session, statuses: vec![(key, status)] }
        }
        9 => CdmEvent::Expiration { session, left: fine.then(|| Duration::from_millis(u64::from(detail) * 500)) },
        10 => {
            let reasons = [
                CloseReason::InternalError,
                CloseReason::ClosedByApplication,
                CloseReason::ReleaseAcknowledged,
                CloseReason::HardwareContextReset,
                CloseReason::ResourceEvicted,
            ];
            CdmEvent::Closed { session, reason: reasons[usize::from(detail) % 5] }
        }
        11 => CdmEvent::Failed { session, failure },
        12 => CdmEvent::Access { id, answer: if fine { Ok(Access::default()) } else { Err(failure) } },
        13 => CdmEvent::Loaded { session, found: fine },
        16 => CdmEvent::ProvisionRequest { id, url: "https://provision.example/".into(), body: vec![1].into() },
        14 => CdmEvent::Named { session, name: format!("name-{}", detail % 3) },
        _ => CdmEvent::Provisioned { id, answer: if fine { Ok(()) } else { Err(failure) } },
    }
}

fn record(number: u8) -> StoredLicence {
    StoredLicence {
        system: KeySystem::Widevine,
        name: format!("name-{number}"),
        key_ids: vec![key(number + 1)],
        expires: None,
        releasing: false,
    }
}

fn drain(sessions: &mut KeySessions, seen: &mut Seen) {
    while let Some(action) = sessions.poll() {
        match action {
            KeyAction::Cdm(CdmCommand::Create { session, .. }) => {
                seen.sessions.push(session);
                seen.created += 1;
            }
            KeyAction::Cdm(
                CdmCommand::Access { id, .. }
                | CdmCommand::SetCertificate { id, .. }
                | CdmCommand::Provision { id }
                | CdmCommand::FinishProvisioning { id, .. },
            ) => seen.commands.push(id),
            KeyAction::Request(request) => {
                seen.requests.push(request.id);
                seen.open.insert(request.id);
                seen.sent += 1;
            }
            KeyAction::Cancel(request) => {
                seen.open.remove(&request);
            }
            _ => {}
        }
    }
    while sessions.poll_report().is_some() {}
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics_floods_or_sticks(steps in prop::collection::vec(step(), 1..150), persistent: bool, certificate: bool, room in 1_usize..4, seed: u64) {
        let capability = SystemCapability { persistent, max_sessions: Some(room), ..capability() };
        let playready = SystemCapability { persistent, ..SystemCapability::new(KeySystem::PlayReady, "pr") };
        let mut sessions = KeySessions::new(SessionPolicy::default(), &Limits::default(), seed);
        let mut now = Timestamp::from_millis(1);
        let fresh = |playready_first: bool| {
            let mut systems = vec![capability.clone(), playready.clone()];
            if playready_first {
                systems.reverse();
            }
            let mut choice = choice(systems, persistent);
            if certificate {
                for plan in &mut choice.plans {
                    plan.capability.certificate = CertificateUse::Required;
                    plan.certificate = Some(Certificate::Url("https://licence.example/cert".into()));
                }
            }
            choice
        };
        sessions.start(fresh(false), now);
        let mut seen = Seen::default();
        let pick = |list: &[SessionId], at: u8| list.get(usize::from(at) % list.len().max(1)).copied().unwrap_or(SessionId(1));
        for step in &steps {
            match step.clone() {
                Step::Require(number, by) => {
                    let when = by.map_or(When::Now, |millis| When::By(now + Duration::from_millis(millis.into())));
                    sessions.require(&requirement(&[number]), when, now);
                }
                Step::Use(number) => sessions.use_keys(names(&[number]), now),
                Step::Load(number) => sessions.load(&record(number), Some(&requirement(&[number + 1])), now),
                Step::Release(number) => sessions.release(&record(number), now),
                Step::Event(session, kind, detail) => {
                    // Mostly of the newest sessions.
                    let recent = &seen.sessions[seen.sessions.len().saturating_sub(4)..];
                    // Mostly in answer to the newest command.
                    let late = usize::from(session.is_multiple_of(4));
                    let id = seen.commands.iter().rev().nth(late).copied().unwrap_or(CommandId(0));
                    sessions.handle(KeyInput::Cdm(event(pick(recent, session), id, kind, detail)), now);
                }
                Step::Answer(request, status) => {
                    let recent = &seen.requests[seen.requests.len().saturating_sub(3)..];
                    let request = recent.get(usize::from(request) % recent.len().max(1)).copied().unwrap_or(RequestId(1));
                    seen.open.remove(&request);
                    let response = KeyResponse { status, body: vec![1].into(), retry_after: None };
                    sessions.handle(KeyInput::Answer { request, answer: Ok(response) }, now);
                }
                Step::Broken(request) => {
                    let request = seen.requests.get(usize::from(request) % seen.requests.len().max(1)).copied();
                    let request = request.unwrap_or(RequestId(1));
                    seen.open.remove(&request);
                    sessions.handle(KeyInput::Answer { request, answer: Err(ErrorCode::ConnectionLost) }, now);
                }
                Step::Wait(millis) => {
                    now = now + Duration::from_millis(millis.into());
                    sessions.handle(KeyInput::Timer, now);
                }
                Step::Forget => sessions.forget_failures(now),
                Step::Stop => sessions.stop(now),
                Step::Start(other) => sessions.start(fresh(other), now),
            }
            drain(&mut sessions, &mut seen);
            let releasing = (0..3).any(|number| sessions.is_releasing(&record(number).name));
            if matches!(step, Step::Stop) && !releasing {
                prop_assert!(seen.open.is_empty(), "{:?} outlive the title", seen.open);
                prop_assert!(sessions.plan().is_none());
            }
            if let Some(due) = sessions.deadline() {
                prop_assert!(due > now, "{due:?} is not after {now:?}");
            }
            let judgement = sessions.judge((1..6).map(|n| names(&[n])).collect::<Vec<_>>().iter().map(|k| &k[..]));
            prop_assert_eq!(judgement.error.is_some(), judgement.playable.is_empty() && judgement.waiting.is_empty());
        }
        // A step leads to a few messages, each to a few tries.
        prop_assert!(seen.sent <= 5 * steps.len() + 5, "{} requests after {} steps", seen.sent, steps.len());

        // Nobody answers any more: within a bounded number of timers all comes to rest.
        let mut timers = 0;
        while let Some(due) = sessions.deadline() {
            prop_assert!(due > now);
            now = due;
            sessions.handle(KeyInput::Timer, now);
            drain(&mut sessions, &mut seen);
            timers += 1;
            prop_assert!(timers < 500, "timers go on for ever");
        }
        prop_assert!(seen.open.is_empty(), "{:?} are never given up", seen.open);
        // And nothing is waited for that cannot come, unless it waits for the next title.
        if sessions.plan().is_none() && sessions.failure().is_none() {
            return Ok(());
        }
        prop_assert!((0..3).all(|number| !sessions.is_releasing(&record(number).name)), "a release without an end");
        for number in 1..6 {
            let availability = sessions.availability(&names(&[number]));
            let settled = !matches!(availability, Availability::Waiting)
                || sessions.statuses().get(&names(&[number])[0]).is_some_and(|status| {
                    matches!(status, KeyStatus::StatusPending | KeyStatus::UsableInFuture)
                });
            prop_assert!(settled, "key {number} is waited for without an end");
        }
    }
}
