//! What statuses of keys mean for renditions.

use telecine_model::protection::{KeyRef, KeyStatus};
use telecine_model::{Error, ErrorCode, SortedMap};

use super::one::{Phase, Session};

/// The best status of each key over all sessions.
pub type KeyStatusMap = SortedMap<KeyRef, KeyStatus>;

/// Whether media under certain keys can be played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Availability {
    /// It can.
    Playable,
    /// It can, but the device shows it smaller than it is: a smaller rendition would look the same.
    Downscaled,
    /// Not yet: keys are on their way.
    Waiting,
    /// Nobody has asked for a key: [`KeySessions::require`](super::KeySessions::require) it.
    Unasked,
    /// It cannot: the rendition leaves the ladder, until a report of statuses says otherwise.
    Gone(ErrorCode),
}

/// Which renditions can be played; numbers are places in the list that was judged.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Judgement {
    /// Those that can; of downscaled ones, only if there are no others.
    pub playable: Vec<usize>,
    /// Those that wait for keys, asked for or not.
    pub waiting: Vec<usize>,
    /// Those that cannot, and why.
    pub gone: Vec<(usize, ErrorCode)>,
    /// Set if nothing is left that can be played or may be later.
    pub error: Option<Error>,
}

impl Judgement {
    pub(super) fn of(
        availabilities: impl Iterator<Item = Availability>,
        errors: impl Fn(ErrorCode) -> Option<Error>,
    ) -> Self {
        let mut out = Self::default();
        let mut downscaled = Vec::new();
        for (at, availability) in availabilities.enumerate() {
            match availability {
                Availability::Playable => out.playable.push(at),
                Availability::Downscaled => downscaled.push(at),
                Availability::Waiting | Availability::Unasked => out.waiting.push(at),
                Availability::Gone(code) => out.gone.push((at, code)),
            }
        }
        if out.playable.is_empty() {
            out.playable = downscaled;
        }
        if out.playable.is_empty() && out.waiting.is_empty() {
            // All may be gone for several reasons; the first rendition's stands for them.
            out.error = out.gone.first().map(|(_, code)| {
                errors(*code).unwrap_or_else(|| Error::new(*code, "no rendition is left whose keys can be used"))
            });
        }
        out
    }
}

/// Smaller is better.
fn rank(status: KeyStatus) -> u8 {
    match status {
        KeyStatus::Usable => 0,
        KeyStatus::OutputDownscaled => 1,
        KeyStatus::StatusPending => 2,
        KeyStatus::UsableInFuture => 3,
        KeyStatus::OutputRestricted => 4,
        KeyStatus::Expired => 5,
        KeyStatus::Released => 6,
        KeyStatus::InternalError => 7,
    }
}

/// The better of two statuses.
pub(super) fn better(a: KeyStatus, b: KeyStatus) -> KeyStatus {
    if rank(a) <= rank(b) {
        a
    } else {
        b
    }
}

/// The worse of two statuses.
pub(super) fn worse(a: KeyStatus, b: KeyStatus) -> KeyStatus {
    if rank(a) <= rank(b) {
        b
    } else {
        a
    }
}

/// Availability of one key.
pub(super) fn of_key<'a>(key: &KeyRef, sessions: impl Iterator<Item = &'a Session>) -> Availability {
    let mut status: Option<KeyStatus> = None;
    let (mut on_its_way, mut left_out, mut failure) = (false, false, None);
    // Keys of a licence that is being destroyed are on no way to playback.
    for session in sessions.filter(|session| !session.release) {
        let expected = session.keys.is_empty() || session.keys.contains(key);
        match session.phase {
            Phase::Queued | Phase::Creating | Phase::Loading | Phase::Generating => on_its_way |= expected,
            Phase::Active => match session.statuses.get(key) {
                Some(found) => status = Some(status.map_or(*found, |known| better(known, *found))),
                // Of several messages the next one may bring it.
                None if session.exchanges.is_empty() => left_out |= session.keys.contains(key),
                None => on_its_way |= session.keys.contains(key),
            },
            Phase::Failed | Phase::Closing => {
                if let Some(error) = session.failure.as_ref().filter(|_| expected) {
                    failure = Some(error.code());
                }
            }
            Phase::Removing => {}
        }
    }
    match status {
        Some(KeyStatus::Usable) => Availability::Playable,
        Some(KeyStatus::OutputDownscaled) => Availability::Downscaled,
        Some(KeyStatus::StatusPending | KeyStatus::UsableInFuture) => Availability::Waiting,
        _ if on_its_way => Availability::Waiting,
        Some(KeyStatus::OutputRestricted) => Availability::Gone(ErrorCode::OutputRestricted),
        Some(KeyStatus::Expired | KeyStatus::Released) => Availability::Gone(ErrorCode::LicenceExpired),
        Some(KeyStatus::InternalError) => Availability::Gone(ErrorCode::CdmFailed),
        None => match failure {
            _ if left_out => Availability::Gone(ErrorCode::KeyNotInLicence),
            Some(code) => Availability::Gone(code),
            None => Availability::Unasked,
        },
    }
}

/// Of media that need several keys, the least available counts.
pub(super) fn least(a: Availability, b: Availability) -> Availability {
    let rank = |availability| match availability {
        Availability::Playable => 0,
        Availability::Downscaled => 1,
        Availability::Waiting => 2,
        Availability::Unasked => 3,
        Availability::Gone(_) => 4,
    };
    if rank(a) >= rank(b) {
        a
    } else {
        b
    }
}
