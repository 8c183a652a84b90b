//! Opening files that others have made.

use std::fs::{self, File, Metadata};
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::{Error, Result};

/// No data set read whole into memory may be larger than this: what claims to be is damaged or hostile.
pub(crate) const MAX_BYTES: u64 = 2 << 30;

/// Says whether there is a folder at `path` in a way that names it.
pub(crate) fn require_folder(path: &Path) -> Result<()> {
    match metadata(path)? {
        None => Err(Error::NoFolder { path: path.to_owned() }),
        Some(found) if !found.is_dir() => Err(Error::NotAFolder { path: path.to_owned() }),
        Some(_) => Ok(()),
    }
}

/// What lies at `path`, links followed; `None` if nothing does.
pub(crate) fn metadata(path: &Path) -> Result<Option<Metadata>> {
    match fs::metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::reading(path)(error)),
    }
}

/// Opens a regular file; gives its length too. Anything else is refused unopened: opening a pipe would wait for a writer.
pub(crate) fn open(path: &Path) -> Result<(File, u64)> {
    let found = fs::metadata(path).map_err(Error::reading(path))?;
    if !found.is_file() {
        return Err(Error::NotAFile { path: path.to_owned() });
    }
    let file = File::open(path).map_err(Error::reading(path))?;
    Ok((file, found.len()))
}

/// What a file of this name holds: decompressed where the name ends in `.gz`.
pub(crate) fn unpacked<'a>(name: &str, reader: impl Read + 'a) -> Box<dyn Read + 'a> {
    if name.ends_with(".gz") {
        Box::new(MultiGzDecoder::new(reader))
    } else {
        Box::new(BufReader::new(reader))
    }
}

/// The rest of `reader`, which must be exactly `expected` bytes.
///
/// Memory grows with what is really there: a header that promises too much costs nothing.
pub(crate) fn read_exactly(path: &Path, reader: impl Read, expected: u64, what: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let beyond = expected.saturating_add(1); // one byte more than there should be, to see that there is none
    reader.take(beyond).read_to_end(&mut bytes).map_err(|error| read_fault(path, error))?;
    match bytes.len() as u64 {
        found if found == expected => Ok(bytes),
        found if found < expected => {
            Err(Error::malformed(path, format!("ends after {found} of {expected} bytes of {what}")))
        }
        _ => Err(Error::malformed(path, format!("goes on after the {expected} bytes of {what}"))),
    }
}

/// Tells a file that is broken off or not gzip (found by the decompressor) from one the system cannot read.
pub(crate) fn read_fault(path: &Path, error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Error::malformed(path, "is broken off"),
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
            Error::malformed(path, format!("does not decompress: {error}"))
        }
        _ => Error::reading(path)(error),
    }
}
