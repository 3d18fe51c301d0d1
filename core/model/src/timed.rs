//! Timed metadata: what happens at a time of the title, whatever announced it.
//!
//! `emsg` boxes, ID3 tags, DASH event streams and HLS date ranges all come down to a [`TimedEvent`] on the
//! presentation's timeline, in exact media time. What its payload means is for whoever knows its scheme.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::time::{MediaTime, Timescale};

/// Something that happens at a time of the title: an ad marker, a tag, a score.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimedEvent {
    /// What announced it.
    pub carrier: EventCarrier,
    /// What the payload means: `scheme_id_uri`, `@schemeIdUri`, [`TimedEvent::ID3`], or
    /// [`TimedEvent::DATE_RANGE`].
    pub scheme: String,
    /// `value` of the scheme, `CLASS` of a date range; may be empty.
    pub value: String,
    /// With scheme and value, what tells it from others: a repetition has the same. ID3 tags and some events
    /// of DASH manifests have none.
    pub id: Option<String>,
    /// When it starts, on the presentation's timeline.
    pub start: MediaTime,
    /// How long it lasts; None if nobody knows (yet). Zero is a moment.
    pub duration: Option<MediaTime>,
    /// What it says.
    pub payload: EventPayload,
    /// What numbers of time in the payload count in, where its manifest says that (`EventStream@timescale`).
    pub timescale: Option<Timescale>,
}

/// What announced a [`TimedEvent`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum EventCarrier {
    /// An `emsg` box in media (ISO/IEC 23009-1, 5.10.3.3).
    Emsg,
    /// An ID3 tag in a transport stream or in packed audio.
    Id3,
    /// An `Event` of a DASH period (ISO/IEC 23009-1, 5.10.2).
    EventStream,
    /// `EXT-X-DATERANGE` (rfc8216bis, 4.4.5.1).
    DateRange,
}

/// What a [`TimedEvent`] says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum EventPayload {
    /// Bytes: `message_data` of an `emsg`, a whole ID3 tag, a DASH message in base64.
    Bytes(Bytes),
    /// Text or XML of a DASH manifest.
    Text(String),
    /// Attributes of a date range by name, without those that say who it is and when: `X-…`, `SCTE35-CMD`,
    /// `SCTE35-OUT`, `SCTE35-IN` (hexadecimal as written), `CUE`, `PLANNED-DURATION`, `END-ON-NEXT`.
    Attributes(BTreeMap<String, String>),
}

impl TimedEvent {
    /// Scheme of ID3 tags, whether they are in an `emsg` box or in a stream ("Carriage of ID3 Timed Metadata in
    /// the Common Media Application Format").
    pub const ID3: &'static str = "https://aomedia.org/emsg/ID3";

    /// Scheme of HLS date ranges, which name none of their own.
    pub const DATE_RANGE: &'static str = "com.apple.quicktime.HLS";

    /// When it ends; None if nobody knows (yet).
    pub fn end(&self) -> Option<MediaTime> {
        self.duration.map(|duration| self.start + duration)
    }

    /// Whether it lasts at `time`: from its start until just before its end. Never true of moments and of what
    /// ends nobody knows when.
    pub fn is_active(&self, time: MediaTime) -> bool {
        self.start <= time && self.end().is_some_and(|end| time < end)
    }

    /// Bytes of its payload and texts: what it takes to keep it.
    pub fn size(&self) -> usize {
        let payload = match &self.payload {
            EventPayload::Bytes(bytes) => bytes.len(),
            EventPayload::Text(text) => text.len(),
            EventPayload::Attributes(attributes) => {
                attributes.iter().map(|(name, value)| name.len() + value.len()).sum()
            }
        };
        self.scheme.len() + self.value.len() + self.id.as_ref().map_or(0, String::len) + payload
    }

    /// The `splice_info_section`s of SCTE-35 that it carries, whatever carries it: `urn:scte:scte35:2013:bin`,
    /// the `Binary` element of `urn:scte:scte35:2014:xml+bin`, and the `SCTE35-` attributes of date ranges (command,
    /// out, in, as far as each is there). Empty for other events; parts that cannot be decoded are left out.
    ///
    /// ```
    /// use std::collections::BTreeMap;
    /// use telecine_model::timed::{EventCarrier, EventPayload, TimedEvent};
    /// use telecine_model::MediaTime;
    ///
    /// let attributes = BTreeMap::from([("SCTE35-OUT".to_owned(), "0xFC30".to_owned())]);
    /// let range = TimedEvent {
    ///     carrier: EventCarrier::DateRange,
    ///     scheme: TimedEvent::DATE_RANGE.to_owned(),
    ///     value: String::new(),
    ///     id: Some("break-1".to_owned()),
    ///     start: MediaTime::from_secs(30),
    ///     duration: None,
    ///     payload: EventPayload::Attributes(attributes),
    ///     timescale: None,
    /// };
    /// assert_eq!(range.splice_info_sections(), [&[0xfc, 0x30][..]]);
    /// ```
    pub fn splice_info_sections(&self) -> Vec<Bytes> {
        match &self.payload {
            EventPayload::Attributes(attributes) => ["SCTE35-CMD", "SCTE35-OUT", "SCTE35-IN"]
                .iter()
                .filter_map(|name| text::hex(attributes.get(*name)?))
                .collect(),
            _ if !self.scheme.starts_with("urn:scte:scte35:") => Vec::new(),
            EventPayload::Bytes(bytes) => match bytes.first() {
                // Some write the XML form into `emsg` boxes too.
                Some(b'<') => std::str::from_utf8(bytes).map(text::binaries).unwrap_or_default(),
                _ => vec![bytes.clone()],
            },
            EventPayload::Text(text) if text.contains('<') => text::binaries(text),
            EventPayload::Text(text) => text::base64(text).into_iter().collect(),
        }
    }
}

/// Bytes that are written as text.
pub mod text {
    use bytes::Bytes;

    /// A hexadecimal sequence with `0x` before it (rfc8216bis, 4.2); None if it is none.
    pub fn hex(text: &str) -> Option<Bytes> {
        let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?;
        let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let byte = |[high, low]: &[u8; 2]| Some(digit(*high)? << 4 | digit(*low)?);
        rest.is_empty().then(|| pairs.iter().map(byte).collect::<Option<Vec<u8>>>())?.map(Bytes::from)
    }

    /// Base64 (RFC 4648, 4), white space left out, with or without its padding; None if it is none.
    pub fn base64(text: &str) -> Option<Bytes> {
        let mut out = Vec::with_capacity(text.len() / 4 * 3);
        let (mut bits, mut held) = (0_u32, 0_u32);
        let mut padded = false;
        for byte in text.bytes().filter(|byte| !byte.is_ascii_whitespace()) {
            let value = match byte {
                b'A'..=b'Z' => byte - b'A',
                b'a'..=b'z' => byte - b'a' + 26,
                b'0'..=b'9' => byte - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                b'=' => {
                    padded = true;
                    continue;
                }
                _ => return None,
            };
            if padded {
                return None;
            }
            bits = (bits << 6 | u32::from(value)) & 0xffff;
            held += 6;
            if held >= 8 {
                held -= 8;
                out.push((bits >> held & 0xff) as u8);
            }
        }
        // A letter alone is no byte.
        (held < 6).then(|| Bytes::from(out))
    }

    /// The content of every `Binary` element of SCTE 35's XML (SCTE 35, 11.1), whatever its prefix.
    pub(super) fn binaries(xml: &str) -> Vec<Bytes> {
        let mut found = Vec::new();
        let mut rest = xml;
        while let Some((_, tag)) = rest.split_once('<') {
            let Some((name, content)) = tag.split_once('>') else { break };
            rest = content;
            let local = name.split([' ', '\t', '\n', '\r']).next().unwrap_or_default();
            if local.rsplit(':').next() == Some("Binary") && !local.starts_with('/') {
                let text = content.split('<').next().unwrap_or_default();
                found.extend(base64(text).filter(|bytes| !bytes.is_empty()));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(scheme: &str, payload: EventPayload) -> TimedEvent {
        TimedEvent {
            carrier: EventCarrier::EventStream,
            scheme: scheme.to_owned(),
            value: String::new(),
            id: None,
            start: MediaTime::ZERO,
            duration: None,
            payload,
            timescale: None,
        }
    }

    #[test]
    fn base64_is_read_as_rfc_4648_writes_it() {
        // RFC 4648, 10.
        for (plain, text) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(text::base64(text).as_deref(), Some(plain.as_bytes()), "{text}");
            assert_eq!(text::base64(text.trim_end_matches('=')).as_deref(), Some(plain.as_bytes()), "{text}");
        }
        assert_eq!(text::base64(" /+\n8= ").as_deref(), Some(&[0xff, 0xef][..]));
        for text in ["Z", "Zg==Zg", "Zm9*", "é"] {
            assert_eq!(text::base64(text), None, "{text}");
        }
    }

    #[test]
    fn hexadecimal_sequences_have_a_prefix_and_whole_bytes() {
        assert_eq!(text::hex("0xFC0a").as_deref(), Some(&[0xfc, 0x0a][..]));
        for text in ["FC0A", "0xFC0", "0xFG", "0xé"] {
            assert_eq!(text::hex(text), None, "{text}");
        }
    }

    #[test]
    fn splice_information_is_found_in_every_form() {
        let section = Bytes::from_static(&[0xfc, 0x30, 0x11]);
        let binary = event("urn:scte:scte35:2013:bin", EventPayload::Bytes(section.clone()));
        assert_eq!(binary.splice_info_sections(), vec![section.clone()]);
        let xml = "<scte35:Signal xmlns:scte35='urn:scte:scte35:2013:xml'>\n <scte35:Binary signalType='splice'>/DAR\n\
                   </scte35:Binary></scte35:Signal>";
        let signal = event("urn:scte:scte35:2014:xml+bin", EventPayload::Text(xml.to_owned()));
        assert_eq!(signal.splice_info_sections(), vec![section.clone()]);
        let in_media = event("urn:scte:scte35:2014:xml+bin", EventPayload::Bytes(xml.to_owned().into()));
        assert_eq!(in_media.splice_info_sections(), vec![section.clone()]);
        let base64 = event("urn:scte:scte35:2014:bin", EventPayload::Text("/DAR".to_owned()));
        assert_eq!(base64.splice_info_sections(), [section]);
        for text in ["<Binary", "<Binary>", "<Binary>*</Binary>", "<a:BinaryX>/DAR</a:BinaryX>", "</Binary>/DAR"] {
            let broken = event("urn:scte:scte35:2014:xml+bin", EventPayload::Text(text.to_owned()));
            assert_eq!(broken.splice_info_sections(), Vec::<Bytes>::new(), "{text}");
        }
        assert!(event("urn:other", EventPayload::Bytes(Bytes::from_static(b"x"))).splice_info_sections().is_empty());
    }

    #[test]
    fn an_event_lasts_from_its_start_until_just_before_its_end() {
        let lasting = TimedEvent {
            start: MediaTime::from_secs(10),
            duration: Some(MediaTime::from_secs(2)),
            ..event("urn:x", EventPayload::Text(String::new()))
        };
        let active = |seconds| lasting.is_active(MediaTime::from_secs(seconds));
        assert_eq!([active(9), active(10), active(11), active(12)], [false, true, true, false]);
        let open = TimedEvent { duration: None, ..lasting.clone() };
        assert!(!open.is_active(MediaTime::from_secs(10)) && open.end().is_none());
    }
}
