//! The player's rules over folders of networks, beside the same rules as the faithful mode plays them.
//!
//! `cargo run --release -p telecine-simulator --example player -- TRACES [vod|live] [RULE…]` prints, for the folders `3g` and
//! `4g` of TRACES, a table in Markdown; with `speed` instead of `vod`, how many sessions each rule plays a second, on all
//! cores.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use telecine_simulator::player::{play_by, Contender, Setup, Viewing};
use telecine_simulator::read::{sabre_movie, sabre_network};
use telecine_simulator::{compare, faithful, for_each_index, Contest, Enclosure, Movie, Summary, Trace};

/// Rules of the player, and what they are called where they were published.
const NAMES: &[(&str, Option<&str>)] = &[
    ("lowest", Some("Lowest")),
    ("foresight", Some("Foresight")),
    ("bola-e-damped", None),
    ("bola-e", Some("BOLA-E-without-ao")),
    ("bola-e-ao", Some("BOLA-E")),
    ("bola", Some("BOLA-without-ao")),
    ("bola-ao", Some("BOLA")),
    ("dynamic", Some("DYNAMIC-without-ao")),
    ("dynamic-ao", Some("DYNAMIC")),
    ("dynamic-dash", Some("DYNAMIC-DASH-without-ao")),
    ("bba", Some("BBA")),
    ("mpc", Some("Mpc")),
    ("robust-mpc", Some("RobustMpc")),
    ("quantile-mpc", Some("QuantileMpc")),
    ("soda", Some("Soda")),
    ("throughput", Some("THROUGHPUT")),
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(folder), viewing) = (arguments.next(), arguments.next()) else {
        eprintln!("player TRACES [vod|live] [RULE…]");
        return ExitCode::from(2);
    };
    let speed = viewing.as_deref() == Some("speed");
    let viewing = if viewing.as_deref() == Some("live") { Viewing::Live } else { Viewing::OnDemand };
    let wanted: Vec<String> = arguments.collect();
    let names: Vec<_> =
        NAMES.iter().filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name)).collect();
    for (set, movie) in [("3g", "bbb.json"), ("4g", "bbb4k.json")] {
        let told = match speed {
            true => speeds(Path::new(&folder), set, movie, &names),
            false => table(Path::new(&folder), set, movie, viewing, &names),
        };
        if let Err(why) = told {
            eprintln!("{set}: {why}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

type Failure = Box<dyn std::error::Error>;

fn table(
    folder: &Path,
    set: &str,
    movie: &str,
    viewing: Viewing,
    names: &[&(&'static str, Option<&'static str>)],
) -> Result<(), Failure> {
    let movie: Movie = sabre_movie(&std::fs::read_to_string(folder.join("movies").join(movie))?).map_err(told)?;
    let traces = traces(&folder.join(set))?;
    let buffer_s = if viewing == Viewing::Live { 10.0 } else { 25.0 };
    let rules: Vec<Contender> = names.iter().map(|(name, _)| Contender::of(name)).collect();
    let published: Vec<_> = names.iter().filter_map(|(_, published)| faithful::rule((*published)?)).collect();
    let player = compare(&movie, &traces, Contest::Player(&rules, viewing), buffer_s, Enclosure::Below, &|_, _, _| ())?;
    let authors = compare(&movie, &traces, Contest::Faithful(&published), buffer_s, Enclosure::Below, &|_, _, _| ());
    let authors = authors.map(|comparison| comparison.summary).unwrap_or_default();
    println!("\n{set} {viewing:?}, {} traces, {:.0} sessions a second\n", traces.len(), player.sessions_per_s);
    println!(
        "| rule | kbit/s | stall s | start s | switch kbit/s | late s | speed | Q1 | QoE_lin | sabre | normalised QoE_lin | \
         faithful: kbit/s | stall s | switch | normalised |"
    );
    println!("|---|{}", "---|".repeat(14));
    for (name, published) in names {
        let Some(own) = player.summary.iter().find(|summary| summary.abr == *name) else { continue };
        let share =
            |summary: &Summary| summary.normalised.qoe_lin.map_or("-".to_owned(), |share| format!("{share:.3}"));
        let mean = |interval: Option<telecine_simulator::Interval>| {
            interval.map_or("-".to_owned(), |interval| format!("{:.4}", interval.mean))
        };
        print!(
            "| {name} | {:.0} | {:.2} | {:.2} | {:.0} | {} | {} | {:.3} | {:.1} | {:.3} | {} |",
            own.mean_kbps.mean,
            own.stall_s.mean,
            own.startup_s.mean,
            own.mean_switch_kbps.mean,
            mean(own.excess_latency_s),
            mean(own.speed_change),
            own.q1.mean,
            own.qoe_lin.mean,
            own.sabre_score.mean,
            share(own),
        );
        match authors.iter().find(|summary| Some(summary.abr) == *published) {
            Some(summary) => println!(
                " {:.0} | {:.2} | {:.0} | {} |",
                summary.mean_kbps.mean,
                summary.stall_s.mean,
                summary.mean_switch_kbps.mean,
                share(summary)
            ),
            None => println!(" - | - | - | - |"),
        }
    }
    Ok(())
}

fn speeds(
    folder: &Path,
    set: &str,
    movie: &str,
    names: &[&(&'static str, Option<&'static str>)],
) -> Result<(), Failure> {
    let movie: Movie = sabre_movie(&std::fs::read_to_string(folder.join("movies").join(movie))?).map_err(told)?;
    let traces = traces(&folder.join(set))?;
    let setup = Setup { buffer_ms: 25_000.0, viewing: Viewing::OnDemand, replacement: true };
    for (name, _) in names {
        let began = Instant::now();
        let played = for_each_index(traces.len(), |index| play_by(name, &movie, &traces[index].link, &setup));
        let seconds = began.elapsed().as_secs_f64();
        let played: Vec<_> = played.into_iter().collect::<Result<_, _>>()?;
        println!("{set} {name}: {:.1} sessions a second", played.len() as f64 / seconds);
    }
    Ok(())
}

fn traces(folder: &Path) -> Result<Vec<Trace>, Failure> {
    let mut paths = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, Failure>>()?;
    paths.sort();
    let read = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Trace { name, link: sabre_network(&std::fs::read_to_string(path)?).map_err(told)? })
    };
    paths.iter().map(read).collect()
}

fn told(error: telecine_simulator::read::ReadError) -> Failure {
    error.to_string().into()
}
