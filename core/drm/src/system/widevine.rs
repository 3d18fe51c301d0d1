//! Widevine's header: the data of its PSSH box, and the JSON of its first HLS signalling.

use bytes::Bytes;
use serde::Deserialize;
use telecine_model::protection::{KeyId, Scheme, SystemId};
use telecine_model::{Error, ErrorCode, Limits};

use super::protobuf::{put_bytes, put_varint, Fields, Value};
use super::{text, Pssh};

/// What Widevine's PSSH data says (a message of Protocol Buffers; fields that are not listed are stepped
/// over).
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct WidevineData {
    /// Keys, in the order of the message. Those that are not of 16 bytes are left out: no track of
    /// Common Encryption can name them.
    pub key_ids: Vec<KeyId>,
    /// Name of the content provider.
    pub provider: Option<String>,
    /// The provider's identifier of the content, any bytes.
    pub content_id: Option<Bytes>,
    /// Name of a policy.
    pub policy: Option<String>,
    /// Which crypto period the keys are of, where they rotate.
    pub crypto_period_index: Option<u32>,
    /// How the samples are encrypted.
    pub scheme: Option<Scheme>,
}

impl WidevineData {
    /// Reads the message.
    ///
    /// # Errors
    /// `InitDataInvalid` with the offset of what is wrong.
    pub fn parse(bytes: &Bytes, limits: &Limits) -> Result<Self, Error> {
        let mut out = Self::default();
        let mut fields = Fields::new(bytes);
        while let Some(field) = fields.next()? {
            match field {
                (2, Value::Bytes(id)) => {
                    if out.key_ids.len() >= limits.key_ids {
                        return Err(Error::new(ErrorCode::InitDataInvalid, "more key identifiers than the limit"));
                    }
                    out.key_ids.extend(<[u8; 16]>::try_from(id).ok().map(KeyId));
                }
                (3, Value::Bytes(name)) => out.provider = Some(String::from_utf8_lossy(name).into_owned()),
                (4, Value::Bytes(id)) => out.content_id = Some(bytes.slice_ref(id)),
                (6, Value::Bytes(name)) => out.policy = Some(String::from_utf8_lossy(name).into_owned()),
                (7, Value::Varint(index)) => out.crypto_period_index = Some(index as u32),
                (9, Value::Varint(scheme)) => out.scheme = Scheme::from_fourcc((scheme as u32).to_be_bytes()),
                _ => {}
            }
        }
        Ok(out)
    }

    /// The message, fields in ascending order.
    pub fn to_bytes(&self) -> Bytes {
        let mut out = Vec::new();
        self.key_ids.iter().for_each(|kid| put_bytes(&mut out, 2, &kid.0));
        if let Some(provider) = &self.provider {
            put_bytes(&mut out, 3, provider.as_bytes());
        }
        if let Some(id) = &self.content_id {
            put_bytes(&mut out, 4, id);
        }
        if let Some(policy) = &self.policy {
            put_bytes(&mut out, 6, policy.as_bytes());
        }
        if let Some(index) = self.crypto_period_index {
            put_varint(&mut out, 7, index.into());
        }
        if let Some(scheme) = self.scheme {
            let name = scheme.name().as_bytes().try_into().map_or(0, u32::from_be_bytes);
            put_varint(&mut out, 9, name.into());
        }
        out.into()
    }

    /// The message in a box of version 0, as key systems want it.
    pub fn to_pssh(&self) -> Pssh {
        Pssh::new(SystemId::WIDEVINE, Vec::new(), self.to_bytes())
    }

    /// From the JSON that `KEYFORMAT="com.widevine"` has in its `data:` URI: key identifiers in
    /// hexadecimal digits, the content's in base64.
    ///
    /// # Errors
    /// `InitDataInvalid` for anything else.
    pub fn from_hls_json(json: &[u8], limits: &Limits) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Header {
            provider: Option<String>,
            content_id: Option<String>,
            #[serde(default)]
            key_ids: Vec<String>,
        }
        let invalid = |message: &str| Error::new(ErrorCode::InitDataInvalid, message.to_owned());
        if json.len() > limits.init_data_bytes {
            return Err(invalid("Widevine's JSON is longer than the limit"));
        }
        let header: Header = serde_json::from_slice(json).map_err(|_| invalid("not Widevine's JSON"))?;
        if header.key_ids.len() > limits.key_ids {
            return Err(invalid("more key identifiers than the limit"));
        }
        let key_ids = header.key_ids.iter().map(|text| KeyId::parse(text)).collect::<Option<Vec<_>>>();
        let content_id = header.content_id.map(|id| text::base64_bytes(&id, limits.init_data_bytes)).transpose()?;
        Ok(Self {
            key_ids: key_ids.ok_or_else(|| invalid("a key identifier that is not 32 hexadecimal digits"))?,
            provider: header.provider,
            content_id: content_id.map(Bytes::from),
            ..Self::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: KeyId = KeyId(*b"0123456789abcdef");

    #[test]
    fn what_is_written_is_read_again() {
        let data = WidevineData {
            key_ids: vec![A, KeyId([7; 16])],
            provider: Some("intertrust".to_owned()),
            content_id: Some(Bytes::from_static(b"\x00title\xff")),
            policy: Some("uhd".to_owned()),
            crypto_period_index: Some(u32::MAX),
            scheme: Some(Scheme::Cbcs),
        };
        let read = WidevineData::parse(&data.to_bytes(), &Limits::default()).expect("a message");
        assert_eq!(read, data);
        assert_eq!(data.to_pssh().key_ids(&Limits::default()), data.key_ids);
    }

    #[test]
    fn key_identifiers_of_other_lengths_and_unknown_schemes_are_left_out() {
        let mut out = Vec::new();
        put_bytes(&mut out, 2, b"short");
        put_bytes(&mut out, 2, &A.0);
        put_varint(&mut out, 1, 1);
        put_varint(&mut out, 9, 1);
        let read = WidevineData::parse(&out.into(), &Limits::default()).expect("a message");
        assert_eq!(read, WidevineData { key_ids: vec![A], ..WidevineData::default() });
    }

    #[test]
    fn the_json_of_the_first_hls_signalling_is_read() {
        let json = br#"{"provider":"p","content_id":"dGl0bGU=","key_ids":["30313233343536373839616263646566"],"x":1}"#;
        let read = WidevineData::from_hls_json(json, &Limits::default()).expect("JSON");
        assert_eq!((read.key_ids, read.content_id), (vec![A], Some(Bytes::from_static(b"title"))));
        for bad in [&b"{"[..], b"[]", br#"{"key_ids":["xx"]}"#, br#"{"content_id":"!"}"#] {
            assert!(WidevineData::from_hls_json(bad, &Limits::default()).is_err());
        }
    }
}
