//! The manifests that are measured with, made from nothing: the same bytes on every machine.

use std::fmt::Write as _;

/// Which of the two manifest languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// An HLS media playlist.
    Hls,
    /// A DASH MPD.
    Dash,
}

/// One manifest.
#[derive(Clone, Debug)]
pub struct Input {
    /// File name, and the name in tables.
    pub name: &'static str,
    /// Its language.
    pub language: Language,
    /// Segments that it writes down one by one: of all adaptation sets together.
    pub segments: u64,
    /// Representations that share each adaptation set's timeline; 1 in a media playlist.
    pub renditions: u64,
    /// The text.
    pub bytes: Vec<u8>,
}

/// Segments of a media playlist: ten hours of 4 s.
pub const HLS_SEGMENTS: u64 = 9_000;
/// Adaptation sets of an MPD.
pub const DASH_SETS: u64 = 7;
/// Segments of one adaptation set: eight hours of 2 s.
pub const DASH_SEGMENTS: u64 = 14_400;

/// Every manifest, in the order of the tables.
pub fn all() -> Vec<Input> {
    let regular = |_| 4_000;
    // 2 to 6 s, to the millisecond.
    let irregular = |nth| 2_000 + scatter(nth) % 4_001;
    let counted = |nth: u64| format!("segment-{nth:06}");
    let hashed = |nth: u64| format!("{:014x}", scatter(nth) >> 8);
    // 2 s of video at 90 kHz, and what two seconds of AAC at 48 kHz come out as: 93 frames, then 94.
    let steady = |_| 180_000;
    let alternating = |nth: u64| (93 + nth % 2) * 1_024;
    vec![
        playlist("hls-regular.m3u8", regular, counted),
        playlist("hls-irregular.m3u8", irregular, counted),
        playlist("hls-irregular-hashed.m3u8", irregular, hashed),
        mpd("dash-regular.mpd", 90_000, 1, steady),
        mpd("dash-alternating.mpd", 48_000, 1, alternating),
        mpd("dash-alternating-ladder.mpd", 48_000, 6, alternating),
    ]
}

/// A media playlist whose every segment has its wall-clock time. Durations in milliseconds.
fn playlist(name: &'static str, duration: impl Fn(u64) -> u64, file: impl Fn(u64) -> String) -> Input {
    let mut text = String::from(
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:6\n#EXT-X-MEDIA-SEQUENCE:1\n#EXT-X-PLAYLIST-TYPE:VOD\n\
         #EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MAP:URI=\"title/4f1c9b60/video/h264/1080p/6000k/init.mp4\"\n",
    );
    let mut clock = 0;
    for nth in 1..=HLS_SEGMENTS {
        let duration = duration(nth);
        let (hour, minute, second, milli) = (clock / 3_600_000, clock / 60_000 % 60, clock / 1_000 % 60, clock % 1_000);
        let (whole, part) = (duration / 1_000, duration % 1_000);
        let file = file(nth);
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "#EXTINF:{whole}.{part:03},\n\
             #EXT-X-PROGRAM-DATE-TIME:2026-01-01T{hour:02}:{minute:02}:{second:02}.{milli:03}Z\n\
             title/4f1c9b60/video/h264/1080p/6000k/{file}.m4s\n",
        );
        clock += duration;
    }
    text.push_str("#EXT-X-ENDLIST\n");
    Input { name, language: Language::Hls, segments: HLS_SEGMENTS, renditions: 1, bytes: text.into_bytes() }
}

/// An MPD of one period that writes down every segment. Durations in ticks.
fn mpd(name: &'static str, timescale: u64, renditions: u64, duration: impl Fn(u64) -> u64) -> Input {
    let total: u64 = (0..DASH_SEGMENTS).map(&duration).sum();
    let seconds = total / timescale;
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\" minBufferTime=\"PT4S\" \
         profiles=\"urn:mpeg:dash:profile:isoff-live:2011\" mediaPresentationDuration=\"PT{seconds}S\">\n\
         <Period id=\"1\" start=\"PT0S\">\n",
    );
    for set in 0..DASH_SETS {
        let language = ["en", "fr", "de", "es", "it", "pt", "ja"][set as usize % 7];
        let _ = write!(
            text,
            "<AdaptationSet id=\"{set}\" contentType=\"audio\" mimeType=\"audio/mp4\" lang=\"{language}\" \
             segmentAlignment=\"true\" startWithSAP=\"1\">\n\
             <SegmentTemplate timescale=\"{timescale}\" media=\"$RepresentationID$/$Time$.m4s\" \
             initialization=\"$RepresentationID$/init.mp4\">\n<SegmentTimeline>\n",
        );
        let mut time = 0;
        for nth in 0..DASH_SEGMENTS {
            let duration = duration(nth);
            let _ = writeln!(text, "<S t=\"{time}\" d=\"{duration}\"/>");
            time += duration;
        }
        text.push_str("</SegmentTimeline>\n</SegmentTemplate>\n");
        for rendition in 1..=renditions {
            let bandwidth = rendition * 64_000;
            let _ = writeln!(
                text,
                "<Representation id=\"a{set}-{rendition}\" bandwidth=\"{bandwidth}\" codecs=\"mp4a.40.2\" \
                 audioSamplingRate=\"48000\"/>",
            );
        }
        text.push_str("</AdaptationSet>\n");
    }
    text.push_str("</Period>\n</MPD>\n");
    let segments = DASH_SETS * DASH_SEGMENTS;
    Input { name, language: Language::Dash, segments, renditions, bytes: text.into_bytes() }
}

/// A number that looks like chance and is none (the finaliser of SplitMix64).
fn scatter(nth: u64) -> u64 {
    let mut bits = nth.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests_are_as_large_as_the_tables_say() {
        for input in all() {
            let (low, high) = match input.language {
                Language::Hls => (1_050_000, 1_150_000),
                Language::Dash => (2_600_000, 3_300_000),
            };
            assert!((low..high).contains(&input.bytes.len()), "{}: {}", input.name, input.bytes.len());
        }
    }

    #[test]
    fn the_same_bytes_come_out_each_time() {
        for (once, again) in all().iter().zip(all()) {
            assert_eq!(once.bytes, again.bytes);
        }
    }
}
