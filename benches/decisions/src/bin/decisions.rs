//! The native side: `decisions hash TRACES [faithful|player]` prints a fingerprint for each set, mode and rule over all
//! networks of a folder of traces, as `run.mjs` does for WebAssembly; `decisions cost TRACES` prints what the player's
//! rules cost.

use std::path::Path;
use std::process::ExitCode;
use std::sync::OnceLock;
use std::time::Instant;

use telecine_abr::RULES;
use telecine_decisions::{cost, faithful, played, Cost, Fingerprint, Mode, Set, SETS};
use telecine_simulator::faithful::ROSTER;
use telecine_simulator::player::Unplayed;
use telecine_simulator::read::{
    low_latency_networks, low_latency_title, sabre_movie, sabre_network, PROFILE_LATENCY_MS,
};
use telecine_simulator::{for_each_index, Link, Movie};

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["hash", traces] => hash(Path::new(traces), true, true),
        ["hash", traces, "faithful"] => hash(Path::new(traces), true, false),
        ["hash", traces, "player"] => hash(Path::new(traces), false, true),
        ["cost", traces] => costs(Path::new(traces)),
        _ => Err("usage: decisions hash TRACES [faithful|player], decisions cost TRACES".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn read(traces: &Path, set: &Set) -> Result<(Movie, Vec<Link>), Failure> {
    let movie = std::fs::read_to_string(traces.join("movies").join(set.movie))?;
    let paths = std::fs::read_dir(traces.join(set.name))?.map(|entry| Ok(entry?.path()));
    let mut paths = paths.collect::<Result<Vec<_>, Failure>>()?;
    paths.sort();
    let network = |path| Ok(sabre_network(&std::fs::read_to_string(path)?)?);
    Ok((sabre_movie(&movie)?, paths.iter().map(network).collect::<Result<_, Failure>>()?))
}

/// The profiles of all files of a folder, in the order of their names; none where there is no such folder.
fn profiles(folder: &Path) -> Result<Vec<Link>, Failure> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let paths = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
    let mut paths = paths.collect::<Result<Vec<_>, Failure>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    let mut links = Vec::new();
    for path in paths {
        let of = low_latency_networks(&std::fs::read_to_string(path)?, PROFILE_LATENCY_MS)?;
        links.extend(of.into_iter().map(|(_, link)| link));
    }
    Ok(links)
}

fn hash(traces: &Path, by_authors: bool, by_player: bool) -> Result<(), Failure> {
    let mut all = Fingerprint::default();
    let mut watch = |set: &str, movie: &Movie, links: &[Link], mode: Mode| -> Result<(), Failure> {
        type Played = Result<Fingerprint, Unplayed>;
        let mut tell = |world: &str, rule: &str, session: &(dyn Fn(&Link) -> Played + Sync)| -> Result<(), Failure> {
            let sessions = for_each_index(links.len(), |index| session(&links[index]));
            let sessions = sessions.into_iter().collect::<Result<Vec<_>, Unplayed>>()?;
            let sum = sessions.into_iter().fold(Fingerprint::default(), Fingerprint::and);
            println!("{set} {} {world} {rule} {} {sum}", mode.name(), links.len());
            all = all.and(sum);
            Ok(())
        };
        for rule in ROSTER.iter().filter(|_| by_authors) {
            tell("faithful", rule.name, &|link| Ok(faithful(rule, movie, link, mode)))?;
        }
        for rule in RULES.iter().filter(|_| by_player) {
            tell("player", rule, &|link| played(rule, movie, link, mode))?;
        }
        Ok(())
    };
    for set in &SETS {
        let (movie, links) = read(traces, set)?;
        for mode in Mode::ALL {
            watch(set.name, &movie, &links, mode)?;
        }
    }
    let links = profiles(&traces.join("low-latency"))?;
    if !links.is_empty() {
        watch("low-latency", &low_latency_title()?, &links, Mode::LowLatency)?;
    }
    println!("all {all}");
    Ok(())
}

/// Since the first call.
fn clock() -> f64 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_nanos() as f64 / 1000.0
}

fn costs(traces: &Path) -> Result<(), Failure> {
    println!(
        "| native | choices | calls | first choice µs | choice, mean µs | choice, 99 % µs | call, mean µs | any but the \
         first, most µs | session, all µs |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|---:|");
    for mode in Mode::ALL {
        for rule in RULES {
            let mut sum = Cost::default();
            for set in &SETS {
                let (movie, links) = read(traces, set)?;
                links.iter().filter_map(|link| cost(rule, &movie, link, mode, clock)).for_each(|cost| sum.add(cost));
            }
            let of = sum.figures();
            println!(
                "| {rule}, {} | {:.0} | {:.0} | {:.1} | {:.2} | {:.2} | {:.2} | {:.1} | {:.0} |",
                mode.name(),
                of.choices,
                of.calls,
                of.first,
                of.choice,
                of.choice_p99,
                of.call,
                of.most,
                of.session
            );
        }
    }
    Ok(())
}
