//! Ctrl-C and SIGTERM: the first asks a run to end after its step, the second ends it at once.

use crate::failure::Failure;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Whether somebody asked the run to end.
pub struct Stop {
    signal: Arc<AtomicUsize>,
}

impl Stop {
    /// Listens from here on.
    pub fn listen() -> Result<Self, Failure> {
        let signal = Arc::new(AtomicUsize::new(0));
        let asked = Arc::new(AtomicBool::new(false));
        for number in [SIGINT, SIGTERM] {
            // In this order: at the first signal nobody has asked yet.
            flag::register_conditional_shutdown(number, 128 + number, asked.clone())
                .and_then(|_| flag::register(number, asked.clone()))
                .and_then(|_| flag::register_usize(number, signal.clone(), number as usize))
                .map_err(|error| {
                    Failure::other(format!("cannot listen to signals: {error}"), "please report it")
                })?;
        }
        Ok(Self { signal })
    }

    /// The exit status of who ends because of a signal, 128 and its number, if one came.
    pub fn asked(&self) -> Option<u8> {
        match self.signal.load(Ordering::Relaxed) {
            0 => None,
            number => Some(128 + number as u8),
        }
    }
}
