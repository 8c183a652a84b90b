//! `gan`: trains, samples and shows GANs.

#![allow(clippy::print_stdout)] // this is the program: it prints

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

mod args;
mod device;
mod failure;
mod progress;
mod recipes;
mod sample;
mod train;

use args::{Command, Gan};
use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    failure::one_line_panics();
    let gan = Gan::parse();
    init_log();
    let result = match gan.command {
        Command::Train(flags) => train::run(&flags),
        Command::Sample(flags) => sample::run(&flags),
        Command::Recipes => recipes::list(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::report(&error),
    }
}

/// Warnings and notes of the libraries go to standard error; `RUST_LOG=debug` shows more.
fn init_log() {
    use std::io::IsTerminal;
    use tracing_subscriber::EnvFilter;
    // The hub client logs every retry as an error; what comes of them is said once, by us.
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,hf_hub=off"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .without_time()
        .with_target(false)
        .init();
}
