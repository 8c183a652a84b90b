//! What the program prints, and what happens where nothing takes it. The standard library's `println!` and
//! `eprintln!` panic then; these take their place in the whole program. Names from files are in what is printed: no
//! command to the terminal gets through.

use crate::failure::Failure;
use crate::printable::printable_lines;
use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write};

/// Prints a line ([`line()`]).
macro_rules! println {
    () => { $crate::out::line(format_args!("")) };
    ($($text:tt)*) => { $crate::out::line(format_args!($($text)*)) };
}

/// Prints a line on standard error. Where that takes no more, there is nobody left to tell.
macro_rules! eprintln {
    ($($text:tt)*) => { $crate::out::error_line(format_args!($($text)*)) };
}

/// Prints a line. If it cannot be printed, the program ends with status 1: in silence if the reader has left,
/// as in `gan recipes | head`, else with an error.
pub fn line(text: Arguments<'_>) {
    if let Err(error) = try_line(text) {
        end(&error, 1);
    }
}

/// Prints a line, or says why not.
pub fn try_line(text: Arguments<'_>) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(printable_lines(&format!("{text}\n")).as_bytes())?;
    out.flush()
}

/// See `eprintln!`.
pub fn error_line(text: Arguments<'_>) {
    let mut err = io::stderr().lock();
    let _ = err.write_all(printable_lines(&format!("{text}\n")).as_bytes());
}

/// Whether a line could not be printed because whoever read it has left.
pub fn reader_has_left(error: &io::Error) -> bool {
    error.kind() == ErrorKind::BrokenPipe
}

/// Standard output takes no more.
pub fn failure(error: &io::Error) -> Failure {
    Failure::other(
        format!("cannot write to standard output: {error}"),
        "make room where it goes, or send it elsewhere",
    )
}

/// Prints the help that was asked for, or what is wrong with the command line, and ends the program.
pub fn end_with(usage: &clap::Error) -> ! {
    match usage.print() {
        Err(error) => end(&error, usage.exit_code()),
        Ok(()) => std::process::exit(usage.exit_code()),
    }
}

/// Ends the program: with `status` if only the reader has left.
fn end(error: &io::Error, status: i32) -> ! {
    if !reader_has_left(error) {
        crate::failure::report(&failure(error));
        std::process::exit(1);
    }
    std::process::exit(status)
}
