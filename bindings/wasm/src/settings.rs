//! Settings by number: one match each instead of a format that would have to be read.

use telecine_engine::Config;
use telecine_model::MediaTime;

macro_rules! settings {
    ($($(#[doc = $doc:literal])+ $name:ident = $key:literal;)+) => {
        /// What a page may set.
        #[derive(Clone, Copy, Debug)]
        enum Setting { $($(#[doc = $doc])+ $name = $key,)+ }

        impl Setting {
            fn of(key: u8) -> Option<Self> {
                match key { $($key => Some(Self::$name),)+ _ => None }
            }
        }

        /// Each with its number and what it is.
        pub(crate) const ALL: &[(&str, u8, &str)] = &[$((stringify!($name), Setting::$name as u8, concat!($($doc),+)),)+];
    };
}

settings! {
    /// Media buffered ahead, seconds.
    BufferGoal = 1;
    /// Media kept behind the playhead, seconds.
    BackBuffer = 2;
    /// Throughput assumed before anything was measured, bits a second.
    InitialThroughput = 3;
    /// Keep a recording (1).
    Record = 4;
    /// Tallest picture, lines.
    MaxHeight = 5;
    /// Highest bitrate of a picture, bits a second.
    MaxBitrate = 6;
    /// Play low-latency titles as such (1, the default) or as others (0).
    LowLatency = 7;
    /// How long after it is made something live is seen, seconds.
    LatencyTarget = 8;
    /// Bitrate rule (a text).
    Rule = 20;
    /// Languages of sound, best first, with commas between (a text).
    AudioLanguages = 21;
    /// Languages of subtitles (a text).
    TextLanguages = 22;
}

/// What a page begins with. A condition in a request would be a header that another origin has to allow first.
pub(crate) fn defaults() -> Config {
    let mut config = Config::default();
    config.live.conditional = false;
    config
}

/// Sets a number. False if there is no such setting.
pub(crate) fn set(config: &mut Config, key: u8, value: f64) -> bool {
    let Some(setting) = Setting::of(key) else { return false };
    match setting {
        Setting::BufferGoal => config.buffer_goal = Some(MediaTime::from_secs_f64(value)),
        Setting::BackBuffer => config.back_buffer = MediaTime::from_secs_f64(value),
        Setting::InitialThroughput => config.initial_throughput = whole(value),
        Setting::Record => config.record = value != 0.0,
        Setting::MaxHeight => config.constraints.max_height = u32::try_from(whole(value)).ok(),
        Setting::MaxBitrate => config.constraints.max_bitrate = Some(whole(value)),
        Setting::LowLatency => config.live.low_latency = value != 0.0,
        Setting::LatencyTarget => config.live.latency_target = Some(MediaTime::from_secs_f64(value)),
        _ => return false,
    }
    true
}

/// Sets a text. False if there is no such setting.
pub(crate) fn set_text(config: &mut Config, key: u8, value: &str) -> bool {
    let Some(setting) = Setting::of(key) else { return false };
    let list = || value.split(',').map(str::trim).filter(|one| !one.is_empty()).map(str::to_owned).collect();
    match setting {
        Setting::Rule => config.rule = Some(value.to_owned()),
        Setting::AudioLanguages => config.preferences.audio_languages = list(),
        Setting::TextLanguages => config.preferences.text_languages = list(),
        _ => return false,
    }
    true
}

/// A cast saturates, and maps what is no number to zero.
pub(crate) fn whole(value: f64) -> u64 {
    value as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_a_number_or_a_text_and_changes_something() {
        for (name, key, _) in ALL {
            let (mut number, mut text) = (defaults(), defaults());
            assert!(set(&mut number, *key, 0.0) != set_text(&mut text, *key, "en, de"), "{name}");
            let mut other = defaults();
            set(&mut other, *key, 1.0);
            assert!(number != defaults() || other != defaults() || text != defaults(), "{name}");
        }
        assert!(!set(&mut defaults(), 0, 1.0) && !set_text(&mut defaults(), 0, ""));
    }
}
