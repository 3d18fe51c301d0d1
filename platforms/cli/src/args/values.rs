//! What options of the command line are worth: times, rates, keys, headers, addresses and folders, read from text.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::{Path, PathBuf};

use telecine::Player;
use telecine_drm::SegmentKey;
use telecine_model::protection::KeyId;
use telecine_model::{datetime, MediaTime, WallTime};

/// A key and its identifier. The key is never printed, and wiped when it is dropped.
#[derive(Clone, Debug)]
pub(crate) struct ContentKey {
    pub(crate) id: KeyId,
    pub(crate) key: telecine_drm::ContentKey,
}

/// A key with its identifier or without.
#[derive(Clone, Debug)]
pub(crate) enum GivenKey {
    Named(ContentKey),
    Bare(SegmentKey),
}

impl GivenKey {
    /// Its identifier, if it has one.
    pub(crate) fn kid(&self) -> Option<KeyId> {
        match self {
            Self::Named(key) => Some(key.id),
            Self::Bare(_) => None,
        }
    }
}

pub(super) fn seconds(text: &str) -> Result<MediaTime, String> {
    datetime::parse_decimal_nanos(text)
        .map(MediaTime::from_nanos)
        .ok_or_else(|| "seconds are a decimal number, like 12.5".to_owned())
}

pub(super) fn buffer(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    match seconds > 0.0 && seconds <= 86_400.0 {
        true => Ok(seconds),
        false => Err("a buffer is more than nothing and no longer than a day".to_owned()),
    }
}

/// A time of the world's clock.
pub(super) fn date_time(text: &str) -> Result<WallTime, String> {
    let hint = || "a time is a date and a time of day with its zone, like 2026-01-01T00:00:00Z".to_owned();
    datetime::parse_date_time(text).filter(|time| *time >= WallTime::EPOCH).ok_or_else(hint)
}

/// A latency: more than nothing.
pub(super) fn latency(text: &str) -> Result<MediaTime, String> {
    seconds(text)
        .ok()
        .filter(|latency| *latency > MediaTime::ZERO)
        .ok_or_else(|| "a latency is a decimal number of seconds above 0, like 2.5".to_owned())
}

/// A playback speed in thousandths.
pub(super) fn rate(text: &str) -> Result<u32, String> {
    let millis = datetime::parse_decimal_nanos(text).map(|nanos| nanos / 1_000_000);
    millis
        .and_then(|millis| u32::try_from(millis).ok())
        .filter(|millis| Player::RATES.contains(millis))
        .ok_or_else(|| "a playback speed is a number from 0.1 to 4".to_owned())
}

pub(super) fn content_key(text: &str) -> Result<ContentKey, String> {
    // The message must not repeat the key.
    let hint = || "a key is KID:KEY, 32 hexadecimal digits each".to_owned();
    let (id, key) = text.split_once(':').ok_or_else(hint)?;
    match (KeyId::parse(id), key.parse()) {
        (Some(id), Ok(key)) => Ok(ContentKey { id, key }),
        _ => Err(hint()),
    }
}

pub(super) fn given_key(text: &str) -> Result<GivenKey, String> {
    if text.contains(':') {
        return content_key(text).map(GivenKey::Named);
    }
    let key = match text.len() {
        64 => text.parse().map(SegmentKey::Aes256),
        _ => text.parse().map(SegmentKey::Aes128),
    };
    // The message must not repeat the key.
    key.map(GivenKey::Bare)
        .map_err(|_| "a key is KID:KEY or KEY, a KEY of 32 hexadecimal digits (AES-256: 64)".to_owned())
}

pub(super) fn initialisation_vector(text: &str) -> Result<[u8; 16], String> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    hex16(digits).ok_or_else(|| "an initialisation vector is 32 hexadecimal digits".to_owned())
}

fn hex16(text: &str) -> Option<[u8; 16]> {
    let digits: Vec<u32> = text.chars().filter(|c| *c != '-').map(|c| c.to_digit(16)).collect::<Option<_>>()?;
    let mut out = [0; 16];
    if digits.len() != 32 {
        return None;
    }
    for (byte, pair) in out.iter_mut().zip(digits.chunks(2)) {
        *byte = u8::try_from(pair.first()? * 16 + pair.last()?).ok()?;
    }
    Some(out)
}

pub(super) fn header(text: &str) -> Result<(String, String), String> {
    let hint = "a header is 'Name: value'";
    let (name, value) = text.split_once(':').ok_or(hint)?;
    // RFC 9110, 5.6.2: a field name is a token.
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if name.is_empty() || !name.chars().all(token) || value.chars().any(char::is_control) {
        return Err(hint.to_owned());
    }
    Ok((name.to_owned(), value.trim().to_owned()))
}

pub(super) fn folder(text: &str) -> Result<(String, PathBuf), String> {
    // A folder that is there may have an equals sign in its name.
    let named = text.split_once('=').filter(|_| !Path::new(text).is_dir());
    if let Some((name, path)) = named {
        return if name.is_empty() || path.is_empty() {
            Err("a folder is DIR or NAME=DIR".to_owned())
        } else {
            Ok((name.to_owned(), PathBuf::from(path)))
        };
    }
    let path = PathBuf::from(text);
    let own = path.canonicalize().map_err(|e| crate::fetch::reason(&e))?;
    let name = own.file_name().and_then(|name| name.to_str()).ok_or("this folder needs a name: NAME=DIR")?;
    Ok((name.to_owned(), path))
}

pub(super) fn listen(text: &str) -> Result<SocketAddr, String> {
    let hint = "an address is like 127.0.0.1:8080, [::1]:8080 or localhost:8080, or a port alone";
    if let Ok(port) = text.trim_start_matches(':').parse::<u16>() {
        return Ok(SocketAddr::from(([127, 0, 0, 1], port)));
    }
    let mut found = text.to_socket_addrs().map_err(|_| hint.to_owned())?;
    found.next().ok_or_else(|| hint.to_owned())
}

/// Bits a second, written with a unit or without.
pub(super) fn bitrate(text: &str) -> Result<u64, String> {
    let hint = || "a bitrate is like 2.5Mbps, 800kbps or 2500000".to_owned();
    let lower = text.to_ascii_lowercase();
    let units = [("gbps", 9), ("mbps", 6), ("kbps", 3), ("bps", 0)];
    let named = units.iter().find_map(|(unit, power)| Some((lower.strip_suffix(unit)?, *power)));
    let (number, power) = named.unwrap_or((lower.as_str(), 0));
    let nanos = datetime::parse_decimal_nanos(number.trim()).filter(|nanos| *nanos > 0).ok_or_else(hint)?;
    let bits = i128::from(nanos) * 10_i128.pow(power) / 1_000_000_000;
    // No picture is so small: whoever writes 3 means another unit.
    if named.is_none() && bits < 1000 {
        return Err(format!("{text} bit/s is less than any picture needs: write {text}Mbps or {text}kbps"));
    }
    u64::try_from(bits).ok().filter(|bits| *bits > 0).ok_or_else(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_exact_decimals() {
        assert_eq!(seconds("12.5"), Ok(MediaTime::from_millis(12_500)));
        for text in ["", "-1", "1e3", "NaN", "10s"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_time_of_the_clock_is_a_date_and_a_time_behind_1970() {
        assert_eq!(date_time("2026-01-01T00:00:00Z"), Ok(WallTime::from_millis(1_767_225_600_000)));
        assert_eq!(date_time("2026-01-01T01:00:00.5+01:00"), Ok(WallTime::from_millis(1_767_225_600_500)));
        for text in ["", "now", "2026-13-01T00:00:00Z", "1969-12-31T23:59:59Z"] {
            assert!(date_time(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_latency_is_above_nothing() {
        assert_eq!(latency("1.5"), Ok(MediaTime::from_millis(1500)));
        for text in ["0", "-1", "", "soon"] {
            assert!(latency(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_playback_speed_is_one_that_the_player_knows() {
        assert_eq!((rate("1"), rate("0.1"), rate("1.25"), rate("4")), (Ok(1000), Ok(100), Ok(1250), Ok(4000)));
        for text in ["0", "0.09", "4.001", "-1", "fast", ""] {
            assert!(rate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_bitrate_has_a_unit_or_is_large_enough_to_mean_bits() {
        assert_eq!(bitrate("2.5Mbps"), Ok(2_500_000));
        assert_eq!(bitrate("800 kbps"), Ok(800_000));
        assert_eq!(bitrate("1200000"), Ok(1_200_000));
        for text in ["3", "", "fast", "-2Mbps", "0", "0kbps", "9999999999999Gbps"] {
            assert!(bitrate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_address_may_be_a_port_alone_or_a_name() {
        let port = SocketAddr::from(([127, 0, 0, 1], 8080));
        assert_eq!((listen("8080"), listen(":8080"), listen("127.0.0.1:8080")), (Ok(port), Ok(port), Ok(port)));
        assert!(listen("localhost:1").is_ok_and(|address| address.ip().is_loopback()));
        assert!(listen("nonsense").is_err_and(|hint| hint.contains("127.0.0.1:8080")));
    }

    #[test]
    fn a_folder_is_called_by_its_own_name_unless_it_gets_another() {
        let here = tempfile::tempdir().expect("a folder");
        let path = here.path().join("a=b");
        std::fs::create_dir(&path).expect("a folder");
        let text = path.to_str().expect("text");
        assert_eq!(folder(text), Ok(("a=b".to_owned(), path.clone())));
        assert_eq!(folder("film=./x"), Ok(("film".to_owned(), PathBuf::from("./x"))));
        for text in ["=x", "film=", "no-such-folder"] {
            assert!(folder(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_wrong_key_is_refused_without_repeating_it() {
        let id = "00112233445566778899aabbccddeeff";
        assert!(content_key(&format!("{id}:{id}")).is_ok());
        let refused = content_key(&format!("{id}:{id}ff")).expect_err("too long");
        assert!(!refused.contains("0011"), "{refused}");
    }

    #[test]
    fn a_header_cannot_smuggle_another_one() {
        assert_eq!(header("X-A: b"), Ok(("X-A".to_owned(), "b".to_owned())));
        for text in ["x", ": b", "X A: b", "X-A: b\r\nX-B: c"] {
            assert!(header(text).is_err(), "{text}");
        }
    }
}
