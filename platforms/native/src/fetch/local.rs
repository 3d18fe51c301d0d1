//! What needs no network: files, memory, `data:` URLs.

use std::collections::BTreeMap;
use std::io::SeekFrom;

use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::DecodePaddingMode;
use base64::Engine as _;
use bytes::{Bytes, BytesMut};
use percent_encoding::percent_decode_str;
use telecine_engine::{FetchRequest, ResponseHead};
use telecine_model::ErrorCode;
use telecine_virtual::Failure;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use super::{Out, Stop};

/// Bytes read from a file at a time.
const READ: usize = 256 << 10;

pub(super) async fn file(request: &FetchRequest, out: &Out<'_>) -> Result<(), Stop> {
    let unreadable = |error: std::io::Error| Failure::new(ErrorCode::SourceUnreadable, error.to_string());
    let path = reqwest::Url::parse(&request.url).ok().and_then(|url| url.to_file_path().ok());
    let path = path.ok_or_else(|| Failure::new(ErrorCode::InvalidUrl, "the URL names no file of this device"))?;
    // Before it is opened, because opening a pipe waits for a writer; after it too, because the path
    // may name something else by then.
    length(&tokio::fs::metadata(&path).await.map_err(unreadable)?)?;
    let mut file = tokio::fs::File::open(path).await.map_err(unreadable)?;
    let total = length(&file.metadata().await.map_err(unreadable)?)?;
    let (offset, mut left) = span(request, total)?;
    head(request, left, None, out).await?;
    file.seek(SeekFrom::Start(offset)).await.map_err(unreadable)?;
    while left > 0 {
        let want = usize::try_from(left).unwrap_or(READ).min(READ);
        let mut chunk = BytesMut::with_capacity(want);
        if file.read_buf(&mut chunk).await.map_err(unreadable)? == 0 {
            return Err(Failure::new(ErrorCode::BodyLengthMismatch, "the file became shorter").into());
        }
        chunk.truncate(want);
        left -= chunk.len() as u64;
        out.chunk(chunk.freeze()).await?;
    }
    Ok(())
}

/// The length of a regular file; anything else is refused.
fn length(metadata: &std::fs::Metadata) -> Result<u64, Failure> {
    if metadata.is_file() {
        Ok(metadata.len())
    } else {
        Err(Failure::new(ErrorCode::SourceUnreadable, "it is not a file"))
    }
}

pub(super) async fn memory(
    registry: &BTreeMap<String, Bytes>,
    request: &FetchRequest,
    out: &Out<'_>,
) -> Result<(), Stop> {
    let key = request.url.split('#').next().unwrap_or("");
    let missing = || Failure::new(ErrorCode::SourceUnreadable, "nothing is registered under this URL");
    let bytes = registry.get(key).ok_or_else(missing)?;
    send(bytes, None, request, out).await
}

/// RFC 2397.
pub(super) async fn data(request: &FetchRequest, out: &Out<'_>) -> Result<(), Stop> {
    let malformed = || Failure::new(ErrorCode::InvalidUrl, "the data: URL is malformed");
    let url = request.url.split('#').next().unwrap_or("");
    let (_, rest) = url.split_once(':').ok_or_else(malformed)?;
    let (kind, payload) = rest.split_once(',').ok_or_else(malformed)?;
    let payload: Vec<u8> = percent_decode_str(payload).collect();
    let (kind, payload) = match kind.strip_suffix(";base64") {
        Some(kind) => {
            let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
            let engine = GeneralPurpose::new(&base64::alphabet::STANDARD, lenient);
            (kind, engine.decode(payload).map_err(|_| malformed())?)
        }
        None => (kind, payload),
    };
    let kind = if kind.is_empty() { "text/plain" } else { kind };
    send(&payload.into(), Some(kind), request, out).await
}

async fn send(bytes: &Bytes, kind: Option<&str>, request: &FetchRequest, out: &Out<'_>) -> Result<(), Stop> {
    let (offset, length) = span(request, bytes.len() as u64)?;
    head(request, length, kind, out).await?;
    // Within the slice, so both fit.
    let (from, to) = (offset as usize, (offset + length) as usize);
    out.chunk(bytes.slice(from..to)).await
}

async fn head(request: &FetchRequest, length: u64, kind: Option<&str>, out: &Out<'_>) -> Result<(), Stop> {
    out.head(ResponseHead {
        id: request.id,
        status: if request.byte_range.is_some() { 206 } else { 200 },
        url: request.url.clone(),
        version: None,
        content_length: Some(length),
        content_type: kind.map(str::to_owned),
        retry_after: None,
        date: None,
        age_s: None,
        // Says nothing about the network.
        from_cache: true,
        etag: None,
        last_modified: None,
        cmsd: Vec::new(),
    })
    .await
}

/// Offset and length of what is asked for, of a source of `total` bytes.
fn span(request: &FetchRequest, total: u64) -> Result<(u64, u64), Failure> {
    let (offset, length) = match request.byte_range {
        Some(range) if range.offset >= total => {
            let message = format!("byte {} was asked for of {total}", range.offset);
            return Err(Failure::new(ErrorCode::RangeMismatch, message));
        }
        Some(range) => (range.offset, range.length.min(total - range.offset)),
        None => (0, total),
    };
    if length > request.max_bytes {
        return Err(Failure::new(ErrorCode::BodyTooLarge, format!("more than {} bytes", request.max_bytes)));
    }
    Ok((offset, length))
}
