//! Differentiable ops for GANs, right and fast where stock Candle is not.
//!
//! Every function takes and returns [`candle_core::Tensor`]s and takes part in Candle's backward pass. On the CPU, in
//! f32 and f64, the work is done here, on all cores, with the same bits whatever the number of threads: work is split
//! by the shape of the problem and partial sums are added in a fixed order. On other devices, and in other types, each
//! function falls back to its reference implementation in [`mod@reference`], written in plain Candle; tests hold the
//! two together, and [`reference::only`] lets them run on the references alone.
//!
//! On CPUs with AMX wide convolutions run there, in f32 as anywhere or, where [`Precision::Bf16`] is asked for, in bf16.
//!
//! A network does better to hand a [`Flow`] from layer to layer: the same ops, with activations and gradients in buffers
//! that are used again at every step, fused with what comes after them, and parameters whose [`Gradient`] adds up in place.
//!
//! | op | why not Candle's own |
//! | --- | --- |
//! | [`conv2d`], [`conv_transpose2d`] | 8 to 14 times slower than PyTorch; wrong input gradient for some non-square images |
//! | [`depthwise_conv2d`] | a convolution for each channel, one after the other |
//! | [`batch_norm2d_train`], [`batch_norm2d_eval`] | some 30 single-threaded passes over the activations a layer |
//! | [`relu`], [`leaky_relu`] | gradient at 0 (PyTorch: 0 and the slope) |
//! | [`tanh`] | one element at a time, on one thread |
//! | [`softplus`], [`bce_with_logits`] | Candle's is NaN once a logit passes about 17 |
//! | [`adam_step`], [`lerp_in_place`] | about 15 temporaries a parameter and step; moments that cannot be saved |
//! | [`sum_of_squares`] | single-threaded |
//! | [`upsample_nearest2d`], [`avg_pool2d`] | single-threaded; wrong gradients: the input's other uses lost, remainders |
//! | [`pixel_shuffle`] | candle-nn's, which this crate does without |
//! | [`max_pool2d`] | wrong gradients: a factor of 1/k^2 |
//! | [`Flow::pool2d`] | no padding; wrong gradients of windows that overlap |
//! | [`Flow::concat`] | single-threaded |
//! | [`modulate`], [`Flow::add_bias`], [`Flow::add`] | single-threaded; a pass for each of product, sum and activation |
//! | [`instance_norm2d`], [`layer_norm`] | no instance norm; layer norm's fast path drops gradients |
//! | [`Flow::scale`], [`Flow::sum_spatial`] | single-threaded |
//! | [`Flow::linear`] | a pass each for product, bias and activation |
//! | [`attention`] | a pass and a tensor for each step of it; softmax's fast path drops gradients |
//! | [`DualFlow`] | no second derivatives: gradient penalties need them |
//! | [`power_iteration`], [`spectral_norm`] | none |
//! | [`softmax`] | softmax's fast path drops gradients |
//!
//! Those from [`power_iteration`] on are compositions of Candle's ops, on every device: right, not yet fast.
//!
//! What may take long runs in a span of its own name, from the first line of the op to its end:
//! `let _span = tracing::trace_span!("conv2d").entered();`. Nobody listening, that costs next to nothing; `gan bench
//! train --profile` adds up where the time goes. Open spans on the calling thread only, never inside a rayon task.

mod activation;
mod activation_ops;
mod activation_tangent;
mod adam;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod amx;
mod attention;
mod batch_norm;
mod batch_norm_output;
mod bias;
mod ceiling;
mod channels;
mod conv;
mod cpu;
mod depthwise;
mod dual;
mod dual_flow;
mod dual_number;
mod elementwise;
mod flow;
mod gradient;
mod instructions;
mod join;
mod linear;
mod loss;
mod modulate;
mod norm;
mod norm_kind;
mod optimizer;
mod packed;
mod padding;
mod pool;
mod pool_kind;
mod precision;
mod product;
mod real;
pub mod reference;
mod resample;
mod resample_shape;
mod row_norm;
mod scale;
mod scratch;
mod simd;
mod softmax;
mod special;
mod spectral;
mod sum_spatial;
mod sums;
mod switch;
mod threads;
mod transpose;
mod unoptimised;
mod values;
mod windows;

pub use activation::Activation;
pub use activation_ops::{leaky_relu, relu, tanh};
pub use adam::AdamStep;
pub use attention::attention;
pub use batch_norm::{batch_norm2d_eval, batch_norm2d_train};
pub use batch_norm_output::BatchNormOutput;
pub use ceiling::gemm_ceiling;
pub use conv::{Epilogue, conv_transpose2d, conv2d};
pub use depthwise::depthwise_conv2d;
pub use dual_flow::DualFlow;
pub use dual_number::Dual;
pub use flow::Flow;
pub use gradient::{Gradient, Parameter};
pub use instructions::instructions;
pub use loss::{bce_with_logits, softplus};
pub use norm::{instance_norm2d, layer_norm, modulate};
pub use optimizer::{adam_step, lerp_in_place, sum_of_squares};
pub use packed::PackedWeights;
pub use padding::Padding;
pub use pool_kind::Pool;
pub use precision::{Precision, bf16_is_fast};
pub use resample::{avg_pool2d, max_pool2d, pixel_shuffle, upsample_nearest2d};
pub use softmax::softmax;
pub use spectral::{power_iteration, spectral_norm};
pub use threads::{ThreadsError, keep_workers_spinning, set_threads};
