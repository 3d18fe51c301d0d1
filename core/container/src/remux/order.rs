//! Decode times for streams that say only when pictures are shown.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use crate::es::Picture;

/// Something with a presentation time and perhaps a decode time, in ticks of 90 kHz.
pub(crate) trait Timed {
    fn pts(&self) -> i64;
    fn dts(&self) -> Option<i64>;
}

/// How decode times are found.
#[derive(Debug, Default)]
enum Mode {
    /// Nothing has come yet.
    #[default]
    Undecided,
    /// They are given, and equal to presentation times where they are not (ISO/IEC 13818-1, 2.7.5).
    Given,
    /// None is given and the depth of reordering is not known: pictures are held back to see it.
    Observing,
    /// None is given: so many pictures are decoded before the one that is shown first.
    Reordered(usize),
}

/// Gives each picture, in decoding order, its decode time.
///
/// The picture that is decoded as the nth is given the time at which the (n - depth)th is shown: with
/// the depth of reordering that the stream has, no picture is then decoded after it is shown.
#[derive(Debug)]
pub(crate) struct DecodeOrder<T> {
    mode: Mode,
    held: VecDeque<T>,
    /// Presentation times of pictures whose place has not been given away.
    shown: BinaryHeap<Reverse<i64>>,
    /// From one picture to the next, as it was seen.
    step: Option<i64>,
}

impl<T> Default for DecodeOrder<T> {
    fn default() -> Self {
        Self { mode: Mode::default(), held: VecDeque::new(), shown: BinaryHeap::new(), step: None }
    }
}

/// Pictures that are held back at most; no decoder buffers more.
const DEEPEST: usize = 16;

impl<T: Timed> DecodeOrder<T> {
    /// Takes a picture; `out` is given those whose decode times are known now.
    pub(crate) fn push(&mut self, frame: T, picture: Option<&Picture>, out: &mut impl FnMut(T, i64)) {
        if let Some(dts) = frame.dts() {
            self.flush(picture, out);
            self.mode = Mode::Given;
            self.shown.clear();
            return out(frame, dts);
        }
        if let Mode::Undecided = self.mode {
            self.mode = match picture.map(|picture| picture.reorder) {
                None | Some(Some(0)) => Mode::Given,
                Some(Some(depth)) => Mode::Reordered((depth as usize).min(DEEPEST)),
                Some(None) => Mode::Observing,
            };
        }
        match self.mode {
            Mode::Undecided | Mode::Given => {
                let pts = frame.pts();
                out(frame, pts);
            }
            Mode::Observing => {
                self.held.push_back(frame);
                let deepest = picture.map_or(DEEPEST, |picture| (picture.buffered as usize).min(DEEPEST));
                if self.held.len() > deepest {
                    self.decide(picture, out);
                }
            }
            Mode::Reordered(depth) => self.reorder(frame, depth, picture, out),
        }
    }

    /// The stream, or a part of it that stands alone, ends: nothing is held back.
    pub(crate) fn flush(&mut self, picture: Option<&Picture>, out: &mut impl FnMut(T, i64)) {
        if let Mode::Observing = self.mode {
            self.decide(picture, out);
        }
        if let Some(Reverse(first)) = self.shown.peek() {
            let (first, step) = (*first, self.step(picture));
            self.release(first, step, out);
        }
    }

    /// Takes the depth of reordering from what is held.
    fn decide(&mut self, picture: Option<&Picture>, out: &mut impl FnMut(T, i64)) {
        let times: Vec<i64> = self.held.iter().map(T::pts).collect();
        // Of each picture, those that are decoded before it and shown behind it (ISO/IEC 14496-10, E.2.1).
        let depth = times.iter().enumerate().map(|(at, time)| times.iter().take(at).filter(|t| *t > time).count());
        self.mode = match depth.max() {
            Some(0) | None => Mode::Given,
            Some(depth) => Mode::Reordered(depth),
        };
        self.step = smallest_step(times);
        for frame in std::mem::take(&mut self.held) {
            self.push(frame, picture, out);
        }
    }

    fn reorder(&mut self, frame: T, depth: usize, picture: Option<&Picture>, out: &mut impl FnMut(T, i64)) {
        self.shown.push(Reverse(frame.pts()));
        if self.shown.len() <= depth {
            return self.held.push_back(frame);
        }
        let step = self.step(picture);
        let Some(Reverse(dts)) = self.shown.pop() else { return };
        self.release(dts, step, out);
        out(frame, dts);
    }

    /// What was held back at the start is decoded one frame apart, before `first`.
    fn release(&mut self, first: i64, step: i64, out: &mut impl FnMut(T, i64)) {
        let mut dts = first.saturating_sub(step.saturating_mul(self.held.len() as i64));
        for frame in self.held.drain(..) {
            out(frame, dts);
            dts = dts.saturating_add(step);
        }
    }

    /// From one picture to the next.
    fn step(&self, picture: Option<&Picture>) -> i64 {
        let stated = picture.and_then(|picture| picture.frame_duration).map(i64::from);
        let between = || smallest_step(self.shown.iter().map(|Reverse(time)| *time).collect());
        stated.or(self.step).or_else(between).unwrap_or(super::DEFAULT_STEP)
    }
}

fn smallest_step(mut times: Vec<i64>) -> Option<i64> {
    times.sort_unstable();
    times.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).filter(|step| *step > 0).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Frame(i64, Option<i64>);

    impl Timed for Frame {
        fn pts(&self) -> i64 {
            self.0
        }

        fn dts(&self) -> Option<i64> {
            self.1
        }
    }

    fn picture(reorder: Option<u32>, frame_duration: Option<u32>) -> Picture {
        Picture { width: 16, height: 16, aspect: None, colour: None, frame_duration, reorder, buffered: 4 }
    }

    /// Presentation and decode times as they come out.
    fn run(picture: &Picture, frames: &[Frame]) -> Vec<(i64, i64)> {
        let mut order = DecodeOrder::default();
        let mut found = Vec::new();
        let mut out = |frame: Frame, dts: i64| found.push((frame.0, dts));
        for frame in frames {
            order.push(*frame, Some(picture), &mut out);
        }
        order.flush(Some(picture), &mut out);
        found
    }

    fn bare(times: &[i64]) -> Vec<Frame> {
        times.iter().map(|time| Frame(*time, None)).collect()
    }

    #[test]
    fn given_times_are_kept_and_missing_ones_are_the_presentation_times() {
        let frames = [Frame(10, Some(0)), Frame(40, Some(10)), Frame(20, None), Frame(30, None)];
        assert_eq!(run(&picture(Some(2), None), &frames), [(10, 0), (40, 10), (20, 20), (30, 30)]);
    }

    #[test]
    fn pictures_without_reordering_are_decoded_when_they_are_shown() {
        assert_eq!(run(&picture(Some(0), None), &bare(&[5, 6, 7])), [(5, 5), (6, 6), (7, 7)]);
        assert_eq!(run(&picture(None, None), &bare(&[5, 6, 7])), [(5, 5), (6, 6), (7, 7)]);
    }

    #[test]
    fn with_reordering_of_a_known_depth_each_takes_the_place_of_one_shown_before() {
        // I P B b: shown as 0, 3, 1, 2, and so on, in steps of 10.
        let times = [0, 40, 20, 10, 30, 80, 60, 50, 70];
        let expected = [(0, -20), (40, -10), (20, 0), (10, 10), (30, 20), (80, 30), (60, 40), (50, 50), (70, 60)];
        assert_eq!(run(&picture(Some(2), Some(10)), &bare(&times)), expected);
        // The same where depth and step have to be seen.
        assert_eq!(run(&picture(None, None), &bare(&times)), expected);
    }

    #[test]
    fn a_stream_shorter_than_its_depth_comes_out_at_its_end() {
        assert_eq!(run(&picture(Some(3), Some(10)), &bare(&[100, 110])), [(100, 80), (110, 90)]);
        assert_eq!(run(&picture(None, None), &bare(&[100])), [(100, 100)]);
    }

    #[test]
    fn a_part_that_ends_leaves_the_order_to_the_next() {
        let picture = picture(Some(1), Some(10));
        let mut order = DecodeOrder::default();
        let mut found = Vec::new();
        for (part, frames) in [[0, 20, 10], [30, 50, 40]].iter().enumerate() {
            for frame in bare(frames) {
                order.push(frame, Some(&picture), &mut |frame, dts| found.push((part, frame.0, dts)));
            }
            order.flush(Some(&picture), &mut |frame, dts| found.push((part, frame.0, dts)));
        }
        assert_eq!(found, [(0, 0, -10), (0, 20, 0), (0, 10, 10), (1, 30, 20), (1, 50, 30), (1, 40, 40)]);
    }

    proptest! {
        #[test]
        fn decode_times_ascend_and_are_not_behind_presentation_times(
            groups in proptest::collection::vec(proptest::sample::select(vec![&[0][..], &[1, 0], &[2, 1, 0], &[3, 1, 0, 2], &[2, 0, 1]]), 1..30),
        ) {
            let mut times = vec![0];
            let mut base = 1;
            for group in groups {
                times.extend(group.iter().map(|at| (base + at) * 3600));
                base += group.len() as i64;
            }
            let found = run(&picture(Some(2), Some(3600)), &bare(&times));
            prop_assert_eq!(found.len(), times.len());
            for pair in found.windows(2) {
                prop_assert!(pair[0].1 < pair[1].1);
            }
            for (pts, dts) in found {
                prop_assert!(dts <= pts);
            }
        }
    }
}
