//! MPDs (ISO/IEC 23009-1), one for each way of addressing segments.

mod address;
mod patch;
mod xml;

use std::ops::Range;
use std::sync::Arc;

use crate::live::{Clock, Edge, Live};
use crate::programme::Programme;
use crate::protect::{self, base64, pssh, uuid, Protection, CLEARKEY_URN};
use crate::splice;
use crate::title::chunk::{self, Chunk};
use crate::title::{Fragment, Medium, Text, Ticks, Tiles, Track};

use xml::Xml;

pub(crate) use patch::patch;

/// A way of addressing segments; the name of the MPD chooses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Addressing {
    /// `SegmentTemplate`, `$Number$`, `@duration`.
    Number,
    /// `SegmentTemplate`, `$Time$`, `SegmentTimeline`.
    Time,
    /// `SegmentTemplate`, `$Number$`, `SegmentTimeline`.
    TimelineNumber,
    /// `SegmentList`.
    List,
    /// `SegmentBase` and `sidx`.
    OnDemand,
}

impl Addressing {
    /// From the name of the MPD without its extension.
    pub(crate) fn read(name: &str) -> Option<Self> {
        [Self::Number, Self::Time, Self::TimelineNumber, Self::List, Self::OnDemand]
            .into_iter()
            .find(|addressing| addressing.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Time => "time",
            Self::TimelineNumber => "timeline-number",
            Self::List => "list",
            Self::OnDemand => "ondemand",
        }
    }

    /// Whether what goes on can be addressed so.
    pub(crate) fn can_go_on(self) -> bool {
        matches!(self, Self::Number | Self::Time | Self::TimelineNumber)
    }

    fn profile(self) -> &'static str {
        match self {
            Self::Number | Self::Time | Self::TimelineNumber => "urn:mpeg:dash:profile:isoff-live:2011",
            Self::List => "urn:mpeg:dash:profile:isoff-main:2011",
            Self::OnDemand => "urn:mpeg:dash:profile:isoff-on-demand:2011",
        }
    }
}

const PROTECTION: &str = "urn:mpeg:dash:mp4protection:2011";
const CENC: &str = "urn:mpeg:cenc:2013";
const CPS: &str = "https://dashif.org/CPS";
const NAMESPACE: &str = "urn:mpeg:dash:schema:mpd:2011";
const XLINK: &str = "http://www.w3.org/1999/xlink";
const TILES: &str = "http://dashif.org/guidelines/thumbnail_tile";
const CONTINUITY: &str = "urn:mpeg:dash:period-continuity:2015";
const CONNECTIVITY: &str = "urn:mpeg:dash:period-connectivity:2015";
const CHANNELS: &str = "urn:mpeg:mpegB:cicp:ChannelConfiguration";
const ROLE: &str = "urn:mpeg:dash:role:2011";
const SCTE_35: &str = "http://www.scte.org/schemas/35/2016";
const LOW_LATENCY: &str = "http://www.dashif.org/guidelines/low-latency-live-v5";
/// The id of the producer reference time of each adaptation set.
const REFERENCE_TIME: u32 = 0;

/// So often the reference time is a new one.
const MINUTE_MS: u64 = 60_000;

/// The MPD of a programme.
pub(crate) fn mpd(programme: &Programme<'_>, addressing: Addressing) -> String {
    let mut xml = Xml::new();
    xml.start("MPD").attr("xmlns", NAMESPACE);
    if programme.options.xlink {
        xml.attr("xmlns:xlink", XLINK);
    }
    protection_namespaces(&mut xml, programme);
    let going_on = programme.options.live.as_ref().zip(programme.edge);
    let low_latency = going_on.is_some_and(|(live, _)| live.early > 0);
    let profile = addressing.profile();
    xml.attr("profiles", if low_latency { format!("{profile},{LOW_LATENCY}") } else { profile.to_owned() });
    match going_on {
        Some((live, edge)) => live_attributes(&mut xml, programme, addressing, live, edge),
        None => {
            xml.attr("type", "static").attr("mediaPresentationDuration", duration(programme.length()));
        }
    }
    xml.attr("minBufferTime", "PT2S");
    if programme.options.bases > 1 {
        for base in 0..programme.options.bases {
            let location = char::from(b'a' + base as u8);
            xml.start("BaseURL").attr("serviceLocation", location).text(&format!("bu{base}/"));
        }
    }
    if let Some((live, edge)) = going_on {
        if let Some(ttl) = live.patch.filter(|_| !edge.over) {
            let address = format!("{}.mpp?publishTime={}", addressing.name(), edge.now);
            xml.start("PatchLocation").attr("ttl", ttl).text(&address);
        }
        service_description(&mut xml, live);
    }
    // Timelines name what there is, and without anything they are none.
    let periods = programme.periods(addressing == Addressing::Number);
    let alone = periods.end == periods.start + 1;
    for index in periods {
        if programme.options.xlink && (index > 0 || alone) {
            let href = format!("{}.period{index}.xml", addressing.name());
            xml.start("Period").attr("xlink:href", href).attr("xlink:actuate", "onLoad").end();
        } else {
            period(&mut xml, programme, addressing, index);
        }
    }
    if let Some((live, edge)) = going_on {
        clocks(&mut xml, live, edge);
    }
    xml.finish()
}

/// What an MPD says of a programme that goes on (ISO/IEC 23009-1, 5.3.1.2). After its end it is not updated any more.
fn live_attributes(xml: &mut Xml, programme: &Programme<'_>, addressing: Addressing, live: &Live, edge: Edge) {
    if live.patch.is_some() {
        xml.attr("id", format!("{}-{}", programme.title.name(), addressing.name()));
    }
    xml.attr("type", "dynamic")
        .attr("availabilityStartTime", live.start())
        .attr("publishTime", edge.now)
        .attr("timeShiftBufferDepth", duration(live.window()));
    let seconds = |seconds| duration(Ticks { ticks: seconds, timescale: 1 });
    xml.maybe("suggestedPresentationDelay", live.delay.map(seconds));
    if edge.over {
        xml.attr("mediaPresentationDuration", duration(programme.length()));
        return;
    }
    // Where numbers say it all there is nothing to be updated, unless an end may come, or the MPD itself tells of breaks:
    // without the attribute it would never be asked for again (ISO/IEC 23009-1, 5.3.1.2). Nor would a patch of it.
    let tells = live.patch.is_some() || live.splices.is_some() && !live.in_band;
    let says_all = addressing == Addressing::Number && !live.has_stop() && !programme.has_periods() && !tells;
    // With events that tell when it is not, an MPD is valid.
    let usual = (!says_all).then_some(if live.validity { 0 } else { 2 });
    xml.maybe("minimumUpdatePeriod", live.update_period.or(usual).map(seconds));
}

/// The latency aimed at, and how much faster and slower playback may be for it (Annex K).
fn service_description(xml: &mut Xml, live: &Live) {
    let Some(target) = live.latency else { return };
    xml.start("ServiceDescription").attr("id", 0).start("Latency");
    xml.attr("target", target).attr("min", target * 3 / 4).attr("max", target * 2);
    xml.maybe("referenceId", live.piece().filter(|_| live.reference_time).map(|_| REFERENCE_TIME)).end();
    xml.start("PlaybackRate").attr("min", "0.96").attr("max", "1.04").end().end();
}

/// Where the time is to be had (5.8.4.11).
fn clocks(xml: &mut Xml, live: &Live, edge: Edge) {
    live.clocks.iter().for_each(|clock| self::clock(xml, *clock, edge));
}

fn clock(xml: &mut Xml, clock: Clock, edge: Edge) {
    let value = match clock {
        Clock::Direct => edge.now.to_string(),
        Clock::Head | Clock::XsDate | Clock::Iso => "/time".to_owned(),
        // Nobody answers there.
        Clock::Ntp | Clock::Sntp => "time.invalid".to_owned(),
        Clock::HttpNtp => "/time.ntp".to_owned(),
    };
    xml.start("UTCTiming").attr("schemeIdUri", clock.scheme()).attr("value", value).end();
}

/// The breaks that begin in a period, some milliseconds of the media (SCTE 214-1, 6.7).
fn splices(xml: &mut Xml, programme: &Programme<'_>, period: Range<u64>) {
    let Some((live, edge)) = programme.options.live.as_ref().zip(programme.edge) else { return };
    if live.splices.is_none() || live.in_band {
        return;
    }
    // The last period has no end yet.
    let end = if programme.has_periods() { period.end } else { u64::MAX };
    let from = edge.media_ms().saturating_sub(live.window().floor_in(1000)).max(period.start);
    let breaks = programme.breaks(&(from..end));
    let mut breaks = breaks.iter().filter(|one| one.start_ms >= period.start).peekable();
    if breaks.peek().is_none() {
        return;
    }
    let scheme = if live.interstitials { splice::REPLACED } else { splice::IN_MPD };
    xml.start("EventStream").attr("schemeIdUri", scheme).attr("timescale", 1000);
    for one in breaks {
        xml.start("Event").attr("presentationTime", one.start_ms - period.start);
        xml.attr("duration", one.length_ms).attr("id", one.id);
        if live.interstitials {
            let asset = one.asset(programme.format, programme.asset);
            xml.start("ReplacePresentation").attr("url", asset).attr("maxDuration", one.length_ms).end().end();
            continue;
        }
        xml.start("scte35:Signal").attr("xmlns:scte35", SCTE_35).leaf("scte35:Binary", &base64(&one.out()));
        xml.end().end();
    }
    xml.end();
}

/// A remote period, as `xlink:href` points to it.
pub(crate) fn remote_period(programme: &Programme<'_>, addressing: Addressing, index: u64) -> String {
    let mut xml = Xml::new();
    period(&mut xml, programme, addressing, index);
    xml.finish()
}

fn period(xml: &mut Xml, programme: &Programme<'_>, addressing: Addressing, index: u64) {
    let range = programme.period(index);
    let (from, to) = (programme.boundary(range.start), programme.boundary(range.end));
    xml.start("Period");
    if programme.options.xlink {
        // A remote element is a document of its own and names its namespace itself.
        xml.attr("xmlns", NAMESPACE);
        protection_namespaces(xml, programme);
    }
    xml.attr("id", format!("P{index}")).attr("start", duration(from));
    let whole = Ticks { ticks: to.ticks - from.ticks, ..to };
    if programme.edge.is_none() {
        xml.attr("duration", duration(whole));
    } else if programme.ends_early() && programme.periods(addressing == Addressing::Number).end == index + 1 {
        // It is announced half as long again as it will be.
        xml.attr("duration", duration(Ticks { ticks: whole.ticks * 3 / 2, ..whole }));
    }
    splices(xml, programme, from.floor_in(1000)..to.floor_in(1000));
    let scope = Scope { programme, addressing, index, range, start: from, end: to };
    let mut id = 1;
    for set in sets(&programme.title.tracks) {
        scope.media_set(xml, id, set);
        id += 1;
    }
    for text in programme.texts() {
        scope.text_set(xml, id, text);
        id += 1;
    }
    if let Some(tiles) = programme.tiles() {
        scope.tile_set(xml, id, tiles);
    }
    xml.end();
}

fn protection_namespaces(xml: &mut Xml, programme: &Programme<'_>) {
    if programme.options.protection.common().is_some() {
        xml.attr("xmlns:cenc", CENC).attr("xmlns:dashif", CPS);
    }
}

/// Renditions that can be switched between: same medium, language and coding.
fn sets(tracks: &[Arc<Track>]) -> Vec<Vec<&Arc<Track>>> {
    let key =
        |t: &Track| (t.is_video(), t.language.clone(), t.label.clone(), t.codec.split('.').next().map(str::to_owned));
    let mut sets: Vec<Vec<&Arc<Track>>> = Vec::new();
    for track in tracks {
        match sets.iter_mut().find(|set| set.first().is_some_and(|first| key(first) == key(track))) {
            Some(set) => set.push(track),
            None => sets.push(vec![track]),
        }
    }
    sets
}

/// The period that is being written.
struct Scope<'a> {
    programme: &'a Programme<'a>,
    addressing: Addressing,
    index: u64,
    /// The reference segments of the period.
    range: Range<u64>,
    start: Ticks,
    end: Ticks,
}

impl Scope<'_> {
    fn media_set(&self, xml: &mut Xml, id: u32, set: Vec<&Arc<Track>>) {
        let first = set[0];
        let kind = if first.is_video() { "video" } else { "audio" };
        xml.start("AdaptationSet")
            .attr("id", id)
            .attr("contentType", kind)
            .attr("mimeType", format!("{kind}/mp4"))
            .maybe("lang", first.language.as_deref().filter(|_| !first.is_video()))
            .attr("segmentAlignment", "true")
            .attr("startWithSAP", 1);
        if self.addressing == Addressing::OnDemand {
            xml.attr("subsegmentAlignment", "true").attr("subsegmentStartsWithSAP", 1);
        }
        // Where renditions have keys of their own, each says so.
        let own_keys = self.programme.options.protection.scope == protect::Scope::Each;
        if !own_keys {
            self.protection(xml, first);
        }
        let main = self.programme.title.tracks.iter().find(|t| t.is_video() == first.is_video());
        let is_main = main.is_some_and(|main| main.id == first.id);
        self.continued(xml);
        self.in_band(xml, first);
        self.labelled(xml, first.label.as_deref());
        self.produced(xml, first);
        self.role(xml, if is_main { "main" } else { "dub" });
        let shared = set.iter().all(|track| same_times(first, track));
        if shared {
            self.template(xml, first, "$RepresentationID$");
        }
        for track in set {
            xml.start("Representation")
                .attr("id", &track.id)
                .attr("codecs", &track.codec)
                .attr("bandwidth", track.peak_bandwidth());
            match track.medium {
                Medium::Video { width, height } => {
                    let (samples, ticks) = track.fragments.first().map_or((1, 1), |f| (f.samples.len(), f.duration));
                    xml.attr("width", width).attr("height", height);
                    xml.attr("frameRate", ratio(samples as u64 * u64::from(track.timescale), ticks));
                }
                Medium::Audio { channels, sample_rate } => {
                    xml.attr("audioSamplingRate", sample_rate);
                    xml.start("AudioChannelConfiguration").attr("schemeIdUri", CHANNELS).attr("value", channels).end();
                }
            }
            if own_keys {
                self.protection(xml, track);
            }
            if !shared {
                self.template(xml, track, &track.id);
            }
            self.own_addresses(xml, track);
            xml.end();
        }
        xml.end();
    }

    /// The scheme, and where ClearKey gets its licences. Which key it is only the media say where keys rotate.
    fn protection(&self, xml: &mut Xml, track: &Track) {
        let protection = &self.programme.options.protection;
        let Some(scheme) = protection.common() else { return };
        let whole = Protection { lead: 0, ..protection.clone() };
        let key = whole.key_of(self.programme.title, track, 0).filter(|_| protection.rotation.is_none());
        let kid = key.map(|key| uuid(&key.kid()));
        xml.start("ContentProtection").attr("schemeIdUri", PROTECTION).attr("value", scheme.name());
        xml.maybe("cenc:default_KID", kid.as_ref()).end();
        xml.start("ContentProtection").attr("schemeIdUri", CLEARKEY_URN).attr("value", "ClearKey1.0");
        xml.maybe("cenc:default_KID", kid.as_ref());
        if let Some(key) = key {
            xml.leaf("cenc:pssh", &base64(&pssh(&[key])));
        }
        let query = protection.access.token.as_ref().map(|token| format!("?token={token}")).unwrap_or_default();
        xml.start("dashif:Laurl").attr("licenseType", "EME-1.0").text(&format!("license{query}")).end();
    }

    /// Which events stand in front of segments.
    fn in_band(&self, xml: &mut Xml, track: &Track) {
        let Some(live) = &self.programme.options.live else { return };
        if track.id != self.programme.title.reference().id {
            return;
        }
        let streams = [(live.in_band, splice::IN_BAND, None), (live.validity, splice::VALIDITY, Some("1"))];
        for (_, scheme, value) in streams.into_iter().filter(|(on, ..)| *on) {
            xml.start("InbandEventStream").attr("schemeIdUri", scheme).maybe("value", value).end();
        }
    }

    /// That the period before goes on in this one.
    fn continued(&self, xml: &mut Xml) {
        let live = self.programme.options.live.as_ref();
        if self.index > 0 && self.programme.has_periods() && live.is_none_or(|live| live.continuous) {
            let previous = format!("P{}", self.index - 1);
            // Where media times jump, periods are connected, and no more.
            let scheme = if self.programme.repeats_times() { CONNECTIVITY } else { CONTINUITY };
            xml.start("SupplementalProperty").attr("schemeIdUri", scheme).attr("value", previous).end();
        }
    }

    fn labelled(&self, xml: &mut Xml, label: Option<&str>) {
        if let Some(label) = label {
            xml.leaf("Label", label);
        }
    }

    fn role(&self, xml: &mut Xml, role: &str) {
        xml.start("Role").attr("schemeIdUri", ROLE).attr("value", role).end();
    }

    /// Of segments in chunks: when their media were made (5.12), and how far from each other a parser can begin (5.3.13).
    fn produced(&self, xml: &mut Xml, track: &Track) {
        let Some((live, edge)) = self.programme.options.live.as_ref().zip(self.programme.edge) else { return };
        let Some(piece) = live.piece() else { return };
        if live.reference_time {
            self.reference_time(xml, track, live, edge);
        }
        let most = Ticks { ticks: piece, timescale: 1000 }.floor_in(track.timescale);
        // Of sound every chunk is a point of random access, of pictures hardly any: those that are, are said beside.
        let kind = u32::from(!track.is_video());
        xml.start("Resync").attr("type", kind).attr("dT", most).attr("marker", true).end();
        let entry =
            |fragment: &Fragment| widest_entry(&chunk::cut(fragment, track.timescale, piece), fragment.duration);
        let widest = track.fragments.iter().filter_map(entry).max();
        if let Some(widest) = widest.filter(|_| track.is_video()) {
            xml.start("Resync").attr("type", 1).attr("dT", widest).attr("marker", true).end();
        }
    }

    fn reference_time(&self, xml: &mut Xml, track: &Track, live: &Live, edge: Edge) {
        // When the last whole minute of the period began, by the encoder's clock.
        let (start, end) = (self.start.floor_in(1000), self.end.floor_in(1000).min(edge.media_ms()));
        let minutes = end.saturating_sub(start) / MINUTE_MS * MINUTE_MS;
        let into = Ticks { ticks: minutes, timescale: 1000 }.floor_in(track.timescale);
        xml.start("ProducerReferenceTime").attr("id", REFERENCE_TIME).attr("inband", live.produced);
        xml.attr("type", "encoder").attr("wallClockTime", edge.clock_of(start + minutes));
        xml.attr("presentationTime", self.offset(track) + into);
        clock(xml, live.clocks.first().copied().unwrap_or(Clock::XsDate), edge);
        xml.end();
    }

    fn text_set(&self, xml: &mut Xml, id: u32, text: &Text) {
        xml.start("AdaptationSet")
            .attr("id", id)
            .attr("contentType", "text")
            .attr("mimeType", "text/vtt")
            .maybe("lang", text.language.as_deref());
        self.continued(xml);
        self.labelled(xml, text.label.as_deref());
        self.role(xml, "subtitle");
        xml.start("Representation").attr("id", &text.id).attr("bandwidth", 1000);
        xml.leaf("BaseURL", &self.file(&text.id, "vtt")).end().end();
    }

    /// Thumbnails: each image is a grid that covers one repetition (DASH-IF IOP, 6.2.6).
    fn tile_set(&self, xml: &mut Xml, id: u32, tiles: &Tiles) {
        let timescale = self.start.timescale;
        let length = tiles.seconds_per_image() * u64::from(timescale);
        let end = self.programme.boundary(self.range.end).ticks;
        let counted = self.addressing == Addressing::Number && self.start.ticks.is_multiple_of(length);
        let images = match self.programme.edge {
            None => self.start.ticks / length..end.div_ceil(length),
            // Numbers are counted from the start, and say all that will be.
            Some(_) if counted => 0..1,
            Some(_) => self.programme.tile_images(),
        };
        if images.is_empty() {
            return;
        }
        let bits = tiles.image.len() as u64 * 8 * u64::from(timescale);
        xml.start("AdaptationSet").attr("id", id).attr("contentType", "image").attr("mimeType", "image/jpeg");
        xml.start("SegmentTemplate")
            .attr("media", "$RepresentationID$/$Number$.jpg")
            .attr("timescale", timescale)
            .attr("startNumber", images.start);
        if self.start.ticks > 0 {
            xml.attr("presentationTimeOffset", self.start.ticks);
        }
        // Only a timeline can say that the first grid started before the period did.
        if counted {
            xml.attr("duration", length).end();
        } else {
            xml.start("SegmentTimeline").start("S").attr("t", images.start * length).attr("d", length);
            let repeats = images.end - images.start - 1;
            xml.maybe("r", (repeats > 0).then_some(repeats)).end().end().end();
        }
        xml.start("Representation")
            .attr("id", "thumbs")
            .attr("bandwidth", bits.div_ceil(length))
            .attr("width", u64::from(tiles.width) * u64::from(tiles.columns))
            .attr("height", u64::from(tiles.height) * u64::from(tiles.rows));
        let grid = format!("{}x{}", tiles.columns, tiles.rows);
        xml.start("EssentialProperty").attr("schemeIdUri", TILES).attr("value", grid).end().end().end();
    }

    /// The name of a whole file of this period.
    fn file(&self, id: &str, extension: &str) -> String {
        match self.programme.has_periods() {
            false => format!("{id}.{extension}"),
            true => format!("{id}.p{}.{extension}", self.index),
        }
    }
}

/// How far chunks that decoding can begin with are apart at most, if there are such inside of the segment.
fn widest_entry(chunks: &[Chunk], duration: u64) -> Option<u64> {
    let starts = || chunks.iter().filter(|chunk| chunk.independent).map(|chunk| chunk.start);
    let ends = starts().skip(1).chain([duration]);
    starts().nth(1)?;
    starts().zip(ends).map(|(start, end)| end - start).max()
}

/// Whether segments start and end at the same ticks.
fn same_times(a: &Track, b: &Track) -> bool {
    let times = |t: &Track| t.fragments.iter().map(|f| (f.decode_time, f.duration)).collect::<Vec<_>>();
    a.timescale == b.timescale && times(a) == times(b)
}

/// `xs:duration` in seconds, to the nearest microsecond.
fn duration(time: Ticks) -> String {
    let micros = time.round_in(1_000_000);
    let (seconds, rest) = (micros / 1_000_000, micros % 1_000_000);
    match rest {
        0 => format!("PT{seconds}S"),
        rest => format!("PT{seconds}.{}S", format!("{rest:06}").trim_end_matches('0')),
    }
}

/// `25` or `30000/1001`.
fn ratio(numerator: u64, denominator: u64) -> String {
    let (mut a, mut b) = (numerator.max(1), denominator.max(1));
    while b > 0 {
        (a, b) = (b, a % b);
    }
    match (numerator / a, denominator / a) {
        (n, 1) => n.to_string(),
        (n, d) => format!("{n}/{d}"),
    }
}
