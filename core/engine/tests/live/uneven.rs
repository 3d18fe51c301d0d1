//! Segments that are numbered as if all were equally long, and are not (D013).

use bytes::{Bytes, BytesMut};
use telecine_engine::{Command, State};
use telecine_model::{MediaTime, TrackKind};
use telecine_origin::{respond, Library, Request, Title};

use crate::common::{at, errors, states};
use crate::origin::{Origin, BEGIN};
use crate::watch::{every_sample_once_so_far, run, stalls};

/// Segments of two seconds, of five fragments of 400 ms each.
const PATH: &str = "/dash/live_60/utc_direct/chunk_400/demo/number.mpd";

/// The fragments of a segment: each begins with what goes before its `moof`.
fn fragments(segment: &Bytes) -> Vec<Bytes> {
    let (mut found, mut from, mut at) = (Vec::new(), 0, 0);
    while at + 8 <= segment.len() {
        let size = u32::from_be_bytes(segment[at..at + 4].try_into().expect("four bytes")) as usize;
        let is_media = &segment[at + 4..at + 8] == b"mdat";
        at += size;
        if is_media {
            found.push(segment.slice(from..at));
            from = at;
        }
    }
    found
}

/// An origin whose segments of even numbers are `longer` fragments longer than those of odd ones are shorter: every other
/// boundary lies so much later than `@duration` says, or earlier if negative.
fn uneven(longer: isize) -> Origin {
    let library = Library::new(Title::demo(), 0);
    let number = |path: &str| -> Option<u64> { path.rsplit('/').next()?.strip_suffix(".m4s")?.parse().ok() };
    Origin::new().editing(move |now, path, mut response| {
        let Some(n) = number(path).filter(|_| response.status == 200) else { return response.into() };
        // What is nominally there is; of the next one this origin knows more than it announces.
        let segment = |n: u64| {
            let path = format!("{}/{n}.m4s", path.rsplit_once('/').expect("a folder").0);
            let unix_ms = BEGIN + now.as_micros() / 1000 + 10_000;
            fragments(&respond(&library, &Request { path: &path, unix_ms, ..Request::default() }).body.into_bytes())
        };
        let even = n / 2 * 2;
        let all = [segment(even), segment(even + 1)].concat();
        let cut = (all.len() / 2).saturating_add_signed(longer);
        let own = if n == even { &all[..cut] } else { &all[cut..] };
        let mut body = BytesMut::new();
        own.iter().for_each(|fragment| body.extend_from_slice(fragment));
        response.body = body.freeze();
        response.content_length = Some(response.body.len() as u64);
        response.into()
    })
}

#[test]
fn d013_segments_up_to_half_a_segment_off_are_played_where_their_media_says() {
    // Two of five fragments are 40 % of a segment.
    for longer in [2, -2] {
        let session = run(uneven(longer).play(PATH), 120);
        assert_eq!((stalls(&session), errors(&session)), (0, Vec::new()), "{longer}");
        for kind in [TrackKind::Video, TrackKind::Audio] {
            every_sample_once_so_far(&session, kind);
        }
    }
}

#[test]
fn d013_a_seek_is_followed_wherever_in_its_segment_the_media_lies() {
    for longer in [2, -2] {
        // Through all of two segments, in steps that are no part of them.
        for step in 0..9 {
            let mut session = uneven(longer).play(PATH);
            session.run(Some(at(20_000)));
            let target =
                session.engine().snapshot(session.now()).position - MediaTime::from_millis(40_000 + step * 470);
            session.schedule(session.now(), Command::Seek(target));
            session.run(Some(at(22_000)));
            let played = session.engine().snapshot(session.now()).position - target;
            assert_eq!(states(&session).last(), Some(&State::Playing), "{longer}, {step}");
            // No further on than where the media of the segment lies that is computed.
            let about_two = MediaTime::from_millis(1500)..=MediaTime::from_millis(2800);
            assert!(about_two.contains(&played), "{longer}, {step}: {played}");
            assert_eq!(errors(&session), [], "{longer}, {step}");
        }
    }
}
