//! Mean and covariance as pytorch-fid keeps them.

use crate::error::{Error, Result};
use crate::metrics::Gaussian;
use candle_core::npy::NpzTensors;
use candle_core::{DType, Tensor};
use std::path::Path;

/// Features of more numbers are of no network in use.
const MOST_FEATURES: usize = 16_384;

impl Gaussian {
    /// Of an `.npz` file with `mu` `[D]` and `sigma` `[D, D]`, as `pytorch_fid --save-stats` writes it: the
    /// statistics of data sets that people compare with are published so.
    ///
    /// # Errors
    /// If it is no such file, or holds NaN or infinity.
    pub fn of_npz(path: &Path) -> Result<Self> {
        let refuse =
            |why: &dyn std::fmt::Display| Error::Statistics { path: path.into(), why: why.to_string() };
        let file = NpzTensors::new(path).map_err(|error| refuse(&error))?;
        let array = |name: &str| -> Result<Tensor> {
            let shape = file.get_shape_and_dtype(name).map_err(|error| refuse(&error))?.0;
            if shape.dims().iter().any(|&dim| dim > MOST_FEATURES) {
                return Err(refuse(&format!("{name} has the shape {shape:?}")));
            }
            let array = file.get(name).map_err(|error| refuse(&error))?;
            array.ok_or_else(|| refuse(&format!("there is no {name}")))
        };
        let numbers = |array: Tensor| -> Result<Vec<f64>> {
            let array = array.to_dtype(DType::F64).and_then(|array| array.flatten_all()?.to_vec1());
            array.map_err(|error| refuse(&error))
        };
        let (mean, covariance) = (array("mu")?, array("sigma")?);
        let dim = mean.elem_count();
        if mean.rank() != 1 || covariance.dims() != [dim, dim] {
            return Err(refuse(&format!(
                "mu has the shape {:?}, sigma {:?}",
                mean.dims(),
                covariance.dims()
            )));
        }
        Self { mean: numbers(mean)?, covariance: numbers(covariance)? }.checked()
    }
}
