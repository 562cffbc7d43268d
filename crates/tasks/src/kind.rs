//! What an answer is: decides its metrics, and what can be wrong with it.

use chemr_chem::{ErrorClass, Gate};

use crate::answer::{MAX_COMPLETION_BYTES, Mode, extract, has_tags, text_answer};
use crate::choice;
use crate::formula::Formula;
use crate::metrics::{Pair, label, number, reference_label};

/// What an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A molecule or mixture as SMILES.
    Molecule,
    /// Molecules of a reaction as SMILES, perhaps several ranked answers.
    Reaction,
    /// A molecule of which only the verifier knows whether it is right: many are, or it is one of a list.
    Demand,
    /// Free text.
    Text,
    /// A name of a molecule.
    Name,
    /// Yes or no.
    Label,
    /// Letters of options.
    Choice,
    /// A molecular formula.
    Formula,
    /// A number.
    Number,
}

impl Kind {
    /// Ids of the metrics of this kind, in the order of tables.
    pub fn metrics(self) -> &'static [&'static str] {
        match self {
            Kind::Demand => &["success", "success.weighted", "validity", "similarity.source"],
            Kind::Name => &["success", "exact.string", "levenshtein", "bleu.char"],
            Kind::Choice => &["success"],
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
                "fts.maccs.all",
                "fts.rdk.all",
                "fts.morgan_count.all",
                "fts.morgan_2048.all",
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
                "fts.maccs.all",
                "fts.rdk.all",
                "fts.morgan_count.all",
                "fts.morgan_2048.all",
                "levenshtein",
                "bleu.char",
            ],
            Kind::Text => &[
                "bleu2.whitespace",
                "bleu4.whitespace",
                "bleu2.wordpiece",
                "bleu4.wordpiece",
                "rouge1",
                "rouge2",
                "rougeL",
                "meteor",
                "meteor.wordnet",
                "meteor.wordpiece",
                "meteor.wordpiece.wordnet",
                "exact.string",
            ],
            Kind::Label => &["accuracy", "balanced_accuracy", "f1", "roc_auc"],
            Kind::Formula => &["exact.formula", "exact.string"],
            Kind::Number => &["mae", "rmse", "r2"],
        }
    }

    /// Longest answer that a verifier reads, in bytes; it refuses a longer one unread.
    pub fn longest_answer(self) -> usize {
        match self {
            Kind::Molecule | Kind::Reaction | Kind::Demand => Gate::ANSWER.max_chars,
            // Names of small molecules in PubChem have a few hundred bytes, the longest caption of ChEBI-20 has 2,350.
            Kind::Name => 2_000,
            Kind::Text => 10_000,
            Kind::Label | Kind::Choice | Kind::Formula | Kind::Number => MAX_COMPLETION_BYTES,
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
            // The verifier calls a row broken that it cannot judge.
            Kind::Demand => true,
            Kind::Choice => choice::letters(pair.reference()).is_some(),
            Kind::Text | Kind::Name => !pair.reference().is_empty(),
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
            Kind::Molecule | Kind::Reaction | Kind::Demand => match pair.predicted_molecule() {
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
            // Of a choice only the verifier knows, which has the options.
            Kind::Text | Kind::Name | Kind::Choice => None,
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

#[cfg(test)]
mod tests {
    use super::*;

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
