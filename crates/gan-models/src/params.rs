//! The named tensors of one network.

use candle_core::{DType, Tensor, Var};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The named tensors of one network: parameters, which an optimizer steps, and buffers (batch-norm statistics), which
/// it does not. Always in the order of their names.
#[derive(Debug)]
pub struct Params {
    parameters: BTreeMap<String, Var>,
    buffers: BTreeMap<String, Var>,
    requires_grad: Arc<AtomicBool>,
}

impl Params {
    pub(crate) fn new() -> Self {
        let requires_grad = Arc::new(AtomicBool::new(true));
        Self { parameters: BTreeMap::new(), buffers: BTreeMap::new(), requires_grad }
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

    /// Whether the next forward passes record what a gradient of the parameters needs. Off for the discriminator while
    /// the generator learns: the gradient flows through it, and its own is never computed.
    pub fn set_requires_grad(&self, requires_grad: bool) {
        self.requires_grad.store(requires_grad, Ordering::Relaxed);
    }

    /// Parameters and buffers under PyTorch's `state_dict` names, detached; they share memory with the network.
    pub fn state_dict(&self) -> BTreeMap<String, Tensor> {
        let all = self.parameters.iter().chain(&self.buffers);
        all.map(|(name, var)| (name.clone(), var.as_tensor().detach())).collect()
    }

    /// Takes over the values of a state dict, which must have exactly the names and shapes of this one.
    pub fn load_state_dict(&self, state: &BTreeMap<String, Tensor>) -> candle_core::Result<()> {
        let own: Vec<&String> = self.parameters.keys().chain(self.buffers.keys()).collect();
        if let Some(missing) = own.iter().find(|name| !state.contains_key(**name)) {
            candle_core::bail!("the state dict lacks {missing}");
        }
        if let Some(extra) = state.keys().find(|name| !own.contains(name)) {
            candle_core::bail!("the state dict has {extra}, which the network has not");
        }
        for (name, var) in self.parameters.iter().chain(&self.buffers) {
            let value = &state[name];
            if value.dims() != var.dims() || value.dtype() != var.dtype() {
                candle_core::bail!("{name} is {:?} in the state dict, {:?} here", value.shape(), var.shape());
            }
            var.set(&value.to_device(var.device())?.copy()?)?;
        }
        Ok(())
    }

    /// Sets batch-norm statistics to those of a new network, ready to be estimated anew (with
    /// [`Mode::Recalibrate`](crate::Mode::Recalibrate)).
    pub fn reset_statistics(&self) -> candle_core::Result<()> {
        for (name, var) in &self.buffers {
            let fresh = if name.ends_with("running_var") { var.ones_like()? } else { var.zeros_like()? };
            var.set(&fresh)?;
        }
        Ok(())
    }

    pub(crate) fn add_parameter(&mut self, name: String, value: &Tensor) -> candle_core::Result<Parameter> {
        let var = Var::from_tensor(value)?;
        self.parameters.insert(name, var.clone());
        Ok(Parameter { var, requires_grad: self.requires_grad.clone() })
    }

    pub(crate) fn add_buffer(&mut self, name: String, value: &Tensor) -> candle_core::Result<Var> {
        debug_assert!(matches!(value.dtype(), DType::F32 | DType::I64));
        let var = Var::from_tensor(value)?;
        self.buffers.insert(name, var.clone());
        Ok(var)
    }
}

/// A layer's view of one parameter.
#[derive(Debug)]
pub(crate) struct Parameter {
    var: Var,
    requires_grad: Arc<AtomicBool>,
}

impl Parameter {
    /// The value, tracked for a gradient if the network's [`Params`] say so.
    pub fn tensor(&self) -> Tensor {
        let tensor = self.var.as_tensor();
        if self.requires_grad.load(Ordering::Relaxed) { tensor.clone() } else { tensor.detach() }
    }
}
