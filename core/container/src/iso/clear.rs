//! Clear output from protected input: samples are decrypted where they are, and boxes that speak of encryption are
//! renamed to `free`. No size changes, so every offset holds.

use bytes::{Bytes, BytesMut};
use telecine_model::protection::SampleEncryption;
use telecine_model::{Error, ErrorCode};

use super::boxes::{BoxView, FourCc};
use super::encryption::FragmentEncryption;
use super::fragment::Fragment;
use super::init::InitSegment;
use super::protection::EncryptionGroups;

/// The type of a box that everybody passes over (ISO/IEC 14496-12, 8.1.2).
pub(crate) const FREE: FourCc = *b"free";

/// A box that gets another type in clear output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Retyped {
    /// Offset of the box in the resource.
    offset: u64,
    kind: FourCc,
}

impl Retyped {
    pub(crate) fn new(view: &BoxView<'_>, kind: FourCc) -> Self {
        Self { offset: view.offset(), kind }
    }

    /// Writes the type into bytes of which the first is at `start` of the resource.
    fn write(&self, bytes: &mut [u8], start: u64) {
        let at = self.offset.checked_sub(start).and_then(|at| usize::try_from(at).ok());
        if let Some(name) = at.and_then(|at| bytes.get_mut(at..)?.get_mut(4..8)) {
            name.copy_from_slice(&self.kind);
        }
    }
}

impl InitSegment {
    /// The same without protection, for clear fragments ([`Fragment::decrypt_with`]): sample entries have their
    /// original types, `sinf`, `pssh` and descriptions of encryption groups are renamed to `free`. As long as the
    /// original, byte for byte where nothing is renamed; the copy shares its bytes if nothing is protected.
    pub fn cleared(&self) -> Self {
        let mut clear = self.clone();
        if self.retyped.is_empty() {
            return clear;
        }
        let mut data = BytesMut::from(&self.data[..]);
        if let Some(moov) = data.get_mut(self.moov.clone()) {
            for retyped in &self.retyped {
                retyped.write(moov, self.moov_offset);
            }
        }
        clear.data = data.freeze();
        clear.retyped = Vec::new();
        clear.made_clear = true;
        clear.pssh = Vec::new();
        for track in &mut clear.tracks {
            track.encryption = None;
            track.encryption_groups = EncryptionGroups::default();
            for description in &mut track.descriptions {
                description.encryption = None;
            }
        }
        clear
    }
}

impl Fragment {
    /// Makes the fragment clear: calls `decrypt` once for each protected sample, in order of the `traf` boxes, with
    /// how it is encrypted and its bytes, and renames what speaks of encryption to `free` (`pssh` too, which leaves
    /// [`pssh`](Self::pssh) empty). Returns how many bytes had to be copied.
    ///
    /// Nothing is copied if nothing is protected, or if the data are in one piece that nobody else holds. Otherwise
    /// all of it is copied once; afterwards it is in one piece.
    ///
    /// Make sure of the keys first ([`FragmentEncryption::key_ids`]): after an error some samples may be clear
    /// already, and the fragment is of no more use.
    ///
    /// # Errors
    /// Those of `decrypt`; `InvalidArgument` if `encryption` is of another fragment.
    pub fn decrypt_with(
        &mut self,
        encryption: &FragmentEncryption,
        mut decrypt: impl FnMut(&SampleEncryption<'_>, &mut [u8]) -> Result<(), Error>,
    ) -> Result<u64, Error> {
        if encryption.is_clear() {
            return Ok(0);
        }
        if !encryption.describes(self) {
            return Err(Error::new(ErrorCode::InvalidArgument, "the encryption is that of another fragment"));
        }
        let (mut data, copied) = self.take_data();
        let result = self.tracks.iter().enumerate().try_for_each(|(index, track)| {
            for (sample, how) in track.samples.iter().zip(encryption.samples(index)) {
                let Some(how) = how else { continue };
                // Within the data: the reader made sure of it, and `describes` that it is the same fragment.
                let start = usize::try_from(sample.offset).unwrap_or(usize::MAX);
                let bytes = data.get_mut(start..).and_then(|rest| rest.get_mut(..sample.size as usize));
                decrypt(&how, bytes.unwrap_or_default())?;
            }
            Ok(())
        });
        if result.is_ok() {
            for retyped in encryption.retyped() {
                retyped.write(&mut data, self.offset);
            }
            self.pssh.clear();
        }
        self.data = vec![data.freeze()];
        result.map(|()| copied)
    }

    /// The data in one piece that can be written to, and how many bytes were copied for it.
    fn take_data(&mut self) -> (BytesMut, u64) {
        // These may be slices of the data, which would then be shared.
        for pssh in &mut self.pssh {
            *pssh = Bytes::copy_from_slice(pssh);
        }
        let pieces = std::mem::take(&mut self.data);
        let size: usize = pieces.iter().map(Bytes::len).sum();
        let shared = match <[Bytes; 1]>::try_from(pieces) {
            Ok([piece]) => match piece.try_into_mut() {
                Ok(unique) => return (unique, 0),
                Err(shared) => vec![shared],
            },
            Err(pieces) => pieces,
        };
        let mut joined = BytesMut::with_capacity(size);
        for piece in &shared {
            joined.extend_from_slice(piece);
        }
        (joined, size as u64)
    }
}
