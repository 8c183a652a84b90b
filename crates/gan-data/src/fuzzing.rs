//! What the targets in fuzz/ reach of this crate beside what is public. Compiled for them alone.
#![allow(missing_docs)]

use std::path::Path;

use crate::archive::{Archive, MAX_FILE};
use crate::compression::Codec;
use crate::parquet::{self, Shape};
use crate::{Image, LabelledImages, ProgressCallback, Result, cifar, decode, files, idx, spare, tarball};

pub fn idx(name: &str, images: &[u8], labels: &[u8]) -> Result<LabelledImages> {
    let path = Path::new(name);
    let images = idx::read_images(path, files::unpacked(name, images));
    let labels = idx::read_labels(path, files::unpacked(name, labels));
    idx::join(images?, labels?, &idx::IdxSet::named(name))
}

/// One batch, whose pixels may take `room` bytes.
pub fn cifar(name: &str, batch: &[u8], room: u64) -> Result<LabelledImages> {
    let batch = cifar::read_batch(Path::new(name), files::unpacked(name, batch), &cifar::CIFAR10, room)?;
    Ok(cifar::join(vec![batch], &cifar::CIFAR10))
}

/// Reads every file of an archive.
pub fn archive(path: &Path) -> Result<()> {
    let (archive, names) = Archive::open(path, |_| true, &ProgressCallback::default())?;
    for (name, number) in names {
        if let Ok(bytes) = archive.read(number, &name) {
            assert!(bytes.len() as u64 <= MAX_FILE);
        }
    }
    Ok(())
}

/// Reads every member of a compressed tar archive, which may unpack to so many bytes; gives how many these had.
pub fn tarball(bytes: &[u8], most: u64) -> Result<u64> {
    let mut read = 0;
    tarball::visit_compressed(Path::new("tarball"), Codec::Gzip, bytes, most, |member| {
        read += std::io::copy(member.content, &mut std::io::sink()).unwrap_or(0);
        Ok(())
    })?;
    Ok(read)
}

pub fn decode(bytes: &[u8]) -> Option<Image> {
    decode::decode(bytes, crate::Background::default()).ok().map(|(image, _)| image)
}

/// Leaves a buffer for the next decoding.
pub fn give_spare(buffer: Vec<u8>) {
    spare::give(buffer);
}

/// Reads the file of a published set, whose images are `side` pixels wide and high.
pub fn published_parquet(path: &Path, side: usize, channels: usize) -> Result<LabelledImages> {
    let shape = Shape { width: side, height: side, channels };
    parquet::read(path, "published", shape, 1000, &ProgressCallback::default())
}
