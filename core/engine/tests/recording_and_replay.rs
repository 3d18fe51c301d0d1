//! Same seed and inputs, same actions: twice, and under replay.

mod common;

use common::{at, secs, session_with};
use telecine_abr::Throughput;
use telecine_engine::{replay, Command, Config, DecisionKind, Engine, FetchRequest, Policies};
use telecine_model::{ErrorCode, Timestamp};
use telecine_virtual::testing::{Fault, SyntheticTitle};
use telecine_virtual::{Fetched, Outcome, Session, Source};

fn eventful(file: &str, record: bool) -> Session<SyntheticTitle> {
    let mut config = Config::default();
    config.seed = 42;
    config.record = record;
    let title = SyntheticTitle::new(secs(120))
        .fault("v1", 4, Fault::Status(503))
        .fault("v2", 7, Fault::Truncated)
        .fault_times("a0", 9, Fault::Garbage, 1)
        .fault("v0", 12, Fault::Hole);
    let mut session = session_with(config, title, file, "rate=2Mbps,rtt=60ms,loss=1")
        .at(at(20_000), Command::Seek(secs(70)))
        .at(at(30_000), Command::Pause)
        .at(at(33_000), Command::Play)
        .at(at(40_000), Command::Seek(secs(12)))
        .at(at(50_000), Command::SetRate(1500));
    session.run(None);
    session
}

#[test]
fn the_same_session_twice_gives_the_same_actions() {
    for file in ["main.m3u8", "main.mpd"] {
        let (first, second) = (eventful(file, false), eventful(file, true));
        assert_eq!(first.events(), second.events());
        assert_eq!(first.engine().action_hash(), second.engine().action_hash(), "{file}");
    }
}

#[test]
fn a_replay_of_a_recording_decides_the_same() {
    for file in ["main.m3u8", "main.mpd"] {
        let mut session = eventful(file, true);
        let recording = session.take_recording();
        let replayed = replay(&recording).expect("readable");
        assert!(replayed.equal && replayed.complete, "{file}: {:?}", replayed.differs_by_input);
        assert_eq!(replayed.replayed_hash, session.engine().action_hash());
        let decisions: Vec<_> = session.decisions().cloned().collect();
        assert_eq!(replayed.decisions, decisions);
        assert!(decisions.iter().any(|d| d.what == DecisionKind::Bitrate && !d.why.is_empty()));
    }
}

#[test]
fn damage_is_told_from_a_difference() {
    let mut session = eventful("main.mpd", true);
    let recording = session.take_recording();
    for place in (24..recording.len()).step_by(97) {
        let mut damaged = recording.clone();
        damaged[place] ^= 0x10;
        match replay(&damaged) {
            Err(error) => assert_eq!(error.code(), ErrorCode::RecordingInvalid),
            // The length of a frame may now lead beyond the end, as in a recording that was cut off.
            Ok(replayed) => assert!(!replayed.complete, "damage at byte {place} went unnoticed"),
        }
    }
}

#[test]
fn decisions_of_another_rule_are_a_difference() {
    let mut config = Config::default();
    config.record = true;
    let policies = Policies { rule: Box::new(Throughput::default()), ..Policies::new(&config) };
    let engine = Engine::with_policies(config, policies);
    let mut session = Session::with_engine(engine, SyntheticTitle::new(secs(60)), Timestamp::ZERO)
        .network("rate=2Mbps,rtt=60ms".parse().expect("a network"))
        .play("https://title.example/main.mpd");
    session.run(None);
    let replayed = replay(&session.take_recording()).expect("readable");
    assert!(!replayed.equal && replayed.differs_by_input.is_some());
}

/// A title whose playlists put a token into paths and queries by a variable.
struct Tokens(SyntheticTitle);

const TOKEN: &str = "verysecret42";

impl Source for Tokens {
    fn fetch(&mut self, request: &FetchRequest) -> Fetched {
        let url = request.url.replace(&format!("p-{TOKEN}-q/"), "");
        let mut fetched = self.0.get(&url);
        if let Fetched::Response(response) = &mut fetched {
            response.url.clone_from(&request.url);
            if url.contains(".m3u8") {
                let define = match url.contains("main") {
                    true => format!("#EXT-X-DEFINE:NAME=\"t\",VALUE=\"{TOKEN}\"\n"),
                    false => "#EXT-X-DEFINE:IMPORT=\"t\"\n".to_owned(),
                };
                let text = String::from_utf8_lossy(&response.body).into_owned();
                let text = text
                    .replacen('\n', &format!("\n{define}"), 1)
                    .replace("v0", "p-{$t}-q/v0")
                    .replace(".m4s", ".m4s?x={$t}&y=pre-{$t}-post");
                response.body = text.into();
                response.content_length = None;
            }
        }
        fetched
    }
}

#[test]
fn variables_in_paths_and_queries_leave_no_token_and_replay_the_same() {
    let mut config = Config::default();
    config.record = true;
    let title = Tokens(SyntheticTitle::new(secs(30)).fault("v0", 2, Fault::Status(404)));
    let mut session = Session::new(config, title)
        .network("rate=400kbps,rtt=60ms".parse().expect("a network"))
        .play("https://title.example/main.m3u8");
    assert_eq!(session.run(None), Outcome::Ended);
    assert!(session.source().0.requests().iter().any(|path| path.starts_with("v0/")));
    let recording = session.take_recording();
    assert!(!recording.windows(TOKEN.len()).any(|window| window == TOKEN.as_bytes()));
    assert!(!format!("{:?}", session.events()).contains(TOKEN), "events are shown and logged");
    let replayed = replay(&recording).expect("readable");
    assert!(replayed.equal && replayed.complete, "{:?}", replayed.differs_by_input);
}

#[test]
fn a_recording_that_was_cut_off_is_replayed_as_far_as_it_goes() {
    let mut session = eventful("main.mpd", true);
    let recording = session.take_recording();
    let replayed = replay(&recording[..recording.len() / 2]).expect("readable");
    assert!(replayed.equal && !replayed.complete);
}

#[test]
fn a_recording_that_goes_on_after_an_end_is_cut_off_wherever_a_frame_is_not_whole() {
    let mut config = Config::default();
    config.record = true;
    let mut session = session_with(config, SyntheticTitle::new(secs(10)), "main.mpd", "rate=5Mbps,rtt=60ms");
    assert_eq!(session.run(None), Outcome::Ended);
    let mut recording = session.take_recording();
    let ended = recording.len();
    assert!(replay(&recording).expect("readable").complete);
    session.schedule(session.now(), Command::Seek(secs(2)));
    session.schedule(session.now(), Command::Play);
    assert_eq!(session.run(None), Outcome::Ended);
    recording.extend(session.take_recording());
    let whole = replay(&recording).expect("readable");
    assert!(whole.equal && whole.complete && recording.len() > ended + 100);
    // All of the first frames behind the end, and of the last ones.
    let complete = |cut: &usize| replay(&recording[..*cut]).is_ok_and(|replayed| replayed.complete);
    let told: Vec<usize> = (ended + 1..ended + 100).chain(recording.len() - 100..recording.len()).collect();
    assert_eq!(told.into_iter().filter(complete).collect::<Vec<_>>(), [0; 0]);
    // Damage that makes a frame reach beyond the end is no end of a session either.
    let mut damaged = recording.clone();
    damaged[ended] |= 0x7f;
    damaged.truncate(ended + 100);
    assert!(replay(&damaged).map_or(true, |replayed| !replayed.complete));
}

#[test]
fn a_recording_is_small_and_without_secrets() {
    let mut config = Config::default();
    config.record = true;
    let title = SyntheticTitle::new(secs(600));
    let mut session = session_with(config, title, "main.m3u8?token=verysecret", "rate=5Mbps,rtt=40ms");
    session.run(None);
    let recording = session.take_recording();
    assert!(recording.len() < 10 * 16 * 1024, "{} bytes for ten minutes", recording.len());
    assert!(!recording.windows(10).any(|window| window == b"verysecret"));
    assert!(replay(&recording).expect("readable").equal);
}

/// A title whose MPD makes queries of the MPD's own by a template (ISO/IEC 23009-1, annex I).
struct Queries(SyntheticTitle);

impl Source for Queries {
    fn fetch(&mut self, request: &FetchRequest) -> Fetched {
        let mut fetched = self.0.get(&request.url);
        if let Fetched::Response(response) = &mut fetched {
            if request.url.contains(".mpd") {
                const INFO: &str = "<SupplementalProperty schemeIdUri=\"urn:mpeg:dash:urlparam:2014\">\
                    <up:UrlQueryInfo xmlns:up=\"urn:mpeg:dash:schema:urlparam:2014\" useMPDUrlQuery=\"true\" \
                    queryTemplate=\"auth=v1-$query:token$&amp;$query:n$\"/></SupplementalProperty>";
                let text = String::from_utf8_lossy(&response.body).into_owned();
                response.body = text.replace("<SegmentTemplate", &format!("{INFO}<SegmentTemplate")).into();
                response.content_length = None;
            }
        }
        fetched
    }
}

#[test]
fn queries_that_a_template_puts_together_replay_the_same() {
    let mut config = Config::default();
    config.record = true;
    let title = Queries(SyntheticTitle::new(secs(30)).fault("v0", 2, Fault::Status(404)));
    let mut session = Session::new(config, title)
        .network("rate=400kbps,rtt=60ms".parse().expect("a network"))
        .play(format!("https://title.example/main.mpd?token={TOKEN}&n=7"));
    assert_eq!(session.run(None), Outcome::Ended);
    let recording = session.take_recording();
    assert!(!recording.windows(TOKEN.len()).any(|window| window == TOKEN.as_bytes()));
    let replayed = replay(&recording).expect("readable");
    assert!(replayed.equal && replayed.complete, "{:?}", replayed.differs_by_input);
}

/// A title behind tokens in paths, as CDNs put them there.
struct Paths(SyntheticTitle);

const PATH: &str = "exp=1700000000~acl=/*~hmac=verysecret42verysecret";

impl Source for Paths {
    fn fetch(&mut self, request: &FetchRequest) -> Fetched {
        let url = request.url.replace(&format!("{PATH}/"), "").replace(&format!(";t={TOKEN}"), "");
        let mut fetched = self.0.get(&url);
        if let Fetched::Response(response) = &mut fetched {
            response.url.clone_from(&request.url);
            if url.contains(".mpd") || url.contains(".m3u8") {
                let text = String::from_utf8_lossy(&response.body).into_owned();
                response.body = text.replace(".m4s", &format!(".m4s;t={TOKEN}")).into();
                response.content_length = None;
            }
        }
        fetched
    }
}

#[test]
fn tokens_in_paths_leave_no_trace_and_replay_the_same() {
    for file in ["main.m3u8", "main.mpd"] {
        let mut config = Config::default();
        config.record = true;
        let title = Paths(SyntheticTitle::new(secs(30)).fault("v0", 2, Fault::Status(404)));
        let mut session = Session::new(config, title)
            .network("rate=400kbps,rtt=60ms".parse().expect("a network"))
            .play(format!("https://title.example/{PATH}/{file}"));
        assert_eq!(session.run(None), Outcome::Ended, "{file}");
        let recording = session.take_recording();
        assert!(!recording.windows(TOKEN.len()).any(|window| window == TOKEN.as_bytes()), "{file}");
        assert!(!format!("{:?}", session.events()).contains(TOKEN), "{file}: in an event");
        let replayed = replay(&recording).expect("readable");
        assert!(replayed.equal && replayed.complete, "{file}: {:?}", replayed.differs_by_input);
    }
}
