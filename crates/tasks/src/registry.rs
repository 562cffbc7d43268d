//! What a task is, and the list of all tasks.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use chemr_chem::{ChemError, ErrorClass, Gate};

use crate::answer::{Extraction, Mode, extract, text_answer};
use crate::example::{Example, Split};
use crate::guard;
use crate::kind::Kind;
use crate::metrics::{Metric, Pair, metric, reference_label};
use crate::prompt::{Prompt, Prompts};
use crate::verdict::{Judgement, Reason, Verdict};
use crate::{choice, cot, molecule, name, property, reaction, reagent, tomg, yields};

/// What a task is compared with in a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Baseline {
    /// Always answer the most frequent reference of the training rows.
    Majority,
    /// Answer with the reference of a random training row.
    RandomReference,
}

impl Baseline {
    /// Wording for reports.
    pub fn title(self) -> &'static str {
        match self {
            Baseline::Majority => "majority label",
            Baseline::RandomReference => "random training answer",
        }
    }
}

/// A field that a question shows; what stands before it is up to the [`Prompts`].
#[derive(Debug)]
pub struct Field {
    /// Key in [`Example::input`], e.g. `smiles`.
    pub key: &'static str,
    /// Other names of its column in public files.
    pub columns: &'static [&'static str],
}

impl Field {
    /// All names of its column.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.key).chain(self.columns.iter().copied())
    }
}

/// A task: how rows become questions, and how completions are judged.
pub struct Task {
    pub(crate) id: &'static str,
    pub(crate) family: &'static str,
    pub(crate) title: &'static str,
    pub(crate) kind: Kind,
    pub(crate) fields: &'static [Field],
    pub(crate) judge: fn(&Example, &str, Mode) -> Judgement,
    pub(crate) source: &'static str,
}

impl fmt::Debug for Task {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Task({})", self.id)
    }
}

impl Task {
    /// Stable id, e.g. `name.smiles_to_formula`.
    pub fn id(&self) -> &'static str {
        self.id
    }

    /// The family decides which protocol fits, where there is one: `formula`, `name`, `property`, `forward`, `retro`, `custom` have
    /// one.
    pub fn family(&self) -> &'static str {
        self.family
    }

    /// Short human name for tables.
    pub fn title(&self) -> &'static str {
        self.title
    }

    /// What an answer is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The fields that the question shows, in this order; at least one.
    pub fn fields(&self) -> &'static [Field] {
        self.fields
    }

    /// Key of the first field.
    pub fn input_key(&self) -> &'static str {
        self.fields[0].key
    }

    /// The prompt of a row in the words that come with the program; [`Prompts::question`] for others.
    pub fn question(&self, example: &Example) -> Prompt {
        Prompts::builtin().question(self, example)
    }

    /// What reports put beside the accuracy.
    pub fn baseline(&self) -> Baseline {
        match self.kind {
            Kind::Label | Kind::Choice => Baseline::Majority,
            _ => Baseline::RandomReference,
        }
    }

    /// The metrics of the task's answers, in the order of tables.
    pub fn metrics(&self) -> impl Iterator<Item = &'static Metric> {
        self.kind.metrics().iter().filter_map(|id| metric(id))
    }

    /// Source text of the task's file; its leading comment is the documentation.
    pub fn source(&self) -> &'static str {
        self.source
    }

    /// The right answer as training writes it: `meta["aligned_answer"]` when the row has one, otherwise the reference; of a ranking the
    /// best candidate.
    pub fn reference_answer(&self, example: &Example) -> String {
        match example.meta.get("aligned_answer") {
            Some(aligned) => aligned.clone(),
            None if self.family == reagent::selection::FAMILY => {
                reagent::selection::best(&example.reference).to_owned()
            }
            None => example.reference.clone(),
        }
    }

    /// Why the verifier does not read the row's own answer: it is larger than answers may be. Where many molecules are right, only a size
    /// that they share counts, their number of heavy atoms. `too_long` and `gate` are the only classes. `None` when it is read, or the row
    /// has none.
    pub fn oversize(&self, example: &Example) -> Option<ChemError> {
        let admitted = |gate: &Gate, text: &str| {
            gate.admit(text).err().filter(|error| matches!(error.class, ErrorClass::TooLong | ErrorClass::Gate))
        };
        let answer = self.reference_answer(example);
        let text = answer.trim();
        let (length, most) = (text.len(), self.kind.longest_answer());
        match self.kind {
            Kind::Molecule | Kind::Reaction => admitted(&Gate::ANSWER, text),
            Kind::Demand => admitted(&Gate { max_heavy_atoms: Gate::ANSWER.max_heavy_atoms, ..Gate::DATA }, text),
            _ if length > most => {
                let message = format!("{length} bytes, at most {most} are read");
                Some(ChemError::new(ErrorClass::TooLong, message))
            }
            _ => None,
        }
    }

    /// The right answer as an example before a question shows it; `None` where the reference is no answer (another text than the task's
    /// kind).
    pub fn shown_answer(&self, example: &Example) -> Option<String> {
        let answer = self.reference_answer(example);
        let is_answer = match self.kind {
            Kind::Label => return reference_label(&answer).map(|label| if label { "Yes" } else { "No" }.to_owned()),
            // Only the verifier knows the options and the demands.
            Kind::Demand | Kind::Choice => self.judge(example, &answer, Mode::Strict).correct,
            kind => kind.has_reference(&Pair::new(&answer, &[])),
        };
        is_answer.then_some(answer)
    }

    /// A row of columns by name, as files and other programs give them: the task's fields by their keys or by the other names of their
    /// columns. A list stands in lines; they become the lines of the options, and commas elsewhere.
    pub fn row(&self, columns: &BTreeMap<String, String>, reference: &str) -> Example {
        let mut input = BTreeMap::new();
        for field in self.fields {
            if let Some(text) = field.names().find_map(|name| columns.get(name)) {
                let is_list = text.contains('\n') && field.key != choice::OPTIONS;
                let text = if is_list { text.trim().replace('\n', ", ") } else { text.clone() };
                input.insert(field.key.to_owned(), text);
            }
        }
        let meta = columns.get("yields").map(|yields| ("yields".to_owned(), yields.clone())).into_iter().collect();
        Example::new(self.id, "given", Split::Test, 0, input, reference.trim(), meta)
    }

    /// What is right or wrong about an extracted answer. A panic becomes a reason.
    pub fn judge(&self, example: &Example, answer: &str, mode: Mode) -> Judgement {
        guard::caught(|| (self.judge)(example, answer, mode))
            .unwrap_or_else(|| Judgement::unreadable(Reason::ToolkitPanic))
    }

    /// Looks for the answer of a completion as this kind of answer wants it.
    pub fn extract<'a>(&self, completion: &'a str, mode: Mode) -> Extraction<'a> {
        let mut found = extract(completion, mode);
        // Marks, labels and full stops belong to a free text.
        if self.kind == Kind::Text && mode == Mode::Loose && found.answer != Err(Reason::TooLong) {
            found.answer = text_answer(completion).ok_or(Reason::NoAnswer);
        }
        found
    }

    /// Judges a completion. Always returns: text that fits no grammar, molecules that do not parse, broken rows and
    /// panics all become a reason.
    pub fn verify(&self, example: &Example, completion: &str, mode: Mode) -> Verdict {
        let extraction = self.extract(completion, mode);
        match extraction.answer {
            Ok(answer) => {
                let judgement = self.judge(example, answer, mode);
                Verdict::of(judgement, extraction.format, Some(guard::stored(answer)))
            }
            Err(reason) => Verdict::of(Judgement::unreadable(reason), extraction.format, None),
        }
    }
}

static TASKS: LazyLock<Vec<&'static Task>> = LazyLock::new(|| {
    let mut all: Vec<&'static Task> = vec![
        &name::smiles_to_formula::SMILES_TO_FORMULA,
        &name::iupac_to_smiles::IUPAC_TO_SMILES,
        &name::smiles_to_iupac::SMILES_TO_IUPAC,
        &name::iupac_to_formula::IUPAC_TO_FORMULA,
        &name::formula_to_smiles::FORMULA_TO_SMILES,
    ];
    all.extend(&property::label::LABELS);
    all.extend(&property::value::VALUES);
    all.extend([&molecule::design::DESIGN, &molecule::captioning::CAPTIONING]);
    all.extend([&reaction::prediction::REACTION_PREDICTION, &reaction::retrosynthesis::RETROSYNTHESIS]);
    all.push(&reagent::prediction::PREDICTION);
    all.extend(&reagent::selection::SELECTIONS);
    all.push(&reagent::selection_rule::SELECTION_RULE);
    all.extend(&yields::class::CLASSES);
    all.push(&yields::rule::RULE);
    all.extend(&yields::percent::PERCENTS);
    all.extend([&tomg::atom_num::ATOM_NUM, &tomg::bond_num::BOND_NUM, &tomg::functional_group::FUNCTIONAL_GROUP]);
    all.extend(&tomg::edit::EDITS);
    all.extend(&tomg::optimise::OPTIMISATIONS);
    all.extend(&cot::count::COUNTS);
    all.push(&cot::scaffold::MURCKO);
    all.extend(&cot::relation::RELATIONS);
    all.extend(&choice::CHOICES);
    all
});

/// All tasks, in the order of reports.
pub fn tasks() -> &'static [&'static Task] {
    &TASKS
}

/// The task with this id.
pub fn task(id: &str) -> Option<&'static Task> {
    TASKS.iter().copied().find(|task| task.id == id)
}

/// The documentation of a task: the leading `//!` comment of its file, as Markdown.
pub fn documentation(task: &Task) -> String {
    leading_comment(task.source)
}

/// The leading `//!` comment of a source file, as Markdown.
pub(crate) fn leading_comment(source: &str) -> String {
    let mut text = String::new();
    for line in source.lines().map_while(|line| line.strip_prefix("//!")) {
        text.push_str(line.strip_prefix(' ').unwrap_or(line));
        text.push('\n');
    }
    text
}

#[cfg(test)]
#[path = "registry_tests.rs"]
mod tests;
