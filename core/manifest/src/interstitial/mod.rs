//! What a title announces to be played in the middle of it: HLS interstitials (rfc8216bis, Appendices D and F) and DASH
//! alternative MPDs (ISO/IEC 23009-1, 5.16), read from [`TimedEvent`]s.
//!
//! ```
//! use telecine_model::SortedMap;
//! use telecine_manifest::interstitial::{self, Announcement};
//! use telecine_model::interstitial::{AssetSource, Resume};
//! use telecine_model::{EventCarrier, EventPayload, MediaTime, TimedEvent};
//!
//! let attributes = [("X-ASSET-URI", "https://ads.example/a.m3u8"), ("X-RESUME-OFFSET", "0")];
//! let event = TimedEvent {
//!     carrier: EventCarrier::DateRange,
//!     scheme: TimedEvent::DATE_RANGE.to_owned(),
//!     value: interstitial::HLS_INTERSTITIAL.to_owned(),
//!     id: Some("mid-roll".to_owned()),
//!     start: MediaTime::from_secs(60),
//!     duration: None,
//!     payload: EventPayload::Attributes(attributes.map(|(name, value)| (name.into(), value.into())).into()),
//!     timescale: None,
//! };
//! let found = interstitial::of_event(&event, "https://cdn.example/title.m3u8").expect("about an interstitial")?;
//! let Announcement::Interstitial(found) = found else { panic!("one to play") };
//! assert_eq!(found.assets, AssetSource::Asset("https://ads.example/a.m3u8".to_owned()));
//! assert_eq!(found.resume, Resume::Offset(MediaTime::ZERO));
//! # Ok::<(), telecine_model::Error>(())
//! ```

mod alternative;
mod asset_list;
mod date_range;

pub use alternative::{INSERT_SCHEME, REPLACE_SCHEME};
pub use asset_list::asset_list;
pub use date_range::{HLS_INTERSTITIAL, HLS_PRELOAD};

use telecine_model::interstitial::{Interstitial, PreloadNotice};
use telecine_model::{Error, EventCarrier, TimedEvent};

/// What an event says of interstitials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Announcement {
    /// That there is one.
    Interstitial(Box<Interstitial>),
    /// That what one plays may be asked for.
    Preload(PreloadNotice),
}

/// Reads an event of a title whose manifest has the URL `base`. None if it is about something else.
///
/// # Errors
/// What makes it useless: no assets or too many ways to name them (IN01), times that are none, an element that is missing.
/// The title is played without it.
pub fn of_event(event: &TimedEvent, base: &str) -> Option<Result<Announcement, Error>> {
    match event.carrier {
        EventCarrier::DateRange => date_range::read(event, base),
        EventCarrier::EventStream | EventCarrier::Emsg => alternative::read(event, base),
        _ => None,
    }
}
