//! What the pages are called.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::path::Path;

/// The address of a run's page.
pub(super) fn address(run: &Path) -> Option<String> {
    Some(format!("/run/{}", utf8_percent_encode(run.file_name()?.to_str()?, NON_ALPHANUMERIC)))
}
