//! Forward prediction and retrosynthesis: groups, reaction type, bonds, then the strings cut and joined.

use chemr_chem::{Mol, NamedReaction, groups, named_reactions};
use chemr_tasks::Example;

use super::say::{Speaker, group_names, listed, with_article};
use super::{Lesson, TeacherError, molecule};
use crate::claims::judge_reaction::leaving_atoms;
use crate::grammar::{Rule, walk};

/// Most groups that are listed for one molecule without a known reaction.
const MOST_GROUPS: usize = 4;
/// Rows with more reactants are not covered.
const MOST_REACTANTS: usize = 6;

/// What is known of the reaction of an example.
struct View<'e> {
    example: &'e Example,
    reaction: Option<&'static NamedReaction>,
    /// Texts of the product in the order of the string: kept parts and the core between them.
    parts: Option<Vec<String>>,
}

impl<'e> View<'e> {
    /// From the generator's notes.
    fn noted(example: &'e Example) -> Option<View<'e>> {
        let reaction = example.meta.get("reaction").and_then(|id| named_reactions().get(id))?;
        Some(View { example, reaction: Some(reaction), parts: noted_parts(example) })
    }

    /// By running the templates.
    fn found(example: &'e Example, reactants: &[Mol], product: &Mol) -> View<'e> {
        let reaction = named_reactions().classify(reactants, product).first().copied();
        View { example, reaction, parts: None }
    }

    /// Reaction type, bonds, what leaves; for rows without a type what the atoms say.
    fn type_analysis(
        &self,
        speaker: &Speaker,
        reactants: &[Mol],
        product: Option<&Mol>,
    ) -> Result<String, TeacherError> {
        let Some(reaction) = self.reaction else {
            let leaving = product.and_then(|product| leaving_atoms(reactants, product)).filter(|left| !left.is_empty());
            let Some(leaving) = leaving else {
                return Err(TeacherError::not_covered(
                    self.example,
                    "no named reaction fits and the atoms do not balance",
                ));
            };
            return Ok(speaker.sentence(Rule::LeavingAtoms, &[&walk::total_items(&leaving).join(" ")]));
        };
        let style = speaker.pick(3);
        let mut text = speaker.say(Rule::ReactionType, &[&reaction.name]);
        let mut joint = if style == 1 { ", " } else { ": " };
        let formed = between_heavy_atoms(&reaction.bonds_formed).join(", ");
        let broken = between_heavy_atoms(&reaction.bonds_broken).join(", ");
        let facts =
            [(Rule::BondsFormed, formed), (Rule::BondsBroken, broken), (Rule::Leaving, reaction.byproduct.clone())];
        for (rule, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
            text.push_str(joint);
            text.push_str(&speaker.say_as(style, *rule, &[value]));
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
    let (view, mols, product) = match View::noted(example) {
        Some(view) => (view, None, None),
        None => {
            let mols = texts.iter().map(|text| molecule(example, text)).collect::<Result<Vec<Mol>, _>>()?;
            let product = molecule(example, &example.reference)?;
            (View::found(example, &mols, &product), Some(mols), Some(product))
        }
    };
    let count = speaker.sentence(Rule::ReactantCount, &[&texts.len().to_string()]);
    let reacting = match noted_groups(example, &texts) {
        Some(reacting) => reacting,
        None => {
            let mols = match &mols {
                Some(mols) => mols.clone(),
                None => texts.iter().map(|text| molecule(example, text)).collect::<Result<Vec<Mol>, _>>()?,
            };
            found_groups(&view, &mols)
        }
    };
    let groups: Vec<String> = reacting
        .iter()
        .map(|(place, names)| format!("reactant {} {}", place + 1, speaker.say(Rule::Groups, &[names])))
        .collect();
    let groups = if groups.is_empty() {
        format!("The reactants: {}", speaker.sentence(Rule::NoKnownGroup, &[]))
    } else {
        capitalised(&format!("{}.", groups.join(", ")))
    };
    let kind = view.type_analysis(&speaker, mols.as_deref().unwrap_or(&[]), product.as_ref())?;
    Ok(Lesson { texts: [count, groups, kind, joining(&view, &speaker, &answer)], answer })
}

pub(super) fn retro(example: &Example, answer: String, speaker: Speaker) -> Result<Lesson, TeacherError> {
    let product = molecule(example, example.field("product"))?;
    if answer.split('.').count() > MOST_REACTANTS {
        return Err(TeacherError::not_covered(example, "too many reactants"));
    }
    let (view, mols) = match View::noted(example) {
        Some(view) => (view, Vec::new()),
        None => {
            let mols = answer.split('.').map(|text| molecule(example, text)).collect::<Result<Vec<Mol>, _>>()?;
            (View::found(example, &mols, &product), mols)
        }
    };
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
        None => {
            let names = group_names(&product, MOST_GROUPS);
            if names.is_empty() {
                speaker.sentence(Rule::NoKnownGroup, &[])
            } else {
                format!("It {}", speaker.sentence(Rule::Groups, &[&listed(&names)]))
            }
        }
    };
    let kind = view.type_analysis(&speaker, &mols, Some(&product))?;
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
    for (place, mol) in mols.iter().enumerate() {
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
