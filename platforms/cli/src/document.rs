//! Pieces that several documents share.

use std::collections::BTreeMap;

use serde::Serialize;
use telecine_engine::MediaWarning;
use telecine_model::{Error, Handling, MediaTime, Warning};

/// Seconds as the documents write them: whole microseconds, rounded to the nearest.
pub(crate) fn secs(time: MediaTime) -> f64 {
    let nearest = time + MediaTime::from_units(telecine_model::time::UNITS_PER_SECOND / 2_000_000);
    nearest.as_micros() as f64 / 1e6
}

/// A span of time that passed, likewise: the nearest to its microseconds, which a sum of seconds and a rest is not.
pub(crate) fn passed(span: std::time::Duration) -> f64 {
    span.as_micros() as f64 / 1e6
}

/// An error.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ErrorEntry {
    pub(crate) code: u16,
    pub(crate) name: &'static str,
    pub(crate) domain: &'static str,
    pub(crate) blame: &'static str,
    pub(crate) message: String,
    pub(crate) facts: BTreeMap<String, String>,
    /// When in the session, where it was in one.
    pub(crate) t_s: Option<f64>,
    /// Where in the input.
    pub(crate) place: Option<String>,
    pub(crate) fatal: bool,
    /// What was done about it: `raised`, `retried`, `replaced`, `skipped`.
    pub(crate) handling: &'static str,
    pub(crate) advice: &'static str,
}

impl ErrorEntry {
    /// An error that happened `t_s` into a session.
    pub(crate) fn new(error: &Error, t_s: Option<f64>) -> Self {
        let code = error.code();
        Self {
            code: code.number(),
            name: code.name(),
            domain: code.domain().name(),
            blame: code.blame().name(),
            message: error.message().to_owned(),
            facts: error.facts().clone(),
            t_s,
            place: error.place().map(ToString::to_string),
            fatal: error.is_fatal(),
            handling: match error.handling() {
                Handling::Retried => "retried",
                Handling::Replaced => "replaced",
                Handling::Skipped => "skipped",
                _ => "raised",
            },
            advice: code.advice(),
        }
    }
}

/// What of the title an error is about, by its facts: `video v360, segment 3 at 12.000 s`. None if it is about none
/// of its renditions.
pub(crate) fn within(facts: &BTreeMap<String, String>) -> Option<String> {
    let fact = |name: &str| facts.get(name).map(String::as_str);
    let rendition = fact("rendition").map(|id| format!("{} {id}", fact("kind").unwrap_or("rendition")));
    let segment = fact("segment").map(|number| match fact("time") {
        Some(time) => format!("segment {number} at {time}"),
        None => format!("segment {number}"),
    });
    let parts: Vec<String> = rendition.into_iter().chain(segment).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// The most characters of one fact that a sentence holds: reports have all of them.
const LONGEST_FACT: usize = 200;

/// What a sentence about an error adds to it: what of the title it is about, and every fact that the sentence does not
/// hold already, as `video v360, segment 3, status 503, attempt 2`. None if there is nothing.
///
/// Facts are free of secrets when they are made ([`Error::fact`]): what reports show, standard error may.
pub(crate) fn circumstances(error: &Error) -> Option<String> {
    let facts = error.facts();
    let is_said = |name: &str, value: &str| match name {
        // The sentence itself ends with it, or the URL says it.
        "url" | "class" => true,
        "rendition" | "segment" => true,
        "kind" => facts.contains_key("rendition"),
        "time" => facts.contains_key("segment"),
        // There is always one.
        "attempt" | "attempts" => value == "1",
        // A number alone may be of something else.
        _ => {
            error.message().contains(&format!("{name} {value}")) || (value.len() > 4 && error.message().contains(value))
        }
    };
    let mut told: Vec<(&String, &String)> = facts.iter().filter(|(name, value)| !is_said(name, value)).collect();
    // What a person looks for first, then by name.
    const FIRST: [&str; 5] = ["status", "server_code", "attempt", "attempts", "cause"];
    told.sort_by_key(|(name, _)| FIRST.iter().position(|first| first == name).unwrap_or(FIRST.len()));
    let told = told.into_iter().map(|(name, value)| {
        let name = name.replace('_', " ");
        let clipped: String = value.chars().take(LONGEST_FACT).collect();
        let more = if clipped.len() < value.len() { "…" } else { "" };
        // A sentence is set off from its name, a value is not.
        let between = if value.split_whitespace().nth(2).is_some() { ": " } else { " " };
        format!("{name}{between}{clipped}{more}")
    });
    let parts: Vec<String> = within(facts).into_iter().chain(told).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// A tolerated fault of a manifest, or of media.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct WarningEntry {
    pub(crate) rule: String,
    #[serde(rename = "where")]
    pub(crate) place: String,
    pub(crate) message: String,
    /// Of media: where it was found first, and how often.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub(crate) media: Option<WarningPlace>,
}

/// Where in a title's media something was tolerated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct WarningPlace {
    pub(crate) kind: &'static str,
    pub(crate) track: String,
    pub(crate) rendition: String,
    pub(crate) segment: u64,
    pub(crate) count: u64,
}

impl WarningEntry {
    /// Whether it is about the same rule in the same track, and so takes its place.
    pub(crate) fn is_of(&self, other: &Self) -> bool {
        let of = |entry: &Self| entry.media.as_ref().map(|media| (media.kind, media.track.clone()));
        self.rule == other.rule && self.media.is_some() && of(self) == of(other)
    }
}

impl From<&MediaWarning> for WarningEntry {
    fn from(found: &MediaWarning) -> Self {
        let media = WarningPlace {
            kind: found.kind.name(),
            track: found.track.clone(),
            rendition: found.rendition.clone(),
            segment: found.segment,
            count: found.count,
        };
        Self { media: Some(media), ..Self::from(&found.warning) }
    }
}

impl From<&Warning> for WarningEntry {
    fn from(warning: &Warning) -> Self {
        Self {
            rule: warning.rule.clone(),
            place: warning.place.to_string(),
            message: warning.message.clone(),
            media: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use telecine_model::Timescale;

    #[test]
    fn a_span_is_the_nearest_to_its_microseconds() {
        assert_eq!(passed(std::time::Duration::from_millis(6_810)), 6.81);
    }

    #[test]
    fn an_error_is_within_a_rendition_and_a_segment_as_far_as_its_facts_say() {
        let told = |facts: &[(&str, &str)]| {
            within(&facts.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
        };
        let all = [("kind", "video"), ("rendition", "v360"), ("segment", "3"), ("time", "12.000 s"), ("url", "x")];
        assert_eq!(told(&all).as_deref(), Some("video v360, segment 3 at 12.000 s"));
        assert_eq!(told(&all[..2]).as_deref(), Some("video v360"));
        assert_eq!(told(&all[2..3]).as_deref(), Some("segment 3"));
        assert_eq!(told(&all[4..]), None);
    }

    #[test]
    fn a_sentence_gets_the_facts_that_it_does_not_hold_status_and_attempts_first() {
        use telecine_model::ErrorCode;
        let error = Error::new(ErrorCode::HttpStatus, "no").fact("url", "http://a/1.m4s").fact("class", "segment");
        let error = error.fact("attempt", 3).fact("status", 503).fact("segment", 1).fact("retry_after", "5");
        assert_eq!(circumstances(&error).as_deref(), Some("segment 1, status 503, attempt 3, retry after 5"));
        let error = Error::new(ErrorCode::HttpStatus, "the server answered with status 503").fact("status", 503);
        assert_eq!(circumstances(&error), None, "it is said");
        let error = Error::new(ErrorCode::HttpStatus, "no 503 at all").fact("status", 503).fact("class", "manifest");
        assert_eq!(circumstances(&error).as_deref(), Some("status 503"));
    }

    #[test]
    fn a_sentence_says_of_each_key_system_why_it_was_refused() {
        use telecine_model::ErrorCode;
        let error = Error::new(ErrorCode::KeySystemUnavailable, "the device can use none of it");
        let error = error.fact("Widevine", "the device does not offer it").fact("PlayReady", "x".repeat(1000));
        let said = circumstances(&error).expect("facts");
        assert!(said.ends_with(", Widevine: the device does not offer it"), "{said}");
        assert!(said.starts_with("PlayReady xxx") && said.contains("x…,") && said.len() < 300, "{said}");
    }

    #[test]
    fn seconds_are_whole_microseconds_rounded_to_the_nearest() {
        let ticks = |ticks, scale| MediaTime::from_ticks(ticks, Timescale::new(scale).unwrap());
        assert_eq!(secs(ticks(1, 3)), 0.333333);
        assert_eq!(secs(ticks(2, 3)), 0.666667);
        assert_eq!(secs(ticks(1001, 24_000)), 0.041708);
        assert_eq!(secs(ticks(-2, 3)), -0.666667);
        assert_eq!(secs(MediaTime::from_millis(9_009)), 9.009);
    }
}
