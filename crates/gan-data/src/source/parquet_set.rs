//! Whether a folder is a data set of parquet files, as a clone of one of the hub is, or one of images with a table.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::folder::is_image;
use crate::{Error, Result};

/// A parquet file lies in the folder, in `data/`, or in `CONFIG/SPLIT/`.
const MAX_DEPTH: usize = 2;
/// So many files and folders are looked at in the folders within it.
const MOST: usize = 10_000;

/// Looks at the names in a folder and in those within it, and into the first parquet file: with a column of images
/// it is a data set, without one a table beside images, if there are any.
pub(super) fn is_parquet_set(folder: &Path) -> Result<bool> {
    let seen = Seen::until(folder, |seen| seen.parquet.iter().any(|file| !is_metadata(file)))?;
    let Some(file) = seen.parquet.iter().find(|file| !is_metadata(file)).or(seen.parquet.first()) else {
        return Ok(false);
    };
    Ok(has_images(file) || !Seen::until(folder, |seen| seen.images)?.images)
}

#[derive(Default)]
struct Seen {
    parquet: Vec<PathBuf>,
    images: bool,
    count: usize,
}

impl Seen {
    /// Goes into the folders within `folder` until enough is seen.
    fn until(folder: &Path, enough: fn(&Self) -> bool) -> Result<Self> {
        let mut seen = Self::default();
        seen.look_into(folder, MAX_DEPTH, enough)?;
        seen.parquet.sort();
        Ok(seen)
    }

    fn look_into(&mut self, folder: &Path, depth: usize, enough: fn(&Self) -> bool) -> Result<()> {
        let mut folders = Vec::new();
        for entry in fs::read_dir(folder).map_err(Error::reading(folder))? {
            let entry = entry.map_err(Error::reading(folder))?;
            self.count += usize::from(depth < MAX_DEPTH);
            if self.count > MOST {
                break;
            }
            let path = entry.path();
            let is_parquet = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("parquet"));
            match () {
                () if entry.file_name().as_encoded_bytes().starts_with(b".") => {}
                // Links to folders are not followed: no parquet files are searched for behind them.
                () if entry.file_type().is_ok_and(|kind| kind.is_dir()) => folders.push(path),
                () if is_parquet => self.parquet.push(path),
                () => self.images |= is_image(&path),
            }
        }
        folders.sort_by_key(|path| (path.file_name() != Some(OsStr::new("data")), path.clone()));
        for folder in folders {
            if depth == 0 || self.count > MOST || enough(self) {
                break;
            }
            // What cannot be read there is for whoever opens it to say.
            let _ = self.look_into(&folder, depth - 1, enough);
        }
        Ok(())
    }
}

/// The table that the hub's library reads beside images.
fn is_metadata(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.eq_ignore_ascii_case("metadata.parquet"))
}

#[cfg(feature = "hub")]
fn has_images(file: &Path) -> bool {
    crate::parquet::has_images(file)
}

/// Without the reader, the name must do.
#[cfg(not(feature = "hub"))]
fn has_images(file: &Path) -> bool {
    !is_metadata(file)
}
