//! What comes of keys, as far as the engine decides by it.
//!
//! The engine never looks at a key, a licence or a key system: it decides by [`KeyFact`]s. Live, key sessions find
//! them; in a replay they come from the recording, and there are no keys. Nothing secret is in them.

use serde::{Deserialize, Serialize};
use telecine_drm::session::{CdmCommand, StoredLicence};
use telecine_model::{Error, TrackKind};

use crate::media::MediaFact;
use crate::secrets::Secrets;

/// Names something that keys are needed for, as long as a player lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct NeedId(pub(crate) u64);

/// Whether what keys are needed for can be played.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum NeedState {
    /// Nobody knows before its media is seen.
    Unknown,
    /// Keys are on their way.
    Waiting,
    /// It can: decrypted here, or passed through to the key system of the device.
    Usable { through: bool },
    /// It can, but the device shows it smaller than it is.
    Downscaled,
    /// It cannot.
    Gone(Error),
}

impl NeedState {
    /// It can be played as well as it is.
    pub(crate) fn is_ready(&self) -> bool {
        matches!(self, Self::Unknown | Self::Usable { .. })
    }
}

/// Something that came of keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum KeyFact {
    /// Something that keys are needed for is in another state than before.
    Need(NeedId, NeedState),
    /// What has no state of its own is handed to the key system of the device, or not.
    Through(bool),
    /// The key system of the device is to do something.
    Cdm(CdmNote),
    /// A server is to be asked.
    Request {
        /// Names it among the requests of key sessions.
        id: u64,
        /// Without its secrets in a recording.
        url: String,
        attempt: u32,
        timeout_us: u64,
    },
    /// It need not be asked any more.
    Cancel(u64),
    /// A key system was opened.
    System { name: String, why: Vec<String> },
    /// Something went wrong and is made good.
    Recovered(Error),
    /// A licence is to be kept.
    Store(StoredLicence),
    /// And this one no longer.
    Forget(String),
    /// A stored licence was destroyed, and the server knows or does not.
    Released { name: String, acknowledged: bool },
}

impl KeyFact {
    /// As a recording holds it.
    pub(crate) fn redacted(&self, secrets: &Secrets) -> Self {
        match self {
            Self::Request { id, url, attempt, timeout_us } => {
                Self::Request { id: *id, url: secrets.shown(url), attempt: *attempt, timeout_us: *timeout_us }
            }
            other => other.clone(),
        }
    }
}

/// A command to the key system of the device, without what is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CdmNote {
    /// Its name.
    pub command: String,
    /// Of which session.
    pub session: Option<u64>,
    /// What it is about: the key system, the kind of session or of initialisation data.
    pub about: String,
    /// Bytes that go with it.
    pub bytes: u64,
}

impl CdmNote {
    pub(crate) fn of(command: &CdmCommand) -> Self {
        let note = |command: &str, session: Option<u64>, about: &str, bytes: usize| Self {
            command: command.to_owned(),
            session,
            about: about.to_owned(),
            bytes: bytes as u64,
        };
        match command {
            CdmCommand::Access { name, .. } => note("access", None, name, 0),
            CdmCommand::SetCertificate { certificate, .. } => note("certificate", None, "", certificate.len()),
            CdmCommand::Provision { .. } => note("provision", None, "", 0),
            CdmCommand::FinishProvisioning { response, .. } => note("provisioned", None, "", response.len()),
            CdmCommand::Create { session, kind } => note("create", Some(session.0), kind.eme_name(), 0),
            CdmCommand::GenerateRequest { session, init_data } => {
                let kind = init_data.kind.eme_name().unwrap_or("uri");
                note("generate", Some(session.0), kind, init_data.bytes.len())
            }
            CdmCommand::Load { session, name } => note("load", Some(session.0), name, 0),
            CdmCommand::Update { session, response } => note("update", Some(session.0), "", response.len()),
            CdmCommand::Remove { session } => note("remove", Some(session.0), "", 0),
            CdmCommand::Close { session } => note("close", Some(session.0), "", 0),
            _ => note("other", None, "", 0),
        }
    }
}

/// What was found in media that had waited for a key or an initialisation section.
#[derive(Clone, Debug)]
pub(crate) struct Opened {
    pub(crate) kind: TrackKind,
    /// In the initialisation section itself.
    pub(crate) init: bool,
    pub(crate) facts: Vec<MediaFact>,
}

/// What one input brought to light beside what was in its own body.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// In media that had waited.
    pub(crate) opened: Vec<Opened>,
    /// What came of keys, by the number of the round; empty ones are left out.
    pub(crate) rounds: Vec<(u32, Vec<KeyFact>)>,
    /// Which of the fragments that were decrypted, counted from 0, could not be.
    pub(crate) failed: Vec<(u32, Error)>,
    /// Media said that the known MPD holds no longer.
    pub(crate) expired: bool,
}

impl Findings {
    /// What was found in what waited for a kind.
    pub(crate) fn take_opened(&mut self, kind: TrackKind, init: bool) -> Option<Vec<MediaFact>> {
        let at = self.opened.iter().position(|opened| opened.kind == kind && opened.init == init)?;
        Some(self.opened.remove(at).facts)
    }
}
