//! Which reaction, written how, can have which group on which side: found once for each level and direction.

use std::sync::{Arc, LazyLock};

use chemr_chem::{Assembly, NamedReaction, named_reactions};
use chemr_tasks::Split;
use rayon::prelude::*;

use super::super::Draw;
use super::super::reaction::fits;
use super::rules::{Group, Rule, Stereo, rules};
use crate::rng::Rng;
use crate::split::stable_hash;

/// Which fragment of an assembly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::gym) enum Side {
    Left,
    Right,
}

/// A group on one side, and the rule by which it survives.
#[derive(Clone, Copy, Debug)]
pub(in crate::gym) struct Distractor {
    pub side: Side,
    pub group: &'static Group,
    pub rule: &'static Rule,
}

/// What to draw.
#[derive(Clone, Debug)]
pub(in crate::gym) struct Plan {
    pub reaction: &'static NamedReaction,
    pub assembly: &'static Assembly,
    pub stereo: Option<&'static Stereo>,
    pub mirrored: Option<&'static Assembly>,
    pub distractor: Distractor,
    /// The others that fit the assembly, for a second one.
    pub others: Arc<[Distractor]>,
}

type Plans = Vec<(&'static NamedReaction, Vec<Plan>)>;

/// The plans of a level (4 or 5) by reaction, those that the checks let through.
pub(in crate::gym) fn plans(level: u8, retro: bool) -> &'static Plans {
    static FORWARD: LazyLock<[Plans; 2]> = LazyLock::new(|| [4, 5].map(|level| find(level, false)));
    static RETRO: LazyLock<[Plans; 2]> = LazyLock::new(|| [4, 5].map(|level| find(level, true)));
    let of_levels = if retro { &*RETRO } else { &*FORWARD };
    &of_levels[usize::from(level >= 5)]
}

fn find(level: u8, retro: bool) -> Plans {
    named_reactions()
        .all()
        .par_iter()
        .filter(|reaction| !retro || super::is_asked_backwards(reaction))
        .map(|reaction| (reaction, of_reaction(reaction, level, retro)))
        .filter(|(_, plans)| !plans.is_empty())
        .collect()
}

fn of_reaction(reaction: &'static NamedReaction, level: u8, retro: bool) -> Vec<Plan> {
    let registry = reaction.assemblies.iter().map(|assembly| (assembly, None, None));
    let further = rules().writings(&reaction.id).iter();
    let further = further.map(|writing| (&writing.assembly, writing.stereo.as_ref(), writing.mirrored.as_ref()));
    let mut plans = Vec::new();
    for (assembly, stereo, mirrored) in registry.chain(further) {
        if !fits(assembly, level) || (stereo.is_some() && level < 5) {
            continue;
        }
        let possible: Arc<[Distractor]> = possible(reaction, assembly).into();
        plans.extend(possible.iter().map(|&distractor| Plan {
            reaction,
            assembly,
            stereo,
            mirrored,
            distractor,
            others: Arc::clone(&possible),
        }));
    }
    plans.retain(|plan| passes(plan, level, retro));
    plans
}

/// The groups that survive the reaction, on each side where they can stand.
fn possible(reaction: &NamedReaction, assembly: &Assembly) -> Vec<Distractor> {
    let mut found = Vec::new();
    for (side, slot) in [(Side::Left, "{L}"), (Side::Right, "{R}")] {
        let Some(reactant) = assembly.reactants.iter().find(|text| text.contains(slot)) else { continue };
        for (group, rule) in rules().survivors(&reaction.id) {
            if group.goes_with(reactant) {
                found.push(Distractor { side, group, rule });
            }
        }
    }
    found
}

/// Whether a plan gives examples: some are tried from a fixed seed. A plan without any would only cost time.
fn passes(plan: &Plan, level: u8, retro: bool) -> bool {
    const TRIES: u64 = 6;
    let name = format!("{} {} {} {:?}", plan.assembly.product, plan.distractor.group.id, level, plan.distractor.side);
    (0..TRIES).any(|index| {
        let mut rng = Rng::at(stable_hash(&name), &plan.reaction.id, "plan", index);
        // One distractor is enough to know; the split of the product does not matter.
        let single = Plan { others: Arc::new([]), ..plan.clone() };
        [Split::Train, Split::Valid, Split::Test].into_iter().any(|split| {
            let mut draw = Draw { rng: &mut rng, level, split };
            super::checked(&mut draw, &single, retro).is_ok_and(|made| made.is_some())
        })
    })
}
