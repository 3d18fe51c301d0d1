//! Numbers for what a page may hold on to. The engine names requests by 64 bits, of which a [`Programme`] uses the upper
//! ones: beyond what a number of JavaScript holds exactly.
//!
//! [`Programme`]: telecine_engine::Programme

/// Values by number. No number comes twice, so that one that is kept too long means nothing, and never another value.
#[derive(Debug)]
pub(crate) struct Slots<T> {
    last: u32,
    /// Few at any time: requests under way, media that wait to be appended.
    held: Vec<(u32, T)>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { last: 0, held: Vec::new() }
    }
}

impl<T> Slots<T> {
    /// Keeps a value; gives its number, from 1 on.
    pub(crate) fn put(&mut self, value: T) -> u32 {
        // Four thousand million requests are ten thousand years of playback.
        self.last = self.last.wrapping_add(1);
        self.held.push((self.last, value));
        self.last
    }

    /// The value of a number.
    pub(crate) fn get(&self, slot: u32) -> Option<&T> {
        self.held.iter().find_map(|(own, value)| (*own == slot).then_some(value))
    }

    /// The value of a number.
    pub(crate) fn get_mut(&mut self, slot: u32) -> Option<&mut T> {
        self.held.iter_mut().find_map(|(own, value)| (*own == slot).then_some(value))
    }

    /// Ends a number.
    pub(crate) fn take(&mut self, slot: u32) -> Option<T> {
        let place = self.held.iter().position(|(own, _)| *own == slot)?;
        Some(self.held.swap_remove(place).1)
    }

    /// The number of the first value that is looked for.
    pub(crate) fn find(&self, is: impl Fn(&T) -> bool) -> Option<u32> {
        self.held.iter().find_map(|(slot, value)| is(value).then_some(*slot))
    }

    /// How many there are.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.held.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_ended_never_means_another_value() {
        let mut slots = Slots::default();
        let first = slots.put("a");
        assert_eq!(slots.take(first), Some("a"));
        let second = slots.put("b");
        assert_ne!(first, second);
        assert_eq!((slots.get(first), slots.get(second)), (None, Some(&"b")));
        assert_eq!(slots.find(|value| *value == "b"), Some(second));
        assert_eq!(slots.take(first), None);
    }
}
