//! Alternative MPDs: `InsertPresentation` and `ReplacePresentation` events (ISO/IEC 23009-1, 5.16; D063).

use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;
use telecine_model::interstitial::{AssetSource, Interstitial, InterstitialCue, JumpRule, Resume, SkipControl};
use telecine_model::{uri, Error, ErrorCode, EventPayload, MediaTime, TimedEvent, Timescale};

use super::Announcement;

/// Scheme of events that insert a presentation: the title goes on where it stood.
pub const INSERT_SCHEME: &str = "urn:mpeg:dash:event:alternativeMPD:insert:2025";

/// Scheme of events that play a presentation in place of a part of the title.
pub const REPLACE_SCHEME: &str = "urn:mpeg:dash:event:alternativeMPD:replace:2025";

/// `@earliestResolutionTimeOffset` where it is not given.
const RESOLVE_AHEAD: MediaTime = MediaTime::from_secs(60);

pub(super) fn read(event: &TimedEvent, base: &str) -> Option<Result<Announcement, Error>> {
    let replaces = match event.scheme.as_str() {
        INSERT_SCHEME => false,
        REPLACE_SCHEME => true,
        _ => return None,
    };
    let text = match &event.payload {
        EventPayload::Text(text) => text.as_str(),
        EventPayload::Bytes(bytes) => std::str::from_utf8(bytes).unwrap_or_default(),
        _ => "",
    };
    let found = Presentation::find(text, event.timescale.unwrap_or(Timescale::SECONDS));
    let found = found.and_then(|presentation| presentation.interstitial(event, base, replaces));
    Some(found.map(|found| Announcement::Interstitial(Box::new(found))).map_err(|message| {
        let message = format!("the event names no alternative MPD: {message}");
        Error::new(ErrorCode::ManifestContradiction, message).fact("id", event.id.as_deref().unwrap_or_default())
    }))
}

/// The element of the event.
struct Presentation {
    attributes: Vec<(String, String)>,
    timescale: Timescale,
}

impl Presentation {
    /// The first element that names a presentation.
    fn find(text: &str, timescale: Timescale) -> Result<Self, String> {
        let mut reader = Reader::from_str(text);
        loop {
            match reader.read_event() {
                Ok(Event::Start(element) | Event::Empty(element)) => {
                    let name = element.local_name();
                    if matches!(name.as_ref(), "InsertPresentation" | "ReplacePresentation" | "AlternativeMPD") {
                        return Ok(Self { attributes: attributes(&element)?, timescale });
                    }
                }
                Ok(Event::Eof) => return Err("its element is missing".to_owned()),
                Ok(_) => {}
                Err(_) => return Err("it is no XML".to_owned()),
            }
        }
    }

    fn interstitial(&self, event: &TimedEvent, base: &str, replaces: bool) -> Result<Interstitial, String> {
        // The text of the standard says `url`, its schema `uri`.
        let url = self.get("uri").or_else(|| self.get("url")).ok_or("it has no uri")?;
        let limit = self.span("maxDuration")?;
        let flag = |name: &str| matches!(self.get(name), Some("true" | "1"));
        let returns = self.span("returnOffset")?.filter(|_| replaces);
        Ok(Interstitial {
            id: event.id.clone().unwrap_or_else(|| format!("{}@{}", event.scheme, event.start)),
            start: event.start,
            duration: event.duration.or(limit),
            cue: InterstitialCue::Start,
            once: flag("executeOnce"),
            assets: AssetSource::Asset(uri::resolve(base, url)),
            resume: match (replaces, returns) {
                (false, _) => Resume::Offset(MediaTime::ZERO),
                (true, Some(offset)) => Resume::Offset(offset),
                (true, None) => Resume::Played,
            },
            limit,
            snap_out: false,
            snap_in: false,
            no_skip: false,
            jump: match self.get("noJump") {
                Some("1") => JumpRule::PlayAll,
                Some("2") => JumpRule::PlayLast,
                _ => JumpRule::Allowed,
            },
            skip_control: self.span("skipAfter")?.map(|offset| SkipControl { offset, duration: None, label: None }),
            join_midway: replaces && flag("startWithOffset"),
            may_vary: true,
            occupies_range: replaces,
            styled_as_primary: false,
            resolve_ahead: self.span("earliestResolutionTimeOffset")?.unwrap_or(RESOLVE_AHEAD),
        })
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Ticks of the event stream.
    fn span(&self, name: &str) -> Result<Option<MediaTime>, String> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let ticks: u32 = text.trim().parse().map_err(|_| format!("{name} is not a number of ticks"))?;
        Ok(Some(MediaTime::from_ticks(ticks.into(), self.timescale)))
    }
}

fn attributes(element: &BytesStart<'_>) -> Result<Vec<(String, String)>, String> {
    let mut list = Vec::new();
    for attribute in element.attributes() {
        let attribute = attribute.map_err(|_| "its attributes are no XML".to_owned())?;
        let name = attribute.key.local_name().as_ref().to_owned();
        let value = quick_xml::escape::unescape(&attribute.value);
        let value = value.map_err(|_| format!("{name} has an unknown entity"))?;
        list.push((name, value.into_owned()));
    }
    Ok(list)
}
