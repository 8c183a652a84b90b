//! Measures on features of images: pure numbers, whatever network the features come from. One a file.

mod class_balance;
mod distances;
mod features;
mod frechet;
mod inception_score;
mod kid;
mod moments;
mod ms_ssim;
mod neighbours;
mod path_length;
mod prdc;

pub use class_balance::ClassBalance;
pub(crate) use distances::to_kth_neighbour;
pub use features::Features;
pub use frechet::frechet_distance;
pub use inception_score::{InceptionScore, inception_score};
pub use kid::{Kid, KidOptions, kid, mmd2};
pub use moments::{Gaussian, Moments};
pub use ms_ssim::{Similarity, diversity_within_classes, ms_ssim};
pub(crate) use neighbours::nearest_at;
pub use neighbours::{Neighbours, nearest};
pub use path_length::{PathLength, PathOptions, path_length};
pub use prdc::{Prdc, prdc};
