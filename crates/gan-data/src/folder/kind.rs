//! What a file is, as its ending says, or its first bytes where the ending says nothing.

use std::ffi::OsStr;
use std::path::Path;

/// So many bytes of a file tell what it is.
pub(super) const HEAD: usize = 64;

/// Endings of the images that are read.
const IMAGES: [&str; 19] = [
    "jpg", "jpeg", "jpe", "jfif", "jif", "png", "apng", "webp", "bmp", "dib", "gif", "tif", "tiff", "ppm",
    "pgm", "pbm", "pnm", "pam", "mpo",
];
/// Endings of images that are not read: of a phone, of cameras, of programs to draw and to print.
const UNREAD: [&str; 42] = [
    "avif", "heic", "heif", "hif", "jxl", "jp2", "j2k", "jpf", "jpx", "jxr", "wdp", "psd", "psb", "xcf",
    "kra", "svg", "svgz", "ai", "eps", "ico", "icns", "cur", "tga", "exr", "hdr", "dds", "qoi", "pcx", "dcm",
    "dng", "cr2", "cr3", "crw", "nef", "nrw", "arw", "srf", "sr2", "orf", "rw2", "raf", "pef",
];
/// Endings of files that are known to be no images for training, so that none is opened to see. Among them are
/// copies that programs keep of an image beside it.
const OTHERS: [&str; 66] = [
    "txt",
    "md",
    "rst",
    "pdf",
    "doc",
    "docx",
    "xls",
    "xlsx",
    "rtf",
    "log",
    "csv",
    "tsv",
    "json",
    "jsonl",
    "ndjson",
    "xml",
    "xmp",
    "yaml",
    "yml",
    "toml",
    "ini",
    "cfg",
    "html",
    "htm",
    "css",
    "js",
    "py",
    "ipynb",
    "sh",
    "rs",
    "c",
    "h",
    "cpp",
    "java",
    "m",
    "mat",
    "npy",
    "npz",
    "pkl",
    "pt",
    "pth",
    "safetensors",
    "h5",
    "hdf5",
    "tfrecord",
    "parquet",
    "arrow",
    "db",
    "sqlite",
    "zip",
    "tar",
    "gz",
    "tgz",
    "bz2",
    "xz",
    "7z",
    "rar",
    "mp4",
    "mov",
    "avi",
    "mp3",
    "wav",
    "bak",
    "tmp",
    "part",
    "thm",
];
/// Tables that say something of the images beside them.
const TABLES: [&str; 4] = ["metadata.csv", "metadata.jsonl", "metadata.parquet", "dataset.json"];

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An image of a kind that is read.
    Image,
    /// A table of labels and captions.
    Table,
    /// An image of a kind that is not read.
    Unread,
    /// Anything else.
    Other,
}

/// What the name of a file says, if it says something.
pub(super) fn by_name(path: &Path) -> Option<Kind> {
    let name = path.file_name()?.to_string_lossy().to_lowercase();
    if TABLES.contains(&&*name) {
        return Some(Kind::Table);
    }
    if name.ends_with('~') || name.ends_with("_original") {
        return Some(Kind::Other); // a copy that an editor or ExifTool keeps
    }
    let ending = Path::new(&name).extension().and_then(OsStr::to_str)?;
    let among = |endings: &[&str]| endings.contains(&ending);
    match () {
        () if among(&IMAGES) => Some(Kind::Image),
        () if among(&UNREAD) => Some(Kind::Unread),
        () if among(&OTHERS) => Some(Kind::Other),
        () => None,
    }
}

/// Whether a file is called as an image is that is read.
pub(crate) fn is_image(path: &Path) -> bool {
    by_name(path) == Some(Kind::Image)
}

/// What the first bytes of a file say.
pub(super) fn by_content(head: &[u8]) -> Kind {
    let starts = |magic: &[&[u8]]| magic.iter().any(|magic| head.starts_with(magic));
    let webp = head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP");
    if starts(&[b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*"])
        || webp
        || is_bmp(head)
        || is_pnm(head)
    {
        return Kind::Image;
    }
    let heif = head.get(4..8) == Some(b"ftyp")
        && [&b"avif"[..], b"avis", b"heic", b"heix", b"mif1", b"msf1"]
            .contains(&head.get(8..12).unwrap_or(b""));
    let jxl_or_jp2 = starts(&[b"\0\0\0\x0cJXL ", b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51"]);
    if heif || jxl_or_jp2 || starts(&[b"8BPS", b"qoif", b"\x76\x2f\x31\x01", b"<svg"]) {
        return Kind::Unread;
    }
    Kind::Other
}

/// Two letters begin a text as well: the length of the second header must be one that there is.
fn is_bmp(head: &[u8]) -> bool {
    head.starts_with(b"BM")
        && head.get(14..18).is_some_and(|length| {
            let length = u32::from_le_bytes([length[0], length[1], length[2], length[3]]);
            [12, 40, 52, 56, 64, 108, 124].contains(&length)
        })
}

/// `P1` to `P6`, and then a comment or a width and what ends it; or `P7` and a name.
fn is_pnm(head: &[u8]) -> bool {
    match head {
        [b'P', b'7', b'\n', rest @ ..] => rest.starts_with(b"WIDTH") || rest.starts_with(b"#"),
        [b'P', b'1'..=b'6', space, rest @ ..] if space.is_ascii_whitespace() => {
            let after_width = rest.trim_ascii_start().trim_ascii_start();
            let digits = after_width.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let height = after_width.get(digits..).unwrap_or_default().trim_ascii_start();
            after_width.starts_with(b"#") || (digits > 0 && height.first().is_some_and(u8::is_ascii_digit))
        }
        _ => false,
    }
}

/// How a kind of files is called where they are counted: by the ending.
pub(super) fn called(path: &Path) -> String {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    match ending {
        Some(ending) if ending.len() <= 16 && !ending.contains(char::is_control) => format!(".{ending}"),
        Some(_) => "of other endings".to_owned(),
        None => "without ending".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_a_file_is_whatever_their_case() {
        for (name, kind) in [
            ("a.JFIF", Some(Kind::Image)),
            ("a.jpe", Some(Kind::Image)),
            ("a.b.Tif", Some(Kind::Image)),
            ("a.ppm", Some(Kind::Image)),
            ("a.HEIC", Some(Kind::Unread)),
            ("a.nef", Some(Kind::Unread)),
            ("x/Metadata.CSV", Some(Kind::Table)),
            ("labels.csv", Some(Kind::Other)),
            ("a.jpg~", Some(Kind::Other)),
            ("a.jpg_original", Some(Kind::Other)),
            ("jpg", None),
            ("a.xyz", None),
        ] {
            assert_eq!(by_name(Path::new(name)), kind, "{name}");
        }
    }

    #[test]
    fn first_bytes_say_it_where_the_name_does_not() {
        let bmp = [&b"BM\x1a\0\0\0\0\0\0\0\x1a\0\0\0\x28\0\0\0"[..], &[0; 8]].concat();
        let images: [&[u8]; 9] = [
            b"\xff\xd8\xff\xe0",
            b"\x89PNG\r\n\x1a\n",
            b"GIF89a",
            b"II*\0",
            b"RIFF\0\0\0\0WEBPVP8 ",
            b"P6\n32 32\n255\n",
            b"P2 # made by hand\n",
            b"P7\nWIDTH 3\n",
            &bmp,
        ];
        assert!(images.iter().all(|head| by_content(head) == Kind::Image));
        let unread: [&[u8]; 3] = [b"\0\0\0\x20ftypavif", b"\0\0\0\x18ftypheic", b"8BPS"];
        assert!(unread.iter().all(|head| by_content(head) == Kind::Unread));
        let others: [&[u8]; 7] = [
            b"",
            b"BMW is a car, and this a text on it",
            b"P5 of this book",
            b"P5 2 be",
            b"RIFF\0\0\0\0WAVE",
            b"{",
            b"%PDF",
        ];
        for head in others {
            assert_eq!(by_content(head), Kind::Other, "{head:?}");
        }
    }
}
