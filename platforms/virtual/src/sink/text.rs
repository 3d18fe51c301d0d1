//! Just enough of WebVTT to count cues.

use telecine_model::hash::Fnv1a;
use telecine_model::MediaTime;

/// A cue: its times as written, and a digest of times and text that tells repetitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cue {
    pub(crate) start: MediaTime,
    pub(crate) end: MediaTime,
    pub(crate) digest: u64,
}

/// The cues of a WebVTT file. A line with an arrow is a cue's timings, wherever it stands (WebVTT,
/// 6.1, "collect a WebVTT block"); one whose times cannot be read or do not ascend is no cue.
pub(crate) fn cues(text: &[u8]) -> impl Iterator<Item = Cue> + '_ {
    let mut lines = text.split(|byte| matches!(byte, b'\n' | b'\r')).peekable();
    std::iter::from_fn(move || loop {
        let line = lines.next()?;
        let Some((start, end)) = timings(line) else { continue };
        let mut digest = Fnv1a::default();
        digest.update(line);
        while let Some(payload) = lines.next_if(|line| !line.is_empty() && !has_arrow(line)) {
            digest.update(payload);
        }
        return Some(Cue { start, end, digest: digest.finish() });
    })
}

fn has_arrow(line: &[u8]) -> bool {
    line.windows(3).any(|three| three == b"-->")
}

fn timings(line: &[u8]) -> Option<(MediaTime, MediaTime)> {
    let (start, rest) = std::str::from_utf8(line).ok()?.split_once("-->")?;
    let (start, end) = (timestamp(start.trim())?, timestamp(rest.split_whitespace().next()?)?);
    (start < end).then_some((start, end))
}

/// `hh:mm:ss.mmm` or `mm:ss.mmm` (WebVTT, 6.3).
fn timestamp(text: &str) -> Option<MediaTime> {
    let (clock, millis) = text.split_once('.')?;
    let mut seconds = 0i64;
    for (place, field) in clock.split(':').enumerate() {
        if place > 2 || field.len() < 2 {
            return None;
        }
        seconds = seconds.checked_mul(60)?.checked_add(number(field)?)?;
    }
    let millis = (millis.len() == 3 && clock.contains(':')).then(|| number(millis)).flatten()?;
    Some(MediaTime::from_secs(seconds) + MediaTime::from_millis(millis))
}

fn number(digits: &str) -> Option<i64> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cues_are_found_with_and_without_identifiers_and_line_ends() {
        let text = "WEBVTT\r\n\r\nNOTE a note\r\n\r\n1\r\n00:01.000 --> 00:02.500 align:start\r\nHello\r\n\r\n\
                    01:00:00.001-->01:00:01.000\r\nBye\r\n";
        let found: Vec<_> = cues(text.as_bytes()).map(|cue| (cue.start.as_millis(), cue.end.as_millis())).collect();
        assert_eq!(found, [(1000, 2500), (3_600_001, 3_601_000)]);
    }

    #[test]
    fn what_is_not_a_cue_does_not_count() {
        for text in [
            "1 --> 2",
            "00:01.00 --> 00:02.000",
            "00:02.000 --> 00:01.000",
            "0:01.000 --> 0:02.000",
            "00:00:00:01.000 --> 00:00:00:02.000",
            "00:01.000 -->",
            "\u{0}\u{ff}-->",
        ] {
            assert_eq!(cues(text.as_bytes()).count(), 0, "{text}");
        }
    }

    #[test]
    fn equal_cues_have_equal_digests() {
        let digests = |text: &str| cues(text.as_bytes()).map(|cue| cue.digest).collect::<Vec<_>>();
        let twice = digests("00:01.000 --> 00:02.000\na\nb\n\n00:01.000 --> 00:02.000\na\nb\n");
        assert_eq!(twice[0], twice[1]);
        assert_ne!(digests("00:01.000 --> 00:02.000\na"), digests("00:01.000 --> 00:02.000\nb"));
    }
}
