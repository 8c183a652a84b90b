//! The random choices of a writer.

use gan_rng::Stream;

/// A stream of random choices, in the terms the drawing code thinks in.
pub(super) struct Hand(Stream);

impl Hand {
    pub(super) fn new(stream: Stream) -> Self {
        Self(stream)
    }

    /// Uniform in 0..bound.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0.below(bound)
    }

    /// Uniform between two values.
    pub(super) fn between(&mut self, low: f32, high: f32) -> f32 {
        self.0.uniform_in(low.into(), high.into()) as f32
    }

    /// Uniform, at most `spread` away from `value`.
    pub(super) fn around(&mut self, value: f32, spread: f32) -> f32 {
        self.between(value - spread, value + spread)
    }

    /// From a normal distribution, cut off at two and a half standard deviations.
    pub(super) fn normal(&mut self, mean: f32, std: f32) -> f32 {
        mean + std * (self.0.normal() as f32).clamp(-2.5, 2.5)
    }

    /// The number of a style, the likelier the larger its weight.
    pub(super) fn style(&mut self, weights: &[u64]) -> usize {
        let drawn = self.0.below(weights.iter().sum());
        let mut sum = 0;
        let reached = weights.iter().take_while(|&&weight| {
            sum += weight;
            sum <= drawn
        });
        reached.count()
    }
}
