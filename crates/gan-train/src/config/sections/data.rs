//! `[data]`

use crate::config::limits::{LONGEST_SIDE, MOST_IN_A_BATCH};
use crate::config::setting::section;
use crate::config::{Crop, Fit, ImageSize, Range};
use gan_data::{Background, Filter, OnBadImage, Source};
use std::path::PathBuf;

section! {
    /// Which images, and what is done to each.
    DataSettings = "data" {
        /// Data set: digits, shapes (embedded), ring, grid (points of the plane), mnist, fashion-mnist,
        /// cifar10, with --data-dir also cifar100, cifar100-coarse, stl10, kmnist, qmnist, emnist-letters (or
        /// -balanced, -byclass, -bymerge, -digits, -mnist), your own images: PATH (a folder, zip, tar or
        /// parquet file), or hub:OWNER/NAME
        dataset: String = "digits".into(), is_common = true, may_change = true, spelled = Source::spelled;
        /// Folder or archive with the data set's files, as published
        data_dir: Option<PathBuf> = None, is_common = true, may_change = true;
        /// A table of labels for the images of a folder or archive
        labels: Option<PathBuf> = None, value_name = "FILE", may_change = true;
        /// The column of the classes, in a table of labels or a parquet file
        label_column: Option<String> = None, unset = "found by itself";
        /// The column of the images in a parquet file
        image_column: Option<String> = None, unset = "found by itself";
        /// Image size in pixels: 64, or 48x64 (height x width)
        image_size: Option<ImageSize> = None, is_common = true, unset = "32, or the model's own",
            range = Range::whole(1, LONGEST_SIDE);
        /// How pixels are weighted together where images are resized
        resize_filter: Filter = Filter::Bilinear;
        /// How an image of another shape is brought to that size: cropped, padded or stretched
        fit: Option<Fit> = None, unset = "crop";
        /// The part of an image to train on: its middle, any part, or random parts of random size and shape
        crop: Crop = Crop::Center;
        /// Change brightness, contrast and saturation at random, by up to this part
        color_jitter: f64 = 0.0, value_name = "PART", range = Range::to(0.0, 1.0), hint = "0.1 is gentle";
        /// Train on gray (1) or colour (3) images, or on colour with alpha (4)
        channels: Option<usize> = None, value_name = "1|3|4", unset = "as the data set has them",
            range = Range::OneOf(&[1, 3, 4]), hint = "1 for gray, 3 for colour, 4 for colour with alpha";
        /// The colour behind transparent images and around padded ones: a name, #rrggbb, or none to leave
        /// alpha out
        background: Option<Background> = None, unset = "white behind, black around";
        /// Mirror every other image
        flip: bool = false;
        /// What to do about an image that cannot be read
        on_bad_image: OnBadImage = OnBadImage::Stop, may_change = true;
        /// Images in a batch
        batch_size: Option<usize> = None, is_common = true, unset = "64; 100 for the notebook model",
            range = Range::whole(1, MOST_IN_A_BATCH), aliases = &["batch"];
        /// Leave out a last batch that is not full
        drop_last: Option<bool> = None, unset = "true; false for the notebook model";
    }
}
