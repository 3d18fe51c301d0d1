use crate::common::{folder, telecine_in};

#[test]
fn each_kind_of_failure_has_its_code_and_prints_nothing_on_standard_output() {
    let folder = folder(&[
        ("empty.m3u8", ""),
        ("empty.mp4", ""),
        ("page.m3u8", "<!doctype html><html>Not found</html>"),
        ("broken.mpd", "<MPD><Period></MPD>"),
        ("noise.mp4", "this is not a container of any kind"),
        ("noise.rec", "this is not a recording"),
        ("elsewhere.m3u8", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nhttp://127.0.0.1:1/a.m3u8\n"),
    ]);
    // A file of nothing that says that it is larger than any manifest.
    let large = std::fs::File::create(folder.path().join("large.m3u8")).expect("a file");
    large.set_len(1 << 30).expect("a file system with holes");
    for (args, code) in [
        (vec!["inspect", "empty.m3u8"], 3),
        (vec!["inspect", "page.m3u8"], 3),
        (vec!["inspect", "broken.mpd"], 3),
        (vec!["probe", "empty.mp4"], 3),
        (vec!["probe", "noise.mp4"], 3),
        // What is named on the command line and is not there is a slip of whoever wrote it.
        (vec!["inspect", "missing.m3u8"], 2),
        (vec!["play", "missing.m3u8"], 2),
        (vec!["play", "file:///no/such/folder/main.mpd", "--clock", "virtual"], 2),
        (vec!["probe", "missing.mp4"], 2),
        (vec!["probe", "noise.mp4", "--init", "missing.mp4"], 2),
        (vec!["replay", "missing.rec"], 2),
        (vec!["inspect", "."], 2),
        (vec!["play", "."], 2),
        (vec!["probe", "."], 2),
        (vec!["replay", "."], 2),
        (vec!["play", "htp://a.example/main.m3u8"], 2),
        (vec!["play", "http:///main.m3u8"], 2),
        // Content that is too large is bad content, on a network or not.
        (vec!["inspect", "large.m3u8"], 3),
        (vec!["inspect", "elsewhere.m3u8"], 4),
        // What a network does not give is the network's.
        (vec!["inspect", "http://127.0.0.1:1/main.m3u8"], 4),
        (vec!["replay", "noise.rec"], 3),
        (vec!["inspect"], 2),
        (vec!["inspect", "empty.m3u8", "--nonsense"], 2),
        (vec!["play", "--until", "soon"], 2),
        (vec!["play", "--cmcd", "v2"], 2),
        (vec!["play", "--key", "1:2"], 2),
        (vec!["play", "--abr", "no-such-rule"], 2),
        (vec!["play", "--network", "rate=fast"], 2),
        (vec!["play", "--network", "rate=3"], 2),
        (vec!["play", "--network", "rate=3", "--clock", "virtual"], 2),
        (vec!["play", "--network", "rtt=80", "--clock", "virtual"], 2),
        (vec!["play", "--until", "0"], 2),
        (vec!["play", "--until", "5", "--start", "5"], 2),
        (vec!["play", "--start", "-1"], 2),
        (vec!["play", "--max-bitrate", "3"], 2),
        (vec!["play", "--max-height", "0"], 2),
        (vec!["play", "--report", "a.json", "--html", "a.json"], 2),
        (vec!["nonsense"], 2),
    ] {
        let mut json = args.clone();
        if args.len() > 1 {
            json.push("--json");
        }
        let run = telecine_in(folder.path(), &json);
        assert_eq!(run.code, code, "{args:?}: {}", run.stderr);
        assert_eq!(run.stdout, "", "{args:?}");
        assert_eq!(run.stderr.lines().count(), 1, "{args:?}: {}", run.stderr);
    }
}

#[test]
fn a_wrong_argument_is_told_with_what_to_write_instead() {
    let folder = folder(&[
        ("title/main.m3u8", ""),
        ("title/1.m4s", ""),
        ("title/real.m3u8", "#EXTM3U"),
        ("busy/title.json", "{"),
        ("trace.json", "[{\"duration_ms\": 100, \"bandwidth_kbps\": 8},\n{\"duration_ms\": 0, \"bandwidth_kbps\": 8}]"),
        ("words.json", "[\n{\"duration_ms\": 100, \"bandwidth_kbps\": \"fast\"}]"),
        ("power.json", "[\n\n{\"duration_ms\": 1e3, \"bandwidth_kbps\": 8}]"),
    ]);
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let taken = taken.local_addr().expect("bound").to_string();
    for (args, told) in [
        (vec!["play", "title"], "it holds main.m3u8"),
        (vec!["play", "cdn.example/main.m3u8"], "as http://cdn.example/main.m3u8"),
        (vec!["inspect", "localhost:8080/main.mpd"], "as http://localhost:8080/main.mpd"),
        (vec!["play", "--network", "rate=3"], "write rate=3Mbps"),
        (vec!["play", "--network", "rate=3Mbps,rtt=80", "--clock", "virtual"], "write rtt=80ms"),
        (vec!["play", "--network", "trace.json"], "the trace 'trace.json': line 2: a step lasts no time"),
        (vec!["play", "--network", "trace.json", "--clock", "virtual"], "the trace 'trace.json': line 2: a step lasts"),
        (vec!["origin", "--network", "words.json"], "the trace 'words.json': line 2: invalid type: string \"fast\""),
        (vec!["play", "--network", "power.json", "--clock", "virtual"], "the trace 'power.json': line 3: 1e3 is not"),
        (vec!["play", "--max-bitrate", "3"], "write 3Mbps"),
        (vec!["play", "--start", "-1"], "seconds are a decimal number"),
        (vec!["play", "--start", "9", "--until", "4"], "--until has to be behind the start"),
        (vec!["play", "--report", "no/such/folder/r.json"], "'no/such/folder/r.json' cannot be written"),
        (vec!["origin", "--listen", taken.as_str()], "is in use"),
        (vec!["origin", "--listen", "nonsense"], "127.0.0.1:8080"),
        (vec!["origin", "--listen", "0", "--folder", "film=no/such/folder"], "no/such/folder"),
        (vec!["origin", "--listen", "0", "--folder", "busy"], "title.json"),
        (vec!["origin", "--listen", "0", "--folder", "dur_5=title"], "the name of an option"),
        (vec!["origin", "--listen", "0", "--folder", "x=title/main.m3u8"], "title/main.m3u8: it is not a folder"),
        (vec!["probe", "title/real.m3u8"], "is a manifest: telecine inspect"),
        (vec!["probe", "title/2.m4s"], "'title/2.m4s' cannot be read: there is no such file"),
    ] {
        let run = telecine_in(folder.path(), &args);
        assert_eq!((run.code, run.stdout.as_str(), run.stderr.lines().count()), (2, "", 1), "{args:?}: {}", run.stderr);
        assert!(run.stderr.contains(told), "{args:?}: {}", run.stderr);
        assert!(run.stderr.contains(&format!("see telecine {} --help", args[0])), "{args:?}: {}", run.stderr);
    }
}

#[test]
fn help_and_version_are_no_errors() {
    let folder = folder(&[]);
    for args in [vec!["--help"], vec!["-h"], vec!["--version"], vec!["play", "-h"], vec!["inspect", "--help"]] {
        let run = telecine_in(folder.path(), &args);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{args:?}");
        assert!(!run.stdout.is_empty());
    }
}
