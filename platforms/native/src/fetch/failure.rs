//! What a transport's error means.

use std::error::Error as StdError;
use std::io;

use telecine_model::ErrorCode;
use telecine_virtual::Failure;

/// A name that did not resolve; tells DNS from other failures to connect.
#[derive(Debug)]
pub(super) struct DnsError(pub(super) io::Error);

impl std::fmt::Display for DnsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the name does not resolve: {}", self.0)
    }
}

impl StdError for DnsError {}

/// Failure before the head of an answer.
pub(super) fn before_head(error: reqwest::Error) -> Failure {
    let code = if error.is_builder() {
        ErrorCode::InvalidUrl
    } else if any(&error, |cause| cause.is::<DnsError>()) {
        ErrorCode::DnsFailed
    } else if any(&error, |cause| cause.is::<rustls::Error>()) {
        ErrorCode::TlsFailed
    } else if error.is_timeout() {
        ErrorCode::Timeout
    } else if error.is_connect() {
        ErrorCode::ConnectFailed
    } else {
        ErrorCode::ConnectionLost
    };
    Failure::new(code, message(error))
}

/// Failure within a body; `declared` if its length was known.
pub(super) fn within_body(error: reqwest::Error, declared: bool) -> Failure {
    let end_of_file = |cause: &(dyn StdError + 'static)| {
        cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::UnexpectedEof)
    };
    let of_connection = any(&error, |cause| cause.is::<hyper::Error>());
    let code = match of_connection {
        true if declared && any(&error, end_of_file) => ErrorCode::BodyLengthMismatch,
        true => ErrorCode::ConnectionLost,
        false => ErrorCode::ContentEncodingFailed,
    };
    Failure::new(code, message(error))
}

/// The transport's words, outermost first. Without the URL, which may be signed.
fn message(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let words = inner.to_string();
        if !message.ends_with(&words) {
            message = format!("{message}: {words}");
        }
        cause = inner.source();
    }
    message
}

/// Whether any cause of an error fits, those that `io::Error` wraps included.
fn any(error: &(dyn StdError + 'static), fits: impl Fn(&(dyn StdError + 'static)) -> bool) -> bool {
    let mut cause = Some(error);
    while let Some(inner) = cause {
        if fits(inner) {
            return true;
        }
        // The source of an io::Error is the source of what it wraps, which would be left out.
        let wrapped = inner.downcast_ref::<io::Error>().and_then(|error| error.get_ref());
        cause = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => inner.source(),
        };
    }
    false
}
