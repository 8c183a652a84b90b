//! What one optimizer trains.

use crate::error::{Error, Result};
use crate::failpoint;
use crate::system::Moment;
use candle_core::{Tensor, TensorId};
use gan_nn::{Average, Gradients, Hyperparameters, Optimizer, Params, State};
use std::collections::{BTreeMap, HashSet};
use tracing::trace_span;

/// How the weights of a player follow their gradients.
#[derive(Clone, Copy, Debug)]
pub struct PlayerSettings {
    /// The optimizer.
    pub optimizer: Hyperparameters,
    /// Its learning rate.
    pub lr: f64,
    /// The largest norm of the gradient, longer ones are shortened to it; 0 for any.
    pub clip_grad: f64,
    /// Weights are kept within plus and minus this after each update; 0 for any.
    pub clip_weights: f64,
    /// Decay of the average of the weights; 0 for no average.
    pub average: f64,
}

/// What one optimizer trains: one or more networks. The same for every network of every system.
pub struct Player {
    /// What messages call it.
    name: &'static str,
    /// What its optimizer and averages are called in a state.
    key: &'static str,
    networks: Vec<Trained>,
    optimizer: Optimizer,
    settings: PlayerSettings,
}

struct Trained {
    name: &'static str,
    params: Params,
    average: Option<Average>,
}

impl Player {
    /// Of networks by name. `name` is what messages call the player, `key` what its optimizer is called in checkpoints.
    pub fn new(
        (name, key): (&'static str, &'static str),
        networks: &[(&'static str, &Params)],
        settings: PlayerSettings,
    ) -> Result<Self> {
        let mut trained = Vec::with_capacity(networks.len());
        for &(network, params) in networks {
            params.accumulate_gradients()?;
            let average =
                (settings.average > 0.0).then(|| Average::new(params, settings.average)).transpose()?;
            trained.push(Trained { name: network, params: params.clone(), average });
        }
        let parameters: BTreeMap<_, _> = by_name(&trained, |params| params.parameters().clone()).collect();
        let optimizer = Optimizer::new(&parameters, settings.optimizer)?;
        Ok(Self { name, key, networks: trained, optimizer, settings })
    }

    fn params(&self) -> impl Iterator<Item = &Params> {
        self.networks.iter().map(|network| &network.params)
    }

    /// The learning rate where all rates are multiplied by this.
    pub fn lr(&self, rate: f64) -> f64 {
        self.settings.lr * rate
    }

    /// Forgets the gradients that were added up.
    pub fn zero_grad(&self) {
        self.params().for_each(Params::clear_gradients);
    }

    /// One update from the gradients that were added up since the last one; their norm before they are clipped.
    ///
    /// In this order: what is not finite is refused, the norm is measured, the gradient clipped, the optimizer steps, the
    /// weights are clipped, and the average follows.
    ///
    /// # Errors
    /// [`Error::Diverged`] names the player and the tensor; nothing has changed then.
    pub fn update(&mut self, at: &Moment) -> Result<f64> {
        let gradients = by_name(&self.networks, Params::gradients).collect();
        let gradients = failpoint::gradients(&format!("gradient-{}", self.key), gradients)?;
        let norm = norm(&gradients)?;
        if !norm.is_finite() {
            return Err(self.diverged(&gradients, norm, at.step)?);
        }
        let gradients = self.clipped(gradients, norm)?;
        let lr = self.lr(at.rate);
        trace_span!("optimizer").in_scope(|| self.optimizer.step(&gradients, lr))?;
        if self.settings.clip_weights > 0.0 {
            self.clip_weights()?;
        }
        let updates = self.optimizer.steps();
        for average in self.networks.iter_mut().filter_map(|network| network.average.as_mut()) {
            trace_span!("EMA").in_scope(|| average.follow(updates))?;
        }
        self.zero_grad();
        Ok(norm)
    }

    /// Gradients whose norm is at most `clip_grad`, as `torch.nn.utils.clip_grad_norm_` has it.
    fn clipped(&self, gradients: Gradients, norm: f64) -> Result<Gradients> {
        let factor = self.settings.clip_grad / (norm + 1e-6);
        if self.settings.clip_grad == 0.0 || factor >= 1.0 {
            return Ok(gradients);
        }
        let clip = |(name, gradient): (String, Tensor)| Ok((name, gradient.affine(factor, 0.0)?));
        gradients.into_iter().map(clip).collect()
    }

    /// The length of all its weights together: one that grows and grows tells of a run that will break.
    pub fn weight_norm(&self) -> Result<f64> {
        let weights = self.params().flat_map(|params| params.parameters().values());
        let squares = weights.map(|var| gan_ops::sum_of_squares(&var.as_detached_tensor()));
        Ok(squares.sum::<candle_core::Result<f64>>()?.sqrt())
    }

    /// Keeps every weight in [-limit, limit] (Arjovsky et al. 2017, algorithm 1).
    fn clip_weights(&self) -> Result<()> {
        let limit = self.settings.clip_weights;
        for var in self.params().flat_map(|params| params.parameters().values()) {
            var.set(&var.as_detached_tensor().clamp(-limit, limit)?)?;
        }
        Ok(())
    }

    /// The error that names the first tensor whose gradient is not finite.
    fn diverged(&self, gradients: &Gradients, norm: f64, step: u64) -> Result<Error> {
        for (name, gradient) in gradients {
            let value = gan_ops::sum_of_squares(gradient)?.sqrt();
            if !value.is_finite() {
                return Ok(Error::diverged(format!("the gradient of {}'s {name}", self.name), value, step));
            }
        }
        Ok(Error::diverged(format!("the gradient of {}", self.name), norm, step))
    }

    /// Whether it has averaged weights.
    pub fn averages(&self) -> bool {
        self.settings.average > 0.0
    }

    /// Does something with the averaged weights in the place of the trained ones, if there are any. `estimate` makes forward
    /// passes in [`Mode::Recalibrate`](gan_nn::Mode::Recalibrate) for batch norm's statistics: once after each update at
    /// most, and not at all where there are none.
    pub fn with_average<T>(
        &mut self,
        estimate: impl Fn() -> Result<()>,
        body: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        with_averages(&mut self.networks, self.optimizer.steps(), &estimate, body)
    }

    /// Its networks, optimizer and averages.
    pub fn state(&mut self) -> State<'_> {
        let mut state = State::default();
        let alone = self.networks.len() == 1;
        for Trained { name, params, average } in &mut self.networks {
            state.part(name, State::of_network(params));
            if let Some(average) = average {
                let part =
                    if alone { format!("ema_{}", self.key) } else { format!("ema_{}.{name}", self.key) };
                state.part(&part, average.state());
            }
        }
        state.part(&format!("optimizer_{}", self.key), self.optimizer.state());
        state
    }
}

/// With the averages of all networks in place, one after the other.
fn with_averages<T>(
    networks: &mut [Trained],
    updates: u64,
    estimate: &dyn Fn() -> Result<()>,
    body: impl FnOnce() -> Result<T>,
) -> Result<T> {
    match networks {
        [] => body(),
        [Trained { average: None, .. }, rest @ ..] => with_averages(rest, updates, estimate, body),
        [Trained { average: Some(average), .. }, rest @ ..] => {
            average.with(updates, estimate, || with_averages(rest, updates, estimate, body))
        }
    }
}

/// Tensors of all networks; where there are several, with the network's name before that of the tensor.
fn by_name<T>(
    networks: &[Trained],
    tensors: impl Fn(&Params) -> BTreeMap<String, T>,
) -> impl Iterator<Item = (String, T)> {
    let alone = networks.len() == 1;
    networks.iter().flat_map(move |Trained { name, params, .. }| {
        let named = |(tensor, value)| (if alone { tensor } else { format!("{name}.{tensor}") }, value);
        tensors(params).into_iter().map(named).collect::<Vec<_>>()
    })
}

/// Adds the gradients of `loss`, times `weight`, to those of the players it is for, once for each graph. `weight` is the part
/// of an update's images that the loss is the mean of: 1 unless several batches make an update.
///
/// The networks of all `others` must have been forwarded untracked
/// ([`Context::untracked`](gan_nn::Context::untracked)).
///
/// # Errors
/// [`Error::Untracked`] if the loss reaches their weights: no gradient lands where nobody asked.
pub fn backward(loss: &Tensor, weight: f64, players: &[&Player], others: &[&Player]) -> Result<()> {
    let store = loss.affine(weight, 0.0)?.backward()?;
    let reached: HashSet<TensorId> = store.get_ids().copied().collect();
    for player in others {
        if player.params().any(|params| params.tracked_ids().any(|id| reached.contains(&id))) {
            return Err(Error::Untracked { player: player.name });
        }
    }
    let mut params = players.iter().flat_map(|player| player.params());
    params.try_for_each(|params| Ok(params.add_gradients(&store)?))
}

fn norm(gradients: &Gradients) -> Result<f64> {
    let squares: candle_core::Result<Vec<f64>> = gradients.values().map(gan_ops::sum_of_squares).collect();
    Ok(squares?.iter().sum::<f64>().sqrt())
}
