//! The molecule: reading, writing, identity.

use std::sync::Arc;

use cosmolkit::{AtomId, Molecule, SmilesWriteParams};

use crate::error::{ChemError, ErrorClass};
use crate::gate::{Gate, trimmed};
use crate::guard::guarded;
use crate::read::read;

/// A sanitised molecule with its canonical isomeric SMILES.
///
/// Immutable, `Send + Sync`, cheap to clone. Every value holds a canonical string, so identity
/// ([`Mol::is_same`]) never fails. Atom indices follow the text that was read; hydrogens written
/// as atoms are merged into their neighbours as RDKit does.
#[derive(Clone)]
pub struct Mol {
    inner: Arc<Inner>,
}

struct Inner {
    input: String,
    molecule: Molecule,
    canonical: String,
}

/// What was read from a text: a sanitised molecule, of which the canonical string, more than half the work of [`Mol::parse`], is not made
/// yet. Enough to know that a text is a molecule.
#[derive(Clone)]
pub struct Reading {
    molecule: Molecule,
    input: String,
}

impl Reading {
    /// Reads a SMILES string through a gate.
    ///
    /// # Errors
    /// As [`Mol::parse`].
    pub fn new(smiles: &str, gate: &Gate) -> Result<Reading, ChemError> {
        let inner = gate.check(smiles)?;
        let molecule = read(inner, gate).map_err(|error| {
            // Positions count from the start of the text as given, blanks included.
            let (blanks, _) = trimmed(smiles);
            ChemError { position: error.position.map(|position| position + blanks), ..error }
        })?;
        guarded(|| check_state(&molecule))?;
        Ok(Reading { molecule, input: inner.to_string() })
    }

    /// The text that was read, without the blanks around it.
    pub fn input(&self) -> &str {
        &self.input
    }

    /// The molecule with its canonical string.
    ///
    /// # Errors
    /// `internal` when the toolkit fails.
    pub fn canonicalise(self) -> Result<Mol, ChemError> {
        let Reading { molecule, input } = self;
        let canonical = guarded(|| text(&molecule, &SmilesWriteParams::default()))?;
        let input = if input.is_empty() { canonical.clone() } else { input };
        Ok(Mol { inner: Arc::new(Inner { input, molecule, canonical }) })
    }
}

fn text(molecule: &Molecule, parameters: &SmilesWriteParams) -> Result<String, ChemError> {
    let written = molecule.to_smiles_with_params(parameters).map_err(ChemError::internal)?;
    String::from_utf8(written.into_bytes()).map_err(ChemError::internal)
}

/// Whether the toolkit has what it computes descriptors and matches from: rings, hydrogens and a formula. A molecule without
/// them would be given out with zeros that nobody could tell from counts.
fn check_state(molecule: &Molecule) -> Result<(), ChemError> {
    molecule.num_rings().map_err(ChemError::internal)?;
    for atom in molecule.atoms() {
        atom.total_hydrogens().map_err(ChemError::internal)?;
    }
    let formula = molecule.molecular_formula().map_err(ChemError::internal)?;
    if formula.is_empty() { Err(ChemError::internal("a molecule without a formula")) } else { Ok(()) }
}

impl Mol {
    /// Reads a SMILES string through [`Gate::ANSWER`].
    ///
    /// # Errors
    /// The gate's classes, the parse classes of [`crate::ErrorClass`], or `internal` when the toolkit
    /// panicked. Never panics.
    pub fn parse(smiles: &str) -> Result<Mol, ChemError> {
        Mol::parse_with(smiles, &Gate::ANSWER)
    }

    /// Reads a SMILES string through a gate of your choice.
    ///
    /// # Errors
    /// As [`Mol::parse`].
    pub fn parse_with(smiles: &str, gate: &Gate) -> Result<Mol, ChemError> {
        Reading::new(smiles, gate)?.canonicalise()
    }

    /// Reads an InChI of at most 10,000 characters.
    ///
    /// # Errors
    /// [`ErrorClass::TooLong`], [`ErrorClass::Syntax`] for what the toolkit does not read, and what [`Mol::parse_with`] says about the
    /// molecule.
    pub fn from_inchi(inchi: &str) -> Result<Mol, ChemError> {
        const MAX_CHARS: usize = 10_000;
        let inchi = inchi.trim();
        if inchi.len() > MAX_CHARS {
            let message = format!("{} characters, at most {MAX_CHARS} are read", inchi.len());
            return Err(ChemError::new(ErrorClass::TooLong, message));
        }
        let written = guarded(|| {
            let molecule =
                Molecule::from_inchi(inchi).map_err(|error| ChemError::new(ErrorClass::Syntax, error.to_string()))?;
            text(&molecule, &SmilesWriteParams::default())
        })?;
        // Read again, so that the molecule has passed the gate and the checks that all others have.
        Mol::parse_with(&written, &Gate::DATA)
    }

    /// Wraps a sanitised toolkit molecule. `input` is what [`Mol::input`] returns; an empty one
    /// stands for the canonical string.
    pub(crate) fn from_toolkit(molecule: Molecule, input: String) -> Result<Mol, ChemError> {
        guarded(|| check_state(&molecule))?;
        Reading { molecule, input }.canonicalise()
    }

    /// The toolkit's molecule, for the modules of this crate.
    pub(crate) fn toolkit(&self) -> &Molecule {
        &self.inner.molecule
    }

    /// The text that was read, without the blanks around it.
    pub fn input(&self) -> &str {
        &self.inner.input
    }

    /// RDKit's canonical isomeric SMILES.
    pub fn canonical(&self) -> &str {
        &self.inner.canonical
    }

    /// RDKit's canonical SMILES without stereo and isotopes.
    pub fn canonical_flat(&self) -> String {
        self.write(&SmilesWriteParams { isomeric_smiles: false, ..SmilesWriteParams::default() })
    }

    /// A SMILES string in random atom order; the same seed gives the same string.
    pub fn random_smiles(&self, seed: u64) -> String {
        // The toolkit reseeds its generator for 1..=i32::MAX only.
        let seed = u32::try_from(seed % (i32::MAX as u64)).unwrap_or(0) + 1;
        guarded(|| {
            let mut written = self.toolkit().to_random_smiles(1, seed).map_err(ChemError::internal)?;
            let first = written.pop().ok_or_else(|| ChemError::internal("no random SMILES written"))?;
            String::from_utf8(first.into_bytes()).map_err(ChemError::internal)
        })
        .unwrap_or_else(|_| self.canonical().to_string())
    }

    /// A canonical SMILES string that starts at the atom with this index (the whole canonical
    /// string when there is no such atom).
    pub fn rooted_smiles(&self, atom: usize) -> String {
        if atom >= self.toolkit().num_atoms() {
            return self.canonical().to_string();
        }
        self.write(&SmilesWriteParams { rooted_at_atom: Some(AtomId::new(atom)), ..SmilesWriteParams::default() })
    }

    /// A SMILES string in the atom order of the text that was read; not canonical.
    pub fn input_order_smiles(&self) -> String {
        self.write(&SmilesWriteParams { canonical: false, ..SmilesWriteParams::default() })
    }

    /// Writes with given options; the canonical string stands in should the toolkit fail.
    pub(crate) fn write(&self, parameters: &SmilesWriteParams) -> String {
        guarded(|| text(self.toolkit(), parameters)).unwrap_or_else(|_| self.canonical().to_string())
    }

    /// Standard InChI, where the toolkit makes one.
    pub fn inchi(&self) -> Option<String> {
        guarded(|| self.toolkit().to_inchi().map_err(ChemError::internal)).ok().filter(|inchi| !inchi.is_empty())
    }

    /// Key of the standard InChI, where the toolkit makes one.
    pub fn inchikey(&self) -> Option<String> {
        guarded(|| self.toolkit().to_inchi_key().map_err(ChemError::internal)).ok().filter(|key| !key.is_empty())
    }

    /// The parts of a multi-part molecule, in the order of the text; one part gives itself.
    pub fn fragments(&self) -> Vec<Mol> {
        if !self.canonical().contains('.') {
            return vec![self.clone()];
        }
        guarded(|| {
            self.toolkit()
                .fragments()
                .map_err(ChemError::internal)?
                .into_iter()
                .map(|part| Mol::from_toolkit(part, String::new()))
                .collect()
        })
        .unwrap_or_else(|_| vec![self.clone()])
    }

    /// Whether both are the same molecule: equal canonical isomeric SMILES.
    pub fn is_same(&self, other: &Mol) -> bool {
        self.canonical() == other.canonical()
    }

    /// Canonical SMILES, without stereo, of the Murcko scaffold: rings, the chains between them
    /// and the atoms that either carries by a double bond. Empty for an acyclic molecule.
    pub fn scaffold(&self) -> String {
        guarded(|| {
            let scaffold = self.toolkit().murcko_decompose().map_err(ChemError::internal)?;
            text(&scaffold, &SmilesWriteParams { isomeric_smiles: false, ..SmilesWriteParams::default() })
        })
        .unwrap_or_default()
    }
}

impl PartialEq for Mol {
    /// Identity, as [`Mol::is_same`].
    fn eq(&self, other: &Mol) -> bool {
        self.is_same(other)
    }
}

impl Eq for Mol {}

impl std::hash::Hash for Mol {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.canonical().hash(state);
    }
}

impl std::fmt::Debug for Mol {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Mol").field(&self.canonical()).finish()
    }
}

impl std::fmt::Display for Mol {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.canonical())
    }
}

impl std::str::FromStr for Mol {
    type Err = ChemError;

    fn from_str(smiles: &str) -> Result<Mol, ChemError> {
        Mol::parse(smiles)
    }
}
