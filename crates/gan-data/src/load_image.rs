//! One image file.

use std::path::Path;

use crate::decode::Decoding;
use crate::folder::read_file;
use crate::{Background, Image, Result};

/// Reads an image file of any kind that a folder of images may hold, told by its content: RGB, what is
/// transparent on this background; RGBA where nothing stands behind it.
///
/// # Errors
/// If it cannot be read, or is no image.
pub fn load_image(path: &Path, background: Background) -> Result<Image> {
    Decoding::new(background).image(&read_file(path)?, || path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    #[test]
    fn an_image_is_read_by_its_content_and_what_is_none_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let image = Image { width: 2, height: 1, channels: 4, pixels: vec![9, 8, 7, 255, 1, 2, 3, 0] };
        image.save_png(&path("image.jpg")).unwrap();
        let pixels = |background| load_image(&path("image.jpg"), background).unwrap().pixels;
        assert_eq!(pixels(Background::default()), [9, 8, 7, 255, 255, 255]);
        assert_eq!(pixels(Background::Transparent), image.pixels);
        std::fs::write(path("text.png"), "no image").unwrap();
        let error = load_image(&path("text.png"), Background::default()).unwrap_err();
        assert!(matches!(error, Error::Decode { .. }) && error.to_string().contains("text.png"), "{error}");
        for missing in ["nothing.png", "."] {
            assert!(load_image(&path(missing), Background::default()).is_err());
        }
    }
}
