//! Plays a title, decodes everything in real time, shows nothing, and says what it did.
//!
//! ```sh
//! cargo run -p telecine-gstreamer --example headless -- http://127.0.0.1:8080/hls/demo/main.m3u8
//! ```

use std::process::ExitCode;

use telecine::{Event, Outcome, Player};
use telecine_gstreamer::GstSink;

#[tokio::main]
async fn main() -> ExitCode {
    let Some(url) = std::env::args().nth(1) else {
        eprintln!("usage: headless URL");
        return ExitCode::from(2);
    };
    match play(&url).await {
        Ok(Outcome::Failed(error)) | Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
        Ok(_) => ExitCode::SUCCESS,
    }
}

async fn play(url: &str) -> Result<Outcome, telecine::Error> {
    let player = Player::builder().sink(GstSink::builder().headless().build()?).build()?;
    let mut events = player.events();
    player.load(url)?;
    player.play()?;
    tokio::spawn(async move {
        while let Some(event) = events.next().await {
            match event {
                Event::Quality { kind, bitrate, .. } => println!("{} at {} kbit/s", kind.name(), bitrate / 1000),
                Event::StallStarted { position, cause, .. } => println!("stands at {position}: {cause:?}"),
                Event::Error { error, .. } => println!("{error}"),
                _ => {}
            }
        }
    });
    let outcome = player.finished().await;
    for track in player.tracks().await? {
        let (samples, decoded, errors) = (track.samples, track.decoded, track.decode_errors);
        println!("{} {}: {samples} samples, {decoded} decoded, {errors} refused", track.kind.name(), track.codec);
    }
    Ok(outcome)
}
