//! What can be asked. A question that is answered with a value gives its length; it is at [`answer`].

use wasm_bindgen::prelude::wasm_bindgen;

use super::with;
use crate::player::Player;

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

/// Quality of experience so far.
#[wasm_bindgen]
pub fn qoe(now: f64) -> u32 {
    with(|player| player.qoe(now))
}

/// The title: its tracks and their renditions, at the playhead. Nothing before it is loaded.
#[wasm_bindgen]
pub fn presentation(now: f64) -> u32 {
    with(|player| player.presentation(now))
}

/// What is played in the middle of the title, as far as it is known.
#[wasm_bindgen]
pub fn interstitials() -> u32 {
    with(Player::interstitials)
}

/// What was learnt of the network, which a later session may be given by [`remember`](super::remember).
#[wasm_bindgen]
pub fn learnt() -> Vec<u8> {
    with(|player| player.memory())
}
