//! What waits in the buffer in a low rendition is fetched again when the network rises (abr.md 11, scenario 8), and
//! nothing is lost by it: each picture is in the sink once, whatever becomes of what was fetched again.

#![allow(clippy::expect_used, clippy::panic)] // These are tests.

mod common;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{at, decisions, errors, secs};
use proptest::prelude::*;
use telecine_abr::{Again, BitrateRule, Choice, Context, Level, Reason, Throughput, Waiting};
use telecine_engine::{
    replay, Append, Capabilities, Command, Config, Decision, DecisionKind, Engine, Event, FetchRequest, KeySetup,
    Payload, Policies, Sink, SinkCommand, SinkReport, TrackConfig, TrackStats,
};
use telecine_model::{MediaTime, Timescale, Timestamp, TrackKind};
use telecine_virtual::testing::{Fault, SyntheticTitle, TitleProtection};
use telecine_virtual::{Fetched, ModelSink, Network, Outcome, Response, Session, Source, Step};

/// The ladder of abr.md 11.
const LADDER: [(u16, u64); 5] = [(240, 300_000), (360, 750_000), (480, 1_500_000), (720, 3_000_000), (1080, 6_000_000)];

/// A picture in the sink: whether decoding can begin with it, and of which rendition it is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Picture {
    sync: bool,
    rendition: String,
}

/// What a Media Source buffer of pictures holds. Pictures of these titles are decoded in the order in which they are
/// shown.
#[derive(Default)]
struct Kept {
    clock: Option<(u32, Timescale, i64)>,
    held: BTreeMap<MediaTime, Picture>,
    /// What was removed behind the playhead.
    gone: BTreeMap<MediaTime, Picture>,
    /// Pictures that were held and went before they were shown, but for those that others took the place of.
    lost: usize,
}

impl Kept {
    fn configure(&mut self, config: &TrackConfig) {
        let track = config.init.as_deref().and_then(|init| init.track(config.track_id)).expect("its track");
        self.clock = Some((config.track_id, track.timescale, track.edit.shift()));
    }

    /// Coded frame processing (MSE 3.5.8): what overlaps goes, and what hangs on it up to where decoding begins anew.
    fn append(&mut self, append: &Append) {
        let (track_id, timescale, shift) = self.clock.expect("a configuration");
        let Payload::Fragment(fragment) = &append.payload else { panic!("no fragment") };
        let track = fragment.tracks.iter().find(|track| track.track_id == track_id).expect("its track");
        let mut last = None;
        for sample in &track.samples {
            let time = |ticks: i64| MediaTime::from_ticks(ticks + shift, timescale) + append.offset;
            let (start, end) = (time(sample.pts()), time(sample.pts() + i64::from(sample.duration)));
            if start < append.window.0 || end > append.window.1 {
                continue;
            }
            self.held.retain(|at, _| *at < start || *at >= end);
            self.held.insert(start, Picture { sync: sample.sync, rendition: append.rendition.clone() });
            last = Some(end);
        }
        // What is left of another's group whose beginning went cannot be decoded.
        let Some(last) = last else { return };
        let other = |picture: &Picture| !picture.sync && picture.rendition != append.rendition;
        let orphans: Vec<MediaTime> =
            self.held.range(last..).take_while(|(_, picture)| other(picture)).map(|(at, _)| *at).collect();
        self.lost += orphans.len();
        for at in orphans {
            self.held.remove(&at);
        }
    }

    fn remove(&mut self, from: MediaTime, to: MediaTime, position: MediaTime) {
        let removed: Vec<MediaTime> =
            self.held.range(from.min(to)..to).map(|(at, _)| *at).filter(|at| *at >= from).collect();
        for at in removed {
            let Some(picture) = self.held.remove(&at) else { continue };
            if at < position {
                self.gone.insert(at, picture);
            } else {
                self.lost += 1;
            }
        }
    }

    /// Renditions of all pictures, in the order in which they are shown.
    fn shown(&self) -> Vec<(MediaTime, String)> {
        let mut all = self.gone.clone();
        all.extend(self.held.clone());
        all.into_iter().map(|(at, picture)| (at, picture.rendition)).collect()
    }
}

/// A sink that keeps account of each picture.
struct Keeper {
    sink: ModelSink,
    kept: Arc<Mutex<Kept>>,
}

impl Sink for Keeper {
    fn capabilities(&self) -> Capabilities {
        self.sink.capabilities()
    }

    fn command(&mut self, command: SinkCommand, now: Timestamp) {
        let mut kept = self.kept.lock().expect("one thread");
        match &command {
            SinkCommand::Configure(config) if config.kind == TrackKind::Video => kept.configure(config),
            SinkCommand::Append(append) if append.kind == TrackKind::Video => kept.append(append),
            SinkCommand::Remove { kind: TrackKind::Video, from, to } => {
                kept.remove(*from, *to, self.sink.position(now));
            }
            _ => {}
        }
        self.sink.command(command, now);
    }

    fn poll(&mut self, now: Timestamp) -> Option<SinkReport> {
        self.sink.poll(now)
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.sink.deadline()
    }

    fn tracks(&self) -> Vec<TrackStats> {
        self.sink.tracks()
    }
}

fn step(seconds: u64, kbps: u64) -> Step {
    Step { duration: Duration::from_secs(seconds), bits_per_second: kbps * 1000, latency: Duration::from_millis(40) }
}

/// 0.8 Mbit/s for forty seconds, then 8 Mbit/s.
fn rising() -> Network {
    Network::from_steps([step(40, 800), step(100_000, 8000)]).expect("a network")
}

fn title(seconds: i64) -> SyntheticTitle {
    SyntheticTitle::new(secs(seconds)).renditions(&LADDER).silent().without_text()
}

struct Played<S: Source> {
    session: Session<S>,
    kept: Arc<Mutex<Kept>>,
}

fn config() -> Config {
    let mut config = Config::default();
    config.record = true;
    config
}

fn session<S: Source + 'static>(config: Config, source: S, file: &str, network: Network) -> Played<S> {
    let kept = Arc::new(Mutex::new(Kept::default()));
    let sink = Keeper { sink: ModelSink::default(), kept: Arc::clone(&kept) };
    let session =
        Session::new(config, source).sink(sink).network(network).play(format!("https://title.example/{file}"));
    Played { session, kept }
}

impl<S: Source> Played<S> {
    fn run(mut self) -> Self {
        assert_eq!(self.session.run(None), Outcome::Ended, "{:?}", errors(&self.session));
        self
    }

    fn switches(&self) -> Vec<Decision> {
        decisions(&self.session, DecisionKind::FastSwitch)
    }

    /// Decisions to fetch again, each with the number of the segment.
    fn begun(&self) -> Vec<(u64, Decision)> {
        let number = |decision: &Decision| {
            let told = decision.why.last()?.strip_prefix("segment ")?.strip_suffix(" once more")?;
            told.parse().ok()
        };
        self.switches().into_iter().filter_map(|decision| Some((number(&decision)?, decision))).collect()
    }

    fn replaced(&self) -> u64 {
        self.session.engine().qoe(self.session.now()).segments_replaced
    }

    /// Every picture of a title of so many seconds is there once, in its order, and the recording replays.
    fn is_whole(&mut self, seconds: i64) {
        self.has_each_picture_once(seconds);
        self.replays();
    }

    fn has_each_picture_once(&self, seconds: i64) {
        {
            let kept = self.kept.lock().expect("one thread");
            let shown: Vec<MediaTime> = kept.shown().iter().map(|(at, _)| *at).collect();
            let wanted: Vec<MediaTime> = (0..seconds * 25).map(|frame| MediaTime::from_millis(frame * 40)).collect();
            assert_eq!(shown.len(), wanted.len());
            assert!(shown == wanted, "pictures are elsewhere");
            assert_eq!(kept.lost, 0, "a picture went before it was shown");
        }
        let stats = self.session.sink_ref().tracks();
        let video = stats.iter().find(|track| track.kind == TrackKind::Video).expect("a picture");
        assert_eq!((video.samples, video.gaps), (u64::try_from(seconds * 25).expect("positive"), 0));
    }

    fn replays(&mut self) {
        let replayed = replay(&self.session.take_recording()).expect("readable");
        assert!(replayed.equal && replayed.complete, "{:?}", replayed.differs_by_input);
        assert_eq!(replayed.replayed_hash, self.session.engine().action_hash());
    }

    /// In what the picture at a time was shown.
    fn shown_at(&self, time: MediaTime) -> String {
        let kept = self.kept.lock().expect("one thread");
        let shown = kept.shown();
        shown.iter().rfind(|(at, _)| *at <= time).map(|(_, rendition)| rendition.clone()).expect("a picture")
    }

    /// What came to be seen, when.
    fn qualities(&self) -> Vec<(Timestamp, u64)> {
        let quality = |event: &Event| match event {
            Event::Quality { at, bitrate, .. } => Some((*at, *bitrate)),
            _ => None,
        };
        self.session.events().iter().filter_map(quality).collect()
    }
}

/// When the top is seen, and how many other changes are between the rise and that.
fn rise_of<S: Source>(played: &Played<S>, top: u64) -> (Timestamp, usize) {
    let qualities = played.qualities();
    let seen = qualities.iter().find(|(_, bitrate)| *bitrate >= top).map(|(at, _)| *at).expect("the top");
    (seen, qualities.iter().filter(|(when, _)| *when >= at(40_000) && *when < seen).count())
}

#[test]
fn a_network_that_rises_is_seen_sooner_and_nothing_stalls() {
    for file in ["main.m3u8", "main.mpd"] {
        let mut played = session(config(), title(120), file, rising()).run();
        let mut off = config();
        off.fast_switch = false;
        let (with, between) = rise_of(&played, LADDER[4].1);
        let (without, _) = rise_of(&session(off, title(120), file, rising()).run(), LADDER[4].1);
        println!("{file}: with {with:?}, without {without:?}, {} replaced", played.replaced());
        assert!(with + Duration::from_secs(4) <= without, "{file}: {with:?} {without:?}");
        assert!(between <= 2, "{file}: {between}");
        assert!(played.replaced() > 0, "{file}");
        assert_eq!((errors(&played.session), played.session.engine().qoe(played.session.now()).stalls), (vec![], 0));
        played.is_whole(120);
    }
}

/// A rule that fetches again what plays first of all that can be there in time.
struct FromTheFront(Throughput);

impl FromTheFront {
    /// Bits a second: what the last transfers tell.
    fn believed(ctx: &Context<'_>) -> Option<u64> {
        ctx.estimate.map(|estimate| estimate.forecast.map_or(estimate.low, |forecast| forecast.bits_per_second))
    }
}

impl BitrateRule for FromTheFront {
    fn name(&self) -> &'static str {
        "from the front"
    }

    fn choose(&mut self, ctx: &Context<'_>) -> Choice {
        let fits = |level: &Level| Self::believed(ctx).is_some_and(|believed| level.bitrate * 5 / 4 <= believed);
        let level = ctx.levels.iter().rposition(fits).unwrap_or(0);
        Choice { level, ..self.0.choose(ctx) }
    }

    fn again(&mut self, ctx: &Context<'_>, waiting: &[Waiting]) -> Option<Again> {
        let level = self.choose(ctx).level;
        let bitrate = ctx.levels.get(level)?.bitrate;
        let takes = ctx.segment_duration.as_secs_f64() * bitrate as f64 / Self::believed(ctx)? as f64;
        let in_time = |segment: &Waiting| segment.due.as_secs_f64() > takes + 1.5;
        let place = waiting.iter().position(|segment| segment.level < level && in_time(segment))?;
        let from = ctx.levels.get(waiting[place].level)?.bitrate;
        Some(Again { place, level, reason: Reason::BetterAgain { from, bitrate, due_ms: 0 } })
    }
}

#[test]
fn with_a_rule_that_begins_at_the_front_a_top_well_below_the_line_is_seen_within_twelve_seconds() {
    for file in ["main.m3u8", "main.mpd"] {
        let mut policies = Policies::new(&config());
        policies.rule = Box::new(FromTheFront(Throughput::default()));
        let kept = Arc::new(Mutex::new(Kept::default()));
        let sink = Keeper { sink: ModelSink::default(), kept: Arc::clone(&kept) };
        let engine = Engine::with_policies(config(), policies);
        let session = Session::with_engine(engine, title(120).renditions(&LADDER[..4]), Timestamp::ZERO).sink(sink);
        let session = session.network(rising());
        let played = Played { session: session.play(format!("https://title.example/{file}")), kept }.run();
        let (seen, between) = rise_of(&played, LADDER[3].1);
        assert!(seen < at(52_000) && between <= 2, "{file}: {seen:?} {:?} {:?}", played.qualities(), played.switches());
        played.has_each_picture_once(120);
    }
}

#[test]
fn switched_off_nothing_is_fetched_twice() {
    let mut off = config();
    off.fast_switch = false;
    let mut played = session(off, title(120), "main.mpd", rising()).run();
    assert_eq!((played.switches(), played.replaced()), (vec![], 0));
    played.is_whole(120);
}

#[test]
fn a_sink_without_random_access_is_given_nothing_twice() {
    let sink = ModelSink::new(Capabilities { random_access: false, ..Capabilities::default() });
    let session = Session::new(config(), title(120)).sink(sink).network(rising());
    let mut session = session.play("https://title.example/main.mpd");
    assert_eq!(session.run(None), Outcome::Ended);
    assert_eq!(decisions(&session, DecisionKind::FastSwitch), []);
}

#[test]
fn what_cannot_be_had_again_leaves_what_waits_as_it_was() {
    for file in ["main.mpd", "main.m3u8"] {
        let (number, first) = session(config(), title(120), file, rising()).run().begun().remove(0);
        let middle = secs(i64::try_from(number).expect("small") * 4 + 2);
        for fault in [Fault::Status(404), Fault::Status(503), Fault::Truncated, Fault::Garbage, Fault::Hole] {
            let level = first.to.as_deref().and_then(|to| to.chars().last()).expect("a rendition");
            let faulty = title(120).fault(&format!("v{level}"), number, fault);
            let mut played = session(config(), faulty, file, rising()).run();
            let again = played.begun().into_iter().filter(|(again, _)| *again == number).count();
            assert_eq!(again, 1, "{file} {fault:?}: not tried twice");
            let given_up = played.switches().into_iter().find(|decision| decision.why.len() == 1).expect("given up");
            println!("{file} {fault:?}: {given_up:?}");
            assert_eq!((&given_up.from, &given_up.to), (&first.to, &first.from), "{file} {fault:?}");
            assert_eq!(Some(played.shown_at(middle)), first.from, "{file} {fault:?}");
            assert_eq!(errors(&played.session), [], "{file} {fault:?}: it is no fault of playback");
            assert_eq!(played.session.engine().qoe(played.session.now()).stalls, 0, "{file} {fault:?}");
            played.is_whole(120);
        }
    }
}

#[test]
fn what_comes_too_slowly_is_given_up_before_it_is_missed() {
    let network = || Network::from_steps([step(40, 500), step(1, 8000), step(100_000, 400)]).expect("a network");
    let file = "main.mpd";
    let mut played = session(config(), title(120), file, network()).run();
    assert!(!played.begun().is_empty(), "{file}");
    assert_eq!(played.replaced(), 0, "{file}: {:?}", played.switches());
    println!("{file}: {:?}", played.switches());
    assert_eq!(errors(&played.session), [], "{file}");
    assert_eq!(played.session.engine().qoe(played.session.now()).stalls, 0, "{file}");
    played.is_whole(120);
}

#[test]
fn a_seek_into_the_midst_of_what_is_fetched_again_plays_what_waits() {
    let (number, first) = session(config(), title(120), "main.mpd", rising()).run().begun().remove(0);
    for file in ["main.mpd", "main.m3u8"] {
        for after in [1, 100, 400, 900] {
            let target = secs(i64::try_from(number).expect("small") * 4 + 2);
            let when = Timestamp::from_micros(first.at.as_micros() + after * 1000);
            let mut played = session(config(), title(120), file, rising());
            played.session.schedule(when, Command::Seek(target));
            let mut played = played.run();
            assert_eq!(errors(&played.session), [], "{file} {after}");
            played.is_whole(120);
        }
    }
}

#[test]
fn a_lower_bound_that_is_set_meanwhile_ends_it() {
    let (_, first) = session(config(), title(120), "main.mpd", rising()).run().begun().remove(0);
    let mut played = session(config(), title(120), "main.mpd", rising());
    let constraints = telecine_engine::Constraints { max_height: Some(240), ..telecine_engine::Constraints::default() };
    let when = Timestamp::from_micros(first.at.as_micros() + 100_000);
    played.session.schedule(when, Command::SetConstraints(constraints));
    let mut played = played.run();
    assert_eq!(played.replaced(), 0);
    assert!(played.switches().iter().any(|decision| decision.why == ["it may not be played any more"]));
    played.is_whole(120);
}

#[test]
fn protected_titles_are_switched_fast_too() {
    for shared in [true, false] {
        let protection = TitleProtection { shared, ..TitleProtection::default() };
        let source = title(120).protected(protection);
        let mut setup = KeySetup::default();
        for rendition in ["v0", "v1", "v2", "v3", "v4"] {
            let (kid, key) = source.key_of(rendition, 0);
            setup.give(kid, key);
        }
        let kept = Arc::new(Mutex::new(Kept::default()));
        let mut engine = Engine::new(config());
        engine.set_keys(setup);
        let sink = Keeper { sink: ModelSink::default(), kept: Arc::clone(&kept) };
        let session = Session::with_engine(engine, source, Timestamp::ZERO).sink(sink).network(rising());
        let mut played = Played { session: session.play("https://title.example/main.mpd"), kept }.run();
        assert!(played.replaced() > 0, "{shared}: {:?}", played.switches());
        assert_eq!(errors(&played.session), [], "{shared}");
        played.is_whole(120);
    }
}

/// The title with one file for each rendition, of which segments are byte ranges.
struct Ranged {
    title: SyntheticTitle,
    files: BTreeMap<String, Vec<u8>>,
}

impl Source for Ranged {
    fn fetch(&mut self, request: &FetchRequest) -> Fetched {
        if let Some((name, range)) = self.files.get(&request.url).zip(request.byte_range) {
            let from = usize::try_from(range.offset).expect("small");
            let to = from + usize::try_from(range.length).expect("small");
            return Response::new(206, &request.url, name[from..to].to_vec()).into();
        }
        let fetched = self.title.get(&request.url);
        let Fetched::Response(mut response) = fetched else { return fetched };
        let text = String::from_utf8_lossy(&response.body).into_owned();
        if request.url.ends_with(".m3u8") && text.contains("#EXTINF") {
            let folder = request.url.rsplit_once('/').expect("a path").0.to_owned();
            let (mut file, mut list) = (Vec::new(), String::new());
            for line in text.lines() {
                if line.is_empty() || line.starts_with('#') {
                    list += &format!("{line}\n");
                    continue;
                }
                let Fetched::Response(segment) = self.title.get(&format!("{folder}/{line}")) else { panic!("{line}") };
                list += &format!("#EXT-X-BYTERANGE:{}@{}\nall.m4s\n", segment.body.len(), file.len());
                file.extend_from_slice(&segment.body);
            }
            self.files.insert(format!("{folder}/all.m4s"), file);
            response.body = list.into();
            response.content_length = None;
        }
        Fetched::Response(response)
    }
}

#[test]
fn byte_ranges_are_switched_fast_too() {
    let source = Ranged { title: title(120), files: BTreeMap::new() };
    let mut played = session(config(), source, "main.m3u8", rising()).run();
    assert!(played.replaced() > 0, "{:?}", played.switches());
    assert_eq!(errors(&played.session), []);
    played.is_whole(120);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_the_network_does_each_picture_is_there_once(
        steps in prop::collection::vec((2_u64..25, 150_u64..12_000), 1..8),
        faults in prop::collection::vec((1_usize..5, 0_u64..24), 0..6),
        hls in any::<bool>(),
        length in 1_i64..6,
    ) {
        let steps: Vec<Step> = steps.into_iter().map(|(seconds, kbps)| step(seconds, kbps)).collect();
        let network = Network::from_steps(steps).expect("a network");
        let mut source = title(96).segments_of(secs(length));
        for (rendition, number) in faults {
            source = source.fault_times(&format!("v{rendition}"), number, Fault::Truncated, 1);
        }
        let file = if hls { "main.m3u8" } else { "main.mpd" };
        let mut played = session(config(), source, file, network).run();
        played.is_whole(96);
    }
}
