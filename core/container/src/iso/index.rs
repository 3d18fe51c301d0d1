//! `sidx`: the segment index (ISO/IEC 14496-12, 8.16.3).

use telecine_model::{Error, ErrorCode, Timescale};

use super::boxes::BoxView;

/// A segment index: times and sizes of the pieces that follow it, or of further indexes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentIndexBox {
    /// Offset of the box in the resource.
    pub offset: u64,
    /// Bytes of the box.
    pub size: u64,
    /// The stream that it indexes; a track id in ISO media.
    pub reference_id: u32,
    /// Ticks a second of the times in this box.
    pub timescale: Timescale,
    /// Presentation time in ticks of the first piece.
    pub earliest_presentation_time: u64,
    /// Bytes between the end of the box and the first piece.
    pub first_offset: u64,
    /// The pieces, without gaps between them in bytes or time.
    pub references: Vec<SidxReference>,
}

impl SegmentIndexBox {
    /// Offset in the resource of the first piece; the others follow without gaps.
    pub fn anchor(&self) -> u64 {
        self.offset.saturating_add(self.size).saturating_add(self.first_offset)
    }
}

/// One piece of a [`SegmentIndexBox`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SidxReference {
    /// The piece is another index (`reference_type` 1), not media.
    pub is_index: bool,
    /// Bytes; below 2^31.
    pub size: u32,
    /// Ticks.
    pub duration: u32,
    /// The piece starts with a stream access point.
    pub starts_with_sap: bool,
    /// Type of the first stream access point, 0 if unknown (ISO/IEC 14496-12, annex I).
    pub sap_type: u8,
    /// Ticks from the earliest presentation time of the piece to the first stream access point.
    pub sap_delta_time: u32,
}

/// Reads a `sidx` box.
pub(crate) fn read(sidx: &BoxView<'_>) -> Result<SegmentIndexBox, Error> {
    let invalid = |message: &str| sidx.error(ErrorCode::IndexInvalid, message);
    let mut fields = sidx.fields();
    let (version, _) = fields.version_and_flags()?;
    if version > 1 {
        return Err(invalid("a segment index of a version that is not known"));
    }
    let reference_id = fields.u32()?;
    let timescale = Timescale::new(fields.u32()?).ok_or_else(|| invalid("a timescale of zero"))?;
    let earliest_presentation_time = fields.u32_or_u64(version)?;
    let first_offset = fields.u32_or_u64(version)?;
    fields.u16()?; // reserved
    let count = usize::from(fields.u16()?);
    let (references, _) = fields.skip(12 * count)?.as_chunks::<12>();
    Ok(SegmentIndexBox {
        offset: sidx.offset(),
        size: sidx.end_offset() - sidx.offset(),
        reference_id,
        timescale,
        earliest_presentation_time,
        first_offset,
        references: references.iter().map(reference).collect(),
    })
}

fn reference(&[a, b, c, d, e, f, g, h, i, j, k, l]: &[u8; 12]) -> SidxReference {
    let kind_and_size = u32::from_be_bytes([a, b, c, d]);
    let sap = u32::from_be_bytes([i, j, k, l]);
    SidxReference {
        is_index: kind_and_size >> 31 == 1,
        size: kind_and_size & 0x7fff_ffff,
        duration: u32::from_be_bytes([e, f, g, h]),
        starts_with_sap: sap >> 31 == 1,
        sap_type: (sap >> 28 & 7) as u8,
        sap_delta_time: sap & 0x0fff_ffff,
    }
}
