//! What goes wrong on purpose: status codes, byte faults, stalls, redirects, wrong headers, slow bodies.
//!
//! Byte positions are positions in the resource, so a request that resumes behind a cut goes through; `x<times>`
//! limits a fault to the first requests for a URL.

use crate::options::{number, switch};

/// The faults that a URL asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    /// `statuscode_[{…}]`.
    pub(crate) status: Vec<StatusFault>,
    /// `cut_`, `short_`, `stallh_`, `stallb_`, `flip_`.
    pub(crate) bytes: Vec<ByteFault>,
    /// `norange_1`: byte ranges are ignored.
    pub(crate) no_range: bool,
    /// `mime_<type>-<subtype>`: the content type of every object.
    pub(crate) mime: Option<String>,
    /// `enc_gzip`: manifests and text are compressed, asked for or not.
    pub(crate) gzip: bool,
    /// `redir_<n>` or `redir_loop`.
    pub(crate) redirect: Redirect,
    /// `rate_<kbps>`: the pace of every body, in bits a second.
    pub(crate) rate: Option<u64>,
    /// `trace_<name>`: the pace of every body follows a trace.
    pub(crate) trace: Option<String>,
    /// `delay_<ms>`: every response starts this much later.
    pub(crate) delay_ms: u64,
    /// `seed_<n>`: where every draw starts.
    pub(crate) seed: Option<u64>,
}

/// Redirects before the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Redirect {
    #[default]
    None,
    /// So many hops are left.
    Hops(u64),
    /// For ever.
    Loop,
}

impl Redirect {
    fn read(value: &str) -> Option<Self> {
        match value {
            "loop" => Some(Self::Loop),
            hops => number(hops, 0..=100).map(|n| if n == 0 { Self::None } else { Self::Hops(n) }),
        }
    }
}

/// What kind of object a response is (the object types of CMCD, CTA-5004).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Manifest,
    Init,
    Video,
    Audio,
    Text,
    Image,
    /// A key or a licence.
    Key,
    Other,
}

impl Class {
    fn name(self) -> &'static str {
        match self {
            Self::Manifest => "m",
            Self::Init => "i",
            Self::Video => "v",
            Self::Audio => "a",
            Self::Text => "tt",
            Self::Key => "k",
            Self::Image | Self::Other => "o",
        }
    }

    /// Segments of the media, which `rsq` counts.
    fn is_media(self) -> bool {
        matches!(self, Self::Video | Self::Audio | Self::Text)
    }
}

/// Which segments a fault hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    All,
    Number(u64),
}

impl Which {
    fn read(text: &str) -> Option<Self> {
        if text == "*" {
            Some(Self::All)
        } else {
            text.parse().ok().map(Self::Number)
        }
    }

    fn hits(self, number: u64) -> bool {
        self == Self::All || self == Self::Number(number)
    }
}

/// A fault in the bytes of a segment: `<kind>_<rsq>@<amount>[x<times>][:<rendition>]`, several with commas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ByteFault {
    pub(crate) kind: ByteFaultKind,
    which: Which,
    /// Bytes, milliseconds or a count, by kind.
    pub(crate) amount: u64,
    times: Option<u32>,
    rendition: Option<String>,
}

/// What happens to the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ByteFaultKind {
    /// The connection is reset after so many bytes of the segment.
    Cut,
    /// The connection ends cleanly after so many bytes, although more were announced.
    Short,
    /// The head comes so many milliseconds late.
    StallHead,
    /// The body pauses in its middle for so many milliseconds.
    StallBody,
    /// So many bytes are corrupt.
    Flip,
}

impl ByteFaultKind {
    fn read(name: &str) -> Option<Self> {
        [Self::Cut, Self::Short, Self::StallHead, Self::StallBody, Self::Flip].into_iter().find(|k| k.name() == name)
    }

    /// Whether nothing comes behind it.
    pub(crate) fn ends_the_body(self) -> bool {
        matches!(self, Self::Cut | Self::Short)
    }

    /// The name of the option.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cut => "cut",
            Self::Short => "short",
            Self::StallHead => "stallh",
            Self::StallBody => "stallb",
            Self::Flip => "flip",
        }
    }
}

/// A scripted error status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StatusFault {
    /// Seconds of title after which `rsq` counts from 0 again; absent: the whole title.
    pub(crate) cycle: Option<u64>,
    pub(crate) code: u16,
    /// Seconds of `Retry-After`.
    pub(crate) retry: Option<u64>,
    which: Which,
    rendition: Option<String>,
    object: Option<String>,
    base: Option<u64>,
    times: Option<u32>,
}

/// What a request asks for, as far as faults care.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) class: Class,
    pub(crate) rendition: &'a str,
    /// Whether `rendition` is the path of a file, of which a fault names a part.
    pub(crate) by_path: bool,
    /// The base URL it came by.
    pub(crate) base: Option<u64>,
    /// Earlier requests for the same URL.
    pub(crate) attempt: u32,
}

impl Subject<'_> {
    fn is(&self, rendition: Option<&str>, times: Option<u32>) -> bool {
        let named = |r: &str| if self.by_path { self.rendition.contains(r) } else { self.rendition == r };
        rendition.is_none_or(named) && times.is_none_or(|times| self.attempt < times)
    }
}

impl ByteFault {
    /// Whether it hits segment `number` of the subject.
    pub(crate) fn hits(&self, subject: &Subject<'_>, number: u64) -> bool {
        subject.class.is_media() && self.which.hits(number) && subject.is(self.rendition.as_deref(), self.times)
    }
}

impl StatusFault {
    /// Whether it hits the subject; `number_in_cycle` is asked only for segments.
    pub(crate) fn hits(&self, subject: &Subject<'_>, number_in_cycle: impl FnOnce(Option<u64>) -> Option<u64>) -> bool {
        let object = match &self.object {
            Some(object) => object == subject.class.name(),
            None => subject.class.is_media(),
        };
        object
            && self.base.is_none_or(|base| subject.base == Some(base))
            && subject.is(self.rendition.as_deref(), self.times)
            && (!subject.class.is_media() || number_in_cycle(self.cycle).is_some_and(|n| self.which.hits(n)))
    }

    /// One `{key:value,…}` of the list.
    fn read(text: &str) -> Option<Self> {
        let mut fault = Self {
            cycle: None,
            code: 0,
            retry: None,
            which: Which::All,
            rendition: None,
            object: None,
            base: None,
            times: None,
        };
        for field in text.split(',') {
            let (key, value) = field.split_once(':')?;
            let (key, value) = (key.trim().trim_matches('"'), value.trim().trim_matches('"'));
            match key {
                "cycle" => fault.cycle = Some(number(value, 1..=crate::options::LONGEST_SECONDS)?),
                "rsq" => fault.which = Which::read(value)?,
                "code" => fault.code = number(value, 400..=599)? as u16,
                "rep" => fault.rendition = (value != "*").then(|| value.to_owned()),
                "retry" => fault.retry = Some(value.parse().ok()?),
                "obj" => fault.object = Some(value.to_owned()),
                "base" => fault.base = Some(value.parse().ok()?),
                "times" => fault.times = Some(value.parse().ok()?),
                _ => return None,
            }
        }
        (fault.code != 0).then_some(fault)
    }
}

impl Faults {
    /// Takes an option; `None` when the name is not a fault's, `Some(None)` when the value cannot be used.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Option<Option<()>> {
        let done = match name {
            "statuscode" => status_faults(value).map(|faults| self.status = faults),
            "norange" => switch(value).map(|on| self.no_range = on),
            "mime" => header_text(value).map(|mime| self.mime = Some(mime.replacen('-', "/", 1))),
            "enc" => (value == "gzip").then(|| self.gzip = true),
            "redir" => Redirect::read(value).map(|redirect| self.redirect = redirect),
            "rate" => number(value, 1..=100_000_000).map(|kbps| self.rate = Some(kbps * 1000)),
            "trace" => header_text(value).map(|name| self.trace = Some(name.to_owned())),
            "delay" => number(value, 0..=3_600_000).map(|ms| self.delay_ms = ms),
            "seed" => value.parse().ok().map(|seed| self.seed = Some(seed)),
            name => byte_faults(ByteFaultKind::read(name)?, value).map(|faults| self.bytes.extend(faults)),
        };
        Some(done)
    }

    /// Whether an answer depends on how often its URL was asked for.
    pub(crate) fn count_attempts(&self) -> bool {
        self.status.iter().any(|f| f.times.is_some()) || self.bytes.iter().any(|f| f.times.is_some())
    }
}

/// What may stand in a header: printable ASCII, and something.
fn header_text(value: &str) -> Option<&str> {
    (!value.is_empty() && value.bytes().all(|b| (0x20..0x7f).contains(&b))).then_some(value)
}

/// The relaxed JSON of livesim2: `[{cycle:30,rsq:0,code:404,rep:v180},{…}]`.
fn status_faults(value: &str) -> Option<Vec<StatusFault>> {
    let list = value.strip_prefix("[{")?.strip_suffix("}]")?;
    list.split("},{").map(StatusFault::read).collect()
}

fn byte_faults(kind: ByteFaultKind, value: &str) -> Option<Vec<ByteFault>> {
    let one = |text: &str| {
        let (text, rendition) = match text.split_once(':') {
            Some((text, rendition)) => (text, Some(rendition.to_owned())),
            None => (text, None),
        };
        let (which, amount) = text.split_once('@')?;
        let (amount, times) = match amount.split_once('x') {
            Some((amount, times)) => (amount, Some(times.parse().ok()?)),
            None => (amount, None),
        };
        Some(ByteFault { kind, which: Which::read(which)?, amount: amount.parse().ok()?, times, rendition })
    };
    value.split(',').map(one).collect()
}

/// A small generator for draws that must repeat (SplitMix64, Steele et al., OOPSLA 2014).
#[derive(Clone, Debug)]
pub(crate) struct Draws(u64);

impl Draws {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(name: &str, value: &str) -> Faults {
        let mut faults = Faults::default();
        faults.set(name, value).unwrap().unwrap();
        faults
    }

    const VIDEO: Subject<'static> =
        Subject { class: Class::Video, rendition: "v180", by_path: false, base: None, attempt: 0 };

    #[test]
    fn a_status_fault_names_segment_rendition_and_retry() {
        let faults = faults("statuscode", "[{cycle:30,rsq:2,code:503,retry:5},{rsq:0,code:404,rep:v360}]");
        assert_eq!((faults.status[0].code, faults.status[0].retry), (503, Some(5)));
        assert!(faults.status[0].hits(&VIDEO, |_| Some(2)));
        assert!(!faults.status[0].hits(&VIDEO, |_| Some(3)));
        assert!(!faults.status[1].hits(&VIDEO, |_| Some(0)), "another rendition");
    }

    #[test]
    fn a_status_fault_hits_media_unless_an_object_type_is_named() {
        let manifest = Subject { class: Class::Manifest, rendition: "", ..VIDEO };
        assert!(!faults("statuscode", "[{code:404}]").status[0].hits(&manifest, |_| None));
        assert!(faults("statuscode", "[{code:404,obj:m}]").status[0].hits(&manifest, |_| None));
    }

    #[test]
    fn a_byte_fault_may_end_after_some_requests() {
        let faults = faults("cut", "3@40000x2:v180,*@7");
        assert!(faults.bytes[0].hits(&VIDEO, 3) && faults.count_attempts());
        assert!(faults.bytes[0].hits(&Subject { attempt: 1, ..VIDEO }, 3));
        assert!(!faults.bytes[0].hits(&Subject { attempt: 2, ..VIDEO }, 3));
        assert!(faults.bytes[1].hits(&Subject { attempt: 9, ..VIDEO }, 8));
    }

    #[test]
    fn draws_are_those_of_the_published_generator() {
        // First outputs for seed 1234567, from the reference implementation's published test vector.
        let mut draws = Draws::new(1_234_567);
        assert_eq!(draws.next(), 6_457_827_717_110_365_317);
        assert_eq!(draws.next(), 3_203_168_211_198_807_973);
    }
}
