//! Times as WebVTT writes them.

use telecine_model::MediaTime;

/// Hours beyond this are absurd; it keeps the arithmetic in range.
const MAX_HOURS: i64 = 1_000_000;

/// Collects a timestamp from the start of a text (WebVTT, 6.3 "collect a WebVTT timestamp"): the time
/// and what follows it. None if there is none.
pub(crate) fn collect(text: &str) -> Option<(MediaTime, &str)> {
    let (first, rest) = digits(text)?;
    let mut has_hours = first.len() != 2 || number(first) > 59;
    let (second, mut rest) = digits(rest.strip_prefix(':')?)?;
    if second.len() != 2 {
        return None;
    }
    let (mut hours, mut minutes, mut seconds) = (0, number(first), number(second));
    has_hours |= rest.starts_with(':');
    if has_hours {
        let (third, behind) = digits(rest.strip_prefix(':')?)?;
        if third.len() != 2 {
            return None;
        }
        rest = behind;
        (hours, minutes, seconds) = (minutes, seconds, number(third));
    }
    let (fraction, rest) = digits(rest.strip_prefix('.')?)?;
    if fraction.len() != 3 || minutes > 59 || seconds > 59 {
        return None;
    }
    let millis = ((hours * 60 + minutes) * 60 + seconds) * 1000 + number(fraction);
    Some((MediaTime::from_millis(millis), rest))
}

/// Leading ASCII digits, at least one, and the rest.
fn digits(text: &str) -> Option<(&str, &str)> {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

fn number(digits: &str) -> i64 {
    digits.parse().unwrap_or(MAX_HOURS).min(MAX_HOURS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(text: &str) -> Option<i64> {
        collect(text).map(|(time, _)| time.as_millis())
    }

    #[test]
    fn hours_are_optional_and_as_long_as_they_like() {
        assert_eq!(millis("00:01.500"), Some(1500));
        assert_eq!(millis("59:59.999"), Some(3_599_999));
        assert_eq!(millis("01:02:03.004"), Some(3_723_004));
        assert_eq!(millis("1:02:03.004"), Some(3_723_004));
        assert_eq!(millis("100:00:00.000"), Some(360_000_000));
        assert_eq!(millis("99999999999999999999999:00:00.000"), Some(MAX_HOURS * 3_600_000));
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            "1",
            "1:00.000",
            "00:60.000",
            "60:00.000",
            "00:60:00.000",
            "0:0:0.000",
            "00:00.00",
            "00:00.0000",
            "00:00,000",
            "-00:01.000",
            "00:00:00",
            "00:001.000",
            "٠٠:٠١.٠٠٠",
        ] {
            assert_eq!(millis(text), None, "{text}");
        }
    }

    #[test]
    fn the_rest_is_given_back() {
        assert_eq!(collect("00:01.000 --> x").map(|(_, rest)| rest), Some(" --> x"));
    }
}
