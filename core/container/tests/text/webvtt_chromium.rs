//! What Chromium's own parser makes of tricky WebVTT, and what ours does.

use std::fmt::Write;

use serde_json::{json, Map, Value};
use telecine_container::text::webvtt;
use telecine_model::cue::{
    Line, LineAlign, Node, PositionAlign, Region, RegionHeight, RegionWidth, Scroll, SpanKind, TextAlign, WritingMode,
};
use telecine_model::{Cue, Limits, MediaTime};

fn file(name: &str) -> Value {
    let path = format!("{}/tests/data/text/webvtt/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A number as JavaScript writes it.
fn number(value: f64) -> Value {
    if value.fract() == 0.0 {
        json!(value as i64)
    } else {
        json!(value)
    }
}

fn seconds(time: MediaTime) -> Value {
    number(time.as_millis() as f64 / 1000.0)
}

/// The tree as `VTTCue.getCueAsHTML` gives it.
fn nodes(list: &[Node]) -> Value {
    list.iter().map(node).collect()
}

fn node(node: &Node) -> Value {
    let span = match node {
        Node::Text(text) => return json!(text),
        Node::Time(time) => {
            let millis = time.as_millis();
            let (hours, minutes, seconds) = (millis / 3_600_000, millis / 60_000 % 60, millis / 1000 % 60);
            return json!({"time": format!("{hours:02}:{minutes:02}:{seconds:02}.{:03}", millis % 1000)});
        }
        Node::Span(span) => span,
        other => panic!("WebVTT has no {other:?}"),
    };
    let (tag, title, lang) = match &span.kind {
        SpanKind::Plain => ("span", "", ""),
        SpanKind::Bold => ("b", "", ""),
        SpanKind::Italic => ("i", "", ""),
        SpanKind::Underline => ("u", "", ""),
        SpanKind::Ruby => ("ruby", "", ""),
        SpanKind::RubyText => ("rt", "", ""),
        SpanKind::Voice(voice) => ("span", voice.as_str(), ""),
        SpanKind::Language(language) => ("span", "", language.as_str()),
        other => panic!("WebVTT has no {other:?}"),
    };
    let mut out = Map::new();
    out.insert("tag".into(), json!(tag));
    out.insert("nodes".into(), nodes(&span.children));
    for (name, value) in [("classes", span.classes.join(" ").as_str()), ("title", title), ("lang", lang)] {
        if !value.is_empty() {
            out.insert(name.into(), json!(value));
        }
    }
    Value::Object(out)
}

fn region(region: &Region) -> Value {
    let RegionWidth::Percent(width) = region.width else { panic!("WebVTT has no {:?}", region.width) };
    let RegionHeight::Lines(lines) = region.height else { panic!("WebVTT has no {:?}", region.height) };
    json!({
        "id": region.id, "width": number(width.as_f64()), "lines": lines,
        "anchor": [number(region.anchor.x.as_f64()), number(region.anchor.y.as_f64())],
        "viewport": [number(region.position.x.as_f64()), number(region.position.y.as_f64())],
        "scroll": if region.scroll == Scroll::Up { "up" } else { "" },
    })
}

/// Our cue in the words of `VTTCue`, without its raw text.
fn cue(cue: &Cue) -> Value {
    let layout = &cue.layout;
    let (line, snap) = match layout.line {
        Line::Auto => (json!("auto"), true),
        Line::Number(line) => (json!(line), true),
        Line::Percent(share) => (number(share.as_f64()), false),
    };
    json!({
        "id": cue.id, "start": seconds(cue.start), "end": seconds(cue.end), "nodes": nodes(&cue.text),
        "vertical": match layout.writing {
            WritingMode::Horizontal => "",
            WritingMode::VerticalRl => "rl",
            WritingMode::VerticalLr => "lr",
        },
        "snap": snap, "line": line,
        "lineAlign": match layout.line_align {
            LineAlign::Start => "start",
            LineAlign::Center => "center",
            LineAlign::End => "end",
        },
        "position": layout.position.map_or(json!("auto"), |share| number(share.as_f64())),
        "positionAlign": match layout.position_align {
            PositionAlign::Auto => "auto",
            PositionAlign::LineLeft => "line-left",
            PositionAlign::Center => "center",
            PositionAlign::LineRight => "line-right",
        },
        "size": number(layout.size.as_f64()),
        "align": match layout.align {
            TextAlign::Start => "start",
            TextAlign::Center => "center",
            TextAlign::End => "end",
            TextAlign::Left => "left",
            TextAlign::Right => "right",
            TextAlign::Justify => panic!("WebVTT has no justification"),
        },
        "region": cue.region.as_deref().map(region),
    })
}

/// Where Chromium differs from the specification, and we do not: case, raw text of the cue, why.
const DEVIATIONS: [(&str, &str, &str); 10] = [
    ("cue right behind a header", "a", "6.1, step 4: in the header a line before the times is no id"),
    ("id right behind the signature", "a", "the same"),
    ("id then bad times", "a", "6.1, step 4: a block with an arrow ends before the next arrow; its last line is no id"),
    ("regions", "four", "6.3, last step: a line, a size or vertical text takes the cue out of its region"),
    ("regions", "five", "the same"),
    ("regions", "six", "the same"),
    ("settings", "  size:50%\tposition:10%\u{c}line:3  ", "6.3: settings are split on a form feed too"),
    ("style is an id", "a", "6.1, step 4: a line before the times is an id, whatever it says"),
    ("texts", "<v  Ann \n  Lee\t>spaces</v>", "6.4: white space in an annotation is collapsed"),
    ("texts", "<00:00.500 >bad", "6.4: nothing may follow a timestamp in its tag"),
];

/// A DOM without adjacent and empty texts, class names without spare spaces.
fn normalised(nodes: &Value) -> Value {
    let mut out: Vec<Value> = Vec::new();
    for node in nodes.as_array().expect("a list of nodes") {
        match (node, out.last_mut()) {
            (Value::String(text), Some(Value::String(before))) => before.push_str(text),
            (Value::String(text), _) if text.is_empty() => {}
            _ => out.push(node.clone()),
        }
    }
    for element in out.iter_mut().filter(|node| node.get("tag").is_some()) {
        element["nodes"] = normalised(&element["nodes"]);
        if let Some(classes) = element["classes"].as_str() {
            element["classes"] = json!(classes.split_whitespace().collect::<Vec<_>>().join(" "));
        }
        element.as_object_mut().expect("an element").retain(|_, value| !value.is_null());
    }
    Value::Array(out)
}

/// Chromium's cue, with a line number rounded as layout rounds it (WebVTT, 7.2).
fn theirs(cue: &Value) -> Value {
    let mut cue = cue.clone();
    cue["nodes"] = normalised(&cue["nodes"]);
    if cue["snap"] == true {
        if let Some(line) = cue["line"].as_f64() {
            cue["line"] = json!((line + 0.5).floor().min(f64::from(i32::MAX)) as i64);
        }
    }
    cue.as_object_mut().expect("a cue is an object").remove("text");
    cue
}

#[test]
fn every_case_is_read_as_chromium_reads_it() {
    let (cases, expected) = (file("cases.json"), file("chromium.json"));
    let (mut compared, mut deviations, mut report) = (0, 0, String::new());
    for (name, text) in cases.as_object().expect("cases by name") {
        let expected = &expected["cases"][name];
        let text = text.as_str().expect("a text");
        let Ok(found) = webvtt::parse(text.as_bytes(), &Limits::default()) else {
            assert!(expected.is_null(), "{name}: refused");
            continue;
        };
        let Some(expected) = expected.as_array() else { panic!("{name}: not refused") };
        // The order of a text track.
        let mut found = found.cues;
        found.sort_by_key(|cue| (cue.start, std::cmp::Reverse(cue.end)));
        assert_eq!(found.len(), expected.len(), "{name}: {:?}", found.iter().map(|cue| &cue.id).collect::<Vec<_>>());
        for (ours, expected) in found.iter().zip(expected) {
            compared += 1;
            let (ours, theirs) = (cue(ours), theirs(expected));
            let known = DEVIATIONS.iter().any(|(case, text, _)| name == case && expected["text"] == *text);
            if known {
                deviations += 1;
                assert_ne!(ours, theirs, "{name}: Chromium does as the specification says now");
            } else if ours != theirs {
                let _ = writeln!(report, "{name}: {}\n  ours   {ours}\n  theirs {theirs}", expected["text"]);
            }
        }
    }
    assert!(report.is_empty(), "{report}");
    assert_eq!(deviations, DEVIATIONS.len());
    assert!(compared > 250, "only {compared} cues were compared");
}
