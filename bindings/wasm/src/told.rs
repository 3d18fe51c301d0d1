//! Events and answers as plain values: a serde `Serializer` into the outbox.
//!
//! A structure is a map of its fields. A variant without fields is its name; one with fields is a map with its name under
//! `type`; one around a single value has that under `value`. Bytes are bytes. Media times are seconds: whatever is a signed
//! number of 64 bits is one, unless its name says its unit (`…_ms`, `…_us`) or that it is of the world's clock (`wall…`, `date…`).

use serde::ser::{self, Serialize};
use telecine_engine::abr::Candidate;
use telecine_engine::drm::session::StoredLicence;
use telecine_engine::{DecisionKind, Event, InterstitialPhase};
use telecine_model::cue::{CueChange, CueKey};
use telecine_model::protection::{KeyId, KeySystem};
use telecine_model::{Cue, Error, Handling, MediaTime, Timestamp, TrackKind};

use crate::record::Writer;
use crate::schema::{Shape, Tag};

/// Writes a value. False if it has a shape that values do not have; then part of it was written.
pub(crate) fn tell(out: &mut Writer, value: &impl Serialize) -> bool {
    value.serialize(Teller { out, name: "" }).is_ok()
}

/// Writes a value that stands alone.
pub(crate) fn alone(out: &mut Writer, value: &impl Serialize) {
    out.clear();
    if !tell(out, value) {
        out.clear();
        shape(out, Shape::Null);
    }
}

/// Writes an event as a record.
pub(crate) fn event(out: &mut Writer, event: &Event) {
    let before = out.bytes().len();
    out.tag(Tag::Event);
    let told = tell(out, &Told(event));
    debug_assert!(told, "{event:?} has a shape that values do not have");
    if !told {
        // Half a record would be the end of all that follows.
        out.truncate(before);
    }
}

/// An event as pages get it.
struct Told<'a>(&'a Event);

impl Serialize for Told<'_> {
    fn serialize<S: ser::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let told = match self.0 {
            Event::Error { at, error } => ToldEvent::Error { at: *at, error: ToldError::of(error) },
            Event::Decision(decision) => ToldEvent::Decision {
                at: decision.at,
                position: decision.position,
                what: decision.what,
                kind: decision.kind,
                from: decision.from.as_deref(),
                to: decision.to.as_deref(),
                why: &decision.why,
                candidates: &decision.candidates,
            },
            Event::LicenceStored { at, licence } => {
                ToldEvent::LicenceStored { at: *at, licence: ToldLicence::of(licence) }
            }
            Event::Cues { at, changes } => {
                ToldEvent::Cues { at: *at, changes: changes.iter().map(ToldCue::of).collect() }
            }
            Event::Interstitial { at, id, phase } => ToldEvent::Interstitial { at: *at, id, phase: ToldPhase(phase) },
            Event::Asset { id, index, event } => ToldEvent::Asset { id, index: *index, event: Told(event) },
            event => return event.serialize(to),
        };
        told.serialize(to)
    }
}

/// What happens to an interstitial, with its error as pages get that.
struct ToldPhase<'a>(&'a InterstitialPhase);

impl Serialize for ToldPhase<'_> {
    fn serialize<S: ser::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        #[derive(serde::Serialize)]
        #[serde(rename_all = "kebab-case")]
        enum Failed<'a> {
            Failed { index: Option<u32>, error: ToldError<'a> },
        }
        match self.0 {
            InterstitialPhase::Failed { index, error } => {
                Failed::Failed { index: *index, error: ToldError::of(error) }.serialize(to)
            }
            phase => phase.serialize(to),
        }
    }
}

/// An error with what is known of its code.
#[derive(serde::Serialize)]
pub(crate) struct ToldError<'a> {
    code: u16,
    name: &'static str,
    domain: &'static str,
    blame: &'static str,
    fatal: bool,
    handling: Handling,
    message: &'a str,
    meaning: &'static str,
    advice: &'static str,
    facts: &'a std::collections::BTreeMap<String, String>,
}

impl<'a> ToldError<'a> {
    pub(crate) fn of(error: &'a Error) -> Self {
        let code = error.code();
        Self {
            code: code.number(),
            name: code.name(),
            domain: code.domain().name(),
            blame: code.blame().name(),
            fatal: error.is_fatal(),
            handling: error.handling(),
            message: error.message(),
            meaning: code.meaning().trim(),
            advice: code.advice(),
            facts: error.facts(),
        }
    }
}

/// Events that are told otherwise than they are: all have their time and their fields at the top.
#[derive(serde::Serialize)]
enum ToldEvent<'a> {
    Error {
        at: Timestamp,
        error: ToldError<'a>,
    },
    Decision {
        at: Timestamp,
        position: MediaTime,
        what: DecisionKind,
        kind: Option<TrackKind>,
        from: Option<&'a str>,
        to: Option<&'a str>,
        why: &'a [String],
        candidates: &'a [Candidate],
    },
    LicenceStored {
        at: Timestamp,
        licence: ToldLicence<'a>,
    },
    Cues {
        at: Timestamp,
        changes: Vec<ToldCue<'a>>,
    },
    Interstitial {
        at: Timestamp,
        id: &'a str,
        phase: ToldPhase<'a>,
    },
    Asset {
        id: &'a str,
        index: u32,
        event: Told<'a>,
    },
}

/// A stored licence, with its end in the time that pages know.
#[derive(serde::Serialize)]
struct ToldLicence<'a> {
    system: KeySystem,
    name: &'a str,
    key_ids: &'a [KeyId],
    expires: Option<f64>,
    releasing: bool,
}

impl<'a> ToldLicence<'a> {
    fn of(licence: &'a StoredLicence) -> Self {
        Self {
            system: licence.system,
            name: &licence.name,
            key_ids: &licence.key_ids,
            expires: licence.expires.map(|expires| expires.as_micros() as f64 / 1000.0),
            releasing: licence.releasing,
        }
    }
}

/// A cue, with its fields at the top.
#[derive(serde::Serialize)]
enum ToldCue<'a> {
    Added { key: CueKey, cue: &'a Cue },
    Changed { key: CueKey, cue: &'a Cue },
    Removed { key: CueKey },
}

impl<'a> ToldCue<'a> {
    fn of(change: &'a CueChange) -> Self {
        match change {
            CueChange::Added(key, cue) => Self::Added { key: *key, cue },
            CueChange::Changed(key, cue) => Self::Changed { key: *key, cue },
            CueChange::Removed(key) => Self::Removed { key: *key },
        }
    }
}

fn shape(out: &mut Writer, shape: Shape) -> &mut Writer {
    out.u8(shape as u8)
}

struct Teller<'w> {
    out: &'w mut Writer,
    /// Of the field that is written.
    name: &'static str,
}

impl<'w> Teller<'w> {
    fn number(self, number: f64) -> Result<(), Unspeakable> {
        shape(self.out, Shape::Number).f64(number);
        Ok(())
    }

    fn text(self, text: &str) -> Result<(), Unspeakable> {
        shape(self.out, Shape::Text).text(text);
        Ok(())
    }

    fn open(self, kind: Shape) -> Open<'w> {
        shape(self.out, kind);
        Open { out: self.out }
    }

    fn variant(self, variant: &'static str) -> Open<'w> {
        let open = self.open(Shape::Map);
        shape(shape(open.out, Shape::Text).text("type"), Shape::Text).text(variant);
        open
    }
}

/// A value has a shape that no event has.
#[derive(Debug)]
pub(crate) struct Unspeakable;

impl std::fmt::Display for Unspeakable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no value of an event")
    }
}

impl std::error::Error for Unspeakable {}

impl ser::Error for Unspeakable {
    fn custom<T: std::fmt::Display>(_: T) -> Self {
        Self
    }
}

/// Whether a signed number is a media time.
fn is_media_time(name: &str) -> bool {
    !(name.ends_with("_ms") || name.ends_with("_us") || name.starts_with("wall") || name.starts_with("date"))
}

impl<'w> ser::Serializer for Teller<'w> {
    type Ok = ();
    type Error = Unspeakable;
    type SerializeSeq = Open<'w>;
    type SerializeTuple = Open<'w>;
    type SerializeTupleStruct = Open<'w>;
    type SerializeTupleVariant = Open<'w>;
    type SerializeMap = Open<'w>;
    type SerializeStruct = Open<'w>;
    type SerializeStructVariant = Open<'w>;

    fn serialize_bool(self, value: bool) -> Result<(), Unspeakable> {
        shape(self.out, if value { Shape::True } else { Shape::False });
        Ok(())
    }

    fn serialize_i8(self, value: i8) -> Result<(), Unspeakable> {
        self.number(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<(), Unspeakable> {
        self.number(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<(), Unspeakable> {
        self.number(value.into())
    }

    fn serialize_i64(self, value: i64) -> Result<(), Unspeakable> {
        let number = if is_media_time(self.name) { seconds(MediaTime::from_units(value)) } else { value as f64 };
        self.number(number)
    }

    fn serialize_u8(self, value: u8) -> Result<(), Unspeakable> {
        self.number(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<(), Unspeakable> {
        self.number(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<(), Unspeakable> {
        self.number(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<(), Unspeakable> {
        self.number(value as f64)
    }

    fn serialize_f32(self, value: f32) -> Result<(), Unspeakable> {
        self.number(value.into())
    }

    /// A value that is written as a floating-point number is in its own unit.
    fn serialize_f64(self, value: f64) -> Result<(), Unspeakable> {
        self.number(value)
    }

    fn serialize_char(self, value: char) -> Result<(), Unspeakable> {
        self.text(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), Unspeakable> {
        self.text(value)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Unspeakable> {
        shape(self.out, Shape::Bytes).blob(value);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Unspeakable> {
        shape(self.out, Shape::Null);
        Ok(())
    }

    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<(), Unspeakable> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Unspeakable> {
        self.serialize_none()
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Unspeakable> {
        self.serialize_none()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Unspeakable> {
        self.text(variant)
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(self, _: &'static str, value: &T) -> Result<(), Unspeakable> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Unspeakable> {
        let mut open = self.variant(variant);
        open.field("value", value)?;
        open.close()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Open<'w>, Unspeakable> {
        Ok(self.open(Shape::List))
    }

    fn serialize_tuple(self, _: usize) -> Result<Open<'w>, Unspeakable> {
        Ok(self.open(Shape::List))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Open<'w>, Unspeakable> {
        Ok(self.open(Shape::List))
    }

    /// Events that have one are told otherwise.
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Open<'w>, Unspeakable> {
        Err(Unspeakable)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Open<'w>, Unspeakable> {
        Ok(self.open(Shape::Map))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Open<'w>, Unspeakable> {
        Ok(self.open(Shape::Map))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Open<'w>, Unspeakable> {
        Ok(self.variant(variant))
    }
}

/// A list or a map that is being written.
pub(crate) struct Open<'w> {
    out: &'w mut Writer,
}

impl Open<'_> {
    fn item<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Unspeakable> {
        value.serialize(Teller { out: self.out, name: "" })
    }

    fn field<T: ?Sized + Serialize>(&mut self, name: &'static str, value: &T) -> Result<(), Unspeakable> {
        shape(self.out, Shape::Text).text(name);
        value.serialize(Teller { out: self.out, name })
    }

    fn close(self) -> Result<(), Unspeakable> {
        shape(self.out, Shape::End);
        Ok(())
    }
}

/// What is written item after item, and what field after field.
macro_rules! written {
    ($($kind:ident: $each:ident($($name:ident)?) as $write:ident,)*) => { $(
        impl ser::$kind for Open<'_> {
            type Ok = ();
            type Error = Unspeakable;
            fn $each<T: ?Sized + Serialize>(&mut self, $($name: &'static str,)? value: &T) -> Result<(), Unspeakable> {
                self.$write($($name,)? value)
            }
            fn end(self) -> Result<(), Unspeakable> {
                self.close()
            }
        }
    )* };
}

written!(
    SerializeSeq: serialize_element() as item,
    SerializeTuple: serialize_element() as item,
    SerializeTupleStruct: serialize_field() as item,
    SerializeTupleVariant: serialize_field() as item,
    SerializeStruct: serialize_field(name) as field,
    SerializeStructVariant: serialize_field(name) as field,
);

impl ser::SerializeMap for Open<'_> {
    type Ok = ();
    type Error = Unspeakable;
    fn serialize_key<T: ?Sized + Serialize>(&mut self, key: &T) -> Result<(), Unspeakable> {
        self.item(key)
    }
    fn serialize_value<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Unspeakable> {
        self.item(value)
    }
    fn end(self) -> Result<(), Unspeakable> {
        self.close()
    }
}

/// A media time as a page has it: the ends of the timeline are infinities.
pub(crate) fn seconds(time: MediaTime) -> f64 {
    match time {
        MediaTime::MAX => f64::INFINITY,
        MediaTime::MIN => f64::NEG_INFINITY,
        time => time.as_secs_f64(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Writer;
    use crate::shapes::value::read;
    use telecine_engine::State;
    use telecine_model::{ErrorCode, WallTime};

    fn told(event_told: &Event) -> String {
        let mut out = Writer::default();
        event(&mut out, event_told);
        read(&out.bytes()[1..]).to_string()
    }

    #[test]
    fn an_event_is_a_map_with_its_name_and_its_times_in_seconds() {
        let at = Timestamp::from_millis(2);
        assert_eq!(told(&Event::State { at, state: State::Playing }), "{type:'State',at:2000,state:'playing'}");
        let started = Event::Started { at, position: MediaTime::from_millis(1500) };
        assert_eq!(told(&started), "{type:'Started',at:2000,position:1.5}");
    }

    #[test]
    fn a_decision_has_its_reasons_and_its_fields_at_the_top() {
        let decision = telecine_engine::Decision {
            at: Timestamp::from_millis(2),
            position: MediaTime::from_secs(3),
            what: DecisionKind::FastSwitch,
            kind: Some(TrackKind::Video),
            from: None,
            to: Some("v720".to_owned()),
            why: vec!["it pays".to_owned()],
            candidates: Vec::new(),
        };
        assert_eq!(
            told(&Event::Decision(decision)),
            "{type:'Decision',at:2000,position:3,what:'fast-switch',kind:'video',from:null,to:'v720',why:['it pays'],candidates:[]}"
        );
    }

    #[test]
    fn an_error_says_what_its_code_means() {
        let error = Error::new(ErrorCode::NotAManifest, "it is HTML").fact("url", "http://a/");
        let value = told(&Event::Error { at: Timestamp::ZERO, error });
        let begin = "{type:'Error',at:0,error:{code:2001,name:'NotAManifest',domain:'manifest',blame:'content',fatal:true,handling:'raised',message:'it is HTML'";
        assert!(value.starts_with(begin), "{value}");
        assert!(value.ends_with("facts:{url:'http://a/'}}}"), "{value}");
    }

    #[test]
    fn the_end_of_a_licence_is_of_the_worlds_clock() {
        let licence = StoredLicence {
            system: KeySystem::Widevine,
            name: "one".to_owned(),
            key_ids: vec![KeyId([0x11; 16])],
            expires: Some(WallTime::from_millis(1_767_225_600_000)),
            releasing: false,
        };
        let value = told(&Event::LicenceStored { at: Timestamp::ZERO, licence });
        assert!(value.contains(",expires:1767225600000,releasing:false}"), "{value}");
    }
}
