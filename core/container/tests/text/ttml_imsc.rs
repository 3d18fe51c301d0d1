//! What imsc.js shows of documents, moment by moment, and what our cues show.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::{json, Value};
use telecine_container::text::ttml;
use telecine_model::cue::{
    Anchor, Direction, FontSize, RegionHeight, RegionWidth, Rgba, Ruby, Run, TextAlign, WritingMode,
};
use telecine_model::{Cue, Limits, MediaTime};

fn path(name: &str) -> String {
    format!("{}/tests/data/text/ttml/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn colour(colour: Rgba) -> Value {
    json!([colour.r, colour.g, colour.b, colour.a])
}

/// Percents with two digits: imsc.js computes in floating point.
fn rounded(percent: f64) -> Value {
    json!((percent * 100.0).round() / 100.0)
}

fn run(run: &Run<'_>) -> Value {
    let style = &run.style;
    let Some(FontSize::OfVideo(size)) = style.font_size else { panic!("TTML sizes are of the video") };
    json!({
        "text": run.text,
        "color": colour(style.color.unwrap_or(Rgba::WHITE)),
        "italic": style.italic == Some(true),
        "bold": style.bold == Some(true),
        "underline": style.underline == Some(true),
        "lineThrough": style.line_through == Some(true),
        "size": rounded(size.as_f64()),
        "visible": style.visible != Some(false),
        "ruby": match run.ruby {
            Some(Ruby::Text) => "text",
            _ => "",
        },
    })
}

/// Texts side by side that look the same are one.
fn joined(runs: Vec<Value>) -> Value {
    let mut out: Vec<Value> = Vec::new();
    for run in runs {
        if let Some(before) = out.last_mut() {
            if before["size"].is_null() {
                let text = format!("{}{}", before["text"].as_str().unwrap_or(""), run["text"].as_str().unwrap_or(""));
                *before = run;
                before["text"] = json!(text);
                continue;
            }
            let mut same = before.clone();
            same["text"] = run["text"].clone();
            // A line break has no look of its own.
            if same == run || run["text"] == "\n" {
                let text = format!("{}{}", before["text"].as_str().unwrap_or(""), run["text"].as_str().unwrap_or(""));
                before["text"] = json!(text);
                continue;
            }
        }
        out.push(run);
    }
    Value::Array(out)
}

fn cue(cue: &Cue) -> Value {
    let region = cue.region.as_ref().expect("the documents have regions");
    let (RegionWidth::Percent(width), RegionHeight::Percent(height)) = (region.width, region.height) else {
        panic!("TTML regions have shares of the picture");
    };
    json!({
        "region": region.id,
        "x": rounded(region.position.x.as_f64()), "y": rounded(region.position.y.as_f64()),
        "width": rounded(width.as_f64()), "height": rounded(height.as_f64()),
        "displayAlign": match region.align {
            Anchor::Before => "before",
            Anchor::Center => "center",
            Anchor::After => "after",
        },
        "writing": match (cue.layout.writing, cue.layout.direction) {
            (WritingMode::VerticalRl, _) => "tbrl",
            (WritingMode::VerticalLr, _) => "tblr",
            (WritingMode::Horizontal, Direction::Rtl) => "rltb",
            (WritingMode::Horizontal, _) => "lrtb",
        },
        "background": colour(region.background.unwrap_or(Rgba::TRANSPARENT)),
        "opacity": rounded(f64::from(region.opacity) / 255.0),
        "padding": region.padding.map(|share| rounded(share.as_f64())),
        "align": match cue.layout.align {
            TextAlign::Start | TextAlign::Left => "start",
            TextAlign::Center => "center",
            TextAlign::End | TextAlign::Right => "end",
            TextAlign::Justify => "justify",
        },
        "block": colour(cue.layout.background.unwrap_or(Rgba::TRANSPARENT)),
        "runs": joined(cue.runs().iter().map(run).collect()),
    })
}

fn their_run(run: &Value) -> Option<Value> {
    if run["ruby"] == "delimiter" {
        return None;
    }
    if run["text"] == "\n" {
        return Some(run.clone());
    }
    let says = |word: &str| run["decoration"].as_array().is_some_and(|words| words.iter().any(|found| found == word));
    Some(json!({
        "text": run["text"], "color": run["color"], "italic": run["italic"], "bold": run["bold"],
        "underline": says("underline"), "lineThrough": says("lineThrough"),
        "size": rounded(run["size"].as_f64().unwrap_or(-1.0)), "visible": run["visible"],
        "ruby": if run["ruby"] == "text" { "text" } else { "" },
    }))
}

fn their_cues(interval: &Value) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for region in interval["regions"].as_array().expect("a list of regions") {
        let number = |name: &str| rounded(region[name].as_f64().unwrap_or(-1.0));
        let padding = region["padding"].as_array().expect("four sides");
        let side = |at: usize| rounded(padding[at].as_f64().unwrap_or(-1.0));
        // Theirs: before, start, after, end.
        let padding = match region["writing"].as_str() {
            Some("lrtb") => json!([side(0), side(3), side(2), side(1)]),
            _ => json!([side(0), side(0), side(0), side(0)]),
        };
        for paragraph in region["paragraphs"].as_array().expect("a list of paragraphs") {
            let runs: Vec<_> = paragraph["runs"].as_array().into_iter().flatten().filter_map(their_run).collect();
            if runs.iter().all(|run| run["text"].as_str().unwrap_or("").trim().is_empty()) {
                continue;
            }
            let background = |value: &Value| if value.is_array() { value.clone() } else { colour(Rgba::TRANSPARENT) };
            let cue = json!({
                "region": region["id"], "x": number("x"), "y": number("y"), "width": number("width"),
                "height": number("height"), "displayAlign": region["align"],
                "writing": if paragraph["direction"] == "rtl" { json!("rltb") } else { region["writing"].clone() },
                "background": background(&region["background"]), "opacity": number("opacity"), "padding": padding,
                "align": paragraph["align"], "block": background(&paragraph["background"]), "runs": joined(runs),
            });
            out.insert(cue.to_string());
        }
    }
    out
}

#[test]
fn every_moment_of_every_document_is_shown_as_imsc_js_shows_it() {
    let text = std::fs::read_to_string(path("imsc.json")).expect("imsc.json is committed");
    let expected: Value = serde_json::from_str(&text).expect("imsc.json is JSON");
    let (mut moments, mut report) = (0, String::new());
    for (name, intervals) in expected["documents"].as_object().expect("documents by name") {
        let bytes = std::fs::read(path(name)).expect("the document is committed");
        let found = ttml::parse(&bytes, &Limits::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let intervals = intervals.as_array().expect("a list of intervals");
        let mut times = BTreeSet::new();
        for interval in intervals {
            let (from, to) = (interval["from"].as_f64().expect("seconds"), interval["to"].as_f64().expect("seconds"));
            times.extend([(from * 1e6).round() as i64, (to * 1e6).round() as i64]);
            let middle = MediaTime::from_secs_f64((from + to) / 2.0);
            let ours: BTreeSet<_> =
                found.cues.iter().filter(|cue| cue.is_active(middle)).map(|it| cue(it).to_string()).collect();
            let theirs = their_cues(interval);
            moments += usize::from(!theirs.is_empty());
            if ours != theirs {
                let _ = writeln!(report, "{name} at {middle:?}");
                ours.difference(&theirs).for_each(|cue| report += &format!("  ours   {cue}\n"));
                theirs.difference(&ours).for_each(|cue| report += &format!("  theirs {cue}\n"));
            }
        }
        for cue in &found.cues {
            for time in [cue.start, cue.end] {
                let micros = (time.as_secs_f64() * 1e6).round() as i64;
                assert!(times.contains(&micros), "{name}: nothing changes at {time:?}: {}", cue.plain_text());
            }
        }
    }
    assert!(report.is_empty(), "{report}");
    assert!(moments > 60, "only {moments} moments were compared");
}
