//! How hot the device is, where its system says so in files (Linux).
//!
//! A thermal zone tells its temperature and its trip points (the kernel's `Documentation/driver-api/thermal/sysfs-api.rst`):
//! from a passive one on the system slows its processors down, from a hot one on it warns, and at a critical one it shuts itself off.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use telecine_engine::Pressure;
use tokio::sync::watch;
use tokio::task::spawn_blocking;

/// How often zones are looked at: heat comes and goes in minutes.
const EVERY: Duration = Duration::from_secs(10);
/// So much cooler than a trip point it is over, in thousandths of a degree: else it would be told by turns.
const COOLER: i64 = 3_000;
/// So near to where it shuts itself off a system is about to do so.
const NEAR: i64 = 5_000;
/// Trip points that are looked for in a zone, and zones.
const MOST_TRIPS: usize = 16;
const MOST_ZONES: usize = 64;

/// A thermal zone with anything to tell.
#[derive(Debug)]
struct Zone {
    temperature: PathBuf,
    /// From these temperatures on the device is to be spared so much.
    trips: Vec<(Pressure, i64)>,
}

impl Zone {
    fn read(folder: &Path) -> Option<Self> {
        let word = |name: &str| fs::read_to_string(folder.join(name)).ok().map(|text| text.trim().to_owned());
        if word("mode").is_some_and(|mode| mode == "disabled") {
            return None;
        }
        let trip = |n: usize| {
            let at = word(&format!("trip_point_{n}_temp"))?.parse().ok().filter(|at: &i64| *at > 0)?;
            match word(&format!("trip_point_{n}_type"))?.as_str() {
                "passive" => Some((Pressure::High, at)),
                "hot" => Some((Pressure::Critical, at)),
                "critical" => Some((Pressure::Critical, at - NEAR)),
                // A fan is switched on.
                _ => None,
            }
        };
        let trips: Vec<_> = (0..MOST_TRIPS).filter_map(trip).collect();
        (!trips.is_empty()).then(|| Self { temperature: folder.join("temp"), trips })
    }

    /// How much the device is to be spared for it now, and was before.
    fn pressure(&self, before: Pressure) -> Pressure {
        let temperature = fs::read_to_string(&self.temperature).ok().and_then(|text| text.trim().parse().ok());
        // A sensor that is not to be read just now is as it was.
        let Some(temperature) = temperature.filter(|temperature: &i64| *temperature > 0) else { return before };
        let reached = |(level, at): &&(Pressure, i64)| {
            let over = if *level <= before { COOLER } else { 0 };
            temperature >= at - over
        };
        self.trips.iter().filter(reached).map(|(level, _)| *level).max().unwrap_or_default()
    }
}

/// How much the device is to be spared for each of its zones, which were told for so much each before.
fn levels_of(zones: &[Zone], before: &[Pressure]) -> Vec<Pressure> {
    zones.iter().zip(before).map(|(zone, before)| zone.pressure(*before)).collect()
}

/// The zones of a system whose files are below a folder.
fn zones(root: &Path) -> Vec<Zone> {
    let Ok(entries) = fs::read_dir(root.join("sys/class/thermal")) else { return Vec::new() };
    let folders = entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with("thermal_zone"));
    folders.take(MOST_ZONES).filter_map(|entry| Zone::read(&entry.path())).collect()
}

/// Follows the heat of the device for as long as somebody listens.
pub(crate) fn follow() -> watch::Receiver<Pressure> {
    match cfg!(target_os = "linux") {
        true => follow_below(PathBuf::from("/"), EVERY),
        false => watch::channel(Pressure::None).1,
    }
}

/// The same, of a system whose files are below a folder. Where nothing tells any heat nothing is looked at again.
fn follow_below(root: PathBuf, every: Duration) -> watch::Receiver<Pressure> {
    let (told, heard) = watch::channel(Pressure::None);
    tokio::spawn(async move {
        // Sensors may keep whoever reads them waiting.
        let Ok(zones) = spawn_blocking(move || zones(&root)).await else { return };
        let zones = Arc::new(zones);
        let mut levels = vec![Pressure::None; zones.len()];
        while !zones.is_empty() {
            let read = Arc::clone(&zones);
            let look = move || levels_of(&read, &levels);
            let Ok(now) = spawn_blocking(look).await else { return };
            levels = now;
            let worst = levels.iter().copied().max().unwrap_or_default();
            told.send_if_modified(|known| std::mem::replace(known, worst) != worst);
            tokio::select! {
                () = told.closed() => return,
                () = tokio::time::sleep(every) => {}
            }
        }
    });
    heard
}

#[cfg(test)]
#[allow(clippy::expect_used)] // These are tests.
mod tests {
    use super::*;

    /// A system of one zone.
    fn system(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(root.path().join("sys/class/thermal/thermal_zone0")).expect("made");
        fs::create_dir_all(root.path().join("sys/class/thermal/cooling_device0")).expect("made");
        files.iter().for_each(|(name, text)| write(root.path(), name, text));
        root
    }

    fn write(root: &Path, name: &str, text: &str) {
        fs::write(root.join("sys/class/thermal/thermal_zone0").join(name), format!("{text}\n")).expect("written");
    }

    const TRIPS: [(&str, &str); 8] = [
        ("mode", "enabled"),
        ("temp", "45000"),
        ("trip_point_0_type", "critical"),
        ("trip_point_0_temp", "105000"),
        ("trip_point_1_type", "passive"),
        ("trip_point_1_temp", "85000"),
        ("trip_point_2_type", "active"),
        ("trip_point_2_temp", "50000"),
    ];

    #[test]
    fn a_zone_is_hot_from_where_its_system_slows_down_and_critical_before_it_shuts_off() {
        let root = system(&TRIPS);
        let zones = zones(root.path());
        let mut before = vec![Pressure::None];
        let cases = [
            ("84999", Pressure::None),
            ("85000", Pressure::High),
            ("82000", Pressure::High),
            ("81999", Pressure::None),
            ("100000", Pressure::Critical),
            ("97500", Pressure::Critical),
            ("96000", Pressure::High),
            ("60000", Pressure::None),
            ("nonsense", Pressure::None),
            ("86000", Pressure::High),
            ("nonsense", Pressure::High),
        ];
        for (temperature, expected) in cases {
            write(root.path(), "temp", temperature);
            before = levels_of(&zones, &before);
            assert_eq!(before, [expected], "{temperature}");
        }
    }

    #[test]
    fn zones_that_are_off_or_have_no_points_tell_nothing() {
        let off = system(&TRIPS);
        write(off.path(), "mode", "disabled");
        let unset = [("temp", "90000"), ("trip_point_0_type", "passive"), ("trip_point_0_temp", "-274000")];
        for root in [off, system(&[("temp", "200000")]), system(&unset)] {
            assert_eq!(zones(root.path()).len(), 0);
        }
        assert_eq!(zones(Path::new("/nowhere/at/all")).len(), 0);
    }

    #[tokio::test]
    async fn heat_is_told_when_it_changes() {
        let root = system(&TRIPS);
        let mut heat = follow_below(root.path().to_owned(), Duration::from_millis(1));
        for (temperature, expected) in
            [("90000", Pressure::High), ("103000", Pressure::Critical), ("40000", Pressure::None)]
        {
            write(root.path(), "temp", temperature);
            heat.wait_for(|told| *told == expected).await.expect("it is followed");
        }
    }

    #[tokio::test]
    async fn where_nothing_tells_any_heat_nothing_is_looked_at_again() {
        let mut heat = follow_below(PathBuf::from("/nowhere/at/all"), Duration::from_millis(1));
        assert!(heat.changed().await.is_err(), "nobody follows it");
    }
}
