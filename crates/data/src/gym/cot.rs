//! Questions about the parts of a molecule: how many groups and rings, its scaffold, whether it is another one.

use std::sync::LazyLock;

use chemr_chem::{Mol, Pattern, groups};
use chemr_tasks::Example;

use super::formula::{Shown, shown_molecule, shown_molecule_where};
use super::pair::{self, Written};
use super::{ATTEMPTS, Draw, finish, finish_fields, molecule};
use crate::error::DataError;
use crate::rng::Rng;
use crate::sketch::Sketch;

/// Rings and systems of fused rings with the lowest level that asks about them; single rings first.
const RINGS: &[(&str, u8)] = &[
    ("c1ccccc1", 1),
    ("C1CC1", 1),
    ("C1CCCC1", 1),
    ("C1CCCCC1", 1),
    ("C1CCC1", 2),
    ("c1ccncc1", 2),
    ("c1ccoc1", 2),
    ("c1ccsc1", 2),
    ("C1COCCN1", 2),
    ("C1CCNC1", 2),
    ("C1CCNCC1", 2),
    ("C1CCOC1", 2),
    ("C1CNCCN1", 3),
    ("c1cnccn1", 3),
    ("c1cc[nH]c1", 3),
    ("c1cscn1", 4),
    ("c1cocn1", 4),
    ("c1cncnc1", 4),
];
const SYSTEMS: &[(&str, u8)] = &[
    ("c1ccc2ccccc2c1", 3),
    ("c1ccc2[nH]ccc2c1", 3),
    ("c1ccc2ncccc2c1", 3),
    ("c1ccc2occc2c1", 4),
    ("c1ccc2sccc2c1", 4),
    ("c1ccc2scnc2c1", 4),
    ("c1ccc2[nH]cnc2c1", 4),
    ("c1ccc2c(c1)[nH]c1ccccc12", 5),
    ("c1ccc2c(c1)CCC2", 5),
    ("c1ccc2c(c1)OCO2", 5),
];

struct Ring {
    smiles: &'static str,
    level: u8,
    pattern: Pattern,
}

fn compiled(rings: impl Iterator<Item = &'static (&'static str, u8)>) -> Vec<Ring> {
    // As a pattern `[nH]` would ask for the hydrogen, `n` is the atom in the ring whatever it carries.
    let ring = |&(smiles, level): &(&'static str, u8)| {
        Some(Ring { smiles, level, pattern: Pattern::compile(&smiles.replace("[nH]", "n")).ok()? })
    };
    rings.filter_map(ring).collect()
}

static SINGLE: LazyLock<Vec<Ring>> = LazyLock::new(|| compiled(RINGS.iter()));
static ALL: LazyLock<Vec<Ring>> = LazyLock::new(|| compiled(RINGS.iter().chain(SYSTEMS)));

fn key(mol: &Mol) -> (&'static str, String) {
    ("key", mol.canonical().to_string())
}

/// `cot.group_count`: a group of the registry that is there, twice or more in half of the questions that can; one in eight asks
/// for a group that is not.
pub(super) fn group_count(mut draw: Draw<'_>) -> Result<Option<Example>, DataError> {
    let absent = draw.rng.chance(1, 8);
    let several = draw.rng.chance(1, 2);
    for _ in 0..ATTEMPTS {
        let Some(Shown { smiles, mol, .. }) = shown_molecule(&mut draw)? else { continue };
        let counts = groups().counts(&mol);
        let found: Vec<(&str, usize)> = counts.iter().map(|(id, count)| (*id, *count)).collect();
        let repeated: Vec<(&str, usize)> = found.iter().copied().filter(|(_, count)| *count > 1).collect();
        let chosen = if absent {
            let other = draw.rng.pick(groups().all()).map(|group| (group.id.as_str(), 0));
            other.filter(|(id, _)| !counts.contains_key(id))
        } else {
            draw.rng.pick(if several && !repeated.is_empty() { &repeated } else { &found }).copied()
        };
        let Some((id, count)) = chosen else { continue };
        let Some(group) = groups().get(id) else { continue };
        let input = [("smiles", smiles), ("group", group.name.clone())];
        let meta = [key(&mol), ("group_id", id.to_string())];
        return Ok(Some(finish_fields("cot.group_count", &draw, input, count.to_string(), meta)));
    }
    Ok(None)
}

/// `cot.ring_count`: a single ring that is there; one in eight asks for one that is not.
pub(super) fn ring_count(mut draw: Draw<'_>) -> Result<Option<Example>, DataError> {
    let absent = draw.rng.chance(1, 8);
    for _ in 0..ATTEMPTS {
        let fits = |sketch: &Sketch| absent || has_ring(sketch);
        let Some(Shown { smiles, mol, .. }) = shown_molecule_where(&mut draw, fits)? else { continue };
        let known = SINGLE.iter().filter(|ring| ring.level <= draw.level);
        let counted: Vec<(&Ring, usize)> = known.map(|ring| (ring, ring.pattern.count(&mol))).collect();
        let fitting: Vec<&(&Ring, usize)> = counted.iter().filter(|(_, count)| (*count == 0) == absent).collect();
        let Some((ring, count)) = draw.rng.pick(&fitting) else { continue };
        let input = [("smiles", smiles), ("ring", ring.smiles.to_string())];
        return Ok(Some(finish_fields("cot.ring_count", &draw, input, count.to_string(), [key(&mol)])));
    }
    Ok(None)
}

/// Whether there are as many bonds as atoms, or more.
fn has_ring(sketch: &Sketch) -> bool {
    (0..sketch.len()).map(|atom| sketch.neighbours(atom).len()).sum::<usize>() >= 2 * sketch.len()
}

/// `cot.murcko_scaffold`: of a molecule with a ring that is not its own scaffold.
pub(super) fn scaffold(mut draw: Draw<'_>) -> Result<Option<Example>, DataError> {
    for _ in 0..ATTEMPTS {
        let Some(Shown { smiles, sketch, mol }) = shown_molecule_where(&mut draw, has_ring)? else { continue };
        let scaffold = if has_ring(&sketch) { mol.scaffold() } else { String::new() };
        if scaffold.is_empty() {
            continue;
        }
        let reference = molecule("scaffold", &scaffold)?.canonical().to_string();
        if reference != mol.canonical() {
            return Ok(Some(finish("cot.murcko_scaffold", &draw, ("smiles", smiles), reference, [key(&mol)])));
        }
    }
    Ok(None)
}

/// Groups that tell two isomers apart by their place.
static MARKS: LazyLock<Vec<Sketch>> = LazyLock::new(|| {
    ["C", "O", "N", "F", "Cl", "CC", "C#N", "OC", "C(=O)O"].iter().filter_map(|text| Sketch::parse(text)).collect()
});

/// `cot.same_molecule`: the molecule in another order of atoms, or an isomer with one group on another atom.
pub(super) fn same_molecule(mut draw: Draw<'_>) -> Result<Option<Example>, DataError> {
    let same = draw.rng.chance(1, 2);
    for _ in 0..ATTEMPTS {
        let Some((base, root)) = pair::base(&mut draw) else { continue };
        let Some(mark) = draw.rng.pick(&MARKS) else { continue };
        // Both labels come from the same kind of molecule.
        let Some([one, other]) = pair::attached_apart(draw.rng, &base, mark) else { continue };
        let one = Written::new(&mut draw, &one, root)?;
        if !draw.wants(one.mol.canonical()) {
            continue;
        }
        let shown = if same { one.mol.clone() } else { molecule("isomer", &other.write(root, None, None))? };
        if same != shown.is_same(&one.mol) {
            continue;
        }
        let Some(other) = rewritten(draw.rng, &shown, &one.text) else { continue };
        let label = if same { "Yes" } else { "No" };
        let input = [("smiles", one.text), ("other", other)];
        let meta = [key(&one.mol), ("other", shown.canonical().to_string())];
        return Ok(Some(finish_fields("cot.same_molecule", &draw, input, label.to_string(), meta)));
    }
    Ok(None)
}

/// The molecule in a random order of atoms, in another text than `text`.
fn rewritten(rng: &mut Rng, mol: &Mol, text: &str) -> Option<String> {
    (0..4).map(|_| mol.random_smiles(rng.next_u64())).find(|written| written != text)
}

/// `cot.has_ring_system`: a ring or system of fused rings that is there as such, or of which there is no trace; a ring inside of a
/// larger system is not asked about, because two readings of the question would give two answers.
pub(super) fn ring_system(mut draw: Draw<'_>) -> Result<Option<Example>, DataError> {
    let present = draw.rng.chance(1, 2);
    for _ in 0..ATTEMPTS {
        let Some(Shown { smiles, sketch, mol }) = shown_molecule_where(&mut draw, has_ring)? else { continue };
        // A molecule without rings would give the answer away.
        if !has_ring(&sketch) {
            continue;
        }
        let known = ALL.iter().filter(|ring| ring.level <= draw.level);
        let fitting: Vec<&Ring> = known.filter(|ring| whole(&mol, ring) == Some(present)).collect();
        let Some(ring) = draw.rng.pick(&fitting) else { continue };
        let label = if present { "Yes" } else { "No" };
        let input = [("smiles", smiles), ("ring_system", ring.smiles.to_string())];
        return Ok(Some(finish_fields("cot.has_ring_system", &draw, input, label.to_string(), [key(&mol)])));
    }
    Ok(None)
}

/// Whether the ring system is in the molecule as a whole; `None` when it is only part of a larger one.
fn whole(mol: &Mol, ring: &Ring) -> Option<bool> {
    let matches = ring.pattern.matches(mol);
    if matches.is_empty() {
        return Some(false);
    }
    let bonds = mol.bonds();
    let is_whole = |atoms: &Vec<usize>| {
        bonds.iter().filter(|bond| bond.in_ring).all(|bond| atoms.contains(&bond.begin) == atoms.contains(&bond.end))
    };
    matches.iter().any(is_whole).then_some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rings_match_themselves() {
        assert_eq!((SINGLE.len(), ALL.len()), (RINGS.len(), RINGS.len() + SYSTEMS.len()));
        for ring in ALL.iter() {
            let mol = Mol::parse(ring.smiles).unwrap();
            assert_eq!((ring.pattern.count(&mol), whole(&mol, ring)), (1, Some(true)), "{}", ring.smiles);
        }
        for ring in SINGLE.iter() {
            assert_eq!(Mol::parse(ring.smiles).unwrap().rings(), 1, "{}", ring.smiles);
        }
    }

    #[test]
    fn part_of_a_system_is_neither_yes_nor_no() {
        let indole = Mol::parse("Cc1ccc2[nH]ccc2c1").unwrap();
        let of = |smiles: &str| whole(&indole, ALL.iter().find(|ring| ring.smiles == smiles).unwrap());
        assert_eq!(of("c1ccccc1"), None);
        assert_eq!(of("c1ccc2[nH]ccc2c1"), Some(true));
        assert_eq!(of("C1CC1"), Some(false));
    }
}
