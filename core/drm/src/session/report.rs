//! What key sessions tell: for telemetry, for people, for the one who chooses renditions. Sizes, times
//! and outcomes; never contents.

use std::time::Duration;

use telecine_model::protection::{KeyRef, KeyStatus, KeySystem};
use telecine_model::Error;

use super::port::{CloseReason, RequestKind, SessionId};

/// Something that happened to key sessions.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum KeyReport {
    /// A key system is open.
    Access {
        /// Which.
        system: KeySystem,
        /// The platform's name for it.
        name: String,
        /// Level granted for video.
        video_robustness: String,
        /// Level granted for audio.
        audio_robustness: String,
        /// Why this system.
        reasons: Vec<String>,
    },
    /// A session is asked for its first message.
    SessionOpened {
        /// Which.
        session: SessionId,
        /// Keys that it is expected to bring; 0 if that is not known.
        keys: usize,
    },
    /// A server has answered.
    Answered {
        /// For which session; None for certificates and provisioning.
        session: Option<SessionId>,
        /// What was asked for.
        kind: RequestKind,
        /// From the first try to the answer.
        latency: Duration,
        /// Tries.
        attempts: u32,
        /// Bytes of the challenge.
        challenge_bytes: usize,
        /// Bytes of the answer.
        response_bytes: usize,
    },
    /// Statuses of keys have changed: which renditions can be played may have, too.
    Statuses {
        /// Keys and their statuses now; None for one that is gone.
        changed: Vec<(KeyRef, Option<KeyStatus>)>,
    },
    /// A session brought its keys.
    KeysArrived {
        /// Which.
        session: SessionId,
        /// From its opening to its keys.
        after: Duration,
        /// How many keys.
        keys: usize,
    },
    /// The keys of a session will expire.
    Expires {
        /// Which.
        session: SessionId,
        /// In which time; None for never.
        left: Option<Duration>,
    },
    /// A session is closed.
    SessionClosed {
        /// Which.
        session: SessionId,
        /// Why; None if the key system did not confirm it.
        reason: Option<CloseReason>,
    },
    /// Something went wrong and is made good: by another try, another server, another key system.
    Recovered(Error),
    /// A session has failed: its keys will not come. Whether that matters,
    /// [`KeySessions::judge`](super::KeySessions::judge) says.
    SessionFailed {
        /// Which.
        session: SessionId,
        /// Its keys, as far as they are known.
        keys: Vec<KeyRef>,
        /// Why.
        error: Error,
    },
    /// A stored licence was destroyed.
    Released {
        /// The key system's name of it.
        name: String,
        /// The server knows.
        acknowledged: bool,
    },
    /// No key system is left: nothing protected can be played.
    Failed(Error),
}
