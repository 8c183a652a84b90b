//! Images in parquet files, in the layout of the Hugging Face hub: a column that is a struct with the bytes of an
//! encoded image, and beside it perhaps a column of labels and one of captions.

mod columns;
mod fixed;
mod set;
mod splits;
mod table;

pub(crate) use self::fixed::{Shape, read};
pub use self::set::Parquet;
pub(crate) use self::splits::{of_one_config, of_split};
pub(crate) use self::table::{Table, has_images};

/// What a library says, or a server through it, without line breaks and whatever else would move a terminal's cursor.
pub(crate) fn one_line(words: &dyn std::fmt::Display) -> String {
    let words = words.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    words.replace(char::is_control, "")
}
