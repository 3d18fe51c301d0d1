use crate::common::{file_url, folder, telecine_in};

/// A title of one picture whose playlist never says that it ends.
fn title() -> tempfile::TempDir {
    let media = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:9\n#EXT-X-PLAYLIST-TYPE:VOD\n\
                 #EXT-X-MAP:URI=\"f.mp4\"\n#EXTINF:2,\nf.mp4\n";
    let main = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=100000\nv.m3u8\n";
    let folder = folder(&[("v.m3u8", media), ("main.m3u8", main)]);
    std::fs::copy(crate::common::data("fragmented.mp4"), folder.path().join("f.mp4")).expect("a copy");
    folder
}

#[test]
fn with_rule_and_line_by_inspect_and_by_play_and_in_the_report() {
    let folder = title();
    // In a child the line is of the child, and so it says.
    for (file, place) in
        [("v.m3u8", "line 7".to_owned()), ("main.m3u8", format!("line 7 of {}", file_url(&folder, "v.m3u8")))]
    {
        let inspected = telecine_in(folder.path(), ["inspect", file, "--json"]).ok();
        let played = telecine_in(folder.path(), ["play", file, "--clock", "virtual", "--sink", "null", "--json"]).ok();
        for document in [&inspected, &played] {
            let warning = &document["warnings"][0];
            assert_eq!((&warning["rule"], &warning["where"]), (&"H038".into(), &place.as_str().into()), "{file}");
        }
        let lines = telecine_in(folder.path(), ["play", file, "--clock", "virtual", "--sink", "null"]);
        assert!(lines.stdout.contains(&format!("fault     H038 at {place}: ")), "{}", lines.stdout);
        assert!(lines.stdout.contains(", one tolerated fault\n"), "{}", lines.stdout);
    }
}
