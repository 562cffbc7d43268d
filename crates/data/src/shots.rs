//! Files of rows that may stand before a question as examples.
//!
//! CSV or JSONL, plain or gzipped, as [`crate::predictions`] reads them: the task's fields by their keys or by the other names of their columns,
//! the answer in `reference` (or `ground_truth`), and where the file holds several tasks the id of each row's task in `task`.

use std::path::Path;

use chemr_tasks::shots::Shot;
use chemr_tasks::{Task, suggestion, task, tasks};
use rayon::prelude::*;

use crate::DataError;
use crate::predictions::{Predicted, read_references};

/// Reads the rows of `wanted` tasks, in the order of the file; rows of other tasks are left out.
///
/// # Errors
/// As [`read_references`]; a row of an unknown task or, with several tasks wanted, of none; a row that lacks a field or whose reference is no
/// answer; with its row.
pub fn read(path: &Path, wanted: &[&'static Task]) -> Result<Vec<Shot>, DataError> {
    let file = read_references(path)?;
    let read: Vec<Result<Option<Shot>, String>> = file.rows.par_iter().map(|row| shot(row, wanted)).collect();
    let mut shots = Vec::new();
    // The first bad row of the file is named, whichever was read first.
    for (row, read) in file.rows.iter().zip(read) {
        let at = |message| DataError::Table { path: path.to_owned(), row: row.row, message };
        shots.extend(read.map_err(at)?);
    }
    Ok(shots)
}

fn shot(row: &Predicted, wanted: &[&'static Task]) -> Result<Option<Shot>, String> {
    let Some(task) = task_of(row, wanted)? else { return Ok(None) };
    let example = task.row(&row.fields, &row.reference);
    if let Some(lacking) = task.fields().iter().find(|field| example.field(field.key).trim().is_empty()) {
        let names = lacking.names().collect::<Vec<_>>().join("` or `");
        let there = row.fields.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        return Err(format!("{} asks for the column `{names}`; the row has {there}", task.id()));
    }
    if task.shown_answer(&example).is_none() {
        let reference = &example.reference;
        return Err(format!(
            "the reference `{reference}` is no answer to {}; correct the row or leave it out",
            task.id()
        ));
    }
    Ok(Some(Shot { row: row.row, example }))
}

/// The task of a row, if it is wanted.
fn task_of(row: &Predicted, wanted: &[&'static Task]) -> Result<Option<&'static Task>, String> {
    match (&row.task, wanted) {
        (Some(id), _) => match task(id) {
            Some(found) => Ok(wanted.iter().copied().find(|task| task.id() == found.id())),
            None => Err(format!("unknown task `{id}`{}", suggestion(id, tasks().iter().map(|task| task.id())))),
        },
        (None, [only]) => Ok(Some(only)),
        (None, _) => {
            let ids = wanted.iter().map(|task| task.id()).collect::<Vec<_>>().join(", ");
            Err(format!("of which task? Name one of {ids} in a column `task`"))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn read_text(text: &str, ids: &[&str]) -> Result<Vec<Shot>, String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let wanted: Vec<&'static Task> = ids.iter().map(|id| task(id).unwrap()).collect();
        read(file.path(), &wanted).map_err(|error| error.to_string())
    }

    #[test]
    fn rows_of_the_wanted_tasks() {
        let csv =
            "task,SMILES,reference,output\nname.smiles_to_formula,CCO,C2H6O,wrong\nproperty.bbbp,CCO,Yes,\n,C,CH4,\n";
        let found = read_text(csv, &["name.smiles_to_formula"]).unwrap();
        let shown: Vec<_> = found
            .iter()
            .map(|shot| (shot.row, shot.example.field("smiles"), shot.example.reference.as_str()))
            .collect();
        assert_eq!(shown, [(1, "CCO", "C2H6O"), (3, "C", "CH4")]);
        assert_eq!(found[0].example.task, "name.smiles_to_formula");
        let json = "{\"question\": \"Which?\", \"options\": [\"a\", \"b\"], \"reference\": \"B\"}\n";
        assert_eq!(read_text(json, &["choice.mmlu"]).unwrap()[0].example.field("options"), "a\nb");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_row() {
        for (text, ids, wanted) in [
            (
                "smiles,reference\nC,CH4\nC,C\u{e9}\n",
                &["name.smiles_to_formula"][..],
                "row 2: the reference `C\u{e9}` is no answer to name.smiles_to_formula",
            ),
            ("smiles,reference\nC,\n", &["name.smiles_to_formula"], "row 1: the reference `` is no answer"),
            ("product,reference\nCCO,C1CC\n", &["retrosynthesis"], "row 1: the reference `C1CC` is no answer"),
            (
                "product,reference\n,CC\n",
                &["retrosynthesis"],
                "row 1: retrosynthesis asks for the column `product` or `products`",
            ),
            ("iupac,reference\nmethane,C\n", &["retrosynthesis"], "the row has iupac"),
            (
                "smiles,reference\nC,CH4\n",
                &["name.smiles_to_formula", "property.bbbp"],
                "row 1: of which task? Name one of name.smiles_to_formula, property.bbbp",
            ),
            (
                "task,smiles,reference\nproperty.bbb,C,Yes\n",
                &["property.bbbp"],
                "row 1: unknown task `property.bbb`; did you mean `property.bbbp`?",
            ),
            (
                "smiles,answer\nC,CH4\n",
                &["name.smiles_to_formula"],
                "header: there is no column `ground_truth` (or `reference`)",
            ),
            (
                "smiles,add,reference\nCCO,nitro,CC\n",
                &["tomg.add"],
                "row 1: the reference `CC` is no answer to tomg.add",
            ),
        ] {
            let message = read_text(text, ids).unwrap_err();
            assert!(message.contains(wanted), "{text}: {message}");
        }
    }
}
