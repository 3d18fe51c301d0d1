//! A programme that goes on: which of its segments there are at a moment.
//!
//! A live programme begins at `start_<seconds>` and repeats its title for ever, or until `stop_<seconds>`. A segment is
//! there once it has ended, and is named as long as it reaches into the window. With `parts_<ms>` (HLS) and `chunk_<ms>` (DASH)
//! it is there piece by piece. What is answered is a function of the URL and the time, and `?nowMS=` takes the place of the
//! clock.

mod edge;
mod moment;

use std::cmp::Ordering;

use crate::options::{number, switch, Format, LONGEST_SECONDS};
use crate::title::chunk::{self, Fit};
use crate::title::{Ticks, Title, Track};
use crate::unsteady::Unsteady;
pub(crate) use edge::{Edge, NEVER};
pub(crate) use moment::Moment;
use moment::LATEST;

/// `live_<seconds>` and what belongs to it. Times are seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Live {
    /// How long a segment stays.
    window: u64,
    start: u64,
    stop: Option<u64>,
    /// `event_1`: an HLS EVENT playlist, which keeps all from its start.
    pub(crate) event: bool,
    /// `mup_<seconds>`: `MPD@minimumUpdatePeriod`.
    pub(crate) update_period: Option<u64>,
    /// `spd_<seconds>`: `MPD@suggestedPresentationDelay`, and HLS `HOLD-BACK`.
    pub(crate) delay: Option<u64>,
    /// `utc_<scheme>[-<scheme>…]`: `UTCTiming`, in this order.
    pub(crate) clocks: Vec<Clock>,
    /// `parts_<ms>`: the longest part of HLS.
    pub(crate) parts: Option<u64>,
    /// `partfiles_1`: each part is a file of its own, not a range of its segment.
    pub(crate) part_files: bool,
    /// `block_0`, `block_1`: whether playlists are held until they have what is asked for.
    block: Option<bool>,
    /// `skip_0`, `skip_1`, `skip_2`: whether playlists may leave out what is known, and date ranges too.
    skip: Option<Skips>,
    /// `chunk_<ms>`: the longest chunk of DASH.
    chunk: Option<u64>,
    /// `ato_<ms>`: `@availabilityTimeOffset`: a segment can be asked for so much before its end.
    pub(crate) early: u64,
    /// `ltgt_<ms>`: the latency that a service description aims at.
    pub(crate) latency: Option<u64>,
    /// `prft_1`: each chunk says when it was made.
    pub(crate) produced: bool,
    /// `reftime_0`: the MPD does not say when chunks are made.
    pub(crate) reference_time: bool,
    /// `encrestart_<seconds>`: the encoder starts anew so often, and media times with it.
    pub(crate) restart: Option<u64>,
    /// `encrestartmsn_<seconds>`: and so do the numbers of segments.
    pub(crate) renumbers: bool,
    /// `adbreak_<seconds>`: every other run of so many seconds has other media times.
    pub(crate) break_every: Option<u64>,
    /// `continuous_0`: periods do not say that they continue each other.
    pub(crate) continuous: bool,
    /// `etp_1`: the last period is announced longer than it will be.
    pub(crate) ends_early: bool,
    /// `patch_<seconds>`: how long a patch of an MPD can be had.
    pub(crate) patch: Option<u64>,
    /// `scte35_<seconds>`: a break begins so often.
    pub(crate) splices: Option<u64>,
    /// `sgai_1`: something else is played in breaks, by whoever plays the programme.
    pub(crate) interstitials: bool,
    /// `inband_1`: breaks are told in the media of DASH, not in the MPD.
    pub(crate) in_band: bool,
    /// `mpdevent_1`: the media tell when an MPD is not valid any more.
    pub(crate) validity: bool,
    /// What goes wrong.
    pub(crate) unsteady: Unsteady,
}

/// What a playlist may leave out that is known already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Skips {
    /// Nothing.
    None,
    /// Segments.
    Segments,
    /// Date ranges too.
    DateRanges,
}

/// The ways to learn the time that an MPD offers (ISO/IEC 23009-1, 5.8.4.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    /// The time itself.
    Direct,
    /// The `Date` of an answer to HEAD.
    Head,
    /// `xs:dateTime` in a body.
    XsDate,
    /// ISO 8601 in a body.
    Iso,
    /// NTP, which a player has no way to ask: nothing is served.
    Ntp,
    /// SNTP, likewise.
    Sntp,
    /// NTP in a body, likewise.
    HttpNtp,
}

impl Clock {
    const ALL: [Self; 7] = [Self::Direct, Self::Head, Self::XsDate, Self::Iso, Self::Ntp, Self::Sntp, Self::HttpNtp];

    /// As the URL names it.
    const fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Head => "head",
            Self::XsDate => "xsdate",
            Self::Iso => "iso",
            Self::Ntp => "ntp",
            Self::Sntp => "sntp",
            Self::HttpNtp => "httpntp",
        }
    }

    /// `UTCTiming@schemeIdUri`.
    pub(crate) const fn scheme(self) -> &'static str {
        match self {
            Self::Direct => "urn:mpeg:dash:utc:direct:2014",
            Self::Head => "urn:mpeg:dash:utc:http-head:2014",
            Self::XsDate => "urn:mpeg:dash:utc:http-xsdate:2014",
            Self::Iso => "urn:mpeg:dash:utc:http-iso:2014",
            Self::Ntp => "urn:mpeg:dash:utc:ntp:2014",
            Self::Sntp => "urn:mpeg:dash:utc:sntp:2014",
            Self::HttpNtp => "urn:mpeg:dash:utc:http-ntp:2014",
        }
    }
}

impl Default for Live {
    fn default() -> Self {
        Self {
            window: 60,
            start: 0,
            stop: None,
            event: false,
            update_period: None,
            delay: None,
            clocks: Vec::new(),
            parts: None,
            part_files: false,
            block: None,
            skip: None,
            chunk: None,
            early: 0,
            latency: None,
            produced: false,
            reference_time: true,
            restart: None,
            renumbers: false,
            break_every: None,
            continuous: true,
            ends_early: false,
            patch: None,
            splices: None,
            interstitials: false,
            in_band: false,
            validity: false,
            unsteady: Unsteady::default(),
        }
    }
}

/// What to add where it has to be known when a programme began, which is 1970 where nothing is said.
const EVENT_NEEDS_START: &str = "event_1 keeps everything since the programme began: say when that was, with \
    start_<seconds since 1970> in front of the title, such as event_1/start_1795780400 (`date +%s` tells what it is now)";
const DRIFT_NEEDS_START: &str = "drift_ grows from when the programme began: say when that was, with \
    start_<seconds since 1970> in front of the title, such as drift_100/start_1795780400 (`date +%s` tells what it is now)";

impl Live {
    /// Sets one of its options: None if it is none of them, `Some(None)` if the value cannot be used.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Option<Option<()>> {
        let done = match name {
            "live" => number(value, 4..=86_400).map(|n| self.window = n),
            "start" => number(value, 0..=LATEST).map(|n| self.start = n),
            "stop" => number(value, 0..=LATEST).map(|n| self.stop = Some(n)),
            "event" => switch(value).map(|on| self.event = on),
            "mup" => number(value, 0..=3600).map(|n| self.update_period = Some(n)),
            "spd" => number(value, 1..=3600).map(|n| self.delay = Some(n)),
            "utc" => {
                let clock = |name: &str| Clock::ALL.into_iter().find(|clock| clock.name() == name);
                value.split('-').map(clock).collect::<Option<Vec<_>>>().map(|clocks| self.clocks = clocks)
            }
            "parts" => number(value, 20..=10_000).map(|ms| self.parts = Some(ms)),
            "partfiles" => switch(value).map(|on| self.part_files = on),
            "block" => switch(value).map(|on| self.block = Some(on)),
            "skip" => match value {
                "0" => Some(Skips::None),
                "1" => Some(Skips::Segments),
                "2" => Some(Skips::DateRanges),
                _ => None,
            }
            .map(|skip| self.skip = Some(skip)),
            "chunk" => number(value, 20..=10_000).map(|ms| self.chunk = Some(ms)),
            "ato" => number(value, 0..=60_000).map(|ms| self.early = ms),
            "ltgt" => number(value, 1..=60_000).map(|ms| self.latency = Some(ms)),
            "prft" => switch(value).map(|on| self.produced = on),
            "reftime" => switch(value).map(|on| self.reference_time = on),
            "encrestart" | "encrestartmsn" => number(value, 4..=86_400)
                .map(|seconds| (self.restart, self.renumbers) = (Some(seconds), name == "encrestartmsn")),
            "adbreak" => number(value, 4..=86_400).map(|seconds| self.break_every = Some(seconds)),
            "continuous" => switch(value).map(|on| self.continuous = on),
            "etp" => switch(value).map(|on| self.ends_early = on),
            "scte35" => number(value, 10..=86_400).map(|seconds| self.splices = Some(seconds)),
            "sgai" => switch(value).map(|on| self.interstitials = on),
            "inband" => switch(value).map(|on| self.in_band = on),
            "mpdevent" => switch(value).map(|on| self.validity = on),
            "patch" => number(value, 1..=86_400).map(|seconds| self.patch = Some(seconds)),
            name => return self.unsteady.set(name, value),
        };
        Some(done)
    }

    /// When it begins.
    pub(crate) fn start(&self) -> Moment {
        Moment(self.start.saturating_mul(1000))
    }

    /// What does not make sense together.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        match self.stop {
            Some(stop) if stop <= self.start => Some("stop_ is not behind start_"),
            _ if self.event && self.start == 0 => Some(EVENT_NEEDS_START),
            _ if self.early > 0 && self.chunk.is_none() => {
                Some("ato_ lets segments be asked for that are not whole yet: say with chunk_ how they come")
            }
            _ if self.restart.is_some() && self.break_every.is_some() => {
                Some("encrestart_ and adbreak_ both say where media times jump")
            }
            _ if self.renumbers && (self.parts.is_some() || self.block.is_some()) => {
                Some("encrestartmsn_ counts anew what _HLS_msn asks for")
            }
            _ if self.interstitials && (self.splices.is_none() || self.in_band) => {
                Some("sgai_1 says what is played in the breaks of scte35_<seconds>, in manifests")
            }
            _ if self.in_band && self.splices.is_none() => Some("inband_1 says where scte35_<seconds> is told"),
            _ if self.unsteady.drift_ppm != 0 && self.start == 0 => Some(DRIFT_NEEDS_START),
            _ if self.produced && self.chunk.is_none() => Some("prft_1 is said by chunks: chunk_<ms>"),
            _ => None,
        }
    }

    /// What does not make sense in a format.
    pub(crate) fn fault_in(&self, format: Format) -> Option<&'static str> {
        let of_hls = self.parts.is_some() || self.part_files || self.block.is_some() || self.skip.is_some();
        match format {
            Format::Hls if self.chunk.is_some() || self.latency.is_some() => {
                Some("chunk_, ato_, prft_ and ltgt_ are for DASH; HLS has parts_")
            }
            Format::Dash if of_hls => Some("parts_, partfiles_, block_ and skip_ are for HLS; DASH has chunk_"),
            _ => None,
        }
    }

    /// How long the pieces of a segment are at most, if it comes in pieces.
    pub(crate) fn piece(&self) -> Option<u64> {
        self.parts.or(self.chunk)
    }

    /// Whether playlists are held until they have what is asked for.
    pub(crate) fn blocks(&self) -> bool {
        self.block.unwrap_or(self.parts.is_some())
    }

    /// What playlists may leave out.
    pub(crate) fn skips(&self) -> Skips {
        self.skip.unwrap_or(if self.parts.is_some() { Skips::Segments } else { Skips::None })
    }

    /// Why the segments of a title cannot be served in pieces, if they cannot.
    pub(crate) fn uncut(&self, title: &Title) -> Option<&'static str> {
        let most = self.piece()?;
        let mut all = Fit { divides: true, even: true };
        for track in &title.tracks {
            for fragment in &track.fragments {
                let Fit { divides, even } = chunk::fit(fragment, track.timescale, most);
                all = Fit { divides: all.divides && divides, even: all.even && even };
            }
        }
        match all {
            Fit { divides: false, .. } => Some("this title has fragments that cannot be divided"),
            Fit { even: false, .. } if self.parts.is_some() => {
                Some("no parts of this title are between 85 % of parts_ and all of it")
            }
            _ => None,
        }
    }

    /// Whether it will end.
    pub(crate) fn has_stop(&self) -> bool {
        self.stop.is_some()
    }

    /// Whether the title can go on for ever: its renditions are equally long and have as many segments, so that they stay
    /// together and what lies beside a segment is known by its number.
    pub(crate) fn can_repeat(title: &Title) -> bool {
        let length = |track: &Track| Ticks { ticks: track.period, timescale: track.timescale };
        let first = length(title.reference());
        let count = title.reference().fragments.len();
        let alike = |track: &Track| length(track).compare(first) == Ordering::Equal && track.fragments.len() == count;
        title.tracks.iter().all(|track| alike(track))
    }

    /// What there is of it at a moment; None before it begins.
    pub(crate) fn at(&self, now: Moment) -> Option<Edge> {
        let stop_ms = self.stop.map(|stop| (stop - self.start.min(stop)).saturating_mul(1000));
        let elapsed_ms = now.0.checked_sub(self.start().0)?;
        let over = stop_ms.is_some_and(|stop| stop <= elapsed_ms);
        let elapsed_ms = stop_ms.map_or(elapsed_ms, |stop| stop.min(elapsed_ms));
        // A day is the longest that is named at once, as of titles with an end.
        let window_ms = if self.event { elapsed_ms.min(LONGEST_SECONDS * 1000) } else { self.window * 1000 };
        let (piece_ms, early_ms, unsteady) = (self.piece(), self.early, self.unsteady);
        Some(Edge { now, start: self.start(), elapsed_ms, window_ms, over, stop_ms, piece_ms, early_ms, unsteady })
    }

    /// The moment that a manifest is of which is asked for now.
    pub(crate) fn seen(&self, now: Moment) -> Moment {
        self.within(now, self.unsteady.seen(now))
    }

    /// The same of one that is not waited for: now and then it is an older one.
    pub(crate) fn seen_again(&self, now: Moment) -> Moment {
        self.within(now, self.unsteady.aged(now))
    }

    /// When manifests are seen again as they are, if they are not now.
    pub(crate) fn clears(&self, now: Moment) -> Moment {
        self.unsteady.clears(now)
    }

    /// No manifest is older than the programme.
    fn within(&self, now: Moment, seen: Moment) -> Moment {
        Moment(seen.0.max(self.start().0.min(now.0)))
    }

    /// How long a segment stays.
    pub(crate) fn window(&self) -> Ticks {
        Ticks { ticks: self.window, timescale: 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_there_when_it_has_ended_and_as_long_as_it_reaches_into_the_window() {
        let title = Title::demo();
        let live = Live { window: 10, start: 1_000, ..Live::default() };
        assert_eq!(live.at(Moment(999_999)), None);
        // Two seconds each.
        for (now, first, ended) in
            [(0, 0, 0), (1_999, 0, 0), (2_000, 0, 1), (11_999, 0, 5), (12_000, 1, 6), (86_400_000, 43_195, 43_200)]
        {
            let edge = live.at(Moment(1_000_000 + now)).expect("it is on");
            assert_eq!((edge.first(title.reference()), edge.ended(title.reference())), (first, ended), "{now}");
        }
        let stopped = Live { stop: Some(1_020), ..live };
        let edge = stopped.at(Moment(5_000_000)).expect("it was on");
        assert_eq!((edge.over, edge.first(title.reference()), edge.ended(title.reference())), (true, 5, 10));
    }
}
