//! What a step of a [`Gan`] costs.

use super::Gan;

impl Gan {
    /// Multiply-adds that a step needs for each image of a batch: all that it asks for, and no gradient that nobody reads (of
    /// the latents, or of the images while the discriminator learns). 0 if a network does not say what it costs.
    ///
    /// Penalties count as often as they come. A backward pass is taken for a forward pass for the gradients of the weights
    /// and one for those of the inputs; the latter ends before the first layer.
    pub fn multiply_adds(&self) -> u64 {
        let (g, d) = (self.generator.multiply_adds(), self.discriminator.multiply_adds());
        let (Some(&g_first), Some(&d_first)) = (g.first(), d.first()) else { return 0 };
        let (g_all, d_all): (u64, u64) = (g.iter().sum(), d.iter().sum());
        let learn_g = 3 * g_all - g_first;
        let learn_d = 3 * d_all - d_first;
        let through_d = 2 * d_all;
        let (n_critic, accumulate) = (self.objective.n_critic, self.objective.accumulate);
        // Where several batches make an update, G's are made again for its own.
        let again = if accumulate > 1 { g_all } else { 0 };
        // A loss that compares sees real images once more while G learns.
        let compared = if self.objective.loss.compares() { d_all } else { 0 };
        let penalties = &self.objective.penalties;
        let kinds = [penalties.gradient_penalty, penalties.dragan, penalties.r1, penalties.r2];
        let kinds = kinds.iter().filter(|&&weight| weight > 0.0).count() as u64;
        // The gradient of the images: forward and back. Then value and tangent, and the weights' gradient of both.
        let penalty = 2 * d_all + 2 * learn_d;
        let updates = n_critic * (g_all + 2 * learn_d) + n_critic * kinds * penalty / penalties.every.max(1);
        accumulate * (updates + through_d + learn_g - g_all + again + compared)
    }
}
