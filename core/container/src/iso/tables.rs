//! Samples of files without fragments: the tables in `stbl` (ISO/IEC 14496-12, 8.6.1, 8.6.2, 8.6.4, 8.7.3 to 8.7.5).

use telecine_model::{Error, ErrorCode};

use super::boxes::BoxView;
use super::fragment::{description_index, Sample};

/// Reads the samples that `stbl` lists; offsets count from the start of the file.
///
/// `allowed` bounds their number, `file_bytes` their places.
pub(crate) fn read(stbl: &BoxView<'_>, allowed: usize, file_bytes: u64) -> Result<Vec<Sample>, Error> {
    let sizes_box = match stbl.child(b"stsz")? {
        Some(stsz) => stsz,
        None => stbl.require(b"stz2")?,
    };
    let sizes = Sizes::read(&sizes_box)?;
    // A common size costs nothing to write: the count must not cost memory.
    if sizes.count > allowed {
        return Err(sizes_box.error(
            ErrorCode::ContainerLimit,
            format!("{} samples, {allowed} more are allowed in one file", sizes.count),
        ));
    }
    if sizes.count == 0 {
        return Ok(Vec::new());
    }
    let stts = stbl.require(b"stts")?;
    let ctts = stbl.child(b"ctts")?;
    let stsc = stbl.require(b"stsc")?;
    let stss = stbl.child(b"stss")?;
    let chunks_box = match stbl.child(b"stco")? {
        Some(stco) => stco,
        None => stbl.require(b"co64")?,
    };
    let chunks = chunk_offsets(&chunks_box)?;
    let mut durations = Runs::new(words(&stts)?);
    let mut cts_offsets = Runs::new(match &ctts {
        Some(ctts) => words(ctts)?,
        None => &[],
    });
    let mut sync_numbers = match &stss {
        Some(stss) => Some(words::<1>(stss)?.iter().map(|[number]| *number).peekable()),
        None => None,
    };
    let sdtp = stbl.child(b"sdtp")?;
    let dependencies = match &sdtp {
        Some(sdtp) => {
            let mut fields = sdtp.fields();
            fields.version_and_flags()?;
            fields.rest()
        }
        None => &[],
    };
    let mut run_of_chunks = words::<3>(&stsc)?.iter().peekable();
    let mut samples_per_chunk = 0;
    let mut description = 1;
    let mut samples = Vec::with_capacity(sizes.count);
    let mut dts = 0_i64;
    for (number, mut offset) in (1_u32..).zip(chunks) {
        while let Some([_, per_chunk, index]) =
            run_of_chunks.next_if(|[first, ..]| u32::from_be_bytes(*first) <= number)
        {
            samples_per_chunk = u32::from_be_bytes(*per_chunk);
            description = description_index(u32::from_be_bytes(*index));
        }
        for _ in 0..samples_per_chunk {
            let Some(size) = sizes.get(samples.len()) else { break };
            let Some(duration) = durations.next() else {
                return Err(stts.syntax(format!(
                    "durations of {} samples are given, there are {}",
                    samples.len(),
                    sizes.count
                )));
            };
            let end = offset.saturating_add(u64::from(size));
            if end > file_bytes {
                return Err(chunks_box.error(
                    ErrorCode::ContainerTruncated,
                    format!("a sample at bytes {offset} to {end} lies behind the end of the file"),
                ));
            }
            let number = samples.len() as u32 + 1;
            let sync = match &mut sync_numbers {
                None => true,
                Some(numbers) => {
                    while numbers.next_if(|sync| u32::from_be_bytes(*sync) < number).is_some() {}
                    numbers.next_if(|sync| u32::from_be_bytes(*sync) == number).is_some()
                }
            };
            samples.push(Sample {
                dts,
                offset,
                duration,
                // Version 0 says unsigned; see the same in `trun`. Samples beyond the table have no offset.
                cts_offset: cts_offsets.next().unwrap_or(0) as i32,
                size,
                sync,
                dependencies: dependencies.get(samples.len()).copied().unwrap_or(0),
                description,
            });
            dts = dts.saturating_add(i64::from(duration));
            offset = end;
        }
    }
    if samples.len() < sizes.count {
        return Err(chunks_box.syntax(format!("the chunks hold {} samples, there are {}", samples.len(), sizes.count)));
    }
    Ok(samples)
}

/// An entry of `N` 32-bit values.
type Row<const N: usize> = [[u8; 4]; N];

/// Entries of a table of `N` 32-bit columns: version, flags and a count come first.
fn words<'a, const N: usize>(table: &'a BoxView<'a>) -> Result<&'a [Row<N>], Error> {
    let mut fields = table.fields();
    fields.version_and_flags()?;
    let count = fields.u32()? as usize;
    let (cells, _) = fields.skip(count.saturating_mul(4 * N))?.as_chunks::<4>();
    let (rows, _) = cells.as_chunks::<N>();
    Ok(rows)
}

/// Values that a table repeats: pairs of a count and a value.
struct Runs<'a> {
    rows: std::slice::Iter<'a, Row<2>>,
    left: u32,
    value: u32,
}

impl<'a> Runs<'a> {
    fn new(rows: &'a [Row<2>]) -> Self {
        Self { rows: rows.iter(), left: 0, value: 0 }
    }
}

impl Iterator for Runs<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        while self.left == 0 {
            let [count, value] = self.rows.next()?;
            self.left = u32::from_be_bytes(*count);
            self.value = u32::from_be_bytes(*value);
        }
        self.left -= 1;
        Some(self.value)
    }
}

/// `stsz` or `stz2`.
struct Sizes<'a> {
    count: usize,
    layout: SizeLayout<'a>,
}

enum SizeLayout<'a> {
    Common(u32),
    Words(&'a [[u8; 4]]),
    Halves(&'a [[u8; 2]]),
    Bytes(&'a [u8]),
    Nibbles(&'a [u8]),
}

impl<'a> Sizes<'a> {
    fn read(sizes: &'a BoxView<'a>) -> Result<Self, Error> {
        let mut fields = sizes.fields();
        fields.version_and_flags()?;
        let size_or_width = fields.u32()?;
        let count = fields.u32()? as usize;
        let layout = match (&sizes.kind(), size_or_width) {
            (b"stsz", 0) => SizeLayout::Words(fields.skip(count.saturating_mul(4))?.as_chunks().0),
            (b"stsz", size) => SizeLayout::Common(size),
            // The upper 24 bits are reserved.
            (_, width) => match width & 0xff {
                4 => SizeLayout::Nibbles(fields.skip(count.div_ceil(2))?),
                8 => SizeLayout::Bytes(fields.skip(count)?),
                16 => SizeLayout::Halves(fields.skip(count.saturating_mul(2))?.as_chunks().0),
                width => return Err(sizes.syntax(format!("sample sizes of {width} bits"))),
            },
        };
        Ok(Self { count, layout })
    }

    fn get(&self, index: usize) -> Option<u32> {
        if index >= self.count {
            return None;
        }
        match self.layout {
            SizeLayout::Common(size) => Some(size),
            SizeLayout::Words(words) => words.get(index).map(|word| u32::from_be_bytes(*word)),
            SizeLayout::Halves(halves) => halves.get(index).map(|half| u16::from_be_bytes(*half).into()),
            SizeLayout::Bytes(bytes) => bytes.get(index).map(|byte| u32::from(*byte)),
            SizeLayout::Nibbles(bytes) => bytes
                .get(index / 2)
                .map(|byte| u32::from(if index.is_multiple_of(2) { byte >> 4 } else { byte & 0x0f })),
        }
    }
}

/// Offsets of `stco` or `co64`.
fn chunk_offsets<'a>(chunks: &'a BoxView<'a>) -> Result<impl Iterator<Item = u64> + use<'a>, Error> {
    let (narrow, wide): (&[Row<1>], &[Row<2>]) = match &chunks.kind() {
        b"stco" => (words(chunks)?, &[]),
        _ => (&[], words(chunks)?),
    };
    let narrow = narrow.iter().map(|[offset]| u64::from(u32::from_be_bytes(*offset)));
    let wide =
        wide.iter().map(|[high, low]| u64::from(u32::from_be_bytes(*high)) << 32 | u64::from(u32::from_be_bytes(*low)));
    Ok(narrow.chain(wide))
}
