//! The protocol of a title: no question in a build that reads one.

use telecine_manifest::reads;
use telecine_model::{Presentation, Protocol};

use crate::engine::Engine;

/// Whether a title is of a protocol.
pub(crate) fn is_of(presentation: &Presentation, protocol: Protocol) -> bool {
    reads(protocol) && presentation.protocol == protocol
}

impl Engine {
    /// Whether a title of HLS is loaded.
    pub(crate) fn is_hls(&self) -> bool {
        self.title.presentation.as_ref().is_some_and(|presentation| is_of(presentation, Protocol::Hls))
    }

    /// Whether a title of DASH is loaded.
    pub(crate) fn is_dash(&self) -> bool {
        self.title.presentation.as_ref().is_some_and(|presentation| is_of(presentation, Protocol::Dash))
    }
}
