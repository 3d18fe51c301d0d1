//! Transport streams or packed audio to one fragmented MP4: `remux [--sample-aes KID:IV] OUT SEGMENT...`.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::process::ExitCode;

use telecine_container::{SampleAes, StreamOptions, StreamReader, StreamUnit};
use telecine_model::protection::KeyId;
use telecine_model::Limits;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1).peekable();
    let mut reader = StreamReader::new(&StreamOptions::default(), &Limits::default());
    if arguments.next_if(|argument| argument == "--sample-aes").is_some() {
        let argument = arguments.next().unwrap_or_default();
        let (kid, iv) = argument.split_once(':').ok_or("--sample-aes KID:IV")?;
        reader.set_protection(Some(SampleAes { key_id: KeyId(hex(kid)?), iv: hex(iv)? }));
    }
    let out = arguments.next().ok_or("remux [--sample-aes KID:IV] OUT SEGMENT...")?;
    let mut out = BufWriter::new(File::create(out)?);
    for segment in arguments {
        let mut file = File::open(segment)?;
        reader.next_segment(false);
        let mut piece = vec![0; 256 << 10];
        loop {
            let count = file.read(&mut piece)?;
            if count == 0 {
                break;
            }
            reader.push(bytes::Bytes::copy_from_slice(&piece[..count]));
            drain(&mut reader, &mut out)?;
        }
        reader.finish()?;
        drain(&mut reader, &mut out)?;
    }
    out.flush()?;
    eprintln!("{:?}", reader.counters());
    Ok(())
}

fn hex(text: &str) -> Result<[u8; 16], Box<dyn std::error::Error>> {
    Ok(u128::from_str_radix(text, 16)?.to_be_bytes())
}

fn drain(reader: &mut StreamReader, out: &mut impl Write) -> Result<(), Box<dyn std::error::Error>> {
    while let Some(unit) = reader.poll()? {
        match unit {
            StreamUnit::Init(init) => out.write_all(&init.data)?,
            StreamUnit::Fragment(fragment) => fragment.data.iter().try_for_each(|piece| out.write_all(piece))?,
            StreamUnit::Metadata(metadata) => eprintln!("{:?} {:?}", metadata.time, metadata.tag.frames),
            StreamUnit::Captions(captions) => eprintln!("{} captions {:02x?}", captions.time, captions.triplets),
            StreamUnit::Warning(warning) => eprintln!("{warning}"),
            _ => {}
        }
    }
    Ok(())
}
