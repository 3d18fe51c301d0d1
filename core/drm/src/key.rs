//! Content keys.

use std::fmt;
use std::str::FromStr;

use telecine_model::{Error, ErrorCode};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// An AES-128 content key. Wiped when it is dropped; neither shown, compared nor serialised.
#[derive(Clone)]
pub struct ContentKey([u8; 16]);

impl ContentKey {
    /// A key from its bytes.
    pub fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes, for a cipher.
    pub fn expose(&self) -> &[u8; 16] {
        &self.0
    }
}

impl Drop for ContentKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl ZeroizeOnDrop for ContentKey {}

impl fmt::Debug for ContentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContentKey(…)")
    }
}

impl FromStr for ContentKey {
    type Err = Error;

    /// From 32 hexadecimal digits.
    ///
    /// # Errors
    /// `InvalidArgument`, which does not quote the text.
    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || Error::new(ErrorCode::InvalidArgument, "a key is 32 hexadecimal digits");
        let digits = text.as_bytes();
        if digits.len() != 32 {
            return Err(wrong());
        }
        let mut key = Self([0; 16]);
        for (byte, pair) in key.0.iter_mut().zip(digits.chunks_exact(2)) {
            for digit in pair {
                let value = char::from(*digit).to_digit(16).ok_or_else(wrong)?;
                *byte = (*byte << 4) | value as u8;
            }
        }
        Ok(key)
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
    }

    #[test]
    fn what_is_no_key_is_refused_without_quoting_it() {
        for text in ["", "0123", "zz23456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef00"] {
            let error = text.parse::<ContentKey>().expect_err("not a key");
            assert!(text.is_empty() || !error.to_string().contains(text), "{error}");
        }
    }
}
