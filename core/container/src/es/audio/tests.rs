use telecine_model::rng::Rng;

use super::*;

/// A header of ADTS: stereo with a sampling rate by its index, for a frame of so many bytes.
fn header(rate: u8, size: usize) -> [u8; 7] {
    let size = u16::try_from(size).expect("13 bits");
    let [fourth, fifth] = [0x80 | (size >> 11) as u8, (size >> 3) as u8];
    [0xff, 0xf1, 0x40 | rate << 2, fourth, fifth, (size << 5) as u8 | 0x1f, 0xfc]
}

fn frame(rate: u8, size: usize) -> Vec<u8> {
    [&header(rate, size)[..], &vec![0x21; size - 7]].concat()
}

/// What becomes of a stream that comes in pieces of `step` bytes, and how many bytes were looked at inside of what
/// headers claimed.
fn read(bytes: &[u8], step: usize) -> (Vec<Framed>, u64) {
    let mut framer = AudioFramer::new(AudioCodec::Adts, false, 0);
    let mut all = Vec::new();
    for piece in bytes.chunks(step) {
        framer.push(Bytes::copy_from_slice(piece));
        all.extend(std::iter::from_fn(|| framer.next(false)));
    }
    all.extend(std::iter::from_fn(|| framer.next(true)));
    (all, framer.looked)
}

/// Sizes of the frames, and how much was no frame.
fn sizes(all: &[Framed]) -> (Vec<usize>, u64) {
    let skipped = all.iter().map(|framed| if let Framed::Skipped(bytes) = framed { *bytes } else { 0 }).sum();
    let size = |framed: &Framed| if let Framed::Unit(unit) = framed { Some(unit.data.len() + 7) } else { None };
    (all.iter().filter_map(size).collect(), skipped)
}

#[test]
fn headers_that_claim_much_cost_a_few_looks_at_each_byte_however_many_they_are() {
    const MOST: usize = 8191;
    let garbage = vec![0; 2 * MOST];
    let begin = [frame(3, 8), frame(3, 8)].concat();
    // Each claims the rest, and hides frames at once; or far away, one kind behind the other; or hides none.
    let near = [header(3, MOST).to_vec(), frame(3, 8), frame(3, 8)].concat().repeat(2_000);
    let kinds = |of: &dyn Fn(u8) -> Vec<u8>| (0..12).flat_map(of).collect::<Vec<u8>>();
    let claims = kinds(&|rate| [frame(rate, 8), frame(rate, 8), header(rate, MOST).to_vec()].concat());
    let hidden = kinds(&|rate| [frame(rate, 8), frame(rate, 8)].concat());
    let far = [claims, garbage[..MOST - 700].to_vec(), hidden].concat().repeat(20);
    let none = [begin.clone(), header(3, MOST).to_vec()].concat();
    let none = [none, vec![0xff; 2 * MOST]].concat().repeat(20);
    // Each needs a byte more than there is.
    let half = header(3, MOST).repeat(2_000);
    for (name, claims) in [("near", near), ("far", far), ("none", none), ("half", half)] {
        let bytes = [&begin[..], &claims, &garbage].concat();
        for step in [184, bytes.len()] {
            let looked = read(&bytes, step).1;
            assert!(looked > 0 && looked < 5 * bytes.len() as u64, "{name}: {looked} of {}", bytes.len());
        }
    }
}

#[test]
fn garbage_with_headers_in_it_hides_nothing_and_it_does_not_matter_how_it_comes() {
    let mut rng = Rng::new(7);
    for _ in 0..300 {
        let mut bytes = Vec::new();
        let mut told = Vec::new();
        for _ in 0..rng.below(6) + 1 {
            for _ in 0..rng.below(4) + 2 {
                let size = 8 + 4 * rng.below(100) as usize;
                bytes.extend(frame(3, size));
                told.push(size);
            }
            // Where a claim ends at a frame, or has none inside, it is a frame as good as any: frames begin at
            // multiples of four here, and no claim ends there or before the next two.
            for _ in 0..rng.below(3) {
                bytes.extend(header(3, 1_602 + 4 * rng.below(1_600) as usize));
                bytes.extend(vec![0x55; 1 + 4 * rng.below(50) as usize]);
            }
        }
        bytes.extend(frame(3, 100).repeat(3));
        told.extend([100; 3]);
        let whole = read(&bytes, bytes.len()).0;
        for step in [1, 7, 184, 1_000] {
            assert_eq!(read(&bytes, step).0, whole, "in pieces of {step} bytes");
        }
        let framed: usize = told.iter().sum();
        assert_eq!(sizes(&whole), (told, (bytes.len() - framed) as u64));
    }
}
