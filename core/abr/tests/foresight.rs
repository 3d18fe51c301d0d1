//! What the default rule makes of what it is told beside the buffer and the rate.

use std::time::Duration;

use telecine_abr::{
    rule_by_name, Again, BitrateRule, Context, Estimate, Forecast, Foresight, Level, Progress, Reason, Waiting,
};
use telecine_model::{MediaTime, Timestamp};

const LADDER: [u64; 5] = [300, 750, 1500, 3000, 6000];

fn ladder(listed: impl Fn(usize) -> bool) -> Vec<Level> {
    let level = |(rendition, kbps): (usize, &u64)| Level {
        rendition,
        bitrate: kbps * 1000,
        height: None,
        score: None,
        next_size: Some(kbps * 500),
        expected_size: None,
        listed: listed(rendition),
    };
    LADDER.iter().enumerate().map(level).collect()
}

/// In the midst of a title of segments of four seconds, on a line whose rate keeps still.
fn scene(levels: &[Level], current: usize, buffer_s: i64, kbps: u64) -> Context<'_> {
    let forecast = Forecast { bits_per_second: kbps * 1000, typical_error_milli: 80 };
    Context {
        now: Timestamp::from_millis(100_000),
        levels,
        current: Some(current),
        buffer: MediaTime::from_secs(buffer_s),
        buffer_goal: MediaTime::from_secs(30),
        segment_duration: MediaTime::from_secs(4),
        usual_duration: MediaTime::from_secs(4),
        estimate: Some(Estimate {
            bits_per_second: kbps * 1000,
            low: kbps * 900,
            ttfb: Duration::from_millis(40),
            samples: 40,
            forecast: Some(forecast),
            recent: None,
        }),
        rate_milli: 1000,
        starting: false,
        live: false,
        remaining: None,
        lead_in: MediaTime::ZERO,
        aside: 0,
    }
}

fn level(ctx: &Context<'_>) -> usize {
    Foresight::new().choose(ctx).level
}

#[test]
fn sound_beside_the_picture_takes_its_share_of_the_line() {
    let levels = ladder(|_| true);
    let ctx = scene(&levels, 3, 8, 3_600);
    assert_eq!(level(&ctx), 3);
    assert!(level(&Context { aside: 2_400_000, ..ctx }) < 3);
}

#[test]
fn what_is_not_listed_yet_is_not_risked_on_a_short_buffer() {
    let all = ladder(|_| true);
    let some = ladder(|rendition| rendition < 3);
    let (listed, unlisted) = (level(&scene(&all, 2, 3, 9_000)), level(&scene(&some, 2, 3, 9_000)));
    assert!(unlisted < listed, "its list would come first: {unlisted} and {listed}");
    assert_eq!(
        level(&scene(&some, 2, 20, 9_000)),
        level(&scene(&all, 2, 20, 9_000)),
        "with a long one that is no matter"
    );
}

#[test]
fn a_start_near_a_segments_end_begins_lower_than_one_at_its_beginning() {
    let levels = ladder(|_| true);
    let start = Context { starting: true, current: None, ..scene(&levels, 0, 0, 6_500) };
    let near = Context { lead_in: MediaTime::from_millis(3_600), ..start };
    assert!(level(&near) < level(&start), "{} and {}", level(&near), level(&start));
}

/// A title of segments of two and ten seconds in turn, over a line that carries the third of five levels and hardly more, told
/// of as the line is.
#[test]
fn segments_count_as_long_as_they_are() {
    let mut rule = Foresight::new();
    let (mut buffer, mut current, mut stalled, mut shown) = (12.0_f64, 2, 0.0_f64, 0.0);
    for segment in 0..200 {
        let length_s = if segment % 2 == 0 { 2 } else { 10 };
        let sized = |level: Level| Level { next_size: Some(level.bitrate * length_s / 8), ..level };
        let levels: Vec<Level> = ladder(|_| true).into_iter().map(sized).collect();
        let ctx = Context {
            buffer: MediaTime::from_secs_f64(buffer),
            segment_duration: MediaTime::from_secs(length_s as i64),
            usual_duration: MediaTime::from_secs(6),
            ..scene(&levels, current, 0, 1_700)
        };
        current = rule.choose(&ctx).level;
        let takes = 0.04 + levels[current].bitrate as f64 * length_s as f64 / 1_700_000.0;
        stalled += (takes - buffer).max(0.0);
        // With a full buffer the next request waits.
        buffer = ((buffer - takes).max(0.0) + length_s as f64).min(30.0);
        shown += levels[current].bitrate as f64 * length_s as f64 / 1200.0;
    }
    assert!(stalled == 0.0, "{stalled}");
    assert!((1_400_000.0..1_750_000.0).contains(&shown), "{shown}: what the line carries, and no less");
}

#[test]
fn speed_counts_against_the_line() {
    let levels = ladder(|_| true);
    let ctx = scene(&levels, 3, 8, 3_600);
    assert!(level(&Context { rate_milli: 3000, ..ctx }) < level(&ctx));
}

#[test]
fn what_a_still_line_sustains_is_played_however_low() {
    // A third above the lowest level, with a full buffer: what it carries on and on is seen, and not what might come.
    let kbps = [230, 331, 477, 688, 991];
    let level = |(rendition, kbps): (usize, &u64)| Level {
        bitrate: kbps * 1000,
        next_size: None,
        ..ladder(|_| true)[rendition]
    };
    let levels: Vec<Level> = kbps.iter().enumerate().map(level).collect();
    let ctx = Context { buffer: MediaTime::from_secs(26), ..scene(&levels, 0, 26, 400) };
    assert!(Foresight::new().choose(&ctx).level >= 1);
}

#[test]
fn it_says_what_the_levels_beside_the_chosen_one_would_be_worth() {
    let levels = ladder(|_| true);
    let choice = Foresight::new().choose(&scene(&levels, 2, 8, 2_000));
    let beside: Vec<u64> = choice.reasons[1..]
        .iter()
        .map(|reason| match reason {
            Reason::WorthLess { bitrate, by_ms } => {
                assert!(*by_ms >= 0, "{reason}");
                bitrate / 1000
            }
            other => panic!("{other}"),
        })
        .collect();
    assert_eq!((choice.level, beside), (2, vec![3000, 750]));
}

/// Segments that wait, the first of them a second into being played.
fn waiting(levels: &[usize]) -> Vec<Waiting> {
    let one = |(place, level): (usize, &usize)| {
        let due = MediaTime::from_secs(4 * i64::try_from(place).unwrap_or(0) - 1);
        Waiting { level: *level, due }
    };
    levels.iter().enumerate().map(one).collect()
}

fn again(kbps: u64, levels: &[usize]) -> Option<Again> {
    let ladder = ladder(|_| true);
    let buffer_s = 4 * i64::try_from(levels.len()).unwrap_or(0) - 1;
    Foresight::new().again(&scene(&ladder, *levels.last()?, buffer_s, kbps), &waiting(levels))
}

#[test]
fn what_waits_low_is_fetched_again_when_the_line_has_risen() {
    let found = again(20_000, &[0, 0, 0, 0, 0, 0]).expect("one is worth it");
    let ladder_top = 4;
    assert_eq!((found.place, found.level), (1, ladder_top), "the first that can be there in time");
    let next = again(20_000, &[0, 4, 0, 0, 0, 0]).expect("one is worth it");
    assert_eq!((next.place, next.level), (2, ladder_top), "then the one behind it");
}

#[test]
fn what_waits_low_stays_where_the_line_carries_no_more() {
    assert_eq!(again(400, &[0, 0, 0, 0, 0, 0]), None);
    assert_eq!(again(20_000, &[4, 4, 4, 4, 4, 4]), None, "nor is there anything above the top");
}

#[test]
fn a_second_request_is_given_up_less_lightly_than_the_first() {
    let levels = ladder(|_| true);
    let ctx = scene(&levels, 3, 5, 6_000);
    let mut rule = Foresight::new();
    assert!(rule.choose(&ctx).level >= 3);
    let in_flight = |level: usize, kbps: u64, ms: u64| Progress {
        level,
        bytes: kbps * (ms - 40) / 8,
        total: Some(LADDER[level] * 500),
        requested: Timestamp::from_millis(100_000 - ms),
        first_byte: Some(Timestamp::from_millis(100_040 - ms)),
        paced: false,
        fetched_again: MediaTime::ZERO,
        beside: 0,
    };
    let first = rule.should_abandon(&ctx, &in_flight(3, 600, 600)).expect("it would stall for long");
    assert_eq!(first.level, 0, "and what is begun instead arrives at the rate that was seen");
    assert_eq!(rule.should_abandon(&ctx, &in_flight(1, 600, 600)), None, "what comes in time is left alone");
}

#[test]
fn what_sound_got_of_the_line_meanwhile_is_no_reason_to_give_a_picture_up() {
    let levels = ladder(|_| true);
    let ctx = scene(&levels, 3, 5, 6_000);
    // Of the line's rate a tenth is the picture's, and the rest of it sound's, for six tenths of a second.
    let in_flight = |beside: u64| Progress {
        level: 3,
        bytes: 600 * 560 / 8,
        total: Some(LADDER[3] * 500),
        requested: Timestamp::from_millis(99_400),
        first_byte: Some(Timestamp::from_millis(99_440)),
        paced: false,
        fetched_again: MediaTime::ZERO,
        beside,
    };
    for rule in ["foresight", "soda", "quantile-mpc", "throughput", "low-latency"] {
        let given_up = |beside: u64| {
            let mut rule = rule_by_name(rule).expect("a rule");
            rule.choose(&ctx);
            rule.should_abandon(&ctx, &in_flight(beside)).is_some()
        };
        assert!(given_up(0), "{rule}: it would stall for long");
        assert!(!given_up(5400 * 560 / 8), "{rule}: the line carries enough");
    }
}
