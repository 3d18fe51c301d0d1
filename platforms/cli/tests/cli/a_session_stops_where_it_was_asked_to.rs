use crate::common::telecine;

#[test]
fn to_the_microsecond_in_virtual_time() {
    for (start, until, played) in
        [("0", "3", 3.0), ("0", "7.3337", 7.3337), ("2.2", "9.01", 6.81), ("0", "0.0001", 0.0001)]
    {
        let args = ["play", "--clock", "virtual", "--sink", "null", "--start", start, "--until", until, "--json"];
        let report = telecine(args).ok();
        let took = report["played_s"].as_f64().expect("a number");
        assert!(report["outcome"] == "stopped" && (took - played).abs() < 1.5e-6, "{start} to {until}: {took}");
    }
}

// How late depends on the machine; that no look is planned late, `looks_meet_a_moving_playhead…` proves.
#[test]
fn not_before_it_in_real_time() {
    let report = telecine(["play", "--sink", "null", "--until", "1.5", "--json"]).ok();
    let played = report["played_s"].as_f64().expect("a number");
    assert!(report["outcome"] == "stopped" && played >= 1.5, "{}: {played}", report["outcome"]);
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
fn just_behind_a_stall_and_samples_go_on_at_their_pace_meanwhile() {
    let play = |until: &str| {
        let slow = ["--network", "rate=150kbps,rtt=80ms", "--until", until];
        telecine(["play", "--clock", "virtual", "--sink", "null", "--json"].into_iter().chain(slow)).ok()
    };
    let stall = play("20")["stalled"][0].clone();
    let number = |value: &serde_json::Value| value.as_f64().expect("a number");
    let at = number(&stall["position_s"]) + 0.001;
    let report = play(&at.to_string());
    let played = number(&report["played_s"]);
    assert!((played - at).abs() < 2e-6, "{played}, not {at}");
    // A millisecond before the end it stood for long: four samples a second at most, then as ever.
    let times: Vec<f64> =
        report["buffer"].as_array().expect("a list").iter().map(|sample| number(&sample[0])).collect();
    let (from, to) = (number(&stall["t_s"]), number(&stall["t_s"]) + number(&stall["duration_s"]));
    let meanwhile = times.iter().filter(|time| (from..to).contains(time)).count();
    assert!(to - from > 0.5 && meanwhile >= 2, "{from} to {to}: {times:?}");
    assert!(times.windows(2).all(|pair| (0.2499..0.3501).contains(&(pair[1] - pair[0]))), "{times:?}");
}
