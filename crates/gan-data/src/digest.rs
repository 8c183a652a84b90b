//! What digests of data sets are made of: they tell whether a set is still the one that a run began with.

use sha2::{Digest, Sha256};

/// Adds bytes to a digest so that where they end is a part of it.
pub(crate) fn add_text(sha: &mut Sha256, text: &[u8]) {
    sha.update((text.len() as u64).to_le_bytes());
    sha.update(text);
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use crate::{Dataset, Digits, Folder, Image, LabelledImages, ProgressCallback, Shapes, Split};

    #[test]
    fn drawn_sets_are_told_apart_by_seed_size_and_kind() {
        let digits = |seed, size| Digits::train(seed, size).unwrap().digest();
        assert_eq!(digits(0, 28), digits(0, 28));
        assert_ne!(digits(0, 28), digits(1, 28));
        assert_ne!(digits(0, 28), digits(0, 32));
        assert_ne!(digits(0, 28), Shapes::train(0, 28).unwrap().digest());
    }

    #[test]
    fn of_images_in_memory_every_bit_and_their_order_count() {
        let images = |pixels: &[u8], labels: &[u8]| LabelledImages {
            name: "test".to_owned(),
            width: 1,
            height: 1,
            channels: 1,
            pixels: pixels.to_vec(),
            labels: labels.to_vec(),
            classes: 10,
            class_names: Vec::new(),
        };
        let mut pixels = vec![7; 1000];
        let mut labels = vec![1; 1000];
        let original = images(&pixels, &labels).digest();
        pixels[501] ^= 1;
        assert_ne!(images(&pixels, &labels).digest(), original, "one bit of one pixel");
        pixels.swap(501, 502);
        let swapped = images(&pixels, &labels).digest();
        assert_ne!(swapped, original);
        labels[3] = 2;
        assert_ne!(images(&pixels, &labels).digest(), swapped, "one label");
    }

    #[test]
    fn of_a_folder_names_classes_and_sizes_count_but_not_where_it_lies() {
        let parent = tempfile::tempdir().unwrap();
        let write = |path: &Path, side: usize, value: u8| {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let pixels = (0..side * side).map(|i| (i as u8).wrapping_mul(value)).collect();
            Image { width: side, height: side, channels: 1, pixels }.save_png(path).unwrap();
        };
        let digest =
            |root: &Path| Folder::open(root, Split::Train, &ProgressCallback::default()).unwrap().digest();
        let make = |name: &str| {
            let root = parent.path().join(name);
            for i in 0..40 {
                write(&root.join(format!("class-{}/{i:02}.png", i % 2)), 8 + i, i as u8);
            }
            root
        };
        let (one, other) = (make("one"), make("other"));
        assert_eq!(digest(&one), digest(&other), "a copy");

        write(&other.join("class-1/33.png"), 9, 33); // not among those that are looked at
        assert_ne!(digest(&one), digest(&other), "another file of the same name");
        let again = make("again");
        fs::rename(again.join("class-0/00.png"), again.join("class-1/00.png")).unwrap();
        assert_ne!(digest(&one), digest(&again), "another class");
        let fewer = make("fewer");
        fs::remove_file(fewer.join("class-1/39.png")).unwrap();
        assert_ne!(digest(&one), digest(&fewer), "a file less");
    }
}
