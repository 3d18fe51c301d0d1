//! `telecine replay`: a recorded session's decisions, made again.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde::Serialize;
use telecine_engine::abr::{in_one_line, Candidate};
use telecine_engine::{Decision, Replay as Replayed};
use telecine_model::Error;

use crate::args::Replay;
use crate::document::secs;
use crate::{exit, fetch, output};

#[derive(Debug, Serialize)]
struct Document {
    verdict: Verdict,
    /// Whether the engine did the same again, action for action, to the end of the session.
    equal: bool,
    /// Whether the recording ends where the session did.
    complete: bool,
    /// The last hash that the recording holds, and the replay's at that point; null if it holds none.
    recorded_hash: Option<String>,
    replayed_hash: Option<String>,
    /// Number of the input at or before which the replay parts from the recording; null if it does not.
    differs_by_input: Option<u64>,
    inputs: u64,
    actions: u64,
    decisions: Vec<DecisionEntry>,
}

/// What came of the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    /// The replay did what the session did, to its end.
    Equal,
    /// It did something else.
    Different,
    /// The recording was cut off: what it still lets compare is alike, but nobody knows of the rest.
    Incomplete,
}

impl Verdict {
    fn of(replay: &Replayed) -> Self {
        match (replay.equal, replay.complete) {
            (false, _) => Self::Different,
            (true, false) => Self::Incomplete,
            (true, true) => Self::Equal,
        }
    }
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
    candidates: Vec<Candidate>,
}

/// Runs the command.
pub(crate) fn run(args: &Replay) -> Result<ExitCode, Error> {
    let recording = fetch::read(&args.file)?;
    let replay = telecine_engine::replay(&recording).map_err(|error| error.fact("url", args.file.display()))?;
    let verdict = Verdict::of(&replay);
    // Of a stream without actions too the hash is not zero: this is a recording without any.
    let hash = |hash: u64| (hash != 0).then(|| format!("{hash:016x}"));
    let document = Document {
        verdict,
        equal: verdict == Verdict::Equal,
        complete: replay.complete,
        recorded_hash: hash(replay.recorded_hash),
        replayed_hash: hash(replay.replayed_hash),
        differs_by_input: replay.differs_by_input,
        inputs: replay.inputs,
        actions: replay.actions,
        decisions: replay.decisions.iter().map(entry).collect(),
    };
    if args.json {
        output::json(&document)?;
    } else {
        output::print(&text(&document))?;
    }
    Ok(if verdict == Verdict::Equal { ExitCode::SUCCESS } else { ExitCode::from(exit::NOT_HELD) })
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
        candidates: decision.candidates.clone(),
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
        if !decision.candidates.is_empty() {
            let from = format!("{:>23}{}", "of ", in_one_line(&decision.candidates));
            let _ = writeln!(out, "{}", output::plain(&from));
        }
    }
    let hashes = match (&document.recorded_hash, &document.replayed_hash) {
        (Some(recorded), Some(replayed)) => format!(" (recorded {recorded}, replayed {replayed})"),
        _ => String::new(),
    };
    let verdict = match (document.verdict, document.differs_by_input) {
        (Verdict::Equal, _) => "equal to the recorded ones".to_owned(),
        (Verdict::Different, Some(input)) => {
            format!("NOT equal to the recorded ones, from input {input} at the latest")
        }
        (Verdict::Different, None) => "NOT equal to the recorded ones".to_owned(),
        (Verdict::Incomplete, _) if document.recorded_hash.is_none() => {
            "INCOMPLETE: the recording breaks off before its first check, so nothing could be compared".to_owned()
        }
        (Verdict::Incomplete, _) => {
            "INCOMPLETE: the recording breaks off before the end of its session; up to its last check they are equal \
             to the recorded ones"
                .to_owned()
        }
    };
    let _ = writeln!(
        out,
        "{} inputs, {} actions, {} decisions: {verdict}{hashes}",
        document.inputs,
        document.actions,
        document.decisions.len(),
    );
    out
}
