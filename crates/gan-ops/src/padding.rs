//! Zeros around an image.

/// Rows and columns of zeros that are put around an image before a kernel visits it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Padding {
    /// Rows above.
    pub top: usize,
    /// Rows below.
    pub bottom: usize,
    /// Columns to the left.
    pub left: usize,
    /// Columns to the right.
    pub right: usize,
}

impl Padding {
    /// TensorFlow's `SAME`: as many outputs as `side / stride`, rounded up. What is odd is put below and to
    /// the right. `image` and `kernel` are height and width.
    pub fn same(image: (usize, usize), kernel: (usize, usize), stride: usize) -> Self {
        let both = |side: usize, kernel: usize| {
            let stride = stride.max(1);
            (side.div_ceil(stride).saturating_sub(1) * stride + kernel).saturating_sub(side)
        };
        let (rows, columns) = (both(image.0, kernel.0), both(image.1, kernel.1));
        Self { top: rows / 2, bottom: rows - rows / 2, left: columns / 2, right: columns - columns / 2 }
    }

    /// Rows above and below.
    pub fn rows(&self) -> usize {
        self.top + self.bottom
    }

    /// Columns to the left and to the right.
    pub fn columns(&self) -> usize {
        self.left + self.right
    }
}

/// The same on all four sides.
impl From<usize> for Padding {
    fn from(all: usize) -> Self {
        Self { top: all, bottom: all, left: all, right: all }
    }
}

/// Above and below, to the left and to the right: as PyTorch's pairs.
impl From<(usize, usize)> for Padding {
    fn from((rows, columns): (usize, usize)) -> Self {
        Self { top: rows, bottom: rows, left: columns, right: columns }
    }
}
