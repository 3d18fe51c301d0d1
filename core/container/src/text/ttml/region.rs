//! Regions (TTML2, 11.1).

use telecine_model::cue::{Anchor, Direction, Percent, Point, Region, RegionHeight, RegionWidth, Scroll, WritingMode};

use super::style::{Computed, Stated};
use super::value::{Grid, Length, Offset, Side};

/// A region as the model has it, and what its content inherits from it.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub(super) region: Region,
    pub(super) writing: (WritingMode, Direction),
}

/// Builds a region from what is stated at it. `None` inside `Option`s of lengths stands for `auto`.
pub(super) fn place(id: &str, stated: &Stated, outer: &Computed, grid: &Grid) -> Placed {
    let em = outer.inside(stated, grid).font_size;
    let along = |side, length, whole| grid.along(side, length, whole, em);
    let (width, height) = stated.extent.flatten().unwrap_or((Length::FULL, Length::FULL));
    let width = along(Side::Width, width, Percent::FULL).unwrap_or(Percent::FULL);
    let height = along(Side::Height, height, Percent::FULL).unwrap_or(Percent::FULL);
    let corner = match (stated.origin.flatten(), stated.position) {
        // `tts:position` is the newer one and wins (TTML2, 10.2.33).
        (_, Some((x, y))) => {
            let offset = |offset: Offset, side, size: Percent| {
                let free = Percent::FULL.minus(size);
                let distance = along(side, offset.length, free).unwrap_or_default();
                if offset.from_end {
                    free.minus(distance)
                } else {
                    distance
                }
            };
            Point::new(offset(x, Side::Width, width), offset(y, Side::Height, height))
        }
        (Some((x, y)), None) => Point::new(
            along(Side::Width, x, Percent::FULL).unwrap_or_default(),
            along(Side::Height, y, Percent::FULL).unwrap_or_default(),
        ),
        (None, None) => Point::default(),
    };
    let writing = stated.writing.unwrap_or_default();
    let [before, end, after, start] = stated.padding.unwrap_or([Length::ZERO; 4]);
    // Where lines are vertical, what is before them is on the right or on the left.
    let [above, right, below, left] = match writing.0 {
        WritingMode::Horizontal if writing.1 == Direction::Rtl => [before, start, after, end],
        WritingMode::Horizontal => [before, end, after, start],
        WritingMode::VerticalRl => [start, before, end, after],
        WritingMode::VerticalLr => [start, after, end, before],
    };
    let padding = [
        along(Side::Height, above, height),
        along(Side::Width, right, width),
        along(Side::Height, below, height),
        along(Side::Width, left, width),
    ]
    .map(Option::unwrap_or_default);
    let region = Region {
        id: id.to_owned(),
        anchor: Point::default(),
        position: corner,
        width: RegionWidth::Percent(width),
        height: RegionHeight::Percent(height),
        align: stated.display_align.unwrap_or(Anchor::Before),
        scroll: Scroll::None,
        background: stated.background.filter(|colour| colour.a > 0),
        always_visible: stated.always_visible.unwrap_or(true),
        opacity: stated.opacity.unwrap_or(u8::MAX),
        padding,
        overflows: stated.overflows.unwrap_or(false),
        border: None,
        z_index: stated.z_index.unwrap_or(0),
    };
    Placed { region, writing }
}
