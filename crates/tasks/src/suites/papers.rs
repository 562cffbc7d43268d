//! Whose definitions: the metrics that a paper reports for a task, under the paper's own names.

/// A paper and the tasks that it scores.
#[derive(Debug)]
pub struct Paper {
    pub id: &'static str,
    /// The paper, and what of its scores is not computed here.
    pub title: &'static str,
    scores: &'static [(&'static [&'static str], &'static [Named])],
}

/// The paper's name and the metric's id.
type Named = (&'static str, &'static str);

impl Paper {
    /// Names and metric ids for the task with this id; empty when the paper has none.
    pub fn metrics(&self, task: &str) -> &'static [Named] {
        self.scores.iter().find(|(tasks, _)| tasks.contains(&task)).map_or(&[], |(_, metrics)| metrics)
    }
}

/// `mol_translation_metrics.py` and `fingerprint_metrics.py` of MolT5, which ChemLLMBench took over for design.
const DESIGN: (&[&str], &[Named]) = (
    &["molecule_design"],
    &[
        ("BLEU", "bleu.char"),
        ("Exact", "exact.inchi"),
        ("Levenshtein", "levenshtein"),
        ("MACCS FTS", "fts.maccs"),
        ("RDK FTS", "fts.rdk"),
        ("Morgan FTS", "fts.morgan_count"),
        ("Validity", "validity"),
    ],
);

/// `text_translation_metrics.py` of MolT5: BLEU and METEOR are over WordPiece tokens, METEOR with synonyms; ROUGE cuts its own words.
const CAPTIONING: (&[&str], &[Named]) = (
    &["molecule_captioning"],
    &[
        ("BLEU-2", "bleu2.wordpiece"),
        ("BLEU-4", "bleu4.wordpiece"),
        ("ROUGE-1", "rouge1"),
        ("ROUGE-2", "rouge2"),
        ("ROUGE-L", "rougeL"),
        ("METEOR", "meteor.wordpiece.wordnet"),
        ("METEOR without synonyms", "meteor.wordpiece"),
    ],
);

const LARGEST: &[Named] = &[("Accuracy", "exact.largest_fragment")];

static PAPERS: [Paper; 6] = [
    Paper { id: "molt5", title: "MolT5 (Edwards et al., EMNLP 2022); without FCD", scores: &[DESIGN, CAPTIONING] },
    Paper {
        id: "chemllmbench",
        title: "ChemLLMBench (Guo et al., NeurIPS 2023), one answer for each question; without FCD",
        scores: &[
            DESIGN,
            CAPTIONING,
            (&["name.iupac_to_smiles"], &[("Accuracy", "exact.canonical")]),
            (
                &["name.smiles_to_formula", "name.iupac_to_formula", "name.smiles_to_iupac"],
                &[("Accuracy", "exact.string")],
            ),
            (
                &["property.bbbp", "property.bace", "property.hiv", "property.tox21.sr_p53", "property.clintox"],
                &[("Accuracy", "accuracy"), ("F1", "f1")],
            ),
            (&["yield.buchwald_hartwig", "yield.suzuki_miyaura"], &[("Accuracy", "accuracy")]),
            (&["reagent.reactant", "reagent.ligand", "reagent.solvent"], &[("Accuracy", "success")]),
            (&["reaction_prediction"], &[("Accuracy", "exact.component"), ("Validity", "validity")]),
            (&["retrosynthesis"], &[("Accuracy", "exact.canonical"), ("Validity", "validity")]),
        ],
    },
    Paper {
        id: "tomg",
        title: "TOMG-Bench (Li et al., arXiv 2412.14642); without novelty and the accuracy that it weighs, which need its reference set",
        scores: &[
            (
                &["tomg.atom_num", "tomg.bond_num", "tomg.functional_group"],
                &[("Accuracy", "success"), ("Validity", "validity")],
            ),
            (
                &["tomg.add", "tomg.del", "tomg.sub", "tomg.logp", "tomg.mr", "tomg.qed"],
                &[
                    ("Success Rate", "success"),
                    ("Similarity", "similarity.source"),
                    ("Weighted Success Rate", "success.weighted"),
                    ("Validity", "validity"),
                ],
            ),
        ],
    },
    Paper {
        id: "chemcotbench",
        title: "ChemCoTBench (arXiv 2505.21318); its reaction scores are Morgan similarities and exact matches of canonical SMILES",
        scores: &[
            (&["cot.group_count", "cot.ring_count"], &[("MAE", "mae")]),
            (&["cot.murcko_scaffold"], &[("Tanimoto", "fts.morgan_2048")]),
            (&["cot.has_ring_system", "cot.same_molecule"], &[("Accuracy", "accuracy")]),
            (&["tomg.add", "tomg.del", "tomg.sub", "tomg.logp", "tomg.qed"], &[("Success Rate", "success")]),
            (&["reaction_prediction", "retrosynthesis"], &[("Top-1", "exact.canonical"), ("FTS", "fts.morgan_2048")]),
        ],
    },
    Paper {
        id: "retrodfm-r",
        title: "RetroDFM-R (2025), the comparison of its reward",
        scores: &[(&["retrosynthesis"], &[("Accuracy", "exact.map_free")])],
    },
    Paper {
        id: "ether0",
        title: "ether0 (Narayanan et al., 2025); without its filters of implausible and of short fragments",
        scores: &[(&["name.iupac_to_smiles", "reaction_prediction", "retrosynthesis"], LARGEST)],
    },
];

/// All papers.
pub fn papers() -> &'static [Paper] {
    &PAPERS
}

/// The paper with this id.
pub fn paper(id: &str) -> Option<&'static Paper> {
    PAPERS.iter().find(|paper| paper.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::metric;
    use crate::registry::task;

    #[test]
    fn papers_name_tasks_and_metrics_that_there_are() {
        for (tasks, metrics) in papers().iter().flat_map(|paper| paper.scores) {
            assert!(tasks.iter().all(|id| task(id).is_some()), "{tasks:?}");
            assert!(metrics.iter().all(|(_, id)| metric(id).is_some()), "{metrics:?}");
        }
    }
}
