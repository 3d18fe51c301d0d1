//! Any mixture of options of live programmes, at any moment, is answered.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use proptest::prelude::*;
use support::{at, library};
use telecine_origin::{respond, Request};

const NOW: u64 = 1_795_780_496_700;

/// An option with a value that it may have, of a format.
fn option(hls: bool) -> BoxedStrategy<String> {
    let number = |names: &'static [&'static str], values: std::ops::Range<u64>| {
        (prop::sample::select(names), values).prop_map(|(name, value)| format!("{name}_{value}")).boxed()
    };
    let word = |words: &'static [&'static str]| prop::sample::select(words).prop_map(str::to_owned).boxed();
    let both = [
        number(&["live", "encrestart", "adbreak", "scte35"], 10..130),
        number(&["jitter", "early404"], 20..3_000),
        number(&["start"], NOW / 1_000 - 100..NOW / 1_000 - 10),
        number(&["stop"], NOW / 1_000 - 5..NOW / 1_000 + 100),
        number(&["krot", "gap", "snr", "spd", "mup"], 1..10),
        word(&["stale_5-50", "back_50-20", "skewpdt_-999", "prot_cenc", "start_1795780400/drift_-9000"]),
    ];
    let own = if hls {
        [
            number(&["parts"], 200..2_000),
            number(&["partfiles", "block", "skip"], 0..2),
            number(&["encrestartmsn", "disc"], 4..40),
            word(&["ts_muxed", "ts_packed", "prot_aes128", "prot_cbcs"]),
        ]
    } else {
        [
            word(&["chunk_500", "chunk_200/ato_1500", "chunk_900/ato_3000/prft_1", "chunk_20/ltgt_999"]),
            number(&["periods"], 20..700),
            word(&["patch_60", "etp_1", "continuous_0", "utc_direct-httpntp", "bases_2"]),
            word(&["scte35_20/inband_1", "periods_300/mpdevent_1"]),
        ]
    };
    prop::sample::select(both.into_iter().chain(own).collect::<Vec<_>>()).prop_flat_map(|one| one).boxed()
}

/// A file of a format, most often one that there is.
fn file(hls: bool) -> BoxedStrategy<String> {
    let media = prop::sample::select(&["v180", "a-en"][..]);
    let near = (0..6_u64).prop_map(|n| NOW / 2_000 + 1 - n);
    let number = prop_oneof![4 => near.clone(), 1 => 0..40_u64, 1 => any::<u64>()];
    let segment = (media.clone(), number.clone()).prop_map(|(id, n)| format!("{id}/{n}.m4s"));
    let manifests: &[&str] = if hls {
        &["main.m3u8", "v180.m3u8", "a-fr.m3u8", "t-en.m3u8"]
    } else {
        &["number.mpd", "time.mpd", "timeline-number.mpd", "time.mpp", "number.mpp"]
    };
    let manifest = prop::sample::select(manifests.to_vec()).prop_map(str::to_owned);
    let other = if hls {
        prop_oneof![
            (media, number.clone(), 0..9_u64).prop_map(|(id, n, k)| format!("{id}/{n}.{k}.m4s")),
            number.clone().prop_map(|n| format!("t-en/{n}.vtt")),
            number.prop_map(|n| format!("v180/{n}.ts")),
        ]
        .boxed()
    } else {
        prop_oneof![
            (media.clone(), any::<u32>(), number.clone()).prop_map(|(id, run, n)| format!("{id}/p{run}-t{n}.m4s")),
            near.prop_map(|n| format!("v180/t{}.m4s", n * 180_000)),
            number.prop_map(|n| format!("thumbs/{}.jpg", n / 12)),
        ]
        .boxed()
    };
    prop_oneof![3 => manifest, 2 => segment, 1 => other].boxed()
}

/// A path in front of the query.
fn path() -> impl Strategy<Value = String> {
    any::<bool>().prop_flat_map(|hls| {
        (prop::collection::vec(option(hls), 0..5), file(hls)).prop_map(move |(options, file)| {
            let options: String = options.iter().map(|option| format!("{option}/")).collect();
            format!("/{}/live_30/{options}demo/{file}", if hls { "hls" } else { "dash" })
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn any_mixture_at_any_moment_is_answered(
        path in path(),
        query in prop_oneof![
            3 => Just(String::new()),
            1 => (any::<u64>(), any::<u64>()).prop_map(|(msn, part)| format!("?_HLS_msn={msn}&_HLS_part={part}")),
            2 => (0..3_u64, 0..9_u64).prop_map(|(msn, part)| format!("?_HLS_msn={}&_HLS_part={part}&_HLS_skip=v2", NOW / 2_000 + msn)),
            2 => (0..56_699_u64).prop_map(|ms| format!("?publishTime=2026-11-27T11:54:{:02}.{:03}Z", ms / 1000 % 60, ms % 1000)),
        ],
        now in prop_oneof![3 => Just(NOW), 3 => NOW..NOW + 4_000, 1 => any::<u64>()],
        range in prop::option::weighted(0.2, (0..9_000_u64).prop_map(|from| format!("bytes={from}-"))),
    ) {
        let path = at(&format!("{path}{query}"), now);
        let request = Request { range: range.as_deref(), ..Request::get(&path) };
        let response = respond(&library(), &request);
        prop_assert!(matches!(response.status, 200 | 206 | 400 | 404 | 416 | 425 | 503), "{path}: {}", response.status);
        // Pieces lie in the body, in order, and none is there before the head is.
        let mut before = (0, response.delivery.hold);
        for (at, due) in &response.delivery.pieces {
            prop_assert!(*at > before.0 && *at < response.body.len() && *due >= before.1, "{path}: {:?}", response.delivery);
            before = (*at, *due);
        }
        let length = response.body.len();
        prop_assert_eq!(response.body.into_bytes().len() as u64, length);
    }
}
