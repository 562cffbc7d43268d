//! Molecule captioning (`molecule_captioning`).
//!
//! # What it asks
//!
//! Given one SMILES (input field `smiles`), describe the molecule. Captions of ChEBI-20 open with "The molecule is".
//!
//! # How it is scored
//!
//! A graded task: the credit is the mean of BLEU-2 and BLEU-4 over words, ROUGE-L and METEOR (without synonyms) of the answer against the
//! reference, each as in the metrics of that name for one row, and stands in the parts under their ids. `correct` only when the text is the reference's own, letter case and
//! blanks aside. An answer of more than 10,000 bytes is `too_long`.
//!
//! # Known disagreements
//!
//! * Word overlap rewards the phrases that all captions share; it does not say whether the statements are true. Claims that the toolkit
//!   can check are counted apart.
//! * MolT5 and ChemLLMBench cut BLEU and METEOR into WordPiece tokens, and BLEU is over the whole set there, not a mean of rows.
//!
//! # Reference
//!
//! Edwards et al., MolT5, EMNLP 2022 (captioning on ChEBI-20); ChemLLMBench, arXiv 2305.18365.

use crate::kind::Kind;
use crate::metrics::{Pair, metric};
use crate::registry::{Field, Task};
use crate::verdict::{Judgement, Reason};
use crate::{Example, Mode};

/// What the credit is the mean of.
const OVERLAPS: [&str; 4] = ["bleu2.whitespace", "bleu4.whitespace", "rougeL", "meteor"];

pub(crate) static CAPTIONING: Task = Task {
    id: "molecule_captioning",
    family: "caption",
    title: "Molecule captioning",
    kind: Kind::Text,
    fields: &[Field { key: "smiles", columns: &["SMILES"] }],
    judge,
    source: include_str!("captioning.rs"),
};

fn judge(example: &Example, answer: &str, _mode: Mode) -> Judgement {
    if example.reference.trim().is_empty() {
        return Judgement::unreadable(Reason::BrokenExample);
    }
    if answer.len() > Kind::Text.longest_answer() {
        return Judgement::unreadable(Reason::TooLong);
    }
    let plain = |text: &str| text.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>();
    let mut judgement = Judgement::of(plain(answer) == plain(&example.reference));
    let predictions = [answer];
    let pair = Pair::new(&example.reference, &predictions);
    let mut sum = 0.0;
    for id in OVERLAPS {
        let value = metric(id).and_then(|metric| metric.value(&metric.row(&pair)?)).unwrap_or(0.0);
        sum += value;
        judgement = judgement.part(id, value);
    }
    if !judgement.correct {
        judgement.credit = sum / OVERLAPS.len() as f64;
    }
    judgement
}
