#![cfg(unix)]

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::common::folder;

/// Plays the demo title in real time, reads what it prints up to the start, and goes away; how long it plays on.
fn abandoned(args: &[&str], patience: Duration) -> Option<Duration> {
    let folder = folder(&[]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_telecine"))
        .args(["play", "--sink", "null", "--network", "rate=20Mbps"])
        .args(args)
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    assert!(lines.any(|line| line.expect("text").contains("started")), "it plays");
    drop(lines);
    let left = Instant::now();
    while left.elapsed() < patience {
        if let Some(status) = child.try_wait().expect("a child") {
            assert!(status.success());
            return Some(left.elapsed());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    None
}

#[test]
fn nobody_who_reads_stops_it_unless_it_leaves_a_file() {
    // It notices with its next line, which progress brings every five seconds.
    let patience = Duration::from_secs(12);
    assert!(abandoned(&[], patience).is_some(), "a minute for nobody");
    assert_eq!(abandoned(&["--report", "a.json"], patience), None);
}

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
    assert!(rest.last().expect("a summary").starts_with("Stopped after playing "), "{rest:?}");
    let report = std::fs::read(folder.path().join("a.json")).expect("written");
    let report: serde_json::Value = serde_json::from_slice(&report).expect("JSON");
    assert_eq!(report["outcome"], "stopped");
    assert!(folder.path().join("a.html").exists());
}
