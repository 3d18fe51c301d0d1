//! Asking what time it is: which clock of an MPD, when, and what its answer means.

use std::time::Duration;

use telecine_model::clock::{
    parse_clock_text, ClockSample, ClockSource, Learnt, SyncInterval, UtcMethod, UtcSource, WallClock,
};
use telecine_model::{Timestamp, WallTime};

/// Between two questions lies so much at least, however often segments are missing.
const LEAST: Duration = Duration::from_secs(10);

/// `Date` says whole seconds.
const DATE_RESOLUTION: Duration = Duration::from_secs(1);

/// What an answer says of itself.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Answered {
    /// When it was asked for.
    pub(crate) sent: Timestamp,
    /// When its head came.
    pub(crate) head: Timestamp,
    /// When all of it was there.
    pub(crate) end: Timestamp,
    /// `Date`.
    pub(crate) date: Option<WallTime>,
    /// `Age`.
    pub(crate) age_s: Option<u64>,
    /// It is of a cache on the device, which does not say of when.
    pub(crate) cached: bool,
}

impl Answered {
    /// What its `Date` says.
    pub(crate) fn dated(&self, source: ClockSource) -> Option<ClockSample> {
        let date = self.date.filter(|_| !self.cached)?;
        Some(ClockSample::answer(source, date, DATE_RESOLUTION, [self.sent, self.head], self.age_s))
    }
}

/// A question to a clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) url: String,
    /// Only the head of the answer is wanted.
    pub(crate) head: bool,
}

/// The clocks of an MPD, and which of them is asked when.
///
/// Where none of them answers, or none is named, and while the one that is written into an MPD is not written anew, the server
/// of the MPD is asked for the head of it, which has a date: two clocks run apart, and one that was read once is good for
/// minutes and not for a day.
#[derive(Debug, Default)]
pub(crate) struct ClockSync {
    sources: Vec<UtcSource>,
    /// Where the MPD came from, if its head can be asked for.
    own: Option<String>,
    /// It is not asked for before, since it was asked for in vain: from time to time longer.
    own_after: Timestamp,
    own_wait: Duration,
    /// The head of the MPD is asked for, and not a clock.
    asks_own: bool,
    /// The time that is written into the known MPD was read.
    used: bool,
    /// The answer that brought the MPD, by which a time in it counts.
    mpd: Answered,
    /// The clock that is asked, or will be.
    nth: usize,
    asking: bool,
    /// Every clock was asked once, or one has answered.
    settled: bool,
    /// When to ask; None while nobody is to be asked.
    due: Option<Timestamp>,
    /// When a clock was read or asked last.
    read: Option<Timestamp>,
    interval: SyncInterval,
}

impl ClockSync {
    /// An MPD came from `url`, with these clocks. A refresh that names the same ones changes nothing but the time that is
    /// written in it.
    pub(crate) fn set(&mut self, sources: Vec<UtcSource>, url: &str, mpd: Answered, now: Timestamp) {
        let kind = |source: &UtcSource| match source {
            UtcSource::Direct(..) => None,
            UtcSource::Ask { method, url } => Some((*method, url.clone())),
        };
        let same =
            self.sources.len() == sources.len() && self.sources.iter().zip(&sources).all(|(a, b)| kind(a) == kind(b));
        let first = self.sources.is_empty() && !self.settled;
        // A time that was in the MPD before is of then: a patch leaves it as it is, and a cache.
        let stale = self.sources.get(self.nth) == sources.get(self.nth) && !first;
        (self.sources, self.mpd) = (sources, mpd);
        self.own = is_http(url).then(|| url.to_owned());
        let direct = matches!(self.sources.get(self.nth), Some(UtcSource::Direct(..))) && !stale;
        self.used &= !direct;
        if self.sources.is_empty() {
            // Its date was read with it.
            let wait = if first { LEAST } else { SyncInterval::SHORTEST };
            self.due = self.has_own().then_some(self.own_after.max(now + wait));
            self.nth = 0;
        } else if !same || first || direct {
            if !same {
                self.nth = 0;
            }
            self.due = Some(now);
        }
        self.settled |= self.sources.is_empty();
    }

    /// Reads a time that is in the MPD, and says whom to ask if somebody is to be asked now.
    pub(crate) fn poll(&mut self, clock: &mut WallClock, now: Timestamp) -> Option<Question> {
        while !self.asking && self.due.is_some_and(|due| due <= now) {
            match self.sources.get(self.nth) {
                Some(UtcSource::Direct(time, resolution)) if !self.used => {
                    // It was written before the head of the answer was.
                    let Answered { sent, head, age_s, .. } = self.mpd;
                    clock.learn(&ClockSample::answer(ClockSource::UtcTiming, *time, *resolution, [sent, head], age_s));
                    (self.settled, self.used) = (true, true);
                    self.read = Some(now);
                    // The next MPD brings the next time, if there is one.
                    self.due = Some(now + SyncInterval::SHORTEST);
                }
                None | Some(UtcSource::Direct(..)) => {
                    self.settled = true;
                    let own = self.own.clone().filter(|_| self.has_own() && self.own_after <= now);
                    let Some(url) = own else {
                        self.rest(now);
                        continue;
                    };
                    (self.asking, self.asks_own) = (true, true);
                    self.read = Some(now);
                    return Some(Question { url, head: true });
                }
                Some(UtcSource::Ask { method, url }) => {
                    self.asking = true;
                    self.read = Some(now);
                    return Some(Question { url: url.clone(), head: *method == UtcMethod::Head });
                }
            }
        }
        None
    }

    /// Whether the head of the MPD says what time it is.
    fn has_own(&self) -> bool {
        self.own.is_some() && self.mpd.date.is_some()
    }

    /// Nobody is left to be asked: the clocks that are named are asked again later, or the head of the MPD is.
    fn rest(&mut self, now: Timestamp) {
        let named = matches!(self.sources.first(), Some(UtcSource::Ask { .. }));
        self.nth = if named { 0 } else { self.nth };
        self.due = match named {
            true => Some(now + SyncInterval::SHORTEST),
            false => self.has_own().then_some(self.own_after.max(now + SyncInterval::SHORTEST)),
        };
    }

    /// A clock answered. None if its answer is no time: the next one is asked.
    pub(crate) fn on_answer(
        &mut self,
        clock: &mut WallClock,
        answered: &Answered,
        body: &[u8],
        now: Timestamp,
    ) -> Option<Learnt> {
        let head = matches!(self.sources.get(self.nth), Some(UtcSource::Ask { method: UtcMethod::Head, .. }));
        let sample = match (self.asks_own, head) {
            (true, _) => answered.dated(ClockSource::HttpDate),
            (_, true) => answered.dated(ClockSource::UtcTiming),
            _ => std::str::from_utf8(body).ok().filter(|_| !answered.cached).and_then(parse_clock_text).map(
                |(time, resolution)| {
                    let moments = [answered.sent, answered.end];
                    ClockSample::answer(ClockSource::UtcTiming, time, resolution, moments, answered.age_s)
                },
            ),
        };
        let Some(sample) = sample else {
            self.on_failure(now);
            return None;
        };
        let mut learnt = Learnt::Agreed(Duration::ZERO);
        if std::mem::take(&mut self.asks_own) {
            if !matches!(self.sources.get(self.nth), Some(UtcSource::Direct(..))) {
                // The clocks that are named are better, once they answer.
                self.nth = 0;
            }
            self.own_wait = Duration::ZERO;
            // A cache has kept it, and does not say for how long: it was right when it was written.
            let kept = clock.read(sample.at).is_some_and(|reading| sample.latest < reading.earliest);
            if !kept {
                learnt = clock.learn(&sample);
            }
        } else {
            learnt = clock.learn(&sample);
        }
        self.asking = false;
        self.settled = true;
        self.read = Some(now);
        self.due = Some(now + self.interval.after(learnt));
        Some(learnt)
    }

    /// The answer is not waited for any more: the same may be asked again.
    pub(crate) fn on_cancelled(&mut self, now: Timestamp) {
        if std::mem::take(&mut self.asking) {
            self.asks_own = false;
            self.due = Some(now);
        }
    }

    /// A clock did not answer: the next one is asked at once, and after the last the first again, later.
    pub(crate) fn on_failure(&mut self, now: Timestamp) {
        self.asking = false;
        if std::mem::take(&mut self.asks_own) {
            self.own_wait = self.own_wait.saturating_mul(2).clamp(SyncInterval::SHORTEST, SyncInterval::LONGEST);
            self.own_after = now + self.own_wait;
            return self.rest(now);
        }
        self.nth += 1;
        self.due = Some(now);
        if self.nth >= self.sources.len() {
            self.settled = true;
            if !self.has_own() || self.own_after > now {
                self.rest(now);
            }
        }
    }

    /// Something that should be there is not: the clock may be wrong, and is asked at once (D025).
    pub(crate) fn hurry(&mut self, now: Timestamp) {
        let recent = self.read.is_some_and(|read| now.since(read) < LEAST);
        let asks = matches!(self.sources.get(self.nth), Some(UtcSource::Ask { .. })) || self.has_own();
        if asks && !recent && !self.asking {
            self.due = Some(now);
        }
    }

    /// Whether the clock is as well known as it will be soon.
    pub(crate) fn is_settled(&self) -> bool {
        self.settled
    }

    /// When to poll again.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        self.due.filter(|_| !self.asking)
    }
}

fn is_http(url: &str) -> bool {
    let starts = |scheme: &str| url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    starts("http://") || starts("https://")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MPD: &str = "https://mpd/live.mpd";

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    fn ask(method: UtcMethod, url: &str) -> UtcSource {
        UtcSource::Ask { method, url: url.to_owned() }
    }

    fn question(url: &str, head: bool) -> Option<Question> {
        Some(Question { url: url.to_owned(), head })
    }

    fn answered(sent: u64, end: u64) -> Answered {
        Answered { sent: at(sent), head: at(end), end: at(end), ..Answered::default() }
    }

    /// The clocks in order: a HEAD, and two bodies.
    fn three() -> ClockSync {
        let mut sync = ClockSync::default();
        let sources = vec![
            ask(UtcMethod::Head, "https://a/"),
            ask(UtcMethod::XsDate, "https://b/"),
            ask(UtcMethod::Iso, "https://c/"),
        ];
        sync.set(sources, "data:", Answered::default(), at(0));
        sync
    }

    const NOON: &[u8] = b"2026-11-27T12:00:00.000Z\n";

    #[test]
    fn d022_clocks_are_asked_in_order_until_one_answers() {
        let (mut sync, mut clock) = (three(), WallClock::new());
        assert_eq!(sync.poll(&mut clock, at(0)), question("https://a/", true));
        assert_eq!(sync.poll(&mut clock, at(1)), None, "one at a time");
        sync.on_failure(at(100));
        assert_eq!(sync.poll(&mut clock, at(100)), question("https://b/", false));
        // An error page.
        assert_eq!(sync.on_answer(&mut clock, &answered(100, 150), b"<html>", at(150)), None);
        assert!(!sync.is_settled());
        assert_eq!(sync.poll(&mut clock, at(150)), question("https://c/", false));
        assert_eq!(sync.on_answer(&mut clock, &answered(150, 160), NOON, at(160)), Some(Learnt::Set));
        assert!(sync.is_settled() && clock.source() == Some(ClockSource::UtcTiming));
        // The one that answered is asked again, half a minute on and then more seldom.
        assert_eq!(sync.due(), Some(at(30_160)));
        assert_eq!(sync.poll(&mut clock, at(30_160)), question("https://c/", false));
        let later = b"2026-11-27T12:00:30.000Z";
        assert!(matches!(
            sync.on_answer(&mut clock, &answered(30_160, 30_170), later, at(30_170)),
            Some(Learnt::Agreed(_))
        ));
        assert_eq!(sync.due(), Some(at(90_170)));
    }

    #[test]
    fn d024_the_head_of_an_answer_says_its_date_and_its_age() {
        let (mut sync, mut clock) = (three(), WallClock::new());
        sync.poll(&mut clock, at(0));
        let noon = parse_clock_text("2026-11-27T12:00:00Z").expect("a date").0;
        let answer = Answered { date: Some(noon), age_s: Some(20), ..answered(0, 100) };
        sync.on_answer(&mut clock, &answer, b"", at(100));
        let reading = clock.read(at(100)).expect("set");
        assert_eq!(reading.earliest.as_micros() - noon.as_micros(), 20_000_000);
        assert_eq!(reading.uncertainty(), Duration::from_millis(1050));
    }

    #[test]
    fn d024_what_a_cache_of_the_device_gives_is_no_time() {
        let (mut sync, mut clock) = (three(), WallClock::new());
        let noon = parse_clock_text("2026-11-27T12:00:00Z").expect("a date").0;
        let cached = Answered { date: Some(noon), cached: true, ..answered(0, 1) };
        for _ in 0..3 {
            assert!(sync.poll(&mut clock, at(1)).is_some());
            assert_eq!(sync.on_answer(&mut clock, &cached, NOON, at(1)), None);
        }
        assert_eq!((clock.read(at(1)), cached.dated(ClockSource::HttpDate)), (None, None));
    }

    #[test]
    fn d023_when_no_clock_answers_playback_goes_on_and_they_are_asked_again() {
        let (mut sync, mut clock) = (three(), WallClock::new());
        for _ in 0..3 {
            assert!(sync.poll(&mut clock, at(10)).is_some());
            sync.on_failure(at(10));
        }
        assert!(sync.is_settled());
        assert_eq!((sync.poll(&mut clock, at(10)), sync.due()), (None, Some(at(30_010))));
        assert_eq!(sync.poll(&mut clock, at(30_010)), question("https://a/", true));
    }

    #[test]
    fn d023_a_time_in_the_mpd_is_of_when_the_mpd_was_made_and_each_refresh_brings_another() {
        let (mut sync, mut clock) = (ClockSync::default(), WallClock::new());
        let (noon, resolution) = parse_clock_text("2026-11-27T12:00:00.000Z").expect("a date");
        sync.set(vec![UtcSource::Direct(noon, resolution)], "data:", answered(0, 40), at(45));
        assert_eq!(sync.poll(&mut clock, at(45)), None);
        assert!(sync.is_settled());
        assert_eq!(clock.read(at(40)).expect("set").earliest, noon);
        let later = parse_clock_text("2026-11-27T12:00:02.000Z").expect("a date").0;
        sync.set(vec![UtcSource::Direct(later, resolution)], "data:", answered(2000, 2002), at(2002));
        sync.poll(&mut clock, at(2002));
        assert!(clock.read(at(2002)).expect("set").uncertainty() < Duration::from_millis(3), "narrowed");
        // One that was there before is of then: a patch leaves it as it is.
        let known = clock.clone();
        sync.set(vec![UtcSource::Direct(later, resolution)], "data:", answered(4000, 4002), at(4002));
        sync.poll(&mut clock, at(4002));
        assert_eq!(clock, known);
    }

    #[test]
    fn d025_segments_that_are_not_there_let_the_clock_be_asked_at_once_but_not_each_time() {
        let (mut sync, mut clock) = (three(), WallClock::new());
        sync.poll(&mut clock, at(0));
        let noon = parse_clock_text("2026-11-27T12:00:00Z").expect("a date").0;
        sync.on_answer(&mut clock, &Answered { date: Some(noon), ..answered(0, 10) }, b"", at(10));
        sync.hurry(at(5000));
        assert_eq!(sync.poll(&mut clock, at(5000)), None);
        sync.hurry(at(10_010));
        assert_eq!(sync.poll(&mut clock, at(10_010)), question("https://a/", true));
    }

    #[test]
    fn d022_a_refresh_with_the_same_clocks_changes_nothing_and_one_with_others_asks_them() {
        let (mut sync, mut clock) = (three(), WallClock::new());
        sync.poll(&mut clock, at(0));
        sync.on_failure(at(1));
        sync.poll(&mut clock, at(1));
        sync.on_answer(&mut clock, &answered(1, 2), NOON, at(2));
        let same = vec![
            ask(UtcMethod::Head, "https://a/"),
            ask(UtcMethod::XsDate, "https://b/"),
            ask(UtcMethod::Iso, "https://c/"),
        ];
        sync.set(same, "data:", answered(2000, 2010), at(2010));
        assert_eq!((sync.poll(&mut clock, at(2010)), sync.due()), (None, Some(at(30_002))));
        sync.set(vec![ask(UtcMethod::Iso, "https://d/")], "data:", answered(4000, 4010), at(4010));
        assert_eq!(sync.poll(&mut clock, at(4010)), question("https://d/", false));
        let (mut none, mut clock) = (ClockSync::default(), WallClock::new());
        none.set(Vec::new(), MPD, answered(0, 1), at(1));
        assert!(none.is_settled() && none.poll(&mut clock, at(1)).is_none());
    }
    #[test]
    fn d025_where_no_clock_is_named_the_head_of_the_mpd_is_asked_for_from_time_to_time() {
        let (mut sync, mut clock) = (ClockSync::default(), WallClock::new());
        let noon = parse_clock_text("2026-11-27T12:00:00Z").expect("a date").0;
        let date = |sent, end| Answered { date: Some(noon), ..answered(sent, end) };
        sync.set(Vec::new(), MPD, date(0, 10), at(10));
        assert_eq!((sync.poll(&mut clock, at(10)), sync.due()), (None, Some(at(10_010))));
        assert_eq!(sync.poll(&mut clock, at(10_010)), question(MPD, true));
        assert_eq!(sync.on_answer(&mut clock, &date(10_010, 10_030), b"", at(10_030)), Some(Learnt::Set));
        assert_eq!((clock.source(), sync.due()), (Some(ClockSource::HttpDate), Some(at(40_030))));
        // An MPD that comes has a date too.
        sync.set(Vec::new(), MPD, date(30_000, 30_010), at(30_010));
        assert_eq!(sync.due(), Some(at(60_010)));
        // Where that fails, it is asked for again, from time to time later.
        assert_eq!(sync.poll(&mut clock, at(60_010)), question(MPD, true));
        let mut dues = Vec::new();
        for _ in 0..7 {
            let asked = sync.due().unwrap_or(at(60_010));
            sync.on_failure(asked);
            let due = sync.due().expect("again");
            dues.push(due.since(asked).as_secs());
            assert_eq!((sync.poll(&mut clock, at(60_020)), sync.poll(&mut clock, due)), (None, question(MPD, true)));
        }
        assert_eq!(dues, [30, 60, 120, 240, 480, 600, 600]);
        // A file has no head, and an answer without a date says nothing.
        for (url, mpd) in [("file:///live.mpd", date(0, 10)), (MPD, answered(0, 10))] {
            let mut sync = ClockSync::default();
            sync.set(Vec::new(), url, mpd, at(10));
            assert_eq!((sync.due(), sync.is_settled()), (None, true));
        }
    }

    #[test]
    fn d025_while_no_clock_that_is_named_answers_the_date_of_the_mpd_serves() {
        let (mut sync, mut clock) = (ClockSync::default(), WallClock::new());
        let noon = parse_clock_text("2026-11-27T12:00:00Z").expect("a date").0;
        let mpd = Answered { date: Some(noon), ..answered(0, 10) };
        sync.set(vec![ask(UtcMethod::Iso, "https://a/")], MPD, mpd, at(10));
        assert_eq!(sync.poll(&mut clock, at(10)), question("https://a/", false));
        sync.on_failure(at(20));
        assert!(sync.is_settled());
        assert_eq!(sync.poll(&mut clock, at(20)), question(MPD, true));
        sync.on_answer(&mut clock, &Answered { date: Some(noon), ..answered(20, 30) }, b"", at(30));
        assert_eq!(clock.source(), Some(ClockSource::HttpDate));
        assert_eq!(
            sync.poll(&mut clock, at(30_030)),
            question("https://a/", false),
            "which is better, once it answers"
        );
    }

    #[test]
    fn d025_a_time_in_an_mpd_that_is_not_written_anew_is_followed_by_dates() {
        let (mut sync, mut clock) = (ClockSync::default(), WallClock::new());
        let (noon, resolution) = parse_clock_text("2026-11-27T12:00:00.000Z").expect("a date");
        let mpd = Answered { date: Some(noon), ..answered(0, 40) };
        sync.set(vec![UtcSource::Direct(noon, resolution)], MPD, mpd, at(40));
        assert_eq!((sync.poll(&mut clock, at(40)), sync.due()), (None, Some(at(30_040))));
        assert_eq!(sync.poll(&mut clock, at(30_040)), question(MPD, true));
        let half_past = WallTime::from_micros(noon.as_micros() + 30_000_000);
        sync.on_answer(&mut clock, &Answered { date: Some(half_past), ..answered(30_040, 30_050) }, b"", at(30_050));
        assert_eq!(clock.source(), Some(ClockSource::UtcTiming));
        assert!(sync.due().is_some_and(|due| due >= at(60_000)));
    }
}
