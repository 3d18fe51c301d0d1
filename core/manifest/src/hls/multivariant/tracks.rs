//! Variants and renditions to the tracks that a viewer chooses between.

use telecine_model::presentation::Descriptor;
use telecine_model::{Codec, Language, Period, Rendition, SortedMap, SortedSet, Track, TrackKind};

use super::renditions::{Identity, Media, MediaType};

/// One period: the variants, then the renditions in the order of their names' first appearance,
/// then the I-frames.
pub(super) fn arrange(variants: Vec<Rendition>, media: Vec<Media>, i_frames: Vec<Rendition>) -> Period {
    let codecs = group_codecs(&variants);
    let mut ids = Ids::default();
    let mut tracks = Vec::new();
    if !variants.is_empty() {
        let kind = main_kind(&variants);
        let mut track = Track::new(ids.unique(kind.name().to_owned()), kind);
        track.default = true;
        track.autoselect = true;
        track.roles.push("main".to_owned());
        track.renditions = variants;
        tracks.push(track);
    }
    let main = tracks.first().map(|track| track.id.clone());
    tracks.extend(by_name(media, &codecs, &mut ids));
    if !i_frames.is_empty() {
        let mut track = Track::new(ids.unique("i-frames".to_owned()), TrackKind::Video);
        track.trick_mode_for = main.into_iter().collect();
        track.renditions = i_frames;
        tracks.push(track);
    }
    Period { id: "0".to_owned(), tracks, ..Period::default() }
}

/// Sound, if no variant can have a picture. Without codecs one may (H089).
fn main_kind(variants: &[Rendition]) -> TrackKind {
    let only_sound = |variant: &Rendition| {
        variant.width.is_none()
            && variant.frame_rate.is_none()
            && !variant.codecs.is_empty()
            && variant.codecs.iter().all(|codec| matches!(codec.kind(), Some(TrackKind::Audio | TrackKind::Text)))
    };
    if variants.iter().all(only_sound) {
        TrackKind::Audio
    } else {
        TrackKind::Video
    }
}

type GroupCodecs = SortedMap<(MediaType, String), Vec<Codec>>;

/// So many codecs of one group are told; no group has as many.
const GROUP_CODECS: usize = 64;

/// The codecs of a group: those of its kind in the variants that name it.
fn group_codecs(variants: &[Rendition]) -> GroupCodecs {
    let mut found = GroupCodecs::new();
    for variant in variants {
        let mut groups = variant.groups.clone();
        for media_type in [MediaType::Audio, MediaType::Video, MediaType::Subtitles] {
            let Some(group) = media_type.group_of(&mut groups).take() else {
                continue;
            };
            let known = found.entry((media_type, group)).or_default();
            for codec in &variant.codecs {
                if codec.kind() == Some(media_type.kind()) && known.len() < GROUP_CODECS && !known.contains(codec) {
                    known.push(codec.clone());
                }
            }
        }
    }
    found
}

/// Ids that no two tracks share.
#[derive(Default)]
struct Ids {
    taken: SortedSet<String>,
    /// How often each id was wanted.
    wanted: SortedMap<String, u64>,
}

impl Ids {
    fn unique(&mut self, wanted: String) -> String {
        let copies = self.wanted.entry(wanted.clone()).or_default();
        loop {
            *copies += 1;
            let id = if *copies == 1 { wanted.clone() } else { format!("{wanted}#{copies}") };
            if self.taken.insert(id.clone()) {
                return id;
            }
        }
    }
}

/// Renditions of one identity in several groups are one track; within a group each is its own.
fn by_name(media: Vec<Media>, codecs: &GroupCodecs, ids: &mut Ids) -> Vec<Track> {
    let mut tracks: Vec<Track> = Vec::new();
    let mut places: SortedMap<(Identity, usize), usize> = SortedMap::new();
    let mut copies: SortedMap<(Identity, String), usize> = SortedMap::new();
    for item in media {
        let copy = copies.entry((item.identity.clone(), item.group.clone())).or_default();
        let key = (item.identity.clone(), *copy);
        *copy += 1;
        let place = *places.entry(key).or_insert_with(|| {
            tracks.push(track_of(&item.identity, ids));
            tracks.len() - 1
        });
        let Some(track) = tracks.get_mut(place) else {
            continue;
        };
        let mut rendition = item.rendition;
        if let Some(found) = codecs.get(&(item.identity.media_type, item.group)) {
            rendition.codecs.clone_from(found);
        }
        track.default |= item.default;
        track.autoselect |= item.autoselect;
        track.channels = track.channels.max(rendition.channels);
        track.renditions.push(rendition);
    }
    tracks
}

fn track_of(identity: &Identity, ids: &mut Ids) -> Track {
    let kind = identity.media_type.kind();
    let language = identity.language.as_deref().unwrap_or("und");
    let id = ids.unique(format!("{}:{}:{language}", kind.name(), identity.name));
    let mut track = Track::new(id, kind);
    track.language = identity.language.as_deref().map(Language::parse);
    track.assoc_language = identity.assoc_language.as_deref().map(Language::parse);
    track.name = Some(identity.name.clone());
    track.forced = identity.forced;
    track.channel_layout.clone_from(&identity.channels);
    track.in_stream_id.clone_from(&identity.in_stream_id);
    let characteristics = identity.characteristics.as_deref().unwrap_or("");
    for characteristic in characteristics.split(',').map(str::trim).filter(|c| !c.is_empty()) {
        track.accessibility.push(Descriptor { scheme: characteristic.to_owned(), ..Descriptor::default() });
        if let Some(role) = role_of(characteristic) {
            add_role(&mut track, role);
        }
    }
    match identity.media_type {
        MediaType::ClosedCaptions => add_role(&mut track, "caption"),
        MediaType::Subtitles if identity.forced => add_role(&mut track, "forced-subtitle"),
        MediaType::Subtitles if track.roles.is_empty() => add_role(&mut track, "subtitle"),
        _ => {}
    }
    track
}

fn add_role(track: &mut Track, role: &str) {
    if !track.roles.iter().any(|known| known == role) {
        track.roles.push(role.to_owned());
    }
}

/// The DASH role (ISO/IEC 23009-1, 5.8.5.5) of a media characteristic.
fn role_of(characteristic: &str) -> Option<&'static str> {
    match characteristic {
        "public.accessibility.describes-video" => Some("description"),
        "public.accessibility.transcribes-spoken-dialog" | "public.accessibility.describes-music-and-sound" => {
            Some("caption")
        }
        "public.accessibility.enhances-speech-intelligibility" => Some("enhanced-audio-intelligibility"),
        "public.easy-to-read" => Some("easyreader"),
        "public.auxiliary-content" => Some("supplementary"),
        _ => None,
    }
}
