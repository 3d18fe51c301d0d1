//! HTTPS with a certificate that the device trusts, and with one that it does not.

#![allow(clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper::Response;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use telecine::{ErrorCode, Fetcher};
use telecine_engine::{Body, FetchRequest, NetworkEvent, RequestClass, RequestId};
use telecine_model::HttpVersion;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// Serves the protocol version of each request over TLS, but `/down`, which redirects to http; gives its URL.
async fn server() -> String {
    let certificate = CertificateDer::from(&include_bytes!("tls/server.der")[..]);
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(&include_bytes!("tls/server.key.der")[..]));
    let mut config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("a certificate");
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("0.0.0.0:0").await.expect("a port");
    let url = format!("https://localhost:{}", listener.local_addr().expect("bound").port());
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(socket) = acceptor.accept(socket).await else { return };
                let answer = service_fn(|request: hyper::Request<_>| async move {
                    let mut response = Response::new(format!("{:?}", request.version()));
                    if request.uri().path() == "/down" {
                        *response.status_mut() = hyper::StatusCode::FOUND;
                        let target = hyper::header::HeaderValue::from_static("http://localhost/x");
                        response.headers_mut().insert(hyper::header::LOCATION, target);
                    }
                    Ok::<_, std::convert::Infallible>(response)
                });
                let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(socket), answer).await;
            });
        }
    });
    url
}

/// Redirects one request in plain text to `target`, and gives its URL.
async fn redirect_to(target: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("bound"));
    let answer = format!("HTTP/1.1 302 Found\r\nlocation: {target}\r\ncontent-length: 0\r\n\r\n");
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.expect("a request");
        let _ = socket.read(&mut [0; 4096]).await;
        socket.write_all(answer.as_bytes()).await.expect("sent");
    });
    url
}

/// The body, and the version that the fetcher says it came by.
async fn get(url: &str) -> Result<(String, Option<HttpVersion>), (ErrorCode, String)> {
    let request = FetchRequest {
        id: RequestId(1),
        class: RequestClass::Segment,
        kind: None,
        url: url.to_owned(),
        byte_range: None,
        whole_will_do: false,
        max_bytes: 1000,
        head_timeout: Duration::from_secs(5),
        idle_timeout: Duration::from_secs(5),
        max_redirects: 1,
        known: telecine_engine::Validators::default(),
        urgency: 3,
        pace: None,
        attempt: 0,
        licence: None,
        head: false,
    };
    let (sender, mut events) = mpsc::channel(16);
    Fetcher::new(&[]).expect("a fetcher").fetch(&request, url, &sender).await;
    drop(sender);
    let (mut body, mut version) = (Vec::new(), None);
    while let Some(event) = events.recv().await {
        match event {
            NetworkEvent::Head(head) => version = head.version,
            NetworkEvent::Chunk { data: Body::Bytes(bytes), .. } => body.extend_from_slice(&bytes),
            NetworkEvent::Failed { code, message, .. } => return Err((code, message)),
            _ => {}
        }
    }
    Ok((String::from_utf8(body).expect("text"), version))
}

/// One test, because what the device trusts is a matter of its whole process.
#[tokio::test]
async fn a_trusted_server_is_spoken_to_in_http_2_and_neither_another_nor_a_way_back_to_http_is_followed() {
    let url = server().await;
    let refused = get(&url).await.expect_err("nobody knows this authority");
    assert_eq!(refused.0, ErrorCode::TlsFailed, "{}", refused.1);

    std::env::set_var("SSL_CERT_FILE", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls/ca.pem"));
    let two = || Ok(("HTTP/2.0".to_owned(), Some(HttpVersion::Http2)));
    assert_eq!(get(&url).await, two());
    assert_eq!(get(&redirect_to(&url).await).await, two(), "up from http");
    let down = get(&format!("{url}/down")).await.expect_err("down to http");
    assert_eq!(down.0, ErrorCode::SchemeForbidden, "{}", down.1);
    let wrong_name = get(&url.replace("localhost", "127.0.0.2")).await.expect_err("not its name");
    assert_eq!(wrong_name.0, ErrorCode::TlsFailed, "{}", wrong_name.1);
}
