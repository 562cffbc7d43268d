//! Where the rows of an export come from: files of examples, and the gym.

use std::ops::ControlFlow;
use std::path::Path;

use chemr_tasks::Example;

use crate::example_lines::{self, ExampleFile, ExampleLines, Text, TraceText};
use crate::export::manifest::{InputNote, hexadecimal, sha256};
use crate::export::{ExportError, ExportOptions, RowFault};
use crate::predictions::MAX_LINE;
use crate::{Gym, GymConfig};

/// Most rows of one input of the gym: an export is made in memory.
const MOST_GENERATED: usize = 1_000_000;

/// A row as it was read, with its place.
pub(crate) struct Found {
    pub place: String,
    pub row: Result<(Example, Option<String>), RowFault>,
}

/// Takes a row and says whether more are wanted.
type Take<'a> = &'a mut dyn FnMut(Found) -> Result<ControlFlow<()>, ExportError>;

/// What one input stands for.
pub(crate) enum Source<'a> {
    File(ExampleFile),
    /// Generated rows: the whole input, and what follows `gym:`.
    Gym(&'a str, &'a str),
}

/// The sources of an input: several for a prepared folder.
pub(crate) fn sources(input: &str) -> Result<Vec<Source<'_>>, ExportError> {
    if let Some(rest) = input.strip_prefix("gym:") {
        return Ok(vec![Source::Gym(input, rest)]);
    }
    let folder = |message| ExportError::NoExamples { path: input.into(), message };
    let files = example_lines::example_files(Path::new(input)).map_err(folder)?;
    Ok(files.into_iter().map(Source::File).collect())
}

/// Reads one source, as far as its rows are wanted.
pub(crate) fn read(source: &Source<'_>, options: &ExportOptions, take: Take) -> Result<InputNote, ExportError> {
    match source {
        Source::Gym(input, rest) => generate(input, rest, options, take),
        Source::File(file) => lines(file, &mut |number, line| {
            take(Found { place: place(&file.path, number), row: example(line, options.trace_text) })
        }),
    }
}

/// The example of a line, and the completion to train on where it holds one.
pub(crate) fn example(line: &[u8], trace_text: TraceText) -> Result<(Example, Option<String>), RowFault> {
    example_lines::example(line, trace_text).map_err(|error| RowFault::NoExample { message: error.to_string() })
}

/// Where a line stands.
pub(crate) fn place(path: &Path, number: u64) -> String {
    format!("{}, line {number}", path.display())
}

/// Takes a line that is not blank, with its number from 1, and says whether more are wanted.
type TakeLine<'a, E> = &'a mut dyn FnMut(u64, &[u8]) -> Result<ControlFlow<()>, E>;

/// Reads the lines of a file of examples, as far as they are wanted.
pub(crate) fn lines<E: From<ExportError>>(file: &ExampleFile, take: TakeLine<E>) -> Result<InputNote, E> {
    let path = &file.path;
    let failed = |source| ExportError::Read { path: path.to_owned(), source };
    let mut lines = ExampleLines::open(path).map_err(failed)?;
    let mut rows = 0;
    while let Some((number, text)) = lines.next_line().map_err(failed)? {
        let Text::Whole(line) = text else {
            return Err(ExportError::LongLine { place: place(path, number), limit: MAX_LINE }.into());
        };
        rows += 1;
        if take(number, line)?.is_break() {
            break;
        }
    }
    let (hash, is_whole) = lines.finish().map_err(failed)?;
    Ok(InputNote { name: file.name.clone(), sha256: hexadecimal(&hash), rows, is_whole, seed: None, asked: None })
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
    let asked = Some(count * options.gym_splits().len());
    let note = InputNote { name, sha256: sha256(&lines), rows: rows.len(), is_whole: true, seed, asked };
    for row in rows {
        if take(row)?.is_break() {
            break;
        }
    }
    Ok(note)
}

#[cfg(test)]
mod tests {
    use chemr_tasks::Split;

    use super::*;

    /// All rows of an input.
    fn read(input: &str, options: &ExportOptions) -> Result<(InputNote, Vec<Found>), ExportError> {
        let mut rows = Vec::new();
        let [source] = sources(input)?.try_into().ok().unwrap();
        let note = super::read(&source, options, &mut |row| {
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
        assert_eq!((note.rows, note.asked, rows.len(), note.seed), (6, Some(6), 6, Some(options.seed)));
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
            let error = read(wrong, &by_default).err().unwrap();
            assert!(matches!(error, ExportError::Gym { .. }) && error.is_usage(), "{wrong}");
        }
        for wrong in ["gym:retrosynthesis:9:3", "gym:unicorn:3"] {
            let error = read(wrong, &by_default).err().unwrap();
            assert!(matches!(error, ExportError::Data(_)) && error.is_usage(), "{wrong}");
        }
        let error = read("no/such.jsonl", &by_default).err().unwrap();
        assert!(matches!(error, ExportError::Read { .. }) && !error.is_usage());
    }
}
