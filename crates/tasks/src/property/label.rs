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
    ($id:literal, $title:literal, $line:literal) => {
        Task {
            id: concat!("property.", $id),
            family: "property",
            title: $title,
            kind: Kind::Label,
            fields: &[Field { key: "smiles", label: "SMILES", columns: &["SMILES"] }],
            line: $line,
            judge,
            source: include_str!("label.rs"),
        }
    };
}

/// The endpoints.
pub(crate) static LABELS: [Task; 45] = [
    label!("bbbp", "Blood-brain barrier", "Does the molecule cross the blood-brain barrier? Answer Yes or No."),
    label!("bace", "BACE-1 inhibition", "Does the molecule inhibit human beta-secretase 1 (BACE-1)? Answer Yes or No."),
    label!("hiv", "HIV inhibition", "Does the molecule inhibit the replication of HIV? Answer Yes or No."),
    label!(
        "clintox",
        "Clinical toxicity",
        "Did the molecule fail clinical trials because of its toxicity? Answer Yes or No."
    ),
    label!("tox21", "Tox21, any assay", "Is the molecule active in any of the twelve Tox21 assays? Answer Yes or No."),
    label!(
        "tox21.nr_ar",
        "Tox21 NR-AR",
        "Is the molecule active in the Tox21 assay NR-AR (androgen receptor)? Answer Yes or No."
    ),
    label!(
        "tox21.nr_ar_lbd",
        "Tox21 NR-AR-LBD",
        "Is the molecule active in the Tox21 assay NR-AR-LBD (androgen receptor, ligand-binding domain)? Answer Yes or No."
    ),
    label!(
        "tox21.nr_ahr",
        "Tox21 NR-AhR",
        "Is the molecule active in the Tox21 assay NR-AhR (aryl hydrocarbon receptor)? Answer Yes or No."
    ),
    label!(
        "tox21.nr_aromatase",
        "Tox21 NR-Aromatase",
        "Is the molecule active in the Tox21 assay NR-Aromatase (aromatase)? Answer Yes or No."
    ),
    label!(
        "tox21.nr_er",
        "Tox21 NR-ER",
        "Is the molecule active in the Tox21 assay NR-ER (estrogen receptor)? Answer Yes or No."
    ),
    label!(
        "tox21.nr_er_lbd",
        "Tox21 NR-ER-LBD",
        "Is the molecule active in the Tox21 assay NR-ER-LBD (estrogen receptor, ligand-binding domain)? Answer Yes or No."
    ),
    label!(
        "tox21.nr_ppar_gamma",
        "Tox21 NR-PPAR-gamma",
        "Is the molecule active in the Tox21 assay NR-PPAR-gamma (peroxisome proliferator-activated receptor gamma)? Answer Yes or No."
    ),
    label!(
        "tox21.sr_are",
        "Tox21 SR-ARE",
        "Is the molecule active in the Tox21 assay SR-ARE (antioxidant response element)? Answer Yes or No."
    ),
    label!(
        "tox21.sr_atad5",
        "Tox21 SR-ATAD5",
        "Is the molecule active in the Tox21 assay SR-ATAD5 (genotoxicity, ATAD5)? Answer Yes or No."
    ),
    label!(
        "tox21.sr_hse",
        "Tox21 SR-HSE",
        "Is the molecule active in the Tox21 assay SR-HSE (heat shock response)? Answer Yes or No."
    ),
    label!(
        "tox21.sr_mmp",
        "Tox21 SR-MMP",
        "Is the molecule active in the Tox21 assay SR-MMP (mitochondrial membrane potential)? Answer Yes or No."
    ),
    label!(
        "tox21.sr_p53",
        "Tox21 SR-p53",
        "Is the molecule active in the Tox21 assay SR-p53 (p53 response)? Answer Yes or No."
    ),
    label!(
        "sider.hepatobiliary_disorders",
        "SIDER: Hepatobiliary disorders",
        "Does the drug cause side effects of the class \"Hepatobiliary disorders\"? Answer Yes or No."
    ),
    label!(
        "sider.metabolism_and_nutrition_disorders",
        "SIDER: Metabolism and nutrition disorders",
        "Does the drug cause side effects of the class \"Metabolism and nutrition disorders\"? Answer Yes or No."
    ),
    label!(
        "sider.product_issues",
        "SIDER: Product issues",
        "Does the drug cause side effects of the class \"Product issues\"? Answer Yes or No."
    ),
    label!(
        "sider.eye_disorders",
        "SIDER: Eye disorders",
        "Does the drug cause side effects of the class \"Eye disorders\"? Answer Yes or No."
    ),
    label!(
        "sider.investigations",
        "SIDER: Investigations",
        "Does the drug cause side effects of the class \"Investigations\"? Answer Yes or No."
    ),
    label!(
        "sider.musculoskeletal_and_connective_tissue_disorders",
        "SIDER: Musculoskeletal and connective tissue disorders",
        "Does the drug cause side effects of the class \"Musculoskeletal and connective tissue disorders\"? Answer Yes or No."
    ),
    label!(
        "sider.gastrointestinal_disorders",
        "SIDER: Gastrointestinal disorders",
        "Does the drug cause side effects of the class \"Gastrointestinal disorders\"? Answer Yes or No."
    ),
    label!(
        "sider.social_circumstances",
        "SIDER: Social circumstances",
        "Does the drug cause side effects of the class \"Social circumstances\"? Answer Yes or No."
    ),
    label!(
        "sider.immune_system_disorders",
        "SIDER: Immune system disorders",
        "Does the drug cause side effects of the class \"Immune system disorders\"? Answer Yes or No."
    ),
    label!(
        "sider.reproductive_system_and_breast_disorders",
        "SIDER: Reproductive system and breast disorders",
        "Does the drug cause side effects of the class \"Reproductive system and breast disorders\"? Answer Yes or No."
    ),
    label!(
        "sider.neoplasms_benign_malignant_and_unspecified_incl_cysts_and_polyps",
        "SIDER: Neoplasms benign, malignant and unspecified (incl cysts and polyps)",
        "Does the drug cause side effects of the class \"Neoplasms benign, malignant and unspecified (incl cysts and polyps)\"? Answer Yes or No."
    ),
    label!(
        "sider.general_disorders_and_administration_site_conditions",
        "SIDER: General disorders and administration site conditions",
        "Does the drug cause side effects of the class \"General disorders and administration site conditions\"? Answer Yes or No."
    ),
    label!(
        "sider.endocrine_disorders",
        "SIDER: Endocrine disorders",
        "Does the drug cause side effects of the class \"Endocrine disorders\"? Answer Yes or No."
    ),
    label!(
        "sider.surgical_and_medical_procedures",
        "SIDER: Surgical and medical procedures",
        "Does the drug cause side effects of the class \"Surgical and medical procedures\"? Answer Yes or No."
    ),
    label!(
        "sider.vascular_disorders",
        "SIDER: Vascular disorders",
        "Does the drug cause side effects of the class \"Vascular disorders\"? Answer Yes or No."
    ),
    label!(
        "sider.blood_and_lymphatic_system_disorders",
        "SIDER: Blood and lymphatic system disorders",
        "Does the drug cause side effects of the class \"Blood and lymphatic system disorders\"? Answer Yes or No."
    ),
    label!(
        "sider.skin_and_subcutaneous_tissue_disorders",
        "SIDER: Skin and subcutaneous tissue disorders",
        "Does the drug cause side effects of the class \"Skin and subcutaneous tissue disorders\"? Answer Yes or No."
    ),
    label!(
        "sider.congenital_familial_and_genetic_disorders",
        "SIDER: Congenital, familial and genetic disorders",
        "Does the drug cause side effects of the class \"Congenital, familial and genetic disorders\"? Answer Yes or No."
    ),
    label!(
        "sider.infections_and_infestations",
        "SIDER: Infections and infestations",
        "Does the drug cause side effects of the class \"Infections and infestations\"? Answer Yes or No."
    ),
    label!(
        "sider.respiratory_thoracic_and_mediastinal_disorders",
        "SIDER: Respiratory, thoracic and mediastinal disorders",
        "Does the drug cause side effects of the class \"Respiratory, thoracic and mediastinal disorders\"? Answer Yes or No."
    ),
    label!(
        "sider.psychiatric_disorders",
        "SIDER: Psychiatric disorders",
        "Does the drug cause side effects of the class \"Psychiatric disorders\"? Answer Yes or No."
    ),
    label!(
        "sider.renal_and_urinary_disorders",
        "SIDER: Renal and urinary disorders",
        "Does the drug cause side effects of the class \"Renal and urinary disorders\"? Answer Yes or No."
    ),
    label!(
        "sider.pregnancy_puerperium_and_perinatal_conditions",
        "SIDER: Pregnancy, puerperium and perinatal conditions",
        "Does the drug cause side effects of the class \"Pregnancy, puerperium and perinatal conditions\"? Answer Yes or No."
    ),
    label!(
        "sider.ear_and_labyrinth_disorders",
        "SIDER: Ear and labyrinth disorders",
        "Does the drug cause side effects of the class \"Ear and labyrinth disorders\"? Answer Yes or No."
    ),
    label!(
        "sider.cardiac_disorders",
        "SIDER: Cardiac disorders",
        "Does the drug cause side effects of the class \"Cardiac disorders\"? Answer Yes or No."
    ),
    label!(
        "sider.nervous_system_disorders",
        "SIDER: Nervous system disorders",
        "Does the drug cause side effects of the class \"Nervous system disorders\"? Answer Yes or No."
    ),
    label!(
        "sider.injury_poisoning_and_procedural_complications",
        "SIDER: Injury, poisoning and procedural complications",
        "Does the drug cause side effects of the class \"Injury, poisoning and procedural complications\"? Answer Yes or No."
    ),
    label!(
        "polarity_rule",
        "Polarity rule (synthetic)",
        "Is the molecule polar under the polarity rule? Answer Yes or No."
    ),
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
