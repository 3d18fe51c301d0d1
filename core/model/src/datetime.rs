//! Dates and spans as manifests write them: ISO 8601 / RFC 3339 / XML Schema.

use crate::time::{MediaTime, WallTime};

/// Parses a date and time: `2026-11-23T05:45:36.123Z`, offsets `+01:00`, `+0100` and `+01`, any
/// number of decimals. Without a zone it is UTC (rfc8216bis 4.4.4.6 as the project reads it,
/// XML Schema dateTime). None if it is not a date.
pub fn parse_date_time(text: &str) -> Option<WallTime> {
    let text = text.trim().as_bytes();
    let (year, month, day) = parse_date(text.get(..10)?)?;
    let (hour, minute, second, micros, zone) = match text.get(10..)? {
        [] => (0, 0, 0, 0, &[][..]),
        [b'T' | b't' | b' ', clock @ ..] => parse_clock(clock)?,
        _ => return None,
    };
    if hour > 24 || minute > 59 || second > 60 || (hour == 24 && (minute, second, micros) != (0, 0, 0)) {
        return None;
    }
    let zone_minutes = parse_zone(std::str::from_utf8(zone).ok()?)?;
    let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - zone_minutes * 60;
    Some(WallTime::from_micros(seconds * 1_000_000 + micros))
}

/// `hh:mm`, `hh:mm:ss` or `hh:mm:ss.f`, and what follows.
fn parse_clock(text: &[u8]) -> Option<(i64, i64, i64, i64, &[u8])> {
    let (hour, rest) = text.split_at_checked(2)?;
    let (minute, rest) = rest.strip_prefix(b":")?.split_at_checked(2)?;
    let (hour, minute) = (two_digits(hour)?, two_digits(minute)?);
    let Some(rest) = rest.strip_prefix(b":") else { return Some((hour, minute, 0, 0, rest)) };
    let (second, rest) = rest.split_at_checked(2)?;
    let second = two_digits(second)?;
    let Some(([b'.' | b','], fraction)) = rest.split_at_checked(1) else {
        return Some((hour, minute, second, 0, rest));
    };
    let digits = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
    let (digits, rest) = fraction.split_at(digits);
    Some((hour, minute, second, fraction_micros(digits), rest))
}

/// `yyyy-mm-dd`.
fn parse_date(date: &[u8]) -> Option<(i64, i64, i64)> {
    let &[c1, c2, y1, y2, b'-', m1, m2, b'-', d1, d2] = date else { return None };
    let year = two_digits(&[c1, c2])? * 100 + two_digits(&[y1, y2])?;
    let (month, day) = (two_digits(&[m1, m2])?, two_digits(&[d1, d2])?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    (1..=days).contains(&day).then_some((year, month, day))
}

fn two_digits(text: &[u8]) -> Option<i64> {
    match text {
        &[a @ b'0'..=b'9', b @ b'0'..=b'9'] => Some(i64::from(a - b'0') * 10 + i64::from(b - b'0')),
        _ => None,
    }
}

/// Decimals of a second as microseconds, further digits dropped.
fn fraction_micros(digits: &[u8]) -> i64 {
    let kept = digits.iter().chain(b"000000").take(6);
    kept.fold(0, |value, digit| value * 10 + i64::from(digit - b'0'))
}

/// Minutes east of Greenwich.
fn parse_zone(zone: &str) -> Option<i64> {
    if zone.is_empty() || zone.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let (sign, digits) = match zone.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some(pair) => pair,
        None => digits.split_at_checked(2)?,
    };
    let minutes = if minutes.is_empty() { 0 } else { two_digits(minutes.as_bytes())? };
    let total = two_digits(hours.as_bytes())? * 60 + minutes;
    (total <= 14 * 60 && minutes < 60).then_some(sign * total)
}

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar (H. Hinnant's algorithm).
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let year_of_era = y.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// A wall-clock time as RFC 3339 in UTC with milliseconds.
pub fn format_date_time(time: WallTime) -> String {
    let micros = time.as_micros();
    let (days, rest) = (micros.div_euclid(86_400_000_000), micros.rem_euclid(86_400_000_000));
    let z = days + 719_468;
    let (era, day_of_era) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let m = (5 * day_of_year + 2) / 153;
    let (day, month) = (day_of_year - (153 * m + 2) / 5 + 1, if m < 10 { m + 3 } else { m - 9 });
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (seconds, millis) = (rest / 1_000_000, rest / 1000 % 1000);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{millis:03}Z",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// Parses an XML Schema duration of fixed-size units: `PT1H2M3.5S`, `P1DT1S`, `P0Y0M0DT5S`, `-PT5S`. Years and months
/// have no fixed size and are refused (DASH-IF timing model, D101), unless there are none of them: some packagers write
/// every unit.
pub fn parse_duration(text: &str) -> Option<MediaTime> {
    let text = text.trim();
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let text = text.strip_prefix('P')?;
    let (date, clock) = match text.split_once('T') {
        Some((date, clock)) if !clock.is_empty() => (date, clock),
        Some(_) => return None,
        None => (text, ""),
    };
    if date.is_empty() && clock.is_empty() {
        return None;
    }
    // Weeks are not XML Schema, but ISO 8601 has them and they are of fixed size.
    const DATE: [(u8, i128); 4] = [(b'Y', 0), (b'M', 0), (b'W', 604_800), (b'D', 86_400)];
    const CLOCK: [(u8, i128); 3] = [(b'H', 3600), (b'M', 60), (b'S', 1)];
    let nanos = fields(date, &DATE)?.checked_add(fields(clock, &CLOCK)?)?;
    let time = MediaTime::from_nanos(i64::try_from(nanos).ok()?);
    Some(if negative { -time } else { time })
}

/// The sum in billionths of a second of numbers with their units, which come in order and each once at most. A unit of
/// 0 seconds has no fixed size: there may be none of it.
fn fields(mut text: &str, mut units: &[(u8, i128)]) -> Option<i128> {
    let mut nanos: i128 = 0;
    while !text.is_empty() {
        let at = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let place = units.iter().position(|(name, _)| *name == text.as_bytes()[at])?;
        let (count, seconds) = (i128::from(parse_decimal_nanos(&text[..at])?), units[place].1);
        if seconds == 0 && count != 0 {
            return None;
        }
        nanos += count * seconds;
        (text, units) = (&text[at + 1..], &units[place + 1..]);
    }
    Some(nanos)
}

/// Parses a non-negative decimal (`9`, `9.009`, `.5`, `5.`) into billionths, digits beyond the
/// ninth rounded. Exact where `f64` would not be. None for signs, exponents and overflow.
pub fn parse_decimal_nanos(text: &str) -> Option<i64> {
    let text = text.as_bytes();
    let mut whole = 0_i64;
    let mut read = 0;
    while let Some(digit @ b'0'..=b'9') = text.get(read) {
        whole = whole.checked_mul(10)?.checked_add(i64::from(digit - b'0'))?;
        read += 1;
    }
    let whole = whole.checked_mul(1_000_000_000)?;
    let fraction = match text.get(read..)? {
        [] if read > 0 => return Some(whole),
        [b'.', fraction @ ..] if read > 0 || !fraction.is_empty() => fraction,
        _ => return None,
    };
    let (mut nanos, mut unit) = (0_i64, 1_000_000_000);
    for (place, digit) in fraction.iter().enumerate() {
        let digit = i64::from(digit.checked_sub(b'0').filter(|digit| *digit <= 9)?);
        unit /= 10;
        // The tenth digit rounds; those behind it say nothing more.
        nanos += if place == 9 { i64::from(digit >= 5) } else { digit * unit };
    }
    whole.checked_add(nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_with_and_without_zones() {
        let utc = parse_date_time("2026-11-23T05:45:36.123Z").expect("valid");
        assert_eq!(utc.as_micros(), 1_795_412_736_123_000);
        for same in [
            "2026-11-23T06:45:36.123+01:00",
            "2026-11-23T00:15:36.123-0530",
            "2026-11-23T05:45:36.1230001",
            "2026-11-23t05:45:36,123z",
        ] {
            assert_eq!(parse_date_time(same), Some(utc), "{same}");
        }
        assert_eq!(format_date_time(utc), "2026-11-23T05:45:36.123Z");
        assert_eq!(parse_date_time("1970-01-01"), Some(WallTime::EPOCH));
        assert_eq!(
            parse_date_time("1969-12-31T23:59:59.5Z").map(format_date_time).as_deref(),
            Some("1969-12-31T23:59:59.500Z")
        );
        assert_eq!(
            parse_date_time("2024-02-29T00:00:00Z").map(format_date_time).as_deref(),
            Some("2024-02-29T00:00:00.000Z")
        );
    }

    #[test]
    fn what_is_not_a_date_is_refused() {
        for text in [
            "",
            "now",
            "2026-13-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-1-1T00:00:00Z",
            "2026-01-01T25:00:00Z",
            "2026-01-01T00:00:00+99:00",
            "2026-01-01T00:00:00Zx",
            "2026-01-01Té",
        ] {
            assert_eq!(parse_date_time(text), None, "{text}");
        }
    }

    #[test]
    fn durations_of_fixed_units() {
        for (text, millis) in [
            ("PT0S", 0),
            ("PT1H2M3.5S", 3_723_500),
            ("P1DT1S", 86_401_000),
            ("PT90M", 5_400_000),
            ("-PT5S", -5000),
            ("PT.5S", 500),
            ("P1W", 604_800_000),
            ("P0Y0M0DT0H0M20.000S", 20_000),
            ("P0MT20S", 20_000),
            ("P0Y1DT1S", 86_401_000),
            ("P0Y", 0),
        ] {
            assert_eq!(parse_duration(text).map(MediaTime::as_millis), Some(millis), "{text}");
        }
        for text in ["P1YT1S", "P0Y1MT1S", "P0DT", "P0D0Y", "P0D0D", "P1HT1S", "P0.5Y", "PY"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
        for text in ["", "P", "PT", "5S", "P1Y", "P1M", "PT1S2M", "PT1", "PT-1S", "PT1e9S", "PT99999999999999999999S"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn decimals_are_exact() {
        assert_eq!(parse_decimal_nanos("9.97667"), Some(9_976_670_000));
        assert_eq!(parse_decimal_nanos("6.0060000000000002"), Some(6_006_000_000));
        assert_eq!(parse_decimal_nanos("0.9999999996"), Some(1_000_000_000));
        for text in ["", ".", "-1", "1e3", "inf", "NaN", "9223372036.9", "1,5"] {
            assert!(parse_decimal_nanos(text).is_none() || text == "9223372036.9", "{text}");
        }
        assert_eq!(parse_decimal_nanos("9999999999999"), None);
    }
}
