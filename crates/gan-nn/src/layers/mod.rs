//! The layers of networks.

mod attention;
mod batch_norm;
mod condition;
mod conv;
mod linear;
mod norms;
mod sequential;
mod weight;

pub use attention::Attention;
pub use batch_norm::BatchNorm2d;
pub use condition::Append;
pub use conv::{Conv2d, ConvTranspose2d};
pub use linear::Linear;
pub use norms::{InstanceNorm2d, LayerNorm};
pub use sequential::{Evaluation, Layer, Residual, Sequential};
pub use weight::Weight;
pub(crate) use weight::{Affine, SPECTRAL_EPS, Spectral};

use crate::context::Context;
use candle_core::{Result, Tensor};
use candle_nn::{Module, ModuleT};
use gan_ops::Flow;

/// PyTorch's default, for batch norm and the others.
const NORM_EPS: f64 = 1e-5;

/// Layers that do the same in training and in evaluation, as Candle's modules.
macro_rules! modules {
    ($($layer:ty),*) => {$(
        impl Module for $layer {
            fn forward(&self, x: &Tensor) -> Result<Tensor> {
                self.apply(Flow::enter(x)?, &Context::eval())?.leave()
            }
        }
    )*};
}

/// Layers that do not. Candle gives every `Module` a `ModuleT` that takes no notice of the flag, so that these, as its own
/// batch norm, are `ModuleT` alone.
macro_rules! modules_with_modes {
    ($($layer:ty),*) => {$(
        impl ModuleT for $layer {
            fn forward_t(&self, x: &Tensor, train: bool) -> Result<Tensor> {
                let context = if train { Context::train() } else { Context::eval() };
                self.apply(Flow::enter(x)?, &context)?.leave()
            }
        }
    )*};
}

modules!(InstanceNorm2d, LayerNorm, Evaluation<'_>);
modules_with_modes!(Attention, BatchNorm2d, Conv2d, ConvTranspose2d, Layer, Linear, Residual, Sequential);
