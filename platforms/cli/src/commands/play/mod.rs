//! `telecine play`: a title to its end, and what it was like.

mod embedded;
mod modelled;
mod outputs;
mod real;
mod sinks;
mod watch;
mod wishes;

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use telecine::Fetcher;
use telecine_drm::SegmentKey;
use telecine_engine::{abr, Config, DataSaver, KeySetup};
use telecine_model::{uri, Error, ErrorCode, MediaTime};

use self::outputs::Outputs;
use self::watch::Watch;
use crate::args::{Clock, Cmcd, GivenKey, Play};
use crate::document::secs;
use crate::report::Setup;
use crate::{exit, fetch, net, output};

/// The modelled or shaped network, unless another is asked for: enough for the best rendition.
const NETWORK: &str = "rate=5Mbps,rtt=40ms";

/// The playback speed that need not be asked for.
const NORMAL: u32 = 1000;

/// Runs the command.
pub(crate) fn run(args: &Play) -> Result<ExitCode, Error> {
    let config = config(args)?;
    let keys = keys(args)?;
    let sink = sinks::choose(args.sink, args.clock)?;
    let title = args.url.as_deref().map(fetch::manifest).transpose()?;
    let network = shaping(args);
    let remember = args.remember.as_deref();
    let outputs = Outputs::open(args)?;
    let runtime = net::runtime()?;
    let interrupted = Arc::new(AtomicBool::new(false));
    runtime.spawn(watch_interrupts(Arc::clone(&interrupted)));
    let setup = Setup {
        sink: sink.name(),
        clock: args.clock.name(),
        abr: config.rule.clone().unwrap_or_else(|| abr::DEFAULT_RULE.to_owned()),
        start_s: args.start.map(secs),
        network: network.map(str::to_owned),
    };
    let watch = |url: &str| Watch::new(url, setup, args, network, outputs, interrupted);
    let ended = match (args.clock, title) {
        (Clock::Real, Some(url)) => {
            let (headers, start, rate) = (&args.header, args.start, args.rate);
            let session = real::Session { url: &url, headers, start, rate, keys, remember };
            runtime.block_on(real::play(session, config, sink, watch(&url)))?
        }
        (Clock::Real, None) => runtime.block_on(async {
            let origin = embedded::start(network.unwrap_or(NETWORK)).await?;
            let url = origin.url() + embedded::PATH;
            let (start, rate) = (args.start, args.rate);
            let session = real::Session { url: &url, headers: &[], start, rate, keys, remember };
            let ended = real::play(session, config, sink, watch(&url)).await;
            origin.stop().await;
            ended
        })?,
        (Clock::Virtual, title) => {
            let network = net::model(network.unwrap_or(NETWORK))?;
            match title {
                Some(url) => {
                    let fetcher = Fetcher::new(&args.header)?;
                    let mut source = net::source(&url, &fetcher)?;
                    // Live titles go on from now, and their server has to know how far they are.
                    let clock = args.now.or_else(net::wall_clock);
                    if let Some(clock) = clock {
                        source = source.clock(clock);
                    }
                    let (start, rate, fetcher) = (args.start, args.rate, Some(&fetcher));
                    let title = modelled::Title { url: &url, start, rate, source, clock, fetcher, keys, remember };
                    modelled::play(title, network, config, sink, watch(&url))?
                }
                None => {
                    let url = embedded::url();
                    let source = embedded::source();
                    let (start, rate) = (args.start, args.rate);
                    // Without a memory it matters to nothing what time it is.
                    let clock = remember.and_then(|_| args.now.or_else(net::wall_clock));
                    let title =
                        modelled::Title { url: &url, start, rate, source, clock, fetcher: None, keys, remember };
                    modelled::play(title, network, config, sink, watch(&url))?
                }
            }
        }
    };
    ended.outputs.write(&ended.report)?;
    if args.json {
        output::json(&ended.report)?;
    } else {
        output::line(&ended.report.headline())?;
    }
    Ok(ended.fatal.map_or(ExitCode::SUCCESS, |error| exit::report(&error)))
}

/// The description of the network that is shaped or modelled; None if it is as it is.
fn shaping(args: &Play) -> Option<&str> {
    match (&args.network, &args.url, args.clock) {
        (Some(network), _, _) => Some(network),
        (None, None, _) | (None, _, Clock::Virtual) => Some(NETWORK),
        (None, Some(_), Clock::Real) => None,
    }
}

fn config(args: &Play) -> Result<Config, Error> {
    let refused = |message: String| Err(Error::new(ErrorCode::InvalidArgument, message));
    if args.cmcd != Cmcd::Off {
        return refused("--cmcd knows only 'off' in this version; v1 and v2 come later".to_owned());
    }
    if args.url.is_some() && args.network.is_some() && args.clock == Clock::Real {
        return refused("--network shapes the embedded origin, or a model; a URL has a network of its own".to_owned());
    }
    // Of a title that is not known yet it depends on whether it is live.
    if args.url.is_none() {
        wishes::something_to_play(args, false)?;
    }
    if args.until.is_some_and(|until| until <= MediaTime::ZERO) {
        return refused("nothing would be played: --until is a time behind the start".to_owned());
    }
    if args.now.is_some() && args.clock == Clock::Real {
        return refused("--now is for --clock virtual: in real time it is what it is".to_owned());
    }
    if let Some((latency, max)) = args.latency.zip(args.max_latency).filter(|(latency, max)| max < latency) {
        let message =
            "playback would always be too late: give a greater --max-latency, a lesser --latency, or one alone";
        return refused(format!("--max-latency {max} is less than --latency {latency}; {message}"));
    }
    let mut config = Config::default();
    config.live.low_latency = !args.no_low_latency;
    config.live.latency_target = args.latency;
    config.live.latency_max = args.max_latency;
    config.seed = args.seed;
    config.rule = args.abr.clone();
    config.fast_switch = !args.no_fast_switch;
    config.record = args.record.is_some();
    config.explain_each_choice = args.explain;
    config.data_saver = args.data_saver.map(|mb| DataSaver { bytes_per_hour: mb * 1_000_000 });
    config.preferences.audio_languages = args.audio_lang.clone();
    config.preferences.text_languages = args.text_lang.clone();
    config.constraints.max_height = args.max_height;
    config.constraints.max_bitrate = args.max_bitrate;
    Ok(config)
}

/// Keys and where licences come from.
fn keys(args: &Play) -> Result<KeySetup, Error> {
    let refused = |message: &str| Error::new(ErrorCode::InvalidArgument, message);
    let mut keys = KeySetup::default();
    let mut bare = None;
    for key in &args.key {
        match key {
            GivenKey::Named(key) => {
                keys.give(key.id, key.key.clone());
            }
            GivenKey::Bare(_) if bare.is_some() => {
                return Err(refused("only one --key may be without its KID: it is that of every segment"));
            }
            GivenKey::Bare(key) => bare = Some(key),
        }
    }
    match bare {
        Some(SegmentKey::Aes128(key)) => drop(keys.give_segment_key(key.expose().to_vec().into())),
        Some(SegmentKey::Aes256(key)) => drop(keys.give_segment_key(key.expose().to_vec().into())),
        None => {}
    }
    if let Some(url) = &args.license_url {
        let scheme = uri::split(url).scheme.unwrap_or("").to_ascii_lowercase();
        if !matches!(scheme.as_str(), "http" | "https") || url.bytes().any(|byte| byte.is_ascii_control()) {
            return Err(refused("--license-url is an http or https URL"));
        }
        keys.licence_server(url.as_str());
    }
    for (name, value) in &args.license_header {
        keys.licence_header(name, value);
    }
    Ok(keys)
}

/// The first Ctrl-C stops playback, the second one everything.
async fn watch_interrupts(interrupted: Arc<AtomicBool>) {
    while tokio::signal::ctrl_c().await.is_ok() {
        if interrupted.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
    }
}
