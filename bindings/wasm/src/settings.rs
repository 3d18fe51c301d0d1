//! Settings by number: one match each instead of a format that would have to be read.

use telecine_engine::{Config, DataSaver};
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
    /// Bytes for each hour that is watched, at most.
    DataSaver = 9;
    /// Lowest bitrate of a picture, bits a second.
    MinBitrate = 10;
    /// Tell each choice of a rendition with all that it was chosen from (1).
    ExplainEachChoice = 11;
    /// Media needed before playback starts or a seek ends, seconds.
    StartBuffer = 12;
    /// What is read faster than so many hundredths of its bitrate behind a healthy buffer is held back.
    PacePercent = 13;
    /// Something live that is seen later than this is left out, seconds.
    LatencyMax = 14;
    /// Interstitials are played (1, the default) or not (0).
    Interstitials = 15;
    /// What waits in a low rendition may be fetched again in a higher one (1, the default) or not (0).
    FastSwitch = 16;
    /// Playlists that break a rule of theirs are refused (1).
    Strict = 17;
    /// Bitrate rule (a text).
    Rule = 20;
    /// Languages of sound, best first, with commas between (a text).
    AudioLanguages = 21;
    /// Languages of subtitles (a text).
    TextLanguages = 22;
    /// Roles that sound should have (a text).
    AudioRoles = 23;
    /// Roles that subtitles should have (a text).
    TextRoles = 24;
    /// Codecs in order of preference, as the beginnings of their names (a text).
    Codecs = 25;
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
        Setting::DataSaver => config.data_saver = Some(DataSaver { bytes_per_hour: whole(value) }),
        Setting::MinBitrate => config.constraints.min_bitrate = Some(whole(value)),
        Setting::ExplainEachChoice => config.explain_each_choice = value != 0.0,
        Setting::StartBuffer => config.start_buffer = MediaTime::from_secs_f64(value),
        Setting::PacePercent => config.pace_percent = u32::try_from(whole(value)).ok(),
        Setting::LatencyMax => config.live.latency_max = Some(MediaTime::from_secs_f64(value)),
        Setting::Interstitials => config.interstitials.enabled = value != 0.0,
        Setting::FastSwitch => config.fast_switch = value != 0.0,
        Setting::Strict => config.strict = value != 0.0,
        _ => return false,
    }
    true
}

/// Sets a text. False if there is no such setting.
pub(crate) fn set_text(config: &mut Config, key: u8, value: &str) -> bool {
    let Some(setting) = Setting::of(key) else { return false };
    match setting {
        Setting::Rule => config.rule = Some(value.to_owned()),
        Setting::AudioLanguages => config.preferences.audio_languages = list(value),
        Setting::TextLanguages => config.preferences.text_languages = list(value),
        Setting::AudioRoles => config.preferences.audio_roles = list(value),
        Setting::TextRoles => config.preferences.text_roles = list(value),
        Setting::Codecs => config.preferences.codecs = list(value),
        _ => return false,
    }
    true
}

/// What stands between commas.
pub(crate) fn list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|one| !one.is_empty()).map(str::to_owned).collect()
}

/// A number that may be missing.
pub(crate) fn amount(value: f64) -> Option<u64> {
    (!value.is_nan()).then(|| whole(value))
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
