//! The pure function from a request to a response.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use crate::bad::{bad, Bad};
use crate::body::{Body, Part};
use crate::dash::{mpd, patch as dash_patch};
use crate::fault::{ByteFaultKind, Class, Draws, Redirect, Subject};
use crate::files::{Folder, Found};
use crate::live::{Live, Moment, Skips};
use crate::low_latency::{due, Directives, Due};
use crate::network::Network;
use crate::options::{
    can_be_asset, percent_decoded, query_fault, target, unknown_option, Format, Options, Refused, Service, Target,
};
use crate::programme::Programme;
use crate::protect::{
    hex, keys_file, licence, protected, read_keys_file, title_keys, Access, Decision, KeyFormat, KeyName, KnownKey,
    Protection,
};
use crate::request::{Delivery, End, Keys, Method, Request, Response};
use crate::resource::{patched, playlist_of, resource, Names, Resource};
use crate::title::join::joined;
use crate::title::{fnv, Title, TitleError, FNV};

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
            match folder.find(&target.file) {
                Some(Found::File(resource, digest)) => answer(digest, None, None).give(resource),
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

/// What is answered to who asks for a key, for a licence, or for the list of keys; None for other files.
fn asked_for_keys(title: &Title, target: &Target, request: &Request<'_>) -> Result<Option<KeysAnswer>, Box<Response>> {
    let protection = &target.options.protection;
    let not_found = |what: &str| Err(Box::new(bare(404, Vec::new(), Some(what))));
    let of = KeysAnswer::new;
    if protection.scheme.is_none() {
        let keys = matches!(target.file.as_str(), "license" | "keys.json") || target.file.starts_with("key/");
        return if keys { not_found("the title is clear: there are no keys") } else { Ok(None) };
    }
    let decision = protection.access.decide(request);
    match target.file.as_str() {
        "keys.json" => {
            let list = Bytes::from(keys_file(title, protection));
            Ok(Some(of("application/json", list, Keys::default(), Decision::Granted)))
        }
        "license" => {
            let keys = title_keys(title, protection);
            licence_answer(&keys, &protection.access, request).map(Some)
        }
        file => {
            let Some(stem) = file.strip_prefix("key/").and_then(|name| name.strip_suffix(".bin")) else {
                return Ok(None);
            };
            let known = protection.keys(title);
            let position = KeyName::read(stem).and_then(|name| known.iter().position(|known| *known == name));
            let Some((position, name)) = position.and_then(|at| Some((at, known.get(at)?))) else {
                return not_found("no such key");
            };
            let asked = vec![hex(&name.kid())];
            match protection.access.key(name.key(), position as u64) {
                Some(key) => {
                    let mut bytes = key.to_vec();
                    if protection.access.long {
                        bytes.push(0);
                    }
                    let keys = Keys { given: asked.clone(), asked };
                    Ok(Some(of("application/octet-stream", Bytes::from(bytes), keys, decision)))
                }
                None => Ok(Some(of(
                    "text/plain",
                    Bytes::new(),
                    Keys { asked, given: Vec::new() },
                    Decision::Refused(404, "a missing key"),
                ))),
            }
        }
    }
}

/// An answer about keys in the making.
struct KeysAnswer {
    resource: Resource,
    keys: Keys,
    decision: Decision,
}

impl KeysAnswer {
    fn new(content_type: &'static str, body: Bytes, keys: Keys, decision: Decision) -> Self {
        Self { resource: Resource::new(Class::Key, content_type, "", vec![Part::Bytes(body)]), keys, decision }
    }
}

/// What a licence server that has these keys answers.
fn licence_answer(known: &[KnownKey], access: &Access, request: &Request<'_>) -> Result<KeysAnswer, Box<Response>> {
    let Some(licence) = licence(known, access, request.body) else {
        return Err(Box::new(bare(400, Vec::new(), Some("not a licence request of ClearKey"))));
    };
    let keys = Keys { asked: licence.asked, given: licence.given };
    Ok(KeysAnswer::new("application/json", Bytes::from(licence.json), keys, access.decide(request)))
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

/// The bytes of one request, in a resource.
enum Wanted {
    All,
    Some(Range<u64>),
    /// Nothing of the resource.
    Beyond,
}

/// Texts beyond this are sent as they are: compressing takes them into memory.
const MOST_COMPRESSED: u64 = 64 << 20;

/// One answer in the making.
struct Answer<'a> {
    library: &'a Library,
    request: &'a Request<'a>,
    target: &'a Target,
    /// Changes when the bytes behind the path do.
    digest: u64,
    /// The title that was packaged.
    programme: Option<Programme<'a>>,
    base: Option<u64>,
    /// The faults that were applied.
    faults: Vec<String>,
}

impl Answer<'_> {
    /// Keys for who may have them.
    fn give_keys(self, asked: KeysAnswer) -> Response {
        let delay = Duration::from_millis(self.target.options.protection.access.delay_ms);
        let mut response = match asked.decision {
            Decision::Granted => self.give(asked.resource),
            Decision::Refused(status, why) => {
                let challenge = (status == 401).then(|| ("www-authenticate", "Bearer".to_owned()));
                self.delivered(bare(status, challenge.into_iter().collect(), Some(why)), Delivery::default())
            }
        };
        response.delivery.head_delay += delay;
        response.headers.push(("cache-control", "no-store".to_owned()));
        let given = if response.status < 300 { asked.keys.given } else { Vec::new() };
        response.keys = Some(Keys { given, ..asked.keys });
        response
    }

    fn give(mut self, resource: Resource) -> Response {
        let faults = &self.target.options.faults;
        let class = resource.class;
        let text = matches!(class, Class::Manifest | Class::Text);
        let gzip_wanted = self.request.range.is_none() && (self.request.accepts_gzip || faults.gzip);
        let compressed = text && gzip_wanted && resource.length() <= MOST_COMPRESSED;
        let edge = self.programme.and_then(|programme| programme.edge).filter(|_| class == Class::Manifest);
        let etag = self.etag(compressed, edge.map_or(0, |edge| edge.digest()));
        let content_type = match &faults.mime {
            Some(mime) => {
                self.faults.push("mime".to_owned());
                mime.clone()
            }
            None => resource.content_type.to_owned(),
        };
        let asked = self.wanted(&resource, &etag);
        let first = match &asked {
            Wanted::Some(range) => range.start,
            Wanted::All | Wanted::Beyond => 0,
        };
        if let Some(response) = self.status_fault(&resource, first) {
            return self.delivered(response, Delivery::default());
        }
        if resource.gap {
            return self.delivered(bare(404, Vec::new(), Some("a gap")), Delivery::default());
        }
        if self.request.if_none_match.is_some_and(|known| known == "*" || known.split(", ").any(|tag| tag == etag)) {
            return self.delivered(bare(304, vec![("etag", etag)], None), Delivery::default());
        }
        let mut headers = vec![("content-type", content_type), ("etag", etag)];
        if !faults.no_range {
            headers.push(("accept-ranges", "bytes".to_owned()));
        }
        let total = resource.length();
        let wait = resource.wait(first);
        let waits = |bytes: &Range<u64>| {
            let later = resource.pieces.iter().filter(|(piece, later)| bytes.contains(&piece.start) && *later > wait);
            later.map(|(piece, later)| (piece.start - bytes.start, Duration::from_millis(*later))).collect::<Vec<_>>()
        };
        let growing = resource.pieces.last().is_some_and(|(_, last)| *last > wait);
        let (status, range) = match asked {
            Wanted::All => (200, 0..total),
            // What was not hinted at nobody knows of.
            Wanted::Some(range) if range.start >= resource.askable() => {
                headers.push(("content-range", "bytes */*".to_owned()));
                return self.delivered(bare(416, headers, None), Delivery::default());
            }
            Wanted::Some(range) => {
                // Of what grows the length is not known, and an end that lies behind it stays as it was asked for
                // (RFC 8673, 2.2).
                let last = self.last_asked().filter(|last| growing && *last >= total).unwrap_or(range.end - 1);
                let total = if growing { "*".to_owned() } else { total.to_string() };
                headers.push(("content-range", format!("bytes {}-{last}/{total}", range.start)));
                (206, range)
            }
            Wanted::Beyond => {
                headers.push(("content-range", format!("bytes */{total}")));
                return self.delivered(bare(416, headers, None), Delivery::default());
            }
        };
        let mut delivery = self.byte_faults(&resource, &range);
        delivery.hold = Duration::from_millis(wait);
        delivery.pieces = waits(&range);
        // Where it ends is known of what was asked for up to an end, and of what is there.
        let known = delivery.pieces.is_empty() || self.last_asked().is_some_and(|last| last < total);
        let mut body = self.body(resource).slice(range.clone());
        if compressed {
            if faults.gzip {
                self.faults.push("enc_gzip".to_owned());
            }
            body = Body::from(gzip(&body.into_bytes()));
            headers.push(("content-encoding", "gzip".to_owned()));
        }
        if text {
            headers.push(("vary", "accept-encoding".to_owned()));
        }
        if edge.is_some() {
            headers.push(("cache-control", "no-cache".to_owned()));
        }
        if known {
            headers.push(("content-length", body.len().to_string()));
        }
        self.delivered(
            Response { status, headers, body, delivery: Delivery::default(), fault: None, keys: None },
            delivery,
        )
    }

    /// A strong validator: what the body depends on, hashed; encodings differ in it (RFC 9110, 8.8.3.3).
    fn etag(&self, compressed: bool, moment: u64) -> String {
        let digest = self.digest.wrapping_add(moment << 1) ^ u64::from(compressed);
        let hash = fnv(fnv(FNV, &digest.to_be_bytes()), self.request.path.as_bytes());
        format!("\"{:016x}\"", fnv(hash, &self.seed().to_be_bytes()))
    }

    fn seed(&self) -> u64 {
        self.target.options.faults.seed.unwrap_or(self.library.seed)
    }

    /// The range asked for (RFC 9110, 14.2): one range of bytes; anything else is ignored.
    fn wanted(&mut self, resource: &Resource, etag: &str) -> Wanted {
        let Some(range) = self.request.range else {
            return Wanted::All;
        };
        if self.target.options.faults.no_range {
            self.faults.push("norange".to_owned());
            return Wanted::All;
        }
        if self.request.if_range.is_some_and(|known| known != etag) {
            return Wanted::All;
        }
        let total = resource.length();
        let Some((first, last)) = range.strip_prefix("bytes=").and_then(|range| range.trim().split_once('-')) else {
            return Wanted::All;
        };
        let asked = match (first.parse::<u64>(), last.parse::<u64>()) {
            (Ok(first), Ok(last)) if first <= last => first..last.saturating_add(1).min(total),
            (Ok(first), Err(_)) if last.is_empty() => first..total,
            (Err(_), Ok(suffix)) if first.is_empty() => total.saturating_sub(suffix)..total,
            _ => return Wanted::All,
        };
        if asked.start < asked.end {
            Wanted::Some(asked)
        } else {
            Wanted::Beyond
        }
    }

    /// The last byte of the range asked for, where it has one.
    fn last_asked(&self) -> Option<u64> {
        let (first, last) = self.request.range?.strip_prefix("bytes=")?.trim().split_once('-')?;
        last.parse().ok().filter(|_| !first.is_empty())
    }

    fn subject<'r>(&self, resource: &'r Resource) -> Subject<'r> {
        Subject {
            class: resource.class,
            rendition: &resource.rendition,
            by_path: resource.names == Names::Path,
            base: self.base,
            attempt: self.request.attempt,
        }
    }

    /// The scripted status of a request whose first byte is `first`.
    fn status_fault(&mut self, resource: &Resource, first: u64) -> Option<Response> {
        let subject = self.subject(resource);
        let segment = resource.segments.iter().rfind(|(_, bytes)| bytes.start <= first).map(|(n, _)| *n);
        let in_cycle = |cycle: Option<u64>| {
            let n = segment?;
            let first = |seconds| self.programme.as_ref().map_or(0, |p| resource.first_in_cycle(p, n, seconds));
            Some(n - cycle.map_or(0, first))
        };
        let fault = self.target.options.faults.status.iter().find(|fault| fault.hits(&subject, in_cycle))?;
        let headers = fault.retry.map(|seconds| ("retry-after", seconds.to_string())).into_iter().collect();
        self.faults.push(format!("statuscode {}", fault.code));
        Some(bare(fault.code, headers, Some("a scripted fault")))
    }

    /// Where in the body of a request the byte faults of its segments strike.
    fn byte_faults(&mut self, resource: &Resource, range: &Range<u64>) -> Delivery {
        let subject = self.subject(resource);
        let mut delivery = Delivery::default();
        let mut applied = Vec::new();
        for fault in &self.target.options.faults.bytes {
            for (_, bytes) in resource.segments.iter().filter(|(n, _)| fault.hits(&subject, *n)) {
                let at = match fault.kind {
                    ByteFaultKind::Cut | ByteFaultKind::Short => bytes.start.saturating_add(fault.amount),
                    ByteFaultKind::StallHead => bytes.start.max(range.start),
                    ByteFaultKind::StallBody => bytes.start + (bytes.end - bytes.start) / 2,
                    ByteFaultKind::Flip => continue,
                };
                // A position behind the segment is none, and what a request resumes behind has happened already.
                let resumed = fault.kind.ends_the_body() && fault.amount > 0 && at == range.start;
                if at >= bytes.end || !range.contains(&at) || resumed {
                    continue;
                }
                applied.push(format!("{}@{}", fault.kind.name(), fault.amount));
                let (at, pause) = (at - range.start, Duration::from_millis(fault.amount));
                match fault.kind {
                    ByteFaultKind::StallHead if at == 0 => delivery.head_delay = pause,
                    // Within a longer body, the head of a segment is where the segment starts.
                    ByteFaultKind::StallHead | ByteFaultKind::StallBody => delivery.stall = Some((at, pause)),
                    ByteFaultKind::Cut => delivery.end = Some((at, End::Reset)),
                    ByteFaultKind::Short => delivery.end = Some((at, End::Close)),
                    ByteFaultKind::Flip => {}
                }
            }
        }
        self.faults.extend(applied);
        delivery
    }

    /// The bytes of the resource, corrupted where the URL says so.
    fn body(&mut self, resource: Resource) -> Body {
        let subject = self.subject(&resource);
        let mut flips = BTreeMap::new();
        for fault in self.target.options.faults.bytes.iter().filter(|f| f.kind == ByteFaultKind::Flip) {
            for (n, bytes) in resource.segments.iter().filter(|(n, _)| fault.hits(&subject, *n)) {
                flips.insert(bytes.start, (*n, fault.amount));
            }
        }
        let mut at = 0;
        let mut parts = Vec::with_capacity(resource.parts.len());
        for part in resource.parts {
            let length = part.len();
            parts.push(match flips.get(&at) {
                Some((n, count)) => {
                    self.faults.push(format!("flip@{count}"));
                    let seed = fnv(self.seed(), resource.rendition.as_bytes()) ^ *n;
                    flipped(part, *count, seed)
                }
                None => part,
            });
            at += length;
        }
        Body::of(parts)
    }

    /// What applies to every response: delay, pace, and the list of faults.
    fn delivered(self, response: Response, mut delivery: Delivery) -> Response {
        let faults = &self.target.options.faults;
        delivery.head_delay += Duration::from_millis(faults.delay_ms);
        delivery.pace = match (faults.rate, &faults.trace) {
            (Some(rate), _) => Some((Network::constant(rate, Duration::ZERO), Duration::ZERO)),
            (None, Some(name)) => {
                let at = Duration::from_millis(self.request.now());
                self.library.traces.get(name).map(|trace| (trace.clone(), at))
            }
            (None, None) => None,
        };
        let fault = (!self.faults.is_empty()).then(|| self.faults.join(","));
        Response { delivery, fault, ..response }
    }
}

/// Most bytes that one fault corrupts.
const MOST_FLIPS: u64 = 1 << 20;

/// `count` bytes changed, at places and to values drawn from a seed.
fn flipped(part: Part, count: u64, seed: u64) -> Part {
    let length = part.len();
    let mut draws = Draws::new(seed);
    let flips = (0..count.min(length).min(MOST_FLIPS)).map(|_| {
        let at = draws.next() % length;
        (at, (draws.next() % 255) as u8 + 1)
    });
    match part {
        // A file may be larger than memory: its bytes change as they are read.
        Part::File { file, length, .. } => {
            let mut all = BTreeMap::new();
            for (at, flip) in flips {
                *all.entry(at).or_insert(0) ^= flip;
            }
            Part::File { file, length, flips: all.into_iter().collect() }
        }
        part => {
            let flips: Vec<_> = flips.collect();
            let mut bytes = BytesMut::from(Body::of([part]).into_bytes());
            for (at, flip) in flips {
                bytes[at as usize] ^= flip;
            }
            Part::Bytes(bytes.freeze())
        }
    }
}

fn gzip(bytes: &[u8]) -> Bytes {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    // Writing to memory does not fail.
    let _ = encoder.write_all(bytes);
    Bytes::from(encoder.finish().unwrap_or_default())
}

/// The path of the manifest of a title.
pub(crate) fn manifest_path(format: Format, asset: &str) -> String {
    match format {
        Format::Hls => format!("/hls/{asset}/main.m3u8"),
        Format::Dash => format!("/dash/{asset}/time.mpd"),
    }
}
