//! Holds every session of a table of published figures against ours. `--traces DIR` has `published-rules.csv`,
//! `movies/` and a folder of networks for each set:
//!
//! `cargo run --release -p telecine-simulator --example published -- --traces DIR`
//!
//! Fails unless each of the rules that were published with the simulator is within 2 % for each set, and in
//! nine sessions of ten.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use telecine_simulator::faithful::{play, rule, Setup};
use telecine_simulator::for_each_index;
use telecine_simulator::read::{sabre_movie, sabre_network};
use telecine_simulator::{Figure, Metrics};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A published figure and ours.
struct Pair {
    theirs: f64,
    ours: f64,
}

impl Pair {
    /// Equal to the last digit that is published.
    fn same(&self) -> bool {
        (self.theirs - self.ours).abs() <= 1.5e-6
    }

    fn near(&self) -> bool {
        (self.theirs - self.ours).abs() <= 0.02 * self.theirs.abs() + 1e-6
    }
}

/// Mean bitrate, stall and score of one session, then the rest of what is published.
type Session = Vec<Pair>;

fn session(folder: &Path, figure: &Figure) -> Result<Session, Failure> {
    let movie = if matches!(figure.set.as_str(), "4g" | "fcc-hd") { "bbb4k.json" } else { "bbb.json" };
    let movie = sabre_movie(&std::fs::read_to_string(folder.join("movies").join(movie))?)?.cut(figure.segments);
    let link = sabre_network(&std::fs::read_to_string(folder.join(&figure.set).join(&figure.trace))?)?;
    let entry = rule(&figure.rule).ok_or_else(|| format!("there is no rule {}", figure.rule))?;
    let setup = Setup { replacement: entry.replacement, ..Setup::with_buffer(figure.buffer_s) };
    let ours = Metrics::of(&play(entry.rule().as_mut(), &movie, &link, &setup), &movie);
    let pairs = [
        (figure.mean_kbps, ours.mean_kbps),
        (figure.stall_s, ours.stall_s),
        (figure.sabre_score, ours.sabre_score),
        (figure.total_kbps, ours.total_kbps),
        (figure.total_switch_kbps, ours.total_switch_kbps),
    ];
    Ok(pairs.into_iter().filter_map(|(theirs, ours)| Some(Pair { theirs: theirs?, ours })).collect())
}

fn main() -> Result<ExitCode, Failure> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, flag, folder] = arguments.as_slice() else {
        return Err("usage: published --traces DIR".into());
    };
    if flag != "--traces" {
        return Err(format!("there is no {flag}").into());
    }
    let folder = PathBuf::from(folder);
    let mut figures = Figure::read(&std::fs::read_to_string(folder.join("published-rules.csv"))?)?;
    figures.retain(|figure| figure.rule != Figure::OPTIMUM);
    let sessions = for_each_index(figures.len(), |index| session(&folder, &figures[index]));
    let sessions = sessions.into_iter().collect::<Result<Vec<_>, _>>()?;

    let key = |index: usize| (&figures[index].set, &figures[index].mode, &figures[index].rule);
    let mut order: Vec<usize> = (0..figures.len()).collect();
    order.sort_by_key(|index| key(*index));
    println!(
        "{:8}{:6}{:26}{:>9}{:>9}{:>10}{:>10}{:>10}",
        "set", "mode", "rule", "equal", "in 2 %", "kbps", "stall", "score"
    );
    let mut held = true;
    for group in order.chunk_by(|one, other| key(*one) == key(*other)) {
        let (set, mode, rule) = key(group[0]);
        let count = |all: &dyn Fn(&Session) -> bool| group.iter().filter(|index| all(&sessions[**index])).count();
        let equal = count(&|session| session.iter().all(Pair::same));
        let near = count(&|session| session.iter().take(3).all(Pair::near));
        let sums = |measure: usize| {
            group.iter().map(|index| &sessions[*index][measure]).fold(Pair { theirs: 0.0, ours: 0.0 }, |sum, pair| {
                Pair { theirs: sum.theirs + pair.theirs, ours: sum.ours + pair.ours }
            })
        };
        let sums = [sums(0), sums(1), sums(2)];
        let percent = |sum: &Pair| 100.0 * (sum.ours - sum.theirs) / if sum.theirs == 0.0 { 1.0 } else { sum.theirs };
        let all = group.len();
        println!(
            "{set:8}{mode:6}{rule:26}{:>9}{:>9}{:>9.4}%{:>9.4}%{:>9.4}%",
            format!("{equal}/{all}"),
            format!("{near}/{all}"),
            percent(&sums[0]),
            percent(&sums[1]),
            percent(&sums[2]),
        );
        held &= rule.starts_with("Nom") || (sums.iter().all(Pair::near) && near * 10 >= all * 9);
    }
    Ok(if held { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
