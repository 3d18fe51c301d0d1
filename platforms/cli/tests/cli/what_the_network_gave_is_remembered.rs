use crate::common::{folder, telecine_in};

fn play(folder: &std::path::Path, network: &str, more: &[&str]) -> serde_json::Value {
    let fixed = ["play", "--clock", "virtual", "--sink", "null", "--json", "--until", "20", "--network", network];
    telecine_in(folder, fixed.iter().chain(more)).ok()
}

/// The rendition of the picture that playback begins with.
fn begins_with(report: &serde_json::Value) -> String {
    let decisions = report["decisions"].as_array().unwrap();
    let first = decisions.iter().find(|decision| decision["kind"] == "bitrate" && decision["from"].is_null());
    first.unwrap()["to"].as_str().unwrap().to_owned()
}

#[test]
fn the_second_session_begins_with_what_the_first_measured_and_without_a_folder_none_does() {
    let folder = folder(&[]);
    let fast = "rate=40Mbps,rtt=20ms";
    let first = begins_with(&play(folder.path(), fast, &["--remember", "memory"]));
    let file = folder.path().join("memory/throughput");
    assert!(std::fs::read(&file).unwrap().starts_with(b"TELECINE-THROUGHPUT "));
    let second = begins_with(&play(folder.path(), fast, &["--remember", "memory"]));
    assert_ne!(first, second, "better at once");
    assert_eq!(begins_with(&play(folder.path(), fast, &[])), first);
}

#[test]
fn a_memory_that_cannot_be_read_is_told_and_replaced() {
    let folder = folder(&[("memory/throughput", "nonsense")]);
    let report = play(folder.path(), "rate=5Mbps,rtt=20ms", &["--remember", "memory"]);
    assert_eq!(report["outcome"], "stopped");
    let errors = report["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0]["code"], 7004);
    let again = play(folder.path(), "rate=5Mbps,rtt=20ms", &["--remember", "memory"]);
    assert_eq!(again["errors"].as_array().unwrap().len(), 0);
}
