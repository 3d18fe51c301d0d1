//! debug
mod common;
use common::*;
use telecine_engine::*;
use telecine_model::*;
use telecine_model::rng::Rng;
struct Log(telecine_virtual::ModelSink);
impl Sink for Log {
    fn capabilities(&self) -> Capabilities { self.0.capabilities() }
    fn command(&mut self, c: SinkCommand, now: Timestamp) {
        match &c { SinkCommand::Append(a) => println!("{:?} append {:?} seg {} {:?}..{:?}", now, a.kind, a.segment, a.start, a.end), SinkCommand::Configure(_) => {}, c => println!("{now:?} {c:?}") }
        let before: u64 = self.0.tracks().iter().map(|t| t.gaps).sum();
        self.0.command(c, now);
        let after: u64 = self.0.tracks().iter().map(|t| t.gaps).sum();
        if after != before { println!("GAP! video {:?} audio {:?}", self.0.buffered(TrackKind::Video), self.0.buffered(TrackKind::Audio)); }
    }
    fn poll(&mut self, now: Timestamp) -> Option<SinkReport> { self.0.poll(now) }
    fn deadline(&self) -> Option<Timestamp> { self.0.deadline() }
    fn tracks(&self) -> Vec<TrackStats> { self.0.tracks() }
}
#[test]
fn dump() {
    let seed = 3;
    let mut rng = Rng::new(seed);
    let title = telecine_virtual::testing::SyntheticTitle::new(secs(120));
    let mut session = session(title, "main.mpd").sink(Log(telecine_virtual::ModelSink::default()));
    for i in 0..20 {
        let target = MediaTime::from_millis(i64::try_from(rng.below(115_000)).expect("small"));
        session.schedule(at(2_000 + i * 4_000 + rng.below(3_000)), Command::Seek(target));
    }
    session.schedule(at(90_000), Command::Seek(MediaTime::ZERO));
    session.run(None);
}
