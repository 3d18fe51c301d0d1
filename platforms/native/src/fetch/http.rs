//! HTTP/1.1 and HTTP/2 through reqwest, with our own redirects, ranges and limits.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{self, HeaderMap, HeaderName};
use reqwest::{Url, Version};
use rustls_platform_verifier::BuilderVerifierExt as _;
use telecine_engine::{FetchRequest, RequestClass, ResponseHead, Validators};
use telecine_model::{uri, ByteRange, Error, ErrorCode, HttpVersion, WallTime};
use telecine_virtual::Failure;
use tokio::time::{sleep_until, timeout, timeout_at, Instant};

use super::body::{beyond, BodyPlan};
use super::failure::{self, DnsError};
use super::headers::{self, AppHeaders};
use super::modelled::Modelled;
use super::{Out, Stop};

/// Of the body of an error status, no more than this is read: services explain themselves there,
/// and nobody needs the rest.
const ERROR_BODY_MAX: u64 = 64 << 10;

/// What has to be read past in front of a part comes at least this fast, in bytes a second (1 Mbit/s): all that is ever
/// read past ([`super::body::MOST_SKIPPED`]) then takes little more than two minutes, and a drip ends at once.
const LEAST_SKIPPED_A_SECOND: u64 = 128 << 10;

/// What a request without a word about it has (RFC 9218, 4.1).
const USUAL_URGENCY: u8 = 3;

/// One client, one pool of connections.
#[derive(Clone, Debug)]
pub(super) struct Http {
    client: reqwest::Client,
    headers: AppHeaders,
    /// Bytes that were read past.
    skipped: Arc<AtomicU64>,
}

impl Http {
    pub(super) fn new(headers: AppHeaders) -> Result<Self, Error> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls()?)
            .dns_resolver(SystemResolver)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .http2_adaptive_window(true)
            .user_agent(concat!("telecine/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Error::new(ErrorCode::TlsFailed, error.to_string()))?;
        Ok(Self { client, headers, skipped: Arc::default() })
    }

    /// Bytes that were read past because a server sent the whole instead of a part.
    pub(super) fn skipped(&self) -> &Arc<AtomicU64> {
        &self.skipped
    }

    pub(super) async fn fetch(&self, request: &FetchRequest, title: &str, out: &Out<'_>) -> Result<(), Stop> {
        let deadline = Instant::now() + request.head_timeout;
        let late = |_| Failure::new(ErrorCode::Timeout, format!("no answer within {:?}", request.head_timeout));
        let answer = self.follow(request, title, out);
        let (url, response) = timeout_at(deadline, answer).await.map_err(late)??;
        let head = head(request, url, &response);
        if !head.is_success() {
            out.head(head).await?;
            return explain(response, request, out).await;
        }
        if request.head {
            // The length is that of a body that does not come.
            return out.head(ResponseHead { content_length: None, ..head }).await;
        }
        let content_range = text(response.headers(), header::CONTENT_RANGE);
        // Who takes the whole as well reads that from its start.
        let range = request.byte_range.filter(|_| head.status == 206 || !request.whole_will_do);
        let plan = BodyPlan::of(head.status, range, head.content_length, content_range.as_deref())?;
        let mut head = head;
        head.content_length = plan.expected;
        let too_large = || Failure::new(ErrorCode::BodyTooLarge, format!("more than {} bytes", request.max_bytes));
        if plan.expected.is_some_and(|expected| expected > request.max_bytes) {
            return Err(too_large().into());
        }
        let mut body = Incoming { response, idle: request.idle_timeout, declared: plan.expected.is_some() };
        // Before the head is told: what is read past is waiting time to whoever wants the part, and
        // says nothing about the rate at which the part comes.
        let mut next = self.skip(&mut body, plan, request).await?;
        out.head(head).await?;
        let mut received = 0u64;
        let began = Instant::now();
        while received < plan.take {
            let chunk = match next.take() {
                Some(chunk) => Some(chunk),
                None => body.chunk().await?,
            };
            let Some(mut chunk) = chunk else { break };
            chunk.truncate(usize::try_from(plan.take - received).unwrap_or(usize::MAX));
            received = received.saturating_add(chunk.len() as u64);
            if received > request.max_bytes {
                return Err(too_large().into());
            }
            out.chunk(chunk).await?;
            if let Some(pace) = request.pace {
                // What is not read is not sent for long: the windows of the connection fill.
                let due = u128::from(received) * 8_000_000 / u128::from(pace.max(1));
                sleep_until(began + Duration::from_micros(u64::try_from(due).unwrap_or(u64::MAX))).await;
            }
        }
        Ok(plan.check_end(received)?)
    }

    /// Reads past what comes before the part that was asked for; gives what was read of the part.
    ///
    /// Nobody hears of the request meanwhile, so it has to get on by itself: what comes more slowly than
    /// [`LEAST_SKIPPED_A_SECOND`], over each time in which at least one byte has to come, is given up.
    async fn skip(&self, body: &mut Incoming, plan: BodyPlan, request: &FetchRequest) -> Result<Option<Bytes>, Stop> {
        let mut left = plan.skip;
        let least = LEAST_SKIPPED_A_SECOND.saturating_mul(millis(request.idle_timeout)) / 1000;
        let (mut since, mut watched) = (Instant::now(), left);
        while left > 0 {
            let Some(mut chunk) = body.chunk().await? else {
                let range = request.byte_range.unwrap_or(ByteRange { offset: plan.skip, length: plan.take });
                return Err(beyond(range, plan.skip - left).into());
            };
            let before = chunk.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            self.skipped.fetch_add(before as u64, Ordering::Relaxed);
            left -= before as u64;
            if before < chunk.len() {
                return Ok(Some(chunk.split_off(before)));
            }
            if since.elapsed() >= request.idle_timeout {
                if watched - left < least {
                    let message = format!(
                        "the server ignores byte ranges, and what comes before the part comes too slowly to read past: \
                         {} bytes within {:?}",
                        watched - left,
                        request.idle_timeout
                    );
                    return Err(Failure::new(ErrorCode::Timeout, message).into());
                }
                (since, watched) = (Instant::now(), left);
            }
        }
        Ok(None)
    }

    /// The answer at the end of the redirects, and the URL that gave it.
    async fn follow(
        &self,
        request: &FetchRequest,
        title: &str,
        out: &Out<'_>,
    ) -> Result<(String, reqwest::Response), Failure> {
        let title = Url::parse(title).ok();
        let mut url = request.url.clone();
        let mut hosts = vec![uri::host(&url).to_owned()];
        let mut posts = request.licence.as_ref().is_some_and(|licence| licence.body.is_some());
        loop {
            let response = self.send(&url, request, title.as_ref(), posts, out.modelled).await?;
            // RFC 9110, 15.4: only these two repeat what was posted.
            posts &= matches!(response.status().as_u16(), 307 | 308);
            let location = match response.status().as_u16() {
                301 | 302 | 303 | 307 | 308 => text(response.headers(), header::LOCATION),
                _ => None,
            };
            let Some(location) = location else { return Ok((url, response)) };
            let next = uri::resolve(&url, &location);
            if !may_redirect(&url, &next) {
                let message =
                    format!("{} redirects to a '{}:' that it may not lead to", uri::host(&url), scheme(&next));
                return Err(Failure::new(ErrorCode::SchemeForbidden, message));
            }
            if hosts.len() > request.max_redirects as usize {
                let message = format!("more than {}: {}", request.max_redirects, hosts.join(" → "));
                return Err(Failure::new(ErrorCode::TooManyRedirects, message));
            }
            hosts.push(uri::host(&next).to_owned());
            url = next;
        }
    }

    async fn send(
        &self,
        url: &str,
        request: &FetchRequest,
        title: Option<&Url>,
        posts: bool,
        modelled: Option<&Modelled>,
    ) -> Result<reqwest::Response, Failure> {
        let url = Url::parse(url).map_err(|error| Failure::new(ErrorCode::InvalidUrl, error.to_string()))?;
        let mut headers = self.headers.for_url(&url, title);
        // Nobody but the title's own server has to know what the model of a clock shows.
        let modelled = modelled.filter(|_| title.is_some_and(|title| headers::is_trusted(&url, title)));
        if let Some(modelled) = modelled {
            modelled.tell(&mut headers);
        }
        // They may be tokens: a redirect to another origin does not see them.
        let own = Url::parse(&request.url).is_ok_and(|own| own.origin() == url.origin());
        for given in request.licence.iter().flat_map(|licence| &licence.headers) {
            let describes = given.name.eq_ignore_ascii_case("content-type");
            let wanted = if describes { posts } else { own };
            if wanted {
                let (name, value) = headers::parse(&given.name, given.value())
                    .map_err(|error| Failure::new(ErrorCode::InvalidArgument, error))?;
                headers.insert(name, value);
            }
        }
        let body = request.licence.as_ref().and_then(|licence| licence.body.as_ref()).filter(|_| posts);
        let mut builder = match body {
            Some(body) => self.client.post(url).headers(headers).body(body.expose().to_vec()),
            None if request.head => self.client.head(url).headers(headers),
            None => self.client.get(url).headers(headers),
        };
        // RFC 9110, 13.1.3: of two conditions the entity tag's counts.
        let condition = match &request.known {
            Validators { etag: Some(etag), .. } => Some((header::IF_NONE_MATCH, etag)),
            Validators { last_modified: Some(date), .. } => Some((header::IF_MODIFIED_SINCE, date)),
            Validators { .. } => None,
        };
        if let Some((name, value)) = condition {
            builder = builder.header(name, value);
        }
        if request.urgency != USUAL_URGENCY {
            builder = builder.header("priority", format!("u={}", request.urgency.min(7)));
        }
        if let Some(range) = request.byte_range {
            let last = range.offset.saturating_add(range.length).saturating_sub(1);
            builder = builder.header(header::RANGE, format!("bytes={}-{last}", range.offset));
        }
        if request.byte_range.is_some() || !is_compressible(request.class) || modelled.is_some() {
            // Media does not get smaller, and lengths and ranges are those of the bytes themselves. A model of a network
            // carries what comes out of here, however it came.
            builder = builder.header(header::ACCEPT_ENCODING, "identity");
        }
        let response = builder.send().await.map_err(failure::before_head)?;
        if let Some(modelled) = modelled {
            modelled.hear(response.headers());
        }
        Ok(response)
    }
}

/// A body as it comes in.
struct Incoming {
    response: reqwest::Response,
    idle: Duration,
    /// Whether its length was.
    declared: bool,
}

impl Incoming {
    /// What comes next; None at the end.
    async fn chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        let late = |_| Failure::new(ErrorCode::Timeout, format!("no byte within {:?}", self.idle));
        let chunk = timeout(self.idle, self.response.chunk()).await.map_err(late)?;
        chunk.map_err(|error| failure::within_body(error, self.declared))
    }
}

/// Redirects stay within http and https and never give up what https promised.
fn may_redirect(from: &str, to: &str) -> bool {
    let allowed = match scheme(to).as_str() {
        "https" => true,
        "http" => scheme(from) != "https",
        _ => false,
    };
    allowed && uri::may_follow(from, to)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn scheme(url: &str) -> String {
    uri::split(url).scheme.unwrap_or("").to_ascii_lowercase()
}

/// Passes on what an error status says about itself. How that ends is no further failure.
async fn explain(mut response: reqwest::Response, request: &FetchRequest, out: &Out<'_>) -> Result<(), Stop> {
    let mut left = ERROR_BODY_MAX.min(request.max_bytes);
    while left > 0 {
        let Ok(Ok(Some(mut chunk))) = timeout(request.idle_timeout, response.chunk()).await else { break };
        chunk.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        left -= chunk.len() as u64;
        out.chunk(chunk).await?;
    }
    Ok(())
}

/// What is text is worth compressing.
fn is_compressible(class: RequestClass) -> bool {
    use RequestClass::{Clock, Manifest, Playlist, Steering, Text};
    matches!(class, Manifest | Playlist | Text | Steering | Clock)
}

fn head(request: &FetchRequest, url: String, response: &reqwest::Response) -> ResponseHead {
    let headers = response.headers();
    // The client takes both away from bodies that it decodes.
    let encoded = headers.contains_key(header::CONTENT_ENCODING);
    let number = |name| text(headers, name)?.trim().parse().ok();
    ResponseHead {
        id: request.id,
        status: response.status().as_u16(),
        url,
        version: version_of(response.version()),
        content_length: number(header::CONTENT_LENGTH).filter(|_| !encoded),
        content_type: text(headers, header::CONTENT_TYPE),
        retry_after: text(headers, header::RETRY_AFTER),
        date: text(headers, header::DATE).and_then(|date| wall_time(&date)),
        age_s: number(header::AGE),
        from_cache: false,
        etag: text(headers, header::ETAG),
        last_modified: text(headers, header::LAST_MODIFIED),
        cmsd: ["cmsd-static", "cmsd-dynamic"].iter().flat_map(|name| lines(headers, name)).collect(),
    }
}

fn version_of(version: Version) -> Option<HttpVersion> {
    match version {
        Version::HTTP_10 | Version::HTTP_11 => Some(HttpVersion::Http1),
        Version::HTTP_2 => Some(HttpVersion::Http2),
        Version::HTTP_3 => Some(HttpVersion::Http3),
        _ => None,
    }
}

/// The lines of a header that may come more than once.
fn lines<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = String> + 'a {
    headers.get_all(name).into_iter().filter_map(|line| line.to_str().ok().map(str::to_owned))
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

fn wall_time(date: &str) -> Option<WallTime> {
    let time = httpdate::parse_http_date(date).ok()?;
    let since_epoch = time.duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(since_epoch.as_micros()).ok().map(WallTime::from_micros)
}

/// TLS 1.2 and 1.3 by ring, trusting what the device trusts.
fn tls() -> Result<rustls::ClientConfig, Error> {
    let refused = |error: rustls::Error| Error::new(ErrorCode::TlsFailed, error.to_string());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(refused)?;
    // A device without a certificate store can still play over http; https then fails as it must.
    let mut config = match builder.clone().with_platform_verifier() {
        Ok(verified) => verified.with_no_client_auth(),
        Err(_) => builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// The device's resolver, with errors that can be told from other failures to connect.
#[derive(Debug)]
struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await.map_err(DnsError)?;
            let addresses: Vec<SocketAddr> = found.collect();
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_may_lead_from_http_to_https_and_never_back() {
        assert!(may_redirect("http://a/x", "http://b/y"));
        assert!(may_redirect("http://a/x", "https://a/x"));
        assert!(may_redirect("https://a/x", "https://b/y"));
        assert!(!may_redirect("https://a/x", "http://a/x"));
        assert!(!may_redirect("HTTPS://a/x", "Http://a/x"));
    }
}
