//! Where the rows of an export come from: files of examples, and the gym.

use std::path::Path;

use chemr_tasks::{Example, Split};
use serde::Deserialize;
use serde_json::Value;

use crate::export::manifest::{InputNote, sha256};
use crate::export::{ExportError, ExportOptions, RowFault};
use crate::predictions::read_bytes;
use crate::{Gym, GymConfig};

/// The source of rows that say nothing of theirs.
const UNNAMED_SOURCE: &str = "given";

/// Levels of the gym when an input names none.
const ALL_LEVELS: [u8; 3] = [1, 2, 3];

/// Most rows of one input of the gym: an export is made in memory.
const MOST_GENERATED: usize = 1_000_000;

/// Turns a trace, as it is stored, into the text of a completion.
pub type TraceText = fn(Value) -> Result<String, serde_json::Error>;

/// A row as it was read, with its place.
pub(crate) struct Found {
    pub place: String,
    pub row: Result<(Example, Option<String>), RowFault>,
}

/// One line of a file. Sampled completions of a run have neither source nor split.
#[derive(Deserialize)]
struct Line {
    id: Option<String>,
    task: String,
    source: Option<String>,
    split: Option<Split>,
    #[serde(default)]
    level: u8,
    input: std::collections::BTreeMap<String, String>,
    reference: String,
    #[serde(default)]
    meta: std::collections::BTreeMap<String, String>,
    completion: Option<String>,
    trace: Option<Value>,
}

/// Reads one input.
pub(crate) fn read(input: &str, options: &ExportOptions) -> Result<(InputNote, Vec<Found>), ExportError> {
    match input.strip_prefix("gym:") {
        Some(rest) => generate(input, rest, options),
        None => file(Path::new(input), options.trace_text),
    }
}

fn file(path: &Path, trace_text: TraceText) -> Result<(InputNote, Vec<Found>), ExportError> {
    let bytes = read_bytes(path).map_err(|source| ExportError::Read { path: path.to_owned(), source })?;
    // The name alone: the same file in another folder is the same input.
    let name = path.file_name().map_or_else(|| "-".to_owned(), |name| name.to_string_lossy().into_owned());
    let mut rows = Vec::new();
    for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let place = format!("{}, line {}", path.display(), number + 1);
        rows.push(Found { place, row: example(line, trace_text) });
    }
    Ok((InputNote { name, sha256: sha256(&bytes), rows: rows.len(), seed: None }, rows))
}

fn example(line: &[u8], trace_text: TraceText) -> Result<(Example, Option<String>), RowFault> {
    let refused = |error: serde_json::Error| RowFault::NoExample { message: error.to_string() };
    let line: Line = serde_json::from_slice(line).map_err(refused)?;
    let completion = match (line.completion, line.trace) {
        (Some(text), _) => Some(text),
        (None, None | Some(Value::Null)) => None,
        (None, Some(Value::String(text))) => Some(text),
        (None, Some(trace)) => Some(trace_text(trace).map_err(refused)?),
    };
    let source = line.source.unwrap_or_else(|| UNNAMED_SOURCE.to_owned());
    let split = line.split.unwrap_or(Split::Train);
    let mut example = Example::new(line.task, source, split, line.level, line.input, line.reference, line.meta);
    if let Some(id) = line.id {
        example.id = id;
    }
    Ok((example, completion))
}

/// `TASK[:LEVEL]:COUNT`, where the level may be several, separated by commas.
fn generate(input: &str, rest: &str, options: &ExportOptions) -> Result<(InputNote, Vec<Found>), ExportError> {
    let refused = |message: String| ExportError::Gym { input: input.to_owned(), message };
    let parts: Vec<&str> = rest.split(':').collect();
    let (task, levels, count) = match parts.as_slice() {
        [task, count] => (*task, ALL_LEVELS.to_vec(), *count),
        [task, levels, count] => {
            let levels: Result<Vec<u8>, _> = levels.split(',').map(str::parse).collect();
            (*task, levels.map_err(|_| refused("the level is no number".into()))?, *count)
        }
        _ => return Err(refused("there is no count".into())),
    };
    let count = count.parse().ok().filter(|count| *count <= MOST_GENERATED);
    let count = count.ok_or_else(|| refused(format!("the count is no number up to {MOST_GENERATED}")))?;
    let gym = Gym::new(GymConfig { seed: options.seed, levels })?;
    let mut rows = Vec::new();
    let mut lines = Vec::new();
    for split in options.gym_splits() {
        for example in gym.distinct(task, split, count)? {
            serde_json::to_writer(&mut lines, &example)?;
            lines.push(b'\n');
            rows.push(Found { place: format!("{input}, row {}", rows.len() + 1), row: Ok((example, None)) });
        }
    }
    let note = InputNote { name: input.to_owned(), sha256: sha256(&lines), rows: rows.len(), seed: Some(options.seed) };
    Ok((note, rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(trace: Value) -> Result<String, serde_json::Error> {
        let answer: String = serde_json::from_value(trace["answer"].clone())?;
        Ok(format!("<answer>{answer}</answer>"))
    }

    fn read_line(text: &str) -> Result<(Example, Option<String>), RowFault> {
        example(text.as_bytes(), text_of)
    }

    #[test]
    fn a_line_is_an_example_with_or_without_a_completion() {
        let short = r#"{"task": "t", "input": {"smiles": "C"}, "reference": "CH4""#;
        let (example, completion) = read_line(&format!("{short}}}")).unwrap();
        assert_eq!((example.split, example.source.as_str(), example.level), (Split::Train, "given", 0));
        assert_eq!(example.id, Example::content_id("t", &example.input, "CH4"));
        assert_eq!(completion, None);
        let (stored, _) =
            read_line(&serde_json::to_string(&Example { split: Split::Test, ..example }).unwrap()).unwrap();
        assert_eq!((stored.split, stored.source.as_str()), (Split::Test, "given"));
        for (member, wanted) in [
            (r#""completion": "a""#, "a"),
            (r#""trace": "b""#, "b"),
            (r#""trace": {"answer": "c"}"#, "<answer>c</answer>"),
        ] {
            assert_eq!(read_line(&format!("{short}, {member}}}")).unwrap().1.as_deref(), Some(wanted));
        }
        for wrong in
            ["", "[]", "{}", "\u{0}", &format!("{short}, \"split\": \"dev\"}}"), &format!("{short}, \"trace\": {{}}}}")]
        {
            assert!(matches!(read_line(wrong), Err(RowFault::NoExample { .. })), "{wrong}");
        }
    }

    #[test]
    fn what_the_gym_is_asked_for() {
        let options = ExportOptions { splits: vec![Split::Valid, Split::Test], ..ExportOptions::default() };
        let (note, rows) = read("gym:name.smiles_to_formula:1,2:3", &options).unwrap();
        assert_eq!((note.rows, rows.len(), note.seed), (6, 6, Some(options.seed)));
        let splits: Vec<Split> = rows.iter().filter_map(|found| Some(found.row.as_ref().ok()?.0.split)).collect();
        assert_eq!(splits, [[Split::Valid; 3], [Split::Test; 3]].concat());
        let by_default = ExportOptions::default();
        for wrong in [
            "gym:",
            "gym:retrosynthesis",
            "gym:retrosynthesis:x",
            "gym:retrosynthesis:1:2:3",
            "gym:retrosynthesis:easy:3",
            "gym:retrosynthesis:99999999999",
        ] {
            assert!(matches!(read(wrong, &by_default), Err(ExportError::Gym { .. })), "{wrong}");
        }
        for wrong in ["gym:retrosynthesis:9:3", "gym:unicorn:3"] {
            assert!(matches!(read(wrong, &by_default), Err(ExportError::Data(_))), "{wrong}");
        }
        assert!(matches!(read("no/such.jsonl", &by_default), Err(ExportError::Read { .. })));
    }
}
