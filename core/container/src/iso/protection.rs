//! Track encryption: `sinf` and what is inside (ISO/IEC 14496-12, 8.12; ISO/IEC 23001-7, 8).

use telecine_model::protection::KeyId;
use telecine_model::{Error, ErrorCode};

use super::boxes::{fourcc_name, BoxView, FourCc};

/// How the samples of a track are encrypted unless a sample group says otherwise (`schm`, `tenc`).
///
/// `default_is_protected` false does not mean that the samples are clear: with key rotation the
/// initialisation section says so and every fragment says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackEncryption {
    /// `cenc`, `cens`, `cbc1` or `cbcs`, or another scheme's type.
    pub scheme: FourCc,
    /// Key of samples that no sample group covers.
    pub default_kid: KeyId,
    /// Whether samples that no sample group covers are encrypted.
    pub default_is_protected: bool,
    /// Bytes of each sample's own initialisation vector: 0, 8 or 16.
    pub per_sample_iv_size: u8,
    /// The initialisation vector of every sample, where they have none of their own.
    pub constant_iv: Option<Vec<u8>>,
    /// Encrypted blocks of 16 bytes in the pattern; 0 with `skip_blocks` 0 means no pattern.
    pub crypt_blocks: u8,
    /// Clear blocks of 16 bytes in the pattern.
    pub skip_blocks: u8,
}

/// A protected sample entry, opened.
pub(crate) struct Protected {
    /// The entry's type before protection (`frma`).
    pub(crate) format: FourCc,
    pub(crate) encryption: TrackEncryption,
}

/// Reads a `sinf` box.
pub(crate) fn read(sinf: &BoxView<'_>) -> Result<Protected, Error> {
    let format = sinf.require(b"frma")?.fields().array()?;
    let schm = sinf.require(b"schm")?;
    let mut fields = schm.fields();
    fields.version_and_flags()?;
    let scheme = fields.array()?;
    let tenc = match sinf.child(b"schi")? {
        Some(schi) => match schi.child(b"tenc")? {
            Some(tenc) => Some(track_encryption(&tenc, scheme)?),
            None => None,
        },
        None => None,
    };
    match tenc {
        Some(encryption) => Ok(Protected { format, encryption }),
        None => Err(sinf.error(
            ErrorCode::CodecUnsupported,
            format!("the track is protected by scheme {} without a tenc box", fourcc_name(scheme)),
        )),
    }
}

fn track_encryption(tenc: &BoxView<'_>, scheme: FourCc) -> Result<TrackEncryption, Error> {
    let mut fields = tenc.fields();
    let (version, _) = fields.version_and_flags()?;
    fields.u8()?;
    let pattern = match (version, fields.u8()?) {
        (0, _) => 0,
        (_, pattern) => pattern,
    };
    let default_is_protected = fields.u8()? != 0;
    let per_sample_iv_size = fields.u8()?;
    if !matches!(per_sample_iv_size, 0 | 8 | 16) {
        return Err(tenc.syntax(format!("an initialisation vector of {per_sample_iv_size} bytes")));
    }
    let default_kid = KeyId(fields.array()?);
    let constant_iv = if default_is_protected && per_sample_iv_size == 0 {
        let size = usize::from(fields.u8()?);
        if !matches!(size, 8 | 16) {
            return Err(tenc.syntax(format!("a constant initialisation vector of {size} bytes")));
        }
        Some(fields.skip(size)?.to_vec())
    } else {
        None
    };
    Ok(TrackEncryption {
        scheme,
        default_kid,
        default_is_protected,
        per_sample_iv_size,
        constant_iv,
        crypt_blocks: pattern >> 4,
        skip_blocks: pattern & 0x0f,
    })
}
