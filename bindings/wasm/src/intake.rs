//! Answers to requests on their way in: room for their bytes, and what a body has to be (RFC 9110, 14).
//!
//! The browser's chunk lies in the heap of JavaScript and is copied once, into a slab of its request. What is taken out of a
//! slab is shared, not copied, so that pieces which came one behind the other lie side by side.

use bytes::{Bytes, BytesMut};
use telecine_engine::{FetchRequest, RequestClass, RequestId};
use telecine_model::{uri, ByteRange, ErrorCode};

/// Of a resource whose server ignores byte ranges no more than this is read past.
const MOST_SKIPPED: u64 = 16 << 20;
/// Of the body of an error status no more is read: services explain themselves there.
const MOST_EXPLAINED: u64 = 64 << 10;
/// A slab of a body whose length nobody said; later ones are twice as long, up to `LONGEST`.
const FIRST: usize = 256 << 10;
const LONGEST: usize = 1 << 20;
/// An end that stands for none: the last position that can be named everywhere (RFC 8673, 2.1).
const OPEN_END: u64 = (1 << 53) - 1;

/// What goes wrong with an answer.
pub(crate) type Fault = (ErrorCode, String);

/// One request under way.
#[derive(Debug)]
pub(crate) struct Intake {
    pub(crate) id: RequestId,
    url: String,
    range: Option<ByteRange>,
    whole_will_do: bool,
    /// Its length on the way says something about it. Texts come compressed, and a page is not told so by another origin; what
    /// HEAD is answered with has a length and no body.
    as_sent: bool,
    max_bytes: u64,
    slab: BytesMut,
    next_slab: usize,
    /// Bytes to read past before the part that was asked for.
    skip: u64,
    /// Bytes that may still come.
    left: u64,
    /// The server sends more than is wanted: reading ends where that does.
    cut: bool,
    /// Bytes that there must be.
    expected: Option<u64>,
    received: u64,
}

impl Intake {
    pub(crate) fn new(request: &FetchRequest) -> Self {
        Self {
            id: request.id,
            url: request.url.clone(),
            range: request.byte_range,
            whole_will_do: request.whole_will_do,
            as_sent: !request.head
                // Licences are texts, and what an application unwraps of them has another length.
                && request.licence.is_none()
                && (request.byte_range.is_some() || is_media(request.class)),
            max_bytes: request.max_bytes,
            slab: BytesMut::new(),
            next_slab: FIRST,
            skip: 0,
            left: u64::MAX,
            cut: false,
            expected: None,
            received: 0,
        }
    }

    /// Whether the answer may come from where it came from: the browser followed redirects by its own rules.
    pub(crate) fn came_from(&self, url: &str) -> Result<(), Fault> {
        match uri::may_follow(&self.url, url) {
            true => Ok(()),
            false => Err((ErrorCode::SchemeForbidden, "a redirect leads to where content may not lead".to_owned())),
        }
    }

    /// Takes status and lengths; gives the length of the body as it will be handed on.
    pub(crate) fn head(
        &mut self,
        status: u16,
        content_length: Option<u64>,
        content_range: Option<&str>,
    ) -> Result<Option<u64>, Fault> {
        let content_length = content_length.filter(|_| self.as_sent);
        if !(200..300).contains(&status) {
            self.left = MOST_EXPLAINED.min(self.max_bytes);
            self.cut = true;
            return Ok(content_length);
        }
        let range = self.range.filter(|_| status == 206 || !self.whole_will_do);
        match range {
            None if status == 206 && self.range.is_none() => {
                return Err(mismatch("the server sent a part although the whole was asked for"));
            }
            None => self.expected = content_length,
            Some(range) if status != 206 => {
                // Ranges are optional for servers (RFC 9110, 14.2): the part is taken out of the whole.
                if range.offset > MOST_SKIPPED {
                    let message = "the server ignores byte ranges, and the part is too far into the file to read past all before it";
                    return Err(mismatch(message));
                }
                self.skip = range.offset;
                self.cut = true;
                self.left = range.length;
                self.expected = content_length.map(|length| length.saturating_sub(range.offset).min(range.length));
            }
            Some(range) => {
                // A page sees this header only where the server exposes it.
                if let Some(sent) = content_range.and_then(parse_content_range) {
                    let end = range.offset.saturating_add(range.length);
                    let reaches = sent.1 == end || (sent.1 < end && sent.2 == Some(sent.1));
                    if sent.0 != range.offset || !reaches {
                        let (from, last, first, to) = (range.offset, end.saturating_sub(1), sent.0, sent.1 - 1);
                        let message = format!("bytes {from} to {last} were asked for, {first} to {to} were sent");
                        return Err((ErrorCode::RangeMismatch, message));
                    }
                }
                self.left = range.length;
                self.expected = content_length.filter(|_| range.offset.saturating_add(range.length) < OPEN_END);
            }
        }
        if self.expected.is_some_and(|expected| expected > self.max_bytes) {
            return Err(self.too_large());
        }
        self.left = self.left.min(self.max_bytes.saturating_add(1));
        if let Some(length) = self.expected {
            self.next_slab = usize::try_from(length).unwrap_or(LONGEST).clamp(1, LONGEST);
        }
        Ok(self.expected)
    }

    /// Room for so many bytes that came.
    pub(crate) fn room(&mut self, count: usize) -> &[u8] {
        if self.slab.len() < count {
            self.slab = BytesMut::zeroed(self.next_slab.max(count));
            self.next_slab = (self.next_slab * 2).clamp(FIRST, LONGEST);
        }
        &self.slab[..count]
    }

    /// Takes so many bytes out of the room that was given: what of them is of the body, and whether no more of it is wanted.
    pub(crate) fn chunk(&mut self, count: usize) -> Result<(Bytes, bool), Fault> {
        let mut bytes = self.slab.split_to(count.min(self.slab.len())).freeze();
        let skipped = self.skip.min(bytes.len() as u64);
        self.skip -= skipped;
        // Not more than there are.
        let _ = bytes.split_to(skipped as usize);
        bytes.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left -= bytes.len() as u64;
        self.received += bytes.len() as u64;
        if self.received > self.max_bytes {
            return Err(self.too_large());
        }
        Ok((bytes, self.cut && self.left == 0))
    }

    /// Whether a body that ended is whole.
    pub(crate) fn end(&self) -> Result<(), Fault> {
        match self.expected {
            Some(expected) if expected != self.received => {
                let message = format!("{expected} bytes were declared, {} came", self.received);
                Err((ErrorCode::BodyLengthMismatch, message))
            }
            None if self.skip > 0 => Err(mismatch("the part that was asked for begins behind the end")),
            _ => Ok(()),
        }
    }

    fn too_large(&self) -> Fault {
        (ErrorCode::BodyTooLarge, format!("more than {} bytes", self.max_bytes))
    }
}

/// What does not get smaller by compression.
fn is_media(class: RequestClass) -> bool {
    matches!(class, RequestClass::Init | RequestClass::Index | RequestClass::Segment | RequestClass::Key)
}

fn mismatch(message: &str) -> Fault {
    (ErrorCode::RangeMismatch, message.to_owned())
}

/// `bytes 0-499/1234` (RFC 9110, 14.4): first, behind the last, total.
fn parse_content_range(text: &str) -> Option<(u64, u64, Option<u64>)> {
    let (range, total) = text.trim().strip_prefix("bytes ")?.trim().split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, end) = (first.trim().parse::<u64>().ok()?, last.trim().parse::<u64>().ok()?.checked_add(1)?);
    (first < end).then_some((first, end, total.trim().parse().ok()))
}

#[cfg(test)]
impl Intake {
    /// Copies into the room that was given, as a page does.
    pub(crate) fn fill(&mut self, bytes: &[u8]) {
        self.slab[..bytes.len()].copy_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use telecine_engine::Validators;

    fn request(byte_range: Option<ByteRange>, max_bytes: u64) -> FetchRequest {
        FetchRequest {
            id: RequestId(1 << 50),
            class: RequestClass::Segment,
            kind: None,
            url: "http://a/".to_owned(),
            head: false,
            byte_range,
            whole_will_do: false,
            max_bytes,
            head_timeout: Duration::from_secs(1),
            idle_timeout: Duration::from_secs(1),
            max_redirects: 5,
            known: Validators::default(),
            urgency: 3,
            pace: None,
            attempt: 0,
            licence: None,
        }
    }

    fn give(intake: &mut Intake, bytes: usize) -> Result<(Bytes, bool), Fault> {
        assert_eq!(intake.room(bytes).len(), bytes);
        intake.chunk(bytes)
    }

    #[test]
    fn chunks_of_a_body_lie_side_by_side() {
        let mut intake = Intake::new(&request(None, 1 << 20));
        assert_eq!(intake.head(200, Some(3000), None), Ok(Some(3000)));
        let (first, done) = give(&mut intake, 1000).expect("it fits");
        let (second, _) = give(&mut intake, 2000).expect("it fits");
        assert!(!done);
        assert_eq!(first.as_ptr().addr() + first.len(), second.as_ptr().addr());
        assert_eq!(intake.end(), Ok(()));
    }

    #[test]
    fn a_part_is_taken_out_of_the_whole_where_the_server_ignores_ranges() {
        let mut intake = Intake::new(&request(Some(ByteRange { offset: 1500, length: 1000 }), 1 << 20));
        assert_eq!(intake.head(200, Some(9000), None), Ok(Some(1000)));
        assert_eq!(give(&mut intake, 1000).expect("it is read past").0.len(), 0);
        assert_eq!(give(&mut intake, 1000).map(|(bytes, done)| (bytes.len(), done)), Ok((500, false)));
        assert_eq!(give(&mut intake, 1000).map(|(bytes, done)| (bytes.len(), done)), Ok((500, true)));
        assert_eq!(intake.end(), Ok(()));
    }

    #[test]
    fn what_is_too_large_too_short_or_another_part_is_refused() {
        let code = |fault: Fault| fault.0;
        let mut large = Intake::new(&request(None, 1000));
        assert_eq!(large.head(200, Some(1001), None).map_err(code), Err(ErrorCode::BodyTooLarge));
        let mut endless = Intake::new(&request(None, 1000));
        assert_eq!(endless.head(200, None, None), Ok(None));
        assert_eq!(give(&mut endless, 1000).map(|(bytes, _)| bytes.len()), Ok(1000));
        assert_eq!(give(&mut endless, 1).map_err(code).err(), Some(ErrorCode::BodyTooLarge));
        let mut short = Intake::new(&request(None, 1000));
        assert_eq!(short.head(200, Some(10), None), Ok(Some(10)));
        assert_eq!(short.end().map_err(code), Err(ErrorCode::BodyLengthMismatch));
        let range = Some(ByteRange { offset: 0, length: 10 });
        let mut other = Intake::new(&request(range, 1000));
        assert_eq!(other.head(206, Some(10), Some("bytes 10-19/20")).map_err(code), Err(ErrorCode::RangeMismatch));
        let mut far = Intake::new(&request(Some(ByteRange { offset: MOST_SKIPPED + 1, length: 10 }), 1000));
        assert_eq!(far.head(200, None, None).map_err(code), Err(ErrorCode::RangeMismatch));
    }
}
