//! The numbers of one step.

use serde::Serialize;

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
    /// Of an AC-GAN the cross entropy of the classes that D reads, of real and generated images, added and weighted.
    #[serde(rename = "errClass", skip_serializing_if = "Option::is_none")]
    pub err_class: Option<f64>,
    /// D(x): mean probability that D gives real images.
    pub d_x: f64,
    /// D(G(z)) before D's update: the mean probability that D gives generated images.
    pub d_g_z1: f64,
    /// D(G(z)) after D's update.
    pub d_g_z2: f64,
    /// L2 norm of D's gradient.
    pub grad_norm_d: f64,
    /// L2 norm of G's gradient.
    pub grad_norm_g: f64,
    /// Real images a second since the last logged step, the time for samples and checkpoints left out.
    pub images_per_second: f64,
    /// Of a data set of points, where samples were drawn: modes found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modes: Option<usize>,
    /// Likewise: the part of the samples that lie near a mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub near_modes: Option<f64>,
}
