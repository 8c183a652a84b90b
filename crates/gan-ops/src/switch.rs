//! The switch that keeps a thread to the references: no kernel runs while it is on.

use std::cell::Cell;

thread_local!(static ONLY: Cell<bool> = const { Cell::new(false) });

/// For tests: runs `body` as a device without kernels would. Every op that the calling thread calls takes its
/// reference here, forward and backward, and a kernel that is reached all the same is an error. Scopes may be
/// nested, and end also if the body panics.
///
/// One thread is enough: ops, backward passes and [`crate::keep_workers_spinning`] run on the thread that calls
/// them, and the tasks that kernels hand to other threads call no ops.
pub fn only<R>(body: impl FnOnce() -> R) -> R {
    struct Scope {
        before: bool,
    }
    impl Drop for Scope {
        fn drop(&mut self) {
            ONLY.set(self.before);
        }
    }
    let _scope = Scope { before: ONLY.replace(true) };
    body()
}

/// Whether the calling thread is in [`only`].
pub(crate) fn only_references() -> bool {
    ONLY.get()
}
