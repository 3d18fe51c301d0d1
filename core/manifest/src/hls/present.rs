//! A media playlist as a presentation, or as part of one.

use telecine_model::protection::Key;
use telecine_model::segments::Addressing;
use telecine_model::{MediaTime, Period, Presentation, Protocol, Rendition, Segments, Track, TrackKind};

use super::protection::protection_of;
use super::MediaPlaylist;

impl MediaPlaylist {
    /// True while segments may still be added: neither `EXT-X-ENDLIST` nor a `VOD` type.
    pub fn is_live(&self) -> bool {
        self.info.goes_on()
    }

    /// Duration of all segments listed.
    pub fn duration(&self) -> MediaTime {
        let bounds = self.index.start().zip(self.index.end());
        bounds.map_or(MediaTime::ZERO, |(start, end)| end - start)
    }

    /// Tells a presentation what only its media playlists say: whether it is live and low-latency,
    /// its duration, its target duration, and the preferred start unless it has one (H023: the
    /// multivariant playlist is the stronger).
    pub fn apply_to(&self, presentation: &mut Presentation) {
        presentation.live = self.is_live();
        presentation.low_latency = self.info.part_target.is_some();
        presentation.duration = (!presentation.live).then(|| self.duration());
        presentation.target_duration = Some(self.info.target_duration);
        presentation.start = presentation.start.or(self.info.start);
        let duration = presentation.duration;
        if let [period] = presentation.periods.as_mut_slice() {
            period.duration = duration;
        }
    }

    /// The playlist alone as a presentation: one period, one track, one rendition. The track is of
    /// kind video (it may be muxed) unless the first segment's file name says sound or text.
    pub fn into_presentation(self) -> Presentation {
        let mut presentation = Presentation::new(Protocol::Hls, self.info.uri.as_str());
        let kind = self.kind();
        let bitrates = self.index.bitrate.iter().filter_map(|(_, bitrate)| *bitrate);
        let mut rendition = Rendition::new("0", bitrates.max().unwrap_or(0));
        rendition.uri = Some(self.info.uri.clone());
        rendition.key_frames_only = self.info.i_frames_only;
        rendition.independent_segments = self.info.independent_segments;
        let mut seen: Vec<&Key> = Vec::new();
        for key in self.index.keys.iter().flat_map(|(_, keys)| keys.iter()) {
            // Rotated keys of one system are one protection.
            if !seen.iter().any(|k| k.key_format == key.key_format && k.method == key.method) {
                seen.push(key);
                rendition.protection.push(protection_of(key, &self.info.uri));
            }
        }
        presentation.version = Some(self.info.version.to_string());
        presentation.independent_segments = self.info.independent_segments;
        presentation.periods.push(Period { id: "0".to_owned(), ..Period::default() });
        self.apply_to(&mut presentation);
        presentation.define = self.info.define;
        presentation.unknown_tags = self.info.unknown_tags;
        presentation.warnings = self.info.warnings;
        rendition.segments = Segments::Known(Box::new(self.index));
        let mut track = Track::new(kind.name(), kind);
        track.default = true;
        track.autoselect = true;
        track.renditions.push(rendition);
        if let Some(period) = presentation.periods.first_mut() {
            period.tracks.push(track);
        }
        presentation
    }

    fn kind(&self) -> TrackKind {
        let Addressing::Listed(uris) = &self.index.addressing else {
            return TrackKind::Video;
        };
        let first = uris.get(0).unwrap_or_default();
        let path = telecine_model::uri::split(&first).path;
        match path.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).as_deref() {
            Some("aac" | "mp3" | "ac3" | "ec3" | "m4a" | "cmfa") => TrackKind::Audio,
            Some("vtt" | "webvtt" | "cmft") => TrackKind::Text,
            _ => TrackKind::Video,
        }
    }
}
