//! Common Encryption, sample by sample (ISO/IEC 23001-7, 9 and 10).

use telecine_model::protection::{SampleEncryption, Scheme, Subsample};
use telecine_model::{Error, ErrorCode};

use crate::cipher::{KeyedCipher, BLOCK};

/// Decrypts a sample in place.
///
/// Counter modes run on from one protected stretch of the sample to the next, in the middle of a block
/// too; `cbc1` chains on; `cbcs` starts anew at each. A block that is not whole stays clear in all
/// schemes but `cenc`.
///
/// # Errors
/// [`ErrorCode::DecryptFailed`] if the subsamples are longer than the sample; it is left as it was.
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
        state.decrypt(cipher, encryption, protected);
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
    fn decrypt(&mut self, cipher: &dyn KeyedCipher, encryption: &SampleEncryption<'_>, data: &mut [u8]) {
        let (crypt, skip) = (usize::from(encryption.crypt_blocks), usize::from(encryption.skip_blocks));
        let whole = data.len() / BLOCK * BLOCK;
        match encryption.scheme {
            Scheme::Cenc => self.count(cipher, encryption, data),
            Scheme::Cens if crypt == 0 || skip == 0 => self.count(cipher, encryption, &mut data[..whole]),
            Scheme::Cens => {
                for period in data[..whole].chunks_mut((crypt + skip) * BLOCK) {
                    let end = period.len().min(crypt * BLOCK);
                    self.count(cipher, encryption, &mut period[..end]);
                }
            }
            Scheme::Cbc1 => cipher.chain(&mut self.previous, data),
            Scheme::Cbcs => {
                self.previous = encryption.iv;
                cipher.pattern_chain(&mut self.previous, data, crypt, skip);
            }
        }
    }

    fn count(&mut self, cipher: &dyn KeyedCipher, encryption: &SampleEncryption<'_>, data: &mut [u8]) {
        cipher.counter(&encryption.iv, self.counted, data);
        self.counted = self.counted.saturating_add(data.len() as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CipherBackend, ContentKey, SoftwareAes};
    use telecine_model::protection::KeyId;

    #[test]
    fn subsamples_beyond_the_sample_are_refused_and_change_nothing() {
        let subsamples = [Subsample { clear: 2, protected: 16 }, Subsample { clear: u32::MAX, protected: u32::MAX }];
        let encryption = SampleEncryption {
            scheme: Scheme::Cenc,
            kid: KeyId([0; 16]),
            iv: [1; 16],
            crypt_blocks: 0,
            skip_blocks: 0,
            subsamples: &subsamples,
        };
        let cipher = SoftwareAes.open(&ContentKey::new([3; 16]));
        let mut sample = [5; 40];
        let error = decrypt_sample(&*cipher, &encryption, &mut sample).expect_err("too long");
        assert_eq!((error.code(), sample), (ErrorCode::DecryptFailed, [5; 40]));
    }
}
