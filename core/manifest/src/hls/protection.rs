//! `EXT-X-KEY` and `EXT-X-SESSION-KEY` (sections 4.4.4.4 and 4.4.6.5).

use telecine_model::protection::{Key, KeyMethod, Protection};
use telecine_model::{uri, ErrorCode};

use super::attributes::{clip, Attributes};
use super::reader::Reader;
use super::report::{Feature, Reject};

/// Key format of a key that is the response's body itself.
const IDENTITY: &str = "identity";
const WIDEVINE: &str = "urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed";
const PLAYREADY: &str = "com.microsoft.playready";

/// Reads a key; None for `METHOD=NONE`. An unknown method is kept, because segments under it must
/// not be played as if they were clear (H057); so is an unknown key format (H055).
pub(super) fn parse_key<'t>(attributes: &Attributes<'t>, reader: &mut Reader<'t, '_>) -> Result<Option<Key>, Reject> {
    let Some(method) = attributes.word("METHOD", reader)? else {
        let error = reader.report.error(ErrorCode::ManifestMissing, "the key has no METHOD");
        return Err(error.fact("rule", "H050").into());
    };
    if method == "NONE" {
        if attributes.names().any(|name| name != "METHOD") {
            let message = "METHOD=NONE stands with other attributes";
            reader.report.fault("H051", ErrorCode::ManifestContradiction, message)?;
        }
        return Ok(None);
    }
    let method = KeyMethod::from_name(method);
    let key_format = attributes.string("KEYFORMAT", reader)?;
    let key_format_versions = attributes.string("KEYFORMATVERSIONS", reader)?;
    if key_format.is_some() || key_format_versions.is_some() {
        reader.report.uses(Feature::KeyFormat);
    }
    if matches!(method, KeyMethod::SampleAes | KeyMethod::SampleAesCtr) {
        reader.report.uses(Feature::SampleAes);
    }
    let uri = attributes.string("URI", reader)?;
    if uri.is_none() {
        reader.report.fault("H050", ErrorCode::ManifestMissing, "the key has no URI")?;
    }
    let mut iv = parse_iv(attributes, reader)?;
    if iv.is_some() && matches!(method, KeyMethod::Aes256Gcm | KeyMethod::SampleAesCtr) {
        let rule = if method == KeyMethod::Aes256Gcm { "H053" } else { "H054" };
        let message = format!("{} has no IV attribute; it is left out", method.name());
        reader.report.fault(rule, ErrorCode::ManifestContradiction, message)?;
        iv = None;
    }
    Ok(Some(Key {
        method,
        uri,
        iv,
        key_format: key_format.unwrap_or_else(|| IDENTITY.to_owned()),
        key_format_versions: key_format_versions.unwrap_or_else(|| "1".to_owned()),
    }))
}

/// An IV is 128 bits (H052). A damaged one fails in both modes: decryption with a guessed IV gives
/// noise.
fn parse_iv<'t>(attributes: &Attributes<'t>, reader: &mut Reader<'t, '_>) -> Result<Option<[u8; 16]>, Reject> {
    if !attributes.has("IV") {
        return Ok(None);
    }
    reader.report.uses(Feature::Iv);
    let text = attributes.hex("IV", reader)?;
    let digits = text.as_deref().and_then(|text| text.get(2..)).unwrap_or("");
    let value = (!digits.is_empty()).then(|| u128::from_str_radix(digits, 16).ok()).flatten();
    match value {
        Some(value) => Ok(Some(value.to_be_bytes())),
        None => {
            let message = format!("the IV is not a hexadecimal number of 128 bits: {}", clip(digits));
            let error = reader.report.error(ErrorCode::ManifestSyntax, message);
            Err(error.fact("rule", "H011").into())
        }
    }
}

/// What a key says of the protection of a rendition.
pub(super) fn protection_of(key: &Key, base: &str) -> Protection {
    let payload = || {
        let uri = key.uri.as_deref()?;
        let (_, payload) = uri.strip_prefix("data:")?.split_once(";base64,")?;
        Some(payload.to_owned())
    };
    let format = key.key_format.to_ascii_lowercase();
    Protection {
        scheme: key.method.name().to_owned(),
        system: format.strip_prefix("urn:uuid:").map(str::to_owned),
        key_format: Some(key.key_format.clone()),
        uri: key.uri.as_deref().map(|reference| resolve(base, reference)),
        pssh: (format == WIDEVINE).then(payload).flatten(),
        pro: (format == PLAYREADY).then(payload).flatten(),
        ..Protection::default()
    }
}

/// Resolves a reference; `data:` URLs are no paths and stay as they are.
pub(super) fn resolve(base: &str, reference: &str) -> String {
    if reference.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:")) {
        return reference.to_owned();
    }
    uri::resolve(base, reference)
}
