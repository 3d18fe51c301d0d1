//! What several tests share.
#![allow(dead_code)]

use bytes::Bytes;
use telecine_model::protection::KeyId;

/// The video's key identifier and key in the packager's test media.
pub(crate) const VIDEO: (&str, &str) = ("00112233445566778899aabbccddeeff", "0123456789abcdef0123456789abcdef");
/// The audio's.
pub(crate) const AUDIO: (&str, &str) = ("11112233445566778899aabbccddeeff", "1123456789abcdef0123456789abcdef");

pub(crate) fn kid(hex: &str) -> KeyId {
    KeyId::parse(hex).expect("a key identifier")
}

pub(crate) fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits.chars().map(|c| c.to_digit(16).expect("a digit") as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// A box that the packager wrote.
pub(crate) fn packager(name: &str) -> Bytes {
    let text = include_str!("../data/packager.txt");
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    hex(line.expect("a name in packager.txt")).into()
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
