//! Values of any type that serde can read, made up: of each enumeration every variant comes, of each option both.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, IntoDeserializer, Visitor};
use telecine_engine::telemetry::QoeState;

use crate::answers::Spent;

/// A name, a language, a key's identifier and a key system's: whatever texts are read as.
const TEXT: &str = "00112233-4455-6677-8899-aabbccddeeff";
const SECOND: i64 = 705_600_000;

thread_local! {
    /// Of each enumeration how often it came, and a source of chance.
    static STATE: RefCell<(BTreeMap<&'static str, u32>, u32)> = const { RefCell::new((BTreeMap::new(), 1)) };
}

/// The next value of a type.
pub(crate) fn next<T: Deserialize<'static>>() -> T {
    T::deserialize(Dream).expect("anything can be made up")
}

fn variant(name: &'static str, of: usize) -> u32 {
    STATE.with_borrow_mut(|(counts, _)| {
        let count = counts.entry(name).or_default();
        *count += 1;
        (*count - 1) % u32::try_from(of).expect("few variants")
    })
}

fn coin() -> bool {
    STATE.with_borrow_mut(|(_, chance)| {
        *chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *chance >> 31 == 1
    })
}

/// What is borrowed lasts as long as the tests.
pub(crate) fn leaked<'de, 'a, T: Deserialize<'de> + 'a, D: Deserializer<'de>>(from: D) -> Result<&'a T, D::Error> {
    Ok(Box::leak(Box::new(T::deserialize(from)?)))
}

/// All of them.
const STATES: [QoeState; 8] = [
    QoeState::Idle,
    QoeState::Joining,
    QoeState::Playing,
    QoeState::Paused,
    QoeState::Seeking,
    QoeState::Rebuffering,
    QoeState::Ended,
    QoeState::Failed,
];

pub(crate) fn qoe_state<'de, D: Deserializer<'de>>(from: D) -> Result<QoeState, D::Error> {
    bool::deserialize(from)?;
    Ok(STATES[variant("QoeState", STATES.len()) as usize])
}

impl<'de> Deserialize<'de> for Spent<'_> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        bool::deserialize(from)?;
        let spent = STATES.into_iter().map(|state| (state, Duration::from_millis(1500)));
        Ok(Self(Box::leak(Box::new(spent.collect()))))
    }
}

#[derive(Debug)]
pub(crate) struct Undreamt(String);

impl std::fmt::Display for Undreamt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Undreamt {}

impl de::Error for Undreamt {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

#[derive(Clone, Copy)]
struct Dream;

macro_rules! numbers {
    ($($read:ident $visit:ident $value:expr;)*) => { $(
        fn $read<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Undreamt> {
            visitor.$visit($value)
        }
    )* };
}

impl Deserializer<'static> for Dream {
    type Error = Undreamt;

    numbers! {
        deserialize_bool visit_bool coin();
        deserialize_i8 visit_i8 7;
        deserialize_i16 visit_i16 7;
        deserialize_i32 visit_i32 7;
        deserialize_i64 visit_i64 SECOND;
        deserialize_u8 visit_u8 7;
        deserialize_u16 visit_u16 7;
        deserialize_u32 visit_u32 7;
        deserialize_u64 visit_u64 7;
        deserialize_f32 visit_f32 50.0;
        deserialize_f64 visit_f64 50.0;
        deserialize_str visit_borrowed_str TEXT;
        deserialize_string visit_borrowed_str TEXT;
        deserialize_bytes visit_borrowed_bytes b"\x01\x02";
        deserialize_byte_buf visit_borrowed_bytes b"\x01\x02";
    }

    fn deserialize_any<V: Visitor<'static>>(self, _: V) -> Result<V::Value, Undreamt> {
        Err(de::Error::custom("of what type?"))
    }

    fn deserialize_char<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Undreamt> {
        visitor.visit_char('x')
    }

    fn deserialize_option<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Undreamt> {
        if coin() {
            visitor.visit_some(self)
        } else {
            visitor.visit_none()
        }
    }

    fn deserialize_unit<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Undreamt> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'static>>(self, _: &'static str, visitor: V) -> Result<V::Value, Undreamt> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'static>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Undreamt> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Undreamt> {
        visitor.visit_seq(Items(1))
    }

    fn deserialize_tuple<V: Visitor<'static>>(self, length: usize, visitor: V) -> Result<V::Value, Undreamt> {
        visitor.visit_seq(Items(length))
    }

    fn deserialize_tuple_struct<V: Visitor<'static>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Undreamt> {
        visitor.visit_seq(Items(length))
    }

    fn deserialize_map<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Undreamt> {
        visitor.visit_map(Items(1))
    }

    fn deserialize_struct<V: Visitor<'static>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Undreamt> {
        visitor.visit_seq(Items(fields.len()))
    }

    fn deserialize_enum<V: Visitor<'static>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Undreamt> {
        visitor.visit_enum(Variant(variant(name, variants.len())))
    }

    fn deserialize_identifier<V: Visitor<'static>>(self, _: V) -> Result<V::Value, Undreamt> {
        Err(de::Error::custom("fields come in their order"))
    }

    fn deserialize_ignored_any<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Undreamt> {
        visitor.visit_unit()
    }
}

/// So many items.
struct Items(usize);

impl de::SeqAccess<'static> for Items {
    type Error = Undreamt;

    fn next_element_seed<T: DeserializeSeed<'static>>(&mut self, seed: T) -> Result<Option<T::Value>, Undreamt> {
        if self.0 == 0 {
            return Ok(None);
        }
        self.0 -= 1;
        seed.deserialize(Dream).map(Some)
    }
}

impl de::MapAccess<'static> for Items {
    type Error = Undreamt;

    fn next_key_seed<K: DeserializeSeed<'static>>(&mut self, seed: K) -> Result<Option<K::Value>, Undreamt> {
        de::SeqAccess::next_element_seed(self, seed)
    }

    fn next_value_seed<V: DeserializeSeed<'static>>(&mut self, seed: V) -> Result<V::Value, Undreamt> {
        seed.deserialize(Dream)
    }
}

/// A variant by its place.
struct Variant(u32);

impl de::EnumAccess<'static> for Variant {
    type Error = Undreamt;
    type Variant = Dream;

    fn variant_seed<V: DeserializeSeed<'static>>(self, seed: V) -> Result<(V::Value, Dream), Undreamt> {
        Ok((seed.deserialize(self.0.into_deserializer())?, Dream))
    }
}

impl de::VariantAccess<'static> for Dream {
    type Error = Undreamt;

    fn unit_variant(self) -> Result<(), Undreamt> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'static>>(self, seed: T) -> Result<T::Value, Undreamt> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'static>>(self, length: usize, visitor: V) -> Result<V::Value, Undreamt> {
        visitor.visit_seq(Items(length))
    }

    fn struct_variant<V: Visitor<'static>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Undreamt> {
        visitor.visit_seq(Items(fields.len()))
    }
}
