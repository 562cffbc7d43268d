//! Molecules.

use chemr_chem::Gate;
use pyo3::prelude::*;

use crate::refused;
use crate::signals::undisturbed;

/// A molecule, read behind the gate for data (ASCII, at most 2,000 characters). Values are those of RDKit 2026.9.1.
#[pyclass(frozen, module = "chemr._chemr")]
pub struct Mol(chemr_chem::Mol);

#[pymethods]
impl Mol {
    #[new]
    fn new(smiles: &str) -> PyResult<Mol> {
        undisturbed(|| chemr_chem::Mol::parse_with(smiles, &Gate::DATA)).map(Mol).map_err(refused)
    }

    /// Canonical isomeric SMILES.
    #[getter]
    fn smiles(&self) -> &str {
        self.0.canonical()
    }

    /// SELFIES of the canonical SMILES; `None` where it has none (wildcards, more bonds than the constraints allow).
    #[getter]
    fn selfies(&self) -> Option<String> {
        self.0.selfies().ok()
    }

    #[getter]
    fn inchi(&self, py: Python<'_>) -> Option<String> {
        py.detach(|| self.0.inchi())
    }

    #[getter]
    fn inchikey(&self, py: Python<'_>) -> Option<String> {
        py.detach(|| self.0.inchikey())
    }

    #[getter]
    fn formula(&self) -> String {
        self.0.formula()
    }

    /// Murcko scaffold as canonical SMILES without stereochemistry; empty without rings.
    #[getter]
    fn scaffold(&self) -> String {
        self.0.scaffold()
    }

    /// Canonical SMILES of the fragments, sorted.
    #[getter]
    fn fragments(&self) -> Vec<String> {
        let mut parts: Vec<String> = self.0.fragments().iter().map(|part| part.canonical().to_owned()).collect();
        parts.sort_unstable();
        parts
    }

    #[getter]
    fn mass(&self) -> f64 {
        self.0.average_mass()
    }

    #[getter]
    fn logp(&self) -> f64 {
        undisturbed(|| self.0.logp())
    }

    #[getter]
    fn mr(&self) -> f64 {
        undisturbed(|| self.0.mr())
    }

    #[getter]
    fn tpsa(&self) -> f64 {
        undisturbed(|| self.0.tpsa())
    }

    #[getter]
    fn qed(&self) -> f64 {
        undisturbed(|| self.0.qed())
    }

    #[getter]
    fn heavy_atoms(&self) -> usize {
        self.0.heavy_atoms()
    }

    /// Functional groups by name, with their counts.
    #[getter]
    fn groups(&self) -> std::collections::BTreeMap<String, usize> {
        let known = chemr_chem::groups();
        let counts = undisturbed(|| known.counts(&self.0));
        counts.iter().filter_map(|(id, count)| Some((known.get(id)?.name.clone(), *count))).collect()
    }

    /// Tanimoto similarity: `kind` is `morgan` (2,048 bits), `morgan_count`, `maccs` or `rdk`; radius 2. `None` where the fingerprint would be too
    /// large.
    #[pyo3(signature = (other, kind = "morgan"))]
    fn similarity(&self, other: &Mol, kind: &str, py: Python<'_>) -> PyResult<Option<f64>> {
        let (a, b) = (&self.0, &other.0);
        let of = || match kind {
            "morgan" => Ok(Some(a.morgan(2, 2048).tanimoto(&b.morgan(2, 2048)))),
            "morgan_count" => Ok(Some(a.morgan_counts(2).tanimoto(&b.morgan_counts(2)))),
            "maccs" => Ok(Some(a.maccs().tanimoto(&b.maccs()))),
            "rdk" => Ok(a.rdk().zip(b.rdk()).map(|(a, b)| a.tanimoto(&b))),
            other => Err(refused(format!("unknown fingerprint {other:?}; there are morgan, morgan_count, maccs, rdk"))),
        };
        py.detach(|| undisturbed(of))
    }

    fn __eq__(&self, other: &Mol) -> bool {
        self.0.is_same(&other.0)
    }

    fn __hash__(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        self.0.canonical().hash(&mut hasher);
        hasher.finish()
    }

    fn __repr__(&self) -> String {
        format!("Mol({:?})", self.0.canonical())
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<(Py<PyAny>, (String,))> {
        Ok((slf.get_type().into_any().unbind(), (slf.get().0.input().to_owned(),)))
    }
}

/// The molecule that a SELFIES text stands for, with the package's default constraints. `compatible` also reads symbols of SELFIES
/// before 2.0, with today's lengths.
#[pyfunction]
#[pyo3(signature = (selfies, compatible = false))]
pub fn from_selfies(selfies: &str, compatible: bool) -> PyResult<Mol> {
    let options = chemr_chem::selfies::Decoding { compatible, ..Default::default() };
    undisturbed(|| chemr_chem::Mol::parse_selfies(selfies, &options, &Gate::DATA)).map(Mol).map_err(refused)
}

/// A drawing of a molecule as SVG.
#[pyfunction]
#[pyo3(signature = (mol, width = 300, height = 220))]
pub fn svg(mol: &Mol, width: u32, height: u32, py: Python<'_>) -> PyResult<String> {
    let options = chemr_chem::Depiction { width, height, ..chemr_chem::Depiction::default() };
    py.detach(|| undisturbed(|| chemr_chem::svg(&mol.0, &options))).map_err(refused)
}
