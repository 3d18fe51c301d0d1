//! Events and answers as plain values: a serde `Serializer` into the outbox.
//!
//! A structure is a map of its fields. A variant without fields is its name; one with fields is a map with its name under
//! `type`; one around a single value has that under `value`. Media times are seconds: whatever is a signed number of 64 bits
//! is one, unless its name says its unit (`…_ms`, `…_us`) or that it is of the world's clock (`wall…`, `date…`).

use serde::ser::{self, Serialize};
use telecine_engine::abr::Candidate;
use telecine_engine::{DecisionKind, Event, Snapshot};
use telecine_model::{Error, MediaTime, Timestamp, TrackKind};

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
    out.tag(Tag::Event);
    match event {
        Event::Error { at, error } => tell(out, &ToldEvent::Error { at: *at, error: ToldError::of(error) }),
        Event::Decision(decision) => tell(
            out,
            &ToldEvent::Decision {
                at: decision.at,
                position: decision.position,
                what: decision.what,
                kind: decision.kind,
                from: decision.from.as_deref(),
                to: decision.to.as_deref(),
                why: &decision.why,
                candidates: &decision.candidates,
            },
        ),
        event => tell(out, event),
    };
}

/// An error with what is known of its code.
#[derive(serde::Serialize)]
pub(crate) struct ToldError<'a> {
    code: u16,
    name: &'static str,
    domain: &'static str,
    blame: &'static str,
    fatal: bool,
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
}

/// What pages may want to see of the player at any time.
#[derive(serde::Serialize)]
pub(crate) struct ToldSnapshot<'a> {
    state: telecine_engine::State,
    position: MediaTime,
    duration: Option<MediaTime>,
    live: bool,
    rate_milli: u32,
    throughput: Option<u64>,
    streams: Vec<ToldStream<'a>>,
}

#[derive(serde::Serialize)]
struct ToldStream<'a> {
    kind: TrackKind,
    track: &'a str,
    rendition: Option<&'a str>,
    bitrate: u64,
    height: Option<u32>,
    buffered: MediaTime,
    bytes: u64,
}

impl<'a> ToldSnapshot<'a> {
    pub(crate) fn of(snapshot: &'a Snapshot) -> Self {
        let stream = |stream: &'a telecine_engine::StreamSnapshot| ToldStream {
            kind: stream.kind,
            track: &stream.track,
            rendition: stream.rendition.as_deref(),
            bitrate: stream.bitrate,
            height: stream.height,
            buffered: stream.buffered,
            bytes: stream.bytes,
        };
        Self {
            state: snapshot.state,
            position: snapshot.position,
            duration: snapshot.duration,
            live: snapshot.live,
            rate_milli: snapshot.rate_milli,
            throughput: snapshot.throughput,
            streams: snapshot.streams.iter().map(stream).collect(),
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
        let open = self.open(Shape::List);
        for byte in value {
            shape(open.out, Shape::Number).f64((*byte).into());
        }
        open.close()
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

    /// No event has one.
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
    use telecine_engine::State;
    use telecine_model::ErrorCode;

    /// A value as it is read, written short.
    fn read(bytes: &mut &[u8]) -> String {
        fn take<'a>(bytes: &mut &'a [u8], count: usize) -> &'a [u8] {
            let (head, rest) = bytes.split_at(count);
            *bytes = rest;
            head
        }
        fn text(bytes: &mut &[u8]) -> String {
            let length = u32::from_le_bytes(take(bytes, 4).try_into().expect("a length"));
            String::from_utf8(take(bytes, length as usize).to_vec()).expect("UTF-8")
        }
        let until_end = |bytes: &mut &[u8], item: &dyn Fn(&mut &[u8]) -> String| {
            let mut items = Vec::new();
            while bytes[0] != Shape::End as u8 {
                items.push(item(bytes));
            }
            take(bytes, 1);
            items.join(",")
        };
        match take(bytes, 1)[0] {
            0 => "null".to_owned(),
            1 => "false".to_owned(),
            2 => "true".to_owned(),
            3 => f64::from_le_bytes(take(bytes, 8).try_into().expect("a number")).to_string(),
            4 => format!("'{}'", text(bytes)),
            5 => format!("[{}]", until_end(bytes, &|bytes| read(bytes))),
            6 => {
                let mut items = Vec::new();
                while take(bytes, 1)[0] != Shape::End as u8 {
                    items.push(format!("{}:{}", text(bytes), read(bytes)));
                }
                format!("{{{}}}", items.join(","))
            }
            other => panic!("no shape: {other}"),
        }
    }

    fn told(event_told: &Event) -> String {
        let mut out = Writer::default();
        event(&mut out, event_told);
        let mut bytes = &out.bytes()[1..];
        let value = read(&mut bytes);
        assert!(bytes.is_empty(), "{bytes:?} is left");
        value
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
        let begin = "{type:'Error',at:0,error:{code:2001,name:'NotAManifest',domain:'manifest',blame:'content',fatal:true,message:'it is HTML'";
        assert!(value.starts_with(begin), "{value}");
        assert!(value.ends_with("facts:{url:'http://a/'}}}"), "{value}");
    }
}
