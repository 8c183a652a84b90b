//! The self-attention of SAGAN (Zhang et al. 2019).

use super::{Mode, Weight};
use crate::params::Parameter;
use candle_core::{Result, Tensor};
use gan_ops::{Dual, attention, conv2d, max_pool2d};

/// Each pixel takes from all others what it finds alike: `x + gamma * out(attention(query(x), key(x), value(x)))`. Keys and
/// values are pooled to a quarter, as in the authors' code. Weights are 1x1 convolutions `[out, in, 1, 1]`.
#[derive(Debug)]
pub(crate) struct Attention {
    pub query: Weight,
    pub key: Weight,
    pub value: Weight,
    pub out: Weight,
    /// `[1]`, 0 at first: the network begins with what lies near.
    pub gamma: Parameter,
}

/// Side of the squares that keys and values are pooled by.
const POOL: usize = 2;

impl Attention {
    pub fn forward(&self, x: &Tensor, mode: Mode) -> Result<Tensor> {
        let (n, _, h, w) = x.dims4()?;
        let by_1x1 = |weight: &Weight, x: &Tensor| conv2d(x, &weight.tensor(mode)?, 1, 0);
        let query = by_1x1(&self.query, x)?.flatten_from(2)?;
        let key = max_pool2d(&by_1x1(&self.key, x)?, POOL)?.flatten_from(2)?;
        let value = max_pool2d(&by_1x1(&self.value, x)?, POOL)?.flatten_from(2)?;
        let taken = attention(&query, &key, &value)?.reshape((n, (), h, w))?;
        x + by_1x1(&self.out, &taken)?.broadcast_mul(&self.gamma.tensor())?
    }

    pub fn forward_dual(&self, x: &Dual) -> Result<Dual> {
        let (n, _, h, w) = x.value.dims4()?;
        let by_1x1 = |weight: &Weight, x: &Dual| x.conv2d(&weight.tensor(Mode::Eval)?, None, 1, 0);
        let flat = |x: Dual| x.map_linear(|x| x.flatten_from(2));
        let query = flat(by_1x1(&self.query, x)?)?;
        let key = flat(by_1x1(&self.key, x)?.max_pool2d(POOL)?)?;
        let value = flat(by_1x1(&self.value, x)?.max_pool2d(POOL)?)?;
        let taken = Dual::attention(&query, &key, &value)?.reshape((n, (), h, w))?;
        x.add(&by_1x1(&self.out, &taken)?.scale(&self.gamma.tensor())?)
    }
}
