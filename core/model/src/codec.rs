//! RFC 6381 codec strings.

use std::fmt;

/// One entry of a `codecs` parameter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Codec(String);

impl Codec {
    /// Reads one entry; anything is accepted.
    pub fn parse(text: &str) -> Self {
        Self(text.trim().to_owned())
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
