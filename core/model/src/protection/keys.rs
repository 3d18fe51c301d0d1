//! Keys by name, and what a key system says of them.

use std::fmt;
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::KeyId;
use crate::uri;

/// As hexadecimal digits.
impl Serialize for KeyId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for KeyId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("a key identifier is 32 hexadecimal digits"))
    }
}

/// How a key is named: by its identifier, as Common Encryption does, or by the URI that it comes from,
/// as HLS `identity` keys are.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyRef {
    /// By its identifier.
    Kid(KeyId),
    /// By its absolute URI.
    Uri(Arc<str>),
}

impl KeyRef {
    /// The identifier, if it is named by one.
    pub fn kid(&self) -> Option<KeyId> {
        match self {
            Self::Kid(kid) => Some(*kid),
            Self::Uri(_) => None,
        }
    }
}

impl From<KeyId> for KeyRef {
    fn from(kid: KeyId) -> Self {
        Self::Kid(kid)
    }
}

/// Without what may be secret in a URI.
impl fmt::Display for KeyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kid(kid) => kid.fmt(f),
            Self::Uri(uri) => f.write_str(&uri::without_secrets(uri)),
        }
    }
}

impl fmt::Debug for KeyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyRef({self})")
    }
}

/// What a key system says of a key (W3C EME, `MediaKeyStatus`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyStatus {
    /// It decrypts.
    Usable,
    /// It will decrypt from a later time on.
    UsableInFuture,
    /// Its time has passed.
    Expired,
    /// It is gone; a record of that is left.
    Released,
    /// The outputs do not protect the picture as it demands.
    OutputRestricted,
    /// The outputs do not; a smaller picture is shown instead.
    OutputDownscaled,
    /// Not known yet.
    StatusPending,
    /// The key system failed with it.
    InternalError,
}

impl KeyStatus {
    /// Every status.
    pub const ALL: [Self; 8] = [
        Self::Usable,
        Self::UsableInFuture,
        Self::Expired,
        Self::Released,
        Self::OutputRestricted,
        Self::OutputDownscaled,
        Self::StatusPending,
        Self::InternalError,
    ];

    /// The name that EME has for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Usable => "usable",
            Self::UsableInFuture => "usable-in-future",
            Self::Expired => "expired",
            Self::Released => "released",
            Self::OutputRestricted => "output-restricted",
            Self::OutputDownscaled => "output-downscaled",
            Self::StatusPending => "status-pending",
            Self::InternalError => "internal-error",
        }
    }

    /// From EME's name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

impl fmt::Display for KeyStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_found_by_its_name() {
        for status in KeyStatus::ALL {
            assert_eq!(KeyStatus::from_name(status.name()), Some(status));
        }
        assert_eq!(KeyStatus::from_name("USABLE"), None);
    }

    #[test]
    fn a_key_named_by_a_uri_is_shown_without_the_secrets_in_it() {
        let key = KeyRef::Uri("https://user:pass@keys.example/k.bin?token=secret".into());
        let shown = format!("{key} {key:?}");
        assert!(
            shown.contains("keys.example/k.bin") && !shown.contains("secret") && !shown.contains("pass"),
            "{shown}"
        );
    }
}
