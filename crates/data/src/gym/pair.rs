//! Molecules that differ by one group on one atom: what edits, optimisations and questions of identity are made of.

use chemr_chem::Mol;

use super::molecule::{self, may_attach};
use super::{Draw, molecule as read};
use crate::error::DataError;
use crate::rng::Rng;
use crate::sketch::{Order, Sketch};

/// How many atoms are tried before a molecule is given up.
const SITES: usize = 8;

/// `base` with `piece` on `site`, where the rules of drawn molecules allow it.
pub(super) fn attached(base: &Sketch, site: usize, piece: &Sketch) -> Option<Sketch> {
    may_attach(base, site, piece, Order::Single).then(|| {
        let mut grown = base.clone();
        grown.graft(site, piece, Order::Single);
        grown
    })
}

/// `base` with each of `pieces` in turn on one and the same drawn atom.
pub(super) fn attached_each(rng: &mut Rng, base: &Sketch, pieces: &[&Sketch]) -> Option<Vec<Sketch>> {
    (0..SITES).find_map(|_| {
        let site = rng.below(base.len());
        pieces.iter().map(|piece| attached(base, site, piece)).collect()
    })
}

/// `base` with `piece` on two different drawn atoms in turn.
pub(super) fn attached_apart(rng: &mut Rng, base: &Sketch, piece: &Sketch) -> Option<[Sketch; 2]> {
    let mut made: Option<(usize, Sketch)> = None;
    for _ in 0..2 * SITES {
        let site = rng.below(base.len());
        let Some(grown) = attached(base, site, piece) else { continue };
        match made.take() {
            Some((other, first)) if other != site => return Some([first, grown]),
            _ => made = Some((site, grown)),
        }
    }
    None
}

/// Two molecules as a question and its answer show them, from one first atom.
pub(super) struct Written {
    pub text: String,
    pub mol: Mol,
}

impl Written {
    /// Writes a sketch in the manner of the level, see [`super::formula::shown_molecule`].
    pub fn new(draw: &mut Draw<'_>, sketch: &Sketch, root: usize) -> Result<Written, DataError> {
        let order = if draw.level == 2 { Some(&mut *draw.rng) } else { None };
        let text = sketch.write(root, None, order);
        let mol = read("drawn molecule", &text)?;
        let text = if draw.level >= 3 { mol.canonical().to_string() } else { text };
        Ok(Written { text, mol })
    }

    /// The answer in the order of the question's text, where the level writes it so.
    pub fn aligned(&self, level: u8) -> Option<(&'static str, String)> {
        (level < 3).then(|| ("aligned_answer", self.text.clone()))
    }
}

/// A molecule to start from, and the first atom of its text.
pub(super) fn base(draw: &mut Draw<'_>) -> Option<(Sketch, usize)> {
    let sketch = molecule::draw(draw.rng, draw.level)?;
    let root = draw.rng.below(sketch.len());
    Some((sketch, root))
}
