//! Which keys a rendition needs, and how each key system would get them.

use bytes::Bytes;
use telecine_model::protection::{Key, KeyId, KeyMethod, KeyRef, KeySystem, Protection, Scheme, SystemId};
use telecine_model::{uri, Error, ErrorCode, Limits};

use super::playready::PlayReadyObject;
use super::text::{base64_bytes, DataUri};
use super::widevine::WidevineData;
use super::{fairplay, InitData, InitDataKind, Pssh};
use crate::KeyUrl;

/// Certificate of a licence service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Certificate {
    /// Where it is.
    Url(KeyUrl),
    /// Itself.
    Bytes(Bytes),
}

/// A key of HLS' `identity` format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdentityKey {
    /// The key is what this URI delivers; a `data:` URI holds it.
    Uri(KeyUrl),
    /// A `data:` URI of 16 bytes on encrypted samples. Packagers put the key's identifier there and not
    /// the key; only the media can tell ([`KeyRequirement::decide_identity`]).
    Undecided(KeyUrl),
}

/// What the content has for one key system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemOffer {
    /// Whose it is.
    pub system: KeySystem,
    /// What a key session begins with; None if only the media has it.
    pub init_data: Option<InitData>,
    /// Keys that the system's own data names.
    pub key_ids: Vec<KeyId>,
    /// Where licences are, absolute.
    pub licence_url: Option<KeyUrl>,
    /// Where a licence request is authorised first, absolute.
    pub authorization_url: Option<KeyUrl>,
    /// Where the certificate of the licence service is, absolute.
    pub certificate_url: Option<KeyUrl>,
    /// Robustness that the content asks for.
    pub robustness: Option<String>,
    /// For ClearKey: a key of the `identity` format.
    pub identity: Option<IdentityKey>,
    /// Licences come inside the stream: there is none to be had before.
    pub in_stream: bool,
}

impl SystemOffer {
    fn new(system: KeySystem) -> Self {
        Self {
            system,
            init_data: None,
            key_ids: Vec::new(),
            licence_url: None,
            authorization_url: None,
            certificate_url: None,
            robustness: None,
            identity: None,
            in_stream: false,
        }
    }

    /// Takes over what this one does not say; what it says stands (D088: the MPD before the media).
    fn fill(&mut self, other: &Self, limits: &Limits) {
        fn take<T: Clone>(own: &mut Option<T>, other: &Option<T>) {
            if own.is_none() {
                own.clone_from(other);
            }
        }
        take(&mut self.init_data, &other.init_data);
        take(&mut self.licence_url, &other.licence_url);
        take(&mut self.authorization_url, &other.authorization_url);
        take(&mut self.certificate_url, &other.certificate_url);
        take(&mut self.robustness, &other.robustness);
        take(&mut self.identity, &other.identity);
        self.in_stream |= other.in_stream;
        add_all(&mut self.key_ids, &other.key_ids, limits);
    }
}

/// Which keys a rendition, or a stretch of it, needs.
///
/// One type for everything that says so: `ContentProtection` of an MPD, key tags of a playlist, PSSH
/// boxes of an initialisation section and of a fragment. Statements about one key system are put
/// together, and each offer stands once.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct KeyRequirement {
    /// How samples are encrypted, if that was said.
    pub scheme: Option<Scheme>,
    /// HLS method, for content of HLS.
    pub method: Option<KeyMethod>,
    /// Keys by their identifiers, as far as they are known; the default key first.
    pub key_ids: Vec<KeyId>,
    /// What there is for each key system, in the order of the content.
    pub offers: Vec<SystemOffer>,
    /// What could not be read. It matters when no offer is left.
    pub faults: Vec<Error>,
}

impl KeyRequirement {
    /// From the descriptors of a rendition: an MPD's `ContentProtection`s or a playlist's session keys.
    /// None if there are none: the rendition is clear, as far as the manifest knows.
    pub fn from_protections(protections: &[Protection], limits: &Limits) -> Option<Self> {
        let mut out = Self::default();
        for protection in protections {
            match &protection.key_format {
                Some(format) => {
                    let method = KeyMethod::from_name(&protection.scheme);
                    out.add_hls(&method, format, protection.uri.as_deref(), protection.default_kid, limits);
                }
                None => out.add_dash(protection, limits),
            }
        }
        (!protections.is_empty()).then_some(out)
    }

    /// From the key tags of a segment. `base` is the playlist's URL, `key_id` the `KEYID` of the tags
    /// where they have one. None if there are none: the segment is clear.
    pub fn from_keys(keys: &[Key], base: &str, key_id: Option<KeyId>, limits: &Limits) -> Option<Self> {
        let mut out = Self::default();
        for key in keys {
            let resolved = key.uri.as_deref().map(|reference| {
                if DataUri::is_one(reference) {
                    reference.to_owned()
                } else {
                    uri::resolve(base, reference)
                }
            });
            out.add_hls(&key.method, &key.key_format, resolved.as_deref(), key_id, limits);
        }
        (!keys.is_empty()).then_some(out)
    }

    /// From PSSH boxes alone: those of a fragment that brings new keys, or of an initialisation section
    /// of a title whose manifest says nothing. `key_ids` are the keys that the samples name.
    pub fn from_boxes(boxes: &[Pssh], scheme: Option<Scheme>, key_ids: &[KeyId], limits: &Limits) -> Self {
        let mut out = Self { scheme, ..Self::default() };
        add_all(&mut out.key_ids, key_ids, limits);
        out.add_boxes(boxes, limits);
        out
    }

    /// Adds what an initialisation section says: its scheme, the key of its `tenc` and its PSSH boxes.
    /// Boxes of a system that the manifest has boxes for are only asked for key identifiers (D088).
    /// A key of the `identity` format is decided on ([`KeyRequirement::decide_identity`]).
    pub fn add_init(&mut self, scheme: Option<Scheme>, default_kid: Option<KeyId>, boxes: &[Pssh], limits: &Limits) {
        if scheme.is_some() {
            self.scheme = scheme;
        }
        self.add_boxes(boxes, limits);
        if let Some(kid) = default_kid {
            add(&mut self.key_ids, kid, limits);
        }
        self.decide_identity(default_kid, limits);
    }

    /// Decides what a `data:` URI of 16 bytes is (drm-and-media.md, 3.3): equal to the key identifier
    /// of the media, it is that identifier, and the key is the application's to give; otherwise it is
    /// the key. None for media that name no keys, such as transport streams.
    pub fn decide_identity(&mut self, media_kid: Option<KeyId>, limits: &Limits) {
        let Some(offer) = self.offers.iter_mut().find(|offer| offer.system == KeySystem::ClearKey) else {
            return;
        };
        let Some(IdentityKey::Undecided(uri)) = offer.identity.clone() else {
            return;
        };
        let named =
            DataUri::parse(uri.as_str(), limits.init_data_bytes).ok().and_then(|data| data.bytes.try_into().ok());
        match (named.map(KeyId), media_kid) {
            (Some(named), Some(kid)) if named == kid => {
                offer.identity = None;
                // A box of the media that names it names its other keys too: a licence has to have them all.
                if offer.init_data.is_none() || !offer.key_ids.contains(&kid) {
                    offer.init_data = Some(InitData::of_key_ids(&[kid]));
                }
                add(&mut offer.key_ids, kid, limits);
                add(&mut self.key_ids, kid, limits);
            }
            _ => offer.identity = Some(IdentityKey::Uri(uri)),
        }
    }

    /// True while a key tag's `data:` URI may be the key or its name: nothing can be decrypted with it
    /// before the media was seen.
    pub fn is_undecided(&self) -> bool {
        self.offers.iter().any(|offer| matches!(offer.identity, Some(IdentityKey::Undecided(_))))
    }

    /// Takes over what this one does not know: from an initialisation section, say.
    pub fn merge(&mut self, other: &Self, limits: &Limits) {
        self.scheme = self.scheme.or(other.scheme);
        if self.method.is_none() {
            self.method.clone_from(&other.method);
        }
        add_all(&mut self.key_ids, &other.key_ids, limits);
        for offer in &other.offers {
            self.add_offer(offer.clone(), limits);
        }
        self.faults.extend(other.faults.iter().cloned());
    }

    /// Keys by their identifiers: those of the content, else those that the data of any system names.
    fn named(&self) -> Vec<KeyId> {
        let mut named = self.key_ids.clone();
        if named.is_empty() {
            // Each list is within the limits, and there is one for each system.
            for kid in self.offers.iter().flat_map(|offer| &offer.key_ids) {
                if !named.contains(kid) {
                    named.push(*kid);
                }
            }
        }
        named
    }

    /// The names of the keys, as a key system of this kind has them: identifiers; for keys of the
    /// `identity` format and of FairPlay without identifiers, the URI. Empty if nothing is known yet.
    pub fn keys(&self, system: KeySystem) -> Vec<KeyRef> {
        let offer = self.offers.iter().find(|offer| offer.system == system);
        if let Some(IdentityKey::Uri(uri) | IdentityKey::Undecided(uri)) =
            offer.and_then(|offer| offer.identity.as_ref())
        {
            return vec![KeyRef::Uri(uri.shared())];
        }
        if !self.key_ids.is_empty() {
            return self.key_ids.iter().copied().map(KeyRef::Kid).collect();
        }
        let skd = offer.and_then(|offer| offer.init_data.as_ref()).filter(|data| data.kind == InitDataKind::Skd);
        let uri = skd.and_then(|data| core::str::from_utf8(&data.bytes).ok());
        uri.map(|uri| KeyRef::Uri(uri.into())).into_iter().collect()
    }

    /// What there is for a key system. ClearKey can be had for everything that names its keys, be it in the
    /// data of other systems alone, since the application may have them.
    pub fn offer(&self, system: KeySystem) -> Option<SystemOffer> {
        let found = self.offers.iter().find(|offer| offer.system == system).cloned();
        if system != KeySystem::ClearKey {
            return found;
        }
        let mut offer = found.unwrap_or_else(|| SystemOffer::new(KeySystem::ClearKey));
        if let Some(IdentityKey::Uri(uri)) = &offer.identity {
            let bytes = Bytes::copy_from_slice(uri.as_str().as_bytes());
            offer.init_data = Some(InitData { kind: InitDataKind::KeyUri, bytes });
        } else if offer.init_data.is_none() && offer.identity.is_none() {
            let named = self.named();
            if !named.is_empty() {
                offer.init_data = Some(InitData::of_key_ids(&named));
                offer.key_ids = named;
            }
        }
        let usable = offer.init_data.is_some() || offer.identity.is_some() || offer.licence_url.is_some();
        usable.then_some(offer)
    }

    fn add_dash(&mut self, protection: &Protection, limits: &Limits) {
        let scheme: Option<[u8; 4]> = protection.scheme.as_bytes().try_into().ok();
        self.scheme = self.scheme.or(scheme.and_then(Scheme::from_fourcc));
        if let Some(kid) = protection.default_kid {
            add(&mut self.key_ids, kid, limits);
        }
        let Some(system) = protection.system.as_deref() else {
            return;
        };
        let Some(id) = SystemId::parse(system) else {
            self.fault("a ContentProtection of a system that is no UUID");
            return;
        };
        let Some(system) = KeySystem::from_system_id(id) else {
            // The common system's descriptor: its box names keys for whoever can use it.
            if let Some(boxes) = protection.pssh.as_deref().and_then(|base64| self.read_boxes(base64, limits)) {
                self.add_boxes(&boxes, limits);
            }
            return;
        };
        let mut offer = SystemOffer {
            licence_url: protection.uri.as_deref().map(KeyUrl::from),
            authorization_url: protection.authorization_uri.as_deref().map(KeyUrl::from),
            certificate_url: protection.certificate_uri.as_deref().map(KeyUrl::from),
            robustness: protection.robustness.clone(),
            ..SystemOffer::new(system)
        };
        if let Some(boxes) = protection.pssh.as_deref().and_then(|base64| self.read_boxes(base64, limits)) {
            let own: Vec<&Pssh> = boxes.iter().filter(|pssh| pssh.system == id).collect();
            own.iter().for_each(|pssh| read_box(&mut offer, pssh, limits));
            // Only the box of the descriptor's system is its data; a wrong one is no box at all.
            match own.is_empty() {
                true => self.fault("a ContentProtection whose PSSH box is of another system"),
                false => offer.init_data = Some(InitData::of_boxes(own)),
            }
        }
        if let Some(base64) = protection.pro.as_deref().filter(|_| system == KeySystem::PlayReady) {
            match base64_bytes(base64, limits.init_data_bytes) {
                Ok(bytes) => self.read_object(&mut offer, bytes.into(), limits),
                Err(error) => self.faults.push(error),
            }
        }
        self.add_offer(offer, limits);
    }

    fn add_hls(&mut self, method: &KeyMethod, format: &str, uri: Option<&str>, kid: Option<KeyId>, limits: &Limits) {
        self.scheme = self.scheme.or(match method {
            KeyMethod::SampleAes => Some(Scheme::Cbcs),
            KeyMethod::SampleAesCtr => Some(Scheme::Cenc),
            _ => None,
        });
        if self.method.is_none() {
            self.method = Some(method.clone());
        }
        if let KeyMethod::Other(_) = method {
            // H057: nothing may be decrypted under it.
            self.fault("a key of an unknown METHOD");
            return;
        }
        let Some(system) = KeySystem::from_key_format(format) else {
            // H055.
            self.fault("a key of an unknown KEYFORMAT");
            return;
        };
        let mut offer = SystemOffer::new(system);
        if let Some(kid) = kid {
            add(&mut self.key_ids, kid, limits);
            add(&mut offer.key_ids, kid, limits);
        }
        let Some(uri) = uri else {
            self.fault("a key without a URI");
            return;
        };
        let data = DataUri::is_one(uri).then(|| DataUri::parse(uri, limits.init_data_bytes));
        match (system, data) {
            (_, Some(Err(error))) => {
                self.faults.push(error);
                return;
            }
            // The common system's identifier as KEYFORMAT says that boxes follow, as any other system's does.
            (KeySystem::ClearKey, Some(Ok(data))) if is_common(format) => {
                match Pssh::parse_all(&data.bytes.into(), limits) {
                    Ok(boxes) => self.add_boxes(&boxes, limits),
                    Err(error) => self.faults.push(error),
                }
                return;
            }
            (KeySystem::ClearKey, data) => {
                let names_16 = matches!(&data, Some(Ok(data)) if data.bytes.len() == 16);
                let on_samples = matches!(method, KeyMethod::SampleAes | KeyMethod::SampleAesCtr);
                offer.identity = Some(match names_16 && on_samples {
                    true => IdentityKey::Undecided(uri.into()),
                    false => IdentityKey::Uri(uri.into()),
                });
            }
            (KeySystem::FairPlay, None) => match fairplay::SkdUri::parse(uri) {
                Ok(skd) => offer.init_data = Some(InitData { kind: InitDataKind::Skd, bytes: skd.init_data().into() }),
                Err(error) => {
                    self.faults.push(error);
                    return;
                }
            },
            (KeySystem::PlayReady, Some(Ok(data))) => self.read_object(&mut offer, data.bytes.into(), limits),
            (KeySystem::Widevine, Some(Ok(data))) if format.eq_ignore_ascii_case("com.widevine") => {
                match WidevineData::from_hls_json(&data.bytes, limits) {
                    Ok(header) => {
                        let pssh = header.to_pssh();
                        read_box(&mut offer, &pssh, limits);
                        offer.init_data = Some(InitData::of_boxes([&pssh]));
                    }
                    Err(error) => self.faults.push(error),
                }
            }
            (_, Some(Ok(data))) => match Pssh::parse_all(&data.bytes.into(), limits) {
                Ok(boxes) => {
                    let own: Vec<&Pssh> = boxes.iter().filter(|pssh| pssh.system == system.system_id()).collect();
                    own.iter().for_each(|pssh| read_box(&mut offer, pssh, limits));
                    match own.is_empty() {
                        true => self.fault("a key whose PSSH box is of another system than its KEYFORMAT"),
                        false => offer.init_data = Some(InitData::of_boxes(own)),
                    }
                }
                Err(error) => self.faults.push(error),
            },
            // A plain URL: the key service's.
            (_, None) => offer.licence_url = Some(uri.into()),
        }
        self.add_offer(offer, limits);
    }

    /// Groups boxes by their systems and offers them.
    fn add_boxes(&mut self, boxes: &[Pssh], limits: &Limits) {
        let mut systems: Vec<SystemId> = Vec::new();
        for pssh in boxes {
            if !systems.contains(&pssh.system) {
                systems.push(pssh.system);
            }
        }
        for id in systems {
            let mut own: Vec<&Pssh> = Vec::new();
            for pssh in boxes.iter().filter(|pssh| pssh.system == id) {
                // The same box in two places is one.
                if !own.contains(&pssh) {
                    own.push(pssh);
                }
            }
            // ClearKey reads the common system's boxes (EME, `cenc` initialisation data, 4).
            let mut offer = SystemOffer::new(KeySystem::from_system_id(id).unwrap_or(KeySystem::ClearKey));
            own.iter().for_each(|pssh| read_box(&mut offer, pssh, limits));
            offer.init_data = Some(InitData::of_boxes(own));
            self.add_offer(offer, limits);
        }
    }

    /// A PlayReady Object, wrapped in a box unless there is one already.
    fn read_object(&mut self, offer: &mut SystemOffer, bytes: Bytes, limits: &Limits) {
        // Some write the whole box where the Object belongs.
        let is_box = bytes.get(4..8) == Some(b"pssh");
        let pssh = match is_box {
            true => match Pssh::parse_all(&bytes, limits) {
                Ok(boxes) => boxes.into_iter().find(|pssh| pssh.system == SystemId::PLAYREADY),
                Err(error) => {
                    self.faults.push(error);
                    None
                }
            },
            false => Some(Pssh::new(SystemId::PLAYREADY, Vec::new(), bytes)),
        };
        if let Some(pssh) = pssh {
            if let Err(error) = PlayReadyObject::parse(&pssh.data, limits).and_then(|object| object.header(limits)) {
                self.faults.push(error);
            }
            read_box(offer, &pssh, limits);
            if offer.init_data.is_none() {
                offer.init_data = Some(InitData::of_boxes([&pssh]));
            }
        }
    }

    fn read_boxes(&mut self, base64: &str, limits: &Limits) -> Option<Vec<Pssh>> {
        match Pssh::from_base64(base64, limits) {
            Ok(boxes) => Some(boxes),
            Err(error) => {
                self.faults.push(error);
                None
            }
        }
    }

    fn add_offer(&mut self, offer: SystemOffer, limits: &Limits) {
        match self.offers.iter_mut().find(|known| known.system == offer.system) {
            Some(known) => known.fill(&offer, limits),
            None => self.offers.push(offer),
        }
    }

    fn fault(&mut self, message: &str) {
        self.faults.push(Error::new(ErrorCode::InitDataInvalid, message.to_owned()));
    }
}

/// Whether a `KEYFORMAT` is the UUID of the common system, whose boxes any system may read (EME, `cenc` initialisation
/// data).
fn is_common(format: &str) -> bool {
    let (scheme, id) = format.split_at_checked(9).unwrap_or(("", ""));
    scheme.eq_ignore_ascii_case("urn:uuid:") && SystemId::parse(id) == Some(SystemId::COMMON)
}

/// Takes from a box what concerns the player.
fn read_box(offer: &mut SystemOffer, pssh: &Pssh, limits: &Limits) {
    add_all(&mut offer.key_ids, &pssh.key_ids(limits), limits);
    if pssh.system == SystemId::PLAYREADY {
        let header = PlayReadyObject::parse(&pssh.data, limits).and_then(|object| object.header(limits));
        if let Ok(Some(header)) = header {
            offer.in_stream |= header.on_demand;
            if offer.licence_url.is_none() {
                offer.licence_url = header.licence_url.map(KeyUrl::from);
            }
        }
    }
}

/// Each once, and no more than the limit: further ones could not be asked for anyway.
fn add(list: &mut Vec<KeyId>, kid: KeyId, limits: &Limits) {
    if list.len() < limits.key_ids && !list.contains(&kid) {
        list.push(kid);
    }
}

fn add_all(list: &mut Vec<KeyId>, kids: &[KeyId], limits: &Limits) {
    kids.iter().for_each(|kid| add(list, *kid, limits));
}
