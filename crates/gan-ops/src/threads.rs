//! The thread pools of rayon and of Candle.

use std::cell::Cell;
use std::fmt::{Display, Formatter};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What [`set_threads`] could not do. The results of kernels do not depend on it, only their speed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ThreadsError {
    /// Rayon's pool stands already, and keeps its number of threads.
    PoolStands,
    /// Other threads run already, so that the environment, from which Candle takes its count, was left alone.
    OthersRun,
}

impl Display for ThreadsError {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::PoolStands => "the number of threads was set before, or work was begun, and stays as it is",
            Self::OthersRun => {
                "other threads run already, so Candle's matrix products keep their own number of threads"
            }
        })
    }
}

impl std::error::Error for ThreadsError {}

/// Sets the number of threads that kernels run on. Call it first thing in `main`, before any thread is started or
/// tensor made.
///
/// - Rayon's pool, on which the kernels here and Candle's matrix products run, gets so many threads. The calling
///   thread becomes one of them, and should be the one that trains or samples: while it waits for something else, the
///   pool has a thread less, and a pool of one thread none.
/// - Candle cuts its products into as many parts as `RAYON_NUM_THREADS` says when they begin, or without it into one
///   for each physical core: it is set to the same number. Candle's pool for quantised products, whose threads would
///   take the cores from the others while they wait, gets one thread, by `CANDLE_NUM_THREADS`.
///
/// Both variables are set only where that is sound: on Linux if no other thread runs yet (or else
/// [`ThreadsError::OthersRun`], with the pool as asked for), and on Windows. On other systems, which do not say
/// whether another thread runs, Candle keeps its own count, and the pool alone bounds the threads.
pub fn set_threads(threads: usize) -> Result<(), ThreadsError> {
    let threads = threads.max(1);
    let told = tell_candle(threads); // before the pool has threads
    // The calling thread is one of them: handing it every piece of work and back would cost two switches each time.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).use_current_thread();
    pool.build_global().map_err(|_| ThreadsError::PoolStands)?;
    told
}

#[cfg(any(target_os = "linux", windows))]
fn tell_candle(threads: usize) -> Result<(), ThreadsError> {
    #[cfg(target_os = "linux")]
    if !std::fs::read_dir("/proc/self/task").is_ok_and(|threads| threads.count() == 1) {
        return Err(ThreadsError::OthersRun);
    }
    // SAFETY: to write the environment is unsound only while another thread may read it without Rust's lock, and on
    // Windows not even then. There is no other thread, as the system has just said, and only this one could start one.
    #[allow(unsafe_code)]
    unsafe {
        std::env::set_var("RAYON_NUM_THREADS", threads.to_string());
        std::env::set_var("CANDLE_NUM_THREADS", "1");
    }
    Ok(())
}

#[cfg(not(any(target_os = "linux", windows)))]
fn tell_candle(_: usize) -> Result<(), ThreadsError> {
    Ok(())
}

/// Keeps the threads of rayon's pool spinning while `body` runs, on the thread that calls.
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
    // A pool of one has nobody to keep spinning, and would never come to take the calls below from its queue.
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
