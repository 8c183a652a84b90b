//! The classes and captions of images, as files tell them.

mod classes;

pub(crate) use self::classes::{Classes, MAX_CLASSES, NO_CLASS, Unfit, Value, Values, one_line};

/// What a column of labels may be called, the likeliest first.
pub(crate) const LABEL_COLUMNS: [&str; 6] =
    ["label", "labels", "class", "fine_label", "class_name", "category"];
/// What a column of captions may be called.
pub(crate) const CAPTION_COLUMNS: [&str; 2] = ["text", "caption"];

/// Some of the names, since there may be thousands.
pub(crate) fn some(names: Vec<String>) -> String {
    const NAMED: usize = 12;
    let rest = names.len().saturating_sub(NAMED);
    let named: Vec<String> = names.into_iter().take(NAMED).map(|name| one_line(&name)).collect();
    match rest {
        0 => named.join(", "),
        rest => format!("{} and {rest} others", named.join(", ")),
    }
}
