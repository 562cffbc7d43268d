//! Optimisation: two molecules that differ by one group, and a computed property that says which of them is the better.

use std::sync::LazyLock;

use chemr_chem::Mol;
use chemr_tasks::Example;

use super::pair::{self, Written};
use super::{ATTEMPTS, Draw, finish_fields};
use crate::error::DataError;
use crate::sketch::Sketch;

/// A property that a question asks to raise or to lower.
pub(super) struct Property {
    task: &'static str,
    value: fn(&Mol) -> f64,
    /// Least difference between question and answer, far above rounding, so that no other program sees a tie.
    margin: f64,
}

pub(super) static LOGP: Property = Property { task: "tomg.logp", value: Mol::logp, margin: 0.1 };
pub(super) static MR: Property = Property { task: "tomg.mr", value: Mol::mr, margin: 0.5 };
pub(super) static QED: Property = Property { task: "tomg.qed", value: Mol::qed, margin: 0.01 };

/// Groups with their lowest level.
const GROUPS: &[(&str, u8)] = &[
    ("C", 1),
    ("CC", 1),
    ("O", 1),
    ("N", 1),
    ("F", 1),
    ("Cl", 1),
    ("C#N", 1),
    ("C(=O)O", 1),
    ("OC", 1),
    ("Br", 2),
    ("C(C)C", 2),
    ("C(N)=O", 2),
    ("N(C)C", 2),
    ("C(F)(F)F", 2),
    ("c1ccccc1", 2),
    ("C1CC1", 2),
    ("[N+](=O)[O-]", 3),
    ("S(C)(=O)=O", 3),
    ("C(=O)OC", 3),
    ("N1CCOCC1", 3),
    ("c1ccncc1", 4),
    ("C1CCCCC1", 4),
    ("c1ccco1", 5),
    ("C(=O)N1CCCC1", 5),
];

static SKETCHES: LazyLock<Vec<Option<Sketch>>> =
    LazyLock::new(|| GROUPS.iter().map(|(text, _)| Sketch::parse(text)).collect());

pub(super) fn example(mut draw: Draw<'_>, property: &Property) -> Result<Option<Example>, DataError> {
    let rises = draw.rng.chance(1, 2);
    let known = GROUPS.iter().filter(|(_, level)| *level <= draw.level).count();
    for _ in 0..ATTEMPTS {
        let Some((base, root)) = pair::base(&mut draw) else { continue };
        let (one, other) = (draw.rng.below(known), draw.rng.below(known));
        let (Some(Some(first)), Some(Some(second))) = (SKETCHES.get(one), SKETCHES.get(other)) else { continue };
        // One in three pairs exchanges a group, the others put one on or take it off.
        let swaps = one != other && draw.rng.chance(1, 3);
        let made = if swaps {
            pair::attached_each(draw.rng, &base, &[first, second])
        } else {
            pair::attached_each(draw.rng, &base, &[first]).map(|with| with.into_iter().chain([base]).collect())
        };
        let Some(Ok([left, right])) = made.map(<[Sketch; 2]>::try_from) else { continue };
        let left = Written::new(&mut draw, &left, root)?;
        let right = Written::new(&mut draw, &right, root)?;
        // The property is the dear part, so the split is asked for first.
        if !draw.wants(left.mol.canonical()) && !draw.wants(right.mol.canonical()) {
            continue;
        }
        let (of_left, of_right) = ((property.value)(&left.mol), (property.value)(&right.mol));
        let difference = of_right - of_left;
        if difference.is_nan() || difference.abs() <= property.margin {
            continue;
        }
        let ((before, from), (after, to)) = if (difference > 0.0) == rises {
            ((left, of_left), (right, of_right))
        } else {
            ((right, of_right), (left, of_left))
        };
        if !draw.wants(before.mol.canonical()) {
            continue;
        }
        let direction = if rises { "increase" } else { "decrease" };
        let mut meta = vec![
            ("key", before.mol.canonical().to_string()),
            ("before", format!("{from:.4}")),
            ("after", format!("{to:.4}")),
        ];
        meta.extend(after.aligned(draw.level));
        let input = [("smiles", before.text), ("direction", direction.to_string())];
        return Ok(Some(finish_fields(property.task, &draw, input, after.mol.canonical().to_string(), meta)));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_sketches_in_the_order_of_levels() {
        assert!(SKETCHES.iter().all(Option::is_some));
        assert!(GROUPS.is_sorted_by_key(|&(_, level)| level));
    }
}
