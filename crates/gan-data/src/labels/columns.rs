//! Which columns of a table are the names of files, the labels and the captions.

use super::{CAPTION_COLUMNS, LABEL_COLUMNS, some};

/// What a column of file names may be called, the likeliest first.
const FILE_COLUMNS: [&str; 15] = [
    "file_name",
    "filename",
    "file",
    "image",
    "image_id",
    "image_name",
    "image_path",
    "image_file_name",
    "file_path",
    "filepath",
    "path",
    "img",
    "id",
    "name",
    "key",
];

/// The places of the columns in a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chosen {
    pub(super) file: usize,
    pub(super) label: Option<usize>,
    pub(super) caption: Option<usize>,
}

/// What the columns of a table were taken for, by their names.
#[derive(Clone, Debug, Default)]
pub(super) struct Columns {
    pub(super) label: Option<String>,
    pub(super) caption: Option<String>,
    /// Whether the table says which classes there are.
    pub(super) decides: bool,
}

/// What is asked of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    /// Whether it must have labels.
    pub(super) labels: bool,
    /// The column of the labels.
    pub(super) column: Option<&'a str>,
}

/// Chooses among columns of these names; `names_image` says of a column whether its first value is the name of an image.
///
/// # Errors
/// In words: if no column can be one of file names, or that of the labels is not there, or might be any.
pub(super) fn choose(
    names: &[String],
    names_image: impl Fn(usize) -> bool,
    asked: Asked<'_>,
) -> Result<Chosen, String> {
    let usual: Vec<String> = names.iter().map(|name| plain(name)).collect();
    let called = |known: &[&str], skip: &[usize]| {
        known.iter().find_map(|known| {
            let fits = |place: &usize| usual[*place] == *known && !skip.contains(place);
            (0..names.len()).find(fits)
        })
    };
    let files = FILE_COLUMNS.iter().filter_map(|known| usual.iter().position(|name| name == known));
    let file = files.chain(0..names.len()).find(|&place| names_image(place));
    let Some(file) = file.or_else(|| called(&FILE_COLUMNS, &[])) else {
        let there = some(names.to_vec());
        return Err(format!("has no column of the images' file names (file_name); there are: {there}"));
    };
    let others = |skip: Option<usize>| -> Vec<usize> {
        (0..names.len()).filter(|place| *place != file && Some(*place) != skip).collect()
    };
    let list = |places: Vec<usize>| match places.is_empty() {
        true => "none but the file names".to_owned(),
        false => some(places.into_iter().map(|place| names[place].clone()).collect()),
    };
    let caption = called(&CAPTION_COLUMNS, &[file]);
    let label = match asked.column {
        Some(wanted) => {
            let exact = names.iter().position(|name| name == wanted);
            let place = exact.or_else(|| usual.iter().position(|name| *name == plain(wanted)));
            let not_there = || format!("has no column {wanted}; there are: {}", list(others(None)));
            Some(place.ok_or_else(not_there)?)
        }
        None => called(&LABEL_COLUMNS, &[file]),
    };
    let label = match (label, &others(caption)[..]) {
        (None, [only]) if asked.labels => Some(*only),
        (None, [] | [_]) if asked.labels => return Err("has no column of labels".to_owned()),
        (None, several) if asked.labels => {
            return Err(format!("has several columns that may be the labels: {}", list(several.to_vec())));
        }
        (label, _) => label,
    };
    Ok(Chosen { file, label, caption: caption.filter(|place| Some(*place) != label) })
}

/// A name as people mean it: `File Name` and `file-name` are `file_name`.
fn plain(name: &str) -> String {
    name.trim().to_lowercase().replace([' ', '-'], "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(names: &[&str], labels: bool, column: Option<&str>) -> Result<[Option<usize>; 3], String> {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let chosen = choose(&names, |_| false, Asked { labels, column })?;
        Ok([Some(chosen.file), chosen.label, chosen.caption])
    }

    #[test]
    fn columns_are_known_by_their_usual_names() {
        assert_eq!(
            chosen(&["text", "Label", "File Name"], false, None).unwrap(),
            [Some(2), Some(1), Some(0)]
        );
        assert_eq!(chosen(&["id", "breed"], false, None).unwrap(), [Some(0), None, None]);
        assert_eq!(chosen(&["id", "breed", "caption"], true, None).unwrap(), [Some(0), Some(1), Some(2)]);
        assert_eq!(chosen(&["id", "x", "y"], true, Some("y")).unwrap(), [Some(0), Some(2), None]);
        assert_eq!(chosen(&["id", "text"], true, Some("text")).unwrap(), [Some(0), Some(1), None]);
    }

    #[test]
    fn a_column_of_names_of_images_needs_no_name() {
        let names = ["", "photo", "id"].map(str::to_owned);
        let asked = Asked { labels: true, column: None };
        let chosen = choose(&names[..2], |place| place == 1, asked).unwrap();
        assert_eq!((chosen.file, chosen.label), (1, Some(0)));
        assert_eq!(choose(&names, |place| place != 0, Asked { labels: false, ..asked }).unwrap().file, 2);
    }

    #[test]
    fn what_cannot_be_told_is_said_with_the_columns_there_are() {
        assert_eq!(
            chosen(&["a", "b"], true, None).unwrap_err(),
            "has no column of the images' file names (file_name); there are: a, b"
        );
        assert_eq!(chosen(&["id", "a"], true, Some("c")).unwrap_err(), "has no column c; there are: a");
        assert_eq!(chosen(&["id", "text"], true, None).unwrap_err(), "has no column of labels");
        assert_eq!(
            chosen(&["id", "a", "b"], true, None).unwrap_err(),
            "has several columns that may be the labels: a, b"
        );
    }
}
