//! Bilinear resizing, not antialiased.

use candle_core::{Device, Result, Tensor};

/// Images `[N, C, H, W]` brought to `side` by `side`, as `torch.nn.functional.interpolate(mode="bilinear",
/// align_corners=False)`.
pub(super) fn bilinear(images: &Tensor, side: usize) -> Result<Tensor> {
    let (n, c, h, w) = images.dims4()?;
    if (h, w) == (side, side) {
        return Ok(images.clone());
    }
    // Two matrix products: each row, and each column, is a mean of two.
    let (rows, columns) = (means(h, side, images.device())?, means(w, side, images.device())?);
    let rows = rows.broadcast_left(n * c)?.contiguous()?;
    let high = rows.matmul(&images.contiguous()?.reshape((n * c, h, w))?)?;
    high.reshape((n * c * side, w))?.matmul(&columns.t()?.contiguous()?)?.reshape((n, c, side, side))
}

/// The matrix `[to, from]` that makes `to` pixels in a line of `from`.
fn means(from: usize, to: usize, device: &Device) -> Result<Tensor> {
    let mut matrix = vec![0f32; to * from];
    for (i, row) in matrix.chunks_mut(from).enumerate() {
        let place = ((i as f64 + 0.5) * from as f64 / to as f64 - 0.5).max(0.0);
        let low = (place as usize).min(from - 1);
        let part = (place - low as f64) as f32;
        row[low] += 1.0 - part;
        row[(low + 1).min(from - 1)] += part;
    }
    Tensor::from_vec(matrix, (to, from), device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_two_is_that_of_pytorch() -> Result<()> {
        let line = Tensor::new(&[[[[0f32, 8.0], [0.0, 8.0]]]], &Device::Cpu)?;
        let rows = bilinear(&line, 4)?.squeeze(0)?.squeeze(0)?.to_vec2::<f32>()?;
        assert_eq!(rows, [[0.0, 2.0, 6.0, 8.0]; 4]);
        let half = bilinear(&bilinear(&line, 4)?, 2)?.flatten_all()?.to_vec1::<f32>()?;
        assert_eq!(half, [1.0, 7.0, 1.0, 7.0]);
        Ok(())
    }
}
