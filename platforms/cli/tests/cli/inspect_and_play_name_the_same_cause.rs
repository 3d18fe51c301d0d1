//! Whoever looks at a manifest and whoever plays it are told the same of what is wrong with it.

use crate::common::{answer, folder, telecine, telecine_in, Run, Server};

/// `play` in virtual time, so that its retries take no time.
fn play(url: &str) -> Run {
    telecine(["play", url, "--clock", "virtual", "--sink", "null"])
}

/// What was said, without how often it was tried: that is a matter of playing alone.
fn said_once(run: &Run) -> String {
    let Some((before, rest)) = run.stderr.split_once("attempt ") else { return run.stderr.clone() };
    let behind = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    match (before.strip_suffix(" ("), behind.strip_prefix(')')) {
        (Some(before), Some(behind)) => format!("{before}{behind}"),
        _ => format!("{before}{}", behind.trim_start_matches(", ")),
    }
}

const PLAYLIST: &str = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\na.ts\n#EXT-X-ENDLIST\n";

#[test]
fn every_answer_of_a_server_has_one_name_and_one_exit_code() {
    let whole = PLAYLIST.len();
    let s3 = |code: &str| format!("<Error><Code>{code}</Code></Error>");
    let with_body = |head: &str, body: &str| answer(head, body.len(), body);
    let server = Server::start(vec![
        ("/401.m3u8", with_body("401 Unauthorized", "")),
        ("/403.m3u8", with_body("403 Forbidden", "")),
        ("/expired.m3u8", with_body("403 Forbidden", &s3("ExpiredToken"))),
        ("/archived.m3u8", with_body("403 Forbidden", &s3("InvalidObjectState"))),
        ("/country.m3u8", with_body("403 Forbidden", "configured to block access from your country")),
        ("/429.m3u8", with_body("429 Too Many Requests\r\nRetry-After: 1", "")),
        ("/451.m3u8", with_body("451 Unavailable For Legal Reasons", "")),
        ("/503.m3u8", with_body("503 Service Unavailable\r\nRetry-After: 2", "")),
        ("/loop.m3u8", with_body("302 Found\r\nLocation: /loop.m3u8", "")),
        ("/short.m3u8", answer("200 OK", whole + 10, PLAYLIST)),
        ("/long.m3u8", answer("200 OK", 5, PLAYLIST)),
        ("/page.m3u8", with_body("200 OK", "<!doctype html><html>Sign in</html>")),
        ("/empty.m3u8", with_body("200 OK", "")),
        ("/moved.m3u8", with_body("302 Found\r\nLocation: /page.m3u8", "")),
        ("/broken.mpd", with_body("200 OK", "<MPD><Period></MPD>")),
    ]);
    for (path, name, code) in [
        ("401.m3u8", "6001 NotEntitled", 4),
        ("403.m3u8", "1007 HttpStatus", 4),
        ("expired.m3u8", "6001 NotEntitled", 4),
        ("archived.m3u8", "1013 ObjectArchived", 4),
        ("country.m3u8", "6002 GeoBlocked", 4),
        ("404.m3u8", "1007 HttpStatus", 4),
        ("429.m3u8", "1014 Throttled", 4),
        ("451.m3u8", "6002 GeoBlocked", 4),
        ("503.m3u8", "1007 HttpStatus", 4),
        ("loop.m3u8", "1008 TooManyRedirects", 4),
        ("short.m3u8", "1006 BodyLengthMismatch", 4),
        ("long.m3u8", "2001 NotAManifest", 3),
        ("page.m3u8", "2001 NotAManifest", 3),
        ("empty.m3u8", "2001 NotAManifest", 3),
        ("moved.m3u8", "2001 NotAManifest", 3),
        ("broken.mpd", "2002 ManifestSyntax", 3),
    ] {
        let url = format!("{}/{path}", server.url);
        let (inspected, played) = (telecine(["inspect", &url]), play(&url));
        assert!(inspected.stderr.starts_with(name), "{path}: {}", inspected.stderr);
        assert_eq!(inspected.stderr, said_once(&played), "{path}");
        assert_eq!((inspected.code, played.code), (code, code), "{path}");
        let answered = if path == "moved.m3u8" { url.replace("moved", "page") } else { url };
        let (_, behind) = inspected.stderr.split_once(&format!(" in {answered}")).expect("it is named");
        assert!(behind.starts_with([';', ' ']), "{path}: {}", inspected.stderr);
    }
}

#[test]
fn nobody_listens_and_a_child_that_is_not_there_are_told_alike() {
    let folder = folder(&[("main.m3u8", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\ngone.m3u8\n")]);
    let gone = folder.path().join("main.m3u8").display().to_string();
    for (source, name) in
        [("http://127.0.0.1:1/main.m3u8", "1002 ConnectFailed"), (gone.as_str(), "1012 SourceUnreadable")]
    {
        let inspected = telecine_in(folder.path(), ["inspect", source]);
        let played = telecine_in(folder.path(), ["play", source, "--clock", "virtual", "--sink", "null"]);
        assert!(inspected.stderr.starts_with(name), "{source}: {}", inspected.stderr);
        assert_eq!(inspected.stderr, said_once(&played), "{source}");
        assert_eq!((inspected.code, played.code), (4, 4), "{source}");
    }
}

#[test]
fn what_is_wrong_with_the_text_is_told_alike() {
    let period = "<Period><AdaptationSet mimeType=\"video/mp4\"><SegmentTemplate media=\"$Number$\" duration=\"2\"/>\
                  <Representation id=\"v\" bandwidth=\"1\"/></AdaptationSet></Period>";
    let utf16: Vec<u8> = format!("\u{FEFF}<MPD>{period}</MPD>").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let linked = |to: &str| {
        format!(
            "<MPD xmlns:xlink=\"http://www.w3.org/1999/xlink\" mediaPresentationDuration=\"PT9S\">\
             <Period xlink:href=\"{to}\" xlink:actuate=\"onLoad\"/></MPD>"
        )
    };
    let folder = folder(&[
        (
            "bomb.mpd",
            &format!("<!DOCTYPE a [<!ENTITY a \"b\"><!ENTITY c \"&a;&a;\">]><MPD><BaseURL>&c;</BaseURL>{period}</MPD>"),
        ),
        ("ever.mpd", &format!("<MPD mediaPresentationDuration=\"PT9223372036854775808S\">{period}</MPD>")),
        ("self.mpd", &linked("self.mpd")),
        ("round.mpd", &linked("round.xml")),
        ("round.xml", "<Period xmlns:xlink=\"http://www.w3.org/1999/xlink\" xlink:href=\"round.xml\"/>"),
        ("gone.mpd", &linked("gone.xml")),
        ("ever.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:9223372036,\na.ts\n#EXT-X-ENDLIST\n"),
    ]);
    std::fs::write(folder.path().join("wide.mpd"), utf16).unwrap();
    for (name, said) in [
        ("bomb.mpd", vec!["2002 ManifestSyntax", "document type declaration", "MPD/BaseURL[1]"]),
        ("wide.mpd", vec!["2007 ManifestEncoding", "UTF-16"]),
        ("ever.mpd", vec!["2009 NothingPlayable", "D001 at MPD", "9223372036854775808"]),
        (
            "self.mpd",
            vec!["2009 NothingPlayable", "D070 at MPD/Period[1]", "self.mpd was dropped", "<MPD> instead of <Period>"],
        ),
        ("round.mpd", vec!["2009 NothingPlayable", "D070 at MPD", "5 times over", "round.xml"]),
        ("gone.mpd", vec!["2009 NothingPlayable", "D070 at MPD/Period[1]", "gone.xml was dropped"]),
        ("ever.m3u8", vec!["2006 ManifestLimit", "too long", "line 3"]),
    ] {
        let inspected = telecine_in(folder.path(), ["inspect", name]);
        let played = telecine_in(folder.path(), ["play", name, "--clock", "virtual", "--sink", "null"]);
        assert_eq!(inspected.stderr, played.stderr, "{name}");
        assert_eq!((inspected.code, played.code), (3, 3), "{name}");
        for part in said.into_iter().chain([name]) {
            assert!(inspected.stderr.contains(part), "{name}: {part}: {}", inspected.stderr);
        }
    }
}
