//! Checks that make a fragmented file a CMAF track (ISO/IEC 23000-19).

use telecine_model::{MediaTime, Place, SortedMap, TrackKind, Warning};

use super::boxes::fourcc_name;
use super::fragment::{DataBase, Fragment, TrackFragment};
use super::init::{track_name, Edit, InitSegment};
use super::reader::Unit;

/// Watches the units of one track and says where they are not CMAF.
///
/// The player plays most of what it complains about; a linter and a certifier want to know. Give it
/// every unit of a track in order, across segments. The rules (clause 7 of ISO/IEC 23000-19 unless
/// noted) and their numbers:
///
/// | rule | what must hold |
/// |---|---|
/// | C001 | the header's brands name CMAF: `cmfc` or `cmf2` |
/// | C002 | the header has `mvex` (HX18) |
/// | C003 | `mvex` has a `trex` for the track |
/// | C004 | the header has exactly one track |
/// | C005 | an edit list only shifts the start: one piece, rate one, no end, no pause; none at all under `cmf2` |
/// | C006 | the header lists no samples itself (HX18) |
/// | C007 | no media in other files (HX18) |
/// | C008 | every `traf` has `tfdt` (H135) |
/// | C009 | offsets count from the `moof`: `default-base-is-moof`, no `base-data-offset` (H135) |
/// | C010 | a `moof` has exactly one `traf` |
/// | C011 | one `mdat`, directly behind its `moof` |
/// | C012 | the samples fill the `mdat` exactly |
/// | C013 | a segment of video starts with a sync sample |
/// | C014 | a fragment's decode time is the end of the one before |
/// | C015 | sequence numbers ascend (ISO/IEC 14496-12, 8.8.5) |
/// | C016 | a fragment has samples |
/// | C017 | under `cmf2` the earliest composition time is the decode time of the first sample |
/// | C018 | the sample description that a fragment names exists |
#[derive(Clone, Debug, Default)]
pub struct CmafChecker {
    init: Option<std::sync::Arc<InitSegment>>,
    ends: SortedMap<u32, u64>,
    sequence: Option<u32>,
    inside_segment: bool,
}

impl CmafChecker {
    /// A checker before the first unit.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says that the next fragment is the first of a segment. Without it, only the first fragment of
    /// all and those with a `styp` that does not say `cmfl` (a chunk) are taken for one.
    pub fn begin_segment(&mut self) {
        self.inside_segment = false;
    }

    /// Says that the next fragment follows a discontinuity: its decode time is not compared.
    pub fn discontinuity(&mut self) {
        self.ends.clear();
        self.sequence = None;
    }

    /// Checks the next unit.
    pub fn check(&mut self, unit: &Unit) -> Vec<Warning> {
        let mut warnings = Vec::new();
        match unit {
            Unit::Init(init) => {
                check_init(init, &mut warnings);
                self.init = Some(std::sync::Arc::clone(init));
            }
            Unit::Fragment(fragment) => self.check_fragment(fragment, &mut warnings),
            Unit::Index(_) | Unit::Event(_) | Unit::ProducerTime(_) => {}
        }
        warnings
    }

    fn is_cmf2(&self) -> bool {
        self.init.as_ref().is_some_and(|init| init.brands.contains(b"cmf2"))
    }

    fn check_fragment(&mut self, fragment: &Fragment, warnings: &mut Vec<Warning>) {
        let place =
            || Place::Box { path: "moof".to_owned(), offset: fragment.offset.saturating_add(fragment.moof.start) };
        let mut warn = |rule, message: String| warnings.push(Warning::new(rule, place(), message));
        if fragment.tracks.len() != 1 {
            warn("C010", format!("the moof has {} track fragments", fragment.tracks.len()));
        }
        let next = fragment.moof.end + 4;
        let follows = fragment.slice(next..next + 4).is_some_and(|kind| kind == b"mdat"[..]);
        match &fragment.media[..] {
            [media] if follows => {
                let filled: u64 = fragment.tracks.iter().map(TrackFragment::sample_bytes).sum();
                let size = media.end - media.start;
                if filled != size {
                    warn("C012", format!("samples have {filled} bytes, the mdat has {size}"));
                }
            }
            media => warn("C011", format!("{} mdat boxes, not one directly behind the moof", media.len())),
        }
        if let Some(previous) = self.sequence.replace(fragment.sequence) {
            if fragment.sequence <= previous {
                warn("C015", format!("sequence number {} follows {previous}", fragment.sequence));
            }
        }
        let starts_segment = !self.inside_segment || !(fragment.brands.is_empty() || fragment.brands.contains(b"cmfl"));
        self.inside_segment = true;
        for part in &fragment.tracks {
            let place =
                Place::Box { path: "moof/traf".to_owned(), offset: fragment.offset.saturating_add(part.traf.start) };
            self.check_part(part, starts_segment, &mut |rule, message| {
                warnings.push(Warning::new(rule, place.clone(), message));
            });
        }
    }

    fn check_part(&mut self, part: &TrackFragment, starts_segment: bool, warn: &mut dyn FnMut(&str, String)) {
        let track = self.init.as_ref().and_then(|init| init.track(part.track_id));
        if !part.explicit_time {
            warn("C008", format!("no tfdt: decode time {} is assumed", part.base_decode_time));
        }
        if part.data_base != DataBase::Moof {
            warn("C009", "sample offsets do not count from the moof".to_owned());
        }
        if part.samples.is_empty() {
            warn("C016", "the track fragment has no samples".to_owned());
        }
        let first = part.samples.first();
        let video = track.is_some_and(|track| track.kind == TrackKind::Video);
        if starts_segment && video && first.is_some_and(|sample| !sample.sync) {
            warn("C013", "the segment does not start with a sync sample".to_owned());
        }
        if let Some(track) = track {
            let known = track.descriptions.len();
            if usize::try_from(part.description).map_or(true, |index| index == 0 || index > known) {
                warn("C018", format!("sample description {} of {known}", part.description));
            }
        }
        if let Some(earliest) = part.earliest_pts().filter(|_| self.is_cmf2()) {
            if u64::try_from(earliest) != Ok(part.base_decode_time) {
                warn("C017", format!("composition starts at {earliest}, decoding at {}", part.base_decode_time));
            }
        }
        let end = part.end_decode_time();
        if let Some(expected) = self.ends.insert(part.track_id, end).filter(|end| *end != part.base_decode_time) {
            let gap = i128::from(part.base_decode_time) - i128::from(expected);
            let seconds = track.map(|track| {
                let ticks = i64::try_from(gap).unwrap_or(if gap < 0 { i64::MIN } else { i64::MAX });
                format!(" ({})", MediaTime::from_ticks(ticks, track.timescale))
            });
            warn(
                "C014",
                format!(
                    "decode time {} where {expected} was due: {gap} ticks{}",
                    part.base_decode_time,
                    seconds.unwrap_or_default()
                ),
            );
        }
    }
}

fn check_init(init: &InitSegment, warnings: &mut Vec<Warning>) {
    let mut warn = |rule: &str, message: String| {
        let place = Place::Box { path: "moov".to_owned(), offset: init.moov_offset };
        warnings.push(Warning::new(rule, place, message));
    };
    let cmf2 = init.brands.contains(b"cmf2");
    if !cmf2 && !init.brands.contains(b"cmfc") {
        let names: Vec<String> = init.brands.iter().map(|brand| fourcc_name(*brand)).collect();
        warn("C001", format!("no CMAF brand among: {}", names.join(", ")));
    }
    if !init.fragmented {
        warn("C002", "moov has no mvex".to_owned());
    }
    if init.tracks.len() != 1 {
        warn("C004", format!("the header has {} tracks", init.tracks.len()));
    }
    for track in &init.tracks {
        let name = track_name(track);
        if init.fragmented && !track.defaults.stated {
            warn("C003", format!("mvex has no trex for {name}"));
        }
        let Edit { media_start: _, delay, duration, ignored } = track.edit;
        if delay != 0 || duration.is_some() || ignored != 0 || (cmf2 && track.edit != Edit::default()) {
            warn("C005", format!("the edit list of {name} does more than CMAF allows"));
        }
        if track.listed_samples != 0 {
            warn("C006", format!("moov lists {} samples of {name}", track.listed_samples));
        }
        if track.external_data {
            warn("C007", format!("the media of {name} is in another file"));
        }
    }
}
