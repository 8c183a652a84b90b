//! An image of bytes.

use std::fs;
use std::path::Path;

use ::image::ExtendedColorType;
use ::image::ImageEncoder;
use ::image::codecs::png::PngEncoder;

use crate::{Error, Result};

/// The longest side an image may have: a size beyond it is a slip of the keyboard or a lying header.
pub(crate) const MAX_SIDE: usize = 16_384;

/// An image of `u8` values, row by row from the top, the channels of a pixel side by side (HWC).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// Values per pixel: 1 (gray), 2 (gray, alpha), 3 (red, green, blue) or 4 (red, green, blue, alpha).
    pub channels: usize,
    /// `height * width * channels` values.
    pub pixels: Vec<u8>,
}

impl Image {
    /// Writes the image as a PNG file: under a temporary name first, so that no torn file is ever seen at `path`.
    ///
    /// # Errors
    /// If the fields do not describe an image, or the file cannot be written.
    pub fn save_png(&self, path: &Path) -> Result<()> {
        self.check()?;
        let color = match self.channels {
            1 => ExtendedColorType::L8,
            2 => ExtendedColorType::La8,
            3 => ExtendedColorType::Rgb8,
            _ => ExtendedColorType::Rgba8,
        };
        let mut png = Vec::new();
        PngEncoder::new(&mut png)
            .write_image(&self.pixels, self.width as u32, self.height as u32, color)
            .map_err(|source| Error::Png { path: path.to_owned(), source })?;

        // The process id keeps two programs that write the same file from writing into each other's.
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(format!(".{}.tmp", std::process::id()));
        let temporary = Path::new(&temporary);
        fs::write(temporary, png).and_then(|()| fs::rename(temporary, path)).map_err(|error| {
            let _ = fs::remove_file(temporary); // the write's own error says more than this one's
            Error::writing(path)(error)
        })
    }

    /// The fields are public: whoever takes an image in asks first whether they agree with each other.
    pub(crate) fn check(&self) -> Result<()> {
        let Self { width, height, channels, ref pixels } = *self;
        let fault = |reason| Err(Error::ImageSize { width, height, channels, reason });
        if !(1..=MAX_SIDE).contains(&width) || !(1..=MAX_SIDE).contains(&height) {
            return fault("cannot be worked with: a side has 1 to 16384 pixels");
        }
        if !(1..=4).contains(&channels) {
            return fault("cannot be worked with: there are 1 to 4 channels");
        }
        if pixels.len() != width * height * channels {
            return fault("holds another number of values than that");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gradient(channels: usize) -> Image {
        let pixels = (0..5 * 3 * channels).map(|i| (i * 7) as u8).collect();
        Image { width: 5, height: 3, channels, pixels }
    }

    #[test]
    fn a_saved_image_reads_back_the_same_for_every_number_of_channels() {
        let folder = tempfile::tempdir().unwrap();
        for channels in 1..=4 {
            let path = folder.path().join("image.png");
            gradient(channels).save_png(&path).unwrap();
            let read = ::image::open(&path).unwrap();
            assert_eq!(read.color().channel_count() as usize, channels);
            assert_eq!((read.width(), read.height()), (5, 3));
            assert_eq!(read.into_bytes(), gradient(channels).pixels);
        }
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "a temporary file was left behind");
    }

    #[test]
    fn a_failed_write_names_the_file_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let error = gradient(1).save_png(&folder.path().join("missing/image.png")).unwrap_err();
        assert!(matches!(error, Error::Write { .. }) && error.to_string().contains("image.png"), "{error}");

        fs::create_dir(folder.path().join("taken.png")).unwrap(); // renaming a file onto a folder fails
        assert!(gradient(1).save_png(&folder.path().join("taken.png")).is_err());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    }

    #[test]
    fn fields_that_contradict_each_other_are_an_error() {
        let path = Path::new("never-written.png");
        for broken in [
            Image { width: 4, ..gradient(1) },
            Image { width: 0, pixels: vec![], ..gradient(1) },
            Image { channels: 5, ..gradient(1) },
            Image { width: usize::MAX, ..gradient(1) },
        ] {
            assert!(matches!(broken.save_png(path), Err(Error::ImageSize { .. })));
        }
    }
}
