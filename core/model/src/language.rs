//! BCP 47 language tags.

use std::fmt;

/// A language tag.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Language(String);

impl Language {
    /// Reads a tag; anything is accepted.
    pub fn parse(text: &str) -> Self {
        Self(text.trim().to_owned())
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
