//! Licences that are stored on the device.

use serde::{Deserialize, Serialize};
use telecine_model::protection::{KeyId, KeySystem};
use telecine_model::WallTime;

/// What the application keeps of a stored licence. The licence itself is in the key system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredLicence {
    /// Whose it is.
    pub system: KeySystem,
    /// The key system's name of the session.
    pub name: String,
    /// Its keys.
    pub key_ids: Vec<KeyId>,
    /// When it expires; None for never, or if that is not known.
    pub expires: Option<WallTime>,
    /// It is being destroyed, and the server does not know yet: to be released again when online.
    pub releasing: bool,
}
