//! The document as a table for people.

use std::io::{self, Write};
use std::iter;

use super::document::{Document, PeriodEntry, RenditionEntry, SegmentEntry, TrackEntry};
use crate::columns::{columns, Align};
use crate::output::plain;
use crate::report::bits;

/// Writes the whole document.
pub(crate) fn text(document: &Document<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}\n{}", plain(&document.uri), summary(document))?;
    for period in &document.periods {
        period_text(period, document.periods.len() > 1, out)?;
    }
    let mut facts = Vec::new();
    if let Some(steering) = &document.steering {
        let pathway = steering.pathway.as_deref().map_or(String::new(), |pathway| format!(", first {pathway}"));
        facts.push(format!("steering     {}{pathway}", steering.uri));
    }
    if let Some(start) = &document.start {
        let precise = if start.precise { ", precise" } else { "" };
        facts.push(format!("start        {} s{precise}", start.time_offset_s));
    }
    if let Some(control) = &document.server_control {
        let mut parts = Vec::new();
        if control.can_block_reload {
            parts.push("blocking reload".to_owned());
        }
        for (name, span) in [
            ("delta updates until", control.can_skip_until_s),
            ("hold back", control.hold_back_s),
            ("part hold back", control.part_hold_back_s),
        ] {
            parts.extend(span.map(|span| format!("{name} {span} s")));
        }
        facts.push(format!("server       {}", parts.join(", ")));
    }
    for datum in &document.session_data {
        let value = datum.value.as_deref().or(datum.uri.as_deref()).unwrap_or("");
        facts.push(format!("session      {} = {value}", datum.id));
    }
    for key in &document.session_keys {
        facts.push(format!("session key  {} {}", key.method, key.key_format));
    }
    for range in &document.date_ranges {
        facts.push(format!("date range   {} from {}", range.id, range.start_date));
    }
    for (name, value) in &document.define {
        facts.push(format!("variable     {name} = {value}"));
    }
    for warning in &document.warnings {
        facts.push(format!("warning      {} {}: {}", warning.rule, warning.place, warning.message));
    }
    if !facts.is_empty() {
        writeln!(out)?;
    }
    for fact in facts {
        writeln!(out, "{}", plain(&fact))?;
    }
    Ok(())
}

fn summary(document: &Document<'_>) -> String {
    let what = match document.kind {
        "multivariant" => "HLS multivariant playlist",
        "media" => "HLS media playlist",
        _ => "DASH MPD",
    };
    let mut parts = vec![what.to_owned()];
    match &document.version {
        serde_json::Value::Number(version) => parts.push(format!("version {version}")),
        serde_json::Value::String(profiles) => parts.push(plain(profiles)),
        _ => {}
    }
    parts.push(if document.live { "live" } else { "on demand" }.to_owned());
    if document.low_latency {
        parts.push("low latency".to_owned());
    }
    if let Some(duration) = document.duration_s {
        parts.push(format!("{duration} s"));
    }
    if let Some(target) = document.target_duration_s {
        parts.push(format!("segments up to {target} s"));
    }
    parts.join(", ")
}

fn period_text(period: &PeriodEntry<'_>, several: bool, out: &mut dyn Write) -> io::Result<()> {
    if several {
        let length = period.duration_s.map_or("open".to_owned(), |duration| format!("{duration} s"));
        writeln!(out, "\nperiod {} at {} s, {length}", plain(&period.id), period.start_s)?;
    }
    for track in &period.tracks {
        writeln!(out, "\n{}", track_line(track))?;
        ladder(track, out)?;
        for rendition in &track.renditions {
            segment_list(rendition, out)?;
        }
    }
    Ok(())
}

fn track_line(track: &TrackEntry<'_>) -> String {
    let mut parts = vec![format!("{} {}", track.kind, track.id)];
    parts.extend(track.name.iter().filter(|name| **name != track.id).map(|name| format!("“{name}”")));
    parts.extend(track.language.clone());
    parts.extend(track.channels.map(|channels| format!("{channels} channels")));
    parts.extend(track.roles.iter().cloned());
    let flags = [(track.default, "default"), (track.autoselect, "autoselect"), (track.forced, "forced")];
    parts.extend(flags.into_iter().filter(|(set, _)| *set).map(|(_, name)| name.to_owned()));
    if !track.trick_mode_for.is_empty() {
        parts.push("trick mode".to_owned());
    }
    plain(&parts.join(" · "))
}

fn ladder(track: &TrackEntry<'_>, out: &mut dyn Write) -> io::Result<()> {
    use Align::{Left, Right};
    let head =
        ["id", "bitrate", "average", "size", "fps", "range", "score", "codecs", "protection", "pathway", "segments"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for rendition in &track.renditions {
        let size = match (rendition.width, rendition.height) {
            (Some(width), Some(height)) => format!("{width}×{height}"),
            (None, Some(height)) => format!("{height}p"),
            _ => String::new(),
        };
        let number = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
        let mut protection: Vec<&str> = rendition.protection.iter().map(|entry| entry.scheme.as_str()).collect();
        protection.dedup();
        rows.push(
            [
                rendition.id.clone(),
                rendition.bandwidth.map_or(String::new(), bits),
                rendition.average_bandwidth.map_or(String::new(), bits),
                size,
                number(rendition.frame_rate),
                rendition.video_range.clone().unwrap_or_default(),
                number(rendition.score),
                rendition.codecs.clone().unwrap_or_default(),
                protection.join(" "),
                rendition.pathway.clone().filter(|pathway| pathway != ".").unwrap_or_default(),
                rendition.segment_count.map_or(String::new(), |count| count.to_string()),
            ]
            .map(|cell| plain(&cell))
            .to_vec(),
        );
    }
    let aligns = [Left, Right, Right, Right, Right, Left, Right, Left, Left, Left, Right];
    columns(out, 2, &aligns, rows.into_iter())
}

fn segment_list(rendition: &RenditionEntry<'_>, out: &mut dyn Write) -> io::Result<()> {
    use Align::{Left, Right};
    if rendition.segments.is_empty() {
        return Ok(());
    }
    writeln!(out, "  segments of {}", plain(&rendition.id))?;
    let head = ["number", "start", "duration", "range", "flags", "uri"].map(str::to_owned).to_vec();
    let rows = iter::once(head).chain(rendition.segments.iter().map(segment_row));
    columns(out, 4, &[Right, Right, Right, Right, Left, Left], rows)
}

fn segment_row(segment: SegmentEntry) -> Vec<String> {
    let mut flags = Vec::new();
    if segment.gap {
        flags.push("gap");
    }
    flags.extend(segment.key.as_ref().map(|key| key.method.as_str()));
    vec![
        segment.number.to_string(),
        format!("{:.6}", segment.start_s),
        format!("{:.6}", segment.duration_s),
        segment.byte_range.as_ref().map_or(String::new(), |range| format!("{}+{}", range.offset, range.length)),
        plain(&flags.join(" ")),
        plain(&segment.uri),
    ]
}
