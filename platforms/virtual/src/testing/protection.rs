//! Encryption of the synthetic title: `cenc`, with keys that are derived from their identifiers.

use bytes::Bytes;
use telecine_engine::drm::system::Pssh;
use telecine_engine::drm::{decrypt_sample, CipherBackend, ContentKey, SoftwareAes};
use telecine_model::protection::{KeyId, KeySystem, SampleEncryption, Scheme};

use super::SyntheticTitle;

/// How a synthetic title is protected, for [`SyntheticTitle::protected`].
#[derive(Clone, Debug)]
pub struct TitleProtection {
    /// Every rendition has the same keys; otherwise each has its own.
    pub shared: bool,
    /// Segments at the beginning that are clear.
    pub clear_lead: u64,
    /// Segments under one key; `u64::MAX` for ever.
    pub rotation: u64,
    /// Key systems that the manifests have boxes for. Without any, an MPD has the key identifiers alone, and a
    /// playlist a key file (`keys/KID.bin`, which [`SyntheticTitle`] serves).
    pub systems: Vec<KeySystem>,
    /// The licence server that an MPD names for ClearKey.
    pub licence_url: Option<String>,
    /// Boxes of the key systems are in the fragments too: they announce keys that no manifest names.
    pub in_band: bool,
}

impl Default for TitleProtection {
    fn default() -> Self {
        Self {
            shared: false,
            clear_lead: 0,
            rotation: u64::MAX,
            systems: Vec::new(),
            licence_url: None,
            in_band: false,
        }
    }
}

/// The key of one fragment.
#[derive(Clone, Debug)]
pub(super) struct FragmentKey {
    pub(super) kid: [u8; 16],
    key: [u8; 16],
    /// The fragment says that it has this key.
    pub(super) announced: bool,
    pub(super) boxes: Vec<Bytes>,
}

impl FragmentKey {
    /// The vector of a sample.
    pub(super) fn vector(&self, sequence: u32, index: u32) -> [u8; 8] {
        (u64::from(sequence) << 32 | u64::from(index)).to_be_bytes()
    }

    /// Counter mode: decrypting encrypts.
    pub(super) fn encrypt(&self, sequence: u32, index: u32, sample: &mut [u8]) {
        let mut iv = [0; 16];
        iv[..8].copy_from_slice(&self.vector(sequence, index));
        let how = SampleEncryption {
            scheme: Scheme::Cenc,
            kid: KeyId(self.kid),
            iv,
            crypt_blocks: 0,
            skip_blocks: 0,
            subsamples: &[],
        };
        let done =
            SoftwareAes.open(&ContentKey::new(self.key)).and_then(|cipher| decrypt_sample(&*cipher, &how, sample));
        debug_assert!(done.is_ok(), "AES in software does not fail");
    }
}

impl SyntheticTitle {
    /// Protects every segment of sound and picture by `cenc`.
    #[must_use]
    pub fn protected(mut self, protection: TitleProtection) -> Self {
        self.protection = Some(protection);
        self
    }

    /// Identifier and key of a rendition's segment.
    pub fn key_of(&self, rendition: &str, number: u64) -> (KeyId, ContentKey) {
        let protection = self.protection.clone().unwrap_or_default();
        let kid = key_id(&protection, rendition, number);
        (KeyId(kid), ContentKey::new(key(kid)))
    }

    pub(super) fn fragment_key(&self, rendition: &str, number: u64) -> Option<FragmentKey> {
        let protection = self.protection.as_ref().filter(|protection| number >= protection.clear_lead)?;
        let kid = key_id(protection, rendition, number);
        let announced = kid != key_id(protection, rendition, 0);
        let boxes = if protection.in_band { boxes(protection, kid) } else { Vec::new() };
        Some(FragmentKey { kid, key: key(kid), announced, boxes })
    }

    pub(super) fn default_kid(&self, rendition: &str) -> Option<[u8; 16]> {
        self.protection.as_ref().map(|protection| key_id(protection, rendition, 0))
    }

    /// A key file by its name.
    pub(super) fn key_file(&self, name: &str) -> Option<Bytes> {
        self.protection.as_ref()?;
        Some(Bytes::copy_from_slice(&key(KeyId::parse(name.strip_suffix(".bin")?)?.0)))
    }
}

fn key_id(protection: &TitleProtection, rendition: &str, number: u64) -> [u8; 16] {
    let mut kid = [0x11; 16];
    if !protection.shared {
        kid.iter_mut().zip(rendition.bytes()).for_each(|(byte, letter)| *byte = letter);
    }
    kid[15] = u8::try_from(number / protection.rotation).unwrap_or(u8::MAX);
    kid
}

fn key(kid: [u8; 16]) -> [u8; 16] {
    kid.map(|byte| byte.rotate_left(3) ^ 0x5a)
}

fn boxes(protection: &TitleProtection, kid: [u8; 16]) -> Vec<Bytes> {
    let systems = protection.systems.iter();
    systems.map(|system| Pssh::new(system.system_id(), vec![KeyId(kid)], Bytes::new()).raw().clone()).collect()
}

impl TitleProtection {
    /// Descriptors of an MPD for a rendition.
    pub(super) fn descriptors(&self, rendition: &str) -> String {
        let kid = KeyId(key_id(self, rendition, 0));
        let uuid = |kid: KeyId| {
            let hex = kid.to_string();
            [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
        };
        let mut out = format!(
            "<ContentProtection schemeIdUri=\"urn:mpeg:dash:mp4protection:2011\" value=\"cenc\" \
             xmlns:cenc=\"urn:mpeg:cenc:2013\" cenc:default_KID=\"{}\"/>\n",
            uuid(kid)
        );
        for (system, pssh) in self.systems.iter().zip(boxes(self, kid.0)) {
            out += &format!(
                "<ContentProtection schemeIdUri=\"urn:uuid:{}\" xmlns:cenc=\"urn:mpeg:cenc:2013\">\
                 <cenc:pssh>{}</cenc:pssh></ContentProtection>\n",
                uuid(KeyId(system.system_id().0)),
                base64(&pssh)
            );
        }
        if let Some(url) = &self.licence_url {
            out += &format!(
                "<ContentProtection schemeIdUri=\"urn:uuid:e2719d58-a985-b3c9-781a-b030af78d30e\" \
                 xmlns:dashif=\"https://dashif.org/CPS\"><dashif:Laurl>{url}</dashif:Laurl></ContentProtection>\n"
            );
        }
        out
    }

    /// Key tags of a playlist for a rendition's segment.
    pub(super) fn key_tags(&self, rendition: &str, number: u64) -> String {
        if number < self.clear_lead {
            return "#EXT-X-KEY:METHOD=NONE\n".to_owned();
        }
        let kid = key_id(self, rendition, number);
        if self.systems.is_empty() {
            let uri = format!("keys/{}.bin", KeyId(kid));
            return format!("#EXT-X-KEY:METHOD=SAMPLE-AES-CTR,URI=\"{uri}\"\n");
        }
        let tag = |(system, pssh): (&KeySystem, Bytes)| {
            let format = system.key_formats().first().copied().unwrap_or_default();
            format!(
                "#EXT-X-KEY:METHOD=SAMPLE-AES-CTR,URI=\"data:text/plain;base64,{}\",KEYFORMAT=\"{format}\",\
                 KEYFORMATVERSIONS=\"1\"\n",
                base64(&pssh)
            )
        };
        self.systems.iter().zip(boxes(self, kid)).map(tag).collect()
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for piece in bytes.chunks(3) {
        let word = piece.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - piece.len()));
        for place in 0..4 {
            let digit = DIGITS[(word >> (18 - 6 * place) & 63) as usize];
            out.push(if place <= piece.len() { char::from(digit) } else { '=' });
        }
    }
    out
}
