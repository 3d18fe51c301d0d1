//! The records that a turn leaves in the outbox: a tag of one byte, then its fields one behind the other, little-endian,
//! without padding. `schema` lists them.

use crate::schema::Tag;

/// Writes records.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// With room for so many bytes: up to there nothing is written twice, so that nothing is left behind.
    pub(crate) fn with_room(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes) }
    }

    /// All that was written, and nothing else.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Forgets what was written.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Forgets all but so many bytes.
    pub(crate) fn truncate(&mut self, length: usize) {
        self.bytes.truncate(length);
    }

    /// All that was written.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Begins a record.
    pub(crate) fn tag(&mut self, tag: Tag) -> &mut Self {
        self.u8(tag as u8)
    }

    pub(crate) fn u8(&mut self, value: u8) -> &mut Self {
        self.bytes.push(value);
        self
    }

    pub(crate) fn u32(&mut self, value: u32) -> &mut Self {
        self.bytes.extend_from_slice(&value.to_le_bytes());
        self
    }

    pub(crate) fn f64(&mut self, value: f64) -> &mut Self {
        self.bytes.extend_from_slice(&value.to_le_bytes());
        self
    }

    /// Its length in bytes, then UTF-8.
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.blob(text.as_bytes())
    }

    /// The length of bytes, then they themselves.
    pub(crate) fn blob(&mut self, bytes: &[u8]) -> &mut Self {
        self.u32(length(bytes.len()));
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// Where bytes lie in the module's memory. What lies side by side is one span.
    pub(crate) fn spans<'a>(&mut self, pieces: impl IntoIterator<Item = &'a [u8]>) -> &mut Self {
        let mut spans: Vec<(usize, usize)> = Vec::new();
        for piece in pieces.into_iter().filter(|piece| !piece.is_empty()) {
            let start = piece.as_ptr().addr();
            match spans.last_mut() {
                Some((from, long)) if *from + *long == start => *long += piece.len(),
                _ => spans.push((start, piece.len())),
            }
        }
        self.u32(length(spans.len()));
        for (start, long) in spans {
            self.u32(address(start)).u32(length(long));
        }
        self
    }
}

/// Addresses of WebAssembly have 32 bits. Natively, where tests run, the upper ones are lost and nobody reads them.
#[allow(clippy::cast_possible_truncation)]
pub(crate) fn address(of: usize) -> u32 {
    of as u32
}

/// Nothing in a memory of 32 bits is longer.
fn length(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_little_endian_and_texts_have_their_length_before_them() {
        let mut writer = Writer::default();
        writer.tag(Tag::Cancel).u32(0x0102_0304).text("ä");
        assert_eq!(writer.bytes(), [Tag::Cancel as u8, 4, 3, 2, 1, 2, 0, 0, 0, 0xc3, 0xa4]);
    }

    #[test]
    fn pieces_that_touch_are_one_span() {
        let bytes = [0u8; 16];
        let mut writer = Writer::default();
        writer.spans([&bytes[0..4], &bytes[4..4], &bytes[4..10], &bytes[12..16]]);
        let word = |at: usize| u32::from_le_bytes(writer.bytes()[at..at + 4].try_into().expect("four bytes"));
        assert_eq!((word(0), word(8), word(16)), (2, 10, 4));
        assert_eq!(word(12).wrapping_sub(word(4)), 12);
    }
}
