//! The blocks of a playlist while it is read: those known from the version before are passed over, the others noted.

use std::sync::Arc;

use telecine_model::{Error, Limits, SegmentIndex};

use super::super::blocks::{hash, Aside, Block, TextBlocks, BLOCK};
use super::super::reader::{Line, Reader};
use super::super::report::{or_ignored, Feature};
use super::Builder;

/// What is known of the version before.
#[derive(Clone, Copy)]
pub(in super::super) struct Known<'k> {
    pub(in super::super) index: &'k SegmentIndex,
    pub(in super::super) text: &'k TextBlocks,
}

/// Notes the blocks of a text.
#[derive(Default)]
pub(super) struct Recorder {
    blocks: Vec<Noted>,
    /// The block that is being read, as of its beginning.
    open: Option<Open>,
}

/// A block, and where its text is if its hash is not known yet: most playlists end, and need none.
struct Noted {
    block: Block,
    from: Option<usize>,
}

/// What is as of the beginning of a block.
struct Open {
    number: u64,
    at: usize,
    line: u64,
    faults: u64,
    part_count: usize,
    discontinuities: u64,
    stored_keys: usize,
    bitrate: Option<u64>,
    i_frames_only: bool,
    /// What the longest segment so far was. While the block is read, only its own count.
    longest: (u64, u64),
}

impl Recorder {
    /// The blocks, with their hashes.
    pub(super) fn finish(self, reader: &Reader<'_, '_>, limits: &Limits) -> TextBlocks {
        let hashed = self.blocks.into_iter().filter_map(|Noted { mut block, from }| {
            if let Some(from) = from {
                block.hash = hash(reader.text(from, from + block.bytes as usize)?.as_bytes());
            }
            Some(block)
        });
        TextBlocks::new(hashed.collect(), limits)
    }
}

impl Builder {
    /// The segment to come is the first of a block.
    pub(super) fn on_block(&mut self, reader: &mut Reader<'_, '_>, known: Option<Known<'_>>) -> Result<(), Error> {
        self.close_block(reader);
        while let Some(block) = self.pass_block(reader, known)? {
            self.recorder.blocks.push(Noted { block, from: None });
        }
        self.open_block(reader);
        Ok(())
    }

    /// Passes over a block whose text is here again.
    fn pass_block(&mut self, reader: &mut Reader<'_, '_>, known: Option<Known<'_>>) -> Result<Option<Block>, Error> {
        let limits = reader.report.context.limits;
        let block = known.and_then(|known| Some((known.index, known.text.get(self.segments.number, limits)?)));
        let Some((index, block)) = block else {
            return Ok(None);
        };
        let (text, line) = reader.behind();
        let same = block.i_frames_only == self.info.i_frames_only
            && reader.report.has_used(block.features)
            && block.begins(text)
            && self.segments.take_over(block, index, &reader.report)?;
        if !same {
            return Ok(None);
        }
        for aside in block.asides.iter() {
            // Lines of segments are no asides.
            if let Some(Line::Media(tag, value)) = reader.read_ahead(aside.at, aside.line)? {
                or_ignored(self.tag(tag, value, reader))?;
            }
        }
        reader.pass(block.bytes, block.lines);
        if block.longest.0 > self.longest.0 {
            self.longest = (block.longest.0, line.saturating_add(u64::from(block.longest.1)));
        }
        Ok(Some(block.clone()))
    }

    fn open_block(&mut self, reader: &mut Reader<'_, '_>) {
        reader.asides.clear();
        reader.report.features = 0;
        self.recorder.open = Some(Open {
            number: self.segments.number,
            at: reader.at(),
            line: reader.behind().1,
            faults: reader.report.faults,
            part_count: self.part_count,
            discontinuities: self.segments.discontinuity_count,
            stored_keys: self.segments.stored_keys,
            bitrate: self.segments.bitrate,
            i_frames_only: self.info.i_frames_only,
            longest: core::mem::take(&mut self.longest),
        });
    }

    /// Notes the block that ends here, if it can be passed over when it comes again.
    pub(super) fn close_block(&mut self, reader: &Reader<'_, '_>) {
        let Some(open) = self.recorder.open.take() else {
            return;
        };
        let own = self.longest;
        if open.longest.0 >= own.0 {
            self.longest = open.longest;
        }
        let plain = reader.report.faults == open.faults
            && self.part_count == open.part_count
            && reader.report.features & Feature::Variables.bit() == 0
            && reader.asides.len() <= Reader::MOST_ASIDES
            && self.segments.skipped.is_none()
            && self.segments.number.checked_sub(open.number) == Some(BLOCK);
        let ends_line = reader.text(open.at, reader.at()).is_some_and(|text| text.ends_with('\n'));
        let block = || {
            let lines = |number: u64| u32::try_from(number.checked_sub(open.line)?).ok();
            let aside = |(at, line): &(usize, u64)| {
                Some(Aside { at: u32::try_from(at.checked_sub(open.at)?).ok()?, line: lines(*line)? })
            };
            Some(Block {
                number: open.number,
                hash: 0,
                bytes: u32::try_from(reader.at() - open.at).ok()?,
                lines: lines(reader.behind().1)?,
                longest: (own.0, lines(own.1)?),
                features: reader.report.features,
                discontinuities: u32::try_from(self.segments.discontinuity_count - open.discontinuities).ok()?,
                stored_keys: u32::try_from(self.segments.stored_keys - open.stored_keys).ok()?,
                continues: self.segments.continues,
                i_frames_only: open.i_frames_only,
                bitrates: (open.bitrate, self.segments.bitrate),
                asides: reader.asides.iter().map(aside).collect::<Option<Arc<[Aside]>>>()?,
            })
        };
        if let Some(block) = Some(()).filter(|()| plain && ends_line).and_then(|()| block()) {
            self.recorder.blocks.push(Noted { block, from: Some(open.at) });
        }
    }
}
