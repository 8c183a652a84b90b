//! Initial weights.

use gan_rng::Stream;

/// The distribution of a parameter's initial values.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Init {
    /// N(mean, std^2).
    Normal {
        /// Its mean.
        mean: f64,
        /// Its standard deviation.
        std: f64,
    },
    /// Uniform over [-bound, bound).
    Uniform {
        /// The largest.
        bound: f64,
    },
    /// All the same.
    Constant(f64),
}

/// Which initial weights the layers of a network have.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum InitScheme {
    /// Convolutions from N(0, 0.02), the scale of batch norm from N(1, 0.02) (Radford et al. 2016); fully connected layers
    /// uniform within 1 / sqrt(inputs).
    Dcgan,
    /// Uniform with variance `2 gain^2 / (inputs + outputs)` (Glorot & Bengio 2010), scales 1; gain sqrt(2) on the main path
    /// of residual blocks, 1 elsewhere, as Miyato et al. 2018 have it.
    Xavier {
        /// The gain.
        gain: f64,
    },
    /// Normal with variance `2 / inputs`, for layers before ReLU (He et al. 2015); scales 1.
    He,
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
    /// Of the weights of a convolution of this fan in and fan out.
    pub fn convolution(self, fan_in: usize, fan_out: usize) -> Init {
        match self {
            InitScheme::Dcgan => Init::Normal { mean: 0.0, std: 0.02 },
            InitScheme::Xavier { gain } => {
                Init::Uniform { bound: gain * (6.0 / (fan_in + fan_out) as f64).sqrt() }
            }
            InitScheme::He => Init::Normal { mean: 0.0, std: (2.0 / fan_in as f64).sqrt() },
        }
    }

    /// Of the weights of a fully connected layer.
    pub fn linear(self, fan_in: usize, fan_out: usize) -> Init {
        match self {
            InitScheme::Dcgan => Init::Uniform { bound: 1.0 / (fan_in as f64).sqrt() },
            InitScheme::Xavier { .. } | InitScheme::He => self.convolution(fan_in, fan_out),
        }
    }

    /// Of the scales of batch norm.
    pub fn scale(self) -> Init {
        match self {
            InitScheme::Dcgan => Init::Normal { mean: 1.0, std: 0.02 },
            InitScheme::Xavier { .. } | InitScheme::He => Init::Constant(1.0),
        }
    }
}
