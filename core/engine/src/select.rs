//! Which tracks are played, and which of their renditions may be.

use telecine_abr::Cap;
use telecine_model::presentation::Groups;
use telecine_model::{Codec, Language, Period, Rendition, Segments, Track, TrackKind};

use crate::brightness::{keep_one_range, rank_of_track, shows, Brightness};
use crate::config::{Constraints, Preferences};
use crate::input::Capabilities;

/// A chosen track, and why.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Selected {
    /// Index in the period.
    pub(crate) track: usize,
    /// Reasons, strongest first.
    pub(crate) why: Vec<String>,
}

/// The best track of a kind in a period, or None if none should be played.
///
/// `wanted` is what the viewer chose explicitly: the track with this id is taken if there is one,
/// else the one most like `like` (the track played in the period before). What `is_dead` was found to be of no use.
pub(crate) fn select(
    period: &Period,
    kind: TrackKind,
    preferences: &Preferences,
    capabilities: &Capabilities,
    wanted: Option<&str>,
    like: Option<&Track>,
    is_dead: impl Fn(usize) -> bool,
) -> Option<Selected> {
    if !capabilities.kinds.contains(&kind) {
        return None;
    }
    let playable = |track: &Track| {
        track.kind == kind
            && track.trick_mode_for.is_empty()
            && track.renditions.iter().any(|rendition| is_playable(rendition, kind, capabilities))
    };
    let candidates = period.tracks.iter().enumerate().filter(|(index, track)| playable(track) && !is_dead(*index));
    let candidates: Vec<(usize, &Track)> = candidates.collect();
    if let Some((index, _)) = candidates.iter().find(|(_, track)| Some(track.id.as_str()) == wanted) {
        return Some(Selected { track: *index, why: vec!["chosen by the viewer".to_owned()] });
    }
    if let Some(like) = like {
        let same = |(_, track): &&(usize, &Track)| {
            track.language == like.language && track.roles == like.roles && track.forced == like.forced
        };
        let found = candidates.iter().find(|(_, t)| t.id == like.id).or_else(|| candidates.iter().find(same));
        if let Some((index, _)) = found {
            return Some(Selected { track: *index, why: vec!["continues the track of the period before".to_owned()] });
        }
    }
    match kind {
        TrackKind::Text => select_text(&candidates, preferences),
        TrackKind::Audio => {
            rank(&candidates, &preferences.audio_languages, &preferences.audio_roles, &preferences.codecs, None)
        }
        TrackKind::Video => rank(&candidates, &[], &[], &preferences.codecs, Some(capabilities)),
        TrackKind::Image | TrackKind::Metadata => None,
    }
}

/// Subtitles are shown if their language was asked for; forced ones if theirs is that of the sound.
fn select_text(candidates: &[(usize, &Track)], preferences: &Preferences) -> Option<Selected> {
    let in_band = |track: &Track| track.in_stream_id.is_some();
    let full: Vec<(usize, &Track)> = candidates.iter().filter(|(_, t)| !t.forced && !in_band(t)).copied().collect();
    let asked = &preferences.text_languages;
    let spoken = |track: &Track, languages: &[String]| language_rank(track, languages).is_some();
    if !asked.is_empty() {
        let fitting: Vec<(usize, &Track)> = full.iter().filter(|(_, t)| spoken(t, asked)).copied().collect();
        if let Some(selected) = rank(&fitting, asked, &preferences.text_roles, &[], None) {
            return Some(selected);
        }
    }
    let languages = if asked.is_empty() { &preferences.audio_languages } else { asked };
    let forced: Vec<(usize, &Track)> =
        candidates.iter().filter(|(_, t)| t.forced && !in_band(t) && spoken(t, languages)).copied().collect();
    rank(&forced, languages, &[], &[], None)
}

/// The best captions inside of the picture in a period (CEA-608, CEA-708): what the viewer chose, else what is
/// in a language that was asked for.
pub(crate) fn select_captions(period: &Period, preferences: &Preferences, wanted: Option<&str>) -> Option<Selected> {
    let in_band = |track: &Track| track.kind == TrackKind::Text && track.in_stream_id.is_some();
    let candidates: Vec<(usize, &Track)> = period.tracks.iter().enumerate().filter(|(_, t)| in_band(t)).collect();
    if let Some((index, _)) = candidates.iter().find(|(_, track)| Some(track.id.as_str()) == wanted) {
        return Some(Selected { track: *index, why: vec!["chosen by the viewer".to_owned()] });
    }
    let asked = &preferences.text_languages;
    let fitting: Vec<_> = candidates.into_iter().filter(|(_, t)| language_rank(t, asked).is_some()).collect();
    rank(&fitting, asked, &preferences.text_roles, &[], None)
}

/// Orders by language, role, whether the display shows it, the title's own default, priority, codec, brightness, power, position.
fn rank(
    candidates: &[(usize, &Track)],
    languages: &[String],
    roles: &[String],
    codecs: &[String],
    display: Option<&Capabilities>,
) -> Option<Selected> {
    let key = |(index, track): &(usize, &Track)| {
        let role = roles.iter().position(|role| track.roles.contains(role)).unwrap_or(roles.len());
        // Descriptions, commentary and the like are only played when asked for.
        let special = role == roles.len() && is_special(track);
        let codec = codecs.iter().position(|prefix| plays(track, prefix)).unwrap_or(codecs.len());
        let language = language_rank(track, languages).unwrap_or((languages.len(), 0));
        let brightness = display.map_or(Brightness::Shown(0), |display| rank_of_track(track, display));
        let priority = (!track.default, u32::MAX - track.selection_priority, !track.autoselect);
        let costs = display.is_some_and(|display| !display.efficient.iter().any(|prefix| plays(track, prefix)));
        (language, role, special, !brightness.is_shown(), priority, codec, brightness, costs, *index)
    };
    let (index, track) = candidates.iter().min_by_key(|candidate| key(candidate))?;
    let mut why = Vec::new();
    if let Some((place, _)) = language_rank(track, languages) {
        why.push(format!("language {} is wish {}", languages[place], place + 1));
    }
    if let Some(role) = roles.iter().find(|role| track.roles.contains(role)) {
        why.push(format!("has the role {role}"));
    }
    if track.default {
        why.push("default of the title".to_owned());
    }
    if why.is_empty() {
        why.push(if candidates.len() == 1 { "the only one" } else { "first that fits" }.to_owned());
    }
    Some(Selected { track: *index, why })
}

/// How well a track's language fits: place in the list of wishes, then how exactly.
fn language_rank(track: &Track, languages: &[String]) -> Option<(usize, u8)> {
    let language = track.language.as_ref()?;
    languages.iter().enumerate().find_map(|(place, wanted)| {
        let quality = language.matches(&Language::parse(wanted)) as u8;
        (quality > 0).then(|| (place, u8::MAX - quality))
    })
}

fn is_special(track: &Track) -> bool {
    let special = ["description", "commentary", "enhanced-audio-intelligibility", "emergency", "sign", "easyreader"];
    track.roles.iter().any(|role| special.contains(&role.as_str()))
}

fn plays(track: &Track, prefix: &str) -> bool {
    track.renditions.iter().any(|r| r.codecs.iter().any(|c| is_of(c.as_str(), prefix)))
}

/// Whether there is a decoder for a codec.
pub(crate) fn decodes(codec: &Codec, capabilities: &Capabilities) -> bool {
    // Text is shown by the application and costs no decoder.
    codec.kind() == Some(TrackKind::Text)
        || capabilities.codecs.is_empty()
        || capabilities.codecs.iter().any(|prefix| is_of(codec.as_str(), prefix))
}

/// Whether a codec is decoded with so many channels of sound.
pub(crate) fn decodes_all(codec: &Codec, channels: Option<u32>, capabilities: &Capabilities) -> bool {
    decodes(codec, capabilities) && takes(codec, channels, capabilities)
}

/// Whether the decoder for a codec takes so many channels of sound.
fn takes(codec: &Codec, channels: Option<u32>, capabilities: &Capabilities) -> bool {
    let most =
        capabilities.max_channels.iter().filter(|(prefix, _)| is_of(codec.as_str(), prefix)).map(|(_, most)| *most);
    match (channels, most.min()) {
        (Some(channels), Some(most)) => channels <= most,
        _ => true,
    }
}

/// Whether what a rendition has of a kind can be decoded, whatever else is muxed into it or goes with it. A rendition
/// that names no codec must be tried (H089).
fn is_playable(rendition: &Rendition, kind: TrackKind, capabilities: &Capabilities) -> bool {
    let concerns = |codec: &&Codec| codec.kind().is_none_or(|of| of == kind);
    fits_device(rendition, capabilities)
        && rendition.codecs.iter().filter(concerns).all(|codec| decodes_all(codec, rendition.channels, capabilities))
}

/// Whether the sink decodes every codec of a rendition.
pub(crate) fn is_decodable(rendition: &Rendition, capabilities: &Capabilities) -> bool {
    fits_device(rendition, capabilities)
        && rendition.codecs.iter().all(|codec| decodes_all(codec, rendition.channels, capabilities))
}

fn fits_device(rendition: &Rendition, capabilities: &Capabilities) -> bool {
    let fits_height = match (rendition.height, capabilities.max_height) {
        (Some(height), Some(max)) => height <= max,
        _ => true,
    };
    // HDR of an unknown kind should not be chosen (H094).
    let known_range = rendition.video_range.as_deref().is_none_or(|range| matches!(range, "SDR" | "HLG" | "PQ"));
    fits_height && known_range && is_readable(rendition)
}

/// Whether the container is one that is read here, as far as the manifest says. What has an unknown name is tried.
pub(crate) fn is_readable(rendition: &Rendition) -> bool {
    let subtype = rendition.mime_type.as_deref().and_then(|mime| mime.split(';').next()?.trim().split('/').nth(1));
    !subtype.is_some_and(|subtype| {
        ["webm", "x-matroska", "matroska", "ogg"].iter().any(|other| subtype.eq_ignore_ascii_case(other))
    })
}

/// Whether a codec string begins with `prefix`, whole fields of it: `mp4a.40.2` is not the
/// beginning of `mp4a.40.29`.
fn is_of(codec: &str, prefix: &str) -> bool {
    codec.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || prefix.ends_with('.'))
}

/// One step of a bitrate ladder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// Index of the rendition in its track.
    pub(crate) rendition: usize,
    /// Renditions of the same quality elsewhere (other pathways, redundant variants).
    pub(crate) alternates: Vec<usize>,
    /// Declared bits a second.
    pub(crate) bitrate: u64,
}

impl Step {
    /// Every rendition that gives this quality, the preferred one first.
    pub(crate) fn candidates(&self) -> impl Iterator<Item = usize> + '_ {
        std::iter::once(self.rendition).chain(self.alternates.iter().copied())
    }
}

/// The renditions of a track that may be switched between, ascending by bitrate: decodable, within
/// the constraints, of one codec family, on the preferred pathway, with the chosen audio group.
/// If the constraints leave nothing, the smallest remains: something plays.
pub(crate) fn ladder(
    track: &Track,
    capabilities: &Capabilities,
    constraints: &Constraints,
    preferences: &Preferences,
    pathway: Option<&str>,
    audio: Option<&Track>,
) -> Vec<Step> {
    let mut usable: Vec<usize> = (0..track.renditions.len())
        .filter(|i| is_playable(&track.renditions[*i], track.kind, capabilities))
        .filter(|i| !track.renditions[*i].key_frames_only)
        // What enhances another representation cannot be decoded without it (ISO/IEC 23009-1, 5.3.5.2).
        .filter(|i| track.renditions[*i].depends_on.is_empty())
        .collect();
    // A picture without its sound is better than neither, and worse than both.
    if usable.iter().any(|i| is_decodable(&track.renditions[*i], capabilities)) {
        usable.retain(|i| is_decodable(&track.renditions[*i], capabilities));
    }
    // What one audio group has muxed into the picture another may have apart: only that is fetched.
    if track.renditions.iter().any(|rendition| !is_elsewhere(rendition)) {
        usable.retain(|i| !is_elsewhere(&track.renditions[*i]));
    }
    // What the application names comes before everything that it only wishes for.
    if usable.iter().any(|i| is_named(&track.renditions[*i], constraints)) {
        usable.retain(|i| is_named(&track.renditions[*i], constraints));
    }
    // Where the constraints leave nothing, the smallest is what remains.
    usable.sort_by_key(|i| (track.renditions[*i].bandwidth, *i));
    // A sound-only variant is a fall-back for the ears, not a step of the picture's ladder.
    keep_if_any(&mut usable, |i| {
        let rendition = &track.renditions[i];
        rendition.codecs.is_empty() || main_codec(rendition, track.kind).is_some()
    });
    if let Some(audio) = audio {
        let offers = |groups: &Groups| {
            let of_group = |rendition: &&Rendition| rendition.groups.audio == groups.audio;
            groups.audio.is_none()
                || audio.renditions.iter().filter(of_group).any(|r| is_playable(r, TrackKind::Audio, capabilities))
        };
        keep_if_any(&mut usable, |i| offers(&track.renditions[i].groups));
    }
    // What the application wishes for comes before how bright the picture may be, and that before the order of the manifest.
    let wished = wished_codec(track, &usable, preferences).cloned();
    keep_one_range(track, &mut usable, capabilities, |rendition| {
        let codec = main_codec(rendition, track.kind);
        let is_wished = wished.as_ref().is_none_or(|wished| codec.is_some_and(|codec| codec.same_decoder(wished)));
        match is_wished {
            true if fits_height(rendition, constraints) && fits_bitrate(rendition, constraints) => 0,
            true => 1,
            false => 2,
        }
    });
    let family = preferred_codec(track, &usable, preferences, capabilities);
    if let Some(family) = family {
        usable
            .retain(|i| main_codec(&track.renditions[*i], track.kind).is_none_or(|codec| codec.same_decoder(&family)));
    }
    keep_if_any(&mut usable, |i| {
        let rendition = &track.renditions[i];
        fits_height(rendition, constraints) && fits_bitrate(rendition, constraints)
    });
    if let Some(enough) = enough(track, &usable, capabilities) {
        usable.retain(|i| area(&track.renditions[*i]).is_none_or(|area| area <= enough));
    }
    if let Some(least) = constraints.min_bitrate.filter(|_| track.kind == TrackKind::Video) {
        let highest = usable.iter().map(|i| track.renditions[*i].bandwidth).max().unwrap_or_default();
        usable.retain(|i| track.renditions[*i].bandwidth >= least.min(highest));
    }
    let preferred = pathway.or_else(|| usable.first().and_then(|i| track.renditions[*i].pathway.as_deref()));
    let on_pathway = |i: usize| track.renditions[i].pathway.as_deref() == preferred;
    usable.sort_by_key(|i| (track.renditions[*i].bandwidth, !on_pathway(*i), *i));
    let mut steps: Vec<Step> = Vec::new();
    for i in usable {
        let rendition = &track.renditions[i];
        // What is the same has the same bitrate, and so stands beside it.
        let mut beside = steps.iter_mut().rev().take_while(|step| step.bitrate == rendition.bandwidth);
        let same = beside.find(|step| is_same_quality(&track.renditions[step.rendition], rendition));
        match same {
            Some(step) => step.alternates.push(i),
            None => steps.push(Step { rendition: i, alternates: Vec::new(), bitrate: rendition.bandwidth }),
        }
    }
    thinned(steps)
}

/// Nobody sees the difference between more steps than that, and what rules reckon grows with them: of more, so many are kept, from
/// the lowest to the highest.
const MOST_STEPS: usize = 64;

fn thinned(steps: Vec<Step>) -> Vec<Step> {
    let last = steps.len().saturating_sub(1);
    if last < MOST_STEPS {
        return steps;
    }
    let kept = |place: usize| place * last / (MOST_STEPS - 1);
    let mut next = 0;
    let keep = |(i, step)| {
        let keeps = kept(next) == i;
        next += usize::from(keeps);
        keeps.then_some(step)
    };
    steps.into_iter().enumerate().filter_map(keep).collect()
}

/// What excluded the next rendition above the top of a ladder; None if nothing did: the title has no more, or what
/// it has is of another codec that the viewer's device could play as well.
pub(crate) fn cap(
    track: &Track,
    top: &Step,
    capabilities: &Capabilities,
    constraints: &Constraints,
) -> Option<(usize, Cap)> {
    let taken = track.renditions.get(top.rendition)?;
    let above = track.renditions.iter().enumerate().filter(|(_, rendition)| {
        rendition.bandwidth > top.bitrate
            && !rendition.key_frames_only
            && (rendition.codecs.is_empty() || main_codec(rendition, track.kind).is_some())
    });
    let (index, next) = above.min_by_key(|(_, rendition)| rendition.bandwidth)?;
    let alike = match (main_codec(next, track.kind), main_codec(taken, track.kind)) {
        (Some(next), Some(taken)) => next.same_decoder(taken),
        _ => true,
    };
    let by = if !is_decodable(next, capabilities) || (shows(taken, capabilities) && !shows(next, capabilities)) {
        Some(Cap::Device)
    } else if is_named(taken, constraints) && !is_named(next, constraints) {
        Some(Cap::Named)
    } else if !alike {
        None
    } else if !fits_height(next, constraints) {
        Some(Cap::MaxHeight)
    } else if !fits_bitrate(next, constraints) {
        Some(Cap::MaxBitrate)
    } else {
        // The screen shows no more of it.
        let larger = area(next).zip(area(taken)).is_some_and(|(next, taken)| next > taken);
        (larger && capabilities.screen.is_some_and(|screen| fills(taken, screen))).then_some(Cap::Device)
    };
    by.map(|by| (index, by))
}

/// Whether an HLS rendition has no URI: it is in the segments of the variants (RFC 8216bis, 4.4.6.2.1).
pub(crate) fn is_elsewhere(rendition: &Rendition) -> bool {
    rendition.uri.is_none() && matches!(rendition.segments, Segments::Unloaded)
}

fn fits_height(rendition: &Rendition, constraints: &Constraints) -> bool {
    constraints.max_height.is_none_or(|max| rendition.height.is_none_or(|height| height <= max))
}

fn fits_bitrate(rendition: &Rendition, constraints: &Constraints) -> bool {
    constraints.max_bitrate.is_none_or(|max| rendition.bandwidth <= max)
}

/// Whether the application named it; of nothing named, nothing is.
fn is_named(rendition: &Rendition, constraints: &Constraints) -> bool {
    constraints.renditions.contains(&rendition.id)
}

/// The longer and the shorter side of a picture, where they are said.
fn sides(rendition: &Rendition) -> Option<(u64, u64)> {
    let (width, height) = rendition.width.zip(rendition.height)?;
    Some((width.max(height).into(), width.min(height).into()))
}

/// How many pixels a picture has.
fn area(rendition: &Rendition) -> Option<u64> {
    sides(rendition).map(|(long, short)| long.saturating_mul(short))
}

/// Whether a picture has as many pixels as a screen in one direction, so that more of them would not be seen.
fn fills(rendition: &Rendition, (width, height): (u32, u32)) -> bool {
    let (most, least) = (u64::from(width.max(height)), u64::from(width.min(height)));
    sides(rendition).is_some_and(|(long, short)| long >= most || short >= least)
}

/// So many pixels the smallest picture has that fills the screen.
fn enough(track: &Track, usable: &[usize], capabilities: &Capabilities) -> Option<u64> {
    let screen = capabilities.screen?;
    let filling = usable.iter().map(|i| &track.renditions[*i]).filter(|rendition| fills(rendition, screen));
    filling.filter_map(area).min()
}

/// Keeps what satisfies the condition, unless that would leave nothing: then the smallest stays.
fn keep_if_any(indices: &mut Vec<usize>, condition: impl Fn(usize) -> bool) {
    let kept: Vec<usize> = indices.iter().copied().filter(|i| condition(*i)).collect();
    if kept.is_empty() {
        indices.truncate(1);
    } else {
        *indices = kept;
    }
}

fn is_same_quality(a: &Rendition, b: &Rendition) -> bool {
    a.bandwidth == b.bandwidth && (a.width, a.height) == (b.width, b.height) && a.codecs == b.codecs
}

fn main_codec(rendition: &Rendition, kind: TrackKind) -> Option<&Codec> {
    rendition.codecs.iter().find(|codec| codec.kind() == Some(kind))
}

/// The codec that the ladder is made of: the viewer's first preference that the track offers, else that of its first rendition, or
/// of the first that is decoded with little power.
fn preferred_codec(
    track: &Track,
    usable: &[usize],
    preferences: &Preferences,
    capabilities: &Capabilities,
) -> Option<Codec> {
    // In the order of the manifest, not of the bitrates.
    let costs = |codec: &Codec| !capabilities.efficient.iter().any(|prefix| is_of(codec.as_str(), prefix));
    let first = usable
        .iter()
        .filter_map(|i| Some((*i, main_codec(&track.renditions[*i], track.kind)?)))
        .min_by_key(|(i, codec)| (costs(codec), *i));
    wished_codec(track, usable, preferences).or(first.map(|(_, codec)| codec)).cloned()
}

/// The viewer's first preference among codecs that the track offers.
fn wished_codec<'t>(track: &'t Track, usable: &[usize], preferences: &Preferences) -> Option<&'t Codec> {
    let mut listed = usable.to_vec();
    listed.sort_unstable();
    let codecs = || listed.iter().filter_map(|i| main_codec(&track.renditions[*i], track.kind));
    preferences.codecs.iter().find_map(|prefix| codecs().find(|codec| is_of(codec.as_str(), prefix)))
}

/// The rendition of an audio track that goes with a variant: that of its audio group.
pub(crate) fn audio_rendition(track: &Track, groups: &Groups) -> Option<usize> {
    groups.audio.as_ref()?;
    track.renditions.iter().position(|rendition| rendition.groups.audio == groups.audio)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn audio(id: &str, language: &str, default: bool, roles: &[&str]) -> Track {
        let mut track = Track::new(id, TrackKind::Audio);
        track.language = Some(Language::parse(language));
        track.default = default;
        track.roles = roles.iter().map(|r| (*r).to_owned()).collect();
        track.renditions = vec![Rendition::new("r", 64_000)];
        track
    }

    fn period(tracks: Vec<Track>) -> Period {
        Period { tracks, ..Period::default() }
    }

    fn pick(period: &Period, kind: TrackKind, preferences: &Preferences) -> Option<String> {
        let selected = select(period, kind, preferences, &Capabilities::default(), None, None, |_| false)?;
        Some(period.tracks[selected.track].id.clone())
    }

    #[test]
    fn the_viewers_language_wins_over_the_default() {
        let period = period(vec![audio("en", "en", true, &[]), audio("fr", "fr-CA", false, &[])]);
        let mut preferences = Preferences::default();
        assert_eq!(pick(&period, TrackKind::Audio, &preferences).as_deref(), Some("en"));
        preferences.audio_languages = vec!["de".into(), "fr".into()];
        assert_eq!(pick(&period, TrackKind::Audio, &preferences).as_deref(), Some("fr"));
    }

    #[test]
    fn descriptions_are_only_played_when_asked_for() {
        let period = period(vec![audio("ad", "en", false, &["description"]), audio("en", "en", false, &["main"])]);
        let mut preferences = Preferences { audio_languages: vec!["en".into()], ..Preferences::default() };
        assert_eq!(pick(&period, TrackKind::Audio, &preferences).as_deref(), Some("en"));
        preferences.audio_roles = vec!["description".into()];
        assert_eq!(pick(&period, TrackKind::Audio, &preferences).as_deref(), Some("ad"));
    }

    #[test]
    fn subtitles_are_off_until_their_language_is_asked_for_but_forced_ones_follow_the_sound() {
        let text = |id: &str, forced| Track { kind: TrackKind::Text, forced, ..audio(id, "en", true, &[]) };
        let period = period(vec![text("full", false), text("forced", true)]);
        let mut preferences = Preferences::default();
        assert_eq!(pick(&period, TrackKind::Text, &preferences), None);
        preferences.audio_languages = vec!["en".into()];
        assert_eq!(pick(&period, TrackKind::Text, &preferences).as_deref(), Some("forced"));
        preferences.text_languages = vec!["en".into()];
        assert_eq!(pick(&period, TrackKind::Text, &preferences).as_deref(), Some("full"));
    }

    fn video(renditions: &[(u64, u32, &str)]) -> Track {
        let mut track = Track::new("v", TrackKind::Video);
        for (i, (bandwidth, height, codec)) in renditions.iter().enumerate() {
            let mut rendition = Rendition::new(i.to_string(), *bandwidth);
            rendition.height = Some(*height);
            rendition.codecs = Codec::parse_list(codec);
            track.renditions.push(rendition);
        }
        track
    }

    #[test]
    fn of_a_ladder_with_thousands_of_steps_so_many_are_kept_as_a_rule_can_weigh_from_the_lowest_to_the_highest() {
        for (many, kept) in [(1, 1), (63, 63), (64, 64), (65, 64), (10_000, 64)] {
            let bandwidths: Vec<_> = (0..many).map(|i| (100_000 + i * 1000, 360, "avc1.4d401e")).collect();
            let track = video(&bandwidths);
            let (device, limits, viewer) = (Capabilities::default(), Constraints::default(), Preferences::default());
            let steps = ladder(&track, &device, &limits, &viewer, None, None);
            assert_eq!(steps.len(), kept, "{many}");
            assert!(steps.is_sorted_by(|a, b| a.bitrate < b.bitrate), "{many}");
            let ends = (steps[0].bitrate, steps[kept - 1].bitrate);
            assert_eq!(ends, (100_000, 100_000 + (many - 1) * 1000), "{many}");
        }
    }

    #[test]
    fn a_ladder_is_of_one_codec_ascending_and_within_the_constraints() {
        let track = video(&[
            (3_000_000, 720, "avc1.64001f"),
            (500_000, 360, "avc1.4d401e"),
            (400_000, 360, "hvc1.1.6.L93.90"),
            (9_000_000, 2160, "avc1.640033"),
        ]);
        let ladder = |constraints: &Constraints, preferences: &Preferences| -> Vec<usize> {
            ladder(&track, &Capabilities::default(), constraints, preferences, None, None)
                .iter()
                .map(|s| s.rendition)
                .collect()
        };
        assert_eq!(ladder(&Constraints::default(), &Preferences::default()), [1, 0, 3]);
        let hd = Constraints { max_height: Some(1080), ..Constraints::default() };
        assert_eq!(ladder(&hd, &Preferences::default()), [1, 0]);
        let hevc = Preferences { codecs: vec!["hvc1".into()], ..Preferences::default() };
        assert_eq!(ladder(&hd, &hevc), [2]);
        let none = Constraints { max_height: Some(10), ..Constraints::default() };
        assert_eq!(ladder(&none, &Preferences::default()).len(), 1, "something plays");
    }

    fn bitrates(track: &Track, capabilities: &Capabilities, constraints: &Constraints) -> Vec<u64> {
        let steps = ladder(track, capabilities, constraints, &Preferences::default(), None, None);
        steps.iter().map(|step| step.bitrate / 1000).collect()
    }

    #[test]
    fn what_the_application_names_is_what_is_played_of_a_track_that_has_it() {
        let track =
            video(&[(500_000, 360, "avc1.4d401e"), (900_000, 480, "avc1.4d401e"), (800_000, 480, "hvc1.1.6.L93")]);
        let named = |ids: &[&str]| Constraints {
            renditions: ids.iter().map(|id| (*id).to_owned()).collect(),
            ..Constraints::default()
        };
        let device = Capabilities::default();
        assert_eq!(bitrates(&track, &device, &named(&["1"])), [900]);
        assert_eq!(bitrates(&track, &device, &named(&["2"])), [800], "whatever its codec");
        assert_eq!(bitrates(&track, &device, &named(&["elsewhere"])), [500, 900]);
        let lowest = named(&["0"]);
        let steps = ladder(&track, &device, &lowest, &Preferences::default(), None, None);
        assert_eq!(cap(&track, &steps[0], &device, &lowest), Some((2, Cap::Named)));
    }

    #[test]
    fn nothing_below_the_lowest_bitrate_is_played_where_there_is_more() {
        let track =
            video(&[(500_000, 360, "avc1.4d401e"), (900_000, 480, "avc1.4d401e"), (3_000_000, 720, "avc1.64001f")]);
        let within = |min_bitrate, max_bitrate| {
            let constraints = Constraints { min_bitrate, max_bitrate, ..Constraints::default() };
            bitrates(&track, &Capabilities::default(), &constraints)
        };
        assert_eq!(within(Some(600_000), None), [900, 3000]);
        assert_eq!(within(Some(9_000_000), None), [3000], "the highest that there is");
        assert_eq!(within(Some(2_000_000), Some(1_000_000)), [900], "within the highest that may be");
    }

    #[test]
    fn of_pictures_that_fill_the_screen_only_the_smallest_is_played() {
        let sizes = [(640, 360), (1280, 720), (1920, 800), (2560, 1440)];
        let mut track =
            video(&[(1, 0, "avc1.4d401e"), (2, 0, "avc1.4d401e"), (3, 0, "avc1.4d401e"), (4, 0, "avc1.4d401e")]);
        for (rendition, (width, height)) in track.renditions.iter_mut().zip(sizes) {
            (rendition.width, rendition.height) = (Some(width), Some(height));
            rendition.bandwidth *= 1_000_000;
        }
        let on = |screen| {
            let device = Capabilities { screen, ..Capabilities::default() };
            bitrates(&track, &device, &Constraints::default()).iter().map(|bits| bits / 1000).collect::<Vec<_>>()
        };
        assert_eq!(on(None), [1, 2, 3, 4]);
        assert_eq!(on(Some((1920, 1080))), [1, 2, 3], "it is as wide");
        assert_eq!(on(Some((1080, 1920))), [1, 2, 3], "whichever way it is turned");
        assert_eq!(on(Some((1366, 768))), [1, 2, 3], "720 lines would be stretched");
        assert_eq!(on(Some((320, 200))), [1], "something plays");
        assert_eq!(on(Some((3840, 2160))), [1, 2, 3, 4], "nothing fills it");
        let device = Capabilities { screen: Some((1920, 1080)), ..Capabilities::default() };
        let steps = ladder(&track, &device, &Constraints::default(), &Preferences::default(), None, None);
        let top = steps.last().expect("a step");
        assert_eq!(cap(&track, top, &device, &Constraints::default()), Some((3, Cap::Device)));
    }

    #[test]
    fn without_a_wish_a_codec_is_played_that_takes_little_power() {
        let track = video(&[(900_000, 480, "av01.0.04M.08"), (1_500_000, 480, "avc1.4d401e")]);
        let efficient = |codecs: &[&str]| {
            let efficient = codecs.iter().map(|codec| (*codec).to_owned()).collect();
            Capabilities { efficient, ..Capabilities::default() }
        };
        let played = |device: &Capabilities| bitrates(&track, device, &Constraints::default());
        assert_eq!(played(&efficient(&[])), [900], "the manifest's first");
        assert_eq!(played(&efficient(&["avc1"])), [1500]);
        assert_eq!(played(&efficient(&["avc1", "av01"])), [900]);
        let wish = Preferences { codecs: vec!["av01".to_owned()], ..Preferences::default() };
        let steps = ladder(&track, &efficient(&["avc1"]), &Constraints::default(), &wish, None, None);
        assert_eq!(steps[0].rendition, 0, "a wish comes first");
    }

    #[test]
    fn redundant_variants_are_alternates_of_one_step() {
        let track =
            video(&[(500_000, 360, "avc1.4d401e"), (500_000, 360, "avc1.4d401e"), (900_000, 480, "avc1.4d401e")]);
        let steps =
            ladder(&track, &Capabilities::default(), &Constraints::default(), &Preferences::default(), None, None);
        assert_eq!(steps.len(), 2);
        assert_eq!(steps[0].alternates, [1]);
    }
}
