//! The tensors of a network in the making: drawn from a seed, taken from a state dict, or from a `VarBuilder` of candle-nn.

use crate::error::{Error, Result};
use crate::init::Init;
use crate::layers::{SPECTRAL_EPS, Spectral, Weight};
use crate::listing::{Listing, differences, listing};
use crate::params::{Parameter, Params};
use crate::spectral_names::{spectral_names, with_current_names};
use candle_core::{DType, Device, Tensor, Var};
use candle_nn::VarBuilder;
use gan_rng::Stream;
use std::collections::BTreeMap;

/// Where the values of a new network come from.
enum Values {
    /// Drawn from the streams `init/<role>/<name>` of a seed.
    Seed { seed: u64, role: String },
    /// A state dict, which must hold just the tensors that the network has.
    Tensors(BTreeMap<String, Tensor>),
    /// Of candle-nn: it has them, or makes them as it does.
    VarBuilder(VarBuilder<'static>),
}

/// Power iterations before the first use of a spectral norm, as in PyTorch.
const FIRST_POWER_ITERATIONS: usize = 15;

/// Makes the tensors of one network, each under the name that it has in PyTorch's `state_dict`.
pub struct Builder {
    values: Values,
    device: Device,
    params: Params,
    wanted: Listing,
}

impl Builder {
    fn new(values: Values, device: &Device) -> Self {
        Self { values, device: device.clone(), params: Params::default(), wanted: Listing::new() }
    }

    /// Initial weights of a seed, the same on every platform. Two networks of one seed differ by their `role`.
    pub fn from_seed(seed: u64, role: &str, device: &Device) -> Self {
        Self::new(Values::Seed { seed, role: role.to_owned() }, device)
    }

    /// Stored tensors by name, which must be just those of the network.
    pub fn from_tensors(tensors: BTreeMap<String, Tensor>, device: &Device) -> Self {
        Self::new(Values::Tensors(tensors), device)
    }

    /// What a `VarBuilder` of candle-nn has under these names; tensors that it does not know are an error there. They are
    /// copied: training does not change those of the `VarBuilder`.
    pub fn from_var_builder(vb: VarBuilder<'static>) -> Self {
        let device = vb.device().clone();
        Self::new(Values::VarBuilder(vb), &device)
    }

    /// A parameter of this name and shape; `init` says what it is drawn from, if it is drawn.
    pub fn parameter(&mut self, name: String, shape: &[usize], init: Init) -> Result<Parameter> {
        let value = match &self.values {
            Values::Seed { .. } => self.drawn(&name, shape, init)?,
            _ => self.stored(&name, shape, DType::F32)?,
        };
        Ok(self.params.add_parameter(name, &value)?)
    }

    /// Running statistics, all of the same value at first.
    pub(crate) fn buffer(&mut self, name: String, shape: &[usize], dtype: DType, value: i64) -> Result<Var> {
        let value = match &self.values {
            Values::Seed { .. } => {
                Tensor::new(value, &self.device)?.to_dtype(dtype)?.broadcast_as(shape)?.contiguous()?
            }
            _ => self.stored(&name, shape, dtype)?,
        };
        Ok(self.params.add_buffer(name, &value)?)
    }

    /// A weight under spectral norm, its outputs counted by one of its dimensions. `name` is what it has without.
    pub(crate) fn spectral(
        &mut self,
        name: String,
        shape: &[usize],
        init: Init,
        output_dim: usize,
    ) -> Result<Weight> {
        let [original, u_name, v_name] = spectral_names(&name);
        let outputs = shape[output_dim];
        let rest = shape.iter().product::<usize>() / outputs.max(1);
        let (weight, u, v) = match &self.values {
            Values::Seed { .. } => {
                // From the streams that they were drawn from when these were their names.
                let normal = || Init::Normal { mean: 0.0, std: 1.0 };
                let weight = self.drawn(&name, shape, init)?;
                let mut u = self.drawn(&format!("{name}_u"), &[outputs], normal())?;
                let mut v = self.drawn(&format!("{name}_v"), &[rest], normal())?;
                // As PyTorch begins.
                for _ in 0..FIRST_POWER_ITERATIONS {
                    (u, v) = gan_ops::power_iteration(&weight, output_dim, &u, &v, SPECTRAL_EPS)?;
                }
                (weight, u, v)
            }
            _ => (
                self.stored(&original, shape, DType::F32)?,
                self.stored(&u_name, &[outputs], DType::F32)?,
                self.stored(&v_name, &[rest], DType::F32)?,
            ),
        };
        let parameter = self.params.add_parameter(original, &weight)?;
        let (u, v) = (self.params.add_buffer(u_name, &u)?, self.params.add_buffer(v_name, &v)?);
        Ok(Weight { parameter, spectral: Some(Spectral { u, v, output_dim }) })
    }

    /// Where they are.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// All of them; an error if stored tensors are not those of the network.
    pub fn finish(self) -> Result<Params> {
        if let Values::Tensors(stored) = &self.values
            && let Some(what) = differences(&self.wanted, &listing(stored))
        {
            return Err(Error::OtherTensors(what));
        }
        Ok(self.params)
    }

    /// Numbers of the stream of a name.
    fn drawn(&self, name: &str, shape: &[usize], init: Init) -> Result<Tensor> {
        let Values::Seed { seed, role } = &self.values else {
            return Ok(Tensor::zeros(0, DType::F32, &self.device)?);
        };
        let mut stream = Stream::new(*seed, &format!("init/{role}/{name}"), 0);
        Ok(Tensor::from_vec(init.draw(&mut stream, shape.iter().product()), shape, &self.device)?)
    }

    /// A stored tensor. Where there is none such the answer is an empty one, and [`finish`](Self::finish) refuses them
    /// all with the list of differences.
    fn stored(&mut self, name: &str, shape: &[usize], dtype: DType) -> Result<Tensor> {
        let name = name.to_owned();
        if let Values::VarBuilder(vb) = &self.values {
            return Ok(vb.get_with_hints_dtype(shape, &name, candle_nn::Init::Const(0.0), dtype)?);
        }
        if let Values::Tensors(stored) = &mut self.values {
            *stored = with_current_names([&name], std::mem::take(stored));
        }
        let stored = match &self.values {
            Values::Tensors(stored) => stored.get(&name),
            _ => None,
        };
        self.wanted.insert(name, (dtype, shape.to_vec()));
        match stored.filter(|value| value.dims() == shape && value.dtype() == dtype) {
            Some(value) => Ok(value.clone()),
            None => Ok(Tensor::zeros(0, dtype, &self.device)?),
        }
    }
}
