//! `EventStream` and its events, with exact times (D060).

use telecine_model::events::{Event, EventStream};
use telecine_model::{Error, MediaTime, Timescale};

use super::element::Element;
use super::reader::Xml;
use super::value::{integer, positive};

/// An event stream before its period's start is known.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    stream: EventStream,
    timescale: Timescale,
    offset: i64,
    /// Ticks of start of each event.
    ticks: Vec<i64>,
}

impl Draft {
    pub(super) fn read<'a>(xml: &mut Xml<'a>, element: &Element<'a>) -> Result<Self, Error> {
        let timescale =
            xml.parsed(element, "timescale", "D060", positive).and_then(Timescale::new).unwrap_or(Timescale::SECONDS);
        let mut draft = Self {
            stream: EventStream {
                scheme: element.string("schemeIdUri").unwrap_or_default(),
                value: element.string("value"),
                timescale: Some(timescale),
                events: Vec::new(),
            },
            timescale,
            offset: xml.parsed(element, "presentationTimeOffset", "D060", integer).unwrap_or(0),
            ticks: Vec::new(),
        };
        while let Some(child) = xml.child()? {
            if child.mpd_name() != "Event" || draft.ticks.len() >= xml.limits.side_items {
                if child.mpd_name() == "Event" {
                    xml.warn("D060", "more events than the limit: the rest were ignored");
                }
                xml.skip()?;
                continue;
            }
            let start = xml.parsed(&child, "presentationTime", "D060", integer).unwrap_or(0);
            let duration: Option<i64> = xml.parsed(&child, "duration", "D060", integer);
            let event = Event {
                id: xml.parsed(&child, "id", "D058", integer),
                start: MediaTime::ZERO,
                duration: duration.map(|ticks| MediaTime::from_ticks(ticks, timescale)),
                base64: child.attr("contentEncoding").as_deref() == Some("base64"),
                message: match child.string("messageData") {
                    Some(message) => {
                        xml.skip()?;
                        message
                    }
                    None => message(xml.content()?),
                },
            };
            draft.ticks.push(start);
            draft.stream.events.push(event);
        }
        Ok(draft)
    }

    /// The stream of a period that starts at `start`.
    pub(super) fn place(self, start: MediaTime) -> EventStream {
        let mut stream = self.stream;
        for (event, ticks) in stream.events.iter_mut().zip(self.ticks) {
            event.start = MediaTime::from_ticks(ticks.saturating_sub(self.offset), self.timescale) + start;
        }
        stream
    }
}

/// The content of an event: text unescaped, elements as written.
fn message(content: &str) -> String {
    let trimmed = content.trim();
    let data = trimmed.strip_prefix("<![CDATA[").and_then(|rest| rest.strip_suffix("]]>"));
    if let Some(data) = data.filter(|data| !data.contains("]]>")) {
        return data.to_owned();
    }
    if trimmed.contains('<') {
        return trimmed.to_owned();
    }
    quick_xml::escape::unescape(trimmed).map_or_else(|_| trimmed.to_owned(), std::borrow::Cow::into_owned)
}
