//! The origin on a socket: HTTP/1.1 and HTTP/2 without TLS, over the shaped network.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Collected, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{HeaderMap, HeaderName};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, sleep_until, Instant};

use crate::body::Body;
use crate::log::{Journal, LogEntry, Ticket};
use crate::network::{Flow, Link, Network};
use crate::options::Format;
use crate::request::{Delivery, End, Method, Request, NOW_MS};
use crate::respond::{manifest_path, respond, Library};
use crate::title::Title;

/// What an origin serves, and how.
pub struct OriginConfig {
    /// The title under the asset name `demo`.
    pub title: Title,
    /// Folders that are served too, each with its asset name: see [`Library::with_folders`].
    pub folders: Vec<(String, PathBuf)>,
    /// Networks that the option `trace_<name>` can name.
    pub traces: Vec<(String, Network)>,
    /// The network that all connections share.
    pub network: Network,
    /// Where every draw starts.
    pub seed: u64,
    /// Takes each request as a JSON line when it has ended.
    pub log: Option<Box<dyn Write + Send>>,
}

impl Default for OriginConfig {
    fn default() -> Self {
        Self {
            title: Title::demo(),
            folders: Vec::new(),
            traces: Vec::new(),
            network: Network::unshaped(),
            seed: 0,
            log: None,
        }
    }
}

/// A running origin. Dropping it stops it.
pub struct Origin {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

struct Shared {
    library: Library,
    journal: Arc<Journal>,
    link: RwLock<Option<Arc<Link>>>,
    seed: u64,
    attempts: Mutex<HashMap<String, u32>>,
}

impl Origin {
    /// Starts an origin on an address; port 0 takes a free one.
    ///
    /// # Errors
    /// The address cannot be bound, or a folder is not a title.
    pub async fn start(address: SocketAddr, config: OriginConfig) -> io::Result<Self> {
        let library = Library::new(config.title, config.seed).with_traces(config.traces);
        let library = library.with_folders(&config.folders);
        let library = library.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            library,
            journal: Arc::new(Journal::new(Instant::now(), config.log)),
            link: RwLock::new(Link::new(config.network, config.seed, Duration::ZERO).map(Arc::new)),
            seed: config.seed,
            attempts: Mutex::default(),
        });
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(accept(listener, shared.clone(), stopped));
        Ok(Self { address, shared, stop: Some(stop), task })
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://<address>`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The manifest of the demo title.
    pub fn demo_url(&self, format: Format) -> String {
        self.url() + &manifest_path(format, "demo")
    }

    /// The URLs of the manifests of a folder or title, by its asset name: see [`Library::manifests`].
    pub fn manifests(&self, name: &str) -> Vec<String> {
        self.shared.library.manifests(name).iter().map(|path| self.url() + path).collect()
    }

    /// The requests so far, in the order they came, those under way included.
    pub fn log(&self) -> Vec<LogEntry> {
        self.shared.journal.entries()
    }

    /// Puts another network in place. Responses that are under way continue on it; a trace starts with its first use.
    pub fn set_network(&self, network: Network) {
        let link = Link::new(network, self.shared.seed, Duration::ZERO).map(Arc::new);
        *self.shared.link.write().unwrap_or_else(PoisonError::into_inner) = link;
    }

    /// Stops: connections are closed, and when this returns nothing of the origin runs any more.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        // The task ends by itself; a panic in it has been reported by the runtime.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, mut stopped: oneshot::Receiver<()>) {
    let mut connections = JoinSet::new();
    let mut number = 0;
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, shared.clone(), number));
                    number += 1;
                }
                // Out of file handles, or a client that is gone already: neither ends the service.
                Err(_) => sleep(Duration::from_millis(10)).await,
            }
        }
    }
    connections.shutdown().await;
}

async fn connection(stream: TcpStream, shared: Arc<Shared>, number: u64) {
    let _ = stream.set_nodelay(true);
    // The handshake of TCP: the kernel answered it at once, a distant host would not have.
    if let Some(link) = shared.link() {
        sleep(link.rtt()).await;
    }
    let reset = Arc::new(AtomicBool::new(false));
    let socket = TokioIo::new(Socket { stream, reset: reset.clone() });
    let service = service_fn(|request| serve(shared.clone(), number, reset.clone(), request));
    // An error is a client that went away, or a fault that did its work.
    let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(socket, service).await;
}

impl Shared {
    fn link(&self) -> Option<Arc<Link>> {
        self.link.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How often the path was asked for before; counted only where it matters.
    fn attempt(&self, path: &str) -> u32 {
        if !self.library.counts_attempts(path) {
            return 0;
        }
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = attempts.entry(path.to_owned()).or_default();
        let before = *count;
        *count = count.saturating_add(1);
        before
    }
}

/// Most bytes of a licence request.
const LONGEST_REQUEST: usize = 65_536;

type Sent = hyper::Response<UnsyncBoxBody<Bytes, io::Error>>;

async fn serve(
    shared: Arc<Shared>,
    connection: u64,
    reset: Arc<AtomicBool>,
    request: hyper::Request<Incoming>,
) -> Result<Sent, Infallible> {
    let (arrived, unix_ms) = (Instant::now(), unix_ms());
    let text = |name: &str| header(request.headers(), name);
    let uri = request.uri();
    let ticket = shared.journal.open(LogEntry {
        connection,
        protocol: format!("{:?}", request.version()),
        method: request.method().to_string(),
        path: uri.path().to_owned(),
        query: uri.query().map(str::to_owned),
        range: text("range"),
        user_agent: text("user-agent"),
        cmcd: cmcd(request.headers()),
        ..LogEntry::default()
    });
    let authorization = text("authorization");
    let told_ms = text(NOW_MS).and_then(|moment| moment.parse().ok());
    let encodings = text("accept-encoding");
    let method = request.method().clone();
    let (path, query) = (uri.path().to_owned(), uri.query().map(str::to_owned));
    let (range, if_range, if_none_match) = (text("range"), text("if-range"), text("if-none-match"));
    // Only licence requests have a body that matters; one that is too long, or breaks off, is none.
    let body = match method {
        hyper::Method::POST => Limited::new(request.into_body(), LONGEST_REQUEST).collect().await,
        _ => Ok(Collected::default()),
    };
    let body = body.map(Collected::to_bytes).unwrap_or_default();
    let asked = Request {
        method: match method {
            hyper::Method::GET => Method::Get,
            hyper::Method::HEAD => Method::Head,
            hyper::Method::OPTIONS => Method::Options,
            hyper::Method::POST => Method::Post,
            _ => Method::Other,
        },
        path: &path,
        query: query.as_deref(),
        authorization: authorization.as_deref(),
        body: &body,
        range: range.as_deref(),
        if_range: if_range.as_deref(),
        if_none_match: if_none_match.as_deref(),
        accepts_gzip: encodings.is_some_and(|encodings| accepts_gzip(&encodings)),
        now_ms: ticket.time_ms(),
        unix_ms,
        told_ms,
        attempt: shared.attempt(&path),
    };
    let response = respond(&shared.library, &asked);
    let rtt = shared.link().map_or(Duration::ZERO, |link| link.rtt());
    if !response.delivery.hold.is_zero() {
        sleep_until(arrived + response.delivery.hold).await;
    }
    pause(rtt + response.delivery.head_delay).await;
    ticket.answered(response.status, response.fault, response.keys);
    let mut sent = hyper::Response::builder().status(response.status);
    for (name, value) in &response.headers {
        sent = sent.header(*name, value);
    }
    let (at, pace) = response.delivery.pace.clone().map_or((Duration::ZERO, None), |(network, at)| (at, Some(network)));
    let pump = Pump {
        body: response.body,
        sent: 0,
        pace: pace.and_then(|network| Link::new(network, shared.seed, at)),
        flows: [Flow::default(); 2],
        delivery: response.delivery,
        shared,
        ticket,
        reset,
        arrived,
        over: false,
    };
    let body = StreamBody::new(stream::unfold(pump, Pump::next)).boxed_unsync();
    // The parts are our own constants and clean values; if one were not, a bare error is the honest answer.
    Ok(sent.body(body).unwrap_or_else(|_| {
        let mut broken = Sent::new(http_body_util::Empty::new().map_err(|never| match never {}).boxed_unsync());
        *broken.status_mut() = hyper::StatusCode::INTERNAL_SERVER_ERROR;
        broken
    }))
}

/// Sleeps. Timers count milliseconds, so that even no time at all would take one.
async fn pause(span: Duration) {
    if !span.is_zero() {
        sleep(span).await;
    }
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

fn cmcd(headers: &HeaderMap) -> BTreeMap<String, String> {
    let is_cmcd = |name: &&HeaderName| name.as_str().starts_with("cmcd-");
    headers
        .keys()
        .filter(is_cmcd)
        .filter_map(|name| Some((name.to_string(), header(headers, name.as_str())?)))
        .collect()
}

/// Whether a list of encodings has gzip, and not with weight 0 (RFC 9110, 12.5.3).
fn accepts_gzip(encodings: &str) -> bool {
    encodings.split(',').any(|encoding| {
        let (name, weight) = encoding.split_once(';').unwrap_or((encoding, ""));
        let weight: String = weight.split_whitespace().collect();
        matches!(name.trim(), "gzip" | "x-gzip") && !matches!(weight.as_str(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
    })
}

/// How much of an unshaped body is handed over in one go.
const UNSHAPED: usize = 65_536;
/// How long bytes before a cut have to leave the machine.
const LEAVE: Duration = Duration::from_millis(50);

/// A body on its way, at the pace of the network and with its faults.
struct Pump {
    body: Body,
    sent: u64,
    delivery: Delivery,
    pace: Option<Link>,
    /// On the shared network, and on its own pace.
    flows: [Flow; 2],
    shared: Arc<Shared>,
    ticket: Ticket,
    reset: Arc<AtomicBool>,
    /// When the request did.
    arrived: Instant,
    over: bool,
}

impl Pump {
    async fn next(mut self) -> Option<(Result<Frame<Bytes>, io::Error>, Self)> {
        if self.over {
            return None;
        }
        if let Some((_, pause)) = self.delivery.stall.take_if(|(at, _)| *at <= self.sent) {
            sleep(pause).await;
        }
        // A piece that is not there yet, and everything behind it.
        let due = self.delivery.pieces.partition_point(|(at, _)| *at <= self.sent);
        if let Some((_, due)) = self.delivery.pieces.drain(..due).next_back() {
            sleep_until(self.arrived + due).await;
        }
        let mut most = self.delivery.pieces.first().map_or(u64::MAX, |(at, _)| at - self.sent);
        match self.delivery.end {
            Some((at, end)) if at <= self.sent => {
                sleep(LEAVE).await;
                if end == End::Close {
                    return None;
                }
                self.reset.store(true, Ordering::Release);
                self.over = true;
                return Some((Err(io::ErrorKind::ConnectionReset.into()), self));
            }
            Some((at, _)) => most = most.min(at - self.sent),
            None => {}
        }
        if let Some((at, _)) = self.delivery.stall {
            most = most.min(at.saturating_sub(self.sent));
        }
        let link = self.shared.link();
        let links = [link.as_deref(), self.pace.as_ref()];
        let quantum = links.iter().flatten().map(|link| link.quantum()).min().unwrap_or(UNSHAPED);
        let Some(chunk) = self.body.next_chunk(quantum.min(usize::try_from(most).unwrap_or(usize::MAX))) else {
            // Unless a file became shorter meanwhile, which the client sees as a body that ends too early.
            if self.body.is_empty() {
                self.ticket.complete();
            }
            return None;
        };
        for (link, flow) in links.into_iter().zip(&mut self.flows) {
            if let Some(link) = link {
                link.carry(chunk.len(), flow).await;
            }
        }
        self.sent += chunk.len() as u64;
        self.ticket.sent(chunk.len() as u64);
        if self.body.is_empty() {
            // A transport that has its announced length does not ask again.
            self.ticket.complete();
        }
        Some((Ok(Frame::data(chunk)), self))
    }
}

/// A socket that can end with a reset instead of a farewell.
struct Socket {
    stream: TcpStream,
    reset: Arc<AtomicBool>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.reset.load(Ordering::Acquire) {
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.reset.load(Ordering::Acquire) {
            // A farewell before the reset would look like a clean end.
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// Milliseconds since 1970; zero on a machine whose clock is before that.
fn unix_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
