//! A CMAF segment out of the demo title.

use bytes::Bytes;

const FILE: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../conformance/media/demo/v720.mp4"));

/// Bytes that arrive at once.
pub const PIECE: usize = 64 << 10;

/// The demo title's 720p rendition: its initialisation section, and all its fragments as one segment.
pub fn demo() -> (Bytes, Bytes) {
    let file = Bytes::from_static(FILE);
    let fragments = boxes(FILE).find(|(_, kind)| *kind == *b"moof").map_or(FILE.len(), |(offset, _)| offset);
    (file.slice(..fragments), file.slice(fragments..))
}

/// Offset and type of every box at the top.
fn boxes(file: &[u8]) -> impl Iterator<Item = (usize, [u8; 4])> + '_ {
    let mut offset = 0;
    std::iter::from_fn(move || {
        let (size, rest) = file.get(offset..)?.split_first_chunk::<4>()?;
        let found = (offset, *rest.first_chunk()?);
        offset += (u32::from_be_bytes(*size) as usize).max(8);
        Some(found)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_segment_is_two_megabytes_of_fragments() {
        let (init, segment) = demo();
        assert_eq!(init.get(4..8), Some(b"ftyp".as_slice()));
        assert_eq!(segment.get(4..8), Some(b"moof".as_slice()));
        assert!((2_000_000..2_500_000).contains(&segment.len()), "{}", segment.len());
    }
}
