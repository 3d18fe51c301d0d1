//! Captions inside the picture, announced by `Accessibility` (CEA-608 and CEA-708; D094).

use telecine_model::presentation::Descriptor;
use telecine_model::{Language, Track, TrackKind};

use super::descriptors::scheme;

/// The text tracks that a video track carries in its own samples. They have no renditions.
pub(super) fn tracks(video: &Track) -> Vec<Track> {
    if video.kind != TrackKind::Video {
        return Vec::new();
    }
    // Four channels of CEA-608 and 63 services of CEA-708.
    video.accessibility.iter().flat_map(|descriptor| channels(video, descriptor)).take(67).collect()
}

/// `CC1=eng;CC3=swe` or a bare list of languages (CEA-608), `1=lang:eng;2=lang:deu,war:1` (CEA-708).
fn channels(video: &Track, descriptor: &Descriptor) -> Vec<Track> {
    let cea608 = match descriptor.scheme.as_str() {
        scheme::CEA_608 => true,
        scheme::CEA_708 => false,
        _ => return Vec::new(),
    };
    let stem = if video.id.is_empty() { video.kind.name() } else { video.id.as_str() };
    let value = descriptor.value.as_deref().unwrap_or("").trim();
    value
        .split(';')
        .take(if cea608 { 4 } else { 63 })
        .enumerate()
        .map(|(at, entry)| {
            let (channel, language) = match entry.split_once('=') {
                Some((channel, rest)) if cea608 => (channel.trim().to_owned(), rest),
                Some((service, rest)) => {
                    let language = rest.split(',').find_map(|part| part.trim().strip_prefix("lang:"));
                    (format!("SERVICE{}", service.trim()), language.unwrap_or(""))
                }
                // Languages alone take the fields in turn: CC1, then CC3 (SCTE 214-1).
                None if cea608 => (format!("CC{}", [1, 3, 2, 4].get(at).unwrap_or(&1)), entry),
                None => (format!("SERVICE{}", at + 1), entry),
            };
            let mut track = Track::new(format!("{stem}-{channel}"), TrackKind::Text);
            let language = language.trim();
            track.language = (!language.is_empty()).then(|| Language::parse(language));
            track.in_stream_id = Some(channel);
            track.roles.push("caption".to_owned());
            track.autoselect = true;
            track
        })
        .collect()
}
