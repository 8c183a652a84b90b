//! Frozen networks that others have trained, for their features: measures on generated images are of them.
//!
//! Each is read from the named tensors of a file, under the names that its users know. Batch norm is folded
//! into the convolutions when they are read, and nothing of a network is trained: there are no gradients of
//! its weights. The gradients of its input are there, if the input is tracked. They have no second
//! derivatives.

mod efficientnet_lite0;
mod inception;
mod resize;
mod weights;

pub use efficientnet_lite0::EfficientNetLite0;
pub use inception::InceptionV3;
