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
//! Strict: the answer is `Yes` or `No`, in any letter case, with an optional full stop. Loose: the one label that stands
//! in the answer as a word, `yes` or `no`. Where both stand, the answer has to begin with its label, followed by one of
//! `. , ; :` or `!`: `Yes, it has no donors` is a yes; `Yes or no`, `Yes/No` and `no doubt: yes` are nothing. Right when it equals the reference. Anything
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
            Mode::Loose => clear_label(answer),
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
pub(crate) fn whole_label(text: &str) -> Option<bool> {
    let word = text.trim();
    word_label(word.strip_suffix('.').unwrap_or(word))
}

/// The label that the text gives without hedging: the only one in it, or the one it opens with as a sentence does.
pub(crate) fn clear_label(text: &str) -> Option<bool> {
    let labels = || text.split(|character: char| !character.is_alphanumeric()).filter_map(word_label);
    let first = labels().next()?;
    if labels().all(|label| label == first) {
        return Some(first);
    }
    // Emphasis and quotes around the label are no punctuation of the sentence.
    let decoration: &[char] = &['*', '_', '"', '\'', '`', ' ', '\n', '\t'];
    let opening = text.trim_start_matches(decoration);
    let end = opening.find(|character: char| !character.is_alphanumeric()).unwrap_or(opening.len());
    let label = word_label(&opening[..end])?;
    let rest = opening[end..].trim_start_matches(&decoration[..5]);
    let rest = rest.strip_prefix(['.', ',', ';', ':', '!'])?;
    // `Yes. No.` names both and explains nothing.
    whole_label(rest).is_none().then_some(label)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hedge_is_no_label() {
        for (text, label) in [
            ("Yes, it has no donors", Some(true)),
            ("**No**: yes would need more oxygen", Some(false)),
            ("\"Yes.\" There is no charge", Some(true)),
            ("So it is not polar: No.", Some(false)),
            ("yes it is", Some(true)),
            ("No, no donors", Some(false)),
            ("Yes or No", None),
            ("Yes/No", None),
            ("Yes. No.", None),
            ("no doubt: yes", None),
            ("It is a yes, there is no charge", None),
            ("yes and no", None),
            ("maybe", None),
            ("", None),
        ] {
            assert_eq!(clear_label(text), label, "{text}");
        }
    }
}
