//! Published figures: what the authors' simulator says of each rule on each trace.

use crate::read::{Problem, ReadError};

const FORMAT: &str = "table of published figures";
const HEADER: &str =
    "set,mode,buffer_s,rule,trace,mean_kbps,rebuffer_s,rebuffer_events,play_time_s,startup_s,segments,\
                      total_kbps,total_switch_kbps,sabre_score,sabre_utility,qoe_lin_total";

/// What is published of one session; None where it is not.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// The set of traces.
    pub set: String,
    /// `vod` or `live`.
    pub mode: String,
    /// Buffer in seconds.
    pub buffer_s: f64,
    /// The rule's published name.
    pub rule: String,
    /// The trace's file name.
    pub trace: String,
    /// Bitrate averaged over the whole time.
    pub mean_kbps: Option<f64>,
    /// Stall in seconds.
    pub stall_s: Option<f64>,
    /// Stalls.
    pub stalls: Option<f64>,
    /// The whole time in seconds.
    pub play_time_s: Option<f64>,
    /// Transfer time of the first segment in seconds.
    pub startup_s: Option<f64>,
    /// Segments.
    pub segments: usize,
    /// Sum of the segments' bitrates.
    pub total_kbps: Option<f64>,
    /// Sum of the changes.
    pub total_switch_kbps: Option<f64>,
    /// The authors' score.
    pub sabre_score: Option<f64>,
    /// QoE_lin.
    pub qoe_lin: Option<f64>,
}

impl Figure {
    /// The name of the feasible optimum among the rules.
    pub const OPTIMUM: &'static str = "OPTIMUM(feasible)";

    /// Reads a table: comma-separated, with a heading.
    pub fn read(text: &str) -> Result<Vec<Self>, ReadError> {
        let wrong = |line: usize, message: &str| ReadError {
            format: FORMAT,
            problem: Problem::Syntax { line: line + 1, column: 1, message: message.to_owned() },
        };
        let mut lines = text.lines().enumerate();
        if lines.next().map(|(_, heading)| heading) != Some(HEADER) {
            return Err(wrong(0, "another heading"));
        }
        lines.map(|(line, row)| Self::row(row).ok_or_else(|| wrong(line, "not a row of numbers"))).collect()
    }

    fn row(row: &str) -> Option<Self> {
        let cells: Vec<&str> = row.split(',').collect();
        let [set, mode, buffer_s, rule, trace, numbers @ ..] = cells.as_slice() else {
            return None;
        };
        let numbers: Vec<Option<f64>> = (numbers.iter())
            .map(|cell| match cell.is_empty() {
                true => Some(None),
                false => cell.parse().ok().map(Some),
            })
            .collect::<Option<_>>()?;
        let [mean_kbps, stall_s, stalls, play_time_s, startup_s, segments, total_kbps, total_switch_kbps, score, _, qoe] =
            *numbers.as_slice()
        else {
            return None;
        };
        Some(Self {
            set: (*set).to_owned(),
            mode: (*mode).to_owned(),
            buffer_s: buffer_s.parse().ok()?,
            rule: (*rule).to_owned(),
            trace: (*trace).to_owned(),
            mean_kbps,
            stall_s,
            stalls,
            play_time_s,
            startup_s,
            segments: segments? as usize,
            total_kbps,
            total_switch_kbps,
            sabre_score: score,
            qoe_lin: qoe,
        })
    }
}
