//! What a body has to be: how long, and which part of the resource (RFC 9110, 14).

use telecine_model::{ByteRange, ErrorCode};
use telecine_virtual::Failure;

/// How much of an answer is read, and how much there has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BodyPlan {
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
        let whole = Self { expected: content_length, take: u64::MAX };
        let Some(range) = range else {
            return match status {
                206 => Err(mismatch("the server sent a part although the whole was asked for")),
                _ => Ok(whole),
            };
        };
        if status != 206 {
            // Ranges are optional for servers. The beginning of the whole is as good as the part;
            // anything further would fetch and throw away what comes before.
            if range.offset > 0 {
                return Err(mismatch("the server sent the whole although a part was asked for"));
            }
            return Ok(Self { expected: content_length.map(|length| length.min(range.length)), take: range.length });
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
        if content_length.is_some_and(|declared| declared != length) {
            let message = "Content-Length and Content-Range contradict each other";
            return Err(Failure::new(ErrorCode::BodyLengthMismatch, message));
        }
        Ok(Self { expected: Some(length), take: length })
    }

    /// Says what is wrong with a body of `received` bytes that ended.
    pub(super) fn check_end(&self, received: u64) -> Result<(), Failure> {
        match self.expected {
            Some(expected) if expected != received => Err(Failure::new(
                ErrorCode::BodyLengthMismatch,
                format!("{expected} bytes were declared, {received} came"),
            )),
            _ => Ok(()),
        }
    }
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
        Ok(BodyPlan { expected, take })
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
    fn a_part_may_be_cut_short_by_the_end_of_the_resource() {
        assert_eq!(BodyPlan::of(206, range(10, 500), Some(5), Some("bytes 10-14/15")), plan(Some(5), 5));
        assert_eq!(BodyPlan::of(206, range(10, u64::MAX), None, Some("bytes 10-14/15")), plan(Some(5), 5));
    }

    #[test]
    fn the_whole_stands_in_for_a_part_only_from_the_beginning() {
        assert_eq!(BodyPlan::of(200, range(0, 5), Some(99), None), plan(Some(5), 5));
        assert_eq!(BodyPlan::of(200, range(0, 5), Some(3), None), plan(Some(3), 5));
        assert_eq!(code(BodyPlan::of(200, range(1, 5), Some(99), None)), Some(ErrorCode::RangeMismatch));
    }

    #[test]
    fn absurd_content_ranges_are_none() {
        for text in ["", "bytes", "bytes 5-4/9", "bytes 0-9/9", "bytes 0-18446744073709551615/*", "bytes -1-4/9"] {
            assert_eq!(ContentRange::parse(text), None, "{text}");
        }
    }
}
