//! A request that stands beside another one for the same, since nothing came of it: when its answer is taken, and what its
//! failure says.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use telecine_engine::{Command, Constraints, DecisionKind, Event};
use telecine_model::{Error, Timestamp, TrackKind};
use telecine_virtual::{Outcome, Response, Session};

use crate::common::{at, decisions, errors};
use crate::origin::{Asked, Origin};

/// Titles, and after how many milliseconds what hangs is answered: when it is known to hang, and there is time left to play it.
const TITLES: [(&str, u64); 2] =
    [("/hls/live_60/demo/main.m3u8", 3500), ("/dash/live_60/utc_iso/demo/number.mpd", 2000)];

/// What is asked for beside what hangs is answered after so many milliseconds: later than that, and in time.
const BESIDE: u64 = 1000;

/// Longer than anybody waits.
const NEVER: u64 = 60_000;

/// From when on the next request hangs.
const HANGS: u64 = 40_000;

/// What hung: the path that was asked for first, and how often anything of its segment was.
#[derive(Clone, Default)]
struct Hung(Rc<RefCell<Option<(String, u32)>>>);

impl Hung {
    /// Which request for the segment that hangs this is, if it is for that: the first one is the one that hangs.
    fn nth(&self, now: Timestamp, path: &str, of: TrackKind) -> Option<u32> {
        let (folder, file) = path.rsplit_once('/')?;
        let (_, folder) = folder.rsplit_once('/')?;
        let own = match of {
            TrackKind::Video => folder.starts_with('v'),
            _ => folder.starts_with("a-en"),
        };
        let is_it = own && file.ends_with(".m4s") && now >= at(HANGS);
        let mut hung = self.0.borrow_mut();
        let (first, count) = hung.get_or_insert_with(|| (String::new(), 0));
        if !is_it || (!first.is_empty() && !first.ends_with(&format!("/{file}"))) {
            return None;
        }
        if first.is_empty() {
            path.clone_into(first);
        }
        *count += 1;
        Some(*count)
    }

    fn path(&self) -> String {
        self.0.borrow().as_ref().map(|(path, _)| path.clone()).unwrap_or_default()
    }

    /// Of which rendition it is.
    fn rendition(&self) -> String {
        self.path().rsplit('/').nth(1).unwrap_or_default().to_owned()
    }
}

/// An origin on which the first request for a segment of the picture is answered after `first`, and others for it after `later`.
fn slow(hung: &Hung, first: u64, later: u64) -> Origin {
    let hung = hung.clone();
    Origin::new().editing(move |now, path, mut response| {
        match hung.nth(now, path, TrackKind::Video) {
            Some(1) => response.delay = Duration::from_millis(first),
            Some(_) => response.delay = Duration::from_millis(later),
            None => {}
        }
        response.into()
    })
}

/// Runs it until a request was found to hang; when that was.
fn run_until_it_hangs(session: &mut Session<Origin>) -> Timestamp {
    let hangs =
        |session: &Session<Origin>| errors(session).iter().any(|error| error.message().contains("nothing more"));
    for now in (HANGS..HANGS + 8000).step_by(20) {
        session.run(Some(at(now)));
        if hangs(session) {
            return session.now();
        }
    }
    panic!("nothing hangs: {:?}", errors(session));
}

fn is_taken(session: &Session<Origin>) -> bool {
    let taken = "what hung is answered";
    decisions(session, DecisionKind::Pathway).iter().any(|decision| decision.why.iter().any(|why| why == taken))
}

fn stood(session: &Session<Origin>) -> Duration {
    session.engine().qoe(session.now()).stalled
}

fn with_status(session: &Session<Origin>, status: &str) -> Vec<(Timestamp, Error)> {
    let told = |event: &Event| match event {
        Event::Error { at, error } if error.facts().get("status").is_some_and(|is| is == status) => {
            Some((*at, error.clone()))
        }
        _ => None,
    };
    session.events().iter().filter_map(told).collect()
}

fn asked_for(log: &[Asked], path: &str) -> Vec<Timestamp> {
    log.iter().filter(|asked| asked.path == path).map(|asked| asked.at).collect()
}

#[test]
fn an_answer_of_what_stands_is_taken_where_nothing_has_changed() {
    for (path, late) in TITLES {
        let hung = Hung::default();
        let mut session = slow(&hung, late, NEVER).play(path);
        assert_eq!(session.run(Some(at(80_000))), Outcome::Until);
        assert!(is_taken(&session), "{path}: {:?}", decisions(&session, DecisionKind::Pathway));
        assert_eq!(decisions(&session, DecisionKind::Skip), [], "{path}");
    }
}

#[test]
fn an_answer_that_the_application_does_not_allow_any_more_is_not_taken() {
    for (path, late) in TITLES {
        for limit in [
            Constraints { max_height: Some(360), ..Constraints::default() },
            Constraints { max_bitrate: Some(1_000_000), ..Constraints::default() },
        ] {
            let hung = Hung::default();
            let mut session = slow(&hung, late, BESIDE).play(path);
            run_until_it_hangs(&mut session);
            assert_eq!(hung.rendition(), "v720", "{path}: what is limited");
            let now = session.now();
            session.schedule(now, Command::SetConstraints(limit));
            session.run(Some(at(80_000)));
            assert!(!is_taken(&session), "{path}: {:?}", decisions(&session, DecisionKind::Pathway));
            assert_eq!(decisions(&session, DecisionKind::Skip), [], "{path}: the other one is there in time");
        }
    }
}

#[test]
fn an_answer_that_is_more_than_a_server_asks_for_by_now_is_not_taken() {
    for (path, late) in TITLES {
        let hung = Hung::default();
        let (slow, asks) = (hung.clone(), Cell::new(false));
        let origin = Origin::new().editing(move |now, path, mut response| {
            match slow.nth(now, path, TrackKind::Video) {
                Some(1) => {
                    response.delay = Duration::from_millis(late);
                    asks.set(true);
                }
                Some(_) => response.delay = Duration::from_millis(NEVER),
                // CTA-5006: no more than 900 kbit/s, since that was asked for.
                None if asks.get() => response.cmsd = vec!["\"edge.example\";mb=900".to_owned()],
                None => {}
            }
            response.into()
        });
        let mut session = origin.play(path);
        session.run(Some(at(80_000)));
        assert_eq!(hung.rendition(), "v720", "{path}: what is more");
        assert!(!is_taken(&session), "{path}: {:?}", decisions(&session, DecisionKind::Pathway));
    }
}

/// An origin that answers the requests for what hangs one after the other as is said, and the last of that for all further ones.
fn answering(hung: &Hung, of: TrackKind, answers: Vec<(u64, Option<Response>)>) -> Origin {
    let hung = hung.clone();
    Origin::new().editing(move |now, path, mut response| {
        let answer = hung.nth(now, path, of).and_then(|nth| answers.get(nth as usize - 1).or(answers.last()));
        if let Some((delay, other)) = answer {
            response = other.clone().unwrap_or(response);
            response.delay = Duration::from_millis(*delay);
        }
        response.into()
    })
}

fn refusal(status: u16) -> Response {
    Response::new(status, "https://origin.example/", "")
}

#[test]
fn a_failure_of_what_stands_is_told_and_counted_and_what_was_asked_for_beside_it_plays() {
    for (path, late) in TITLES {
        for status in [404, 503] {
            let hung = Hung::default();
            let answers = vec![(late, Some(refusal(status))), (BESIDE, None), (0, None)];
            let origin = answering(&hung, TrackKind::Video, answers);
            let log = origin.log.clone();
            let mut session = origin.play(path);
            session.run(Some(at(80_000)));
            let told = with_status(&session, &status.to_string());
            assert_eq!(told.len(), 1, "{path} {status}: {told:?}");
            assert!(!told[0].1.is_fatal() && told[0].1.facts().contains_key("segment"), "{path}: {told:?}");
            let qoe = session.engine().qoe(session.now());
            assert_eq!(qoe.requests_failed, 1, "{path} {status}");
            assert_eq!(decisions(&session, DecisionKind::Skip), [], "{path} {status}");
            assert_eq!(stood(&session), Duration::ZERO, "{path} {status}");
            // It is not asked for once more where it is missing.
            assert_eq!(asked_for(&log.borrow(), &hung.path()).len(), 1, "{path} {status}");
        }
    }
}

#[test]
fn what_is_missing_is_left_out_as_soon_as_one_of_two_requests_for_the_very_same_says_so() {
    // Of sound there is one rendition: whatever is asked for beside the first request is the same.
    for (path, late) in TITLES {
        let hung = Hung::default();
        let origin = answering(&hung, TrackKind::Audio, vec![(late, Some(refusal(404))), (NEVER, None)]);
        let mut session = origin.play(path);
        session.run(Some(at(80_000)));
        let (when, _) = with_status(&session, "404").first().cloned().expect("it is told");
        let skips = decisions(&session, DecisionKind::Skip);
        let left_out = skips.first().unwrap_or_else(|| panic!("{path}: {:?}", errors(&session)));
        assert_eq!(left_out.at, when, "{path}");
        assert!(left_out.why.concat().contains("404"), "{path}: {left_out:?}");
        assert_eq!(stood(&session), Duration::ZERO, "{path}");
    }
}

#[test]
fn a_server_that_asks_what_stands_to_be_left_alone_is_and_is_asked_again_afterwards() {
    for (path, late) in TITLES {
        let hung = Hung::default();
        let mut refused = refusal(503);
        refused.retry_after = Some("1".to_owned());
        let origin = answering(&hung, TrackKind::Audio, vec![(late, Some(refused)), (NEVER, None), (0, None)]);
        let log = origin.log.clone();
        let mut session = origin.play(path);
        session.run(Some(at(80_000)));
        let (when, _) = with_status(&session, "503").first().cloned().expect("it is told");
        let asked = asked_for(&log.borrow(), &hung.path());
        assert_eq!(asked.len(), 3, "{path}: {asked:?}");
        let again = asked[2].since(when);
        assert!(again >= Duration::from_secs(1) && again < Duration::from_millis(1100), "{path}: {again:?}");
        assert_eq!(decisions(&session, DecisionKind::Skip), [], "{path}");
        assert_eq!(stood(&session), Duration::ZERO, "{path}");
    }
}

#[test]
fn a_failure_at_a_place_that_was_left_as_it_hung_does_not_condemn_the_other_place() {
    let hung = Hung::default();
    let origin = answering(&hung, TrackKind::Video, vec![(2000, Some(refusal(503))), (BESIDE, None), (0, None)]);
    let log = origin.log.clone();
    let mut session = origin.play("/dash/live_60/utc_iso/bases_2/demo/number.mpd");
    let at_hang = run_until_it_hangs(&mut session);
    session.run(Some(at(80_000)));
    let log = log.borrow();
    let pictures = log.iter().filter(|asked| asked.path.ends_with(".m4s") && asked.path.contains("/v"));
    let after: Vec<_> = pictures.filter(|asked| asked.at > at_hang && asked.at < at(65_000)).collect();
    assert!(hung.path().contains("/bu0/"));
    assert!(!after.is_empty() && after.iter().all(|asked| asked.path.contains("/bu1/")), "{after:?}");
    assert_eq!(with_status(&session, "503").len(), 1);
}
