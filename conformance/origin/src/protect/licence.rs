//! Keys, and licences of ClearKey (W3C EME, 9.1.3 and 9.1.4), for those who may have them.

use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::Engine as _;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{hex, uuid, Access, KeyName, Protection};
use crate::request::Request;
use crate::title::Title;

/// What is answered to who asks for a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Here it is.
    Granted,
    /// Not so: the status, and why.
    Refused(u16, &'static str),
}

impl Access {
    /// Whether a request may have keys at all.
    pub(crate) fn decide(&self, request: &Request<'_>) -> Decision {
        let bearer = || request.authorization.and_then(|value| value.strip_prefix("Bearer ")).map(str::trim);
        if self.bearer.as_deref().is_some_and(|token| bearer() != Some(token)) {
            return Decision::Refused(401, "the Authorization header has to carry the token of kauth_");
        }
        if self.token.as_deref().is_some_and(|token| request.parameter("token") != Some(token)) {
            return Decision::Refused(403, "the query has to carry the token of ktoken_");
        }
        if self.expiry_s.is_some_and(|seconds| request.now() >= seconds.saturating_mul(1000)) {
            return Decision::Refused(403, "expired");
        }
        Decision::Granted
    }

    /// The bytes of a key as they are given away: the key, or what a fault makes of it; None where it is missing.
    pub(crate) fn key(&self, mut key: [u8; 16], position: u64) -> Option<[u8; 16]> {
        if self.missing == Some(position) {
            return None;
        }
        if self.wrong {
            key[0] ^= 0x80;
        }
        Some(key)
    }
}

/// A licence, and the KIDs that were asked for and given.
pub(crate) struct Licence {
    pub(crate) json: String,
    pub(crate) asked: Vec<String>,
    pub(crate) given: Vec<String>,
}

/// A key, and what it is called in media and licences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KnownKey {
    pub(crate) kid: [u8; 16],
    pub(crate) key: [u8; 16],
}

/// The keys of a protected title, in the order of its list.
pub(crate) fn title_keys(title: &Title, protection: &Protection) -> Vec<KnownKey> {
    protection.keys(title).into_iter().map(|name| KnownKey { kid: name.kid(), key: name.key() }).collect()
}

/// Reads a list of keys, as [`keys_file`] writes it: `[{"kid","key",…}]` in hexadecimal digits.
pub(crate) fn read_keys_file(json: &[u8]) -> Option<Vec<KnownKey>> {
    #[derive(Deserialize)]
    struct Entry {
        kid: String,
        key: String,
    }
    let entries: Vec<Entry> = serde_json::from_slice(json).ok()?;
    entries.iter().map(|entry| Some(KnownKey { kid: sixteen(&entry.kid)?, key: sixteen(&entry.key)? })).collect()
}

fn sixteen(hex: &str) -> Option<[u8; 16]> {
    let digits = hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    digits.then(|| u128::from_str_radix(hex, 16).ok()).flatten().map(u128::to_be_bytes)
}

/// The answer to a licence request: those of the known keys that it names. None for what is no request.
pub(crate) fn licence(known: &[KnownKey], access: &Access, request: &[u8]) -> Option<Licence> {
    #[derive(Deserialize)]
    struct Asked {
        kids: Vec<String>,
        #[serde(rename = "type")]
        kind: Option<String>,
    }
    #[derive(Serialize)]
    struct Jwk {
        kty: &'static str,
        kid: String,
        k: String,
    }
    let asked: Asked = serde_json::from_slice(request).ok()?;
    let (mut kids, mut given, mut keys) = (Vec::new(), Vec::new(), Vec::new());
    for text in &asked.kids {
        let kid = URL_SAFE_NO_PAD.decode(text).ok()?;
        kids.push(hex(&kid));
        let found = known.iter().enumerate().find(|(_, known)| known.kid[..] == kid[..]);
        let key = found.and_then(|(position, known)| access.key(known.key, position as u64));
        if let Some(key) = key {
            given.push(hex(&kid));
            keys.push(Jwk { kty: "oct", kid: text.clone(), k: URL_SAFE_NO_PAD.encode(key) });
        }
    }
    let kind = asked.kind.unwrap_or_else(|| "temporary".to_owned());
    Some(Licence { json: json!({ "keys": keys, "type": kind }).to_string(), asked: kids, given })
}

/// All keys of a title, for scripts: `[{"name","kid","uuid","key","renditions"}]`.
pub(crate) fn keys_file(title: &Title, protection: &Protection) -> String {
    let entry = |name: KeyName| {
        let has = |id: &&str| {
            let track = title.tracks.iter().find(|track| track.id == **id);
            track.is_some_and(|track| protection.scope_of(title, track) == name.scope)
        };
        let renditions: Vec<_> = title.renditions().filter(has).collect();
        let kid = name.kid();
        json!({
            "name": name.file(), "kid": hex(&kid), "uuid": uuid(&kid), "key": hex(&name.key()), "iv": hex(&name.iv()),
            "renditions": renditions,
        })
    };
    let keys: Vec<_> = protection.keys(title).into_iter().map(entry).collect();
    format!("{:#}\n", json!(keys))
}
