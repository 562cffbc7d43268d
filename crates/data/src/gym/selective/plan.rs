//! Which reaction, written how, can have which group on which side: by the rules, and by `data/plans.tsv`, which says what of that the
//! checks let through.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use chemr_chem::{Assembly, NamedReaction, named_reactions};

use super::super::reaction::{fits, is_asked_backwards};
use super::rules::{Conditions, Group, Rule, Stereo, rules};

/// Written by the test below; without it each process would have to try thousands of drawings first.
const PASSING: &str = include_str!("../../../data/plans.tsv");

/// Which fragment of an assembly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::gym) enum Side {
    Left,
    Right,
}

impl Side {
    const ALL: [Side; 2] = [Side::Left, Side::Right];

    /// The place of the fragment in an assembly string.
    fn slot(self) -> &'static str {
        match self {
            Side::Left => "{L}",
            Side::Right => "{R}",
        }
    }
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
    pub conditions: &'static Conditions,
    pub assembly: &'static Assembly,
    pub stereo: Option<&'static Stereo>,
    pub mirrored: Option<&'static Assembly>,
    pub distractor: Distractor,
    /// All that fit the assembly, for a second one.
    pub others: Arc<[Distractor]>,
}

type Plans = Vec<(&'static NamedReaction, Vec<Plan>)>;

/// The plans of a level (4 or 5) by reaction.
pub(in crate::gym) fn plans(level: u8, retro: bool) -> &'static Plans {
    static FORWARD: LazyLock<[Plans; 2]> = LazyLock::new(|| [4, 5].map(|level| by_reaction(level, false)));
    static RETRO: LazyLock<[Plans; 2]> = LazyLock::new(|| [4, 5].map(|level| by_reaction(level, true)));
    let of_levels = if retro { &*RETRO } else { &*FORWARD };
    &of_levels[usize::from(level >= 5)]
}

fn by_reaction(level: u8, retro: bool) -> Plans {
    let passing = passing(retro);
    let reactions = named_reactions().all().iter();
    reactions
        .filter(|reaction| !retro || is_asked_backwards(reaction))
        .map(|reaction| {
            let plans = of_reaction(reaction, level, |assembly, distractor| {
                let groups = passing.get(&key(reaction, assembly, distractor.side));
                groups.is_some_and(|groups| groups.contains(distractor.group.id.as_str()))
            });
            (reaction, plans)
        })
        .filter(|(_, plans)| !plans.is_empty())
        .collect()
}

/// The groups that pass, by what they stand in.
fn passing(retro: bool) -> BTreeMap<String, BTreeSet<&'static str>> {
    let rows = PASSING.lines().filter(|line| !line.starts_with('#'));
    rows.filter_map(|line| {
        let mut columns = line.split('\t');
        let (key, forward, backward) = (columns.next()?, columns.next()?, columns.next()?);
        let groups = if retro { backward } else { forward };
        Some((key.to_string(), groups.split(' ').filter(|id| !id.is_empty()).collect()))
    })
    .collect()
}

fn key(reaction: &NamedReaction, assembly: &Assembly, side: Side) -> String {
    format!("{} {}>>{} {}", reaction.id, assembly.reactants.join("."), assembly.product, side.slot())
}

/// The plans of a reaction with the groups that `passes` takes.
fn of_reaction(
    reaction: &'static NamedReaction,
    level: u8,
    passes: impl Fn(&Assembly, &Distractor) -> bool,
) -> Vec<Plan> {
    let Some(conditions) = rules().conditions(&reaction.id) else { return Vec::new() };
    let registry = reaction.assemblies.iter().map(|assembly| (assembly, None, None));
    let further = rules().writings(&reaction.id).iter();
    let further = further.map(|writing| (&writing.assembly, writing.stereo.as_ref(), writing.mirrored.as_ref()));
    let mut plans = Vec::new();
    for (assembly, stereo, mirrored) in registry.chain(further) {
        if !fits(assembly, level) || (stereo.is_some() && level < 5) {
            continue;
        }
        let mut possible = possible(reaction, assembly);
        possible.retain(|distractor| passes(assembly, distractor));
        let others: Arc<[Distractor]> = possible.into();
        plans.extend(others.iter().map(|&distractor| Plan {
            reaction,
            conditions,
            assembly,
            stereo,
            mirrored,
            distractor,
            others: Arc::clone(&others),
        }));
    }
    plans
}

/// The groups that survive the reaction, on each side where they can stand.
fn possible(reaction: &NamedReaction, assembly: &Assembly) -> Vec<Distractor> {
    let mut found = Vec::new();
    for side in Side::ALL {
        let Some(reactant) = assembly.reactants.iter().find(|text| text.contains(side.slot())) else { continue };
        for (group, rule) in rules().survivors(&reaction.id) {
            if group.goes_with(reactant) {
                found.push(Distractor { side, group, rule });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rayon::prelude::*;

    use super::super::super::molecule;
    use super::super::draw::Substrates;
    use super::super::passed;
    use super::*;
    use crate::rng::Rng;
    use crate::split::stable_hash;

    const HEAD: &str = "# Groups that give questions beside a reaction: reaction, strings and slot; ids forwards; ids backwards. Written by\n\
        # `CHEMR_BLESS=1 cargo test --release -p chemr-data plans_are_up_to_date`.\n";

    /// Drawings from a fixed seed. Most fail where the fragment seldom has a carbon for the group, so there are many, of which some are
    /// checked: a plan of which none passes would only cost time.
    fn gives_any(plan: &Plan, retro: bool) -> bool {
        const DRAWINGS: u64 = 200;
        const CHECKED: usize = 24;
        let name = key(plan.reaction, plan.assembly, plan.distractor.side);
        let single = Plan { others: Arc::new([]), ..plan.clone() };
        (0..DRAWINGS)
            .filter_map(|index| {
                let mut rng = Rng::at(stable_hash(&name), &plan.distractor.group.id, "plan", index);
                Substrates::draw(&mut rng, &single, 5)
            })
            .take(CHECKED)
            .any(|substrates| {
                let product = molecule("product of a plan", &substrates.drawn.product).unwrap();
                passed(substrates, product, retro).unwrap().is_some()
            })
    }

    /// The rows of one reaction.
    fn rows(reaction: &'static NamedReaction) -> String {
        let mut rows: BTreeMap<String, [BTreeSet<&str>; 2]> = BTreeMap::new();
        for plan in of_reaction(reaction, 5, |_, _| true) {
            let row = rows.entry(key(reaction, plan.assembly, plan.distractor.side)).or_default();
            if gives_any(&plan, false) {
                row[0].insert(&plan.distractor.group.id);
                if is_asked_backwards(reaction) && gives_any(&plan, true) {
                    row[1].insert(&plan.distractor.group.id);
                }
            }
        }
        rows.retain(|_, [forward, _]| !forward.is_empty());
        let ids = |ids: BTreeSet<&str>| ids.into_iter().collect::<Vec<_>>().join(" ");
        rows.into_iter()
            .map(|(key, [forward, backward])| format!("{key}\t{}\t{}\n", ids(forward), ids(backward)))
            .collect()
    }

    /// Of all reactions when the file is written, which takes long because a plan of which nothing passes costs all of its drawings; else of
    /// every sixth.
    #[test]
    fn plans_are_up_to_date() {
        let bless = std::env::var_os("CHEMR_BLESS").is_some();
        let step = if bless { 1 } else { 6 };
        let all = named_reactions().all();
        let made: Vec<(&str, String)> =
            all.par_iter().step_by(step).map(|reaction| (reaction.id.as_str(), rows(reaction))).collect();
        if bless {
            let text: String = [HEAD].into_iter().chain(made.iter().map(|(_, rows)| rows.as_str())).collect();
            std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("data/plans.tsv"), text).unwrap();
        }
        for (id, rows) in made {
            let known = PASSING.lines().filter(|line| line.starts_with(&format!("{id} ")));
            let known: String = known.map(|line| format!("{line}\n")).collect();
            assert!(rows == known, "{id}: write data/plans.tsv again with CHEMR_BLESS=1 and build again");
        }
    }

    /// Each row and id of the file, of all reactions: together with the comparison above, what a change of the rules takes away is noticed
    /// everywhere, and what it adds in every sixth reaction.
    #[test]
    fn listed_plans_give_questions() {
        for retro in [false, true] {
            let known: BTreeMap<(String, &str), &Plan> = plans(5, retro)
                .iter()
                .flat_map(|(_, plans)| plans)
                .map(|plan| {
                    let Distractor { side, group, .. } = plan.distractor;
                    ((key(plan.reaction, plan.assembly, side), group.id.as_str()), plan)
                })
                .collect();
            let listed: Vec<(String, &str)> = passing(retro)
                .into_iter()
                .flat_map(|(key, groups)| groups.into_iter().map(move |group| (key.clone(), group)))
                .collect();
            assert!(listed.len() > 1_000, "{}", listed.len());
            let dry: Vec<String> = listed
                .par_iter()
                .filter(|row| known.get(*row).is_none_or(|plan| !gives_any(plan, retro)))
                .map(|(key, group)| format!("{key} {group}"))
                .collect();
            assert!(dry.is_empty(), "write data/plans.tsv again, backwards {retro}:\n{}", dry.join("\n"));
        }
    }
}
