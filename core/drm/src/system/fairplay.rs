//! FairPlay's key URIs. What is inside its messages is between the device and Apple's server.

use telecine_model::{Error, ErrorCode};

/// An `skd://` URI of a key tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkdUri {
    uri: String,
}

impl SkdUri {
    /// Takes a URI as a key tag has it.
    ///
    /// # Errors
    /// `InitDataInvalid` if its scheme is another, or nothing follows.
    pub fn parse(uri: &str) -> Result<Self, Error> {
        let scheme = uri.get(..6).filter(|scheme| scheme.eq_ignore_ascii_case("skd://"));
        match (scheme, uri.get(6..)) {
            (Some(_), Some(rest)) if !rest.is_empty() && !uri.bytes().any(|b| b.is_ascii_control()) => {
                Ok(Self { uri: uri.to_owned() })
            }
            _ => Err(Error::new(ErrorCode::InitDataInvalid, "a FairPlay key without an skd:// URI")),
        }
    }

    /// The URI as written.
    pub fn as_str(&self) -> &str {
        &self.uri
    }

    /// What names the asset for the key server: everything behind `skd://` up to a query. Services
    /// differ; an application may take another part of the URI.
    pub fn asset_id(&self) -> &str {
        let rest = self.uri.get(6..).unwrap_or("");
        rest.split(['?', '#']).next().unwrap_or(rest)
    }

    /// Initialisation data of type `skd` for a CDM with today's EME: the URI's bytes.
    pub fn init_data(&self) -> Vec<u8> {
        self.uri.as_bytes().to_vec()
    }

    /// Initialisation data for the older interface of WebKit: URI, content identifier (both in
    /// UTF-16, little-endian) and certificate, each behind its length in 32 bits. The application
    /// chooses the identifier; [`SkdUri::asset_id`] is the usual one.
    pub fn legacy_init_data(&self, content_id: &str, certificate: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        for part in [&utf16(&self.uri), &utf16(content_id), certificate] {
            out.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes());
            out.extend_from_slice(part);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_asset_is_what_follows_the_scheme() {
        for (uri, asset) in
            [("skd://asset-1", "asset-1"), ("SKD://a.example/x/y?k=1", "a.example/x/y"), ("skd://é", "é")]
        {
            let skd = SkdUri::parse(uri).expect("an skd URI");
            assert_eq!((skd.asset_id(), skd.as_str(), skd.init_data()), (asset, uri, uri.as_bytes().to_vec()));
        }
        for uri in ["", "skd:", "skd://", "https://a/", "é://", "skd://a\nb"] {
            assert!(SkdUri::parse(uri).is_err(), "{uri}");
        }
    }

    #[test]
    fn the_older_initialisation_data_has_three_parts_behind_their_lengths() {
        let skd = SkdUri::parse("skd://a").expect("an skd URI");
        let expected = b"\x0e\0\0\0s\0k\0d\0:\0/\0/\0a\0\x02\0\0\0a\0\x03\0\0\0DER";
        assert_eq!(skd.legacy_init_data("a", b"DER"), expected);
    }
}
