//! The names by which data sets are asked for.

/// As `Source` takes them.
pub(crate) const NAMES: [&str; 21] = [
    "digits",
    "shapes",
    "ring",
    "grid",
    "mnist",
    "fashion-mnist",
    "cifar10",
    "cifar100",
    "cifar100-coarse",
    "stl10",
    "kmnist",
    "qmnist",
    "emnist-balanced",
    "emnist-byclass",
    "emnist-bymerge",
    "emnist-digits",
    "emnist-letters",
    "emnist-mnist",
    "folder:PATH",
    "parquet:PATH",
    "hub:OWNER/NAME[@REVISION]",
];
