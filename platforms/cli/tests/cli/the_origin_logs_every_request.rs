use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::common::{folder, telecine};

#[test]
fn as_a_json_line_each() {
    let folder = folder(&[]);
    let log = folder.path().join("log.jsonl");
    let mut origin = Command::new(env!("CARGO_BIN_EXE_telecine"))
        .args(["origin", "--listen", "127.0.0.1:0", "--network", "rate=50Mbps,rtt=1ms", "--log"])
        .arg(&log)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the origin starts");
    let mut lines = BufReader::new(origin.stdout.take().expect("piped")).lines();
    let first = lines.next().expect("a line").expect("text");
    let url = first.split_whitespace().next().expect("a URL");
    assert!(url.ends_with("/hls/demo/main.m3u8"), "{first}");
    let document = telecine(["inspect", url, "--shallow", "--json"]).ok();
    assert_eq!(document["kind"], "multivariant");
    let patience = Instant::now() + Duration::from_secs(5);
    let text = loop {
        let text = std::fs::read_to_string(&log).expect("there");
        if text.ends_with('\n') || Instant::now() > patience {
            break text;
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    origin.kill().expect("it runs");
    origin.wait().expect("it ends");
    let entry: serde_json::Value = serde_json::from_str(text.lines().next().expect("a line")).expect("JSON");
    assert_eq!((&entry["path"], &entry["status"]), (&"/hls/demo/main.m3u8".into(), &200.into()));
}
