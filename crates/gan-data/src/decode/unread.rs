//! What a file is that is not read, so that the message can say it.

use ::image::ImageFormat;

use super::Fault;

const CONVERT: &str = "convert it to PNG or JPEG";
const FETCH: &str = "fetch the image again: this is what came in its place";

/// How files of other formats begin, what they are, and what to do.
const STARTS: [(&[u8], &str, &str); 18] = [
    (b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL image", CONVERT),
    (b"\xff\x0a", "a JPEG XL image", CONVERT),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 image", CONVERT),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 image", CONVERT),
    (b"II+\0", "a BigTIFF image", CONVERT),
    (b"MM\0+", "a BigTIFF image", CONVERT),
    (b"8BPS", "a Photoshop file", CONVERT),
    (b"\0\0\x01\0", "an icon (ICO)", CONVERT),
    (b"qoif", "a QOI image", CONVERT),
    (b"v/1\x01", "an OpenEXR image", CONVERT),
    (b"#?RADIANCE", "a Radiance HDR image", CONVERT),
    (b"DDS ", "a DDS texture", CONVERT),
    (b"%PDF", "a PDF document", CONVERT),
    (b"<svg", "an SVG drawing", CONVERT),
    (b"<?xml", "an XML file, perhaps an SVG drawing", CONVERT),
    (b"<!doctype html", "a web page", FETCH),
    (b"<html", "a web page", FETCH),
    (b"version https://git-lfs", "a pointer of Git LFS", "fetch what it stands for with `git lfs pull`"),
];
/// Brands of files that begin as MP4 does.
const BRANDS: [(&[u8], &str); 11] = [
    (b"avif", "an AVIF image"),
    (b"avis", "an AVIF image"),
    (b"heic", "a HEIC image"),
    (b"heix", "a HEIC image"),
    (b"hevc", "a HEIC image"),
    (b"heim", "a HEIC image"),
    (b"heis", "a HEIC image"),
    (b"mif1", "a HEIF image"),
    (b"msf1", "a HEIF image"),
    (b"crx ", "a raw photo (CR3)"),
    (b"qt  ", "a video"),
];

/// What these bytes are, if that is known.
pub(super) fn format(bytes: &[u8]) -> Option<Fault> {
    let fault = |what: &str, hint| Some(Fault::Unread { what: what.to_owned(), hint });
    if bytes.get(4..8) == Some(b"ftyp") {
        // The first brand, and those that it is compatible with: an AVIF may call itself mif1 first.
        let length = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize;
        let head = &bytes[8..length.clamp(8, 256).min(bytes.len())];
        let has = |brand: &[u8]| head.chunks_exact(4).any(|found| found == brand);
        return match BRANDS.iter().find(|(brand, _)| has(brand)) {
            Some((_, what)) => fault(what, CONVERT),
            None => fault("a video", "take single images out of it"),
        };
    }
    let text = bytes.trim_ascii_start();
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let begins = |start: &[u8]| {
        let is = |bytes: &[u8]| bytes.get(..start.len()).is_some_and(|b| b.eq_ignore_ascii_case(start));
        if start[0] == b'<' { is(text) } else { bytes.starts_with(start) }
    };
    let (_, what, hint) = STARTS.iter().find(|(start, ..)| begins(start))?;
    fault(what, *hint)
}

/// A format that the decoders' crate knows by name.
pub(super) fn named(format: ImageFormat) -> Fault {
    Fault::Unread { what: format!("of the format {format:?}"), hint: CONVERT }
}

/// A TIFF of a kind that is not read.
pub(super) fn tiff() -> Fault {
    let what = "a TIFF image of another kind than gray, RGB or CMYK with 8 or 16 bits";
    Fault::Unread { what: what.to_owned(), hint: "convert it to one of those, or to PNG or JPEG" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_another_format_is_named() {
        for (bytes, named) in [
            (&b"\0\0\0\x1cftypmif1\0\0\0\0avifmif1miaf"[..], "an AVIF image"),
            (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a HEIC image"),
            (b"\0\0\0\x18ftypisom\0\0\0\0mp42isom", "a video"),
            (b"\0\0\0\x18ftyp", "a video"),
            (b"\xff\x0a\xfa\x7f", "a JPEG XL image"),
            (b"II+\0\x08\0\0\0", "a BigTIFF image"),
            (b"\r\n <!DOCTYPE HTML><title>Not found</title>", "a web page"),
            (b"<svg xmlns=\"\">", "an SVG drawing"),
            (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS"),
        ] {
            let Some(Fault::Unread { what, hint }) = format(bytes) else { panic!("{named}") };
            assert_eq!(what, named);
            assert!(!hint.is_empty());
        }
        assert!(format(b"some text").is_none() && format(b"").is_none() && format(b"\0\0\0\0ftyp").is_some());
    }
}
