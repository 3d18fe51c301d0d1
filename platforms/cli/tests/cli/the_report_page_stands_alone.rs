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

#[test]
fn it_shows_the_curves_the_decisions_and_the_tracks() {
    let page = page(&["--network", "rate=900kbps,rtt=80ms"]);
    for part in
        ["<svg", "Played to the end", "data-tip=", "throughput estimate", "chosen bitrate", "avc1.", "mp4a.40.2"]
    {
        assert!(page.contains(part), "{part}");
    }
}
