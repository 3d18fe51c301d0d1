//! The exports: each is one line into the player. Whatever takes `now`, the host's clock in microseconds, is a turn: it gives
//! the length of the outbox.

mod ask;
mod command;
mod keys;
mod network;
mod sink;
mod world;

use std::cell::RefCell;

use telecine_model::TrackKind;
use wasm_bindgen::prelude::wasm_bindgen;

pub use self::{ask::*, command::*, keys::*, network::*, sink::*, world::*};
use crate::player::Player;
use crate::{report, schema, settings};

thread_local! {
    static CONFIG: RefCell<telecine_engine::Config> = RefCell::new(settings::defaults());
    static PLAYER: RefCell<Option<Player>> = const { RefCell::new(None) };
}

/// Before [`begin`] there is no player, and nothing to do.
fn with<T: Default>(act: impl FnOnce(&mut Player) -> T) -> T {
    PLAYER.with_borrow_mut(|player| player.as_mut().map(act).unwrap_or_default())
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

/// What [`learnt`] gave an earlier session, before [`begin`]. False if it is none of ours, or damaged: then nothing is remembered.
#[wasm_bindgen]
pub fn remember(bytes: &[u8]) -> bool {
    CONFIG.with_borrow_mut(|config| {
        config.memory = telecine_engine::abr::ThroughputMemory::from_bytes(bytes).ok();
        config.memory.is_some()
    })
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

/// Words and place of the panic that ended this instance.
#[wasm_bindgen]
pub fn fault() -> String {
    report::said()
}
