//! A protected synthetic title with licence servers.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use telecine_drm::session::{Cdm, CdmCommand, CdmEvent, KeyRequest};
use telecine_drm::system::clearkey::{request_from_json, Licence};
use telecine_drm::system::{SystemCapability, SystemPreference};
use telecine_drm::testing::{DoubleLicence, ScriptedCdm};
use telecine_drm::ContentKey;
use telecine_engine::{replay, Config, Engine, FetchRequest, KeySetup, RequestClass};
use telecine_model::protection::{KeyId, KeySystem};
use telecine_model::{Limits, Timestamp};
use telecine_virtual::testing::SyntheticTitle;
use telecine_virtual::{Fetched, Response, Session, Source};

use crate::sink::{keeping, Shelf};

/// Licence server of every test.
pub(crate) const SERVER: &str = "https://licence.example/get?token=verysecret42";

/// What the server answers.
#[derive(Clone)]
pub(crate) enum Answer {
    /// Keys in ClearKey's JSON for what was asked for, but these.
    ClearKeys { without: Vec<KeyId> },
    /// A licence for the double of a commercial key system.
    Double(DoubleLicence),
    /// That, and to a release its acknowledgement.
    Either(DoubleLicence),
    /// This.
    Raw(Fetched),
}

pub(crate) struct World {
    pub(crate) title: SyntheticTitle,
    pub(crate) delay: Duration,
    /// Each is given once, the last one again and again.
    pub(crate) answers: VecDeque<Answer>,
    pub(crate) licences: Vec<FetchRequest>,
    pub(crate) key_files: Vec<String>,
    /// How much media had been asked for before each licence was.
    pub(crate) media_before: Vec<usize>,
    /// What other servers answer, by URL, and what was asked of them.
    pub(crate) others: BTreeMap<&'static str, Fetched>,
    pub(crate) asked: Vec<String>,
    /// What the manifest is instead.
    pub(crate) edit: Option<fn(&World, String) -> String>,
}

impl World {
    pub(crate) fn new(title: SyntheticTitle) -> Self {
        Self {
            title,
            delay: Duration::from_millis(50),
            answers: [Answer::ClearKeys { without: Vec::new() }].into(),
            licences: Vec::new(),
            key_files: Vec::new(),
            media_before: Vec::new(),
            others: BTreeMap::new(),
            asked: Vec::new(),
            edit: None,
        }
    }

    pub(crate) fn answering(mut self, answers: impl IntoIterator<Item = Answer>) -> Self {
        self.answers = answers.into_iter().collect();
        self
    }

    pub(crate) fn after(mut self, millis: u64) -> Self {
        self.delay = Duration::from_millis(millis);
        self
    }

    fn licence(&mut self, request: &KeyRequest) -> Fetched {
        let answer = match self.answers.len() {
            0 | 1 => self.answers.front().cloned(),
            _ => self.answers.pop_front(),
        };
        let body = match answer.expect("an answer") {
            Answer::Raw(fetched) => return fetched,
            Answer::Either(_) if is_release(request) => b"released".to_vec(),
            Answer::Double(licence) | Answer::Either(licence) => licence.to_bytes(),
            Answer::ClearKeys { without } => {
                let body = request.body.as_ref().expect("a request in JSON");
                let (kids, kind) = request_from_json(body.expose(), &Limits::default()).expect("valid");
                let keys = kids.into_iter().filter(|kid| !without.contains(kid));
                // As the title derives them.
                let key = |kid: KeyId| ContentKey::new(kid.0.map(|byte| byte.rotate_left(3) ^ 0x5a));
                Licence { keys: keys.map(|kid| (kid, key(kid))).collect(), kind }.to_json()
            }
        };
        let mut response = Response::new(200, SERVER, body);
        response.delay = self.delay;
        response.into()
    }
}

/// Whether a message of the double destroys a licence.
fn is_release(request: &KeyRequest) -> bool {
    request.body.as_ref().is_some_and(|body| body.expose().ends_with(b"license-release"))
}

impl Source for World {
    fn fetch(&mut self, request: &FetchRequest) -> Fetched {
        if request.url == SERVER {
            assert_eq!(request.class, RequestClass::Key);
            self.licences.push(request.clone());
            let media = self.title.requests().iter().filter(|path| path.contains('/'));
            self.media_before.push(media.count());
            return self.licence(request.licence.as_deref().expect("what to post"));
        }
        if let Some(fetched) = self.others.get(request.url.as_str()) {
            self.asked.push(request.url.clone());
            return fetched.clone();
        }
        if request.class == RequestClass::Key {
            self.key_files.push(request.url.clone());
        }
        let fetched = self.title.get(&request.url);
        match (self.edit, fetched) {
            (Some(edit), Fetched::Response(mut response)) if request.url.contains("/main.") => {
                response.body = edit(self, String::from_utf8_lossy(&response.body).into_owned()).into();
                response.content_length = None;
                Fetched::Response(response)
            }
            (_, fetched) => fetched,
        }
    }
}

/// The double of a key system that a test can reach while it is in use.
#[derive(Clone)]
pub(crate) struct SharedCdm(Arc<Mutex<ScriptedCdm>>);

impl SharedCdm {
    pub(crate) fn new(cdm: ScriptedCdm) -> Self {
        Self(Arc::new(Mutex::new(cdm)))
    }

    pub(crate) fn get(&self) -> MutexGuard<'_, ScriptedCdm> {
        self.0.lock().expect("one thread")
    }
}

impl Cdm for SharedCdm {
    fn execute(&mut self, command: CdmCommand, now: Timestamp) {
        self.get().execute(command, now);
    }

    fn poll(&mut self, now: Timestamp) -> Option<CdmEvent> {
        self.get().poll(now)
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.get().deadline()
    }
}

/// A session, and what its sink got.
pub(crate) struct Played {
    pub(crate) session: Session<World>,
    pub(crate) shelf: Shelf,
}

impl Played {
    /// Whether all that the sink got is in the clear, or all of it protected. The title's samples are nothing but
    /// zeros.
    pub(crate) fn is_all(&self, protected: bool) -> bool {
        let kept = self.shelf.get();
        let mut samples = kept.samples.iter().map(|(_, bytes)| bytes.iter().any(|byte| *byte != 0));
        let mut tracks = kept.tracks.iter().copied();
        !kept.samples.is_empty()
            && !kept.tracks.is_empty()
            && samples.all(|found| found == protected)
            && tracks.all(|found| found == protected)
    }
}

pub(crate) fn start(world: World, setup: KeySetup, file: &str) -> Played {
    start_over(world, setup, file, "rate=8Mbps,rtt=40ms")
}

pub(crate) fn start_over(world: World, setup: KeySetup, file: &str, network: &str) -> Played {
    let mut config = Config::default();
    config.record = true;
    let mut engine = Engine::new(config);
    engine.set_keys(setup);
    let (sink, shelf) = keeping();
    let session = Session::with_engine(engine, world, Timestamp::ZERO)
        .sink(sink)
        .network(network.parse().expect("a network"))
        .play(format!("https://title.example/{file}"));
    Played { session, shelf }
}

/// The application's licence server, for ClearKey in software.
pub(crate) fn with_server() -> KeySetup {
    let mut setup = KeySetup::default();
    setup.licence_server(SERVER).licence_header("Authorization", "Bearer verysecret42");
    setup
}

/// A device with Widevine, and the application's licence server for it.
pub(crate) fn with_widevine() -> KeySetup {
    let mut setup = KeySetup::default();
    setup.device.systems.push(SystemCapability::new(KeySystem::Widevine, "com.widevine.alpha"));
    let wish = SystemPreference { licence_urls: vec![SERVER.into()], ..SystemPreference::default() };
    setup.preferences.systems.insert(KeySystem::Widevine, wish);
    setup
}

/// The recording replays to the same actions, and holds nothing secret; nor do events.
pub(crate) fn replays(session: &mut Session<World>) {
    let recording = session.take_recording();
    let replayed = replay(&recording).expect("readable");
    assert!(replayed.equal && replayed.complete, "parts at input {:?}", replayed.differs_by_input);
    assert_eq!(replayed.replayed_hash, session.engine().action_hash());
    let told = format!("{:?}", session.events());
    assert!(!told.contains("verysecret42"), "a token was told");
    let title = &session.source().title;
    let mut secrets: Vec<Vec<u8>> = vec![b"verysecret42".to_vec(), b"double licence".to_vec(), b"\"kty\"".to_vec()];
    for rendition in ["v0", "v1", "v2", "a0"] {
        secrets.push(title.key_of(rendition, 0).1.expose().to_vec());
    }
    for secret in secrets {
        assert!(!recording.windows(secret.len()).any(|window| window == secret), "a secret was recorded");
    }
}
