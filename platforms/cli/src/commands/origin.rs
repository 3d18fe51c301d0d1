//! `telecine origin`: the deterministic origin, for people.

use std::fs::File;
use std::io::{self, Write};
use std::net::SocketAddr;

use telecine_model::{Error, ErrorCode};
use telecine_origin::{Network, OriginConfig};

use crate::args::Origin;
use crate::{net, output};

/// What there is to ask for, each with what it is.
const VARIANTS: [(&str, &str); 10] = [
    ("/hls/demo/main.m3u8", "HLS, CMAF segments"),
    ("/hls/bytes_1/demo/main.m3u8", "HLS, byte ranges of one file a rendition"),
    ("/hls/disc_5/demo/main.m3u8", "HLS, a discontinuity every five segments"),
    ("/dash/demo/number.mpd", "DASH, SegmentTemplate with $Number$"),
    ("/dash/demo/time.mpd", "DASH, SegmentTimeline with $Time$"),
    ("/dash/demo/timeline-number.mpd", "DASH, SegmentTimeline with $Number$"),
    ("/dash/demo/list.mpd", "DASH, SegmentList"),
    ("/dash/demo/ondemand.mpd", "DASH, SegmentBase with a segment index"),
    ("/dash/periods_3/demo/time.mpd", "DASH, three periods"),
    ("/dash/xlink_1/demo/number.mpd", "DASH, a remote period"),
];

/// Runs the command.
pub(crate) fn run(args: &Origin) -> Result<(), Error> {
    let log = args.log.as_ref().map(|path| File::create(path).map_err(|e| output::cannot_write(path, &e)));
    let config = OriginConfig {
        folders: args.folder.clone(),
        network: args.network.as_deref().map_or_else(|| Ok(Network::unshaped()), net::network)?,
        log: log.transpose()?.map(|file| Box::new(file) as Box<dyn Write + Send>),
        ..OriginConfig::default()
    };
    net::runtime()?.block_on(async {
        let origin =
            telecine_origin::Origin::start(args.listen, config).await.map_err(|e| does_not_start(args.listen, &e))?;
        output::print(&urls(&origin, args))?;
        // Ctrl-C is how it ends; without it there is nothing to wait for.
        let _ = tokio::signal::ctrl_c().await;
        origin.stop().await;
        Ok(())
    })
}

fn does_not_start(address: SocketAddr, error: &io::Error) -> Error {
    let message = match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!("{address} is in use: choose another port with --listen, or 0 for a free one")
        }
        io::ErrorKind::PermissionDenied => {
            format!("it is not permitted to listen on {address}: choose a port above 1023")
        }
        io::ErrorKind::AddrNotAvailable => format!("{} is no address of this machine", address.ip()),
        // A folder or a title: the error names it.
        io::ErrorKind::InvalidData => format!("--folder cannot be served: {error}"),
        _ => format!("the origin does not start on {address}: {error}"),
    };
    Error::new(ErrorCode::InvalidArgument, message)
}

/// Manifests of a folder that are listed; the origin's front page lists them all.
const LISTED: usize = 10;

fn urls(served: &telecine_origin::Origin, args: &Origin) -> String {
    let origin = served.url();
    let mut out = String::new();
    let width = VARIANTS.iter().map(|(path, _)| path.len()).max().unwrap_or(0) + origin.len();
    for (path, what) in VARIANTS {
        let url = format!("{origin}{path}");
        out.push_str(&format!("{url:<width$}  {what}\n"));
    }
    for (name, path) in &args.folder {
        let manifests = served.manifests(name);
        for url in manifests.iter().take(LISTED) {
            let protocol = if url.ends_with(".mpd") { "DASH" } else { "HLS" };
            out.push_str(&format!("{url:<width$}  {protocol}, from {}\n", path.display()));
        }
        if manifests.len() > LISTED {
            out.push_str(&format!("… and {} more: {origin}/\n", manifests.len() - LISTED));
        }
        if manifests.is_empty() {
            out.push_str(&format!(
                "{:<width$}  {} (no manifest in it)\n",
                format!("{origin}/files/{name}/"),
                path.display()
            ));
        }
    }
    out.push_str(
        "telecine play URL plays any of them. Options and faults go in front of the title (telecine origin --help lists them):\n  \
         /hls/dur_60/rate_800/demo/main.m3u8, /dash/cut_3@40000/demo/time.mpd. Ctrl-C stops.\n",
    );
    out
}
