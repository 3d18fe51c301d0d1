//! Telecine's sink for GStreamer: decodes and renders with whatever the device has installed.
//!
//! [`GstSink`] implements [`telecine_engine::Sink`]. Give it to a player, or drive it by hand:
//!
//! ```
//! use telecine_engine::{Sink, SinkCommand, SinkReport};
//! use telecine_gstreamer::{GstSink, PixelFormat};
//! use telecine_model::{MediaTime, Timestamp};
//!
//! // Pictures go to the application; sound is decoded in time and not heard.
//! let mut sink = GstSink::builder()
//!     .headless()
//!     .frames(PixelFormat::I420, |frame| println!("{} {}x{}", frame.pts(), frame.width(), frame.height()))
//!     .build()?;
//! assert!(!sink.capabilities().codecs.is_empty(), "a device without decoders");
//!
//! let position = MediaTime::from_secs(7);
//! sink.command(SinkCommand::Seek(position), Timestamp::ZERO);
//! assert_eq!(sink.poll(Timestamp::ZERO), Some(SinkReport::Seeked { position }));
//! # Ok::<(), telecine_model::Error>(())
//! ```
//!
//! # The pipeline
//!
//! One branch for each kind, each with a streaming thread for its decoder and one for its renderer:
//!
//! ```text
//! engine ── Append ──▶ queue of samples ── fed 20 times a second ──┐
//!   ┌──────────────── chain, one per media type ──────────────┐    │
//!   │ appsrc ──▶ decodebin (parser, decoder by rank) ──▶ probe │◀──┘
//!   └───────────────────────────────────────────────────┬─────┘
//!   ┌──────────────── outlet, for as long as the kind ───▼─────┐
//!   │ queue ──▶ videoconvert, or audioconvert … ──▶ renderer   │
//!   └──────────────────────────────────────────────────────────┘
//! ```
//!
//! **Samples go in, not CMAF bytes.** The fragment's sample table is there already, so `qtdemux` has
//! nothing to add, and it takes something away: it delays all pictures of a track with negative
//! composition offsets by the largest of them, and it must find fragment boundaries and new
//! initialisation sections in a byte stream again. Samples carry exact presentation times (and no
//! decode times, which would have the same effect), share the bytes that came from the network, and
//! a switch of rendition is a change of caps between two of them.
//!
//! **Time.** A seek flushes the sources and starts a segment at the target: GStreamer's decoders cut
//! off what lies before it. What lies outside of a period's window is decoded as far as other
//! pictures need it and dropped behind the decoder. The playhead is where the renderers are,
//! the one that is furthest behind; a renderer that has played its kind's end does not count.
//!
//! **Starvation.** When everything was fed and a renderer shows the end of what was decoded, the
//! pipeline is paused, its running time set back to that moment, and [`SinkReport::Starved`]
//! reported. It goes on by itself when every kind has more. Media behind a hole of more than a tenth
//! of a second is not fed: the playhead stands at the hole until the engine jumps over it.
//!
//! **Silence.** Where a title has no sound for a while ([`SinkCommand::Silence`]), silence is played:
//! a chain of its own, without a decoder, gives zeros in the form of the sound before, so that the
//! loudspeaker's clock goes on. Where it has no picture, the renderer is told of the gap, and the last
//! picture stays. Either may be told before the kind is configured, and is passed like media.
//!
//! **Back pressure.** At most 64 samples wait in front of a decoder and four pictures behind it. The
//! rest waits as compressed bytes in a queue of up to [`Builder::max_bytes`] per kind, which also
//! keeps what was fed since the last sync sample: with that, a change of speed decodes the same
//! place again and loses nothing. What does not fit is refused whole ([`SinkReport::Full`]). What
//! the decoder has already cannot be removed; a segment that is removed and loaded again goes on
//! where its beginning was left in the decoder.
//!
//! **Late pictures.** Renderers drop what would be shown too late, and decoders pass over what they would be too late with; both say so on the
//! bus (QoS messages). How many pictures were due and how many of those were dropped is reported once a second while playback runs
//! ([`SinkReport::Frames`]): the engine leaves out what the device does not show in time.
//!
//! # Errors
//!
//! An error on the bus becomes [`SinkReport::Failed`] with the element's name and words, by place:
//! `DecodeFailed` (5001) from between source and decoder, `SinkFailed` (5002) from behind it,
//! `CodecUnsupported` (3006) if there is no decoder. Decoders that take everything and give nothing
//! are found out after two seconds. Single samples that do not come out are counted as
//! `decode_errors`.
//!
//! # What it does not do
//!
//! Subtitles: the sink takes sound and pictures only. Encrypted samples: they fail with
//! `KeyUnavailable` unless they are decrypted before they come here. Pictures in a graphics
//! processor's memory need a renderer that takes them: see [`Builder::video_sink`].
//!
//! [`SinkCommand::Silence`]: telecine_engine::SinkCommand::Silence
//! [`SinkReport::Starved`]: telecine_engine::SinkReport::Starved
//! [`SinkReport::Full`]: telecine_engine::SinkReport::Full
//! [`SinkReport::Failed`]: telecine_engine::SinkReport::Failed
//! [`SinkReport::Frames`]: telecine_engine::SinkReport::Frames

#![forbid(unsafe_code)]

mod branch;
mod builder;
mod chain;
mod clock;
mod fault;
mod format;
mod frame;
mod intake;
mod late;
mod outlet;
mod queue;
mod quiet;
mod sink;

pub use builder::Builder;
pub use frame::{Frame, PixelFormat};
pub use gstreamer;
pub use sink::GstSink;
