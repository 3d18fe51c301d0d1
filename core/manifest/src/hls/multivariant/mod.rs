//! Multivariant playlists (section 4.4.6).

mod renditions;
mod session;
mod tracks;
mod variants;

use telecine_model::live::Steering;
use telecine_model::presentation::SessionData;
use telecine_model::protection::Key;
use telecine_model::{Error, ErrorCode, Presentation, Protocol, Rendition};

use self::renditions::{Groups, Media};
use super::attributes::clip;
use super::protection::{protection_of, resolve};
use super::reader::{Line, Reader};
use super::report::{or_ignored, Reject};
use super::tag::MultivariantTag;

/// Reads a multivariant playlist to its end.
pub(super) fn parse(mut reader: Reader<'_, '_>) -> Result<Presentation, Error> {
    let mut playlist = Builder::default();
    while let Some(line) = reader.next()? {
        match line {
            Line::Multivariant(tag, value) => {
                or_ignored(playlist.tag(tag, value, &mut reader))?;
            }
            Line::Uri(uri) => playlist.uri(&uri, &mut reader),
            // The reader gives those to the other kind of playlist only.
            Line::Media(..) => {}
        }
    }
    playlist.finish(reader)
}

/// What a URI line belongs to.
#[derive(Default)]
enum Expected {
    /// To nothing.
    #[default]
    Nothing,
    /// To the variant before it.
    Variant(Box<Rendition>),
    /// To a variant that is ignored (H106).
    Ignored,
}

/// What has been read so far.
#[derive(Default)]
struct Builder {
    variants: Vec<Rendition>,
    i_frames: Vec<Rendition>,
    media: Vec<Media>,
    groups: Groups,
    expected: Expected,
    session_data: Vec<SessionData>,
    session_keys: Vec<Key>,
    steering: Option<Steering>,
}

impl Builder {
    fn tag<'t>(&mut self, tag: MultivariantTag, value: &'t str, reader: &mut Reader<'t, '_>) -> Result<(), Reject> {
        match tag {
            MultivariantTag::StreamInf => {
                self.missing_uri(reader)?;
                // Until the tag has been understood, its URI is ignored with it.
                self.expected = Expected::Ignored;
                let number = self.variants.len();
                let variant = variants::parse(value, &format!("variant-{number}"), reader)?;
                self.expected = Expected::Variant(Box::new(variant));
                Ok(())
            }
            MultivariantTag::IFrameStreamInf => {
                let number = self.i_frames.len();
                let variant = variants::parse_i_frames(value, &format!("i-frames-{number}"), reader)?;
                self.i_frames.push(variant);
                Ok(self.check_count(reader)?)
            }
            MultivariantTag::Media => {
                let number = self.media.len();
                let media = renditions::parse(value, number, &mut self.groups, reader)?;
                self.media.push(media);
                Ok(self.check_count(reader)?)
            }
            MultivariantTag::SessionData => self.session_data(value, reader),
            MultivariantTag::SessionKey => self.session_key(value, reader),
            MultivariantTag::ContentSteering => self.content_steering(value, reader),
        }
    }

    /// The line that completes a variant (H087).
    fn uri(&mut self, uri: &str, reader: &mut Reader<'_, '_>) {
        match core::mem::take(&mut self.expected) {
            Expected::Variant(mut variant) => {
                variant.uri = Some(resolve(reader.report.context.uri, uri));
                self.variants.push(*variant);
            }
            Expected::Ignored => {}
            Expected::Nothing => {
                let message = "a URI that follows no EXT-X-STREAM-INF is ignored";
                reader.report.warn("H087", message);
            }
        }
    }

    fn missing_uri(&mut self, reader: &mut Reader<'_, '_>) -> Result<(), Error> {
        if matches!(core::mem::take(&mut self.expected), Expected::Variant(_)) {
            let message = "an EXT-X-STREAM-INF without its URI line is left out";
            reader.report.fault("H087", ErrorCode::ManifestMissing, message)?;
        }
        Ok(())
    }

    fn check_count(&self, reader: &mut Reader<'_, '_>) -> Result<(), Error> {
        let limit = reader.report.context.limits.renditions;
        let count = self.variants.len() + self.i_frames.len() + self.media.len();
        if count > limit {
            return Err(reader.report.limit("the playlist has too many renditions", limit));
        }
        Ok(())
    }

    fn finish(mut self, mut reader: Reader<'_, '_>) -> Result<Presentation, Error> {
        self.missing_uri(&mut reader)?;
        self.check_count(&mut reader)?;
        self.check_groups(&mut reader)?;
        let base = reader.report.context.uri;
        let mut presentation = Presentation::new(Protocol::Hls, base);
        for rendition in self.variants.iter_mut().chain(&mut self.i_frames) {
            rendition.protection = self.session_keys.iter().map(|key| protection_of(key, base)).collect();
        }
        let media = self.media.iter_mut().map(|media| &mut media.rendition);
        for rendition in self.variants.iter_mut().chain(&mut self.i_frames).chain(media) {
            // The multivariant playlist's word holds for every playlist (H023).
            rendition.independent_segments = reader.independent_segments;
        }
        presentation.version = reader.declared_version();
        presentation.independent_segments = reader.independent_segments;
        presentation.start = reader.start;
        presentation.periods = vec![tracks::arrange(self.variants, self.media, self.i_frames)];
        presentation.steering = self.steering;
        presentation.session_data = self.session_data;
        presentation.session_keys = self.session_keys;
        let version = reader.version();
        presentation.define = reader.variables.defined;
        presentation.unknown_tags = reader.unknown_tags;
        presentation.warnings = reader.report.finish(version);
        Ok(presentation)
    }

    /// Groups that variants name exist, and `CLOSED-CAPTIONS=NONE` is on all or none (H096).
    fn check_groups(&self, reader: &mut Reader<'_, '_>) -> Result<(), Error> {
        for variant in self.variants.iter().chain(&self.i_frames) {
            if let Some((kind, group)) = self.groups.missing(&variant.groups) {
                let message = format!("no EXT-X-MEDIA of type {kind} is in the group {}", clip(group));
                reader.report.fault("H087", ErrorCode::ManifestMissing, message)?;
            }
        }
        let none = |variant: &&Rendition| variant.groups.closed_captions.as_deref() == Some(variants::NO_CAPTIONS);
        let count = self.variants.iter().filter(none).count();
        if count != 0 && count != self.variants.len() {
            let message = "CLOSED-CAPTIONS=NONE is on some variants but not on all";
            reader.report.fault("H096", ErrorCode::ManifestContradiction, message)?;
        }
        Ok(())
    }
}
