//! The little of Protocol Buffers' wire format that key systems use.

use telecine_model::{Error, ErrorCode, Place};

/// Groups inside groups that are stepped over.
const NESTED_GROUPS: usize = 8;

/// A field's value as the wire has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    /// Of 32 or 64 bits: none of ours, stepped over.
    Fixed,
    /// A group: stepped over.
    Group,
}

/// Reads one message field by field.
pub(super) struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next field's number and value; None behind the last.
    pub(super) fn next(&mut self) -> Result<Option<(u32, Value<'a>)>, Error> {
        if self.at >= self.bytes.len() {
            return Ok(None);
        }
        let (number, kind) = self.tag()?;
        let value = match kind {
            3 => {
                self.group(number)?;
                Value::Group
            }
            _ => self.value(kind)?,
        };
        Ok(Some((number, value)))
    }

    fn tag(&mut self) -> Result<(u32, u8), Error> {
        let tag = self.varint()?;
        // 29 bits of number, 3 of type.
        match u32::try_from(tag) {
            Ok(tag) if tag >= 8 => Ok((tag >> 3, (tag & 7) as u8)),
            _ => Err(self.invalid("a field without a valid number")),
        }
    }

    fn value(&mut self, kind: u8) -> Result<Value<'a>, Error> {
        match kind {
            0 => self.varint().map(Value::Varint),
            1 => self.take(8).map(|_| Value::Fixed),
            2 => {
                let length = self.varint()?;
                let length = usize::try_from(length).map_err(|_| self.invalid("a field longer than the message"))?;
                self.take(length).map(Value::Bytes)
            }
            5 => self.take(4).map(|_| Value::Fixed),
            _ => Err(self.invalid("a field of an unknown wire type")),
        }
    }

    /// Steps over a group up to its end; groups nest.
    fn group(&mut self, number: u32) -> Result<(), Error> {
        let mut open = vec![number];
        while let Some(innermost) = open.last().copied() {
            let (number, kind) = self.tag()?;
            match kind {
                3 if open.len() >= NESTED_GROUPS => return Err(self.invalid("groups nested too deep")),
                3 => open.push(number),
                4 if number == innermost => {
                    open.pop();
                }
                4 => return Err(self.invalid("the end of another group")),
                other => {
                    self.value(other)?;
                }
            }
        }
        Ok(())
    }

    fn varint(&mut self) -> Result<u64, Error> {
        let mut value = 0_u64;
        for shift in (0..70).step_by(7) {
            let Some(byte) = self.bytes.get(self.at).copied() else {
                return Err(self.invalid("the message ends inside a number"));
            };
            self.at += 1;
            // Of the tenth byte only one bit has room; the rest is dropped, as all readers do.
            value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(self.invalid("a number of more than ten bytes"))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Error> {
        let end = self.at.checked_add(length);
        let Some(taken) = end.and_then(|end| self.bytes.get(self.at..end)) else {
            return Err(self.invalid("a field longer than the message"));
        };
        self.at += length;
        Ok(taken)
    }

    fn invalid(&self, message: &str) -> Error {
        Error::new(ErrorCode::InitDataInvalid, message.to_owned()).at(Place::Byte(self.at as u64))
    }
}

/// Appends a field of bytes.
pub(super) fn put_bytes(out: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    put(out, u64::from(number) << 3 | 2);
    put(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Appends a field that is a number.
pub(super) fn put_varint(out: &mut Vec<u8>, number: u32, value: u64) {
    put(out, u64::from(number) << 3);
    put(out, value);
}

fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> Result<Vec<(u32, Value<'_>)>, Error> {
        let mut fields = Fields::new(bytes);
        let mut out = Vec::new();
        while let Some(field) = fields.next()? {
            out.push(field);
        }
        Ok(out)
    }

    /// The two messages of the encoding guide of Protocol Buffers.
    #[test]
    fn the_published_examples_are_read_and_written() {
        assert_eq!(all(&[0x08, 0x96, 0x01]).expect("a message"), [(1, Value::Varint(150))]);
        let testing = b"\x12\x07testing";
        assert_eq!(all(testing).expect("a message"), [(2, Value::Bytes(b"testing"))]);
        let mut out = Vec::new();
        put_varint(&mut out, 1, 150);
        put_bytes(&mut out, 2, b"testing");
        assert_eq!(out, [&[0x08, 0x96, 0x01][..], testing].concat());
    }

    #[test]
    fn fields_of_other_types_are_stepped_over() {
        // fixed64, fixed32, a group with a group in it, then a number.
        let mut bytes = vec![0x09, 1, 2, 3, 4, 5, 6, 7, 8, 0x15, 1, 2, 3, 4, 0x1b, 0x23, 0x08, 5, 0x24, 0x1c];
        put_varint(&mut bytes, 5, u64::MAX);
        let found = all(&bytes).expect("a message");
        assert_eq!(found, [(1, Value::Fixed), (2, Value::Fixed), (3, Value::Group), (5, Value::Varint(u64::MAX))]);
    }

    #[test]
    fn damaged_messages_are_errors_with_a_place() {
        let deep = [0x1b; 100];
        for bytes in [
            &[0x08][..],
            &[0x00, 1],
            &[0x12, 5, 1],
            &[0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
            &[0x0f],
            &[0x1b, 0x24],
            &[0x1b],
            &[0xff; 11],
            &deep,
        ] {
            let error = all(bytes).expect_err("damaged");
            assert_eq!(error.code(), ErrorCode::InitDataInvalid);
            assert!(error.place().is_some(), "{error}");
        }
    }
}
