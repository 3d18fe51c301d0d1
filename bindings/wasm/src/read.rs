//! Reads records that a page wrote: the fields of `record`, the other way. What is cut short or no text is `None`.

/// Reads fields one behind the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// From the beginning.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Nothing is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, left) = self.0.split_at_checked(count)?;
        self.0 = left;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn f64(&mut self) -> Option<f64> {
        self.array().map(f64::from_le_bytes)
    }

    /// Bytes behind their length.
    pub(crate) fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.u32()?;
        self.take(length as usize)
    }

    /// UTF-8 behind its length.
    pub(crate) fn text(&mut self) -> Option<&'a str> {
        core::str::from_utf8(self.bytes()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Writer;

    #[test]
    fn what_was_written_is_read() {
        let mut writer = Writer::default();
        writer.u8(7).u32(1 << 31).f64(-0.5).text("ä").blob(&[1, 2, 3]);
        let mut reader = Reader::new(writer.bytes());
        assert_eq!((reader.u8(), reader.u32(), reader.f64()), (Some(7), Some(1 << 31), Some(-0.5)));
        assert_eq!((reader.text(), reader.bytes()), (Some("ä"), Some(&[1, 2, 3][..])));
        assert!(reader.is_empty());
    }

    #[test]
    fn what_is_cut_short_is_nothing() {
        let mut writer = Writer::default();
        writer.text("abc");
        for length in 0..writer.bytes().len() {
            assert_eq!(Reader::new(&writer.bytes()[..length]).text(), None, "{length}");
        }
        assert_eq!(Reader::new(&[0xff; 4]).bytes(), None);
        assert_eq!(Reader::new(&[1, 0, 0, 0, 0xff]).text(), None);
        assert_eq!((Reader::new(&[1, 2, 3]).u32(), Reader::new(&[0; 7]).f64()), (None, None));
    }
}
