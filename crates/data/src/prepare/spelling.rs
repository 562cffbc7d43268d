//! Other spellings of the molecules that a question shows.

use std::collections::BTreeSet;

use chemr_chem::{Gate, Mol};
use chemr_tasks::Example;

use super::Spelling;
use crate::rng::{Rng, mix};
use crate::split::stable_hash;

/// Fields of questions that hold a molecule and nothing else.
const FIELDS: [&str; 3] = ["smiles", "product", "reactants"];

/// Tasks in which the spelling is what is asked about.
const ABOUT_SPELLING: [&str; 1] = ["cot.same_molecule"];

/// Why a small or symmetric molecule has no further spellings.
pub(super) const NO_OTHER_SPELLING: &str = "no_other_spelling";

/// Keeps the seeds of spellings apart from others.
const STREAM: u64 = 0x5be;

fn fields(example: &Example) -> Vec<&'static str> {
    FIELDS.into_iter().filter(|field| example.input.get(*field).is_some_and(|text| !text.is_empty())).collect()
}

/// Whether the question may be spelled in another way: it holds a molecule, and neither is the spelling asked about nor is an answer written
/// to follow it.
pub(super) fn has_spellings(example: &Example) -> bool {
    let follows = example.meta.keys().any(|key| key.starts_with("aligned_"));
    !follows && !ABOUT_SPELLING.contains(&example.task.as_str()) && !fields(example).is_empty()
}

/// The question in its `variant`-th other spelling, from 1: each differs from the given one and from those before.
///
/// # Errors
/// Why there is none, as a code: a field is no molecule, there are no more spellings (methane has one), or the toolkit wrote another molecule.
pub(super) fn respelled(
    example: &Example,
    spelling: Spelling,
    variant: u32,
    seed: u64,
) -> Result<Example, &'static str> {
    let fields = fields(example);
    let parse = |text: &str| Mol::parse_with(text, &Gate::DATA);
    let mut molecules = Vec::new();
    for field in &fields {
        molecules.push(parse(example.field(field)).map_err(|_| "not_a_molecule")?);
    }
    let parts: Vec<Vec<Mol>> = molecules.iter().map(Mol::fragments).collect();
    let mut rng = Rng::new(mix(&[seed, STREAM, stable_hash(&example.id)]));
    let mut seen = BTreeSet::from([fields.iter().map(|field| example.field(field).to_owned()).collect::<Vec<_>>()]);
    // Small molecules have few spellings, which come again and again.
    for _ in 0..variant.saturating_mul(4).saturating_add(16) {
        let texts: Vec<String> = parts.iter().map(|parts| spelled(parts, spelling, &mut rng)).collect();
        if seen.contains(&texts) || !seen.insert(texts.clone()) || seen.len() <= variant as usize {
            continue;
        }
        let mut copy = example.clone();
        for ((field, text), molecule) in fields.iter().zip(texts).zip(&molecules) {
            if !parse(&text).is_ok_and(|read| read.is_same(molecule)) {
                return Err("not_the_same_molecule");
            }
            copy.input.insert((*field).to_owned(), text);
        }
        return Ok(copy);
    }
    Err(NO_OTHER_SPELLING)
}

fn spelled(parts: &[Mol], spelling: Spelling, rng: &mut Rng) -> String {
    let mut texts: Vec<String> = parts
        .iter()
        .map(|part| match spelling {
            Spelling::Random => part.random_smiles(rng.next_u64()),
            Spelling::Rooted => part.rooted_smiles(rng.below(part.atoms().len())),
        })
        .collect();
    rng.shuffle(&mut texts);
    texts.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;
    use chemr_tasks::Split;
    use std::collections::BTreeMap;

    fn example(task: &str, field: &str, text: &str) -> Example {
        let input = BTreeMap::from([(field.to_owned(), text.to_owned())]);
        Example::new(task, "test", Split::Train, 0, input, "-", BTreeMap::new())
    }

    #[test]
    fn copies_are_the_same_molecules_in_other_words() {
        for (field, text) in [
            ("smiles", "CC(=O)Oc1ccccc1C(=O)O"),
            ("smiles", "C[C@H](N)C(=O)N[C@@H](Cc1c[nH]c2ccccc12)C(=O)O"),
            ("reactants", "CC(=O)Cl.C/C=C/CO.[Na+].[OH-]"),
            ("product", "CN1C[C@H](C(=O)N2CCC2)C=C2c3cccc4[nH]cc(c34)C[C@H]21"),
        ] {
            let given = example("t", field, text);
            let wanted = Mol::parse(text).unwrap();
            for spelling in [Spelling::Random, Spelling::Rooted] {
                let mut seen = BTreeSet::from([text.to_owned()]);
                for variant in 1..=5 {
                    let copy = respelled(&given, spelling, variant, 7).unwrap();
                    assert!(Mol::parse(copy.field(field)).unwrap().is_same(&wanted));
                    assert!(seen.insert(copy.field(field).to_owned()), "{} again", copy.field(field));
                    assert_eq!(copy, respelled(&given, spelling, variant, 7).unwrap());
                    assert_eq!((&copy.reference, &copy.task), (&given.reference, &given.task));
                }
                assert_ne!(respelled(&given, spelling, 1, 7), respelled(&given, spelling, 1, 8));
            }
        }
    }

    #[test]
    fn what_cannot_be_spelled_otherwise() {
        assert_eq!(respelled(&example("t", "smiles", "C"), Spelling::Random, 1, 1), Err("no_other_spelling"));
        // Benzene from any atom is the same text.
        assert_eq!(respelled(&example("t", "smiles", "c1ccccc1"), Spelling::Rooted, 1, 1), Err("no_other_spelling"));
        assert_eq!(respelled(&example("t", "smiles", "?"), Spelling::Rooted, 1, 1), Err("not_a_molecule"));
        assert!(has_spellings(&example("retrosynthesis", "product", "CCO")));
        assert!(!has_spellings(&example("cot.same_molecule", "smiles", "CCO")));
        assert!(!has_spellings(&example("name.iupac_to_smiles", "iupac", "ethanol")));
        let mut written = example("retrosynthesis", "product", "CCO");
        written.meta.insert("aligned_answer".into(), "CC.O".into());
        assert!(!has_spellings(&written));
    }
}
