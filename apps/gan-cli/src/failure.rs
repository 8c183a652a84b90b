//! Errors as a person reads them: one line of what is wrong and where, one of what to do.

use crate::printable::printable;
use gan_data::Source;
use gan_train::config::{in_flags, nearest};
use std::fmt::Display;
use std::process::ExitCode;

/// What went wrong, what to do about it, and whether the command line (2) or the rest (1) is to blame.
#[derive(Debug)]
pub struct Failure {
    what: String,
    hint: String,
    status: u8,
    divergence: bool,
}

impl Failure {
    /// The command line or a config asks for something that makes no sense.
    pub fn usage(what: impl Display, hint: impl Display) -> Self {
        Self { what: what.to_string(), hint: hint.to_string(), status: 2, divergence: false }
    }

    /// Anything else.
    pub fn other(what: impl Display, hint: impl Display) -> Self {
        Self { what: what.to_string(), hint: hint.to_string(), status: 1, divergence: false }
    }
}

impl Failure {
    /// A config file asks for something that makes no sense; it is spoken of in keys.
    pub fn of_file(name: &str, error: gan_train::Error) -> Self {
        let (what, hint) = (error.to_string(), error.hint());
        let separator = if what.starts_with("line ") { "," } else { ":" };
        Self { what: format!("{name}{separator} {what}"), hint, ..error.into() }
    }

    /// Whether training has diverged.
    pub fn is_divergence(&self) -> bool {
        self.divergence
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Failure {}

impl From<gan_train::Error> for Failure {
    fn from(error: gan_train::Error) -> Self {
        let usage = matches!(
            error,
            gan_train::Error::Config { .. }
                | gan_train::Error::Model(gan_models::Error::Config { .. })
                | gan_train::Error::Eval(gan_eval::Error::Config { .. })
                | gan_train::Error::Data(
                    gan_data::Error::UnknownDataset { .. }
                        | gan_data::Error::WithoutHub { .. }
                        | gan_data::Error::HubName { .. }
                )
        );
        let meant = match &error {
            gan_train::Error::Data(gan_data::Error::UnknownDataset { name }) => {
                let names = Source::NAMES.into_iter().filter(|name| !name.contains(':'));
                nearest(name, names).map(|meant| format!("did you mean {meant}? "))
            }
            _ => None,
        };
        Self {
            what: in_flags(&error.to_string()),
            hint: meant.unwrap_or_default() + &in_flags(&error.hint()),
            status: if usage { 2 } else { 1 },
            divergence: error.is_divergence(),
        }
    }
}

impl From<gan_models::Error> for Failure {
    fn from(error: gan_models::Error) -> Self {
        gan_train::Error::from(error).into()
    }
}

impl From<gan_data::Error> for Failure {
    fn from(error: gan_data::Error) -> Self {
        gan_train::Error::from(error).into()
    }
}

impl From<gan_report::Error> for Failure {
    fn from(error: gan_report::Error) -> Self {
        Self::other(&error, error.hint())
    }
}

impl From<gan_eval::Error> for Failure {
    fn from(error: gan_eval::Error) -> Self {
        gan_train::Error::from(error).into()
    }
}

impl From<candle_core::Error> for Failure {
    fn from(error: candle_core::Error) -> Self {
        gan_train::Error::from(error).into()
    }
}

/// Prints the two lines and gives the exit status.
pub fn report(failure: &Failure) -> ExitCode {
    // A tensor library appends a backtrace where RUST_BACKTRACE asks for one; it is not for this reader.
    let what = failure.what.lines().next().unwrap_or_default();
    eprintln!("error: {}\n help: {}", printable(what), printable(&failure.hint));
    ExitCode::from(failure.status)
}

/// A panic is a bug of ours: one line that can be reported, and no backtrace unless RUST_BACKTRACE asks for it.
pub fn one_line_panics() {
    let with_backtrace = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if std::env::var_os("RUST_BACKTRACE").is_some() {
            with_backtrace(panic);
        } else {
            eprintln!(
                "error: {panic}\n help: this is a bug of gan; please report it with the command you ran"
            );
        }
    }));
}
