//! Reaction templates: reaction SMARTS applied to molecules.

use std::collections::BTreeMap;

use cosmolkit::{Molecule, Reaction, ReactionRunParams, ReactionValidationParams, SubstructMatchParams};

use crate::error::{ChemError, ErrorClass};
use crate::gate::Gate;
use crate::graph::{Bond, order_of};
use crate::guard::guarded;
use crate::mol::Mol;

/// Product sets that the toolkit may make before sanitisation, and that [`Template::apply`] returns at most. A template of
/// several reactants that fits large molecules in more ways gives nothing.
pub const MAX_PRODUCT_SETS: usize = 200;

/// A compiled reaction SMARTS ("SMIRKS"), run as RDKit's `RunReactants` does.
#[derive(Clone, Debug)]
pub struct Template {
    smirks: String,
    reaction: Reaction,
}

/// One way in which a template makes a molecule, atom by atom; see [`Template::traces`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    pub atoms: Vec<TracedAtom>,
    /// Bonds between places of `atoms`, as the template leaves them: `in_ring` is not known and `false`, and a ring that
    /// the template closes may still stand with single and double bonds.
    pub bonds: Vec<Bond>,
}

/// An atom of a product and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TracedAtom {
    /// Element symbol.
    pub element: String,
    /// Formal charge.
    pub charge: i32,
    /// Place of the reactant and index of its atom; `None` for an atom that the template brings in.
    pub origin: Option<(usize, usize)>,
}

impl Template {
    /// Compiles a reaction SMARTS.
    ///
    /// # Errors
    /// [`ErrorClass::Template`] when it cannot be read, has no reactant or no product, or its atom
    /// maps do not fit together.
    pub fn compile(smirks: &str) -> Result<Template, ChemError> {
        let reaction = guarded(|| {
            let read = Reaction::from_smirks(smirks)
                .map_err(|error| ChemError::new(ErrorClass::Template, error.to_string()))?;
            if read.num_reactant_templates() == 0 || read.num_product_templates() == 0 {
                return Err(ChemError::new(
                    ErrorClass::Template,
                    "a reaction template needs a reactant and a product side",
                ));
            }
            // The toolkit would print its warnings.
            let silent = ReactionValidationParams::new(true);
            read.with_initialized_with_params(&silent)
                .map_err(|error| ChemError::new(ErrorClass::Template, error.to_string()))
        })?;
        Ok(Template { smirks: smirks.to_string(), reaction })
    }

    /// The text that was compiled.
    pub fn smirks(&self) -> &str {
        &self.smirks
    }

    /// Number of molecules that [`Template::apply`] takes.
    pub fn reactants(&self) -> usize {
        self.reaction.num_reactant_templates()
    }

    /// Number of molecules in each product set.
    pub fn products(&self) -> usize {
        self.reaction.num_product_templates()
    }

    /// Runs the template on the molecules, which stand in the order of its reactant side.
    ///
    /// Returns the distinct product sets. A set keeps the order of the template's product side; two
    /// sets with the same molecules count once; sets are sorted by their canonical SMILES. A set with
    /// a product that is no valid molecule is left out, as are sets beyond [`MAX_PRODUCT_SETS`].
    ///
    /// # Errors
    /// [`ErrorClass::Template`] when the number of molecules is wrong, [`ErrorClass::Internal`] when
    /// the toolkit fails. Never panics.
    pub fn apply(&self, reactants: &[&Mol]) -> Result<Vec<Vec<Mol>>, ChemError> {
        let mut known: BTreeMap<String, Option<Mol>> = BTreeMap::new();
        let mut sets: BTreeMap<Vec<String>, Vec<Mol>> = BTreeMap::new();
        for set in self.texts(reactants)? {
            let finished: Option<Vec<Mol>> = set
                .into_iter()
                .map(|text| {
                    known.entry(text).or_insert_with_key(|text| Mol::parse_with(text, &Gate::DATA).ok()).clone()
                })
                .collect();
            let Some(finished) = finished else { continue };
            let mut key: Vec<String> = finished.iter().map(|mol| mol.canonical().to_string()).collect();
            key.sort();
            sets.entry(key).or_insert(finished);
        }
        Ok(sets.into_values().collect())
    }

    /// The product sets as SMILES, before they are read back: most are canonical already, some may be no molecule. In the order in which
    /// the toolkit finds them, the same texts once.
    pub(crate) fn texts(&self, reactants: &[&Mol]) -> Result<Vec<Vec<String>>, ChemError> {
        let first = self.first(reactants)?;
        let mut sets: Vec<Vec<String>> = Vec::new();
        for set in self.raw(first, reactants)?.iter().take(MAX_PRODUCT_SETS) {
            let texts: Option<Vec<String>> = set.iter().map(raw_text).collect();
            sets.extend(texts.filter(|texts| !sets.contains(texts)));
        }
        Ok(sets)
    }

    /// Whether one of the product sets is this one molecule; quicker than [`Template::apply`].
    pub(crate) fn makes(&self, reactants: &[&Mol], product: &Mol) -> bool {
        let Ok(raw) = self.first(reactants).and_then(|first| self.raw(first, reactants)) else {
            return false;
        };
        let mut seen: Vec<String> = Vec::new();
        raw.iter().any(|set| {
            let [only] = set.as_slice() else {
                return false;
            };
            let Some(text) = raw_text(only).filter(|text| !seen.contains(text)) else {
                return false;
            };
            let same = text == product.canonical()
                || Mol::parse_with(&text, &Gate::DATA).is_ok_and(|made| made.is_same(product));
            seen.push(text);
            same
        })
    }

    /// The ways in which the template makes exactly this one molecule, with the origin of each of its atoms. At most
    /// [`MAX_PRODUCT_SETS`].
    ///
    /// # Errors
    /// As [`Template::apply`].
    pub fn traces(&self, reactants: &[&Mol], product: &Mol) -> Result<Vec<Trace>, ChemError> {
        let first = self.first(reactants)?;
        let raw = self.raw(first, reactants)?;
        let mut known: BTreeMap<String, bool> = BTreeMap::new();
        let mut traces = Vec::new();
        for set in raw.iter().take(MAX_PRODUCT_SETS) {
            let [only] = set.as_slice() else { continue };
            let Some(text) = raw_text(only) else { continue };
            let same = *known.entry(text).or_insert_with_key(|text| {
                text == product.canonical()
                    || Mol::parse_with(text, &Gate::DATA).is_ok_and(|made| made.is_same(product))
            });
            if same {
                traces.push(guarded(|| trace(only))?);
            }
        }
        Ok(traces)
    }

    /// The first reactant, when their number is right.
    fn first<'m>(&self, reactants: &[&'m Mol]) -> Result<&'m Mol, ChemError> {
        let wanted = self.reactants();
        match reactants {
            [first, ..] if reactants.len() == wanted => Ok(first),
            _ => Err(ChemError::new(
                ErrorClass::Template,
                format!("the template takes {wanted} reactants, {} given", reactants.len()),
            )),
        }
    }

    /// Whether the reactants combine in more than [`MAX_PRODUCT_SETS`] ways, in which case the toolkit would stop early with
    /// a line on standard error. Small molecules are not asked: the check costs as much as the search.
    fn is_too_ambiguous(&self, reactants: &[&Mol]) -> Result<bool, ChemError> {
        if reactants.len() < 2 || reactants.iter().map(|mol| mol.heavy_atoms()).product::<usize>() <= MAX_PRODUCT_SETS {
            return Ok(false);
        }
        // As the toolkit matches reactants: symmetric matches count, and no more than may combine are looked for.
        let all = SubstructMatchParams { uniquify: false, max_matches: MAX_PRODUCT_SETS, ..Default::default() };
        let mut ways = 1usize;
        for (query, mol) in self.reaction.reactant_templates().iter().zip(reactants) {
            let found = mol.toolkit().substruct_matches_with_params(query, &all).map_err(ChemError::internal)?;
            ways = ways.saturating_mul(found.len());
        }
        Ok(ways > MAX_PRODUCT_SETS)
    }

    /// Product sets as the toolkit makes them.
    fn raw(&self, first: &Mol, reactants: &[&Mol]) -> Result<Vec<Vec<Molecule>>, ChemError> {
        guarded(|| {
            if self.is_too_ambiguous(reactants)? {
                return Ok(Vec::new());
            }
            let molecules: Vec<&Molecule> = reactants.iter().map(|mol| mol.toolkit()).collect();
            // The toolkit wants a mutable reaction only to initialise it, which is done already.
            let mut reaction = self.reaction.clone();
            let parameters =
                ReactionRunParams { max_products: MAX_PRODUCT_SETS as u32, ..ReactionRunParams::default() };
            first
                .toolkit()
                .reaction_products_from_inputs(&mut reaction, &molecules, &parameters)
                .map_err(ChemError::internal)
        })
    }
}

/// Reads the origins that the toolkit notes on the atoms of a product.
fn trace(product: &Molecule) -> Result<Trace, ChemError> {
    let noted = |atom, key: &str| product.atom_property_uint(atom, key).map_err(ChemError::internal);
    let mut atoms = Vec::new();
    for atom in product.atoms().iter() {
        let origin = match (noted(atom.id(), "react_idx")?, noted(atom.id(), "react_atom_idx")?) {
            (Some(reactant), Some(place)) => Some((reactant as usize, place as usize)),
            _ => None,
        };
        let (element, charge) = (atom.element().symbol().to_string(), i32::from(atom.formal_charge()));
        atoms.push(TracedAtom { element, charge, origin });
    }
    let bonds = product.bonds().iter().map(|bond| Bond {
        begin: bond.begin().index(),
        end: bond.end().index(),
        order: order_of(bond.order()),
        in_ring: false,
    });
    Ok(Trace { atoms, bonds: bonds.collect() })
}

/// SMILES of a product as the toolkit leaves it, unsanitised; reading it back sanitises it.
fn raw_text(product: &Molecule) -> Option<String> {
    guarded(|| {
        let written = product.to_smiles().map_err(ChemError::internal)?;
        String::from_utf8(written.into_bytes()).map_err(ChemError::internal)
    })
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mol(smiles: &str) -> Mol {
        Mol::parse(smiles).unwrap()
    }

    fn sets(smirks: &str, reactants: &[&str]) -> Vec<String> {
        let reactants: Vec<Mol> = reactants.iter().map(|text| mol(text)).collect();
        let borrowed: Vec<&Mol> = reactants.iter().collect();
        Template::compile(smirks)
            .unwrap()
            .apply(&borrowed)
            .unwrap()
            .iter()
            .map(|set| {
                let names: Vec<&str> = set.iter().map(Mol::canonical).collect();
                names.join(".")
            })
            .collect()
    }

    #[test]
    fn products_are_distinct_and_sorted() {
        // Two equal hydroxyls give one product, two different ones give two.
        let smirks = "[C:1][OX2H1:2]>>[C:1][O:2]C";
        assert_eq!(sets(smirks, &["OCCO"]), ["COCCO"]);
        assert_eq!(sets(smirks, &["OCC(C)O"]), ["COC(C)CO", "COCC(C)O"]);
        assert!(sets(smirks, &["CCC"]).is_empty());
    }

    #[test]
    fn a_set_keeps_the_order_of_the_template() {
        let smirks = "[C:1](=[O:2])-!@[O:3][C:4]>>[C:1](=[O:2])O.[O:3][C:4]";
        assert_eq!(sets(smirks, &["CC(=O)OCC"]), ["CC(=O)O.CCO"]);
    }

    #[test]
    fn impossible_products_are_left_out() {
        assert!(sets("[CX4:1]>>[C:1](C)(C)(C)C", &["CCC"]).is_empty());
    }

    #[test]
    fn the_number_of_sets_is_bounded() {
        let many = sets("[CH2:1].[CH2:2]>>[CH1:1][CH1:2]", &["CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCC", "CCCCCCCCCCCCC"]);
        assert!(many.is_empty(), "so many ways that any choice would be arbitrary");
        let some = sets("[CH2:1].[CH2:2]>>[CH1:1][CH1:2]", &["CCCCCCCCCCCCCCC", "CCCCCCCCCCCCCC"]);
        assert!(!some.is_empty() && some.len() <= MAX_PRODUCT_SETS);
    }

    #[test]
    fn atoms_are_followed() {
        let (acid, amine) = (mol("CC(=O)O"), mol("NCC"));
        let template = Template::compile("[C:1](=[O:2])[OX2H1].[NX3;H2:3]>>[C:1](=[O:2])[N:3]").unwrap();
        let traces = template.traces(&[&acid, &amine], &mol("CC(=O)NCC")).unwrap();
        assert_eq!(traces.len(), 1);
        let mut origins: Vec<_> = traces[0].atoms.iter().map(|atom| atom.origin).collect();
        origins.sort();
        // Everything but the hydroxyl oxygen, atom 3 of the acid.
        let expected = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)].map(Some);
        assert_eq!(origins, expected);
        assert!(template.traces(&[&acid, &amine], &mol("CCC")).unwrap().is_empty());
        assert!(template.traces(&[&acid], &mol("CCC")).is_err());
        let hydrated = Template::compile("[C:1]#[N:2]>>[C:1](=O)[N:2]").unwrap();
        let traces = hydrated.traces(&[&mol("CC#N")], &mol("CC(N)=O")).unwrap();
        let new: Vec<_> =
            traces[0].atoms.iter().filter(|atom| atom.origin.is_none()).map(|atom| &atom.element).collect();
        assert_eq!(new, ["O"]);
    }

    #[test]
    fn errors_say_what_is_wrong() {
        for smirks in ["", "CC", "[C:1]>>", ">>[C:1]", "[C:1>>[C:1]"] {
            assert_eq!(Template::compile(smirks).unwrap_err().class, ErrorClass::Template, "{smirks}");
        }
        let template = Template::compile("[C:1].[N:2]>>[C:1][N:2]").unwrap();
        let methane = mol("C");
        assert_eq!(template.apply(&[&methane]).unwrap_err().class, ErrorClass::Template);
        assert_eq!(template.apply(&[]).unwrap_err().class, ErrorClass::Template);
    }
}
