//! The numbers of a step.

use super::Gan;
use crate::system::{Kind, Moment, Number};

/// The sums of an update's statistics, each a mean over its batches.
#[derive(Default)]
pub(super) struct Sums {
    pub err: f64,
    pub err_class: Option<f64>,
    pub penalty: Option<f64>,
    /// Mean output for real images, and for generated ones.
    pub x: f64,
    pub g_z: f64,
    pub grad_norm: f64,
}

impl Gan {
    /// The numbers of a step, in the order of the log.
    pub(super) fn numbers(&self, d: &Sums, g: &Sums, at: &Moment) -> Vec<Number> {
        let mut all = vec![
            Number::new("errD", Kind::Loss, d.err).shown("errD"),
            Number::new("errG", Kind::Loss, g.err).shown("errG"),
        ];
        all.extend(d.penalty.map(|penalty| Number::new("penalty", Kind::Loss, penalty)));
        all.extend(d.err_class.map(|err| Number::new("errClass", Kind::Loss, err)));
        let (names, labels, kind) = match self.objective.loss.has_probabilities() {
            true => (["d_x", "d_g_z1", "d_g_z2"], ["D(x)", "D(G(z))", "then"], Kind::Probability),
            false => (
                ["logit_x", "logit_g_z1", "logit_g_z2"],
                ["D(x) logit", "D(G(z)) logit", "then"],
                Kind::Logit,
            ),
        };
        for ((name, label), value) in names.into_iter().zip(labels).zip([d.x, d.g_z, g.g_z]) {
            all.push(Number::new(name, kind, value).shown(label));
        }
        all.push(Number::new("grad_norm_d", Kind::Norm, d.grad_norm));
        all.push(Number::new("grad_norm_g", Kind::Norm, g.grad_norm));
        all.push(Number::new("lr", Kind::Rate, self.g.lr(at.rate)));
        all.push(Number::new("lr_d", Kind::Rate, self.d.lr(at.rate)));
        all.extend(self.input.ada_p().map(|p| Number::new("ada_p", Kind::Probability, p)));
        all
    }
}
