//! What the CPU kernels share: typed slices out of Candle's storage, and gemm.

use candle_core::{CpuStorage, DType, InplaceOp1, Layout, Result, Storage, Tensor, Var, WithDType, bail};
use gemm::Parallelism;
use std::cell::Cell;

pub(crate) use crate::real::Real;
use crate::switch::only_references;

/// As f64. (Two traits in scope have a `to_f64`; this is the one that cannot fail.)
pub(crate) fn widen<T: Real>(x: T) -> f64 {
    WithDType::to_f64(x)
}

/// Calls `$function::<f32 or f64>(...)` by the type of `$storage`.
macro_rules! dispatch {
    ($storage:expr, $name:expr, $function:ident ( $($argument:expr),* $(,)? )) => {
        match $storage {
            candle_core::CpuStorage::F32(_) => $function::<f32>($($argument),*),
            candle_core::CpuStorage::F64(_) => $function::<f64>($($argument),*),
            other => candle_core::bail!("{}: no CPU kernel for {:?}", $name, candle_core::backend::BackendStorage::dtype(other)),
        }
    };
}
pub(crate) use dispatch;

/// Whether the kernels here can take this tensor; otherwise the op falls back to its reference implementation.
pub(crate) fn has_kernel(tensor: &Tensor) -> bool {
    let has_type = matches!(tensor.dtype(), DType::F32 | DType::F64);
    has_type && tensor.device().is_cpu() && !only_references()
}

/// An error where [`crate::reference::only`] forbids kernels: none gets at the values of a tensor without asking
/// here.
fn kernels_may_run() -> Result<()> {
    match only_references() {
        true => bail!("a kernel was called where only references are to run"),
        false => Ok(()),
    }
}

/// The elements of a contiguous tensor.
pub(crate) fn slice<'a, T: WithDType>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [T]> {
    kernels_may_run()?;
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&storage.as_slice::<T>()?[start..end]),
        None => bail!("a kernel was given a strided tensor of shape {:?}", layout.shape()),
    }
}

/// The elements of a contiguous tensor that is written in place.
pub(crate) fn slice_mut<'a, T: Real>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [T]> {
    kernels_may_run()?;
    match (layout.contiguous_offsets(), T::values_mut(storage)) {
        (Some((start, end)), Some(values)) => Ok(&mut values[start..end]),
        _ => bail!("a kernel cannot write a strided tensor, or one of another type: {:?}", layout.shape()),
    }
}

/// Calls `body` with the elements of a contiguous CPU tensor.
pub(crate) fn with_slice<T: WithDType, R>(tensor: &Tensor, body: impl FnOnce(&[T]) -> R) -> Result<R> {
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => Ok(body(slice(storage, layout)?)),
        _ => bail!("a CPU kernel was given a tensor on {:?}", tensor.device()),
    }
}

/// Calls `body` with the elements of a contiguous CPU variable, to be written. The variable is locked meanwhile: no tensor
/// that shares its memory may be used inside.
pub(crate) fn with_slice_mut<T: Real>(var: &Var, body: impl FnOnce(&mut [T]) -> Result<()>) -> Result<()> {
    let body = |storage: &mut CpuStorage, layout: &Layout| body(slice_mut(storage, layout)?);
    var.inplace_op1(&Lend(Cell::new(Some(body))))
}

/// The op through which Candle lends the memory of a variable: a body to call once, which Candle holds by reference.
struct Lend<F>(Cell<Option<F>>);

impl<F: FnOnce(&mut CpuStorage, &Layout) -> Result<()>> InplaceOp1 for Lend<F> {
    fn name(&self) -> &'static str {
        "lend"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        self.0.take().map_or(Ok(()), |body| body(storage, layout))
    }
}

/// A matrix inside a slice: element (row, column) is `data[row * row_stride + column * column_stride]`.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a, T> {
    pub data: &'a [T],
    pub row_stride: usize,
    pub column_stride: usize,
}

impl<'a, T> Matrix<'a, T> {
    /// Rows one after the other, `row_stride` elements apart.
    pub fn rows(data: &'a [T], row_stride: usize) -> Self {
        Self { data, row_stride, column_stride: 1 }
    }

    pub fn transposed(self) -> Self {
        Self { data: self.data, row_stride: self.column_stride, column_stride: self.row_stride }
    }

    fn holds(&self, rows: usize, columns: usize) -> bool {
        (rows - 1) * self.row_stride + (columns - 1) * self.column_stride < self.data.len()
    }
}

/// `out[m, n] = lhs[m, k] * rhs[k, n]`, or `out += ...` with `accumulate`, on the calling thread alone. The rows of
/// `out` are `out_row_stride` elements apart.
///
/// One thread on purpose: two images' products side by side on two cores scale, one product split over two does not
/// at these sizes, and the result does not depend on the number of threads.
pub(crate) fn matmul<T: Real>(
    (m, n, k): (usize, usize, usize),
    out: &mut [T],
    out_row_stride: usize,
    lhs: Matrix<'_, T>,
    rhs: Matrix<'_, T>,
    accumulate: bool,
) {
    if m == 0 || n == 0 || k == 0 {
        return;
    }
    assert!(lhs.holds(m, k) && rhs.holds(k, n), "matmul: an operand is smaller than its shape says");
    assert!(
        out_row_stride >= n && (m - 1) * out_row_stride + n <= out.len(),
        "matmul: the output is too small"
    );
    // SAFETY: the asserts above keep every element that gemm reads or writes inside the three slices; `out` is
    // borrowed mutably, so it overlaps neither operand, and its rows do not overlap (out_row_stride >= n).
    // Slices are at most isize::MAX bytes, so the strides fit isize.
    #[allow(unsafe_code)]
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            out_row_stride as isize,
            accumulate,
            lhs.data.as_ptr(),
            lhs.column_stride as isize,
            lhs.row_stride as isize,
            rhs.data.as_ptr(),
            rhs.column_stride as isize,
            rhs.row_stride as isize,
            T::one(), // times the old value of `out`, where it is read
            T::one(), // times the product
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matmul_reads_strides_and_accumulates() {
        let (lhs, rhs) = ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [1.0, 0.5, -1.0, 2.0, 0.0, 1.0]);
        let mut out = [10.0f64; 5]; // 2 rows of 2, 3 apart
        // lhs is 2x3; rhs is stored as 2x3 and read as its 3x2 transpose.
        matmul((2, 2, 3), &mut out, 3, Matrix::rows(&lhs, 3), Matrix::rows(&rhs, 3).transposed(), true);
        assert_eq!(out, [9.0, 15.0, 10.0, 10.5, 24.0]);
    }
}
