//! How much memory the command takes at most follows from what it reads, not from what it writes.
#![cfg(target_os = "linux")]

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::common::{data, folder};

/// The most memory, in MiB, that the command ever had resident when half of `expected` bytes were
/// written: by then everything that it holds is there, and it waits for its reader.
fn peak_mib(folder: &Path, args: &[&str], expected: u64) -> u64 {
    let mut child = Command::new(env!("CARGO_BIN_EXE_telecine"))
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let mut out = child.stdout.take().expect("piped");
    let read = std::io::copy(&mut (&mut out).take(expected / 2), &mut std::io::sink()).expect("readable");
    assert_eq!(read, expected / 2, "less was written than thought");
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).expect("it still runs");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("told by the system");
    let kib: u64 = peak.trim().trim_end_matches(" kB").parse().expect("a number");
    let rest = std::io::copy(&mut out, &mut std::io::sink()).expect("readable");
    assert!(rest > 1 << 17, "what was still to come filled more than a pipe: {rest}");
    assert!(child.wait().expect("it ends").success());
    kib / 1024
}

#[test]
fn two_hundred_thousand_segments_are_inspected_in_the_memory_of_their_playlist() {
    let mut text = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-PLAYLIST-TYPE:VOD\n".to_owned();
    for number in 0..200_000 {
        text.push_str(&format!("#EXTINF:3.84,\ns{number:07}.ts\n"));
    }
    text.push_str("#EXT-X-ENDLIST\n");
    let folder = folder(&[("long.m3u8", &text)]);
    let json = peak_mib(folder.path(), &["inspect", "long.m3u8", "--segments", "--json"], 80_000_000);
    let table = peak_mib(folder.path(), &["inspect", "long.m3u8", "--segments"], 10_000_000);
    assert!(json < 64 && table < 64, "{json} MiB for the document, {table} MiB for the table");
}

#[test]
fn a_large_file_is_probed_in_the_memory_of_its_tables() {
    let whole = std::fs::read(data("fragmented.mp4")).expect("a file");
    let at = whole.windows(4).position(|name| name == b"moof").expect("a fragment") - 4;
    let folder = folder(&[]);
    let mut file = std::fs::File::create(folder.path().join("large.mp4")).expect("a file");
    file.write_all(&whole[..at]).expect("room");
    for _ in 0..200 {
        file.write_all(&whole[at..]).expect("room");
    }
    // A free box of 256 MiB that occupies no disk.
    file.write_all(&(256_u32 << 20).to_be_bytes()).expect("room");
    file.write_all(b"free").expect("room");
    let length = file.metadata().expect("open").len() + (256 << 20) - 8;
    file.set_len(length).expect("sparse");
    let peak = peak_mib(folder.path(), &["probe", "large.mp4", "--json"], 1_000_000);
    assert!(peak < 64, "{peak} MiB");
}
