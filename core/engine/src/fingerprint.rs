//! The hash that two runs of a session are compared by.
//!
//! Taken over what was decided, not over how it was said: messages, places in a text and facts of
//! errors quote manifests, and a recording holds those without their secrets. For the same reason
//! every text is hashed as it reads after redaction, so that the live session and its replay hash
//! alike. Values go in with their lengths, so that no two actions run into each other.

use std::fmt::Display;

use serde::ser::{self, Serialize};
use telecine_model::hash::Fnv1a;
use telecine_model::uri;

use crate::secrets::Secrets;

/// What quotes inputs or is said for people only.
const WORDS: [&str; 5] = ["message", "place", "where", "facts", "warnings"];

/// Adds a value to a hash.
pub(crate) fn add(hash: &mut Fnv1a, value: &impl Serialize, secrets: &Secrets) {
    // No value of an action fails to serialise: only maps and sequences of the host's making could.
    if value.serialize(Fingerprint { hash, secrets }).is_err() {
        hash.update(b"!");
    }
}

struct Fingerprint<'a> {
    hash: &'a mut Fnv1a,
    secrets: &'a Secrets,
}

impl Fingerprint<'_> {
    fn again(&mut self) -> Fingerprint<'_> {
        Fingerprint { hash: self.hash, secrets: self.secrets }
    }

    fn variant(&mut self, index: u32) {
        self.hash.update(&index.to_le_bytes());
    }
}

/// Serialising into a hash fails only if a value says that it cannot be serialised.
#[derive(Debug)]
struct Refused;

impl Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the value refuses to be serialised")
    }
}

impl std::error::Error for Refused {}

impl ser::Error for Refused {
    fn custom<T: Display>(_: T) -> Self {
        Self
    }
}

type Done = Result<(), Refused>;

macro_rules! integers {
    ($($name:ident: $type:ty),*) => {
        $(fn $name(self, value: $type) -> Done {
            self.hash.update(&value.to_le_bytes());
            Ok(())
        })*
    };
}

impl<'a> ser::Serializer for Fingerprint<'a> {
    type Ok = ();
    type Error = Refused;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    integers!(serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
        serialize_f32: f32, serialize_f64: f64);

    fn serialize_bool(self, value: bool) -> Done {
        self.serialize_u8(u8::from(value))
    }

    fn serialize_char(self, value: char) -> Done {
        self.serialize_u32(u32::from(value))
    }

    fn serialize_str(self, value: &str) -> Done {
        // Names and codecs may hold what a variable says too; only in URLs is it a secret.
        let value = if value.contains('/') { self.secrets.hide(value) } else { value.into() };
        let value = uri::redact(&value);
        // What a query is made of, templates put together; a recording has only digests of the parts.
        let value = value.split_once('?').map_or(&*value, |(path, _)| path);
        self.hash.update(&(value.len() as u64).to_le_bytes());
        self.hash.update(value.as_bytes());
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Done {
        self.hash.update(&(value.len() as u64).to_le_bytes());
        self.hash.update(value);
        Ok(())
    }

    fn serialize_none(self) -> Done {
        self.serialize_u8(0)
    }

    fn serialize_some<T: Serialize + ?Sized>(mut self, value: &T) -> Done {
        self.again().serialize_u8(1)?;
        value.serialize(self)
    }

    fn serialize_unit(self) -> Done {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Done {
        Ok(())
    }

    fn serialize_unit_variant(mut self, _: &'static str, index: u32, _: &'static str) -> Done {
        self.variant(index);
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Done {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        _: &'static str,
        index: u32,
        _: &'static str,
        value: &T,
    ) -> Done {
        self.variant(index);
        value.serialize(self)
    }

    fn serialize_seq(mut self, len: Option<usize>) -> Result<Self, Refused> {
        self.again().serialize_u64(len.map_or(u64::MAX, |len| len as u64))?;
        Ok(self)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self, Refused> {
        Ok(self)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, Refused> {
        Ok(self)
    }

    fn serialize_tuple_variant(
        mut self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, Refused> {
        self.variant(index);
        Ok(self)
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Self, Refused> {
        self.serialize_seq(len)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Refused> {
        Ok(self)
    }

    fn serialize_struct_variant(
        mut self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, Refused> {
        self.variant(index);
        Ok(self)
    }
}

macro_rules! elements {
    ($($trait:ident::$name:ident),*) => {
        $(impl ser::$trait for Fingerprint<'_> {
            type Ok = ();
            type Error = Refused;

            fn $name<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
                value.serialize(self.again())
            }

            fn end(self) -> Done {
                Ok(())
            }
        })*
    };
}

elements!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);

impl ser::SerializeMap for Fingerprint<'_> {
    type Ok = ();
    type Error = Refused;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Done {
        key.serialize(self.again())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        value.serialize(self.again())
    }

    fn end(self) -> Done {
        Ok(())
    }
}

macro_rules! fields {
    ($($trait:ident),*) => {
        $(impl ser::$trait for Fingerprint<'_> {
            type Ok = ();
            type Error = Refused;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Done {
                if WORDS.contains(&name) {
                    return Ok(());
                }
                value.serialize(self.again())
            }

            fn end(self) -> Done {
                Ok(())
            }
        })*
    };
}

fields!(SerializeStruct, SerializeStructVariant);

#[cfg(test)]
mod tests {
    use telecine_model::{Error, ErrorCode, Place, Timestamp};

    use super::*;
    use crate::action::{Action, SinkCommand};
    use crate::event::Event;

    fn of(action: &Action) -> u64 {
        let mut hash = Fnv1a::default();
        add(&mut hash, action, &Secrets::default());
        hash.finish()
    }

    fn error(error: Error) -> Action {
        Action::Emit(Box::new(Event::Error { at: Timestamp::ZERO, error }))
    }

    #[test]
    fn words_do_not_count_and_codes_do() {
        let one = Error::new(ErrorCode::ManifestSyntax, "one").at(Place::Line(1)).fact("byte", 7);
        let two = Error::new(ErrorCode::ManifestSyntax, "two").at(Place::Line(2));
        let other = Error::new(ErrorCode::ManifestLimit, "one").at(Place::Line(1));
        assert_eq!(of(&error(one.clone())), of(&error(two)));
        assert_ne!(of(&error(one)), of(&error(other)));
    }

    #[test]
    fn commands_and_their_values_count() {
        let actions = [SinkCommand::Play, SinkCommand::Pause, SinkCommand::SetRate(1), SinkCommand::SetRate(2)];
        let mut hashes: Vec<u64> = actions.into_iter().map(|command| of(&Action::Sink(command))).collect();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), 4);
    }
}
