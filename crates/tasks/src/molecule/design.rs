//! Molecule design (`molecule_design`).
//!
//! # What it asks
//!
//! Given a description (input field `description`), write the SMILES of the molecule that it describes.
//!
//! # How it is scored
//!
//! The answer passes the input gate, is parsed, and is right when its multiset of fragments equals that of the reference, each fragment by
//! canonical isomeric SMILES. Parts: `flat_match` (equal without stereochemistry), `component_match` (the reference's fragments are among
//! the answer's) and `inchi_match` (same standard InChI, as MolT5 counts exact matches).
//!
//! # Known disagreements
//!
//! * MolT5 and ChemLLMBench compare standard InChI, so that tautomers and covalent or ionic forms are one molecule: `inchi_match`.
//! * A description often fits several molecules; the recorded one alone is right. Similarities are metrics of files of predictions, and a
//!   reward may pay for them (`tanimoto`).
//!
//! # Reference
//!
//! Edwards et al., *Text2Mol* (ChEBI-20), EMNLP 2021; MolT5, EMNLP 2022; ChemLLMBench, arXiv 2305.18365.

use chemr_chem::Composition;

use crate::compare::same_molecules;
use crate::kind::Kind;
use crate::registry::{Field, Task};
use crate::verdict::Judgement;
use crate::{Example, Mode, guard, references};

pub(crate) static DESIGN: Task = Task {
    id: "molecule_design",
    family: "design",
    title: "Molecule design",
    kind: Kind::Molecule,
    fields: &[Field { key: "description", columns: &["caption"] }],
    judge,
    source: include_str!("design.rs"),
};

fn judge(example: &Example, answer: &str, _mode: Mode) -> Judgement {
    let judgement = same_molecules(answer, &example.reference);
    if !judgement.valid {
        return judgement;
    }
    let is_same = judgement.correct || inchi_equal(answer, &example.reference);
    judgement.part("inchi_match", f64::from(u8::from(is_same)))
}

/// Whether both have one standard InChI; it is computed only for molecules of one composition, because it is slow.
fn inchi_equal(answer: &str, reference: &str) -> bool {
    if let (Some(given), Some(wanted)) = (Composition::of(answer), Composition::of(reference))
        && given != wanted
    {
        return false;
    }
    let wanted = references::read(reference).and_then(|read| read.molecule());
    let (Ok(given), Ok(wanted)) = (guard::answer_molecule(answer), wanted) else {
        return false;
    };
    given.element_counts() == wanted.element_counts()
        && given.inchi().is_some_and(|inchi| Some(inchi) == wanted.inchi())
}
