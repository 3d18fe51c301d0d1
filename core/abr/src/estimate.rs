//! What estimators are told, and what they say.

use std::time::Duration;

use telecine_model::{HttpVersion, Timestamp};

/// Names a transfer from its first byte to its end. The caller's request number will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransferId(pub u64);

/// A transfer that ended: complete, or given up with what it had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransferSample {
    /// Which transfer; the one of its [`Estimator::on_progress`] calls.
    pub id: TransferId,
    /// Bytes of the body that arrived.
    pub bytes: u64,
    /// When the request was made.
    pub started: Timestamp,
    /// When the first byte of the body arrived.
    pub first_byte: Timestamp,
    /// When the last byte arrived.
    pub finished: Timestamp,
    /// What is special about it.
    pub flags: TransferFlags,
}

/// What keeps a transfer from telling the network's rate plainly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct TransferFlags {
    /// Known to come from a cache on the device.
    pub cached: bool,
    /// Given up before its end; its bytes count like any other's.
    pub aborted: bool,
    /// Held back by its source: chunks of a segment still being made, or a pacing server. The
    /// network carries this much or more. [`Estimator::on_paced`] tells it ahead, and gets more out
    /// of the transfer.
    pub paced: bool,
    /// Held back by the player itself, which read no faster than it wanted to: the network carries this much or more.
    pub limited: bool,
    /// The server let the request wait until the media was there, as for a hinted part: its wait is
    /// no time to first byte (rfc8216bis 6.2.6).
    pub held: bool,
}

/// What the network is believed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// Bits a second that all transfers together get.
    pub bits_per_second: u64,
    /// A cautious figure: what it falls to in its usual ups and downs.
    pub low: u64,
    /// From request to first byte, cautiously.
    pub ttfb: Duration,
    /// Rate samples of whichever host; 0 says that the figures are assumed, not measured.
    pub samples: u32,
    /// Where the rate is now and how far it moves; None where the estimator only averages, or has not measured.
    pub forecast: Option<Forecast>,
    /// How the rate was spread of late; None where nothing was measured, or the estimator does not tell.
    pub recent: Option<Recent>,
}

/// How a rate was spread over the last measurements: since it changed, if it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recent {
    /// Bits a second that it was below for half of the time of transfer.
    pub median: u64,
    /// Bits a second that it was below for a fifth of it.
    pub low: u64,
    /// Standard deviation of its natural logarithm, in thousandths: 100 are a tenth of the rate. The variance is its square.
    /// Few measurements leave some of what is usual in it (a fifth of the rate).
    pub deviation_milli: u32,
    /// When it became another one last.
    pub change: Option<Change>,
}

/// A rate became another one, beyond its usual ups and downs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// When the first measurement of the new rate was complete. It is known a measurement later, or more.
    pub at: Timestamp,
    /// Bits a second before, on average of the logarithm.
    pub before: u64,
    /// Bits a second after it, as it became known.
    pub after: u64,
}

/// A rate that changes from one segment to the next, as a walk by chance of its logarithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// Where it is believed to be now, in bits a second: less of an average than [`Estimate::bits_per_second`], and no more
    /// likely to be too high than too low.
    pub bits_per_second: u64,
    /// How far the beliefs before were off, typically: thousandths of the natural logarithm, so that 100 are a tenth
    /// of the rate.
    pub typical_error_milli: u32,
}

/// Who answers a transfer, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer<'a> {
    /// URL that was asked for.
    pub asked: &'a str,
    /// URL that answers: another one where redirects led there.
    pub by: &'a str,
    /// The version of HTTP that it answers by, where that is known: a host is another one by another version.
    pub version: Option<HttpVersion>,
}

/// Watches transfers and says what the network does.
///
/// Feed one estimator with the transfers of all tracks from one place: picture and sound share the
/// link, and neither alone tells its rate. Call [`Estimator::on_progress`] at each transfer's
/// first byte and as bytes arrive (chunk by chunk, or a few times a second), then
/// [`Estimator::on_transfer`] once at its end; with several transfers at once the shares of those
/// still under way are known only so. A lone transfer needs only the second call.
pub trait Estimator: Send {
    /// Name for reports.
    fn name(&self) -> &'static str;

    /// A transfer is answered. Call it as the answer begins, before anything else of the transfer. Without it a transfer is of
    /// the line alone.
    fn on_answer(&mut self, _transfer: TransferId, _answer: &Answer<'_>, _now: Timestamp) {}

    /// `bytes` of a body arrived so far.
    fn on_progress(&mut self, _transfer: TransferId, _bytes: u64, _now: Timestamp) {}

    /// A transfer comes as its source makes it: a segment in chunks that is still being made, a part
    /// at the live edge. Call it as the answer begins, before the first [`Estimator::on_progress`] of
    /// the transfer, and that one with each read from the network: what the network carries shows
    /// only in how bytes follow each other. Not for what comes from a cache on the device.
    fn on_paced(&mut self, _transfer: TransferId) {}

    /// A paced transfer is behind its source as of now: more of it was made than has come. Either that is late, or the network
    /// holds it up.
    fn on_late(&mut self, _transfer: TransferId, _now: Timestamp) {}

    /// It is the network: since the last [`Estimator::on_late`] the transfer shows what that carries, as any other does, and the
    /// bytes and times of the sample at its end are from there on. [`Estimator::on_paced`] takes that back.
    fn on_held_up(&mut self, _transfer: TransferId) {}

    /// A chunk of a paced transfer (`moof` with its `mdat`) is complete; it ends at `end` bytes of
    /// the body. Call it after the [`Estimator::on_progress`] that completed it, before the next.
    /// Where nothing of another chunk arrived with its end, the source had none.
    fn on_chunk(&mut self, _transfer: TransferId, _end: u64) {}

    /// The device is on another network: what was measured says nothing any more.
    fn on_other_network(&mut self) {}

    /// A transfer ended.
    fn on_transfer(&mut self, sample: &TransferSample);

    /// What is believed now of the line, whoever is at its other end; None before anything is known.
    fn estimate(&self) -> Option<Estimate>;

    /// What is believed now of what is asked for at a URL; None before anything is known. The same as
    /// [`Estimator::estimate`] where an estimator does not tell hosts apart.
    fn estimate_of(&self, _asked: &str) -> Option<Estimate> {
        self.estimate()
    }
}
