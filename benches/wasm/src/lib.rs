//! AES of the core in WebAssembly, for `run.mjs` to measure. Plain exports: nothing between the two but memory.

use std::cell::RefCell;

use telecine_drm::{CipherBackend, ContentKey, KeyedCipher, SoftwareAes};

/// The largest buffer that is measured.
const MOST: usize = 4 << 20;

thread_local! {
    static CIPHER: RefCell<Option<Box<dyn KeyedCipher>>> = const { RefCell::new(None) };
    static DATA: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Makes the key ready and gives the buffer: the key is 16 bytes of 0x2b.
#[unsafe(no_mangle)]
pub extern "C" fn begin() -> *mut u8 {
    let opened = SoftwareAes.open(&ContentKey::new([0x2b; 16])).ok();
    CIPHER.with(|cipher| *cipher.borrow_mut() = opened);
    DATA.with(|data| {
        let mut data = data.borrow_mut();
        data.resize(MOST, 0);
        data.as_mut_ptr()
    })
}

/// Decrypts the first bytes of the buffer; 0 for counter mode, 1 for chained blocks, 2 for a pattern of 1:9 of them. The
/// vector is 16 bytes of 7. False if that was not possible.
#[unsafe(no_mangle)]
pub extern "C" fn decrypt(mode: u32, length: usize) -> bool {
    CIPHER.with(|cipher| {
        DATA.with(|data| {
            let (cipher, mut data) = (cipher.borrow(), data.borrow_mut());
            let (Some(cipher), Some(bytes)) = (cipher.as_ref(), data.get_mut(..length)) else { return false };
            match mode {
                0 => cipher.counter(&[7; 16], 0, bytes).is_ok(),
                1 => cipher.chain(&mut [7; 16], bytes).is_ok(),
                _ => cipher.pattern_chain(&mut [7; 16], bytes, 1, 9).is_ok(),
            }
        })
    })
}
