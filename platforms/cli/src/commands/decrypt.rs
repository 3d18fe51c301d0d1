//! `telecine decrypt`: protected media to clear.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use telecine_container::{AudioSelection, Container, InitSegment, IsoReader, Unit};
use telecine_drm::{SegmentDecryptor, SegmentKey, SoftwareAes};
use telecine_model::protection::{KeyId, KeyMethod};
use telecine_model::{Error, ErrorCode, Limits};

use super::remux::Document;
use crate::args::{ContentKey, Decrypt, GivenKey, Method};
use crate::document::WarningEntry;
use crate::media::{self, about, init_wanted, Beginning, Input, Keys, Output, Progress, Written};

/// Runs the command.
pub(crate) fn run(args: &Decrypt) -> Result<(), Error> {
    let started = Instant::now();
    media::check_targets(std::slice::from_ref(&args.input), &args.output)?;
    let limits = Limits::default();
    let method = match args.method {
        Some(method) => method,
        None => method_of(args)?,
    };
    let done = match method {
        Method::Cenc => fragments(args, &limits),
        Method::SampleAes => return sample_aes(args, &limits, started),
        Method::Aes128 => segment(args, &KeyMethod::Aes128),
        Method::Aes256 => segment(args, &KeyMethod::Aes256),
        Method::Aes256Gcm => segment(args, &KeyMethod::Aes256Gcm),
    };
    let here = |error| about(init_wanted(error, &args.input, args.init.as_deref()), &args.input);
    let (written, samples) = done.map_err(here)?;
    let inputs = std::slice::from_ref(&args.input);
    Document::new(inputs, &[written], Vec::new(), samples, started).print(args.json)
}

/// How a file is protected, by what it is. A segment that is encrypted as a whole is nothing that is known.
fn method_of(args: &Decrypt) -> Result<Method, Error> {
    let found = media::container_of(&args.input).map_err(|error| about(error, &args.input))?;
    Ok(match found {
        Some(Container::IsoBmff) => Method::Cenc,
        Some(container) if container.is_stream() => Method::SampleAes,
        Some(container) => {
            let name = media::container_name(container);
            let message = format!("'{}' is {name}, which is never protected", args.input.display());
            return Err(usage(message));
        }
        None if args.key.iter().any(|key| matches!(key, GivenKey::Bare(SegmentKey::Aes256(_)))) => Method::Aes256,
        None => Method::Aes128,
    })
}

fn usage(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::InvalidArgument, message)
}

/// Common Encryption in fragmented MP4.
fn fragments(args: &Decrypt, limits: &Limits) -> Result<(Written, u64), Error> {
    let mut named: Vec<&ContentKey> = Vec::new();
    for key in &args.key {
        match key {
            GivenKey::Named(key) => named.push(key),
            GivenKey::Bare(_) => {
                return Err(usage("keys of samples are KID:KEY: each sample says which one it is under"))
            }
        }
    }
    let keys = Keys::new(named)?;
    let init = match &args.init {
        Some(path) => Some(initialisation(path, limits).map_err(|error| about(error, path))?),
        None => None,
    };
    let mut out = Output::create(&args.output)?;
    let (tracks, samples) = media::clear_fragments(&args.input, init, &keys, limits, &mut out)?;
    Ok((Written { path: args.output.clone(), bytes: out.finish()?, tracks }, samples))
}

/// The initialisation segment in a file.
fn initialisation(path: &Path, limits: &Limits) -> Result<Arc<InitSegment>, Error> {
    let mut input = Input::open(path)?;
    let mut reader = IsoReader::new(limits);
    while let Some(piece) = input.next()? {
        reader.push(piece);
        while let Some(unit) = reader.poll()? {
            if let Unit::Init(init) = unit {
                return Ok(init);
            }
        }
    }
    Err(Error::new(ErrorCode::InitMissing, "there is no moov box in it"))
}

/// SAMPLE-AES in transport streams and packed audio. What comes out is CMAF.
fn sample_aes(args: &Decrypt, limits: &Limits, started: Instant) -> Result<(), Error> {
    let given = match &args.key[..] {
        [GivenKey::Named(key)] => key.clone(),
        [GivenKey::Bare(SegmentKey::Aes128(key))] => ContentKey { id: KeyId([0; 16]), key: key.clone() },
        [_] => return Err(usage("SAMPLE-AES has keys of 16 bytes")),
        _ => return Err(usage("a stream is under one key: give one --key")),
    };
    let Some(iv) = args.iv else {
        return Err(usage("SAMPLE-AES needs --iv, the IV attribute of its EXT-X-KEY"));
    };
    if args.output.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("ts")) {
        return Err(usage("SAMPLE-AES comes out as fragmented MP4: call the output .mp4"));
    }
    let keys = Keys::new([&given])?;
    let targets = [(media::options(true, AudioSelection::All), args.output.clone())];
    let inputs = std::slice::from_ref(&args.input);
    let done = media::remux(inputs, &targets, Some((keys.sample_aes(iv), &keys)), limits)?;
    let warnings = done.warnings.iter().map(WarningEntry::from).collect();
    Document::new(inputs, &done.files, warnings, done.decrypted, started).print(args.json)
}

/// A segment that is encrypted as a whole.
fn segment(args: &Decrypt, method: &KeyMethod) -> Result<(Written, u64), Error> {
    let key = match &args.key[..] {
        [GivenKey::Bare(key)] => key.clone(),
        [GivenKey::Named(key)] => SegmentKey::Aes128(key.key.clone()),
        _ => return Err(usage("a segment is under one key: give one --key")),
    };
    let sequence = match (args.iv, args.sequence) {
        // The vector of a sealed segment is in the segment.
        (None, None) if *method != KeyMethod::Aes256Gcm => {
            let message = format!(
                "'{}' is no media that is known; if it is encrypted as a whole, give --iv (the IV attribute of its \
                 EXT-X-KEY) or --sequence (its media sequence number)",
                args.input.display()
            );
            return Err(usage(message));
        }
        (_, sequence) => sequence.unwrap_or(0),
    };
    let mut decryptor = SegmentDecryptor::new(&SoftwareAes, method, &key, args.iv, sequence)?;
    let mut input = Input::open(&args.input)?;
    let mut progress = Progress::new(input.length());
    let mut out = Output::create(&args.output)?;
    // What is sealed comes out whole or not at all.
    let mut beginning = (!args.raw && *method != KeyMethod::Aes256Gcm).then(Beginning::default);
    while let Some(piece) = input.next()? {
        progress.add(piece.len() as u64);
        let clear = decryptor.push(piece)?;
        if let Some(beginning) = &mut beginning {
            beginning.check(&clear, false)?;
        }
        out.write(&clear)?;
    }
    let rest = decryptor.finish()?;
    if let Some(beginning) = &mut beginning {
        rest.iter().try_for_each(|piece| beginning.check(piece, false))?;
        beginning.check(&[], true)?;
    }
    out.write_all(&rest)?;
    Ok((Written { path: args.output.clone(), bytes: out.finish()?, tracks: Vec::new() }, 0))
}
