//! Mean and covariance of features, batch by batch.

use super::Features;
use crate::error::{Error, Result};
use candle_core::{DType, Device, Tensor};

/// A Gaussian that stands for a set of images in a Fréchet distance.
#[derive(Clone, Debug, PartialEq)]
pub struct Gaussian {
    /// `[D]`
    pub mean: Vec<f64>,
    /// `[D, D]`, row by row.
    pub covariance: Vec<f64>,
}

/// Mean and scatter of features in f64, of any number of images without keeping them.
#[derive(Clone, Debug)]
pub struct Moments {
    count: usize,
    /// `[1, D]`
    mean: Tensor,
    /// `[D, D]`: the sum of `(x - mean)(x - mean)^T`.
    scatter: Tensor,
}

impl Moments {
    /// Of no images yet.
    ///
    /// # Errors
    /// If there is no memory for `dim` x `dim` numbers.
    pub fn new(dim: usize) -> Result<Self> {
        let zeros = |rows| Tensor::zeros((rows, dim), DType::F64, &Device::Cpu);
        Ok(Self { count: 0, mean: zeros(1)?, scatter: zeros(dim)? })
    }

    /// Those of all features.
    ///
    /// # Errors
    /// If there is no memory for them.
    pub fn of(features: &Features) -> Result<Self> {
        let mut moments = Self::new(features.dim())?;
        if !features.is_empty() {
            moments.add(&features.matrix()?)?;
        }
        Ok(moments)
    }

    /// Adds the features of more images, `[N, D]` (Chan, Golub & LeVeque 1979: no sum of large squares is
    /// ever subtracted from another).
    ///
    /// # Errors
    /// If there is another number of each.
    pub fn add(&mut self, batch: &Tensor) -> Result<()> {
        let (count, dim) = batch.dims2()?;
        if dim != self.mean.dim(1)? {
            return Err(Error::FeatureSize { wanted: self.mean.dim(1)?, found: dim });
        }
        if count == 0 {
            return Ok(());
        }
        let batch = batch.to_dtype(DType::F64)?;
        let mean = batch.mean_keepdim(0)?;
        let centered = batch.broadcast_sub(&mean)?;
        let apart = (&mean - &self.mean)?;
        let (before, total) = (self.count as f64, (self.count + count) as f64);
        let between = (apart.t()?.matmul(&apart)? * (before * count as f64 / total))?;
        self.scatter = ((&self.scatter + centered.t()?.matmul(&centered)?)? + between)?;
        self.mean = (&self.mean + (apart * (count as f64 / total))?)?;
        self.count += count;
        Ok(())
    }

    /// Images so far.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Mean and unbiased covariance (divided by N - 1, as `numpy.cov` does).
    ///
    /// # Errors
    /// If there are fewer than two images, or a feature is NaN or infinity.
    pub fn gaussian(&self) -> Result<Gaussian> {
        if self.count < 2 {
            return Err(Error::TooFewImages { measure: "a covariance", least: 2, found: self.count });
        }
        let covariance = (&self.scatter / (self.count - 1) as f64)?.flatten_all()?.to_vec1()?;
        Gaussian { mean: self.mean.flatten_all()?.to_vec1()?, covariance }.checked()
    }
}

impl Gaussian {
    /// Refuses what is no Gaussian: a covariance of another size, NaN, infinity.
    pub(crate) fn checked(self) -> Result<Self> {
        if self.covariance.len() != self.mean.len() * self.mean.len() {
            return Err(Error::FeatureSize { wanted: self.mean.len(), found: self.covariance.len() });
        }
        let is_finite = self.mean.iter().chain(&self.covariance).all(|value| value.is_finite());
        if is_finite { Ok(self) } else { Err(Error::NotFinite) }
    }
}
