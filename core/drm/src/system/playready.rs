//! PlayReady's object, the header inside it, and its key messages (PlayReady Header Specification;
//! references by its sections).

use aes::cipher::{Block, BlockCipherEncrypt as _, KeyInit as _};
use aes::Aes128;
use bytes::Bytes;
use telecine_model::protection::{KeyId, Scheme};
use telecine_model::{Error, ErrorCode, Limits, Place};

use super::text::base64_bytes;
use super::xml::Element;
use crate::{ContentKey, SecretBytes};

/// A record of a PlayReady Object (2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Record {
    /// The header, in UTF-16 as written.
    Header(Bytes),
    /// An embedded licence store.
    LicenceStore(Bytes),
    /// Of another type.
    Other(u16, Bytes),
}

/// A PlayReady Object: data of PlayReady's PSSH box, and what `mspr:pro` and HLS key tags hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlayReadyObject {
    /// Its records in their order.
    pub records: Vec<Record>,
}

impl PlayReadyObject {
    /// Reads an object (2). Bytes behind its declared length are left out.
    ///
    /// # Errors
    /// `InitDataInvalid` with the offset of what is wrong.
    pub fn parse(bytes: &Bytes, limits: &Limits) -> Result<Self, Error> {
        let invalid = |message: &str, at: usize| {
            Error::new(ErrorCode::InitDataInvalid, message.to_owned()).at(Place::Byte(at as u64))
        };
        let (Some(length), Some(count)) = (le32(bytes, 0), le16(bytes, 4)) else {
            return Err(invalid("a PlayReady Object ends inside its length", 0));
        };
        let end = length as usize;
        if end < 6 || end > bytes.len() || end > limits.init_data_bytes {
            return Err(invalid(&format!("a PlayReady Object of {end} bytes in {}", bytes.len()), 0));
        }
        let mut records = Vec::new();
        let mut at = 6;
        for _ in 0..count {
            let fields = le16(bytes, at).zip(le16(bytes, at + 2)).filter(|_| at + 4 <= end);
            let Some((kind, length)) = fields else {
                return Err(invalid("a PlayReady Object with fewer records than it counts", at));
            };
            let from = at + 4;
            at = from + usize::from(length);
            if at > end {
                return Err(invalid("a record longer than its PlayReady Object", from));
            }
            let value = bytes.slice(from..at);
            records.push(match kind {
                1 => Record::Header(value),
                3 => Record::LicenceStore(value),
                other => Record::Other(other, value),
            });
        }
        Ok(Self { records })
    }

    /// Reads an object from base64.
    ///
    /// # Errors
    /// As [`PlayReadyObject::parse`]; also for what is not base64.
    pub fn from_base64(base64: &str, limits: &Limits) -> Result<Self, Error> {
        Self::parse(&base64_bytes(base64, limits.init_data_bytes)?.into(), limits)
    }

    /// Its first header; None if it has none.
    ///
    /// # Errors
    /// As [`WrmHeader::parse`].
    pub fn header(&self, limits: &Limits) -> Result<Option<WrmHeader>, Error> {
        let header = self.records.iter().find_map(|record| match record {
            Record::Header(utf16) => Some(utf16),
            _ => None,
        });
        header.map(|utf16| WrmHeader::parse(utf16, limits)).transpose()
    }
}

/// Cipher of a key (`ALGID`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Algorithm {
    /// AES in counter mode: `cenc` and `cens`.
    AesCtr,
    /// AES in chained blocks: `cbcs` and `cbc1`.
    AesCbc,
    /// Of Windows Media DRM.
    Cocktail,
    /// One that this player does not know.
    Other(String),
}

impl Algorithm {
    fn from_name(name: &str) -> Self {
        match name {
            "AESCTR" => Self::AesCtr,
            "AESCBC" => Self::AesCbc,
            "COCKTAIL" => Self::Cocktail,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The scheme that content under it usually has.
    pub fn scheme(&self) -> Option<Scheme> {
        match self {
            Self::AesCtr => Some(Scheme::Cenc),
            Self::AesCbc => Some(Scheme::Cbcs),
            _ => None,
        }
    }
}

/// A key that a header names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrmKey {
    /// Its identifier, in the order of Common Encryption (not that of a GUID).
    pub kid: KeyId,
    /// Its cipher; 4.3 may leave it out.
    pub algorithm: Option<Algorithm>,
    /// Checksum of the key, as written; never for chained blocks (5).
    pub checksum: Option<Vec<u8>>,
}

impl WrmKey {
    /// Whether a key has this checksum (5): the first eight bytes of the identifier in GUID order,
    /// encrypted with it. None if there is no checksum, or of another algorithm.
    pub fn matches(&self, key: &ContentKey) -> Option<bool> {
        let checksum = self.checksum.as_deref()?;
        if !matches!(self.algorithm, Some(Algorithm::AesCtr) | None) || checksum.len() != 8 {
            return None;
        }
        let mut block = Block::<Aes128>::from(self.kid.guid_order().0);
        Aes128::new(key.expose().into()).encrypt_block(&mut block);
        Some(block.get(..8) == Some(checksum))
    }
}

/// The header (`WRMHEADER`), of versions 4.0 to 4.3.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct WrmHeader {
    /// `4.0.0.0` to `4.3.0.0`.
    pub version: String,
    /// Keys in their order; none in a 4.1 header of licences that come inside the stream.
    pub kids: Vec<WrmKey>,
    /// Where licences are (`LA_URL`).
    pub licence_url: Option<String>,
    /// Where a person gets one (`LUI_URL`).
    pub licence_page_url: Option<String>,
    /// The domain service (`DS_ID`), as written.
    pub domain_service: Option<String>,
    /// Licences come with the stream (`DECRYPTORSETUP` is `ONDEMAND`): none is to be had before.
    pub on_demand: bool,
}

impl WrmHeader {
    /// Reads a header in UTF-16, little-endian, with or without a byte order mark.
    ///
    /// # Errors
    /// `InitDataInvalid` for what is no header, or one of a version after 4.3: a client must not use
    /// what it does not understand (3.3.3).
    pub fn parse(utf16: &[u8], limits: &Limits) -> Result<Self, Error> {
        let invalid = |message: &str| Error::new(ErrorCode::InitDataInvalid, message.to_owned());
        if utf16.len() > limits.init_data_bytes {
            return Err(invalid("a PlayReady header longer than the limit"));
        }
        let text = from_utf16(utf16).ok_or_else(|| invalid("a PlayReady header that is not UTF-16"))?;
        let root = Element::parse(&text, limits)?;
        if root.name != "WRMHEADER" {
            return Err(invalid("a PlayReady header without WRMHEADER").at(Place::Path(clip(&root.name))));
        }
        let version = root.attribute("version").unwrap_or("4.0.0.0").trim();
        if !matches!(version, "4.0.0.0" | "4.1.0.0" | "4.2.0.0" | "4.3.0.0") {
            return Err(invalid("a PlayReady header of an unknown version").fact("version", clip(version)));
        }
        let empty = Element::default();
        let data = root.child("DATA").unwrap_or(&empty);
        let info = data.child("PROTECTINFO").unwrap_or(&empty);
        let kids = match version {
            "4.0.0.0" => data
                .text_of("KID")
                .map(|kid| key(kid, info.text_of("ALGID"), data.text_of("CHECKSUM")).map(|key| vec![key])),
            "4.1.0.0" => info.child("KID").map(|kid| key_of(kid).map(|key| vec![key])),
            _ => info.child("KIDS").map(|kids| {
                if kids.children.len() > limits.key_ids {
                    return Err(invalid("more key identifiers than the limit"));
                }
                kids.children.iter().filter(|child| child.name == "KID").map(key_of).collect()
            }),
        };
        Ok(Self {
            version: version.to_owned(),
            kids: kids.transpose()?.unwrap_or_default(),
            licence_url: data.text_of("LA_URL").map(str::to_owned),
            licence_page_url: data.text_of("LUI_URL").map(str::to_owned),
            domain_service: data.text_of("DS_ID").map(str::to_owned),
            on_demand: data.text_of("DECRYPTORSETUP") == Some("ONDEMAND"),
        })
    }
}

fn key_of(element: &Element) -> Result<WrmKey, Error> {
    let missing = || Error::new(ErrorCode::InitDataInvalid, "a KID without VALUE");
    let value = element.attribute("VALUE").ok_or_else(missing)?;
    key(value, element.attribute("ALGID"), element.attribute("CHECKSUM"))
}

fn key(kid: &str, algorithm: Option<&str>, checksum: Option<&str>) -> Result<WrmKey, Error> {
    let invalid = || Error::new(ErrorCode::InitDataInvalid, "a KID that is not a GUID in base64");
    let guid = base64_bytes(kid, 16).ok().and_then(|bytes| <[u8; 16]>::try_from(bytes).ok()).ok_or_else(invalid)?;
    Ok(WrmKey {
        kid: KeyId(guid).guid_order(),
        algorithm: algorithm.map(|name| Algorithm::from_name(name.trim())),
        // A checksum only helps to find a wrong key; one that cannot be read finds none.
        checksum: checksum.and_then(|text| base64_bytes(text, 64).ok()),
    })
}

/// What a CDM's PlayReady message asks for: some wrap the challenge together with headers for the
/// request (`PlayReadyKeyMessage`).
#[derive(Debug)]
pub struct KeyMessage {
    /// Headers by name, with values.
    pub headers: Vec<(String, String)>,
    /// The challenge itself.
    pub challenge: SecretBytes,
}

impl KeyMessage {
    /// Unwraps a message; None if it is not wrapped, but the challenge itself.
    ///
    /// # Errors
    /// `CdmFailed` if it is wrapped and the wrapping is broken. The message is not quoted.
    pub fn unwrap(message: &[u8], limits: &Limits) -> Result<Option<Self>, Error> {
        let broken = || Error::new(ErrorCode::CdmFailed, "a PlayReady message with a broken wrapping");
        let text = match core::str::from_utf8(message) {
            // Text in UTF-16 is full of zeros, which are valid UTF-8.
            Ok(utf8) if !utf8.contains('\0') => utf8.to_owned(),
            _ => match from_utf16(message) {
                Some(text) => text,
                None => return Ok(None),
            },
        };
        if !text.contains("PlayReadyKeyMessage") || text.len() > limits.licence_bytes {
            return Ok(None);
        }
        let root = Element::parse(&text, limits).map_err(|_| broken())?;
        let acquisition = root.child("LicenseAcquisition").ok_or_else(broken)?;
        let challenge = acquisition.text_of("Challenge").ok_or_else(broken)?;
        let challenge = base64_bytes(challenge, limits.licence_bytes).map_err(|_| broken())?;
        let headers = acquisition.child("HttpHeaders").map(|headers| {
            let pair =
                |header: &Element| Some((header.text_of("name")?.to_owned(), header.text_of("value")?.to_owned()));
            headers.children.iter().filter_map(pair).take(limits.attributes).collect()
        });
        Ok(Some(Self { headers: headers.unwrap_or_default(), challenge: challenge.into() }))
    }
}

/// Text in UTF-16, little-endian; None if it is not. A byte left over at the end is dropped.
fn from_utf16(bytes: &[u8]) -> Option<String> {
    let units = bytes.chunks_exact(2).filter_map(|pair| <[u8; 2]>::try_from(pair).ok()).map(u16::from_le_bytes);
    let text: String = char::decode_utf16(units).collect::<Result<_, _>>().ok()?;
    Some(text.trim_start_matches('\u{feff}').trim_end_matches('\0').to_owned())
}

fn le16(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at.checked_add(2)?)?.try_into().ok().map(u16::from_le_bytes)
}

fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_le_bytes)
}

fn clip(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    fn header(version: &str, data: &str) -> Result<WrmHeader, Error> {
        let text = format!(
            "<WRMHEADER xmlns=\"http://schemas.microsoft.com/DRM/2007/03/PlayReadyHeader\" version=\"{version}\"><DATA>{data}</DATA></WRMHEADER>"
        );
        WrmHeader::parse(&utf16(&text), &Limits::default())
    }

    const KID: &str = "MyIRAFVEd2aImaq7zN3u/w==";

    #[test]
    fn key_identifiers_are_read_from_headers_of_every_version() {
        let kid = KeyId::parse("00112233445566778899aabbccddeeff").expect("an identifier");
        for (version, data) in [
            ("4.0.0.0", format!("<PROTECTINFO><KEYLEN>16</KEYLEN><ALGID>AESCTR</ALGID></PROTECTINFO><KID>{KID}</KID>")),
            ("4.1.0.0", format!("<PROTECTINFO><KID ALGID=\"AESCTR\" VALUE=\"{KID}\"></KID></PROTECTINFO>")),
            (
                "4.2.0.0",
                format!("<PROTECTINFO><KIDS><KID ALGID=\"AESCTR\" VALUE=\"{KID}\"></KID></KIDS></PROTECTINFO>"),
            ),
            ("4.3.0.0", format!("<PROTECTINFO><KIDS><KID ALGID=\"AESCTR\" VALUE=\"{KID}\"/></KIDS></PROTECTINFO>")),
        ] {
            let read = header(version, &data).expect("a header");
            let key = WrmKey { kid, algorithm: Some(Algorithm::AesCtr), checksum: None };
            assert_eq!((read.version.as_str(), read.kids), (version, vec![key]));
        }
    }

    #[test]
    fn urls_and_the_setup_on_demand_are_read() {
        let read = header(
            "4.3.0.0",
            "<LA_URL> http://a/rm?x=1&amp;y=2 </LA_URL><LUI_URL>http://b/</LUI_URL><DS_ID>AH==</DS_ID>\
             <CUSTOMATTRIBUTES xmlns=\"\"><KID>no</KID></CUSTOMATTRIBUTES><DECRYPTORSETUP>ONDEMAND</DECRYPTORSETUP>",
        )
        .expect("a header");
        assert_eq!(read.licence_url.as_deref(), Some("http://a/rm?x=1&y=2"));
        assert_eq!(
            (read.licence_page_url.as_deref(), read.domain_service.as_deref()),
            (Some("http://b/"), Some("AH=="))
        );
        assert!(read.on_demand && read.kids.is_empty());
    }

    #[test]
    fn headers_of_a_later_version_and_broken_ones_are_refused() {
        for (version, data) in [
            ("4.4.0.0", ""),
            ("5", ""),
            ("4.2.0.0", "<PROTECTINFO><KIDS><KID ALGID=\"AESCTR\"></KID></KIDS></PROTECTINFO>"),
            ("4.0.0.0", "<KID>AAAA</KID>"),
        ] {
            assert_eq!(header(version, data).expect_err("refused").code(), ErrorCode::InitDataInvalid);
        }
        assert!(WrmHeader::parse(&[0x3c, 0xd8], &Limits::default()).is_err());
        assert!(WrmHeader::parse(&utf16("<OTHER/>"), &Limits::default()).is_err());
    }

    #[test]
    fn sizes_and_counts_of_an_object_are_checked() {
        let limits = Limits::default();
        let object = |length: u32, count: u16, rest: &[u8]| {
            let bytes = [&length.to_le_bytes()[..], &count.to_le_bytes(), rest].concat();
            PlayReadyObject::parse(&bytes.into(), &limits)
        };
        let two = object(16, 2, &[1, 0, 2, 0, b'a', 0, 9, 0, 0, 0]).expect("two records");
        assert_eq!(two.records, [Record::Header(Bytes::from_static(b"a\0")), Record::Other(9, Bytes::new())]);
        assert!(object(6, 0, &[]).expect("empty").records.is_empty());
        for (length, count, rest) in [
            (5, 0, &[][..]),
            (7, 0, &[]),
            (u32::MAX, 0, &[]),
            (6, 1, &[]),
            (6, 1, &[1, 0, 0, 0]),
            (10, 1, &[1, 0, 1, 0]),
            (10, 2, &[1, 0, 0, 0]),
            (10, u16::MAX, &[1, 0, 0, 0]),
        ] {
            assert!(object(length, count, rest).is_err(), "{length} {count} {rest:?}");
        }
        assert!(PlayReadyObject::parse(&Bytes::from_static(&[1, 0, 0]), &limits).is_err());
    }

    #[test]
    fn a_wrapped_message_gives_headers_and_challenge() {
        let text = "<PlayReadyKeyMessage type=\"LicenseAcquisition\"><LicenseAcquisition Version=\"1\">\
                    <Challenge encoding=\"base64encoded\">PHNvYXA+</Challenge><HttpHeaders><HttpHeader><name>Content-Type</name>\
                    <value>text/xml; charset=utf-8</value></HttpHeader></HttpHeaders></LicenseAcquisition></PlayReadyKeyMessage>";
        for message in [text.as_bytes().to_vec(), utf16(text)] {
            let read = KeyMessage::unwrap(&message, &Limits::default()).expect("well-formed").expect("wrapped");
            assert_eq!(read.challenge.expose(), b"<soap>");
            assert_eq!(read.headers, [("Content-Type".to_owned(), "text/xml; charset=utf-8".to_owned())]);
        }
        assert!(KeyMessage::unwrap(b"<soap>", &Limits::default()).expect("the challenge").is_none());
        assert!(KeyMessage::unwrap(&[0xff, 0xd8, 0, 0xd8], &Limits::default()).expect("the challenge").is_none());
        assert!(KeyMessage::unwrap(b"<PlayReadyKeyMessage/>", &Limits::default()).is_err());
    }
}
