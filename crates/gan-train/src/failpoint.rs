//! Places at which tests break things, as a kill, a full disk or a wrong number would.
//!
//! Without the feature `failpoints`, which only tests turn on, nothing of this is compiled. With it the environment
//! says what happens where: `FAILPOINTS="save-rename=2*off->return(kill)"` kills the program the third time it is about
//! to rename a checkpoint; `return(full)` makes the disk full, `return(nan)` spoils a number.

#[cfg(feature = "failpoints")]
mod on {
    use crate::adam::Gradients;
    use fail::{FailScenario, fail_point};
    use std::io;
    use std::sync::OnceLock;

    /// Reads the environment, once.
    fn set_up() {
        static SCENARIO: OnceLock<FailScenario<'static>> = OnceLock::new();
        SCENARIO.get_or_init(FailScenario::setup);
    }

    /// A place before something is done with a file: nothing happens, or it fails, or the program is killed.
    pub(crate) fn before(place: &str) -> io::Result<()> {
        set_up();
        fail_point!(place, |how| {
            if how.as_deref() == Some("kill") {
                std::process::abort(); // no destructor runs, as with SIGKILL
            }
            Err(io::ErrorKind::StorageFull.into())
        });
        Ok(())
    }

    /// The number, or NaN.
    pub(crate) fn number(place: &str, value: f64) -> f64 {
        set_up();
        fail_point!(place, |_| f64::NAN);
        value
    }

    /// The gradients, or infinity in place of the first.
    pub(crate) fn gradients(place: &str, mut gradients: Gradients) -> candle_core::Result<Gradients> {
        set_up();
        fail_point!(place, |_| {
            if let Some(first) = gradients.values_mut().next() {
                *first = first.affine(0.0, f64::INFINITY)?;
            }
            Ok(gradients)
        });
        Ok(gradients)
    }
}

#[cfg(not(feature = "failpoints"))]
mod off {
    use crate::adam::Gradients;

    pub(crate) fn before(_: &str) -> std::io::Result<()> {
        Ok(())
    }

    pub(crate) fn number(_: &str, value: f64) -> f64 {
        value
    }

    pub(crate) fn gradients(_: &str, gradients: Gradients) -> candle_core::Result<Gradients> {
        Ok(gradients)
    }
}

#[cfg(not(feature = "failpoints"))]
pub(crate) use off::{before, gradients, number};
#[cfg(feature = "failpoints")]
pub(crate) use on::{before, gradients, number};
