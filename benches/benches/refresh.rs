//! What one refresh of a long live playlist costs: reading the newer version and merging it, and what is held a segment.
//! Prints a table; beside it what it takes m3u8-rs to read the newer version alone.

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use telecine_benches::memory::Counting;
use telecine_manifest::hls::{parse, Context, MediaPlaylist, Mode, Playlist};
use telecine_model::Limits;

#[global_allocator]
static HEAP: Counting = Counting::new();

const SEGMENTS: u64 = 10_000;
const REFRESHES: u64 = 400;

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

fn read(text: &str) -> MediaPlaylist {
    let limits = Limits::default();
    let uri = "https://a.example/live.m3u8";
    let context = Context { uri, requested_uri: uri, imports: None, mode: Mode::Compat, limits: &limits };
    match parse(text.as_bytes(), &context) {
        Ok(Playlist::Media(playlist)) => *playlist,
        other => unreachable!("a media playlist: {other:?}"),
    }
}

fn main() {
    println!("| playlist of {SEGMENTS} segments | a refresh, µs | of it reading, µs | m3u8-rs reading, µs | held a segment, bytes |");
    println!("|---|---:|---:|---:|---:|");
    for (name, dates, ranges) in [
        ("plain", false, false),
        ("dates", true, false),
        ("byte ranges", false, true),
        ("dates and byte ranges", true, true),
    ] {
        let versions: Vec<String> = (1..=8).map(|first| text(first, dates, ranges)).collect();
        let usage = HEAP.measure(|| read(&versions[0]));
        let mut known = read(&versions[0]);
        let (mut whole, mut reading, mut peer) = (Duration::MAX, Duration::MAX, Duration::MAX);
        for nth in 0..REFRESHES {
            // Always the same step: from the version before to this one.
            let newer = &versions[1 + (nth as usize % 7)];
            if nth % 7 == 0 {
                known = read(&versions[0]);
            }
            let begun = Instant::now();
            let read = read(black_box(newer));
            let after = begun.elapsed();
            let outcome = known.refresh(read);
            let all = begun.elapsed();
            assert!(outcome.is_ok(), "{outcome:?}");
            (whole, reading) = (whole.min(all), reading.min(after));
            let begun = Instant::now();
            black_box(m3u8_rs::parse_media_playlist_res(newer.as_bytes()).is_ok());
            peer = peer.min(begun.elapsed());
        }
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        println!(
            "| {name} | {:.0} | {:.0} | {:.0} | {:.2} |",
            micros(whole),
            micros(reading),
            micros(peer),
            usage.retained as f64 / SEGMENTS as f64
        );
    }
}
