//! What fragments say beyond their samples, and is not carried over.

use telecine_model::{Place, SortedMap, SortedSet, Warning};

use super::super::boxes::{fourcc_name, BoxView, FourCc, Header};
use super::super::fragment::Fragment;

/// More types of boxes than this are counted as one.
const TYPES: usize = 64;

/// Boxes by type, of one track or of all: how often, and where first.
#[derive(Clone, Debug, Default)]
pub(super) struct Leftovers {
    boxes: SortedMap<(Option<u32>, FourCc), (u64, u64)>,
}

impl Leftovers {
    pub(super) fn add(&mut self, track: Option<u32>, kind: FourCc) {
        self.add_at(track, kind, 0);
    }

    fn add_at(&mut self, track: Option<u32>, kind: FourCc, offset: u64) {
        let kind = if self.boxes.len() < TYPES || self.boxes.contains_key(&(track, kind)) { kind } else { *b"????" };
        self.boxes.entry((track, kind)).or_insert((0, offset)).0 += 1;
    }

    /// Looks through the `moof`.
    pub(super) fn of_fragment(&mut self, fragment: &Fragment) {
        let bytes = fragment.slice(fragment.moof.clone()).unwrap_or_default();
        let Some(header) = Header::read(&bytes).ok().flatten() else { return };
        let moof = BoxView::whole(&bytes, header, fragment.offset.saturating_add(fragment.moof.start));
        let mut parts = fragment.tracks.iter();
        for child in moof.children().flatten() {
            if &child.kind() == b"traf" {
                let track = parts.next().map(|part| part.track_id);
                for inside in child.children().flatten() {
                    if !matches!(&inside.kind(), b"tfhd" | b"tfdt" | b"trun" | b"free" | b"skip") {
                        self.add_at(track, inside.kind(), inside.offset());
                    }
                }
            }
        }
    }

    /// What is missing from a file with these tracks.
    pub(super) fn warnings(&self, tracks: &SortedSet<u32>) -> Vec<Warning> {
        let here = self.boxes.iter().filter(|((track, _), _)| track.is_none_or(|track| tracks.contains(&track)));
        here.map(|((track, kind), (count, offset))| {
            let kind = fourcc_name(*kind);
            match track {
                Some(track) => {
                    let place = Place::Box { path: format!("moof/traf/{kind}"), offset: *offset };
                    Warning::new("M002", place, format!("{count} {kind} boxes of track {track} are left out"))
                }
                None => {
                    let place = Place::Box { path: kind.clone(), offset: *offset };
                    Warning::new("M005", place, format!("{count} event messages ({kind}) are left out"))
                }
            }
        })
        .collect()
    }
}
