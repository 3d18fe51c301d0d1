//! Which key system a device uses for a title, and why.

use std::cmp::Reverse;
use std::fmt;

use telecine_model::protection::{KeyId, KeySystem, Scheme};
use telecine_model::{Error, ErrorCode, SortedMap, TrackKind};

use super::{Certificate, HdcpVersion, IdentityKey, InitDataKind, KeyRequirement};
use crate::session::Header;
use crate::KeyUrl;

/// Robustness levels of Widevine, the strongest first; the empty one asks for nothing.
pub const ROBUSTNESS_WIDEVINE: &[&str] =
    &["HW_SECURE_ALL", "HW_SECURE_DECODE", "HW_SECURE_CRYPTO", "SW_SECURE_DECODE", "SW_SECURE_CRYPTO", ""];

/// Security levels of PlayReady, the strongest first; the empty one asks for nothing.
pub const ROBUSTNESS_PLAYREADY: &[&str] = &["3000", "2000", "150", ""];

/// How a licence is made new before it expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Renewal {
    /// In a new session, whose keys take over (EME, unless the CDM itself sends renewals).
    #[default]
    NewSession,
    /// By another request of the same session (MediaDrm).
    SameSession,
}

/// What a key system needs of a service certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum CertificateUse {
    /// It takes none.
    #[default]
    None,
    /// It may have one; without, it asks for it by itself or does without.
    Optional,
    /// It makes no request without one.
    Required,
}

/// One key system as the device has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemCapability {
    /// Which.
    pub system: KeySystem,
    /// The name that the platform has for it: `com.widevine.alpha`.
    pub name: String,
    /// Schemes that it decrypts.
    pub schemes: Vec<Scheme>,
    /// Robustness levels for video, the strongest first. Empty: it knows no levels.
    pub video_robustness: Vec<String>,
    /// Robustness levels for audio, the strongest first.
    pub audio_robustness: Vec<String>,
    /// Forms of initialisation data that it takes.
    pub init_data: Vec<InitDataKind>,
    /// It can store licences.
    pub persistent: bool,
    /// Sessions that it can have open at a time; None if that is not known.
    pub max_sessions: Option<usize>,
    /// Protection of the outputs, as long as they stay as they are; None if that is not known.
    pub hdcp: Option<HdcpVersion>,
    /// What it needs of a service certificate.
    pub certificate: CertificateUse,
    /// How licences are made new.
    pub renewal: Renewal,
}

impl SystemCapability {
    /// A key system with no more than a name: everything else as most have it.
    pub fn new(system: KeySystem, name: impl Into<String>) -> Self {
        let init_data = match system {
            KeySystem::ClearKey => vec![InitDataKind::Cenc, InitDataKind::KeyIds],
            KeySystem::FairPlay => vec![InitDataKind::Skd, InitDataKind::Cenc],
            _ => vec![InitDataKind::Cenc],
        };
        let certificate = match system {
            KeySystem::FairPlay => CertificateUse::Required,
            KeySystem::Widevine => CertificateUse::Optional,
            _ => CertificateUse::None,
        };
        Self {
            system,
            name: name.into(),
            schemes: vec![Scheme::Cenc, Scheme::Cbcs],
            video_robustness: Vec::new(),
            audio_robustness: Vec::new(),
            init_data,
            persistent: false,
            max_sessions: None,
            hdcp: None,
            certificate,
            renewal: Renewal::NewSession,
        }
    }

    /// This crate's ClearKey in software ([`crate::clearkey`]): every scheme, no limit of its own.
    pub fn software_clearkey() -> Self {
        Self {
            schemes: vec![Scheme::Cenc, Scheme::Cens, Scheme::Cbc1, Scheme::Cbcs],
            init_data: vec![InitDataKind::Cenc, InitDataKind::KeyIds, InitDataKind::KeyUri],
            max_sessions: Some(usize::MAX),
            ..Self::new(KeySystem::ClearKey, "org.w3.clearkey")
        }
    }
}

/// What the device offers.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DrmCapabilities {
    /// Its key systems.
    pub systems: Vec<SystemCapability>,
}

/// What the application wants of one key system.
#[derive(Clone, Debug, Default)]
pub struct SystemPreference {
    /// Not to be used.
    pub never: bool,
    /// Licence servers, the first one first; they come before the content's own. Others are asked if it
    /// does not answer.
    pub licence_urls: Vec<KeyUrl>,
    /// Certificate of the licence service; comes before the content's own.
    pub certificate: Option<Certificate>,
    /// Headers for every request of licences.
    pub headers: Vec<Header>,
    /// The least robustness for video.
    pub video_robustness: Option<String>,
    /// The least robustness for audio.
    pub audio_robustness: Option<String>,
    /// For ClearKey: keys that the application gives by itself.
    pub given_keys: Vec<KeyId>,
}

/// What the application wants.
#[derive(Clone, Debug, Default)]
pub struct DrmPreferences {
    /// Key systems in the order of preference; others come behind them.
    pub order: Vec<KeySystem>,
    /// Licences are to be stored: systems that cannot are not used.
    pub persistent: bool,
    /// Wishes by key system.
    pub systems: SortedMap<KeySystem, SystemPreference>,
}

/// A rendition that needs keys.
#[derive(Clone, Copy, Debug)]
pub struct Need<'a> {
    /// Which keys.
    pub requirement: &'a KeyRequirement,
    /// Of a track of which kind.
    pub kind: TrackKind,
}

/// A key system chosen, with everything that its sessions need.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The key system as the device has it; robustness levels below what is required are left out.
    pub capability: SystemCapability,
    /// Licence servers of the application, the first one first.
    pub licence_urls: Vec<KeyUrl>,
    /// Certificate of the application or of the content.
    pub certificate: Option<Certificate>,
    /// Headers for every request of licences.
    pub headers: Vec<Header>,
    /// Keys that the application gives by itself.
    pub given_keys: Vec<KeyId>,
    /// Licences are to be stored.
    pub persistent: bool,
    /// Stored licences may be loaded. False as it is chosen.
    pub loads_stored: bool,
    /// Why it stands where it stands, one short sentence each.
    pub reasons: Vec<String>,
}

/// A key system that was not chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which.
    pub system: KeySystem,
    /// Why, in a short sentence.
    pub reason: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.system, self.reason)
    }
}

/// Key systems for a title.
#[derive(Clone, Debug)]
pub struct Choice {
    /// Those that can play it, the first to be used first; the next is for when the device refuses it.
    pub plans: Vec<Plan>,
    /// Those that cannot.
    pub refused: Vec<Refusal>,
}

impl Plan {
    /// The key system.
    pub fn system(&self) -> KeySystem {
        self.capability.system
    }

    /// Whether a rendition can be played with this key system; why not, if it cannot: then the
    /// rendition leaves the ladder, and playback goes on with the others. `hdcp_level` is HLS'
    /// `HDCP-LEVEL` of the rendition.
    ///
    /// # Errors
    /// A short sentence.
    pub fn serves(&self, need: Need<'_>, hdcp_level: Option<&str>) -> Result<(), String> {
        serves(&self.capability, &self.given_keys, need, self.has_server())?;
        // H092: without the protection it should not even be loaded.
        let (offered, demanded) = (self.capability.hdcp, hdcp_level.map(HdcpVersion::demanded_by_level));
        match offered.zip(demanded) {
            Some((offered, demanded)) if offered < demanded => {
                Err(format!("the outputs offer HDCP {offered}, the rendition demands {demanded}"))
            }
            _ => Ok(()),
        }
    }

    fn has_server(&self) -> bool {
        !self.licence_urls.is_empty()
    }
}

/// Chooses the key systems for the renditions of a title.
///
/// First come those of the application's order, then keys that the application gives itself; then who
/// serves more renditions, knows a licence server, and is more robust; ClearKey last. A system that
/// serves no rendition of a kind that the title has is none.
///
/// # Errors
/// [`ErrorCode::KeySystemUnavailable`] if no system is left; its facts say why each was refused.
pub fn choose(needs: &[Need<'_>], device: &DrmCapabilities, wishes: &DrmPreferences) -> Result<Choice, Error> {
    let mut refused = Vec::new();
    let mut ranked = Vec::new();
    let empty = SystemPreference::default();
    for capability in &device.systems {
        let wish = wishes.systems.get(&capability.system).unwrap_or(&empty);
        match consider(needs, capability, wish, wishes) {
            Ok((rank, plan)) => ranked.push((rank, plan)),
            Err(reason) => refused.push(Refusal { system: capability.system, reason }),
        }
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    if ranked.is_empty() {
        return Err(none_left(needs, &refused));
    }
    Ok(Choice { plans: ranked.into_iter().map(|(_, plan)| plan).collect(), refused })
}

/// Smaller is better.
type Rank = (usize, bool, Reverse<usize>, bool, usize, bool, KeySystem);

fn consider(
    needs: &[Need<'_>],
    capability: &SystemCapability,
    wish: &SystemPreference,
    wishes: &DrmPreferences,
) -> Result<(Rank, Plan), String> {
    let system = capability.system;
    if wish.never {
        return Err("the application does not want it".to_owned());
    }
    if wishes.persistent && !capability.persistent {
        return Err("it cannot store licences".to_owned());
    }
    let mut capability = capability.clone();
    restrict(&mut capability.video_robustness, wish.video_robustness.as_deref(), system, "video")?;
    restrict(&mut capability.audio_robustness, wish.audio_robustness.as_deref(), system, "audio")?;
    let has_server = !wish.licence_urls.is_empty();
    let verdicts: Vec<_> = needs.iter().map(|need| serves(&capability, &wish.given_keys, *need, has_server)).collect();
    for (at, need) in needs.iter().enumerate() {
        let of_kind = || needs.iter().zip(&verdicts).filter(|(other, _)| other.kind == need.kind);
        if let (Some(Err(reason)), false) = (verdicts.get(at), of_kind().any(|(_, verdict)| verdict.is_ok())) {
            return Err(reason.clone());
        }
    }
    let served = verdicts.iter().filter(|verdict| verdict.is_ok()).count();
    let offers: Vec<_> = needs.iter().filter_map(|need| need.requirement.offer(system)).collect();
    let keyless = !wish.given_keys.is_empty() || offers.iter().any(|offer| offer.identity.is_some());
    let knows_server = has_server || keyless || offers.iter().any(|offer| offer.licence_url.is_some());
    let robust = capability.video_robustness.first().and_then(|level| step(system, level)).unwrap_or(usize::MAX);
    let order = wishes.order.iter().position(|wanted| *wanted == system);

    let mut reasons = Vec::new();
    if let Some(position) = order {
        reasons.push(format!("number {} in the application's order", position + 1));
    }
    if !wish.given_keys.is_empty() {
        reasons.push("the application gives the keys".to_owned());
    }
    reasons.push(format!("serves {served} of {} renditions", needs.len()));
    if !knows_server {
        reasons.push("no licence server is known yet".to_owned());
    }
    if let Some(level) = capability.video_robustness.first().filter(|level| !level.is_empty()) {
        reasons.push(format!("video robustness {level}"));
    }
    let rank = (
        order.unwrap_or(usize::MAX),
        wish.given_keys.is_empty(),
        Reverse(served),
        !knows_server,
        robust,
        system == KeySystem::ClearKey,
        system,
    );
    let from_content = || offers.iter().find_map(|offer| offer.certificate_url.clone()).map(Certificate::Url);
    let plan = Plan {
        certificate: wish.certificate.clone().or_else(from_content),
        licence_urls: wish.licence_urls.clone(),
        headers: wish.headers.clone(),
        given_keys: wish.given_keys.clone(),
        persistent: wishes.persistent,
        loads_stored: false,
        capability,
        reasons,
    };
    Ok((rank, plan))
}

fn serves(capability: &SystemCapability, given: &[KeyId], need: Need<'_>, has_server: bool) -> Result<(), String> {
    let requirement = need.requirement;
    let system = capability.system;
    let offer = requirement.offer(system);
    // Packagers name no keys in a manifest where they rotate. The media does, and this system needs no more.
    let in_media = system == KeySystem::ClearKey && has_server && requirement.faults.is_empty();
    if offer.is_none() && !in_media {
        return Err("the content has nothing for it".to_owned());
    }
    if let Some(scheme) = requirement.scheme.filter(|scheme| !capability.schemes.contains(scheme)) {
        return Err(format!("it does not decrypt {}", scheme.name()));
    }
    let Some(offer) = offer else { return Ok(()) };
    let kind = offer.init_data.as_ref().map(|data| data.kind);
    if let Some(kind) = kind.filter(|kind| !capability.init_data.contains(kind)) {
        return Err(format!(
            "it does not take initialisation data of the form {}",
            kind.eme_name().unwrap_or("key URI")
        ));
    }
    if system == KeySystem::ClearKey {
        let names = &requirement.key_ids;
        let all_given = !given.is_empty() && names.iter().all(|kid| given.contains(kid));
        let from_uri = match &offer.identity {
            Some(IdentityKey::Uri(_)) => capability.init_data.contains(&InitDataKind::KeyUri),
            Some(IdentityKey::Undecided(_)) => true,
            None => false,
        };
        if !(all_given || from_uri || has_server || offer.licence_url.is_some()) {
            return Err("there is neither a key nor a licence server for it".to_owned());
        }
    }
    let offered =
        if need.kind == TrackKind::Audio { &capability.audio_robustness } else { &capability.video_robustness };
    if let Some(required) = offer.robustness.as_deref().filter(|level| !level.is_empty()) {
        if !offered.iter().any(|level| reaches(system, level, required)) {
            return Err(format!("the content asks for robustness {required}"));
        }
    }
    Ok(())
}

/// Leaves the levels that reach what is required, the strongest first.
fn restrict(levels: &mut Vec<String>, required: Option<&str>, system: KeySystem, kind: &str) -> Result<(), String> {
    // The device's own order stands where the levels are not known here.
    levels.sort_by_key(|level| step(system, level).unwrap_or(usize::MAX));
    let Some(required) = required.filter(|level| !level.is_empty()) else {
        return Ok(());
    };
    levels.retain(|level| reaches(system, level, required));
    if levels.is_empty() {
        return Err(format!("the application asks for {kind} robustness {required}"));
    }
    Ok(())
}

fn ladder(system: KeySystem) -> &'static [&'static str] {
    match system {
        KeySystem::Widevine => ROBUSTNESS_WIDEVINE,
        KeySystem::PlayReady => ROBUSTNESS_PLAYREADY,
        _ => &[],
    }
}

/// Which step of its system's ladder a level is, 0 the strongest; the empty level is below all.
fn step(system: KeySystem, level: &str) -> Option<usize> {
    ladder(system).iter().position(|known| *known == level)
}

/// True if a level is the required one or stronger; levels that are not known are only equal to themselves.
fn reaches(system: KeySystem, level: &str, required: &str) -> bool {
    match (step(system, level), step(system, required)) {
        (Some(level), Some(required)) => level <= required,
        _ => level == required,
    }
}

fn none_left(needs: &[Need<'_>], refused: &[Refusal]) -> Error {
    let mut systems: Vec<String> = Vec::new();
    for offer in needs.iter().flat_map(|need| &need.requirement.offers) {
        let name = offer.system.to_string();
        if !systems.contains(&name) {
            systems.push(name);
        }
    }
    let message = if systems.is_empty() {
        "the content is protected and names no key system".to_owned()
    } else {
        format!("the content is for {}, and the device can use none of it", systems.join(", "))
    };
    let mut error = Error::new(ErrorCode::KeySystemUnavailable, message);
    for refusal in refused {
        error = error.fact(&refusal.system.to_string(), &refusal.reason);
    }
    match needs.iter().flat_map(|need| &need.requirement.faults).next() {
        Some(fault) => error.fact("fault", fault.message()),
        None => error,
    }
}
