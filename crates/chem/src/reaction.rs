//! Reaction SMILES: `reactants>agents>products` as a type.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use crate::error::{ChemError, ErrorClass};
use crate::gate::Gate;
use crate::graph::BondOrder;
use crate::mol::Mol;

/// Which side of the arrows a molecule stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    Reactant,
    Agent,
    Product,
}

impl Role {
    /// Every role, in the order of the text.
    pub const ALL: [Role; 3] = [Role::Reactant, Role::Agent, Role::Product];
}

/// A reaction as SMILES, each molecule of each role as its own text.
///
/// A molecule of several fragments (a salt) is one entry when the text groups its fragments with
/// the ChemAxon extension `|f:0.1|`; otherwise each fragment is an entry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ReactionSmiles {
    pub reactants: Vec<String>,
    pub agents: Vec<String>,
    pub products: Vec<String>,
}

/// Sigma bonds that a mapped reaction makes and breaks, see [`ReactionSmiles::bond_changes`].
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct BondChanges {
    /// Elements in alphabetical order and the bond symbol: `C-N`, `C=C`; sorted, repeated as often
    /// as it occurs.
    pub formed: Vec<String>,
    pub broken: Vec<String>,
}

impl ReactionSmiles {
    /// Reads a reaction SMILES. Every molecule passes [`Gate::DATA`] and is parsed; its text is kept
    /// as it was written. An empty agent part is usual, an empty reactant or product part is allowed
    /// too (half reactions occur in data).
    ///
    /// # Errors
    /// With the byte offset in `text`: [`ErrorClass::Syntax`] for anything but two arrows, for an
    /// empty molecule between dots and for an extension that cannot be read; otherwise what
    /// [`Mol::parse_with`] says about the molecule.
    pub fn parse(text: &str) -> Result<ReactionSmiles, ChemError> {
        let trimmed = text.trim_end();
        let start = trimmed.len() - trimmed.trim_start().len();
        let trimmed = &trimmed[start..];
        if trimmed.is_empty() {
            return Err(ChemError::new(ErrorClass::Empty, "no reaction given"));
        }
        let (body, extension) = match trimmed.find(char::is_whitespace) {
            Some(blank) => (&trimmed[..blank], Some(trimmed[blank..].trim_start())),
            None => (trimmed, None),
        };
        let arrows: Vec<usize> = body.match_indices('>').map(|(place, _)| place).collect();
        let &[first, second] = arrows.as_slice() else {
            let place = arrows.get(2).copied().unwrap_or(body.len());
            return Err(ChemError::at(
                ErrorClass::Syntax,
                start + place,
                format!("a reaction SMILES has two '>' characters, this one has {}", arrows.len()),
            ));
        };
        let mut entries: Vec<(Role, String)> = Vec::new();
        for (role, from, to) in
            [(Role::Reactant, 0, first), (Role::Agent, first + 1, second), (Role::Product, second + 1, body.len())]
        {
            for (offset, part) in components(&body[from..to]) {
                let place = start + from + offset;
                if part.is_empty() {
                    return Err(ChemError::at(ErrorClass::Syntax, place, "a molecule is missing beside a dot"));
                }
                Mol::parse_with(part, &Gate::DATA)
                    .map_err(|error| ChemError { position: Some(place + error.position.unwrap_or(0)), ..error })?;
                entries.push((role, part.to_string()));
            }
        }
        if let Some(extension) = extension {
            let place = start + trimmed.len() - extension.len();
            entries = grouped(entries, extension, place)?;
        }
        let mut reaction = ReactionSmiles::default();
        for (role, part) in entries {
            reaction.role_mut(role).push(part);
        }
        Ok(reaction)
    }

    /// The molecules of a role, as texts.
    pub fn role(&self, role: Role) -> &[String] {
        match role {
            Role::Reactant => &self.reactants,
            Role::Agent => &self.agents,
            Role::Product => &self.products,
        }
    }

    fn role_mut(&mut self, role: Role) -> &mut Vec<String> {
        match role {
            Role::Reactant => &mut self.reactants,
            Role::Agent => &mut self.agents,
            Role::Product => &mut self.products,
        }
    }

    /// The molecules of a role, parsed. Map numbers stay.
    ///
    /// # Errors
    /// What [`Mol::parse_with`] says about the first bad molecule.
    pub fn molecules(&self, role: Role) -> Result<Vec<Mol>, ChemError> {
        self.role(role).iter().map(|text| Mol::parse_with(text, &Gate::DATA)).collect()
    }

    /// The atom-map numbers that occur in a role (0, "no number", is left out).
    ///
    /// # Errors
    /// As [`ReactionSmiles::molecules`].
    pub fn map_numbers(&self, role: Role) -> Result<BTreeSet<u32>, ChemError> {
        Ok(self
            .molecules(role)?
            .iter()
            .flat_map(Mol::atoms)
            .map(|atom| atom.map_number)
            .filter(|number| *number > 0)
            .collect())
    }

    /// The same reaction without atom maps: each molecule as canonical SMILES, in the order given.
    ///
    /// # Errors
    /// As [`ReactionSmiles::molecules`].
    pub fn map_free(&self) -> Result<ReactionSmiles, ChemError> {
        let mut reaction = ReactionSmiles::default();
        for role in Role::ALL {
            for text in self.role(role) {
                let bare = Mol::parse_with(&without_maps(text), &Gate::DATA)?;
                reaction.role_mut(role).push(bare.canonical().to_string());
            }
        }
        Ok(reaction)
    }

    /// The reaction without atom maps, canonical, and sorted within each role: equal for two
    /// reactions exactly when they name the same molecules in the same roles.
    ///
    /// # Errors
    /// As [`ReactionSmiles::molecules`].
    pub fn canonical(&self) -> Result<ReactionSmiles, ChemError> {
        let mut reaction = self.map_free()?;
        for role in Role::ALL {
            reaction.role_mut(role).sort();
        }
        Ok(reaction)
    }

    /// The sigma bonds that the reaction makes and breaks, by its atom maps. A bond counts as formed
    /// when the product has it between two mapped atoms and the reactants do not, and as broken when
    /// the reactants have it at a mapped atom that stays in the product, and the product does not.
    /// Bonds that only change their order are not listed; hydrogens are not counted.
    ///
    /// # Errors
    /// As [`ReactionSmiles::molecules`].
    pub fn bond_changes(&self) -> Result<BondChanges, ChemError> {
        let before = self.mapped_bonds(Role::Reactant)?;
        let after = self.mapped_bonds(Role::Product)?;
        let kept = self.map_numbers(Role::Product)?;
        let mut changes = BondChanges::default();
        let has = |bonds: &[MappedBond], bond: &MappedBond| bonds.iter().any(|known| known.ends == bond.ends);
        for bond in after.iter().filter(|bond| bond.ends.0 > 0 && !has(&before, bond)) {
            changes.formed.push(bond.text.clone());
        }
        for bond in &before {
            let stays = kept.contains(&bond.ends.0) || kept.contains(&bond.ends.1);
            if stays && (bond.ends.0 == 0 || !has(&after, bond)) {
                changes.broken.push(bond.text.clone());
            }
        }
        changes.formed.sort();
        changes.broken.sort();
        Ok(changes)
    }

    /// Bonds with at least one mapped end.
    fn mapped_bonds(&self, role: Role) -> Result<Vec<MappedBond>, ChemError> {
        let mut bonds = Vec::new();
        for mol in self.molecules(role)? {
            let atoms = mol.atoms();
            for bond in mol.bonds() {
                let (Some(begin), Some(end)) = (atoms.get(bond.begin), atoms.get(bond.end)) else {
                    continue;
                };
                let (first, second) = (begin.map_number, end.map_number);
                if first.max(second) > 0 {
                    let text = bond_text(&begin.element, &end.element, bond.order);
                    bonds.push(MappedBond { ends: (first.min(second), first.max(second)), text });
                }
            }
        }
        Ok(bonds)
    }
}

/// A bond by the map numbers of its ends, lower first, 0 for an unmapped atom.
struct MappedBond {
    ends: (u32, u32),
    text: String,
}

/// `C-N`, elements in alphabetical order.
fn bond_text(begin: &str, end: &str, order: BondOrder) -> String {
    let symbol = match order {
        BondOrder::Double => '=',
        BondOrder::Triple => '#',
        BondOrder::Aromatic => ':',
        BondOrder::Single | BondOrder::Other => '-',
    };
    format!("{}{symbol}{}", begin.min(end), begin.max(end))
}

/// The dot-separated parts of one role with their offsets; none for an empty role.
fn components(side: &str) -> Vec<(usize, &str)> {
    if side.is_empty() {
        return Vec::new();
    }
    let mut offset = 0;
    side.split('.')
        .map(|part| {
            let at = offset;
            offset += part.len() + 1;
            (at, part)
        })
        .collect()
}

/// Joins the entries that `|f:0.1,3.4|` groups; other fields of the extension are left alone.
fn grouped(entries: Vec<(Role, String)>, extension: &str, place: usize) -> Result<Vec<(Role, String)>, ChemError> {
    let wrong = |message: &str| ChemError::at(ErrorClass::Syntax, place, message);
    let Some(fields) = extension.strip_prefix('|').and_then(|rest| rest.strip_suffix('|')) else {
        return Err(ChemError::at(
            ErrorClass::InnerWhitespace,
            place.saturating_sub(1),
            "text after the reaction that is no |...| extension",
        ));
    };
    let mut leader: BTreeMap<usize, usize> = BTreeMap::new();
    if let Some(begin) = fields.find("f:") {
        let list = &fields[begin + 2..];
        let end =
            list.find(|letter: char| !letter.is_ascii_digit() && letter != '.' && letter != ',').unwrap_or(list.len());
        for group in list[..end].split(',').filter(|group| group.contains('.')) {
            let members: Vec<usize> = group
                .split('.')
                .map(str::parse)
                .collect::<Result<_, _>>()
                .map_err(|_| wrong("a fragment group is no list of numbers"))?;
            let Some(&first) = members.first() else {
                continue;
            };
            for member in members {
                if entries.get(member).map(|(role, _)| *role) != entries.get(first).map(|(role, _)| *role)
                    || member >= entries.len()
                {
                    return Err(wrong("a fragment group names a molecule that is missing or of another role"));
                }
                leader.insert(member, first);
            }
        }
    }
    let mut joined: BTreeMap<usize, (Role, String)> = BTreeMap::new();
    for (index, (role, text)) in entries.into_iter().enumerate() {
        let slot = leader.get(&index).copied().unwrap_or(index);
        match joined.get_mut(&slot) {
            Some((_, known)) => {
                known.push('.');
                known.push_str(&text);
            }
            None => {
                joined.insert(slot, (role, text));
            }
        }
    }
    Ok(joined.into_values().collect())
}

/// Removes the map numbers (`:7` at the end of a bracket atom) from SMILES or SMARTS.
pub fn without_maps(text: &str) -> String {
    let mut bare = String::with_capacity(text.len());
    for part in text.split_inclusive(']') {
        let atom = part.strip_suffix(']').unwrap_or(part);
        let name = atom.trim_end_matches(|letter: char| letter.is_ascii_digit());
        match name.strip_suffix(':') {
            Some(kept) if name.len() < atom.len() && part.ends_with(']') => {
                bare.push_str(kept);
                bare.push(']');
            }
            _ => bare.push_str(part),
        }
    }
    bare
}

impl fmt::Display for ReactionSmiles {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}>{}>{}", self.reactants.join("."), self.agents.join("."), self.products.join("."))
    }
}

impl FromStr for ReactionSmiles {
    type Err = ChemError;

    fn from_str(text: &str) -> Result<ReactionSmiles, ChemError> {
        ReactionSmiles::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAPPED: &str = "[CH3:1][C:2](=[O:3])[OH:4].[NH2:5][CH3:6]>CN(C)C=O>[CH3:1][C:2](=[O:3])[NH:5][CH3:6]";

    #[test]
    fn roles_are_told_apart_and_written_back() {
        let reaction = ReactionSmiles::parse(MAPPED).unwrap();
        assert_eq!(reaction.reactants.len(), 2);
        assert_eq!(reaction.agents, ["CN(C)C=O"]);
        assert_eq!(reaction.products, ["[CH3:1][C:2](=[O:3])[NH:5][CH3:6]"]);
        assert_eq!(reaction.to_string(), MAPPED);
        let bare = ReactionSmiles::parse("CC>>").unwrap();
        assert!(bare.agents.is_empty() && bare.products.is_empty());
        assert_eq!(bare.to_string(), "CC>>");
    }

    #[test]
    fn maps_are_read_and_removed() {
        let reaction = ReactionSmiles::parse(MAPPED).unwrap();
        let numbers = |role| reaction.map_numbers(role).unwrap().into_iter().collect::<Vec<_>>();
        assert_eq!(numbers(Role::Reactant), [1, 2, 3, 4, 5, 6]);
        assert!(numbers(Role::Agent).is_empty());
        assert_eq!(numbers(Role::Product), [1, 2, 3, 5, 6]);
        assert_eq!(reaction.map_free().unwrap().to_string(), "CC(=O)O.CN>CN(C)C=O>CNC(C)=O");
        assert_eq!(
            ReactionSmiles::parse("[nH:3]1[cH:1][cH:2]cc1.[2H:7]C>>[13CH4:1]").unwrap().map_free().unwrap().to_string(),
            "c1cc[nH]c1.[2H]C>>[13CH4]"
        );
    }

    #[test]
    fn the_canonical_form_forgets_order_and_spelling() {
        let left = ReactionSmiles::parse("NC.OC(=O)C>>CC(=O)NC").unwrap();
        let right = ReactionSmiles::parse("C(C)(=O)O.CN>>N(C)C(C)=O").unwrap();
        assert_ne!(left, right);
        assert_eq!(left.canonical(), right.canonical());
    }

    #[test]
    fn mapped_bonds_that_change() {
        let changes = ReactionSmiles::parse(MAPPED).unwrap().bond_changes().unwrap();
        assert_eq!(changes.formed, ["C-N"]);
        assert_eq!(changes.broken, ["C-O"]);
        let unmapped_leaving_group = "O[C:2]([CH3:1])=[O:3].[NH2:5][CH3:6]>>[CH3:1][C:2](=[O:3])[NH:5][CH3:6]";
        let changes = ReactionSmiles::parse(unmapped_leaving_group).unwrap().bond_changes().unwrap();
        assert_eq!(changes.broken, ["C-O"]);
    }

    #[test]
    fn fragments_are_grouped_by_the_extension() {
        let reaction = ReactionSmiles::parse("CCBr.[Na+].[CH3-]>[K+].[Br-]>CCC |f:1.2,3.4|").unwrap();
        assert_eq!(reaction.reactants, ["CCBr", "[Na+].[CH3-]"]);
        assert_eq!(reaction.agents, ["[K+].[Br-]"]);
        let plain = ReactionSmiles::parse("C.C>>CC |c:1|").unwrap();
        assert_eq!(plain.reactants, ["C", "C"]);
    }

    #[test]
    fn errors_point_at_the_place() {
        let fails = |text: &str| {
            let error = ReactionSmiles::parse(text).unwrap_err();
            (error.class, error.position)
        };
        assert_eq!(fails("  ").0, ErrorClass::Empty);
        assert_eq!(fails("CC>C"), (ErrorClass::Syntax, Some(4)));
        assert_eq!(fails("C>C>C>C"), (ErrorClass::Syntax, Some(5)));
        assert_eq!(fails("C..C>>C"), (ErrorClass::Syntax, Some(2)));
        assert_eq!(fails("C.>>C"), (ErrorClass::Syntax, Some(2)));
        assert_eq!(fails("C>>C |f:0.9|").0, ErrorClass::Syntax);
        assert_eq!(fails("C>>C |f:0.1|").0, ErrorClass::Syntax);
        assert_eq!(fails("C>>C and heat").0, ErrorClass::InnerWhitespace);
        let (class, position) = fails("CC>>CC(C");
        assert_eq!(class, ErrorClass::UnbalancedParentheses);
        assert!(position >= Some(4), "{position:?}");
        assert_eq!(fails("CC>>C(C)(C)(C)(C)C").0, ErrorClass::Valence);
    }

    /// Every mapped reaction of USPTO-50k's validation rows is read, and its map-free form is the
    /// same after another round; only with the data at hand.
    #[test]
    fn real_mapped_reactions_are_read() {
        let Some(folder) = std::env::var_os("CHEMR_DATA") else {
            return;
        };
        let file = std::fs::File::open(std::path::Path::new(&folder).join("uspto-50k/valid_mapped.csv.gz")).unwrap();
        let mut reader = csv::Reader::from_reader(flate2::read::GzDecoder::new(file));
        let column = reader.headers().unwrap().iter().position(|name| name == "mapped_rxn").unwrap();
        for row in reader.records().step_by(8) {
            let row = row.unwrap();
            let reaction = ReactionSmiles::parse(&row[column]).unwrap_or_else(|error| panic!("{}: {error}", &row[0]));
            assert_eq!(reaction.to_string(), row[column]);
            let canonical = reaction.canonical().unwrap();
            assert_eq!(ReactionSmiles::parse(&canonical.to_string()).unwrap().canonical().unwrap(), canonical);
            let products = reaction.map_numbers(Role::Product).unwrap();
            assert!(products.is_subset(&reaction.map_numbers(Role::Reactant).unwrap()), "{}", &row[0]);
        }
    }
}
