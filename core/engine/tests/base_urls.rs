//! References of an MPD are resolved against the base that is used (RFC 3986, 5.2), and queries go to
//! the origins that may see them.

#![allow(clippy::expect_used)] // These are tests.

mod common;

use common::{secs, track};
use telecine_engine::{Config, FetchRequest};
use telecine_model::{uri, TrackKind};
use telecine_virtual::testing::SyntheticTitle;
use telecine_virtual::{Fetched, Outcome, Response, Session, Source};

/// What is made of an MPD.
type Rewrite = fn(&str) -> String;

/// A title whose MPD is rewritten; of the servers only those named have media.
struct Elsewhere {
    title: SyntheticTitle,
    rewrite: Rewrite,
    media_at: &'static str,
    /// Every URL of media that was asked for.
    asked: Vec<String>,
}

impl Source for Elsewhere {
    fn fetch(&mut self, request: &FetchRequest) -> Fetched {
        let url = &request.url;
        if url.contains("main.mpd") {
            let mut fetched = self.title.get("main.mpd");
            if let Fetched::Response(response) = &mut fetched {
                response.url.clone_from(url);
                response.body = (self.rewrite)(&String::from_utf8_lossy(&response.body)).into();
                response.content_length = None;
            }
            return fetched;
        }
        self.asked.push(url.clone());
        match url.split_once('?').map_or(url.as_str(), |(path, _)| path).strip_prefix(self.media_at) {
            Some(path) => self.title.get(path),
            None => Response::new(404, url, bytes::Bytes::new()).into(),
        }
    }
}

fn session(rewrite: Rewrite, media_at: &'static str) -> (Session<Elsewhere>, Outcome) {
    let title = SyntheticTitle::new(secs(20)).without_text();
    let mut session = Session::new(Config::default(), Elsewhere { title, rewrite, media_at, asked: Vec::new() })
        .network("rate=8Mbps,rtt=40ms".parse().expect("a network"))
        .play("https://a.example/title/main.mpd?token=secret");
    let outcome = session.run(None);
    (session, outcome)
}

const BASES: &str = "<BaseURL serviceLocation=\"a\">https://a.example/deep/er/x</BaseURL>\
    <BaseURL serviceLocation=\"b\">https://b.example/other/y?k=1</BaseURL><Period";

const ONE_ORIGIN: &str = "<SupplementalProperty schemeIdUri=\"urn:mpeg:dash:urlparam:2014\">\
    <up:ExtUrlQueryInfo xmlns:up=\"urn:mpeg:dash:schema:urlparam:2014\" useMPDUrlQuery=\"true\" \
    sameOriginOnly=\"true\" queryTemplate=\"$querypart$\"/></SupplementalProperty><SegmentTemplate";

#[test]
fn after_a_failure_references_are_resolved_against_the_other_base() {
    let cases: [(Rewrite, &str); 3] = [
        (|mpd| mpd.replacen("<Period", BASES, 1), "https://b.example/other/"),
        (|mpd| mpd.replacen("<Period", BASES, 1).replace("=\"$Rep", "=\"../$Rep"), "https://b.example/"),
        (|mpd| mpd.replacen("<Period", BASES, 1).replace("=\"$Rep", "=\"/abs/$Rep"), "https://b.example/abs/"),
    ];
    for (rewrite, media_at) in cases {
        let (session, outcome) = session(rewrite, media_at);
        assert_eq!(outcome, Outcome::Ended, "{media_at}");
        let video = track(&session, TrackKind::Video);
        assert_eq!((video.samples, video.gaps), (500, 0), "{media_at}");
        for url in &session.source().asked {
            assert!(url.starts_with("https://a.example/") || url.starts_with(media_at), "{url}");
        }
    }
}

#[test]
fn a_query_for_one_origin_does_not_follow_to_the_base_of_another() {
    let rewrite = |mpd: &str| mpd.replacen("<Period", BASES, 1).replace("<SegmentTemplate", ONE_ORIGIN);
    let (session, outcome) = session(rewrite, "https://b.example/other/");
    assert_eq!(outcome, Outcome::Ended);
    let asked = &session.source().asked;
    assert!(asked.iter().any(|url| uri::host(url) == "a.example"));
    for url in asked {
        assert_eq!(url.contains("token=secret"), uri::host(url) == "a.example", "{url}");
    }
    assert_eq!(track(&session, TrackKind::Video).samples, 500);
}

#[test]
fn what_no_base_moves_is_not_asked_for_again_at_another() {
    // The video is at a server of its own, which has nothing: that cannot end well.
    let rewrite = |mpd: &str| {
        mpd.replacen("<Period", BASES, 1)
            .replacen("media=\"$Rep", "media=\"https://gone.example/$Rep", 1)
            .replace("initialization=\"$Rep", "initialization=\"https://b.example/other/$Rep")
    };
    let (session, outcome) = session(rewrite, "https://b.example/other/");
    assert!(matches!(outcome, Outcome::Failed(_)));
    let mut gone: Vec<&String> = session.source().asked.iter().filter(|url| uri::host(url) == "gone.example").collect();
    let all = gone.len();
    gone.sort();
    gone.dedup();
    assert!(all > 0 && gone.len() == all, "the same URL was asked again: {all} requests for {} URLs", gone.len());
}
