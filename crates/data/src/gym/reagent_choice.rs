//! The synthetic task `reagent.selection_rule`: which of these reagents makes this product. What each reagent changes and leaves is data
//! (`data/reagents.toml`); a reagent that is not certainly wrong is no candidate beside the right one.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use chemr_chem::{Mol, NamedReaction, named_reactions};
use chemr_tasks::Example;
use serde::Deserialize;

use super::reaction::Choice;
use super::selective::{self, Plan, plans};
use super::smarts::Smarts;
use super::{Draw, finish_fields, list};
use crate::error::DataError;
use crate::rng::Rng;

const DATA: &str = include_str!("../../data/reagents.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    site: Vec<Site>,
    reagent: Vec<Reagent>,
    change: Vec<Change>,
}

/// A group that reacts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Site {
    id: String,
    smarts: Smarts,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reagent {
    id: String,
    name: String,
    smiles: String,
    attacks: Vec<String>,
    leaves: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    reaction: String,
    site: String,
    reagent: String,
    /// Reagents that do something else at the site, each with what it does.
    others: Vec<(String, String)>,
}

/// Why a candidate is wrong.
struct Wrong {
    reagent: &'static Reagent,
    /// `too_weak` (leaves the site), `too_strong` (attacks a distractor) or `other_change`.
    kind: &'static str,
    why: String,
}

/// What a level draws from: changes with the ways to write them.
struct Table {
    sites: BTreeMap<String, Smarts>,
    reagents: Vec<Reagent>,
    changes: Vec<Change>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    // The data is part of the program and a test reads it, so a failure cannot get this far.
    load().unwrap_or_else(|_| Table { sites: BTreeMap::new(), reagents: Vec::new(), changes: Vec::new() })
});

fn load() -> Result<Table, toml::de::Error> {
    let File { site: sites, reagent: reagents, change: changes } = toml::from_str(DATA)?;
    Ok(Table { sites: sites.into_iter().map(|site| (site.id, site.smarts)).collect(), reagents, changes })
}

impl Table {
    fn reagent(&self, id: &str) -> Option<&Reagent> {
        self.reagents.iter().find(|reagent| reagent.id == id)
    }

    fn change(&self, reaction: &str) -> Option<&Change> {
        self.changes.iter().find(|change| change.reaction == reaction)
    }

    /// Whether the reactant has the group that the change is about: a template can fit others, which the lists of reagents do not speak
    /// of (a mesylate where a bromide is meant).
    fn has_site(&self, reaction: &str, reactant: &Mol) -> bool {
        let pattern = self.change(reaction).and_then(|change| self.sites.get(&change.site));
        pattern.is_none_or(|pattern| pattern.is_match(reactant))
    }

    /// The reagents that are certainly wrong for a change beside these distractors. A distractor that the right reagent attacks too
    /// (the ketone beside an aldehyde) speaks against none of them.
    fn wrong(&'static self, change: &Change, distractors: &[&str]) -> Vec<Wrong> {
        let attacks = |reagent: &Reagent, group: &str| reagent.attacks.iter().any(|other| other == group);
        let is_attacked_anyway = |group: &str| self.reagent(&change.reagent).is_some_and(|right| attacks(right, group));
        self.reagents
            .iter()
            .filter(|reagent| reagent.id != change.reagent)
            .filter_map(|reagent| {
                let attacked = distractors.iter().find(|id| attacks(reagent, id) && !is_attacked_anyway(id));
                let other = change.others.iter().find(|(id, _)| *id == reagent.id);
                let (kind, why) = if let Some(group) = attacked {
                    let name = selective::group_name(group).unwrap_or(group);
                    ("too_strong", format!("attacks the {name}"))
                } else if let Some((_, what)) = other {
                    ("other_change", what.clone())
                } else if reagent.leaves.contains(&change.site) {
                    ("too_weak", "leaves the group that has to react".to_string())
                } else {
                    return None;
                };
                Some(Wrong { reagent, kind, why })
            })
            .collect()
    }
}

/// Where fewer candidates are certainly wrong nothing is asked; where there are enough, the level says how many stand in the question.
const FEWEST_WRONG: usize = 3;

/// Number of candidates of a level, where so many are certainly wrong.
fn candidates(rng: &mut Rng, level: u8) -> usize {
    match level {
        0 | 1 => 4,
        2 => 5,
        3 => 6,
        _ => rng.range(5, 6),
    }
}

/// A transformation with the groups that stand beside it.
struct Transformation {
    reaction: &'static NamedReaction,
    reactant: String,
    product: String,
    key: String,
    meta: Vec<(&'static str, String)>,
    distractors: Vec<&'static str>,
}

pub(super) fn example(draw: Draw<'_>) -> Result<Option<Example>, DataError> {
    const TRIES: u32 = 12;
    let level = draw.level;
    if level < 4 {
        return draw.by_type(plain_choices(level), TRIES, |draw, choice| {
            let made = simple(draw, choice)?;
            Ok(made.and_then(|made| question(draw, made)))
        });
    }
    draw.by_type(group_choices(level), TRIES, |draw, plans| {
        let Some(plan) = draw.rng.pick(plans) else { return Ok(None) };
        let made = selected(draw, plan)?;
        Ok(made.and_then(|made| question(draw, made)))
    })
}

/// The changes of levels 1 to 3, without distractors.
fn plain_choices(level: u8) -> &'static [Choice] {
    static LEVELS: LazyLock<[Vec<Choice>; 3]> = LazyLock::new(|| {
        [1u8, 2, 3].map(|level| {
            let changes = TABLE.changes.iter().filter(|change| TABLE.wrong(change, &[]).len() >= 5);
            let reactions = changes.filter_map(|change| named_reactions().get(&change.reaction));
            reactions.map(|reaction| Choice::new(reaction, level)).filter(Choice::is_usable).collect()
        })
    });
    &LEVELS[usize::from(level.clamp(1, 3)) - 1]
}

/// The plans of levels 4 and 5 for reactions of the table.
fn group_choices(level: u8) -> &'static [Vec<Plan>] {
    static LEVELS: LazyLock<[Vec<Vec<Plan>>; 2]> = LazyLock::new(|| {
        [4u8, 5].map(|level| {
            let known = plans(level, false).iter().filter(|(reaction, _)| TABLE.change(&reaction.id).is_some());
            known.map(|(_, plans)| plans.clone()).collect()
        })
    });
    &LEVELS[usize::from(level >= 5)]
}

/// A reaction without distractors, as the lower levels of `reaction_prediction` draw it.
fn simple(draw: &mut Draw<'_>, choice: &Choice) -> Result<Option<Transformation>, DataError> {
    let Some(made) = super::reaction::checked(draw, choice)? else { return Ok(None) };
    let (drawn, reactants, product) = made;
    let canonical = draw.level >= 3;
    let text = |mol: &Mol, aligned: &str| if canonical { mol.canonical() } else { aligned }.to_string();
    let [reactant] = reactants.as_slice() else { return Ok(None) };
    Ok(Some(Transformation {
        reaction: drawn.reaction,
        reactant: text(reactant, &drawn.reactants.join(".")),
        product: text(&product, &drawn.product),
        key: product.canonical().to_string(),
        meta: Vec::new(),
        distractors: Vec::new(),
    }))
}

/// A reaction with distractors.
fn selected(draw: &mut Draw<'_>, plan: &Plan) -> Result<Option<Transformation>, DataError> {
    let Some(made) = selective::checked(draw, plan, false)? else { return Ok(None) };
    let [reactant] = made.reactants.as_slice() else { return Ok(None) };
    if !TABLE.has_site(&plan.reaction.id, reactant) {
        return Ok(None);
    }
    Ok(Some(Transformation {
        reaction: plan.reaction,
        reactant: reactant.canonical().to_string(),
        product: made.product.canonical().to_string(),
        key: made.product.canonical().to_string(),
        meta: made.substrates.meta(),
        distractors: made.substrates.distractors.iter().map(|(group, _)| group.id.as_str()).collect(),
    }))
}

fn question(draw: &mut Draw<'_>, made: Transformation) -> Option<Example> {
    let change = TABLE.change(&made.reaction.id)?;
    let right = TABLE.reagent(&change.reagent)?;
    let mut wrong = TABLE.wrong(change, &made.distractors);
    let count = candidates(draw.rng, draw.level).checked_sub(1)?;
    draw.rng.shuffle(&mut wrong);
    // The near misses first: what attacks a distractor or does something else at the same group. At level 4 and 5 two of them if possible.
    let near = if draw.level >= 4 { 2 } else { 1 };
    wrong.sort_by_key(|wrong| wrong.kind == "too_weak");
    let far = wrong.iter().position(|wrong| wrong.kind == "too_weak").unwrap_or(wrong.len());
    let chosen: Vec<Wrong> = if draw.level >= 4 || draw.rng.chance(2, 3) {
        let skipped = far.saturating_sub(near.max(count.saturating_sub(wrong.len() - far)));
        wrong.into_iter().skip(skipped).take(count).collect()
    } else {
        draw.rng.shuffle(&mut wrong);
        wrong.into_iter().take(count).collect()
    };
    if chosen.len() < FEWEST_WRONG {
        return None;
    }
    let mut all: Vec<&Reagent> = chosen.iter().map(|wrong| wrong.reagent).chain([right]).collect();
    draw.rng.shuffle(&mut all);
    let texts: Vec<&str> = all.iter().map(|reagent| reagent.smiles.as_str()).collect();
    let named = |of: fn(&Wrong) -> &str| list(chosen.iter().map(|wrong| format!("{}:{}", wrong.reagent.id, of(wrong))));
    let mut meta = vec![
        ("key", made.key),
        ("reaction", made.reaction.id.clone()),
        ("reaction_name", made.reaction.name.clone()),
        ("site", change.site.clone()),
        ("right", right.id.clone()),
        ("right_name", right.name.clone()),
        ("wrong", named(|wrong| wrong.kind)),
        ("wrong_why", named(|wrong| &wrong.why)),
    ];
    meta.extend(made.meta);
    let fields = [("reaction", format!("{}>>{}", made.reactant, made.product)), ("candidates", texts.join(","))];
    Some(finish_fields("reagent.selection_rule", draw, fields, right.smiles.clone(), meta))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_is_sound() {
        let table = load().unwrap();
        for change in &table.changes {
            let reaction = named_reactions().get(&change.reaction).unwrap();
            let right = table.reagent(&change.reagent).unwrap();
            let canonical = |text: &str| {
                let mut parts: Vec<String> =
                    Mol::parse(text).unwrap().fragments().iter().map(|part| part.canonical().to_string()).collect();
                parts.sort();
                parts
            };
            assert_eq!(canonical(&right.smiles), canonical(&reaction.reagent_smiles), "{}", change.reaction);
            assert!(right.attacks.contains(&change.site), "{}", change.reaction);
            for (other, _) in &change.others {
                assert!(table.reagent(other).is_some_and(|other| other.smiles != right.smiles), "{other}");
            }
        }
        let mut texts: Vec<&str> = table.reagents.iter().map(|reagent| reagent.smiles.as_str()).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), table.reagents.len());
    }

    /// Hand-written: an ester beside a ketone, an isolated alkene beside an azide, a Boc group beside a benzyl ether.
    #[test]
    fn what_is_wrong_and_why() {
        let kind = |reaction: &str, distractors: &[&str], reagent: &str| {
            let wrong = TABLE.wrong(TABLE.change(reaction).unwrap(), distractors);
            wrong.iter().find(|wrong| wrong.reagent.id == reagent).map(|wrong| wrong.kind)
        };
        let hydride = "lithium_aluminium_hydride";
        assert_eq!(kind("ketone_reduction", &["methyl_ester"], hydride), Some("too_strong"));
        // Without the ester it would do as well, so it is no candidate.
        assert_eq!(kind("ketone_reduction", &[], hydride), None);
        assert_eq!(kind("ketone_reduction", &[], "iron"), Some("too_weak"));
        assert_eq!(kind("azide_reduction", &["alkene"], "hydrogen_palladium"), Some("too_strong"));
        assert_eq!(kind("debenzylation", &["boc_amine"], "trifluoroacetic_acid"), Some("too_strong"));
        assert_eq!(kind("ester_hydrolysis", &[], hydride), Some("other_change"));
        assert_eq!(kind("sulfide_to_sulfone", &[], "periodate"), Some("other_change"));
        // Borohydride attacks the ketone as well; an ester it leaves.
        assert_eq!(kind("aldehyde_reduction", &["ketone"], hydride), None);
        assert_eq!(kind("aldehyde_reduction", &["ketone", "methyl_ester"], hydride), Some("too_strong"));
    }
}
