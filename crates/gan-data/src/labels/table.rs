//! A table of what images show, of any kind.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use csv::ByteRecord;

use super::columns::{Asked, Chosen, Columns, choose};
use super::delimited::{Rows, ShortLines};
use super::{Value, json, one_line};
use crate::{Error, Result, files};

/// The largest table that is read, bytes.
pub(super) const MAX_TABLE: u64 = 256 << 20;
/// The most rows.
pub(super) const MAX_ROWS: usize = 20_000_000;
/// The most columns.
const MAX_COLUMNS: usize = 10_000;
/// So many lines of JSON are looked at for what they hold.
const LOOKED_AT: usize = 1000;

type Object = serde_json::Map<String, serde_json::Value>;

/// The kinds, that which is read first where several lie in a folder first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Delimited,
    Lines,
    Parquet,
    /// Of StyleGAN's dataset tool.
    DatasetJson,
}

/// A table.
#[derive(Debug)]
pub(crate) struct Table {
    /// For messages.
    pub(super) path: PathBuf,
    /// The folder that it tells of: empty, or with a slash at the end.
    pub(super) folder: String,
    pub(super) kind: Kind,
    file: File,
}

/// What a table says of an image.
pub(super) struct Row<'a> {
    pub(super) file: &'a str,
    /// An error in words if it is no class.
    pub(super) label: std::result::Result<Option<Value<'a>>, &'static str>,
    pub(super) caption: &'a str,
}

/// Is shown each row.
type Visit<'a> = dyn FnMut(Row<'_>) -> Result<()> + 'a;

impl Table {
    /// A table that lies beside the images: `name` is its path among them, `path` that of messages.
    ///
    /// # Errors
    /// If it is too large.
    pub(crate) fn beside(path: PathBuf, name: &str, file: File) -> Result<Self> {
        let (folder, name) = name.rsplit_once('/').map_or(("", name), |(folder, name)| (folder, name));
        let folder = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let kind = match &*name.to_lowercase() {
            "dataset.json" => Kind::DatasetJson,
            name if name.ends_with(".jsonl") => Kind::Lines,
            name if name.ends_with(".parquet") => Kind::Parquet,
            _ => Kind::Delimited,
        };
        Self { path, folder, kind, file }.checked()
    }

    /// A table at this path, for all images.
    pub(super) fn at(path: &Path) -> Result<Self> {
        let (mut file, _) = files::open(path)?;
        let mut start = Vec::new();
        let mut head = |file: &mut File| -> io::Result<()> {
            file.take(512).read_to_end(&mut start)?;
            file.rewind()
        };
        head(&mut file).map_err(Error::reading(path))?;
        let is_json = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
        let kind = match start.trim_ascii_start() {
            [b'P', b'A', b'R', b'1', ..] => Kind::Parquet,
            [b'{', ..] if is_json => Kind::DatasetJson,
            [b'{', ..] => Kind::Lines,
            _ => Kind::Delimited,
        };
        Self { path: path.to_owned(), folder: String::new(), kind, file }.checked()
    }

    fn checked(self) -> Result<Self> {
        let length = self.file.metadata().map_err(Error::reading(&self.path))?.len();
        if length > MAX_TABLE && self.kind != Kind::Parquet {
            let reason = format!("has {length} bytes: a table of labels has {MAX_TABLE} at most");
            return Err(Error::LabelTable { path: self.path, reason });
        }
        Ok(self)
    }

    /// How many folders it lies in.
    pub(super) fn depth(&self) -> usize {
        self.folder.matches('/').count()
    }

    /// Shows `visit` every row, and gives what the columns were taken for: `None` if no column has names of files, and no
    /// labels are asked for.
    pub(super) fn read(
        &self,
        asked: Asked<'_>,
        is_image: &dyn Fn(&str) -> bool,
        visit: &mut Visit<'_>,
    ) -> Result<Option<Columns>> {
        let mut rows = 0;
        let mut visit = |row: Row<'_>| {
            rows += 1;
            if rows > MAX_ROWS {
                return Err(self.fault(format!("has more than {MAX_ROWS} rows")));
            }
            visit(row)
        };
        let mut file = &self.file;
        file.rewind().map_err(Error::reading(&self.path))?;
        let within = file.take(MAX_TABLE);
        match self.kind {
            Kind::Delimited => self.read_delimited(within, asked, is_image, &mut visit),
            Kind::Lines => self.read_lines(asked, is_image, &mut visit),
            Kind::DatasetJson => self.read_dataset_json(within, asked, &mut visit),
            Kind::Parquet => self.read_parquet(asked, &mut visit),
        }
    }

    /// Chooses among columns, or says why that cannot be: `None` if the table is none of labels, and need not be.
    fn choose(
        &self,
        names: &[String],
        names_image: impl Fn(usize) -> bool,
        asked: Asked<'_>,
    ) -> Result<Option<(Chosen, Columns)>> {
        if names.len() > MAX_COLUMNS {
            return Err(self.fault(format!("has more than {MAX_COLUMNS} columns")));
        }
        match choose(names, names_image, asked) {
            Ok(chosen) => {
                let name = |place: usize| one_line(&names[place]);
                let (label, caption) = (chosen.label.map(name), chosen.caption.map(name));
                let decides = label.is_some();
                Ok(Some((chosen, Columns { label, caption, decides })))
            }
            Err(reason) if asked.labels || asked.column.is_some() => {
                let reason = one_line(&reason);
                Err(Error::Column { path: self.path.clone(), reason, flag: "--label-column" })
            }
            Err(_) => Ok(None),
        }
    }

    fn read_delimited(
        &self,
        reader: impl Read,
        asked: Asked<'_>,
        is_image: &dyn Fn(&str) -> bool,
        visit: &mut Visit<'_>,
    ) -> Result<Option<Columns>> {
        let fault = |error: io::Error| self.fault_of(&error);
        let mut rows = Rows::new(reader).map_err(fault)?;
        let (mut header, mut row) = (ByteRecord::new(), ByteRecord::new());
        rows.next(&mut header).map_err(fault)?;
        let mut more = rows.next(&mut row).map_err(fault)?;
        let text = |record: &ByteRecord, place: usize| -> String {
            String::from_utf8_lossy(record.get(place).unwrap_or_default()).into_owned()
        };
        let mut names: Vec<String> = (0..header.len()).map(|place| text(&header, place)).collect();
        let without_header = names.iter().any(|name| is_image(name));
        if without_header {
            names = (1..=names.len()).map(|number| format!("column {number}")).collect();
        } else if row.len() == names.len() + 1 && is_image(&text(&row, 0)) {
            names.insert(0, "file_name".to_owned()); // CelebA's lists do not name it
        }
        let first = if without_header { &header } else { &row };
        let Some((chosen, columns)) = self.choose(&names, |place| is_image(&text(first, place)), asked)?
        else {
            return Ok(None);
        };
        let mut show = |record: &ByteRecord| {
            let value = |place: usize| String::from_utf8_lossy(record.get(place).unwrap_or_default());
            visit(Row {
                file: &value(chosen.file),
                label: Ok(chosen.label.map(|place| Value::Text(value(place)))),
                caption: &chosen.caption.map(value).unwrap_or_default(),
            })
        };
        if without_header {
            show(&header)?;
        }
        while more {
            show(&row)?;
            more = rows.next(&mut row).map_err(fault)?;
        }
        Ok(Some(columns))
    }

    fn read_lines(
        &self,
        asked: Asked<'_>,
        is_image: &dyn Fn(&str) -> bool,
        visit: &mut Visit<'_>,
    ) -> Result<Option<Columns>> {
        // A line may lack what others have: the columns are those of the first lines together.
        let (mut first, mut names, mut lines) = (Object::new(), BTreeSet::new(), 0);
        let looked = self.for_each_object(&mut |object| {
            names.extend(object.keys().cloned());
            if first.is_empty() {
                first = object;
            }
            lines += 1;
            Ok(lines < LOOKED_AT && names.len() <= MAX_COLUMNS)
        });
        if lines == 0 {
            looked?; // a fault further down is met below
        }
        let names: Vec<String> = names.into_iter().collect();
        let text = |object: &Object, place: usize| -> String {
            let value = object.get(&names[place]).and_then(|value| value.as_str());
            value.unwrap_or_default().to_owned()
        };
        let names_image = |place: usize| is_image(&text(&first, place));
        let Some((chosen, columns)) = self.choose(&names, names_image, asked)? else { return Ok(None) };
        self.for_each_object(&mut |object| {
            let label = chosen.label.and_then(|place| object.get(&names[place]));
            visit(Row {
                file: &text(&object, chosen.file),
                label: label.map_or(Ok(None), json::label),
                caption: &chosen.caption.map(|place| text(&object, place)).unwrap_or_default(),
            })?;
            Ok(true)
        })?;
        Ok(Some(columns))
    }

    /// Shows `visit` each object of a file with one a line, as long as it gives true.
    fn for_each_object(&self, visit: &mut dyn FnMut(Object) -> Result<bool>) -> Result<()> {
        let mut file = &self.file;
        file.rewind().map_err(Error::reading(&self.path))?;
        let mut reader = BufReader::new(ShortLines { reader: file.take(MAX_TABLE), length: 0 });
        let mut line = Vec::new();
        for number in 1usize.. {
            line.clear();
            if reader.read_until(b'\n', &mut line).map_err(|error| self.fault_of(&error))? == 0 {
                break;
            }
            let text = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line).trim_ascii();
            if text.is_empty() {
                continue;
            }
            let object = serde_json::from_slice(text)
                .map_err(|error| self.fault(format!("line {number} is no object of JSON: {error}")))?;
            if !visit(object)? {
                break;
            }
        }
        Ok(())
    }

    fn read_dataset_json(
        &self,
        reader: impl Read,
        asked: Asked<'_>,
        visit: &mut Visit<'_>,
    ) -> Result<Option<Columns>> {
        let (mut fault, mut seen) = (None, false);
        let read = json::read_dataset_json(BufReader::new(reader), &mut |file, label| {
            seen = true;
            if fault.is_none() {
                fault = visit(Row { file: &file, label, caption: "" }).err();
            }
        });
        match (fault, read) {
            (Some(fault), _) => Err(fault),
            (None, Ok(labels)) => {
                let label = labels.then(|| "labels".to_owned());
                Ok(Some(Columns { label, caption: None, decides: true }))
            }
            (None, Err(error)) if seen || asked.labels => {
                Err(self.fault(format!("is no list of labels: {error}")))
            }
            (None, Err(_)) => Ok(None), // of another program
        }
    }

    #[cfg(feature = "hub")]
    fn read_parquet(&self, asked: Asked<'_>, visit: &mut Visit<'_>) -> Result<Option<Columns>> {
        let file = self.file.try_clone().map_err(Error::reading(&self.path))?;
        let sheet = crate::parquet::Sheet::open(&self.path, file)?;
        let Some((chosen, columns)) = self.choose(sheet.names(), |_| false, asked)? else { return Ok(None) };
        let text = |cell: &Option<crate::parquet::Cell>| match cell.as_ref().map(crate::parquet::Cell::value)
        {
            Some(Value::Text(text)) => text.into_owned(),
            Some(Value::Int(number)) => number.to_string(),
            _ => String::new(),
        };
        sheet.for_each_row([Some(chosen.file), chosen.label, chosen.caption], |[file, label, caption]| {
            visit(Row {
                file: &text(file),
                label: Ok(label.as_ref().map(crate::parquet::Cell::value)),
                caption: &text(caption),
            })
        })?;
        Ok(Some(columns))
    }

    #[cfg(not(feature = "hub"))]
    fn read_parquet(&self, asked: Asked<'_>, _: &mut Visit<'_>) -> Result<Option<Columns>> {
        if asked.labels || asked.column.is_some() {
            return Err(Error::WithoutHub { dataset: self.path.display().to_string() });
        }
        Ok(None)
    }

    fn fault_of(&self, error: &io::Error) -> Error {
        self.fault(format!("cannot be read: {}", one_line(&error.to_string())))
    }

    fn fault(&self, reason: String) -> Error {
        Error::LabelTable { path: self.path.clone(), reason }
    }
}
