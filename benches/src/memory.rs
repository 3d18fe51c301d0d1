//! What a parser retains, by an allocator that counts.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The system's allocator, counting. Make it the `#[global_allocator]` of a program of one thread that measures
/// memory; not of one that measures time, where counting costs those most that allocate most.
#[derive(Debug)]
pub struct Counting {
    live: AtomicUsize,
    peak: AtomicUsize,
}

/// Bytes that a piece of work used, as they were asked for: without an allocator's own overhead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Still allocated for its result.
    pub retained: usize,
    /// Allocated at once at most while it ran.
    pub peak: usize,
}

impl Counting {
    /// An allocator that has counted nothing yet.
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        Self { live: AtomicUsize::new(0), peak: AtomicUsize::new(0) }
    }

    /// What `work` allocates: its result is alive when the count is taken, and dropped afterwards.
    pub fn measure<T>(&self, work: impl FnOnce() -> T) -> Usage {
        let before = self.live.load(Relaxed);
        self.peak.store(before, Relaxed);
        let result = work();
        let usage = Usage {
            retained: self.live.load(Relaxed).saturating_sub(before),
            peak: self.peak.load(Relaxed).saturating_sub(before),
        };
        drop(result);
        usage
    }

    fn grow(&self, bytes: usize) {
        let live = self.live.fetch_add(bytes, Relaxed).saturating_add(bytes);
        self.peak.fetch_max(live, Relaxed);
    }
}

// SAFETY: every call is handed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.grow(layout.size());
        // SAFETY: the caller keeps the contract of `alloc`, which is the one that we hand on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        self.live.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the pointer came from `System` through `alloc` or `realloc` above, with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // A block that moves is there twice for a moment; whether it moves is the system's secret, so that the
        // peak counts the new size alone.
        self.live.fetch_sub(layout.size(), Relaxed);
        self.grow(size);
        // SAFETY: as in `dealloc`; the caller vouches for `size`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}
