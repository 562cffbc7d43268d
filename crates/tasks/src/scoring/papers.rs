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

/// Their BLEU and METEOR are over WordPiece tokens; ROUGE cuts its own words.
const CAPTIONING: (&[&str], &[Named]) =
    (&["molecule_captioning"], &[("ROUGE-1", "rouge1"), ("ROUGE-2", "rouge2"), ("ROUGE-L", "rougeL")]);

const LARGEST: &[Named] = &[("Accuracy", "exact.largest_fragment")];

static PAPERS: [Paper; 4] = [
    Paper {
        id: "molt5",
        title: "MolT5 (Edwards et al., EMNLP 2022); without FCD, and BLEU and METEOR over WordPiece tokens",
        scores: &[DESIGN, CAPTIONING],
    },
    Paper {
        id: "chemllmbench",
        title: "ChemLLMBench (Guo et al., NeurIPS 2023), one answer for each question; without FCD, and BLEU and METEOR over WordPiece tokens",
        scores: &[
            DESIGN,
            CAPTIONING,
            (&["name.iupac_to_smiles"], &[("Accuracy", "exact.canonical")]),
            (&["name.smiles_to_formula"], &[("Accuracy", "exact.string")]),
            (&["property.bbbp"], &[("Accuracy", "accuracy"), ("F1", "f1")]),
            (&["reaction_prediction"], &[("Accuracy", "exact.component"), ("Validity", "validity")]),
            (&["retrosynthesis"], &[("Accuracy", "exact.canonical"), ("Validity", "validity")]),
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
    use crate::scoring::scored_task;

    #[test]
    fn papers_name_tasks_and_metrics_that_there_are() {
        for (tasks, metrics) in papers().iter().flat_map(|paper| paper.scores) {
            assert!(tasks.iter().all(|id| scored_task(id).is_some()), "{tasks:?}");
            assert!(metrics.iter().all(|(_, id)| metric(id).is_some()), "{metrics:?}");
        }
    }
}
