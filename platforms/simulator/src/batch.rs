//! Many sessions on all cores.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Does a piece of work for each index below `count`, on as many threads as there are cores. The results
/// are in the order of the indices, whatever the order in which they were found.
pub fn for_each_index<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    for_each_index_on(std::thread::available_parallelism().map_or(1, NonZero::get), count, work)
}

/// The same on so many threads, one at least.
pub fn for_each_index_on<T: Send>(threads: usize, count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let threads = threads.min(count.max(1));
    let next = AtomicUsize::new(0);
    let share = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                return done;
            }
            done.push((index, work(index)));
        }
    };
    let mut done: Vec<(usize, T)> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(share)).collect();
        let mut done = share();
        for other in others {
            match other.join() {
                Ok(more) => done.extend(more),
                Err(cause) => std::panic::resume_unwind(cause),
            }
        }
        done
    });
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}
