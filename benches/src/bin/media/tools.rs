//! Other programs, and what they cost.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::Result;

/// Seconds that a program took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// In the program itself, on all cores together.
    pub(crate) user: f64,
    /// From its start to its end.
    pub(crate) wall: f64,
}

/// Runs a program and says what it took.
pub(crate) fn timed(command: &[String]) -> Result<Times> {
    // The shell's own `time` knows milliseconds; what the program says goes elsewhere.
    const SCRIPT: &str = "TIMEFORMAT='%3U %3R'; exec 3>&2; time \"$@\" >/dev/null 2>&3 3>&-";
    let output = Command::new("bash").args(["-c", SCRIPT, "_"]).args(command).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("{command:?}: {said}").into());
    }
    let mut numbers = said.lines().last().unwrap_or_default().split(' ').map(str::parse::<f64>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(user)), Some(Ok(wall))) => Ok(Times { user, wall }),
        _ => Err(format!("no times in {said}").into()),
    }
}

/// What a program prints.
pub(crate) fn output(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program).args(arguments).output()?;
    if !output.status.success() {
        return Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// `ffmpeg 8.1.2`; None if it does not run.
pub(crate) fn ffmpeg_name(path: &Path) -> Option<String> {
    let text = output(path.to_str()?, &["-version"]).ok()?;
    let version = text.split_whitespace().nth(2)?;
    Some(format!("ffmpeg {}", version.trim_start_matches('n').split('-').next()?))
}

/// What the numbers were measured on.
pub(crate) fn machine(ffmpegs: &[(String, PathBuf)]) -> String {
    let first = |program: &str, argument: &str| {
        let text = output(program, &[argument]).unwrap_or_default();
        text.lines().next().unwrap_or_default().trim().to_owned()
    };
    let processor = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processor.lines().find_map(|line| line.strip_prefix("model name")?.split(':').nth(1)).unwrap_or("");
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let names: Vec<&str> = ffmpegs.iter().map(|(name, _)| name.as_str()).collect();
    format!(
        "{} cores of{}, {}, {}, Node.js {}, {}, load {}",
        std::thread::available_parallelism().map_or(0, usize::from),
        model.trim_end(),
        first("rustc", "--version"),
        first("openssl", "version"),
        first("node", "--version"),
        names.join(", "),
        load.split(' ').next().unwrap_or("unknown"),
    )
}

/// Seconds of processor time of this thread: unlike a clock, it does not run while others do.
pub(crate) fn thread_seconds() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds: f64 = text.split(' ').next().unwrap_or_default().parse()?;
    Ok(nanoseconds / 1e9)
}

/// Least, median and most of some measurements.
pub(crate) struct Spread {
    pub(crate) least: f64,
    pub(crate) median: f64,
    pub(crate) most: f64,
}

impl Spread {
    pub(crate) fn of(mut samples: Vec<f64>) -> Self {
        samples.sort_by(f64::total_cmp);
        let at = |index: usize| samples.get(index).copied().unwrap_or(f64::NAN);
        Self { least: at(0), median: at(samples.len() / 2), most: at(samples.len().saturating_sub(1)) }
    }
}
