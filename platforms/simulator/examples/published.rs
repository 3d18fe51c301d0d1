//! Holds every session of a table of published figures against ours:
//! `cargo run --release -p telecine-simulator --example published -- DIR` (where `published-rules.csv`,
//! `movies/` and a folder for each set are).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use telecine_simulator::faithful::{play, rule, Setup};
use telecine_simulator::read::{sabre_movie, sabre_network};
use telecine_simulator::{Figure, Metrics, Movie};

type Failure = Box<dyn std::error::Error>;

fn movie(folder: &Path, set: &str, segments: usize) -> Result<Movie, Failure> {
    let file = if matches!(set, "4g" | "fcc-hd") { "bbb4k.json" } else { "bbb.json" };
    Ok(sabre_movie(&std::fs::read_to_string(folder.join("movies").join(file))?)?.cut(segments))
}

fn main() -> Result<ExitCode, Failure> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("the folder of the traces is missing")?);
    let verbose = std::env::args().nth(2);
    let figures = Figure::read(&std::fs::read_to_string(folder.join("published-rules.csv"))?)?;
    let mut tally: BTreeMap<(String, String, String), Vec<(Figure, Metrics)>> = BTreeMap::new();
    for figure in figures.iter().filter(|figure| figure.rule != Figure::OPTIMUM) {
        let Some(entry) = rule(&figure.rule) else {
            return Err(format!("no rule {}", figure.rule).into());
        };
        let movie = movie(&folder, &figure.set, figure.segments)?;
        let link = sabre_network(&std::fs::read_to_string(folder.join(&figure.set).join(&figure.trace))?)?;
        let setup = Setup { replacement: entry.replacement, ..Setup::with_buffer(figure.buffer_s) };
        let metrics = Metrics::of(&play(entry.rule().as_mut(), &movie, &link, &setup), &movie);
        let key = (figure.set.clone(), figure.mode.clone(), figure.rule.clone());
        tally.entry(key).or_default().push((figure.clone(), metrics));
    }
    println!(
        "{:8}{:6}{:26}{:>7}{:>7}{:>10}{:>10}{:>10}",
        "set", "mode", "rule", "same", "within", "kbps", "stall", "score"
    );
    for ((set, mode, name), sessions) in &tally {
        let pairs = |theirs: fn(&Figure) -> Option<f64>, ours: fn(&Metrics) -> f64| {
            sessions
                .iter()
                .filter_map(move |(figure, metrics)| Some((theirs(figure)?, ours(metrics))))
                .collect::<Vec<_>>()
        };
        let measures = [
            pairs(|f| f.mean_kbps, |m| m.mean_kbps),
            pairs(|f| f.stall_s, |m| m.stall_s),
            pairs(|f| f.sabre_score, |m| m.sabre_score),
            pairs(|f| f.total_kbps, |m| m.total_kbps),
            pairs(|f| f.total_switch_kbps, |m| m.total_switch_kbps),
        ];
        let all = |close: fn(f64, f64) -> bool, measures: &[Vec<(f64, f64)>]| {
            (0..sessions.len()).filter(|index| measures.iter().all(|m| close(m[*index].0, m[*index].1))).count()
        };
        let same = all(|a, b| (a - b).abs() <= 1.5e-6, &measures);
        let within = all(|a, b| (a - b).abs() <= 0.02 * a.abs().max(1e-9), &measures[..3]);
        let ratio = |pairs: &[(f64, f64)]| {
            let (theirs, ours) = pairs.iter().fold((0.0, 0.0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1));
            100.0 * (ours - theirs) / if theirs == 0.0 { 1.0 } else { theirs }
        };
        println!(
            "{set:8}{mode:6}{name:26}{same:>4}/{:2}{within:>4}/{:2}{:>9.4}%{:>9.4}%{:>9.4}%",
            sessions.len(),
            sessions.len(),
            ratio(&measures[0]),
            ratio(&measures[1]),
            ratio(&measures[2]),
        );
        if verbose.as_deref() == Some(name.as_str()) {
            for (figure, metrics) in sessions {
                println!(
                    "  {} {:?}/{} {:?}/{} {:?}/{}",
                    figure.trace,
                    figure.mean_kbps,
                    metrics.mean_kbps,
                    figure.stall_s,
                    metrics.stall_s,
                    figure.startup_s,
                    metrics.startup_s
                );
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
