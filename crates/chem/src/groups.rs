//! Functional groups: a registry as data, with precedence.
//!
//! The data is `data/functional_groups.toml`; its head says what each field means. A group is found
//! under its most specific name only: the oxygen of an ester is no ether, a phenol is no alcohol.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::error::{ChemError, ErrorClass};
use crate::graph::{Bond, BondOrder};
use crate::groups_screen::{Features, Requirement};
use crate::mol::Mol;
use crate::pattern::Pattern;

const DATA: &str = include_str!("../data/functional_groups.toml");

/// A functional group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Stable id in snake_case.
    pub id: String,
    /// Name in the singular, as written in text.
    pub name: String,
    /// Other names.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Pattern of the atoms that make up the group.
    pub smarts: String,
    /// SMILES of a molecule with the group.
    pub example: String,
    /// SMILES of a molecule that looks similar and is without it.
    pub counter_example: String,
    /// Ids of the groups that are not counted on atoms of this one.
    pub suppresses: Vec<String>,
    /// Whether several matches in one system of aromatic rings are one group.
    #[serde(default)]
    pub once_per_ring_system: bool,
}

/// A group found in a molecule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupHit {
    pub group: &'static Group,
    /// Atom indices, ascending.
    pub atoms: Vec<usize>,
}

/// The registry of functional groups; see [`groups`].
#[derive(Debug, Default)]
pub struct GroupRegistry {
    groups: Vec<Group>,
    searches: Vec<Search>,
}

#[derive(Debug)]
struct Search {
    requirement: Requirement,
    pattern: Pattern,
    /// For each group of the registry, whether this one suppresses it.
    suppresses: Vec<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    group: Vec<Group>,
}

static REGISTRY: LazyLock<GroupRegistry> = LazyLock::new(|| {
    // The data is part of the program and a test reads it, so a failure cannot get this far.
    GroupRegistry::load().unwrap_or_default()
});

/// The registry that comes with the program.
pub fn groups() -> &'static GroupRegistry {
    &REGISTRY
}

impl GroupRegistry {
    fn load() -> Result<GroupRegistry, ChemError> {
        let wrong = |message: String| ChemError::new(ErrorClass::Internal, message);
        let file: File = toml::from_str(DATA).map_err(|error| wrong(error.to_string()))?;
        let mut searches = Vec::with_capacity(file.group.len());
        for group in &file.group {
            for id in &group.suppresses {
                if !file.group.iter().any(|other| other.id == *id) {
                    return Err(wrong(format!("{} suppresses unknown {id}", group.id)));
                }
            }
            searches.push(Search {
                requirement: Requirement::of(&group.smarts),
                pattern: Pattern::compile(&group.smarts)?,
                suppresses: file.group.iter().map(|other| group.suppresses.contains(&other.id)).collect(),
            });
        }
        Ok(GroupRegistry { groups: file.group, searches })
    }

    /// Every group, in the order of the data file.
    pub fn all(&self) -> &[Group] {
        &self.groups
    }

    /// The group with this id.
    pub fn get(&self, id: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.id == id)
    }

    /// The group with this name or alias, in any case, in the singular or with a plural `s`.
    pub fn by_name(&self, name: &str) -> Option<&Group> {
        let name = name.trim();
        let singular = name.strip_suffix(['s', 'S']).unwrap_or(name);
        [name, singular].into_iter().find_map(|wanted| {
            self.groups.iter().find(|group| {
                group.name.eq_ignore_ascii_case(wanted)
                    || group.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(wanted))
            })
        })
    }

    /// Indices of the group and atoms of every hit that precedence leaves.
    fn hits(&self, mol: &Mol) -> Vec<(usize, Vec<usize>)> {
        let features = Features::of(mol);
        let mut raw: Vec<(usize, Vec<usize>)> = Vec::new();
        for (index, search) in self.searches.iter().enumerate() {
            if !search.requirement.admits(&features) {
                continue;
            }
            for mut atoms in search.pattern.matches(mol) {
                atoms.sort_unstable();
                raw.push((index, atoms));
            }
        }
        let kept: Vec<bool> = raw
            .iter()
            .map(|(index, atoms)| {
                !raw.iter().any(|(other, larger)| {
                    self.searches[*other].suppresses[*index]
                        && atoms.iter().all(|atom| larger.binary_search(atom).is_ok())
                })
            })
            .collect();
        let mut keep = kept.into_iter();
        raw.retain(|_| keep.next().unwrap_or(false));
        self.merge_ring_systems(mol, &mut raw);
        raw
    }

    /// Leaves one hit, that with the lowest atoms, of each group that counts once in a ring system.
    fn merge_ring_systems(&self, mol: &Mol, hits: &mut Vec<(usize, Vec<usize>)>) {
        let merges = |index: usize| self.groups.get(index).is_some_and(|group| group.once_per_ring_system);
        let repeated =
            |pair: &[(usize, Vec<usize>)]| matches!(pair, [(one, _), (two, _)] if one == two && merges(*one));
        // Hits of one group stand together.
        if !hits.windows(2).any(repeated) {
            return;
        }
        let systems = aromatic_systems(mol);
        let system = |atoms: &[usize]| atoms.first().and_then(|atom| systems.get(*atom)).copied();
        hits.sort();
        let mut seen = BTreeSet::new();
        hits.retain(|(index, atoms)| !merges(*index) || seen.insert((*index, system(atoms))));
    }

    /// The groups of a molecule after precedence, in the order of the data file, then of the atoms.
    pub fn find(&'static self, mol: &Mol) -> Vec<GroupHit> {
        self.hits(mol).into_iter().map(|(index, atoms)| GroupHit { group: &self.groups[index], atoms }).collect()
    }

    /// How often each group occurs after precedence, by id; groups that do not occur are left out.
    pub fn counts(&'static self, mol: &Mol) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for (index, _) in self.hits(mol) {
            *counts.entry(self.groups[index].id.as_str()).or_insert(0) += 1;
        }
        counts
    }
}

/// For each atom the number of its system of aromatic bonds: the lowest atom in it.
fn aromatic_systems(mol: &Mol) -> Vec<usize> {
    let bonds: Vec<Bond> = mol.bonds().into_iter().filter(|bond| bond.order == BondOrder::Aromatic).collect();
    let mut systems: Vec<usize> = (0..mol.atoms().len()).collect();
    // Each round hands the lowest number on; as many rounds as the longest way round, which is short.
    loop {
        let mut changed = false;
        for bond in &bonds {
            let (one, other) = (systems[bond.begin], systems[bond.end]);
            if one != other {
                (systems[bond.begin], systems[bond.end]) = (one.min(other), one.min(other));
                changed = true;
            }
        }
        if !changed {
            return systems;
        }
    }
}

#[cfg(test)]
#[path = "groups_tests.rs"]
mod tests;
