//! Atom balance: what a reaction takes from its reagents and what it leaves beside the product.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use chemr_chem::{Mol, NamedReaction};
use serde::Deserialize;

const DATA: &str = include_str!("../../data/balance.toml");

type Counts = BTreeMap<String, usize>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    equation: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    reaction: String,
    substrates: Option<usize>,
    adds: Vec<String>,
    leaves: Vec<String>,
}

/// An equation that is exact by element: `substrates` x reactants + adds = `substrates` x product + leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Equation {
    /// How often reactants and product stand in it.
    substrates: usize,
    /// SMILES of what reagents and work-up give, each as often as it is taken.
    adds: Vec<String>,
    /// SMILES of what leaves.
    leaves: Vec<String>,
    /// Atoms of `leaves` less those of `adds`, by element.
    rest: BTreeMap<String, isize>,
}

static EQUATIONS: LazyLock<BTreeMap<String, Vec<Equation>>> = LazyLock::new(|| {
    // The data is part of the program and a test reads it, so a failure cannot get this far.
    load().unwrap_or_default()
});

fn load() -> Result<BTreeMap<String, Vec<Equation>>, toml::de::Error> {
    let file: File = toml::from_str(DATA)?;
    let mut equations: BTreeMap<String, Vec<Equation>> = BTreeMap::new();
    for Row { reaction, substrates, adds, leaves } in file.equation {
        equations.entry(reaction).or_default().push(Equation::new(substrates.unwrap_or(1), adds, leaves));
    }
    Ok(equations)
}

/// Adds the atoms of a SMILES, hydrogens included; a text that is no molecule adds none, and then nothing balances.
fn add(counts: &mut BTreeMap<String, isize>, smiles: &str, sign: isize) {
    for (element, count) in Mol::parse(smiles).map(|mol| mol.element_counts()).unwrap_or_default() {
        *counts.entry(element).or_default() += sign * count as isize;
    }
}

impl Equation {
    fn new(substrates: usize, adds: Vec<String>, leaves: Vec<String>) -> Equation {
        let mut rest = BTreeMap::new();
        leaves.iter().for_each(|smiles| add(&mut rest, smiles, 1));
        adds.iter().for_each(|smiles| add(&mut rest, smiles, -1));
        rest.retain(|_, count| *count != 0);
        Equation { substrates, adds, leaves, rest }
    }

    /// The equation of a reaction that holds between these molecules; `None` when none does.
    pub fn of(reaction: &NamedReaction, reactants: &[Mol], product: &Mol) -> Option<Equation> {
        let mut lost: BTreeMap<String, isize> = BTreeMap::new();
        let mut count = |counts: Counts, sign: isize| {
            for (element, count) in counts {
                *lost.entry(element).or_default() += sign * count as isize;
            }
        };
        reactants.iter().for_each(|mol| count(mol.element_counts(), 1));
        count(product.element_counts(), -1);
        lost.retain(|_, count| *count != 0);
        let holds = |equation: &&Equation| {
            lost.len() == equation.rest.len()
                && lost
                    .iter()
                    .all(|(element, count)| equation.rest.get(element) == Some(&(count * equation.substrates as isize)))
        };
        if let Some(known) = EQUATIONS.get(&reaction.id) {
            return known.iter().find(holds).cloned();
        }
        let leaves = reaction.byproduct.split('.').filter(|part| !part.is_empty()).map(String::from).collect();
        let plain = Equation::new(1, Vec::new(), leaves);
        holds(&&plain).then_some(plain)
    }

    /// SMILES of everything that leaves, joined by dots.
    pub fn byproduct(&self) -> String {
        self.leaves.join(".")
    }

    /// `exact` when reactants are product and by-products; else the equation in full, what reagents and work-up give included:
    /// `4 substrates + [BH4-].[Na+] + 4 O = 4 products + O[B-](O)(O)O.[Na+]`.
    pub fn balance(&self) -> String {
        if self.substrates == 1 && self.adds.is_empty() {
            return "exact".to_string();
        }
        let side = |name: &str, items: &[String]| {
            let count = self.substrates;
            let mut parts = vec![if count == 1 { name.to_string() } else { format!("{count} {name}s") }];
            let mut place = 0;
            while let Some(item) = items.get(place) {
                let times = items[place..].iter().take_while(|other| *other == item).count();
                parts.push(if times == 1 { item.clone() } else { format!("{times} {item}") });
                place += times;
            }
            parts.join(" + ")
        };
        format!("{} = {}", side("substrate", &self.adds), side("product", &self.leaves))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chemr_chem::named_reactions;

    fn of(id: &str, reactants: &[&str], product: &str) -> Option<Equation> {
        let reactants: Vec<Mol> = reactants.iter().map(|text| Mol::parse(text).unwrap()).collect();
        Equation::of(named_reactions().get(id).unwrap(), &reactants, &Mol::parse(product).unwrap())
    }

    #[test]
    fn every_reaction_has_an_equation() {
        let equations = load().unwrap();
        for (id, rows) in &equations {
            assert!(named_reactions().get(id).is_some(), "{id}");
            let texts = rows.iter().flat_map(|row| row.adds.iter().chain(&row.leaves));
            texts.for_each(|text| assert!(Mol::parse(text).is_ok(), "{id}: {text}"));
        }
        for reaction in named_reactions().all() {
            let reactants: Vec<&str> = reaction.example_reactants.iter().map(String::as_str).collect();
            let equation = of(&reaction.id, &reactants, &reaction.example_product);
            assert!(equation.is_some(), "{} does not balance", reaction.id);
        }
    }

    #[test]
    fn what_is_said() {
        let reduced = of("ketone_reduction", &["CC(C)=O"], "CC(C)O").unwrap();
        assert_eq!(reduced.balance(), "4 substrates + [BH4-].[Na+] + 4 O = 4 products + O[B-](O)(O)O.[Na+]");
        let ester = of("fischer_esterification", &["CC(=O)O", "OC"], "CC(=O)OC").unwrap();
        assert_eq!((ester.balance().as_str(), ester.byproduct().as_str()), ("exact", "O"));
        let azide = of("azide_substitution", &["CCOS(C)(=O)=O"], "CCN=[N+]=[N-]").unwrap();
        assert_eq!(azide.byproduct(), "CS(=O)(=O)[O-].[Na+]");
        // A product with an atom too many balances with nothing.
        assert!(of("fischer_esterification", &["CC(=O)O", "OC"], "CCC(=O)OC").is_none());
    }
}
