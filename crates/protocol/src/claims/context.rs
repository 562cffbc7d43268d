//! What the checker knows while it reads one completion: the molecules that can be meant, and what was said so far.

use std::collections::BTreeMap;
use std::rc::Rc;

use chemr_chem::{Mol, NamedReaction, groups, named_reactions};
use chemr_tasks::{Example, Mode, extract, task};

/// Distinct SMILES that are parsed for one completion; more stay undecided.
const MAX_MOLECULES: usize = 64;
/// Longest SMILES whose groups are searched, characters.
const MAX_GROUP_SEARCH: usize = 250;

/// What a statement is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// The molecule that the question is about.
    Main,
    /// All reactants together.
    Reactants,
    /// One reactant, from 1, in the order of the text.
    Reactant(usize),
    Product,
    Smiles(String),
    /// Something that has no structure here: a fragment, a precursor.
    Unknown,
}

impl Subject {
    pub(crate) fn label(&self) -> String {
        match self {
            Subject::Main => "molecule".to_string(),
            Subject::Reactants => "reactants".to_string(),
            Subject::Reactant(number) => format!("reactant {number}"),
            Subject::Product => "product".to_string(),
            Subject::Smiles(text) => text.clone(),
            Subject::Unknown => "unclear".to_string(),
        }
    }
}

/// Task families, as far as they decide what "the molecule" is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Formula,
    Name,
    Property,
    Forward,
    Retro,
    Custom,
    Other,
}

impl Family {
    pub(crate) fn of(task_id: &str) -> Family {
        match task(task_id).map(|task| task.family()) {
            Some("formula") => Family::Formula,
            Some("name") => Family::Name,
            Some("property") => Family::Property,
            Some("forward") => Family::Forward,
            Some("retro") => Family::Retro,
            Some("custom") => Family::Custom,
            _ => Family::Other,
        }
    }
}

/// Whether a stated reaction type is right (`None`: undecided), and the reaction that is meant.
pub(crate) type ReactionVerdict = (Option<bool>, Option<&'static NamedReaction>);

pub(crate) struct Context<'a> {
    pub example: &'a Example,
    pub family: Family,
    /// The completion's own answer.
    pub answer: Option<&'a str>,
    molecules: BTreeMap<String, Option<Mol>>,
    group_counts: BTreeMap<String, Rc<BTreeMap<&'static str, usize>>>,
    /// The reaction type of the example, once looked up.
    known_reactions: Option<Rc<Vec<&'static NamedReaction>>>,
    /// What was found out about statements of a reaction type, by the ids meant.
    pub reaction_types: BTreeMap<&'static [&'static str], ReactionVerdict>,
    /// The last reaction type that the text stated.
    pub stated_reaction: Option<&'static NamedReaction>,
    /// The fragments last listed, joined.
    pub pieces: Option<String>,
}

impl<'a> Context<'a> {
    pub(crate) fn new(example: &'a Example, completion: &'a str) -> Context<'a> {
        Context {
            example,
            family: Family::of(&example.task),
            answer: extract(completion, Mode::Loose).answer.ok(),
            molecules: BTreeMap::new(),
            group_counts: BTreeMap::new(),
            known_reactions: None,
            reaction_types: BTreeMap::new(),
            stated_reaction: None,
            pieces: None,
        }
    }

    /// A molecule by its SMILES; `None` when it is not valid or too many were asked for.
    pub(crate) fn mol(&mut self, smiles: &str) -> Option<Mol> {
        if let Some(known) = self.molecules.get(smiles) {
            return known.clone();
        }
        if self.molecules.len() >= MAX_MOLECULES {
            return None;
        }
        let mol = Mol::parse(smiles).ok();
        self.molecules.insert(smiles.to_string(), mol.clone());
        mol
    }

    /// Whether a string is a valid SMILES; `None` when the limit of molecules is reached.
    pub(crate) fn is_valid(&mut self, smiles: &str) -> Option<bool> {
        let room = self.molecules.len() < MAX_MOLECULES || self.molecules.contains_key(smiles);
        room.then(|| self.mol(smiles).is_some())
    }

    /// The SMILES that a subject stands for, part by part.
    fn smiles_of(&self, subject: &Subject) -> Option<Vec<String>> {
        let parts = |text: &str| text.split('.').map(str::to_string).collect::<Vec<String>>();
        let example = self.example;
        let answer = || self.answer.map(str::to_string);
        let field = |key: &str| Some(example.field(key)).filter(|text| !text.is_empty()).map(str::to_string);
        let reactants = || match self.family {
            Family::Forward => field("reactants").as_deref().map(parts),
            Family::Retro => self.answer.map(parts),
            _ => None,
        };
        match subject {
            Subject::Smiles(text) => Some(vec![text.clone()]),
            Subject::Unknown => None,
            Subject::Reactants => reactants(),
            Subject::Reactant(number) => Some(vec![reactants()?.get(number.checked_sub(1)?)?.clone()]),
            Subject::Product => match self.family {
                Family::Retro => field("product").map(|text| vec![text]),
                Family::Forward => answer().map(|text| vec![text]),
                _ => self.smiles_of(&Subject::Main),
            },
            Subject::Main => match self.family {
                Family::Formula | Family::Property => field("smiles").map(|text| vec![text]),
                Family::Name | Family::Custom => answer().map(|text| vec![text]),
                Family::Forward => reactants(),
                Family::Retro => field("product").map(|text| vec![text]),
                Family::Other => field("smiles").map(|text| vec![text]),
            },
        }
    }

    /// The molecules that a subject stands for; `None` when any part is unclear or invalid.
    pub(crate) fn molecules(&mut self, subject: &Subject) -> Option<Vec<Mol>> {
        let parts = self.smiles_of(subject)?;
        (parts.len() <= MAX_MOLECULES).then_some(())?;
        parts.iter().map(|smiles| self.mol(smiles)).collect()
    }

    /// Functional groups of a molecule by id; `None` for one that is too large to search.
    pub(crate) fn groups_of(&mut self, mol: &Mol) -> Option<Rc<BTreeMap<&'static str, usize>>> {
        let key = mol.canonical();
        if key.len() > MAX_GROUP_SEARCH {
            return None;
        }
        if let Some(known) = self.group_counts.get(key) {
            return Some(known.clone());
        }
        let counts = Rc::new(groups().counts(mol));
        self.group_counts.insert(key.to_string(), counts.clone());
        Some(counts)
    }

    /// How many of some groups the subject has in total.
    pub(crate) fn count_groups(&mut self, subject: &Subject, ids: &[&str]) -> Option<usize> {
        let mut total = 0;
        for mol in self.molecules(subject)? {
            let (special, registry): (Vec<&str>, Vec<&str>) =
                ids.iter().partition(|id| id.starts_with("element:") || **id == "aromatic_ring");
            for id in special {
                total += match id.strip_prefix("element:") {
                    Some(symbol) => mol.element_counts().get(symbol).copied().unwrap_or(0),
                    None => mol.aromatic_rings(),
                };
            }
            if !registry.is_empty() {
                let counts = self.groups_of(&mol)?;
                total += registry.iter().filter_map(|id| counts.get(id)).sum::<usize>();
            }
        }
        Some(total)
    }

    /// Reactants and product of a reaction task, as the example has them.
    pub(crate) fn reaction(&mut self) -> Option<(Vec<Mol>, Mol)> {
        let example = self.example;
        let (reactants, product) = match self.family {
            Family::Forward => (example.field("reactants"), example.reference.as_str()),
            Family::Retro => (example.reference.as_str(), example.field("product")),
            _ => return None,
        };
        let reactants = reactants.split('.').map(|part| self.mol(part)).collect::<Option<Vec<Mol>>>()?;
        Some((reactants, self.mol(product)?))
    }

    /// The named reactions that the example is known to be: from its generator, or by running templates.
    pub(crate) fn known_reactions(&mut self) -> Rc<Vec<&'static NamedReaction>> {
        if let Some(known) = &self.known_reactions {
            return known.clone();
        }
        let known = match self.example.meta.get("reaction").and_then(|id| named_reactions().get(id)) {
            Some(reaction) => vec![reaction],
            None => self
                .reaction()
                .map(|(reactants, product)| named_reactions().classify(&reactants, &product))
                .unwrap_or_default(),
        };
        let known = Rc::new(known);
        self.known_reactions = Some(known.clone());
        known
    }
}
