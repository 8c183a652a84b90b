//! Exponential functions: for f32 without branches or tables, so that loops over them vectorise; for f64 (which checks
//! gradients) those of the standard library.
//!
//! The f32 versions are within 2.5 ulp of the exact value everywhere, subnormal results included; the test measures it.

/// Functions that [`num_traits::Float`] has only in a form that does not vectorise.
pub(crate) trait Special: Sized {
    /// Hyperbolic tangent.
    fn fast_tanh(self) -> Self;
    /// `ln(1 + exp(x))`, finite for every finite x; NaN stays NaN.
    fn fast_softplus(self) -> Self;
    /// `1 / (1 + exp(-x))`, with its relative accuracy also far below 0.
    fn fast_sigmoid(self) -> Self;
    /// `exp(x)` for x <= 0.
    fn exp_to_zero(self) -> Self;
}

impl Special for f64 {
    #[inline]
    fn fast_tanh(self) -> f64 {
        self.tanh()
    }

    #[inline]
    fn fast_softplus(self) -> f64 {
        if self > 0.0 { self + (-self).exp().ln_1p() } else { self.exp().ln_1p() }
    }

    #[inline]
    fn fast_sigmoid(self) -> f64 {
        let e = (-self.abs()).exp();
        (if self > 0.0 { 1.0 } else { e }) / (1.0 + e)
    }

    #[inline]
    fn exp_to_zero(self) -> f64 {
        self.exp()
    }
}

impl Special for f32 {
    /// `E / (E + 2)` with `E = exp(2|x|) - 1`, which keeps its relative accuracy near 0.
    #[inline(always)]
    fn fast_tanh(self) -> f32 {
        const ONE_FROM_HERE: f32 = 9.5;
        let x = self.abs();
        let x = if x > ONE_FROM_HERE { ONE_FROM_HERE } else { x }; // not min: NaN must stay NaN
        let (n, expm1_rest) = split(2.0 * x);
        let power = power_of_two(n);
        let expm1 = power * expm1_rest + (power - 1.0);
        (expm1 / (expm1 + 2.0)).copysign(self)
    }

    /// `max(x, 0) + ln(1 + exp(-|x|))`.
    #[inline(always)]
    fn fast_softplus(self) -> f32 {
        (if self > 0.0 { self } else { 0.0 }) + ln_1p_to_one(exp_to_zero(-self.abs()))
    }

    #[inline(always)]
    fn fast_sigmoid(self) -> f32 {
        let e = exp_to_zero(-self.abs());
        (if self > 0.0 { 1.0 } else { e }) / (1.0 + e)
    }

    #[inline(always)]
    fn exp_to_zero(self) -> f32 {
        exp_to_zero(self)
    }
}

/// `(n, exp(r) - 1)` with `x = n ln 2 + r` and `|r| <= ln 2 / 2`, so that `exp(x) = 2^n exp(r)`; for |x| < 2^20.
#[inline(always)]
fn split(x: f32) -> (i32, f32) {
    // Adding 1.5 * 2^23 leaves no bits for a fraction: it rounds, and the integer stands in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    // ln 2 in two parts; n times the first, of 9 bits, is exact.
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * LN_2_HIGH) - n * LN_2_LOW;
    // The polynomial of Cephes' expf (Moshier 1992).
    let tail = ((((1.987_569_1e-4 * r + 1.398_2e-3) * r + 8.333_452e-3) * r + 4.166_579_6e-2) * r
        + 1.666_666_5e-1)
        * r
        + 0.5;
    let n = shifted.to_bits().wrapping_sub(ROUND.to_bits()) as i32;
    (n, r + r * r * tail)
}

/// `2^n`, for -127 < n < 128.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) as u32) << 23)
}

/// `exp(x)` for x <= 0.
#[inline(always)]
fn exp_to_zero(x: f32) -> f32 {
    const ZERO_FROM_HERE: f32 = -104.0;
    let (n, expm1_rest) = split(if x < ZERO_FROM_HERE { ZERO_FROM_HERE } else { x });
    // In two steps: 2^n alone may be below what f32 holds, and only the last product may round.
    let half = n >> 1;
    (1.0 + expm1_rest) * power_of_two(half) * power_of_two(n.wrapping_sub(half))
}

/// `ln(1 + x)` for 0 <= x <= 1: with `s = x / (2 + x)` it is `ln((1 + s) / (1 - s))`, an odd series in s, arranged so
/// that x itself, which is exact, carries most of the value (as in fdlibm).
#[inline(always)]
fn ln_1p_to_one(x: f32) -> f32 {
    let s = x / (2.0 + x);
    let z = s * s;
    // ln((1 + s) / (1 - s)) = 2s + s * series, interpolated at the Chebyshev points of 0 <= z <= 1/9.
    let series =
        ((((0.232_243_3 * z + 0.217_065_75) * z + 0.285_923_57) * z + 0.399_997_06) * z + 0.666_666_7) * z;
    let half_square = 0.5 * x * x;
    x - (half_square - s * (half_square + series))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The largest error of `ours` against `exact`, in units of the last place of the exact value, over every 1021st
    /// f32 there is: all exponents, both signs, subnormals.
    fn largest_error(ours: fn(f32) -> f32, exact: fn(f64) -> f64) -> f64 {
        let mut largest = 0.0f64;
        for bits in (0..=u32::MAX).step_by(1021) {
            let x = f32::from_bits(bits);
            if x.is_nan() {
                assert!(ours(x).is_nan(), "NaN is hidden");
                continue;
            }
            let (y, exact) = (ours(x), exact(f64::from(x)));
            if exact as f32 == y {
                continue; // also where both are infinite
            }
            let exponent = (exact.abs().log2().floor() as i32).max(-126);
            let error = (f64::from(y) - exact).abs() / 2f64.powi(exponent - 23);
            assert!(error.is_finite(), "{x} gives {y}, not {exact}");
            largest = largest.max(error);
        }
        largest
    }

    #[test]
    fn f32_is_right_to_a_few_units_of_the_last_place() {
        let errors = [
            largest_error(f32::fast_tanh, f64::tanh),
            largest_error(f32::fast_softplus, |x| x.max(0.0) + (-x.abs()).exp().ln_1p()),
            largest_error(f32::fast_sigmoid, |x| 1.0 / (1.0 + (-x).exp())),
            largest_error(|x| exp_to_zero(-x.abs()), |x| (-x.abs()).exp()),
        ];
        assert!(errors.iter().all(|&error| error < 2.5), "{errors:?}");
    }

    #[test]
    fn ends_and_signs() {
        let bits = |x: f32| x.to_bits();
        let ends = [f32::NEG_INFINITY, -1e30, -0.0, 0.0, 1e30, f32::INFINITY];
        assert_eq!(ends.map(f32::fast_tanh).map(bits), [-1.0, -1.0, -0.0, 0.0, 1.0, 1.0].map(bits));
        let ln_2 = std::f32::consts::LN_2;
        assert_eq!(ends.map(f32::fast_softplus), [0.0, 0.0, ln_2, ln_2, 1e30, f32::INFINITY]);
        assert_eq!(ends.map(f32::fast_sigmoid), [0.0, 0.0, 0.5, 0.5, 1.0, 1.0]);
    }
}
