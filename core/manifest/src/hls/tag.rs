//! The tags of the protocol and the kind of playlist that each belongs to (section 4.4).

/// A tag that this reader knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    Shared(SharedTag),
    Media(MediaTag),
    Multivariant(MultivariantTag),
}

/// Basic tags (4.4.1) and tags of both kinds of playlist (4.4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SharedTag {
    ExtM3u,
    Version,
    IndependentSegments,
    Start,
    Define,
    /// `EXT-X-ALLOW-CACHE`, removed in version 7.
    AllowCache,
}

/// Tags of media playlists, their segments and their metadata (4.4.3 to 4.4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MediaTag {
    TargetDuration,
    MediaSequence,
    DiscontinuitySequence,
    EndList,
    PlaylistType,
    IFramesOnly,
    PartInf,
    ServerControl,
    Inf,
    ByteRange,
    Discontinuity,
    Key,
    Map,
    ProgramDateTime,
    Gap,
    Bitrate,
    Part,
    DateRange,
    Skip,
    PreloadHint,
    RenditionReport,
}

impl MediaTag {
    /// Whether it says nothing of segments, wherever it stands among them.
    pub(super) fn is_aside(self) -> bool {
        match self {
            Self::Inf
            | Self::ByteRange
            | Self::Discontinuity
            | Self::Key
            | Self::Map
            | Self::ProgramDateTime
            | Self::Gap
            | Self::Bitrate
            | Self::Part => false,
            Self::TargetDuration
            | Self::MediaSequence
            | Self::DiscontinuitySequence
            | Self::EndList
            | Self::PlaylistType
            | Self::IFramesOnly
            | Self::PartInf
            | Self::ServerControl
            | Self::DateRange
            | Self::Skip
            | Self::PreloadHint
            | Self::RenditionReport => true,
        }
    }
}

/// Tags of multivariant playlists (4.4.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MultivariantTag {
    Media,
    StreamInf,
    IFrameStreamInf,
    SessionData,
    SessionKey,
    ContentSteering,
}

/// Reads what stands behind `#EXT`: the tag and its value, or None for a tag that is not known.
pub(super) fn classify(text: &str) -> Option<(Tag, &str)> {
    // Every segment has this one.
    if let Some(value) = text.strip_prefix("INF:") {
        return Some((Tag::Media(MediaTag::Inf), value));
    }
    let (name, value) = match memchr::memchr(b':', text.as_bytes()) {
        Some(colon) => (text.get(..colon)?, text.get(colon + 1..)?),
        None => (text, ""),
    };
    let tag = match name.strip_prefix("-X-") {
        None if name == "M3U" => Tag::Shared(SharedTag::ExtM3u),
        None if name == "INF" => Tag::Media(MediaTag::Inf),
        None => return None,
        Some("PROGRAM-DATE-TIME") => Tag::Media(MediaTag::ProgramDateTime),
        Some("BYTERANGE") => Tag::Media(MediaTag::ByteRange),
        Some("PART") => Tag::Media(MediaTag::Part),
        Some("KEY") => Tag::Media(MediaTag::Key),
        Some("MAP") => Tag::Media(MediaTag::Map),
        Some("DISCONTINUITY") => Tag::Media(MediaTag::Discontinuity),
        Some("GAP") => Tag::Media(MediaTag::Gap),
        Some("BITRATE") => Tag::Media(MediaTag::Bitrate),
        Some("DATERANGE") => Tag::Media(MediaTag::DateRange),
        Some("SKIP") => Tag::Media(MediaTag::Skip),
        Some("PRELOAD-HINT") => Tag::Media(MediaTag::PreloadHint),
        Some("RENDITION-REPORT") => Tag::Media(MediaTag::RenditionReport),
        Some("TARGETDURATION") => Tag::Media(MediaTag::TargetDuration),
        Some("MEDIA-SEQUENCE") => Tag::Media(MediaTag::MediaSequence),
        Some("DISCONTINUITY-SEQUENCE") => Tag::Media(MediaTag::DiscontinuitySequence),
        Some("ENDLIST") => Tag::Media(MediaTag::EndList),
        Some("PLAYLIST-TYPE") => Tag::Media(MediaTag::PlaylistType),
        Some("I-FRAMES-ONLY") => Tag::Media(MediaTag::IFramesOnly),
        Some("PART-INF") => Tag::Media(MediaTag::PartInf),
        Some("SERVER-CONTROL") => Tag::Media(MediaTag::ServerControl),
        Some("MEDIA") => Tag::Multivariant(MultivariantTag::Media),
        Some("STREAM-INF") => Tag::Multivariant(MultivariantTag::StreamInf),
        Some("I-FRAME-STREAM-INF") => Tag::Multivariant(MultivariantTag::IFrameStreamInf),
        Some("SESSION-DATA") => Tag::Multivariant(MultivariantTag::SessionData),
        Some("SESSION-KEY") => Tag::Multivariant(MultivariantTag::SessionKey),
        Some("CONTENT-STEERING") => Tag::Multivariant(MultivariantTag::ContentSteering),
        Some("VERSION") => Tag::Shared(SharedTag::Version),
        Some("INDEPENDENT-SEGMENTS") => Tag::Shared(SharedTag::IndependentSegments),
        Some("START") => Tag::Shared(SharedTag::Start),
        Some("DEFINE") => Tag::Shared(SharedTag::Define),
        Some("ALLOW-CACHE") => Tag::Shared(SharedTag::AllowCache),
        Some(_) => return None,
    };
    Some((tag, value))
}
