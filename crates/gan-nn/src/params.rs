//! The named tensors of one network.

use crate::context::Context;
use crate::listing::{differences, listing};
use crate::spectral_names::with_current_names;
use candle_core::backprop::GradStore;
use candle_core::{DType, Tensor, TensorId, Var};
use gan_ops::{Gradient, PackedWeights};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// The named tensors of one network: parameters, which an optimizer steps, and buffers (batch-norm statistics), which
/// it does not. Always in the order of their names. A clone shares them.
#[derive(Clone, Debug, Default)]
pub struct Params {
    parameters: BTreeMap<String, Var>,
    buffers: BTreeMap<String, Var>,
    gradients: Arc<OnceLock<BTreeMap<String, Gradient>>>,
    packed: Arc<OnceLock<BTreeMap<String, PackedWeights>>>,
    /// Whether statistics are only ever those of training, and are not estimated anew for other weights.
    is_candles: bool,
}

impl Params {
    /// Of a network written with candle-nn alone: all variables of its `VarMap`, the running statistics of batch norm as
    /// buffers and all others as parameters.
    pub fn of_vars(vars: &candle_nn::VarMap) -> Self {
        let vars = vars.data().lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let all = vars.iter().map(|(name, var)| (name.clone(), var.clone()));
        let (buffers, parameters) = all.partition(|(name, _)| is_statistic(name));
        Self { parameters, buffers, is_candles: true, ..Self::default() }
    }

    /// What an optimizer steps.
    pub fn parameters(&self) -> &BTreeMap<String, Var> {
        &self.parameters
    }

    /// Running statistics, which follow the data and not the gradient.
    pub fn buffers(&self) -> &BTreeMap<String, Var> {
        &self.buffers
    }

    /// How many numbers an optimizer steps.
    pub fn count(&self) -> usize {
        self.parameters.values().map(|var| var.elem_count()).sum()
    }

    /// From now on backward passes add up the gradients of the parameters here, as PyTorch's `.grad`, instead of handing
    /// them out in Candle's [`GradStore`]: much less traffic on the CPU.
    pub fn accumulate_gradients(&self) -> candle_core::Result<()> {
        let gradients = self.parameters.iter().map(|(name, var)| Ok((name.clone(), Gradient::of(var)?)));
        let gradients = gradients.collect::<candle_core::Result<_>>()?;
        _ = self.gradients.set(gradients); // accumulating already
        Ok(())
    }

    /// From now on what kernels make of the parameters is kept: to sample, where it takes longer to bring the
    /// weights of a large network into order than to make a single image. Whoever changes their values
    /// afterwards, other than by [`load_state_dict`](Self::load_state_dict), goes on with the old ones.
    pub fn freeze(&self) {
        self.packed.get_or_init(|| {
            self.parameters.keys().map(|name| (name.clone(), PackedWeights::default())).collect()
        });
    }

    /// Takes in the gradients that a backward pass left in Candle's store (all of them where there are no kernels, as on
    /// a GPU, and for layers of candle-nn).
    pub fn add_gradients(&self, store: &GradStore) -> candle_core::Result<()> {
        for (name, gradient) in self.gradients.get().into_iter().flatten() {
            if let Some(more) = store.get(&self.parameters[name]) {
                gradient.add(&more.detach())?;
            }
        }
        Ok(())
    }

    /// The gradients that were accumulated since they were last cleared, by name. They share memory with what is
    /// accumulated next.
    pub fn gradients(&self) -> BTreeMap<String, Tensor> {
        let all = self.gradients.get().into_iter().flatten();
        all.filter_map(|(name, gradient)| Some((name.clone(), gradient.get()?))).collect()
    }

    /// Starts to accumulate anew.
    pub fn clear_gradients(&self) {
        self.gradients.get().into_iter().flatten().for_each(|(_, gradient)| gradient.clear());
    }

    /// Parameters and buffers under PyTorch's `state_dict` names, detached; they share memory with the network.
    pub fn state_dict(&self) -> BTreeMap<String, Tensor> {
        let all = self.parameters.iter().chain(&self.buffers);
        all.map(|(name, var)| (name.clone(), var.as_tensor().detach())).collect()
    }

    /// Takes over the values of a state dict, which must have exactly the names and shapes of this one, or the names of
    /// before ([`with_current_names`](crate::with_current_names)).
    pub fn load_state_dict(&self, state: &BTreeMap<String, Tensor>) -> candle_core::Result<()> {
        let names = self.parameters.keys().chain(self.buffers.keys());
        let state = with_current_names(names, state.clone());
        if let Some(what) = differences(&listing(&self.state_dict()), &listing(&state)) {
            candle_core::bail!("the state dict is not that of the network: {what}");
        }
        for (name, var) in self.parameters.iter().chain(&self.buffers) {
            var.set(&state[name].to_device(var.device())?.copy()?)?;
        }
        self.packed.get().into_iter().flatten().for_each(|(_, packed)| packed.clear());
        Ok(())
    }

    /// Sets batch-norm statistics to those of a new network, ready to be estimated anew (with
    /// [`Mode::Recalibrate`](crate::Mode::Recalibrate)).
    #[doc(hidden)] // [`Average`](crate::Average) does it where it is needed
    pub fn reset_statistics(&self) -> candle_core::Result<()> {
        for (name, var) in &self.buffers {
            if name.ends_with("running_var") {
                var.set(&var.ones_like()?)?;
            } else if is_statistic(name) {
                var.set(&var.zeros_like()?)?;
            } // others belong to the weights
        }
        Ok(())
    }

    /// Whether there are statistics to estimate anew for averaged weights: those of batch norm.
    pub fn has_statistics(&self) -> bool {
        !self.is_candles && self.buffers.keys().any(|name| is_statistic(name))
    }

    /// What Candle tracks for them in a backward pass.
    pub fn tracked_ids(&self) -> impl Iterator<Item = TensorId> {
        let handles = self.gradients.get().into_iter().flatten().map(|(_, gradient)| gradient.id());
        self.parameters.values().map(|var| var.id()).chain(handles)
    }

    /// The first tensor, in the order of their names, that holds a NaN or an infinity.
    pub fn not_finite(&self) -> candle_core::Result<Option<&str>> {
        for (name, var) in self.parameters.iter().chain(&self.buffers) {
            if var.dtype().is_float() {
                let values =
                    var.as_detached_tensor().flatten_all()?.to_dtype(DType::F32)?.to_vec1::<f32>()?;
                if !values.iter().all(|value| value.is_finite()) {
                    return Ok(Some(name));
                }
            }
        }
        Ok(None)
    }

    /// Names a new parameter with this value.
    pub(crate) fn add_parameter(&mut self, name: String, value: &Tensor) -> candle_core::Result<Parameter> {
        let var = Var::from_tensor(value)?;
        self.parameters.insert(name.clone(), var.clone());
        Ok(Parameter { name, var, gradients: self.gradients.clone(), packed: self.packed.clone() })
    }

    pub(crate) fn add_buffer(&mut self, name: String, value: &Tensor) -> candle_core::Result<Var> {
        debug_assert!(matches!(value.dtype(), DType::F32 | DType::I64));
        let var = Var::from_tensor(value)?;
        self.buffers.insert(name, var.clone());
        Ok(var)
    }
}

fn is_statistic(name: &str) -> bool {
    ["running_mean", "running_var", "num_batches_tracked"].iter().any(|statistic| name.ends_with(statistic))
}

/// A layer's view of one parameter.
#[derive(Clone, Debug)]
pub struct Parameter {
    name: String,
    var: Var,
    gradients: Arc<OnceLock<BTreeMap<String, Gradient>>>,
    packed: Arc<OnceLock<BTreeMap<String, PackedWeights>>>,
}

impl Parameter {
    /// The value, tracked for a gradient if this pass tracks parameters.
    pub fn tensor(&self, context: &Context) -> Tensor {
        let tensor = self.var.as_tensor();
        if context.tracked { tensor.clone() } else { tensor.detach() }
    }

    /// The same with the place where its gradient is accumulated, if it is, and with what is kept of it.
    pub fn get(&self, context: &Context) -> gan_ops::Parameter {
        let gradient = self.gradients.get().and_then(|gradients| gradients.get(&self.name)).cloned();
        let packed = self.packed.get().and_then(|packed| packed.get(&self.name)).cloned();
        gan_ops::Parameter { value: self.tensor(context), gradient, packed }
    }

    /// The lengths of its dimensions.
    pub fn dims(&self) -> &[usize] {
        self.var.dims()
    }
}
