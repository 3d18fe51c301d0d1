//! Packed audio: ADTS frames behind an ID3 tag with their time (RFC 8216, 3.4).

use super::config::Aac;

/// The tag: the time in ticks of 90 kHz, and of encrypted audio what a decoder has to know.
pub(super) fn tag(time: u64, protected: Option<&Aac>) -> Vec<u8> {
    let mut frames = private("com.apple.streaming.transportStreamTimestamp", &time.to_be_bytes());
    if let Some(aac) = protected {
        frames.extend(private("com.apple.streaming.audioDescription", &setup(aac)));
    }
    let mut tag = b"ID3\x04\0\0".to_vec();
    tag.extend(syncsafe(frames.len()));
    tag.extend(frames);
    tag
}

/// Audio setup information: format, priming, version, and the configuration.
pub(super) fn setup(aac: &Aac) -> Vec<u8> {
    let mut out = b"zaac\0\0\x01".to_vec();
    out.push(aac.config.len() as u8);
    out.extend(&aac.config);
    out
}

/// A PRIV frame of ID3 version 4.
fn private(owner: &str, data: &[u8]) -> Vec<u8> {
    let mut out = b"PRIV".to_vec();
    out.extend(syncsafe(owner.len() + 1 + data.len()));
    out.extend([0, 0]);
    out.extend(owner.as_bytes());
    out.push(0);
    out.extend(data);
    out
}

/// A size with seven bits to the byte.
fn syncsafe(size: usize) -> [u8; 4] {
    [21, 14, 7, 0].map(|shift| (size >> shift & 0x7f) as u8)
}
