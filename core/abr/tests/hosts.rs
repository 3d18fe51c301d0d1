//! What `DualEwma` makes of several hosts behind one line.

#![allow(clippy::expect_used)] // These are tests.

use std::time::Duration;

use telecine_abr::{Answer, DualEwma, Estimate, Estimator, TransferId, TransferSample};
use telecine_model::{HttpVersion, Timestamp};

const A: &str = "https://a.example/title/";
const B: &str = "https://b.example/title/";

fn ms(ms: u64) -> Timestamp {
    Timestamp::from_millis(ms)
}

/// Transfers one after another, each of two seconds.
struct Player {
    estimator: DualEwma,
    next: u64,
    at: u64,
}

impl Player {
    fn new() -> Self {
        Self { estimator: DualEwma::new(), next: 0, at: 0 }
    }

    fn fetch(&mut self, asked: &str, by: &str, kbps: u64) {
        self.fetch_by(&Answer { asked, by, version: None }, kbps);
    }

    fn fetch_by(&mut self, answer: &Answer<'_>, kbps: u64) {
        let (id, begins) = (TransferId(self.next), self.at + 50);
        self.estimator.on_answer(id, answer, ms(begins));
        self.estimator.on_progress(id, 0, ms(begins));
        self.estimator.on_transfer(&TransferSample {
            id,
            bytes: kbps * 2000 / 8,
            started: ms(self.at),
            first_byte: ms(begins),
            finished: ms(begins + 2000),
            flags: Default::default(),
        });
        self.next += 1;
        self.at = begins + 2000;
    }

    fn fetch_many(&mut self, from: &str, kbps: u64, times: u64) {
        (0..times).for_each(|_| self.fetch(from, from, kbps));
    }

    fn believed(&self, asked: &str) -> Estimate {
        self.estimator.estimate_of(asked).expect("something is known")
    }

    fn kbps(&self, asked: &str) -> u64 {
        self.believed(asked).bits_per_second / 1000
    }
}

#[test]
fn where_there_is_one_host_it_is_the_line_to_the_last_bit() {
    let mut player = Player::new();
    for kbps in [4000, 1000, 2500, 300, 9000, 8000, 7000] {
        player.fetch(A, A, kbps);
        player.at += 100_000;
        assert_eq!(player.estimator.estimate_of(A), player.estimator.estimate());
    }
    let mut untold = DualEwma::new();
    assert_eq!(untold.estimate_of(A), None);
    untold.on_transfer(&TransferSample {
        id: TransferId(1),
        bytes: 1_000_000,
        started: ms(0),
        first_byte: ms(0),
        finished: ms(1000),
        flags: Default::default(),
    });
    assert_eq!(
        untold.estimate_of(A),
        untold.estimate(),
        "where nobody says whose a transfer is, there is only the line"
    );
}

/// Shaka PR #6837: the estimate of another CDN.
#[test]
fn a_host_is_not_judged_by_the_rate_of_another() {
    let mut player = Player::new();
    player.fetch_many(A, 8000, 10);
    player.fetch_many(B, 1000, 10);
    // Of what was lent next to nothing is left.
    let of_b = player.kbps(B);
    assert!((1000..1050).contains(&of_b), "{of_b}");
    assert!(player.kbps(A) > 7000, "A is what it was: {}", player.kbps(A));
    player.fetch_many(A, 8000, 1);
    assert!(player.kbps(A) > 7000 && player.kbps(B) == of_b, "{} {}", player.kbps(A), player.kbps(B));
}

#[test]
fn of_a_new_host_less_is_believed_than_the_line_is_known_for() {
    let mut player = Player::new();
    player.fetch_many(A, 10_000, 10);
    let (known, new) = (player.believed(A), player.believed(B));
    assert_eq!(new.bits_per_second, 7_000_000);
    assert_eq!(new.low, 3_500_000, "as after a first measurement");
    assert_eq!(new.ttfb, Duration::from_millis(50), "the way to the line's other end is the same");
    assert!(new.samples > 0, "the line is measured");
    let error = |estimate: Estimate| estimate.forecast.expect("a forecast").typical_error_milli;
    assert!(error(new) >= 500 && error(known) < 100, "{} {}", error(new), error(known));
}

/// Whether it was the line or the host that broke down is not known: half way, and less of it.
#[test]
fn after_a_breakdown_of_one_host_another_is_hoped_to_do_better() {
    let mut player = Player::new();
    player.fetch_many(A, 10_000, 20);
    player.fetch_many(A, 400, 3);
    let (broken, new) = (player.kbps(A), player.kbps(B));
    assert!(broken < 500, "{broken}");
    assert!((2 * broken..3000).contains(&new), "{new} beside {broken}");
}

#[test]
fn two_segments_of_its_own_leave_hardly_anything_of_what_was_lent() {
    for kbps in [1500, 40_000] {
        let mut player = Player::new();
        player.fetch_many(A, 10_000, 10);
        player.fetch_many(B, kbps, 2);
        let believed = player.believed(B).forecast.expect("a forecast");
        let off = believed.bits_per_second.abs_diff(kbps * 1000);
        assert!(off < kbps * 150, "{kbps}: {believed:?}");
        assert!(believed.typical_error_milli < 900, "{believed:?}");
    }
}

#[test]
fn what_a_host_did_long_ago_counts_for_less_beside_what_is_known_now() {
    let mut player = Player::new();
    player.fetch_many(A, 1000, 10);
    player.fetch_many(B, 8000, 10);
    assert_eq!(player.kbps(A), 1000, "half a minute is nothing");
    player.fetch_many(B, 8000, 100);
    let soon = player.kbps(A);
    player.fetch_many(B, 8000, 1000);
    let late = player.kbps(A);
    assert!(1000 < soon && soon < late && late < 5700, "{soon} {late}");
    player.fetch_many(A, 1000, 2);
    assert!(player.kbps(A) < 1700, "and is known again behind two segments: {}", player.kbps(A));
}

#[test]
fn a_redirect_leads_to_what_is_known_of_who_answers() {
    let mut player = Player::new();
    player.fetch_many(A, 8000, 5);
    (0..5).for_each(|_| player.fetch("https://go.example/", B, 2000));
    assert_eq!(player.kbps("https://go.example/other"), player.kbps(B));
    assert!((2000..2150).contains(&player.kbps(B)), "{}", player.kbps(B));
    // It leads elsewhere now.
    player.fetch("https://go.example/", A, 8000);
    assert_eq!(player.kbps("https://go.example/"), player.kbps(A));
    // And nowhere, when it answers itself.
    player.fetch("https://go.example/", "https://go.example/", 500);
    assert!(player.kbps("https://go.example/") < 3000 && player.kbps(A) > 7000);
}

/// RFC 6454, 4: scheme, host and port, without regard to case; each scheme has a port of its own.
#[test]
fn hosts_are_told_apart_by_scheme_host_and_port() {
    let mut player = Player::new();
    player.fetch_many("https://a.example/", 8000, 5);
    player.fetch_many("https://b.example/", 1000, 5);
    for same in ["HTTPS://A.Example/x", "https://a.example:443/", "https://user@a.example/?q"] {
        assert_eq!(player.believed(same), player.believed(A), "{same}");
    }
    for other in ["http://a.example/", "https://a.example:8443/", "https://a.example.net/"] {
        assert_ne!(player.believed(other), player.believed(A), "{other}");
    }
}

/// Two services behind one name, say: one slow by version 1, one fast by 2. Which one is asked is known by who answered last.
#[test]
fn a_host_is_another_one_by_another_version_of_http() {
    let by = |version| Answer { asked: A, by: A, version: Some(version) };
    let mut player = Player::new();
    (0..20).for_each(|_| player.fetch_by(&by(HttpVersion::Http1), 1000));
    assert_eq!(player.kbps(A), 1000);
    (0..20).for_each(|_| player.fetch_by(&by(HttpVersion::Http2), 8000));
    let by_two = player.kbps(A);
    assert!(by_two > 7900, "{by_two}: nothing of version 1 is in it");
    player.fetch_by(&by(HttpVersion::Http1), 1000);
    let back = player.kbps(A);
    assert!((900..2000).contains(&back), "{back}: it is known of before, and was not spoilt by version 2");
}

/// A request cannot say by which version it will be answered, and a host that went over to another one stays with it.
#[test]
fn what_a_host_gives_is_what_it_gave_by_the_version_of_its_last_answer() {
    let by = |version| Answer { asked: A, by: A, version };
    let mut player = Player::new();
    (0..20).for_each(|_| player.fetch_by(&by(Some(HttpVersion::Http3)), 6000));
    (0..20).for_each(|_| player.fetch_by(&by(None), 2000));
    player.fetch_by(&by(Some(HttpVersion::Http3)), 6000);
    assert!(player.kbps(A) > 5000, "{}", player.kbps(A));
    player.fetch_by(&by(None), 2000);
    assert!(player.kbps(A) < 3000, "{}", player.kbps(A));
}

/// Picture from one host, sound from another, at once: what comes of both is what the line carries.
#[test]
fn transfers_from_different_hosts_at_once_are_one_load_of_the_line() {
    let mut estimator = DualEwma::new();
    for round in 0..10 {
        let at = round * 5000;
        let (video, audio) = (TransferId(2 * round), TransferId(2 * round + 1));
        for (id, from) in [(video, A), (audio, B)] {
            estimator.on_answer(id, &Answer { asked: from, by: from, version: None }, ms(at + 100));
            estimator.on_progress(id, 0, ms(at + 100));
        }
        for step in 1..=16 {
            estimator.on_progress(video, step * 25_000, ms(at + 100 + step * 100));
            estimator.on_progress(audio, step * 25_000, ms(at + 100 + step * 100));
        }
        let ends = |id, bytes, finished| TransferSample {
            id,
            bytes,
            started: ms(at),
            first_byte: ms(at + 100),
            finished: ms(finished),
            flags: Default::default(),
        };
        estimator.on_transfer(&ends(audio, 400_000, at + 1700));
        estimator.on_transfer(&ends(video, 1_200_000, at + 3300));
        for asked in [A, B] {
            let kbps = estimator.estimate_of(asked).expect("known").bits_per_second / 1000;
            // A new host, that sound comes from, is not quite trusted behind the first transfer.
            let least = if round == 0 { 3000 } else { 3750 };
            assert!((least..=4100).contains(&kbps), "{asked}: {kbps}");
        }
    }
}

#[test]
fn so_many_hosts_are_remembered_and_no_more() {
    let mut player = Player::new();
    player.fetch_many(A, 9000, 5);
    let hosts: Vec<String> = (0..20).map(|n| format!("https://{n}.example/")).collect();
    for host in &hosts {
        player.fetch_many(host, 1000, 1);
    }
    let (forgotten, never) = (player.believed(A), player.believed("https://never.example/"));
    assert_eq!(forgotten, never);
    // The last eight are known each.
    let known = |host: &&String| player.believed(host.as_str()).recent.is_some();
    assert_eq!(hosts.iter().filter(known).count(), 8);
    assert!(hosts.iter().rev().take(8).all(|host| known(&host)));
}

#[test]
fn what_is_no_url_is_of_the_line() {
    let mut player = Player::new();
    let endless = format!("https://{}/", "x".repeat(5000));
    for nonsense in ["", "//a.example/", "nonsense", endless.as_str()] {
        player.fetch(nonsense, nonsense, 4000);
    }
    assert_eq!(player.estimator.estimate().expect("the line").bits_per_second, 4_000_000);
    assert_eq!(player.estimator.estimate_of(&endless), player.estimator.estimate());
}
