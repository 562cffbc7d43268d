//! Yes/no properties of a molecule (`property.*`).
//!
//! # What it asks
//!
//! Given one SMILES (input field `smiles`), does the molecule have the property? One file serves every endpoint:
//!
//! * `property.bbbp`: does it cross the blood-brain barrier (MoleculeNet BBBP, measured labels)?
//! * `property.bace`: does it inhibit human beta-secretase 1 (BACE-1)?
//! * `property.hiv`: does it inhibit the replication of HIV?
//! * `property.clintox`: did it fail clinical trials for its toxicity (column `CT_TOX`)?
//! * `property.tox21`: is it active in any of the twelve Tox21 assays; `property.tox21.nr_ar` and so on: in that assay?
//! * `property.sider.hepatobiliary_disorders` and so on: does the drug cause side effects of that class (27 classes of SIDER)?
//! * `property.polarity_rule`: is it polar under the **synthetic** rule of the gym: points are hydrogen-bond donors plus
//!   nitrogen and oxygen atoms, and a molecule is polar when twice its points are at least its carbons. It is an exercise in
//!   counting, no physical property.
//!
//! # How it is scored
//!
//! Strict: the answer is `Yes` or `No`, in any letter case, with an optional full stop. Loose: the one label that stands
//! in the answer as a word, `yes` or `no`. Where both stand, the answer has to begin with its label, followed by one of
//! `. , ; :` or `!`: `Yes, it has no donors` is a yes; `Yes or no`, `Yes/No` and `no doubt: yes` are nothing. Right when it equals the reference
//! (`Yes`, `No`, `True`, `False`, `1`, `0`, `1.0` or `0.0`). Anything else is invalid with the reason `unclear_label`, and wrong.
//!
//! # Known disagreements
//!
//! * ChemLLMBench also reports F1; accuracy on an unbalanced endpoint has to be read beside the majority baseline
//!   (about 76 % for BBBP as a whole, 55 to 80 % in scaffold splits, over 90 % for HIV, ClinTox and most Tox21 assays).
//! * ChemLLMBench asks Tox21 as one question and labels it by SR-p53 alone; a follow-up of the paper asks whether any of the twelve is
//!   hit. Both are tasks here.
//! * ChemLLMBench's prompt for HIV shows the activity class and the one for ClinTox the approval, which give the answer away; the
//!   prompts here do not.
//! * AUC-ROC needs probabilities. From hard labels it is the balanced accuracy, which is reported under that name.
//! * Unclear answers count as wrong here; some harnesses drop them, which flatters.
//!
//! # Reference
//!
//! Wu et al., *MoleculeNet*, Chem. Sci. 2018, 9, 513; Martins et al., J. Chem. Inf. Model. 2012, 52, 1686 (BBBP labels);
//! Kuhn et al., Nucleic Acids Res. 2016, 44, D1075 (SIDER); ChemLLMBench, arXiv 2305.18365, property prediction.

use crate::kind::Kind;
use crate::metrics::reference_label;
use crate::registry::{Field, Task};
use crate::verdict::{Judgement, Reason};
use crate::{Example, Mode};

macro_rules! label {
    ($id:literal, $title:literal) => {
        Task {
            id: concat!("property.", $id),
            family: "property",
            title: $title,
            kind: Kind::Label,
            fields: &[Field { key: "smiles", columns: &["SMILES"] }],
            judge,
            source: include_str!("label.rs"),
        }
    };
}

/// The endpoints.
pub(crate) static LABELS: [Task; 45] = [
    label!("bbbp", "Blood-brain barrier"),
    label!("bace", "BACE-1 inhibition"),
    label!("hiv", "HIV inhibition"),
    label!("clintox", "Clinical toxicity"),
    label!("tox21", "Tox21, any assay"),
    label!("tox21.nr_ar", "Tox21 NR-AR"),
    label!("tox21.nr_ar_lbd", "Tox21 NR-AR-LBD"),
    label!("tox21.nr_ahr", "Tox21 NR-AhR"),
    label!("tox21.nr_aromatase", "Tox21 NR-Aromatase"),
    label!("tox21.nr_er", "Tox21 NR-ER"),
    label!("tox21.nr_er_lbd", "Tox21 NR-ER-LBD"),
    label!("tox21.nr_ppar_gamma", "Tox21 NR-PPAR-gamma"),
    label!("tox21.sr_are", "Tox21 SR-ARE"),
    label!("tox21.sr_atad5", "Tox21 SR-ATAD5"),
    label!("tox21.sr_hse", "Tox21 SR-HSE"),
    label!("tox21.sr_mmp", "Tox21 SR-MMP"),
    label!("tox21.sr_p53", "Tox21 SR-p53"),
    label!("sider.hepatobiliary_disorders", "SIDER: Hepatobiliary disorders"),
    label!("sider.metabolism_and_nutrition_disorders", "SIDER: Metabolism and nutrition disorders"),
    label!("sider.product_issues", "SIDER: Product issues"),
    label!("sider.eye_disorders", "SIDER: Eye disorders"),
    label!("sider.investigations", "SIDER: Investigations"),
    label!(
        "sider.musculoskeletal_and_connective_tissue_disorders",
        "SIDER: Musculoskeletal and connective tissue disorders"
    ),
    label!("sider.gastrointestinal_disorders", "SIDER: Gastrointestinal disorders"),
    label!("sider.social_circumstances", "SIDER: Social circumstances"),
    label!("sider.immune_system_disorders", "SIDER: Immune system disorders"),
    label!("sider.reproductive_system_and_breast_disorders", "SIDER: Reproductive system and breast disorders"),
    label!(
        "sider.neoplasms_benign_malignant_and_unspecified_incl_cysts_and_polyps",
        "SIDER: Neoplasms benign, malignant and unspecified (incl cysts and polyps)"
    ),
    label!(
        "sider.general_disorders_and_administration_site_conditions",
        "SIDER: General disorders and administration site conditions"
    ),
    label!("sider.endocrine_disorders", "SIDER: Endocrine disorders"),
    label!("sider.surgical_and_medical_procedures", "SIDER: Surgical and medical procedures"),
    label!("sider.vascular_disorders", "SIDER: Vascular disorders"),
    label!("sider.blood_and_lymphatic_system_disorders", "SIDER: Blood and lymphatic system disorders"),
    label!("sider.skin_and_subcutaneous_tissue_disorders", "SIDER: Skin and subcutaneous tissue disorders"),
    label!("sider.congenital_familial_and_genetic_disorders", "SIDER: Congenital, familial and genetic disorders"),
    label!("sider.infections_and_infestations", "SIDER: Infections and infestations"),
    label!(
        "sider.respiratory_thoracic_and_mediastinal_disorders",
        "SIDER: Respiratory, thoracic and mediastinal disorders"
    ),
    label!("sider.psychiatric_disorders", "SIDER: Psychiatric disorders"),
    label!("sider.renal_and_urinary_disorders", "SIDER: Renal and urinary disorders"),
    label!(
        "sider.pregnancy_puerperium_and_perinatal_conditions",
        "SIDER: Pregnancy, puerperium and perinatal conditions"
    ),
    label!("sider.ear_and_labyrinth_disorders", "SIDER: Ear and labyrinth disorders"),
    label!("sider.cardiac_disorders", "SIDER: Cardiac disorders"),
    label!("sider.nervous_system_disorders", "SIDER: Nervous system disorders"),
    label!(
        "sider.injury_poisoning_and_procedural_complications",
        "SIDER: Injury, poisoning and procedural complications"
    ),
    label!("polarity_rule", "Polarity rule (synthetic)"),
];

/// Judges a yes or no.
pub(crate) fn judge(example: &Example, answer: &str, mode: Mode) -> Judgement {
    let Some(reference) = reference_label(&example.reference) else {
        return Judgement::unreadable(Reason::BrokenExample);
    };
    let given = match mode {
        Mode::Strict => whole_label(answer),
        Mode::Loose => clear_label(answer),
    };
    match given {
        None => Judgement::unreadable(Reason::UnclearLabel),
        Some(label) => Judgement::of(label == reference),
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
