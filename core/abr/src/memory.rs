//! What outlives a session: the rate that each kind of network showed last.
//!
//! A rate that was true yesterday may be wrong now by any factor. So what is remembered is believed a little less with its age,
//! of what was measured the low figure counts and not the middle, and to rules it is an assumption and no measurement.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use telecine_model::hash::fnv1a;
use telecine_model::{Error, ErrorCode, NetworkType, Place, WallTime};

use crate::estimate::Estimate;

/// Fewer measurements are not worth to be remembered.
const FEWEST_SAMPLES: u32 = 3;
/// What no line carries, and no player can play at, in bits a second: nothing beyond is believed.
const LEAST: u64 = 32_000;
const MOST: u64 = 10_000_000_000;
/// What is older than so many half-lives is forgotten.
const FORGOTTEN_AFTER: f64 = 8.0;

const MAGIC: &[u8] = b"TELECINE-THROUGHPUT ";
const VERSION: u8 = 1;
/// Of one entry: kind, two rates, a time.
const ENTRY: usize = 1 + 8 + 8 + 8;

/// What was measured on one kind of network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// Bits a second that the line was below for half of the time of transfer.
    pub median: u64,
    /// Bits a second that it was below for a fifth of it.
    pub low: u64,
    /// When that was.
    pub at: WallTime,
}

impl Remembered {
    fn is_sound(&self) -> bool {
        (1..=self.median).contains(&self.low)
    }
}

/// The last throughput of each kind of network: four entries at most, without hosts or names. Hosts keep it between sessions as
/// [bytes](ThroughputMemory::to_bytes).
///
/// ```
/// use std::time::Duration;
/// use telecine_abr::{Remembered, ThroughputMemory};
/// use telecine_model::{NetworkType, WallTime};
///
/// let mut memory = ThroughputMemory::default();
/// let evening = WallTime::from_millis(1_767_225_600_000);
/// memory.put(NetworkType::Wifi, Remembered { median: 20_000_000, low: 12_000_000, at: evening });
/// let kept = ThroughputMemory::from_bytes(&memory.to_bytes()).unwrap();
///
/// let a_minute_later = WallTime::from_millis(1_767_225_660_000);
/// let assumed = kept.assumed(NetworkType::Wifi, Some(a_minute_later), 1_500_000).unwrap();
/// assert!((11_990_000..=12_000_000).contains(&assumed), "the low figure");
/// assert_eq!(kept.assumed(NetworkType::Cellular, Some(a_minute_later), 1_500_000), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<NetworkType, Remembered>", into = "BTreeMap<NetworkType, Remembered>")]
pub struct ThroughputMemory {
    entries: BTreeMap<NetworkType, Remembered>,
}

impl ThroughputMemory {
    /// No memory takes more bytes.
    pub const MOST_BYTES: usize = MAGIC.len() + 2 + NetworkType::ALL.len() * ENTRY + 8;

    /// In this time the logarithm of what is remembered comes half way to what is assumed without it: a week where a line
    /// ends in a house, half a day where whoever moves takes the network along, two days where it is not known.
    pub const fn half_life(network: NetworkType) -> Duration {
        const HOUR: u64 = 3600;
        Duration::from_secs(match network {
            NetworkType::Ethernet | NetworkType::Wifi => 7 * 24 * HOUR,
            NetworkType::Cellular => 12 * HOUR,
            NetworkType::Unknown => 48 * HOUR,
        })
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What is remembered of a kind of network.
    pub fn get(&self, network: NetworkType) -> Option<Remembered> {
        self.entries.get(&network).copied()
    }

    /// Remembers what a kind of network showed, in place of what it showed before. What contradicts itself (a low figure of
    /// nothing, or above the median) is not remembered.
    pub fn put(&mut self, network: NetworkType, seen: Remembered) {
        if seen.is_sound() {
            self.entries.insert(network, seen);
        }
    }

    /// Remembers what an estimator believes of the line; too few measurements are none.
    pub fn learn(&mut self, network: NetworkType, estimate: &Estimate, at: WallTime) {
        if let Some(recent) = estimate.recent.filter(|_| estimate.samples >= FEWEST_SAMPLES) {
            self.put(network, Remembered { median: recent.median, low: recent.low, at });
        }
    }

    /// What may be assumed at a time of the line's throughput, in bits a second, before anything is measured; None where
    /// nothing is remembered of the kind of network, or long ago.
    ///
    /// That is the low figure, drawn by its age towards `otherwise`, which is assumed without any memory. What is of the future
    /// is as old as of now (a clock was set), and where nobody knows what time it is, half of it is gone.
    pub fn assumed(&self, network: NetworkType, now: Option<WallTime>, otherwise: u64) -> Option<u64> {
        let remembered = self.get(network)?;
        let half_life = Self::half_life(network).as_secs_f64();
        let age = now.map_or(half_life, |now| now.since(remembered.at).as_secs_f64().max(0.0)) / half_life;
        if age > FORGOTTEN_AFTER {
            return None;
        }
        let log = |bits: u64| libm::log(bits.clamp(LEAST, MOST) as f64);
        let otherwise = log(otherwise);
        let assumed = libm::exp(otherwise + libm::exp2(-age) * (log(remembered.low) - otherwise));
        Some(((assumed + 0.5) as u64).clamp(LEAST, MOST))
    }

    /// As bytes, to be kept: a name, a version, the entries, and a hash over all of that.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(Self::MOST_BYTES);
        out.extend_from_slice(MAGIC);
        out.push(VERSION);
        out.push(u8::try_from(self.entries.len()).unwrap_or(0));
        for (network, seen) in &self.entries {
            out.push(code(*network));
            out.extend_from_slice(&seen.median.to_le_bytes());
            out.extend_from_slice(&seen.low.to_le_bytes());
            out.extend_from_slice(&seen.at.as_micros().to_le_bytes());
        }
        let hash = fnv1a(&out);
        out.extend_from_slice(&hash.to_le_bytes());
        out
    }

    /// What [`ThroughputMemory::to_bytes`] made of it.
    ///
    /// # Errors
    /// [`ErrorCode::MemoryInvalid`] with the byte where it makes no sense: it is of another version, cut off, damaged, or
    /// something else altogether. Whoever gets that goes without a memory.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let invalid = |rest: &[u8], what: &str| {
            let at = bytes.len().saturating_sub(rest.len()) as u64;
            Error::new(ErrorCode::MemoryInvalid, what).at(Place::Byte(at))
        };
        let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| invalid(bytes, "this is no memory of throughput"))?;
        let (version, rest) = rest.split_first().ok_or_else(|| invalid(rest, "it is cut off"))?;
        if *version != VERSION {
            return Err(invalid(rest, "it is of another version"));
        }
        if bytes.len() > Self::MOST_BYTES {
            return Err(invalid(rest, "it is longer than any memory"));
        }
        let (count, mut rest) = rest.split_first().ok_or_else(|| invalid(rest, "it is cut off"))?;
        let mut entries = BTreeMap::new();
        for _ in 0..*count {
            let (entry, behind) = rest.split_first_chunk::<ENTRY>().ok_or_else(|| invalid(rest, "it is cut off"))?;
            let (network, seen) = read(entry).ok_or_else(|| invalid(rest, "an entry contradicts itself"))?;
            if entries.insert(network, seen).is_some() {
                return Err(invalid(rest, "a kind of network is in it twice"));
            }
            rest = behind;
        }
        let sealed = bytes.len().saturating_sub(rest.len());
        let hash = fnv1a(bytes.get(..sealed).unwrap_or_default());
        if rest != hash.to_le_bytes() {
            return Err(invalid(rest, "it is damaged"));
        }
        Ok(Self { entries })
    }
}

fn code(network: NetworkType) -> u8 {
    match network {
        NetworkType::Unknown => 0,
        NetworkType::Ethernet => 1,
        NetworkType::Wifi => 2,
        NetworkType::Cellular => 3,
    }
}

fn read(entry: &[u8; ENTRY]) -> Option<(NetworkType, Remembered)> {
    let (kind, rest) = entry.split_first()?;
    let network = NetworkType::ALL.into_iter().find(|network| code(*network) == *kind)?;
    let (median, rest) = rest.split_first_chunk()?;
    let (low, rest) = rest.split_first_chunk()?;
    let at = WallTime::from_micros(i64::from_le_bytes(*rest.first_chunk()?));
    let seen = Remembered { median: u64::from_le_bytes(*median), low: u64::from_le_bytes(*low), at };
    seen.is_sound().then_some((network, seen))
}

impl From<ThroughputMemory> for BTreeMap<NetworkType, Remembered> {
    fn from(memory: ThroughputMemory) -> Self {
        memory.entries
    }
}

impl TryFrom<BTreeMap<NetworkType, Remembered>> for ThroughputMemory {
    type Error = Error;

    fn try_from(entries: BTreeMap<NetworkType, Remembered>) -> Result<Self, Error> {
        match entries.values().all(Remembered::is_sound) {
            true => Ok(Self { entries }),
            false => Err(Error::new(ErrorCode::MemoryInvalid, "an entry contradicts itself")),
        }
    }
}
