//! What the fields of a row are: molecules, mixtures, reactions or words.

use std::borrow::Cow;

use chemr_chem::{Gate, Mol, without_maps};
use chemr_tasks::{Example, Kind, Task};

/// A field, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part<'a> {
    /// A molecule, or molecules with dots between them.
    Mixture(&'a str),
    /// `reactants>agents>products`.
    Reaction(&'a str),
    /// Molecules in a list whose order does not matter.
    Molecules(Vec<&'a str>),
    Words(&'a str),
}

/// How tasks belong together: rows of related tasks state the same facts in other words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Group {
    Reactions,
    Names,
    Captions,
    /// The property, without its unit or form.
    Of(&'static str),
}

/// The group of a task.
pub(crate) fn group(task: &'static Task) -> Group {
    match task.family() {
        "forward" | "retro" | "reagents" => Group::Reactions,
        "formula" | "name" | "naming" | "name_formula" | "isomer" => Group::Names,
        "caption" | "design" => Group::Captions,
        "yield_percent" => Group::Of(task.id().trim_end_matches("_percent")),
        _ => Group::Of(task.id()),
    }
}

/// A row by what it is about.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Anatomy<'a> {
    /// The fields that the question shows.
    pub question: Vec<Part<'a>>,
    pub answer: Answer<'a>,
    /// The molecule that the row is about: that of the question, else of the answer, else what the import noted; the product of a reaction.
    pub molecule: Option<&'a str>,
    /// Reactants and product; of yields and reagent selections with the reagents between the arrows, which make another reaction of it.
    pub reaction: Option<(Cow<'a, str>, &'a str)>,
    /// Of a reagent selection: the components and the candidates.
    pub selection: Option<(Vec<&'a str>, Vec<&'a str>)>,
}

/// The right answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer<'a> {
    Mixture(&'a str),
    Label(bool),
    Number(f64),
    Words(&'a str),
}

/// Whether two answers to one question cannot both be right. Otherwise the task has many right answers: ways to make a product, names of
/// a molecule, wordings of a description.
pub(crate) fn has_one_answer(task: Option<&'static Task>) -> bool {
    task.is_some_and(|task| {
        let by_kind = matches!(
            task.kind(),
            Kind::Molecule | Kind::Reaction | Kind::Label | Kind::Number | Kind::Formula | Kind::Choice
        );
        by_kind && !matches!(task.family(), "retro" | "reagents")
    })
}

fn part<'a>(task: Option<&'static Task>, key: &str, text: &'a str) -> Part<'a> {
    let family = task.map_or("", Task::family);
    match key {
        // Whether two texts are one molecule is what that task asks.
        "smiles" | "other" if task.is_some_and(|task| task.id() == "cot.same_molecule") => Part::Words(text),
        "smiles" | "product" | "reactants" | "other" | "ring" | "ring_system" => Part::Mixture(text),
        // `role: SMILES; role: SMILES`; the roles are shuffled at the source. Where a reagent is asked for, it is a reaction.
        "reaction" if family == "selection" && !text.contains('>') => Part::Molecules(components(text)),
        "candidates" if family == "selection" => Part::Molecules(list(text)),
        "reaction" => Part::Reaction(text),
        _ => Part::Words(text),
    }
}

fn components(text: &str) -> Vec<&str> {
    let parts = text.split([';', '\n']).map(|part| part.rsplit_once(": ").map_or(part, |(_, smiles)| smiles).trim());
    parts.filter(|part| !part.is_empty()).collect()
}

fn list(text: &str) -> Vec<&str> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// Reactants and products of a reaction SMILES; what stands between the arrows is left out.
pub(crate) fn sides(text: &str) -> Option<(&str, &str)> {
    let body = text.split_whitespace().next()?;
    let (reactants, rest) = body.split_once('>')?;
    let (_, products) = rest.split_once('>')?;
    (!reactants.is_empty() && !products.is_empty() && !products.contains('>')).then_some((reactants, products))
}

/// As [`sides`], with what stands between the arrows among the reactants.
fn mixed_sides(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let (reactants, products) = sides(text)?;
    let reagents = text.split('>').nth(1).unwrap_or_default();
    Some((if reagents.is_empty() { reactants.into() } else { format!("{reactants}.{reagents}").into() }, products))
}

impl<'a> Anatomy<'a> {
    /// Of a row; of an unknown task all fields are taken by their names.
    pub fn of(task: Option<&'static Task>, example: &'a Example) -> Anatomy<'a> {
        let question: Vec<Part<'a>> = match task {
            Some(task) => {
                task.fields().iter().map(|field| part(Some(task), field.key, example.field(field.key))).collect()
            }
            None => example.input.iter().map(|(key, text)| part(None, key, text)).collect(),
        };
        let reference = example.reference.as_str();
        let family = task.map_or("", Task::family);
        let answer = match task.map(Task::kind) {
            Some(Kind::Molecule | Kind::Reaction) => Answer::Mixture(reference),
            Some(Kind::Demand) if family != "selection" && !reference.is_empty() => Answer::Mixture(reference),
            Some(Kind::Number) => {
                chemr_tasks::metrics::number(reference).map_or(Answer::Words(reference), Answer::Number)
            }
            Some(Kind::Label) => match task.and_then(|task| task.shown_answer(example)).as_deref() {
                Some("Yes") => Answer::Label(true),
                Some("No") => Answer::Label(false),
                _ => Answer::Words(reference),
            },
            _ => Answer::Words(reference),
        };
        let reaction = match family {
            "forward" => Some((example.field("reactants").into(), reference)),
            "retro" => Some((reference.into(), example.field("product"))),
            "reagents" => sides(example.field("reaction")).map(|(reactants, product)| (reactants.into(), product)),
            "selection" | "yield" | "yield_percent" => mixed_sides(example.field("reaction")),
            _ => None,
        };
        let reaction: Option<(Cow<str>, &str)> =
            reaction.filter(|(reactants, product)| !reactants.is_empty() && !product.is_empty());
        let of_question = || {
            let smiles = example.field("smiles");
            (!smiles.is_empty()).then_some(smiles)
        };
        let of_answer = || match answer {
            Answer::Mixture(text) if !text.is_empty() => Some(text),
            _ => None,
        };
        let noted = || example.meta.get("key").map(String::as_str).filter(|text| !text.is_empty());
        let molecule = match family {
            "selection" => reaction.as_ref().map(|(_, product)| *product),
            "choice" => None,
            _ => reaction.as_ref().map(|(_, product)| *product).or_else(of_question).or_else(of_answer).or_else(noted),
        };
        let is_ranking = family == "selection" && reaction.is_none();
        let selection = is_ranking.then(|| (components(example.field("reaction")), list(example.field("candidates"))));
        Anatomy { question, answer, molecule, reaction, selection }
    }

    /// The texts of all molecules that are compared.
    pub fn mixtures(&self) -> Vec<&'a str> {
        let mut texts = Vec::new();
        for part in &self.question {
            match part {
                Part::Mixture(text) => texts.push(*text),
                Part::Reaction(text) => texts.extend(text.split_whitespace().next().unwrap_or_default().split('>')),
                Part::Molecules(list) => texts.extend(list),
                Part::Words(_) => {}
            }
        }
        if let Answer::Mixture(text) = self.answer {
            texts.push(text);
        }
        texts.extend(self.molecule);
        texts.retain(|text| !text.trim().is_empty());
        texts
    }

    /// The parts of the question that are SMILES.
    pub fn question_smiles(&self) -> Vec<&'a str> {
        let mut texts = Vec::new();
        for part in &self.question {
            match part {
                Part::Mixture(text) | Part::Reaction(text) => texts.push(*text),
                Part::Molecules(list) => texts.extend(list),
                Part::Words(_) => {}
            }
        }
        texts
    }
}

/// Reads a molecule as files have it, without atom maps.
pub(crate) fn molecule(text: &str) -> Option<Mol> {
    if text.contains(':') {
        return Mol::parse_with(&without_maps(text), &Gate::DATA).ok();
    }
    Mol::parse_with(text, &Gate::DATA).ok()
}

/// Whether a SMILES text has atom maps.
pub(crate) fn has_maps(text: &str) -> bool {
    text.split(']').any(|part| {
        let name = part.trim_end_matches(|letter: char| letter.is_ascii_digit());
        name.len() < part.len() && name.ends_with(':') && name.contains('[')
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chemr_tasks::{Split, task, tasks};

    use super::*;

    fn row(id: &str, fields: &[(&str, &str)], reference: &str) -> Example {
        let input = fields.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect();
        Example::new(id, "test", Split::Train, 0, input, reference, BTreeMap::new())
    }

    #[test]
    fn what_a_row_is_about() {
        for (id, fields, reference, molecule, reaction) in [
            ("property.bbbp", &[("smiles", "CCO")][..], "Yes", Some("CCO"), None),
            ("name.iupac_to_smiles", &[("iupac", "ethanol")], "CCO", Some("CCO"), None),
            ("name.iupac_to_formula", &[("iupac", "ethanol")], "C2H6O", Some("C(C)O"), None),
            ("name.formula_to_smiles", &[("formula", "C2H6O")], "COC", Some("COC"), None),
            ("molecule_captioning", &[("smiles", "CCO")], "An alcohol.", Some("CCO"), None),
            ("retrosynthesis", &[("product", "CCO")], "C.CO", Some("CCO"), Some(("C.CO", "CCO"))),
            ("reaction_prediction", &[("reactants", "C.CO")], "CCO", Some("CCO"), Some(("C.CO", "CCO"))),
            ("reagent.selection_rule", &[("reaction", "CO>>CCO")], "C", Some("CCO"), Some(("CO", "CCO"))),
            ("yield.suzuki_miyaura", &[("reaction", "C.CO>O>CCO")], "No", Some("CCO"), Some(("C.CO.O", "CCO"))),
            ("yield.suzuki_miyaura", &[("reaction", "C.CO>>")], "No", Some("C(C)O"), None),
        ] {
            let mut example = row(id, fields, reference);
            example.meta.insert("key".to_owned(), "C(C)O".to_owned());
            let anatomy = Anatomy::of(task(id), &example);
            let found = anatomy.reaction.as_ref().map(|(reactants, product)| (&**reactants, *product));
            assert_eq!((anatomy.molecule, found), (molecule, reaction), "{id}");
        }
        let example = row(
            "reagent.solvent",
            &[("reaction", "reactant 1: CBr; base: [K+].[OH-]"), ("candidates", "CO, O")],
            "O,CO",
        );
        let anatomy = Anatomy::of(task("reagent.solvent"), &example);
        assert_eq!(anatomy.selection, Some((vec!["CBr", "[K+].[OH-]"], vec!["CO", "O"])));
        assert_eq!((anatomy.molecule, anatomy.mixtures().len()), (None, 4));
    }

    #[test]
    fn related_tasks_state_the_same_facts() {
        let of = |id: &str| group(task(id).unwrap());
        assert_eq!(of("retrosynthesis"), of("reaction_prediction"));
        assert_eq!(of("name.smiles_to_formula"), of("name.iupac_to_smiles"));
        assert_eq!(of("yield.suzuki_miyaura"), of("yield.suzuki_miyaura_percent"));
        assert_ne!(of("yield.suzuki_miyaura"), of("yield.buchwald_hartwig"));
        assert_ne!(of("property.bbbp"), of("property.bace"));
    }

    #[test]
    fn which_tasks_have_one_answer() {
        let one: Vec<&str> = tasks().iter().filter(|task| has_one_answer(Some(task))).map(|task| task.id()).collect();
        for id in ["property.bbbp", "property.esol", "reaction_prediction", "name.iupac_to_smiles", "molecule_design"] {
            assert!(one.contains(&id), "{id}");
        }
        for id in
            ["retrosynthesis", "molecule_captioning", "name.smiles_to_iupac", "reagent_prediction", "reagent.solvent"]
        {
            assert!(!one.contains(&id), "{id}");
        }
        assert!(!has_one_answer(None));
    }

    #[test]
    fn maps_are_numbers_at_the_end_of_an_atom() {
        for (text, has) in
            [("[CH3:1]O", true), ("CO", false), ("[nH]1cccc1:c", false), ("[13CH3]", false), ("a:1]", false)]
        {
            assert_eq!(has_maps(text), has, "{text}");
        }
    }
}
