//! Packets that are missing, doubled, damaged, scrambled or not there at all.

use crate::mux::*;
use crate::support::*;
use telecine_container::{StreamReader, StreamUnit};
use telecine_model::{ErrorCode, Place};

/// Ten pictures of some packets each, and forty frames of sound, four in a packet.
fn stream() -> Vec<[u8; 188]> {
    let mut mux = Mux::new();
    for at in 0..10_u64 {
        let mut picture = if at == 0 { key(0) } else { inter(at as u8) };
        picture.extend(nal(&[0x06, 5, 200].iter().copied().chain([at as u8 + 1; 600]).collect::<Vec<_>>()));
        mux.pes(VIDEO, Some(90_000 + at * 3600), None, &picture);
        let frames: Vec<u8> = (0..4).flat_map(|frame| aac(at as u8 * 4 + frame)).collect();
        mux.pes(AUDIO, Some(90_000 + at * 4 * 1920), None, &frames);
    }
    mux.out.as_chunks::<188>().0.to_vec()
}

fn pid(packet: &[u8; 188]) -> u16 {
    u16::from(packet[1] & 0x1f) << 8 | u16::from(packet[2])
}

fn starts(packet: &[u8; 188]) -> bool {
    packet[1] & 0x40 != 0
}

/// Presentation times of the samples of a track, as numbers of pictures or frames.
fn present(units: &[StreamUnit]) -> (Vec<i64>, Vec<i64>) {
    let tracks = tracks(units);
    let video = tracks[0].samples.iter().map(|taken| (taken.sample.pts() - 90_000) / 3600).collect();
    let audio = tracks[1].samples.iter().map(|taken| (taken.sample.pts() - 48_000) / 1024).collect();
    (video, audio)
}

fn all() -> (Vec<i64>, Vec<i64>) {
    ((0..10).collect(), (0..40).collect())
}

/// The position of the nth packet of a PID that begins a PES packet.
fn find(packets: &[[u8; 188]], wanted: u16, nth: usize) -> usize {
    packets
        .iter()
        .enumerate()
        .filter(|(_, packet)| pid(packet) == wanted && starts(packet))
        .map(|(at, _)| at)
        .nth(nth)
        .expect("enough")
}

#[test]
fn a_picture_that_lacks_a_packet_is_left_out_and_the_others_come() {
    let whole = stream();
    assert_eq!(present(&read(whole.concat())), all());
    let mut packets = whole.clone();
    packets.remove(find(&packets, VIDEO, 4) + 1);
    let units = read(packets.concat());
    let (video, audio) = present(&units);
    assert_eq!((video, audio), ((0..10).filter(|at| *at != 4).collect(), all().1));
    assert_eq!(rules(&units), ["T002", "T009"]);
}

#[test]
fn with_the_first_packet_of_a_picture_the_one_before_is_not_trusted_either() {
    let mut packets = stream();
    packets.remove(find(&packets, VIDEO, 4));
    let units = read(packets.concat());
    assert_eq!(present(&units).0, [0, 1, 2, 5, 6, 7, 8, 9]);
}

#[test]
fn a_loss_in_the_sound_costs_its_packet_and_time_goes_on_behind_it() {
    let mut packets = stream();
    packets.remove(find(&packets, AUDIO, 5));
    let units = read(packets.concat());
    assert_eq!(present(&units), (all().0, (0..40).filter(|at| !(20..24).contains(at)).collect()));
    assert_eq!(rules(&units), ["T002"]);
}

#[test]
fn a_packet_that_comes_twice_counts_once() {
    let mut packets = stream();
    for at in (0..packets.len()).rev() {
        packets.insert(at, packets[at]);
    }
    let units = read(packets.concat());
    assert_eq!((present(&units), rules(&units)), (all(), vec![]));
}

#[test]
fn a_packet_marked_as_damaged_is_not_used() {
    let mut packets = stream();
    let at = find(&packets, VIDEO, 4) + 1;
    packets[at][1] |= 0x80;
    let units = read(packets.concat());
    assert_eq!(present(&units).0, (0..10).filter(|at| *at != 4).collect::<Vec<_>>());
    assert_eq!(rules(&units), ["T003", "T002", "T009"]);
}

#[test]
fn counters_may_begin_anew_where_the_stream_says_so_and_from_segment_to_segment() {
    let mut mux = Mux::with(&[(H264, VIDEO, &[])]);
    mux.pes(VIDEO, Some(90_000), None, &key(0));
    mux.upset(VIDEO, 7);
    let unit = pes(VIDEO, Some(93_600), None, &inter(1));
    mux.packet(VIDEO, true, &unit, true);
    let first = mux.cut();
    mux.upset(VIDEO, 5);
    mux.pes(VIDEO, Some(97_200), None, &inter(2));
    let mut reader = reader();
    let mut units = segment(&mut reader, [first.into()]).expect("valid");
    reader.next_segment(false);
    units.extend(segment(&mut reader, [mux.out.into()]).expect("valid"));
    assert_eq!((tracks(&units)[0].samples.len(), rules(&units)), (3, vec![]));
}

#[test]
fn an_empty_packet_does_not_count() {
    let mut packets = stream();
    let at = find(&packets, VIDEO, 4) + 1;
    // An adaptation field alone keeps the counter of the packet before (ISO/IEC 13818-1, 2.4.3.3).
    let mut empty = [0xff; 188];
    empty[..6].copy_from_slice(&[0x47, 1, 0, 0x20 | packets[at - 1][3] & 15, 183, 0]);
    packets.insert(at, empty);
    let units = read(packets.concat());
    assert_eq!((present(&units), rules(&units)), (all(), vec![]));
}

#[test]
fn packets_are_found_again_behind_garbage() {
    let packets = stream();
    for garbage in [&[0; 1][..], &[0x47; 5], &[0x47, 0, 0, 0x47], &[7; 1000]] {
        let at = find(&packets, VIDEO, 4);
        let bytes = [&packets[..at].concat()[..], garbage, &packets[at..].concat()].concat();
        let units = read(bytes);
        let (video, _) = present(&units);
        assert!(video.starts_with(&[0, 1, 2]) && video.ends_with(&[5, 6, 7, 8, 9]), "{video:?}");
        assert_eq!(rules(&units)[0], "T001");
        let StreamUnit::Warning(warning) =
            &units.iter().find(|unit| matches!(unit, StreamUnit::Warning(_))).expect("one")
        else {
            panic!()
        };
        assert!(matches!(warning.place, Place::Byte(place) if place > 0));
    }
    // At the beginning too.
    let units = read([&[1; 50], &packets.concat()[..]].concat());
    assert_eq!((present(&units), rules(&units)), (all(), vec!["T001"]));
}

#[test]
fn bytes_behind_the_last_whole_packet_are_reported() {
    let bytes = stream().concat();
    let units = read(bytes[..bytes.len() - 10].to_vec());
    assert_eq!(present(&units).0, all().0);
    assert_eq!(rules(&units).last(), Some(&"T020"));
}

#[test]
fn scrambled_packets_are_refused_with_their_pid_and_place() {
    let mut packets = stream();
    let at = find(&packets, AUDIO, 5);
    packets[at][3] |= 0x80;
    let mut reader = reader();
    let error = segment(&mut reader, [packets.concat().into()]).expect_err("scrambled");
    assert_eq!(error.code(), ErrorCode::ContainerScrambled);
    assert_eq!(error.place(), Some(&Place::Byte(at as u64 * 188)));
    assert_eq!(error.facts().get("pid").map(String::as_str), Some("257"));
    assert_eq!(reader.poll(), Err(error), "a failed reader stays failed");
    // In the header of a PES packet too; on a PID that nobody reads it does not matter.
    let mut packets = stream();
    let at = find(&packets, VIDEO, 5);
    let payload = if packets[at][3] & 0x20 == 0 { 4 } else { 5 + usize::from(packets[at][4]) };
    packets[at][payload + 6] |= 0x10;
    let error = segment(&mut StreamReader::new(&Default::default(), &Default::default()), [packets.concat().into()]);
    assert_eq!(error.expect_err("scrambled").code(), ErrorCode::ContainerScrambled);
    let mut packets = stream();
    let mut foreign = packets[4];
    foreign[1] |= 0x0f;
    foreign[3] |= 0xc0;
    packets.insert(4, foreign);
    assert_eq!(present(&read(packets.concat())), all());
}

#[test]
fn a_section_with_a_wrong_checksum_is_not_believed() {
    let mut packets = stream();
    let mut map = packets[1];
    assert_eq!(pid(&map), PMT);
    // Another type for the video.
    map[4 + 1 + 12] = 0x24;
    map[3] = map[3] & 0xf0 | 1;
    packets.insert(10, map);
    let units = read(packets.concat());
    assert_eq!((present(&units), rules(&units)), (all(), vec!["T004"]));
}

#[test]
fn a_packet_of_sound_that_is_cut_short_gives_the_frames_that_are_whole() {
    let mut mux = Mux::with(&[(AAC, AUDIO, &[])]);
    let mut short = pes(AUDIO, Some(90_000), None, &(0..4).flat_map(aac).collect::<Vec<_>>());
    short.truncate(short.len() - 10);
    mux.packets(AUDIO, &short);
    mux.pes(AUDIO, Some(90_000 + 4 * 1920), None, &[aac(4), aac(5)].concat());
    let units = read(mux.out);
    let track = &tracks(&units)[0];
    assert_eq!(track.samples.iter().map(|taken| taken.bytes[0]).collect::<Vec<_>>(), [0, 1, 2, 4, 5]);
    assert_eq!(track.samples.iter().map(|taken| taken.sample.dts / 1024).collect::<Vec<_>>(), [46, 47, 48, 50, 51]);
    assert!(rules(&units).starts_with(&["T007"]), "{:?}", rules(&units));
}

#[test]
fn a_segment_that_is_abandoned_leaves_no_trace_in_the_next() {
    let packets = stream();
    for discontinuity in [true, false] {
        for polled in [0, 1, 3] {
            let mut reader = reader();
            reader.push(packets[..find(&packets, VIDEO, 6) + 2].concat().into());
            let early: Vec<StreamUnit> = (0..polled).filter_map(|_| reader.poll().expect("valid")).collect();
            reader.next_segment(discontinuity);
            let units = segment(&mut reader, [packets.concat().into()]).expect("valid");
            // The initialisation segment has come before, or comes now.
            assert_eq!(inits(&early).len() + inits(&units).len(), 1, "{discontinuity} {polled}");
            let whole =
                [early.into_iter().filter(|unit| matches!(unit, StreamUnit::Init(_))).collect(), units].concat();
            assert_eq!((present(&whole), rules(&whole)), (all(), vec![]), "{discontinuity} {polled}");
        }
    }
}
