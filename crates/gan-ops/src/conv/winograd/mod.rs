//! Convolutions with fewer multiplications (minimal filtering: Winograd 1980, Lavin and Gray 2015).
//!
//! Two neighbouring outputs of a filter of r taps need 2r products one by one, but r + 1 are enough:
//!
//! `y = A^T ((G w) * (B^T x))`, with x the r + 1 inputs that the two outputs see, w the r taps, y the two
//! outputs.
//!
//! For r = 2, at the points 0, 1 and infinity, the transforms are additions alone:
//!
//! `y0 = (x0 - x1) w0 + x1 (w0 + w1)`, `y1 = x1 (w0 + w1) - (x1 - x2) w1`
//!
//! and along both sides of an image 2 x 2 outputs take 9 products in place of 16; for r = 3 they take 16 in
//! place of 36. Summed over channels in the transformed domain, each of the 9 (or 16) is a matrix product:
//! tiles times channels by channels times output channels.
//!
//! A convolution with kernel 4 and stride 2 is the sum of four with kernel 2 and stride 1, one for each phase
//! of its input (its even and odd rows and columns): their sums are made before the transform back, so the
//! products have four times as many channels. Its other direction is four of them, one for each phase of its
//! output. The gradient of the weight is the same sum read the other way: `dw = G^T ((A dy) * (B^T x))`,
//! products summed over tiles.
//!
//! # Errors
//! Each transform adds numbers of like size, so rounding grows by a constant. By the sums of absolute values
//! in the rows of A^T, G and B^T, an output is off by at most `(2 * 2 * 2)^2 = 64` times (r = 2; for r = 3
//! `(3 * 1.5 * 2)^2 = 81` times) what the products alone could be. As signs fall it is far less: with 128
//! channels of N(0, 1) in f32, results and gradients are 2e-7 to 9e-7 of their length from f64, where sums of
//! all products are 1e-7 to 4e-7 from it; tests hold them to six times the latter.
//!
//! What is cut into tiles follows from the shape alone ([`Scheme::of`]), never from the number of threads.

mod correlation;
mod filters;
mod frames;
mod one_product;
mod products;
mod scheme;
mod weight_gradient;

pub(super) use correlation::Minimal;
pub(super) use scheme::Scheme;
pub(super) use weight_gradient::run as weight_gradient;
