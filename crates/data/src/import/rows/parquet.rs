//! Rows of Parquet files as JSON objects; pages plain or packed with Snappy or gzip.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::panic::{AssertUnwindSafe, catch_unwind};

use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::reader::RowIter;
use parquet::record::{Field, Row as Record};
use serde_json::{Map, Number, Value};

use super::{BadRow, MAX_ROW_BYTES, Numbered, Row, Rows};

/// How such a file begins.
pub(crate) const MAGIC: &[u8] = b"PAR1";

/// The rows of a file. Their numbers count from 1.
pub(crate) struct ParquetRows {
    rows: RowIter<'static>,
    header: Vec<String>,
    row: u64,
}

fn invalid(message: impl ToString) -> io::Error {
    let message = message.to_string();
    // The library names the codec and not what to do.
    let remedy =
        if message.contains("Disabled feature") { "; write it with Snappy or gzip, or as JSON lines" } else { "" };
    io::Error::new(ErrorKind::InvalidData, format!("the Parquet file cannot be read: {message}{remedy}"))
}

/// What the library reads. On broken files it panics here and there.
fn caught<T>(read: impl FnOnce() -> Result<T, ParquetError>) -> io::Result<T> {
    catch_unwind(AssertUnwindSafe(read)).map_err(|_| invalid("it is broken"))?.map_err(invalid)
}

impl ParquetRows {
    /// Opens a file.
    ///
    /// # Errors
    /// When it cannot be read or is broken.
    pub fn new(file: File) -> io::Result<ParquetRows> {
        let (rows, header) = caught(|| {
            let reader = SerializedFileReader::new(file)?;
            let columns = reader.metadata().file_metadata().schema().get_fields().iter();
            let header = columns.map(|column| column.name().to_owned()).collect();
            Ok((RowIter::from_file_into(Box::new(reader)), header))
        })?;
        Ok(ParquetRows { rows, header, row: 0 })
    }

    /// Names of the columns.
    pub fn header(&self) -> &[String] {
        &self.header
    }
}

impl Rows for ParquetRows {
    fn next_row(&mut self) -> io::Result<Option<Numbered>> {
        let Some(record) = caught(|| self.rows.next().transpose())? else { return Ok(None) };
        self.row += 1;
        let row = Row::Object(object(record));
        // Only a row that is large in memory is written out to be measured.
        let text = (row.size() > MAX_ROW_BYTES).then(|| row.to_json().to_string());
        let row = match text.filter(|text| text.len() > MAX_ROW_BYTES) {
            Some(text) => Err(BadRow::too_long(text.as_bytes(), "")),
            None => Ok(row),
        };
        Ok(Some(Numbered { line: self.row, row }))
    }
}

fn object(record: Record) -> Map<String, Value> {
    record.into_columns().into_iter().map(|(name, field)| (name, value(&field))).collect()
}

fn value(field: &Field) -> Value {
    let real = |number: f64| Number::from_f64(number).map_or(Value::Null, Value::Number);
    match field {
        Field::Null => Value::Null,
        Field::Bool(is) => Value::Bool(*is),
        Field::Byte(number) => Value::from(*number),
        Field::Short(number) => Value::from(*number),
        Field::Int(number) => Value::from(*number),
        Field::Long(number) => Value::from(*number),
        Field::UByte(number) => Value::from(*number),
        Field::UShort(number) => Value::from(*number),
        Field::UInt(number) => Value::from(*number),
        Field::ULong(number) => Value::from(*number),
        // The shortest text that reads as this number: 0.1 as it was written, not 0.10000000149.
        Field::Float(number) => number.to_string().parse().map_or(Value::Null, real),
        Field::Double(number) => real(*number),
        Field::Str(text) => Value::String(text.clone()),
        // Texts of writers that do not say that they are texts.
        Field::Bytes(bytes) => bytes.as_utf8().map_or(Value::Null, Value::from),
        Field::Group(record) => {
            Value::Object(record.get_column_iter().map(|(name, field)| (name.clone(), value(field))).collect())
        }
        Field::ListInternal(list) => Value::Array(list.elements().iter().map(value).collect()),
        Field::MapInternal(map) => {
            let entries = map.entries().iter();
            Value::Object(entries.map(|(key, field)| (name(key), value(field))).collect())
        }
        // Times, decimals and half floats: no dataset of molecules asks for more than their text.
        Field::Float16(_)
        | Field::Decimal(_)
        | Field::Date(_)
        | Field::TimeMillis(_)
        | Field::TimeMicros(_)
        | Field::TimestampMillis(_)
        | Field::TimestampMicros(_) => Value::String(field.to_string()),
    }
}

/// The key of a map as a name.
fn name(key: &Field) -> String {
    match key {
        Field::Str(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parquet::basic::Compression;
    use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, FloatType, Int32Type};
    use parquet::file::properties::WriterProperties;
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;
    use serde_json::json;

    use super::*;

    const SCHEMA: &str = "message rows {
        required binary smiles (STRING); optional double value; required float part; optional int32 count;
        optional group names (LIST) { repeated group list { optional binary element (STRING); } }
        required binary raw;
    }";

    /// Two rows; the second has nothing where that is allowed.
    fn file(compression: Compression) -> Vec<u8> {
        let schema = Arc::new(parse_message_type(SCHEMA).unwrap());
        let properties = WriterProperties::builder().set_compression(compression).build();
        let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).unwrap();
        let mut group = writer.next_row_group().unwrap();
        let text = |text: &str| ByteArray::from(text);
        let mut place = 0;
        while let Some(mut column) = group.next_column().unwrap() {
            let some: Option<&[i16]> = Some(&[1, 0]);
            match place {
                0 => column.typed::<ByteArrayType>().write_batch(&[text("CCO"), text("C")], None, None),
                1 => column.typed::<DoubleType>().write_batch(&[0.25], some, None),
                2 => column.typed::<FloatType>().write_batch(&[0.1, f32::NAN], None, None),
                3 => column.typed::<Int32Type>().write_batch(&[7], some, None),
                4 => {
                    let values = [text("ethanol"), text("spirit")];
                    column.typed::<ByteArrayType>().write_batch(&values, Some(&[3, 3, 0]), Some(&[0, 1, 0]))
                }
                _ => column.typed::<ByteArrayType>().write_batch(&[text("x"), ByteArray::from(vec![0xff])], None, None),
            }
            .unwrap();
            column.close().unwrap();
            place += 1;
        }
        group.close().unwrap();
        writer.into_inner().unwrap()
    }

    fn opened(bytes: &[u8]) -> io::Result<ParquetRows> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.parquet");
        std::fs::write(&path, bytes).unwrap();
        ParquetRows::new(File::open(path).unwrap())
    }

    fn all(mut rows: ParquetRows) -> io::Result<Vec<Numbered>> {
        std::iter::from_fn(|| rows.next_row().transpose()).collect()
    }

    #[test]
    fn rows_are_objects() {
        for compression in [Compression::UNCOMPRESSED, Compression::SNAPPY, Compression::GZIP(Default::default())] {
            let rows = opened(&file(compression)).unwrap();
            assert_eq!(rows.header(), ["smiles", "value", "part", "count", "names", "raw"]);
            let found: Vec<(u64, Value)> =
                all(rows).unwrap().into_iter().map(|row| (row.line, row.row.unwrap().to_json())).collect();
            let first = json!({"smiles": "CCO", "value": 0.25, "part": 0.1, "count": 7, "names": ["ethanol", "spirit"],
                "raw": "x"});
            let second = json!({"smiles": "C", "value": null, "part": null, "count": null, "names": null, "raw": null});
            assert_eq!(found, [(1, first), (2, second)]);
        }
    }

    #[test]
    fn broken_files_are_errors() {
        let whole = file(Compression::SNAPPY);
        for end in [0, 4, 8, whole.len() / 2, whole.len() - 1] {
            assert!(opened(&whole[..end]).and_then(all).is_err(), "cut at {end}");
        }
        for place in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[place] ^= 0x55;
            // An error or other values, and no panic.
            let _ = opened(&bytes).and_then(all);
        }
    }
}
