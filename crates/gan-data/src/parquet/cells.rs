//! The values of one column of a parquet file.

use ::parquet::basic::{ConvertedType, LogicalType, Type};
use ::parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_typed_column_reader};
use ::parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FloatType, Int32Type, Int64Type,
};
use ::parquet::errors::ParquetError;
use ::parquet::schema::types::ColumnDescriptor;

use crate::labels::Value;

/// Rows taken out of a column at a time: few, since each may hold a photo of many megabytes.
const CHUNK: usize = 16;

/// A column of one row group, read in chunks: at most one value a row.
pub(super) struct Column<T: DataType> {
    reader: ColumnReaderImpl<T>,
    values: Vec<T::T>,
    levels: Vec<i16>,
    present: i16,
}

impl<T: DataType> Column<T> {
    /// The reader's physical type must be `T`. `present` is the definition level of a value that is there.
    pub(super) fn new(reader: ColumnReader, present: i16) -> Self {
        Self { reader: get_typed_column_reader(reader), values: Vec::new(), levels: Vec::new(), present }
    }

    /// The values of the next rows; none at the end of the row group.
    pub(super) fn next(&mut self) -> Result<Vec<Option<T::T>>, ParquetError> {
        self.values.clear();
        self.levels.clear();
        let (rows, _, _) = self.reader.read_records(CHUNK, Some(&mut self.levels), None, &mut self.values)?;
        if self.present == 0 {
            self.levels.resize(rows, 0); // where no value can be missing, there are no levels
        }
        let mut values = self.values.drain(..);
        Ok(self
            .levels
            .iter()
            .map(|&level| if level == self.present { values.next() } else { None })
            .collect())
    }
}

/// A value of a column of any type that can be a class.
#[derive(Clone, Debug)]
pub(crate) enum Cell {
    Int(i64),
    Float(f64),
    Bool(bool),
    Bytes(ByteArray),
}

impl Cell {
    /// What it says of a class.
    pub(crate) fn value(&self) -> Value<'_> {
        match self {
            Self::Int(number) => Value::Int(*number),
            Self::Float(float) => Value::Float(*float),
            Self::Bool(answer) => Value::Text(if *answer { "true" } else { "false" }.into()),
            Self::Bytes(bytes) => Value::Text(String::from_utf8_lossy(bytes.data())),
        }
    }
}

/// A column of values that can be classes. Dictionaries are the reader's affair: what comes are their values.
pub(super) enum Cells {
    Bool(Column<BoolType>),
    Int32(Column<Int32Type>),
    Unsigned32(Column<Int32Type>),
    Int64(Column<Int64Type>),
    Float(Column<FloatType>),
    Double(Column<DoubleType>),
    Bytes(Column<ByteArrayType>),
}

impl Cells {
    /// Whether values of this column can be classes: one a row, of a type that has words or numbers.
    pub(super) fn can_read(column: &ColumnDescriptor) -> bool {
        let is_number = match column.logical_type_ref() {
            None | Some(LogicalType::String | LogicalType::Enum | LogicalType::Integer { .. }) => true,
            Some(_) => false, // dates, decimals and the like
        };
        column.max_rep_level() == 0
            && is_number
            && !matches!(column.physical_type(), Type::INT96 | Type::FIXED_LEN_BYTE_ARRAY)
    }

    /// The values of a column that [can be read](Self::can_read).
    pub(super) fn new(reader: ColumnReader, column: &ColumnDescriptor) -> Self {
        let present = column.max_def_level();
        match column.physical_type() {
            Type::BOOLEAN => Self::Bool(Column::new(reader, present)),
            Type::INT32 if column.converted_type() == ConvertedType::UINT_32 => {
                Self::Unsigned32(Column::new(reader, present))
            }
            Type::INT32 => Self::Int32(Column::new(reader, present)),
            Type::FLOAT => Self::Float(Column::new(reader, present)),
            Type::DOUBLE => Self::Double(Column::new(reader, present)),
            Type::BYTE_ARRAY => Self::Bytes(Column::new(reader, present)),
            _ => Self::Int64(Column::new(reader, present)),
        }
    }

    /// The values of the next rows; none at the end of the row group.
    pub(super) fn next(&mut self) -> Result<Vec<Option<Cell>>, ParquetError> {
        fn cells<T>(values: Vec<Option<T>>, cell: impl Fn(T) -> Cell) -> Vec<Option<Cell>> {
            values.into_iter().map(|value| value.map(&cell)).collect()
        }
        Ok(match self {
            Self::Bool(column) => cells(column.next()?, Cell::Bool),
            Self::Int32(column) => cells(column.next()?, |number| Cell::Int(number.into())),
            Self::Unsigned32(column) => cells(column.next()?, |number| Cell::Int((number as u32).into())),
            Self::Int64(column) => cells(column.next()?, Cell::Int),
            Self::Float(column) => cells(column.next()?, |float| Cell::Float(float.into())),
            Self::Double(column) => cells(column.next()?, Cell::Float),
            Self::Bytes(column) => cells(column.next()?, Cell::Bytes),
        })
    }
}
