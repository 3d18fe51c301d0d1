//! `telecine origin`: the deterministic origin, for people.

use std::fs::File;
use std::io::Write;

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
        let origin = telecine_origin::Origin::start(args.listen, config).await.map_err(|e| {
            Error::new(ErrorCode::InvalidArgument, format!("the origin does not start on {}: {e}", args.listen))
        })?;
        output::print(&urls(&origin.url(), args))?;
        // Ctrl-C is how it ends; without it there is nothing to wait for.
        let _ = tokio::signal::ctrl_c().await;
        origin.stop().await;
        Ok(())
    })
}

fn urls(origin: &str, args: &Origin) -> String {
    let mut out = String::new();
    let width = VARIANTS.iter().map(|(path, _)| path.len()).max().unwrap_or(0) + origin.len();
    for (path, what) in VARIANTS {
        let url = format!("{origin}{path}");
        out.push_str(&format!("{url:<width$}  {what}\n"));
    }
    for (name, _) in &args.folder {
        for path in [format!("/hls/{name}/main.m3u8"), format!("/dash/{name}/time.mpd")] {
            out.push_str(&format!("{origin}{path}\n"));
        }
    }
    out.push_str("Options go in front of the title: /hls/dur_60/rate_800/demo/main.m3u8. Ctrl-C stops.\n");
    out
}
