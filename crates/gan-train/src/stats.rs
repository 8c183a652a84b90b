//! The numbers of one step.

use crate::loss::Loss;
use serde::Serialize;
use std::fmt;

/// What a logged step says. One line of `metrics.jsonl`.
#[derive(Clone, Debug, Serialize)]
pub struct StepStats {
    /// The step, from 1.
    pub step: u64,
    /// Passes over the data so far.
    pub epoch: f64,
    /// Loss of the discriminator, real and fake halves added.
    #[serde(rename = "errD")]
    pub err_d: f64,
    /// Loss of the generator.
    #[serde(rename = "errG")]
    pub err_g: f64,
    /// The penalties on D's gradient, added, where there are some at this step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub penalty: Option<f64>,
    /// Of an AC-GAN the cross entropy of the classes that D reads, of real and generated images, added and
    /// weighted.
    #[serde(rename = "errClass", skip_serializing_if = "Option::is_none")]
    pub err_class: Option<f64>,
    /// What D makes of real and generated images.
    #[serde(flatten)]
    pub scores: Scores,
    /// L2 norm of D's gradient.
    pub grad_norm_d: f64,
    /// L2 norm of G's gradient.
    pub grad_norm_g: f64,
    /// The generator's learning rate in this step.
    pub lr: f64,
    /// The discriminator's learning rate in this step.
    pub lr_d: f64,
    /// Where ADA adapts it: how likely an image is to be changed from here on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ada_p: Option<f64>,
    /// Real images a second since the last logged step, the time for samples and checkpoints left out.
    pub images_per_second: f64,
    /// Seconds since this part of the run began: since it was started or resumed.
    pub seconds: f64,
    /// Of a data set of points, where samples were drawn: modes found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modes: Option<usize>,
    /// Likewise: the part of the samples that lie near a mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub near_modes: Option<f64>,
}

/// D's mean output for real images x, and for generated ones G(z) before (1) and after (2) D's own update.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Scores {
    /// Of a loss whose logits stand for probabilities: those, 0 to 1.
    Probabilities {
        /// D(x).
        d_x: f64,
        /// D(G(z)) before D's update.
        d_g_z1: f64,
        /// D(G(z)) after it.
        d_g_z2: f64,
    },
    /// Of any other loss: the logits themselves.
    Logits {
        /// Of x.
        logit_x: f64,
        /// Of G(z) before D's update.
        logit_g_z1: f64,
        /// Of G(z) after it.
        logit_g_z2: f64,
    },
}

impl Scores {
    /// The scores of x, and of G(z) before and after D's update, as what they are under this loss.
    pub fn new(loss: Loss, x: f64, g_z1: f64, g_z2: f64) -> Self {
        match loss.has_probabilities() {
            true => Self::Probabilities { d_x: x, d_g_z1: g_z1, d_g_z2: g_z2 },
            false => Self::Logits { logit_x: x, logit_g_z1: g_z1, logit_g_z2: g_z2 },
        }
    }
}

/// For a line of progress.
impl fmt::Display for Scores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Probabilities { d_x, d_g_z1, d_g_z2 } => {
                write!(f, "D(x) {d_x:.2} D(G(z)) {d_g_z1:.2}/{d_g_z2:.2}")
            }
            Self::Logits { logit_x, logit_g_z1, logit_g_z2 } => {
                write!(f, "D(x) logit {logit_x:.2} D(G(z)) logit {logit_g_z1:.2}/{logit_g_z2:.2}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use strum::VariantNames;

    #[test]
    fn what_is_no_probability_is_called_a_logit() {
        for name in Loss::VARIANTS {
            let loss: Loss = name.parse().unwrap();
            let scores = Scores::new(loss, 0.5, 0.25, -1.5);
            let json = serde_json::to_string(&scores).unwrap();
            if ["non-saturating", "minimax"].contains(name) {
                assert_eq!(json, r#"{"d_x":0.5,"d_g_z1":0.25,"d_g_z2":-1.5}"#, "{name}");
                assert_eq!(scores.to_string(), "D(x) 0.50 D(G(z)) 0.25/-1.50", "{name}");
            } else {
                assert_eq!(json, r#"{"logit_x":0.5,"logit_g_z1":0.25,"logit_g_z2":-1.5}"#, "{name}");
                assert_eq!(scores.to_string(), "D(x) logit 0.50 D(G(z)) logit 0.25/-1.50", "{name}");
            }
        }
    }
}
