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
        if self.audio {
            out += "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"aud\",NAME=\"English\",LANGUAGE=\"en\",DEFAULT=YES,\
                    AUTOSELECT=YES,CHANNELS=\"2\",URI=\"a0.m3u8\"\n";
            groups += ",AUDIO=\"aud\"";
        }
        if self.text {
            out += "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"sub\",NAME=\"English\",LANGUAGE=\"en\",AUTOSELECT=YES,\
                    URI=\"t0.m3u8\"\n";
            groups += ",SUBTITLES=\"sub\"";
        }
        let sound = if self.audio { format!(",{AUDIO_CODEC}") } else { String::new() };
        for (index, (height, bitrate)) in self.renditions.iter().enumerate() {
            let bandwidth = bitrate + if self.audio { AUDIO_BITRATE } else { 0 };
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
        for number in 0..self.segment_count() {
            let fault = self.faults.get(&(rendition.to_owned(), number));
            if fault.is_some_and(|(fault, _)| *fault == Fault::Gap) {
                out += "#EXT-X-GAP\n";
            }
            let length = seconds(self.start_of(number + 1) - self.start_of(number));
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
             mediaPresentationDuration=\"PT{}S\">\n<Period id=\"1\">\n",
            seconds(self.duration)
        );
        // Microseconds, so that any length of a segment is a whole number.
        let template = format!(
            "<SegmentTemplate timescale=\"1000000\" duration=\"{}\" startNumber=\"0\" \
             initialization=\"$RepresentationID$/init.mp4\" media=\"$RepresentationID$/$Number$.m4s\"/>\n",
            self.segment.as_micros()
        );
        out += "<AdaptationSet id=\"1\" contentType=\"video\" mimeType=\"video/mp4\" segmentAlignment=\"true\" \
                startWithSAP=\"1\">\n";
        out += &template;
        for (index, (height, bitrate)) in self.renditions.iter().enumerate() {
            let width = height / 9 * 16;
            let _ = writeln!(
                out,
                "<Representation id=\"v{index}\" bandwidth=\"{bitrate}\" codecs=\"{VIDEO_CODEC}\" \
                 width=\"{width}\" height=\"{height}\" frameRate=\"25\"/>"
            );
        }
        out += "</AdaptationSet>\n";
        if self.audio {
            let _ = write!(
                out,
                "<AdaptationSet id=\"2\" contentType=\"audio\" lang=\"en\" mimeType=\"audio/mp4\" \
                 segmentAlignment=\"true\" startWithSAP=\"1\">\n{template}<Representation id=\"a0\" \
                 bandwidth=\"{AUDIO_BITRATE}\" codecs=\"{AUDIO_CODEC}\" audioSamplingRate=\"{AUDIO_CLOCK}\"/>\n\
                 </AdaptationSet>\n"
            );
        }
        if self.text {
            out += "<AdaptationSet id=\"3\" contentType=\"text\" lang=\"en\" mimeType=\"text/vtt\">\n\
                    <Representation id=\"t0\" bandwidth=\"100\"><BaseURL>t0.vtt</BaseURL></Representation>\n\
                    </AdaptationSet>\n";
        }
        out + "</Period>\n</MPD>\n"
    }
}
