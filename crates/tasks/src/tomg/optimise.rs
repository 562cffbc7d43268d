//! MolOpt (`tomg.logp`, `tomg.mr`, `tomg.qed`).
//!
//! # What it asks
//!
//! Given a molecule (input field `smiles`) and a direction (`direction`: `increase` or `decrease`), write the SMILES of a molecule whose calculated
//! property is higher or lower: `tomg.logp` the octanol-water partition coefficient and `tomg.mr` the molar refractivity, both after Crippen, `tomg.qed` the quantitative
//! estimate of drug-likeness.
//!
//! # How it is scored
//!
//! The answer passes the input gate, is parsed, and is right when its property is above (below) that of the given molecule by more than rounding (1e-9). Parts: `change`
//! (the property of the answer minus that of the given molecule) and `similarity` (Tanimoto, Morgan fingerprints of radius 2 and 2,048 bits), with which the
//! benchmark weighs success.
//!
//! # Known disagreements
//!
//! * Any change in the right direction is right, so an unrelated molecule passes; read `similarity` beside it.
//! * TOMG-Bench compares unrounded sums over atoms, which depend on the order of the atoms in the last digit: there the given molecule itself, written in
//!   another order, passes in 18 to 29 % of rows (1,500 molecules of Lipophilicity, RDKit 2026.9.1).
//! * TOMG-Bench reads the direction off the instruction (`lower` and `decrease` mean down). A text that holds one of these words, or `increase` or `higher`, is
//!   taken as a direction.
//! * ChemCoTBench reports mean improvement for logP and QED: the mean of `change`.
//!
//! # Reference
//!
//! Li et al., *TOMG-Bench* (also S2-Bench), arXiv 2412.14642: MolOpt; descriptors as of RDKit 2026.9.1.

use chemr_chem::Mol;

use crate::kind::Kind;
use crate::registry::{Field, Task};
use crate::verdict::{Judgement, Reason};
use crate::{Example, guard};

macro_rules! optimise {
    ($id:literal, $title:literal, $property:expr) => {
        Task {
            id: $id,
            family: "optimise",
            title: $title,
            kind: Kind::Demand,
            fields: &[
                Field { key: "smiles", columns: &["molecule", "src_smiles"] },
                Field { key: "direction", columns: &["Instruction"] },
            ],
            judge: |example, answer, _| judge(example, answer, $property),
            source: include_str!("optimise.rs"),
        }
    };
}

pub(crate) static OPTIMISATIONS: [Task; 3] = [
    optimise!("tomg.logp", "Change logP", Mol::logp),
    optimise!("tomg.mr", "Change the molar refractivity", Mol::mr),
    optimise!("tomg.qed", "Change QED", Mol::qed),
];

/// Two ways to write one molecule give sums over atoms in different orders, which differ by some 1e-15.
const ROUNDING: f64 = 1e-9;

/// Whether the property shall rise.
fn rises(direction: &str) -> Option<bool> {
    let direction = direction.to_lowercase();
    let has = |words: [&str; 2]| words.iter().any(|word| direction.contains(word));
    match (has(["increase", "higher"]), has(["decrease", "lower"])) {
        (true, false) => Some(true),
        (false, true) => Some(false),
        _ => None,
    }
}

fn judge(example: &Example, answer: &str, property: fn(&Mol) -> f64) -> Judgement {
    let (Ok(before), Some(rises)) = (guard::data_molecule(example.field("smiles")), rises(example.field("direction")))
    else {
        return Judgement::unreadable(Reason::BrokenExample);
    };
    let after = match guard::answer_molecule(answer) {
        Ok(mol) => mol,
        Err(reason) => return Judgement::unreadable(reason),
    };
    let change = property(&after) - property(&before);
    let meets = if rises { change > ROUNDING } else { change < -ROUNDING };
    Judgement::of(meets).part("change", change).part("similarity", guard::similarity(&before, &after))
}

#[cfg(test)]
mod tests {
    use crate::{Mode, Reason, task};

    /// RDKit 2026.9.1 gives the second way of writing a logP that is 9e-16 less.
    #[test]
    fn another_way_to_write_the_molecule_changes_nothing() {
        let columns = [("smiles", "COc1ccc(cc1)C2=COc3cc(OC)cc(OC)c3C2=O"), ("direction", "decrease")];
        let columns = columns.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
        for id in ["tomg.logp", "tomg.mr", "tomg.qed"] {
            let row = task(id).unwrap().row(&columns, "");
            let judge = |answer| task(id).unwrap().judge(&row, answer, Mode::Strict);
            let found = judge("COc1cc(OC)cc2occ(-c3ccc(OC)cc3)c(=O)c21");
            assert_eq!(
                (found.correct, found.parts["similarity"], found.reason),
                (false, 1.0, Reason::WrongAnswer),
                "{id}"
            );
        }
    }
}
