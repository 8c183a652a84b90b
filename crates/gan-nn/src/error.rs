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
    /// A tensor operation that failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}
