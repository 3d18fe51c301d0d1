//! What must not be shown although it has become part of a URL's path or of a longer value.

use std::borrow::Cow;
use std::collections::BTreeMap;

use telecine_model::uri;

/// Values of a playlist's variables that may be tokens, with the digests that stand for them in
/// recordings. A recording's digests stand for themselves, so that a replay shows the same texts.
#[derive(Debug, Default)]
pub(crate) struct Secrets(Vec<(String, String)>);

impl Secrets {
    /// Takes note of the variables of a playlist that came from `urls`.
    pub(crate) fn learn(&mut self, define: &BTreeMap<String, String>, urls: &[&str]) {
        for pair in telecine_manifest::redacted_variables(define, urls) {
            if !self.0.contains(&pair) {
                self.0.push(pair);
            }
        }
        // A value that holds another goes first.
        self.0.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text with digests in the place of secrets.
    pub(crate) fn hide<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut text = Cow::Borrowed(text);
        for (value, digest) in &self.0 {
            if text.contains(value.as_str()) {
                text = Cow::Owned(text.replace(value.as_str(), digest));
            }
        }
        text
    }

    /// A URL as events may show it.
    pub(crate) fn shown(&self, url: &str) -> String {
        uri::without_secrets(&self.hide(url))
    }
}
