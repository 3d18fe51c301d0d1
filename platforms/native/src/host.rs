//! The task behind a player: owns the engine, the sink and the requests, and runs the loop.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use telecine_engine::{
    Action, Command, Config, Engine, Environment, Event, FetchRequest, Input, KeySetup, NetworkEvent, Pressure,
    Programme, RequestId, Sink, SinkCommand, State,
};
use telecine_model::{Error, ErrorCode, Handling, MediaTime, NetworkType, Timestamp, WallTime};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::{sleep_until, Instant};

use crate::fetch::Fetcher;
use crate::heat;
use crate::licence::{self, LicenceFilter};
use crate::player::{Outcome, Shared};
use crate::remember::Memory;

/// Network events that wait for the engine: requests beyond are held up, not buffered.
const NETWORK_QUEUE: usize = 64;
/// Sink reports before somebody else gets a word in; the rest follows at once.
const REPORTS_A_TURN: usize = 256;
/// How far a device's clock is assumed to be off until something better is known.
const CLOCK_UNCERTAINTY_MS: u32 = 10_000;

/// From the handles to the task.
pub(crate) enum Message {
    Command(Command),
    Load {
        url: String,
        start: Option<MediaTime>,
        /// Counts the titles that were loaded, from 1.
        title: u64,
    },
    Ask(Question),
    /// The device is on this kind of network.
    Network(NetworkType),
    /// It is to be spared so much, says the application.
    Pressure(Pressure),
}

/// Something that a handle wants to know.
pub(crate) type Question = Box<dyn FnOnce(&mut Core, Timestamp) + Send>;

/// What handles may ask.
pub(crate) struct Core {
    pub(crate) programme: Programme,
    pub(crate) sink: Box<dyn Sink>,
}

/// The loop and everything that it owns.
pub(crate) struct Host {
    core: Core,
    fetcher: Fetcher,
    /// What the application does to licence requests.
    filter: Option<Arc<dyn LicenceFilter>>,
    memory: Memory,
    shared: Arc<Shared>,
    /// URL that the title was loaded from: whose origin may see the application's headers.
    url: Arc<str>,
    /// Which title is asked for, and which one the engine is at: loading one ends the one before.
    wanted_title: u64,
    title: u64,
    requests: HashMap<RequestId, Request>,
    network: mpsc::Sender<NetworkEvent>,
    arrivals: mpsc::Receiver<NetworkEvent>,
    start: Instant,
    failure: Option<Error>,
    /// How much the device is to be spared: by what the application says, and by its heat.
    pressure: (Pressure, Pressure),
}

/// A request on its way; it ends with this value.
struct Request(AbortHandle);

/// Sees to it that a request ends for the engine too when its task broke off: the engine would wait for ever for
/// something that nobody sends any more. What was cancelled nobody waits for.
fn watch(id: RequestId, task: JoinHandle<()>, network: mpsc::Sender<NetworkEvent>) -> AbortHandle {
    let handle = task.abort_handle();
    tokio::spawn(async move {
        match task.await {
            Err(broken) if !broken.is_cancelled() => {
                let message = format!("the task of a request broke off: {broken}");
                let event = NetworkEvent::Failed { id, code: ErrorCode::InternalDefect, message };
                // Without a loop nobody waits.
                let _ = network.send(event).await;
            }
            _ => {}
        }
    });
    handle
}

impl Drop for Request {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Host {
    pub(crate) fn new(
        config: Config,
        keys: KeySetup,
        sink: Box<dyn Sink>,
        fetcher: Fetcher,
        filter: Option<Arc<dyn LicenceFilter>>,
        memory: Memory,
        shared: Arc<Shared>,
    ) -> Self {
        let (network, arrivals) = mpsc::channel(NETWORK_QUEUE);
        let mut programme = Programme::new(Engine::new(config));
        programme.set_keys(keys);
        Self {
            core: Core { programme, sink },
            fetcher,
            filter,
            memory,
            shared,
            url: Arc::from(""),
            wanted_title: 0,
            title: 0,
            requests: HashMap::new(),
            network,
            arrivals,
            start: Instant::now(),
            failure: None,
            pressure: Default::default(),
        }
    }

    /// Runs until the last handle is gone.
    pub(crate) async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Message>) {
        let capabilities = self.core.sink.capabilities();
        self.input(Input::Environment(Environment::Capabilities(capabilities)));
        let mut heat = heat::follow();
        loop {
            self.settle();
            let deadline = self.deadline();
            tokio::select! {
                biased;
                message = inbox.recv() => match message {
                    Some(Message::Command(command)) => self.input(Input::Command(command)),
                    Some(Message::Load { url, start, title }) => self.load(url, start, title),
                    Some(Message::Network(network)) => {
                        self.memory.network = Some(network);
                        self.input(Input::Environment(Environment::Network(network)));
                    }
                    Some(Message::Pressure(said)) => self.spare((said, self.pressure.1)),
                    Some(Message::Ask(ask)) => {
                        let now = self.now();
                        ask(&mut self.core, now);
                    }
                    None => break,
                },
                Some(event) = self.arrivals.recv() => self.arrival(event),
                Ok(()) = heat.changed() => {
                    let heat = *heat.borrow_and_update();
                    self.spare((self.pressure.0, heat));
                }
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {}
            }
        }
        self.core.sink.command(SinkCommand::Stop, self.now());
        self.keep_memory();
    }

    /// Keeps what the network gave, and tells if that cannot be done.
    fn keep_memory(&mut self) {
        let now = self.now();
        let programme = &self.core.programme;
        if let Err(error) = self.memory.keep(now, || programme.engine().throughput_memory()) {
            self.notice(error);
        }
    }

    /// Tells of something that playback does not mind. Without subscribers there is nobody to tell.
    fn notice(&self, error: Error) {
        let _ = self.shared.events.send(Event::Error { at: self.now(), error: error.recovered(Handling::Skipped) });
    }

    fn now(&self) -> Timestamp {
        Timestamp::ZERO + self.start.elapsed()
    }

    fn deadline(&self) -> Option<Instant> {
        let deadlines = [self.core.programme.deadline(), self.core.sink.deadline()];
        let next = deadlines.into_iter().flatten().min()?;
        // Far deadlines are met in steps: not every clock can tell times of centuries ahead.
        let wait = next.since(Timestamp::ZERO).min(self.start.elapsed() + Duration::from_secs(3600));
        Some(self.start + wait)
    }

    /// Takes what the sink has to report and wakes the engine if it is due.
    fn settle(&mut self) {
        for _ in 0..REPORTS_A_TURN {
            let Some(report) = self.core.sink.poll(self.now()) else { break };
            self.input(Input::Sink(report));
        }
        if self.core.programme.deadline().is_some_and(|deadline| deadline <= self.now()) {
            self.input(Input::Timer);
        }
        if self.memory.is_due(self.now()) {
            self.keep_memory();
        }
    }

    /// The device is to be spared so much, by the worse of what is known of it.
    fn spare(&mut self, pressure: (Pressure, Pressure)) {
        let worse = |(said, heat): (Pressure, Pressure)| said.max(heat);
        let before = worse(std::mem::replace(&mut self.pressure, pressure));
        if worse(pressure) != before {
            self.input(Input::Environment(Environment::Pressure(worse(pressure))));
        }
    }

    fn load(&mut self, url: String, start: Option<MediaTime>, title: u64) {
        self.url = Arc::from(url.as_str());
        self.wanted_title = title;
        if let Some(time) = wall_clock() {
            let uncertainty_ms = CLOCK_UNCERTAINTY_MS;
            self.input(Input::Environment(Environment::WallClock { time, uncertainty_ms }));
        }
        if let Some(network) = self.memory.network() {
            self.input(Input::Environment(Environment::Network(network)));
        }
        self.input(Input::Command(Command::Load { url, start }));
        if let Some(error) = self.memory.unread.take() {
            self.notice(error);
        }
    }

    fn arrival(&mut self, event: NetworkEvent) {
        if let NetworkEvent::End { id } | NetworkEvent::Failed { id, .. } = &event {
            self.requests.remove(id);
        }
        self.input(Input::Network(event));
    }

    /// Mutate once, then drain.
    fn input(&mut self, input: Input) {
        self.core.programme.handle(input, self.now());
        while let Some(action) = self.core.programme.poll() {
            match action {
                Action::Fetch(request) => self.fetch(request),
                Action::Cancel(id) => drop(self.requests.remove(&id)),
                Action::Sink(command) => self.core.sink.command(command, self.now()),
                // There is no key system of the device yet: none was promised to the engine.
                Action::Cdm(_) => {}
                Action::Emit(event) => self.emit(*event),
            }
        }
    }

    fn fetch(&mut self, request: Box<FetchRequest>) {
        let id = request.id;
        let (fetcher, title, network) = (self.fetcher.clone(), Arc::clone(&self.url), self.network.clone());
        let (filter, events) = (self.filter.clone().filter(|_| request.licence.is_some()), network.clone());
        let task = tokio::spawn(async move {
            match filter {
                Some(filter) => licence::fetch(&fetcher, &*filter, request, &title, &events).await,
                None => fetcher.fetch(&request, &title, &events).await,
            }
        });
        self.requests.insert(id, Request(watch(id, task, network)));
    }

    fn emit(&mut self, event: Event) {
        let outcome = match &event {
            Event::Error { error, .. } if error.is_fatal() => {
                self.failure = Some(error.clone());
                None
            }
            Event::State { state, .. } => match state {
                State::Loading => {
                    self.title = self.wanted_title;
                    self.failure = None;
                    None
                }
                State::Ended => Some(Outcome::Ended),
                State::Stopped => Some(Outcome::Stopped),
                State::Failed => Some(Outcome::Failed(self.failure.clone().unwrap_or_else(unexplained))),
                _ => None,
            },
            _ => None,
        };
        // Without subscribers there is nobody to tell.
        let _ = self.shared.events.send(event);
        if let Some(outcome) = outcome {
            // Before anybody is told who may be about to end the process.
            self.keep_memory();
            self.shared.outcome.send_replace(Some((self.title, outcome)));
        }
    }
}

fn unexplained() -> Error {
    Error::new(ErrorCode::InternalDefect, "playback failed without an error")
}

fn wall_clock() -> Option<WallTime> {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since_epoch.as_micros()).ok().map(WallTime::from_micros)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic)]

    use super::*;

    #[tokio::test]
    async fn a_request_whose_task_panics_has_failed() {
        let (network, mut arrivals) = mpsc::channel(1);
        let task = tokio::spawn(async { panic!("a defect") });
        watch(RequestId(7), task, network);
        let event = arrivals.recv().await;
        let failed =
            matches!(event, Some(NetworkEvent::Failed { id: RequestId(7), code: ErrorCode::InternalDefect, .. }));
        assert!(failed, "{event:?}");
    }

    #[tokio::test]
    async fn a_request_that_was_cancelled_says_nothing_more() {
        let (network, mut arrivals) = mpsc::channel(1);
        let task = tokio::spawn(std::future::pending());
        drop(Request(watch(RequestId(7), task, network)));
        assert!(arrivals.recv().await.is_none());
    }
}
