//! A second, naive reader of media playlists of low latency: lines in, what they say out.

/// What a media playlist says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Playlist {
    pub(crate) version: u64,
    pub(crate) target: f64,
    pub(crate) part_target: f64,
    pub(crate) media_sequence: u64,
    pub(crate) discontinuity_sequence: u64,
    /// `EXT-X-SERVER-CONTROL`.
    pub(crate) control: String,
    /// `SKIPPED-SEGMENTS`.
    pub(crate) skipped: u64,
    pub(crate) segments: Vec<Segment>,
    /// The parts behind the last segment.
    pub(crate) growing: Vec<Part>,
    /// URI and start of the range of the hint.
    pub(crate) hint: Option<(String, Option<u64>)>,
    /// URI, MSN and part of each report; a rendition of text has no parts.
    pub(crate) reports: Vec<(String, u64, Option<u64>)>,
    /// The attributes of each date range.
    pub(crate) ranges: Vec<String>,
    /// Those that were removed.
    pub(crate) removed: Vec<String>,
    pub(crate) over: bool,
}

/// One segment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Segment {
    pub(crate) uri: String,
    pub(crate) duration: f64,
    pub(crate) parts: Vec<Part>,
    /// The tags in front of it, but those of parts.
    pub(crate) tags: Vec<String>,
}

/// One part.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Part {
    pub(crate) uri: String,
    pub(crate) duration: f64,
    /// First byte, and how many.
    pub(crate) range: Option<(u64, u64)>,
    pub(crate) independent: bool,
    pub(crate) gap: bool,
}

/// The value of an attribute, without its quotation marks. No value of these playlists has a comma in it.
pub(crate) fn attribute<'a>(list: &'a str, name: &str) -> Option<&'a str> {
    list.split(',').find_map(|pair| Some(pair.strip_prefix(name)?.strip_prefix('=')?.trim_matches('"')))
}

impl Playlist {
    pub(crate) fn read(text: &str) -> Self {
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("#EXTM3U"));
        let mut out = Self::default();
        let mut segment = Segment::default();
        for line in lines {
            let (tag, value) = line.split_once(':').unwrap_or((line, ""));
            let number = || value.parse::<u64>().expect("a number");
            let wanted = |name| attribute(value, name).unwrap_or_else(|| panic!("{name} in {line}"));
            match tag {
                "#EXT-X-VERSION" => out.version = number(),
                "#EXT-X-TARGETDURATION" => out.target = number() as f64,
                "#EXT-X-MEDIA-SEQUENCE" => out.media_sequence = number(),
                "#EXT-X-DISCONTINUITY-SEQUENCE" => out.discontinuity_sequence = number(),
                "#EXT-X-SERVER-CONTROL" => out.control = value.to_owned(),
                "#EXT-X-PART-INF" => out.part_target = wanted("PART-TARGET").parse().expect("seconds"),
                "#EXT-X-SKIP" => {
                    out.skipped = wanted("SKIPPED-SEGMENTS").parse().expect("a number");
                    let removed = attribute(value, "RECENTLY-REMOVED-DATERANGES").unwrap_or_default();
                    out.removed = removed.split('\t').filter(|id| !id.is_empty()).map(str::to_owned).collect();
                }
                "#EXT-X-DATERANGE" => out.ranges.push(value.to_owned()),
                "#EXT-X-ENDLIST" => out.over = true,
                "#EXT-X-INDEPENDENT-SEGMENTS" => {}
                "#EXT-X-PART" => out.growing.push(Part {
                    uri: wanted("URI").to_owned(),
                    duration: wanted("DURATION").parse().expect("seconds"),
                    range: attribute(value, "BYTERANGE").map(|range| {
                        let (length, from) = range.split_once('@').expect("a range");
                        (from.parse().expect("a number"), length.parse().expect("a number"))
                    }),
                    independent: attribute(value, "INDEPENDENT") == Some("YES"),
                    gap: attribute(value, "GAP") == Some("YES"),
                }),
                "#EXT-X-PRELOAD-HINT" => {
                    assert_eq!(wanted("TYPE"), "PART");
                    let from = attribute(value, "BYTERANGE-START").map(|from| from.parse().expect("a number"));
                    out.hint = Some((wanted("URI").to_owned(), from));
                }
                "#EXT-X-RENDITION-REPORT" => {
                    let number = |text: &str| text.parse().expect("a number");
                    let part = attribute(value, "LAST-PART").map(number);
                    out.reports.push((wanted("URI").to_owned(), number(wanted("LAST-MSN")), part));
                }
                "#EXTINF" => segment.duration = value.trim_end_matches(',').parse().expect("seconds"),
                _ if tag.starts_with('#') => segment.tags.push(line.to_owned()),
                _ => {
                    let parts = std::mem::take(&mut out.growing);
                    out.segments.push(Segment { uri: line.to_owned(), parts, ..std::mem::take(&mut segment) });
                }
            }
        }
        out
    }

    /// The media sequence number behind the last segment.
    pub(crate) fn behind(&self) -> u64 {
        self.media_sequence + self.skipped + self.segments.len() as u64
    }
}
