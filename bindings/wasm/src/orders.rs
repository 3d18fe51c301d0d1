//! What the engine asks for, as records.

use std::sync::Arc;

use telecine_engine::drm::session::CdmCommand;
use telecine_engine::drm::SecretBytes;
use telecine_engine::{Action, Append, Event, FetchRequest, Payload, SinkCommand, TrackConfig};
use telecine_model::protection::KeySystem;
use telecine_model::{MediaTime, SortedMap, TrackKind};

use crate::intake::Intake;
use crate::keys;
use crate::lent::Lent;
use crate::record::{address, Writer};
use crate::schema::{kind_number, Tag};
use crate::slots::Slots;
use crate::sources::Sources;
use crate::told::{self, seconds};

/// Flags of [`Tag::Fetch`].
const HEAD: u8 = 1;
const RANGE: u8 = 2;
const LETTER: u8 = 4;
const DIRECT: u8 = 8;

/// What browsers round a window to is not what they round times of frames to: a frame that begins within so much of the start
/// of a period is taken for its own.
const ROUNDED: MediaTime = MediaTime::from_millis(1);

/// Everything that records refer to.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    pub(crate) out: Writer,
    pub(crate) requests: Slots<Intake>,
    pub(crate) lent: Slots<Lent>,
    sources: Sources,
    /// By which name the key system that is open was asked for.
    key_system: Option<(KeySystem, String)>,
    /// Tracks that are played.
    pub(crate) selected: SortedMap<TrackKind, String>,
}

impl Orders {
    /// Writes an action.
    pub(crate) fn write(&mut self, action: Action) {
        match action {
            Action::Fetch(request) => self.fetch(&request),
            Action::Cancel(id) => {
                if let Some(slot) = self.requests.find(|request| request.id == id) {
                    self.cancel(slot);
                }
            }
            Action::Sink(command) => self.sink(command),
            Action::Cdm(order) => {
                if let Some(CdmCommand::Access { system, name, .. }) = &order.command {
                    self.key_system = Some((*system, name.clone()));
                }
                if let Some(letter) = order.command.as_ref().and_then(keys::order) {
                    self.out.tag(Tag::Cdm);
                    self.lend(letter);
                }
            }
            Action::Emit(event) => self.event(&event),
        }
    }

    /// Nothing more is wanted of a request.
    pub(crate) fn cancel(&mut self, slot: u32) {
        if self.requests.take(slot).is_some() {
            self.out.tag(Tag::Cancel).u32(slot);
        }
    }

    fn fetch(&mut self, request: &FetchRequest) {
        let slot = self.requests.put(Intake::new(request));
        let flag = |is: bool, flag: u8| if is { flag } else { 0 };
        // A page may only forbid redirects: browsers follow twenty, and tell nobody how many there were.
        let flags = flag(request.head, HEAD)
            | flag(request.byte_range.is_some(), RANGE)
            | flag(request.licence.is_some(), LETTER)
            | flag(request.max_redirects == 0, DIRECT);
        let (first, last) = request
            .byte_range
            .map_or((0, 0), |range| (range.offset, range.offset.saturating_add(range.length).saturating_sub(1)));
        let millis = |duration: std::time::Duration| duration.as_secs_f64() * 1000.0;
        self.out.tag(Tag::Fetch).u32(slot).u8(flags).u8(request.urgency).text(&request.url);
        self.out.f64(first as f64).f64(last as f64);
        self.out.f64(millis(request.head_timeout)).f64(millis(request.idle_timeout));
        self.out.f64(request.pace.unwrap_or(0) as f64);
        if let Some(licence) = &request.licence {
            let open = self.key_system.as_ref().filter(|(system, _)| *system == licence.system);
            let name = match open {
                Some((_, name)) => name,
                // ClearKey in software is opened by nobody.
                None => licence.system.eme_names().first().copied().unwrap_or_else(|| licence.system.name()),
            };
            let letter = keys::request(request, licence, name);
            self.lend(letter);
        }
    }

    /// Lends a letter: handle, place, length.
    fn lend(&mut self, letter: SecretBytes) {
        let (place, length) = (address(letter.expose().as_ptr().addr()), address(letter.len()));
        let handle = self.lent.put(Lent::Letter(letter));
        self.out.u32(handle).u32(place).u32(length);
    }

    fn sink(&mut self, command: SinkCommand) {
        match command {
            SinkCommand::Configure(config) => self.configure(&config),
            SinkCommand::Append(append) => self.append(&append),
            SinkCommand::Remove { kind, from, to } => {
                if let Some(source) = self.sources.source(kind) {
                    self.out.tag(Tag::Remove).u8(source).f64(seconds(from.max(MediaTime::ZERO))).f64(seconds(to));
                }
            }
            SinkCommand::Silence { kind, from, to } => {
                self.out.tag(Tag::Silence).u8(kind_number(kind)).f64(seconds(from)).f64(seconds(to));
            }
            SinkCommand::EndOfStream { kind } => {
                self.out.tag(Tag::Ended).u8(kind_number(kind));
                if self.sources.end(kind) {
                    self.out.tag(Tag::EndOfStream);
                }
            }
            SinkCommand::Play => drop(self.out.tag(Tag::Play)),
            SinkCommand::Pause => drop(self.out.tag(Tag::Pause)),
            SinkCommand::SetRate(milli) => drop(self.out.tag(Tag::Rate).f64(f64::from(milli) / 1000.0)),
            // A sink with random access is never asked to jump.
            SinkCommand::Seek(position) | SinkCommand::Jump(position) => {
                self.sources.seek();
                self.out.tag(Tag::Seek).f64(seconds(position));
            }
            SinkCommand::Disable { kind } => {
                if let Some(source) = self.sources.disable(kind) {
                    self.out.tag(Tag::Disable).u8(source);
                }
            }
            SinkCommand::Stop => {
                self.sources.stop();
                self.out.tag(Tag::Stop);
            }
        }
    }

    fn configure(&mut self, config: &TrackConfig) {
        let configured = self.sources.configure(config);
        if let Some((configured, init)) = configured.zip(config.init.as_ref()) {
            let bytes = init.data.clone();
            let handle = self.lent.put(Lent::Init(bytes.clone()));
            self.out.tag(Tag::Configure).u8(configured.source).text(&configured.mime).u32(handle).spans([&bytes[..]]);
        }
        if self.sources.opens() {
            self.out.tag(Tag::Open);
        }
    }

    fn append(&mut self, append: &Append) {
        // Texts are drawn from events, and replays carry no media.
        let Payload::Fragment(fragment) = &append.payload else { return };
        let Some(source) = self.sources.append(append.kind, fragment) else { return };
        let (from, to) = append.window;
        let from = if from > MediaTime::ZERO { from - ROUNDED } else { MediaTime::ZERO };
        let lent = Lent::Media { fragment: Arc::clone(fragment), kind: append.kind, load: append.load };
        let handle = self.lent.put(lent);
        self.out
            .tag(Tag::Append)
            .u8(source)
            .u32(handle)
            .f64(seconds(append.offset))
            .f64(seconds(from))
            .f64(seconds(to));
        if let Some(lent) = self.lent.get(handle) {
            self.out.spans(lent.pieces());
        }
    }

    fn event(&mut self, event: &Event) {
        match event {
            Event::Selected { kind, track, .. } => {
                self.sources.choose(*kind, track.is_some());
                match track {
                    Some(track) => drop(self.selected.insert(*kind, track.clone())),
                    None => drop(self.selected.remove(kind)),
                }
            }
            Event::Loaded { live: true, .. } => drop(self.out.tag(Tag::Duration).f64(f64::INFINITY)),
            Event::Loaded { duration: Some(duration), .. } | Event::LiveEnded { duration, .. } => {
                self.out.tag(Tag::Duration).f64(seconds(*duration));
            }
            _ => {}
        }
        told::event(&mut self.out, event);
    }

    /// How long a number of microseconds is from the host's start on.
    pub(crate) fn deadline(&mut self, at: Option<telecine_model::Timestamp>) {
        self.out.tag(Tag::Deadline).f64(at.map_or(f64::INFINITY, |at| at.as_micros() as f64));
    }
}

/// The length that a header of digits says.
pub(crate) fn length(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}
