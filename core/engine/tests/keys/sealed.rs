//! A synthetic HLS title whose segments are encrypted whole.

use std::collections::BTreeMap;

use aes::cipher::{Array, BlockCipherEncrypt, KeyInit};
use bytes::Bytes;
use telecine_engine::{FetchRequest, RequestClass};
use telecine_virtual::testing::SyntheticTitle;
use telecine_virtual::{Fetched, Response, Source};

/// The title, and where its keys are: `keys/NAME.bin`, NAME being the rendition's and a number with rotation.
pub(crate) struct Sealed {
    pub(crate) title: SyntheticTitle,
    /// Keys of 256 bits.
    pub(crate) long: bool,
    /// And GCM instead of CBC; segments bring their vectors along.
    pub(crate) gcm: bool,
    /// One bit of this segment of a rendition is another.
    pub(crate) tampered: Option<(&'static str, u64)>,
    /// Subtitles are encrypted too.
    pub(crate) texts: bool,
    /// Segments under one key.
    pub(crate) rotation: u64,
    /// One key for all renditions.
    pub(crate) shared: bool,
    pub(crate) explicit_iv: bool,
    pub(crate) seal_init: bool,
    /// Key URIs are `data:` URIs.
    pub(crate) inline: bool,
    /// What is answered for a key file instead, so many times.
    pub(crate) key_faults: BTreeMap<String, (Fetched, u32)>,
    pub(crate) key_requests: Vec<FetchRequest>,
}

impl Sealed {
    pub(crate) fn new(title: SyntheticTitle) -> Self {
        Self {
            title,
            long: false,
            gcm: false,
            tampered: None,
            texts: false,
            rotation: u64::MAX,
            shared: false,
            explicit_iv: false,
            seal_init: false,
            inline: false,
            key_faults: BTreeMap::new(),
            key_requests: Vec::new(),
        }
    }

    fn key_name(&self, rendition: &str, number: u64) -> String {
        let period = number / self.rotation;
        match self.shared {
            true => format!("all-{period}"),
            false => format!("{rendition}-{period}"),
        }
    }

    pub(crate) fn key(&self, name: &str) -> Vec<u8> {
        let length = if self.long { 32 } else { 16 };
        name.bytes().chain(b"-this-is-a-secret-key-of-telecine".iter().copied()).take(length).collect()
    }

    fn iv(&self, number: u64) -> [u8; 16] {
        match self.explicit_iv {
            true => [0xa5; 16],
            false => u128::from(number).to_be_bytes(),
        }
    }

    fn tag(&self, rendition: &str, number: u64, iv: bool) -> String {
        let name = self.key_name(rendition, number);
        let uri = match self.inline {
            true => {
                let hex: String = self.key(&name).iter().map(|byte| format!("%{byte:02X}")).collect();
                format!("data:application/octet-stream,{hex}")
            }
            false => format!("keys/{name}.bin?token=verysecret42"),
        };
        let method = match (self.long, self.gcm) {
            (true, true) => "AES-256-GCM",
            (true, false) => "AES-256",
            _ => "AES-128",
        };
        let iv = if iv && !self.gcm { format!(",IV=0x{}", "A5".repeat(16)) } else { String::new() };
        format!("#EXT-X-KEY:METHOD={method},URI=\"{uri}\"{iv}\n")
    }

    fn playlist(&self, rendition: &str, text: &str) -> String {
        let mut out = String::new();
        let (mut number, mut last) = (0, String::new());
        for line in text.lines() {
            if line.starts_with("#EXT-X-MAP") && self.seal_init {
                out += &self.tag(rendition, 0, true);
            }
            if line.starts_with("#EXTINF") {
                let tag = self.tag(rendition, number, self.explicit_iv);
                if tag != last {
                    out += &tag;
                    last = tag;
                }
                number += 1;
            }
            out += line;
            out += "\n";
            if line.starts_with("#EXT-X-MAP") && self.seal_init {
                last.clear();
            }
        }
        out
    }

    /// AES-256-GCM (NIST SP 800-38D) with a vector of 16 bytes in front and the tag behind.
    fn seal(&self, name: &str, iv: [u8; 16], clear: &[u8]) -> Bytes {
        use ghash::universal_hash::UniversalHash;
        let cipher = aes::Aes256::new_from_slice(&self.key(name)).expect("a key");
        let encrypt = |block: [u8; 16]| {
            let mut block = Array::from(block);
            cipher.encrypt_block(&mut block);
            <[u8; 16]>::from(block)
        };
        let hash = |data: &[u8]| {
            let mut hash = ghash::GHash::new(&encrypt([0; 16]).into());
            hash.update_padded(data);
            hash.update(&[u128::from(data.len() as u64 * 8).to_be_bytes().into()]);
            u128::from_be_bytes(hash.finalize().into())
        };
        let first = hash(&iv);
        let (prefix, count) = (first >> 32 << 32, first as u32);
        let mut sealed = clear.to_vec();
        for (at, block) in sealed.chunks_mut(16).enumerate() {
            let counter = prefix | u128::from(count.wrapping_add(1 + at as u32));
            block.iter_mut().zip(encrypt(counter.to_be_bytes())).for_each(|(byte, key)| *byte ^= key);
        }
        let tag = hash(&sealed) ^ u128::from_be_bytes(encrypt(first.to_be_bytes()));
        [&iv[..], &sealed, &tag.to_be_bytes()].concat().into()
    }

    fn encrypt(&self, name: &str, iv: [u8; 16], clear: &[u8]) -> Bytes {
        if self.gcm {
            return self.seal(name, iv, clear);
        }
        let key = self.key(name);
        let padding = 16 - clear.len() % 16;
        let mut data = clear.to_vec();
        data.extend(std::iter::repeat_n(padding as u8, padding));
        let mut previous = iv;
        for block in data.chunks_exact_mut(16) {
            block.iter_mut().zip(previous).for_each(|(byte, before)| *byte ^= before);
            let array = <&mut Array<u8, _>>::try_from(&mut *block).expect("16 bytes");
            match self.long {
                true => aes::Aes256::new_from_slice(&key).expect("a key").encrypt_block(array),
                false => aes::Aes128::new_from_slice(&key).expect("a key").encrypt_block(array),
            }
            previous.copy_from_slice(block);
        }
        data.into()
    }
}

impl Source for Sealed {
    fn fetch(&mut self, request: &FetchRequest) -> Fetched {
        if request.class == RequestClass::Key {
            self.key_requests.push(request.clone());
            if let Some(payload) = request.url.strip_prefix("data:application/octet-stream,") {
                let digits = payload.split('%').filter(|digits| !digits.is_empty());
                let key: Vec<u8> = digits.map(|digits| u8::from_str_radix(digits, 16).expect("hexadecimal")).collect();
                return Response::new(200, &request.url, key).into();
            }
            let path = request.url.strip_prefix("https://title.example/keys/").expect("relative to the playlist");
            let name = path.strip_suffix(".bin?token=verysecret42").expect("with its query").to_owned();
            if let Some((fault, times)) = self.key_faults.get_mut(&name).filter(|(_, times)| *times > 0) {
                *times -= 1;
                return fault.clone();
            }
            return Response::new(200, &request.url, self.key(&name)).into();
        }
        let fetched = self.title.get(&request.url);
        let Fetched::Response(mut response) = fetched else { return fetched };
        let path = request.url.strip_prefix("https://title.example/").unwrap_or("").to_owned();
        if response.status != 200 || path == "main.m3u8" || (path.starts_with("t0") && !self.texts) {
            return Fetched::Response(response);
        }
        let body = response.body.clone();
        if let Some(rendition) = path.strip_suffix(".m3u8") {
            response.body = self.playlist(rendition, &String::from_utf8_lossy(&body)).into();
        } else if let Some(rendition) = path.strip_suffix(".vtt") {
            response.body = self.encrypt(&self.key_name(rendition, 0), self.iv(0), &body);
        } else if let Some((rendition, "init.mp4")) = path.split_once('/') {
            if self.seal_init {
                response.body = self.encrypt(&self.key_name(rendition, 0), [0xa5; 16], &body);
            }
        } else if let Some((rendition, file)) = path.split_once('/') {
            let number: u64 = file.trim_end_matches(".m4s").parse().expect("a number");
            let mut sealed = self.encrypt(&self.key_name(rendition, number), self.iv(number), &body).to_vec();
            if self.tampered == Some((rendition, number)) {
                sealed[1000] ^= 1;
            }
            response.body = sealed.into();
        }
        response.content_length = Some(response.body.len() as u64);
        Fetched::Response(response)
    }
}
