//! Compressed files and kinds of archives, told by how they begin.

use std::io::{self, BufReader, Read};

use flate2::read::MultiGzDecoder;
use lzma_rust2::XzReader;

/// The most memory that a decompressor may take, KiB. Files of `xz -9` need 65 MiB, and of `zstd --long` 128.
const MAX_MEMORY: u32 = 256 << 10;

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    Gzip,
    Xz,
    Zstd,
}

impl Codec {
    /// The compression of a file that begins with these bytes.
    pub(crate) fn of(start: &[u8]) -> Option<Self> {
        match *start {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstd),
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd), // a frame to skip: pzstd begins with one
            _ => None,
        }
    }

    /// What comes out of a compressed file.
    pub(crate) fn reader<'a>(self, file: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
        Ok(match self {
            Self::Gzip => Box::new(MultiGzDecoder::new(file)),
            Self::Xz => Box::new(XzReader::new_mem_limit(BufReader::new(file), true, MAX_MEMORY)),
            Self::Zstd => {
                let mut decoder = zstd::Decoder::new(file)?;
                decoder.window_log_max(MAX_MEMORY.ilog2() + 10)?;
                Box::new(decoder)
            }
        })
    }
}

/// A kind of file that people keep images in and that is not read.
pub(crate) struct Foreign {
    pub name: &'static str,
    /// How to make of it something that is read.
    pub advice: &'static str,
}

/// What a file that begins with these bytes is, if it is of a kind that is known and not read.
pub(crate) fn foreign(start: &[u8]) -> Option<Foreign> {
    const UNPACK: &str = "unpack it, and give the folder; or pack that folder as .zip or .tar";
    const DECOMPRESS: &str = "decompress it, and give what comes out";
    let known: [(&[u8], &str, &str); 10] = [
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK),
        (b"Rar!\x1a\x07", "a RAR archive", UNPACK),
        (b"MSCF\0\0\0\0", "a cabinet archive", UNPACK),
        (b"BZh", "compressed with bzip2", DECOMPRESS),
        (b"LZIP", "compressed with lzip", DECOMPRESS),
        (b"\x5d\0\0\x80\0", "compressed with LZMA", DECOMPRESS),
        (b"\x04\x22\x4d\x18", "compressed with LZ4", DECOMPRESS),
        (b"\x1f\x9d", "compressed with compress", DECOMPRESS),
        (b"PK\x07\x08", "the first part of a zip archive in parts", "join the parts, as `zip -s 0` does"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file", "write its images as files, and give their folder"),
    ];
    let found = known.into_iter().find(|(magic, ..)| start.starts_with(magic));
    found.map(|(_, name, advice)| Foreign { name, advice })
}
