//! Content of the network cannot make the player read the device's own files.

#![allow(clippy::expect_used)] // Helpers of tests are not tests to clippy.

mod common;

use telecine_engine::{Command, Config};
use telecine_model::ErrorCode;
use telecine_virtual::{Fetched, Outcome, Response, Session, Source};

/// A playlist whose segments are on the device.
struct Trap {
    asked: Vec<String>,
}

impl Source for Trap {
    fn fetch(&mut self, request: &telecine_engine::FetchRequest) -> Fetched {
        self.asked.push(request.url.clone());
        let playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MAP:URI=\"file:///etc/passwd\"\n\
                        #EXTINF:4,\nfile:///etc/shadow\n#EXTINF:4,\nfile:///etc/hosts\n#EXT-X-ENDLIST\n";
        Response::new(200, &request.url, playlist).into()
    }
}

#[test]
fn a_playlist_of_local_files_is_refused_and_nothing_of_them_is_asked_for() {
    let url = "https://title.example/main.m3u8";
    let mut session = Session::new(Config::default(), Trap { asked: Vec::new() })
        .at(common::at(0), Command::Load { url: url.into(), start: None })
        .at(common::at(0), Command::Play);
    let Outcome::Failed(Some(error)) = session.run(None) else { panic!("it ended otherwise") };
    assert_eq!(error.code(), ErrorCode::SchemeForbidden);
    assert_eq!(session.source().asked, [url]);
}
