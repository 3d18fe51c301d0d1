//! HLS playlists (RFC 8216).
//!
//! The multivariant playlist is written by `m3u8-rs`. Media playlists are written here: that crate keeps durations in
//! `f32` and writes no unknown tag of a playlist, so neither long segments nor what comes beyond version 7 survive it.

mod parts;
mod ranges;

use std::fmt::{self, Display, Write as _};
use std::ops::Range;
use std::sync::Arc;

use m3u8_rs::{AlternativeMedia, AlternativeMediaType, MasterPlaylist, Resolution, VariantStream};

use crate::programme::{fragment, start, Programme};
use crate::protect::{base64, hex, pssh, KeyFormat, KeyName, Protection, Scheme, COMMON_SYSTEM_URN};
use crate::single;
use crate::stream::Packaging;
use crate::title::{Medium, Ticks, Track};

const AUDIO: &str = "audio";
const SUBTITLES: &str = "subtitles";

/// The title as what an interstitial plays (rfc8216bis, D.3).
pub(crate) fn asset_list(programme: &Programme<'_>) -> String {
    let length = seconds(programme.length(), 1000);
    format!("{{\"ASSETS\":[{{\"URI\":\"main.m3u8\",\"DURATION\":{length}}}]}}\n")
}

/// The multivariant playlist.
pub(crate) fn multivariant(programme: &Programme<'_>) -> String {
    let title = programme.title;
    let (video, audio): (Vec<_>, Vec<_>) = title.tracks.iter().partition(|track| track.is_video());
    let mut playlist = MasterPlaylist { version: Some(7), independent_segments: true, ..Default::default() };
    // Without pictures the renditions of sound are the variants.
    let (variants, group) = if video.is_empty() { (&audio, &video) } else { (&video, &audio) };
    // Sound that is muxed into the variants is in no group: the first alone is there.
    let muxed = programme.options.packaging == Some(Packaging::Muxed);
    let listed: &[_] = if muxed { &[] } else { group };
    for (n, track) in listed.iter().enumerate() {
        let Medium::Audio { channels, .. } = track.medium else {
            continue;
        };
        let (language, label) = (track.language.clone(), track.label.clone());
        let channels = Some(channels.to_string());
        let media = alternative(AlternativeMediaType::Audio, &track.id, language, label, n == 0);
        playlist.alternatives.push(AlternativeMedia { channels, ..media });
    }
    for text in programme.texts() {
        let (language, label) = (text.language.clone(), text.label.clone());
        playlist.alternatives.push(alternative(AlternativeMediaType::Subtitles, &text.id, language, label, false));
    }
    let most = |of: fn(&Track) -> u64| group.iter().map(|track| of(track)).max().unwrap_or(0);
    let (peak, average) = (most(Track::peak_bandwidth), most(Track::average_bandwidth));
    // Packets and their headers take a tenth, and what fills up the last of each access unit.
    let packaged = |rate: u64| if programme.options.packaging.is_some() { rate / 10 * 11 + 64_000 } else { rate };
    let mut group_codecs: Vec<&str> = group.iter().map(|track| track.codec.as_str()).collect();
    group_codecs.dedup();
    let subtitles = (!programme.texts().is_empty()).then(|| SUBTITLES.to_owned());
    for track in variants {
        let codecs: Vec<_> = std::iter::once(track.codec.as_str()).chain(group_codecs.iter().copied()).collect();
        let picture = stream(track);
        playlist.variants.push(VariantStream {
            uri: format!("{}.m3u8", track.id),
            bandwidth: packaged(track.peak_bandwidth() + peak),
            average_bandwidth: Some(packaged(track.average_bandwidth() + average)),
            codecs: Some(codecs.join(",")),
            audio: (!listed.is_empty()).then(|| AUDIO.to_owned()),
            subtitles: subtitles.clone(),
            ..picture
        });
    }
    for track in video.iter().filter(|_| programme.has_iframes()) {
        let rate = iframes(track).map(|(size, ticks)| {
            (u128::from(size) * 8 * u128::from(track.timescale)).div_ceil(u128::from(ticks.max(1)))
        });
        playlist.variants.push(VariantStream {
            is_i_frame: true,
            uri: format!("{}.iframes.m3u8", track.id),
            bandwidth: u64::try_from(rate.max().unwrap_or(1)).unwrap_or(u64::MAX),
            codecs: Some(track.codec.clone()),
            frame_rate: None,
            ..stream(track)
        });
    }
    let mut out = Vec::new();
    // Writing to memory does not fail.
    let _ = playlist.write_to(&mut out);
    String::from_utf8_lossy(&out).into_owned()
}

fn alternative(
    media_type: AlternativeMediaType,
    id: &str,
    language: Option<String>,
    label: Option<String>,
    default: bool,
) -> AlternativeMedia {
    let group_id = if media_type == AlternativeMediaType::Audio { AUDIO } else { SUBTITLES }.to_owned();
    AlternativeMedia {
        media_type,
        uri: Some(format!("{id}.m3u8")),
        group_id,
        // A quoted string has no escape (RFC 8216, 4.2).
        name: label.unwrap_or_else(|| id.to_owned()).replace(['"', '\n', '\r'], "'"),
        language,
        default,
        autoselect: true,
        ..Default::default()
    }
}

/// What the pictures of a rendition look like.
fn stream(track: &Track) -> VariantStream {
    let Medium::Video { width, height } = track.medium else {
        return VariantStream::default();
    };
    let first = &track.fragments[0];
    VariantStream {
        resolution: Some(Resolution { width: width.into(), height: height.into() }),
        frame_rate: Some(first.samples.len() as f64 * f64::from(track.timescale) / first.duration.max(1) as f64),
        ..Default::default()
    }
}

/// Bytes and ticks of each key picture at the start of a segment.
fn iframes(track: &Track) -> impl Iterator<Item = (u64, u64)> + '_ {
    track.fragments.iter().map(|f| (f.first_sample_end, f.duration))
}

/// A media playlist in the making.
struct Media {
    out: String,
    /// The key in force.
    key: Option<KeyName>,
    /// Nothing will be added.
    over: bool,
}

impl Media {
    /// Of segments from the number `first` on.
    fn new(programme: &Programme<'_>, longest: Ticks, first: u64, extra: &str) -> Self {
        let live = programme.options.live.as_ref().filter(|_| programme.edge.is_some());
        // Every duration, rounded to the nearest integer, is at most the target (RFC 8216, 4.3.3.1).
        let target = longest.round_in(1).max(1);
        let mut out = String::from("#EXTM3U\n");
        let _ = writeln!(out, "#EXT-X-VERSION:{}\n#EXT-X-TARGETDURATION:{target}", parts::version(live));
        if live.is_none_or(|live| live.event) {
            out.push_str(if live.is_some() { "#EXT-X-PLAYLIST-TYPE:EVENT\n" } else { "#EXT-X-PLAYLIST-TYPE:VOD\n" });
        }
        if let Some(live) = live {
            out.push_str(&parts::controls(live, target));
        }
        if first > 0 {
            let _ = writeln!(out, "#EXT-X-MEDIA-SEQUENCE:{first}");
        }
        out.push_str(extra);
        Self { out, key: None, over: programme.edge.is_none_or(|edge| edge.over) }
    }

    /// Puts the key of a segment in force.
    fn key(&mut self, protection: &Protection, key: Option<KeyName>) {
        if self.key == key {
            return;
        }
        self.key = key;
        match (key, protection.scheme.and_then(Scheme::method)) {
            (Some(key), Some(method)) => key_tags(protection, key, method).iter().for_each(|tag| self.tag(tag)),
            _ => self.tag("#EXT-X-KEY:METHOD=NONE"),
        }
    }

    fn tag(&mut self, tag: &str) {
        self.out.push_str(tag);
        self.out.push('\n');
    }

    fn map(&mut self, uri: &str, bytes: Option<&Range<u64>>) {
        let _ = match bytes {
            None => writeln!(self.out, "#EXT-X-MAP:URI=\"{uri}\""),
            Some(r) => writeln!(self.out, "#EXT-X-MAP:URI=\"{uri}\",BYTERANGE=\"{}@{}\"", r.end - r.start, r.start),
        };
    }

    fn segment(&mut self, duration: Ticks, uri: &str, bytes: Option<&Range<u64>>) {
        let _ = writeln!(self.out, "#EXTINF:{},", seconds(duration, 1_000_000));
        if let Some(r) = bytes {
            let _ = writeln!(self.out, "#EXT-X-BYTERANGE:{}@{}", r.end - r.start, r.start);
        }
        self.tag(uri);
    }

    fn end(mut self) -> String {
        if self.over {
            self.tag("#EXT-X-ENDLIST");
        }
        self.out
    }
}

/// Seconds as a decimal number, to the nearest thousandth or millionth.
fn seconds(time: Ticks, fraction: u32) -> impl Display {
    let rounded = time.round_in(fraction);
    let (whole, rest) = (rounded / u64::from(fraction), rounded % u64::from(fraction));
    let width = if fraction == 1000 { 3 } else { 6 };
    fmt::from_fn(move |f| write!(f, "{whole}.{rest:0width$}"))
}

/// Bytes as an attribute has them: a hexadecimal sequence is in upper case (rfc8216bis, 4.2).
fn digits(bytes: &[u8]) -> String {
    hex(bytes).to_ascii_uppercase()
}

/// The tags that put a key in force, one for each way to get it.
fn key_tags(protection: &Protection, key: KeyName, method: &str) -> Vec<String> {
    let query = protection.access.token.as_ref().map(|token| format!("?token={token}")).unwrap_or_default();
    let whole = protection.scheme == Some(Scheme::Aes128);
    let told = match protection.scheme {
        // In Common Encryption the media say it.
        Some(Scheme::Aes128) => !protection.implicit_iv,
        scheme => matches!(scheme, Some(Scheme::SampleAes | Scheme::Cbcs)),
    };
    let iv = if told { format!(",IV=0x{}", digits(&key.iv())) } else { String::new() };
    let tag = |uri: String, format: &str| format!("#EXT-X-KEY:METHOD={method},URI=\"{uri}\"{iv}{format}");
    let identity = || tag(format!("key/{}.bin{query}", key.file()), "");
    let common = || {
        let uri = format!("data:text/plain;base64,{}", base64(&pssh(&[key])));
        let id = digits(&key.kid());
        tag(uri, &format!(",KEYID=0x{id},KEYFORMAT=\"{COMMON_SYSTEM_URN}\",KEYFORMATVERSIONS=\"1\""))
    };
    match protection.key_format {
        _ if whole || protection.scheme == Some(Scheme::SampleAes) => vec![identity()],
        KeyFormat::Identity => vec![identity()],
        KeyFormat::Pssh => vec![common()],
        KeyFormat::All => vec![identity(), common()],
        KeyFormat::Kid => {
            let uri = format!("data:text/plain;base64,{}", base64(&key.kid()));
            vec![tag(uri, ",KEYFORMAT=\"identity\"")]
        }
    }
}

fn duration(track: &Track, n: u64) -> Ticks {
    Ticks { ticks: fragment(track, n).duration, timescale: track.timescale }
}

/// The longest segment of a rendition.
fn longest(track: &Track) -> Ticks {
    let ticks = track.fragments.iter().map(|f| f.duration).max().unwrap_or(0);
    Ticks { ticks, timescale: track.timescale }
}

/// The target duration of a rendition, in seconds.
pub(crate) fn target(track: &Track) -> u64 {
    longest(track).round_in(1).max(1)
}

/// The media playlist of a rendition of pictures or sound.
pub(crate) fn media(programme: &Programme<'_>, track: &Arc<Track>) -> String {
    let all = programme.first_segment(track)..programme.segments(track);
    let first = all.start;
    let number = programme.number(track, first);
    let mut playlist = Media::new(programme, longest(track), number, "#EXT-X-INDEPENDENT-SEGMENTS\n");
    if let Some(before) = programme.discontinuities_before(track, first).filter(|before| *before > 0) {
        playlist.tag(&format!("#EXT-X-DISCONTINUITY-SEQUENCE:{before}"));
    }
    let parts = parts::Parts::of(programme, track);
    let end = parts.as_ref().map_or_else(|| start(track, all.end), parts::Parts::end);
    let skipped = parts::skipped(programme, track, first, end);
    let head = playlist.out.len();
    let ranges = ranges::Ranges::of(programme, track, first, (skipped > 0).then(|| parts::skip_ms(track)));
    ranges.write(&mut playlist);
    let single = programme.options.byte_ranges.then(|| single::layout(programme, track, all.clone()));
    let file = format!("{}.{}", track.id, programme.file_extension(track));
    let extension = programme.extension(track);
    for n in all.clone() {
        if skipped > 0 && n == first + skipped {
            // What they said holds still.
            playlist.out.truncate(head);
            playlist.tag(&format!("#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}{}", ranges.removed()));
            ranges.write(&mut playlist);
        }
        let init = single.as_ref().map(|layout| (&file, &layout.init));
        segment_tags(&mut playlist, programme, track, n, n == first, init);
        if n < first + skipped {
            // Left out; of it only holds what its tags said.
            continue;
        }
        if let Some(parts) = &parts {
            parts.write(&mut playlist, n);
        }
        let bytes = single.as_ref().and_then(|layout| layout.segments.get(n as usize));
        match bytes {
            Some((_, bytes)) => playlist.segment(duration(track, n), &file, Some(bytes)),
            None => {
                let uri = format!("{}/{}.{extension}", track.id, programme.number(track, n));
                playlist.segment(duration(track, n), &uri, None);
            }
        }
    }
    if let Some(parts) = &parts {
        if let Some(n) = parts.growing() {
            segment_tags(&mut playlist, programme, track, n, n == first, None);
            parts.write(&mut playlist, n);
        }
        parts.announce(&mut playlist);
    }
    playlist.end()
}

/// What stands in front of a segment, the first that is named or another.
fn segment_tags(
    playlist: &mut Media,
    programme: &Programme<'_>,
    track: &Arc<Track>,
    n: u64,
    is_first: bool,
    init: Option<(&String, &Range<u64>)>,
) {
    // The first of all that is named is counted in the sequence.
    let discontinuity = !is_first && programme.is_discontinuity(track, n);
    if discontinuity {
        playlist.tag("#EXT-X-DISCONTINUITY");
    }
    let protection = &programme.options.protection;
    let key = programme.key(track, n);
    if programme.options.packaging.is_none() && (is_first || discontinuity) {
        // What stands before the map holds for it too (RFC 8216, 4.3.2.4); the segment's own key follows it.
        playlist.key(protection, if programme.seals() { programme.init_key(track) } else { key });
        match init {
            Some((file, bytes)) => playlist.map(file, Some(bytes)),
            None => playlist.map(&format!("{}/init.mp4", track.id), None),
        }
    }
    playlist.key(protection, key);
    if let Some(moment) = programme.moment(track, n).filter(|_| is_first || discontinuity) {
        playlist.tag(&format!("#EXT-X-PROGRAM-DATE-TIME:{moment}"));
    }
    if programme.is_gap(n) {
        playlist.tag("#EXT-X-GAP");
    }
}

/// The I-frame playlist of a rendition of pictures: the first picture of each segment, in the single file.
pub(crate) fn iframe_playlist(programme: &Programme<'_>, track: &Arc<Track>) -> String {
    let layout = single::layout(programme, track, 0..programme.segments(track));
    let mut playlist = Media::new(programme, longest(track), programme.options.first_number, "#EXT-X-I-FRAMES-ONLY\n");
    let file = format!("{}.mp4", track.id);
    for (n, bytes) in &layout.segments {
        let discontinuity = programme.is_discontinuity(track, *n);
        if discontinuity {
            playlist.tag("#EXT-X-DISCONTINUITY");
        }
        playlist.key(&programme.options.protection, programme.key(track, *n));
        if *n == 0 || discontinuity {
            playlist.map(&file, Some(&layout.init));
        }
        if programme.is_gap(*n) {
            playlist.tag("#EXT-X-GAP");
        }
        let picture = bytes.start..bytes.start + fragment(track, *n).first_sample_end;
        playlist.segment(duration(track, *n), &file, Some(&picture));
    }
    playlist.end()
}

/// The media playlist of a rendition of text.
pub(crate) fn text(programme: &Programme<'_>, id: &str) -> String {
    if let Some(reference) = programme.title.tracks.first().filter(|_| programme.edge.is_some()) {
        return live_text(programme, reference, id);
    }
    let segments = programme.text_segments();
    let length = |range: &Range<u64>| {
        let (from, to) = (programme.boundary(range.start), programme.boundary(range.end));
        Ticks { ticks: to.ticks - from.ticks, ..to }
    };
    let longest = segments.iter().map(length).max_by(|a, b| a.compare(*b)).unwrap_or(Ticks { ticks: 0, timescale: 1 });
    let mut playlist = Media::new(programme, longest, programme.options.first_number, "");
    for (n, range) in segments.iter().enumerate() {
        if programme.text_discontinuity(range) {
            playlist.tag("#EXT-X-DISCONTINUITY");
        }
        playlist.segment(length(range), &format!("{id}/{}.vtt", n as u64 + programme.options.first_number), None);
    }
    playlist.end()
}

/// The same of a programme that goes on: a segment for each of the reference rendition, so that all playlists have one
/// target duration.
fn live_text(programme: &Programme<'_>, reference: &Arc<Track>, id: &str) -> String {
    let all = programme.first_segment(reference)..programme.segments(reference);
    let first = all.start;
    let mut playlist = Media::new(programme, longest(reference), programme.number(reference, first), "");
    if let Some(before) = programme.discontinuities_before(reference, first).filter(|before| *before > 0) {
        playlist.tag(&format!("#EXT-X-DISCONTINUITY-SEQUENCE:{before}"));
    }
    let skipped = parts::skipped(programme, reference, first, start(reference, all.end));
    let from = first + skipped;
    if skipped > 0 {
        playlist.tag(&format!("#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}"));
    }
    for n in from..all.end {
        let discontinuity = n > first && programme.is_discontinuity(reference, n);
        if discontinuity {
            playlist.tag("#EXT-X-DISCONTINUITY");
        }
        if let Some(moment) = programme.moment(reference, n).filter(|_| n == first || discontinuity) {
            playlist.tag(&format!("#EXT-X-PROGRAM-DATE-TIME:{moment}"));
        }
        playlist.segment(duration(reference, n), &format!("{id}/{}.vtt", programme.number(reference, n)), None);
    }
    parts::reports(&mut playlist, programme, id);
    playlist.end()
}
