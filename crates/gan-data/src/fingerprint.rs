//! Recognising a published data set by its content, whatever container and order it came in.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::Split;

/// What identifies the content of a data set: SHA-256 over the sorted SHA-256 digests of its records.
///
/// A record is the label byte, then the pixels plane by plane. Sorting makes the order of the records irrelevant, so
/// the same images from IDX, CIFAR-10's binary files or parquet have one fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// How many records there are.
    pub records: usize,
    /// The digest of their digests.
    pub sha256: [u8; 32],
}

impl Fingerprint {
    /// The fingerprint of a data set as its makers published it, for the sets that are known by name: `mnist`,
    /// `fashion-mnist` and `cifar10`.
    pub fn canonical(name: &str, split: Split) -> Option<Self> {
        Self::known().find(|known| (known.0, known.1) == (name, split)).map(|known| known.2)
    }

    /// All that are known.
    pub(crate) fn known() -> impl Iterator<Item = (&'static str, Split, Self)> {
        KNOWN.iter().filter_map(|&(name, split, records, sha256)| {
            Some((name, split, Self { records, sha256: from_hex(sha256)? }))
        })
    }
}

/// Names, splits, numbers of records and digests in hex.
const KNOWN: [(&str, Split, usize, &str); 6] = [
    ("mnist", Split::Train, 60_000, "3655811c0e1223700a4714a92a51f55bd215ed7dc1fa2baa4326a2b58042d82d"),
    ("mnist", Split::Test, 10_000, "634538fb34c5277fce98470b8b285d1e8419eb87f328da42ef1faf690d2c3911"),
    (
        "fashion-mnist",
        Split::Train,
        60_000,
        "0c69d5cdeb902b69084012f812f066de080317bb3c64f43ca87f910d8ec86906",
    ),
    (
        "fashion-mnist",
        Split::Test,
        10_000,
        "90c92c0507755a7d443edde8297ce4d0f131e42884e2e87e7fc9b81ffe215258",
    ),
    ("cifar10", Split::Train, 50_000, "55a61f79a40ece2ceda9fb5f9f7078f6ea2fc4952489cef56682bcf92cfcc260"),
    ("cifar10", Split::Test, 10_000, "325704b01eb92e1e2a6215ae6a916bb7db7de054af0c496be1c7be2e0fcfbf5f"),
];

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} records with SHA-256 ", self.records)?;
        self.sha256.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The digest of one record: the label, then the first `planes` of the image's planes.
pub(crate) fn record(label: u8, pixels: &[u8], channels: usize, planes: usize) -> [u8; 32] {
    let mut bytes = Vec::with_capacity(1 + pixels.len());
    bytes.push(label);
    for plane in 0..planes {
        bytes.extend(pixels.iter().skip(plane).step_by(channels));
    }
    Sha256::digest(&bytes).into()
}

/// The fingerprint of the set whose records have these digests.
pub(crate) fn of_digests(mut digests: Vec<[u8; 32]>) -> Fingerprint {
    digests.sort_unstable();
    Fingerprint { records: digests.len(), sha256: Sha256::digest(digests.as_flattened()).into() }
}

/// The bytes of a digest written in hex.
fn from_hex(hex: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(2 * i..2 * i + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LabelledImages;

    /// Two images of 2x1 pixels in `channels` channels.
    fn images(channels: usize, pixels: &[u8], labels: [u8; 2]) -> LabelledImages {
        LabelledImages {
            name: "test".to_owned(),
            width: 2,
            height: 1,
            channels,
            pixels: pixels.to_vec(),
            labels: labels.to_vec(),
            classes: 10,
            class_names: Vec::new(),
        }
    }

    #[test]
    fn a_record_is_the_label_and_then_the_planes() {
        // One pixel is (1, 2, 3) and the next (4, 5, 6): the planes are 1 4, 2 5, 3 6.
        let data = images(3, &[1, 2, 3, 4, 5, 6, 0, 0, 0, 0, 0, 0], [9, 8]);
        let mut digests = [Sha256::digest([9, 1, 4, 2, 5, 3, 6]), Sha256::digest([8, 0, 0, 0, 0, 0, 0])];
        digests.sort_unstable();
        let expected = Sha256::new().chain_update(digests[0]).chain_update(digests[1]).finalize();
        assert_eq!(data.fingerprint(), Fingerprint { records: 2, sha256: expected.into() });
    }

    #[test]
    fn order_does_not_count_and_every_byte_does() {
        let one = images(1, &[1, 2, 3, 4], [5, 6]).fingerprint();
        assert_eq!(images(1, &[3, 4, 1, 2], [6, 5]).fingerprint(), one);
        assert_ne!(images(1, &[1, 2, 3, 4], [6, 5]).fingerprint(), one);
        assert_ne!(images(1, &[1, 2, 3, 5], [5, 6]).fingerprint(), one);
    }

    #[test]
    fn the_known_sets_are_known_and_read_back_as_they_are_written() {
        for (name, train) in [("mnist", 60_000), ("fashion-mnist", 60_000), ("cifar10", 50_000)] {
            assert_eq!(Fingerprint::canonical(name, Split::Train).unwrap().records, train);
            assert_eq!(Fingerprint::canonical(name, Split::Test).unwrap().records, 10_000);
        }
        assert_eq!(Fingerprint::canonical("digits", Split::Train), None);
        assert_eq!(
            Fingerprint::canonical("mnist", Split::Test).unwrap().to_string(),
            "10000 records with SHA-256 634538fb34c5277fce98470b8b285d1e8419eb87f328da42ef1faf690d2c3911"
        );
    }
}
