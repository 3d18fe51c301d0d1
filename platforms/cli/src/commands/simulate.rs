//! `telecine simulate`: what bitrate rules make of recorded networks.

use std::path::Path;
use std::process::ExitCode;

use telecine_model::{Error, ErrorCode};
use telecine_simulator::faithful::{self, PublishedName, PUBLISHED};
use telecine_simulator::read::{sabre_movie, sabre_network, ReadError};
use telecine_simulator::{compare, Comparison, Enclosure, Interval, Trace};

use crate::args::Simulate;
use crate::columns::{columns, Align};
use crate::{fetch, output};

/// Buffer where none is given, in seconds: what the published figures are of.
const BUFFER_S: f64 = 25.0;
const LIVE_BUFFER_S: f64 = 10.0;

/// Runs the command.
pub(crate) fn run(args: &Simulate) -> Result<ExitCode, Error> {
    if !args.faithful {
        let sentence = "sessions through the engine are not there yet; --faithful plays them as the published \
                        simulator does";
        return Err(refused(sentence.to_owned()));
    }
    let movie = sabre_movie(&text(&args.movie)?).map_err(|error| wrong(&args.movie, &error))?;
    let traces = args.trace.iter().map(|path| {
        let link = sabre_network(&text(path)?).map_err(|error| wrong(path, &error))?;
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        Ok(Trace { name, link })
    });
    let traces = traces.collect::<Result<Vec<_>, Error>>()?;
    let buffer_s = args.buffer.unwrap_or(if args.live { LIVE_BUFFER_S } else { BUFFER_S });
    let segment_s = movie.segment_ms() / 1000.0;
    if buffer_s < 2.0 * segment_s {
        return Err(refused(format!("a buffer of {buffer_s} s does not hold two segments of {segment_s} s")));
    }
    let enclosure = if args.bound { Enclosure::Both } else { Enclosure::Below };
    let comparison = compare(&movie, &traces, &rules(&args.abr)?, buffer_s, enclosure)
        .ok_or_else(|| refused("no trace and no rule to compare".to_owned()))?;
    if args.json {
        output::json(&comparison)?;
    } else {
        table(&comparison)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn rules(name: &str) -> Result<Vec<&'static PublishedName>, Error> {
    if name.eq_ignore_ascii_case("all") {
        return Ok(PUBLISHED.iter().collect());
    }
    faithful::rule(name).map(|rule| vec![rule]).ok_or_else(|| {
        let known: Vec<&str> = PUBLISHED.iter().map(|rule| rule.name).collect();
        refused(format!("there is no published rule '{name}'; there are: all, {}", known.join(", ")))
    })
}

/// A table for people: a line for each rule, the best by the primary score first.
fn table(comparison: &Comparison) -> Result<(), Error> {
    let heading = ["rule", "kbit/s", "stall s", "switch kbit/s", "Q1", "95 %", "QoE_lin", "sabre", "of optimum"];
    let mut summary: Vec<_> = comparison.summary.iter().collect();
    summary.sort_by(|one, other| other.q1.mean.total_cmp(&one.q1.mean));
    let range = |interval: &Interval| format!("{:.3} to {:.3}", interval.low, interval.high);
    let share = |share: Option<f64>| share.map_or("-".to_owned(), |share| format!("{share:.3}"));
    let rows = summary.iter().map(|rule| {
        vec![
            rule.abr.to_owned(),
            format!("{:.0}", rule.mean_kbps.mean),
            format!("{:.2}", rule.stall_s.mean),
            format!("{:.0}", rule.mean_switch_kbps.mean),
            format!("{:.3}", rule.q1.mean),
            range(&rule.q1),
            format!("{:.1}", rule.qoe_lin.mean),
            format!("{:.3}", rule.sabre_score.mean),
            share(rule.normalised.q1),
        ]
    });
    let rows: Vec<Vec<String>> = std::iter::once(heading.map(str::to_owned).to_vec()).chain(rows).collect();
    let aligns = [Align::Left; 1].into_iter().chain([Align::Right; 8]).collect::<Vec<_>>();
    let traces = comparison.summary.first().map_or(0, |rule| rule.traces);
    output::write(|out| {
        columns(out, 0, &aligns, rows.iter().cloned())?;
        writeln!(
            out,
            "{} sessions over {traces} traces, {:.0} a second",
            comparison.runs.len(),
            comparison.sessions_per_s
        )
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
