use std::fs;
use std::io::Write;

use tar::{Builder, Header};

use super::find::find;
use super::*;

/// A header as the crate writes it, of this type and length.
fn header(kind: EntryType, length: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(length);
    header.set_mode(0o644);
    header
}

fn tar(fill: impl FnOnce(&mut Builder<Vec<u8>>)) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    fill(&mut builder);
    builder.into_inner().unwrap()
}

fn file(builder: &mut Builder<Vec<u8>>, name: &str, content: &[u8]) {
    let mut header = header(EntryType::Regular, content.len() as u64);
    builder.append_data(&mut header, name, content).unwrap();
}

/// Name, path and content of every member.
fn members(archive: impl Read) -> Result<Vec<(String, String, Vec<u8>)>> {
    let mut found = Vec::new();
    visit_tar(Path::new("set.tar"), archive, |member| {
        if member.kind != Kind::File {
            return Ok(());
        }
        let mut content = Vec::new();
        member.content.read_to_end(&mut content).unwrap();
        found.push((member.name, member.path.display().to_string(), content));
        Ok(())
    })?;
    Ok(found)
}

#[test]
fn every_regular_file_is_shown_and_nothing_else() {
    let archive = tar(|builder| {
        builder.append_dir("folder", ".").unwrap();
        file(builder, "folder/a.bin", b"first");
        for (kind, name) in [(EntryType::Symlink, "soft.bin"), (EntryType::Link, "hard.bin")] {
            builder.append_link(&mut header(kind, 0), name, "folder/a.bin").unwrap();
        }
        for kind in [EntryType::Char, EntryType::Block, EntryType::Fifo] {
            builder.append_data(&mut header(kind, 0), "device.bin", &b""[..]).unwrap();
        }
        file(builder, "empty", b"");
        file(builder, "b.bin", &[7; 1_000]);
    });
    let found = members(&archive[..]).unwrap();
    let names: Vec<_> =
        found.iter().map(|(name, path, content)| (&name[..], &path[..], content.len())).collect();
    let expected = [
        ("a.bin", "set.tar: folder/a.bin", 5),
        ("empty", "set.tar: empty", 0),
        ("b.bin", "set.tar: b.bin", 1_000),
    ];
    assert_eq!(names, expected);
    assert_eq!((&found[0].2[..], &found[2].2[..]), (&b"first"[..], &[7; 1_000][..]));
}

#[test]
fn long_names_are_read_in_both_ways_of_writing_them() {
    let long = format!("{}/data.bin", "folder".repeat(40));
    let gnu = tar(|builder| file(builder, &long, b"x"));
    let posix = tar(|builder| {
        builder.append_pax_extensions([("mtime", &b"1.5"[..]), ("path", long.as_bytes())]).unwrap();
        file(builder, "cut-off-name", b"x");
        file(builder, "next", b"");
    });
    for archive in [gnu, posix] {
        let found = members(&archive[..]).unwrap();
        assert_eq!((&found[0].0[..], &found[0].1), ("data.bin", &format!("set.tar: {long}")));
        assert!(found.get(1).is_none_or(|(name, ..)| name == "next"), "{found:?}");
    }
}

/// The tar crate itself would take all of it into memory.
#[test]
fn a_name_too_long_to_be_one_is_passed_over() {
    let length = MAX_RECORD + 1;
    let archive = tar(|builder| {
        let mut header = header(EntryType::GNULongName, length);
        builder.append_data(&mut header, "././@LongLink", io::repeat(b'a').take(length)).unwrap();
        file(builder, "of-the-long-name", b"");
        file(builder, "next", b"");
    });
    let names: Vec<_> = members(&archive[..]).unwrap().into_iter().map(|(name, ..)| name).collect();
    assert_eq!(names, ["next"]);
}

#[test]
fn messages_about_members_have_one_line() {
    let mut archive = tar(|builder| file(builder, "two\nlines", b"x"));
    assert_eq!(members(&archive[..]).unwrap()[0].1, "set.tar: two\\x0alines");
    archive[124] = b'x'; // the first digit of the length, with the name in the message
    let error = members(&archive[..]).unwrap_err();
    assert!(matches!(error, Error::Malformed { .. }) && error.to_string().lines().count() == 1, "{error}");
}

#[test]
fn an_archive_cut_at_any_length_is_an_error() {
    let whole = tar(|builder| {
        file(builder, "a", &[1; 600]);
        file(builder, "b", &[2; 512]);
    });
    let end = whole.len() - BLOCK as usize; // of the two blocks of zeros, one will do
    for length in 0..end {
        let error = members(&whole[..length]).unwrap_err();
        assert!(matches!(error, Error::Malformed { .. }), "cut at {length}: {error:?}");
        assert!(error.to_string().starts_with("set.tar: "), "{error}");
    }
    assert_eq!(members(&whole[..end]).unwrap().len(), 2);
}

#[test]
fn what_is_no_archive_is_said_to_be_none() {
    let error = members(&[b'x'; 2_000][..]).unwrap_err().to_string();
    assert!(error.contains("not a whole tar archive"), "{error}");
}

/// A few kilobytes of gzip can stand for gigabytes that no member needs.
#[test]
fn what_goes_on_too_long_ends() {
    let start = tar(|builder| {
        let mut header = header(EntryType::Regular, 1 << 40);
        header.set_path("endless").unwrap();
        header.set_cksum();
        builder.append(&header, io::empty()).unwrap();
    });
    for start in [&start[..BLOCK as usize], &[0; BLOCK as usize]] {
        let endless = Limited { reader: start.chain(io::repeat(0)), left: 1 << 20 };
        let error = visit_tar(Path::new("set.tar.gz"), endless, |_| Ok(())).unwrap_err();
        assert!(error.to_string().contains("too many bytes"), "{error}");
    }
}

#[test]
fn an_archive_in_a_folder_is_taken_if_it_is_meant() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str| fs::write(folder.path().join(name), "").unwrap();
    let found = |published| find(folder.path(), published).unwrap();
    write("notes.txt");
    write("._set.tar.gz"); // macOS puts such beside files
    assert_eq!(found(None), None);
    write("set.tgz");
    assert_eq!(found(None), Some(folder.path().join("set.tgz")));
    write("other.TAR");
    assert_eq!(found(None), None, "either could be meant");
    assert_eq!(found(Some("other.TAR")), Some(folder.path().join("other.TAR")));
}

/// Raw, and by every compression that is read.
fn in_every_compression(tar: &[u8]) -> [Vec<u8>; 4] {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(tar).unwrap();
    let mut xz = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(0)).unwrap();
    xz.write_all(tar).unwrap();
    [tar.to_vec(), gzip.finish().unwrap(), xz.finish().unwrap(), zstd::encode_all(tar, 1).unwrap()]
}

#[test]
fn an_archive_is_known_by_its_content_whatever_it_is_called() {
    let folder = tempfile::tempdir().unwrap();
    let of_folder = |_: &Path| panic!("it is an archive");
    for name in ["set", "set.tar", "set.tgz", "set.tar.xz"] {
        for bytes in in_every_compression(&tar(|builder| file(builder, "a.bin", b"first"))) {
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            let mut found = Vec::new();
            let from_archive = |archive: &Path| {
                visit(archive, |member| {
                    found.push(member.name);
                    Ok(())
                })
            };
            folder_or_archive(&path, None, of_folder, from_archive).unwrap();
            assert_eq!(found, ["a.bin"], "{name}");
        }
    }
    let path = folder.path().join("set.tar.gz");
    fs::write(&path, b"BZh91AY&SY").unwrap();
    let error = visit(&path, |_| Ok(())).unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }), "{error:?}");
    assert!(error.to_string().ends_with("set.tar.gz is compressed with bzip2, which is not read"), "{error}");
}
