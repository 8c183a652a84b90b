//! Which published set lies at a path, as far as names tell.

use std::collections::BTreeSet;
use std::path::Path;

use super::Source;
use crate::{Error, Published, Result};

/// Folders of a folder in which programs leave the files of one set: MNIST's form has no name in it, so the folder's
/// counts.
const WITHIN: [(&str, &str); 8] = [
    ("raw", ""),
    ("gzip", ""),
    ("MNIST/raw", "mnist"),
    ("FashionMNIST/raw", "fashion-mnist"),
    ("KMNIST/raw", "kmnist"),
    ("QMNIST/raw", "qmnist"),
    ("EMNIST/raw", ""),
    ("EMNIST/raw/gzip", ""),
];

/// The set whose files are at `path`: in the folder there or one within it, or the file is one of them.
///
/// # Errors
/// If there are several.
pub(super) fn told_by_names(path: &Path) -> Result<Option<Source>> {
    let mut told = BTreeSet::new();
    let own = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if path.is_dir() {
        told_in(path, "", &mut told)?;
        for (folder, set) in WITHIN {
            if told.is_empty() || folder.contains('/') {
                let folder = path.join(folder);
                if folder.is_dir() {
                    told_in(&folder, set, &mut told)?;
                }
            }
        }
    } else {
        told.extend(by_file(own));
    }
    if let [one, another, ..] = told.iter().collect::<Vec<_>>()[..] {
        let all = told.iter().copied().map(shown).collect::<Vec<_>>().join(", ");
        let name = if one.is_empty() { another } else { one };
        let advice = format!("choose one: --dataset {name} --data-dir {}", path.display());
        return Err(Error::unsupported(path, format!("holds the files of several data sets: {all}"), advice));
    }
    let Some(name) = told.pop_first() else { return Ok(None) };
    let files = path.to_owned();
    Ok(Some(match name {
        "" => Source::Idx(files),
        "mnist" => Source::Mnist(Some(files)),
        "fashion-mnist" => Source::FashionMnist(Some(files)),
        "cifar10" => Source::Cifar10(Some(files)),
        name => match Published::named(name) {
            Some(set) => Source::Published { set, files: Some(files) },
            None => return Ok(None),
        },
    }))
}

/// Adds what the names in a folder tell; `set` is the set of files in MNIST's form there.
fn told_in(folder: &Path, set: &'static str, told: &mut BTreeSet<&'static str>) -> Result<()> {
    for entry in std::fs::read_dir(folder).map_err(Error::reading(folder))? {
        let name = entry.map_err(Error::reading(folder))?.file_name();
        let name = name.to_string_lossy();
        told.extend(by_file(&name).map(|found| if found.is_empty() { set } else { found }));
    }
    Ok(())
}

/// The set that has a file, folder or archive of this name. Nothing in the name of one in MNIST's form says more.
fn by_file(name: &str) -> Option<&'static str> {
    let stem = name.strip_suffix(".gz").unwrap_or(name);
    let is_idx = ["idx3-ubyte", "idx1-ubyte"].iter().any(|kind| stem.ends_with(kind));
    let starts = |start: &str| name.starts_with(start);
    if is_idx && starts("emnist-") {
        let emnist = Published::ALL.into_iter().filter(|(set, _)| set.starts_with("emnist-"));
        emnist.map(|(set, _)| set).find(|set| starts(&format!("{set}-")))
    } else if starts("qmnist-") && (is_idx || stem.ends_with("idx2-int")) {
        Some("qmnist")
    } else if stem.ends_with("idx3-ubyte") {
        Some("")
    } else if starts("cifar-10-b") && !starts("cifar-10-batches-py") && !starts("cifar-10-batches-mat")
        || starts("data_batch_") && stem.ends_with(".bin")
    {
        Some("cifar10")
    } else if starts("cifar-100-binary") || stem == "fine_label_names.txt" {
        Some("cifar100")
    } else if starts("stl10_binary") || ["train_X.bin", "test_X.bin"].contains(&stem) {
        Some("stl10")
    } else {
        None
    }
}

/// How a message calls a set.
fn shown(name: &str) -> &str {
    if name.is_empty() { "mnist or one in its form" } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// What a folder with these files is.
    fn told(names: &[&str]) -> Result<Option<String>> {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let told = told_by_names(folder.path())?;
        Ok(told.map(|source| match source {
            Source::Idx(path) => {
                assert_eq!(path, folder.path());
                "idx".to_owned()
            }
            source => source.to_string(),
        }))
    }

    #[test]
    fn a_set_is_told_by_the_names_of_its_files() {
        for (names, set) in [
            (&["t10k-images-idx3-ubyte.gz"][..], "idx"),
            (&["train-images.idx3-ubyte", "train-images-idx3-ubyte/train-images-idx3-ubyte"], "idx"),
            (&["raw/train-images-idx3-ubyte"], "idx"),
            (&["MNIST/raw/train-images-idx3-ubyte"], "mnist"),
            (&["KMNIST/raw/train-images-idx3-ubyte.gz"], "kmnist"),
            (&["emnist-letters-train-images-idx3-ubyte.gz", "emnist-letters-mapping.txt"], "emnist-letters"),
            (&["gzip/emnist-byclass-test-labels-idx1-ubyte"], "emnist-byclass"),
            (&["qmnist-test-labels-idx2-int.gz"], "qmnist"),
            (&["data_batch_1.bin", "batches.meta.txt"], "cifar10"),
            (&["cifar-10-batches-bin/data_batch_1.bin"], "cifar10"),
            (&["cifar-100-binary.tar.gz"], "cifar100"),
            (&["train.bin", "fine_label_names.txt"], "cifar100"),
            (&["stl10_binary/train_X.bin"], "stl10"),
            (&["train_X.bin"], "stl10"),
        ] {
            assert_eq!(told(names).unwrap().as_deref(), Some(set), "{names:?}");
        }
        for names in [
            &["a.jpg", "train.bin", "emnist.txt"][..],
            &["data_batch_1", "batches.meta"],
            &["cifar-10-batches-py/data_batch_1"],
        ] {
            assert_eq!(told(names).unwrap(), None, "{names:?}");
        }
    }

    #[test]
    fn of_several_sets_one_must_be_chosen() {
        let letters = "emnist-letters-train-images-idx3-ubyte";
        let error = told(&[letters, "emnist-digits-train-images-idx3-ubyte"]).unwrap_err();
        assert!(error.to_string().ends_with("several data sets: emnist-digits, emnist-letters"), "{error}");
        assert!(error.hint().contains("--dataset emnist-digits --data-dir"), "{}", error.hint());
        let torchvision = ["MNIST/raw/train-images-idx3-ubyte", "FashionMNIST/raw/train-images-idx3-ubyte"];
        let error = told(&torchvision).unwrap_err();
        assert!(error.to_string().ends_with("several data sets: fashion-mnist, mnist"), "{error}");
    }
}
