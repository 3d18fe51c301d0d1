//! Lists that cannot be had any more: what a title ends with whose server is gone.

use std::time::Duration;

use telecine_model::{Error, ErrorCode, Timestamp};

/// How long is waited for something new where `lost` is asked: half as long again while the line is dead.
pub(super) fn patience(lost: Duration, dead: bool) -> Duration {
    if dead {
        lost.saturating_add(lost / 2)
    } else {
        lost
    }
}

/// The loads of one list that failed since one was answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Failing(Option<(Timestamp, Error)>);

impl Failing {
    /// A load that began at `started` failed.
    pub(super) fn failed(&mut self, started: Timestamp, error: &Error) {
        let since = self.0.as_ref().map_or(started, |(since, _)| *since);
        self.0 = Some((since, error.clone()));
    }

    /// When the first of them began.
    pub(super) fn since(&self) -> Option<Timestamp> {
        self.0.as_ref().map(|(since, _)| *since)
    }

    /// A load was answered, be it with nothing new.
    pub(super) fn answered(&mut self) {
        self.0 = None;
    }

    /// Why `list` is given up that has brought nothing new for so long (`still`): the network or the server, as the last load
    /// failed, if for most of that time nobody answered, this one or any other (`dead`); else it is what was answered that
    /// did not change.
    pub(super) fn verdict(&self, list: &str, still: Duration, dead: bool, now: Timestamp) -> Error {
        let seconds = still.as_secs();
        match self.0.as_ref().filter(|(since, _)| dead || now.since(*since) >= still / 2) {
            Some((_, last)) => {
                let message = format!("the {list} could not be had for {seconds} s: {}", last.message());
                let error = Error::new(last.code(), message);
                last.facts().iter().fold(error, |error, (name, value)| error.fact(name, value))
            }
            None => {
                let message = format!("nothing new has been in the {list} for {seconds} s");
                Error::new(ErrorCode::ManifestStale, message)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn error(code: ErrorCode, message: &str) -> Error {
        Error::new(code, message).fact("url", "https://a.example/v.m3u8")
    }

    #[test]
    fn what_cannot_be_had_ends_as_the_last_load_of_it_did() {
        let mut failing = Failing::default();
        failing.failed(at(2), &error(ErrorCode::ConnectFailed, "nobody listens"));
        failing.failed(at(40), &error(ErrorCode::Timeout, "no answer"));
        let verdict = failing.verdict("playlist", MINUTE, false, at(60));
        assert_eq!(verdict.code(), ErrorCode::Timeout);
        assert_eq!(verdict.message(), "the playlist could not be had for 60 s: no answer");
        assert_eq!(verdict.facts().get("url").map(String::as_str), Some("https://a.example/v.m3u8"));
        assert!(verdict.is_fatal());
    }

    #[test]
    fn what_is_answered_and_does_not_change_is_stale_however_often_a_load_of_it_fails() {
        let mut failing = Failing::default();
        assert_eq!(failing.verdict("MPD", MINUTE, false, at(60)).code(), ErrorCode::ManifestStale);
        failing.failed(at(2), &error(ErrorCode::ConnectFailed, "nobody listens"));
        failing.answered();
        failing.failed(at(55), &error(ErrorCode::ConnectFailed, "nobody listens"));
        let verdict = failing.verdict("MPD", MINUTE, false, at(60));
        assert_eq!(verdict.code(), ErrorCode::ManifestStale);
        assert_eq!(verdict.message(), "nothing new has been in the MPD for 60 s");
        let dead = failing.verdict("MPD", MINUTE, true, at(60));
        assert_eq!(dead.code(), ErrorCode::ConnectFailed, "nobody else answered for most of it either");
    }
}
