//! What parquet files a repository has at one commit, as the hub said, kept beside what has been fetched: the cache
//! itself does not tell three files of five from all of three.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::{Error, Result};

/// The largest listing that is read, bytes.
pub(super) const MAX_BYTES: u64 = 64 << 20;

/// The parquet files of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listing {
    /// The commit that has them: 40 hexadecimal digits.
    pub(super) commit: String,
    pub(super) files: Vec<Listed>,
}

/// A file in a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    /// Its path in the repository, with `/`.
    pub(super) path: String,
    /// How large it is, bytes.
    pub(super) size: u64,
}

impl Listed {
    pub(super) fn as_path(&self) -> &Path {
        Path::new(&self.path)
    }
}

impl Listing {
    /// A listing of these files in the order of their names, or what is wrong with it.
    pub(super) fn new(commit: String, mut files: Vec<Listed>) -> std::result::Result<Self, String> {
        if !is_commit(&commit) {
            return Err("the hub does not name a commit".to_owned());
        }
        if let Some(file) = files.iter().find(|file| !stays_inside(&file.path)) {
            return Err(format!("the hub lists a file that would lie outside of the cache: {:?}", file.path));
        }
        files.sort_by(|one, other| one.path.cmp(&other.path));
        if let Some(pair) = files.windows(2).find(|pair| pair[0].path == pair[1].path) {
            return Err(format!("the hub lists a file twice: {:?}", pair[0].path));
        }
        Ok(Self { commit, files })
    }

    /// The listing that was kept in this file; `None` if there is none that can be read.
    pub(super) fn load(file: &Path) -> Option<Self> {
        if fs::metadata(file).ok()?.len() > MAX_BYTES {
            return None;
        }
        let kept: Value = serde_json::from_slice(&fs::read(file).ok()?).ok()?;
        let files = kept.get("files")?.as_array()?.iter().map(|file| {
            Some(Listed { path: file.get("path")?.as_str()?.to_owned(), size: file.get("size")?.as_u64()? })
        });
        Self::new(kept.get("commit")?.as_str()?.to_owned(), files.collect::<Option<_>>()?).ok()
    }

    /// Keeps the listing in this file: all of it or, if this is interrupted, what was there before.
    pub(super) fn store(&self, file: &Path) -> Result<()> {
        let files: Vec<Value> =
            self.files.iter().map(|file| json!({ "path": file.path, "size": file.size })).collect();
        let text = json!({ "commit": self.commit, "files": files }).to_string();
        let folder = file.parent().map_or_else(PathBuf::new, Path::to_owned);
        fs::create_dir_all(&folder).map_err(Error::writing(&folder))?;
        let mut fresh = tempfile::NamedTempFile::new_in(&folder).map_err(Error::writing(&folder))?;
        fresh.write_all(text.as_bytes()).map_err(Error::writing(file))?;
        fresh.persist(file).map_err(|error| Error::writing(file)(error.error))?;
        Ok(())
    }
}

/// Whether that can be the name of a commit: 40 hexadecimal digits.
pub(super) fn is_commit(name: &str) -> bool {
    name.len() == 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether a path from a repository leads nowhere but down, on every system.
fn stays_inside(path: &str) -> bool {
    let odd = |c: char| c.is_control() || c == '\\' || c == ':';
    !path.contains(odd) && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(path: &str) -> std::result::Result<Listing, String> {
        Listing::new("a1".repeat(20), vec![Listed { path: path.to_owned(), size: 7 }])
    }

    #[test]
    fn paths_that_lead_out_are_refused() {
        for good in ["a.parquet", "data/train-00000-of-00001.parquet", "..a/b...parquet"] {
            assert!(listing(good).is_ok(), "{good}");
        }
        let bad = ["", "..", "../a", "a/../b", "/a", "a//b", "./a", "a/", "c:/a", "a\\..\\b", "a\nb", "a/.."];
        for bad in bad {
            assert!(listing(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_file_that_is_listed_twice_is_refused() {
        let file = |path: &str, size| Listed { path: path.to_owned(), size };
        let files = vec![file("a.parquet", 7), file("b.parquet", 7), file("a.parquet", 8)];
        let error = Listing::new("a1".repeat(20), files).unwrap_err();
        assert!(error.contains("lists a file twice: \"a.parquet\""), "{error}");
    }

    #[test]
    fn a_commit_is_forty_digits() {
        for bad in ["", "main", "../../../../../../../../../../../../../..", &"g".repeat(40)] {
            assert!(Listing::new(bad.to_owned(), Vec::new()).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_kept_comes_back_and_damage_counts_as_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("deep/er/main.json");
        assert_eq!(Listing::load(&file), None);
        let kept = listing("data/train.parquet").unwrap();
        kept.store(&file).unwrap();
        assert_eq!(Listing::load(&file), Some(kept));
        let text = fs::read_to_string(&file).unwrap();
        for damaged in
            [&text[..text.len() / 2], "", "{}", &text.replace("data/", "../"), &text.replace('7', "-7")]
        {
            fs::write(&file, damaged).unwrap();
            assert_eq!(Listing::load(&file), None, "{damaged}");
        }
    }
}
