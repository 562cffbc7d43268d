//! Claims about reactions: type, bonds, what leaves, and how strings are joined.

use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;
use std::sync::{Mutex, OnceLock, PoisonError};

use chemr_chem::{BondOrder, Mol, NamedReaction, groups, named_reactions};
use chemr_tasks::formula::Formula;

use super::ClaimKind;
use super::context::{Context, Family, Run};
use super::judge::{Sink, smiles_claim, truth};
use crate::changes::{bond_name, element_sum, is_part_of, leaving_atoms};
use crate::grammar::Rule;
use crate::grammar::lexicon::Mention;
use crate::grammar::pattern::Match;
use crate::grammar::slots::{Item, Value, bond};
use crate::grammar::walk;

pub(super) fn judge(context: &mut Context<'_>, found: &Match, span: Range<usize>, sink: &mut Sink<'_>) {
    match (found.rule, found.values.as_slice()) {
        (Rule::ReactantCount, [Value::Number(number, _)]) => {
            let decided = reactant_count(context, *number);
            sink.add(ClaimKind::ReactantCount, span, "reaction", &number.to_string(), truth(decided));
        }
        (Rule::Reagents, [Value::Text(item)]) => {
            let decided = reagents(context, &item.text);
            sink.item(ClaimKind::Reagent, item, "reaction", truth(decided));
        }
        (Rule::ReactionType, [Value::Reaction(mention, item)]) => {
            let (decided, runs) = match context.reaction_types.get(mention.ids) {
                Some(known) => known.clone(),
                None => reaction_type(context, *mention),
            };
            context.reaction_types.insert(mention.ids, (decided, runs.clone()));
            // A type that is not right says nothing about bonds: those are then judged by the row.
            context.stated_reaction = (decided == Some(true)).then_some(runs);
            sink.item(ClaimKind::ReactionType, item, "reaction", truth(decided));
        }
        (Rule::BondsFormed, [Value::Items(items)]) => bonds(context, items, ClaimKind::BondFormed, sink),
        (Rule::BondsBroken, [Value::Items(items)]) => bonds(context, items, ClaimKind::BondBroken, sink),
        (Rule::Leaving, [Value::Text(item)]) => {
            let decided = leaving(context, &item.text);
            sink.item(ClaimKind::Leaving, item, "reaction", truth(decided));
        }
        (Rule::LeavingAtoms, [Value::Items(items)]) => {
            let expected = context.reaction().and_then(|(reactants, product)| leaving_atoms(&reactants, &product));
            let expected = expected.map(|counts| walk::total_items(&counts));
            for (place, item) in items.iter().enumerate() {
                let decided = expected.as_ref().map(|expected| {
                    let complete = place + 1 < items.len() || items.len() == expected.len();
                    expected.get(place) == Some(&item.text) && complete
                });
                sink.item(ClaimKind::Leaving, item, "reaction", truth(decided));
            }
        }
        (Rule::Parts, [Value::Text(parts), Value::Text(smiles)]) => assembly(context, parts, smiles, sink),
        (Rule::Pieces, [Value::Items(items)]) => {
            let mut joined = String::new();
            for item in items {
                let Some((name, fragment)) = item.text.rsplit_once(' ') else { continue };
                joined.push_str(fragment);
                let name = name.trim();
                if !name.is_empty() {
                    let decided = groups().by_name(name).map(|group| carries(&group.id, fragment));
                    sink.add(ClaimKind::GroupFragment, item.start..item.end, fragment, name, truth(decided));
                }
            }
            context.pieces = Some(joined);
        }
        (Rule::Joined, [Value::Text(smiles)]) => {
            let joined = context.pieces.clone();
            let decided = joined.as_ref().map(|joined| *joined == smiles.text);
            sink.item(ClaimKind::Assembly, smiles, joined.as_deref().unwrap_or(""), truth(decided));
            smiles_claim(context, smiles, sink);
        }
        _ => {}
    }
}

/// Whether one of the named reactions turns the reactants into the product, and how.
fn reaction_type(context: &mut Context<'_>, mention: Mention) -> (Option<bool>, Rc<Vec<Run>>) {
    let named: Vec<&'static NamedReaction> = mention.ids.iter().filter_map(|id| named_reactions().get(id)).collect();
    let noted = context.example.meta.get("reaction").cloned();
    let is_noted = |reaction: &&&NamedReaction| Some(&reaction.id) == noted.as_ref();
    if let Some(right) = named.iter().find(is_noted) {
        return (Some(true), Rc::new(context.runs_of(right)));
    }
    if context.reaction().is_none() {
        return (None, Rc::default());
    }
    let mut runs = Vec::new();
    let mut complete = true;
    for reaction in &named {
        match context.try_type(reaction) {
            Some(found) => runs.extend(found),
            None => complete = false,
        }
    }
    // Rows whose molecules are too many to be followed may still be known.
    let known = context.known_reactions().iter().any(|known| named.iter().any(|reaction| reaction.id == known.id));
    let right = !runs.is_empty() || known;
    ((right || complete).then_some(right), Rc::new(runs))
}

/// The runs that statements about bonds refer to: those of the type that the text stated rightly, else those of the row.
fn runs_meant(context: &mut Context<'_>) -> Rc<Vec<Run>> {
    if let Some(runs) = context.stated_reaction.clone().filter(|runs| !runs.is_empty()) {
        return runs;
    }
    context.known_runs()
}

/// Each bond against what the templates do to the atoms. Without a known reaction a bond is false when no molecule has
/// it, and undecided otherwise.
fn bonds(context: &mut Context<'_>, items: &[Item], kind: ClaimKind, sink: &mut Sink<'_>) {
    let runs = runs_meant(context);
    let side = context.reaction().map(|(reactants, product)| match kind {
        ClaimKind::BondFormed => vec![product],
        _ => reactants,
    });
    for item in items {
        let written = bond(&item.text);
        let has = |list: &[String]| list.iter().any(|known| bond(known) == written);
        let decided = if runs.is_empty() {
            match (&side, &written) {
                (Some(mols), Some(written)) if !mols.iter().any(|mol| has_bond(mol, written)) => Some(false),
                _ => None,
            }
        } else {
            Some(runs.iter().any(|run| match kind {
                ClaimKind::BondFormed => has(&run.said.formed) || has(&run.changes.formed),
                _ => has(&run.said.broken) || has(&run.changes.broken),
            }))
        };
        sink.add(kind, item.start..item.end, "reaction", written.as_deref().unwrap_or(&item.text), truth(decided));
    }
}

/// Whether a molecule has a bond between two elements; `-` stands for an aromatic bond too.
fn has_bond(mol: &Mol, written: &str) -> bool {
    let atoms = mol.atoms();
    let hydrogen = atoms
        .iter()
        .filter(|atom| atom.hydrogens > 0)
        .any(|atom| bond_name(&atom.element, "H", BondOrder::Single) == written);
    hydrogen
        || mol.bonds().iter().any(|bond| match (atoms.get(bond.begin), atoms.get(bond.end)) {
            (Some(begin), Some(end)) => {
                let aromatic = bond.order == BondOrder::Aromatic;
                let written = if aromatic { written.replace('=', "-") } else { written.to_string() };
                bond_name(&begin.element, &end.element, bond.order) == written
            }
            _ => false,
        })
}

/// What is said to leave, as SMILES or as a formula (`HCl`, `CO2`).
fn leaving(context: &mut Context<'_>, text: &str) -> Option<bool> {
    let runs = runs_meant(context);
    let written = context.mol(text);
    let formula = Formula::parse(text);
    let (reactants, product) = context.reaction()?;
    if written.is_none() && formula.is_none() {
        // Beyond the limits of one completion nothing is known of the string.
        return context.is_valid(text).map(|_| false);
    }
    let same = |other: &str| {
        Mol::parse(other).is_ok_and(|mol| match &written {
            Some(written) => written.is_same(&mol),
            None => formula.is_some() && Formula::parse(&mol.formula()) == formula,
        })
    };
    let mut open = runs.is_empty();
    for run in runs.iter() {
        let said = &run.said.leaving;
        let lost = run.changes.leaving.as_ref().map(|parts| parts.join("."));
        if said.as_deref().is_some_and(same) || lost.as_deref().is_some_and(same) {
            return Some(true);
        }
        // Nothing is known about what becomes of the parts that are lost.
        open |= said.is_none() && lost.is_none_or(|lost| !lost.is_empty());
    }
    if !open {
        return Some(false);
    }
    // What leaves is made of atoms of the reactants, and of those that the product does not keep where the row balances.
    let mut all = reactants.clone();
    all.extend(runs.iter().flat_map(|run| run.reagents.iter().cloned()));
    let at_hand = match leaving_atoms(&reactants, &product) {
        Some(_) => leaving_atoms(&all, &product).unwrap_or_default(),
        None => element_sum(&all),
    };
    let possible = match (&written, &formula) {
        (Some(written), _) => is_part_of(&written.element_counts(), &at_hand),
        (None, Some(formula)) => {
            let counts = formula.counts.iter().map(|(symbol, count)| (symbol.clone(), *count as usize)).collect();
            is_part_of(&counts, &at_hand)
        }
        (None, None) => true,
    };
    if possible { None } else { Some(false) }
}

/// The number of molecules that react; reagents beside them are not counted.
fn reactant_count(context: &mut Context<'_>, number: usize) -> Option<bool> {
    let text = match context.family {
        Family::Forward => context.example.field("reactants"),
        Family::Retro => context.answer?,
        _ => return None,
    };
    if text.is_empty() {
        return None;
    }
    let parts = text.split('.').count();
    if context.family == Family::Retro {
        return Some(parts == number);
    }
    let runs = context.known_runs();
    let by_type = runs.iter().any(|run| run.changes.substrates.len() == number);
    match context.substrates() {
        Some(places) => return Some(by_type || number == places.len()),
        None if by_type => return Some(true),
        None if number == 0 || number > parts => return Some(false),
        None => {}
    }
    let (reactants, _) = context.reaction()?;
    // Without a known type every neutral molecule counts; ions may be reagents.
    let neutral = reactants.iter().all(|mol| mol.atoms().iter().map(|atom| atom.charge).sum::<i32>() == 0);
    (runs.is_empty() && neutral && number == parts).then_some(true)
}

/// Whether a dotted text is all that stands beside the substrates.
fn reagents(context: &mut Context<'_>, text: &str) -> Option<bool> {
    let runs = context.known_runs();
    if runs.is_empty() || context.family != Family::Forward {
        return None;
    }
    let sorted = |mut texts: Vec<String>| {
        texts.sort();
        texts
    };
    let Some(stated) = text.split('.').map(|part| context.mol(part)).collect::<Option<Vec<Mol>>>() else {
        return text.split('.').map(|part| context.is_valid(part)).collect::<Option<Vec<bool>>>().map(|_| false);
    };
    let stated = sorted(stated.iter().map(|mol| mol.canonical().to_string()).collect());
    Some(runs.iter().any(|run| {
        let beside = run.reactants.iter().enumerate().filter(|(place, _)| !run.changes.substrates.contains(place));
        sorted(beside.map(|(_, mol)| mol.canonical().to_string()).collect()) == stated
    }))
}

/// Parts of a product and what they give: the product itself (forward), or its reactants (retrosynthesis). What they
/// give must be the completion's own answer; in forward tasks the row's product is right too.
fn assembly(context: &mut Context<'_>, parts: &Item, smiles: &Item, sink: &mut Sink<'_>) {
    let joined = parts.text.replace('|', "");
    let answer = context.answer.map(str::to_string);
    let same = |context: &mut Context<'_>, left: &str, right: &str| {
        left == right
            || matches!((context.mol(left), context.mol(right)), (Some(left), Some(right)) if left.is_same(&right))
    };
    let of_answer = answer.as_ref().map(|answer| same(context, &smiles.text, answer));
    let (whole, decided) = if context.family == Family::Retro {
        let product = context.example.field("product").to_string();
        let cut = same(context, &joined, &product);
        (product, if cut { of_answer } else { Some(false) })
    } else {
        let reference = context.example.reference.clone();
        let given = of_answer == Some(true) || same(context, &smiles.text, &reference);
        (smiles.text.clone(), Some(joined == smiles.text && given))
    };
    sink.item(ClaimKind::Assembly, parts, &whole, truth(decided));
    smiles_claim(context, smiles, sink);
}

/// Whether a fragment carries a group once its open ends are closed with carbon. Remembered, as fragments recur.
fn carries(id: &str, fragment: &str) -> bool {
    const MAX_REMEMBERED: usize = 4096;
    static KNOWN: OnceLock<Mutex<HashMap<(String, String), bool>>> = OnceLock::new();
    let known = KNOWN.get_or_init(|| Mutex::new(HashMap::new()));
    let key = (id.to_string(), fragment.to_string());
    if let Some(answer) = known.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return *answer;
    }
    let closed = [format!("C{fragment}C"), format!("C{fragment}"), fragment.to_string(), format!("{fragment}C")];
    let answer = closed
        .iter()
        .any(|smiles| Mol::parse(smiles).is_ok_and(|mol| groups().counts(&mol).get(id).copied().unwrap_or(0) > 0));
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    if known.len() < MAX_REMEMBERED {
        known.insert(key, answer);
    }
    answer
}
