//! The tables of the report, as cells: Markdown and the page show the same ones.

use telecine_simulator::{Interval, Scores};

use super::checks::Check;
use super::document::{Document, MatchEntry, RuleEntry, TableEntry};
use super::study::World;
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
pub fn of(found: &MatchEntry, table: &TableEntry) -> Vec<Cells> {
    let splits = [Split::Even, Split::Odd, Split::Easy].into_iter().map(|split| part(found, table, split));
    [scores(table), differences(table), happened(table)].into_iter().chain(splits).collect()
}

fn happened(table: &TableEntry) -> Cells {
    let rules = ranked(table);
    let follows = rules.iter().any(|(_, tally, _)| tally.excess_latency_s.is_some());
    let mut heading = words(
        "rule, Q1, QoE_lin, sabre, kbit/s, stall s, 95 %, stalls, stalled %, start s, start p95 s, switches /min, switch kbit/s, \
         quality, given up, fetched again, wasted %",
    );
    if follows {
        heading.extend(words("late s, speed change %"));
    }
    let row = |(rule, tally, kind): &(&RuleEntry, &Tally, Kind)| {
        let mut cells = vec![
            rule.rule.to_owned(),
            number(tally.q1.mean, 3),
            number(tally.qoe_lin.mean, 1),
            number(tally.sabre_score.mean, 3),
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

fn scores(table: &TableEntry) -> Cells {
    let heading =
        words("rule, Q1, 95 %, Q1 p5, QoE_lin, 95 %, sabre, 95 %, regret Q1, regret QoE_lin, norm. Q1, norm. QoE_lin");
    let row = |(rule, tally, kind): (&RuleEntry, &Tally, Kind)| {
        let cells = vec![
            rule.rule.to_owned(),
            number(tally.q1.mean, 3),
            range(&tally.q1, 3),
            number(tally.q1_p5, 3),
            number(tally.qoe_lin.mean, 1),
            range(&tally.qoe_lin, 1),
            number(tally.sabre_score.mean, 3),
            range(&tally.sabre_score, 3),
            maybe(tally.regret.q1, 3),
            maybe(tally.regret.qoe_lin, 1),
            maybe(tally.normalised.q1, 3),
            maybe(tally.normalised.qoe_lin, 3),
        ];
        Row { cells, kind }
    };
    let has_q1 = table.rules.iter().filter_map(|rule| rule.over(Split::All)).any(|tally| tally.normalised.q1.is_some());
    let limits = table.ceilings(Split::All).map(|ceilings| limits(ceilings, has_q1)).unwrap_or_default();
    let rows = limits.into_iter().chain(ranked(table).into_iter().map(row)).collect();
    Cells { title: "Scores, means of all traces".to_owned(), heading, rows }
}

/// What no rule reaches, as rows of the table of scores.
fn limits(of: &Ceilings, has_q1: bool) -> Vec<Row> {
    let row = |name: &str, means: &Scores<Option<f64>>, shares: &Scores<Option<f64>>| {
        let mut cells = vec![String::new(); 12];
        name.clone_into(&mut cells[0]);
        cells[1] = maybe(means.q1.filter(|_| has_q1), 3);
        cells[4] = maybe(means.qoe_lin, 1);
        cells[10] = maybe(shares.q1.filter(|_| has_q1), 3);
        cells[11] = maybe(shares.qoe_lin, 3);
        Row { cells, kind: Kind::Limit }
    };
    vec![
        row("upper bound", &of.bound, &of.bound_normalised),
        row("optimum (can be played)", &of.optimum, &of.optimum_normalised),
        row("ceiling: five segments foreseen", &of.ceiling, &of.ceiling_normalised),
    ]
}

fn differences(table: &TableEntry) -> Cells {
    let heading = words("rule, Q1, 95 %, QoE_lin, 95 %, sabre, 95 %, stall s, 95 %");
    let rows = ranked(table).into_iter().map(|(rule, tally, kind)| {
        let to = &tally.to_default;
        let mut cells = vec![rule.rule.to_owned()];
        match kind {
            Kind::Default => cells.extend(vec![String::new(); 8]),
            _ => cells.extend([
                signed(to.q1.mean, 4),
                range(&to.q1, 4),
                signed(to.qoe_lin.mean, 1),
                range(&to.qoe_lin, 1),
                signed(to.sabre_score.mean, 3),
                range(&to.sabre_score, 3),
                signed(to.stall_s.mean, 2),
                range(&to.stall_s, 2),
            ]),
        }
        Row { cells, kind }
    });
    let title = format!("Less those of {}, trace by trace", table.default_rule);
    Cells { title, heading, rows: rows.collect() }
}

/// What rules come to over a part of the networks.
fn part(found: &MatchEntry, table: &TableEntry, split: Split) -> Cells {
    let count = found.traces.iter().filter(|trace| match split {
        Split::All => true,
        Split::Even => trace.even,
        Split::Odd => !trace.even,
        Split::Easy => trace.easy,
    });
    let heading =
        words("rule, Q1, 95 %, QoE_lin, 95 %, sabre, 95 %, kbit/s, stall s, regret Q1, norm. Q1, norm. QoE_lin");
    let rows = ranked(table).into_iter().map(|(rule, _, kind)| {
        let mut cells = vec![rule.rule.to_owned()];
        match rule.over(split) {
            Some(tally) => cells.extend([
                number(tally.q1.mean, 3),
                range(&tally.q1, 3),
                number(tally.qoe_lin.mean, 1),
                range(&tally.qoe_lin, 1),
                number(tally.sabre_score.mean, 3),
                range(&tally.sabre_score, 3),
                number(tally.mean_kbps.mean, 0),
                number(tally.stall_s.mean, 2),
                maybe(tally.regret.q1, 3),
                maybe(tally.normalised.q1, 3),
                maybe(tally.normalised.qoe_lin, 3),
            ]),
            None => cells.extend(vec!["-".to_owned(); 11]),
        }
        Row { cells, kind }
    });
    let what = match split {
        Split::All => "All traces",
        Split::Even => "Even traces, which rules were tuned on",
        Split::Odd => "Odd traces",
        Split::Easy => "Easy traces, on which the lowest level stalls for less than a second",
    };
    Cells { title: format!("{what}: {}", count.count()), heading, rows: rows.collect() }
}

/// All rules of a world by all sets, in the form in which documents have it: of each Q1, normalised QoE_lin, the score of the rules'
/// authors, and seconds of stall a session. Three rules follow over even and over odd networks.
pub fn of_world(document: &Document, world: World) -> Option<Cells> {
    let tables: Vec<(&MatchEntry, &TableEntry)> = (document.matches.iter())
        .filter_map(|found| Some((found, found.tables.iter().find(|table| table.world == world.name())?)))
        .collect();
    let (_, first) = tables.first()?;
    let title = |(found, _): &(&MatchEntry, &TableEntry)| {
        let mode = if found.mode == "vod" { String::new() } else { format!(" {}", found.mode) };
        format!("{}{mode}, {:.0} s", found.set, found.buffer_s)
    };
    let heading = std::iter::once("rule".to_owned()).chain(tables.iter().map(title)).collect();
    // From the best of the first set to the last.
    let order: Vec<(&str, Kind)> = ranked(first).into_iter().map(|(rule, _, kind)| (rule.rule, kind)).collect();
    let row = |rule: &str, split: Split, kind: Kind| {
        let cell = |(_, table): &(&MatchEntry, &TableEntry)| {
            let of = table.rules.iter().find(|entry| entry.rule == rule).and_then(|entry| entry.over(split));
            of.map_or("-".to_owned(), |tally| {
                let share = maybe(tally.normalised.qoe_lin, 3);
                let (sabre, stall) = (number(tally.sabre_score.mean, 3), number(tally.stall_s.mean, 2));
                format!("{} / {share} / {sabre} / {stall}", number(tally.q1.mean, 3))
            })
        };
        let name = if split == Split::All { rule.to_owned() } else { format!("{rule}, {}", split.name()) };
        Row { cells: std::iter::once(name).chain(tables.iter().map(cell)).collect(), kind }
    };
    let whole = order.iter().map(|(rule, kind)| row(rule, Split::All, *kind));
    let parts = [Split::Even, Split::Odd]
        .into_iter()
        .flat_map(|split| world.told_apart().iter().map(move |rule| (*rule, split)).collect::<Vec<_>>());
    let rows = whole.chain(parts.map(|(rule, split)| row(rule, split, Kind::Rule))).collect();
    Some(Cells { title: self::world(first).to_owned(), heading, rows })
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
