//! SMILES to IUPAC name (`name.smiles_to_iupac`).
//!
//! # What it asks
//!
//! Given one SMILES (input field `smiles`), write the IUPAC name.
//!
//! # How it is scored
//!
//! Right when the name equals that of the reference after both are brought to one spelling: lower case, no blanks, one kind of
//! hyphen, prime and bracket (`[` and `{` as `(`), a full stop at the end taken off. Anything that holds text is valid: there is no complete
//! reader of names here. Part `edit_similarity`: 1 minus the edit distance of the two spellings over the longer one's length.
//!
//! # Known disagreements
//!
//! * A molecule has many right names (`propan-2-ol`, `2-propanol`); only the recorded one counts, so the figure is a lower bound. Reading the
//!   name back into a structure (OPSIN) would count the others.
//! * ChemLLMBench compares strings as they are: `exact.string`. ether0 folds case and drops hyphens.
//!
//! # Reference
//!
//! Guo et al., ChemLLMBench, arXiv 2305.18365, name prediction; names as PubChem computes them.

use crate::kind::Kind;
use crate::metrics::edit_distance;
use crate::registry::{Field, Task};
use crate::verdict::{Judgement, Reason};
use crate::{Example, Mode};

pub(crate) static SMILES_TO_IUPAC: Task = Task {
    id: "name.smiles_to_iupac",
    family: "naming",
    title: "SMILES to IUPAC name",
    kind: Kind::Name,
    fields: &[Field { key: "smiles", columns: &["SMILES"] }],
    judge,
    source: include_str!("smiles_to_iupac.rs"),
};

fn judge(example: &Example, answer: &str, _mode: Mode) -> Judgement {
    let wanted = spelling(&example.reference);
    if wanted.is_empty() {
        return Judgement::unreadable(Reason::BrokenExample);
    }
    if answer.len() > Kind::Name.longest_answer() {
        return Judgement::unreadable(Reason::TooLong);
    }
    let given = spelling(answer);
    let longer = given.chars().count().max(wanted.chars().count()) as f64;
    Judgement::of(given == wanted).part("edit_similarity", 1.0 - edit_distance(&given, &wanted) as f64 / longer)
}

/// One spelling of a name.
fn spelling(name: &str) -> String {
    let letters = name.trim().trim_end_matches('.').chars().filter(|letter| !letter.is_whitespace());
    letters
        .flat_map(char::to_lowercase)
        .map(|letter| match letter {
            '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
            '\u{2018}' | '\u{2019}' | '\u{2032}' | '`' => '\'',
            '[' | '{' => '(',
            ']' | '}' => ')',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_name() {
        let wanted = spelling("4-[(2-methylpropyl)amino]-N,N'-dimethylaniline");
        for name in [
            "4-{(2-Methylpropyl)amino}-N,N\u{2032}-dimethylaniline.",
            " 4\u{2010}[(2-methylpropyl) amino]-n,n'-dimethylaniline",
        ] {
            assert_eq!(spelling(name), wanted, "{name}");
        }
        assert_ne!(spelling("propan-1-ol"), spelling("propan-2-ol"));
    }
}
