//! The JSON of ClearKey (W3C EME, 9.1; initialisation data format `keyids`).

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use telecine_model::protection::KeyId;
use telecine_model::{Error, ErrorCode, Limits};
use zeroize::Zeroize as _;

use super::text::{base64_bytes, base64url};
use crate::session::SessionKind;
use crate::ContentKey;

#[derive(Serialize, Deserialize)]
struct KeyIdList<'a> {
    #[serde(borrow)]
    kids: Vec<Cow<'a, str>>,
    #[serde(borrow, default, rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<Cow<'a, str>>,
}

/// Initialisation data of type `keyids`; a release of a licence and its acknowledgement look alike.
pub fn key_ids_to_json(kids: &[KeyId]) -> Vec<u8> {
    to_json(kids, None)
}

/// Reads what [`key_ids_to_json`] writes.
///
/// # Errors
/// `InitDataInvalid` for anything else.
pub fn key_ids_from_json(json: &[u8], limits: &Limits) -> Result<Vec<KeyId>, Error> {
    read(json, limits).map(|(kids, _)| kids)
}

/// A licence request.
pub fn request_to_json(kids: &[KeyId], kind: SessionKind) -> Vec<u8> {
    to_json(kids, Some(kind))
}

/// Reads a licence request, as a licence server has to.
///
/// # Errors
/// `InitDataInvalid` for what is none.
pub fn request_from_json(json: &[u8], limits: &Limits) -> Result<(Vec<KeyId>, SessionKind), Error> {
    read(json, limits)
}

fn to_json(kids: &[KeyId], kind: Option<SessionKind>) -> Vec<u8> {
    let list = KeyIdList {
        kids: kids.iter().map(|kid| Cow::Owned(base64url(&kid.0))).collect(),
        kind: kind.map(|kind| Cow::Borrowed(kind.eme_name())),
    };
    // A structure of strings is always JSON.
    serde_json::to_vec(&list).unwrap_or_default()
}

fn read(json: &[u8], limits: &Limits) -> Result<(Vec<KeyId>, SessionKind), Error> {
    let invalid = |message: &str| Error::new(ErrorCode::InitDataInvalid, message.to_owned());
    if json.len() > limits.init_data_bytes {
        return Err(invalid("a list of key identifiers longer than the limit"));
    }
    let list: KeyIdList<'_> =
        serde_json::from_slice(json).map_err(|_| invalid("not a list of key identifiers in JSON"))?;
    if list.kids.len() > limits.key_ids {
        return Err(invalid("more key identifiers than the limit"));
    }
    let kids = list.kids.iter().map(|text| kid(text)).collect::<Option<Vec<_>>>();
    let kids = kids.ok_or_else(|| invalid("a key identifier that is not 16 bytes in base64url"))?;
    let kind = list.kind.as_deref().map_or(Some(SessionKind::Temporary), SessionKind::from_eme_name);
    Ok((kids, kind.ok_or_else(|| invalid("an unknown type of session"))?))
}

fn kid(text: &str) -> Option<KeyId> {
    base64_bytes(text, 16).ok()?.try_into().ok().map(KeyId)
}

/// A licence: a JWK set of symmetric keys.
#[derive(Debug)]
pub struct Licence {
    /// Keys by their identifiers.
    pub keys: Vec<(KeyId, ContentKey)>,
    /// Type of session it is for.
    pub kind: SessionKind,
}

impl Licence {
    /// Reads a licence. Entries that are no keys of 16 bytes are left out, as long as one is.
    ///
    /// # Errors
    /// `LicenceInvalid` for what is none; nothing of it is quoted.
    pub fn parse(json: &[u8], limits: &Limits) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Set<'a> {
            #[serde(borrow)]
            keys: Vec<Jwk<'a>>,
            #[serde(borrow, default, rename = "type")]
            kind: Option<Cow<'a, str>>,
        }
        #[derive(Deserialize)]
        struct Jwk<'a> {
            #[serde(borrow, default)]
            kty: Option<Cow<'a, str>>,
            #[serde(borrow, default)]
            kid: Option<Cow<'a, str>>,
            #[serde(borrow, default)]
            k: Option<Cow<'a, str>>,
        }
        let invalid = |message: &str| Error::new(ErrorCode::LicenceInvalid, message.to_owned());
        if json.len() > limits.licence_bytes {
            return Err(invalid("a ClearKey licence longer than the limit"));
        }
        let set: Set<'_> = serde_json::from_slice(json).map_err(|_| invalid("not a ClearKey licence in JSON"))?;
        if set.keys.len() > limits.key_ids {
            return Err(invalid("a ClearKey licence with more keys than the limit"));
        }
        let kind = set.kind.as_deref().map_or(Some(SessionKind::Temporary), SessionKind::from_eme_name);
        let kind = kind.ok_or_else(|| invalid("a ClearKey licence of an unknown type"))?;
        let mut keys = Vec::new();
        for jwk in set.keys {
            let symmetric = jwk.kty.as_deref().is_none_or(|kind| kind == "oct");
            let id = jwk.kid.as_deref().filter(|_| symmetric).and_then(kid);
            let key = jwk.k.as_deref().and_then(content_key);
            keys.extend(id.zip(key));
            // Text with escapes was copied.
            if let Some(Cow::Owned(mut copy)) = jwk.k {
                copy.zeroize();
            }
        }
        if keys.is_empty() {
            return Err(invalid("a ClearKey licence without a key of 16 bytes"));
        }
        Ok(Self { keys, kind })
    }

    /// The licence in JSON, as a licence server answers.
    pub fn to_json(&self) -> Vec<u8> {
        // Large enough from the start: what a growing text leaves behind is not wiped.
        let mut out = String::with_capacity(64 + 96 * self.keys.len());
        out.push_str("{\"keys\":[");
        for (at, (kid, key)) in self.keys.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            let mut value = base64url(key.expose());
            for piece in [comma, "{\"kty\":\"oct\",\"kid\":\"", &base64url(&kid.0), "\",\"k\":\"", &value, "\"}"] {
                out.push_str(piece);
            }
            value.zeroize();
        }
        out.push_str(&format!("],\"type\":\"{}\"}}", self.kind.eme_name()));
        out.into_bytes()
    }
}

fn content_key(text: &str) -> Option<ContentKey> {
    let mut bytes = base64_bytes(text, 16).ok()?;
    let key = <[u8; 16]>::try_from(&bytes[..]).ok().map(ContentKey::new);
    bytes.zeroize();
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits::default()
    }

    /// The examples of the specification (9.1.3, 9.1.4), and Chromium's request as it was seen.
    #[test]
    fn the_published_messages_are_read() {
        let json = br#"{ "kids": [ "LwVHf8JLtPrv2GUXFW2v_A", "0DdtU9od-Bh5L3xbv0Xf_A" ], "type": "temporary" }"#;
        let (kids, kind) = request_from_json(json, &limits()).expect("a request");
        assert_eq!((kids.len(), kind), (2, SessionKind::Temporary));
        assert_eq!(kids[0].to_string(), "2f05477fc24bb4faefd86517156daffc");

        let json = br#"{"keys":[{"kty":"oct","k":"tQ0bJVWb6b0KPL6KtZIy_A","kid":"LwVHf8JLtPrv2GUXFW2v_A"}],"type":"temporary"}"#;
        let licence = Licence::parse(json, &limits()).expect("a licence");
        assert_eq!(licence.keys[0].0, kids[0]);
        assert_eq!(licence.keys[0].1.expose()[..4], [0xb5, 0x0d, 0x1b, 0x25]);

        let chromium = br#"{"kids":["EREiM0RVZneImaq7zN3u_w","ABEiM0RVZneImaq7zN3u_w"],"type":"temporary"}"#;
        let (kids, kind) = request_from_json(chromium, &limits()).expect("a request");
        assert_eq!(request_to_json(&kids, kind), chromium);
    }

    #[test]
    fn a_licence_that_is_written_is_read_again() {
        let keys = vec![(KeyId([1; 16]), ContentKey::new([0xfb; 16])), (KeyId([2; 16]), ContentKey::new([9; 16]))];
        let json = Licence { keys, kind: SessionKind::PersistentLicence }.to_json();
        let read = Licence::parse(&json, &limits()).expect("a licence");
        assert_eq!(read.kind, SessionKind::PersistentLicence);
        assert_eq!(read.keys[1].1.expose(), &[9; 16]);
        assert_eq!(read.keys[0].1.expose(), &[0xfb; 16]);
    }

    #[test]
    fn entries_that_are_no_keys_are_left_out_as_long_as_one_is() {
        let json =
            br#"{"keys":[{"kty":"RSA","kid":"LwVHf8JLtPrv2GUXFW2v_A","k":"AA"},{},{"kty":"oct","kid":"AA","k":"AA"},
            {"kid":"LwVHf8JLtPrv2GUXFW2v\u005fA","k":"tQ0bJVWb6b0KPL6KtZIy\u005fA==","use":"x"}]}"#;
        assert_eq!(Licence::parse(json, &limits()).expect("a licence").keys.len(), 1);
    }

    #[test]
    fn what_is_no_licence_is_refused_without_quoting_it() {
        for json in [
            &b""[..],
            b"secret",
            b"[]",
            br#"{"keys":[]}"#,
            br#"{"keys":"secret"}"#,
            br#"{"keys":[{"kty":"oct","kid":"LwVHf8JLtPrv2GUXFW2v_A","k":"secret"}]}"#,
            br#"{"keys":[{"kty":"oct","k":"tQ0bJVWb6b0KPL6KtZIy_A","kid":"LwVHf8JLtPrv2GUXFW2v_A"}],"type":"secret"}"#,
        ] {
            let error = Licence::parse(json, &limits()).expect_err("no licence");
            assert_eq!(error.code(), ErrorCode::LicenceInvalid);
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        for json in [&b"{}"[..], br#"{"kids":["AA"]}"#, br#"{"kids":[],"type":"x"}"#] {
            assert!(request_from_json(json, &limits()).is_err());
        }
        let deep = "[".repeat(100_000);
        assert!(Licence::parse(deep.as_bytes(), &limits()).is_err());
    }
}
