//! The keys of a command line.

use telecine_container::{Fragment, InitSegment, SampleAes};
use telecine_drm::SampleDecryptor;
use telecine_model::protection::KeyId;
use telecine_model::Error;

use crate::args::ContentKey;

/// Keys of samples by their identifiers.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    decryptor: SampleDecryptor,
    first: Option<KeyId>,
}

impl Keys {
    /// Makes keys ready for use.
    ///
    /// # Errors
    /// `DecryptFailed` if one is refused.
    pub(crate) fn new<'a>(keys: impl IntoIterator<Item = &'a ContentKey>) -> Result<Self, Error> {
        let mut this = Self::default();
        for key in keys {
            this.decryptor.insert(key.id, &key.key)?;
            this.first.get_or_insert(key.id);
        }
        Ok(this)
    }

    /// Protection by SAMPLE-AES under the first key. Streams do not say which key they are under.
    pub(crate) fn sample_aes(&self, iv: [u8; 16]) -> SampleAes {
        SampleAes { key_id: self.first.unwrap_or(KeyId([0; 16])), iv }
    }

    /// Whether all of these keys are there.
    pub(crate) fn have(&self, ids: &[KeyId]) -> bool {
        self.decryptor.require(ids).is_ok()
    }

    /// Makes a fragment clear. Returns how many of its samples were protected.
    ///
    /// # Errors
    /// `KeyUnavailable` if a key is missing, before anything is changed; what
    /// [`Fragment::encryption`] and the decryption of samples find.
    pub(crate) fn clear(&self, fragment: &mut Fragment, init: &InitSegment) -> Result<u64, Error> {
        let encryption = fragment.encryption(init)?;
        self.decryptor.require(encryption.key_ids())?;
        let mut samples = 0;
        fragment.decrypt_with(&encryption, |how, bytes| {
            samples += 1;
            self.decryptor.decrypt(how, bytes)
        })?;
        Ok(samples)
    }
}
