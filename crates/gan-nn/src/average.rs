//! The moving average of a network's weights.

use crate::error::Result;
use crate::params::Params;
use crate::state::State;
use candle_core::{Tensor, Var};
use std::collections::BTreeMap;

/// The exponential moving average of the weights of a network: smoother images from the same run (Yazici et al. 2019).
///
/// It is a list of weights, not a second network: [`with`](Self::with) puts them in the place of the trained ones for a
/// while. Averaged weights do not fit the running statistics of any single step, so batch-norm statistics are not averaged
/// but estimated anew, once after each update at most.
pub struct Average {
    decay: f64,
    params: Params,
    weights: BTreeMap<String, Var>,
    /// The buffers that go with the averaged weights after an update, once they have been estimated.
    estimated: Option<(u64, BTreeMap<String, Tensor>)>,
}

impl Average {
    /// Starts from the weights that a network has now.
    pub fn new(params: &Params, decay: f64) -> Result<Self> {
        let copy = |(name, var): (&String, &Var)| Ok((name.clone(), Var::from_tensor(&var.copy()?)?));
        let weights = params.parameters().iter().map(copy).collect::<Result<_>>()?;
        Ok(Self { decay, params: params.clone(), weights, estimated: None })
    }

    /// Takes in the weights after update `update` (from 1). Early on the average is shorter,
    /// `min(decay, (1 + update) / (10 + update))`, so that the initial weights are soon forgotten.
    pub fn follow(&mut self, update: u64) -> Result<()> {
        let update = update as f64;
        let decay = self.decay.min((1.0 + update) / (10.0 + update));
        for (name, live) in self.params.parameters() {
            gan_ops::lerp_in_place(&self.weights[name], live, 1.0 - decay)?;
        }
        Ok(())
    }

    /// Does something with the averaged weights, of after `update`, in the network's place, and puts back what was there, also where that
    /// fails. `estimate` makes the forward passes that batch-norm statistics are estimated from, in
    /// [`Mode::Recalibrate`](crate::Mode::Recalibrate); it is not called where there are none, or where they are known.
    ///
    /// No graph of the network may be alive.
    pub fn with<T, E: From<candle_core::Error>>(
        &mut self,
        update: u64,
        estimate: impl FnOnce() -> std::result::Result<(), E>,
        body: impl FnOnce() -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let live: BTreeMap<String, Tensor> =
            copies(self.params.parameters().iter().chain(self.params.buffers()))?;
        let swapped = set_all(self.params.parameters(), |name| Some(self.weights[name].as_detached_tensor()));
        let done =
            swapped.map_err(E::from).and_then(|()| self.prepare(update, estimate)).and_then(|()| body());
        let all = self.params.parameters().iter().chain(self.params.buffers());
        set_all(all, |name| live.get(name).cloned())?;
        done
    }

    /// Brings the buffers to what goes with the averaged weights, which are in place.
    fn prepare<E: From<candle_core::Error>>(
        &mut self,
        update: u64,
        estimate: impl FnOnce() -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        if !self.params.has_statistics() {
            return Ok(()); // singular vectors of spectral norm: those of the trained weights are near enough
        }
        match &self.estimated {
            Some((at, estimated)) if *at == update => {
                set_all(self.params.buffers(), |name| estimated.get(name).cloned())?
            }
            _ => {
                self.params.reset_statistics()?;
                estimate()?;
                self.estimated = Some((update, copies(self.params.buffers())?));
            }
        }
        Ok(())
    }

    /// The averaged weights. Statistics follow from them.
    pub fn state(&mut self) -> State<'_> {
        let mut state = State::default();
        for (name, var) in &self.weights {
            state.tensor(name, var);
        }
        state
    }
}

fn copies<'a>(
    vars: impl IntoIterator<Item = (&'a String, &'a Var)>,
) -> candle_core::Result<BTreeMap<String, Tensor>> {
    let copy = |(name, var): (&String, &Var)| Ok((name.clone(), var.as_detached_tensor().copy()?));
    vars.into_iter().map(copy).collect()
}

fn set_all<'a>(
    vars: impl IntoIterator<Item = (&'a String, &'a Var)>,
    value: impl Fn(&str) -> Option<Tensor>,
) -> candle_core::Result<()> {
    for (name, var) in vars {
        if let Some(value) = value(name) {
            var.set(&value)?;
        }
    }
    Ok(())
}
