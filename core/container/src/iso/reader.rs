//! The incremental reader: bytes in any split, units out.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use telecine_model::{Error, ErrorCode, Limits, Place};

use super::boxes::{fourcc_name, BoxView, Extent, FourCc, Header};
use super::event::{self, EventMessage, ProducerReference};
use super::fragment::Fragment;
use super::index::{self, SegmentIndexBox};
use super::init::{self, InitSegment};
use super::moof::{self, DecodeTimes, Moof};
use crate::sniff::begins_media;
use crate::window::Window;

/// What comes out of a resource, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unit {
    /// Everything needed before the first fragment.
    Init(Arc<InitSegment>),
    /// Samples, complete.
    Fragment(Fragment),
    /// A segment index.
    Index(SegmentIndexBox),
    /// An event. The fragment behind it carries its bytes too.
    Event(EventMessage),
    /// A producer's reference time. The fragment behind it carries its bytes too.
    ProducerTime(ProducerReference),
}

/// Reads ISO-BMFF incrementally.
///
/// Bytes may arrive in any split. Push them, then poll until `None`; at the end of the resource call
/// [`finish`](Self::finish) and poll once more. The same reader can then go on with the next resource of the track:
/// it keeps the initialisation segment and the decode times.
///
/// Media is not copied: a [`Fragment`] holds the slices that were pushed. The reader holds back one
/// fragment at most; what nobody needs is dropped as it arrives.
#[derive(Debug)]
pub struct IsoReader {
    limits: Limits,
    window: Window,
    init: Option<Arc<InitSegment>>,
    file_type: Option<(Bytes, Vec<FourCc>)>,
    decode_times: DecodeTimes,
    open: Option<OpenBox>,
    pending: Option<Pending>,
    /// Units found by `finish`.
    ready: VecDeque<Unit>,
    failure: Option<Error>,
}

/// A box whose content is passed over, not parsed: its header is behind the cursor.
#[derive(Clone, Copy, Debug)]
struct OpenBox {
    kind: FourCc,
    offset: u64,
    body: u64,
    /// None: to the end of the resource.
    end: Option<u64>,
}

/// A fragment in the making: the window keeps its bytes.
#[derive(Debug, Default)]
struct Pending {
    brands: Vec<FourCc>,
    /// The `moof` and its place in the resource.
    moof: Option<(Moof, Range<u64>)>,
    /// Payloads of `mdat` boxes in the resource, ascending.
    media: Vec<Range<u64>>,
}

impl Pending {
    /// Every byte of every sample is before this offset; only with a `moof`.
    fn complete(&self) -> bool {
        match (&self.moof, self.media.last()) {
            (Some((moof, _)), Some(media)) => moof.media_end <= media.end,
            _ => false,
        }
    }

    /// A `moof` waits for its media.
    fn waits(&self) -> bool {
        self.moof.is_some()
    }
}

enum Step {
    Unit(Unit),
    Moved,
    Starved,
}

impl IsoReader {
    /// A reader at the start of a resource.
    pub fn new(limits: &Limits) -> Self {
        Self {
            limits: limits.clone(),
            window: Window::default(),
            init: None,
            file_type: None,
            decode_times: DecodeTimes::new(),
            open: None,
            pending: None,
            ready: VecDeque::new(),
            failure: None,
        }
    }

    /// Says where in the resource the next byte pushed comes from, when only a range of it is read.
    /// Call it before the first push; it makes offsets in units and errors those of the resource.
    pub fn set_offset(&mut self, offset: u64) {
        self.window = Window::at(offset);
    }

    /// Gives fragments of a media segment the defaults of their tracks, from an initialisation
    /// segment that was read elsewhere.
    pub fn set_init(&mut self, init: Arc<InitSegment>) {
        self.init = Some(init);
    }

    /// Adds bytes of the resource, in their order. After a failure it does nothing.
    pub fn push(&mut self, bytes: Bytes) {
        if self.failure.is_none() {
            self.window.push(bytes);
        }
    }

    /// The next complete unit; `Ok(None)` means that more bytes are needed.
    ///
    /// # Errors
    /// `ContainerSyntax`, `ContainerLimit`, `InitMissing`, `IndexInvalid`, `TimestampInvalid`,
    /// `CodecUnsupported` (a protection scheme that is not Common Encryption), each with its place. After an error
    /// the reader stays failed: it gives the same error again.
    pub fn poll(&mut self) -> Result<Option<Unit>, Error> {
        match self.ready.pop_front() {
            Some(unit) => Ok(Some(unit)),
            None => self.advance(),
        }
    }

    /// Passes over media that nothing waits for, as that of a progressive file, without its bytes: at most `available`
    /// of them. Gives how many: the next byte pushed is the one behind them. Poll first; it is zero where bytes are needed.
    pub fn pass_over(&mut self, available: u64) -> u64 {
        match self.open {
            Some(OpenBox { end: Some(end), .. }) if self.pending.is_none() && self.failure.is_none() => {
                let cursor = self.window.cursor();
                if self.window.available() > 0 {
                    return 0;
                }
                let count = end.saturating_sub(cursor).min(available);
                self.window = Window::at(cursor.saturating_add(count));
                count
            }
            _ => 0,
        }
    }

    /// Ends the resource. Units that became complete by its end (an `mdat` that reaches to it) are
    /// given by the next polls. The reader is then at the start of another resource.
    ///
    /// # Errors
    /// `ContainerTruncated` if bytes of an unfinished box or fragment remain, with its place; `ContainerUnknown` if there is nothing
    /// else, and no media begins so; and
    /// those of [`poll`](Self::poll) if units had not been polled to the end.
    pub fn finish(&mut self) -> Result<(), Error> {
        while let Some(unit) = self.advance()? {
            self.ready.push_back(unit);
        }
        match self.end_of_resource() {
            Ok(unit) => {
                self.ready.extend(unit);
                self.set_offset(0);
                self.pending = None;
                self.file_type = None;
                Ok(())
            }
            Err(error) => Err(self.fail(error)),
        }
    }

    fn advance(&mut self) -> Result<Option<Unit>, Error> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        loop {
            match self.step() {
                Ok(Step::Unit(unit)) => return Ok(Some(unit)),
                Ok(Step::Moved) => {}
                Ok(Step::Starved) => return Ok(None),
                Err(error) => return Err(self.fail(error)),
            }
        }
    }

    fn fail(&mut self, error: Error) -> Error {
        self.failure = Some(error.clone());
        self.window = Window::default();
        error
    }

    fn step(&mut self) -> Result<Step, Error> {
        if let Some(open) = self.open {
            return self.pass(open);
        }
        let Some(header) = self.header()? else {
            return Ok(Step::Starved);
        };
        let offset = self.window.cursor();
        let (limit, belongs) = match &header.kind {
            // Boxes that are passed over. Between a moof and its media they stay in the fragment.
            b"ftyp" | b"moov" | b"sidx" => (self.limits.init_bytes, false),
            b"styp" | b"moof" | b"emsg" | b"prft" => (self.limits.box_bytes, true),
            _ => return self.open(header, offset),
        };
        if let Some(unit) = self.close_fragment(header.kind, offset)? {
            return Ok(Step::Unit(unit));
        }
        let Extent::Bytes(size) = header.extent else {
            return Err(syntax(header.kind, offset, "only media data may reach to the end of the resource"));
        };
        let Some(size) = usize::try_from(size).ok().filter(|size| *size <= limit) else {
            return Err(too_large(header.kind, offset, size, limit as u64));
        };
        if self.window.available() < size as u64 {
            return Ok(Step::Starved);
        }
        if belongs {
            self.check_span(header.kind, offset, offset.saturating_add(size as u64))?;
            self.pending.get_or_insert_default();
        }
        let bytes = self.window.read(size);
        let unit = self.parse(&bytes, header, offset)?;
        if self.pending.is_none() {
            self.window.discard();
        }
        Ok(unit.map_or(Step::Moved, Step::Unit))
    }

    /// The header at the cursor, once it has arrived.
    fn header(&self) -> Result<Option<Header>, Error> {
        let mut bytes = [0; Header::MAX];
        let count = self.window.peek(&mut bytes);
        Header::read(bytes.get(..count).unwrap_or_default())
            .map_err(|(kind, message)| syntax(kind, self.window.cursor(), &message))
    }

    fn parse(&mut self, bytes: &Bytes, header: Header, offset: u64) -> Result<Option<Unit>, Error> {
        let view = BoxView::whole(bytes, header, offset);
        match &header.kind {
            b"ftyp" => {
                self.pending = None;
                self.file_type = Some((bytes.clone(), init::brands(&view)?));
                Ok(None)
            }
            b"moov" => {
                self.pending = None;
                let init = Arc::new(init::read(bytes, header, offset, self.file_type.take(), &self.limits)?);
                self.init = Some(Arc::clone(&init));
                Ok(Some(Unit::Init(init)))
            }
            b"sidx" => Ok(Some(Unit::Index(index::read(&view)?))),
            b"emsg" => Ok(event::read_event(&view)?.map(Unit::Event)),
            b"prft" => Ok(event::read_producer_reference(&view)?.map(Unit::ProducerTime)),
            b"moof" => {
                let moof = moof::read(&view, self.init.as_deref(), &mut self.decode_times, &self.limits)?;
                self.pending.get_or_insert_default().moof = Some((moof, offset..view.end_offset()));
                Ok(None)
            }
            _ => {
                self.pending.get_or_insert_default().brands = init::brands(&view)?;
                Ok(None)
            }
        }
    }

    /// Starts to pass over a box that is not parsed.
    fn open(&mut self, header: Header, offset: u64) -> Result<Step, Error> {
        let end = match header.extent {
            Extent::Bytes(size) => Some(offset.saturating_add(size)),
            Extent::ToEnd => None,
        };
        if self.pending.is_some() {
            self.check_span(header.kind, offset, end.unwrap_or(offset))?;
        }
        self.window.advance(header.length);
        self.open = Some(OpenBox { kind: header.kind, offset, body: self.window.cursor(), end });
        Ok(Step::Moved)
    }

    /// Passes over what has arrived of the open box.
    fn pass(&mut self, open: OpenBox) -> Result<Step, Error> {
        let left = open.end.map_or(u64::MAX, |end| end.saturating_sub(self.window.cursor()));
        self.window.advance(left);
        match &self.pending {
            None => self.window.discard(),
            Some(_) => self.check_span(open.kind, open.offset, self.window.cursor())?,
        }
        if open.end != Some(self.window.cursor()) {
            return Ok(Step::Starved);
        }
        self.open = None;
        Ok(self.close(open)?.map_or(Step::Moved, Step::Unit))
    }

    /// The cursor stands at the end of an open box.
    fn close(&mut self, open: OpenBox) -> Result<Option<Unit>, Error> {
        let media = open.body..self.window.cursor();
        let Some(pending) = self.pending.as_mut().filter(|pending| pending.waits()) else {
            return Ok(None);
        };
        if &open.kind != b"mdat" {
            return Ok(None);
        }
        if pending.media.len() >= self.limits.side_items {
            return Err(too_large(open.kind, open.offset, pending.media.len() as u64, self.limits.side_items as u64));
        }
        pending.media.push(media);
        if pending.complete() {
            return self.deliver();
        }
        Ok(None)
    }

    /// A fragment whose `moof` promises no bytes ends before the next box that cannot be its media;
    /// one whose media has not come by then never gets it.
    fn close_fragment(&mut self, next: FourCc, offset: u64) -> Result<Option<Unit>, Error> {
        match &self.pending {
            Some(Pending { moof: Some((moof, range)), .. }) if moof.media_end > 0 => Err(syntax(
                *b"moof",
                range.start,
                &format!(
                    "samples lie outside the media data behind the moof, which ends before {} at byte {offset}",
                    fourcc_name(next)
                ),
            )),
            Some(pending) if pending.waits() => self.deliver(),
            _ => Ok(None),
        }
    }

    /// Everything before the cursor is a fragment.
    fn deliver(&mut self) -> Result<Option<Unit>, Error> {
        let Some(Pending { brands, moof: Some((mut moof, range)), mut media }) = self.pending.take() else {
            return Ok(None);
        };
        let start = self.window.start();
        for track in &mut moof.tracks {
            for sample in &mut track.samples {
                let end = sample.offset.saturating_add(u64::from(sample.size));
                // The only range that can hold it is the last one that starts before it.
                let at = media.partition_point(|media| media.start <= sample.offset);
                let holds = at.checked_sub(1).and_then(|at| media.get(at)).is_some_and(|media| end <= media.end);
                if sample.size == 0 {
                    // A sample without bytes lies nowhere; so that it can be asked for, here.
                    sample.offset = start;
                } else if !holds {
                    return Err(Error::new(
                        ErrorCode::ContainerSyntax,
                        format!(
                            "a sample at bytes {} to {end} lies outside the media data behind its moof",
                            sample.offset
                        ),
                    )
                    .at(Place::Box { path: "moof/traf".to_owned(), offset: track.traf.start }));
                }
                sample.offset = sample.offset.saturating_sub(start);
            }
            track.traf = relative(&track.traf, start);
        }
        for media in &mut media {
            *media = relative(media, start);
        }
        let size = self.window.cursor().saturating_sub(start);
        Ok(Some(Unit::Fragment(Fragment {
            data: self.window.take(),
            size,
            offset: start,
            sequence: moof.sequence,
            tracks: moof.tracks,
            brands,
            pssh: moof.pssh,
            moof: relative(&range, start),
            media,
        })))
    }

    fn end_of_resource(&mut self) -> Result<Option<Unit>, Error> {
        let mut unit = None;
        match self.open.take() {
            Some(open) if open.end.is_none() => unit = self.close(open)?,
            Some(open) => {
                let missing = open.end.unwrap_or_default().saturating_sub(self.window.cursor());
                return Err(cut(open.kind, open.offset, missing));
            }
            None => {}
        }
        if self.window.available() > 0 {
            let offset = self.window.cursor();
            return Err(match self.header()? {
                Some(Header { kind, extent: Extent::Bytes(size), .. }) => {
                    cut(kind, offset, size.saturating_sub(self.window.available()))
                }
                _ => Error::new(ErrorCode::ContainerTruncated, "the resource ends in the header of a box")
                    .at(Place::Byte(offset)),
            });
        }
        match &self.pending {
            Some(Pending { moof: Some((moof, range)), .. }) if moof.media_end > 0 => {
                let missing = moof.media_end.saturating_sub(self.window.cursor()).max(1);
                Err(truncated(*b"moof", range.start, missing))
            }
            Some(pending) if pending.waits() => self.deliver(),
            _ => Ok(unit),
        }
    }

    /// A fragment, with everything that is kept for it, has a limit.
    fn check_span(&self, kind: FourCc, offset: u64, end: u64) -> Result<(), Error> {
        let start = self.pending.as_ref().map_or(offset, |_| self.window.start());
        let span = end.saturating_sub(start);
        if span > self.limits.segment_bytes {
            return Err(too_large(kind, offset, span, self.limits.segment_bytes));
        }
        Ok(())
    }
}

fn relative(range: &Range<u64>, start: u64) -> Range<u64> {
    range.start.saturating_sub(start)..range.end.saturating_sub(start)
}

fn at(code: ErrorCode, kind: FourCc, offset: u64, message: String) -> Error {
    Error::new(code, message).at(Place::Box { path: fourcc_name(kind), offset })
}

fn syntax(kind: FourCc, offset: u64, message: &str) -> Error {
    at(ErrorCode::ContainerSyntax, kind, offset, message.to_owned())
}

fn too_large(kind: FourCc, offset: u64, size: impl std::fmt::Display, limit: u64) -> Error {
    at(ErrorCode::ContainerLimit, kind, offset, format!("{size} is more than the limit of {limit}"))
}

/// A resource ends in a box. If that is its first one, and none that media begins with, it was no box: pages of errors are sent in
/// place of media.
fn cut(kind: FourCc, offset: u64, missing: u64) -> Error {
    match offset == 0 && !begins_media(&kind) {
        true => {
            Error::new(ErrorCode::ContainerUnknown, "the resource is no media: is it a page that tells of an error?")
                .at(Place::Byte(0))
        }
        false => truncated(kind, offset, missing),
    }
}

fn truncated(kind: FourCc, offset: u64, missing: u64) -> Error {
    at(ErrorCode::ContainerTruncated, kind, offset, format!("the resource ends {missing} bytes too early"))
}
