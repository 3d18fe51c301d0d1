//! `telecine simulate`: what bitrate rules make of recorded networks.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use telecine_model::{Error, ErrorCode};
use telecine_simulator::faithful::{self, Contender, ROSTER};
use telecine_simulator::player::Unplayed;
use telecine_simulator::player::{Contender as Player, Viewing, RULES};
use telecine_simulator::read::{envivio, networks, sabre_movie, tells_latency, ReadError};
use telecine_simulator::{
    compare, Comparison, Contest, Enclosure, Interval, Movie, NoRun, Phase, Run, Scores, Summary, Trace,
};

use crate::args::Simulate;
use crate::columns::{columns, Align};
use crate::status::while_it_takes;
use crate::{exit, fetch, output};

/// Buffer where none is given, in seconds: what the published figures are of.
const BUFFER_S: f64 = 25.0;
const LIVE_BUFFER_S: f64 = 10.0;
/// Latency where neither a trace nor the command says it, in milliseconds.
const RTT_MS: u32 = 20;

/// Runs the command.
pub(crate) fn run(args: &Simulate) -> Result<ExitCode, Error> {
    let movie = movie(&args.movie)?;
    let mut traces = Vec::new();
    let mut rtt_counts = args.rtt.is_none();
    for (path, file) in once_each(&args.trace) {
        let text = text(path)?;
        rtt_counts |= !tells_latency(&text);
        let networks = networks(&text, f64::from(args.rtt.unwrap_or(RTT_MS))).map_err(|error| wrong(path, &error))?;
        // Of several networks in a file each has a name of its own.
        let named = |of: Option<String>| of.map_or_else(|| file.clone(), |of| format!("{file}#{of}"));
        traces.extend(networks.into_iter().map(|(of, link)| Trace { name: named(of), link }));
    }
    if !rtt_counts {
        return Err(refused("--rtt changes nothing: each of these traces says what its latency is".to_owned()));
    }
    let buffer_s = args.buffer.unwrap_or(if args.live { LIVE_BUFFER_S } else { BUFFER_S });
    let segment_s = movie.segment_ms() / 1000.0;
    if buffer_s < 2.0 * segment_s {
        return Err(refused(format!("a buffer of {buffer_s} s does not hold two segments of {segment_s} s")));
    }
    let enclosure = match (args.no_optimum, args.bound) {
        (true, _) => Enclosure::Open,
        (false, true) => Enclosure::Both,
        (false, false) => Enclosure::Below,
    };
    let (own, roster);
    let contest = match args.faithful {
        true => {
            roster = contenders(&args.abr)?;
            Contest::Faithful(&roster)
        }
        false => {
            own = rules(&args.abr, !args.no_fast_switch)?;
            Contest::Player(&own, if args.live { Viewing::Live } else { Viewing::OnDemand })
        }
    };
    let comparison = while_it_takes(|tell| {
        let watch = |phase, done, of| {
            let what = match phase {
                Phase::Sessions => "sessions played",
                Phase::Limits if args.bound => "optima and bounds found",
                Phase::Limits => "optima found",
            };
            tell(format!("{done} of {of} {what}"));
        };
        compare(&movie, &traces, contest, buffer_s, enclosure, &watch)
    });
    let comparison = comparison.map_err(|nothing| refused(nothing.to_string()))?;
    if args.json {
        output::json(&comparison)?;
    } else if !comparison.summary.is_empty() {
        table(&comparison)?;
    }
    Ok(unplayed(&comparison.unplayed))
}

/// Tells of the sessions that did not come to their end, a line for all of a network that have the same cause, and gives the exit
/// code of the worst: of the player's own faults if there is one.
fn unplayed(sessions: &[NoRun]) -> ExitCode {
    let mut causes: Vec<(&NoRun, Vec<&str>)> = Vec::new();
    for session in sessions {
        match causes.iter_mut().find(|(first, _)| first.trace == session.trace && first.why == session.why) {
            Some((_, rules)) => rules.push(session.abr),
            None => causes.push((session, vec![session.abr])),
        }
    }
    let mut code = ExitCode::SUCCESS;
    // The last one that is told of decides: the player's faults come last.
    causes.sort_by_key(|(session, _)| matches!(session.why, Unplayed::Failed { .. }));
    for (NoRun { trace, why, .. }, rules) in causes {
        let (kind, by) = match why {
            Unplayed::Endless { .. } => (ErrorCode::Timeout, String::new()),
            Unplayed::Failed { .. } => (ErrorCode::InternalDefect, format!(" by {}", rules.join(", "))),
        };
        code = exit::report(&Error::new(kind, format!("'{trace}'{by}: {why}")));
    }
    code
}

/// Each file that is named, and what its network is called: what patterns name twice would count twice, and two folders may
/// have files of the same name.
fn once_each(paths: &[PathBuf]) -> Vec<(&Path, String)> {
    let place = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mut met = BTreeSet::new();
    let paths: Vec<&PathBuf> = paths.iter().filter(|path| met.insert(place(path))).collect();
    let file = |path: &Path| path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let alike = |path: &Path| paths.iter().filter(|other| file(other) == file(path)).count() > 1;
    let name = |path: &Path| if alike(path) { path.display().to_string() } else { file(path) };
    paths.iter().map(|path| (path.as_path(), name(path))).collect()
}

/// A number as tables have it; nothing is never less than nothing.
fn fixed(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    match text.strip_prefix('-') {
        Some(rest) if rest.chars().all(|c| matches!(c, '0' | '.')) => rest.to_owned(),
        _ => text,
    }
}

/// A movie: a file of sabre, or the folder of EnvivioDash3.
fn movie(path: &Path) -> Result<Movie, Error> {
    let wrong = |error: ReadError| wrong(path, &error);
    match path.is_dir() {
        true => envivio(|name| text(&path.join(name)), wrong),
        false => sabre_movie(&text(path)?).map_err(wrong),
    }
}

/// What is named of all that there is, in the order in which it is named, each once.
fn named<T: Copy>(
    names: &[String],
    all: &[T],
    name_of: impl Fn(&T) -> &'static str,
    unknown: impl Fn(&str) -> Error,
) -> Result<Vec<T>, Error> {
    let mut found: Vec<T> = Vec::new();
    for name in names.iter().map(|name| name.trim()) {
        let of_name = |item: &&T| name.eq_ignore_ascii_case("all") || name_of(item).eq_ignore_ascii_case(name);
        let before = found.len();
        let mut any = false;
        for item in all.iter().filter(of_name) {
            any = true;
            if !found[..before].iter().any(|other| name_of(other) == name_of(item)) {
                found.push(*item);
            }
        }
        if !any {
            return Err(unknown(name));
        }
    }
    Ok(found)
}

fn rules(names: &[String], replacement: bool) -> Result<Vec<Player>, Error> {
    let unknown = |name: &str| {
        let published = match faithful::rule(name) {
            Some(_) => "; with --faithful there is",
            None => "",
        };
        refused(format!("there is no rule '{name}'{published}; there are: all, {}", RULES.join(", ")))
    };
    let rules = named(names, RULES, |rule| *rule, unknown)?;
    Ok(rules.into_iter().map(|rule| Player { replacement, ..Player::of(rule) }).collect())
}

fn contenders(names: &[String]) -> Result<Vec<&'static Contender>, Error> {
    let roster: Vec<&'static Contender> = ROSTER.iter().collect();
    named(
        names,
        &roster,
        |rule| rule.name,
        |name| {
            let known: Vec<&str> = ROSTER.iter().map(|rule| rule.name).collect();
            refused(format!("there is no rule '{name}' with --faithful; there are: all, {}", known.join(", ")))
        },
    )
}

/// A table for people: a line for each rule, the best by the primary score first.
fn table(comparison: &Comparison) -> Result<(), Error> {
    // The share is that by the primary score; by QoE_lin where that has no optimum.
    let by_q1 = comparison.summary.iter().any(|rule| rule.regret.q1.is_some());
    let no_optimum = comparison.summary.iter().all(|rule| rule.regret.qoe_lin.is_none());
    let of_optimum = if by_q1 { "of optimum" } else { "of optimum by QoE_lin" };
    let heading = [
        "rule",
        "kbit/s",
        "stall s",
        "start s",
        "late s",
        "switch kbit/s",
        "Q1",
        "95 %",
        "behind the best, 95 %",
        "regret",
        "QoE_lin",
        "sabre",
        of_optimum,
    ];
    let mut summary: Vec<_> = comparison.summary.iter().collect();
    summary.sort_by(|one, other| other.q1.mean.total_cmp(&one.q1.mean));
    // One session has no spread to draw again from.
    let range = |interval: &Interval, traces: usize| match traces {
        0 | 1 => "-".to_owned(),
        _ => format!("{} to {}", fixed(interval.low, 3), fixed(interval.high, 3)),
    };
    // By the score of which the optimum is known.
    // Without an optimum there is no such column.
    let none = if no_optimum { "" } else { "-" };
    let regret = |rule: &Summary| {
        let (of, digits) = if by_q1 { (&rule.regret.q1, 3) } else { (&rule.regret.qoe_lin, 1) };
        of.as_ref().map_or(none.to_owned(), |of| fixed(of.mean, digits))
    };
    let share = |share: Option<f64>| share.map_or(none.to_owned(), |share| fixed(share, 3));
    let rows = summary.iter().map(|rule| {
        vec![
            rule.abr.to_owned(),
            fixed(rule.mean_kbps.mean, 0),
            fixed(rule.stall_s.mean, 2),
            fixed(rule.startup_s.mean, 2),
            // Columns without a value are left out.
            rule.excess_latency_s.map_or(String::new(), |late| fixed(late.mean, 2)),
            fixed(rule.mean_switch_kbps.mean, 0),
            fixed(rule.q1.mean, 3),
            range(&rule.q1, rule.traces),
            range(&rule.behind_best.q1, rule.traces),
            regret(rule),
            fixed(rule.qoe_lin.mean, 1),
            fixed(rule.sabre_score.mean, 3),
            share(if by_q1 { rule.normalised.q1 } else { rule.normalised.qoe_lin }),
        ]
    });
    let rows: Vec<Vec<String>> = std::iter::once(heading.map(str::to_owned).to_vec()).chain(rows).collect();
    let aligns = [Align::Left; 1].into_iter().chain([Align::Right; 12]).collect::<Vec<_>>();
    let traces = comparison.summary.first().map_or(0, |rule| rule.traces);
    output::write(|out| {
        columns(out, 0, &aligns, rows.iter().cloned())?;
        writeln!(
            out,
            "{} sessions over {traces} traces, {:.0} a second",
            comparison.runs.len(),
            comparison.sessions_per_s
        )?;
        let mut lines = limits(comparison).into_iter().chain(comparison.notes.iter().cloned());
        lines.try_for_each(|line| writeln!(out, "{line}"))
    })
}

/// What can be had on these networks by who knows them, on average, and what none of these sessions can pass.
fn limits(comparison: &Comparison) -> Option<String> {
    // Over each network the greatest that is told beside any of its sessions: bounds depend on when a session began.
    let mean = |of: &dyn Fn(&Run) -> Option<f64>| {
        let mut greatest: BTreeMap<&str, Option<f64>> = BTreeMap::new();
        // As the table has them: of networks over which every rule came to its end.
        let ended = |run: &&Run| !comparison.unplayed.iter().any(|session| session.trace == run.trace);
        for run in comparison.runs.iter().filter(ended) {
            let value = of(run);
            let most = greatest.entry(&run.trace).or_insert(value);
            *most = most.zip(value).map(|(one, other)| one.max(other));
        }
        let all: Vec<f64> = greatest.into_values().collect::<Option<_>>()?;
        (!all.is_empty()).then(|| all.iter().sum::<f64>() / all.len() as f64)
    };
    let both = |of: &dyn Fn(&Run) -> Scores<Option<f64>>| {
        let q1 = mean(&|run| of(run).q1).map(|q1| format!("Q1 {}", fixed(q1, 3)));
        let qoe_lin = mean(&|run| of(run).qoe_lin).map(|qoe| format!("QoE_lin {}", fixed(qoe, 1)));
        let all: Vec<String> = q1.into_iter().chain(qoe_lin).collect();
        (!all.is_empty()).then(|| all.join(", "))
    };
    let line = format!("the optimum, which knows the network: {}", both(&|run| run.optimum)?);
    Some(match both(&|run| run.bound) {
        Some(bound) => format!("{line}; no session is better than {bound}"),
        None => line,
    })
}

fn text(path: &Path) -> Result<String, Error> {
    let bytes = fetch::read(path)?;
    String::from_utf8(bytes.to_vec()).map_err(|_| refused(format!("'{}' is not text", path.display())))
}

fn wrong(path: &Path, error: &ReadError) -> Error {
    refused(format!("'{}': {error}", path.display()))
}

fn refused(sentence: String) -> Error {
    Error::new(ErrorCode::InvalidArgument, sentence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_twice_counts_once_and_what_is_called_alike_is_told_apart() {
        let named = |paths: &[&str]| {
            let paths: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();
            once_each(&paths).into_iter().map(|(_, name)| name).collect::<Vec<_>>()
        };
        assert_eq!(named(&["3g/a.json", "3g/b.json", "3g/a.json"]), ["a.json", "b.json"]);
        assert_eq!(named(&["3g/a.json", "4g/a.json", "4g/c.json"]), ["3g/a.json", "4g/a.json", "c.json"]);
    }

    #[test]
    fn hardly_less_than_nothing_is_nothing() {
        assert_eq!([fixed(-0.0001, 3), fixed(-0.0, 0), fixed(-0.5, 1), fixed(2.25, 1)], ["0.000", "0", "-0.5", "2.2"]);
    }
}
