//! What an error answer means.

use telecine_model::{Error, ErrorCode};

/// The error that an HTTP status and the beginning of its body stand for.
///
/// S3 and the CDNs in front of it fold several causes into one 403; the `<Code>` of the body tells
/// them apart where it is there (S3 API, error responses).
pub fn classify_status(status: u16, body: &[u8]) -> Error {
    let text = String::from_utf8_lossy(&body[..body.len().min(4096)]);
    let s3_code = between(&text, "<Code>", "</Code>");
    let error = match (status, s3_code) {
        (_, Some("InvalidObjectState" | "RestoreAlreadyInProgress")) => {
            Error::new(ErrorCode::ObjectArchived, "the object lies in an archive tier and must be restored first")
        }
        (429, _) | (_, Some("SlowDown" | "Throttling" | "RequestLimitExceeded")) => {
            Error::new(ErrorCode::Throttled, "the server asks to slow down")
        }
        (401, _) | (403, Some("ExpiredToken" | "SignatureDoesNotMatch" | "RequestTimeTooSkewed")) => {
            Error::new(ErrorCode::NotEntitled, "the server does not accept the request's credentials")
        }
        (403, _) if is_geo_block(&text) => {
            Error::new(ErrorCode::GeoBlocked, "the distribution does not serve this country")
        }
        (451, _) => Error::new(ErrorCode::GeoBlocked, "not available for legal reasons"),
        (416, _) => Error::new(ErrorCode::RangeMismatch, "the resource is shorter than the manifest says"),
        _ => Error::new(ErrorCode::HttpStatus, format!("the server answered with status {status}")),
    };
    let error = error.fact("status", status);
    match s3_code {
        Some(code) if code.len() <= 64 => error.fact("server_code", code),
        _ => error,
    }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(inner, _)| inner.trim())
}

/// CloudFront's page for a geographic restriction.
fn is_geo_block(text: &str) -> bool {
    text.contains("configured to block access from your country")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(status: u16, body: &str) -> ErrorCode {
        classify_status(status, body.as_bytes()).code()
    }

    #[test]
    fn one_status_has_several_causes() {
        assert_eq!(code(403, "<Error><Code>InvalidObjectState</Code></Error>"), ErrorCode::ObjectArchived);
        assert_eq!(code(403, "<Error><Code>ExpiredToken</Code></Error>"), ErrorCode::NotEntitled);
        assert_eq!(
            code(403, "The Amazon CloudFront distribution is configured to block access from your country."),
            ErrorCode::GeoBlocked
        );
        assert_eq!(code(403, "<Error><Code>AccessDenied</Code></Error>"), ErrorCode::HttpStatus);
        assert_eq!(code(503, "<Error><Code>SlowDown</Code></Error>"), ErrorCode::Throttled);
        assert_eq!(code(503, ""), ErrorCode::HttpStatus);
        assert_eq!(code(429, ""), ErrorCode::Throttled);
        assert_eq!(code(451, ""), ErrorCode::GeoBlocked);
    }

    #[test]
    fn bodies_of_any_bytes_are_read_without_harm() {
        assert_eq!(code(500, "<Code>"), ErrorCode::HttpStatus);
        assert_eq!(classify_status(500, &[0xff; 10_000]).code(), ErrorCode::HttpStatus);
    }
}
