//! JSON objects as the rows of a Parquet file.
//!
//! Texts are `STRING`, numbers 64-bit integers, chats `LIST`s of structs: the forms that pyarrow, pandas and `datasets` read without being told
//! anything. Pages are not compressed, so that no compression library is needed.

use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::parser::parse_message_type;
use serde_json::{Map, Value};

/// Rows that are buffered together.
const ROW_GROUP: usize = 10_000;

/// A column of a table.
#[derive(Clone, Debug)]
pub(crate) enum Column {
    /// Text, or null.
    Text(&'static str),
    /// A whole number, or null.
    Number(&'static str),
    /// A list of messages with `role` and `content`.
    Chat(&'static str),
    /// An object.
    Struct(&'static str, Vec<Column>),
}

/// What a leaf of the schema holds.
enum Leaf {
    Text,
    Number,
    /// This member of the messages.
    Message(&'static str),
}

impl Column {
    /// Text columns of these names.
    pub fn texts(names: &[&'static str]) -> Vec<Column> {
        names.iter().map(|name| Column::Text(name)).collect()
    }

    fn schema(&self) -> String {
        match self {
            Column::Text(name) => format!("optional binary {name} (STRING);"),
            Column::Number(name) => format!("optional int64 {name};"),
            Column::Chat(name) => format!(
                "required group {name} (LIST) {{ repeated group list {{ required group element {{ \
                 required binary role (STRING); required binary content (STRING); }} }} }}"
            ),
            Column::Struct(name, members) => {
                let members: Vec<String> = members.iter().map(Column::schema).collect();
                format!("required group {name} {{ {} }}", members.join(" "))
            }
        }
    }

    /// The leaves in the order of the schema, each with the names that lead to it.
    fn leaves(&self, above: &[&'static str], found: &mut Vec<(Vec<&'static str>, Leaf)>) {
        let path = |name| [above, &[name]].concat();
        match self {
            Column::Text(name) => found.push((path(name), Leaf::Text)),
            Column::Number(name) => found.push((path(name), Leaf::Number)),
            Column::Chat(name) => {
                found.extend(["role", "content"].map(|member| (path(name), Leaf::Message(member))));
            }
            Column::Struct(name, members) => members.iter().for_each(|member| member.leaves(&path(name), found)),
        }
    }
}

/// The bytes of a file with these rows. Members that no column names are left out.
pub(crate) fn write(rows: &[Map<String, Value>], columns: &[Column]) -> Result<Vec<u8>, ParquetError> {
    let schema: Vec<String> = columns.iter().map(Column::schema).collect();
    let schema = parse_message_type(&format!("message rows {{ {} }}", schema.join(" ")))?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::UNCOMPRESSED)
        .set_created_by(concat!("chem-r ", env!("CARGO_PKG_VERSION")).to_owned())
        .build();
    let mut leaves = Vec::new();
    columns.iter().for_each(|column| column.leaves(&[], &mut leaves));
    let mut writer = SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(properties))?;
    for rows in rows.chunks(ROW_GROUP) {
        let mut group = writer.next_row_group()?;
        for (path, leaf) in &leaves {
            let mut column = group
                .next_column()?
                .ok_or_else(|| ParquetError::General(format!("the schema lacks {}", path.join("."))))?;
            let values: Vec<Option<&Value>> = rows.iter().map(|row| at(row, path)).collect();
            match leaf {
                Leaf::Text => texts(&mut column, &values)?,
                Leaf::Number => numbers(&mut column, &values)?,
                Leaf::Message(member) => messages(&mut column, &values, member)?,
            }
            column.close()?;
        }
        group.close()?;
    }
    // Also writes the footer.
    writer.into_inner()
}

fn at<'a>(row: &'a Map<String, Value>, path: &[&str]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(row.get(*first)?, |value, name| value.get(name))
}

/// Definition levels of optional values.
fn levels<T>(values: &[Option<T>]) -> Vec<i16> {
    values.iter().map(|value| i16::from(value.is_some())).collect()
}

fn texts(column: &mut SerializedColumnWriter<'_>, values: &[Option<&Value>]) -> Result<(), ParquetError> {
    let found: Vec<Option<ByteArray>> = values.iter().map(|value| bytes((*value)?)).collect();
    let defined = levels(&found);
    let found: Vec<ByteArray> = found.into_iter().flatten().collect();
    column.typed::<ByteArrayType>().write_batch(&found, Some(&defined), None)?;
    Ok(())
}

fn numbers(column: &mut SerializedColumnWriter<'_>, values: &[Option<&Value>]) -> Result<(), ParquetError> {
    let found: Vec<Option<i64>> = values.iter().map(|value| (*value)?.as_i64()).collect();
    let defined = levels(&found);
    let found: Vec<i64> = found.into_iter().flatten().collect();
    column.typed::<Int64Type>().write_batch(&found, Some(&defined), None)?;
    Ok(())
}

/// One member of the messages of every chat. A repetition level of 0 begins a row; a definition level of 0 is a chat without messages.
fn messages(
    column: &mut SerializedColumnWriter<'_>,
    values: &[Option<&Value>],
    member: &str,
) -> Result<(), ParquetError> {
    let (mut found, mut defined, mut repeated) = (Vec::new(), Vec::new(), Vec::new());
    for value in values {
        let chat = value.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        if chat.is_empty() {
            defined.push(0);
            repeated.push(0);
        }
        for (place, message) in chat.iter().enumerate() {
            found.push(bytes(&message[member]).unwrap_or_default());
            defined.push(1);
            repeated.push(i16::from(place > 0));
        }
    }
    column.typed::<ByteArrayType>().write_batch(&found, Some(&defined), Some(&repeated))?;
    Ok(())
}

fn bytes(value: &Value) -> Option<ByteArray> {
    Some(value.as_str()?.as_bytes().to_vec().into())
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Write;

    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field;
    use serde_json::json;

    use super::*;

    fn value(field: &Field) -> Value {
        match field {
            Field::Null => Value::Null,
            Field::Str(text) => json!(text),
            Field::Long(number) => json!(number),
            Field::Group(row) => {
                Value::Object(row.get_column_iter().map(|(name, field)| (name.clone(), value(field))).collect())
            }
            Field::ListInternal(list) => list.elements().iter().map(value).collect(),
            other => panic!("{other:?}"),
        }
    }

    /// The rows of a file.
    pub fn read(file: Vec<u8>) -> Vec<Value> {
        let mut stored = tempfile::tempfile().unwrap();
        stored.write_all(&file).unwrap();
        let reader = SerializedFileReader::new(stored).unwrap();
        let rows = reader.get_row_iter(None).unwrap();
        rows.map(|row| value(&Field::Group(row.unwrap()))).collect()
    }

    #[test]
    fn rows_come_back() {
        let columns = [
            Column::Chat("prompt"),
            Column::Text("reference"),
            Column::Struct("extra", vec![Column::Number("index"), Column::Text("note")]),
        ];
        let chat =
            |texts: &[&str]| texts.iter().map(|text| json!({"role": "user", "content": text})).collect::<Value>();
        let mut rows = Vec::new();
        for index in 0..ROW_GROUP + 3 {
            let prompt = chat(&["", "é\n\"", "third"][..index % 4 % 3]);
            let note = (index % 2 == 0).then(|| format!("note {index}"));
            rows.push(json!({"prompt": prompt, "reference": "CCO", "extra": {"index": index, "note": note}}));
        }
        rows[1]["reference"] = Value::Null;
        let maps: Vec<Map<String, Value>> = rows.iter().map(|row| row.as_object().unwrap().clone()).collect();
        let file = write(&maps, &columns).unwrap();
        assert_eq!(file, write(&maps, &columns).unwrap());
        assert_eq!(read(file), rows);
        assert_eq!(read(write(&[], &columns).unwrap()), Vec::<Value>::new());
    }
}
