//! One setting for the thread pools of rayon and of Candle.

/// Sets the number of threads that kernels run on, for rayon's pool and for Candle's own alike. Call it first thing in
/// `main`, before any thread is started or tensor made; it returns false (and changes nothing) if rayon's pool already
/// stands.
///
/// The calling thread becomes one of the pool's, and should be the one that trains or samples: while it waits for
/// something else, the pool has a thread less, and a pool of one thread none.
pub fn set_threads(threads: usize) -> bool {
    let count = threads.max(1).to_string();
    // Candle reads its count from the environment alone.
    // SAFETY: writing the environment races only with C code that reads it on another thread at the same time (Rust's
    // own readers take the same lock). The contract above is that no other thread runs yet.
    #[allow(unsafe_code)]
    unsafe {
        std::env::set_var("RAYON_NUM_THREADS", &count);
        std::env::set_var("CANDLE_NUM_THREADS", &count);
    }
    // The calling thread is one of them: handing it every piece of work and back would cost two switches each time.
    rayon::ThreadPoolBuilder::new().num_threads(threads.max(1)).use_current_thread().build_global().is_ok()
}
