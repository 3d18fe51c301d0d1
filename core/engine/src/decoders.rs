//! What the device has no decoder for: said, and left out where something else is left to play.

use telecine_model::{Codec, Error, ErrorCode, Handling, TrackKind};

use crate::engine::Engine;
use crate::media::InitTrack;
use crate::select::{decodes, decodes_all};

impl Engine {
    /// A period has tracks of a kind, and none of them can be played: the application ought to know why there is
    /// no sound.
    pub(crate) fn tell_undecodable(&mut self, period: usize, kind: TrackKind) {
        let essential = matches!(kind, TrackKind::Video | TrackKind::Audio);
        if !essential || self.title.disabled.contains(&kind) || !self.capabilities.kinds.contains(&kind) {
            return;
        }
        let tracks = self.title.presentation.as_ref().and_then(|p| p.periods.get(period)).map(|period| &period.tracks);
        let codecs = tracks.into_iter().flatten().filter(|track| track.kind == kind && track.trick_mode_for.is_empty());
        let codecs = codecs.flat_map(|track| &track.renditions);
        let mut codecs = codecs.flat_map(|rendition| rendition.codecs.iter().map(|codec| (codec, rendition.channels)));
        let missing = codecs
            .find(|(codec, channels)| codec.kind() == Some(kind) && !decodes_all(codec, *channels, &self.capabilities));
        if let Some(codec) = missing.map(|(codec, _)| codec.clone()) {
            self.tell_left_out(kind, &codec);
        }
    }

    /// Whether there is a decoder for a track of an initialisation section.
    pub(crate) fn has_decoder(&self, track: &InitTrack) -> bool {
        decodes_all(&Codec::parse(&track.codec), track.channels, &self.capabilities)
    }

    /// An initialisation section says what the manifest did not: that what a stream is fetched for cannot be
    /// decoded. Some error if so.
    pub(crate) fn undecodable(&self, kind: TrackKind, tracks: &[InitTrack]) -> Option<Error> {
        let own = tracks.iter().find(|track| track.kind == kind).or(tracks.first())?;
        (!self.has_decoder(own)).then(|| {
            let codec = Codec::parse(&own.codec);
            let error = no_decoder(own.kind, &codec);
            match own.channels.filter(|_| decodes(&codec, &self.capabilities)) {
                Some(channels) => error.fact("channels", channels),
                None => error,
            }
        })
    }

    /// Says once a codec that something is left out for want of its decoder.
    pub(crate) fn tell_left_out(&mut self, kind: TrackKind, codec: &Codec) {
        if self.title.left_out.insert(codec.as_str().to_owned()) {
            self.report(no_decoder(kind, codec).recovered(Handling::Skipped));
        }
    }
}

fn no_decoder(kind: TrackKind, codec: &Codec) -> Error {
    let what = if kind == TrackKind::Audio { "sound" } else { kind.name() };
    let message = format!("the sink has no decoder for {what} in {}", codec.as_str());
    Error::new(ErrorCode::CodecUnsupported, message).fact("codec", codec.as_str()).fact("kind", kind.name())
}
