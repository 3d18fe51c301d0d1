//! Key sessions in virtual time, against the double of a commercial key system: one behaviour a test.

#![allow(clippy::expect_used, clippy::panic)] // These are tests.

#[path = "../common/mod.rs"]
mod common;

mod any_order;
mod clearkey;
mod licences;
mod renewal;
mod room;
mod rotation;
mod secrets;
mod setup;
mod statuses;
mod stored;

use std::time::Duration;

use bytes::Bytes;
use telecine_drm::session::{Availability, CdmCommand, KeyReport, RequestKind, SessionPolicy, When};
use telecine_drm::system::{
    choose, Choice, DrmCapabilities, DrmPreferences, KeyRequirement, Need, Pssh, SystemCapability, SystemPreference,
};
use telecine_drm::testing::{CdmScript, DoubleLicence, Reply, Rig, ScriptedCdm};
use telecine_model::protection::{KeyId, KeyRef, KeySystem, Scheme};
use telecine_model::{Error, Limits, Timestamp, TrackKind};

/// Licence server of every test.
pub(crate) const SERVER: &str = "https://licence.example/wv?token=secret";

pub(crate) fn key(number: u8) -> KeyId {
    KeyId([number; 16])
}

pub(crate) fn names(numbers: &[u8]) -> Vec<KeyRef> {
    numbers.iter().map(|number| KeyRef::Kid(key(*number))).collect()
}

pub(crate) fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// A rendition under these keys, for Widevine and PlayReady.
pub(crate) fn requirement(numbers: &[u8]) -> KeyRequirement {
    let kids: Vec<KeyId> = numbers.iter().map(|number| key(*number)).collect();
    let pssh = |system: KeySystem| Pssh::new(system.system_id(), kids.clone(), Bytes::new());
    let boxes = [pssh(KeySystem::Widevine), pssh(KeySystem::PlayReady)];
    KeyRequirement::from_boxes(&boxes, Some(Scheme::Cenc), &kids, &Limits::default())
}

pub(crate) fn capability() -> SystemCapability {
    SystemCapability::new(KeySystem::Widevine, "com.widevine.alpha")
}

/// The choice of these systems, in this order, with [`SERVER`].
pub(crate) fn choice(capabilities: Vec<SystemCapability>, persistent: bool) -> Choice {
    let wish = SystemPreference { licence_urls: vec![SERVER.into()], ..SystemPreference::default() };
    let wishes = DrmPreferences {
        order: capabilities.iter().map(|capability| capability.system).collect(),
        persistent,
        systems: capabilities.iter().map(|capability| (capability.system, wish.clone())).collect(),
    };
    let title = requirement(&[1]);
    let need = Need { requirement: &title, kind: TrackKind::Video };
    choose(&[need], &DrmCapabilities { systems: capabilities }, &wishes).expect("a choice")
}

pub(crate) type World = Rig<ScriptedCdm>;

/// A device with Widevine that has begun; the server grants what `licence` says.
pub(crate) fn world(script: CdmScript, licence: DoubleLicence) -> World {
    world_with(script, licence, choice(vec![capability()], false))
}

pub(crate) fn world_with(script: CdmScript, licence: DoubleLicence, choice: Choice) -> World {
    let mut world = Rig::new(ScriptedCdm::new(script), SessionPolicy::default(), 7);
    world.server.reply(SERVER, Reply::Licence(licence));
    world.sessions.start(choice, world.now);
    world
}

pub(crate) fn usable(numbers: &[u8]) -> DoubleLicence {
    DoubleLicence::usable(&numbers.iter().map(|number| key(*number)).collect::<Vec<_>>())
}

pub(crate) fn expiring(numbers: &[u8], lifetime: u64) -> DoubleLicence {
    DoubleLicence { lifetime: Some(seconds(lifetime)), ..usable(numbers) }
}

pub(crate) trait Ask {
    fn ask(&mut self, numbers: &[u8]);
    fn ask_by(&mut self, numbers: &[u8], at: Timestamp);
    fn use_only(&mut self, numbers: &[u8]);
    fn availability(&self, numbers: &[u8]) -> Availability;
    fn licence_requests(&self) -> Vec<Timestamp>;
    fn errors(&self) -> Vec<Error>;
    fn created(&self) -> usize;
    fn closed(&self) -> usize;
}

impl Ask for World {
    /// Requires keys now.
    fn ask(&mut self, numbers: &[u8]) {
        self.sessions.require(&requirement(numbers), When::Now, self.now);
    }

    fn ask_by(&mut self, numbers: &[u8], at: Timestamp) {
        self.sessions.require(&requirement(numbers), When::By(at), self.now);
    }

    fn use_only(&mut self, numbers: &[u8]) {
        self.sessions.use_keys(names(numbers), self.now);
    }

    fn availability(&self, numbers: &[u8]) -> Availability {
        self.sessions.availability(&names(numbers))
    }

    /// When licences were asked for.
    fn licence_requests(&self) -> Vec<Timestamp> {
        let message = |kind: RequestKind| matches!(kind, RequestKind::Message(_));
        self.server.requests.iter().filter(|(_, request)| message(request.kind)).map(|(at, _)| *at).collect()
    }

    /// Every error that was reported, recovered ones too.
    fn errors(&self) -> Vec<Error> {
        let error = |report: &KeyReport| match report {
            KeyReport::Recovered(error) | KeyReport::Failed(error) | KeyReport::SessionFailed { error, .. } => {
                Some(error.clone())
            }
            _ => None,
        };
        self.reports.iter().filter_map(|(_, report)| error(report)).collect()
    }

    fn created(&self) -> usize {
        self.cdm.commands.iter().filter(|(_, command)| matches!(command, CdmCommand::Create { .. })).count()
    }

    fn closed(&self) -> usize {
        self.cdm.commands.iter().filter(|(_, command)| matches!(command, CdmCommand::Close { .. })).count()
    }
}
