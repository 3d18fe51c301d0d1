//! Scenario 14: pictures that are hard and easy to encode, with a short buffer.

use std::fmt::Write as _;
use std::time::Duration;

use telecine_engine::{Config, FetchRequest};
use telecine_virtual::testing::SizedTitle;
use telecine_virtual::{Fetched, Response, Source};

use crate::stage::{network, played, session, stalled, step, Stage};

/// Bits a second of the levels, and bytes of each segment by level, of `bbb4k` (abr.md 8.1).
fn movie() -> (Vec<u64>, Vec<Vec<u64>>) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../conformance/traces/movies/bbb4k.json");
    let movie: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(path).expect("it is there")).expect("JSON");
    let numbers = |value: &serde_json::Value| -> Vec<u64> {
        value.as_array().expect("a list").iter().map(|number| number.as_u64().expect("a number")).collect()
    };
    let rates = numbers(&movie["bitrates_kbps"]).into_iter().map(|kbps| kbps * 1000).collect();
    let sizes = movie["segment_sizes_bits"].as_array().expect("a list").iter();
    (rates, sizes.map(|row| numbers(row).into_iter().map(|bits| bits / 8).collect()).collect())
}

/// The movie as HLS whose segments are byte ranges: their sizes are known. As DASH by a template, where none are.
struct Ranged<'a> {
    title: SizedTitle<'a>,
    rates: &'a [u64],
    sizes: &'a [Vec<u64>],
}

impl Ranged<'_> {
    fn playlist(&self, level: usize) -> String {
        let mut out = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:3\n#EXT-X-PLAYLIST-TYPE:VOD\n".to_owned();
        out += "#EXT-X-MAP:URI=\"init.mp4\"\n";
        let mut offset = 0;
        for row in self.sizes {
            let _ = writeln!(out, "#EXTINF:3.000,\n#EXT-X-BYTERANGE:{}@{offset}\n{level}/all.m4s", row[level]);
            offset += row[level];
        }
        out + "#EXT-X-ENDLIST\n"
    }
}

impl Source for Ranged<'_> {
    fn fetch(&mut self, request: &FetchRequest) -> Fetched {
        let path = request.url.rsplit_once("title.example/").map_or("", |(_, path)| path);
        if path == "main.m3u8" {
            let variant =
                |(level, rate)| format!("#EXT-X-STREAM-INF:BANDWIDTH={rate},CODECS=\"avc1.4D4028\"\nv{level}.m3u8\n");
            let text: String = self.rates.iter().enumerate().map(variant).collect();
            return Response::new(200, &request.url, format!("#EXTM3U\n#EXT-X-INDEPENDENT-SEGMENTS\n{text}")).into();
        }
        if let Some(level) = path.strip_suffix(".m3u8").and_then(|name| name.strip_prefix('v')?.parse().ok()) {
            return Response::new(200, &request.url, self.playlist(level)).into();
        }
        let Some((level, range)) = path.strip_suffix("/all.m4s").zip(request.byte_range) else {
            return self.title.fetch(request);
        };
        let column: usize = level.parse().expect("a level");
        let mut offset = 0;
        let number = self.sizes.iter().position(|row| {
            offset += row[column];
            offset > range.offset
        });
        let url = format!("https://title.example/{level}/{}.m4s", number.expect("within it"));
        match self.title.fetch(&FetchRequest { url, ..request.clone() }) {
            Fetched::Response(response) => Response { status: 206, ..*response }.into(),
            failure => failure,
        }
    }
}

/// How long it stood, and QoE_lin (abr.md 4.3) for each segment.
fn watch(file: &str, kbps: u64, rates: &[u64], sizes: &[Vec<u64>]) -> (Duration, f64) {
    let title = SizedTitle::new(3_000_000, sizes.len() as u64, rates, |n, level| sizes[n as usize][level]);
    let mut config = Config::default();
    // Ten seconds, the segment that is asked for among them.
    config.buffer_goal = Some(telecine_model::MediaTime::from_secs(7));
    let session =
        played(session(config, Stage::of(Ranged { title, rates, sizes }), file, network(&[step(3600.0, kbps)])));
    let mut levels = vec![0; sizes.len()];
    for asked in session.source().asked.iter().filter(|asked| asked.whole()) {
        levels[asked.number as usize] = asked.level;
    }
    let mbps = |level: &usize| rates[*level] as f64 / 1e6;
    let changes: f64 = levels.windows(2).map(|two| (mbps(&two[0]) - mbps(&two[1])).abs()).sum();
    let top = rates.last().map_or(0.0, |rate| *rate as f64 / 1e6);
    let lin = levels.iter().map(mbps).sum::<f64>() - changes - top * stalled(&session).as_secs_f64();
    (stalled(&session), lin / levels.len() as f64)
}

#[test]
fn s14_hard_pictures_do_not_stall_a_short_buffer_where_their_sizes_are_known_nor_much_where_not() {
    let (rates, sizes) = movie();
    let mut gains = Vec::new();
    for rate in &rates[..5] {
        let kbps = rate * 115 / 100_000;
        let (known, of_known) = watch("main.m3u8", kbps, &rates, &sizes);
        let (unknown, of_unknown) = watch("main.mpd", kbps, &rates, &sizes);
        println!("{kbps} kbit/s: {known:?} and {unknown:?}, {of_known:.3} and {of_unknown:.3} Mbit/s a segment");
        assert_eq!(known, Duration::ZERO, "{kbps}");
        assert!(unknown <= Duration::from_secs(1), "{kbps}: {unknown:?}");
        gains.push((of_known - of_unknown) * 1000.0 / kbps as f64);
    }
    let count = gains.len() as f64;
    let mean = gains.iter().sum::<f64>() / count;
    let deviation = (gains.iter().map(|gain| (gain - mean).powi(2)).sum::<f64>() / (count - 1.0)).sqrt();
    // Student's t for four degrees of freedom, 95 %.
    let half = 2.776 * deviation / count.sqrt();
    println!(
        "known sizes gain {mean:.4} of the line's rate in QoE_lin, 95 %: {:.4} to {:.4}",
        mean - half,
        mean + half
    );
}
