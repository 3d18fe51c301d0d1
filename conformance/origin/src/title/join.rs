//! Longer segments of the same media: several fragments as one, so that a segment holds more than one group of pictures.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};

use super::boxes::{Fragment, Sample};
use super::chunk::{self, Cuts};
use super::{fnv, Title, Track};

/// The title with segments of `each` of its own. None where they do not come out even, or cannot be put together.
pub(crate) fn joined(title: &Title, each: usize) -> Option<Title> {
    let tracks = title.tracks.iter().map(|track| joined_track(track, each).map(Arc::new));
    let tracks = tracks.collect::<Option<_>>()?;
    Some(Title { tracks, digest: fnv(title.digest, format!("join {each}").as_bytes()), ..title.clone() })
}

fn joined_track(track: &Track, each: usize) -> Option<Track> {
    let groups = track.fragments.chunks_exact(each);
    if !groups.remainder().is_empty() || !track.clear.is_empty() {
        return None;
    }
    Some(Track {
        id: track.id.clone(),
        medium: track.medium,
        codec: track.codec.clone(),
        language: track.language.clone(),
        label: track.label.clone(),
        timescale: track.timescale,
        init: track.init.clone(),
        fragments: groups.map(joined_fragment).collect::<Option<_>>()?,
        period: track.period,
        lead: track.lead,
        clear: Vec::new(),
    })
}

fn joined_fragment(group: &[Fragment]) -> Option<Fragment> {
    let first = group.first()?;
    let in_a_row = group.windows(2).all(|pair| pair[0].decode_time + pair[0].duration == pair[1].decode_time);
    let samples: Vec<Sample> = group.iter().flat_map(|fragment| fragment.samples.iter().copied()).collect();
    let mut media = BytesMut::new();
    for (_, data) in group.iter().flat_map(Fragment::data) {
        media.put_slice(data);
    }
    let all: u64 = samples.iter().map(|sample| u64::from(sample.size)).sum();
    if !in_a_row || all != media.len() as u64 {
        return None;
    }
    let whole = Fragment {
        mdat: media.freeze(),
        samples: samples.into(),
        duration: group.iter().map(|fragment| fragment.duration).sum(),
        cuts: Cuts::default(),
        ..first.clone()
    };
    let [head, data] = chunk::write(&whole, &chunk::all_of(&whole), first.decode_time, 1, None)?;
    Fragment::read(&Bytes::from([head, data].concat())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_segments_hold_the_samples_of_those_that_they_are_made_of() {
        let title = Title::demo();
        let joined = joined(&title, 4).expect("twelve segments are three times four");
        for (before, after) in title.tracks.iter().zip(&joined.tracks) {
            assert_eq!((after.fragments.len(), before.fragments.len()), (3, 12), "{}", before.id);
            let samples = |track: &Track| {
                let all = track.fragments.iter().flat_map(Fragment::data);
                all.map(|(sample, data)| (sample, data.to_vec())).collect::<Vec<_>>()
            };
            assert!(samples(before) == samples(after), "{}", before.id);
            let times = |track: &Track| track.fragments.iter().map(|f| f.decode_time).collect::<Vec<_>>();
            assert_eq!(times(after), times(before).into_iter().step_by(4).collect::<Vec<_>>());
        }
        assert!(super::joined(&title, 5).is_none(), "twelve are no fives");
    }
}
