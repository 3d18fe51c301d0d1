//! What a rendition was chosen from: every candidate with what it would have cost, and what excluded those that no rule saw.

use telecine_abr::{Candidate, Cap, Context, Estimate, Level, Standing};
use telecine_model::TrackKind;

use crate::engine::Engine;
use crate::select::{cap, Step};
use crate::stream::Stream;

impl Engine {
    /// The candidates of a choice, ascending: the ladder, and the one above it that the device or the application excludes.
    /// `chosen` is an index of the context's levels; `less_ms` what the rule says of each of those, if it does.
    pub(crate) fn candidates(
        &self,
        context: &Context<'_>,
        kind: TrackKind,
        chosen: usize,
        less_ms: &[i64],
    ) -> Vec<Candidate> {
        let Some(stream) = self.streams.get(&kind) else { return Vec::new() };
        let standing = |step: &Step, excluded: Option<Cap>| {
            let level = context.levels.iter().position(|level| step.candidates().any(|own| own == level.rendition));
            match level.and_then(|level| Some((level, context.levels.get(level)?))) {
                Some((level, of)) => {
                    let takes_ms = takes_ms(of, context);
                    match level == chosen {
                        true => Standing::Chosen { takes_ms },
                        false => Standing::Weighed { takes_ms, less_ms: less_ms.get(level).copied() },
                    }
                }
                None => Standing::Excluded { by: excluded.unwrap_or(Cap::Unavailable) },
            }
        };
        let candidate = |rendition: usize, bitrate: u64, standing: Standing| {
            let id = self.rendition(stream.reference(rendition)).map(|rendition| rendition.id.clone());
            Candidate { rendition: id.unwrap_or_default(), bitrate, standing }
        };
        let excluded = self.excluded(stream);
        let ladder = stream.ladder.iter().zip(excluded);
        let mut candidates: Vec<Candidate> =
            ladder.map(|(step, excluded)| candidate(step.rendition, step.bitrate, standing(step, excluded))).collect();
        if let Some((rendition, by)) = self.above(stream) {
            let bitrate = self.rendition(stream.reference(rendition)).map_or(0, |rendition| rendition.bandwidth);
            candidates.push(candidate(rendition, bitrate, Standing::Excluded { by }));
        }
        candidates
    }

    /// What keeps a kind's stream from more than this rendition, if it is the highest that may be chosen and the title has more.
    pub(crate) fn cap_above(&self, kind: TrackKind, rendition: usize) -> Option<Cap> {
        let stream = self.streams.get(&kind)?;
        let own = stream.ladder.iter().position(|step| step.candidates().any(|candidate| candidate == rendition))?;
        let above = self.excluded(stream).into_iter().skip(own + 1);
        // What is left out for its quality may have one above it that is not: then nothing keeps the rule from that.
        let above: Option<Vec<Cap>> = above.collect();
        match above?.first() {
            Some(excluded) => Some(*excluded),
            None => self.above(stream).map(|(_, by)| by),
        }
    }

    /// For each step of a stream's ladder what excludes it, but for what failed.
    fn excluded(&self, stream: &Stream) -> Vec<Option<Cap>> {
        let exceeded = self.exceeded(stream, &stream.ladder);
        if stream.kind != TrackKind::Video {
            return exceeded;
        }
        let usable = self.usable_steps(stream);
        let worth = self.which_are_worth_their_bits(stream, &usable);
        let no_better = |step: &Step| {
            let of = usable.iter().zip(&worth).find(|(other, _)| step.candidates().any(|own| own == other.rendition));
            of.is_some_and(|(_, worth)| !worth).then_some(Cap::Quality)
        };
        let steps = stream.ladder.iter();
        steps.zip(exceeded).map(|(step, exceeded)| exceeded.or_else(|| no_better(step))).collect()
    }

    /// What the device or the application excludes right above a stream's ladder.
    fn above(&self, stream: &Stream) -> Option<(usize, Cap)> {
        let top = stream.ladder.last()?;
        let track = self.track(stream.period, stream.track)?;
        cap(track, top, &self.capabilities, &self.config.constraints)
    }
}

/// What the segment of a level takes to come, in milliseconds, if the network does what is believed and this is all that it
/// carries.
fn takes_ms(level: &Level, context: &Context<'_>) -> u64 {
    let Some(Estimate { bits_per_second, ttfb, forecast, .. }) = context.estimate else { return 0 };
    let rate = u128::from(forecast.map_or(bits_per_second, |forecast| forecast.bits_per_second).max(1));
    let bits = match level.next_size.or(level.expected_size) {
        Some(bytes) => u128::from(bytes) * 8,
        None => {
            let millis = u64::try_from(context.segment_duration.as_millis()).unwrap_or(0);
            u128::from(level.bitrate) * u128::from(millis) / 1000
        }
    };
    u64::try_from(bits * 1000 / rate + ttfb.as_millis()).unwrap_or(u64::MAX)
}
