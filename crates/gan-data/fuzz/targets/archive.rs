//! Archives, of images and of published sets: zip, tar, and tar compressed.
#![no_main]

use std::io::Write;
use std::path::Path;

use flate2::{Compression, write::GzEncoder};
use gan_data::{Folder, Published, Split, ProgressCallback, fuzzing, load_cifar10, load_mnist, load_published};
use gan_data_fuzz::{assert_readable, expect_panics, guarded, look_at, with_file};

const BLOCK: usize = 512;
const MOST: u64 = 1 << 20;

// Folders of images are decoded too, and decoders may panic.
libfuzzer_sys::fuzz_target!(init: expect_panics(), |bytes: &[u8]| {
    guarded(|| {
        if bytes.starts_with(b"PK") {
            with_file("fuzz.zip", bytes, images);
        } else if bytes.starts_with(&[0x1f, 0x8b]) {
            with_file("fuzz.tar.gz", bytes, images_and_published);
            let read = fuzzing::tarball(bytes, MOST).ok();
            assert!(read.is_none_or(|read| read <= MOST));
        } else {
            let tar = summed(bytes);
            with_file("fuzz.tar", &tar, images_and_published);
            // Changes of compressed bytes seldom lead past the decompressor: so these are compressed here.
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&tar).expect("a Vec takes everything");
            let compressed = encoder.finish().expect("a Vec takes everything");
            with_file("fuzz.tar.gz", &compressed, images_and_published);
        }
    });
});

fn images(path: &Path) {
    if let Err(error) = fuzzing::archive(path) {
        assert_readable(&error);
    }
    for split in [Split::Train, Split::Test] {
        look_at(Folder::open(path, split, &ProgressCallback::default()));
    }
}

fn images_and_published(path: &Path) {
    images(path);
    for split in [Split::Train, Split::Test] {
        look_at(load_mnist(path, split, "mnist"));
        look_at(load_cifar10(path, split));
        for (_, set) in Published::ALL {
            look_at(load_published(set, path, split));
        }
    }
}

/// The archive with a true checksum in every header: a changed header would not be read without.
fn summed(bytes: &[u8]) -> Vec<u8> {
    let mut tar = bytes.to_vec();
    for header in tar.chunks_exact_mut(BLOCK).filter(|block| block[257..].starts_with(b"ustar")) {
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
    tar
}
