//! WebVTT: cues in, cues at other times out (W3C WebVTT, section 4).

use std::fmt::Write as _;

/// One cue; times in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cue {
    /// First instant it is shown.
    pub(crate) start: u64,
    /// First instant it is no longer shown.
    pub(crate) end: u64,
    /// Cue settings as written, without the times.
    pub(crate) settings: String,
    /// The payload lines.
    pub(crate) payload: String,
}

/// A subtitle file: what stands before the first cue (styles, regions, notes), and the cues.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Script {
    preamble: String,
    /// The cues in file order.
    pub(crate) cues: Vec<Cue>,
}

impl Script {
    /// Reads a WebVTT file; `None` without the signature.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
        let body = text.strip_prefix("WEBVTT")?;
        let mut script = Self::default();
        // The first block is the rest of the signature line and header lines.
        for block in body.split("\n\n").skip(1).map(|block| block.trim_matches('\n')) {
            match cue(block) {
                Some(cue) => script.cues.push(cue),
                None if block.is_empty() || !script.cues.is_empty() => {}
                None => {
                    script.preamble.push_str(block);
                    script.preamble.push_str("\n\n");
                }
            }
        }
        Some(script)
    }

    /// A whole WebVTT file. `anchor` is the `X-TIMESTAMP-MAP` of HLS (RFC 8216, 3.5): 90 kHz ticks and milliseconds.
    pub(crate) fn write(&self, anchor: Option<(u64, u64)>, cues: impl Iterator<Item = (u64, Cue)>) -> String {
        let mut out = String::from("WEBVTT\n");
        if let Some((mpegts, local)) = anchor {
            let _ = writeln!(out, "X-TIMESTAMP-MAP=MPEGTS:{mpegts},LOCAL:{}", timestamp(local));
        }
        out.push('\n');
        out.push_str(&self.preamble);
        for (number, cue) in cues {
            let (start, end) = (timestamp(cue.start), timestamp(cue.end));
            let _ = writeln!(out, "{number}\n{start} --> {end}{}\n{}\n", cue.settings, cue.payload);
        }
        out
    }
}

fn cue(block: &str) -> Option<Cue> {
    let (times, payload) = block.split_once('\n').unwrap_or((block, ""));
    let (times, payload) = if times.contains("-->") { (times, payload) } else { payload.split_once('\n')? };
    let (start, rest) = times.split_once("-->")?;
    let rest = rest.trim_start();
    let (end, settings) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let settings = if settings.trim().is_empty() { String::new() } else { format!(" {}", settings.trim()) };
    Some(Cue { start: milliseconds(start.trim())?, end: milliseconds(end)?, settings, payload: payload.to_owned() })
}

fn milliseconds(text: &str) -> Option<u64> {
    let (clock, fraction) = text.split_once('.')?;
    let seconds = clock
        .split(':')
        .try_fold(0_u64, |total, part| total.checked_mul(60)?.checked_add(part.parse::<u32>().ok()?.into()))?;
    let fraction = (fraction.len() == 3).then(|| fraction.parse::<u64>().ok())??;
    seconds.checked_mul(1000)?.checked_add(fraction)
}

fn timestamp(ms: u64) -> String {
    let (hours, minutes, seconds) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    format!("{hours:02}:{minutes:02}:{seconds:02}.{:03}", ms % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "WEBVTT - a title\nKind: subtitles\n\nSTYLE\n::cue { color: red }\n\nintro\n00:01.000 --> 00:02.500 line:80%\none\ntwo\n\n01:00:03.000 --> 01:00:04.000\nthree\n";

    #[test]
    fn cues_are_read_with_settings_and_styles() {
        let script = Script::read(FILE).unwrap();
        assert_eq!(script.cues.len(), 2);
        assert_eq!((script.cues[0].start, script.cues[0].end), (1000, 2500));
        assert_eq!(script.cues[1].start, 3_603_000);
        let text =
            script.write(Some((900_000, 0)), script.cues.iter().cloned().enumerate().map(|(n, c)| (n as u64, c)));
        assert_eq!(
            text,
            "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:900000,LOCAL:00:00:00.000\n\nSTYLE\n::cue { color: red }\n\n\
             0\n00:00:01.000 --> 00:00:02.500 line:80%\none\ntwo\n\n1\n01:00:03.000 --> 01:00:04.000\nthree\n\n"
        );
    }

    #[test]
    fn a_file_without_the_signature_is_refused() {
        assert_eq!(Script::read("1\n00:01.000 --> 00:02.000\nx"), None);
    }
}
