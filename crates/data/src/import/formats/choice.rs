//! Multiple choice: MMLU chemistry, ChemBench, ChemBench4K. All are evaluation only.

use std::borrow::Cow;

use chemr_tasks::{Task, task};
use serde_json::Value;

use super::super::convert::{Answers, Rejection, on_one_line, one, question};
use super::super::format::{Column, Format, Record};
use super::super::reject::RejectReason;
use super::super::source::{Sample, Shape};
use crate::predictions::scalar;

/// MMLU's own files have no header.
const MMLU_COLUMNS: &[&str] = &["question", "A", "B", "C", "D", "answer"];

pub(super) fn formats() -> [Format; 3] {
    [
        Format {
            name: "chembench",
            about: "ChemBench (lamalab): one question a line, or one file for each question",
            told_by: "JSON with uuid and examples",
            tasks: &["choice.chembench"],
            is_evaluation_only: true,
            columns: |_| vec![Column::required("examples", &["examples"])],
            recognise: |sample| has(sample, &["uuid", "examples"]),
            convert: |record| chembench(record).unwrap_or_else(|rejection| vec![Err(rejection)]),
        },
        Format {
            name: "mmlu",
            about: "MMLU college and high school chemistry: question, four choices, index or letter of the right one",
            told_by: "JSON with question and choices, or a table without header whose name holds `chemistry_test` (`_val`, `_dev`)",
            tasks: &["choice.mmlu"],
            is_evaluation_only: true,
            columns: lettered_columns,
            recognise: is_mmlu,
            convert: |record| one(mmlu(record)),
        },
        Format {
            name: "chembench4k",
            about: "ChemBench4K: question with the options in its last four lines and the text of the right one, or options A to D and a letter",
            told_by: "JSON with question, answer and the columns A to D, or a path with `chembench4k`",
            tasks: &["choice.chembench4k"],
            is_evaluation_only: true,
            columns: lettered_columns,
            recognise: |sample| {
                let is_lettered = has(sample, &["question", "A", "B", "C", "D", "answer"]);
                is_lettered
                    .or_else(|| has(sample, &["question", "answer"]).filter(|_| sample.is_named(&["chembench4k"])))
            },
            convert: |record| one(chembench4k(record)),
        },
    ]
}

fn lettered_columns(_: Option<&'static Task>) -> Vec<Column> {
    let mut columns = vec![
        Column::required("question", &["question"]),
        Column::optional("answer", &["answer_index", "answer", "golden_answers"]),
        Column::optional("choices", &["choices"]),
    ];
    columns.extend(["A", "B", "C", "D"].map(|letter| Column::optional(letter, &[letter])));
    columns
}

fn has(sample: &Sample, names: &[&str]) -> Option<Shape> {
    names.iter().all(|wanted| sample.columns.iter().any(|name| name == wanted)).then_some(Shape::Columns)
}

fn is_mmlu(sample: &Sample) -> Option<Shape> {
    let is_own_file = ["chemistry_test", "chemistry_val", "chemistry_dev"]
        .iter()
        .any(|name| sample.file_name().contains(name) && sample.columns.len() == MMLU_COLUMNS.len());
    match has(sample, &["question", "choices"]) {
        Some(shape) => Some(shape),
        None => is_own_file.then_some(Shape::Headerless(MMLU_COLUMNS)),
    }
}

fn letter(place: usize) -> Option<char> {
    u8::try_from(place).ok().filter(|place| *place < 26).map(|place| char::from(b'A' + place))
}

/// The example of a question with these options, of which those at `right` are right.
fn choice(
    record: &Record<'_>,
    id: &str,
    text: &str,
    options: &[String],
    right: &[usize],
) -> Result<chemr_tasks::Example, Rejection> {
    let Some(task) = task(id) else {
        return Err(Rejection::new(RejectReason::NoTask, ""));
    };
    let options: Vec<String> = options.iter().map(|option| on_one_line(option)).collect();
    if options.iter().any(String::is_empty) {
        return Err(Rejection::new(RejectReason::Missing("options"), "an option is empty"));
    }
    let letters: Option<Vec<String>> = right.iter().map(|place| Some(letter(*place)?.to_string())).collect();
    let reference = letters.filter(|letters| !letters.is_empty()).map(|letters| letters.join(", "));
    let reference = reference.ok_or_else(|| Rejection::new(RejectReason::AnswerNotAnOption, "no option is right"))?;
    let given = [("question", Cow::Borrowed(text)), ("options", Cow::Owned(options.join("\n")))];
    question(record, task, &given, &reference)
}

/// Options A to D of a row, or its list of choices.
fn options(record: &Record<'_>) -> Result<Vec<String>, Rejection> {
    let lettered: Option<Vec<String>> =
        ["A", "B", "C", "D"].iter().map(|letter| record.get(letter).map(Cow::into_owned)).collect();
    let listed = || record.row.value("choices")?.as_array()?.iter().map(scalar).collect::<Option<Vec<_>>>();
    lettered.or_else(listed).ok_or_else(|| Rejection::new(RejectReason::Missing("choices"), ""))
}

/// The place of the option that a letter names.
fn by_letter(answer: &str, options: &[String]) -> Option<usize> {
    match answer.as_bytes() {
        [letter] if letter.is_ascii_uppercase() => {
            Some(usize::from(letter - b'A')).filter(|place| *place < options.len())
        }
        _ => None,
    }
}

fn by_text(answer: &str, options: &[String]) -> Option<usize> {
    options.iter().position(|option| option.trim() == answer)
}

fn no_option(answer: &str) -> Rejection {
    Rejection::new(RejectReason::AnswerNotAnOption, answer.chars().take(80).collect::<String>())
}

fn mmlu(record: &Record<'_>) -> Result<chemr_tasks::Example, Rejection> {
    let text = record.need("question")?;
    let options = options(record)?;
    let listed = || record.row.value("golden_answers")?.as_array()?.first().and_then(scalar);
    let answer = record.get("answer").map(Cow::into_owned).or_else(listed);
    let answer = answer.ok_or_else(|| Rejection::new(RejectReason::Missing("answer"), ""))?;
    let answer = answer.trim();
    let by_index = || answer.parse().ok().filter(|place| *place < options.len());
    // Letters and indices come first: options may be numbers or letters themselves (elements).
    let right = by_letter(answer, &options).or_else(by_index).or_else(|| by_text(answer, &options));
    choice(record, "choice.mmlu", &text, &options, &[right.ok_or_else(|| no_option(answer))?])
}

fn chembench4k(record: &Record<'_>) -> Result<chemr_tasks::Example, Rejection> {
    const ID: &str = "choice.chembench4k";
    let (text, answer) = (record.need("question")?, record.need("answer")?);
    if record.get("A").is_some() {
        let options = options(record)?;
        let right = by_letter(&answer, &options).ok_or_else(|| no_option(&answer))?;
        return choice(record, ID, &text, &options, &[right]);
    }
    // The options are the last four lines; where one of them has several lines, the answer is none of them.
    let lines: Vec<&str> = text.split('\n').map(str::trim).collect();
    let Some(start) = lines.len().checked_sub(4).filter(|start| *start > 0) else {
        return Err(Rejection::new(RejectReason::UnknownWording, "the question has less than five lines"));
    };
    let options: Vec<String> = lines[start..].iter().map(ToString::to_string).collect();
    let right = by_text(&answer, &options);
    let right = right.ok_or_else(|| {
        Rejection::new(RejectReason::AnswerNotAnOption, "the answer is none of the last four lines of the question")
    })?;
    choice(record, ID, &lines[..start].join("\n"), &options, &[right])
}

/// Questions with options of which each has a score; those with a positive one are right.
fn chembench(record: &Record<'_>) -> Result<Answers, Rejection> {
    let missing = || Rejection::new(RejectReason::Missing("examples"), "");
    let examples = record.row.value("examples").and_then(Value::as_array).filter(|list| !list.is_empty());
    let answers = examples.ok_or_else(missing)?.iter().map(|item| {
        let text = item.get("input").and_then(Value::as_str).ok_or_else(missing)?;
        let scores = item.get("target_scores").and_then(Value::as_object);
        let scores = scores.ok_or_else(|| Rejection::new(RejectReason::NotMultipleChoice, "no target_scores"))?;
        let is_right = |score: &Value| score.as_f64().is_some_and(|score| score > 0.0);
        let right: Vec<usize> =
            scores.values().enumerate().filter(|(_, score)| is_right(score)).map(|(place, _)| place).collect();
        let options: Vec<String> = scores.keys().cloned().collect();
        let mut example = choice(record, "choice.chembench", text, &options, &right)?;
        for key in ["uuid", "topic", "name"] {
            if let Some(text) = record.row.text(key) {
                example.meta.insert(key.to_owned(), text.into_owned());
            }
        }
        Ok(example)
    });
    Ok(answers.collect())
}
