//! Why the player gets something else of a network than the faithful mode does with the same rule: what differs is taken
//! away, one after the other and all together.
//!
//! `cargo run --release -p telecine-simulator --example why -- TRACES [RULE…]` prints, for the folders `3g` and `4g` of TRACES,
//! a table in Markdown: on demand, 25 s of buffer.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use telecine_engine::abr::{
    rule_by_name, BitrateRule, Choice, Context, Downloaded, DualEwma, Estimate, Estimator, Level, Progress, TransferId,
    TransferSample,
};
use telecine_engine::{Engine, Policies};
use telecine_model::{MediaTime, Timestamp};
use telecine_simulator::optimum::{optimum, Sessions};
use telecine_simulator::player::{config, play, Setup, Viewing};
use telecine_simulator::read::{sabre_movie, sabre_network};
use telecine_simulator::{faithful, for_each_index, normalised, Link, Metrics, Movie, Score};

const BUFFER_MS: f64 = 25_000.0;
const RULES: &[&str] = &["foresight", "bola-e-damped", "bola-e", "bola-ao", "dynamic-ao", "throughput"];

/// What of the faithful mode a player has.
#[derive(Clone, Copy, Default)]
struct Alike {
    /// The rule knows the size of each segment.
    sizes: bool,
    /// The rule is told what the buffer takes, and not the player's goal, which is a segment less.
    capacity: bool,
    /// Nothing is learnt of requests that were given up.
    complete: bool,
    /// The rule is told of no network before one was measured by a segment.
    measured: bool,
}

const VARIANTS: &[(&str, Alike)] = &[
    ("as it is", Alike { sizes: false, capacity: false, complete: false, measured: false }),
    ("sizes known", Alike { sizes: true, capacity: false, complete: false, measured: false }),
    ("told the capacity", Alike { sizes: false, capacity: true, complete: false, measured: false }),
    ("learns of what is complete", Alike { sizes: false, capacity: false, complete: true, measured: false }),
    ("begins with nothing known", Alike { sizes: false, capacity: false, complete: false, measured: true }),
    ("all of these", Alike { sizes: true, capacity: true, complete: true, measured: true }),
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(folder) = arguments.next() else {
        eprintln!("why TRACES [RULE…]");
        return ExitCode::from(2);
    };
    let wanted: Vec<String> = arguments.collect();
    let rules: Vec<String> =
        if wanted.is_empty() { RULES.iter().map(|rule| (*rule).to_owned()).collect() } else { wanted };
    for (set, movie) in [("3g", "bbb.json"), ("4g", "bbb4k.json")] {
        if let Err(why) = table(Path::new(&folder), set, movie, &rules) {
            eprintln!("{set}: {why}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

type Failure = Box<dyn std::error::Error>;

fn table(folder: &Path, set: &str, movie: &str, rules: &[String]) -> Result<(), Failure> {
    let text = std::fs::read_to_string(folder.join("movies").join(movie))?;
    let movie = Arc::new(sabre_movie(&text).map_err(|error| error.to_string())?);
    let mut paths =
        std::fs::read_dir(folder.join(set))?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, Failure>>()?;
    paths.sort();
    let link = |path| Ok(sabre_network(&std::fs::read_to_string(path)?).map_err(|error| error.to_string())?);
    let links: Vec<Link> = paths.iter().map(link).collect::<Result<_, Failure>>()?;
    let lowest = faithful::rule("Lowest").ok_or("no lowest rule")?;
    let limits = for_each_index(links.len(), |index| {
        let outcome =
            faithful::play(lowest.rule().as_mut(), &movie, &links[index], &faithful::Setup::with_buffer(25.0));
        (
            Metrics::of(&outcome, &movie).qoe_lin,
            optimum(&movie, &links[index], BUFFER_MS, Score::QoeLin, Sessions::Faithful).score,
        )
    });
    println!(
        "\n{set}\n\n| rule | | kbit/s | stall s | switch kbit/s | normalised QoE_lin |\n|---|---|---|---|---|---|"
    );
    for rule in rules {
        for (name, alike) in VARIANTS {
            let sessions = for_each_index(links.len(), |index| session(rule, *alike, &movie, &links[index]));
            let sessions: Vec<Metrics> = sessions.into_iter().collect::<Result<_, _>>()?;
            let mean = |of: fn(&Metrics) -> f64| sessions.iter().map(of).sum::<f64>() / sessions.len() as f64;
            let places =
                sessions.iter().zip(&limits).map(|(metrics, (lowest, best))| (metrics.qoe_lin, *lowest, *best));
            println!(
                "| {rule} | {name} | {:.0} | {:.2} | {:.0} | {:.3} |",
                mean(|metrics| metrics.mean_kbps),
                mean(|metrics| metrics.stall_s),
                mean(|metrics| metrics.mean_switch_kbps),
                normalised(places).unwrap_or(f64::NAN),
            );
        }
    }
    Ok(())
}

fn session(rule: &str, alike: Alike, movie: &Arc<Movie>, link: &Link) -> Result<Metrics, String> {
    let setup = Setup { buffer_ms: BUFFER_MS, viewing: Viewing::OnDemand, replacement: true };
    let config = config(movie, &setup);
    let mut policies = Policies::new(&config);
    let rule = rule_by_name(rule).ok_or_else(|| format!("there is no rule '{rule}'"))?;
    policies.rule = Box::new(Told { rule, alike, movie: Arc::clone(movie) });
    policies.estimator = Box::new(Learning { estimator: DualEwma::new(), alike });
    let outcome = play(Engine::with_policies(config, policies), movie, link, &setup).map_err(|why| why.to_string())?;
    Ok(Metrics::of(&outcome, movie))
}

/// A rule that is told other things than the player's.
struct Told {
    rule: Box<dyn BitrateRule>,
    alike: Alike,
    movie: Arc<Movie>,
}

impl Told {
    fn ask<T>(&mut self, ctx: &Context<'_>, question: impl FnOnce(&mut dyn BitrateRule, &Context<'_>) -> T) -> T {
        let segment_s = self.movie.segment_ms() / 1000.0;
        let left = ctx.remaining.map_or(0.0, |remaining| remaining.as_secs_f64() / segment_s).round() as usize;
        let segment = self.movie.segments().saturating_sub(left).min(self.movie.segments() - 1);
        let sized = |level: &Level| {
            let bytes = (self.movie.bits(segment, level.rendition) / 8.0).ceil() as u64;
            Level { next_size: self.alike.sizes.then_some(bytes), ..*level }
        };
        let levels: Vec<Level> = ctx.levels.iter().map(sized).collect();
        let mut told = Context { levels: &levels, ..*ctx };
        if self.alike.capacity {
            told.buffer_goal = MediaTime::from_secs_f64(BUFFER_MS / 1000.0);
        }
        if self.alike.measured {
            told.estimate = told.estimate.filter(|estimate| estimate.samples > 0);
        }
        question(self.rule.as_mut(), &told)
    }
}

impl BitrateRule for Told {
    fn name(&self) -> &'static str {
        self.rule.name()
    }

    fn choose(&mut self, ctx: &Context<'_>) -> Choice {
        self.ask(ctx, |rule, ctx| rule.choose(ctx))
    }

    fn on_downloaded(&mut self, ctx: &Context<'_>, downloaded: &Downloaded) {
        self.ask(ctx, |rule, ctx| rule.on_downloaded(ctx, downloaded));
    }

    fn should_abandon(&mut self, ctx: &Context<'_>, progress: &Progress) -> Option<Choice> {
        self.ask(ctx, |rule, ctx| rule.should_abandon(ctx, progress))
    }

    fn on_seek(&mut self) {
        self.rule.on_seek();
    }

    fn on_stall(&mut self) {
        self.rule.on_stall();
    }
}

/// The player's estimator, which learns of other transfers.
struct Learning {
    estimator: DualEwma,
    alike: Alike,
}

impl Estimator for Learning {
    fn name(&self) -> &'static str {
        self.estimator.name()
    }

    fn on_progress(&mut self, transfer: TransferId, bytes: u64, now: Timestamp) {
        self.estimator.on_progress(transfer, bytes, now);
    }

    fn on_transfer(&mut self, sample: &TransferSample) {
        if !(self.alike.complete && sample.flags.aborted) {
            self.estimator.on_transfer(sample);
        }
    }

    fn estimate(&self) -> Option<Estimate> {
        self.estimator.estimate()
    }
}
