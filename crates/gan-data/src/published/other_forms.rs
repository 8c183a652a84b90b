//! Published sets in forms that are not read, and where the readable form is.

use std::fs;
use std::path::Path;

use super::pattern::fits;
use crate::Error;

/// A form of a set.
struct Form {
    /// How the sets' names begin that come in it.
    set: &'static str,
    what: &'static str,
    advice: &'static str,
    /// Names of its files, folders and archives, in which a `*` stands for anything.
    names: &'static [&'static str],
}

const CIFAR10: &str = "fetch the binary version, cifar-10-binary.tar.gz, which has the same images, and give it with \
                       --dataset cifar10 --data-dir DIR";
const CIFAR100: &str = "fetch the binary version, cifar-100-binary.tar.gz, which has the same images, and give it with \
                        --dataset cifar100 --data-dir DIR";
const SVHN: &str = "save the images as PNG files, a folder for each class; or give the set as parquet files, as the hub \
                    has it (--dataset hub:OWNER/NAME)";
const STL10: &str = "fetch the binary version, stl10_binary.tar.gz, which has the same images, and give it with \
                     --dataset stl10 --data-dir DIR";
const EMNIST: &str = "fetch the IDX files, gzip.zip, which have the same images, unpack them, and give their folder with \
                      --dataset emnist-letters --data-dir DIR";
const IDX: &str = "fetch the set's IDX files (train-images-idx3-ubyte.gz and so on), and give their folder with --data-dir DIR";

const FORMS: [Form; 10] = [
    Form {
        set: "cifar10",
        what: "CIFAR-10 as Python pickles, which are not read",
        advice: CIFAR10,
        names: &[
            "cifar-10-python.tar.gz",
            "cifar-10-batches-py",
            "batches.meta",
            "data_batch_1",
            "data_batch_2",
            "data_batch_3",
            "data_batch_4",
            "data_batch_5",
        ],
    },
    Form {
        set: "cifar10",
        what: "CIFAR-10 as MATLAB files, which are not read",
        advice: CIFAR10,
        names: &["cifar-10-matlab.tar.gz", "cifar-10-batches-mat", "data_batch_*.mat", "batches.meta.mat"],
    },
    Form {
        set: "cifar100",
        what: "CIFAR-100 as Python pickles, which are not read",
        advice: CIFAR100,
        names: &["cifar-100-python.tar.gz", "cifar-100-python"],
    },
    Form {
        set: "cifar100",
        what: "CIFAR-100 as MATLAB files, which are not read",
        advice: CIFAR100,
        names: &["cifar-100-matlab.tar.gz", "cifar-100-matlab"],
    },
    Form {
        set: "svhn",
        what: "SVHN as MATLAB files, which are not read",
        advice: SVHN,
        names: &["*_32x32.mat"],
    },
    Form {
        set: "stl10",
        what: "STL-10 as MATLAB files, which are not read",
        advice: STL10,
        names: &["stl10_matlab.tar.gz", "stl10_matlab", "unlabeled.mat"],
    },
    Form {
        set: "emnist",
        what: "EMNIST as MATLAB files, which are not read",
        advice: EMNIST,
        names: &["emnist-*.mat"],
    },
    Form {
        set: "emnist",
        what: "EMNIST as tables of pixels, which are not read",
        advice: EMNIST,
        names: &["emnist-*-train.csv", "emnist-*-test.csv"],
    },
    Form {
        set: "kmnist",
        what: "Kuzushiji as NumPy arrays, which are not read",
        advice: IDX,
        names: &["kmnist-*.npz", "k49-*.npz"],
    },
    Form {
        set: "mnist",
        what: "MNIST in a form that is not read",
        advice: IDX,
        names: &["mnist.npz", "mnist.pkl.gz", "mnist_train.csv", "mnist_test.csv", "fashion-mnist_*.csv"],
    },
];

/// The error for a set that lies at `path` in a form that is not read: the file, or something in the folder, has the name
/// of one.
pub(crate) fn other_form(path: &Path) -> Option<Error> {
    instead_of("", path)
}

/// The same, if it is this set that lies there.
pub(crate) fn instead_of(set: &str, path: &Path) -> Option<Error> {
    let found = FORMS.iter().filter(|form| set.is_empty() || is_of(set, form.set)).find_map(|form| {
        let is_one = |name: &str| form.names.iter().any(|wanted| fits(name, wanted));
        if path.file_name().and_then(|name| name.to_str()).is_some_and(is_one) {
            return Some((path.to_owned(), form));
        }
        let mut entries = fs::read_dir(path).ok()?.filter_map(Result::ok);
        let entry = entries.find(|entry| entry.file_name().to_str().is_some_and(is_one))?;
        Some((entry.path(), form))
    });
    found.map(|(path, form)| Error::unsupported(&path, format!("is {}", form.what), form.advice))
}

/// `cifar100-coarse` is CIFAR-100 too, and Fashion-MNIST comes in the forms of MNIST.
fn is_of(set: &str, family: &str) -> bool {
    let of_family = set.strip_prefix(family).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
    of_family || family == "mnist" && set == "fashion-mnist"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_in_another_form_is_named_with_the_form_that_is_read() {
        let folder = tempfile::tempdir().unwrap();
        for (name, what, advice) in [
            ("cifar-10-batches-py/batches.meta", "CIFAR-10 as Python pickles", "cifar-10-binary.tar.gz"),
            ("cifar-100-python/meta", "CIFAR-100 as Python pickles", "cifar-100-binary.tar.gz"),
            ("svhn/train_32x32.mat", "SVHN as MATLAB files", "PNG"),
            ("emnist/emnist-letters.mat", "EMNIST as MATLAB files", "gzip.zip"),
            ("stl/stl10_matlab.tar.gz", "STL-10 as MATLAB files", "stl10_binary.tar.gz"),
            ("npz/k49-train-imgs.npz", "NumPy", "idx3-ubyte"),
        ] {
            let file = folder.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, "").unwrap();
            // Given the folder that it is in, and the file or folder itself.
            let named = if file.parent().unwrap().ends_with("cifar-100-python") {
                file.parent().unwrap()
            } else {
                &file
            };
            for path in [file.parent().unwrap(), named] {
                let error = other_form(path).unwrap_or_else(|| panic!("{}", path.display()));
                assert!(error.to_string().contains(what), "{error}");
                assert!(error.hint().contains(advice), "{}", error.hint());
            }
        }
        let pickles = folder.path().join("cifar-10-batches-py");
        assert!(instead_of("cifar10", &pickles).is_some());
        for other in ["mnist", "cifar100"] {
            assert!(instead_of(other, &pickles).is_none(), "{other}");
        }
        assert!(instead_of("cifar100-coarse", &folder.path().join("cifar-100-python")).is_some());
        assert!(other_form(&folder.path().join("nothing")).is_none());
    }
}
