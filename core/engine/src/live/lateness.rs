//! How late media come, by what the MPD announces: publishers take their time, and encoders run slow.
//!
//! The clock of an MPD says when media will be there, and nothing says so of the clock of the encoder. One that runs slow by a
//! hundred millionths is 8.6 s late after a day, and then what the MPD says is made now lies behind what there is. Three
//! things tell how late media come: when those came that were waited for; the producer's own times, with the media (`prft`) or
//! in the MPD; and what was asked for in vain, which costs a request each time and is carried on from what came before, so
//! that it stays seldom.

use std::time::Duration;

use telecine_model::presentation::ProducerReferenceTime;
use telecine_model::{MediaTime, SegmentIndex, Timestamp, TrackKind, WallTime};

use crate::engine::Engine;
use crate::media::{container_time, FragmentTrack, ProducedFact};

/// What is later from so long after the start on is no way that the publisher takes, but an encoder that runs slow.
const SETTLED: Duration = Duration::from_secs(10);

/// Misses that follow each other so soon are of one cause.
const ONE_CAUSE: Duration = Duration::from_secs(10);

/// Between misses so far apart it shows how fast lateness grows...
const BASELINE: Duration = Duration::from_secs(300);

/// ... which is carried on for so many times the time over which it was seen,
const CARRIED_ON: u32 = 4;

/// and is no more than this, in millionths: quartz is better.
const FASTEST_PPM: i64 = 500;

/// Whoever was asked in vain is asked so much later from then on,
const STEP: MediaTime = MediaTime::from_millis(200);

/// or by this share of how late it was, if that is more and nothing is known of how that grows.
const STEP_SHARE: i64 = 8;

/// What came counts for so long, and for as long again at most.
const RECENT: Duration = Duration::from_secs(60);

/// What is later than everything before by more than this is the line's doing, unless what is made afterwards is too.
const SUDDEN: MediaTime = MediaTime::from_millis(500);

/// No encoder is so far from its MPD, either way: a producer's clock that says so is none, and what has not come by then
/// never will.
pub(super) const PLAUSIBLE: MediaTime = MediaTime::from_secs(60);

/// How late media come, all times counted from when they are announced.
#[derive(Clone, Debug, Default)]
pub(super) struct Lateness {
    /// When the title was loaded.
    began: Timestamp,
    missed: Option<Missed>,
    /// A kind of which something was asked for in vain that has not come yet, and what was known before.
    doubtful: Option<(TrackKind, Option<Missed>)>,
    /// What was waited for.
    came: Recent,
    /// The same by the host's clock, which is exact where the world's is hardly known: from the time that is announced, as a
    /// number, to that of the host's clock.
    arrived: Recent,
    /// When something came that was suddenly late: a line that was down for a while makes everything late, once.
    sudden: Option<Timestamp>,
    /// When it was made, by its producer's clock.
    made: Recent,
    /// The same by the MPD.
    stated: Option<Stated>,
    /// What the publisher takes of the delay for itself.
    usual: MediaTime,
}

/// What was asked for in vain.
#[derive(Clone, Copy, Debug)]
struct Missed {
    first: (Timestamp, MediaTime),
    last: (Timestamp, MediaTime),
    /// How fast lateness grows, in millionths, and over which time that was seen.
    growth: (i64, Duration),
}

impl Missed {
    /// It is at least so late, as it goes on.
    fn at(&self, now: Timestamp) -> MediaTime {
        let (ppm, seen) = self.growth;
        let passed = now.since(self.last.0).min(seen.saturating_mul(CARRIED_ON));
        self.last.1 + MediaTime::from_duration(passed).mul_ratio(ppm, 1_000_000)
    }
}

/// What the MPD says of how late something was made (ISO/IEC 23009-1, 5.12), some time ago: how late all is now is known
/// as well as its encoder keeps time.
#[derive(Clone, Copy, Debug)]
struct Stated {
    by: MediaTime,
    /// How old that was when it was read, and when it was.
    age: Duration,
    read: Timestamp,
}

impl Stated {
    /// The least and the most that it may be by now.
    fn bounds(&self, now: Timestamp) -> (MediaTime, MediaTime) {
        let age = self.age.saturating_add(now.since(self.read));
        let unsure = MediaTime::from_duration(age).mul_ratio(FASTEST_PPM, 1_000_000);
        (self.by - unsure, self.by + unsure)
    }
}

/// The least and the most of the last minute or two.
#[derive(Clone, Copy, Debug, Default)]
struct Recent([Option<Span>; 2]);

#[derive(Clone, Copy, Debug)]
struct Span {
    since: Timestamp,
    least: MediaTime,
    most: MediaTime,
}

impl Recent {
    fn add(&mut self, least: MediaTime, most: MediaTime, now: Timestamp) {
        let fresh = Span { since: now, least, most };
        match &mut self.0[0] {
            Some(span) if now.since(span.since) < RECENT => {
                (span.least, span.most) = (span.least.min(least), span.most.max(most));
            }
            span => {
                let before = span.replace(fresh);
                self.0[1] = before;
            }
        }
    }

    fn least(&self) -> Option<MediaTime> {
        self.0.iter().flatten().map(|span| span.least).min()
    }

    fn most(&self) -> Option<MediaTime> {
        self.0.iter().flatten().map(|span| span.most).max()
    }
}

impl Lateness {
    /// Of a title that is loaded now.
    pub(super) fn since(now: Timestamp) -> Self {
        Self { began: now, ..Self::default() }
    }

    /// Something of a kind was asked for so late, and it was not there. `delay` is how far behind the edge playback is to be.
    pub(super) fn missed(&mut self, kind: TrackKind, by: MediaTime, delay: MediaTime, now: Timestamp) {
        let by = by.max(MediaTime::ZERO);
        self.doubtful.get_or_insert((kind, self.missed));
        match &mut self.missed {
            None => self.missed = Some(Missed { first: (now, by), last: (now, by), growth: (0, Duration::ZERO) }),
            Some(missed) if now.since(missed.last.0) < ONE_CAUSE => missed.last = (now, by.max(missed.at(now))),
            Some(missed) => {
                missed.last = (now, by.max(missed.last.1));
                let passed = now.since(missed.first.0);
                if passed >= BASELINE {
                    let micros = i64::try_from(passed.as_micros()).unwrap_or(i64::MAX).max(1);
                    let grown = (missed.last.1 - missed.first.1).mul_ratio(1_000_000, micros).as_micros();
                    missed.growth = (grown.clamp(0, FASTEST_PPM), passed);
                }
            }
        }
        self.settle(delay, now);
    }

    /// What was asked for in vain of a kind came after all: it was late.
    pub(super) fn confirmed(&mut self, kind: TrackKind) {
        self.doubtful.take_if(|(doubtful, _)| *doubtful == kind);
    }

    /// It never came: it says nothing of what will.
    pub(super) fn given_up(&mut self, kind: TrackKind) {
        if let Some((_, before)) = self.doubtful.take_if(|(doubtful, _)| *doubtful == kind) {
            self.missed = before;
        }
    }

    /// Whether something of a kind was asked for in vain that is to come.
    pub(super) fn is_doubtful(&self, kind: TrackKind) -> bool {
        self.doubtful.is_some_and(|(doubtful, _)| doubtful == kind)
    }

    /// What was waited for came so late, by the world's clock and by the host's.
    pub(super) fn came(&mut self, by: MediaTime, arrived: MediaTime, delay: MediaTime, now: Timestamp) {
        if self.came.most().is_some_and(|most| by > most + SUDDEN) {
            let announced = now - by.to_duration();
            let since = *self.sudden.get_or_insert(now);
            if announced <= since {
                return;
            }
        }
        self.sudden = None;
        self.came.add(by, by, now);
        self.arrived.add(arrived, arrived, now);
        self.settle(delay, now);
    }

    /// When what is announced for a time can be asked for by how its like came, whatever the world's clock shows. None where
    /// nothing was waited for yet, or something was asked for in vain.
    pub(super) fn can_be_asked_for(&self, announced: WallTime) -> Option<Timestamp> {
        let arrived = self.arrived.most().filter(|_| self.missed.is_none())?;
        let at = MediaTime::from_micros(announced.as_micros()) + arrived;
        Some(Timestamp::from_micros(u64::try_from(at.as_micros()).unwrap_or(0)))
    }

    /// What was listed was seen so late: it may have been there before.
    pub(super) fn listed(&mut self, by: MediaTime, delay: MediaTime, now: Timestamp) {
        self.came.add(by, MediaTime::ZERO, now);
        self.settle(delay, now);
    }

    /// What came was made so late, by its producer's clock.
    pub(super) fn made(&mut self, by: MediaTime, now: Timestamp) {
        self.made.add(by, by, now);
    }

    /// The newest that the MPD says of it: something was made so late, so long ago.
    pub(super) fn stated(&mut self, newest: Option<(MediaTime, Duration)>, now: Timestamp) {
        self.stated = newest.map(|(by, age)| Stated { by, age, read: now });
    }

    /// What is late from the beginning is what the publisher takes, up to a quarter of the delay. More than half of it no
    /// publisher takes: that is all the encoder's.
    fn settle(&mut self, delay: MediaTime, now: Timestamp) {
        if now.since(self.began) < SETTLED {
            let (late, delay) = (self.least(now).max(MediaTime::ZERO), delay.max(MediaTime::ZERO));
            let own = late > delay.mul_ratio(1, 2);
            self.usual = if own { MediaTime::ZERO } else { late.min(delay.mul_ratio(1, 4)) };
        }
    }

    /// Everything is at least so late.
    fn least(&self, now: Timestamp) -> MediaTime {
        let missed = || self.missed.map(|missed| missed.at(now));
        self.came.least().or_else(missed).unwrap_or_default()
    }

    /// How much later than announced to ask for what is computed and not listed.
    pub(super) fn ask_after(&self, now: Timestamp) -> MediaTime {
        self.known_missing(now).max(self.came.most().unwrap_or_default())
    }

    /// How much later than announced to ask for anything.
    pub(super) fn known_missing(&self, now: Timestamp) -> MediaTime {
        ask_behind(self.missed, now)
    }

    /// How late what is asked for may be by what is certain: what was asked for in vain and has not come may never do so.
    pub(super) fn certain(&self, now: Timestamp) -> MediaTime {
        let missed = self.doubtful.map_or(self.missed, |(_, before)| before);
        ask_behind(missed, now).max(self.came.most().unwrap_or_default())
    }

    /// How far what is made lies behind where the MPD has it: whatever is counted from there is counted from so much before.
    /// A producer that is ahead is not followed: nothing may be asked for before it is announced.
    pub(super) fn lag(&self, now: Timestamp) -> MediaTime {
        let by_media = self.least(now) - self.usual;
        // Nothing comes before it was made: a clock that says so is wrong.
        let can_be = |made: MediaTime| self.came.least().is_none_or(|came| made <= came);
        let lag = match (self.made.least(), self.stated.map(|stated| stated.bounds(now))) {
            (Some(made), _) if can_be(made) => made,
            (_, Some((least, most))) if can_be(least) => by_media.clamp(least, most),
            _ => by_media,
        };
        lag.max(MediaTime::ZERO)
    }
}

fn ask_behind(missed: Option<Missed>, now: Timestamp) -> MediaTime {
    missed.map_or(MediaTime::ZERO, |missed| {
        let late = missed.at(now);
        let unsure = if missed.growth.0 > 0 { MediaTime::ZERO } else { late.mul_ratio(1, STEP_SHARE) };
        (late + STEP.max(unsure)).min(PLAUSIBLE)
    })
}

impl Engine {
    /// A fragment of a kind's segment came; its first bytes came at `waited`, if the source had nothing before.
    pub(crate) fn see_arrival(&mut self, kind: TrackKind, found: &[FragmentTrack], waited: Option<Timestamp>) {
        let came = waited.and_then(|at| self.came_at(kind, found, at));
        let now = self.now;
        let Some(dash) = &mut self.title.live.dash else { return };
        dash.flows = true;
        dash.late.confirmed(kind);
        if let Some((by, arrived)) = came {
            dash.late.came(by, arrived, dash.delay, now);
        }
    }

    /// How much later than announced the end of a fragment came at a moment, by the world's clock and by the host's.
    fn came_at(&self, kind: TrackKind, found: &[FragmentTrack], at: Timestamp) -> Option<(MediaTime, MediaTime)> {
        let stream = self.streams.get(&kind)?;
        let fetch = stream.fetch.as_ref()?;
        let mut own = self.init_of(stream, fetch)?.tracks.iter().filter(|track| track.kind == kind);
        let end = own.find_map(|track| {
            let part = found.iter().find(|part| part.id == track.id)?;
            Some(container_time(track, part.end))
        })?;
        // Pictures that are coded in another order than they are shown in reach a little further.
        let end = (end + self.stated_offset(fetch)?).min(fetch.end);
        let reading = self.dash_live()?.clock.read(self.now)?;
        let announced = self.availability(reading)?.wall_time_of(end);
        let arrived =
            MediaTime::from_duration(at.since(Timestamp::ZERO)) - MediaTime::from_micros(announced.as_micros());
        Some((self.announced_at(at)? - end, arrived))
    }

    /// The producer says when something was made.
    pub(crate) fn see_produced(&mut self, kind: TrackKind, fact: ProducedFact) {
        let by = || {
            let stream = self.streams.get(&kind)?;
            let fetch = stream.fetch.as_ref()?;
            let track = self.init_of(stream, fetch)?.tracks.iter().find(|track| track.id == fact.track)?;
            let media = container_time(track, fact.time) + self.stated_offset(fetch)?;
            Some(self.announced_by(fact.made)? - media)
        };
        let by = by().filter(|by| by.abs_diff(MediaTime::ZERO) <= PLAUSIBLE);
        let now = self.now;
        if let (Some(by), Some(dash)) = (by, &mut self.title.live.dash) {
            dash.late.made(by, now);
        }
    }

    /// The MPD says when something was made: of all that it says and that can be, the newest counts.
    pub(crate) fn see_stated(&mut self) {
        let stated = self.newest_stated();
        let now = self.now;
        if let Some(dash) = &mut self.title.live.dash {
            dash.late.stated(stated, now);
        }
    }

    /// How late that was made, and how long ago.
    fn newest_stated(&self) -> Option<(MediaTime, Duration)> {
        let presentation = self.title.presentation.as_ref()?;
        let named = self.service_of(presentation).and_then(|service| service.latency_reference.as_deref());
        let time = self.dash_live()?.clock.read(self.now)?.time();
        let judged = |index: &SegmentIndex, reference: &ProducerReferenceTime| {
            let made = reference.wall_clock?;
            let media = index.time_of(i64::try_from(reference.presentation_ticks).ok()?);
            let (by, age) = (self.announced_by(made)? - media, time.since(made));
            // What is yet to be made says nothing.
            let can_be = by.abs_diff(MediaTime::ZERO) <= PLAUSIBLE && age >= MediaTime::ZERO;
            can_be.then(|| (by, age.to_duration()))
        };
        let renditions = presentation.periods.iter().flat_map(|p| &p.tracks).flat_map(|track| &track.renditions);
        let known = renditions.filter_map(|rendition| Some((rendition.segments.known()?, &rendition.producer_times)));
        let all = known.flat_map(|(index, times)| times.iter().map(move |time| (index, time)));
        let meant = all.filter(|(_, time)| named.is_none_or(|named| named == time.id));
        meant.filter_map(|(index, time)| judged(index, time)).min_by_key(|(_, age)| *age)
    }

    /// How much later than announced media may come, by what is known of that.
    pub(super) fn may_be_late(&self) -> MediaTime {
        self.dash_live().map_or(MediaTime::ZERO, |dash| dash.late.ask_after(self.now))
    }

    /// What the MPD has made at a moment.
    fn announced_at(&self, at: Timestamp) -> Option<MediaTime> {
        self.announced_by(self.dash_live()?.clock.read(at)?.time())
    }

    /// What the MPD has made at a time of the world's clock.
    fn announced_by(&self, time: WallTime) -> Option<MediaTime> {
        let reading = self.dash_live()?.clock.read(self.now)?;
        Some(self.availability(reading)?.produced(time))
    }

    /// A newer version of the MPD lists more: so late, at most. One that a cache has kept lists what there was when it was made,
    /// which `@publishTime` tells of those that are made anew for each segment.
    pub(super) fn see_listed(&mut self, at: Timestamp) {
        let timing = self.title.presentation.as_ref().and_then(|presentation| presentation.dash.as_ref());
        let published = timing.and_then(|timing| self.announced_by(timing.publish_time?));
        let by = self.listed_until().and_then(|end| {
            let seen = self.announced_at(at)?;
            Some(published.filter(|made| *made >= end).map_or(seen, |made| made.min(seen)) - end)
        });
        let now = self.now;
        if let (Some(by), Some(dash)) = (by, &mut self.title.live.dash) {
            dash.late.listed(by, dash.delay, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIDEO: TrackKind = TrackKind::Video;
    const DELAY: MediaTime = MediaTime::from_secs(6);

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn ms(millis: i64) -> MediaTime {
        MediaTime::from_millis(millis)
    }

    /// Misses of a day beside an encoder that runs slow and was `before` late when it began, if each segment is asked for
    /// as late as is known: when, and how late that was.
    fn a_day(ppm: i64, before: MediaTime, late: &mut Lateness) -> Vec<(u64, MediaTime)> {
        let mut missed = Vec::new();
        for second in (0..86_400).step_by(2) {
            let now = at(second);
            let true_one = before + MediaTime::from_secs(second as i64).mul_ratio(ppm, 1_000_000);
            let mut asked = late.ask_after(now).max(ms(500));
            while asked < true_one {
                late.missed(VIDEO, asked, DELAY, now);
                missed.push((second, asked));
                asked += ms(500);
            }
        }
        missed
    }

    #[test]
    fn an_encoder_that_runs_slow_is_missed_a_few_times_a_day_and_each_time_for_longer_not() {
        let mut late = Lateness::default();
        let missed = a_day(100, MediaTime::ZERO, &mut late);
        assert!((1..=6).contains(&missed.len()), "{missed:?}");
        let lag = late.lag(at(86_400));
        assert!((ms(7500)..=ms(9500)).contains(&lag), "8.64 s: {lag}");
    }

    #[test]
    fn an_encoder_that_keeps_time_is_never_missed_and_nothing_is_added() {
        let mut late = Lateness::default();
        assert_eq!(a_day(0, ms(300), &mut late), []);
        assert_eq!((late.lag(at(86_400)), late.ask_after(at(86_400))), (MediaTime::ZERO, MediaTime::ZERO));
    }

    #[test]
    fn two_misses_say_no_more_than_they_show() {
        // Half a second at once, and nothing more ever: what is taken for a growth ends.
        let mut late = Lateness::default();
        late.missed(VIDEO, ms(500), DELAY, at(1000));
        late.missed(VIDEO, ms(700), DELAY, at(2000));
        assert_eq!(late.known_missing(at(2000)), ms(900));
        assert_eq!(late.known_missing(at(86_400)), late.known_missing(at(6000)));
        assert!(late.known_missing(at(86_400)) <= ms(2000));
        // Nor are misses in a row a growth.
        let mut late = Lateness::default();
        late.missed(VIDEO, ms(500), DELAY, at(1000));
        late.missed(VIDEO, ms(1000), DELAY, at(1001));
        assert_eq!(late.known_missing(at(86_400)), ms(1200));
    }

    #[test]
    fn what_is_late_from_the_beginning_is_the_publishers_way_and_what_is_added_is_a_lag() {
        let mut late = Lateness::default();
        late.came(ms(400), MediaTime::ZERO, DELAY, at(0));
        late.came(ms(300), MediaTime::ZERO, DELAY, at(5));
        assert_eq!((late.lag(at(5)), late.ask_after(at(5))), (MediaTime::ZERO, ms(400)));
        for minute in 1..=60 {
            late.came(ms(300 + 10 * minute), MediaTime::ZERO, DELAY, at(60 * minute as u64));
        }
        let lag = late.lag(at(3600));
        assert!((ms(550)..=ms(600)).contains(&lag), "{lag}");
        for (by, lag) in [(1000, 0), (2000, 500), (6000, 6000)] {
            let mut late = Lateness::default();
            late.missed(VIDEO, ms(by), DELAY, at(0));
            assert_eq!(late.lag(at(0)), ms(lag));
        }
    }

    #[test]
    fn a_publisher_that_was_late_once_is_so_no_longer_after_two_minutes() {
        let mut late = Lateness::default();
        late.came(ms(2000), MediaTime::ZERO, DELAY, at(0));
        late.came(ms(100), MediaTime::ZERO, DELAY, at(1));
        assert_eq!(late.ask_after(at(1)), ms(2000));
        (1..=130).for_each(|second| late.came(ms(100), MediaTime::ZERO, DELAY, at(second)));
        assert_eq!(late.ask_after(at(130)), ms(100));
    }

    #[test]
    fn a_line_that_was_down_for_a_while_is_no_publisher_that_is_late() {
        let mut late = Lateness::default();
        late.came(ms(100), MediaTime::ZERO, DELAY, at(0));
        // All that was made meanwhile comes at once.
        for by in [3000, 2500, 2000, 1000] {
            late.came(ms(by), MediaTime::ZERO, DELAY, at(60));
        }
        late.came(ms(100), MediaTime::ZERO, DELAY, at(61));
        assert_eq!(late.ask_after(at(61)), ms(100));
        // A publisher that has become late goes on to be.
        for second in 62..64 {
            late.came(ms(3000), MediaTime::ZERO, DELAY, at(second));
            assert_eq!(late.ask_after(at(second)), ms(100), "{second}");
        }
        late.came(ms(3000), MediaTime::ZERO, DELAY, at(66));
        assert_eq!(late.ask_after(at(66)), ms(3000));
    }

    #[test]
    fn what_was_waited_for_tells_when_the_next_can_be_asked_for_by_the_hosts_clock_alone() {
        let announced = |seconds: i64| WallTime::from_micros(seconds * 1_000_000);
        let arrived = |host: i64, seconds: i64| ms(host) - MediaTime::from_secs(seconds);
        let mut late = Lateness::default();
        assert_eq!(late.can_be_asked_for(announced(1_000_010)), None, "nothing has come");
        late.came(ms(450), arrived(5_100, 1_000_000), DELAY, at(5));
        late.came(ms(480), arrived(7_130, 1_000_002), DELAY, at(7));
        // Whatever the world's clock was taken for: by the later of the two.
        assert_eq!(late.can_be_asked_for(announced(1_000_010)), Some(Timestamp::from_millis(15_130)));
        late.missed(VIDEO, ms(0), DELAY, at(9));
        assert_eq!(late.can_be_asked_for(announced(1_000_010)), None, "it was too early");
    }

    #[test]
    fn of_what_never_comes_nothing_is_learnt() {
        let mut late = Lateness::default();
        late.missed(VIDEO, ms(500), DELAY, at(100));
        late.confirmed(VIDEO);
        for half in 0..4 {
            late.missed(VIDEO, ms(500 + 500 * half), DELAY, at(1000));
            // Sound goes on to come.
            late.confirmed(TrackKind::Audio);
        }
        assert_eq!((late.known_missing(at(1002)), late.certain(at(1002))), (ms(2250), ms(700)));
        late.given_up(VIDEO);
        assert_eq!(late.known_missing(at(1002)), ms(700));
    }

    #[test]
    fn the_producers_clock_says_how_far_the_encoder_lags_unless_it_cannot_be_right() {
        let mut late = Lateness::default();
        late.came(ms(2700), MediaTime::ZERO, DELAY, at(0));
        late.made(ms(2500), at(0));
        assert_eq!(late.lag(at(0)), ms(2500), "all of it");
        // Media that came before they were made.
        let mut late = Lateness::default();
        late.came(ms(200), MediaTime::ZERO, DELAY, at(0));
        late.made(ms(3_600_000), at(0));
        assert_eq!(late.lag(at(0)), MediaTime::ZERO);
        // One that runs fast is ahead of what may be asked for.
        let mut late = Lateness::default();
        late.made(ms(-2500), at(0));
        assert_eq!(late.lag(at(0)), MediaTime::ZERO);
    }

    #[test]
    fn what_the_mpd_states_counts_as_well_as_an_encoder_keeps_time() {
        let hour = Duration::from_secs(3600);
        let come_by = |by| {
            let mut late = Lateness::default();
            late.came(ms(by), MediaTime::ZERO, DELAY, at(0));
            late
        };
        // A publisher that holds back what was made in time.
        let mut late = come_by(4000);
        assert_eq!(late.lag(at(0)), ms(4000), "where nothing is stated");
        late.stated(Some((ms(0), Duration::from_secs(10))), at(0));
        assert_eq!(late.lag(at(0)), ms(5), "10 s at 500 millionths");
        late.stated(Some((ms(0), hour)), at(0));
        assert_eq!(late.lag(at(0)), ms(1800));
        // An encoder that is behind, of which nothing has come.
        let mut late = Lateness::default();
        late.stated(Some((ms(2500), Duration::ZERO)), at(0));
        assert_eq!((late.lag(at(0)), late.lag(at(100))), (ms(2500), ms(2450)));
        // Media that came before they were made, and a producer that goes with its media.
        let mut late = come_by(200);
        late.stated(Some((ms(3000), Duration::ZERO)), at(0));
        assert_eq!(late.lag(at(0)), MediaTime::ZERO);
        late.stated(Some((ms(0), Duration::ZERO)), at(0));
        late.made(ms(150), at(0));
        assert_eq!(late.lag(at(0)), ms(150));
    }
}
