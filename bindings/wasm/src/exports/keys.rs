//! Keys: what the application brings, and what the key system of the page reports.

use telecine_engine::drm::SecretBytes;
use wasm_bindgen::prelude::wasm_bindgen;

use super::with;

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
