//! Rates and round trips, measured on the wall clock by plain TCP clients.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::time::{Duration, Instant};

use support::LOOPBACK;
use telecine_origin::{Network, Origin, OriginConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn origin(network: &str) -> Origin {
    let network = network.parse().expect("a network");
    Origin::start(LOOPBACK, OriginConfig { network, ..OriginConfig::default() }).await.expect("an origin")
}

/// Downloads bytes of the hour-long file on a connection of its own; gives the times of the first byte and the last.
async fn download(origin: &Origin, bytes: u64) -> (Duration, Duration) {
    let mut socket = TcpStream::connect(origin.address()).await.expect("connected");
    let start = Instant::now();
    let last = bytes - 1;
    let request = format!(
        "GET /hls/dur_3600/demo/v720.mp4 HTTP/1.1\r\nhost: o\r\nconnection: close\r\nrange: bytes=0-{last}\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await.expect("sent");
    let mut first = None;
    let mut received = 0;
    let mut chunk = [0; 65_536];
    while let n @ 1.. = socket.read(&mut chunk).await.expect("read") {
        first.get_or_insert_with(|| start.elapsed());
        received += n as u64;
    }
    assert!(received > bytes);
    (first.expect("a first byte"), start.elapsed())
}

/// Within 5 %, with allowance for timers (20 ms).
fn close(measured: Duration, ideal: Duration) -> Result<(), String> {
    let slack = Duration::from_millis(20);
    let close = measured + slack >= ideal.mul_f64(0.95) && measured <= ideal.mul_f64(1.05) + slack;
    close.then_some(()).ok_or_else(|| format!("{measured:?} instead of {ideal:?}"))
}

/// A measurement on the wall clock: a machine that is busy elsewhere may disturb one or two, a wrong rate spoils all.
async fn measured(attempt: impl AsyncFn() -> Result<(), String>) {
    let mut failures = Vec::new();
    while let Err(failure) = attempt().await {
        failures.push(failure);
        assert!(failures.len() < 3, "{failures:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rate_is_held_within_five_per_cent() {
    for (network, bytes) in [("rate=500kbps", 125_000), ("rate=3Mbps", 750_000), ("rate=100Mbps", 25_000_000)] {
        let origin = origin(network).await;
        measured(async || close(download(&origin, bytes).await.1, Duration::from_secs(2))).await;
    }
}

/// 3 Mbit/s in bytes a second.
const LINE: f64 = 375_000.0;
/// What may be there before the line has carried it: the head of the response, which is not shaped, and a packet.
const HEAD_AND_PACKET: f64 = 2_000.0;

/// A reader that comes late only makes the line look slower, so a busy machine cannot spoil this.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_is_no_faster_than_it_says_from_the_first_byte_on() {
    let origin = origin("rate=3Mbps").await;
    // Whether the line was idle before, and for how long, makes no difference.
    for idle in [0, 100, 500] {
        let mut socket = TcpStream::connect(origin.address()).await.expect("connected");
        tokio::time::sleep(Duration::from_millis(idle)).await;
        let request = "GET /hls/dur_3600/demo/v720.mp4 HTTP/1.1\r\nhost: o\r\nconnection: close\r\n\
                       range: bytes=0-449999\r\n\r\n";
        let start = Instant::now();
        socket.write_all(request.as_bytes()).await.expect("sent");
        let (mut received, mut chunk) = (0, [0; 65_536]);
        while let n @ 1.. = socket.read(&mut chunk).await.expect("read") {
            received += n;
            let (came, carried) = (received as f64, LINE * start.elapsed().as_secs_f64());
            assert!(came <= carried + HEAD_AND_PACKET, "{came} bytes where the line carries {carried}");
        }
        assert!(received > 450_000 && start.elapsed() > Duration::from_secs(1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_small_bodies_are_no_faster_than_a_large_one() {
    let origin = origin("rate=3Mbps").await;
    let mut socket = TcpStream::connect(origin.address()).await.expect("connected");
    let start = Instant::now();
    let mut carried = 0;
    // As a player asks: one after the other, with a pause in which the line is idle.
    for n in 0..40 {
        let range = format!("bytes={}-{}", n * 5000, n * 5000 + 4999);
        let request = format!("GET /hls/demo/v720.mp4 HTTP/1.1\r\nhost: o\r\nrange: {range}\r\n\r\n");
        let asked = Instant::now();
        socket.write_all(request.as_bytes()).await.expect("sent");
        let (mut received, mut chunk) = (Vec::new(), [0; 8192]);
        let whole = |received: &[u8]| received.windows(4).position(|w| w == b"\r\n\r\n").map(|at| at + 4 + 5000);
        while whole(&received).is_none_or(|whole| received.len() < whole) {
            let read = socket.read(&mut chunk).await.expect("read");
            received.extend_from_slice(&chunk[..read]);
        }
        carried += 5000;
        assert!(asked.elapsed().as_secs_f64() >= 5000.0 / LINE, "{:?} for a body of 5000 bytes", asked.elapsed());
        tokio::time::sleep(Duration::from_millis(12)).await;
    }
    assert!(start.elapsed().as_secs_f64() >= f64::from(carried) / LINE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_share_the_bottleneck_fairly() {
    let origin = origin("rate=8Mbps").await;
    measured(async || {
        let start = Instant::now();
        // 1.5 MB at 1 MB/s: a third of the rate each, until the small one is through.
        let (a, b, small) =
            tokio::join!(download(&origin, 650_000), download(&origin, 650_000), download(&origin, 200_000));
        close(start.elapsed(), Duration::from_millis(1500))?;
        close(small.1, Duration::from_millis(600))?;
        close(a.1, b.1)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_round_trip_passes_before_the_first_byte_and_one_more_to_connect() {
    let origin = origin("rate=100Mbps,rtt=100ms").await;
    measured(async || close(download(&origin, 1000).await.0, Duration::from_millis(200))).await;
    measured(async || {
        let mut socket = TcpStream::connect(origin.address()).await.expect("connected");
        // On a connection that is there, one is enough.
        for ideal in [200, 100] {
            let start = Instant::now();
            socket.write_all(b"HEAD /hls/demo/main.m3u8 HTTP/1.1\r\nhost: o\r\n\r\n").await.expect("sent");
            assert!(socket.read(&mut [0; 4096]).await.expect("read") > 0);
            close(start.elapsed(), Duration::from_millis(ideal))?;
        }
        Ok(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_changes_the_rate_and_another_network_takes_its_place() {
    let json = r#"[{"duration_ms": 500, "bandwidth_kbps": 8000, "latency_ms": 0},
                   {"duration_ms": 500, "bandwidth_kbps": 0, "latency_ms": 0},
                   {"duration_ms": 10000, "bandwidth_kbps": 4000, "latency_ms": 0}]"#;
    let trace = Network::from_json(json).expect("a trace");
    let origin = origin("").await;
    measured(async || {
        origin.set_network(trace.clone());
        // 500 kB in the first half second, an outage, and 250 kB in another half second.
        close(download(&origin, 750_000).await.1, Duration::from_millis(1500))?;
        origin.set_network("rate=16Mbps".parse().expect("a network"));
        close(download(&origin, 2_000_000).await.1, Duration::from_secs(1))
    })
    .await;
    origin.set_network(Network::unshaped());
    let (_, total) = download(&origin, 20_000_000).await;
    assert!(total < Duration::from_secs(3), "{total:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_named_trace_paces_a_body_from_the_time_of_the_request() {
    let json = r#"[{"duration_ms": 5000, "bandwidth_kbps": 400}, {"duration_ms": 5000, "bandwidth_kbps": 8000}]"#;
    let traces = vec![("steps".to_owned(), Network::from_json(json).expect("a trace"))];
    let config = OriginConfig { traces, ..OriginConfig::default() };
    let origin = Origin::start(LOOPBACK, config).await.expect("an origin");
    measured(async || {
        // 400 kbit at 400 kbps, then at 8 Mbps.
        for (now, ideal) in [(0, 1000), (5000, 50)] {
            let mut socket = TcpStream::connect(origin.address()).await.expect("connected");
            let start = Instant::now();
            let request = format!(
                "GET /hls/trace_steps/demo/v180.mp4?nowMS={now} HTTP/1.1\r\nhost: o\r\nconnection: close\r\n\
                 range: bytes=0-49999\r\n\r\n"
            );
            socket.write_all(request.as_bytes()).await.expect("sent");
            socket.read_to_end(&mut Vec::new()).await.expect("read");
            close(start.elapsed(), Duration::from_millis(ideal))?;
        }
        Ok(())
    })
    .await;
}
