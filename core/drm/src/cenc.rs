//! Common Encryption, sample by sample (ISO/IEC 23001-7, 9 and 10).

use std::fmt;

use telecine_model::protection::{KeyId, SampleEncryption, Scheme, Subsample};
use telecine_model::{Error, ErrorCode, SortedMap};

use crate::{CipherBackend, ContentKey, KeyedCipher, SoftwareAes, BLOCK};

/// Decrypts samples under the keys that it has been given. The schedule of each is worked out once.
///
/// ```
/// use telecine_drm::SampleDecryptor;
/// use telecine_model::protection::{KeyId, SampleEncryption, Scheme};
///
/// let mut decryptor = SampleDecryptor::default();
/// decryptor.insert(KeyId([7; 16]), &"2b7e151628aed2a6abf7158809cf4f3c".parse()?)?;
///
/// // NIST SP 800-38A, F.2.2, first block.
/// let mut sample = *b"\x76\x49\xab\xac\x81\x19\xb2\x46\xce\xe9\x8e\x9b\x12\xe9\x19\x7d";
/// let mut encryption = SampleEncryption {
///     scheme: Scheme::Cbc1,
///     kid: KeyId([7; 16]),
///     iv: core::array::from_fn(|i| i as u8),
///     crypt_blocks: 0,
///     skip_blocks: 0,
///     subsamples: &[],
/// };
/// decryptor.decrypt(&encryption, &mut sample)?;
/// assert_eq!(&sample[..4], b"\x6b\xc1\xbe\xe2");
///
/// encryption.kid = KeyId([8; 16]);
/// let missing = decryptor.decrypt(&encryption, &mut sample).expect_err("a key that nobody gave");
/// assert_eq!(missing.facts()["kid"], "08080808080808080808080808080808");
/// # Ok::<(), telecine_model::Error>(())
/// ```
pub struct SampleDecryptor {
    backend: Box<dyn CipherBackend>,
    keys: SortedMap<KeyId, Box<dyn KeyedCipher>>,
}

impl Default for SampleDecryptor {
    /// With [`SoftwareAes`], without keys.
    fn default() -> Self {
        Self::new(Box::new(SoftwareAes))
    }
}

/// Which keys it has, not what they are.
impl fmt::Debug for SampleDecryptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SampleDecryptor").field("keys", &self.keys.keys()).finish_non_exhaustive()
    }
}

impl SampleDecryptor {
    /// One without keys.
    pub fn new(backend: Box<dyn CipherBackend>) -> Self {
        Self { backend, keys: SortedMap::new() }
    }

    /// Adds a key, or replaces the one of the same id.
    ///
    /// # Errors
    /// `DecryptFailed` if the platform's AES refuses it.
    pub fn insert(&mut self, kid: KeyId, key: &ContentKey) -> Result<(), Error> {
        self.keys.insert(kid, self.backend.open(key)?);
        Ok(())
    }

    /// Forgets a key, whose schedule is wiped; false if there was none. With rotation, forget what has been played.
    pub fn remove(&mut self, kid: &KeyId) -> bool {
        self.keys.remove(kid).is_some()
    }

    /// Ids of the keys that are there, ascending.
    pub fn key_ids(&self) -> impl Iterator<Item = &KeyId> {
        self.keys.keys()
    }

    /// Makes sure of keys before the first byte is changed.
    ///
    /// # Errors
    /// `KeyUnavailable` for the first that is missing, with the fact `kid`.
    pub fn require<'a>(&self, kids: impl IntoIterator<Item = &'a KeyId>) -> Result<(), Error> {
        kids.into_iter().try_for_each(|kid| self.cipher(kid).map(|_| ()))
    }

    /// Decrypts a sample in place, as [`decrypt_sample`] does.
    ///
    /// # Errors
    /// `KeyUnavailable` if the key is missing, with the fact `kid`; those of [`decrypt_sample`].
    pub fn decrypt(&self, encryption: &SampleEncryption<'_>, sample: &mut [u8]) -> Result<(), Error> {
        decrypt_sample(self.cipher(&encryption.kid)?, encryption, sample)
    }

    fn cipher(&self, kid: &KeyId) -> Result<&dyn KeyedCipher, Error> {
        self.keys.get(kid).map(AsRef::as_ref).ok_or_else(|| {
            Error::new(ErrorCode::KeyUnavailable, format!("the key with id {kid} is missing")).fact("kid", kid)
        })
    }
}

/// Decrypts a sample in place.
///
/// Counter modes run on from one protected stretch of the sample to the next, in the middle of a block
/// too; `cbc1` chains on; `cbcs` starts anew at each. A block that is not whole stays clear in all
/// schemes but `cenc`.
///
/// # Errors
/// [`ErrorCode::DecryptFailed`] if the subsamples are longer than the sample, which is left as it was; or if the
/// platform's AES fails.
pub fn decrypt_sample(
    cipher: &dyn KeyedCipher,
    encryption: &SampleEncryption<'_>,
    sample: &mut [u8],
) -> Result<(), Error> {
    let whole = [Subsample { clear: 0, protected: u32::try_from(sample.len()).unwrap_or(u32::MAX) }];
    let subsamples = if encryption.subsamples.is_empty() { &whole[..] } else { encryption.subsamples };
    let length: u64 = subsamples.iter().map(|s| u64::from(s.clear) + u64::from(s.protected)).sum();
    if length > sample.len() as u64 {
        let message = format!("the subsamples are {length} bytes long, the sample {}", sample.len());
        return Err(Error::new(ErrorCode::DecryptFailed, message));
    }
    let mut state = State { counted: 0, previous: encryption.iv };
    let mut rest = sample;
    for subsample in subsamples {
        let (_, behind) = rest.split_at_mut(subsample.clear as usize);
        let (protected, behind) = behind.split_at_mut(subsample.protected as usize);
        state.decrypt(cipher, encryption, protected)?;
        rest = behind;
    }
    Ok(())
}

/// What goes on from one protected stretch to the next.
struct State {
    /// Bytes of keystream used.
    counted: u64,
    /// Cipher block before.
    previous: [u8; BLOCK],
}

impl State {
    fn decrypt(
        &mut self,
        cipher: &dyn KeyedCipher,
        encryption: &SampleEncryption<'_>,
        data: &mut [u8],
    ) -> Result<(), Error> {
        let (crypt, skip) = (usize::from(encryption.crypt_blocks), usize::from(encryption.skip_blocks));
        match encryption.scheme {
            Scheme::Cenc => {
                cipher.counter(&encryption.iv, self.counted, data)?;
                self.counted = self.counted.saturating_add(data.len() as u64);
                Ok(())
            }
            Scheme::Cens => cipher.pattern_counter(&encryption.iv, &mut self.counted, data, crypt, skip),
            Scheme::Cbc1 => cipher.chain(&mut self.previous, data),
            Scheme::Cbcs => {
                self.previous = encryption.iv;
                cipher.pattern_chain(&mut self.previous, data, crypt, skip)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KID: KeyId = KeyId([9; 16]);

    fn encryption(subsamples: &[Subsample]) -> SampleEncryption<'_> {
        SampleEncryption { scheme: Scheme::Cenc, kid: KID, iv: [1; 16], crypt_blocks: 0, skip_blocks: 0, subsamples }
    }

    #[test]
    fn subsamples_beyond_the_sample_are_refused_and_change_nothing() {
        let subsamples = [Subsample { clear: 2, protected: 16 }, Subsample { clear: u32::MAX, protected: u32::MAX }];
        let cipher = SoftwareAes.open(&ContentKey::new([3; 16])).expect("a key");
        let mut sample = [5; 40];
        let error = decrypt_sample(&*cipher, &encryption(&subsamples), &mut sample).expect_err("too long");
        assert_eq!((error.code(), sample), (ErrorCode::DecryptFailed, [5; 40]));
    }

    #[test]
    fn a_missing_key_is_named_and_nothing_is_changed() {
        let mut decryptor = SampleDecryptor::default();
        decryptor.insert(KeyId([1; 16]), &ContentKey::new([0xab; 16])).expect("a key");
        let mut sample = [5; 40];
        let error = decryptor.decrypt(&encryption(&[]), &mut sample).expect_err("no key");
        assert_eq!((error.code(), sample), (ErrorCode::KeyUnavailable, [5; 40]));
        assert_eq!(error.facts()["kid"], "09".repeat(16));
        assert_eq!(decryptor.require([&KeyId([1; 16]), &KID]).expect_err("no key"), error);
        assert!(!format!("{decryptor:?} {error}").contains("abab"));
    }

    #[test]
    fn keys_come_are_replaced_and_go() {
        let mut decryptor = SampleDecryptor::default();
        let mut decrypted = |key: Option<u8>| {
            match key {
                Some(key) => decryptor.insert(KID, &ContentKey::new([key; 16])).expect("a key"),
                None => assert!(decryptor.remove(&KID) && !decryptor.remove(&KID)),
            }
            let mut sample = [0; 20];
            decryptor.decrypt(&encryption(&[]), &mut sample).map(|()| sample).ok()
        };
        let [first, second, again, none] =
            [decrypted(Some(1)), decrypted(Some(2)), decrypted(Some(1)), decrypted(None)];
        assert!(first.is_some() && first != second && first == again && none.is_none());
    }
}
