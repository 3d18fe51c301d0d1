//! The clocks that an MPD names (`UTCTiming`; ISO/IEC 23009-1, 5.8.4.11 and 5.8.5.7).

use core::time::Duration;

use crate::datetime::parse_date_time;
use crate::error::{Place, Warning};
use crate::presentation::Descriptor;
use crate::time::WallTime;
use crate::uri;

/// How a server's clock is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UtcMethod {
    /// GET; the body is an `xs:dateTime`.
    XsDate,
    /// GET; the body is a date and time of ISO 8601.
    Iso,
    /// HEAD; the `Date` of the answer says it.
    Head,
}

/// A clock that can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UtcSource {
    /// The MPD says what it is, as of when it was made, to a resolution.
    Direct(WallTime, Duration),
    /// Somebody is to be asked.
    Ask {
        /// How.
        method: UtcMethod,
        /// Whom: an absolute URL.
        url: String,
    },
}

/// Clocks of one MPD that are tried.
const MAX_SOURCES: usize = 16;

/// What the schemes of 2014 and of 2012 have in common.
const SCHEMES: &str = "urn:mpeg:dash:utc:";

/// The clocks of an MPD that can be read, in the order in which they are to be tried: as listed (D022), several URLs of
/// one scheme in theirs. Schemes that need another protocol than HTTP, and unknown ones, are passed over with a warning
/// (D023). References are relative to `base`.
pub fn utc_sources(timings: &[Descriptor], base: &str) -> (Vec<UtcSource>, Vec<Warning>) {
    let (mut sources, mut warnings) = (Vec::new(), Vec::new());
    let mut warn =
        |message: String| warnings.push(Warning::new("D023", Place::Path("MPD/UTCTiming".to_owned()), message));
    for timing in timings {
        let value = timing.value.as_deref().unwrap_or("").trim();
        let name = timing.scheme.trim().strip_prefix(SCHEMES).unwrap_or("");
        let method = match name.rsplit_once(':') {
            Some(("direct", "2012" | "2014")) => {
                match parse_clock_text(value) {
                    Some((time, resolution)) => sources.push(UtcSource::Direct(time, resolution)),
                    None => warn("a direct clock that is no date".to_owned()),
                }
                continue;
            }
            Some(("http-xsdate", "2012" | "2014")) => UtcMethod::XsDate,
            Some(("http-iso", "2012" | "2014")) => UtcMethod::Iso,
            Some(("http-head", "2012" | "2014")) => UtcMethod::Head,
            _ => {
                let known = matches!(name.split(':').next(), Some("ntp" | "sntp" | "http-ntp"));
                let scheme: String = timing.scheme.chars().take(80).collect();
                let what = if known { "is not spoken" } else { "is not known" };
                warn(format!("the clock of scheme {scheme} {what}: it was passed over"));
                continue;
            }
        };
        if value.is_empty() {
            warn("a clock without a URL".to_owned());
        }
        for url in value.split_ascii_whitespace() {
            if sources.len() < MAX_SOURCES {
                sources.push(UtcSource::Ask { method, url: uri::resolve(base, url) });
            }
        }
    }
    sources.truncate(MAX_SOURCES);
    (sources, warnings)
}

/// Reads a time as servers write it, in the extended or the basic format (`2026-11-27T17:15:49.123Z`,
/// `20261127T171549Z`), and to what it is rounded down: the last decimal, or the second. None for anything else.
pub fn parse_clock_text(text: &str) -> Option<(WallTime, Duration)> {
    let text = text.trim();
    let time = match text.as_bytes().get(4) {
        Some(b'-') => parse_date_time(text)?,
        _ => parse_date_time(&extended(text)?)?,
    };
    // A date alone is no clock.
    let (_, clock) = text.split_once(['T', 't', ' '])?;
    let clock = clock.split(['+', '-', 'Z', 'z']).next().unwrap_or("");
    let (whole, decimals) = clock.split_once(['.', ',']).unwrap_or((clock, ""));
    let seconds = whole.bytes().filter(u8::is_ascii_digit).count() >= 6;
    let resolution = match (decimals.len(), seconds) {
        (0, true) => Duration::from_secs(1),
        (0, false) => Duration::from_secs(60),
        (decimals, _) => Duration::from_micros(10_u64.pow(6_u32.saturating_sub(u32::try_from(decimals).unwrap_or(6)))),
    };
    Some((time, resolution))
}

/// The basic format of ISO 8601 as the extended one.
fn extended(text: &str) -> Option<String> {
    let (date, clock) = text.split_once(['T', 't'])?;
    let (year, month, day) = (date.get(..4)?, date.get(4..6)?, date.get(6..8)?);
    let (hour, minute, rest) = (clock.get(..2)?, clock.get(2..4)?, clock.get(4..)?);
    let seconds = rest.get(..2)?;
    (date.len() == 8).then(|| format!("{year}-{month}-{day}T{hour}:{minute}:{seconds}{}", rest.get(2..).unwrap_or("")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timing(scheme: &str, value: &str) -> Descriptor {
        Descriptor { scheme: format!("urn:mpeg:dash:utc:{scheme}"), value: Some(value.to_owned()), id: None }
    }

    fn ask(method: UtcMethod, url: &str) -> UtcSource {
        UtcSource::Ask { method, url: url.to_owned() }
    }

    #[test]
    fn d022_clocks_are_tried_in_the_order_of_the_mpd_and_each_of_their_urls_in_theirs() {
        let timings = [
            timing("http-head:2014", "https://t.example/now"),
            timing("http-xsdate:2012", "https://a.example/x  https://b.example/y"),
            timing("http-iso:2014", "time?iso"),
        ];
        let (sources, warnings) = utc_sources(&timings, "https://cdn.example/live/m.mpd");
        let expected = [
            ask(UtcMethod::Head, "https://t.example/now"),
            ask(UtcMethod::XsDate, "https://a.example/x"),
            ask(UtcMethod::XsDate, "https://b.example/y"),
            ask(UtcMethod::Iso, "https://cdn.example/live/time?iso"),
        ];
        assert_eq!((sources.as_slice(), warnings.len()), (&expected[..], 0));
    }

    #[test]
    fn d023_what_is_not_spoken_is_passed_over_with_a_warning_and_the_next_clock_is_taken() {
        let timings = [
            timing("ntp:2014", "ntp.example"),
            timing("sntp:2014", "ntp.example"),
            timing("http-ntp:2014", "https://ntp.example"),
            timing("quantum:2030", "x"),
            timing("direct:2012", "2026-11-27T17:15:49.5Z"),
            timing("direct:2014", "soon"),
        ];
        let (sources, warnings) = utc_sources(&timings, "https://cdn.example/m.mpd");
        let time = parse_date_time("2026-11-27T17:15:49.5Z").expect("a date");
        assert_eq!(sources, [UtcSource::Direct(time, Duration::from_millis(100))]);
        assert_eq!(warnings.len(), 5);
        assert!(warnings.iter().all(|warning| warning.rule == "D023"));
        assert!(warnings[2].message.contains("http-ntp:2014 is not spoken"), "{}", warnings[2]);
        assert!(warnings[3].message.contains("is not known"), "{}", warnings[3]);
    }

    #[test]
    fn d022_no_mpd_makes_the_player_ask_for_ever() {
        let urls = "https://t.example/now ".repeat(10_000);
        let timings = vec![timing("http-iso:2014", &urls); 3];
        assert_eq!(utc_sources(&timings, "https://cdn.example/m.mpd").0.len(), MAX_SOURCES);
    }

    #[test]
    fn d023_answers_are_read_in_either_format_and_to_their_resolution() {
        let whole = parse_date_time("2026-11-27T17:15:49Z").expect("a date");
        let half = parse_date_time("2026-11-27T17:15:49.5Z").expect("a date");
        for (text, time, resolution_us) in [
            ("2026-11-27T17:15:49Z", whole, 1_000_000),
            (" 2026-11-27T17:15:49Z\r\n", whole, 1_000_000),
            ("2026-11-27T17:15:49", whole, 1_000_000),
            ("2026-11-27T18:15:49.500+01:00", half, 1_000),
            ("2026-11-27T17:15:49.5000000Z", half, 1),
            ("2026-11-27T17:15:49,5Z", half, 100_000),
            ("20261127T171549Z", whole, 1_000_000),
            ("20261127T171549.5Z", half, 100_000),
            ("20261127T181549+0100", whole, 1_000_000),
        ] {
            assert_eq!(parse_clock_text(text), Some((time, Duration::from_micros(resolution_us))), "{text}");
        }
        let minute = parse_date_time("2026-11-27T17:15:00Z").expect("a date");
        assert_eq!(parse_clock_text("2026-11-27T17:15+00:00"), Some((minute, Duration::from_secs(60))));
        for text in ["", "now", "2026-11-27", "20261127", "1795412736", "20261127T17", "2026é1127T171549Z", "<html>"] {
            assert_eq!(parse_clock_text(text), None, "{text}");
        }
    }
}
