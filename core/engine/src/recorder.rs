//! Writing a session down, and replaying it.
//!
//! A recording is the configuration and every input, in the order and at the times at which the
//! engine got them. Media bodies are kept as their length and the facts found in them; manifests
//! are kept whole, but without what may be secret in them ([`telecine_manifest::redact`]).
//! Nothing of a key or a token gets in. After each state that ends a session, and every
//! [`CHECK_EVERY`] inputs, the hash of the action stream is written too, so that a replay can say
//! where it parts from what happened.
//!
//! Format: the line `TELECINE-RECORDING 2`, then frames: length as a varint, postcard bytes. Each
//! check also holds a hash of all bytes before it, so that damage is told from a difference.

use serde::{Deserialize, Serialize};
use telecine_model::hash::Fnv1a;
use telecine_model::{uri, Error, ErrorCode, Place, SortedMap, SortedSet, Timestamp, TrackKind};

use crate::action::Action;
use crate::config::Config;
use crate::event::{Decision, Event};
use crate::input::{Body, Command, Environment, Input, NetworkEvent, RequestId, ResponseHead, SinkReport};
use crate::keys::{Findings, GivenKey, KeyFact, Opened};
use crate::media::MediaFact;
use crate::requests::Requests;
use crate::secrets::Secrets;
use crate::Engine;

const MAGIC: &[u8] = b"TELECINE-RECORDING 2\n";

/// Inputs between two notes of the hash.
const CHECK_EVERY: u32 = 256;

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Frame {
    Start {
        version: String,
        config: Box<Config>,
    },
    Input {
        after_us: u64,
        input: Recorded,
    },
    Check {
        /// Hash of the recording's bytes from its beginning to here, and of what follows.
        seal: u64,
        actions: u64,
        hash: u64,
        last: bool,
    },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Recorded {
    Command(Command),
    Head(Box<ResponseHead>),
    Text {
        id: RequestId,
        bytes: Vec<u8>,
    },
    Media {
        id: RequestId,
        len: u64,
        facts: Vec<MediaFact>,
    },
    /// Facts are those that only the end of a body brought to light.
    End {
        id: RequestId,
        facts: Vec<MediaFact>,
    },
    Failed {
        id: RequestId,
        code: ErrorCode,
        message: String,
    },
    /// What comes of keys with the next input, in a round of it.
    Round {
        round: u32,
        facts: Vec<KeyFact>,
    },
    /// A fragment that cannot be decrypted with the next input, by its number among those that are.
    Undecrypted {
        number: u32,
        error: Error,
    },
    /// The key system of the device reports; what comes of it was said before.
    Cdm,
    /// What the next input brings to light in media of a kind that had waited.
    Opened {
        kind: TrackKind,
        init: bool,
        facts: Vec<MediaFact>,
    },
    /// The application gave keys, of which only the length of one for whole segments decides anything.
    Keys {
        segment_key: Option<usize>,
    },
    Sink(SinkReport),
    Environment(Environment),
    Timer,
    /// Media of the next input says that the known MPD holds no longer.
    Expired,
}

/// Collects frames until the host takes them.
#[derive(Debug)]
pub(crate) struct Recorder {
    out: Vec<u8>,
    /// Texts on their way: redacted and written when they are complete, since a secret may lie
    /// across the boundary of two chunks.
    texts: SortedMap<RequestId, Vec<u8>>,
    /// Requests that were answered with an error.
    refused: SortedSet<RequestId>,
    last: Timestamp,
    since_check: u32,
    /// Hash of what was written before `out`, and of it.
    hash: Fnv1a,
}

impl Recorder {
    /// One for a session that is to be recorded.
    pub(crate) fn of(config: &Config) -> Option<Self> {
        config.record.then(|| Self::new(config))
    }

    fn new(config: &Config) -> Self {
        let mut recorder = Self {
            out: Vec::new(),
            texts: SortedMap::new(),
            refused: SortedSet::new(),
            last: Timestamp::ZERO,
            since_check: 0,
            hash: Fnv1a::default(),
        };
        recorder.put(MAGIC);
        let version = env!("CARGO_PKG_VERSION").to_owned();
        recorder.frame(&Frame::Start { version, config: Box::new(config.clone()) });
        recorder
    }

    /// Notes an input. `facts` are what its media bytes gave; None if they are not media. `lives`
    /// tells whether anything is still expected of a request.
    pub(crate) fn input(
        &mut self,
        input: &Input,
        facts: Option<Vec<MediaFact>>,
        now: Timestamp,
        lives: impl Fn(RequestId) -> bool,
        secrets: &Secrets,
    ) {
        if let Input::Network(NetworkEvent::Chunk { id, data: Body::Bytes(bytes) }) = input {
            if facts.is_none() {
                // How much came when; the text itself once it is complete.
                self.texts.entry(*id).or_default().extend_from_slice(bytes);
                self.write(Recorded::Media { id: *id, len: bytes.len() as u64, facts: Vec::new() }, now);
                return self.texts.retain(|id, _| lives(*id));
            }
        }
        if let Input::Network(NetworkEvent::Head(head)) = input {
            if !head.is_success() {
                self.refused.insert(head.id);
            }
        }
        if let Input::Network(NetworkEvent::End { id } | NetworkEvent::Failed { id, .. }) = input {
            let refused = self.refused.remove(id);
            if let Some(text) = self.texts.remove(id) {
                let bytes = match refused {
                    // The engine looks no further into it either.
                    true => telecine_manifest::redact_error(&text[..text.len().min(Requests::ERROR_BODY)]),
                    false => telecine_manifest::redact(&text),
                };
                self.write(Recorded::Text { id: *id, bytes }, now);
            }
        }
        let recorded = match input {
            Input::Command(Command::Load { url, start }) => {
                Recorded::Command(Command::Load { url: uri::without_secrets(url), start: *start })
            }
            Input::Command(command) => Recorded::Command(command.clone()),
            Input::Network(NetworkEvent::Head(head)) => {
                // Of a title before this one nobody knows any more what was secret in its URLs.
                let url = if lives(head.id) { secrets.shown(&head.url) } else { String::new() };
                // That there is something to tell versions by decides, not what.
                let etag = head.etag.as_ref().map(|_| String::new());
                let last_modified = head.last_modified.as_ref().map(|_| String::new());
                Recorded::Head(Box::new(ResponseHead { url, etag, last_modified, ..(**head).clone() }))
            }
            Input::Network(NetworkEvent::Chunk { id, data }) => match (facts, data) {
                (Some(facts), data) => Recorded::Media { id: *id, len: data.len(), facts },
                (None, data) => Recorded::Media { id: *id, len: data.len(), facts: Vec::new() },
            },
            Input::Network(NetworkEvent::End { id }) => Recorded::End { id: *id, facts: facts.unwrap_or_default() },
            Input::Network(NetworkEvent::Failed { id, code, message }) => Recorded::Failed {
                id: *id,
                code: *code,
                message: telecine_manifest::redact_message(&secrets.hide(message)),
            },
            Input::Sink(report) => Recorded::Sink(report.clone()),
            Input::Environment(environment) => Recorded::Environment(environment.clone()),
            Input::Cdm(_) => Recorded::Cdm,
            Input::Timer => Recorded::Timer,
        };
        self.write(recorded, now);
        // What was cancelled meanwhile is never completed.
        self.texts.retain(|id, _| lives(*id));
        self.refused.retain(|id| lives(*id));
    }

    /// Notes what the input that comes next brought to light beside what was in its own body.
    pub(crate) fn findings(&mut self, findings: Findings) {
        let Findings { opened, rounds, failed, expired } = findings;
        let opened = opened.into_iter().map(|Opened { kind, init, facts }| Recorded::Opened { kind, init, facts });
        let rounds = rounds.into_iter().map(|(round, facts)| Recorded::Round { round, facts });
        let failed = failed.into_iter().map(|(number, error)| Recorded::Undecrypted { number, error });
        let expired = expired.then_some(Recorded::Expired);
        for input in opened.chain(rounds).chain(failed).chain(expired) {
            self.frame(&Frame::Input { after_us: 0, input });
        }
    }

    /// Notes that the application gave keys.
    pub(crate) fn keys(&mut self, segment_key: Option<usize>) {
        self.frame(&Frame::Input { after_us: 0, input: Recorded::Keys { segment_key } });
    }

    fn write(&mut self, input: Recorded, now: Timestamp) {
        let after_us = now.as_micros().saturating_sub(self.last.as_micros());
        self.last = self.last.max(now);
        self.frame(&Frame::Input { after_us, input });
        self.since_check += 1;
    }

    /// Notes the hash, if it is time to or if this is the end of a session.
    pub(crate) fn check(&mut self, actions: u64, hash: u64, last: bool) {
        if last || self.since_check >= CHECK_EVERY {
            self.since_check = 0;
            self.frame(&Frame::Check { seal: seal(self.hash, actions, hash, last), actions, hash, last });
        }
    }

    /// What was written since the last call.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    fn frame(&mut self, frame: &Frame) {
        let bytes = postcard::to_stdvec(frame).unwrap_or_default();
        let mut length = bytes.len();
        loop {
            let low = (length & 0x7f) as u8;
            length >>= 7;
            self.put(&[if length == 0 { low } else { low | 0x80 }]);
            if length == 0 {
                break;
            }
        }
        self.put(&bytes);
    }

    fn put(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.out.extend_from_slice(bytes);
    }
}

/// What a replay found.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Replay {
    /// Every noted hash of the action stream came out the same.
    pub equal: bool,
    /// The last hash in the recording.
    pub recorded_hash: u64,
    /// The replay's hash at that point.
    pub replayed_hash: u64,
    /// Inputs fed.
    pub inputs: u64,
    /// Actions that came out.
    pub actions: u64,
    /// Number of the input at or before which the first difference arose, if there is one.
    pub differs_by_input: Option<u64>,
    /// Every decision of the replay, with its reasons.
    pub decisions: Vec<Decision>,
    /// The recording ends where its session did; otherwise it was cut off. A session that went on after an end
    /// (a seek back, another title) and was cut off exactly at that end cannot be told from one that did not.
    pub complete: bool,
    /// Version of the library that recorded.
    pub version: String,
}

/// Runs an engine over a recording.
///
/// # Errors
/// [`ErrorCode::RecordingInvalid`], with the byte where it stops making sense or where damage was
/// noticed. A recording that was cut off in the middle of a frame is replayed up to there.
pub fn replay(recording: &[u8]) -> Result<Replay, Error> {
    let invalid = |at: usize, what: &str| Error::new(ErrorCode::RecordingInvalid, what).at(Place::Byte(at as u64));
    let mut rest = recording.strip_prefix(MAGIC).ok_or_else(|| invalid(0, "this is not a Telecine recording"))?;
    let offset = |rest: &[u8]| recording.len() - rest.len();
    verify(recording)?;
    let mut engine: Option<Engine> = None;
    let mut now = Timestamp::ZERO;
    let mut result = Replay {
        equal: true,
        recorded_hash: 0,
        replayed_hash: 0,
        inputs: 0,
        actions: 0,
        differs_by_input: None,
        decisions: Vec::new(),
        complete: false,
        version: String::new(),
    };
    while !rest.is_empty() {
        let at = offset(rest);
        let Some((frame, after)) = next_frame(rest).map_err(|what| invalid(at, what))? else {
            // Cut off here, whatever ended before.
            result.complete = false;
            break;
        };
        rest = after;
        // Only a check closes what came before it.
        result.complete &= matches!(frame, Frame::Check { .. });
        match (frame, engine.as_mut()) {
            (Frame::Start { version, config }, None) => {
                result.version = version;
                engine = Some(Engine::without_keys(Config { record: false, ..*config }));
            }
            // Its bytes were counted as they came; here is what they were.
            (Frame::Input { after_us, input: Recorded::Text { id, bytes } }, Some(engine)) => {
                now = Timestamp::from_micros(now.as_micros().saturating_add(after_us));
                engine.supply_text(id, bytes);
            }
            (Frame::Input { input: Recorded::Opened { kind, init, facts }, .. }, Some(engine)) => {
                engine.recorded.get_or_insert_default().opened.push(Opened { kind, init, facts });
            }
            (Frame::Input { input: Recorded::Round { round, facts }, .. }, Some(engine)) => {
                engine.recorded.get_or_insert_default().rounds.push((round, facts));
            }
            (Frame::Input { input: Recorded::Undecrypted { number, error }, .. }, Some(engine)) => {
                engine.recorded.get_or_insert_default().failed.push((number, error));
            }
            (Frame::Input { input: Recorded::Expired, .. }, Some(engine)) => {
                engine.recorded.get_or_insert_default().expired = true;
            }
            (Frame::Input { input: Recorded::Keys { segment_key }, .. }, Some(engine)) => {
                engine.segment_key = segment_key.map(|length| GivenKey { length, bytes: None });
            }
            (Frame::Input { after_us, input }, Some(engine)) => {
                now = Timestamp::from_micros(now.as_micros().saturating_add(after_us));
                engine.late = Some(match &input {
                    Recorded::End { facts, .. } => facts.clone(),
                    _ => Vec::new(),
                });
                let Some(input) = input.into_input() else { continue };
                engine.recorded.get_or_insert_default();
                engine.handle(input, now);
                engine.recorded = None;
                result.inputs += 1;
                while let Some(action) = engine.poll() {
                    if let Action::Emit(event) = action {
                        if let Event::Decision(decision) = *event {
                            result.decisions.push(decision);
                        }
                    }
                }
                result.actions = engine.action_count();
            }
            (Frame::Check { actions, hash, last, .. }, Some(engine)) => {
                result.recorded_hash = hash;
                result.replayed_hash = engine.action_hash();
                result.complete = last;
                if (hash, actions) != (engine.action_hash(), result.actions) {
                    result.equal = false;
                    result.differs_by_input.get_or_insert(result.inputs);
                }
            }
            _ => return Err(invalid(at, "the frames are out of order")),
        }
    }
    Ok(result)
}

fn seal(mut before: Fnv1a, actions: u64, hash: u64, last: bool) -> u64 {
    before.update(&actions.to_le_bytes());
    before.update(&hash.to_le_bytes());
    before.update(&[u8::from(last)]);
    before.finish()
}

/// Looks for damage, before anything is done with what the frames say.
fn verify(recording: &[u8]) -> Result<(), Error> {
    let mut hash = Fnv1a::default();
    let (magic, mut rest) = recording.split_at_checked(MAGIC.len()).unwrap_or((recording, &[]));
    hash.update(magic);
    loop {
        let at = recording.len() - rest.len();
        let invalid = |what: &str| Error::new(ErrorCode::RecordingInvalid, what).at(Place::Byte(at as u64));
        let Some((frame, after)) = next_frame(rest).map_err(invalid)? else { return Ok(()) };
        if matches!(frame, Frame::Check { seal: found, actions, hash: noted, last } if found != seal(hash, actions, noted, last))
        {
            return Err(invalid("the recording was damaged somewhere before this byte"));
        }
        hash.update(&rest[..rest.len() - after.len()]);
        rest = after;
    }
}

/// The frame at the beginning of `bytes` and what follows it; None if it is cut off.
fn next_frame(bytes: &[u8]) -> Result<Option<(Frame, &[u8])>, &'static str> {
    let mut length: usize = 0;
    let mut used = 0;
    loop {
        let Some(byte) = bytes.get(used) else { return Ok(None) };
        if used >= 5 {
            return Err("a frame is longer than a recording can be");
        }
        length |= usize::from(byte & 0x7f) << (7 * used);
        used += 1;
        if byte & 0x80 == 0 {
            break;
        }
    }
    let Some(body) = bytes.get(used..used.saturating_add(length)) else {
        return Ok(None);
    };
    let frame = postcard::from_bytes(body).map_err(|_| "a frame cannot be read")?;
    Ok(Some((frame, &bytes[used + length..])))
}

impl Recorded {
    /// The input that it was; a text is none.
    fn into_input(self) -> Option<Input> {
        Some(match self {
            Self::Command(command) => Input::Command(command),
            Self::Head(head) => Input::Network(NetworkEvent::Head(head)),
            Self::Text { .. }
            | Self::Opened { .. }
            | Self::Round { .. }
            | Self::Undecrypted { .. }
            | Self::Expired
            | Self::Keys { .. } => return None,
            Self::Media { id, len, facts } => {
                Input::Network(NetworkEvent::Chunk { id, data: Body::Recorded { len, facts } })
            }
            Self::End { id, .. } => Input::Network(NetworkEvent::End { id }),
            Self::Failed { id, code, message } => Input::Network(NetworkEvent::Failed { id, code, message }),
            Self::Sink(report) => Input::Sink(report),
            Self::Environment(environment) => Input::Environment(environment),
            Self::Cdm | Self::Timer => Input::Timer,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_recording_is_refused_with_its_place() {
        assert_eq!(replay(b"nonsense").map_err(|e| e.code()), Err(ErrorCode::RecordingInvalid));
        let mut bytes = MAGIC.to_vec();
        bytes.extend([3, 9, 9, 9]);
        let error = replay(&bytes).expect_err("no frame");
        assert_eq!(error.place(), Some(&Place::Byte(MAGIC.len() as u64)));
        let mut endless = MAGIC.to_vec();
        endless.extend([0xff; 16]);
        assert!(replay(&endless).is_err());
    }
}
