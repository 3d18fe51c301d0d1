//! Protection of outputs (HDCP).

use std::fmt;

/// A version of HDCP, as the W3C's registry of them writes it; ordered, more protection later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[non_exhaustive]
pub enum HdcpVersion {
    /// No protection.
    #[default]
    None,
    /// 1.0.
    V1_0,
    /// 1.1.
    V1_1,
    /// 1.2.
    V1_2,
    /// 1.3.
    V1_3,
    /// 1.4.
    V1_4,
    /// 2.0.
    V2_0,
    /// 2.1.
    V2_1,
    /// 2.2: the first that carries what is of type 1.
    V2_2,
    /// 2.3.
    V2_3,
}

const NAMES: [(HdcpVersion, &str); 10] = [
    (HdcpVersion::None, "none"),
    (HdcpVersion::V1_0, "1.0"),
    (HdcpVersion::V1_1, "1.1"),
    (HdcpVersion::V1_2, "1.2"),
    (HdcpVersion::V1_3, "1.3"),
    (HdcpVersion::V1_4, "1.4"),
    (HdcpVersion::V2_0, "2.0"),
    (HdcpVersion::V2_1, "2.1"),
    (HdcpVersion::V2_2, "2.2"),
    (HdcpVersion::V2_3, "2.3"),
];

impl HdcpVersion {
    /// Every version, less protection first.
    pub fn all() -> impl Iterator<Item = Self> {
        NAMES.iter().map(|(version, _)| *version)
    }

    /// As the registry writes it; `none` for none.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(version, _)| *version == self).map_or("none", |(_, name)| name)
    }

    /// From the registry's name; an empty one is none.
    pub fn from_name(name: &str) -> Option<Self> {
        if name.is_empty() {
            return Some(Self::None);
        }
        NAMES.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(version, _)| *version)
    }

    /// What HLS' `HDCP-LEVEL` demands (rfc8216bis, 4.4.6.2): any HDCP for `TYPE-0`, 2.2 for `TYPE-1`,
    /// nothing for `NONE`. An unknown level demands the most: a later one is not less.
    pub fn demanded_by_level(level: &str) -> Self {
        match level {
            "NONE" => Self::None,
            "TYPE-0" => Self::V1_0,
            "TYPE-1" => Self::V2_2,
            _ => Self::V2_3,
        }
    }
}

impl fmt::Display for HdcpVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_ascend_and_are_found_by_name() {
        assert!(HdcpVersion::all().is_sorted());
        for version in HdcpVersion::all() {
            assert_eq!(HdcpVersion::from_name(version.name()), Some(version));
        }
        assert_eq!((HdcpVersion::from_name(""), HdcpVersion::from_name("9")), (Some(HdcpVersion::None), None));
    }

    #[test]
    fn levels_of_hls_demand_versions() {
        assert_eq!(HdcpVersion::demanded_by_level("NONE"), HdcpVersion::None);
        assert!(HdcpVersion::demanded_by_level("TYPE-0") <= HdcpVersion::V1_4);
        assert!(HdcpVersion::demanded_by_level("TYPE-1") > HdcpVersion::V2_1);
        assert!(HdcpVersion::demanded_by_level("TYPE-9") >= HdcpVersion::demanded_by_level("TYPE-1"));
    }
}
