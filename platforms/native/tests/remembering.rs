//! What the network gave outlives a player.

#![allow(clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::time::Duration;

use telecine::{ErrorCode, Event, NetworkType, Outcome, Player, ThroughputMemory, ThroughputStore};
use telecine_origin::{Network, Origin, OriginConfig};
use tokio::time::timeout;

/// Plays eight seconds at four times the speed over a line of 8 Mbit/s; what was told of memories.
async fn play(folder: &Path, network: NetworkType) -> Vec<String> {
    let network_of_origin: Network = "rate=8Mbps,rtt=20ms".parse().expect("a network");
    let config = OriginConfig { network: network_of_origin, ..OriginConfig::default() };
    let origin = Origin::start("127.0.0.1:0".parse().expect("an address"), config).await.expect("an origin");
    let player = Player::builder().remember(folder).network_type(network).build().expect("a player");
    let mut events = player.events();
    player.load(origin.url() + "/hls/dur_8/demo/main.m3u8").expect("a URL");
    player.set_rate(4000).expect("alive");
    player.play().expect("alive");
    let outcome = timeout(Duration::from_secs(30), player.finished()).await.expect("it ends");
    assert_eq!(outcome, Outcome::Ended);
    // As soon as the end is told it is there: whoever waited for that may end the process.
    let kept = ThroughputStore::new(folder).load();
    assert_eq!(kept, Ok(Some(player.throughput_memory().await.expect("alive"))));
    drop(player);
    let mut told = Vec::new();
    while let Some(event) = events.next().await {
        if let Event::Error { error, .. } = event {
            assert!(!error.is_fatal() && error.code() == ErrorCode::MemoryInvalid, "{error}");
            told.push(error.to_string());
        }
    }
    told
}

fn kept(folder: &Path) -> ThroughputMemory {
    ThroughputStore::new(folder).load().expect("readable").expect("it was kept")
}

#[tokio::test]
async fn each_kind_of_network_is_remembered_and_what_cannot_be_read_is_told_and_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(play(folder.path(), NetworkType::Wifi).await, Vec::<String>::new());
    let first = kept(folder.path());
    let wifi = first.get(NetworkType::Wifi).expect("it was measured");
    assert!(wifi.low > 100_000 && wifi.low <= wifi.median, "{wifi:?}");

    play(folder.path(), NetworkType::Cellular).await;
    let both = kept(folder.path());
    assert_eq!(both.get(NetworkType::Wifi), Some(wifi), "another network changes nothing of it");
    assert!(both.get(NetworkType::Cellular).is_some());

    std::fs::write(folder.path().join(ThroughputStore::FILE), b"nonsense").expect("written");
    let told = play(folder.path(), NetworkType::Wifi).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(kept(folder.path()).get(NetworkType::Cellular), None);
    assert!(kept(folder.path()).get(NetworkType::Wifi).is_some());
}
