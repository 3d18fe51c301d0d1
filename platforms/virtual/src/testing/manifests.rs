//! The synthetic title in both languages.

use std::fmt::Write as _;

use telecine_model::MediaTime;

use super::{Fault, SyntheticTitle, AUDIO_BITRATE, AUDIO_CLOCK};

const VIDEO_CODEC: &str = "avc1.4D4028";
const AUDIO_CODEC: &str = "mp4a.40.2";
/// One cue in so many seconds.
const CUE_EVERY: i64 = 10;

/// Seconds with six decimals, as both languages write them.
fn seconds(time: MediaTime) -> String {
    let micros = time.as_micros();
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

impl SyntheticTitle {
    pub(super) fn multivariant(&self) -> String {
        let mut out = String::from("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n");
        let mut groups = String::new();
        for language in 0..self.languages {
            let (tag, name) = language_of(language);
            let default = if language == 0 { "YES" } else { "NO" };
            let _ = writeln!(
                out,
                "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"aud\",NAME=\"{name}\",LANGUAGE=\"{tag}\",DEFAULT={default},\
                 AUTOSELECT=YES,CHANNELS=\"2\",URI=\"a{language}.m3u8\"",
            );
        }
        if self.languages > 0 {
            groups += ",AUDIO=\"aud\"";
        }
        if self.text {
            out += "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"sub\",NAME=\"English\",LANGUAGE=\"en\",AUTOSELECT=YES,\
                    URI=\"t0.m3u8\"\n";
            groups += ",SUBTITLES=\"sub\"";
        }
        let sound = if self.languages > 0 { format!(",{AUDIO_CODEC}") } else { String::new() };
        for (index, (height, bitrate)) in self.renditions.iter().enumerate() {
            let bandwidth = bitrate + if self.languages > 0 { AUDIO_BITRATE } else { 0 };
            let width = height / 9 * 16;
            // Writing to a String cannot fail.
            let _ = writeln!(
                out,
                "#EXT-X-STREAM-INF:BANDWIDTH={bandwidth},CODECS=\"{VIDEO_CODEC}{sound}\",\
                 RESOLUTION={width}x{height},FRAME-RATE=25.000{groups}\nv{index}.m3u8",
            );
        }
        out
    }

    pub(super) fn media_playlist(&self, rendition: &str) -> String {
        let target = self.segment.as_millis().saturating_add(500) / 1000;
        let mut out = format!(
            "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{}\n#EXT-X-PLAYLIST-TYPE:VOD\n\
             #EXT-X-MAP:URI=\"{rendition}/init.mp4\"\n",
            target.max(1)
        );
        let mut keys = String::new();
        for number in 0..self.segment_count() {
            if let Some(tags) = self.protection.as_ref().map(|protection| protection.key_tags(rendition, number)) {
                if tags != keys {
                    out += &tags;
                    keys = tags;
                }
            }
            let fault = self.faults.get(&(rendition.to_owned(), number));
            if fault.is_some_and(|(fault, _)| *fault == Fault::Gap) {
                out += "#EXT-X-GAP\n";
            }
            if number > 0 && self.parts.contains(&number) {
                out += "#EXT-X-DISCONTINUITY\n";
            }
            let length = self.start_of(number + 1) - self.start_of(number);
            let length = match self.rounded {
                true => (length.as_millis().saturating_add(500) / 1000).max(1).to_string(),
                false => seconds(length),
            };
            let _ = writeln!(out, "#EXTINF:{length},\n{rendition}/{number}.m4s");
        }
        out + "#EXT-X-ENDLIST\n"
    }

    pub(super) fn text_playlist(&self) -> String {
        let length = seconds(self.duration);
        let target = self.duration.as_millis() / 1000 + 1;
        format!(
            "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{target}\n#EXT-X-PLAYLIST-TYPE:VOD\n\
             #EXTINF:{length},\nt0.vtt\n#EXT-X-ENDLIST\n"
        )
    }

    pub(super) fn subtitles(&self) -> String {
        let clock = |time: i64| format!("{:02}:{:02}:{:02}.000", time / 3600, time / 60 % 60, time % 60);
        let mut out = String::from("WEBVTT\n");
        for start in (0..self.duration.as_millis() / 1000).step_by(CUE_EVERY as usize) {
            let _ = write!(out, "\n{} --> {}\nAt second {start}\n", clock(start), clock(start + 2));
        }
        out
    }

    pub(super) fn mpd(&self) -> String {
        let mut out = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" \
             profiles=\"urn:mpeg:dash:profile:isoff-live:2011\" type=\"static\" minBufferTime=\"PT2S\" \
             mediaPresentationDuration=\"PT{}S\">\n",
            seconds(self.duration)
        );
        for part in 0..self.parts.len() {
            self.period(part, &mut out);
        }
        out + "</MPD>\n"
    }

    fn descriptors(&self, rendition: &str) -> String {
        self.protection.as_ref().map(|protection| protection.descriptors(rendition)).unwrap_or_default()
    }

    fn period(&self, part: usize, out: &mut String) {
        let first = self.parts[part];
        let end = self.parts.get(part + 1).copied().unwrap_or(self.segment_count());
        let (start, length) = (self.start_of(first), self.start_of(end) - self.start_of(first));
        let _ = writeln!(
            out,
            "<Period id=\"{}\" start=\"PT{}S\" duration=\"PT{}S\">",
            part + 1,
            seconds(start),
            seconds(length)
        );
        // Microseconds, so that any length of a segment is a whole number.
        let template = format!(
            "<SegmentTemplate timescale=\"1000000\" duration=\"{}\" startNumber=\"{first}\" \
             presentationTimeOffset=\"{}\" initialization=\"$RepresentationID$/init.mp4\" \
             media=\"$RepresentationID$/$Number$.m4s\"/>\n",
            self.segment.as_micros(),
            Self::base_of(part).as_micros(),
        );
        *out += "<AdaptationSet id=\"1\" contentType=\"video\" mimeType=\"video/mp4\" segmentAlignment=\"true\" \
                 startWithSAP=\"1\">\n";
        *out += &template;
        for (index, (height, bitrate)) in self.renditions.iter().enumerate() {
            let width = height / 9 * 16;
            let _ = writeln!(
                out,
                "<Representation id=\"v{index}\" bandwidth=\"{bitrate}\" codecs=\"{VIDEO_CODEC}\" \
                 width=\"{width}\" height=\"{height}\" frameRate=\"25\">\n{}</Representation>",
                self.descriptors(&format!("v{index}"))
            );
        }
        *out += "</AdaptationSet>\n";
        let languages = if self.silent_parts.contains(&part) { 0 } else { self.languages };
        for language in 0..languages {
            let _ = write!(
                out,
                "<AdaptationSet id=\"{}\" contentType=\"audio\" lang=\"{}\" mimeType=\"audio/mp4\" \
                 segmentAlignment=\"true\" startWithSAP=\"1\">\n{template}<Representation id=\"a{language}\" \
                 bandwidth=\"{AUDIO_BITRATE}\" codecs=\"{AUDIO_CODEC}\" audioSamplingRate=\"{AUDIO_CLOCK}\">\n\
                 {}</Representation>\n</AdaptationSet>\n",
                language + 10,
                language_of(language).0,
                self.descriptors(&format!("a{language}")),
            );
        }
        if self.text && part == 0 {
            *out += "<AdaptationSet id=\"3\" contentType=\"text\" lang=\"en\" mimeType=\"text/vtt\">\n\
                     <Representation id=\"t0\" bandwidth=\"100\"><BaseURL>t0.vtt</BaseURL></Representation>\n\
                     </AdaptationSet>\n";
        }
        *out += "</Period>\n";
    }
}

/// Tag and name of a language.
fn language_of(language: u32) -> (&'static str, &'static str) {
    match language {
        0 => ("en", "English"),
        1 => ("fr", "Français"),
        _ => ("und", "Other"),
    }
}
