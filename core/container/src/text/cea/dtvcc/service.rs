//! A service: its commands and its eight windows (CTA-708-E, 7 and 8.10).

use telecine_model::cue::Cue;
use telecine_model::MediaTime;

use super::tables;
use super::window::{Definition, Window};

/// Bytes that wait: for the rest of a command, or for the end of a delay (8.10.5.13).
const BUFFER: usize = 128;

#[derive(Debug, Default)]
pub(super) struct Service {
    windows: [Option<Window>; 8],
    current: usize,
    waiting: Vec<u8>,
    delayed_until: Option<MediaTime>,
    pub(super) ended: Vec<Cue>,
}

impl Service {
    /// Takes the bytes of a block.
    pub(super) fn take(&mut self, block: &[u8], now: MediaTime) {
        self.advance(now);
        self.waiting.extend_from_slice(block);
        if self.delayed_until.is_some() {
            // These end a delay as they arrive; so does a full buffer.
            let ends = block.iter().any(|byte| matches!(byte, 0x8e | 0x8f));
            if !ends && self.waiting.len() < BUFFER {
                return;
            }
            self.delayed_until = None;
        }
        self.run(now);
    }

    /// Ends a delay that is over by now, at the time at which it was.
    pub(super) fn advance(&mut self, now: MediaTime) {
        while let Some(until) = self.delayed_until.filter(|until| *until <= now) {
            self.delayed_until = None;
            self.run(until);
        }
    }

    /// Executes what waits, until a command is not complete or delays the rest.
    fn run(&mut self, now: MediaTime) {
        let bytes = std::mem::take(&mut self.waiting);
        let mut rest = &bytes[..];
        while self.delayed_until.is_none() {
            match self.step(rest, now) {
                Some(length) => rest = rest.get(length..).unwrap_or_default(),
                None => break,
            }
        }
        // The rest of a command is shorter than the buffer, and so is what a delay holds back.
        self.waiting = rest.get(rest.len().saturating_sub(BUFFER)..).unwrap_or_default().to_vec();
    }

    /// Executes one command; its length, or None if it is not complete.
    fn step(&mut self, bytes: &[u8], now: MediaTime) -> Option<usize> {
        let code = *bytes.first()?;
        let ended = &mut self.ended;
        let number = self.current;
        let window = self.windows.get_mut(number).and_then(Option::as_mut);
        let length = match code {
            // C0.
            0x10 => return self.extended(bytes, now),
            0x00..=0x0f => 1,
            0x11..=0x17 => 2,
            0x18..=0x1f => 3,
            // C1.
            0x90 | 0x92 => 3,
            0x91 => 4,
            0x97 => 5,
            0x98..=0x9f => 7,
            0x88..=0x8d => 2,
            _ => 1,
        };
        let parameters = bytes.get(1..length)?;
        match (code, window) {
            (0x80..=0x87, _) => {
                let number = usize::from(code & 7);
                if self.windows.get(number).is_some_and(Option::is_some) {
                    self.current = number;
                }
            }
            (0x88..=0x8c, _) => self.each(parameters.first().copied().unwrap_or(0), code, now),
            // Tenths of a second.
            (0x8d, _) => {
                let tenths = parameters.first().copied().unwrap_or(0);
                self.delayed_until = Some(now + MediaTime::from_millis(i64::from(tenths) * 100)).filter(|_| tenths > 0);
            }
            (0x8f, _) => self.finish(now),
            (0x98..=0x9f, _) => self.define(usize::from(code & 7), parameters, now),
            (0x08, Some(window)) => window.backspace(number, now, ended),
            (0x0c, Some(window)) => window.clear(number, now, ended),
            (0x0d, Some(window)) => window.carriage_return(number, now, ended),
            (0x0e, Some(window)) => window.horizontal_return(number, now, ended),
            (0x18, Some(window)) => {
                if let Some(char) =
                    parameters.first_chunk().and_then(|code| char::from_u32(u16::from_be_bytes(*code).into()))
                {
                    window.write(Some(char), number, now, ended);
                }
            }
            (0x90, Some(window)) => {
                if let Some(parameters) = parameters.first_chunk() {
                    window.set_pen_attributes(*parameters);
                }
            }
            (0x91, Some(window)) => {
                if let Some(parameters) = parameters.first_chunk() {
                    window.set_pen_colour(*parameters);
                }
            }
            (0x92, Some(window)) => {
                if let Some(parameters) = parameters.first_chunk() {
                    window.set_pen_location(*parameters);
                }
            }
            (0x97, Some(window)) => {
                if let Some(parameters) = parameters.first_chunk() {
                    window.set_attributes(*parameters, number, now, ended);
                }
            }
            (0x20..=0x7f, Some(window)) => window.write(Some(tables::g0(code)), number, now, ended),
            (0xa0..=0xff, Some(window)) => window.write(Some(tables::g1(code)), number, now, ended),
            // Null, end of text, cancelled delays that have ended, reserved codes, and text without a window.
            _ => {}
        }
        Some(length)
    }

    /// Codes behind EXT1: the sets C2, C3, G2 and G3 (7.1.6 to 7.1.11).
    fn extended(&mut self, bytes: &[u8], now: MediaTime) -> Option<usize> {
        let code = *bytes.get(1)?;
        let length = match code {
            0x00..=0x07 => 2,
            0x08..=0x0f => 3,
            0x10..=0x17 => 4,
            0x18..=0x1f => 5,
            0x80..=0x87 => 6,
            0x88..=0x8f => 7,
            // A header with the number of bytes behind it.
            0x90..=0x9f => 3 + usize::from(*bytes.get(2)? & 0x1f),
            _ => 2,
        };
        bytes.get(..length)?;
        let char = match code {
            0x20..=0x7f => tables::g2(code),
            0xa0..=0xff => Some(tables::g3(code)),
            // Nothing is defined in C2 and C3.
            _ => return Some(length),
        };
        let number = self.current;
        if let Some(window) = self.windows.get_mut(number).and_then(Option::as_mut) {
            window.write(char, number, now, &mut self.ended);
        }
        Some(length)
    }

    /// A command for the windows of a bitmap.
    fn each(&mut self, bitmap: u8, code: u8, now: MediaTime) {
        for (number, place) in self.windows.iter_mut().enumerate() {
            let Some(window) = place.as_mut().filter(|_| bitmap >> number & 1 == 1) else { continue };
            match code {
                0x88 => window.clear(number, now, &mut self.ended),
                0x89 => window.show(true, number, now, &mut self.ended),
                0x8a => window.show(false, number, now, &mut self.ended),
                0x8b => window.show(!window.visible, number, now, &mut self.ended),
                _ => {
                    window.settle(number, now, &mut self.ended);
                    *place = None;
                }
            }
        }
    }

    fn define(&mut self, number: usize, parameters: &[u8], now: MediaTime) {
        let (Some(place), Some(bytes)) = (self.windows.get_mut(number), parameters.first_chunk()) else { return };
        let definition = Definition::read(*bytes);
        match place {
            Some(window) => window.redefine(definition, number, now, &mut self.ended),
            None => *place = Some(Window::new(definition, now)),
        }
        self.current = number;
    }

    /// Ends and deletes everything.
    pub(super) fn finish(&mut self, now: MediaTime) {
        self.each(u8::MAX, 0x8c, now);
    }

    /// What is on the screen, as cues with this end.
    pub(super) fn showing(&self, end: MediaTime) -> Vec<Cue> {
        let windows = self.windows.iter().enumerate();
        windows.filter_map(|(number, window)| window.as_ref()?.showing(number, end)).collect()
    }
}
