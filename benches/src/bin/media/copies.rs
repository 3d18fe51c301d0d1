//! How often a byte of media is copied on its way, and reading alone.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use telecine_container::{InitSegment, IsoReader, StreamOptions, StreamReader, Unit};
use telecine_drm::SampleDecryptor;
use telecine_model::protection::KeyId;
use telecine_model::{Error, Limits};

use super::inputs::{self, Inputs};
use super::Result;

/// As much as arrives at once.
const PIECE: usize = 256 << 10;

fn pieces(path: &Path, mut each: impl FnMut(Bytes) -> std::result::Result<(), Error>) -> Result<u64> {
    let mut file = File::open(path)?;
    let mut total = 0;
    loop {
        let mut piece = Vec::with_capacity(PIECE);
        let read = (&mut file).take(PIECE as u64).read_to_end(&mut piece)?;
        if read == 0 {
            return Ok(total);
        }
        total += read as u64;
        each(piece.into())?;
    }
}

/// Reads a fragmented file: every sample with its time and place.
pub(crate) fn demux(path: &Path) -> Result<()> {
    let mut reader = IsoReader::new(&Limits::default());
    let (mut samples, mut media, mut last) = (0_u64, 0_u64, 0_i64);
    let mut drain = |reader: &mut IsoReader| {
        while let Some(unit) = reader.poll()? {
            if let Unit::Fragment(fragment) = unit {
                for sample in fragment.tracks.iter().flat_map(|track| &track.samples) {
                    samples += 1;
                    media += fragment.sample(sample).map_or(0, |bytes| bytes.len() as u64);
                    last = last.max(sample.pts());
                }
            }
        }
        Ok::<(), Error>(())
    };
    pieces(path, |piece| {
        reader.push(piece);
        drain(&mut reader)
    })?;
    reader.finish()?;
    drain(&mut reader)?;
    println!("{samples} samples, {media} bytes, the last at {last}");
    Ok(())
}

/// Prints a table of bytes copied for each byte of media that is handed on.
pub(crate) fn table(inputs: &Inputs) -> Result<()> {
    println!("| path, pieces of 256 KiB | bytes copied a byte of input |");
    println!("|---|---:|");
    println!("| fMP4, clear | {:.2} |", decrypted(&inputs.clear, None)?);
    for (scheme, file) in &inputs.protected {
        println!("| fMP4, {scheme} | {:.2} |", decrypted(file, Some(()))?);
    }
    let mut reader = StreamReader::new(&StreamOptions::default(), &Limits::default());
    pieces(&inputs.stream, |piece| {
        reader.push(piece);
        while let Some(unit) = reader.poll()? {
            std::hint::black_box(unit);
        }
        Ok(())
    })?;
    reader.finish()?;
    let counters = reader.counters();
    println!("| TS to fMP4 | {:.2} |", counters.copied as f64 / counters.bytes as f64);
    Ok(())
}

fn decrypted(path: &Path, key: Option<()>) -> Result<f64> {
    let mut decryptor = SampleDecryptor::default();
    let kid = KeyId::parse(inputs::KID).ok_or("a key id")?;
    if key.is_some() {
        decryptor.insert(kid, &inputs::KEY.parse()?)?;
    }
    let mut reader = IsoReader::new(&Limits::default());
    let mut init: Option<Arc<InitSegment>> = None;
    let mut copied = 0;
    let mut drain = |reader: &mut IsoReader| {
        while let Some(unit) = reader.poll()? {
            match unit {
                Unit::Init(found) => init = Some(found),
                Unit::Fragment(mut fragment) => {
                    if let Some(init) = &init {
                        let encryption = fragment.encryption(init)?;
                        copied += fragment.decrypt_with(&encryption, |how, bytes| decryptor.decrypt(how, bytes))?;
                    }
                    std::hint::black_box(fragment);
                }
                _ => {}
            }
        }
        Ok::<(), Error>(())
    };
    let total = pieces(path, |piece| {
        reader.push(piece);
        drain(&mut reader)
    })?;
    reader.finish()?;
    drain(&mut reader)?;
    Ok(copied as f64 / total as f64)
}
