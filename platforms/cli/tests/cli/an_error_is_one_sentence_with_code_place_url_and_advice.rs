use crate::common::{file_url, folder, telecine_in};

#[test]
fn a_damaged_playlist_names_its_line() {
    let text =
        "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-DEFINE:NAME=\"a\",VALUE=\"b\"\n#EXTINF:4,\n{$undefined}/1.ts\n";
    let folder = folder(&[("a.m3u8", text)]);
    let run = telecine_in(folder.path(), ["inspect", "a.m3u8", "--json"]);
    assert_eq!((run.code, run.stdout.as_str()), (3, ""));
    let url = file_url(&folder, "a.m3u8");
    for part in ["2008 VariableUndefined", "line 5", url.as_str(), "define the variable before its first use"] {
        assert!(run.stderr.contains(part), "{part}: {}", run.stderr);
    }
    assert_eq!(run.stderr.lines().count(), 1);
}

#[test]
fn a_damaged_container_names_its_box() {
    let folder = folder(&[]);
    let whole = std::fs::read(crate::common::data("fragmented.mp4")).unwrap();
    std::fs::write(folder.path().join("cut.mp4"), &whole[..whole.len() - 300]).unwrap();
    let run = telecine_in(folder.path(), ["probe", "cut.mp4", "--json"]);
    assert_eq!((run.code, run.stdout.as_str()), (3, ""));
    for part in ["3003 ContainerTruncated", "at byte", "cut.mp4"] {
        assert!(run.stderr.contains(part), "{part}: {}", run.stderr);
    }
}

#[test]
fn a_wrong_option_is_told_with_what_would_be_right() {
    let folder = folder(&[]);
    let run = telecine_in(folder.path(), ["inspect", "x", "--segmets"]);
    assert_eq!(run.code, 2);
    for part in ["7002 InvalidArgument", "--segmets", "--segments"] {
        assert!(run.stderr.contains(part), "{part}: {}", run.stderr);
    }
    assert_eq!(run.stderr.lines().count(), 1);
}

/// A playlist of one fragmented file, cut into initialisation section and segment, with these tags in front.
fn fragmented(tags: &str) -> tempfile::TempDir {
    let whole = std::fs::read(crate::common::data("fragmented.mp4")).unwrap();
    let at = whole.windows(4).position(|name| name == b"moof").unwrap() - 4;
    let text = format!("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:9\n{tags}#EXTINF:2,\n1.m4s?token=secret\n");
    let folder = folder(&[("main.m3u8", &(text + "#EXT-X-ENDLIST\n"))]);
    std::fs::write(folder.path().join("init.mp4"), &whole[..at]).unwrap();
    std::fs::write(folder.path().join("1.m4s"), &whole[at..]).unwrap();
    folder
}

#[test]
fn a_segment_without_its_initialisation_section_is_named_with_its_rendition() {
    let folder = fragmented("");
    let args = ["play", "main.m3u8", "--clock", "virtual", "--sink", "null", "--json"];
    let run = telecine_in(folder.path(), args);
    assert_eq!(run.code, 3, "{}", run.stderr);
    let last = run.error();
    let (start, rest) = last.split_once(&file_url(&folder, "1.m4s?token=")).unwrap_or_else(|| panic!("{last}"));
    assert!(start.starts_with("3005 InitMissing: ") && !rest.contains("secret"), "{last}");
    let end = " (video 0, segment 0 at 0.000 s); reference the initialisation section in the manifest";
    assert!(rest.ends_with(end), "{last}");
    let facts = &run.json()["error"]["facts"];
    assert_eq!((&facts["kind"], &facts["rendition"], &facts["segment"]), (&"video".into(), &"0".into(), &"0".into()));
    // With it, the same file plays.
    let run = telecine_in(fragmented("#EXT-X-MAP:URI=\"init.mp4\"\n").path(), args);
    assert_eq!((run.code, &run.json()["outcome"]), (0, &"ended".into()), "{}", run.stderr);
}

#[test]
fn a_segment_that_the_network_does_not_give_is_named_with_its_rendition() {
    let origin = crate::common::Origin::start();
    let url = format!("{}/hls/dur_10/statuscode_[{{rsq:*,code:404}}]/demo/main.m3u8?token=secret", origin.url);
    let run = crate::common::telecine(["play", &url, "--clock", "virtual", "--sink", "null"]);
    assert_eq!(run.code, 4, "{}", run.stderr);
    let last = run.error();
    assert!(
        last.starts_with("1007 HttpStatus: ") && last.contains(&format!(" in {}/hls/dur_10/", origin.url)),
        "{last}"
    );
    let (_, within) = last.rsplit_once(" (").unwrap_or_else(|| panic!("{last}"));
    assert!(within.contains(" v") || within.contains(" a"), "{last}");
    assert!(
        within.contains(", segment ") && within.contains("); 404 and 410: check that the object is published"),
        "{last}"
    );
    assert!(last.contains("status 404"), "{last}");
    assert!(!run.stderr.contains("secret") && !run.stdout.contains("secret"), "{}", run.stdout);
}

#[test]
fn facts_that_the_advice_speaks_of_are_in_the_sentence() {
    let origin = crate::common::Origin::start();
    let play = |path: &str, more: &[&str]| {
        let url = format!("{}/{path}", origin.url);
        let run = crate::common::telecine([&["play", &url, "--clock", "virtual", "--sink", "null"], more].concat());
        assert_eq!(run.code, 5, "{}", run.stderr);
        run.error().to_owned()
    };
    // An origin has no licences under this name, and there is nobody on that port.
    let refused = play("dash/prot_cenc/demo/time.mpd", &["--license-url", &format!("{}/a?token=secret", origin.url)]);
    assert!(refused.starts_with("4013 LicenceRefused: ") && refused.contains("status 405"), "{refused}");
    assert!(!refused.contains("secret"), "{refused}");
    let failed = play("dash/prot_cenc/demo/time.mpd", &["--license-url", "http://127.0.0.1:1/a?token=secret"]);
    assert!(failed.starts_with("4012 LicenceFailed: ") && failed.contains("cause ConnectFailed"), "{failed}");
    assert!(failed.contains("attempts ") && !failed.contains("secret"), "{failed}");
}

#[test]
fn a_key_system_that_is_refused_is_named_with_the_reason() {
    let mpd = "<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" profiles=\"urn:mpeg:dash:profile:isoff-on-demand:2011\" \
        type=\"static\" mediaPresentationDuration=\"PT4S\" minBufferTime=\"PT2S\"><Period>\
        <AdaptationSet contentType=\"video\" mimeType=\"video/mp4\" codecs=\"avc1.64001f\">\
        <ContentProtection schemeIdUri=\"urn:mpeg:dash:mp4protection:2011\" value=\"cenc\"/>\
        <ContentProtection schemeIdUri=\"urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed\"/>\
        <SegmentTemplate media=\"$Number$.m4s\" initialization=\"i.mp4\" duration=\"2\"/>\
        <Representation id=\"v\" bandwidth=\"1\" width=\"2\" height=\"2\"/></AdaptationSet></Period></MPD>";
    let folder = folder(&[("main.mpd", mpd)]);
    let args = ["play", "main.mpd", "--clock", "virtual", "--sink", "null", "--json"];
    let run = telecine_in(folder.path(), args);
    assert!(run.code == 5 && run.error().starts_with("4011 KeySystemUnavailable: "), "{}", run.stderr);
    // What this command can use is ClearKey, and why that is none is said in the sentence as in the report.
    let reason = run.json()["error"]["facts"]["ClearKey"].as_str().map(str::to_owned).expect("a reason");
    assert!(run.error().contains(&format!("(ClearKey: {reason}); ")), "{}", run.stderr);
}

#[test]
fn what_ends_the_whole_title_is_told_with_the_urls_of_it() {
    let folder = folder(&[("live.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n1.ts\n")]);
    let run = telecine_in(folder.path(), ["play", "live.m3u8", "--clock", "virtual", "--sink", "null"]);
    let last = run.error();
    assert!(last.contains(&format!(" in {};", file_url(&folder, "live.m3u8"))), "{last}");
}

#[test]
fn what_is_no_media_is_named_by_what_it_is() {
    let folder = folder(&[
        ("empty.mp4", ""),
        ("text.mp4", "this is not a container of any kind"),
        ("page.mp4", "<!doctype html><html>Not found</html>"),
    ]);
    let picture = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10\0\0\0\x10\x08\x02\0\0\0";
    std::fs::write(folder.path().join("picture.png"), picture).unwrap();
    // Neither sound nor a sync byte can be found in these by chance.
    let noise: Vec<u8> = (0_u32..4000).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8 & 0x3f | 0x80).collect();
    std::fs::write(folder.path().join("noise.bin"), noise).unwrap();
    for (file, code, said) in [
        ("empty.mp4", "3001 ContainerUnknown: it is empty", "in empty.mp4"),
        ("text.mp4", "3001 ContainerUnknown: ", "a text: 'this is not a contai' in text.mp4"),
        ("page.mp4", "3001 ContainerUnknown: ", "HTML or XML in page.mp4"),
        ("picture.png", "3001 ContainerUnknown: ", "a PNG picture in picture.png"),
        ("noise.bin", "3001 ContainerUnknown: ", "nothing that is known"),
    ] {
        let run = telecine_in(folder.path(), ["probe", file]);
        assert!(run.stderr.starts_with(code) && run.stderr.contains(said), "{file}: {}", run.stderr);
        assert_eq!((run.code, run.stderr.lines().count()), (3, 1), "{file}");
    }
}

#[test]
fn a_damaged_initialisation_section_is_named_and_not_the_segment() {
    let folder = fragmented("");
    let init = std::fs::read(folder.path().join("init.mp4")).unwrap();
    std::fs::write(folder.path().join("cut.mp4"), &init[..init.len() - 9]).unwrap();
    let run = telecine_in(folder.path(), ["probe", "1.m4s", "--init", "cut.mp4"]);
    assert!(
        run.stderr.starts_with("3003 ContainerTruncated: ") && run.stderr.contains(" in cut.mp4;"),
        "{}",
        run.stderr
    );
}
