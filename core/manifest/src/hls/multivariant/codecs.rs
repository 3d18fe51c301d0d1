//! What codec strings say of the kind of media.

use telecine_model::{Codec, TrackKind};

/// Reads a `CODECS` list.
pub(super) fn parse_list(text: &str) -> Vec<Codec> {
    let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    entries.map(Codec::parse).collect()
}

/// The kind of media of a codec by its sample entry (RFC 6381), if it is one that is known.
pub(super) fn kind_of(codec: &Codec) -> Option<TrackKind> {
    let text = codec.to_string().to_ascii_lowercase();
    let entry = text.split('.').next().unwrap_or_default();
    match entry {
        "avc1" | "avc2" | "avc3" | "avc4" | "hvc1" | "hev1" | "dvh1" | "dvhe" | "dva1" | "dvav" | "dav1" | "vvc1"
        | "vvi1" | "vp8" | "vp9" | "vp08" | "vp09" | "av01" | "mp4v" | "mjpg" | "jpeg" => Some(TrackKind::Video),
        "mp4a" | "mp3" | "ac-3" | "ec-3" | "ac-4" | "opus" | "flac" | "alac" | "apac" | "iamf" | "dtsc" | "dtse"
        | "dtsh" | "dtsl" | "dtsx" | "dtsy" | "mha1" | "mha2" | "mhm1" | "mhm2" | "vorbis" | "samr" | "sawb" => {
            Some(TrackKind::Audio)
        }
        "wvtt" | "stpp" | "tx3g" | "c608" | "c708" => Some(TrackKind::Text),
        _ => None,
    }
}
