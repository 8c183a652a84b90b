//! What `set_threads` does to a process, each case in one of its own: this program once more, told which by the environment.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use gan_ops::{ThreadsError, set_threads};
use std::process::Command;
use std::sync::mpsc;

/// Says to the program, started once more, which case it is.
const CASE: &str = "GAN_OPS_TEST_OF_THREADS";

const CASES: [(&str, fn()); 3] =
    [("alone", alone), ("beside another", beside_another), ("after work", after_work)];

fn main() {
    if let Ok(case) = std::env::var(CASE) {
        return CASES.iter().find(|(name, _)| *name == case).unwrap().1();
    }
    for (name, _) in CASES {
        let mut case = Command::new(std::env::current_exe().unwrap());
        case.env_remove("RAYON_NUM_THREADS").env_remove("CANDLE_NUM_THREADS").env(CASE, name);
        assert!(case.status().unwrap().success(), "{name}");
    }
}

/// Threads of rayon's pool, and the parts into which Candle cuts its products.
fn counts() -> (usize, usize) {
    (rayon::current_num_threads(), candle_core::utils::get_num_threads())
}

fn can_tell_candle() -> bool {
    cfg!(any(target_os = "linux", windows))
}

fn alone() {
    let candles_own = candle_core::utils::get_num_threads();
    assert_eq!(set_threads(5), Ok(()));
    assert_eq!(counts(), (5, if can_tell_candle() { 5 } else { candles_own }));
    assert!(rayon::current_thread_index().is_some(), "this thread is one of them");
    assert_eq!(set_threads(4), Err(ThreadsError::PoolStands));
    assert_eq!(rayon::current_num_threads(), 5);
}

fn beside_another() {
    let (end, wait) = mpsc::channel::<()>();
    let other = std::thread::spawn(move || wait.recv());
    let candles_own = candle_core::utils::get_num_threads();
    let told = set_threads(candles_own + 3);
    if cfg!(target_os = "linux") {
        assert_eq!(told, Err(ThreadsError::OthersRun));
        assert_eq!(std::env::var_os("RAYON_NUM_THREADS"), None, "the environment is left alone");
        assert_eq!(counts(), (candles_own + 3, candles_own));
    }
    drop(end);
    assert!(other.join().unwrap().is_err());
}

fn after_work() {
    let before = rayon::current_num_threads(); // which starts the pool
    assert_eq!(set_threads(before + 1), Err(ThreadsError::PoolStands));
    assert_eq!(rayon::current_num_threads(), before);
}
