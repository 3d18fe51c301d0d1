//! What a link carries, against arithmetic by hand.

#![allow(clippy::expect_used, clippy::panic)]

use std::time::Duration;

use proptest::prelude::*;
use telecine_engine::RequestId;
use telecine_model::Timestamp;
use telecine_virtual::{Held, Link, LinkEvent, Network, Step};

const A: RequestId = RequestId(1);
const B: RequestId = RequestId(2);

fn at(micros: u64) -> Timestamp {
    Timestamp::from_micros(micros)
}

/// Everything that happens, with its time.
fn run(link: &mut Link) -> Vec<(u64, LinkEvent)> {
    let mut happened = Vec::new();
    while let Some(now) = link.deadline().filter(|now| now.as_micros() < 10_000_000_000) {
        while let Some(event) = link.poll(now) {
            happened.push((now.as_micros(), event));
        }
    }
    happened
}

fn done(happened: &[(u64, LinkEvent)], id: RequestId) -> Option<u64> {
    happened.iter().find(|(_, event)| *event == LinkEvent::Done(id)).map(|(time, _)| *time)
}

fn received(happened: &[(u64, LinkEvent)], id: RequestId) -> u64 {
    let bytes = |(_, event): &(u64, LinkEvent)| match event {
        LinkEvent::Bytes { id: of, n } if *of == id => *n,
        _ => 0,
    };
    happened.iter().map(bytes).sum()
}

#[test]
fn bytes_take_their_time_after_the_latency() {
    // 1,000,003 bytes at 3 Mbit/s: 8,000,024 / 3 = 2,666,674.67 microseconds, rounded up.
    let mut link = Link::new(Network::constant(3_000_000, Duration::from_millis(80)), 0);
    link.start(A, 1_000_003, Duration::ZERO, at(500));
    let happened = run(&mut link);
    assert_eq!(happened[0], (80_500, LinkEvent::FirstByte(A)));
    assert_eq!(done(&happened, A), Some(80_500 + 2_666_675));
    assert_eq!(received(&happened, A), 1_000_003);
    assert_eq!(link.deadline(), None);
}

#[test]
fn a_body_that_its_server_paces_comes_no_faster_than_that() {
    let ms = Duration::from_millis;
    // A thousand bytes a millisecond; the head after 10 + 2000 ms, then a pause, and a pace that is slower than the line.
    let mut link = Link::new(Network::constant(8_000_000, ms(10)), 0);
    let held = Held { paced: vec![(1000, ms(500)), (2000, ms(600)), (3000, ms(601))], ..Held::default() };
    link.start_held(A, 5000, ms(2000), &held, at(0));
    let expected = [(2_511_000, 1000), (2_611_000, 1000), (2_613_000, 2000)];
    let happened = run(&mut link);
    assert_eq!(happened[..2], [(2_010_000, LinkEvent::FirstByte(A)), (2_011_000, LinkEvent::Bytes { id: A, n: 1000 })]);
    for ((time, n), event) in expected.into_iter().zip(&happened[2..]) {
        assert_eq!(*event, (time, LinkEvent::Bytes { id: A, n }));
    }
    assert_eq!(done(&happened, A), Some(2_613_000));
}

#[test]
fn a_delay_begins_when_the_answer_is_there() {
    let ms = Duration::from_millis;
    let mut link = Link::new(Network::constant(8_000_000, ms(10)), 0);
    link.start_held(A, 0, ms(300), &Held { until: ms(100), ..Held::default() }, at(0));
    assert_eq!(run(&mut link)[0], (405_000, LinkEvent::FirstByte(A)));
}

#[test]
fn a_servers_own_delay_comes_on_top() {
    let mut link = Link::new(Network::constant(8_000_000, Duration::from_millis(10)), 0);
    link.start(A, 0, Duration::from_millis(5), at(0));
    assert_eq!(run(&mut link), [(15_000, LinkEvent::FirstByte(A)), (15_000, LinkEvent::Done(A))]);
}

#[test]
fn transfers_share_the_rate_fairly() {
    // 8 Mbit/s are a byte a microsecond. A is alone for 100 ms, then both have half each until B is
    // done, then A has all of it again.
    let mut link = Link::new(Network::constant(8_000_000, Duration::ZERO), 0);
    link.start(A, 300_000, Duration::ZERO, at(0));
    link.start(B, 50_000, Duration::ZERO, at(100_000));
    let happened = run(&mut link);
    assert_eq!(done(&happened, B), Some(200_000));
    assert_eq!(done(&happened, A), Some(350_000));
}

#[test]
fn the_rate_follows_the_trace_and_outages_stop_everything() {
    let step = |millis, bits_per_second| Step {
        duration: Duration::from_millis(millis),
        bits_per_second,
        latency: Duration::ZERO,
    };
    let network = Network::from_steps([step(100, 8_000_000), step(400, 0), step(500, 800_000)]).expect("steps");
    let mut link = Link::new(network, 0);
    // 100,000 bytes, nothing, 50,000 bytes, and 30,000 of the next round.
    link.start(A, 180_000, Duration::ZERO, at(0));
    let happened = run(&mut link);
    assert_eq!(done(&happened, A), Some(1_030_000));
    assert!(happened.iter().all(|(time, _)| *time <= 100_000 || *time >= 500_000));
}

#[test]
fn in_an_endless_outage_nothing_comes_and_there_is_no_deadline() {
    let mut link = Link::new(Network::constant(0, Duration::from_millis(1)), 0);
    link.start(A, 1, Duration::ZERO, at(0));
    assert_eq!(run(&mut link), []);
}

#[test]
fn a_cancelled_transfer_is_silent_and_frees_its_share() {
    let mut link = Link::new(Network::constant(8_000_000, Duration::ZERO), 0);
    link.start(A, 1_000_000, Duration::ZERO, at(0));
    link.start(B, 100_000, Duration::ZERO, at(0));
    link.cancel(A, at(100_000));
    let happened = run(&mut link);
    assert_eq!(done(&happened, A), None);
    assert_eq!(done(&happened, B), Some(150_000));
}

#[test]
fn chunks_are_small_and_slow_links_trickle() {
    let mut fast = Link::new(Network::constant(1_000_000_000, Duration::ZERO), 0);
    fast.start(A, 10_000_000, Duration::ZERO, at(0));
    let happened = run(&mut fast);
    assert!(happened.iter().all(|(_, event)| !matches!(event, LinkEvent::Bytes { n, .. } if *n > 65_536)));

    let mut slow = Link::new(Network::constant(200_000, Duration::ZERO), 0);
    slow.start(A, 100_000, Duration::ZERO, at(0));
    let happened = run(&mut slow);
    assert!(happened.windows(2).all(|pair| pair[1].0 - pair[0].0 <= 100_000), "a byte every tenth of a second");
}

#[test]
fn lost_packets_hold_up_their_transfer_by_the_seed() {
    let network = Network::constant(8_000_000, Duration::from_millis(50)).with_loss_ppm(10_000);
    let time = |seed| {
        let mut link = Link::new(network.clone(), seed);
        link.start(A, 2_000_000, Duration::ZERO, at(0));
        done(&run(&mut link), A)
    };
    assert_eq!(time(1), time(1));
    assert_ne!(time(1), time(2));
    // Each loss costs one round trip, and the rest is the ideal time.
    let extra = time(1).expect("it ends") - 2_050_000;
    assert!(extra > 0 && extra % 50_000 == 0, "{extra}");
}

proptest! {
    /// It does not matter how often and when a link is polled.
    #[test]
    fn polls_in_between_change_nothing(
        rates in prop::collection::vec(0u64..20_000_000, 1..5),
        bodies in prop::collection::vec((0u64..300_000, 0u64..2_000_000), 1..5),
        loss in 0u32..20_000,
        polls in prop::collection::vec(1u64..60_000, 1..200),
    ) {
        let steps = rates.iter().map(|rate| Step {
            duration: Duration::from_millis(333),
            bits_per_second: rate + 1_000,
            latency: Duration::from_micros(12_345),
        });
        let network = Network::from_steps(steps).expect("steps").with_loss_ppm(loss);
        let mut bodies = bodies;
        bodies.sort_by_key(|(_, start)| *start);
        let drive = |polls: &[u64]| {
            let mut link = Link::new(network.clone(), 7);
            let mut happened = Vec::new();
            let mut wakes = polls.iter().copied().cycle();
            let mut now = 0;
            let mut starts = bodies.iter().enumerate().peekable();
            loop {
                let start = starts.peek().map(|(_, (_, start))| *start);
                let deadline = link.deadline().map(Timestamp::as_micros);
                let Some(next) = deadline.into_iter().chain(start).min() else { break };
                let wake = if polls.is_empty() { u64::MAX } else { now + wakes.next().unwrap_or(1) };
                now = next.min(wake);
                while let Some(event) = link.poll(at(now)) {
                    happened.push((now, event));
                }
                while let Some((index, (total, _))) = starts.next_if(|(_, (_, start))| *start <= now) {
                    link.start(RequestId(index as u64), *total, Duration::ZERO, at(now));
                }
            }
            happened
        };
        let lazy = drive(&[]);
        prop_assert_eq!(&lazy, &drive(&polls));
        for (index, (total, _)) in bodies.iter().enumerate() {
            prop_assert_eq!(received(&lazy, RequestId(index as u64)), *total);
            prop_assert!(done(&lazy, RequestId(index as u64)).is_some());
        }
    }
}

#[test]
fn what_arrives_is_handed_on_in_larger_pieces_if_that_is_wanted() {
    // 50 ms at 80 Mbit/s are 500,000 bytes.
    let network = Network::constant(80_000_000, Duration::from_millis(10));
    let largest = |mut link: Link| {
        link.start(A, 2_000_000, Duration::ZERO, at(0));
        let pieces = run(&mut link);
        assert_eq!((received(&pieces, A), done(&pieces, A)), (2_000_000, Some(210_000)));
        pieces.iter().map(|(_, event)| if let LinkEvent::Bytes { n, .. } = event { *n } else { 0 }).max()
    };
    assert_eq!(largest(Link::new(network.clone(), 0)), Some(65_536));
    assert_eq!(largest(Link::new(network.clone(), 0).read_up_to(1 << 20)), Some(500_000));
    assert_eq!(largest(Link::new(network, 0).read_up_to(0)), Some(1_460), "a packet at least");
}
