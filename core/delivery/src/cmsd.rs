//! What servers tell of themselves beside media: Common Media Server Data (CTA-5006).

/// What a server, or a cache on the way, would have a player do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ServerHints {
    /// `mb`: no media of more bits a second than this should be asked for. Of several on the way the least counts.
    pub max_bitrate: Option<u64>,
    /// `etp`: bits a second that it believes to reach the player. Of several the last to speak is the nearest.
    pub throughput: Option<u64>,
}

/// The most bits a second that are believed: more is a mistake.
const MOST_KBPS: u64 = 1_000_000_000;

impl ServerHints {
    /// Reads the lines of `CMSD-Static` and `CMSD-Dynamic`, in the order in which they came.
    ///
    /// `CMSD-Dynamic` is a list of those on the way, each with parameters, `CMSD-Static` a dictionary (RFC 8941): both are
    /// read as pairs wherever they stand, since servers mistake one for the other. What is no number of kbit/s is left out.
    pub fn read<'a>(lines: impl IntoIterator<Item = &'a str>) -> Self {
        let mut hints = Self::default();
        for line in lines {
            let mut quoted = false;
            let pairs = line.split(|c: char| {
                quoted ^= c == '"';
                !quoted && matches!(c, ',' | ';')
            });
            for (key, value) in pairs.filter_map(|pair| pair.split_once('=')) {
                let kbps = value.trim().parse::<u64>().ok().filter(|kbps| (1..=MOST_KBPS).contains(kbps));
                let Some(bits) = kbps.map(|kbps| kbps * 1000) else { continue };
                match key.trim() {
                    "mb" => hints.max_bitrate = Some(hints.max_bitrate.map_or(bits, |least| least.min(bits))),
                    "etp" => hints.throughput = Some(bits),
                    _ => {}
                }
            }
        }
        hints
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> (Option<u64>, Option<u64>) {
        let hints = ServerHints::read(lines.iter().copied());
        (hints.max_bitrate, hints.throughput)
    }

    #[test]
    fn lists_of_those_on_the_way_and_dictionaries_are_read() {
        assert_eq!(
            read(&[r#""CDN-A";etp=115;mb=5000, "edge;mb=1,";etp=96;rtt=8;mb=1500"#]),
            (Some(1_500_000), Some(96_000))
        );
        assert_eq!(read(&["ot=v,sf=h", "mb=1500"]), (Some(1_500_000), None));
        assert_eq!(read(&[]), (None, None));
    }

    #[test]
    fn what_is_no_number_of_kilobits_is_left_out() {
        for nonsense in
            ["mb=0", "mb=-4", "mb=", "mb=1e9", "mb=99999999999999999999", "mb", "=4", "\"mb=4", "mb=1000000001"]
        {
            assert_eq!(read(&[nonsense]), (None, None), "{nonsense}");
        }
    }
}
