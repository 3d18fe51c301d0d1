//! The link's rate behind transfers that are held back by their source.
//!
//! A segment that is still being made comes as bursts with idle time between, and a part at the live
//! edge is one small burst. What tells the link's rate is how fast bytes follow each other *within*
//! a burst. TCP idles within bursts too, while its window is small, so the idle time is told from
//! the bytes alone: some arrive at the link's rate, some much more slowly, and none faster.

use std::time::Duration;

use telecine_model::Timestamp;

use crate::estimate::TransferId;
use telecine_model::SortedMap;

/// Bytes that come so soon after others came with them: nothing is known of their time.
const TOGETHER: Duration = Duration::from_millis(1);
/// Bytes that make a sample, if there are enough steps among them to tell idle ones from others.
const SAMPLE_BYTES: u64 = 64_000;
const SAMPLE_STEPS: usize = 6;
/// Bytes that make a sample whatever the steps.
const ENOUGH_BYTES: u64 = 512_000;
/// Steps are counted no further than this.
const MAX_STEPS: usize = 512;
/// What is older is no part of a sample.
const MAX_AGE: Duration = Duration::from_secs(15);
/// Steps shorter than this are taken together: a host that reads a little late and then a little
/// early makes no difference.
const SHORT: f64 = 0.004;
/// Of all bytes at least so many arrive with no idle time before them...
const BUSY_BYTES: f64 = 0.1;
/// ... and a step at less than this share of their rate had idle time in it,
const IDLE_BELOW: f64 = 0.6;
/// unless it is longer than at that rate by no more than so many bytes take: a packet or two are
/// late or early for other reasons.
const SLACK_BYTES: f64 = 3_000.0;
/// That is no more than this, in seconds.
const SLACK: f64 = 0.04;
/// After a wait of the source for more than this...
const WAIT: Duration = Duration::from_millis(20);
/// ... and after so long without one, TCP's window is no limit any more: all time is busy.
const FLOW: Duration = Duration::from_millis(250);
/// Between two reads of a transfer that are so near to each other its bytes came evenly, as far as anybody knows.
const READ: Duration = Duration::from_millis(100);
/// Between two reads of a transfer no more than this counts where nothing tells idle time from other.
const LONGEST_PAUSE: Duration = Duration::from_millis(20);
/// A transfer that is held back and went so long without a byte has ended, even if nobody said so.
const DEAD_AFTER: Duration = Duration::from_secs(60);
/// Held-back transfers that are watched at once; beyond this the oldest is forgotten.
const MAX_PACED: usize = 64;

/// Bytes, and the time since the bytes before them.
#[derive(Clone, Copy, Debug)]
struct Step {
    bytes: u64,
    seconds: f64,
    /// The source is known not to have waited for long.
    flowing: bool,
}

impl Step {
    fn rate(&self) -> f64 {
        self.bytes as f64 / self.seconds
    }
}

/// What a number of steps say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// Bits a second within bursts.
    pub(crate) rate: f64,
    /// From the first step to the last, idle time included, in seconds.
    pub(crate) span: f64,
}

/// Watches the bytes of all transfers while there is one that is held back.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bursts {
    paced: SortedMap<TransferId, Paced>,
    steps: Vec<Step>,
    bytes: u64,
    began: Timestamp,
    /// When bytes came last.
    last: Option<Timestamp>,
    /// Whether nothing is known of the time of what comes together with the last bytes.
    untimed: bool,
    /// When a burst was first heard of.
    burst: Timestamp,
    /// Bytes that the next step has besides its own.
    pending: u64,
    /// Whose bytes came last, if it goes on.
    owner: Option<TransferId>,
    /// Bytes of another transfer since.
    aside: Option<Aside>,
    /// When the source waited last, as far as it is told.
    waited: Timestamp,
}

/// What is known of the source of a transfer that is held back.
#[derive(Clone, Copy, Debug, Default)]
struct Paced {
    /// It tells when it has no more.
    told: bool,
    /// It had no more when it was heard last.
    idle: bool,
    heard: Option<Timestamp>,
    bytes: u64,
    /// The time that bytes took, long pauses shortened.
    active: Duration,
}

impl Paced {
    fn hear(&mut self, bytes: u64, now: Timestamp) {
        let pause = self.heard.map_or(LONGEST_PAUSE, |heard| now.since(heard).min(LONGEST_PAUSE));
        self.active = self.active.saturating_add(pause);
        self.bytes = self.bytes.saturating_add(bytes);
        self.heard = Some(now);
    }
}

/// What one transfer says by itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whole {
    /// Bits a second, about.
    pub(crate) rate: f64,
    /// The time in which they came, in seconds.
    pub(crate) seconds: f64,
}

/// Bytes that came while another transfer's were on their way too.
#[derive(Clone, Copy, Debug)]
struct Aside {
    id: TransferId,
    bytes: u64,
    at: Timestamp,
}

impl Bursts {
    /// A transfer is held back.
    pub(crate) fn watch(&mut self, id: TransferId) {
        if self.paced.is_empty() {
            self.last = None;
        }
        if self.paced.len() >= MAX_PACED && !self.paced.contains_key(&id) {
            self.paced.pop_first();
        }
        self.paced.entry(id).or_default();
    }

    /// Whether there is a transfer that is held back.
    pub(crate) fn is_watching(&self) -> bool {
        !self.paced.is_empty()
    }

    /// A transfer ended. Where it is one that is held back, what it says by itself, however short its
    /// bursts were: on a link so fast that each comes at once nothing else is ever known.
    pub(crate) fn end(&mut self, id: TransferId) -> Option<Whole> {
        self.disown(id);
        let paced = self.paced.remove(&id)?;
        let seconds = paced.active.max(LONGEST_PAUSE).as_secs_f64();
        Some(Whole { rate: paced.bytes as f64 * 8.0 / seconds, seconds })
    }

    /// A transfer is not held back any more.
    pub(crate) fn release(&mut self, id: TransferId) {
        self.disown(id);
        self.paced.remove(&id);
    }

    /// A chunk of a transfer is complete; whether the source had more at that time.
    pub(crate) fn chunk(&mut self, id: TransferId, more: bool) {
        let Some(paced) = self.paced.get_mut(&id) else { return };
        paced.told = true;
        paced.idle = !more;
        if !more {
            self.disown(id);
        }
    }

    /// Whether a transfer is known to wait for its source.
    pub(crate) fn is_idle(&self, id: TransferId) -> bool {
        self.paced.get(&id).is_some_and(|paced| paced.idle)
    }

    /// Nothing of a transfer is on its way any more.
    fn disown(&mut self, id: TransferId) {
        if self.owner == Some(id) {
            self.settle();
            self.owner = self.owner.filter(|owner| *owner != id);
        }
    }

    /// `bytes` more of a transfer arrived. `first` tells its first call; `shared`, that others are
    /// under way that do not wait for their source.
    pub(crate) fn heard(&mut self, id: TransferId, bytes: u64, now: Timestamp, first: bool, shared: bool) {
        if bytes == 0 && !first {
            return;
        }
        if first {
            self.paced.retain(|_, paced| now.since(*paced.heard.get_or_insert(now)) < DEAD_AFTER);
        }
        let mut starts = first;
        let mut before = None;
        if let Some(paced) = self.paced.get_mut(&id) {
            before = paced.heard;
            starts |= std::mem::take(&mut paced.idle);
            paced.hear(bytes, now);
        }
        let Some(last) = self.last.filter(|last| *last <= now) else {
            self.waited = now;
            return self.begin(id, now);
        };
        if starts {
            if now.since(last) > WAIT {
                self.waited = now;
            }
            // When this burst was sent is not known. The link carried it among what others get.
            if shared {
                self.pending = self.pending.saturating_add(bytes);
            } else {
                self.begin(id, now);
            }
            return;
        }
        // Of what is read in large pieces, part arrived before another transfer's bytes did. So only
        // a transfer's own reads part its time, unless another one is read twice meanwhile.
        if let Some(aside) = &mut self.aside {
            if aside.id != id || now.since(aside.at) < TOGETHER {
                aside.bytes = aside.bytes.saturating_add(bytes);
                if self.owner == Some(id) {
                    let bytes = aside.bytes;
                    self.aside = None;
                    self.count(id, bytes, now);
                }
                return;
            }
            self.settle();
        } else if self.owner.is_some_and(|owner| owner != id) {
            let bytes = bytes - self.count_early(bytes, before, now);
            if now.since(last) < TOGETHER {
                self.join(bytes, now);
            } else {
                self.aside = Some(Aside { id, bytes, at: now });
            }
            return;
        }
        let bytes = bytes - self.count_early(bytes, before, now);
        self.count(id, bytes, now);
    }

    /// Of bytes that a transfer brought since it was read before, those that came before others were read last belong to the
    /// steps before that: else what is read in pieces of a few packets makes the link look several times as fast, where a
    /// piece comes right behind another transfer's. How many.
    fn count_early(&mut self, bytes: u64, before: Option<Timestamp>, now: Timestamp) -> u64 {
        let flows = |(before, last): &(Timestamp, Timestamp)| before < last && now.since(*before) < READ;
        let Some((before, last)) = before.zip(self.last).filter(flows) else { return 0 };
        let all = now.since(before).as_secs_f64();
        let part = |seconds: f64| (bytes as f64 * seconds / all) as u64;
        let mut left = last.since(before).as_secs_f64();
        let early = part(left).min(bytes);
        if !self.untimed {
            for step in self.steps.iter_mut().rev() {
                let came = part(left.min(step.seconds));
                step.bytes = step.bytes.saturating_add(came);
                self.bytes = self.bytes.saturating_add(came);
                left -= step.seconds;
                if left <= 0.0 {
                    break;
                }
            }
        }
        early
    }

    /// What was heard aside parts the time after all.
    fn settle(&mut self) {
        if let Some(aside) = self.aside.take() {
            self.count(aside.id, aside.bytes, aside.at);
        }
    }

    /// A step ends here.
    fn count(&mut self, id: TransferId, bytes: u64, now: Timestamp) {
        self.owner = Some(id);
        let Some(last) = self.last else { return };
        let passed = now.since(last);
        if passed < TOGETHER {
            return self.join(bytes, now);
        }
        if self.steps.is_empty() || now.since(self.began) > MAX_AGE {
            self.clear();
            self.began = last;
        }
        let bytes = bytes.saturating_add(std::mem::take(&mut self.pending));
        let seconds = passed.as_secs_f64();
        let flowing = now.since(self.waited) >= FLOW && self.paced.values().all(|paced| paced.told);
        match self.steps.last_mut() {
            Some(step) if step.seconds < SHORT && seconds < SHORT && !self.untimed => {
                step.bytes = step.bytes.saturating_add(bytes);
                step.seconds += seconds;
            }
            _ => self.steps.push(Step { bytes, seconds, flowing }),
        }
        self.bytes = self.bytes.saturating_add(bytes);
        self.last = Some(now);
        self.untimed = false;
    }

    /// More bytes, right after others.
    fn join(&mut self, bytes: u64, now: Timestamp) {
        if !self.untimed {
            if let Some(step) = self.steps.last_mut() {
                step.bytes = step.bytes.saturating_add(bytes);
                self.bytes = self.bytes.saturating_add(bytes);
            }
        } else if now.since(self.burst) < TOGETHER {
            // They were there when the burst was first heard of.
            self.last = Some(now);
        } else {
            self.pending = self.pending.saturating_add(bytes);
        }
    }

    fn begin(&mut self, id: TransferId, now: Timestamp) {
        self.owner = Some(id);
        self.aside = None;
        self.last = Some(now);
        self.burst = now;
        self.untimed = true;
        self.pending = 0;
    }

    fn clear(&mut self) {
        self.steps.clear();
        self.bytes = 0;
    }

    /// What the steps say, as soon as there are enough of them; they are used up by it.
    pub(crate) fn sample(&mut self) -> Option<Sample> {
        let enough = self.bytes >= SAMPLE_BYTES && self.steps.len() >= SAMPLE_STEPS;
        if !enough && self.bytes < ENOUGH_BYTES && self.steps.len() < MAX_STEPS {
            return None;
        }
        let span = self.last.map_or(0.0, |last| last.since(self.began).as_secs_f64());
        let rate = self.rate();
        self.clear();
        rate.map(|rate| Sample { rate, span })
    }

    /// The rate of the steps that had no idle time in them.
    fn rate(&self) -> Option<f64> {
        let fast = self.fast_rate()?;
        let slack = (SLACK_BYTES / fast).min(SLACK);
        let is_busy = |step: &&Step| {
            step.flowing || step.rate() >= fast * IDLE_BELOW || step.seconds - step.bytes as f64 / fast <= slack
        };
        let busy = self.steps.iter().filter(is_busy);
        let (bytes, seconds) =
            busy.fold((0.0, 0.0), |(bytes, seconds), step| (bytes + step.bytes as f64, seconds + step.seconds));
        (seconds > 0.0 && bytes > 0.0).then(|| bytes * 8.0 / seconds)
    }

    /// At least this fast, in bytes a second, came the fastest bytes.
    fn fast_rate(&self) -> Option<f64> {
        let mut steps: Vec<&Step> = self.steps.iter().collect();
        steps.sort_by(|one, other| other.rate().total_cmp(&one.rate()));
        let mut faster = 0_u64;
        let enough = self.bytes as f64 * BUSY_BYTES;
        let step = steps.into_iter().find(|step| {
            faster = faster.saturating_add(step.bytes);
            faster as f64 >= enough
        })?;
        Some(step.rate()).filter(|rate| *rate > 0.0)
    }
}
