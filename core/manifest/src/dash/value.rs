//! Values of attributes, read as integers: nothing here goes through a float.

use telecine_model::datetime::parse_decimal_nanos;
use telecine_model::{ByteRange, MediaTime};

/// An integer; a plus sign is allowed (XML Schema part 2).
pub(super) fn integer<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.strip_prefix('+').unwrap_or(text).parse().ok()
}

/// A positive integer; zero is not valid.
pub(super) fn positive(text: &str) -> Option<u32> {
    integer(text).filter(|value| *value > 0)
}

/// Seconds as `xs:double` without an exponent, signed.
pub(super) fn seconds(text: &str) -> Option<MediaTime> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let time = MediaTime::from_nanos(parse_decimal_nanos(digits)?);
    Some(if negative { -time } else { time })
}

/// A decimal in thousandths: `1.04` is 1040.
pub(super) fn thousandths(text: &str) -> Option<u32> {
    u32::try_from(parse_decimal_nanos(text)? / 1_000_000).ok()
}

/// A decimal in millionths.
pub(super) fn millionths(text: &str) -> Option<u64> {
    u64::try_from(parse_decimal_nanos(text)? / 1000).ok()
}

/// `first-last`, both included (RFC 9110, 14.1.2 without the unit).
pub(super) fn byte_range(text: &str) -> Option<ByteRange> {
    let (first, last) = text.split_once('-')?;
    let (first, last): (u64, u64) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    Some(ByteRange { offset: first, length: last.checked_sub(first)?.checked_add(1)? })
}

/// `30`, `30000/1001`, and the decimals that some packagers write.
pub(super) fn frame_rate(text: &str) -> Option<(u32, u32)> {
    let rate = match text.split_once('/') {
        Some((num, den)) => (num.trim().parse().ok()?, den.trim().parse().ok()?),
        None if text.contains('.') => (thousandths(text)?, 1000),
        None => (text.parse().ok()?, 1),
    };
    (rate.0 > 0 && rate.1 > 0).then_some(rate)
}

/// Columns by rows of a thumbnail grid: `10x5`.
pub(super) fn grid(text: &str) -> Option<(u32, u32)> {
    let (columns, rows) = text.trim().split_once(['x', 'X'])?;
    Some((positive(columns.trim())?, positive(rows.trim())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_exact_decimals() {
        assert_eq!(seconds("1.96"), Some(MediaTime::from_millis(1960)));
        assert_eq!(seconds("-0.5"), Some(MediaTime::from_millis(-500)));
        assert_eq!((seconds("INF"), seconds(""), seconds("1e3")), (None, None, None));
    }

    #[test]
    fn byte_ranges_include_both_ends() {
        let range = |offset, length| Some(ByteRange { offset, length });
        assert_eq!(byte_range("0-999"), range(0, 1000));
        assert_eq!(byte_range("800-800"), range(800, 1));
        for bad in ["", "5", "9-8", "0-18446744073709551615", "-5", "5-"] {
            assert_eq!(byte_range(bad), None, "{bad}");
        }
    }

    #[test]
    fn frame_rates_are_rational() {
        assert_eq!(frame_rate("30000/1001"), Some((30_000, 1001)));
        assert_eq!(frame_rate("25"), Some((25, 1)));
        assert_eq!(frame_rate("29.97"), Some((29_970, 1000)));
        assert_eq!((frame_rate("0"), frame_rate("1/0"), frame_rate("x")), (None, None, None));
    }
}
