//! What the places of images among folders say: splits, classes, folders around them, and what is none of them.

use super::*;

/// A folder with these files: an image where the name ends in .png, else text.
fn tree(files: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let image = png(colour(2, 2));
    for name in files {
        let content = if name.ends_with(".png") { &image[..] } else { b"text" };
        write(folder.path().join(name), content);
    }
    folder
}

/// The same in a zip archive.
fn zip(files: &[&str]) -> tempfile::TempDir {
    use std::io::Write;
    let folder = tempfile::tempdir().unwrap();
    let mut zip = ::zip::ZipWriter::new(fs::File::create(folder.path().join("x.zip")).unwrap());
    let image = png(colour(2, 2));
    for name in files {
        zip.start_file(*name, ::zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(if name.ends_with(".png") { &image[..] } else { b"text" }).unwrap();
    }
    zip.finish().unwrap();
    folder
}

type Content = (Vec<String>, Vec<(String, Option<u32>)>);

/// The classes, and the paths within the folder of the images with their labels.
fn content(root: &Path, split: Split) -> Result<Content> {
    let data = Folder::open(root, split, &ProgressCallback::default())?;
    let name = |index| {
        let name = data.describe(index);
        let within = name.strip_prefix(&root.display().to_string()).unwrap();
        within.trim_start_matches(['/', ':', ' ']).to_owned()
    };
    let images = (0..data.len()).map(|index| (name(index), data.get(index).unwrap().label)).collect();
    Ok((data.class_names(), images))
}

fn both_kinds(files: &[&str], split: Split) -> Content {
    let (folder, archive) = (tree(files), zip(files));
    let (in_folder, in_zip) =
        (content(folder.path(), split).unwrap(), content(&archive.path().join("x.zip"), split).unwrap());
    assert_eq!(in_folder.0, in_zip.0, "{files:?}");
    assert_eq!(in_folder.1.len(), in_zip.1.len(), "{files:?}");
    for ((path, label), (inside, other)) in in_folder.1.iter().zip(&in_zip.1) {
        assert!(path.ends_with(inside) && label == other, "{path} {inside}");
    }
    in_folder
}

fn notes(root: &Path) -> String {
    open(root).unwrap().notes().collect::<Vec<_>>().join("\n")
}

#[test]
fn splits_are_known_whatever_they_are_called() {
    for (train, test) in [
        ("train", "test"),
        ("Training", "Testing"),
        ("Train", "Test"),
        ("train_set", "val-set"),
        ("training_images", "test_images"),
        ("flowers_train", "flowers_test"),
    ] {
        let names = [
            format!("{train}/a/1.png"),
            format!("{train}/b/2.png"),
            format!("{test}/a/3.png"),
            format!("{test}/b/4.png"),
        ];
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        for (split, expected) in [(Split::Train, [0, 1]), (Split::Test, [2, 3])] {
            let (classes, images) = both_kinds(&names, split);
            assert_eq!(classes, ["a", "b"], "{train}");
            let expected = [(names[expected[0]].into(), Some(0)), (names[expected[1]].into(), Some(1))];
            assert_eq!(images, expected, "{train}");
        }
        let said = notes(tree(&names).path());
        assert!(
            said.contains("taken for splits: ") && said.contains(&format!("{train} (images: 2, taken)")),
            "{said}"
        );
    }
}

#[test]
fn a_folder_called_train_beside_others_holds_photos_of_trains() {
    let (classes, images) = both_kinds(&["bus/1.png", "car/2.png", "train/3.png"], Split::Train);
    assert_eq!(classes, ["bus", "car", "train"]);
    assert_eq!(images.len(), 3);
}

#[test]
fn the_numbers_of_classes_are_those_of_the_training_split() {
    let files = ["train/a/1.png", "train/b/2.png", "train/c/3.png", "test/b/4.png", "test/new/5.png"];
    let (classes, images) = both_kinds(&files, Split::Test);
    assert_eq!(classes, ["a", "b", "c", "new"]);
    assert_eq!(images, [("test/b/4.png".into(), Some(1)), ("test/new/5.png".into(), Some(3))]);
    // One class alone in a split is a class still, if it is one of training.
    let (_, images) = both_kinds(&files[..4], Split::Test);
    assert_eq!(images, [("test/b/4.png".into(), Some(1))]);
}

#[test]
fn splits_within_classes_are_splits() {
    let files = ["a/train/1.png", "a/test/2.png", "b/train/3.png", "b/test/4.png"];
    let (classes, images) = both_kinds(&files, Split::Train);
    assert_eq!(classes, ["a", "b"]);
    assert_eq!(images, [("a/train/1.png".into(), Some(0)), ("b/train/3.png".into(), Some(1))]);
    let (_, images) = both_kinds(&files, Split::Test);
    assert_eq!(images, [("a/test/2.png".into(), Some(0)), ("b/test/4.png".into(), Some(1))]);
}

#[test]
fn what_lies_beside_splits_is_left_out_with_a_word() {
    let files = ["train/a/1.png", "train/b/2.png", "test/a/3.png", "unlabeled/4.png", "cover.png"];
    let (classes, images) = both_kinds(&files, Split::Train);
    assert_eq!((classes.len(), images.len()), (2, 2));
    let said = notes(tree(&files).path());
    assert!(
        said.contains("left out beside the splits: unlabeled (images: 1), images in no folder: 1"),
        "{said}"
    );
}

#[test]
fn a_split_that_is_not_there_is_named() {
    let folder = tree(&["Testing/a/1.png", "val/a/1.png"]);
    let error = open(folder.path()).unwrap_err();
    assert!(matches!(error, Error::MissingSplit { split: Split::Train, .. }), "{error}");
    assert!(error.to_string().ends_with("its folders are Testing, val"), "{error}");
}

#[test]
fn folders_around_the_classes_are_looked_through() {
    for around in ["images", "x/y/z", "a b/c"] {
        let names = [format!("{around}/cats/1.png"), format!("{around}/dogs/2.png"), "README.md".into()];
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (classes, images) = both_kinds(&names, Split::Train);
        assert_eq!(classes, ["cats", "dogs"], "{around}");
        assert!(notes(tree(&names).path()).contains(&format!("all images lie in {around}")), "{around}");
        assert_eq!(images, [(names[0].into(), Some(0)), (names[1].into(), Some(1))]);
    }
    let files =
        ["archive/data/train/cats/1.png", "archive/data/train/dogs/2.png", "archive/data/test/cats/3.png"];
    assert_eq!(both_kinds(&files, Split::Train).0, ["cats", "dogs"]);
    assert_eq!(both_kinds(&files, Split::Test).1, [(files[2].into(), Some(0))]);
    let files = ["train/images/cats/1.png", "train/images/dogs/2.png", "test/images/dogs/3.png"];
    assert_eq!(both_kinds(&files, Split::Train).0, ["cats", "dogs"]);
    assert_eq!(both_kinds(&files, Split::Test).1, [(files[2].into(), Some(1))]);
    // Kaggle packs folders so.
    let files = [
        "training_set/training_set/cats/1.png",
        "training_set/training_set/dogs/2.png",
        "test_set/test_set/cats/3.png",
    ];
    assert_eq!(both_kinds(&files, Split::Train).0, ["cats", "dogs"]);
}

#[test]
fn one_class_alone_is_none() {
    for files in [&["cats/1.png", "cats/2.png"][..], &["train/cats/1.png", "test/cats/2.png"]] {
        let (classes, images) = both_kinds(files, Split::Train);
        assert!(classes.is_empty() && images.iter().all(|(_, label)| label.is_none()), "{files:?}");
        let said = notes(tree(files).path());
        assert!(said.contains("cats holds all of the images: there are no classes"), "{said}");
    }
}

/// The same images have the same digest however many folders are around them.
#[test]
fn folders_around_the_images_are_no_part_of_the_digest() {
    let digest = |files: &[&str]| open(tree(files).path()).unwrap().digest();
    let plain = digest(&["cats/1.png", "dogs/2.png"]);
    assert_eq!(digest(&["x/y/cats/1.png", "x/y/dogs/2.png"]), plain);
    let archive = zip(&["x/cats/1.png", "x/dogs/2.png"]);
    assert_eq!(open(&archive.path().join("x.zip")).unwrap().digest(), plain);
    assert_ne!(digest(&["cats/1.png", "bats/2.png"]), plain);
}

#[test]
fn of_images_beside_folders_with_images_everything_is_taken() {
    let files = ["cats/1.png", "cats/2.png", "dogs/3.png", "preview.png"];
    let (classes, images) = both_kinds(&files, Split::Train);
    assert!(classes.is_empty());
    let expected = files.map(|name| (name.to_owned(), None));
    assert_eq!(images, expected);
    let said = notes(tree(&files).path());
    assert!(said.contains("images in no folder: 1, images in its 2 folders: 3; all are taken"), "{said}");
}

#[test]
fn what_systems_leave_behind_is_no_class() {
    let files = [
        "cats/1.png",
        "dogs/2.png",
        "@eaDir/3.png",
        "cats/@eaDir/1.png/thumb.png",
        "#recycle/4.png",
        ".Trashes/5.png",
        "$RECYCLE.BIN/6.png",
        "System Volume Information/7.png",
        "lost+found/8.png",
        "__MACOSX/9.png",
        ".ipynb_checkpoints/10.png",
        "Thumbs.db",
        "dogs/desktop.ini",
    ];
    let (classes, images) = both_kinds(&files, Split::Train);
    assert_eq!(classes, ["cats", "dogs"]);
    assert_eq!(images, [("cats/1.png".into(), Some(0)), ("dogs/2.png".into(), Some(1))]);
    let folder = tree(&files);
    assert!(
        notes(folder.path())
            .contains("left out, as folders that systems leave behind: #recycle, $RECYCLE.BIN, @eaDir")
    );
    assert_eq!(open(folder.path()).unwrap().other_files(), 0);
}

#[test]
fn runs_of_gan_are_not_trained_on() {
    let data = ["cats/1.png", "dogs/2.png"];
    let runs = [
        "runs/0001/config.toml",
        "runs/0001/samples/real.png",
        "runs/0002/.gan-run",
        "runs/0002/deep/x.png",
        "out/config.toml",
        "out/metrics.jsonl",
        "out/grid.png",
    ];
    let files = [&data[..], &runs].concat();
    assert_eq!(both_kinds(&files, Split::Train), both_kinds(&data, Split::Train));
    let (folder, before) = (tree(&files), tree(&data));
    assert_eq!(open(folder.path()).unwrap().digest(), open(before.path()).unwrap().digest());
    let said = notes(folder.path());
    assert!(said.contains("left out, as folders of runs: out, runs/0001, runs/0002"), "{said}");
    // Neither of the names alone makes a run, and what is named is looked into.
    let (classes, _) = both_kinds(&["a/config.toml", "a/1.png", "b/samples/2.png"], Split::Train);
    assert_eq!(classes, ["a", "b"]);
    let run = tree(&["config.toml", "samples/1.png"]);
    assert_eq!(open(run.path()).unwrap().len(), 1);
}

#[test]
fn kinds_of_files_are_told_by_content_where_names_do_not_tell() {
    let folder = tree(&["a.txt", "b.txt", "c.xyz", "d"]);
    let image = png(colour(2, 2));
    for name in ["1.jfif", "2.unknown", "3", "4.TIF", "5.pgm"] {
        write(folder.path().join(name), &image);
    }
    write(folder.path().join("6.avif"), b"\0\0\0\x20ftypavif");
    write(folder.path().join("7"), b"\0\0\0\x18ftypheic");
    let data = open(folder.path()).unwrap();
    assert_eq!(data.len(), 5);
    assert!((0..5).all(|index| data.get(index).is_ok()));
    let said = notes(folder.path());
    assert!(
        said.contains("left out, as files that are no images: 2 .txt, 1 .xyz, 1 without ending"),
        "{said}"
    );
    assert!(said.contains("not read: 1 .avif, 1 without ending: convert them to PNG or JPEG"), "{said}");
}

#[test]
fn a_folder_without_images_says_what_it_holds() {
    let folder = tree(&["1.avif", "2.avif", "3.avif", "a.txt", "b.txt", "c"]);
    let error = open(folder.path()).unwrap_err();
    let said = error.to_string();
    let expected = "3 .avif (images of a kind that is not read); 2 .txt, 1 without ending";
    assert!(said.ends_with(&format!("holds no images that are read: {expected}")), "{said}");
    assert_eq!(error.hint(), "convert the images to PNG or JPEG");
    let archive = zip(&["1.heic", "a.txt"]);
    let said = open(&archive.path().join("x.zip")).unwrap_err().to_string();
    assert!(said.ends_with("1 .heic (images of a kind that is not read); 1 .txt"), "{said}");
    assert!(open(tree(&[]).path()).unwrap_err().to_string().ends_with(": it is empty"));
}

#[test]
fn images_without_endings_are_found_in_archives() {
    use std::io::Write;
    let image = png(colour(2, 2));
    let files = [("a/1", &image[..]), ("b/2.xyz", &image), ("b/readme", b"text"), ("b/3.png", &image)];
    let folder = tempfile::tempdir().unwrap();
    let (zip, tar, gz) = (folder.path().join("zip"), folder.path().join("tar"), folder.path().join("gz"));
    let mut writer = ::zip::ZipWriter::new(fs::File::create(&zip).unwrap());
    let mut builder = ::tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        writer.start_file(name, ::zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
        let mut header = ::tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        builder.append_data(&mut header, name, bytes).unwrap();
    }
    writer.finish().unwrap();
    let bytes = builder.into_inner().unwrap();
    fs::write(&tar, &bytes).unwrap();
    let mut encoder =
        flate2::write::GzEncoder::new(fs::File::create(&gz).unwrap(), flate2::Compression::fast());
    encoder.write_all(&bytes).unwrap();
    encoder.finish().unwrap();
    for path in [zip, tar, gz] {
        let data = open(&path).unwrap();
        assert_eq!((data.len(), data.class_names()), (3, vec!["a".into(), "b".into()]), "{path:?}");
        assert_eq!(data.other_files(), 1, "{path:?}");
        assert!((0..3).all(|index| data.get(index).is_ok()));
    }
}

/// Tables are for whoever reads labels out of them.
#[test]
fn tables_are_no_left_out_files() {
    for table in ["metadata.csv", "metadata.jsonl", "metadata.parquet", "dataset.json"] {
        let folder = tree(&["1.png", table]);
        assert_eq!(open(folder.path()).unwrap().other_files(), 0, "{table}");
        assert!(notes(folder.path()).contains(table));
    }
}
