//! Sets as tracks, representations as renditions (D064–D067, D091–D100, D103, D104).

use crate::support::*;

use telecine_model::{DeclaredQuality, ErrorCode, Period, Segments, Track, TrackKind};

fn period(content: &str) -> Period {
    read(&static_mpd(content)).periods.remove(0)
}

/// A set of the given attributes, content and one representation.
fn set(attributes: &str, content: &str) -> String {
    format!(
        "<AdaptationSet {attributes}>{content}<SegmentTemplate media='s' duration='2'/>\
         <Representation id='r' bandwidth='1'/></AdaptationSet>"
    )
}

fn one(attributes: &str, content: &str) -> Track {
    period(&set(attributes, content)).tracks.remove(0)
}

fn role(value: &str) -> String {
    format!("<Role schemeIdUri='urn:mpeg:dash:role:2011' value='{value}'/>")
}

#[test]
fn the_kind_of_a_set_comes_from_content_type_mime_type_or_codecs() {
    for (attributes, kind) in [
        ("contentType='video'", TrackKind::Video),
        ("mimeType='audio/mp4'", TrackKind::Audio),
        ("mimeType='text/vtt'", TrackKind::Text),
        ("mimeType='application/ttml+xml'", TrackKind::Text),
        ("mimeType='application/mp4' codecs='stpp'", TrackKind::Text),
        ("mimeType='application/mp4' codecs='wvtt'", TrackKind::Text),
        ("mimeType='image/jpeg'", TrackKind::Image),
        ("mimeType='video/mp4' codecs='mp4a.40.2'", TrackKind::Audio),
        ("mimeType='video/mp2t' codecs='mp4a.40.2,avc1.64001f'", TrackKind::Video),
        ("mimeType='application/mp4' codecs='xxxx'", TrackKind::Metadata),
    ] {
        assert_eq!(one(attributes, "").kind, kind, "{attributes}");
    }
    let components = "<ContentComponent contentType='audio' lang='de'/><ContentComponent contentType='video'/>";
    let multiplexed = one("", components);
    assert_eq!(multiplexed.kind, TrackKind::Video);
    assert_eq!(multiplexed.language.expect("language").as_str(), "de");
}

#[test]
fn common_attributes_inherit_from_the_set() {
    let text = static_mpd(
        "<AdaptationSet mimeType='video/mp4' codecs='avc1.64001f' width='640' height='360' frameRate='30000/1001' startWithSAP='1'>\
         <SegmentTemplate media='s' duration='2'/><Representation id='a' bandwidth='1'/>\
         <Representation id='b' bandwidth='2' codecs='hvc1.1.6.L93.B0' width='1280' height='720' frameRate='60' startWithSAP='3' qualityRanking='1' dependencyId='a'/></AdaptationSet>",
    );
    let presentation = read(&text);
    let (a, b) = (&track(&presentation).renditions[0], &track(&presentation).renditions[1]);
    assert_eq!((a.width, a.height, a.frame_rate), (Some(640), Some(360), Some((30_000, 1001))));
    assert_eq!((b.width, b.height, b.frame_rate), (Some(1280), Some(720), Some((60, 1))));
    assert_eq!((a.codecs[0].as_str(), b.codecs[0].as_str()), ("avc1.64001f", "hvc1.1.6.L93.B0"));
    assert_eq!(a.mime_type.as_deref(), Some("video/mp4"));
    // D104: segments begin with a key frame for stream access points 1 and 2.
    assert!(a.independent_segments && !b.independent_segments);
    assert_eq!((a.quality, b.quality), (None, Some(DeclaredQuality::Ranking(1))));
    assert_eq!(b.depends_on, ["a"]);
}

#[test]
fn audio_has_a_sampling_rate_and_channels() {
    let track = one(
        "mimeType='audio/mp4' audioSamplingRate='44100 48000' lang='pt-BR'",
        "<AudioChannelConfiguration schemeIdUri='urn:mpeg:dash:23003:3:audio_channel_configuration:2011' value='6'/>",
    );
    assert_eq!((track.channels, track.renditions[0].channels), (Some(6), Some(6)));
    assert_eq!(track.renditions[0].sample_rate, Some(48_000));
    assert_eq!(track.language.expect("language").as_str(), "pt-BR");
}

#[test]
fn d042_tracks_without_an_id_are_named_and_ids_differ() {
    let text = static_mpd(
        &[
            set("mimeType='audio/mp4' lang='en'", ""),
            set("mimeType='audio/mp4' lang='en'", ""),
            set("mimeType='video/mp4' id='1'", ""),
            set("mimeType='video/mp4' id='1'", ""),
        ]
        .concat(),
    );
    let presentation = read(&text);
    let ids: Vec<&str> = presentation.periods[0].tracks.iter().map(|track| track.id.as_str()).collect();
    assert_eq!(ids, ["audio-en", "audio-en-2", "1", "1-2"]);
    let named_later = [set("mimeType='video/mp4'", ""), set("mimeType='video/mp4' id='video'", "")].concat();
    let ids: Vec<String> = period(&named_later).tracks.into_iter().map(|track| track.id).collect();
    assert_eq!(ids, ["video-2", "video"], "what the MPD says goes first");
    assert_eq!(warned(&presentation), ["D042"]);
}

#[test]
fn d042_what_a_representation_must_have_is_made_up_with_a_warning() {
    let presentation = read(&with_set("<SegmentTemplate media='s' duration='2'/><Representation/>"));
    assert_eq!((rendition(&presentation).id.as_str(), rendition(&presentation).bandwidth), ("video-1", 0));
    assert_eq!(warned(&presentation), ["D042", "D042"]);
}

#[test]
fn d064_d065_a_period_names_the_periods_that_it_continues() {
    let found = period(&set(
        "mimeType='video/mp4'",
        "<SupplementalProperty schemeIdUri='urn:mpeg:dash:period-continuity:2015' value='p1'/>\
         <SupplementalProperty schemeIdUri='urn:mpeg:dash:period-connectivity:2015' value='p0'/>",
    ));
    assert_eq!(found.continues, ["p1", "p0"]);
}

#[test]
fn d067_the_asset_of_a_period_is_kept() {
    let found = period(&format!("<AssetIdentifier schemeIdUri='urn:x' value='film-1'/>{SET}"));
    let asset = found.asset_identifier.expect("asset");
    assert_eq!((asset.scheme.as_str(), asset.value.as_deref()), ("urn:x", Some("film-1")));
}

const UNKNOWN: &str = "<EssentialProperty schemeIdUri='urn:x:unknown' value='1'/>";

#[test]
fn d091_an_unknown_essential_property_removes_the_element_that_holds_it() {
    let good = set("mimeType='audio/mp4' id='good'", "");
    let in_set = read(&static_mpd(&(set("mimeType='video/mp4'", UNKNOWN) + &good)));
    assert_eq!(track(&in_set).id, "good");
    assert_eq!(in_set.warnings[0].rule, "D091");
    assert_eq!(in_set.warnings[0].place.to_string(), "MPD/Period[1]/AdaptationSet[1]");
    let in_representation = read(&with_set(&format!(
        "<SegmentTemplate media='s' duration='2'/><Representation id='a' bandwidth='1'>{UNKNOWN}</Representation><Representation id='b' bandwidth='1'/>"
    )));
    assert_eq!(rendition(&in_representation).id, "b");
    let in_period = read(&mpd(
        "",
        &format!("<Period duration='PT2S'>{UNKNOWN}{SET}</Period><Period id='b' duration='PT2S'>{SET}</Period>"),
    ));
    assert_eq!((in_period.periods.len(), in_period.periods[0].id.as_str()), (1, "b"));
    assert_eq!(in_period.periods[0].start, ms(2000), "time passes all the same");
    let in_mpd = try_parse(&mpd("mediaPresentationDuration='PT2S'", &format!("{UNKNOWN}<Period>{SET}</Period>")));
    assert_eq!(in_mpd.expect_err("unusable").code(), ErrorCode::EssentialUnknown);
}

#[test]
fn d091_of_essential_properties_with_one_id_a_known_one_suffices() {
    let pair = "<EssentialProperty id='1' schemeIdUri='urn:x:unknown'/>\
                <EssentialProperty id='1' schemeIdUri='urn:mpeg:mpegB:cicp:ColourPrimaries' value='1'/>";
    assert_eq!(one("mimeType='video/mp4'", pair).kind, TrackKind::Video);
    let strangers = pair.replacen("id='1'", "id='2'", 1);
    assert!(try_parse(&static_mpd(&set("mimeType='video/mp4'", &strangers))).is_err());
}

#[test]
fn d092_an_unknown_supplemental_property_is_kept_and_changes_nothing() {
    let track = one("mimeType='video/mp4'", "<SupplementalProperty schemeIdUri='urn:x' value='y' id='z'/>");
    assert_eq!(track.properties[0].scheme, "urn:x");
    assert_eq!(track.properties[0].value.as_deref(), Some("y"));
}

#[test]
fn d093_roles_and_the_default_of_each_kind() {
    let found = period(
        &[
            set("mimeType='audio/mp4' id='1'", &role("dub")),
            set("mimeType='audio/mp4' id='2'", &(role("main") + &role("commentary"))),
            set("mimeType='video/mp4' id='3'", ""),
            set("mimeType='video/mp4' id='4'", ""),
            set("mimeType='text/vtt' id='5'", &role("subtitle")),
            set("mimeType='text/vtt' id='6'", &role("forced-subtitle")),
            set("mimeType='text/vtt' id='7'", "<Role schemeIdUri='urn:other' value='main'/>"),
        ]
        .concat(),
    );
    let defaults: Vec<&str> = found.tracks.iter().filter(|t| t.default).map(|t| t.id.as_str()).collect();
    assert_eq!(defaults, ["2", "3"], "text is not shown unless it is called main");
    assert_eq!(found.tracks[1].roles, ["main", "commentary"]);
    assert!(found.tracks[5].forced && !found.tracks[4].forced);
    assert!(found.tracks[6].roles.is_empty());
}

#[test]
fn d094_accessibility_is_kept_and_its_roles_count() {
    let track = one(
        "mimeType='audio/mp4'",
        "<Accessibility schemeIdUri='urn:tva:metadata:cs:AudioPurposeCS:2007' value='1'/>\
         <Accessibility schemeIdUri='urn:mpeg:dash:role:2011' value='description'/>",
    );
    assert_eq!(track.accessibility.len(), 2);
    assert_eq!(track.roles, ["description"]);
}

#[test]
fn d094_captions_in_the_picture_are_text_tracks_of_their_own() {
    let found = period(&set(
        "mimeType='video/mp4' id='v'",
        "<Accessibility schemeIdUri='urn:scte:dash:cc:cea-608:2015' value='CC1=eng;CC3=swe'/>\
         <Accessibility schemeIdUri='urn:scte:dash:cc:cea-708:2015' value='1=lang:eng;2=lang:deu,war:1'/>",
    ));
    let captions: Vec<(&str, &str, &str)> = found.tracks[1..]
        .iter()
        .map(|t| {
            let language = t.language.as_ref().map_or("", |language| language.as_str());
            (t.id.as_str(), t.in_stream_id.as_deref().unwrap_or(""), language)
        })
        .collect();
    assert_eq!(captions.len(), 4);
    assert_eq!((captions[0].0, captions[0].1), ("v-CC1", "CC1"));
    assert_eq!((captions[1].1, captions[2].1, captions[3].1), ("CC3", "SERVICE1", "SERVICE2"));
    assert!(found.tracks[1..].iter().all(|t| t.kind == TrackKind::Text && t.renditions.is_empty()));
    let bare = period(&set(
        "mimeType='video/mp4'",
        "<Accessibility schemeIdUri='urn:scte:dash:cc:cea-608:2015' value='eng;deu'/>",
    ));
    assert_eq!(bare.tracks[2].in_stream_id.as_deref(), Some("CC3"));
}

#[test]
fn d095_labels_with_their_languages() {
    let track =
        one("mimeType='audio/mp4'", "<Label>Commentary</Label><Label id='1' lang='de'>Kommentar &amp; mehr</Label>");
    assert_eq!(track.name.as_deref(), Some("Commentary"));
    assert_eq!(track.labels, [(None, "Commentary".to_owned()), (Some("de".to_owned()), "Kommentar & mehr".to_owned())]);
}

#[test]
fn d096_selection_priority_preselections_and_subsets() {
    let found = period(&format!(
        "<Preselection id='p' preselectionComponents='2 1' lang='en' codecs='mhm1' selectionPriority='5'>\
         <Label>Dialogue+</Label><Role schemeIdUri='urn:mpeg:dash:role:2011' value='main'/></Preselection>\
         <Preselection id='q' preselectionComponents='1'>{UNKNOWN}</Preselection>\
         <Subset contains='1 2'/>{}{}",
        set("mimeType='audio/mp4' id='1' selectionPriority='2'", ""),
        set("mimeType='audio/mp4' id='2' selectionPriority='9'", "")
    ));
    assert_eq!(found.preselections.len(), 1);
    let preselection = &found.preselections[0];
    assert_eq!(preselection.components, ["2", "1"], "the main one first");
    assert_eq!((preselection.label.as_deref(), preselection.selection_priority), (Some("Dialogue+"), 5));
    assert_eq!(preselection.roles, ["main"]);
    assert_eq!(found.subsets, [["1", "2"]]);
    assert_eq!(found.tracks[1].selection_priority, 9);
    assert!(found.tracks[1].default && !found.tracks[0].default);
}

#[test]
fn d097_sets_that_may_be_switched_across() {
    let track = one(
        "mimeType='video/mp4' id='1'",
        "<SupplementalProperty schemeIdUri='urn:mpeg:dash:adaptation-set-switching:2016' value='2,3'/>",
    );
    assert_eq!(track.switchable_with, ["2", "3"]);
}

#[test]
fn d098_a_trick_mode_set_names_the_set_that_it_accompanies() {
    let found = period(
        &(set(
            "mimeType='video/mp4' id='t' maxPlayoutRate='16' codingDependency='false'",
            "<EssentialProperty schemeIdUri='http://dashif.org/guidelines/trickmode' value='v'/>",
        ) + &set("mimeType='video/mp4' id='v'", "")),
    );
    let trick = &found.tracks[0];
    assert_eq!(trick.trick_mode_for, ["v"]);
    assert!(!trick.default && !trick.autoselect && trick.renditions[0].key_frames_only);
    assert_eq!(trick.renditions[0].max_playout_rate_milli, Some(16_000));
    assert!(found.tracks[1].default && !found.tracks[1].renditions[0].key_frames_only);
}

#[test]
fn d099_thumbnails_are_a_grid_in_one_segment() {
    for scheme in ["http://dashif.org/thumbnail_tile", "http://dashif.org/guidelines/thumbnail_tile"] {
        let text = static_mpd(&format!(
            "<AdaptationSet mimeType='image/jpeg'><SegmentTemplate media='$Number$.jpg' duration='10'/>\
             <Representation id='t' bandwidth='1' width='1600' height='900'>\
             <EssentialProperty schemeIdUri='{scheme}' value='10x5'/></Representation></AdaptationSet>"
        ));
        let presentation = read(&text);
        assert_eq!((track(&presentation).kind, track(&presentation).tiles), (TrackKind::Image, Some((10, 5))));
        assert_eq!(names(&presentation), ["1.jpg", "2.jpg"]);
    }
}

#[test]
fn d100_the_offset_of_a_text_file_on_its_own_is_ignored() {
    let text = static_mpd(
        "<AdaptationSet mimeType='text/vtt'><Representation id='t' bandwidth='1'><BaseURL>t.vtt</BaseURL>\
         <SegmentBase presentationTimeOffset='5'/></Representation></AdaptationSet>",
    );
    let presentation = read(&text);
    let Segments::Indexed(source) = &rendition(&presentation).segments else { panic!("one resource") };
    assert_eq!(source.presentation_offset, 0);
}

#[test]
fn d103_video_range_and_supplemental_codecs() {
    let transfer = |values: &[&str]| -> Option<String> {
        let properties: String = values
            .iter()
            .map(|v| {
                format!("<SupplementalProperty schemeIdUri='urn:mpeg:mpegB:cicp:TransferCharacteristics' value='{v}'/>")
            })
            .collect();
        one("mimeType='video/mp4'", &properties).renditions[0].video_range.clone()
    };
    assert_eq!(transfer(&["16"]).as_deref(), Some("PQ"));
    assert_eq!(transfer(&["14", "18"]).as_deref(), Some("HLG"), "enhanced over base");
    assert_eq!(transfer(&["1"]).as_deref(), Some("SDR"));
    assert_eq!(transfer(&[]), None);
    let supplemental = one(
        "mimeType='video/mp4' xmlns:scte214='urn:scte:dash:scte214-extensions' scte214:supplementalCodecs='dvh1.08.07'",
        "",
    );
    assert_eq!(supplemental.renditions[0].supplemental_codecs.as_deref(), Some("dvh1.08.07"));
}

#[test]
fn d104_alignment_and_bitstream_switching_are_kept() {
    let track = one("mimeType='video/mp4' segmentAlignment='true' bitstreamSwitching='true'", "");
    assert!(track.segment_alignment && track.bitstream_switching);
    let counted = one("mimeType='video/mp4' subsegmentAlignment='1' segmentAlignment='false'", "");
    assert!(counted.segment_alignment && !counted.bitstream_switching);
}
