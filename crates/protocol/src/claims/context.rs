//! What the checker knows while it reads one completion: the molecules that can be meant, and what was said so far.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use chemr_chem::{Gate, Mol, NamedReaction, groups};
use chemr_tasks::{Example, Mode, extract, task};

use crate::changes::{
    Changes, Statement, best_types, changes, known_types, noted_reagents, noted_type, statement, substrates,
};
use crate::grammar::synonyms::{self, Counted};

/// Distinct SMILES of the reasoning that are parsed for one completion; more stay undecided.
const MAX_MOLECULES: usize = 64;
/// Characters of SMILES that are parsed of what one completion writes; more stay undecided. Reading a molecule takes up to
/// ten microseconds for each character. The row's own molecules are free, so that nothing that a completion writes before
/// can make statements about them undecided, and its answer is paid for first.
const MAX_CHARACTERS: usize = 2500;
/// Longest answer whose reactants are run through templates, characters and parts.
const MAX_ROUTE: usize = 200;
const MAX_ROUTE_PARTS: usize = 3;
/// Reaction types that are tried for one completion; more stay undecided.
const MAX_TYPES: usize = 8;
/// Longest SMILES whose groups are searched, characters.
const MAX_GROUP_SEARCH: usize = 250;

/// What a statement is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// The molecule that the question is about.
    Main,
    /// All reactants together.
    Reactants,
    /// One reactant, from 1, in the order of the text; reagents beside the reactants have no number.
    Reactant(usize),
    Product,
    Smiles(String),
    /// Something that has no structure here: a fragment, a precursor.
    Unknown,
}

impl Subject {
    /// The name of a subject; "the molecule" is named as what it is in a reaction.
    pub(crate) fn label(&self, family: Family) -> String {
        match self {
            Subject::Main if family == Family::Retro => Subject::Product.label(family),
            Subject::Main if family == Family::Forward => Subject::Reactants.label(family),
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

/// One way in which a named reaction makes the product of a row.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub changes: Changes,
    pub said: Statement,
    pub reactants: Rc<Vec<Mol>>,
    /// Reagents that the row's notes name beside the reactants.
    pub reagents: Rc<Vec<Mol>>,
}

/// Whether a stated reaction type is right (`None`: undecided), and the runs of it that make the product.
pub(crate) type ReactionVerdict = (Option<bool>, Rc<Vec<Run>>);

/// The molecules in an order of their own.
fn sorted(mols: &[Mol]) -> Vec<&str> {
    let mut texts: Vec<&str> = mols.iter().map(Mol::canonical).collect();
    texts.sort_unstable();
    texts
}

/// Characters that the toolkit reads of a text; one that is too long for an answer is refused at once.
fn cost(smiles: &str) -> usize {
    if smiles.len() > Gate::ANSWER.max_chars { 0 } else { smiles.len() }
}

pub(crate) struct Context<'a> {
    pub example: &'a Example,
    pub family: Family,
    /// The completion's own answer.
    pub answer: Option<&'a str>,
    molecules: BTreeMap<String, Option<Mol>>,
    /// The texts of the row and of the answer, whole and by parts: molecules that do not count against the limits.
    free: BTreeSet<&'a str>,
    /// Molecules and characters that may still be parsed, and reaction types that may still be tried.
    molecules_left: usize,
    characters: usize,
    types_left: usize,
    group_counts: BTreeMap<String, Rc<BTreeMap<&'static str, usize>>>,
    /// The reaction type of the example, once looked up.
    known_reactions: Option<Rc<Vec<&'static NamedReaction>>>,
    /// What was found out about statements of a reaction type, by the ids meant.
    pub reaction_types: BTreeMap<&'static [&'static str], ReactionVerdict>,
    /// The runs of the last reaction type that the text stated, when it was right.
    pub stated_reaction: Option<Rc<Vec<Run>>>,
    /// The runs of the known reactions, once looked up.
    known_runs: Option<Rc<Vec<Run>>>,
    /// Places of the reactants that react, once looked up.
    known_substrates: Option<Option<Vec<usize>>>,
    /// The fragments last listed, joined.
    pub pieces: Option<String>,
}

impl<'a> Context<'a> {
    pub(crate) fn new(example: &'a Example, completion: &'a str) -> Context<'a> {
        let answer = extract(completion, Mode::Loose).answer.ok();
        let prepaid = answer.filter(|answer| answer.len() <= Gate::ANSWER.max_chars);
        let own = example.input.values().chain([&example.reference]).map(String::as_str);
        let free = own.chain(prepaid).flat_map(|text| text.split('.').chain([text])).collect();
        Context {
            example,
            family: Family::of(&example.task),
            answer,
            molecules: BTreeMap::new(),
            free,
            molecules_left: MAX_MOLECULES,
            characters: MAX_CHARACTERS - prepaid.map_or(0, str::len).min(MAX_CHARACTERS),
            types_left: MAX_TYPES,
            group_counts: BTreeMap::new(),
            known_reactions: None,
            reaction_types: BTreeMap::new(),
            stated_reaction: None,
            known_runs: None,
            known_substrates: None,
            pieces: None,
        }
    }

    /// A molecule by its SMILES; `None` when it is not valid or too many were asked for.
    pub(crate) fn mol(&mut self, smiles: &str) -> Option<Mol> {
        if let Some(known) = self.molecules.get(smiles) {
            return known.clone();
        }
        if !self.has_room(smiles) {
            return None;
        }
        if !self.free.contains(smiles) {
            self.molecules_left = self.molecules_left.saturating_sub(1);
            self.characters = self.characters.saturating_sub(cost(smiles));
        }
        let mol = Mol::parse(smiles).ok();
        self.molecules.insert(smiles.to_string(), mol.clone());
        mol
    }

    fn has_room(&self, smiles: &str) -> bool {
        self.free.contains(smiles) || (self.molecules_left > 0 && cost(smiles) <= self.characters)
    }

    /// Whether a string is a valid SMILES; `None` when the limit of molecules is reached.
    pub(crate) fn is_valid(&mut self, smiles: &str) -> Option<bool> {
        let room = self.molecules.contains_key(smiles) || self.has_room(smiles);
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
        let parts = match (subject, self.family) {
            (Subject::Reactant(number), Family::Forward) => {
                let all = self.smiles_of(&Subject::Reactants)?;
                let place = number.checked_sub(1)?;
                match self.substrates() {
                    Some(places) => vec![all.get(*places.get(place)?)?.clone()],
                    None => vec![all.get(place)?.clone()],
                }
            }
            _ => self.smiles_of(subject)?,
        };
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
    pub(crate) fn count_groups(&mut self, subject: &Subject, ids: &[&'static str]) -> Option<usize> {
        let mut total = 0;
        for mol in self.molecules(subject)? {
            let (special, registry): (Vec<&str>, Vec<&str>) = ids.iter().partition(|id| synonyms::is_special(id));
            for id in special {
                total += match synonyms::count(id, &mol) {
                    Counted::Exactly(count) => count,
                    Counted::Unknown => return None,
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
        let known = match (noted_type(self.example), self.reaction()) {
            (Some(noted), _) => vec![noted],
            (None, Some((reactants, product))) => known_types(self.example, &reactants, &product),
            (None, None) => Vec::new(),
        };
        let known = Rc::new(known);
        self.known_reactions = Some(known.clone());
        known
    }

    /// The ways in which a reaction makes the product: from the row's reactants and, in retrosynthesis, from the
    /// completion's own, which may be another right way.
    pub(crate) fn runs_of(&mut self, reaction: &'static NamedReaction) -> Vec<Run> {
        let Some((reactants, product)) = self.reaction() else { return Vec::new() };
        let mut routes = vec![reactants];
        if self.family == Family::Retro
            && let Some(answer) = self.answer.filter(|answer| answer.len() <= MAX_ROUTE)
            && answer.split('.').count() <= MAX_ROUTE_PARTS
            && let Some(own) = answer.split('.').map(|part| self.mol(part)).collect::<Option<Vec<Mol>>>()
            && sorted(&own) != sorted(&routes[0])
        {
            routes.push(own);
        }
        let reagents = Rc::new(noted_reagents(self.example));
        let mut runs = Vec::new();
        for route in routes {
            let reactants = Rc::new(route);
            for changes in changes(reaction, &reactants, &product).iter() {
                let said = statement(reaction, changes, &reactants, &reagents);
                let (reactants, reagents) = (reactants.clone(), reagents.clone());
                runs.push(Run { said, changes: changes.clone(), reactants, reagents });
            }
        }
        runs
    }

    /// [`Context::runs_of`] for a type that the text states; `None` when too many were stated.
    pub(crate) fn try_type(&mut self, reaction: &'static NamedReaction) -> Option<Vec<Run>> {
        self.types_left = self.types_left.checked_sub(1)?;
        Some(self.runs_of(reaction))
    }

    /// The runs of all known reactions.
    pub(crate) fn known_runs(&mut self) -> Rc<Vec<Run>> {
        if let Some(known) = &self.known_runs {
            return known.clone();
        }
        let mut runs = Vec::new();
        for reaction in self.known_reactions().iter() {
            runs.extend(self.runs_of(reaction));
        }
        let runs = Rc::new(runs);
        self.known_runs = Some(runs.clone());
        runs
    }

    /// Places of the reactants of the row that react, as the teacher counts and numbers them.
    pub(crate) fn substrates(&mut self) -> Option<Vec<usize>> {
        if let Some(known) = &self.known_substrates {
            return known.clone();
        }
        let known = self.known_reactions();
        let found = self.reaction().and_then(|(reactants, product)| {
            substrates(&best_types(&known, &reactants, &product), &reactants, &product)
        });
        self.known_substrates = Some(found.clone());
        found
    }
}
