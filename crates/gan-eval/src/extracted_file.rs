//! Features as a file: what a cache keeps.

use crate::error::{Error, Result};
use crate::extractor::Extracted;
use crate::metrics::Features;
use candle_core::{DType, Device, Tensor};
use std::collections::HashMap;

impl Extracted {
    /// The bytes of a safetensors file that [`of_bytes`](Self::of_bytes) reads.
    ///
    /// # Errors
    /// If the tensors cannot be read from their device.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut tensors = HashMap::from([("features", self.features.matrix()?.to_dtype(DType::F32)?)]);
        if !self.predicted.is_empty() {
            let count = self.predicted.len();
            tensors.insert("predicted", Tensor::from_slice(&self.predicted, count, &Device::Cpu)?);
        }
        tensors.extend(self.logits.as_ref().map(|logits| ("logits", logits.clone())));
        safetensors::serialize(tensors, None).map_err(|error| Error::NotFeatures { why: error.to_string() })
    }

    /// Features that were written by [`to_bytes`](Self::to_bytes), of `count` images with `dim` numbers of
    /// each.
    ///
    /// # Errors
    /// If these are not its bytes, or are of others.
    pub fn of_bytes(bytes: &[u8], count: usize, dim: usize) -> Result<Self> {
        let refuse = |why: &str| Error::NotFeatures { why: why.to_owned() };
        let mut tensors = candle_core::safetensors::load_buffer(bytes, &Device::Cpu)?;
        let features = tensors.remove("features").ok_or_else(|| refuse("there are none"))?;
        if features.dims() != [count, dim] || features.dtype() != DType::F32 {
            return Err(refuse("they are of other images, or of another network"));
        }
        let predicted = match tensors.remove("predicted") {
            Some(predicted) => predicted.to_vec1::<u32>()?,
            None => Vec::new(),
        };
        let logits = tensors.remove("logits");
        let logits_fit = logits.as_ref().is_none_or(|logits| logits.dim(0).is_ok_and(|rows| rows == count));
        if !(predicted.is_empty() || predicted.len() == count) || !logits_fit {
            return Err(refuse("there are more or fewer classes than images"));
        }
        Ok(Self { features: Features::of(&features)?, predicted, logits })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_come_back_as_they_were() {
        let numbers =
            Tensor::from_vec(vec![0.5f32, -1.0, 3.25, 1e-7, 2.0, 0.0], (3, 2), &Device::Cpu).unwrap();
        let logits = Tensor::zeros((3, 4), DType::F32, &Device::Cpu).unwrap();
        let all = Extracted {
            features: Features::of(&numbers).unwrap(),
            predicted: vec![3, 0, 1],
            logits: Some(logits),
        };
        let bytes = all.to_bytes().unwrap();
        let back = Extracted::of_bytes(&bytes, 3, 2).unwrap();
        assert_eq!((&back.features, &back.predicted), (&all.features, &all.predicted));
        assert_eq!(back.logits.unwrap().dims(), [3, 4]);
        for (count, dim) in [(2, 2), (3, 3)] {
            assert!(Extracted::of_bytes(&bytes, count, dim).is_err());
        }
        assert!(Extracted::of_bytes(&bytes[..40], 3, 2).is_err());
    }
}
