//! A second, naive reader of fragments: it looks for box types in the bytes, and knows nothing of the origin's code.

/// Position of the first box of a type.
fn find(data: &[u8], kind: &[u8; 4]) -> usize {
    data.windows(4).position(|w| w == kind).unwrap_or_else(|| panic!("no {}", String::from_utf8_lossy(kind)))
}

fn u32_at(data: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(data[at..at + 4].try_into().expect("four bytes"))
}

fn u64_at(data: &[u8], at: usize) -> u64 {
    u64::from_be_bytes(data[at..at + 8].try_into().expect("eight bytes"))
}

/// The 64-bit decode time of a fragment.
pub(crate) fn decode_time(fragment: &[u8]) -> u64 {
    let at = find(fragment, b"tfdt") + 4;
    assert_eq!(fragment[at], 1, "a 64-bit decode time");
    u64_at(fragment, at + 4)
}

/// The sequence number of a fragment.
pub(crate) fn sequence(fragment: &[u8]) -> u32 {
    u32_at(fragment, find(fragment, b"mfhd") + 8)
}

/// The number of samples of a fragment.
pub(crate) fn samples(fragment: &[u8]) -> u32 {
    u32_at(fragment, find(fragment, b"trun") + 8)
}

/// Types and sizes of the boxes at the top of the bytes, which they must fill exactly.
pub(crate) fn top_boxes(data: &[u8]) -> Vec<(String, usize)> {
    let mut boxes = Vec::new();
    let mut at = 0;
    while at < data.len() {
        let size = u32_at(data, at) as usize;
        assert!(size >= 8 && at + size <= data.len(), "box at {at} of {}", data.len());
        boxes.push((String::from_utf8_lossy(&data[at + 4..at + 8]).into_owned(), size));
        at += size;
    }
    boxes
}

/// One subsegment that an index points to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subsegment {
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) time: u64,
    pub(crate) duration: u64,
}

/// Everything that a version 1 `sidx` at a position of a file leads to (ISO/IEC 14496-12, 8.16.3).
pub(crate) fn indexed(file: &[u8], at: usize) -> Vec<Subsegment> {
    assert_eq!(&file[at + 4..at + 8], b"sidx");
    assert_eq!(file[at + 8], 1, "version");
    let mut time = u64_at(file, at + 20);
    let mut position = at as u64 + u64::from(u32_at(file, at)) + u64_at(file, at + 28);
    let count = usize::from(u16::from_be_bytes([file[at + 38], file[at + 39]]));
    let mut found = Vec::new();
    for n in 0..count {
        let reference = at + 40 + 12 * n;
        let size = u64::from(u32_at(file, reference) & 0x7fff_ffff);
        let duration = u64::from(u32_at(file, reference + 4));
        if file[reference] & 0x80 != 0 {
            let nested = indexed(file, position as usize);
            assert_eq!(nested.first().map(|s| s.time), Some(time));
            assert_eq!(nested.iter().map(|s| s.duration).sum::<u64>(), duration);
            assert_eq!(nested.last().map(|s| s.end), Some(position + size));
            found.extend(nested);
        } else {
            assert_eq!(file[reference + 8], 0x90, "starts with a stream access point of type 1");
            found.push(Subsegment { start: position, end: position + size, time, duration });
        }
        position += size;
        time += duration;
    }
    found
}
