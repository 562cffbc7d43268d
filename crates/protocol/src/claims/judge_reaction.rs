//! Claims about reactions: type, bonds, what leaves, and how strings are joined.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::{Mutex, OnceLock, PoisonError};

use chemr_chem::{Mol, NamedReaction, groups, named_reactions};

use super::ClaimKind;
use super::context::{Context, Family, ReactionVerdict};
use super::judge::{Sink, smiles_claim, truth};
use crate::grammar::Rule;
use crate::grammar::lexicon::Mention;
use crate::grammar::pattern::Match;
use crate::grammar::slots::{Item, Value, bond};
use crate::grammar::walk;

pub(super) fn judge(context: &mut Context<'_>, found: &Match, span: Range<usize>, sink: &mut Sink<'_>) {
    match (found.rule, found.values.as_slice()) {
        (Rule::ReactantCount, [Value::Number(number, item)]) => {
            let text = match context.family {
                Family::Forward => Some(context.example.field("reactants")),
                Family::Retro => context.answer,
                _ => None,
            };
            let decided = text.filter(|text| !text.is_empty()).map(|text| text.split('.').count() == *number);
            sink.add(ClaimKind::ReactantCount, span, "reaction", &item.text, truth(decided));
        }
        (Rule::ReactionType, [Value::Reaction(mention, item)]) => {
            let (decided, reaction) = match context.reaction_types.get(mention.ids) {
                Some(known) => *known,
                None => reaction_type(context, *mention),
            };
            context.reaction_types.insert(mention.ids, (decided, reaction));
            context.stated_reaction = reaction;
            sink.item(ClaimKind::ReactionType, item, "reaction", truth(decided));
        }
        (Rule::BondsFormed, [Value::Items(items)]) => {
            bonds(context, items, ClaimKind::BondFormed, |reaction| &reaction.bonds_formed, sink);
        }
        (Rule::BondsBroken, [Value::Items(items)]) => {
            bonds(context, items, ClaimKind::BondBroken, |reaction| &reaction.bonds_broken, sink);
        }
        (Rule::Leaving, [Value::Text(item)]) => {
            let written = context.mol(&item.text).map(|mol| mol.canonical().to_string());
            let reactions = reactions_meant(context);
            let decided = (!reactions.is_empty()).then(|| {
                reactions.iter().any(|reaction| {
                    let leaving = Mol::parse(&reaction.byproduct).ok();
                    leaving.is_some_and(|mol| Some(mol.canonical()) == written.as_deref())
                })
            });
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

/// Whether one of the named reactions turns the reactants into the product, and which.
fn reaction_type(context: &mut Context<'_>, mention: Mention) -> ReactionVerdict {
    let named: Vec<&'static NamedReaction> = mention.ids.iter().filter_map(|id| named_reactions().get(id)).collect();
    let first = named.first().copied();
    let known = context.example.meta.get("reaction").cloned();
    if let Some(right) = named.iter().find(|reaction| Some(&reaction.id) == known.as_ref()) {
        return (Some(true), Some(right));
    }
    let Some((reactants, product)) = context.reaction() else { return (None, first) };
    // In retrosynthesis the answer may be another right way to the product.
    let mut routes = vec![reactants];
    if context.family == Family::Retro
        && let Some(answer) = context.answer
        && answer.split('.').count() <= 8
        && let Some(own) = answer.split('.').map(|part| context.mol(part)).collect::<Option<Vec<Mol>>>()
    {
        routes.push(own);
    }
    for reaction in named {
        for route in &routes {
            let borrowed: Vec<&Mol> = route.iter().collect();
            if named_reactions().products(reaction, &borrowed).iter().any(|made| made.is_same(&product)) {
                return (Some(true), Some(reaction));
            }
        }
    }
    // Templates want exactly their substrates; real rows also hold solvents and reagents.
    let right = context.known_reactions().iter().copied().find(|reaction| mention.ids.contains(&reaction.id.as_str()));
    (Some(right.is_some()), right.or(first))
}

/// The reactions that statements about bonds refer to: the type that the text stated, else the known ones.
fn reactions_meant(context: &mut Context<'_>) -> Vec<&'static NamedReaction> {
    match context.stated_reaction {
        Some(reaction) => vec![reaction],
        None => context.known_reactions().to_vec(),
    }
}

fn bonds(
    context: &mut Context<'_>,
    items: &[Item],
    kind: ClaimKind,
    of: fn(&NamedReaction) -> &Vec<String>,
    sink: &mut Sink<'_>,
) {
    let reactions = reactions_meant(context);
    for item in items {
        let written = bond(&item.text);
        let decided = (!reactions.is_empty())
            .then(|| reactions.iter().any(|reaction| of(reaction).iter().any(|known| bond(known) == written)));
        sink.item(kind, item, "reaction", truth(decided));
    }
}

/// Elements that the reactants have more than the product; `None` when the product has more of one.
pub(crate) fn leaving_atoms(reactants: &[Mol], product: &Mol) -> Option<BTreeMap<String, usize>> {
    let mut left: BTreeMap<String, usize> = BTreeMap::new();
    for (symbol, count) in reactants.iter().flat_map(|mol| mol.element_counts()) {
        *left.entry(symbol).or_default() += count;
    }
    for (symbol, count) in product.element_counts() {
        let entry = left.entry(symbol).or_default();
        *entry = entry.checked_sub(count)?;
    }
    left.retain(|_, count| *count > 0);
    Some(left)
}

/// Parts of a product and what they give: the product itself (forward), or its reactants (retrosynthesis).
fn assembly(context: &mut Context<'_>, parts: &Item, smiles: &Item, sink: &mut Sink<'_>) {
    let joined = parts.text.replace('|', "");
    let decided = if context.family == Family::Retro {
        let product = context.example.field("product").to_string();
        match (context.mol(&joined), context.mol(&product)) {
            (Some(built), Some(product)) => built.is_same(&product),
            _ => false,
        }
    } else {
        joined == smiles.text
    };
    let whole = if context.family == Family::Retro { context.example.field("product") } else { &smiles.text };
    sink.item(ClaimKind::Assembly, parts, whole, truth(Some(decided)));
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
