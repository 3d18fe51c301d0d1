//! The report of bitrate choice: Markdown, JSON, and a page with drawings.
//!
//! `cargo run --release -p telecine-benches --bin abr -- TRACES OUT [--quick]` plays every rule over the collection of networks in
//! the folder TRACES and writes `report.md`, `report.json` and `report.html` into the folder OUT, and `rules.md`, the rules by set as
//! documents quote them, which is printed too. `--quick` takes the first two networks of each set.
//!
//! It ends with 7 if a check that has to hold is short, when all is written.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use telecine_benches::abr::checks::Verdict;
use telecine_benches::abr::document::Document;
use telecine_benches::abr::sets::{Collection, Extent};
use telecine_benches::abr::speed::Speed;
use telecine_benches::abr::study::Study;
use telecine_benches::abr::{markdown, page, tables};

type Failure = Box<dyn std::error::Error>;

/// A check that has to hold did not.
const NOT_HELD: u8 = 7;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (traces, out, extent) = match arguments.as_slice() {
        [traces, out] => (traces, out, Extent::ALL),
        [traces, out, "--quick"] => (traces, out, Extent::QUICK),
        _ => {
            eprintln!("abr TRACES OUT [--quick]");
            return ExitCode::from(2);
        }
    };
    match report(Path::new(traces), Path::new(out), extent) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(NOT_HELD),
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

/// Writes the report, and tells whether all holds that has to.
fn report(traces: &Path, out: &Path, extent: Extent) -> Result<bool, Failure> {
    let began = Instant::now();
    let collection = Collection::read(traces, extent)?;
    for name in &collection.missing {
        eprintln!("no {name} in '{}': left out", traces.display());
    }
    let tell = |line: &str| println!("[{:6.1} s] {line}", began.elapsed().as_secs_f64());
    let speed = Speed::measure(&collection);
    tell(&speed.to_string());
    let study = Study::of(collection, speed, &tell)?;
    let document = Document::of(&study);
    std::fs::create_dir_all(out)?;
    std::fs::write(out.join("report.json"), serde_json::to_vec(&document)?)?;
    std::fs::write(out.join("report.md"), markdown::text(&document))?;
    let rules = markdown::rules(&document);
    std::fs::write(out.join("rules.md"), &rules)?;
    let html = page::html(&study, &document);
    std::fs::write(out.join("report.html"), &html)?;
    println!("\n{rules}");
    for cells in tables::of_checks(&document) {
        println!("\n{}", cells.title);
        for row in &cells.rows {
            let [what, asked, measured, verdict] = row.cells.as_slice() else { continue };
            println!("  {verdict:5} {what}: asked {asked}; {measured}");
        }
    }
    let count = |verdict: Verdict| document.checks.iter().filter(|check| check.verdict == verdict).count();
    println!("\n{} ok, {} short, {} open", count(Verdict::Ok), count(Verdict::Short), count(Verdict::Open));
    println!(
        "{}, report.json, report.md and rules.md: {:.1} MB of page, {:.0} s",
        out.join("report.html").display(),
        html.len() as f64 / 1e6,
        began.elapsed().as_secs_f64()
    );
    let fails: Vec<&str> =
        document.checks.iter().filter(|check| check.fails()).map(|check| check.what.as_str()).collect();
    for what in &fails {
        eprintln!("short of what has to hold: {what}");
    }
    Ok(fails.is_empty())
}
