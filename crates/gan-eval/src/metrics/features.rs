//! Features of images, as the measures take them.

use crate::error::{Error, Result};
use candle_core::{DType, Device, Tensor};

/// What a network says of images: `D` numbers of each.
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    dim: usize,
    values: Vec<f32>,
}

impl Features {
    /// Of no images yet, with `dim` numbers of each to come.
    pub fn new(dim: usize) -> Self {
        Self { dim, values: Vec::new() }
    }

    /// Those of a tensor `[N, D]`.
    ///
    /// # Errors
    /// If it is no matrix, or holds NaN or infinity.
    pub fn of(tensor: &Tensor) -> Result<Self> {
        let mut features = Self::new(tensor.dims2()?.1);
        features.push(tensor)?;
        Ok(features)
    }

    /// Adds those of more images, `[N, D]`.
    ///
    /// # Errors
    /// If there is another number of each, or one of them is NaN or infinity.
    pub fn push(&mut self, batch: &Tensor) -> Result<()> {
        let (_, dim) = batch.dims2()?;
        if dim != self.dim {
            return Err(Error::FeatureSize { wanted: self.dim, found: dim });
        }
        let values: Vec<f32> = batch.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?;
        if values.iter().any(|value| !value.is_finite()) {
            return Err(Error::NotFinite);
        }
        self.values.extend(values);
        Ok(())
    }

    /// Images.
    pub fn len(&self) -> usize {
        self.values.len() / self.dim.max(1)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Numbers of each image.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Those of one image.
    pub fn row(&self, image: usize) -> &[f32] {
        &self.values[image * self.dim..][..self.dim]
    }

    /// Those of the images of these numbers.
    #[must_use]
    pub fn select(&self, images: &[usize]) -> Self {
        let values = images.iter().flat_map(|&image| self.row(image)).copied().collect();
        Self { dim: self.dim, values }
    }

    /// As a matrix `[N, D]` in f64: sums over thousands of images keep their digits.
    pub(crate) fn matrix(&self) -> Result<Tensor> {
        let shape = (self.len(), self.dim);
        Ok(Tensor::from_slice(&self.values, shape, &Device::Cpu)?.to_dtype(DType::F64)?)
    }

    /// Refuses too few images, and features of another network.
    pub(crate) fn expect(&self, other: &Self, measure: &'static str, least: usize) -> Result<()> {
        if self.dim != other.dim {
            return Err(Error::FeatureSize { wanted: self.dim, found: other.dim });
        }
        let found = self.len().min(other.len());
        if found < least { Err(Error::TooFewImages { measure, least, found }) } else { Ok(()) }
    }
}
