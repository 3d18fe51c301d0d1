//! What the network answers.

use wasm_bindgen::prelude::wasm_bindgen;

use super::with;

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
