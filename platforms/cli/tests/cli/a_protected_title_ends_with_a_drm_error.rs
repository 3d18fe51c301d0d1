use crate::common::{folder, telecine_in};

const PLAYLIST: &str = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n\
    #EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://key\",KEYFORMAT=\"com.apple.streamingkeydelivery\"\n\
    #EXT-X-MAP:URI=\"init.mp4\"\n#EXTINF:2,\n1.m4s\n#EXT-X-ENDLIST\n";

#[test]
fn with_exit_code_5_and_without_guessing() {
    let folder = folder(&[("a.m3u8", PLAYLIST)]);
    let run = telecine_in(folder.path(), ["play", "a.m3u8", "--clock", "virtual", "--sink", "null", "--json"]);
    assert_eq!(run.code, 5, "{}", run.stderr);
    let report = run.json();
    assert_eq!((&report["outcome"], &report["error"]["domain"]), (&"failed".into(), &"drm".into()));
    assert!(run.error().starts_with("4011 KeySystemUnavailable"), "{}", run.stderr);
}

#[test]
fn a_key_is_accepted_and_never_repeated() {
    let folder = folder(&[("a.m3u8", PLAYLIST)]);
    let (id, key) = ("0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210");
    let both = format!("{id}:{key}");
    let args = ["play", "a.m3u8", "--clock", "virtual", "--sink", "null", "--key", both.as_str(), "--json"];
    let run = telecine_in(folder.path(), args);
    // Whether the key fits, only the media could say, and there is none.
    assert_eq!(run.code, 4, "{}", run.stderr);
    assert!(!run.stdout.contains(key) && !run.stderr.contains(key));
}
