use crate::common::{folder, telecine_in};

fn page(extra: &[&str]) -> String {
    let folder = folder(&[]);
    let mut args = vec!["play", "--clock", "virtual", "--sink", "null", "--html", "a.html", "--report", "a.json"];
    args.extend(extra);
    let run = telecine_in(folder.path(), args);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let report = std::fs::read(folder.path().join("a.json")).unwrap();
    serde_json::from_slice::<serde_json::Value>(&report).expect("the report beside it is JSON");
    std::fs::read_to_string(folder.path().join("a.html")).unwrap()
}

#[test]
fn it_refers_to_nothing_outside_itself() {
    let page = page(&[]);
    for reference in ["src=", "href=", "@import", "url(", "fetch(", "XMLHttpRequest"] {
        assert!(!page.contains(reference), "{reference}");
    }
    assert!(page.contains("default-src 'none'"));
}

/// The numbers that the page's crosshair reads.
fn series(page: &str, name: &str) -> Vec<(f64, f64)> {
    let start = page.find("id=\"data\">").expect("numbers") + "id=\"data\">".len();
    let end = start + page[start..].find("</script>").expect("an end");
    let data: serde_json::Value = serde_json::from_str(&page[start..end]).expect("JSON");
    let series = data["series"].as_array().expect("series");
    let found = series.iter().find(|series| series["name"] == name).expect(name);
    serde_json::from_value(found["points"].clone()).expect("points")
}

#[test]
fn a_segment_that_was_given_up_lowers_the_chosen_bitrate_at_once() {
    // A network that breaks down in the middle of a segment.
    let trace = r#"[{"duration_ms": 14000, "bandwidth_kbps": 5000}, {"duration_ms": 60000, "bandwidth_kbps": 150}]"#;
    let folder = folder(&[("drop.json", trace)]);
    let args = ["play", "--clock", "virtual", "--sink", "null", "--network", "drop.json", "--html", "a.html", "--json"];
    let report = telecine_in(folder.path(), args).ok();
    let page = std::fs::read_to_string(folder.path().join("a.html")).unwrap();
    let decisions = report["decisions"].as_array().unwrap();
    let abandoned: Vec<_> = decisions.iter().filter(|decision| decision["kind"] == "abandon").collect();
    assert!(!abandoned.is_empty(), "{decisions:?}");
    assert_eq!(page.matches("class=\"dot abandon\"").count(), abandoned.len());
    let rate = |id: &serde_json::Value| {
        let ladder = report["ladder"].as_array().unwrap();
        ladder.iter().find(|rung| rung["rendition"] == *id).expect("a rung")["bitrate_bps"].as_f64().unwrap()
    };
    let chosen = series(&page, "chosen");
    for decision in abandoned {
        let at = decision["t_s"].as_f64().unwrap();
        let holds = chosen.iter().rfind(|(t, _)| *t <= at + 1e-6).expect("a choice").1;
        assert_eq!(holds, rate(&decision["to"]), "{decision}");
        assert!(holds < rate(&decision["from"]), "{decision}");
    }
}

#[test]
fn what_was_received_adds_up_to_the_bytes_of_the_report() {
    let folder = folder(&[]);
    let args = ["play", "--clock", "virtual", "--sink", "null", "--html", "a.html", "--json"];
    let report = telecine_in(folder.path(), args).ok();
    let page = std::fs::read_to_string(folder.path().join("a.html")).unwrap();
    let received = series(&page, "received");
    let end = report["wall_s"].as_f64().unwrap();
    let ends = received.iter().skip(1).map(|bin| bin.0).chain([end]);
    let bits: f64 = received.iter().zip(ends).map(|((from, rate), to)| rate * (to - from)).sum();
    let fetched = report["bytes"]["fetched"].as_f64().unwrap() * 8.0;
    assert!((bits / fetched - 1.0).abs() < 0.02, "{bits} of {fetched}");
}

#[test]
fn it_shows_the_curves_the_decisions_and_the_tracks() {
    let page = page(&["--network", "rate=900kbps,rtt=80ms"]);
    for part in
        ["<svg", "Played to the end", "data-tip=", "throughput estimate", "chosen bitrate", "avc1.", "mp4a.40.2"]
    {
        assert!(page.contains(part), "{part}");
    }
}
