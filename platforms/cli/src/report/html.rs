//! The page of `--html`: one file that opens offline, on a desk or a phone, in light or dark.
//!
//! Titles, URLs, messages and ids come from outside: whatever is not a number goes through
//! [`escape`], and nothing from outside becomes a link, a style or a script.

use std::fmt::Write as _;

use telecine_engine::abr::in_one_line;

use super::timeline::timeline;
use super::{bits, seconds, size, DecisionEntry, Outcome, Report};
use crate::document::{within, ErrorEntry, WarningEntry, WarningPlace};

const CSS: &str = include_str!("page.css");
const JS: &str = include_str!("page.js");

/// More rows than this of a kind are for the JSON document.
const ROWS: usize = 2_000;

/// The whole page.
pub(crate) fn page(report: &Report) -> String {
    let timeline = timeline(report);
    let mut html = String::with_capacity(64 << 10);
    let _ = write!(
        html,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         script-src 'unsafe-inline'\">\n<title>{} · Telecine</title>\n<style>\n{CSS}</style>\n</head>\n<body>\n<main>\n",
        escape(&short_name(&report.url)),
    );
    html.push_str(&header(report));
    html.push_str(&tiles(report));
    html.push_str(&timeline.html);
    html.push_str(&tracks(report));
    let _ = write!(html, "<div class=\"two\">\n{}{}</div>\n", delivery(report), session(report));
    html.push_str(&decisions(report));
    html.push_str(&troubles(report));
    let _ = write!(
        html,
        "<footer><span>Made by <code>telecine play</code> {}</span><span>Action hash <code>{}</code></span><span>Times are seconds of the session unless said otherwise.</span></footer>\n</main>\n\
         <div id=\"tip\" role=\"tooltip\"></div>\n<script type=\"application/json\" id=\"data\">{}</script>\n\
         <script>\n{JS}</script>\n</body>\n</html>\n",
        escape(report.telecine),
        escape(&report.action_hash),
        script_json(&timeline.data),
    );
    html
}

/// Text as HTML may carry it, in elements and in quoted attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() && c != '\n' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// JSON that cannot end the script element which it stands in.
fn script_json(value: &serde_json::Value) -> String {
    value.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

/// A tooltip: its head, then reasons.
pub(crate) fn tip(head: &str, reasons: &[String]) -> String {
    let mut all = vec![head];
    all.extend(reasons.iter().map(String::as_str));
    let spoken = all.join(". ");
    format!(
        "data-tip=\"{}\" title=\"{}\" aria-label=\"{}\"",
        escape(&serde_json::json!(all).to_string()),
        escape(&spoken),
        escape(&spoken),
    )
}

/// The last two names of a URL's path: what a person calls the title.
fn short_name(url: &str) -> String {
    let path = telecine_model::uri::split(url).path;
    let mut names: Vec<&str> = path.rsplit('/').filter(|name| !name.is_empty()).take(2).collect();
    names.reverse();
    if names.is_empty() {
        telecine_model::uri::host(url).to_owned()
    } else {
        names.join("/")
    }
}

fn header(report: &Report) -> String {
    let mut tags = format!("<span class=\"tag {0}\">{0}</span>", report.outcome.name());
    let mut tag = |text: &str| {
        let _ = write!(tags, "<span class=\"tag\">{}</span>", escape(text));
    };
    match report.protocol.as_deref() {
        Some("hls") => tag("HLS"),
        Some("dash") => tag("DASH"),
        _ => {}
    }
    if report.protocol.is_some() {
        tag(if report.live { "live" } else { "on demand" });
    }
    if let Some(duration) = report.duration_s {
        tag(&seconds(duration));
    }
    tag(&format!("{} sink", report.setup.sink));
    tag(&format!("{} clock", report.setup.clock));
    if let Some(network) = &report.setup.network {
        // Of a trace file, its name.
        tag(network.rsplit(['/', '\\']).next().unwrap_or(network));
    }
    let fatal = report.error.as_ref().map_or(String::new(), |error| {
        format!(
            "<div class=\"fatal\"><p><strong>{} {}</strong> {}</p><p>{}{}</p></div>\n",
            error.code,
            escape(error.name),
            escape(&error.message),
            place(error),
            escape(&capitalised(error.advice)),
        )
    });
    format!(
        "<div class=\"top\"><span class=\"brand\">{LOGO}Telecine</span><span class=\"push\">playback report</span></div>\n\
         <h1>{}</h1>\n<p class=\"where mono\">{}</p>\n<div class=\"tags\">{tags}</div>\n{fatal}",
        escape(&unbroken(&report.headline())),
        escape(&report.url),
    )
}

/// Numbers stay on the line of their units, and so does the "no" of "no stalls".
fn unbroken(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (word, part) in text.split(' ').enumerate() {
        let bound = out.ends_with(|c: char| c.is_ascii_digit()) || out.ends_with(" no");
        if word > 0 {
            out.push(if bound { '\u{a0}' } else { ' ' });
        }
        out.push_str(part);
    }
    out
}

/// A frame of film with a play mark.
const LOGO: &str = "<svg viewBox=\"0 0 20 20\" aria-hidden=\"true\"><rect width=\"20\" height=\"20\" rx=\"5\" \
    fill=\"var(--video)\"/><path d=\"M8 6.2v7.6l6-3.8z\" fill=\"var(--card)\"/><path d=\"M3.6 4v2M3.6 9v2M3.6 14v2\" \
    stroke=\"var(--card)\" stroke-width=\"1.6\" stroke-linecap=\"round\"/></svg>";

fn tiles(report: &Report) -> String {
    let mut out = String::from("<dl class=\"tiles\">\n");
    let mut tile = |class: &str, name: &str, value: &str, unit: &str, note: &str| {
        let unit = if unit.is_empty() { String::new() } else { format!("<small>{unit}</small>") };
        let _ = writeln!(
            out,
            "<div class=\"tile {class}\"><dt>{name}</dt><dd>{}{unit}</dd><p>{}</p></div>",
            escape(value),
            if note.is_empty() { "&nbsp;".to_owned() } else { escape(note) },
        );
    };
    let (value, unit) = report.startup_s.map_or(("–".to_owned(), String::new()), |s| split_unit(&seconds(s)));
    tile("", "Start-up", &value, &unit, "to the first picture");
    let (value, unit) = split_unit(&seconds(report.played_s));
    let of = report.duration_s.map_or(String::new(), |d| format!("of {}", seconds(d)));
    tile("", "Played", &value, &unit, &of);
    match report.stalls.count {
        0 if report.startup_s.is_none() => tile("", "Stalls", "–", "", ""),
        0 => tile("good", "Stalls", "none", "", "0 s waiting"),
        count => tile(
            "bad",
            "Stalls",
            &count.to_string(),
            "",
            &format!("{}, {:.1} %", seconds(report.stalls.total_s), report.stalls.ratio * 100.0),
        ),
    }
    if report.jumps.count > 0 {
        let over = format!("over {}; {} to the edge", seconds(report.jumps.skipped_s), report.jumps.to_edge);
        tile("bad", "Jumps", &report.jumps.count.to_string(), "", &over);
    }
    if report.breaks.count > 0 {
        let failed = match report.breaks.failed {
            0 => String::new(),
            failed => format!(", {failed} left out"),
        };
        let total = format!("{} in all{failed}", seconds(report.breaks.total_s));
        tile("", "Breaks", &report.breaks.count.to_string(), "", &total);
    }
    let (value, unit) = report.bitrate.mean_bps.map_or(("–".to_owned(), String::new()), |b| split_unit(&bits(b)));
    let name = if report.bitrate.of == Some("audio") { "Sound, measured" } else { "Video, measured" };
    let declared = report.bitrate.declared_mean_bps.map_or(String::new(), |mean| format!("declared {}", bits(mean)));
    tile("", name, &value, &unit, &declared);
    let turns = format!("{} up, {} down", report.bitrate.up, report.bitrate.down);
    tile("", "Switches", &report.bitrate.switches.to_string(), "", &turns);
    if let Some(latency) = &report.latency {
        let (value, unit) = split_unit(&seconds(latency.mean_s));
        let aim = match latency.followed {
            true => format!("target {}", seconds(latency.target_s)),
            false => "not followed".to_owned(),
        };
        let within = format!("{aim}, 95 % within {}", seconds(latency.p95_s));
        tile("", "Latency, mean", &value, &unit, &within);
    }
    let (value, unit) = split_unit(&size(report.bytes.fetched));
    tile("", "Fetched", &value, &unit, &format!("{} wasted", size(report.bytes.wasted)));
    out.push_str("</dl>\n");
    out
}

/// `2.41 Mbit/s` to its number and its unit; `12 min 03 s` stays whole.
fn split_unit(text: &str) -> (String, String) {
    match text.split_once(' ') {
        Some((value, unit)) if !unit.contains(' ') => (value.to_owned(), unit.to_owned()),
        _ => (text.to_owned(), String::new()),
    }
}

fn tracks(report: &Report) -> String {
    let mut rows = String::new();
    for track in &report.tracks {
        let decoded = match (track.decoded, track.decode_errors) {
            (0, 0) => "–".to_owned(),
            (decoded, 0) => decoded.to_string(),
            (decoded, errors) => format!("{decoded}, {errors} refused"),
        };
        let edge = |time: Option<f64>| time.map_or("–".to_owned(), |t| format!("{t:.3}"));
        let _ = writeln!(
            rows,
            "<tr><td><i class=\"key\" style=\"--c:{}\"></i>{}</td><td>{}</td><td><code>{}</code></td>\
             <td class=\"r\">{}</td><td class=\"r\">{:.3}</td><td class=\"r\">{}</td><td class=\"r\">{}</td>\
             <td class=\"r\">{}</td><td class=\"r\">{}</td></tr>",
            colour(track.kind),
            track.kind,
            escape(&track.id),
            escape(&track.codec),
            track.samples,
            track.duration_s,
            edge(track.first_pts_s),
            edge(track.last_pts_s),
            track.gaps,
            decoded,
        );
    }
    let body = if rows.is_empty() {
        "<p class=\"none\">No media reached the sink.</p>".to_owned()
    } else {
        format!(
            "<div class=\"scroll\"><table><thead><tr><th>Track</th><th>Id</th><th>Codec</th><th class=\"r\">Samples</th>\
             <th class=\"r\">Duration, s</th><th class=\"r\">First, s</th><th class=\"r\">Last, s</th>\
             <th class=\"r\">Gaps</th><th class=\"r\">Decoded</th></tr></thead><tbody>\n{rows}</tbody></table></div>"
        )
    };
    format!("<section class=\"card\"><header><h2>Tracks <small>what the sink was given</small></h2></header>\n{body}</section>\n")
}

fn delivery(report: &Report) -> String {
    let bytes = &report.bytes;
    let share = |part: u64| {
        if bytes.fetched == 0 {
            0.0
        } else {
            part as f64 / bytes.fetched as f64 * 100.0
        }
    };
    let played = bytes.media.saturating_sub(bytes.wasted);
    let mut facts = String::new();
    let mut fact = |name: &str, value: String| {
        let _ = write!(facts, "<dt>{}</dt><dd>{}</dd>", escape(name), escape(&value));
    };
    fact("Media played", size(played));
    fact("Media wasted", format!("{} ({:.1} %)", size(bytes.wasted), share(bytes.wasted)));
    if bytes.skipped > 0 {
        fact("Read past (the server ignores byte ranges)", size(bytes.skipped));
    }
    fact("Manifests and headers", size(bytes.fetched.saturating_sub(bytes.media)));
    fact("Requests", report.requests.total.to_string());
    fact("Failed", report.requests.failed.to_string());
    fact("Cancelled", report.requests.cancelled.to_string());
    for (pathway, count) in &report.requests.by_pathway {
        // HLS calls the pathway of variants that name none "." (RFC 8216bis, 4.4.6.2).
        let name = if pathway == "." { "the default pathway" } else { pathway };
        fact(&format!("From {name}"), count.to_string());
    }
    format!(
        "<section class=\"card\"><header><h2>Delivery</h2></header>\n<div class=\"bar\" aria-hidden=\"true\">\
         <i class=\"media\" style=\"width:{:.2}%\"></i><i class=\"wasted\" style=\"width:{:.2}%\"></i></div>\
         <dl class=\"facts\">{facts}</dl></section>\n",
        share(played),
        share(bytes.wasted),
    )
}

fn session(report: &Report) -> String {
    let mut facts = String::new();
    let mut fact = |name: &str, value: String| {
        let _ = write!(facts, "<dt>{}</dt><dd>{}</dd>", escape(name), escape(&value));
    };
    fact("Wall time", seconds(report.wall_s));
    let seeks = match (report.seeks.count, report.seeks.mean_s) {
        (0, _) => "none".to_owned(),
        (count, Some(mean)) => format!("{count}, {} each", seconds(mean)),
        (count, None) => count.to_string(),
    };
    fact("Seeks", seeks);
    fact("Bitrate rule", report.setup.abr.clone());
    if let Some(height) = report.height.mean {
        fact("Mean height", format!("{height:.0} lines"));
    }
    format!(
        "<section class=\"card\"><header><h2>Session</h2></header>\n<dl class=\"facts\">{facts}</dl>{}</section>\n",
        rungs(report)
    )
}

/// How long each rung of the ladder was on screen.
fn rungs(report: &Report) -> String {
    let on_screen = report.startup_s.map_or(0.0, |startup| report.wall_s - startup);
    let mut rows = String::new();
    for (index, rung) in report.ladder.iter().filter(|rung| rung.kind == "video").enumerate() {
        let shown = time_on(report, &rung.rendition);
        let share = if on_screen > 0.0 { (shown / on_screen * 100.0).clamp(0.0, 100.0) } else { 0.0 };
        let rate = match (rung.measured_bps, rung.bitrate_bps) {
            (Some(measured), Some(declared)) => format!("{} of {}", bits(measured), bits(declared)),
            (Some(measured), None) => bits(measured),
            (None, Some(declared)) => format!("{} declared", bits(declared)),
            (None, None) => String::new(),
        };
        let _ = writeln!(
            rows,
            "<span>{} <small>{rate}</small></span><div class=\"bar\"><i class=\"q{}\" style=\"width:{share:.2}%\"></i></div><em>{}</em>",
            escape(&rung.name()),
            (index + 2).min(6),
            if shown > 0.0 { seconds(shown) } else { "–".to_owned() },
        );
    }
    if rows.is_empty() {
        rows
    } else {
        format!("<div class=\"rungs\" aria-label=\"time on screen by rendition\">\n{rows}</div>")
    }
}

/// How long a rendition was on screen, stalls included.
fn time_on(report: &Report, rendition: &str) -> f64 {
    let video: Vec<_> = report.quality.iter().filter(|quality| quality.kind == "video").collect();
    let ends = video.iter().skip(1).map(|quality| quality.t_s).chain([report.wall_s]);
    video
        .iter()
        .zip(ends)
        .filter(|(quality, _)| quality.rendition == rendition)
        .map(|(quality, end)| (end - quality.t_s).max(0.0))
        .sum()
}

fn decisions(report: &Report) -> String {
    let mut kinds: Vec<&str> = report.decisions.iter().map(|decision| decision.kind.as_str()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let mut chips = String::from("<button data-filter=\"\" aria-pressed=\"true\">all</button>");
    for kind in &kinds {
        let _ = write!(chips, "<button data-filter=\"{0}\" aria-pressed=\"false\">{0}</button>", escape(kind));
    }
    let mut rows = String::new();
    for decision in report.decisions.iter().take(ROWS) {
        let _ = writeln!(
            rows,
            "<li data-kind=\"{}\"><span class=\"t\">{:.2} s</span><span class=\"k\">{}</span><div class=\"what\">\
             <div class=\"to\">{}</div><div class=\"why\">{}</div>{}</div></li>",
            escape(&decision.kind),
            decision.t_s,
            escape(&decision.kind),
            escape(&change(decision)),
            escape(&capitalised(&decision.why.join("; "))),
            candidates(decision),
        );
    }
    let more = report.decisions.len().saturating_sub(ROWS);
    if more > 0 {
        let _ = write!(
            rows,
            "<li><span></span><span></span><span class=\"none\">{more} more in the JSON report</span></li>"
        );
    }
    let (chips, body) = if rows.is_empty() {
        (String::new(), "<p class=\"none\">Nothing was decided.</p>".to_owned())
    } else {
        (
            format!("<div class=\"chips\">{chips}</div>"),
            format!("<ol class=\"log\" id=\"decisions\" tabindex=\"0\">\n{rows}</ol>"),
        )
    };
    format!(
        "<section class=\"card\"><header><h2>Decisions <small>{}</small></h2>{chips}</header>\n{body}</section>\n",
        report.decisions.len()
    )
}

/// What a rendition was chosen from.
fn candidates(decision: &DecisionEntry) -> String {
    match decision.candidates.as_slice() {
        [] => String::new(),
        candidates => format!("<div class=\"why of\">{}</div>", escape(&in_one_line(candidates))),
    }
}

/// What a decision changed, in a few words.
pub(crate) fn change(decision: &DecisionEntry) -> String {
    let about = decision.track.map_or(String::new(), |track| format!("{track}: "));
    let rate = decision.bitrate_bps.map_or(String::new(), |bps| format!(" ({})", bits(bps)));
    match (&decision.from, &decision.to) {
        (Some(from), Some(to)) if from == to => format!("{about}stays {to}{rate}"),
        (Some(from), Some(to)) => format!("{about}{from} → {to}{rate}"),
        (None, Some(to)) => format!("{about}{to}{rate}"),
        (Some(from), None) => format!("{about}leaves {from}"),
        (None, None) => format!("{about}{}", decision.kind),
    }
}

fn troubles(report: &Report) -> String {
    let mut rows = String::new();
    for error in report.errors.iter().take(ROWS) {
        let fatal = report.outcome == Outcome::Failed && error.fatal;
        let _ = writeln!(
            rows,
            "<li><span class=\"t\">{}</span><span class=\"k {}\">{}</span><div class=\"what\"><div class=\"to\">{} {}: {}</div>\
             <div class=\"why\">{}{}</div></div></li>",
            error.t_s.map_or(String::new(), |t| format!("{t:.2} s")),
            if fatal { "fatal-word" } else { "error" },
            if fatal { "fatal" } else { error.handling },
            error.code,
            escape(error.name),
            escape(&error.message),
            place(error),
            escape(&capitalised(error.advice)),
        );
    }
    for warning in report.warnings.iter().take(ROWS) {
        let _ = writeln!(
            rows,
            "<li><span class=\"t\">{}</span><span class=\"k\">warning</span><div class=\"what\"><div class=\"to\">{}</div>\
             <div class=\"why\">{}</div></div></li>",
            escape(&warning.rule),
            escape(&warning.message),
            escape(&warning_place(warning)),
        );
    }
    if rows.is_empty() {
        rows.push_str("<p class=\"none\">None.</p>");
    } else {
        rows = format!("<ol class=\"log\" tabindex=\"0\">\n{rows}</ol>");
    }
    format!(
        "<section class=\"card\"><header><h2>Errors and warnings <small>{}</small></h2></header>\n{rows}</section>\n",
        report.errors.len() + report.warnings.len()
    )
}

/// Where something was tolerated, and how often.
fn warning_place(warning: &WarningEntry) -> String {
    match &warning.media {
        None => warning.place.clone(),
        Some(media) => {
            let times = if media.count == 1 { String::new() } else { format!("{} times, first in ", media.count) };
            let WarningPlace { kind, track, rendition, segment, .. } = media;
            format!("{times}{kind} {track}, rendition {rendition}, segment {segment}, {}", warning.place)
        }
    }
}

fn place(error: &ErrorEntry) -> String {
    let within = within(&error.facts);
    let parts = [error.place.as_deref(), error.facts.get("url").map(String::as_str), within.as_deref()];
    parts.into_iter().flatten().map(|part| format!("<code>{}</code> · ", escape(part))).collect()
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

/// The colour that stands for a kind of track on the whole page.
pub(crate) fn colour(kind: &str) -> &'static str {
    match kind {
        "video" => "var(--video)",
        "audio" => "var(--audio)",
        _ => "var(--text)",
    }
}

#[cfg(test)]
mod tests {
    use telecine_engine::abr::{Candidate, Standing};
    use telecine_engine::telemetry::Qoe;
    use telecine_engine::{Decision, DecisionKind, Event, StallCause, State};
    use telecine_model::{Error, ErrorCode, MediaTime, Place, Timestamp, TrackKind, Warning};

    use super::*;
    use crate::report::{Collector, Session, Setup, Tally};

    fn setup(text: &str) -> Setup {
        Setup { sink: "null", clock: "virtual", abr: text.to_owned(), start_s: None, network: Some(text.to_owned()) }
    }

    fn report(notes: Collector) -> Report {
        let now = Timestamp::from_millis(10_000);
        notes.finish(&Session {
            now,
            presentation: None,
            qoe: Qoe::new(Timestamp::ZERO).summary(now),
            tracks: Vec::new(),
            action_hash: 1,
        })
    }

    #[test]
    fn nothing_from_outside_becomes_markup() {
        let evil = "\"'></script><script>alert(1)</script><img src=x onerror=alert(1)>`${1}\u{202e}";
        let at = Timestamp::from_millis(1_000);
        let mut notes = Collector::new(&format!("http://a/{evil}"), setup(evil), Tally::default());
        let place = Place::Path(evil.to_owned());
        let error = Error::new(ErrorCode::HttpStatus, evil).at(place.clone()).fact("url", evil);
        for event in [
            Event::Loaded {
                at,
                protocol: evil.to_owned(),
                live: false,
                duration: None,
                warnings: vec![Warning::new(evil, place, evil)],
            },
            Event::Quality { at, kind: TrackKind::Video, rendition: evil.to_owned(), bitrate: 1_000, height: None },
            Event::StallStarted { at, position: MediaTime::ZERO, cause: StallCause::SlowNetwork },
            Event::Decision(Decision {
                at,
                position: MediaTime::ZERO,
                what: DecisionKind::Pathway,
                kind: None,
                from: Some(evil.to_owned()),
                to: Some(evil.to_owned()),
                why: vec![evil.to_owned()],
                candidates: vec![Candidate {
                    rendition: evil.to_owned(),
                    bitrate: 1_000,
                    standing: Standing::Chosen { takes_ms: 1 },
                }],
            }),
            Event::Error { at, error },
            Event::State { at, state: State::Failed },
        ] {
            notes.event(&event);
        }
        let page = page(&report(notes));
        assert_eq!(page.matches("<script").count(), 2, "the numbers and the page's own");
        assert_eq!(page.matches("</script").count(), 2);
        assert!(!page.contains("<img"));
        // In attributes a quotation mark would be the way out.
        assert!(!page.contains("\"'>") && !page.contains("'></"));
    }

    #[test]
    fn a_session_in_which_nothing_happened_still_has_a_page() {
        let page = page(&report(Collector::new("", setup("x"), Tally::default())));
        assert!(!page.contains("NaN") && !page.contains("inf"), "no number went wrong");
        assert!(page.contains("Nothing was decided."));
    }

    #[test]
    fn numbers_stay_with_their_units() {
        assert_eq!(unbroken("started in 0.40 s, no stalls"), "started in 0.40\u{a0}s, no\u{a0}stalls");
    }
}
