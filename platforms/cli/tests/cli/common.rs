//! Running the command as a script would.

// What goes wrong here fails the test that asked for it.
#![allow(clippy::expect_used, clippy::panic)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// What the command did.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// Standard output as the one JSON document that it has to be.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|e| panic!("{e}: {}\nstandard error: {}", self.stdout, self.stderr))
    }

    /// The error that it ended with: the last line of standard error, behind whatever else it said.
    pub(crate) fn error(&self) -> &str {
        self.stderr.lines().last().unwrap_or_default()
    }

    /// The JSON document of a command that had to succeed.
    pub(crate) fn ok(&self) -> Value {
        assert_eq!(self.code, 0, "standard error: {}", self.stderr);
        self.json()
    }
}

/// Runs `telecine` with arguments.
pub(crate) fn telecine<A: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = A>) -> Run {
    telecine_in(Path::new("."), args)
}

/// Runs `telecine` in a folder.
pub(crate) fn telecine_in<A: AsRef<std::ffi::OsStr>>(folder: &Path, args: impl IntoIterator<Item = A>) -> Run {
    let out = Command::new(env!("CARGO_BIN_EXE_telecine"))
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .expect("the command starts");
    Run {
        code: out.status.code().expect("it exits by itself"),
        stdout: String::from_utf8(out.stdout).expect("text"),
        stderr: String::from_utf8(out.stderr).expect("text"),
    }
}

/// A file of `tests/data`.
pub(crate) fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// A folder with files in it.
pub(crate) fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("inside the folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
    folder
}

/// The file URL of something in a folder.
pub(crate) fn file_url(folder: &tempfile::TempDir, name: &str) -> String {
    let folder = folder.path().to_str().expect("text");
    format!("file://{folder}/{name}")
}

/// A server that answers each path with fixed bytes, head included, and closes the connection. Ends
/// with the test's process.
pub(crate) struct Server {
    pub(crate) url: String,
}

impl Server {
    pub(crate) fn start(answers: Vec<(&'static str, String)>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.expect("a connection");
                let mut request = String::new();
                let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
                while !request.ends_with("\r\n\r\n") && reader.read_line(&mut request).is_ok_and(|read| read > 0) {}
                let path = request.split(' ').nth(1).unwrap_or("").split('?').next().unwrap_or("");
                let answer = answers.iter().find(|(known, _)| *known == path).map(|(_, answer)| answer.as_str());
                let _ = stream.write_all(answer.unwrap_or("HTTP/1.1 404 Not Found\r\n\r\n").as_bytes());
            }
        });
        Self { url }
    }
}

/// An answer with a status line, headers, the declared length and a body.
pub(crate) fn answer(head: &str, declared: usize, body: &str) -> String {
    format!("HTTP/1.1 {head}\r\nContent-Length: {declared}\r\nConnection: close\r\n\r\n{body}")
}

/// The names of an object's fields.
pub(crate) fn fields(value: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = value.as_object().expect("an object").keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

/// Fails unless an object has all of these fields.
pub(crate) fn has_fields(value: &Value, names: &[&str]) {
    let there = fields(value);
    for name in names {
        assert!(there.contains(name), "{name} is not among {there:?}");
    }
}

/// Fails unless a document of `inspect` has every field of the contract.
pub(crate) fn has_the_fields_of_inspect(document: &Value) {
    has_fields(
        document,
        &[
            "protocol",
            "kind",
            "version",
            "live",
            "low_latency",
            "duration_s",
            "target_duration_s",
            "periods",
            "steering",
            "session_data",
            "session_keys",
            "date_ranges",
            "define",
            "start",
            "server_control",
            "warnings",
        ],
    );
}

/// The tracks of a kind in a period, or in a report.
pub(crate) fn tracks<'a>(of: &'a Value, kind: &str) -> Vec<&'a Value> {
    let all = of["tracks"].as_array().expect("tracks");
    all.iter().filter(|track| track["kind"] == kind).collect()
}

/// The first track of a kind in a period, or in a report.
pub(crate) fn track<'a>(of: &'a Value, kind: &str) -> &'a Value {
    tracks(of, kind).first().copied().unwrap_or_else(|| panic!("no {kind} among {}", of["tracks"]))
}

/// An origin that runs as long as the test.
pub(crate) struct Origin {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
    first: String,
    pub(crate) url: String,
}

impl Origin {
    pub(crate) fn start() -> Self {
        Self::with([])
    }

    /// With more arguments.
    pub(crate) fn with<const N: usize>(args: [&str; N]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_telecine"))
            .args(["origin", "--listen", "127.0.0.1:0"])
            .args(args)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the origin starts");
        let mut output = BufReader::new(child.stdout.take().expect("piped"));
        let mut first = String::new();
        output.read_line(&mut first).expect("a line");
        let url = first.split("/hls/").next().expect("a URL").to_owned();
        Self { child, output, first, url }
    }

    /// What it says on standard output, up to a line with these words in it.
    pub(crate) fn said_until(mut self, words: &str) -> String {
        let mut said = std::mem::take(&mut self.first);
        while !said.contains(words) {
            assert!(self.output.read_line(&mut said).expect("a line") > 0, "{said}");
        }
        said
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
