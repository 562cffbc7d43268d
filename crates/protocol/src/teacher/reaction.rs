//! Forward prediction and retrosynthesis: groups, reaction type, bonds, then the strings cut and joined.

use chemr_chem::{Mol, NamedReaction, groups};
use chemr_tasks::Example;

use super::say::{Speaker, described_groups, group_names, listed, with_article};
use super::{Lesson, TeacherError, molecule};
use crate::changes::{
    Statement, agreed, best_types, changes, known_types, leaving_atoms, noted_reagents, noted_type, statement,
    substrates,
};
use crate::grammar::{Rule, walk};

/// Most groups that are listed for one molecule without a known reaction.
const MOST_GROUPS: usize = 4;
/// Rows with more reactants are not covered.
const MOST_REACTANTS: usize = 6;

/// What is known of the reaction of an example.
struct View<'e> {
    example: &'e Example,
    reaction: Option<&'static NamedReaction>,
    /// What the reaction does to the molecules of the row, where all ways to the product agree.
    statement: Option<Statement>,
    /// Places of the molecules that react; `None` when that is not known.
    substrates: Option<Vec<usize>>,
    /// Texts of the product in the order of the string: kept parts and the core between them.
    parts: Option<Vec<String>>,
}

impl<'e> View<'e> {
    /// From the generator's notes, or by running the templates.
    fn new(example: &'e Example, reactants: &[Mol], product: &Mol) -> View<'e> {
        let noted = noted_type(example);
        let best = best_types(&known_types(example, reactants, product), reactants, product);
        let substrates = substrates(&best, reactants, product);
        // Of types that are as good none is named.
        let only = if let [only] = best.as_slice() { Some(*only) } else { None };
        let Some(reaction) = noted.or(only) else {
            return View { example, reaction: None, statement: None, substrates, parts: None };
        };
        let ways = changes(reaction, reactants, product);
        let reagents = noted_reagents(example);
        let said: Vec<Statement> = ways.iter().map(|way| statement(reaction, way, reactants, &reagents)).collect();
        View {
            example,
            reaction: Some(reaction),
            statement: agreed(&said).cloned(),
            substrates,
            parts: noted.and_then(|_| noted_parts(example)),
        }
    }

    /// The number of a molecule of the question among those that react, from 1.
    fn number(&self, place: usize) -> usize {
        let before = |places: &Vec<usize>| places.iter().filter(|other| **other < place).count();
        self.substrates.as_ref().map_or(place, before) + 1
    }

    /// Reaction type, bonds, what leaves; for rows without a type what the atoms say.
    fn type_analysis(&self, speaker: &Speaker, reactants: &[Mol], product: &Mol) -> Result<String, TeacherError> {
        let Some(reaction) = self.reaction else {
            let Some(leaving) = leaving_atoms(reactants, product).filter(|left| !left.is_empty()) else {
                return Err(TeacherError::not_covered(
                    self.example,
                    "no single named reaction fits and the atoms do not balance",
                ));
            };
            return Ok(speaker.sentence(Rule::LeavingAtoms, &[&walk::total_items(&leaving).join(" ")]));
        };
        let style = speaker.pick(3);
        let mut text = speaker.say(Rule::ReactionType, &[&reaction.name]);
        let mut joint = if style == 1 { ", " } else { ": " };
        let facts = self.statement.iter().flat_map(|statement| {
            [
                (Rule::BondsFormed, between_heavy_atoms(&statement.formed).join(", ")),
                (Rule::BondsBroken, between_heavy_atoms(&statement.broken).join(", ")),
                (Rule::Leaving, statement.leaving.clone().unwrap_or_default()),
            ]
        });
        for (rule, value) in facts.filter(|(_, value)| !value.is_empty()) {
            text.push_str(joint);
            text.push_str(&speaker.say_as(style, rule, &[&value]));
            joint = ", ";
        }
        text.push('.');
        Ok(text)
    }
}

/// Bonds without hydrogen, or all when every one has hydrogen.
fn between_heavy_atoms(bonds: &[String]) -> Vec<&str> {
    let heavy: Vec<&str> =
        bonds.iter().map(String::as_str).filter(|bond| !bond.split(['-', '=', '#']).any(|end| end == "H")).collect();
    if heavy.is_empty() { bonds.iter().map(String::as_str).collect() } else { heavy }
}

/// The product pattern with its fragment texts, cut at their borders; only when it gives exactly the aligned product.
fn noted_parts(example: &Example) -> Option<Vec<String>> {
    let note = |key: &str| example.meta.get(key).map(String::as_str);
    let pattern = note("product_pattern")?;
    let mut parts = Vec::new();
    let mut rest = pattern;
    while let Some(open) = rest.find('{') {
        let (literal, slot) = rest.split_at(open);
        let (text, length) = match slot.get(..3)? {
            "{L}" => (note("left")?, 3),
            "{R}" => (note("right")?, 3),
            _ => return None,
        };
        parts.push(literal.to_string());
        parts.push(text.to_string());
        rest = &slot[length..];
    }
    parts.push(rest.to_string());
    parts.retain(|part| !part.is_empty());
    (!parts.is_empty() && parts.concat() == note("aligned_product")?).then_some(parts)
}

pub(super) fn forward(example: &Example, answer: String, speaker: Speaker) -> Result<Lesson, TeacherError> {
    let text = example.field("reactants");
    let texts: Vec<&str> = text.split('.').collect();
    if text.is_empty() {
        return Err(TeacherError::broken(example, "no reactants"));
    }
    if texts.len() > MOST_REACTANTS {
        return Err(TeacherError::not_covered(example, "too many reactants"));
    }
    let mols = texts.iter().map(|text| molecule(example, text)).collect::<Result<Vec<Mol>, _>>()?;
    let product = molecule(example, &example.reference)?;
    let view = View::new(example, &mols, &product);
    let beside: Vec<&str> = match &view.substrates {
        Some(places) => (0..texts.len()).filter(|place| !places.contains(place)).map(|place| texts[place]).collect(),
        None => Vec::new(),
    };
    let mut count = speaker.sentence(Rule::ReactantCount, &[&(texts.len() - beside.len()).to_string()]);
    let reacting = noted_groups(example, &texts).unwrap_or_else(|| found_groups(&view, &mols));
    let groups: Vec<String> = reacting
        .iter()
        .map(|(place, names)| format!("reactant {} {}", view.number(*place), speaker.say(Rule::Groups, &[names])))
        .collect();
    let groups = if groups.is_empty() {
        format!("The reactants: {}", speaker.sentence(Rule::NoKnownGroup, &[]))
    } else {
        capitalised(&format!("{}.", groups.join(", ")))
    };
    let kind = view.type_analysis(&speaker, &mols, &product)?;
    let joined = joining(&view, &speaker, &answer);
    if !beside.is_empty() {
        // Said last, so that the choice of the other wordings does not depend on it.
        count.push(' ');
        count.push_str(&speaker.sentence(Rule::Reagents, &[&beside.join(".")]));
    }
    Ok(Lesson { texts: [count, groups, kind, joined], answer })
}

pub(super) fn retro(example: &Example, answer: String, speaker: Speaker) -> Result<Lesson, TeacherError> {
    let product = molecule(example, example.field("product"))?;
    if answer.split('.').count() > MOST_REACTANTS {
        return Err(TeacherError::not_covered(example, "too many reactants"));
    }
    let mols = answer.split('.').map(|text| molecule(example, text)).collect::<Result<Vec<Mol>, _>>()?;
    let view = View::new(example, &mols, &product);
    let rings = speaker.sentence(Rule::Rings, &[&product.rings().to_string()]);
    // The group at the place of reaction if there is one, else what the product has.
    let counts = groups().counts(&product);
    let made = view
        .reaction
        .and_then(|reaction| reaction.product_group.as_deref())
        .filter(|id| counts.contains_key(*id))
        .and_then(|id| groups().get(id));
    let named = match made {
        Some(group) => format!("It {}", speaker.sentence(Rule::Groups, &[&with_article(&group.name)])),
        None => described_groups(&speaker, &product, MOST_GROUPS),
    };
    let kind = view.type_analysis(&speaker, &mols, &product)?;
    Ok(Lesson { texts: [rings, named, kind, joining(&view, &speaker, &answer)], answer })
}

/// The last step: parts and what they give, or the structure written out.
fn joining(view: &View<'_>, speaker: &Speaker, answer: &str) -> String {
    match &view.parts {
        Some(parts) => speaker.sentence(Rule::Parts, &[&parts.join("|"), answer]),
        None => speaker.sentence(Rule::Written, &[answer]),
    }
}

/// The reacting group of each reactant as noted by the generator, in the order of the question.
fn noted_groups(example: &Example, texts: &[&str]) -> Option<Vec<(usize, String)>> {
    let names: Vec<&str> = example.meta.get("reactant_groups")?.split(';').collect();
    let aligned: Vec<&str> = example.meta.get("aligned_reactants")?.split('.').collect();
    let mut reacting: Vec<(usize, String)> = Vec::new();
    for (text, name) in aligned.iter().zip(names) {
        // Exact strings first; canonical questions need a look at the molecule.
        let free = |place: &usize| !reacting.iter().any(|(taken, _)| taken == place);
        let place = (0..texts.len()).filter(free).find(|place| texts[*place] == *text).or_else(|| {
            let wanted = Mol::parse(text).ok()?;
            (0..texts.len()).filter(free).find(|place| Mol::parse(texts[*place]).is_ok_and(|mol| mol.is_same(&wanted)))
        })?;
        reacting.push((place, with_article(name)));
    }
    reacting.sort();
    (!reacting.is_empty()).then_some(reacting)
}

/// The reacting group of each reactant by the registry; without a reaction type its groups.
fn found_groups(view: &View<'_>, mols: &[Mol]) -> Vec<(usize, String)> {
    let mut reacting = Vec::new();
    let reacts = |place: usize| view.substrates.as_ref().is_none_or(|places| places.contains(&place));
    for (place, mol) in mols.iter().enumerate().filter(|(place, _)| reacts(*place)) {
        let by_slot = view
            .reaction
            .and_then(|reaction| (0..reaction.slots.len()).find_map(|slot| reaction.reacting_group(slot, mol)));
        let names = match by_slot {
            Some(group) => vec![group.name.as_str()],
            None => group_names(mol, MOST_GROUPS),
        };
        if !names.is_empty() {
            reacting.push((place, listed(&names)));
        }
    }
    reacting
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}
