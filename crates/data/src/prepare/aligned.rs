//! Root-aligned SMILES of reactions (Zhong et al., Chem. Sci. 2022, 13, 9023).
//!
//! The product is written from a root atom on; each reactant from that of its atoms which the product's text names first, and the reactants
//! stand in the order in which the product names them. The two texts then share long runs, and a model has less to move. Which atom of a
//! reactant is which of the product, the atom maps say; they are read, and never written: their numbers and the atom order of mapped files
//! give the reaction centre away, so every text here is made from molecules without maps.

use std::collections::{BTreeMap, BTreeSet};

use chemr_chem::{Gate, Mol, Pattern, without_maps};
use chemr_tasks::Example;
use chemr_tasks::metrics::edit_distance;

use crate::anatomy;
use crate::import::MAPPED;
use crate::rng::{mix, permute};
use crate::split::stable_hash;

/// Why a small or symmetric product has no further alignments.
pub(super) const NO_OTHER_ROOT: &str = "no_other_root";

/// Keeps the seeds of roots apart from others.
const STREAM: u64 = 0xa11;

/// A reaction whose two sides are aligned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Aligned {
    pub example: Example,
    /// Edit distance in characters between product and reactants as they were given, and as they are now.
    pub before: usize,
    pub after: usize,
}

/// The field of the question that holds one side of the reaction; the reference holds the other.
fn question_field(example: &Example) -> Option<&'static str> {
    match example.task.as_str() {
        "retrosynthesis" => Some("product"),
        "reaction_prediction" => Some("reactants"),
        _ => None,
    }
}

/// Whether the row is a reaction that alignment is for.
pub(super) fn is_reaction(example: &Example) -> bool {
    question_field(example).is_some()
}

/// Whether an aligned question is written after its answer: the reactants of a forward question follow the product.
pub(super) fn tells_the_answer(example: &Example) -> bool {
    question_field(example) == Some("reactants")
}

/// Whether the row is a reaction with atom maps.
pub(super) fn has_maps(example: &Example) -> bool {
    is_reaction(example) && example.meta.get(MAPPED).is_some_and(|text| anatomy::has_maps(text))
}

/// A molecule without maps, and the map number of each of its atoms (0: none).
struct Part {
    mol: Mol,
    maps: Vec<u32>,
}

impl Part {
    fn read(text: &str) -> Option<Part> {
        let mol = Mol::parse_with(&without_maps(text), &Gate::DATA).ok()?;
        let maps: Vec<u32> =
            Mol::parse_with(text, &Gate::DATA).ok()?.atoms().iter().map(|atom| atom.map_number).collect();
        // The numbers are those of the atoms only where both readings have as many.
        (mol.atoms().len() == maps.len()).then_some(Part { mol, maps })
    }
}

/// The pair in its `variant`-th alignment: 0 keeps the product canonical, higher ones begin at other, random atoms.
///
/// # Errors
/// Why there is none, as a code.
pub(super) fn aligned(example: &Example, variant: u32, seed: u64) -> Result<Aligned, &'static str> {
    let field = question_field(example).ok_or("not_a_reaction")?;
    let is_retro = field == "product";
    let mapped = example.meta.get(MAPPED).ok_or("no_maps")?;
    let mut sides = mapped.split('>');
    let (Some(left), Some(agents), Some(right), None) = (sides.next(), sides.next(), sides.next(), sides.next()) else {
        return Err("unreadable_maps");
    };
    if right.contains('.') {
        return Err("several_products");
    }
    let product = Part::read(right).ok_or("unreadable_maps")?;
    // Reagents between the arrows belong to a question about the product that names them.
    let texts = left.split('.').chain(agents.split('.').filter(|_| !is_retro)).filter(|text| !text.is_empty());
    let reactants = texts.map(Part::read).collect::<Option<Vec<Part>>>().ok_or("unreadable_maps")?;
    let (product_text, reactants_text) = match is_retro {
        true => (example.field(field), example.reference.as_str()),
        false => (example.reference.as_str(), example.field(field)),
    };
    let wanted = sorted(reactants.iter().map(|part| part.mol.canonical()));
    if product.mol.canonical() != product_text || sorted(reactants_text.split('.')) != wanted {
        return Err("maps_of_another_reaction");
    }
    let rooted = rooted(&product.mol, variant, mix(&[seed, STREAM, stable_hash(&example.id)])).ok_or(NO_OTHER_ROOT)?;
    let order = order(&rooted, &product.mol).ok_or("order_unknown")?;
    let mut places = BTreeMap::new();
    for (place, atom) in order.iter().enumerate() {
        match product.maps.get(*atom) {
            Some(0) | None => {}
            Some(number) => drop(places.entry(*number).or_insert(place)),
        }
    }
    let mut written: Vec<(usize, String)> = reactants.iter().map(|part| follow(part, &places)).collect();
    // Parts that the product names nothing of (reagents) come last, in alphabetical order.
    written.sort();
    let written: Vec<String> = written.into_iter().map(|part| part.1).collect();
    let parse = |text: &str| Mol::parse_with(text, &Gate::DATA).map(|mol| mol.canonical().to_owned());
    let read: Result<Vec<String>, _> = written.iter().map(|text| parse(text)).collect();
    let is_same = read.is_ok_and(|read| sorted(read.iter().map(String::as_str)) == wanted)
        && parse(&rooted).is_ok_and(|read| read == product_text);
    if !is_same {
        return Err("not_the_same_molecule");
    }
    let reactants = written.join(".");
    let before = edit_distance(product_text, reactants_text);
    let after = edit_distance(&rooted, &reactants);
    let mut copy = example.clone();
    let (question, answer) = if is_retro { (rooted, reactants) } else { (reactants, rooted) };
    copy.input.insert(field.to_owned(), question);
    copy.meta.insert("aligned_answer".to_owned(), answer);
    Ok(Aligned { example: copy, before, after })
}

fn sorted<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut texts: Vec<&str> = texts.collect();
    texts.sort_unstable();
    texts
}

/// The product's `variant`-th spelling from a root: 0 is the canonical one; roots of the same text count once.
fn rooted(product: &Mol, variant: u32, key: u64) -> Option<String> {
    let atoms = product.atoms().len() as u64;
    let mut seen = BTreeSet::from([product.canonical().to_owned()]);
    if variant == 0 {
        return seen.pop_first();
    }
    for place in 0..atoms {
        let text = product.rooted_smiles(permute(place, atoms, key) as usize);
        if seen.insert(text.clone()) && seen.len() > variant as usize {
            return Some(text);
        }
    }
    None
}

/// The atoms of the molecule in the order in which the text names them. Of a symmetric molecule one of the possible orders: they differ by a
/// symmetry, which makes an equally true map of the reaction.
fn order(text: &str, mol: &Mol) -> Option<Vec<usize>> {
    let found = Pattern::compile(text).ok()?.matches(mol).into_iter().next()?;
    (found.len() == mol.atoms().len()).then_some(found)
}

/// A reactant from the atom on that the product names first, with the place of that atom there.
fn follow(part: &Part, places: &BTreeMap<u32, usize>) -> (usize, String) {
    let named = part.maps.iter().enumerate().filter_map(|(atom, number)| Some((*places.get(number)?, atom)));
    match named.min() {
        Some((place, atom)) => (place, part.mol.rooted_smiles(atom)),
        None => (usize::MAX, part.mol.canonical().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chemr_tasks::Split;

    /// An ester from acid and alcohol, numbers and order as they come.
    const ESTER: &str = "[CH3:7][CH2:3][OH:4].O[C:5](=[O:9])[CH2:2][c:1]1[cH:11][cH:12][cH:13][cH:14][cH:15]1>[Na+].[Cl-]>\
                         [CH3:7][CH2:3][O:4][C:5](=[O:9])[CH2:2][c:1]1[cH:11][cH:12][cH:13][cH:14][cH:15]1";

    fn pair(task: &str, mapped: &str) -> Example {
        let bare = without_maps(mapped);
        let sides: Vec<&str> = bare.split('>').collect();
        let canonical = |text: &str| {
            let parts: Vec<String> = text
                .split('.')
                .filter(|part| !part.is_empty())
                .map(|part| Mol::parse(part).unwrap().canonical().to_owned())
                .collect();
            sorted(parts.iter().map(String::as_str)).join(".")
        };
        let product = canonical(sides[2]);
        let (input, reference) = match task {
            "retrosynthesis" => (("product", product), canonical(sides[0])),
            _ => (("reactants", canonical(&format!("{}.{}", sides[0], sides[1]))), product),
        };
        let input = BTreeMap::from([(input.0.to_owned(), input.1)]);
        let meta = BTreeMap::from([(MAPPED.to_owned(), mapped.to_owned())]);
        Example::new(task, "test", Split::Train, 0, input, reference, meta)
    }

    fn same(left: &str, right: &str) -> bool {
        Mol::parse(left).unwrap().is_same(&Mol::parse(right).unwrap())
    }

    #[test]
    fn reactants_begin_where_the_product_does() {
        let example = pair("retrosynthesis", ESTER);
        let canonical = aligned(&example, 0, 1).unwrap();
        assert_eq!(canonical.example.field("product"), "CCOC(=O)Cc1ccccc1");
        // RDKit 2026.9.1: MolToSmiles(acid, rootedAtAtom=...).
        assert_eq!(canonical.example.meta["aligned_answer"], "CCO.C(=O)(O)Cc1ccccc1");
        let mut seen = BTreeSet::new();
        for variant in 0..6 {
            let found = aligned(&example, variant, 1).unwrap().example;
            let (product, reactants) = (found.field("product"), &found.meta["aligned_answer"]);
            assert!(seen.insert(product.to_owned()), "{product} again");
            assert!(
                same(product, example.field("product")) && same(reactants, &example.reference),
                "{product} {reactants}"
            );
            assert!(!product.contains(':') && !reactants.contains(':'));
            // Both begin at the same atom: the first letters agree.
            assert_eq!(product[..1], reactants[..1], "{product} {reactants}");
            assert_eq!(found.reference, example.reference);
        }
        assert_eq!(aligned(&example, 99, 1), Err(NO_OTHER_ROOT));
        assert_ne!(aligned(&example, 1, 1), aligned(&example, 1, 2));
    }

    #[test]
    fn the_other_direction_keeps_reagents_last() {
        let found = aligned(&pair("reaction_prediction", ESTER), 0, 1).unwrap().example;
        assert_eq!(found.field("reactants"), "CCO.C(=O)(O)Cc1ccccc1.[Cl-].[Na+]");
        assert_eq!(found.meta["aligned_answer"], "CCOC(=O)Cc1ccccc1");
    }

    #[test]
    fn corresponding_atoms_stand_first() {
        // Isotopes tell the atoms apart: each of them is the root of one product text.
        let mapped = "[13CH3:1][NH2:2].Cl[14CH2:3][CH3:4]>>[13CH3:1][NH:2][14CH2:3][CH3:4]";
        let example = pair("retrosynthesis", mapped);
        for variant in 0..4 {
            let found = aligned(&example, variant, 3).unwrap().example;
            let first = |text: &str| text.split_inclusive(']').next().unwrap().to_owned();
            let (product, answer) = (found.field("product"), found.meta["aligned_answer"].clone());
            if product.starts_with('[') {
                assert_eq!(first(product), first(&answer), "{product} {answer}");
            } else {
                assert_eq!(product[..1], answer[..1], "{product} {answer}");
            }
        }
    }

    #[test]
    fn rows_that_cannot_be_aligned_say_why() {
        let example = pair("retrosynthesis", ESTER);
        let with = |mapped: &str| {
            let mut row = example.clone();
            row.meta.insert(MAPPED.to_owned(), mapped.to_owned());
            aligned(&row, 0, 1).unwrap_err()
        };
        assert_eq!(with("[CH3:1]C"), "unreadable_maps");
        assert_eq!(with("[CH3:1]C>>[CH3:1]C.O"), "several_products");
        assert_eq!(with("[CH3:1]C>>[CH3:1]C"), "maps_of_another_reaction");
        assert_eq!(with("[CH3:1]C>>[CH3:1]C("), "unreadable_maps");
        assert!(!has_maps(&Example { task: "name.smiles_to_formula".into(), ..example.clone() }));
        assert_eq!(Part::read("[CH3:1]C%11C[nH:12]cc%11").unwrap().maps, [1, 0, 0, 12, 0, 0]);
        assert_eq!(Part::read("[CH3:1]Cl.Brc1[nH:12]cc[c:3]1").unwrap().maps, [1, 0, 0, 0, 12, 0, 0, 3]);
    }
}
