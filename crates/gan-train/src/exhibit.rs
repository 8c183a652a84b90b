//! What is special about a kind of data: how samples are drawn to look at, and what is counted in them.

use crate::error::Result;
use crate::system::{Kind, Number};
use candle_core::Tensor;
use gan_data::{Dataset, Image, Points, make_grid};

/// Images across a grid, and its rows.
pub(crate) const GRID_COLUMNS: usize = 8;
pub(crate) const GRID_ROWS: usize = 8;
/// Points in a scatter plot, and to count modes from.
const SCATTER_POINTS: usize = 2000;
const MODE_SAMPLES: usize = 10_000;

/// A kind of data, chosen once.
pub(crate) enum Exhibit {
    /// Images are shown in grids.
    Images,
    /// Points of the plane are shown in scatter plots, and their modes are counted.
    Points(Points),
}

impl Exhibit {
    /// That of a data set.
    pub fn of(data: &dyn Dataset) -> Self {
        data.points().map_or(Exhibit::Images, |points| Exhibit::Points(points.clone()))
    }

    /// How many samples a picture takes, and how many of them stand in a row.
    pub fn samples(&self) -> (usize, usize) {
        match self {
            Exhibit::Images => (GRID_ROWS * GRID_COLUMNS, GRID_COLUMNS),
            Exhibit::Points(_) => (SCATTER_POINTS, SCATTER_POINTS),
        }
    }

    /// Real samples; `first` gives so many images.
    pub fn reals(&self, first: impl FnOnce(usize) -> Result<Tensor>) -> Result<Image> {
        match self {
            Exhibit::Images => Ok(make_grid(&first(GRID_ROWS * GRID_COLUMNS)?, GRID_COLUMNS)?),
            Exhibit::Points(points) => Ok(points.scatter(None)?),
        }
    }

    /// Generated samples `[N, ...]`.
    pub fn generated(&self, samples: &Tensor) -> Result<Image> {
        match self {
            Exhibit::Images => Ok(make_grid(samples, GRID_COLUMNS)?),
            Exhibit::Points(points) => Ok(points.scatter(Some(samples))?),
        }
    }

    /// How many samples something is counted in, if anything is.
    pub fn counted(&self) -> Option<usize> {
        matches!(self, Exhibit::Points(_)).then_some(MODE_SAMPLES)
    }

    /// What is counted in generated samples.
    pub fn measures(&self, samples: &Tensor) -> Result<Vec<Number>> {
        let Exhibit::Points(points) = self else { return Ok(Vec::new()) };
        let modes = points.count_modes(samples)?;
        Ok(vec![
            Number::new("modes", Kind::Count { of: modes.of as u64 }, modes.found as f64),
            Number::new("near_modes", Kind::Share, modes.near),
        ])
    }
}
