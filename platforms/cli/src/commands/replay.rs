//! `telecine replay`: a recorded session's decisions, made again.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde::Serialize;
use telecine_engine::Decision;
use telecine_model::Error;

use crate::args::Replay;
use crate::document::secs;
use crate::{exit, fetch, output};

#[derive(Debug, Serialize)]
struct Document {
    /// Whether the engine did the same again, action for action.
    equal: bool,
    /// Whether the recording ends where the session did.
    complete: bool,
    recorded_hash: String,
    replayed_hash: String,
    inputs: u64,
    actions: u64,
    decisions: Vec<DecisionEntry>,
}

#[derive(Debug, Serialize)]
struct DecisionEntry {
    t_s: f64,
    position_s: f64,
    kind: serde_json::Value,
    track: Option<&'static str>,
    from: Option<String>,
    to: Option<String>,
    why: Vec<String>,
}

/// Runs the command.
pub(crate) fn run(args: &Replay) -> Result<ExitCode, Error> {
    let recording = fetch::read(&args.file)?;
    let replay = telecine_engine::replay(&recording).map_err(|error| error.fact("url", args.file.display()))?;
    let document = Document {
        equal: replay.equal,
        complete: replay.complete,
        recorded_hash: format!("{:016x}", replay.recorded_hash),
        replayed_hash: format!("{:016x}", replay.replayed_hash),
        inputs: replay.inputs,
        actions: replay.actions,
        decisions: replay.decisions.iter().map(entry).collect(),
    };
    if args.json {
        output::json(&document)?;
    } else {
        output::print(&text(&document))?;
    }
    Ok(if document.equal { ExitCode::SUCCESS } else { ExitCode::from(exit::NOT_HELD) })
}

fn entry(decision: &Decision) -> DecisionEntry {
    DecisionEntry {
        t_s: decision.at.as_secs_f64(),
        position_s: secs(decision.position),
        kind: serde_json::json!(decision.what),
        track: decision.kind.map(telecine_model::TrackKind::name),
        from: decision.from.clone(),
        to: decision.to.clone(),
        why: decision.why.clone(),
    }
}

fn text(document: &Document) -> String {
    let mut out = String::new();
    for decision in &document.decisions {
        let words = [
            decision.track.map(str::to_owned),
            decision.from.as_ref().map(|from| format!("{from} →")),
            decision.to.clone(),
        ];
        let change = words.into_iter().flatten().collect::<Vec<_>>().join(" ");
        let kind = decision.kind.as_str().unwrap_or_default();
        let line = format!("{:>9.3} s  {kind:<8} {change}  ({})", decision.t_s, decision.why.join("; "));
        let _ = writeln!(out, "{}", output::plain(&line));
    }
    let end = if document.complete { "" } else { ", up to where the recording breaks off" };
    let verdict = if document.equal { "equal to the recorded ones" } else { "NOT equal to the recorded ones" };
    let _ = writeln!(
        out,
        "{} inputs, {} actions, {} decisions{end}: {verdict} (recorded {}, replayed {})",
        document.inputs,
        document.actions,
        document.decisions.len(),
        document.recorded_hash,
        document.replayed_hash
    );
    out
}
