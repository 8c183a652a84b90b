//! The classes and captions of images, as files tell them.

mod annotate;
mod classes;
mod columns;
mod delimited;
mod index;
mod json;
mod table;

pub(crate) use self::annotate::{Annotations, Wanted, annotate};
#[cfg(feature = "hub")]
pub(crate) use self::classes::MAX_CLASSES;
pub(crate) use self::classes::{Classes, NO_CLASS, Unfit, Value, Values, one_line};
pub(crate) use self::table::Table;

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
