//! Images in parquet files, in the layout of the Hugging Face hub: a column that is a struct with the bytes of an
//! encoded image, and beside it perhaps a column of labels and one of captions.

mod cells;
mod columns;
mod fixed;
mod labels;
mod set;
mod sheet;
mod splits;
mod table;

pub(crate) use self::cells::Cell;
pub(crate) use self::columns::Wanted;
pub(crate) use self::fixed::{Shape, read};
pub use self::set::Parquet;
pub(crate) use self::sheet::Sheet;
pub(crate) use self::splits::{of_one_config, of_split};
pub(crate) use self::table::{Table, has_images};

/// What a library says, or a server through it, without line breaks and whatever else would move a terminal's cursor.
pub(crate) fn one_line(words: &dyn std::fmt::Display) -> String {
    crate::labels::one_line(&words.to_string())
}
