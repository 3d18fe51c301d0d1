//! The protocols that a build reads.

use telecine_model::{uri, Error, ErrorCode, Protocol};

use crate::sniff::{describe, sniff};

/// Whether this build reads manifests of a protocol: the features `hls` and `dash`.
pub const fn reads(protocol: Protocol) -> bool {
    match protocol {
        Protocol::Hls => cfg!(feature = "hls"),
        Protocol::Dash => cfg!(feature = "dash"),
    }
}

/// Why nothing of a text is read in a build without its protocol.
pub(crate) fn left_out(bytes: &[u8], url: &str) -> Error {
    let error = match sniff(bytes) {
        Some(Protocol::Hls) => Error::new(ErrorCode::ProtocolLeftOut, "this build of the player does not play HLS"),
        Some(Protocol::Dash) => Error::new(ErrorCode::ProtocolLeftOut, "this build of the player does not play DASH"),
        None => Error::new(ErrorCode::NotAManifest, format!("the text is no manifest: {}", describe(bytes))),
    };
    error.fact("url", uri::without_secrets(url))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_told_from_what_is_no_manifest() {
        let url = "https://cdn.example/title?token=secret";
        for (text, code, words) in [
            ("#EXTM3U\n", ErrorCode::ProtocolLeftOut, "does not play HLS"),
            ("<MPD/>", ErrorCode::ProtocolLeftOut, "does not play DASH"),
            ("<!doctype html>", ErrorCode::NotAManifest, "HTML page"),
        ] {
            let error = left_out(text.as_bytes(), url);
            assert_eq!(error.code(), code, "{text}");
            let told = format!("{error} {:?}", error.facts());
            assert!(told.contains(words) && told.contains("cdn.example") && !told.contains("secret"), "{told}");
        }
    }
}
