//! What batch normalisation gives beside the images.

use candle_core::Tensor;

/// What batch normalisation gives in training.
pub struct BatchNormOutput<X = Tensor> {
    /// The normalised and activated images `[N, C, H, W]`.
    pub output: X,
    /// Mean of each channel of the batch, `[C]`, detached.
    pub mean: Tensor,
    /// Variance of each channel of the batch, divided by n - 1, `[C]`, detached: what the running variance takes
    /// in.
    pub unbiased_var: Tensor,
}
