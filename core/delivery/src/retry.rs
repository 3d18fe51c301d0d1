//! What follows a failed request.

use std::time::Duration;

use telecine_model::{ErrorCode, Timestamp, WallTime};

use crate::class::RequestClass;
use crate::retry_after::parse_retry_after;

/// A failed request, with everything that a policy may decide by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What it was for.
    pub class: RequestClass,
    /// How it failed.
    pub code: ErrorCode,
    /// HTTP status, where there was one.
    pub status: Option<u16>,
    /// How often it had been tried before.
    pub attempt: u32,
    /// `Retry-After`, as sent.
    pub retry_after: Option<String>,
    /// The server's `Date`.
    pub date: Option<WallTime>,
    /// The same may be had elsewhere: another base, pathway or rendition.
    pub has_alternate: bool,
    /// It hung while others were answered: how often in a row what it is for did, with this time. It cannot be waited for as
    /// long as a line that is down. None: it did not, or may be waited for.
    pub hung: Option<u32>,
    /// For how long nobody has answered anything, if nobody has since this (and what it stands in
    /// for) failed first. None: others are answered, so the line is not down.
    pub silent_for: Option<Duration>,
    /// Time until playback needs it.
    pub spare: Duration,
    /// How long what is buffered lasts, where what it is for may be asked for later, in whatever rendition suits then; else
    /// nothing.
    pub lasts: Duration,
    /// How long it may be waited for at most, by what its server asks for or by a pause of the policy's own: a live title
    /// goes on meanwhile, and what is waited for longer than playback does without it costs more than it brings. None: as long
    /// as a viewer waits for anything.
    pub bears: Option<Duration>,
    /// When it failed.
    pub now: Timestamp,
    /// A random number, for jitter.
    pub draw: u64,
}

impl Failure {
    /// A first failure without an answer, with nothing else known.
    pub fn new(class: RequestClass, code: ErrorCode, now: Timestamp) -> Self {
        Self {
            class,
            code,
            status: None,
            attempt: 0,
            retry_after: None,
            date: None,
            has_alternate: false,
            hung: None,
            silent_for: None,
            spare: Duration::ZERO,
            lasts: Duration::ZERO,
            bears: None,
            now,
            draw: 0,
        }
    }
}

/// What to do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryDecision {
    /// The same request again, after a pause.
    Retry {
        /// The pause.
        after: Duration,
    },
    /// Nobody has it now, whoever was asked. The same later, wherever suits then: playback goes on meanwhile.
    Later {
        /// After this pause,
        after: Duration,
        /// or as soon as what is buffered lasts no longer than this.
        reserve: Duration,
    },
    /// Not here again; [`Verdict::otherwise`] says what instead.
    Elsewhere,
}

/// What suits if a request is not made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Otherwise {
    /// The same from another base or pathway, or another rendition.
    Alternate,
    /// Playback goes on without it: a hole in the picture, no subtitles for a while, the clock that
    /// there is.
    Skip,
    /// Nothing else of this title will do either. Refusals for legal or geographic reasons are of
    /// the title, not of a server: no other CDN is to be asked (delivery.md 3.1).
    Fail,
}

/// A decision with its reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What to do.
    pub decision: RetryDecision,
    /// What suits if it is not made again, now or after the attempts are used up.
    pub otherwise: Otherwise,
    /// Why, one short sentence each.
    pub reasons: Vec<String>,
}

/// Decides what follows a failed request.
pub trait RetryPolicy: Send {
    /// Decides.
    fn decide(&mut self, failure: &Failure) -> Verdict;

    /// A request succeeded: budgets recover.
    fn on_success(&mut self) {}
}

/// The default policy.
///
/// - What cannot get better by asking again (404, 410, other refusals, archived objects, broken
///   references) is not asked again; but media that everybody refuses is asked for later, while what is buffered lasts: a
///   service that is deployed, or whose tokens change, refuses all of it for a while. Pauses grow from 1 s to a minute.
/// - What may (no answer, a broken connection, 5xx, 408, 425, 429) is asked again: once while there
///   is somewhere else to go, up to the attempts of its class otherwise.
/// - Silence is asked again twice: each wait lasts as long as the timeouts.
/// - With nowhere else to go, media is asked for as long as playback does without; and while nobody
///   answers anything, for a minute and a half: it is the line that is down, and to leave media out
///   would only lose it.
/// - What hangs while others are answered, where it cannot be waited for, is asked for once more, elsewhere if it can be, and
///   then left out.
/// - Pauses grow exponentially from 200 ms to 4 s and are drawn from the upper half of their span,
///   so that many players do not come back at once. `Retry-After` lengthens a pause, up to a bound. What goes on
///   meanwhile is left out rather than waited for longer than [`Failure::bears`]; but it is asked for once more, unless the server
///   says when.
/// - Retries of the session are budgeted: three, and a tenth of what succeeded. The budget does not
///   stop the last hope: with nowhere else to go, the attempts of the class count alone.
#[derive(Clone, Debug)]
pub struct DefaultRetry {
    /// Tenths of a retry that may be spent.
    budget: u32,
}

impl Default for DefaultRetry {
    fn default() -> Self {
        Self { budget: Self::START }
    }
}

impl DefaultRetry {
    const START: u32 = 30;
    const CAP: u32 = 100;
    const COST: u32 = 10;
    const BASE: Duration = Duration::from_millis(200);
    const LONGEST: Duration = Duration::from_secs(4);
    /// A viewer does not wait longer than this for a server that asks for patience.
    const PATIENCE: Duration = Duration::from_secs(30);
    /// What it takes to see that nobody answers.
    const ANOTHER_WAIT: Duration = Duration::from_secs(10);
    /// Nor longer than this for a line that is down.
    const OUTAGE: Duration = Duration::from_secs(90);
    /// What is refused everywhere is left out while so much is buffered, so that what follows it comes in time.
    const RESERVE: Duration = Duration::from_secs(5);
    /// The first pause of what is refused everywhere, and the longest.
    const LATER: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

    /// Attempts after the first, with nowhere else to go.
    fn attempts(class: RequestClass) -> u32 {
        match class {
            RequestClass::Manifest | RequestClass::Key => 4,
            RequestClass::Playlist | RequestClass::Init | RequestClass::Index | RequestClass::Segment => 5,
            RequestClass::Text | RequestClass::Steering | RequestClass::Clock | RequestClass::AssetList => 2,
        }
    }

    fn may_get_better(failure: &Failure) -> bool {
        match failure.code {
            ErrorCode::DnsFailed
            | ErrorCode::ConnectFailed
            | ErrorCode::Timeout
            | ErrorCode::ConnectionLost
            | ErrorCode::BodyLengthMismatch
            | ErrorCode::ContentEncodingFailed
            | ErrorCode::Throttled => true,
            ErrorCode::HttpStatus => failure.status.is_some_and(|s| s >= 500 || matches!(s, 408 | 425 | 429)),
            _ => false,
        }
    }

    /// Nobody answers: not the fault of what was asked for.
    fn is_outage(failure: &Failure) -> bool {
        failure.code != ErrorCode::ConnectionLost && Self::is_silence(failure)
    }

    /// The same, or a connection broke that may be the last of a line that is down.
    fn is_silence(failure: &Failure) -> bool {
        let silent = matches!(
            failure.code,
            ErrorCode::DnsFailed | ErrorCode::ConnectFailed | ErrorCode::ConnectionLost | ErrorCode::Timeout
        );
        silent && failure.silent_for.is_some()
    }

    /// Why asking goes on although the attempts are used up.
    fn goes_on(failure: &Failure) -> Option<String> {
        let media = matches!(
            failure.class,
            RequestClass::Segment | RequestClass::Init | RequestClass::Index | RequestClass::Playlist
        );
        if failure.has_alternate || !media {
            return None;
        }
        if failure.spare > Self::LONGEST {
            return Some(format!("playback does without for {} s", failure.spare.as_secs()));
        }
        let waits = Self::is_outage(failure) && failure.silent_for.is_some_and(|silent| silent < Self::OUTAGE);
        waits.then(|| "the line may come back".to_owned())
    }

    /// What somebody can do about what cannot get better by asking again.
    fn remedy(failure: &Failure) -> &'static str {
        match (failure.code, failure.status) {
            (ErrorCode::HttpStatus, Some(404 | 410)) => {
                "the server has nothing at this URL; compare what the manifest names with what is published"
            }
            (ErrorCode::HttpStatus, Some(401 | 403 | 407)) => {
                "the server does not let this request have it; check its tokens, cookies and headers"
            }
            (ErrorCode::HttpStatus, Some(_)) => "the server refuses this request; its answer and its log say why",
            (code, _) => code.advice(),
        }
    }

    fn otherwise(failure: &Failure) -> Otherwise {
        match failure.class {
            _ if failure.code == ErrorCode::GeoBlocked => Otherwise::Fail,
            _ if failure.has_alternate => Otherwise::Alternate,
            RequestClass::Segment if Self::is_outage(failure) => Otherwise::Fail,
            RequestClass::Segment
            | RequestClass::Text
            | RequestClass::Steering
            | RequestClass::Clock
            | RequestClass::AssetList => Otherwise::Skip,
            RequestClass::Manifest
            | RequestClass::Playlist
            | RequestClass::Init
            | RequestClass::Index
            | RequestClass::Key => Otherwise::Fail,
        }
    }

    /// Whether everybody refuses what may be allowed, or there, in a while. 410 says that it never is.
    fn comes_later(failure: &Failure) -> bool {
        let refused = match failure.code {
            ErrorCode::HttpStatus => failure.status != Some(410),
            // As browsers tell refusals that come without the headers of CORS.
            ErrorCode::NotEntitled | ErrorCode::CrossOriginRefused => true,
            _ => false,
        };
        let media = matches!(failure.class, RequestClass::Segment | RequestClass::Init);
        refused && media && !failure.has_alternate && failure.lasts > Self::RESERVE
    }

    fn pause(failure: &Failure) -> Duration {
        Self::pause_between(failure, (Self::BASE, Self::LONGEST))
    }

    fn pause_between(failure: &Failure, (base, longest): (Duration, Duration)) -> Duration {
        let doubled = base.saturating_mul(1 << failure.attempt.min(10)).min(longest);
        let half = u64::try_from(doubled.as_micros() / 2).unwrap_or(u64::MAX);
        Duration::from_micros(half + failure.draw % half.max(1))
    }
}

impl RetryPolicy for DefaultRetry {
    fn decide(&mut self, failure: &Failure) -> Verdict {
        let otherwise = Self::otherwise(failure);
        let elsewhere =
            |reason: String| Verdict { decision: RetryDecision::Elsewhere, otherwise, reasons: vec![reason] };
        let cause = match failure.status {
            Some(status) => format!("status {status}"),
            None => failure.code.name().to_owned(),
        };
        if !Self::may_get_better(failure) {
            if Self::comes_later(failure) {
                let decision =
                    RetryDecision::Later { after: Self::pause_between(failure, Self::LATER), reserve: Self::RESERVE };
                let reason =
                    format!("{cause} from whoever was asked: what is buffered lasts for {} s", failure.lasts.as_secs());
                return Verdict { decision, otherwise, reasons: vec![reason] };
            }
            return elsewhere(format!("{cause} is not asked for again: {}", Self::remedy(failure)));
        }
        if failure.code == ErrorCode::Timeout
            && failure.has_alternate
            && failure.silent_for.is_some()
            && failure.spare <= Self::ANOTHER_WAIT
        {
            return elsewhere(format!("{cause}: nobody answers, and playback does not last another wait for the same"));
        }
        match failure.hung {
            None => {}
            Some(..=1) if failure.has_alternate => {
                return elsewhere(format!("{cause}: it hangs, the same elsewhere may not"));
            }
            Some(..=1) => {
                let reasons = vec![format!("{cause}: it hangs, another request for it may not")];
                return Verdict { decision: RetryDecision::Retry { after: Self::pause(failure) }, otherwise, reasons };
            }
            Some(times) => {
                let reasons = vec![format!("{cause}: it hung {times} times in a row, and playback cannot wait for it")];
                return Verdict { decision: RetryDecision::Elsewhere, otherwise: Otherwise::Skip, reasons };
            }
        }
        // Waiting for nothing takes much longer than being refused.
        let most = if failure.code == ErrorCode::Timeout { 2 } else { u32::MAX };
        let allowed = if failure.has_alternate { 1 } else { Self::attempts(failure.class).min(most) };
        let beyond = failure.attempt >= allowed;
        let goes_on = Self::goes_on(failure).filter(|_| beyond);
        if beyond && goes_on.is_none() {
            return elsewhere(format!("{cause} after {}", attempts(failure)));
        }
        if failure.has_alternate && self.budget < Self::COST {
            return elsewhere(format!("{cause}, and the session's budget of retries is spent"));
        }
        let mut after = Self::pause(failure);
        let mut reasons = vec![match goes_on {
            Some(why) => format!("{cause}, attempt {}: {why}", failure.attempt + 1),
            None => format!("{cause}, attempt {} of {}", failure.attempt + 1, allowed + 1),
        }];
        let asked = failure.retry_after.as_deref().and_then(|value| parse_retry_after(value, failure.date));
        if let Some(asked) = asked.filter(|asked| *asked > after) {
            if asked > Self::PATIENCE || failure.has_alternate {
                return elsewhere(format!("{cause}, and the server asks to wait {} s", asked.as_secs()));
            }
            after = asked;
            reasons.push(format!("the server asks to wait {} s", asked.as_secs()));
        }
        // Once more is always asked, unless the server says when; and a line that is down is down for what follows too.
        let again = failure.attempt > 0 || asked.is_some_and(|asked| asked >= after);
        let borne = failure.bears.filter(|bears| again && after > *bears);
        let borne = borne.filter(|_| !failure.has_alternate && !Self::is_silence(failure));
        if let Some(bears) = borne {
            let bears = bears.as_secs_f64();
            return elsewhere(match asked.filter(|asked| *asked >= after) {
                Some(asked) => {
                    format!("{cause}, and the server asks to wait {} s: {bears:.1} s can be borne", asked.as_secs())
                }
                None => {
                    format!("{cause} after {}, and the title goes on: {bears:.1} s can be borne", attempts(failure))
                }
            });
        }
        self.budget = self.budget.saturating_sub(Self::COST);
        Verdict { decision: RetryDecision::Retry { after }, otherwise, reasons }
    }

    fn on_success(&mut self) {
        self.budget = (self.budget + 1).min(Self::CAP);
    }
}

/// How often it was asked for.
fn attempts(failure: &Failure) -> String {
    match failure.attempt {
        0 => "one attempt".to_owned(),
        others => format!("{} attempts", others.saturating_add(1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(code: ErrorCode, status: Option<u16>, attempt: u32) -> Failure {
        Failure { status, attempt, ..Failure::new(RequestClass::Segment, code, Timestamp::ZERO) }
    }

    fn after(verdict: &Verdict) -> Option<Duration> {
        match verdict.decision {
            RetryDecision::Retry { after } => Some(after),
            RetryDecision::Later { .. } | RetryDecision::Elsewhere => None,
        }
    }

    #[test]
    fn refusals_are_not_asked_again() {
        for status in [400, 403, 404, 410] {
            let verdict = DefaultRetry::default().decide(&failure(ErrorCode::HttpStatus, Some(status), 0));
            assert_eq!(verdict.decision, RetryDecision::Elsewhere, "{status}");
        }
        let said = |code, status| DefaultRetry::default().decide(&failure(code, status, 0)).reasons.concat();
        assert_eq!(
            said(ErrorCode::HttpStatus, Some(404)),
            "status 404 is not asked for again: the server has nothing at this URL; compare what the manifest names with \
             what is published"
        );
        assert!(said(ErrorCode::HttpStatus, Some(403)).contains("check its tokens, cookies and headers"));
        assert!(said(ErrorCode::ObjectArchived, Some(403)).ends_with(ErrorCode::ObjectArchived.advice()));
        let archived = DefaultRetry::default().decide(&failure(ErrorCode::ObjectArchived, Some(403), 0));
        assert_eq!(archived.decision, RetryDecision::Elsewhere);
    }

    #[test]
    fn media_that_everybody_refuses_is_asked_for_later_while_what_is_buffered_lasts() {
        let refused = |status, attempt, lasts| Failure {
            lasts: Duration::from_secs(lasts),
            ..failure(ErrorCode::HttpStatus, Some(status), attempt)
        };
        let decided = |failure: &Failure| DefaultRetry::default().decide(failure).decision;
        let pauses = [0, 1, 2, 3, 20].map(|attempt| match decided(&refused(404, attempt, 30)) {
            RetryDecision::Later { after, reserve } => (after.as_millis(), reserve.as_secs()),
            other => panic!("{other:?}"),
        });
        assert_eq!(pauses, [(500, 5), (1000, 5), (2000, 5), (4000, 5), (30_000, 5)], "the lower end of each");
        let elsewhere = [
            refused(404, 0, 5),
            refused(410, 0, 30),
            Failure { has_alternate: true, ..refused(403, 0, 30) },
            Failure { class: RequestClass::Manifest, ..refused(403, 0, 30) },
            Failure { code: ErrorCode::GeoBlocked, ..refused(403, 0, 30) },
        ];
        assert!(elsewhere.iter().all(|failure| decided(failure) == RetryDecision::Elsewhere));
        assert!(matches!(decided(&refused(503, 0, 30)), RetryDecision::Retry { .. }));
    }

    #[test]
    fn pauses_grow_with_jitter_from_the_upper_half() {
        for attempt in 0..5 {
            let whole = Duration::from_millis((200 << attempt).min(4000));
            for draw in [0, u64::MAX, 12_345] {
                let failure = Failure { draw, ..failure(ErrorCode::ConnectionLost, None, attempt) };
                let pause = after(&DefaultRetry::default().decide(&failure)).expect("asked again");
                assert!(pause >= whole / 2 && pause <= whole, "{attempt}: {pause:?}");
            }
        }
    }

    #[test]
    fn silence_is_asked_again_twice() {
        let mut policy = DefaultRetry::default();
        assert!(after(&policy.decide(&failure(ErrorCode::Timeout, None, 1))).is_some());
        assert_eq!(policy.decide(&failure(ErrorCode::Timeout, None, 2)).otherwise, Otherwise::Skip);
    }

    #[test]
    fn a_line_that_is_down_is_waited_for_and_then_the_end() {
        let down = |seconds| Failure {
            silent_for: Some(Duration::from_secs(seconds)),
            ..failure(ErrorCode::ConnectFailed, None, 40)
        };
        assert!(after(&DefaultRetry::default().decide(&down(80))).is_some());
        let verdict = DefaultRetry::default().decide(&down(100));
        assert_eq!((verdict.decision, verdict.otherwise), (RetryDecision::Elsewhere, Otherwise::Fail));
    }

    #[test]
    fn what_hangs_while_others_are_answered_is_asked_for_once_more_and_then_left_out() {
        let hung = |times, has_alternate| Failure {
            hung: Some(times),
            has_alternate,
            spare: Duration::from_secs(60),
            ..failure(ErrorCode::Timeout, None, 0)
        };
        let decided = |times, has_alternate| DefaultRetry::default().decide(&hung(times, has_alternate));
        assert!(after(&decided(1, false)).is_some());
        assert_eq!(decided(1, true).otherwise, Otherwise::Alternate);
        assert_eq!(decided(1, true).decision, RetryDecision::Elsewhere);
        for has_alternate in [false, true] {
            let second = decided(2, has_alternate);
            assert_eq!((second.decision, second.otherwise), (RetryDecision::Elsewhere, Otherwise::Skip));
        }
    }

    #[test]
    fn media_is_asked_for_as_long_as_playback_does_without() {
        let spare =
            |seconds| Failure { spare: Duration::from_secs(seconds), ..failure(ErrorCode::HttpStatus, Some(503), 40) };
        assert!(after(&DefaultRetry::default().decide(&spare(10))).is_some());
        assert_eq!(DefaultRetry::default().decide(&spare(2)).decision, RetryDecision::Elsewhere);
    }

    #[test]
    fn an_alternate_is_tried_after_one_retry() {
        let mut policy = DefaultRetry::default();
        let first = Failure { has_alternate: true, ..failure(ErrorCode::HttpStatus, Some(503), 0) };
        assert!(after(&policy.decide(&first)).is_some());
        let second = Failure { attempt: 1, ..first };
        assert_eq!(policy.decide(&second).decision, RetryDecision::Elsewhere);
    }

    #[test]
    fn retry_after_is_honoured_within_patience() {
        let asked =
            |value: &str| Failure { retry_after: Some(value.into()), ..failure(ErrorCode::Throttled, Some(429), 0) };
        assert_eq!(after(&DefaultRetry::default().decide(&asked("7"))), Some(Duration::from_secs(7)));
        assert_eq!(DefaultRetry::default().decide(&asked("3600")).decision, RetryDecision::Elsewhere);
    }

    #[test]
    fn retry_after_is_honoured_no_longer_than_what_goes_on_can_bear() {
        let bears = |seconds| Failure {
            retry_after: Some("20".into()),
            bears: Some(Duration::from_secs(seconds)),
            ..failure(ErrorCode::HttpStatus, Some(503), 0)
        };
        assert_eq!(after(&DefaultRetry::default().decide(&bears(21))), Some(Duration::from_secs(20)));
        let verdict = DefaultRetry::default().decide(&bears(19));
        assert_eq!((verdict.decision, verdict.otherwise), (RetryDecision::Elsewhere, Otherwise::Skip));
        assert_eq!(verdict.reasons, ["status 503, and the server asks to wait 20 s: 19.0 s can be borne"]);
    }

    #[test]
    fn what_goes_on_is_not_paused_for_longer_than_it_can_bear_unless_the_line_is_down() {
        let refused = |attempt, bears_ms| Failure {
            bears: Some(Duration::from_millis(bears_ms)),
            ..failure(ErrorCode::HttpStatus, Some(503), attempt)
        };
        assert!(after(&DefaultRetry::default().decide(&refused(2, 800))).is_some());
        let verdict = DefaultRetry::default().decide(&refused(2, 399));
        assert_eq!((verdict.decision, verdict.otherwise), (RetryDecision::Elsewhere, Otherwise::Skip));
        assert_eq!(verdict.reasons, ["status 503 after 3 attempts, and the title goes on: 0.4 s can be borne"]);
        let down =
            Failure { code: ErrorCode::ConnectFailed, status: None, silent_for: Some(Duration::ZERO), ..refused(2, 0) };
        assert!(after(&DefaultRetry::default().decide(&down)).is_some());
    }

    #[test]
    fn retries_with_somewhere_else_to_go_are_budgeted() {
        let mut policy = DefaultRetry::default();
        let failing = Failure { has_alternate: true, ..failure(ErrorCode::ConnectionLost, None, 0) };
        let granted = (0..10).filter(|_| after(&policy.decide(&failing)).is_some()).count();
        assert_eq!(granted, 3);
        for _ in 0..10 {
            policy.on_success();
        }
        assert!(after(&policy.decide(&failing)).is_some(), "a tenth of what succeeded");
        assert!(after(&policy.decide(&failing)).is_none());
    }
}
