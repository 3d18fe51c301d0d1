//! What was asked for, and what came of it.

use serde::Serialize;
use telecine_simulator::{Figure, Metrics};

use super::study::{Match, Study, Table, World};
use super::tally::{Difference, Split, Tally};

/// What a check comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// As asked, or better.
    Ok,
    /// Short of what was asked.
    Short,
    /// Not measured, or not over all that it is asked of.
    Open,
}

impl Verdict {
    fn of(held: bool) -> Self {
        if held {
            Self::Ok
        } else {
            Self::Short
        }
    }

    /// For tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Short => "SHORT",
            Self::Open => "open",
        }
    }
}

/// One thing that was asked for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    /// What it belongs to.
    pub group: &'static str,
    /// Of what.
    pub what: String,
    /// What was asked.
    pub asked: String,
    /// What was measured.
    pub measured: String,
    /// What it comes to.
    pub verdict: Verdict,
    /// It has to hold: a run of the report in which it is short has failed.
    pub must_hold: bool,
}

impl Check {
    /// Whether it is one of those that have to hold, and does not.
    pub fn fails(&self) -> bool {
        self.must_hold && self.verdict == Verdict::Short
    }
}

const TARGETS: &str = "Telecine's default";
const FIRST: &str = "Q1: first, or within the interval of the first";
const FAITHFUL: &str = "Faithful to the published figures";
const SPEED: &str = "Speed";
const ELSEWHERE: &str = "Measured elsewhere";

/// All checks of a study.
pub fn checks(study: &Study) -> Vec<Check> {
    let mut all = targets(study);
    all.extend(first_by_q1(study));
    all.extend(as_published(study));
    all.extend(speed(study));
    let elsewhere = [
        ("what a decision costs in WebAssembly", "printed", "make bench-decisions"),
        ("decisions on x86-64 and wasm32 have the same hash", "over all traces", "make bench-decisions"),
    ];
    all.extend(elsewhere.map(|(what, asked, measured)| Check {
        group: ELSEWHERE,
        what: what.to_owned(),
        asked: asked.to_owned(),
        measured: format!("not here: {measured}"),
        verdict: Verdict::Open,
        must_hold: true,
    }));
    all
}

/// How much a rule is asked to reach on a set: normalised QoE_lin, or the mean bitrate.
#[derive(Clone, Copy)]
enum Least {
    Normalised(f64),
    Kbps(f64),
}

/// And at how much stall at most.
#[derive(Clone, Copy)]
enum Most {
    Stall(f64),
    /// What BOLA-E has in the same world: there with fast switching, which the player's does without.
    OfBolaE,
    Any,
}

const ASKED: [(&str, &str, Split, Least, Most); 7] = [
    ("4g", "vod", Split::All, Least::Normalised(0.92), Most::Stall(1.9)),
    ("4g", "live", Split::All, Least::Normalised(0.80), Most::Stall(4.0)),
    ("3g", "vod", Split::All, Least::Normalised(0.50), Most::Stall(131.0)),
    ("3g", "vod", Split::Easy, Least::Normalised(0.72), Most::Any),
    ("3g", "live", Split::All, Least::Normalised(0.45), Most::Stall(151.0)),
    ("fcc-hd", "vod", Split::All, Least::Kbps(9_400.0), Most::OfBolaE),
    ("fcc-sd", "vod", Split::All, Least::Kbps(3_750.0), Most::OfBolaE),
];

fn targets(study: &Study) -> Vec<Check> {
    let both = |asked| World::ALL.map(|world| target(study, world, asked));
    ASKED.into_iter().flat_map(both).collect()
}

fn target(study: &Study, world: World, asked: (&str, &str, Split, Least, Most)) -> Check {
    let (set, mode, split, least, most) = asked;
    let found = study.find(set, mode);
    let bola_e = match world {
        World::Faithful => "BOLA-E-FS",
        World::Player => "bola-e-ao",
    };
    let tally = |rule: &str| {
        let found = found?;
        let table = found.table(world)?;
        Tally::of(table.rule(rule)?, table, &found.grounds, &split.of(&found.grounds))
    };
    let limit = match most {
        Most::Stall(seconds) => Some(seconds),
        Most::OfBolaE => tally(bola_e).map(|tally| tally.stall_s.mean),
        Most::Any => Some(f64::INFINITY),
    };
    let asked = match least {
        Least::Normalised(share) => format!("normalised QoE_lin ≥ {share:.2}"),
        Least::Kbps(kbps) => format!("≥ {kbps:.0} kbit/s"),
    } + &match (most, limit) {
        (Most::Stall(seconds), _) => format!(", stall ≤ {seconds} s"),
        (Most::OfBolaE, Some(seconds)) => format!(", stall ≤ {seconds:.4} s ({bola_e})"),
        (Most::OfBolaE, None) => format!(", stall ≤ that of {bola_e}"),
        (Most::Any, _) => String::new(),
    };
    let rule = world.default_rule();
    let mut check = Check {
        group: TARGETS,
        what: format!("{set} {mode}, {} traces: {rule}, {}", split.name(), world.name()),
        asked,
        measured: "no such traces here".to_owned(),
        verdict: Verdict::Open,
        must_hold: true,
    };
    let (Some(found), Some(own)) = (found, tally(rule)) else { return check };
    let (got, reached) = match least {
        Least::Normalised(share) => {
            let own = own.normalised.qoe_lin;
            (own.map_or("nothing to be had".to_owned(), |own| format!("{own:.3}")), own.is_some_and(|own| own >= share))
        }
        Least::Kbps(kbps) => (format!("{:.0} kbit/s", own.mean_kbps.mean), own.mean_kbps.mean >= kbps),
    };
    check.measured = format!("{got} at {:.4} s", own.stall_s.mean);
    let Some(limit) = limit else { return check };
    // As exact as it is asked for where a figure of another rule is the limit: to the last digit.
    let held = reached && own.stall_s.mean <= limit + 1e-9;
    judge(&mut check, study, found, held);
    check
}

/// A part of the traces tells nothing of all.
fn judge(check: &mut Check, study: &Study, found: &Match, held: bool) {
    let set = study.set(found);
    if set.traces.len() < set.of || study.collection.extent.segments != usize::MAX {
        check.verdict = Verdict::Open;
        check.measured += &format!(" ({} of {} traces", set.traces.len(), set.of);
        check.measured += if study.collection.extent.segments == usize::MAX { ")" } else { ", cut short)" };
    } else {
        check.verdict = Verdict::of(held);
    }
}

fn first_by_q1(study: &Study) -> Vec<Check> {
    let tables = study.matches.iter().flat_map(|found| found.tables.iter().map(move |table| (found, table)));
    tables.filter_map(|(found, table)| first_of(study, found, table)).collect()
}

fn first_of(study: &Study, found: &Match, table: &Table) -> Option<Check> {
    let places = Split::All.of(&found.grounds);
    let own = table.default_rule()?;
    // Telecine's own without replacement is no other rule.
    let others = table.rules.iter().filter(|played| !played.rule.to_lowercase().starts_with("foresight"));
    let sum = |played: &super::study::Played| played.sessions.iter().map(|session| session.metrics.q1).sum::<f64>();
    let best = others.max_by(|one, other| sum(one).total_cmp(&sum(other)))?;
    let difference = Difference::between(own, best, &places)?.q1;
    let mut check = Check {
        group: FIRST,
        what: format!("{} {}, {}", study.set(found).name, found.mode.name, table.world.name()),
        asked: format!("not behind {}, the best other", best.rule),
        measured: format!(
            "{:.3} to {:.3}: {:+.4} (95 %: {:+.4} to {:+.4})",
            sum(own) / places.len() as f64,
            sum(best) / places.len() as f64,
            difference.mean,
            difference.low,
            difference.high
        ),
        verdict: Verdict::Open,
        must_hold: true,
    };
    judge(&mut check, study, found, difference.high >= 0.0);
    Some(check)
}

/// The rules that were published with the simulator: those whose figures ours have to have.
const VALIDATED: [&str; 13] = [
    "THROUGHPUT",
    "BOLA-BASIC",
    "BOLA",
    "BOLA-PL",
    "BOLA-E",
    "BOLA-E-without-ao",
    "BOLA-E-FS",
    "DYNAMIC",
    "DYNAMIC-without-ao",
    "DYNAMIC-FS",
    "DYNAMIC-DASH",
    "DYNAMIC-DASH-without-ao",
    "Lowest",
];
/// So near figures have to be, as a share.
const NEAR: f64 = 0.02;
/// Of ten traces so many at least are near each.
const NINE_OF_TEN: f64 = 0.9;

/// Mean bitrate, stall and score of a session, theirs and ours.
type Pairs = [(f64, f64); 3];

fn as_published(study: &Study) -> Vec<Check> {
    let mut checks = Vec::new();
    for found in &study.matches {
        let (set, mode) = (study.set(found), found.mode.name);
        let Some(table) = found.table(World::Faithful) else { continue };
        for rule in VALIDATED {
            let figures = study.collection.figures.iter();
            let figures: Vec<&Figure> = figures
                .filter(|figure| figure.set == set.name && figure.mode == mode && figure.rule == rule)
                .filter(|figure| figure.segments == set.movie.segments())
                .collect();
            let pair = |(ground, session): (&super::study::Ground, &super::study::Session)| {
                let figure = figures.iter().find(|figure| figure.trace == ground.name)?;
                pairs(figure, &session.metrics)
            };
            let Some(played) = table.rule(rule) else { continue };
            let pairs: Vec<Pairs> = found.grounds.iter().zip(&played.sessions).filter_map(pair).collect();
            if !pairs.is_empty() {
                checks.push(held_to(&format!("{} {mode}: {rule}", set.name), &pairs));
            }
        }
    }
    if checks.is_empty() {
        checks.push(Check {
            group: FAITHFUL,
            what: "every set".to_owned(),
            asked: "published-rules.csv".to_owned(),
            measured: "no figures of these sessions here".to_owned(),
            verdict: Verdict::Open,
            must_hold: true,
        });
    }
    checks
}

fn pairs(figure: &Figure, ours: &Metrics) -> Option<Pairs> {
    Some([
        (figure.mean_kbps?, ours.mean_kbps),
        (figure.stall_s?, ours.stall_s),
        (figure.sabre_score?, ours.sabre_score),
    ])
}

fn near((theirs, ours): (f64, f64)) -> bool {
    (theirs - ours).abs() <= NEAR * theirs.abs() + 1e-6
}

fn held_to(what: &str, pairs: &[Pairs]) -> Check {
    let sum = |measure: usize| {
        pairs.iter().fold((0.0, 0.0), |(theirs, ours), pairs| (theirs + pairs[measure].0, ours + pairs[measure].1))
    };
    let sums = [sum(0), sum(1), sum(2)];
    let off = |(theirs, ours): (f64, f64)| match theirs.abs() > 0.0 {
        true => 100.0 * (ours - theirs) / theirs.abs(),
        false => 100.0 * (ours - theirs),
    };
    let held = pairs.iter().filter(|pairs| pairs.iter().all(|pair| near(*pair))).count();
    Check {
        group: FAITHFUL,
        what: what.to_owned(),
        asked: "bitrate, stall, score within 2 %; nine traces of ten".to_owned(),
        measured: format!(
            "{:+.3} %, {:+.3} %, {:+.3} %; {held} of {}",
            off(sums[0]),
            off(sums[1]),
            off(sums[2]),
            pairs.len()
        ),
        verdict: Verdict::of(sums.into_iter().all(near) && held as f64 >= NINE_OF_TEN * pairs.len() as f64),
        must_hold: true,
    }
}

fn speed(study: &Study) -> Vec<Check> {
    let speed = &study.speed;
    // A part of the traces is played on machines that are busy with other tests: their clocks tell nothing.
    let must_hold = study.collection.is_whole();
    let verdict = |held: Option<bool>| held.map_or(Verdict::Open, Verdict::of);
    let told =
        |value: Option<f64>, unit: &str| value.map_or("not measured".to_owned(), |value| format!("{value:.1} {unit}"));
    vec![
        Check {
            group: SPEED,
            what: format!("sessions of ten minutes by THROUGHPUT, {} cores, faithful mode", speed.cores),
            asked: "≥ 2000 a second on two cores".to_owned(),
            measured: told(speed.sessions_per_s, "a second"),
            // On more cores the same figure says less.
            verdict: verdict(speed.sessions_per_s.map(|rate| rate / speed.cores as f64 * 2.0 >= 2_000.0)),
            must_hold,
        },
        Check {
            group: SPEED,
            what: "the same through the real engine, by throughput".to_owned(),
            asked: "≥ 2000 a second, where the engine is meant".to_owned(),
            measured: told(speed.player_sessions_per_s, "a second"),
            verdict: verdict(speed.player_sessions_per_s.map(|rate| rate / speed.cores as f64 * 2.0 >= 2_000.0)),
            // It is told, and was not asked for in so many words.
            must_hold: false,
        },
        Check {
            group: SPEED,
            what: "a decision of the default rule, native: median".to_owned(),
            asked: "< 20 µs".to_owned(),
            measured: told(speed.decision_median_us, "µs"),
            verdict: verdict(speed.decision_median_us.map(|median| median < 20.0)),
            must_hold,
        },
        Check {
            group: SPEED,
            what: "the same, mean: with the tables that some have to solve first".to_owned(),
            asked: "< 20 µs".to_owned(),
            measured: format!(
                "{}; 99 of 100 take at most {}",
                told(speed.decision_mean_us, "µs"),
                told(speed.decision_p99_us, "µs")
            ),
            verdict: verdict(speed.decision_mean_us.map(|mean| mean < 20.0)),
            must_hold,
        },
    ]
}
