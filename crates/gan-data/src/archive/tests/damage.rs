//! Archives that lie, are too large, cut off or damaged.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;

/// The place of the first record that begins so in a zip archive.
fn find(zip: &[u8], signature: &[u8; 4]) -> usize {
    zip.windows(4).position(|bytes| bytes == signature).unwrap()
}

const LOCAL: &[u8; 4] = b"PK\x03\x04";
const CENTRAL: &[u8; 4] = b"PK\x01\x02";
const END: &[u8; 4] = b"PK\x05\x06";

#[test]
fn headers_of_a_zip_that_lie_are_found_out() {
    let image = dot(5);
    for kind in [Kind::Stored, Kind::Deflated] {
        let whole = kind.pack(&[("a.png", &image)]);
        let (local, central, end) = (find(&whole, LOCAL), find(&whole, CENTRAL), find(&whole, END));
        let with = |places: &[(usize, usize, u32)]| {
            let mut zip = whole.clone();
            for &(at, length, value) in places {
                zip[at..at + length].copy_from_slice(&value.to_le_bytes()[..length]);
            }
            open(&zip, Split::Train).and_then(|data| data.get(0))
        };
        // Nothing is taken for a length that does not come; compressed data say themselves where they end.
        let too_long = [(local + 18, 4, 0xffff_fff0), (central + 20, 4, 0xffff_fff0)];
        let uncompressed = |length| [(local + 22, 4, length), (central + 24, 4, length)];
        for places in [too_long, uncompressed(0), uncompressed(3), uncompressed(0xffff_fff0)] {
            match with(&places) {
                Ok(sample) => assert_eq!(sample.image.pixels[0], 5),
                Err(error) => assert!(matches!(error, Error::Malformed { .. }), "{error:?}"),
            }
        }
        for (what, places) in [
            ("a length that is too small", [(local + 18, 4, 20), (central + 20, 4, 20)]),
            ("another checksum", [(local + 14, 4, 1), (central + 16, 4, 1)]),
            ("a place past the end", [(central + 42, 4, 0xffff_fff0), (central + 42, 4, 0xffff_fff0)]),
            ("more members than there are", [(end + 8, 2, 0xfffe), (end + 10, 2, 0xfffe)]),
        ] {
            let error = with(&places).expect_err(what);
            assert!(matches!(error, Error::Malformed { .. }), "{what}: {error:?}");
            readable(&error);
        }
    }
}

#[test]
fn a_member_that_is_too_long_for_an_image_is_an_error() {
    let (zeros, good) = (vec![0; MAX_FILE as usize + 1], dot(1));
    for kind in KINDS {
        let data = open(&kind.pack(&[("a.png", &zeros), ("b.png", &good)]), Split::Train).unwrap();
        let message = readable(&data.get(0).unwrap_err());
        assert!(message.ends_with("a.png: 1048577 bytes are too many for an image"), "{message}");
        assert!(data.get(1).is_ok(), "{kind:?}");
    }
}

#[test]
fn a_compressed_archive_that_goes_on_without_images_is_an_error() {
    let zeros = vec![0; 2 * MAX_SMALL as usize];
    for kind in [Kind::TarGz, Kind::TarXz, Kind::TarZst] {
        let archive = kind.pack(&[("zeros", &zeros), ("b.png", &dot(1))]);
        assert!(archive.len() as u64 * MAX_RATIO < MAX_SMALL);
        let message = fault(&archive);
        assert!(message.contains("too many bytes"), "{kind:?}: {message}");
    }
}

/// Each image is no longer than one may be, but no end of them comes.
#[test]
fn images_that_come_to_more_than_their_archive_can_hold_are_an_error() {
    let zeros = vec![0; MAX_FILE as usize];
    let names: Vec<String> = (0..9).map(|i| format!("{i}.bmp")).collect();
    let files: Vec<_> = names.iter().map(|name| (&name[..], &zeros[..])).collect();
    assert!(fault(&Kind::Deflated.pack(&files)).contains("its images come to 9437184 bytes"));
    assert!(open(&Kind::Stored.pack(&files), Split::Train).is_ok(), "they are there");
    // In a tar archive nine names can be those of one.
    let mut tar = ::tar::Builder::new(Vec::new());
    tar.append(&header(::tar::EntryType::Regular, b"a.bmp", MAX_FILE), &zeros[..]).unwrap();
    for i in 0..20 {
        let mut link = header(::tar::EntryType::Link, format!("{i}.bmp").as_bytes(), 0);
        link.set_link_name("a.bmp").unwrap();
        link.set_cksum();
        tar.append(&link, io::empty()).unwrap();
    }
    let tar = tar.into_inner().unwrap();
    assert!(fault(&tar).contains("its images come to 22020096 bytes"), "{}", fault(&tar));
    assert!(fault(&gz(&tar)).contains("its images come to"));
}

#[test]
fn members_and_their_names_are_counted() {
    use super::super::listing::{MAX_MEMBERS, MAX_NAMES};
    let names: Vec<String> = (0..=MAX_MEMBERS).map(|i| format!("{i}.txt")).collect();
    let files: Vec<_> = names.iter().map(|name| (&name[..], &b""[..])).collect();
    for kind in [Kind::Stored, Kind::Tar, Kind::TarGz] {
        assert!(fault(&kind.pack(&files)).contains("has more than 6000 members"), "{kind:?}");
    }
    let long = "x".repeat(1 << 15);
    let mut tar = ::tar::Builder::new(Vec::new());
    for i in 0..=MAX_NAMES / long.len() {
        let mut header = ::tar::Header::new_gnu();
        header.set_entry_type(::tar::EntryType::Regular);
        header.set_size(0);
        tar.append_data(&mut header, format!("{i}/{}", &long[..(1 << 15) - 10]), io::empty()).unwrap();
    }
    let message = fault(&tar.into_inner().unwrap());
    assert!(message.contains("has names of more than 524288 bytes in all"), "{message}");
}

#[test]
fn a_zip_whose_list_is_too_long_is_an_error() {
    let names: Vec<String> = (0..40).map(|i| format!("{i}{}", "x".repeat(30_000))).collect();
    let files: Vec<_> = names.iter().map(|name| (&name[..], &b""[..])).collect();
    let message = fault(&Kind::Stored.pack(&files));
    assert!(message.contains("has a list of its files of more than 1048576 bytes"), "{message}");
}

#[test]
fn a_tar_with_a_member_of_another_length_than_its_header_says_is_told_of() {
    let mut tar = ::tar::Builder::new(Vec::new());
    tar.append_pax_extensions([("size", &b"9000000000"[..])]).unwrap();
    tar.append(&header(::tar::EntryType::Regular, b"video.mp4", 0), io::empty()).unwrap();
    let error = open(&tar.into_inner().unwrap(), Split::Train).unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }), "{error:?}");
    assert!(readable(&error).contains("video.mp4 in it is larger than 8 GiB"));
}

#[test]
fn an_archive_cut_anywhere_is_an_error_or_whole() {
    let images = [1, 2].map(dot);
    let files = [("a/1.png", &images[0][..]), ("b/2.png", &images[1])];
    for kind in KINDS {
        let whole = kind.pack(&files);
        let expected = content(&whole, Split::Train);
        let mut refused = 0;
        for length in (0..whole.len()).step_by(7).chain(whole.len() - 30..whole.len()) {
            match open(&whole[..length], Split::Train) {
                Err(error) => {
                    assert!(matches!(error, Error::Malformed { .. }), "{kind:?} {length}: {error:?}");
                    readable(&error);
                    refused = refused.max(length);
                }
                Ok(_) => assert_eq!(content(&whole[..length], Split::Train), expected, "{kind:?} {length}"),
            }
        }
        // Zeros fill up a tar archive.
        assert!(refused + 1 == whole.len() || kind == Kind::Tar, "{kind:?}: {refused} of {}", whole.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_damage_gives_another_image(
        kind in select(&KINDS[..]),
        flips in proptest::collection::vec((any::<Index>(), 1..=255u8), 1..4),
    ) {
        let images = [1, 2, 3].map(dot);
        let files = [("p/a/1.png", &images[0][..]), ("p/a/2.png", &images[1]), ("p/b/3.png", &images[2])];
        let mut archive = kind.pack(&files);
        let whole = open(&archive, Split::Train).unwrap();
        let originals: Vec<_> = (0..3).map(|index| whole.get(index).unwrap().image).collect();
        for (at, bits) in flips {
            let at = at.index(archive.len());
            archive[at] ^= bits;
        }
        let known = |error: &Error| {
            readable(error);
            let of_names = matches!(error, Error::NoImages { .. } | Error::MissingSplit { .. });
            let of_files = matches!(error, Error::Malformed { .. } | Error::Decode { .. });
            of_names || of_files || matches!(error, Error::Unsupported { .. })
        };
        match open(&archive, Split::Train) {
            Err(error) => prop_assert!(known(&error), "{error:?}"),
            Ok(data) => for index in 0..data.len() {
                match data.get(index) {
                    Ok(sample) => prop_assert!(originals.contains(&sample.image), "another image"),
                    Err(error) => prop_assert!(known(&error), "{error:?}"),
                }
            },
        }
    }
}
