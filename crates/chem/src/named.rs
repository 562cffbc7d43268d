//! Named reactions: a registry of reaction types as data, run forwards and backwards.
//!
//! The data is `data/named_reactions.toml`; its head says what each field means. Forward templates
//! accept what the reaction is known for; retro templates are narrower, so that most products have
//! one preferred disconnection (see [`NamedReactions::preferred_disconnections`]).

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{LazyLock, OnceLock};

use crate::error::ChemError;
use crate::groups::{Group, groups};
use crate::groups_screen::{Features, Requirement};
use crate::mol::Mol;
use crate::named_data::{Assembly, NamedReaction, load};
use crate::pattern::Pattern;
use crate::reaction::without_maps;
use crate::template::Template;

/// The registry of named reactions; see [`named_reactions`].
#[derive(Debug, Default)]
pub struct NamedReactions {
    reactions: Vec<NamedReaction>,
    compiled: Vec<OnceLock<Option<Compiled>>>,
    /// The reactant patterns of all reactions, each text once, in the order of their first use.
    slots: Vec<String>,
    patterns: Vec<OnceLock<Option<Slot>>>,
    /// Places in `reactions`, those of one rank together, lowest rank first.
    by_rank: Vec<Vec<usize>>,
}

/// What a reaction needs to run, made at its first use.
#[derive(Debug)]
struct Compiled {
    forward: Template,
    /// For each reactant, the place of its pattern in [`NamedReactions::slots`].
    slots: Vec<usize>,
    retro: Template,
    product: Slot,
    /// Canonical SMILES of each fragment of the reagents, sorted.
    reagents: Vec<String>,
}

/// One side of a template as a pattern with its cheap necessary conditions.
#[derive(Debug)]
struct Slot {
    requirement: Requirement,
    pattern: Pattern,
}

impl Slot {
    fn new(smarts: &str) -> Result<Slot, ChemError> {
        Ok(Slot { requirement: Requirement::of(smarts), pattern: Pattern::compile(smarts)? })
    }

    /// Number of places where the pattern lies on the molecule; ways to lie on the same atoms count once.
    fn places(&self, mol: &Mol, features: &Features) -> usize {
        if self.requirement.admits(features) { self.pattern.count(mol) } else { 0 }
    }
}

impl Compiled {
    fn new(reaction: &NamedReaction, known: &[String]) -> Result<Compiled, ChemError> {
        let (product, _) = sides(&reaction.retro);
        let mut reagents = Vec::new();
        if !reaction.reagent_smiles.is_empty() {
            for fragment in Mol::parse(&reaction.reagent_smiles)?.fragments() {
                reagents.push(fragment.canonical().to_string());
            }
            reagents.sort();
        }
        Ok(Compiled {
            forward: Template::compile(&reaction.forward)?,
            slots: reactant_patterns(reaction)
                .iter()
                .filter_map(|text| known.iter().position(|other| other == text))
                .collect(),
            retro: Template::compile(&reaction.retro)?,
            product: Slot::new(product)?,
            reagents,
        })
    }
}

/// The two sides of `reactants>>products`.
fn sides(smirks: &str) -> (&str, &str) {
    smirks.split_once(">>").unwrap_or((smirks, ""))
}

/// SMARTS of each reactant, without the map numbers, which differ between reactions.
fn reactant_patterns(reaction: &NamedReaction) -> Vec<String> {
    split_components(sides(&reaction.forward).0).into_iter().map(without_maps).collect()
}

/// Splits one side of a reaction SMARTS at the dots outside brackets and parentheses.
fn split_components(side: &str) -> Vec<&str> {
    let mut depth = 0usize;
    let mut start = 0;
    let mut parts = Vec::new();
    for (index, byte) in side.bytes().enumerate() {
        match byte {
            b'[' | b'(' => depth += 1,
            b']' | b')' => depth = depth.saturating_sub(1),
            b'.' if depth == 0 => {
                parts.push(&side[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(&side[start..]);
    parts
}

static REGISTRY: LazyLock<NamedReactions> = LazyLock::new(|| {
    // The data is part of the program and a test reads it, so a failure cannot get this far.
    let reactions = load().unwrap_or_default();
    let mut slots: Vec<String> = Vec::new();
    for text in reactions.iter().flat_map(reactant_patterns) {
        if !slots.contains(&text) {
            slots.push(text);
        }
    }
    let mut ranked: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (place, reaction) in reactions.iter().enumerate() {
        ranked.entry(reaction.rank).or_default().push(place);
    }
    NamedReactions {
        compiled: reactions.iter().map(|_| OnceLock::new()).collect(),
        patterns: slots.iter().map(|_| OnceLock::new()).collect(),
        by_rank: ranked.into_values().collect(),
        reactions,
        slots,
    }
});

/// The registry that comes with the program.
pub fn named_reactions() -> &'static NamedReactions {
    &REGISTRY
}

/// A molecule with what prescreening asks of it, and which reactant patterns it is known to match.
struct Substrate<'m> {
    mol: &'m Mol,
    features: Features,
    matches: RefCell<Vec<Option<usize>>>,
}

impl<'m> Substrate<'m> {
    fn new(mol: &'m Mol) -> Substrate<'m> {
        Substrate { mol, features: Features::of(mol), matches: RefCell::new(Vec::new()) }
    }

    /// In how many places the molecule fits reactant pattern number `slot`; searched once.
    fn places(&self, registry: &NamedReactions, slot: usize) -> usize {
        let mut matches = self.matches.borrow_mut();
        matches.resize(registry.slots.len(), None);
        *matches[slot]
            .get_or_insert_with(|| registry.slot(slot).map_or(0, |pattern| pattern.places(self.mol, &self.features)))
    }

    /// Whether the molecule fits reactant pattern number `slot`.
    fn fits(&self, registry: &NamedReactions, slot: usize) -> bool {
        self.places(registry, slot) > 0
    }
}

impl NamedReactions {
    /// Every reaction, in the order of the data file.
    pub fn all(&self) -> &[NamedReaction] {
        &self.reactions
    }

    /// The reaction with this id.
    pub fn get(&self, id: &str) -> Option<&NamedReaction> {
        self.reactions.iter().find(|reaction| reaction.id == id)
    }

    /// The reaction with this name, in any case.
    pub fn by_name(&self, name: &str) -> Option<&NamedReaction> {
        let name = name.trim();
        self.reactions.iter().find(|reaction| reaction.name.eq_ignore_ascii_case(name))
    }

    fn compiled(&self, reaction: &NamedReaction) -> Option<&Compiled> {
        self.compiled_at(self.reactions.iter().position(|known| known.id == reaction.id)?)
    }

    fn slot(&self, slot: usize) -> Option<&Slot> {
        self.patterns[slot].get_or_init(|| Slot::new(&self.slots[slot]).ok()).as_ref()
    }

    fn compiled_at(&self, place: usize) -> Option<&Compiled> {
        let reaction = self.reactions.get(place)?;
        self.compiled.get(place)?.get_or_init(|| Compiled::new(reaction, &self.slots).ok()).as_ref()
    }

    /// The distinct products of one reaction on these molecules, sorted by canonical SMILES.
    ///
    /// The molecules may stand in any order and may include the reaction's own reagents
    /// ([`NamedReaction::reagent_smiles`]), as separate molecules or as one dotted molecule. Any
    /// other molecule too many, or one missing, gives no product.
    pub fn products(&self, reaction: &NamedReaction, molecules: &[&Mol]) -> Vec<Mol> {
        let Some(compiled) = self.compiled(reaction) else {
            return Vec::new();
        };
        let fragments = fragments(molecules);
        let substrates: Vec<Substrate> = if fragments.len() == compiled.slots.len() {
            fragments.iter().map(Substrate::new).collect()
        } else {
            match without(&fragments, &compiled.reagents) {
                Some(rest) => rest.into_iter().map(Substrate::new).collect(),
                None => return Vec::new(),
            }
        };
        let borrowed: Vec<&Substrate> = substrates.iter().collect();
        self.run(compiled, &borrowed)
    }

    /// Every reaction that this mixture undergoes, with its distinct products, by the order of the
    /// data file.
    ///
    /// Unlike [`NamedReactions::products`], a reaction that needs reagents happens only when they
    /// are in the mixture, all of them and nothing else beside its substrates.
    pub fn outcomes(&self, mixture: &[&Mol]) -> Vec<(&NamedReaction, Vec<Mol>)> {
        self.outcomes_of(mixture, |_| true)
    }

    /// As [`NamedReactions::outcomes`], for the reactions that `wanted` takes.
    pub fn outcomes_of(
        &self,
        mixture: &[&Mol],
        wanted: impl Fn(&NamedReaction) -> bool,
    ) -> Vec<(&NamedReaction, Vec<Mol>)> {
        let fragments = fragments(mixture);
        let substrates: Vec<Substrate> = fragments.iter().map(Substrate::new).collect();
        let mut found = Vec::new();
        for (place, reaction) in self.reactions.iter().enumerate() {
            let Some(compiled) = self.compiled_at(place) else {
                continue;
            };
            if substrates.len() != compiled.slots.len() + compiled.reagents.len() || !wanted(reaction) {
                continue;
            }
            let Some(kept) = positions_without(&fragments, &compiled.reagents) else {
                continue;
            };
            let chosen: Vec<&Substrate> = kept.iter().map(|index| &substrates[*index]).collect();
            let products = self.run(compiled, &chosen);
            if !products.is_empty() {
                found.push((reaction, products));
            }
        }
        found
    }

    /// The reactions whose forward template makes exactly this product from these reactants, in
    /// the order of the data file. Molecules that take no part (solvent, base, reagents) may be
    /// among the reactants; at most eight fragments are tried.
    pub fn classify(&self, reactants: &[Mol], product: &Mol) -> Vec<&NamedReaction> {
        const MOST_FRAGMENTS: usize = 8;
        let borrowed: Vec<&Mol> = reactants.iter().collect();
        let mut fragments = fragments(&borrowed);
        fragments.sort_by(|left, right| left.canonical().cmp(right.canonical()));
        fragments.dedup_by(|left, right| left.is_same(right));
        fragments.truncate(MOST_FRAGMENTS);
        let substrates: Vec<Substrate> = fragments.iter().map(Substrate::new).collect();
        self.reactions
            .iter()
            .filter(|reaction| {
                self.compiled(reaction).is_some_and(|compiled| {
                    choices(&substrates, compiled.slots.len())
                        .iter()
                        .any(|choice| self.fit(compiled, choice) && compiled.forward.makes(&molecules(choice), product))
                })
            })
            .collect()
    }
}

/// The fragments of all molecules.
fn fragments(molecules: &[&Mol]) -> Vec<Mol> {
    molecules.iter().flat_map(|mol| mol.fragments()).collect()
}

/// Places of the fragments that are left when each of `reagents` is taken away once; `None` when
/// one of them is not there.
fn positions_without(fragments: &[Mol], reagents: &[String]) -> Option<Vec<usize>> {
    let mut kept: Vec<usize> = (0..fragments.len()).collect();
    for reagent in reagents {
        let place = kept.iter().position(|index| fragments[*index].canonical() == reagent)?;
        kept.remove(place);
    }
    Some(kept)
}

fn without<'m>(fragments: &'m [Mol], reagents: &[String]) -> Option<Vec<&'m Mol>> {
    positions_without(fragments, reagents).map(|kept| kept.into_iter().map(|index| &fragments[index]).collect())
}

/// Ordered choices of `size` substrates; no reaction has more than two slots.
fn choices<'s, 'm>(substrates: &'s [Substrate<'m>], size: usize) -> Vec<Vec<&'s Substrate<'m>>> {
    match size {
        1 => substrates.iter().map(|one| vec![one]).collect(),
        2 => {
            let mut pairs = Vec::new();
            for (left, first) in substrates.iter().enumerate() {
                for (right, second) in substrates.iter().enumerate() {
                    if left != right {
                        pairs.push(vec![first, second]);
                    }
                }
            }
            pairs
        }
        _ => Vec::new(),
    }
}

fn molecules<'m>(substrates: &[&Substrate<'m>]) -> Vec<&'m Mol> {
    substrates.iter().map(|substrate| substrate.mol).collect()
}

impl NamedReactions {
    /// Distinct products over every order of the substrates.
    fn run(&self, compiled: &Compiled, substrates: &[&Substrate]) -> Vec<Mol> {
        if substrates.len() != compiled.slots.len() {
            return Vec::new();
        }
        let mut products = self.ordered(compiled, substrates);
        if let [first, second] = substrates {
            products.extend(self.ordered(compiled, &[second, first]));
        }
        products.sort_by(|left, right| left.canonical().cmp(right.canonical()));
        products.dedup_by(|left, right| left.is_same(right));
        products
    }

    /// Whether the substrates in this order match the reactant patterns.
    fn fit(&self, compiled: &Compiled, substrates: &[&Substrate]) -> bool {
        substrates.iter().zip(&compiled.slots).all(|(substrate, slot)| substrate.fits(self, *slot))
    }

    /// Products of the substrates in this order.
    fn ordered(&self, compiled: &Compiled, substrates: &[&Substrate]) -> Vec<Mol> {
        if !self.fit(compiled, substrates) {
            return Vec::new();
        }
        compiled.forward.apply(&molecules(substrates)).unwrap_or_default().into_iter().flatten().collect()
    }
}

impl NamedReaction {
    /// The functional group by which a molecule takes part as reactant number `slot`: the first of
    /// the slot's groups that it carries, `None` when it carries none of them.
    pub fn reacting_group(&self, slot: usize, mol: &Mol) -> Option<&'static Group> {
        let counts = groups().counts(mol);
        self.slots.get(slot)?.iter().find(|id| counts.contains_key(id.as_str())).and_then(|id| groups().get(id))
    }
}

impl Assembly {
    /// Puts fragment texts into the strings: (reactants, product).
    pub fn splice(&self, left: &str, right: &str) -> (Vec<String>, String) {
        let fill = |text: &String| text.replace("{L}", left).replace("{R}", right);
        (self.reactants.iter().map(fill).collect(), fill(&self.product))
    }
}

#[path = "named_certain.rs"]
mod certain;
#[path = "named_cuts.rs"]
mod cuts;

#[cfg(test)]
#[path = "named_tests.rs"]
mod tests;
