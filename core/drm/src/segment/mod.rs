//! Whole segments under one key (HLS: rfc8216bis, 4.4.4.4 and 5.2).

mod chained;
mod sealed;

use bytes::{Bytes, BytesMut};
use telecine_model::protection::KeyMethod;
use telecine_model::{Error, ErrorCode};

use crate::{CipherBackend, SegmentKey, BLOCK};
use chained::Chained;
use sealed::Sealed;

/// Decrypts one segment, or one initialisation section, as its bytes arrive.
///
/// Bytes may arrive in any split. They are decrypted where they are if nobody else holds them, and copied once
/// otherwise.
///
/// ```
/// use telecine_drm::{SegmentDecryptor, SegmentKey, SoftwareAes};
/// use telecine_model::protection::KeyMethod;
///
/// let key_file: [u8; 16] = core::array::from_fn(|i| i as u8);
/// let key = SegmentKey::from_file(&KeyMethod::Aes128, &key_file)?;
/// // No IV attribute: the media sequence number 42 is the vector.
/// let mut decryptor = SegmentDecryptor::new(&SoftwareAes, &KeyMethod::Aes128, &key, None, 42)?;
/// let mut clear = Vec::new();
/// for piece in [&b"\x1e\xf9\xcf\xa3\x0e\x3c\x7e"[..], b"\xcc\xec\x97\x84\x60\x8a\x0e\x18\x6b"] {
///     clear.extend(decryptor.push(piece.into())?);
/// }
/// clear.extend(decryptor.finish()?.concat());
/// assert_eq!(clear, b"hello, media");
/// # Ok::<(), telecine_model::Error>(())
/// ```
#[derive(Debug)]
pub struct SegmentDecryptor(Mode);

#[derive(Debug)]
enum Mode {
    Chained(Chained),
    Sealed(Sealed),
}

impl SegmentDecryptor {
    /// One for a segment of a media sequence number, under a key of the playlist with its method and `IV` attribute.
    ///
    /// # Errors
    /// `KeyUnavailable` if the method is not one of whole segments, or the key is too short or too long for it;
    /// `DecryptFailed` if the platform's AES refuses the key.
    pub fn new(
        backend: &dyn CipherBackend,
        method: &KeyMethod,
        key: &SegmentKey,
        iv: Option<[u8; BLOCK]>,
        media_sequence: u64,
    ) -> Result<Self, Error> {
        let iv = iv.unwrap_or_else(|| implicit_iv(media_sequence));
        match (method, key) {
            (KeyMethod::Aes128, SegmentKey::Aes128(_)) | (KeyMethod::Aes256, SegmentKey::Aes256(_)) => {
                Ok(Self(Mode::Chained(Chained::new(backend.open_segment(key)?, iv))))
            }
            (KeyMethod::Aes256Gcm, SegmentKey::Aes256(_)) => {
                Ok(Self(Mode::Sealed(Sealed::new(backend.open_segment(key)?))))
            }
            _ => {
                let message =
                    format!("{} is no method of whole segments, or the key is not of its length", method.name());
                Err(Error::new(ErrorCode::KeyUnavailable, message))
            }
        }
    }

    /// Takes the next bytes and gives what is clear and known to be media by now; possibly nothing.
    ///
    /// With chained blocks that is what came before: the last block may be padding. A sealed segment gives nothing
    /// before its end, for not a byte of it may be used before all of them are verified (rfc8216bis, 6.3.6).
    ///
    /// # Errors
    /// `DecryptFailed` if the platform's AES fails.
    pub fn push(&mut self, bytes: Bytes) -> Result<Bytes, Error> {
        match &mut self.0 {
            Mode::Chained(chained) => chained.push(bytes),
            Mode::Sealed(sealed) => {
                sealed.push(bytes);
                Ok(Bytes::new())
            }
        }
    }

    /// Ends the segment and gives the rest of it.
    ///
    /// # Errors
    /// `DecryptFailed` if the segment has a length that no encrypted one has, or padding or tag are wrong: the key or
    /// the vector is not that of the segment, or the segment is damaged.
    pub fn finish(self) -> Result<Vec<Bytes>, Error> {
        match self.0 {
            Mode::Chained(chained) => chained.finish().map(|rest| vec![rest]),
            Mode::Sealed(sealed) => sealed.finish(),
        }
    }

    /// Bytes that had to be copied so far, because somebody else held them or they came in tiny pieces.
    pub fn copied(&self) -> u64 {
        match &self.0 {
            Mode::Chained(chained) => chained.copied(),
            Mode::Sealed(sealed) => sealed.copied(),
        }
    }
}

/// The vector of a segment whose key has none: its media sequence number as a big-endian number of 128 bits.
pub fn implicit_iv(media_sequence: u64) -> [u8; BLOCK] {
    u128::from(media_sequence).to_be_bytes()
}

/// Bytes to write to, and how many were copied for it.
fn writable(bytes: Bytes) -> (BytesMut, u64) {
    match bytes.try_into_mut() {
        Ok(unique) => (unique, 0),
        Err(shared) => (BytesMut::from(&shared[..]), shared.len() as u64),
    }
}

fn damaged(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::DecryptFailed, message)
}
