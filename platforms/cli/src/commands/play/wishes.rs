//! What was asked for on the command line and the title cannot give. It is played all the same, and said.

use std::collections::BTreeSet;

use telecine_drm::system::KeyRequirement;
use telecine_model::language::best_match;
use telecine_model::protection::KeyId;
use telecine_model::{Error, ErrorCode, Language, Limits, MediaTime, Presentation, Rendition, Track, TrackKind};

use crate::args::{Clock, GivenKey, Play};
use crate::report::{bits, Note, Protection};

/// The wishes that a title cannot fulfil.
pub(super) fn unmet(args: &Play, title: &Presentation) -> Vec<Note> {
    let languages =
        [("--audio-lang", TrackKind::Audio, &args.audio_lang), ("--text-lang", TrackKind::Text, &args.text_lang)];
    let languages = languages.into_iter().filter_map(|(option, kind, wanted)| language(title, option, kind, wanted));
    languages.chain(height(args, title)).chain(bitrate(args, title)).collect()
}

/// Whether there is anything between where playback is to begin and where it is to stop. Of a live title the end is
/// counted from the beginning.
///
/// # Errors
/// `InvalidArgument` if there is not.
pub(super) fn something_to_play(args: &Play, live: bool) -> Result<(), Error> {
    let start = args.start.filter(|_| !live).unwrap_or(MediaTime::ZERO);
    match args.until.filter(|until| *until <= start) {
        Some(_) => Err(Error::new(
            ErrorCode::InvalidArgument,
            format!("nothing would be played: --until has to be behind the start at {start}"),
        )),
        None => Ok(()),
    }
}

/// What was given for protected titles and had no use. `protection`: what was played needed that.
pub(super) fn unused(args: &Play, title: &Presentation, protection: &Protection) -> Vec<Note> {
    let mut notes = Vec::new();
    let protected = protection.samples || protection.asked;
    let given: Vec<KeyId> = args.key.iter().filter_map(GivenKey::kid).collect();
    let list = |kids: &[KeyId]| {
        let names: Vec<String> = kids.iter().map(ToString::to_string).collect();
        format!("the {} {}", if kids.len() == 1 { "key" } else { "keys" }, names.join(", "))
    };
    if !given.is_empty() && !protected {
        let message = format!("no sample that was played is protected: nothing used {}", list(&given));
        notes.push(Note::new("--key", message));
    } else if !protection.unseen.is_empty() {
        // What was not played may be under it.
        let named = named_keys(title);
        let surplus: Vec<KeyId> = protection.unseen.iter().copied().filter(|kid| !named.contains(kid)).collect();
        if !surplus.is_empty() {
            let it = if surplus.len() == 1 { "it" } else { "them" };
            let needs = list(&surplus);
            let message = format!("nothing that was played needs {needs}, and the manifest does not name {it}");
            notes.push(Note::new("--key", message));
        }
    }
    if given.len() < args.key.len() && !names_key_files(title) {
        notes.push(Note::new("--key", "the title names no key file: nothing used the key without a KID"));
    }
    let licences =
        [("--license-url", args.license_url.is_some()), ("--license-header", !args.license_header.is_empty())];
    for (option, _) in licences.into_iter().filter(|(_, given)| *given && !protection.asked) {
        let why = match (protected, args.key.is_empty()) {
            (false, _) => "no sample that was played is protected",
            (true, false) => "the keys that were given are enough",
            (true, true) => "the keys came out of key files",
        };
        notes.push(Note::new(option, format!("{why}: no licence was asked for")));
    }
    notes
}

/// The keys that a manifest names, as far as playlists were read: of whatever may be played.
fn named_keys(title: &Presentation) -> BTreeSet<KeyId> {
    let limits = Limits::default();
    let mut named = BTreeSet::new();
    let tracks = title.periods.iter().flat_map(|period| &period.tracks);
    for rendition in tracks.flat_map(|track| &track.renditions) {
        let stated = KeyRequirement::from_protections(&rendition.protection, &limits);
        let tags = rendition.segments.known().into_iter().flat_map(|index| index.keys.iter());
        // Where keys are, is of no matter for what they are called.
        let tagged = tags.filter_map(|(_, keys)| KeyRequirement::from_keys(keys, "", None, &limits));
        for requirement in stated.into_iter().chain(tagged) {
            named.extend(requirement.key_ids);
            named.extend(requirement.offers.into_iter().flat_map(|offer| offer.key_ids));
        }
    }
    named
}

/// Whether segments are encrypted with keys that are files, as far as playlists were read.
fn names_key_files(title: &Presentation) -> bool {
    let tracks = title.periods.iter().flat_map(|period| &period.tracks);
    let indexes = tracks.flat_map(|track| &track.renditions).filter_map(|rendition| rendition.segments.known());
    let mut keys = indexes.flat_map(|index| index.keys.iter()).flat_map(|(_, keys)| keys.iter());
    keys.any(|key| key.key_format == "identity")
}

/// What is not as whoever started the session may think, whatever the title is.
pub(super) fn of_session(args: &Play, network: &str) -> Vec<Note> {
    let mut notes = Vec::new();
    if args.clock == Clock::Virtual && args.url.is_some() && args.network.is_none() {
        let message =
            format!("times are those of a modelled network ({network}), not of a real one; --network sets it");
        notes.push(Note::new("--clock virtual", message));
    }
    if args.url.is_none() && !args.header.is_empty() {
        notes.push(Note::new("--header", "the demo title comes out of this program: nobody reads the headers"));
    }
    notes
}

fn language(title: &Presentation, option: &str, kind: TrackKind, wanted: &[String]) -> Option<Note> {
    let parsed: Vec<Language> = wanted.iter().map(|tag| Language::parse(tag)).collect();
    let tracks: Vec<&Track> = tracks(title, kind).collect();
    if parsed.is_empty() || best_match(tracks.iter().map(|track| track.language.as_ref()), &parsed).is_some() {
        return None;
    }
    let (what, instead) = match kind {
        TrackKind::Audio => ("sound", "its own choice is played"),
        _ => ("subtitles", "none are shown"),
    };
    let mut there: Vec<String> =
        tracks.iter().filter_map(|track| track.language.as_ref()).map(ToString::to_string).collect();
    there.sort();
    there.dedup();
    let said = match (tracks.is_empty(), there.is_empty()) {
        (true, _) if kind == TrackKind::Text => format!("the title has no {what}"),
        (_, true) => format!("the title does not say in which language its {what} is; {instead}"),
        _ => format!("the title has {what} in {} only; {instead}", there.join(", ")),
    };
    Some(Note::new(format!("{option} {}", wanted.join(",")), said))
}

fn height(args: &Play, title: &Presentation) -> Option<Note> {
    let max = args.max_height?;
    let smallest = least(title, |rendition| rendition.height)?;
    (smallest > max).then(|| {
        let message = format!("no picture is so small; the smallest has {smallest} lines and is played");
        Note::new(format!("--max-height {max}"), message)
    })
}

fn bitrate(args: &Play, title: &Presentation) -> Option<Note> {
    let max = args.max_bitrate?;
    let smallest = least(title, |rendition| Some(rendition.bandwidth).filter(|declared| *declared > 0))?;
    (smallest > max).then(|| {
        let message =
            format!("no picture needs so little; the smallest is declared with {} and is played", bits(smallest));
        Note::new(format!("--max-bitrate {}", bits(max)), message)
    })
}

/// The least that the pictures of a title declare; None if one of them declares nothing, or there is none.
fn least<T: Ord>(title: &Presentation, of: impl Fn(&Rendition) -> Option<T>) -> Option<T> {
    let renditions = tracks(title, TrackKind::Video).flat_map(|track| &track.renditions);
    renditions.map(of).collect::<Option<Vec<T>>>()?.into_iter().min()
}

/// The tracks of a kind that are for normal playback.
fn tracks(title: &Presentation, kind: TrackKind) -> impl Iterator<Item = &Track> {
    let all = title.periods.iter().flat_map(|period| &period.tracks);
    all.filter(move |track| track.kind == kind && track.trick_mode_for.is_empty())
}
