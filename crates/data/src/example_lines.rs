//! Files with one example a line: plain or gzipped JSON lines.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use chemr_tasks::{Example, Split};
use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::import::EXAMPLES_FILE;
use crate::predictions::MAX_LINE;
use crate::prepare::MANIFEST_FILE as PREPARED_FILE;

/// The source of rows that say nothing of theirs.
const UNNAMED_SOURCE: &str = "given";

/// Turns a trace, as it is stored, into the text of a completion.
pub type TraceText = fn(Value) -> Result<String, serde_json::Error>;

/// One line of a file. Sampled completions of a run have neither source nor split.
#[derive(Deserialize)]
struct Line {
    id: Option<String>,
    task: String,
    source: Option<String>,
    split: Option<Split>,
    #[serde(default)]
    level: u8,
    input: BTreeMap<String, String>,
    reference: String,
    #[serde(default)]
    meta: BTreeMap<String, String>,
    completion: Option<String>,
    trace: Option<Value>,
}

/// The example of a line, and the completion or trace beside it. A line without a split is a training row.
///
/// # Errors
/// When the line is no JSON object with the fields of an example.
pub(crate) fn example(line: &[u8], trace_text: TraceText) -> Result<(Example, Option<String>), serde_json::Error> {
    let line: Line = serde_json::from_slice(line)?;
    let completion = match (line.completion, line.trace) {
        (Some(text), _) => Some(text),
        (None, None | Some(Value::Null)) => None,
        (None, Some(Value::String(text))) => Some(text),
        (None, Some(trace)) => Some(trace_text(trace)?),
    };
    let source = line.source.unwrap_or_else(|| UNNAMED_SOURCE.to_owned());
    let split = line.split.unwrap_or(Split::Train);
    let mut example = Example::new(line.task, source, split, line.level, line.input, line.reference, line.meta);
    if let Some(id) = line.id {
        example.id = id;
    }
    Ok((example, completion))
}

/// A file of examples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ExampleFile {
    pub path: PathBuf,
    /// What manifests call it: its name, behind that of its folder where the folder was given. Where the folder lies does not matter.
    pub name: String,
}

impl ExampleFile {
    /// A file that was given itself; `-` is standard input.
    pub fn new(path: &Path) -> ExampleFile {
        ExampleFile { path: path.to_owned(), name: base_name(path).unwrap_or_else(|| "-".to_owned()) }
    }

    /// A file of a folder that was given.
    fn within(folder: &Path, name: &str) -> ExampleFile {
        // All imports have one name of the file within. `.` and `..` have no name.
        let shown = base_name(folder).map_or_else(|| name.to_owned(), |folder| format!("{folder}/{name}"));
        ExampleFile { path: folder.join(name), name: shown }
    }
}

fn base_name(path: &Path) -> Option<String> {
    path.file_name().map(|name| name.to_string_lossy().into_owned())
}

/// The parts of a prepared folder, in their order.
const PARTS: [Split; 3] = [Split::Train, Split::Valid, Split::Test];

/// The files of examples that a path stands for: itself; `examples.jsonl` of a folder that an import wrote; the parts of a prepared folder,
/// which lie beside its `prepare.json`.
///
/// # Errors
/// For a folder that is neither: what to name instead, to stand behind the folder's name.
pub(crate) fn example_files(path: &Path) -> Result<Vec<ExampleFile>, String> {
    if !path.is_dir() {
        return Ok(vec![ExampleFile::new(path)]);
    }
    if path.join(EXAMPLES_FILE).is_file() {
        return Ok(vec![ExampleFile::within(path, EXAMPLES_FILE)]);
    }
    if is_prepared(path) {
        let parts: Vec<ExampleFile> =
            PARTS.iter().map(|split| ExampleFile::within(path, &format!("{split}.jsonl"))).collect();
        return Ok(parts.into_iter().filter(|part| part.path.is_file()).collect());
    }
    Err(format!("holds neither {EXAMPLES_FILE} nor the parts of a prepared folder; {}", instead_of(path)))
}

/// Whether a folder is one that `chemr data prepare` made.
pub(crate) fn is_prepared(path: &Path) -> bool {
    path.join(PREPARED_FILE).is_file() && PARTS.iter().any(|split| path.join(format!("{split}.jsonl")).is_file())
}

/// What can be given instead of a folder: files and folders of examples within.
fn instead_of(folder: &Path) -> String {
    const MOST: usize = 5;
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_lines = |path: &Path| {
        let name = base_name(path).unwrap_or_default();
        path.is_file() && (name.ends_with(".jsonl") || name.ends_with(".jsonl.gz"))
    };
    let is_folder = |path: &Path| path.join(EXAMPLES_FILE).is_file() || is_prepared(path);
    let mut found: Vec<PathBuf> = entries.filter(|path| is_lines(path) || is_folder(path)).collect();
    found.sort();
    if found.is_empty() {
        return "name a folder that `chemr data import` or `chemr data prepare` made, or a file of examples".to_owned();
    }
    let shown: Vec<String> = found.iter().take(MOST).map(|path| path.display().to_string()).collect();
    let more = if found.len() > MOST { format!(" (and {} more)", found.len() - MOST) } else { String::new() };
    format!("name what is meant: {}{more}", shown.join(", "))
}

/// A line that holds something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Text<'a> {
    /// Without the line break.
    Whole(&'a [u8]),
    /// The line is longer than [`MAX_LINE`]; this is its beginning.
    TooLong(&'a [u8]),
}

/// How much of a line that is too long is kept, in bytes.
const KEPT_BYTES: usize = 4096;

/// A file that is read line by line and hashed on the way.
pub(crate) struct ExampleLines {
    input: Box<dyn BufRead + Send>,
    hash: Sha256,
    line: Vec<u8>,
    number: u64,
}

impl ExampleLines {
    /// Opens a file, unpacked when it is gzipped; `-` is standard input.
    pub fn open(path: &Path) -> io::Result<ExampleLines> {
        let mut packed: Box<dyn Read + Send> =
            if path.as_os_str() == "-" { Box::new(io::stdin()) } else { Box::new(File::open(path)?) };
        let mut start = Vec::new();
        packed.by_ref().take(2).read_to_end(&mut start)?;
        let is_packed = start == [0x1f, 0x8b];
        let packed = io::Cursor::new(start).chain(packed);
        let input: Box<dyn BufRead + Send> = if is_packed {
            Box::new(BufReader::new(MultiGzDecoder::new(packed)))
        } else {
            Box::new(BufReader::new(packed))
        };
        Ok(ExampleLines { input, hash: Sha256::new(), line: Vec::new(), number: 0 })
    }

    /// The next line that holds something, with its number from 1; `None` behind the last. Memory holds one line of at most [`MAX_LINE`]
    /// bytes, whatever the file has.
    pub fn next_line(&mut self) -> io::Result<Option<(u64, Text<'_>)>> {
        loop {
            self.line.clear();
            // One byte for the end of the line, one to see that it is longer.
            self.input.by_ref().take(MAX_LINE as u64 + 2).read_until(b'\n', &mut self.line)?;
            if self.line.is_empty() {
                return Ok(None);
            }
            self.number += 1;
            self.hash.update(&self.line);
            if self.line.strip_suffix(b"\n").unwrap_or(&self.line).len() > MAX_LINE {
                if !self.line.ends_with(b"\n") {
                    self.skip_line()?;
                }
                return Ok(Some((self.number, Text::TooLong(&self.line[..KEPT_BYTES]))));
            }
            if !self.line.trim_ascii().is_empty() {
                break;
            }
        }
        Ok(Some((self.number, Text::Whole(self.line.strip_suffix(b"\n").unwrap_or(&self.line)))))
    }

    /// Passes over what is left of a line.
    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let available = self.input.fill_buf()?;
            let end = available.iter().position(|byte| *byte == b'\n');
            let used = end.map_or(available.len(), |end| end + 1);
            self.hash.update(&available[..used]);
            self.input.consume(used);
            if end.is_some() || used == 0 {
                return Ok(());
            }
        }
    }

    /// SHA-256 of the unpacked bytes that were read, and whether they are the whole file.
    pub fn finish(mut self) -> io::Result<([u8; 32], bool)> {
        let is_whole = self.input.fill_buf()?.is_empty();
        Ok((self.hash.finalize().into(), is_whole))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(trace: Value) -> Result<String, serde_json::Error> {
        let answer: String = serde_json::from_value(trace["answer"].clone())?;
        Ok(format!("<answer>{answer}</answer>"))
    }

    fn read_line(text: &str) -> Result<(Example, Option<String>), serde_json::Error> {
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
            assert!(read_line(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn folders_stand_for_the_files_within() {
        let folder = tempfile::tempdir().unwrap();
        let make = |name: &str, files: &[&str]| {
            std::fs::create_dir(folder.path().join(name)).unwrap();
            files.iter().for_each(|file| std::fs::write(folder.path().join(name).join(file), "").unwrap());
            example_files(&folder.path().join(name))
        };
        let names = |found: Result<Vec<ExampleFile>, String>| {
            found.unwrap().into_iter().map(|file| file.name).collect::<Vec<_>>()
        };
        assert_eq!(names(make("imported", &["examples.jsonl", "rejects.jsonl"])), ["imported/examples.jsonl"]);
        let parts = ["prepare.json", "train.jsonl", "valid.jsonl", "test.jsonl", "dropped.jsonl", "train-00000.tokens"];
        let wanted = ["prepared/train.jsonl", "prepared/valid.jsonl", "prepared/test.jsonl"];
        assert_eq!(names(make("prepared", &parts)), wanted);
        assert_eq!(names(make("part", &["prepare.json", "test.jsonl"])), ["part/test.jsonl"]);
        assert_eq!(names(example_files(&folder.path().join("none.jsonl"))), ["none.jsonl"]);
        let told = make("loose", &["train.jsonl", "b.jsonl.gz", "notes.txt"]).unwrap_err();
        assert!(told.contains("loose/b.jsonl.gz, ") && told.ends_with("loose/train.jsonl"), "{told}");
        assert!(make("empty", &["notes.txt"]).unwrap_err().contains("`chemr data import`"));
        let above = example_files(folder.path()).unwrap_err();
        assert!(above.contains("imported, ") && above.contains("prepared") && !above.contains("loose"), "{above}");
    }

    #[test]
    fn lines_behind_one_that_is_too_long_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.jsonl");
        let longest = "x".repeat(MAX_LINE);
        for (more, is_too_long) in [("", false), ("y", true), (&*"y".repeat(3 * MAX_LINE), true)] {
            let text = format!("a\n\n{longest}{more}\nb");
            std::fs::write(&path, &text).unwrap();
            let mut lines = ExampleLines::open(&path).unwrap();
            assert_eq!(lines.next_line().unwrap(), Some((1, Text::Whole(b"a"))));
            let (number, long) = lines.next_line().unwrap().unwrap();
            assert_eq!((number, matches!(long, Text::TooLong(start) if start.len() == KEPT_BYTES)), (3, is_too_long));
            assert_eq!(lines.next_line().unwrap(), Some((4, Text::Whole(b"b"))));
            assert_eq!(lines.next_line().unwrap(), None);
            let (hash, is_whole) = lines.finish().unwrap();
            assert!(is_whole && hash[..] == Sha256::digest(&text)[..]);
        }
    }
}
