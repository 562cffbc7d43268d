//! Yes/no properties of a molecule (`property.*`).
//!
//! # What it asks
//!
//! Given one SMILES (input field `smiles`), does the molecule have the property? One file serves every endpoint:
//!
//! * `property.bbbp`: does it cross the blood-brain barrier (MoleculeNet BBBP, measured labels)?
//! * `property.polarity_rule`: is it polar under the **synthetic** rule of the gym: points are hydrogen-bond donors plus
//!   nitrogen and oxygen atoms, and a molecule is polar when twice its points are at least its carbons. It is an exercise in
//!   counting, no physical property.
//!
//! # How it is scored
//!
//! Strict: the answer is `Yes` or `No`, in any letter case, with an optional full stop. Loose: the first clear word of the
//! answer, `yes` or `no` standing alone, so `No, it is too polar` is a no. Right when it equals the reference. Anything
//! else is invalid with the reason `unclear_label`, and wrong.
//!
//! # Known disagreements
//!
//! * ChemLLMBench also reports F1; accuracy on an unbalanced endpoint has to be read beside the majority baseline
//!   (about 76 % for BBBP as a whole, 55 to 80 % in scaffold splits).
//! * Unclear answers count as wrong here; some harnesses drop them, which flatters.
//!
//! # Reference
//!
//! Wu et al., *MoleculeNet*, Chem. Sci. 2018, 9, 513; Martins et al., J. Chem. Inf. Model. 2012, 52, 1686 (BBBP labels);
//! ChemLLMBench, arXiv 2305.18365, property prediction.

use crate::registry::{Baseline, Task};
use crate::verdict::{Judgement, Reason};
use crate::{Example, Mode, Prompt};

/// One yes/no endpoint.
pub(crate) struct Property {
    id: &'static str,
    title: &'static str,
    task_line: &'static str,
}

pub(crate) static BBBP: Property = Property {
    id: "property.bbbp",
    title: "Blood-brain barrier",
    task_line: "Does the molecule cross the blood-brain barrier? Answer Yes or No.",
};

pub(crate) static POLARITY_RULE: Property = Property {
    id: "property.polarity_rule",
    title: "Polarity rule (synthetic)",
    task_line: "Is the molecule polar under the polarity rule? Answer Yes or No.",
};

impl Task for Property {
    fn id(&self) -> &'static str {
        self.id
    }

    fn family(&self) -> &'static str {
        "property"
    }

    fn title(&self) -> &'static str {
        self.title
    }

    fn input_key(&self) -> &'static str {
        "smiles"
    }

    fn question(&self, example: &Example) -> Prompt {
        Prompt::build(self.task_line, "SMILES", example.field(self.input_key()))
    }

    fn judge(&self, example: &Example, answer: &str, mode: Mode) -> Judgement {
        let Some(reference) = whole_label(&example.reference) else {
            return Judgement::unreadable(Reason::BrokenExample);
        };
        let given = match mode {
            Mode::Strict => whole_label(answer),
            Mode::Loose => first_label(answer),
        };
        match given {
            None => Judgement::unreadable(Reason::UnclearLabel),
            Some(label) if label == reference => Judgement::right(),
            Some(_) => Judgement::wrong(),
        }
    }

    fn baseline(&self) -> Baseline {
        Baseline::Majority
    }

    fn source(&self) -> &'static str {
        include_str!("property.rs")
    }
}

/// The label when it is the whole text.
fn whole_label(text: &str) -> Option<bool> {
    let word = text.trim();
    word_label(word.strip_suffix('.').unwrap_or(word))
}

/// The first word that is a label.
fn first_label(text: &str) -> Option<bool> {
    text.split(|character: char| !character.is_alphanumeric()).find_map(word_label)
}

fn word_label(word: &str) -> Option<bool> {
    if word.eq_ignore_ascii_case("yes") {
        Some(true)
    } else if word.eq_ignore_ascii_case("no") {
        Some(false)
    } else {
        None
    }
}
