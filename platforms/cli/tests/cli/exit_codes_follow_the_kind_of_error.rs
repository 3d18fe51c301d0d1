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
    ]);
    for (args, code) in [
        (vec!["inspect", "empty.m3u8"], 3),
        (vec!["inspect", "page.m3u8"], 3),
        (vec!["inspect", "broken.mpd"], 3),
        (vec!["probe", "empty.mp4"], 3),
        (vec!["probe", "noise.mp4"], 3),
        (vec!["inspect", "missing.m3u8"], 4),
        (vec!["probe", "missing.mp4"], 4),
        (vec!["replay", "missing.rec"], 4),
        (vec!["inspect", "http://127.0.0.1:1/main.m3u8"], 4),
        (vec!["replay", "noise.rec"], 3),
        (vec!["inspect"], 2),
        (vec!["inspect", "empty.m3u8", "--nonsense"], 2),
        (vec!["play", "--until", "soon"], 2),
        (vec!["play", "--cmcd", "v2"], 2),
        (vec!["play", "--key", "1:2"], 2),
        (vec!["play", "--abr", "no-such-rule"], 2),
        (vec!["play", "--network", "rate=fast"], 2),
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
fn help_and_version_are_no_errors() {
    let folder = folder(&[]);
    for args in [vec!["--help"], vec!["-h"], vec!["--version"], vec!["play", "-h"], vec!["inspect", "--help"]] {
        let run = telecine_in(folder.path(), &args);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{args:?}");
        assert!(!run.stdout.is_empty());
    }
}
