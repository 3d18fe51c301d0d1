//! Interstitials and preload notices as date ranges (rfc8216bis, D.2 and F).

use std::collections::BTreeMap;

use telecine_model::datetime::parse_decimal_nanos;
use telecine_model::interstitial::{
    AssetSource, Interstitial, InterstitialCue, JumpRule, PreloadNotice, Resume, SkipControl,
};
use telecine_model::{uri, Error, ErrorCode, EventPayload, MediaTime, TimedEvent};

use super::Announcement;

/// `CLASS` of interstitials.
pub const HLS_INTERSTITIAL: &str = "com.apple.hls.interstitial";

/// `CLASS` of preload notices.
pub const HLS_PRELOAD: &str = "com.apple.hls.preload";

/// How long before its start an asset list may be asked for: servers take up to a minute to decide (D.5).
const RESOLVE_AHEAD: MediaTime = MediaTime::from_secs(60);

/// Attributes of one date range.
struct Attributes<'a> {
    id: &'a str,
    all: &'a BTreeMap<String, String>,
}

pub(super) fn read(event: &TimedEvent, base: &str) -> Option<Result<Announcement, Error>> {
    let EventPayload::Attributes(all) = &event.payload else { return None };
    let attributes = Attributes { id: event.id.as_deref().unwrap_or_default(), all };
    match event.value.as_str() {
        HLS_INTERSTITIAL => {
            Some(attributes.interstitial(event, base).map(|found| Announcement::Interstitial(Box::new(found))))
        }
        HLS_PRELOAD => Some(attributes.preload(event, base).map(Announcement::Preload)),
        _ => None,
    }
}

impl Attributes<'_> {
    fn interstitial(&self, event: &TimedEvent, base: &str) -> Result<Interstitial, Error> {
        let assets = match (self.get("X-ASSET-URI"), self.get("X-ASSET-LIST")) {
            // The URI is absolute, the list may be relative (IN01); who writes a relative URI means one as well.
            (Some(asset), None) => AssetSource::Asset(uri::resolve(base, asset)),
            (None, Some(list)) => AssetSource::List(uri::resolve(base, list)),
            (Some(_), Some(_)) => return Err(self.fault("X-ASSET-URI stands beside X-ASSET-LIST")),
            (None, None) => return Err(self.fault("neither X-ASSET-URI nor X-ASSET-LIST is there")),
        };
        let cue = self.words("CUE");
        let snap = self.words("X-SNAP");
        let restrict = self.words("X-RESTRICT");
        let planned = self.seconds("PLANNED-DURATION")?;
        let skip_offset = self.seconds("X-SKIP-CONTROL-OFFSET")?;
        let skip_duration = self.seconds("X-SKIP-CONTROL-DURATION")?;
        let skip_label = self.get("X-SKIP-CONTROL-LABEL-ID").map(str::to_owned);
        let skips = skip_offset.is_some() || skip_duration.is_some() || skip_label.is_some();
        Ok(Interstitial {
            id: self.id.to_owned(),
            start: event.start,
            duration: event.duration.or(planned),
            cue: match () {
                () if cue.contains(&"PRE") => InterstitialCue::BeforeTitle,
                () if cue.contains(&"POST") => InterstitialCue::BehindTitle,
                () => InterstitialCue::Start,
            },
            once: cue.contains(&"ONCE"),
            assets,
            resume: self.seconds("X-RESUME-OFFSET")?.map_or(Resume::Played, Resume::Offset),
            limit: self.span("X-PLAYOUT-LIMIT")?,
            snap_out: snap.contains(&"OUT"),
            snap_in: snap.contains(&"IN"),
            no_skip: restrict.contains(&"SKIP"),
            jump: if restrict.contains(&"JUMP") { JumpRule::PlayLast } else { JumpRule::Allowed },
            skip_control: skips.then(|| SkipControl {
                offset: skip_offset.unwrap_or(MediaTime::ZERO),
                duration: skip_duration,
                label: skip_label,
            }),
            join_midway: true,
            // What nobody knows is as if it were not there (IN08).
            may_vary: self.get("X-CONTENT-MAY-VARY") != Some("NO"),
            occupies_range: self.get("X-TIMELINE-OCCUPIES") == Some("RANGE"),
            styled_as_primary: self.get("X-TIMELINE-STYLE") == Some("PRIMARY"),
            resolve_ahead: RESOLVE_AHEAD,
        })
    }

    /// F: a notice needs a span, and has no `CUE` and no `END-ON-NEXT` (IN15).
    fn preload(&self, event: &TimedEvent, base: &str) -> Result<PreloadNotice, Error> {
        let (Some(reference), Some(target)) = (self.get("X-URI"), self.get("X-TARGET-ID")) else {
            return Err(self.fault("X-URI or X-TARGET-ID is missing"));
        };
        if self.get("X-TARGET-CLASS").is_some_and(|class| class != HLS_INTERSTITIAL) {
            return Err(self.fault("X-TARGET-CLASS is none that is known"));
        }
        if self.get("CUE").is_some() || self.get("END-ON-NEXT").is_some() {
            return Err(self.fault("CUE or END-ON-NEXT stands in a preload notice"));
        }
        let Some(end) = event.end() else { return Err(self.fault("neither DURATION nor END-DATE is there")) };
        let uri = uri::resolve(base, reference);
        Ok(PreloadNotice { id: self.id.to_owned(), start: event.start, end, uri, target: target.to_owned() })
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.all.get(name).map(String::as_str)
    }

    fn words(&self, name: &str) -> Vec<&str> {
        self.get(name).map(|list| list.split(',').map(str::trim).collect()).unwrap_or_default()
    }

    /// A signed decimal of seconds.
    fn seconds(&self, name: &str) -> Result<Option<MediaTime>, Error> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let (digits, negative) = text.strip_prefix('-').map_or((text, false), |digits| (digits, true));
        let span = parse_decimal_nanos(digits).map(MediaTime::from_nanos);
        let span = span.ok_or_else(|| self.fault(format!("{name} is not a number of seconds")))?;
        Ok(Some(if negative { MediaTime::ZERO - span } else { span }))
    }

    /// A decimal of seconds that is not negative.
    fn span(&self, name: &str) -> Result<Option<MediaTime>, Error> {
        match self.seconds(name)? {
            Some(span) if span < MediaTime::ZERO => Err(self.fault(format!("{name} is negative"))),
            span => Ok(span),
        }
    }

    fn fault(&self, message: impl std::fmt::Display) -> Error {
        let message = format!("the date range is no interstitial: {message}");
        Error::new(ErrorCode::ManifestContradiction, message).fact("id", self.id)
    }
}
