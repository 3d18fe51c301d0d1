//! Which protection each sample has: sample groups of type `seig` (ISO/IEC 23001-7, 6; ISO/IEC 14496-12, 8.9).

use telecine_model::{Error, ErrorCode};

use super::super::boxes::BoxView;
use super::super::clear::{Retyped, FREE};
use super::super::init::TrackInfo;
use super::super::protection::{self, EncryptionGroups, Protection};
use super::TrackSamples;

/// Indexes above this are of the description in the `traf` itself, and count from it (ISO/IEC 14496-12, 8.9.4).
const LOCAL: u32 = 0x1_0000;

/// The boxes of one `traf` that group its samples by encryption.
#[derive(Default)]
pub(super) struct Groups<'a> {
    assigned: Option<BoxView<'a>>,
    described: Option<(BoxView<'a>, EncryptionGroups)>,
}

impl<'a> Groups<'a> {
    /// Finds the boxes of type `seig` among others that group by something else.
    pub(super) fn gather(traf: &'a BoxView<'a>, retyped: &mut Vec<Retyped>) -> Result<Self, Error> {
        let mut this = Self::default();
        for child in traf.children() {
            let child = child?;
            let second = match &child.kind() {
                b"sbgp" if grouping(&child)? == *b"seig" => this.assigned.replace(child).is_some(),
                b"sgpd" => match protection::encryption_groups(&child)? {
                    Some(groups) => this.described.replace((child, groups)).is_some(),
                    None => continue,
                },
                b"csgp" if grouping(&child)? == *b"seig" => {
                    let message = "compact sample groups of encryption are not read";
                    return Err(child.error(ErrorCode::CodecUnsupported, message));
                }
                _ => continue,
            };
            if second {
                return Err(child.syntax("a second box for the same grouping, seig"));
            }
            retyped.push(Retyped::new(&child, FREE));
        }
        Ok(this)
    }

    /// Says of each sample which protection it has. The first of `samples.protections` is that of the track.
    pub(super) fn assign(&self, track: &TrackInfo, samples: &mut TrackSamples) -> Result<(), Error> {
        let mut runs = match &self.assigned {
            Some(sbgp) => runs(sbgp)?,
            None => &[],
        }
        .iter();
        let mut left = 0;
        // The place of the protection of the present run; clear samples have none.
        let mut present = None;
        for at in 0..samples.samples.len() {
            while left == 0 {
                let (count, index) = match runs.next() {
                    Some([a, b, c, d, e, f, g, h]) => {
                        (u32::from_be_bytes([*a, *b, *c, *d]), u32::from_be_bytes([*e, *f, *g, *h]))
                    }
                    None => (u32::MAX, self.unmentioned(track)),
                };
                if count > 0 {
                    present = self.place(index, track, samples)?;
                    left = count;
                }
            }
            left -= 1;
            if let Some(sample) = samples.samples.get_mut(at) {
                sample.protection = present;
            }
        }
        Ok(())
    }

    /// The group of samples that no run mentions.
    fn unmentioned(&self, track: &TrackInfo) -> u32 {
        match &self.described {
            // It counts within its own box, whether or not it is written as a local index.
            Some((_, groups)) if groups.default > LOCAL => groups.default,
            Some((_, groups)) if groups.default > 0 => groups.default.saturating_add(LOCAL),
            _ => track.encryption_groups.default,
        }
    }

    /// The place of the protection that an index means, in the table of protections.
    fn place(&self, index: u32, track: &TrackInfo, samples: &mut TrackSamples) -> Result<Option<u32>, Error> {
        let place = if index == 0 {
            0
        } else {
            let protection = self.protection(index, track)?;
            samples.protections.push(protection);
            samples.protections.len() - 1
        };
        let protected = samples.protections.get(place).is_some_and(|protection| protection.is_protected);
        // There are no more places than samples and one.
        Ok(u32::try_from(place).ok().filter(|_| protected))
    }

    fn protection(&self, index: u32, track: &TrackInfo) -> Result<Protection, Error> {
        let (entries, from, whose) = match index.checked_sub(LOCAL + 1) {
            Some(local) => {
                (self.described.as_ref().map_or(&[][..], |(_, groups)| &groups.entries), local, "the track fragment")
            }
            None => (&track.encryption_groups.entries[..], index - 1, "the track"),
        };
        let found = usize::try_from(from).ok().and_then(|from| entries.get(from)).copied();
        found.ok_or_else(|| {
            let message =
                format!("samples of encryption group {:#x}, but {whose} describes {} groups", index, entries.len());
            let place = self.assigned.as_ref().or(self.described.as_ref().map(|(view, _)| view));
            match place {
                Some(view) => view.syntax(message),
                None => Error::new(ErrorCode::ContainerSyntax, message),
            }
        })
    }
}

/// What a box of sample groups groups by.
fn grouping(view: &BoxView<'_>) -> Result<[u8; 4], Error> {
    let mut fields = view.fields();
    fields.version_and_flags()?;
    fields.array()
}

/// The runs of an `sbgp` box: count of samples, index of their group.
fn runs<'a>(sbgp: &'a BoxView<'a>) -> Result<&'a [[u8; 8]], Error> {
    let mut fields = sbgp.fields();
    let (version, _) = fields.version_and_flags()?;
    fields.skip(if version == 0 { 4 } else { 8 })?; // grouping_type, grouping_type_parameter
    let count = usize::try_from(fields.u32()?).unwrap_or(usize::MAX);
    let (runs, _) = fields.skip(count.saturating_mul(8))?.as_chunks();
    Ok(runs)
}
