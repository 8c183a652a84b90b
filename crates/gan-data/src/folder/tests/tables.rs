//! Tables of labels and captions beside images, and elsewhere.

use super::*;
use std::io::Write;

type Options<'a> = (Option<&'a Path>, Option<&'a str>);

/// A folder with these small images and these tables.
fn tree(images: &[&str], tables: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for image in images {
        write(folder.path().join(image), &png(colour(2, 2)));
    }
    for (name, text) in tables {
        write(folder.path().join(name), text.as_bytes());
    }
    folder
}

fn open_with(path: &Path, (labels, column): Options<'_>) -> Result<Folder> {
    let options = OpenOptions {
        labels: labels.map(Path::to_owned),
        label_column: column.map(str::to_owned),
        ..OpenOptions::default()
    };
    Folder::open_with(path, &options)
}

/// The class of each image by its name, `-` where it has none.
fn classes(data: &Folder) -> Vec<String> {
    let names = data.class_names();
    let class =
        |index| data.get(index).unwrap().label.map_or("-".into(), |label| names[label as usize].clone());
    (0..data.len()).map(class).collect()
}

fn captions(data: &Folder) -> Vec<Option<String>> {
    (0..data.len()).map(|index| data.caption(index).unwrap()).collect()
}

const THREE: [&str; 3] = ["0.png", "1.png", "2.png"];

#[test]
fn tables_beside_images_tell_classes_and_captions() {
    let csv = "file_name,label,text\n0.png,x,a red one\n1.png,y,\n2.png,x,\"green,\n \"\"deep\"\"\"\n";
    let lines = r#"{"file_name": "0.png", "label": "x", "text": "a red one"}
        {"file_name": "1.png", "label": "y"}
        {"file_name": "2.png", "label": "x", "text": "green, \"deep\""}"#;
    for (name, text) in [("metadata.csv", csv), ("Metadata.JSONL", lines)] {
        let folder = tree(&THREE, &[(name, text)]);
        let data = open(folder.path()).unwrap();
        assert_eq!((data.classes(), data.class_names()), (Some(2), vec!["x".into(), "y".into()]), "{name}");
        assert_eq!(classes(&data), ["x", "y", "x"], "{name}");
        let told = [Some("a red one".to_owned()), None, Some("green, \"deep\"".to_owned())];
        assert_eq!(captions(&data), told, "{name}");
        assert_eq!(data.unlabelled(), Vec::<usize>::new());
    }
}

#[test]
fn tables_in_archives_are_read_too() {
    let folder = tempfile::tempdir().unwrap();
    let csv = "file_name,label,text\na/0.png,x,one\nb/1.png,y,two\n";
    let files = [("d/a/0.png", png(colour(2, 2))), ("d/b/1.png", png(colour(3, 2)))];
    let (zip, tar) = (folder.path().join("x.zip"), folder.path().join("x.tar"));
    let mut writer = zip::ZipWriter::new(fs::File::create(&zip).unwrap());
    let mut builder = ::tar::Builder::new(fs::File::create(&tar).unwrap());
    for (name, bytes) in
        files.iter().map(|(name, bytes)| (*name, &bytes[..])).chain([("d/metadata.csv", csv.as_bytes())])
    {
        writer.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
        let mut header = ::tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        builder.append_data(&mut header, name, bytes).unwrap();
    }
    writer.finish().unwrap();
    builder.finish().unwrap();
    for path in [zip, tar] {
        let data = open(&path).unwrap();
        assert_eq!(classes(&data), ["x", "y"], "{path:?}");
        assert_eq!(captions(&data), [Some("one".to_owned()), Some("two".to_owned())]);
    }
}

/// Of StyleGAN's dataset tool: its folders are no classes, whether it has labels or not.
#[test]
fn a_dataset_json_tells_the_classes_and_its_folders_do_not() {
    let images = ["00000/img0.png", "00000/img1.png", "00001/img2.png"];
    let labels = r#"{"labels": [["00000/img0.png", 1], ["00000/img1.png", 0], ["00001/img2.png", 1]]}"#;
    let folder = tree(&images, &[("dataset.json", labels)]);
    assert_eq!(classes(&open(folder.path()).unwrap()), ["1", "0", "1"]);
    let folder = tree(&images, &[("dataset.json", r#"{"labels": null}"#)]);
    let data = open(folder.path()).unwrap();
    assert_eq!((data.classes(), data.unlabelled()), (None, Vec::new()));
    assert!(data.notes().any(|note| note.contains("there are no classes")));
    let folder = tree(&images, &[("dataset.json", r#"{"name": "of another program"}"#)]);
    assert_eq!(open(folder.path()).unwrap().class_names(), ["00000", "00001"]);
}

#[test]
fn a_table_elsewhere_goes_before_one_beside_and_that_before_folders() {
    let images = ["cats/0.png", "dogs/1.png"];
    let beside = ("metadata.csv", "file_name,label\ncats/0.png,beside 0\ndogs/1.png,beside 1\n");
    let only_captions = ("metadata.csv", "file_name,text\ncats/0.png,a cat\n");
    let elsewhere = tree(&[], &[("t.csv", "id,breed\n0,tabby\n1,pug\n")]);
    let labels = elsewhere.path().join("t.csv");
    let told = |tables: &[(&str, &str)], options| {
        let folder = tree(&images, tables);
        classes(&open_with(folder.path(), options).unwrap())
    };
    assert_eq!(told(&[], (None, None)), ["cats", "dogs"]);
    assert_eq!(told(&[only_captions], (None, None)), ["cats", "dogs"]);
    assert_eq!(told(&[beside], (None, None)), ["beside 0", "beside 1"]);
    assert_eq!(told(&[beside], (Some(&labels), None)), ["tabby", "pug"]);
    let in_folder = ("dogs/metadata.csv", "file_name,label\n1.png,deeper\n");
    assert_eq!(told(&[beside, in_folder], (None, None)), ["beside 0", "deeper"], "the nearest table");
}

#[test]
fn attributes_of_celeba_can_be_classes() {
    let list = "3\nBangs Smiling\nx0.png -1  1\nx1.png  1 -1\nx2.png  1  1\n";
    let csv = "image_id,Bangs,Smiling\nx0.png,-1,1\nx1.png,1,-1\nx2.png,1,1\n";
    let folder = tree(&["img/x0.png", "img/x1.png", "img/x2.png"], &[("list.txt", list), ("list.csv", csv)]);
    for name in ["list.txt", "list.csv"] {
        let path = folder.path().join(name);
        let data = open_with(folder.path(), (Some(&path), Some("Bangs"))).unwrap();
        assert_eq!(classes(&data), ["-1", "1", "1"], "{name}");
        let error = open_with(folder.path(), (Some(&path), None)).unwrap_err();
        assert!(matches!(error, Error::Column { .. }), "{error:?}");
        assert!(
            error.to_string().contains("Bangs, Smiling") && error.hint().contains("--label-column"),
            "{error}"
        );
        let error = open_with(folder.path(), (Some(&path), Some("Hat"))).unwrap_err();
        assert!(error.to_string().ends_with("has no column Hat; there are: Bangs, Smiling"), "{error}");
    }
}

#[test]
fn lists_without_a_header_are_read() {
    let list = "0.png 7\n1.png 9\n2.png 7\n";
    let folder = tree(&THREE, &[("ids.txt", list)]);
    let data = open_with(folder.path(), (Some(&folder.path().join("ids.txt")), None)).unwrap();
    assert_eq!(classes(&data), ["7", "9", "7"]);
}

#[test]
fn what_a_table_lacks_or_has_too_much_is_counted_and_the_images_are_kept() {
    let csv = "file_name,label\n0.png,x\n0.png,y\ngone.png,z\nlost.png,z\n2.png,\n";
    let folder = tree(&THREE, &[("metadata.csv", csv)]);
    let data = open(folder.path()).unwrap();
    assert_eq!(
        (classes(&data), data.class_names()),
        (["x", "-", "-"].map(str::to_owned).into(), vec!["x".into()])
    );
    assert_eq!(data.unlabelled(), [1, 2]);
    let notes: Vec<&str> = data.notes().collect();
    for told in [
        "2 names in it are of no image, such as gone.png",
        "1 rows name an image again: the first counts",
        "1 of 3 images are not in it, such as 1.png",
        "2 of 3 images have no class, such as 1.png: they are left out where classes are learnt",
    ] {
        assert!(notes.iter().any(|note| note.contains(told)), "{told}: {notes:#?}");
    }
}

/// A table may tell of all splits: each class has one number in them.
#[test]
fn one_table_may_tell_of_every_split() {
    let csv = "file_name,label\ntrain/0.png,b\ntest/1.png,a\n";
    let folder = tree(&["train/0.png", "test/1.png"], &[("metadata.csv", csv)]);
    for (split, label) in [(Split::Train, 1), (Split::Test, 0)] {
        let data = Folder::open(folder.path(), split, &ProgressCallback::default()).unwrap();
        assert_eq!((data.len(), data.get(0).unwrap().label), (1, Some(label)), "{split:?}");
        assert_eq!(data.class_names(), ["a", "b"]);
        assert!(!data.notes().any(|note| note.contains("no image")), "no name is missing");
    }
    let within = [("train/metadata.csv", "file_name,label\n0.png,c\n"), ("test/metadata.csv", "")];
    let folder = tree(&["train/0.png", "test/1.png"], &within);
    assert_eq!(classes(&open(folder.path()).unwrap()), ["c"]);
}

#[test]
fn what_is_no_table_of_these_images_is_left_out_or_an_error_if_it_was_asked_for() {
    let others = ["", "\u{0}\u{1}", "a,b\nq,w\n", "file_name,label\nelsewhere.png,x\n", "{\"x\": 1}", "[["];
    for text in others {
        for name in ["metadata.csv", "metadata.jsonl", "dataset.json", "metadata.parquet"] {
            let folder = tree(&["a/0.png", "b/1.png"], &[(name, text)]);
            assert_eq!(open(folder.path()).unwrap().class_names(), ["a", "b"], "{name} {text:?}");
            let path = folder.path().join(name);
            let error = open_with(folder.path(), (Some(&path), None)).unwrap_err();
            assert!(error.to_string().contains(name) && !error.to_string().contains('\n'), "{error}");
            assert!(!error.hint().is_empty());
        }
    }
    let folder = tree(&["a/0.png", "b/1.png"], &[]);
    let error = open_with(folder.path(), (None, Some("breed"))).unwrap_err();
    assert!(error.to_string().contains("no table of labels that could have the column breed"), "{error}");
    let cut = "{\"file_name\": \"a/0.png\", \"label\": 1}\n{\"file_name\": \"b/1";
    let folder = tree(&["a/0.png", "b/1.png"], &[("metadata.jsonl", cut)]);
    let error = open(folder.path()).unwrap_err();
    assert!(matches!(error, Error::LabelTable { .. }) && error.to_string().contains("line 2"), "{error}");
}

#[test]
fn labels_that_are_no_classes_are_an_error_where_they_were_asked_for() {
    let csv = "file_name,score\n0.png,0.5\n1.png,x\n";
    let lines = "{\"file_name\": \"0.png\", \"label\": [1, 2]}\n";
    let folder = tree(&THREE, &[("t.jsonl", lines), ("t.csv", csv)]);
    let error = open_with(folder.path(), (Some(&folder.path().join("t.jsonl")), None)).unwrap_err();
    assert!(matches!(error, Error::NoClasses { .. }), "{error:?}");
    let data = open_with(folder.path(), (Some(&folder.path().join("t.csv")), None)).unwrap();
    assert_eq!(data.class_names(), ["0.5", "x"], "words are classes, whatever they look like");
    let folder = tree(&["a/0.png", "b/1.png"], &[("metadata.jsonl", &lines.replace("0.png", "a/0.png"))]);
    assert_eq!(open(folder.path()).unwrap().class_names(), ["a", "b"]);
}

#[test]
fn labels_and_captions_of_tables_are_a_part_of_the_digest() {
    let digest = |csv: &str| {
        let folder = tree(&THREE, &[("metadata.csv", csv)]);
        open(folder.path()).unwrap().digest()
    };
    let one = digest("file_name,label,text\n0.png,x,a\n1.png,y,b\n");
    assert_eq!(one, digest("file_name,text,label\n1.png,b,y\n0.png,a,x\n"));
    assert_ne!(one, digest("file_name,label,text\n0.png,y,a\n1.png,x,b\n"));
    assert_ne!(one, digest("file_name,label,text\n0.png,x,a\n1.png,y,c\n"));
}

/// A table of many columns, lines without end or one that is far too long, in small files.
#[test]
fn tables_that_are_too_much_come_to_an_end() {
    let wide = format!("file_name{}\n", ",x".repeat(20_000));
    let long = format!("file_name,label\n0.png,{}\n", "x".repeat(2 << 20));
    for (text, told) in [(wide, "columns"), (long, "1048576 bytes")] {
        let folder = tree(&THREE, &[("t.csv", &text)]);
        let error = open_with(folder.path(), (Some(&folder.path().join("t.csv")), None)).unwrap_err();
        assert!(matches!(error, Error::LabelTable { .. }) && error.to_string().contains(told), "{error}");
    }
}
