//! `EXT-X-STREAM-INF` and `EXT-X-I-FRAME-STREAM-INF` (sections 4.4.6.2 and 4.4.6.3).

use telecine_model::presentation::{DeclaredQuality, Groups};
use telecine_model::{Codec, ErrorCode, Rendition};

use super::super::attributes::{clip, Attributes};
use super::super::protection::resolve;
use super::super::reader::Reader;
use super::super::report::Reject;

/// `CLOSED-CAPTIONS=NONE`.
pub(super) const NO_CAPTIONS: &str = "NONE";

const REQUIREMENTS: &[&str] = &["REQ-VIDEO-LAYOUT"];

/// Reads a variant, its URI line excepted. `made_up` is its id unless it has a stable one.
pub(super) fn parse<'t>(value: &'t str, made_up: &str, reader: &mut Reader<'t, '_>) -> Result<Rendition, Reject> {
    let attributes = Attributes::parse(value, REQUIREMENTS, reader)?;
    let mut variant = common("H087", &attributes, made_up, reader)?;
    variant.frame_rate = attributes.decimal("FRAME-RATE", reader)?.and_then(frame_rate);
    variant.groups.audio = attributes.string("AUDIO", reader)?;
    variant.groups.subtitles = attributes.string("SUBTITLES", reader)?;
    variant.groups.closed_captions = match attributes.raw_quoted("CLOSED-CAPTIONS") {
        // The one value that is not in quotes.
        Some(NO_CAPTIONS) => Some(NO_CAPTIONS.to_owned()),
        _ => attributes.string("CLOSED-CAPTIONS", reader)?,
    };
    Ok(variant)
}

/// Reads a variant of I-frames (H098).
pub(super) fn parse_i_frames<'t>(
    value: &'t str,
    made_up: &str,
    reader: &mut Reader<'t, '_>,
) -> Result<Rendition, Reject> {
    let attributes = Attributes::parse(value, REQUIREMENTS, reader)?;
    let Some(uri) = attributes.quoted("URI", reader)? else {
        let message = "EXT-X-I-FRAME-STREAM-INF needs URI";
        return Err(reader.report.reject("H098", ErrorCode::ManifestMissing, message));
    };
    let mut variant = common("H098", &attributes, made_up, reader)?;
    variant.uri = Some(resolve(reader.report.context.uri, &uri));
    variant.key_frames_only = true;
    Ok(variant)
}

fn common<'t>(
    rule: &'static str,
    attributes: &Attributes<'t>,
    made_up: &str,
    reader: &mut Reader<'t, '_>,
) -> Result<Rendition, Reject> {
    let average = attributes.integer("AVERAGE-BANDWIDTH", reader)?;
    let bandwidth = attributes.integer("BANDWIDTH", reader)?;
    if bandwidth.is_none() {
        let message = "the variant has no BANDWIDTH";
        reader.report.fault(rule, ErrorCode::ManifestMissing, message)?;
    }
    let id = stable_id("STABLE-VARIANT-ID", attributes, reader)?;
    let mut variant = Rendition::new(id.unwrap_or_else(|| made_up.to_owned()), bandwidth.unwrap_or(0));
    variant.average_bandwidth = average;
    let score = attributes.decimal("SCORE", reader)?;
    let milli = score.and_then(|nanos| u64::try_from(nanos / 1_000_000).ok());
    variant.quality = milli.map(DeclaredQuality::Score);
    if let Some(text) = attributes.quoted("CODECS", reader)? {
        variant.codecs = Codec::parse_list(&text);
        let limit = reader.report.context.limits.attributes;
        if variant.codecs.len() > limit {
            return Err(reader.report.limit("the variant has too many codecs", limit).into());
        }
    }
    variant.supplemental_codecs = attributes.string("SUPPLEMENTAL-CODECS", reader)?;
    if let Some((width, height)) = attributes.resolution("RESOLUTION", reader)? {
        variant.width = Some(width);
        variant.height = Some(height);
    }
    variant.hdcp_level = match attributes.word("HDCP-LEVEL", reader)? {
        Some(known @ ("NONE" | "TYPE-0" | "TYPE-1")) => Some(known.to_owned()),
        Some(other) => return Err(reader.unknown_value("HDCP-LEVEL", other)),
        None => None,
    };
    variant.allowed_cpc = attributes.string("ALLOWED-CPC", reader)?;
    // An unknown range is kept: such a variant should not be selected (H094).
    variant.video_range = attributes.word("VIDEO-RANGE", reader)?.map(str::to_owned);
    variant.video_layout = video_layout(attributes, reader)?;
    let pathway = attributes.string("PATHWAY-ID", reader)?;
    variant.pathway = Some(pathway.unwrap_or_else(|| ".".to_owned()));
    variant.groups = Groups { video: attributes.string("VIDEO", reader)?, ..Groups::default() };
    Ok(variant)
}

/// `REQ-VIDEO-LAYOUT` (H095, HX05): one specifier that is not known costs the variant.
fn video_layout<'t>(attributes: &Attributes<'t>, reader: &mut Reader<'t, '_>) -> Result<Option<String>, Reject> {
    let Some(text) = attributes.string("REQ-VIDEO-LAYOUT", reader)? else {
        return Ok(None);
    };
    let known = |specifier: &str| {
        matches!(specifier, "CH-STEREO" | "CH-MONO" | "PROJ-RECT" | "PROJ-EQUI" | "PROJ-HEQU" | "PROJ-PRIM")
    };
    if let Some(other) = text.split([',', '/']).find(|specifier| !known(specifier)) {
        let message = format!("the video layout {} is not known, so the variant is ignored", clip(other));
        return Err(reader.report.ignore("H095", message));
    }
    Ok(Some(text))
}

/// `STABLE-VARIANT-ID`, `STABLE-RENDITION-ID` (H086).
pub(super) fn stable_id<'t>(
    name: &str,
    attributes: &Attributes<'t>,
    reader: &mut Reader<'t, '_>,
) -> Result<Option<String>, Reject> {
    let id = attributes.string(name, reader)?;
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'.' | b'-' | b'_');
    if id.as_ref().is_some_and(|id| !id.bytes().all(allowed)) {
        let message = format!("{name} has characters that are not allowed");
        reader.report.fault("H086", ErrorCode::ManifestSyntax, message)?;
    }
    Ok(id)
}

/// Billionths of a frame a second as a ratio. Three decimals stand for the exact rates of
/// television: 23.976 is 24000/1001.
fn frame_rate(nanos: i64) -> Option<(u32, u32)> {
    const ONE: u64 = 1_000_000_000;
    let rate = u64::try_from(nanos).ok().filter(|rate| *rate > 0)?;
    if rate % ONE == 0 {
        return Some((u32::try_from(rate / ONE).ok()?, 1));
    }
    // n*1000/1001 for a whole n, to half of the last of three decimals.
    let whole = rate.checked_mul(1001)?.checked_add(500 * ONE)? / (1000 * ONE);
    let exact = whole.checked_mul(1000 * ONE)? / 1001;
    if exact.abs_diff(rate) <= ONE / 2000 {
        return Some((u32::try_from(whole.checked_mul(1000)?).ok()?, 1001));
    }
    let milli = (rate + ONE / 2000) / (ONE / 1000);
    let divisor = gcd(milli, 1000);
    let numerator = u32::try_from(milli / divisor).ok().filter(|n| *n > 0)?;
    Some((numerator, u32::try_from(1000 / divisor).ok()?))
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 {
        a.max(1)
    } else {
        gcd(b, a % b)
    }
}

#[cfg(test)]
mod tests {
    use super::frame_rate;

    #[test]
    fn decimal_frame_rates_become_the_exact_rates_they_stand_for() {
        for (nanos, ratio) in [
            (24_000_000_000, (24, 1)),
            (23_976_000_000, (24_000, 1001)),
            (29_970_000_000, (30_000, 1001)),
            (59_940_000_000, (60_000, 1001)),
            (119_880_000_000, (120_000, 1001)),
            (12_500_000_000, (25, 2)),
            (14_985_000_000, (15_000, 1001)),
            (500_000_000, (1, 2)),
            (25_500_000_000, (51, 2)),
        ] {
            assert_eq!(frame_rate(nanos), Some(ratio), "{nanos}");
        }
        assert_eq!(frame_rate(0), None);
        assert_eq!(frame_rate(i64::MAX), None);
    }
}
