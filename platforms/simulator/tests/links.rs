//! The link against a walk through its periods.

// What goes wrong here fails the test that asked for it.
#![allow(clippy::expect_used)]

use proptest::prelude::*;
use telecine_simulator::{Link, Period, Unusable};

fn period(ms: f64, kbps: f64, latency_ms: f64) -> Period {
    Period { ms, kbps, latency_ms }
}

/// What the link answers from running totals, found step by step.
struct Walk<'a> {
    periods: &'a [Period],
    index: usize,
    left_ms: f64,
}

impl Walk<'_> {
    fn next(&mut self) {
        self.index = (self.index + 1) % self.periods.len();
        self.left_ms = self.periods[self.index].ms;
    }

    fn wait(&mut self, mut ms: f64) {
        while ms > self.left_ms {
            ms -= self.left_ms;
            self.next();
        }
        self.left_ms -= ms;
    }

    fn request(&mut self) -> f64 {
        let (mut way, mut waited) = (1.0, 0.0);
        loop {
            let latency = self.periods[self.index].latency_ms;
            if way * latency <= self.left_ms {
                self.left_ms -= way * latency;
                return waited + way * latency;
            }
            way -= self.left_ms / latency;
            waited += self.left_ms;
            self.next();
        }
    }

    fn receive(&mut self, mut bits: f64) -> f64 {
        let mut took = 0.0;
        loop {
            let kbps = self.periods[self.index].kbps;
            if bits <= self.left_ms * kbps {
                let ms = bits / kbps;
                self.left_ms -= ms;
                return took + ms;
            }
            bits -= self.left_ms * kbps;
            took += self.left_ms;
            self.next();
        }
    }
}

fn periods() -> impl Strategy<Value = Vec<Period>> {
    let rate = prop_oneof![Just(0), 1_u32..100_000];
    let one = (1_u32..5_000, rate, prop_oneof![Just(0), Just(20), 1_u32..300]);
    prop::collection::vec(one, 1..40).prop_map(|periods| {
        let mut periods: Vec<Period> = (periods.into_iter())
            .map(|(ms, kbps, latency)| period(f64::from(ms), f64::from(kbps), f64::from(latency)))
            .collect();
        // One of them carries something.
        periods[0].kbps += 1.0;
        periods
    })
}

proptest! {
    #[test]
    fn a_search_finds_what_a_walk_finds(
        periods in periods(),
        acts in prop::collection::vec((0_u8..3, 1_u32..3_000_000), 1..60),
    ) {
        let link = Link::new(periods.clone()).expect("a link");
        let mut walk = Walk { periods: &periods, index: 0, left_ms: periods[0].ms };
        let mut cursor = link.start();
        for (act, amount) in acts {
            let before = cursor;
            match act {
                0 => {
                    cursor.wait(f64::from(amount) / 100.0);
                    walk.wait(f64::from(amount) / 100.0);
                }
                1 => {
                    let (ours, walked) = (cursor.request(), walk.request());
                    prop_assert!((ours - walked).abs() < 1e-5, "{ours} for {walked}");
                }
                _ => {
                    let (ours, walked) = (cursor.receive(f64::from(amount)), walk.receive(f64::from(amount)));
                    prop_assert!((ours - walked).abs() < 1e-5 * (1.0 + walked), "{ours} for {walked}");
                    prop_assert!((cursor.bits_since(&before) - f64::from(amount)).abs() < 1e-3);
                    prop_assert!((cursor.ms_since(&before) - ours).abs() < 1e-5);
                }
            }
        }
    }
}

#[test]
fn nothing_arrives_in_an_outage_and_a_list_begins_again() {
    let link = Link::new(vec![period(1_000.0, 100.0, 0.0), period(9_000.0, 0.0, 0.0)]).expect("a link");
    let mut cursor = link.start();
    // The last bit of the first period is there at its end, the next one after the outage.
    assert_eq!(cursor.receive(100_000.0), 1_000.0);
    assert_eq!(cursor.receive(100.0), 9_001.0);
    // A thousand cycles take no longer to find than one.
    assert_eq!(cursor.receive(100_000.0 * 1_000.0), 10_000_000.0);
}

#[test]
fn a_latency_that_changes_on_the_way_counts_in_proportion() {
    let link = Link::new(vec![period(50.0, 100.0, 100.0), period(1_000.0, 100.0, 200.0)]).expect("a link");
    // Half of the way at 100 ms, the other half at 200 ms.
    assert_eq!(link.start().request(), 150.0);
}

/// It was walked through period by period, and a request of a minute took sixty million steps.
#[test]
fn a_request_over_periods_of_a_microsecond_is_found_at_once() {
    let link = Link::new(vec![period(0.001, 100.0, 60_000.0), period(0.001, 50.0, 30_000.0)]).expect("a link");
    let mut cursor = link.start();
    // In each two microseconds 1/60000000 and 1/30000000 of the way are gone.
    for _ in 0..10_000 {
        let took = cursor.request();
        assert!((took - 40_000.0).abs() < 0.01, "{took}");
    }
}

#[test]
fn a_coarse_link_carries_the_same_in_periods_of_a_millisecond() {
    let shape = |periods: Vec<Period>| Link::new(periods).expect("a link").coarse().expect("coarse").periods().to_vec();
    // What is as long as that stays as it is.
    let usual = vec![period(1.0, 100.0, 20.0), period(1_000.0, 0.0, 30.0)];
    assert_eq!(shape(usual.clone()), usual);
    assert_eq!(shape(vec![period(0.25, 100.0, 20.0), period(0.75, 0.0, 40.0)]), [period(1.0, 25.0, 35.0)]);
    // The last one is joined to what is before it, and a cycle that is short as a whole is gone through again.
    assert_eq!(shape(vec![period(3.0, 100.0, 20.0), period(0.5, 450.0, 20.0)]), [period(3.5, 150.0, 20.0)]);
    assert_eq!(shape(vec![period(0.001, 5_000.0, 20.0), period(0.001, 0.0, 20.0)]), [period(1.0, 2_500.0, 20.0)]);
    let silent = Link::new(vec![period(1_000.0, 0.0001, 0.0)]).expect("a link");
    assert_eq!(silent.coarse(), Err(Unusable::Silent));
}

#[test]
fn periods_that_are_no_link_are_refused_with_their_place() {
    assert_eq!(Link::new(vec![]), Err(Unusable::Empty));
    assert_eq!(Link::new(vec![period(1.0, 0.0, 0.0)]), Err(Unusable::Silent));
    for (index, field, value, wrong) in [
        (1, "duration", 0.0, period(0.0, 1.0, 0.0)),
        (1, "duration", f64::INFINITY, period(f64::INFINITY, 1.0, 0.0)),
        (1, "bandwidth", -1.0, period(1.0, -1.0, 0.0)),
        (1, "latency", 60_001.0, period(1.0, 1.0, 60_001.0)),
    ] {
        let refused = Link::new(vec![period(1.0, 1.0, 1.0), wrong]);
        assert_eq!(refused, Err(Unusable::Period { index, field, value }));
    }
    assert!(matches!(Link::new(vec![period(1.0, f64::NAN, 0.0)]), Err(Unusable::Period { field: "bandwidth", .. })));
    let long = period(Link::MOST_MS, Link::MOST_KBPS, 0.0);
    assert_eq!(Link::new(vec![long]), Err(Unusable::Immense));
}
