//! How fast samples are decrypted, in MB/s: `cargo run --release -p telecine-drm --example throughput [SECONDS]`.
//!
//! Beside it: `openssl speed -evp aes-128-ctr` and `openssl speed -decrypt -evp aes-128-cbc`.

use std::time::Instant;

use telecine_drm::{CipherBackend, ContentKey, KeyedCipher, SoftwareAes};
use telecine_model::Error;

type Work<'a> = &'a dyn Fn(&dyn KeyedCipher, &mut [u8]) -> Result<(), Error>;

fn main() -> Result<(), Error> {
    let seconds = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(0.3);
    let key = ContentKey::new([0x2b; 16]);
    let modes: [(&str, Work<'_>); 5] = [
        ("counter (cenc)", &|cipher, data| cipher.counter(&[7; 16], 0, data)),
        ("chain (cbc1, AES-128)", &|cipher, data| cipher.chain(&mut [7; 16], data)),
        ("chain 1:9 (cbcs)", &|cipher, data| cipher.pattern_chain(&mut [7; 16], data, 1, 9)),
        ("chain 5:5", &|cipher, data| cipher.pattern_chain(&mut [7; 16], data, 5, 5)),
        ("counter 1:9 (cens)", &|cipher, data| cipher.pattern_counter(&[7; 16], &mut 0, data, 1, 9)),
    ];
    let backends: &[(&str, &dyn CipherBackend)] = &[
        ("RustCrypto", &SoftwareAes),
        #[cfg(feature = "aws-lc")]
        ("aws-lc", &telecine_drm::AwsLcAes),
    ];
    for (backend, open) in backends {
        let cipher = open.open(&key)?;
        for (mode, work) in modes {
            print!("{backend:12} {mode:22}");
            for size in [160, 400, 1024, 16_384, 262_144] {
                print!(" {size:>7} B {:>6.0}", best(&*cipher, work, size, seconds)?);
            }
            println!();
        }
    }
    Ok(())
}

/// The best of five runs.
fn best(cipher: &dyn KeyedCipher, work: Work<'_>, size: usize, seconds: f64) -> Result<f64, Error> {
    let mut data = vec![0x5a; size];
    for _ in 0..50 {
        work(cipher, &mut data)?;
    }
    let mut best = 0.0_f64;
    for _ in 0..5 {
        let start = Instant::now();
        let mut bytes = 0_u64;
        while start.elapsed().as_secs_f64() < seconds {
            for _ in 0..(1 << 20) / size + 1 {
                work(cipher, std::hint::black_box(&mut data))?;
                bytes += size as u64;
            }
        }
        best = best.max(bytes as f64 / start.elapsed().as_secs_f64() / 1e6);
    }
    Ok(best)
}
