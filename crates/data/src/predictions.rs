//! Files of predictions: what a model answered, beside the references.
//!
//! CSV with a header row (tab-separated when the header holds tabs and no comma), or one JSON object a line; plain or gzipped, told
//! apart by their first bytes. The reference stands in the
//! column `ground_truth` or `reference` (or `ground truth`), the prediction in `output` or `prediction`; in JSON a prediction may be a list, best
//! first. A column `task` may name the task of each row. All other columns are the question. A file of examples is the same without predictions.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use flate2::read::MultiGzDecoder;
use serde_json::{Map, Value};

use crate::DataError;

/// The third is how MolT5 writes it.
const REFERENCE: [&str; 3] = ["ground_truth", "reference", "ground truth"];
const PREDICTION: [&str; 2] = ["output", "prediction"];

/// Longest line of JSON that is read, in bytes.
pub(crate) const MAX_LINE: usize = 1 << 20;

/// One row of a file of predictions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Predicted {
    /// Its place in the file, from 1: the record of a CSV file below the header, the line of a JSONL file.
    pub row: usize,
    pub reference: String,
    /// Best first; empty when the model gave none (an empty field, `null`).
    pub predictions: Vec<String>,
    /// The column `task`, if it names one.
    pub task: Option<String>,
    /// All other columns that hold something: the question.
    pub fields: BTreeMap<String, String>,
}

impl Predicted {
    fn holds_lines(&self) -> bool {
        self.predictions.iter().chain([&self.reference]).any(|text| text.contains('\n'))
    }
}

/// A file of predictions in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Predictions {
    /// Names of the other columns that any row has: the question.
    pub columns: Vec<String>,
    pub rows: Vec<Predicted>,
}

/// Reads a file of predictions; `-` is standard input.
///
/// # Errors
/// When the file cannot be read, has no row, lacks a column, or a row has another shape than the header; with the row.
pub fn read(path: &Path) -> Result<Predictions, DataError> {
    read_table(path, true)
}

/// Reads a file of rows with references, in which predictions may be missing.
///
/// # Errors
/// As [`read`].
pub fn read_references(path: &Path) -> Result<Predictions, DataError> {
    read_table(path, false)
}

fn read_table(path: &Path, is_predicted: bool) -> Result<Predictions, DataError> {
    let bytes = read_bytes(path).map_err(|source| DataError::Predictions { path: path.to_owned(), source })?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let Some(first) = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) else {
        return Err(at(path, 0, "the file is empty".into()));
    };
    let found = if *first == b'{' { json_lines(path, bytes, is_predicted) } else { csv(path, bytes, is_predicted) }?;
    if found.rows.is_empty() {
        return Err(at(path, 0, "the file has no rows".into()));
    }
    Ok(found)
}

/// The bytes of a file, unpacked when it is gzipped; `-` is standard input.
fn read_bytes(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if path.as_os_str() == "-" {
        std::io::stdin().read_to_end(&mut bytes)?;
    } else {
        File::open(path)?.read_to_end(&mut bytes)?;
    }
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes);
    }
    let mut plain = Vec::new();
    MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut plain)?;
    Ok(plain)
}

fn at(path: &Path, row: usize, message: String) -> DataError {
    DataError::Table { path: path.to_owned(), row, message }
}

fn lacks(names: &[&str], found: &[&str]) -> String {
    format!(
        "there is no column `{}` (or `{}`); there are: {}; predictions are CSV with a header row or one JSON object a line",
        names[0],
        names[1],
        found.join(", ")
    )
}

fn csv(path: &Path, bytes: &[u8], is_predicted: bool) -> Result<Predictions, DataError> {
    let header = bytes.split(|byte| *byte == b'\n').find(|line| !line.trim_ascii().is_empty()).unwrap_or_default();
    let delimiter = if header.contains(&b'\t') && !header.contains(&b',') { b'\t' } else { b',' };
    // Quotes mean nothing in files separated by tabs.
    let is_quoted = delimiter != b'\t';
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).quoting(is_quoted).from_reader(bytes);
    let header = reader.headers().map_err(|error| at(path, 0, csv_message(&error)))?.clone();
    let names: Vec<&str> = header.iter().map(str::trim).collect();
    let position = |wanted: &str| names.iter().position(|name| *name == wanted);
    let one_of =
        |wanted: &[&str]| wanted.iter().copied().find_map(position).ok_or_else(|| at(path, 0, lacks(wanted, &names)));
    let (reference, task) = (one_of(&REFERENCE)?, position("task"));
    let prediction = if is_predicted { Some(one_of(&PREDICTION)?) } else { PREDICTION.into_iter().find_map(position) };
    let is_question = |index: usize| ![Some(reference), prediction, task].contains(&Some(index));
    let other: Vec<(usize, String)> =
        (0..names.len()).filter(|index| is_question(*index)).map(|index| (index, names[index].to_owned())).collect();
    let columns = other.iter().map(|(_, name)| name.clone()).collect();
    let mut rows = Vec::new();
    for (index, record) in reader.records().enumerate() {
        let row = index + 1;
        let record = record.map_err(|error| at(path, row, csv_message(&error)))?;
        let field = |column: usize| record.get(column).unwrap_or("").to_owned();
        let filled = |column: usize| Some(field(column)).filter(|text| !text.trim().is_empty());
        rows.push(Predicted {
            row,
            reference: field(reference),
            predictions: prediction.and_then(filled).into_iter().collect(),
            task: task.and_then(filled),
            fields: other.iter().filter_map(|(place, name)| Some((name.clone(), filled(*place)?))).collect(),
        });
    }
    // The reader takes all that follows an open quote as one field of the last row.
    let is_open = is_quoted && bytes.iter().filter(|byte| **byte == b'"').count() % 2 == 1;
    if let Some(last) = rows.last().filter(|last| is_open && last.holds_lines()) {
        return Err(at(path, last.row, "a quote is opened in this row and never closed".into()));
    }
    Ok(Predictions { columns, rows })
}

/// What is wrong with a record, without the library's count of lines beside ours.
fn csv_message(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Utf8 { err, .. } => format!("field {} is not UTF-8; write the file as UTF-8", err.field() + 1),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} fields, the header has {expected_len}; a field that holds commas or quotes is put in quotes")
        }
        _ => error.to_string(),
    }
}

fn json_lines(path: &Path, bytes: &[u8], is_predicted: bool) -> Result<Predictions, DataError> {
    let mut found = Predictions::default();
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let row = index + 1;
        if line.trim_ascii().is_empty() {
            continue;
        }
        if line.len() > MAX_LINE {
            return Err(at(path, row, format!("the line is longer than {MAX_LINE} bytes")));
        }
        let mut object: Map<String, Value> =
            serde_json::from_slice(line).map_err(|error| at(path, row, format!("not a JSON object: {error}")))?;
        let keys: Vec<String> = object.keys().cloned().collect();
        let mut take = |names: &[&str]| {
            let value = names.iter().copied().find_map(|name| object.remove(name));
            value.ok_or_else(|| at(path, row, lacks(names, &keys.iter().map(String::as_str).collect::<Vec<_>>())))
        };
        let reference = take(&REFERENCE)?;
        let prediction = match take(&PREDICTION) {
            Err(_) if !is_predicted => Value::Null,
            found => found?,
        };
        let text =
            |value: &Value| scalar(value).ok_or_else(|| at(path, row, format!("neither a text nor a number: {value}")));
        let filled = |value: &Value| text(value).map(|text| Some(text).filter(|text| !text.trim().is_empty()));
        let predictions = match &prediction {
            Value::Array(list) => list.iter().map(text).collect::<Result<_, _>>()?,
            one => filled(one)?.into_iter().collect(),
        };
        let task = object.remove("task").map_or(Ok(None), |task| filled(&task))?;
        for column in object.keys().filter(|column| !found.columns.contains(column)).cloned().collect::<Vec<_>>() {
            found.columns.push(column);
        }
        let fields = object.iter().filter_map(|(name, value)| Some((name.clone(), field(value)?))).collect();
        found.rows.push(Predicted {
            row,
            reference: listed(&reference).map_or_else(|| text(&reference), Ok)?,
            predictions,
            task,
            fields,
        });
    }
    Ok(found)
}

/// A column of the question as text: lists with a line for each item (options of a choice); nothing for empty ones and for objects,
/// which no task reads.
fn field(value: &Value) -> Option<String> {
    let text = match value {
        Value::Array(items) => items.iter().map(scalar).collect::<Option<Vec<_>>>()?.join("\n"),
        other => scalar(other)?,
    };
    Some(text).filter(|text| !text.trim().is_empty())
}

/// A reference that is a list (ranked candidates), separated by commas.
fn listed(value: &Value) -> Option<String> {
    let items = value.as_array()?.iter().map(scalar).collect::<Option<Vec<_>>>()?;
    Some(items.join(","))
}

/// A text, number or truth value as text; `null` as the empty text.
pub(crate) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(is) => Some(is.to_string()),
        Value::Null => Some(String::new()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn read_text(bytes: &[u8]) -> Result<Predictions, DataError> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        read(file.path())
    }

    fn row(row: usize, reference: &str, predictions: &[&str]) -> Predicted {
        Predicted {
            row,
            reference: reference.into(),
            predictions: predictions.iter().map(ToString::to_string).collect(),
            task: None,
            fields: BTreeMap::new(),
        }
    }

    fn with(mut row: Predicted, name: &str, text: &str) -> Predicted {
        row.fields.insert(name.into(), text.into());
        row
    }

    #[test]
    fn four_kinds_of_file_give_the_same_rows() {
        let csv = "description,ground_truth,output\n\"an alcohol, small\",CCO,OCC\nb,CC,\n";
        let json = "{\"description\": \"a\", \"reference\": \"CCO\", \"prediction\": \"OCC\"}\n\n{\"reference\": \"CC\", \"prediction\": null}";
        let tabs = "\u{feff}description\tground_truth\toutput\nan alcohol, small\tCCO\tOCC\nb\tCC\t\n";
        for (text, second) in [(csv, 2), (json, 3), (tabs, 2)] {
            let first = if second == 3 { "a" } else { "an alcohol, small" };
            let last = row(second, "CC", &[]);
            let last = if second == 3 { last } else { with(last, "description", "b") };
            let rows = vec![with(row(1, "CCO", &["OCC"]), "description", first), last];
            let expected = Predictions { columns: vec!["description".into()], rows };
            assert_eq!(read_text(text.as_bytes()).unwrap(), expected);
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            gzip.write_all(text.as_bytes()).unwrap();
            assert_eq!(read_text(&gzip.finish().unwrap()).unwrap(), expected);
        }
    }

    #[test]
    fn lists_numbers_and_tasks() {
        let found = read_text(b"{\"reference\": 1.5, \"output\": [\"a\", 2], \"task\": \"t\"}").unwrap();
        assert_eq!(found.rows, [Predicted { task: Some("t".into()), ..row(1, "1.5", &["a", "2"]) }]);
        let found =
            read_text(b"{\"reference\": [\"CO\", \"C\"], \"output\": \"C\", \"options\": [\"a\", 2], \"other\": {}}")
                .unwrap();
        assert_eq!(found.rows, [with(row(1, "CO,C", &["C"]), "options", "a\n2")]);
    }

    /// MolT5's files: tabs, quotes that mean nothing, a blank in the column's name.
    #[test]
    fn quotes_mean_nothing_between_tabs() {
        let found = read_text(b"\ndescription\tground truth\toutput\na \"b\tCCO\t\"CC\nb\tCC\tCC\n").unwrap();
        let rows = [row(1, "CCO", &["\"CC"]), row(2, "CC", &["CC"])];
        assert_eq!(
            found.rows,
            [with(rows[0].clone(), "description", "a \"b"), with(rows[1].clone(), "description", "b")]
        );
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, message) in [
            ("", "header: the file is empty"),
            ("ground_truth,smiles\na,b\n", "header: there is no column `output` (or `prediction`)"),
            ("ground_truth,output\n", "header: the file has no rows"),
            ("ground_truth,output\na,b\nc\n", "row 2: 1 fields, the header has 2"),
            ("{\"reference\": \"a\", \"output\": \"b\"}\n{\"reference\": \"a\"}", "row 2: there is no column `output`"),
            ("{\"reference\": \"a\", \"output\": {}}", "row 1: neither a text nor a number: {}"),
            ("{\"reference\": \"a\",", "row 1: not a JSON object"),
            ("[{\"reference\": \"a\"}]", "predictions are CSV with a header row or one JSON object a line"),
            ("ground_truth,output\na,\"b\nc,d\n", "row 1: a quote is opened in this row and never closed"),
            ("\u{1f}\u{0}x", "header: there is no column"),
        ] {
            let error = read_text(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
        let nested = format!("{{\"reference\": \"a\", \"output\": {}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(read_text(nested.as_bytes()).unwrap_err().to_string().contains("row 1: not a JSON object: recursion"));
        let long = format!("{{\"reference\": \"a\", \"output\": \"{}\"}}", "C".repeat(MAX_LINE));
        assert!(read_text(long.as_bytes()).unwrap_err().to_string().contains("row 1: the line is longer than 1048576"));
        assert!(
            read_text(b"ground_truth,output\nCC,C\xff\n")
                .unwrap_err()
                .to_string()
                .contains("row 1: field 2 is not UTF-8")
        );
        assert!(read_text(&[0x1f, 0x8b, 8, 0]).unwrap_err().to_string().contains("cannot read"));
        assert!(read(Path::new("no-such-file.csv")).unwrap_err().to_string().contains("CSV or JSONL"));
    }
}
