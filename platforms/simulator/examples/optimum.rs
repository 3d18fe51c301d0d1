//! dev
use std::path::PathBuf;
use std::time::Instant;
use telecine_simulator::optimum::{optimum, practical_ceiling, upper_bound};
use telecine_simulator::read::{sabre_movie, sabre_network};
use telecine_simulator::{Figure, Metrics, Score};
fn main() {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap());
    let text = |p: PathBuf| std::fs::read_to_string(p).unwrap();
    let figures = Figure::read(&text(folder.join("published-rules.csv"))).unwrap();
    for f in figures.iter().filter(|f| f.rule == Figure::OPTIMUM) {
        let file = if f.set == "4g" { "bbb4k.json" } else { "bbb.json" };
        let movie = sabre_movie(&text(folder.join("movies").join(file))).unwrap();
        let link = sabre_network(&text(folder.join(&f.set).join(&f.trace))).unwrap();
        let b = f.buffer_s * 1000.0;
        let t = Instant::now();
        let o = optimum(&movie, &link, b, Score::QoeLin);
        let t1 = t.elapsed();
        let t = Instant::now();
        let ob = upper_bound(&movie, &link, b, Score::QoeLin, &o, 16);
        let tb = t.elapsed();
        let t = Instant::now();
        let q = optimum(&movie, &link, b, Score::Q1);
        let t2 = t.elapsed();
        let t = Instant::now();
        let c = Metrics::of(&practical_ceiling(&movie, &link, b, Score::QoeLin), &movie);
        let t3 = t.elapsed();
        println!(
            "{} {} {:36} csv {:9.3}/{:8.2} ours {:9.3}..{:9.3} {:8.2} {:5.2}% {:4} ms | bound {:4} ms q1 {:.4} {:4} ms | ceil {:9.3} {:4} ms",
            f.set, f.mode, f.trace, f.qoe_lin.unwrap(), f.stall_s.unwrap(), o.score, ob, o.stall_ms / 1000.0,
            100.0 * (ob - o.score) / o.score.abs(), t1.as_millis(), tb.as_millis(), q.score, t2.as_millis(), c.qoe_lin, t3.as_millis()
        );
    }
}
