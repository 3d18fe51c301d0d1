//! CEA-608: captions of line 21, two channels in each of two fields (CTA-608-E).

mod channel;
mod tables;

use telecine_model::cue::Cue;
use telecine_model::MediaTime;

use self::channel::Channel;

/// One field: its two channels, and what is between them.
#[derive(Debug, Default)]
pub(super) struct Field {
    channels: [Channel; 2],
    /// Which channel the last code was for.
    current: usize,
    /// The last control code, until it was repeated or something else came: codes are sent twice.
    control: Option<[u8; 2]>,
    /// Other data than captions has the word (XDS, field 2 alone).
    extended_data: bool,
}

impl Field {
    /// Takes two bytes that are due at `now`. Parity is ignored: digital media is not received from
    /// the air.
    pub(super) fn take(&mut self, pair: [u8; 2], now: MediaTime) {
        let [first, second] = pair.map(|byte| byte & 0x7f);
        match first {
            // Padding, which may be between a code and its repetition.
            0 if second == 0 => {}
            0x10..=0x1f => {
                self.extended_data = false;
                if self.control.take() == Some([first, second]) {
                    return;
                }
                self.control = Some([first, second]);
                self.current = usize::from(first >> 3 & 1);
                if let Some(channel) = self.channels.get_mut(self.current) {
                    channel.control(first & 0x17, second, now);
                }
            }
            // XDS packets start and go on with 0x01 to 0x0e; 0x0f ends them.
            0x01..=0x0e => self.extended_data = true,
            0x0f => self.extended_data = false,
            _ => {
                self.control = None;
                if self.extended_data {
                    return;
                }
                if let Some(channel) = self.channels.get_mut(self.current) {
                    for char in [first, second].into_iter().filter_map(tables::basic) {
                        channel.character(char, now);
                    }
                }
            }
        }
    }

    /// Cues that have ended, with the number of their channel in the field, 0 or 1.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = (usize, Cue)> + '_ {
        self.channels.iter_mut().enumerate().flat_map(|(at, channel)| channel.ended.drain(..).map(move |cue| (at, cue)))
    }

    /// What is on the screen, without ends.
    pub(super) fn open(&self) -> impl Iterator<Item = (usize, Cue)> + '_ {
        self.channels
            .iter()
            .enumerate()
            .flat_map(|(at, channel)| channel.showing(Cue::OPEN_END).into_iter().map(move |cue| (at, cue)))
    }

    /// Ends everything that is on the screen.
    pub(super) fn finish(&mut self, now: MediaTime) {
        self.channels.iter_mut().for_each(|channel| channel.finish(now));
    }
}
