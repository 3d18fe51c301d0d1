//! Readers of movies and networks, of good files and of others.

use proptest::prelude::*;
use telecine_simulator::read::{
    cooked_network, envivio, envivio_movie, envivio_with_vmaf, low_latency_networks, networks, sabre_movie,
    sabre_network, Problem, ReadError, PAYLOAD_SHARE,
};
use telecine_simulator::{Figure, NoMovie, Unusable};

const MOVIE: &str = r#"{"segment_duration_ms": 3000, "bitrates_kbps": [230, 331],
    "segment_sizes_bits": [[886360, 1180512], [382840, 662120]]}"#;

#[test]
fn a_movie_has_the_sizes_of_its_file() {
    let movie = sabre_movie(MOVIE).expect("a movie");
    assert_eq!((movie.segments(), movie.segment_ms(), movie.ladder().kbps(1)), (2, 3000.0, 331.0));
    assert_eq!(movie.bits(1, 0), 382_840.0);
    assert_eq!((movie.quality(0, 0), movie.quality(1, 1)), (0.0, 1.0));
    let longer = movie.cut(5);
    assert_eq!((longer.segments(), longer.bits(4, 1)), (5, 1_180_512.0));
}

#[test]
fn a_network_may_have_outages_and_long_periods() {
    let text = r#"[{"duration_ms": 994887, "bandwidth_kbps": 0, "latency_ms": 100},
                   {"duration_ms": 1, "bandwidth_kbps": 8951, "latency_ms": 100}]"#;
    let link = sabre_network(text).expect("a network");
    assert_eq!((link.cycle_ms(), link.cycle_bits()), (994_888.0, 8_951.0));
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let wrong = |text: &str| sabre_movie(text).expect_err("no movie").problem;
    assert_eq!(
        sabre_movie(r#"{"segment_duration_ms": 3000}"#).expect_err("no movie").to_string(),
        "not a sabre movie: line 1, column 29: missing field `bitrates_kbps`"
    );
    assert_eq!(wrong(&MOVIE.replace("3000", "0")), Problem::Movie(NoMovie::Duration(0.0)));
    assert_eq!(wrong(&MOVIE.replace("331", "31")), Problem::Movie(NoMovie::Ladder));
    assert_eq!(wrong(&MOVIE.replace(", 662120", "")), Problem::Movie(NoMovie::Row { segment: 1 }));
    let number = NoMovie::Number { segment: 1, level: 0, value: -1.0 };
    assert_eq!(wrong(&MOVIE.replace("382840", "-1")), Problem::Movie(number));

    let network = |text: &str| sabre_network(text).expect_err("no network");
    assert_eq!(network("[]").problem, Problem::Network(Unusable::Empty));
    let negative = r#"[{"duration_ms": 5, "bandwidth_kbps": -3, "latency_ms": 0}]"#;
    assert_eq!(network(negative).to_string(), "not a sabre network: period 0: a bandwidth of -3");
    let absurd = r#"[{"duration_ms": 1e-300, "bandwidth_kbps": 1e300, "latency_ms": 1}]"#;
    assert_eq!(network(absurd).to_string(), "not a sabre network: period 0: a bandwidth of 1e300");
    let movie = |segment: &str, kbps: &str| {
        let text = format!(
            r#"{{"segment_duration_ms": {segment}, "bitrates_kbps": [1, {kbps}], "segment_sizes_bits": [[1, 2]]}}"#
        );
        sabre_movie(&text).expect_err("no movie").to_string()
    };
    assert_eq!(movie("3000", "1e300"), "not a sabre movie: a bitrate of 1e300 kbit/s");
    assert_eq!(movie("1e-300", "2"), "not a sabre movie: segments of 1e-300 ms");
    assert!(matches!(network("[\n{").problem, Problem::Syntax { line: 2, .. }));
    let many = format!("[{}0]", "0,".repeat(70));
    let movie = MOVIE.replace("[230, 331]", &many);
    assert_eq!(wrong(&movie), Problem::TooMany { what: "bitrates", most: 64 });
}

/// abr.md 8.3: the rate of a line holds from the time of the line before.
#[test]
fn a_cooked_trace_holds_each_rate_until_its_time() {
    let link = cooked_network("0.5 1.0\n1.5\t2.0\n\n", 80.0, PAYLOAD_SHARE).expect("a network");
    let periods: Vec<_> = link.periods().iter().map(|period| (period.ms, period.kbps, period.latency_ms)).collect();
    assert_eq!(periods, [(500.0, 950.0, 80.0), (1_000.0, 1_900.0, 80.0)]);
    for (text, line) in [("1 1\n0.5 1", 2), ("1", 1), ("1 x", 1), ("1 2 3", 1), ("inf 2", 1)] {
        let error = cooked_network(text, 0.0, 1.0).expect_err("no network");
        assert!(matches!(error.problem, Problem::Syntax { line: at, .. } if at == line), "{text}: {error}");
    }
}

#[test]
fn envivio_counts_bytes_upwards_and_vmaf_downwards() {
    let sizes = ["10\n20\n30", "11\n21\n31", "12\n22\n32", "13\n23\n33", "14\n24\n34", "15\n25"];
    let movie = envivio_movie(sizes).expect("a movie");
    assert_eq!((movie.segments(), movie.bits(1, 0), movie.bits(0, 5)), (2, 160.0, 120.0));
    let vmaf = ["99\n98", "90\n89", "80\n79", "70\n69", "60\n59", "50\n49"];
    let movie = envivio_with_vmaf(movie, vmaf).expect("a movie with VMAF");
    assert_eq!((movie.quality(0, 0), movie.quality(1, 5)), (0.5, 0.98));
    let error = envivio_movie(["1", "1", "1", "1", "1\nx", "1"]).expect_err("no movie");
    assert!(matches!(error.problem, Problem::Syntax { line: 2, .. }), "{error}");
}

#[test]
fn low_latency_profiles_come_by_name() {
    let text = r#"{"PROFILE_SPIKE": [{"speed": 1200, "duration": 10}, {"speed": 300, "duration": 0.25}],
                   "PROFILE_CASCADE": [{"speed": 800, "duration": 30}]}"#;
    let profiles = low_latency_networks(text, 10.0).expect("profiles");
    assert_eq!(
        profiles.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        ["PROFILE_CASCADE", "PROFILE_SPIKE"]
    );
    assert_eq!(profiles[1].1.periods()[1].ms, 250.0);
    assert!(low_latency_networks(r#"{"A": []}"#, 0.0).is_err());
}

#[test]
fn networks_of_any_format_are_known_by_how_they_begin() {
    let sabre = r#" [{"duration_ms": 1000, "bandwidth_kbps": 10, "latency_ms": 5}]"#;
    let profiles = r#"{"PROFILE_A": [{"speed": 10, "duration": 1}], "PROFILE_B": [{"speed": 20, "duration": 1}]}"#;
    let read = |text: &str| {
        let named = networks(text, 30.0).expect("networks").into_iter();
        let told = |(name, link): (Option<String>, telecine_simulator::Link)| {
            (name.unwrap_or_default(), link.periods()[0].kbps, link.periods()[0].latency_ms)
        };
        named.map(told).collect::<Vec<_>>()
    };
    assert_eq!(read(sabre), [(String::new(), 10.0, 5.0)]);
    assert_eq!(read(profiles), [("PROFILE_A".to_owned(), 10.0, 30.0), ("PROFILE_B".to_owned(), 20.0, 30.0)]);
    assert_eq!(read("1.0 2.0\n2.0 1.0\n"), [(String::new(), 1900.0, 30.0)]);
    assert_eq!(networks("<html>", 0.0).expect_err("none").format, "sabre network");
}

#[test]
fn envivio_is_read_from_its_folder_by_name() {
    let mut asked = Vec::new();
    let read = |name: &str| {
        asked.push(name.to_owned());
        let (of, index) = name.split_once('/').expect("a folder");
        let index: usize = index.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().expect("a number");
        Ok(if of == "size" { format!("{}", 100 * (index + 1)) } else { format!("{}", 100 - index) })
    };
    let movie = envivio(read, |error: ReadError| error);
    let movie = movie.expect("a movie");
    assert_eq!(
        (movie.bits(0, 0), movie.bits(0, 5), movie.quality(0, 0), movie.quality(0, 5)),
        (800.0, 4800.0, 0.94, 0.99)
    );
    assert_eq!((asked[0].as_str(), asked[11].as_str()), ("size/video_size_0", "vmaf/video6"));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[\\[\\]{}\":,a-z0-9 ._-]{0,200}") {
        let _ = sabre_movie(&text);
        let _ = sabre_network(&text);
        let _ = cooked_network(&text, 0.0, 1.0);
        let _ = low_latency_networks(&text, 0.0);
        let _ = networks(&text, 0.0);
        let _ = Figure::read(&text);
        let _ = envivio_movie([&text; 6]);
    }
}
