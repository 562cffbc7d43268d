//! Where the rows of an export come from: files of examples, and the gym.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::ops::ControlFlow;
use std::path::Path;

use chemr_tasks::{Example, Split};
use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::export::manifest::{InputNote, hexadecimal, sha256};
use crate::export::{ExportError, ExportOptions, RowFault};
use crate::predictions::MAX_LINE;
use crate::{Gym, GymConfig};

/// The source of rows that say nothing of theirs.
const UNNAMED_SOURCE: &str = "given";

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

/// Takes a row and says whether more are wanted.
type Take<'a> = &'a mut dyn FnMut(Found) -> Result<ControlFlow<()>, ExportError>;

/// Reads one input, as far as its rows are wanted.
pub(crate) fn read(input: &str, options: &ExportOptions, take: Take) -> Result<InputNote, ExportError> {
    match input.strip_prefix("gym:") {
        Some(rest) => generate(input, rest, options, take),
        None => file(Path::new(input), options.trace_text, take),
    }
}

/// A file as it is read, unpacked when it is gzipped; `-` is standard input.
fn open(path: &Path) -> io::Result<Box<dyn BufRead>> {
    let mut packed: Box<dyn Read> =
        if path.as_os_str() == "-" { Box::new(io::stdin()) } else { Box::new(File::open(path)?) };
    let mut start = Vec::new();
    packed.by_ref().take(2).read_to_end(&mut start)?;
    let is_packed = start == [0x1f, 0x8b];
    let packed = io::Cursor::new(start).chain(packed);
    Ok(if is_packed { Box::new(BufReader::new(MultiGzDecoder::new(packed))) } else { Box::new(BufReader::new(packed)) })
}

fn file(path: &Path, trace_text: TraceText, take: Take) -> Result<InputNote, ExportError> {
    let failed = |source| ExportError::Read { path: path.to_owned(), source };
    let mut input = open(path).map_err(failed)?;
    // The name alone: the same file in another folder is the same input.
    let name = path.file_name().map_or_else(|| "-".to_owned(), |name| name.to_string_lossy().into_owned());
    let (mut hash, mut line) = (Sha256::new(), Vec::new());
    let (mut number, mut rows, mut is_wanted) = (0, 0, true);
    while is_wanted {
        line.clear();
        // One byte for the end of the line, one to see that it is longer.
        input.by_ref().take(MAX_LINE as u64 + 2).read_until(b'\n', &mut line).map_err(failed)?;
        if line.is_empty() {
            break;
        }
        number += 1;
        let place = || format!("{}, line {number}", path.display());
        if line.strip_suffix(b"\n").unwrap_or(&line).len() > MAX_LINE {
            return Err(ExportError::LongLine { place: place(), limit: MAX_LINE });
        }
        hash.update(&line);
        if !line.trim_ascii().is_empty() {
            rows += 1;
            is_wanted = take(Found { place: place(), row: example(&line, trace_text) })?.is_continue();
        }
    }
    let is_whole = input.fill_buf().map_err(failed)?.is_empty();
    Ok(InputNote { name, sha256: hexadecimal(&hash.finalize()), rows, is_whole, seed: None })
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
fn generate(input: &str, rest: &str, options: &ExportOptions, take: Take) -> Result<InputNote, ExportError> {
    let refused = |message: String| ExportError::Gym { input: input.to_owned(), message };
    let parts: Vec<&str> = rest.split(':').collect();
    let (task, levels, count) = match parts.as_slice() {
        [task, count] => (*task, Gym::LEVELS.to_vec(), *count),
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
    let (name, seed) = (input.to_owned(), Some(options.seed));
    let note = InputNote { name, sha256: sha256(&lines), rows: rows.len(), is_whole: true, seed };
    for row in rows {
        if take(row)?.is_break() {
            break;
        }
    }
    Ok(note)
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

    /// All rows of an input.
    fn read(input: &str, options: &ExportOptions) -> Result<(InputNote, Vec<Found>), ExportError> {
        let mut rows = Vec::new();
        let note = super::read(input, options, &mut |row| {
            rows.push(row);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok((note, rows))
    }

    #[test]
    fn lines_have_a_length() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.jsonl");
        let name = path.to_str().unwrap();
        let options = ExportOptions::default();
        let longest = "x".repeat(MAX_LINE);
        std::fs::write(&path, format!("{{}}\n{longest}\n{longest}")).unwrap();
        let (note, rows) = read(name, &options).unwrap();
        assert_eq!((note.rows, note.is_whole, rows[2].place.ends_with("rows.jsonl, line 3")), (3, true, true));
        assert_eq!(note.sha256, sha256(&std::fs::read(&path).unwrap()));
        for text in [format!("{{}}\n{longest}x\n"), format!("{{}}\n{longest}x"), format!("{{}}\n{longest}{longest}\n")]
        {
            std::fs::write(&path, text).unwrap();
            let message = read(name, &options).err().unwrap().to_string();
            assert!(message.contains("rows.jsonl, line 2: the line is longer than 1048576 bytes"), "{message}");
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
