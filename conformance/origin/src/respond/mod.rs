//! The pure function from a request to a response.

mod answer;
mod keys;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use self::answer::Answer;
use self::keys::{asked_for_keys, licence_answer};
use crate::bad::{bad, Bad};
use crate::body::Body;
use crate::dash::{mpd, patch as dash_patch};
use crate::fault::{Class, Redirect};
use crate::files::{Folder, Found};
use crate::live::{Live, Moment, Skips};
use crate::low_latency::{due, Directives, Due};
use crate::network::Network;
use crate::options::{
    can_be_asset, percent_decoded, query_fault, target, unknown_option, Format, Options, Refused, Service, Target,
};
use crate::programme::Programme;
use crate::protect::{protected, read_keys_file, Access, KeyFormat, Protection};
use crate::request::{Delivery, Method, Request, Response};
use crate::resource::{patched, playlist_of, resource, Resource};
use crate::title::join::joined;
use crate::title::{Title, TitleError};

/// What makes a folder a title that is packaged.
const DESCRIPTION: &str = "title.json";

/// How many titles that were made of others stay in memory.
const MOST_MADE: usize = 16;

/// A title in longer segments, or under a protection.
#[derive(Clone, Debug)]
struct Made {
    asset: String,
    join: Option<usize>,
    protection: Protection,
    title: Arc<Title>,
}

/// All that the origin serves: titles and folders by asset name, named traces, and the seed of every draw.
#[derive(Clone, Debug)]
pub struct Library {
    titles: BTreeMap<String, Arc<Title>>,
    /// Titles in longer segments, or under a protection of Common Encryption, that were made already.
    made: Arc<Mutex<Vec<Made>>>,
    folders: BTreeMap<String, Folder>,
    traces: BTreeMap<String, Network>,
    seed: u64,
}

impl Library {
    /// A library of one title, under the name `demo`.
    pub fn new(title: Title, seed: u64) -> Self {
        let titles = BTreeMap::from([("demo".to_owned(), Arc::new(title))]);
        Self { titles, made: Arc::default(), folders: BTreeMap::new(), traces: BTreeMap::new(), seed }
    }

    /// The title as it is served: longer segments and Common Encryption make another of it. What is the matter where
    /// they cannot.
    fn made(&self, asset: &str, title: &Arc<Title>, options: &Options) -> Result<Arc<Title>, (u16, &'static str)> {
        let (protection, join) = (&options.protection, options.join);
        if protection.common().is_none() && join.is_none() {
            return Ok(title.clone());
        }
        // Who gets the keys, and how they are announced, changes nothing of the media.
        let media = Protection { access: Access::default(), key_format: KeyFormat::default(), ..protection.clone() };
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |known: &&Made| (known.asset.as_str(), known.join, &known.protection) == (asset, join, &media);
        if let Some(known) = made.iter().find(same) {
            return Ok(known.title.clone());
        }
        let uneven = (400, "the segments of this title cannot be put together so: they have to come out even");
        let mut title = match join {
            Some(each) => Arc::new(joined(title, each).ok_or(uneven)?),
            None => title.clone(),
        };
        if media.common().is_some() {
            title = Arc::new(protected(&title, &media).ok_or((500, "this title cannot be protected so"))?);
        }
        if made.len() == MOST_MADE {
            made.remove(0);
        }
        made.push(Made { asset: asset.to_owned(), join, protection: media, title: title.clone() });
        Ok(title)
    }

    /// Adds folders under the names given. Their files are served as they are (`/files/<name>/…`), read when they are
    /// asked for; a folder with a `title.json` in it is a title too, packaged as [`Title::from_folder`] says.
    ///
    /// # Errors
    /// The first folder that cannot be read, whose name an asset cannot have, or whose title cannot be served.
    pub fn with_folders(mut self, folders: &[(String, PathBuf)]) -> Result<Self, TitleError> {
        for (name, path) in folders {
            if !can_be_asset(name) {
                return Err(TitleError::new(
                    name,
                    "a folder is not served under the name of an option, nor under a path",
                ));
            }
            self.folders.insert(name.clone(), Folder::open(path)?);
            if path.join(DESCRIPTION).is_file() {
                self.titles.insert(name.clone(), Arc::new(Title::from_folder(path)?));
            }
        }
        Ok(self)
    }

    /// Adds networks that `trace_<name>` can name.
    #[must_use]
    pub fn with_traces(mut self, traces: impl IntoIterator<Item = (String, Network)>) -> Self {
        self.traces.extend(traces);
        self
    }

    /// The names of the titles.
    pub fn assets(&self) -> impl Iterator<Item = &str> {
        self.titles.keys().map(String::as_str)
    }

    /// The paths of the manifests of a folder: MPDs, multivariant playlists and media playlists that none of these leads
    /// to; those of the packaged title first. Empty for a name that is not served.
    pub fn manifests(&self, name: &str) -> Vec<String> {
        let title = self.titles.contains_key(name).then_some([Format::Hls, Format::Dash]);
        let packaged = title.into_iter().flatten().map(|format| manifest_path(format, &encoded(name)));
        let plain = self.folders.get(name).map(Folder::manifests).unwrap_or_default();
        let plain = plain.into_iter().map(|path| format!("/files/{}/{}", encoded(name), encoded(&path)));
        packaged.chain(plain).collect()
    }

    /// Whether the response to a path depends on [`Request::attempt`].
    pub fn counts_attempts(&self, path: &str) -> bool {
        target(path).is_ok_and(|target| target.options.faults.count_attempts())
    }
}

/// The response to a request. The same library and request always give the same response.
pub fn respond(library: &Library, request: &Request<'_>) -> Response {
    let is_licence = request.path.ends_with(LICENCE);
    let allow = if is_licence { "POST, OPTIONS" } else { ALLOW };
    let mut response = match request.method {
        Method::Get | Method::Head if !is_licence => answer(library, request),
        Method::Post if is_licence => answer(library, request),
        Method::Options => bare(204, vec![("allow", allow.to_owned())], None),
        _ => bare(405, vec![("allow", allow.to_owned())], Some("only GET, HEAD and OPTIONS; of a licence only POST")),
    };
    if request.method == Method::Head {
        response.body = Body::default();
        let Delivery { hold, head_delay, .. } = response.delivery;
        response.delivery = Delivery { hold, head_delay, ..Delivery::default() };
    }
    if request.has_moment() {
        let hold = u64::try_from(response.delivery.hold.as_millis()).unwrap_or(u64::MAX);
        let date = Moment::at(request.moment().0.saturating_add(hold)).http_date();
        response.headers.push(("date", date));
    }
    if request.told_ms.is_some() {
        response.tell_waits();
    }
    response.headers.extend([
        ("access-control-allow-origin", "*".to_owned()),
        ("access-control-expose-headers", "*".to_owned()),
        ("timing-allow-origin", "*".to_owned()),
    ]);
    if request.method == Method::Options {
        response.headers.extend([
            ("access-control-allow-methods", allow.to_owned()),
            // The wildcard does not cover this one.
            ("access-control-allow-headers", "*, authorization".to_owned()),
            ("access-control-max-age", "86400".to_owned()),
        ]);
    }
    response
}

/// The end of the path of a licence server.
const LICENCE: &str = "/license";

const ALLOW: &str = "GET, HEAD, OPTIONS";

/// A response without an object: a line of text at most.
fn bare(status: u16, mut headers: Vec<(&'static str, String)>, text: Option<&str>) -> Response {
    let body = Body::from(text.map(|text| format!("{text}\n")).unwrap_or_default());
    if text.is_some() {
        headers.push(("content-type", "text/plain".to_owned()));
    }
    // A 204 and a 304 have no length (RFC 9110, 8.6).
    if !matches!(status, 204 | 304) {
        headers.push(("content-length", body.len().to_string()));
    }
    Response { status, headers, body, delivery: Delivery::default(), fault: None, keys: None }
}

fn answer(library: &Library, request: &Request<'_>) -> Response {
    if request.path == "/" {
        return whole("text/plain", Body::from(index(library)));
    }
    if request.path == "/time" {
        let mut response = whole("text/plain", Body::from(request.moment().to_string()));
        response.headers.push(("cache-control", "no-store".to_owned()));
        return response;
    }
    if let Some(name) = request.path.strip_prefix("/bad/") {
        return match bad(name) {
            Some(Bad::Body(content_type, body)) => whole(content_type, body),
            Some(Bad::Redirect(to)) => bare(302, vec![("location", to.to_owned())], None),
            None => bare(404, Vec::new(), Some("no such hostile manifest")),
        };
    }
    let target = match target(request.path) {
        Ok(target) => target,
        Err(Refused::NotFound) => return bare(404, Vec::new(), Some("not a path of this origin")),
        Err(Refused::BadOption(what)) => return bare(400, Vec::new(), Some(&what)),
    };
    if let Some(what) = request.query.and_then(query_fault) {
        return bare(400, Vec::new(), Some(&what));
    }
    if let Some(to) = redirect(request, &target) {
        return Response { fault: Some("redir".to_owned()), ..bare(302, vec![("location", to)], None) };
    }
    let trace = target.options.faults.trace.as_ref();
    if trace.is_some_and(|name| !library.traces.contains_key(name)) {
        return bare(400, Vec::new(), Some("no such trace"));
    }
    let answer = |digest, programme, base| Answer {
        library,
        request,
        target: &target,
        digest,
        programme,
        base,
        zipped: false,
        faults: Vec::new(),
    };
    match target.service {
        Service::Packaged(format) => {
            let Some(title) = library.titles.get(&target.asset) else {
                return no_such(library, &target, "no such title: / lists what there is");
            };
            let title = match library.made(&target.asset, title, &target.options) {
                Ok(title) => title,
                Err((status, what)) => return bare(status, Vec::new(), Some(what)),
            };
            let mut programme = Programme::new(&title, &target.asset, &target.options, format);
            let mut hold = Duration::ZERO;
            if let Some(live) = &target.options.live {
                if !Live::can_repeat(&title) {
                    return bare(400, Vec::new(), Some("this title cannot go on: its renditions are not equally long, or not cut into as many segments"));
                }
                if let Some(what) = live.uncut(&title) {
                    return bare(400, Vec::new(), Some(what));
                }
                let now = request.moment();
                let Some(edge) = live.at(now) else {
                    return bare(404, Vec::new(), Some("the programme has not begun"));
                };
                if is_manifest(&target.file) {
                    match manifest_at(programme, live, &target, request) {
                        Ok((then, later)) => (programme, hold) = (then, later),
                        Err(response) => return *response,
                    }
                } else {
                    programme = programme.live(edge.of_media());
                }
            }
            match asked_for_keys(&title, &target, request) {
                Ok(None) => {}
                Ok(Some(keys)) => return answer(title.digest, Some(programme), None).give_keys(keys),
                Err(response) => return *response,
            }
            match patch(&programme, &target, request) {
                None => {}
                Some(Ok(resource)) => return answer(title.digest, Some(programme), None).give(resource),
                Some(Err(response)) => return *response,
            }
            match resource(&programme, format, &target) {
                Some((base, resource)) => {
                    let mut response = answer(title.digest, Some(programme), base).give(resource);
                    response.delivery.hold += hold;
                    response
                }
                None => bare(404, Vec::new(), Some("no such file in this title")),
            }
        }
        Service::Plain => {
            let Some(folder) = library.folders.get(&target.asset) else {
                return no_such(library, &target, "no such folder: / lists what there is");
            };
            if target.file == LICENCE[1..] {
                let Some(keys) = folder.keys_file() else {
                    return bare(404, Vec::new(), Some("the folder has no keys.json: there are no keys to give"));
                };
                let Some(keys) = read_keys_file(&keys) else {
                    let what = "keys.json is not a list of keys: [{\"kid\",\"key\"}], 32 hexadecimal digits each";
                    return bare(500, Vec::new(), Some(what));
                };
                return match licence_answer(&keys, &target.options.protection.access, request) {
                    Ok(keys) => answer(folder.digest(), None, None).give_keys(keys),
                    Err(response) => *response,
                };
            }
            match folder.find(&target.file, request.accepts_gzip && request.range.is_none()) {
                Some(Found::File(resource, digest, zipped)) => {
                    Answer { zipped, ..answer(digest, None, None) }.give(resource)
                }
                Some(Found::Folder(names)) => whole("text/plain; charset=utf-8", Body::from(names.join("\n") + "\n")),
                None => bare(404, Vec::new(), Some("no such file in this folder")),
            }
        }
    }
}

/// Whether a file of a title says what there is, and changes.
fn is_manifest(file: &str) -> bool {
    file.rsplit_once('.').is_some_and(|(_, extension)| matches!(extension, "m3u8" | "mpd" | "xml" | "mpp"))
}

/// A live programme as a manifest tells of it: when it has what the query asks for, and how much later that is.
fn manifest_at<'a>(
    programme: Programme<'a>,
    live: &Live,
    target: &Target,
    request: &Request<'_>,
) -> Result<(Programme<'a>, Duration), Box<Response>> {
    let refused = |status, what| Box::new(bare(status, Vec::new(), Some(what)));
    let now = request.moment();
    let seen = |moment| live.at(moment).ok_or_else(|| refused(404, "the programme has not begun"));
    let stale = seen(live.seen(now))?;
    let usual = |programme: Programme<'a>| Ok((programme.live(seen(live.seen_again(now))?), Duration::ZERO));
    let listens = live.blocks() || live.skips() != Skips::None;
    let Some((track, parts)) =
        playlist_of(&programme, &target.file).filter(|_| programme.format == Format::Hls && listens)
    else {
        return usual(programme);
    };
    let directives = Directives::read(request).map_err(|what| refused(400, what))?;
    let directives = if parts { directives } else { directives.of_segments() };
    // What was not offered is not left out.
    let skip = if live.skips() == Skips::Segments { directives.skip.min(Skips::Segments) } else { directives.skip };
    let programme = programme.without(skip);
    if !live.blocks() || !directives.wait() {
        return usual(programme);
    }
    let at = match due(&programme.live(stale), &stale, track, &directives) {
        Due::Now => return Ok((programme.live(stale), Duration::ZERO)),
        Due::At(at) => at,
        Due::Beyond => return Err(refused(400, "what is asked for lies too far ahead")),
    };
    // While manifests are stale nobody sees it.
    let Moment(then) = live.clears(Moment(stale.on_the_clock(at).0.max(now.0)));
    let wait = then - now.0;
    let longest = 3000 * crate::hls::target(track);
    if wait > longest {
        let mut response = refused(503, "what is asked for did not come in time");
        response.delivery.hold = Duration::from_millis(longest);
        return Err(response);
    }
    Ok((programme.live(seen(Moment(then))?), Duration::from_millis(wait)))
}

/// The patch of an MPD that a player has, by when it was published; None where none is asked for.
fn patch(programme: &Programme<'_>, target: &Target, request: &Request<'_>) -> Option<Result<Resource, Box<Response>>> {
    let (live, edge) = target.options.live.as_ref().zip(programme.edge)?;
    let ttl = live.patch.filter(|_| programme.format == Format::Dash)?;
    let addressing = patched(programme, &target.file)?;
    let refused = |status, what| Some(Err(Box::new(bare(status, Vec::new(), Some(what)))));
    let published = request.parameter("publishTime").map(percent_decoded);
    let Some(published) = published.and_then(|published| Moment::read(&published)) else {
        return refused(400, "publishTime=<MPD@publishTime> is required");
    };
    if published.0 >= edge.now.0 {
        return refused(425, "there is no newer MPD yet");
    }
    let Some(before) = live.at(published).filter(|_| edge.now.0 - published.0 <= ttl * 1000) else {
        return refused(404, "there is no patch of an MPD that is so old");
    };
    let (before, after) = (mpd(&programme.live(before), addressing), mpd(programme, addressing));
    match dash_patch(&before, &after) {
        Some(text) => Some(Ok(Resource::text(Class::Manifest, "mpp", "", text))),
        None => refused(500, "no patch can be made of these MPDs"),
    }
}

/// The answer where an asset is not served: it is an option that there is not if one that is served stands behind it.
fn no_such(library: &Library, target: &Target, what: &str) -> Response {
    let served = |name: &str| match target.service {
        Service::Packaged(_) => library.titles.contains_key(name),
        Service::Plain => library.folders.contains_key(name),
    };
    match target.asset.contains('_') && target.file.split('/').any(served) {
        true => bare(400, Vec::new(), Some(&unknown_option(&target.asset))),
        false => bare(404, Vec::new(), Some(what)),
    }
}

/// A path as a URL carries it: what is not plain is percent-encoded, slashes are kept.
fn encoded(path: &str) -> String {
    path.bytes().fold(String::with_capacity(path.len()), |mut out, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
        out
    })
}

fn whole(content_type: &str, body: Body) -> Response {
    let headers = vec![("content-type", content_type.to_owned()), ("content-length", body.len().to_string())];
    Response { status: 200, headers, body, delivery: Delivery::default(), fault: None, keys: None }
}

/// What the origin serves, for a person who opens it in a browser.
fn index(library: &Library) -> String {
    let mut out = String::from("Telecine origin\n\n");
    for asset in library.assets() {
        for file in ["number", "time", "timeline-number", "list", "ondemand"] {
            out.push_str(&format!("/dash/{asset}/{file}.mpd\n"));
        }
        out.push_str(&format!("/hls/{asset}/main.m3u8\n"));
    }
    for name in library.folders.keys() {
        out.push_str(&format!("/files/{}/\n", encoded(name)));
        for path in library.manifests(name).iter().filter(|path| path.starts_with("/files/")) {
            out.push_str(&format!("{path}\n"));
        }
    }
    for (name, what) in crate::bad::BAD {
        out.push_str(&format!("/bad/{name}  {what}\n"));
    }
    out
}

/// Where the next hop of a redirect goes.
fn redirect(request: &Request<'_>, target: &Target) -> Option<String> {
    match target.options.faults.redirect {
        Redirect::None => None,
        Redirect::Hops(left) => {
            let path = request.path.replacen(&format!("/redir_{left}/"), &format!("/redir_{}/", left - 1), 1);
            Some(with_query(path, request.query))
        }
        // Each hop has its own URL, so that a client cannot stop at one it has seen.
        Redirect::Loop => {
            let hop: u64 = request.parameter("hop").and_then(|hop| hop.parse().ok()).unwrap_or(0);
            Some(format!("{}?hop={}", request.path, hop.wrapping_add(1)))
        }
    }
}

fn with_query(path: String, query: Option<&str>) -> String {
    match query {
        Some(query) => format!("{path}?{query}"),
        None => path,
    }
}

/// The path of the manifest of a title.
pub(crate) fn manifest_path(format: Format, asset: &str) -> String {
    match format {
        Format::Hls => format!("/hls/{asset}/main.m3u8"),
        Format::Dash => format!("/dash/{asset}/time.mpd"),
    }
}
