//! Files of records of one length, one after the other.

use std::io::Read;
use std::path::Path;

use crate::{Error, LabelledImages, Result, Split, files};

/// Shows every record of a file, of `length` bytes each; there is one at least. `path` is what messages call the file, and
/// `visitor` says why it can take no more.
pub(crate) fn read_records(
    path: &Path,
    mut reader: impl Read,
    length: usize,
    mut visitor: impl FnMut(&[u8]) -> std::result::Result<(), String>,
) -> Result<()> {
    let mut record = Vec::with_capacity(length);
    let mut before = 0;
    loop {
        record.clear();
        let one = reader.by_ref().take(length as u64).read_to_end(&mut record);
        one.map_err(|error| files::read_fault(path, error))?;
        if record.is_empty() && before > 0 {
            return Ok(());
        }
        if record.len() < length {
            let found = before + record.len();
            let reason =
                format!("has {found} bytes, which is not a whole number of records of {length} bytes");
            return Err(Error::malformed(path, reason));
        }
        visitor(&record).map_err(|reason| Error::malformed(path, reason))?;
        before += length;
    }
}

/// Says so where there are fewer or more images than were published; there may be reasons.
pub(crate) fn warn_if_incomplete(data: &LabelledImages, path: &Path, split: Split, published: usize) {
    let (found, name) = (data.labels.len(), &data.name);
    if found != published {
        tracing::warn!(
            "{} holds {found} {split:?} images of {name}, not the {published} of the complete set: using what is there",
            path.display(),
        );
    }
}
