//! The thread pools of rayon and of Candle.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Sets the number of threads that kernels run on: those of rayon's pool, which the kernels here and Candle's matrix products
/// share. Candle's second pool, for elementwise ops, gets one: what is left to it is short, and its threads would take
/// the cores from the others while they wait. Call it first thing in `main`, before any thread is started or tensor
/// made; it returns false (and changes nothing) if rayon's pool already
/// stands.
///
/// The calling thread becomes one of the pool's, and should be the one that trains or samples: while it waits for
/// something else, the pool has a thread less, and a pool of one thread none.
pub fn set_threads(threads: usize) -> bool {
    let count = threads.max(1).to_string();
    // Candle reads its counts from the environment alone.
    // SAFETY: writing the environment races only with C code that reads it on another thread at the same time (Rust's
    // own readers take the same lock). The contract above is that no other thread runs yet.
    #[allow(unsafe_code)]
    unsafe {
        std::env::set_var("RAYON_NUM_THREADS", &count);
        std::env::set_var("CANDLE_NUM_THREADS", "1");
    }
    // The calling thread is one of them: handing it every piece of work and back would cost two switches each time.
    rayon::ThreadPoolBuilder::new().num_threads(threads.max(1)).use_current_thread().build_global().is_ok()
}

/// Keeps the threads of rayon's pool keep_workers_spinning while `body` runs, on a thread of that pool.
///
/// A training step of a small network is some hundred short pieces of parallel work. To fall asleep between two of them and
/// be woken again takes longer than many of these pieces.
pub fn keep_workers_spinning<R>(body: impl FnOnce() -> R) -> R {
    struct Scope;
    impl Drop for Scope {
        fn drop(&mut self) {
            SCOPES.fetch_sub(1, Ordering::Relaxed);
        }
    }
    // A pool of one has nobody to keep keep_workers_spinning, and would never come to take the calls below from its queue.
    let others = rayon::current_num_threads() - 1;
    let Some(caller) = rayon::current_thread_index().filter(|_| others > 0) else { return body() };
    SCOPES.fetch_add(1, Ordering::Relaxed);
    let _scope = Scope; // ends also if the body panics
    rayon::spawn_broadcast(move |context| {
        if context.index() != caller {
            look_for_work();
        }
    });
    body()
}

/// Bodies of [`keep_workers_spinning`] that run now.
static SCOPES: AtomicUsize = AtomicUsize::new(0);

/// A thread that found nothing to do for so long may sleep.
///
/// This also bounds what goes wrong if rayon should begin the search in the middle of some other work, which waits for a
/// piece of itself: that work goes on a moment later.
const PATIENCE: Duration = Duration::from_millis(1);

fn look_for_work() {
    thread_local!(static LOOKING: Cell<bool> = const { Cell::new(false) });
    if LOOKING.replace(true) {
        return; // this call came up in the search itself
    }
    let mut last = Instant::now();
    while SCOPES.load(Ordering::Relaxed) > 0 && last.elapsed() < PATIENCE {
        if rayon::yield_now() == Some(rayon::Yield::Executed) {
            last = Instant::now();
        } else {
            std::thread::yield_now(); // to whoever else needs the core, such as the loader of the data
        }
    }
    LOOKING.set(false);
}

#[cfg(test)]
mod tests {
    use super::*;
    use rayon::prelude::*;

    #[test]
    fn work_goes_on_in_scopes_within_scopes_and_beside_others() {
        let sum = || (0..10_000u32).into_par_iter().with_min_len(10).map(|x| x % 7).sum::<u32>();
        let expected = (0..10_000).map(|x| x % 7).sum::<u32>();
        let shared = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        std::thread::scope(|threads| {
            for _ in 0..2 {
                threads.spawn(|| {
                    for _ in 0..200 {
                        shared.install(|| {
                            keep_workers_spinning(|| {
                                assert_eq!(
                                    (sum(), keep_workers_spinning(sum), sum()),
                                    (expected, expected, expected)
                                )
                            })
                        });
                    }
                });
            }
        });
        assert_eq!(SCOPES.load(Ordering::Relaxed), 0);
    }
}
