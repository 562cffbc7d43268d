//! What a file of predictions is scored for: tasks with the metrics of their kind of answer, and suites of them.
//!
//! A [`ScoredTask`] needs no model and no verifier, so there are more of them than trainable [`Task`](crate::Task)s; where both
//! exist they have one id.

mod papers;

use chemr_chem::ErrorClass;

use crate::answer::{MAX_COMPLETION_BYTES, Mode, extract, has_tags, text_answer};
use crate::formula::Formula;
use crate::metrics::{Metric, Pair, label, metric, number, reference_label};

pub use papers::{Paper, paper, papers};

/// What an answer is; decides its metrics and what can be wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A molecule or mixture as SMILES.
    Molecule,
    /// Molecules of a reaction as SMILES, perhaps several ranked answers.
    Reaction,
    /// Free text.
    Text,
    /// Yes or no.
    Label,
    /// A molecular formula.
    Formula,
    /// A number.
    Number,
}

impl Kind {
    /// Ids of the metrics of this kind, in the order of tables.
    pub fn metrics(self) -> &'static [&'static str] {
        match self {
            Kind::Molecule => &[
                "validity",
                "exact.inchi",
                "exact.canonical",
                "exact.fragments",
                "exact.largest_fragment",
                "exact.map_free",
                "exact.string",
                "fts.maccs",
                "fts.rdk",
                "fts.morgan_count",
                "fts.morgan_2048",
                "levenshtein",
                "bleu.char",
            ],
            Kind::Reaction => &[
                "validity",
                "topk.1",
                "topk.3",
                "topk.5",
                "topk.10",
                "exact.canonical",
                "exact.fragments",
                "exact.component",
                "exact.largest_fragment",
                "exact.map_free",
                "exact.string",
                "fts.maccs",
                "fts.rdk",
                "fts.morgan_count",
                "fts.morgan_2048",
                "levenshtein",
                "bleu.char",
            ],
            Kind::Text => {
                &["bleu2.whitespace", "bleu4.whitespace", "rouge1", "rouge2", "rougeL", "meteor", "exact.string"]
            }
            Kind::Label => &["accuracy", "balanced_accuracy", "f1"],
            Kind::Formula => &["exact.formula", "exact.string"],
            Kind::Number => &["mae", "rmse", "r2"],
        }
    }

    /// The answer in a stored prediction: a text without tags as it is, else what the loose grammar of evaluation takes from the
    /// completion (for free text without taking marks and full stops off). `None` for a completion without an answer, and for more
    /// than [`MAX_COMPLETION_BYTES`].
    pub fn answer(self, prediction: &str) -> Option<&str> {
        match self {
            _ if prediction.len() > MAX_COMPLETION_BYTES => None,
            Kind::Text => text_answer(prediction),
            _ if has_tags(prediction) => extract(prediction, Mode::Loose).answer.ok(),
            _ => Some(prediction),
        }
    }

    /// Whether the pair's reference is one; metrics say nothing about rows where it is none.
    pub fn has_reference(self, pair: &Pair<'_>) -> bool {
        match self {
            Kind::Molecule | Kind::Reaction => pair.reference_molecule().is_ok(),
            Kind::Text => !pair.reference().is_empty(),
            Kind::Label => reference_label(pair.reference()).is_some(),
            Kind::Formula => Formula::parse(pair.reference()).is_some(),
            Kind::Number => number(pair.reference()).is_some(),
        }
    }

    /// Why a prediction is no answer of this kind; `None` when it is one.
    pub fn fault(self, pair: &Pair<'_>) -> Option<Fault> {
        let text = pair.prediction();
        if text.is_empty() {
            return Some(Fault::Missing);
        }
        let unparsable = |is: bool| is.then_some(Fault::Unparsable);
        match self {
            Kind::Molecule | Kind::Reaction => match pair.predicted_molecule() {
                Ok(_) => None,
                Err(error) => Some(match error.class {
                    ErrorClass::Gate
                    | ErrorClass::TooLong
                    | ErrorClass::NonAscii
                    | ErrorClass::InnerWhitespace
                    | ErrorClass::ForbiddenCharacter
                    | ErrorClass::Internal => Fault::Unparsable,
                    _ => Fault::Invalid,
                }),
            },
            Kind::Text => None,
            Kind::Label => unparsable(label(text).is_none()),
            Kind::Formula => unparsable(Formula::parse(text).is_none()),
            Kind::Number => unparsable(number(text).is_none()),
        }
    }
}

/// Why a prediction is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// There is none.
    Missing,
    /// No answer of the asked kind can be taken from the text (for molecules: the gate refuses it, or the toolkit failed).
    Unparsable,
    /// It has the form of a SMILES string and is no molecule (syntax, valence, aromaticity).
    Invalid,
}

impl Fault {
    /// `missing`, `unparsable` or `invalid`.
    pub fn as_str(self) -> &'static str {
        match self {
            Fault::Missing => "missing",
            Fault::Unparsable => "unparsable",
            Fault::Invalid => "invalid",
        }
    }
}

/// Something that predictions can be scored for.
#[derive(Debug)]
pub struct ScoredTask {
    /// Stable id, e.g. `molecule_design`.
    pub id: &'static str,
    /// Short human name.
    pub title: &'static str,
    pub kind: Kind,
    /// Columns that hold the question, by the names that files use: a file with one of them may be for this task.
    pub inputs: &'static [&'static str],
}

impl ScoredTask {
    /// The metrics of the task, in the order of tables.
    pub fn metrics(&self) -> impl Iterator<Item = &'static Metric> {
        self.kind.metrics().iter().filter_map(|id| metric(id))
    }
}

const SMILES: &[&str] = &["smiles", "SMILES"];

static SCORED: [ScoredTask; 10] = [
    ScoredTask { id: "name.smiles_to_formula", title: "SMILES to formula", kind: Kind::Formula, inputs: SMILES },
    ScoredTask {
        id: "name.iupac_to_smiles",
        title: "IUPAC name to SMILES",
        kind: Kind::Molecule,
        inputs: &["iupac", "name"],
    },
    ScoredTask { id: "property.bbbp", title: "Blood-brain barrier", kind: Kind::Label, inputs: SMILES },
    ScoredTask { id: "property.polarity_rule", title: "Polarity rule (synthetic)", kind: Kind::Label, inputs: SMILES },
    ScoredTask { id: "property.esol", title: "Solubility in water (ESOL)", kind: Kind::Number, inputs: SMILES },
    ScoredTask { id: "property.lipophilicity", title: "Lipophilicity", kind: Kind::Number, inputs: SMILES },
    ScoredTask {
        id: "molecule_design",
        title: "Molecule design",
        kind: Kind::Molecule,
        inputs: &["description", "caption"],
    },
    ScoredTask { id: "molecule_captioning", title: "Molecule captioning", kind: Kind::Text, inputs: SMILES },
    ScoredTask {
        id: "reaction_prediction",
        title: "Reaction prediction",
        kind: Kind::Reaction,
        inputs: &["reactants"],
    },
    ScoredTask {
        id: "retrosynthesis",
        title: "Retrosynthesis",
        kind: Kind::Reaction,
        inputs: &["product", "products"],
    },
];

/// All tasks that predictions can be scored for.
pub fn scored_tasks() -> &'static [ScoredTask] {
    &SCORED
}

/// The one with this id.
pub fn scored_task(id: &str) -> Option<&'static ScoredTask> {
    SCORED.iter().find(|task| task.id == id)
}

/// A benchmark: tasks that belong together.
#[derive(Debug)]
pub struct Suite {
    pub id: &'static str,
    /// What it is and where it comes from, one sentence.
    pub about: &'static str,
    /// Ids of its tasks.
    pub tasks: &'static [&'static str],
}

static SUITES: [Suite; 3] = [
    Suite {
        id: "chebi20",
        about: "ChEBI-20: molecules from captions and captions of molecules (Edwards et al., EMNLP 2021; metrics of MolT5, EMNLP 2022).",
        tasks: &["molecule_design", "molecule_captioning"],
    },
    Suite {
        id: "chemllmbench",
        about: "ChemLLMBench (Guo et al., NeurIPS 2023), the tasks of it that are scored here.",
        tasks: &[
            "name.iupac_to_smiles",
            "name.smiles_to_formula",
            "property.bbbp",
            "molecule_design",
            "molecule_captioning",
            "reaction_prediction",
            "retrosynthesis",
        ],
    },
    Suite {
        id: "uspto50k",
        about: "USPTO-50k: reactants of a product, and the product of reactants (Schneider et al., J. Chem. Inf. Model. 2016, 56, 2336; split of Dai et al. 2019).",
        tasks: &["retrosynthesis", "reaction_prediction"],
    },
];

/// All suites.
pub fn suites() -> &'static [Suite] {
    &SUITES
}

/// The suite with this id.
pub fn suite(id: &str) -> Option<&'static Suite> {
    SUITES.iter().find(|suite| suite.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn tasks_and_suites_name_what_there_is() {
        let ids: BTreeSet<&str> = SCORED.iter().map(|task| task.id).collect();
        assert_eq!(ids.len(), SCORED.len());
        for task in scored_tasks() {
            assert_eq!(task.metrics().count(), task.kind.metrics().len(), "{}", task.id);
        }
        for suite in suites() {
            assert!(suite.tasks.iter().all(|id| scored_task(id).is_some()), "{}", suite.id);
        }
    }

    #[test]
    fn answers_come_out_of_completions() {
        for (kind, prediction, answer) in [
            (Kind::Molecule, "CCO", Some("CCO")),
            (Kind::Molecule, "<think>a</think><answer> SMILES: CCO. </answer>", Some("CCO")),
            (Kind::Molecule, "<think>endless", None),
            (Kind::Text, "The molecule is an acid.", Some("The molecule is an acid.")),
            (Kind::Text, "<answer>The molecule is an acid.</answer>", Some("The molecule is an acid.")),
            (Kind::Text, "<think>a</think>\nOne line.\nAnother.", Some("One line.\nAnother.")),
            (Kind::Text, "<think>endless", None),
            (Kind::Text, "<answer> </answer>", None),
        ] {
            assert_eq!(kind.answer(prediction), answer, "{prediction}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_prediction() {
        for (kind, text, fault) in [
            (Kind::Molecule, "CCO", None),
            (Kind::Molecule, " ", Some(Fault::Missing)),
            (Kind::Molecule, "CCO the product", Some(Fault::Unparsable)),
            (Kind::Molecule, "C(C)(C)(C)(C)C", Some(Fault::Invalid)),
            (Kind::Label, "no doubt: yes", Some(Fault::Unparsable)),
            (Kind::Label, "True", None),
            (Kind::Formula, "C2H6O", None),
            (Kind::Formula, "CH3CH2OH?", Some(Fault::Unparsable)),
            (Kind::Number, "-2.5", None),
            (Kind::Number, "about 3", Some(Fault::Unparsable)),
            (Kind::Text, "anything", None),
        ] {
            let predictions = [text];
            assert_eq!(kind.fault(&Pair::new("CCO", &predictions)), fault, "{text}");
        }
    }
}
