//! The exports: each is one line into the player. Whatever takes `now`, the host's clock in microseconds, is a turn: it gives
//! the length of the outbox.

use std::cell::RefCell;

use telecine_engine::drm::SecretBytes;
use telecine_engine::{Command, Input, SinkReport};
use telecine_model::TrackKind;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::player::{start, time, Player};
use crate::{report, schema, settings};

thread_local! {
    static CONFIG: RefCell<telecine_engine::Config> = RefCell::new(settings::defaults());
    static PLAYER: RefCell<Option<Player>> = const { RefCell::new(None) };
}

/// Before [`begin`] there is no player, and nothing to do.
fn with<T: Default>(act: impl FnOnce(&mut Player) -> T) -> T {
    PLAYER.with_borrow_mut(|player| player.as_mut().map(act).unwrap_or_default())
}

fn command(command: Command, now: f64) -> u32 {
    with(|player| player.command(command, now))
}

fn sink(report: SinkReport, now: f64) -> u32 {
    with(|player| player.sink(report, now))
}

fn kind(number: u8) -> TrackKind {
    schema::kind(number).unwrap_or(TrackKind::Metadata)
}

/// Sets a number before [`begin`], by the table `Setting`. False if there is no such setting.
#[wasm_bindgen]
pub fn set(key: u8, value: f64) -> bool {
    CONFIG.with_borrow_mut(|config| settings::set(config, key, value))
}

/// Sets a text before [`begin`], by the table `Setting`. False if there is no such setting.
#[wasm_bindgen]
pub fn set_text(key: u8, value: &str) -> bool {
    CONFIG.with_borrow_mut(|config| settings::set_text(config, key, value))
}

/// Makes the player, with a seed of 64 bits for every draw.
#[wasm_bindgen]
pub fn begin(seed_high: u32, seed_low: u32) {
    report::listen();
    let mut config = CONFIG.with_borrow(Clone::clone);
    config.seed = u64::from(seed_high) << 32 | u64::from(seed_low);
    PLAYER.set(Some(Player::new(config)));
}

/// Where the records of the last turn are.
#[wasm_bindgen]
pub fn outbox() -> u32 {
    with(|player| player.outbox())
}

/// A span beside this handle is looked at no more.
#[wasm_bindgen]
pub fn give_back(handle: u32) {
    with(|player| player.give_back(handle));
}

/// Loads a title; `start` in seconds, not a number for where it begins by itself.
#[wasm_bindgen]
pub fn load(url: &str, start_at: f64, now: f64) -> u32 {
    command(Command::Load { url: url.to_owned(), start: start(start_at) }, now)
}

/// Plays as soon as enough is buffered.
#[wasm_bindgen]
pub fn play(now: f64) -> u32 {
    command(Command::Play, now)
}

/// Holds the picture.
#[wasm_bindgen]
pub fn pause(now: f64) -> u32 {
    command(Command::Pause, now)
}

/// Ends playback.
#[wasm_bindgen]
pub fn stop(now: f64) -> u32 {
    command(Command::Stop, now)
}

/// Moves the playhead; infinity is the live edge.
#[wasm_bindgen]
pub fn seek(position: f64, now: f64) -> u32 {
    command(Command::Seek(time(position)), now)
}

/// Sets the speed, in thousandths.
#[wasm_bindgen]
pub fn rate(milli: u32, now: f64) -> u32 {
    command(Command::SetRate(milli), now)
}

/// Chooses a track of a kind.
#[wasm_bindgen]
pub fn select(of: u8, id: &str, now: f64) -> u32 {
    command(Command::SelectTrack { kind: kind(of), id: id.to_owned() }, now)
}

/// Plays nothing of a kind.
#[wasm_bindgen]
pub fn disable(of: u8, now: f64) -> u32 {
    command(Command::DisableKind(kind(of)), now)
}

/// Leaves the interstitial that is played.
#[wasm_bindgen]
pub fn skip(now: f64) -> u32 {
    command(Command::SkipInterstitial, now)
}

/// An answer begins. `headers` are lines of `name: value`, names in lower case; `date` in milliseconds since 1970, not a
/// number without one.
#[wasm_bindgen]
pub fn head(slot: u32, status: u16, url: &str, headers: &str, date: f64, now: f64) -> u32 {
    with(|player| player.head(slot, status, url, headers, date, now))
}

/// Where to copy so many bytes of an answer; 0 if nobody wants them.
#[wasm_bindgen]
pub fn room(slot: u32, count: u32) -> u32 {
    with(|player| player.room(slot, count))
}

/// They are there.
#[wasm_bindgen]
pub fn chunk(slot: u32, count: u32, now: f64) -> u32 {
    with(|player| player.chunk(slot, count, now))
}

/// An answer is complete.
#[wasm_bindgen]
pub fn end(slot: u32, now: f64) -> u32 {
    with(|player| player.end(slot, now))
}

/// A request failed, with the number of an error of the network.
#[wasm_bindgen]
pub fn failed(slot: u32, code: u16, message: &str, now: f64) -> u32 {
    with(|player| player.failed(slot, code, message, now))
}

/// Where the playhead is, and whether it moves.
#[wasm_bindgen]
pub fn position(at: f64, advancing: bool, now: f64) -> u32 {
    sink(SinkReport::Position { position: time(at), advancing }, now)
}

/// The playhead stands for want of media.
#[wasm_bindgen]
pub fn starved(at: f64, now: f64) -> u32 {
    sink(SinkReport::Starved { position: time(at) }, now)
}

/// A seek is done.
#[wasm_bindgen]
pub fn seeked(at: f64, now: f64) -> u32 {
    sink(SinkReport::Seeked { position: time(at) }, now)
}

/// All was played.
#[wasm_bindgen]
pub fn ended(now: f64) -> u32 {
    sink(SinkReport::Ended, now)
}

/// The browser dropped media of a kind by itself.
#[wasm_bindgen]
pub fn evicted(of: u8, from: f64, to: f64, now: f64) -> u32 {
    sink(SinkReport::Evicted { kind: kind(of), from: time(from), to: time(to) }, now)
}

/// What a handle lends did not fit, and was not taken.
#[wasm_bindgen]
pub fn full(handle: u32, now: f64) -> u32 {
    with(|player| player.full(handle, now))
}

/// Pictures that were due since the last time, and those of them that were not shown.
#[wasm_bindgen]
pub fn frames(due: u32, dropped: u32, now: f64) -> u32 {
    sink(SinkReport::Frames { due, dropped }, now)
}

/// Media Source failed for good, with the number of an error.
#[wasm_bindgen]
pub fn sink_failed(code: u16, message: &str, now: f64) -> u32 {
    with(|player| player.failed_sink(code, message, now))
}

/// The world's clock, in milliseconds since 1970, and how far it may be off.
#[wasm_bindgen]
pub fn wall(millis: f64, uncertainty_ms: u32, now: f64) -> u32 {
    with(|player| player.wall(millis, uncertainty_ms, now))
}

/// Takes what the application brings of keys: a letter of `KeyWish`, which is wiped. Holds from the next title on; an event
/// tells what is wrong with it.
#[wasm_bindgen]
pub fn keys(letter: Vec<u8>, now: f64) -> u32 {
    let letter = SecretBytes::new(letter);
    with(|player| player.keys(letter, now))
}

/// The key system of the page reports: a letter of `KeyReport`, which is wiped.
#[wasm_bindgen]
pub fn cdm(letter: Vec<u8>, now: f64) -> u32 {
    let letter = SecretBytes::new(letter);
    with(|player| player.cdm(letter, now))
}

/// The deadline of the last turn was reached.
#[wasm_bindgen]
pub fn timer(now: f64) -> u32 {
    with(|player| player.turn(Input::Timer, now))
}

/// Writes what there is to see of the player, as a value; its length. It is at [`answer`].
#[wasm_bindgen]
pub fn snapshot(now: f64) -> u32 {
    with(|player| player.snapshot(now))
}

/// Where the answer to the last question is.
#[wasm_bindgen]
pub fn answer() -> u32 {
    with(|player| player.answer())
}

/// What was recorded since the last call, where `Setting.Record` is set.
#[wasm_bindgen]
pub fn recording() -> Vec<u8> {
    with(Player::recording)
}

/// The hash of what the engine did so far, 16 hexadecimal digits.
#[wasm_bindgen]
pub fn action_hash() -> String {
    with(|player| player.action_hash())
}

/// Words and place of the panic that ended this instance.
#[wasm_bindgen]
pub fn fault() -> String {
    report::said()
}
