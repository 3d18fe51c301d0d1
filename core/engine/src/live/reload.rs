//! When a live playlist is loaded again (rfc8216bis 6.3.4).

use std::time::Duration;

use telecine_model::{MediaTime, Timestamp};

use super::directives::Directives;
use super::failing::Failing;
use super::parts::Profile;

/// However short segments are, a playlist is not loaded more often.
const SHORTEST: MediaTime = MediaTime::from_millis(100);

/// A server that promises to hold requests and does not is believed again so often.
const PATIENCE: u32 = 3;

/// A playlist that is asked for so much later than it was due was not followed in between.
const UNFOLLOWED: Duration = Duration::from_secs(5);

/// What is known of the loads of one playlist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reload {
    /// When the load began that brought something new last.
    changed: Timestamp,
    /// When the last load began that brought anything.
    loaded: Timestamp,
    /// When the last load began that says what there is, be it as it was.
    listed: Timestamp,
    /// When the first load began of those that have brought nothing new since something did.
    in_vain: Option<Timestamp>,
    /// When it may be loaded again.
    due: Timestamp,
    /// It was told that nothing new comes.
    told: bool,
    /// What the request under way asks the server for.
    asked: Directives,
    /// The next request asks for nothing special: what it asked for was refused, or could not be used.
    plain: bool,
    /// What its server has shown.
    profile: Profile,
    /// How many seconds old the last answer was, as caches say.
    age: Option<u64>,
    /// How often the server did not hold a request as it ought to.
    broken: u32,
    /// Loads that failed since one was answered.
    pub(super) failing: Failing,
}

/// A load that brought nothing new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Load {
    /// It began then, and was answered with what there was.
    Answered { started: Timestamp },
    /// It brought no list at all.
    Failed,
}

impl Reload {
    /// A playlist that is loaded for the first time, by a load that began at `started`.
    pub(crate) fn first(started: Timestamp) -> Self {
        Self {
            changed: started,
            loaded: started,
            listed: started,
            in_vain: None,
            due: started,
            told: false,
            asked: Directives::default(),
            plain: false,
            profile: Profile::default(),
            age: None,
            broken: 0,
            failing: Failing::default(),
        }
    }

    /// A request is made: notes what it asks for.
    pub(crate) fn on_asked(&mut self, directives: Directives, now: Timestamp) {
        if now.since(self.due) > UNFOLLOWED {
            self.in_vain = None;
        }
        self.in_vain.get_or_insert(now);
        self.asked = directives;
        self.plain = false;
    }

    /// A load brought something new: the next one follows as much later as what is listed last is long (H116), or, if
    /// the server holds the request until there is more, at once (H125).
    pub(crate) fn on_changed(&mut self, started: Timestamp, now: Timestamp, last: MediaTime, blocks: bool) {
        (self.changed, self.loaded, self.listed, self.told) = (started, started, started, false);
        self.in_vain = None;
        if self.asked.blocks() {
            // What a held request brings is new as of its answer.
            self.changed = now;
            self.broken = 0;
        }
        self.due = if blocks { now } else { started + last.max(SHORTEST).to_duration() };
    }

    /// A load brought nothing new, or none at all: half a target duration is waited (H117), and a little longer by
    /// chance, so that those who wait for one server do not all come at once.
    pub(crate) fn on_unchanged(&mut self, started: Timestamp, now: Timestamp, target: MediaTime, draw: u64) {
        let half = target.mul_ratio(1, 2);
        let jitter = half.mul_ratio(i64::try_from(draw % 100).unwrap_or(0), 1000);
        // What was held has waited already, but its answer says that waiting does not help.
        let from = if self.asked.blocks() { now } else { started };
        self.due = from + (half + jitter).to_duration();
        self.plain = self.asked.blocks();
    }

    /// A playlist shows this of the profile of low latency.
    pub(crate) fn note_profile(&mut self, shown: Profile) {
        self.profile = self.profile.and(shown);
    }

    /// What the server has shown of it.
    pub(crate) fn profile(&self) -> Profile {
        self.profile
    }

    /// An answer came that is so many seconds old.
    pub(crate) fn note_age(&mut self, age: Option<u64>) {
        self.age = age;
    }

    /// How many seconds old the last answer was, if a cache kept it.
    pub(crate) fn age(&self) -> Option<u64> {
        self.age
    }

    /// A load that began at `started` says that all is as it was.
    pub(crate) fn on_same(&mut self, started: Timestamp) {
        self.listed = started;
    }

    /// For how long its server said, load by load, that all is as it was.
    pub(crate) fn stood_for(&self) -> Duration {
        self.listed.since(self.changed)
    }

    /// For how long nobody has said, as of `now`, what there is.
    pub(crate) fn unlisted_for(&self, now: Timestamp) -> Duration {
        now.since(self.listed)
    }

    /// The server asks to be left alone until then.
    pub(crate) fn not_before(&mut self, at: Timestamp) {
        self.due = self.due.max(at);
    }

    /// The server answered a request that it was to hold without anything new, or refused it.
    pub(crate) fn on_not_held(&mut self) {
        self.broken += u32::from(self.asked.blocks());
    }

    /// It is wanted whole, at once: what came could not be understood without what it left out (H124).
    pub(crate) fn whole_at_once(&mut self, now: Timestamp) {
        self.due = now;
        self.plain = true;
    }

    pub(crate) fn due(&self) -> Timestamp {
        self.due
    }

    /// When the last load began that brought anything.
    pub(crate) fn loaded(&self) -> Timestamp {
        self.loaded
    }

    /// Whether the next request is to ask for nothing special.
    pub(crate) fn is_plain(&self) -> bool {
        self.plain
    }

    /// Whether the server holds requests, as far as it has shown.
    pub(crate) fn may_block(&self) -> bool {
        self.broken < PATIENCE
    }

    /// For how long nothing new has come, as of `at`.
    pub(crate) fn unchanged_for(&self, at: Timestamp) -> Duration {
        at.since(self.changed)
    }

    /// For how long something new has been asked for in vain: what nobody follows is not waited for.
    pub(crate) fn in_vain_for(&self, now: Timestamp) -> Duration {
        self.in_vain.map_or(Duration::ZERO, |since| now.since(since))
    }

    /// For how long nothing new has been in it, as far as a load shows that is over now: one that was answered says so of all
    /// the time since something came last, one that failed says nothing of the time before it was asked for.
    pub(crate) fn seen_unchanged_for(&self, load: Load, now: Timestamp) -> Duration {
        match load {
            Load::Answered { started } => self.unchanged_for(started),
            Load::Failed => self.unchanged_for(now).min(self.in_vain_for(now)),
        }
    }

    /// Whether nothing new has been in it for so long that the server is impaired: each new segment follows within one and a
    /// half target durations (H118, HX10). True once for each time.
    pub(crate) fn becomes_stale(&mut self, unchanged: Duration, target: MediaTime) -> bool {
        let stale = unchanged >= target.mul_ratio(3, 2).to_duration();
        stale && !std::mem::replace(&mut self.told, stale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    const TARGET: MediaTime = MediaTime::from_secs(4);

    fn changed(reload: &mut Reload, started: u64, last: i64) {
        reload.on_changed(at(started), at(started + 50), MediaTime::from_millis(last), false);
    }

    fn unchanged(reload: &mut Reload, started: u64, draw: u64) {
        reload.on_unchanged(at(started), at(started + 50), TARGET, draw);
    }

    #[test]
    fn what_changed_is_loaded_again_after_its_last_segment_and_what_did_not_after_half_a_target_duration() {
        let mut reload = Reload::first(at(1000));
        changed(&mut reload, 1000, 3500);
        assert_eq!(reload.due(), at(4500));
        unchanged(&mut reload, 4500, 0);
        assert_eq!(reload.due(), at(6500));
        unchanged(&mut reload, 6500, 99);
        assert!(reload.due() > at(8500) && reload.due() < at(8700), "{:?}", reload.due());
        changed(&mut reload, 8600, 2000);
        assert_eq!(reload.due(), at(10_600));
    }

    #[test]
    fn a_server_is_impaired_after_one_and_a_half_target_durations_without_anything_new() {
        let mut reload = Reload::first(at(0));
        let stale = |reload: &mut Reload, started| {
            let unchanged = reload.seen_unchanged_for(Load::Answered { started: at(started) }, at(started + 50));
            reload.becomes_stale(unchanged, TARGET)
        };
        assert!(!stale(&mut reload, 4000));
        assert!(stale(&mut reload, 6000));
        assert!(!stale(&mut reload, 8000), "told already");
        changed(&mut reload, 9000, 4000);
        assert!(!stale(&mut reload, 13_000));
        assert!(stale(&mut reload, 15_000));
    }

    #[test]
    fn a_load_that_failed_says_nothing_of_the_time_before_it_was_asked_for() {
        let mut reload = Reload::first(at(0));
        changed(&mut reload, 1000, 4000);
        // It was not followed for a while.
        reload.on_asked(Directives::default(), at(60_000));
        assert_eq!(reload.seen_unchanged_for(Load::Failed, at(62_000)), Duration::from_secs(2));
        let answered = Load::Answered { started: at(60_000) };
        assert_eq!(reload.seen_unchanged_for(answered, at(62_000)), Duration::from_secs(59));
    }

    #[test]
    fn what_is_asked_for_in_vain_counts_from_when_it_was_asked_for_not_from_what_came_last() {
        let mut reload = Reload::first(at(0));
        changed(&mut reload, 1000, 4000);
        assert_eq!(reload.in_vain_for(at(90_000)), Duration::ZERO, "nobody asked");
        reload.on_asked(Directives::default(), at(90_000));
        reload.on_unchanged(at(90_000), at(91_000), TARGET, 0);
        reload.on_asked(Directives::default(), at(92_000));
        assert_eq!(reload.in_vain_for(at(100_000)), Duration::from_secs(10));
        // It was not followed for a while, and is again.
        reload.on_asked(Directives::default(), at(300_000));
        assert_eq!(reload.in_vain_for(at(301_000)), Duration::from_secs(1));
        changed(&mut reload, 300_000, 4000);
        assert_eq!(reload.in_vain_for(at(301_000)), Duration::ZERO);
    }

    #[test]
    fn what_a_server_holds_is_asked_for_again_at_once_and_what_it_does_not_hold_is_polled() {
        let blocking = Directives { until: Some((7, Some(1))), skip: None };
        let mut reload = Reload::first(at(0));
        reload.on_asked(blocking, reload.due());
        reload.on_changed(at(0), at(330), MediaTime::from_secs(4), true);
        assert_eq!((reload.due(), reload.unchanged_for(at(330))), (at(330), Duration::ZERO));
        for broken in 1..=PATIENCE {
            reload.on_asked(blocking, reload.due());
            reload.on_not_held();
            reload.on_unchanged(at(400), at(420), TARGET, 0);
            assert_eq!((reload.due(), reload.is_plain(), reload.may_block()), (at(2420), true, broken < PATIENCE));
        }
    }
}
