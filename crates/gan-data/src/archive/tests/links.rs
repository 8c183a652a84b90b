//! Links in archives.

use super::*;
use ::tar::EntryType::{self, Link, Regular, Symlink};

/// A member that is a link: its kind, its name, and where it leads.
type Linked<'a> = (EntryType, &'a str, &'a str);

fn append_links(tar: &mut ::tar::Builder<Vec<u8>>, links: &[Linked<'_>]) {
    for &(kind, name, target) in links {
        let mut header = header(kind, name.as_bytes(), 0);
        header.as_old_mut().linkname[..target.len()].copy_from_slice(target.as_bytes());
        header.set_cksum();
        tar.append(&header, io::empty()).unwrap();
    }
}

fn append_file(tar: &mut ::tar::Builder<Vec<u8>>, name: &str, bytes: &[u8]) {
    tar.append(&header(Regular, name.as_bytes(), bytes.len() as u64), bytes).unwrap();
}

/// Names as they are described, without the archive's, with the first value of each image.
fn images(bytes: &[u8]) -> Vec<(String, u8)> {
    let data = open(bytes, Split::Train).unwrap();
    let name = |index| data.describe(index).rsplit(": ").next().unwrap().to_owned();
    (0..data.len()).map(|index| (name(index), data.get(index).unwrap().image.pixels[0])).collect()
}

fn expected(images: &[(&str, u8)]) -> Vec<(String, u8)> {
    images.iter().map(|&(name, value)| (name.to_owned(), value)).collect()
}

#[test]
fn a_hard_link_is_another_name_of_an_earlier_member() {
    let mut tar = ::tar::Builder::new(Vec::new());
    append_file(&mut tar, "./train/a/1.png", &dot(1));
    append_file(&mut tar, "train/blob.tmp", &dot(9)); // no image by this name
    append_links(
        &mut tar,
        &[
            (Link, "train/b/1.png", "./train/a/1.png"),
            (Link, "train/b/2.png", "train/blob.tmp"),
            (Link, "train/b/3.png", "train/b/1.png"),
            (Link, "train/b/none.png", "train/a/later.png"),
        ],
    );
    append_file(&mut tar, "train/a/later.png", &dot(3));
    append_file(&mut tar, "train/a/1.png", &dot(2)); // in place of the first, whose other names keep what they have
    let tar = tar.into_inner().unwrap();
    let expected = expected(&[
        ("train/a/1.png", 2),
        ("train/a/later.png", 3),
        ("train/b/1.png", 1),
        ("train/b/2.png", 9),
        ("train/b/3.png", 1),
    ]);
    for kind in TARS {
        assert_eq!(images(&kind.compress(&tar)), expected, "{kind:?}");
        assert_eq!(content(&kind.compress(&tar), Split::Train).0, ["a", "b"], "{kind:?}");
    }
}

/// As the cache of the hub has them.
#[test]
fn a_symbolic_link_is_what_it_leads_to_in_the_archive() {
    let long = format!("../blobs/{}.tmp", "0".repeat(150));
    let mut tar = ::tar::Builder::new(Vec::new());
    append_links(
        &mut tar,
        &[
            (Symlink, "a/1.png", "../blobs/one.tmp"),
            (Symlink, "a/2.png", "1.png"),
            (Symlink, "b", "a"),
            (Symlink, "a/out.png", "/etc/passwd"),
            (Symlink, "a/up.png", "../../blobs/one.tmp"),
            (Symlink, "a/round.png", "round.png"),
            (Symlink, "a/self", "."),
            (Symlink, "c/4.png", "../b/2.png"),
        ],
    );
    append_file(&mut tar, "blobs/one.tmp", &dot(1));
    let mut header = ::tar::Header::new_gnu();
    header.set_entry_type(Symlink);
    header.set_size(0);
    tar.append_link(&mut header, "c/5.png", &long).unwrap();
    let mut header = ::tar::Header::new_gnu();
    header.set_size(dot(5).len() as u64);
    tar.append_data(&mut header, &long[3..], &dot(5)[..]).unwrap();
    let tar = tar.into_inner().unwrap();
    let expected = expected(&[
        ("a/1.png", 1),
        ("a/2.png", 1),
        ("b/1.png", 1),
        ("b/2.png", 1),
        ("c/4.png", 1),
        ("c/5.png", 5),
    ]);
    for kind in TARS {
        assert_eq!(images(&kind.compress(&tar)), expected, "{kind:?}");
    }
}

#[test]
fn a_zip_has_symbolic_links_too() {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default();
    zip.add_symlink("b/2.png", "../a/1.png", options).unwrap();
    zip.add_symlink("b/3.png", "/a/1.png", options).unwrap();
    zip.add_symlink("b/4.png", "../../a/1.png", options).unwrap();
    zip.start_file("a/1.png", options).unwrap();
    zip.write_all(&dot(7)).unwrap();
    zip.add_symlink("c", "./a", options).unwrap();
    let zip = zip.finish().unwrap().into_inner();
    assert_eq!(images(&zip), expected(&[("a/1.png", 7), ("b/2.png", 7), ("c/1.png", 7)]));
}

#[test]
fn links_that_multiply_are_an_error_and_soon() {
    // Each step leads through two links more.
    let mut tar = ::tar::Builder::new(Vec::new());
    let way = "d/".repeat(12);
    for i in 0..5_000 {
        append_links(&mut tar, &[(Symlink, &format!("{i}.png"), &format!("{way}x"))]);
    }
    append_links(&mut tar, &[(Symlink, "d", "./e"), (Symlink, "e/d", "../d")]);
    append_file(&mut tar, "e/x", &dot(1));
    let message = fault(&tar.into_inner().unwrap());
    assert!(message.contains("links that lead through too many others"), "{message}");
}
