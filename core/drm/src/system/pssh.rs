//! Protection system specific header boxes (ISO/IEC 23001-7, 8.1).

use bytes::Bytes;
use telecine_model::protection::{KeyId, SystemId};
use telecine_model::{Error, ErrorCode, Limits, Place};

use super::{playready, text, widevine};

/// One `pssh` box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pssh {
    /// Whose it is.
    pub system: SystemId,
    /// Key identifiers that version 1 names; see [`Pssh::key_ids`] for those inside the data.
    pub kids: Vec<KeyId>,
    /// What the system itself put in.
    pub data: Bytes,
    raw: Bytes,
}

impl Pssh {
    /// A box of its parts: of version 1 if it names keys, else of version 0.
    pub fn new(system: SystemId, kids: Vec<KeyId>, data: Bytes) -> Self {
        let mut raw = Vec::with_capacity(36 + 16 * kids.len() + data.len());
        raw.extend_from_slice(&[0; 4]);
        raw.extend_from_slice(b"pssh");
        raw.extend_from_slice(&[u8::from(!kids.is_empty()), 0, 0, 0]);
        raw.extend_from_slice(&system.0);
        if !kids.is_empty() {
            raw.extend_from_slice(&(kids.len() as u32).to_be_bytes());
            kids.iter().for_each(|kid| raw.extend_from_slice(&kid.0));
        }
        raw.extend_from_slice(&(data.len() as u32).to_be_bytes());
        raw.extend_from_slice(&data);
        let size = (raw.len() as u32).to_be_bytes();
        if let Some(field) = raw.get_mut(..4) {
            field.copy_from_slice(&size);
        }
        Self { system, kids, data, raw: raw.into() }
    }

    /// Reads boxes one behind the other, as EME's `cenc` initialisation data and MPDs have them. Boxes
    /// of a later version than 1 are left out: what they name is not known.
    ///
    /// # Errors
    /// `InitDataInvalid` with the offset of what is wrong: something that is no `pssh` box, sizes and
    /// counts that do not fit, limits passed.
    pub fn parse_all(bytes: &Bytes, limits: &Limits) -> Result<Vec<Self>, Error> {
        if bytes.len() > limits.init_data_bytes {
            return Err(invalid("PSSH boxes longer than the limit", 0));
        }
        let mut boxes = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            if boxes.len() >= limits.descriptors {
                return Err(invalid("more PSSH boxes than the limit", at));
            }
            let size = box_size(bytes, at)?;
            let raw = bytes.slice(at..at + size.whole);
            if let Some(found) = parse_body(raw, size.header, at, limits)? {
                boxes.push(found);
            }
            at += size.whole;
        }
        Ok(boxes)
    }

    /// Reads boxes from base64, as `cenc:pssh` and `data:` URIs hold them.
    ///
    /// # Errors
    /// As [`Pssh::parse_all`]; also for what is not base64.
    pub fn from_base64(base64: &str, limits: &Limits) -> Result<Vec<Self>, Error> {
        Self::parse_all(&text::base64_bytes(base64, limits.init_data_bytes)?.into(), limits)
    }

    /// The box as it was read.
    pub fn raw(&self) -> &Bytes {
        &self.raw
    }

    /// The keys it is about: those that it names itself, else those that are found in the data of
    /// Widevine and PlayReady. Empty if they cannot be known: the data is the key system's, which
    /// judges it; what cannot be read here is no fault of the content.
    pub fn key_ids(&self, limits: &Limits) -> Vec<KeyId> {
        if !self.kids.is_empty() {
            return self.kids.clone();
        }
        match self.system {
            SystemId::WIDEVINE => {
                widevine::WidevineData::parse(&self.data, limits).map(|d| d.key_ids).unwrap_or_default()
            }
            SystemId::PLAYREADY => playready::PlayReadyObject::parse(&self.data, limits)
                .and_then(|object| object.header(limits))
                .ok()
                .flatten()
                .map(|header| header.kids.iter().map(|key| key.kid).collect())
                .unwrap_or_default(),
            _ => Vec::new(),
        }
    }
}

struct Size {
    header: usize,
    whole: usize,
}

/// Size of the box at `at`, which lies within the bytes.
fn box_size(bytes: &[u8], at: usize) -> Result<Size, Error> {
    let rest = bytes.get(at..).unwrap_or_default();
    let (size, kind) = match rest {
        [a, b, c, d, kind @ ..] if kind.len() >= 4 => (u32::from_be_bytes([*a, *b, *c, *d]), &kind[..4]),
        _ => return Err(invalid("the data ends inside a box header", at)),
    };
    if kind != b"pssh" {
        return Err(invalid("a box that is no PSSH box", at));
    }
    let (header, whole) = match size {
        // To the end (ISO/IEC 14496-12, 4.2).
        0 => (8, rest.len() as u64),
        1 => match rest.get(8..16).and_then(|field| <[u8; 8]>::try_from(field).ok()) {
            Some(field) => (16, u64::from_be_bytes(field)),
            None => return Err(invalid("the data ends inside a box header", at)),
        },
        size => (8, u64::from(size)),
    };
    match usize::try_from(whole) {
        Ok(whole) if whole >= header && whole <= rest.len() => Ok(Size { header, whole }),
        _ => Err(invalid(&format!("a PSSH box of {whole} bytes where {} are left", rest.len()), at)),
    }
}

fn parse_body(raw: Bytes, header: usize, at: usize, limits: &Limits) -> Result<Option<Pssh>, Error> {
    let short = || invalid("a PSSH box ends inside its fields", at);
    let mut rest = raw.slice(header..);
    let flags = take(&mut rest, 4).ok_or_else(short)?;
    if flags.first().is_none_or(|version| *version > 1) {
        return Ok(None);
    }
    let system =
        take(&mut rest, 16).and_then(|id| <[u8; 16]>::try_from(&id[..]).ok()).map(SystemId).ok_or_else(short)?;
    let mut kids = Vec::new();
    if flags.first() == Some(&1) {
        let listed = number(&mut rest).ok_or_else(short)?;
        if listed > limits.key_ids {
            return Err(invalid("a PSSH box with more key identifiers than the limit", at));
        }
        let ids = listed.checked_mul(16).and_then(|length| take(&mut rest, length)).ok_or_else(short)?;
        kids.extend(ids.chunks_exact(16).filter_map(|id| <[u8; 16]>::try_from(id).ok()).map(KeyId));
    }
    let data = number(&mut rest).and_then(|length| take(&mut rest, length)).ok_or_else(short)?;
    Ok(Some(Pssh { system, kids, data, raw }))
}

fn take(rest: &mut Bytes, length: usize) -> Option<Bytes> {
    (rest.len() >= length).then(|| rest.split_to(length))
}

fn number(rest: &mut Bytes) -> Option<usize> {
    let field = take(rest, 4)?;
    usize::try_from(u32::from_be_bytes(field[..].try_into().ok()?)).ok()
}

fn invalid(message: &str, at: usize) -> Error {
    Error::new(ErrorCode::InitDataInvalid, message.to_owned()).at(Place::Byte(at as u64))
}
