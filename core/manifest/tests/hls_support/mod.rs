//! What the tests of the HLS reader share.
#![allow(dead_code, unreachable_pub, clippy::expect_used, clippy::panic)]

use telecine_manifest::hls::{self, Context, MediaPlaylist, Mode, Playlist};
use telecine_model::{Error, ErrorCode, Limits, Presentation, Track, Warning};

pub const BASE: &str = "https://a.example/live/main.m3u8?token=1";

pub fn read(text: impl AsRef<[u8]>, mode: Mode) -> Result<Playlist, Error> {
    let limits = Limits::default();
    hls::parse(text.as_ref(), &Context { uri: BASE, requested_uri: BASE, imports: None, mode, limits: &limits })
}

/// A media playlist in compat mode; panics if it is none.
pub fn media(text: impl AsRef<[u8]>) -> MediaPlaylist {
    match read(text, Mode::Compat) {
        Ok(Playlist::Media(playlist)) => *playlist,
        other => panic!("not a media playlist: {other:?}"),
    }
}

/// A multivariant playlist in compat mode; panics if it is none.
pub fn multivariant(text: impl AsRef<[u8]>) -> Presentation {
    match read(text, Mode::Compat) {
        Ok(Playlist::Multivariant(presentation)) => *presentation,
        other => panic!("not a multivariant playlist: {other:?}"),
    }
}

/// A media playlist around `body`, which strict mode accepts if the body is valid.
pub fn around(body: &str) -> String {
    format!("#EXTM3U\n#EXT-X-VERSION:13\n#EXT-X-TARGETDURATION:4\n{body}\n#EXT-X-ENDLIST\n")
}

/// The same, still growing.
pub fn live(body: &str) -> String {
    format!("#EXTM3U\n#EXT-X-VERSION:13\n#EXT-X-TARGETDURATION:4\n{body}\n")
}

/// A multivariant playlist of one variant, and `body` in front of it.
pub fn variants(body: &str) -> String {
    format!("#EXTM3U\n#EXT-X-VERSION:13\n{body}\n#EXT-X-STREAM-INF:BANDWIDTH=1000\nv.m3u8\n")
}

/// Fails in strict mode with the rule and the code; in compat it is a warning of the same rule.
/// Gives what compat made of it.
pub fn tolerated(text: &str, rule: &str, code: ErrorCode) -> Playlist {
    let error = read(text, Mode::Strict).expect_err("strict mode fails");
    assert_eq!((error.code(), error.facts().get("rule").map(String::as_str)), (code, Some(rule)), "{error}");
    assert!(error.place().is_some() && error.facts().contains_key("url"), "{error}");
    let playlist = read(text, Mode::Compat).expect("compat mode reads on");
    assert!(rules(&playlist).contains(&rule.to_owned()), "{:?}", warnings(&playlist));
    playlist
}

/// Fails in both modes with the rule and the code.
pub fn refused(text: impl AsRef<[u8]>, rule: &str, code: ErrorCode) -> Error {
    for mode in [Mode::Strict, Mode::Compat] {
        let error = read(text.as_ref(), mode).expect_err("both modes fail");
        assert_eq!((error.code(), error.facts().get("rule").map(String::as_str)), (code, Some(rule)), "{error}");
    }
    read(text, Mode::Compat).expect_err("checked")
}

/// Accepted in strict mode without any warning.
pub fn clean(text: &str) -> Playlist {
    let playlist = read(text, Mode::Strict).expect("strict mode accepts it");
    assert_eq!(warnings(&playlist), [], "{text}");
    playlist
}

pub fn clean_media(text: &str) -> MediaPlaylist {
    match clean(text) {
        Playlist::Media(playlist) => *playlist,
        other => panic!("not a media playlist: {other:?}"),
    }
}

pub fn clean_multivariant(text: &str) -> Presentation {
    match clean(text) {
        Playlist::Multivariant(presentation) => *presentation,
        other => panic!("not a multivariant playlist: {other:?}"),
    }
}

pub fn as_media(playlist: Playlist) -> MediaPlaylist {
    match playlist {
        Playlist::Media(playlist) => *playlist,
        other => panic!("not a media playlist: {other:?}"),
    }
}

pub fn as_multivariant(playlist: Playlist) -> Presentation {
    match playlist {
        Playlist::Multivariant(presentation) => *presentation,
        other => panic!("not a multivariant playlist: {other:?}"),
    }
}

pub fn warnings(playlist: &Playlist) -> &[Warning] {
    match playlist {
        Playlist::Media(playlist) => &playlist.info.warnings,
        Playlist::Multivariant(presentation) => &presentation.warnings,
    }
}

pub fn rules(playlist: &Playlist) -> Vec<String> {
    warnings(playlist).iter().map(|warning| warning.rule.clone()).collect()
}

/// Whether a rule is among the warnings.
pub fn warned(warnings: &[Warning], rule: &str) -> bool {
    warnings.iter().any(|warning| warning.rule == rule)
}

/// The tracks of the only period.
pub fn tracks(presentation: &Presentation) -> &[Track] {
    &presentation.periods[0].tracks
}

/// Absolute URLs of all segments.
pub fn uris(playlist: &MediaPlaylist) -> Vec<String> {
    let table = &playlist.index.table;
    (table.first_number()..table.end_number()).map(|number| playlist.index.get(number).expect("listed").uri).collect()
}
