//! `Retry-After` (RFC 9110, 10.2.3): seconds, or a date.

use std::time::Duration;

use telecine_model::datetime::parse_date_time;
use telecine_model::WallTime;

/// How long a server asks to wait. A date counts from `now`, the server's own `Date` or the best
/// wall clock at hand; a date without one, and anything else, is None. At most a day.
pub fn parse_retry_after(value: &str, now: Option<WallTime>) -> Option<Duration> {
    const DAY: u64 = 86_400;
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number holds ask for more than a day too.
        return Some(Duration::from_secs(value.parse().unwrap_or(DAY).min(DAY)));
    }
    let micros = parse_http_date(value)?.as_micros().saturating_sub(now?.as_micros());
    Some(Duration::from_micros(u64::try_from(micros).unwrap_or(0)).min(Duration::from_secs(DAY)))
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// An HTTP date in any of its three forms; a recipient must accept all (RFC 9110, 5.6.7):
/// `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT`, `Sun Nov  6 08:49:37 1994`.
fn parse_http_date(text: &str) -> Option<WallTime> {
    let fields: Vec<&str> = text.split([' ', ',', '-']).filter(|field| !field.is_empty()).collect();
    let (day, month, year, clock) = match fields[..] {
        [_, day, month, year, clock, "GMT"] => (day, month, year, clock),
        [_, month, day, clock, year] => (day, month, year, clock),
        _ => return None,
    };
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let number = |text: &str| text.parse::<u32>().ok();
    let year = match (year.len(), number(year)?) {
        // A year of two digits is never more than fifty years ahead; the obsolete form will not
        // be written in the second half of the century.
        (2, short) if short < 70 => 2000 + short,
        (2, short) => 1900 + short,
        (_, year) => year,
    };
    parse_date_time(&format!("{year:04}-{month:02}-{:02}T{clock}Z", number(day)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates() {
        assert_eq!(parse_retry_after("120", None), Some(Duration::from_secs(120)));
        assert_eq!(parse_retry_after("999999999999", None), Some(Duration::from_secs(86_400)));
        let now = parse_date_time("1994-11-06T08:49:07Z");
        // The three examples of RFC 9110, 5.6.7.
        for date in ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"] {
            assert_eq!(parse_retry_after(date, now), Some(Duration::from_secs(30)), "{date}");
        }
        assert_eq!(parse_retry_after("Sun, 06 Nov 1994 08:40:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", None), None);
        for nonsense in [
            "",
            "soon",
            "-5",
            "+5",
            "1.5",
            "Sun, 06 Foo 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "é Nov 6 08:49:37 1994 GMT x",
        ] {
            assert_eq!(parse_retry_after(nonsense, now), None, "{nonsense}");
        }
    }
}
