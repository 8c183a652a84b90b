//! The classes of images in parquet files.

use std::fs;
use std::path::Path;

use gan_data::{Dataset, Error, OpenOptions, Parquet, Result, Source};

use crate::assert_readable;
use crate::parquet_files::dot;
use crate::sets::{Column, image_column, table};

/// The set in a file of these bytes, with the options that are changed.
fn open(bytes: &[u8], change: impl FnOnce(&mut OpenOptions)) -> Result<Parquet> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("some.parquet");
    fs::write(&path, bytes).unwrap();
    let mut options = OpenOptions::default();
    change(&mut options);
    Parquet::open_with(&path, &options) // what is read waits elsewhere
}

fn read(bytes: &[u8]) -> Result<Parquet> {
    open(bytes, |_| {})
}

/// With this column of labels asked for.
fn read_column(bytes: &[u8], column: &str) -> Result<Parquet> {
    open(bytes, |options| options.label_column = Some(column.to_owned()))
}

/// What the error says of the file.
fn refused(result: Result<Parquet>) -> String {
    let error = result.unwrap_err();
    assert_readable(&error);
    let message = error.to_string();
    message.split_once("some.parquet").unwrap().1.trim_start_matches([':', ' ']).to_owned()
}

/// Three images with these further columns.
fn file(schema: &str, columns: Vec<Column>, notes: Option<&str>) -> Vec<u8> {
    let images = Column::Image((0..3).map(|i| Some(dot(i))).collect());
    let columns = [images, Column::Path(3)].into_iter().chain(columns).collect();
    table(&format!("{} {schema}", image_column("image")), columns, notes)
}

fn int64(labels: [Option<i64>; 3]) -> Vec<u8> {
    file("optional int64 label;", vec![Column::Int64(labels.into())], None)
}

fn text(labels: [&str; 3]) -> Column {
    Column::Text(labels.map(|label| Some(label.to_owned())).into())
}

type Found = ([Option<u32>; 3], Option<usize>, Vec<String>);

fn labels(set: &Parquet) -> Found {
    ([0, 1, 2].map(|index| set.get(index).unwrap().label), set.classes(), set.class_names())
}

fn names<const N: usize>(names: [&str; N]) -> Vec<String> {
    names.map(str::to_owned).into()
}

#[test]
fn labels_are_integers_of_either_size_under_their_usual_names() {
    let some = ([Some(0), Some(4), Some(2)], Some(5), Vec::new());
    for name in ["label", "labels", "class", "fine_label", "category"] {
        let column = Column::Int64(vec![Some(0), Some(4), Some(2)]);
        assert_eq!(
            labels(&read(&file(&format!("optional int64 {name};"), vec![column], None)).unwrap()),
            some
        );
    }
    let column = Column::Int32(vec![Some(0), Some(4), Some(2)]);
    assert_eq!(labels(&read(&file("optional int32 label;", vec![column], None)).unwrap()), some);
    let none = ([None, None, None], None, Vec::new());
    for nothing in [[Some(-1); 3], [None, Some(-1), None]] {
        assert_eq!(labels(&read(&int64(nothing)).unwrap()), none);
    }
}

/// Not one for each number up to the largest: that alone could take all memory.
#[test]
fn numbers_far_apart_are_the_names_of_the_classes_that_occur() {
    let set = read(&int64([Some(4_000_000_000), Some(3), Some(4_000_000_000)])).unwrap();
    assert_eq!(labels(&set), ([Some(1), Some(0), Some(1)], Some(2), names(["3", "4000000000"])));
    let set = read(&int64([Some(100_000_000), Some(i64::MIN), Some(i64::MAX)])).unwrap();
    assert_eq!(set.classes(), Some(3));
}

#[test]
fn labels_may_be_words_answers_and_whole_floats() {
    let words = file("optional binary label (UTF8);", vec![text(["dog", "cat", "dog"])], None);
    assert_eq!(labels(&read(&words).unwrap()), ([Some(1), Some(0), Some(1)], Some(2), names(["cat", "dog"])));
    let column = Column::Bool(vec![Some(true), Some(false), None]);
    let answers = file("optional boolean label;", vec![column], None);
    assert_eq!(
        labels(&read(&answers).unwrap()),
        ([Some(1), Some(0), None], Some(2), names(["false", "true"]))
    );
    let floats = |values: [f64; 3]| {
        file("optional double label;", vec![Column::Double(values.map(Some).into())], None)
    };
    let set = read(&floats([1.0, f64::NAN, 0.0])).unwrap();
    assert_eq!(labels(&set), ([Some(1), None, Some(0)], Some(2), Vec::new()));
    let odd = floats([1.0, 0.5, 0.0]);
    assert_eq!(labels(&read(&odd).unwrap()).1, None, "what was only found may be something else");
    let error = read_column(&odd, "label").unwrap_err();
    assert!(matches!(error, Error::NoClasses { .. }), "{error:?}");
    assert!(
        error.to_string().ends_with("row 1: 0.5 is no class: those are words or whole numbers"),
        "{error}"
    );
    assert_readable(&error);
}

#[test]
fn rows_without_a_label_are_told_and_the_others_keep_theirs() {
    for gap in [Some(-1), None] {
        let set = read(&int64([Some(0), gap, Some(1)])).unwrap();
        assert_eq!(labels(&set), ([Some(0), None, Some(1)], Some(2), Vec::new()));
        assert_eq!(set.unlabelled(), [1]);
    }
    let all = read(&int64([Some(0), Some(1), Some(1)])).unwrap();
    assert_eq!(all.unlabelled(), Vec::<usize>::new());
}

#[test]
fn classes_are_called_what_the_file_says() {
    let notes = |names: &str| format!(r#"{{"info": {{"features": {{"label": {{"names": {names}}}}}}}}}"#);
    let file = |notes: &str| {
        let column = Column::Int64(vec![Some(0), Some(1), Some(0)]);
        file("optional int64 label;", vec![column], Some(notes))
    };
    let set = read(&file(&notes(r#"["cat", "dog", "a\nhorse\u001b"]"#))).unwrap();
    assert_eq!((set.classes(), set.class_names()), (Some(3), names(["cat", "dog", "a horse"])));
    let too_few = read(&file(&notes(r#"["cat"]"#)));
    assert_eq!(refused(too_few), "row 1: its label 1 is none of the named classes");
    for odd in ["", "{", "[]", "null", &notes("7"), &notes("[7]"), &"[".repeat(100_000)] {
        let set = read(&file(odd)).unwrap();
        let start = &odd[..odd.len().min(50)];
        assert_eq!((set.classes(), set.class_names()), (Some(2), Vec::new()), "{start}");
    }
}

#[test]
fn a_column_that_the_file_notes_to_be_of_classes_is_found_and_another_can_be_chosen() {
    let notes = r#"{"info": {"features": {"breed": {"names": ["pug", "husky"], "_type": "ClassLabel"}}}}"#;
    let columns = || vec![Column::Int64(vec![Some(1), Some(0), Some(1)]), text(["red", "blue", "red"])];
    let bytes = file("optional int64 breed; optional binary color (UTF8);", columns(), Some(notes));
    let found = ([Some(1), Some(0), Some(1)], Some(2), names(["pug", "husky"]));
    assert_eq!(labels(&read(&bytes).unwrap()), found);
    assert_eq!(labels(&read_column(&bytes, "color").unwrap()).2, names(["blue", "red"]));
    let bytes = file("optional int64 breed; optional binary color (UTF8);", columns(), None);
    assert_eq!(labels(&read(&bytes).unwrap()).1, None);
    assert_eq!(labels(&read_column(&bytes, "breed").unwrap()).1, Some(2));
}

#[test]
fn a_column_that_is_not_there_is_an_error_that_names_those_that_are() {
    let bytes = int64([Some(0), Some(1), Some(2)]);
    let error = read_column(&bytes, "breed").unwrap_err();
    assert!(matches!(error, Error::Column { .. }) && error.hint().contains("--label-column"), "{error:?}");
    assert_eq!(refused(Err(error)), "has no column breed; there are: image.path, label");
    let image = |column: &str| open(&bytes, |options| options.image_column = Some(column.to_owned()));
    assert_eq!(refused(image("photo")), "has no column photo; there are: image");
    assert_eq!(image("image").unwrap().len(), 3);
}

#[test]
fn a_column_of_images_can_be_chosen_also_one_of_bare_bytes() {
    let schema = format!("{} required binary raw;", image_column("mask"));
    let schema = format!("{} {schema}", image_column("image"));
    let images = |from: u8| Column::Image((from..from + 3).map(|i| Some(dot(i))).collect());
    let raw = Column::Bare((20..23).map(dot).collect());
    let bytes = table(&schema, vec![images(0), Column::Path(3), images(10), Column::Path(3), raw], None);
    let first = |set: Parquet| set.get(0).unwrap().image.pixels[0];
    assert_eq!(first(read(&bytes).unwrap()), 0);
    for (name, value) in [("mask", 10), ("image", 0), ("raw", 20)] {
        let set = open(&bytes, |options| options.image_column = Some(name.to_owned())).unwrap();
        assert_eq!(first(set), value, "{name}");
    }
}

#[test]
fn labels_and_captions_are_a_part_of_what_a_run_knows_its_data_by() {
    let digest = |label: i64, caption: &str| {
        let schema = "optional int64 label; optional binary text (UTF8);";
        let columns = vec![Column::Int64(vec![Some(0), Some(1), Some(label)]), text(["a", "b", caption])];
        read(&file(schema, columns, None)).unwrap().digest()
    };
    assert_eq!(digest(1, "c"), digest(1, "c"));
    assert_ne!(digest(1, "c"), digest(0, "c"));
    assert_ne!(digest(1, "c"), digest(1, "d"));
}

#[test]
fn the_options_reach_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("some.parquet");
    fs::write(&path, file("optional binary kind (UTF8);", vec![text(["x", "y", "x"])], None)).unwrap();
    let options = OpenOptions { label_column: Some("kind".to_owned()), ..OpenOptions::default() };
    let data = Source::Parquet(Path::new(&path).to_owned()).open(&options).unwrap();
    assert_eq!(data.class_names(), ["x", "y"]);
}

/// `metadata.parquet`, as the hub has it.
#[test]
fn a_table_in_parquet_tells_the_classes_of_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    for i in 0..3 {
        fs::write(folder.path().join(format!("{i}.png")), dot(i)).unwrap();
    }
    let schema =
        "optional binary file_name (UTF8); optional binary label (UTF8); optional binary text (UTF8);";
    let names = text(["0.png", "1.png", "2.png"]);
    let columns = vec![names, text(["x", "y", "x"]), text(["a", "b", "c"])];
    fs::write(folder.path().join("metadata.parquet"), table(schema, columns, None)).unwrap();
    let data = Source::Folder(folder.path().to_owned()).open(&OpenOptions::default()).unwrap();
    let labels: Vec<_> = (0..3).map(|index| data.get(index).unwrap().label).collect();
    assert_eq!((labels, data.class_names()), (vec![Some(0), Some(1), Some(0)], vec!["x".into(), "y".into()]));
    assert_eq!(data.caption(1).unwrap().as_deref(), Some("b"));
}
