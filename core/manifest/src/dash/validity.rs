//! MPD validity events: media that says until when an MPD holds (ISO/IEC 23009-1, 5.10.4.2; D056).

use telecine_model::datetime::parse_date_time;
use telecine_model::{Limits, Protocol, WallTime};

use crate::reads;

/// The scheme of these events.
pub const VALIDITY_SCHEME: &str = "urn:mpeg:dash:event:2012";

/// What an event in media says of the MPD: one that was published at [`MpdValidity::published`] or before does not hold for
/// media from the start of the event on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MpdValidity {
    /// The latest `MPD@publishTime` that it is about.
    pub published: WallTime,
    /// What comes with it.
    pub update: MpdUpdate,
}

/// What comes with an MPD validity event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MpdUpdate {
    /// Nothing (`value` 1): the MPD is to be fetched.
    None,
    /// A patch of the MPD (`value` 2), as text.
    Patch(Vec<u8>),
    /// The new MPD (`value` 3), as text.
    Mpd(Vec<u8>),
}

impl MpdValidity {
    /// Reads an event by its scheme, its value and its message. None for other events, for values that nobody has defined,
    /// and for a message that does not begin with a date; what is too large to be an MPD is taken as nothing, so that the
    /// MPD is fetched.
    pub fn read(scheme: &str, value: &str, message: &[u8], limits: &Limits) -> Option<Self> {
        if !reads(Protocol::Dash) || scheme != VALIDITY_SCHEME || !matches!(value, "1" | "2" | "3") {
            return None;
        }
        // The time ends with a null where something follows.
        let behind = message.iter().position(|byte| *byte == 0).unwrap_or(message.len());
        let (time, rest) = message.split_at(behind);
        let published = parse_date_time(std::str::from_utf8(time).ok()?)?;
        let text = rest.get(1..).map(|text| text.strip_suffix(&[0]).unwrap_or(text));
        let text = text.filter(|text| !text.is_empty() && text.len() <= limits.manifest_bytes).map(<[u8]>::to_vec);
        let update = match (value, text) {
            ("2", Some(text)) => MpdUpdate::Patch(text),
            ("3", Some(text)) => MpdUpdate::Mpd(text),
            _ => MpdUpdate::None,
        };
        Some(Self { published, update })
    }

    /// Whether it is about an MPD of that publish time. One that does not say when it was published is older than any.
    pub fn concerns(&self, publish_time: Option<WallTime>) -> bool {
        publish_time.is_none_or(|time| time <= self.published)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str, message: &[u8]) -> Option<MpdValidity> {
        MpdValidity::read(VALIDITY_SCHEME, value, message, &Limits::default())
    }

    fn time(text: &str) -> WallTime {
        parse_date_time(text).expect("a date")
    }

    #[test]
    fn d056_an_event_says_which_mpd_no_longer_holds() {
        let event = read("1", b"2026-11-27T17:15:49Z").expect("an event");
        assert_eq!(event, MpdValidity { published: time("2026-11-27T17:15:49Z"), update: MpdUpdate::None });
        for (publish_time, concerned) in
            [(None, true), (Some("2026-11-27T17:15:49Z"), true), (Some("2026-11-27T17:15:50Z"), false)]
        {
            assert_eq!(event.concerns(publish_time.map(time)), concerned, "{publish_time:?}");
        }
    }

    #[test]
    fn d056_an_event_may_bring_a_patch_or_the_new_mpd() {
        let message = b"2026-11-27T17:15:49Z\0<Patch/>";
        assert_eq!(read("2", message).expect("an event").update, MpdUpdate::Patch(b"<Patch/>".to_vec()));
        let message = b"2026-11-27T17:15:49Z\0<MPD/>\0";
        assert_eq!(read("3", message).expect("an event").update, MpdUpdate::Mpd(b"<MPD/>".to_vec()));
        // What should be there and is not: the MPD is to be fetched.
        assert_eq!(read("3", b"2026-11-27T17:15:49Z\0").expect("an event").update, MpdUpdate::None);
        assert_eq!(read("2", b"2026-11-27T17:15:49Z").expect("an event").update, MpdUpdate::None);
        assert_eq!(read("1", b"2026-11-27T17:15:49Z\0x").expect("an event").update, MpdUpdate::None);
    }

    #[test]
    fn d056_other_events_and_messages_that_are_no_date_mean_nothing() {
        assert_eq!(read("4", b"2026-11-27T17:15:49Z"), None);
        assert_eq!(read("1", b"soon"), None);
        assert_eq!(read("1", b""), None);
        assert_eq!(read("1", &[0xff, 0xfe]), None);
        let other = MpdValidity::read("urn:scte:scte35:2013:bin", "1", b"2026-11-27T17:15:49Z", &Limits::default());
        assert_eq!(other, None);
        let limits = Limits::default();
        let mut large = b"2026-11-27T17:15:49Z\0".to_vec();
        large.resize(limits.manifest_bytes + 22, b' ');
        assert_eq!(MpdValidity::read(VALIDITY_SCHEME, "3", &large, &limits).expect("an event").update, MpdUpdate::None);
    }
}
