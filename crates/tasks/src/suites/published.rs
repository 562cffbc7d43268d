//! Scores that others report. None was computed here, prompts and decoding differ, and a definition may differ from the metric beside it: read
//! them as what was printed.

use super::Published;

const INDEPENDENT: &str = "Independent scores of the released Chem-R-8B and others in the repository of MolReHallu (phenixace/MolReHallu); decoding not fully stated";
const REVIEW: &str = "ICLR 2026 review of the submission of Chem-R";

const fn score(
    model: &'static str,
    task: &'static str,
    metric: &'static str,
    name: &'static str,
    value: &'static str,
    source: &'static str,
) -> Published {
    Published { model, task, metric, name, value, source }
}

pub(super) const CHEBI20: &[Published] = &[
    score("Chem-R-8B", "molecule_design", "exact.canonical", "exact match, n = 3,300", "41.0", INDEPENDENT),
    score("ChemDFM-R 14B", "molecule_design", "exact.canonical", "exact match, n = 3,300", "48.5", INDEPENDENT),
    score("ether0 24B", "molecule_design", "exact.canonical", "exact match, n = 3,300", "30.8", INDEPENDENT),
    score("DeepSeek-R1-Distill-8B", "molecule_design", "exact.canonical", "exact match, n = 3,300", "0.8", INDEPENDENT),
    score("Chem-R-8B", "molecule_captioning", "bleu4.whitespace", "BLEU-4, n = 3,300", "40.3", INDEPENDENT),
    score("ChemDFM-R 14B", "molecule_captioning", "bleu4.whitespace", "BLEU-4, n = 3,300", "36.1", INDEPENDENT),
    score("ether0 24B", "molecule_captioning", "bleu4.whitespace", "BLEU-4, n = 3,300", "0.1", INDEPENDENT),
    score("DeepSeek-R1-Distill-8B", "molecule_captioning", "bleu4.whitespace", "BLEU-4, n = 3,300", "1.1", INDEPENDENT),
];

pub(super) const USPTO50K: &[Published] = &[
    score("Chem-R-8B", "retrosynthesis", "exact.canonical", "exact match, n = 5,007", "50.0", INDEPENDENT),
    score("ChemDFM-R 14B", "retrosynthesis", "exact.canonical", "exact match, n = 5,007", "44.0", INDEPENDENT),
    score("ether0 24B", "retrosynthesis", "exact.canonical", "exact match, n = 5,007", "2.7", INDEPENDENT),
    score("DeepSeek-R1-Distill-8B", "retrosynthesis", "exact.canonical", "exact match, n = 5,007", "0.0", INDEPENDENT),
];

pub(super) const TOMG: &[Published] = &[
    score("Chem-R-8B", "tomg.atom_num", "success", "accuracy, n = 500", "14.4", INDEPENDENT),
    score("ChemDFM-R 14B", "tomg.atom_num", "success", "accuracy, n = 500", "35.0", INDEPENDENT),
    score("ether0 24B", "tomg.atom_num", "success", "accuracy, n = 500", "54.2", INDEPENDENT),
    score("DeepSeek-R1-Distill-8B", "tomg.atom_num", "success", "accuracy, n = 500", "9.0", INDEPENDENT),
    score("Chem-R-8B", "tomg.bond_num", "success", "accuracy, n = 500", "16.8", INDEPENDENT),
    score("ChemDFM-R 14B", "tomg.bond_num", "success", "accuracy, n = 500", "21.2", INDEPENDENT),
    score("ether0 24B", "tomg.bond_num", "success", "accuracy, n = 500", "13.6", INDEPENDENT),
    score("DeepSeek-R1-Distill-8B", "tomg.bond_num", "success", "accuracy, n = 500", "10.2", INDEPENDENT),
    score("Chem-R-8B", "tomg.functional_group", "success", "accuracy, n = 500", "44.0", INDEPENDENT),
    score("ChemDFM-R 14B", "tomg.functional_group", "success", "accuracy, n = 500", "41.4", INDEPENDENT),
    score("ether0 24B", "tomg.functional_group", "success", "accuracy, n = 500", "43.0", INDEPENDENT),
    score("DeepSeek-R1-Distill-8B", "tomg.functional_group", "success", "accuracy, n = 500", "26.0", INDEPENDENT),
    score("Chem-R-8B", "tomg.add", "success", "success rate, n = 500", "86.6", INDEPENDENT),
    score("ChemDFM-R 14B", "tomg.add", "success", "success rate, n = 500", "62.2", INDEPENDENT),
    score("ether0 24B", "tomg.add", "success", "success rate, n = 500", "88.2", INDEPENDENT),
    score("DeepSeek-R1-Distill-8B", "tomg.add", "success", "success rate, n = 500", "6.2", INDEPENDENT),
    score("Chem-R-8B", "tomg.del", "success", "success rate, n = 500", "91.2", INDEPENDENT),
    score("ChemDFM-R 14B", "tomg.del", "success", "success rate, n = 500", "62.2", INDEPENDENT),
    score("ether0 24B", "tomg.del", "success", "success rate, n = 500", "75.6", INDEPENDENT),
    score("DeepSeek-R1-Distill-8B", "tomg.del", "success", "success rate, n = 500", "37.6", INDEPENDENT),
    score("Chem-R-8B", "tomg.sub", "success", "success rate, n = 500", "67.2", INDEPENDENT),
    score("ChemDFM-R 14B", "tomg.sub", "success", "success rate, n = 500", "69.0", INDEPENDENT),
    score("ether0 24B", "tomg.sub", "success", "success rate, n = 500", "78.8", INDEPENDENT),
    score("DeepSeek-R1-Distill-8B", "tomg.sub", "success", "success rate, n = 500", "40.4", INDEPENDENT),
    score("Chem-R-8B", "tomg.logp", "success", "success rate, n = 500", "94.4", INDEPENDENT),
    score("ChemDFM-R 14B", "tomg.logp", "success", "success rate, n = 500", "68.4", INDEPENDENT),
    score("ether0 24B", "tomg.logp", "success", "success rate, n = 500", "95.6", INDEPENDENT),
    score("DeepSeek-R1-Distill-8B", "tomg.logp", "success", "success rate, n = 500", "20.4", INDEPENDENT),
    score("Chem-R-8B", "tomg.mr", "success", "success rate, n = 500", "92.4", INDEPENDENT),
    score("ChemDFM-R 14B", "tomg.mr", "success", "success rate, n = 500", "61.4", INDEPENDENT),
    score("ether0 24B", "tomg.mr", "success", "success rate, n = 500", "47.8", INDEPENDENT),
    score("DeepSeek-R1-Distill-8B", "tomg.mr", "success", "success rate, n = 500", "9.0", INDEPENDENT),
    score("Chem-R-8B", "tomg.qed", "success", "success rate, n = 500", "68.6", INDEPENDENT),
    score("ChemDFM-R 14B", "tomg.qed", "success", "success rate, n = 500", "38.6", INDEPENDENT),
    score("ether0 24B", "tomg.qed", "success", "success rate, n = 500", "52.0", INDEPENDENT),
    score("DeepSeek-R1-Distill-8B", "tomg.qed", "success", "success rate, n = 500", "12.0", INDEPENDENT),
];

pub(super) const CHEM_R: &[Published] = &[
    score("Chem-R", "name.iupac_to_smiles", "exact.canonical", "exact match", "49", REVIEW),
    score("Chem-R", "reaction_prediction", "exact.canonical", "exact match", "82", REVIEW),
    score("Chem-R-8B", "property.bace", "accuracy", "100 minus mean deviation, n = 152", "75.0", INDEPENDENT),
    score("Chem-R-8B", "property.bbbp", "accuracy", "100 minus mean deviation, n = 204", "72.1", INDEPENDENT),
    score("Chem-R-8B", "property.clintox", "accuracy", "100 minus mean deviation, n = 148", "92.6", INDEPENDENT),
    score("Chem-R-8B", "property.hiv", "accuracy", "100 minus mean deviation, n = 4,113", "56.3", INDEPENDENT),
    score("Chem-R-8B", "property.tox21", "accuracy", "100 minus mean deviation, n = 784", "56.6", INDEPENDENT),
];
