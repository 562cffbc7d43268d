//! Demands that many molecules meet: a formula, numbers of atoms, numbers of bonds. The reference is one of them.
//!
//! There are fewer questions than molecules, so the question has to belong to the split as well as the key molecule. What decides
//! it is read off the sketch, which costs a hundredth of reading the molecule.

use chemr_chem::{BondOrder, Mol};
use chemr_tasks::Example;

use super::{ATTEMPTS, Draw, finish, molecule};
use crate::error::DataError;
use crate::sketch::{Order, Sketch};
use crate::split::split_of;

/// A drawn molecule that meets a demand of the wanted split.
struct Met {
    text: String,
    mol: Mol,
}

/// Draws a molecule whose question, as `question` makes it of the sketch, and which itself belong to the split.
fn met(draw: &mut Draw<'_>, question: impl Fn(&Sketch) -> String) -> Result<Option<(Sketch, Met)>, DataError> {
    let Some(sketch) = super::molecule::draw(draw.rng, draw.level) else { return Ok(None) };
    if split_of(&question(&sketch)) != draw.split {
        return Ok(None);
    }
    let root = draw.rng.below(sketch.len());
    let text = sketch.write(root, None, None);
    let mol = molecule("drawn molecule", &text)?;
    Ok(draw.wants(mol.canonical()).then_some((sketch, Met { text, mol })))
}

fn done(draw: &Draw<'_>, task: &str, input: (&str, String), met: Met) -> Example {
    let key = met.mol.canonical().to_string();
    let mut meta = vec![("key", key.clone())];
    if draw.level < 3 {
        meta.push(("aligned_answer", met.text));
    }
    finish(task, draw, input, key, meta)
}

fn hill(sketch: &Sketch) -> String {
    let part = |(symbol, count): &(&'static str, usize)| match count {
        1 => (*symbol).to_string(),
        _ => format!("{symbol}{count}"),
    };
    sketch.element_counts().iter().map(part).collect()
}

/// `name.formula_to_smiles`.
pub(super) fn isomer(mut draw: Draw<'_>) -> Result<Option<Example>, DataError> {
    for _ in 0..ATTEMPTS {
        let Some((sketch, met)) = met(&mut draw, hill)? else { continue };
        let formula = met.mol.formula();
        if formula == hill(&sketch) {
            return Ok(Some(done(&draw, "name.formula_to_smiles", ("formula", formula), met)));
        }
    }
    Ok(None)
}

/// The benchmark's names of the elements that drawn molecules have, in its order.
const ATOMS: [(&str, &str); 8] = [
    ("carbon", "C"),
    ("oxygen", "O"),
    ("nitrogen", "N"),
    ("sulfur", "S"),
    ("fluorine", "F"),
    ("chlorine", "Cl"),
    ("bromine", "Br"),
    ("iodine", "I"),
];

fn atom_list(sketch: &Sketch) -> String {
    let counts = sketch.element_counts();
    let count = |symbol: &str| counts.iter().find(|(other, _)| *other == symbol).map(|&(_, count)| count);
    let items: Vec<String> =
        ATOMS.iter().filter_map(|(name, symbol)| Some(format!("{} {name}", count(symbol)?))).collect();
    items.join(", ")
}

/// `tomg.atom_num`.
pub(super) fn atoms(mut draw: Draw<'_>) -> Result<Option<Example>, DataError> {
    for _ in 0..ATTEMPTS {
        let Some((sketch, met)) = met(&mut draw, atom_list)? else { continue };
        return Ok(Some(done(&draw, "tomg.atom_num", ("atoms", atom_list(&sketch)), met)));
    }
    Ok(None)
}

/// The benchmark's kinds of bonds, in its order; rotatable ones come last.
const BONDS: [&str; 4] = ["single", "double", "triple", "aromatic"];

fn bond_list(counts: [usize; 4], kinds: &[usize]) -> Vec<String> {
    kinds.iter().map(|&kind| format!("{} {}", counts[kind], BONDS[kind])).collect()
}

/// Bonds of the sketch in the order of [`BONDS`].
fn bonds_of(sketch: &Sketch) -> [usize; 4] {
    let mut ends = [0usize; 4];
    for atom in 0..sketch.len() {
        for &(_, order) in sketch.neighbours(atom) {
            ends[match order {
                Order::Single => 0,
                Order::Double => 1,
                Order::Triple => 2,
                Order::Aromatic => 3,
            }] += 1;
        }
    }
    ends.map(|count| count / 2)
}

/// `tomg.bond_num`: level 1 asks for three kinds, level 2 for four, and both for rotatable bonds in half of the questions; higher
/// levels for all five. Fewer kinds would leave the held-out splits with hardly a question.
pub(super) fn bonds(mut draw: Draw<'_>) -> Result<Option<Example>, DataError> {
    for _ in 0..ATTEMPTS {
        let mut kinds = vec![0, 1, 2, 3];
        if draw.level == 1 {
            // One of the kinds goes unasked, but never single bonds.
            kinds.remove(draw.rng.range(1, 3));
        }
        let rotatable = draw.level >= 3 || draw.rng.chance(1, 2);
        // Rotatable bonds need the molecule and stay outside of what decides the split.
        let question = |sketch: &Sketch| bond_list(bonds_of(sketch), &kinds).join(", ");
        let Some((sketch, met)) = met(&mut draw, question)? else { continue };
        let counts = bonds_of(&sketch);
        let found = met.mol.bonds();
        let orders = [BondOrder::Single, BondOrder::Double, BondOrder::Triple, BondOrder::Aromatic];
        if orders.map(|order| found.iter().filter(|bond| bond.order == order).count()) != counts {
            continue;
        }
        let mut asked = bond_list(counts, &kinds);
        if rotatable {
            asked.push(format!("{} rotatable", met.mol.rotatable_bonds()));
        }
        return Ok(Some(done(&draw, "tomg.bond_num", ("bonds", asked.join(", ")), met)));
    }
    Ok(None)
}
