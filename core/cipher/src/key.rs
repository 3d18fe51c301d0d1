//! Keys: of samples, and of whole segments.

use std::fmt;
use std::str::FromStr;

use telecine_model::protection::KeyMethod;
use telecine_model::{Error, ErrorCode};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// An AES key of so many bytes. Wiped when it is dropped; neither shown, compared nor serialised.
#[derive(Clone)]
pub struct AesKey<const BYTES: usize>([u8; BYTES]);

/// The key of samples: AES-128.
pub type ContentKey = AesKey<16>;

impl<const BYTES: usize> AesKey<BYTES> {
    /// A key from its bytes.
    pub fn new(bytes: [u8; BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes, for a cipher.
    pub fn expose(&self) -> &[u8; BYTES] {
        &self.0
    }
}

impl<const BYTES: usize> Drop for AesKey<BYTES> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<const BYTES: usize> ZeroizeOnDrop for AesKey<BYTES> {}

impl<const BYTES: usize> fmt::Debug for AesKey<BYTES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if BYTES == 16 { "ContentKey(…)" } else { "AesKey(…)" })
    }
}

impl<const BYTES: usize> FromStr for AesKey<BYTES> {
    type Err = Error;

    /// From two hexadecimal digits for each byte.
    ///
    /// # Errors
    /// `InvalidArgument`, which does not quote the text.
    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || Error::new(ErrorCode::InvalidArgument, format!("a key is {} hexadecimal digits", 2 * BYTES));
        let digits = text.as_bytes();
        if digits.len() != 2 * BYTES {
            return Err(wrong());
        }
        let mut key = Self([0; BYTES]);
        for (byte, pair) in key.0.iter_mut().zip(digits.chunks_exact(2)) {
            for digit in pair {
                let value = char::from(*digit).to_digit(16).ok_or_else(wrong)?;
                *byte = (*byte << 4) | value as u8;
            }
        }
        Ok(key)
    }
}

/// The key of whole segments (HLS).
#[derive(Clone, Debug)]
pub enum SegmentKey {
    /// AES-128.
    Aes128(AesKey<16>),
    /// AES-256.
    Aes256(AesKey<32>),
}

impl SegmentKey {
    /// The key in a key file: its bytes and nothing else (rfc8216bis, 5.1). The caller wipes `bytes`.
    ///
    /// # Errors
    /// `KeyUnavailable` if the file has not the length that the method needs, or the method is not one of whole
    /// segments. The message never quotes the bytes.
    pub fn from_file(method: &KeyMethod, bytes: &[u8]) -> Result<Self, Error> {
        let (key, needed) = match method {
            KeyMethod::Aes128 => (bytes.try_into().ok().map(AesKey::new).map(Self::Aes128), 16),
            KeyMethod::Aes256 | KeyMethod::Aes256Gcm => (bytes.try_into().ok().map(AesKey::new).map(Self::Aes256), 32),
            other => {
                let message = format!("{} is no method of whole segments", other.name());
                return Err(Error::new(ErrorCode::KeyUnavailable, message));
            }
        };
        key.ok_or_else(|| {
            let message = format!("a key of {} needs {needed} bytes, the key file has {}", method.name(), bytes.len());
            Error::new(ErrorCode::KeyUnavailable, message)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_from_hexadecimal_digits_and_never_shown() {
        let key: ContentKey = "0123456789abcdefFEDCBA9876543210".parse().expect("a key");
        assert_eq!(key.expose()[..3], [0x01, 0x23, 0x45]);
        assert_eq!(format!("{key:?}"), "ContentKey(…)");
        assert_eq!(format!("{:?}", SegmentKey::Aes256(AesKey::new([7; 32]))), "Aes256(AesKey(…))");
    }

    #[test]
    fn what_is_no_key_is_refused_without_quoting_it() {
        for text in ["", "0123", "zz23456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef00"] {
            let error = text.parse::<ContentKey>().expect_err("not a key");
            assert!(text.is_empty() || !error.to_string().contains(text), "{error}");
        }
    }

    #[test]
    fn a_key_file_has_the_length_that_its_method_needs() {
        let length = |method: &KeyMethod, bytes: usize| match SegmentKey::from_file(method, &vec![0xa5; bytes]) {
            Ok(SegmentKey::Aes128(_)) => Ok(128),
            Ok(SegmentKey::Aes256(_)) => Ok(256),
            Err(error) => Err((error.code(), error.message().to_owned())),
        };
        assert_eq!(length(&KeyMethod::Aes128, 16), Ok(128));
        assert_eq!(length(&KeyMethod::Aes256, 32), Ok(256));
        assert_eq!(length(&KeyMethod::Aes256Gcm, 32), Ok(256));
        for (method, bytes) in [(KeyMethod::Aes128, 32), (KeyMethod::Aes128, 15), (KeyMethod::Aes256Gcm, 16)] {
            let (code, message) = length(&method, bytes).expect_err("wrong length");
            assert_eq!(code, ErrorCode::KeyUnavailable);
            assert!(message.contains(&format!("has {bytes}")), "{message}");
        }
        assert!(length(&KeyMethod::SampleAes, 16).is_err());
    }
}
