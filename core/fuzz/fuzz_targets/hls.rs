#![no_main]
//! HLS playlists of any bytes, in both modes, alone and as a refresh of each other, read as a whole and in part.

use libfuzzer_sys::fuzz_target;
use telecine_manifest::hls::{parse, parse_again, Context, Mode, Playlist};
use telecine_model::Limits;

fuzz_target!(|data: &[u8]| {
    let limits = Limits::default();
    let split = data.iter().position(|b| *b == 0).unwrap_or(data.len());
    let (first, second) = (&data[..split], data.get(split + 1..).unwrap_or(&[]));
    for mode in [Mode::Strict, Mode::Compat] {
        let uri = "https://a.example/p/q.m3u8?token=x&v=1";
        let context = Context { uri, requested_uri: uri, imports: None, mode, limits: &limits };
        let parse = |text| parse(text, &context);
        if let (Ok(Playlist::Media(mut old)), Ok(Playlist::Media(new))) = (parse(first), parse(second)) {
            let Ok(Playlist::Media(again)) = parse_again(second, &context, &old.index, &old.text) else {
                panic!("it can be read as a whole")
            };
            assert_eq!(again, new);
            let _ = old.refresh(*new);
            for span in old.index.table.iter().take(1000) {
                let _ = old.index.get(span.number);
            }
        }
    }
});
