//! `telecine simulate`.

use std::path::{Path, PathBuf};

use crate::common::telecine;

fn traces() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/traces")
}

fn arguments(more: &[&str]) -> Vec<String> {
    let file = |name: &str| traces().join(name).display().to_string();
    let mut arguments = vec!["simulate".to_owned(), "--movie".to_owned(), file("movies/bbb4k.json")];
    arguments.extend(["--trace".to_owned(), file("4g/report_foot_0005.json"), file("4g/report_tram_0007.json")]);
    arguments.extend(more.iter().map(|&word| word.to_owned()));
    arguments
}

#[test]
fn every_session_is_in_the_document_as_published() {
    let document = telecine(arguments(&["--faithful", "--abr", "bola-e", "--json"])).ok();
    let runs = document["runs"].as_array().expect("runs");
    assert_eq!(runs.len(), 2);
    // The row of published-rules.csv.
    assert_eq!((&runs[0]["trace"], &runs[0]["abr"]), (&"report_foot_0005.json".into(), &"BOLA-E".into()));
    let table = std::fs::read_to_string(traces().join("published-rules.csv")).expect("a table");
    let row = table.lines().find(|row| row.starts_with("4g,vod,25,BOLA-E,report_foot_0005.json")).expect("the row");
    let published: f64 = row.split(',').nth(5).and_then(|cell| cell.parse().ok()).expect("a number");
    assert!((runs[0]["mean_kbps"].as_f64().expect("a number") - published).abs() < 1e-5, "{}", runs[0]);
    for name in ["stall_s", "startup_s", "mean_switch_kbps", "q1", "qoe_lin", "sabre_score"] {
        assert!(runs[0][name].is_number(), "{name}");
    }
    for name in ["optimum", "normalised"] {
        assert!(runs[0][name]["q1"].is_number() && runs[0][name]["qoe_lin"].is_number(), "{name}");
    }
    let summary = &document["summary"][0];
    assert!(summary["q1"]["low"].as_f64() <= summary["q1"]["mean"].as_f64());
    assert!(document["sessions_per_s"].as_f64() > Some(0.0));
}

#[test]
fn the_player_itself_plays_unless_the_published_way_is_asked_for() {
    let document = telecine(arguments(&["--abr", "bola-e-damped", "--json"])).ok();
    let runs = document["runs"].as_array().expect("runs");
    assert_eq!((runs.len(), &runs[0]["abr"], &runs[1]["abr"]), (2, &"bola-e-damped".into(), &"bola-e-damped".into()));
    let names = ["mean_kbps", "stall_s", "stalls", "startup_s", "switches", "mean_switch_kbps", "q1", "qoe_lin"];
    for name in names.iter().chain(&["sabre_score"]) {
        assert!(runs[0][name].is_number(), "{name}");
    }
    for name in ["optimum", "normalised"] {
        assert!(runs[0][name]["q1"].is_number() && runs[0][name]["qoe_lin"].is_number(), "{name}");
    }
    assert!(runs[0]["excess_latency_s"].is_null());
    // Which level each segment was played in.
    let levels: Vec<u64> = runs[0]["levels"].as_array().expect("levels").iter().filter_map(|l| l.as_u64()).collect();
    assert_eq!((levels.len(), &runs[0]["first"]), (199, &0.into()));
    let changes = levels.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert_eq!(runs[0]["switches"].as_u64(), u64::try_from(changes).ok());
    let share = runs[0]["normalised"]["qoe_lin"].as_f64().expect("a number");
    assert!(share > 0.3 && share < 1.0, "{share}");
    let summary = &document["summary"][0];
    for name in ["q1", "qoe_lin", "mean_kbps", "stall_s"] {
        assert!(summary[name]["low"].as_f64() <= summary[name]["high"].as_f64(), "{name}");
    }
    assert!(document["sessions_per_s"].as_f64() > Some(0.0));
}

#[test]
fn a_live_title_pays_for_being_late() {
    let document = telecine(arguments(&["--abr", "lowest", "--live", "--json"])).ok();
    let run = &document["runs"][0];
    assert!(run["excess_latency_s"].is_number() && run["speed_change"].is_number(), "{run}");
    assert!(run["optimum"]["q1"].is_null() && run["optimum"]["qoe_lin"].is_number(), "{run}");
    let run = telecine(arguments(&["--live", "--abr", "throughput"]));
    assert_eq!(run.code, 0, "{}", run.stderr);
    for word in ["throughput", "late s", "of optimum by QoE_lin"] {
        assert!(run.stdout.contains(word), "{word}: {}", run.stdout);
    }
}

#[test]
fn the_table_has_every_rule_and_every_score() {
    let run = telecine(arguments(&["--faithful", "--live"]));
    assert_eq!(run.code, 0, "{}", run.stderr);
    for word in [
        "Lowest",
        "Foresight",
        "Foresight-FS",
        "BOLA-BASIC",
        "DYNAMIC-DASH-without-ao",
        "RobustMpc",
        "QuantileMpc",
        "Soda",
        "Q1",
        "QoE_lin",
        "sabre",
    ] {
        assert!(run.stdout.contains(word), "{word}: {}", run.stdout);
    }
    // Headings, the rules, how fast that was, and what can be had.
    assert_eq!(run.stdout.lines().count(), 1 + 25 + 2, "{}", run.stdout);
}

#[test]
fn movies_and_networks_of_every_format_of_the_collection_are_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(&path, text).expect("written");
        path.display().to_string()
    };
    for level in 0..6 {
        let rows = |value: u64| format!("{value}\n").repeat(20);
        write(&format!("envivio/size/video_size_{level}"), rows([150, 375, 600, 925, 1425, 2150][level] * 1000));
        write(&format!("envivio/vmaf/video{}", 6 - level), rows([50, 65, 75, 82, 90, 96][level]));
    }
    let profiles =
        r#"{"PROFILE_A": [{"speed": 2000, "duration": 30}], "PROFILE_B": [{"speed": 20000, "duration": 30}]}"#;
    let profiles = write("networks.json", profiles.to_owned());
    let movie = folder.path().join("envivio").display().to_string();
    let arguments = ["simulate", "--movie", &movie, "--trace", &profiles, "--abr", "foresight", "--json"];
    let document = telecine(arguments).ok();
    let runs = document["runs"].as_array().expect("runs");
    let names: Vec<&str> = runs.iter().filter_map(|run| run["trace"].as_str()).collect();
    assert_eq!(names, ["networks.json#PROFILE_A", "networks.json#PROFILE_B"]);
    // Quality is VMAF: at the top, but for its start, 0.96 less what changes of it cost.
    let q1 = runs[1]["q1"].as_f64().expect("a number");
    assert!((0.8..0.96).contains(&q1), "{q1}");
}

#[test]
fn the_player_can_be_simulated_on_a_sink_that_takes_nothing_again() {
    let mean = |more: &[&str]| {
        let more: Vec<&str> = [&["--abr", "foresight", "--json"], more].concat();
        telecine(arguments(&more)).ok()["summary"][0]["mean_kbps"]["mean"].as_f64().expect("a number")
    };
    assert!(mean(&["--no-fast-switch"]) < mean(&[]));
}

#[test]
fn the_table_says_how_far_each_is_from_the_best_and_from_the_optimum() {
    let run = telecine(arguments(&["--faithful", "--bound"]));
    assert_eq!(run.code, 0, "{}", run.stderr);
    for word in ["behind the best", "regret", "the optimum", "no session is better than"] {
        assert!(run.stdout.contains(word), "{word}: {}", run.stdout);
    }
}

#[test]
fn what_cannot_be_simulated_is_told() {
    let run = telecine(arguments(&["--faithful", "--abr", "pensieve"]));
    assert!(run.code == 2 && run.error().contains("no rule 'pensieve' with --faithful"), "{}", run.error());
    let run = telecine(arguments(&["--faithful", "--buffer", "4"]));
    assert!(run.code == 2 && run.error().contains("does not hold two segments"), "{}", run.error());
    let run = telecine(arguments(&["--abr", "RobustMpc"]));
    assert!(run.code == 2 && run.error().contains("with --faithful there is"), "{}", run.error());
    let movie = traces().join("movies/bbb.json").display().to_string();
    let run = telecine(["simulate", "--faithful", "--movie", &movie, "--trace", &movie]);
    assert!(run.code == 2 && run.error().contains("not a set of low-latency profiles: line 2"), "{}", run.error());
}

/// A network of so many periods of so many milliseconds at such a rate, and a movie of two levels and 20 segments.
fn small(folder: &Path, name: &str, ms: f64, kbps: f64) -> String {
    let path = folder.join(name);
    let text = format!(r#"[{{"duration_ms": {ms}, "bandwidth_kbps": {kbps:e}, "latency_ms": 20}}]"#);
    std::fs::write(&path, text).expect("written");
    path.display().to_string()
}

fn small_movie(folder: &Path) -> String {
    let rows = vec!["[2000000, 8000000]"; 20].join(",");
    let text =
        format!(r#"{{"segment_duration_ms": 2000, "bitrates_kbps": [1000, 4000], "segment_sizes_bits": [{rows}]}}"#);
    std::fs::write(folder.join("movie.json"), text).expect("written");
    folder.join("movie.json").display().to_string()
}

#[test]
fn a_network_that_nobody_waits_for_leaves_the_results_of_the_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let movie = small_movie(folder.path());
    let (silent, usual) =
        (small(folder.path(), "silent.json", 1e3, 1e-4), small(folder.path(), "usual.json", 1e3, 2e3));
    for mode in [&["--abr", "lowest,throughput"][..], &["--faithful", "--abr", "lowest,bola"][..]] {
        let run = telecine([&["simulate", "--movie", &movie, "--json", "--trace", &silent, &usual][..], mode].concat());
        assert_eq!(run.code, 4, "{}", run.stderr);
        let document: serde_json::Value = serde_json::from_str(&run.stdout).expect("a document");
        let traces = |list: &str| {
            let sessions = document[list].as_array().expect("sessions").iter();
            sessions.filter_map(|session| session["trace"].as_str().map(str::to_owned)).collect::<Vec<_>>()
        };
        assert_eq!(
            (traces("runs"), traces("unplayed")),
            (vec!["usual.json".to_owned(); 2], vec!["silent.json".to_owned(); 2])
        );
        assert!(document["unplayed"][0]["why"].as_str().expect("a reason").contains("366"), "{document}");
        assert_eq!(document["summary"][0]["traces"], 1);
        // One line for all rules.
        assert!(run.stderr.lines().count() == 1 && run.error().contains("'silent.json'"), "{}", run.stderr);
    }
    // Of a table too; and where there is nothing else there is none.
    let run = telecine(["simulate", "--movie", &movie, "--trace", &silent, &usual]);
    assert!(
        run.code == 4 && run.stdout.contains("foresight") && run.stdout.contains("did not come to their end"),
        "{}",
        run.stdout
    );
    let run = telecine(["simulate", "--movie", &movie, "--trace", &silent]);
    assert!(run.code == 4 && run.stdout.is_empty(), "{}", run.stdout);
}

#[test]
fn several_rules_are_named_with_commas_and_each_plays_once() {
    let names = |abr: &str, more: &[&str]| {
        let more: Vec<&str> = [&["--abr", abr, "--no-optimum", "--json"], more].concat();
        let document = telecine(arguments(&more)).ok();
        let rules = document["summary"].as_array().expect("rules").iter();
        rules.filter_map(|rule| rule["abr"].as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    assert_eq!(names("throughput, lowest,throughput", &[]), ["throughput", "lowest"]);
    assert_eq!(names("BOLA-E,lowest", &["--faithful"]), ["BOLA-E", "Lowest"]);
    let run = telecine(arguments(&["--abr", "lowest,best"]));
    assert!(run.code == 2 && run.error().contains("no rule 'best'"), "{}", run.error());
}

#[test]
fn the_optimum_can_be_left_out() {
    let run = telecine(arguments(&["--abr", "lowest", "--no-optimum"]));
    assert_eq!(run.code, 0, "{}", run.stderr);
    for word in ["optimum", "regret"] {
        assert!(!run.stdout.contains(word), "{word}: {}", run.stdout);
    }
    let document = telecine(arguments(&["--abr", "lowest", "--no-optimum", "--json"])).ok();
    assert!(document["runs"][0]["optimum"]["q1"].is_null() && document["runs"][0]["q1"].is_number());
    assert_eq!(telecine(arguments(&["--bound", "--no-optimum"])).code, 2);
}

#[test]
fn the_player_does_not_pass_its_bound() {
    let document = telecine(arguments(&["--abr", "foresight,mpc", "--bound", "--json"])).ok();
    for run in document["runs"].as_array().expect("runs") {
        for score in ["q1", "qoe_lin"] {
            let of = |value: &serde_json::Value| value.as_f64().expect("a number");
            assert!(of(&run[score]) <= of(&run["bound"][score]), "{run}");
            assert!(of(&run["optimum"][score]) <= of(&run["bound"][score]), "{run}");
        }
    }
    for rule in document["summary"].as_array().expect("rules") {
        assert!(rule["regret"]["q1"]["mean"].as_f64() > Some(0.0), "{rule}");
    }
}

#[test]
fn what_is_given_in_vain_or_is_absurd_is_refused() {
    let run = telecine(arguments(&["--abr", "lowest", "--rtt", "500"]));
    assert!(run.code == 2 && run.error().contains("--rtt changes nothing"), "{}", run.error());
    let folder = tempfile::tempdir().expect("a folder");
    let movie = small_movie(folder.path());
    let huge = small(folder.path(), "huge.json", 1e3, 1e300);
    let run = telecine(["simulate", "--movie", &movie, "--trace", &huge]);
    assert!(run.code == 2 && run.error().contains("a bandwidth of 1e300"), "{}", run.error());
    // Columns do not say what their latency is.
    let columns = folder.path().join("columns").display().to_string();
    std::fs::write(&columns, "1.0 2.0\n2.0 2.0\n").expect("written");
    let startup = |rtt: &str| {
        let arguments = ["simulate", "--movie", &movie, "--trace", &columns, "--abr", "lowest", "--rtt", rtt, "--json"];
        telecine(arguments).ok()["runs"][0]["startup_s"].as_f64().expect("a number")
    };
    assert!(startup("500") > startup("20") + 0.9);
}

#[test]
fn the_help_names_every_format() {
    let run = telecine(["simulate", "--help"]);
    for word in ["Pensieve", "Mbit/s", "duration_ms", "segment_sizes_bits", "--no-optimum", "NAME[,NAME…]|all"] {
        assert!(run.stdout.contains(word), "{word}: {}", run.stdout);
    }
}
