//! The report as a page: one file that opens offline, with its drawings.
//!
//! What is drawn is data in the page, and a script in it draws what comes into view. Names of files and rules come from
//! outside: they are escaped here and through text nodes there.

use std::fmt::Write as _;

use serde_json::{json, Value};
use telecine_simulator::{optimum, Limits, Metrics, Outcome, Score};

use super::document::{Document, MatchEntry, TableEntry};
use super::markdown::introduction;
use super::study::{Match, Study, Table, World};
use super::tables::{self, Cells, Kind};

const CSS: &str = include_str!("page.css");
const JS: &str = include_str!("page.js");

/// Steps that a network's rate is drawn in at most.
const MOST_STEPS: usize = 600;
/// The shortest of them, in milliseconds.
const LEAST_STEP_MS: f64 = 1_000.0;

/// The rules whose sessions are drawn, and which lines stand out among all: Telecine's own first.
fn drawn(world: World) -> &'static [&'static str] {
    match world {
        World::Faithful => {
            &["Foresight-FS", "BOLA-E-without-ao", "RobustMpc", "BOLA-E-FS", "DYNAMIC-DASH", "THROUGHPUT", "Foresight"]
        }
        World::Player => &["foresight", "bola-e-damped", "robust-mpc", "bola-e", "dynamic", "throughput"],
    }
}

/// The whole page.
pub fn html(study: &Study, document: &Document) -> String {
    let mut html = String::with_capacity(8 << 20);
    let _ = write!(
        html,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         script-src 'unsafe-inline'\">\n<title>Bitrate choice · Telecine</title>\n<style>\n{CSS}</style>\n</head>\n<body>\n<main>\n\
         <h1>Bitrate choice</h1>\n"
    );
    for paragraph in introduction(document) {
        let _ = writeln!(html, "<p class=\"lead\">{}</p>", escape(&paragraph));
    }
    contents(&mut html, document);
    let _ = write!(html, "<section class=\"card\" id=\"asked\"><h2>What was asked for</h2>\n{}", tally(document));
    for cells in tables::of_checks(document) {
        table(&mut html, &cells);
    }
    html.push_str("</section>\n");
    for (found, entry) in study.matches.iter().zip(&document.matches) {
        for (of, table) in found.tables.iter().zip(&entry.tables) {
            match_card(&mut html, entry, (of, table));
        }
    }
    traces(&mut html, study);
    let _ = write!(html, "</main>\n<script>\n{JS}</script>\n</body>\n</html>\n");
    html
}

fn contents(html: &mut String, document: &Document) {
    html.push_str("<nav>\n<a href=\"#asked\">What was asked for</a>\n");
    for found in &document.matches {
        for of in &found.tables {
            let _ = writeln!(html, "<a href=\"#{}\">{} {} {}</a>", id(found, of), found.set, found.mode, of.world);
        }
    }
    html.push_str("<a href=\"#traces\">Traces, one by one</a>\n</nav>\n");
}

fn id(found: &MatchEntry, of: &TableEntry) -> String {
    format!("{}-{}-{}", found.set, found.mode, of.world)
}

fn tally(document: &Document) -> String {
    use super::checks::Verdict;
    let count = |verdict: Verdict| document.checks.iter().filter(|check| check.verdict == verdict).count();
    format!(
        "<p class=\"verdicts\"><b class=\"ok\">{} ok</b> <b class=\"short\">{} short</b> <b>{} open</b></p>\n",
        count(Verdict::Ok),
        count(Verdict::Short),
        count(Verdict::Open)
    )
}

fn table(html: &mut String, cells: &Cells) {
    let _ = write!(html, "<h3>{}</h3>\n<div class=\"wide\"><table>\n<thead><tr>", escape(&cells.title));
    for name in &cells.heading {
        let _ = write!(html, "<th>{}</th>", escape(name));
    }
    html.push_str("</tr></thead>\n<tbody>\n");
    for row in &cells.rows {
        let class = match row.kind {
            Kind::Rule => "",
            Kind::Default => " class=\"default\"",
            Kind::Limit => " class=\"limit\"",
            Kind::Passed => " class=\"ok\"",
            Kind::Failed => " class=\"short\"",
        };
        let _ = write!(html, "<tr{class}>");
        for cell in &row.cells {
            let _ = write!(html, "<td>{}</td>", escape(cell));
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody></table></div>\n");
}

fn match_card(html: &mut String, entry: &MatchEntry, (of, table_entry): (&Table, &TableEntry)) {
    let id = id(entry, table_entry);
    let _ = write!(
        html,
        "<section class=\"card\" id=\"{id}\"><h2>{} <small>{}</small></h2>\n<div class=\"legend\" data-legend></div>\n<div class=\"plots\">\n",
        escape(&tables::title(entry)),
        escape(tables::world(table_entry)),
    );
    for (plot, caption) in [
        ("frontier", "Stall against quality (0: always lowest, 1: always highest): up and to the left is better"),
        ("q1", "Q1: to the right is better"),
        ("norm", "Normalised QoE_lin: to the right is better"),
        ("stall", "Stall: to the left is better"),
    ] {
        let _ = writeln!(
            html,
            "<figure data-plot=\"{plot}\"><figcaption>{caption}</figcaption><svg role=\"img\" aria-label=\"{} {caption}\" viewBox=\"0 0 560 330\"></svg></figure>",
            escape(&id)
        );
    }
    let _ = write!(html, "</div>\n{}\n", data(&plots(of, table_entry)));
    for (index, cells) in tables::of(entry, table_entry).iter().enumerate() {
        let _ = writeln!(
            html,
            "<details{}><summary>{}</summary>",
            if index == 0 { " open" } else { "" },
            escape(&cells.title)
        );
        table(html, &Cells { title: String::new(), ..cells.clone() });
        html.push_str("</details>\n");
    }
    html.push_str("</section>\n");
}

/// What is drawn of a table.
fn plots(of: &Table, entry: &TableEntry) -> Value {
    let rules = entry.rules.iter().map(|rule| {
        let each = |value: &dyn Fn(&super::document::SessionEntry) -> Option<f64>| -> Vec<Option<f64>> {
            rule.sessions.iter().map(|session| value(session).map(|value| round(value, 4))).collect()
        };
        let mean = |value: fn(&Metrics) -> f64| {
            rule.sessions.iter().map(|session| value(&session.metrics)).sum::<f64>() / rule.sessions.len().max(1) as f64
        };
        json!({
            "name": rule.rule,
            "q1": each(&|session| Some(session.metrics.q1)),
            "norm": each(&|session| session.normalised.qoe_lin),
            "stall": each(&|session| Some(session.metrics.stall_s)),
            "at": [round(mean(|metrics| metrics.stall_s), 3), round(mean(|metrics| metrics.mean_quality), 4)],
        })
    });
    let limits = |value: &dyn Fn(&Limits) -> Option<(f64, f64)>| {
        let points: Option<Vec<(f64, f64)>> = of.limits.iter().map(value).collect();
        points.filter(|points| !points.is_empty()).map(|points| {
            let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / points.len() as f64;
            [round(mean(|point| point.0), 3), round(mean(|point| point.1), 4)]
        })
    };
    let foreseen = |limits: &Limits| limits.ceiling.q1.as_ref().map(|metrics| (metrics.stall_s, metrics.mean_quality));
    json!({
        "drawn": drawn(of.world),
        "rules": rules.collect::<Vec<Value>>(),
        "ceiling": limits(&foreseen),
    })
}

/// A section for each network.
fn traces(html: &mut String, study: &Study) {
    html.push_str("<section id=\"traces\"><h2>Traces, one by one</h2>\n");
    html.push_str(
        "<p class=\"lead\">Above, the network's rate (grey) and the bitrate that was asked for, by the time when it was; dots are \
         segments that were fetched again. Below, the buffer. The optimum is the best session known by QoE_lin. Names switch lines.</p>\n",
    );
    for (index, set) in study.collection.sets.iter().enumerate() {
        let _ = writeln!(
            html,
            "<details class=\"set\"><summary>{} ({} traces)</summary>",
            escape(set.name),
            set.traces.len()
        );
        let matches: Vec<&Match> = study.matches.iter().filter(|found| found.set == index).collect();
        for place in 0..set.traces.len() {
            trace(html, study, &matches, place);
        }
        html.push_str("</details>\n");
    }
    html.push_str("</section>\n");
}

fn trace(html: &mut String, study: &Study, matches: &[&Match], place: usize) {
    let Some(set) = matches.first().map(|found| study.set(found)) else { return };
    let trace = &set.traces[place];
    let mut views = Vec::new();
    let mut longest_ms: f64 = LEAST_STEP_MS;
    for found in matches {
        let buffer_ms = found.mode.buffer_s * 1000.0;
        for table in &found.tables {
            let best = table.limits[place].optimum.qoe_lin.as_ref();
            let best =
                best.map(|best| optimum::played(&set.movie, &trace.link, buffer_ms, &best.levels, table.sessions));
            let mut series = Vec::new();
            let mut add = |name: &str, outcome: &Outcome, metrics: &Metrics| {
                longest_ms = longest_ms.max(outcome.elapsed_ms);
                series.push(course(name, outcome, metrics, set));
            };
            for name in drawn(table.world) {
                if let Some(played) = table.rule(name) {
                    add(name, &played.sessions[place].outcome, &played.sessions[place].metrics);
                }
            }
            if let Some(best) = &best {
                add("optimum", best, &Metrics::of(best, &set.movie));
            }
            views.push(json!({
                "name": format!("{} {}", found.mode.name, table.world.name()),
                "buffer": found.mode.buffer_s,
                "series": series,
            }));
        }
    }
    let steps = ((longest_ms / LEAST_STEP_MS).ceil() as usize).clamp(1, MOST_STEPS);
    let step_ms = longest_ms / steps as f64;
    let rates = trace.link.mean_rates(step_ms, steps).iter().map(|rate| rate.round() as u64).collect::<Vec<u64>>();
    let ladder = set.movie.ladder();
    let levels: Vec<f64> = (0..ladder.len()).map(|level| ladder.kbps(level)).collect();
    let ground = matches.first().map(|found| &found.grounds[place]);
    let kind = ground.map_or(String::new(), |ground| {
        let tuned = if ground.even { "even: tuned on" } else { "odd" };
        if ground.easy {
            format!("{tuned}, easy")
        } else {
            tuned.to_owned()
        }
    });
    let name = format!("{}/{}", set.name, trace.name);
    let _ = write!(
        html,
        "<section class=\"card trace\" id=\"{0}\"><h3>{0} <small>{1}</small></h3>\n<div class=\"views\"></div>\
         <div class=\"legend\"></div>\n<svg role=\"img\" aria-label=\"{0}: rate, choices and buffer\" viewBox=\"0 0 1160 380\"></svg>\n{2}\n</section>\n",
        escape(&name),
        kind,
        data(&json!({ "step": round(step_ms / 1000.0, 4), "rates": rates, "levels": levels, "views": views })),
    );
}

/// A session in whole tenths of seconds, each counted from the one before.
fn course(name: &str, outcome: &Outcome, metrics: &Metrics, set: &super::sets::Set) -> Value {
    let tenths = |ms: f64| (ms / 100.0).round() as i64;
    let steps = |points: &mut dyn Iterator<Item = (f64, i64)>| {
        let (mut before, mut steps) = (0, Vec::new());
        let mut last = None;
        for (at_ms, value) in points {
            let at = tenths(at_ms);
            if last == Some((at, value)) {
                continue;
            }
            last = Some((at, value));
            steps.extend([at - before, value]);
            before = at;
        }
        steps
    };
    let (mut asked, mut again) = (Vec::new(), Vec::new());
    let mut next = 0;
    for request in &outcome.requests {
        let level = i64::try_from(request.level).unwrap_or(0);
        // A request that was given up is followed by another for the same.
        if request.segment >= next {
            asked.push((request.at_ms, level));
            next = request.segment;
        } else {
            again.push((request.at_ms, level));
        }
    }
    asked.push((outcome.elapsed_ms, asked.last().map_or(0, |last| last.1)));
    let buffer = outcome.buffer_course(&set.movie);
    json!({
        "name": name,
        "asked": steps(&mut asked.into_iter()),
        "again": steps(&mut again.into_iter()),
        "buffer": steps(&mut buffer.iter().map(|moment| (moment.at_ms, tenths(moment.buffer_ms)))),
        "q1": round(Score::Q1.of(metrics), 3),
        "lin": round(Score::QoeLin.of(metrics), 1),
        "sabre": round(metrics.sabre_score, 3),
        "stall": round(metrics.stall_s, 2),
        "kbps": metrics.mean_kbps.round(),
    })
}

fn round(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}

/// Data of the script, which ends no element.
fn data(value: &Value) -> String {
    format!("<script type=\"application/json\">{}</script>", value.to_string().replace('<', "\\u003c"))
}

/// Text as HTML may carry it, in elements and in quoted attributes.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
