//! Reactions of the named-reaction registry, forwards and backwards.
//!
//! A reaction is written from fragments: the assembly strings of the registry hold `{L}` and `{R}`, so that product and
//! reactants share their fragment texts (root-aligned SMILES, Zhong et al., Chem. Sci. 2022, 13, 9023). What the texts
//! promise is then checked on the molecules: every template of the registry that fits the reactants must give this
//! product and no other, and for retrosynthesis this must be the one disconnection that the registry prefers.

mod choices;

use std::cell::{LazyCell, RefCell};
use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use chemr_chem::{Assembly, FragmentKind, Gate, Mol, NamedReaction, groups, named_reactions};
use chemr_tasks::Example;

pub(super) use self::choices::{Choice, core, fits, largest, least};
use super::fragment::{Fragment, draw_kind, smallest};
use super::{Draw, finish, list, molecule, selective};
use crate::error::DataError;
use crate::memo::Memo;
use crate::rng::Rng;

/// Which way the question goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Forward,
    Retro,
}

/// Reactions that are not secondary in the registry, whose products still have a preferred disconnection elsewhere: never
/// asked backwards either.
const NEVER_PREFERRED: &[&str] = &["alkene_hydrogenation"];

/// A reagent and a milder one whose reactions it also brings about.
const STRONGER: &[(&str, &str)] = &[("[AlH4-].[Li+]", "[BH4-].[Na+]")];

/// A reaction put together, not yet checked.
pub(super) struct Drawn {
    pub reaction: &'static NamedReaction,
    pub assembly: &'static Assembly,
    pub kinds: (FragmentKind, FragmentKind),
    pub left: String,
    pub right: String,
    pub reactants: Vec<String>,
    pub product: String,
}

/// Puts a reaction together from drawn fragments.
fn draw_reaction(rng: &mut Rng, choice: &Choice, level: u8) -> Option<Drawn> {
    let assembly = *choice.assemblies.get(rng.weighted(&choice.weights))?;
    let room = largest(level).checked_sub(core(&assembly.product))?;
    let kind = |rng: &mut Rng, kinds: &[FragmentKind], room: Option<usize>| match (kinds.is_empty(), room) {
        (true, _) => Some(FragmentKind::Hydrogen),
        (false, Some(room)) => draw_kind(rng, kinds, room),
        (false, None) => None,
    };
    let left_kind = kind(rng, &assembly.left, room.checked_sub(least(&assembly.right)))?;
    let right_kind = kind(rng, &assembly.right, room.checked_sub(smallest(left_kind)))?;
    // What is left over after the smallest fragments is shared out evenly.
    let spare = room.checked_sub(smallest(left_kind) + smallest(right_kind))?;
    let for_left = if assembly.right.is_empty() { spare } else { rng.below(spare + 1) };
    let left = Fragment::draw(rng, left_kind, level, smallest(left_kind) + for_left)?;
    let right = Fragment::draw(rng, right_kind, level, room.checked_sub(left.heavy_atoms())?)?;
    let (left, right) = (left.left(rng, level), right.right(rng, level));
    let (reactants, product) = assembly.splice(&left, &right);
    // `C()` is no SMILES: a hydrogen in a branch of its own.
    let sound = reactants.iter().chain([&product]).all(|text| !text.contains("()"));
    sound.then_some(Drawn {
        reaction: choice.reaction,
        assembly,
        kinds: (left_kind, right_kind),
        left,
        right,
        reactants,
        product,
    })
}

/// A molecule that is likely to come again: reagents, fixed partners and small reactants. Parsing is a good part of the
/// work, so each thread keeps some thousand of them.
pub(super) fn remembered(what: &'static str, smiles: &str) -> Result<Mol, DataError> {
    thread_local! {
        static KNOWN: RefCell<Memo<Mol>> = RefCell::new(Memo::new(8_192));
    }
    KNOWN.with_borrow_mut(|known| known.get(smiles, || molecule(what, smiles)))
}

/// The substances of a reagent, one molecule each.
pub(super) fn reagents(smiles: &str) -> Result<Vec<Mol>, DataError> {
    smiles
        .split('.')
        .filter(|part| !part.is_empty())
        .map(|part| remembered("reagent of a named reaction", part))
        .collect()
}

/// True when everything that the registry knows of this mixture gives this product and no other.
fn is_only_product(drawn: &Drawn, reactants: &[Mol], product: &Mol) -> Result<bool, DataError> {
    let reagent_smiles = drawn.reaction.reagent_smiles.as_str();
    let own_reagents = reagents(reagent_smiles)?;
    let mixture: Vec<&Mol> = reactants.iter().chain(&own_reagents).collect();
    if !named_reactions().has_one_place(drawn.reaction, &mixture, |_| true) {
        let outcomes = named_reactions().outcomes(&mixture);
        let own = outcomes.iter().any(|(reaction, _)| reaction.id == drawn.reaction.id);
        let same = outcomes.iter().flat_map(|(_, products)| products).all(|made| made.is_same(product));
        if !own || !same {
            return Ok(false);
        }
    }
    for (_, milder) in STRONGER.iter().filter(|(reagent, _)| *reagent == reagent_smiles) {
        let milder = reagents(milder)?;
        let mixture: Vec<&Mol> = reactants.iter().chain(&milder).collect();
        let others = named_reactions().outcomes(&mixture);
        if others.iter().flat_map(|(_, products)| products).any(|made| !made.is_same(product)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// True when the registry prefers one way to make the product, and it is this one. Most of what is refused is refused by the product
/// alone, before the reactants are read.
pub(super) fn is_preferred(drawn: &Drawn, product: &Mol) -> bool {
    let own = LazyCell::new(|| {
        let reactants = drawn.read_reactants().ok()?;
        let texts = sorted(&reactants, canonical);
        // The templates know nothing of inversion.
        let flat = texts.iter().any(|text| text.contains('@')).then(|| sorted(&reactants, Mol::canonical_flat));
        Some((texts, flat))
    });
    let is_own = |set: &[String]| {
        let Some((texts, flat)) = own.as_ref() else { return false };
        // What the template writes is canonical nearly always, and then need not be read.
        let mut written: Vec<&str> = set.iter().flat_map(|text| text.split('.')).collect();
        written.sort_unstable();
        let read = || set.iter().map(|text| Mol::parse_with(text, &Gate::DATA).ok()).collect::<Option<Vec<Mol>>>();
        written == *texts
            || read().is_some_and(|set| match flat {
                None => sorted(&set, canonical) == *texts,
                Some(flat) => sorted(&set, Mol::canonical_flat) == *flat,
            })
    };
    named_reactions().is_preferred(drawn.reaction, product, is_own)
}

/// Canonical SMILES of several molecules, sorted and joined with dots.
pub(super) fn joined(molecules: &[Mol]) -> String {
    sorted(molecules, canonical).join(".")
}

fn canonical(mol: &Mol) -> String {
    mol.canonical().to_string()
}

/// Texts of the parts of several molecules.
fn sorted(molecules: &[Mol], write: fn(&Mol) -> String) -> Vec<String> {
    let mut texts: Vec<String> = molecules.iter().flat_map(Mol::fragments).map(|part| write(&part)).collect();
    texts.sort();
    texts
}

/// Names of the groups that react, one for each reactant. They follow from the assembly and the kinds of fragment, so
/// the search is made once on the plainest fragments and kept.
fn reacting_groups(drawn: &Drawn) -> Result<String, DataError> {
    type Key = (String, String, FragmentKind, FragmentKind);
    static KNOWN: LazyLock<Mutex<BTreeMap<Key, String>>> = LazyLock::new(Mutex::default);
    let key = (drawn.reaction.id.clone(), drawn.assembly.reactants.join("."), drawn.kinds.0, drawn.kinds.1);
    if let Some(known) = KNOWN.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return Ok(known.clone());
    }
    let (left, right) = (plainest(drawn.kinds.0), plainest(drawn.kinds.1));
    let (reactants, _) = drawn.assembly.splice(left.0, right.1);
    let mut names = Vec::new();
    for (slot, smiles) in reactants.iter().enumerate() {
        let mol = molecule("plain reactant", smiles)?;
        let group = drawn.reaction.reacting_group(slot, &mol);
        names.push(group.map_or(String::new(), |group| group.name.clone()));
    }
    let names = list(names);
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner).insert(key, names.clone());
    Ok(names)
}

/// Texts of the plainest fragment of a kind, for `{L}` and for `{R}`.
fn plainest(kind: FragmentKind) -> (&'static str, &'static str) {
    match kind {
        FragmentKind::Hydrogen => ("", ""),
        FragmentKind::Methyl => ("C", "C"),
        FragmentKind::Primary => ("CC", "CC"),
        FragmentKind::Secondary => ("CC(C)", "C(C)C"),
        FragmentKind::Tertiary => ("CC(C)(C)", "C(C)(C)C"),
        FragmentKind::Benzyl => ("c1ccccc1C", "Cc1ccccc1"),
        FragmentKind::Aryl => ("c1ccccc1", "c1ccccc1"),
    }
}

pub(super) fn example(draw: Draw<'_>, direction: Direction) -> Result<Option<Example>, DataError> {
    if draw.level >= 4 {
        return selective::example(draw, direction);
    }
    let choices = choices::of_level(draw.level);
    draw.by_type(choices, 30, |draw, choice| attempt(draw, choice, direction))
}

/// A drawn reaction with its reactants and product, where the product belongs to the split and is the only one.
pub(super) fn checked(draw: &mut Draw<'_>, choice: &Choice) -> Result<Option<(Drawn, Vec<Mol>, Mol)>, DataError> {
    checked_for(draw, choice, Direction::Forward)
}

fn checked_for(
    draw: &mut Draw<'_>,
    choice: &Choice,
    direction: Direction,
) -> Result<Option<(Drawn, Vec<Mol>, Mol)>, DataError> {
    if direction == Direction::Retro && !is_asked_backwards(choice.reaction) {
        return Ok(None);
    }
    let Some(drawn) = draw_reaction(draw.rng, choice, draw.level) else { return Ok(None) };
    let product = molecule("product of an assembly", &drawn.product)?;
    if !draw.wants(product.canonical()) {
        return Ok(None);
    }
    if direction == Direction::Retro && !is_preferred(&drawn, &product) {
        return Ok(None);
    }
    let reactants = drawn.read_reactants()?;
    let only = is_only_product(&drawn, &reactants, &product)?;
    Ok(only.then_some((drawn, reactants, product)))
}

fn attempt(draw: &mut Draw<'_>, choice: &Choice, direction: Direction) -> Result<Option<Example>, DataError> {
    let Some((drawn, reactants, product)) = checked_for(draw, choice, direction)? else { return Ok(None) };
    let (task, input, reference, aligned) = match direction {
        Direction::Forward => (
            "reaction_prediction",
            ("reactants", reactant_question(draw, &drawn, &reactants)),
            product.canonical().to_string(),
            drawn.product.clone(),
        ),
        Direction::Retro => {
            let asked = if draw.level >= 3 { product.canonical().to_string() } else { drawn.product.clone() };
            ("retrosynthesis", ("product", asked), joined(&reactants), drawn.reactants.join("."))
        }
    };
    let meta = drawn.meta(&product, aligned, drawn.reaction.byproduct.clone())?;
    Ok(Some(finish(task, draw, input, reference, meta)))
}

impl Drawn {
    /// The molecules of the reactants.
    pub(super) fn read_reactants(&self) -> Result<Vec<Mol>, DataError> {
        self.reactants.iter().map(|smiles| remembered("reactant of an assembly", smiles)).collect()
    }

    /// What questions of all levels tell about their reaction.
    pub(super) fn meta(
        &self,
        product: &Mol,
        aligned_answer: String,
        byproduct: String,
    ) -> Result<Vec<(&'static str, String)>, DataError> {
        let Drawn { reaction, assembly, .. } = self;
        let product_group = reaction.product_group.as_deref().and_then(|id| groups().get(id));
        Ok(vec![
            ("key", product.canonical().to_string()),
            ("reaction", reaction.id.clone()),
            ("reaction_name", reaction.name.clone()),
            ("class", reaction.class.clone()),
            ("reactants_pattern", assembly.reactants.join(".")),
            ("product_pattern", assembly.product.clone()),
            ("left", self.left.clone()),
            ("right", self.right.clone()),
            ("aligned_answer", aligned_answer),
            ("aligned_reactants", self.reactants.join(".")),
            ("aligned_product", self.product.clone()),
            ("reactant_groups", reacting_groups(self)?),
            ("product_group", product_group.map_or(String::new(), |group| group.name.clone())),
            ("bonds_formed", list(&reaction.bonds_formed)),
            ("bonds_broken", list(&reaction.bonds_broken)),
            ("byproduct", byproduct),
            ("reagents", reaction.reagents.clone()),
            ("reagent_smiles", reaction.reagent_smiles.clone()),
        ])
    }
}

/// Whether a reaction is asked backwards.
pub(super) fn is_asked_backwards(reaction: &NamedReaction) -> bool {
    !reaction.is_secondary() && !NEVER_PREFERRED.contains(&reaction.id.as_str())
}

/// The reactants as the question shows them: aligned and in the order of the registry at level 1, perhaps swapped at
/// level 2, canonical and shuffled at level 3. Reagents that decide the reaction stand last, at level 3 anywhere.
fn reactant_question(draw: &mut Draw<'_>, drawn: &Drawn, reactants: &[Mol]) -> String {
    let mut texts: Vec<String> = if draw.level >= 3 {
        reactants.iter().map(|mol| mol.canonical().to_string()).collect()
    } else {
        drawn.reactants.clone()
    };
    if draw.level == 2 {
        draw.rng.shuffle(&mut texts);
    }
    if !drawn.reaction.reagent_smiles.is_empty() {
        texts.push(drawn.reaction.reagent_smiles.clone());
    }
    if draw.level >= 3 {
        draw.rng.shuffle(&mut texts);
    }
    texts.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stronger_reagents_are_of_the_registry() {
        for (reagent, milder) in STRONGER {
            for smiles in [reagent, milder] {
                assert!(named_reactions().all().iter().any(|reaction| reaction.reagent_smiles == *smiles), "{smiles}");
            }
        }
    }
}
