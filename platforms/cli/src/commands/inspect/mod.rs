//! `telecine inspect`: what a manifest offers.

mod document;
mod load;
mod text;
mod window;

use std::time::{SystemTime, UNIX_EPOCH};

use telecine_engine::RequestClass;
use telecine_model::{Error, WallTime};

use crate::args::Inspect;
use crate::fetch::{absolute, manifest, Fetcher};
use crate::{net, output};

/// Runs the command.
pub(crate) fn run(args: &Inspect) -> Result<(), Error> {
    let url = manifest(&args.source)?;
    let mut fetcher = Fetcher::new(net::source(&url, &telecine::Fetcher::new(&args.header)?)?);
    let text = fetcher.get(RequestClass::Manifest, &url, None)?;
    let base = args.base.as_deref().map(absolute).transpose()?;
    let depth = load::Depth { playlists: !args.shallow, indexes: args.segments };
    let loaded = load::load(&mut fetcher, text, base.as_deref(), depth)?;
    let document = document::document(&loaded, args.segments, now());
    if args.json {
        output::json(&document)
    } else {
        output::write(|out| text::text(&document, out))
    }
}

fn now() -> WallTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    WallTime::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
