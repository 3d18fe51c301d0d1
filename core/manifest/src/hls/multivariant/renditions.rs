//! `EXT-X-MEDIA` (section 4.4.6.1).

use telecine_model::presentation;
use telecine_model::{ErrorCode, Rendition, SortedMap, SortedSet, TrackKind};

use super::super::attributes::{clip, Attributes};
use super::super::protection::resolve;
use super::super::reader::Reader;
use super::super::report::{Feature, Reject};
use super::variants::{stable_id, NO_CAPTIONS};

/// What `TYPE` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum MediaType {
    Audio,
    Video,
    Subtitles,
    ClosedCaptions,
}

impl MediaType {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Audio => "AUDIO",
            Self::Video => "VIDEO",
            Self::Subtitles => "SUBTITLES",
            Self::ClosedCaptions => "CLOSED-CAPTIONS",
        }
    }

    pub(super) const fn kind(self) -> TrackKind {
        match self {
            Self::Audio => TrackKind::Audio,
            Self::Video => TrackKind::Video,
            Self::Subtitles | Self::ClosedCaptions => TrackKind::Text,
        }
    }

    /// The field of a membership that holds groups of this type.
    pub(super) fn group_of(self, groups: &mut presentation::Groups) -> &mut Option<String> {
        match self {
            Self::Audio => &mut groups.audio,
            Self::Video => &mut groups.video,
            Self::Subtitles => &mut groups.subtitles,
            Self::ClosedCaptions => &mut groups.closed_captions,
        }
    }
}

/// What makes renditions of several groups the same choice for the viewer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Identity {
    pub(super) media_type: MediaType,
    pub(super) name: String,
    pub(super) language: Option<String>,
    pub(super) assoc_language: Option<String>,
    pub(super) characteristics: Option<String>,
    pub(super) channels: Option<String>,
    pub(super) in_stream_id: Option<String>,
    pub(super) forced: bool,
}

/// One tag.
pub(super) struct Media {
    pub(super) identity: Identity,
    pub(super) group: String,
    pub(super) default: bool,
    pub(super) autoselect: bool,
    pub(super) rendition: Rendition,
}

/// The groups seen so far.
#[derive(Default)]
pub(super) struct Groups(SortedMap<(MediaType, String), Group>);

#[derive(Default)]
struct Group {
    names: SortedSet<String>,
    has_default: bool,
}

impl Groups {
    /// The first group that a variant names and that does not exist.
    pub(super) fn missing<'g>(&self, named: &'g presentation::Groups) -> Option<(&'static str, &'g str)> {
        let captions = named.closed_captions.as_ref().filter(|group| *group != NO_CAPTIONS);
        let named = [
            (MediaType::Audio, named.audio.as_ref()),
            (MediaType::Video, named.video.as_ref()),
            (MediaType::Subtitles, named.subtitles.as_ref()),
            (MediaType::ClosedCaptions, captions),
        ];
        named
            .into_iter()
            .filter_map(|(media_type, group)| group.map(|group| (media_type, group)))
            .find(|(media_type, group)| !self.0.contains_key(&(*media_type, (*group).clone())))
            .map(|(media_type, group)| (media_type.name(), group.as_str()))
    }

    /// Names are unique in a group, and at most one member is the default (H085).
    fn add(&mut self, media: &Media, reader: &mut Reader<'_, '_>) -> Result<(), Reject> {
        let key = (media.identity.media_type, media.group.clone());
        let group = self.0.entry(key).or_default();
        let contradiction = ErrorCode::ManifestContradiction;
        if !group.names.insert(media.identity.name.clone()) {
            let message = format!("the group has two renditions with the name {}", clip(&media.identity.name));
            reader.report.fault("H085", contradiction, message)?;
        }
        if media.default && core::mem::replace(&mut group.has_default, true) {
            let message = "the group has two renditions with DEFAULT=YES";
            reader.report.fault("H085", contradiction, message)?;
        }
        Ok(())
    }
}

/// Reads a rendition.
pub(super) fn parse<'t>(
    value: &'t str,
    number: usize,
    groups: &mut Groups,
    reader: &mut Reader<'t, '_>,
) -> Result<Media, Reject> {
    let attributes = Attributes::parse(value, &[], reader)?;
    let media_type = match attributes.word("TYPE", reader)? {
        Some("AUDIO") => Some(MediaType::Audio),
        Some("VIDEO") => Some(MediaType::Video),
        Some("SUBTITLES") => Some(MediaType::Subtitles),
        Some("CLOSED-CAPTIONS") => Some(MediaType::ClosedCaptions),
        Some(other) => return Err(reader.unknown_value("TYPE", other)),
        None => None,
    };
    let group = attributes.string("GROUP-ID", reader)?;
    let name = attributes.string("NAME", reader)?;
    let (Some(media_type), Some(group), Some(name)) = (media_type, group, name) else {
        let message = "EXT-X-MEDIA needs TYPE, GROUP-ID and NAME";
        return Err(reader.report.reject("H080", ErrorCode::ManifestMissing, message));
    };
    let uri = uri(media_type, &attributes, reader)?;
    let in_stream_id = in_stream_id(media_type, &attributes, reader)?;
    let default = attributes.flag("DEFAULT", reader)?;
    let mut autoselect = attributes.flag("AUTOSELECT", reader)?;
    if default && !autoselect {
        if attributes.has("AUTOSELECT") {
            let message = "DEFAULT=YES stands with AUTOSELECT=NO; it is taken as YES";
            reader.report.fault("H082", ErrorCode::ManifestContradiction, message)?;
        }
        autoselect = true;
    }
    let mut forced = attributes.flag("FORCED", reader)?;
    if attributes.has("FORCED") && media_type != MediaType::Subtitles {
        let message = "FORCED is for subtitles only; it is left out";
        reader.report.fault("H082", ErrorCode::ManifestContradiction, message)?;
        forced = false;
    }
    let channels = attributes.string("CHANNELS", reader)?;
    let id = stable_id("STABLE-RENDITION-ID", &attributes, reader)?;
    let made_up = || format!("{}-{number}", media_type.name().to_ascii_lowercase());
    let mut rendition = Rendition::new(id.unwrap_or_else(made_up), 0);
    rendition.uri = uri;
    rendition.sample_rate = attributes.integer("SAMPLE-RATE", reader)?.and_then(|rate| u32::try_from(rate).ok());
    // The count stands in front of coding and usage (H084).
    rendition.channels = channels.as_ref().and_then(|channels| channels.split('/').next()?.parse().ok());
    *media_type.group_of(&mut rendition.groups) = Some(group.clone());
    let media = Media {
        identity: Identity {
            media_type,
            name,
            language: attributes.string("LANGUAGE", reader)?,
            assoc_language: attributes.string("ASSOC-LANGUAGE", reader)?,
            characteristics: attributes.string("CHARACTERISTICS", reader)?,
            channels,
            in_stream_id,
            forced,
        },
        group,
        default,
        autoselect,
        rendition,
    };
    groups.add(&media, reader)?;
    Ok(media)
}

/// Subtitles have a URI, closed captions have none (H080, H081).
fn uri<'t>(
    media_type: MediaType,
    attributes: &Attributes<'t>,
    reader: &mut Reader<'t, '_>,
) -> Result<Option<String>, Reject> {
    let uri = attributes.quoted("URI", reader)?;
    match (media_type, uri) {
        (MediaType::Subtitles, None) => {
            let message = "EXT-X-MEDIA of type SUBTITLES needs URI";
            Err(reader.report.reject("H081", ErrorCode::ManifestMissing, message))
        }
        (MediaType::ClosedCaptions, Some(_)) => {
            let message = "closed captions have no URI; it is left out";
            reader.report.fault("H080", ErrorCode::ManifestContradiction, message)?;
            Ok(None)
        }
        (_, uri) => Ok(uri.map(|uri| resolve(reader.report.context.uri, &uri))),
    }
}

/// `INSTREAM-ID` (H083): required for closed captions, free text for other types since version 13.
fn in_stream_id<'t>(
    media_type: MediaType,
    attributes: &Attributes<'t>,
    reader: &mut Reader<'t, '_>,
) -> Result<Option<String>, Reject> {
    let id = attributes.string("INSTREAM-ID", reader)?;
    if media_type != MediaType::ClosedCaptions {
        if id.is_some() {
            reader.report.uses(Feature::InStreamId);
        }
        return Ok(id);
    }
    let Some(id) = id else {
        let message = "closed captions need INSTREAM-ID";
        return Err(reader.report.reject("H080", ErrorCode::ManifestMissing, message));
    };
    let service = id.strip_prefix("SERVICE").and_then(|number| number.parse::<u8>().ok());
    if service.is_some() {
        reader.report.uses(Feature::CaptionService);
    }
    let channel = matches!(id.as_str(), "CC1" | "CC2" | "CC3" | "CC4");
    if !channel && !service.is_some_and(|number| (1..=63).contains(&number)) {
        let message = format!("not a caption channel: {}", clip(&id));
        return Err(reader.report.reject("H083", ErrorCode::ManifestSyntax, message));
    }
    Ok(Some(id))
}
