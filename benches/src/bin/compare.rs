//! Ours beside the JavaScript players' parsers: prints Markdown tables.
//!
//! ```text
//! npm ci --ignore-scripts --prefix benches/peers
//! cargo run --release -p telecine-benches --bin compare [-- ROUNDS [SECONDS]]
//! ```
//!
//! Ours runs, then a peer, then ours again, then the peer: a machine that is slow for a while is slow for both. Every
//! ratio is one of neighbours. A peer runs in a process of its own, warm.

use std::collections::BTreeMap;
use std::error::Error;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use telecine_benches::inputs::{self, Input, Language};
use telecine_benches::parsers;

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
        "{rounds} rounds; a cell is the median of the rounds' medians, ratios are (median, least and most of a round)."
    );
    println!();
    println!("| manifest | peer | telecine, ms | peer, ms | times faster | least–most | peer retains, bytes a segment |");
    println!("|---|---|---:|---:|---:|---:|---:|");
    for input in inputs::all() {
        let file = folder.path().join(input.name);
        std::fs::write(&file, &input.bytes)?;
        let language = key(input.language);
        for peer in peers.get(language).into_iter().flatten() {
            println!("{}", row(&input, &file, peer, rounds, &node)?);
        }
    }
    Ok(())
}

/// One line of the table.
fn row(input: &Input, file: &Path, peer: &str, rounds: usize, node: &Node) -> Result<String> {
    let (mut ours, mut theirs, mut ratios, mut retained) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut version = String::new();
    for _ in 0..rounds.max(1) {
        let our = measure(input, node.seconds);
        let run = node.run(key(input.language), peer, file)?;
        let number = |name: &str| run.get(name).and_then(Value::as_f64).ok_or(format!("{peer} gave no {name}"));
        if number("segments")? != input.segments as f64 {
            return Err(format!("{peer} found {} of {} segments", number("segments")?, input.segments).into());
        }
        run.get("version").and_then(Value::as_str).unwrap_or_default().clone_into(&mut version);
        let their = number("median")?;
        ours.push(our);
        theirs.push(their);
        ratios.push(their / our);
        retained.push(number("retained")? / input.segments as f64);
    }
    let ratios = Spread::of(ratios);
    Ok(format!(
        "| {} | {peer} {version} | {:.2} | {:.1} | **{:.1}** | {:.1}–{:.1} | {:.0} |",
        input.name,
        Spread::of(ours).median / 1e6,
        Spread::of(theirs).median / 1e6,
        ratios.median,
        ratios.least,
        ratios.most,
        Spread::of(retained).median,
    ))
}

/// Median nanoseconds of our parser, after a warm-up, with the same rules as `run.mjs`.
fn measure(input: &Input, seconds: f64) -> f64 {
    let parse = parsers::ours(input.language).parse;
    let run_for = |duration: Duration| {
        let end = Instant::now() + duration;
        let mut samples = Vec::new();
        while samples.len() < 5 || Instant::now() < end {
            let before = Instant::now();
            let result = parse(black_box(&input.bytes));
            samples.push(before.elapsed().as_nanos() as f64);
            drop(black_box(result));
        }
        samples
    };
    run_for(Duration::from_secs_f64(seconds * 0.5));
    Spread::of(run_for(Duration::from_secs_f64(seconds))).median
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
