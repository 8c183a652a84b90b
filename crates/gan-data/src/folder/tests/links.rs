//! Links to folders: followed, but neither round in a circle nor without end.

use std::os::unix::fs::symlink;

use super::*;

fn notes(data: &Folder) -> String {
    data.notes().collect::<Vec<_>>().join("\n")
}

#[test]
fn class_folders_may_be_links() {
    let folder = tempfile::tempdir().unwrap();
    let (source, data) = (folder.path().join("source"), folder.path().join("data"));
    write(source.join("cats/1.png"), &png(colour(2, 2)));
    write(source.join("dogs/deep/2.png"), &png(colour(2, 2)));
    fs::create_dir(&data).unwrap();
    // Two that lead to the same folder are two classes.
    for (class, to) in [("cats", "cats"), ("dogs", "dogs"), ("hounds", "dogs")] {
        symlink(Path::new("../source").join(to), data.join(class)).unwrap();
    }
    let opened = open(&data).unwrap();
    assert_eq!(opened.class_names(), ["cats", "dogs", "hounds"]);
    let labels: Vec<_> = (0..3).map(|index| opened.get(index).unwrap().label).collect();
    assert_eq!(labels, [Some(0), Some(1), Some(2)]);
    assert!(opened.describe(1).ends_with("data/dogs/deep/2.png"), "{}", opened.describe(1));
    assert_eq!(notes(&opened), "");
}

#[test]
fn circles_and_links_that_lead_nowhere_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    write(at("a/1.png"), &png(colour(2, 2)));
    write(at("b/2.png"), &png(colour(2, 2)));
    symlink(folder.path(), at("a/up")).unwrap();
    symlink(folder.path().parent().unwrap(), at("a/further-up")).unwrap();
    symlink(at("b"), at("b/itself")).unwrap();
    symlink(at("gone"), at("c")).unwrap();
    symlink(at("d"), at("d")).unwrap(); // to itself
    let data = open(folder.path()).unwrap();
    assert_eq!((data.len(), data.class_names()), (2, vec!["a".into(), "b".into()]));
    let said = notes(&data);
    let circles = "left out, as links that lead back to a folder they lie in: a/further-up, a/up, b/itself";
    assert!(said.contains(circles), "{said}");
    assert!(said.contains("left out, as links that lead nowhere: c, d"), "{said}");
}

/// Each of the two goes into the other once.
#[test]
fn a_circle_over_two_folders_ends() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    write(at("a/1.png"), &png(colour(2, 2)));
    write(at("b/2.png"), &png(colour(2, 2)));
    symlink(at("b"), at("a/to-b")).unwrap();
    symlink(at("a"), at("b/to-a")).unwrap();
    let data = open(folder.path()).unwrap();
    let names: Vec<_> = (0..data.len()).map(|index| data.describe(index)).collect();
    assert_eq!(names.len(), 4, "{names:?}");
    assert!(notes(&data).contains("a/to-b/to-a, b/to-a/to-b"), "{}", notes(&data));
}

/// Two links in each of twenty folders to the next: a million ways to the last.
#[test]
fn links_do_not_double_the_way_without_end() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: String| folder.path().join(name);
    for i in 0..20 {
        write(at(format!("{i:02}/x.png")), &png(colour(1, 1)));
        for name in ["one", "other"] {
            symlink(at(format!("{:02}", i + 1)), at(format!("{i:02}/{name}"))).unwrap();
        }
    }
    let data = open(folder.path()).unwrap();
    assert!((20..=20 * 9).contains(&data.len()), "{}", data.len());
    assert_eq!(data.classes(), Some(20));
    assert!(notes(&data).contains("links that lead to the same folder too often"), "{}", notes(&data));
}
