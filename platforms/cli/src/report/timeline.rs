//! The page's drawing: buffer, what was on screen, throughput against the chosen bitrate, and
//! everything that happened, over one axis of time.

use std::fmt::Write as _;

use serde_json::json;

use super::html::{change, colour, escape, tip};
use super::plots::{area, bars, line, steps, thin, time_ticks, Scale};
use super::{seconds, DecisionEntry, Report, Rung};

/// Markup, and the numbers that the page's crosshair reads.
pub(crate) struct Timeline {
    pub(crate) html: String,
    pub(crate) data: serde_json::Value,
}

/// Draws a session.
pub(crate) fn timeline(report: &Report) -> Timeline {
    let t_max = report.wall_s.max(0.001);
    let buffer = buffer_plot(report, t_max);
    let latency = latency_plot(report, t_max);
    let rates = rate_plot(report, t_max);
    let ribbon = ribbon(report, t_max);
    let lane = lane(report, t_max);
    let axis = axis(t_max);
    let html = format!(
        "<section class=\"card\"><header><h2>Buffer <small>seconds ahead of the playhead</small></h2>{}</header>\n\
         <div class=\"chart\">{buffer}{ribbon}</div>\n{latency}\
         <header style=\"margin-top:24px\"><h2>Network and choice <small>logarithmic</small></h2>{}</header>\n\
         <div class=\"chart\">{rates}{lane}{axis}</div>\n\
         <div class=\"readout\" id=\"readout\"><span>Point at a curve to read it, at a dot for the reasons of a decision; \
         arrow keys walk from dot to dot.</span></div></section>\n",
        buffer_legend(report),
        if has_rates(report) { rate_legend(report) } else { String::new() },
    );
    Timeline { html, data: crosshair(report, t_max) }
}

/// Whether there is anything to see of the network.
fn has_rates(report: &Report) -> bool {
    charted(report).next().is_some() || !report.throughput.is_empty() || report.bytes.fetched > 0
}

fn percent(t: f64, t_max: f64) -> f64 {
    (t / t_max).clamp(0.0, 1.0) * 100.0
}

fn buffer_legend(report: &Report) -> String {
    let mut out = String::from("<div class=\"legend\">");
    for kind in report.buffers.keys() {
        let _ = write!(out, "<span><i style=\"--c:{}\"></i>{}</span>", colour(kind), escape(kind));
    }
    if !report.stalled.is_empty() {
        out.push_str("<span><i class=\"stall\"></i>stall</span>");
    }
    out.push_str("</div>");
    out
}

fn rate_legend(report: &Report) -> String {
    let mut out = String::from(
        "<div class=\"legend\"><span><i class=\"came\"></i>received</span>\
         <span><i style=\"--c:var(--net)\"></i>throughput estimate</span>\
         <span><i style=\"--c:var(--video)\"></i>chosen bitrate</span>",
    );
    if charted(report).any(|decision| direction(decision, report) == "up") {
        out.push_str("<span><i class=\"spot\" style=\"--c:var(--good)\"></i>up</span>");
    }
    if charted(report).any(|decision| direction(decision, report) == "down") {
        out.push_str("<span><i class=\"spot\" style=\"--c:var(--bad)\"></i>down</span>");
    }
    if charted(report).any(|decision| decision.kind == "abandon") {
        out.push_str("<span><i class=\"cut\">✂</i>given up half-way</span>");
    }
    out.push_str("</div>");
    out
}

fn buffer_plot(report: &Report, t_max: f64) -> String {
    let highest = report.buffers.values().flatten().map(|point| point.1).fold(5.0, f64::max);
    let scale = Scale::Linear { max: highest * 1.08 };
    let mut curves = String::new();
    for (kind, points) in &report.buffers {
        if kind == "video" || report.buffers.len() == 1 {
            let _ = write!(
                curves,
                "<path class=\"fill\" style=\"fill:{}\" d=\"{}\"/>",
                colour(kind),
                area(points, t_max, scale)
            );
        }
        let _ = write!(
            curves,
            "<path class=\"thin\" style=\"stroke:{}\" d=\"{}\"/>",
            colour(kind),
            line(points, t_max, scale)
        );
    }
    format!(
        "<div class=\"plot\" data-plot>{}{}{}{}{}</div>\n",
        grid(scale, 4, |value| format!("{value} s")),
        stall_bands(report, t_max),
        svg(&curves),
        started(report, t_max),
        stall_tips(report, t_max),
    )
}

/// How old what a live title showed was, and how old it was to be; empty for other titles.
fn latency_plot(report: &Report, t_max: f64) -> String {
    if report.latencies.is_empty() {
        return String::new();
    }
    let target = report.latency.as_ref().map(|latency| latency.target_s);
    let highest = report.latencies.iter().map(|point| point.1).chain(target).fold(1.0, f64::max);
    let scale = Scale::Linear { max: highest * 1.15 };
    let mut curves =
        format!("<path class=\"thin\" style=\"stroke:var(--net)\" d=\"{}\"/>", line(&report.latencies, t_max, scale));
    if let Some(target) = target {
        let level = [(0.0, target), (t_max, target)];
        let _ = write!(
            curves,
            "<path class=\"thin\" style=\"stroke:var(--good)\" stroke-dasharray=\"4 4\" d=\"{}\"/>",
            line(&level, t_max, scale)
        );
    }
    format!(
        "<header style=\"margin-top:24px\"><h2>Latency <small>seconds behind the live edge</small></h2>\
         <div class=\"legend\"><span><i style=\"--c:var(--net)\"></i>latency</span>\
         <span><i style=\"--c:var(--good)\"></i>aimed at last</span></div></header>\n\
         <div class=\"chart\"><div class=\"plot\" style=\"--h:120px\" data-plot>{}{}{}</div></div>\n",
        grid(scale, 4, |value| format!("{value} s")),
        stall_bands(report, t_max),
        svg(&curves),
    )
}

fn svg(content: &str) -> String {
    format!("<svg viewBox=\"0 0 1000 100\" preserveAspectRatio=\"none\" aria-hidden=\"true\">{content}</svg>")
}

fn grid(scale: Scale, wanted: usize, label: impl Fn(f64) -> String) -> String {
    scale.ticks(wanted).into_iter().fold(String::new(), |mut out, value| {
        let base = if value == 0.0 { " base" } else { "" };
        let bottom = scale.at(value) * 100.0;
        let _ = write!(out, "<div class=\"grid{base}\" style=\"bottom:{bottom:.2}%\"><b>{}</b></div>", label(value));
        out
    })
}

fn stall_bands(report: &Report, t_max: f64) -> String {
    report.stalled.iter().fold(String::new(), |mut out, stall| {
        let left = percent(stall.t_s, t_max);
        let width = percent(stall.t_s + stall.duration_s, t_max) - left;
        let _ = write!(out, "<div class=\"stall-band\" style=\"left:{left:.3}%;width:{width:.3}%\"></div>");
        out
    })
}

fn stall_tips(report: &Report, t_max: f64) -> String {
    if report.stalled.is_empty() {
        return String::new();
    }
    let mut out = String::from("<div data-roving>");
    for (index, stall) in report.stalled.iter().enumerate() {
        let head = format!("Stalled for {} at {:.2} s", seconds(stall.duration_s), stall.t_s);
        let why = [stall.cause.clone(), format!("playhead at {:.2} s", stall.position_s)];
        let _ = write!(
            out,
            "<button class=\"mark error\" tabindex=\"{}\" style=\"left:{:.3}%\" {}>!</button>",
            if index == 0 { 0 } else { -1 },
            percent(stall.t_s + stall.duration_s / 2.0, t_max),
            tip(&head, &why),
        );
    }
    out.push_str("</div>");
    out
}

fn started(report: &Report, t_max: f64) -> String {
    report.startup_s.map_or(String::new(), |startup| {
        format!("<div class=\"started\" style=\"left:{:.3}%\"><b>first picture</b></div>", percent(startup, t_max))
    })
}

/// What was on screen, as a ribbon: the deeper the colour the higher the rung.
fn ribbon(report: &Report, t_max: f64) -> String {
    let shown: Vec<_> = report.quality.iter().filter(|quality| quality.kind == "video").collect();
    if shown.is_empty() {
        return String::new();
    }
    let rungs: Vec<&str> =
        report.ladder.iter().filter(|rung| rung.kind == "video").map(|rung| rung.rendition.as_str()).collect();
    let depth = |rendition: &str| match rungs.iter().position(|rung| *rung == rendition) {
        Some(rank) if rungs.len() > 1 => 1 + rank * 5 / (rungs.len() - 1),
        _ => 4,
    };
    let ends = shown.iter().skip(1).map(|quality| quality.t_s).chain([report.wall_s]);
    let mut out = String::from("<div class=\"ribbon\" role=\"img\" aria-label=\"what was on screen\">");
    for (quality, end) in shown.iter().zip(ends) {
        let left = percent(quality.t_s, t_max);
        let width = percent(end, t_max) - left;
        let name = quality.height.map_or_else(|| quality.rendition.clone(), |height| format!("{height}p"));
        let _ = write!(
            out,
            "<span class=\"q{}\" style=\"left:{left:.3}%;width:{width:.3}%\" title=\"{}\">{}</span>",
            depth(&quality.rendition),
            escape(&format!("{} · {} from {:.1} s to {end:.1} s", quality.rendition, name, quality.t_s)),
            // A name that has no room would only be cut off.
            if width > 4.5 { escape(&name) } else { String::new() },
        );
    }
    out.push_str("</div>\n");
    out
}

/// The decisions that the plot shows: what was fetched from then on, chosen or taken instead of a segment that was
/// given up; of the picture, else of whatever was played.
fn charted(report: &Report) -> impl Iterator<Item = &DecisionEntry> {
    let rated = |decision: &&DecisionEntry| {
        matches!(decision.kind.as_str(), "bitrate" | "abandon") && decision.bitrate_bps.is_some()
    };
    let video = report.decisions.iter().filter(rated).any(|decision| decision.track == Some("video"));
    report.decisions.iter().filter(rated).filter(move |decision| !video || decision.track == Some("video"))
}

fn direction(decision: &DecisionEntry, report: &Report) -> &'static str {
    if decision.kind == "abandon" {
        return "abandon";
    }
    let rate = |id: &Option<String>| {
        let id = id.as_ref()?;
        let same = |rung: &&Rung| rung.rendition == *id && decision.track.is_none_or(|kind| kind == rung.kind);
        report.ladder.iter().find(same)?.rate()
    };
    match (rate(&decision.from), decision.bitrate_bps) {
        (Some(from), Some(to)) if to > from => "up",
        (Some(from), Some(to)) if to < from => "down",
        (Some(_), Some(_)) => "stay",
        _ => "",
    }
}

fn rate_plot(report: &Report, t_max: f64) -> String {
    let chosen: Vec<(f64, f64)> =
        charted(report).filter_map(|decision| Some((decision.t_s, decision.bitrate_bps? as f64))).collect();
    let network: Vec<(f64, f64)> = report.throughput.iter().map(|(t, bps)| (*t, *bps as f64)).collect();
    let kind = charted(report).next().and_then(|decision| decision.track).unwrap_or("video");
    let rungs: Vec<_> = report.ladder.iter().filter(|rung| rung.kind == kind).collect();
    let received = received(report, t_max);
    let values = || {
        let rungs = rungs.iter().filter_map(|rung| rung.rate()).map(|rate| rate as f64);
        chosen.iter().chain(&network).map(|point| point.1).chain(rungs).filter(|value| *value > 0.0)
    };
    let low = values().fold(f64::INFINITY, f64::min);
    let high = received.iter().map(|bin| bin.2).chain(values()).fold(0.0, f64::max);
    if high <= 0.0 || !low.is_finite() {
        return "<p class=\"none\">Nothing was measured and nothing chosen.</p>".to_owned();
    }
    let scale = Scale::Log { min: low / 1.5, max: high * 1.35 };
    let curves = format!(
        "<path class=\"came\" d=\"{}\"/><path class=\"thin\" style=\"stroke:var(--net)\" d=\"{}\"/>\
         <path style=\"stroke:var(--video)\" d=\"{}\"/>",
        bars(&received, t_max, scale),
        line(&network, t_max, scale),
        steps(&chosen, t_max, scale),
    );
    let mut names = String::new();
    let mut last: Option<f64> = None;
    for rung in &rungs {
        let Some(rate) = rung.rate() else { continue };
        let at = scale.at(rate as f64) * 100.0;
        // Rungs close together would print their names over each other.
        let name = match last {
            Some(last) if (at - last).abs() < 8.0 => String::new(),
            _ => {
                last = Some(at);
                rung.name()
            }
        };
        let _ = write!(names, "<div class=\"rung\" style=\"bottom:{at:.2}%\"><b>{}</b></div>", escape(&name));
    }
    let mut dots = String::from("<div data-roving>");
    for (index, decision) in charted(report).enumerate() {
        let given_up = if decision.kind == "abandon" { "given up half-way, " } else { "" };
        let head = format!("{:.2} s: {given_up}{}", decision.t_s, change(decision));
        let rate = decision.bitrate_bps.unwrap_or(0) as f64;
        let _ = write!(
            dots,
            "<button class=\"dot {0}\" tabindex=\"{1}\" style=\"left:{2:.3}%;bottom:calc({3:.2}% - 20px)\" {4}>{5}</button>",
            direction(decision, report),
            if index == 0 { 0 } else { -1 },
            percent(decision.t_s, t_max),
            scale.at(rate) * 100.0,
            tip(&head, &decision.why),
            if decision.kind == "abandon" { "✂" } else { "" },
        );
    }
    dots.push_str("</div>");
    format!(
        "<div class=\"plot\" style=\"--h:230px\" data-plot>{}{}{names}{}{dots}</div>\n",
        grid(scale, 6, short_bits),
        stall_bands(report, t_max),
        svg(&curves),
    )
}

/// What came over the network, as bits a second between two instants: at most one bar for every half per cent of the
/// session, and none shorter than a look at it.
fn received(report: &Report, t_max: f64) -> Vec<(f64, f64, f64)> {
    let width = t_max / 200.0;
    let mut bins = Vec::new();
    let mut from = (0.0, 0);
    for (t, bytes) in &report.received {
        if t - from.0 >= width && *t > from.0 {
            bins.push((from.0, *t, bytes.saturating_sub(from.1) as f64 * 8.0 / (t - from.0)));
            from = (*t, *bytes);
        }
    }
    bins
}

/// A label of the axis: `500 k`, `2 M`.
fn short_bits(bps: f64) -> String {
    if bps >= 1e9 {
        format!("{} G", bps / 1e9)
    } else if bps >= 1e6 {
        format!("{} M", bps / 1e6)
    } else {
        format!("{} k", bps / 1e3)
    }
}

/// Everything else that happened, as marks.
fn lane(report: &Report, t_max: f64) -> String {
    let sign = |kind: &str| match kind {
        "track" => "◆",
        "abandon" => "✂",
        "pathway" => "⇄",
        "retry" => "↻",
        "skip" | "gap" => "⇥",
        "seek" => "▸",
        "rate" => "≫",
        _ => "•",
    };
    let plotted: Vec<&DecisionEntry> = charted(report).collect();
    let decided = report
        .decisions
        .iter()
        .filter(|decision| !plotted.iter().any(|other| std::ptr::eq(*other, *decision)) && decision.kind != "bitrate")
        .map(|decision| {
            let head = format!("{:.2} s: {}, {}", decision.t_s, decision.kind, change(decision));
            (decision.t_s, decision.kind.as_str(), sign(&decision.kind), tip(&head, &decision.why))
        });
    // What was decided because of an error says so itself.
    let answered =
        |t: f64| report.decisions.iter().any(|decision| decision.kind != "bitrate" && (decision.t_s - t).abs() < 1e-3);
    let failed = report.errors.iter().filter_map(|error| {
        let t = error.t_s.filter(|t| !answered(*t))?;
        let head = format!("{t:.2} s: {} {}", error.code, error.name);
        Some((t, "error", "✕", tip(&head, std::slice::from_ref(&error.message))))
    });
    let mut marks: Vec<_> = decided.chain(failed).collect();
    if marks.is_empty() {
        return String::new();
    }
    marks.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut out = String::from("<div class=\"lane\" data-name=\"events\" data-roving>");
    for (index, (t, kind, sign, tip)) in marks.into_iter().enumerate() {
        let _ = write!(
            out,
            "<button class=\"mark {}\" tabindex=\"{}\" style=\"left:{:.3}%\" {tip}>{sign}</button>",
            escape(kind),
            if index == 0 { 0 } else { -1 },
            percent(t, t_max),
        );
    }
    out.push_str("</div>\n");
    out
}

fn axis(t_max: f64) -> String {
    let mut out = String::from("<div class=\"axis\">");
    for (index, t) in time_ticks(t_max, 9).into_iter().enumerate() {
        let _ = write!(
            out,
            "<b{} style=\"left:{:.3}%\">{}</b>",
            if index % 2 == 1 { " class=\"minor\"" } else { "" },
            percent(t, t_max),
            clock(t, t_max)
        );
    }
    out.push_str("</div>\n");
    out
}

/// An instant on the axis: `30 s`, `12:30`, `1:02:30`.
fn clock(t: f64, t_max: f64) -> String {
    let whole = t.round() as u64;
    if t_max < 120.0 {
        format!("{} s", (t * 10.0).round() / 10.0)
    } else if t_max < 3600.0 {
        format!("{}:{:02}", whole / 60, whole % 60)
    } else {
        format!("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60)
    }
}

fn crosshair(report: &Report, t_max: f64) -> serde_json::Value {
    let round = |points: Vec<(f64, f64)>| -> Vec<(f64, f64)> {
        points.into_iter().map(|(t, value)| ((t * 1e3).round() / 1e3, (value * 1e3).round() / 1e3)).collect()
    };
    let mut series = Vec::new();
    for (kind, points) in &report.buffers {
        series.push(json!({"name": format!("{kind} buffer"), "unit": "s", "points": round(thin(points, t_max))}));
    }
    if !report.latencies.is_empty() {
        series.push(json!({"name": "latency", "unit": "s", "points": round(thin(&report.latencies, t_max))}));
    }
    let network: Vec<(f64, f64)> = report.throughput.iter().map(|(t, bps)| (*t, *bps as f64)).collect();
    // What holds at an instant is what came around it.
    let came: Vec<(f64, f64)> = received(report, t_max).into_iter().map(|(from, _, rate)| (from, rate)).collect();
    series.push(json!({"name": "received", "unit": "bps", "points": round(came)}));
    series.push(json!({"name": "estimate", "unit": "bps", "points": round(thin(&network, t_max))}));
    let chosen: Vec<(f64, u64)> = charted(report).filter_map(|d| Some((d.t_s, d.bitrate_bps?))).collect();
    series.push(json!({"name": "chosen", "unit": "bps", "points": chosen}));
    let shown: Vec<(f64, String)> = report
        .quality
        .iter()
        .filter(|quality| quality.kind == "video")
        .map(|quality| {
            let height = quality.height.map_or(String::new(), |height| format!(" ({height}p)"));
            (quality.t_s, format!("{}{height}", quality.rendition))
        })
        .collect();
    series.push(json!({"name": "on screen", "unit": "text", "points": shown}));
    json!({"t_max": t_max, "series": series})
}
