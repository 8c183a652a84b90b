//! Many byte strings in one temporary file, each reached by its number: what came out of a compressed archive or a
//! parquet file, and may be larger than memory.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use crate::{Error, Result};

/// Byte strings that are being written.
pub(crate) struct SpoolWriter {
    file: BufWriter<File>,
    ends: Vec<u64>,
}

/// Byte strings in a file without a name, which goes when they go. TMPDIR says on which disk.
#[derive(Debug)]
pub(crate) struct Spool {
    file: File,
    /// Where each ends; the next begins there.
    ends: Vec<u64>,
}

impl SpoolWriter {
    pub(crate) fn new() -> Result<Self> {
        let file = tempfile::tempfile().map_err(fault)?;
        Ok(Self { file: BufWriter::new(file), ends: Vec::new() })
    }

    /// How many bytes there are so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.ends.last().copied().unwrap_or(0)
    }

    /// Adds a byte string; the first has the number 0.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(fault)?;
        self.ends.push(self.bytes() + bytes.len() as u64);
        Ok(())
    }

    /// How many byte strings there are so far.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn finish(self) -> Result<Spool> {
        let file = self.file.into_inner().map_err(|error| fault(error.into_error()))?;
        Ok(Spool { file, ends: self.ends })
    }
}

impl Spool {
    /// How many byte strings there are.
    #[cfg(any(feature = "hub", test))]
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// How many bytes they have together.
    pub(crate) fn bytes(&self) -> u64 {
        self.ends.last().copied().unwrap_or(0)
    }

    /// The length of byte string `index`, which must be there.
    pub(crate) fn length(&self, index: usize) -> u64 {
        self.ends[index] - self.start(index)
    }

    /// Byte string `index`, which must be there.
    pub(crate) fn get(&self, index: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; self.length(index) as usize];
        read_exact_at(&self.file, &mut bytes, self.start(index)).map_err(fault)?;
        Ok(bytes)
    }

    fn start(&self, index: usize) -> u64 {
        if index == 0 { 0 } else { self.ends[index - 1] }
    }
}

fn fault(source: io::Error) -> Error {
    Error::Temporary { folder: std::env::temp_dir(), source }
}

/// Fills the buffer from a place of a file that many threads read from.
pub(crate) fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    let found = read_up_to(file, buffer, offset)?;
    if found == buffer.len() { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// Fills as much of the buffer as the file has, and says how much that is.
pub(crate) fn read_up_to(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while done < buffer.len() {
        match read_at(file, &mut buffer[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(count) => done += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// Writes at a place of a file.
pub(crate) fn write_all_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match write_at(file, bytes, offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => {
                bytes = &bytes[count..];
                offset += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(unix)]
pub(crate) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

#[cfg(unix)]
fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::write_at(file, bytes, offset)
}

#[cfg(windows)]
fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_write(file, bytes, offset)
}

#[cfg(windows)]
pub(crate) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, offset) // moves the file's own place, which nobody uses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_comes_out_by_its_number() {
        let mut writer = SpoolWriter::new().unwrap();
        for text in ["first", "", "third, which is longer"] {
            writer.push(text.as_bytes()).unwrap();
        }
        assert_eq!(writer.bytes(), 27);
        let spool = writer.finish().unwrap();
        let texts: Vec<_> = (0..spool.len()).map(|i| spool.get(i).unwrap()).collect();
        assert_eq!(texts, [&b"first"[..], b"", b"third, which is longer"]);
    }
}
