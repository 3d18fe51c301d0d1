//! Values as a page reads them from the outbox.

use crate::schema::Shape;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Flag(bool),
    Number(f64),
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<Value>),
    /// Fields in their order.
    Map(Vec<(String, Value)>),
}

impl Value {
    /// What is under a name, of a map.
    pub(crate) fn field(&self, name: &str) -> Option<&Self> {
        let Self::Map(fields) = self else { return None };
        fields.iter().find_map(|(own, value)| (own == name).then_some(value))
    }
}

/// Reads a value that is all there is.
pub(crate) fn read(mut bytes: &[u8]) -> Value {
    let value = value(&mut bytes);
    assert!(bytes.is_empty(), "{bytes:?} is left behind {value:?}");
    value
}

fn take<'a>(bytes: &mut &'a [u8], count: usize) -> &'a [u8] {
    let (head, rest) = bytes.split_at(count);
    *bytes = rest;
    head
}

fn blob<'a>(bytes: &mut &'a [u8]) -> &'a [u8] {
    let length = u32::from_le_bytes(take(bytes, 4).try_into().expect("a length"));
    take(bytes, length as usize)
}

fn text(bytes: &mut &[u8]) -> String {
    String::from_utf8(blob(bytes).to_vec()).expect("UTF-8")
}

fn value(bytes: &mut &[u8]) -> Value {
    let tag = take(bytes, 1)[0];
    let shape = Shape::ALL.into_iter().find(|shape| *shape as u8 == tag).expect("a shape");
    match shape {
        Shape::Null => Value::Null,
        Shape::False | Shape::True => Value::Flag(shape == Shape::True),
        Shape::Number => Value::Number(f64::from_le_bytes(take(bytes, 8).try_into().expect("a number"))),
        Shape::Text => Value::Text(text(bytes)),
        Shape::Bytes => Value::Bytes(blob(bytes).to_vec()),
        Shape::List => {
            let mut items = Vec::new();
            while bytes[0] != Shape::End as u8 {
                items.push(value(bytes));
            }
            take(bytes, 1);
            Value::List(items)
        }
        Shape::Map => {
            let mut fields = Vec::new();
            // A name is a text.
            while take(bytes, 1)[0] == Shape::Text as u8 {
                let name = text(bytes);
                fields.push((name, value(bytes)));
            }
            Value::Map(fields)
        }
        Shape::End => panic!("an end without a beginning"),
    }
}

impl std::fmt::Display for Value {
    /// Written short, for tests to read.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Flag(flag) => flag.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => write!(f, "'{text}'"),
            Self::Bytes(bytes) => write!(f, "{bytes:?}"),
            Self::List(items) => {
                let items: Vec<_> = items.iter().map(ToString::to_string).collect();
                write!(f, "[{}]", items.join(","))
            }
            Self::Map(fields) => {
                let fields: Vec<_> = fields.iter().map(|(name, value)| format!("{name}:{value}")).collect();
                write!(f, "{{{}}}", fields.join(","))
            }
        }
    }
}
