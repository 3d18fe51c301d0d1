//! What the application asks for.

use telecine_engine::{Command, Constraints, DataSaver};
use telecine_model::WallTime;
use wasm_bindgen::prelude::wasm_bindgen;

use super::{kind, with};
use crate::player::{start, time};
use crate::settings::{amount, list, whole};

fn command(command: Command, now: f64) -> u32 {
    with(|player| player.command(command, now))
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

/// Moves the playhead to what was made at a time, in milliseconds since 1970.
#[wasm_bindgen]
pub fn seek_to_time(millis: f64, now: f64) -> u32 {
    command(Command::SeekToTime(WallTime::from_micros((millis * 1000.0) as i64)), now)
}

/// Replaces what the viewer prefers: each a list with commas between, best first.
#[wasm_bindgen]
pub fn prefer(
    audio_languages: &str,
    text_languages: &str,
    audio_roles: &str,
    text_roles: &str,
    codecs: &str,
    now: f64,
) -> u32 {
    let preferences = telecine_engine::Preferences {
        audio_languages: list(audio_languages),
        text_languages: list(text_languages),
        audio_roles: list(audio_roles),
        text_roles: list(text_roles),
        codecs: list(codecs),
    };
    command(Command::SetPreferences(preferences), now)
}

/// Replaces what is not to be exceeded; not a number for no bound. `renditions` are ids, a line each; none is any.
#[wasm_bindgen]
pub fn constrain(max_height: f64, max_bitrate: f64, min_bitrate: f64, renditions: &str, now: f64) -> u32 {
    let constraints = Constraints {
        max_height: amount(max_height).and_then(|lines| u32::try_from(lines).ok()),
        max_bitrate: amount(max_bitrate),
        min_bitrate: amount(min_bitrate),
        renditions: renditions.lines().map(str::to_owned).collect(),
    };
    command(Command::SetConstraints(constraints), now)
}

/// How many bytes may be spent for each hour that is watched; not a number for as many as it takes.
#[wasm_bindgen]
pub fn data_saver(bytes_per_hour: f64, now: f64) -> u32 {
    let saver = (!bytes_per_hour.is_nan()).then(|| DataSaver { bytes_per_hour: whole(bytes_per_hour) });
    command(Command::SetDataSaver(saver), now)
}

/// Destroys a stored licence, as it was told. `key_ids` with commas between; `expires` in milliseconds since 1970, not a number
/// for never.
#[wasm_bindgen]
pub fn release_licence(system: &str, name: &str, key_ids: &str, expires: f64, releasing: bool, now: f64) -> u32 {
    with(|player| player.release_licence(system, name, key_ids, expires, releasing, now))
}
