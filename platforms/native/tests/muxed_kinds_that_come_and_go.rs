//! Transport streams in which sound or picture is not there all the time, with seeks to where it is and where it is not.

#![allow(clippy::expect_used, clippy::panic)] // These are tests.

use std::path::{Path, PathBuf};
use std::process::Command as Process;

use telecine::{BlockingSource, Command, Config, Fetcher, MediaTime};
use telecine_engine::Capabilities;
use telecine_model::Timestamp;
use telecine_virtual::{ModelSink, Outcome, Session};

/// The demo title's picture and sound, each with what ffmpeg is told of it, as HLS of transport streams.
fn package(folder: &Path, picture: &[&str], sound: &[&str]) -> String {
    let demo = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../conformance/media/demo");
    let input = |name: &str| ["-i".to_owned(), demo.join(name).display().to_string()];
    let status = Process::new("ffmpeg")
        .args(["-y", "-hide_banner", "-loglevel", "error"])
        .args(picture)
        .args(input("v180.mp4"))
        .args(sound)
        .args(input("a-en.mp4"))
        .args(["-map", "0:v", "-map", "1:a", "-c", "copy", "-f", "hls", "-hls_time", "2"])
        .args(["-hls_playlist_type", "vod", "-hls_segment_filename", "%d.ts", "main.m3u8"])
        .current_dir(folder)
        .status()
        .expect("ffmpeg is installed by make setup");
    assert!(status.success());
    format!("file://{}/main.m3u8", folder.display())
}

#[test]
fn seeks_play_on_wherever_they_lead() {
    // Where the picture ends first, ffmpeg's playlist announces no more than the picture.
    let anywhere = [(16, 3), (4, 18), (13, 12), (9, 1)];
    let before = [(9, 3), (4, 8), (8, 7), (9, 1)];
    let cases: [(&[&str], &[&str], _); 3] =
        [(&[], &["-t", "10"], anywhere), (&["-t", "10"], &[], before), (&[], &["-itsoffset", "12"], anywhere)];
    for (picture, sound, seeks) in cases {
        let folder = tempfile::tempdir().expect("a folder");
        let url = package(folder.path(), picture, sound);
        for random_access in [true, false] {
            for (first, second) in seeks {
                let source = BlockingSource::new(Fetcher::new(&[]).expect("a client"), &url).expect("a runtime");
                let capabilities = Capabilities { random_access, jumps: !random_access, ..Capabilities::default() };
                let mut session = Session::new(Config::default(), source)
                    .sink(ModelSink::new(capabilities))
                    .network("rate=4Mbps,rtt=40ms".parse().expect("a network"))
                    .play(&url)
                    .at(Timestamp::from_millis(11_500), Command::Seek(MediaTime::from_secs(first)))
                    .at(Timestamp::from_millis(14_000), Command::Seek(MediaTime::from_secs(second)));
                let what = format!("{picture:?} {sound:?} {random_access} {first} {second}");
                assert_eq!(session.run(None), Outcome::Ended, "{what}: {:?}", session.events().last());
                let qoe = session.engine().qoe(session.now());
                assert!(qoe.stalls == 0 && session.now() < Timestamp::from_millis(60_000), "{what}: {:?}", qoe.stalls);
            }
        }
    }
}
