//! ID3v2 tags (id3.org, "ID3 tag version 2.3.0" and "2.4.0"): timed metadata of HLS.

use std::borrow::Cow;

use bytes::Bytes;

/// One ID3v2 tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Id3Tag {
    /// The whole tag, header included.
    pub data: Bytes,
    /// 3 or 4.
    pub version: u8,
    /// In order of the tag.
    pub frames: Vec<Id3Frame>,
}

/// One frame of a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Id3Frame {
    /// `PRIV`.
    Private {
        /// Who defines what the data means.
        owner: String,
        /// Anything.
        data: Bytes,
    },
    /// `TXXX` and the other text frames.
    Text {
        /// `TXXX`, `TIT2`…
        id: [u8; 4],
        /// What the text is; empty but for `TXXX`.
        description: String,
        /// One, or several in version 4.
        values: Vec<String>,
    },
    /// `WXXX` and the other link frames.
    Link {
        /// `WXXX`, `WCOM`…
        id: [u8; 4],
        /// What the link is; empty but for `WXXX`.
        description: String,
        /// The URL.
        url: String,
    },
    /// `GEOB`.
    Object {
        /// Its MIME type.
        mime: String,
        /// Its file name.
        file_name: String,
        /// What it is.
        description: String,
        /// The object.
        data: Bytes,
    },
    /// Everything else, and frames that are compressed or encrypted.
    Other {
        /// Its four letters.
        id: [u8; 4],
        /// The bytes behind its header.
        data: Bytes,
    },
}

impl Id3Tag {
    /// Reads a tag that `bytes` begin with; None if they begin with none, with one of another version,
    /// or with one that is cut short. Frames behind one that breaks the syntax are left out.
    pub fn parse(bytes: &Bytes) -> Option<Self> {
        let Size::Tag(size) = tag_size(bytes) else { return None };
        let data = bytes.get(..size).map(|_| bytes.slice(..size))?;
        let (version, flags) = (*data.get(3)?, *data.get(5)?);
        let footer = usize::from(version == 4 && flags & FOOTER != 0) * HEADER;
        let body = data.slice(HEADER..size - footer);
        let body = match (version, flags & UNSYNCHRONISED) {
            (3, UNSYNCHRONISED) => synchronise(&body),
            (3 | 4, _) => body,
            _ => return None,
        };
        let start = match (flags & EXTENDED, version) {
            (0, _) => 0,
            // The size counts itself in version 4 only.
            (_, 3) => 4 + u32::from_be_bytes(*body.first_chunk()?) as usize,
            _ => syncsafe(body.first_chunk()?)?,
        };
        let mut frames = Vec::new();
        let mut rest = body.get(start..).map(|_| body.slice(start..))?;
        while let Some((frame, behind)) = frame(&rest, version, flags & UNSYNCHRONISED != 0) {
            frames.push(frame);
            rest = behind;
        }
        Some(Self { data, version, frames })
    }

    /// The data of the first `PRIV` frame of an owner.
    pub fn private(&self, wanted: &str) -> Option<&Bytes> {
        self.frames.iter().find_map(|frame| match frame {
            Id3Frame::Private { owner, data } if owner == wanted => Some(data),
            _ => None,
        })
    }

    /// Where packed audio says its first sample is: ticks of 90 kHz of 33 bits (rfc8216bis, 3.1.3).
    pub(crate) fn transport_timestamp(&self) -> Option<u64> {
        let data = self.private("com.apple.streaming.transportStreamTimestamp")?;
        Some(u64::from_be_bytes(*data.first_chunk()?) & 0x1_ffff_ffff)
    }
}

/// Bytes of the header, and of the footer.
const HEADER: usize = 10;

const UNSYNCHRONISED: u8 = 0x80;
const EXTENDED: u8 = 0x40;
const FOOTER: u8 = 0x10;

/// Whether bytes begin with a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// They do, and it has so many bytes.
    Tag(usize),
    /// They may.
    Short,
    /// They do not.
    No,
}

/// Looks at the first ten bytes.
pub(crate) fn tag_size(bytes: &[u8]) -> Size {
    let marked = bytes.iter().zip(b"ID3").all(|(byte, letter)| byte == letter);
    match bytes {
        _ if !marked => Size::No,
        [_, _, _, version, revision, flags, a, b, c, d, ..] => match syncsafe(&[*a, *b, *c, *d]) {
            Some(size) if *version != 0xff && *revision != 0xff => {
                let footer = usize::from(*version == 4 && flags & FOOTER != 0) * HEADER;
                Size::Tag(HEADER + size + footer)
            }
            _ => Size::No,
        },
        _ => Size::Short,
    }
}

/// Four bytes of seven bits.
fn syncsafe(bytes: &[u8; 4]) -> Option<usize> {
    bytes.iter().try_fold(0, |size, byte| (byte & 0x80 == 0).then_some(size << 7 | usize::from(*byte)))
}

/// Undoes unsynchronisation: a zero behind each 0xFF goes.
fn synchronise(bytes: &Bytes) -> Bytes {
    if memchr::memmem::find(bytes, &[0xff, 0]).is_none() {
        return bytes.clone();
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut escape = false;
    for byte in bytes {
        if !(escape && *byte == 0) {
            out.push(*byte);
        }
        escape = *byte == 0xff;
    }
    out.into()
}

/// The first frame and what is behind it; None for padding, the end and broken syntax.
fn frame(rest: &Bytes, version: u8, unsynchronised: bool) -> Option<(Id3Frame, Bytes)> {
    let id: [u8; 4] = *rest.first_chunk()?;
    if !id.iter().all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit()) {
        return None;
    }
    let size: [u8; 4] = *rest.get(4..)?.first_chunk()?;
    let plain = u32::from_be_bytes(size) as usize;
    // Some writers of version 4 write plain sizes.
    let size = if version == 4 { syncsafe(&size).unwrap_or(plain) } else { plain };
    let flags = *rest.get(9)?;
    let end = HEADER.checked_add(size)?;
    let mut data = rest.get(..end).map(|_| rest.slice(HEADER..end))?;
    let behind = rest.slice(end..);
    let (opaque, prefix) = match version {
        3 => (flags & 0xc0 != 0, usize::from(flags & 0x20 != 0)),
        _ => (flags & 0x0c != 0, usize::from(flags & 0x40 != 0) + 4 * usize::from(flags & 1)),
    };
    if opaque {
        return Some((Id3Frame::Other { id, data }, behind));
    }
    data = data.get(prefix..).map(|_| data.slice(prefix..))?;
    if version == 4 && (unsynchronised || flags & 2 != 0) {
        data = synchronise(&data);
    }
    let read = match &id {
        b"PRIV" => private(&data),
        b"GEOB" => object(&data),
        [b'T', ..] => text(id, &data),
        [b'W', ..] => link(id, &data),
        _ => None,
    };
    Some((read.unwrap_or(Id3Frame::Other { id, data }), behind))
}

fn private(data: &Bytes) -> Option<Id3Frame> {
    let (owner, rest) = string(data, LATIN_1)?;
    Some(Id3Frame::Private { owner, data: rest })
}

fn object(data: &Bytes) -> Option<Id3Frame> {
    let encoding = *data.first()?;
    let (mime, rest) = string(&data.slice(1..), LATIN_1)?;
    let (file_name, rest) = string(&rest, encoding)?;
    let (description, data) = string(&rest, encoding)?;
    Some(Id3Frame::Object { mime, file_name, description, data })
}

fn text(id: [u8; 4], data: &Bytes) -> Option<Id3Frame> {
    let encoding = *data.first()?;
    let mut rest = data.slice(1..);
    let mut description = String::new();
    if &id == b"TXXX" {
        (description, rest) = string(&rest, encoding)?;
    }
    let mut values = Vec::new();
    while !rest.is_empty() {
        let (value, behind) = string_or_rest(&rest, encoding);
        values.push(value);
        rest = behind;
    }
    Some(Id3Frame::Text { id, description, values })
}

fn link(id: [u8; 4], data: &Bytes) -> Option<Id3Frame> {
    let mut description = String::new();
    let mut rest = data.clone();
    if &id == b"WXXX" {
        let encoding = *data.first()?;
        (description, rest) = string(&data.slice(1..), encoding)?;
    }
    let (url, _) = string_or_rest(&rest, LATIN_1);
    Some(Id3Frame::Link { id, description, url })
}

const LATIN_1: u8 = 0;
const UTF_16: u8 = 1;
const UTF_16_BE: u8 = 2;

/// A string with its end mark, and what is behind it.
fn string(data: &Bytes, encoding: u8) -> Option<(String, Bytes)> {
    let (length, mark) = match encoding {
        UTF_16 | UTF_16_BE => (data.chunks_exact(2).position(|unit| unit == [0, 0])? * 2, 2),
        _ => (memchr::memchr(0, data)?, 1),
    };
    Some((decode(data.get(..length)?, encoding), data.slice(length + mark..)))
}

/// The same; without an end mark it reaches to the end.
fn string_or_rest(data: &Bytes, encoding: u8) -> (String, Bytes) {
    string(data, encoding).unwrap_or_else(|| (decode(data, encoding), Bytes::new()))
}

fn decode(bytes: &[u8], encoding: u8) -> String {
    let utf_16 = |bytes: &[u8], little: bool| {
        let units: Vec<u16> = bytes
            .as_chunks()
            .0
            .iter()
            .map(|unit| if little { u16::from_le_bytes(*unit) } else { u16::from_be_bytes(*unit) })
            .collect();
        String::from_utf16_lossy(&units)
    };
    match (encoding, bytes) {
        (LATIN_1, _) => bytes.iter().map(|byte| char::from(*byte)).collect(),
        (UTF_16 | UTF_16_BE, [0xff, 0xfe, rest @ ..]) => utf_16(rest, true),
        (UTF_16 | UTF_16_BE, [0xfe, 0xff, rest @ ..]) => utf_16(rest, false),
        (UTF_16 | UTF_16_BE, _) => utf_16(bytes, false),
        _ => Cow::into_owned(String::from_utf8_lossy(bytes)),
    }
}

/// Every tag of a run of tags.
pub(crate) fn tags(bytes: &Bytes) -> Vec<Id3Tag> {
    let mut rest = bytes.clone();
    let mut found = Vec::new();
    while let Some(tag) = Id3Tag::parse(&rest) {
        rest = rest.slice(tag.data.len()..);
        found.push(tag);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn safe(size: usize) -> [u8; 4] {
        [21, 14, 7, 0].map(|shift| (size >> shift & 0x7f) as u8)
    }

    fn tag(version: u8, flags: u8, frames: &[u8]) -> Bytes {
        [b"ID3", &[version, 0, flags][..], &safe(frames.len()), frames].concat().into()
    }

    fn frame(version: u8, id: &[u8; 4], flags: u8, data: &[u8]) -> Vec<u8> {
        let size = if version == 4 { safe(data.len()) } else { (data.len() as u32).to_be_bytes() };
        [&id[..], &size, &[0, flags], data].concat()
    }

    #[test]
    fn frames_of_both_versions_are_read() {
        for version in [3, 4] {
            let frames = [
                frame(version, b"PRIV", 0, b"com.apple.streaming.transportStreamTimestamp\0\0\0\0\x01\0\0\0\x05"),
                frame(version, b"TXXX", 0, &[&[3][..], "caf\u{e9}\0ol\u{e9}".as_bytes()].concat()),
                frame(version, b"TIT2", 0, b"\x01\xff\xfeA\0\xe9\0"),
                frame(version, b"WXXX", 0, b"\0here\0https://example.com/\xe9"),
                frame(version, b"WCOM", 0, b"https://example.com/\0rest"),
                frame(version, b"GEOB", 0, b"\x02text/x\0\0a\0\0\0b\0\0\x01\x02\x03"),
                frame(version, b"APIC", 0, &[7; 300]),
            ];
            let bytes = tag(version, 0, &[&frames.concat()[..], &[0; 20]].concat());
            let tag = Id3Tag::parse(&bytes).expect("valid");
            assert_eq!((tag.version, &tag.data), (version, &bytes));
            assert_eq!(tag.transport_timestamp(), Some(0x1_0000_0005));
            let text = |id: &[u8; 4], description: &str, value: &str| Id3Frame::Text {
                id: *id,
                description: description.to_owned(),
                values: vec![value.to_owned()],
            };
            let link = |id: &[u8; 4], description: &str, url: &str| Id3Frame::Link {
                id: *id,
                description: description.to_owned(),
                url: url.to_owned(),
            };
            assert_eq!(
                tag.frames[1..],
                [
                    text(b"TXXX", "caf\u{e9}", "ol\u{e9}"),
                    text(b"TIT2", "", "A\u{e9}"),
                    link(b"WXXX", "here", "https://example.com/\u{e9}"),
                    link(b"WCOM", "", "https://example.com/"),
                    Id3Frame::Object {
                        mime: "text/x".to_owned(),
                        file_name: "a".to_owned(),
                        description: "b".to_owned(),
                        data: Bytes::from_static(&[1, 2, 3]),
                    },
                    Id3Frame::Other { id: *b"APIC", data: vec![7; 300].into() },
                ]
            );
        }
    }

    #[test]
    fn unsynchronisation_extended_headers_and_footers_are_undone() {
        let expected = Id3Frame::Private { owner: "a".to_owned(), data: Bytes::from_static(&[0xff, 0xe0, 0xff, 0]) };
        let escaped = b"a\0\xff\0\xe0\xff\0\0";
        let plain = b"a\0\xff\xe0\xff\0";
        let third = frame(3, b"PRIV", 0, plain);
        let third: Vec<u8> =
            third.iter().flat_map(|byte| if *byte == 0xff { vec![0xff, 0] } else { vec![*byte] }).collect();
        let parse = |bytes: &Bytes| Id3Tag::parse(bytes).expect("valid").frames;
        assert_eq!(parse(&tag(3, 0x80, &third)), std::slice::from_ref(&expected));
        assert_eq!(parse(&tag(4, 0x80, &frame(4, b"PRIV", 0, escaped))), std::slice::from_ref(&expected));
        assert_eq!(parse(&tag(4, 0, &frame(4, b"PRIV", 2, escaped))), std::slice::from_ref(&expected));
        let extended = [&[0, 0, 0, 6, 1, 0][..], &frame(4, b"PRIV", 0, plain)].concat();
        assert_eq!(parse(&tag(4, 0x40, &extended)), std::slice::from_ref(&expected));
        let extended = [&[0, 0, 0, 6, 0, 0, 0, 0, 0, 0][..], &frame(3, b"PRIV", 0, plain)].concat();
        assert_eq!(parse(&tag(3, 0x40, &extended)), std::slice::from_ref(&expected));
        let footed = tag(4, 0x10, &frame(4, b"PRIV", 0, plain));
        let footed = Bytes::from([&footed[..], b"3DI", &footed[3..10]].concat());
        assert_eq!(tag_size(&footed), Size::Tag(footed.len()));
        assert_eq!(parse(&footed), std::slice::from_ref(&expected));
        // With a group and a data length before the data.
        let long = [&[9, 0, 0, 0, 6][..], plain].concat();
        assert_eq!(parse(&tag(4, 0, &frame(4, b"PRIV", 0x41, &long))), [expected]);
    }

    #[test]
    fn compressed_and_encrypted_frames_are_kept_as_they_are() {
        for (version, flags) in [(3, 0x80), (3, 0x40), (4, 8), (4, 4)] {
            let frames =
                Id3Tag::parse(&tag(version, 0, &frame(version, b"TIT2", flags, b"xyz"))).expect("valid").frames;
            assert_eq!(frames, [Id3Frame::Other { id: *b"TIT2", data: Bytes::from_static(b"xyz") }]);
        }
    }

    #[test]
    fn a_tag_that_is_cut_short_is_none_and_frames_behind_a_broken_one_are_left_out() {
        let good = frame(4, b"PRIV", 0, b"a\0b");
        let whole = tag(4, 0, &[&good[..], &good].concat());
        for length in 0..whole.len() {
            assert_eq!(Id3Tag::parse(&whole.slice(..length)), None);
            assert_eq!(tag_size(&whole[..length]) == Size::Short, length < 10);
        }
        let mut second = good.clone();
        second[7] = 100;
        assert_eq!(Id3Tag::parse(&tag(4, 0, &[&good[..], &second].concat())).expect("valid").frames.len(), 1);
        assert_eq!(Id3Tag::parse(&tag(2, 0, &good)), None);
        assert_eq!(tag_size(b"ID3\x04\0\0\0\0\0\x80"), Size::No);
        assert_eq!(tag_size(b"IDX"), Size::No);
    }

    #[test]
    fn several_tags_may_follow_each_other() {
        let one = tag(4, 0, &frame(4, b"PRIV", 0, b"a\0b"));
        let both = Bytes::from([&one[..], &one, b"rest"].concat());
        assert_eq!(tags(&both).len(), 2);
    }
}
