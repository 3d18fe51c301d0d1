//! What is handed to the sink: decoder configurations, fragments, and the silence between them.

use std::sync::Arc;

use telecine_model::{Codec, Error, ErrorCode, Handling, MediaTime, TrackKind};

use crate::action::{Action, Append, Format, Payload, SinkCommand, TrackConfig};
use crate::buffer::SEAM;
use crate::engine::Engine;
use crate::event::Event;
use crate::keys::Configured;
use crate::media::{container_time, FragmentTrack, InitTrack};
use crate::stream::{Init, SegmentFetch, Stream};
use crate::timeline::OFFSET_TOLERANCE;

impl Engine {
    /// Hands a fragment to the sink, for each kind that is in it.
    pub(crate) fn append_fragment(
        &mut self,
        kind: TrackKind,
        found: &[FragmentTrack],
        payload: &Payload,
        through: bool,
    ) {
        let Some(mut stream) = self.streams.remove(&kind) else {
            return;
        };
        if let Some(mut fetch) = stream.fetch.take() {
            match self.init_of(&stream, &fetch).cloned() {
                Some(init) => {
                    self.configure(&mut stream, &fetch, &init, through);
                    let outputs = stream.outputs.clone();
                    let mut own = false;
                    for output in outputs.iter().copied() {
                        let pair = init
                            .tracks
                            .iter()
                            .filter(|track| track.kind == output)
                            .find_map(|track| Some((track, found.iter().find(|part| part.id == track.id)?)));
                        if let Some((track, part)) = pair {
                            own |= output == stream.kind || outputs.len() == 1;
                            self.append(&mut stream, &mut fetch, output, track, part, payload);
                        }
                    }
                    fetch.appended += u32::from(own);
                    if let (Payload::Fragment(fragment), Some(segment), Some(placed)) =
                        (payload, &init.segment, fetch.asides.placed.filter(|_| !through))
                    {
                        // What goes through to a key system of the device cannot be read here.
                        self.read_fragment(kind, &fetch, segment, fragment, placed);
                    }
                }
                None => fetch.broken = true,
            }
            stream.fetch = Some(fetch);
        }
        self.streams.insert(kind, stream);
    }

    /// Tells the sink what decoder configuration follows, if it changed.
    pub(crate) fn configure(&mut self, stream: &mut Stream, fetch: &SegmentFetch, init: &Init, through: bool) {
        let protected = init.tracks.iter().any(|track| track.scheme.is_some());
        let wanted = Configured::of(fetch, through && protected);
        if stream.configured.as_ref() == Some(&wanted) {
            return;
        }
        stream.configured = Some(wanted);
        // What is muxed in is played too, unless it has a stream of its own or is switched off.
        let is_output = |kind: TrackKind| {
            kind == stream.kind
                || (!self.streams.contains_key(&kind)
                    && !self.title.disabled.contains(&kind)
                    && self.capabilities.kinds.contains(&kind))
        };
        let wanted = init.tracks.iter().filter(|track| is_output(track.kind));
        let (present, mute): (Vec<&InitTrack>, Vec<&InitTrack>) = wanted.partition(|track| self.has_decoder(track));
        // What came before and is not in this initialisation may come again: the sink has a place for it, and is told
        // where there is nothing of it.
        let goes_on = |kind: &TrackKind| is_output(*kind) && (*kind != stream.kind || stream.delivered);
        let known: Vec<TrackKind> = stream.outputs.iter().copied().filter(goes_on).collect();
        for track in mute {
            self.tell_left_out(track.kind, &Codec::parse(&track.codec));
        }
        let before = std::mem::take(&mut stream.outputs);
        stream.outputs = present.iter().map(|track| track.kind).collect();
        stream.outputs.extend(known);
        stream.outputs.sort_unstable();
        stream.outputs.dedup();
        let rendition = self.rendition(fetch.rendition).map(|r| r.id.clone()).unwrap_or_default();
        let carrier = self.track(stream.period, stream.track).map(|t| t.id.clone()).unwrap_or_default();
        // What is decrypted here is clear to the sink.
        let segment = match &init.segment {
            Some(segment) if protected && !through => Some(Arc::new(segment.cleared())),
            segment => segment.clone(),
        };
        let mut told = Vec::new();
        for track in present {
            if told.contains(&track.kind) {
                continue;
            }
            told.push(track.kind);
            // What is muxed in may have a name of its own (RFC 8216bis 4.4.6.2.1: a rendition without URI).
            let muxed = track.kind != stream.kind;
            let named = muxed.then(|| self.muxed_track(stream.period, track.kind)).flatten();
            let track_id = named.unwrap_or_else(|| carrier.clone());
            if muxed && !before.contains(&track.kind) {
                self.emit(Event::Selected { at: self.now, kind: track.kind, track: Some(track_id.clone()) });
                // The sink never had any of it: it is to wait for none before this segment, wherever the playhead goes.
                let begin = fetch.start - stream.shift.unwrap_or_default();
                let needed = self.needed_from(stream);
                let from = stream.buffer.start().map_or(needed, |start| start.min(needed));
                stream.muxed_until.entry(track.kind).or_insert(begin);
                if from < begin {
                    self.sink(SinkCommand::Silence { kind: track.kind, from, to: begin });
                }
            }
            self.sink(SinkCommand::Configure(Box::new(TrackConfig {
                kind: track.kind,
                track: track_id,
                rendition: rendition.clone(),
                codec: track.codec.clone(),
                format: Format::Cmaf,
                init: segment.clone(),
                track_id: track.id,
            })));
        }
    }

    pub(crate) fn append(
        &mut self,
        stream: &mut Stream,
        fetch: &mut SegmentFetch,
        output: TrackKind,
        track: &InitTrack,
        part: &FragmentTrack,
        payload: &Payload,
    ) {
        let container_start = container_time(track, part.start);
        let offset = self.offset(stream, fetch, container_start);
        stream.anchored = Some(fetch.discontinuity);
        fetch.asides.place(offset, container_start + offset);
        let (start, end) = (container_start + offset, container_time(track, part.end) + offset);
        // Durations that do not add up lead far; then it follows the media before, or is as far off as that was.
        let same = stream.discontinuity == Some(fetch.discontinuity);
        let expected = fetch.start - stream.shift.filter(|_| same).unwrap_or_default();
        let much = (fetch.end - fetch.start).mul_ratio(3, 4).max(MediaTime::from_secs(1));
        let far = start.abs_diff(expected) >= much && start.abs_diff(fetch.start) >= much;
        let own = output == stream.kind || stream.outputs.len() == 1;
        if own && fetch.appended == 0 && far && !stream.buffer.has_end_at(start) {
            let error = Error::new(ErrorCode::TimestampInvalid, "media is not where the manifest says it is")
                .fact("segment", fetch.number)
                .fact("expected", expected)
                .fact("found", start);
            self.report(error.recovered(Handling::Skipped));
        }
        if output != stream.kind && stream.outputs.len() > 1 {
            if fetch.muxed == 0 && stream.cursor.is_none() {
                self.tell_early(stream, fetch, output, start);
            }
            // The buffer map is of the stream's own kind: a hole in what is muxed in is no reason to wait. In mid-segment
            // nothing is missing before: it came already.
            let begin = if fetch.muxed == 0 { expected.min(start) } else { start };
            fetch.muxed += 1;
            let until = stream.muxed_until.entry(output).or_insert(begin);
            if start > *until + SEAM {
                self.outbox.push(Action::Sink(SinkCommand::Silence { kind: output, from: *until, to: start }));
            }
            *until = end.max(*until);
        }
        let fresh = fetch.appended == 0;
        let new_domain = stream.discontinuity.is_some_and(|last| last != fetch.discontinuity);
        let discontinuity = fresh && output == stream.kind && (stream.broken_off || new_domain);
        if own {
            stream.broken_off = false;
            stream.discontinuity = Some(fetch.discontinuity);
            stream.delivered = true;
            stream.came = true;
            let known = stream.buffer.get_mut(fetch.start).filter(|item| item.load == Some(fetch.load));
            let known = known.map(|item| item.media_start);
            stream.buffer.put(fetch.item(known.unwrap_or(start), end));
        }
        self.sink(SinkCommand::Append(Box::new(Append {
            kind: output,
            load: fetch.load,
            rendition: self.rendition(fetch.rendition).map(|r| r.id.clone()).unwrap_or_default(),
            segment: fetch.number,
            start,
            end,
            offset,
            window: stream.again.window(fetch.load, self.window(fetch.rendition.period)),
            show_from: stream.show_from.filter(|from| *from > start),
            discontinuity,
            samples: part.samples,
            bytes: part.bytes,
            payload: payload.clone(),
        })));
    }

    /// Says that something muxed into the first segment begins before the title does and is left out until then: see
    /// `timeline` for why the title begins with the picture.
    fn tell_early(&mut self, stream: &Stream, fetch: &SegmentFetch, output: TrackKind, start: MediaTime) {
        let periods = self.title.presentation.as_ref().map(|presentation| &presentation.periods);
        let begin = periods.and_then(|periods| periods.first()).map_or(MediaTime::ZERO, |period| period.start);
        if start >= begin - OFFSET_TOLERANCE {
            return;
        }
        let what = if output == TrackKind::Audio { "sound" } else { output.name() };
        let message = format!("{what} begins {} before the title, which begins with the picture", begin - start);
        let error = Error::new(ErrorCode::TimestampInvalid, message).fact("kind", output.name());
        let error = self.in_segment(error, stream.kind, fetch, false);
        self.report(error.fact("from", start).fact("to", begin).recovered(Handling::Skipped));
    }

    /// Samples outside of it belong to another period (D009). The last period is open at its end:
    /// manifests announce durations a little short (D105).
    pub(crate) fn window(&self, period: usize) -> (MediaTime, MediaTime) {
        let bound = self.title.end.unwrap_or(MediaTime::MAX);
        let presentation = self.title.presentation.as_ref();
        if !self.is_dash() {
            return (MediaTime::MIN, bound);
        }
        // What lies before the first period is priming: decoders need it.
        let own = presentation.and_then(|p| p.periods.get(period)).filter(|_| period > 0);
        let start = own.map_or(MediaTime::MIN, |period| period.start);
        (start, self.period_end(period).map_or(bound, |end| end.min(bound)))
    }
}
