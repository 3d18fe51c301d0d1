//! Language tags: BCP 47 (RFC 5646) and how a viewer's wish is matched with what a title has
//! (RFC 4647).
//!
//! Manifests and containers name languages in many ways: `en`, `en-US`, `eng`, `en_US`, `ger`,
//! `iw`, `zh-Hant`, `zh-TW`, `cmn-Hans`. A [`Language`] keeps what was written and compares what
//! was meant.
//!
//! ```
//! use telecine_model::language::{best_match, Language, MatchQuality};
//!
//! let german = Language::parse("ger");
//! assert_eq!(german.primary(), "de");
//! assert_eq!(german.to_string(), "ger");
//! assert_eq!(german.matches(&Language::parse("de-AT")), MatchQuality::Compatible);
//!
//! let tracks = ["zh-Hans", "zh-TW", "en"].map(Language::parse);
//! let wanted = ["zh-Hant"].map(Language::parse);
//! assert_eq!(best_match(tracks.iter().map(Some), &wanted), Some(1));
//! ```

mod matching;
mod registry;

use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};

pub use self::matching::{best_match, MatchQuality};

/// A language tag.
///
/// Two are equal if their texts are; [`Language::matches`] says whether they mean the same.
#[derive(Clone, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Language {
    text: Box<str>,
    primary: Box<str>,
    extlang: Option<Box<str>>,
    script: Option<Box<str>>,
    region: Option<Box<str>>,
    variants: Vec<Box<str>>,
}

impl Language {
    /// Reads a tag. Any text is accepted: what follows the first subtag that does not fit the
    /// grammar of RFC 5646, 2.1 is kept in the text and means nothing. Underscores count as
    /// hyphens, and a POSIX code set (`de_DE.UTF-8`) is left out of account.
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        let tag = text.split(['.', '@']).next().unwrap_or_default();
        let tag = tag.replace('_', "-").to_ascii_lowercase();
        let tag = registry::grandfathered(&tag).unwrap_or(&tag);
        let mut language = Self {
            text: text.into(),
            primary: Box::default(),
            extlang: None,
            script: None,
            region: None,
            variants: Vec::new(),
        };
        let mut subtags = tag.split('-');
        let first = subtags.next().unwrap_or_default();
        if first.len() == 1 && first != "*" {
            // Private use (`x-…`) and unregistered `i-…`: only the whole tag means something.
            language.primary = tag.into();
            return language;
        }
        let (primary, implied_script) = registry::canonical(first);
        language.primary = primary.into();
        language.script = implied_script.map(Into::into);
        for subtag in subtags {
            if !language.take(subtag) {
                break;
            }
        }
        language
    }

    /// Takes the next lower-case subtag if it may follow those before it (RFC 5646, 2.2).
    fn take(&mut self, subtag: &str) -> bool {
        let length = subtag.len();
        let alphabetic = subtag.bytes().all(|b| b.is_ascii_alphabetic());
        let numeric = subtag.bytes().all(|b| b.is_ascii_digit());
        let alphanumeric = subtag.bytes().all(|b| b.is_ascii_alphanumeric());
        let starts_with_digit = subtag.bytes().next().is_some_and(|b| b.is_ascii_digit());
        let after_language = self.script.is_none() && self.region.is_none() && self.variants.is_empty();
        let after_script = self.region.is_none() && self.variants.is_empty();
        if length == 3 && alphabetic && after_language && self.extlang.is_none() {
            self.extlang = Some(subtag.into());
        } else if length == 4 && alphabetic && after_script {
            let (initial, rest) = subtag.split_at(1);
            self.script = Some((initial.to_ascii_uppercase() + rest).into());
        } else if after_script && (length == 2 && alphabetic || length == 3 && numeric) {
            self.region = Some(registry::canonical_region(&subtag.to_ascii_uppercase()).into());
        } else if alphanumeric && ((5..=8).contains(&length) || length == 4 && starts_with_digit) {
            self.variants.push(subtag.into());
        } else {
            return false;
        }
        true
    }

    /// The tag as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The primary language subtag in lower case, two letters where ISO 639-1 has them (`eng`,
    /// `deu` and `ger` become `en` and `de`), deprecated codes replaced (`iw` becomes `he`). For
    /// private-use tags the whole tag. Empty for an empty text.
    pub fn primary(&self) -> &str {
        &self.primary
    }

    /// The extended language subtag: `yue` in `zh-yue`.
    pub fn extlang(&self) -> Option<&str> {
        self.extlang.as_deref()
    }

    /// The script as ISO 15924 writes it: `Hant`. Only if the tag states it.
    pub fn script(&self) -> Option<&str> {
        self.script.as_deref()
    }

    /// The region: two capitals of ISO 3166-1 or three digits of UN M.49.
    pub fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }

    /// Variants in lower case, as ordered in the tag.
    pub fn variants(&self) -> impl Iterator<Item = &str> {
        self.variants.iter().map(AsRef::as_ref)
    }

    /// Whether the tag names a human language. False for `und` (undetermined), `mul` (several),
    /// `zxx` (no linguistic content), `mis` (uncoded), `qaa` to `qtz` (local use; broadcasters
    /// write `qaa` for the original sound), private-use tags and the empty text.
    pub fn is_language(&self) -> bool {
        let local = self.primary.len() == 3 && ("qaa"..="qtz").contains(&&*self.primary);
        !local
            && self.primary.len() >= 2
            && !matches!(&*self.primary, "und" | "mul" | "zxx" | "mis")
            && !self.is_private()
    }

    fn is_private(&self) -> bool {
        self.primary.as_bytes().get(1) == Some(&b'-')
    }
}

impl PartialEq for Language {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Language {}

impl Hash for Language {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl fmt::Debug for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Language({:?})", self.text)
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<String> for Language {
    fn from(text: String) -> Self {
        Self::parse(&text)
    }
}

impl From<Language> for String {
    fn from(language: Language) -> Self {
        language.text.into()
    }
}
