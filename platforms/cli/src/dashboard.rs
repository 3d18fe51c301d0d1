//! What a person sees while a title plays: a live panel on a terminal, a line per event in a pipe,
//! nothing beside a JSON document.

use std::io::IsTerminal as _;

use console::{style, truncate_str};
use telecine_engine::{Decision, Event, InterstitialEnd, InterstitialPhase, Snapshot, StallCause, State};
use telecine_model::{Error, MediaTime, Timestamp, TrackKind};

use crate::document::within;
use crate::exit::{one_line, words};
use crate::output;
use crate::panel::Panel;
use crate::report::{bits, decision_kind, seconds, Note};

/// In a pipe, progress is told this often.
const PROGRESS_EVERY_S: f64 = 5.0;

/// Cells of a bar: where there is room, and at least.
const BAR: usize = 32;
const SMALL_BAR: usize = 8;

/// Columns beside a bar: its name, and what is told of a stream.
const BESIDE_BAR: usize = 54;

/// Shows a session.
pub(crate) struct Dashboard {
    form: Form,
    last_decision: Option<String>,
    /// The error that was told last, to tell its repetition in few words.
    last_error: Option<(String, Option<String>)>,
    last_snapshot: Option<Snapshot>,
    stalls: u64,
}

enum Form {
    Panel(Panel),
    Lines { next_progress_s: f64 },
    Silent,
}

impl Dashboard {
    /// In the form that fits: nothing with `silent`, a panel on a terminal, else lines.
    pub(crate) fn new(silent: bool) -> Self {
        let form = if silent {
            Form::Silent
        } else if output::on_terminal() {
            Form::Panel(Panel::new())
        } else {
            Form::Lines { next_progress_s: PROGRESS_EVERY_S }
        };
        Self { form, last_decision: None, last_error: None, last_snapshot: None, stalls: 0 }
    }

    /// Tells what happened.
    pub(crate) fn event(&mut self, event: &Event) -> Result<(), Error> {
        match event {
            Event::Decision(decision) => self.last_decision = Some(decided(decision)),
            Event::StallStarted { .. } => self.stalls += 1,
            _ => {}
        }
        let Some(mut line) = line(event) else { return Ok(()) };
        if let Event::Error { at, error } = event {
            // The same once more is another attempt at the same place.
            let told = (error.to_string(), within(error.facts()));
            if self.last_error.as_ref() == Some(&told) {
                line = format!("{} error     {} {} again", stamp(*at), error.code().number(), error.code().name());
            }
            self.last_error = Some(told);
        }
        let lines: Vec<String> = std::iter::once(line).chain(faults(event)).collect();
        match &mut self.form {
            // The panel shows the last decision itself, and what ended playback is said behind it.
            Form::Panel(_) if matches!(event, Event::Decision(_)) => Ok(()),
            Form::Panel(_) if matches!(event, Event::Error { error, .. } if error.is_fatal()) => Ok(()),
            Form::Panel(panel) => lines.iter().try_for_each(|line| panel.line(line)),
            Form::Lines { .. } => lines.iter().try_for_each(|line| output::line(line)),
            Form::Silent => Ok(()),
        }
    }

    /// Tells what whoever started the session should know: on standard error, and where a panel is drawn above it.
    pub(crate) fn note(&mut self, note: &Note) -> Result<(), Error> {
        let line = one_line(&format!("note: {}: {}", note.about, note.message));
        match &mut self.form {
            Form::Panel(panel) if std::io::stderr().is_terminal() => panel.line(&line),
            _ => {
                crate::output::complain(&line);
                Ok(())
            }
        }
    }

    /// Shows where the session is.
    pub(crate) fn sample(&mut self, at: Timestamp, snapshot: &Snapshot) -> Result<(), Error> {
        match &mut self.form {
            Form::Panel(panel) => {
                self.last_snapshot = Some(snapshot.clone());
                let lines = lines(snapshot, self.stalls, self.last_decision.as_deref(), panel.width());
                panel.draw(lines, false)
            }
            Form::Lines { next_progress_s } if at.as_secs_f64() >= *next_progress_s => {
                *next_progress_s += PROGRESS_EVERY_S;
                output::line(&format!("{} {}", stamp(at), progress(snapshot)))
            }
            _ => Ok(()),
        }
    }

    /// Leaves the last picture on the terminal: how the session ended.
    pub(crate) fn close(&mut self, state: State) -> Result<(), Error> {
        let (Form::Panel(panel), Some(snapshot)) = (&mut self.form, &mut self.last_snapshot) else { return Ok(()) };
        snapshot.state = state;
        if state == State::Ended {
            snapshot.position = snapshot.duration.unwrap_or(snapshot.position);
            snapshot.streams.iter_mut().for_each(|stream| stream.buffered = MediaTime::ZERO);
        }
        panel.draw(lines(snapshot, self.stalls, self.last_decision.as_deref(), panel.width()), true)
    }
}

/// Time of the session in front of a line.
fn stamp(at: Timestamp) -> String {
    format!("{:>9.3} s ", at.as_secs_f64())
}

/// An event as a line; None for what nobody needs to read.
fn line(event: &Event) -> Option<String> {
    let (at, text) = match event {
        Event::Loaded { at, protocol, live, duration, warnings } => {
            let length = match duration {
                Some(duration) => format!("{:.3} s", duration.as_secs_f64()),
                None if *live => "live".to_owned(),
                None => "of unknown length".to_owned(),
            };
            let faults = match warnings.len() {
                0 => String::new(),
                1 => ", one tolerated fault".to_owned(),
                count => format!(", {count} tolerated faults"),
            };
            (*at, format!("loaded    {protocol}, {length}{faults}"))
        }
        Event::Selected { at, kind, track } => {
            (*at, format!("selected  {} {}", kind.name(), track.as_deref().unwrap_or("none")))
        }
        Event::Started { at, position } => (*at, format!("started   at {position}")),
        Event::Quality { at, kind, rendition, bitrate, height } => {
            let height = height.map_or(String::new(), |height| format!(", {height}p"));
            let bitrate = rate(*bitrate).map_or(String::new(), |rate| format!(", {rate}"));
            (*at, format!("quality   {} {rendition}{height}{bitrate}", kind.name()))
        }
        Event::StallStarted { at, position, cause } => (*at, format!("stalled   at {position}: {}", cause_of(*cause))),
        Event::StallEnded { at, stood_us } => (*at, format!("goes on   after {}", seconds(*stood_us as f64 / 1e6))),
        Event::SeekStarted { at, target } => (*at, format!("seeking   to {target}")),
        Event::SeekEnded { at, position, took_us } => {
            (*at, format!("seeked    to {position} in {}", seconds(*took_us as f64 / 1e6)))
        }
        Event::Decision(decision) => (decision.at, decided(decision)),
        Event::Error { at, error } => (*at, format!("error     {}", words(error))),
        Event::MediaWarning { at, warning: found } => {
            let times = if found.count > 1 { format!(", {} times", found.count) } else { String::new() };
            let (kind, rule, message) = (found.kind.name(), &found.warning.rule, &found.warning.message);
            (*at, format!("warning   {kind} {}: {rule} {message}{times}", found.track))
        }
        Event::Interstitial { at, id, phase } => (*at, format!("{:<9} {id}{}", "break", broken(phase)?)),
        Event::Asset { id, index, event } => {
            // What plays in it tells what the title tells too: only what went wrong is worth a line.
            let at = match &**event {
                Event::Error { at, .. } | Event::StallStarted { at, .. } | Event::StallEnded { at, .. } => *at,
                _ => return None,
            };
            let text = line(event)?;
            let text = text.split_at_checked(stamp(at).len() + 1).map_or(text.as_str(), |(_, text)| text);
            (at, format!("{:<9} {id} asset {index}: {text}", "break"))
        }
        Event::LiveEnded { at, duration } => (*at, format!("complete  will not go on: it ends at {duration}")),
        Event::NetworkChanged { at, host, before, after, .. } => {
            (*at, format!("network   {host} gives {} where it gave {}", bits(*after), bits(*before)))
        }
        Event::Ended { at } => (*at, "ended".to_owned()),
        _ => return None,
    };
    Some(format!("{} {}", stamp(at), one_line_keeping_columns(&text)))
}

/// Why playback stands, in words.
fn cause_of(cause: StallCause) -> &'static str {
    match cause {
        StallCause::SlowNetwork => "what is to be played next has not come yet",
        StallCause::AwaitedKeys => "media is there, its keys are on their way",
        StallCause::FailingRequests => "requests fail and are made again",
        StallCause::MissingMedia => "media is missing here",
        StallCause::StuckSink => "media is there, and the sink does not move",
        _ => "media is wanted",
    }
}

/// What happened to an interstitial, behind its name; None for what nobody needs to read.
fn broken(phase: &InterstitialPhase) -> Option<String> {
    Some(match phase {
        InterstitialPhase::Known { start } => format!(": announced, at {start}"),
        InterstitialPhase::Resolved { assets, duration } => {
            let length = duration.map_or(String::new(), |duration| format!(", {duration} long"));
            format!(": {assets} to play{length}")
        }
        InterstitialPhase::Started { position } => format!(": begins, the title is held at {position}"),
        InterstitialPhase::AssetStarted { index, duration } => {
            let length = duration.map_or(String::new(), |duration| format!(", {duration} long"));
            format!(": plays asset {index}{length}")
        }
        InterstitialPhase::Failed { index: Some(index), error } => {
            format!(": asset {index} left out, {}", words(error))
        }
        InterstitialPhase::Failed { index: None, error } => format!(": left out, {}", words(error)),
        InterstitialPhase::Ended { resume, reason } => {
            let why = match reason {
                InterstitialEnd::Played => "over",
                InterstitialEnd::Skipped => "skipped",
                InterstitialEnd::Left => "left",
                InterstitialEnd::Failed => "given up",
                _ => "ended",
            };
            format!(": {why}, the title goes on at {resume}")
        }
        _ => return None,
    })
}

/// The faults of a manifest that are told when it is loaded; `inspect` lists them all.
const FAULTS: usize = 5;

/// What is tolerated of a title that was loaded: rule, place, and what was made of it.
fn faults(event: &Event) -> Vec<String> {
    let Event::Loaded { at, warnings, .. } = event else { return Vec::new() };
    let told = warnings.iter().take(FAULTS).map(ToString::to_string);
    let more = warnings.len().saturating_sub(FAULTS);
    let more = (more > 0).then(|| format!("and {more} more: telecine inspect lists them"));
    told.chain(more).map(|text| format!("{} fault     {}", stamp(*at), one_line(&text))).collect()
}

/// Text from outside on one line, the first column's padding kept.
fn one_line_keeping_columns(text: &str) -> String {
    match text.split_at_checked(10) {
        Some((head, rest)) => format!("{head}{}", one_line(rest)),
        None => text.to_owned(),
    }
}

fn decided(decision: &Decision) -> String {
    let mut change = decision.kind.map_or(String::new(), |kind| format!("{} ", kind.name()));
    match (&decision.from, &decision.to) {
        (Some(from), Some(to)) => change.push_str(&format!("{from} → {to}")),
        (_, Some(to)) => change.push_str(to),
        (Some(from), None) => change.push_str(&format!("leaves {from}")),
        (None, None) => {}
    }
    let why = if decision.why.is_empty() { String::new() } else { format!(": {}", decision.why.join("; ")) };
    format!("{:<9} {}{why}", decision_kind(decision.what), change.trim())
}

fn progress(snapshot: &Snapshot) -> String {
    let mut parts = vec![format!("{:?} at {}", snapshot.state, snapshot.position).to_lowercase()];
    for stream in &snapshot.streams {
        let rendition = stream.rendition.as_deref().unwrap_or("none");
        parts.push(format!("{} {rendition} +{:.1} s", stream.kind.name(), stream.buffered.as_secs_f64()));
    }
    parts.extend(snapshot.throughput.map(bits));
    parts.extend(snapshot.interstitial.as_ref().map(|shown| match shown.asset {
        Some(asset) => format!("asset {asset} of {} for {}", shown.id, shown.position),
        None => format!("waiting for {}", shown.id),
    }));
    parts.extend(live(snapshot));
    one_line(&parts.join(", "))
}

/// How far behind the edge a live title is: `live 1.05 s ago, aiming at 1.00 s, 1.03 times as fast, window of 58.0 s`.
fn live(snapshot: &Snapshot) -> Option<String> {
    // While something else is played nothing of the title is shown that could be old.
    let edge = snapshot.edge.as_ref().filter(|_| snapshot.live && snapshot.interstitial.is_none())?;
    let span = |time: MediaTime| seconds(time.as_secs_f64());
    let mut parts = vec![match edge.latency {
        Some(latency) => format!("live {} ago", span(latency)),
        None => "live".to_owned(),
    }];
    match edge.following {
        true => parts.push(format!("aiming at {}", span(edge.target))),
        false => parts.push("not followed".to_owned()),
    }
    if snapshot.rate_milli != 1000 {
        parts.push(format!("{} times as fast", f64::from(snapshot.rate_milli) / 1e3));
    }
    parts.push(format!("window of {}", span(edge.seekable.1 - edge.seekable.0)));
    Some(parts.join(", "))
}

/// The lines of the live panel, each in one row of the terminal: a panel that wraps flickers.
fn lines(snapshot: &Snapshot, stalls: u64, decision: Option<&str>, width: usize) -> Vec<String> {
    // A terminal of which nothing is known has room for what people are used to.
    let width = if width == 0 { 80 } else { width } - 1;
    let cells = width.saturating_sub(BESIDE_BAR).clamp(SMALL_BAR, BAR);
    let name = |name: &str| style(format!("{name:<11}")).dim();
    let state = style(format!("{:<11}", format!("{:?}", snapshot.state).to_lowercase())).bold();
    let position = clock(snapshot.position);
    let mut lines = vec![match (snapshot.duration, &snapshot.edge) {
        (_, Some(edge)) if snapshot.live => {
            // Where in the window: the times of live titles say little.
            let (position, window) = (snapshot.position - edge.seekable.0, edge.seekable.1 - edge.seekable.0);
            let red = style("LIVE");
            let mark = if edge.following { red.red().bold() } else { red.dim() };
            format!("{state} {} {mark} {} / {}", bar(position, window, cells), clock(position), clock(window))
        }
        (Some(duration), _) => {
            format!("{state} {} {position} / {}", bar(snapshot.position, duration, cells), clock(duration))
        }
        (None, _) => format!("{state} {position}"),
    }];
    lines.extend(live(snapshot).map(|live| format!("{} {live}", name("edge"))));
    for stream in &snapshot.streams {
        let mut facts = vec![format!("{:>5.1} s", stream.buffered.as_secs_f64())];
        facts.extend(stream.rendition.as_deref().map(one_line));
        facts.extend(stream.height.map(|height| format!("{height}p")));
        facts.extend(rate(stream.bitrate));
        let bar = style(bar(stream.buffered, MediaTime::from_secs(30), cells));
        let bar = match stream.kind {
            _ if snapshot.state == State::Ended => bar.dim(),
            _ if stream.buffered < MediaTime::from_secs(2) => bar.red(),
            TrackKind::Video => bar.blue(),
            TrackKind::Audio => bar.yellow(),
            _ => bar.dim(),
        };
        lines.push(format!("{} {bar} {}", name(stream.kind.name()), facts.join(" · ")));
    }
    let network = snapshot.throughput.map_or("not measured yet".to_owned(), bits);
    lines.push(format!("{} {}", name("network"), style(network).green()));
    let stalls = if stalls == 0 { style("none".to_owned()).dim() } else { style(stalls.to_string()).red().bold() };
    lines.push(format!("{} {stalls}", name("stalls")));
    lines.push(format!("{} {}", name("decision"), one_line(decision.unwrap_or("none yet"))));
    lines.iter().map(|line| truncate_str(line, width, "…").into_owned()).collect()
}

/// A declared bitrate; zero is what manifests say of sound whose bitrate they do not tell.
fn rate(bps: u64) -> Option<String> {
    (bps > 0).then(|| bits(bps))
}

/// A share as a bar of blocks, eighths included.
fn bar(part: MediaTime, whole: MediaTime, cells: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = cells as i128 * 8;
    let whole = i128::from(whole.units().max(1));
    let filled = (i128::from(part.units().max(0)) * eighths / whole).clamp(0, eighths);
    let filled = usize::try_from(filled).unwrap_or(0);
    let mut out = "█".repeat(filled / 8);
    out.push_str(EIGHTHS[filled % 8]);
    let used = filled.div_ceil(8);
    out.push_str(&"·".repeat(cells - used));
    out
}

/// A time as `1:02` or `1:02:03`.
fn clock(time: MediaTime) -> String {
    let whole = time.as_millis().max(0) / 1000;
    match whole / 3600 {
        0 => format!("{}:{:02}", whole / 60, whole % 60),
        hours => format!("{hours}:{:02}:{:02}", whole / 60 % 60, whole % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use telecine_model::ErrorCode;

    #[test]
    fn a_bar_is_always_as_wide_as_any_other() {
        for seconds in [-5, 0, 1, 7, 59, 60, 90] {
            for cells in [SMALL_BAR, BAR] {
                let bar = bar(MediaTime::from_secs(seconds), MediaTime::from_secs(60), cells);
                assert_eq!(bar.chars().count(), cells, "{seconds}: {bar}");
            }
        }
        assert_eq!(bar(MediaTime::ZERO, MediaTime::ZERO, BAR).chars().count(), BAR);
    }

    fn snapshot() -> Snapshot {
        let mut session = telecine_virtual::Session::new(
            telecine_engine::Config::default(),
            telecine_virtual::testing::SyntheticTitle::new(MediaTime::from_secs(60)),
        )
        .play("https://title.example/main.mpd");
        session.run(Some(Timestamp::from_millis(9_000)));
        session.engine().snapshot(session.now())
    }

    #[test]
    fn every_line_of_the_panel_fits_into_the_terminal_and_uses_it() {
        let snapshot = snapshot();
        for width in [0, 20, 44, 80, 100, 200] {
            let long = "because ".repeat(50);
            let lines = lines(&snapshot, 2, Some(&long), width);
            let widest = lines.iter().map(|line| console::measure_text_width(line)).max();
            let there = if width == 0 { 80 } else { width };
            assert_eq!(widest, Some(there - 1), "{width}: {lines:?}");
            assert!(lines.iter().any(|line| line.contains("video")), "{lines:?}");
        }
    }

    #[test]
    fn a_live_title_shows_how_far_behind_its_edge_it_is() {
        let library = telecine_origin::Library::new(telecine_origin::Title::demo(), 0);
        let start = 1_795_780_496_700;
        let mut session =
            telecine_virtual::Session::new(telecine_engine::Config::default(), OnTheClock(library, start))
                .wall_clock(telecine_model::WallTime::from_millis(start as i64))
                .play("https://title.example/dash/live_60/demo/number.mpd");
        session.run(Some(Timestamp::from_millis(9_000)));
        let mut snapshot = session.engine().snapshot(session.now());
        let shown = lines(&snapshot, 0, None, 100);
        let edge = live(&snapshot).expect("it is live");
        assert!(shown[0].contains(" LIVE 0:5") && shown[0].contains(" / 0:5"), "{shown:?}");
        assert!(shown[1].starts_with("edge        live 6.") && shown[1].ends_with(&edge), "{shown:?}");
        assert!(edge.contains(" ago, aiming at 6.00 s, window of 5"), "{edge}");
        assert!(progress(&snapshot).ends_with(&edge), "{}", progress(&snapshot));
        snapshot.rate_milli = 1030;
        assert!(live(&snapshot).is_some_and(|edge| edge.contains("1.03 times as fast")));
    }

    /// The origin as it is at the session's time.
    struct OnTheClock(telecine_origin::Library, u64);

    impl telecine_virtual::Source for OnTheClock {
        fn fetch(&mut self, request: &telecine_engine::FetchRequest) -> telecine_virtual::Fetched {
            self.fetch_at(request, Timestamp::ZERO)
        }

        fn fetch_at(&mut self, request: &telecine_engine::FetchRequest, now: Timestamp) -> telecine_virtual::Fetched {
            let path = telecine_model::uri::split(&request.url).path;
            let unix_ms = self.1 + now.as_micros() / 1000;
            let asked = telecine_origin::Request { unix_ms, ..telecine_origin::Request::get(path) };
            let answer = telecine_origin::respond(&self.0, &asked);
            telecine_virtual::Response::new(answer.status, &request.url, answer.body.into_bytes()).into()
        }
    }

    #[test]
    fn an_event_is_one_line_whatever_its_text_holds() {
        let error = Error::new(ErrorCode::HttpStatus, "a\nb\x1b[2J");
        let line = line(&Event::Error { at: Timestamp::from_millis(1500), error }).expect("a line");
        assert!(line.starts_with("    1.500 s  error     1007 HttpStatus: a b"), "{line}");
        assert!(!line.contains(['\n', '\x1b']), "{line}");
    }

    #[test]
    fn clocks_show_hours_only_where_there_are_some() {
        assert_eq!(clock(MediaTime::from_secs(62)), "1:02");
        assert_eq!(clock(MediaTime::from_secs(3_723)), "1:02:03");
    }
}
