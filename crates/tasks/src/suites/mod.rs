//! Suites (named sets of tasks) and papers (whose definitions).

mod papers;
mod published;

pub use papers::{Paper, paper, papers};

/// A benchmark: tasks that belong together, and how it is run.
#[derive(Debug)]
pub struct Suite {
    pub id: &'static str,
    /// What it is and where it comes from, one sentence.
    pub about: &'static str,
    /// Ids of its tasks.
    pub tasks: &'static [&'static str],
    /// How answers are drawn in its paper, as far as that is known.
    pub decoding: &'static str,
    /// Scores that papers report on it.
    pub published: &'static [Published],
}

/// A score that somebody else reports; none was computed here.
#[derive(Debug)]
pub struct Published {
    pub model: &'static str,
    pub task: &'static str,
    /// The metric that is nearest, and what the source calls it.
    pub metric: &'static str,
    pub name: &'static str,
    /// As printed: a share in percent or a mean.
    pub value: &'static str,
    pub source: &'static str,
}

static SUITES: [Suite; 9] = [
    Suite {
        id: "chebi20",
        about: "ChEBI-20: molecules from captions and captions of molecules (Edwards et al., EMNLP 2021; metrics of MolT5, EMNLP 2022).",
        tasks: &["molecule_design", "molecule_captioning"],
        decoding: "greedy or beam search, one answer",
        published: published::CHEBI20,
    },
    Suite {
        id: "chemllmbench",
        about: "ChemLLMBench (Guo et al., NeurIPS 2023): 100 rows of each task.",
        tasks: &[
            "name.iupac_to_smiles",
            "name.smiles_to_iupac",
            "name.smiles_to_formula",
            "name.iupac_to_formula",
            "name.formula_to_smiles",
            "property.bbbp",
            "property.bace",
            "property.hiv",
            "property.tox21.sr_p53",
            "property.clintox",
            "yield.buchwald_hartwig",
            "yield.suzuki_miyaura",
            "reagent.reactant",
            "reagent.ligand",
            "reagent.solvent",
            "reaction_prediction",
            "retrosynthesis",
            "molecule_design",
            "molecule_captioning",
        ],
        decoding: "five answers for each row, mean and standard deviation of five scores; temperature 0.2 for names, 0.5 for design and captions, 0.7 for properties; examples in the prompt",
        published: &[],
    },
    Suite {
        id: "chem-r",
        about: "The 25 tasks of Chem-R (arXiv 2510.16880), as far as they can be made out: nine groups of tasks of ChemLLMBench, ChEBI-20, TOMG-Bench and USPTO.",
        tasks: &[
            "name.iupac_to_smiles",
            "name.smiles_to_iupac",
            "property.bbbp",
            "property.bace",
            "property.hiv",
            "property.tox21",
            "property.clintox",
            "molecule_design",
            "molecule_captioning",
            "tomg.atom_num",
            "tomg.bond_num",
            "tomg.functional_group",
            "tomg.add",
            "tomg.del",
            "tomg.sub",
            "tomg.logp",
            "tomg.mr",
            "tomg.qed",
            "yield.buchwald_hartwig",
            "yield.suzuki_miyaura",
            "reagent.reactant",
            "reagent.ligand",
            "reagent.solvent",
            "reaction_prediction",
            "retrosynthesis",
        ],
        decoding: "greedy, one answer",
        published: published::CHEM_R,
    },
    Suite {
        id: "chemcotbench",
        about: "ChemCoTBench (arXiv 2505.21318): understanding, editing and optimising molecules, and reactions. Without its oracles for DRD2, GSK3-beta, JNK3 and solubility, which need files of trained models, and without its mechanism questions.",
        tasks: &[
            "cot.group_count",
            "cot.ring_count",
            "cot.murcko_scaffold",
            "cot.has_ring_system",
            "cot.same_molecule",
            "tomg.add",
            "tomg.del",
            "tomg.sub",
            "tomg.logp",
            "tomg.qed",
            "reaction_prediction",
            "retrosynthesis",
        ],
        decoding: "one answer, as JSON",
        published: &[],
    },
    Suite {
        id: "moleculenet",
        about: "MoleculeNet (Wu et al., Chem. Sci. 2018, 9, 513): labels and measured numbers of molecules; with AqSolDB.",
        tasks: &[
            "property.bbbp",
            "property.bace",
            "property.hiv",
            "property.clintox",
            "property.tox21",
            "property.esol",
            "property.freesolv",
            "property.lipophilicity",
            "property.aqsoldb",
        ],
        decoding: "one answer; the published AUC-ROC needs probabilities beside the labels",
        published: &[],
    },
    Suite {
        id: "tomg",
        about: "TOMG-Bench, also S2-Bench (Li et al., arXiv 2412.14642): open generation, editing and optimisation of molecules.",
        tasks: &[
            "tomg.atom_num",
            "tomg.bond_num",
            "tomg.functional_group",
            "tomg.add",
            "tomg.del",
            "tomg.sub",
            "tomg.logp",
            "tomg.mr",
            "tomg.qed",
        ],
        decoding: "one answer",
        published: published::TOMG,
    },
    Suite {
        id: "uspto-mit",
        about: "USPTO-MIT: the product of reactants and reagents (Jin et al., NeurIPS 2017).",
        tasks: &["reaction_prediction"],
        decoding: "beam search, ranked answers",
        published: &[],
    },
    Suite {
        id: "uspto50k",
        about: "USPTO-50k: reactants of a product, and the product of reactants (Schneider et al., J. Chem. Inf. Model. 2016, 56, 2336; split of Dai et al. 2019).",
        tasks: &["retrosynthesis", "reaction_prediction"],
        decoding: "beam search or greedy, ranked answers",
        published: published::USPTO50K,
    },
    Suite {
        id: "yields",
        about: "Yields of Buchwald-Hartwig and Suzuki-Miyaura reactions on high-throughput plates, as a class and in percent (Ahneman et al., Science 2018, 360, 186; Perera et al., Science 2018, 359, 429).",
        tasks: &[
            "yield.buchwald_hartwig",
            "yield.suzuki_miyaura",
            "yield.buchwald_hartwig_percent",
            "yield.suzuki_miyaura_percent",
        ],
        decoding: "one answer",
        published: &[],
    },
];

/// All suites.
pub fn suites() -> &'static [Suite] {
    &SUITES
}

/// The suite with this id.
pub fn suite(id: &str) -> Option<&'static Suite> {
    SUITES.iter().find(|suite| suite.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::task;

    #[test]
    fn ids_are_unique_and_chem_r_has_25_tasks() {
        let ids: std::collections::BTreeSet<&str> = suites().iter().map(|suite| suite.id).collect();
        assert_eq!(ids.len(), suites().len());
        assert_eq!(suite("chem-r").unwrap().tasks.len(), 25);
    }

    #[test]
    fn suites_name_tasks_that_there_are() {
        for suite in suites() {
            assert!(suite.tasks.iter().all(|id| task(id).is_some()), "{}", suite.id);
            for score in suite.published {
                assert!(suite.tasks.contains(&score.task), "{score:?}");
                assert!(task(score.task).unwrap().metrics().any(|metric| metric.id == score.metric), "{score:?}");
                assert!(score.value.parse::<f64>().is_ok(), "{score:?}");
            }
        }
    }
}
