//! What titles announce to be played in the middle of them.

use telecine_manifest::interstitial::{
    self, Announcement, HLS_INTERSTITIAL, HLS_PRELOAD, INSERT_SCHEME, REPLACE_SCHEME,
};
use telecine_model::interstitial::{AssetSource, Interstitial, InterstitialCue, JumpRule, PreloadNotice, Resume};
use telecine_model::{Error, EventCarrier, EventPayload, Limits, MediaTime, TimedEvent, Timescale};

const BASE: &str = "https://cdn.example/live/main.m3u8";

fn secs(seconds: i64) -> MediaTime {
    MediaTime::from_secs(seconds)
}

fn range(class: &str, attributes: &[(&str, &str)]) -> TimedEvent {
    let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    TimedEvent {
        carrier: EventCarrier::DateRange,
        scheme: TimedEvent::DATE_RANGE.to_owned(),
        value: class.to_owned(),
        id: Some("break".to_owned()),
        start: secs(100),
        duration: Some(secs(30)),
        payload: EventPayload::Attributes(attributes.collect()),
        timescale: None,
    }
}

fn event(scheme: &str, xml: &str) -> TimedEvent {
    TimedEvent {
        carrier: EventCarrier::EventStream,
        scheme: scheme.to_owned(),
        value: String::new(),
        id: Some("7".to_owned()),
        start: secs(100),
        duration: None,
        payload: EventPayload::Text(xml.to_owned()),
        timescale: Timescale::new(1000),
    }
}

fn read(event: &TimedEvent) -> Result<Interstitial, Error> {
    match interstitial::of_event(event, BASE).expect("about interstitials")? {
        Announcement::Interstitial(found) => Ok(*found),
        Announcement::Preload(notice) => panic!("a notice: {notice:?}"),
    }
}

fn hls(attributes: &[(&str, &str)]) -> Result<Interstitial, Error> {
    read(&range(HLS_INTERSTITIAL, attributes))
}

fn notice(event: &TimedEvent) -> Result<PreloadNotice, Error> {
    match interstitial::of_event(event, BASE).expect("about interstitials")? {
        Announcement::Preload(notice) => Ok(notice),
        Announcement::Interstitial(found) => panic!("an interstitial: {found:?}"),
    }
}

#[test]
fn in01_an_interstitial_names_one_asset_or_a_list_that_may_be_relative() {
    let asset = hls(&[("X-ASSET-URI", "https://ads.example/a.m3u8")]).expect("fine");
    assert_eq!(asset.assets, AssetSource::Asset("https://ads.example/a.m3u8".to_owned()));
    let list = hls(&[("X-ASSET-LIST", "../ads?break=1")]).expect("fine");
    assert_eq!(list.assets, AssetSource::List("https://cdn.example/ads?break=1".to_owned()));
    assert!(hls(&[]).is_err());
    assert!(hls(&[("X-ASSET-URI", "https://a.example/"), ("X-ASSET-LIST", "b")]).is_err());
    let other = range("com.example.other", &[("X-ASSET-URI", "https://ads.example/a.m3u8")]);
    assert_eq!(interstitial::of_event(&other, BASE), None);
}

#[test]
fn in02_assets_are_listed_in_order_and_names_are_case_sensitive() {
    let body = br#"{"ASSETS":[{"URI":"a.m3u8","DURATION":15.5},{"URI":"https://ads.example/b.m3u8","X":1}],
        "assets":[], "SKIP-CONTROL":{"OFFSET":5,"DURATION":20,"LABEL-ID":"skip"}}"#;
    let list = interstitial::asset_list(body, "https://ads.example/x/list.json", &Limits::default()).expect("fine");
    let read: Vec<_> = list.assets.iter().map(|asset| (asset.uri.as_str(), asset.duration)).collect();
    let first = ("https://ads.example/x/a.m3u8", Some(MediaTime::from_millis(15_500)));
    assert_eq!(read, [first, ("https://ads.example/b.m3u8", None)]);
    let skip = list.skip_control.expect("one");
    assert_eq!((skip.offset, skip.duration, skip.label.as_deref()), (secs(5), Some(secs(20)), Some("skip")));
    let empty = interstitial::asset_list(br#"{"ASSETS":[]}"#, BASE, &Limits::default()).expect("fine");
    assert!(empty.assets.is_empty());
    for bad in
        ["", "[]", "{}", r#"{"assets":[]}"#, r#"{"ASSETS":{}}"#, r#"{"ASSETS":[{"uri":"a"}]}"#, r#"{"ASSETS":[7]}"#]
    {
        assert!(interstitial::asset_list(bad.as_bytes(), BASE, &Limits::default()).is_err(), "{bad}");
    }
    let mut limits = Limits::default();
    limits.descriptors = 1;
    assert!(interstitial::asset_list(body, BASE, &limits).is_err(), "more than the limit");
    limits = Limits::default();
    limits.manifest_bytes = 10;
    assert!(interstitial::asset_list(body, BASE, &limits).is_err(), "larger than the limit");
}

#[test]
fn in04_and_in05_the_title_goes_on_where_it_says_and_the_interstitial_ends_by_its_limit() {
    let asset = ("X-ASSET-URI", "https://ads.example/a.m3u8");
    let plain = hls(&[asset]).expect("fine");
    assert_eq!((plain.resume, plain.limit), (Resume::Played, None));
    let said = hls(&[asset, ("X-RESUME-OFFSET", "-2.5"), ("X-PLAYOUT-LIMIT", "29.9")]).expect("fine");
    assert_eq!(said.resume, Resume::Offset(MediaTime::from_millis(-2500)));
    assert_eq!(said.limit, Some(MediaTime::from_millis(29_900)));
    assert!(hls(&[asset, ("X-PLAYOUT-LIMIT", "-1")]).is_err());
    assert!(hls(&[asset, ("X-RESUME-OFFSET", "soon")]).is_err());
}

#[test]
fn in06_to_in08_snapping_restrictions_and_how_it_looks() {
    let asset = ("X-ASSET-URI", "https://ads.example/a.m3u8");
    let plain = hls(&[asset]).expect("fine");
    assert!(!plain.snap_in && !plain.snap_out && !plain.no_skip && plain.may_vary);
    assert!(!plain.occupies_range && !plain.styled_as_primary);
    assert_eq!(plain.jump, JumpRule::Allowed);
    let all = hls(&[
        asset,
        ("X-SNAP", "OUT,IN"),
        ("X-RESTRICT", "SKIP,JUMP"),
        ("X-CONTENT-MAY-VARY", "NO"),
        ("X-TIMELINE-OCCUPIES", "RANGE"),
        ("X-TIMELINE-STYLE", "PRIMARY"),
    ]);
    let all = all.expect("fine");
    assert!(all.snap_in && all.snap_out && all.no_skip && !all.may_vary);
    assert!(all.occupies_range && all.styled_as_primary);
    assert_eq!(all.jump, JumpRule::PlayLast);
    let unknown = hls(&[asset, ("X-CONTENT-MAY-VARY", "PERHAPS"), ("X-TIMELINE-OCCUPIES", "LINE"), ("X-SNAP", "UP")]);
    assert_eq!(unknown.expect("fine"), plain, "unknown values are as if they were missing");
}

#[test]
fn in14_cues_lead_to_it_before_and_behind_the_title_and_once() {
    let cue = |cue: &str| hls(&[("X-ASSET-URI", "https://ads.example/a.m3u8"), ("CUE", cue)]).expect("fine");
    assert_eq!((cue("PRE").cue, cue("PRE").once), (InterstitialCue::BeforeTitle, false));
    assert_eq!((cue("POST,ONCE").cue, cue("POST,ONCE").once), (InterstitialCue::BehindTitle, true));
    assert_eq!((cue("ONCE").cue, cue("ONCE").once), (InterstitialCue::Start, true));
}

#[test]
fn in15_a_preload_notice_has_a_span_and_says_what_for() {
    let whole = [("X-URI", "ads?1"), ("X-TARGET-ID", "mid"), ("X-TARGET-CLASS", HLS_INTERSTITIAL)];
    let read = notice(&range(HLS_PRELOAD, &whole)).expect("fine");
    assert_eq!((read.start, read.end), (secs(100), secs(130)));
    assert_eq!((read.uri.as_str(), read.target.as_str()), ("https://cdn.example/live/ads?1", "mid"));
    assert!(notice(&range(HLS_PRELOAD, &whole[..1])).is_err());
    assert!(notice(&range(HLS_PRELOAD, &[whole[0], whole[1], ("X-TARGET-CLASS", "com.example.other")])).is_err());
    assert!(notice(&range(HLS_PRELOAD, &[whole[0], whole[1], ("CUE", "PRE")])).is_err());
    let endless = TimedEvent { duration: None, ..range(HLS_PRELOAD, &whole) };
    assert!(notice(&endless).is_err());
}

#[test]
fn d063_alternative_mpds_are_inserted_or_take_the_place_of_a_part() {
    let insert = read(&event(INSERT_SCHEME, "<InsertPresentation url='ad.mpd?a=1&amp;b=2' maxDuration='20000'/>"));
    let insert = insert.expect("fine");
    assert_eq!(insert.assets, AssetSource::Asset("https://cdn.example/live/ad.mpd?a=1&b=2".to_owned()));
    assert_eq!((insert.resume, insert.limit), (Resume::Offset(MediaTime::ZERO), Some(secs(20))));
    let xml = "<dash:ReplacePresentation xmlns:dash='urn:mpeg:dash:schema:mpd:2011' uri='https://ads.example/ad.mpd' \
               returnOffset='30000' earliestResolutionTimeOffset='5000' executeOnce='true' noJump='1' \
               startWithOffset='true' skipAfter='5000'/>";
    let replace = read(&event(REPLACE_SCHEME, xml)).expect("fine");
    assert_eq!(replace.resume, Resume::Offset(secs(30)));
    assert_eq!((replace.resolve_ahead, replace.once, replace.join_midway), (secs(5), true, true));
    assert_eq!((replace.jump, replace.skip_control.map(|skip| skip.offset)), (JumpRule::PlayAll, Some(secs(5))));
    let plain = read(&event(REPLACE_SCHEME, "<ReplacePresentation uri='a'/>")).expect("fine");
    assert_eq!((plain.resume, plain.resolve_ahead, plain.jump), (Resume::Played, secs(60), JumpRule::Allowed));
    for bad in
        ["", "text", "<Other/>", "<InsertPresentation/>", "<InsertPresentation uri='a' maxDuration='x'/>", "<a><b>"]
    {
        assert!(read(&event(INSERT_SCHEME, bad)).is_err(), "{bad}");
    }
    assert_eq!(interstitial::of_event(&event("urn:other", "<InsertPresentation uri='a'/>"), BASE), None);
}
