//! `ContentProtection` (D087–D090).

use crate::support::*;

use telecine_model::protection::Protection;

const NAMESPACES: &str = "xmlns:cenc='urn:mpeg:cenc:2013' xmlns:mspr='urn:microsoft:playready' \
    xmlns:dashif='https://dashif.org/CPS' xmlns:ck='http://dashif.org/guidelines/clearKey' mediaPresentationDuration='PT2S'";
const COMMON: &str = "<ContentProtection schemeIdUri='urn:mpeg:dash:mp4protection:2011' value='cbcs' \
    cenc:default_KID='00112233-4455-6677-8899-AABBCCDDEEFF'/>";
const WIDEVINE: &str = "edef8ba9-79d6-4ace-a3c8-27dcd51d21ed";
const PLAYREADY: &str = "9a04f079-9840-4286-ab92-e65be0885f95";

fn protection(set: &str, representation: &str) -> Vec<Protection> {
    let text = mpd(
        NAMESPACES,
        &format!(
            "<Period><AdaptationSet mimeType='video/mp4'>{set}<SegmentTemplate media='s' duration='2'/>\
             <Representation id='v' bandwidth='1'>{representation}</Representation></AdaptationSet></Period>"
        ),
    );
    rendition(&read(&text)).protection.clone()
}

#[test]
fn d087_one_entry_for_each_system_with_the_common_scheme_and_key() {
    let found = protection(
        &format!(
            "{COMMON}<ContentProtection schemeIdUri='urn:uuid:EDEF8BA9-79D6-4ACE-A3C8-27DCD51D21ED' robustness='HW_SECURE_ALL'>\
             <cenc:pssh>\n AAAA\n BBBB </cenc:pssh></ContentProtection>\
             <ContentProtection schemeIdUri='urn:uuid:{PLAYREADY}'><mspr:pro>CCCC</mspr:pro></ContentProtection>"
        ),
        "",
    );
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].system.as_deref(), found[0].scheme.as_str()), (Some(WIDEVINE), "cbcs"));
    assert_eq!(found[0].pssh.as_deref(), Some("AAAABBBB"));
    assert_eq!(found[0].robustness.as_deref(), Some("HW_SECURE_ALL"));
    assert_eq!((found[1].system.as_deref(), found[1].pro.as_deref()), (Some(PLAYREADY), Some("CCCC")));
    let kid = found[1].default_kid.expect("key id").to_string();
    assert_eq!(kid, "00112233445566778899aabbccddeeff");
}

#[test]
fn d087_the_common_descriptor_alone_says_that_there_is_protection() {
    let found = protection(COMMON, "");
    assert_eq!((found.len(), found[0].system.as_deref(), found[0].scheme.as_str()), (1, None, "cbcs"));
    assert!(found[0].default_kid.is_some());
    assert!(protection("", "").is_empty());
}

#[test]
fn d087_a_key_id_that_is_none_is_reported() {
    let text = mpd(
        NAMESPACES,
        &format!("<Period>{}</Period>", SET.replace("<SegmentTemplate", "<ContentProtection schemeIdUri='urn:mpeg:dash:mp4protection:2011' cenc:default_KID='xyz'/><SegmentTemplate")),
    );
    assert_eq!(warned(&read(&text)), ["D087"]);
}

#[test]
fn d088_the_representations_own_descriptor_completes_that_of_its_set() {
    let system =
        |content: &str| format!("<ContentProtection schemeIdUri='urn:uuid:{WIDEVINE}'>{content}</ContentProtection>");
    let found = protection(
        &format!("{COMMON}{}", system("<cenc:pssh>SET</cenc:pssh><dashif:Laurl>https://l/set</dashif:Laurl>")),
        &system("<cenc:pssh>OWN</cenc:pssh>"),
    );
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].pssh.as_deref(), found[0].uri.as_deref()), (Some("OWN"), Some("https://l/set")));
}

#[test]
fn d088_a_descriptor_may_refer_to_another_one_anywhere_in_the_mpd() {
    let text = mpd(
        NAMESPACES,
        &format!(
            "<ContentProtection refId='wv' schemeIdUri='urn:uuid:{WIDEVINE}'><cenc:pssh>PPPP</cenc:pssh></ContentProtection>\
             <Period><AdaptationSet mimeType='video/mp4'>{COMMON}<ContentProtection ref='wv' schemeIdUri='urn:uuid:{WIDEVINE}'/>\
             <ContentProtection ref='later'/><ContentProtection ref='nowhere' schemeIdUri='urn:uuid:x'/>\
             <SegmentTemplate media='s' duration='2'/><Representation id='v' bandwidth='1'/></AdaptationSet>\
             <AdaptationSet mimeType='audio/mp4'><ContentProtection refId='later' schemeIdUri='urn:uuid:{PLAYREADY}'><mspr:pro>Q</mspr:pro></ContentProtection>\
             <SegmentTemplate media='s' duration='2'/><Representation id='a' bandwidth='1'/></AdaptationSet></Period>"
        ),
    );
    let presentation = read(&text);
    let found = &rendition(&presentation).protection;
    assert_eq!(found[0].pssh.as_deref(), Some("PPPP"));
    assert_eq!((found[1].system.as_deref(), found[1].pro.as_deref()), (Some(PLAYREADY), Some("Q")));
    assert_eq!(found[2].pssh, None);
}

#[test]
fn d089_licence_authorisation_and_certificate_urls_are_absolute() {
    let found = protection(
        &format!(
            "{COMMON}<ContentProtection schemeIdUri='urn:uuid:e2719d58-a985-b3c9-781a-b030af78d30e'>\
             <ck:Laurl Lic_type='EME-1.0'>/license?a=1&amp;b=2</ck:Laurl></ContentProtection>\
             <ContentProtection schemeIdUri='urn:uuid:{WIDEVINE}'><dashif:Authzurl>https://z/</dashif:Authzurl><dashif:Certurl>c.der</dashif:Certurl></ContentProtection>"
        ),
        "",
    );
    assert_eq!(found[0].uri.as_deref(), Some("https://cdn.example/license?a=1&b=2"));
    assert_eq!(found[1].authorization_uri.as_deref(), Some("https://z/"));
    assert_eq!(found[1].certificate_uri.as_deref(), Some("https://cdn.example/title/c.der"));
}

#[test]
fn d090_each_period_has_its_own_keys() {
    let period = |kid: &str| {
        format!(
            "<Period duration='PT2S'>{}</Period>",
            SET.replace("<SegmentTemplate", &format!("<ContentProtection schemeIdUri='urn:mpeg:dash:mp4protection:2011' value='cenc' cenc:default_KID='{kid}'/><SegmentTemplate"))
        )
    };
    let text = mpd(NAMESPACES, &(period(&"1".repeat(32)) + &period(&"2".repeat(32))));
    let kids: Vec<String> = read(&text)
        .periods
        .iter()
        .filter_map(|p| p.tracks[0].renditions[0].protection[0].default_kid)
        .map(|kid| kid.to_string())
        .collect();
    assert_eq!(kids, ["1".repeat(32), "2".repeat(32)]);
}

#[test]
fn prefixes_are_what_they_are_declared_to_be() {
    let text = mpd(
        "mediaPresentationDuration='PT2S' xmlns:x='urn:mpeg:cenc:2013'",
        &format!(
            "<Period>{}</Period>",
            SET.replace(
                "<SegmentTemplate",
                "<ContentProtection schemeIdUri='urn:uuid:1' x:default_KID='11111111111111111111111111111111' xmlns:cenc='urn:other'>\
                 <cenc:pssh>NO</cenc:pssh><x:pssh>YES</x:pssh></ContentProtection><SegmentTemplate"
            )
        ),
    );
    let presentation = read(&text);
    let found = &rendition(&presentation).protection[0];
    assert_eq!(found.pssh.as_deref(), Some("YES"));
    assert!(found.default_kid.is_some());
}
