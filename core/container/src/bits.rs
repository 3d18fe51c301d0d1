//! Bits of headers and configurations.

/// Reads bits, most significant first; past the end it reads nothing.
#[derive(Clone, Debug)]
pub(crate) struct Bits<'a> {
    bytes: &'a [u8],
    /// The next bit.
    at: usize,
}

impl<'a> Bits<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Up to 32 bits.
    pub(crate) fn take(&mut self, count: usize) -> Option<u32> {
        let end = self.at.checked_add(count)?;
        if count > 32 || end > self.bytes.len().saturating_mul(8) {
            return None;
        }
        let mut value = 0_u64;
        for byte in self.bytes.get(self.at / 8..end.div_ceil(8))? {
            value = value << 8 | u64::from(*byte);
        }
        self.at = end;
        let spare = end.div_ceil(8) * 8 - end;
        Some((value >> spare & ((1 << count) - 1)) as u32)
    }

    /// One bit.
    pub(crate) fn flag(&mut self) -> Option<bool> {
        self.take(1).map(|bit| bit == 1)
    }

    /// Passes over bits.
    pub(crate) fn skip(&mut self, count: usize) -> Option<()> {
        let end = self.at.checked_add(count)?;
        if end > self.bytes.len().saturating_mul(8) {
            return None;
        }
        self.at = end;
        Some(())
    }

    /// So many bytes, wherever they begin.
    pub(crate) fn take_bytes(&mut self, count: usize) -> Option<Vec<u8>> {
        let (first, shift) = (self.at / 8, self.at % 8);
        let mut before = self.clone();
        before.skip(count.checked_mul(8)?)?;
        // With a shift, the last byte has bits in one more.
        let source = self.bytes.get(first..first + count + usize::from(shift > 0))?;
        let bytes = match shift {
            0 => source.to_vec(),
            _ => source.windows(2).map(|pair| pair[0] << shift | pair[1] >> (8 - shift)).collect(),
        };
        *self = before;
        Some(bytes)
    }

    /// Moves to the next whole byte.
    pub(crate) fn align(&mut self) {
        self.at = self.at.div_ceil(8) * 8;
    }

    /// Bits read so far.
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    /// An unsigned Exp-Golomb code (ISO/IEC 14496-10, 9.1).
    pub(crate) fn ue(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        let suffix = self.take(zeros)?;
        Some(((1_u64 << zeros) - 1 + u64::from(suffix)) as u32)
    }

    /// A signed Exp-Golomb code (ISO/IEC 14496-10, 9.1.1).
    pub(crate) fn se(&mut self) -> Option<i32> {
        let code = i64::from(self.ue()?);
        let magnitude = (code + 1) / 2;
        i32::try_from(if code % 2 == 0 { -magnitude } else { magnitude }).ok()
    }
}

/// Writes bits, most significant first.
#[derive(Clone, Debug, Default)]
pub(crate) struct BitWriter {
    bytes: Vec<u8>,
    /// Bits used of the last byte; 0 means that it is full.
    used: usize,
}

impl BitWriter {
    pub(crate) fn put(&mut self, value: u32, count: usize) {
        for at in (0..count.min(32)).rev() {
            if self.used == 0 {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= ((value >> at & 1) as u8) << (7 - self.used);
            }
            self.used = (self.used + 1) % 8;
        }
    }

    /// Fills the last byte with zeros.
    pub(crate) fn align(&mut self) {
        self.used = 0;
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_come_most_significant_first() {
        let mut bits = Bits::new(&[0b1010_0000, 0xff]);
        assert_eq!((bits.take(3), bits.flag()), (Some(5), Some(false)));
        bits.align();
        assert_eq!((bits.take(8), bits.take(1)), (Some(255), None));
        let mut bits = Bits::new(&[0x80, 1, 2, 3, 0xff]);
        assert_eq!((bits.skip(1), bits.take(32), bits.position()), (Some(()), Some(0x0002_0407), 33));
        assert_eq!((bits.take(8), bits.take(7), bits.take(0), bits.skip(1)), (None, Some(0x7f), Some(0), None));
        for shift in 0..9 {
            let mut bits = Bits::new(&[0x12, 0x34, 0x56, 0x78]);
            let mut by_one = bits.clone();
            assert_eq!((bits.skip(shift), by_one.skip(shift)), (Some(()), Some(())));
            let expected: Vec<u8> = (0..2).filter_map(|_| by_one.take(8)).map(|byte| byte as u8).collect();
            assert_eq!(bits.take_bytes(2), Some(expected));
            assert_eq!((bits.take_bytes(3), bits.position()), (None, shift + 16));
        }
    }

    #[test]
    fn exponential_golomb_codes_follow_table_9_2() {
        // 1 | 010 | 011 | 00100 | 00101 | 0001000
        let bytes = [0b1010_0110, 0b0100_0010, 0b1000_1000];
        let mut bits = Bits::new(&bytes);
        assert_eq!([0; 6].map(|_| bits.ue()), [0, 1, 2, 3, 4, 7].map(Some));
        let mut bits = Bits::new(&bytes);
        assert_eq!([0; 6].map(|_| bits.se()), [0, 1, -1, 2, -2, 4].map(Some));
        // The largest code has 31 zeros; more are an error, as is an end within the code.
        assert_eq!(Bits::new(&[0, 0, 0, 1, 0xff, 0xff, 0xff, 0xfe]).ue(), Some(u32::MAX - 1));
        assert_eq!(Bits::new(&[0; 9]).ue(), None);
        assert_eq!(Bits::new(&[0b0001_0000]).take(0).and(Bits::new(&[1]).ue()), None);
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut writer = BitWriter::default();
        for (value, count) in [(5, 3), (0, 1), (0x1234_5678, 32), (1, 1)] {
            writer.put(value, count);
        }
        writer.align();
        writer.put(0xab, 8);
        let bytes = writer.into_bytes();
        let mut bits = Bits::new(&bytes);
        assert_eq!([3, 1, 32, 1].map(|count| bits.take(count)), [Some(5), Some(0), Some(0x1234_5678), Some(1)]);
        bits.align();
        assert_eq!((bits.take(8), bits.take(1)), (Some(0xab), None));
    }
}
