//! The report of bitrate choice says what was played, and is whole in itself.

// What goes wrong here fails the test that asked for it.
#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use serde_json::Value;
use telecine_benches::abr::checks::Verdict;
use telecine_benches::abr::document::Document;
use telecine_benches::abr::sets::{is_even, Collection, Extent};
use telecine_benches::abr::speed::Speed;
use telecine_benches::abr::study::Study;
use telecine_benches::abr::tables::{self, Kind};
use telecine_benches::abr::tally::Split;
use telecine_benches::abr::{markdown, page};
use telecine_simulator::Score;
use tempfile::TempDir;

fn published() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../conformance/traces")
}

/// A collection of so few networks: what a test can play.
fn collection(networks: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let others = ["movies/bbb.json", "movies/bbb4k.json", "published-rules.csv"];
    for name in networks.iter().chain(&others) {
        let to = folder.path().join(name);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(published().join(name), to).unwrap();
    }
    folder
}

fn study(folder: &TempDir, extent: Extent) -> Study {
    Study::of(Collection::read(folder.path(), extent).unwrap(), Speed::default(), &|_| {}).unwrap()
}

/// A row of the table of published figures, by the names of its columns.
fn figure(set: &str, mode: &str, rule: &str, trace: &str, column: &str) -> f64 {
    let text = std::fs::read_to_string(published().join("published-rules.csv")).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let place = lines.next().unwrap().iter().position(|name| *name == column).unwrap();
    let row = lines.find(|row| (row[0], row[1], row[3], row[4]) == (set, mode, rule, trace)).unwrap();
    row[place].parse().unwrap()
}

fn near(value: &Value, expected: f64, within: f64) {
    let value = value.as_f64().unwrap_or(f64::NAN);
    assert!((value - expected).abs() <= within, "{value}, and not {expected}");
}

const FOOT: &str = "report_foot_0004.json";

#[test]
fn the_numbers_are_those_that_were_published() {
    let folder = collection(&["4g/report_foot_0004.json"]);
    let study = study(&folder, Extent::ALL);
    let document = serde_json::to_value(Document::of(&study)).unwrap();
    assert_eq!((&document["whole"], &document["missing"][0]), (&Value::Bool(false), &"3g".into()));
    for (place, mode) in ["vod", "live"].into_iter().enumerate() {
        let found = &document["matches"][place];
        assert_eq!((&found["set"], &found["mode"]), (&"4g".into(), &mode.into()));
        let faithful = &found["tables"][0];
        let rule = |name: &str| {
            let rules = faithful["rules"].as_array().unwrap();
            rules.iter().find(|rule| rule["rule"] == name).unwrap()["over"][0].clone()
        };
        // (sum of bitrates - sum of changes) in Mbit/s less 35 for each second of stall.
        let lin = |name: &str| {
            let figure = |column| figure("4g", mode, name, FOOT, column);
            (figure("total_kbps") - figure("total_switch_kbps")) / 1000.0 - 35.0 * figure("rebuffer_s")
        };
        // The best session that another search found. Both are close below the true optimum.
        let best = figure("4g", mode, "OPTIMUM(feasible)", FOOT, "qoe_lin_total");
        let ours = faithful["ceilings"][0]["optimum"]["qoe_lin"].as_f64().unwrap();
        assert!((ours - best).abs() <= 0.003 * best, "{ours} {best}");
        let bound = faithful["ceilings"][0]["bound"]["qoe_lin"].as_f64().unwrap();
        assert!(bound >= ours, "{bound}");
        for name in ["BOLA-E", "DYNAMIC", "THROUGHPUT", "BOLA-E-without-ao", "RobustMpc"] {
            let tally = rule(name);
            near(&tally["mean_kbps"]["mean"], figure("4g", mode, name, FOOT, "mean_kbps"), 1e-5);
            near(&tally["stall_s"]["mean"], figure("4g", mode, name, FOOT, "rebuffer_s"), 1e-5);
            near(&tally["sabre_score"]["mean"], figure("4g", mode, name, FOOT, "sabre_score"), 1e-5);
            near(&tally["qoe_lin"]["mean"], lin(name), 1e-3);
            near(&tally["normalised"]["qoe_lin"], (lin(name) - lin("Lowest")) / (ours - lin("Lowest")), 1e-6);
            near(&tally["regret"]["qoe_lin"], ours - lin(name), 1e-3);
            let default = rule("Foresight-FS")["qoe_lin"]["mean"].as_f64().unwrap();
            near(&tally["to_default"]["qoe_lin"]["mean"], lin(name) - default, 1e-3);
        }
        assert_eq!(rule("BOLA-E")["split"], "all");
        // By zlib's crc32 of the name, the network is odd.
        let splits: Vec<Value> = faithful["rules"][0]["over"].as_array().unwrap().clone();
        let splits: Vec<&str> = splits.iter().filter_map(|over| over["split"].as_str()).collect();
        assert_eq!(splits, ["all", "odd", "easy"]);
    }
    // The player's live sessions pay for lateness, and there is no optimum that does.
    let live = &document["matches"][1]["tables"][1];
    assert_eq!(live["world"], "player");
    let tally = &live["rules"][0]["over"][0];
    assert!(tally["excess_latency_s"].is_number() && tally["normalised"]["q1"].is_null(), "{tally}");
}

#[test]
fn a_check_is_judged_by_what_was_measured_and_over_all_traces_only() {
    let networks = ["4g/report_foot_0004.json", "4g/report_foot_0005.json"];
    let folder = collection(&networks);
    let part = Document::of(&study(&folder, Extent { traces: 1, segments: usize::MAX }));
    assert!(!part.whole);
    let target = |document: &Document, what: &str| {
        let checks = document.checks.iter().filter(|check| check.group == "Telecine's default");
        checks.filter(|check| check.what.starts_with(what)).cloned().collect::<Vec<_>>()
    };
    let [faithful, player] = target(&part, "4g vod").try_into().unwrap();
    assert!(faithful.measured.contains("(1 of 20 traces)") && player.measured.contains("(1 of 20 traces)"));
    assert_eq!((faithful.verdict, player.verdict), (Verdict::Open, Verdict::Open));
    // What is not there is not passed either.
    for missing in ["3g vod", "3g live", "fcc-hd", "fcc-sd"] {
        for check in target(&part, missing) {
            assert_eq!(check.verdict, Verdict::Open, "{}", check.what);
        }
    }
    let mut both = study(&folder, Extent::ALL);
    let [faithful, _] = target(&Document::of(&both), "4g vod").try_into().unwrap();
    assert_eq!((faithful.verdict, faithful.measured.contains("(2 of 20 traces)")), (Verdict::Open, true));
    // As if these were all that there are.
    both.collection.sets[0].of = 2;
    let whole = Document::of(&both);
    let found = &whole.matches[0];
    for (check, table) in target(&whole, "4g vod").iter().zip(&found.tables) {
        let own = table.rules.iter().find(|rule| rule.rule == table.default_rule).unwrap();
        let mean = |of: &dyn Fn(usize) -> f64| (of(0) + of(1)) / 2.0;
        let gain = mean(&|place| own.sessions[place].metrics.qoe_lin - found.traces[place].lowest.qoe_lin);
        let most = mean(&|place| found.traces[place].optimum.qoe_lin.unwrap() - found.traces[place].lowest.qoe_lin);
        let stall = mean(&|place| own.sessions[place].metrics.stall_s);
        let held = gain / most >= 0.92 && stall <= 1.9;
        assert_eq!(check.verdict, if held { Verdict::Ok } else { Verdict::Short }, "{check:?} {}", gain / most);
        assert_eq!(check.measured, format!("{:.3} at {stall:.4} s", gain / most));
    }
    // Sessions that were cut short are none of the published ones.
    let cut = Document::of(&study(&folder, Extent { traces: 1, segments: 20 }));
    let published: Vec<_> = cut.checks.iter().filter(|check| check.group.starts_with("Faithful")).collect();
    assert_eq!((published.len(), published[0].verdict), (1, Verdict::Open));
    let published: Vec<_> = whole.checks.iter().filter(|check| check.group.starts_with("Faithful")).collect();
    assert!(published.len() >= 20 && published.iter().all(|check| check.verdict == Verdict::Ok), "{published:?}");
}

#[test]
fn the_page_is_whole_in_itself_and_draws_every_trace() {
    let networks = ["4g/report_foot_0004.json", "fcc-sd/trace0000.json", "fcc-sd/trace0053.json"];
    let study = study(&collection(&networks), Extent { traces: 2, segments: 25 });
    let document = Document::of(&study);
    let html = page::html(&study, &document);
    let elements = elements(&html);
    // Nothing from elsewhere: no address at all, but for places in the page itself.
    for wrong in ["http:", "https:", "//fonts", "@import", "<link", "<img", "<iframe", "src="] {
        assert!(!html.contains(wrong), "{wrong}");
    }
    assert!(html.match_indices("url(").all(|(at, _)| html[at..].starts_with("url(#")));
    assert!(html.match_indices("href=\"").all(|(at, _)| html[at..].starts_with("href=\"#")));
    for network in networks {
        let begin = html.find(&format!("id=\"{network}\"")).unwrap();
        let section = &html[begin..begin + html[begin..].find("</section>").unwrap()];
        assert_eq!(section.matches("<svg").count(), 1, "{network}");
        let data = &section[section.find("/json\">").unwrap() + 7..section.find("</script>").unwrap()];
        let data: Value = serde_json::from_str(data).unwrap();
        let views = data["views"].as_array().unwrap();
        // On demand and live, in both worlds.
        assert_eq!(views.len(), 4);
        for view in views {
            let names: Vec<&str> =
                view["series"].as_array().unwrap().iter().filter_map(|of| of["name"].as_str()).collect();
            assert!(names[0].to_lowercase().starts_with("foresight") && names.contains(&"optimum"), "{names:?}");
            for series in view["series"].as_array().unwrap() {
                // 25 segments, and where the last choice ends.
                assert!(series["asked"].as_array().unwrap().len() >= 2 * 26, "{}", series["name"]);
                let most =
                    series["buffer"].as_array().unwrap().iter().skip(1).step_by(2).filter_map(Value::as_i64).max();
                let buffer = view["buffer"].as_f64().unwrap();
                assert!(most.unwrap() as f64 <= 10.0 * buffer + 1.0 && most.unwrap() > 0, "{most:?} {buffer}");
            }
        }
    }
    // Four plots of each set, mode and world, and one of each trace.
    assert_eq!(elements.iter().filter(|name| *name == "svg").count(), 4 * 8 + networks.len());
    let text = markdown::text(&document);
    for table in document.matches.iter().flat_map(|found| &found.tables) {
        for rule in &table.rules {
            assert!(html.contains(&format!("<td>{}</td>", rule.rule)) && text.contains(rule.rule), "{}", rule.rule);
        }
    }
    let columns = |line: &str| line.matches('|').count() - line.matches("\\|").count();
    for pair in text.lines().collect::<Vec<_>>().windows(2) {
        if pair.iter().all(|line| line.starts_with('|')) {
            assert_eq!(columns(pair[0]), columns(pair[1]), "{pair:?}");
        }
    }
}

#[test]
fn every_table_of_rules_has_all_of_them_and_all_three_scores() {
    let study = study(&collection(&["4g/report_foot_0004.json"]), Extent { traces: 1, segments: 25 });
    let document = Document::of(&study);
    for found in &document.matches {
        for table in &found.tables {
            let all = tables::of(found, table);
            assert_eq!(all.len(), 6);
            for cells in all {
                for score in ["Q1", "QoE_lin", "sabre"] {
                    assert!(cells.heading.iter().any(|name| name == score), "{score}: {}", cells.title);
                }
                let rules = cells.rows.iter().filter(|row| row.kind != Kind::Limit).count();
                assert_eq!(rules, table.rules.len(), "{}", cells.title);
                assert!(cells.rows.iter().all(|row| row.cells.len() == cells.heading.len()), "{}", cells.title);
            }
        }
    }
    // What documents quote: all rules by set, and three of them over even and odd networks.
    let quoted = markdown::rules(&document);
    for (table, told_apart) in document.matches[0].tables.iter().zip(["Soda", "soda"]) {
        for rule in &table.rules {
            let tally = rule.over(Split::All).unwrap();
            let share = tally.normalised.qoe_lin.map_or("-".to_owned(), |share| format!("{share:.3}"));
            let row =
                quoted.lines().find(|line| line.replace('*', "").starts_with(&format!("| {} |", rule.rule))).unwrap();
            assert!(row.contains(&format!("{:.3} / {share} /", tally.q1.mean)), "{row}");
        }
        assert!(quoted.contains(&format!("| {told_apart}, odd |")), "{quoted}");
    }
}

#[test]
fn no_session_passes_the_bound_that_is_printed_beside_it() {
    let study =
        study(&collection(&["4g/report_foot_0004.json", "fcc-sd/trace0000.json"]), Extent { traces: 1, segments: 60 });
    for found in &study.matches {
        for table in &found.tables {
            for rule in &table.rules {
                for (session, limits) in rule.sessions.iter().zip(&table.limits) {
                    for score in Score::ALL {
                        let metrics = &session.metrics;
                        let Some(bound) = limits.bound_after(score, metrics.startup_s) else { continue };
                        let world = table.world.name();
                        assert!(
                            score.of(metrics) <= bound + 1e-9,
                            "{} {world} {score:?} {bound} {metrics:?}",
                            rule.rule
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn the_report_is_written_and_fails_where_something_that_has_to_hold_is_short() {
    let folder = collection(&["4g/report_foot_0004.json"]);
    let out = tempfile::tempdir().unwrap();
    let code = || {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_abr"));
        let done = command.arg(folder.path()).arg(out.path()).output().unwrap();
        (done.status.code(), String::from_utf8(done.stderr).unwrap())
    };
    let (as_published, _) = code();
    assert_eq!(as_published, Some(0));
    // As if another figure had been published of one rule.
    let figures = folder.path().join("published-rules.csv");
    let text = std::fs::read_to_string(&figures).unwrap();
    let begin = "4g,vod,25,BOLA-E,report_foot_0004.json,";
    let other = text.lines().map(|line| match line.strip_prefix(begin).and_then(|rest| rest.split_once(',')) {
        Some((_, rest)) => format!("{begin}12345.6,{rest}\n"),
        None => format!("{line}\n"),
    });
    let other: String = other.collect();
    assert_ne!(other, text);
    std::fs::write(&figures, other).unwrap();
    for name in ["report.html", "report.json", "report.md", "rules.md"] {
        std::fs::remove_file(out.path().join(name)).unwrap();
    }
    let (as_falsified, said) = code();
    assert_eq!(as_falsified, Some(7), "{said}");
    assert!(said.contains("short of what has to hold: 4g vod: BOLA-E"), "{said}");
    for name in ["report.html", "report.json", "report.md", "rules.md"] {
        assert!(out.path().join(name).is_file(), "{name}");
    }
}

#[test]
fn a_folder_without_traces_is_told_of() {
    let folder = tempfile::tempdir().unwrap();
    for folder in [folder.path().to_owned(), folder.path().join("nowhere")] {
        let why = Collection::read(&folder, Extent::ALL).unwrap_err().to_string();
        assert!(why.contains(folder.to_str().unwrap()) && why.contains("TRACES=DIR"), "{why}");
    }
    let folder = collection(&["4g/report_foot_0004.json"]);
    std::fs::write(folder.path().join("4g/report_foot_0005.json"), "[{]").unwrap();
    let why = Collection::read(folder.path(), Extent::ALL).unwrap_err().to_string();
    assert!(why.contains("report_foot_0005.json") && why.contains("line 1"), "{why}");
}

#[test]
fn networks_are_tuned_on_by_the_hash_of_their_names() {
    // By Python's zlib.crc32.
    let even = ["report_foot_0005.json", "report_tram_0007.json", "trace0000.json"];
    let odd = ["report_foot_0004.json", "trace0053.json"];
    assert!(even.into_iter().all(is_even) && !odd.into_iter().any(is_even));
}

/// The names of a page's elements. Fails where one is not ended by its own end.
fn elements(html: &str) -> Vec<String> {
    const EMPTY: [&str; 2] = ["meta", "!doctype"];
    let (mut names, mut open, mut rest) = (Vec::new(), Vec::<String>::new(), html);
    while let Some(begin) = rest.find('<') {
        rest = &rest[begin + 1..];
        let end = rest.find('>').expect("a tag ends");
        let tag = &rest[..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "{} elements before", names.len());
            continue;
        }
        let name = tag.split_whitespace().next().unwrap_or_default().to_owned();
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '!'), "{tag}");
        names.push(name.clone());
        if EMPTY.contains(&name.as_str()) {
            continue;
        }
        if name == "script" || name == "style" {
            // Text up to its own end.
            let end = format!("</{name}>");
            let at = rest.find(&end).expect("it ends");
            rest = &rest[at + end.len()..];
            continue;
        }
        open.push(name);
    }
    assert!(open.is_empty(), "{open:?}");
    names
}
