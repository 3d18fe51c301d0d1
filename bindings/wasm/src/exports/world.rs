//! What is known of the world around the player.

use telecine_engine::{Environment, Input, Pressure};
use telecine_model::NetworkType;
use wasm_bindgen::prelude::wasm_bindgen;

use super::with;
use crate::player::Player;

fn world(environment: Environment, now: f64) -> u32 {
    with(|player| player.turn(Input::Environment(environment), now))
}

/// The world's clock, in milliseconds since 1970, and how far it may be off.
#[wasm_bindgen]
pub fn wall(millis: f64, uncertainty_ms: u32, now: f64) -> u32 {
    with(|player| player.wall(millis, uncertainty_ms, now))
}

/// The deadline of the last turn was reached.
#[wasm_bindgen]
pub fn timer(now: f64) -> u32 {
    with(|player| player.turn(Input::Timer, now))
}

/// How much the device is to be spared: 0 not at all, 1 it saves its battery or is hot, 2 it is about to throttle.
#[wasm_bindgen]
pub fn pressure(level: u8, now: f64) -> u32 {
    let levels = [Pressure::None, Pressure::High, Pressure::Critical];
    world(Environment::Pressure(levels.get(usize::from(level)).copied().unwrap_or_default()), now)
}

/// What the network is reached over, by the name of its kind; any other name is of one that nobody knows.
#[wasm_bindgen]
pub fn network(name: &str, now: f64) -> u32 {
    let kind = NetworkType::ALL.into_iter().find(|kind| kind.name() == name);
    world(Environment::Network(kind.unwrap_or_default()), now)
}

/// What Media Source and the screen can do: codecs as the beginnings of their names, those of them that take little power,
/// ranges of brightness beside `SDR`, best first, each with commas between; the pixels of the screen, none if that is not known.
#[wasm_bindgen]
pub fn capabilities(codecs: &str, efficient: &str, hdr: &str, width: u32, height: u32, now: f64) -> u32 {
    let capabilities = Player::capabilities(codecs, efficient, hdr, (width, height));
    world(Environment::Capabilities(capabilities), now)
}
