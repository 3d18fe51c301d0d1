//! A second opinion: playlists that m3u8-rs writes and reads, compared with what we read in them.

#![allow(clippy::expect_used, clippy::panic)]

mod hls_support;

use hls_support::*;
use m3u8_rs::{
    AlternativeMedia, AlternativeMediaType, ByteRange, Key, KeyMethod, Map, MediaPlaylist, MediaPlaylistType,
    MediaSegment, QuotedOrUnquoted, Resolution, VariantStream,
};
use proptest::prelude::*;
use telecine_model::presentation::PlaylistType;
use telecine_model::Timescale;

fn segment() -> impl Strategy<Value = MediaSegment> {
    (
        // Thousandths, so that `f32` holds what is written.
        1..9_999_u32,
        "[a-z]{1,8}[0-9]{0,4}\\.(ts|m4s)(\\?[a-z]=[0-9]{1,3})?",
        prop::option::of("[A-Za-z ]{1,10}[a-z]"),
        prop::bool::weighted(0.1),
        prop::option::weighted(0.2, (1..100_000_u64, 0..1_000_000_u64)),
        prop::option::weighted(0.2, ("[a-z]{1,6}", prop::option::of("0x[0-9A-F]{32}"))),
        prop::option::weighted(0.2, ("[a-z]{1,6}\\.mp4", prop::option::of((1..9_999_u64, 0..9_999_u64)))),
        prop::option::weighted(0.2, 1_600_000_000_000..1_900_000_000_000_i64),
    )
        .prop_map(|(millis, uri, title, discontinuity, range, key, map, date)| MediaSegment {
            uri,
            duration: millis as f32 / 1000.0,
            title,
            discontinuity,
            byte_range: range.map(|(length, offset)| ByteRange { length, offset: Some(offset) }),
            key: key.map(|(uri, iv)| Key {
                method: KeyMethod::AES128,
                uri: Some(uri),
                iv,
                keyformat: None,
                keyformatversions: None,
            }),
            map: map.map(|(uri, range)| Map {
                uri,
                byte_range: range.map(|(length, offset)| ByteRange { length, offset: Some(offset) }),
                other_attributes: Default::default(),
            }),
            program_date_time: date.and_then(chrono_millis),
            ..MediaSegment::default()
        })
}

/// The date type of m3u8-rs, by way of its own parser.
fn chrono_millis<T: std::str::FromStr>(millis: i64) -> Option<T> {
    let time = telecine_model::WallTime::from_millis(millis);
    telecine_model::datetime::format_date_time(time).parse().ok()
}

fn playlist() -> impl Strategy<Value = MediaPlaylist> {
    (
        prop::collection::vec(segment(), 0..30),
        0..u64::from(u32::MAX),
        0..99_u64,
        prop::option::of(any::<bool>()),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(segments, sequence, discontinuities, kind, end, i_frames, independent)| MediaPlaylist {
            version: Some(7),
            target_duration: 10,
            media_sequence: sequence,
            segments,
            discontinuity_sequence: discontinuities,
            end_list: end,
            playlist_type: kind.map(|vod| if vod { MediaPlaylistType::Vod } else { MediaPlaylistType::Event }),
            i_frames_only: i_frames,
            independent_segments: independent,
            ..MediaPlaylist::default()
        })
}

fn alternative() -> impl Strategy<Value = AlternativeMedia> {
    ("[A-Za-z]{1,6}", prop::sample::select(vec!["g", "h"]), prop::option::of("[a-z]{2}"), any::<bool>(), any::<bool>())
        .prop_map(|(name, group, language, default, subtitles)| AlternativeMedia {
            media_type: if subtitles { AlternativeMediaType::Subtitles } else { AlternativeMediaType::Audio },
            uri: Some(format!("{name}.m3u8")),
            group_id: group.to_owned(),
            language,
            name,
            default,
            autoselect: default,
            ..AlternativeMedia::default()
        })
}

fn variant() -> impl Strategy<Value = VariantStream> {
    (
        1..100_000_000_u64,
        prop::option::of(1..100_000_000_u64),
        prop::option::of(prop::sample::select(vec!["avc1.64001f,mp4a.40.2", "hvc1.2.4.L123.B0", "mp4a.40.2"])),
        prop::option::of((1..4096_u64, 1..2160_u64)),
        prop::option::of(prop::sample::select(vec![25.0, 29.97, 50.0])),
        "[a-z]{1,9}\\.m3u8",
    )
        .prop_map(|(bandwidth, average_bandwidth, codecs, resolution, frame_rate, uri)| VariantStream {
            uri,
            bandwidth,
            average_bandwidth,
            codecs: codecs.map(str::to_owned),
            resolution: resolution.map(|(width, height)| Resolution { width, height }),
            frame_rate,
            ..VariantStream::default()
        })
}

fn written(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> Vec<u8> {
    let mut text = Vec::new();
    write(&mut text).expect("writing to memory");
    text
}

proptest! {
    #[test]
    fn media_playlists_mean_the_same_to_both(made in playlist()) {
        let text = written(|text| made.write_to(text));
        let theirs = m3u8_rs::parse_media_playlist_res(&text).expect("their own text");
        let ours = media(&text);
        let (info, index) = (&ours.info, &ours.index);
        prop_assert_eq!(u64::from(info.version), theirs.version.unwrap_or(1) as u64);
        prop_assert_eq!(info.target_duration.as_millis(), theirs.target_duration as i64 * 1000);
        prop_assert_eq!(index.table.len(), theirs.segments.len() as u64);
        prop_assert_eq!(index.table.first_number(), theirs.media_sequence);
        prop_assert_eq!((info.ended, info.i_frames_only), (theirs.end_list, theirs.i_frames_only));
        prop_assert_eq!(info.independent_segments, theirs.independent_segments);
        prop_assert_eq!(info.playlist_type, theirs.playlist_type.as_ref().map(|kind| match kind {
            MediaPlaylistType::Vod => PlaylistType::Vod,
            _ => PlaylistType::Event,
        }));
        let mut discontinuity = theirs.discontinuity_sequence;
        let (mut map, mut key) = (None, None);
        for (number, segment) in (theirs.media_sequence..).zip(&theirs.segments) {
            let found = index.get(number).expect("listed");
            discontinuity += u64::from(segment.discontinuity);
            map = segment.map.as_ref().or(map);
            key = segment.key.as_ref().or(key);
            prop_assert_eq!(found.uri, telecine_model::uri::resolve(BASE, &segment.uri));
            prop_assert_eq!(found.discontinuity, discontinuity);
            let millis = found.duration.to_ticks(Timescale::new(1000).expect("not zero"));
            prop_assert_eq!(millis, (f64::from(segment.duration) * 1000.0).round() as i64);
            prop_assert_eq!(
                found.byte_range.map(|range| (range.length, Some(range.offset))),
                segment.byte_range.as_ref().map(|range| (range.length, range.offset))
            );
            prop_assert_eq!(
                found.init.as_ref().map(|init| (init.uri.clone(), init.byte_range.map(|range| range.length))),
                map.map(|map| (map.uri.clone(), map.byte_range.as_ref().map(|range| range.length)))
            );
            prop_assert_eq!(found.keys.first().and_then(|key| key.uri.clone()), key.and_then(|key| key.uri.clone()));
            let iv = key.and_then(|key| key.iv.as_ref()).map(|iv| u128::from_str_radix(&iv[2..], 16).expect("hex"));
            prop_assert_eq!(found.keys.first().and_then(|key| key.iv).map(u128::from_be_bytes), iv);
            if let Some(date) = &segment.program_date_time {
                // An anchor is left out where it says less than a millisecond of news.
                let found = found.program_date_time.expect("dated").as_micros();
                prop_assert!(found.abs_diff(date.timestamp_micros()) < 1_000);
            }
        }
    }

    #[test]
    fn multivariant_playlists_mean_the_same_to_both(
        variants in prop::collection::vec(variant(), 0..10),
        alternatives in prop::collection::vec(alternative(), 0..10),
    ) {
        let made = m3u8_rs::MasterPlaylist {
            version: Some(6),
            variants,
            alternatives,
            session_data: vec![m3u8_rs::SessionData {
                data_id: "com.example".into(),
                field: m3u8_rs::SessionDataField::Value("v".into()),
                language: None,
                other_attributes: None,
            }],
            ..m3u8_rs::MasterPlaylist::default()
        };
        let text = written(|text| made.write_to(text));
        let theirs = m3u8_rs::parse_master_playlist_res(&text).expect("their own text");
        let ours = multivariant(&text);
        let absolute = |uri: &str| Some(telecine_model::uri::resolve(BASE, uri));
        let all = tracks(&ours);
        let main = usize::from(!theirs.variants.is_empty());
        let renditions = all.iter().take(main).flat_map(|track| &track.renditions);
        prop_assert_eq!(renditions.clone().count(), theirs.variants.len());
        for (rendition, variant) in renditions.zip(&theirs.variants) {
            prop_assert_eq!(&rendition.uri, &absolute(&variant.uri));
            prop_assert_eq!((rendition.bandwidth, rendition.average_bandwidth), (variant.bandwidth, variant.average_bandwidth));
            let codecs: Vec<_> = rendition.codecs.iter().map(ToString::to_string).collect();
            prop_assert_eq!(codecs.join(","), variant.codecs.clone().unwrap_or_default());
            let size = variant.resolution.map(|size| (size.width, size.height));
            prop_assert_eq!(rendition.width.zip(rendition.height).map(|(w, h)| (w.into(), h.into())), size);
            if let (Some((n, d)), Some(rate)) = (rendition.frame_rate, variant.frame_rate) {
                prop_assert!((f64::from(n) / f64::from(d) - rate).abs() < 0.0005);
            }
        }
        let mut found: Vec<_> = all[main..]
            .iter()
            .flat_map(|track| track.renditions.iter().map(move |rendition| (
                track.name.clone().unwrap_or_default(),
                track.language.as_ref().map(ToString::to_string),
                rendition.groups.audio.clone().or(rendition.groups.subtitles.clone()),
                rendition.uri.clone(),
            )))
            .collect();
        let mut expected: Vec<_> = theirs
            .alternatives
            .iter()
            .map(|media| (media.name.clone(), media.language.clone(), Some(media.group_id.clone()), absolute(media.uri.as_deref().unwrap_or(""))))
            .collect();
        found.sort();
        expected.sort();
        prop_assert_eq!(found, expected);
        prop_assert_eq!(ours.session_data[0].value.as_deref(), Some("v"));
    }
}

#[test]
fn values_of_both_parsers_have_the_same_quotes() {
    // The writer quotes what the reader found quoted: the two agree about strings.
    let value = QuotedOrUnquoted::Quoted("a,b".into());
    let made = format!("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,ALLOWED-CPC={value}\nv\n");
    assert_eq!(tracks(&multivariant(made))[0].renditions[0].allowed_cpc.as_deref(), Some("a,b"));
}
