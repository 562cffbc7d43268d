//! Edits: a group of the benchmark's vocabulary put on a molecule, taken off, or exchanged.
//!
//! The molecules of a question differ by one group on one atom, which is how the answer is known. Whether the counts of
//! the groups differ by one, as the task asks, is counted with the task's own patterns: a hydroxyl on an aldehyde makes a carboxyl.

use std::sync::LazyLock;

use chemr_chem::Mol;
use chemr_tasks::{Example, edit_group_count};

use super::pair::{self, Written};
use super::{ATTEMPTS, Draw, finish_fields};
use crate::error::DataError;
use crate::rng::Rng;
use crate::sketch::Sketch;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edit {
    Add,
    Remove,
    Replace,
}

/// Names of the benchmark with texts that write the group from the atom that binds.
const GROUPS: &[(&str, u8, &[&str])] = &[
    ("hydroxyl", 1, &["O"]),
    ("amine", 1, &["N", "N", "NC"]),
    ("halo", 1, &["F", "Cl", "Br"]),
    ("nitrile", 1, &["C#N"]),
    ("aldehyde", 1, &["C=O"]),
    ("carboxyl", 1, &["C(=O)O"]),
    ("benzene ring", 1, &["c1ccccc1"]),
    ("amide", 2, &["C(N)=O", "C(=O)NC"]),
    ("nitro", 2, &["[N+](=O)[O-]"]),
    ("thiol", 2, &["S"]),
    ("ester", 2, &["C(=O)OC", "C(=O)OCC"]),
    ("ketone", 2, &["C(C)=O"]),
    ("sulfide", 3, &["SC", "SCC"]),
    ("sulfoxide", 3, &["S(C)=O"]),
    ("sulfone", 3, &["S(C)(=O)=O"]),
    ("disulfide", 4, &["SSC"]),
    ("borane", 4, &["B(O)O"]),
    ("anhydride", 5, &["C(=O)OC(C)=O"]),
];

/// A group: its name, its lowest level and the sketches of its texts.
struct Entry {
    name: &'static str,
    level: u8,
    texts: Vec<(&'static str, Sketch)>,
}

static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let sketch = |text: &'static str| Some((text, Sketch::parse(text)?));
    let entry = |&(name, level, texts): &(&'static str, u8, &[&'static str])| Entry {
        name,
        level,
        texts: texts.iter().copied().filter_map(sketch).collect(),
    };
    GROUPS.iter().map(entry).collect()
});

/// A drawn group in one of its forms.
struct Chosen {
    name: &'static str,
    text: &'static str,
    sketch: &'static Sketch,
}

fn choose(rng: &mut Rng, level: u8) -> Option<Chosen> {
    let known = ENTRIES.iter().filter(|entry| entry.level <= level).count();
    let entry = ENTRIES.get(rng.below(known))?;
    let &(text, ref sketch) = rng.pick(&entry.texts)?;
    Some(Chosen { name: entry.name, text, sketch })
}

/// Whether the count of a group changes by so much.
fn changes(before: &Mol, after: &Mol, name: &str, change: isize) -> bool {
    let counts = edit_group_count(before, name).zip(edit_group_count(after, name));
    counts.is_some_and(|(had, has)| had.checked_add_signed(change) == Some(has))
}

pub(super) fn example(mut draw: Draw<'_>, edit: Edit) -> Result<Option<Example>, DataError> {
    for _ in 0..ATTEMPTS {
        let Some((base, root)) = pair::base(&mut draw) else { continue };
        let (Some(group), Some(other)) = (choose(draw.rng, draw.level), choose(draw.rng, draw.level)) else { continue };
        let Some((removed, added, sketches)) = sketches(draw.rng, edit, base, &group, &other) else { continue };
        let [before, after] = &sketches;
        let before = Written::new(&mut draw, before, root)?;
        if !draw.wants(before.mol.canonical()) {
            continue;
        }
        let after = Written::new(&mut draw, after, root)?;
        let right = |chosen: Option<&Chosen>, change| {
            chosen.is_none_or(|chosen| changes(&before.mol, &after.mol, chosen.name, change))
        };
        if !right(removed, -1) || !right(added, 1) {
            continue;
        }
        let mut input = vec![("smiles", before.text)];
        input.extend(removed.map(|chosen| ("remove", chosen.name.to_string())));
        input.extend(added.map(|chosen| ("add", chosen.name.to_string())));
        let mut meta = vec![("key", before.mol.canonical().to_string())];
        meta.extend(removed.map(|chosen| ("removed", chosen.text.to_string())));
        meta.extend(added.map(|chosen| ("added", chosen.text.to_string())));
        meta.extend(after.aligned(draw.level));
        let task = match edit {
            Edit::Add => "tomg.add",
            Edit::Remove => "tomg.del",
            Edit::Replace => "tomg.sub",
        };
        return Ok(Some(finish_fields(task, &draw, input, after.mol.canonical().to_string(), meta)));
    }
    Ok(None)
}

/// A group to remove, a group to add, and the molecules before and after.
type Change<'a> = (Option<&'a Chosen>, Option<&'a Chosen>, [Sketch; 2]);

fn sketches<'a>(rng: &mut Rng, edit: Edit, base: Sketch, group: &'a Chosen, other: &'a Chosen) -> Option<Change<'a>> {
    if edit == Edit::Replace {
        if group.name == other.name {
            return None;
        }
        let made: [Sketch; 2] = pair::attached_each(rng, &base, &[group.sketch, other.sketch])?.try_into().ok()?;
        return Some((Some(group), Some(other), made));
    }
    let with = pair::attached_each(rng, &base, &[group.sketch])?.pop()?;
    Some(match edit {
        Edit::Add => (None, Some(group), [base, with]),
        _ => (Some(group), None, [with, base]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_writes_its_group_once() {
        let base = Mol::parse("CCCC").unwrap();
        for entry in ENTRIES.iter() {
            assert!(!entry.texts.is_empty(), "{}", entry.name);
            for (text, _) in &entry.texts {
                let mol = Mol::parse(&format!("CCCC{text}")).unwrap();
                assert!(changes(&base, &mol, entry.name, 1), "{} {text}", entry.name);
            }
        }
        assert_eq!(ENTRIES.iter().map(|entry| entry.texts.len()).sum::<usize>(), 25);
        // The table is in the order of levels, of which `choose` takes the head.
        assert!(GROUPS.is_sorted_by_key(|&(_, level, _)| level));
    }
}
