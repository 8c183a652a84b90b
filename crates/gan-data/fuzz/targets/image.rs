//! An image file of any kind.
#![no_main]

use gan_data::fuzzing;
use gan_data_fuzz::{expect_panics, guarded};

libfuzzer_sys::fuzz_target!(init: expect_panics(), |bytes: &[u8]| {
    guarded(|| {
        let Some(image) = fuzzing::decode(bytes) else { return };
        assert!(image.width > 0 && image.height > 0 && image.channels == 3);
        assert_eq!(image.pixels.len(), image.width * image.height * 3);
        // No pixel may be left as it was in the buffer that goes from image to image.
        fuzzing::give_spare(vec![0xa5; image.pixels.len()]);
        let again = fuzzing::decode(bytes);
        assert!(again.is_some_and(|again| again == image), "the pixels depend on what was decoded before");
        fuzzing::give_spare(Vec::new());
    });
});
