//! `docs/conformance.md` lists every rule once, names tests that exist, and counts right.

#![allow(clippy::expect_used, clippy::panic)] // These are tests.

use std::collections::BTreeMap;
use std::path::Path;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// The ranges of ids: what they begin with, how many digits they have, and the last number.
const RANGES: [(&str, usize, u32); 5] = [("H", 3, 139), ("HX", 2, 18), ("LL", 2, 10), ("IN", 2, 15), ("D", 3, 110)];

/// A line of a table of rules.
struct Row {
    id: String,
    live: bool,
    state: String,
    /// The tests, or why there are none.
    why: String,
}

struct Document {
    /// The sections with rules, by their titles, in their order.
    sections: Vec<(String, Vec<Row>)>,
    /// The lines of the summary, with their counts.
    summary: Vec<(String, Vec<usize>)>,
}

fn read(path: &str) -> String {
    let path = Path::new(ROOT).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The cells of a line of a table; None for other lines, and for the line below a head.
fn cells(line: &str) -> Option<Vec<&str>> {
    let inner = line.strip_prefix("| ")?.strip_suffix('|')?;
    Some(inner.split('|').map(str::trim).collect())
}

fn document() -> Document {
    let text = read("docs/conformance.md");
    let mut document = Document { sections: Vec::new(), summary: Vec::new() };
    let mut title = "";
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            title = heading;
            continue;
        }
        let Some(cells) = cells(line) else { continue };
        match (title, cells.as_slice()) {
            (_, ["section" | "id", ..]) => {}
            ("Summary", [section, counts @ ..]) => {
                let count = |cell: &&str| cell.trim_matches('*').parse().unwrap_or_else(|_| panic!("a count: {line}"));
                document.summary.push((section.trim_matches('*').to_owned(), counts.iter().map(count).collect()));
            }
            (_, [id, what, live, state, why]) => {
                assert!(!what.is_empty() && ["", "live"].contains(live), "{line}");
                if document.sections.last().is_none_or(|(last, _)| last != title) {
                    document.sections.push((title.to_owned(), Vec::new()));
                }
                let row = Row {
                    id: (*id).to_owned(),
                    live: *live == "live",
                    state: (*state).to_owned(),
                    why: (*why).to_owned(),
                };
                document.sections.last_mut().expect("pushed").1.push(row);
            }
            _ => panic!("neither a rule nor a line of the summary: {line}"),
        }
    }
    document
}

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn every_rule_is_listed_once_and_no_other() {
    let mut listed: BTreeMap<String, usize> = BTreeMap::new();
    for row in document().sections.into_iter().flat_map(|(_, rows)| rows) {
        *listed.entry(row.id).or_default() += 1;
    }
    for (prefix, digits, last) in RANGES {
        for number in 1..=last {
            let id = format!("{prefix}{number:0digits$}");
            assert_eq!(listed.remove(&id), Some(1), "{id}");
        }
    }
    assert_eq!(listed, BTreeMap::new(), "these are no rules");
}

#[test]
fn every_rule_is_tested_by_tests_that_exist_or_says_why_not() {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for Row { id, state, why, .. } in document().sections.into_iter().flat_map(|(_, rows)| rows) {
        let (mut path, mut tests) = (None, 0);
        for word in quoted(&why) {
            if word.ends_with(".rs") {
                files.entry(word.to_owned()).or_insert_with(|| read(word));
                path = Some(word);
                continue;
            }
            let path = path.unwrap_or_else(|| panic!("{id}: a path goes before {word}"));
            assert!(is_test(&files[path], word), "{id}: {path} has no test {word}");
            tests += 1;
        }
        match state.as_str() {
            "tested" => assert!((1..=5).contains(&tests), "{id}: {tests} tests"),
            "not applicable" | "open" => {
                let words = why.split('`').next().unwrap_or_default().split_whitespace().count();
                assert!(words >= 2, "{id}: no reason is given");
            }
            other => panic!("{id}: {other:?} is no state"),
        }
    }
}

/// Whether a file has a test of this name: a function that is marked as one.
fn is_test(text: &str, name: &str) -> bool {
    let wanted = format!("fn {name}(");
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.iter().enumerate().any(|(at, line)| {
        let marked = lines[..at].iter().rev().take_while(|above| above.starts_with("#[") || above.starts_with("//"));
        line.strip_prefix("async ").unwrap_or(line).starts_with(&wanted)
            && marked.into_iter().any(|above| above.starts_with("#[test]") || above.starts_with("#[tokio::test"))
    })
}

#[test]
fn the_summary_counts_what_the_tables_say() {
    let document = document();
    let count = |rows: &[&Row]| -> Vec<usize> {
        let of = |wanted: &dyn Fn(&Row) -> bool| rows.iter().filter(|row| wanted(row)).count();
        vec![
            rows.len(),
            of(&|row| row.state == "tested"),
            of(&|row| row.state == "not applicable"),
            of(&|row| row.state == "open"),
            of(&|row| row.live),
            of(&|row| row.live && row.state == "open"),
        ]
    };
    let mut counted: Vec<(String, Vec<usize>)> = document
        .sections
        .iter()
        .map(|(title, rows)| (title.clone(), count(&rows.iter().collect::<Vec<_>>())))
        .collect();
    let all: Vec<&Row> = document.sections.iter().flat_map(|(_, rows)| rows).collect();
    counted.push(("All".to_owned(), count(&all)));
    assert_eq!(document.summary.len(), counted.len(), "a line for each section, and one for all");
    for (told, right) in document.summary.iter().zip(&counted) {
        assert_eq!(told, right);
    }
}
