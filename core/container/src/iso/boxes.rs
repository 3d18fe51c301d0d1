//! Boxes: headers, trees and fields (ISO/IEC 14496-12, 4.2), with the place of everything.

use bytes::Bytes;
use telecine_model::{Error, ErrorCode, Place};

/// The type of a box, a brand or a scheme: four bytes, usually printable.
pub type FourCc = [u8; 4];

/// A type as people read it; bytes that cannot be printed are escaped.
pub(crate) fn fourcc_name(kind: FourCc) -> String {
    kind.escape_ascii().to_string()
}

/// How far a box reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Bytes, header included.
    Bytes(u64),
    /// To the end of the resource (size 0).
    ToEnd,
}

/// The first bytes of a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: FourCc,
    /// Bytes of the header itself.
    pub(crate) length: u64,
    pub(crate) extent: Extent,
}

impl Header {
    /// The longest header: size, type and a 64-bit size.
    pub(crate) const MAX: usize = 16;

    /// Reads a header from the first bytes of a box. `Ok(None)`: more bytes are needed.
    /// `Err` holds the type and what is wrong with the size.
    pub(crate) fn read(bytes: &[u8]) -> Result<Option<Self>, (FourCc, String)> {
        let (Some(size), Some(kind)) = (bytes.first_chunk(), bytes.get(4..).and_then(<[u8]>::first_chunk)) else {
            return Ok(None);
        };
        let kind = *kind;
        let (length, extent) = match u32::from_be_bytes(*size) {
            0 => (8, Extent::ToEnd),
            1 => match bytes.get(8..).and_then(<[u8]>::first_chunk) {
                None => return Ok(None),
                Some(large) => (16, Extent::Bytes(u64::from_be_bytes(*large))),
            },
            size => (8, Extent::Bytes(u64::from(size))),
        };
        match extent {
            Extent::Bytes(size) if size < length => {
                Err((kind, format!("a box size of {size} is smaller than the box's own header")))
            }
            // Beyond any file; keeping sizes below 2^63 keeps offsets in range.
            Extent::Bytes(size) if size > i64::MAX as u64 => {
                Err((kind, format!("a box size of {size} is beyond any resource")))
            }
            _ => Ok(Some(Self { kind, length, extent })),
        }
    }
}

/// One box inside a buffer that holds it completely.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BoxView<'a> {
    root: &'a Bytes,
    /// Offset in the resource of the buffer's first byte.
    base: u64,
    kind: FourCc,
    /// First byte of the box, first byte behind its header, first byte behind it: all in `root`.
    start: usize,
    body: usize,
    end: usize,
    parent: Option<&'a BoxView<'a>>,
}

impl<'a> BoxView<'a> {
    /// The box that fills `root` and starts at `offset` of the resource.
    pub(crate) fn whole(root: &'a Bytes, header: Header, offset: u64) -> Self {
        Self {
            root,
            base: offset,
            kind: header.kind,
            start: 0,
            body: usize::try_from(header.length).unwrap_or(usize::MAX).min(root.len()),
            end: root.len(),
            parent: None,
        }
    }

    pub(crate) fn kind(&self) -> FourCc {
        self.kind
    }

    /// Offset of the box in the resource.
    pub(crate) fn offset(&self) -> u64 {
        self.base.saturating_add(self.start as u64)
    }

    /// Offset in the resource behind the box.
    pub(crate) fn end_offset(&self) -> u64 {
        self.base.saturating_add(self.end as u64)
    }

    /// The whole box, header included, without a copy.
    pub(crate) fn bytes(&self) -> Bytes {
        self.root.slice(self.start..self.end)
    }

    /// Path of types from the outermost box, and offset.
    pub(crate) fn place(&self) -> Place {
        let mut kinds = vec![fourcc_name(self.kind)];
        let mut parent = self.parent;
        while let Some(view) = parent {
            kinds.push(fourcc_name(view.kind));
            parent = view.parent;
        }
        kinds.reverse();
        Place::Box { path: kinds.join("/"), offset: self.offset() }
    }

    /// An error about this box.
    pub(crate) fn error(&self, code: ErrorCode, message: impl Into<String>) -> Error {
        Error::new(code, message).at(self.place())
    }

    /// An error about a box that breaks the syntax.
    pub(crate) fn syntax(&self, message: impl Into<String>) -> Error {
        self.error(ErrorCode::ContainerSyntax, message)
    }

    /// The boxes inside.
    pub(crate) fn children(&'a self) -> Children<'a> {
        Children { parent: self, at: self.body }
    }

    /// The first box of a type inside.
    pub(crate) fn child(&'a self, kind: &FourCc) -> Result<Option<BoxView<'a>>, Error> {
        for child in self.children() {
            let child = child?;
            if child.kind == *kind {
                return Ok(Some(child));
            }
        }
        Ok(None)
    }

    /// The first box of a type inside, which the specification makes mandatory.
    pub(crate) fn require(&'a self, kind: &FourCc) -> Result<BoxView<'a>, Error> {
        self.child(kind)?
            .ok_or_else(|| self.syntax(format!("{} has no {} box", fourcc_name(self.kind), fourcc_name(*kind))))
    }

    /// The fields behind the header.
    pub(crate) fn fields(&'a self) -> Fields<'a> {
        Fields { view: self, at: self.body }
    }
}

/// Iterates over the boxes inside a box. After an error it ends.
#[derive(Debug)]
pub(crate) struct Children<'a> {
    parent: &'a BoxView<'a>,
    at: usize,
}

impl<'a> Children<'a> {
    fn next_box(&mut self) -> Result<Option<BoxView<'a>>, Error> {
        let parent = self.parent;
        let rest = parent.root.get(self.at..parent.end).unwrap_or_default();
        // QuickTime writers end containers with a 32-bit zero.
        if rest.len() < 8 && rest.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let mut child =
            BoxView { start: self.at, body: self.at, end: parent.end, parent: Some(parent), kind: *b"????", ..*parent };
        match Header::read(rest) {
            Err((kind, message)) => {
                child.kind = kind;
                Err(child.syntax(message))
            }
            Ok(None) => Err(parent.syntax(format!("{} bytes behind the last box inside are no box", rest.len()))),
            Ok(Some(header)) => {
                child.kind = header.kind;
                match header.extent {
                    Extent::ToEnd => Err(child.syntax("a size of zero is only for the last box of a resource")),
                    Extent::Bytes(size) if size > rest.len() as u64 => {
                        Err(child.syntax(format!("the box claims {size} bytes, its parent has {} left", rest.len())))
                    }
                    Extent::Bytes(size) => {
                        // Both are at most `rest.len()`.
                        child.body = self.at + header.length as usize;
                        child.end = self.at + size as usize;
                        Ok(Some(child))
                    }
                }
            }
        }
    }
}

impl<'a> Iterator for Children<'a> {
    type Item = Result<BoxView<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next_box().transpose();
        self.at = match &next {
            Some(Ok(child)) => child.end,
            _ => self.parent.end,
        };
        next
    }
}

/// Reads the fields of a box in order; reading past its end is an error with the box's place.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'a> {
    view: &'a BoxView<'a>,
    at: usize,
}

impl<'a> Fields<'a> {
    /// What has not been read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.view.root.get(self.at..self.view.end).unwrap_or_default()
    }

    /// What has not been read yet, as a slice that shares the buffer.
    pub(crate) fn rest_bytes(&self) -> Bytes {
        self.view.root.slice(self.at.min(self.view.end)..self.view.end)
    }

    /// What has not been read yet, as boxes.
    pub(crate) fn boxes(&self) -> Children<'a> {
        Children { parent: self.view, at: self.at }
    }

    pub(crate) fn skip(&mut self, count: usize) -> Result<&'a [u8], Error> {
        match self.rest().get(..count) {
            Some(skipped) => {
                self.at += count;
                Ok(skipped)
            }
            None => Err(self.view.syntax("the box ends within its fields")),
        }
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        match self.rest().first_chunk() {
            Some(array) => {
                self.at += N;
                Ok(*array)
            }
            None => Err(self.view.syntax("the box ends within its fields")),
        }
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Error> {
        self.array().map(u8::from_be_bytes)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Error> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Error> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn i32(&mut self) -> Result<i32, Error> {
        self.array().map(i32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Error> {
        self.array().map(u64::from_be_bytes)
    }

    pub(crate) fn i64(&mut self) -> Result<i64, Error> {
        self.array().map(i64::from_be_bytes)
    }

    /// An integer of 32 bits in version 0 of a box and of 64 in version 1.
    pub(crate) fn u32_or_u64(&mut self, version: u8) -> Result<u64, Error> {
        match version {
            0 => self.u32().map(u64::from),
            _ => self.u64(),
        }
    }

    /// Version and flags of a FullBox.
    pub(crate) fn version_and_flags(&mut self) -> Result<(u8, u32), Error> {
        let word = self.u32()?;
        Ok(((word >> 24) as u8, word & 0x00ff_ffff))
    }

    /// A string that ends with a zero byte. Bytes that are not UTF-8 are replaced.
    pub(crate) fn text(&mut self) -> Result<String, Error> {
        let rest = self.rest();
        match rest.iter().position(|byte| *byte == 0) {
            Some(length) => {
                self.at += length + 1;
                Ok(String::from_utf8_lossy(rest.get(..length).unwrap_or_default()).into_owned())
            }
            None => Err(self.view.syntax("a text has no end")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_has_32_or_64_bits_of_size_or_reaches_to_the_end() {
        let read = |bytes: &[u8]| Header::read(bytes).expect("valid").map(|h| (h.length, h.extent));
        assert_eq!(read(b"\0\0\0\x10free"), Some((8, Extent::Bytes(16))));
        assert_eq!(read(b"\0\0\0\x01mdat\0\0\0\0\0\0\0\x20"), Some((16, Extent::Bytes(32))));
        assert_eq!(read(b"\0\0\0\0mdat"), Some((8, Extent::ToEnd)));
        assert_eq!(read(b"\0\0\0\x10fre"), None);
        assert_eq!(read(b"\0\0\0\x01mdat\0\0\0\0\0\0\0"), None);
    }

    #[test]
    fn a_size_smaller_than_the_header_or_beyond_63_bits_is_refused() {
        for bytes in [
            &b"\0\0\0\x02free"[..],
            b"\0\0\0\x07free",
            b"\0\0\0\x01free\0\0\0\0\0\0\0\x0f",
            b"\0\0\0\x01free\x80\0\0\0\0\0\0\0",
            b"\0\0\0\x01free\xff\xff\xff\xff\xff\xff\xff\xff",
        ] {
            assert!(Header::read(bytes).is_err(), "{bytes:?}");
        }
    }
}
