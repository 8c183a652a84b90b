//! `[model]`

use crate::config::Range;
use crate::config::limits::MOST_COUNTED;
use crate::config::setting::section;
use gan_models::{Architecture, Conditional, Latent, Norm, Upsample};

section! {
    /// The networks.
    ModelSettings = "model" {
        /// Kind of networks
        model: Architecture = Architecture::Dcgan, is_common = true, aliases = &["architecture"];
        /// Channels of the layer next to the image
        base_width: Option<usize> = None, is_common = true, unset = "32 below 64 px, else the model's own",
            range = Range::whole(1, MOST_COUNTED), aliases = &["ngf", "ndf"];
        /// Norm in the discriminator
        norm_d: Option<Norm> = None, unset = "the model's own";
        /// Norm in the generator
        norm_g: Option<Norm> = None, unset = "the model's own";
        /// How the generator doubles the size of images
        upsample: Option<Upsample> = None, unset = "the model's own way";
        /// Learn to make each class of a labelled data set, told to the networks in this way
        conditional: Option<Conditional> = None, is_common = true, unset = "not told";
        /// Numbers in a latent vector
        latent_dim: usize = 100, range = Range::whole(1, MOST_COUNTED), aliases = &["nz"];
        /// Distribution of the latent vectors
        latent: Latent = Latent::Gaussian;
    }
}
