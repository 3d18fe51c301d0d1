#![cfg(unix)]

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use crate::common::folder;

#[test]
fn with_the_outcome_stopped_and_exit_code_0() {
    let folder = folder(&[]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_telecine"))
        .args(["play", "--sink", "null", "--report", "a.json", "--html", "a.html"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    assert!(lines.any(|line| line.expect("text").contains("started")), "it plays");
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(sent.expect("kill runs").success());
    // A pipe that nobody reads would stop it from ending.
    let rest: Vec<String> = lines.map_while(Result::ok).collect();
    assert!(child.wait().expect("it ends").success());
    assert!(rest.last().expect("a summary").starts_with("Stopped after"), "{rest:?}");
    let report = std::fs::read(folder.path().join("a.json")).expect("written");
    let report: serde_json::Value = serde_json::from_slice(&report).expect("JSON");
    assert_eq!(report["outcome"], "stopped");
    assert!(folder.path().join("a.html").exists());
}
