//! Reading SMILES: grammar, limits, toolkit, and the toolkit's errors in our terms.

use cosmolkit::{
    AromaticityError, HydrogenError, KekulizeError, Molecule, PropertyCacheError, SanitizeError, SmilesError,
    SmilesParseError, SmilesParseParams, SmilesStereoError, SmilesWriteParams, ValenceError, ValencePhase,
};

use crate::cost;
use crate::error::{ChemError, ErrorClass};
use crate::gate::Gate;
use crate::guard::guarded;
use crate::syntax::{Meaning, Outline, outline};

/// The grammar and the limits on the structure of a text that the character checks of the gate have passed: its outline, and the
/// text in the toolkit's words where these differ.
pub(crate) fn admitted(text: &str, gate: &Gate) -> Result<(Outline, Option<String>), ChemError> {
    let outline = outline(text)?;
    gate.check_outline(&outline)?;
    let reworded = reword(text, &outline)?;
    guarded(|| cost::check(reworded.as_deref().unwrap_or(text), &outline, gate.max_ring_combinations))?;
    Ok((outline, reworded))
}

/// Reads text that the character checks of the gate have passed. Positions count from its start.
pub(crate) fn read(text: &str, gate: &Gate) -> Result<Molecule, ChemError> {
    let (outline, reworded) = admitted(text, gate)?;
    let text = reworded.as_deref().unwrap_or(text);
    guarded(|| {
        let molecule = Molecule::from_smiles(text).map_err(|error| {
            let found = Fault::of(&error);
            let position = found.atom.and_then(|atom| place(text, &outline, atom, &found));
            ChemError { class: found.class, position: position.or(found.position), message: found.message }
        })?;
        if has_aromatic_silicon(&outline) { read_silicon(&molecule) } else { Ok(molecule) }
    })
}

/// Isotope numbers from here on mark carbon atoms that stand for silicon.
const SILICON_MARK: u32 = 60_000;

fn has_aromatic_silicon(outline: &Outline) -> bool {
    outline.edits.iter().any(|edit| matches!(edit.meaning, Meaning::AromaticSilicon(_)))
}

/// The text with the symbols that RDKit reads and the toolkit does not put in other words, if
/// there are any. Atoms keep their order.
///
/// Provisional element names become the final ones. Aromatic silicon, which the toolkit writes but
/// cannot read, becomes an aromatic carbon with a mark that [`read_silicon`] turns back.
fn reword(text: &str, outline: &Outline) -> Result<Option<String>, ChemError> {
    if outline.edits.is_empty() {
        return Ok(None);
    }
    let mut reworded = String::with_capacity(text.len() + 8);
    let mut from = 0;
    for edit in &outline.edits {
        reworded.push_str(&text[from..edit.start]);
        match edit.meaning {
            Meaning::Element(symbol) => reworded.push_str(symbol),
            Meaning::AromaticSilicon(isotope) => {
                if outline.largest_isotope > 1_000 {
                    return Err(ChemError::at(
                        ErrorClass::Gate,
                        edit.start,
                        "an isotope number above 1,000 beside aromatic silicon",
                    ));
                }
                reworded.push_str(&format!("{}c", SILICON_MARK + isotope));
            }
        }
        from = edit.end;
    }
    reworded.push_str(&text[from..]);
    Ok(Some(reworded))
}

/// Turns the marked carbon atoms of a molecule into silicon: silicon has carbon's valence, so the
/// two have the same alternating bonds; written with those, the toolkit can read it.
fn read_silicon(marked: &Molecule) -> Result<Molecule, ChemError> {
    let parameters = SmilesWriteParams { kekule: true, canonical: false, ..SmilesWriteParams::default() };
    let written = marked.to_smiles_with_params(&parameters).map_err(ChemError::internal)?;
    let written = String::from_utf8(written.into_bytes()).map_err(ChemError::internal)?;
    let mut silicon = String::with_capacity(written.len());
    let mut parts = written.split("[60");
    silicon.push_str(parts.next().unwrap_or_default());
    for part in parts {
        // Three digits of the original isotope number, then the carbon's symbol.
        let isotope = part.get(..3).and_then(|digits| digits.parse::<u32>().ok());
        let rest = part.get(3..).and_then(|rest| rest.strip_prefix('C'));
        let (Some(isotope), Some(rest)) = (isotope, rest) else {
            return Err(ChemError::internal("a marked carbon atom was not written back"));
        };
        silicon.push('[');
        if isotope > 0 {
            silicon.push_str(&isotope.to_string());
        }
        silicon.push_str("Si");
        silicon.push_str(rest);
    }
    Molecule::from_smiles(&silicon).map_err(|error| {
        let found = Fault::of(&error);
        ChemError::new(found.class, found.message)
    })
}

/// A toolkit error in our terms, with the atom it names.
struct Fault {
    class: ErrorClass,
    atom: Option<usize>,
    position: Option<usize>,
    message: String,
}

impl Fault {
    fn new(class: ErrorClass, atom: Option<usize>, message: String) -> Fault {
        Fault { class, atom, position: None, message }
    }

    fn of(error: &SmilesError) -> Fault {
        match error {
            SmilesError::Parse(error) => Fault::of_parse(error),
            SmilesError::Hydrogen(HydrogenError::Sanitize(error)) | SmilesError::Sanitize(error) => {
                Fault::of_sanitize(error)
            }
            SmilesError::Hydrogen(HydrogenError::Valence(error)) => Fault::of_valence(error),
            SmilesError::Stereo(error) => Fault::of_stereo(error),
            _ => Fault::new(ErrorClass::Internal, None, error.to_string()),
        }
    }

    fn of_parse(error: &SmilesParseError) -> Fault {
        match error {
            SmilesParseError::Syntax { offset, .. }
            | SmilesParseError::Unsupported { offset, .. }
            | SmilesParseError::Atom { offset, .. } => {
                Fault { class: ErrorClass::Syntax, atom: None, position: Some(*offset), message: error.to_string() }
            }
            SmilesParseError::UnclosedRing { .. } => Fault::new(ErrorClass::UnclosedRing, None, error.to_string()),
            SmilesParseError::ParserSanitize(error) => Fault::of_sanitize(error),
            _ => Fault::new(ErrorClass::Internal, None, error.to_string()),
        }
    }

    fn of_stereo(error: &SmilesStereoError) -> Fault {
        Fault::new(ErrorClass::Internal, None, error.to_string())
    }

    fn of_sanitize(error: &SanitizeError) -> Fault {
        match error {
            SanitizeError::Properties { source: PropertyCacheError::Valence(error), .. } => Fault::of_valence(error),
            SanitizeError::Kekulize { source, .. }
            | SanitizeError::Aromaticity { source: AromaticityError::Kekulize(source), .. } => {
                Fault::of_kekulize(source)
            }
            SanitizeError::Aromaticity { source: AromaticityError::Valence(error), .. } => Fault::of_valence(error),
            _ => Fault::new(ErrorClass::Internal, None, error.to_string()),
        }
    }

    fn of_kekulize(error: &KekulizeError) -> Fault {
        match error {
            KekulizeError::AromaticAtomOutsideRing { atom } => Fault::new(
                ErrorClass::AromaticAtomNotInRing,
                Some(atom.index()),
                "an atom outside any ring is written as aromatic".to_string(),
            ),
            KekulizeError::NotKekulizable { problem_atoms } => Fault::new(
                ErrorClass::Kekulize,
                problem_atoms.first().map(|atom| atom.index()),
                format!("no alternating single and double bonds exist for {} aromatic atoms", problem_atoms.len()),
            ),
            KekulizeError::Valence(error) => Fault::of_valence(error),
            _ => Fault::new(ErrorClass::Kekulize, None, error.to_string()),
        }
    }

    fn of_valence(error: &ValenceError) -> Fault {
        match error {
            ValenceError::InvalidValence {
                atom,
                atomic_number,
                formal_charge,
                phase: ValencePhase::EffectiveAtomicNumber,
                ..
            } => {
                let message = format!("{} cannot have the charge {formal_charge:+}", symbol(*atomic_number));
                Fault::new(ErrorClass::Valence, Some(atom.index()), message)
            }
            ValenceError::InvalidValence { atom, atomic_number, calculated, .. } => {
                let symbol = symbol(*atomic_number);
                let message = match calculated {
                    Some(bonds) => format!("{symbol} cannot have {bonds} bonds"),
                    None => format!("{symbol} has more bonds than it can have"),
                };
                Fault::new(ErrorClass::Valence, Some(atom.index()), message)
            }
            _ => Fault::new(ErrorClass::Internal, None, error.to_string()),
        }
    }
}

fn symbol(atomic_number: u8) -> &'static str {
    cosmolkit::Element::from_atomic_number(atomic_number).map_or("?", |element| element.symbol())
}

/// Byte offset of the atom that the toolkit names.
///
/// The toolkit merges hydrogens written as atoms before it checks, which renumbers the rest; a
/// second reading that keeps them names the atom by its place in the text.
fn place(text: &str, outline: &Outline, atom: usize, found: &Fault) -> Option<usize> {
    if outline.hydrogens == 0 {
        return outline.atoms.get(atom).copied();
    }
    let parameters = SmilesParseParams { remove_hs: false, ..SmilesParseParams::default() };
    let error = Molecule::from_smiles_with_params(text, &parameters).err()?;
    let again = Fault::of(&error);
    if again.class != found.class {
        return None;
    }
    outline.atoms.get(again.atom?).copied()
}

#[cfg(test)]
mod tests {
    use crate::{ErrorClass, Gate, Mol};

    fn canonical(text: &str) -> String {
        Mol::parse_with(text, &Gate::DATA).map_or_else(|error| error.to_string(), |mol| mol.canonical().to_string())
    }

    #[test]
    fn aromatic_silicon_reads_as_rdkit_reads_it() {
        // Right-hand sides: Python RDKit 2026.9.1.
        for (text, expected) in [
            ("C1=CC=C[SiH]=C1", "c1cc[siH]cc1"),
            ("[siH]1ccccc1", "c1cc[siH]cc1"),
            ("C[si]1ccccc1", "C[si]1ccccc1"),
            ("[29siH]1ccccc1", "c1cc[29siH]cc1"),
            ("F[si]1cc([C@H](C)O)ccc1", "C[C@H](O)c1ccc[si](F)c1"),
        ] {
            assert_eq!(canonical(text), expected, "{text}");
            assert_eq!(canonical(expected), expected);
        }
        let error = Mol::parse("CC[si]C").unwrap_err();
        assert_eq!(error.class, ErrorClass::AromaticAtomNotInRing);
        assert_eq!(error.position, Some(2));
    }

    #[test]
    fn provisional_and_quoted_element_symbols_are_read() {
        assert_eq!(canonical("[Uuo]"), "[Og]");
        assert_eq!(canonical("['Db']"), "[Db]");
        assert_eq!(canonical("[Uun].C"), "C.[Ds]");
        assert_eq!(Mol::parse("[Uun].CC(C)(C)(C)C").unwrap_err().position, Some(7));
    }

    #[test]
    fn impossible_charges_are_valence_errors() {
        let error = Mol::parse("[se]1cc[*+:1]Scc1").unwrap_err();
        assert_eq!(error.class, ErrorClass::Valence);
        assert_eq!(error.position, Some(7));
    }
}
