//! URLs that may hold tokens.

use std::fmt;
use std::sync::Arc;

use telecine_model::uri;

/// URL of a licence, a key or a certificate, byte for byte as it was given. It is shown without what may
/// be secret in it: user information, values of the query, payloads of `data:` URIs.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyUrl(Arc<str>);

impl KeyUrl {
    /// The URL, for a request.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The URL as a shared text.
    pub fn shared(&self) -> Arc<str> {
        self.0.clone()
    }
}

impl From<&str> for KeyUrl {
    fn from(url: &str) -> Self {
        Self(url.into())
    }
}

impl From<String> for KeyUrl {
    fn from(url: String) -> Self {
        Self(url.into())
    }
}

impl fmt::Display for KeyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&uri::without_secrets(&self.0))
    }
}

impl fmt::Debug for KeyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_its_secrets_and_given_with_them() {
        let url = KeyUrl::from("https://user:secret@l.example/wv?token=secret");
        assert!(!format!("{url} {url:?}").contains("secret"), "{url}");
        assert_eq!(url.as_str(), "https://user:secret@l.example/wv?token=secret");
    }
}
