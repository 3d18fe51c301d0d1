//! Quality where it is known: no bits for what nobody sees.

use std::time::Duration;

use bytes::Bytes;
use telecine_engine::abr::{in_one_line, Cap, Standing, RULES};
use telecine_engine::{Config, Decision, DecisionKind, FetchRequest};
use telecine_model::Timestamp;
use telecine_virtual::testing::{Fault, SyntheticTitle};
use telecine_virtual::{Fetched, Session, Source};

use crate::common::decisions;
use crate::stage::{buffering, played, session, stalled, steady, title, Stage, LADDER};

/// The title with something more said of each rendition in its manifest.
struct Told {
    title: SyntheticTitle,
    of: Vec<String>,
}

impl Source for Told {
    fn fetch(&mut self, request: &FetchRequest) -> Fetched {
        let mut fetched = self.title.fetch(request);
        if !request.url.contains("main.m") {
            return fetched;
        }
        if let Fetched::Response(response) = &mut fetched {
            let mut text = String::from_utf8(response.body.to_vec()).expect("text");
            for (level, (_, bitrate)) in LADDER.iter().enumerate() {
                let said = &self.of[level];
                text = text.replace(&format!("BANDWIDTH={bitrate},"), &format!("BANDWIDTH={bitrate},{said}"));
                text = text.replace(&format!("bandwidth=\"{bitrate}\""), &format!("bandwidth=\"{bitrate}\" {said}"));
            }
            (response.content_length, response.body) = (None, Bytes::from(text));
        }
        fetched
    }

    fn over(&mut self, request: &FetchRequest, bytes: u64, now: Timestamp) {
        self.title.over(request, bytes, now);
    }
}

/// With a `SCORE` for each rendition.
fn scored(scores: [f64; 5]) -> Told {
    Told { title: title(120), of: scores.iter().map(|score| format!("SCORE={score},")).collect() }
}

/// With a `@qualityRanking` for each.
fn ranked(ranks: [u32; 5]) -> Told {
    Told { title: title(120), of: ranks.iter().map(|rank| format!("qualityRanking=\"{rank}\"")).collect() }
}

fn by(rule: &str) -> Config {
    let mut config = buffering(30);
    config.rule = Some(rule.to_owned());
    config
}

fn levels(session: &Session<Stage<Told>>) -> Vec<usize> {
    session.source().asked.iter().map(|asked| asked.level).collect()
}

/// The last choice of a bitrate.
fn last_choice(session: &Session<Stage<Told>>) -> Decision {
    decisions(session, DecisionKind::Bitrate).pop().expect("something was chosen")
}

#[test]
fn what_is_better_by_half_a_vmaf_is_never_paid_for_by_any_rule() {
    for rule in RULES {
        let told = scored([38.0, 62.5, 80.0, 94.5, 95.0]);
        let session = played(session(by(rule), Stage::of(told), "main.m3u8", steady(40_000)));
        let levels = levels(&session);
        assert!(levels.iter().all(|level| *level < 4), "{rule}: {levels:?}");
        if *rule != "lowest" {
            assert_eq!(levels.last(), Some(&3), "{rule}: {levels:?}");
        }
        assert_eq!(stalled(&session), Duration::ZERO, "{rule}");
    }
}

#[test]
fn what_is_better_by_one_and_a_half_is() {
    let told = scored([38.0, 62.5, 80.0, 93.5, 95.0]);
    let session = played(session(buffering(30), Stage::of(told), "main.m3u8", steady(40_000)));
    assert_eq!(levels(&session).last(), Some(&4), "{:?}", levels(&session));
}

#[test]
fn a_dearer_rung_that_ranks_no_higher_is_left_out_in_dash() {
    let told = ranked([5, 4, 2, 3, 1]);
    let session = played(session(buffering(30), Stage::of(told), "main.mpd", steady(40_000)));
    let levels = levels(&session);
    assert!(levels.iter().all(|level| *level != 3) && levels.last() == Some(&4), "{levels:?}");
}

#[test]
fn with_scores_the_default_rule_weighs_what_is_seen() {
    // Of 4 Mbit/s the fourth rung leaves little, and is hardly better than the third.
    let of = |scores: [f64; 5]| {
        let session = played(session(buffering(30), Stage::of(scored(scores)), "main.m3u8", steady(3_300)));
        let levels = levels(&session);
        levels.iter().filter(|level| **level >= 3).count() * 100 / levels.len()
    };
    let (flat, steep) = (of([80.0, 92.0, 94.0, 95.5, 97.0]), of([20.0, 30.0, 45.0, 90.0, 97.0]));
    println!("{flat} % and {steep} % at three megabits and more");
    assert!(steep > flat, "{flat} % and {steep} %");
}

#[test]
fn a_choice_names_its_candidates_and_what_excluded_those_that_were_none() {
    let mut config = buffering(30);
    config.constraints.max_height = Some(720);
    let told = scored([38.0, 62.5, 80.0, 80.3, 95.0]);
    let session = played(session(config, Stage::of(told), "main.m3u8", steady(40_000)));
    let choice = last_choice(&session);
    println!("{}", in_one_line(&choice.candidates));
    let bitrates: Vec<u64> = choice.candidates.iter().map(|candidate| candidate.bitrate).collect();
    assert_eq!(bitrates, LADDER.map(|(_, bitrate)| bitrate));
    let standings: Vec<Standing> = choice.candidates.iter().map(|candidate| candidate.standing).collect();
    assert!(matches!(standings[..2], [Standing::Weighed { less_ms: Some(1..), .. }, Standing::Weighed { .. }]));
    assert!(matches!(standings[2], Standing::Chosen { takes_ms: 100..=400 }), "6 Mbit at 40 Mbit/s: {standings:?}");
    assert_eq!(standings[3..], [Standing::Excluded { by: Cap::Quality }, Standing::Excluded { by: Cap::MaxHeight }]);
    assert_eq!(Some(&choice.candidates[2].rendition), choice.to.as_ref());
    assert!(choice.why.iter().any(|why| why.contains("hardly better")), "{:?}", choice.why);
}

#[test]
fn what_fails_in_the_cheaper_rung_is_had_in_the_dearer_one_that_looks_the_same() {
    let mut told = scored([38.0, 62.5, 80.0, 94.5, 95.0]);
    // Nothing but the two that look alike has anything to show.
    for level in 0..4 {
        for number in 5..30 {
            told.title = told.title.fault(&format!("v{level}"), number, Fault::Status(404));
        }
    }
    let session = played(session(buffering(30), Stage::of(told), "main.m3u8", steady(40_000)));
    let asked = &session.source().asked;
    assert!(asked.iter().any(|asked| asked.level == 4 && asked.number >= 5), "{:?}", levels(&session));
}
