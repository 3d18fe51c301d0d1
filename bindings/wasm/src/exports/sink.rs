//! What Media Source and the element report.

use telecine_engine::SinkReport;
use wasm_bindgen::prelude::wasm_bindgen;

use super::{kind, with};
use crate::player::time;

fn sink(report: SinkReport, now: f64) -> u32 {
    with(|player| player.sink(report, now))
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
