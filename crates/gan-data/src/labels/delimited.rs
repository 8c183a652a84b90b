//! Tables of lines: values between commas, semicolons, tabs or blanks.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use csv::{ByteRecord, ReaderBuilder, Trim};

/// No line is longer than this, bytes.
pub(super) const MAX_LINE: usize = 1 << 20;

/// The rows of a table, its header among them.
pub(super) struct Rows<'a>(Kind<'a>);

enum Kind<'a> {
    Delimited(Box<csv::Reader<Box<dyn Read + 'a>>>),
    /// Any number of blanks between two values, which the csv crate does not read.
    Blanks(BufReader<Box<dyn Read + 'a>>),
}

impl<'a> Rows<'a> {
    /// Looks at the first line, which tells what stands between values. A first line that is a number alone, as in CelebA's
    /// lists, is passed over.
    pub(super) fn new(reader: impl Read + 'a) -> io::Result<Self> {
        let mut reader = BufReader::new(ShortLines { reader, length: 0 });
        let mut line = Vec::new();
        reader.read_until(b'\n', &mut line)?;
        if line.starts_with(b"\xff\xfe") || line.starts_with(b"\xfe\xff") {
            let reason = "it is text in UTF-16: save it again as UTF-8";
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        }
        if line.starts_with(b"\xef\xbb\xbf") {
            line.drain(..3); // a mark that some programs put before UTF-8
        }
        if line.trim_ascii().iter().all(u8::is_ascii_digit) && !line.trim_ascii().is_empty() {
            line.clear();
            reader.read_until(b'\n', &mut line)?;
        }
        let between = between(&line);
        let all: Box<dyn Read + 'a> = Box::new(Cursor::new(line).chain(reader));
        Ok(Self(match between {
            Some(delimiter) => {
                let mut builder = ReaderBuilder::new();
                builder.has_headers(false).flexible(true).delimiter(delimiter).trim(Trim::All);
                Kind::Delimited(Box::new(builder.from_reader(all)))
            }
            None => Kind::Blanks(BufReader::new(all)),
        }))
    }

    /// The next row that is not empty, or `false` at the end.
    pub(super) fn next(&mut self, row: &mut ByteRecord) -> io::Result<bool> {
        match &mut self.0 {
            Kind::Delimited(reader) => reader.read_byte_record(row).map_err(io::Error::other),
            Kind::Blanks(reader) => {
                let mut line = Vec::new();
                while reader.read_until(b'\n', &mut line)? > 0 {
                    if !line.trim_ascii().is_empty() {
                        row.clear();
                        line.split(u8::is_ascii_whitespace)
                            .filter(|value| !value.is_empty())
                            .for_each(|value| row.push_field(value));
                        return Ok(true);
                    }
                    line.clear();
                }
                Ok(false)
            }
        }
    }
}

/// What stands between the values of a line, most often; `None` if that is blanks.
fn between(line: &[u8]) -> Option<u8> {
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
    let mut quoted = false;
    for byte in line {
        quoted ^= *byte == b'"';
        for (delimiter, count) in &mut counts {
            *count += usize::from(byte == delimiter && !quoted);
        }
    }
    let (delimiter, count) = counts.into_iter().rev().max_by_key(|(_, count)| *count)?;
    let one_value = line.trim_ascii().iter().all(|byte| !byte.is_ascii_whitespace());
    (count > 0 || one_value).then_some(delimiter)
}

/// Fails where a line goes on too long: no table of labels has such, and each value costs memory.
pub(super) struct ShortLines<R> {
    pub(super) reader: R,
    pub(super) length: usize,
}

impl<R: Read> Read for ShortLines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        for byte in &buffer[..count] {
            self.length = if *byte == b'\n' { 0 } else { self.length + 1 };
            if self.length > MAX_LINE {
                let reason = format!("it has a line of more than {MAX_LINE} bytes");
                return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
            }
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &[u8]) -> io::Result<Vec<Vec<String>>> {
        let mut rows = Rows::new(text)?;
        let (mut row, mut all) = (ByteRecord::new(), Vec::new());
        while rows.next(&mut row)? {
            all.push(row.iter().map(|value| String::from_utf8_lossy(value).into_owned()).collect());
        }
        Ok(all)
    }

    #[test]
    fn values_stand_between_commas_semicolons_tabs_or_blanks() {
        let expected = [["file", "label"], ["0.jpg", "x"]];
        for text in [
            "file,label\n0.jpg,x\n",
            "\u{feff}file;label\r\n0.jpg;x",
            "file\tlabel\n\n\"0.jpg\"\t x \n",
            "\"file\" , label\n0.jpg,x",
            "2\nfile label\n\n  0.jpg    x  \n",
        ] {
            assert_eq!(rows(text.as_bytes()).unwrap(), expected, "{text:?}");
        }
        assert_eq!(rows(b"a,\"b, \"\"c\"\"\nd\"\n").unwrap(), [["a", "b, \"c\"\nd"]]);
        assert_eq!(rows(b"file\n0.jpg\n").unwrap(), [["file"], ["0.jpg"]]);
        assert_eq!(rows(b"").unwrap(), Vec::<Vec<String>>::new());
    }

    #[test]
    fn what_is_no_table_is_told() {
        let message = |text: &[u8]| rows(text).unwrap_err().to_string();
        assert!(message(b"\xff\xfea\0,\0").contains("UTF-16"));
        assert!(message(&[b','; 2 << 20]).contains("a line of more than 1048576 bytes"));
        assert!(message(&[&b"a,b\n"[..], &[b','; 2 << 20]].concat()).contains("a line of more than"));
    }
}
