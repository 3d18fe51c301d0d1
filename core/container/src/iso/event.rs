//! Boxes that say something at a media time: `emsg` (ISO/IEC 23009-1, 5.10.3.3) and `prft`
//! (ISO/IEC 14496-12, 8.16.5).

use bytes::Bytes;
use telecine_model::{Error, Timescale};

use super::boxes::BoxView;

/// An event in the media (`emsg`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventMessage {
    /// `scheme_id_uri`.
    pub scheme: String,
    /// `value`; may be empty.
    pub value: String,
    /// Ticks a second of the times here.
    pub timescale: Timescale,
    /// When it starts.
    pub presentation: EventTime,
    /// Ticks; None if unknown (0xFFFFFFFF).
    pub duration: Option<u64>,
    /// With scheme and value, the event's identity: a repetition has the same.
    pub id: u32,
    /// `message_data`, of a syntax that the scheme defines.
    pub message: Bytes,
}

/// Start of an [`EventMessage`], in its own timescale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventTime {
    /// From the earliest presentation time of the segment that carries it (version 0).
    Delta(u64),
    /// On the media's timeline (version 1).
    Absolute(u64),
}

/// Reads an `emsg` box; `None` for versions that are not known, which are to be ignored.
pub(crate) fn read_event(emsg: &BoxView<'_>) -> Result<Option<EventMessage>, Error> {
    let mut fields = emsg.fields();
    let (version, _) = fields.version_and_flags()?;
    if version > 1 {
        return Ok(None);
    }
    let mut names = None;
    if version == 0 {
        names = Some((fields.text()?, fields.text()?));
    }
    let timescale = Timescale::new(fields.u32()?).ok_or_else(|| emsg.syntax("a timescale of zero"))?;
    let presentation = match version {
        0 => EventTime::Delta(fields.u32()?.into()),
        _ => EventTime::Absolute(fields.u64()?),
    };
    let duration = fields.u32()?;
    let id = fields.u32()?;
    let (scheme, value) = match names {
        Some(names) => names,
        None => (fields.text()?, fields.text()?),
    };
    Ok(Some(EventMessage {
        scheme,
        value,
        timescale,
        presentation,
        duration: Some(duration).filter(|ticks| *ticks != u32::MAX).map(u64::from),
        id,
        message: fields.rest_bytes(),
    }))
}

/// When a fragment was encoded or sent, by the producer's clock (`prft`): for measuring latency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerReference {
    /// Track whose time it is.
    pub track_id: u32,
    /// Time of the producer's clock in NTP format: seconds since 1900 and their 2^-32 parts.
    pub ntp: u64,
    /// Ticks of the track.
    pub media_time: u64,
    /// What the time is of: 0 input to the encoder, 1 output, 2 moof finalised, 4 moof written, 8 arbitrary.
    pub flags: u32,
}

/// Reads a `prft` box; `None` for versions that are not known.
pub(crate) fn read_producer_reference(prft: &BoxView<'_>) -> Result<Option<ProducerReference>, Error> {
    let mut fields = prft.fields();
    let (version, flags) = fields.version_and_flags()?;
    if version > 1 {
        return Ok(None);
    }
    Ok(Some(ProducerReference {
        track_id: fields.u32()?,
        ntp: fields.u64()?,
        media_time: fields.u32_or_u64(version)?,
        flags,
    }))
}
