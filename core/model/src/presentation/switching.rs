//! Adaptation sets that are one choice of the viewer: `urn:mpeg:dash:adaptation-set-switching:2016`
//! (ISO/IEC 23009-1, 5.3.3.5).
//!
//! A packager writes a set for each rung of a ladder where something that a set says once differs between the rungs,
//! a key most often. Whoever plays switches between them as between the renditions of one set.

use std::collections::BTreeMap;

use super::{Period, Track, TrackKind};
use crate::codec::Codec;
use crate::language::Language;
use crate::{SortedMap, SortedSet};

/// The role of what is played unless the viewer chooses (`urn:mpeg:dash:role:2011`).
const MAIN: &str = "main";

impl Period {
    /// Makes one track of those that name each other in [`switchable_with`](Track::switchable_with), so that their
    /// renditions are switched between. What remains keeps the id and the words of the first of them; whatever
    /// refers to one of the others refers to it then.
    ///
    /// Tracks are only joined if they are the same to viewer and decoder: of one kind (picture or sound), language,
    /// codec, number of channels and range of brightness, and for the same purpose. A track in another codec remains a choice of its own.
    pub fn join_switchable(&mut self) {
        let into = self.joins();
        if into.iter().enumerate().all(|(at, first)| at == *first) {
            return;
        }
        let names: BTreeMap<String, String> = into
            .iter()
            .enumerate()
            .filter(|(at, first)| at != *first)
            .filter_map(|(at, first)| Some((self.tracks.get(at)?.id.clone(), self.tracks.get(*first)?.id.clone())))
            .collect();
        // What was at a place before is now at another, or within one that stands before it.
        let mut kept: Vec<Track> = Vec::with_capacity(self.tracks.len());
        let mut places: Vec<usize> = Vec::with_capacity(into.len());
        for (track, first) in std::mem::take(&mut self.tracks).into_iter().zip(&into) {
            let joined = places.get(*first).copied();
            match joined.and_then(|place| kept.get_mut(place)) {
                Some(leader) => leader.take_in(track),
                None => kept.push(track),
            }
            places.push(joined.unwrap_or(kept.len().saturating_sub(1)));
        }
        self.tracks = kept;
        self.rename(&names);
        self.merge_captions(&names);
    }

    /// For each track the first one that it is joined with, itself if none stands before it.
    fn joins(&self) -> Vec<usize> {
        let by_id: SortedMap<&str, usize> =
            self.tracks.iter().enumerate().rev().map(|(at, track)| (track.id.as_str(), at)).collect();
        let mut into: Vec<usize> = (0..self.tracks.len()).collect();
        if self.tracks.iter().all(|track| track.switchable_with.is_empty()) {
            return into;
        }
        // Said once a track: there may be many links.
        let mut known: SortedMap<Purpose<'_>, usize> = SortedMap::new();
        let sorts: Vec<Option<(usize, Option<&Codec>)>> = self
            .tracks
            .iter()
            .map(|track| {
                let next = known.len();
                Some((*known.entry(track.purpose()?).or_insert(next), track.main_codec()))
            })
            .collect();
        let is_alike = |one: usize, other: usize| match (sorts.get(one), sorts.get(other)) {
            (Some(Some((sort, codec))), Some(Some((as_sort, as_codec)))) if sort == as_sort => {
                match (codec, as_codec) {
                    (Some(codec), Some(as_codec)) => codec.same_decoder(as_codec),
                    (codec, as_codec) => codec.is_none() && as_codec.is_none(),
                }
            }
            _ => false,
        };
        let links = self.tracks.iter().enumerate().flat_map(|(at, track)| {
            track.switchable_with.iter().filter_map(|id| by_id.get(id.as_str())).map(move |other| (at, *other))
        });
        for (one, other) in links.filter(|(one, other)| is_alike(*one, *other)) {
            let (one, other) = (root(&mut into, one), root(&mut into, other));
            if let Some(later) = into.get_mut(one.max(other)) {
                *later = one.min(other);
            }
        }
        (0..into.len()).map(|at| root(&mut into, at)).collect()
    }

    fn rename(&mut self, names: &BTreeMap<String, String>) {
        let rename = |ids: &mut Vec<String>| {
            for id in ids.iter_mut() {
                if let Some(name) = names.get(id) {
                    id.clone_from(name);
                }
            }
            keep_first(ids);
        };
        for track in &mut self.tracks {
            rename(&mut track.trick_mode_for);
            rename(&mut track.switchable_with);
            let own = &track.id;
            track.switchable_with.retain(|id| id != own);
            keep_first(&mut track.inband_events);
        }
        self.preselections.iter_mut().for_each(|preselection| rename(&mut preselection.components));
        self.subsets.iter_mut().for_each(rename);
    }

    /// Every set says which captions are inside its pictures. They are one choice.
    fn merge_captions(&mut self, names: &BTreeMap<String, String>) {
        let mut known: SortedSet<String> = self.tracks.iter().map(|track| track.id.clone()).collect();
        self.tracks.retain_mut(|track| {
            let channel = track.in_stream_id.as_deref().unwrap_or("");
            let set = track.id.strip_suffix(channel).and_then(|stem| stem.strip_suffix('-'));
            let Some(name) = set.filter(|_| track.in_stream_id.is_some()).and_then(|set| names.get(set)) else {
                return true;
            };
            track.id = format!("{name}-{channel}");
            known.insert(track.id.clone())
        });
    }
}

/// Takes out whatever stands earlier in the list already.
fn keep_first<T: Clone + Ord>(list: &mut Vec<T>) {
    let mut seen = SortedSet::new();
    list.retain(|entry| seen.insert(entry.clone()));
}

/// Follows a track to the first one that it is joined with, and remembers the way.
fn root(into: &mut [usize], mut at: usize) -> usize {
    while let Some(next) = into.get(at).copied().filter(|next| *next != at) {
        let beyond = into.get(next).copied().unwrap_or(next);
        if let Some(entry) = into.get_mut(at) {
            *entry = beyond;
        }
        at = next;
    }
    at
}

/// What a viewer would tell two tracks from each other by.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Purpose<'t> {
    kind: TrackKind,
    language: Option<&'t str>,
    channels: Option<u32>,
    range: &'t str,
    roles: SortedSet<&'t str>,
}

impl Track {
    /// What it is for; None for what is never joined.
    fn purpose(&self) -> Option<Purpose<'_>> {
        let joins = matches!(self.kind, TrackKind::Video | TrackKind::Audio) && self.trick_mode_for.is_empty();
        let range = self.renditions.first().and_then(|rendition| rendition.video_range.as_deref());
        joins.then(|| Purpose {
            kind: self.kind,
            language: self.language.as_ref().map(Language::as_str),
            channels: self.channels,
            // Brightness that jumps is seen.
            range: range.unwrap_or("SDR"),
            // Only one of the sets need say that they are the main ones.
            roles: self.roles.iter().map(String::as_str).filter(|role| *role != MAIN).collect(),
        })
    }

    fn main_codec(&self) -> Option<&Codec> {
        let codecs = self.renditions.iter().flat_map(|rendition| &rendition.codecs);
        codecs.into_iter().find(|codec| codec.kind() == Some(self.kind))
    }

    /// Takes in the renditions of another set of the same content.
    fn take_in(&mut self, other: Self) {
        self.renditions.extend(other.renditions);
        self.default |= other.default;
        self.autoselect |= other.autoselect;
        self.selection_priority = self.selection_priority.max(other.selection_priority);
        // What a set says of the seams between its own renditions says nothing of those of another.
        self.bitstream_switching = false;
        self.segment_alignment &= other.segment_alignment;
        // All other roles are the same.
        if other.roles.iter().any(|role| role == MAIN) && !self.roles.iter().any(|role| role == MAIN) {
            self.roles.push(MAIN.to_owned());
        }
        self.inband_events.extend(other.inband_events);
        self.switchable_with.extend(other.switchable_with);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::presentation::{Preselection, Rendition};

    fn set(id: &str, kind: TrackKind, codec: &str, with: &[&str]) -> Track {
        let mut track = Track::new(id, kind);
        let mut rendition = Rendition::new(format!("r{id}"), 1_000);
        rendition.codecs = Codec::parse_list(codec);
        track.renditions.push(rendition);
        track.switchable_with = with.iter().map(|id| (*id).to_owned()).collect();
        track
    }

    fn avc(id: &str, with: &[&str]) -> Track {
        set(id, TrackKind::Video, "avc1.64001f", with)
    }

    fn joined(tracks: Vec<Track>) -> Period {
        let mut period = Period { tracks, ..Period::default() };
        period.join_switchable();
        period
    }

    /// Track ids with those of their renditions.
    fn shape(period: &Period) -> Vec<(&str, Vec<&str>)> {
        let tracks = period.tracks.iter();
        tracks.map(|track| (track.id.as_str(), track.renditions.iter().map(|r| r.id.as_str()).collect())).collect()
    }

    #[test]
    fn sets_that_name_each_other_become_one_track_in_the_place_of_the_first() {
        let period = joined(vec![
            set("a", TrackKind::Audio, "mp4a.40.2", &[]),
            avc("1", &["2", "3"]),
            set("t", TrackKind::Text, "wvtt", &[]),
            avc("2", &["1", "3"]),
            avc("3", &["1", "2"]),
        ]);
        assert_eq!(shape(&period), [("a", vec!["ra"]), ("1", vec!["r1", "r2", "r3"]), ("t", vec!["rt"])]);
        assert!(period.tracks[1].switchable_with.is_empty());
    }

    #[test]
    fn it_is_enough_that_one_names_the_other_also_through_a_third() {
        let period = joined(vec![avc("1", &[]), avc("2", &["1"]), avc("3", &["2"]), avc("4", &[])]);
        assert_eq!(shape(&period), [("1", vec!["r1", "r2", "r3"]), ("4", vec!["r4"])]);
    }

    #[test]
    fn another_language_codec_purpose_or_number_of_channels_remains_a_choice() {
        let sound = |id: &str| set(id, TrackKind::Audio, "mp4a.40.2", &["1"]);
        let french = Track { language: Some(Language::parse("fr")), ..sound("fr") };
        let surround = Track { channels: Some(6), ..sound("surround") };
        let described = Track { roles: vec!["description".to_owned()], ..sound("described") };
        let dolby = set("dolby", TrackKind::Audio, "ec-3", &["1"]);
        let trick = Track { trick_mode_for: vec!["v".to_owned()], ..avc("trick", &["v"]) };
        let hevc = set("hevc", TrackKind::Video, "hvc1.1.6.L93.90", &["v"]);
        let mut bright = avc("bright", &["v"]);
        bright.renditions[0].video_range = Some("PQ".to_owned());
        let all = vec![sound("1"), french, surround, described, dolby, avc("v", &["hevc"]), trick, hevc, bright];
        assert_eq!(joined(all.clone()).tracks, all);
    }

    #[test]
    fn only_one_of_the_sets_need_be_called_main() {
        let main = Track { roles: vec!["main".to_owned()], default: true, ..avc("2", &["1"]) };
        let period = joined(vec![avc("1", &["2"]), main]);
        assert_eq!(shape(&period), [("1", vec!["r1", "r2"])]);
        assert!(period.tracks[0].default && period.tracks[0].roles == ["main"]);
    }

    #[test]
    fn whatever_refers_to_a_set_refers_to_the_track_that_took_it_in() {
        let trick = Track { trick_mode_for: vec!["1".to_owned(), "2".to_owned()], ..avc("trick", &[]) };
        let preselection = Preselection { components: vec!["2".to_owned()], ..Preselection::default() };
        let mut period = Period {
            tracks: vec![avc("1", &["2"]), avc("2", &["1"]), trick],
            preselections: vec![preselection],
            subsets: vec![vec!["2".to_owned(), "x".to_owned()]],
            ..Period::default()
        };
        period.join_switchable();
        assert_eq!(period.tracks[1].trick_mode_for, ["1"]);
        assert_eq!(period.preselections[0].components, ["1"]);
        assert_eq!(period.subsets, [["1", "x"]]);
    }

    #[test]
    fn captions_that_every_set_says_to_carry_are_offered_once() {
        let captions = |of: &str| {
            let mut track = Track::new(format!("{of}-CC1"), TrackKind::Text);
            track.in_stream_id = Some("CC1".to_owned());
            track
        };
        let period = joined(vec![avc("1", &["2"]), captions("1"), avc("2", &["1"]), captions("2")]);
        assert_eq!(shape(&period), [("1", vec!["r1", "r2"]), ("1-CC1", vec![])]);
    }

    #[test]
    fn a_set_that_names_itself_nothing_known_or_everything_is_left_as_it_is() {
        let all = vec![avc("1", &["1", "nothing", ""])];
        assert_eq!(joined(all.clone()).tracks, all);
        // As many as a manifest may have, each naming the next: no recursion, no quadratic search.
        let chain: Vec<Track> = (0..50_000_u32).map(|n| avc(&n.to_string(), &[&(n + 1).to_string()])).collect();
        assert_eq!(joined(chain).tracks.len(), 1);
        // Many links between sets that say much.
        let talkative = |n: u32| Track {
            switchable_with: vec!["0".to_owned(); 256],
            roles: (0..250).map(|role| format!("role {role}")).collect(),
            ..avc(&n.to_string(), &[])
        };
        assert_eq!(joined((0..2_000).map(talkative).collect()).tracks.len(), 1);
    }
}
