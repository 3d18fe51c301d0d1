use crate::common::telecine;

#[test]
fn to_the_microsecond_in_virtual_time() {
    for (start, until, played) in
        [("0", "3", 3.0), ("0", "7.3337", 7.3337), ("2.2", "9.01", 6.81), ("0", "0.0001", 0.0001)]
    {
        let args = ["play", "--clock", "virtual", "--sink", "null", "--start", start, "--until", until, "--json"];
        let report = telecine(args).ok();
        assert_eq!(
            (&report["outcome"], &report["played_s"]),
            (&"stopped".into(), &played.into()),
            "{start} to {until}"
        );
    }
}

#[test]
fn to_the_frame_in_real_time() {
    let report = telecine(["play", "--sink", "null", "--until", "1.5", "--json"]).ok();
    let played = report["played_s"].as_f64().expect("a number");
    // The demo title has 25 frames a second.
    assert!((1.5..1.54).contains(&played), "{played}");
}

#[test]
fn what_was_played_is_told_apart_from_how_long_it_took() {
    let run = telecine(["play", "--clock", "virtual", "--sink", "null", "--until", "3"]);
    assert!(
        run.stdout.lines().last().is_some_and(|line| line.starts_with("Stopped after playing 3.00 s,")),
        "{}",
        run.stdout
    );
    let url = "http://127.0.0.1:1/main.m3u8";
    let run = telecine(["play", url, "--clock", "virtual", "--sink", "null"]);
    let last = run.stdout.lines().last().expect("a headline");
    assert!(
        last.starts_with("Failed with ConnectFailed after playing 0.00 s (") && last.ends_with(" s since the start)."),
        "{last}"
    );
}

#[test]
fn just_behind_where_it_stalls() {
    let play = |until: &str| {
        let slow = ["--network", "rate=150kbps,rtt=80ms", "--until", until];
        telecine(["play", "--clock", "virtual", "--sink", "null", "--json"].into_iter().chain(slow)).ok()
    };
    let report = play("20");
    let at = report["stalled"][0]["position_s"].as_f64().expect("a stall") + 0.001;
    let report = play(&at.to_string());
    let played = report["played_s"].as_f64().expect("a number");
    assert!((played - at).abs() < 2e-6, "{played}, not {at}");
    // While the playhead stands there is no hurry.
    let times: Vec<f64> =
        report["buffer"].as_array().expect("a list").iter().filter_map(|sample| sample[0].as_f64()).collect();
    assert!(times.len() > 10 && times.windows(2).all(|pair| pair[1] - pair[0] > 0.2499), "{times:?}");
}
