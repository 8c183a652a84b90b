//! What networks are made of and trained with: layers, parameters, initial weights, optimizers, schedules, averages.
//!
//! A layer is a type with a constructor and [`apply`](Conv2d::apply), which takes values of two kinds: a
//! [`Flow`](gan_ops::Flow) (first derivatives) or a [`DualFlow`](gan_ops::DualFlow) (for gradient penalties,
//! which need derivatives of derivatives). Each is written once over [`Value`], so the two cannot drift
//! apart. Layers are [`candle_nn::ModuleT`]s too, whose flag is the mode; [`Sequential::evaluation`] is a
//! [`candle_nn::Module`].
//!
//! What holds for one pass goes down with it as a [`Context`]: how norms behave, whether parameters are tracked, the
//! precision of convolutions, the classes. Nothing of that is set on a network and forgotten.
//!
//! ```
//! use candle_core::{Device, Tensor};
//! use gan_nn::{Builder, Context, SequentialBuilder};
//!
//! // Weights of seed 42, under PyTorch's names: main.0.weight, main.2.weight, ...
//! let net = SequentialBuilder::new(Builder::from_seed(42, "critic", &Device::Cpu));
//! let net = net.conv2d((3, 8), (4, 4), 2, 1)?.leaky_relu(0.2).conv2d((8, 1), (16, 16), 1, 0)?;
//! let (critic, params) = net.finish()?;
//! let images = Tensor::zeros((2, 3, 32, 32), candle_core::DType::F32, &Device::Cpu)?;
//! let logits = critic.forward(&images, &Context::train())?; // [2, 1, 1, 1], tracked for gradients
//! assert_eq!((logits.dims(), params.count()), (&[2, 1, 1, 1][..], 3 * 8 * 16 + 8 * 256));
//! # Ok::<(), gan_nn::Error>(())
//! ```

mod average;
mod builder;
mod context;
mod cost;
mod error;
mod init;
mod layers;
mod listing;
mod losses;
mod norm;
mod optimizer;
mod params;
pub mod pretrained;
mod schedule;
mod sequential_builder;
mod spectral_names;
mod state;
mod value;

pub use average::Average;
pub use builder::Builder;
pub use context::{Context, Mode};
pub use error::{Error, Result};
pub use init::{Init, InitScheme};
pub use layers::{
    Append, Attention, BatchNorm2d, Conv2d, ConvTranspose2d, Evaluation, InstanceNorm2d, Layer, LayerNorm,
    Linear, Residual, Sequential, Weight,
};
pub use listing::Listing;
#[doc(hidden)] // of the crates of this workspace
pub use listing::printable;
pub use losses::{bce_with_logits, cross_entropy, l1, mse};
pub use norm::{Norm, Upsample};
pub use optimizer::{Gradients, Hyperparameters, Optimizer, OptimizerKind};
pub use params::{Parameter, Params};
pub use schedule::Schedule;
pub use sequential_builder::SequentialBuilder;
pub use spectral_names::with_current_names;
pub use state::State;
pub use value::Value;
