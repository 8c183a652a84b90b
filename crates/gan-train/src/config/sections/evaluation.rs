//! `[evaluation]`

use crate::config::Range;
use crate::config::limits::MOST_COUNTED;
use crate::config::setting::section;
use gan_eval::{FeatureKind, Measures};
use std::path::PathBuf;

section! {
    /// How good the samples are, measured while training.
    EvaluationSettings = "evaluation" {
        /// Measure the samples every so many steps, and keep the best checkpoint beside the newest; 0 is
        /// never
        eval_every: Option<u64> = None, value_name = "STEPS", is_common = true, may_change = true,
            unset = "250 on the embedded digits, else 0", range = Range::whole(0, MOST_COUNTED);
        /// What is measured, any of fd,kid,prdc,is,classes,copies; the first decides which checkpoint is the
        /// best
        metrics: Measures = Measures::default(), may_change = true;
        /// The features that distances are of: digits (a classifier of digits), classifier (one that learns
        /// from the labelled images first), random (convolutions that have learned nothing), lite0
        /// (EfficientNet-Lite0) or inception (of the FID)
        eval_features: Option<FeatureKind> = None, may_change = true, unset = "digits on the embedded digits, else random";
        /// The weights of lite0 or inception, a safetensors file
        feature_weights: Option<PathBuf> = None, value_name = "FILE", may_change = true,
            unset = "those of lite0 from the hub";
        /// Generated images that are measured
        eval_samples: usize = 1000, value_name = "N", may_change = true, range = Range::whole(2, 1_000_000);
        /// End the run after so many measurements without a better one
        patience: Option<u64> = None, value_name = "N", may_change = true, range = Range::whole(1, MOST_COUNTED);
    }
}
