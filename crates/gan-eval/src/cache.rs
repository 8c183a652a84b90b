//! What takes long to compute and follows from its name alone: kept in the cache folder of the user.

use gan_data::Dataset;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// Larger files are none of ours.
const MOST: u64 = 1 << 30;

/// A folder of files that can be made anew at any time. Nothing depends on it: what cannot be read is
/// computed, and what cannot be written is told once with a warning.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: Option<PathBuf>,
}

impl Cache {
    /// `gan` in the folder that `XDG_CACHE_HOME` names, or in `.cache` of the home folder; if there is
    /// neither, nothing is kept.
    pub fn of_user() -> Self {
        let named =
            std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|folder| folder.is_absolute());
        let folder = named.or_else(|| Some(std::env::home_dir()?.join(".cache")));
        Self { folder: folder.map(|folder| folder.join("gan")) }
    }

    /// In a folder, which is made when something is kept.
    pub fn at(folder: &Path) -> Self {
        Self { folder: Some(folder.to_path_buf()) }
    }

    /// A name that follows from all of these, and changes with each.
    pub fn name(kind: &str, parts: &[&[u8]]) -> String {
        let mut sha = Sha256::new();
        for part in parts {
            sha.update((part.len() as u64).to_le_bytes());
            sha.update(part);
        }
        let digest: String = sha.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{kind}-{digest}.safetensors")
    }

    /// What names a data set by its content: every pixel of every image, and their order. None if an image
    /// cannot be read.
    pub fn content(data: &dyn Dataset) -> Option<[u8; 32]> {
        let mut sha = Sha256::new();
        for index in 0..data.len() {
            let image = data.get(index).ok()?.image;
            for number in [image.width, image.height, image.channels] {
                sha.update((number as u64).to_le_bytes());
            }
            sha.update(&image.pixels);
        }
        Some(sha.finalize().into())
    }

    /// What was kept under a name.
    pub fn read(&self, name: &str) -> Option<Vec<u8>> {
        let path = self.folder.as_ref()?.join(name);
        let size = path.symlink_metadata().ok().filter(|it| it.is_file() && it.len() <= MOST)?.len();
        let mut bytes = Vec::with_capacity(size as usize);
        File::open(path).ok()?.take(MOST).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    /// Keeps something under a name: whole, or not at all.
    pub fn keep(&self, name: &str, bytes: &[u8]) {
        let Some(folder) = &self.folder else { return };
        let write = || -> std::io::Result<()> {
            std::fs::create_dir_all(folder)?;
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            file.write_all(bytes)?;
            file.persist(folder.join(name))?;
            Ok(())
        };
        if let Err(error) = write() {
            tracing::warn!("{} could not be kept in {}: {error}", name, folder.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_found_by_all_that_it_follows_from() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(&folder.path().join("new"));
        let name = Cache::name("features", &[b"data", b"network"]);
        assert_ne!(name, Cache::name("features", &[b"datan", b"etwork"]));
        assert_eq!(cache.read(&name), None);
        cache.keep(&name, b"numbers");
        assert_eq!(cache.read(&name).unwrap(), b"numbers");
        cache.keep(&name, b"others");
        assert_eq!(cache.read(&name).unwrap(), b"others");
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_no_error() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), "").unwrap();
        let cache = Cache::at(&folder.path().join("file"));
        cache.keep("name", b"numbers");
        assert_eq!(cache.read("name"), None);
    }
}
