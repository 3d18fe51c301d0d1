//! `Retry-After` (RFC 9110, 10.2.3): seconds, or a date.

use std::time::Duration;

use telecine_model::WallTime;

/// How long a server asks to wait. A date counts from `now`, the server's own `Date` or the best
/// wall clock at hand; a date without one, and anything else, is None. At most a day.
pub fn parse_retry_after(value: &str, now: Option<WallTime>) -> Option<Duration> {
    const DAY: u64 = 86_400;
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds.min(DAY)));
    }
    let micros = parse_http_date(value)?.as_micros().saturating_sub(now?.as_micros());
    Some(Duration::from_micros(u64::try_from(micros).unwrap_or(0)).min(Duration::from_secs(DAY)))
}

/// An HTTP date in its preferred form, `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, 5.6.7).
fn parse_http_date(text: &str) -> Option<WallTime> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (_, rest) = text.split_once(", ")?;
    let mut fields = rest.split(' ');
    let (day, month, year, clock) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    if fields.next() != Some("GMT") || fields.next().is_some() {
        return None;
    }
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    telecine_model::datetime::parse_date_time(&format!("{year}-{month:02}-{day}T{clock}Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates() {
        assert_eq!(parse_retry_after("120", None), Some(Duration::from_secs(120)));
        assert_eq!(
            parse_retry_after("999999999999", None),
            Some(Duration::from_secs(86_400))
        );
        let now = telecine_model::datetime::parse_date_time("1994-11-06T08:49:07Z");
        assert_eq!(
            parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now),
            Some(Duration::from_secs(30))
        );
        assert_eq!(
            parse_retry_after("Sun, 06 Nov 1994 08:40:00 GMT", now),
            Some(Duration::ZERO)
        );
        assert_eq!(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", None), None);
        for nonsense in ["", "soon", "-5", "1.5", "Sun, 06 Foo 1994 08:49:37 GMT"] {
            assert_eq!(parse_retry_after(nonsense, now), None, "{nonsense}");
        }
    }
}
