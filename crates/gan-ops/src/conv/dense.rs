//! Where the kernel covers the whole image (the first layer of a generator, the last of a discriminator), a convolution
//! is one matrix product.

use super::geometry::Geometry;
use crate::cpu::{Matrix, Real};
use crate::product::product;
use crate::scratch::Scratch;

/// `maps[N, O] = image[N, C*H*W] * weight[O, C*H*W]^T`.
pub(super) fn correlate<T: Real>(g: &Geometry, image: &[T], weight: &[T]) -> Scratch<T> {
    let weight = Matrix::rows(weight, g.taps()).transposed();
    let mut maps = Scratch::take(g.batch * g.map_channels);
    product(
        (g.batch, g.map_channels, g.taps()),
        &mut maps,
        Matrix::rows(image, g.taps()),
        weight,
        false,
        |_| (),
    );
    maps
}

/// `image[N, C*H*W] = maps[N, O] * weight[O, C*H*W]`.
pub(super) fn scatter<T: Real>(g: &Geometry, maps: &[T], weight: &[T]) -> Scratch<T> {
    let mut image = Scratch::take(g.batch * g.taps());
    let maps = Matrix::rows(maps, g.map_channels);
    product(
        (g.batch, g.taps(), g.map_channels),
        &mut image,
        maps,
        Matrix::rows(weight, g.taps()),
        false,
        |_| (),
    );
    image
}

/// `gradient[O, C*H*W] = maps[N, O]^T * image[N, C*H*W]`, or `gradient += ...` with `add`.
pub(super) fn weight_gradient<T: Real>(g: &Geometry, image: &[T], maps: &[T], gradient: &mut [T], add: bool) {
    let maps = Matrix::rows(maps, g.map_channels).transposed();
    product((g.map_channels, g.taps(), g.batch), gradient, maps, Matrix::rows(image, g.taps()), add, |_| ());
}
