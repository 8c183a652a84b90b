//! `gan`: trains, samples and shows GANs.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[macro_use]
mod out;

mod args;
mod as_trained;
mod bench;
mod configure;
mod data;
mod device;
mod doctor;
mod eval;
mod failure;
mod generator_choice;
mod health;
mod inspect;
mod job;
mod latent;
mod page;
mod picture_format;
mod printable;
mod progress;
mod recipes;
mod resume;
mod sample;
mod score;
mod show;
mod stop;
mod train;
mod words;

use args::{Command, Gan};
use bench::Profile;
use clap::Parser;
use printable::printable_lines;
use std::process::ExitCode;

fn main() -> ExitCode {
    failure::one_line_panics();
    stop::outlive_file_size_limit();
    let gan = Gan::try_parse().unwrap_or_else(|usage| out::end_with(&usage));
    let profile = gan.command.wants_profile().then(Profile::new);
    init_log(profile.clone());
    let result = match gan.command {
        Command::Train(flags) => train::run(&flags),
        Command::Resume(flags) => resume::run(&flags.run, &flags.settings, flags.force, flags.dry_run),
        Command::Sample(flags) => success(sample::run(&flags)),
        Command::Interpolate(flags) => success(latent::interpolate(&flags)),
        Command::Walk(flags) => success(latent::walk(&flags)),
        Command::Project(flags) => success(latent::project(&flags)),
        Command::Directions(flags) => success(latent::directions(&flags)),
        Command::Eval(flags) => success(eval::run(&flags)),
        Command::Score(flags) => success(score::run(&flags)),
        Command::Doctor(flags) => doctor::run(&flags),
        Command::Report(flags) => success(show::report(&flags)),
        Command::Watch(flags) => success(show::watch(&flags)),
        Command::Runs(flags) => success(show::runs(&flags)),
        Command::Log(flags) => success(show::log(&flags)),
        Command::Film(flags) => success(show::film(&flags)),
        Command::Inspect(flags) => success(inspect::run(&flags.path)),
        Command::Data(what) => success(data::run(&what)),
        Command::Recipes(flags) => success(recipes::run(flags.name.as_deref())),
        Command::Bench(what) => success(bench::run(&what, profile.as_ref())),
    };
    result.unwrap_or_else(|error| failure::report(&error))
}

fn success(result: Result<(), failure::Failure>) -> Result<ExitCode, failure::Failure> {
    result.map(|()| ExitCode::SUCCESS)
}

/// Warnings and notes of the libraries go to standard error; `RUST_LOG=debug` shows more. A profile listens beside it.
fn init_log(profile: Option<Profile>) {
    use std::io::IsTerminal;
    use tracing_subscriber::filter::filter_fn;
    use tracing_subscriber::fmt::format::debug_fn;
    use tracing_subscriber::{EnvFilter, Layer, fmt, layer::SubscriberExt, util::SubscriberInitExt};
    // The hub client logs every retry as an error; what comes of them is said once, by us.
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,hf_hub=off"));
    let log = fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .without_time()
        .with_target(false)
        .log_internal_errors(false) // which would be printed to where the log could not be
        .fmt_fields(debug_fn(|out, field, value| match field.name() {
            "message" => write!(out, "{}", printable_lines(&format!("{value:?}"))),
            name => write!(out, "{name}={}", printable_lines(&format!("{value:?}"))),
        }))
        .with_filter(filter);
    let our_spans = filter_fn(|metadata| metadata.is_span() && metadata.target().starts_with("gan"));
    let profile = profile.map(|profile| profile.with_filter(our_spans));
    tracing_subscriber::registry().with(log).with(profile).init();
}
