//! Which folders are the parts of a data set that are trained on and tested with, as their names tell.

use std::collections::BTreeSet;
use std::ffi::OsStr;

/// A part of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Train,
    Test,
    Validation,
}

/// What a part is called, in small letters and without separators.
const NAMES: [(&str, Part); 20] = [
    ("train", Part::Train),
    ("training", Part::Train),
    ("trn", Part::Train),
    ("trainval", Part::Train),
    ("trainvalid", Part::Train),
    ("test", Part::Test),
    ("testing", Part::Test),
    ("tst", Part::Test),
    ("holdout", Part::Test),
    ("heldout", Part::Test),
    ("val", Part::Validation),
    ("valid", Part::Validation),
    ("validation", Part::Validation),
    ("validate", Part::Validation),
    ("validating", Part::Validation),
    ("dev", Part::Validation),
    ("development", Part::Validation),
    ("eval", Part::Validation),
    ("evaluate", Part::Validation),
    ("evaluation", Part::Validation),
];

/// What may stand before or after that, as in `test_set`, `trainingImages`, `img-val`.
const AFFIXES: [&str; 15] = [
    "datasets", "dataset", "data", "subset", "set", "images", "image", "imgs", "img", "pictures", "photos",
    "samples", "split", "folder", "files",
];

/// The parts that folders beside each other are named after; `None` for those that are no splits. `loose` says
/// whether images lie beside the folders.
///
/// No result if they are classes: a folder called train beside others holds photos of trains, unless one for
/// testing is there too, and little else.
pub(super) fn among(names: &[&OsStr], loose: bool) -> Option<Vec<Option<Part>>> {
    let named: Vec<_> = names.iter().map(|name| parse(name)).collect();
    let all = named.iter().all(Option::is_some) && !loose;
    let rests: BTreeSet<&str> = named.iter().flatten().map(|(_, rest)| rest.as_str()).collect();
    let alike = all && rests.len() == 1; // `cats_train` and `cats_test`, but not `train` and `test tubes`
    let parts: Vec<Option<Part>> = named
        .iter()
        .map(|named| named.as_ref().filter(|(_, rest)| alike || rest.is_empty()).map(|(part, _)| *part))
        .collect();
    let kinds: BTreeSet<Part> = parts.iter().flatten().copied().collect();
    let known = parts.iter().flatten().count();
    let plain = !rests.iter().any(|rest| !rest.is_empty());
    let both = kinds.len() > 1 && kinds.contains(&Part::Train);
    let splits = if alike && plain {
        names.len() == 1 || kinds.len() > 1
    } else if alike {
        both
    } else {
        both && names.len() - known <= known
    };
    splits.then_some(parts)
}

/// The part in a name, and the rest of the name in words: `("train", "cats")` of `cats_train`.
fn parse(name: &OsStr) -> Option<(Part, String)> {
    let name = name.to_string_lossy().to_lowercase();
    let words: Vec<&str> =
        name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    if let Some(part) = part(&words.concat()) {
        return Some((part, String::new()));
    }
    let parts: Vec<Part> = words.iter().filter_map(|word| part(word)).collect();
    let &[found] = &parts[..] else { return None };
    let rest: Vec<&str> =
        words.into_iter().filter(|word| part(word).is_none() && !bare(word).is_empty()).collect();
    Some((found, rest.join(" ")))
}

fn part(word: &str) -> Option<Part> {
    let bare = bare(word);
    NAMES.iter().find(|(name, _)| *name == bare).map(|(_, part)| *part)
}

/// A word without a number at its end and without what may stand before or after the name of a part.
fn bare(mut word: &str) -> &str {
    loop {
        let shorter = word.trim_end_matches(|c: char| c.is_ascii_digit());
        let shorter = AFFIXES.iter().find_map(|affix| shorter.strip_suffix(affix)).unwrap_or(shorter);
        let shorter = AFFIXES.iter().find_map(|affix| shorter.strip_prefix(affix)).unwrap_or(shorter);
        if shorter == word {
            return word;
        }
        word = shorter;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn splits(names: &[&str]) -> Option<Vec<Option<Part>>> {
        let names: Vec<&OsStr> = names.iter().map(OsStr::new).collect();
        among(&names, false)
    }

    #[test]
    fn splits_are_known_by_their_usual_names() {
        let (train, test, val) = (Some(Part::Train), Some(Part::Test), Some(Part::Validation));
        for names in [
            ["Training", "Testing"],
            ["Train", "Test"],
            ["TRAIN", "TEST"],
            ["train_set", "test_set"],
            ["training_images", "test-images"],
            ["TrainingImages", "TestImages"],
            ["train2017", "test2017"],
            ["train", "test1"],
            ["imgs_train", "imgs_test"],
            ["trn", "hold-out"],
            ["asl_alphabet_train", "asl_alphabet_test"],
            ["train (1)", "held out"],
        ] {
            assert_eq!(splits(&names), Some(vec![train, test]), "{names:?}");
        }
        for name in ["val", "Valid", "validation_set", "dev", "eval", "Evaluation"] {
            assert_eq!(splits(&["train", name]), Some(vec![train, val]), "{name}");
        }
        assert_eq!(splits(&["train"]), Some(vec![train]));
        assert_eq!(splits(&["train", "test", "unlabeled"]), Some(vec![train, test, None]));
    }

    #[test]
    fn other_folders_are_classes() {
        for names in [
            &["bus", "car", "train"][..],
            &["valid", "invalid"],
            &["test tubes", "train cars"],
            &["cat_train", "cat_test", "dog_train", "dog_test"],
            &["train1", "train2"],
            &["test tubes"],
            &["images"],
            &["apple", "cat", "exam", "house", "test", "train"], // words
            &["2017", "2018"],
        ] {
            assert_eq!(splits(names), None, "{names:?}");
        }
    }

    #[test]
    fn images_beside_splits_do_not_hide_them() {
        let names = ["train", "test"].map(OsStr::new);
        assert!(among(&names, true).is_some());
        assert!(among(&names[..1], true).is_none());
    }
}
