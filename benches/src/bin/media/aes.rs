//! AES itself, beside openssl's.

use telecine_drm::{CipherBackend, ContentKey, KeyedCipher, SoftwareAes};

use super::tools::{output, thread_seconds, Spread};
use super::Result;

const SIZE: usize = 16 << 10;

type Work = fn(&dyn KeyedCipher, &mut [u8]) -> std::result::Result<(), telecine_model::Error>;

/// Prints a table: GB/s of ours and of `openssl speed`, in turn.
pub(crate) fn table(rounds: usize) -> Result<()> {
    let modes: [(&str, Work, &[&str]); 2] = [
        ("AES-128-CTR", |cipher, data| cipher.counter(&[7; 16], 0, data), &["-evp", "aes-128-ctr"]),
        ("AES-128-CBC, decrypt", |cipher, data| cipher.chain(&mut [7; 16], data), &["-decrypt", "-evp", "aes-128-cbc"]),
    ];
    println!("| cipher, 16 KiB at a time | telecine, GB/s | openssl, GB/s | ratio | least–most |");
    println!("|---|---:|---:|---:|---:|");
    let cipher = SoftwareAes.open(&ContentKey::new([0x2b; 16]))?;
    for (name, work, options) in modes {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..rounds.max(1) {
            ours.push(speed(&*cipher, work)?);
            theirs.push(openssl(options)?);
        }
        let ratio = Spread::of(ours.iter().zip(&theirs).map(|(ours, theirs)| ours / theirs).collect());
        println!(
            "| {name} | {:.2} | {:.2} | **{:.2}** | {:.2}–{:.2} |",
            Spread::of(ours).median / 1e9,
            Spread::of(theirs).median / 1e9,
            ratio.median,
            ratio.least,
            ratio.most,
        );
    }
    Ok(())
}

/// Bytes a second, in seconds of this thread.
fn speed(cipher: &dyn KeyedCipher, work: Work) -> Result<f64> {
    let mut data = vec![0x5a; SIZE];
    let mut bytes = 0.0;
    let start = thread_seconds()?;
    loop {
        for _ in 0..20_000 {
            work(cipher, std::hint::black_box(&mut data))?;
        }
        bytes += 20_000.0 * SIZE as f64;
        let passed = thread_seconds()? - start;
        if passed > 1.0 {
            return Ok(bytes / passed);
        }
    }
}

/// The same of openssl, which counts seconds of its own too.
fn openssl(options: &[&str]) -> Result<f64> {
    let size = SIZE.to_string();
    let text = output("openssl", &[&["speed", "-bytes", &size, "-seconds", "1"], options].concat())?;
    // The last line is the name and thousands of bytes a second.
    let number =
        text.lines().last().and_then(|line| line.split_whitespace().last()?.strip_suffix('k')?.parse::<f64>().ok());
    number.map(|thousands| thousands * 1e3).ok_or_else(|| format!("openssl says {text}").into())
}
