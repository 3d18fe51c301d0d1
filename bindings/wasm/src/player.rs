//! The player behind the exports: one input a turn, then all that follows from it. Nothing here is of WebAssembly.

use telecine_engine::drm::session::StoredLicence;
use telecine_engine::drm::SecretBytes;
use telecine_engine::{
    Action, Body, Capabilities, Command, Config, Engine, Environment, Event, Input, NetworkEvent, Programme,
    ResponseHead, SinkReport,
};
use telecine_model::protection::{KeyId, KeySystem};
use telecine_model::{Error, ErrorCode, Handling, MediaTime, Timestamp, TrackKind, WallTime};

use crate::answers::{ToldPresentation, ToldQoe, ToldSnapshot};
use crate::intake::Fault;
use crate::keys;
use crate::lent::Lent;
use crate::orders::{length, Orders};
use crate::record::{address, Writer};
use crate::settings::{list, whole};
use crate::told;

/// A programme and what its page may refer to.
pub(crate) struct Player {
    programme: Programme,
    orders: Orders,
    /// What was asked for, until the next question.
    answer: Writer,
    /// What was wrong with the settings, until the first turn.
    mistake: Option<Error>,
    now: Timestamp,
}

impl Player {
    pub(crate) fn new(config: Config) -> Self {
        let (config, mistake) = config.without_unknown_rule();
        let mut player = Self {
            programme: Programme::new(Engine::new(config)),
            orders: Orders::default(),
            answer: Writer::default(),
            mistake,
            now: Timestamp::ZERO,
        };
        // Said before anything else: an engine without it takes any sink for this one, but a recording should say so.
        player.handle(Input::Environment(Environment::Capabilities(Self::capabilities("", "", "", (0, 0)))));
        player
    }

    /// What Media Source and the screen can do: see [`capabilities`](crate::capabilities).
    pub(crate) fn capabilities(codecs: &str, efficient: &str, hdr: &str, (width, height): (u32, u32)) -> Capabilities {
        Capabilities {
            kinds: vec![TrackKind::Video, TrackKind::Audio, TrackKind::Text],
            random_access: true,
            codecs: list(codecs),
            efficient: list(efficient),
            hdr: Some(list(hdr)).filter(|ranges| !ranges.is_empty()),
            screen: Some((width, height)).filter(|_| width > 0 && height > 0),
            ..Capabilities::default()
        }
    }

    /// One turn: the outbox has what follows, its length is the answer.
    pub(crate) fn turn(&mut self, input: Input, now: f64) -> u32 {
        self.begin(now);
        self.handle(input);
        self.close()
    }

    fn begin(&mut self, now: f64) {
        self.orders.out.clear();
        self.now = self.now.max(Timestamp::from_micros(whole(now)));
        if let Some(mistake) = self.mistake.take() {
            self.skipped(mistake);
        }
    }

    /// Tells of something that was asked for, and is not done.
    fn skipped(&mut self, error: Error) {
        let error = error.recovered(Handling::Skipped);
        self.orders.write(Action::Emit(Box::new(Event::Error { at: self.now, error })));
    }

    fn handle(&mut self, input: Input) {
        self.programme.handle(input, self.now);
        while let Some(action) = self.programme.poll() {
            self.orders.write(action);
        }
    }

    fn close(&mut self) -> u32 {
        self.orders.deadline(self.programme.deadline());
        address(self.orders.out.bytes().len())
    }

    pub(crate) fn command(&mut self, command: Command, now: f64) -> u32 {
        self.turn(Input::Command(command), now)
    }

    /// Destroys a stored licence. One that names no key system is told as the mistake that it is.
    pub(crate) fn release_licence(
        &mut self,
        system: &str,
        name: &str,
        key_ids: &str,
        expires: f64,
        releasing: bool,
        now: f64,
    ) -> u32 {
        match system.parse::<KeySystem>() {
            Ok(system) => {
                let licence = StoredLicence {
                    system,
                    name: name.to_owned(),
                    key_ids: list(key_ids).iter().filter_map(|text| KeyId::parse(text)).collect(),
                    expires: (!expires.is_nan()).then(|| WallTime::from_micros((expires * 1000.0) as i64)),
                    releasing,
                };
                self.command(Command::ReleaseLicence(licence), now)
            }
            Err(error) => {
                self.begin(now);
                self.skipped(error);
                self.close()
            }
        }
    }

    pub(crate) fn sink(&mut self, report: SinkReport, now: f64) -> u32 {
        self.turn(Input::Sink(report), now)
    }

    pub(crate) fn wall(&mut self, millis: f64, uncertainty_ms: u32, now: f64) -> u32 {
        let time = WallTime::from_micros((millis * 1000.0) as i64);
        self.turn(Input::Environment(Environment::WallClock { time, uncertainty_ms }), now)
    }

    /// Takes what the application brings of keys, for the next title.
    pub(crate) fn keys(&mut self, letter: SecretBytes, now: f64) -> u32 {
        self.begin(now);
        match keys::setup(letter.expose()) {
            Ok(setup) => self.programme.set_keys(setup),
            Err(error) => self.orders.write(Action::Emit(Box::new(Event::Error { at: self.now, error }))),
        }
        self.close()
    }

    /// The key system of the page reports.
    pub(crate) fn cdm(&mut self, letter: SecretBytes, now: f64) -> u32 {
        self.begin(now);
        if let Some(event) = keys::report(letter.expose()) {
            self.handle(Input::Cdm(event));
        }
        self.close()
    }

    /// `headers` are lines of `name: value` with names in lower case; `date` is the `Date` of the answer in milliseconds
    /// since 1970, not a number without one.
    pub(crate) fn head(&mut self, slot: u32, status: u16, url: &str, headers: &str, date: f64, now: f64) -> u32 {
        self.begin(now);
        if let Some(request) = self.orders.requests.get_mut(slot) {
            let all = |name: &str| {
                let name = name.to_owned();
                let fields = headers.lines().filter_map(|line| line.split_once(':'));
                fields.filter(move |(own, _)| *own == name).map(|(_, value)| value.trim().to_owned())
            };
            let one = |name: &str| all(name).next();
            let declared = one("content-length").as_deref().and_then(length);
            let encoded = one("content-encoding").is_some();
            let declared = declared.filter(|_| !encoded);
            let taken =
                request.came_from(url).and_then(|()| request.head(status, declared, one("content-range").as_deref()));
            match taken {
                Ok(content_length) => {
                    let head = ResponseHead {
                        id: request.id,
                        status,
                        url: url.to_owned(),
                        // A page learns of this, and whether it is cached, when it is too late.
                        version: None,
                        content_length,
                        content_type: one("content-type"),
                        retry_after: one("retry-after"),
                        date: date.is_finite().then(|| WallTime::from_micros((date * 1000.0) as i64)),
                        age_s: one("age").as_deref().and_then(length),
                        from_cache: false,
                        etag: one("etag"),
                        last_modified: one("last-modified"),
                        cmsd: all("cmsd-static").chain(all("cmsd-dynamic")).collect(),
                    };
                    self.handle(Input::Network(NetworkEvent::Head(Box::new(head))));
                }
                Err(fault) => self.fault(slot, fault),
            }
        }
        self.close()
    }

    /// Where to copy so many bytes to; zero if nobody wants them.
    pub(crate) fn room(&mut self, slot: u32, count: u32) -> u32 {
        let request = self.orders.requests.get_mut(slot);
        request.map_or(0, |request| address(request.room(count as usize).as_ptr().addr()))
    }

    pub(crate) fn chunk(&mut self, slot: u32, count: u32, now: f64) -> u32 {
        self.begin(now);
        if let Some(request) = self.orders.requests.get_mut(slot) {
            let id = request.id;
            match request.chunk(count as usize) {
                Ok((bytes, done)) => {
                    if !bytes.is_empty() {
                        self.handle(Input::Network(NetworkEvent::Chunk { id, data: Body::Bytes(bytes) }));
                    }
                    // It may have been given up meanwhile.
                    if done && self.orders.requests.get(slot).is_some() {
                        self.orders.cancel(slot);
                        self.handle(Input::Network(NetworkEvent::End { id }));
                    }
                }
                Err(fault) => self.fault(slot, fault),
            }
        }
        self.close()
    }

    pub(crate) fn end(&mut self, slot: u32, now: f64) -> u32 {
        self.begin(now);
        if let Some(request) = self.orders.requests.take(slot) {
            let id = request.id;
            let event = match request.end() {
                Ok(()) => NetworkEvent::End { id },
                Err((code, message)) => NetworkEvent::Failed { id, code, message },
            };
            self.handle(Input::Network(event));
        }
        self.close()
    }

    pub(crate) fn failed(&mut self, slot: u32, code: u16, message: &str, now: f64) -> u32 {
        self.begin(now);
        if let Some(request) = self.orders.requests.take(slot) {
            let (code, message) = (error_code(code), message.to_owned());
            self.handle(Input::Network(NetworkEvent::Failed { id: request.id, code, message }));
        }
        self.close()
    }

    /// An answer is not what was asked for: nothing more is read of it.
    fn fault(&mut self, slot: u32, (code, message): Fault) {
        let Some(id) = self.orders.requests.get(slot).map(|request| request.id) else { return };
        self.orders.cancel(slot);
        self.handle(Input::Network(NetworkEvent::Failed { id, code, message }));
    }

    /// Media Source had no room for something that was lent.
    pub(crate) fn full(&mut self, handle: u32, now: f64) -> u32 {
        match self.orders.lent.get(handle) {
            Some(Lent::Media { kind, load, .. }) => {
                let report = SinkReport::Full { kind: *kind, load: *load };
                self.sink(report, now)
            }
            _ => self.failed_sink(ErrorCode::SinkFull.number(), "no room for an initialisation", now),
        }
    }

    pub(crate) fn failed_sink(&mut self, code: u16, message: &str, now: f64) -> u32 {
        self.sink(SinkReport::Failed { code: error_code(code), message: message.to_owned() }, now)
    }

    pub(crate) fn give_back(&mut self, handle: u32) {
        drop(self.orders.lent.take(handle));
    }

    pub(crate) fn outbox(&self) -> u32 {
        address(self.orders.out.bytes().as_ptr().addr())
    }

    pub(crate) fn answer(&self) -> u32 {
        address(self.answer.bytes().as_ptr().addr())
    }

    /// Writes an answer; its length.
    fn tell(&mut self, value: &impl serde::Serialize) -> u32 {
        told::alone(&mut self.answer, value);
        address(self.answer.bytes().len())
    }

    fn at(&self, now: f64) -> Timestamp {
        Timestamp::from_micros(whole(now)).max(self.now)
    }

    pub(crate) fn snapshot(&mut self, now: f64) -> u32 {
        let snapshot = self.programme.snapshot(self.at(now));
        self.tell(&ToldSnapshot::of(&snapshot))
    }

    pub(crate) fn qoe(&mut self, now: f64) -> u32 {
        let summary = self.programme.qoe(self.at(now));
        self.tell(&ToldQoe::of(&summary))
    }

    pub(crate) fn presentation(&mut self, now: f64) -> u32 {
        let position = self.programme.snapshot(self.at(now)).position;
        let presentation = self.programme.engine().presentation();
        let told = presentation.and_then(|title| ToldPresentation::of(title, position, &self.orders.selected));
        told::alone(&mut self.answer, &told);
        address(self.answer.bytes().len())
    }

    pub(crate) fn interstitials(&mut self) -> u32 {
        let all = self.programme.interstitials();
        self.tell(&all)
    }

    pub(crate) fn memory(&self) -> Vec<u8> {
        self.programme.engine().throughput_memory().to_bytes()
    }

    pub(crate) fn recording(&mut self) -> Vec<u8> {
        self.programme.take_recording()
    }

    pub(crate) fn action_hash(&self) -> String {
        format!("{:016x}", self.programme.action_hash())
    }
}

/// The code with this number; that of a defect for none.
fn error_code(number: u16) -> ErrorCode {
    ErrorCode::ALL.iter().copied().find(|code| code.number() == number).unwrap_or(ErrorCode::InternalDefect)
}

/// Seconds of a page as the engine has them. Not a number is the beginning of the title's own choice.
pub(crate) fn start(secs: f64) -> Option<MediaTime> {
    (!secs.is_nan()).then(|| time(secs))
}

/// Seconds of a page as the engine has them.
pub(crate) fn time(secs: f64) -> MediaTime {
    MediaTime::from_secs_f64(secs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Tag;
    use crate::settings;

    const MULTIVARIANT: &str = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=100000,CODECS=\"avc1.64001f\"\nv.m3u8\n";

    fn loaded() -> Player {
        let mut player = Player::new(settings::defaults());
        let length = player.command(Command::Load { url: "http://a/m.m3u8".to_owned(), start: None }, 1e6);
        assert_eq!(length as usize, player.orders.out.bytes().len());
        player
    }

    /// Answers the request of a slot with a body.
    fn answer(player: &mut Player, slot: u32, headers: &str, body: &str) {
        player.head(slot, 200, "http://a/m.m3u8", headers, f64::NAN, 1e6);
        assert_ne!(player.room(slot, body.len() as u32), 0);
        // What a page copies into memory cannot be copied here without a pointer: through the room itself.
        let request = player.orders.requests.get_mut(slot).expect("it is under way");
        request.fill(body.as_bytes());
        player.chunk(slot, body.len() as u32, 2e6);
        player.end(slot, 2e6);
    }

    #[test]
    fn a_title_that_is_loaded_is_asked_for_and_what_it_lists_then() {
        let mut player = loaded();
        assert_eq!(player.orders.requests.len(), 1);
        let bytes = player.orders.out.bytes();
        assert!(bytes.windows(15).any(|window| window == b"http://a/m.m3u8"));
        answer(&mut player, 1, "content-type: application/vnd.apple.mpegurl\n", MULTIVARIANT);
        let bytes = player.orders.out.bytes();
        assert!(bytes.windows(15).any(|window| window == b"http://a/v.m3u8"), "{bytes:?}");
        assert_eq!(bytes[bytes.len() - 9], Tag::Deadline as u8, "the deadline is the last record");
    }

    #[test]
    fn a_rule_that_is_not_there_is_told_at_the_first_turn_and_once() {
        let mut config = settings::defaults();
        config.rule = Some("pensieve".to_owned());
        let mut player = Player::new(config);
        let tells = |player: &Player| player.orders.out.bytes().windows(10).any(|window| window == b"'pensieve'");
        player.command(Command::Load { url: "http://a/m.m3u8".to_owned(), start: None }, 1e6);
        assert!(tells(&player) && player.orders.requests.len() == 1);
        player.command(Command::Play, 2e6);
        assert!(!tells(&player));
    }

    #[test]
    fn what_comes_for_a_request_that_ended_is_nothing() {
        let mut player = loaded();
        player.failed(1, ErrorCode::ConnectFailed.number(), "refused", 1e6);
        assert_eq!(player.room(1, 10), 0);
        let before = player.action_hash();
        player.head(1, 200, "http://a/", "", f64::NAN, 1e6);
        player.chunk(1, 10, 1e6);
        player.end(1, 1e6);
        assert_eq!(player.action_hash(), before);
    }

    #[test]
    fn a_page_that_is_no_manifest_fails_with_its_code() {
        let mut player = loaded();
        answer(&mut player, 1, "content-type: text/html\n", "<!doctype html><title>not found</title>");
        let bytes = player.orders.out.bytes();
        assert!(bytes.windows(12).any(|window| window == b"NotAManifest"));
    }

    /// What was answered last.
    fn answered(player: &Player) -> String {
        crate::shapes::value::read(player.answer.bytes()).to_string()
    }

    #[test]
    fn a_title_is_told_with_its_tracks_once_it_is_loaded() {
        let mut player = loaded();
        player.presentation(1e6);
        assert_eq!(answered(&player), "null");
        answer(&mut player, 1, "", MULTIVARIANT);
        player.presentation(2e6);
        let told = answered(&player);
        assert!(told.starts_with("{protocol:'hls',live:"), "{told}");
        assert!(told.contains("bitrate:100000,") && told.contains("codecs:'avc1.64001f'"), "{told}");
        player.interstitials();
        assert_eq!(answered(&player), "[]");
        player.qoe(3e6);
        assert!(answered(&player).starts_with("{state:'idle',startup:null,"), "{}", answered(&player));
    }

    #[test]
    fn what_media_source_does_not_take_is_not_asked_for() {
        let both = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=100000,CODECS=\"dvh1.05.06\"\ndolby.m3u8\n\
                    #EXT-X-STREAM-INF:BANDWIDTH=200000,CODECS=\"avc1.64001f\"\nv.m3u8\n";
        let asked = |codecs: &str| {
            let mut player = Player::new(settings::defaults());
            let told = Player::capabilities(codecs, "", "", (0, 0));
            player.turn(Input::Environment(Environment::Capabilities(told)), 0.0);
            player.command(Command::Load { url: "http://a/m.m3u8".to_owned(), start: None }, 1e6);
            answer(&mut player, 1, "", both);
            let out = String::from_utf8_lossy(player.orders.out.bytes()).into_owned();
            (out.contains("http://a/dolby.m3u8"), out.contains("http://a/v.m3u8"))
        };
        assert_eq!(asked(""), (true, false), "nobody knows");
        assert_eq!(asked("avc1,mp4a.40.2"), (false, true));
    }

    #[test]
    fn a_redirect_to_where_content_may_not_lead_is_refused() {
        let mut player = loaded();
        player.head(1, 200, "blob:http://a/1", "", f64::NAN, 1e6);
        assert_eq!(player.orders.requests.len(), 0);
        let out = String::from_utf8_lossy(player.orders.out.bytes()).into_owned();
        assert!(out.contains("SchemeForbidden"), "{out}");
    }

    #[test]
    fn a_licence_of_no_key_system_is_a_mistake_that_is_told() {
        let mut player = loaded();
        player.release_licence("none", "one", "", f64::NAN, false, 1e6);
        let out = String::from_utf8_lossy(player.orders.out.bytes()).into_owned();
        assert!(out.contains("InvalidArgument"), "{out}");
    }

    #[test]
    fn what_was_learnt_is_kept_as_bytes_that_a_later_session_reads() {
        let player = loaded();
        let bytes = player.memory();
        assert!(telecine_engine::abr::ThroughputMemory::from_bytes(&bytes).is_ok_and(|memory| memory.is_empty()));
    }
}
