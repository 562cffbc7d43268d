//! Optimisation: molecules that differ by a group, and a computed property that says which of them is the better.
//!
//! The property is the dear part, ten times as dear as a molecule. So the examples of a block of the stream share a pool: one drawn
//! molecule with a group put on it in several ways, each computed once. What an example is still depends on its coordinates alone;
//! a thread keeps the pools that it made last.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::LazyLock;

use chemr_chem::Mol;
use chemr_tasks::{Example, Split};

use super::pair::{self, Written};
use super::{ATTEMPTS, Draw, finish_fields};
use crate::error::DataError;
use crate::rng::Rng;
use crate::sketch::Sketch;

/// A property that a question asks to raise or to lower.
pub(super) struct Property {
    task: &'static str,
    value: fn(&Mol) -> f64,
    /// Least difference between question and answer, far above rounding, so that no other program sees a tie.
    margin: f64,
    /// How often a question (molecule and direction) is asked in a block, each time with an answer of its own.
    repeats: usize,
}

pub(super) static LOGP: Property = Property { task: "tomg.logp", value: Mol::logp, margin: 0.1, repeats: 2 };
pub(super) static MR: Property = Property { task: "tomg.mr", value: Mol::mr, margin: 0.5, repeats: 2 };
pub(super) static QED: Property = Property { task: "tomg.qed", value: Mol::qed, margin: 0.01, repeats: 4 };

/// Molecules of a pool.
const MEMBERS: usize = 9;

/// Molecules that are looked at for a pool of a held-out split, where one in twenty can be asked about.
const CANDIDATES: usize = 60;

/// Pools that a thread keeps: one for each level and some to spare.
const KEPT: usize = 8;

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

/// A molecule of a pool.
struct Member {
    written: Written,
    value: f64,
    /// Of the wanted split, so that it may be asked about.
    wanted: bool,
}

struct Pool {
    members: Vec<Member>,
    /// What can be asked: a molecule, and whether the property shall rise.
    questions: Vec<(usize, bool)>,
}

/// Where an example stands: the gym's seed and number of levels, and its index.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub seed: u64,
    pub levels: usize,
    pub index: u64,
}

/// What a pool is made from.
#[derive(Clone, PartialEq, Eq)]
struct Key {
    task: &'static str,
    seed: u64,
    split: Split,
    level: u8,
    block: u64,
}

thread_local! {
    static POOLS: RefCell<VecDeque<(Key, Rc<Pool>)>> = const { RefCell::new(VecDeque::new()) };
}

pub(super) fn example(draw: Draw<'_>, property: &Property, place: Place) -> Result<Option<Example>, DataError> {
    // Every question of a pool comes `repeats` times to an index, whatever the number of levels.
    let slots = (2 * (MEMBERS - 1) * property.repeats) as u64;
    let block = place.index / (slots * place.levels.max(1) as u64);
    let key = Key { task: property.task, seed: place.seed, split: draw.split, level: draw.level, block };
    let Some(pool) = kept(&key, property)? else { return Ok(None) };
    let turn = usize::try_from(place.index % slots).unwrap_or(0) % pool.questions.len().max(1);
    let Some(&(asked, rises)) = pool.questions.get(turn) else { return Ok(None) };
    let answers = pool.answers(asked, rises, property.margin);
    let Some((before, after)) = pool.members.get(asked).zip(draw.rng.pick(&answers).copied()) else { return Ok(None) };
    let mut meta = vec![
        ("key", before.written.mol.canonical().to_string()),
        ("before", format!("{:.4}", before.value)),
        ("after", format!("{:.4}", after.value)),
    ];
    meta.extend(after.written.aligned(draw.level));
    let direction = if rises { "increase" } else { "decrease" };
    let input = [("smiles", before.written.text.clone()), ("direction", direction.to_string())];
    let reference = after.written.mol.canonical().to_string();
    Ok(Some(finish_fields(property.task, &draw, input, reference, meta)))
}

fn kept(key: &Key, property: &Property) -> Result<Option<Rc<Pool>>, DataError> {
    let found = POOLS.with_borrow(|pools| pools.iter().find(|(other, _)| other == key).map(|(_, pool)| pool.clone()));
    if found.is_some() {
        return Ok(found);
    }
    let Some(made) = Pool::new(key, property)?.map(Rc::new) else { return Ok(None) };
    POOLS.with_borrow_mut(|pools| {
        pools.truncate(KEPT - 1);
        pools.push_front((key.clone(), made.clone()));
    });
    Ok(Some(made))
}

impl Pool {
    fn new(key: &Key, property: &Property) -> Result<Option<Pool>, DataError> {
        let stream = format!("{} pool of level {}", key.task, key.level);
        let mut rng = Rng::at(key.seed, &stream, key.split.as_str(), key.block);
        let mut draw = Draw { rng: &mut rng, level: key.level, split: key.split };
        for _ in 0..ATTEMPTS {
            let members = members(&mut draw, property)?;
            let mut pool = Pool { members, questions: Vec::new() };
            let can_be_asked =
                |&(asked, rises): &(usize, bool)| !pool.answers(asked, rises, property.margin).is_empty();
            let all = (0..pool.members.len()).filter(|&place| pool.members[place].wanted);
            let mut questions: Vec<(usize, bool)> =
                all.flat_map(|place| [(place, true), (place, false)]).filter(can_be_asked).collect();
            // As many upwards as downwards, in turn.
            let (mut up, mut down): (Vec<_>, Vec<_>) = questions.drain(..).partition(|(_, rises)| *rises);
            let each = up.len().min(down.len());
            if each > 0 {
                draw.rng.shuffle(&mut up);
                draw.rng.shuffle(&mut down);
                pool.questions = up.into_iter().zip(down).flat_map(|(up, down)| [up, down]).collect();
                return Ok(Some(pool));
            }
        }
        Ok(None)
    }

    /// Molecules that are better than the one that is asked about.
    fn answers(&self, asked: usize, rises: bool, margin: f64) -> Vec<&Member> {
        let Some(before) = self.members.get(asked) else { return Vec::new() };
        let better = |member: &&Member| {
            let change = member.value - before.value;
            if rises { change > margin } else { change < -margin }
        };
        self.members.iter().filter(better).collect()
    }
}

/// A drawn molecule and others that have one more group; none when none of them belongs to the split.
fn members(draw: &mut Draw<'_>, property: &Property) -> Result<Vec<Member>, DataError> {
    let Some((base, root)) = pair::base(draw) else { return Ok(Vec::new()) };
    let known = GROUPS.iter().filter(|(_, level)| *level <= draw.level).count();
    let mut sketches = vec![base.clone()];
    // Of a held-out split the base can seldom be asked about, so that more of them are looked at.
    let looked_at = if draw.split == Split::Train { MEMBERS + 1 } else { CANDIDATES };
    for _ in 0..2 * looked_at {
        let Some(Some(group)) = SKETCHES.get(draw.rng.below(known)) else { continue };
        if sketches.len() < looked_at {
            sketches.extend(pair::attached_each(draw.rng, &base, &[group]).into_iter().flatten());
        }
    }
    let mut found: Vec<(Written, bool)> = Vec::new();
    for sketch in &sketches {
        let written = Written::new(draw, sketch, root)?;
        let wanted = draw.wants(written.mol.canonical());
        if found.iter().all(|(other, _)| !other.mol.is_same(&written.mol)) {
            found.push((written, wanted));
        }
    }
    if found.iter().all(|(_, wanted)| !wanted) {
        return Ok(Vec::new());
    }
    // Those that can be asked about first; the property is computed of no more than are needed.
    found.sort_by_key(|(_, wanted)| !wanted);
    found.truncate(MEMBERS);
    let member = |(written, wanted): (Written, bool)| Member { value: (property.value)(&written.mol), written, wanted };
    Ok(found.into_iter().map(member).collect())
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
