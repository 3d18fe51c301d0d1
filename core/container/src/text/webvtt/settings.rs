//! Settings of cues and regions (WebVTT, 4.4 and 4.3; parsing: 6.3 and 6.2).

use std::sync::Arc;

use telecine_model::cue::{
    Cue, Layout, Line, LineAlign, Percent, Point, PositionAlign, Region, RegionHeight, RegionWidth, Scroll, TextAlign,
    WritingMode,
};

/// White space of HTML.
pub(crate) const SPACE: [char; 5] = [' ', '\t', '\n', '\x0c', '\r'];

/// `name:value` of a setting; None if either is missing.
fn setting(text: &str) -> Option<(&str, &str)> {
    text.split_once(':').filter(|(name, value)| !name.is_empty() && !value.is_empty())
}

/// Reads the settings behind a cue's times. Settings that are not valid are left out and given to
/// `fault`.
pub(crate) fn cue<'a>(settings: &'a str, regions: &[Arc<Region>], cue: &mut Cue, mut fault: impl FnMut(&'a str)) {
    for text in settings.split(SPACE).filter(|text| !text.is_empty()) {
        let understood = match setting(text) {
            Some(("region", id)) => {
                // Of regions with the same name the last one counts.
                let region = regions.iter().rev().find(|region| region.id == id);
                cue.region = region.cloned();
                region.is_some()
            }
            Some((name, value)) => apply(name, value, &mut cue.layout).is_some(),
            None => false,
        };
        if !understood {
            fault(text);
        }
    }
    // Scrolling and free placement exclude each other (6.3, last step).
    let Layout { line, size, writing, .. } = cue.layout;
    if line != Line::Auto || size != Percent::FULL || writing != WritingMode::Horizontal {
        cue.region = None;
    }
}

fn apply(name: &str, value: &str, layout: &mut Layout) -> Option<()> {
    match name {
        "vertical" => {
            layout.writing = match value {
                "rl" => WritingMode::VerticalRl,
                "lr" => WritingMode::VerticalLr,
                _ => return None,
            };
        }
        "line" => {
            let (value, align) = match value.split_once(',') {
                None => (value, None),
                Some((value, "start")) => (value, Some(LineAlign::Start)),
                Some((value, "center")) => (value, Some(LineAlign::Center)),
                Some((value, "end")) => (value, Some(LineAlign::End)),
                Some(_) => return None,
            };
            layout.line = match value.ends_with('%') {
                true => Line::Percent(percentage(value)?),
                false => Line::Number(line_number(value)?),
            };
            layout.line_align = align.unwrap_or(layout.line_align);
        }
        "position" => {
            let (value, align) = match value.split_once(',') {
                None => (value, None),
                Some((value, "line-left")) => (value, Some(PositionAlign::LineLeft)),
                Some((value, "center")) => (value, Some(PositionAlign::Center)),
                Some((value, "line-right")) => (value, Some(PositionAlign::LineRight)),
                Some(_) => return None,
            };
            layout.position = Some(percentage(value)?);
            layout.position_align = align.unwrap_or(layout.position_align);
        }
        "size" => layout.size = percentage(value)?,
        "align" => {
            layout.align = match value {
                "start" => TextAlign::Start,
                "center" => TextAlign::Center,
                "end" => TextAlign::End,
                "left" => TextAlign::Left,
                "right" => TextAlign::Right,
                _ => return None,
            };
        }
        _ => return None,
    }
    Some(())
}

/// A line number, rounded as layout does (7.2): to the nearest, halves up.
fn line_number(text: &str) -> Option<i32> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(whole, rest)| (whole, Some(rest)));
    if ![whole, fraction.unwrap_or("0")].iter().all(|part| is_digits(part)) {
        return None;
    }
    let value: f64 = text.parse().ok()?;
    // A float-to-integer cast saturates.
    Some((value + 0.5).floor() as i32)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A percentage from 0 to 100: digits, perhaps a fraction, a percent sign.
pub(crate) fn percentage(text: &str) -> Option<Percent> {
    let number = text.strip_suffix('%')?;
    let (whole, fraction) = number.split_once('.').map_or((number, None), |(whole, rest)| (whole, Some(rest)));
    if ![whole, fraction.unwrap_or("0")].iter().all(|part| is_digits(part)) {
        return None;
    }
    let value: f64 = number.parse().ok()?;
    (0.0..=100.0).contains(&value).then(|| Percent::from_f64(value))
}

/// Reads the settings of a REGION block. Settings that are not valid are left out and given to
/// `fault`.
pub(crate) fn region<'a>(settings: &'a str, mut fault: impl FnMut(&'a str)) -> Region {
    let mut region = Region::new("");
    for text in settings.split(SPACE).filter(|text| !text.is_empty()) {
        let understood = setting(text).and_then(|(name, value)| {
            match name {
                "id" => value.clone_into(&mut region.id),
                "width" => region.width = RegionWidth::Percent(percentage(value)?),
                "lines" if is_digits(value) => region.height = RegionHeight::Lines(value.parse().unwrap_or(u32::MAX)),
                "regionanchor" => region.anchor = point(value)?,
                "viewportanchor" => region.position = point(value)?,
                "scroll" if value == "up" => region.scroll = Scroll::Up,
                _ => return None,
            }
            Some(())
        });
        if understood.is_none() {
            fault(text);
        }
    }
    region
}

fn point(text: &str) -> Option<Point> {
    let (x, y) = text.split_once(',')?;
    Some(Point::new(percentage(x)?, percentage(y)?))
}
