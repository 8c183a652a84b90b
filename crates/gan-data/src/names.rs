//! Names of files as bytes, which is what they are in archives and on most systems, and as text that is shown.

use std::ffi::OsStr;
use std::fmt::Write;
use std::path::PathBuf;

/// The path of these bytes, whatever they are: different bytes are different paths.
#[cfg(unix)]
pub(crate) fn path(bytes: &[u8]) -> PathBuf {
    <OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(bytes).into()
}

/// The path of these bytes, whatever they are: different bytes are different paths. Where a path is text, what is no
/// UTF-8 stands in it as characters that are nobody's (U+F780 and on, for bytes from 0x80 on).
#[cfg(not(unix))]
pub(crate) fn path(bytes: &[u8]) -> PathBuf {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text += chunk.valid();
        text.extend(chunk.invalid().iter().filter_map(|&byte| char::from_u32(0xF700 + u32::from(byte))));
    }
    text.into()
}

/// A name as one line that a terminal only prints: control characters, and bytes that are no UTF-8, become `\x1b`.
pub(crate) fn shown(name: &OsStr) -> String {
    let mut text = String::new();
    for chunk in name.as_encoded_bytes().utf8_chunks() {
        for c in chunk.valid().chars() {
            if c.is_control() {
                let _ = write!(text, "\\x{:02x}", u32::from(c)); // a String takes everything
            } else {
                text.push(c);
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_stay_different_whatever_their_bytes() {
        let names: [&[u8]; 5] = [b"\xe4.jpg", b"\xf6.jpg", b"\xfc.jpg", "ä.jpg".as_bytes(), b"a\x01.jpg"];
        let paths = names.map(path);
        for (i, one) in paths.iter().enumerate() {
            assert!(paths[..i].iter().all(|other| other != one), "{one:?}");
        }
        let shown = paths.each_ref().map(|path| shown(path.as_os_str()));
        if cfg!(unix) {
            assert_eq!(shown, ["\\xe4.jpg", "\\xf6.jpg", "\\xfc.jpg", "ä.jpg", "a\\x01.jpg"]);
        }
    }

    #[test]
    fn what_is_shown_does_not_move_the_cursor() {
        assert_eq!(shown(path(b"a\x1b[2J\n\xc2\x9b.png").as_os_str()), "a\\x1b[2J\\x0a\\x9b.png");
    }
}
