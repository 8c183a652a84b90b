//! Ways of packing that are read, and those that are told of.

use super::*;

/// An archive whose members are said to be packed by another method, or with a password.
fn patched(mut zip: Vec<u8>, at: usize, value: u8) -> Vec<u8> {
    let patch = |zip: &mut Vec<u8>, signature: &[u8], at: usize| {
        for start in 0..zip.len() - 4 {
            if zip[start..].starts_with(signature) {
                zip[start + at] = value;
            }
        }
    };
    patch(&mut zip, b"PK\x03\x04", at);
    patch(&mut zip, b"PK\x01\x02", at + 2);
    zip
}

const FLAGS: usize = 6;
const METHOD: usize = 8;

#[test]
fn zips_by_other_methods_are_read() {
    let image = dot(8);
    let deflate64 = patched(Kind::Deflated.pack(&[("a.png", &image)]), METHOD, 9); // the same but for long repeats
    let zstd = zip_of(&[("a.png", &image)], CompressionMethod::Zstd);
    for zip in [deflate64, zstd] {
        assert_eq!(content(&zip, Split::Train).1, [(None, 8)]);
    }
}

#[test]
fn a_zip_that_is_not_read_says_so_once_and_not_that_it_is_damaged() {
    let images = [1, 2].map(dot);
    for kind in [Kind::Stored, Kind::Deflated] {
        let zip = kind.pack(&[("a.png", &images[0]), ("b.png", &images[1]), ("readme", b"")]);
        for (at, value, expected) in
            [(METHOD, 98, "compressed by the method Ppmd"), (FLAGS, 1, "encrypted with a password")]
        {
            let error = open(&patched(zip.clone(), at, value), Split::Train).unwrap_err();
            assert!(matches!(error, Error::Unsupported { .. }), "{error:?}");
            assert!(readable(&error).ends_with(&format!("its images are {expected}")), "{error}");
            assert!(error.hint().contains("unpack it"), "{}", error.hint());
        }
    }
}

#[test]
fn of_a_zip_that_is_read_in_part_the_rest_says_what_it_is() {
    let image = dot(1);
    let mut zip = Kind::Stored.pack(&[("a.png", &image), ("b.png", &image)]);
    let central = zip.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
    (zip[METHOD], zip[central + METHOD + 2]) = (14, 14); // of the first
    let data = open(&zip, Split::Train).unwrap();
    assert!(data.get(1).is_ok());
    let message = readable(&data.get(0).unwrap_err());
    assert!(message.ends_with("a.png is compressed by the method Lzma, which is not read"), "{message}");
}

#[test]
fn other_archives_are_called_by_their_names() {
    for (start, expected) in [
        (&b"7z\xbc\xaf\x27\x1c\0\x04"[..], "is a 7z archive"),
        (b"Rar!\x1a\x07\x01\0", "is a RAR archive"),
        (b"BZh91AY&SY", "is compressed with bzip2"),
        (b"PK\x07\x08PK\x03\x04", "is the first part of a zip archive in parts"),
    ] {
        let error = open(start, Split::Train).unwrap_err();
        assert!(matches!(error, Error::Unsupported { .. }), "{error:?}");
        assert!(readable(&error).contains(expected), "{error}");
        assert!(!error.hint().contains("fetch it again"), "{}", error.hint());
    }
}

/// Of before 1988: without the word `ustar`.
#[test]
fn an_old_tar_is_known_by_its_checksum() {
    let image = dot(6);
    let mut header = ::tar::Header::new_old();
    header.set_path("a.png").unwrap();
    header.set_size(image.len() as u64);
    header.set_cksum();
    let mut tar = ::tar::Builder::new(Vec::new());
    tar.append(&header, &image[..]).unwrap();
    let tar = tar.into_inner().unwrap();
    for kind in TARS {
        assert_eq!(content(&kind.compress(&tar), Split::Train).1, [(None, 6)], "{kind:?}");
    }
}

/// An xz file can ask for a dictionary of 4 GiB in a few bytes.
#[test]
fn a_decompressor_takes_no_more_memory_than_one_may() {
    let mut options = lzma_rust2::XzOptions::with_preset(0);
    options.lzma_options.dict_size = 1 << 20;
    let mut encoder = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
    encoder.write_all(&tar_of(&[("a.png", &dot(1))])).unwrap();
    let mut xz = encoder.finish().unwrap();
    // The header of the block: its length, flags, LZMA2, one byte of properties, which is the dictionary.
    assert_eq!(xz[14..16], [0x21, 1]);
    xz[16] = 40;
    let end = 12 + (usize::from(xz[12]) + 1) * 4 - 4;
    let mut crc = flate2::Crc::new();
    crc.update(&xz[12..end]);
    xz[end..end + 4].copy_from_slice(&crc.sum().to_le_bytes());
    let message = fault(&xz);
    assert!(message.contains("needed memory too big"), "{message}");
}
