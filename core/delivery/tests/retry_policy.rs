//! The default retry policy over whole sessions, and under failures that no server should send.

use std::time::Duration;

use proptest::prelude::*;
use telecine_delivery::{
    classify_status, parse_retry_after, DefaultRetry, Failure, Otherwise, RequestClass, RetryDecision, RetryPolicy,
};
use telecine_model::{ErrorCode, Rng, Timestamp, WallTime};

const CLASSES: [RequestClass; 9] = [
    RequestClass::Manifest,
    RequestClass::Playlist,
    RequestClass::Init,
    RequestClass::Index,
    RequestClass::Segment,
    RequestClass::Text,
    RequestClass::Key,
    RequestClass::Steering,
    RequestClass::Clock,
];

fn pause(decision: RetryDecision) -> Option<Duration> {
    match decision {
        RetryDecision::Retry { after } => Some(after),
        RetryDecision::Later { .. } | RetryDecision::Elsewhere => None,
    }
}

/// delivery.md 9.1, G3: at most a tenth of the requests and three more, whatever fails.
#[test]
fn a_session_with_alternates_retries_a_tenth_of_its_requests_and_three() {
    let mut rng = Rng::new(5);
    let (mut policy, mut succeeded, mut retries) = (DefaultRetry::default(), 0, 0);
    for _ in 0..2000 {
        // One in three fails at first.
        if rng.below(3) > 0 {
            policy.on_success();
            succeeded += 1;
            continue;
        }
        let failure = Failure {
            has_alternate: true,
            draw: rng.next_u64(),
            ..Failure::new(RequestClass::Segment, ErrorCode::Timeout, Timestamp::ZERO)
        };
        retries += u32::from(pause(policy.decide(&failure).decision).is_some());
        assert!(retries <= 3 + succeeded / 10, "{retries} retries after {succeeded} successes");
    }
    assert!(retries > succeeded / 10, "the budget is of use");
}

/// delivery.md 9.2, F04: a thousand players do not come back at once.
#[test]
fn pauses_of_many_players_are_spread() {
    let mut rng = Rng::new(1);
    let mut hundredths = [0; 100];
    for _ in 0..1000 {
        let failure = Failure {
            // The last attempt of a segment, with the longest pause.
            attempt: 4,
            draw: rng.next_u64(),
            ..Failure::new(RequestClass::Segment, ErrorCode::ConnectFailed, Timestamp::ZERO)
        };
        let after = pause(DefaultRetry::default().decide(&failure).decision).unwrap_or_default();
        hundredths[(after.as_millis() / 40).min(99) as usize] += 1;
    }
    let busiest = hundredths.iter().max().copied().unwrap_or_default();
    assert!(busiest < 60, "{busiest} of 1000 within 40 ms");
}

/// delivery.md 3.1: refused for legal or geographic reasons, no other CDN is asked.
#[test]
fn a_refusal_of_the_title_ends_it_at_once() {
    for (status, body) in [(451, ""), (403, "is configured to block access from your country")] {
        let failure = Failure {
            status: Some(status),
            has_alternate: true,
            ..Failure::new(RequestClass::Segment, classify_status(status, body.as_bytes()).code(), Timestamp::ZERO)
        };
        let verdict = DefaultRetry::default().decide(&failure);
        assert_eq!((verdict.decision, verdict.otherwise), (RetryDecision::Elsewhere, Otherwise::Fail));
    }
}

#[test]
fn what_instead_depends_on_what_it_was_for() {
    let otherwise = |class, has_alternate| {
        let failure =
            Failure { has_alternate, status: Some(404), ..Failure::new(class, ErrorCode::HttpStatus, Timestamp::ZERO) };
        DefaultRetry::default().decide(&failure).otherwise
    };
    assert_eq!(otherwise(RequestClass::Segment, true), Otherwise::Alternate);
    assert_eq!(otherwise(RequestClass::Segment, false), Otherwise::Skip);
    assert_eq!(otherwise(RequestClass::Text, false), Otherwise::Skip);
    assert_eq!(otherwise(RequestClass::Clock, false), Otherwise::Skip);
    assert_eq!(otherwise(RequestClass::Manifest, false), Otherwise::Fail);
    assert_eq!(otherwise(RequestClass::Key, false), Otherwise::Fail);
}

/// delivery.md 3.2: a missing object, a refused one, a broken and a slow server are told apart.
#[test]
fn missing_refused_broken_and_slow_are_told_apart() {
    for (code, status, again) in [
        (ErrorCode::HttpStatus, Some(404), false),
        (ErrorCode::HttpStatus, Some(410), false),
        (ErrorCode::HttpStatus, Some(403), false),
        (ErrorCode::HttpStatus, Some(425), true),
        (ErrorCode::HttpStatus, Some(500), true),
        (ErrorCode::HttpStatus, Some(503), true),
        (ErrorCode::Throttled, Some(503), true),
        (ErrorCode::Timeout, None, true),
        (ErrorCode::ConnectionLost, None, true),
        (ErrorCode::TlsFailed, None, false),
        (ErrorCode::ObjectArchived, Some(403), false),
        (ErrorCode::RangeMismatch, Some(416), false),
    ] {
        let failure = Failure { status, ..Failure::new(RequestClass::Segment, code, Timestamp::ZERO) };
        let decision = DefaultRetry::default().decide(&failure).decision;
        assert_eq!(pause(decision).is_some(), again, "{code:?} {status:?}");
    }
}

proptest! {
    #[test]
    fn any_failure_has_a_bounded_answer_with_a_reason(
        class in prop::sample::select(CLASSES.to_vec()),
        code in prop::sample::select(ErrorCode::ALL.to_vec()),
        status in prop::option::of(any::<u16>()),
        attempt: u32,
        retry_after in prop::option::of(prop_oneof![".{0,40}", "[0-9]{0,30}"]),
        date in prop::option::of(any::<i64>().prop_map(WallTime::from_micros)),
        has_alternate: bool,
        draw: u64,
    ) {
        let failure = Failure {
            status, attempt, retry_after, date, has_alternate, draw,
            ..Failure::new(class, code, Timestamp::ZERO)
        };
        let verdict = DefaultRetry::default().decide(&failure);
        prop_assert!(!verdict.reasons.is_empty());
        if let Some(after) = pause(verdict.decision) {
            prop_assert!(after >= Duration::from_millis(100) && after <= Duration::from_secs(30));
            prop_assert!(attempt < 6);
        }
    }

    #[test]
    fn retry_after_reads_any_text_without_harm(text in ".{0,60}", now in prop::option::of(any::<i64>())) {
        let asked = parse_retry_after(&text, now.map(WallTime::from_micros));
        prop_assert!(asked.is_none_or(|asked| asked <= Duration::from_secs(86_400)));
    }

    #[test]
    fn an_answer_of_any_bytes_is_an_error_with_its_status(status: u16, body: Vec<u8>) {
        let error = classify_status(status, &body);
        prop_assert_eq!(error.facts().get("status"), Some(&status.to_string()));
    }
}
