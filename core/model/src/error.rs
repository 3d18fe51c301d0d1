//! One taxonomy of errors for every room and every language.
//!
//! An [`Error`] carries a stable numeric [`ErrorCode`], what it is about ([`Domain`]), who is to
//! blame ([`Blame`]), the [`Place`] in the offending input, facts, and what the engine did about
//! it ([`Handling`]). The numbers never change meaning; new ones are added. The table in
//! `docs/errors.md` is generated from [`ErrorCode::ALL`].

use core::fmt;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What an error is about. The thousands of a code name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Domain {
    /// Requests that failed on their way.
    Network,
    /// Playlists and MPDs that cannot be used.
    Manifest,
    /// Containers, codecs and captions that cannot be used.
    Media,
    /// Keys, licences and decryption.
    Drm,
    /// Decoders, renderers and storage of the device.
    Device,
    /// The service behind the player: entitlements, sessions, geography.
    Service,
    /// Calls of the application that make no sense.
    Usage,
    /// Defects of this library.
    Internal,
}

impl Domain {
    /// The name as reports write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Manifest => "manifest",
            Self::Media => "media",
            Self::Drm => "drm",
            Self::Device => "device",
            Self::Service => "service",
            Self::Usage => "usage",
            Self::Internal => "internal",
        }
    }
}

/// Who can mend it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Blame {
    /// Whoever encoded or packaged the title.
    Content,
    /// The path between the device and the server.
    Network,
    /// The origin, CDN or licence server.
    Server,
    /// The device: its decoders, its memory, its clock.
    Device,
    /// The application that embeds the player.
    App,
    /// This library.
    Us,
}

impl Blame {
    /// The name as reports write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Content => "content",
            Self::Network => "network",
            Self::Server => "server",
            Self::Device => "device",
            Self::App => "app",
            Self::Us => "us",
        }
    }
}

macro_rules! error_codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal, $domain:ident, $blame:ident, $advice:literal;)+) => {
        /// What went wrong, as a number that keeps its meaning for ever.
        ///
        /// 1xxx network, 2xxx manifest, 3xxx media, 4xxx DRM, 5xxx device, 6xxx service,
        /// 7xxx usage, 9xxx internal.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[doc = $doc])+ $name = $code,)+
        }

        impl ErrorCode {
            /// Every code, in ascending order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The stable number.
            pub const fn number(self) -> u16 {
                self as u16
            }

            /// The stable name, as reports write it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)+ }
            }

            /// What it is about.
            pub const fn domain(self) -> Domain {
                match self { $(Self::$name => Domain::$domain,)+ }
            }

            /// Who can usually mend it.
            pub const fn blame(self) -> Blame {
                match self { $(Self::$name => Blame::$blame,)+ }
            }

            /// What the code means, in a sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+),)+ }
            }

            /// What a person can do about it.
            pub const fn advice(self) -> &'static str {
                match self { $(Self::$name => $advice,)+ }
            }
        }
    };
}

error_codes! {
    /// The host name does not resolve.
    DnsFailed = 1001, Network, Network, "check the host name and the device's connection";
    /// No connection to the server could be made.
    ConnectFailed = 1002, Network, Network, "check that the server runs and is reachable from the device";
    /// The server's certificate or the TLS handshake was refused.
    TlsFailed = 1003, Network, Server, "check the server's certificate chain and the device's clock";
    /// No answer, or no further bytes, in time.
    Timeout = 1004, Network, Network, "check the connection; raise the time limits only if the server is known to be slow";
    /// The connection broke before the answer was complete.
    ConnectionLost = 1005, Network, Network, "check the connection and the server's log";
    /// The body is shorter or longer than the server declared.
    BodyLengthMismatch = 1006, Network, Server, "purge the object at the CDN and compare its length with the origin's";
    /// The server answered with an error status.
    HttpStatus = 1007, Network, Server, "404 and 410: check that the object is published at this URL; 401 and 403: check the request's tokens, cookies and headers; else look at the server's log";
    /// More redirects than allowed, or a loop of them.
    TooManyRedirects = 1008, Network, Server, "mend the redirects at the server";
    /// A reference leads to a scheme that this content may not use.
    SchemeForbidden = 1009, Network, Content, "use http or https URLs in the content";
    /// The body is larger than the limit for its kind.
    BodyTooLarge = 1010, Network, Content, "serve a smaller object or raise the limit";
    /// The body's content encoding could not be undone.
    ContentEncodingFailed = 1011, Network, Server, "serve the object with a valid content encoding";
    /// A file or an in-memory source does not exist or cannot be read.
    SourceUnreadable = 1012, Network, App, "check the path and its permissions";
    /// The object is archived and must be restored before it can be read.
    ObjectArchived = 1013, Network, Server, "restore the object from the archive tier";
    /// The server asked to slow down.
    Throttled = 1014, Network, Server, "wait for the time that the server named";
    /// The URL is not one.
    InvalidUrl = 1015, Network, App, "give an absolute http, https or file URL";
    /// The server ignored or contradicted the byte range that was asked for.
    RangeMismatch = 1016, Network, Server, "serve byte ranges as RFC 9110 says";
    /// The browser does not let the page read the answer: the server does not allow it (CORS).
    CrossOriginRefused = 1017, Network, Server, "send Access-Control-Allow-Origin for the page's origin, and Access-Control-Expose-Headers";

    /// The text is neither an HLS playlist nor a DASH MPD.
    NotAManifest = 2001, Manifest, Content, "check that the URL leads to a playlist or an MPD and not to an error page";
    /// The text breaks the syntax of its format.
    ManifestSyntax = 2002, Manifest, Content, "mend the line named in the place";
    /// Something that the format requires is missing.
    ManifestMissing = 2003, Manifest, Content, "add what the message names";
    /// Two statements of the manifest contradict each other.
    ManifestContradiction = 2004, Manifest, Content, "mend the line named in the place";
    /// The manifest needs a newer protocol version than this player speaks.
    ManifestVersion = 2005, Manifest, Content, "update the player or lower the declared version";
    /// A size, count, depth or span passes its limit.
    ManifestLimit = 2006, Manifest, Content, "make the manifest smaller or raise the limit";
    /// The text is not UTF-8.
    ManifestEncoding = 2007, Manifest, Content, "save the manifest as UTF-8 without a byte order mark";
    /// A variable is used before it is defined, or cannot be imported.
    VariableUndefined = 2008, Manifest, Content, "define the variable before its first use";
    /// The manifest announces nothing that can be played.
    NothingPlayable = 2009, Manifest, Content, "check codecs, resolutions and protection against the device's capabilities";
    /// A live playlist or MPD stopped changing.
    ManifestStale = 2010, Manifest, Server, "check the packager and the CDN's cache rules";
    /// A refreshed manifest contradicts the one before.
    ManifestRewound = 2011, Manifest, Server, "check that all origins serve the same presentation";
    /// An essential descriptor or required feature is unknown to this player.
    EssentialUnknown = 2012, Manifest, Content, "update the player or offer an alternative";
    /// This build of the player leaves out the protocol of the manifest.
    ProtocolLeftOut = 2013, Manifest, App, "take the build of the player that reads both protocols, or offer the title in the other one";

    /// The bytes are not of a container that this player reads.
    ContainerUnknown = 3001, Media, Content, "package as CMAF";
    /// A box or packet breaks the syntax of its container.
    ContainerSyntax = 3002, Media, Content, "repackage the segment; the place names the box";
    /// The container ends in the middle of a box or sample.
    ContainerTruncated = 3003, Media, Content, "compare the object's length with the origin's";
    /// A size, count or depth in the container passes its limit.
    ContainerLimit = 3004, Media, Content, "repackage with sane sizes or raise the limit";
    /// Media arrived without the initialisation section that it needs.
    InitMissing = 3005, Media, Content, "reference the initialisation section in the manifest";
    /// The codec is not one that this player or its sink can handle.
    CodecUnsupported = 3006, Media, Content, "offer a rendition in another codec";
    /// A segment holds no samples although the manifest promises some.
    SegmentEmpty = 3007, Media, Content, "repackage the segment";
    /// Timestamps contradict the manifest beyond what can be corrected.
    TimestampInvalid = 3008, Media, Content, "compare tfdt with the manifest's times";
    /// A caption or subtitle text breaks its syntax.
    TextSyntax = 3009, Media, Content, "mend the subtitle file";
    /// The segment index (sidx) cannot be used.
    IndexInvalid = 3010, Media, Content, "repackage with a valid sidx and index range";
    /// Packets of a transport stream are scrambled by conditional access.
    ContainerScrambled = 3020, Media, Content, "protect the stream with a method of HLS or package it as CMAF";

    /// The content is protected and no key or key system for it is available.
    KeyUnavailable = 4001, Drm, Content, "give a key, a licence URL or a device with a fitting key system";
    /// The sample or segment could not be decrypted.
    DecryptFailed = 4002, Drm, Content, "check that key and content belong together";

    /// Initialisation data for a key system breaks its syntax.
    InitDataInvalid = 4010, Drm, Content, "repackage with valid PSSH boxes and key tags; the place names the field";
    /// No key system of the content is one that the device offers and the application allows.
    KeySystemUnavailable = 4011, Drm, Device, "offer the content for a key system of the device; the facts say why each was refused";
    /// The licence server could not be reached or failed.
    LicenceFailed = 4012, Drm, Server, "check the licence server; the facts name status and attempts";
    /// The licence server refused the request, and not for want of the viewer's rights.
    LicenceRefused = 4013, Drm, Server, "check the licence URL, the headers that the licence server wants, and how the application wraps the request";
    /// The key system does not accept the licence.
    LicenceInvalid = 4014, Drm, Server, "check that the licence server answers in the form that the key system expects, and how the application unwraps it";
    /// The licence has expired and no new one came.
    LicenceExpired = 4015, Drm, Server, "renew the licence: check the licence server and the device's clock";
    /// The licence does not hold the key that the media needs.
    KeyNotInLicence = 4016, Drm, Server, "check which keys the licence server grants this device";
    /// The outputs do not protect the picture as the keys demand, and nothing less demanding is left.
    OutputRestricted = 4017, Drm, Device, "connect a display with the HDCP version that the content demands, or offer a smaller rendition";
    /// The key system of the device failed.
    CdmFailed = 4018, Drm, Device, "restart the device; report the message in the facts to its maker";
    /// The device could not be provisioned for its key system.
    ProvisioningFailed = 4019, Drm, Device, "check that the device reaches the provisioning server";
    /// The certificate of the licence service could not be had or was refused.
    CertificateFailed = 4020, Drm, Server, "check the certificate URL; the certificate must be of the licence service";
    /// The device has no room for one more key session.
    SessionLimit = 4021, Drm, Device, "use fewer keys at a time; release licences that are not needed";
    /// A stored licence is no longer on the device.
    StoredLicenceMissing = 4022, Drm, Device, "download the licence again while online";

    /// A decoder failed on media that it claimed to support.
    DecodeFailed = 5001, Device, Device, "check the media with another decoder; report the codec string";
    /// The sink or renderer failed.
    SinkFailed = 5002, Device, Device, "look at the sink's own message in the facts";
    /// The sink has no room for the least that playback needs.
    SinkFull = 5003, Device, Device, "lower the maximum height or bitrate on this device";
    /// Playback stopped progressing without a reason that the player knows.
    PlaybackStuck = 5004, Device, Device, "send the recording of the session to support";

    /// The service refuses this viewer or session.
    NotEntitled = 6001, Service, App, "sign in again or check the subscription";
    /// The service refuses this place.
    GeoBlocked = 6002, Service, Content, "the title is not available in this region";

    /// A command makes no sense in the present state.
    InvalidState = 7001, Usage, App, "see the documentation of the command";
    /// An argument is outside its range.
    InvalidArgument = 7002, Usage, App, "see the documentation of the argument";

    /// A recording cannot be read.
    RecordingInvalid = 7003, Usage, App, "use the file as the recorder wrote it, with the same version";
    /// What is remembered of the network's throughput cannot be read or written.
    MemoryInvalid = 7004, Usage, App, "what cannot be read needs nothing, the player remembers anew; where it cannot be written, see to the folder's room and permissions";
    /// A part of the player does not load or start: its worker, or the engine.
    PartUnavailable = 7005, Usage, App, "serve worker.js and all .wasm files where the player looks for them, readable by the page (CORS), and allow them in its policy ('wasm-unsafe-eval', worker-src, connect-src)";

    /// A defect of this library.
    InternalDefect = 9001, Internal, Us, "report it with the recording of the session";
}

/// Where in an input something is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Place {
    /// A line of a text, counted from 1.
    Line(u64),
    /// A path of elements or boxes, with counts where there are several: `MPD/Period[1]`,
    /// `moof/traf/trun`.
    Path(String),
    /// A byte offset from the start of the input.
    Byte(u64),
    /// A path of boxes and the byte offset of the box.
    Box {
        /// Path of box types from the outermost.
        path: String,
        /// Offset of the box from the start of the input.
        offset: u64,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Path(path) => f.write_str(path),
            Self::Byte(offset) => write!(f, "byte {offset}"),
            Self::Box { path, offset } => write!(f, "{path} at byte {offset}"),
        }
    }
}

/// What the engine did about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Handling {
    /// Nothing has been decided yet (errors of parsers), or playback ended because of it.
    #[default]
    Raised,
    /// The request is made again.
    Retried,
    /// Another rendition, pathway or location is used instead.
    Replaced,
    /// The part was left out and playback goes on behind it.
    Skipped,
}

/// One error with everything known about it.
///
/// Cheap to move; the message is a sentence for people, the rest is for programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Error(Box<Detail>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Detail {
    code: ErrorCode,
    message: String,
    place: Option<Place>,
    fatal: bool,
    handling: Handling,
    facts: BTreeMap<String, String>,
}

impl Error {
    /// An error of `code`, with a sentence that says what exactly is wrong here. Fatal until
    /// something recovers from it.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self(Box::new(Detail {
            code,
            message: message.into(),
            place: None,
            fatal: true,
            handling: Handling::Raised,
            facts: BTreeMap::new(),
        }))
    }

    /// Names the place in the input.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.0.place = Some(place);
        self
    }

    /// Adds a fact. Values must be free of secrets: use [`crate::uri::without_secrets`] for URLs.
    #[must_use]
    pub fn fact(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.0.facts.insert(name.to_owned(), value.to_string());
        self
    }

    /// Says that playback went on, and how.
    #[must_use]
    pub fn recovered(mut self, handling: Handling) -> Self {
        self.0.fatal = false;
        self.0.handling = handling;
        self
    }

    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// The sentence for people.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where in the input, if it is about an input.
    pub fn place(&self) -> Option<&Place> {
        self.0.place.as_ref()
    }

    /// Whether playback ended because of it.
    pub fn is_fatal(&self) -> bool {
        self.0.fatal
    }

    /// What the engine did about it.
    pub fn handling(&self) -> Handling {
        self.0.handling
    }

    /// Named values: URL without secrets, status, segment number, media time…
    pub fn facts(&self) -> &BTreeMap<String, String> {
        &self.0.facts
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.0.code.number(), self.0.code.name(), self.0.message)?;
        if let Some(place) = &self.0.place {
            write!(f, " ({place})")?;
        }
        if let Some(url) = self.0.facts.get("url") {
            write!(f, " in {url}")?;
        }
        write!(f, "; {}", self.0.code.advice())
    }
}

impl std::error::Error for Error {}

/// A tolerated fault in an input: the rule that was broken, where, and what was made of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// Number of the rule in the project's checklists: `H032` (HLS), `D012` (DASH), `C003` (CMAF).
    pub rule: String,
    /// Where in the input.
    #[serde(rename = "where")]
    pub place: Place,
    /// What is wrong and how it was read.
    pub message: String,
}

impl Warning {
    /// A warning about `rule`.
    pub fn new(rule: &str, place: Place, message: impl Into<String>) -> Self {
        Self { rule: rule.to_owned(), place, message: message.into() }
    }
}

/// Rule, place and message, for an error that has to quote it.
impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}: {}", self.rule, self.place, self.message)
    }
}

/// The table of all codes in Markdown, as `docs/errors.md` holds it.
pub fn error_table() -> String {
    use fmt::Write as _;
    let mut out = String::from(
        "# Errors\n\nGenerated from `ErrorCode` in `core/model` (a test keeps the two equal); do not edit.\n\n\
         | code | name | domain | blame | meaning | what to do |\n|---|---|---|---|---|---|\n",
    );
    for code in ErrorCode::ALL {
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} |",
            code.number(),
            code.name(),
            code.domain().name(),
            code.blame().name(),
            code.meaning().trim(),
            code.advice()
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_ascend_and_their_thousands_name_the_domain() {
        for pair in ErrorCode::ALL.windows(2) {
            assert!(pair[0].number() < pair[1].number(), "{pair:?}");
        }
        for code in ErrorCode::ALL {
            let thousands = match code.domain() {
                Domain::Network => 1,
                Domain::Manifest => 2,
                Domain::Media => 3,
                Domain::Drm => 4,
                Domain::Device => 5,
                Domain::Service => 6,
                Domain::Usage => 7,
                Domain::Internal => 9,
            };
            assert_eq!(code.number() / 1000, thousands, "{code:?}");
        }
    }

    #[test]
    fn an_error_reads_as_one_sentence_with_code_place_and_advice() {
        let error =
            Error::new(ErrorCode::ManifestSyntax, "EXTINF has no comma").at(Place::Line(7)).fact("url", "http://a/b");
        assert_eq!(
            error.to_string(),
            "2002 ManifestSyntax: EXTINF has no comma (line 7) in http://a/b; mend the line named in the place"
        );
        assert!(error.is_fatal());
        assert!(!error.recovered(Handling::Skipped).is_fatal());
    }

    #[test]
    fn a_warning_reads_as_rule_place_and_message() {
        let warning = Warning::new("D001", Place::Path("MPD".to_owned()), "no end");
        assert_eq!(warning.to_string(), "D001 at MPD: no end");
    }

    #[test]
    fn the_table_in_the_documentation_is_the_generated_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors.md");
        if std::env::var_os("TELECINE_BLESS").is_some() {
            std::fs::write(path, error_table()).expect("docs/errors.md is writable");
        }
        let written = std::fs::read_to_string(path).expect("docs/errors.md exists");
        assert_eq!(written, error_table(), "run the tests of telecine-model once with TELECINE_BLESS=1");
    }
}
