//! Times: parameters, expressions, and when elements are active (TTML2, 6.2, 12 and 12.3).

use telecine_model::time::UNITS_PER_SECOND;
use telecine_model::MediaTime;

use super::tree::{clip, Child, Element, Ns, Tag, Warnings};

/// How frames are dropped from the count (`ttp:dropMode`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
enum DropMode {
    #[default]
    None,
    Ntsc,
    Pal,
}

/// What the root says of times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    /// Frames a second, before the multiplier.
    frame_rate: i64,
    multiplier: (i64, i64),
    sub_frame_rate: i64,
    tick_rate: i64,
    /// `ttp:timeBase="smpte"`: clock times count frames.
    smpte: bool,
    drop: DropMode,
}

impl Default for Clock {
    fn default() -> Self {
        Self { frame_rate: 30, multiplier: (1, 1), sub_frame_rate: 1, tick_rate: 1, smpte: false, drop: DropMode::None }
    }
}

impl Clock {
    pub(super) fn of(root: &Element<'_>, text: &str, warnings: &mut Warnings) -> Self {
        let mut clock = Self::default();
        let mut rate = |name: &str| {
            let value = root.attribute(Ns::Parameter, name)?;
            let rate = value.trim().parse::<u32>().ok().filter(|rate| *rate > 0);
            if rate.is_none() {
                warnings.add("T201", text, root.at, || format!("ttp:{name}=\"{}\" was ignored", clip(&value)));
            }
            rate.map(i64::from)
        };
        let frame_rate = rate("frameRate");
        clock.frame_rate = frame_rate.unwrap_or(clock.frame_rate);
        clock.sub_frame_rate = rate("subFrameRate").unwrap_or(1);
        let ticks_of_frames = frame_rate.map_or(1, |rate| rate.saturating_mul(clock.sub_frame_rate));
        clock.tick_rate = rate("tickRate").unwrap_or(ticks_of_frames);
        if let Some(value) = root.attribute(Ns::Parameter, "frameRateMultiplier") {
            // TTML1 drafts separated the numbers with a colon.
            let mut numbers = value.split([' ', ':']).filter(|part| !part.is_empty()).map(str::parse::<u32>);
            match (numbers.next(), numbers.next().unwrap_or(Ok(1))) {
                (Some(Ok(up)), Ok(down)) if up > 0 && down > 0 => clock.multiplier = (up.into(), down.into()),
                _ => warnings
                    .add("T201", text, root.at, || format!("ttp:frameRateMultiplier=\"{}\" was ignored", clip(&value))),
            }
        }
        clock.drop = match root.attribute(Ns::Parameter, "dropMode").as_deref() {
            Some("dropNTSC") => DropMode::Ntsc,
            Some("dropPAL") => DropMode::Pal,
            _ => DropMode::None,
        };
        match root.attribute(Ns::Parameter, "timeBase").as_deref().map(str::trim) {
            None | Some("media") => {}
            Some("smpte") => clock.smpte = true,
            Some(other) => {
                warnings.add("T206", text, root.at, || format!("the time base {} was read as media time", clip(other)));
            }
        }
        clock
    }

    /// Reads a time expression (TTML2, 12.3.1).
    pub(super) fn time(&self, text: &str) -> Option<MediaTime> {
        let text = text.trim();
        if let Some((number, metric)) = split_metric(text) {
            let (up, down) = match metric {
                "h" => (3600, 1),
                "m" => (60, 1),
                "s" => (1, 1),
                "ms" => (1, 1000),
                "f" => self.frame(),
                "t" => (1, self.tick_rate.into()),
                _ => return None,
            };
            let (value, scale) = decimal(number)?;
            return Some(seconds(value.checked_mul(up)?, scale.checked_mul(down)?));
        }
        let mut parts = text.split(':');
        let (hours, minutes, last) = (parts.next()?, parts.next()?, parts.next()?);
        let frames = parts.next();
        if parts.next().is_some() || hours.len() < 2 || minutes.len() != 2 {
            return None;
        }
        let (hours, minutes) = (digits(hours)?, digits(minutes)?);
        let whole = last.split_once('.').map_or(last, |(whole, _)| whole);
        let (value, scale) = decimal(last).filter(|_| whole.len() == 2)?;
        if minutes > 59 || digits(whole)? > 60 {
            return None;
        }
        let clock_seconds = (hours * 60 + minutes) * 60 + value / scale;
        let Some(frames) = frames else {
            return Some(match self.smpte {
                true => self.smpte_time(hours, minutes, clock_seconds, 0, 0),
                false => seconds(clock_seconds.checked_mul(scale)? + value % scale, scale),
            });
        };
        if scale != 1 {
            return None;
        }
        let (frame, sub) = match frames.split_once('.') {
            Some((frame, sub)) => (digits(frame)?, digits(sub)?),
            None => (digits(frames)?, 0),
        };
        if frame >= self.frame_rate.into() || sub >= self.sub_frame_rate.into() {
            return None;
        }
        if self.smpte {
            return Some(self.smpte_time(hours, minutes, clock_seconds, frame, sub));
        }
        let (up, down) = self.frame();
        let sub_rate = i128::from(self.sub_frame_rate);
        let frames = frame * sub_rate + sub;
        Some(seconds(clock_seconds, 1) + seconds(frames * up, down * sub_rate))
    }

    /// Seconds of one frame, as a fraction.
    fn frame(&self) -> (i128, i128) {
        (self.multiplier.1.into(), i128::from(self.frame_rate) * i128::from(self.multiplier.0))
    }

    /// SMPTE time code: frames that were counted, less those that the count leaves out (TTML2, H.3 and
    /// 6.2.3: frames 0 and 1 of each minute but every tenth; frames 0 to 3 of each second minute but every
    /// twentieth).
    fn smpte_time(&self, hours: i128, minutes: i128, clock_seconds: i128, frame: i128, sub: i128) -> MediaTime {
        let total_minutes = hours * 60 + minutes;
        let dropped = match self.drop {
            DropMode::None => 0,
            DropMode::Ntsc => 2 * (total_minutes - total_minutes / 10),
            DropMode::Pal => 4 * (total_minutes / 2 - total_minutes / 20),
        };
        let sub_rate = i128::from(self.sub_frame_rate);
        let frames = clock_seconds * i128::from(self.frame_rate) + frame - dropped;
        let (up, down) = self.frame();
        seconds((frames * sub_rate + sub) * up, down * sub_rate)
    }
}

/// A number and the letters behind it; None without letters.
fn split_metric(text: &str) -> Option<(&str, &str)> {
    let at = text.find(|char: char| char.is_ascii_alphabetic())?;
    text.split_at_checked(at)
}

/// ASCII digits, no more than an hour count can have.
fn digits(text: &str) -> Option<i128> {
    let plain = !text.is_empty() && text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok())?
}

/// A number with an optional fraction, as a value and what to divide it by. Digits beyond the eighteenth
/// are cut.
fn decimal(text: &str) -> Option<(i128, i128)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 18 || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    if text.ends_with('.') {
        return None;
    }
    let fraction = fraction.get(..fraction.len().min(18)).unwrap_or_default();
    let scale = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
    let fraction: i128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    Some((whole.parse::<i128>().ok()?.checked_mul(scale)?.checked_add(fraction)?, scale))
}

/// A fraction of seconds, rounded to the nearest unit; saturates.
fn seconds(up: i128, down: i128) -> MediaTime {
    let units = i128::from(UNITS_PER_SECOND);
    let down = down.max(1);
    // Whole seconds apart, so that the product fits.
    let (whole, rest) = (up / down, up % down);
    let rest = match rest.checked_mul(units) {
        Some(product) => (product + down / 2) / down,
        None => rest / (down / units).max(1),
    };
    let total = whole.saturating_mul(units).saturating_add(rest);
    MediaTime::from_units(i64::try_from(total).unwrap_or(i64::MAX))
}

/// Fills in when elements are active (TTML2, 12.2 to 12.4), as in SMIL: `begin` and `end` count from
/// where the parent begins, or in a sequence from where the sibling before ends. What says no end lasts as
/// long as what is inside.
pub(super) fn resolve(element: &mut Element<'_>, clock: &Clock, text: &str, warnings: &mut Warnings) {
    walk(element, MediaTime::ZERO, false, clock, text, warnings);
}

fn walk(
    element: &mut Element<'_>,
    base: MediaTime,
    in_sequence: bool,
    clock: &Clock,
    text: &str,
    warnings: &mut Warnings,
) {
    let mut time = |name: &str| {
        let value = element.attribute(Ns::Tt, name)?;
        let time = clock.time(&value);
        if time.is_none() && value.trim() != "indefinite" {
            warnings.add("T201", text, element.at, || format!("{name}=\"{}\" was ignored", clip(&value)));
        }
        time
    };
    let (begin, end, duration) = (time("begin"), time("end"), time("dur"));
    let sequence = element.attribute(Ns::Tt, "timeContainer").as_deref() == Some("seq");
    element.begin = base + begin.unwrap_or_default();
    let holds_content = matches!(element.tag, Tag::Body | Tag::Div | Tag::P | Tag::Span);
    // An element without content lasts for ever, in a sequence for no time.
    let mut natural_end = match (holds_content && !element.children.is_empty(), in_sequence) {
        (true, _) | (false, true) => element.begin,
        (false, false) => MediaTime::MAX,
    };
    // Animations run beside what they animate.
    for inner in &mut element.aside {
        walk(inner, element.begin, false, clock, text, warnings);
    }
    let mut before = element.begin;
    for child in &mut element.children {
        let child_end = match child {
            Child::Text(_) if sequence => before,
            Child::Text(_) => MediaTime::MAX,
            Child::Element(inner) => {
                walk(inner, if sequence { before } else { element.begin }, sequence, clock, text, warnings);
                inner.end
            }
        };
        before = child_end;
        natural_end = if sequence { child_end } else { natural_end.max(child_end) };
    }
    let from_base = |time: MediaTime| base + time;
    element.end = match (end, duration) {
        (Some(end), Some(duration)) => from_base(end).min(element.begin + duration),
        (Some(end), None) => from_base(end),
        (None, Some(duration)) => element.begin + duration,
        (None, None) => natural_end,
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(clock: &Clock, text: &str) -> Option<f64> {
        clock.time(text).map(|time| (time.as_secs_f64() * 1e6).round() / 1e3)
    }

    #[test]
    fn clock_times_have_fractions_or_frames() {
        let clock = Clock { frame_rate: 25, sub_frame_rate: 2, ..Clock::default() };
        for (text, expected) in [
            ("00:00:01", Some(1000.0)),
            ("01:02:03.5", Some(3_723_500.0)),
            ("00:00:00.040", Some(40.0)),
            ("100:00:00.000", Some(360_000_000.0)),
            ("00:00:01:05", Some(1200.0)),
            ("00:00:01:05.1", Some(1220.0)),
            ("00:00:01:25", None),
            ("00:00:01:05.2", None),
            ("0:00:01", None),
            ("00:60:00", None),
            ("00:00:61", None),
            ("00:00:01.", None),
            ("00:00:01.5:02", None),
            ("00:00", None),
            ("00:00:00:00:00", None),
            ("00:00:1", None),
            ("", None),
        ] {
            assert_eq!(millis(&clock, text), expected, "{text}");
        }
    }

    #[test]
    fn offset_times_have_a_metric() {
        let clock = Clock { frame_rate: 30, multiplier: (1000, 1001), tick_rate: 10_000_000, ..Clock::default() };
        for (text, expected) in [
            ("1.5h", Some(5_400_000.0)),
            ("2m", Some(120_000.0)),
            ("1.25s", Some(1250.0)),
            ("40ms", Some(40.0)),
            ("0.5ms", Some(0.5)),
            ("30f", Some(1001.0)),
            ("15000000t", Some(1500.0)),
            (" 5s ", Some(5000.0)),
            ("5", None),
            ("s", None),
            ("-5s", None),
            ("5.s", None),
            (".5s", None),
            ("5x", None),
            ("5 s", None),
            ("1e3s", None),
            ("wallclock(2020-01-01)", None),
        ] {
            assert_eq!(millis(&clock, text), expected, "{text}");
        }
        // 24000/1001 frames a second: exact.
        let film = Clock { frame_rate: 24, multiplier: (1000, 1001), ..Clock::default() };
        assert_eq!(film.time("24000f"), Some(MediaTime::from_secs(1001)));
        assert_eq!(film.time("1f").map(|time| time.units() * 24_000), Some(1001 * UNITS_PER_SECOND));
    }

    #[test]
    fn smpte_time_codes_count_frames() {
        let ntsc = Clock { frame_rate: 30, multiplier: (1000, 1001), smpte: true, ..Clock::default() };
        assert_eq!(millis(&ntsc, "00:00:10:00"), Some(10_010.0));
        let drop = Clock { drop: DropMode::Ntsc, ..ntsc };
        // Frames 00 and 01 of minute 1 do not exist: 1798 frames have passed at 00:00:59:28.
        assert_eq!(drop.time("00:01:00:02"), drop.time("1800f"));
        // An hour of drop-frame time code is an hour, to 3.6 ms.
        assert_eq!(millis(&drop, "01:00:00:00"), Some(3_599_996.4));
        let pal =
            Clock { frame_rate: 30, multiplier: (1000, 1001), smpte: true, drop: DropMode::Pal, ..Clock::default() };
        assert_eq!(pal.time("00:02:00:04"), pal.time("3600f"));
    }

    #[test]
    fn absurd_numbers_saturate_or_are_refused() {
        let clock = Clock::default();
        assert_eq!(clock.time("999999999999999999h"), Some(MediaTime::MAX));
        assert_eq!(clock.time("9999999999999999999h"), None);
        assert_eq!(clock.time("999999999:00:00.999999999999999999999999999"), Some(MediaTime::MAX));
        assert_eq!(clock.time("0.00000000000000000000000001s"), Some(MediaTime::ZERO));
    }
}
