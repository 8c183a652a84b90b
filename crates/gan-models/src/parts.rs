//! What a network is made of.

use crate::layers::{Layer, Weight};
use crate::params::{Parameter, Params};

/// A network that is built.
pub(crate) struct Parts {
    /// Of a generator all, of a discriminator those that make features.
    pub trunk: Vec<Layer>,
    /// From the features to the logit.
    pub head: Vec<Layer>,
    pub class_head: Option<ClassHead>,
    pub params: Params,
}

/// What a discriminator makes of its features beside the logit.
pub(crate) enum ClassHead {
    /// The inner product with the vector of the class, `[K, F]`, is added to the logit.
    Projection(Weight),
    /// Class logits: weight `[K, F]`, bias `[K]`.
    Classifier { weight: Weight, bias: Parameter },
}

impl ClassHead {
    pub fn weight(&self) -> &Weight {
        match self {
            ClassHead::Projection(weight) | ClassHead::Classifier { weight, .. } => weight,
        }
    }
}
