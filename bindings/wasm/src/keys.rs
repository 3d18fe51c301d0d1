//! Keys: what the application brings of them, on its way in; requests for licences and orders to the key system of the page,
//! on their way out; and what that key system reports.
//!
//! Whatever may hold a secret is a *letter*: a record of its own, lent to the page, and wiped when it is given back. The page
//! carries letters between this module and its key system, which may live in another thread, and opens them only there.

use std::time::Duration;

use bytes::Bytes;
use telecine_engine::drm::session::{
    Access, CdmCommand, CdmEvent, CdmFailure, CdmFailureKind, CloseReason, CommandId, KeyRequest, MessageKind,
    RequestKind, SessionId,
};
use telecine_engine::drm::system::{Certificate, SystemCapability, ROBUSTNESS_PLAYREADY, ROBUSTNESS_WIDEVINE};
use telecine_engine::drm::{ContentKey, KeyUrl, SecretBytes};
use telecine_engine::{FetchRequest, KeySetup};
use telecine_model::protection::{KeyId, KeyRef, KeyStatus, KeySystem};
use telecine_model::{Error, ErrorCode};

use crate::read::Reader;
use crate::record::Writer;

macro_rules! table {
    ($(#[doc = $what:literal])+ $of:ident { $($(#[doc = $doc:literal])+ $name:ident = $code:literal;)+ }) => {
        $(#[doc = $what])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        enum $of { $($(#[doc = $doc])+ $name = $code,)+ }

        impl $of {
            const TABLE: Table = Table {
                name: stringify!($of),
                what: concat!($($what),+),
                rows: &[$((stringify!($name), $code, concat!($($doc),+)),)+],
            };

            #[allow(dead_code, reason = "what the page reads is not read here")]
            fn of(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$name),)+ _ => None }
            }
        }
    };
}

/// The first bytes of letters, as TypeScript is to know them.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    /// Each with its number and what follows it.
    pub(crate) rows: &'static [(&'static str, u8, &'static str)],
}

/// All tables of letters.
pub(crate) const TABLES: [&Table; 3] = [&KeyWish::TABLE, &KeyOrder::TABLE, &KeyReport::TABLE];

table! {
    /// What an application brings of keys: a letter of any number of these. `system` is a name of EME, a UUID, or a name as `docs/drm.md` has it.
    KeyWish {
        /// A key of samples. identifier text (32 hexadecimal digits), key text (32).
        Key = 1;
        /// The key of HLS segments that are encrypted whole. key text (32 or 64 hexadecimal digits).
        SegmentKey = 2;
        /// A licence server, behind those that were named before. system text, url text.
        Server = 3;
        /// The certificate of a licence service. system text, bytes.
        Certificate = 4;
        /// Where that is. system text, url text.
        CertificateUrl = 5;
        /// The least robustness of a key system. system text, video text, audio text; an empty one asks for nothing.
        Robustness = 6;
        /// ClearKey is decrypted in the module (1, the default), or by the key system of the browser (0). u8.
        Software = 7;
        /// The page has key systems.
        Device = 8;
    }
}

table! {
    /// What the key system of the page is to do. Numbers of commands and of sessions are f64.
    KeyOrder {
        /// Open a key system. command, name text, then lists of texts: robustness of video, of audio, schemes, forms of initialisation data; persistent u8.
        Access = 1;
        /// Take the certificate of the licence service. command, bytes.
        Certificate = 2;
        /// Get provisioned. command.
        Provision = 3;
        /// Make a session. session, kind text.
        Create = 4;
        /// Ask for a licence. session, form text, bytes.
        Generate = 5;
        /// Load a stored licence. session, name text.
        Load = 6;
        /// Take the answer of a licence server. session, bytes.
        Update = 7;
        /// Destroy the licence. session.
        Remove = 8;
        /// Close the session. session.
        Close = 9;
    }
}

table! {
    /// What the key system of the page reports. `exception` is the name of a DOMException.
    KeyReport {
        /// It is open. command, robustness of video text, of audio text.
        Access = 1;
        /// It has the certificate. command.
        Certificate = 2;
        /// It is provisioned. command.
        Provisioned = 3;
        /// It did not do as it was told. command, order u8, exception text, message text.
        Refused = 4;
        /// A session is there. session.
        Created = 5;
        /// It can be loaded by this name. session, name text.
        Named = 6;
        /// A stored licence was looked for. session, found u8.
        Loaded = 7;
        /// Something for a server. session, kind text, bytes.
        Message = 8;
        /// An answer was accepted. session.
        Updated = 9;
        /// All keys of a session. session, count u32, of each: identifier bytes, status text.
        Statuses = 10;
        /// How long its keys are good. session, milliseconds f64; infinite: for ever.
        Expiration = 11;
        /// It is over. session, reason text.
        Closed = 12;
        /// Its last order failed. session, exception text, message text.
        Failed = 13;
    }
}

/// Numbers of commands and sessions are counted from 1: a number of JavaScript holds them exactly.
fn number(id: u64) -> f64 {
    id as f64
}

/// A request for a licence, key or certificate, to the key system that goes by a name: kind text, system text, url text, attempt u32, most bytes of the answer f64,
/// whether it is posted u8, body bytes, count of headers u32, of each: name text, value text.
pub(crate) fn request(request: &FetchRequest, licence: &KeyRequest, system: &str) -> SecretBytes {
    let kind = match licence.kind {
        RequestKind::Message(kind) => kind.eme_name(),
        RequestKind::Certificate => "certificate",
        RequestKind::Provisioning => "provisioning",
        _ => "key",
    };
    let url = licence.url.as_str();
    let body = licence.body.as_ref().map_or(&[][..], SecretBytes::expose);
    let headers: usize = licence.headers.iter().map(|header| 8 + header.name.len() + header.value.len()).sum();
    let mut out = Writer::with_room(64 + kind.len() + system.len() + url.len() + body.len() + headers);
    out.text(kind).text(system).text(url).u32(licence.attempt).f64(request.max_bytes as f64);
    out.u8(u8::from(licence.body.is_some())).blob(body);
    out.u32(u32::try_from(licence.headers.len()).unwrap_or(u32::MAX));
    for header in &licence.headers {
        out.text(&header.name).text(header.value());
    }
    SecretBytes::new(out.into_bytes())
}

/// An order to the key system of the page. None for what it has no word for.
pub(crate) fn order(command: &CdmCommand) -> Option<SecretBytes> {
    let mut out = Writer::default();
    let begin = |order: KeyOrder, id: u64, room: usize| {
        let mut out = Writer::with_room(32 + room);
        out.u8(order as u8).f64(number(id));
        out
    };
    match command {
        CdmCommand::Access { id, name, video_robustness, audio_robustness, schemes, init_data, persistent, .. } => {
            // There is nothing secret in it.
            out.u8(KeyOrder::Access as u8).f64(number(id.0)).text(name);
            list(&mut out, video_robustness);
            list(&mut out, audio_robustness);
            list(&mut out, schemes.iter().map(|scheme| scheme.name()));
            list(&mut out, init_data.iter().filter_map(|kind| kind.eme_name()));
            out.u8(u8::from(*persistent));
        }
        CdmCommand::SetCertificate { id, certificate } => {
            out = begin(KeyOrder::Certificate, id.0, certificate.len());
            out.blob(certificate.expose());
        }
        // A browser sees to it by itself: it asks for nothing, and is answered nothing.
        CdmCommand::Provision { id } | CdmCommand::FinishProvisioning { id, .. } => {
            out = begin(KeyOrder::Provision, id.0, 0);
        }
        CdmCommand::Create { session, kind } => {
            out = begin(KeyOrder::Create, session.0, 0);
            out.text(kind.eme_name());
        }
        CdmCommand::GenerateRequest { session, init_data } => {
            // A key's own URI is for the software alone.
            let form = init_data.kind.eme_name()?;
            out = begin(KeyOrder::Generate, session.0, init_data.bytes.len());
            out.text(form).blob(&init_data.bytes);
        }
        CdmCommand::Load { session, name } => {
            out = begin(KeyOrder::Load, session.0, name.len());
            out.text(name);
        }
        CdmCommand::Update { session, response } => {
            out = begin(KeyOrder::Update, session.0, response.len());
            out.blob(response.expose());
        }
        CdmCommand::Remove { session } => out = begin(KeyOrder::Remove, session.0, 0),
        CdmCommand::Close { session } => out = begin(KeyOrder::Close, session.0, 0),
        _ => return None,
    }
    Some(SecretBytes::new(out.into_bytes()))
}

fn list<T: AsRef<str>>(out: &mut Writer, texts: impl IntoIterator<Item = T>) {
    let texts: Vec<T> = texts.into_iter().collect();
    out.u32(u32::try_from(texts.len()).unwrap_or(u32::MAX));
    for text in texts {
        out.text(text.as_ref());
    }
}

/// What the key system of the page reports. None for what is no report.
pub(crate) fn report(letter: &[u8]) -> Option<CdmEvent> {
    let mut reader = Reader::new(letter);
    let kind = KeyReport::of(reader.u8()?)?;
    // A cast saturates; a number that nobody gave out is nobody's.
    let number = reader.f64()? as u64;
    let (id, session) = (CommandId(number), SessionId(number));
    Some(match kind {
        KeyReport::Access => {
            let (video_robustness, audio_robustness) = (reader.text()?.to_owned(), reader.text()?.to_owned());
            CdmEvent::Access { id, answer: Ok(Access { video_robustness, audio_robustness }) }
        }
        KeyReport::Certificate => CdmEvent::Certificate { id, answer: Ok(()) },
        KeyReport::Provisioned => CdmEvent::Provisioned { id, answer: Ok(()) },
        KeyReport::Refused => {
            let order = KeyOrder::of(reader.u8()?)?;
            let failure = failure(reader.text()?, reader.text()?);
            match order {
                KeyOrder::Access => CdmEvent::Access { id, answer: Err(failure) },
                KeyOrder::Certificate => CdmEvent::Certificate { id, answer: Err(failure) },
                KeyOrder::Provision => CdmEvent::Provisioned { id, answer: Err(failure) },
                _ => return None,
            }
        }
        KeyReport::Created => CdmEvent::Created { session },
        KeyReport::Named => CdmEvent::Named { session, name: reader.text()?.to_owned() },
        KeyReport::Loaded => CdmEvent::Loaded { session, found: reader.u8()? != 0 },
        KeyReport::Message => {
            // Browsers before 2016 did not say what they ask for: it was a licence.
            let kind = MessageKind::from_eme_name(reader.text()?).unwrap_or(MessageKind::LicenceRequest);
            CdmEvent::Message { session, kind, body: SecretBytes::new(reader.bytes()?.to_vec()), url: None }
        }
        KeyReport::Updated => CdmEvent::Updated { session },
        KeyReport::Statuses => {
            let mut statuses = Vec::new();
            for _ in 0..reader.u32()? {
                let (id, status) = (reader.bytes()?, reader.text()?);
                // Some key systems report identifiers of their own, which no media has.
                if let Ok(kid) = id.try_into().map(KeyId) {
                    // A status of later days is none to rely on.
                    let status = KeyStatus::from_name(status).unwrap_or(KeyStatus::StatusPending);
                    statuses.push((KeyRef::Kid(kid), status));
                }
            }
            CdmEvent::KeyStatuses { session, statuses }
        }
        KeyReport::Expiration => {
            let left = reader.f64()?;
            let millis = Duration::from_millis(crate::settings::whole(left));
            CdmEvent::Expiration { session, left: left.is_finite().then_some(millis) }
        }
        KeyReport::Closed => {
            // Older browsers give no reason. Who closed it on command does not look at it; else it was lost.
            let reason = CloseReason::from_eme_name(reader.text()?).unwrap_or(CloseReason::HardwareContextReset);
            CdmEvent::Closed { session, reason }
        }
        KeyReport::Failed => CdmEvent::Failed { session, failure: failure(reader.text()?, reader.text()?) },
    })
}

/// What an exception of a browser means (EME, 5.1 and 6.6).
fn failure(exception: &str, message: &str) -> CdmFailure {
    let kind = match exception {
        "NotSupportedError" => CdmFailureKind::NotSupported,
        "TypeError" | "InvalidAccessError" | "SyntaxError" => CdmFailureKind::InvalidData,
        "QuotaExceededError" => CdmFailureKind::Quota,
        "NotAllowedError" | "SecurityError" => CdmFailureKind::Denied,
        _ => CdmFailureKind::Internal,
    };
    CdmFailure::new(kind, message)
}

/// Keys and key systems that an application brings.
///
/// # Errors
/// `InvalidArgument`, which quotes no key, if something is none of them or is no key, identifier or key system.
pub(crate) fn setup(letter: &[u8]) -> Result<KeySetup, Error> {
    let cut = || wrong("what was brought of keys breaks off");
    let mut reader = Reader::new(letter);
    let mut setup = KeySetup::default();
    let mut device = false;
    // As browsers are to be asked: first by the names that the application itself has for a key system.
    let mut named: Vec<(KeySystem, String)> = Vec::new();
    while !reader.is_empty() {
        let wish = reader.u8().and_then(KeyWish::of).ok_or_else(|| wrong("there is no such wish of keys"))?;
        match wish {
            KeyWish::Key => {
                let (kid, key) = reader.text().zip(reader.text()).ok_or_else(cut)?;
                let kid = KeyId::parse(kid).ok_or_else(|| wrong("a key identifier is 32 hexadecimal digits"))?;
                setup.give(kid, key.parse::<ContentKey>()?);
            }
            KeyWish::SegmentKey => {
                setup.give_segment_key(segment_key(reader.text().ok_or_else(cut)?)?);
            }
            KeyWish::Software => setup.software = reader.u8().ok_or_else(cut)? != 0,
            KeyWish::Device => device = true,
            KeyWish::Server | KeyWish::Certificate | KeyWish::CertificateUrl | KeyWish::Robustness => {
                let name = reader.text().ok_or_else(cut)?;
                let system: KeySystem = name.parse()?;
                if KeySystem::from_eme_name(name).is_some() && !named.iter().any(|(_, known)| known == name) {
                    named.push((system, name.to_owned()));
                }
                let wanted = setup.preferences.systems.entry(system).or_default();
                match wish {
                    KeyWish::Server => wanted.licence_urls.push(KeyUrl::from(reader.text().ok_or_else(cut)?)),
                    KeyWish::Certificate => {
                        let bytes = Bytes::copy_from_slice(reader.bytes().ok_or_else(cut)?);
                        wanted.certificate = Some(Certificate::Bytes(bytes));
                    }
                    KeyWish::CertificateUrl => {
                        let url = KeyUrl::from(reader.text().ok_or_else(cut)?);
                        wanted.certificate = Some(Certificate::Url(url));
                    }
                    _ => {
                        let (video, audio) = reader.text().zip(reader.text()).ok_or_else(cut)?;
                        let level = |level: &str| (!level.is_empty()).then(|| level.to_owned());
                        (wanted.video_robustness, wanted.audio_robustness) = (level(video), level(audio));
                    }
                }
            }
        }
    }
    if device {
        setup.device.systems = systems(&setup, &named);
    }
    Ok(setup)
}

/// Every key system that a browser may have, by each of its names: which of them it has it says when it is asked to open one.
fn systems(setup: &KeySetup, named: &[(KeySystem, String)]) -> Vec<SystemCapability> {
    let mut systems = Vec::new();
    // One in software takes the place of the browser's ClearKey.
    let known = KeySystem::KNOWN.into_iter().filter(|system| !(setup.software && *system == KeySystem::ClearKey));
    for system in known {
        let own: Vec<&str> = named.iter().filter(|(of, _)| *of == system).map(|(_, name)| name.as_str()).collect();
        let others = system.eme_names().iter().copied().filter(|name| !own.contains(name));
        for name in own.iter().copied().chain(others) {
            let levels: &[&str] = match system {
                // Every Widevine is of its weakest level, and browsers write a line about who asks for none.
                KeySystem::Widevine => ROBUSTNESS_WIDEVINE.strip_suffix(&[""]).unwrap_or(ROBUSTNESS_WIDEVINE),
                KeySystem::PlayReady => ROBUSTNESS_PLAYREADY,
                _ => &[],
            };
            let levels: Vec<String> = levels.iter().map(|level| (*level).to_owned()).collect();
            let mut capability = SystemCapability::new(system, name);
            capability.video_robustness.clone_from(&levels);
            capability.audio_robustness = levels;
            systems.push(capability);
        }
    }
    systems
}

fn segment_key(digits: &str) -> Result<SecretBytes, Error> {
    match digits.len() {
        64 => Ok(SecretBytes::new(digits.parse::<telecine_engine::drm::AesKey<32>>()?.expose().to_vec())),
        _ => Ok(SecretBytes::new(digits.parse::<ContentKey>()?.expose().to_vec())),
    }
}

fn wrong(message: &str) -> Error {
    Error::new(ErrorCode::InvalidArgument, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use telecine_engine::drm::session::{Header, RequestId, SessionKind};
    use telecine_engine::drm::system::{InitData, InitDataKind};
    use telecine_model::protection::Scheme;

    const KID: &str = "00112233445566778899aabbccddeeff";
    const KEY: &str = "0123456789abcdef0123456789abcdef";

    fn letter(write: impl FnOnce(&mut Writer)) -> Vec<u8> {
        let mut out = Writer::default();
        write(&mut out);
        out.into_bytes()
    }

    #[test]
    fn keys_servers_and_certificates_of_an_application_are_those_of_the_engine() {
        let bytes = letter(|out| {
            out.u8(KeyWish::Device as u8);
            out.u8(KeyWish::Key as u8).text(KID).text(KEY);
            out.u8(KeyWish::SegmentKey as u8).text(&KEY.repeat(2));
            out.u8(KeyWish::Server as u8).text("com.widevine.alpha").text("https://a/1");
            out.u8(KeyWish::Server as u8).text("com.widevine.alpha").text("https://a/2");
            out.u8(KeyWish::Server as u8).text("org.w3.clearkey").text("https://a/c");
            out.u8(KeyWish::Certificate as u8).text("com.apple.fps").blob(&[1, 2]);
            out.u8(KeyWish::CertificateUrl as u8).text("com.widevine.alpha").text("https://a/cert");
            out.u8(KeyWish::Robustness as u8).text("com.widevine.alpha").text("HW_SECURE_ALL").text("");
        });
        let setup = setup(&bytes).expect("it is read");
        assert!(setup.software, "as before");
        let widevine = &setup.preferences.systems[&KeySystem::Widevine];
        assert_eq!(widevine.licence_urls, ["https://a/1", "https://a/2"].map(KeyUrl::from));
        assert_eq!(widevine.certificate, Some(Certificate::Url("https://a/cert".into())));
        assert_eq!(
            (widevine.video_robustness.as_deref(), widevine.audio_robustness.as_deref()),
            (Some("HW_SECURE_ALL"), None)
        );
        let fairplay = &setup.preferences.systems[&KeySystem::FairPlay];
        assert_eq!(fairplay.certificate, Some(Certificate::Bytes(Bytes::from_static(&[1, 2]))));
        assert_eq!(setup.preferences.systems[&KeySystem::ClearKey].licence_urls, [KeyUrl::from("https://a/c")]);
        let names: Vec<&str> = setup.device.systems.iter().map(|system| system.name.as_str()).collect();
        // The name that the application has for it goes before the others.
        let place = |name: &str| names.iter().position(|known| *known == name);
        assert!(place("com.widevine.alpha") < place("com.widevine.alpha.experiment"), "{names:?}");
        assert_eq!(names.iter().filter(|name| name.starts_with("com.apple.fps")).count(), 4);
        assert_eq!(place("org.w3.clearkey"), None, "it is in software");
        let levels = |of: KeySystem| {
            let system = setup.device.systems.iter().find(|system| system.system == of).expect("it is there");
            system.video_robustness.join(" ")
        };
        assert_eq!(levels(KeySystem::PlayReady), "3000 2000 150 ");
        assert!(levels(KeySystem::Widevine).ends_with(" SW_SECURE_CRYPTO"), "browsers warn of none");
        assert_eq!(levels(KeySystem::FairPlay), "");
    }

    #[test]
    fn the_clear_key_of_the_browser_takes_the_place_of_the_one_in_software() {
        let bytes = letter(|out| {
            out.u8(KeyWish::Software as u8).u8(0).u8(KeyWish::Device as u8);
        });
        let setup = setup(&bytes).expect("it is read");
        assert!(!setup.software && setup.device.systems.iter().any(|system| system.name == "org.w3.clearkey"));
    }

    #[test]
    fn without_key_systems_in_the_page_none_is_promised() {
        assert!(setup(&[]).expect("nothing is brought").device.systems.is_empty());
    }

    #[test]
    fn what_is_no_key_no_identifier_and_no_key_system_is_refused_without_a_word_of_it() {
        let refused = |write: &dyn Fn(&mut Writer)| {
            let error = setup(&letter(|out| write(out))).expect_err("it is none");
            assert_eq!(error.code(), ErrorCode::InvalidArgument);
            assert!(!error.message().contains("0123"), "{error:?}");
        };
        refused(&|out| {
            out.u8(KeyWish::Key as u8).text(KID).text("0123");
        });
        refused(&|out| {
            out.u8(KeyWish::Key as u8).text("0123").text(KEY);
        });
        refused(&|out| {
            out.u8(KeyWish::Key as u8).text(KID);
        });
        refused(&|out| {
            out.u8(KeyWish::SegmentKey as u8).text("0123");
        });
        refused(&|out| {
            out.u8(KeyWish::Server as u8).text("com.example.nothing").text("https://a/");
        });
        refused(&|out| {
            out.u8(0);
        });
    }

    #[test]
    fn a_request_for_a_licence_is_a_letter_of_just_its_length() {
        let licence = KeyRequest {
            id: RequestId(1),
            kind: RequestKind::Message(MessageKind::LicenceRenewal),
            system: KeySystem::Widevine,
            session: Some(SessionId(3)),
            url: "https://l.example/".into(),
            headers: vec![Header::new("X-Token", "secret")],
            body: Some(SecretBytes::new(vec![8; 100])),
            attempt: 2,
            timeout: Duration::from_secs(1),
        };
        let fetch = FetchRequest {
            id: telecine_engine::RequestId(1),
            class: telecine_engine::RequestClass::Key,
            kind: None,
            url: String::new(),
            head: false,
            byte_range: None,
            whole_will_do: false,
            max_bytes: 1 << 20,
            head_timeout: Duration::from_secs(1),
            idle_timeout: Duration::from_secs(1),
            max_redirects: 5,
            known: telecine_engine::Validators::default(),
            urgency: 1,
            pace: None,
            attempt: 2,
            licence: None,
        };
        let bytes = request(&fetch, &licence, "com.widevine.alpha");
        let mut reader = Reader::new(bytes.expose());
        let texts = [reader.text(), reader.text(), reader.text()];
        assert_eq!(texts, ["license-renewal", "com.widevine.alpha", "https://l.example/"].map(Some));
        assert_eq!((reader.u32(), reader.f64(), reader.u8()), (Some(2), Some(1_048_576.0), Some(1)));
        assert_eq!(reader.bytes(), Some(&[8; 100][..]));
        assert_eq!((reader.u32(), reader.text(), reader.text()), (Some(1), Some("X-Token"), Some("secret")));
        assert!(reader.is_empty());
    }

    #[test]
    fn an_order_names_its_session_and_has_its_bytes() {
        let command = CdmCommand::Update { session: SessionId(9), response: SecretBytes::new(vec![1, 2, 3]) };
        let bytes = order(&command).expect("it has a word for it");
        let mut reader = Reader::new(bytes.expose());
        assert_eq!(reader.u8().and_then(KeyOrder::of), Some(KeyOrder::Update));
        assert_eq!((reader.f64(), reader.bytes()), (Some(9.0), Some(&[1, 2, 3][..])));
        let access = CdmCommand::Access {
            id: CommandId(1),
            system: KeySystem::PlayReady,
            name: "com.microsoft.playready".to_owned(),
            video_robustness: vec!["3000".to_owned(), String::new()],
            audio_robustness: Vec::new(),
            schemes: vec![Scheme::Cbcs],
            init_data: vec![InitDataKind::Cenc, InitDataKind::KeyUri],
            persistent: true,
        };
        let bytes = order(&access).expect("it has a word for it");
        let mut reader = Reader::new(bytes.expose());
        assert_eq!((reader.u8(), reader.f64(), reader.text()), (Some(1), Some(1.0), Some("com.microsoft.playready")));
        assert_eq!((reader.u32(), reader.text(), reader.text()), (Some(2), Some("3000"), Some("")));
        assert_eq!((reader.u32(), reader.u32(), reader.text()), (Some(0), Some(1), Some("cbcs")));
        assert_eq!((reader.u32(), reader.text(), reader.u8()), (Some(1), Some("cenc"), Some(1)));
        assert!(reader.is_empty());
        let own = InitData { kind: InitDataKind::KeyUri, bytes: Bytes::from_static(b"https://a/key") };
        let generate = CdmCommand::GenerateRequest { session: SessionId(1), init_data: own };
        assert!(order(&generate).is_none(), "a browser has no word for it");
        let create = CdmCommand::Create { session: SessionId(1), kind: SessionKind::PersistentLicence };
        let bytes = order(&create).expect("it has a word for it");
        assert!(bytes.expose().ends_with(b"persistent-license"));
    }

    #[test]
    fn reports_are_read_and_what_is_none_is_nothing() {
        let read = |write: &dyn Fn(&mut Writer)| report(&letter(|out| write(out)));
        let refused = read(&|out| {
            out.u8(KeyReport::Refused as u8).f64(4.0).u8(KeyOrder::Access as u8).text("NotSupportedError").text("no");
        });
        assert!(matches!(
            refused,
            Some(CdmEvent::Access {
                id: CommandId(4),
                answer: Err(CdmFailure { kind: CdmFailureKind::NotSupported, .. })
            })
        ));
        let statuses = read(&|out| {
            out.u8(KeyReport::Statuses as u8).f64(2.0).u32(3);
            out.blob(&[7; 16]).text("usable").blob(&[1]).text("usable").blob(&[8; 16]).text("of 2040");
        });
        let Some(CdmEvent::KeyStatuses { session: SessionId(2), statuses }) = statuses else { panic!("{statuses:?}") };
        let kid = |byte: u8| KeyRef::Kid(KeyId([byte; 16]));
        assert_eq!(statuses, [(kid(7), KeyStatus::Usable), (kid(8), KeyStatus::StatusPending)]);
        let never = read(&|out| {
            out.u8(KeyReport::Expiration as u8).f64(2.0).f64(f64::INFINITY);
        });
        assert!(matches!(never, Some(CdmEvent::Expiration { left: None, .. })));
        let soon = read(&|out| {
            out.u8(KeyReport::Expiration as u8).f64(2.0).f64(1500.0);
        });
        assert!(matches!(soon, Some(CdmEvent::Expiration { left: Some(left), .. }) if left.as_millis() == 1500));
        let closed = read(&|out| {
            out.u8(KeyReport::Closed as u8).f64(2.0).text("");
        });
        assert!(matches!(closed, Some(CdmEvent::Closed { reason: CloseReason::HardwareContextReset, .. })));
        assert!(read(&|out| {
            out.u8(99).f64(1.0);
        })
        .is_none());
        assert!(read(&|out| {
            out.u8(KeyReport::Statuses as u8).f64(2.0).u32(u32::MAX);
        })
        .is_none());
        assert!(report(&[]).is_none());
    }

    #[test]
    fn exceptions_of_browsers_call_for_different_answers() {
        for (name, kind) in [
            ("NotSupportedError", CdmFailureKind::NotSupported),
            ("TypeError", CdmFailureKind::InvalidData),
            ("InvalidAccessError", CdmFailureKind::InvalidData),
            ("QuotaExceededError", CdmFailureKind::Quota),
            ("NotAllowedError", CdmFailureKind::Denied),
            ("InvalidStateError", CdmFailureKind::Internal),
        ] {
            assert_eq!(failure(name, "").kind, kind, "{name}");
        }
    }
}
