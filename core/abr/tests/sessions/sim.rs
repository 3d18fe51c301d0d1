//! A session in virtual time: a network of rectangular periods, a title as a table of sizes, one
//! request at a time, a buffer in seconds. The model is that of the simulator with which the
//! rules were published (Spiteri et al., MMSys 2018; abr.md 6 and 8), so that its numbers are
//! the oracle.

use std::time::Duration;

use telecine_abr::{
    BitrateRule, Context, Downloaded, Estimator, Level, Progress, TransferFlags, TransferId, TransferSample,
};
use telecine_model::{MediaTime, Timestamp};

/// Bandwidth and latency for a while. The list of them repeats.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Period {
    pub(crate) ms: f64,
    pub(crate) kbps: f64,
    pub(crate) latency_ms: f64,
}

pub(crate) fn period(seconds: f64, kbps: f64) -> Period {
    Period { ms: seconds * 1000.0, kbps, latency_ms: 40.0 }
}

/// Segments of one duration at each level.
#[derive(Clone, Debug)]
pub(crate) struct Movie {
    pub(crate) segment_ms: f64,
    pub(crate) kbps: Vec<u64>,
    /// Bits, by segment and level.
    pub(crate) bits: Vec<Vec<f64>>,
}

impl Movie {
    /// Segments that are as large as the bitrate says.
    pub(crate) fn constant(segment_s: f64, kbps: &[u64], segments: usize) -> Self {
        let segment_ms = segment_s * 1000.0;
        let row: Vec<f64> = kbps.iter().map(|kbps| *kbps as f64 * segment_ms).collect();
        Self { segment_ms, kbps: kbps.to_vec(), bits: vec![row; segments] }
    }
}

/// What came of a session.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Report {
    /// Level of each segment as played.
    pub(crate) levels: Vec<usize>,
    /// When each was there, in milliseconds.
    pub(crate) done_ms: Vec<f64>,
    pub(crate) stall_ms: f64,
    pub(crate) total_kbps: f64,
    pub(crate) switch_kbps: f64,
    pub(crate) abandoned: usize,
    pub(crate) wasted_bits: f64,
}

impl Report {
    pub(crate) fn switches(&self) -> usize {
        self.levels.windows(2).filter(|pair| pair[0] != pair[1]).count()
    }

    pub(crate) fn mean_kbps(&self) -> f64 {
        self.total_kbps / self.levels.len() as f64
    }
}

struct Network<'a> {
    periods: &'a [Period],
    index: usize,
    left_ms: f64,
    now_ms: f64,
}

impl<'a> Network<'a> {
    fn new(periods: &'a [Period]) -> Self {
        Self { periods, index: 0, left_ms: periods[0].ms, now_ms: 0.0 }
    }

    fn pass(&mut self, ms: f64) {
        self.now_ms += ms;
        self.left_ms -= ms;
        if self.left_ms <= 0.0 {
            self.index = (self.index + 1) % self.periods.len();
            self.left_ms = self.periods[self.index].ms;
        }
    }

    fn wait(&mut self, mut ms: f64) {
        while ms > 0.0 {
            let step = ms.min(self.left_ms);
            self.pass(step);
            ms -= step;
        }
    }

    /// One request's latency; a change of it on the way counts in proportion.
    fn latency(&mut self) -> f64 {
        let began = self.now_ms;
        let mut share = 1.0;
        while share > 0.0 {
            let whole = self.periods[self.index].latency_ms;
            if share * whole <= self.left_ms {
                self.pass(share * whole);
                break;
            }
            share -= self.left_ms / whole;
            self.pass(self.left_ms);
        }
        self.now_ms - began
    }

    /// Downloads until at least `bits` and `ms` have passed, or `size` is there. Returns bits.
    fn download(&mut self, size: f64, bits: f64, ms: f64) -> f64 {
        let (mut got, began) = (0.0, self.now_ms);
        loop {
            let rate = self.periods[self.index].kbps;
            let for_rest = if rate > 0.0 { (size - got) / rate } else { f64::INFINITY };
            let for_bits = if got < bits { (bits - got).max(0.0) / rate } else { 0.0 };
            let until = for_rest.min(for_bits.max(ms - (self.now_ms - began)));
            if until <= self.left_ms {
                self.pass(until);
                return if until >= for_rest { size } else { got + until * rate };
            }
            got += self.left_ms * rate;
            self.pass(self.left_ms);
        }
    }
}

/// Knobs of a session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    pub(crate) buffer_s: f64,
    pub(crate) rate_milli: u32,
    pub(crate) sizes_known: bool,
}

impl Setup {
    pub(crate) fn buffer(seconds: f64) -> Self {
        Self { buffer_s: seconds, rate_milli: 1000, sizes_known: false }
    }
}

struct Player<'a> {
    movie: &'a Movie,
    setup: Setup,
    network: Network<'a>,
    buffer_ms: f64,
    playing: bool,
    report: Report,
}

impl Player<'_> {
    /// Plays for some time of the clock.
    fn play(&mut self, ms: f64) {
        let media = ms * f64::from(self.setup.rate_milli) / 1000.0;
        let played = media.min(self.buffer_ms);
        self.buffer_ms -= played;
        if self.playing {
            self.report.stall_ms += ms - played * 1000.0 / f64::from(self.setup.rate_milli);
        }
    }

    fn with_context<T>(
        &self,
        segment: usize,
        current: Option<usize>,
        estimator: &dyn Estimator,
        buffer_ms: f64,
        ask: impl FnOnce(&Context<'_>) -> T,
    ) -> T {
        let bits = &self.movie.bits[segment.min(self.movie.bits.len() - 1)];
        let levels: Vec<Level> = (self.movie.kbps.iter().zip(bits).enumerate())
            .map(|(rendition, (kbps, bits))| Level {
                rendition,
                bitrate: kbps * 1000,
                height: None,
                score: None,
                next_size: self.setup.sizes_known.then_some((bits / 8.0) as u64),
                expected_size: None,
                listed: true,
            })
            .collect();
        ask(&Context {
            now: at(self.network.now_ms),
            levels: &levels,
            current,
            buffer: media(buffer_ms),
            buffer_goal: media(self.setup.buffer_s * 1000.0),
            segment_duration: media(self.movie.segment_ms),
            usual_duration: media(self.movie.segment_ms),
            estimate: estimator.estimate(),
            rate_milli: self.setup.rate_milli,
            starting: current.is_none(),
            live: false,
            remaining: None,
            lead_in: MediaTime::ZERO,
            aside: 0,
        })
    }
}

fn at(ms: f64) -> Timestamp {
    Timestamp::from_micros((ms * 1000.0).round() as u64)
}

fn media(ms: f64) -> MediaTime {
    MediaTime::from_secs_f64(ms / 1000.0)
}

/// Plays a whole title.
pub(crate) fn play(
    rule: &mut dyn BitrateRule,
    estimator: &mut dyn Estimator,
    movie: &Movie,
    network: &[Period],
    setup: Setup,
) -> Report {
    let mut player = Player {
        movie,
        setup,
        network: Network::new(network),
        buffer_ms: 0.0,
        playing: false,
        report: Report::default(),
    };
    let (mut segment, mut current, mut instead) = (0, None, None);
    let mut requests = 0;
    while segment < movie.bits.len() {
        let full = player.buffer_ms + movie.segment_ms - setup.buffer_s * 1000.0;
        if full > 0.0 {
            let ms = full * 1000.0 / f64::from(setup.rate_milli);
            player.play(ms);
            player.network.wait(ms);
        }
        let level = match instead.take() {
            Some(level) => level,
            None => {
                let choice = player.with_context(segment, current, estimator, player.buffer_ms, |ctx| rule.choose(ctx));
                assert!(choice.level < movie.kbps.len() && !choice.reasons.is_empty());
                let wait = choice.wait.unwrap_or_default().as_secs_f64() * 1000.0;
                player.play(wait);
                player.network.wait(wait);
                choice.level
            }
        };
        let first_choice = current.is_none();
        current = Some(level);
        let size = movie.bits[segment][level];
        let requested = player.network.now_ms;
        let latency = player.network.latency();
        let first_byte = player.network.now_ms;
        let mut got = 0.0;
        let mut abandon = None;
        let mut least_ms = 50.0 - latency;
        while got < size && abandon.is_none() {
            // The published simulator cannot abandon the first segment.
            let least_bits = if first_choice { size } else { 12_000.0 };
            got += player.network.download(size - got, least_bits, least_ms.max(0.0));
            least_ms = 50.0;
            if got < size {
                let progress = Progress {
                    level,
                    bytes: (got / 8.0) as u64,
                    total: Some((size / 8.0) as u64),
                    requested: at(requested),
                    first_byte: Some(at(first_byte)),
                    paced: false,
                    fetched_again: MediaTime::ZERO,
                    beside: 0,
                };
                let buffer = (player.buffer_ms - (player.network.now_ms - requested)).max(0.0);
                abandon =
                    player.with_context(segment, current, estimator, buffer, |ctx| rule.should_abandon(ctx, &progress));
            }
        }
        let took = player.network.now_ms - requested;
        player.play(took);
        requests += 1;
        let sample = TransferSample {
            id: TransferId(requests),
            bytes: (got / 8.0) as u64,
            started: at(requested),
            first_byte: at(first_byte),
            finished: at(player.network.now_ms),
            flags: TransferFlags { aborted: abandon.is_some(), ..TransferFlags::default() },
        };
        if let Some(choice) = abandon {
            player.report.abandoned += 1;
            player.report.wasted_bits += got;
            assert!(choice.level < level);
            instead = Some(choice.level);
            estimator.on_transfer(&sample);
            continue;
        }
        player.buffer_ms += movie.segment_ms;
        player.playing = true;
        player.report.levels.push(level);
        player.report.done_ms.push(player.network.now_ms);
        player.report.total_kbps += movie.kbps[level] as f64;
        let downloaded = Downloaded {
            level,
            bytes: sample.bytes,
            duration: media(movie.segment_ms),
            took: Duration::from_micros((took * 1000.0).round() as u64),
        };
        segment += 1;
        player.with_context(segment, current, estimator, player.buffer_ms, |ctx| rule.on_downloaded(ctx, &downloaded));
        estimator.on_transfer(&sample);
    }
    let kbps = |level: usize| movie.kbps[level] as f64;
    player.report.switch_kbps = player.report.levels.windows(2).map(|pair| (kbps(pair[0]) - kbps(pair[1])).abs()).sum();
    player.report
}
