//! Places at which tests break things, as a kill, a full disk or a wrong number would.
//!
//! Without the feature `failpoints`, which only tests turn on, nothing of this is compiled. With it the environment
//! says what happens where: `FAILPOINTS="save-rename=2*off->return(kill)"` kills the program the third time it is about
//! to rename a checkpoint; `return(full)` makes the disk full, `return(nan)` spoils a number.

#[cfg(feature = "failpoints")]
mod on {
    use fail::{FailScenario, fail_point};
    use gan_nn::Gradients;
    use std::io;
    use std::sync::Once;

    /// What the environment says is to happen at a place.
    fn at(place: &str) -> Option<String> {
        static SET_UP: Once = Once::new();
        SET_UP.call_once(|| std::mem::forget(FailScenario::setup())); // reads the environment; for good
        fail_point!(place, |how| Some(how.unwrap_or_default()));
        None
    }

    /// A place before something is done with a file: nothing happens, or it fails, or the program is killed.
    pub(crate) fn before(place: &str) -> io::Result<()> {
        match at(place).as_deref() {
            None => Ok(()),
            Some("kill") => std::process::abort(), // no destructor runs, as with SIGKILL
            Some(_) => Err(io::ErrorKind::StorageFull.into()),
        }
    }

    /// The number, or NaN.
    pub(crate) fn number(place: &str, value: f64) -> f64 {
        if at(place).is_some() { f64::NAN } else { value }
    }

    /// The gradients, or infinity in place of the first.
    pub(crate) fn gradients(place: &str, mut gradients: Gradients) -> candle_core::Result<Gradients> {
        if at(place).is_some()
            && let Some(first) = gradients.values_mut().next()
        {
            *first = first.ones_like()?.affine(f64::INFINITY, 0.0)?;
        }
        Ok(gradients)
    }
}

#[cfg(not(feature = "failpoints"))]
mod off {
    use gan_nn::Gradients;

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
