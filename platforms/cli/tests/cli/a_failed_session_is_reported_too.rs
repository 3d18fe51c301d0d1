use crate::common::{folder, telecine_in};
use serde_json::Value;

#[test]
fn the_report_names_the_error_and_the_exit_code_its_kind() {
    let folder = folder(&[("page.m3u8", "<html>not found</html>")]);
    let run = telecine_in(folder.path(), ["play", "page.m3u8", "--sink", "null", "--json", "--html", "a.html"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    let report: Value = run.json();
    assert_eq!(report["outcome"], "failed");
    let error = &report["error"];
    crate::common::has_fields(error, &["code", "name", "domain", "blame", "message", "facts"]);
    assert_eq!(
        (&error["code"], &error["name"], &error["domain"]),
        (&2001.into(), &"NotAManifest".into(), &"manifest".into())
    );
    let errors = report["errors"].as_array().unwrap();
    assert_eq!(errors.iter().filter(|error| error["fatal"] == true).count(), 1);
    assert!(run.stderr.starts_with("2001 NotAManifest"), "{}", run.stderr);
    assert_eq!(run.stderr.lines().count(), 1);
    assert!(std::fs::read_to_string(folder.path().join("a.html")).unwrap().contains("NotAManifest"));
}

#[test]
fn nobody_listens_is_a_failure_of_the_network() {
    let folder = folder(&[]);
    let args = ["play", "http://127.0.0.1:1/main.m3u8", "--clock", "virtual", "--sink", "null", "--json"];
    let run = telecine_in(folder.path(), args);
    assert_eq!(run.code, 4, "{}", run.stderr);
    let report = run.json();
    assert_eq!(report["error"]["domain"], "network");
    assert!(report["errors"].as_array().unwrap().len() > 1, "recovered ones are listed too");
}

#[test]
fn a_file_that_cannot_be_written_is_told_before_anything_plays() {
    let folder = folder(&[]);
    let run = telecine_in(folder.path(), ["play", "--sink", "null", "--report", "no/such/folder/r.json"]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{}", run.stderr);
}
