//! When a live MPD is fetched again, and from where (ISO/IEC 23009-1, 5.4; D038–D056).

use std::time::Duration;

use telecine_model::{Error, MediaTime, Presentation, Timestamp};

use super::failing::Failing;

/// However short segments and update periods are, an MPD is not fetched more often.
const LEAST: Duration = Duration::from_millis(500);

/// Nor more often than this to see whether anybody answers, where nobody did.
const PROBED: Duration = Duration::from_secs(5);

/// Failures in a row after which the time between them grows no more: 2 to this power.
const GROWTH: u32 = 4;

/// How often the server has to say that there is no MPD any more until that is believed (D048).
const GONE: u32 = 3;

/// What to fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MpdPlace {
    /// The MPD.
    Full(String),
    /// A patch of the version that is known.
    Patch(String),
}

/// What is known of the loads of an MPD.
#[derive(Debug, Default)]
pub(crate) struct MpdRefresh {
    /// When the load of the known version began: its validity begins there (D038).
    started: Timestamp,
    /// When the first load began of those that have brought nothing new since one did, and since something new is needed.
    in_vain: Option<Timestamp>,
    /// More is needed than the known version lists.
    needed: bool,
    /// `@minimumUpdatePeriod`: None is never, zero is on demand.
    period: Option<Duration>,
    /// When the next load is due; None while none is.
    due: Option<Timestamp>,
    /// Where the MPD is, the one that the application named last.
    places: Vec<String>,
    nth: usize,
    /// Where a patch is, and until when.
    patch: Option<(String, Option<Timestamp>)>,
    loading: bool,
    /// Asked for only to see whether anybody answers, it could not be had.
    probed_in_vain: bool,
    failures: u32,
    /// Loads in a row that brought nothing new.
    unchanged: u32,
    /// Answers in a row that there is none any more.
    gone: u32,
    /// When the load under way began.
    asked: Timestamp,
    /// Loads of the MPD that failed since a version came.
    failing: Failing,
    /// The line is down: nobody answers.
    down: bool,
    /// When it came back, until a load that began since has ended.
    back: Option<Timestamp>,
}

impl MpdRefresh {
    /// A version came by a load that began at `started`, with something new in it or without. `url` is what the
    /// application named; `draw` is chance, so that not all viewers come at once.
    pub(crate) fn on_version(
        &mut self,
        presentation: &Presentation,
        url: &str,
        started: Timestamp,
        is_new: bool,
        draw: u64,
    ) {
        let timing = presentation.dash.as_ref();
        let live = presentation.live;
        self.period =
            timing.and_then(|timing| timing.minimum_update_period).filter(|_| live).map(MediaTime::to_duration);
        let named = presentation.locations.iter().map(|location| location.uri.clone());
        let places: Vec<String> = named.chain([url.to_owned()]).collect();
        if places != self.places {
            (self.places, self.nth) = (places, 0);
        }
        // D055: only a version that says which it is can be patched.
        let named = timing.is_some_and(|timing| timing.id.is_some() && timing.publish_time_text.is_some());
        self.patch = presentation.patch_locations.first().filter(|_| named).map(|location| {
            // D051: it is promised for so long.
            (location.uri.clone(), location.ttl.map(|ttl| started + ttl.to_duration()))
        });
        self.started = started;
        self.loading = false;
        (self.failures, self.gone, self.probed_in_vain) = (0, 0, false);
        self.failing.answered();
        self.back = None;
        self.unchanged = if is_new { 0 } else { self.unchanged.saturating_add(1) };
        if is_new {
            (self.in_vain, self.needed) = (None, false);
        }
        let every = self.period.filter(|period| !period.is_zero());
        self.due = every.map(|period| started + late(period.max(LEAST), draw));
    }

    /// More segments are needed than the known version lists: the next one should be listed from `from` on, and is about as
    /// long as `segment`. Nobody has to wait for the update period (D041); and with one of zero this alone is a reason
    /// (D039). Without one there is nothing to wait for (D040).
    pub(crate) fn need(&mut self, from: Timestamp, segment: Duration) {
        self.needed = true;
        if self.period.is_none() || self.failures > 0 {
            return;
        }
        let wait = if self.unchanged == 0 { LEAST } else { (segment / 2).max(LEAST) };
        let when = from.max(self.started + wait);
        self.due = Some(self.due.map_or(when, |due| due.min(when)));
    }

    /// The known version holds no longer: media says so (D056).
    pub(crate) fn expire(&mut self, now: Timestamp) {
        self.due = Some(now.max(self.started + LEAST));
        self.period.get_or_insert(Duration::ZERO);
    }

    /// Nothing else shows whether anybody answers: the MPD does, whether it is to be fetched again or not.
    pub(crate) fn probe(&mut self, now: Timestamp) {
        if self.failures == 0 {
            let pause = if self.probed_in_vain { PROBED } else { LEAST };
            self.due = Some(now.max(self.asked + pause));
        }
    }

    /// What to fetch now, if it is time to. One load at a time.
    pub(crate) fn next(&mut self, now: Timestamp) -> Option<MpdPlace> {
        if self.loading || self.due.is_none_or(|due| due > now) {
            return None;
        }
        self.loading = true;
        if self.needed {
            self.in_vain.get_or_insert(now);
        }
        self.asked = now;
        self.due = None;
        if let Some((url, until)) = self.patch.take() {
            if until.is_none_or(|until| now < until) {
                return Some(MpdPlace::Patch(url));
            }
        }
        self.places.get(self.nth % self.places.len().max(1)).cloned().map(MpdPlace::Full)
    }

    /// A patch could not be had, or does not fit: the MPD itself, at once (D052, D053).
    pub(crate) fn on_patch_failed(&mut self, now: Timestamp) {
        self.loading = false;
        self.patch = None;
        self.due = Some(now);
    }

    /// The MPD could not be had: the next place, later each time. `status` is what the server said, if it did.
    pub(crate) fn on_failed(&mut self, status: Option<u16>, now: Timestamp, draw: u64) {
        self.loading = false;
        self.nth = (self.nth + 1) % self.places.len().max(1);
        self.gone = if matches!(status, Some(404 | 410)) { self.gone.saturating_add(1) } else { 0 };
        if self.period.is_none() {
            // It was asked for only to see whether anybody answers.
            (self.due, self.failures, self.probed_in_vain) = (None, 0, true);
            return;
        }
        let wait = LEAST.saturating_mul(1 << self.failures.min(GROWTH));
        self.failures = self.failures.saturating_add(1);
        self.due = Some(now + late(wait, draw));
        if self.back.is_some_and(|back| self.asked < back) {
            // It began while the line was down: that says nothing of now.
            self.due = Some(now);
        } else {
            self.back = None;
        }
    }

    /// Whether the line is down. What failed because of that is asked for at once when it comes back, and nothing is concluded
    /// from how long nothing new has come before that has been answered, or failed too.
    ///
    /// `draw` is chance, in hundredths: not all viewers come back at once.
    pub(crate) fn see_line(&mut self, down: bool, now: Timestamp, draw: u32) {
        let back = std::mem::replace(&mut self.down, down) && !down;
        if back && self.failures > 0 && self.period.is_some() {
            self.back = Some(now);
            let soon = now.max(self.asked + LEAST) + LEAST / 100 * (draw % 100);
            self.due = (!self.loading).then(|| self.due.map_or(soon, |due| due.min(soon)));
        }
    }

    /// Whether the line was down until a moment ago, and nobody has been asked since.
    pub(crate) fn is_asked_anew(&self) -> bool {
        self.back.is_some()
    }

    /// What was asked for is not waited for any more: it may be asked for again.
    pub(crate) fn on_cancelled(&mut self, now: Timestamp) {
        if std::mem::take(&mut self.loading) {
            (self.due, self.in_vain) = (Some(now), None);
        }
    }

    /// For how long loads have failed, if the last one did.
    pub(crate) fn failing_for(&self, now: Timestamp) -> Duration {
        self.failing.since().map_or(Duration::ZERO, |since| now.since(since))
    }

    /// Why the MPD could not be had.
    pub(crate) fn note_failure(&mut self, error: &Error) {
        self.failing.failed(self.asked, error);
    }

    /// Why no newer version is waited for any more.
    pub(crate) fn verdict(&self, dead: bool, now: Timestamp) -> Error {
        self.failing.verdict("MPD", self.unchanged_for(now), dead, now)
    }

    /// The server asks to be left alone until then. Another place is another server.
    pub(crate) fn not_before(&mut self, at: Timestamp) {
        if self.places.len() < 2 {
            self.due = self.due.map(|due| due.max(at));
        }
    }

    /// Whether the server says that there is no MPD any more, and the known version has expired (D048).
    pub(crate) fn is_gone(&self, now: Timestamp) -> bool {
        self.gone >= GONE && self.period.is_some_and(|period| self.started + period <= now)
    }

    /// Whether newer versions may come.
    pub(crate) fn goes_on(&self) -> bool {
        self.period.is_some()
    }

    /// No newer version will come.
    pub(crate) fn end(&mut self) {
        (self.period, self.due) = (None, None);
    }

    /// For how long something new has been asked for in vain: what nobody needed is not missed.
    pub(crate) fn unchanged_for(&self, now: Timestamp) -> Duration {
        self.in_vain.map_or(Duration::ZERO, |since| now.since(since))
    }

    /// When [`MpdRefresh::next`] has something.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        self.due.filter(|_| !self.loading)
    }
}

/// A tenth later at most, by chance.
fn late(wait: Duration, draw: u64) -> Duration {
    wait + wait / 1000 * u32::try_from(draw % 100).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use telecine_model::live::{DashTiming, Location};
    use telecine_model::Protocol;

    const URL: &str = "https://a.example/live.mpd";

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn version(period_ms: Option<i64>) -> Presentation {
        let mut presentation = Presentation::new(Protocol::Dash, URL);
        presentation.live = true;
        let minimum_update_period = period_ms.map(MediaTime::from_millis);
        presentation.dash = Some(DashTiming {
            id: Some("m".to_owned()),
            publish_time_text: Some("2026-11-27T12:00:00Z".to_owned()),
            minimum_update_period,
            ..DashTiming::default()
        });
        presentation
    }

    fn known(presentation: &Presentation) -> MpdRefresh {
        let mut refresh = MpdRefresh::default();
        refresh.on_version(presentation, URL, at(1000), true, 0);
        refresh
    }

    fn full(url: &str) -> Option<MpdPlace> {
        Some(MpdPlace::Full(url.to_owned()))
    }

    fn patch(url: &str) -> Option<MpdPlace> {
        Some(MpdPlace::Patch(url.to_owned()))
    }

    fn location(uri: &str, ttl_s: Option<i64>) -> Location {
        Location { uri: uri.to_owned(), service_location: None, ttl: ttl_s.map(MediaTime::from_secs) }
    }

    #[test]
    fn d038_a_version_holds_from_when_its_load_began_for_its_update_period() {
        let mut refresh = known(&version(Some(4000)));
        assert_eq!(refresh.due(), Some(at(5000)));
        assert_eq!((refresh.next(at(4999)), refresh.next(at(5000))), (None, full(URL)));
        assert_eq!(refresh.next(at(9000)), None, "one at a time");
        // Not all viewers at once: up to a tenth later.
        let mut late = MpdRefresh::default();
        late.on_version(&version(Some(4000)), URL, at(1000), true, 99);
        assert_eq!(late.due(), Some(at(5396)));
    }

    #[test]
    fn d039_with_an_update_period_of_zero_it_is_fetched_when_segments_are_needed() {
        let mut refresh = known(&version(Some(0)));
        assert_eq!((refresh.due(), refresh.next(at(999_000))), (None, None));
        refresh.need(at(3000), ms(2000));
        assert_eq!(refresh.due(), Some(at(3000)));
        assert_eq!(refresh.next(at(3000)), full(URL));
        // Nothing new: half a segment later, not before.
        refresh.on_version(&version(Some(0)), URL, at(3000), false, 0);
        refresh.need(at(3000), ms(2000));
        assert_eq!(refresh.due(), Some(at(4000)));
    }

    #[test]
    fn an_mpd_that_nobody_needed_for_long_is_not_stale_for_that() {
        let mut refresh = known(&version(Some(0)));
        assert_eq!(refresh.unchanged_for(at(600_000)), Duration::ZERO);
        refresh.need(at(600_000), ms(2000));
        assert_eq!(refresh.next(at(600_000)), full(URL));
        refresh.on_version(&version(Some(0)), URL, at(600_000), false, 0);
        assert_eq!(refresh.unchanged_for(at(603_000)), ms(3000));
        refresh.on_version(&version(Some(0)), URL, at(604_000), true, 0);
        assert_eq!(refresh.unchanged_for(at(700_000)), Duration::ZERO);
    }

    #[test]
    fn d040_without_an_update_period_it_is_never_fetched_again() {
        let mut refresh = known(&version(None));
        refresh.need(at(3000), ms(2000));
        assert_eq!((refresh.due(), refresh.goes_on()), (None, false));
    }

    #[test]
    fn d041_nobody_waits_for_the_update_period_when_segments_are_needed_and_none_comes_too_often() {
        let mut refresh = known(&version(Some(60_000)));
        refresh.need(at(3000), ms(2000));
        assert_eq!(refresh.due(), Some(at(3000)));
        // However short all is.
        let mut short = known(&version(Some(1)));
        assert_eq!(short.due(), Some(at(1500)));
        short.need(at(1001), ms(10));
        assert_eq!(short.due(), Some(at(1500)));
    }

    #[test]
    fn d050_the_next_load_goes_where_the_mpd_says_and_elsewhere_if_that_fails() {
        let mut presentation = version(Some(2000));
        presentation.locations = vec![location("https://b.example/x", None), location("https://c.example/y", None)];
        let mut refresh = known(&presentation);
        let mut now = 3000;
        for url in ["https://b.example/x", "https://c.example/y", URL, "https://b.example/x"] {
            assert_eq!(refresh.next(at(now)), full(url), "{now}");
            refresh.on_failed(Some(503), at(now), 0);
            now += 10_000;
        }
        // What answered is asked again.
        assert_eq!(refresh.next(at(now)), full("https://c.example/y"));
        refresh.on_version(&presentation, URL, at(now), true, 0);
        assert_eq!(refresh.next(at(now + 2000)), full("https://c.example/y"));
    }

    #[test]
    fn d041_after_failures_it_waits_longer_each_time_up_to_a_bound() {
        let mut refresh = known(&version(Some(2000)));
        let mut now = 3000;
        for wait in [500, 1000, 2000, 4000, 8000, 8000] {
            assert!(refresh.next(at(now)).is_some());
            refresh.on_failed(None, at(now), 0);
            refresh.need(at(now), ms(2000));
            assert_eq!(refresh.due(), Some(at(now + wait)));
            now += wait;
        }
    }

    #[test]
    fn an_mpd_that_failed_while_the_line_was_down_is_asked_for_as_soon_as_that_is_back() {
        let mut refresh = known(&version(Some(2000)));
        assert_eq!(refresh.next(at(3000)), full(URL));
        refresh.see_line(true, at(8000), 0);
        refresh.on_failed(None, at(13_000), 99);
        refresh.see_line(true, at(13_001), 0);
        refresh.see_line(false, at(13_100), 0);
        assert!(refresh.is_asked_anew());
        assert_eq!(refresh.next(at(13_100)), full(URL));
        // Once, whether it is answered or not.
        refresh.on_failed(None, at(13_200), 0);
        assert!(!refresh.is_asked_anew());
        assert_eq!(refresh.due(), Some(at(14_200)));
        // What hangs since before says nothing either.
        assert_eq!(refresh.next(at(14_200)), full(URL));
        refresh.see_line(true, at(20_000), 0);
        refresh.see_line(false, at(21_000), 0);
        refresh.on_failed(None, at(24_200), 0);
        assert_eq!(refresh.next(at(24_200)), full(URL));
        refresh.on_version(&version(Some(2000)), URL, at(24_200), true, 0);
        assert!(!refresh.is_asked_anew());
    }

    #[test]
    fn d051_a_patch_is_fetched_when_the_mpd_would_be_until_its_promise_ends() {
        let mut presentation = version(Some(2000));
        presentation.patch_locations = vec![location("https://a.example/patch", Some(10))];
        let mut refresh = known(&presentation);
        assert_eq!(refresh.due(), Some(at(3000)));
        assert_eq!(refresh.next(at(3000)), patch("https://a.example/patch"));
        let mut expired = known(&presentation);
        assert_eq!(expired.next(at(11_000)), full(URL));
    }

    #[test]
    fn d053_a_patch_that_cannot_be_had_is_followed_by_the_mpd_at_once_and_patches_by_its_next_version() {
        let mut presentation = version(Some(2000));
        presentation.patch_locations = vec![location("https://a.example/patch", None)];
        let mut refresh = known(&presentation);
        assert_eq!(refresh.next(at(3000)), patch("https://a.example/patch"));
        refresh.on_patch_failed(at(3050));
        assert_eq!(refresh.next(at(3050)), full(URL));
        refresh.on_version(&presentation, URL, at(3050), true, 0);
        assert_eq!(refresh.next(at(5050)), patch("https://a.example/patch"));
    }

    #[test]
    fn d055_a_version_that_does_not_say_which_it_is_is_not_patched() {
        let mut presentation = version(Some(2000));
        presentation.patch_locations = vec![location("https://a.example/patch", None)];
        if let Some(timing) = &mut presentation.dash {
            timing.id = None;
        }
        assert_eq!(known(&presentation).next(at(3000)), full(URL));
    }

    #[test]
    fn d048_an_mpd_that_is_gone_after_it_expired_has_ended() {
        let mut refresh = known(&version(Some(2000)));
        let mut now = 3000;
        for nth in 1..=3 {
            assert!(refresh.next(at(now)).is_some() && !refresh.is_gone(at(now)));
            refresh.on_failed(Some(404), at(now), 0);
            assert_eq!(refresh.is_gone(at(now)), nth == 3);
            now += 10_000;
        }
        // Something else in between is no sign of an end; nor is it gone while it holds.
        let mut refresh = known(&version(Some(2000)));
        for status in [404, 404, 500, 410, 410] {
            refresh.on_failed(Some(status), at(5000), 0);
        }
        assert!(!refresh.is_gone(at(5000)));
        refresh.on_failed(Some(410), at(2500), 0);
        assert!(!refresh.is_gone(at(2500)) && refresh.is_gone(at(3000)));
    }

    #[test]
    fn d046_a_version_without_an_update_period_or_a_static_one_is_the_last() {
        let mut refresh = known(&version(Some(2000)));
        assert!(refresh.next(at(3000)).is_some());
        refresh.on_version(&version(None), URL, at(3000), true, 0);
        assert_eq!((refresh.goes_on(), refresh.due()), (false, None));
        let mut still = version(Some(2000));
        still.live = false;
        refresh.on_version(&still, URL, at(5000), true, 0);
        assert_eq!((refresh.goes_on(), refresh.due()), (false, None));
    }

    #[test]
    fn an_mpd_that_is_never_fetched_again_is_asked_for_to_see_whether_anybody_answers() {
        let mut refresh = known(&version(None));
        refresh.probe(at(9000));
        assert_eq!(refresh.next(at(9000)), full(URL));
        refresh.on_version(&version(None), URL, at(9000), false, 0);
        assert_eq!((refresh.due(), refresh.goes_on()), (None, false));
        // Not again and again where nobody does.
        refresh.probe(at(20_000));
        assert_eq!(refresh.next(at(20_000)), full(URL));
        refresh.on_failed(None, at(30_000), 0);
        assert_eq!(refresh.due(), None);
        refresh.probe(at(20_400));
        assert_eq!(refresh.due(), Some(at(25_000)));
    }

    #[test]
    fn d056_media_that_says_so_ends_the_validity_whatever_the_update_period() {
        for period in [None, Some(60_000)] {
            let mut refresh = known(&version(period));
            refresh.expire(at(9000));
            assert_eq!(refresh.next(at(9000)), full(URL), "{period:?}");
        }
    }
}
