//! What `moov` says about encryption: `sinf` and what is inside (ISO/IEC 14496-12, 8.12; ISO/IEC 23001-7, 8),
//! and the sample groups of type `seig` (ISO/IEC 23001-7, 6). PIFF's `uuid` boxes are read as the ISO boxes that
//! they became.

use bytes::Bytes;
use telecine_model::protection::KeyId;
use telecine_model::{Error, ErrorCode};

use super::boxes::{fourcc_name, BoxView, Fields, FourCc};

/// How the samples of a track are encrypted unless a sample group says otherwise (`schm`, `tenc`).
///
/// `default_is_protected` false does not mean that the samples are clear: with key rotation the
/// initialisation section says so and every fragment says otherwise. [`Fragment::encryption`] decides.
///
/// [`Fragment::encryption`]: super::Fragment::encryption
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackEncryption {
    /// `cenc`, `cens`, `cbc1` or `cbcs`, or another scheme's type. PIFF's two algorithms are `cenc` and `cbc1`.
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

/// How samples are encrypted, without the scheme: the fields that `tenc` and a `seig` entry share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Protection {
    pub(crate) is_protected: bool,
    /// Bytes of a sample's own initialisation vector: 0, 8 or 16.
    pub(crate) iv_size: u8,
    pub(crate) kid: KeyId,
    /// Where samples have none of their own; one of 8 bytes stands in the first half.
    pub(crate) constant_iv: Option<[u8; 16]>,
    pub(crate) crypt_blocks: u8,
    pub(crate) skip_blocks: u8,
}

impl From<&TrackEncryption> for Protection {
    fn from(track: &TrackEncryption) -> Self {
        Self {
            is_protected: track.default_is_protected,
            iv_size: track.per_sample_iv_size,
            kid: track.default_kid,
            constant_iv: track.constant_iv.as_deref().map(padded_iv),
            crypt_blocks: track.crypt_blocks,
            skip_blocks: track.skip_blocks,
        }
    }
}

/// A vector of 8 bytes stands before zeros (ISO/IEC 23001-7, 9.2).
pub(crate) fn padded_iv(bytes: &[u8]) -> [u8; 16] {
    let mut iv = [0; 16];
    for (to, from) in iv.iter_mut().zip(bytes) {
        *to = *from;
    }
    iv
}

/// A protected sample entry, opened.
pub(crate) struct Protected {
    /// The entry's type before protection (`frma`).
    pub(crate) format: FourCc,
    pub(crate) encryption: TrackEncryption,
}

/// PIFF's names for boxes that ISO/IEC 23001-7 took over later (Protected Interoperable File Format 1.1, 5.3).
pub(crate) mod piff {
    /// `pssh`.
    pub(crate) const PSSH: [u8; 16] = *b"\xd0\x8a\x4f\x18\x10\xf3\x4a\x82\xb6\xc8\x32\xd8\xab\xa1\x83\xd3";
    /// `tenc`.
    pub(crate) const TENC: [u8; 16] = *b"\x89\x74\xdb\xce\x7b\xe7\x4c\x51\x84\xf9\x71\x48\xf9\x88\x25\x54";
    /// `senc`.
    pub(crate) const SENC: [u8; 16] = *b"\xa2\x39\x4f\x52\x5a\x9b\x4f\x14\xa2\x44\x6c\x42\x7c\x64\x8d\xf4";
}

/// The user type of a `uuid` box, and the fields behind it; `None` for other boxes and for one too short to have one.
pub(crate) fn user_type<'a>(view: &'a BoxView<'a>) -> Option<([u8; 16], Fields<'a>)> {
    if &view.kind() != b"uuid" {
        return None;
    }
    let mut fields = view.fields();
    let kind = fields.array().ok()?;
    Some((kind, fields))
}

/// A `pssh` box whole, or PIFF's of the same content rewritten as one; `None` for other boxes.
pub(crate) fn pssh(view: &BoxView<'_>) -> Option<Bytes> {
    if &view.kind() == b"pssh" {
        return Some(view.bytes());
    }
    let (_, fields) = user_type(view).filter(|(kind, _)| kind == &piff::PSSH)?;
    let content = fields.rest();
    let size = u32::try_from(content.len().checked_add(8)?).ok()?;
    Some([&size.to_be_bytes()[..], b"pssh", content].concat().into())
}

/// Reads a `sinf` box.
pub(crate) fn read(sinf: &BoxView<'_>) -> Result<Protected, Error> {
    let format = sinf.require(b"frma")?.fields().array()?;
    let schm = sinf.require(b"schm")?;
    let mut fields = schm.fields();
    fields.version_and_flags()?;
    let scheme = fields.array()?;
    if let Some(schi) = sinf.child(b"schi")? {
        for child in schi.children() {
            let child = child?;
            let fields = match &child.kind() {
                b"tenc" => child.fields(),
                _ => match user_type(&child) {
                    Some((piff::TENC, fields)) => fields,
                    _ => continue,
                },
            };
            return Ok(Protected { format, encryption: track_encryption(&child, fields, scheme)? });
        }
    }
    Err(sinf.error(
        ErrorCode::CodecUnsupported,
        format!("the track is protected by scheme {} without a tenc box", fourcc_name(scheme)),
    ))
}

fn track_encryption(tenc: &BoxView<'_>, mut fields: Fields<'_>, scheme: FourCc) -> Result<TrackEncryption, Error> {
    let (version, _) = fields.version_and_flags()?;
    let protection = protection(tenc, &mut fields, version > 0)?;
    // PIFF has the number of an algorithm where ISO has a flag: 1 for counter mode, 2 for chained blocks.
    let scheme = match (&scheme, protection.mark) {
        (b"piff", 2) => *b"cbc1",
        (b"piff", _) => *b"cenc",
        _ => scheme,
    };
    Ok(TrackEncryption {
        scheme,
        default_kid: protection.kid,
        default_is_protected: protection.mark != 0,
        per_sample_iv_size: protection.iv_size,
        constant_iv: protection.constant_iv.map(<[u8]>::to_vec),
        crypt_blocks: protection.pattern >> 4,
        skip_blocks: protection.pattern & 0x0f,
    })
}

/// The common fields as they are written.
struct Written<'a> {
    pattern: u8,
    /// `isProtected`, or PIFF's algorithm.
    mark: u8,
    iv_size: u8,
    kid: KeyId,
    constant_iv: Option<&'a [u8]>,
}

/// Reads the fields that `tenc` and `seig` share.
fn protection<'a>(view: &BoxView<'_>, fields: &mut Fields<'a>, patterned: bool) -> Result<Written<'a>, Error> {
    // The first bit of `seig` announces several keys for one sample (ISO/IEC 23001-7:2023, 6).
    if fields.u8()? & 0x80 != 0 {
        return Err(view.error(ErrorCode::CodecUnsupported, "samples are encrypted with several keys each"));
    }
    let pattern = fields.u8()?;
    let mark = fields.u8()?;
    let iv_size = fields.u8()?;
    if !matches!(iv_size, 0 | 8 | 16) {
        return Err(view.syntax(format!("an initialisation vector of {iv_size} bytes")));
    }
    let kid = KeyId(fields.array()?);
    let constant_iv = if mark != 0 && iv_size == 0 {
        let size = usize::from(fields.u8()?);
        if !matches!(size, 8 | 16) {
            return Err(view.syntax(format!("a constant initialisation vector of {size} bytes")));
        }
        Some(fields.skip(size)?)
    } else {
        None
    };
    Ok(Written { pattern: if patterned { pattern } else { 0 }, mark, iv_size, kid, constant_iv })
}

/// The entries of a sample group description of type `seig`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct EncryptionGroups {
    pub(crate) entries: Vec<Protection>,
    /// Entry, from 1, of samples that no `sbgp` mentions; 0 for none.
    pub(crate) default: u32,
}

/// Reads a `sgpd` box; `None` if it is of another grouping type.
///
/// Version 0 has no lengths of entries. Version 2 has a default entry, in newer editions of ISO/IEC 14496-12 (8.9.3)
/// behind the default length, in older ones instead of all lengths: the one that fills the box is meant.
pub(crate) fn encryption_groups(sgpd: &BoxView<'_>) -> Result<Option<EncryptionGroups>, Error> {
    let mut fields = sgpd.fields();
    let (version, _) = fields.version_and_flags()?;
    if &fields.array()? != b"seig" {
        return Ok(None);
    }
    let read = |lengths: bool| group_entries(sgpd, fields.clone(), version, lengths);
    match version {
        0 => read(false).map(Some),
        1 => read(true).map(Some),
        _ => read(true).or_else(|newer| read(false).map_err(|_| newer)).map(Some),
    }
}

fn group_entries(
    sgpd: &BoxView<'_>,
    mut fields: Fields<'_>,
    version: u8,
    lengths: bool,
) -> Result<EncryptionGroups, Error> {
    let default_length = if lengths { fields.u32()? } else { 0 };
    let default = if version >= 2 { fields.u32()? } else { 0 };
    let count = fields.u32()?;
    let mut groups = EncryptionGroups { entries: Vec::new(), default };
    // Each entry takes at least 20 bytes of the box: the box bounds the loop, not the count.
    for _ in 0..count {
        let length = match default_length {
            0 if lengths => Some(fields.u32()?),
            0 => None,
            length => Some(length),
        };
        let start = fields.rest().len();
        let entry = protection(sgpd, &mut fields, true)?;
        let used = start - fields.rest().len();
        if let Some(length) = length {
            let more = usize::try_from(length).unwrap_or(usize::MAX).checked_sub(used);
            fields.skip(more.ok_or_else(|| sgpd.syntax(format!("{length} bytes for an entry of {used}")))?)?;
        }
        groups.entries.push(Protection {
            is_protected: entry.mark != 0,
            iv_size: entry.iv_size,
            kid: entry.kid,
            constant_iv: entry.constant_iv.map(padded_iv),
            crypt_blocks: entry.pattern >> 4,
            skip_blocks: entry.pattern & 0x0f,
        });
    }
    if version >= 2 && !fields.rest().is_empty() {
        return Err(sgpd.syntax(format!("{} bytes behind the last entry", fields.rest().len())));
    }
    Ok(groups)
}
