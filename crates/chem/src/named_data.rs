//! The data file of named reactions and its types.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::{ChemError, ErrorClass};

const DATA: &str = include_str!("../data/named_reactions.toml");

/// A reaction type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NamedReaction {
    /// Stable id in snake_case.
    pub id: String,
    /// Name as written in text, such as `Fischer esterification`.
    pub name: String,
    /// One of the ten superclasses of Schneider et al. (J. Med. Chem. 2016, 59, 4385), in lower case.
    pub class: String,
    /// Preference among disconnections of one product; lower goes first.
    pub rank: u32,
    /// Reaction SMARTS from reactants to the main product.
    pub forward: String,
    /// Reaction SMARTS from the product to its reactants.
    pub retro: String,
    /// For each reactant, the first choice of [`NamedReaction::slots`].
    pub reactant_groups: Vec<String>,
    /// For each reactant, the ids of the functional groups of which it carries one.
    pub slots: Vec<Vec<String>>,
    /// Id of the functional group that the product carries at the place of reaction.
    pub product_group: Option<String>,
    /// Sigma bonds made, elements in alphabetical order (`C-N`), `C=C` when double.
    pub bonds_formed: Vec<String>,
    /// Sigma bonds broken, hydrogen included; a multiple bond that loses a pi bond counts.
    pub bonds_broken: Vec<String>,
    /// SMILES of what leaves, dot-separated, or empty.
    pub byproduct: String,
    /// The usual conditions in words.
    pub reagents: String,
    /// SMILES of what has to stand beside the reactants so that they mean this reaction, or empty.
    pub reagent_smiles: String,
    /// SMILES of the reactants of the example.
    pub example_reactants: Vec<String>,
    /// SMILES of the product of the example.
    pub example_product: String,
    /// Root-aligned ways to write the reaction; none for reactions whose product usually comes another
    /// way (see [`NamedReaction::is_secondary`]).
    pub assemblies: Vec<Assembly>,
}

impl NamedReaction {
    /// Rank from which a reaction counts as secondary.
    pub const SECONDARY_RANK: u32 = 200;

    /// Whether another reaction of the registry makes the same kind of product and goes first.
    pub fn is_secondary(&self) -> bool {
        self.rank >= NamedReaction::SECONDARY_RANK
    }
}

/// Strings in which product and reactants share their fragment texts.
///
/// `{L}` stands for a SMILES prefix that ends at its attachment atom (`CC(C)`), `{R}` for a suffix
/// that starts at it (`CCc1ccccc1`). The strings use the ring numbers 8 and 9 themselves, so a
/// fragment closes its rings within itself and uses 1 to 7.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assembly {
    /// One string for each reactant, in the order of the forward template.
    pub reactants: Vec<String>,
    /// The product.
    pub product: String,
    /// Kinds of fragment that fit `{L}`; empty when it does not occur.
    #[serde(default)]
    pub left: Vec<FragmentKind>,
    /// Kinds of fragment that fit `{R}`; empty when it does not occur.
    #[serde(default)]
    pub right: Vec<FragmentKind>,
}

/// What a fragment is at its attachment atom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FragmentKind {
    /// No fragment: the empty text.
    Hydrogen,
    /// CH3.
    Methyl,
    /// CH2 on an sp3 carbon.
    Primary,
    /// CH with two carbon neighbours, sp3 (rings such as cyclohexyl included).
    Secondary,
    /// Carbon with three carbon neighbours, sp3.
    Tertiary,
    /// CH2 on a benzene ring.
    Benzyl,
    /// Carbon of a benzene ring.
    Aryl,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    ranks: BTreeMap<String, u32>,
    macros: BTreeMap<String, String>,
    reaction: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: String,
    name: String,
    class: String,
    rank: Option<u32>,
    forward: String,
    retro: String,
    reactant_groups: Vec<Vec<String>>,
    product_group: String,
    bonds_formed: Vec<String>,
    bonds_broken: Vec<String>,
    byproduct: String,
    reagents: String,
    #[serde(default)]
    reagent_smiles: String,
    example_reactants: Vec<String>,
    example_product: String,
    #[serde(default)]
    assembly: Vec<Assembly>,
}

fn wrong(message: String) -> ChemError {
    ChemError::new(ErrorClass::Internal, message)
}

/// Puts the macros in for `{name}`; macros may use macros.
fn expand(text: &str, macros: &BTreeMap<String, String>) -> Result<String, ChemError> {
    const DEEPEST: usize = 8;
    let mut text = text.to_string();
    for _ in 0..DEEPEST {
        if !text.contains('{') {
            return Ok(text);
        }
        for (name, value) in macros {
            text = text.replace(&format!("{{{name}}}"), value);
        }
    }
    Err(wrong(format!("a macro in {text} is not defined")))
}

/// Reads the embedded data file.
pub(crate) fn load() -> Result<Vec<NamedReaction>, ChemError> {
    let file: File = toml::from_str(DATA).map_err(|error| wrong(error.to_string()))?;
    file.reaction
        .into_iter()
        .map(|row| {
            let rank = match row.rank.or_else(|| file.ranks.get(&row.class).copied()) {
                Some(rank) => rank,
                None => return Err(wrong(format!("{}: no rank for {}", row.id, row.class))),
            };
            Ok(NamedReaction {
                rank,
                forward: expand(&row.forward, &file.macros)?,
                retro: expand(&row.retro, &file.macros)?,
                reactant_groups: row.reactant_groups.iter().filter_map(|choices| choices.first().cloned()).collect(),
                slots: row.reactant_groups,
                product_group: Some(row.product_group).filter(|id| !id.is_empty()),
                id: row.id,
                name: row.name,
                class: row.class,
                bonds_formed: row.bonds_formed,
                bonds_broken: row.bonds_broken,
                byproduct: row.byproduct,
                reagents: row.reagents,
                reagent_smiles: row.reagent_smiles,
                example_reactants: row.example_reactants,
                example_product: row.example_product,
                assemblies: row.assembly,
            })
        })
        .collect()
}
