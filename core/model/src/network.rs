//! What a device reaches the network over, and how it is answered.

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

/// The version of HTTP that an answer came by (RFC 9110, 2.5): how many connections share the line, and what a lost packet holds up,
/// is another matter with each, and so is the rate that a host is seen to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum HttpVersion {
    /// 1.0 and 1.1 (RFC 9112): one transfer at a time on a connection.
    Http1,
    /// 2 (RFC 9113): many on one connection of TCP.
    Http2,
    /// 3 (RFC 9114): many on one connection of QUIC.
    Http3,
}
