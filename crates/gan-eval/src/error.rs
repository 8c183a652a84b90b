//! What can go wrong, and what to do about it.

/// The result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a classifier could not be made, trained or asked. `Display` says in one line what is wrong, [`Error::hint`] what to
/// do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting that makes no sense.
    #[error("{what}")]
    Config {
        /// What is wrong.
        what: String,
        /// What to do about it.
        hint: &'static str,
    },

    /// A data set whose images belong to no class.
    #[error("{dataset} has no classes")]
    NoClasses {
        /// Its name.
        dataset: String,
    },

    /// A class that is not among those of another data set or of the classifier.
    #[error("the class {class} of {dataset} is not among {known}")]
    UnknownClass {
        /// The data set that has the class.
        dataset: String,
        /// The name of the class, or its number.
        class: String,
        /// The classes there are.
        known: String,
    },

    /// Fewer images of a class than were asked for.
    #[error("{dataset} has {found} images of the class {class}, and {wanted} of each are asked for")]
    TooFew {
        /// The data set.
        dataset: String,
        /// The class.
        class: String,
        /// How many there are.
        found: usize,
        /// How many were asked for.
        wanted: usize,
    },

    /// Images without a label, or with a label beyond the number of classes.
    #[error("{dataset} holds images whose label is missing or is none of its classes")]
    Unlabelled {
        /// The data set.
        dataset: String,
    },

    /// Fewer images than a measure can do with.
    #[error("{measure} takes {least} images or more of each side, and there are {found}")]
    TooFewImages {
        /// The measure.
        measure: &'static str,
        /// How many it takes.
        least: usize,
        /// How many there are.
        found: usize,
    },

    /// Features of another network, or of another size.
    #[error("features of {found} numbers an image beside features of {wanted}")]
    FeatureSize {
        /// The numbers of each image that are expected.
        wanted: usize,
        /// Those that are given.
        found: usize,
    },

    /// Features, logits or statistics that are NaN or infinity.
    #[error("features hold NaN or infinity")]
    NotFinite,

    /// A covariance whose eigenvalues do not converge.
    #[error("the eigenvalues of a covariance are not found")]
    NoEigenvalues,

    /// Images of a shape that the classifier does not take.
    #[error("the classifier takes images of shape [N, {channels}, {side}, {side}], not {shape:?}")]
    Shape {
        /// Its channels.
        channels: usize,
        /// Height and width of its images in pixels.
        side: usize,
        /// The shape that was given.
        shape: Vec<usize>,
    },

    /// A loss that is no longer a number.
    #[error("the loss is {loss} at step {step}: training has diverged")]
    Diverged {
        /// NaN or infinity.
        loss: f64,
        /// The step, from 1.
        step: u64,
    },

    /// A data set that cannot be used.
    #[error(transparent)]
    Data(#[from] gan_data::Error),

    /// A file that is no classifier's, or a damaged one.
    #[error("this is no classifier's file: {why}")]
    NotAClassifier {
        /// What is wrong with it.
        why: String,
    },

    /// A file that does not hold the features that were asked for.
    #[error("these are not the features that were kept: {why}")]
    NotFeatures {
        /// What is wrong with them.
        why: String,
    },

    /// A file without mean and covariance of features.
    #[error("cannot take the statistics of {}: {why}", path.display())]
    Statistics {
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong with it.
        why: String,
    },

    /// Features whose weights nobody has named.
    #[error("the features {features} need the weights of a network")]
    NoWeights {
        /// The features.
        features: &'static str,
    },

    /// A file that has not the weights of the network.
    #[error("cannot take the weights of {}: {why}", path.display())]
    Weights {
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong with it.
        why: String,
    },

    /// Weights that cannot be fetched.
    #[error("{0}")]
    WeightsFromHub(gan_data::Error),

    /// A network that cannot be made.
    #[error(transparent)]
    Network(#[from] gan_nn::Error),

    /// A tensor operation that failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}

impl Error {
    /// What to do about it, in one line.
    pub fn hint(&self) -> String {
        let hint = match self {
            Error::Config { hint, .. } => hint,
            Error::NoClasses { .. } => {
                "give a data set with labels, or a folder with a folder of images for each class"
            }
            Error::UnknownClass { .. } => {
                "rename the folders of the classes so that both data sets call them the same"
            }
            Error::TooFew { .. } => "ask for fewer images of each class",
            Error::Unlabelled { .. } => "leave those images out, or give them a class",
            Error::Shape { .. } => "resize the images, or make a classifier for their size and channels",
            Error::TooFewImages { .. } => "give more images, or ask for fewer neighbours or splits",
            Error::FeatureSize { .. } => "measure both sides by the same features",
            Error::NotFinite => "look at the images: a generator that has diverged makes such",
            Error::NoEigenvalues => "give more images, or other features",
            Error::Diverged { .. } => "choose a lower learning rate",
            Error::Data(error) => return error.hint(),
            Error::NotAClassifier { .. } => "give a file that `Classifier::to_bytes` has made",
            Error::NotFeatures { .. } => "measure them anew",
            Error::Statistics { .. } => {
                "give an .npz file with mu and sigma, as `pytorch_fid --save-stats` writes it"
            }
            Error::NoWeights { .. } | Error::Weights { .. } => {
                "name their safetensors file: --feature-weights FILE (docs/evaluation.md says where it comes from)"
            }
            Error::WeightsFromHub(_) => {
                "check the network, or name a safetensors file with the weights: --feature-weights FILE"
            }
            Error::Tensor(_) | Error::Network(_) => {
                "this is a bug unless the device ran out of memory; please report it"
            }
        };
        hint.to_owned()
    }

    pub(crate) fn config(what: impl Into<String>, hint: &'static str) -> Self {
        Error::Config { what: what.into(), hint }
    }
}
