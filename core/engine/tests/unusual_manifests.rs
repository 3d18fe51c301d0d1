//! Legal manifests that few packagers write, and some that nobody should.

#![allow(clippy::expect_used, clippy::panic)] // These are tests.

mod common;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use common::{at, decisions, errors, secs, track};
use telecine_engine::{
    Capabilities, Command, Config, DecisionKind, Event, FetchRequest, Preferences, Sink, SinkCommand, SinkReport,
    TrackStats,
};
use telecine_model::{ErrorCode, MediaTime, Timestamp, TrackKind};
use telecine_virtual::testing::SyntheticTitle;
use telecine_virtual::{Fetched, ModelSink, Outcome, Response, Session, Source};

/// A synthetic title whose manifests are edited on their way.
struct Edited<F> {
    title: SyntheticTitle,
    edit: F,
}

impl<F: Fn(&str, String) -> String> Source for Edited<F> {
    fn fetch(&mut self, request: &FetchRequest) -> Fetched {
        let mut fetched = self.title.fetch(request);
        if request.url.contains(".m3u8") || request.url.contains(".mpd") {
            if let Fetched::Response(response) = &mut fetched {
                let text = String::from_utf8(response.body.to_vec()).expect("text");
                response.body = Bytes::from((self.edit)(&request.url, text));
            }
        }
        fetched
    }
}

fn edited<F: Fn(&str, String) -> String>(file: &str, edit: F) -> Session<Edited<F>> {
    edited_with(Config::default(), SyntheticTitle::new(secs(60)), file, edit)
}

fn edited_with<F: Fn(&str, String) -> String>(
    config: Config,
    title: SyntheticTitle,
    file: &str,
    edit: F,
) -> Session<Edited<F>> {
    Session::new(config, Edited { title, edit })
        .network("rate=8Mbps,rtt=40ms".parse().expect("a network"))
        .play(format!("https://title.example/{file}"))
}

fn asked_for<F>(session: &Session<Edited<F>>, what: impl Fn(&str) -> bool) -> usize
where
    F: Fn(&str, String) -> String,
{
    session.source().title.requests().iter().filter(|path| what(path)).count()
}

/// Number of the segment that a path names.
fn number(path: &str) -> Option<u64> {
    path.rsplit('/').next()?.strip_suffix(".m4s")?.parse().ok()
}

#[test]
fn sound_that_one_group_has_muxed_in_and_another_apart_is_fetched_apart() {
    let mux = "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"mux\",NAME=\"English\",LANGUAGE=\"en\",DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"2\"\n";
    let mut session = edited("main.m3u8", |url, text| match url.ends_with("main.m3u8") {
        true => text.replacen("#EXT-X-MEDIA:TYPE=AUDIO", &format!("{mux}#EXT-X-MEDIA:TYPE=AUDIO"), 1).replacen(
            "AUDIO=\"aud\"",
            "AUDIO=\"mux\"",
            2,
        ),
        false => text,
    });
    assert_eq!(session.run(None), Outcome::Ended, "{:?}", errors(&session));
    let sound = track(&session, TrackKind::Audio);
    assert_eq!((sound.samples, sound.gaps), (2813, 0));
}

/// Half a minute of German sound muxed into the picture, and French apart.
struct Bilingual {
    muxed: Bytes,
    /// Index of a segment of the muxed variant that cannot be had.
    missing: Option<usize>,
    french: SyntheticTitle,
}

impl Bilingual {
    fn new() -> Self {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../container/tests/data/muxed_edit.mp4");
        let muxed = std::fs::read(path).expect("the file is in the repository").into();
        Self { muxed, missing: None, french: SyntheticTitle::new(secs(30)) }
    }

    fn playlist(&self) -> String {
        let at = self.muxed.windows(4).position(|name| name == b"moov").expect("a movie box") - 4;
        let length = u32::from_be_bytes(self.muxed[at..at + 4].try_into().expect("four bytes")) as usize;
        let (init, media) = (at + length, self.muxed.len() - at - length);
        let head = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n";
        let segment = format!("#EXTINF:2,\n#EXT-X-BYTERANGE:{media}@{init}\nf.mp4\n");
        let mut segments = vec![segment; 15];
        if let Some(missing) = self.missing {
            segments[missing] = "#EXTINF:2,\nnone.mp4\n".to_owned();
        }
        let segments = segments.join("#EXT-X-DISCONTINUITY\n");
        format!("{head}#EXT-X-MAP:URI=\"f.mp4\",BYTERANGE=\"{init}@0\"\n{segments}#EXT-X-ENDLIST\n")
    }
}

impl Source for Bilingual {
    fn fetch(&mut self, request: &FetchRequest) -> Fetched {
        const MAIN: &str = "#EXTM3U\n\
             #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"Deutsch\",LANGUAGE=\"de\",DEFAULT=YES,AUTOSELECT=YES\n\
             #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"Francais\",LANGUAGE=\"fr\",AUTOSELECT=YES,URI=\"a0.m3u8\"\n\
             #EXT-X-STREAM-INF:BANDWIDTH=300000,CODECS=\"avc1.64000a,mp4a.40.2\",AUDIO=\"a\"\nmuxed.m3u8\n";
        let body = match (request.url.rsplit('/').next().unwrap_or(""), request.byte_range) {
            ("main.m3u8", _) => Bytes::from_static(MAIN.as_bytes()),
            ("muxed.m3u8", _) => Bytes::from(self.playlist()),
            ("f.mp4", Some(range)) => self.muxed.slice(range.offset as usize..(range.offset + range.length) as usize),
            _ => return self.french.fetch(request),
        };
        Response::new(200, &request.url, body).into()
    }
}

fn sound_of(session: &Session<Bilingual>, id: &str) -> TrackStats {
    let tracks = session.sink_ref().tracks();
    tracks.into_iter().find(|track| track.id == id && track.kind == TrackKind::Audio).expect("it was played")
}

fn select(id: &str) -> Command {
    Command::SelectTrack { kind: TrackKind::Audio, id: id.to_owned() }
}

fn selected(session: &Session<Bilingual>) -> Vec<String> {
    let of_sound = |event: &Event| match event {
        Event::Selected { kind: TrackKind::Audio, track, .. } => track.clone(),
        _ => None,
    };
    session.events().iter().filter_map(of_sound).collect()
}

#[test]
fn from_muxed_sound_to_sound_of_its_own_and_back() {
    for random_access in [true, false] {
        let sink = ModelSink::new(Capabilities { random_access, ..Capabilities::default() });
        let mut session = Session::new(Config::default(), Bilingual::new())
            .sink(sink)
            .network("rate=2Mbps,rtt=20ms".parse().expect("a network"))
            .play("https://title.example/main.m3u8")
            .at(at(5_000), select("audio:Francais:fr"))
            .at(at(15_000), select("audio:Deutsch:de"));
        assert_eq!(session.run(None), Outcome::Ended, "{:?}", errors(&session));
        assert_eq!(errors(&session), []);
        assert_eq!(selected(&session), ["audio:Deutsch:de", "audio:Francais:fr", "audio:Deutsch:de"]);
        let (german, french) = (sound_of(&session, "audio:Deutsch:de"), sound_of(&session, "audio:Francais:fr"));
        assert!(german.last_pts >= Some(secs(29)), "{random_access}: {german:?}");
        assert!(french.first_pts <= Some(secs(6)) && french.first_pts >= Some(secs(3)), "{random_access}: {french:?}");
        assert!(track(&session, TrackKind::Video).last_pts >= Some(secs(29)), "{random_access}");
        assert_eq!(session.engine().qoe(session.now()).stalls, 0, "{random_access}");
    }
}

#[test]
fn nothing_behind_the_announced_end_is_fetched() {
    // A clip of a longer programme: the segments go on (D009).
    let mut session = edited("main.mpd", |_, text| text.replace("PT60", "PT42").replace("PT42.000000000S", "PT42S"));
    assert_eq!(session.run(None), Outcome::Ended);
    let duration = session.engine().snapshot(session.now()).duration;
    assert_eq!(duration, Some(secs(42)));
    assert_eq!(asked_for(&session, |path| number(path).is_some_and(|number| number >= 11)), 0);
    assert!(asked_for(&session, |path| number(path) == Some(10)) >= 2);
}

#[test]
fn an_enhancement_layer_is_not_played_without_its_base() {
    let mut session = edited("main.mpd", |_, text| {
        text.replace("<Representation id=\"v2\"", "<Representation id=\"v2\" dependencyId=\"v1\"")
    });
    assert_eq!(session.run(None), Outcome::Ended);
    assert_eq!(asked_for(&session, |path| path.starts_with("v2/")), 0);
    assert!(asked_for(&session, |path| path.starts_with("v1/")) > 0);
}

#[test]
fn a_start_shows_the_whole_segment_unless_it_is_precise() {
    for (precise, from) in [("", secs(8)), (",PRECISE=NO", secs(8)), (",PRECISE=YES", secs(10))] {
        let start = format!("#EXTM3U\n#EXT-X-START:TIME-OFFSET=10{precise}");
        let mut session = edited("main.m3u8", |_, text| text.replacen("#EXTM3U", &start, 1));
        assert_eq!(session.run(None), Outcome::Ended);
        let started = session.events().iter().find_map(|event| match event {
            Event::Started { position, .. } => Some(*position),
            _ => None,
        });
        assert_eq!(started, Some(from), "{precise}");
        // The picture at a precise start needs those before it.
        assert_eq!(track(&session, TrackKind::Video).first_pts, Some(secs(8)), "{precise}");
    }
}

#[test]
fn an_initialisation_section_for_every_segment_is_played() {
    let title = SyntheticTitle::new(secs(600));
    let mut session = edited_with(Config::default(), title, "main.m3u8", |url, text| {
        if url.ends_with("main.m3u8") {
            return text;
        }
        let map = text.lines().find(|line| line.starts_with("#EXT-X-MAP")).expect("a map").to_owned();
        let mut count = 0;
        let each = |line: &str| {
            count += 1;
            let map = map.replace("init.mp4", &format!("init.mp4?{count}"));
            if line.starts_with("#EXTINF") {
                format!("{map}\n{line}\n")
            } else {
                format!("{line}\n")
            }
        };
        text.lines().map(each).collect()
    });
    assert_eq!(session.run(None), Outcome::Ended, "{:?}", errors(&session));
    assert_eq!(track(&session, TrackKind::Video).samples, 15_000);
    assert!(asked_for(&session, |path| path.ends_with("init.mp4")) >= 300);
}

#[test]
fn a_subtitle_file_beyond_its_limit_is_left_out() {
    let mut config = Config::default();
    config.limits.text_bytes = 16;
    config.preferences = Preferences { text_languages: vec!["en".into()], ..Preferences::default() };
    let mut session = edited_with(config, SyntheticTitle::new(secs(60)), "main.m3u8", |_, text| text);
    assert_eq!(session.run(None), Outcome::Ended);
    assert!(errors(&session).iter().any(|error| error.code() == ErrorCode::BodyTooLarge), "{:?}", errors(&session));
    assert_eq!(track(&session, TrackKind::Video).samples, 1500);
}

#[test]
fn times_that_cannot_be_counted_are_an_error_with_its_place() {
    let mpd =
        "<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\" mediaPresentationDuration=\"PT60S\"><Period>\
         <AdaptationSet mimeType=\"video/mp4\"><Representation id=\"v\" bandwidth=\"1\" codecs=\"avc1.64001f\">\
         <BaseURL>v0/0.m4s</BaseURL><SegmentBase presentationTimeOffset=\"9223372036854775807\"/></Representation>\
         </AdaptationSet></Period></MPD>";
    let mut session = edited("main.mpd", |_, _| mpd.to_owned());
    let Outcome::Failed(Some(error)) = session.run(None) else { unreachable!("there is nothing to play") };
    assert!([ErrorCode::ManifestLimit, ErrorCode::NothingPlayable].contains(&error.code()), "{error}");
}

#[test]
fn remote_periods_beyond_the_number_asked_for_at_a_time_all_come() {
    let mut session = edited("main.mpd", |url, text| {
        let (begin, end) = (text.find("<Period").expect("one"), text.find("</Period>").expect("one") + 9);
        let period = &text[begin..end];
        if url.contains('?') {
            return period.to_owned();
        }
        let link = |n: usize| {
            format!("<Period xmlns:xlink=\"http://www.w3.org/1999/xlink\" xlink:href=\"urn:mpeg:dash:resolve-to-zero:2013\" id=\"z{n}\"/>")
        };
        let remote =
            "<Period xmlns:xlink=\"http://www.w3.org/1999/xlink\" xlink:href=\"main.mpd?1\" xlink:actuate=\"onLoad\"/>";
        let zeros: String = (0..20).map(link).collect();
        format!("{}{zeros}{remote}{}", &text[..begin], &text[end..])
    });
    assert_eq!(session.run(None), Outcome::Ended, "{:?}", errors(&session));
    assert_eq!(track(&session, TrackKind::Video).samples, 1500);
}

/// A sink that never says that it has arrived, or that notes the silences it is told of.
struct Watched {
    sink: ModelSink,
    mute: bool,
    silences: Silences,
}

type Silences = Arc<Mutex<Vec<(TrackKind, MediaTime, MediaTime)>>>;

impl Sink for Watched {
    fn capabilities(&self) -> Capabilities {
        self.sink.capabilities()
    }

    fn command(&mut self, command: SinkCommand, now: Timestamp) {
        if let SinkCommand::Silence { kind, from, to } = &command {
            self.silences.lock().expect("one thread").push((*kind, *from, *to));
        }
        self.sink.command(command, now);
    }

    fn poll(&mut self, now: Timestamp) -> Option<SinkReport> {
        let wanted = |report: &SinkReport| !(self.mute && matches!(report, SinkReport::Seeked { .. }));
        std::iter::from_fn(|| self.sink.poll(now)).find(wanted)
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.sink.deadline()
    }

    fn tracks(&self) -> Vec<TrackStats> {
        self.sink.tracks()
    }
}

#[test]
fn a_seek_that_the_sink_never_answers_is_given_up() {
    let mut session = Session::new(Config::default(), SyntheticTitle::new(secs(60)))
        .sink(Watched { sink: ModelSink::new(Capabilities::default()), mute: true, silences: Silences::default() })
        .network("rate=8Mbps,rtt=40ms".parse().expect("a network"))
        .play("https://title.example/main.mpd")
        .at(at(5_000), Command::Seek(secs(40)));
    let Outcome::Failed(Some(error)) = session.run(None) else { unreachable!("the sink says nothing") };
    assert_eq!(error.code(), ErrorCode::PlaybackStuck);
    let nudges = decisions(&session, DecisionKind::Seek).iter().filter(|d| d.why[0].contains("not answered")).count();
    assert_eq!(nudges, 3);
    assert!(session.now() < at(60_000) && MediaTime::ZERO < secs(1));
}

/// A sink that has a decoder for pictures alone.
fn deaf() -> ModelSink {
    ModelSink::new(Capabilities { codecs: vec!["avc1".to_owned()], ..Capabilities::default() })
}

#[test]
fn a_picture_plays_without_sound_that_nothing_decodes_and_says_so_once() {
    for (file, text) in [("main.m3u8", ""), ("main.mpd", ""), ("main.m3u8", ",mp4a.40.2"), ("main.mpd", "mp4a.40.2")] {
        // What the manifest does not say, the media does.
        let edit = |_: &str, manifest: String| manifest.replace(text, "").replace(" codecs=\"\"", "");
        let mut session = Session::new(Config::default(), Edited { title: SyntheticTitle::new(secs(60)), edit })
            .sink(deaf())
            .network("rate=8Mbps,rtt=40ms".parse().expect("a network"))
            .play(format!("https://title.example/{file}"));
        assert_eq!(session.run(None), Outcome::Ended, "{file} {text}: {:?}", errors(&session));
        let told: Vec<_> = errors(&session).iter().map(telecine_model::Error::code).collect();
        assert_eq!(told, [ErrorCode::CodecUnsupported], "{file} {text}");
        assert_eq!(track(&session, TrackKind::Video).samples, 1500, "{file} {text}");
        assert!(session.sink_ref().tracks().iter().all(|track| track.kind != TrackKind::Audio), "{file} {text}");
    }
}

/// Lets sound have six channels, whatever the manifest says.
fn with_six_channels(mut fetched: Fetched) -> Fetched {
    let Fetched::Response(response) = &mut fetched else { return fetched };
    let mut bytes = response.body.to_vec();
    // AAC-LC, 48 kHz, two channels (ISO/IEC 14496-3, 1.6.2.1).
    let at = bytes.windows(2).rposition(|pair| pair == [0x11, 0x90]).expect("an AudioSpecificConfig");
    bytes[at + 1] = 0xb0;
    response.body = Bytes::from(bytes);
    fetched
}

/// Sound in two languages, of which the first has six channels.
struct Surround(SyntheticTitle);

impl Source for Surround {
    fn fetch(&mut self, request: &FetchRequest) -> Fetched {
        let fetched = self.0.fetch(request);
        match request.url.ends_with("a0/init.mp4") {
            true => with_six_channels(fetched),
            false => fetched,
        }
    }
}

/// Three periods; the sound of the second has six channels.
struct SurroundBreak(SyntheticTitle);

impl Source for SurroundBreak {
    fn fetch(&mut self, request: &FetchRequest) -> Fetched {
        if let Some(url) = request.url.strip_suffix("six.mp4") {
            return with_six_channels(self.0.fetch(&FetchRequest { url: format!("{url}init.mp4"), ..request.clone() }));
        }
        let mut fetched = self.0.fetch(request);
        if let (true, Fetched::Response(response)) = (request.url.ends_with(".mpd"), &mut fetched) {
            let text = String::from_utf8(response.body.to_vec()).expect("text");
            let periods: Vec<&str> = text.split_inclusive("</Period>").collect();
            let (before, sound) = periods[1].split_once("contentType=\"audio\"").expect("it has sound");
            let sound = sound.replace("/init.mp4", "/six.mp4");
            let text = format!("{}{before}contentType=\"audio\"{sound}{}{}", periods[0], periods[2], periods[3]);
            response.body = Bytes::from(text);
        }
        fetched
    }
}

#[test]
fn sound_that_only_a_break_makes_undecodable_is_back_behind_it() {
    let capabilities = Capabilities { max_channels: vec![("mp4a.40.2".to_owned(), 2)], ..Capabilities::default() };
    let title = SyntheticTitle::new(secs(60)).part_at(5).part_at(10);
    let mut session = Session::new(Config::default(), SurroundBreak(title))
        .sink(ModelSink::new(capabilities))
        .network("rate=8Mbps,rtt=40ms".parse().expect("a network"))
        .play("https://title.example/main.mpd");
    assert_eq!(session.run(None), Outcome::Ended, "{:?}", errors(&session));
    let told: Vec<_> = errors(&session).iter().map(telecine_model::Error::code).collect();
    assert_eq!(told, [ErrorCode::CodecUnsupported]);
    let (video, audio) = (track(&session, TrackKind::Video), track(&session, TrackKind::Audio));
    // Forty of sixty seconds have sound: 46.875 frames each.
    assert_eq!((video.samples, audio.samples.abs_diff(1875) <= 2, audio.gaps), (1500, true, 0), "{}", audio.samples);
    assert_eq!(session.engine().qoe(session.now()).stalls, 0);
}

#[test]
fn sound_of_more_channels_than_its_decoder_takes_gives_way_to_another_track() {
    for (file, most, plays) in [("main.m3u8", 2, 2813), ("main.mpd", 2, 2813), ("main.m3u8", 1, 0), ("main.mpd", 1, 0)]
    {
        let capabilities =
            Capabilities { max_channels: vec![("mp4a.40.2".to_owned(), most)], ..Capabilities::default() };
        let mut session = Session::new(Config::default(), Surround(SyntheticTitle::new(secs(60)).languages(2)))
            .sink(ModelSink::new(capabilities))
            .network("rate=8Mbps,rtt=40ms".parse().expect("a network"))
            .play(format!("https://title.example/{file}"));
        assert_eq!(session.run(None), Outcome::Ended, "{file}: {:?}", errors(&session));
        let told = errors(&session);
        assert!(told.iter().all(|error| error.code() == ErrorCode::CodecUnsupported), "{file}: {told:?}");
        assert!((1..=2).contains(&told.len()), "{file}: {told:?}");
        assert_eq!(track(&session, TrackKind::Video).samples, 1500, "{file}");
        let sound: u64 =
            session.sink_ref().tracks().iter().filter(|t| t.kind == TrackKind::Audio).map(|t| t.samples).sum();
        assert_eq!(sound, plays, "{file}, {most}");
    }
}

#[test]
fn what_is_in_a_container_that_is_not_read_is_not_chosen() {
    let webm = |text: String| text.replacen("mimeType=\"audio/mp4\"", "mimeType=\"audio/webm\"", 1);
    let two = SyntheticTitle::new(secs(60)).languages(2);
    let mut session = edited_with(Config::default(), two, "main.mpd", |_, text| webm(text));
    assert_eq!(session.run(None), Outcome::Ended, "{:?}", errors(&session));
    assert_eq!(track(&session, TrackKind::Audio).samples, 2813);
    assert_eq!(asked_for(&session, |path| path.starts_with("a0/")), 0, "only the other language");
    let all = |text: String| text.replace("/mp4\"", "/webm\"");
    let mut session = edited("main.mpd", |_, text| all(text));
    let Outcome::Failed(Some(error)) = session.run(None) else { panic!("nothing is left") };
    assert_eq!(error.code(), ErrorCode::NothingPlayable);
    assert!(error.message().contains("video/webm is not read"), "{}", error.message());
}

#[test]
fn a_picture_plays_without_sound_that_is_muxed_in_and_that_nothing_decodes() {
    let mut session = Session::new(Config::default(), Bilingual::new())
        .sink(deaf())
        .network("rate=2Mbps,rtt=20ms".parse().expect("a network"))
        .play("https://title.example/muxed.m3u8");
    assert_eq!(session.run(None), Outcome::Ended, "{:?}", errors(&session));
    let told: Vec<_> = errors(&session).iter().map(telecine_model::Error::code).collect();
    assert_eq!(told, [ErrorCode::CodecUnsupported]);
    assert!(track(&session, TrackKind::Video).last_pts >= Some(secs(29)));
}

#[test]
fn a_segment_of_no_duration_is_played_wherever_it_stands() {
    for nth in [0, 7, 14] {
        let none = |url: &str, text: String| match url.ends_with("main.m3u8") {
            true => text,
            false => {
                let lines = text.split_inclusive("#EXTINF:").enumerate();
                let edit = |(at, line): (usize, &str)| match (at == nth + 1, line.split_once(',')) {
                    (true, Some((_, rest))) => format!("0,{rest}"),
                    _ => line.to_owned(),
                };
                lines.map(edit).collect()
            }
        };
        let mut session =
            edited_with(Config::default(), SyntheticTitle::new(secs(60)).without_text(), "main.m3u8", none);
        assert_eq!(session.run(None), Outcome::Ended, "{nth}: {:?}", errors(&session));
        let (video, audio) = (track(&session, TrackKind::Video), track(&session, TrackKind::Audio));
        assert_eq!((video.samples, video.gaps, audio.samples, audio.gaps), (1500, 0, 2813, 0), "{nth}");
        assert_eq!(session.engine().qoe(session.now()).stalls, 0, "{nth}");
    }
}

#[test]
fn a_title_without_segments_was_not_played_to_its_end() {
    let mut session = edited("v0.m3u8", |_, text| text[..text.find("#EXTINF").expect("segments")].to_owned());
    let Outcome::Failed(Some(error)) = session.run(None) else { unreachable!("there is nothing to play") };
    assert_eq!(error.code(), ErrorCode::NothingPlayable);
}

#[test]
fn a_hole_is_jumped_within_what_is_buffered() {
    use telecine_virtual::testing::Fault;
    let title = SyntheticTitle::new(secs(60)).fault_times("v0", 5, Fault::Status(404), 9);
    let title = title.fault_times("v1", 5, Fault::Status(404), 9).fault_times("v2", 5, Fault::Status(404), 9);
    let sink = ModelSink::new(Capabilities { random_access: false, jumps: true, ..Capabilities::default() });
    let mut session = Session::new(Config::default(), Edited { title, edit: |_: &str, text: String| text })
        .sink(sink)
        .network("rate=20Mbps,rtt=20ms".parse().expect("a network"))
        .play("https://title.example/main.m3u8");
    assert_eq!(session.run(None), Outcome::Ended, "{:?}", errors(&session));
    // Four seconds are missing; nothing else is, and nothing came twice.
    assert_eq!(track(&session, TrackKind::Video).samples, 1400);
    let qoe = session.engine().qoe(session.now());
    // The sound beside the missing pictures is jumped over.
    assert!(qoe.stalls == 0 && qoe.bytes_wasted < 70_000, "{qoe:?}");
    for number in 6..15 {
        let times = asked_for(&session, |path| path.ends_with(&format!("/{number}.m4s")) && path.starts_with('v'));
        assert_eq!(times, 1, "segment {number}");
    }
}

#[test]
fn behind_a_hole_of_a_playlist_that_rounds_playback_goes_on_where_the_media_was() {
    use telecine_virtual::testing::Fault;
    for random_access in [true, false] {
        // Each segment is announced half a second too long: at the seventh that is three and a half.
        let title = SyntheticTitle::new(secs(60)).segments_of(MediaTime::from_millis(1507));
        let title = title.durations_in_whole_seconds().fault_times("a0", 7, Fault::Garbage, 9);
        let sink = ModelSink::new(Capabilities { random_access, ..Capabilities::default() });
        let mut session = Session::new(Config::default(), Edited { title, edit: |_: &str, text: String| text })
            .sink(sink)
            .step_limit(20_000)
            .network("rate=20Mbps,rtt=20ms".parse().expect("a network"))
            .play("https://title.example/main.m3u8");
        assert_eq!(session.run(None), Outcome::Ended, "{random_access}: {:?}", errors(&session));
        assert!(session.now() < at(61_500), "{random_access}: {:?}", session.now());
        let jumps = decisions(&session, DecisionKind::Gap).len();
        assert_eq!(jumps, 1, "{random_access}");
        let missing = asked_for(&session, |path| path.ends_with("a0/7.m4s"));
        assert_eq!(missing, 1, "{random_access}: asked for again and again");
        assert_eq!(decisions(&session, DecisionKind::Skip).len(), 1, "{random_access}");
    }
}

#[test]
fn a_missing_segment_of_muxed_media_is_jumped() {
    for (random_access, jumps) in [(true, false), (false, true), (false, false)] {
        let sink = ModelSink::new(Capabilities { random_access, jumps, ..Capabilities::default() });
        let mut session = Session::new(Config::default(), Bilingual { missing: Some(3), ..Bilingual::new() })
            .sink(sink)
            .step_limit(20_000)
            .network("rate=2Mbps,rtt=20ms".parse().expect("a network"))
            .play("https://title.example/muxed.m3u8");
        assert_eq!(session.run(None), Outcome::Ended, "{random_access} {jumps}: {:?}", errors(&session));
        let qoe = session.engine().qoe(session.now());
        assert!(qoe.stalled < std::time::Duration::from_secs(1), "{random_access} {jumps}: {qoe:?}");
        assert!(session.now() < at(30_500), "{random_access} {jumps}: {:?}", session.now());
    }
}

#[test]
fn a_hole_in_sound_that_is_muxed_in_is_silence_and_nothing_to_wait_for() {
    let silences = Silences::default();
    let sink = ModelSink::new(Capabilities { random_access: false, jumps: true, ..Capabilities::default() });
    let mut session = Session::new(Config::default(), Bilingual { missing: Some(3), ..Bilingual::new() })
        .sink(Watched { sink, mute: false, silences: Arc::clone(&silences) })
        .network("rate=2Mbps,rtt=20ms".parse().expect("a network"))
        .play("https://title.example/muxed.m3u8");
    assert_eq!(session.run(None), Outcome::Ended, "{:?}", errors(&session));
    let told = silences.lock().expect("one thread").clone();
    let [(TrackKind::Audio, from, to)] = told[..] else { panic!("{told:?}") };
    let near = |time: MediaTime, of: MediaTime| time.abs_diff(of) < MediaTime::from_millis(100);
    assert!(near(from, secs(6)) && near(to, secs(8)), "{told:?}");
}

#[test]
fn fragments_without_an_initialisation_section_are_told_as_that_and_where_they_are() {
    let mut session = edited("main.m3u8", |_, text| {
        text.lines().filter(|line| !line.starts_with("#EXT-X-MAP")).map(|line| format!("{line}\n")).collect()
    });
    assert!(matches!(session.run(None), Outcome::Failed(_)));
    let fatal = errors(&session).pop().expect("an error");
    assert!(fatal.is_fatal());
    assert_eq!(fatal.code(), ErrorCode::InitMissing, "{fatal}");
    let fact = |name: &str| fatal.facts().get(name).map(String::as_str).unwrap_or_default();
    assert_eq!((fact("kind"), fact("rendition")), ("audio", "audio-0"), "{fatal:?}");
    assert_eq!(fact("url"), format!("https://title.example/a0/{}.m4s", fact("segment")), "{fatal:?}");
}

#[test]
fn what_is_wrong_with_the_media_playlist_that_speaks_for_the_title_is_told_with_the_title() {
    let mut session = edited("main.m3u8", |_, text| text.replace("#EXT-X-ENDLIST\n", ""));
    assert_eq!(session.run(None), Outcome::Ended, "{:?}", errors(&session));
    let told = session.events().iter().find_map(|event| match event {
        Event::Loaded { warnings, .. } => Some(warnings.clone()),
        _ => None,
    });
    let told = told.expect("the title was loaded");
    let [warning] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(warning.rule, "H038");
    let (line, url) = warning
        .place
        .to_string()
        .split_once(" of ")
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .expect("a line and a URL");
    assert!(line.starts_with("line ") && url.starts_with("https://title.example/"), "{warning}");
}

#[test]
fn rungs_in_adaptation_sets_of_their_own_are_switched_between_where_the_sets_say_so() {
    let split = |says_so: bool| {
        move |_: &str, text: String| {
            let switching = |id: usize| {
                let others: Vec<String> = (0..8).filter(|n| *n != id).map(|n| format!("rung{n}")).collect();
                let scheme = "urn:mpeg:dash:adaptation-set-switching:2016";
                format!("<SupplementalProperty schemeIdUri=\"{scheme}\" value=\"{}\"/>", others.join(","))
            };
            let start = text.find("<AdaptationSet id=\"1\"").expect("the picture");
            let open = start + text[start..].find('>').expect("a tag") + 1;
            let end = open + text[open..].find("</AdaptationSet>").expect("its end");
            let head = text[start..open].to_owned();
            let first = open + text[open..end].find("<Representation").expect("rungs");
            let (shared, rungs) = (&text[open..first], &text[first..end]);
            let sets = rungs.split_inclusive("</Representation>").filter(|rung| rung.contains("<Representation"));
            let sets: Vec<String> = sets
                .enumerate()
                .map(|(id, rung)| {
                    let head = head.replace("id=\"1\"", &format!("id=\"rung{id}\""));
                    let property = if says_so { switching(id) } else { String::new() };
                    format!("{head}{property}{shared}{rung}</AdaptationSet>")
                })
                .collect();
            let end = end + "</AdaptationSet>".len();
            format!("{}{}{}", &text[..start], sets.join("\n"), &text[end..])
        }
    };
    let heights = |says_so: bool| -> Vec<u32> {
        let mut session = edited("main.mpd", split(says_so));
        assert_eq!(session.run(None), Outcome::Ended, "{:?}", errors(&session));
        let picture = track(&session, TrackKind::Video);
        assert_eq!((picture.samples, picture.gaps), (1500, 0));
        let height = |event: &Event| match event {
            Event::Quality { kind: TrackKind::Video, height, .. } => *height,
            _ => None,
        };
        session.events().iter().filter_map(height).collect()
    };
    let together = heights(true);
    assert!(together.len() > 1 && together.is_sorted(), "rises with the network: {together:?}");
    assert_eq!(heights(false).len(), 1, "sets that say nothing are choices of the viewer");
}
