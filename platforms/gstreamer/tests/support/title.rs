//! Titles of periods with and without sound and pictures, made of the demo title.

use std::fmt::Write as _;
use std::path::PathBuf;

use bytes::Bytes;
use telecine::PlayerBuilder;

/// Length of the demo title's segments in seconds.
const SEGMENT: u64 = 2;

/// A period: length in seconds, pictures, sound.
pub type Part = (u64, bool, bool);

/// The demo title from its beginning on, in these periods, in the player's memory. Gives its URL.
pub fn register(player: PlayerBuilder, parts: &[Part]) -> (PlayerBuilder, String) {
    let base = "memory:///periods";
    let mut player = player;
    for track in ["v180", "a-en"] {
        for (index, bytes) in split(track).into_iter().enumerate() {
            let name = index.checked_sub(1).map_or("init".to_owned(), |number| number.to_string());
            player = player.memory(format!("{base}/{track}/{name}.mp4"), bytes);
        }
    }
    let url = format!("{base}/title.mpd");
    (player.memory(url.clone(), mpd(parts)), url)
}

/// The initialisation section of a track, and its segments.
fn split(track: &str) -> Vec<Bytes> {
    let path = [env!("CARGO_MANIFEST_DIR"), "../../conformance/media/demo", track].iter().collect::<PathBuf>();
    let bytes = Bytes::from(std::fs::read(path.with_extension("mp4")).expect("the demo title is there"));
    let (mut starts, mut at) = (vec![0], 0);
    while at < bytes.len() {
        if &bytes[at + 4..at + 8] == b"moof" {
            starts.push(at);
        }
        at += u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes")) as usize;
    }
    starts.push(at);
    starts.windows(2).map(|pair| bytes.slice(pair[0]..pair[1])).collect()
}

fn mpd(parts: &[Part]) -> String {
    let total: u64 = parts.iter().map(|part| part.0).sum();
    let mut out = format!(
        "<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" profiles=\"urn:mpeg:dash:profile:isoff-live:2011\" \
         type=\"static\" minBufferTime=\"PT2S\" mediaPresentationDuration=\"PT{total}S\">\n"
    );
    let mut start = 0;
    for (length, pictures, sound) in parts {
        let _ = writeln!(out, "<Period id=\"p{start}\" start=\"PT{start}S\" duration=\"PT{length}S\">");
        let mut set = |kind: &str, representation: &str| {
            let _ = writeln!(
                out,
                "<AdaptationSet contentType=\"{kind}\" mimeType=\"{kind}/mp4\" lang=\"en\" startWithSAP=\"1\">\
                 <SegmentTemplate timescale=\"1\" duration=\"{SEGMENT}\" startNumber=\"{}\" \
                 presentationTimeOffset=\"{start}\" initialization=\"$RepresentationID$/init.mp4\" \
                 media=\"$RepresentationID$/$Number$.mp4\"/>{representation}</AdaptationSet>",
                start / SEGMENT
            );
        };
        if *pictures {
            set("video", "<Representation id=\"v180\" bandwidth=\"200000\" codecs=\"avc1.4d400d\" width=\"320\" height=\"180\"/>");
        }
        if *sound {
            set(
                "audio",
                "<Representation id=\"a-en\" bandwidth=\"64000\" codecs=\"mp4a.40.2\" audioSamplingRate=\"48000\"/>",
            );
        }
        out += "</Period>\n";
        start += length;
    }
    out + "</MPD>\n"
}
