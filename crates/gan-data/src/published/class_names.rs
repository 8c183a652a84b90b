//! What the classes of published sets are called: as the files beside them say, or as everybody knows.

use std::io::Read;
use std::path::Path;

use crate::labelled_images::first_repeated;

/// A file of names may have so many bytes.
const MAX_BYTES: u64 = 1 << 16;
/// A name may have so many characters.
const MAX_NAME: usize = 100;

const FASHION: [&str; 10] =
    ["t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"];
const KMNIST: [&str; 10] = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"];
const CIFAR10: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

/// How many classes the set of this name has, and what they are called where that is known; `None` where the set is not
/// known. MNIST's classes are called by their numbers, as any without names.
pub(crate) fn known(set: &str) -> Option<(usize, Vec<String>)> {
    let text = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<String>>();
    let symbols = |set: Symbols| set.all().map(String::from).collect::<Vec<String>>();
    let names = match set {
        "mnist" | "qmnist" => return Some((10, Vec::new())),
        "fashion-mnist" => text(&FASHION),
        "kmnist" => text(&KMNIST),
        "cifar10" => text(&CIFAR10),
        "emnist-digits" | "emnist-mnist" => symbols(Symbols::Digits),
        "emnist-letters" => symbols(Symbols::Letters),
        "emnist-byclass" => symbols(Symbols::All),
        "emnist-balanced" | "emnist-bymerge" => symbols(Symbols::Merged),
        _ => return None,
    };
    Some((names.len(), names))
}

/// What EMNIST's classes stand for.
#[derive(Clone, Copy)]
pub(crate) enum Symbols {
    Digits,
    Letters,
    All,
    /// Without those small letters that are one class with the large ones.
    Merged,
}

impl Symbols {
    fn all(self) -> Box<dyn Iterator<Item = char>> {
        match self {
            Self::Digits => Box::new('0'..='9'),
            Self::Letters => Box::new('A'..='Z'),
            Self::All => Box::new(('0'..='9').chain('A'..='Z').chain('a'..='z')),
            Self::Merged => Box::new(('0'..='9').chain('A'..='Z').chain("abdefghnqrt".chars())),
        }
    }

    /// What a file of lines `LABEL CODE [CODE]` calls each of so many classes, of which the first has the label `first`.
    pub(crate) fn of_mapping(
        path: &Path,
        reader: impl Read,
        first: u8,
        classes: usize,
    ) -> Option<Vec<String>> {
        let text = read(path, reader)?;
        let mut names = vec![String::new(); classes];
        for line in text.lines() {
            let mut numbers = line.split_whitespace().map(|number| number.parse::<u32>().ok());
            let (Some(Some(label)), Some(Some(code))) = (numbers.next(), numbers.next()) else { continue };
            let place = label.checked_sub(first.into()).and_then(|class| names.get_mut(class as usize));
            if let (Some(name), Some(symbol)) = (place, char::from_u32(code)) {
                *name = symbol.to_string();
            }
        }
        checked(path, names, classes)
    }
}

/// The names in a file that has one a line for each of so many classes. A file that has not is no reason to refuse the
/// images beside it: a warning says so.
pub(crate) fn of_lines(path: &Path, reader: impl Read, classes: usize) -> Option<Vec<String>> {
    let text = read(path, reader)?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty()).take(classes + 1);
    checked(path, lines.map(str::to_owned).collect(), classes)
}

fn read(path: &Path, reader: impl Read) -> Option<String> {
    let mut bytes = Vec::new();
    match reader.take(MAX_BYTES + 1).read_to_end(&mut bytes) {
        Err(error) => unusable(path, &format!("cannot be read: {error}")),
        Ok(length) if length as u64 > MAX_BYTES => unusable(path, "is too long for one"),
        Ok(_) => match String::from_utf8(bytes) {
            Ok(text) => return Some(text),
            Err(_) => unusable(path, "is not text"),
        },
    }
    None
}

fn checked(path: &Path, names: Vec<String>, classes: usize) -> Option<Vec<String>> {
    let is_odd = |name: &&String| {
        name.is_empty() || name.chars().count() > MAX_NAME || name.contains(char::is_control)
    };
    if names.len() != classes {
        let some = if names.len() > classes { "more" } else { "fewer" };
        unusable(path, &format!("has {some} than the {classes} names of the classes"));
    } else if let Some(odd) = names.iter().position(|name| is_odd(&name)) {
        unusable(path, &format!("has no usable name for class {odd}"));
    } else if let Some(again) = first_repeated(&names) {
        unusable(path, &format!("calls two classes {again:?}"));
    } else {
        return Some(names);
    }
    None
}

fn unusable(path: &Path, reason: &str) {
    tracing::warn!("{}: the file of class names {reason}: it is not used", path.display());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str, classes: usize) -> Option<Vec<String>> {
        of_lines(Path::new("names.txt"), text.as_bytes(), classes)
    }

    #[test]
    fn names_are_taken_only_if_there_is_one_for_each_class() {
        assert_eq!(lines("cat\r\n two words \n\n", 2).unwrap(), ["cat", "two words"]);
        for (text, classes) in
            [("cat\n", 2), ("cat\ndog\n", 1), ("cat\ncat\n", 2), ("cat\n\u{1b}[2J\n", 2), ("", 1)]
        {
            assert_eq!(lines(text, classes), None, "{text:?}");
        }
        assert_eq!(lines(&"x".repeat(101), 1), None);
        assert_eq!(of_lines(Path::new("names.txt"), &[b'a', 0xff][..], 1), None);
        assert_eq!(of_lines(Path::new("names.txt"), std::io::repeat(b'\n'), 1), None, "without end");
    }

    #[test]
    fn a_mapping_gives_the_symbols() {
        let letters = |text: &str| Symbols::of_mapping(Path::new("m.txt"), text.as_bytes(), 1, 2);
        assert_eq!(letters("1 65 97\n2 66 98\n").unwrap(), ["A", "B"]);
        for text in ["1 65 97\n", "1 65\n2 65\n", "1 65\n2 7\n", "0 65\n1 66\n", "1 65\n2 4294967295\n"] {
            assert_eq!(letters(text), None, "{text:?}");
        }
    }

    #[test]
    fn what_is_known_has_a_name_for_each_class() {
        for (set, classes, last) in [
            ("fashion-mnist", 10, "ankle boot"),
            ("emnist-letters", 26, "Z"),
            ("emnist-byclass", 62, "z"),
            ("emnist-balanced", 47, "t"),
            ("cifar10", 10, "truck"),
        ] {
            let (count, names) = known(set).unwrap();
            assert_eq!((count, names.len(), names.last().unwrap().as_str()), (classes, classes, last));
            assert_eq!(first_repeated(&names), None);
        }
        assert_eq!(known("mnist"), Some((10, Vec::new())));
        assert_eq!(known("some/folder"), None);
    }
}
