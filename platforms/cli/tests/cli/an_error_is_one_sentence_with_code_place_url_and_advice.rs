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
