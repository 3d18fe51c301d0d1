//! CEA-708: captions of digital television (CTA-708-E): packets, services, windows.

mod service;
mod tables;
mod window;

use telecine_model::cue::Cue;
use telecine_model::MediaTime;

use self::service::Service;
use telecine_model::SortedMap;

/// The longest packet.
const PACKET: usize = 128;

/// Gathers packets and hands their blocks to services.
#[derive(Debug, Default)]
pub(super) struct Dtvcc {
    packet: Vec<u8>,
    /// Bytes of the packet that is being gathered; zero between packets.
    length: usize,
    /// By their number, 1 to 63.
    services: SortedMap<u8, Service>,
}

impl Dtvcc {
    /// Two bytes that begin a packet (5.1: `cc_type` 3).
    pub(super) fn start(&mut self, pair: [u8; 2], now: MediaTime) {
        // One that was not complete may hold whole blocks.
        self.end(now);
        // Sequence number in the upper two bits; size in pairs, zero for the longest.
        self.length = match usize::from(pair[0] & 0x3f) {
            0 => PACKET,
            pairs => pairs * 2,
        };
        self.add(pair, now);
    }

    /// Two bytes that go on with a packet (`cc_type` 2).
    pub(super) fn add(&mut self, pair: [u8; 2], now: MediaTime) {
        if self.length == 0 {
            return;
        }
        self.packet.extend(pair);
        if self.packet.len() >= self.length {
            self.end(now);
        }
    }

    /// Reads the blocks of the packet (6.2).
    fn end(&mut self, now: MediaTime) {
        self.length = 0;
        let packet = std::mem::take(&mut self.packet);
        let mut rest = packet.get(1..).unwrap_or_default();
        while let [header, behind @ ..] = rest {
            let (mut number, size) = (header >> 5, usize::from(header & 0x1f));
            rest = behind;
            // The end of the packet's blocks.
            if number == 0 {
                break;
            }
            // Seven announces a byte with a higher number.
            if number == 7 && size > 0 {
                let [extended, behind @ ..] = rest else { break };
                number = extended & 0x3f;
                rest = behind;
            }
            let Some((block, behind)) = rest.split_at_checked(size) else { break };
            rest = behind;
            if number > 0 && !block.is_empty() {
                self.services.entry(number).or_default().take(block, now);
            }
        }
        // Its room is used again.
        self.packet = packet;
        self.packet.clear();
    }

    /// Lets time pass: what was delayed until now is done.
    pub(super) fn advance(&mut self, now: MediaTime) {
        self.services.values_mut().for_each(|service| service.advance(now));
    }

    /// Cues that have ended, with the number of their service.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = (u8, Cue)> + '_ {
        self.services.iter_mut().flat_map(|(number, service)| service.ended.drain(..).map(move |cue| (*number, cue)))
    }

    /// What is on the screen, without ends.
    pub(super) fn open(&self) -> impl Iterator<Item = (u8, Cue)> + '_ {
        self.services
            .iter()
            .flat_map(|(number, service)| service.showing(Cue::OPEN_END).into_iter().map(move |cue| (*number, cue)))
    }

    /// Ends everything that is on the screen.
    pub(super) fn finish(&mut self, now: MediaTime) {
        self.services.values_mut().for_each(|service| service.finish(now));
    }
}
