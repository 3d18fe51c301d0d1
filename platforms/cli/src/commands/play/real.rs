//! A session in real time.

use std::path::Path;
use std::time::Instant;

use telecine::Player;
use telecine_engine::{Config, Event, KeySetup};
use telecine_model::{Error, MediaTime, Timestamp};
use tokio::time::{sleep_until, timeout, Duration};

use super::sinks::Chosen;
use super::watch::{Ended, Next, Watch, LOOK_EVERY};
use super::NORMAL;
use crate::report;

/// What to play.
pub(super) struct Session<'a> {
    pub(super) url: &'a str,
    pub(super) headers: &'a [(String, String)],
    pub(super) start: Option<MediaTime>,
    /// Playback speed in thousandths.
    pub(super) rate: u32,
    /// What protected titles are played with.
    pub(super) keys: KeySetup,
    /// Where what the network gave is kept.
    pub(super) remember: Option<&'a Path>,
}

/// Plays over whatever network there is.
pub(super) async fn play(
    session: Session<'_>,
    config: Config,
    sink: Chosen,
    mut watch: Watch<'_>,
) -> Result<Ended, Error> {
    let mut builder = Player::builder().config(config).keys(session.keys).sink(sink.into_sink(watch.tally()));
    for (name, value) in session.headers {
        builder = builder.header(name, value);
    }
    if let Some(folder) = session.remember {
        builder = builder.remember(folder);
    }
    let player = builder.build()?;
    // The player's clock starts with it.
    let started = Instant::now();
    let now = || Timestamp::ZERO + started.elapsed();
    let mut events = player.events();
    player.load_at(session.url, session.start)?;
    if session.rate != NORMAL {
        player.set_rate(session.rate)?;
    }
    player.play()?;
    let mut next = tokio::time::Instant::now();
    let mut stopping = false;
    while !watch.is_over() {
        tokio::select! {
            biased;
            event = events.next() => match event {
                Some(event) => {
                    watch.event(&event)?;
                    if matches!(event, Event::State { .. }) {
                        next = tokio::time::Instant::now();
                    }
                }
                None => break,
            },
            () = sleep_until(next) => {
                let received = player.qoe().await?.bytes_fetched;
                match watch.look(now(), &player.snapshot().await?, received)? {
                    Next::Stop if !stopping => {
                        stopping = true;
                        player.stop()?;
                        next = tokio::time::Instant::now() + LOOK_EVERY;
                    }
                    Next::Stop => next = tokio::time::Instant::now() + LOOK_EVERY,
                    Next::Look(after) => next = tokio::time::Instant::now() + after,
                }
                watch.recorded(&player.take_recording().await?)?;
                if watch.wants_title() {
                    if let Some(title) = player.presentation().await? {
                        watch.title(&title)?;
                    }
                }
            }
        }
    }
    let presentation = player.presentation().await?;
    if let Some(title) = presentation.as_ref().filter(|_| watch.wants_title()) {
        watch.title(title)?;
    }
    let tracks = player.tracks().await?;
    let qoe = player.qoe().await?;
    watch.recorded(&player.take_recording().await?)?;
    // What was said after the last state.
    while let Ok(Some(event)) = timeout(Duration::ZERO, events.next()).await {
        watch.event(&event)?;
    }
    watch.end(&report::Session {
        now: Timestamp::ZERO + qoe.elapsed,
        presentation: presentation.as_ref(),
        qoe,
        tracks,
        action_hash: player.action_hash().await?,
    })
}
