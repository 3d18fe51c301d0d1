//! What a body has to be: how long, and which part of the resource (RFC 9110, 14).

use telecine_model::{ByteRange, ErrorCode};
use telecine_virtual::Failure;

/// A server that ignores byte ranges sends the whole resource. So many bytes of it are read past to get at the part
/// that was asked for, and no more: 16 MiB take three seconds at 50 Mbit/s, and again for every segment.
pub(super) const MOST_SKIPPED: u64 = 16 << 20;

/// An end that stands for none: the last position that can be named everywhere (RFC 8673, 2.1).
const OPEN_END: u64 = (1 << 53) - 1;

/// How much of an answer is read, and how much there has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BodyPlan {
    /// Read past so much before it: the server sent the whole instead of a part.
    pub(super) skip: u64,
    /// Bytes that there must be; None if nothing says so.
    pub(super) expected: Option<u64>,
    /// Read no further than this.
    pub(super) take: u64,
}

impl BodyPlan {
    /// What to expect of a good answer (2xx). `content_length` is that of the body as it is read.
    pub(super) fn of(
        status: u16,
        range: Option<ByteRange>,
        content_length: Option<u64>,
        content_range: Option<&str>,
    ) -> Result<Self, Failure> {
        let whole = Self { skip: 0, expected: content_length, take: u64::MAX };
        let Some(range) = range else {
            return match status {
                206 => Err(mismatch("the server sent a part although the whole was asked for")),
                _ => Ok(whole),
            };
        };
        if status != 206 {
            // Ranges are optional for servers (RFC 9110, 14.2): the part is taken out of the whole.
            if range.offset > MOST_SKIPPED {
                return Err(mismatch(&format!(
                    "the server ignores byte ranges, and byte {} is too far into the file to read past all before \
                     it (more than {} MiB): let server and CDN answer Range with 206, or package one file a segment",
                    range.offset,
                    MOST_SKIPPED >> 20
                )));
            }
            let there = content_length.map(|length| length.saturating_sub(range.offset));
            if there == Some(0) && range.length > 0 {
                return Err(beyond(range, content_length.unwrap_or(0)));
            }
            let expected = there.map(|there| there.min(range.length));
            return Ok(Self { skip: range.offset, expected, take: range.length });
        }
        let sent = content_range.and_then(ContentRange::parse);
        let sent = sent.ok_or_else(|| mismatch("the server sent a part without saying which"))?;
        let asked_end = range.offset.saturating_add(range.length);
        let reaches = sent.end == asked_end || (sent.end < asked_end && sent.total == Some(sent.end));
        if sent.start != range.offset || !reaches {
            return Err(mismatch(&format!(
                "bytes {} to {} were asked for, {} to {} were sent",
                range.offset,
                asked_end.saturating_sub(1),
                sent.start,
                sent.end - 1
            )));
        }
        let length = sent.end - sent.start;
        // What is asked for to no end, of something that grows, ends when it is complete: the end that is named then is the
        // one that was asked for, and says nothing (RFC 8673, 2.2).
        if sent.total.is_none() && asked_end >= OPEN_END {
            return Ok(Self { skip: 0, expected: content_length, take: length });
        }
        if content_length.is_some_and(|declared| declared != length) {
            let message = "Content-Length and Content-Range contradict each other";
            return Err(Failure::new(ErrorCode::BodyLengthMismatch, message));
        }
        Ok(Self { skip: 0, expected: Some(length), take: length })
    }

    /// Says what is wrong with a body of `received` bytes that ended.
    pub(super) fn check_end(&self, received: u64) -> Result<(), Failure> {
        match self.expected {
            Some(expected) if expected != received => Err(Failure::new(
                ErrorCode::BodyLengthMismatch,
                format!("{expected} bytes were declared, {received} came"),
            )),
            // The whole was no longer than what was read past of it.
            None if self.skip > 0 && received == 0 => {
                Err(beyond(ByteRange { offset: self.skip, length: self.take }, self.skip))
            }
            _ => Ok(()),
        }
    }
}

/// A part was asked for that begins behind the end of the resource.
pub(super) fn beyond(range: ByteRange, total: u64) -> Failure {
    mismatch(&format!("byte {} was asked for of {total}", range.offset))
}

fn mismatch(message: &str) -> Failure {
    Failure::new(ErrorCode::RangeMismatch, message)
}

/// `Content-Range: bytes 0-499/1234` (RFC 9110, 14.4), the end exclusive and behind the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ContentRange {
    start: u64,
    end: u64,
    total: Option<u64>,
}

impl ContentRange {
    fn parse(text: &str) -> Option<Self> {
        let (unit, rest) = text.trim().split_once(' ')?;
        let (range, total) = rest.trim().split_once('/')?;
        let (start, last) = range.split_once('-')?;
        let range = Self {
            start: start.trim().parse().ok()?,
            end: last.trim().parse::<u64>().ok()?.checked_add(1)?,
            total: match total.trim() {
                "*" => None,
                total => Some(total.parse().ok()?),
            },
        };
        let sane = range.start < range.end && range.total.is_none_or(|total| range.end <= total);
        (unit.eq_ignore_ascii_case("bytes") && sane).then_some(range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(offset: u64, length: u64) -> Option<ByteRange> {
        Some(ByteRange { offset, length })
    }

    fn plan(expected: Option<u64>, take: u64) -> Result<BodyPlan, Failure> {
        Ok(BodyPlan { skip: 0, expected, take })
    }

    fn code(plan: Result<BodyPlan, Failure>) -> Option<ErrorCode> {
        plan.err().map(|failure| failure.code)
    }

    #[test]
    fn a_whole_body_is_as_long_as_declared() {
        assert_eq!(BodyPlan::of(200, None, Some(5), None), plan(Some(5), u64::MAX));
        assert_eq!(BodyPlan::of(200, None, None, None), plan(None, u64::MAX));
        assert_eq!(code(BodyPlan::of(206, None, Some(5), Some("bytes 0-4/9"))), Some(ErrorCode::RangeMismatch));
    }

    #[test]
    fn a_part_is_the_part_that_was_asked_for() {
        assert_eq!(BodyPlan::of(206, range(10, 5), Some(5), Some("bytes 10-14/99")), plan(Some(5), 5));
        assert_eq!(BodyPlan::of(206, range(10, 5), None, Some("Bytes 10-14/*")), plan(Some(5), 5));
        for wrong in ["bytes 9-13/99", "bytes 10-15/99", "bytes 10-13/99", "bytes 10-13/*", "bytes */99", "10-14/99"] {
            let refused = BodyPlan::of(206, range(10, 5), None, Some(wrong));
            assert_eq!(code(refused), Some(ErrorCode::RangeMismatch), "{wrong}");
        }
        assert_eq!(code(BodyPlan::of(206, range(10, 5), Some(5), None)), Some(ErrorCode::RangeMismatch));
        let contradiction = BodyPlan::of(206, range(10, 5), Some(4), Some("bytes 10-14/99"));
        assert_eq!(code(contradiction), Some(ErrorCode::BodyLengthMismatch));
    }

    #[test]
    fn what_grows_ends_where_it_is_complete() {
        let open = range(10, OPEN_END - 10);
        let last = OPEN_END - 1;
        let grows = BodyPlan::of(206, open, None, Some(&format!("bytes 10-{last}/*")));
        assert_eq!(grows, plan(None, OPEN_END - 10));
        assert_eq!(grows.expect("a plan").check_end(7), Ok(()));
        let complete = BodyPlan::of(206, open, Some(5), Some("bytes 10-14/15"));
        assert_eq!(complete, plan(Some(5), 5), "it was complete already");
        assert_eq!(
            code(BodyPlan::of(206, open, None, Some(&format!("bytes 9-{last}/*")))),
            Some(ErrorCode::RangeMismatch)
        );
    }

    #[test]
    fn a_part_may_be_cut_short_by_the_end_of_the_resource() {
        assert_eq!(BodyPlan::of(206, range(10, 500), Some(5), Some("bytes 10-14/15")), plan(Some(5), 5));
        assert_eq!(BodyPlan::of(206, range(10, u64::MAX), None, Some("bytes 10-14/15")), plan(Some(5), 5));
    }

    #[test]
    fn the_part_is_taken_out_of_a_whole_within_bounds() {
        assert_eq!(BodyPlan::of(200, range(0, 5), Some(99), None), plan(Some(5), 5));
        assert_eq!(BodyPlan::of(200, range(0, 5), Some(3), None), plan(Some(3), 5));
        let later = |length| BodyPlan::of(200, range(10, 5), length, None);
        assert_eq!(later(Some(99)), Ok(BodyPlan { skip: 10, expected: Some(5), take: 5 }));
        assert_eq!(later(Some(12)), Ok(BodyPlan { skip: 10, expected: Some(2), take: 5 }), "cut short by the end");
        assert_eq!(later(None), Ok(BodyPlan { skip: 10, expected: None, take: 5 }));
        assert_eq!(code(later(Some(10))), Some(ErrorCode::RangeMismatch), "nothing is there");
    }

    #[test]
    fn a_part_too_far_into_a_whole_is_refused_with_what_to_do() {
        let at = |offset| BodyPlan::of(200, range(offset, 5), Some(u64::MAX), None);
        assert_eq!(at(MOST_SKIPPED).map(|plan| plan.skip), Ok(MOST_SKIPPED));
        let refused = at(MOST_SKIPPED + 1).expect_err("too far");
        assert_eq!(refused.code, ErrorCode::RangeMismatch);
        for part in ["ignores byte ranges", "16777217", "16 MiB", "206"] {
            assert!(refused.message.contains(part), "{}", refused.message);
        }
    }

    #[test]
    fn absurd_content_ranges_are_none() {
        for text in ["", "bytes", "bytes 5-4/9", "bytes 0-9/9", "bytes 0-18446744073709551615/*", "bytes -1-4/9"] {
            assert_eq!(ContentRange::parse(text), None, "{text}");
        }
    }
}
