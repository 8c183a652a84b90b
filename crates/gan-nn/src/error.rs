//! What can go wrong.

/// The result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong with networks and with what trains them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Stored tensors that are not those of the network.
    #[error("{0}")]
    OtherTensors(String),
    /// A saved state that is not that of what is to be restored: the list of differences.
    #[error("the saved state is another: {0}")]
    OtherState(String),
    /// Weights that lack a tensor of the network.
    #[error("the weights have no tensor {name}")]
    MissingTensor {
        /// Its name.
        name: String,
    },
    /// Weights with a tensor of another shape.
    #[error("the tensor {name} of the weights is of shape {found:?}, and the network's is {wanted:?}")]
    TensorShape {
        /// Its name.
        name: String,
        /// The shape that it has.
        found: Vec<usize>,
        /// The shape that the network's has.
        wanted: Vec<usize>,
    },
    /// Weights with NaN or infinity.
    #[error("the tensor {name} of the weights holds NaN or infinity")]
    TensorNotFinite {
        /// Its name.
        name: String,
    },
    /// A tensor operation that failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}
