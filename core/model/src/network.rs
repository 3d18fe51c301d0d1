//! What a device reaches the network over.

use serde::{Deserialize, Serialize};

/// The kind of network that a device is on, as far as its system tells. What one carries says little of what another does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NetworkType {
    /// Nobody knows, or something else (a tunnel, say).
    #[default]
    Unknown,
    /// A cable.
    Ethernet,
    /// A wireless local network.
    Wifi,
    /// A mobile network.
    Cellular,
}

impl NetworkType {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Unknown, Self::Ethernet, Self::Wifi, Self::Cellular];

    /// `unknown`, `ethernet`, `wifi` or `cellular`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Ethernet => "ethernet",
            Self::Wifi => "wifi",
            Self::Cellular => "cellular",
        }
    }
}
