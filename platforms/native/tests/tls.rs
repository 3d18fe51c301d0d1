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
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// Serves the protocol version of each request over TLS, and gives its URL.
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
                    Ok::<_, std::convert::Infallible>(Response::new(format!("{:?}", request.version())))
                });
                let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(socket), answer).await;
            });
        }
    });
    url
}

async fn get(url: &str) -> Result<String, (ErrorCode, String)> {
    let request = FetchRequest {
        id: RequestId(1),
        class: RequestClass::Segment,
        kind: None,
        url: url.to_owned(),
        byte_range: None,
        max_bytes: 1000,
        head_timeout: Duration::from_secs(5),
        idle_timeout: Duration::from_secs(5),
        max_redirects: 0,
        attempt: 0,
    };
    let (sender, mut events) = mpsc::channel(16);
    Fetcher::new(&[]).expect("a fetcher").fetch(&request, url, &sender).await;
    drop(sender);
    let mut body = Vec::new();
    while let Some(event) = events.recv().await {
        match event {
            NetworkEvent::Chunk { data: Body::Bytes(bytes), .. } => body.extend_from_slice(&bytes),
            NetworkEvent::Failed { code, message, .. } => return Err((code, message)),
            _ => {}
        }
    }
    Ok(String::from_utf8(body).expect("text"))
}

/// One test, because what the device trusts is a matter of its whole process.
#[tokio::test]
async fn a_trusted_server_is_spoken_to_in_http_2_and_another_is_refused() {
    let url = server().await;
    let refused = get(&url).await.expect_err("nobody knows this authority");
    assert_eq!(refused.0, ErrorCode::TlsFailed, "{}", refused.1);

    std::env::set_var("SSL_CERT_FILE", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls/ca.pem"));
    assert_eq!(get(&url).await, Ok("HTTP/2.0".to_owned()));
    let wrong_name = get(&url.replace("localhost", "127.0.0.2")).await.expect_err("not its name");
    assert_eq!(wrong_name.0, ErrorCode::TlsFailed, "{}", wrong_name.1);
}
