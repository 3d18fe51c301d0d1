//! What the application brings: keys, key systems, licence servers.

use telecine_drm::session::{Header, SessionPolicy, StoredLicence};
use telecine_drm::system::{DrmCapabilities, DrmPreferences, SystemCapability};
use telecine_drm::{ContentKey, KeyUrl, SecretBytes};
use telecine_model::protection::{KeyId, KeySystem};

/// Keys and key systems for protected titles, for [`Engine::set_keys`](crate::Engine::set_keys).
///
/// Nothing of it is ever recorded: a recording holds what came of the keys. By default there is ClearKey in
/// software, with the licence servers that the content names.
///
/// ```
/// use telecine_engine::{Config, Engine, KeySetup};
/// use telecine_model::protection::KeyId;
///
/// let mut setup = KeySetup::default();
/// let kid = KeyId::parse("2f05477f-c24b-b4fa-efd8-6517156daffc").expect("32 digits");
/// setup.give(kid, "b50d1b25559be9be0a3cbeb6b6b8d923".parse()?);
/// setup.licence_server("https://licence.example/clearkey");
/// let mut engine = Engine::new(Config::default());
/// engine.set_keys(setup);
/// # Ok::<(), telecine_model::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KeySetup {
    /// Key systems of the device, which the host drives: [`Action::Cdm`](crate::Action::Cdm) and
    /// [`Input::Cdm`](crate::Input::Cdm). Default none.
    pub device: DrmCapabilities,
    /// Which of them are wanted, where their licences come from.
    pub preferences: DrmPreferences,
    /// How patient and how careful key sessions are.
    pub policy: SessionPolicy,
    /// ClearKey in software, whatever the device has. Default true.
    pub software: bool,
    pub(crate) keys: Vec<(KeyId, ContentKey)>,
    pub(crate) segment_key: Option<SecretBytes>,
    pub(crate) stored: Vec<StoredLicence>,
}

impl Default for KeySetup {
    fn default() -> Self {
        Self {
            device: DrmCapabilities::default(),
            preferences: DrmPreferences::default(),
            policy: SessionPolicy::default(),
            software: true,
            keys: Vec::new(),
            segment_key: None,
            stored: Vec::new(),
        }
    }
}

impl KeySetup {
    /// Gives a key of samples. Titles under it need no licence.
    pub fn give(&mut self, kid: KeyId, key: ContentKey) -> &mut Self {
        self.keys.retain(|(known, _)| *known != kid);
        self.keys.push((kid, key));
        self
    }

    /// Gives the key of HLS segments that are encrypted whole (16 bytes, or 32 for AES-256): no key file is
    /// fetched.
    pub fn give_segment_key(&mut self, key: SecretBytes) -> &mut Self {
        self.segment_key = Some(key);
        self
    }

    /// Gives a licence that is stored on the device, as [`Event::LicenceStored`](crate::Event::LicenceStored) told of
    /// it. A title whose keys it has plays with it, offline too: its key system comes first, and no licence is asked
    /// for. If it has expired, or the device no longer has it, a new one is asked for.
    pub fn stored_licence(&mut self, licence: StoredLicence) -> &mut Self {
        self.stored.retain(|known| known.name != licence.name);
        self.stored.push(licence);
        self
    }

    /// Adds a licence server for ClearKey in software; the first one is asked first.
    pub fn licence_server(&mut self, url: impl Into<KeyUrl>) -> &mut Self {
        let wish = self.preferences.systems.entry(KeySystem::ClearKey).or_default();
        wish.licence_urls.push(url.into());
        self
    }

    /// Adds a header to every licence request of ClearKey in software.
    pub fn licence_header(&mut self, name: impl Into<String>, value: impl Into<String>) -> &mut Self {
        let wish = self.preferences.systems.entry(KeySystem::ClearKey).or_default();
        wish.headers.push(Header::new(name, value));
        self
    }

    /// The device with what this library adds.
    pub(crate) fn capabilities(&self) -> DrmCapabilities {
        let mut device = self.device.clone();
        if self.software {
            device.systems.retain(|system| system.system != KeySystem::ClearKey);
            device.systems.push(SystemCapability::software_clearkey());
        }
        device
    }

    /// What the application wants, the keys that it gives included.
    pub(crate) fn wishes(&self) -> DrmPreferences {
        let mut wishes = self.preferences.clone();
        if self.software && !self.keys.is_empty() {
            let wish = wishes.systems.entry(KeySystem::ClearKey).or_default();
            wish.given_keys.extend(self.keys.iter().map(|(kid, _)| *kid));
        }
        wishes
    }
}
