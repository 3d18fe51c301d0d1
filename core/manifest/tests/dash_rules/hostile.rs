//! Hostile and broken texts (D107, D108): typed errors with a place, never a panic, never more work
//! than the text is long.

use crate::support::*;

use proptest::prelude::*;
use telecine_manifest::dash::{apply_patch, parse, refresh, splice, Context};
use telecine_model::{ErrorCode, Limits, Place};

fn code_of(bytes: &[u8]) -> Option<ErrorCode> {
    let limits = Limits::default();
    parse(bytes, &Context { uri: URL, limits: &limits }).err().map(|error| error.code())
}

#[test]
fn texts_that_are_no_mpd() {
    for text in [
        &b""[..],
        b"   \n",
        b"#EXTM3U\n",
        b"<html><body>404</body></html>",
        b"{\"error\":1}",
        b"<!DOCTYPE html><html/>",
        b"\x89PNG\r\n\x1a\n\xff\xfe",
        b"<?xml version='1.0'?>",
        b"<MPD",
        b"<",
        b"\0\0\0\x18ftypmp42",
    ] {
        assert_eq!(code_of(text), Some(ErrorCode::NotAManifest), "{}", String::from_utf8_lossy(text));
    }
    assert_eq!(code_of(b"\xff\xfe<\0M\0"), Some(ErrorCode::ManifestEncoding));
    assert_eq!(code_of(b"<MPD>\xff</MPD>"), Some(ErrorCode::ManifestEncoding));
}

#[test]
fn texts_that_are_not_well_formed_say_where() {
    let error = try_parse(&static_mpd("<AdaptationSet><Representation></AdaptationSet>")).expect_err("not well-formed");
    assert_eq!(error.code(), ErrorCode::ManifestSyntax);
    assert_eq!(error.place(), Some(&Place::Path("MPD/Period[1]/AdaptationSet[1]/Representation[1]".into())));
    for broken in [
        "<AdaptationSet id='1' id='2'/>",
        "<AdaptationSet id=1/>",
        "<AdaptationSet id/>",
        "<AdaptationSet id='1/>",
        "<AdaptationSet lang='&bomb;'/>",
        "<BaseURL>&bomb;</BaseURL>",
        "<BaseURL>a&b</BaseURL>",
        "</AdaptationSet>",
        "<!-- ",
        "<![CDATA[",
    ] {
        assert_eq!(code_of(static_mpd(broken).as_bytes()), Some(ErrorCode::ManifestSyntax), "{broken}");
    }
}

#[test]
fn every_prefix_of_an_mpd_is_an_error_and_no_panic() {
    let whole = with_segments("<SegmentTemplate media='$Number$'><SegmentTimeline><S t='0' d='2' r='3'/><S d='1'/></SegmentTimeline></SegmentTemplate>");
    for length in 0..whole.len() {
        assert!(code_of(&whole.as_bytes()[..length]).is_some(), "{length}");
    }
    assert_eq!(code_of(whole.as_bytes()), None);
}

#[test]
fn an_entity_bomb_costs_its_own_bytes() {
    let mut bomb = String::from("<?xml version='1.0'?><!DOCTYPE MPD [<!ENTITY a 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'>");
    for level in 1..30 {
        let (name, before) = (char::from(b'a' + level % 26), char::from(b'a' + (level - 1) % 26));
        bomb.push_str(&format!("<!ENTITY {name} '&{before};&{before};&{before};&{before};'>"));
    }
    let harmless = format!("{bomb}]>{}", static_mpd(SET).trim_start_matches("<?xml version=\"1.0\"?>"));
    let presentation = read(&harmless);
    assert_eq!(warned(&presentation)[0], "D108", "the declaration is ignored");
    let used = harmless.replace("id=\"v\"", "id=\"&z;\"");
    assert_eq!(code_of(used.as_bytes()), Some(ErrorCode::ManifestSyntax));
    let external =
        "<!DOCTYPE MPD [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><MPD><Period><BaseURL>&x;</BaseURL></Period></MPD>";
    assert_eq!(code_of(external.as_bytes()), Some(ErrorCode::ManifestSyntax));
}

#[test]
fn depth_and_size_have_limits() {
    let deep = static_mpd(&("<a>".repeat(10_000) + &"</a>".repeat(10_000)));
    assert_eq!(code_of(deep.as_bytes()), Some(ErrorCode::ManifestLimit));
    let large = vec![b' '; 100 << 20];
    assert_eq!(code_of(&large), Some(ErrorCode::ManifestLimit));
    let attributes: String = (0..1000).map(|i| format!("a{i}='1' ")).collect();
    assert_eq!(code_of(static_mpd(&format!("<x {attributes}/>")).as_bytes()), Some(ErrorCode::ManifestLimit));
    let namespaces = static_mpd(&format!("<x {}/>", attributes.replace('a', "xmlns:a")));
    assert_eq!(code_of(namespaces.as_bytes()), Some(ErrorCode::ManifestLimit));
    let long = static_mpd(&format!("<BaseURL>{}</BaseURL>{SET}", "x".repeat(2 << 20)));
    assert_eq!(code_of(long.as_bytes()), Some(ErrorCode::ManifestLimit));
    let tag = static_mpd(&format!("<BaseURL a='{}'/>{SET}", "x".repeat(2 << 20)));
    assert_eq!(code_of(tag.as_bytes()), Some(ErrorCode::ManifestLimit));
}

#[test]
fn counts_have_limits() {
    let mut limits = Limits::default();
    limits.periods = 3;
    limits.renditions = 4;
    limits.side_items = 5;
    let of = |text: String| parse(text.as_bytes(), &Context { uri: URL, limits: &limits });
    let code = |text: String| of(text).map_err(|error| error.code()).err();
    assert_eq!(code(mpd("", &"<Period duration='PT1S'/>".repeat(4))), Some(ErrorCode::ManifestLimit));
    assert_eq!(code(static_mpd(&SET.repeat(3))), Some(ErrorCode::ManifestLimit), "three sets, three representations");
    let warnings =
        of(static_mpd(&(SET.to_owned() + &"<EventStream><Event id='x'/></EventStream>".repeat(20)))).expect("read");
    assert_eq!(warnings.presentation.warnings.len(), 5);
    let events = of(static_mpd(&format!("<EventStream>{}</EventStream>{SET}", "<Event/>".repeat(20)))).expect("read");
    assert_eq!(events.presentation.periods[0].event_streams[0].events.len(), 5);
}

#[test]
fn absurd_numbers_saturate_or_are_refused() {
    for template in [
        "duration='18446744073709551615'",
        "duration='1' timescale='4294967295' presentationTimeOffset='9223372036854775807'",
        "duration='1' timescale='0'",
        "duration='1' eptDelta='-9223372036854775808'",
        "duration='1' startNumber='18446744073709551615'",
        "duration='1' startNumber='18446744073709551615' endNumber='18446744073709551615'",
        "duration='-1'",
        "duration='99999999999999999999999'",
        "duration='1' presentationTimeOffset='-9223372036854775808'",
        "duration='1' availabilityTimeOffset='-99999999999999'",
    ] {
        let _ = code_of(with_segments(&format!("<SegmentTemplate media='$Number$-$Time$' {template}/>")).as_bytes());
        let live = mpd(
            "type='dynamic' availabilityStartTime='9999-12-31T23:59:59Z'",
            &format!("<Period start='PT9223372036S'><AdaptationSet mimeType='video/mp4'><SegmentTemplate media='$Number$' {template}/><Representation id='v' bandwidth='18446744073709551615'/></AdaptationSet></Period>"),
        );
        if let Ok(mpd) = try_parse(&live) {
            if let Some(index) =
                mpd.presentation.periods.first().and_then(|p| p.tracks[0].renditions[0].segments.known())
            {
                let _ = (index.start(), index.end(), index.get(index.table.first_number()), index.get(u64::MAX));
            }
        }
    }
    let negative = read(&mpd("mediaPresentationDuration='-PT5S'", &format!("<Period duration='PT2S'>{SET}</Period>")));
    assert_eq!(negative.duration, Some(ms(2000)));
}

#[test]
fn d108_elements_and_attributes_of_other_namespaces_are_ignored() {
    let text = mpd(
        "mediaPresentationDuration='PT20S' xmlns:x='urn:x' x:type='dynamic'",
        &format!("<x:Period/><Unknown><Period/></Unknown><Period><x:AdaptationSet/>{SET}<Future a='b'><c/></Future></Period>"),
    );
    let presentation = read(&text);
    assert!(!presentation.live && presentation.warnings.is_empty());
    assert_eq!((presentation.periods.len(), presentation.periods[0].tracks.len()), (1, 1));
}

#[test]
fn d108_prefixes_missing_and_other_root_namespaces_are_tolerated() {
    let plain = static_mpd(SET);
    for (from, to, warnings) in [
        ("xmlns=\"urn:mpeg:dash:schema:mpd:2011\"", "", 0),
        ("urn:mpeg:dash:schema:mpd:2011", "urn:mpeg:DASH:schema:MPD:2011", 0),
        ("urn:mpeg:dash:schema:mpd:2011", "urn:someone:else", 1),
    ] {
        let presentation = read(&plain.replacen(from, to, 1));
        assert_eq!((presentation.periods.len(), presentation.warnings.len()), (1, warnings), "{to}");
    }
    let prefixed = plain
        .replace("xmlns=", "xmlns:d=")
        .replace("</", "</d:")
        .replace("<MPD", "<d:MPD")
        .replace("<Period", "<d:Period")
        .replace("<AdaptationSet", "<d:AdaptationSet")
        .replace("<SegmentTemplate", "<d:SegmentTemplate")
        .replace("<Representation", "<d:Representation");
    assert_eq!(index(&read(&prefixed)).table.len(), 10);
    let bom = format!("\u{feff}{plain}\n<!-- end -->\n");
    assert!(read(&bom).warnings.is_empty());
    assert_eq!(warned(&read(&format!("{plain}<more/>"))), ["D108"]);
}

#[test]
fn what_is_said_once_and_held_many_times_is_bounded() {
    let representations: String = (0..9000).map(|i| format!("<Representation id='{i}' bandwidth='1'/>")).collect();
    let entries: String = (0..50_000).map(|i| format!("<S d='{}'/>", 1 + i % 2)).collect();
    let timeline = with_set(&format!(
        "<SegmentTemplate media='$Time$'><SegmentTimeline>{entries}</SegmentTimeline></SegmentTemplate>{representations}"
    ));
    assert_eq!(code_of(timeline.as_bytes()), Some(ErrorCode::ManifestLimit), "5.4 GB of tables");
    let media = with_set(&format!("<SegmentTemplate media='{}' duration='2'/>{representations}", "x".repeat(1 << 19)));
    assert_eq!(code_of(media.as_bytes()), Some(ErrorCode::ManifestLimit), "4.7 GB of templates");
    let fine = with_set(&format!("<SegmentTemplate media='$Number$' duration='2'/>{representations}"));
    assert_eq!(code_of(fine.as_bytes()), None);
    let id = with_set(&format!(
        "<SegmentTemplate media='{}' duration='2'/><Representation id='{}' bandwidth='1'/>",
        "$RepresentationID$".repeat(50_000),
        "x".repeat(1 << 19)
    ));
    assert_eq!(code_of(id.as_bytes()), Some(ErrorCode::NothingPlayable), "26 GB of a URL");
    let query = format!(
        "<SupplementalProperty schemeIdUri='urn:mpeg:dash:urlparam:2014'><UrlQueryInfo queryString='{}' queryTemplate='{}'/></SupplementalProperty>",
        "x".repeat(1 << 18),
        "$querypart$".repeat(20_000)
    );
    let presentation = read(&with_segments(&format!("{query}<SegmentTemplate media='s' duration='20'/>")));
    assert_eq!((names(&presentation), warned(&presentation)), (vec!["s".to_owned()], vec!["D102"]));
    for one in ["<BaseURL>a/</BaseURL>", "<Role/>", "<Label/>", "<ContentProtection/>", "<SupplementalProperty/>"] {
        let text = static_mpd(&SET.replace("<SegmentTemplate", &(one.repeat(300) + "<SegmentTemplate")));
        assert_eq!(code_of(text.as_bytes()), Some(ErrorCode::ManifestLimit), "{one}");
    }
}

/// A valid MPD with a bit of everything, for mutation.
fn everything() -> String {
    mpd(
        "id='m' type='dynamic' availabilityStartTime='2026-01-01T00:00:00Z' publishTime='2026-01-01T00:00:00Z' minimumUpdatePeriod='PT2S' \
         xmlns:xlink='http://www.w3.org/1999/xlink' xmlns:cenc='urn:mpeg:cenc:2013'",
        "<BaseURL serviceLocation='a'>https://a.example/</BaseURL><BaseURL availabilityTimeOffset='INF'>b/</BaseURL>\
         <UTCTiming schemeIdUri='urn:x' value='y'/><ServiceDescription><Latency target='3000'/></ServiceDescription>\
         <Period id='1' start='PT0S' duration='PT30S'><EventStream schemeIdUri='urn:e' timescale='10'><Event presentationTime='5'><a>b</a></Event></EventStream>\
         <AdaptationSet mimeType='video/mp4' codecs='avc1.64001f' lang='en'><Role schemeIdUri='urn:mpeg:dash:role:2011' value='main'/>\
         <ContentProtection schemeIdUri='urn:mpeg:dash:mp4protection:2011' value='cenc' cenc:default_KID='00112233-4455-6677-8899-aabbccddeeff'/>\
         <SegmentTemplate media='$RepresentationID$/$Number%05d$-$Time$.m4s' initialization='i' timescale='90000' startNumber='2'>\
         <SegmentTimeline><S t='0' d='180000' r='4'/><S d='90000' k='2'/><S t='1200000' d='180000' r='-1'/></SegmentTimeline></SegmentTemplate>\
         <Representation id='v1' bandwidth='100' width='1' height='2'/><Representation id='v2' bandwidth='200'><BaseURL>x/</BaseURL></Representation></AdaptationSet>\
         <AdaptationSet mimeType='audio/mp4'><SegmentList duration='2'><Initialization range='0-9'/><SegmentURL media='1' mediaRange='1-2'/><SegmentURL media='2'/></SegmentList>\
         <Representation id='a' bandwidth='1'/></AdaptationSet></Period>\
         <Period xlink:href='p' start='PT30S'><AdaptationSet mimeType='video/mp4'><SegmentTemplate media='$Number$' duration='2' eptDelta='-1'/><Representation id='v' bandwidth='1'/></AdaptationSet></Period>",
    )
}

/// What a player does with whatever comes out of a text.
fn use_everything(bytes: &[u8]) {
    let mut limits = Limits::default();
    limits.segments = 10_000;
    let context = Context { uri: URL, limits: &limits };
    let Ok(mpd) = parse(bytes, &context) else { return };
    let mut presentation = mpd.presentation;
    assert!(!presentation.periods.is_empty());
    for track in presentation.periods.iter().flat_map(|period| &period.tracks) {
        for index in track.renditions.iter().filter_map(|rendition| rendition.segments.known()) {
            let (first, end) = (index.table.first_number(), index.table.end_number());
            for number in [first, first.saturating_add(1), end.saturating_sub(1), end] {
                let _ = (index.get(number), index.sequences.get(number));
            }
            assert!(index.table.is_open() || index.table.len() <= 10_000);
        }
    }
    for body in [None, Some(b"<Period id='r' duration='PT1S'/>".to_vec())] {
        let resolved: Vec<_> = mpd.remote.iter().map(|remote| (remote.clone(), body.clone())).collect();
        let text = splice(bytes, &resolved).expect("ranges are of this text");
        let _ = parse(&text, &context);
    }
    let again = presentation.clone();
    let _ = refresh(&mut presentation, again);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 768 }))]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        use_everything(&bytes);
        let _ = apply_patch(&bytes, &bytes, &Limits::default());
    }

    #[test]
    fn mutated_mpds_never_panic(
        edits in proptest::collection::vec((any::<prop::sample::Index>(), 0_usize..12, "[0-9a-zA-Z<>/='\"&;: $%.-]{0,6}|-1|9223372036854775807|18446744073709551615|PT0S|INF"), 1..6)
    ) {
        let mut text = everything().into_bytes();
        for (at, remove, insert) in edits {
            let at = at.index(text.len());
            let end = (at + remove).min(text.len());
            text.splice(at..end, insert.into_bytes());
        }
        use_everything(&text);
    }

    #[test]
    fn mutated_values_never_panic(
        which in any::<prop::sample::Index>(),
        value in "-?[0-9]{1,20}|PT[0-9]{1,19}S|-PT1S|INF|[$A-Za-z%0-9]{0,12}|[0-9]{1,19}-[0-9]{1,20}"
    ) {
        // The value of any one attribute is replaced.
        let text = everything();
        let places: Vec<usize> = text.match_indices("='").map(|(at, _)| at + 2).collect();
        let from = places[which.index(places.len())];
        let to = from + text[from..].find('\'').unwrap_or(0);
        use_everything(format!("{}{value}{}", &text[..from], &text[to..]).as_bytes());
    }

    #[test]
    fn mutated_patches_never_panic(
        operation in "(add|replace|remove)", path in "/MPD(/Period(\\[[0-9]\\])?)?(/\\*)?(/@[a-z]{1,3}|/text\\(\\))?",
        content in "[<>a-z/&; ']{0,12}", edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3)
    ) {
        let mut patch = format!("<Patch mpdId='m' originalPublishTime='2026-01-01T00:00:00Z'><{operation} sel='{path}'>{content}</{operation}></Patch>").into_bytes();
        for (at, byte) in edits {
            let at = at.index(patch.len());
            patch[at] = byte;
        }
        if let Ok(text) = apply_patch(everything().as_bytes(), &patch, &Limits::default()) {
            use_everything(&text);
        }
    }

    /// However a timeline is cut into entries, the segments are the same: the fast reader and the
    /// general one agree.
    #[test]
    fn fast_and_general_entries_agree(entries in proptest::collection::vec((proptest::option::of(0_u32..50), 1_u32..20, 0_u32..4), 1..30)) {
        let write = |general: bool| {
            let mut at = 0_u64;
            let body: String = entries.iter().map(|(hole, duration, repeat)| {
                let start = hole.map(|hole| { at += u64::from(hole); format!(" t='{at}'") }).unwrap_or_default();
                at += u64::from(*duration) * u64::from(repeat + 1);
                let close = if general { "></S>" } else { "/>" };
                format!("<S{start} d='{duration}' r='{repeat}'{close}")
            }).collect();
            with_segments(&format!("<SegmentTemplate media='$Number$-$Time$'><SegmentTimeline>{body}</SegmentTimeline></SegmentTemplate>"))
        };
        let (fast, general) = (read(&write(false)), read(&write(true)));
        prop_assert_eq!(index(&fast), index(&general));
        // Against the definition: start and duration of each, one after the other.
        let mut expected = Vec::new();
        let mut at = 0_i64;
        for (hole, duration, repeat) in &entries {
            at += i64::from(hole.unwrap_or(0));
            for _ in 0..=*repeat {
                expected.push((at * 1000, i64::from(*duration) * 1000));
                at += i64::from(*duration);
            }
        }
        prop_assert_eq!(times(&fast), expected);
    }
}
