//! Absurd numbers: ladders, buffers, estimates and clocks that no session has, which manifests and
//! hosts can nevertheless produce.

use std::time::Duration;

use proptest::prelude::*;
use telecine_abr::{
    rule_by_name, Change, Context, Downloaded, DualEwma, Estimate, Estimator, Forecast, Level, Progress, Reason,
    Recent, TransferFlags, TransferId, TransferSample, Waiting, RULES,
};
use telecine_model::{MediaTime, Timestamp};

fn extreme_u64() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), Just(1), Just(u64::MAX), 0_u64..100_000_000, any::<u64>()]
}

fn time() -> impl Strategy<Value = MediaTime> {
    prop_oneof![
        Just(MediaTime::ZERO),
        Just(MediaTime::MAX),
        Just(MediaTime::MIN),
        (-60_000_i64..600_000).prop_map(MediaTime::from_millis),
    ]
}

fn duration() -> impl Strategy<Value = Duration> {
    prop_oneof![Just(Duration::ZERO), Just(Duration::MAX), (0_u64..10_000).prop_map(Duration::from_millis)]
}

fn levels() -> impl Strategy<Value = Vec<Level>> {
    let maybe = || prop::option::of(extreme_u64());
    let level = (extreme_u64(), maybe(), maybe(), maybe());
    prop::collection::vec(level, 1..8).prop_map(|mut levels| {
        levels.sort();
        let level = |(rendition, (bitrate, next_size, expected_size, score))| Level {
            rendition,
            bitrate,
            height: None,
            score,
            next_size,
            expected_size,
            listed: bitrate % 2 == 0,
        };
        levels.into_iter().enumerate().map(level).collect()
    })
}

#[derive(Clone, Debug)]
struct Question {
    levels: Vec<Level>,
    now: u64,
    current: Option<usize>,
    buffer: MediaTime,
    goal: MediaTime,
    segment: MediaTime,
    usual: MediaTime,
    estimate: Option<(u64, Duration)>,
    /// What is forecast, and how wrong such was.
    forecast: Option<(u64, u32)>,
    live: bool,
    waiting: Vec<Waiting>,
    rate_milli: u32,
    starting: bool,
    bytes: u64,
    took: Duration,
}

impl Question {
    fn context(&self) -> Context<'_> {
        Context {
            now: Timestamp::from_micros(self.now),
            levels: &self.levels,
            current: self.current,
            buffer: self.buffer,
            buffer_goal: self.goal,
            segment_duration: self.segment,
            usual_duration: self.usual,
            estimate: self.estimate.map(|(bits_per_second, ttfb)| Estimate {
                bits_per_second,
                low: bits_per_second / 2,
                ttfb,
                samples: 3,
                forecast: self
                    .forecast
                    .map(|(bits_per_second, typical_error_milli)| Forecast { bits_per_second, typical_error_milli }),
                recent: self.forecast.map(|(median, deviation_milli)| Recent {
                    median,
                    low: bits_per_second,
                    deviation_milli,
                    change: Some(Change {
                        at: Timestamp::from_micros(self.now),
                        before: median,
                        after: bits_per_second,
                    }),
                }),
            }),
            rate_milli: self.rate_milli,
            starting: self.starting,
            live: self.live,
            remaining: Some(self.segment),
            lead_in: self.goal,
            aside: self.bytes,
        }
    }
}

fn question() -> impl Strategy<Value = Question> {
    let numbers = (extreme_u64(), prop::option::of(0_usize..12), extreme_u64(), duration());
    let flags = (prop_oneof![Just(0), Just(1000), any::<u32>()], any::<bool>());
    let estimate = prop::option::of((extreme_u64(), duration()));
    let forecast = prop::option::of((extreme_u64(), prop_oneof![Just(0), Just(u32::MAX), 0_u32..2000]));
    let waiting = (0_usize..12, time()).prop_map(|(level, due)| Waiting { level, due });
    let more = (forecast, any::<bool>(), prop::collection::vec(waiting, 0..6));
    (levels(), numbers, (time(), time(), time(), time()), estimate, flags, more).prop_map(
        |(
            levels,
            (now, current, bytes, took),
            (buffer, goal, segment, usual),
            estimate,
            (rate_milli, starting),
            (forecast, live, waiting),
        )| Question {
            usual,
            forecast,
            live,
            waiting,
            levels,
            now,
            current,
            buffer,
            goal,
            segment,
            estimate,
            rate_milli,
            starting,
            bytes,
            took,
        },
    )
}

proptest! {
    #[test]
    fn every_choice_is_a_level_of_the_ladder(
        rule in prop::sample::select(RULES.to_vec()),
        questions in prop::collection::vec(question(), 1..12),
    ) {
        let mut rule = rule_by_name(rule).expect("a rule");
        for question in &questions {
            let ctx = question.context();
            let choice = rule.choose(&ctx);
            prop_assert!(choice.level < question.levels.len());
            prop_assert!(!choice.reasons.is_empty());
            for reason in &choice.reasons {
                prop_assert!(!reason.to_string().is_empty());
            }
            let progress = Progress {
                level: choice.level,
                bytes: question.bytes,
                total: question.levels[0].next_size,
                requested: Timestamp::ZERO,
                first_byte: Some(Timestamp::from_micros(question.now / 2)),
                paced: question.starting,
                fetched_again: MediaTime::ZERO,
                beside: question.bytes / 3,
            };
            if let Some(instead) = rule.should_abandon(&ctx, &progress) {
                prop_assert!(instead.level < choice.level);
            }
            rule.on_downloaded(&ctx, &Downloaded {
                level: question.current.unwrap_or(0),
                bytes: question.bytes,
                duration: question.segment,
                took: question.took,
            });
            if let Some(again) = rule.again(&ctx, &question.waiting) {
                prop_assert!(again.place < question.waiting.len() && again.level < question.levels.len());
            }
            if question.starting {
                rule.on_seek();
                rule.on_stall();
            }
        }
    }

    #[test]
    fn an_estimate_is_never_nothing(
        transfers in prop::collection::vec(
            (0_u64..4, extreme_u64(), extreme_u64(), extreme_u64(), extreme_u64(), 0_u8..6, any::<bool>()),
            1..40,
        ),
    ) {
        let mut estimator = DualEwma::new();
        for (id, bytes, started, first_byte, finished, what, cached) in transfers {
            let at = Timestamp::from_micros;
            let id = TransferId(id);
            match what {
                0 | 1 => estimator.on_progress(id, bytes, at(first_byte)),
                2 => estimator.on_paced(id),
                3 => estimator.on_chunk(id, bytes),
                _ => estimator.on_transfer(&TransferSample {
                    id,
                    bytes,
                    started: at(started),
                    first_byte: at(first_byte),
                    finished: at(finished),
                    flags: TransferFlags { cached, aborted: cached, paced: !cached, limited: cached, held: cached },
                }),
            }
            if let Some(estimate) = estimator.estimate() {
                prop_assert!(estimate.bits_per_second >= 1 && estimate.low >= 1);
            }
        }
    }

    /// Reads of any size at any time, of several paced transfers at once.
    #[test]
    fn bursts_of_any_kind_give_a_rate_that_bytes_came_at(
        reads in prop::collection::vec((0_u64..3, 0_u64..100_000, 0_u64..200_000, any::<bool>()), 1..600),
    ) {
        let mut estimator = DualEwma::new();
        let (mut at, mut told) = (1_000_000, [0_u64; 3]);
        for id in 0..3 {
            estimator.on_paced(TransferId(id));
        }
        for (id, after, bytes, chunk) in reads {
            at += after;
            let so_far = &mut told[id as usize];
            *so_far += bytes;
            estimator.on_progress(TransferId(id), *so_far, Timestamp::from_micros(at));
            if chunk {
                estimator.on_chunk(TransferId(id), *so_far);
            }
            if let Some(estimate) = estimator.estimate() {
                // No more than all of it in one millisecond.
                let all: u64 = told.iter().sum();
                prop_assert!(estimate.bits_per_second <= 8 * 1000 * all, "{estimate:?}");
                prop_assert!(estimate.samples > 0);
            }
        }
    }
}

#[test]
fn a_reason_survives_serialisation() {
    let reason = Reason::FitsThroughput { bitrate: 3_000_000, allowed: 3_600_000, measured: true };
    let text = serde_json::to_string(&reason).expect("serialisable");
    assert_eq!(text, r#"{"fits_throughput":{"bitrate":3000000,"allowed":3600000,"measured":true}}"#);
    assert_eq!(serde_json::from_str::<Reason>(&text).expect("the same"), reason);
}

#[test]
fn transfers_that_never_end_are_forgotten() {
    let mut estimator = DualEwma::new();
    for id in 0..100_000 {
        estimator.on_progress(TransferId(id), 1, Timestamp::from_millis(id));
    }
    assert_eq!(estimator.estimate(), None);
    for id in 0..100_000 {
        estimator.on_paced(TransferId(id));
        estimator.on_progress(TransferId(id), 0, Timestamp::from_millis(id));
    }
    assert_eq!(estimator.estimate(), None);
}
