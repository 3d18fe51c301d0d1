//! MPEG-2 transport streams (ISO/IEC 13818-1).
//!
//! | module | what it does |
//! |---|---|
//! | [`packet`] | finds packets of 188, 192 and 204 bytes, again where they were lost |
//! | [`psi`] | programme association and map: which PID carries what |
//! | [`pes`] | PES packets and their timestamps |
//! | [`clock`] | timestamps of 33 bits on an endless line |
//! | [`demux`] | all of it together, into access units |

mod clock;
mod demux;
mod packet;
mod pes;
mod psi;
mod stream;

pub(crate) use clock::Clock;
pub(crate) use demux::Demuxer;
pub(crate) use psi::audio_setup;
