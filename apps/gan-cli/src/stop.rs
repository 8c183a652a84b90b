//! Signals. Ctrl-C and SIGTERM: the first asks a run to end after its step, the second ends it at once.
//! SIGHUP, which comes when the terminal is closed, asks like the first of them.

use crate::failure::Failure;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::io;
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
        listen(&signal).map_err(|error| {
            Failure::other(format!("cannot listen to signals: {error}"), "please report it")
        })?;
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

fn listen(signal: &Arc<AtomicUsize>) -> io::Result<()> {
    let asked = Arc::new(AtomicBool::new(false));
    for number in [SIGINT, SIGTERM] {
        // In this order: at the first signal nobody has asked yet.
        flag::register_conditional_shutdown(number, 128 + number, asked.clone())?;
        flag::register(number, asked.clone())?;
        flag::register_usize(number, signal.clone(), number as usize)?;
    }
    #[cfg(unix)]
    {
        use signal_hook::consts::SIGHUP;
        if !hangup_is_ignored() {
            // Terminal and shell may both send it: a second one is no second wish.
            flag::register_usize(SIGHUP, signal.clone(), SIGHUP as usize)?;
        }
    }
    Ok(())
}

/// Whether this was started to outlive its terminal, as by nohup. Only Linux says so; elsewhere a program
/// that writes to no terminal is taken for one, since nohup sends what it would write there to a file.
#[cfg(unix)]
fn hangup_is_ignored() -> bool {
    use std::io::IsTerminal;
    let ignored = std::fs::read_to_string("/proc/self/status").ok().and_then(|status| {
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
        let mask = u64::from_str_radix(mask.trim(), 16).ok()?;
        Some(mask >> (signal_hook::consts::SIGHUP - 1) & 1 == 1)
    });
    ignored.unwrap_or_else(|| !io::stdout().is_terminal() && !io::stderr().is_terminal())
}

/// Makes a write beyond the largest file that is allowed (`ulimit -f`) an error of that write, not the end of
/// the program: SIGXFSZ is taken, and nothing is done about it.
pub fn outlive_file_size_limit() {
    #[cfg(unix)]
    if let Err(error) = flag::register(signal_hook::consts::SIGXFSZ, Arc::default()) {
        tracing::debug!("a file that grows too large will end the program: {error}");
    }
}
