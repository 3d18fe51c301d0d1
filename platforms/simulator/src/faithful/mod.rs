//! Sessions as the simulator of the rules' authors runs them (UMass-LIDS/sabre; abr.md 5 and 6), so that
//! figures can be held against the published ones.
//!
//! Its world is small on purpose: one request at a time has the link to itself, segments are there
//! whole or not at all, the first one is of the lowest level, and nothing plays until it is there. What
//! in it is odd is kept, because it is what was published:
//!
//! - After a request is given up the rule is asked again, and may choose another level than the one it
//!   gave the request up for.
//! - Whether to give up is asked after every further 12,000 bits and 50 ms, whichever comes later; the
//!   first 50 ms include the latency.
//! - A stall is an event only when a buffer runs dry that had something; time that an empty buffer goes
//!   on waiting is stall time of the same event.
//! - A pause that the rule asks for is not told to it as one of a full buffer.
//! - A rule is not told of the first segment, whose time is that of the start.

mod average;
mod buffer;
mod replacement;
mod roster;
mod session;

pub use replacement::Replacement;
pub use roster::{rule, Contender, ROSTER};
pub use session::{play, Setup};
