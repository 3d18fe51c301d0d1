//! Asset lists: what an interstitial plays, as JSON (rfc8216bis, D.3; IN02).

use serde_json::{Map, Value};
use telecine_model::interstitial::{Asset, AssetList, SkipControl};
use telecine_model::{uri, Error, ErrorCode, Limits, MediaTime};

/// Reads an asset list that was found at the URL `base`. Names are case-sensitive; unknown ones are ignored. An empty
/// list is none that failed: nothing is played.
///
/// # Errors
/// [`ErrorCode::ManifestSyntax`] if it is no JSON object with a list `ASSETS` whose members have a `URI`,
/// [`ErrorCode::ManifestLimit`] beyond [`Limits::manifest_bytes`] or [`Limits::descriptors`] assets.
pub fn asset_list(body: &[u8], base: &str, limits: &Limits) -> Result<AssetList, Error> {
    if body.len() > limits.manifest_bytes {
        return Err(Error::new(ErrorCode::ManifestLimit, "the asset list is larger than the limit"));
    }
    let syntax = |message: &str| Error::new(ErrorCode::ManifestSyntax, format!("the asset list: {message}"));
    let value: Value = serde_json::from_slice(body).map_err(|error| {
        let place = format!("line {} column {}", error.line(), error.column());
        syntax("is no JSON").fact("at", place)
    })?;
    let root = value.as_object().ok_or_else(|| syntax("is no object"))?;
    let members = root.get("ASSETS").and_then(Value::as_array).ok_or_else(|| syntax("has no list ASSETS"))?;
    if members.len() > limits.descriptors {
        return Err(Error::new(ErrorCode::ManifestLimit, "the asset list has more assets than the limit"));
    }
    let asset = |member: &Value| {
        let uri = member.get("URI").and_then(Value::as_str).ok_or_else(|| syntax("has an asset without URI"))?;
        Ok(Asset { uri: uri::resolve(base, uri), duration: member.get("DURATION").and_then(seconds) })
    };
    Ok(AssetList {
        assets: members.iter().map(asset).collect::<Result<_, _>>()?,
        skip_control: root.get("SKIP-CONTROL").and_then(Value::as_object).map(skip_control),
    })
}

fn skip_control(object: &Map<String, Value>) -> SkipControl {
    SkipControl {
        offset: object.get("OFFSET").and_then(seconds).unwrap_or(MediaTime::ZERO),
        duration: object.get("DURATION").and_then(seconds),
        label: object.get("LABEL-ID").and_then(Value::as_str).map(str::to_owned),
    }
}

/// A number of seconds that is not negative.
fn seconds(value: &Value) -> Option<MediaTime> {
    value.as_f64().filter(|seconds| *seconds >= 0.0).map(MediaTime::from_secs_f64)
}
