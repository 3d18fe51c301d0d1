//! Session data, session keys and steering (sections 4.4.6.4 to 4.4.6.6).

use telecine_model::live::Steering;
use telecine_model::presentation::SessionData;
use telecine_model::ErrorCode;

use super::super::attributes::{clip, Attributes};
use super::super::protection::{parse_key, resolve};
use super::super::reader::Reader;
use super::super::report::Reject;
use super::Builder;

impl Builder {
    /// `EXT-X-SESSION-DATA` (H099).
    pub(super) fn session_data<'t>(&mut self, value: &'t str, reader: &mut Reader<'t, '_>) -> Result<(), Reject> {
        let attributes = Attributes::parse(value, &[], reader)?;
        if self.session_data.len() >= reader.report.context.limits.side_items {
            return Err(reader.report.ignore("H099", "too many session data are ignored"));
        }
        let Some(id) = attributes.string("DATA-ID", reader)? else {
            let message = "EXT-X-SESSION-DATA needs DATA-ID";
            return Err(reader.report.reject("H099", ErrorCode::ManifestMissing, message));
        };
        let value = attributes.quoted_or_empty("VALUE", reader)?;
        let uri = attributes.quoted("URI", reader)?;
        if value.is_some() == uri.is_some() {
            let message = "EXT-X-SESSION-DATA needs exactly one of VALUE and URI";
            return Err(reader.report.reject("H099", ErrorCode::ManifestContradiction, message));
        }
        let format = match attributes.word("FORMAT", reader)?.filter(|_| uri.is_some()) {
            None => "JSON",
            Some(format @ ("JSON" | "RAW")) => format,
            Some(other) => return Err(reader.unknown_value("FORMAT", other)),
        };
        let language = attributes.string("LANGUAGE", reader)?;
        if self.session_data.iter().any(|data| data.id == id && data.language == language) {
            let message = format!("{} is given twice in one language; the first counts", clip(&id));
            return Err(reader.report.reject("H099", ErrorCode::ManifestContradiction, message));
        }
        self.session_data.push(SessionData {
            id,
            value: value.map(|value| value.into_owned()),
            uri: uri.map(|uri| resolve(reader.report.context.uri, &uri)),
            format: format.to_owned(),
            language,
        });
        Ok(())
    }

    /// `EXT-X-SESSION-KEY` (H100, HX07). Its URI becomes absolute.
    pub(super) fn session_key<'t>(&mut self, value: &'t str, reader: &mut Reader<'t, '_>) -> Result<(), Reject> {
        let attributes = Attributes::parse(value, &[], reader)?;
        let Some(mut key) = parse_key(&attributes, reader)? else {
            let message = "EXT-X-SESSION-KEY with METHOD=NONE";
            return Err(reader.report.reject("H100", ErrorCode::ManifestContradiction, message));
        };
        key.uri = key.uri.map(|uri| resolve(reader.report.context.uri, &uri));
        if self.session_keys.contains(&key) {
            let message = "a session key is given twice";
            return Err(reader.report.reject("HX07", ErrorCode::ManifestContradiction, message));
        }
        // Every variant has an entry per key, so the bound is a small one.
        let limit = reader.report.context.limits.attributes;
        if self.session_keys.len() >= limit {
            return Err(reader.report.limit("the playlist has too many session keys", limit).into());
        }
        self.session_keys.push(key);
        Ok(())
    }

    /// `EXT-X-CONTENT-STEERING` (H101).
    pub(super) fn content_steering<'t>(&mut self, value: &'t str, reader: &mut Reader<'t, '_>) -> Result<(), Reject> {
        let attributes = Attributes::parse(value, &[], reader)?;
        let Some(uri) = attributes.quoted("SERVER-URI", reader)? else {
            let message = "EXT-X-CONTENT-STEERING needs SERVER-URI";
            return Err(reader.report.reject("H101", ErrorCode::ManifestMissing, message));
        };
        if self.steering.is_some() {
            return Ok(reader.repeated("H101", "EXT-X-CONTENT-STEERING")?);
        }
        self.steering = Some(Steering {
            uri: resolve(reader.report.context.uri, &uri),
            initial: attributes.string("PATHWAY-ID", reader)?.into_iter().collect(),
            ..Steering::default()
        });
        Ok(())
    }
}
