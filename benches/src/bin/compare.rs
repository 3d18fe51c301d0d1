//! Ours beside the Rust peers and the JavaScript players' parsers: prints a Markdown table.
//!
//! ```text
//! npm ci --ignore-scripts --prefix benches/peers
//! cargo run --release -p telecine-benches --bin compare [-- ROUNDS [SECONDS]]
//! ```
//!
//! Ours runs, then a peer, then ours again, then the peer: a machine that is slow for a while is slow for both. Every
//! ratio is one of neighbours. A JavaScript peer runs in a process of its own, warm.

use std::collections::BTreeMap;
use std::error::Error;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use telecine_benches::inputs::{self, Input, Language};
use telecine_benches::parsers::{self, Parser};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let rounds: usize = arguments.next().map_or(Ok(5), |text| text.parse())?;
    let seconds: f64 = arguments.next().map_or(Ok(1.0), |text| text.parse())?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/run.mjs");
    let node = Node { script, seconds };
    let peers = node.peers()?;
    let folder = tempfile::tempdir()?;

    println!("{}", machine());
    println!();
    println!(
        "{rounds} rounds. Times are the median of the rounds' medians; the ratio is that of a round: median, least and"
    );
    println!("most. The last ratio is of the fastest run of either in all rounds.");
    println!();
    println!(
        "| manifest | peer | telecine, ms | peer, ms | times faster | least–most | fastest runs | peer retains, \
         bytes a segment |"
    );
    println!("|---|---|---:|---:|---:|---:|---:|---:|");
    for input in inputs::all() {
        let file = folder.path().join(input.name);
        std::fs::write(&file, &input.bytes)?;
        let rust = parsers::of(input.language).iter().skip(1).map(|parser| Peer::Rust(*parser));
        let names = peers.get(key(input.language)).into_iter().flatten();
        let javascript = names.map(|name| Peer::JavaScript { name, node: &node, file: &file });
        for peer in rust.chain(javascript) {
            println!("{}", row(&input, &peer, rounds, seconds)?);
        }
    }
    Ok(())
}

/// Whom ours is measured against.
enum Peer<'a> {
    Rust(Parser),
    JavaScript { name: &'a str, node: &'a Node, file: &'a Path },
}

/// What one round said of one parser.
struct Round {
    name: String,
    nanoseconds: Spread,
    /// Bytes a segment, where this program can tell: the memory benchmark does for Rust.
    retained: Option<f64>,
}

impl Peer<'_> {
    fn round(&self, input: &Input, seconds: f64) -> Result<Round> {
        match self {
            Peer::Rust(parser) => Ok(Round {
                name: parser.name.to_owned(),
                nanoseconds: measure(*parser, input, seconds),
                retained: None,
            }),
            Peer::JavaScript { name, node, file } => {
                let run = node.run(key(input.language), name, file)?;
                let number = |key: &str| run.get(key).and_then(Value::as_f64).ok_or(format!("{name} gave no {key}"));
                let found = number("segments")?;
                if found != input.segments as f64 {
                    return Err(format!("{name} found {found} of {} segments", input.segments).into());
                }
                let version = run.get("version").and_then(Value::as_str).unwrap_or_default();
                Ok(Round {
                    name: format!("{name} {version}"),
                    nanoseconds: Spread { least: number("least")?, median: number("median")?, most: number("most")? },
                    retained: Some(number("retained")? / found),
                })
            }
        }
    }
}

/// One line of the table.
fn row(input: &Input, peer: &Peer<'_>, rounds: usize, seconds: f64) -> Result<String> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..rounds.max(1) {
        ours.push(measure(parsers::ours(input.language), input, seconds));
        theirs.push(peer.round(input, seconds)?);
    }
    let ratios = ours.iter().zip(&theirs).map(|(ours, theirs)| theirs.nanoseconds.median / ours.median);
    let ratios = Spread::of(ratios.collect());
    let ours_least = Spread::of(ours.iter().map(|ours| ours.least).collect()).least;
    let theirs_least = Spread::of(theirs.iter().map(|theirs| theirs.nanoseconds.least).collect()).least;
    let retained: Option<Vec<f64>> = theirs.iter().map(|theirs| theirs.retained).collect();
    Ok(format!(
        "| {} | {} | {:.2} | {:.1} | **{:.1}** | {:.1}–{:.1} | {:.1} | {} |",
        input.name,
        theirs.first().map_or("", |round| &round.name),
        Spread::of(ours.iter().map(|ours| ours.median).collect()).median / 1e6,
        Spread::of(theirs.iter().map(|theirs| theirs.nanoseconds.median).collect()).median / 1e6,
        ratios.median,
        ratios.least,
        ratios.most,
        theirs_least / ours_least,
        retained.map_or(String::new(), |bytes| format!("{:.0}", Spread::of(bytes).median)),
    ))
}

/// Nanoseconds of a Rust parser, after a warm-up, with the same rules as `run.mjs`.
fn measure(parser: Parser, input: &Input, seconds: f64) -> Spread {
    let run_for = |duration: Duration| {
        let end = Instant::now() + duration;
        let mut samples = Vec::new();
        while samples.len() < 5 || Instant::now() < end {
            let before = Instant::now();
            let result = (parser.parse)(black_box(&input.bytes));
            samples.push(before.elapsed().as_nanos() as f64);
            drop(black_box(result));
        }
        samples
    };
    run_for(Duration::from_secs_f64(seconds * 0.5));
    Spread::of(run_for(Duration::from_secs_f64(seconds)))
}

fn key(language: Language) -> &'static str {
    match language {
        Language::Hls => "hls",
        Language::Dash => "dash",
    }
}

/// The process that runs JavaScript.
struct Node {
    script: PathBuf,
    seconds: f64,
}

impl Node {
    fn peers(&self) -> Result<BTreeMap<String, Vec<String>>> {
        let mut command = Command::new("node");
        Ok(serde_json::from_value(answer(command.arg(&self.script))?)?)
    }

    fn run(&self, language: &str, peer: &str, file: &Path) -> Result<Value> {
        let mut command = Command::new("node");
        command.arg("--expose-gc").arg(&self.script).args([language, peer]).arg(file).arg(self.seconds.to_string());
        answer(&mut command).map_err(|error| format!("{peer}: {error}").into())
    }
}

/// The last line that a command prints, which is JSON: libraries may have said something before.
fn answer(command: &mut Command) -> Result<Value> {
    let output = command.output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let text = String::from_utf8(output.stdout)?;
    Ok(serde_json::from_str(text.lines().last().unwrap_or_default())?)
}

/// What the numbers were measured on.
fn machine() -> String {
    let first_line = |program: &str| {
        let output = Command::new(program).arg("--version").output().ok();
        output.and_then(|output| String::from_utf8(output.stdout).ok()).unwrap_or_default().trim().to_owned()
    };
    let processor = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processor.lines().find_map(|line| line.strip_prefix("model name")?.split(':').nth(1)).unwrap_or("");
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    format!(
        "{} cores{}{}, {}, Node.js {}, load {}",
        std::thread::available_parallelism().map_or(0, usize::from),
        if model.is_empty() { "" } else { " of" },
        model.trim_end(),
        first_line("rustc"),
        first_line("node"),
        load.split(' ').next().filter(|load| !load.is_empty()).unwrap_or("unknown"),
    )
}

/// Least, median and most of some measurements.
struct Spread {
    least: f64,
    median: f64,
    most: f64,
}

impl Spread {
    fn of(mut samples: Vec<f64>) -> Self {
        samples.sort_by(f64::total_cmp);
        let at = |index: usize| samples.get(index).copied().unwrap_or(f64::NAN);
        Self { least: at(0), median: at(samples.len() / 2), most: at(samples.len().saturating_sub(1)) }
    }
}
