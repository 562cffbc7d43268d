//! Reactions of levels 4 and 5: substrates with a protecting group or a second functional group that survives, stereocentres, and
//! spectators in the question.
//!
//! What may stand beside a reacting group is drawn from the selectivity rules (`data/selectivity.toml`), never guessed. The registry's
//! templates then have to agree: the intended product comes out, and whatever else a template would make is one that a rule of this
//! question decides against.

mod draw;
mod plan;
mod rules;

use chemr_chem::{Mol, named_reactions};
use chemr_tasks::Example;

use self::draw::Substrates;
pub(super) use self::plan::{Plan, plans};
use self::rules::{Group, rules};
use super::balance::Equation;
use super::reaction::{Direction, is_preferred, joined, reagents};
use super::{Draw, finish, molecule};
use crate::error::DataError;

pub(super) fn example(draw: Draw<'_>, direction: Direction) -> Result<Option<Example>, DataError> {
    let plans = plans(draw.level, direction == Direction::Retro);
    draw.by_type(plans, 12, |draw, (_, plans)| match draw.rng.pick(plans) {
        Some(plan) => attempt(draw, plan, direction),
        None => Ok(None),
    })
}

/// A drawn reaction that passed every check.
pub(super) struct Checked {
    pub substrates: Substrates,
    pub reactants: Vec<Mol>,
    pub product: Mol,
    pub equation: Equation,
}

/// Draws by a plan and checks; `None` when the product belongs to another split or a check fails.
pub(super) fn checked(draw: &mut Draw<'_>, plan: &Plan, retro: bool) -> Result<Option<Checked>, DataError> {
    let Some(substrates) = Substrates::draw(draw.rng, plan, draw.level) else { return Ok(None) };
    let product = molecule("product of an assembly", &substrates.drawn.product)?;
    if draw.wants(product.canonical()) { passed(substrates, product, retro) } else { Ok(None) }
}

/// Checks what was drawn.
fn passed(substrates: Substrates, product: Mol, retro: bool) -> Result<Option<Checked>, DataError> {
    let drawn = &substrates.drawn;
    if centres(product.canonical()) != centres(&drawn.product) || substrates.conditions.may_cleave(&product) {
        return Ok(None);
    }
    if retro && !is_preferred(drawn, &product) {
        return Ok(None);
    }
    let reactants = drawn.read_reactants()?;
    if !substrates.rules_hold(&reactants) || !is_decided(&substrates, &reactants, &product)? {
        return Ok(None);
    }
    let Some(equation) = Equation::of(drawn.reaction, &reactants, &product) else { return Ok(None) };
    Ok(Some(Checked { substrates, reactants, product, equation }))
}

/// Configured tetrahedral centres of a SMILES.
fn centres(smiles: &str) -> usize {
    smiles.matches('@').count() - smiles.matches("@@").count()
}

/// The same molecule; where one is configured, the same without configuration, because the templates know nothing of inversion. What
/// happens to a centre is said by the rule that wrote it.
fn same(made: &Mol, wanted: &Mol) -> bool {
    made.is_same(wanted) || (wanted.canonical().contains('@') && made.canonical_flat() == wanted.canonical_flat())
}

/// Whether the templates and the rules leave one product.
fn is_decided(substrates: &Substrates, reactants: &[Mol], product: &Mol) -> Result<bool, DataError> {
    let own = substrates.drawn.reaction;
    let over = |id: &str| substrates.distractors.iter().any(|(_, rule)| rule.over.iter().any(|other| other == id));
    let own_reagents = reagents(&own.reagent_smiles)?;
    let mixture: Vec<&Mol> = reactants.iter().chain(&own_reagents).collect();
    if !over(&own.id) && named_reactions().has_one_place(own, &mixture, |reaction| !over(&reaction.id)) {
        return Ok(true);
    }
    let outcomes = named_reactions().outcomes_of(&mixture, |reaction| reaction.id == own.id || !over(&reaction.id));
    let mut found = false;
    for (reaction, products) in outcomes {
        if reaction.id == own.id {
            found = products.iter().any(|made| same(made, product));
            if over(&own.id) {
                continue;
            }
        }
        if !products.iter().all(|made| same(made, product)) {
            return Ok(false);
        }
    }
    Ok(found)
}

/// The name of a group of the rules.
pub(super) fn group_name(id: &str) -> Option<&'static str> {
    rules().group(id).map(|group| group.name.as_str())
}

/// The groups that survive a reaction.
pub(super) fn survivors(reaction: &str) -> Vec<&'static Group> {
    rules().survivors(reaction).into_iter().map(|(group, _)| group).collect()
}

fn attempt(draw: &mut Draw<'_>, plan: &Plan, direction: Direction) -> Result<Option<Example>, DataError> {
    let Some(made) = checked(draw, plan, direction == Direction::Retro)? else { return Ok(None) };
    let drawn = &made.substrates.drawn;
    let product = made.product.canonical().to_string();
    let told = |aligned| {
        let mut meta = drawn.meta(&made.product, aligned, made.equation.byproduct())?;
        meta.push(("balance", made.equation.balance()));
        meta.extend(made.substrates.meta());
        Ok::<_, DataError>(meta)
    };
    Ok(Some(match direction {
        Direction::Forward => {
            let spectators = made.substrates.spectators(draw.rng, draw.level);
            let question = question(draw, &made, &spectators);
            let mut meta = told(drawn.product.clone())?;
            meta.push(("spectators", spectators.join(" ")));
            finish("reaction_prediction", draw, ("reactants", question), product, meta)
        }
        Direction::Retro => {
            let meta = told(drawn.reactants.join("."))?;
            finish("retrosynthesis", draw, ("product", product), joined(&made.reactants), meta)
        }
    }))
}

/// The molecules of a forward question, canonical and in any order.
fn question(draw: &mut Draw<'_>, made: &Checked, spectators: &[&str]) -> String {
    let mut texts: Vec<&str> = made.reactants.iter().map(Mol::canonical).collect();
    let beside = made.substrates.drawn.reaction.reagent_smiles.as_str();
    texts.extend(Some(beside).filter(|text| !text.is_empty()));
    texts.extend(spectators);
    draw.rng.shuffle(&mut texts);
    texts.join(".")
}

#[cfg(test)]
mod tests;
