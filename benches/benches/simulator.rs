//! Sessions of ten minutes in the simulator's faithful mode, and what each rule's decisions cost in it; and the same sessions in
//! the real engine.

// What goes wrong here ends the benchmark.
#![allow(clippy::expect_used)]

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use criterion::{criterion_group, criterion_main, Criterion, Throughput};
use telecine_simulator::faithful::{play, rule, Setup};
use telecine_simulator::optimum::{optimum, Sessions};
use telecine_simulator::player::{self, play_by, Viewing};
use telecine_simulator::read::{sabre_movie, sabre_network};
use telecine_simulator::{for_each_index, Link, Movie, Score};

/// Sessions that are played at once on all cores.
const MANY: usize = 256;

fn text(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../conformance/traces");
    std::fs::read_to_string(folder.join(name)).expect("a readable file")
}

fn sets() -> [(&'static str, Movie, Link); 2] {
    let movie = |name| sabre_movie(&text(name)).expect("a movie");
    let network = |name| sabre_network(&text(name)).expect("a network");
    [
        ("4g", movie("movies/bbb4k.json"), network("4g/report_foot_0005.json")),
        ("3g", movie("movies/bbb.json"), network("3g/report.2010-11-10_1726CET.json")),
    ]
}

fn sessions(criterion: &mut Criterion) {
    let setup = Setup::with_buffer(25.0);
    for (set, movie, link) in sets() {
        let mut group = criterion.benchmark_group(format!("session/{set}"));
        group.throughput(Throughput::Elements(1));
        for name in ["THROUGHPUT", "BOLA-E", "DYNAMIC", "RobustMpc"] {
            let entry = rule(name).expect("a rule");
            group.bench_function(name, |bencher| {
                bencher.iter(|| play(entry.rule().as_mut(), black_box(&movie), &link, &setup));
            });
        }
        group.throughput(Throughput::Elements(MANY as u64));
        let throughput = rule("THROUGHPUT").expect("a rule");
        group.bench_function("THROUGHPUT, all cores", |bencher| {
            bencher
                .iter(|| for_each_index(MANY, |_| play(throughput.rule().as_mut(), black_box(&movie), &link, &setup)));
        });
        group.finish();
    }
}

fn players(criterion: &mut Criterion) {
    let setup = player::Setup { buffer_ms: 25_000.0, viewing: Viewing::OnDemand, replacement: true };
    for (set, movie, link) in sets() {
        let mut group = criterion.benchmark_group(format!("player/{set}"));
        group.sample_size(10).throughput(Throughput::Elements(1));
        for name in ["throughput", "bola-e-damped", "foresight"] {
            group.bench_function(name, |bencher| {
                bencher.iter(|| play_by(name, black_box(&movie), &link, &setup).expect("played"));
            });
        }
        let many = 16;
        group.throughput(Throughput::Elements(many as u64));
        group.bench_function("throughput, all cores", |bencher| {
            bencher.iter(|| for_each_index(many, |_| play_by("throughput", black_box(&movie), &link, &setup)));
        });
        group.finish();
    }
}

fn optima(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("optimum");
    group.sample_size(10).measurement_time(Duration::from_secs(5));
    for (set, movie, link) in sets() {
        group.bench_function(set, |bencher| {
            bencher.iter(|| optimum(black_box(&movie), &link, 25_000.0, Score::QoeLin, Sessions::Faithful));
        });
    }
    group.finish();
}

criterion_group!(benches, sessions, players, optima);
criterion_main!(benches);
