//! Curves as SVG paths in a box of 1000 by 100 units, stretched by the page to whatever room there
//! is. Text and dots are laid over it by the page, in percent, so that they keep their shape.

use std::fmt::Write as _;

/// Width of the drawing in its own units.
pub(crate) const WIDTH: f64 = 1000.0;
/// Height of the drawing in its own units.
pub(crate) const HEIGHT: f64 = 100.0;

/// More columns than this no screen shows.
const COLUMNS: usize = 900;

/// A way from values to heights.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scale {
    /// From zero to a maximum.
    Linear {
        /// Value at the upper edge.
        max: f64,
    },
    /// Equal ratios are equal distances: a ladder of bitrates becomes even.
    Log {
        /// Value at the lower edge.
        min: f64,
        /// Value at the upper edge.
        max: f64,
    },
}

impl Scale {
    /// Height of a value, from 0 at the bottom to 1 at the top.
    pub(crate) fn at(self, value: f64) -> f64 {
        let share = match self {
            Self::Linear { max } => value / max,
            Self::Log { min, max } => (value.max(min) / min).ln() / (max / min).ln(),
        };
        if share.is_finite() {
            share.clamp(0.0, 1.0)
        } else {
            0.0
        }
    }

    /// Round values to label, some `wanted` of them.
    pub(crate) fn ticks(self, wanted: usize) -> Vec<f64> {
        match self {
            Self::Linear { max } => linear_ticks(max, wanted),
            Self::Log { min, max } => {
                let decades = (min.log10().floor() as i32)..=(max.log10().ceil() as i32);
                let all = |steps: &[f64]| -> Vec<f64> {
                    decades
                        .clone()
                        .flat_map(|decade| steps.iter().map(move |step| step * 10f64.powi(decade)))
                        .filter(|value| (min..=max).contains(value))
                        .collect()
                };
                let fine = all(&[1.0, 2.0, 5.0]);
                if fine.len() <= wanted {
                    fine
                } else {
                    all(&[1.0])
                }
            }
        }
    }
}

/// Round steps from zero to `max`, some `wanted` of them.
pub(crate) fn linear_ticks(max: f64, wanted: usize) -> Vec<f64> {
    if !(max.is_finite() && max > 0.0) {
        return vec![0.0];
    }
    let rough = max / wanted.max(1) as f64;
    let decade = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].iter().map(|factor| factor * decade).find(|step| *step >= rough).unwrap_or(rough);
    (0..=(max / step) as usize).map(|n| n as f64 * step).collect()
}

/// Round instants up to `max` seconds in steps that people count time in.
pub(crate) fn time_ticks(max: f64, wanted: usize) -> Vec<f64> {
    const STEPS: [f64; 17] =
        [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0];
    if !(max.is_finite() && max > 0.0) {
        return vec![0.0];
    }
    let rough = max / wanted.max(1) as f64;
    match STEPS.iter().find(|step| **step >= rough) {
        Some(step) => (0..=(max / step) as usize).map(|n| n as f64 * step).collect(),
        None => linear_ticks(max, wanted),
    }
}

/// Points thinned to what a screen shows: of each column the first, the lowest, the highest and the
/// last, in order, so that no dip gets lost.
pub(crate) fn thin(points: &[(f64, f64)], t_max: f64) -> Vec<(f64, f64)> {
    if points.len() <= COLUMNS * 2 || t_max <= 0.0 {
        return points.to_vec();
    }
    let column = |t: f64| (t / t_max * COLUMNS as f64) as usize;
    points
        .chunk_by(|a, b| column(a.0) == column(b.0))
        .flat_map(|chunk| {
            let indices = 0..chunk.len();
            let by = |a: &usize, b: &usize| chunk[*a].1.total_cmp(&chunk[*b].1);
            let low = indices.clone().min_by(by).unwrap_or(0);
            let high = indices.max_by(by).unwrap_or(0);
            let mut kept = vec![0, low, high, chunk.len() - 1];
            kept.sort_unstable();
            kept.dedup();
            kept.into_iter().map(|index| chunk[index])
        })
        .collect()
}

/// The path through points, straight from one to the next.
pub(crate) fn line(points: &[(f64, f64)], t_max: f64, scale: Scale) -> String {
    let mut path = String::new();
    for (index, point) in thin(points, t_max).iter().enumerate() {
        let _ = write!(path, "{}{}", if index == 0 { 'M' } else { 'L' }, place(*point, t_max, scale));
    }
    path
}

/// The area under `line`.
pub(crate) fn area(points: &[(f64, f64)], t_max: f64, scale: Scale) -> String {
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return String::new();
    };
    format!("{}L{:.1} {HEIGHT}L{:.1} {HEIGHT}Z", line(points, t_max, scale), x(last.0, t_max), x(first.0, t_max))
}

/// The path of bars, each from one instant to another up to a value.
pub(crate) fn bars(bins: &[(f64, f64, f64)], t_max: f64, scale: Scale) -> String {
    let mut path = String::new();
    for (from, to, value) in bins.iter().filter(|(_, _, value)| scale.at(*value) > 0.0) {
        let (left, right, top) = (x(*from, t_max), x(*to, t_max), y(*value, scale));
        let _ = write!(path, "M{left:.1} {HEIGHT}V{top:.2}H{right:.1}V{HEIGHT}Z");
    }
    path
}

/// The path of values that hold until the next one, the last until `t_max`.
pub(crate) fn steps(points: &[(f64, f64)], t_max: f64, scale: Scale) -> String {
    let mut path = String::new();
    for (index, point) in points.iter().enumerate() {
        if index == 0 {
            let _ = write!(path, "M{}", place(*point, t_max, scale));
        } else {
            let _ = write!(path, "H{:.1}V{:.2}", x(point.0, t_max), y(point.1, scale));
        }
    }
    if !path.is_empty() {
        let _ = write!(path, "H{WIDTH}");
    }
    path
}

fn place((t, value): (f64, f64), t_max: f64, scale: Scale) -> String {
    format!("{:.1} {:.2}", x(t, t_max), y(value, scale))
}

fn x(t: f64, t_max: f64) -> f64 {
    if t_max > 0.0 {
        (t / t_max).clamp(0.0, 1.0) * WIDTH
    } else {
        0.0
    }
}

fn y(value: f64, scale: Scale) -> f64 {
    (1.0 - scale.at(value)) * HEIGHT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_reach_no_further_than_the_axis() {
        assert_eq!(linear_ticks(30.0, 4), [0.0, 10.0, 20.0, 30.0]);
        assert_eq!(time_ticks(62.0, 6), [0.0, 15.0, 30.0, 45.0, 60.0]);
        assert_eq!(time_ticks(7300.0, 6), [0.0, 1800.0, 3600.0, 5400.0, 7200.0]);
        let scale = Scale::Log { min: 90_000.0, max: 6e6 };
        assert_eq!(scale.ticks(6), [1e5, 2e5, 5e5, 1e6, 2e6, 5e6]);
        for max in [f64::NAN, f64::INFINITY, 0.0, -1.0] {
            assert_eq!(linear_ticks(max, 4), [0.0]);
            assert_eq!(time_ticks(max, 4), [0.0]);
        }
    }

    #[test]
    fn equal_ratios_are_equal_distances_on_a_logarithmic_scale() {
        let scale = Scale::Log { min: 1.0, max: 100.0 };
        assert!((scale.at(10.0) - 0.5).abs() < 1e-9);
        assert_eq!((scale.at(0.0), scale.at(1e9)), (0.0, 1.0));
    }

    #[test]
    fn thinning_keeps_every_dip() {
        let mut points: Vec<(f64, f64)> = (0..100_000).map(|n| (f64::from(n) / 10.0, 20.0)).collect();
        points[54_321].1 = 0.0;
        let thinned = thin(&points, 10_000.0);
        assert!(thinned.len() < 4 * COLUMNS, "{}", thinned.len());
        assert!(thinned.iter().any(|point| point.1 == 0.0));
        assert!(thinned.windows(2).all(|pair| pair[0].0 <= pair[1].0));
    }

    #[test]
    fn a_bar_stands_on_the_axis_and_one_without_a_height_is_none() {
        let scale = Scale::Linear { max: 10.0 };
        assert_eq!(bars(&[(0.0, 5.0, 5.0), (5.0, 10.0, 0.0)], 10.0, scale), "M0.0 100V50.00H500.0V100Z");
    }

    #[test]
    fn a_step_holds_until_the_next_and_to_the_end() {
        let scale = Scale::Linear { max: 10.0 };
        assert_eq!(steps(&[(0.0, 0.0), (5.0, 10.0)], 10.0, scale), "M0.0 100.00H500.0V0.00H1000");
        assert_eq!(steps(&[], 10.0, scale), "");
    }
}
