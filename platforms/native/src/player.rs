//! The handle that applications hold.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use telecine_engine::abr::ThroughputMemory;
use telecine_engine::drm::session::StoredLicence;
use telecine_engine::telemetry::QoeSummary;
use telecine_engine::{
    Command, Config, Constraints, DataSaver, Event, KeySetup, LiveSnapshot, Preferences, Pressure, Sink, Snapshot,
    TrackStats,
};
use telecine_model::{
    uri, Error, ErrorCode, Interstitial, MediaTime, NetworkType, Presentation, Timestamp, TrackKind, WallTime,
};
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use crate::fetch::Fetcher;
use crate::host::{Core, Host, Message};
use crate::licence::LicenceFilter;
use crate::remember::{Memory, ThroughputStore};
use crate::NullSink;

/// Events kept for a subscriber that is slow to take them.
const EVENTS_KEPT: usize = 4096;

/// A player. Cheap to clone: clones are handles of the same player, which stops when the last of
/// them is dropped.
///
/// Commands return at once; what they lead to arrives as [`Event`]s. All methods can be called from
/// any thread and any task.
#[derive(Clone, Debug)]
pub struct Player {
    messages: mpsc::UnboundedSender<Message>,
    shared: Arc<Shared>,
    fetcher: Fetcher,
}

/// What handles and the task behind them share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) events: broadcast::Sender<Event>,
    /// Of which title, and how it ended.
    pub(crate) outcome: watch::Sender<Option<(u64, Outcome)>>,
    /// How many titles were loaded.
    titles: Mutex<u64>,
    /// Bytes that were read past before the present title.
    skipped_before: AtomicU64,
}

impl Shared {
    fn titles(&self) -> MutexGuard<'_, u64> {
        // A count is whole at any time, whoever panicked with it in hand.
        self.titles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How the playback of a title ended.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// It was played to its end.
    Ended,
    /// The application stopped it.
    Stopped,
    /// It failed.
    Failed(Error),
}

/// Puts a [`Player`] together.
pub struct PlayerBuilder {
    config: Config,
    sink: Box<dyn Sink>,
    headers: Vec<(String, String)>,
    memory: BTreeMap<String, Bytes>,
    keys: KeySetup,
    filter: Option<Arc<dyn LicenceFilter>>,
    store: Option<ThroughputStore>,
    network: Option<NetworkType>,
}

impl Player {
    /// The playback speeds that there are, in thousandths.
    pub const RATES: RangeInclusive<u32> = 100..=4000;

    /// A player with everything at its default: plays well, shows nothing.
    pub fn builder() -> PlayerBuilder {
        PlayerBuilder {
            config: Config::default(),
            sink: Box::new(NullSink::default()),
            headers: Vec::new(),
            memory: BTreeMap::new(),
            keys: KeySetup::default(),
            filter: None,
            store: None,
            network: None,
        }
    }

    /// Loads a title from an absolute `http`, `https`, `file` or `memory` URL. Replaces whatever was
    /// loaded; plays after [`Player::play`].
    ///
    /// # Errors
    /// [`ErrorCode::InvalidUrl`] if it is not one, [`ErrorCode::InvalidState`] if the player's
    /// runtime is gone. Everything else arrives as an event.
    pub fn load(&self, url: impl Into<String>) -> Result<(), Error> {
        self.load_at(url, None)
    }

    /// As [`Player::load`], from a position instead of where the manifest prefers to start.
    pub fn load_at(&self, url: impl Into<String>, start: Option<MediaTime>) -> Result<(), Error> {
        let url = url.into();
        let scheme = uri::split(&url).scheme.unwrap_or("").to_ascii_lowercase();
        // A URL that may not lead to itself is none: it has control characters in it.
        if !matches!(scheme.as_str(), "http" | "https" | "file" | "memory") || !uri::may_follow(&url, &url) {
            let error = Error::new(
                ErrorCode::InvalidUrl,
                "a title has an http, https, file or memory URL, without control characters",
            );
            return Err(error.fact("url", uri::without_secrets(&url)));
        }
        // Counted here and not in the task: whoever waits for the end from now on means this title's.
        // Sent under the lock, so that titles arrive in the order of their numbers whoever loads them.
        let mut titles = self.shared.titles();
        *titles += 1;
        self.shared.skipped_before.store(self.fetcher.skipped_bytes(), Ordering::Relaxed);
        self.send(Message::Load { url, start, title: *titles })
    }

    /// Plays as soon as enough is buffered.
    pub fn play(&self) -> Result<(), Error> {
        self.command(Command::Play)
    }

    /// Holds the picture; buffering goes on.
    pub fn pause(&self) -> Result<(), Error> {
        self.command(Command::Pause)
    }

    /// Moves the playhead; clamped to what can be played.
    pub fn seek(&self, position: MediaTime) -> Result<(), Error> {
        self.command(Command::Seek(position))
    }

    /// Moves the playhead of a live title as near to the live edge as may be, and follows it from there on.
    pub fn seek_to_live(&self) -> Result<(), Error> {
        self.seek(MediaTime::MAX)
    }

    /// Moves the playhead to what was made at a time of the world's clock, as the title's dates tell it (HLS
    /// `EXT-X-PROGRAM-DATE-TIME`, a live MPD's availability). A title without dates is not moved, which is an [`Event::Error`].
    pub fn seek_to_time(&self, time: WallTime) -> Result<(), Error> {
        self.command(Command::SeekToTime(time))
    }

    /// How far behind the edge a live title is, and what of it can be played now; None for other titles, and before
    /// that is known.
    pub async fn live(&self) -> Result<Option<LiveSnapshot>, Error> {
        Ok(self.snapshot().await?.edge)
    }

    /// Leaves the interstitial that is played, if it allows that ([`Snapshot::interstitial`] says so): the title goes on
    /// where it would behind it. Else [`Event::Error`] says why not.
    pub fn skip_interstitial(&self) -> Result<(), Error> {
        self.command(Command::SkipInterstitial)
    }

    /// The interstitials of the title that are known, by their start: for marks on a seek bar.
    pub async fn interstitials(&self) -> Result<Vec<Arc<Interstitial>>, Error> {
        self.ask(|core, _| core.programme.interstitials()).await
    }

    /// Ends playback at a position instead of at the title's end; None takes that back.
    pub fn set_end(&self, end: Option<MediaTime>) -> Result<(), Error> {
        self.command(Command::SetEnd(end))
    }

    /// Destroys a licence that is stored on the device and tells the server; no title need be loaded.
    /// [`Event::LicenceReleased`] says when that is done.
    pub fn release_licence(&self, licence: StoredLicence) -> Result<(), Error> {
        self.command(Command::ReleaseLicence(licence))
    }

    /// Chooses a track by its id (see [`Player::presentation`]).
    pub fn select_track(&self, kind: TrackKind, id: impl Into<String>) -> Result<(), Error> {
        self.command(Command::SelectTrack { kind, id: id.into() })
    }

    /// Plays without a track of this kind.
    pub fn disable(&self, kind: TrackKind) -> Result<(), Error> {
        self.command(Command::DisableKind(kind))
    }

    /// Replaces the viewer's preferences, from the next choice of tracks on.
    pub fn set_preferences(&self, preferences: Preferences) -> Result<(), Error> {
        self.command(Command::SetPreferences(preferences))
    }

    /// Replaces what must not be exceeded, from the next segment on.
    pub fn set_constraints(&self, constraints: Constraints) -> Result<(), Error> {
        self.command(Command::SetConstraints(constraints))
    }

    /// Playback speed in thousandths, one of [`Player::RATES`].
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`] for any other, and the speed stays what it was; [`ErrorCode::InvalidState`] if the
    /// player's runtime is gone.
    pub fn set_rate(&self, rate_milli: u32) -> Result<(), Error> {
        if !Self::RATES.contains(&rate_milli) {
            let (least, most) = (Self::RATES.start(), Self::RATES.end());
            let message = format!("a playback speed is {least} to {most} thousandths, and not {rate_milli}");
            return Err(Error::new(ErrorCode::InvalidArgument, message));
        }
        self.command(Command::SetRate(rate_milli))
    }

    /// Ends playback and releases everything. Another title may be loaded.
    pub fn stop(&self) -> Result<(), Error> {
        self.command(Command::Stop)
    }

    /// The device is on this kind of network from now on: what was measured on another kind counts no more
    /// ([`PlayerBuilder::network_type`]).
    pub fn set_network_type(&self, network: NetworkType) -> Result<(), Error> {
        self.send(Message::Network(network))
    }

    /// How much the device is to be spared, by what the application knows of its heat and battery. Of that and of the heat that a player
    /// sees by itself (Linux) the worse counts, from the next segment on.
    pub fn set_pressure(&self, pressure: Pressure) -> Result<(), Error> {
        self.send(Message::Pressure(pressure))
    }

    /// How much data the viewer wants to spend, from the next segment on; None for as much as it takes ([`Config::data_saver`]).
    pub fn set_data_saver(&self, saver: Option<DataSaver>) -> Result<(), Error> {
        self.command(Command::SetDataSaver(saver))
    }

    /// What the network gave, to be given to a later player as [`Config::memory`]. [`PlayerBuilder::remember`] does that by
    /// itself.
    pub async fn throughput_memory(&self) -> Result<ThroughputMemory, Error> {
        self.ask(|core, _| core.programme.engine().throughput_memory()).await
    }

    /// Every event from now on.
    pub fn events(&self) -> Events {
        Events { receiver: self.shared.events.subscribe(), missed: 0 }
    }

    /// State, position and buffers at this moment.
    pub async fn snapshot(&self) -> Result<Snapshot, Error> {
        self.ask(|core, now| core.programme.snapshot(now)).await
    }

    /// The title as far as its manifests are loaded; None before the first.
    pub async fn presentation(&self) -> Result<Option<Presentation>, Error> {
        self.ask(|core, _| core.programme.engine().presentation().cloned()).await
    }

    /// Quality of experience so far.
    pub async fn qoe(&self) -> Result<QoeSummary, Error> {
        let summary = self.ask(|core, now| core.programme.qoe(now)).await?;
        Ok(summary.read_past(self.skipped_bytes()))
    }

    /// Bytes of the present title that were read past and thrown away because a server ignores byte ranges (see
    /// [`Fetcher::skipped_bytes`]). They are [`QoeSummary::bytes_skipped`].
    pub fn skipped_bytes(&self) -> u64 {
        self.fetcher.skipped_bytes().saturating_sub(self.shared.skipped_before.load(Ordering::Relaxed))
    }

    /// What the sink did with each track so far.
    pub async fn tracks(&self) -> Result<Vec<TrackStats>, Error> {
        self.ask(|core, _| core.sink.tracks()).await
    }

    /// The hash of everything that the engine asked for so far: equal sessions have equal hashes.
    pub async fn action_hash(&self) -> Result<u64, Error> {
        self.ask(|core, _| core.programme.action_hash()).await
    }

    /// What was recorded since the last call, with [`Config::record`]. Append it to a file.
    pub async fn take_recording(&self) -> Result<Vec<u8>, Error> {
        self.ask(|core, _| core.programme.take_recording()).await
    }

    /// Waits for the end of the title that was loaded last, whichever way it ends. A title that failed, or was
    /// stopped, has ended. What has not been loaded has no end: before the first [`Player::load`] this is at once
    /// [`Outcome::Failed`] with [`ErrorCode::InvalidState`].
    pub async fn finished(&self) -> Outcome {
        let title = *self.shared.titles();
        if title == 0 {
            let message = "no title was loaded, so there is none whose end could be waited for";
            return Outcome::Failed(Error::new(ErrorCode::InvalidState, message));
        }
        let mut outcomes = self.shared.outcome.subscribe();
        loop {
            if let Some((_, outcome)) = outcomes.borrow_and_update().as_ref().filter(|(of, _)| *of >= title) {
                return outcome.clone();
            }
            tokio::select! {
                // The sender is in our own hands, so this waits and does not fail.
                _ = outcomes.changed() => {}
                () = self.messages.closed() => return Outcome::Failed(gone()),
            }
        }
    }

    fn command(&self, command: Command) -> Result<(), Error> {
        self.send(Message::Command(command))
    }

    fn send(&self, message: Message) -> Result<(), Error> {
        self.messages.send(message).map_err(|_| gone())
    }

    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Core, Timestamp) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let (sender, answer) = oneshot::channel();
        let ask = move |core: &mut Core, now| {
            // Whoever asked may have gone.
            let _ = sender.send(question(core, now));
        };
        self.send(Message::Ask(Box::new(ask)))?;
        answer.await.map_err(|_| gone())
    }
}

fn gone() -> Error {
    Error::new(ErrorCode::InvalidState, "the runtime that the player ran on was shut down")
}

impl PlayerBuilder {
    /// Settings.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Plays into this sink instead of a [`NullSink`].
    #[must_use]
    pub fn sink(mut self, sink: impl Sink + 'static) -> Self {
        self.sink = Box::new(sink);
        self
    }

    /// Adds a header to requests to the title's own origin (the same scheme, host and port): never to
    /// another, never after a redirect away from it.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Registers bytes under a `memory:` URL (`memory:///title/main.m3u8`), for titles that are not
    /// stored anywhere.
    #[must_use]
    pub fn memory(mut self, url: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        self.memory.insert(url.into(), bytes.into());
        self
    }

    /// Keys and licence servers for protected titles.
    #[must_use]
    pub fn keys(mut self, keys: KeySetup) -> Self {
        self.keys = keys;
        self
    }

    /// Lets the application rewrite licence requests and answers.
    #[must_use]
    pub fn licence_filter(mut self, filter: impl LicenceFilter + 'static) -> Self {
        self.filter = Some(Arc::new(filter));
        self
    }

    /// Keeps what the network gave in a file in this folder ([`ThroughputStore`]), and begins with what is in it. It is read
    /// now, and written whenever a title has ended, once a minute while one plays, and when the last handle is gone. What
    /// cannot be read or written is told by an [`Event::Error`] that playback does not mind
    /// ([`ErrorCode::MemoryInvalid`]). A [`Config::memory`] of the application's own takes the place of what is in the file.
    #[must_use]
    pub fn remember(mut self, folder: impl Into<PathBuf>) -> Self {
        self.store = Some(ThroughputStore::new(folder));
        self
    }

    /// The kind of network that the device is on. Without it, whoever remembers asks the system as each title is loaded: Linux
    /// says it, elsewhere it is unknown.
    #[must_use]
    pub fn network_type(mut self, network: NetworkType) -> Self {
        self.network = Some(network);
        self
    }

    /// Starts the player on the current tokio runtime.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidState`] outside of a runtime, [`ErrorCode::InvalidArgument`] for a header
    /// that cannot be sent and for settings that contradict each other ([`Config::check`]), [`ErrorCode::TlsFailed`] if the
    /// device offers no usable TLS.
    pub fn build(mut self) -> Result<Player, Error> {
        self.config.check()?;
        let runtime = tokio::runtime::Handle::try_current()
            .map_err(|_| Error::new(ErrorCode::InvalidState, "a player is built within a tokio runtime"))?;
        let fetcher = Fetcher::with_memory(&self.headers, self.memory)?;
        let (messages, inbox) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            events: broadcast::Sender::new(EVENTS_KEPT),
            outcome: watch::Sender::new(None),
            titles: Mutex::new(0),
            skipped_before: AtomicU64::new(0),
        });
        let memory = Memory::open(self.store, self.network, &mut self.config);
        let (sink, shared_too) = (self.sink, Arc::clone(&shared));
        let host = Host::new(self.config, self.keys, sink, fetcher.clone(), self.filter, memory, shared_too);
        runtime.spawn(host.run(inbox));
        Ok(Player { messages, shared, fetcher })
    }
}

impl std::fmt::Debug for PlayerBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Not the headers: they may be tokens.
        f.debug_struct("PlayerBuilder").field("config", &self.config).finish_non_exhaustive()
    }
}

/// The events of a player, from [`Player::events`].
#[derive(Debug)]
pub struct Events {
    receiver: broadcast::Receiver<Event>,
    missed: u64,
}

impl Events {
    /// The next event; None once the player is gone.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            match self.receiver.recv().await {
                Ok(event) => return Some(event),
                Err(broadcast::error::RecvError::Lagged(missed)) => self.missed += missed,
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }

    /// Events that were lost because they were not taken in time: thousands have to pile up.
    pub fn missed(&self) -> u64 {
        self.missed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_that_clones_load_at_once_arrive_in_the_order_of_their_numbers() {
        let (messages, mut inbox) = mpsc::unbounded_channel();
        let shared = Shared {
            events: broadcast::Sender::new(1),
            outcome: watch::Sender::new(None),
            titles: Mutex::new(0),
            skipped_before: AtomicU64::new(0),
        };
        let player = Player { messages, shared: Arc::new(shared), fetcher: Fetcher::new(&[]).expect("a fetcher") };
        let together = std::sync::Barrier::new(4);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let clone = player.clone();
                    together.wait();
                    (0..20_000).for_each(|_| clone.load("memory:///title").expect("sent"));
                });
            }
        });
        for number in 1..=80_000 {
            assert!(matches!(inbox.try_recv(), Ok(Message::Load { title, .. }) if title == number), "{number}");
        }
        assert!(inbox.try_recv().is_err(), "and no other");
    }
}
