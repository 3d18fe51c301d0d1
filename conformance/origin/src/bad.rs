//! Manifests that no player should survive by luck: hostile or broken inputs under `/bad/<name>`.

use bytes::Bytes;

use crate::body::{Body, Part};
use crate::media_type;

/// What a hostile address answers with.
pub(crate) enum Bad {
    /// A body of a content type.
    Body(&'static str, Body),
    /// A redirect.
    Redirect(&'static str),
}

/// The names under `/bad/`, each with what is wrong with it.
pub const BAD: &[(&str, &str)] = &[
    ("empty.m3u8", "no byte at all"),
    ("empty.mpd", "no byte at all"),
    ("truncated.m3u8", "ends in the middle of an attribute list"),
    ("truncated.mpd", "ends in the middle of a tag"),
    ("binary.m3u8", "every byte value, again and again"),
    ("binary.mpd", "every byte value, again and again"),
    ("html.m3u8", "the page of a captive portal, with status 200"),
    ("html.mpd", "the page of a captive portal, with status 200"),
    ("huge.m3u8", "100 MB of segments"),
    ("huge.mpd", "100 MB of periods"),
    ("bomb.mpd", "entities that expand to a billion times their text"),
    ("external.mpd", "an entity that is a local file"),
    ("overflow.m3u8", "numbers at and beyond 2^63"),
    ("overflow.mpd", "numbers at and beyond 2^63, and a segment timeline that repeats for ever"),
    ("variables.m3u8", "variables that are defined by each other"),
    ("self.m3u8", "a multivariant playlist whose variants are itself"),
    ("nested.mpd", "100,000 elements inside each other"),
    ("negative.m3u8", "negative durations and sizes"),
    ("negative.mpd", "negative durations and sizes"),
    ("zero.mpd", "segments that last no time at all"),
    ("to-file.m3u8", "a redirect to a local file"),
    ("to-file.mpd", "a redirect to a local file"),
    ("local.m3u8", "segments that are local files"),
];

const HUGE: u64 = 100_000_000;

const PORTAL: &str = "<!DOCTYPE html>\n<html><head><title>Welcome to the hotel</title></head>\
                      <body><form action=\"/login\">Please sign in to use the network.</form></body></html>\n";

/// What stands at `/bad/<name>`.
pub(crate) fn bad(name: &str) -> Option<Bad> {
    BAD.iter().find(|(known, _)| *known == name)?;
    let (stem, extension) = name.rsplit_once('.')?;
    if stem == "to-file" {
        return Some(Bad::Redirect("file:///etc/passwd"));
    }
    let body = match (stem, extension) {
        ("empty", _) => Body::default(),
        ("binary", _) => {
            let pattern: Vec<u8> = (0..=255).collect();
            Body::of([Part::Fill { pattern: Bytes::from(pattern), length: 65_536 }])
        }
        ("html", _) => Body::from(PORTAL.to_owned()),
        ("nested", _) => {
            let fill = |text: &'static str| Part::Fill {
                pattern: Bytes::from_static(text.as_bytes()),
                length: text.len() as u64 * 100_000,
            };
            Body::of([text(MPD_HEAD), fill("<a>"), fill("</a>"), text("</MPD>\n")])
        }
        ("huge", "m3u8") => Body::of([
            text("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n"),
            Part::Fill { pattern: Bytes::from_static(b"#EXTINF:2,\nsegment.m4s\n"), length: HUGE },
        ]),
        ("huge", _) => {
            Body::of([text(MPD_HEAD), Part::Fill { pattern: Bytes::from_static(b"<Period></Period>\n"), length: HUGE }])
        }
        (_, "m3u8") => Body::of([text(playlist(stem)?)]),
        _ => Body::from(mpd(stem)?),
    };
    Some(Bad::Body(media_type(extension), body))
}

fn text(text: &'static str) -> Part {
    Part::Bytes(Bytes::from_static(text.as_bytes()))
}

fn playlist(stem: &str) -> Option<&'static str> {
    Some(match stem {
        "truncated" => "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-STREAM-INF:BANDWIDTH=1000,CODECS=\"avc1.4d",
        "overflow" => {
            "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:9223372036854775808\n\
             #EXT-X-MEDIA-SEQUENCE:18446744073709551615\n#EXT-X-DISCONTINUITY-SEQUENCE:18446744073709551616\n\
             #EXTINF:9223372036854775808.999999,\n#EXT-X-BYTERANGE:18446744073709551615@18446744073709551615\na.m4s\n\
             #EXTINF:9223372036854775807,\nb.m4s\n#EXTINF:1e400,\nc.m4s\n#EXTINF:2,\nd.m4s\n#EXT-X-ENDLIST\n"
        }
        "variables" => {
            "#EXTM3U\n#EXT-X-VERSION:8\n#EXT-X-DEFINE:NAME=\"a\",VALUE=\"{$b}{$b}{$b}{$b}\"\n\
             #EXT-X-DEFINE:NAME=\"b\",VALUE=\"{$a}{$a}{$a}{$a}\"\n#EXT-X-STREAM-INF:BANDWIDTH=1000\n{$a}.m3u8\n"
        }
        "self" => "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000\nself.m3u8\n",
        "negative" => {
            "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:-2\n#EXT-X-MEDIA-SEQUENCE:-1\n\
             #EXTINF:-2.0,\n#EXT-X-BYTERANGE:-5@-7\na.m4s\n#EXT-X-ENDLIST\n"
        }
        "local" => {
            "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-MAP:URI=\"file:///etc/hostname\"\n\
             #EXTINF:2,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"
        }
        _ => return None,
    })
}

const MPD_HEAD: &str = "<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\" \
                        profiles=\"urn:mpeg:dash:profile:isoff-live:2011\" minBufferTime=\"PT2S\">\n";

/// An MPD around one template.
fn template(attributes: &str, template: &str) -> String {
    format!(
        "{MPD_HEAD}<Period {attributes}><AdaptationSet contentType=\"video\" mimeType=\"video/mp4\">\
         <Representation id=\"v\" bandwidth=\"1000\" codecs=\"avc1.42c00d\">{template}</Representation>\
         </AdaptationSet></Period></MPD>\n"
    )
}

fn mpd(stem: &str) -> Option<String> {
    Some(match stem {
        "truncated" => format!("{MPD_HEAD}<Period id=\"P0\"><AdaptationSet contentType=\"vid"),
        "bomb" => {
            let mut out = String::from("<?xml version=\"1.0\"?>\n<!DOCTYPE MPD [\n<!ENTITY e0 \"boom\">\n");
            for n in 1..=9 {
                out.push_str(&format!("<!ENTITY e{n} \"{}\">\n", format!("&e{};", n - 1).repeat(10)));
            }
            out + "]>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\"><Period id=\"&e9;\">&e9;</Period></MPD>\n"
        }
        "external" => "<?xml version=\"1.0\"?>\n<!DOCTYPE MPD [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>\n\
                       <MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\"><BaseURL>&e;</BaseURL></MPD>\n"
            .to_owned(),
        "overflow" => template(
            "duration=\"PT9223372036854775808S\"",
            "<SegmentTemplate timescale=\"18446744073709551615\" presentationTimeOffset=\"18446744073709551615\" \
             startNumber=\"18446744073709551615\" media=\"$Number%0999999999d$.m4s\"><SegmentTimeline>\
             <S t=\"18446744073709551615\" d=\"18446744073709551615\" r=\"2147483647\"/><S d=\"1\" r=\"-1\"/>\
             </SegmentTimeline></SegmentTemplate>",
        ),
        "negative" => template(
            "duration=\"-PT10S\" start=\"-PT5S\"",
            "<SegmentTemplate timescale=\"-1\" duration=\"-2\" startNumber=\"-3\" media=\"$Number$.m4s\"/>",
        ),
        "zero" => template(
            "duration=\"PT10S\"",
            "<SegmentTemplate timescale=\"0\" duration=\"0\" media=\"$Number$.m4s\"><SegmentTimeline>\
             <S t=\"0\" d=\"0\" r=\"-1\"/></SegmentTimeline></SegmentTemplate>",
        ),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_name_has_an_answer() {
        for (name, _) in BAD {
            assert!(bad(name).is_some(), "{name}");
        }
        assert!(bad("other.mpd").is_none());
    }

    #[test]
    fn the_huge_ones_are_100_megabytes_and_take_no_memory() {
        let Some(Bad::Body(_, body)) = bad("huge.m3u8") else { panic!() };
        assert!(body.len() > HUGE);
    }
}
