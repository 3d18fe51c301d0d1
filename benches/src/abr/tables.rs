//! The tables of the report, as cells: Markdown and the page show the same ones.

use telecine_simulator::{Interval, Score, Scores};

use super::checks::Check;
use super::document::{Document, MatchEntry, RuleEntry, TableEntry};
use super::tally::{Ceilings, Split, Tally};

/// A table.
#[derive(Clone, Debug, PartialEq)]
pub struct Cells {
    /// What it is of.
    pub title: String,
    /// Names of its columns; the first one is that of the row's name.
    pub heading: Vec<String>,
    /// Its rows.
    pub rows: Vec<Row>,
}

/// A row.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its cells.
    pub cells: Vec<String>,
    /// What it is of.
    pub kind: Kind,
}

/// What a row is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any rule.
    Rule,
    /// The default one.
    Default,
    /// What no rule reaches.
    Limit,
    /// A check that was passed.
    Passed,
    /// One that was not.
    Failed,
}

/// Rules by the primary score, the best first, with the default among them.
fn ranked(table: &TableEntry) -> Vec<(&RuleEntry, &Tally, Kind)> {
    let with_tally = |rule| RuleEntry::over(rule, Split::All).map(|tally| (rule, tally, kind(table, rule)));
    let mut rules: Vec<_> = table.rules.iter().filter_map(with_tally).collect();
    rules.sort_by(|one, other| other.1.q1.mean.total_cmp(&one.1.q1.mean));
    rules
}

fn kind(table: &TableEntry, rule: &RuleEntry) -> Kind {
    if rule.rule == table.default_rule {
        Kind::Default
    } else {
        Kind::Rule
    }
}

/// The tables of a match in one world.
pub fn of(found: &MatchEntry, table: &TableEntry) -> [Cells; 3] {
    [happened(table), scores(found, table), splits(found, table)]
}

fn happened(table: &TableEntry) -> Cells {
    let rules = ranked(table);
    let follows = rules.iter().any(|(_, tally, _)| tally.excess_latency_s.is_some());
    let mut heading = words(
        "rule, kbit/s, stall s, 95 %, stalls, stalled %, start s, start p95 s, switches/min, switch kbit/s, quality, \
         quality 95 %, given up, fetched again, bits wasted %",
    );
    if follows {
        heading.extend(words("late s, speed change %"));
    }
    let row = |(rule, tally, kind): &(&RuleEntry, &Tally, Kind)| {
        let mut cells = vec![
            rule.rule.to_owned(),
            number(tally.mean_kbps.mean, 0),
            number(tally.stall_s.mean, 2),
            range(&tally.stall_s, 2),
            number(tally.stalls, 1),
            number(100.0 * tally.stall_ratio, 2),
            number(tally.startup_s, 2),
            number(tally.startup_p95_s, 2),
            number(tally.switches_per_min, 1),
            number(tally.mean_switch_kbps, 0),
            number(tally.mean_quality.mean, 3),
            range(&tally.mean_quality, 3),
            number(tally.given_up, 1),
            number(tally.replaced, 1),
            number(100.0 * tally.wasted_share, 1),
        ];
        if follows {
            cells.push(maybe(tally.excess_latency_s, 2));
            cells.push(maybe(tally.speed_change.map(|change| 100.0 * change), 2));
        }
        Row { cells, kind: *kind }
    };
    Cells { title: "What happened, means of all traces".to_owned(), heading, rows: rules.iter().map(row).collect() }
}

fn scores(found: &MatchEntry, table: &TableEntry) -> Cells {
    let heading = words(
        "rule, Q1, Q1 p5, QoE_lin, sabre, regret Q1, regret QoE_lin, normalised Q1, normalised QoE_lin, Q1 less default, 95 %, \
         QoE_lin less default, 95 %, stall s less default, 95 %",
    );
    let rows = ranked(table).into_iter().map(|(rule, tally, kind)| {
        let to = &tally.to_default;
        let mut cells = vec![
            rule.rule.to_owned(),
            number(tally.q1.mean, 3),
            number(tally.q1_p5, 3),
            number(tally.qoe_lin.mean, 1),
            number(tally.sabre_score.mean, 3),
            maybe(tally.regret.q1, 3),
            maybe(tally.regret.qoe_lin, 1),
            maybe(tally.normalised.q1, 3),
            maybe(tally.normalised.qoe_lin, 3),
        ];
        match kind {
            Kind::Default => cells.extend(vec![String::new(); 6]),
            _ => cells.extend([
                signed(to.q1.mean, 4),
                range(&to.q1, 4),
                signed(to.qoe_lin.mean, 1),
                range(&to.qoe_lin, 1),
                signed(to.stall_s.mean, 2),
                range(&to.stall_s, 2),
            ]),
        }
        Row { cells, kind }
    });
    let has_q1 = table.rules.iter().filter_map(|rule| rule.over(Split::All)).any(|tally| tally.normalised.q1.is_some());
    let limits = found.ceilings(Split::All).map(|ceilings| limits(ceilings, has_q1)).unwrap_or_default();
    Cells { title: "Scores, means of all traces".to_owned(), heading, rows: limits.into_iter().chain(rows).collect() }
}

/// What no rule reaches, as rows of the table of scores.
fn limits(of: &Ceilings, has_q1: bool) -> Vec<Row> {
    let row = |name: &str, means: &Scores<Option<f64>>, shares: Scores<Option<f64>>| {
        let only = |score: Score, value: Option<f64>| value.filter(|_| score == Score::QoeLin || has_q1);
        let mut cells = vec![String::new(); 15];
        name.clone_into(&mut cells[0]);
        cells[1] = maybe(only(Score::Q1, means.q1), 3);
        cells[3] = maybe(means.qoe_lin, 1);
        cells[7] = maybe(only(Score::Q1, shares.q1), 3);
        cells[8] = maybe(shares.qoe_lin, 3);
        Row { cells, kind: Kind::Limit }
    };
    vec![
        row("upper bound", &of.bound, of.bound_normalised),
        row("optimum (can be played)", &of.optimum, Scores::each(|score| of.optimum.get(score).map(|_| 1.0))),
        row("ceiling: five segments foreseen", &of.ceiling, of.ceiling_normalised),
    ]
}

fn splits(found: &MatchEntry, table: &TableEntry) -> Cells {
    let count = |split: Split| {
        found.traces.iter().filter(move |trace| match split {
            Split::All => true,
            Split::Even => trace.even,
            Split::Odd => !trace.even,
            Split::Easy => trace.easy,
        })
    };
    let mut heading = vec!["rule".to_owned()];
    for split in Split::ALL {
        let of = format!("{} ({})", split.name(), count(split).count());
        heading.extend(["kbit/s", "stall s", "Q1", "norm. QoE_lin"].map(|what| format!("{of}: {what}")));
    }
    let rows = ranked(table).into_iter().map(|(rule, _, kind)| {
        let mut cells = vec![rule.rule.to_owned()];
        for split in Split::ALL {
            match rule.over(split) {
                Some(tally) => cells.extend([
                    number(tally.mean_kbps.mean, 0),
                    number(tally.stall_s.mean, 2),
                    number(tally.q1.mean, 3),
                    maybe(tally.normalised.qoe_lin, 3),
                ]),
                None => cells.extend(vec!["-".to_owned(); 4]),
            }
        }
        Row { cells, kind }
    });
    let title = "Even traces (tuned on), odd ones, and easy ones: the lowest level stalls for less than a second";
    Cells { title: title.to_owned(), heading, rows: rows.collect() }
}

/// What was asked for, group by group.
pub fn of_checks(document: &Document) -> Vec<Cells> {
    let groups = document.checks.chunk_by(|one, other| one.group == other.group);
    let cells = |group: &[Check]| Cells {
        title: group.first().map_or(String::new(), |check| check.group.to_owned()),
        heading: words("what, asked, measured, verdict"),
        rows: group.iter().map(check).collect(),
    };
    groups.map(cells).collect()
}

fn check(check: &Check) -> Row {
    use super::checks::Verdict;
    let kind = match check.verdict {
        Verdict::Ok => Kind::Passed,
        Verdict::Short => Kind::Failed,
        Verdict::Open => Kind::Rule,
    };
    let Check { what, asked, measured, verdict, .. } = check;
    Row { cells: vec![what.clone(), asked.clone(), measured.clone(), verdict.name().to_owned()], kind }
}

/// The heading of a match.
pub fn title(found: &MatchEntry) -> String {
    let MatchEntry { set, mode, buffer_s, segments, segment_s, of, traces, .. } = found;
    let played = traces.len();
    let which = if played == *of { format!("{of} traces") } else { format!("{played} of {of} traces") };
    let minutes = *segments as f64 * segment_s / 60.0;
    format!("{set} {mode}: {which}, {buffer_s:.0} s of buffer, {segments} segments ({minutes:.1} min)")
}

/// Of who plays.
pub fn world(table: &TableEntry) -> &'static str {
    match table.world {
        "faithful" => "Faithful: the rules in the world of their authors' simulator",
        _ => "Player: the real engine in virtual time",
    }
}

fn words(list: &str) -> Vec<String> {
    list.split(',').map(|word| word.trim().to_owned()).collect()
}

fn number(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    // Nothing has no sign.
    match text.strip_prefix('-') {
        Some(rest) if rest.chars().all(|c| c == '0' || c == '.') => rest.to_owned(),
        _ => text,
    }
}

fn signed(value: f64, digits: usize) -> String {
    format!("{value:+.digits$}")
}

fn maybe(value: Option<f64>, digits: usize) -> String {
    value.map_or("-".to_owned(), |value| number(value, digits))
}

fn range(of: &Interval, digits: usize) -> String {
    format!("{:.digits$} to {:.digits$}", of.low, of.high)
}
