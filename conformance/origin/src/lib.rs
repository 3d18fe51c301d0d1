//! The deterministic origin: a title as HLS and DASH, or files as they are, over a shaped and faulty network.
//!
//! Everything is in the URL, as in livesim2: `/<fmt>/<opt>_<val>/…/<asset>/<file>`, where `fmt` is `hls`, `dash` or
//! `files`, and the first part that is not a known option starts the asset. The same request always gets the same
//! response; see [`respond`], which is the origin without sockets, and [`Origin`], which is the origin on one.
//!
//! ```
//! use telecine_origin::{respond, Library, Request, Title};
//!
//! let library = Library::new(Title::demo(), 0);
//! let playlist = respond(&library, &Request::get("/hls/dur_60/demo/v180.m3u8"));
//! let text = String::from_utf8(playlist.body.into_bytes().to_vec())?;
//! assert_eq!(text.matches("#EXTINF:2.000000,").count(), 30);
//!
//! let cut = respond(&library, &Request::get("/hls/dur_60/cut_3@1000/demo/v180/3.m4s"));
//! assert_eq!(cut.fault.as_deref(), Some("cut@1000"));
//! # Ok::<(), std::string::FromUtf8Error>(())
//! ```
//!
//! # Titles
//! A [`Title`] is a set of fragmented MP4 files of one track each, WebVTT files and thumbnails. `dur_<seconds>` repeats
//! it up to any length of a day at most; the length is rounded down to whole segments (at least one).
//!
//! # Files
//! [`Library::with_folders`] adds folders whose files are served as they are, whoever packaged them:
//! `/files/<name>/main.mpd`, with byte ranges, content types by extension, and all faults; a folder's own URL lists what
//! is in it. With a `title.json` in it a folder is a title as well. Names that begin with a dot, and links that lead out
//! of the folder, are not served. Of a file, `rsq` is the last number in its name (`seg-00012.m4s` is 12; 0 without
//! one), the rendition is any part of its path, and byte positions are positions in the file.
//!
//! # Manifests
//! | path | what |
//! |---|---|
//! | `/hls/demo/main.m3u8` | multivariant playlist: renditions of pictures, an audio and a subtitles group, I-frames |
//! | `/hls/demo/assets.json` | an asset list (rfc8216bis, D.3) of one asset: the title |
//! | `/dash/demo/number.mpd` | `SegmentTemplate` with `$Number$` and `@duration` |
//! | `/dash/demo/time.mpd` | `SegmentTimeline` with `$Time$` |
//! | `/dash/demo/timeline-number.mpd` | `SegmentTimeline` with `$Number$` |
//! | `/dash/demo/list.mpd` | `SegmentList` |
//! | `/dash/demo/ondemand.mpd` | `SegmentBase` and `sidx`, one file a rendition |
//! | `/bad/<name>` | hostile manifests, listed in [`BAD`] |
//!
//! # Options
//! An option that there is not, in front of a title that there is, is a bad request (400) whose text lists those that
//! there are. The query is the player's own, for tokens, CMCD and the like, and changes nothing; an
//! option in it is a bad request too. (`nowMS=<ms>` is the time that an answer is made for.)
//!
//! | option | meaning |
//! |---|---|
//! | `dur_N` | length in seconds |
//! | `snr_N` | number of the first segment in URLs and playlists |
//! | `pto_N` | media time of the start of the title, in ticks of 90 kHz |
//! | `gap_N[,N…]` | segments that answer 404; HLS says so with `EXT-X-GAP` |
//! | `ts_muxed` `ts_demuxed` `ts_packed` | HLS: transport streams of pictures with the first sound, of each rendition, or with packed audio |
//! | `bytes_1` | HLS: byte ranges of one file a rendition |
//! | `disc_N` | HLS: a discontinuity every N segments; media times restart at 0 |
//! | `periods_N` | DASH: N periods, cut at segment boundaries, with period continuity; of a live programme N an hour |
//! | `bases_N` | DASH: N base URLs, each a service location (`a`, `b`, …) |
//! | `join_N` | DASH: N segments of the title are one: with `chunk_` decoding can begin inside of them (`Resync`) |
//! | `xlink_1` | DASH: periods after the first, or the only one, are remote |
//! | `sidx_2` | a hierarchical segment index |
//! | `age_<s>` | caches may keep all but manifests so many seconds without asking |
//!
//! # Live
//! Any of these options lets the title go on for ever, counted from 1970 or from `start_`: a segment is there once it has
//! ended. `?nowMS=<milliseconds since 1970>` on a request takes the place of the clock, so that any moment can be
//! repeated. Before its start a programme is answered 404. Subtitles of HLS are cut like the pictures, their cues counted
//! from the start of the repetition; thumbnails are in MPDs of one period. Single files, lists, indexes, and subtitles of
//! DASH, are for titles with an end.
//!
//! | option | meaning |
//! |---|---|
//! | `live_N` | a window of N seconds (60) |
//! | `start_N` `stop_N` | when it begins and ends, in seconds since 1970; after its end there is `EXT-X-ENDLIST`, or an MPD that is not updated |
//! | `event_1` | everything since its start stays, which has to be said with `start_N`: HLS `EVENT` |
//! | `mup_N` | DASH: `minimumUpdatePeriod` in seconds (two; none where numbers say all: in `number.mpd` without an end, periods, patches, or breaks that are told in the MPD) |
//! | `spd_N` | `suggestedPresentationDelay`, HLS `HOLD-BACK`, in seconds |
//! | `utc_S[-S…]` | DASH: `UTCTiming` by `direct`, `head`, `xsdate`, `iso`; the time server is `/time`; `ntp`, `sntp` and `httpntp` are named, and nobody answers there |
//!
//! Every answer has the `Date` of its moment, that of `nowMS` included. A manifest that was asked for with `nowMS` names
//! `/time` without it: the virtual clock is the player's own, and `/time` tells the server's unless it is asked with
//! `nowMS` too. In DASH a segment is served from its end on or from the end that `@duration` announces, whichever is
//! earlier.
//!
//! A client whose clock is a model (`telecine play --clock virtual`) says with each request what it shows:
//! `x-telecine-now-ms: <milliseconds since 1970>` takes the place of the clock too, where the URL has no `nowMS`. What
//! would be held, delayed or paced is then answered at once, and says what it would have waited for:
//! `x-telecine-hold-ms: <ms>`, and of a body that comes as it is made `x-telecine-pieces: <from>@<ms>[,…]`; of the faults
//! `delay_`, `kdelay_` and `stallh_` `x-telecine-delay-ms: <ms>`, and of `stallb_`, `rate_` and `trace_`
//! `x-telecine-paced: <from>@<ms>[,…]` ([`NOW_MS`], [`HOLD_MS`], [`PIECES`], [`DELAY_MS`], [`PACED`]).
//!
//! # Low latency
//! The moment a part is complete is the moment its last sample ends. What is asked for before is held: the pure function
//! says how much later the answer is due ([`Delivery::hold`], [`Delivery::pieces`]), and the server waits so long.
//!
//! | option | meaning |
//! |---|---|
//! | `parts_N` | HLS: parts of N milliseconds at most, cut at samples; playlists are held for `_HLS_msn` and `_HLS_part`, and updates for `_HLS_skip` leave out what is known |
//! | `partfiles_1` | each part is a file, `<number>.<part>.m4s`, not a byte range of its segment |
//! | `block_0` `block_1` | playlists are not held · are held for `_HLS_msn` without parts too |
//! | `skip_0` `skip_1` `skip_2` | no updates that leave something out · segments · date ranges too |
//! | `chunk_N` | DASH: segments of several fragments of N milliseconds at most, `ProducerReferenceTime`, `Resync` |
//! | `ato_N` | with `chunk_`: segments are there N milliseconds before their end, and sent as they are made |
//! | `ltgt_N` | DASH: a `ServiceDescription` with N milliseconds of latency as its target |
//! | `prft_1` | with `chunk_`: a `prft` in front of each fragment |
//! | `reftime_0` | with `chunk_`: no `ProducerReferenceTime` in the MPD |
//!
//! A playlist request further ahead than two segments, or than three seconds of parts (three parts, where they are longer
//! than a second), is a bad request (400); one that would be held for more than three target durations is answered 503
//! after those. The part that is hinted at is held until it is complete; parts behind it are not there. A range without an
//! end, from the hinted part on, is sent part by part to the end of the segment.
//!
//! # Live, and what goes wrong with it
//! | option | meaning |
//! |---|---|
//! | `scte35_N` | a break every N seconds, half as long (30 s at most), told of eight seconds before: `EXT-X-DATERANGE`, `EventStream` |
//! | `sgai_1` | something else is played in the breaks of `scte35_`: HLS interstitials, whose `X-ASSET-LIST` is `assets.json` of the same title; DASH `ReplacePresentation` |
//! | `inband_1` | DASH: breaks are told by `emsg` in front of segments of the first rendition's pictures instead |
//! | `mpdevent_1` | DASH, with periods: `emsg` tells when an MPD is not valid any more, and `minimumUpdatePeriod` is 0 |
//! | `patch_N` | DASH: `PatchLocation`, and patches of MPDs that are N seconds old at most: older 404, none newer 425 |
//! | `etp_1` | DASH, with periods: the last period is announced half as long again as it will be |
//! | `continuous_0` | DASH: periods do not say that they continue each other |
//! | `encrestart_N` `encrestartmsn_N` | every N seconds media times begin anew (a discontinuity, a period) · and in HLS the media sequence, with a playlist that forgets what was before |
//! | `adbreak_N` | runs of N seconds, every other one a break whose media times lie an hour later |
//! | `jitter_N` | each segment or part is there up to N milliseconds after its end, by a hash of its number |
//! | `drift_N` | the media run N millionths fast, or slow if negative, counted from `start_N`, which has to be said |
//! | `early404_N` | media are there N milliseconds later than manifests say |
//! | `skewpdt_N` | HLS: `EXT-X-PROGRAM-DATE-TIME` is N milliseconds ahead, or behind if negative |
//! | `stale_F-T` | from second F to second T of each minute manifests stay as they were at F, and held requests wait |
//! | `back_P-S` | in P of a hundred seconds manifests that are not held are S seconds old |
//!
//! # Protection
//! | option | meaning |
//! |---|---|
//! | `prot_aes128` | HLS: segments (and the initialisation segments) encrypted whole |
//! | `prot_sampleaes` | HLS, with `ts_`: access units of transport streams and packed audio |
//! | `prot_cenc` `prot_cens` `prot_cbc1` `prot_cbcs` | Common Encryption; HLS has methods for cenc and cbcs |
//! | `keys_one` `keys_kinds` `keys_each` | one key, one for pictures and one for sound, one for each rendition |
//! | `krot_N` | another key every N segments, beginning again with the title; Common Encryption tells it in each fragment; of segments encrypted whole the initialisation segment keeps the first key, which is in force before each `EXT-X-MAP` |
//! | `lead_N` | the first N segments are clear; of Common Encryption by a second sample description |
//! | `iv_implicit` · `iv_wrap` | AES-128 by media sequence number, initialisation clear · a counter that wraps in the first sample |
//! | `pattern_C-S` | C blocks encrypted and S skipped, instead of 1 and 9 |
//! | `kf_identity` `kf_pssh` `kf_all` `kf_kid` | HLS: `EXT-X-KEY` with the key's URL, with the common `pssh`, with both, with the KID as `identity` |
//!
//! Key `S-P` is the P-th of rotation, of the S-th scope (`keys_kinds`: 0 pictures, 1 sound; `keys_each`: the position of
//! the rendition); without options there is `0-0` alone. Its KID is `telecine`, four zeros, S and P in two bytes each, and
//! the key is the KID with every bit turned over: KID `74656c6563696e650000000000000000` has the key
//! `8b9a939a9c96919affffffffffffffff`. Under each protected title, options and all, there are
//!
//! | file | what |
//! |---|---|
//! | `keys.json` | all keys, with KIDs and renditions, for scripts |
//! | `key/S-P.bin` | the 16 bytes of a key: what `EXT-X-KEY` leads to |
//! | `license` | POST: a licence server of ClearKey (W3C EME), what the MPD's `dashif:Laurl` leads to |
//!
//! and who gets keys and licences is said by
//!
//! | option | meaning |
//! |---|---|
//! | `kauth_<token>` | `Authorization: Bearer <token>` is required, else 401 |
//! | `ktoken_<token>` | `?token=<token>` is required, else 403; manifests have it in their URLs |
//! | `kdelay_<ms>` | keys and licences come later |
//! | `kwrong_1` · `klong_1` | keys are wrong · key files are one byte too long |
//! | `kmissing_N` | the N-th key of `keys.json` is not there: 404, or left out of licences |
//! | `kexpire_<s>` | none is given so many seconds after the origin started: 403 |
//!
//! A folder that is served as it is has a licence server too, `/files/<name>/license`, if there is a `keys.json` of that
//! form at its root (`[{"kid","key"}]` is enough); the options above say who gets licences of it.
//!
//! Scripted statuses of keys and licences are `statuscode_[{obj:k,code:503,times:2}]`. The log tells of each request which
//! keys were asked for and which given ([`LogEntry::keys`]).
//!
//! # Faults
//! `rsq` is the number of a segment in the title, counted from 0, or `*`. Byte positions are positions in the segment:
//! a request that resumes behind a cut goes through. `x<times>` limits a fault to the first requests for a path,
//! `:<rendition>` to a rendition; several are separated by commas.
//!
//! | option | meaning |
//! |---|---|
//! | `statuscode_[{cycle:s,rsq:n,code:c,rep:id,retry:s,obj:t,base:n,times:n},…]` | an error status for segments; `obj` (CMCD `m`, `i`, `v`, `a`, `tt`, `k`) for other objects |
//! | `cut_<rsq>@<bytes>` | the connection is reset |
//! | `short_<rsq>@<bytes>` | the connection ends cleanly, although more was announced |
//! | `stallh_<rsq>@<ms>` · `stallb_<rsq>@<ms>` | the head comes late · the body pauses in its middle |
//! | `flip_<rsq>@<n>` | n corrupt bytes, drawn from the seed |
//! | `norange_1` · `mime_<type>-<subtype>` · `enc_gzip` | ranges ignored · a wrong content type · compressed, asked for or not |
//! | `redir_<n>` · `redir_loop` | a chain of redirects · one without end |
//! | `rate_<kbps>` · `trace_<name>` · `delay_<ms>` | the pace of each body · the delay of each head |
//! | `seed_<n>` | where draws start |

mod bad;
mod body;
mod dash;
mod fault;
mod files;
mod hls;
mod live;
mod log;
mod low_latency;
mod network;
mod options;
mod programme;
mod protect;
mod request;
mod resource;
mod respond;
mod runs;
mod server;
mod single;
mod splice;
mod stream;
mod title;
mod unsteady;
mod waits;

pub use bad::BAD;
pub use body::Body;
pub use log::LogEntry;
pub use network::{Network, NetworkError, Step};
pub use options::Format;
pub use request::{Delivery, End, Keys, Method, Request, Response, DELAY_MS, HOLD_MS, NOW_MS, PACED, PIECES};
pub use respond::{respond, Library};
pub use server::{Origin, OriginConfig};
pub use title::{Title, TitleError};

/// The content type of what is not media, by extension.
fn media_type(extension: &str) -> &'static str {
    match extension {
        "m3u8" => "application/vnd.apple.mpegurl",
        "mpd" => "application/dash+xml",
        "mpp" => "application/dash-patch+xml",
        "xml" => "application/xml",
        "json" => "application/json",
        "vtt" => "text/vtt",
        "jpg" => "image/jpeg",
        _ => "application/octet-stream",
    }
}
