//! Bytes as manifests write them: base64 and `data:` URIs.

use base64::alphabet::STANDARD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::Engine as _;
use telecine_model::{Error, ErrorCode};
use zeroize::Zeroize as _;

/// Base64 with the padding there or not.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Base64 as it is found in manifests: either alphabet, padding or none, white space anywhere.
///
/// # Errors
/// `InitDataInvalid` for other characters, or if there are more than `limit` bytes; the text is not
/// quoted.
pub fn base64_bytes(text: &str, limit: usize) -> Result<Vec<u8>, Error> {
    // Four characters give three bytes; a text within the limit has at most as much white space again.
    if text.len() > limit.saturating_mul(3) {
        return Err(too_long(limit));
    }
    let mut digits = Vec::with_capacity(text.len());
    digits.extend(text.bytes().filter(|b| !b.is_ascii_whitespace()).map(|b| match b {
        b'-' => b'+',
        b'_' => b'/',
        other => other,
    }));
    let decoded = LENIENT.decode(&digits);
    // It may be a key.
    digits.zeroize();
    let bytes = decoded.map_err(|_| Error::new(ErrorCode::InitDataInvalid, "a text is not base64"))?;
    if bytes.len() > limit {
        return Err(too_long(limit));
    }
    Ok(bytes)
}

/// Base64 with the URL's alphabet and without padding, as ClearKey has it (RFC 7515, appendix C).
pub(crate) fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn too_long(limit: usize) -> Error {
    Error::new(ErrorCode::InitDataInvalid, format!("base64 of more than {limit} bytes"))
}

/// What a `data:` URI holds (RFC 2397).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataUri {
    /// Type and parameters as written, without `;base64`; empty if there are none. Packagers write
    /// `text/plain;charset=UTF-16` for bytes that are no text, so nothing is made of it.
    pub media_type: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl DataUri {
    /// True if the text is a `data:` URI, good or bad.
    pub fn is_one(uri: &str) -> bool {
        uri.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"))
    }

    /// Reads one.
    ///
    /// # Errors
    /// `InitDataInvalid` if it is none or holds more than `limit` bytes. The content may be a key, so
    /// it is never quoted.
    pub fn parse(uri: &str, limit: usize) -> Result<Self, Error> {
        let invalid = |message: &str| Error::new(ErrorCode::InitDataInvalid, message.to_owned());
        let body = uri.get(5..).filter(|_| Self::is_one(uri)).ok_or_else(|| invalid("not a data: URI"))?;
        let (head, payload) = body.split_once(',').ok_or_else(|| invalid("a data: URI without a comma"))?;
        let encoded = head.len() >= 7 && head.get(head.len() - 7..).is_some_and(|s| s.eq_ignore_ascii_case(";base64"));
        // The percent sign may hide what base64 would not allow in a URI.
        let payload = percent_decoded(payload, limit.saturating_mul(3))?;
        if !encoded {
            if payload.len() > limit {
                return Err(invalid("a data: URI longer than the limit"));
            }
            return Ok(Self { media_type: head.to_owned(), bytes: payload });
        }
        let text = core::str::from_utf8(&payload).map_err(|_| invalid("base64 in a data: URI is not ASCII"))?;
        let media_type = head.get(..head.len() - 7).unwrap_or("").to_owned();
        Ok(Self { media_type, bytes: base64_bytes(text, limit)? })
    }
}

fn percent_decoded(text: &str, limit: usize) -> Result<Vec<u8>, Error> {
    let invalid = |message: &str| Error::new(ErrorCode::InitDataInvalid, message.to_owned());
    if text.len() > limit.saturating_mul(3) {
        return Err(invalid("a data: URI longer than the limit"));
    }
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut digit = || bytes.next().and_then(|b| char::from(b).to_digit(16));
        match (digit(), digit()) {
            (Some(high), Some(low)) => out.push((high << 4 | low) as u8),
            _ => return Err(invalid("a percent sign without two digits in a data: URI")),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 1 << 16;

    /// RFC 4648, 10.
    #[test]
    fn the_published_vectors_of_base64_come_out_with_and_without_padding() {
        let vectors =
            [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYg==", "foob"), ("Zm9vYmFy", "foobar")];
        for (text, bytes) in vectors {
            assert_eq!(base64_bytes(text, LIMIT).expect("base64"), bytes.as_bytes());
            assert_eq!(base64_bytes(text.trim_end_matches('='), LIMIT).expect("base64"), bytes.as_bytes());
        }
    }

    #[test]
    fn white_space_and_either_alphabet_are_taken() {
        assert_eq!(base64_bytes(" 3q2+\n\t7_8 ", LIMIT).expect("base64"), [0xde, 0xad, 0xbe, 0xef, 0xff]);
        assert!(base64_bytes("Zm9v!", LIMIT).is_err());
        assert!(base64_bytes("Z", LIMIT).is_err());
    }

    #[test]
    fn more_than_the_limit_is_refused_before_it_is_decoded() {
        assert_eq!(base64_bytes("Zm9v", 3).expect("three bytes").len(), 3);
        assert!(base64_bytes("Zm9v", 2).is_err());
        assert!(base64_bytes(&" ".repeat(100), 3).is_err());
    }

    #[test]
    fn a_data_uri_is_read_in_base64_and_in_percent_signs() {
        let uri = DataUri::parse("data:text/plain;charset=UTF-16;base64,3q2+7w==", LIMIT).expect("a data URI");
        assert_eq!((uri.media_type.as_str(), uri.bytes), ("text/plain;charset=UTF-16", vec![0xde, 0xad, 0xbe, 0xef]));
        let uri = DataUri::parse("DATA:,a%20%ffb", LIMIT).expect("a data URI");
        assert_eq!((uri.media_type.as_str(), uri.bytes), ("", b"a \xffb".to_vec()));
        assert_eq!(DataUri::parse("data:;BASE64,3q2%2B", LIMIT).expect("a data URI").bytes, [0xde, 0xad, 0xbe]);
    }

    #[test]
    fn what_is_no_data_uri_is_refused_without_quoting_it() {
        for text in ["", "data:", "data:text/plain", "data:,%4", "data:,%zz", "data:;base64,secret!", "https://a/"] {
            let error = DataUri::parse(text, LIMIT).expect_err("no data URI");
            assert_eq!(error.code(), ErrorCode::InitDataInvalid);
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        assert!(DataUri::parse("data:,abcd", 3).is_err());
    }
}
