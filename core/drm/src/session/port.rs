//! The port between key sessions and the key system of a device.
//!
//! [`CdmCommand`]s go to the key system (the CDM), [`CdmEvent`]s come back. The shape is that of W3C EME
//! and fits MediaDrm: a host translates, and decides nothing.

use std::fmt;
use std::time::Duration;

use telecine_model::protection::{KeyRef, KeyStatus, KeySystem, Scheme};
use telecine_model::{ErrorCode, Timestamp};

use crate::system::InitData;
use crate::system::InitDataKind;
use crate::{KeyUrl, SecretBytes};

/// A key session, for as long as the player lives; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

/// A command that is of no session, for as long as the player lives; never used twice. Its answer names it, so that a
/// late one is not taken for the answer to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(pub u64);

/// A request to a server, for as long as the player lives; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// What a session's licence is for (EME, `MediaKeySessionType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum SessionKind {
    /// This playback.
    #[default]
    Temporary,
    /// Later playbacks too: it is stored.
    PersistentLicence,
}

impl SessionKind {
    /// EME's name.
    pub const fn eme_name(self) -> &'static str {
        match self {
            Self::Temporary => "temporary",
            Self::PersistentLicence => "persistent-license",
        }
    }

    /// From EME's name.
    pub fn from_eme_name(name: &str) -> Option<Self> {
        [Self::Temporary, Self::PersistentLicence].into_iter().find(|kind| kind.eme_name() == name)
    }
}

/// What a message of a key system asks for (EME, `MediaKeyMessageType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageKind {
    /// A licence.
    LicenceRequest,
    /// The same licence for longer.
    LicenceRenewal,
    /// To know that a licence is gone.
    LicenceRelease,
    /// To be provisioned.
    IndividualisationRequest,
}

impl MessageKind {
    /// EME's name.
    pub const fn eme_name(self) -> &'static str {
        match self {
            Self::LicenceRequest => "license-request",
            Self::LicenceRenewal => "license-renewal",
            Self::LicenceRelease => "license-release",
            Self::IndividualisationRequest => "individualization-request",
        }
    }

    /// From EME's name.
    pub fn from_eme_name(name: &str) -> Option<Self> {
        [Self::LicenceRequest, Self::LicenceRenewal, Self::LicenceRelease, Self::IndividualisationRequest]
            .into_iter()
            .find(|kind| kind.eme_name() == name)
    }
}

/// Why a session ended (EME, `MediaKeySessionClosedReason`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// The key system broke: it must not be used on.
    InternalError,
    /// It was closed on command.
    ClosedByApplication,
    /// The server knows that its licence is gone.
    ReleaseAcknowledged,
    /// The hardware was reset: a new session may be opened.
    HardwareContextReset,
    /// The device needed the room.
    ResourceEvicted,
}

impl CloseReason {
    const ALL: [Self; 5] = [
        Self::InternalError,
        Self::ClosedByApplication,
        Self::ReleaseAcknowledged,
        Self::HardwareContextReset,
        Self::ResourceEvicted,
    ];

    /// EME's name.
    pub const fn eme_name(self) -> &'static str {
        match self {
            Self::InternalError => "internal-error",
            Self::ClosedByApplication => "closed-by-application",
            Self::ReleaseAcknowledged => "release-acknowledged",
            Self::HardwareContextReset => "hardware-context-reset",
            Self::ResourceEvicted => "resource-evicted",
        }
    }

    /// From EME's name.
    pub fn from_eme_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.eme_name() == name)
    }
}

/// What went wrong in a key system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CdmFailure {
    /// What kind of failure.
    pub kind: CdmFailureKind,
    /// The key system's own words, without secrets.
    pub message: String,
}

impl CdmFailure {
    /// A failure with the key system's words.
    pub fn new(kind: CdmFailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

/// Kinds of failures of a key system that call for different answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CdmFailureKind {
    /// It cannot do what it was told (EME, `NotSupportedError`).
    NotSupported,
    /// It does not accept the data that it was given: initialisation data, licence, certificate
    /// (`TypeError`, `InvalidAccessError`).
    InvalidData,
    /// No more sessions can be open (`QuotaExceededError`, `ResourceBusyException`).
    Quota,
    /// The device must be provisioned first (`NotProvisionedException`).
    NotProvisioned,
    /// The person or the device's policy denied it (`NotAllowedError`, `DeniedByServerException`).
    Denied,
    /// It failed for now and may be tried again.
    Transient,
    /// It failed.
    Internal,
}

/// A command for the key system.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum CdmCommand {
    /// Open the key system; answered by [`CdmEvent::Access`]. A host tries the levels in their order and
    /// takes the first that is granted. It takes the place of the one that was opened before, or is still being opened.
    Access {
        /// Its answer names it.
        id: CommandId,
        /// Which.
        system: KeySystem,
        /// The platform's name for it.
        name: String,
        /// Levels for video, the strongest first; the last one may be empty.
        video_robustness: Vec<String>,
        /// Levels for audio, likewise.
        audio_robustness: Vec<String>,
        /// Schemes of the content; empty if they are not known.
        schemes: Vec<Scheme>,
        /// Forms of initialisation data.
        init_data: Vec<InitDataKind>,
        /// Sessions are to store licences, or to load them.
        persistent: bool,
    },
    /// Take the certificate of the licence service; answered by [`CdmEvent::Certificate`].
    SetCertificate {
        /// Its answer names it.
        id: CommandId,
        /// It, as the service gave it.
        certificate: SecretBytes,
    },
    /// Begin provisioning; answered by [`CdmEvent::ProvisionRequest`] or [`CdmEvent::Provisioned`].
    Provision {
        /// Its answer names it.
        id: CommandId,
    },
    /// Take the answer of the provisioning server; answered by [`CdmEvent::Provisioned`].
    FinishProvisioning {
        /// Its answer names it.
        id: CommandId,
        /// Its body.
        response: SecretBytes,
    },
    /// Create a session; answered by [`CdmEvent::Created`].
    Create {
        /// Which.
        session: SessionId,
        /// Of which kind.
        kind: SessionKind,
    },
    /// Make a licence request; answered by [`CdmEvent::Message`], or by [`CdmEvent::KeyStatuses`] if the
    /// keys are there already. For a second time in a session: make the licence new.
    GenerateRequest {
        /// Which session.
        session: SessionId,
        /// From what.
        init_data: InitData,
    },
    /// Load a stored licence; answered by [`CdmEvent::Loaded`].
    Load {
        /// Into which session.
        session: SessionId,
        /// The key system's own name of the stored session.
        name: String,
    },
    /// Take a server's answer to a message; answered by [`CdmEvent::Updated`].
    Update {
        /// Which session.
        session: SessionId,
        /// The answer.
        response: SecretBytes,
    },
    /// Destroy the session's licence and say so: a message of kind [`MessageKind::LicenceRelease`]
    /// follows for stored ones, then [`CdmEvent::Closed`].
    Remove {
        /// Which session.
        session: SessionId,
    },
    /// Close the session; answered by [`CdmEvent::Closed`].
    Close {
        /// Which session.
        session: SessionId,
    },
}

/// What the key system reports. An answer to a command that is no longer waited for is not looked at: a host hands on
/// all of them as they come.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum CdmEvent {
    /// It is open, or refused.
    Access {
        /// Which command this answers.
        id: CommandId,
        /// What came of it.
        answer: Result<Access, CdmFailure>,
    },
    /// It has taken the certificate, or not.
    Certificate {
        /// Which command this answers.
        id: CommandId,
        /// What came of it.
        answer: Result<(), CdmFailure>,
    },
    /// It is to be provisioned with an answer to this.
    ProvisionRequest {
        /// Which command this answers.
        id: CommandId,
        /// Where from.
        url: KeyUrl,
        /// What to send; empty for a request that has everything in its URL.
        body: SecretBytes,
    },
    /// It is provisioned, or not.
    Provisioned {
        /// Which command this answers.
        id: CommandId,
        /// What came of it.
        answer: Result<(), CdmFailure>,
    },
    /// A session exists.
    Created {
        /// Which.
        session: SessionId,
    },
    /// A session has a name by which its licence can be loaded later.
    Named {
        /// Which.
        session: SessionId,
        /// The key system's own name of it.
        name: String,
    },
    /// A stored licence was looked for.
    Loaded {
        /// Into which session.
        session: SessionId,
        /// False if there is none of that name.
        found: bool,
    },
    /// A message for a server.
    Message {
        /// Of which session.
        session: SessionId,
        /// What it asks for.
        kind: MessageKind,
        /// The message.
        body: SecretBytes,
        /// Where the key system itself would send it. A message with an empty body and a URL is got, not
        /// posted.
        url: Option<KeyUrl>,
    },
    /// An answer was accepted.
    Updated {
        /// By which session.
        session: SessionId,
    },
    /// The keys of a session, all of them.
    KeyStatuses {
        /// Of which session.
        session: SessionId,
        /// Statuses by key.
        statuses: Vec<(KeyRef, KeyStatus)>,
    },
    /// The time that a session's keys have left has changed.
    Expiration {
        /// Of which session.
        session: SessionId,
        /// From now on; None if they do not expire.
        left: Option<Duration>,
    },
    /// A session has ended, whoever wanted it.
    Closed {
        /// Which.
        session: SessionId,
        /// Why.
        reason: CloseReason,
    },
    /// The last command of a session failed, or the session did.
    Failed {
        /// Which.
        session: SessionId,
        /// How.
        failure: CdmFailure,
    },
}

/// An open key system.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Access {
    /// Level granted for video.
    pub video_robustness: String,
    /// Level granted for audio.
    pub audio_robustness: String,
}

/// A header of a request. Its value may be a token, so it is not shown.
#[derive(Clone)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: SecretBytes,
}

impl Header {
    /// A header.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: SecretBytes::from(value.into()) }
    }

    /// Its value as text.
    pub fn value(&self) -> &str {
        core::str::from_utf8(self.value.expose()).unwrap_or("")
    }
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ({} bytes)", self.name, self.value.len())
    }
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RequestKind {
    /// An answer to a message of a session.
    Message(MessageKind),
    /// A key itself (HLS `identity`).
    Key,
    /// The certificate of the licence service.
    Certificate,
    /// Provisioning of the device.
    Provisioning,
}

/// A request to a server. Before it is sent and before its answer comes back, the application may rewrite
/// everything: URL, headers, body; that is where licences are wrapped and tokens are added.
#[derive(Clone, Debug)]
pub struct KeyRequest {
    /// Its answer names it.
    pub id: RequestId,
    /// What for.
    pub kind: RequestKind,
    /// Of which key system.
    pub system: KeySystem,
    /// Of which session; None for certificates and provisioning.
    pub session: Option<SessionId>,
    /// Where to.
    pub url: KeyUrl,
    /// With which headers.
    pub headers: Vec<Header>,
    /// What to post; None to get.
    pub body: Option<SecretBytes>,
    /// Tries before this one.
    pub attempt: u32,
    /// When it is given up; a [`KeyAction::Cancel`](super::KeyAction::Cancel) says so then.
    pub timeout: Duration,
}

/// A server's answer, whatever its status.
#[derive(Clone, Debug)]
pub struct KeyResponse {
    /// HTTP status.
    pub status: u16,
    /// Its body, unwrapped by the application.
    pub body: SecretBytes,
    /// How long the server asks to wait (`Retry-After`).
    pub retry_after: Option<Duration>,
}

impl KeyResponse {
    /// An answer of status 200.
    pub fn ok(body: impl Into<SecretBytes>) -> Self {
        Self { status: 200, body: body.into(), retry_after: None }
    }
}

/// An answer to a [`KeyRequest`]: the server's, or how the way there failed (`DnsFailed`, `Timeout`, …).
pub type KeyAnswer = Result<KeyResponse, ErrorCode>;

/// A key system as key sessions see it. Hosts of platform key systems need not implement it; it is what
/// the software ClearKey and the double for tests have in common.
pub trait Cdm {
    /// Takes a command. What comes of it is reported by [`Cdm::poll`], now or later.
    fn execute(&mut self, command: CdmCommand, now: Timestamp);

    /// The next report that is due.
    fn poll(&mut self, now: Timestamp) -> Option<CdmEvent>;

    /// When the next report is due, if it is due later.
    fn deadline(&self) -> Option<Timestamp>;
}
