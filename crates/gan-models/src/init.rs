//! Initial weights.

use gan_rng::Stream;

/// The distribution of a parameter's initial values.
pub(crate) enum Init {
    Normal { mean: f64, std: f64 },
    Uniform { bound: f64 },
    Constant(f64),
}

/// Initial weights of a architecture of networks.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum InitScheme {
    /// Convolutions from N(0, 0.02), the scale of batch norm from N(1, 0.02) (Radford et al. 2016); fully connected layers
    /// uniform within 1 / sqrt(inputs).
    Dcgan,
    /// Uniform with variance `2 gain^2 / (inputs + outputs)` (Glorot & Bengio 2010), scales 1; gain sqrt(2) on the main path
    /// of residual blocks, 1 elsewhere, as Miyato et al. 2018 have it.
    Xavier { gain: f64 },
}

impl Init {
    /// So many numbers of a stream.
    pub fn draw(self, stream: &mut Stream, count: usize) -> Vec<f32> {
        match self {
            Init::Normal { mean, std } => stream.normals(count, mean, std),
            Init::Uniform { bound } => stream.uniforms(count, -bound, bound),
            Init::Constant(value) => vec![value as f32; count],
        }
    }
}

impl InitScheme {
    /// Of the weights of a convolution with so many numbers to each output value, and from each input value.
    pub fn convolution(self, inputs: usize, outputs: usize) -> Init {
        match self {
            InitScheme::Dcgan => Init::Normal { mean: 0.0, std: 0.02 },
            InitScheme::Xavier { gain } => {
                Init::Uniform { bound: gain * (6.0 / (inputs + outputs) as f64).sqrt() }
            }
        }
    }

    /// Of the weights of a fully connected layer.
    pub fn linear(self, inputs: usize, outputs: usize) -> Init {
        match self {
            InitScheme::Dcgan => Init::Uniform { bound: 1.0 / (inputs as f64).sqrt() },
            InitScheme::Xavier { .. } => self.convolution(inputs, outputs),
        }
    }

    /// Of the scales of batch norm.
    pub fn scale(self) -> Init {
        match self {
            InitScheme::Dcgan => Init::Normal { mean: 1.0, std: 0.02 },
            InitScheme::Xavier { .. } => Init::Constant(1.0),
        }
    }
}
