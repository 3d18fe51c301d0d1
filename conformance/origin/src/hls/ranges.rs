//! Date ranges: the breaks of a live programme (rfc8216bis, 4.4.5.1), and those that an update leaves out (4.4.5.2).

use super::{digits, seconds, Media};
use crate::live::Skips;
use crate::programme::{start, Programme};
use crate::splice::Break;
use crate::title::{Ticks, Track};

/// The date ranges of a playlist.
pub(super) struct Ranges {
    /// Names and tags.
    tags: Vec<String>,
    /// Names of those that left the playlist a short while ago.
    removed: Vec<String>,
}

fn name(one: &Break) -> String {
    format!("break-{}", one.id)
}

impl Ranges {
    /// Those of a playlist that begins with a segment. An update for somebody who knows what was there `skip_ms` ago,
    /// if it may leave out date ranges, has those that have changed since.
    pub(super) fn of(programme: &Programme<'_>, track: &Track, first: u64, skip_ms: Option<u64>) -> Self {
        let mut ranges = Self { tags: Vec::new(), removed: Vec::new() };
        let Some(edge) = programme.edge else { return ranges };
        let from = Ticks { ticks: start(track, first), timescale: track.timescale }.floor_in(1000);
        let now = edge.media_ms();
        let skip_ms = skip_ms.filter(|_| programme.skip == Skips::DateRanges);
        for one in programme.breaks(&(from..u64::MAX)) {
            if skip_ms.is_some_and(|ms| one.end_ms().saturating_add(ms) < now) {
                continue;
            }
            let ms = |ms| seconds(Ticks { ticks: ms, timescale: 1000 }, 1000);
            let date = programme.dated(&edge, one.start_ms);
            let mut tag = format!("#EXT-X-DATERANGE:ID=\"{}\",START-DATE=\"{date}\"", name(&one));
            if programme.options.live.as_ref().is_some_and(|live| live.interstitials) {
                let list = one.asset(programme.format, programme.asset);
                tag += &format!(",CLASS=\"com.apple.hls.interstitial\",X-ASSET-LIST=\"{list}\"");
                tag += &format!(",PLANNED-DURATION={},X-RESTRICT=\"SKIP\"", ms(one.length_ms));
                ranges.tags.push(tag);
                continue;
            }
            tag += &format!(",PLANNED-DURATION={},SCTE35-OUT=0x{}", ms(one.length_ms), digits(&one.out()));
            if one.end_ms() <= now {
                tag += &format!(",DURATION={},SCTE35-IN=0x{}", ms(one.length_ms), digits(&one.back()));
            }
            ranges.tags.push(tag);
        }
        if let Some(ms) = skip_ms {
            let gone = programme.breaks(&(from.saturating_sub(ms)..from));
            ranges.removed = gone.iter().filter(|one| one.end_ms() <= from).map(name).collect();
        }
        ranges
    }

    /// The attribute of an update that names those that are gone.
    pub(super) fn removed(&self) -> String {
        match self.removed.is_empty() {
            true => String::new(),
            false => format!(",RECENTLY-REMOVED-DATERANGES=\"{}\"", self.removed.join("\t")),
        }
    }

    pub(super) fn write(&self, playlist: &mut Media) {
        self.tags.iter().for_each(|tag| playlist.tag(tag));
    }
}
