//! Dates and spans as manifests write them: ISO 8601 / RFC 3339 / XML Schema.

use crate::time::{MediaTime, WallTime};

/// Parses a date and time: `2026-11-23T05:45:36.123Z`, offsets `+01:00`, `+0100` and `+01`, any
/// number of decimals. Without a zone it is UTC (rfc8216bis 4.4.4.6 as the project reads it,
/// XML Schema dateTime). None if it is not a date.
pub fn parse_date_time(text: &str) -> Option<WallTime> {
    let text = text.trim();
    let (date, rest) = text.split_once(['T', 't', ' ']).unwrap_or((text, "00:00:00Z"));
    let (year, month, day) = parse_date(date)?;
    let zone_at = rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len());
    let (clock, zone) = rest.split_at(zone_at);
    let mut fields = clock.split(':');
    let hour = two_digits(fields.next()?)?;
    let minute = two_digits(fields.next()?)?;
    let (second, micros) = match fields.next() {
        Some(seconds) => {
            let (whole, fraction) = seconds.split_once(['.', ',']).unwrap_or((seconds, ""));
            (two_digits(whole)?, fraction_micros(fraction)?)
        }
        None => (0, 0),
    };
    if fields.next().is_some()
        || hour > 24
        || minute > 59
        || second > 60
        || (hour == 24 && (minute, second, micros) != (0, 0, 0))
    {
        return None;
    }
    let zone_minutes = parse_zone(zone)?;
    let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - zone_minutes * 60;
    Some(WallTime::from_micros(seconds * 1_000_000 + micros))
}

fn parse_date(date: &str) -> Option<(i64, i64, i64)> {
    let mut fields = date.split('-');
    let (year, month, day) = (fields.next()?, fields.next()?, fields.next()?);
    if year.len() != 4 || fields.next().is_some() || !year.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (year, month, day) = (year.parse().ok()?, two_digits(month)?, two_digits(day)?);
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

fn two_digits(text: &str) -> Option<i64> {
    (text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

/// Decimals of a second as microseconds, further digits dropped.
fn fraction_micros(digits: &str) -> Option<i64> {
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let kept = &digits[..digits.len().min(6)];
    let value: i64 = if kept.is_empty() { 0 } else { kept.parse().ok()? };
    Some(value * 10_i64.pow(6 - kept.len() as u32))
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
    let minutes = if minutes.is_empty() { 0 } else { two_digits(minutes)? };
    let total = two_digits(hours)? * 60 + minutes;
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

/// Parses an XML Schema duration of fixed-size units: `PT1H2M3.5S`, `P1DT1S`, `-PT5S`. Years and
/// months have no fixed size and are refused (DASH-IF timing model, D101).
pub fn parse_duration(text: &str) -> Option<MediaTime> {
    let text = text.trim();
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let text = text.strip_prefix('P')?;
    let (days, clock) = match text.split_once('T') {
        Some((days, clock)) if !clock.is_empty() => (days, clock),
        Some(_) => return None,
        None => (text, ""),
    };
    if days.is_empty() && clock.is_empty() {
        return None;
    }
    let mut nanos: i128 = 0;
    if !days.is_empty() {
        // Weeks are not XML Schema, but ISO 8601 has them and they are of fixed size.
        let (digits, seconds) = match (days.strip_suffix('D'), days.strip_suffix('W')) {
            (Some(digits), _) => (digits, 86_400),
            (_, Some(digits)) => (digits, 604_800),
            _ => return None,
        };
        nanos += i128::from(parse_decimal_nanos(digits)?) * seconds;
    }
    let mut rest = clock;
    let mut last_unit = 0;
    while !rest.is_empty() {
        let at = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (rank, seconds) = match rest.as_bytes()[at] {
            b'H' => (1, 3600),
            b'M' => (2, 60),
            b'S' => (3, 1),
            _ => return None,
        };
        if rank <= last_unit {
            return None;
        }
        last_unit = rank;
        nanos += i128::from(parse_decimal_nanos(&rest[..at])?) * seconds;
        rest = &rest[at + 1..];
    }
    let nanos = i64::try_from(nanos).ok()?;
    let time = MediaTime::from_nanos(nanos);
    Some(if negative { -time } else { time })
}

/// Parses a non-negative decimal (`9`, `9.009`, `.5`, `5.`) into billionths, digits beyond the
/// ninth rounded. Exact where `f64` would not be. None for signs, exponents and overflow.
pub fn parse_decimal_nanos(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if (whole.is_empty() && fraction.is_empty()) || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let kept = &fraction[..fraction.len().min(9)];
    let mut nanos: i64 = if kept.is_empty() { 0 } else { kept.parse().ok()? };
    nanos *= 10_i64.pow(9 - kept.len() as u32);
    if fraction.as_bytes().get(9).is_some_and(|digit| *digit >= b'5') {
        nanos += 1;
    }
    whole.checked_mul(1_000_000_000)?.checked_add(nanos)
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
        ] {
            assert_eq!(parse_duration(text).map(MediaTime::as_millis), Some(millis), "{text}");
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
