//! What one refresh of a long live playlist costs: reading the newer version and merging it, as the engine does, and what is
//! held a segment. Prints a table of medians; beside it what it takes to read the newer version as a whole, ours and m3u8-rs.

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use telecine_manifest::hls::{parse, parse_again, Context, MediaPlaylist, Mode, Playlist};
use telecine_model::Limits;

const SEGMENTS: u64 = 10_000;
const REFRESHES: u64 = 600;
/// Versions in a row, each a segment further: more than a block is long that the reader knows again.
const STEPS: u64 = 300;
/// Number of the first segment.
const FIRST: u64 = 100_000;

/// A playlist of two-second segments from `first` on.
fn text(first: u64, dates: bool, ranges: bool) -> String {
    let mut text = format!(
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{first}\n#EXT-X-MAP:URI=\"init.mp4\"\n"
    );
    for number in first..first + SEGMENTS {
        if dates {
            let ms = number * 2000;
            let (hours, minutes, seconds) = (ms / 3_600_000 % 24, ms / 60_000 % 60, ms / 1000 % 60);
            let day = 1 + ms / 86_400_000 % 27;
            let _ =
                writeln!(text, "#EXT-X-PROGRAM-DATE-TIME:2026-11-{day:02}T{hours:02}:{minutes:02}:{seconds:02}.000Z");
        }
        if ranges {
            let _ = writeln!(text, "#EXT-X-BYTERANGE:{}@{}", 200_000 + number % 977, number % 10 * 210_000);
        }
        let name = if ranges { number / 10 } else { number };
        let _ = writeln!(text, "#EXTINF:2.000,\n{name}.m4s");
    }
    text
}

/// Reads a playlist, as a newer version of a known one if there is one.
fn read(text: &str, known: Option<&MediaPlaylist>) -> MediaPlaylist {
    let limits = Limits::default();
    let uri = "https://a.example/live.m3u8";
    let context = Context { uri, requested_uri: uri, imports: None, mode: Mode::Compat, limits: &limits };
    let read = match known {
        Some(known) => parse_again(text.as_bytes(), &context, &known.index, &known.text),
        None => parse(text.as_bytes(), &context),
    };
    match read {
        Ok(Playlist::Media(playlist)) => *playlist,
        other => unreachable!("a media playlist: {other:?}"),
    }
}

/// Times of one thing, measured again and again.
#[derive(Default)]
struct Times(Vec<Duration>);

impl Times {
    fn measure<T>(&mut self, what: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let result = black_box(what());
        self.0.push(begun.elapsed());
        result
    }

    /// The median in microseconds.
    fn median(&mut self) -> f64 {
        self.0.sort_unstable();
        self.0.get(self.0.len() / 2).map_or(0.0, |time| time.as_secs_f64() * 1e6)
    }
}

fn main() {
    println!(
        "| playlist of {SEGMENTS} segments | text, kB | a refresh, µs | of it reading, µs | reading all of it, µs \
         | m3u8-rs reading, µs | held a segment, bytes |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|");
    for (name, dates, ranges) in [
        ("plain", false, false),
        ("dates", true, false),
        ("byte ranges", false, true),
        ("dates and byte ranges", true, true),
    ] {
        let versions: Vec<String> = (0..=STEPS).map(|step| text(FIRST + step, dates, ranges)).collect();
        let (mut refresh, mut again, mut whole, mut peer) = <(Times, Times, Times, Times)>::default();
        let mut held = 0;
        let mut known = read(&versions[0], None);
        for nth in 0..REFRESHES {
            // Always the same steps: from the version before to this one.
            let newer = &versions[1 + (nth % STEPS) as usize];
            if nth % STEPS == 0 {
                known = read(&versions[0], None);
            }
            let read_again = again.measure(|| read(black_box(newer), Some(&known)));
            let begun = Instant::now();
            let outcome = known.refresh(read_again);
            let merging = begun.elapsed();
            assert!(outcome.is_ok(), "{outcome:?}");
            refresh.0.extend(again.0.last().map(|reading| *reading + merging));
            whole.measure(|| read(black_box(newer), None));
            peer.measure(|| m3u8_rs::parse_media_playlist_res(newer.as_bytes()).is_ok());
            held = held.max(known.index.heap_bytes() + known.text.heap_bytes());
        }
        println!(
            "| {name} | {} | {:.0} | {:.0} | {:.0} | {:.0} | {:.1} |",
            versions[0].len() / 1000,
            refresh.median(),
            again.median(),
            whole.median(),
            peer.median(),
            held as f64 / SEGMENTS as f64
        );
    }
}
