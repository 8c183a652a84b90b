//! The self-attention of SAGAN (Zhang et al. 2019).

use super::Weight;
use crate::context::Context;
use crate::params::Parameter;
use crate::value::Value;
use candle_core::{Result, bail};
use gan_ops::Activation;

/// Each pixel takes from all others what it finds alike: `x + gamma * out(attention(query(x), key(x), value(x)))`. Keys and
/// values are pooled to a quarter, as in the authors' code. Weights are 1x1 convolutions `[out, in, 1, 1]`.
#[derive(Clone, Debug)]
pub struct Attention {
    pub(crate) query: Weight,
    pub(crate) key: Weight,
    pub(crate) value: Weight,
    pub(crate) out: Weight,
    /// `[1]`, 0 at first: the network begins with what lies near.
    pub(crate) gamma: Parameter,
}

/// Side of the squares that keys and values are pooled by.
const POOL: usize = 2;

impl Attention {
    /// The layer: `[N, C, H, W]` of even height and width -> the same.
    pub fn apply<V: Value>(&self, x: V, context: &Context) -> Result<V> {
        let &[n, _, h, w] = x.dims() else { bail!("attention takes [N, C, H, W], not {:?}", x.dims()) };
        let by_1x1 =
            |weight: &Weight, x: V| x.conv2d(&weight.get(context)?, None, 1, 0, Activation::Identity.into());
        let flat = |x: V| {
            let &[n, c, h, w] = x.dims() else { bail!("attention takes [N, C, H, W], not {:?}", x.dims()) };
            x.reshape(vec![n, c, h * w])
        };
        let query = flat(by_1x1(&self.query, x.clone())?)?;
        let key = flat(by_1x1(&self.key, x.clone())?.max_pool2d(POOL)?)?;
        let value = flat(by_1x1(&self.value, x.clone())?.max_pool2d(POOL)?)?;
        let taken = V::attention(query, key, value)?;
        let channels = taken.dims()[1];
        let taken = by_1x1(&self.out, taken.reshape(vec![n, channels, h, w])?)?;
        x.add(taken.scale(&self.gamma.get(context))?)
    }
}
