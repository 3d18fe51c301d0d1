//! Which container bytes are, by their beginning.

use crate::es::{AudioCodec, HeaderKind};
use crate::id3;

/// A container that is read here, or by a reader of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Container {
    /// ISO base media and CMAF: for [`IsoReader`](crate::IsoReader).
    IsoBmff,
    /// An MPEG-2 transport stream: for [`StreamReader`](crate::StreamReader), as those below.
    MpegTs,
    /// AAC in ADTS frames.
    Adts,
    /// MPEG-1 and MPEG-2 audio, MP3 among them.
    MpegAudio,
    /// AC-3 frames.
    Ac3,
    /// E-AC-3 frames.
    Eac3,
    /// WebVTT, UTF-8.
    WebVtt,
    /// TTML, an XML document.
    Ttml,
}

impl Container {
    /// For [`StreamReader`](crate::StreamReader): all times in it are of the transport stream clock.
    pub const fn is_stream(self) -> bool {
        matches!(self, Self::MpegTs | Self::Adts | Self::MpegAudio | Self::Ac3 | Self::Eac3)
    }

    /// Frames of sound without a container, perhaps with ID3 tags among them.
    pub(crate) const fn packed(self) -> Option<AudioCodec> {
        match self {
            Self::Adts => Some(AudioCodec::Adts),
            Self::MpegAudio => Some(AudioCodec::Mpeg),
            Self::Ac3 | Self::Eac3 => Some(AudioCodec::Dolby),
            Self::IsoBmff | Self::MpegTs | Self::WebVtt | Self::Ttml => None,
        }
    }
}

/// What the beginning of a resource says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sniff {
    /// The container is this one.
    Container(Container),
    /// So many bytes from the beginning of the resource are needed to say.
    Short(usize),
    /// It is none that is known.
    Unknown,
}

/// More is never asked for of a text.
const TEXT: usize = 4096;

/// Looks at the first bytes of a resource; `complete` says that there are no more. ID3 tags at the
/// beginning are passed over, so the container is what comes behind them.
pub fn sniff(bytes: &[u8], complete: bool) -> Sniff {
    let mut start = 0;
    loop {
        let rest = bytes.get(start..).unwrap_or_default();
        match id3::tag_size(rest) {
            id3::Size::Tag(size) => start = start.saturating_add(size),
            id3::Size::Short if !complete => return Sniff::Short(start + 10),
            _ => break,
        }
        if start > bytes.len() {
            return if complete { Sniff::Unknown } else { Sniff::Short(start.saturating_add(1)) };
        }
    }
    let rest = bytes.get(start..).unwrap_or_default();
    let mut short = None;
    for look in [iso, frames, text, packets] {
        match look(rest, complete) {
            Sniff::Container(found) => return Sniff::Container(found),
            Sniff::Short(needed) => short = short.max(Some(needed)),
            Sniff::Unknown => {}
        }
    }
    match short {
        Some(needed) if !complete => Sniff::Short(start.saturating_add(needed)),
        _ => Sniff::Unknown,
    }
}

/// Whether ISO base media begins with a box of this type.
pub(crate) fn begins_media(kind: &[u8; 4]) -> bool {
    const FIRST: [&[u8; 4]; 13] = [
        b"ftyp", b"styp", b"moov", b"moof", b"sidx", b"emsg", b"prft", b"mdat", b"free", b"skip", b"wide", b"pdin",
        b"ssix",
    ];
    FIRST.contains(&kind)
}

/// The type of the first box.
fn iso(bytes: &[u8], _complete: bool) -> Sniff {
    match bytes {
        [_, _, _, _, a, b, c, d, ..] if begins_media(&[*a, *b, *c, *d]) => Sniff::Container(Container::IsoBmff),
        [_, _, _, _, _, _, _, _, ..] => Sniff::Unknown,
        _ => Sniff::Short(8),
    }
}

/// Frames of sound: one, and the beginning of another where it ends.
fn frames(bytes: &[u8], complete: bool) -> Sniff {
    for codec in [AudioCodec::Adts, AudioCodec::Mpeg, AudioCodec::Dolby] {
        let (size, kind) = match codec.look(bytes) {
            HeaderKind::Frame(size, kind) => (size, kind),
            HeaderKind::Invalid => continue,
            HeaderKind::Short => return Sniff::Short(bytes.len() + 1),
        };
        let found = Sniff::Container(match (codec, kind) {
            (AudioCodec::Adts, _) => Container::Adts,
            (AudioCodec::Mpeg, _) => Container::MpegAudio,
            (_, 0) => Container::Ac3,
            _ => Container::Eac3,
        });
        let next = bytes.get(size..).unwrap_or_default();
        match codec.look(next) {
            HeaderKind::Frame(_, next) if next == kind || codec == AudioCodec::Dolby => return found,
            HeaderKind::Short if complete && bytes.len() >= size => return found,
            HeaderKind::Short if !complete => return Sniff::Short(bytes.len().max(size) + 1),
            // Other substreams of E-AC-3, and tags.
            _ if codec == AudioCodec::Dolby && next.starts_with(&[0x0b, 0x77]) => return found,
            _ if matches!(id3::tag_size(next), id3::Size::Tag(_)) => return found,
            _ => {}
        }
    }
    Sniff::Unknown
}

fn text(bytes: &[u8], complete: bool) -> Sniff {
    let short = |needed: usize| if complete { Sniff::Unknown } else { Sniff::Short(needed) };
    let start = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let marker = b"WEBVTT";
    if let Some(behind) = start.strip_prefix(marker) {
        return match behind.first() {
            Some(b' ' | b'\t' | b'\n' | b'\r') => Sniff::Container(Container::WebVtt),
            Some(_) => Sniff::Unknown,
            None if complete => Sniff::Container(Container::WebVtt),
            None => Sniff::Short(bytes.len() + 1),
        };
    }
    if marker.starts_with(start) || b"\xef\xbb\xbf".starts_with(bytes) {
        return short(bytes.len() + 1);
    }
    let start = start.trim_ascii_start();
    match start.first() {
        Some(b'<') => {}
        None => return short(bytes.len() + 1),
        Some(_) => return Sniff::Unknown,
    }
    // The first element: behind the declaration, comments and white space.
    let mut rest = start.get(..start.len().min(TEXT)).unwrap_or_default();
    while let Some(at) = memchr::memchr(b'<', rest) {
        let tag = rest.get(at + 1..).unwrap_or_default();
        match tag.first() {
            Some(b'?' | b'!') => rest = tag,
            Some(_) => {
                let Some(end) = tag.iter().position(|byte| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/'))
                else {
                    break;
                };
                let name = tag.get(..end).unwrap_or_default();
                let local = name.rsplit(|byte| *byte == b':').next().unwrap_or_default();
                return if local == b"tt" { Sniff::Container(Container::Ttml) } else { Sniff::Unknown };
            }
            None => break,
        }
    }
    if start.len() < TEXT {
        short(bytes.len() + 1)
    } else {
        Sniff::Unknown
    }
}

/// Sync bytes of transport packets, plain or with bytes between them.
fn packets(bytes: &[u8], complete: bool) -> Sniff {
    const NEEDED: usize = 204 + 2 * 204 + 1;
    let mut possible = false;
    for at in memchr::memchr_iter(0x47, bytes).take_while(|at| *at <= 204) {
        for stride in [188, 192, 204] {
            let sync = |count: usize| bytes.get(at + count * stride).map(|byte| *byte == 0x47);
            match (sync(1), sync(2)) {
                (Some(true), Some(true)) => return Sniff::Container(Container::MpegTs),
                (None | Some(true), None) if complete && bytes.len() >= at + 188 && at == 0 => {
                    return Sniff::Container(Container::MpegTs);
                }
                (None | Some(true), None) => possible = true,
                _ => {}
            }
        }
    }
    if possible || bytes.len() < 204 {
        Sniff::Short(NEEDED)
    } else {
        Sniff::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(bytes: &[u8]) -> Sniff {
        sniff(bytes, false)
    }

    #[test]
    fn each_container_is_known_by_its_beginning() {
        let adts = [&[0xff, 0xf1, 0x50, 0x80, 0x02, 0x1f, 0xfc][..], &[0; 9]].concat();
        let mp3 = [&[0xff, 0xfb, 0x90, 0x64][..], &[0; 413]].concat();
        let ac3 = [&[0x0b, 0x77, 0, 0, 0, 0x40, 0x40, 0][..], &[0; 120]].concat();
        let eac3 = [&[0x0b, 0x77, 0, 31, 0x3f, 0x80, 0, 0][..], &[0; 56]].concat();
        let packet = [&[0x47][..], &[0; 187]].concat();
        for (bytes, container) in [
            (b"\0\0\0\x18ftypiso6".to_vec(), Container::IsoBmff),
            (b"\0\0\0\x18stypmsdh".to_vec(), Container::IsoBmff),
            (packet.repeat(3), Container::MpegTs),
            ([&[0; 4][..], &[&packet[..], &[0; 4]].concat().repeat(4)].concat(), Container::MpegTs),
            (adts.repeat(2), Container::Adts),
            (mp3.repeat(2), Container::MpegAudio),
            (ac3.repeat(2), Container::Ac3),
            (eac3.repeat(2), Container::Eac3),
            (b"WEBVTT\n".to_vec(), Container::WebVtt),
            (b"\xef\xbb\xbfWEBVTT - x".to_vec(), Container::WebVtt),
            (b"<?xml version='1.0'?>\n<!-- x -->\n<tt:tt xmlns:tt='x'>".to_vec(), Container::Ttml),
            (b"  <tt xml:lang='en'>".to_vec(), Container::Ttml),
        ] {
            assert_eq!(found(&bytes), Sniff::Container(container));
            let tagged = [b"ID3\x04\0\0\0\0\0\x05hello", &bytes[..]].concat();
            assert_eq!(found(&tagged), Sniff::Container(container), "behind a tag");
            // With fewer bytes it is not known, or known already, but never taken for another.
            for length in 0..tagged.len() {
                match found(&tagged[..length]) {
                    Sniff::Short(needed) => assert!(needed > length),
                    Sniff::Container(early) => assert_eq!(early, container),
                    Sniff::Unknown => panic!("{container:?} at {length}"),
                }
            }
        }
    }

    #[test]
    fn what_is_none_of_them_is_unknown() {
        for bytes in [
            &b"<html><body>404 Not Found, and so on and on</body></html>"[..],
            b"<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011'>",
            b"#EXTM3U\n#EXT-X-VERSION:3\n",
            b"WEBVTTX\n",
            &[0; 700],
        ] {
            assert_eq!(sniff(bytes, true), Sniff::Unknown);
        }
        assert_eq!(sniff(&[], true), Sniff::Unknown);
        assert_eq!(sniff(b"ID3\x04\0\0\0\0\0\x05he", true), Sniff::Unknown);
        assert_eq!(found(&[1; 700]), Sniff::Unknown);
    }

    #[test]
    fn a_short_resource_that_is_complete_is_known_by_what_there_is() {
        let packet = [&[0x47][..], &[0; 187]].concat();
        assert_eq!(sniff(&packet, true), Sniff::Container(Container::MpegTs));
        assert_eq!(sniff(&packet.repeat(2), true), Sniff::Container(Container::MpegTs));
        let adts = [&[0xff, 0xf1, 0x50, 0x80, 0x02, 0x1f, 0xfc][..], &[0; 9]].concat();
        assert_eq!(sniff(&adts, true), Sniff::Container(Container::Adts));
        assert_eq!(sniff(b"WEBVTT", true), Sniff::Container(Container::WebVtt));
    }
}
