//! A row that can be exported, and its columns.

use std::collections::{BTreeMap, BTreeSet};

use chemr_tasks::metrics::Pair;
use chemr_tasks::{Example, Kind, Mode, Reason, Task, answer_block, completion, stored, task};
use serde_json::{Map, Value, json};

use crate::export::{RowFault, Stage};

/// What the question's fields must not be called, since exports have columns of these names.
#[cfg(test)]
pub(crate) const RESERVED: [&str; 18] = [
    "ability",
    "completion",
    "data_source",
    "env_class",
    "extra_info",
    "id",
    "index",
    "label",
    "level",
    "messages",
    "prompt",
    "reference",
    "reward_model",
    "reward_spec",
    "source",
    "split",
    "system",
    "task",
];

/// Column of [`Example::meta`] that a verifier reads beside the fields of the question.
const YIELDS: &str = "yields";

/// A checked row.
#[derive(Debug)]
pub(crate) struct Row {
    pub example: Example,
    pub task: &'static Task,
    /// A whole completion to train on, where the row has one.
    pub completion: Option<String>,
}

impl Row {
    /// Checks what the stage will need of the row.
    pub fn new(example: Example, completion: Option<String>, stage: Stage) -> Result<Row, RowFault> {
        let task = task(&example.task).ok_or_else(|| RowFault::UnknownTask { task: stored(&example.task) })?;
        let row = Row { example, task, completion };
        row.check_columns()?;
        row.check_reference()?;
        if stage == Stage::Sft {
            row.check_answer()?;
        }
        Ok(row)
    }

    /// The row is the same when it is read back from its columns, as the rewards do.
    fn check_columns(&self) -> Result<(), RowFault> {
        let lacking = |key: &&'static str| !self.example.input.contains_key(*key);
        let keys: Vec<&'static str> = self.task.fields().iter().map(|field| field.key).collect();
        if let Some(field) = keys.iter().find(|key| lacking(key)) {
            return Err(RowFault::MissingField { field });
        }
        let columns: BTreeMap<String, String> =
            keys.iter().map(|key| ((*key).to_owned(), self.example.field(key).to_owned())).collect();
        let read = self.task.row(&columns, &self.example.reference);
        if read.reference != self.example.reference {
            return Err(RowFault::Altered { field: "reference" });
        }
        match keys.into_iter().find(|key| read.field(key) != self.example.field(key)) {
            Some(field) => Err(RowFault::Altered { field }),
            None => Ok(()),
        }
    }

    fn check_reference(&self) -> Result<(), RowFault> {
        if !self.task.kind().has_reference(&Pair::new(&self.example.reference, &[])) {
            return Err(RowFault::UnreadableReference { reference: stored(&self.example.reference) });
        }
        // Only an answer that can be read makes a verifier look at the row: the reference is one, and methane where a row has none.
        for answer in [self.task.reference_answer(&self.example).as_str(), "C"] {
            let reason = self.task.judge(&self.example, answer, Mode::Loose).reason;
            if matches!(reason, Reason::BrokenExample | Reason::ToolkitPanic) {
                return Err(RowFault::Broken { reason });
            }
        }
        Ok(())
    }

    fn check_answer(&self) -> Result<(), RowFault> {
        let Some(text) = &self.completion else {
            let answer = completion("-", &self.task.reference_answer(&self.example));
            let verdict = self.task.verify(&self.example, &answer, Mode::Strict);
            return if verdict.correct { Ok(()) } else { Err(RowFault::WrongAnswer { reason: verdict.reason }) };
        };
        let verdict = self.task.verify(&self.example, text, Mode::Strict);
        // A description in other words than the reference's is not wrong, only graded.
        let right = verdict.correct || (self.task.kind() == Kind::Text && verdict.format && verdict.valid);
        if right { Ok(()) } else { Err(RowFault::WrongTrace { reason: verdict.reason }) }
    }

    pub fn system(&self) -> String {
        self.task.question(&self.example).system
    }

    pub fn user(&self) -> String {
        self.task.question(&self.example).user
    }

    /// The messages of the question.
    pub fn prompt(&self) -> Vec<Value> {
        vec![message("system", &self.system()), message("user", &self.user())]
    }

    /// What the model should write: the stored completion, otherwise the answer block alone.
    pub fn answer(&self) -> String {
        self.completion.clone().unwrap_or_else(|| answer_block(&self.task.reference_answer(&self.example)))
    }

    /// Question and answer as messages.
    pub fn dialogue(&self) -> Vec<Value> {
        let mut messages = self.prompt();
        messages.push(message("assistant", &self.answer()));
        messages
    }

    /// A column that the verifier reads, if the row has it.
    fn column(&self, name: &str) -> Option<&str> {
        let shown = self.task.fields().iter().any(|field| field.key == name);
        let text = if name == YIELDS { self.example.meta.get(name) } else { self.example.input.get(name) };
        text.filter(|_| shown || name == YIELDS).map(String::as_str)
    }

    /// The columns of `names`, with `null` where the row has none.
    pub fn columns(&self, names: &[&'static str]) -> Map<String, Value> {
        names.iter().map(|name| ((*name).to_owned(), json!(self.column(name)))).collect()
    }

    /// The columns that the row has, and `task` and `reference`: all that a verdict needs.
    pub fn label(&self) -> Value {
        let mut label = Map::from_iter([
            ("task".to_owned(), json!(self.task.id())),
            ("reference".to_owned(), json!(self.example.reference)),
        ]);
        for name in names(std::slice::from_ref(self)) {
            label.insert(name.to_owned(), json!(self.column(name)));
        }
        Value::Object(label)
    }

    /// Where the row comes from: `id`, `source`, `split`, `level`.
    pub fn origin(&self) -> Map<String, Value> {
        let example = &self.example;
        Map::from_iter([
            ("id".to_owned(), json!(example.id)),
            ("source".to_owned(), json!(example.source)),
            ("split".to_owned(), json!(example.split.as_str())),
            ("level".to_owned(), json!(example.level)),
        ])
    }
}

/// Names of the columns that the verifiers of these rows read: one set for all, as tables want it.
pub(crate) fn names(rows: &[Row]) -> Vec<&'static str> {
    let keys = rows.iter().flat_map(|row| row.task.fields().iter().map(|field| field.key));
    let yields = rows.iter().any(|row| row.column(YIELDS).is_some()).then_some(YIELDS);
    keys.chain(yields).collect::<BTreeSet<_>>().into_iter().collect()
}

/// A message of a chat.
pub(crate) fn message(role: &str, content: &str) -> Value {
    json!({"role": role, "content": content})
}

/// An object of these members, in this order.
pub(crate) fn object<const N: usize>(members: [(&str, Value); N]) -> Map<String, Value> {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chemr_tasks::{Split, tasks};

    fn row(id: &str, input: &[(&str, &str)], reference: &str, meta: &[(&str, &str)]) -> Example {
        let map = |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        Example::new(id, "test", Split::Train, 1, map(input), reference, map(meta))
    }

    fn fault(example: Example, completion: Option<&str>, stage: Stage) -> Option<RowFault> {
        Row::new(example, completion.map(str::to_owned), stage).err()
    }

    #[test]
    fn no_field_is_called_as_a_column_of_an_export() {
        for task in tasks() {
            for name in task.fields().iter().flat_map(|field| field.names()) {
                assert!(!RESERVED.contains(&name), "{}: {name}", task.id());
            }
        }
    }

    #[test]
    fn rows_that_cannot_be_exported() {
        let formula = |smiles, reference| row("name.smiles_to_formula", &[("smiles", smiles)], reference, &[]);
        assert_eq!(fault(formula("CCO", "C2H6O"), None, Stage::Sft), None);
        let cases = [
            (row("no.task", &[], "", &[]), "unknown_task"),
            (row("retrosynthesis", &[("smiles", "CCO")], "CCO", &[]), "missing_field"),
            (formula("CC\nO", "C2H6O"), "altered"),
            (formula("CCO", " C2H6O"), "altered"),
            (formula("CCO", "ethanol"), "unreadable_reference"),
            (row("retrosynthesis", &[("product", "CCO")], "C(", &[]), "unreadable_reference"),
            (row("tomg.add", &[("smiles", "C("), ("add", "nitro")], "", &[]), "broken_example"),
            (row("tomg.add", &[("smiles", "CCO"), ("add", "unicorn")], "", &[]), "broken_example"),
            (row("choice.mmlu", &[("question", "?"), ("options", "a\nb")], "C", &[]), "broken_example"),
        ];
        for (example, code) in cases {
            for stage in [Stage::Rl, Stage::Sft] {
                let found = fault(example.clone(), None, stage).map(|fault| fault.code());
                assert_eq!(found, Some(code), "{example:?}");
            }
        }
        // A question without a recorded answer can be rewarded, and not be trained on.
        let open = row("tomg.add", &[("smiles", "CCO"), ("add", "nitro")], "", &[]);
        assert_eq!(fault(open.clone(), None, Stage::Rl), None);
        assert_eq!(fault(open, None, Stage::Sft).map(|fault| fault.code()), Some("wrong_answer"));
    }

    #[test]
    fn completions_are_held_against_the_verifier() {
        let example = || row("name.smiles_to_formula", &[("smiles", "CCO")], "C2H6O", &[]);
        let right = "<think>Two carbons.</think>\n<answer>C2H6O</answer>";
        assert_eq!(fault(example(), Some(right), Stage::Sft), None);
        for wrong in ["<answer>C2H6O</answer>", "<think>a</think><answer>C2H4</answer>", ""] {
            assert_eq!(fault(example(), Some(wrong), Stage::Sft).map(|fault| fault.code()), Some("wrong_trace"));
            assert_eq!(fault(example(), Some(wrong), Stage::Rl), None);
        }
        let caption = row("molecule_captioning", &[("smiles", "CCO")], "The molecule is ethanol.", &[]);
        let other = "<think>a</think><answer>The molecule is an alcohol.</answer>";
        assert_eq!(fault(caption, Some(other), Stage::Sft), None);
    }

    #[test]
    fn a_label_holds_all_that_the_verdict_needs() {
        let input = [("reaction", "halide: CBr"), ("candidates", "CO, CCO")];
        let example = row("reagent.ligand", &input, "CCO,CO", &[("yields", "3,3"), ("key", "x")]);
        let ranked = Row::new(example, None, Stage::Rl).unwrap();
        let wanted = json!({
            "task": "reagent.ligand", "reference": "CCO,CO", "candidates": "CO, CCO", "reaction": "halide: CBr", "yields": "3,3",
        });
        assert_eq!(ranked.label(), wanted);
        let other = row("name.smiles_to_formula", &[("smiles", "CCO"), ("note", "x")], "C2H6O", &[]);
        let rows = [ranked, Row::new(other, None, Stage::Eval).unwrap()];
        assert_eq!(names(&rows), ["candidates", "reaction", "smiles", "yields"]);
        assert_eq!(Value::Object(rows[1].columns(&["reaction", "smiles"])), json!({"reaction": null, "smiles": "CCO"}));
    }
}
