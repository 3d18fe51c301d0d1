//! How fast sessions are simulated, and what a decision costs.

use std::fmt;
use std::time::{Duration, Instant};

use serde::Serialize;
use telecine_abr::published::{Buffered, Decision, Fetched, InFlight, Replacing, Scene, SceneRule};
use telecine_simulator::faithful::{play, rule, Setup};
use telecine_simulator::{for_each_index, player};

use super::sets::Collection;
use super::study::DEFAULT_FAITHFUL;

/// At least so long sessions are played for the figure.
const LONG_ENOUGH: Duration = Duration::from_secs(2);
/// Sessions of so much content, in seconds: ten minutes, less the three seconds by which the titles are shorter.
const TEN_MINUTES_S: f64 = 597.0;

/// What was measured with the machine's clock. Nothing else in the report depends on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Speed {
    /// Sessions of THROUGHPUT in the faithful mode each second, on all cores; of ten minutes each. None where the collection
    /// has none.
    pub sessions_per_s: Option<f64>,
    /// The same through the real engine, by `throughput`: each read of 50 ms is an input of it.
    pub player_sessions_per_s: Option<f64>,
    /// Cores.
    pub cores: usize,
    /// Decisions of the default rule that were timed, each on its own.
    pub decisions: usize,
    /// Their median, in microseconds.
    pub decision_median_us: Option<f64>,
    /// What 99 of 100 take at most.
    pub decision_p99_us: Option<f64>,
    /// Their mean: with the tables that are solved once for each ladder and spread that is met.
    pub decision_mean_us: Option<f64>,
}

impl Speed {
    /// Measures it over the on-demand networks of a collection.
    pub fn measure(collection: &Collection) -> Self {
        let jobs: Vec<_> = (collection.sets.iter())
            .filter(|set| set.movie.segments() as f64 * set.movie.segment_ms() / 1000.0 >= TEN_MINUTES_S)
            .flat_map(|set| set.traces.iter().map(move |trace| (&set.movie, &trace.link)))
            .collect();
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let (Some(throughput), Some(own), false) = (rule("THROUGHPUT"), rule(DEFAULT_FAITHFUL), jobs.is_empty()) else {
            return Self { cores, ..Self::default() };
        };
        let setup = Setup::with_buffer(25.0);
        let (began, mut rounds) = (Instant::now(), 0);
        while began.elapsed() < LONG_ENOUGH {
            // Many at once, so that no core waits for another at the end of a round.
            let many = jobs.len() * (2_000 / jobs.len()).max(1);
            for_each_index(many, |index| {
                let (movie, link) = jobs[index % jobs.len()];
                play(throughput.rule().as_mut(), movie, link, &setup).elapsed_ms
            });
            rounds += many;
        }
        let sessions_per_s = Some(rounds as f64 / began.elapsed().as_secs_f64());
        let by_player = player::Setup { buffer_ms: 25_000.0, viewing: player::Viewing::OnDemand, replacement: true };
        let (began, mut rounds) = (Instant::now(), 0);
        while began.elapsed() < LONG_ENOUGH {
            for_each_index(jobs.len(), |index| {
                player::play_by("throughput", jobs[index].0, jobs[index].1, &by_player).is_ok()
            });
            rounds += jobs.len();
        }
        let player_sessions_per_s = Some(rounds as f64 / began.elapsed().as_secs_f64());

        let mut times: Vec<f64> = Vec::new();
        for (movie, link) in &jobs {
            let mut timed = Timed { rule: own.rule(), begun: Duration::ZERO, times: Vec::new() };
            play(&mut timed, movie, link, &Setup { replacement: own.replacement, ..setup });
            times.extend(timed.times.iter().map(|time| time.as_secs_f64() * 1e6));
        }
        times.sort_by(f64::total_cmp);
        let at = |share: f64| times.get(((times.len().max(1) - 1) as f64 * share) as usize).copied();
        Self {
            sessions_per_s,
            player_sessions_per_s,
            cores,
            decisions: times.len(),
            decision_median_us: at(0.5),
            decision_p99_us: at(0.99),
            decision_mean_us: (!times.is_empty()).then(|| times.iter().sum::<f64>() / times.len() as f64),
        }
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told =
            |value: Option<f64>, digits: usize| value.map_or("-".to_owned(), |value| format!("{value:.digits$}"));
        write!(
            f,
            "speed: {} sessions of ten minutes a second (THROUGHPUT, {} cores), {} through the engine; a decision of {DEFAULT_FAITHFUL} {} µs \
             (median of {}; 99 %: {} µs; mean with tables solved: {} µs)",
            told(self.sessions_per_s, 0),
            self.cores,
            told(self.player_sessions_per_s, 0),
            told(self.decision_median_us, 2),
            self.decisions,
            told(self.decision_p99_us, 1),
            told(self.decision_mean_us, 1),
        )
    }
}

/// A rule with a clock beside it. What it is asked before a request counts as one decision: whether to fetch something again,
/// and which level is next.
struct Timed {
    rule: Box<dyn SceneRule>,
    /// The last decision so far.
    begun: Duration,
    times: Vec<Duration>,
}

impl SceneRule for Timed {
    fn choose(&mut self, scene: &Scene<'_>) -> Decision {
        let began = Instant::now();
        let decision = self.rule.choose(scene);
        self.times.push(std::mem::take(&mut self.begun) + began.elapsed());
        decision
    }

    fn give_up(&mut self, scene: &Scene<'_>, in_flight: &InFlight) -> Option<usize> {
        self.rule.give_up(scene, in_flight)
    }

    fn on_fetched(&mut self, scene: &Scene<'_>, fetched: &Fetched) {
        self.rule.on_fetched(scene, fetched);
    }

    fn on_full_buffer(&mut self, waited_ms: f64) {
        self.rule.on_full_buffer(waited_ms);
    }

    fn replace(&mut self, scene: &Scene<'_>, buffered: &Buffered<'_>) -> Option<Replacing> {
        let began = Instant::now();
        let replacing = self.rule.replace(scene, buffered);
        self.begun += began.elapsed();
        if replacing.is_some() {
            self.times.push(std::mem::take(&mut self.begun));
        }
        replacing
    }

    fn on_seek(&mut self) {
        self.rule.on_seek();
    }
}
